//! Journals of commits: which databases keep one, and where somebody reads it.
//! Leaves records and files to `store::journal`. Start reading at [`Databases::follow_journal`].

use std::path::PathBuf;
use std::sync::Arc;

use catalog::{Database as Row, Names};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use store::StoreError;
use store::journal::{self, Flaw, Keep, Looked, Origin, Outline, Position, Source};
use types::{Code, DatabaseId, Failure};

use super::{CLOSE_LOOK_TIME, Databases, State};
use crate::backup::{BackupError, Header};
use crate::error::of_store;
use crate::open_database::OpenDatabase;

/// What was said and seen of journals since the start.
#[derive(Default)]
pub(super) struct Journals {
    /// What is kept: who opens a database may hold an older row of it.
    kept: Mutex<FxHashMap<DatabaseId, Option<Keep>>>,
    /// What was looked at; one looks at a time.
    looked: Mutex<FxHashMap<DatabaseId, Arc<Mutex<Look>>>>,
}

/// What was found in a journal.
#[derive(Default)]
struct Look {
    files: Looked,
    /// Whether that was while the database was open: only then it is known where the journal ends.
    was_open: bool,
    /// What is damaged for sure, and was told of.
    damaged: Vec<Flaw>,
    /// Where the last backup stands that was made since the start.
    backed_up: Option<Position>,
}

impl Journals {
    /// Forgets a database.
    pub(super) fn forget(&self, id: DatabaseId) {
        self.kept.lock().remove(&id);
        self.looked.lock().remove(&id);
    }

    fn look(&self, id: DatabaseId) -> Arc<Mutex<Look>> {
        Arc::clone(self.looked.lock().entry(id).or_default())
    }
}

impl Databases {
    /// Says how much of a journal a database keeps.
    pub(super) fn keep_of(&self, row: &Row) -> Option<Keep> {
        self.journals.kept.lock().get(&row.id).copied().unwrap_or_else(|| row.options.kept_journal())
    }

    /// Has a database keep a journal, or none, as its options say now; open or not, it holds for the next commit.
    pub(crate) fn follow_journal(&self, row: &Row) -> Result<(), Failure> {
        let keep = row.options.kept_journal();
        // First this: who opens it from here on sees it.
        self.journals.kept.lock().insert(row.id, keep);
        let slot = self.slot(row.id);
        let mut state = slot.state.lock();
        while matches!(*state, State::Opening) {
            slot.changed.wait_for(&mut state, CLOSE_LOOK_TIME);
        }
        let State::Open(database) = &*state else { return Ok(()) };
        let database = Arc::clone(database);
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

    /// As [`Databases::journal_outline`], and tells what of it is damaged.
    ///
    /// Files that are as they were the last time are not read again.
    pub(crate) fn journal_looked(&self, row: &Row) -> Option<Outline> {
        self.keep_of(row)?;
        let look = self.journals.look(row.id);
        let mut look = look.lock();
        let open = self.peek(row.id);
        look.was_open |= open.is_some();
        let outline = match &open {
            Some(database) => database.journal.look(&mut look.files)?,
            None => Outline::looked(&self.journal_folder(row), row.id.0, &mut look.files),
        };
        self.tell_of_damage(row, &mut look, &outline, open.as_deref());
        Some(outline)
    }

    /// Says up to when the journal of a database plays a backup forward: `Some(None)` is up to now, `None` not at all.
    pub(crate) fn journal_reach(&self, row: &Row, from: Origin) -> Option<Option<i64>> {
        let reach = self.journal_looked(row)?.reach(from.position)?;
        let look = self.journals.look(row.id);
        let is_own = look.lock().files.is_of(&self.journal_folder(row), row.id.0, &from);
        is_own.then_some(reach)
    }

    /// Looks at journals of open databases of which files were finished, or nothing was looked at, since the last time.
    pub(crate) fn look_at_journals(&self, names: &Names) {
        for row in names.databases_from("").filter(|row| row.options.journal) {
            let Some(database) = self.peek(row.id) else { continue };
            let look = self.journals.look(row.id);
            let is_new = {
                let look = look.lock();
                !look.was_open || database.journal.is_ahead_of(&look.files)
            };
            drop(database);
            if is_new {
                self.journal_looked(row);
            }
        }
    }

    /// Notes that there is a backup: damage of before it needs no other one.
    pub(crate) fn backup_made(&self, header: &Header) {
        if let Some(at) = &header.journal {
            self.journals.look(header.database_id()).lock().backed_up = Some(Origin::from(at).position);
        }
    }

    /// Says what is damaged in the journal of a database, as far as somebody looked, and no backup was made since.
    pub(crate) fn journal_damage(&self, row: &Row) -> Option<String> {
        let look = self.journals.looked.lock().get(&row.id).cloned()?;
        // Who looks reads for a while; this is for a list.
        let look = look.try_lock()?;
        let is_open = |flaw: &&Flaw| look.backed_up.is_none_or(|backup| flaw.is_on_the_way(backup));
        let flaw = look.damaged.iter().find(is_open)?;
        let file = flaw.file.file_name().unwrap_or_default().to_string_lossy();
        Some(format!(
            "Its journal is damaged in {file} ({}): older backups lead up to {} only. Make a new one.",
            flaw.reason,
            types::temporal::from_epoch(flaw.until.div_euclid(1_000_000_000), flaw.until.rem_euclid(1_000_000_000))
                .map_or_else(|_| flaw.until.to_string(), |time| time.to_string())
        ))
    }

    /// Logs damage once; has new backups lead on where it is in the file that is written.
    fn tell_of_damage(&self, row: &Row, look: &mut Look, outline: &Outline, open: Option<&OpenDatabase>) {
        let sure: Vec<Flaw> = outline.flaws.iter().filter(|flaw| flaw.is_sure).cloned().collect();
        for flaw in sure.iter().filter(|flaw| !look.damaged.contains(flaw)) {
            let (file, reason) = (flaw.file.display(), &flaw.reason);
            tracing::error!(database = %row.name, %file, %reason, "the journal is damaged; make a new backup");
        }
        look.damaged = sure;
        match open.map(|database| database.journal.leave_behind(&look.damaged)) {
            Some(Ok(true)) => tracing::info!(database = %row.name, "the journal goes on behind the damage"),
            Some(Err(error)) => tracing::warn!(database = %row.name, %error, "the journal goes on in a damaged file"),
            Some(Ok(false)) | None => {}
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

    /// Has the newest key of the server seal the keys of a journal; says of each that stays under an older one why.
    pub(super) fn renew_journal_keys(&self, row: &Row) -> Vec<String> {
        let Some(seals) = self.seals() else { return Vec::new() };
        match journal::renew_keys(&self.journal_folder(row), &*seals) {
            Ok(left) => left.iter().map(ToString::to_string).collect(),
            Err(error) => vec![format!("the journal of database '{}' cannot be listed: {error}", row.name)],
        }
    }

    fn journal_folder(&self, row: &Row) -> PathBuf {
        self.folder.join(&row.folder).join(journal::FOLDER)
    }
}
