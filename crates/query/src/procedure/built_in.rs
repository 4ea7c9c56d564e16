//! Procedures that ask a graph, or the product, and nothing else.
//! Leaves procedures about users, databases and transactions to `instance`.
//! Start reading at [`built_in`].

use std::sync::Arc;

use compact_str::CompactString;
use types::{Failure, Value};

use super::{Field, Procedure, Signature};
use crate::expression::Context;
use crate::source::{NameKind, Source};

/// Finds a procedure that every database has, about the statement's first graph.
#[must_use]
pub fn built_in(name: &str) -> Option<Arc<dyn Procedure>> {
    built_in_on(name, 0)
}

/// Finds a procedure that every database has, about the graph of a number.
#[must_use]
pub fn built_in_on(name: &str, source: u16) -> Option<Arc<dyn Procedure>> {
    let (_, outputs, run) = TABLE.iter().find(|(known, ..)| *known == name)?;
    let output = |(name, kind): &(&str, &str)| Field { name: (*name).into(), kind: (*kind).into(), default: None };
    let outputs = outputs.iter().map(output).collect();
    let signature = Signature { name: name.into(), inputs: Vec::new(), outputs, writes: false };
    Some(Arc::new(BuiltIn { signature, run: *run, source }))
}

/// Lists the names that [`built_in`] finds.
pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, ..)| *name)
}

type Run = fn(&dyn Source) -> Result<Vec<Vec<Value>>, Failure>;

/// A row of the table: a name, the columns with their types, and what runs.
type Row = (&'static str, &'static [(&'static str, &'static str)], Run);

const TABLE: &[Row] = &[
    ("db.labels", &[("label", "STRING")], |source| {
        in_use(source, NameKind::Label, |name| {
            source.label_id(name).map_or(Ok(0), |label| source.count_nodes(Some(label)))
        })
    }),
    ("db.ping", &[("success", "BOOLEAN")], |_| Ok(vec![vec![Value::Boolean(true)]])),
    ("db.propertyKeys", &[("propertyKey", "STRING")], |source| in_use(source, NameKind::Key, |_| Ok(1))),
    ("db.relationshipTypes", &[("relationshipType", "STRING")], |source| {
        in_use(source, NameKind::Type, |name| {
            source.type_id(name).map_or(Ok(0), |kind| source.count_relationships(Some(kind)))
        })
    }),
    ("dbms.components", &[("name", "STRING"), ("versions", "LIST<STRING>"), ("edition", "STRING")], |_| {
        // Clients look for these words to tell what they may send.
        let versions = Value::list(vec!["5.26.0".into()]);
        Ok(vec![vec!["Neo4j Kernel".into(), versions, "enterprise".into()]])
    }),
];

/// Lists the names of a kind that something has: a name stays known after its last use.
fn in_use(
    source: &dyn Source,
    kind: NameKind,
    count: impl Fn(&str) -> Result<u64, Failure>,
) -> Result<Vec<Vec<Value>>, Failure> {
    let mut names: Vec<CompactString> = Vec::new();
    for name in source.names(kind) {
        if count(&name)? > 0 {
            names.push(name);
        }
    }
    names.sort();
    Ok(names.into_iter().map(|name| vec![Value::String(name)]).collect())
}

/// One procedure of the table.
#[derive(Debug)]
struct BuiltIn {
    signature: Signature,
    run: Run,
    source: u16,
}

impl Procedure for BuiltIn {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn call(&self, _: &[Value], context: &mut Context<'_>) -> Result<Vec<Vec<Value>>, Failure> {
        (self.run)(context.sources[usize::from(self.source)].as_ref())
    }
}

#[cfg(test)]
mod tests {
    use types::text;

    use super::*;
    use crate::testing::{Memory, World};

    fn check(name: &str, expected: &str) {
        let graph = Memory::new("g").node(&["B"], &[("k", 1.into())]).node(&["A"], &[]).relationship(0, "T", 1, &[]);
        let mut world = World::of(graph);
        world.sources[0].make_label("Never").expect("memory makes labels");
        let procedure = built_in(name).expect("it is in the table");
        let rows = world.run(|context| procedure.call(&[], context)).expect("it runs");
        assert!(rows.iter().all(|row| row.len() == procedure.signature().outputs.len()));
        assert_eq!(
            rows.into_iter().map(|row| text::literal(&Value::list(row))).collect::<Vec<_>>().join(" "),
            expected
        );
    }

    #[test]
    fn names_in_use_are_listed() {
        check("db.labels", "['A'] ['B']");
        check("db.relationshipTypes", "['T']");
        check("db.propertyKeys", "['k']");
    }

    #[test]
    fn clients_learn_what_they_speak_to() {
        check("db.ping", "[true]");
        check("dbms.components", "['Neo4j Kernel', ['5.26.0'], 'enterprise']");
        assert!(built_in("db.nothing").is_none());
        assert_eq!(built_in_names().count(), 5);
    }
}
