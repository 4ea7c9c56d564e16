//! Backups that a journal plays forward, and copies of journals.
//! Leaves records to `store::journal`, images to `work`, and statements to `commands::backup`.
//! Start reading at [`Shared::restore_to`].

use std::path::{Path, PathBuf};

use catalog::Database as Row;
use store::StoreError;
use store::journal::{self, Copied, JournalError, Played, Source, Way};
use types::{Code, DatabaseId, Failure, failpoint};

use super::work::piece_by_piece;
use super::{BackupError, Header, Held, Part, Step};
use crate::instance::Shared;
use crate::usage::Holdings;

/// What the names of copies of journals end with.
pub(crate) const JOURNAL_ENDING: &str = "sheafjournal";

/// A moment to which a backup is played forward.
#[derive(Clone, Debug)]
pub struct Moment {
    /// In nanoseconds since 1970; every commit that was answered by then is in it.
    pub until: i64,
    /// A copy of the journal, or a folder with one; `None` for that of the database, which has to be on this server.
    pub journal: Option<PathBuf>,
}

/// Reads the copy of a journal and checks every byte of it; nothing is written.
pub fn verify_journal(file: &Path) -> Result<Copied, BackupError> {
    Ok(journal::verify(Source::any_file(file)?)?)
}

impl Shared {
    /// Makes the files of a new database out of a backup and a journal. What fails leaves no files.
    ///
    /// The graph is walked before anybody finds it. Gives the head of the backup with the counts of what was made.
    pub(crate) fn restore_to(
        &self,
        row: &Row,
        file: &Path,
        moment: &Moment,
        step: Step<'_>,
    ) -> Result<(Header, Played), BackupError> {
        let played = self.play(row, file, moment, step);
        let is_damaged = played.as_ref().is_err_and(|error| error.code() == Code::StorageDamaged);
        if is_damaged
            && moment.journal.is_none()
            && let Ok(reading) = self.reading_graph(file)
            && let Some(row) = self.catalog.names().database(reading.header().database_id())
        {
            // It is told of from now on, and new backups lead on.
            self.databases.journal_looked(row);
        }
        played
    }

    fn play(&self, row: &Row, file: &Path, moment: &Moment, step: Step<'_>) -> Result<(Header, Played), BackupError> {
        let mut reading = self.reading_graph(file)?;
        let header = reading.header().clone();
        let from = header.journal.as_ref().ok_or(JournalError::NotKept)?;
        let taken = i64::try_from(header.taken_nanos).unwrap_or(i64::MAX);
        let source = self.journal_of(header.database_id(), moment.journal.as_deref())?;
        let mut way = Some(Way::find(source, from.into(), taken, moment.until)?);
        let (mut done, mut played) = (0, Played::default());
        let database = piece_by_piece(
            &mut |piece| {
                let more = reading.next(piece)?;
                done += piece.len() as u64;
                step(done)?;
                Ok(more)
            },
            |next| {
                self.databases.make_played(row, next, &mut |store| {
                    let Some(way) = way.take() else { return Ok(()) };
                    failpoint::reach("journal.play.before");
                    let steps = &mut Steps { step, before: header.image_bytes, failed: None };
                    let outcome = way.play(store, &mut |bytes| steps.done(bytes));
                    failpoint::reach("journal.play.after");
                    played = steps.end(outcome)?;
                    Ok(())
                })
            },
        )?;
        tracing::info!(database = %row.name, file = %file.display(), records = played.records, "backup restored and played forward");
        let held = Holdings::look(&database);
        let (nodes, relationships) = held.map_or((0, 0), |held| (held.nodes, held.relationships));
        Ok((Header { nodes, relationships, ..header }, played))
    }

    /// Opens the journal that a database on this server keeps, or kept.
    pub(crate) fn journal_source(&self, row: &Row) -> Result<Source, BackupError> {
        self.databases.journal_source(row, &|| self.catalog.names().database(row.id).is_some())
    }

    /// Writes the whole journal of a database to `file`, which is there whole and checked when this returns, or not at all.
    pub(crate) fn back_up_journal(&self, row: &Row, file: &Path, step: Step<'_>) -> Result<Copied, BackupError> {
        let (part, copied) = self.write_journal(row, file, step)?;
        part.publish()?;
        Ok(copied)
    }

    /// As [`Shared::back_up_journal`], of a database that is about to be dropped: nobody finds the file before that is so.
    pub(crate) fn back_up_journal_held(&self, row: &Row, file: &Path, step: Step<'_>) -> Result<Held, BackupError> {
        self.write_journal(row, file, step)?.0.hold(self.server_id, row.id)
    }

    /// Writes a journal to the beginnings of `file`, whole and checked.
    fn write_journal(&self, row: &Row, file: &Path, step: Step<'_>) -> Result<(Part, Copied), BackupError> {
        // A copy is sealed as the journal is, and so takes no key.
        let source = self.journal_source(row)?.with_keys(None);
        let mut part = Part::create(file)?;
        let steps = &mut Steps { step, before: 0, failed: None };
        let outcome = journal::copy(source, &mut part, &mut |bytes| Ok(steps.done(bytes)?));
        if matches!(outcome, Err(JournalError::Damaged { .. })) {
            self.databases.journal_looked(row);
        }
        let copied = steps.end(outcome)?;
        part.sync()?;
        journal::verify(Source::file(part.path(), row.id.0)?)?;
        tracing::info!(database = %row.name, file = %file.display(), bytes = copied.bytes, "journal copied");
        Ok((part, copied))
    }

    fn journal_of(&self, id: DatabaseId, named: Option<&Path>) -> Result<Source, BackupError> {
        match named {
            Some(path) if path.is_dir() => Ok(Source::folder(path, id.0)?.with_keys(self.databases.seals())),
            Some(path) => Ok(Source::file(path, id.0)?.with_keys(self.databases.seals())),
            None => {
                let row = self.catalog.names().database(id).cloned().ok_or(BackupError::NoDatabase)?;
                Ok(self.journal_source(&row)?.with_keys(self.databases.seals()))
            }
        }
    }
}

/// Takes steps to where errors are the store's, and brings ours back.
pub(crate) struct Steps<'s> {
    pub(crate) step: Step<'s>,
    /// Bytes that were done before.
    pub(crate) before: u64,
    pub(crate) failed: Option<Failure>,
}

impl Steps<'_> {
    pub(crate) fn done(&mut self, bytes: u64) -> Result<(), StoreError> {
        (self.step)(self.before + bytes).map_err(|failure| {
            self.failed = Some(failure);
            StoreError::Aborted
        })
    }

    pub(crate) fn end<T>(&mut self, outcome: Result<T, JournalError>) -> Result<T, BackupError> {
        match self.failed.take() {
            Some(failure) => Err(failure.into()),
            None => Ok(outcome?),
        }
    }
}
