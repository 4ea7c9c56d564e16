//! What one user finds and reads, batch by batch.
//! Leaves what rules allow to `deciding`, counts to `counting`, and changes to `changing`.
//! Start reading at [`Sighted::visible`].

use catalog::graph_rights::SchemaRight;
use graph::keys::TokenKind;
use query::{Expansion, RelationshipRecord, Search, Sought, Source};
use rustc_hash::FxHashMap;
use types::{
    Code, CompactString, Direction, Failure, IndexId, KeyId, LabelId, Map, NodeId, RelationshipId, RelationshipRef,
    TypeId, Value,
};

use super::deciding::decided;
use super::ids::{IdRule, Left};
use super::sighted::Sighted;

/// Entities that are looked at between two looks at the clock.
pub(super) const CHUNK: usize = 4_096;
/// By how much more neighbours are asked for, where some of them were hidden.
const MORE: usize = 4;

impl Sighted {
    /// Tells for each node whether it is found. One that the transaction itself deleted was found before.
    pub(super) fn visible(&self, nodes: &[NodeId]) -> Result<Vec<bool>, Failure> {
        let rule = &self.rules.nodes.found;
        if rule.is_everything() {
            return Ok(vec![true; nodes.len()]);
        }
        let mut seen = self.allow_nodes(&[rule], nodes)?;
        seen.iter_mut().zip(nodes).for_each(|(seen, node)| *seen |= self.graph.has_deleted(*node));
        Ok(seen)
    }

    /// Tells whether one node is found.
    pub(super) fn sees(&self, node: NodeId) -> Result<bool, Failure> {
        Ok(self.visible(&[node])?[0])
    }

    /// Keeps the relationships that are found, in their order: they themselves and both of their ends are.
    pub(super) fn keep_relationships(&self, found: &mut Vec<RelationshipRef>) -> Result<(), Failure> {
        self.keep_allowed(&[&self.rules.relationships.found], found)?;
        if self.rules.nodes.found.is_everything() {
            return Ok(());
        }
        let seen = self.each_once(found.iter().flat_map(|found| [found.start, found.end]))?;
        found.retain(|found| seen[&found.start] && seen[&found.end]);
        Ok(())
    }

    fn keep_allowed(&self, rules: &[&IdRule], found: &mut Vec<RelationshipRef>) -> Result<(), Failure> {
        if rules.iter().all(|rule| rule.is_everything()) {
            return Ok(());
        }
        let mut allowed =
            self.allow_relationships(rules, found.iter().map(|found| (found.id, found.kind)))?.into_iter();
        found.retain(|_| allowed.next() == Some(true));
        Ok(())
    }

    fn each_once(&self, nodes: impl Iterator<Item = NodeId>) -> Result<FxHashMap<NodeId, bool>, Failure> {
        let mut nodes: Vec<NodeId> = nodes.collect();
        nodes.sort_unstable();
        nodes.dedup();
        let seen = self.visible(&nodes)?;
        Ok(nodes.into_iter().zip(seen).collect())
    }

    /// Tells which types are followed of those that were asked for; nothing where none of them is.
    pub(super) fn followed(&self, types: Option<&[TypeId]>) -> Option<Option<Vec<TypeId>>> {
        let rule = &self.rules.relationships.found;
        match (types, rule.left()) {
            (_, Left::Nothing) => None,
            (None, Left::All | Left::AllBut(_)) => Some(None),
            (None, Left::Only(kinds)) => Some(Some(kinds.into_iter().map(TypeId).collect())),
            (Some(asked), _) => {
                let kept: Vec<TypeId> = asked.iter().copied().filter(|kind| rule.can_allow(kind.0)).collect();
                (!kept.is_empty()).then_some(Some(kept))
            }
        }
    }

    /// Expands nodes with `expand`, and leaves out what is hidden.
    pub(super) fn expand_seen(
        &self,
        nodes: usize,
        types: Option<&[TypeId]>,
        out: &mut Expansion,
        expand: impl FnOnce(Option<&[TypeId]>, &mut Expansion) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut all = Expansion::default();
        match self.followed(types) {
            Some(followed) => expand(followed.as_deref(), &mut all)?,
            None => all.ends.resize(nodes, 0),
        }
        let relationships = all.found.iter().map(|found| (found.relationship.id, found.relationship.kind));
        let allowed = self.allow_relationships(&[&self.rules.relationships.found], relationships)?;
        let seen = match self.rules.nodes.found.is_everything() {
            true => None,
            false => Some(self.each_once(all.found.iter().map(|found| found.neighbour))?),
        };
        let is_found = |at: usize, found: &RelationshipRecord| {
            allowed[at] && seen.as_ref().is_none_or(|seen| seen[&found.neighbour])
        };
        let (mut start, first) = (0, out.found.len());
        for until in all.ends {
            let run = all.found[start..until].iter().enumerate();
            out.found.extend(run.filter(|(at, found)| is_found(start + at, found)).map(|(_, found)| *found));
            out.ends.push(out.found.len());
            start = until;
        }
        self.hit(nodes + out.found.len() - first);
        Ok(())
    }

    /// Scans on until `limit` nodes were found, or there are no more.
    pub(super) fn scan_seen(
        &self,
        label: Option<LabelId>,
        mut after: Option<NodeId>,
        limit: usize,
        out: &mut Vec<NodeId>,
    ) -> Result<(), Failure> {
        let rule = &self.rules.nodes.found;
        if rule.is_nothing() || label.is_some_and(|label| rule.denies(label.0)) {
            return Ok(());
        }
        let through = label.or_else(|| rule.single().map(LabelId));
        let until = out.len().saturating_add(limit);
        while out.len() < until {
            let mut nodes = Vec::new();
            let chunk = CHUNK.min(limit.max(Self::CHUNK_MIN));
            self.graph.scan_nodes(through, after, chunk, &mut nodes)?;
            let seen = self.visible(&nodes)?;
            let found = nodes.iter().zip(seen).filter(|(_, seen)| *seen).map(|(node, _)| *node);
            out.extend(found.take(until - out.len()));
            after = nodes.last().copied();
            if nodes.len() < chunk {
                return Ok(());
            }
            self.allowance.check()?;
        }
        Ok(())
    }

    /// Fewest entities that are looked at together: a limit of one must not look one by one.
    pub(super) const CHUNK_MIN: usize = 256;

    /// As [`Sighted::scan_seen`], of relationships.
    pub(super) fn scan_relationships_seen(
        &self,
        kind: Option<TypeId>,
        mut after: Option<RelationshipId>,
        limit: usize,
        out: &mut Vec<RelationshipRef>,
    ) -> Result<(), Failure> {
        let rule = &self.rules.relationships.found;
        if rule.is_nothing() || kind.is_some_and(|kind| rule.denies(kind.0)) {
            return Ok(());
        }
        let through = kind.or_else(|| rule.single().map(TypeId));
        let until = out.len().saturating_add(limit);
        while out.len() < until {
            let mut found = Vec::new();
            let chunk = CHUNK.min(limit.max(Self::CHUNK_MIN));
            self.graph.scan_relationships(through, after, chunk, &mut found)?;
            after = found.last().map(|last| last.id);
            let is_last = found.len() < chunk;
            self.keep_relationships(&mut found)?;
            out.extend(found.into_iter().take(until - out.len()));
            if is_last {
                return Ok(());
            }
            self.allowance.check()?;
        }
        Ok(())
    }

    /// Keeps the nodes that are found and of which all these properties are read.
    pub(super) fn keep_readable(&self, nodes: &mut Vec<NodeId>, keys: &[KeyId]) -> Result<(), Failure> {
        let found = &self.rules.nodes.found;
        let rules: Vec<_> = keys.iter().map(|key| self.read_rule_of_nodes(*key)).collect();
        if found.is_everything() && rules.iter().all(|rule| rule.is_everything()) {
            return Ok(());
        }
        let all: Vec<&IdRule> = rules.iter().map(AsRef::as_ref).chain([found]).collect();
        let mut keep = self.allow_nodes(&all, nodes)?.into_iter();
        nodes.retain(|_| keep.next() == Some(true));
        Ok(())
    }

    /// Keeps the relationships that are found and of which all these properties are read.
    pub(super) fn keep_readable_relationships(
        &self,
        found: &mut Vec<RelationshipRef>,
        keys: &[KeyId],
    ) -> Result<(), Failure> {
        let rules: Vec<_> = keys.iter().map(|key| self.read_rule_of_relationships(*key)).collect();
        self.keep_allowed(&rules.iter().map(AsRef::as_ref).collect::<Vec<_>>(), found)?;
        self.keep_relationships(found)
    }

    /// Gives the keys of an index, once a statement; nothing for an index that is not there, which finds nothing.
    pub(super) fn keys_of(&self, index: IndexId) -> Option<Vec<KeyId>> {
        if let Some(known) = self.index_keys.borrow().get(&index) {
            return known.clone();
        }
        let keys = self.graph.keys_of_index(index);
        self.index_keys.borrow_mut().insert(index, keys.clone());
        keys
    }

    /// Turns values of nodes that may not be read into nulls.
    pub(super) fn hide_values(&self, nodes: &[NodeId], key: KeyId, values: &mut [Value]) -> Result<(), Failure> {
        let (found, rule) = (&self.rules.nodes.found, self.read_rule_of_nodes(key));
        if found.is_everything() && rule.is_everything() {
            return Ok(());
        }
        let keep = self.allow_nodes(&[found, &rule], nodes)?;
        values.iter_mut().zip(keep).filter(|(_, keep)| !keep).for_each(|(value, _)| *value = Value::Null);
        Ok(())
    }

    /// Turns values of relationships that may not be read into nulls.
    pub(super) fn hide_relationship_values(
        &self,
        relationships: &[RelationshipId],
        key: KeyId,
        values: &mut [Value],
    ) -> Result<(), Failure> {
        let (found, rule) = (&self.rules.relationships.found, self.read_rule_of_relationships(key));
        if found.is_everything() && rule.is_everything() {
            return Ok(());
        }
        let (mut keep, mut there) = (vec![false; relationships.len()], Vec::new());
        for (at, ends) in self.graph.ends_of(relationships)?.into_iter().enumerate() {
            there.extend(ends.map(|ends| (at, ends)));
        }
        let kinds = there.iter().map(|(_, ends)| (ends.id, ends.kind));
        for ((at, _), allowed) in there.iter().zip(self.allow_relationships(&[found, &rule], kinds)?) {
            keep[*at] = allowed;
        }
        values.iter_mut().zip(keep).filter(|(_, keep)| !keep).for_each(|(value, _)| *value = Value::Null);
        Ok(())
    }

    /// Leaves out of a node's properties those that may not be read.
    pub(super) fn hide_properties(&self, node: NodeId, properties: &mut Map) -> Result<(), Failure> {
        let mut labels = None;
        self.graph
            .labels_of(&[node], |_, found| labels = Some(found.iter().map(|label| label.0).collect::<Vec<_>>()))?;
        let Some(labels) = labels else {
            properties.clear();
            return Ok(());
        };
        let is_found = decided(&self.rules.nodes.found, &labels, properties);
        let keep = |name: &CompactString| {
            let key = self.graph.number_of(TokenKind::Key, name).map(KeyId);
            is_found && key.is_some_and(|key| decided(&self.read_rule_of_nodes(key), &labels, properties))
        };
        let mut keep = properties.keys().map(keep).collect::<Vec<_>>().into_iter();
        properties.retain(|_, _| keep.next() == Some(true));
        Ok(())
    }

    /// Leaves out of a relationship's properties those that may not be read.
    pub(super) fn hide_relationship_properties(
        &self,
        relationship: RelationshipId,
        properties: &mut Map,
    ) -> Result<(), Failure> {
        let Some(ends) = self.graph.ends_of(&[relationship])?.pop().flatten() else {
            properties.clear();
            return Ok(());
        };
        let kind = [ends.kind.0];
        let is_found = decided(&self.rules.relationships.found, &kind, properties);
        let keep = |name: &CompactString| {
            let key = self.graph.number_of(TokenKind::Key, name).map(KeyId);
            is_found && key.is_some_and(|key| decided(&self.read_rule_of_relationships(key), &kind, properties))
        };
        let mut keep = properties.keys().map(keep).collect::<Vec<_>>().into_iter();
        properties.retain(|_, _| keep.next() == Some(true));
        Ok(())
    }

    /// Searches, and leaves out what is hidden: an entity, or one of the properties that the index is over.
    ///
    /// What was asked for is counted after that, so that nobody learns from a gap how much is hidden.
    pub(super) fn search_seen(
        &self,
        search: &Search<'_>,
        budget: &mut query::Budget,
    ) -> Result<Vec<(u64, f32)>, Failure> {
        let found = self.search_and_keep(search, budget);
        let is_told = match &found {
            Ok(found) => !found.is_empty(),
            Err(failure) => failure.code() != Code::ProcedureCallFailed,
        };
        // Whether there is an index of this name is told to who may list it, or can find something in it.
        if is_told || self.knows_index(search.index) { found } else { Err(crate::search::no_such(search)) }
    }

    fn search_and_keep(&self, search: &Search<'_>, budget: &mut query::Budget) -> Result<Vec<(u64, f32)>, Failure> {
        match search.sought {
            Sought::Words { query, analyzer, skip, limit } => {
                let sought = Sought::Words { query, analyzer, skip: 0, limit: None };
                let all = self.graph.search(&Search { sought, ..search.clone() }, budget)?;
                let found = self.keep_hits(search, all)?;
                Ok(found.into_iter().skip(skip).take(limit.unwrap_or(usize::MAX)).collect())
            }
            Sought::Near { vector, count } => {
                let mut asked = count;
                loop {
                    let sought = Sought::Near { vector, count: asked };
                    let all = self.graph.search(&Search { sought, ..search.clone() }, budget)?;
                    let is_all = all.len() < asked;
                    let mut found = self.keep_hits(search, all)?;
                    if is_all || found.len() >= count {
                        found.truncate(count);
                        return Ok(found);
                    }
                    asked = asked.saturating_mul(MORE);
                    budget.pay_rows(1)?;
                }
            }
        }
    }

    /// Tells whether an index is there for who searches: it is listed for him, or what is in it can be found and read.
    fn knows_index(&self, name: &str) -> bool {
        let rights = &self.rights;
        let Some((relationships, of, keys)) = self.graph.words_of_named_index(name) else { return true };
        let elements = if relationships { &rights.relationships } else { &rights.nodes };
        rights.may(SchemaRight::ShowIndex)
            || of.iter().any(|of| {
                let reads = |key: &CompactString| elements.read.rule(key).can_allow(of);
                elements.traverse.can_allow(of) && keys.iter().all(reads)
            })
    }

    fn keep_hits(&self, search: &Search<'_>, all: Vec<(u64, f32)>) -> Result<Vec<(u64, f32)>, Failure> {
        let Some(keys) = self.graph.keys_of_named_index(search.index) else { return Ok(Vec::new()) };
        let kept: Vec<u64> = if search.relationships {
            let ids: Vec<RelationshipId> = all.iter().map(|(id, _)| RelationshipId(*id)).collect();
            let ends = self.graph.ends_of(&ids)?;
            let reference = |ends: graph::codec::record::Ends| RelationshipRef {
                source: 0,
                id: ends.id,
                kind: ends.kind,
                start: ends.start,
                end: ends.end,
            };
            let mut found: Vec<RelationshipRef> = ends.into_iter().flatten().map(reference).collect();
            self.keep_readable_relationships(&mut found, &keys)?;
            found.into_iter().map(|found| found.id.0).collect()
        } else {
            let mut nodes: Vec<NodeId> = all.iter().map(|(id, _)| NodeId(*id)).collect();
            self.keep_readable(&mut nodes, &keys)?;
            nodes.into_iter().map(|node| node.0).collect()
        };
        // Both are in the order of the search.
        let mut kept = kept.into_iter().peekable();
        Ok(all.into_iter().filter(|(id, _)| kept.next_if_eq(id).is_some()).collect())
    }

    /// Counts relationships of each node one by one, those to nodes with a label only where one is given.
    pub(super) fn degrees_seen(
        &self,
        nodes: &[NodeId],
        direction: Direction,
        types: Option<&[TypeId]>,
        label: Option<LabelId>,
        out: &mut Vec<u64>,
    ) -> Result<(), Failure> {
        let mut all = Expansion::default();
        self.expand(nodes, direction, types, &mut all)?;
        let mut counts = vec![true; all.found.len()];
        if let Some(label) = label {
            let ends: Vec<NodeId> = all.found.iter().map(|found| found.neighbour).collect();
            counts.clear();
            self.graph.has_label(&ends, label, &mut counts)?;
        }
        let mut start = 0;
        for until in all.ends {
            out.push(counts[start..until].iter().filter(|counts| **counts).count() as u64);
            start = until;
        }
        Ok(())
    }
}
