//! Entries on their way to the store: gathered on one thread, written on another.
//! Knows nothing of graphs. Start reading at [`Pipe::send`].

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use store::{Store, StoreError, Writer};

use crate::error::GraphError;

/// A batch is written once it has this many bytes; the door takes no more at a time.
const BATCH_BYTES: usize = 8 << 20;
/// Batches that wait for the writer.
const WAITING_MAX: usize = 2;

/// How the entries of a batch come into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Each key is greater than all that are there.
    Append,
    /// Anywhere.
    Put,
}

/// Keys and values, one behind the other.
#[derive(Debug)]
pub(super) struct Batch {
    mode: Mode,
    bytes: Vec<u8>,
    /// Length of each key, and where its value ends.
    ends: Vec<(u16, usize)>,
}

impl Batch {
    pub fn new(mode: Mode) -> Self {
        Self { mode, bytes: Vec::new(), ends: Vec::new() }
    }

    /// Chooses how the entries to come are written; those before must be gone.
    pub fn set_mode(&mut self, mode: Mode) {
        debug_assert!(self.ends.is_empty(), "a batch is written in one way");
        self.mode = mode;
    }

    /// Adds an entry whose value `append` appends to what it is given; nothing if that fails.
    pub fn add<T>(
        &mut self,
        key: &[u8],
        append: impl FnOnce(&mut Vec<u8>) -> Result<T, GraphError>,
    ) -> Result<T, GraphError> {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let made = append(&mut self.bytes).inspect_err(|_| self.bytes.truncate(from))?;
        let key_bytes = u16::try_from(key.len()).expect("keys are shorter than 480 bytes");
        self.ends.push((key_bytes, self.bytes.len()));
        Ok(made)
    }

    /// Adds an entry.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        let key_bytes = u16::try_from(key.len()).expect("keys are shorter than 480 bytes");
        self.ends.push((key_bytes, self.bytes.len()));
    }

    pub fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH_BYTES
    }

    /// Takes the entries, and leaves an empty batch of the same mode.
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.mode))
    }

    fn write(&self, writer: &mut dyn Writer) -> Result<(), StoreError> {
        let mut from = 0;
        for (key_bytes, end) in &self.ends {
            let (key, value) = self.bytes[from..*end].split_at(usize::from(*key_bytes));
            match self.mode {
                Mode::Append => writer.append(key, value)?,
                Mode::Put => writer.put(key, value)?,
            }
            from = *end;
        }
        Ok(())
    }
}

/// The thread that writes batches, in the order in which they are sent.
pub(super) struct Pipe {
    sender: Option<SyncSender<Batch>>,
    writer: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Pipe {
    pub fn start(store: Arc<dyn Store>) -> Self {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        Self { sender: Some(sender), writer: Some(std::thread::spawn(move || write_all(&*store, &receiver))) }
    }

    /// Hands a batch over, after waiting for room; fails if an earlier one could not be written.
    pub fn send(&mut self, batch: Batch) -> Result<(), GraphError> {
        if batch.ends.is_empty() {
            return Ok(());
        }
        match self.sender.as_ref().map(|sender| sender.send(batch)) {
            Some(Ok(())) => Ok(()),
            // The writer ended before its time: it knows why.
            Some(Err(_)) | None => self.close().and(Err(StoreError::Aborted.into())),
        }
    }

    /// Waits until everything that was sent is written.
    pub fn close(&mut self) -> Result<(), GraphError> {
        self.sender = None;
        let Some(writer) = self.writer.take() else { return Ok(()) };
        match writer.join() {
            Ok(outcome) => outcome.map_err(GraphError::from),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // Whoever gives a load up must not leave a thread that still writes.
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}

fn write_all(store: &dyn Store, batches: &Receiver<Batch>) -> Result<(), StoreError> {
    for batch in batches {
        store.write_unsynced(&mut |writer| batch.write(writer))?;
    }
    Ok(())
}
