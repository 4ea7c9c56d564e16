//! Copies a whole server while it runs: one database after the other, and `system` last.
//! Leaves where the copies go to a [`Target`]. Start reading at [`Shared::back_up_all`].
//!
//! `system` is last, so that it knows of every database that was copied: rights, aliases and limits are those of one
//! moment, and each database is of some moment shortly before. Databases that are made meanwhile are copied too, until an
//! image of `system` knows of none that was not. What is dropped meanwhile leaves the backup again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use catalog::{Database as Row, Pictured, Stage};
use rustc_hash::FxHashMap;
use store::Image;
use types::{DatabaseId, Failure, failpoint};

use super::manifest::SYSTEM_FILE;
use super::{Entry, Manifest, Target, Watch};
use crate::backup::folder::ENDING;
use crate::backup::work::Taken;
use crate::backup::{BackupError, Header, Holds, write};
use crate::databases::unavailable;
use crate::instance::Shared;
use crate::leases::{Lease, Work, Worker};
use crate::open_database::OpenDatabase;
use crate::records::Stream;

/// How often databases that were made meanwhile are copied, before one is left out that was made again meanwhile.
const ROUNDS_MAX: usize = 8;
/// How often a database is tried that is stopped or started while it is copied.
const TRIES_MAX: usize = 3;

/// What became of one try to copy a database.
enum Tried {
    Copied(Entry),
    /// Somebody stopped or dropped it meanwhile.
    Interrupted(String),
    /// It cannot be copied, which is no reason to copy no others.
    Failed(String),
}

/// What a copy holds while it reads.
struct Held {
    image: Box<dyn Image>,
    _lease: Lease,
    _database: Arc<OpenDatabase>,
}

impl Shared {
    /// Copies every database that users can see, and `system`; one that cannot be copied is in the list with the reason.
    ///
    /// `may` is asked before each database is read; when it refuses, nothing is left.
    pub(crate) fn back_up_all(
        &self,
        may: &dyn Fn() -> Result<(), Failure>,
        target: &mut dyn Target,
        watch: &dyn Watch,
    ) -> Result<Manifest, Failure> {
        let mut copied: FxHashMap<DatabaseId, Entry> = FxHashMap::default();
        for round in 1.. {
            let rows = self.catalog.names().databases();
            let rows: Vec<_> = rows.iter().filter(|row| !row.name.is_system()).collect();
            let of = rows.len() + 1;
            for (number, row) in (1..).zip(&rows) {
                if copied.contains_key(&row.id) {
                    continue;
                }
                may()?;
                if let Some(entry) = self.copy_one(row, (number, of), target, watch)? {
                    watch.ends(&entry);
                    copied.insert(row.id, entry);
                }
                failpoint::reach("whole.database");
            }
            let (pictured, image) = self.catalog.image()?;
            let is_whole = pictured.databases.iter().all(|row| copied.contains_key(&row.id));
            if is_whole || round >= ROUNDS_MAX {
                return self.finish(copied, &pictured, image, target, watch);
            }
        }
        unreachable!("the numbers do not end")
    }

    /// Copies `system`, as which everything else is listed.
    fn finish(
        &self,
        mut copied: FxHashMap<DatabaseId, Entry>,
        pictured: &Pictured,
        mut image: Box<dyn Image>,
        target: &mut dyn Target,
        watch: &dyn Watch,
    ) -> Result<Manifest, Failure> {
        let taken_nanos = self.options.clock.wall_nanos();
        let mut databases = Vec::with_capacity(pictured.databases.len());
        for row in &pictured.databases {
            let late = || Entry::missing(&row.name, row.id, "it was made while the others were copied".to_owned());
            let entry = copied.remove(&row.id).unwrap_or_else(late);
            // It may have been renamed since it was copied.
            databases.push(Entry { name: row.name.to_string(), ..entry });
        }
        for gone in copied.into_values().filter_map(|entry| entry.file) {
            target.take_back(&gone)?;
        }
        let of = databases.len() + 1;
        let header = self.catalog_header(pictured, &*image, taken_nanos)?;
        watch.begins(&header.database, of, of, header.image_bytes);
        let step = |bytes| watch.step(bytes);
        let written = target.put(SYSTEM_FILE, Holds::Catalog, &mut |out| write(&header, &mut *image, out, &step))?;
        failpoint::reach("whole.system");
        let system = Entry::written(SYSTEM_FILE, &header, written.file_bytes, written.sum);
        watch.ends(&system);
        let manifest = Manifest {
            made_by: header.made_by,
            kind: header.kind,
            taken_millis: i64::try_from(taken_nanos / 1_000_000).unwrap_or_default(),
            keys: self.keyring.names().iter().map(ToString::to_string).collect(),
            system,
            databases,
        };
        target.finish(&manifest.print())?;
        let (databases, problems) = (manifest.databases.len(), manifest.problems().count());
        tracing::info!(databases, problems, "whole server backed up");
        Ok(manifest)
    }

    /// Copies one database, whether it runs or not; nothing where it is gone by the time it is done.
    fn copy_one(
        &self,
        row: &Row,
        place: (usize, usize),
        target: &mut dyn Target,
        watch: &dyn Watch,
    ) -> Result<Option<Entry>, Failure> {
        let is_there = || self.catalog.names().database(row.id).is_some_and(|now| now.stage == Stage::Ready);
        let mut last = String::new();
        for _ in 0..TRIES_MAX {
            let tried = self.try_copying(row, &is_there, place, target, watch)?;
            match tried {
                Tried::Copied(entry) => return Ok(Some(entry)),
                _ if !is_there() => return Ok(None),
                Tried::Interrupted(problem) => last = problem,
                Tried::Failed(problem) => {
                    tracing::error!(database = %row.name, reason = %problem, "database is left out of the backup");
                    return Ok(Some(Entry::missing(&row.name, row.id, problem)));
                }
            }
        }
        Ok(Some(Entry::missing(&row.name, row.id, last)))
    }

    fn try_copying(
        &self,
        row: &Row,
        is_there: &dyn Fn() -> bool,
        (number, of): (usize, usize),
        target: &mut dyn Target,
        watch: &dyn Watch,
    ) -> Result<Tried, Failure> {
        let database = match self.databases.open_to_copy(row, is_there) {
            Ok(database) => database,
            Err(failure) => return Ok(Tried::Failed(failure.message().to_owned())),
        };
        let interrupted = Arc::new(AtomicBool::new(false));
        let lease =
            database.leases.take(Worker::Unseen(Arc::clone(&interrupted)), Weak::<Stream>::new() as Weak<dyn Work>);
        let (header, held) = match self.take_image(&database, row) {
            Ok(Taken { header, image }) => (header, Held { image, _lease: lease, _database: database }),
            Err(failure) => return Ok(Tried::Failed(failure.message().to_owned())),
        };
        watch.begins(&header.database, number, of, header.image_bytes);
        let file = format!("{}.{ENDING}", row.folder);
        let put = {
            let mut held = Some(held);
            let mut fill = |out: &mut dyn std::io::Write| {
                // Let go as soon as it is read: what is left to do needs only the file.
                let mut held = held.take().ok_or_else(|| BackupError::from(unavailable(&row.name)))?;
                write(&header, &mut *held.image, out, &|bytes| {
                    watch.step(bytes)?;
                    if interrupted.load(Ordering::Relaxed) { Err(unavailable(&row.name)) } else { Ok(()) }
                })
            };
            target.put(&file, Holds::Graph, &mut fill)
        };
        if put.is_ok() {
            self.databases.backup_made(&header);
        }
        // One that is stopped was opened for this only.
        if row.requested == catalog::Requested::Offline {
            self.databases.close_unused(row.id);
        }
        Ok(match put {
            Ok(written) => Tried::Copied(Entry::written(&file, &header, written.file_bytes, written.sum)),
            Err(error) if interrupted.load(Ordering::Relaxed) => {
                watch.step(0)?;
                Tried::Interrupted(Failure::from(error).message().to_owned())
            }
            // What it was read from is at fault; everything else is in the way of the others too.
            Err(error @ (BackupError::Store(_) | BackupError::Unsound(_))) => {
                Tried::Failed(Failure::from(error).message().to_owned())
            }
            Err(error) => return Err(error.into()),
        })
    }

    /// Says of an image of `system` what is in it.
    pub(crate) fn catalog_header(
        &self,
        pictured: &Pictured,
        image: &dyn Image,
        taken_nanos: i128,
    ) -> Result<Header, Failure> {
        let names = self.catalog.names();
        let system = names.database(self.server_id).ok_or_else(|| unavailable(&types::DatabaseName::system()))?;
        Ok(crate::backup::writer::catalog_header(system, pictured, image, taken_nanos))
    }
}
