//! How large a graph may become, asked before each write and again when it commits.
//! Leaves where the bounds come from to the caller, and rates and times to others.
//! Start reading at [`Quota`].

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use store::Writer;

use crate::bulk::Loaded;
use crate::database::Database;
use crate::error::GraphError;
use crate::keys::Counted;
use crate::read::View;
use crate::transaction::Changes;

/// What a database may hold; `None` is without bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Nodes.
    pub nodes_max: Option<u64>,
    /// Relationships.
    pub relationships_max: Option<u64>,
    /// Bytes that hold live data, indexes included.
    pub bytes_max: Option<u64>,
}

/// The bounds of an open database, and what they are compared with.
///
/// Every number is read and written on its own. The counts change only under the lock of the commits, which makes the
/// check there exact; the one before each write may lag behind a commit, and is only there to fail early.
#[derive(Debug)]
pub(crate) struct Quotas {
    nodes_max: AtomicU64,
    relationships_max: AtomicU64,
    bytes_max: AtomicU64,
    nodes: AtomicI64,
    relationships: AtomicI64,
}

impl Quotas {
    /// Begins without bounds.
    pub fn new(view: View<'_>) -> Result<Self, GraphError> {
        Ok(Self {
            nodes_max: AtomicU64::new(u64::MAX),
            relationships_max: AtomicU64::new(u64::MAX),
            bytes_max: AtomicU64::new(u64::MAX),
            nodes: AtomicI64::new(view.count(Counted::Nodes)?),
            relationships: AtomicI64::new(view.count(Counted::Relationships)?),
        })
    }

    /// Refuses one node more, if the transaction made `own` more than it deleted.
    pub fn check_node(&self, own: i64) -> Result<(), GraphError> {
        let count = self.nodes.load(Ordering::Acquire);
        check("max_nodes", &self.nodes_max, count, own + 1)
    }

    /// As [`Quotas::check_node`], one relationship.
    pub fn check_relationship(&self, own: i64) -> Result<(), GraphError> {
        let count = self.relationships.load(Ordering::Acquire);
        check("max_edges", &self.relationships_max, count, own + 1)
    }

    /// Begins to check a group of commits; one group at a time.
    pub fn begin(&self) -> Tally {
        Tally { nodes: self.nodes.load(Ordering::Acquire), relationships: self.relationships.load(Ordering::Acquire) }
    }

    /// Takes over what a group came to, once it is durable.
    pub fn keep(&self, tally: &Tally) {
        self.nodes.store(tally.nodes, Ordering::Release);
        self.relationships.store(tally.relationships, Ordering::Release);
    }

    /// Refuses a load that came to more than the database may hold; nothing of it is seen yet.
    pub fn check_load(
        &self,
        loaded: Loaded,
        used_bytes: impl FnOnce() -> Result<u64, GraphError>,
    ) -> Result<(), GraphError> {
        check("max_nodes", &self.nodes_max, 0, loaded.nodes.cast_signed())?;
        check("max_edges", &self.relationships_max, 0, loaded.relationships.cast_signed())?;
        let bytes_max = self.bytes_max.load(Ordering::Acquire);
        let used = if bytes_max < u64::MAX { used_bytes()? } else { 0 };
        if used > bytes_max {
            return Err(GraphError::QuotaReached { limit: "max_storage_bytes", max: bytes_max, used: 0, wanted: used });
        }
        Ok(())
    }

    /// Gives the bound of bytes that what is written is held against.
    pub fn room(&self) -> Room {
        Room { bytes_max: self.bytes_max.load(Ordering::Acquire) }
    }

    /// Takes over what a load came to.
    pub fn set_counts(&self, loaded: Loaded) {
        self.nodes.store(loaded.nodes.cast_signed(), Ordering::Release);
        self.relationships.store(loaded.relationships.cast_signed(), Ordering::Release);
    }

    /// Adds a commit to a group, or refuses it; what only makes the graph smaller always passes.
    ///
    /// How many bytes it takes is known once it is written: see [`Room`].
    pub fn admit(&self, tally: &mut Tally, changes: &Changes) -> Result<(), GraphError> {
        let (nodes, relationships) = (changes.by(Counted::Nodes), changes.by(Counted::Relationships));
        check("max_nodes", &self.nodes_max, tally.nodes, nodes)?;
        check("max_edges", &self.relationships_max, tally.relationships, relationships)?;
        tally.nodes += nodes;
        tally.relationships += relationships;
        Ok(())
    }
}

/// How far commits and new indexes may fill the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    bytes_max: u64,
}

impl Room {
    /// Looks at a store before it is written to; free where there is no bound.
    pub fn before(self, writer: &dyn Writer) -> Result<Filling, GraphError> {
        let used = if self.bytes_max < u64::MAX { writer.used_bytes()? } else { 0 };
        Ok(Filling { bytes_max: self.bytes_max, used })
    }

    /// Tells how many bytes more may be used where so many are.
    pub fn left(self, used: u64) -> u64 {
        self.bytes_max.saturating_sub(used)
    }
}

/// A store that is being written to, and what it held before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filling {
    bytes_max: u64,
    used: u64,
}

impl Filling {
    /// Refuses to go on once more is used than may be.
    pub fn check(self, writer: &dyn Writer) -> Result<(), GraphError> {
        self.check_within(self.bytes_max, writer)
    }

    /// As [`Filling::check`], for what removes more than it makes: it passes too where no more is used than before.
    pub fn check_smaller(self, writer: &dyn Writer) -> Result<(), GraphError> {
        self.check_within(self.bytes_max.max(self.used), writer)
    }

    fn check_within(self, most: u64, writer: &dyn Writer) -> Result<(), GraphError> {
        let Self { bytes_max: max, used } = self;
        let now = if max < u64::MAX { writer.used_bytes()? } else { 0 };
        if now <= most {
            return Ok(());
        }
        Err(GraphError::QuotaReached { limit: "max_storage_bytes", max, used, wanted: now.saturating_sub(used).max(1) })
    }
}

/// What a graph holds with the commits of a group that passed so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    nodes: i64,
    relationships: i64,
}

impl Database {
    /// Bounds the database from now on; what it holds beyond that stays, and only grows no more.
    pub fn set_quota(&self, quota: Quota) {
        let quotas = self.quotas();
        let before = self.quota().bytes_max;
        for (max, bound) in [
            (quota.nodes_max, &quotas.nodes_max),
            (quota.relationships_max, &quotas.relationships_max),
            (quota.bytes_max, &quotas.bytes_max),
        ] {
            bound.store(max.unwrap_or(u64::MAX), Ordering::Release);
        }
        if before != quota.bytes_max {
            self.go_on();
        }
    }

    /// Refuses a graph that holds more than it may, as if all of it were added now.
    ///
    /// # Errors
    ///
    /// [`GraphError::QuotaReached`].
    pub fn check_held(&self) -> Result<(), GraphError> {
        let Tally { nodes, relationships } = self.quotas().begin();
        let held = |count: i64| u64::try_from(count).unwrap_or_default();
        let held = Loaded { nodes: held(nodes), relationships: held(relationships) };
        self.quotas().check_load(held, || Ok(self.store().usage()?.used_bytes))
    }

    /// Gives the bounds of the database.
    #[must_use]
    pub fn quota(&self) -> Quota {
        let quotas = self.quotas();
        let max = |bound: &AtomicU64| Some(bound.load(Ordering::Acquire)).filter(|max| *max < u64::MAX);
        Quota {
            nodes_max: max(&quotas.nodes_max),
            relationships_max: max(&quotas.relationships_max),
            bytes_max: max(&quotas.bytes_max),
        }
    }
}

/// Refuses `by` more where `count` are committed; what a transaction made so far is wanted, and not used yet.
fn check(limit: &'static str, max: &AtomicU64, count: i64, by: i64) -> Result<(), GraphError> {
    let max = max.load(Ordering::Acquire);
    let is_more = u64::try_from(count.saturating_add(by)).is_ok_and(|sum| sum > max);
    if by <= 0 || !is_more {
        return Ok(());
    }
    let (used, wanted) = (u64::try_from(count).unwrap_or_default(), by.unsigned_abs());
    Err(GraphError::QuotaReached { limit, max, used, wanted })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use store::memory::MemoryEngine;
    use store::{Engine, OpenOptions};
    use types::{Code, KeyId, NodeId, TypeId, Value};

    use super::*;
    use crate::codec::fact::{ConstraintKind, IndexKind, IndexOn};
    use crate::database::DatabaseOptions;
    use crate::transaction::{NewConstraint, NewIndex, Older, Transaction};

    fn database(quota: Quota) -> Database {
        let options = OpenOptions { create: true, ..OpenOptions::default() };
        let store = MemoryEngine::default().open(Path::new("graph"), &options).expect("a store");
        let database = Database::open(store, DatabaseOptions::default()).expect("a database");
        database.set_quota(quota);
        assert_eq!(database.quota(), quota);
        database
    }

    fn add(transaction: &mut Transaction, count: usize) -> Result<NodeId, GraphError> {
        let mut last = NodeId(0);
        for _ in 0..count {
            last = transaction.create_node(&[], &[(KeyId(0), Value::string("x".repeat(100)))])?;
        }
        Ok(last)
    }

    fn is_reached<T: std::fmt::Debug>(outcome: Result<T, GraphError>, words: &str) {
        let error = outcome.expect_err("too much");
        let GraphError::QuotaReached { used, wanted, .. } = error else { panic!("{error}") };
        let words = words.replace("USED", &used.to_string()).replace("WANTED", &wanted.to_string());
        assert_eq!((error.code(), error.to_string()), (Code::LimitReached, words));
    }

    #[test]
    fn f48_nodes_are_bounded_exactly() {
        let database = database(Quota { nodes_max: Some(10), ..Quota::default() });
        let mut transaction = database.begin().expect("a transaction");
        let last = add(&mut transaction, 10).expect("just enough");
        is_reached(
            add(&mut transaction, 1),
            "the limit max_nodes of the database, 10, is reached: 0 are used, and 11 more were wanted",
        );
        transaction.delete_node(last).expect("it is there");
        add(&mut transaction, 1).expect("one went");
        // Two at a time: each fits alone, so only the commit can tell.
        let mut other = database.begin().expect("a transaction");
        add(&mut other, 1).expect("room so far");
        transaction.commit().expect("ten");
        is_reached(
            other.commit(),
            "the limit max_nodes of the database, 10, is reached: 10 are used, and 1 more were wanted",
        );
        let mut less = database.begin().expect("a transaction");
        less.delete_node(NodeId(0)).expect("it is there");
        less.commit().expect("less is always fine");
        add(&mut database.begin().expect("a transaction"), 1).expect("room again");
        database.set_quota(Quota { nodes_max: Some(3), ..Quota::default() });
        let mut less = database.begin().expect("a transaction");
        less.delete_node(NodeId(1)).expect("it is there");
        less.commit().expect("less is fine above the limit too");
    }

    #[test]
    fn f48_a_load_that_is_too_large_is_refused_before_anybody_sees_it() {
        let database = database(Quota { nodes_max: Some(2), ..Quota::default() });
        let mut loader = crate::bulk::Loader::new(&database).expect("an empty database");
        for _ in 0..3 {
            loader.node(&[], &[]).expect("counted in the end");
        }
        is_reached(
            loader.finish(),
            "the limit max_nodes of the database, 2, is reached: 0 are used, and 3 more were wanted",
        );
        assert!(database.begin().is_err(), "what was half loaded is for nobody");
    }

    #[test]
    fn f49_relationships_are_bounded_exactly() {
        let database = database(Quota { relationships_max: Some(2), ..Quota::default() });
        let mut transaction = database.begin().expect("a transaction");
        let node = add(&mut transaction, 1).expect("nodes are not bounded");
        for _ in 0..2 {
            transaction.create_relationship(node, TypeId(0), node, &[]).expect("just enough");
        }
        let more = transaction.create_relationship(node, TypeId(0), node, &[]);
        is_reached(more, "the limit max_edges of the database, 2, is reached: 0 are used, and 3 more were wanted");
        transaction.commit().expect("two");
    }

    /// Makes 300 nodes that an index of their one property takes room for, with next to none left.
    fn full(fill_at_once_max: u64) -> Database {
        let options = OpenOptions { create: true, ..OpenOptions::default() };
        let store = MemoryEngine::default().open(Path::new("graph"), &options).expect("a store");
        let options = DatabaseOptions { fill_at_once_max, ..DatabaseOptions::default() };
        let database = Database::open(store, options).expect("a database");
        for kind in [crate::keys::TokenKind::Label, crate::keys::TokenKind::Key] {
            database.tokens().make(kind, "one").expect("a short name");
        }
        let mut transaction = database.begin().expect("a transaction");
        for at in 0..300 {
            let value = Value::string(format!("{at:-^100}"));
            transaction.create_node(&[types::LabelId(0)], &[(KeyId(0), value)]).expect("no bound");
        }
        transaction.commit().expect("no bound");
        bound(&database);
        database
    }

    fn used_bytes(database: &Database) -> u64 {
        database.store().usage().expect("a size").used_bytes
    }

    fn bound(database: &Database) {
        database.set_quota(Quota { bytes_max: Some(used_bytes(database) + 1_000), ..Quota::default() });
    }

    fn index(database: &Database, kind: IndexKind) -> Result<u64, GraphError> {
        let mut transaction = database.begin().expect("a transaction");
        let on = IndexOn::label(types::LabelId(0));
        transaction.create_index(NewIndex::new("one", on, vec![KeyId(0)], kind)).expect("a new one");
        transaction.commit()
    }

    fn unique(database: &Database, older: Older) -> Result<(), GraphError> {
        let mut transaction = database.begin().expect("a transaction");
        let (on, keys) = (IndexOn::label(types::LabelId(0)), vec![KeyId(0)]);
        let new = NewConstraint { name: "one".into(), on, keys, kind: ConstraintKind::Unique };
        let id = transaction.create_constraint(new, older)?;
        transaction.commit()?;
        while !database.wait_filled(std::time::Duration::from_secs(1)) {}
        database.take_refusal(id).map_or(Ok(()), Err)
    }

    const FULL: &str =
        "the limit max_storage_bytes of the database, MAX, is reached: USED are used, and WANTED more were wanted";

    fn full_text(database: &Database) -> String {
        FULL.replace("MAX", &database.quota().bytes_max.unwrap_or_default().to_string())
    }

    fn is_as_before(database: &Database, before: u64) {
        let transaction = database.begin().expect("a transaction");
        let names: Vec<_> = transaction.indexes().into_iter().map(|index| index.name).collect();
        assert!(!names.iter().any(|name| name == "one") && transaction.constraints().is_empty(), "{names:?}");
        let used = used_bytes(database);
        assert!(used.abs_diff(before) < 200, "{used} where {before} were used");
    }

    #[test]
    fn f50_an_index_that_is_filled_at_once_has_the_room_that_is_left() {
        let database = full(u64::MAX);
        let before = used_bytes(&database);
        for kind in [IndexKind::Range, IndexKind::Text, IndexKind::FullText] {
            is_reached(index(&database, kind), &full_text(&database));
            is_as_before(&database, before);
        }
        is_reached(unique(&database, Older::Now), &full_text(&database));
        is_as_before(&database, before);
        database.set_quota(Quota::default());
        unique(&database, Older::Now).expect("room");
        assert_eq!(database.check().expect("a look at it").problems, [""; 0]);
    }

    #[test]
    fn f50_an_index_that_is_filled_later_is_given_up_where_the_room_ends() {
        let database = full(10);
        let before = used_bytes(&database);
        is_reached(unique(&database, Older::Later), &full_text(&database));
        is_as_before(&database, before);
        index(&database, IndexKind::Range).expect("it is filled later");
        while !database.wait_filled(std::time::Duration::from_secs(1)) {}
        let mut transaction = database.begin().expect("a transaction");
        let failed = transaction.indexes().into_iter().find(|index| index.name == "one").expect("it says why");
        assert!(failed.is_failed() && failed.settings().next().is_none());
        let why = failed.failure().expect("a reason").to_owned();
        assert!(why.starts_with("the limit max_storage_bytes of the database, "), "{why}");
        assert!(used_bytes(&database).abs_diff(before) < 500, "its entries went");
        // Nobody adds entries to it from now on.
        transaction.create_node(&[types::LabelId(0)], &[(KeyId(0), 1.into())]).expect("room");
        transaction.commit().expect("room");
        let transaction = database.begin().expect("a transaction");
        assert_eq!(transaction.index_size(failed.id).expect("a size").entries, 0);
        drop(transaction);
        let report = database.check().expect("a look at it");
        assert_eq!((report.problems.len(), report.index_entries), (0, 0));
        database.set_quota(Quota::default());
        let mut transaction = database.begin().expect("a transaction");
        transaction.drop_index("one").expect("it is there");
        transaction.commit().expect("alone");
        index(&database, IndexKind::Range).expect("room");
        while !database.wait_filled(std::time::Duration::from_secs(1)) {}
        let transaction = database.begin().expect("a transaction");
        assert!(transaction.indexes().iter().all(crate::codec::fact::IndexDefinition::is_online));
    }

    #[test]
    fn f50_the_graph_of_a_vector_index_grows_where_there_is_room() {
        const TIME: std::time::Duration = std::time::Duration::from_secs(1);
        let database = database(Quota::default());
        database.tokens().make(crate::keys::TokenKind::Label, "Page").expect("a short name");
        database.tokens().make(crate::keys::TokenKind::Key, "place").expect("a short name");
        let add = |count: u32| {
            let mut transaction = database.begin().expect("a transaction");
            for at in 0..count {
                let place = Value::list(vec![Value::Float(f64::from(at).cos()), Value::Float(f64::from(at).sin())]);
                transaction.create_node(&[types::LabelId(0)], &[(KeyId(0), place)]).expect("no bound");
            }
            transaction.commit().expect("room");
        };
        let mut transaction = database.begin().expect("a transaction");
        let on = IndexOn::label(types::LabelId(0));
        transaction.create_index(NewIndex::new("near", on, vec![KeyId(0)], IndexKind::Vector)).expect("a new one");
        transaction.commit().expect("room");
        // Not yet as many as a graph is made of.
        add(4_000);
        let max = used_bytes(&database) + 40_000;
        database.set_quota(Quota { bytes_max: Some(max), ..Quota::default() });
        add(200);
        while !database.wait_idle(TIME) {}
        let without = used_bytes(&database);
        assert!(without <= max, "{without} of {max}");
        database.set_quota(Quota::default());
        while !database.wait_idle(TIME) {}
        assert!(used_bytes(&database) > max, "{} of {max}, {without} before", used_bytes(&database));
        assert_eq!(database.check().expect("a look at it").problems, [""; 0]);
    }

    /// Whatever pages a store is made of: what a commit wants is what it takes there.
    #[test]
    fn f50_no_commit_goes_beyond_the_bytes_that_there_may_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = OpenOptions { create: true, ..OpenOptions::default() };
        let store = store::lmdb::LmdbEngine.open(&folder.path().join("graph"), &options).expect("a store");
        let database = Database::open(store, DatabaseOptions::default()).expect("a database");
        let kept = std::cell::Cell::new(0);
        let fill = |first: u32, last: u32, bytes: usize| {
            let mut transaction = database.begin().expect("a transaction");
            for id in first..last {
                let text = format!("{id}{}", "x".repeat(bytes));
                let properties = [(KeyId(0), Value::from(i64::from(id))), (KeyId(1), Value::string(text))];
                transaction.create_node(&[types::LabelId(0)], &properties).expect("no bound");
            }
            let committed = transaction.commit();
            kept.set(kept.get() + if committed.is_ok() { u64::from(last - first) } else { 0 });
            committed
        };
        let mut refused = 0;
        for (older, newer, bytes) in [(4_000, 40_000, 30), (0, 20_000, 200), (500, 3_000, 1_500)] {
            database.set_quota(Quota::default());
            fill(0, older, bytes).expect("no bound");
            let before = used_bytes(&database);
            for by in [100_000, 1_000_000, 3_000_000] {
                let max = used_bytes(&database) + by;
                database.set_quota(Quota { bytes_max: Some(max), ..Quota::default() });
                for last in [newer / 40, newer / 4, newer] {
                    refused += usize::from(fill(0, last, bytes).is_err());
                    assert!(used_bytes(&database) <= max, "{} of {max}, {before} before", used_bytes(&database));
                }
            }
        }
        assert!(refused > 9, "{refused}");
        assert_eq!(database.check().expect("a look at it").nodes, kept.get());
    }

    #[test]
    fn f50_bytes_are_bounded_at_commit() {
        let database = database(Quota { bytes_max: Some(5_000), ..Quota::default() });
        let mut transaction = database.begin().expect("a transaction");
        add(&mut transaction, 100).expect("bytes are counted at the commit");
        is_reached(
            transaction.commit(),
            "the limit max_storage_bytes of the database, 5000, is reached: USED are used, and WANTED more were wanted",
        );
        let mut transaction = database.begin().expect("a transaction");
        let last = add(&mut transaction, 20).expect("no bound");
        transaction.commit().expect("room");
        database.set_quota(Quota { bytes_max: Some(1), ..Quota::default() });
        let mut transaction = database.begin().expect("a transaction");
        transaction.delete_node(last).expect("it is there");
        transaction.commit().expect("less is always fine");
        let mut transaction = database.begin().expect("a transaction");
        let other = crate::keys::Entity::Node(NodeId(last.0 - 1));
        let set = transaction.set_property(other, KeyId(1), 5.into());
        set.expect("it is there");
        is_reached(
            transaction.commit(),
            "the limit max_storage_bytes of the database, 1, is reached: USED are used, and WANTED more were wanted",
        );
    }
}
