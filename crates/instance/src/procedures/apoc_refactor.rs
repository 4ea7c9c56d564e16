//! `apoc.refactor.mergeNodes`: several nodes become one, with their labels, properties and relationships.
//! Leaves single nodes and relationships to `apoc_write`.
//! Start reading at [`merge_nodes`].

use std::collections::{BTreeMap, BTreeSet};

use query::Expansion;
use types::{Code, Direction, Failure, Map, NodeId, RelationshipId, RelationshipRef, Value, compare};

use super::apoc_write::{create_relationship, node_value, set_node, set_relationship};
use super::built_in::{Call, Mode, Row, Rows};

pub(super) const ROWS: &[Row] = &[Row {
    signature: "apoc.refactor.mergeNodes(nodes :: LIST<NODE>, config = {} :: MAP) :: (node :: NODE)",
    description: "Joins nodes into the first of them, with their labels, properties and relationships.",
    mode: Mode::Write,
    run: merge_nodes,
}];

/// What becomes of a property that both have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clash {
    /// The first one's stays.
    Discard,
    /// The later one's wins.
    Overwrite,
    /// Both go into a list.
    Combine,
}

impl Clash {
    fn of(config: &Map) -> Result<Self, Failure> {
        match config.get("properties") {
            None | Some(Value::Null) => Ok(Self::Overwrite),
            Some(Value::String(how)) => match how.to_lowercase().as_str() {
                "discard" => Ok(Self::Discard),
                "overwrite" | "override" => Ok(Self::Overwrite),
                "combine" => Ok(Self::Combine),
                _ => Err(refused()),
            },
            Some(_) => Err(refused()),
        }
    }

    /// Joins the properties of two entities into those of the first; gives what is to be set.
    fn join(self, kept: &Map, other: &Map) -> Map {
        let mut changes = Map::default();
        for (key, value) in other.iter() {
            let joined = match (kept.get(key), self) {
                (None, _) | (Some(_), Self::Overwrite) => value.clone(),
                (Some(_), Self::Discard) => continue,
                (Some(own), Self::Combine) => combined(own, value),
            };
            changes.insert(key.clone(), joined);
        }
        changes
    }
}

fn refused() -> Failure {
    let text = "The property 'properties' of the configuration is one of 'discard', 'overwrite' and 'combine'.";
    Failure::new(Code::ArgumentError, text)
}

/// Gives the different values of both, alone where there is one.
fn combined(left: &Value, right: &Value) -> Value {
    let mut items: Vec<Value> = Vec::new();
    for value in [left, right] {
        let of = match value {
            Value::List(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        for item in of {
            if !items.iter().any(|known| compare::equals(known, item) == Some(true)) {
                items.push(item.clone());
            }
        }
    }
    let were_lists = matches!(left, Value::List(_)) || matches!(right, Value::List(_));
    if items.len() == 1 && !were_lists { items.swap_remove(0) } else { Value::list(items) }
}

fn merge_nodes(call: &mut Call<'_, '_>) -> Rows {
    let (nodes, config) = (call.nodes(0)?, call.map(1));
    let clash = Clash::of(&config)?;
    let joins_relationships = matches!(config.get("mergeRels"), Some(Value::Boolean(true)));
    let mut seen = BTreeSet::new();
    let mut nodes = nodes.into_iter().map(|node| node.id).filter(|node| seen.insert(*node));
    let Some(first) = nodes.next() else { return Ok(Vec::new()) };
    let others: Vec<NodeId> = nodes.collect();
    for other in others {
        join_labels_and_properties(call, clash, first, other)?;
        move_relationships(call, first, other)?;
        call.written()?.delete_node(other)?;
        call.context.counters.nodes_deleted += 1;
    }
    if joins_relationships {
        join_relationships(call, clash, first)?;
    }
    Ok(vec![vec![node_value(call, first)]])
}

fn join_labels_and_properties(
    call: &mut Call<'_, '_>,
    clash: Clash,
    first: NodeId,
    other: NodeId,
) -> Result<(), Failure> {
    let (source, budget) = call.graph()?;
    budget.pay_rows(1)?;
    let (labels, kept, properties) =
        (source.labels(other)?, source.node_properties(first)?, source.node_properties(other)?);
    // Those of the other one go first: what is unique is free by then.
    let nothing = properties.keys().map(|key| (key.clone(), Value::Null)).collect();
    set_node(call, other, &nothing)?;
    for name in labels {
        let source = call.written()?;
        let label = source.make_label(&name)?;
        if source.add_label(first, label)? {
            call.context.counters.labels_added += 1;
        }
    }
    set_node(call, first, &clash.join(&kept, &properties))
}

/// Makes the relationships of a node anew at another one, and deletes the old ones.
fn move_relationships(call: &mut Call<'_, '_>, first: NodeId, other: NodeId) -> Result<(), Failure> {
    for relationship in relationships_of(call, other)? {
        let (source, _) = call.graph()?;
        let (kind, properties) =
            (source.type_name(relationship.kind)?, source.relationship_properties(relationship.id)?);
        delete(call, relationship.id)?;
        let end = |node: NodeId| if node == other { first } else { node };
        create_relationship(call, (end(relationship.start), end(relationship.end)), &kind, &[&properties])?;
    }
    Ok(())
}

/// Joins relationships of one type between the same two nodes.
fn join_relationships(call: &mut Call<'_, '_>, clash: Clash, node: NodeId) -> Result<(), Failure> {
    let mut by_ends: BTreeMap<_, Vec<RelationshipRef>> = BTreeMap::new();
    for found in relationships_of(call, node)? {
        by_ends.entry((found.kind, found.start, found.end)).or_default().push(found);
    }
    for (_, same) in by_ends {
        let [first, others @ ..] = same.as_slice() else { continue };
        for other in others {
            let (source, _) = call.graph()?;
            let kept = source.relationship_properties(first.id)?;
            let properties = source.relationship_properties(other.id)?;
            set_relationship(call, first.id, &clash.join(&kept, &properties))?;
            delete(call, other.id)?;
        }
    }
    Ok(())
}

/// Lists the relationships of a node, those to itself once.
fn relationships_of(call: &mut Call<'_, '_>, node: NodeId) -> Result<Vec<RelationshipRef>, Failure> {
    let (source, budget) = call.graph()?;
    let mut expansion = Expansion::default();
    source.expand(&[node], Direction::Both, None, &mut expansion)?;
    budget.pay_rows(expansion.found.len().max(1))?;
    budget.take_memory(expansion.found.len() * size_of::<RelationshipRef>())?;
    let mut found: Vec<RelationshipRef> = expansion.found.into_iter().map(|found| found.relationship).collect();
    found.sort_unstable_by_key(|found| found.id);
    found.dedup_by_key(|found| found.id);
    Ok(found)
}

fn delete(call: &mut Call<'_, '_>, relationship: RelationshipId) -> Result<(), Failure> {
    if call.written()?.delete_relationship(relationship)? {
        call.context.counters.relationships_deleted += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(clash: Clash, expected: &str) {
        let map = |pairs: &[(&str, Value)]| pairs.iter().map(|(key, value)| ((*key).into(), value.clone())).collect();
        let kept: Map = map(&[("a", 1.into()), ("b", 2.into())]);
        let other: Map = map(&[("b", 3.into()), ("c", 4.into())]);
        assert_eq!(types::text::literal(&Value::map(clash.join(&kept, &other))), expected);
    }

    #[test]
    fn properties_that_both_have_are_joined_as_asked() {
        check(Clash::Discard, "{c: 4}");
        check(Clash::Overwrite, "{b: 3, c: 4}");
        check(Clash::Combine, "{b: [2, 3], c: 4}");
    }
}
