//! `apoc.meta.*`: what a graph is made of, in the shapes that libraries feed to language models.
//! Leaves the look at the graph to `sample`, and what is connected with what to `db_schema`.
//! Start reading at [`Meta::of`].

use std::collections::{BTreeMap, BTreeSet};

use query::functions::apoc::type_name;
use query::{Budget, IndexInfo, NameKind, Source};
use types::{CompactString, Failure, Map, Value};

use super::built_in::{Call, Mode, Row, Rows};
use super::db_schema::{self, Connections, Drawing};
use super::sample::{self, Wanted};

pub(super) const ROWS: &[Row] = &[
    Row {
        signature: "apoc.meta.data(config = {} :: MAP) :: (label :: STRING, property :: STRING, count :: INTEGER, \
                    unique :: BOOLEAN, index :: BOOLEAN, existence :: BOOLEAN, type :: STRING, array :: BOOLEAN, \
                    sample :: LIST<ANY>, left :: INTEGER, right :: INTEGER, other :: LIST<STRING>, \
                    otherLabels :: LIST<STRING>, elementType :: STRING)",
        description: "Lists properties of labels and types, and what connects labels, from a sample of each.",
        mode: Mode::Read,
        run: data,
    },
    Row {
        signature: "apoc.meta.graph(config = {} :: MAP) :: (nodes :: LIST<NODE>, relationships :: LIST<RELATIONSHIP>)",
        description: "Draws the labels as nodes and what connects them as relationships, with counts.",
        mode: Mode::Read,
        run: graph,
    },
    Row {
        signature: "apoc.meta.graphSample(config = {} :: MAP) :: (nodes :: LIST<NODE>, \
                    relationships :: LIST<RELATIONSHIP>)",
        description: "Draws the labels as nodes and what connects them as relationships, with counts.",
        mode: Mode::Read,
        run: graph,
    },
    Row {
        signature: "apoc.meta.nodeTypeProperties(config = {} :: MAP) :: (nodeType :: STRING, \
                    nodeLabels :: LIST<STRING>, propertyName :: STRING, propertyTypes :: LIST<STRING>, \
                    mandatory :: BOOLEAN, propertyObservations :: INTEGER, totalObservations :: INTEGER)",
        description: "Lists the properties of nodes by their labels, from a sample of each label.",
        mode: Mode::Read,
        run: node_type_properties,
    },
    Row {
        signature: "apoc.meta.relTypeProperties(config = {} :: MAP) :: (relType :: STRING, \
                    sourceNodeLabels :: LIST<STRING>, targetNodeLabels :: LIST<STRING>, propertyName :: STRING, \
                    propertyTypes :: LIST<STRING>, mandatory :: BOOLEAN, propertyObservations :: INTEGER, \
                    totalObservations :: INTEGER)",
        description: "Lists the properties of relationships by type and labels at their ends, from a sample.",
        mode: Mode::Read,
        run: relationship_type_properties,
    },
    Row {
        signature: "apoc.meta.schema(config = {} :: MAP) :: (value :: MAP)",
        description: "Gives a map of labels and types with their properties and what connects them.",
        mode: Mode::Read,
        run: schema,
    },
    Row {
        signature: "apoc.meta.stats() :: (labelCount :: INTEGER, relTypeCount :: INTEGER, \
                    propertyKeyCount :: INTEGER, nodeCount :: INTEGER, relCount :: INTEGER, labels :: MAP, \
                    relTypes :: MAP, relTypesCount :: MAP, stats :: MAP)",
        description: "Counts nodes by label and relationships by type.",
        mode: Mode::Read,
        run: stats,
    },
    Row {
        signature: "apoc.meta.subGraph(config :: MAP) :: (nodes :: LIST<NODE>, relationships :: LIST<RELATIONSHIP>)",
        description: "Draws some labels and types and what connects them, with counts.",
        mode: Mode::Read,
        run: graph,
    },
];

/// Relationships whose ends are looked at one by one to count them; of more, only their types are counted.
const COUNTED_MAX: u64 = 200_000;

/// A property of a label or a type, as a sample shows it.
struct Property {
    /// The types of its values; a mixture is told as such.
    kinds: BTreeSet<&'static str>,
    is_list: bool,
    example: Value,
    /// Entities that have it.
    seen: usize,
}

type Properties = BTreeMap<CompactString, Property>;

/// A label or a type with its count and its properties.
struct Item {
    count: u64,
    properties: Properties,
    /// Entities that were looked at.
    seen: usize,
}

/// What a graph is made of.
struct Meta {
    labels: BTreeMap<CompactString, Item>,
    types: BTreeMap<CompactString, Item>,
    connections: Connections,
    /// Whether the connections are all there are, and so their counts exact.
    is_whole: bool,
    indexes: Vec<IndexInfo>,
}

/// Which labels and types are wanted; an empty list means all.
struct Only {
    labels: Vec<CompactString>,
    types: Vec<CompactString>,
    without: Vec<CompactString>,
}

impl Only {
    fn of(config: &Map) -> Self {
        let list = |keys: &[&str]| {
            let lists = keys.iter().filter_map(|key| match config.get(*key) {
                Some(Value::List(items)) => Some(items),
                _ => None,
            });
            let texts = lists.flat_map(|items| items.iter()).filter_map(|item| match item {
                Value::String(text) => Some(text.clone()),
                _ => None,
            });
            texts.collect()
        };
        Self {
            labels: list(&["labels", "includeLabels"]),
            types: list(&["rels", "includeRels"]),
            without: list(&["excludes", "excludeLabels", "excludeRels"]),
        }
    }

    fn label(&self, name: &CompactString) -> bool {
        (self.labels.is_empty() || self.labels.contains(name)) && !self.without.contains(name)
    }

    fn kind(&self, name: &CompactString) -> bool {
        (self.types.is_empty() || self.types.contains(name)) && !self.without.contains(name)
    }
}

impl Meta {
    /// Looks at a sample of every label and every type.
    fn of(source: &dyn Source, budget: &mut Budget, config: &Map) -> Result<Self, Failure> {
        let (wanted, only) = (Wanted::of(config), Only::of(config));
        let mut labels = BTreeMap::new();
        for name in source.names(NameKind::Label).into_iter().filter(|name| only.label(name)) {
            let Some(label) = source.label_id(&name) else { continue };
            let mut item = Item { count: source.count_nodes(Some(label))?, properties: Properties::new(), seen: 0 };
            if item.count == 0 {
                continue;
            }
            for node in sample::nodes(source, budget, Some(label), wanted)? {
                budget.pay_rows(1)?;
                item.add(&source.node_properties(node)?);
            }
            labels.insert(name, item);
        }
        let mut found = sample::relationships(source, budget, wanted)?;
        found.by_type.retain(|name, _| only.kind(name));
        let mut types = BTreeMap::new();
        for (name, found) in &found.by_type {
            let count = source.type_id(name).map_or(Ok(0), |kind| source.count_relationships(Some(kind)))?;
            let mut item = Item { count, properties: Properties::new(), seen: 0 };
            for relationship in found {
                budget.pay_rows(1)?;
                item.add(&source.relationship_properties(relationship.id)?);
            }
            types.insert(name.clone(), item);
        }
        let mut connections = db_schema::connections(source, budget, &found)?;
        connections.retain(|(start, _, end), _| only.label(start) && only.label(end));
        Ok(Self { labels, types, connections, is_whole: found.is_whole, indexes: source.indexes() })
    }

    /// Counts the relationships between two labels; where not all were looked at, by what part of them was.
    fn count(&self, kind: &str, met: usize) -> i64 {
        let met = met as u64;
        let count = match self.types.get(kind) {
            Some(item) if !self.is_whole && item.seen > 0 => met * item.count / item.seen as u64,
            _ => met,
        };
        integer(count)
    }

    fn indexes_of(&self, name: &str, key: &str, relationships: bool) -> (bool, bool) {
        let mut of = self.indexes.iter().filter(|index| {
            index.relationships == relationships && index.of == name && index.keys.iter().any(|known| known == key)
        });
        let is_indexed = of.clone().next().is_some();
        (is_indexed, of.any(|index| index.unique && index.keys.len() == 1))
    }

    /// Gives the labels that a label leads to by each type.
    fn outgoing(&self, label: &CompactString) -> BTreeMap<&CompactString, Vec<(&CompactString, usize)>> {
        let mut by_type: BTreeMap<&CompactString, Vec<(&CompactString, usize)>> = BTreeMap::new();
        for ((start, kind, end), count) in &self.connections {
            if start == label {
                by_type.entry(kind).or_default().push((end, *count));
            }
        }
        by_type
    }
}

impl Item {
    fn add(&mut self, properties: &Map) {
        self.seen += 1;
        for (key, value) in properties.iter() {
            let property = self.properties.entry(key.clone()).or_insert_with(|| Property {
                kinds: BTreeSet::new(),
                is_list: false,
                example: value.clone(),
                seen: 0,
            });
            property.kinds.insert(type_name(value));
            property.is_list |= matches!(value, Value::List(_));
            property.seen += 1;
        }
    }
}

impl Property {
    /// Names the type; the one that comes last where values are of several.
    fn kind(&self) -> &'static str {
        self.kinds.last().copied().unwrap_or("ANY")
    }
}

fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn texts<'t>(names: impl Iterator<Item = &'t CompactString>) -> Value {
    Value::list(names.cloned().map(Value::String).collect())
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn look(call: &mut Call<'_, '_>) -> Result<Meta, Failure> {
    let config = call.map(0);
    let (source, budget) = call.graph()?;
    Meta::of(source, budget, &config)
}

fn data(call: &mut Call<'_, '_>) -> Rows {
    let meta = look(call)?;
    let mut rows = Vec::new();
    for (name, item) in &meta.labels {
        for (kind, ends) in meta.outgoing(name) {
            let total: usize = ends.iter().map(|(_, count)| count).sum();
            let right = total.div_ceil(item.seen.max(1));
            let others = texts(ends.iter().map(|(end, _)| *end));
            rows.push(connection((name, kind), "node", (meta.count(kind, total), right), others));
        }
        for (key, property) in &item.properties {
            rows.push(property_row(&meta, (name, key), property, "node"));
        }
    }
    for (name, item) in &meta.types {
        let mut by_start: BTreeMap<&CompactString, Vec<(&CompactString, usize)>> = BTreeMap::new();
        for ((start, kind, end), count) in &meta.connections {
            if kind == name {
                by_start.entry(start).or_default().push((end, *count));
            }
        }
        for (start, ends) in by_start {
            let total: usize = ends.iter().map(|(_, count)| count).sum();
            let others = texts(ends.iter().map(|(end, _)| *end));
            rows.push(connection((name, start), "relationship", (meta.count(name, total), 1), others));
        }
        for (key, property) in &item.properties {
            rows.push(property_row(&meta, (name, key), property, "relationship"));
        }
    }
    Ok(rows)
}

/// Makes the row of what one label or type is connected with.
fn connection(
    (label, property): (&CompactString, &CompactString),
    element: &'static str,
    (count, right): (i64, usize),
    others: Value,
) -> Vec<Value> {
    vec![
        Value::String(label.clone()),
        Value::String(property.clone()),
        count.into(),
        false.into(),
        false.into(),
        false.into(),
        "RELATIONSHIP".into(),
        (right > 1).into(),
        Value::Null,
        1.into(),
        integer(right as u64).into(),
        others,
        Value::list(Vec::new()),
        element.into(),
    ]
}

fn property_row(
    meta: &Meta,
    (label, key): (&CompactString, &CompactString),
    property: &Property,
    element: &'static str,
) -> Vec<Value> {
    let (is_indexed, is_unique) = meta.indexes_of(label, key, element == "relationship");
    vec![
        Value::String(label.clone()),
        Value::String(key.clone()),
        0.into(),
        is_unique.into(),
        is_indexed.into(),
        false.into(),
        property.kind().into(),
        property.is_list.into(),
        Value::list(vec![property.example.clone()]),
        0.into(),
        0.into(),
        Value::list(Vec::new()),
        Value::list(Vec::new()),
        element.into(),
    ]
}

fn graph(call: &mut Call<'_, '_>) -> Rows {
    let meta = look(call)?;
    let mut drawing = Drawing::default();
    for (name, item) in &meta.labels {
        let properties: Map =
            [("name".into(), Value::String(name.clone())), ("count".into(), integer(item.count).into())]
                .into_iter()
                .collect();
        drawing.add_node(name, properties);
    }
    for ((start, kind, end), met) in &meta.connections {
        let count: Value = meta.count(kind, *met).into();
        let properties: Map =
            [("type".into(), Value::String(kind.clone())), ("count".into(), count)].into_iter().collect();
        drawing.connect(start, kind, end, properties);
    }
    Ok(vec![drawing.row()])
}

fn described(meta: &Meta, name: &str, item: &Item, relationships: bool) -> Value {
    let entries = item.properties.iter().map(|(key, property)| {
        let (is_indexed, is_unique) = meta.indexes_of(name, key, relationships);
        let mut entry: Vec<(&str, Value)> = vec![
            ("existence", (property.seen == item.seen).into()),
            ("type", property.kind().into()),
            ("array", property.is_list.into()),
        ];
        if !relationships {
            entry.extend([("indexed", is_indexed.into()), ("unique", is_unique.into())]);
        }
        (key.clone(), Value::map(entry.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    });
    Value::map(entries.collect())
}

fn schema(call: &mut Call<'_, '_>) -> Rows {
    let meta = look(call)?;
    let mut value = Map::default();
    for (name, item) in &meta.labels {
        let mut relationships = Map::default();
        let mut add = |kind: &CompactString, direction: &'static str, labels: Vec<&CompactString>, met: usize| {
            let properties = meta.types.get(kind).map(|item| described(&meta, kind, item, true));
            let entry = map([
                ("direction", direction.into()),
                ("count", meta.count(kind, met).into()),
                ("labels", texts(labels.into_iter())),
                ("properties", properties.unwrap_or_default()),
            ]);
            relationships.insert(kind.clone(), entry);
        };
        let mut incoming: BTreeMap<&CompactString, Vec<(&CompactString, usize)>> = BTreeMap::new();
        for ((start, kind, end), met) in &meta.connections {
            if end == name {
                incoming.entry(kind).or_default().push((start, *met));
            }
        }
        // One entry a type: where it leads out it is told so, whatever comes in by it.
        for (direction, by_type) in [("in", incoming), ("out", meta.outgoing(name))] {
            for (kind, others) in by_type {
                let met = others.iter().map(|(_, met)| met).sum();
                add(kind, direction, others.into_iter().map(|(label, _)| label).collect(), met);
            }
        }
        let entry = map([
            ("type", "node".into()),
            ("count", integer(item.count).into()),
            ("labels", Value::list(Vec::new())),
            ("properties", described(&meta, name, item, false)),
            ("relationships", Value::map(relationships)),
        ]);
        value.insert(name.clone(), entry);
    }
    for (name, item) in &meta.types {
        let entry = map([
            ("type", "relationship".into()),
            ("count", integer(item.count).into()),
            ("properties", described(&meta, name, item, true)),
        ]);
        value.insert(name.clone(), entry);
    }
    Ok(vec![vec![Value::map(value)]])
}

fn stats(call: &mut Call<'_, '_>) -> Rows {
    let (source, budget) = call.graph()?;
    let (mut labels, mut kinds, mut patterns) = (Map::default(), Map::default(), Map::default());
    for name in source.names(NameKind::Label) {
        let count = source.label_id(&name).map_or(Ok(0), |label| source.count_nodes(Some(label)))?;
        if count > 0 {
            labels.insert(name, integer(count).into());
        }
    }
    for name in source.names(NameKind::Type) {
        let count = source.type_id(&name).map_or(Ok(0), |kind| source.count_relationships(Some(kind)))?;
        if count > 0 {
            patterns.insert(compact_str::format_compact!("()-[:{name}]->()"), integer(count).into());
            kinds.insert(name, integer(count).into());
        }
    }
    let found = if source.count_relationships(None)? <= COUNTED_MAX {
        Some(sample::relationships(source, budget, Wanted(usize::MAX))?)
    } else {
        None
    };
    if let Some(found) = found {
        let mut ends: BTreeMap<CompactString, i64> = BTreeMap::new();
        for (kind, found) in &found.by_type {
            for relationship in found {
                budget.pay_rows(1)?;
                for label in source.labels(relationship.start)? {
                    *ends.entry(compact_str::format_compact!("(:{label})-[:{kind}]->()")).or_default() += 1;
                }
                for label in source.labels(relationship.end)? {
                    *ends.entry(compact_str::format_compact!("()-[:{kind}]->(:{label})")).or_default() += 1;
                }
            }
        }
        patterns.extend(ends.into_iter().map(|(pattern, count)| (pattern, count.into())));
    }
    let count = |map: &Map| Value::from(integer(map.len() as u64));
    let keys = Value::from(integer(source.names(NameKind::Key).len() as u64));
    let (nodes, relationships) = (source.count_nodes(None)?, source.count_relationships(None)?);
    let (nodes, relationships) = (Value::from(integer(nodes)), Value::from(integer(relationships)));
    let [labels_value, kinds_value, patterns_value] = [labels.clone(), kinds.clone(), patterns].map(Value::map);
    let all = map([
        ("labelCount", count(&labels)),
        ("relTypeCount", count(&kinds)),
        ("propertyKeyCount", keys.clone()),
        ("nodeCount", nodes.clone()),
        ("relCount", relationships.clone()),
        ("labels", labels_value.clone()),
        ("relTypes", patterns_value.clone()),
    ]);
    Ok(vec![vec![
        count(&labels),
        count(&kinds),
        keys,
        nodes,
        relationships,
        labels_value,
        patterns_value,
        kinds_value,
        all,
    ]])
}

fn node_type_properties(call: &mut Call<'_, '_>) -> Rows {
    let wanted = Wanted::of(&call.map(0));
    let (source, budget) = call.graph()?;
    let mut rows = Vec::new();
    for (labels, shape) in db_schema::node_types(source, budget, wanted)? {
        for (key, (kinds, count)) in &shape.keys {
            rows.push(vec![
                Value::string(db_schema::type_name(&labels)),
                texts(labels.iter()),
                Value::String(key.clone()),
                Value::list(kinds.iter().map(|kind| (*kind).into()).collect()),
                false.into(),
                integer(*count as u64).into(),
                integer(shape.seen as u64).into(),
            ]);
        }
    }
    Ok(rows)
}

fn relationship_type_properties(call: &mut Call<'_, '_>) -> Rows {
    let wanted = Wanted::of(&call.map(0));
    let (source, budget) = call.graph()?;
    let mut shapes: BTreeMap<_, db_schema::Shape> = BTreeMap::new();
    for (kind, found) in sample::relationships(source, budget, wanted)?.by_type {
        for relationship in found {
            budget.pay_rows(1)?;
            let ends = (source.labels(relationship.start)?, source.labels(relationship.end)?);
            let shape: &mut db_schema::Shape = shapes.entry((kind.clone(), ends)).or_default();
            shape.add(&source.relationship_properties(relationship.id)?);
        }
    }
    let mut rows = Vec::new();
    for ((kind, (starts, ends)), shape) in &shapes {
        for (key, (kinds, count)) in &shape.keys {
            rows.push(vec![
                Value::string(db_schema::type_name(std::slice::from_ref(kind))),
                texts(starts.iter()),
                texts(ends.iter()),
                Value::String(key.clone()),
                Value::list(kinds.iter().map(|kind| (*kind).into()).collect()),
                false.into(),
                integer(*count as u64).into(),
                integer(shape.seen as u64).into(),
            ]);
        }
    }
    Ok(rows)
}
