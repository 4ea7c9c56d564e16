//! Which database a name means: the one place that answers it.
//!
//! [`Names`] is one version of what exists. It never changes; a change of the catalog makes the next one and swaps it
//! in, so whoever holds one sees a consistent picture and nobody waits for a writer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use types::{Clock, CompactString, DatabaseId, DatabaseName, SystemClock};

use crate::catalog::Step;
use crate::rights::Book;
use crate::rights::effective::Memory;
use crate::rows::HeadRow;
use crate::sorted::Sorted;
use crate::{Alias, CatalogError, Database, Pending, Stage};

/// The bit of a version's number that no kept version ever has.
const STAGED: u64 = 1 << 63;

/// What a name turned out to mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The database.
    pub database: DatabaseId,
    /// The database's own name.
    pub name: DatabaseName,
    /// The alias through which it was named, if one was.
    pub alias: Option<DatabaseName>,
}

/// One version of what exists, in memory. The next one shares with it all that a change leaves alone.
#[derive(Clone, Debug)]
pub struct Names {
    version: u64,
    default: DatabaseId,
    /// The default one itself, which most statements are about; none while a change is made.
    default_row: Option<Arc<Database>>,
    databases: Sorted<DatabaseId, Arc<Database>>,
    aliases: Sorted<DatabaseName, Arc<Alias>>,
    /// Every name that is taken, also by a database that is still being made.
    taken: Sorted<CompactString, Holder>,
    /// The aliases by the database that they lead to.
    leading: Sorted<(DatabaseId, DatabaseName), ()>,
    /// The databases that are half made or half dropped.
    half: Sorted<DatabaseId, ()>,
    /// Users, roles and what they may do.
    book: Arc<Book>,
    /// What was asked of the book so far.
    pub(crate) memory: Memory,
    wall: Wall,
}

/// Tells the time, for what ends by itself.
#[derive(Clone)]
struct Wall(Arc<dyn Clock>);

impl fmt::Debug for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wall")
    }
}

/// What a name stands for.
#[derive(Clone, Debug)]
struct Holder {
    /// A database that has no files yet is not there for anybody, but its name is taken.
    database: Arc<Database>,
    /// The name, where it is an alias.
    alias: Option<DatabaseName>,
}

impl Holder {
    fn target(&self) -> Target {
        Target { database: self.database.id, name: self.database.name.clone(), alias: self.alias.clone() }
    }

    fn is_ready(&self) -> bool {
        self.database.stage == Stage::Ready
    }
}

impl Names {
    /// Begins with nothing; see [`Names::apply`] and [`Names::check`].
    pub(crate) fn empty() -> Self {
        Self {
            version: 0,
            default: DatabaseId([0; 16]),
            default_row: None,
            databases: Sorted::default(),
            aliases: Sorted::default(),
            taken: Sorted::default(),
            leading: Sorted::default(),
            half: Sorted::default(),
            book: Arc::default(),
            memory: Memory::default(),
            wall: Wall(Arc::new(SystemClock)),
        }
    }

    /// Says which clock tells the time.
    pub(crate) fn set_clock(&mut self, clock: &Arc<dyn Clock>) {
        self.wall = Wall(Arc::clone(clock));
    }

    /// Gives the time, in nanoseconds since 1970.
    pub(crate) fn wall_nanos(&self) -> i128 {
        self.wall.0.wall_nanos()
    }

    /// Gives the users, the roles and their privileges.
    pub(crate) fn book(&self) -> &Book {
        &self.book
    }

    /// Says that only the transaction which made this version sees it: no other version has its number.
    pub(crate) fn set_staged(&mut self) {
        static LAST: AtomicU64 = AtomicU64::new(0);
        self.version = STAGED | (LAST.fetch_add(1, Ordering::Relaxed) + 1);
    }

    /// Tells whether a transaction that has not committed sees this version, and nobody else.
    #[must_use]
    pub fn is_staged(&self) -> bool {
        self.version & STAGED != 0
    }

    /// Reads the head.
    pub(crate) fn set_head(&mut self, head: &HeadRow) {
        self.version = head.version;
        self.default = DatabaseId(head.default);
    }

    /// Gives the head, to be kept.
    pub(crate) fn head(&self) -> HeadRow {
        HeadRow { version: self.version, default: self.default.0 }
    }

    /// Takes one step of a change. Afterwards nobody may see this version before [`Names::check`] agrees.
    pub(crate) fn apply(&mut self, step: &Step) -> Result<(), CatalogError> {
        self.default_row = None;
        match step {
            Step::Default(id) => self.default = *id,
            Step::Database(database) => self.put_database(&Arc::new(database.clone()))?,
            Step::DatabaseGone(id) => {
                if let Some(gone) = self.databases.remove(id) {
                    self.release(&gone);
                }
                self.half.remove(id);
            }
            Step::Alias(alias) => self.put_alias(&Arc::new(alias.clone()))?,
            Step::AliasGone(name) => {
                if let Some(gone) = self.aliases.remove(name) {
                    self.taken.remove(gone.name.as_str());
                    self.leading.remove(&(gone.target, gone.name.clone()));
                }
            }
            Step::Rights(step) => Arc::make_mut(&mut self.book).apply(step),
        }
        Ok(())
    }

    /// Makes sure that the steps of a change fit together, and counts it.
    pub(crate) fn check(&mut self, steps: &[Step]) -> Result<(), CatalogError> {
        for step in steps {
            let (Step::Database(Database { id, .. }) | Step::DatabaseGone(id)) = step else { continue };
            let is_there = self.databases.get(id).is_some_and(|database| database.holds_its_name());
            if let Some(alias) = self.aliases_of(*id).first().filter(|_| !is_there) {
                return Err(CatalogError::damaged(format!("alias '{alias}' leads nowhere")));
            }
        }
        let default = self.databases.get(&self.default).filter(|database| database.holds_its_name());
        if default.is_none() || self.taken.get("system").is_none() {
            return Err(CatalogError::damaged("`system` or the default database is missing"));
        }
        self.default_row = default.cloned();
        self.version += 1;
        Ok(())
    }

    fn put_database(&mut self, database: &Arc<Database>) -> Result<(), CatalogError> {
        if let Some(old) = self.databases.insert(database.id, Arc::clone(database)) {
            self.release(&old);
        }
        if database.holds_its_name() {
            self.take(&database.name, Holder { database: Arc::clone(database), alias: None })?;
        }
        match database.stage {
            Stage::Ready => drop(self.half.remove(&database.id)),
            Stage::Making | Stage::Dropping => drop(self.half.insert(database.id, ())),
        }
        for alias in self.aliases_of(database.id) {
            let holder = Holder { database: Arc::clone(database), alias: Some(alias.clone()) };
            self.taken.insert(alias.as_str().into(), holder);
        }
        Ok(())
    }

    fn put_alias(&mut self, alias: &Arc<Alias>) -> Result<(), CatalogError> {
        if let Some(old) = self.aliases.insert(alias.name.clone(), Arc::clone(alias)) {
            self.taken.remove(old.name.as_str());
            self.leading.remove(&(old.target, old.name.clone()));
        }
        let target = self.databases.get(&alias.target).filter(|database| database.holds_its_name());
        let Some(database) = target.cloned() else {
            return Err(CatalogError::damaged(format!("alias '{}' leads nowhere", alias.name)));
        };
        self.leading.insert((alias.target, alias.name.clone()), ());
        self.take(&alias.name, Holder { database, alias: Some(alias.name.clone()) })
    }

    fn take(&mut self, name: &DatabaseName, holder: Holder) -> Result<(), CatalogError> {
        match self.taken.insert(name.as_str().into(), holder) {
            Some(_) => Err(CatalogError::damaged(format!("two things are called '{name}'"))),
            None => Ok(()),
        }
    }

    /// Frees the name of a database, unless it is another's by now.
    fn release(&mut self, database: &Database) {
        let name = database.name.as_str();
        if self.taken.get(name).is_some_and(|holder| holder.database.id == database.id && holder.alias.is_none()) {
            self.taken.remove(name);
        }
    }

    /// Tells which database a typed name means, in any case of letters.
    ///
    /// An unknown or illegal name is an error. Nothing falls back to the default.
    pub fn resolve(&self, typed: &str) -> Result<Target, CatalogError> {
        // All names in the map are legal, so one that is found as typed needs no check.
        let found = self.taken.get(typed).or_else(|| {
            let name = DatabaseName::parse(typed).ok()?;
            self.taken.get(name.as_str())
        });
        match found {
            Some(holder) if holder.is_ready() => Ok(holder.target()),
            _ => Err(CatalogError::NotFound { name: DatabaseName::shown(typed) }),
        }
    }

    /// Gives a number that grows with every change, also over restarts: what was planned under another may be stale.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Gives the default database.
    #[must_use]
    pub fn default_database(&self) -> &Arc<Database> {
        self.database(self.default).expect("`build` made sure that it is there")
    }

    /// Gives the database with this id, in whatever stage it is.
    #[must_use]
    pub fn database(&self, id: DatabaseId) -> Option<&Arc<Database>> {
        match &self.default_row {
            Some(row) if row.id == id => Some(row),
            _ => self.databases.get(&id),
        }
    }

    /// Lists the databases that users can see, `system` among them, by name.
    #[must_use]
    pub fn databases(&self) -> Vec<Arc<Database>> {
        self.databases_from("").cloned().collect()
    }

    /// Gives the databases that users can see by name, from the first whose name is not less than `start`.
    pub fn databases_from<'n>(&'n self, start: &str) -> impl Iterator<Item = &'n Arc<Database>> {
        let ready = self.taken.from(start).filter(|(_, holder)| holder.alias.is_none() && holder.is_ready());
        ready.map(|(_, holder)| &holder.database)
    }

    /// Gives everything by which users can name a database, aliases too, from the first name that is not less than `start`.
    pub fn targets_from(&self, start: &str) -> impl Iterator<Item = (Target, &Arc<Database>)> {
        let ready = self.taken.from(start).filter(|(_, holder)| holder.is_ready());
        ready.map(|(_, holder)| (holder.target(), &holder.database))
    }

    /// Lists the aliases by name.
    pub fn aliases(&self) -> impl Iterator<Item = &Arc<Alias>> {
        self.aliases.values()
    }

    /// Lists the aliases of one database by name.
    #[must_use]
    pub fn aliases_of(&self, database: DatabaseId) -> Vec<DatabaseName> {
        // No name is less than an empty one, which no alias has.
        let behind = self.leading.iter_from(|(target, _)| *target >= database);
        behind.take_while(|((target, _), ())| *target == database).map(|((_, alias), ())| alias.clone()).collect()
    }

    /// Lists what a crash, or a change that still runs, left half done.
    #[must_use]
    pub fn pending(&self) -> Vec<Pending> {
        let half = |database: &Arc<Database>| match database.stage {
            Stage::Ready => None,
            // Nobody asked for the default database by a command that could fail, so it is made after all.
            Stage::Making if database.id == self.default => Some(Pending::Finish(Arc::clone(database))),
            Stage::Making | Stage::Dropping => Some(Pending::Remove(Arc::clone(database))),
        };
        self.half.iter().filter_map(|(id, ())| self.databases.get(id)).filter_map(half).collect()
    }

    /// Counts the databases that hold a name, `system` and offline ones too.
    pub(crate) fn count(&self) -> usize {
        self.taken.len() - self.aliases.len()
    }

    /// Gives every database, in whatever stage.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Database>> {
        self.databases.values()
    }

    /// Gives the alias with this name.
    #[must_use]
    pub fn alias(&self, name: &DatabaseName) -> Option<&Arc<Alias>> {
        self.aliases.get(name)
    }

    /// Gives what holds this name, ready or not.
    pub(crate) fn holder(&self, name: &DatabaseName) -> Option<Target> {
        self.taken.get(name.as_str()).map(Holder::target)
    }

    /// Gives the ready database with this very name; an alias does not count.
    pub(crate) fn by_name(&self, name: &DatabaseName) -> Option<&Arc<Database>> {
        let holder = self.taken.get(name.as_str()).filter(|holder| holder.is_ready() && holder.alias.is_none())?;
        Some(&holder.database)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use types::{Clock, Map, SystemClock};

    use super::*;

    const DATABASES: usize = 10_000;

    fn name(text: &str) -> DatabaseName {
        DatabaseName::parse(text).expect("legal")
    }

    fn ready(text: &str) -> Database {
        Database { stage: Stage::Ready, ..Database::new(name(text), 0) }
    }

    fn time_each(times: usize, mut work: impl FnMut(usize)) -> Duration {
        let begun: Instant = SystemClock.now();
        (0..times).for_each(&mut work);
        begun.elapsed() / u32::try_from(times).expect("few")
    }

    /// Bounds are loose: the machine does other things meanwhile. The bench has the figures.
    #[test]
    fn f7_f41_a_name_and_a_change_cost_the_same_among_ten_thousand() {
        let mut names = Names::empty();
        let rows: Vec<Database> = (0..DATABASES).map(|number| ready(&format!("tenant{number}"))).collect();
        let system = ready("system");
        names.set_head(&HeadRow { version: 0, default: rows[0].id.0 });
        for database in rows.iter().chain([&system]) {
            names.apply(&Step::Database(database.clone())).expect("free");
        }
        let typed: Vec<String> = rows.iter().map(|row| row.name.to_string()).collect();
        let resolved = time_each(DATABASES, |number| {
            let found = names.resolve(&typed[number]).expect("there");
            assert_eq!(found.database, rows[number].id);
        });
        let changed = time_each(1_000, |number| {
            let mut next = names.clone();
            let alias = Alias { name: name("one"), target: rows[number].id, properties: Map::new(), created_nanos: 0 };
            let steps = [Step::Database(ready(&format!("new{number}"))), Step::Alias(alias)];
            steps.iter().try_for_each(|step| next.apply(step)).expect("both are free");
            next.check(&steps).expect("they fit together");
            assert_eq!(next.resolve("ONE").expect("there").database, rows[number].id);
            assert_eq!(next.aliases_of(rows[number].id), [name("one")]);
            names = next;
        });
        assert_eq!(names.databases().len(), DATABASES + 1 + 1_000);
        let page: Vec<&str> = names.databases_from("tenant5").take(2).map(|row| row.name.as_str()).collect();
        assert_eq!(page, ["tenant5", "tenant50"]);
        assert!(resolved < Duration::from_micros(50), "a name took {resolved:?}");
        assert!(changed < Duration::from_millis(2), "a change took {changed:?}");
    }
}
