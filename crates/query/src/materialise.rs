//! Whole entities out of references, as they leave a statement.
//! Leaves what an entity holds to its source.
//! Start reading at [`materialise`].

use std::sync::Arc;

use types::{Failure, Node, NodeRef, Path, Relationship, RelationshipRef, Value, effort};

use crate::expression::over;
use crate::source::Source;

/// Turns references into whole entities, also inside lists, maps and paths; an entity deleted since comes without
/// labels and properties.
///
/// # Errors
///
/// What the source reports.
pub fn materialise(value: Value, sources: &[Box<dyn Source>]) -> Result<Value, Failure> {
    Ok(match value {
        Value::NodeRef(found) => Value::Node(Arc::new(node(found, sources)?)),
        Value::RelationshipRef(found) => Value::Relationship(Arc::new(relationship(&found, sources)?)),
        Value::PathRef(path) => {
            let nodes = path.nodes().into_iter().map(|found| node(found, sources).map(Arc::new));
            let relationships = path.relationships.iter().map(|found| relationship(found, sources).map(Arc::new));
            let path = Path {
                nodes: nodes.collect::<Result<_, _>>()?,
                relationships: relationships.collect::<Result<_, _>>()?,
            };
            Value::Path(Arc::new(path))
        }
        Value::List(items) if items.iter().any(has_reference) => {
            let items = Arc::unwrap_or_clone(items).into_iter().map(|item| materialise(item, sources));
            Value::list(items.collect::<Result<_, _>>()?)
        }
        Value::Map(entries) if entries.values().any(has_reference) => {
            let entries = Arc::unwrap_or_clone(entries).into_iter();
            let entries = entries.map(|(key, item)| Ok((key, materialise(item, sources)?)));
            Value::map(entries.collect::<Result<_, Failure>>()?)
        }
        plain => plain,
    })
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
