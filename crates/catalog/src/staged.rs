//! What a transaction would make of the catalog: changes that only it sees, kept together or not at all.
//! Leaves files to `instance`, which makes those of new databases between the two halves of a commit.
//! Start reading at [`Catalog::stage`] and [`Catalog::prepare`].

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard, RwLock};
use types::{DatabaseId, failpoint};

use crate::catalog::{Step, next};
use crate::{Catalog, CatalogError, Database, Names, Stage};

/// Most changes of one transaction: together they are one write.
const STEPS_MAX: usize = 100_000;

/// The catalog as one transaction sees it: what is kept, and its own changes over it.
///
/// It is used as the catalog itself is; nothing of what it is told reaches the disk before [`Catalog::prepare`].
pub struct Staged {
    catalog: Catalog,
    /// What was kept when it began.
    base: Arc<Names>,
}

/// A database that a transaction changed.
#[derive(Clone, Debug)]
pub struct Touched {
    /// As it was for everybody; none of one that is new.
    pub before: Option<Arc<Database>>,
    /// As it is once the transaction has committed.
    pub after: Arc<Database>,
}

/// A transaction that is about to commit; nobody else changes the catalog meanwhile.
///
/// New databases are recorded as half made: a crash from here on leaves nothing of the transaction behind.
pub struct Prepared<'c> {
    catalog: &'c Catalog,
    _turn: MutexGuard<'c, ()>,
    steps: Vec<Step>,
    touched: Vec<Touched>,
}

impl Deref for Staged {
    type Target = Catalog;

    fn deref(&self) -> &Catalog {
        &self.catalog
    }
}

impl Touched {
    /// Tells whether its files must be made before the transaction commits.
    #[must_use]
    pub fn is_made(&self) -> bool {
        self.before.is_none() && self.after.stage == Stage::Ready
    }
}

impl Staged {
    /// Gives the number of the version over which it stages.
    #[must_use]
    pub fn base(&self) -> u64 {
        self.base.version()
    }
}

impl Catalog {
    /// Begins to stage the changes of a transaction over what is kept now.
    #[must_use]
    pub fn stage(&self) -> Staged {
        let base = self.names();
        let catalog = Self {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            databases_max: self.databases_max,
            password_needed: self.password_needed,
            attempts: Arc::clone(&self.attempts),
            attempt_ended: Arc::clone(&self.attempt_ended),
            turn: Mutex::new(()),
            names: RwLock::new(Arc::clone(&base)),
            password_made: Mutex::default(),
            staged: Some(Mutex::default()),
        };
        Staged { catalog, base }
    }

    /// Begins to commit what a transaction staged.
    ///
    /// Make the files of the databases that [`Touched::is_made`] says, then call [`Prepared::commit`]. Where that fails,
    /// remove them and call [`Prepared::abandon`].
    ///
    /// # Errors
    ///
    /// [`CatalogError::Outdated`] if anything was changed since it began to stage: what it looked at may not hold.
    pub fn prepare(&self, staged: &Staged) -> Result<Prepared<'_>, CatalogError> {
        let turn = self.turn.lock();
        let names = self.names();
        if names.version() != staged.base() {
            return Err(CatalogError::Outdated);
        }
        let steps = staged.catalog.staged.as_ref().map(|steps| steps.lock().clone()).unwrap_or_default();
        let touched = touched(&steps, &names, &staged.names());
        let prepared = Prepared { catalog: self, _turn: turn, steps, touched };
        prepared.record()?;
        failpoint::reach("catalog.transaction.recorded");
        Ok(prepared)
    }
}

impl Prepared<'_> {
    /// Lists the databases that the transaction changed, in the order in which it did.
    #[must_use]
    pub fn touched(&self) -> &[Touched] {
        &self.touched
    }

    /// Keeps everything that was staged, in one write; gives the number of the version that it made.
    pub fn commit(&self) -> Result<u64, CatalogError> {
        failpoint::reach("catalog.transaction.made");
        let version = if self.steps.is_empty() { self.catalog.names().version() } else { self.write(&self.steps)? };
        failpoint::reach("catalog.transaction.done");
        Ok(version)
    }

    /// Forgets the databases that were recorded; their files are gone.
    pub fn abandon(&self) -> Result<(), CatalogError> {
        let made = self.touched.iter().filter(|touched| touched.is_made());
        let steps: Vec<Step> = made.map(|touched| Step::DatabaseGone(touched.after.id)).collect();
        if steps.is_empty() { Ok(()) } else { self.write(&steps).map(drop) }
    }

    /// Records the new databases as half made, under names that stay free: the next start removes what it finds of them.
    fn record(&self) -> Result<(), CatalogError> {
        let made = self.touched.iter().filter(|touched| touched.is_made());
        let half = |after: &Database| Database { stage: Stage::Making, replaces: Some(after.id), ..after.clone() };
        let steps: Vec<Step> = made.map(|touched| Step::Database(half(&touched.after))).collect();
        if steps.is_empty() { Ok(()) } else { self.write(&steps).map(drop) }
    }

    fn write(&self, steps: &[Step]) -> Result<u64, CatalogError> {
        let next = next(&self.catalog.names(), steps)?;
        self.catalog.keep(steps, &next)?;
        let version = next.version();
        *self.catalog.names.write() = Arc::new(next);
        Ok(version)
    }
}

/// Takes the steps of one more change of a transaction.
pub(crate) fn extend(staged: &mut Vec<Step>, steps: Vec<Step>, next: &mut Names) -> Result<(), CatalogError> {
    if staged.len() + steps.len() > STEPS_MAX {
        return Err(CatalogError::TooManySteps { max: STEPS_MAX });
    }
    staged.extend(steps);
    next.set_staged();
    Ok(())
}

fn touched(steps: &[Step], before: &Names, after: &Names) -> Vec<Touched> {
    let mut seen = HashSet::new();
    let ids = steps.iter().filter_map(|step| match step {
        Step::Database(database) => seen.insert(database.id).then_some(database.id),
        _ => None,
    });
    let one = |id: DatabaseId| {
        let after = Arc::clone(after.database(id)?);
        Some(Touched { before: before.database(id).cloned(), after })
    };
    ids.filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use store::memory::MemoryEngine;
    use store::{Engine, OpenOptions};
    use types::{Code, DatabaseName, SystemClock};

    use super::*;
    use crate::{Authentication, FirstStart, IfThere, NewDatabase, NewRole, Pending, Settings};

    fn name(text: &str) -> DatabaseName {
        DatabaseName::parse(text).expect("legal")
    }

    fn catalog() -> Catalog {
        let options = OpenOptions { create: true, ..OpenOptions::default() };
        let store = MemoryEngine::default().open("system".as_ref(), &options).expect("opens");
        let settings = Settings {
            first_start: FirstStart::default(),
            authentication: Authentication::Off,
            databases_max: 10,
            clock: Arc::new(SystemClock),
        };
        let catalog = Catalog::open(store, settings).expect("opens");
        let default = catalog.names().default_database().id;
        catalog.database_made(default).expect("is made");
        catalog
    }

    fn made(catalog: &Catalog, text: &str) -> DatabaseId {
        let id = catalog.create_database(&name(text), NewDatabase::default()).expect("is free").id;
        catalog.database_made(id).expect("was recorded");
        id
    }

    #[test]
    fn f1_what_is_staged_is_seen_by_its_transaction_alone_and_kept_together() {
        let catalog = catalog();
        let staged = catalog.stage();
        let id = made(&staged, "films");
        staged
            .create_role(&staged.anonymous().expect("nobody logs in"), "critics", NewRole::default(), IfThere::Fail)
            .expect("is free");
        assert_eq!(staged.resolve("films").expect("is seen").database, id);
        assert!(staged.names().is_staged() && !catalog.names().is_staged());
        assert!(catalog.resolve("films").is_err() && !catalog.names().roles().contains(&"critics".into()));

        let prepared = catalog.prepare(&staged).expect("nobody else changed anything");
        assert!(catalog.resolve("films").is_err(), "its files are not made yet");
        assert!(matches!(&catalog.pending()[..], [Pending::Remove(half)] if half.id == id), "a crash leaves nothing");
        assert!(matches!(prepared.touched(), [touched] if touched.is_made() && touched.after.id == id));
        prepared.commit().expect("is written");
        drop(prepared);
        assert_eq!(catalog.resolve("films").expect("is there").database, id);
        assert!(catalog.names().roles().contains(&"critics".into()) && catalog.pending().is_empty());
    }

    #[test]
    fn f1_a_change_by_somebody_else_in_between_is_a_conflict() {
        let catalog = catalog();
        let staged = catalog.stage();
        made(&staged, "films");
        catalog
            .create_role(&catalog.anonymous().expect("nobody logs in"), "critics", NewRole::default(), IfThere::Fail)
            .expect("is free");
        let error = catalog.prepare(&staged).err().expect("is refused");
        assert_eq!(error.code(), Code::TransactionConflict);
        assert!(error.code().row().retry, "drivers try it again");
        assert!(catalog.pending().is_empty());
    }

    #[test]
    fn f1_what_is_abandoned_leaves_nothing() {
        let catalog = catalog();
        let staged = catalog.stage();
        made(&staged, "films");
        let prepared = catalog.prepare(&staged).expect("nobody else changed anything");
        prepared.abandon().expect("is written");
        drop(prepared);
        assert!(catalog.pending().is_empty() && catalog.resolve("films").is_err());
        made(&catalog, "films");
    }
}
