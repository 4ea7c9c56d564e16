//! Commands that run on `system` whatever the session's database is; each area has a file.
//! Leaves who may run them to `catalog::access`, and listings to `show`, `listings` and `transactions`.
//! Start reading at [`run`].

use std::sync::Arc;

use catalog::access::Naming;
use catalog::{Access, Action, CatalogError};
use cypher::ast::{AdminCommand, Mode, NameOrParameter, ShowDatabases, Wait};
use types::{Code, DatabaseName, Failure, Map, Value};

use crate::answer::{Counters, Fetched, Kind, Notification, Summary};
use crate::instance::Shared;
use crate::records::Records;
use crate::staging::Door;
use crate::statement::Statement;
use crate::transaction::{Did, OpenTransaction};
use crate::{database_list, listings, schema, sight, transactions};

pub(crate) mod alias;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod database;
pub(crate) mod limit;
pub(crate) mod recreate;
pub(crate) mod rights;
pub(crate) mod seed;
pub(crate) mod server;
pub(crate) mod session;

/// Runs a command on `system`.
pub(crate) fn run(statement: &mut Statement<'_>, mode: Mode, command: &AdminCommand) -> Result<Records, Failure> {
    if mode == Mode::Explain {
        return Ok(schema::explained(statement, "AdministrationCommand"));
    }
    if command.changes() {
        check_is_himself(statement)?;
    }
    look(statement, command)?;
    match command {
        AdminCommand::Database(command) => database::run(statement, command),
        AdminCommand::Alias(command) => alias::run(statement, command),
        AdminCommand::Session(command) => session::run(statement, command),
        AdminCommand::Backup(command) => backup::run(statement, command),
        AdminCommand::ShowServers { tail } => server::show(statement, tail),
        AdminCommand::ShowAudit { tail } => audit::show(statement, tail),
        AdminCommand::Limit(command) => limit::run(statement, command),
        AdminCommand::Rights(command) => rights::run(statement, command),
        AdminCommand::ShowDatabases { which, tail } => {
            let which = match which {
                ShowDatabases::All => database_list::Which::All,
                ShowDatabases::One(name) => database_list::Which::Named(typed(name, &statement.parameters)?),
                ShowDatabases::Default => database_list::Which::Default,
                ShowDatabases::Home => database_list::Which::Home,
            };
            database_list::show(statement, &which, tail)
        }
        AdminCommand::ShowTransactions { ids, tail } => transactions::show(statement, ids, tail),
        AdminCommand::ShowKnown { what, tail } => listings::show(statement, what, tail),
        AdminCommand::TerminateTransactions { ids, tail } => transactions::terminate(statement, ids, tail),
    }
}

/// Refuses who may not do this.
pub(crate) fn allow(statement: &Statement<'_>, action: &Action) -> Result<(), Failure> {
    catalog::access::allow(statement.names, statement.principal, action).map_err(Failure::from)
}

/// Refuses who may do this neither to every database nor, as its owner or by a privilege on it, to this one.
///
/// Who may do it to no database hears the same of one that is not there.
pub(crate) fn allow_on(statement: &Statement<'_>, action: &Action, name: &NameOrParameter) -> Result<(), Failure> {
    let typed = typed(name, &statement.parameters)?;
    match DatabaseName::parse(&typed) {
        Ok(name) => Ok(catalog::access::allow_on(statement.names, statement.principal, action, &name)?),
        Err(_) => allow(statement, action),
    }
}

/// Refuses who may not call a procedure that is a command.
pub(crate) fn check_may_call(statement: &Statement<'_>, procedure: &str) -> Result<(), Failure> {
    let system = statement.names.resolve(DatabaseName::system().as_str())?;
    let grant = catalog::grant(statement.names, statement.principal, &system, Access::Read)?;
    sight::check_calls(grant.rights(), [procedure])
}

/// Refuses who would let himself into the database of this name by having it meant in another way; one that is not there
/// is left to whoever changes it.
pub(crate) fn allow_naming(statement: &Statement<'_>, name: &DatabaseName, naming: Naming<'_>) -> Result<(), Failure> {
    let Ok(target) = statement.names.resolve(name.as_str()) else { return Ok(()) };
    Ok(catalog::access::allow_naming(statement.names, statement.principal, &target, naming)?)
}

/// Begins a command that changes one database, by somebody who may.
pub(crate) fn enter_on(statement: &Statement<'_>, action: &Action, name: &NameOrParameter) -> Result<(), Failure> {
    allow_on(statement, action, name)?;
    begin(statement)
}

/// Makes one change at a time, which was begun, and answers as `WAIT` asks; `change` tells whether there was anything to
/// change.
pub(crate) fn change(
    statement: &mut Statement<'_>,
    wait: Wait,
    change: impl FnOnce(&Shared, &Door<'_>, &Map) -> Result<bool, Failure>,
) -> Result<Records, Failure> {
    let is_changed = {
        let _turn = statement.shared.changes.lock();
        change(statement.shared, &statement.catalog()?, &statement.parameters)?
    };
    Ok(changed_for(statement, is_changed, wait))
}

/// Begins a command that changes something, by somebody who may.
pub(crate) fn enter(statement: &Statement<'_>, action: &Action) -> Result<(), Failure> {
    allow(statement, action)?;
    begin(statement)
}

/// Refuses who speaks in somebody else's name: nobody changes anything but data so, copies a database or ends what others do.
pub(crate) fn check_is_himself(statement: &Statement<'_>) -> Result<(), Failure> {
    if statement.principal.is_spoken_for() { Err(CatalogError::Impersonating.into()) } else { Ok(()) }
}

/// Begins a command that changes something and was allowed.
pub(crate) fn begin(statement: &Statement<'_>) -> Result<(), Failure> {
    statement.check_may_write_to(|| DatabaseName::system().to_string())?;
    match statement.transaction {
        Some(transaction) => transaction.enter()?.mix(Did::Admin),
        None => Ok(()),
    }
}

/// Answers a command that gives no rows; tells whether it changed anything.
pub(crate) fn changed(statement: &Statement<'_>, is_changed: bool) -> Records {
    let counters = Counters { system_updates: is_changed.into(), ..Counters::default() };
    let database = DatabaseName::system().to_string();
    let notifications = notices(statement);
    statement.done_noting(Kind::Schema, database, counters, notifications)
}

/// As [`changed`]; `WAIT` asks to hear for each server that it has it.
pub(crate) fn changed_for(statement: &Statement<'_>, is_changed: bool, wait: Wait) -> Records {
    let counters = Counters { system_updates: is_changed.into(), ..Counters::default() };
    told(statement, counters, notices(statement), wait)
}

/// Answers a command with what it noted, and with what `WAIT` asks for.
pub(crate) fn told(
    statement: &Statement<'_>,
    counters: Counters,
    notifications: Vec<Notification>,
    wait: Wait,
) -> Records {
    let address = statement.shared.options.address.as_str();
    let database = DatabaseName::system().to_string();
    let mut summary = Summary { kind: Kind::Schema, database, counters, notifications, ..Summary::default() };
    let (mut columns, mut rows) = (Vec::new(), Fetched::default());
    match wait {
        Wait::No => {}
        Wait::Rows => {
            columns = ["address", "state", "message", "success"].map(Into::into).into();
            // In a transaction it is said before it is so; the commit fails where it does not come true.
            rows.push([address.into(), "CaughtUp".into(), "caught up".into(), true.into()]);
        }
        Wait::Notification => summary.notifications.push(Notification {
            code: "Neo.ClientNotification.Cluster.ServerCaughtUp".to_owned(),
            title: "Server has caught up.".to_owned(),
            description: format!("Server `{}` at address `{address}` has caught up.", statement.shared.server_id),
            severity: "INFORMATION".to_owned(),
            category: "TOPOLOGY".to_owned(),
            position: None,
        }),
    }
    Records::buffered(columns, rows, summary, statement.shared.admission.clone())
}

/// Answers a command that dropped a database whose files could not be removed, and says why.
pub(crate) fn files_left(statement: &Statement<'_>, why: &Failure, wait: Wait) -> Records {
    let mut notifications = notices(statement);
    notifications.push(Notification {
        code: "Neo.ClientNotification.Database.FilesLeft".to_owned(),
        title: "Files of the database are still there.".to_owned(),
        description: format!("The database is dropped, and its files wait for the next start of the server: {why}"),
        severity: "WARNING".to_owned(),
        category: "GENERIC".to_owned(),
        position: None,
    });
    told(statement, Counters { system_updates: 1, ..Counters::default() }, notifications, wait)
}

/// Answers a command that had nothing to do, and says why.
pub(crate) fn without_effect(statement: &Statement<'_>, why: &str) -> Records {
    let mut notifications = notices(statement);
    notifications.push(Notification {
        code: "Neo.ClientNotification.Database.CommandHasNoEffect".to_owned(),
        title: "The command had no effect.".to_owned(),
        description: why.to_owned(),
        severity: "INFORMATION".to_owned(),
        category: "GENERIC".to_owned(),
        position: None,
    });
    statement.done_noting(Kind::Schema, DatabaseName::system().to_string(), Counters::default(), notifications)
}

/// Says of a command inside a transaction that it waited for no commit.
pub(crate) fn notices(statement: &Statement<'_>) -> Vec<Notification> {
    let note = || Notification {
        code: "Neo.ClientNotification.Transaction.EffectiveAtOnce".to_owned(),
        title: "The command took effect at once.".to_owned(),
        description: "This administration command takes effect when it is answered; rolling the transaction back does \
                      not undo it."
            .to_owned(),
        severity: "INFORMATION".to_owned(),
        category: "GENERIC".to_owned(),
        position: None,
    };
    let stands_alone =
        |transaction: &Arc<OpenTransaction>| transaction.enter().is_ok_and(|state| state.did == Did::Alone);
    statement.transaction.filter(|transaction| stands_alone(transaction)).map(|_| note()).into_iter().collect()
}

/// Has a command be the only one of its transaction, where it runs in one: it takes effect at once.
pub(crate) fn stand_alone(statement: &Statement<'_>, command: &str) -> Result<(), Failure> {
    statement.transaction.map_or(Ok(()), |transaction| transaction.enter()?.stand_alone(command))
}

/// Has a transaction remember what a command showed of the catalog: later ones may rest on it.
fn look(statement: &Statement<'_>, command: &AdminCommand) -> Result<(), Failure> {
    let shows = matches!(
        command,
        AdminCommand::ShowDatabases { .. } | AdminCommand::Alias(_) | AdminCommand::Limit(_) | AdminCommand::Rights(_)
    );
    match statement.transaction.filter(|_| shows) {
        Some(transaction) => transaction.enter().map(|mut state| state.staging.looks(statement.names)),
        None => Ok(()),
    }
}

/// Gives a legal name, typed or from a parameter.
pub(crate) fn named(name: &NameOrParameter, parameters: &Map) -> Result<DatabaseName, Failure> {
    let typed = typed(name, parameters)?;
    Ok(DatabaseName::parse(&typed).map_err(catalog::CatalogError::from)?)
}

/// Gives the name as it was typed, or as the parameter has it.
pub(crate) fn typed(name: &NameOrParameter, parameters: &Map) -> Result<String, Failure> {
    match name {
        NameOrParameter::Name(name) => Ok(name.text.to_string()),
        NameOrParameter::Parameter(parameter) => match parameters.get(&parameter.text) {
            Some(Value::String(text)) => Ok(text.to_string()),
            Some(other) => {
                let text =
                    format!("Expected parameter ${} to have type String but was {}", parameter.text, other.type_name());
                Err(Failure::new(Code::TypeError, text))
            }
            None => Err(Failure::new(Code::ParameterMissing, format!("Expected parameter(s): {}", parameter.text))),
        },
    }
}
