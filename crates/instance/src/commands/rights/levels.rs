//! Listings of levels: what each user has of a database, and what was granted to whom.
//! Leaves what a level is, and what privileges come to, to `catalog`.
//! Start reading at [`held`] and [`granted`].

use std::sync::Arc;

use catalog::{Action, Database, Holder, Level, Scope, Target};
use cypher::ast::{NameOrParameter, ShowTail};
use types::privilege::Act;
use types::{Failure, Value};

use super::super::{allow, typed};
use super::written;
use crate::records::Records;
use crate::statement::Statement;
use crate::tail::{self, usual};

/// Lists who has how much on which database: every user who has something there, under his highest level.
pub(super) fn held(
    statement: &mut Statement<'_>,
    database: Option<&NameOrParameter>,
    tail: &ShowTail,
) -> Result<Records, Failure> {
    let asked = asked(statement, database)?;
    let names = statement.names;
    let all = sees_all(statement);
    let own = names.user_of_principal(statement.principal);
    let mut rows = Vec::new();
    let databases = names.databases_from("").filter(|row| asked.as_ref().is_none_or(|asked| asked.id == row.id));
    for database in databases.filter(|row| !row.name.is_system()) {
        if !all && !catalog::access::sees(names, statement.principal, &target(database)) {
            continue;
        }
        for user in names.users().filter(|user| all || own.is_some_and(|own| own.id == user.id)) {
            let Some((level, cross)) = catalog::access::level_of(names, statement.principal, user, database.id) else {
                continue;
            };
            rows.push(vec![
                database.name.as_str().into(),
                user.name.as_str().into(),
                level.map_or("access", Level::word).into(),
                cross.into(),
                (names.owner_of(database.id) == Some(user.name.as_str())).into(),
            ]);
        }
    }
    let columns = ["database", "user", "level", "crossDatabase", "owner"].map(usual);
    tail::run(statement, &columns, rows, tail, "system".to_owned())
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
    let gives = |scope: &Scope| {
        let action = Action::Do(Act::ShowPrivilege);
        row_of(scope).is_some_and(|row| catalog::access::allow_on(names, principal, &action, &row.name).is_ok())
    };
    let mut rows: Vec<(String, &str, String, Level, bool)> = Vec::new();
    let mut add = |holder: &Holder, kind: &'static str, name: &str, is_own: bool| {
        for (scope, level) in names.levels_of(holder) {
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

fn target(database: &Arc<Database>) -> Target {
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
