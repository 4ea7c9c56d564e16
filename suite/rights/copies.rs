//! Which right each command about backups, restores and journals takes, over Bolt: the table of `docs/guide/backup.md`.
//! Leaves what a backup holds to the tests of `instance`, and HTTP to the scripts.

use bolt::AuthToken;
use bolt::client::{Client, ConnectOptions};
use server::Server;
use types::{Code, Map, Value};

use crate::wire::serve;
use crate::world::{World, run};

/// What came of a command: the first row.
type Told = Result<Vec<Value>, String>;

struct Speaker(Client);

impl Speaker {
    fn new(server: &Server, user: &str) -> Self {
        let auth = AuthToken::basic(user, format!("{user}-password"));
        let options = ConnectOptions { auth, ..ConnectOptions::default() };
        Self(Client::connect(server.bolt_addr().expect("Bolt is on"), &options).expect("the password is right"))
    }

    fn says(&mut self, text: &str) -> Told {
        let ran = self.0.run(text, Map::new());
        let told = ran.map(|answer| answer.rows.into_iter().next().unwrap_or_default());
        told.map_err(|error| {
            let status = error.status().unwrap_or_default().to_owned();
            self.0.reset().expect("it listens");
            assert_eq!(status, Code::Forbidden.row().neo4j, "{text}: {error}");
            error.to_string()
        })
    }

    #[track_caller]
    fn may(&mut self, text: &str) -> Vec<Value> {
        self.says(text).unwrap_or_else(|told| panic!("{text}: {told}"))
    }

    /// Checks that a privilege is missing.
    #[track_caller]
    fn may_not(&mut self, text: &str, privilege: &str) {
        let told = self.says(text).expect_err(text);
        assert!(told.contains(&format!("The privilege {privilege} is missing or denied for ")), "{text}: {told}");
    }
}

#[test]
fn f24_f82_each_command_about_backups_and_journals_takes_the_right_that_the_guide_says() {
    let world = World::new();
    let server = serve(&world);
    let mut admin = world.session("admin");
    for text in [
        "CREATE DATABASE films",
        "ALTER DATABASE films SET OPTION journal true",
        "USE films CREATE (:Film)",
        "CREATE USER olga SET PASSWORD 'olga-password' CHANGE NOT REQUIRED",
        "CREATE USER eve SET PASSWORD 'eve-password' CHANGE NOT REQUIRED",
        "GRANT ACCESS ON DATABASE films TO USER eve",
        "ALTER DATABASE films SET OWNER olga",
    ] {
        run(&mut *admin, text).unwrap_or_else(|problem| panic!("{text}: {}", problem.message));
    }
    let (mut olga, mut eve) = (Speaker::new(&server, "olga"), Speaker::new(&server, "eve"));

    // To back up takes BACKUP on the database, which its owner has; the whole server takes it on all, and more.
    let on_films = "BACKUP ON DATABASE films";
    eve.may_not("BACKUP DATABASE films TO 'eve'", on_films);
    eve.may_not("BACKUP JOURNAL FOR DATABASE films TO 'eve'", on_films);
    eve.may_not("SHOW BACKUPS", "BACKUP ON DATABASE *");
    olga.may("BACKUP DATABASE films TO 'one'");
    olga.may("USE films CREATE (:Film)");
    let copied = olga.may("BACKUP JOURNAL FOR DATABASE films TO 'one.journal'");
    let until = types::text::literal(copied.last().expect("the last column is its end"));
    olga.may_not("BACKUP ALL DATABASES TO 'all'", "BACKUP ON DATABASE *");
    olga.may_not("ALTER DATABASE films SET OPTION journal false", "SET LIMIT ON DATABASE films");

    // To restore takes CREATE DATABASE, and BACKUP on the database that the file is of.
    let restored = |name: &str| format!("CREATE DATABASE {name} FROM BACKUP 'one'");
    let played = |name: &str| format!("{} UNTIL {until} USING JOURNAL 'one.journal'", restored(name));
    olga.may_not(&restored("again"), "CREATE DATABASE ON DBMS");
    for user in ["olga", "eve"] {
        run(&mut *admin, &format!("GRANT CREATE DATABASE ON DBMS TO USER {user}")).expect("granted");
    }
    olga.may(&restored("again"));
    olga.may(&played("later"));
    assert_eq!(olga.may("USE later MATCH (f:Film) RETURN count(f)"), [Value::Integer(2)]);
    eve.may_not(&restored("hers"), "BACKUP ON DATABASE *");
    eve.may_not(&played("hers"), "BACKUP ON DATABASE *");
    eve.may_not("CREATE DATABASE hers FROM films", on_films);
    run(&mut *admin, "GRANT DROP DATABASE ON DBMS TO USER eve").expect("granted");
    eve.may_not("DROP DATABASE films DUMP DATA", on_films);
    run(&mut *admin, "GRANT BACKUP ON DATABASE films TO USER eve").expect("granted");
    eve.may(&played("hers"));
    eve.may("CREATE OR REPLACE DATABASE hers FROM BACKUP 'one'");
    run(&mut *admin, "REVOKE DROP DATABASE ON DBMS FROM USER eve").expect("granted");
    eve.may_not("CREATE OR REPLACE DATABASE films FROM BACKUP 'one'", "DROP DATABASE ON DBMS");
    eve.may_not("CALL dbms.recreateDatabase('films', {seedURI: 'one'})", "DROP DATABASE ON DBMS");

    // Of a database that is gone, who made a backup restores it; the copy of a journal does not say who made that.
    olga.may("DROP DATABASE films");
    olga.may(&restored("back"));
    olga.may_not(&played("more"), "BACKUP ON DATABASE *");
    eve.may_not(&restored("more"), "BACKUP ON DATABASE *");
    run(&mut *admin, "GRANT BACKUP ON DATABASE * TO USER olga").expect("granted");
    olga.may(&played("more"));
    assert_eq!(olga.may("USE more MATCH (f:Film) RETURN count(f)"), [Value::Integer(2)]);
    olga.may_not("BACKUP ALL DATABASES TO 'all'", "ALL DBMS PRIVILEGES ON DBMS");
    olga.may_not("BACKUP DATABASE system TO 'all'", "ALL DBMS PRIVILEGES ON DBMS");
}
