//! Commands that copy whole databases into files.

use cypher::ast::BackupCommand;
use types::{Code, Failure};

use crate::records::Records;
use crate::statement::Statement;

/// Runs a command about backups.
pub(crate) fn run(_statement: &mut Statement<'_>, command: &BackupCommand) -> Result<Records, Failure> {
    Err(Failure::new(Code::UnsupportedCommand, format!("Unsupported administration command: {command}")))
}
