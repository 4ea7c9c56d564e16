//! Answers with a topology are those without one, while others change the graph.

use std::path::Path;

use store::memory::MemoryEngine;
use store::{Engine, OpenOptions};
use types::{Direction, LabelId, NodeId, RelationshipId, TypeId};

use crate::database::{Database, DatabaseOptions};
use crate::error::GraphError;
use crate::transaction::{Step, Transaction};

const NODES: u64 = 200;
/// A bound that is never met: other tests of this process count against it too.
const LARGE: u64 = 1 << 40;

fn open(topology_max_bytes: u64) -> Database {
    let options = OpenOptions { create: true, ..OpenOptions::default() };
    let store = MemoryEngine::default().open(Path::new("graph"), &options).expect("a store");
    let options = DatabaseOptions { topology_max_bytes, topology_reads_min: 1, ..DatabaseOptions::default() };
    Database::open(store, options).expect("a database")
}

fn filled(topology_max_bytes: u64) -> Database {
    let database = open(topology_max_bytes);
    let mut transaction = database.begin().expect("a transaction");
    for _ in 0..NODES {
        transaction.create_node(&[LabelId(0)], &[]).expect("a node");
    }
    for id in 0..NODES * 4 {
        let (start, end) = (NodeId(id % NODES), NodeId(id * id % NODES));
        transaction.create_relationship(start, TypeId((id % 3) as u32), end, &[]).expect("both are there");
    }
    transaction.commit().expect("alone");
    database
}

fn steps(transaction: &Transaction, direction: Direction, types: Option<&[TypeId]>) -> Vec<Step> {
    let nodes: Vec<NodeId> = (0..NODES + 50).map(NodeId).collect();
    let mut out = Vec::new();
    transaction.expand(&nodes, direction, types, &mut out).expect("sound");
    let mut degrees = Vec::new();
    transaction.degrees(&nodes, direction, types, &mut degrees).expect("sound");
    for (at, degree) in degrees.iter().enumerate() {
        assert_eq!(*degree, out.iter().filter(|step| step.input == at).count() as u64);
    }
    for shift in [0, 1, 7] {
        let ends: Vec<NodeId> = nodes.iter().map(|node| NodeId((node.0 * node.0 + shift) % NODES)).collect();
        let mut into = Vec::new();
        transaction.expand_into(&nodes, &ends, direction, types, |step| into.push(step)).expect("sound");
        let mut wanted: Vec<Step> = out.iter().copied().filter(|step| ends[step.input] == step.neighbour).collect();
        into.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(into, wanted);
    }
    out
}

fn all_steps(transaction: &Transaction) -> Vec<Vec<Step>> {
    let some = [TypeId(2), TypeId(0), TypeId(2)];
    let mut all = Vec::new();
    for direction in [Direction::Outgoing, Direction::Incoming, Direction::Both] {
        for types in [None, Some(&some[..]), Some(&[])] {
            all.push(steps(transaction, direction, types));
        }
    }
    all
}

/// Reads until there is a topology, and gives it.
fn with_topology(database: &Database) -> u64 {
    for _ in 0..100 {
        let transaction = database.begin_read().expect("a snapshot");
        if let Some(topology) = database.topology(transaction.version()) {
            return topology.version;
        }
        steps(&transaction, Direction::Both, None);
    }
    panic!("no topology after many reads");
}

#[test]
fn answers_are_the_same_in_the_same_order() {
    let (with, without) = (filled(LARGE), filled(0));
    let old = with.begin_read().expect("a snapshot");
    let before = all_steps(&old);
    with_topology(&with);
    assert!(without.topology(u64::MAX).is_none());
    assert!(before == all_steps(&without.begin_read().expect("a snapshot")));
    assert!(before == all_steps(&with.begin_read().expect("a snapshot")));
    for round in 0..30_u64 {
        for database in [&with, &without] {
            let mut transaction = database.begin().expect("a transaction");
            let node = transaction.create_node(&[], &[]).expect("a node");
            for other in [node, NodeId(round * 7 % NODES), NodeId(round)] {
                transaction.create_relationship(node, TypeId(1), other, &[]).expect("both are there");
            }
            transaction.delete_relationship(RelationshipId(round * 11)).expect("it is there");
            if round % 3 == 0 {
                assert!(!all_steps(&transaction).is_empty());
            }
            transaction.commit().expect("alone");
        }
        let (one, other) = (with.begin_read().expect("a snapshot"), without.begin_read().expect("a snapshot"));
        assert!(all_steps(&one) == all_steps(&other), "round {round}");
    }
    assert!(with_topology(&with) > old.version());
    assert!(before == all_steps(&old), "an old snapshot stays as it was");
}

#[test]
fn every_change_is_noted_while_one_is_made() {
    let database = filled(LARGE);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3_u64)
            .map(|writer| {
                let database = &database;
                scope.spawn(move || {
                    for round in 0..60 {
                        // One goes and one comes: the sum of all degrees stays.
                        let moved = || -> Result<(), GraphError> {
                            let mut transaction = database.begin()?;
                            let (start, end) = (NodeId((round * 13 + writer) % NODES), NodeId(round * 29 % NODES));
                            let mut steps = Vec::new();
                            transaction.expand(&[start], Direction::Outgoing, None, &mut steps)?;
                            let Some(step) = steps.first() else { return Ok(()) };
                            transaction.delete_relationship(step.relationship)?;
                            transaction.create_relationship(start, step.kind, end, &[])?;
                            transaction.commit().map(drop)
                        };
                        while let Err(error) = moved() {
                            assert!(matches!(error, GraphError::Conflict), "{error}");
                        }
                    }
                })
            })
            .collect();
        let mut made = std::collections::BTreeSet::new();
        while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            let transaction = database.begin_read().expect("a snapshot");
            made.extend(database.topology(transaction.version()).map(|topology| topology.version));
            for direction in [Direction::Outgoing, Direction::Incoming] {
                assert_eq!(steps(&transaction, direction, None).len() as u64, NODES * 4);
            }
        }
        made.insert(with_topology(&database));
        assert!(!made.is_empty());
    });
}

#[test]
fn the_bound_holds() {
    let database = filled(10_000);
    for _ in 0..5 {
        steps(&database.begin_read().expect("a snapshot"), Direction::Both, None);
    }
    assert!(database.topology(u64::MAX).is_none());
}
