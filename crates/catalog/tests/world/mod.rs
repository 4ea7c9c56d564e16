//! A catalog on each engine that can be closed and opened again, under a clock that the test moves.
//! Leaves what is right to the tests.
//! Start reading at [`on_both_engines`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use catalog::{Authentication, Catalog, CatalogError, FirstStart, NewDatabase, Pending, Settings};
use store::lmdb::LmdbEngine;
use store::memory::MemoryEngine;
use store::{Engine, OpenOptions, Store};
use types::{Clock, DatabaseName, SystemClock};

/// Time that stands still unless it is moved.
pub struct TestClock {
    start: Instant,
    seconds: AtomicU64,
}

impl TestClock {
    pub fn forward(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.start + Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }

    fn wall_nanos(&self) -> i128 {
        1_000 * i128::from(self.seconds.load(Ordering::Relaxed))
    }
}

/// One data folder.
pub struct World {
    engine: Box<dyn Engine>,
    folder: PathBuf,
    pub clock: Arc<TestClock>,
}

/// Runs a test in memory, then in files.
pub fn on_both_engines(test: impl Fn(&World)) {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let engines: [Box<dyn Engine>; 2] = [Box::new(MemoryEngine::default()), Box::new(LmdbEngine)];
    for engine in engines {
        let clock = Arc::new(TestClock { start: SystemClock.now(), seconds: AtomicU64::new(1) });
        test(&World { engine, folder: temporary.path().join("system"), clock });
    }
}

impl World {
    pub fn store(&self) -> Arc<dyn Store> {
        let options = OpenOptions { create: true, map_start_bytes: 1 << 20, ..OpenOptions::default() };
        self.engine.open(Path::new(&self.folder), &options).expect("the store opens")
    }

    pub fn settings(&self) -> Settings {
        Settings {
            first_start: FirstStart::default(),
            authentication: Authentication::Off,
            databases_max: 5,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
        }
    }

    pub fn try_open(&self) -> Result<Catalog, CatalogError> {
        Catalog::open(self.store(), self.settings())
    }

    pub fn open(&self) -> Catalog {
        self.try_open().expect("the catalog opens")
    }

    /// Opens and does what a start does about what was left half done.
    pub fn start(&self) -> Catalog {
        let catalog = self.open();
        for half in catalog.pending() {
            match half {
                Pending::Finish(database) => catalog.database_made(database.id).map(drop),
                Pending::Remove(database) => catalog.database_removed(database.id),
            }
            .expect("swept");
        }
        catalog
    }
}

pub fn name(text: &str) -> DatabaseName {
    DatabaseName::parse(text).expect("a legal name")
}

/// Makes a database with both halves.
pub fn create(catalog: &Catalog, text: &str) {
    let database = catalog.create_database(&name(text), NewDatabase::default()).expect("recorded");
    catalog.database_made(database.id).expect("made");
}

/// Says what a result is in one line.
pub fn told<T>(result: Result<T, CatalogError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!("{:?}: {error}", error.code()),
    }
}

/// Says what exists in one line.
pub fn listed(catalog: &Catalog) -> String {
    let names = catalog.names();
    let databases = names.databases();
    let mut words: Vec<String> = databases.iter().map(|database| database.name.to_string()).collect();
    for alias in names.aliases() {
        let target = names.database(alias.target).expect("aliases lead somewhere");
        words.push(format!("{}>{}", alias.name, target.name));
    }
    words.join(" ")
}
