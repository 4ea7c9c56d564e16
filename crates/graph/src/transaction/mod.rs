//! Transactions: a snapshot, the changes laid over it, what was read, and the commit.
//! Leaves the layout to `keys` and `codec`, and ids and names to the database.
//! Start reading at [`Transaction`].

mod apply;
mod between;
mod change;
mod constrain;
mod enforce;
mod entries;
mod expand;
mod lists;
mod overlay;
mod read;
mod schema;
mod search;
mod seek;
mod sequencer;
mod state;
#[cfg(test)]
mod tests;
mod validate;
mod write;

use std::sync::Arc;

use parking_lot::Mutex;
use store::Snapshot;
use types::{Direction, NodeId, effort};

pub(crate) use apply::{AsReader, Facts, apply, put_facts, remove_index};
pub use between::Hop;
pub(crate) use change::{Changes, Place};
pub use constrain::{NewConstraint, Older};
use entries::OwnEntries;
pub use expand::Step;
use overlay::{Overlay, Savepoint as OverlaySavepoint};
use schema::SchemaChange;
pub(crate) use schema::change as change_schema;
pub use seek::Page;
pub(crate) use sequencer::{GroupBounds, Sequencer};
pub use state::{NodeState, RelationshipState, property};
pub(crate) use validate::{History, HistoryBounds, Mark, ReadSet, WriteSet};
pub use write::NewIndex;
pub(crate) use write::collect;

use crate::GraphError;
pub use crate::codec::fact::IndexDefinition;
use crate::database::Database;
use crate::read::View;
pub use crate::read::{Ends, IndexSize, Seek};
use crate::schema::Schema;
use crate::tokens::Made;

/// What an entity costs at a commit, in parts of values; see [`effort::pay`].
const ENTITY_PARTS: usize = 16;

/// One transaction on one database: sees one version of it, and its own changes.
///
/// Holds no lock. Dropping it gives its changes up.
pub struct Transaction {
    database: Database,
    snapshot: Arc<dyn Snapshot>,
    version: u64,
    overlay: Overlay,
    /// Indexes of the snapshot.
    schema: Schema,
    schema_changes: Vec<SchemaChange>,
    is_writing: bool,
    reads: Mutex<ReadSet>,
    /// Entries of its own changes in the indexes that it sought.
    own: Mutex<OwnEntries>,
    /// Names that it made.
    made: Mutex<Made>,
}

/// A place in a transaction to go back to; see [`Transaction::rollback_to`].
#[derive(Clone, Copy, Debug)]
pub struct Savepoint {
    overlay: OverlaySavepoint,
    schema_changes: usize,
    names: usize,
}

/// Pays for one entity, or one entry, of a commit that may still be given up.
fn pay() -> Result<(), GraphError> {
    if effort::pay(ENTITY_PARTS) { Ok(()) } else { Err(GraphError::Stopped) }
}

impl Transaction {
    /// Begins on a snapshot; reads are noted only if `is_writing`.
    pub(crate) fn new(
        database: Database,
        snapshot: Arc<dyn Snapshot>,
        reads_max: usize,
        is_writing: bool,
    ) -> Result<Self, GraphError> {
        let view = View::new(&*snapshot);
        let version = view.number(crate::keys::Meta::Version)?;
        let schema = database.schemas().of(version, view)?;
        let reads = ReadSet::new(reads_max);
        let made = database.make_tokens();
        Ok(Self {
            database,
            snapshot,
            version,
            overlay: Overlay::default(),
            schema,
            schema_changes: Vec::new(),
            is_writing,
            reads: Mutex::new(reads),
            own: Mutex::default(),
            made: Mutex::new(made),
        })
    }

    /// Gives the version of the database that this transaction sees.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Gives a number that is the same only for transactions that see the same indexes.
    #[must_use]
    pub fn schema_version(&self) -> u64 {
        self.schema.since
    }

    /// Tells whether there is anything to commit.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.overlay.is_empty() || !self.schema_changes.is_empty() || self.made.lock().len() > 0
    }

    /// Tells about how many bytes of memory the changes take that are not committed.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.overlay.held_bytes() + self.made.lock().bytes()
    }

    /// Marks a place to which a failed statement goes back.
    #[must_use]
    pub fn savepoint(&self) -> Savepoint {
        let names = self.made.lock().len();
        Savepoint { overlay: self.overlay.savepoint(), schema_changes: self.schema_changes.len(), names }
    }

    /// Undoes everything since `savepoint`, names included; what was read stays noted.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        self.overlay.rollback_to(savepoint.overlay);
        self.own.get_mut().clear();
        self.schema_changes.truncate(savepoint.schema_changes);
        self.made.get_mut().truncate(savepoint.names);
    }

    /// Checks what must hold at the end: no relationship hangs on a deleted node.
    pub fn check(&self) -> Result<(), GraphError> {
        let deleted = |change: &overlay::Change<NodeState>| change.now.is_none();
        let nodes: Vec<NodeId> = self.overlay.nodes().filter(|(_, change)| deleted(change)).map(|(id, _)| id).collect();
        let mut steps = Vec::new();
        for node in nodes {
            pay()?;
            self.expand(&[node], Direction::Both, None, &mut steps)?;
            if !steps.is_empty() {
                return Err(GraphError::StillHasRelationships { node });
            }
        }
        Ok(())
    }

    /// Makes the changes durable and visible; gives the version that has them.
    ///
    /// Asks [`types::effort`] on the way whether it may go on, as long as it can still be given up without a trace.
    /// Errors: [`GraphError::Conflict`] if something that was read has changed since; begin again.
    /// [`GraphError::Stopped`] if it may not go on.
    pub fn commit(self) -> Result<u64, GraphError> {
        if !self.has_changes() {
            return Ok(self.version);
        }
        if !self.is_writing {
            return Err(GraphError::ReadOnly);
        }
        if !effort::look() {
            return Err(GraphError::Stopped);
        }
        self.check()?;
        // Only now: until the end a value may be missing that a later statement sets.
        self.enforce_values()?;
        let mut reads = self.reads.into_inner();
        // Whoever writes keeps the indexes that it knows; a new one must not miss its entries.
        reads.add(Mark::Schema);
        // Kept until it is over: whoever makes one of these names meanwhile gets the same number.
        let made = self.made.into_inner();
        let (indexes, schema) = (&self.schema.indexes, self.schema_changes);
        let changes = Changes::of(self.version, reads, &self.overlay, indexes, schema, made.all())?;
        // The snapshot goes first: a store that must grow waits for its readers.
        drop(self.snapshot);
        let committed = self.database.commit(changes);
        drop(made);
        committed
    }
}
