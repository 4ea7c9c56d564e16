//! Procedures: what `CALL name(...)` runs.
//! Leaves which procedures there are to whoever prepares statements; the plan holds the one that was found.
//! Start reading at [`Procedure`].

use std::fmt;

use compact_str::CompactString;
use types::{Failure, Value};

use crate::expression::Context;

/// Something with a name that takes values and gives rows.
pub trait Procedure: Send + Sync + fmt::Debug {
    /// Tells what it takes and gives.
    fn signature(&self) -> &Signature;

    /// Runs it; each row has one value for each output of the signature.
    fn call(&self, arguments: &[Value], context: &mut Context<'_>) -> Result<Vec<Vec<Value>>, Failure>;
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
