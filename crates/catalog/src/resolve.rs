//! Which database a name means: the one place that answers it.
//!
//! [`Names`] is one version of what exists. It never changes; a change of the catalog makes the next one and swaps it
//! in, so whoever holds one sees a consistent picture and nobody waits for a writer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use types::{CompactString, DatabaseId, DatabaseName};

use crate::rows::HeadRow;
use crate::{Alias, CatalogError, Database, Pending, Stage};

pub(crate) type Databases = BTreeMap<DatabaseId, Arc<Database>>;
pub(crate) type Aliases = BTreeMap<DatabaseName, Arc<Alias>>;

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

/// One version of what exists, in memory.
#[derive(Clone, Debug)]
pub struct Names {
    version: u64,
    default: DatabaseId,
    databases: Databases,
    aliases: Aliases,
    /// Every name that is taken, also by a database that is still being made.
    taken: HashMap<CompactString, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    target: Target,
    /// A database that has no files yet is not there for anybody, but its name is taken.
    ready: bool,
}

impl Names {
    /// Builds the maps from the rows, and checks that they fit together.
    pub(crate) fn build(head: &HeadRow, databases: Databases, aliases: Aliases) -> Result<Self, CatalogError> {
        let mut taken = HashMap::with_capacity(databases.len() + aliases.len());
        let mut take = |name: &DatabaseName, entry: Entry| match taken.insert(name.as_str().into(), entry) {
            Some(_) => Err(CatalogError::damaged(format!("two things are called '{name}'"))),
            None => Ok(()),
        };
        for database in databases.values().filter(|database| database.stage != Stage::Dropping) {
            let target = Target { database: database.id, name: database.name.clone(), alias: None };
            take(&database.name, Entry { target, ready: database.stage == Stage::Ready })?;
        }
        for alias in aliases.values() {
            let target = databases.get(&alias.target).filter(|database| database.stage != Stage::Dropping);
            let Some(target) = target else {
                return Err(CatalogError::damaged(format!("alias '{}' leads nowhere", alias.name)));
            };
            let ready = target.stage == Stage::Ready;
            let target = Target { database: target.id, name: target.name.clone(), alias: Some(alias.name.clone()) };
            take(&alias.name, Entry { target, ready })?;
        }
        let default = DatabaseId(head.default);
        if !databases.contains_key(&default) || !taken.contains_key("system") {
            return Err(CatalogError::damaged("`system` or the default database is missing"));
        }
        Ok(Self { version: head.version, default, databases, aliases, taken })
    }

    /// Gives the rows back, to make the next version from.
    pub(crate) fn parts(&self) -> (HeadRow, Databases, Aliases) {
        let head = HeadRow { version: self.version, default: self.default.0 };
        (head, self.databases.clone(), self.aliases.clone())
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
            Some(entry) if entry.ready => Ok(entry.target.clone()),
            _ => Err(CatalogError::NotFound { name: typed.chars().take(80).collect() }),
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
        self.databases.get(&self.default).expect("`build` made sure that it is there")
    }

    /// Gives the database with this id, in whatever stage it is.
    #[must_use]
    pub fn database(&self, id: DatabaseId) -> Option<&Arc<Database>> {
        self.databases.get(&id)
    }

    /// Lists the databases that users can see, `system` among them, by name.
    #[must_use]
    pub fn databases(&self) -> Vec<Arc<Database>> {
        let ready = self.databases.values().filter(|database| database.stage == Stage::Ready);
        let mut databases: Vec<_> = ready.cloned().collect();
        databases.sort_by(|a, b| a.name.cmp(&b.name));
        databases
    }

    /// Lists the aliases by name.
    pub fn aliases(&self) -> impl Iterator<Item = &Arc<Alias>> {
        self.aliases.values()
    }

    /// Lists the aliases of one database by name.
    #[must_use]
    pub fn aliases_of(&self, database: DatabaseId) -> Vec<DatabaseName> {
        self.aliases.values().filter(|alias| alias.target == database).map(|alias| alias.name.clone()).collect()
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
        self.databases.values().filter_map(half).collect()
    }

    /// Counts the databases that hold a name, `system` and offline ones too.
    pub(crate) fn count(&self) -> usize {
        self.databases.values().filter(|database| database.stage != Stage::Dropping).count()
    }

    /// Gives every database, in whatever stage.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Database>> {
        self.databases.values()
    }

    /// Gives the alias with this name.
    pub(crate) fn alias(&self, name: &DatabaseName) -> Option<&Arc<Alias>> {
        self.aliases.get(name)
    }

    /// Gives what holds this name, ready or not.
    pub(crate) fn holder(&self, name: &DatabaseName) -> Option<&Target> {
        self.taken.get(name.as_str()).map(|entry| &entry.target)
    }

    /// Gives the ready database with this very name; an alias does not count.
    pub(crate) fn by_name(&self, name: &DatabaseName) -> Option<&Arc<Database>> {
        let entry = self.taken.get(name.as_str()).filter(|entry| entry.ready && entry.target.alias.is_none())?;
        self.databases.get(&entry.target.database)
    }
}
