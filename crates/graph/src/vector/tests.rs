//! Vector indexes over a store in memory: how good the graph is, and that changes leave nothing behind.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use store::memory::MemoryEngine;
use store::{Engine, OpenOptions, Store};
use types::{IndexId, KeyId, LabelId, Value};

use super::{Builder, Settings, apply, check, is_due, needs_rebuild, options, rebuild, search};
use crate::codec::fact::{IndexDefinition, IndexKind, IndexOn, IndexState};
use crate::database::write_to;
use crate::engines::{self, Check, Document, Fields};
use crate::meter::Unmetered;
use crate::read::View;

/// An index by itself, and the vectors that it ought to have.
struct Index {
    store: Arc<dyn Store>,
    definition: IndexDefinition,
    settings: Settings,
    vectors: BTreeMap<u64, Vec<f64>>,
}

impl Index {
    fn new(dimensions: i64, similarity: &str) -> Self {
        let opening = OpenOptions { create: true, ..OpenOptions::default() };
        let store = MemoryEngine::default().open(Path::new("index"), &opening).expect("a store");
        let definition = IndexDefinition {
            id: IndexId(5),
            name: "near".into(),
            on: IndexOn::label(LabelId(0)),
            keys: vec![KeyId(9)],
            kind: IndexKind::Vector,
            state: IndexState::Online,
            constraint: None,
            options: vec![
                (options::DIMENSIONS.into(), Value::Integer(dimensions)),
                (options::SIMILARITY.into(), similarity.into()),
            ],
        };
        // Deletions of tests stand for themselves: an index that is dropped is another matter.
        let known = crate::keys::index(definition.id);
        store.write(&mut |writer| writer.put(&known, &[0])).expect("a write");
        let settings = Settings::of(&definition);
        Self { store, definition, settings, vectors: BTreeMap::new() }
    }

    fn documents(&self, changes: &[(u64, Option<Vec<f64>>)]) -> Vec<Document> {
        changes
            .iter()
            .map(|(id, now)| Document {
                id: *id,
                before: self.vectors.get(id).map(|vector| fields(vector)),
                now: now.as_ref().map(|vector| fields(vector)),
            })
            .collect()
    }

    fn commit(&mut self, changes: Vec<(u64, Option<Vec<f64>>)>) {
        let documents = self.documents(&changes);
        write_to(&*self.store, |writer| engines::change(writer, &self.definition, &documents)).expect("a write");
        for (id, now) in changes {
            match now {
                Some(now) => self.vectors.insert(id, now),
                None => self.vectors.remove(&id),
            };
        }
    }

    /// Brings the graph up to date.
    fn fold(&self) {
        let mut builder = Builder::new(&self.definition, 64 << 20);
        loop {
            let snapshot = self.store.snapshot().expect("a snapshot");
            let fold = builder.fold(View::new(&*snapshot), &self.definition, 2_000, &mut || true).expect("a fold");
            let Some(fold) = fold else { break };
            write_to(&*self.store, |writer| apply(writer, &self.definition, &fold)).expect("a write");
        }
    }

    fn ask(&self, wanted: &[f64], count: usize, own: &[Document]) -> Vec<(u64, f32)> {
        let snapshot = self.store.snapshot().expect("a snapshot");
        let wanted = self.settings.similarity.prepared(wanted).expect("a vector");
        search(View::new(&*snapshot), &self.definition, own, &wanted, count, &mut Unmetered).expect("an answer")
    }

    fn exact(&self, wanted: &[f64], count: usize) -> Vec<u64> {
        let prepared = |vector: &[f64]| self.settings.similarity.prepared(vector).expect("a vector");
        let wanted = prepared(wanted);
        let distance = |vector: &Vec<f64>| self.settings.similarity.distance(&wanted, &prepared(vector));
        let mut all: Vec<(f32, u64)> = self.vectors.iter().map(|(id, vector)| (distance(vector), *id)).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        all.into_iter().take(count).map(|(_, id)| id).collect()
    }

    /// Tells which part of the right answers is found.
    fn recall(&self, queries: u64, count: usize) -> f64 {
        let dimensions = self.settings.dimensions.expect("it was set");
        let (mut found, mut all) = (0, 0);
        for query in 0..queries {
            let wanted = random(u64::MAX - query, dimensions);
            let right = self.exact(&wanted, count);
            let answer = self.ask(&wanted, count, &[]);
            found += answer.iter().filter(|(id, _)| right.contains(id)).count();
            all += right.len();
        }
        found as f64 / all as f64
    }

    #[track_caller]
    fn is_sound(&self) {
        let snapshot = self.store.snapshot().expect("a snapshot");
        let mut report = Check::default();
        let mut entities = |take: &mut dyn FnMut(u64, Fields)| {
            self.vectors.iter().for_each(|(id, vector)| take(*id, fields(vector)));
            Ok(())
        };
        check(View::new(&*snapshot), &self.definition, &mut entities, &mut report).expect("a check");
        assert_eq!(report.problems, Vec::<String>::new());
    }
}

fn fields(vector: &[f64]) -> Fields {
    vec![(KeyId(9), Value::list(vector.iter().map(|number| Value::Float(*number)).collect()))]
}

/// Makes a vector of numbers that are spread like those of a bell curve, always the same for a seed.
fn random(seed: u64, dimensions: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    for _ in 0..8 {
        uniform();
    }
    (0..dimensions).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
}

fn some(ids: std::ops::Range<u64>, dimensions: usize) -> Vec<(u64, Option<Vec<f64>>)> {
    ids.map(|id| (id, Some(random(id, dimensions)))).collect()
}

#[test]
fn where_the_graph_does_not_lead_all_are_compared() {
    let mut index = Index::new(256, "COSINE");
    index.commit((0..4_500).map(|id| (id, Some(random(id, 256)))).collect());
    index.fold();
    assert_eq!(index.recall(10, 10), 1.0);
}

#[test]
fn few_vectors_are_searched_exactly() {
    let mut index = Index::new(2, "euclidean");
    let vectors = [(1, vec![0.0, 0.0]), (2, vec![3.0, 4.0]), (3, vec![0.0, 1.0])];
    index.commit(vectors.into_iter().map(|(id, vector)| (id, Some(vector))).collect());
    assert_eq!(index.ask(&[0.0, 0.0], 2, &[]), [(1, 1.0), (3, 0.5)]);
    assert_eq!(index.ask(&[3.0, 4.0], 9, &[]).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2, 3, 1]);
    // Of another length, without numbers, or gone: none of them is there.
    index.commit(vec![(1, None)]);
    let odd = [
        (4, vec![(KeyId(9), Value::list(vec![1.into()]))]),
        (5, vec![(KeyId(9), Value::list(vec!["a".into(), "b".into()]))]),
        (6, vec![(KeyId(9), Value::list(vec![Value::Float(f64::NAN), 1.into()]))]),
        (7, vec![(KeyId(9), "vector".into())]),
    ];
    let odd: Vec<Document> = odd.into_iter().map(|(id, now)| Document { id, before: None, now: Some(now) }).collect();
    write_to(&*index.store, |writer| engines::change(writer, &index.definition, &odd)).expect("a write");
    assert_eq!(index.ask(&[0.0, 0.0], 9, &[]).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [3, 2]);
    index.is_sound();
}

#[test]
fn own_changes_are_found_as_if_they_were_committed() {
    let mut index = Index::new(8, "cosine");
    index.commit(some(0..500, 8));
    index.fold();
    let mut changes = some(490..520, 8);
    changes.extend([(3, None), (4, Some(random(900, 8)))]);
    let own = index.documents(&changes);
    let wanted = random(7_777, 8);
    let before = index.ask(&wanted, 20, &own);
    index.commit(changes);
    assert_eq!(before, index.ask(&wanted, 20, &[]));
    assert_eq!(before.iter().map(|(id, _)| *id).collect::<Vec<_>>(), index.exact(&wanted, 20));
    index.is_sound();
}

#[test]
fn the_graph_finds_nearly_all_of_20_000_vectors() {
    let mut index = Index::new(64, "cosine");
    index.commit(some(0..20_000, 64));
    {
        let snapshot = index.store.snapshot().expect("a snapshot");
        assert!(is_due(&*snapshot, &index.definition).expect("a summary"));
    }
    index.fold();
    index.is_sound();
    let recall = index.recall(100, 10);
    assert!(recall >= 0.95, "{recall}");
}

#[test]
fn the_graph_follows_what_changes() {
    let mut index = Index::new(16, "euclidean");
    index.commit(some(0..5_000, 16));
    index.fold();
    // A part is gone, a part is somewhere else, and some are new.
    let mut changes: Vec<(u64, Option<Vec<f64>>)> = (0..1_500).map(|id| (id, None)).collect();
    changes.extend((1_500..3_000).map(|id| (id, Some(random(id + 100_000, 16)))));
    changes.extend(some(5_000..5_500, 16));
    index.commit(changes);
    let check = |index: &Index, when: &str| {
        let recall = index.recall(50, 10);
        assert!(recall >= 0.95, "{when}: {recall}");
        index.is_sound();
    };
    check(&index, "before the graph follows");
    index.fold();
    check(&index, "once it followed");
    let snapshot = index.store.snapshot().expect("a snapshot");
    assert!(needs_rebuild(&*snapshot, &index.definition).expect("a summary"));
    write_to(&*index.store, |writer| rebuild(writer, &index.definition)).expect("a write");
    check(&index, "without a graph");
    index.fold();
    check(&index, "with a graph made anew");
}

#[test]
fn many_equal_vectors_hide_nobody() {
    for similarity in ["cosine", "euclidean"] {
        let mut index = Index::new(16, similarity);
        let same = random(12_345, 16);
        let vector = |id: u64| if id.is_multiple_of(2) { same.clone() } else { random(id, 16) };
        index.commit((0..5_000).map(|id| (id, Some(vector(id)))).collect());
        index.fold();
        let recall = index.recall(40, 10);
        assert!(recall >= 0.95, "{similarity}: {recall}");
        assert!(index.ask(&same, 5, &[]).iter().all(|(_, score)| *score > 0.9999));
    }
}

#[test]
fn the_same_vectors_make_the_same_graph() {
    let entries = || {
        let mut index = Index::new(8, "euclidean");
        index.commit(some(0..1_000, 8));
        index.fold();
        let snapshot = index.store.snapshot().expect("a snapshot");
        let mut entries = Vec::new();
        let scanned = View::new(&*snapshot).scan(&[0], &[0xff], |key, value| {
            entries.push((key.to_vec(), value.to_vec()));
            Ok(true)
        });
        scanned.expect("a scan");
        entries
    };
    assert_eq!(entries(), entries());
}

#[test]
fn a_vector_that_changes_under_the_work_stays_new() {
    let mut index = Index::new(8, "cosine");
    index.commit(some(0..100, 8));
    let snapshot = index.store.snapshot().expect("a snapshot");
    let mut builder = Builder::new(&index.definition, 1 << 20);
    let fold = builder.fold(View::new(&*snapshot), &index.definition, 1_000, &mut || true);
    let fold = fold.expect("a fold").expect("there are vectors");
    drop(snapshot);
    index.commit(vec![(5, Some(random(77_777, 8))), (6, None)]);
    write_to(&*index.store, |writer| apply(writer, &index.definition, &fold)).expect("a write");
    index.is_sound();
    let wanted = random(77_777, 8);
    assert_eq!(index.ask(&wanted, 3, &[]).iter().map(|(id, _)| *id).collect::<Vec<_>>(), index.exact(&wanted, 3));
}
