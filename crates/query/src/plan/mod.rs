//! From the tree of a statement to its plan: names bound, patterns ordered by cost.
//! Leaves the text to `cypher` and the running to [`crate::operator`].
//! Start reading at [`prepare`].

use cypher::ast;
use types::{Code, Failure};

use crate::prepare::{Graphs, Prepared};

pub(crate) fn prepare(_text: &str, _query: &ast::Query, _graphs: &mut dyn Graphs) -> Result<Prepared, Failure> {
    Err(Failure::new(Code::UnsupportedCommand, "not planned yet"))
}
