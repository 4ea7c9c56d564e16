//! Row A1 for commands about rights: kill -9 at named places, then each command happened wholly or not at all.

use crate::whole::Commands;

/// Every family of commands about rights, each building on those before.
const COMMANDS: [&str; 27] = [
    "CREATE USER ann SET PASSWORD 'ann-password' CHANGE NOT REQUIRED",
    "CREATE USER bob SET PASSWORD 'bob-password'",
    "ALTER USER bob SET STATUS SUSPENDED SET HOME DATABASE films",
    "CREATE ROLE watchers AS COPY OF reader",
    "CREATE ROLE makers",
    "GRANT ROLE watchers, makers TO ann, bob",
    "GRANT MATCH {title, year} ON GRAPH sheaf NODES Film, Person TO makers, watchers",
    "DENY TRAVERSE ON GRAPH * RELATIONSHIPS BY TO makers",
    "GRANT READ {*} ON GRAPH sheaf FOR (n:Film|Person) WHERE n.year IN [1985, 2000.5, 'x'] TO makers, watchers",
    "DENY MATCH {*} ON GRAPH * FOR ()-[r]-() WHERE r.at > date('2024-10-25') TO makers",
    "GRANT LEVEL admin ON DATABASES tenant_* TO USER ann",
    "CREATE TOKEN nightly FOR USER ann WITH LEVEL read",
    "CREATE TOKEN weekly FOR USER bob ON DATABASES sheaf",
    "ALTER DATABASE sheaf SET OWNER bob",
    "ALTER DATABASE sheaf SET ISOLATION SOFT",
    "RENAME ROLE makers TO builders",
    "RENAME USER ann TO ada",
    "REVOKE GRANT MATCH {title} ON GRAPH sheaf NODES Film FROM builders",
    "REVOKE GRANT READ {*} ON GRAPH sheaf FOR (n:Film) WHERE n.year IN [1985, 2000.5, 'x'] FROM builders",
    "REVOKE ROLE watchers FROM bob",
    "DROP TOKEN nightly FOR USER ada",
    "ALTER DATABASE sheaf SET OWNER ada",
    "CREATE OR REPLACE ROLE watchers AS COPY OF builders",
    "DROP ROLE builders",
    "DROP USER bob",
    "CREATE OR REPLACE USER ada SET PASSWORD 'ada-password'",
    "REVOKE ACCESS ON HOME DATABASE FROM PUBLIC",
];

/// Twenty-four places: before each family's change, before and after the write of some, and before some answers.
const PLACES: [&str; 24] = [
    "rights.create_user:1",
    "rights.create_user:3",
    "rights.alter_user:1",
    "rights.create_role:1",
    "rights.create_role:3",
    "rights.grant_role:1",
    "rights.privileges:1",
    "rights.privileges:3",
    "rights.privileges:4",
    "rights.privileges:6",
    "rights.create_token:2",
    "rights.owner:1",
    "rights.isolation:1",
    "rights.rename_role:1",
    "rights.rename_user:1",
    "rights.revoke_role:1",
    "rights.drop_token:1",
    "rights.drop_role:1",
    "rights.drop_user:1",
    "catalog.change.planned:8",
    "catalog.change.written:8",
    "catalog.change.written:16",
    "catalog.change.written:23",
    "rights.done:20",
];

const ABOUT_RIGHTS: Commands = Commands {
    texts: &COMMANDS,
    listings: &[
        "SHOW USERS YIELD *",
        "SHOW ROLES WITH USERS YIELD *",
        "SHOW PRIVILEGES AS COMMANDS YIELD command ORDER BY command",
        "SHOW TOKENS YIELD name, user, databases, level",
        "SHOW DATABASES YIELD name, owner",
    ],
    may_miss: false,
};

#[test]
fn a1_f85_commands_about_rights_happen_wholly_or_not_at_all() {
    let states = ABOUT_RIGHTS.states();
    for place in PLACES {
        ABOUT_RIGHTS.die_at(place, &states);
    }
}

/// What stays until the server runs without passwords: privileges that are granted and denied for good, and roles.
const IMMUTABLE: Commands = Commands {
    texts: &[
        "CREATE ROLE keepers",
        "CREATE IMMUTABLE ROLE auditors",
        "GRANT IMMUTABLE MATCH {*} ON GRAPH sheaf TO keepers",
        "DENY IMMUTABLE DATABASE MANAGEMENT ON DBMS TO PUBLIC",
        "DENY IMMUTABLE READ {salary} ON GRAPH * NODES Person, Firm TO keepers",
        "GRANT IMMUTABLE ACCESS ON DATABASES tenant_* TO keepers, auditors",
        "GRANT IMMUTABLE TRAVERSE ON GRAPH sheaf FOR (n:Film) WHERE n.year > 1985 TO keepers",
        "GRANT ACCESS ON DATABASES tenant_* TO auditors",
        "DENY IMMUTABLE ROLE MANAGEMENT ON DBMS TO auditors",
        "REVOKE IMMUTABLE DENY DATABASE MANAGEMENT ON DBMS FROM PUBLIC",
        "REVOKE IMMUTABLE GRANT ACCESS ON DATABASES tenant_* FROM keepers, auditors",
        "RENAME ROLE auditors TO checkers",
        "DROP ROLE checkers",
    ],
    listings: &["SHOW ROLES YIELD *", "SHOW PRIVILEGES AS COMMANDS YIELD command, immutable ORDER BY command"],
    may_miss: false,
};

/// Twenty-four places, as above.
const IMMUTABLE_PLACES: [&str; 24] = [
    "rights.create_role:1",
    "rights.create_role:2",
    "rights.privileges:1",
    "rights.privileges:2",
    "rights.privileges:3",
    "rights.privileges:4",
    "rights.privileges:5",
    "rights.privileges:6",
    "rights.privileges:7",
    "rights.privileges:8",
    "rights.privileges:9",
    "rights.rename_role:1",
    "rights.drop_role:1",
    "catalog.change.planned:3",
    "catalog.change.planned:6",
    "catalog.change.planned:9",
    "catalog.change.written:3",
    "catalog.change.written:5",
    "catalog.change.written:7",
    "catalog.change.written:10",
    "catalog.change.written:12",
    "rights.done:4",
    "rights.done:8",
    "rights.done:11",
];

#[test]
fn a1_f85_what_is_granted_and_denied_for_good_is_so_wholly_or_not_at_all() {
    let states = IMMUTABLE.states();
    for pair in states.windows(2) {
        assert_ne!(pair[0], pair[1], "each command is seen");
    }
    for place in IMMUTABLE_PLACES {
        IMMUTABLE.die_at(place, &states);
    }
}
