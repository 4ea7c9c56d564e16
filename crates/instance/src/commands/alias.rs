//! Commands about aliases; one is a change of the catalog, done when it is answered or its transaction commits.
//! Leaves what a name may be to `catalog`.
//! Start reading at [`run`].

use std::sync::Arc;

use catalog::access::Naming;
use catalog::{Access, Action, Aim, Alias, CatalogError, Existing, Target, access};
use cypher::ast::{AliasCommand, Expression, NameOrParameter, ShowTail};
use types::{Code, DatabaseName, Failure, Map, Value};

use super::{named, typed};
use crate::index_options;
use crate::records::Records;
use crate::statement::Statement;
use crate::tail::{self, Column};

/// Runs a command about aliases.
pub(crate) fn run(statement: &mut Statement<'_>, command: &AliasCommand) -> Result<Records, Failure> {
    match command {
        AliasCommand::Create { alias, if_not_exists, or_replace, target, properties } => {
            super::allow_on(statement, &Action::CreateAlias, target)?;
            if *or_replace && leads(statement, alias)? {
                // Whoever came by it would come elsewhere: that takes what dropping it does.
                super::allow_on(statement, &Action::DropAlias, alias)?;
            }
            super::begin(statement)?;
            let (alias, target) = (named(alias, &statement.parameters)?, named(target, &statement.parameters)?);
            let aimed = aim(statement, &target);
            if aimed.is_known {
                super::allow_naming(statement, &target, Naming::NewAlias(&alias))?;
            }
            let properties = properties_of(statement, properties.as_ref())?.unwrap_or_default();
            let existing = if *or_replace { Existing::Replace } else { Existing::Refuse };
            let made = statement.catalog()?.create_alias(&alias, aimed, &properties, existing);
            let changed = match made {
                Err(CatalogError::AliasExists { .. } | CatalogError::AliasIsDatabase { .. }) if *if_not_exists => {
                    return Ok(super::without_effect(statement, &format!("The name '{alias}' is taken already.")));
                }
                made => made.map(|_| true)?,
            };
            tracing::info!(alias = %alias, database = %target, "alias created");
            Ok(super::changed(statement, changed))
        }
        AliasCommand::Alter { alias, if_exists, target, properties } => {
            super::enter_on(statement, &Action::AlterAlias, alias)?;
            if let Some(target) = target {
                super::allow_on(statement, &Action::AlterAlias, target)?;
            }
            let alias = named(alias, &statement.parameters)?;
            let target = target.as_ref().map(|target| named(target, &statement.parameters)).transpose()?;
            let properties = properties_of(statement, properties.as_ref())?;
            let target = target.as_ref().map(|target| aim(statement, target));
            if let Some(aimed) = target.filter(|aimed| aimed.is_known) {
                super::allow_naming(statement, aimed.target, Naming::Alias(&alias))?;
            }
            let altered = statement.catalog()?.alter_alias(&alias, target, properties.as_ref());
            match altered {
                Err(CatalogError::AliasMissing { .. }) if *if_exists => Ok(missing(statement, &alias)),
                altered => {
                    tracing::info!(alias = %alias, "alias altered");
                    Ok(super::changed(statement, altered?))
                }
            }
        }
        AliasCommand::Drop { alias, if_exists } => {
            super::enter_on(statement, &Action::DropAlias, alias)?;
            let alias = named(alias, &statement.parameters)?;
            match statement.catalog()?.drop_alias(&alias) {
                Err(CatalogError::AliasMissing { .. }) if *if_exists => Ok(missing(statement, &alias)),
                dropped => {
                    dropped?;
                    tracing::info!(alias = %alias, "alias dropped");
                    Ok(super::changed(statement, true))
                }
            }
        }
        AliasCommand::Show { alias, database, tail } => show(statement, alias.as_ref(), database.as_ref(), tail),
    }
}

/// Tells whether there is such an alias by now.
fn leads(statement: &Statement<'_>, alias: &NameOrParameter) -> Result<bool, Failure> {
    Ok(statement.names.resolve(&typed(alias, &statement.parameters)?).is_ok_and(|target| target.alias.is_some()))
}

/// Aims at a database: one that is not listed for whoever asks is as unknown to him as one that is not there.
fn aim<'t>(statement: &Statement<'_>, target: &'t DatabaseName) -> Aim<'t> {
    let (names, principal) = (statement.names, statement.principal);
    let is_known = names.resolve(target.as_str()).is_ok_and(|target| access::lists(names, principal, &target));
    Aim { target, is_known }
}

fn missing(statement: &Statement<'_>, alias: &DatabaseName) -> Records {
    super::without_effect(statement, &format!("There is no alias '{alias}'."))
}

/// Reads the properties of an alias; moments in them are computed now.
fn properties_of(statement: &Statement<'_>, given: Option<&Expression>) -> Result<Option<Map>, Failure> {
    map(statement, given)
        .map_err(|failure| Failure::new(failure.code(), failure.message().replace("OPTIONS", "PROPERTIES")))
}

/// Reads a map that a command was given; moments in it are computed now: `datetime('2026-05-01T12:00:00Z')`.
pub(crate) fn map(statement: &Statement<'_>, given: Option<&Expression>) -> Result<Option<Map>, Failure> {
    let now = statement.shared.options.clock.wall_nanos();
    given.map(|given| index_options::value_at(given, &statement.parameters, now).and_then(map_of)).transpose()
}

fn map_of(value: Value) -> Result<Map, Failure> {
    match value {
        Value::Map(map) => Ok(Map::clone(&map)),
        other => Err(Failure::new(Code::TypeError, format!("Expected a map, got {}.", other.type_name()))),
    }
}

/// Lists aliases.
fn show(
    statement: &mut Statement<'_>,
    alias: Option<&NameOrParameter>,
    database: Option<&NameOrParameter>,
    tail: &ShowTail,
) -> Result<Records, Failure> {
    super::allow(statement, &Action::ShowAlias)?;
    let usual = |name| Column { name, usual: true };
    let extra = |name| Column { name, usual: false };
    let columns = [
        usual("name"),
        usual("composite"),
        usual("database"),
        usual("location"),
        usual("url"),
        usual("credentials"),
        usual("user"),
        extra("driver"),
        extra("defaultLanguage"),
        extra("properties"),
    ];
    let alias = alias.map(|alias| typed(alias, &statement.parameters)).transpose()?;
    let database = database.map(|database| typed(database, &statement.parameters)).transpose()?;
    let is_asked = |found: &Alias| {
        let is_named = alias.as_ref().is_none_or(|alias| alias.eq_ignore_ascii_case(found.name.as_str()));
        let target = database.as_ref().map(|database| statement.names.resolve(database));
        let is_there = |target: Target| target.database == found.target && shown_target(statement, found).is_some();
        is_named && target.is_none_or(|target| target.is_ok_and(is_there))
    };
    let rows = statement.names.aliases().filter(|alias| is_asked(alias)).map(|alias| row(statement, alias)).collect();
    tail::run(statement, &columns, rows, tail, DatabaseName::system().to_string())
}

/// Names the database that an alias leads to. Who may not see it is told neither its name nor which aliases lead there.
fn shown_target(statement: &Statement<'_>, alias: &Alias) -> Option<DatabaseName> {
    let names = statement.names;
    let name = names.database(alias.target)?.name.clone();
    let target = Target { database: alias.target, name, alias: None };
    catalog::grant(names, statement.principal, &target, Access::Read).is_ok().then_some(target.name)
}

fn row(statement: &Statement<'_>, alias: &Arc<Alias>) -> Vec<Value> {
    vec![
        alias.name.as_str().into(),
        Value::Null,
        shown_target(statement, alias).map_or(Value::Null, |name| name.as_str().into()),
        "local".into(),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::map(alias.properties.clone()),
    ]
}
