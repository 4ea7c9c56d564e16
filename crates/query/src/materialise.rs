//! Whole entities out of references, as they leave a statement.
//! Leaves what an entity holds to its source.
//! Start reading at [`materialise`].

use std::sync::Arc;

use compact_str::CompactString;
use types::{Failure, Node, NodeRef, Path, Relationship, RelationshipRef, Value, effort};

use crate::expression::over;
use crate::source::Source;

/// Takes bytes of memory for what is made, or says that there is no room.
pub type Take<'t> = &'t mut dyn FnMut(usize) -> Result<(), Failure>;

/// Turns references into whole entities, also inside lists, maps and paths; an entity deleted since comes without
/// labels and properties.
///
/// Each entity is paid for as it is made, and lists and maps before they are copied: a few references may stand for a lot.
///
/// # Errors
///
/// What the source and `take` report.
pub fn materialise(value: Value, sources: &[Box<dyn Source>], take: Take<'_>) -> Result<Value, Failure> {
    Ok(match value {
        Value::NodeRef(found) => paid(Value::Node(Arc::new(node(found, sources)?)), take)?,
        Value::RelationshipRef(found) => paid(Value::Relationship(Arc::new(relationship(&found, sources)?)), take)?,
        Value::PathRef(path) => {
            let nodes = path.nodes().into_iter().map(|found| {
                let node = Arc::new(node(found, sources)?);
                paid(Value::Node(Arc::clone(&node)), take).map(|_| node)
            });
            let nodes = nodes.collect::<Result<_, _>>()?;
            let relationships = path.relationships.iter().map(|found| {
                let relationship = Arc::new(relationship(found, sources)?);
                paid(Value::Relationship(Arc::clone(&relationship)), take).map(|_| relationship)
            });
            let relationships = relationships.collect::<Result<_, _>>()?;
            Value::Path(Arc::new(Path { nodes, relationships }))
        }
        Value::List(items) if items.iter().any(has_reference) => {
            take(items.len() * size_of::<Value>())?;
            let items = Arc::unwrap_or_clone(items).into_iter().map(|item| materialise(item, sources, take));
            Value::list(items.collect::<Result<_, _>>()?)
        }
        Value::Map(entries) if entries.values().any(has_reference) => {
            take(entries.len() * size_of::<(CompactString, Value)>())?;
            let entries = Arc::unwrap_or_clone(entries).into_iter();
            let entries = entries.map(|(key, item)| Ok((key, materialise(item, sources, take)?)));
            Value::map(entries.collect::<Result<_, Failure>>()?)
        }
        plain => plain,
    })
}

/// Pays for an entity that was just made.
fn paid(entity: Value, take: Take<'_>) -> Result<Value, Failure> {
    let bytes = entity.memory_bytes();
    take(bytes)?;
    if effort::pay_bytes(bytes) { Ok(entity) } else { Err(over()) }
}

fn has_reference(value: &Value) -> bool {
    match value {
        Value::NodeRef(_) | Value::RelationshipRef(_) | Value::PathRef(_) => true,
        Value::List(items) => items.iter().any(has_reference),
        Value::Map(entries) => entries.values().any(has_reference),
        _ => false,
    }
}

fn source(number: u16, sources: &[Box<dyn Source>]) -> &dyn Source {
    // A reference is only made from one of the statement's sources.
    sources[usize::from(number)].as_ref()
}

/// Parts of a value that making an entity whole takes as long as.
const ENTITY_PARTS: usize = 16;

fn node(found: NodeRef, sources: &[Box<dyn Source>]) -> Result<Node, Failure> {
    if !effort::pay(ENTITY_PARTS) {
        return Err(over());
    }
    let source = source(found.source, sources);
    let id = found.id;
    let (labels, properties) =
        if source.has_node(id)? { (source.labels(id)?, source.node_properties(id)?) } else { Default::default() };
    Ok(Node { id: id.0, element_id: source.node_element_id(id), labels, properties })
}

fn relationship(found: &RelationshipRef, sources: &[Box<dyn Source>]) -> Result<Relationship, Failure> {
    if !effort::pay(ENTITY_PARTS) {
        return Err(over());
    }
    let source = source(found.source, sources);
    let properties = match source.relationship(found.id)? {
        Some(_) => source.relationship_properties(found.id)?,
        None => types::Map::new(),
    };
    Ok(Relationship {
        id: found.id.0,
        element_id: source.relationship_element_id(found.id),
        kind: source.type_name(found.kind)?,
        start: found.start.0,
        end: found.end.0,
        start_element_id: source.node_element_id(found.start),
        end_element_id: source.node_element_id(found.end),
        properties,
    })
}
