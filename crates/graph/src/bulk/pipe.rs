//! The other thread of a load: it writes batches in the order in which they are sent.
//! Knows nothing of graphs. Start reading at [`Pipe::send`].

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use store::{Store, StoreError};

use crate::batch::Batch;
use crate::error::GraphError;

/// Batches that wait for the writer.
const WAITING_MAX: usize = 2;

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
        if batch.is_empty() {
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
