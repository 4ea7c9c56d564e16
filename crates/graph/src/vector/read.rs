//! Answers who is nearest: through the graph, and one by one where the graph does not reach.
//! Leaves walking to `hnsw`. Nothing is kept in memory between two searches.
//! Start reading at [`search`].

use std::borrow::Cow;
use std::collections::BinaryHeap;

use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use types::IndexId;

use super::hnsw::{self, Goal, Near, Space};
use super::keys::{self, Kind};
use super::settings::Settings;
use super::write::{summary, vector};
use crate::codec::fact::IndexDefinition;
use crate::engines::Document;
use crate::error::GraphError;
use crate::keys::{after_prefix, u64_at};
use crate::meter::Meter;
use crate::read::View;

/// Nodes that a search keeps at least: what recall is paid with.
const WIDTH_MIN: usize = 320;
/// Memory of one of them: where it stands in the heaps, and who was visited on the way to it.
const VISIT_BYTES: usize = 256;
/// How many times as many nodes as are wanted a search keeps.
const WIDTH_BY: usize = 2;
/// Directions that the vectors around may seem to have: with more all are about equally far, and no graph leads to the
/// nearest. Embeddings have ten to thirty, numbers that have nothing to do with each other as many as there are numbers.
const DIRECTIONS_MAX: f32 = 40.0;
/// Numbers that are compared one by one where the graph does not lead: what a processor reads in a quarter of a second.
const NUMBERS_MAX: usize = 1 << 28;

/// Finds the `count` entities nearest to a prepared vector, the nearest first, with their scores.
///
/// `own` are changes that are not committed yet.
pub(crate) fn search(
    view: View<'_>,
    index: &IndexDefinition,
    own: &[Document],
    wanted: &[f32],
    count: usize,
    meter: &mut dyn Meter,
) -> Result<Vec<(u64, f32)>, GraphError> {
    let settings = Settings::of(index);
    let hidden: FxHashSet<u64> = own.iter().map(|document| document.id).collect();
    let summary = summary(view.reader(), index)?;
    let (best, vectors) = (Best::new(count), usize::try_from(summary.vectors).unwrap_or(usize::MAX));
    let mut search = Search { view, index: index.id, settings, hidden: &hidden, meter, best, vectors };
    match summary.entry {
        Some((entry, top)) => {
            let is_led = search.walk(entry, top, wanted)?;
            let is_small = search.vectors.saturating_mul(wanted.len()) <= NUMBERS_MAX;
            search.each(if is_led || !is_small { Kind::Fresh } else { Kind::Vector }, wanted)?;
        }
        None => search.each(Kind::Vector, wanted)?,
    }
    for document in own {
        search.meter.pay(1)?;
        if let Some(vector) = vector(index, &settings, document.now.as_ref()).filter(|it| it.len() == wanted.len()) {
            let distance = settings.similarity.distance(wanted, &vector);
            search.best.offer(Near { distance, node: document.id });
        }
    }
    let score = |near: Near<u64>| (near.node, settings.similarity.score(near.distance));
    Ok(search.best.into_sorted().into_iter().map(score).collect())
}

/// The nearest entities so far, each once.
struct Best {
    count: usize,
    heap: BinaryHeap<Near<u64>>,
    ids: FxHashSet<u64>,
}

impl Best {
    fn new(count: usize) -> Self {
        Self { count, heap: BinaryHeap::new(), ids: FxHashSet::default() }
    }

    fn offer(&mut self, near: Near<u64>) {
        let is_better = self.heap.len() < self.count || self.heap.peek().is_some_and(|worst| near < *worst);
        if !is_better || !self.ids.insert(near.node) {
            return;
        }
        self.heap.push(near);
        if self.heap.len() > self.count
            && let Some(worst) = self.heap.pop()
        {
            self.ids.remove(&worst.node);
        }
    }

    fn into_sorted(self) -> Vec<Near<u64>> {
        self.heap.into_sorted_vec()
    }
}

struct Search<'s, 'a> {
    view: View<'a>,
    index: IndexId,
    settings: Settings,
    hidden: &'s FxHashSet<u64>,
    meter: &'s mut dyn Meter,
    best: Best,
    /// How many vectors the index has.
    vectors: usize,
}

impl Search<'_, '_> {
    /// Walks the graph; tells whether it led somewhere.
    fn walk(&mut self, entry: u64, top: u8, wanted: &[f32]) -> Result<bool, GraphError> {
        let hidden = self.hidden;
        let width = self.best.count.saturating_mul(WIDTH_BY).max(WIDTH_MIN);
        self.meter.take(width.min(self.vectors).saturating_mul(VISIT_BYTES))?;
        let mut stored = Stored {
            view: self.view,
            index: self.index,
            settings: self.settings,
            visited: FxHashSet::default(),
            meter: &mut *self.meter,
        };
        let goal = Goal { vector: wanted, width };
        let found = hnsw::nearest(&mut stored, entry, (top, 0), goal, |id| !hidden.contains(&id))?;
        let directions = directions(found.iter().map(|near| self.settings.similarity.way(near.distance)));
        found.into_iter().for_each(|near| self.best.offer(near));
        Ok(directions <= DIRECTIONS_MAX)
    }

    /// Compares with every vector, or with every one that is new to the graph.
    fn each(&mut self, kind: Kind, wanted: &[f32]) -> Result<(), GraphError> {
        let prefix = keys::all(self.index, kind);
        let (view, index, similarity) = (self.view, self.index, self.settings.similarity);
        view.scan(&prefix, &after_prefix(&prefix), |key, value| {
            self.meter.pay(1)?;
            let id = u64_at(key, prefix.len()).ok_or_else(|| GraphError::damaged("a key of a vector index"))?;
            if self.hidden.contains(&id) {
                return Ok(true);
            }
            let sealed = match kind {
                Kind::Vector => Some(Cow::Borrowed(value)),
                _ => view.reader().get(&keys::of(index, Kind::Vector, id))?,
            };
            let Some(stored) = sealed.as_deref().map(keys::open_vector).transpose()? else { return Ok(true) };
            if stored.len() == size_of_val(wanted) {
                let distance = similarity.distance_to_stored(wanted, stored);
                self.best.offer(Near { distance, node: id });
            }
            Ok(true)
        })
    }
}

/// Estimates in how many directions vectors lie around a point, from how far they are, the farthest last (Levina and
/// Bickel, 2004): in many directions there is much room far away, and hardly anybody is much nearer than the others.
fn directions(ways: impl DoubleEndedIterator<Item = f32> + ExactSizeIterator) -> f32 {
    let others = ways.len().saturating_sub(1);
    let mut ways = ways.rev();
    let Some(farthest) = ways.next() else { return 0.0 };
    let shrunk: f32 = ways.map(|way| (farthest / way.max(f32::MIN_POSITIVE)).ln()).sum();
    if others == 0 || shrunk <= 0.0 { 0.0 } else { others as f32 / shrunk }
}

/// The graph as it is stored.
struct Stored<'s, 'a> {
    view: View<'a>,
    index: IndexId,
    settings: Settings,
    visited: FxHashSet<u64>,
    meter: &'s mut dyn Meter,
}

impl Space for Stored<'_, '_> {
    type Node = u64;

    fn begin(&mut self) {
        self.visited.clear();
    }

    fn visit(&mut self, node: u64) -> bool {
        self.visited.insert(node)
    }

    fn distances(&mut self, from: &[f32], nodes: &[u64], out: &mut Vec<(u64, Option<f32>)>) -> Result<(), GraphError> {
        // In order of their keys, which lie near each other: the store finds them faster.
        let mut sorted: SmallVec<[u64; 64]> = nodes.into();
        sorted.sort_unstable();
        let keys: SmallVec<[_; 64]> = sorted.iter().map(|id| keys::of(self.index, Kind::Vector, *id)).collect();
        let keys: SmallVec<[&[u8]; 64]> = keys.iter().map(|key| &key[..]).collect();
        let (similarity, mut failed) = (self.settings.similarity, None);
        self.view.reader().get_many(&keys, &mut |place, sealed| {
            let distance = match sealed.map(keys::open_vector).transpose() {
                Ok(stored) => stored
                    .filter(|stored| stored.len() == size_of_val(from))
                    .map(|stored| similarity.distance_to_stored(from, stored)),
                Err(error) => {
                    failed = Some(error);
                    None
                }
            };
            out.push((sorted[place], distance));
        })?;
        failed.map_or(Ok(()), Err)
    }

    fn neighbours(&mut self, node: u64, level: u8, out: &mut Vec<u64>) -> Result<(), GraphError> {
        let before = out.len();
        if let Some(sealed) = self.view.reader().get(&keys::of(self.index, Kind::Links, node))? {
            keys::visit_links(&sealed, |at, id| {
                if at == usize::from(level) {
                    out.push(id);
                }
            })?;
        }
        self.meter.pay(1 + out.len() - before)
    }
}
