//! The names that a graph keeps: labels, relationship types, property keys.

use query::{NameKind, Source};
use types::{Failure, Value};

use super::built_in::{Call, Mode, Row, Rows};

pub(super) const ROWS: &[Row] = &[
    Row {
        signature: "db.labels() :: (label :: STRING)",
        description: "Lists the labels that some node has.",
        mode: Mode::Read,
        run: |call| {
            used(call, NameKind::Label, |source, name| match source.label_id(name) {
                Some(label) => source.count_nodes(Some(label)),
                None => Ok(0),
            })
        },
    },
    Row {
        signature: "db.propertyKeys() :: (propertyKey :: STRING)",
        description: "Lists the property keys that were ever used.",
        mode: Mode::Read,
        run: |call| {
            let (source, _) = call.graph()?;
            Ok(source.names(NameKind::Key).into_iter().map(|name| vec![Value::String(name)]).collect())
        },
    },
    Row {
        signature: "db.relationshipTypes() :: (relationshipType :: STRING)",
        description: "Lists the types that some relationship has.",
        mode: Mode::Read,
        run: |call| {
            used(call, NameKind::Type, |source, name| match source.type_id(name) {
                Some(kind) => source.count_relationships(Some(kind)),
                None => Ok(0),
            })
        },
    },
    Row {
        signature: "db.createLabel(newLabel :: STRING)",
        description: "Makes a label known before a node has it.",
        mode: Mode::Write,
        run: |call| make(call, NameKind::Label),
    },
    Row {
        signature: "db.createProperty(newProperty :: STRING)",
        description: "Makes a property key known before an entity has it.",
        mode: Mode::Write,
        run: |call| make(call, NameKind::Key),
    },
    Row {
        signature: "db.createRelationshipType(newRelationshipType :: STRING)",
        description: "Makes a relationship type known before a relationship has it.",
        mode: Mode::Write,
        run: |call| make(call, NameKind::Type),
    },
];

/// Lists the names that something has; a name outlives its last use.
fn used(call: &mut Call<'_, '_>, kind: NameKind, count: fn(&dyn Source, &str) -> Result<u64, Failure>) -> Rows {
    let (source, _) = call.graph()?;
    let mut rows = Vec::new();
    for name in source.names(kind) {
        if count(source, &name)? > 0 {
            rows.push(vec![Value::String(name)]);
        }
    }
    Ok(rows)
}

fn make(call: &mut Call<'_, '_>, kind: NameKind) -> Rows {
    let name = call.text(0);
    call.written()?.make_name(kind, &name)?;
    Ok(Vec::new())
}
