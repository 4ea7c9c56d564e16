//! One open graph database: begins transactions and commits them in groups.
//! Leaves what a transaction is to `transaction`, and bytes to the store.
//! Start reading at [`Database::open`].

mod copy;
mod filler;
mod found;
mod load;
mod size;
mod tend;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use store::{Reader, Store, StoreError, Writer};
use types::{DatabaseId, NodeId, RelationshipId, failpoint};

pub use copy::{Pictured, adopt};
use filler::{Filler, Open};
pub(crate) use load::Loading;
use tend::Tended;

use crate::GraphError;
use crate::codec::FORMAT;
use crate::codec::fact::{decode_database, decode_format};
use crate::keys::{self, Counted, Entity, Meta, Side, after_prefix};
use crate::quota::Quotas;
use crate::read::View;
use crate::schema::{Schema, Schemas};
use crate::tokens::{Made, Tokens};
use crate::topology::{Topologies, Topology, TopologyBounds};
use crate::transaction::{
    Changes, Facts, GroupBounds, History, HistoryBounds, Sequencer, Transaction, apply, change_schema,
};
use crate::warm::Warm;

/// Bounds of one open database.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseOptions {
    /// Its lasting id: written when the graph is made, compared ever after. `None` compares nothing.
    pub id: Option<DatabaseId>,
    /// Things read that a transaction tells apart.
    pub reads_max: usize,
    /// Commits against which an older transaction can be checked.
    pub history_commits_max: usize,
    /// Changed things of all those commits together.
    pub history_marks_max: usize,
    /// Transactions that commit together.
    pub group_max: usize,
    /// Bytes that those write together; a larger transaction commits alone.
    pub group_max_bytes: usize,
    /// Memory in which all databases of this process may keep who is joined to whom; 0 keeps nothing.
    pub topology_max_bytes: u64,
    /// Nodes whose neighbours are read from the store before that begins, at least.
    pub topology_reads_min: u64,
    /// Memory in which all databases of this process may keep decoded properties and labels; 0 keeps nothing.
    pub warm_max_bytes: u64,
    /// Entities of which a new index is filled within its commit; for more it is filled while others read and write.
    pub fill_at_once_max: u64,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            id: None,
            reads_max: 1_024,
            history_commits_max: 4_096,
            history_marks_max: 1 << 18,
            group_max: 256,
            group_max_bytes: 8 << 20,
            topology_max_bytes: 512 << 20,
            topology_reads_min: 10_000,
            warm_max_bytes: 256 << 20,
            fill_at_once_max: 20_000,
        }
    }
}

/// One open graph database; clones are the same database.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
    /// Ends the work in the background with the last clone.
    _open: Arc<Open>,
}

struct Inner {
    store: Arc<dyn Store>,
    options: DatabaseOptions,
    tokens: Arc<Tokens>,
    schemas: Schemas,
    topologies: Topologies,
    warm_nodes: Warm,
    warm_relationships: Warm,
    quotas: Quotas,
    node_next: AtomicU64,
    relationship_next: AtomicU64,
    version: AtomicU64,
    /// Groups of commits that were written since it was opened; each waited for the disk once.
    groups: AtomicU64,
    /// Whether a loader has the database for itself.
    is_loading: AtomicBool,
    history: Mutex<History>,
    sequencer: Sequencer<Changes, Result<u64, GraphError>>,
    filler: Filler,
    tended: Tended,
}

impl Database {
    /// Opens the graph in `store`, making an empty one if there is none.
    ///
    /// Errors: [`GraphError::FormatUnknown`] if a later version wrote it.
    pub fn open(store: Arc<dyn Store>, options: DatabaseOptions) -> Result<Self, GraphError> {
        let mut snapshot = store.snapshot()?;
        match snapshot.get(&keys::meta(Meta::Format))?.map(|sealed| decode_format(&sealed)).transpose()? {
            Some(FORMAT..) => {}
            older => {
                if older.is_some() {
                    check_identity(&*snapshot, options.id)?;
                }
                drop(snapshot);
                write_to(&*store, |writer| found::found(writer, options.id))?;
                snapshot = store.snapshot()?;
            }
        }
        check_identity(&*snapshot, options.id)?;
        if snapshot.get(&keys::meta(Meta::Loading))?.is_some() {
            return Err(GraphError::LoadUnfinished);
        }
        let base = View::new(&*snapshot);
        check_numbers(base)?;
        let version = base.number(Meta::Version)?;
        let bounds = HistoryBounds { commits_max: options.history_commits_max, marks_max: options.history_marks_max };
        let group = GroupBounds { jobs_max: options.group_max, weight_max: options.group_max_bytes };
        let topology = TopologyBounds { max_bytes: options.topology_max_bytes, reads_min: options.topology_reads_min };
        let inner = Inner {
            tokens: Arc::new(Tokens::load(&*snapshot)?),
            schemas: Schemas::new(version),
            topologies: Topologies::new(topology),
            warm_nodes: Warm::new(options.warm_max_bytes),
            warm_relationships: Warm::new(options.warm_max_bytes),
            quotas: Quotas::new(base)?,
            node_next: AtomicU64::new(base.number(Meta::NodeNext)?),
            relationship_next: AtomicU64::new(base.number(Meta::RelationshipNext)?),
            version: AtomicU64::new(version),
            groups: AtomicU64::new(0),
            is_loading: AtomicBool::new(false),
            history: Mutex::new(History::new(version, bounds)),
            filler: Filler::default(),
            tended: Tended::default(),
            sequencer: Sequencer::new(group, || Err(GraphError::LeaderDied)),
            options,
            store,
        };
        let inner = Arc::new(inner);
        if inner.has_work()? {
            Self::fill_on(&inner);
        }
        Ok(Self { _open: Arc::new(Open(Arc::clone(&inner))), inner })
    }

    /// Begins a transaction that may write.
    pub fn begin(&self) -> Result<Transaction, GraphError> {
        self.check_loaded()?;
        Transaction::new(self.clone(), self.inner.store.snapshot()?, self.inner.options.reads_max, true)
    }

    /// Begins a transaction that only reads: it notes nothing and never conflicts.
    pub fn begin_read(&self) -> Result<Transaction, GraphError> {
        self.check_loaded()?;
        Transaction::new(self.clone(), self.inner.store.snapshot()?, 0, false)
    }

    /// Gives the version of the latest commit.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.inner.version.load(Ordering::Acquire)
    }

    /// Counts the groups of commits that were written since the database was opened: so often it waited for the disk.
    #[must_use]
    pub fn groups(&self) -> u64 {
        self.inner.groups.load(Ordering::Relaxed)
    }

    /// Gives a number that changes with every commit that changes the indexes; costs one load.
    ///
    /// Who keeps something by it, as plans are kept, asks the transaction: see [`Transaction::schema_version`].
    #[must_use]
    pub fn schema_version(&self) -> u64 {
        self.inner.schemas.current()
    }

    /// Lends the names of labels, types and property keys.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.inner.tokens
    }

    /// Begins to make names for one transaction.
    pub(crate) fn make_tokens(&self) -> Made {
        Made::new(Arc::clone(&self.inner.tokens))
    }

    /// Lends the store, for its size, copies and checks.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    pub(crate) fn quotas(&self) -> &Quotas {
        &self.inner.quotas
    }

    pub(crate) fn schemas(&self) -> &Schemas {
        &self.inner.schemas
    }

    /// Gives what is kept in memory of who is joined to whom, for a view of `version`.
    pub(crate) fn topology(&self, version: u64) -> Option<Arc<Topology>> {
        self.inner.topologies.of(version)
    }

    /// Gives what is kept in memory of what nodes carry.
    pub(crate) fn warm_nodes(&self) -> &Warm {
        &self.inner.warm_nodes
    }

    /// Gives what is kept in memory of what relationships carry.
    pub(crate) fn warm_relationships(&self) -> &Warm {
        &self.inner.warm_relationships
    }

    /// Notes that the lists of some nodes were read from the store, and keeps all of them in memory once that pays off.
    pub(crate) fn note_stored_reads(&self, nodes: usize, view: View<'_>) -> Result<(), GraphError> {
        let relationships = || view.count(Counted::Relationships).map_or(0, i64::unsigned_abs);
        if nodes == 0 || !self.inner.topologies.is_due(nodes, relationships) {
            return Ok(());
        }
        self.inner.topologies.build(self.inner.node_next.load(Ordering::Acquire), |note| {
            // Nobody commits while this is locked.
            let _history = self.inner.history.lock();
            note();
            Ok(self.inner.store.snapshot()?)
        })
    }

    pub(crate) fn next_node(&self) -> NodeId {
        NodeId(self.inner.node_next.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_relationship(&self) -> RelationshipId {
        RelationshipId(self.inner.relationship_next.fetch_add(1, Ordering::Relaxed))
    }

    /// Goes on with what waits for room, if there is some now; else the next commit does.
    pub(crate) fn go_on(&self) {
        if self.inner.has_work().unwrap_or(false) {
            Self::fill_on(&self.inner);
        }
    }

    pub(crate) fn commit(&self, changes: Changes) -> Result<u64, GraphError> {
        let bytes = changes.bytes();
        let (leaves_work, has_vectors) = (changes.leaves_work(), changes.has_vectors());
        let committed =
            self.inner.sequencer.submit(changes, bytes, |group| self.inner.commit_group(&group, group.len() == 1));
        if committed.is_ok() && (leaves_work || has_vectors && self.inner.has_work()?) {
            Self::fill_on(&self.inner);
        }
        committed
    }
}

impl Inner {
    /// Checks a group one by one, writes what passed as one, then publishes it; `may_end` as for [`apply`].
    fn commit_group(&self, group: &[Changes], may_end: bool) -> Vec<Result<u64, GraphError>> {
        let mut history = self.history.lock();
        if self.is_loading.load(Ordering::Acquire) {
            return group.iter().map(|_| Err(GraphError::Loading)).collect();
        }
        let mut version = self.version.load(Ordering::Acquire);
        let (mut passed, mut written, mut results) = (Vec::new(), Vec::new(), Vec::new());
        let mut tally = self.quotas.begin();
        for changes in group {
            let admitted = if history.admits(changes.snapshot, &changes.reads, &written) {
                self.quotas.admit(&mut tally, changes)
            } else {
                Err(GraphError::Conflict)
            };
            results.push(admitted.map(|()| {
                version += 1;
                written.push((version, Arc::clone(&changes.written)));
                passed.push(changes);
                version
            }));
        }
        if passed.is_empty() {
            return results;
        }
        failpoint::reach("graph.commit.checked");
        let changes_schema = passed.iter().any(|changes| !changes.schema.is_empty());
        passed.iter().for_each(|changes| self.topologies.mark(&changes.joined));
        self.warm_nodes.mark(passed.iter().flat_map(|changes| changes.node_pages.iter().copied()), version);
        self.warm_relationships
            .mark(passed.iter().flat_map(|changes| changes.relationship_pages.iter().copied()), version);
        let written_now = if changes_schema { self.announce(&passed, version) } else { Ok(()) };
        if let Err(error) = written_now.and_then(|()| self.write(&passed, version, may_end)) {
            self.schemas.forget();
            match error {
                GraphError::Stopped => return vec![Err(error)],
                GraphError::QuotaReached { .. } if group.len() == 1 => return vec![Err(error)],
                // Somebody had no room; who was committed together with it is not to suffer from that.
                GraphError::QuotaReached { .. } => {
                    drop(history);
                    return group.chunks(1).flat_map(|one| self.commit_group(one, false)).collect();
                }
                _ => {}
            }
            let (code, reason) = (error.code(), error.to_string());
            let fail = |_| Err(GraphError::CommitFailed { code, reason: reason.clone() });
            return results.into_iter().map(|result| result.and_then(fail)).collect();
        }
        failpoint::reach("graph.commit.durable");
        self.groups.fetch_add(1, Ordering::Relaxed);
        history.keep(written);
        self.quotas.keep(&tally);
        self.version.store(version, Ordering::Release);
        if changes_schema {
            self.schemas.publish(version);
        }
        results
    }

    /// Tells what indexes there are once the group is written, before anyone can see it.
    fn announce(&self, group: &[&Changes], version: u64) -> Result<(), GraphError> {
        let snapshot = self.store.snapshot()?;
        let schema = self.schemas.of(version - 1, View::new(&*snapshot))?;
        let (mut indexes, mut constraints) = (schema.indexes.to_vec(), schema.constraints.to_vec());
        group.iter().for_each(|changes| change_schema(&mut indexes, &mut constraints, &changes.schema));
        self.schemas.announce(Schema { since: version, indexes: indexes.into(), constraints: constraints.into() });
        Ok(())
    }

    fn write(&self, group: &[&Changes], version: u64, may_end: bool) -> Result<(), GraphError> {
        let facts = Facts {
            version,
            // Read after the group came in: every id that it uses is below.
            node_next: self.node_next.load(Ordering::Acquire),
            relationship_next: self.relationship_next.load(Ordering::Acquire),
            tokens: self.tokens.to_store(group.iter().flat_map(|changes| &changes.names)),
            room: self.quotas.room(),
        };
        write_to(&*self.store, |writer| apply(writer, group, &facts, may_end))?;
        self.tokens.mark_stored(&facts.tokens);
        Ok(())
    }
}

/// Writes to a store with a job that fails as graphs do, and that may run again from the start.
pub(crate) fn write_to<T>(
    store: &dyn Store,
    mut job: impl FnMut(&mut dyn Writer) -> Result<T, GraphError>,
) -> Result<T, GraphError> {
    let (mut failed, mut made) = (None, None);
    let outcome = store.write(&mut |writer| {
        failed = None;
        job(writer).map(|it| made = Some(it)).map_err(|error| match error {
            // The store looks at its own errors: a full map grows.
            GraphError::Store(error) => error,
            other => {
                failed = Some(other);
                StoreError::Aborted
            }
        })
    });
    if let Some(error) = failed {
        return Err(error);
    }
    outcome?;
    Ok(made.expect("a write that succeeded ran its job"))
}

/// Refuses a graph with entities whose numbers were never given: bits of a key fell over. Among those that were given such a
/// key is out of order, or double, which the store sees.
fn check_numbers(view: View<'_>) -> Result<(), GraphError> {
    let (node, relationship) =
        (NodeId(view.number(Meta::NodeNext)?), RelationshipId(view.number(Meta::RelationshipNext)?));
    let beyond = [
        (keys::node(node).to_vec(), 1),
        (keys::relationship(relationship).to_vec(), 1),
        (keys::adjacency_of_node(node, Side::Outgoing).to_vec(), 1),
        (keys::long_of_entity(Entity::Node(node)).to_vec(), 2),
        (keys::long_of_entity(Entity::Relationship(relationship)).to_vec(), 2),
    ];
    for (start, prefix_bytes) in beyond {
        let mut is_there = false;
        view.scan(&start, &after_prefix(&start[..prefix_bytes]), |_, _| {
            is_there = true;
            Ok(false)
        })?;
        if is_there {
            return Err(GraphError::damaged("it has an entity whose number was never given"));
        }
    }
    Ok(())
}

fn check_identity(reader: &dyn Reader, id: Option<DatabaseId>) -> Result<(), GraphError> {
    let format = reader.get(&keys::meta(Meta::Format))?.map_or(Ok(FORMAT), |sealed| decode_format(&sealed))?;
    if format > FORMAT {
        return Err(GraphError::FormatUnknown { found: format, known: FORMAT });
    }
    let found = reader.get(&keys::meta(Meta::Database))?.map(|sealed| decode_database(&sealed)).transpose()?;
    match (id, found) {
        (Some(id), Some(found)) if id != found => Err(GraphError::damaged("it is another database's graph")),
        _ => Ok(()),
    }
}
