//! The audit: who did what, as lines that nobody changes unnoticed. Each line holds the hash of the one before.
//! Leaves what is worth a line to those who call [`Audit::note`], and reading it back to `reading` and `verify`.
//! Start reading at [`Audit::note`]; the bytes are in `docs/format/audit.md`.

mod error;
mod head;
mod log;
mod reading;
mod record;
mod told;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use catalog::Keyring;
use parking_lot::Mutex;
use types::Clock;

pub use error::AuditError;
pub use reading::{Lines, lines};
pub use record::{Entry, Kind, Outcome};
pub use verify::{Verdict, verify};

use log::Log;
pub(crate) use told::Told;

/// The audit's folder below a data folder.
pub const FOLDER: &str = "audit";
/// How long a line may wait for the disk that nobody waits for.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// How an audit is kept.
#[derive(Clone, Copy, Debug)]
pub struct AuditOptions {
    /// Bytes after which a new file begins.
    pub segment_max_bytes: u64,
    /// Bytes of all files together; beyond them the oldest go. 0 keeps all.
    pub keep_max_bytes: u64,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self { segment_max_bytes: 16 << 20, keep_max_bytes: 4 << 30 }
    }
}

/// Whether somebody waits until a line is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durable {
    /// It is, when the call returns.
    Now,
    /// Within a second; the death of the process loses nothing, that of the machine may.
    Soon,
}

/// Tells whether a key sealed how far the audit in a folder goes.
pub(crate) fn is_sealed(folder: &std::path::Path) -> bool {
    head::paths(folder).iter().any(|path| path.exists())
}

/// The audit of one server.
pub(crate) struct Audit {
    log: Arc<Mutex<Log>>,
    clock: Arc<dyn Clock>,
    /// Ends the thread that syncs when it is dropped.
    _stop: Option<Sender<()>>,
}

impl Audit {
    /// Goes on where the files in `folder` end.
    pub(crate) fn open(
        folder: PathBuf,
        options: AuditOptions,
        keyring: Arc<Keyring>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AuditError> {
        let log = Arc::new(Mutex::new(Log::open(folder, options, keyring, clock.wall_nanos())?));
        let (stop, stopped) = mpsc::channel();
        let synced = Arc::clone(&log);
        let syncing = thread::Builder::new().name("audit".to_owned()).spawn(move || {
            while stopped.recv_timeout(SYNC_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                synced.lock().sync_if_needed();
            }
        });
        syncing.map_err(AuditError::io("start the thread of the audit"))?;
        Ok(Self { log, clock, _stop: Some(stop) })
    }

    /// Keeps the latest lines in memory, for a server without files.
    pub(crate) fn in_memory(clock: Arc<dyn Clock>) -> Self {
        Self { log: Arc::new(Mutex::new(Log::in_memory())), clock, _stop: None }
    }

    /// Writes a line. What cannot be written is counted, logged, and told by the next line that can.
    pub(crate) fn note(&self, kind: Kind, told: Told<'_>, outcome: Outcome, durable: Durable) {
        let entry = told.entry(kind, outcome, self.clock.wall_nanos());
        self.log.lock().append(entry, durable);
    }

    /// Gives the latest entries, the oldest of them first.
    pub(crate) fn latest(&self, entries_max: usize) -> Result<Vec<Entry>, AuditError> {
        // What is written is read from the files, and those only grow: the lock is for learning their names.
        let source = self.log.lock().source();
        reading::latest(source, entries_max)
    }
}

#[cfg(test)]
mod tests;
