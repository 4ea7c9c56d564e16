//! Commands about limits: setting them, taking them back, listing them.
//! Leaves what they are to `catalog::limits`, and what enforces them to `limits`, `query::Budget` and `graph`.
//! Start reading at [`run`].

use catalog::limits::LimitChanges;
use catalog::{Action, CatalogError, Limit, LimitError};
use cypher::ast::{LimitCommand, LimitOwner, LimitValue, Name, Wait};
use types::{Code, DatabaseName, Failure, Map};

use super::typed;
use crate::records::Records;
use crate::staging::Door;
use crate::statement::Statement;
use crate::usage;

/// Runs a command about limits.
pub(crate) fn run(statement: &mut Statement<'_>, command: &LimitCommand) -> Result<Records, Failure> {
    match command {
        LimitCommand::Set { owner, limits, if_exists, wait } => {
            let read = |(name, value): &(Name, LimitValue)| -> Result<(Limit, Option<u64>), Failure> {
                let limit = Limit::parse(&name.text)?;
                match given(value, &statement.parameters)? {
                    // What a value says nothing of is taken back.
                    types::Value::Null => Ok((limit, None)),
                    value => Ok((limit, Some(limit.read(&value)?))),
                }
            };
            let changes = limits.iter().map(read).collect::<Result<Vec<_>, Failure>>()?;
            change(statement, owner, changes, *if_exists, *wait)
        }
        LimitCommand::Remove { owner, limits, if_exists, wait } => {
            let read = |name: &Name| -> Result<(Limit, Option<u64>), Failure> { Ok((Limit::parse(&name.text)?, None)) };
            let changes = limits.iter().map(read).collect::<Result<Vec<_>, Failure>>()?;
            change(statement, owner, changes, *if_exists, *wait)
        }
        LimitCommand::ShowLimits { owner, tail } => usage::show_limits(statement, owner.as_ref(), tail),
        LimitCommand::ShowUsage { database, tail } => usage::show_usage(statement, database.as_ref(), tail),
    }
}

fn change(
    statement: &mut Statement<'_>,
    owner: &LimitOwner,
    changes: Vec<(Limit, Option<u64>)>,
    if_exists: bool,
    wait: Wait,
) -> Result<Records, Failure> {
    catalog::limits::check_once(changes.iter().map(|(limit, _)| *limit))?;
    match owner {
        LimitOwner::Database(name) => super::enter_on(statement, &Action::SetLimit, name)?,
        LimitOwner::Role(_) => super::enter(statement, &Action::SetLimit)?,
    }
    let mut missing = None;
    // They bite from here on, or from the commit.
    let changed = super::change(statement, wait, |shared, door, parameters| {
        let changed = match owner {
            LimitOwner::Database(name) => {
                let name = DatabaseName::parse(&typed(name, parameters)?).map_err(CatalogError::from)?;
                set_on_database(door, &name, &changes)
            }
            LimitOwner::Role(name) => set_on_role(door, &typed(name, parameters)?, &changes),
        };
        if changed.is_ok() && !door.is_staged() {
            shared.limits_changed();
        }
        match changed {
            Err(failure) if if_exists && is_missing(&failure) => {
                missing = Some(failure);
                Ok(false)
            }
            other => other,
        }
    })?;
    Ok(match missing {
        Some(failure) => super::without_effect(statement, failure.message()),
        None => changed,
    })
}

fn set_on_database(door: &Door<'_>, name: &DatabaseName, changes: &LimitChanges) -> Result<bool, Failure> {
    let changed = door.set_limits(name, changes)?;
    tracing::info!(database = %name, limits = %shown(changes), "limits set");
    Ok(changed)
}

/// Sets limits of a role: each of its users is bounded by himself.
fn set_on_role(door: &Door<'_>, role: &str, changes: &LimitChanges) -> Result<bool, Failure> {
    if let Some((limit, _)) = changes.iter().find(|(limit, _)| !limit.about().suits_roles) {
        return Err(LimitError::NotOfRoles { name: limit.about().name }.into());
    }
    let changed = door.set_role_limits(role, changes)?;
    tracing::info!(role, limits = %shown(changes), "limits set");
    Ok(changed)
}

fn shown(changes: &LimitChanges) -> String {
    let one = |(limit, value): &(Limit, Option<u64>)| match value {
        Some(value) => format!("{limit} = {}", limit.show(*value)),
        None => format!("{limit} removed"),
    };
    changes.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn given(value: &LimitValue, parameters: &Map) -> Result<types::Value, Failure> {
    match value {
        LimitValue::Given(value) => Ok(value.clone()),
        LimitValue::Parameter(name) => parameters
            .get(&name.text)
            .cloned()
            .ok_or_else(|| Failure::new(Code::ParameterMissing, format!("Expected parameter(s): {}", name.text))),
    }
}

fn is_missing(failure: &Failure) -> bool {
    failure.code() == Code::DatabaseNotFound || failure.message().contains("Role does not exist")
}
