//! Listings of users, roles, privileges and tokens, with Neo4j's columns where Neo4j has them.
//! Leaves `YIELD` to `tail`, privileges in words to `written`, and levels to `levels`.
//! Start reading at [`users`].

use std::borrow::Cow;

use catalog::{Action, Holder, Names, Privilege, Scope, Token, User};
use cypher::ast::{CommandsShown, PrivilegesOf, ShowTail};
use types::privilege::{Act, Narrows, Place};
use types::{CompactString, Failure, Map, Value};

use super::super::allow;
use super::all_typed;
use super::written::{self, Written};
use crate::records::Records;
use crate::show::instant;
use crate::statement::Statement;
use crate::tail::{self, Column};

const PROVIDER: &str = "native";

const fn usual(name: &'static str) -> Column {
    Column { name, usual: true }
}

const fn extra(name: &'static str) -> Column {
    Column { name, usual: false }
}

fn run(
    statement: &mut Statement<'_>,
    columns: &[Column],
    rows: Vec<Vec<Value>>,
    tail: &ShowTail,
) -> Result<Records, Failure> {
    tail::run(statement, columns, rows, tail, "system".to_owned())
}

/// Lists users, or who asks.
pub(super) fn users(
    statement: &mut Statement<'_>,
    current: bool,
    with_auth: bool,
    tail: &ShowTail,
) -> Result<Records, Failure> {
    let names = statement.names;
    let shown: Vec<&User> = if current {
        names.user_of_principal(statement.principal).map(AsRef::as_ref).into_iter().collect()
    } else {
        allow(statement, &Action::Do(Act::ShowUser))?;
        names.users().map(AsRef::as_ref).collect()
    };
    let mut columns =
        vec![usual("user"), usual("roles"), usual("passwordChangeRequired"), usual("suspended"), usual("home")];
    if with_auth {
        columns.extend([usual("provider"), usual("auth")]);
    }
    let row = |user: &User| {
        let mut row = vec![
            user.name.as_str().into(),
            Value::list(roles_of(user).iter().map(|role| role.as_str().into()).collect()),
            if user.has_password() { user.change_required.into() } else { Value::Null },
            user.suspended.into(),
            user.home.as_ref().map_or(Value::Null, |home| home.as_str().into()),
        ];
        if with_auth {
            let entries = [("password", "***".into()), ("changeRequired", user.change_required.into())];
            let auth: Map = entries.into_iter().map(|(key, value): (&str, Value)| (key.into(), value)).collect();
            row.extend(match user.has_password() {
                true => [PROVIDER.into(), Value::map(auth)],
                false => [Value::Null, Value::Null],
            });
        }
        row
    };
    let rows = shown.into_iter().map(row).collect();
    run(statement, &columns, rows, tail)
}

/// Lists a user's roles as Neo4j orders them: without regard to case.
fn roles_of(user: &User) -> Vec<CompactString> {
    let mut roles = user.all_roles();
    roles.sort_by_key(|role| role.to_ascii_lowercase());
    roles
}

/// Lists roles, with those who have them if that is asked.
pub(super) fn roles(
    statement: &mut Statement<'_>,
    populated: bool,
    with_users: bool,
    tail: &ShowTail,
) -> Result<Records, Failure> {
    allow(statement, &Action::Do(Act::ShowRole))?;
    if with_users {
        allow(statement, &Action::Do(Act::ShowUser))?;
    }
    let names = statement.names;
    let mut rows = Vec::new();
    for role in names.roles() {
        let members: Vec<&str> = members(names, &role).collect();
        if populated && members.is_empty() {
            continue;
        }
        let immutable = Value::Boolean(names.is_immutable(&role));
        if !with_users {
            rows.push(vec![role.as_str().into(), immutable]);
            continue;
        }
        if members.is_empty() {
            rows.push(vec![role.as_str().into(), Value::Null, immutable.clone()]);
        }
        rows.extend(members.iter().map(|member| vec![role.as_str().into(), (*member).into(), immutable.clone()]));
    }
    match with_users {
        true => run(statement, &[usual("role"), usual("member"), extra("immutable")], rows, tail),
        false => run(statement, &[usual("role"), extra("immutable")], rows, tail),
    }
}

fn members<'n>(names: &'n Names, role: &'n str) -> impl Iterator<Item = &'n str> {
    let has = move |user: &User| role == "PUBLIC" || user.roles.contains(role);
    names.users().filter(move |user| has(user)).map(|user| user.name.as_str())
}

/// One privilege, who has it, and the user through whom it is shown.
struct Row<'n> {
    holder: Holder,
    privilege: Cow<'n, Privilege>,
    user: Option<&'n str>,
}

/// Lists privileges of roles or users, or the commands that make them.
pub(super) fn privileges(
    statement: &mut Statement<'_>,
    of: &PrivilegesOf,
    commands: Option<CommandsShown>,
    tail: &ShowTail,
) -> Result<Records, Failure> {
    let names = statement.names;
    let owned: Vec<(&str, Privilege)> = owned(names);
    let rows = chosen(statement, of, &owned)?;
    let for_users = matches!(of, PrivilegesOf::Users(_));
    if let Some(shown) = commands {
        let mut all: Vec<(String, bool)> = Vec::new();
        for row in &rows {
            let Some(written) = Written::of(names, &row.privilege) else { continue };
            let text = command(names, row, &written, shown);
            // A user has what is shown through several roles; a command is shown once.
            if !all.iter().any(|(other, _)| *other == text) {
                all.push((text, written.immutable));
            }
        }
        let rows = all.into_iter().map(|(text, immutable)| vec![Value::string(text), immutable.into()]).collect();
        return run(statement, &[usual("command"), extra("immutable")], rows, tail);
    }
    let mut columns = vec![
        usual("access"),
        usual("action"),
        usual("resource"),
        usual("graph"),
        usual("segment"),
        usual("role"),
        usual("immutable"),
    ];
    // Neo4j has it where users are asked for; who wants it elsewhere names it.
    let names_columns = tail.yields.as_ref().is_some_and(|yields| !yields.all);
    let with_user = for_users || names_columns;
    columns.extend(with_user.then(|| if for_users { usual("user") } else { extra("user") }));
    let row = |row: &Row<'_>| {
        let written = Written::of(names, &row.privilege)?;
        let user = match (&row.holder, row.user) {
            (_, Some(user)) => user.into(),
            (Holder::User(id), None) => {
                names.users().find(|user| user.id == *id).map_or(Value::Null, |user| user.name.as_str().into())
            }
            (Holder::Role(_), None) => Value::Null,
        };
        let mut values = vec![
            written.access.into(),
            written.action.into(),
            Value::string(written.resource),
            Value::string(written.graph),
            Value::string(written.segment),
            written::role_of(&row.holder),
            written.immutable.into(),
        ];
        values.extend(with_user.then_some(user));
        Some(values)
    };
    let rows = rows.iter().filter_map(row).collect();
    run(statement, &columns, rows, tail)
}

fn command(names: &Names, row: &Row<'_>, written: &Written, shown: CommandsShown) -> String {
    let is_owner = row.privilege.act == Act::Ownership && matches!(row.holder, Holder::User(_));
    let holder = written::holder(names, &row.holder);
    match (shown, is_owner && names_owner(names, row)) {
        (CommandsShown::Grant, true) => {
            let user = holder.trim_start_matches("USER ");
            format!("ALTER DATABASE {} SET OWNER {user}", written::quoted(&written.graph))
        }
        (CommandsShown::Revoke, true) => format!("ALTER DATABASE {} REMOVE OWNER", written::quoted(&written.graph)),
        (CommandsShown::Grant, false) => written.command(&holder),
        (CommandsShown::Revoke, false) => written.revoke_command(&holder),
    }
}

fn names_owner(names: &Names, row: &Row<'_>) -> bool {
    let Scope::Named(database) = row.privilege.scope else { return false };
    match &row.holder {
        Holder::User(id) => names.users().any(|user| user.id == *id && names.owner_of(database) == Some(&*user.name)),
        Holder::Role(_) => false,
    }
}

/// Lists what follows from owning a database, as privileges.
fn owned(names: &Names) -> Vec<(&str, Privilege)> {
    let rows = names.databases_from("");
    let owner = |row: &std::sync::Arc<catalog::Database>| {
        let owner = names.owner_of(row.id)?;
        Some((owner, Privilege { scope: Scope::Named(row.id), ..Privilege::of(Act::Ownership) }))
    };
    rows.filter_map(owner).collect()
}

fn chosen<'n>(
    statement: &Statement<'n>,
    of: &PrivilegesOf,
    owned: &'n [(&'n str, Privilege)],
) -> Result<Vec<Row<'n>>, Failure> {
    let names: &'n Names = statement.names;
    let mut rows = Vec::new();
    let of_role = |role: &CompactString, user: Option<&'n str>, rows: &mut Vec<Row<'n>>| {
        let holder = Holder::Role(role.clone());
        let all = names.privileges_of(&holder).map(Cow::Borrowed);
        rows.extend(all.map(|privilege| Row { holder: holder.clone(), privilege, user }));
    };
    let of_user = |user: &'n User, rows: &mut Vec<Row<'n>>| {
        let holder = Holder::User(user.id);
        let name = Some(user.name.as_str());
        let own = names.privileges_of(&holder);
        let databases = owned.iter().filter(|(owner, _)| *owner == user.name).map(|(_, privilege)| privilege);
        let all = own.chain(databases).map(Cow::Borrowed);
        rows.extend(all.map(|privilege| Row { holder: holder.clone(), privilege, user: name }));
    };
    match of {
        PrivilegesOf::All => {
            allow(statement, &Action::Do(Act::ShowPrivilege))?;
            names.roles().iter().for_each(|role| of_role(role, None, &mut rows));
            names.users().for_each(|user| of_user(user, &mut rows));
        }
        PrivilegesOf::Roles(roles) => {
            allow(statement, &Action::Do(Act::ShowPrivilege))?;
            for role in all_typed(roles, &statement.parameters)? {
                of_role(&role.as_str().into(), None, &mut rows);
            }
        }
        PrivilegesOf::Users(users) => {
            let own = names.user_name_of(statement.principal);
            let mut wanted = all_typed(users, &statement.parameters)?;
            if users.is_empty() {
                wanted.extend(own.map(str::to_owned));
            }
            if wanted.iter().any(|user| Some(user.as_str()) != own) {
                allow(statement, &Action::Do(Act::ShowPrivilege))?;
                allow(statement, &Action::Do(Act::ShowUser))?;
            }
            for user in wanted.iter().filter_map(|user| names.user(user)) {
                let from = rows.len();
                user.all_roles().iter().for_each(|role| of_role(role, Some(user.name.as_str()), &mut rows));
                of_user(user, &mut rows);
                if statement.principal.is_token() && own == Some(user.name.as_str()) {
                    let all = rows.split_off(from);
                    rows.extend(all.iter().flat_map(|row| had(statement, row)));
                }
            }
        }
    }
    Ok(rows)
}

/// Gives what a token has of what its user has.
fn had<'n>(statement: &Statement<'n>, row: &Row<'n>) -> Vec<Row<'n>> {
    let had = statement.names.had_by(statement.principal, &row.privilege);
    let one = |privilege| Row { holder: row.holder.clone(), privilege: Cow::Owned(privilege), user: row.user };
    had.into_iter().map(one).collect()
}

/// Lists every act that there are privileges for.
pub(super) fn supported(statement: &mut Statement<'_>, tail: &ShowTail) -> Result<Records, Failure> {
    let columns = [usual("action"), usual("qualifier"), usual("target"), usual("scope"), usual("description")];
    let rows_of = |act: &Act| -> Vec<Vec<Value>> {
        let row = act.row();
        let qualifier = match row.narrows {
            Narrows::Nothing => Value::Null,
            Narrows::Properties => "property".into(),
            Narrows::Labels => "label".into(),
            Narrows::Users => "user".into(),
            Narrows::Procedures => "procedure".into(),
            Narrows::Functions => "function".into(),
            Narrows::Settings => "setting".into(),
        };
        let (targets, scope): (&[&str], Value) = match row.place {
            Place::Graph if matches!(act, Act::SetLabel | Act::RemoveLabel | Act::Write | Act::AllGraph) => {
                (&["graph"], Value::Null)
            }
            Place::Graph => (&["graph"], Value::list(vec!["elements".into(), "nodes".into(), "relationships".into()])),
            Place::Database => (&["database"], Value::Null),
            Place::Dbms => (&["dbms"], Value::Null),
            Place::Load => (&["all data", "cidr"], Value::Null),
        };
        let action = Value::string(act.printed().to_ascii_lowercase());
        let one = |target: &&str| {
            vec![action.clone(), qualifier.clone(), (*target).into(), scope.clone(), row.description.into()]
        };
        targets.iter().map(one).collect()
    };
    let mut rows: Vec<(String, Vec<Vec<Value>>)> = Act::ALL.iter().map(|act| (act.printed(), rows_of(act))).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    run(statement, &columns, rows.into_iter().flat_map(|(_, rows)| rows).collect(), tail)
}

/// Lists tokens: everybody's for who manages them, one's own for all others.
pub(super) fn tokens(statement: &mut Statement<'_>, tail: &ShowTail) -> Result<Records, Failure> {
    let names = statement.names;
    let all = allow(statement, &Action::Do(Act::TokenManagement)).is_ok();
    let principal = statement.principal;
    // Who came by a token learns nothing of its user's others, which may reach other databases.
    let is_own = |token: &Token| {
        if principal.is_token() { principal.is_by(token) } else { principal.id() == Some(token.user) }
    };
    let now = statement.shared.options.clock.wall_nanos();
    let shown = names.tokens().filter(|token| all || is_own(token));
    let mut rows: Vec<Vec<Value>> = shown
        .map(|token| {
            let databases = token.database_names(names, principal);
            vec![
                token.name.as_str().into(),
                names.user_of(token).map_or(Value::Null, Value::from),
                databases.map_or(Value::Null, |all| Value::list(all.iter().map(|name| name.as_str().into()).collect())),
                token.level.map_or(Value::Null, |level| level.word().into()),
                instant(Some(token.created_nanos)),
                instant(token.expires_nanos),
                token.is_over(now).into(),
            ]
        })
        .collect();
    rows.sort_by_key(|row| {
        let text = |at: usize| types::text::to_text(&row[at]).map(|text| text.to_string());
        (text(1), text(0))
    });
    let columns = [
        usual("name"),
        usual("user"),
        usual("databases"),
        usual("level"),
        usual("created"),
        usual("expires"),
        usual("expired"),
    ];
    run(statement, &columns, rows, tail)
}
