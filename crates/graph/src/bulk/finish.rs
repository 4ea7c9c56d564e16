//! The end of a load: what had to be sorted, then the facts that make the database whole.

use types::{NodeId, TypeId};

use super::pipe::Pipe;
use super::{Loaded, LoadedIndex, Loader};
use crate::batch::{Batch, Mode};
use crate::codec::adjacency::{self, Pair};
use crate::codec::fact::IndexKind;
use crate::constraint::validate::equal_pair;
use crate::constraint::words::Words;
use crate::database::write_to;
use crate::error::GraphError;
use crate::index::fill::fill;
use crate::keys::{Counted, Side};
use crate::read::View;
use crate::transaction::Place;

/// Entities that are read at a time for an index that came late.
const LATE_BATCH: usize = 1_024;
/// Pairs of one list that are encoded at a time.
const PAIRS_MAX: usize = 1 << 16;

impl Loader {
    /// Sorts and writes what is left, waits for the disk, and opens the database to everyone.
    pub fn finish(mut self) -> Result<Loaded, GraphError> {
        self.pipe.send(self.nodes.take())?;
        self.pipe.send(self.relationships.take())?;
        self.send_labels()?;
        self.send_adjacency()?;
        self.send_long()?;
        self.pipe.close()?;
        self.fill_late_indexes()?;
        self.pipe = Pipe::start(self.database.store().clone());
        self.send_entries()?;
        self.pipe.close()?;
        self.check_equal_values()?;
        self.fill_engines()?;
        self.database.store().sync()?;
        self.counts.insert(Counted::Nodes, signed(self.loaded.nodes));
        self.counts.insert(Counted::Relationships, signed(self.loaded.relationships));
        let indexes = self.indexes.into_iter().map(|index| index.definition).collect();
        let schema = (indexes, self.constraints, self.next_number);
        self.database.finish_loading(self.loading, self.loaded, &self.counts, schema)?;
        Ok(self.loaded)
    }

    fn send_labels(&mut self) -> Result<(), GraphError> {
        // They lie between nodes and relationships, which are written; they are few.
        let mut batch = Batch::new(Mode::Put);
        for (key, block) in std::mem::take(&mut self.labels).finish() {
            batch.put(&key, &block);
            if batch.is_full() {
                self.pipe.send(batch.take())?;
            }
        }
        self.pipe.send(batch)
    }

    fn send_adjacency(&mut self) -> Result<(), GraphError> {
        let places = std::mem::replace(&mut self.places, super::Runs::new(0, self.options.folder.clone()));
        let mut list = List { at: None, pairs: Vec::new(), scratch: Vec::new(), batch: Batch::new(Mode::Append) };
        places.merge(|place| {
            let at = (place.node, place.side, place.kind);
            if list.at != Some(at) || list.pairs.len() == PAIRS_MAX {
                list.put();
                list.at = Some(at);
                if list.batch.is_full() {
                    self.pipe.send(list.batch.take())?;
                }
            }
            list.pairs.push((place.neighbour, place.relationship));
            Ok(())
        })?;
        list.put();
        self.pipe.send(list.batch)
    }

    fn send_long(&mut self) -> Result<(), GraphError> {
        let long = std::mem::replace(&mut self.long, super::Runs::new(0, self.options.folder.clone()));
        let mut batch = Batch::new(Mode::Append);
        long.merge(|item| {
            batch.put(&item.key, &item.part);
            if batch.is_full() { self.pipe.send(batch.take()) } else { Ok(()) }
        })?;
        self.pipe.send(batch)
    }

    fn fill_late_indexes(&mut self) -> Result<(), GraphError> {
        if !self.indexes.iter().any(|index| index.is_late) {
            return Ok(());
        }
        let snapshot = self.database.store().snapshot()?;
        let view = View::new(&*snapshot);
        self.indexes.iter_mut().filter(|index| index.is_late).try_for_each(|index| index.fill(view))
    }

    /// Refuses a load in which two entities have values that a constraint wants once.
    fn check_equal_values(&self) -> Result<(), GraphError> {
        let snapshot = self.database.store().snapshot()?;
        let words = Words(self.database.tokens());
        for constraint in &self.constraints {
            let index = self.indexes.iter().find(|index| Some(index.definition.id) == constraint.index);
            let Some(index) = index else { continue };
            if let Some(pair) = equal_pair(View::new(&*snapshot), words, constraint, &index.definition, || true)? {
                return Err(GraphError::Violated(pair));
            }
        }
        Ok(())
    }

    /// Fills the indexes that engines keep, from what is stored.
    fn fill_engines(&mut self) -> Result<(), GraphError> {
        let store = self.database.store();
        for index in self.indexes.iter_mut().filter(|index| index.definition.kind.has_engine()) {
            let mut from = Some(0);
            while let Some(at) = from {
                let filled = write_to(&**store, |writer| fill(writer, &index.definition, at, LATE_BATCH))?;
                index.entities += filled.entities.unsigned_abs();
                from = filled.next;
            }
        }
        Ok(())
    }

    fn send_entries(&mut self) -> Result<(), GraphError> {
        self.indexes.sort_unstable_by_key(|index| index.definition.id);
        for index in &mut self.indexes {
            if index.definition.kind != IndexKind::Lookup {
                self.counts.insert(Counted::Entries(index.definition.id), signed(index.entities));
            }
            let entries = std::mem::replace(&mut index.entries, super::Runs::new(0, self.options.folder.clone()));
            let mut batch = Batch::new(Mode::Append);
            entries.merge(|key| {
                batch.put(&key, &[]);
                if batch.is_full() { self.pipe.send(batch.take()) } else { Ok(()) }
            })?;
            self.pipe.send(batch)?;
        }
        Ok(())
    }
}

/// The neighbours of one node, side and type, and where their blocks go.
struct List {
    at: Option<(NodeId, Side, TypeId)>,
    pairs: Vec<Pair>,
    scratch: Vec<u8>,
    batch: Batch,
}

impl List {
    fn put(&mut self) {
        let Some((node, side, kind)) = self.at else { return };
        let batch = &mut self.batch;
        adjacency::encode_each(&self.pairs, &mut self.scratch, |(neighbour, relationship), block| {
            batch.put(&Place { node, side, kind, neighbour, relationship }.key(), block);
        });
        self.pairs.clear();
    }
}

impl LoadedIndex {
    /// Adds the entries of everything that is stored.
    fn fill(&mut self, view: View<'_>) -> Result<(), GraphError> {
        let mut from = Some(0);
        while let Some(at) = from {
            let candidates = view.candidates(&self.definition.on, at, LATE_BATCH)?;
            for id in candidates.ids {
                if let Some(values) = view.values_of(&self.definition, id)? {
                    self.push(&values, id)?;
                }
            }
            from = candidates.next;
        }
        Ok(())
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).expect("a load of 2^63 records does not end")
}
