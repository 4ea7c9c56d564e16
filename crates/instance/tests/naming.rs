//! What privileges hold for goes by names, homes, aliases and users: who changes those lets himself in nowhere.
//! Leaves other ways to get more than one was given to `rising`.
//! Start reading at [`f86_whoever_renames_a_database_gains_nothing_by_its_new_name`].

mod world;

use instance::RunOptions;
use types::Map;
use world::{DONE, all, check, failed, log_in, make, refused, run, run_with, with_passwords};

#[test]
fn f86_whoever_renames_a_database_gains_nothing_by_its_new_name() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    ["ann", "bob", "eve"].iter().for_each(|user| make(&mut admin, user));
    all(
        &mut admin,
        &[
            "CREATE DATABASE tenant",
            "CREATE DATABASE pt_own",
            "CREATE DATABASE secret_a",
            "CREATE ROLE namers",
            "GRANT DATABASE MANAGEMENT ON DBMS TO namers",
            "GRANT ALIAS MANAGEMENT ON DBMS TO namers",
            "GRANT ROLE namers TO ann, bob, eve",
            "GRANT ACCESS ON DATABASE `pt_*` TO USER ann",
            "GRANT MATCH {*} ON GRAPH `pt_*` TO USER ann",
            "GRANT ACCESS ON DATABASE * TO USER bob",
            "GRANT MATCH {*} ON GRAPH * TO USER bob",
            "DENY MATCH {*} ON GRAPH `secret_*` TO USER bob",
            "ALTER USER eve SET HOME DATABASE later",
            "GRANT MATCH {*} ON HOME GRAPH TO USER eve",
        ],
    );
    let (mut ann, mut bob, mut eve) = (log_in(&instance, "ann"), log_in(&instance, "bob"), log_in(&instance, "eve"));
    let told = "Forbidden: Permission denied. Database 'tenant' cannot be called 'pt_tenant': user 'ann' with roles \
                [PUBLIC, namers] would gain the privilege ACCESS on it, and neither owns it nor has ASSIGN PRIVILEGE ON \
                DBMS.";
    check(&mut ann, "RENAME DATABASE tenant TO pt_tenant", told);
    // What no pattern covers, and what she has already, is called as she likes.
    all(&mut ann, &["RENAME DATABASE tenant TO tenant_a", "RENAME DATABASE pt_own TO pt_mine"]);
    all(&mut ann, &["CREATE DATABASE made", "RENAME DATABASE made TO pt_made"]);
    check(&mut ann, "USE pt_made MATCH (n) RETURN count(n)", "0");
    // A denial that would cease is gained too.
    refused(&mut bob, &["RENAME DATABASE secret_a TO open"]);
    all(&mut bob, &["RENAME DATABASE secret_a TO secret_b", "RENAME DATABASE tenant_a TO tenant"]);
    // So is a home, by whatever way a name becomes one.
    refused(&mut eve, &["RENAME DATABASE tenant TO later", "CREATE ALIAS later FOR DATABASE tenant"]);
    all(&mut admin, &["ALTER USER eve REMOVE HOME DATABASE"]);
    refused(&mut eve, &["ALTER DATABASE tenant SET DEFAULT", "CALL dbms.setDefaultDatabase('tenant')"]);
    check(&mut ann, "ALTER DATABASE tenant SET DEFAULT", DONE);
    // Who may give privileges gives them so too.
    all(&mut admin, &["ALTER DATABASE sheaf SET DEFAULT", "GRANT ASSIGN PRIVILEGE ON DBMS TO namers"]);
    all(&mut ann, &["RENAME DATABASE tenant TO pt_tenant"]);
    check(&mut ann, "USE pt_tenant MATCH (n) RETURN count(n)", "0");
}

#[test]
fn f86_whoever_sets_his_own_home_gains_nothing_by_it() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    ["ann", "bob", "eve"].iter().for_each(|user| make(&mut admin, user));
    all(
        &mut admin,
        &[
            "CREATE DATABASE hers",
            "CREATE DATABASE tenant",
            "CREATE ALIAS cover FOR DATABASE tenant",
            "CREATE ROLE hosts",
            "GRANT SET USER HOME DATABASE ON DBMS TO hosts",
            "GRANT ROLE hosts TO ann, bob, eve",
            "ALTER USER ann SET HOME DATABASE hers",
            "GRANT MATCH {*} ON HOME GRAPH TO USER ann",
            "GRANT LEVEL read ON DATABASE * TO USER bob",
            "ALTER USER bob SET HOME DATABASE hers",
            "DENY MATCH {*} ON HOME GRAPH TO USER bob",
        ],
    );
    let (mut ann, mut bob, mut eve) = (log_in(&instance, "ann"), log_in(&instance, "bob"), log_in(&instance, "eve"));
    let told = "Forbidden: Permission denied. Database 'tenant' cannot be the home: user 'ann' with roles [PUBLIC, hosts] \
                would gain the privilege ACCESS on it, and neither owns it nor has ASSIGN PRIVILEGE ON DBMS.";
    check(&mut ann, "ALTER USER ann SET HOME DATABASE tenant", told);
    // By an alias, as the default database, and as one that somebody makes later.
    let ways = ["SET HOME DATABASE cover", "REMOVE HOME DATABASE", "SET HOME DATABASE later"];
    ways.iter().for_each(|way| refused(&mut ann, &[&format!("ALTER USER ann {way}")]));
    check(&mut ann, "USE tenant RETURN 1", "DatabaseNotFound: Database does not exist. Database name: 'tenant'.");
    check(&mut ann, "MATCH (n) RETURN count(n)", "0");
    // Where a denial is about the home, another home would shed it.
    refused(&mut bob, &["ALTER USER bob SET HOME DATABASE tenant"]);
    // To come in is enough, and what is not there is refused as what is.
    for name in ["tenant", "later"] {
        let told = format!(
            "Forbidden: Permission denied. Database '{name}' cannot be the home: user 'eve' with roles [PUBLIC, hosts] would \
             gain the privilege ACCESS on it, and neither owns it nor has ASSIGN PRIVILEGE ON DBMS."
        );
        check(&mut eve, &format!("ALTER USER eve SET HOME DATABASE {name}"), &told);
    }
    check(&mut eve, "USE tenant RETURN 1", "DatabaseNotFound: Database does not exist. Database name: 'tenant'.");
    all(&mut admin, &["GRANT ACCESS ON DATABASE hers TO USER eve"]);
    all(&mut eve, &["ALTER USER eve SET HOME DATABASE hers", "ALTER USER eve REMOVE HOME DATABASE"]);
    // Nor is anybody else let in so.
    let told = "Forbidden: Permission denied. Database 'tenant' cannot be the home: user 'ann' would gain the privilege \
                ACCESS on it, and user 'eve' with roles [PUBLIC, hosts] neither owns it nor has ASSIGN PRIVILEGE ON DBMS.";
    check(&mut eve, "ALTER USER ann SET HOME DATABASE tenant", told);
    ways.iter().for_each(|way| refused(&mut eve, &[&format!("ALTER USER ann {way}")]));
    refused(&mut eve, &["ALTER USER bob SET HOME DATABASE tenant"]);
    check(&mut eve, "ALTER USER ann SET HOME DATABASE hers", "");
    all(&mut admin, &["GRANT ASSIGN PRIVILEGE ON DBMS TO hosts"]);
    all(&mut ann, &["ALTER USER ann SET HOME DATABASE later", "ALTER USER ann SET HOME DATABASE tenant"]);
    check(&mut ann, "USE tenant MATCH (n) RETURN count(n)", "0");
}

#[test]
fn f86_whoever_moves_the_default_database_sheds_no_denial() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    ["ann", "bob", "eve"].iter().for_each(|user| make(&mut admin, user));
    let wanted = ["CREATE DATABASE plain", "CREATE DATABASE other", "ALTER DATABASE plain SET DEFAULT"];
    all(&mut admin, &wanted);
    all(&mut admin, &["CREATE ALIAS cover FOR DATABASE plain"]);
    check(&mut admin, "USE plain CREATE (:Sec {v: 'hush'})", "[nodes+ 1, properties 1, labels+ 1]");
    for (user, scope) in [("ann", "DATABASE plain"), ("bob", "DATABASE plain"), ("eve", "ALIAS cover")] {
        all(
            &mut admin,
            &[
                &format!("GRANT LEVEL read ON {scope} TO USER {user}"),
                &format!("GRANT ALTER DATABASE ON DBMS TO USER {user}"),
            ],
        );
    }
    all(&mut admin, &["DENY READ {v} ON HOME GRAPH TO USER ann", "DENY READ {v} ON DEFAULT GRAPH TO USER bob"]);
    all(&mut admin, &["DENY READ {v} ON HOME GRAPH TO USER eve"]);
    let moves = ["ALTER DATABASE other SET DEFAULT", "CALL dbms.setDefaultDatabase('other')"];
    for (user, name) in [("ann", "plain"), ("bob", "plain"), ("eve", "cover")] {
        let mut session = log_in(&instance, user);
        let told = format!(
            "Forbidden: Permission denied. Database 'plain' cannot cease to be the default one: user '{user}' with roles \
             [PUBLIC] would gain the privilege READ on it, and neither owns it nor has ASSIGN PRIVILEGE ON DBMS."
        );
        moves.iter().for_each(|text| check(&mut session, text, &told));
        check(&mut session, &format!("USE {name} MATCH (n:Sec) RETURN n.v"), "null");
        all(&mut session, &[&format!("ALTER DATABASE plain SET OPTION description 'altered by {user}'")]);
    }
    // To whom it is the home by his own choice it stays that.
    all(&mut admin, &["ALTER USER ann SET HOME DATABASE plain"]);
    all(&mut log_in(&instance, "ann"), &[moves[0]]);
    check(&mut log_in(&instance, "ann"), "USE plain MATCH (n:Sec) RETURN n.v", "null");
}

#[test]
fn f86_whoever_leaves_a_home_sheds_no_denial_by_whatever_name_it_is_his() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "host");
    all(
        &mut admin,
        &[
            "CREATE DATABASE kept",
            "CREATE ALIAS cover FOR DATABASE kept",
            "CREATE ALIAS second FOR DATABASE kept",
            "CREATE DATABASE other",
            "GRANT SET USER HOME DATABASE ON DBMS TO USER host",
        ],
    );
    check(&mut admin, "USE kept CREATE (:Sec {v: 'hush'})", "[nodes+ 1, properties 1, labels+ 1]");
    let mut host = log_in(&instance, "host");
    let ways =
        ["REMOVE HOME DATABASE", "SET HOME DATABASE other", "SET HOME DATABASE sheaf", "SET HOME DATABASE second"];
    for (user, home, scope) in
        [("ann", "kept", "DATABASE kept"), ("bob", "cover", "ALIAS cover"), ("eve", "cover", "DATABASE kept")]
    {
        make(&mut admin, user);
        all(
            &mut admin,
            &[
                &format!("ALTER USER {user} SET HOME DATABASE {home}"),
                &format!("GRANT LEVEL read ON {scope} TO USER {user}"),
                &format!("GRANT ACCESS ON DATABASE * TO USER {user}"),
                &format!("DENY READ {{v}} ON HOME GRAPH TO USER {user}"),
                &format!("GRANT SET USER HOME DATABASE ON DBMS TO USER {user}"),
            ],
        );
        let mut session = log_in(&instance, user);
        let hidden = format!("USE {home} MATCH (n:Sec) RETURN n.v");
        check(&mut session, &hidden, "null");
        let told = |who: &str, giver: &str| {
            format!(
                "Forbidden: Permission denied. Database '{home}' cannot cease to be the home: {who} would gain the privilege \
                 READ on it, and {giver}neither owns it nor has ASSIGN PRIVILEGE ON DBMS."
            )
        };
        for way in ways {
            let left = format!("ALTER USER {user} {way}");
            check(&mut session, &left, &told(&format!("user '{user}' with roles [PUBLIC]"), ""));
            check(&mut host, &left, &told(&format!("user '{user}'"), "user 'host' with roles [PUBLIC] "));
        }
        check(&mut session, &hidden, "null");
        // The name that he has already is no other home, and the database's own name holds for all of them.
        for same in [home, "kept"] {
            run(&mut session, &format!("ALTER USER {user} SET HOME DATABASE {same}")).expect("nothing is shed");
            check(&mut session, &hidden, "null");
        }
        // Where the same is denied by another scope, it goes on.
        run(&mut admin, &format!("ALTER USER {user} SET HOME DATABASE {home}")).expect("she may");
        all(&mut admin, &[&format!("DENY READ {{v}} ON GRAPH kept TO USER {user}")]);
        all(&mut host, &[&format!("ALTER USER {user} {}", ways[0])]);
        check(&mut session, &hidden, "null");
    }
}

#[test]
fn f86_who_has_it_within_a_larger_privilege_gains_nothing_by_a_name() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "host");
    all(&mut admin, &["CREATE DATABASE vault", "GRANT SET USER HOME DATABASE ON DBMS TO USER host"]);
    let mut host = log_in(&instance, "host");
    // What one has, what a pattern would give beside it, and whether one has that too.
    let cases = [
        ("GRANT OWNERSHIP ON DATABASE vault", "MATCH {*} ON GRAPH `pt_*`", true),
        ("GRANT OWNERSHIP ON DATABASE vault", "TRANSACTION MANAGEMENT (host) ON DATABASE `pt_*`", true),
        ("GRANT LEVEL owner ON DATABASE *", "CREATE NEW LABELS ON DATABASE `pt_*`", true),
        ("GRANT ALL DATABASE PRIVILEGES ON DATABASE *", "ACCESS ON DATABASE `pt_*`", true),
        ("GRANT ALL DATABASE PRIVILEGES ON DATABASE *", "SHOW INDEX ON DATABASE `pt_*`", true),
        ("GRANT ALL DATABASE PRIVILEGES ON DATABASE *", "READ {v} ON GRAPH `pt_*`", false),
        ("GRANT ALL GRAPH PRIVILEGES ON GRAPH vault", "SET LABEL A ON GRAPH `pt_*`", true),
        ("GRANT WRITE ON GRAPH vault", "DELETE ON GRAPH `pt_*` NODES A", true),
        ("GRANT MATCH {v} ON GRAPH vault NODES A", "TRAVERSE ON GRAPH `pt_*` NODES A", true),
        ("GRANT MATCH {v} ON GRAPH vault NODES A", "TRAVERSE ON GRAPH `pt_*` NODES *", false),
        ("GRANT MATCH {v} ON GRAPH vault", "READ {w} ON GRAPH `pt_*`", false),
        ("GRANT MATCH {*} ON GRAPH vault FOR (n) WHERE n.v = 1", "READ {w} ON GRAPH `pt_*` NODES A", false),
        // Nor is a denial shed that another one goes on with.
        ("DENY MATCH {*} ON GRAPH vault", "DENY TRAVERSE ON GRAPH `va*`", true),
        ("DENY MATCH {v} ON GRAPH vault", "DENY READ {v} ON GRAPH `va*` NODES A", true),
        ("DENY MATCH {v} ON GRAPH vault", "DENY TRAVERSE ON GRAPH `va*`", false),
        ("GRANT MATCH {*} ON GRAPH vault", "DENY TRAVERSE ON GRAPH `va*`", false),
    ];
    for (number, (has, other, is_had)) in cases.into_iter().enumerate() {
        let user = format!("user{number}");
        make(&mut admin, &user);
        let other = if other.starts_with("DENY") { other.to_owned() } else { format!("GRANT {other}") };
        all(
            &mut admin,
            &[
                &format!("{has} TO USER {user}"),
                &format!("{other} TO USER {user}"),
                &format!("GRANT ALTER DATABASE ON DBMS TO USER {user}"),
                &format!("DENY ASSIGN PRIVILEGE ON DBMS TO USER {user}"),
            ],
        );
        let renamed = run(&mut log_in(&instance, &user), "RENAME DATABASE vault TO pt_vault");
        let refusal = renamed.as_ref().err().map(failed).unwrap_or_default();
        assert_eq!(renamed.is_ok(), is_had, "{has}, {other}: {refusal}");
        assert!(is_had || refusal.contains("would gain the privilege"), "{refusal}");
        if is_had {
            all(&mut admin, &["RENAME DATABASE pt_vault TO vault"]);
        }
    }
    // Whoever owns it may come in, and have it as his home.
    for (user, owns) in [
        ("ann", "ALTER DATABASE vault SET OWNER ann"),
        ("bob", "GRANT LEVEL owner ON DATABASE vault TO USER bob"),
        ("eve", "GRANT ALL ON DATABASE vault TO USER eve"),
    ] {
        make(&mut admin, user);
        refused(&mut host, &[&format!("ALTER USER {user} SET HOME DATABASE vault")]);
        all(&mut admin, &[owns]);
        all(&mut host, &[&format!("ALTER USER {user} SET HOME DATABASE vault")]);
    }
}

#[test]
fn f86_whoever_makes_a_user_lets_him_in_nowhere_by_his_home() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "eve");
    all(
        &mut admin,
        &[
            "CREATE DATABASE hers",
            "CREATE DATABASE tenant",
            "CREATE ALIAS cover FOR DATABASE tenant",
            "ALTER DATABASE hers SET OWNER eve",
            "GRANT CREATE USER ON DBMS TO USER eve",
            "GRANT DROP USER ON DBMS TO USER eve",
            "GRANT SET USER HOME DATABASE ON DBMS TO USER eve",
        ],
    );
    let mut eve = log_in(&instance, "eve");
    let made = |name: &str, home: &str| {
        format!(
            "CREATE OR REPLACE USER {name} SET PASSWORD '{name}-password' CHANGE NOT REQUIRED SET HOME DATABASE {home}"
        )
    };
    // Be it only to come in, by a name that is there or by one that is not.
    refused(&mut eve, &[&made("pup", "tenant"), &made("pup", "later")]);
    all(&mut eve, &[&made("pup", "sheaf")]);
    all(&mut admin, &["DROP USER pup", "GRANT MATCH {*} ON HOME GRAPH TO PUBLIC"]);
    let told = "Forbidden: Permission denied. Database 'tenant' cannot be the home: user 'pup' would gain the privilege \
                ACCESS on it, and user 'eve' with roles [PUBLIC] neither owns it nor has ASSIGN PRIVILEGE ON DBMS.";
    check(&mut eve, &made("pup", "tenant"), told);
    refused(&mut eve, &[&made("pup", "cover"), &made("eva", "tenant")]);
    // Which of two unknown names is there is not told.
    check(&mut eve, &made("pup", "later"), &told.replace("tenant", "later"));
    all(&mut eve, &[&made("pup", "hers"), "CREATE USER eva SET PASSWORD 'eva-password' CHANGE NOT REQUIRED"]);
    refused(&mut eve, &[&made("eva", "tenant"), "ALTER USER eva SET HOME DATABASE tenant"]);
    all(&mut eve, &["ALTER USER eva SET HOME DATABASE hers"]);
    let unknown = "DatabaseNotFound: Database does not exist. Database name: 'tenant'.";
    check(&mut log_in(&instance, "pup"), "USE tenant RETURN 1", unknown);
    all(&mut admin, &["GRANT PRIVILEGE MANAGEMENT ON DBMS TO USER eve"]);
    all(&mut eve, &[&made("pup", "tenant"), "ALTER USER eva SET HOME DATABASE tenant"]);
    check(&mut log_in(&instance, "pup"), "MATCH (n) RETURN count(n)", "0");
}

#[test]
fn f44_whoever_leads_an_alias_elsewhere_does_not_let_himself_in() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(
        &mut admin,
        &[
            "CREATE DATABASE films",
            "CREATE DATABASE notes",
            "CREATE ALIAS hers FOR DATABASE notes",
            "CREATE ALIAS theirs FOR DATABASE notes",
            "GRANT LEVEL read ON ALIAS hers TO USER ann",
            "CREATE ROLE namers",
            "GRANT ALIAS MANAGEMENT ON DBMS TO namers",
            "GRANT ALTER DATABASE ON DBMS TO namers",
            "GRANT ROLE namers TO ann",
        ],
    );
    let mut ann = log_in(&instance, "ann");
    refused(&mut ann, &["ALTER ALIAS hers SET DATABASE TARGET films"]);
    check(&mut ann, "USE hers RETURN 1", "1");
    // Others come where she says, as the guide says; and what was granted on an alias ends with it.
    all(&mut ann, &["ALTER ALIAS theirs SET DATABASE TARGET films"]);
    run(&mut ann, "ALTER ALIAS hers SET DATABASE TARGET notes").expect("it leads there already");
    run(&mut ann, "ALTER ALIAS hers SET DATABASE PROPERTIES {of: 'ann'}").expect("it leads nowhere else");
    all(&mut ann, &["CREATE OR REPLACE ALIAS hers FOR DATABASE films"]);
    check(&mut ann, "USE hers RETURN 1", "DatabaseNotFound: Database does not exist. Database name: 'hers'.");
    // Into her own database anybody may come, she too.
    let third = ["CREATE ALIAS third FOR DATABASE notes", "GRANT LEVEL read ON ALIAS third TO USER ann"];
    all(&mut admin, &third);
    refused(&mut ann, &["ALTER ALIAS third SET DATABASE TARGET films"]);
    all(&mut admin, &["ALTER DATABASE films SET OWNER ann"]);
    all(&mut ann, &["ALTER ALIAS third SET DATABASE TARGET films"]);
}

#[test]
fn f40_f44_an_open_transaction_of_who_knows_the_alias_alone_is_run_again_when_it_moves() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    make(&mut admin, "ann");
    all(
        &mut admin,
        &[
            "CREATE DATABASE films",
            "CREATE DATABASE notes",
            "CREATE ALIAS hers FOR DATABASE films",
            "GRANT LEVEL write ON ALIAS hers TO USER ann",
        ],
    );
    let [mut reads, mut commits] = ["ann", "ann"].map(|user| log_in(&instance, user));
    let hers = RunOptions { database: Some("hers".into()), ..RunOptions::default() };
    for session in [&mut reads, &mut commits] {
        session.begin(&hers).expect("she may");
        run(session, "CREATE (:Film)").expect("she may");
    }
    all(&mut admin, &["ALTER ALIAS hers SET DATABASE TARGET notes"]);
    // Drivers run such a transaction again, which then begins where the alias leads.
    let moved =
        "TransactionConflict: The alias 'hers' leads to another database since the transaction began. Run it again.";
    check(&mut reads, "MATCH (n) RETURN count(n)", moved);
    assert_eq!(commits.commit().map_err(|it| failed(&it)).expect_err("it moved"), moved);
    reads.rollback().expect("it is open");
    check(&mut reads, "USE hers CREATE (:Film) RETURN database()", "'hers'\n[nodes+ 1, labels+ 1]");
    check(&mut admin, "USE films MATCH (n) RETURN count(n)", "0");
}

#[test]
fn f86_who_may_speak_in_a_name_may_so_while_it_is_the_same_user() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    ["ann", "bob"].iter().for_each(|user| make(&mut admin, user));
    all(&mut admin, &["GRANT IMPERSONATE (ann) ON DBMS TO USER bob", "RENAME USER ann TO eve"]);
    make(&mut admin, "ann");
    let mut bob = log_in(&instance, "bob");
    let mut speaks = |name: &str| {
        let options = RunOptions { impersonated_user: Some(name.into()), ..RunOptions::default() };
        run_with(&mut bob, "RETURN 1", Map::new(), &options).is_ok()
    };
    assert_eq!((speaks("ann"), speaks("eve")), (false, true));
    all(&mut admin, &["DROP USER eve"]);
    make(&mut admin, "eve");
    assert!(!speaks("eve"));
    // A denial holds for whoever has the name.
    all(&mut admin, &["GRANT IMPERSONATE (*) ON DBMS TO USER bob", "DENY IMPERSONATE (eve) ON DBMS TO USER bob"]);
    all(&mut admin, &["DROP USER eve"]);
    make(&mut admin, "eve");
    assert_eq!((speaks("ann"), speaks("eve")), (true, false));
    // His own rights about himself go with him, once.
    all(&mut admin, &["GRANT IMPERSONATE (ann) ON DBMS TO USER ann", "DROP USER ann"]);
}

#[test]
fn f44_whoever_may_see_the_indexes_of_a_database_does_not_let_himself_in() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    let kinds = ["INDEX MANAGEMENT", "SHOW INDEX", "CONSTRAINT MANAGEMENT", "DROP CONSTRAINT", "NAME MANAGEMENT"];
    for (number, kind) in kinds.into_iter().enumerate() {
        let (user, vault) = (format!("user{number}"), format!("vault{number}"));
        make(&mut admin, &user);
        let granted = format!("GRANT {kind} ON DATABASE {vault} TO USER {user}");
        // Everybody may come into his home, and there is none of that name yet.
        let at_home = format!("ALTER USER {user} SET HOME DATABASE spook{number}");
        all(
            &mut admin,
            &[
                &format!("CREATE DATABASE {vault}"),
                &granted,
                &format!("GRANT ALIAS MANAGEMENT ON DBMS TO USER {user}"),
                &format!("GRANT ALTER DATABASE ON DBMS TO USER {user}"),
                &at_home,
            ],
        );
        let mut one = log_in(&instance, &user);
        refused(
            &mut one,
            &[
                &format!("ALTER DATABASE {vault} RENAME TO spook{number}"),
                &format!("CREATE ALIAS spook{number} FOR DATABASE {vault}"),
            ],
        );
        // Who may not look into it may name it.
        all(&mut admin, &[&granted.replace("GRANT", "REVOKE").replace("TO USER", "FROM USER")]);
        all(&mut one, &[&format!("ALTER DATABASE {vault} RENAME TO spook{number}")]);
    }
}

#[test]
fn f91_who_sets_homes_does_not_learn_which_databases_there_are() {
    let instance = with_passwords();
    let mut admin = log_in(&instance, "admin");
    ["setter", "rita", "nick"].iter().for_each(|user| make(&mut admin, user));
    all(
        &mut admin,
        &[
            "CREATE DATABASE vault",
            "GRANT SET USER HOME DATABASE ON DBMS TO USER setter",
            "GRANT ROLE reader TO rita",
            "GRANT ACCESS ON DATABASE * TO USER nick",
        ],
    );
    let mut setter = log_in(&instance, "setter");
    // Who may come in everywhere gains nothing by a home, be there a database of its name or not.
    for user in ["admin", "rita", "nick"] {
        for home in ["vault", "nothing_yet"] {
            all(&mut setter, &[&format!("ALTER USER {user} SET HOME DATABASE {home}")]);
        }
    }
    // Who may not gains it by both.
    make(&mut admin, "eve");
    for home in ["vault", "nothing_yet"] {
        refused(&mut setter, &[&format!("ALTER USER eve SET HOME DATABASE {home}")]);
    }
}
