//! Who may list, make and drop indexes and constraints; names that nobody used before are asked for too.
//! Leaves the commands themselves to `schema`.
//! Start reading at [`check`].

use std::sync::Arc;

use catalog::GraphRights;
use catalog::graph_rights::SchemaRight;
use cypher::ast::{IndexTarget, Name, SchemaCommand};
use graph::keys::TokenKind;
use types::{Code, Failure};

use super::changing::check_new_name;
use super::refusal::{no_schema, refused};
use crate::auditing;
use crate::open_database::OpenDatabase;
use crate::reach::Reached;
use crate::statement::Statement;
use crate::table::NoGraph;

/// Refuses a command to who may not give it; gives what the user may see in the database.
///
/// It is asked whether the command runs or is explained, alone or in a transaction.
pub(crate) fn check(statement: &Statement<'_>, command: &SchemaCommand) -> Result<Arc<GraphRights>, Failure> {
    let Statement { shared, principal, names, own, transaction, .. } = statement;
    // Who changes nothing but the schema writes no data: the rights on the schema decide, not those on the graph.
    let reached = shared.reach_within(*transaction, principal, names, own, catalog::Access::Read)?;
    auditing::as_admin(statement, &reached);
    let Reached::Graph { database, rights, .. } = &reached else {
        return Err(on_system(statement.text, command));
    };
    let (right, what) = match command {
        SchemaCommand::ShowIndexes { .. } => (SchemaRight::ShowIndex, Some("Show indexes")),
        SchemaCommand::ShowConstraints { .. } => (SchemaRight::ShowConstraint, Some("Show constraints")),
        SchemaCommand::CreateIndex { .. } => (SchemaRight::CreateIndex, None),
        SchemaCommand::DropIndex { .. } => (SchemaRight::DropIndex, None),
        SchemaCommand::CreateConstraint { .. } => (SchemaRight::CreateConstraint, None),
        SchemaCommand::DropConstraint { .. } => (SchemaRight::DropConstraint, None),
    };
    if !rights.may(right) {
        return Err(match what {
            Some(what) => refused(what, &reached.name(), rights),
            None => no_schema(&reached.name(), rights),
        });
    }
    if let SchemaCommand::CreateIndex { target, keys, .. } | SchemaCommand::CreateConstraint { target, keys, .. } =
        command
    {
        check_names((database, &reached.name()), rights, target, keys)?;
    }
    Ok(Arc::clone(rights))
}

/// Says that `system` has neither indexes nor constraints.
fn on_system(text: &str, command: &SchemaCommand) -> Failure {
    let what = match command {
        SchemaCommand::ShowIndexes { .. } => "SHOW INDEXES",
        SchemaCommand::ShowConstraints { .. } => "SHOW CONSTRAINTS",
        _ => return NoGraph::refuses(text),
    };
    let text = format!("The following commands are not allowed on a system database: {what}.");
    Failure::new(Code::NotOnSystemDatabase, text)
}

fn check_names(
    (database, name): (&OpenDatabase, &str),
    rights: &GraphRights,
    target: &IndexTarget,
    keys: &[Name],
) -> Result<(), Failure> {
    if rights.writes_everything() {
        return Ok(());
    }
    let (of, kind) = match target {
        IndexTarget::Node(labels) => (labels, TokenKind::Label),
        IndexTarget::Relationship(types) => (types, TokenKind::Type),
    };
    let all = of.iter().map(|name| (kind, name)).chain(keys.iter().map(|name| (TokenKind::Key, name)));
    let tokens = database.graph.tokens();
    let mut new = all.filter(|(kind, name)| tokens.find(*kind, &name.text).is_none());
    new.try_for_each(|(kind, _)| check_new_name(rights, kind, name))
}
