//! What expressions ask of nodes, relationships and paths: their source answers, a column at a time where it can.

use std::sync::Arc;

use compact_str::CompactString;
use types::{Code, Failure, Map, NodeId, NodeRef, PathRef, RelationshipId, RelationshipRef, TypeId, Value};

use super::evaluate::{by_row, by_row_within, make, ternary};
use super::{Context, LabelTest};
use crate::batch::trail;
use crate::functions::{EntityFunction, operators, property as plain};
use crate::source::Source;
use crate::{Batch, Column};

fn source<'a>(context: &'a Context<'_>, number: u16) -> &'a dyn Source {
    // The binder numbers the sources, and a reference is only made from one of them.
    context.sources[usize::from(number)].as_ref()
}

/// Computes `e.key` for a column; entities of one source are read as one batch.
pub(super) fn property(of: &Column, key: &str, context: &mut Context<'_>) -> Result<Column, Failure> {
    // Sources read no more long texts together than there is room for.
    context.budget.bound_copies();
    match of {
        Column::Nodes { source, ids } => node_property(*source, ids, key, context),
        Column::Relationships(found) => relationship_property(found.iter(), key, context),
        Column::Values(values) => match Entities::of(values) {
            Some(Entities::Nodes { source, ids, rows }) => {
                Ok(spread(node_property(source, &ids, key, context)?, &rows, values.len()))
            }
            Some(Entities::Relationships { found, rows }) => {
                let column = relationship_property(found.into_iter(), key, context)?;
                Ok(spread(column, &rows, values.len()))
            }
            None => by_row_within(values.len(), context, |row, context| property_of(&values[row], key, context)),
        },
        other => by_row_within(other.rows(), context, |row, context| property_of(&other.get(row), key, context)),
    }
}

/// Entities of one source out of a column that holds nothing else but nulls, with their rows.
enum Entities<'a> {
    Nodes { source: u16, ids: Vec<NodeId>, rows: Vec<usize> },
    Relationships { found: Vec<&'a RelationshipRef>, rows: Vec<usize> },
}

impl<'a> Entities<'a> {
    fn of(values: &'a [Value]) -> Option<Self> {
        let (mut ids, mut found, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        let mut one = None;
        for (row, value) in values.iter().enumerate() {
            let source = match value {
                Value::Null => continue,
                Value::NodeRef(node) => {
                    ids.push(node.id);
                    node.source
                }
                Value::RelationshipRef(relationship) => {
                    found.push(&**relationship);
                    relationship.source
                }
                _ => return None,
            };
            rows.push(row);
            if *one.get_or_insert(source) != source || !(ids.is_empty() || found.is_empty()) {
                return None;
            }
        }
        let source = one?;
        Some(if found.is_empty() { Self::Nodes { source, ids, rows } } else { Self::Relationships { found, rows } })
    }
}

/// Puts values into their rows; the other rows are null.
fn spread(values: Column, rows: &[usize], all: usize) -> Column {
    if rows.len() == all {
        return values;
    }
    let mut out = vec![Value::Null; all];
    for (value, row) in values.into_values().into_iter().zip(rows) {
        out[*row] = value;
    }
    Column::Values(out)
}

fn node_property(number: u16, ids: &[NodeId], key: &str, context: &Context<'_>) -> Result<Column, Failure> {
    let source = source(context, number);
    let Some(key) = source.key_id(key) else {
        return Ok(Column::Constant { value: Value::Null, rows: ids.len() });
    };
    match Runs::of(ids) {
        Some(runs) => Ok(source.node_column(&runs.ids, key)?.gather(&runs.places)),
        None => source.node_column(ids, key),
    }
}

/// Tells for each node whether it has a label; none has one that nobody ever used.
pub(super) fn with_label(number: u16, ids: &[NodeId], name: &str, context: &Context<'_>) -> Result<Vec<bool>, Failure> {
    let source = source(context, number);
    let Some(label) = source.label_id(name) else { return Ok(vec![false; ids.len()]) };
    let mut found = Vec::with_capacity(ids.len());
    if let Some(runs) = Runs::of(ids) {
        source.has_label(&runs.ids, label, &mut found)?;
        return Ok(runs.places.into_iter().map(|place| found[place]).collect());
    }
    source.has_label(ids, label, &mut found)?;
    Ok(found)
}

/// The nodes of a column where the same one stands in many rows together, as after an expansion: each is asked for once.
struct Runs {
    ids: Vec<NodeId>,
    /// For each row the place of its node in `ids`.
    places: Vec<usize>,
}

impl Runs {
    /// Finds the runs; `None` where there are too many of them for the work to pay off.
    fn of(ids: &[NodeId]) -> Option<Self> {
        let runs = ids.chunk_by(|left, right| left == right);
        if runs.clone().count() * 2 > ids.len() {
            return None;
        }
        let mut found = Self { ids: Vec::new(), places: Vec::with_capacity(ids.len()) };
        for run in runs {
            found.places.resize(found.places.len() + run.len(), found.ids.len());
            found.ids.push(run[0]);
        }
        Some(found)
    }
}

/// Computes a property of relationships of one source.
fn relationship_property<'a>(
    found: impl ExactSizeIterator<Item = &'a RelationshipRef>,
    key: &str,
    context: &Context<'_>,
) -> Result<Column, Failure> {
    let rows = found.len();
    let mut found = found.peekable();
    let source = found.peek().map(|first| source(context, first.source));
    let Some((source, key)) = source.and_then(|source| Some((source, source.key_id(key)?))) else {
        return Ok(Column::Constant { value: Value::Null, rows });
    };
    let ids: Vec<RelationshipId> = found.map(|found| found.id).collect();
    source.relationship_column(&ids, key)
}

fn property_of(value: &Value, key: &str, context: &Context<'_>) -> Result<Value, Failure> {
    let mut out = Vec::with_capacity(1);
    match value {
        Value::NodeRef(node) => return Ok(node_property(node.source, &[node.id], key, context)?.get(0)),
        Value::RelationshipRef(relationship) => {
            let source = source(context, relationship.source);
            match source.key_id(key) {
                Some(key) => source.relationship_property(&[relationship.id], key, &mut out)?,
                None => return Ok(Value::Null),
            }
        }
        other => return plain::get(other, key),
    }
    Ok(out.pop().unwrap_or_default())
}

/// Computes `e[i]`: a property by a computed key, or a place in a list or map.
pub(super) fn index(of: &Value, key: &Value, context: &Context<'_>) -> Result<Value, Failure> {
    match (of, key) {
        (Value::NodeRef(_) | Value::RelationshipRef(_), Value::Null) => Ok(Value::Null),
        (Value::NodeRef(_) | Value::RelationshipRef(_), Value::String(key)) => property_of(of, key, context),
        (Value::NodeRef(_) | Value::RelationshipRef(_), other) => {
            Err(mismatch("String (MapElementAccessByNonString)", other))
        }
        _ => operators::index(of, key),
    }
}

/// Gives all properties of an entity, or the entries of a map; none for null.
pub(crate) fn properties_of(value: &Value, context: &Context<'_>) -> Result<Map, Failure> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Map(entries) => Ok(entries.as_ref().clone()),
        Value::Node(node) => Ok(node.properties.clone()),
        Value::Relationship(relationship) => Ok(relationship.properties.clone()),
        Value::NodeRef(node) => source(context, node.source).node_properties(node.id),
        Value::RelationshipRef(relationship) => {
            source(context, relationship.source).relationship_properties(relationship.id)
        }
        other => Err(mismatch("Map, Node or Relationship", other)),
    }
}

/// Computes a function of a column of entities.
pub(super) fn call_all(function: EntityFunction, of: &Column, context: &mut Context<'_>) -> Result<Column, Failure> {
    if let (EntityFunction::Type, Column::Relationships(found)) = (function, of) {
        // Few types come often: the name of the last one is asked for once.
        let mut last: Option<((u16, TypeId), Value)> = None;
        let name = |found: &RelationshipRef| match &last {
            Some((kind, name)) if *kind == (found.source, found.kind) => Ok(name.clone()),
            _ => {
                let name = Value::String(source(context, found.source).type_name(found.kind)?);
                last = Some(((found.source, found.kind), name.clone()));
                Ok(name)
            }
        };
        return Ok(Column::Values(found.iter().map(name).collect::<Result<_, Failure>>()?));
    }
    by_row_within(of.rows(), context, |row, context| call(function, &of.get(row), context))
}

/// Computes a function of an entity; null for null.
fn call(function: EntityFunction, of: &Value, context: &Context<'_>) -> Result<Value, Failure> {
    if of.is_null() {
        return Ok(Value::Null);
    }
    match function {
        EntityFunction::Labels => match of {
            Value::NodeRef(node) => Ok(texts(source(context, node.source).labels(node.id)?)),
            Value::Node(node) => Ok(texts(node.labels.clone())),
            other => Err(wrong_value("Node", other)),
        },
        EntityFunction::Type => match of {
            Value::RelationshipRef(found) => Ok(Value::String(source(context, found.source).type_name(found.kind)?)),
            Value::Relationship(found) => Ok(Value::String(found.kind.clone())),
            other => Err(wrong_value("Relationship", other)),
        },
        EntityFunction::Properties => Ok(Value::map(properties_of(of, context)?)),
        EntityFunction::Keys => Ok(texts(properties_of(of, context)?.into_keys().collect())),
        EntityFunction::Id => identity(of, context).map(|(number, _)| number),
        EntityFunction::ElementId => identity(of, context).map(|(_, element)| element),
        EntityFunction::StartNode => end_of(of, |found| found.start),
        EntityFunction::EndNode => end_of(of, |found| found.end),
        EntityFunction::Nodes => {
            path(of).map(|path| Value::list(path.nodes().into_iter().map(Value::NodeRef).collect()))
        }
        EntityFunction::Relationships => path(of).map(|path| {
            Value::list(path.relationships.iter().map(|found| Value::RelationshipRef(Box::new(*found))).collect())
        }),
        EntityFunction::Length => path(of).map(|path| {
            Value::Integer(i64::try_from(path.relationships.len()).expect("a path in memory is shorter than i64::MAX"))
        }),
        EntityFunction::Exists => Ok(Value::Boolean(true)),
    }
}

/// Makes a path for each row out of the slots of its parts.
pub(super) fn path_of(start: usize, relationships: &[usize], batch: &Batch) -> Result<Column, Failure> {
    by_row(batch.rows, |row| {
        let Value::NodeRef(start) = batch.value(start, row) else { return Ok(Value::Null) };
        let mut walked = Vec::new();
        let is_whole = relationships.iter().all(|slot| add_steps(batch.columns.get(*slot), row, &mut walked));
        Ok(if is_whole { Value::PathRef(Arc::new(PathRef { start, relationships: walked })) } else { Value::Null })
    })
}

/// Adds the relationships of one part of a path; false where it has none, not even an empty list.
fn add_steps(column: Option<&Column>, row: usize, walked: &mut Vec<RelationshipRef>) -> bool {
    let mut made = Value::Null;
    match column {
        Some(Column::Relationships(found)) => walked.push(found[row]),
        Some(Column::Trails { ends, found }) => walked.extend_from_slice(trail(ends, found, row)),
        Some(column) => match column.lend(row, &mut made) {
            Value::RelationshipRef(found) => walked.push(**found),
            Value::List(found) => walked.extend(found.iter().filter_map(|item| match item {
                Value::RelationshipRef(found) => Some(**found),
                _ => None,
            })),
            _ => return false,
        },
        None => return false,
    }
    true
}

/// Gives the number and the element id of an entity.
fn identity(of: &Value, context: &Context<'_>) -> Result<(Value, Value), Failure> {
    let (number, element) = match of {
        Value::NodeRef(node) => (node.id.0, source(context, node.source).node_element_id(node.id)),
        Value::RelationshipRef(found) => (found.id.0, source(context, found.source).relationship_element_id(found.id)),
        other => return Err(mismatch("Node or Relationship", other)),
    };
    let number = i64::try_from(number).map_err(|_| Failure::new(Code::ArithmeticError, "an id is beyond i64"))?;
    Ok((Value::Integer(number), Value::String(element)))
}

fn end_of(of: &Value, end: impl Fn(&RelationshipRef) -> NodeId) -> Result<Value, Failure> {
    match of {
        Value::RelationshipRef(found) => Ok(Value::NodeRef(NodeRef { source: found.source, id: end(found) })),
        other => Err(mismatch("Relationship", other)),
    }
}

fn path(of: &Value) -> Result<&Arc<PathRef>, Failure> {
    match of {
        Value::PathRef(path) => Ok(path),
        other => Err(mismatch("Path", other)),
    }
}

/// Computes `e:A&!B` for a column; null for null.
pub(super) fn has_labels(
    of: &Column,
    test: &LabelTest,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Column, Failure> {
    if let (Column::Nodes { source, ids }, LabelTest::Name(name)) = (of, test) {
        let found = with_label(*source, ids, name, context)?;
        return Ok(Column::Values(found.into_iter().map(Value::Boolean).collect()));
    }
    let mut names = Vec::with_capacity(of.rows());
    for row in 0..of.rows() {
        names.push(match of.get(row) {
            Value::Null => None,
            Value::NodeRef(node) => Some(source(context, node.source).labels(node.id)?),
            Value::RelationshipRef(found) => Some(vec![source(context, found.source).type_name(found.kind)?]),
            other => return Err(mismatch("Node or Relationship", &other)),
        });
    }
    let truths = passes(test, &names, batch, context)?;
    Ok(Column::Values(truths.into_iter().map(ternary).collect()))
}

fn passes(
    test: &LabelTest,
    names: &[Option<Vec<CompactString>>],
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Vec<Option<bool>>, Failure> {
    let each =
        |judge: &dyn Fn(&[CompactString]) -> bool| names.iter().map(|names| Some(judge(names.as_ref()?))).collect();
    Ok(match test {
        LabelTest::Name(name) => each(&|names| names.contains(name)),
        LabelTest::Any => each(&|names| !names.is_empty()),
        LabelTest::Not(inner) => {
            passes(inner, names, batch, context)?.into_iter().map(|truth| truth.map(|truth| !truth)).collect()
        }
        LabelTest::And(parts) => fold(parts, Some(true), operators::and, names, batch, context)?,
        LabelTest::Or(parts) => fold(parts, Some(false), operators::or, names, batch, context)?,
        LabelTest::Dynamic(wanted) | LabelTest::DynamicAny(wanted) => {
            let is_any = matches!(test, LabelTest::DynamicAny(_));
            let wanted = make(wanted, batch, context)?;
            let mut truths = Vec::with_capacity(names.len());
            for (row, names) in names.iter().enumerate() {
                let wanted = wanted_names(&wanted.get(row))?;
                truths.push(names.as_ref().map(|names| match is_any {
                    true => wanted.iter().any(|name| names.contains(name)),
                    false => wanted.iter().all(|name| names.contains(name)),
                }));
            }
            truths
        }
    })
}

fn fold(
    parts: &[LabelTest],
    begin: Option<bool>,
    join: fn(Option<bool>, Option<bool>) -> Option<bool>,
    names: &[Option<Vec<CompactString>>],
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<Vec<Option<bool>>, Failure> {
    let mut truths: Vec<Option<bool>> = names.iter().map(|names| names.as_ref().and(begin)).collect();
    for part in parts {
        let found = passes(part, names, batch, context)?;
        for (truth, found) in truths.iter_mut().zip(found) {
            *truth = join(*truth, found);
        }
    }
    Ok(truths)
}

/// Reads the names that `:$(e)` gives: a string, or a list of strings.
pub(crate) fn wanted_names(value: &Value) -> Result<Vec<CompactString>, Failure> {
    match value {
        Value::String(name) => Ok(vec![name.clone()]),
        Value::List(items) => items
            .iter()
            .map(|item| match item {
                Value::String(name) => Ok(name.clone()),
                other => Err(mismatch("String", other)),
            })
            .collect(),
        other => Err(mismatch("String or List of String", other)),
    }
}

fn texts(texts: Vec<CompactString>) -> Value {
    Value::list(texts.into_iter().map(Value::String).collect())
}

/// A value that only the running statement finds to be no such entity.
#[cold]
fn wrong_value(expected: &str, found: &Value) -> Failure {
    let text = format!("Type mismatch: expected {expected} but was {} (InvalidArgumentValue)", found.type_name());
    Failure::new(Code::TypeError, text)
}

/// A value of a type that does not fit.
#[cold]
pub(crate) fn mismatch(expected: &str, found: &Value) -> Failure {
    let text = format!("Type mismatch: expected {expected} but was {} (InvalidArgumentType)", found.type_name());
    Failure::new(Code::TypeError, text)
}
