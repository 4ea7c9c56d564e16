//! What is done with backups: make one, restore one, copy a database, try whether a copy is sound.
//! Leaves who may and which name means what to `commands::backup`. Start reading at [`Shared::back_up`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use catalog::Database as Row;
use store::{Image, StoreError};
use types::{Code, DatabaseId, Failure};

use super::ahead::ahead;
use super::writer::header;
use super::{BackupError, Folder, Header, Held, Holds, PIECE_BYTES, Part, Reading, Step, Written, verify, write};
use crate::instance::Shared;
use crate::open_database::OpenDatabase;

/// The backup folder below a data folder, where no other is set.
const FOLDER: &str = "backups";

/// What is looked at before a backup counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Every byte of the file is read back and summed.
    Read,
    /// It is also restored, opened and walked.
    Check,
}

/// A place among the copies that run at a time.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An image on its way out of a database, with what is known of it.
pub(crate) struct Taken {
    pub(crate) header: Header,
    pub(crate) image: Box<dyn Image>,
}

impl Shared {
    /// Gives the folder that backups go into and come from.
    pub(crate) fn backup_folder(&self) -> Result<PathBuf, Failure> {
        match (&self.options.backup_folder, self.databases.is_on_disk()) {
            (Some(folder), _) => Ok(folder.clone()),
            (None, true) => Ok(self.options.folder.join(FOLDER)),
            (None, false) => {
                Err(Failure::new(Code::ArgumentError, "This server keeps no files and has no backup folder."))
            }
        }
    }

    /// Takes a place among the copies; their number is bounded, for each holds back the pages that it reads.
    pub(crate) fn enter_copying(&self) -> Result<Place, Failure> {
        if self.copies.fetch_add(1, Ordering::AcqRel) >= COPIES_MAX {
            self.copies.fetch_sub(1, Ordering::AcqRel);
            let text = format!("{COPIES_MAX} databases are being copied already; try again later.");
            return Err(Failure::new(Code::ResourceExhausted, text));
        }
        Ok(Place(Arc::clone(&self.copies)))
    }

    /// Takes an image of a database.
    pub(crate) fn take_image(&self, database: &OpenDatabase, row: &Row) -> Result<Taken, Failure> {
        // Damage that nobody met yet is left behind first, so that this backup leads on.
        self.databases.journal_looked(row);
        let (pictured, image) = database.graph.image().map_err(|error| database.fail(error))?;
        let taken_nanos = self.options.clock.wall_nanos();
        let header = header(row, pictured, &*image, taken_nanos);
        Ok(Taken { header, image })
    }

    /// Takes an image of `system`.
    pub(crate) fn take_catalog_image(&self) -> Result<Taken, Failure> {
        let (pictured, image) = self.catalog.image()?;
        let header = self.catalog_header(&pictured, &*image, self.options.clock.wall_nanos())?;
        Ok(Taken { header, image })
    }

    /// Writes an image to `file`, which is there whole and proved when this returns, or not at all.
    pub(crate) fn back_up(
        &self,
        taken: Taken,
        file: &Path,
        proof: Proof,
        step: Step<'_>,
    ) -> Result<(Header, Written), BackupError> {
        let (part, header, written) = self.write_backup(taken, file, proof, step)?;
        part.publish()?;
        self.databases.backup_made(&header);
        tracing::info!(database = %header.database, file = %file.display(), bytes = written.file_bytes, "backup written");
        Ok((header, written))
    }

    /// As [`Shared::back_up`], of a database that is about to be dropped: nobody finds the file before that is so.
    pub(crate) fn back_up_held(
        &self,
        taken: Taken,
        file: &Path,
        id: DatabaseId,
        step: Step<'_>,
    ) -> Result<Held, BackupError> {
        let (part, header, written) = self.write_backup(taken, file, Proof::Read, step)?;
        tracing::info!(database = %header.database, file = %file.display(), bytes = written.file_bytes, "backup written");
        part.hold(self.server_id, id)
    }

    /// Writes an image to the beginnings of `file`, whole and proved.
    fn write_backup(
        &self,
        taken: Taken,
        file: &Path,
        proof: Proof,
        step: Step<'_>,
    ) -> Result<(Part, Header, Written), BackupError> {
        let Taken { header, mut image } = taken;
        let mut part = Part::create(file)?;
        let written = write(&header, &mut *image, &mut part, step)?;
        // From here on the database uses again what it freed meanwhile.
        drop(image);
        part.sync()?;
        verify(part.path(), step)?;
        if proof == Proof::Check {
            self.try_backup(part.path(), header.holds, step)?;
        }
        Ok((part, header, written))
    }

    /// Restores a backup where nobody finds it, walks all of it, and removes it again.
    pub(crate) fn try_backup(&self, file: &Path, holds: Holds, step: Step<'_>) -> Result<(), BackupError> {
        let mut reading = self.reading(file)?;
        let mut done = 0;
        let problems = piece_by_piece(
            &mut |piece| {
                let more = reading.next(piece)?;
                done += piece.len() as u64;
                step(done)?;
                Ok(more)
            },
            |next| match holds {
                Holds::Graph => self.databases.try_image(next),
                Holds::Catalog => self.databases.try_catalog(next),
            },
        )?;
        match problems.first() {
            None => Ok(()),
            Some(problem) => Err(BackupError::Unsound(problem.clone())),
        }
    }

    /// Opens a backup that this server's engine can restore.
    pub(crate) fn reading(&self, file: &Path) -> Result<Reading, BackupError> {
        let reading = Reading::open(file)?;
        let kind = self.databases.kind();
        if !self.databases.takes(&reading.header().kind) {
            let reason = format!("it holds an image of kind \"{}\", not \"{kind}\"", reading.header().kind);
            return Err(BackupError::NotBackup { file: file.to_owned(), reason });
        }
        Ok(reading)
    }

    /// As [`Shared::reading`], of a backup that makes a database.
    pub(super) fn reading_graph(&self, file: &Path) -> Result<Reading, BackupError> {
        let reading = self.reading(file)?;
        match reading.header().holds {
            Holds::Graph => Ok(reading),
            Holds::Catalog => Err(BackupError::Catalog(file.to_owned())),
        }
    }

    /// Makes the files of a new database out of a backup. What fails leaves no files.
    pub(crate) fn restore(&self, row: &Row, file: &Path, step: Step<'_>) -> Result<Header, BackupError> {
        let mut reading = self.reading_graph(file)?;
        let mut done = 0;
        ahead(&mut reading, &|_| Ok(()), |pieces| {
            piece_by_piece(
                &mut |piece| {
                    let more = pieces(piece)?;
                    done += piece.len() as u64;
                    step(done)?;
                    Ok(more)
                },
                |next| self.databases.make_from(row, next),
            )
        })?;
        tracing::info!(database = %row.name, file = %file.display(), "backup restored");
        Ok(reading.header().clone())
    }

    /// Makes the files of a new database as a copy of what another one holds now.
    pub(crate) fn copy_database(
        &self,
        (from, database): (&Row, &Arc<OpenDatabase>),
        row: &Row,
        step: Step<'_>,
    ) -> Result<(), Failure> {
        // An image makes what it was taken of: with a key of its own, and in an older format if it had that.
        let image = if row.options.is_encrypted() || from.options.is_encrypted() {
            None
        } else {
            let (_, image) = database.graph.image().map_err(|error| database.fail(error))?;
            Some(image).filter(|image| image.kind() == self.databases.kind())
        };
        let Some(mut image) = image else {
            self.copy_entries(&database.graph, row, step)?;
            tracing::info!(from = %from.name, to = %row.name, encrypted = row.options.is_encrypted(), "database copied");
            return Ok(());
        };
        let mut done = 0;
        piece_by_piece(
            &mut |piece| {
                let more = image.read(piece, PIECE_BYTES)?;
                done += piece.len() as u64;
                step(done)?;
                types::failpoint::reach("clone.piece");
                Ok(more)
            },
            |next| self.databases.make_from(row, next),
        )?;
        tracing::info!(from = %from.name, to = %row.name, "database copied");
        Ok(())
    }
}

/// Copies that run at a time; LMDB has eight places for each database's own readers.
const COPIES_MAX: usize = 4;

/// Takes pieces from where errors are ours to where they are the store's, and brings ours back.
pub(super) fn piece_by_piece<T>(
    next: &mut dyn FnMut(&mut Vec<u8>) -> Result<bool, BackupError>,
    take: impl FnOnce(&mut dyn FnMut(&mut Vec<u8>) -> Result<bool, StoreError>) -> Result<T, Failure>,
) -> Result<T, BackupError> {
    let mut failed = None;
    let taken = take(&mut |piece| {
        next(piece).map_err(|error| {
            failed = Some(error);
            StoreError::Aborted
        })
    });
    match failed {
        Some(error) => Err(error),
        None => taken.map_err(BackupError::from),
    }
}

/// Sweeps what a death in the midst of a backup left in the folder.
pub(crate) fn sweep(shared: &Shared) {
    if let Ok(folder) = shared.backup_folder() {
        Folder(&folder).sweep();
        Folder(&folder).sweep_held(shared.server_id, &|id| shared.is_there(id));
    }
}
