//! Rights as a client meets them, one row of the list of features after the other, over each face.
//! Leaves every pair of user and statement to `matrix`, and words in full to `suite/scripts/rights`.
//! Start reading at [`over_each_face`].

use std::path::Path;
use std::sync::Arc;

use catalog::Authentication;
use instance::{Instance, InstanceOptions};
use suite::door::bolt::Bolt;
use suite::door::direct::Direct;
use suite::door::http::Http;
use suite::door::{Session, System};
use types::{Code, Value};

use crate::world::run;

/// Sessions of one server over one face.
struct Face<'a> {
    system: &'a dyn System,
    name: &'static str,
}

impl Face<'_> {
    fn log_in(&self, user: &str) -> Box<dyn Session> {
        self.system.session(Some(user)).unwrap_or_else(|problem| panic!("{} {user}: {problem}", self.name))
    }

    /// Runs a statement that has to be answered; gives its rows as text.
    #[track_caller]
    fn ok(&self, session: &mut dyn Session, text: &str) -> String {
        let answer = run(session, text).unwrap_or_else(|problem| panic!("{}: {text}: {}", self.name, problem.message));
        let row = |row: &Vec<Value>| row.iter().map(types::text::literal).collect::<Vec<_>>().join(" ");
        answer.records.iter().map(row).collect::<Vec<_>>().join("; ")
    }

    /// Runs a statement that has to be refused with a code.
    #[track_caller]
    fn no(&self, session: &mut dyn Session, text: &str, code: Code) -> String {
        match run(session, text) {
            Ok(_) => panic!("{}: {text} was not refused", self.name),
            Err(problem) => {
                assert_eq!(problem.codes.first(), Some(&code), "{}: {text}: {}", self.name, problem.message);
                problem.message
            }
        }
    }

    /// Makes users who need not change their passwords.
    fn users(&self, admin: &mut dyn Session, users: &[&str]) {
        for user in users {
            self.ok(admin, &format!("CREATE USER {user} SET PASSWORD '{user}-password' CHANGE NOT REQUIRED"));
        }
    }
}

/// Plays the same thing in process, over Bolt and over HTTP, each on a server of its own.
fn over_each_face(play: fn(&Face<'_>, &mut dyn Session)) {
    let instance = || {
        let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
        let options = InstanceOptions { authentication, ..InstanceOptions::new(Path::new("/nowhere")) };
        Arc::new(Instance::in_memory(options).expect("memory has room"))
    };
    let on = |system: &dyn System, name| {
        let face = Face { system, name };
        let mut admin = face.log_in("admin");
        play(&face, &mut *admin);
    };
    on(&Direct::new(instance() as _), "in process");
    on(&Bolt::start(instance() as _).expect("a port is free"), "Bolt");
    on(&Http::start(instance() as _).expect("a port is free"), "HTTP");
}

#[test]
fn f80_another_database_is_a_right_of_its_own() {
    over_each_face(|face, admin| {
        face.users(admin, &["ann"]);
        for database in ["films", "notes"] {
            face.ok(admin, &format!("CREATE DATABASE {database} WAIT"));
            face.ok(admin, &format!("USE {database} CREATE (:Thing)"));
            face.ok(admin, &format!("GRANT LEVEL write ON DATABASE {database} TO USER ann"));
        }
        let mut ann = face.log_in("ann");
        let both = "USE films MATCH (a) MATCH (b) FROM DATABASE notes RETURN count(*)";
        assert_eq!(face.ok(&mut *ann, both), "1");
        face.ok(admin, "REVOKE CROSS DATABASE ON DATABASE * FROM PUBLIC");
        let nested = "USE films MATCH (a) CALL { USE notes MATCH (b) RETURN b LIMIT 1 } RETURN count(*)";
        let writes = "USE films MATCH (a) CALL { USE notes CREATE (:Thing) } RETURN count(*)";
        for text in [both, nested, writes] {
            let told = face.no(&mut *ann, text, Code::Forbidden);
            assert!(told.contains("'notes'"), "{told}");
        }
        assert_eq!(face.ok(&mut *ann, "USE notes MATCH (n) RETURN count(n)"), "1", "one at a time is no crossing");
        face.ok(admin, "GRANT CROSS DATABASE ON DATABASES n* TO USER ann");
        assert_eq!(face.ok(&mut *ann, both), "1");
        // It says that both may be named, not what may be done there.
        face.ok(admin, "DENY WRITE ON GRAPH notes TO USER ann");
        face.no(&mut *ann, writes, Code::Forbidden);
        face.ok(admin, "DENY ACCESS ON DATABASE notes TO USER ann");
        face.no(&mut *ann, both, Code::DatabaseNotFound);
    });
}

#[test]
fn f83_a_new_user_may_nothing_until_everybody_may() {
    over_each_face(|face, admin| {
        face.ok(admin, "CREATE (:Film {title: 'Ran'})");
        face.users(admin, &["bob"]);
        let mut bob = face.log_in("bob");
        assert_eq!(face.ok(&mut *bob, "MATCH (n) RETURN count(n)"), "0");
        face.no(&mut *bob, "CREATE (:Film)", Code::Forbidden);
        face.no(&mut *bob, "CREATE DATABASE mine", Code::Forbidden);
        assert_eq!(face.ok(&mut *bob, "SHOW CURRENT USER YIELD roles"), "['PUBLIC']");
        // What new users may is what `PUBLIC` may.
        face.ok(admin, "GRANT LEVEL read ON DATABASE sheaf TO PUBLIC");
        face.users(admin, &["eve"]);
        let mut eve = face.log_in("eve");
        for user in [&mut bob, &mut eve] {
            assert_eq!(face.ok(&mut **user, "MATCH (n) RETURN n.title"), "'Ran'");
            face.no(&mut **user, "CREATE (:Film)", Code::Forbidden);
        }
        face.ok(admin, "GRANT LEVEL write ON DATABASE sheaf TO PUBLIC");
        face.ok(&mut *eve, "CREATE (:Film)");
        face.ok(admin, "REVOKE LEVEL write ON DATABASE sheaf FROM PUBLIC");
        face.ok(admin, "REVOKE ACCESS ON HOME DATABASE FROM PUBLIC");
        face.no(&mut *eve, "MATCH (n) RETURN n", Code::DatabaseNotFound);
    });
}

#[test]
fn f84_an_admin_passes_everywhere_and_the_audit_tells_of_it() {
    let folder = tempfile::tempdir().expect("there is room for a test");
    let instance = || {
        let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
        let options = InstanceOptions { authentication, ..InstanceOptions::new(folder.path()) };
        Arc::new(Instance::open(options).expect("the folder is the test's own"))
    };
    let system = Bolt::start(instance() as _).expect("a port is free");
    let face = Face { system: &system, name: "Bolt" };
    let mut admin = face.log_in("admin");
    face.users(&mut *admin, &["ann"]);
    face.ok(&mut *admin, "GRANT CREATE DATABASE ON DBMS TO USER ann");
    face.ok(&mut *face.log_in("ann"), "CREATE DATABASE films WAIT");
    face.ok(&mut *admin, "CREATE DATABASE own WAIT");
    for text in ["USE own CREATE (:Film)", "USE films CREATE (:Film)", "USE films MATCH (n) RETURN n", "RETURN 1"] {
        face.ok(&mut *admin, text);
    }
    face.ok(&mut *face.log_in("ann"), "USE films MATCH (n) RETURN n");
    let noted =
        "SHOW AUDIT YIELD kind, user, databases, operation WHERE kind = 'as-admin' RETURN user, databases, operation";
    assert_eq!(face.ok(&mut *admin, noted), "'admin' ['films'] 'USE films CREATE (:Film)'");
    // A role that is kept as it is cannot be taken from under the last who has it.
    face.no(&mut *admin, "DENY ACCESS ON DATABASE films TO admin", Code::ArgumentError);
    face.no(&mut *admin, "REVOKE ROLE admin FROM admin", Code::ArgumentError);
}

#[test]
fn f88_a_role_is_entitled_to_single_things() {
    over_each_face(|face, admin| {
        face.users(admin, &["ann", "bob"]);
        face.ok(admin, "CREATE ROLE keepers");
        face.ok(admin, "GRANT ROLE keepers TO ann");
        let (mut ann, mut bob) = (face.log_in("ann"), face.log_in("bob"));
        face.ok(admin, "CREATE DATABASE films WAIT");
        face.ok(admin, "CREATE (:Film)");
        for (grant, text) in [
            ("CREATE USER ON DBMS", "CREATE USER new SET PASSWORD 'new-password'"),
            ("DROP USER ON DBMS", "DROP USER new"),
            ("SHOW USER ON DBMS", "SHOW USERS YIELD user"),
            ("SHOW ROLE ON DBMS", "SHOW ROLES YIELD role"),
            ("CREATE DATABASE ON DBMS", "CREATE DATABASE other WAIT"),
            ("SHOW LIMIT ON DATABASE *", "SHOW LIMITS FOR DATABASE sheaf YIELD limit"),
            ("SET LIMIT ON DATABASE *", "ALTER DATABASE sheaf SET LIMIT max_nodes = 1000"),
            ("SHOW AUDIT ON DBMS", "SHOW AUDIT YIELD * LIMIT 1"),
            ("CREATE INDEX ON DATABASE sheaf", "CREATE INDEX i FOR (n:Film) ON (n.title)"),
        ] {
            face.no(&mut *ann, text, Code::Forbidden);
            face.ok(admin, &format!("GRANT {grant} TO keepers"));
            if text.starts_with("CREATE INDEX") {
                face.ok(admin, "GRANT NAME MANAGEMENT ON DATABASE sheaf TO keepers");
            }
            face.ok(&mut *ann, text);
            face.no(&mut *bob, text, Code::Forbidden);
            face.ok(admin, &format!("REVOKE GRANT {grant} FROM keepers"));
            face.no(&mut *ann, text, Code::Forbidden);
        }
    });
}

#[test]
fn f89_who_makes_a_database_owns_it_and_gives_it_away() {
    over_each_face(|face, admin| {
        face.users(admin, &["ann", "bob"]);
        face.ok(admin, "GRANT CREATE DATABASE ON DBMS TO USER ann");
        let (mut ann, mut bob) = (face.log_in("ann"), face.log_in("bob"));
        face.ok(&mut *ann, "CREATE DATABASE films WAIT");
        face.ok(&mut *ann, "USE films CREATE (:Film)");
        assert_eq!(face.ok(&mut *ann, "SHOW DATABASES YIELD name, owner WHERE name = 'films'"), "'films' 'ann'");
        face.no(&mut *bob, "USE films MATCH (n) RETURN n", Code::DatabaseNotFound);
        face.no(&mut *bob, "ALTER DATABASE films SET OWNER bob", Code::Forbidden);
        face.ok(&mut *ann, "ALTER DATABASE films SET OWNER bob");
        face.no(&mut *ann, "USE films MATCH (n) RETURN n", Code::DatabaseNotFound);
        assert_eq!(face.ok(&mut *bob, "USE films MATCH (n) RETURN count(n)"), "1");
        // Somebody else's database is none of hers, though she may make some.
        face.no(&mut *ann, "DROP DATABASE films", Code::Forbidden);
        face.ok(&mut *bob, "DROP DATABASE films");
    });
}

#[test]
fn f91_rows_are_shown_by_their_values() {
    over_each_face(|face, admin| {
        face.users(admin, &["ann"]);
        face.ok(admin, "UNWIND range(1, 9) AS i CREATE (:Film {level: i, title: 'f' + i})");
        face.ok(admin, "MATCH (a:Film {level: 1}), (b:Film {level: 9}) CREATE (a)-[:LIKE {level: 1}]->(b)");
        face.ok(admin, "GRANT MATCH {*} ON GRAPH sheaf FOR (n:Film) WHERE n.level <= 3 TO USER ann");
        face.ok(admin, "GRANT MATCH {*} ON GRAPH sheaf RELATIONSHIPS * TO USER ann");
        let mut ann = face.log_in("ann");
        assert_eq!(face.ok(&mut *ann, "MATCH (n:Film) RETURN count(n)"), "3");
        assert_eq!(face.ok(&mut *ann, "MATCH (n) WHERE n.level > 2 RETURN n.title"), "'f3'");
        assert_eq!(face.ok(&mut *ann, "MATCH ()-[r]->() RETURN count(r)"), "0");
        face.ok(admin, "DENY READ {title} ON GRAPH sheaf FOR (n) WHERE n.level IN [1, 2] TO USER ann");
        assert_eq!(face.ok(&mut *ann, "MATCH (n) RETURN n.title ORDER BY n.level"), "null; null; 'f3'");
        face.ok(admin, "MATCH (n {level: 3}) SET n.level = 4");
        assert_eq!(face.ok(&mut *ann, "MATCH (n) RETURN count(n)"), "2", "it is the value that counts");
        let shown = face.ok(&mut *ann, "SHOW USER PRIVILEGES YIELD segment WHERE segment STARTS WITH 'FOR'");
        assert_eq!(shown, "'FOR (n) WHERE n.level IN [1, 2]'; 'FOR (n:Film) WHERE n.level <= 3'");
        for rule in [
            format!("(n:`{}`) WHERE n.level = 1", "x".repeat(9_000)),
            format!("(n) WHERE n.level = '{}'", "x".repeat(40_000)),
            format!("(n) WHERE n.level IN {:?}", (0..1_001).collect::<Vec<_>>()),
        ] {
            face.no(admin, &format!("GRANT READ {{*}} ON GRAPH sheaf FOR {rule} TO USER ann"), Code::ArgumentError);
        }
        let long = format!("(n:`{}`) WHERE n.`{}` IN {:?}", "a".repeat(8_192), "b".repeat(20_000), vec![1_000; 999]);
        for verb in ["GRANT", "REVOKE"] {
            let towards = if verb == "GRANT" { "TO" } else { "FROM" };
            let command =
                format!("{verb} READ {{`{}`}} ON GRAPH sheaf FOR {long} {towards} USER ann", "c".repeat(8_192));
            face.ok(admin, &command);
        }
        face.ok(admin, "REVOKE MATCH {*} ON GRAPH sheaf FOR (x:Film) WHERE 3 >= x.level FROM USER ann");
        assert_eq!(face.ok(&mut *ann, "MATCH (n) RETURN count(n)"), "0");
    });
}

#[test]
fn f92_isolation_is_none_soft_or_strict() {
    over_each_face(|face, admin| {
        face.users(admin, &["ann", "bob"]);
        face.ok(admin, "GRANT CREATE DATABASE ON DBMS TO USER ann");
        let (mut ann, mut bob) = (face.log_in("ann"), face.log_in("bob"));
        face.ok(&mut *ann, "CREATE DATABASE films WAIT");
        let (read, write) = ("USE films MATCH (n) RETURN count(*) >= 0", "USE films CREATE (:Film)");
        face.no(&mut *bob, read, Code::DatabaseNotFound);
        face.no(&mut *bob, "ALTER DATABASE films SET ISOLATION NONE", Code::Forbidden);
        face.ok(&mut *ann, "ALTER DATABASE films SET ISOLATION NONE");
        face.ok(&mut *bob, write);
        face.ok(&mut *ann, "ALTER DATABASE films SET ISOLATION SOFT");
        assert_eq!(face.ok(&mut *bob, read), "true");
        face.no(&mut *bob, write, Code::Forbidden);
        let everybody =
            face.ok(admin, "SHOW ROLE PUBLIC PRIVILEGES YIELD action, graph WHERE graph = 'films' RETURN action");
        assert_eq!(everybody, "'access'; 'match'; 'match'; 'show_index'; 'show_constraint'", "the same lattice");
        face.ok(&mut *ann, "ALTER DATABASE films SET ISOLATION STRICT");
        face.no(&mut *bob, read, Code::DatabaseNotFound);
        face.ok(&mut *ann, write);
        face.no(&mut *ann, "ALTER DATABASE films SET ISOLATION LOOSE", Code::SyntaxError);
    });
}

#[test]
fn f93_presets_are_levels_under_other_words() {
    over_each_face(|face, admin| {
        face.ok(admin, "CREATE DATABASE films WAIT");
        for (preset, reads, writes, drops_index) in [
            ("READ_ONLY", true, false, false),
            ("TRAINING_JOB", true, false, false),
            ("COLLABORATIVE", true, true, false),
            ("PERSONA_KNOWLEDGE", true, true, false),
            ("GOD_MODE", true, true, true),
        ] {
            let user = preset.to_lowercase();
            face.users(admin, &[&user]);
            face.ok(admin, &format!("GRANT LEVEL {preset} ON DATABASE films TO USER {user}"));
            let mut session = face.log_in(&user);
            let may = |session: &mut dyn Session, text: &str| run(session, text).is_ok();
            assert_eq!(may(&mut *session, "USE films MATCH (n) RETURN n"), reads, "{preset}");
            assert_eq!(may(&mut *session, "USE films CREATE (:Film)"), writes, "{preset}");
            assert_eq!(may(&mut *session, "USE films DROP INDEX none IF EXISTS"), drops_index, "{preset}");
            face.no(&mut *session, "USE sheaf CREATE (:Film)", Code::Forbidden);
            face.ok(admin, &format!("REVOKE LEVEL {preset} ON DATABASE films FROM USER {user}"));
            face.no(&mut *session, "USE films MATCH (n) RETURN n", Code::DatabaseNotFound);
        }
    });
}

#[test]
fn f95_passwords_that_neo4j_hashed_let_their_users_in() {
    over_each_face(|face, admin| {
        // The password is `moved-password`; its salt is that of Neo4j's manual.
        let text = "CREATE USER moved SET ENCRYPTED PASSWORD \
                    '1,HASH,190ae47c661e0668a0c8be8a21ff78a4a34cdf918cae3c407e907b73932bd16c' CHANGE NOT REQUIRED";
        face.ok(admin, &text.replace("HASH", MOVED));
        assert_eq!(face.ok(&mut *face.log_in("moved"), "SHOW CURRENT USER YIELD user"), "'moved'");
        face.no(admin, &text.replace("HASH", "00").replace("USER moved", "USER other"), Code::ArgumentError);
    });
}

#[test]
fn f82_what_is_immutable_changes_only_without_passwords() {
    let folder = tempfile::tempdir().expect("there is room for a test");
    let open = |authentication| {
        let options = InstanceOptions { authentication, ..InstanceOptions::new(folder.path()) };
        Arc::new(Instance::open(options).expect("the folder is the test's own"))
    };
    let with_passwords = || open(Authentication::Password { first: Some("admin-password".to_owned()) });
    let revoke = "REVOKE IMMUTABLE DENY DATABASE MANAGEMENT ON DBMS FROM PUBLIC";
    let play = |instance: Arc<Instance>, user: Option<&str>, play: &dyn Fn(&Face<'_>, &mut dyn Session)| {
        let system = Direct::new(instance as _);
        let face = Face { system: &system, name: "in process" };
        play(&face, &mut *system.session(user).expect("the user is known"));
    };
    play(with_passwords(), Some("admin"), &|face, admin| {
        face.no(admin, "DENY IMMUTABLE DATABASE MANAGEMENT ON DBMS TO PUBLIC", Code::Forbidden);
        face.ok(admin, "CREATE DATABASE mine WAIT");
    });
    play(open(Authentication::Off), None, &|face, anybody| {
        face.ok(anybody, "DENY IMMUTABLE DATABASE MANAGEMENT ON DBMS TO PUBLIC");
    });
    play(with_passwords(), Some("admin"), &|face, admin| {
        face.no(admin, "CREATE DATABASE other", Code::Forbidden);
        face.no(admin, revoke, Code::Forbidden);
        face.ok(admin, "REVOKE DENY DATABASE MANAGEMENT ON DBMS FROM PUBLIC");
        face.no(admin, "DROP DATABASE mine", Code::Forbidden);
        let shown = "SHOW ROLE PUBLIC PRIVILEGES AS COMMANDS YIELD command, immutable WHERE immutable RETURN command";
        assert_eq!(face.ok(admin, shown), "'DENY IMMUTABLE DATABASE MANAGEMENT ON DBMS TO `PUBLIC`'");
    });
    play(open(Authentication::Off), None, &|face, anybody| {
        face.ok(anybody, revoke);
    });
    play(with_passwords(), Some("admin"), &|face, admin| {
        face.ok(admin, "DROP DATABASE mine");
    });
}

#[test]
fn f82_what_is_immutable_goes_with_no_role_and_leaves_an_admin_something_to_see() {
    let folder = tempfile::tempdir().expect("there is room for a test");
    let open = |authentication| {
        let options = InstanceOptions { authentication, ..InstanceOptions::new(folder.path()) };
        Arc::new(Instance::open(options).expect("the folder is the test's own"))
    };
    let with_passwords = || open(Authentication::Password { first: Some("admin-password".to_owned()) });
    let play = |instance: Arc<Instance>, user: Option<&str>, play: &dyn Fn(&Face<'_>, &mut dyn Session)| {
        let system = Direct::new(instance as _);
        let face = Face { system: &system, name: "in process" };
        play(&face, &mut *system.session(user).expect("the user is known"));
    };
    let listed = |role: &str| {
        format!("SHOW ROLE {role} PRIVILEGES AS COMMANDS YIELD command, immutable RETURN command, immutable")
    };
    play(with_passwords(), Some("admin"), &|face, admin| face.users(admin, &["ann"]));
    play(open(Authentication::Off), None, &|face, anybody| {
        face.ok(anybody, "CREATE ROLE jail");
        face.ok(anybody, "DENY IMMUTABLE ACCESS ON DATABASE sheaf TO jail");
        face.ok(anybody, "CREATE ROLE giver");
        face.ok(anybody, "GRANT IMMUTABLE ACCESS ON DATABASE sheaf TO giver");
        face.no(anybody, "DENY IMMUTABLE ALL DBMS PRIVILEGES ON DBMS TO PUBLIC", Code::ArgumentError);
        face.no(anybody, "DENY ALL DBMS PRIVILEGES ON DBMS TO PUBLIC", Code::ArgumentError);
        // That nobody who logs in changes rights may be meant.
        face.ok(anybody, "DENY IMMUTABLE PRIVILEGE MANAGEMENT ON DBMS TO PUBLIC");
        face.ok(anybody, "REVOKE IMMUTABLE DENY PRIVILEGE MANAGEMENT ON DBMS FROM PUBLIC");
    });
    play(with_passwords(), Some("admin"), &|face, admin| {
        for role in ["jail", "giver"] {
            for text in ["DROP ROLE", "CREATE OR REPLACE ROLE"] {
                let told = face.no(admin, &format!("{text} {role}"), Code::Forbidden);
                assert!(told.contains("Immutable privileges can only be changed"), "{told}");
            }
        }
        face.no(admin, "CREATE OR REPLACE ROLE jail AS COPY OF giver", Code::Forbidden);
        face.ok(admin, "RENAME ROLE jail TO cell");
        assert_eq!(face.ok(admin, &listed("cell")), "'DENY IMMUTABLE ACCESS ON DATABASE `sheaf` TO `cell`' true");
        face.no(admin, "DROP ROLE cell IF EXISTS", Code::Forbidden);
        // A copy is its maker's to change.
        face.ok(admin, "CREATE ROLE copy AS COPY OF cell");
        assert_eq!(face.ok(admin, &listed("copy")), "'DENY ACCESS ON DATABASE `sheaf` TO `copy`' false");
        face.ok(admin, "DROP ROLE copy");
    });
    play(open(Authentication::Off), None, &|face, anybody| {
        face.ok(anybody, "CREATE ROLE copy AS COPY OF giver");
        assert_eq!(face.ok(anybody, &listed("copy")), "'GRANT IMMUTABLE ACCESS ON DATABASE `sheaf` TO `copy`' true");
        face.ok(anybody, "DROP ROLE cell");
    });
}

/// What Neo4j makes of `moved-password`: SHA-256 of the salt and the password, 1,024 times.
const MOVED: &str = "dc7db481dbe9de526e37c672d04fe5646ce3de52911eb1ab456a116c30c74546";

#[test]
fn f82_an_immutable_role_changes_only_without_passwords() {
    let folder = tempfile::tempdir().expect("there is room for a test");
    let open = |authentication| {
        let options = InstanceOptions { authentication, ..InstanceOptions::new(folder.path()) };
        Arc::new(Instance::open(options).expect("the folder is the test's own"))
    };
    let with_passwords = || open(Authentication::Password { first: Some("admin-password".to_owned()) });
    let play = |instance: Arc<Instance>, user: Option<&str>, play: &dyn Fn(&Face<'_>, &mut dyn Session)| {
        let system = Direct::new(instance as _);
        let face = Face { system: &system, name: "in process" };
        play(&face, &mut *system.session(user).expect("the user is known"));
    };
    let listed = "SHOW ROLES YIELD role, immutable WHERE role STARTS WITH 'w' RETURN role, immutable";
    let privileges = "SHOW ROLE warden PRIVILEGES AS COMMANDS YIELD command RETURN command";
    play(with_passwords(), Some("admin"), &|face, admin| {
        face.users(admin, &["ann"]);
        face.ok(admin, "CREATE ROLE worker");
        face.no(admin, "CREATE IMMUTABLE ROLE warden", Code::Forbidden);
        face.no(admin, "CREATE OR REPLACE IMMUTABLE ROLE worker", Code::Forbidden);
        assert_eq!(face.ok(admin, listed), "'worker' false");
    });
    play(open(Authentication::Off), None, &|face, anybody| {
        face.ok(anybody, "CREATE IMMUTABLE ROLE warder");
        face.ok(anybody, "GRANT ACCESS ON DATABASE * TO warder");
        face.ok(anybody, "CREATE OR REPLACE IMMUTABLE ROLE warden AS COPY OF warder");
        face.ok(anybody, "DROP ROLE warder");
    });
    play(with_passwords(), Some("admin"), &|face, admin| {
        assert_eq!(face.ok(admin, listed), "'warden' true; 'worker' false", "a restart keeps it");
        let refused = [
            "DROP ROLE warden",
            "DROP ROLE warden IF EXISTS",
            "RENAME ROLE warden TO other",
            "CREATE OR REPLACE ROLE warden",
            "GRANT MATCH {*} ON GRAPH * TO warden",
            "DENY MATCH {*} ON GRAPH * TO warden",
            "REVOKE ACCESS ON DATABASE * FROM warden",
            "GRANT LEVEL read ON DATABASE sheaf TO worker, warden",
        ];
        for text in refused {
            let told = face.no(admin, text, Code::Forbidden);
            assert!(told.contains("'warden'"), "{told}");
        }
        assert_eq!(face.ok(admin, privileges), "'GRANT ACCESS ON DATABASE * TO `warden`'");
        // Who has it is another matter.
        face.ok(admin, "GRANT ROLE warden TO ann");
        assert_eq!(face.ok(&mut *face.log_in("ann"), "SHOW CURRENT USER YIELD roles"), "['PUBLIC', 'warden']");
        face.ok(admin, "REVOKE ROLE warden FROM ann");
        face.ok(admin, "CREATE ROLE copy AS COPY OF warden");
        face.ok(admin, "DROP ROLE copy");
    });
    play(open(Authentication::Off), None, &|face, anybody| {
        face.ok(anybody, "RENAME ROLE warden TO warder");
        face.ok(anybody, "GRANT MATCH {*} ON GRAPH * TO warder");
    });
    play(with_passwords(), Some("admin"), &|face, admin| {
        assert_eq!(face.ok(admin, listed), "'warder' true; 'worker' false");
        face.no(admin, "DROP ROLE warder", Code::Forbidden);
    });
}

#[test]
fn f44_an_alias_alone_lets_in_under_its_name_and_no_other() {
    over_each_face(|face, admin| {
        face.users(admin, &["ann"]);
        for text in [
            "CREATE DATABASE films WAIT",
            "CREATE DATABASE notes WAIT",
            "USE films CREATE (:Film {title: 'Ran'})",
            "USE notes CREATE (:Note)",
            "CREATE ALIAS cinema FOR DATABASE films",
            "CREATE ALIAS movies FOR DATABASE films",
            "GRANT ACCESS ON ALIAS cinema TO USER ann",
            "GRANT MATCH {*} ON ALIAS cinema NODES Film TO USER ann",
        ] {
            face.ok(admin, text);
        }
        let mut ann = face.log_in("ann");
        let read = |name: &str| format!("USE {name} MATCH (n:Film) RETURN n.title");
        assert_eq!(face.ok(&mut *ann, &read("cinema")), "'Ran'");
        assert_eq!(face.ok(&mut *ann, &read("`CINEMA`")), "'Ran'");
        for name in ["films", "movies", "gone"] {
            let told = face.no(&mut *ann, &read(name), Code::DatabaseNotFound);
            assert!(told.contains(&format!("'{name}'")), "{told}");
        }
        let told = face.no(&mut *ann, "USE cinema CREATE (:Film)", Code::Forbidden);
        assert!(told.contains("'cinema'") && !told.contains("films"), "{told}");
        let listed = "SHOW DATABASES YIELD name, aliases WHERE name <> 'system' RETURN name, aliases";
        assert_eq!(face.ok(&mut *ann, listed), "'cinema' []; 'sheaf' ['neo4j']");
        assert_eq!(face.ok(&mut *ann, "SHOW DATABASE cinema YIELD name, aliases"), "'cinema' []");
        assert_eq!(face.ok(&mut *ann, "SHOW DATABASE films YIELD name"), "");
        assert_eq!(face.ok(&mut *ann, "RETURN graph.names()"), "['cinema', 'neo4j', 'sheaf']");
        let shown = "SHOW USER ann PRIVILEGES YIELD graph, action, segment, role WHERE role IS NULL \
                     RETURN graph, action, segment ORDER BY action";
        assert_eq!(face.ok(admin, shown), "'ALIAS cinema' 'access' 'database'; 'ALIAS cinema' 'match' 'NODE(Film)'");
        let commands =
            "SHOW USER ann PRIVILEGES AS COMMANDS YIELD command WHERE command CONTAINS 'ALIAS' RETURN command";
        let match_it = "'GRANT MATCH {*} ON ALIAS `cinema` NODE `Film` TO USER `ann`'";
        assert_eq!(face.ok(admin, commands), format!("'GRANT ACCESS ON ALIAS `cinema` TO USER `ann`'; {match_it}"));

        // One plan serves several names; rights are those of the name that is used.
        face.ok(admin, &read("films"));
        face.ok(admin, &read("cinema"));
        assert_eq!(face.ok(&mut *ann, &read("cinema")), "'Ran'");
        face.no(&mut *ann, &read("films"), Code::DatabaseNotFound);

        // The right goes where the alias leads, and with it.
        face.ok(admin, "ALTER ALIAS cinema SET DATABASE TARGET notes");
        assert_eq!(face.ok(&mut *ann, &read("cinema")), "");
        face.ok(admin, "GRANT MATCH {*} ON ALIAS cinema TO USER ann");
        assert_eq!(face.ok(&mut *ann, "USE cinema MATCH (n) RETURN labels(n)"), "['Note']");
        face.no(&mut *ann, "USE notes MATCH (n) RETURN n", Code::DatabaseNotFound);
        face.ok(admin, "CREATE OR REPLACE ALIAS cinema FOR DATABASE films");
        face.no(&mut *ann, &read("cinema"), Code::DatabaseNotFound);
        face.ok(admin, "GRANT LEVEL write ON ALIAS cinema TO USER ann");
        face.ok(&mut *ann, "USE cinema CREATE (:Film {title: 'Ikiru'})");
        face.ok(admin, "DROP ALIAS cinema");
        face.ok(admin, "CREATE ALIAS cinema FOR DATABASE films");
        face.no(&mut *ann, &read("cinema"), Code::DatabaseNotFound);
        assert_eq!(face.ok(admin, commands), "");

        // A privilege on a database is one on all its names, and what is not inside it cannot be had by an alias.
        face.ok(admin, "GRANT LEVEL read ON DATABASE cinema TO USER ann");
        assert_eq!(face.ok(&mut *ann, "USE films MATCH (n) RETURN count(n)"), "2");
        for text in ["GRANT STOP ON ALIAS cinema TO USER ann", "GRANT LEVEL admin ON ALIAS cinema TO USER ann"] {
            face.no(admin, text, Code::ArgumentError);
        }
        face.no(admin, "GRANT ACCESS ON ALIAS films TO USER ann", Code::DatabaseNotFound);
        face.no(admin, "GRANT ACCESS ON ALIAS c* TO USER ann", Code::SyntaxError);
        face.ok(admin, "DENY MATCH {*} ON ALIAS cinema TO USER ann");
        assert_eq!(face.ok(&mut *ann, "USE cinema MATCH (n) RETURN count(n)"), "0");
        assert_eq!(face.ok(&mut *ann, "USE films MATCH (n) RETURN count(n)"), "2");
    });
}
