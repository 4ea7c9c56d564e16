//! What must hold of a catalog on every engine: names, restarts, crashes between two halves, damage, logging in.
//! Leaves whole servers to the suite.
//! Start reading at [`f20_one_name_space`].

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::{
    Access, Aim, Authentication, Cascade, Catalog, Change, DatabaseAccess, Existing, NewDatabase, Pending, Requested,
    Settings, Stage, grant,
};
use store::{Snapshot, Store, StoreError, Usage, Writer};
use types::{DatabaseName, Map};
use world::{World, create, listed, name, on_both_engines, told};

/// Aims an alias at a database of which whoever asks knows.
fn aimed(target: &DatabaseName) -> Aim<'_> {
    Aim { target, is_known: true }
}

#[test]
fn the_first_start_and_every_later_one() {
    on_both_engines(|world| {
        let catalog = world.open();
        assert_eq!(
            told(catalog.resolve("sheaf")),
            "DatabaseNotFound: Database does not exist. Database name: 'sheaf'."
        );
        let pending = catalog.pending();
        assert!(matches!(&pending[..], [Pending::Finish(database)] if database.name == name("sheaf")));
        drop((catalog, pending));

        let catalog = world.start();
        assert_eq!(listed(&catalog), "sheaf system neo4j>sheaf");
        let target = catalog.resolve("Neo4J").expect("the alias");
        assert_eq!((target.name, target.alias), (name("sheaf"), Some(name("neo4j"))));
        assert_eq!(catalog.resolve("SYSTEM").expect("always there").alias, None);
        let (version, default) = (catalog.names().version(), catalog.names().default_database().id);
        drop(catalog);

        let catalog = world.start();
        assert_eq!((catalog.names().version(), catalog.names().default_database().id), (version, default));
    });
}

#[test]
fn unknown_and_illegal_names_never_fall_back() {
    on_both_engines(|world| {
        let catalog = world.start();
        for typed in ["nope", "", "../sheaf", "sheaf ", "system2", "_x", "shéaf"] {
            let expected = format!("DatabaseNotFound: Database does not exist. Database name: '{typed}'.");
            assert_eq!(told(catalog.resolve(typed)), expected);
        }
    });
}

#[test]
fn f20_one_name_space() {
    on_both_engines(|world| {
        let catalog = world.start();
        let refused = |result: String, text: &str| assert_eq!(result, text);
        create(&catalog, "films");
        catalog.create_alias(&name("cinema"), aimed(&name("films")), &Map::new(), Existing::Refuse).expect("free");
        let half = catalog.create_database(&name("half"), NewDatabase::default()).expect("free");

        for taken in ["films", "half", "system", "cinema", "neo4j"] {
            let text =
                format!("Failed to create the specified database '{taken}': Database name or alias already exists.");
            let made = told(catalog.create_database(&name(taken), NewDatabase::default()));
            refused(made, &format!("DatabaseExists: {text}"));
        }
        let alias = |text: &str| format!("Failed to create the specified database alias '{text}");
        let make = |text: &str, target: &str| {
            told(catalog.create_alias(&name(text), aimed(&name(target)), &Map::new(), Existing::Refuse))
        };
        for taken in ["films", "half", "system"] {
            let text = format!("DatabaseExists: {}': Database exists with that name.", alias(taken));
            refused(make(taken, "sheaf"), &text);
        }
        let text = format!("DatabaseExists: {}': Database name or alias already exists.", alias("cinema"));
        refused(make("cinema", "sheaf"), &text);
        refused(make("a", "cinema"), &format!("AliasChain: {}': Target 'cinema' is an alias.", alias("a")));
        refused(make("a", "half"), &format!("DatabaseNotFound: {}': Database 'half' does not exist.", alias("a")));
        let text = format!("DatabaseProtected: {}': The system database cannot be aliased.", alias("a"));
        refused(make("a", "system"), &text);

        catalog.database_removed(half.id).expect("given up");
        assert_eq!(make("half", "films"), "ok", "the name is free again");
    });
}

#[test]
fn aliases_lead_elsewhere_and_go() {
    on_both_engines(|world| {
        let catalog = world.start();
        create(&catalog, "films");
        catalog.alter_alias(&name("neo4j"), Some(aimed(&name("films"))), None).expect("both exist");
        assert_eq!(catalog.resolve("neo4j").expect("there").name, name("films"));
        assert_eq!(
            told(catalog.drop_database(&name("films"), Cascade::Restrict)),
            "AliasExists: Failed to delete the specified database 'films': Database has one or more aliases. Drop the \
             aliases: ['neo4j'] before dropping the database."
        );
        assert_eq!(
            told(catalog.alter_alias(&name("films"), Some(aimed(&name("sheaf"))), None)),
            "DatabaseNotFound: Failed to alter the specified database alias 'films': Database alias does not exist."
        );
        catalog.drop_alias(&name("neo4j")).expect("there");
        assert_eq!(
            told(catalog.drop_alias(&name("neo4j"))),
            "DatabaseNotFound: Failed to delete the specified database alias 'neo4j': Database alias does not exist."
        );
        catalog.create_alias(&name("cinema"), aimed(&name("films")), &Map::new(), Existing::Refuse).expect("free");
        let dropped = catalog.drop_database(&name("films"), Cascade::Aliases).expect("with its aliases");
        catalog.database_removed(dropped.id).expect("removed");
        assert_eq!(listed(&catalog), "sheaf system");
    });
}

#[test]
fn system_and_the_default_are_protected() {
    on_both_engines(|world| {
        let catalog = world.start();
        let drop = |text: &str| told(catalog.drop_database(&name(text), Cascade::Aliases));
        let stop = |text: &str| told(catalog.stop_database(&name(text)));
        assert_eq!(drop("system"), "DatabaseProtected: Not allowed to delete system database.");
        assert_eq!(stop("system"), "DatabaseProtected: Not allowed to stop system database.");
        assert_eq!(drop("sheaf"), "DatabaseProtected: Not allowed to delete default database 'sheaf'.");
        assert_eq!(stop("sheaf"), "DatabaseProtected: Not allowed to stop default database 'sheaf'.");
        assert_eq!(
            told(catalog.alter_database(&name("system"), &[Change::Access(DatabaseAccess::ReadOnly)])),
            "DatabaseProtected: Not allowed to alter system database."
        );
        let missing = |verb: &str| {
            format!("DatabaseNotFound: Failed to {verb} the specified database 'x': Database does not exist.")
        };
        assert_eq!(drop("x"), missing("delete"));
        assert_eq!(stop("x"), missing("stop"));
        assert_eq!(told(catalog.start_database(&name("x"))), missing("start"));
        assert_eq!(
            told(catalog.alter_database(&name("x"), &[Change::Access(DatabaseAccess::ReadOnly)])),
            missing("alter")
        );
    });
}

#[test]
fn f19_the_limit_counts_every_database() {
    on_both_engines(|world| {
        let catalog = world.start();
        for text in ["a", "b", "c"] {
            create(&catalog, text);
        }
        catalog.stop_database(&name("a")).expect("there");
        assert_eq!(
            told(catalog.create_database(&name("d"), NewDatabase::default())),
            "DatabaseLimitReached: Failed to create the specified database 'd': The total limit of databases is already \
             reached. To create more you need to either drop databases or change the limit via the config setting \
             'databases_max', which Neo4j calls 'dbms.max_databases'"
        );
        let dropped = catalog.drop_database(&name("a"), Cascade::Restrict).expect("there");
        catalog.database_removed(dropped.id).expect("removed");
        create(&catalog, "d");
    });
}

#[test]
fn a_restart_keeps_everything() {
    on_both_engines(|world| {
        let catalog = world.start();
        create(&catalog, "films");
        world.clock.forward(10);
        catalog.stop_database(&name("films")).expect("there");
        catalog.alter_database(&name("films"), &[Change::Access(DatabaseAccess::ReadOnly)]).expect("there");
        catalog.create_alias(&name("cinema"), aimed(&name("films")), &Map::new(), Existing::Refuse).expect("free");
        let version = catalog.names().version();
        catalog.stop_database(&name("films")).expect("stopped already");
        assert_eq!(catalog.names().version(), version, "nothing changed");
        let (before, text) = (catalog.names().databases(), listed(&catalog));
        drop(catalog);

        let catalog = world.start();
        assert_eq!((catalog.names().databases(), listed(&catalog)), (before, text));
        assert_eq!(catalog.names().version(), version);
        let id = catalog.resolve("cinema").expect("there").database;
        let films = catalog.names().database(id).cloned().expect("there");
        assert_eq!((films.requested, films.access), (Requested::Offline, DatabaseAccess::ReadOnly));
        assert_eq!((films.created_nanos, films.last_start_nanos), (1_000, Some(1_000)));
        assert_eq!((films.updated_nanos, films.last_stop_nanos), (11_000, Some(11_000)));

        world.clock.forward(1);
        let (films, _) = catalog.start_database(&name("films")).expect("there");
        assert_eq!((films.requested, films.last_start_nanos), (Requested::Online, Some(12_000)));
    });
}

#[test]
fn crashes_between_the_halves_leave_a_trace() {
    on_both_engines(|world| {
        let half = |catalog: &Catalog| -> Vec<(String, Stage)> {
            let pending = catalog.pending().into_iter();
            let remove = pending.map(|half| match half {
                Pending::Remove(database) => (database.name.to_string(), database.stage),
                Pending::Finish(database) => panic!("{} is no default", database.name),
            });
            remove.collect()
        };
        let catalog = world.start();
        let made = catalog.create_database(&name("films"), NewDatabase::default()).expect("recorded");
        drop(catalog);

        let catalog = world.open();
        assert_eq!(half(&catalog), [("films".to_owned(), Stage::Making)]);
        assert!(catalog.resolve("films").is_err(), "no files, no database");
        assert_eq!(catalog.orphans(std::slice::from_ref(&made.folder)), [""; 0], "it still has a row");
        drop(catalog);

        let catalog = world.start();
        assert_eq!(
            catalog.orphans(&["system".into(), made.folder.clone(), "lost+found".into()]),
            [made.folder.as_str()]
        );
        create(&catalog, "films");
        let dropped = catalog.drop_database(&name("films"), Cascade::Restrict).expect("recorded");
        let again = catalog.create_database(&name("films"), NewDatabase::default()).expect("the name is free at once");
        assert_ne!(again.folder, dropped.folder);
        catalog.database_made(again.id).expect("made");
        drop(catalog);

        let catalog = world.open();
        assert_eq!(half(&catalog), [("films".to_owned(), Stage::Dropping)]);
        assert_eq!(catalog.resolve("films").expect("the new one").database, again.id);
        assert_eq!(told(catalog.database_made(dropped.id)), "Internal: no database is being made by that id");
        assert_eq!(
            told(catalog.database_removed(again.id)),
            "Internal: no database is half made or half dropped by that id"
        );
        catalog.database_removed(dropped.id).expect("swept");
        drop(catalog);
        assert_eq!(half(&world.open()), []);
    });
}

#[test]
fn damage_is_told_and_not_guessed_around() {
    on_both_engines(|world| {
        drop(Catalog::open(world.store(), with_password(world, "correct horse")).expect("opens"));
        let store = world.store();
        let (mut rows, start, end) = (Vec::new(), [0_u8], [0xff_u8]);
        let keep = &mut |key: &[u8], value: &[u8]| {
            rows.push((key.to_vec(), value.to_vec()));
            true
        };
        store.snapshot().expect("opens").scan(&start[..]..&end[..], keep).expect("reads");
        drop(store);
        assert_eq!(rows.len(), 11, "head, two databases, alias, admin, six roles");
        for (key, value) in &rows {
            let mut flipped = value.clone();
            *flipped.last_mut().expect("not empty") ^= 1;
            for bad in [&flipped[..], &value[..4]] {
                put(world, key, bad);
                let told = told(world.try_open());
                assert!(told.starts_with("StorageDamaged: the catalog is damaged: row "), "{told}");
            }
            put(world, key, value);
        }
        world.store().write(&mut |writer| writer.delete(b"h").map(drop)).expect("writes");
        assert_eq!(told(world.try_open()), "StorageDamaged: the catalog is damaged: its head is missing");
    });
}

fn put(world: &World, key: &[u8], value: &[u8]) {
    world.store().write(&mut |writer| writer.put(key, value)).expect("writes");
}

fn with_password(world: &World, password: &str) -> Settings {
    let first = Some(password.to_owned());
    Settings { authentication: Authentication::Password { first }, ..world.settings() }
}

#[test]
fn the_first_password_is_given_or_made_up_once() {
    on_both_engines(|world| {
        let settings = || Settings { authentication: Authentication::Password { first: None }, ..world.settings() };
        let catalog = Catalog::open(world.store(), settings()).expect("opens");
        let password = catalog.take_password().expect("made up");
        assert_eq!(catalog.take_password(), None);
        let admin = catalog.authenticate("admin", &password).expect("right");
        assert_eq!(catalog::access::told_user(&catalog.names(), &admin), Some("admin"));
        assert!(grant(&catalog.names(), &admin, &catalog.resolve("system").expect("there"), Access::Write).is_ok());
        assert_eq!(
            told(catalog.anonymous()),
            "Unauthorized: The client is unauthorized due to authentication failure."
        );
        drop(catalog);

        let catalog = Catalog::open(world.store(), with_password(world, "too late now")).expect("opens");
        assert_eq!(catalog.take_password(), None);
        assert!(catalog.authenticate("admin", "too late now").is_err());
        assert!(catalog.authenticate("admin", &password).is_ok(), "the first password stays");
        catalog.set_password("admin", "battery staple").expect("known");
        assert!(catalog.authenticate("admin", "battery staple").is_ok());
        assert_eq!(
            told(catalog.set_password("eve", "battery staple")),
            "ArgumentError: Failed to alter the specified user 'eve': User does not exist."
        );
    });
}

#[test]
fn wrong_passwords_lock_for_five_seconds() {
    on_both_engines(|world| {
        let catalog = Catalog::open(world.store(), with_password(world, "correct horse")).expect("opens");
        let locked = |seconds| {
            format!(
                "AuthenticationRateLimit: The client has provided incorrect authentication details too many times in a \
                 row. Retry after {seconds}.000 seconds."
            )
        };
        for user in ["admin", "eve"] {
            for _ in 0..3 {
                assert!(told(catalog.authenticate(user, "wrong")).starts_with("Unauthorized: "));
            }
            assert_eq!(told(catalog.authenticate(user, "correct horse")), locked(5));
        }
        world.clock.forward(4);
        assert_eq!(told(catalog.authenticate("admin", "correct horse")), locked(1));
        world.clock.forward(1);
        assert!(told(catalog.authenticate("admin", "wrong")).starts_with("Unauthorized: "));
        assert_eq!(told(catalog.authenticate("admin", "correct horse")), locked(5));
        world.clock.forward(5);
        assert_eq!(told(catalog.authenticate("admin", "correct horse")), "ok");
        assert!(told(catalog.authenticate("admin", "wrong")).starts_with("Unauthorized: "), "counted from none again");
        assert_eq!(told(catalog.authenticate("admin", "correct horse")), "ok");
    });
}

/// A store whose disk can be taken away.
struct Failing {
    inner: Arc<dyn Store>,
    fails: AtomicBool,
}

impl Store for Failing {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        self.inner.snapshot()
    }

    fn write(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>) -> Result<(), StoreError> {
        if self.fails.load(Ordering::Relaxed) {
            return self
                .inner
                .write(&mut |writer| work(writer).and(Err(StoreError::Full { reason: "test".to_owned() })));
        }
        self.inner.write(work)
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        self.inner.usage()
    }

    fn image(
        &self,
        look: &mut dyn FnMut(&dyn store::Reader) -> Result<(), StoreError>,
    ) -> Result<Box<dyn store::Image>, StoreError> {
        self.inner.image(look)
    }

    fn check(&self) -> Result<(), StoreError> {
        self.inner.check()
    }
}

#[test]
fn a_change_that_cannot_be_written_never_was() {
    on_both_engines(|world| {
        let store = Arc::new(Failing { inner: world.store(), fails: AtomicBool::new(true) });
        let open = || Catalog::open(Arc::clone(&store) as Arc<dyn Store>, world.settings());
        assert_eq!(told(open()), "StorageFull: no room left: test");
        store.fails.store(false, Ordering::Relaxed);
        let catalog = open().expect("there is room again");
        catalog.database_made(catalog.names().default_database().id).expect("made");
        let version = catalog.names().version();

        store.fails.store(true, Ordering::Relaxed);
        assert_eq!(
            told(catalog.create_alias(&name("a"), aimed(&name("sheaf")), &Map::new(), Existing::Refuse)),
            "StorageFull: no room left: test"
        );
        assert_eq!((catalog.names().version(), listed(&catalog)), (version, "sheaf system neo4j>sheaf".to_owned()));
        store.fails.store(false, Ordering::Relaxed);
        catalog
            .create_alias(&name("a"), aimed(&name("sheaf")), &Map::new(), Existing::Refuse)
            .expect("there is room again");
        drop(catalog);
        assert_eq!(listed(&open().expect("sound")), "sheaf system a>sheaf neo4j>sheaf");
    });
}

#[test]
fn of_many_at_once_one_gets_the_name() {
    on_both_engines(|world| {
        let catalog = world.start();
        let attempt = |at: usize| match at % 2 {
            0 => catalog.create_database(&name("films"), NewDatabase::default()).is_ok(),
            _ => catalog.create_alias(&name("films"), aimed(&name("sheaf")), &Map::new(), Existing::Refuse).is_ok(),
        };
        let won = std::thread::scope(|scope| {
            let attempt = &attempt;
            let threads: Vec<_> = (0..8).map(|at| scope.spawn(move || attempt(at))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).filter(|won| *won).count()
        });
        assert_eq!(won, 1);
        drop(catalog);
        drop(world.open());
    });
}
