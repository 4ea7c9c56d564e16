//! Commands about users, roles, privileges and tokens; they hold from the next statement on, or from the commit.
//! Leaves the rules to `catalog`, and listings to [`show`].
//! Start reading at [`run`].

mod levels;
pub(crate) mod privilege;
mod role;
mod rule;
mod show;
mod token;
mod user;
mod written;

use catalog::Action;
use cypher::ast::{NameOrParameter, RightsCommand, Wait};
use types::privilege::Act;
use types::{Failure, Map};

use super::typed;
use crate::answer::{Counters, Notification};
use crate::records::Records;
use crate::statement::Statement;

/// Runs a command about who may do what.
pub(crate) fn run(statement: &mut Statement<'_>, command: &RightsCommand) -> Result<Records, Failure> {
    let ran = match command {
        RightsCommand::User(command) => user::run(statement, command),
        RightsCommand::Role(command) => role::run(statement, command),
        RightsCommand::Privilege(command) => privilege::run(statement, command),
        RightsCommand::Token(command) => token::run(statement, command),
    };
    if ran.is_ok() && matches!(command, RightsCommand::User(_) | RightsCommand::Token(_)) {
        // What a transaction does to users is not so before its commit, and is looked at then.
        statement.shared.end_shut_out();
    }
    ran
}

/// What a command that changes rights came to.
enum Did {
    /// It changed something.
    This,
    /// There was nothing to do, for this reason.
    Nothing(String),
    /// It named something that is not there, or could not have an effect; a warning says so.
    Impossible(String),
}

/// Makes one change, by somebody who may do all of `acts` on the server.
fn change(
    statement: &mut Statement<'_>,
    acts: &[Act],
    change: impl FnOnce(&Statement<'_>) -> Result<Did, Failure>,
) -> Result<Records, Failure> {
    acts.iter().try_for_each(|act| super::allow(statement, &Action::Do(*act)))?;
    change_allowed(statement, change)
}

/// Makes one change that was allowed.
fn change_allowed(
    statement: &mut Statement<'_>,
    change: impl FnOnce(&Statement<'_>) -> Result<Did, Failure>,
) -> Result<Records, Failure> {
    change_allowed_for(statement, Wait::No, change)
}

/// As [`change_allowed`], answered as `WAIT` asks.
fn change_allowed_for(
    statement: &mut Statement<'_>,
    wait: Wait,
    change: impl FnOnce(&Statement<'_>) -> Result<Did, Failure>,
) -> Result<Records, Failure> {
    super::begin(statement)?;
    let did = {
        let _turn = statement.shared.changes.lock();
        change(statement)?
    };
    let mut notifications = super::notices(statement);
    let system_updates = matches!(did, Did::This).into();
    match did {
        Did::This => {}
        Did::Nothing(why) => {
            notifications.push(note(statement, "CommandHasNoEffect", "has no effect.", "INFORMATION", &why))
        }
        Did::Impossible(why) => {
            notifications.push(note(statement, "ImpossibleRevokeCommand", "has no effect.", "WARNING", &why));
        }
    }
    let counters = Counters { system_updates, ..Counters::default() };
    Ok(super::told(statement, counters, notifications, wait))
}

fn note(statement: &Statement<'_>, code: &str, what: &str, severity: &str, why: &str) -> Notification {
    let command = cypher::without_secrets(statement.text.trim().trim_end_matches(';'));
    let cut: String = command.chars().take(200).collect();
    Notification {
        code: format!("Neo.ClientNotification.Security.{code}"),
        title: format!("`{cut}` {what}"),
        description: format!("{why} See Status Codes documentation for more information."),
        severity: severity.to_owned(),
        category: "SECURITY".to_owned(),
        position: None,
    }
}

/// Gives names as they were typed, or as parameters have them.
fn all_typed(names: &[NameOrParameter], parameters: &Map) -> Result<Vec<String>, Failure> {
    names.iter().map(|name| typed(name, parameters)).collect()
}
