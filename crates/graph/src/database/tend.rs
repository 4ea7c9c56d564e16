//! Lets the graphs of vector indexes grow beside the commits, a batch at a time.
//! Leaves where a vector belongs in its graph to `vector`, and when to look to the filler.
//! Start reading at [`Inner::tend`].

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use types::{IndexId, failpoint};

use super::{Inner, write_to};
use crate::GraphError;
use crate::codec::fact::{IndexDefinition, IndexKind};
use crate::read::View;
use crate::vector;

/// Vectors that are given their places between two writes.
const BATCH: usize = 512;
/// Memory in which a part of a graph is kept while it grows.
const MEMORY_MAX_BYTES: usize = 256 << 20;

/// One graph grows at a time in a process, whatever the number of databases: it takes a processor and that memory.
static TURN: Mutex<()> = Mutex::new(());

/// What is known of growing graphs from one batch to the next.
#[derive(Default)]
pub(super) struct Tended {
    /// The part of a graph that is in memory.
    builder: Mutex<Option<(IndexId, vector::Builder)>>,
    /// Bytes that the last batch wanted beyond the bound; 0 if there was room for it.
    wanted: AtomicU64,
}

impl Inner {
    /// Tells whether the graph of an index is to grow, or to be made anew.
    pub(super) fn is_to_tend(&self, indexes: &[IndexDefinition]) -> Result<bool, GraphError> {
        Ok(self.to_tend(indexes)?.is_some())
    }

    /// Brings the first graph that is behind a bit further; `false` if none is. `goes_on` ends the batch early.
    pub(super) fn tend(
        &self,
        indexes: &[IndexDefinition],
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, GraphError> {
        let Some(index) = self.to_tend(indexes)? else {
            *self.tended.builder.lock() = None;
            return Ok(false);
        };
        let _turn = TURN.lock();
        let mut tended = self.tended.builder.lock();
        let snapshot = self.store.snapshot()?;
        if vector::needs_rebuild(&*snapshot, index)? {
            drop(snapshot);
            *tended = None;
            let _history = self.history.lock();
            write_to(&*self.store, |writer| vector::rebuild(writer, index))?;
            tracing::info!(index = %index.name, "the graph of a vector index is made anew");
            return Ok(true);
        }
        let mut builder = match tended.take() {
            Some((of, builder)) if of == index.id => builder,
            _ => vector::Builder::new(index, MEMORY_MAX_BYTES),
        };
        let fold = builder.fold(View::new(&*snapshot), index, BATCH, goes_on)?;
        // The snapshot goes first: a store that must grow waits for its readers.
        drop(snapshot);
        let Some(fold) = fold else {
            tracing::warn!(index = %index.name, "a vector index counts new vectors that are not there; it is counted anew");
            let _history = self.history.lock();
            write_to(&*self.store, |writer| vector::rebuild(writer, index))?;
            return Ok(true);
        };
        let written = {
            let _history = self.history.lock();
            write_to(&*self.store, |writer| {
                let filling = self.quotas.room().before(writer)?;
                vector::apply(writer, index, &fold)?;
                filling.check(writer)
            })
        };
        match written {
            // Vectors outside their graph are found as well, one by one.
            Err(full @ GraphError::QuotaReached { wanted, .. }) => {
                tracing::warn!(index = %index.name, reason = %full, "the graph of a vector index has no room to grow");
                self.tended.wanted.store(wanted, Ordering::Release);
                return Ok(true);
            }
            written => written?,
        }
        self.tended.wanted.store(0, Ordering::Release);
        failpoint::reach("graph.vector.grown");
        // Only what was written is what the next batch may build on.
        *tended = Some((index.id, builder));
        Ok(true)
    }

    fn to_tend<'i>(&self, indexes: &'i [IndexDefinition]) -> Result<Option<&'i IndexDefinition>, GraphError> {
        let mut vectors =
            indexes.iter().filter(|index| index.kind == IndexKind::Vector && index.is_online()).peekable();
        if vectors.peek().is_none() || !self.has_room()? {
            return Ok(None);
        }
        let snapshot = self.store.snapshot()?;
        for index in vectors {
            if vector::is_due(&*snapshot, index)? || vector::needs_rebuild(&*snapshot, index)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// Tells whether there is room for the batch that had none.
    fn has_room(&self) -> Result<bool, GraphError> {
        match self.tended.wanted.load(Ordering::Acquire) {
            0 => Ok(true),
            wanted => Ok(self.quotas.room().left(self.store.usage()?.used_bytes) >= wanted),
        }
    }
}
