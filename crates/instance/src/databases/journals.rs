//! Journals of commits: which databases keep one, and where somebody reads it.
//! Leaves records and files to `store::journal`. Start reading at [`Databases::follow_journal`].

use std::path::PathBuf;

use catalog::Database as Row;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use store::StoreError;
use store::journal::{self, Keep, Outline, Source};
use types::{Code, DatabaseId, Failure};

use super::{CLOSE_LOOK_TIME, Databases, State};
use crate::backup::BackupError;
use crate::error::of_store;

/// What was said of journals since the start: who opens a database may hold an older row of it.
pub(super) type Journals = Mutex<FxHashMap<DatabaseId, Option<Keep>>>;

impl Databases {
    /// Says how much of a journal a database keeps.
    pub(super) fn keep_of(&self, row: &Row) -> Option<Keep> {
        self.journals.lock().get(&row.id).copied().unwrap_or_else(|| row.options.kept_journal())
    }

    /// Has a database keep a journal, or none, as its options say now; open or not, it holds for the next commit.
    pub(crate) fn follow_journal(&self, row: &Row) -> Result<(), Failure> {
        let keep = row.options.kept_journal();
        // First this: who opens it from here on sees it.
        self.journals.lock().insert(row.id, keep);
        let slot = self.slot(row.id);
        let mut state = slot.state.lock();
        while matches!(*state, State::Opening) {
            slot.changed.wait_for(&mut state, CLOSE_LOOK_TIME);
        }
        let State::Open(database) = &*state else { return Ok(()) };
        let database = std::sync::Arc::clone(database);
        drop(state);
        database.journal.set_keep(keep).map_err(|error| of_store(&error))
    }

    /// Tells what the journal of a database covers, open or not; nothing where none is kept.
    pub(crate) fn journal_outline(&self, row: &Row) -> Option<Outline> {
        match self.peek(row.id) {
            Some(database) => database.journal.outline(),
            None => self.keep_of(row).map(|_| Outline::of(&self.journal_folder(row))),
        }
    }

    /// Opens the journal of a database to be read, while others write.
    ///
    /// Of a database too damaged to be opened it is what is whole of it.
    pub(crate) fn journal_source(&self, row: &Row, is_there: &dyn Fn() -> bool) -> Result<Source, BackupError> {
        let not_kept = || BackupError::NoJournal(row.name.to_string());
        match self.open_to_copy(row, is_there) {
            Ok(database) => {
                let source = database.journal.source()?;
                drop(database);
                // Who stopped it wants its files closed.
                if row.requested == catalog::Requested::Offline {
                    self.close_unused(row.id);
                }
                source.ok_or_else(not_kept)
            }
            Err(failure) if matches!(failure.code(), Code::StorageDamaged | Code::DatabaseStartFailed) => {
                if self.keep_of(row).is_none() {
                    return Err(not_kept());
                }
                tracing::warn!(database = %row.name, reason = %failure, "reading the journal of a damaged database");
                Ok(Source::folder(&self.journal_folder(row), row.id.0)?)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    pub(super) fn remove_journal(&self, row: &Row) -> Result<(), Failure> {
        let removed = journal::remove(&self.journal_folder(row));
        removed.map_err(|source| of_store(&StoreError::Io { action: "remove the journal", source }))
    }

    fn journal_folder(&self, row: &Row) -> PathBuf {
        self.folder.join(&row.folder).join(journal::FOLDER)
    }
}
