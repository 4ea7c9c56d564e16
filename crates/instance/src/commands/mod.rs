//! Commands that run on `system` whatever the session's database is; each area has a file.
//! Leaves who may run them to `catalog::access`, and listings to `show`, `listings` and `transactions`.
//! Start reading at [`run`].

use catalog::Action;
use cypher::ast::{AdminCommand, Mode, NameOrParameter, ShowDatabases};
use types::{Code, DatabaseName, Failure, Map, Value};

use crate::answer::{Counters, Kind};
use crate::instance::Shared;
use crate::records::Records;
use crate::statement::Statement;
use crate::transaction::Did;
use crate::{listings, schema, show, transactions};

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod database;

/// Runs a command on `system`.
pub(crate) fn run(statement: &mut Statement<'_>, mode: Mode, command: &AdminCommand) -> Result<Records, Failure> {
    if mode == Mode::Explain {
        return Ok(schema::explained(statement, "AdministrationCommand"));
    }
    match command {
        AdminCommand::Database(command) => database::run(statement, command),
        AdminCommand::Backup(command) => backup::run(statement, command),
        AdminCommand::ShowAudit { tail } => audit::show(statement, tail),
        AdminCommand::ShowDatabases { which, tail } => {
            let which = match which {
                ShowDatabases::All => show::Which::All,
                ShowDatabases::One(name) => show::Which::Named(typed(name, &statement.parameters)?),
                ShowDatabases::Default | ShowDatabases::Home => show::Which::Default,
            };
            show::databases(statement, &which, tail)
        }
        AdminCommand::ShowTransactions { ids, tail } => {
            let ids = transactions::ids(ids, &statement.parameters)?;
            transactions::show(statement, &ids, tail)
        }
        AdminCommand::ShowKnown { what, tail } => listings::show(statement, what, tail),
        AdminCommand::TerminateTransactions { ids, tail } => {
            let ids = transactions::ids(ids, &statement.parameters)?;
            transactions::terminate(statement, &ids, tail)
        }
    }
}

/// Refuses who may not do this.
pub(crate) fn allow(statement: &Statement<'_>, action: &Action) -> Result<(), Failure> {
    catalog::access::allow(statement.names, statement.principal, action).map_err(Failure::from)
}

/// Makes one change at a time, by somebody who may; `change` tells whether there was anything to change.
pub(crate) fn change(
    statement: &mut Statement<'_>,
    action: &Action,
    change: impl FnOnce(&Shared, &Map) -> Result<bool, Failure>,
) -> Result<Records, Failure> {
    allow(statement, action)?;
    statement.check_may_write()?;
    if let Some(transaction) = statement.transaction {
        transaction.enter()?.mix(Did::Admin)?;
    }
    let changed = {
        let _turn = statement.shared.changes.lock();
        change(statement.shared, &statement.parameters)?
    };
    let counters = Counters { system_updates: changed.into(), ..Counters::default() };
    Ok(statement.done(Kind::Schema, DatabaseName::system().to_string(), counters))
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
