//! Procedures: what `CALL name(...)` runs.
//! Leaves which procedures there are to whoever prepares statements; the plan holds the one that was found.
//! Start reading at [`Procedure`].

use std::fmt;
use std::sync::Arc;

use compact_str::CompactString;
use types::{Failure, Value};

use crate::expression::Context;

/// Something with a name that takes values and gives rows.
pub trait Procedure: Send + Sync + fmt::Debug {
    /// Tells what it takes and gives.
    fn signature(&self) -> &Signature;

    /// Runs it on the statement's first graph; each row has one value for each output of the signature.
    fn call(&self, arguments: &[Value], context: &mut Context<'_>) -> Result<Vec<Vec<Value>>, Failure>;

    /// Runs it on the graph of a number, the one that `USE` names; what asks no graph has one answer for all.
    fn call_on(&self, _graph: u16, arguments: &[Value], context: &mut Context<'_>) -> Result<Vec<Vec<Value>>, Failure> {
        self.call(arguments, context)
    }
}

/// What a procedure takes and gives.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Its name with dots.
    pub name: CompactString,
    /// What it takes.
    pub inputs: Vec<Field>,
    /// The columns that it gives.
    pub outputs: Vec<Field>,
    /// Whether it changes data.
    pub writes: bool,
}

/// An input or an output of a procedure.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: CompactString,
    /// Its type as Cypher writes it: `STRING?`.
    pub kind: CompactString,
    /// What stands in where an argument is left out; only of inputs.
    pub default: Option<Value>,
}

/// A procedure that is called where `USE` names a graph.
#[derive(Debug)]
struct Placed {
    procedure: Arc<dyn Procedure>,
    graph: u16,
}

/// Makes a procedure work on the graph of a number.
pub(crate) fn placed(procedure: Arc<dyn Procedure>, graph: u16) -> Arc<dyn Procedure> {
    if graph == 0 { procedure } else { Arc::new(Placed { procedure, graph }) }
}

impl Procedure for Placed {
    fn signature(&self) -> &Signature {
        self.procedure.signature()
    }

    fn call(&self, arguments: &[Value], context: &mut Context<'_>) -> Result<Vec<Vec<Value>>, Failure> {
        self.procedure.call_on(self.graph, arguments, context)
    }
}
