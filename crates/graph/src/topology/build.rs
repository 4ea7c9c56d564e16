//! Makes a topology: one walk over the lists of a snapshot.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use store::Snapshot;
use types::TypeId;

use super::{Dirty, Topologies, Topology, USED_BYTES};
use crate::codec::adjacency;
use crate::error::GraphError;
use crate::keys::{self, Counted, Meta, Side, Table};
use crate::read::View;

impl Topologies {
    /// Makes a topology of the latest version, if it fits and nobody else is at it.
    ///
    /// `begin` takes a snapshot while nobody commits, after calling what it is given; so every change is either in the
    /// snapshot or noted.
    pub fn build(
        &self,
        nodes: u64,
        begin: impl FnOnce(&dyn Fn()) -> Result<Arc<dyn Snapshot>, GraphError>,
    ) -> Result<(), GraphError> {
        if self.is_building.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let built = self.build_alone(nodes, begin);
        self.state.write().coming = None;
        self.reads.store(0, Ordering::Relaxed);
        self.is_building.store(false, Ordering::Release);
        built
    }

    fn build_alone(
        &self,
        nodes: u64,
        begin: impl FnOnce(&dyn Fn()) -> Result<Arc<dyn Snapshot>, GraphError>,
    ) -> Result<(), GraphError> {
        let Some(nodes) = usize::try_from(nodes).ok().filter(|nodes| *nodes < u32::MAX as usize / 2) else {
            return Ok(());
        };
        let dirty = Arc::new(Dirty::new(nodes));
        let snapshot = begin(&|| self.state.write().coming = Some(Arc::clone(&dirty)))?;
        let view = View::new(&*snapshot);
        let ends = u64::try_from(view.count(Counted::Relationships)?).unwrap_or(0) * 2;
        if ends >= u32::MAX.into() || view.number(Meta::RelationshipNext)? > u32::MAX.into() {
            return Ok(());
        }
        // The old one goes first: two at a time would need the room of both.
        self.state.write().current = None;
        let Some(reserved) = Reserved::take(ends * 10 + nodes as u64 * 8 + nodes as u64 / 8, self.bounds.max_bytes)
        else {
            return Ok(());
        };
        let mut lists = Lists::with_room(nodes, ends as usize);
        if !lists.fill(view)? {
            return Ok(());
        }
        let topology = Topology {
            version: view.number(Meta::Version)?,
            starts: lists.starts,
            pairs: lists.pairs,
            kinds: lists.kinds,
            dirty: Arc::clone(&dirty),
            reserved_bytes: reserved.keep(),
        };
        tracing::debug!(version = topology.version, nodes, ends, "topology made");
        let mut state = self.state.write();
        if state.coming.as_ref().is_some_and(|coming| Arc::ptr_eq(coming, &dirty)) {
            state.current = Some(Arc::new(topology));
        }
        Ok(())
    }
}

/// Memory that was promised, until it is kept or given back.
struct Reserved(u64);

impl Reserved {
    fn take(bytes: u64, max_bytes: u64) -> Option<Self> {
        let add = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= max_bytes);
        USED_BYTES.fetch_update(Ordering::AcqRel, Ordering::Acquire, add).ok().map(|_| Self(bytes))
    }

    fn keep(self) -> u64 {
        let bytes = self.0;
        std::mem::forget(self);
        bytes
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        USED_BYTES.fetch_sub(self.0, Ordering::AcqRel);
    }
}

/// The lists while they are read.
struct Lists {
    starts: Vec<u32>,
    pairs: Vec<(u32, u32)>,
    kinds: Vec<u16>,
    nodes: usize,
}

impl Lists {
    fn with_room(nodes: usize, ends: usize) -> Self {
        Self {
            starts: Vec::with_capacity(nodes * 2 + 1),
            pairs: Vec::with_capacity(ends),
            kinds: Vec::with_capacity(ends),
            nodes,
        }
    }

    /// Reads all lists; `false` if there is something that does not fit.
    fn fill(&mut self, view: View<'_>) -> Result<bool, GraphError> {
        let (start, end) = ([Table::Adjacency as u8], [Table::Adjacency as u8 + 1]);
        let mut fits = true;
        view.scan(&start, &end, |key, block| {
            fits = self.add(key, block)?;
            Ok(fits)
        })?;
        self.starts.resize(self.nodes * 2 + 1, self.pairs.len() as u32);
        Ok(fits)
    }

    fn add(&mut self, key: &[u8], block: &[u8]) -> Result<bool, GraphError> {
        let (Some(node), Some(kind), Some(side)) = (keys::u64_at(key, 1), keys::u32_at(key, 10), key.get(9)) else {
            return Err(GraphError::damaged("the key of an adjacency block"));
        };
        let (Ok(node), Ok(kind)) = (usize::try_from(node), u16::try_from(TypeId(kind).0)) else { return Ok(false) };
        if node >= self.nodes {
            // Younger than the notes of changes: such nodes are always read from the store.
            return Ok(true);
        }
        let list = node * 2 + usize::from(*side == Side::Incoming as u8);
        // Lists between the last one and this are empty: they begin where this one does.
        if self.starts.len() <= list {
            self.starts.resize(list + 1, self.pairs.len() as u32);
        }
        let mut fits = true;
        adjacency::visit(block, |(neighbour, relationship)| {
            match (u32::try_from(neighbour.0), u32::try_from(relationship.0)) {
                (Ok(neighbour), Ok(relationship)) => self.pairs.push((neighbour, relationship)),
                _ => fits = false,
            }
        })?;
        self.kinds.resize(self.pairs.len(), kind);
        Ok(fits)
    }
}
