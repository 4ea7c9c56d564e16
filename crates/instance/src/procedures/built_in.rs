//! The procedures that drivers and tools call when they connect.

use std::fmt;
use std::sync::Arc;

use query::NameKind;
use query::expression::Context;
use query::procedure::{Field, Procedure, Signature};
use types::{CompactString, Failure, Value};

/// The version of Neo4j whose procedures these are.
const NEO4J_VERSION: &str = "5.26.0";

/// How long to wait.
const TIME: (&str, &str, Option<i64>) = ("timeOutSeconds", "INTEGER", Some(300));

type Rows = Result<Vec<Vec<Value>>, Failure>;

/// A procedure whose arguments, if it takes any, change nothing.
struct BuiltIn {
    signature: Signature,
    run: fn(&mut Context<'_>) -> Rows,
}

impl fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signature.name)
    }
}

impl Procedure for BuiltIn {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn call(&self, _arguments: &[Value], context: &mut Context<'_>) -> Rows {
        (self.run)(context)
    }
}

/// Makes every built-in procedure.
pub(super) fn all() -> Vec<Arc<dyn Procedure>> {
    vec![
        built_in("db.labels", &[("label", "STRING")], labels),
        built_in("db.relationshipTypes", &[("relationshipType", "STRING")], relationship_types),
        built_in("db.propertyKeys", &[("propertyKey", "STRING")], |context| {
            Ok(names(context, NameKind::Key).into_iter().map(|name| vec![Value::String(name)]).collect())
        }),
        built_in("db.ping", &[("success", "BOOLEAN")], |_| Ok(vec![vec![true.into()]])),
        // An index is complete when the command that makes it is answered.
        taking("db.awaitIndex", &[("indexName", "STRING", None), TIME]),
        taking("db.awaitIndexes", &[TIME]),
        built_in("dbms.components", &[("name", "STRING"), ("versions", "LIST<STRING>"), ("edition", "STRING")], |_| {
            let versions = Value::list(vec![NEO4J_VERSION.into()]);
            Ok(vec![vec!["Neo4j Kernel".into(), versions, "enterprise".into()]])
        }),
    ]
}

fn built_in(name: &str, outputs: &[(&str, &str)], run: fn(&mut Context<'_>) -> Rows) -> Arc<dyn Procedure> {
    let field = |(name, kind): &(&str, &str)| Field { name: (*name).into(), kind: (*kind).into(), default: None };
    let outputs = outputs.iter().map(field).collect();
    Arc::new(BuiltIn { signature: Signature { name: name.into(), inputs: Vec::new(), outputs, writes: false }, run })
}

/// Makes a procedure that has nothing to do and gives no rows.
fn taking(name: &str, inputs: &[(&str, &str, Option<i64>)]) -> Arc<dyn Procedure> {
    let field = |(name, kind, default): &(&str, &str, Option<i64>)| Field {
        name: (*name).into(),
        kind: (*kind).into(),
        default: default.map(Value::Integer),
    };
    let inputs = inputs.iter().map(field).collect();
    let signature = Signature { name: name.into(), inputs, outputs: Vec::new(), writes: false };
    Arc::new(BuiltIn { signature, run: |_| Ok(Vec::new()) })
}

fn names(context: &Context<'_>, kind: NameKind) -> Vec<CompactString> {
    context.sources.first().map(|source| source.names(kind)).unwrap_or_default()
}

/// Lists the labels that some node has; a name outlives its last node.
fn labels(context: &mut Context<'_>) -> Rows {
    used(context, NameKind::Label, |source, name| match source.label_id(name) {
        Some(label) => source.count_nodes(Some(label)),
        None => Ok(0),
    })
}

fn relationship_types(context: &mut Context<'_>) -> Rows {
    used(context, NameKind::Type, |source, name| match source.type_id(name) {
        Some(kind) => source.count_relationships(Some(kind)),
        None => Ok(0),
    })
}

fn used(
    context: &mut Context<'_>,
    kind: NameKind,
    count: fn(&dyn query::Source, &str) -> Result<u64, Failure>,
) -> Rows {
    let mut rows = Vec::new();
    for name in names(context, kind) {
        let Some(source) = context.sources.first() else { break };
        if count(source.as_ref(), &name)? > 0 {
            rows.push(vec![Value::String(name)]);
        }
    }
    Ok(rows)
}
