//! Listings of levels: what each user has of a database, and what was granted to whom.
//! Leaves what a level is, and what privileges come to, to `catalog`.
//! Start reading at [`held`] and [`granted`].

use std::sync::Arc;

use catalog::{Action, Database, Holder, Level, Scope, Target, User};
use cypher::ast::{NameOrParameter, ShowTail};
use types::privilege::Act;
use types::{DatabaseName, Failure, Value};

use super::super::{allow, typed};
use super::written;
use crate::records::Records;
use crate::statement::Statement;
use crate::tail::{self, usual};

/// Lists who has how much on which database: every user who has something there, under his highest level.
///
/// Who may not see all privileges sees his own, and everybody's on the databases whose rights are his to give.
pub(super) fn held(
    statement: &mut Statement<'_>,
    database: Option<&NameOrParameter>,
    tail: &ShowTail,
) -> Result<Records, Failure> {
    let asked = asked(statement, database)?;
    let (names, principal) = (statement.names, statement.principal);
    let all = sees_all(statement);
    let own = names.user_of_principal(principal);
    let mut rows = Vec::new();
    let databases = names.databases_from("").filter(|row| asked.as_ref().is_none_or(|asked| asked.id == row.id));
    for database in databases.filter(|row| !row.name.is_system()) {
        if !all && !catalog::access::sees(names, principal, &target(database)) {
            rows.extend(own.into_iter().flat_map(|own| by_alias(statement, own, database)));
            continue;
        }
        let gives = all || gives(statement, database);
        for user in names.users().filter(|user| gives || own.is_some_and(|own| own.id == user.id)) {
            let Some((level, cross)) = catalog::access::level_of(names, statement.principal, user, database.id) else {
                continue;
            };
            let is_owner = names.owner_of(database.id) == Some(user.name.as_str());
            // A token is no owner, unless it may do all that its user may there.
            let is_less =
                own.is_some_and(|own| own.id == user.id) && principal.is_token() && level != Some(Level::Owner);
            rows.push(vec![
                database.name.as_str().into(),
                user.name.as_str().into(),
                level.map_or("access", Level::word).into(),
                cross.into(),
                (is_owner && !is_less).into(),
            ]);
        }
    }
    let columns = ["database", "user", "level", "crossDatabase", "owner"].map(usual);
    tail::run(statement, &columns, rows, tail, "system".to_owned())
}

/// Lists what a user has of a database that he knows by aliases alone, by those.
fn by_alias(statement: &Statement<'_>, own: &User, database: &Database) -> Vec<Vec<Value>> {
    let (names, principal) = (statement.names, statement.principal);
    let row = |alias: DatabaseName| {
        let target = Target { alias: Some(alias.clone()), ..target(database) };
        let is_known = catalog::access::sees_by_alias_alone(names, principal, &target);
        let (level, cross) = is_known.then(|| catalog::access::level_by_alias(names, principal, &target)).flatten()?;
        let level = level.map_or("access", Level::word);
        Some(vec![alias.as_str().into(), own.name.as_str().into(), level.into(), cross.into(), false.into()])
    };
    names.aliases_of(database.id).into_iter().filter_map(row).collect()
}

/// Tells whether the rights on a database are somebody's to give, as its owner.
fn gives(statement: &Statement<'_>, database: &Database) -> bool {
    let action = Action::Do(Act::ShowPrivilege);
    catalog::access::allow_on(statement.names, statement.principal, &action, &database.name).is_ok()
}

/// Lists the levels that were granted, to users and roles, on databases and patterns of names.
///
/// Who may not see all privileges sees his own, and those on the databases whose rights are his to give, as their owner.
pub(super) fn granted(
    statement: &mut Statement<'_>,
    database: Option<&NameOrParameter>,
    tail: &ShowTail,
) -> Result<Records, Failure> {
    let asked = asked(statement, database)?;
    let (names, principal) = (statement.names, statement.principal);
    let all = sees_all(statement);
    let own = names.user_of_principal(principal);
    let row_of = |scope: &Scope| match scope {
        Scope::Named(id) => names.database(*id),
        _ => None,
    };
    let is_there =
        |scope: &Scope| row_of(scope).is_none_or(|row| catalog::access::sees(names, principal, &target(row)));
    let gives = |scope: &Scope| row_of(scope).is_some_and(|row| gives(statement, row));
    let mut rows: Vec<(String, &str, String, Level, bool)> = Vec::new();
    let mut add = |holder: &Holder, kind: &'static str, name: &str, is_own: bool| {
        for (scope, level) in names.levels_of(holder) {
            let level = if is_own { names.level_had_by(principal, &scope, level) } else { Some(level) };
            let Some(level) = level else { continue };
            let is_shown = all || (is_own && is_there(&scope)) || gives(&scope);
            let is_asked = asked.as_ref().is_none_or(|row| names.reaches(holder, &scope, row));
            let Some(place) = written::graph(names, &scope).filter(|_| is_shown && is_asked) else { continue };
            let owner = row_of(&scope).and_then(|row| names.owner_of(row.id));
            let is_owner = level == Level::Owner && kind == "user" && owner == Some(name);
            rows.push((place, kind, name.to_owned(), level, is_owner));
        }
    };
    for role in names.roles() {
        let is_own = own.is_some_and(|own| own.all_roles().contains(&role));
        add(&Holder::Role(role.clone()), "role", &role, is_own);
    }
    for user in names.users() {
        add(&Holder::User(user.id), "user", &user.name, own.is_some_and(|own| own.id == user.id));
    }
    rows.sort_by(|a, b| (&a.0, a.1, &a.2, a.3).cmp(&(&b.0, b.1, &b.2, b.3)));
    let rows = rows.into_iter().map(|(place, kind, name, level, is_owner)| {
        vec![kind.into(), Value::string(name), level.word().into(), Value::string(place), is_owner.into()]
    });
    let columns = ["kind", "name", "level", "database", "owner"].map(usual);
    let rows = rows.collect();
    tail::run(statement, &columns, rows, tail, "system".to_owned())
}

fn sees_all(statement: &Statement<'_>) -> bool {
    allow(statement, &Action::Do(Act::ShowPrivilege)).is_ok()
}

fn target(database: &Database) -> Target {
    Target { database: database.id, name: database.name.clone(), alias: None }
}

/// Finds the database that was named. One that is not there for somebody is one that does not exist.
fn asked(statement: &Statement<'_>, database: Option<&NameOrParameter>) -> Result<Option<Arc<Database>>, Failure> {
    let Some(name) = database else { return Ok(None) };
    let names = statement.names;
    let target = names.resolve(&typed(name, &statement.parameters)?)?;
    if !sees_all(statement) {
        catalog::grant(names, statement.principal, &target, catalog::Access::Read)?;
    }
    Ok(names.database(target.database).cloned())
}
