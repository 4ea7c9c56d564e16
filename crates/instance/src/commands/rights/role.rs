//! Commands about roles.

use catalog::NewRole;
use cypher::ast::RoleCommand;
use types::Failure;
use types::privilege::Act;

use super::super::typed;
use super::user::{done, if_missing, if_there};
use super::{Did, all_typed, change, show};
use crate::records::Records;
use crate::statement::Statement;

pub(super) fn run(statement: &mut Statement<'_>, command: &RoleCommand) -> Result<Records, Failure> {
    match command {
        RoleCommand::Create { name, if_not_exists, or_replace, immutable, copy_of } => {
            let name = typed(name, &statement.parameters)?;
            let copy_of = copy_of.as_ref().map(|other| typed(other, &statement.parameters)).transpose()?;
            let mut acts = vec![Act::CreateRole];
            acts.extend(or_replace.then_some(Act::DropRole));
            acts.extend(copy_of.is_some().then_some([Act::ShowPrivilege, Act::AssignPrivilege]).into_iter().flatten());
            let if_there = if_there(*or_replace, *if_not_exists);
            change(statement, &acts, |statement| {
                let new = NewRole { copy_of: copy_of.as_deref(), immutable: *immutable };
                let made = statement.catalog()?.create_role(statement.principal, &name, new, if_there)?;
                tracing::info!(role = %name, made, "role created");
                Ok(done(made, || "Role already exists.".to_owned()))
            })
        }
        RoleCommand::Rename { name, if_exists, to } => {
            let (name, to) = (typed(name, &statement.parameters)?, typed(to, &statement.parameters)?);
            change(statement, &[Act::RenameRole], |statement| {
                let door = statement.catalog()?;
                let renamed = door.rename_role(statement.principal, &name, &to, if_missing(*if_exists))?;
                tracing::info!(role = %name, %to, renamed, "role renamed");
                Ok(done(renamed, || "Role does not exist.".to_owned()))
            })
        }
        RoleCommand::Drop { name, if_exists } => {
            let name = typed(name, &statement.parameters)?;
            change(statement, &[Act::DropRole], |statement| {
                let door = statement.catalog()?;
                let dropped = door.drop_role(statement.principal, &name, if_missing(*if_exists))?;
                tracing::info!(role = %name, dropped, "role dropped");
                Ok(done(dropped, || "Role does not exist.".to_owned()))
            })
        }
        RoleCommand::Grant { roles, users } => {
            let (roles, users) = (all_typed(roles, &statement.parameters)?, all_typed(users, &statement.parameters)?);
            change(statement, &[Act::AssignRole], |statement| {
                let count = statement.catalog()?.grant_roles(&roles, &users)?;
                tracing::info!(?roles, ?users, count, "roles granted");
                Ok(done(count > 0, || "The user already has the role.".to_owned()))
            })
        }
        RoleCommand::Revoke { roles, users } => {
            let (roles, users) = (all_typed(roles, &statement.parameters)?, all_typed(users, &statement.parameters)?);
            change(statement, &[Act::RemoveRole], |statement| {
                let count = statement.catalog()?.revoke_roles(&roles, &users)?;
                tracing::info!(?roles, ?users, count, "roles revoked");
                Ok(if count > 0 { Did::This } else { Did::Impossible("The user does not have the role.".to_owned()) })
            })
        }
        RoleCommand::Show { populated, with_users, tail } => show::roles(statement, *populated, *with_users, tail),
    }
}
