//! `SHOW AUDIT`.

use cypher::ast::ShowTail;
use types::{Code, Failure};

use crate::records::Records;
use crate::statement::Statement;

/// Lists what was recorded.
pub(crate) fn show(_statement: &mut Statement<'_>, tail: &ShowTail) -> Result<Records, Failure> {
    Err(Failure::new(Code::UnsupportedCommand, format!("Unsupported administration command: SHOW AUDIT{tail}")))
}
