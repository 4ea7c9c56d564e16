//! Lets the graphs of vector indexes grow beside the commits, a batch at a time.
//! Leaves where a vector belongs in its graph to `vector`, and when to look to the filler.
//! Start reading at [`Inner::tend`].

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

/// The part of a graph that is in memory from one batch to the next.
#[derive(Default)]
pub(super) struct Tended(Mutex<Option<(IndexId, vector::Builder)>>);

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
            *self.tended.0.lock() = None;
            return Ok(false);
        };
        let _turn = TURN.lock();
        let mut tended = self.tended.0.lock();
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
        {
            let _history = self.history.lock();
            write_to(&*self.store, |writer| vector::apply(writer, index, &fold))?;
        }
        failpoint::reach("graph.vector.grown");
        // Only what was written is what the next batch may build on.
        *tended = Some((index.id, builder));
        Ok(true)
    }

    fn to_tend<'i>(&self, indexes: &'i [IndexDefinition]) -> Result<Option<&'i IndexDefinition>, GraphError> {
        let mut vectors =
            indexes.iter().filter(|index| index.kind == IndexKind::Vector && index.is_online()).peekable();
        if vectors.peek().is_none() {
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
}
