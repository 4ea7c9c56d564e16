//! Commands about tokens.

use catalog::{Action, IfMissing, IfThere, Limit, NewToken, ScopeName};
use cypher::ast::{Expression, NameOrParameter, TokenCommand};
use types::privilege::Act;
use types::{Code, Failure, Map, Value};

use super::super::typed;
use super::privilege::{level_of, scopes_of};
use super::{change_allowed, show};
use crate::answer::{Fetched, Kind};
use crate::index_options;
use crate::records::Records;
use crate::statement::Statement;

const NANOS_PER_MILLI: i128 = 1_000_000;
/// The end of the year 9999, beyond which drivers know no time.
const END_NANOS: i128 = 253_402_300_800 * 1_000_000_000;
const COLUMNS: [&str; 6] = ["name", "token", "user", "databases", "level", "expires"];

pub(super) fn run(statement: &mut Statement<'_>, command: &TokenCommand) -> Result<Records, Failure> {
    match command {
        TokenCommand::Create { name, if_not_exists, user, databases, level, expires } => {
            let user = whose(statement, user.as_ref())?;
            let parameters = &statement.parameters;
            let level = level.as_ref().map(|level| level_of(&typed(level, parameters)?)).transpose()?;
            if statement.names.user_name_of(statement.principal) != Some(user.as_str()) {
                catalog::access::allow_token_of(statement.names, statement.principal, &user, level)?;
            }
            let now = statement.shared.options.clock.wall_nanos();
            let expires_nanos = expires.as_ref().map(|expires| end_of(expires, parameters, now)).transpose()?;
            let mut new = NewToken { name: typed(name, parameters)?, ..NewToken::default() };
            if let Some(databases) = databases {
                let named = new.databases.get_or_insert_default();
                for scope in scopes_of(databases, parameters)? {
                    match scope {
                        ScopeName::Pattern(pattern) => new.patterns.push(pattern),
                        ScopeName::Name(name) => {
                            catalog::access::resolve(statement.names, statement.principal, &name)?;
                            named.push(name);
                        }
                        ScopeName::All | ScopeName::Home | ScopeName::Default | ScopeName::Alias(_) => {
                            let text = "A token is bound to databases by their names, or by patterns such as tenant_*.";
                            return Err(Failure::new(Code::ArgumentError, text));
                        }
                    }
                }
            }
            let new = NewToken { level, expires_nanos, ..new };
            create(statement, &user, &new, super::user::if_there(false, *if_not_exists))
        }
        TokenCommand::Drop { name, if_exists, user } => {
            let user = whose(statement, user.as_ref())?;
            let name = typed(name, &statement.parameters)?;
            let if_missing = if *if_exists { IfMissing::Skip } else { IfMissing::Fail };
            change_allowed(statement, |statement| {
                let dropped = statement.catalog()?.drop_token(&user, &name, if_missing)?;
                tracing::info!(%user, token = %name, dropped, "token dropped");
                Ok(super::user::done(dropped, || "Token does not exist.".to_owned()))
            })
        }
        TokenCommand::Show { tail } => show::tokens(statement, tail),
    }
}

/// Makes the token; its text is in the one row that comes back, and nowhere else. One that is there already gives no row.
fn create(statement: &mut Statement<'_>, user: &str, new: &NewToken, if_there: IfThere) -> Result<Records, Failure> {
    let mut made = None;
    let mut done = change_allowed(statement, |statement| {
        made = statement.catalog()?.create_token(user, new, if_there)?;
        tracing::info!(%user, token = %new.name, created = made.is_some(), "token created");
        Ok(super::user::done(made.is_some(), || "Token already exists; its text is not shown again.".to_owned()))
    })?;
    let mut summary = done.summary();
    summary.kind = Kind::Schema;
    let (names, principal) = (statement.names, statement.principal);
    // By the names for which it was made, in the order of listings: an alias is a name of its own.
    let told = |name: &String| match catalog::access::resolve(names, principal, name) {
        Ok(target) => (target.alias.is_some(), target.alias.unwrap_or(target.name).to_string()),
        Err(_) => (false, name.to_ascii_lowercase()),
    };
    let patterns = new.patterns.iter().map(|pattern| pattern.to_ascii_lowercase());
    let databases = new.databases.as_ref().map_or(Value::Null, |all| {
        let mut named: Vec<(bool, String)> = all.iter().map(told).collect();
        named.sort_by_key(|(is_alias, _)| *is_alias);
        let mut once: Vec<String> = Vec::with_capacity(all.len());
        for name in named.into_iter().map(|(_, name)| name).chain(patterns) {
            if !once.contains(&name) {
                once.push(name);
            }
        }
        Value::list(once.into_iter().map(Value::string).collect())
    });
    let mut rows = Fetched::default();
    if let Some(text) = made {
        rows.push([
            Value::string(new.name.as_str()),
            Value::string(text),
            Value::string(user),
            databases,
            new.level.map_or(Value::Null, |level| level.word().into()),
            crate::show::instant(new.expires_nanos),
        ]);
    }
    let columns = COLUMNS.iter().map(|name| (*name).into()).collect();
    Ok(Records::buffered(columns, rows, summary, statement.shared.admission.clone()))
}

/// Names the user whose token is meant: who asks, or another by who may do that.
fn whose(statement: &Statement<'_>, user: Option<&NameOrParameter>) -> Result<String, Failure> {
    let own = statement.names.user_name_of(statement.principal);
    let named = user.map(|user| typed(user, &statement.parameters)).transpose()?;
    super::user::check_is_no_token(statement)?;
    catalog::access::check_password(statement.names, statement.principal)?;
    match (named, own) {
        (Some(named), Some(own)) if named == own => Ok(named),
        (Some(named), _) => super::super::allow(statement, &Action::Do(Act::TokenManagement)).map(|()| named),
        (None, Some(own)) => Ok(own.to_owned()),
        (None, None) => {
            let text = "Authentication is disabled: say whose token it is with FOR USER.";
            Err(Failure::new(Code::ArgumentError, text))
        }
    }
}

/// Gives the moment at which a token ends, in nanoseconds since 1970: one that drivers can read.
fn end_of(expires: &Expression, parameters: &Map, now_nanos: i128) -> Result<i128, Failure> {
    let end = now_nanos + i128::from(lasting(expires, parameters, now_nanos)?) * NANOS_PER_MILLI;
    if end < END_NANOS {
        return Ok(end);
    }
    let text = "The token would end after the year 9999. Give it a shorter time, or none at all.";
    Err(Failure::new(Code::ArgumentError, text))
}

/// Reads `'30d'`, `'P30D'`, `duration('P30D')` or a parameter as milliseconds.
fn lasting(expires: &Expression, parameters: &Map, now_nanos: i128) -> Result<u64, Failure> {
    let value = match index_options::value_at(expires, parameters, now_nanos) {
        Err(failure) if failure.code() == Code::ParameterMissing => return Err(failure),
        value => value.unwrap_or(Value::Null),
    };
    match Limit::parse("max_query_time").and_then(|limit| limit.read(&value)) {
        Ok(millis) if millis > 0 => Ok(millis),
        _ => {
            let text = "EXPIRES AFTER needs a time such as '30d', '12h' or 'P30D', as a text or a parameter.";
            Err(Failure::new(Code::ArgumentError, text))
        }
    }
}
