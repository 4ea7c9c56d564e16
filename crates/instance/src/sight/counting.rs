//! Counts of what one user sees: kept ones where they are those of what is seen, and by looking where they are not.
//! Plans are made with estimates instead: what is hidden is not counted for them, and nothing is read.
//! Start reading at [`Sighted::nodes_seen`].

use query::{Condition, IndexInfo, IndexSize, NameKind, Source};
use types::{Failure, LabelId, NodeId, TypeId};

use super::ids::Left;
use super::seeing::CHUNK;
use super::sighted::Sighted;

/// What a plan takes for the count of something of which some may be hidden.
const NODES_GUESSED: u64 = 10_000;
const OF_LABEL_GUESSED: u64 = 1_000;
const RELATIONSHIPS_GUESSED: u64 = 50_000;
const OF_TYPE_GUESSED: u64 = 5_000;

/// What was counted by looking, to be asked again at no cost until something is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Looked {
    Nodes(Option<LabelId>),
    Relationships(Option<TypeId>),
}

impl Sighted {
    /// Counts the nodes that are found, or those with a label.
    pub(super) fn nodes_seen(&self, label: Option<LabelId>) -> Result<u64, Failure> {
        let rule = &self.rules.nodes.found;
        let kept = match label {
            _ if rule.is_nothing() => Some(0),
            None if rule.is_everything() => Some(self.graph.count_nodes(None)?),
            None => match rule.single().filter(|id| rule.allows_all_with(*id)) {
                Some(id) => Some(self.graph.count_nodes(Some(LabelId(id)))?),
                None => None,
            },
            Some(label) if rule.denies(label.0) => Some(0),
            Some(label) if rule.allows_all_with(label.0) || rule.is_everything() => {
                Some(self.graph.count_nodes(Some(label))?)
            }
            Some(_) => None,
        };
        match kept {
            Some(count) => Ok(count),
            None if self.estimates => Ok(if label.is_some() { OF_LABEL_GUESSED } else { NODES_GUESSED }),
            None => self.looked(Looked::Nodes(label), || self.look_at_nodes(label)),
        }
    }

    /// Counts the relationships that are found, or those of a type.
    pub(super) fn relationships_seen(&self, kind: Option<TypeId>) -> Result<u64, Failure> {
        let rule = &self.rules.relationships.found;
        let is_hidden = |kind: TypeId| !rule.can_allow(kind.0);
        if rule.is_nothing() || self.rules.nodes.found.is_nothing() || kind.is_some_and(is_hidden) {
            return Ok(0);
        }
        if !self.rules.nodes.found.is_everything() || rule.asks_values() {
            if self.estimates {
                return Ok(if kind.is_some() { OF_TYPE_GUESSED } else { RELATIONSHIPS_GUESSED });
            }
            return self.looked(Looked::Relationships(kind), || self.look_at_relationships(kind));
        }
        let count = |kinds: &[u32]| -> Result<u64, Failure> {
            let each = kinds.iter().map(|kind| self.graph.count_relationships(Some(TypeId(*kind))));
            each.sum()
        };
        match (kind, rule.left()) {
            (Some(_), _) | (None, Left::All) => self.graph.count_relationships(kind),
            (None, Left::Only(kinds)) => count(&kinds),
            (None, Left::AllBut(kinds)) => Ok(self.graph.count_relationships(None)?.saturating_sub(count(&kinds)?)),
            (None, Left::Nothing) => Ok(0),
        }
    }

    /// Measures an index by what is seen of it.
    pub(super) fn index_seen(&self, info: &IndexInfo) -> Result<IndexSize, Failure> {
        let all_seen = {
            let (elements, kind) = match info.relationships {
                true => (&self.rules.relationships, NameKind::Type),
                false => (&self.rules.nodes, NameKind::Label),
            };
            let id = match kind {
                NameKind::Type => self.graph.type_id(&info.of).map(|kind| kind.0),
                _ => self.graph.label_id(&info.of).map(|label| label.0),
            };
            let ends_seen = !info.relationships || self.rules.nodes.found.is_everything();
            let found = id.is_some_and(|id| elements.found.is_everything() || elements.found.allows_all_with(id));
            let read = elements.reads_everything()
                || info.keys.iter().all(|key| {
                    let Some(key) = self.graph.key_id(key) else { return true };
                    let rule = match info.relationships {
                        true => self.read_rule_of_relationships(key),
                        false => self.read_rule_of_nodes(key),
                    };
                    id.is_some_and(|id| rule.is_everything() || rule.allows_all_with(id))
                });
            ends_seen && found && read
        };
        if all_seen {
            return self.graph.index_size(info.id);
        }
        if self.estimates {
            return Ok(IndexSize { entries: OF_LABEL_GUESSED, distinct: OF_LABEL_GUESSED });
        }
        let entries = if info.relationships {
            let mut found = Vec::new();
            self.seek_relationships(info.id, &Condition::Equal(Vec::new()), &mut found)?;
            found.len() as u64
        } else {
            let mut found = Vec::new();
            self.seek_nodes(info.id, &Condition::Equal(Vec::new()), &mut found)?;
            found.len() as u64
        };
        Ok(IndexSize { entries, distinct: entries })
    }

    fn looked(&self, what: Looked, look: impl FnOnce() -> Result<u64, Failure>) -> Result<u64, Failure> {
        if let Some(known) = self.looked.borrow().get(&what) {
            return Ok(*known);
        }
        let count = look()?;
        self.looked.borrow_mut().insert(what, count);
        Ok(count)
    }

    fn look_at_nodes(&self, label: Option<LabelId>) -> Result<u64, Failure> {
        let (mut count, mut after): (u64, Option<NodeId>) = (0, None);
        loop {
            let mut found = Vec::new();
            self.scan_seen(label, after, CHUNK, &mut found)?;
            count += found.len() as u64;
            after = found.last().copied();
            if found.len() < CHUNK {
                return Ok(count);
            }
            self.allowance.check()?;
        }
    }

    fn look_at_relationships(&self, kind: Option<TypeId>) -> Result<u64, Failure> {
        let (mut count, mut after) = (0, None);
        loop {
            let mut found = Vec::new();
            self.scan_relationships_seen(kind, after, CHUNK, &mut found)?;
            count += found.len() as u64;
            after = found.last().map(|last| last.id);
            if found.len() < CHUNK {
                return Ok(count);
            }
            self.allowance.check()?;
        }
    }
}
