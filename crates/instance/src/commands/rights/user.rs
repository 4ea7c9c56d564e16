//! Commands about users.

use catalog::{CatalogError, IfMissing, IfThere, NewPassword, UserChange};
use cypher::ast::{Home, Password, Secret, UserCommand, UserSettings};
use types::privilege::Act;
use types::{Code, Failure, Map, Value};

use super::super::{named, typed};
use super::{Did, change, change_allowed, show};
use crate::records::Records;
use crate::statement::Statement;

pub(super) fn run(statement: &mut Statement<'_>, command: &UserCommand) -> Result<Records, Failure> {
    match command {
        UserCommand::Create { name, if_not_exists, or_replace, settings } => {
            let name = typed(name, &statement.parameters)?;
            let acts: &[Act] = if *or_replace { &[Act::CreateUser, Act::DropUser] } else { &[Act::CreateUser] };
            let if_there = if_there(*or_replace, *if_not_exists);
            change(statement, acts, |statement| {
                check_is_no_token(statement)?;
                let wanted = wanted(settings, &statement.parameters)?;
                let (door, principal) = (statement.catalog()?, statement.principal);
                let made = door.create_user(principal, &name, &wanted, if_there)?;
                tracing::info!(user = %name, made, "user created");
                Ok(done(made, || "User already exists.".to_owned()))
            })
        }
        UserCommand::Alter { name, if_exists, settings } => {
            let name = typed(name, &statement.parameters)?;
            let acts = acts_of(settings);
            change(statement, &acts, |statement| {
                if settings.password.is_some() || settings.remove_auth {
                    check_is_no_token(statement)?;
                }
                let wanted = wanted(settings, &statement.parameters)?;
                let (door, principal) = (statement.catalog()?, statement.principal);
                let altered = door.alter_user(principal, &name, &wanted, if_missing(*if_exists))?;
                tracing::info!(user = %name, altered, "user altered");
                Ok(done(altered, || "There was nothing to alter.".to_owned()))
            })
        }
        UserCommand::AlterCurrent { from, to } => alter_current(statement, from, to),
        UserCommand::Rename { name, if_exists, to } => {
            let (name, to) = (typed(name, &statement.parameters)?, typed(to, &statement.parameters)?);
            change(statement, &[Act::RenameUser], |statement| {
                let renamed = statement.catalog()?.rename_user(&name, &to, if_missing(*if_exists))?;
                tracing::info!(user = %name, %to, renamed, "user renamed");
                Ok(done(renamed, || "User does not exist.".to_owned()))
            })
        }
        UserCommand::Drop { name, if_exists } => {
            let name = typed(name, &statement.parameters)?;
            change(statement, &[Act::DropUser], |statement| {
                let (door, principal) = (statement.catalog()?, statement.principal);
                let dropped = door.drop_user(principal, &name, if_missing(*if_exists))?;
                tracing::info!(user = %name, dropped, "user dropped");
                // What he left open gives back what it holds; in a transaction that waits for its commit.
                statement.shared.databases.end_unattended(statement.shared);
                Ok(done(dropped, || "User does not exist.".to_owned()))
            })
        }
        UserCommand::Show { current, with_auth, tail } => show::users(statement, *current, *with_auth, tail),
    }
}

/// Everybody may change his own password, and nobody in his place.
fn alter_current(statement: &mut Statement<'_>, from: &Secret, to: &Secret) -> Result<Records, Failure> {
    check_is_no_token(statement)?;
    change_allowed(statement, |statement| {
        let (from, to) = (secret(from, &statement.parameters)?, secret(to, &statement.parameters)?);
        statement.catalog()?.alter_own_password(statement.principal, &from, &to)?;
        tracing::info!(user = statement.names.user_name_of(statement.principal), "password changed");
        Ok(Did::This)
    })
}

/// Refuses who came by a token: whoever found it would keep what he opens by a password after the token has ended.
pub(super) fn check_is_no_token(statement: &Statement<'_>) -> Result<(), Failure> {
    if statement.principal.is_token() { Err(CatalogError::NotByToken.into()) } else { Ok(()) }
}

pub(super) fn done(changed: bool, why_not: impl FnOnce() -> String) -> Did {
    if changed { Did::This } else { Did::Nothing(why_not()) }
}

pub(super) fn if_missing(if_exists: bool) -> IfMissing {
    if if_exists { IfMissing::Skip } else { IfMissing::Fail }
}

pub(super) fn if_there(or_replace: bool, if_not_exists: bool) -> IfThere {
    match (or_replace, if_not_exists) {
        (true, _) => IfThere::Replace,
        (false, true) => IfThere::Keep,
        (false, false) => IfThere::Fail,
    }
}

/// Lists what somebody must be allowed to do who makes these changes.
fn acts_of(settings: &UserSettings) -> Vec<Act> {
    let mut acts = Vec::new();
    if settings.password.is_some() || settings.change_required.is_some() {
        acts.push(Act::SetPasswords);
    }
    if settings.suspended.is_some() {
        acts.push(Act::SetUserStatus);
    }
    if settings.home.is_some() {
        acts.push(Act::SetUserHomeDatabase);
    }
    if settings.remove_auth {
        acts.push(Act::SetAuth);
    }
    acts
}

fn wanted(settings: &UserSettings, parameters: &Map) -> Result<UserChange, Failure> {
    let password = match &settings.password {
        Some(Password { value, is_encrypted: false }) => Some(NewPassword::Plain(secret(value, parameters)?)),
        Some(Password { value, is_encrypted: true }) => Some(NewPassword::Hashed(secret(value, parameters)?)),
        None if settings.remove_auth => Some(NewPassword::None),
        None => None,
    };
    let home = match &settings.home {
        None => None,
        Some(Home::Remove) => Some(None),
        Some(Home::Set(name)) => Some(Some(named(name, parameters)?)),
    };
    Ok(UserChange { password, change_required: settings.change_required, suspended: settings.suspended, home })
}

fn secret(secret: &Secret, parameters: &Map) -> Result<String, Failure> {
    let name = match secret {
        Secret::Text(text) => return Ok(text.to_string()),
        Secret::Parameter(name) => name,
    };
    match parameters.get(&name.text) {
        Some(Value::String(text)) => Ok(text.to_string()),
        Some(other) => {
            let text = format!("Expected parameter ${} to have type String but was {}", name.text, other.type_name());
            Err(Failure::new(Code::TypeError, text))
        }
        None => Err(Failure::new(Code::ParameterMissing, format!("Expected parameter(s): {}", name.text))),
    }
}
