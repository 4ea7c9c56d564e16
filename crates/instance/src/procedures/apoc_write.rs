//! `apoc.merge.*` and `apoc.create.*`: nodes and relationships whose labels and types come as values.
//! Leaves joining several nodes into one to `apoc_refactor`.
//! Start reading at [`merge_node`].

use query::operator::stored;
use query::{Budget, Condition, Expansion, Source};
use types::{
    Code, CompactString, Direction, Failure, KeyId, LabelId, Map, NodeId, NodeRef, RelationshipId, RelationshipRef,
    Value, compare,
};

use super::built_in::{Call, Mode, Row, Rows, known_labels, wrong};

/// Nodes that are looked at together.
const CHUNK: usize = 1_024;

pub(super) const ROWS: &[Row] = &[
    Row {
        signature: "apoc.create.addLabels(nodes :: ANY, labels :: LIST<STRING>) :: (node :: NODE)",
        description: "Adds labels to nodes.",
        mode: Mode::Write,
        run: |call| relabel(call, Labels::Add),
    },
    Row {
        signature: "apoc.create.node(labels :: LIST<STRING>, props :: MAP) :: (node :: NODE)",
        description: "Makes a node with labels and properties.",
        mode: Mode::Write,
        run: |call| {
            let (labels, properties) = (call.texts(0)?, call.map(1));
            let node = create_node(call, &labels, &[&properties])?;
            Ok(vec![vec![node_value(call, node)]])
        },
    },
    Row {
        signature: "apoc.create.relationship(from :: NODE, relType :: STRING, props :: MAP, to :: NODE) :: \
                    (rel :: RELATIONSHIP)",
        description: "Makes a relationship with a type and properties.",
        mode: Mode::Write,
        run: |call| {
            let (Some(start), Some(end)) = (one_node(call, 0)?, one_node(call, 3)?) else { return Ok(Vec::new()) };
            let (kind, properties) = (type_name(call, 1)?, call.map(2));
            let made = create_relationship(call, (start, end), &kind, &[&properties])?;
            Ok(vec![vec![Value::RelationshipRef(Box::new(made))]])
        },
    },
    Row {
        signature: "apoc.create.removeLabels(nodes :: ANY, labels :: LIST<STRING>) :: (node :: NODE)",
        description: "Removes labels from nodes.",
        mode: Mode::Write,
        run: |call| relabel(call, Labels::Remove),
    },
    Row {
        signature: "apoc.merge.node(labels :: LIST<STRING>, identProps :: MAP, onCreateProps = {} :: MAP, \
                    onMatchProps = {} :: MAP) :: (node :: NODE)",
        description: "Finds the nodes with labels and properties, or makes one.",
        mode: Mode::Write,
        run: merge_node,
    },
    Row {
        signature: "apoc.merge.relationship(startNode :: NODE, relType :: STRING, identProps :: MAP, \
                    onCreateProps :: MAP, endNode :: NODE, onMatchProps = {} :: MAP) :: (rel :: RELATIONSHIP)",
        description: "Finds the relationships of a type with properties between two nodes, or makes one.",
        mode: Mode::Write,
        run: merge_relationship,
    },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Labels {
    Add,
    Remove,
}

fn relabel(call: &mut Call<'_, '_>, how: Labels) -> Rows {
    let (nodes, names) = (call.nodes(0)?, call.texts(1)?);
    for name in &names {
        for node in &nodes {
            let source = call.written()?;
            let changed = match how {
                Labels::Add => {
                    let label = source.make_label(name)?;
                    source.add_label(node.id, label)?
                }
                Labels::Remove => match source.label_id(name) {
                    Some(label) => source.remove_label(node.id, label)?,
                    None => false,
                },
            };
            match how {
                Labels::Add => call.context.counters.labels_added += u64::from(changed),
                Labels::Remove => call.context.counters.labels_removed += u64::from(changed),
            }
        }
    }
    Ok(nodes.into_iter().map(|node| vec![Value::NodeRef(node)]).collect())
}

fn merge_node(call: &mut Call<'_, '_>) -> Rows {
    let (labels, identity) = (call.texts(0)?, call.map(1));
    if identity.is_empty() {
        let text = "you need to supply at least one identifying property for a merge";
        return Err(Failure::new(Code::ArgumentError, text));
    }
    refuse_nulls(&identity)?;
    let (on_create, on_match) = (call.map(2), call.map(3));
    let (source, budget) = call.graph()?;
    let found = matching_nodes(source, budget, &labels, &identity)?;
    if found.is_empty() {
        let made = create_node(call, &labels, &[&identity, &on_create])?;
        return Ok(vec![vec![node_value(call, made)]]);
    }
    for node in &found {
        set_node(call, *node, &on_match)?;
    }
    Ok(found.into_iter().map(|node| vec![node_value(call, node)]).collect())
}

/// Finds the nodes with labels and properties: by an index where one has a property, or else among those of a label.
fn matching_nodes(
    source: &dyn Source,
    budget: &mut Budget,
    names: &[CompactString],
    identity: &Map,
) -> Result<Vec<NodeId>, Failure> {
    let Some(labels) = known_labels(source, names) else { return Ok(Vec::new()) };
    let Some(wanted) = known_keys(source, identity) else { return Ok(Vec::new()) };
    let index = source.indexes().into_iter().find(|index| {
        !index.relationships
            && index.keys.len() == 1
            && names.contains(&index.of)
            && identity.contains_key(&index.keys[0])
    });
    if let Some(index) = index {
        let value = identity.get(&index.keys[0]).cloned().unwrap_or_default();
        let mut found = Vec::new();
        source.seek_nodes(index.id, &Condition::Equal(vec![value]), &mut found)?;
        budget.pay_rows(found.len().max(1))?;
        return keep_matching(source, found, &labels, &wanted);
    }
    // The rarest label has the fewest nodes to look at.
    let mut rarest: Option<(u64, LabelId)> = None;
    for label in &labels {
        let count = source.count_nodes(Some(*label))?;
        rarest = Some(rarest.map_or((count, *label), |best| best.min((count, *label))));
    }
    let (mut kept, mut after) = (Vec::new(), None);
    loop {
        let mut nodes = Vec::new();
        source.scan_nodes(rarest.map(|(_, label)| label), after, CHUNK, &mut nodes)?;
        budget.pay_rows(nodes.len().max(1))?;
        after = nodes.last().copied();
        let is_last = nodes.len() < CHUNK;
        kept.extend(keep_matching(source, nodes, &labels, &wanted)?);
        if is_last {
            return Ok(kept);
        }
    }
}

fn keep_matching(
    source: &dyn Source,
    mut nodes: Vec<NodeId>,
    labels: &[LabelId],
    wanted: &[(KeyId, Value)],
) -> Result<Vec<NodeId>, Failure> {
    for (key, value) in wanted {
        let mut values = Vec::with_capacity(nodes.len());
        source.node_property(&nodes, *key, &mut values)?;
        let mut values = values.iter();
        nodes.retain(|_| values.next().is_some_and(|found| compare::equals(found, value) == Some(true)));
    }
    for label in labels {
        let mut has = Vec::with_capacity(nodes.len());
        source.has_label(&nodes, *label, &mut has)?;
        let mut has = has.iter();
        nodes.retain(|_| has.next() == Some(&true));
    }
    Ok(nodes)
}

/// Gives the keys of properties that are looked for; nothing where no entity has one of them.
fn known_keys(source: &dyn Source, identity: &Map) -> Option<Vec<(KeyId, Value)>> {
    identity.iter().map(|(name, value)| Some((source.key_id(name)?, value.clone()))).collect()
}

fn merge_relationship(call: &mut Call<'_, '_>) -> Rows {
    let (Some(start), Some(end)) = (one_node(call, 0)?, one_node(call, 4)?) else { return Ok(Vec::new()) };
    let (kind, identity) = (type_name(call, 1)?, call.map(2));
    refuse_nulls(&identity)?;
    let (on_create, on_match) = (call.map(3), call.map(5));
    let (source, budget) = call.graph()?;
    let found = matching_relationships(source, budget, (start, end), &kind, &identity)?;
    if found.is_empty() {
        let made = create_relationship(call, (start, end), &kind, &[&identity, &on_create])?;
        return Ok(vec![vec![Value::RelationshipRef(Box::new(made))]]);
    }
    for relationship in &found {
        set_relationship(call, relationship.id, &on_match)?;
    }
    Ok(found.into_iter().map(|found| vec![Value::RelationshipRef(Box::new(found))]).collect())
}

fn matching_relationships(
    source: &dyn Source,
    budget: &mut Budget,
    (start, end): (NodeId, NodeId),
    kind: &str,
    identity: &Map,
) -> Result<Vec<RelationshipRef>, Failure> {
    let (Some(kind), Some(wanted)) = (source.type_id(kind), known_keys(source, identity)) else {
        return Ok(Vec::new());
    };
    let mut expansion = Expansion::default();
    source.expand(&[start], Direction::Outgoing, Some(&[kind]), &mut expansion)?;
    budget.pay_rows(expansion.found.len().max(1))?;
    let between = expansion.found.into_iter().filter(|found| found.neighbour == end);
    let mut found: Vec<RelationshipRef> = between.map(|found| found.relationship).collect();
    for (key, value) in wanted {
        let ids: Vec<RelationshipId> = found.iter().map(|found| found.id).collect();
        let mut values = Vec::with_capacity(ids.len());
        source.relationship_property(&ids, key, &mut values)?;
        let mut values = values.iter();
        found.retain(|_| values.next().is_some_and(|found| compare::equals(found, &value) == Some(true)));
    }
    Ok(found)
}

/// Refuses to look for nulls: nothing equals them, so that each call would make another entity.
fn refuse_nulls(identity: &Map) -> Result<(), Failure> {
    match identity.iter().find(|(_, value)| value.is_null()) {
        None => Ok(()),
        Some((key, _)) => {
            let text = format!("Cannot merge by a property that is null: '{key}'");
            Err(Failure::new(Code::SemanticError, text))
        }
    }
}

fn one_node(call: &Call<'_, '_>, at: usize) -> Result<Option<NodeId>, Failure> {
    match call.arguments.get(at) {
        Some(Value::NodeRef(node)) if node.source == call.number() => Ok(Some(node.id)),
        None | Some(Value::Null) => Ok(None),
        Some(other) => Err(wrong("a Node of this database", other)),
    }
}

fn type_name(call: &Call<'_, '_>, at: usize) -> Result<CompactString, Failure> {
    let kind = call.text(at);
    if kind.is_empty() {
        return Err(Failure::new(Code::ArgumentError, "A relationship needs a type that is not empty."));
    }
    Ok(kind)
}

pub(super) fn node_value(call: &Call<'_, '_>, id: NodeId) -> Value {
    Value::NodeRef(NodeRef { source: call.number(), id })
}

/// Gives properties as they are stored; of two with one key the later wins, and nulls are left out.
fn storable(source: &mut dyn Source, all: &[&Map]) -> Result<Vec<(KeyId, Value)>, Failure> {
    let mut merged = Map::default();
    for properties in all {
        merged.extend(properties.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    let mut pairs = Vec::with_capacity(merged.len());
    for (name, value) in merged {
        if !value.is_null() {
            pairs.push((source.make_key(&name)?, stored(value)?));
        }
    }
    Ok(pairs)
}

fn create_node(call: &mut Call<'_, '_>, labels: &[CompactString], properties: &[&Map]) -> Result<NodeId, Failure> {
    let source = call.written()?;
    let mut numbers = labels.iter().map(|name| source.make_label(name)).collect::<Result<Vec<_>, Failure>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    let pairs = storable(source, properties)?;
    let made = source.create_node(&numbers, &pairs)?;
    let counters = &mut call.context.counters;
    counters.nodes_created += 1;
    counters.labels_added += numbers.len() as u64;
    counters.properties_set += pairs.len() as u64;
    Ok(made)
}

pub(super) fn create_relationship(
    call: &mut Call<'_, '_>,
    (start, end): (NodeId, NodeId),
    kind: &str,
    properties: &[&Map],
) -> Result<RelationshipRef, Failure> {
    let number = call.number();
    let source = call.written()?;
    let kind = source.make_type(kind)?;
    let pairs = storable(source, properties)?;
    let id = source.create_relationship(start, kind, end, &pairs)?;
    call.context.counters.relationships_created += 1;
    call.context.counters.properties_set += pairs.len() as u64;
    Ok(RelationshipRef { source: number, id, kind, start, end })
}

/// Sets properties of a node; those that are null are removed.
pub(super) fn set_node(call: &mut Call<'_, '_>, node: NodeId, properties: &Map) -> Result<(), Failure> {
    for (name, value) in properties.iter() {
        let source = call.written()?;
        let key = source.make_key(name)?;
        let changed = source.set_node_property(node, key, stored(value.clone())?)?;
        call.context.counters.properties_set += u64::from(changed);
    }
    Ok(())
}

/// Sets properties of a relationship; those that are null are removed.
pub(super) fn set_relationship(
    call: &mut Call<'_, '_>,
    relationship: RelationshipId,
    properties: &Map,
) -> Result<(), Failure> {
    for (name, value) in properties.iter() {
        let source = call.written()?;
        let key = source.make_key(name)?;
        let changed = source.set_relationship_property(relationship, key, stored(value.clone())?)?;
        call.context.counters.properties_set += u64::from(changed);
    }
    Ok(())
}
