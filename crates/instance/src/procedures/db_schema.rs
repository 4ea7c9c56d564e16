//! `db.schema.*`: which properties nodes and relationships have, and what is connected with what.
//! Leaves the look at the graph to `sample`.
//! Start reading at [`node_types`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use query::{Budget, NameKind, Source};
use types::{CompactString, Failure, Map, Node, Relationship, Value};

use super::built_in::{Call, Mode, Row, Rows};
use super::sample::{self, Wanted};

pub(super) const ROWS: &[Row] = &[
    Row {
        signature: "db.schema.nodeTypeProperties() :: (nodeType :: STRING, nodeLabels :: LIST<STRING>, \
                    propertyName :: STRING, propertyTypes :: LIST<STRING>, mandatory :: BOOLEAN)",
        description: "Lists the properties of nodes by their labels, from a sample of each label.",
        mode: Mode::Read,
        run: |call| {
            let (source, budget) = call.graph()?;
            let types = node_types(source, budget, Wanted(sample::WANTED))?;
            let rows = types.into_iter().flat_map(|(labels, shape)| {
                let shown = Value::list(labels.iter().map(|label| Value::String(label.clone())).collect());
                let name = Value::string(type_name(&labels));
                shape
                    .rows()
                    .into_iter()
                    .map(move |(key, kinds, is_always)| vec![name.clone(), shown.clone(), key, kinds, is_always.into()])
            });
            Ok(rows.collect())
        },
    },
    Row {
        signature: "db.schema.relTypeProperties() :: (relType :: STRING, propertyName :: STRING, \
                    propertyTypes :: LIST<STRING>, mandatory :: BOOLEAN)",
        description: "Lists the properties of relationships by their types, from a sample of each type.",
        mode: Mode::Read,
        run: |call| {
            let (source, budget) = call.graph()?;
            let mut rows = Vec::new();
            for (kind, found) in sample::relationships(source, budget, Wanted(sample::WANTED))?.by_type {
                let mut shape = Shape::default();
                for relationship in found {
                    budget.pay_rows(1)?;
                    shape.add(&source.relationship_properties(relationship.id)?);
                }
                let name = Value::string(type_name(std::slice::from_ref(&kind)));
                let listed = shape.rows().into_iter();
                rows.extend(listed.map(|(key, kinds, is_always)| vec![name.clone(), key, kinds, is_always.into()]));
            }
            Ok(rows)
        },
    },
    Row {
        signature: "db.schema.visualization() :: (nodes :: LIST<NODE>, relationships :: LIST<RELATIONSHIP>)",
        description: "Draws the labels as nodes and what connects them as relationships, from a sample.",
        mode: Mode::Read,
        run: visualization,
    },
];

/// The properties of entities of one kind.
#[derive(Default)]
pub(super) struct Shape {
    /// Entities that were looked at.
    pub(super) seen: usize,
    /// For each key the types of its values, and how many entities have it.
    pub(super) keys: BTreeMap<CompactString, (BTreeSet<&'static str>, usize)>,
}

impl Shape {
    pub(super) fn add(&mut self, properties: &Map) {
        self.seen += 1;
        for (key, value) in properties.iter() {
            let (kinds, count) = self.keys.entry(key.clone()).or_default();
            kinds.insert(java_type(value));
            *count += 1;
        }
    }

    /// Gives each key with its types and whether every entity has it; one row of nulls where there is none.
    fn rows(&self) -> Vec<(Value, Value, bool)> {
        if self.keys.is_empty() {
            return vec![(Value::Null, Value::Null, false)];
        }
        let row = |(key, (kinds, count)): (&CompactString, &(BTreeSet<&'static str>, usize))| {
            let kinds = Value::list(kinds.iter().map(|kind| (*kind).into()).collect());
            (Value::String(key.clone()), kinds, *count == self.seen)
        };
        self.keys.iter().map(row).collect()
    }
}

/// Finds the sets of labels that nodes have, each with its properties.
pub(super) fn node_types(
    source: &dyn Source,
    budget: &mut Budget,
    wanted: Wanted,
) -> Result<BTreeMap<Vec<CompactString>, Shape>, Failure> {
    let mut types: BTreeMap<Vec<CompactString>, Shape> = BTreeMap::new();
    let mut met = BTreeSet::new();
    let labels = source.names(NameKind::Label).into_iter().filter_map(|name| source.label_id(&name)).map(Some);
    // The last round meets nodes without a label.
    for label in labels.chain([None]) {
        for node in sample::nodes(source, budget, label, wanted)? {
            if met.insert(node) {
                budget.pay_rows(1)?;
                types.entry(source.labels(node)?).or_default().add(&source.node_properties(node)?);
            }
        }
    }
    Ok(types)
}

/// Writes labels, or a type, as ``:`A`:`B` ``.
pub(super) fn type_name(labels: &[CompactString]) -> String {
    labels.iter().map(|label| format!(":`{}`", label.replace('`', "``"))).collect()
}

/// Names a type as Neo4j's `db.schema.*` do.
pub(super) fn java_type(value: &Value) -> &'static str {
    match value {
        Value::Boolean(_) => "Boolean",
        Value::Integer(_) => "Long",
        Value::Float(_) => "Double",
        Value::String(_) => "String",
        Value::Bytes(_) => "ByteArray",
        Value::Date(_) => "Date",
        Value::LocalTime(_) => "LocalTime",
        Value::Time(_) => "Time",
        Value::LocalDateTime(_) => "LocalDateTime",
        Value::DateTime(_) => "DateTime",
        Value::Duration(_) => "Duration",
        Value::Point(_) => "Point",
        Value::List(items) => match items.first() {
            Some(Value::Boolean(_)) => "BooleanArray",
            Some(Value::Integer(_)) => "LongArray",
            Some(Value::Float(_)) => "DoubleArray",
            Some(Value::Date(_)) => "DateArray",
            Some(Value::LocalTime(_)) => "LocalTimeArray",
            Some(Value::Time(_)) => "TimeArray",
            Some(Value::LocalDateTime(_)) => "LocalDateTimeArray",
            Some(Value::DateTime(_)) => "DateTimeArray",
            Some(Value::Duration(_)) => "DurationArray",
            Some(Value::Point(_)) => "PointArray",
            _ => "StringArray",
        },
        _ => "Any",
    }
}

/// A start label, a type and an end label that occur together, and how often the sample met them.
pub(super) type Connections = BTreeMap<(CompactString, CompactString, CompactString), usize>;

/// Counts what connects which labels in a sample.
pub(super) fn connections(
    source: &dyn Source,
    budget: &mut Budget,
    found: &sample::Relationships,
) -> Result<Connections, Failure> {
    let mut counted = Connections::new();
    for (kind, found) in &found.by_type {
        for relationship in found {
            budget.pay_rows(1)?;
            let (starts, ends) = (source.labels(relationship.start)?, source.labels(relationship.end)?);
            for start in &starts {
                for end in &ends {
                    *counted.entry((start.clone(), kind.clone(), end.clone())).or_default() += 1;
                }
            }
        }
    }
    Ok(counted)
}

/// Makes nodes and relationships that stand for labels and types; they exist in the answer alone.
#[derive(Default)]
pub(super) struct Drawing {
    pub(super) nodes: Vec<Arc<Node>>,
    pub(super) relationships: Vec<Arc<Relationship>>,
}

impl Drawing {
    pub(super) fn add_node(&mut self, label: &CompactString, properties: Map) {
        let number = self.nodes.len() as u64 + 1;
        let element_id = compact_str::format_compact!("-{number}");
        self.nodes.push(Arc::new(Node { id: number, element_id, labels: vec![label.clone()], properties }));
    }

    /// Adds a relationship; labels that were not drawn are left out.
    pub(super) fn connect(&mut self, start: &str, kind: &CompactString, end: &str, properties: Map) {
        let node = |label: &str| self.nodes.iter().find(|node| node.labels.iter().any(|known| known == label));
        let (Some(start), Some(end)) = (node(start), node(end)) else { return };
        let number = self.relationships.len() as u64 + 1;
        self.relationships.push(Arc::new(Relationship {
            id: number,
            element_id: compact_str::format_compact!("-{number}"),
            kind: kind.clone(),
            start: start.id,
            end: end.id,
            start_element_id: start.element_id.clone(),
            end_element_id: end.element_id.clone(),
            properties,
        }));
    }

    pub(super) fn row(self) -> Vec<Value> {
        let nodes = self.nodes.into_iter().map(Value::Node).collect();
        let relationships = self.relationships.into_iter().map(Value::Relationship).collect();
        vec![Value::list(nodes), Value::list(relationships)]
    }
}

fn visualization(call: &mut Call<'_, '_>) -> Rows {
    let (source, budget) = call.graph()?;
    let found = sample::relationships(source, budget, Wanted(sample::WANTED))?;
    let connected = connections(source, budget, &found)?;
    let indexes = source.indexes();
    let mut drawing = Drawing::default();
    for name in source.names(NameKind::Label) {
        let Some(label) = source.label_id(&name) else { continue };
        if source.count_nodes(Some(label))? == 0 {
            continue;
        }
        let of_label = indexes.iter().filter(|index| !index.relationships && index.of == name);
        let (unique, plain): (Vec<_>, Vec<_>) = of_label.partition(|index| index.unique);
        let keys = |list: Vec<&query::IndexInfo>| {
            Value::list(list.into_iter().map(|index| Value::string(index.keys.join(","))).collect())
        };
        let properties: Map = [
            ("name".into(), Value::String(name.clone())),
            ("indexes".into(), keys(plain)),
            ("constraints".into(), keys(unique)),
        ]
        .into_iter()
        .collect();
        drawing.add_node(&name, properties);
    }
    for (start, kind, end) in connected.keys() {
        let properties = [("name".into(), Value::String(kind.clone()))].into_iter().collect();
        drawing.connect(start, kind, end, properties);
    }
    Ok(vec![drawing.row()])
}
