//! Commands about users, roles, privileges and tokens: what is accepted, how it prints, what is refused.

use super::{check, same};

#[test]
fn f82_users() {
    check("CREATE USER ann SET PASSWORD 'abcdefgh'", "CREATE USER ann SET PASSWORD '******'");
    check(
        "CREATE OR REPLACE USER `a b` SET PLAINTEXT PASSWORD $p SET PASSWORD CHANGE NOT REQUIRED SET STATUS SUSPENDED SET HOME DATABASE films",
        "CREATE OR REPLACE USER `a b` SET PASSWORD $p SET PASSWORD CHANGE NOT REQUIRED SET STATUS SUSPENDED SET HOME DATABASE films",
    );
    check(
        "CREATE USER IF NOT EXISTS $u SET ENCRYPTED PASSWORD 'x' CHANGE REQUIRED",
        "CREATE USER $u IF NOT EXISTS SET ENCRYPTED PASSWORD '******' SET PASSWORD CHANGE REQUIRED",
    );
    check(
        "CREATE USER a SET AUTH PROVIDER 'native' { SET PASSWORD 'x', SET PASSWORD CHANGE NOT REQUIRED }",
        "CREATE USER a SET PASSWORD '******' SET PASSWORD CHANGE NOT REQUIRED",
    );
    check(
        "CREATE USER a",
        "error: Invalid input '': expected 'SET PASSWORD' or 'SET AUTH' (line 1, column 14 (offset: 13))",
    );
    check(
        "CREATE USER a SET AUTH 'ldap' { SET ID 'x' }",
        "error: Unsupported administration command: SET AUTH PROVIDER 'ldap'",
    );
    check(
        "ALTER USER a SET STATUS ACTIVE SET STATUS ACTIVE",
        "error: Duplicate `SET STATUS` clause (line 1, column 49 (offset: 48))",
    );
    same("ALTER USER a IF EXISTS REMOVE HOME DATABASE SET STATUS ACTIVE");
    check("ALTER USER a REMOVE AUTH 'native'", "ALTER USER a REMOVE ALL AUTH");
    check(
        "ALTER CURRENT USER SET PASSWORD FROM 'old' TO $new",
        "ALTER CURRENT USER SET PASSWORD FROM '******' TO $new",
    );
    same("RENAME USER a IF EXISTS TO b");
    same("DROP USER a IF EXISTS");
    same("SHOW USERS WITH AUTH YIELD user, auth WHERE user = 'a' RETURN count(*)");
    same("SHOW CURRENT USER");
    check("SHOW USER YIELD *", "SHOW USERS YIELD *");
}

#[test]
fn f85_roles() {
    same("CREATE ROLE r IF NOT EXISTS AS COPY OF reader");
    same("CREATE OR REPLACE IMMUTABLE ROLE r AS COPY OF reader");
    same("CREATE OR REPLACE ROLE $r");
    check(
        "CREATE OR REPLACE ROLE r IF NOT EXISTS",
        "error: Failed to create the specified role: cannot have both `OR REPLACE` and `IF NOT EXISTS`. (line 1, column 1 (offset: 0))",
    );
    same("RENAME ROLE a TO b");
    same("DROP ROLE a IF EXISTS");
    check("GRANT ROLES a, b TO c, $d", "GRANT ROLE a, b TO c, $d");
    same("REVOKE ROLE a FROM b");
    check("SHOW ALL ROLES", "SHOW ROLES");
    same("SHOW POPULATED ROLES WITH USERS YIELD role, member");
}

#[test]
fn f86_privileges() {
    let role = |text: &str, printed: &str| check(text, printed);
    role("GRANT ACCESS ON DATABASE * TO r", "GRANT ACCESS ON DATABASE * TO ROLE r");
    role("DENY ACCESS ON DATABASES tenant_*, a.b TO r, s", "DENY ACCESS ON DATABASE tenant_*, `a.b` TO ROLE r, ROLE s");
    role("GRANT ACCESS ON ALIAS a TO r", "GRANT ACCESS ON ALIAS a TO ROLE r");
    role("GRANT MATCH {*} ON ALIASES a, `b-c` NODES A TO r", "GRANT MATCH {*} ON ALIAS a, `b-c` NODES A TO ROLE r");
    role("REVOKE LEVEL read ON ALIAS $a FROM USER u", "REVOKE LEVEL read ON ALIAS $a FROM USER u");
    role("GRANT START ON HOME DATABASE TO USER ann", "GRANT START ON HOME DATABASE TO USER ann");
    role("GRANT MATCH {*} ON GRAPH films NODES A, B TO r", "GRANT MATCH {*} ON GRAPH films NODES A, B TO ROLE r");
    role("GRANT READ {a, `b c`} ON GRAPHS * TO r", "GRANT READ {a, `b c`} ON GRAPH * TO ROLE r");
    role(
        "DENY TRAVERSE ON DEFAULT GRAPH RELATIONSHIPS * (*) TO r",
        "DENY TRAVERSE ON DEFAULT GRAPH RELATIONSHIPS * TO ROLE r",
    );
    role("REVOKE GRANT WRITE ON GRAPH g FROM r", "REVOKE GRANT WRITE ON GRAPH g FROM ROLE r");
    role("REVOKE IMMUTABLE DENY CREATE ON GRAPH g FROM r", "REVOKE DENY IMMUTABLE CREATE ON GRAPH g FROM ROLE r");
    role("GRANT SET LABEL * ON GRAPH g TO r", "GRANT SET LABEL * ON GRAPH g TO ROLE r");
    role("GRANT SET PROPERTY {x} ON GRAPH g ELEMENTS A TO r", "GRANT SET PROPERTY {x} ON GRAPH g ELEMENTS A TO ROLE r");
    role("GRANT ALL ON GRAPH g TO r", "GRANT ALL GRAPH PRIVILEGES ON GRAPH g TO ROLE r");
    role("GRANT ALL PRIVILEGES ON HOME DATABASE TO r", "GRANT ALL DATABASE PRIVILEGES ON HOME DATABASE TO ROLE r");
    role("GRANT ALL DBMS PRIVILEGES ON DBMS TO r", "GRANT ALL DBMS PRIVILEGES ON DBMS TO ROLE r");
    role("GRANT CREATE NEW LABELS ON DATABASE d TO r", "GRANT CREATE NEW NODE LABEL ON DATABASE d TO ROLE r");
    role("GRANT INDEX ON DATABASE d TO r", "GRANT INDEX MANAGEMENT ON DATABASE d TO ROLE r");
    role("GRANT SHOW TRANSACTIONS (*) ON DATABASE d TO r", "GRANT SHOW TRANSACTION (*) ON DATABASE d TO ROLE r");
    role(
        "GRANT TERMINATE TRANSACTION (a, $b) ON DATABASE d TO r",
        "GRANT TERMINATE TRANSACTION (a, $b) ON DATABASE d TO ROLE r",
    );
    role("GRANT IMPERSONATE (bob) ON DBMS TO r", "GRANT IMPERSONATE (bob) ON DBMS TO ROLE r");
    role(
        "GRANT EXECUTE PROCEDURES apoc.*, db.?x.y ON DBMS TO r",
        "GRANT EXECUTE PROCEDURE apoc.*, db.?x.y ON DBMS TO ROLE r",
    );
    role(
        "GRANT EXECUTE USER DEFINED FUNCTION * ON DBMS TO r",
        "GRANT EXECUTE USER DEFINED FUNCTION * ON DBMS TO ROLE r",
    );
    role("GRANT SHOW SETTINGS a.b ON DBMS TO r", "GRANT SHOW SETTING a.b ON DBMS TO ROLE r");
    let quoted = "GRANT SHOW SETTING `a b.*`, `a``b?` ON DBMS TO ROLE r";
    role("GRANT SHOW SETTING `a b`.*, `a``b`? ON DBMS TO r", quoted);
    role(quoted, quoted);
    role("GRANT ACCESS ON DATABASE `a b`* TO r", "GRANT ACCESS ON DATABASE `a b*` TO ROLE r");
    role("GRANT ROLE MANAGEMENT ON DBMS TO r", "GRANT ROLE MANAGEMENT ON DBMS TO ROLE r");
    role("GRANT LOAD ON CIDR '10.0.0.0/8' TO r", "GRANT LOAD ON CIDR '10.0.0.0/8' TO ROLE r");
    role("GRANT LOAD ON ALL DATA TO $r", "GRANT LOAD ON ALL DATA TO ROLE $r");
    role("GRANT ACCESS ON DATABASE $d TO user", "GRANT ACCESS ON DATABASE $d TO ROLE user");
    check(
        "GRANT ACESS ON DATABASE d TO r",
        "error: Invalid input 'ACESS': expected the words of a privilege such as 'MATCH', 'ACCESS' or 'CREATE DATABASE'; did you mean 'ACCESS'? (line 1, column 7 (offset: 6))",
    );
    check(
        "GRANT ACCESS ON GRAPH g TO r",
        "error: Invalid input 'GRAPH': expected 'DATABASE', 'HOME', 'DEFAULT' or 'ALIAS' (line 1, column 17 (offset: 16))",
    );
}

#[test]
fn f91_rules_by_value() {
    let rule = |from: &str, to: &str| {
        let around = |rule: &str| format!("GRANT TRAVERSE ON GRAPH g FOR {rule} TO ROLE r");
        check(&around(from), &around(to));
    };
    let plain = |text: &str| rule(text, text);
    plain("(n) WHERE n.level <= 3");
    plain("(n:A|B) WHERE NOT n.`the key` = 'x'");
    plain("(n:A) WHERE n.k IS NULL");
    plain("(n:A) WHERE NOT n.k IS NOT NULL");
    plain("(n) WHERE n.k IN ['a', 'b']");
    plain("(n) WHERE n.k IN $list");
    plain("(n) WHERE 'EU' IN n.regions");
    plain("(n) WHERE n.at > date()");
    plain("(n) WHERE n.at > datetime({year: 2024, month: 10})");
    plain("()-[r:OWNS|HAS]-() WHERE r.kind <> $kind");
    rule("(:A {k: -1})", "(n:A) WHERE n.k = -1");
    rule("({k: true})", "(n) WHERE n.k = true");
    rule("(x:A WHERE x.k = 1.5)", "(x:A) WHERE x.k = 1.5");
    rule("()-[r WHERE r.k > 1]->()", "()-[r]-() WHERE r.k > 1");
    rule("()<-[:OWNS {k: 1}]-()", "()-[r:OWNS]-() WHERE r.k = 1");
    rule("(n) WHERE 3 < n.level", "(n) WHERE n.level > 3");
    check(
        "DENY MATCH {*} ON HOME GRAPH FOR (n:A|:B) WHERE n.x = 1 TO r",
        "DENY MATCH {*} ON HOME GRAPH FOR (n:A|B) WHERE n.x = 1 TO ROLE r",
    );
    let fails = |rule: &str, message: &str| {
        let text = format!("GRANT READ {{*}} ON GRAPH g FOR {rule} TO r");
        let error = crate::parse(&text).expect_err(&text).to_string();
        assert!(error.contains(message), "{text}: {error}");
    };
    fails("(n) WHERE n.k = null", "`k = NULL` always evaluates to `NULL`. Use `IS NULL` instead.");
    fails("(n) WHERE NOT null <> n.k", "`NULL <> k` always evaluates to `NULL`. Use `IS NOT NULL` instead.");
    fails("({k: null})", "`{k:NULL}` always evaluates to `NULL`. Use `WHERE` syntax");
    fails("(n) WHERE n.k > NaN", "`NaN` is not supported for property-based access control.");
    fails("({a: 1, b: 2})", "`{a: 1, b: 2}` is not supported. Property rules can only contain one property.");
    let only = "is not supported. Only single, literal-based predicate expressions are allowed";
    for rule in [
        "(n) WHERE n.a = 1 AND n.b = 2",
        "(n) WHERE n.a = n.b",
        "(n) WHERE n.a = 1 + 2",
        "(n) WHERE m.a = 1",
        "(n) WHERE n.a STARTS WITH 'x'",
        "(n) WHERE n.a = toUpper('x')",
        "(n) WHERE n.a = date.realtime()",
        "(n) WHERE NOT NOT n.a = 1",
        "(n) WHERE n.a = {b: 1}",
        "(n) WHERE (n)--()",
        "(n) WHERE true",
        "({a: n})",
    ] {
        fails(rule, only);
    }
    fails("(n) WHERE TO r", only);
    fails("(n)", "expected 'WHERE'");
    fails("(n {a: 1}) WHERE n.b = 1", "Property rules can only contain one property.");
    fails("(a)-[r]-() WHERE r.b = 1", "must be empty");
    fails("()-[r*]-() WHERE r.b = 1", "not about a path");
    fails("(n:A&B) WHERE n.b = 1", "with '|' between them");
    let error = crate::parse("GRANT CREATE ON GRAPH g FOR (n) WHERE n.k = 1 TO r").expect_err("no rule");
    assert!(error.to_string().contains("CREATE is not supported for property value access rules."), "{error}");
}

#[test]
fn f82_levels_owners_and_isolation() {
    check("GRANT LEVEL write ON DATABASE a TO r, USER u", "GRANT LEVEL write ON DATABASE a TO ROLE r, USER u");
    check("REVOKE LEVEL read ON DATABASES t_* FROM ROLE r", "REVOKE LEVEL read ON DATABASE t_* FROM ROLE r");
    same("ALTER DATABASE a SET OWNER u");
    same("ALTER DATABASE a IF EXISTS SET OWNER u");
    check("ALTER DATABASE IF EXISTS a REMOVE OWNER", "ALTER DATABASE a IF EXISTS REMOVE OWNER");
    same("ALTER DATABASE a IF EXISTS SET ISOLATION SOFT");
    same("ALTER DATABASE a REMOVE OWNER");
    same("ALTER DATABASE a SET ISOLATION STRICT");
}

#[test]
fn f82_listings() {
    check("SHOW ALL PRIVILEGES", "SHOW PRIVILEGES");
    same("SHOW ROLE a, b PRIVILEGES AS COMMANDS");
    same("SHOW USER PRIVILEGES AS REVOKE COMMANDS YIELD command");
    check("SHOW USERS a PRIVILEGE", "SHOW USER a PRIVILEGES");
    same("SHOW SUPPORTED PRIVILEGES YIELD action WHERE action = 'access' RETURN action");
    same("SHOW LEVELS");
    same("SHOW LEVELS FOR DATABASE films YIELD user");
    same("SHOW GRANTED LEVELS FOR DATABASE $d WHERE kind = 'role'");
    same("SHOW USER DEFINED FUNCTIONS");
}

#[test]
fn f96_tokens() {
    same("CREATE TOKEN t");
    same("CREATE TOKEN `nightly job` FOR USER u ON DATABASES a, b WITH LEVEL read EXPIRES AFTER 'P30D'");
    check("CREATE TOKEN t EXPIRES 30d WITH LEVEL read", "CREATE TOKEN t WITH LEVEL read EXPIRES AFTER '30d'");
    check("CREATE TOKEN t EXPIRES AFTER 1h30m", "CREATE TOKEN t EXPIRES AFTER '1h30m'");
    check("CREATE TOKEN t EXPIRES $e ON DATABASE a", "CREATE TOKEN t ON DATABASES a EXPIRES AFTER $e");
    same("CREATE TOKEN $t IF NOT EXISTS ON DATABASES tenant_*, a, $d WITH LEVEL $l");
    check("CREATE TOKEN IF NOT EXISTS t ON DATABASES *", "CREATE TOKEN t IF NOT EXISTS");
    same("DROP TOKEN t IF EXISTS FOR USER u");
    same("SHOW TOKENS YIELD name");
}
