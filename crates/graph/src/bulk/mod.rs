//! Fills an empty database much faster than transactions do: sorted, in large batches, with one sync at the end.
//! Leaves reading files to the caller; constraints are kept, and nobody reads or writes meanwhile.
//! Start reading at [`Loader`].

mod finish;
mod labels;
mod pipe;
mod runs;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::path::PathBuf;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use types::{CompactString, IndexId, KeyId, LabelId, NodeId, RelationshipId, TypeId, Value};

use labels::LabelBlocks;
use pipe::Pipe;
use runs::{LongPart, Runs};

use crate::batch::{Batch, Mode};
use crate::codec::fact::{ConstraintDefinition, IndexDefinition, IndexOn, IndexState};
use crate::codec::record::{Long, append_node, append_relationship};
use crate::constraint;
use crate::constraint::words::Words;
use crate::database::{Database, Loading};
use crate::error::GraphError;
use crate::index;
use crate::keys::{self, Counted, Entity, Side, TokenKind};
use crate::transaction::{NewIndex, Place, collect, property};

/// Bounds of one load.
#[derive(Clone, Debug)]
pub struct LoaderOptions {
    /// Memory for sorting relationships by their nodes, 64 bytes each; beyond it sorted runs go to temporary files.
    ///
    /// Each index may take an eighth of it as well. Encoded records wait in at most four batches of 8 MiB.
    pub sort_max_bytes: usize,
    /// Where the temporary files are made; they have no name there and vanish with the load.
    pub folder: PathBuf,
}

impl Default for LoaderOptions {
    fn default() -> Self {
        Self { sort_max_bytes: 256 << 20, folder: std::env::temp_dir() }
    }
}

/// How much was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Nodes.
    pub nodes: u64,
    /// Relationships.
    pub relationships: u64,
}

/// Loads one empty database; while it lives the database takes no transactions.
///
/// Records are encoded on the caller's thread and written on another one. Nodes first, then relationships, is the fast
/// order; any other works too. If the loader is dropped, or the process dies, before [`Loader::finish`] returned, the
/// database stays unfinished: it opens with [`GraphError::LoadUnfinished`] for ever and is to be removed.
pub struct Loader {
    database: Database,
    loading: Loading,
    pipe: Pipe,
    options: LoaderOptions,
    loaded: Loaded,
    nodes: Batch,
    relationships: Batch,
    counts: FxHashMap<Counted, i64>,
    labels: LabelBlocks,
    places: Runs<Place>,
    long: Runs<LongPart>,
    indexes: Vec<LoadedIndex>,
    constraints: Vec<ConstraintDefinition>,
    /// The number of the next index that is made.
    next_number: u32,
}

/// An index that is filled along with the load.
struct LoadedIndex {
    definition: IndexDefinition,
    entries: Runs<IndexKey>,
    /// Nodes or relationships that have entries.
    entities: u64,
    /// Whether records came before the index, so that it is filled from the store at the end.
    is_late: bool,
}

/// Key of an index entry; numbers and short texts need no allocation.
pub(super) type IndexKey = SmallVec<[u8; 40]>;

impl Loader {
    /// Begins to load with the usual bounds.
    ///
    /// Errors: [`GraphError::NotEmpty`] if the database ever held a node or relationship.
    pub fn new(database: &Database) -> Result<Self, GraphError> {
        Self::with_options(database, LoaderOptions::default())
    }

    /// Begins to load with bounds of the caller's.
    pub fn with_options(database: &Database, options: LoaderOptions) -> Result<Self, GraphError> {
        let loading = database.begin_loading()?;
        let reading = database.begin_read_loading()?;
        let (indexes, next_number) = (reading.indexes(), reading.next_number()?);
        let constraints = reading.constraints();
        drop(reading);
        let mut loader = Self {
            database: database.clone(),
            loading,
            pipe: Pipe::start(database.store().clone()),
            loaded: Loaded::default(),
            nodes: Batch::new(Mode::Append),
            relationships: Batch::new(Mode::Append),
            counts: FxHashMap::default(),
            labels: LabelBlocks::default(),
            places: Runs::new(options.sort_max_bytes, options.folder.clone()),
            long: Runs::new(options.sort_max_bytes / 8, options.folder.clone()),
            indexes: Vec::new(),
            constraints,
            next_number,
            options,
        };
        indexes.into_iter().for_each(|definition| loader.add_index(definition));
        Ok(loader)
    }

    /// Gives the number of a label.
    pub fn label(&self, name: &str) -> Result<LabelId, GraphError> {
        self.database.tokens().make(TokenKind::Label, name).map(LabelId)
    }

    /// Gives the number of a relationship type.
    pub fn kind(&self, name: &str) -> Result<TypeId, GraphError> {
        self.database.tokens().make(TokenKind::Type, name).map(TypeId)
    }

    /// Gives the number of a property key.
    pub fn key(&self, name: &str) -> Result<KeyId, GraphError> {
        self.database.tokens().make(TokenKind::Key, name).map(KeyId)
    }

    /// Makes an index; cheapest before the records that it is about.
    pub fn create_index(&mut self, new: NewIndex) -> Result<IndexId, GraphError> {
        let known: Vec<_> = self.indexes.iter().map(|index| &index.definition).collect();
        new.check_against(known.iter().copied())?;
        let id = IndexId(self.next_number);
        self.next_number += 1;
        let NewIndex { name, on, keys, kind, options } = new;
        let state = IndexState::Online;
        self.add_index(IndexDefinition { id, name, on, keys, kind, state, constraint: None, options });
        Ok(id)
    }

    /// Adds a node; properties that are null are left out. Ids count from 0.
    ///
    /// Errors: [`GraphError::Violated`] if a constraint asks for a value that it lacks, or for one of another type.
    pub fn node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]) -> Result<NodeId, GraphError> {
        let mut owned = Vec::new();
        let properties = tidy(properties, &mut owned)?;
        let mut labels: SmallVec<[LabelId; 4]> = labels.into();
        labels.sort_unstable();
        labels.dedup();
        let id = NodeId(self.loaded.nodes);
        let long = self.nodes.add(&keys::node(id), |out| append_node(&labels, properties, out))?;
        self.put_long(Entity::Node(id), long)?;
        for label in &labels {
            *self.counts.entry(Counted::Label(*label)).or_default() += 1;
            self.labels.add(*label, id);
        }
        for index in &mut self.indexes {
            if index.definition.on.takes_node(|label| labels.contains(&label)) {
                index.add(properties, id.0)?;
            }
        }
        let is_on = |on: &IndexOn| on.takes_node(|label| labels.contains(&label));
        self.hold(is_on, Entity::Node(id), properties)?;
        self.loaded.nodes += 1;
        if self.nodes.is_full() {
            self.send_nodes()?;
        }
        Ok(id)
    }

    /// Adds a relationship between two nodes that were added before; properties that are null are left out.
    ///
    /// Errors: [`GraphError::NotFound`] if one of the nodes was not.
    pub fn relationship(
        &mut self,
        start: NodeId,
        kind: TypeId,
        end: NodeId,
        properties: &[(KeyId, Value)],
    ) -> Result<RelationshipId, GraphError> {
        if let Some(node) = [start, end].into_iter().find(|node| node.0 >= self.loaded.nodes) {
            return Err(GraphError::NotFound { entity: Entity::Node(node) });
        }
        if self.loaded.relationships == 0 {
            self.send_nodes()?;
            // Behind the first relationship nodes are not the greatest keys any more.
            self.nodes.set_mode(Mode::Put);
        }
        let mut owned = Vec::new();
        let properties = tidy(properties, &mut owned)?;
        let id = RelationshipId(self.loaded.relationships);
        let append = |out: &mut Vec<u8>| append_relationship(start, end, kind, properties, out);
        let long = self.relationships.add(&keys::relationship(id), append)?;
        self.put_long(Entity::Relationship(id), long)?;
        *self.counts.entry(Counted::Type(kind)).or_default() += 1;
        self.places.push(Place { node: start, side: Side::Outgoing, kind, neighbour: end, relationship: id })?;
        self.places.push(Place { node: end, side: Side::Incoming, kind, neighbour: start, relationship: id })?;
        for index in self.indexes.iter_mut().filter(|index| index.definition.on.takes_kind(kind)) {
            index.add(properties, id.0)?;
        }
        self.hold(|on| on.takes_kind(kind), Entity::Relationship(id), properties)?;
        self.loaded.relationships += 1;
        if self.relationships.is_full() {
            self.pipe.send(self.relationships.take())?;
        }
        Ok(id)
    }

    /// Tells how much was added so far.
    #[must_use]
    pub fn loaded(&self) -> Loaded {
        self.loaded
    }

    fn send_nodes(&mut self) -> Result<(), GraphError> {
        self.pipe.send(self.nodes.take())
    }

    /// Refuses an entity that lacks what a constraint asks for; equal values are looked for at the end.
    fn hold(
        &self,
        is_on: impl Fn(&IndexOn) -> bool,
        entity: Entity,
        properties: &[(KeyId, Value)],
    ) -> Result<(), GraphError> {
        let words = Words(self.database.tokens());
        for constraint in self.constraints.iter().filter(|constraint| is_on(&constraint.on)) {
            let value = |key: KeyId| property(properties, key).cloned();
            constraint::hold(words, constraint, entity, value).map_err(GraphError::Violated)?;
        }
        Ok(())
    }

    fn put_long(&mut self, entity: Entity, long: Long) -> Result<(), GraphError> {
        for (key, parts) in long {
            for (at, part) in (0_u32..).zip(parts) {
                self.long.push(LongPart { key: keys::long(entity, key, at), part })?;
            }
        }
        Ok(())
    }

    fn add_index(&mut self, definition: IndexDefinition) {
        let loaded = if definition.on.is_nodes() { self.loaded.nodes } else { self.loaded.relationships };
        let is_late = loaded > 0;
        let entries = Runs::new(self.options.sort_max_bytes / 8, self.options.folder.clone());
        self.indexes.push(LoadedIndex { definition, entries, entities: 0, is_late });
    }
}

impl LoadedIndex {
    /// Adds the entry of an entity that the index is about; one that lacks a property has none.
    fn add(&mut self, properties: &[(KeyId, Value)], id: u64) -> Result<(), GraphError> {
        let values: Option<SmallVec<[&Value; 2]>> =
            self.definition.keys.iter().map(|key| property(properties, *key)).collect();
        match values {
            Some(values) if !self.is_late => self.push(&values, id),
            _ => Ok(()),
        }
    }

    /// Adds the entries of an entity with these values, if it has any.
    fn push<V: Borrow<Value>>(&mut self, values: &[V], id: u64) -> Result<(), GraphError> {
        if !index::takes(&self.definition, values) {
            return Ok(());
        }
        self.entities += 1;
        index::entries(&self.definition, values, id, |key| self.entries.push(IndexKey::from_slice(&key)))
    }
}

/// Lends the properties as they are, if they are sorted and none is null; otherwise puts a better list into `owned`.
fn tidy<'a>(
    properties: &'a [(KeyId, Value)],
    owned: &'a mut Vec<(KeyId, Value)>,
) -> Result<&'a [(KeyId, Value)], GraphError> {
    let is_tidy = properties.iter().all(|(_, value)| !value.is_null())
        && properties.windows(2).all(|pair| pair[0].0 < pair[1].0)
        && properties.iter().all(|(key, _)| key.0 != crate::tokens::REFUSED);
    if is_tidy {
        return Ok(properties);
    }
    *owned = collect(properties)?;
    Ok(owned)
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&CompactString> = self.indexes.iter().map(|index| &index.definition.name).collect();
        out.debug_struct("Loader").field("loaded", &self.loaded).field("indexes", &names).finish_non_exhaustive()
    }
}
