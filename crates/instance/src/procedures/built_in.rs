//! What all built-in procedures have in common: a row of a table each, and what a call may ask.
//! Leaves what they do to the files beside this one.
//! Start reading at [`all`].

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use query::expression::Context;
use query::procedure::{Procedure, Signature};
use query::{Budget, Source};
use types::{Code, CompactString, Failure, LabelId, Map, NodeRef, RelationshipRef, Value};

use super::signature;
use super::{
    apoc_meta, apoc_refactor, apoc_schema, apoc_util, apoc_write, connections, db_schema, fulltext, names, server,
    set_vector, standing, vector,
};
use crate::instance::Shared;

/// What a procedure gives: a value for each of its columns, row by row.
pub(super) type Rows = Result<Vec<Vec<Value>>, Failure>;

/// The instance, known once it is whole; the instance holds its procedures and not the other way round.
pub(super) type Home = Arc<OnceLock<Weak<Shared>>>;

/// A built-in procedure, as the tables beside this file list them.
pub(super) struct Row {
    /// What it takes and gives, as `SHOW PROCEDURES` prints it.
    pub(super) signature: &'static str,
    /// One sentence for `SHOW PROCEDURES`.
    pub(super) description: &'static str,
    pub(super) mode: Mode,
    pub(super) run: fn(&mut Call<'_, '_>) -> Rows,
}

/// What a procedure does to data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It reads a graph.
    Read,
    /// It reads and writes a graph.
    Write,
    /// It asks the server and no graph, so that it works on `system` too.
    Dbms,
}

impl Mode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Dbms => "DBMS",
        }
    }
}

/// One call of a procedure.
pub(super) struct Call<'c, 'x> {
    pub(super) arguments: &'c [Value],
    pub(super) context: &'c mut Context<'x>,
    graph: u16,
    home: &'c Home,
}

impl Call<'_, '_> {
    /// Lends the graph that it is called on, and what it may spend.
    pub(super) fn graph(&mut self) -> Result<(&dyn Source, &mut Budget), Failure> {
        let Context { sources, budget, .. } = &mut *self.context;
        let source = sources.get(usize::from(self.graph)).ok_or_else(gone)?;
        Ok((source.as_ref(), budget))
    }

    /// Lends the graph that it is called on, to change it.
    pub(super) fn written(&mut self) -> Result<&mut dyn Source, Failure> {
        match self.context.sources.get_mut(usize::from(self.graph)) {
            Some(source) => Ok(source.as_mut()),
            None => Err(gone()),
        }
    }

    /// Gives the number of the graph, as references to its entities have it.
    pub(super) fn number(&self) -> u16 {
        self.graph
    }

    /// Gives the instance.
    pub(super) fn instance(&self) -> Result<Arc<Shared>, Failure> {
        self.home.get().and_then(Weak::upgrade).ok_or_else(gone)
    }

    /// Gives an argument that is a text; its type was checked.
    pub(super) fn text(&self, at: usize) -> CompactString {
        match self.arguments.get(at) {
            Some(Value::String(text)) => text.clone(),
            _ => CompactString::default(),
        }
    }

    /// Gives an argument that is a map, an empty one for null.
    pub(super) fn map(&self, at: usize) -> Map {
        match self.arguments.get(at) {
            Some(Value::Map(map)) => Map::clone(map),
            _ => Map::default(),
        }
    }

    /// Gives an argument that is a list of texts, none for null.
    pub(super) fn texts(&self, at: usize) -> Result<Vec<CompactString>, Failure> {
        let Some(Value::List(items)) = self.arguments.get(at) else { return Ok(Vec::new()) };
        let text = |item: &Value| match item {
            Value::String(text) => Ok(text.clone()),
            other => Err(Failure::new(Code::ArgumentError, format!("Expected a name, got: {}", other.type_name()))),
        };
        items.iter().map(text).collect()
    }

    /// Gives the entities that an argument is, or is a list of; none for null.
    pub(super) fn nodes(&self, at: usize) -> Result<Vec<NodeRef>, Failure> {
        let node = |value: &Value| match value {
            Value::NodeRef(node) if node.source == self.graph => Ok(*node),
            other => Err(wrong("a Node of this database", other)),
        };
        match self.arguments.get(at) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::List(items)) => items.iter().map(node).collect(),
            Some(value) => Ok(vec![node(value)?]),
        }
    }

    /// Gives the relationship that an argument is.
    pub(super) fn relationship(&self, at: usize) -> Result<RelationshipRef, Failure> {
        match self.arguments.get(at) {
            Some(Value::RelationshipRef(found)) if found.source == self.graph => Ok(**found),
            other => Err(wrong("a Relationship of this database", other.unwrap_or(&Value::Null))),
        }
    }
}

/// A database that was dropped, or an instance that ends, under a statement that runs.
#[cold]
fn gone() -> Failure {
    Failure::new(Code::DatabaseUnavailable, "The database is not available any more.")
}

#[cold]
pub(super) fn wrong(expected: &str, found: &Value) -> Failure {
    Failure::new(Code::TypeError, format!("Type mismatch: expected {expected} but was {}", found.type_name()))
}

/// Gives labels that exist, by their names; nothing where one of them does not.
pub(super) fn known_labels(source: &dyn Source, names: &[CompactString]) -> Option<Vec<LabelId>> {
    names.iter().map(|name| source.label_id(name)).collect()
}

/// A row of the tables, made ready to be called.
pub(super) struct BuiltIn {
    pub(super) row: &'static Row,
    signature: Signature,
    home: Home,
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

    fn call(&self, arguments: &[Value], context: &mut Context<'_>) -> Rows {
        self.call_on(0, arguments, context)
    }

    fn call_on(&self, graph: u16, arguments: &[Value], context: &mut Context<'_>) -> Rows {
        for (input, given) in self.signature.inputs.iter().zip(arguments) {
            if !signature::fits(&input.kind, given) {
                let text = format!(
                    "Type mismatch for argument `{}` of procedure `{}`: expected {} but was {} (InvalidArgumentType)",
                    input.name,
                    self.signature.name,
                    input.kind,
                    given.type_name()
                );
                return Err(Failure::new(Code::TypeError, text));
            }
        }
        let before = context.budget.memory_used_bytes();
        let rows = (self.row.run)(&mut Call { arguments, context: &mut *context, graph, home: &self.home });
        // What it looked at is gone; what it gave is paid for by its caller.
        context.budget.return_to(before);
        rows
    }
}

/// Makes every built-in procedure of an instance.
pub(super) fn all(home: &Home) -> Vec<Arc<BuiltIn>> {
    let tables: [&'static [Row]; 13] = [
        apoc_meta::ROWS,
        apoc_refactor::ROWS,
        apoc_schema::ROWS,
        apoc_util::ROWS,
        apoc_write::ROWS,
        connections::ROWS,
        db_schema::ROWS,
        fulltext::ROWS,
        names::ROWS,
        server::ROWS,
        set_vector::ROWS,
        standing::ROWS,
        vector::ROWS,
    ];
    let made = |row: &'static Row| {
        let mut signature = signature::parse(row.signature).expect("the tables hold legal signatures");
        signature.writes = row.mode == Mode::Write;
        Arc::new(BuiltIn { row, signature, home: Arc::clone(home) })
    };
    tables.into_iter().flatten().map(made).collect()
}
