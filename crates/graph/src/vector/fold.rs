//! Gives new vectors their places in the graph: reads a snapshot, works in memory, and writes one batch at a time.
//! Leaves when that happens to the database, which does it beside the commits.
//! Start reading at [`Builder::fold`].

use rustc_hash::FxHashMap;
use store::{Reader, Writer};
use types::IndexId;

use super::hnsw::{self, Goal, Near, Space, choose, level_of};
use super::keys::{self, Kind, Summary};
use super::measure::Similarity;
use super::settings::Settings;
use super::write::{put_summary, summary};
use crate::codec::CHECKSUM_BYTES;
use crate::codec::fact::IndexDefinition;
use crate::error::GraphError;
use crate::keys::{after_prefix, u64_at};
use crate::read::View;

/// Vectors that are compared one by one before there is a graph: so few are searched fast, and exactly.
pub(super) const GRAPH_FROM: u64 = 4_096;
/// New vectors that are compared one by one beside a graph.
const FRESH_MAX: u64 = 1_024;

/// Tells whether enough vectors are new to the graph for it to grow.
pub(crate) fn is_due(reader: &dyn Reader, index: &IndexDefinition) -> Result<bool, GraphError> {
    let Summary { fresh, entry, .. } = summary(reader, index)?;
    Ok(fresh >= if entry.is_some() { FRESH_MAX } else { GRAPH_FROM })
}

/// Tells whether so many of the graph's entities are gone that it is better made anew.
pub(crate) fn needs_rebuild(reader: &dyn Reader, index: &IndexDefinition) -> Result<bool, GraphError> {
    let Summary { vectors, fresh, linked, entry } = summary(reader, index)?;
    let gone = linked.saturating_sub(vectors.saturating_sub(fresh));
    Ok(entry.is_some() && gone > FRESH_MAX && gone > linked / 4)
}

/// Takes the graph away, so that all vectors are new to it.
pub(crate) fn rebuild(writer: &mut dyn Writer, index: &IndexDefinition) -> Result<(), GraphError> {
    let links = keys::all(index.id, Kind::Links);
    writer.delete_range(&links[..]..&after_prefix(&links)[..])?;
    let prefix = keys::all(index.id, Kind::Vector);
    let mut ids = Vec::new();
    View::new(&*writer).scan(&prefix, &after_prefix(&prefix), |key, _| {
        ids.extend(u64_at(key, prefix.len()));
        Ok(true)
    })?;
    ids.iter().try_for_each(|id| writer.put(&keys::of(index.id, Kind::Fresh, *id), &[]))?;
    let vectors = ids.len() as u64;
    put_summary(writer, index, &Summary { vectors, fresh: vectors, linked: 0, entry: None })
}

/// What one batch of new vectors does to the graph.
#[derive(Debug)]
pub(crate) struct Fold {
    /// Neighbours of entities whose neighbours changed.
    links: Vec<(u64, Vec<u8>)>,
    /// Entities that have their places now, with the checksums of the vectors for which these are right.
    folded: Vec<(u64, [u8; CHECKSUM_BYTES])>,
    entry: Option<(u64, u8)>,
}

/// Writes a batch; a vector that changed meanwhile stays new to the graph.
pub(crate) fn apply(writer: &mut dyn Writer, index: &IndexDefinition, fold: &Fold) -> Result<(), GraphError> {
    if writer.get(&crate::keys::index(index.id))?.is_none() {
        return Ok(());
    }
    let mut summary = summary(&*writer, index)?;
    for (id, links) in &fold.links {
        let key = keys::of(index.id, Kind::Links, *id);
        summary.linked += u64::from(writer.get(&key)?.is_none());
        writer.put(&key, links)?;
    }
    for (id, checksum) in &fold.folded {
        let is_same = writer.get(&keys::of(index.id, Kind::Vector, *id))?.is_some_and(|now| now.ends_with(checksum));
        if is_same && writer.delete(&keys::of(index.id, Kind::Fresh, *id))? {
            summary.fresh = summary.fresh.saturating_sub(1);
        }
    }
    summary.entry = fold.entry;
    put_summary(writer, index, &summary)
}

/// A part of the graph in memory, while it grows; it may be kept from one batch to the next.
pub(crate) struct Builder {
    index: IndexId,
    settings: Settings,
    slots: FxHashMap<u64, u32>,
    nodes: Vec<Node>,
    /// Nodes whose neighbours are to be written.
    changed: Vec<u32>,
    entry: Option<(u32, u8)>,
    round: u32,
    bytes: usize,
    bytes_max: usize,
}

#[derive(Default)]
struct Node {
    id: u64,
    /// `None` if it is gone.
    vector: Option<Box<[f32]>>,
    /// Neighbours by level.
    links: Vec<Vec<u32>>,
    is_read: bool,
    is_changed: bool,
    /// The last search that came by.
    round: u32,
}

impl Builder {
    /// Begins with nothing in memory, and keeps about `bytes_max` of it at most.
    pub fn new(index: &IndexDefinition, bytes_max: usize) -> Self {
        Self {
            index: index.id,
            settings: Settings::of(index),
            slots: FxHashMap::default(),
            nodes: Vec::new(),
            changed: Vec::new(),
            entry: None,
            round: 0,
            bytes: 0,
            bytes_max,
        }
    }

    /// Finds places for up to `limit` new vectors, in order of their ids; `None` if there are none.
    ///
    /// Between two batches the graph may have changed only by the first. `goes_on` ends the batch early.
    pub fn fold(
        &mut self,
        view: View<'_>,
        index: &IndexDefinition,
        limit: usize,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Fold>, GraphError> {
        if self.bytes > self.bytes_max {
            *self = Self::new(index, self.bytes_max);
        }
        let mut building = Building { builder: self, view };
        let stored = summary(view.reader(), index)?;
        building.builder.entry = match stored.entry {
            Some((id, top)) => Some((building.slot(id)?, top)),
            None => None,
        };
        let mut ids = Vec::new();
        let prefix = keys::all(index.id, Kind::Fresh);
        view.scan(&prefix, &after_prefix(&prefix), |key, _| {
            ids.extend(u64_at(key, prefix.len()));
            Ok(ids.len() < limit)
        })?;
        let mut folded = Vec::new();
        for id in ids {
            let Some(sealed) = view.reader().get(&keys::of(index.id, Kind::Vector, id))? else { continue };
            let Some(checksum) = sealed.last_chunk::<CHECKSUM_BYTES>() else { continue };
            let slot = building.slot(id)?;
            building.builder.nodes[slot as usize].vector = Some(keys::decode_vector(&sealed)?.into());
            building.insert(slot)?;
            folded.push((id, *checksum));
            let builder = &*building.builder;
            if builder.bytes > builder.bytes_max.saturating_mul(2) || !goes_on() {
                break;
            }
        }
        if folded.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.finish(folded)))
    }

    fn finish(&mut self, folded: Vec<(u64, [u8; CHECKSUM_BYTES])>) -> Fold {
        let mut links = Vec::with_capacity(self.changed.len());
        for slot in std::mem::take(&mut self.changed) {
            let node = &self.nodes[slot as usize];
            let ids = |level: &Vec<u32>| {
                let mut ids: Vec<u64> = level.iter().map(|slot| self.nodes[*slot as usize].id).collect();
                ids.sort_unstable();
                ids
            };
            let levels: Vec<Vec<u64>> = node.links.iter().map(ids).collect();
            links.push((node.id, keys::encode_links(&levels)));
            self.nodes[slot as usize].is_changed = false;
        }
        // In order of keys, which is the cheapest for the store.
        links.sort_unstable_by_key(|(id, _)| *id);
        let entry = self.entry.map(|(slot, top)| (self.nodes[slot as usize].id, top));
        Fold { links, folded, entry }
    }

    fn similarity(&self) -> Similarity {
        self.settings.similarity
    }

    /// Neighbours that a node may have on a level.
    fn links_max(&self, level: u8) -> usize {
        if level == 0 { self.settings.m * 2 } else { self.settings.m }
    }

    fn mark(&mut self, slot: u32) {
        if !std::mem::replace(&mut self.nodes[slot as usize].is_changed, true) {
            self.changed.push(slot);
        }
    }
}

/// A builder with the snapshot that it reads.
struct Building<'b, 'a> {
    builder: &'b mut Builder,
    view: View<'a>,
}

impl Building<'_, '_> {
    /// Gives the place of an entity in memory, and reads it there first if need be.
    fn slot(&mut self, id: u64) -> Result<u32, GraphError> {
        let slot = self.place(id);
        if !self.builder.nodes[slot as usize].is_read {
            self.read(slot)?;
        }
        Ok(slot)
    }

    fn place(&mut self, id: u64) -> u32 {
        let builder = &mut *self.builder;
        *builder.slots.entry(id).or_insert_with(|| {
            builder.nodes.push(Node { id, ..Node::default() });
            builder.bytes += size_of::<Node>() + 24;
            u32::try_from(builder.nodes.len() - 1).expect("so many nodes do not fit into memory")
        })
    }

    fn read(&mut self, slot: u32) -> Result<(), GraphError> {
        let (index, id) = (self.builder.index, self.builder.nodes[slot as usize].id);
        let reader = self.view.reader();
        let vector =
            reader.get(&keys::of(index, Kind::Vector, id))?.map(|sealed| keys::decode_vector(&sealed)).transpose()?;
        let mut links: Vec<Vec<u32>> = Vec::new();
        if let Some(sealed) = reader.get(&keys::of(index, Kind::Links, id))? {
            let mut pairs = Vec::new();
            let levels = keys::visit_links(&sealed, |level, id| pairs.push((level, id)))?;
            links.resize_with(levels, Vec::new);
            for (level, id) in pairs {
                let other = self.place(id);
                links[level].push(other);
            }
        }
        let taken = vector.as_ref().map_or(0, |it| it.len() * 4) + links.iter().map(|it| it.len() * 4).sum::<usize>();
        self.builder.bytes += taken;
        let node = &mut self.builder.nodes[slot as usize];
        node.vector = vector.map(Into::into);
        node.links = links;
        node.is_read = true;
        Ok(())
    }

    /// Joins a node to its nearest ones, level by level.
    fn insert(&mut self, slot: u32) -> Result<(), GraphError> {
        let node = &self.builder.nodes[slot as usize];
        let level = level_of(node.id, self.builder.settings.m);
        let Some(vector) = node.vector.clone() else { return Ok(()) };
        self.builder.nodes[slot as usize].links.resize_with(usize::from(level) + 1, Vec::new);
        self.builder.mark(slot);
        let Some((entry, top)) = self.builder.entry else {
            self.builder.entry = Some((slot, level));
            return Ok(());
        };
        let goal = Goal { vector: &vector, width: self.builder.settings.ef_construction };
        let mut starts = vec![entry];
        if top > level {
            let one = Goal { width: 1, ..goal };
            let found = hnsw::nearest(self, entry, (top, level + 1), one, |_| true)?;
            if !found.is_empty() {
                starts = found.into_iter().map(|near| near.node).collect();
            }
        }
        for level in (0..=level.min(top)).rev() {
            let found = hnsw::on_level(self, &starts, level, goal, |node| node != slot)?;
            let chosen = self.chosen(&found, self.builder.settings.m)?;
            for other in &chosen {
                self.join(*other, slot, level)?;
            }
            self.builder.nodes[slot as usize].links[usize::from(level)] = chosen;
            if !found.is_empty() {
                starts = found.into_iter().map(|near| near.node).collect();
            }
        }
        if level > top {
            self.builder.entry = Some((slot, level));
        }
        Ok(())
    }

    /// Adds a neighbour to a node; one too many makes it choose again.
    fn join(&mut self, node: u32, to: u32, level: u8) -> Result<(), GraphError> {
        let links_max = self.builder.links_max(level);
        let links = &mut self.builder.nodes[node as usize].links;
        if links.len() <= usize::from(level) {
            links.resize_with(usize::from(level) + 1, Vec::new);
        }
        let links = &mut links[usize::from(level)];
        if links.contains(&to) {
            return Ok(());
        }
        links.push(to);
        let links = links.clone();
        self.builder.mark(node);
        self.builder.bytes += size_of::<u32>();
        if links.len() <= links_max {
            return Ok(());
        }
        let mut candidates = Vec::with_capacity(links.len());
        for other in links {
            // Who is gone is let go.
            if let Some(distance) = self.between(node, other)? {
                candidates.push(Near { distance, node: other });
            }
        }
        candidates.sort_unstable();
        let chosen = self.chosen(&candidates, links_max)?;
        self.builder.nodes[node as usize].links[usize::from(level)] = chosen;
        Ok(())
    }

    fn chosen(&self, candidates: &[Near<u32>], count: usize) -> Result<Vec<u32>, GraphError> {
        let (nodes, similarity) = (&self.builder.nodes, self.builder.similarity());
        choose(candidates, count, |a, b| {
            let vectors = (&nodes[a as usize].vector, &nodes[b as usize].vector);
            Ok(match vectors {
                (Some(a), Some(b)) if a.len() == b.len() => similarity.distance(a, b),
                _ => f32::INFINITY,
            })
        })
    }

    fn between(&mut self, a: u32, b: u32) -> Result<Option<f32>, GraphError> {
        for slot in [a, b] {
            if !self.builder.nodes[slot as usize].is_read {
                self.read(slot)?;
            }
        }
        let (a, b) = (&self.builder.nodes[a as usize].vector, &self.builder.nodes[b as usize].vector);
        Ok(match (a, b) {
            (Some(a), Some(b)) if a.len() == b.len() => Some(self.builder.similarity().distance(a, b)),
            _ => None,
        })
    }
}

impl Space for Building<'_, '_> {
    type Node = u32;

    fn begin(&mut self) {
        self.builder.round += 1;
    }

    fn visit(&mut self, node: u32) -> bool {
        let round = self.builder.round;
        std::mem::replace(&mut self.builder.nodes[node as usize].round, round) != round
    }

    fn distances(&mut self, from: &[f32], nodes: &[u32], out: &mut Vec<(u32, Option<f32>)>) -> Result<(), GraphError> {
        for node in nodes {
            if !self.builder.nodes[*node as usize].is_read {
                self.read(*node)?;
            }
            let vector = self.builder.nodes[*node as usize].vector.as_deref().filter(|it| it.len() == from.len());
            out.push((*node, vector.map(|vector| self.builder.similarity().distance(from, vector))));
        }
        Ok(())
    }

    fn neighbours(&mut self, node: u32, level: u8, out: &mut Vec<u32>) -> Result<(), GraphError> {
        if !self.builder.nodes[node as usize].is_read {
            self.read(node)?;
        }
        out.extend(self.builder.nodes[node as usize].links.get(usize::from(level)).into_iter().flatten());
        Ok(())
    }
}
