//! `SHOW FUNCTIONS`, `SHOW PROCEDURES` and `SHOW SETTINGS`, with the columns that Neo4j has.
//! Leaves the functions to `query`, the procedures to `procedures`, and `YIELD` to `tail`.
//! Start reading at [`show`].

use std::sync::Arc;

use catalog::executing::RoleCalls;
use catalog::{Action, GraphRights};
use cypher::ast::{Executable, Functions, Known, ShowTail};
use query::procedure::Field;
use types::privilege::Act;
use types::{DatabaseName, Failure, Map, Value};

use crate::commands::allow;
use crate::procedures::{Listed, settings};
use crate::records::Records;
use crate::statement::Statement;
use crate::tail::{Column, Listing, extra, usual};
use crate::transactions;

/// Lists what the server knows: all of it, or what who asks may call.
pub(crate) fn show(statement: &mut Statement<'_>, what: &Known, tail: &ShowTail) -> Result<Records, Failure> {
    let wanted = match what {
        Known::Settings { names } => transactions::ids(statement, names)?,
        Known::Functions { .. } | Known::Procedures { .. } => Vec::new(),
    };
    let wanted = Some(wanted.as_slice()).filter(|wanted| !wanted.is_empty());
    listed(statement, what, wanted)?.answer(statement, tail, DatabaseName::system().to_string())
}

/// Lists what the server knows; of settings only the wanted ones, where some are named.
pub(crate) fn listed(statement: &Statement<'_>, what: &Known, wanted: Option<&[String]>) -> Result<Listing, Failure> {
    let (columns, rows) = match what {
        Known::Functions { which, executable } => {
            let rights = callers_rights(statement, executable)?;
            let may_use = |function: &query::functions::Function| {
                function.is_built_in() || rights.as_ref().is_none_or(|rights| rights.may_use(function.name))
            };
            (FUNCTION_COLUMNS, functions(*which, may_use, &Callers::of(statement)))
        }
        Known::Procedures { executable } => {
            let rights = callers_rights(statement, executable)?;
            let may_call = |listed: &&Listed| {
                rights.as_ref().is_none_or(|rights| rights.may_call(&listed.procedure.signature().name))
            };
            let callers = Callers::of(statement);
            let all = statement.shared.procedures.all();
            let rows = all.iter().filter(may_call).map(|listed| procedure(listed, &callers)).collect();
            (PROCEDURE_COLUMNS, rows)
        }
        Known::Settings { .. } => {
            let chosen = |name: &str| wanted.is_none_or(|wanted| wanted.iter().any(|wanted| wanted == name));
            let rows = settings(statement.shared).into_iter().filter(|setting| chosen(&setting.name));
            // One that may not be seen is left out, as if it were not there.
            let may_see = |setting: &crate::procedures::Setting| {
                let may = |action| catalog::access::allow(statement.names, statement.principal, action).is_ok();
                setting.shown_to().iter().any(may)
            };
            let row = |setting: crate::procedures::Setting| {
                let value = Value::string(setting.value);
                vec![
                    setting.name.as_str().into(),
                    value.clone(),
                    false.into(),
                    Value::string(setting.default),
                    Value::string(setting.description),
                    value,
                    (setting.source != "default").into(),
                    false.into(),
                    Value::string(format!("{}, {}", setting.name, setting.values)),
                    setting.source.into(),
                ]
            };
            (SETTING_COLUMNS, rows.filter(may_see).map(row).collect())
        }
    };
    Ok(Listing::of(columns, rows))
}

pub(crate) const FUNCTION_COLUMNS: &[Column] = &[
    usual("name"),
    usual("category"),
    usual("description"),
    extra("signature"),
    extra("isBuiltIn"),
    extra("argumentDescription"),
    extra("returnDescription"),
    extra("aggregating"),
    extra("rolesExecution"),
    extra("rolesBoostedExecution"),
    extra("isDeprecated"),
    extra("deprecatedBy"),
];

pub(crate) const PROCEDURE_COLUMNS: &[Column] = &[
    usual("name"),
    usual("description"),
    usual("mode"),
    usual("worksOnSystem"),
    extra("signature"),
    extra("argumentDescription"),
    extra("returnDescription"),
    extra("admin"),
    extra("rolesExecution"),
    extra("rolesBoostedExecution"),
    extra("isDeprecated"),
    extra("deprecatedBy"),
    extra("option"),
];

pub(crate) const SETTING_COLUMNS: &[Column] = &[
    usual("name"),
    usual("value"),
    usual("isDynamic"),
    usual("defaultValue"),
    usual("description"),
    extra("startupValue"),
    extra("isExplicitlySet"),
    extra("isDeprecated"),
    extra("validValues"),
    extra("source"),
];

/// Gives the rights of who asks, or of another user, where only what that one may call is wanted.
fn callers_rights(statement: &Statement<'_>, executable: &Executable) -> Result<Option<Arc<GraphRights>>, Failure> {
    let Statement { names, principal, own, .. } = statement;
    match executable {
        Executable::ByAnybody => Ok(None),
        Executable::By(user) if names.user_name_of(principal) != Some(user.text.as_str()) => {
            // What somebody else may do is told to who may look it up.
            allow(statement, &Action::Do(Act::ShowPrivilege))?;
            allow(statement, &Action::Do(Act::ShowUser))?;
            Ok(Some(catalog::executing::rights_of(names, &user.text, own.database)))
        }
        Executable::ByMe | Executable::By(_) => {
            let grant = catalog::grant(names, principal, own, catalog::Access::Read)?;
            Ok(Some(Arc::clone(grant.rights())))
        }
    }
}

/// Which roles may call what, for who may list roles.
struct Callers(Option<Vec<RoleCalls>>);

impl Callers {
    fn of(statement: &Statement<'_>) -> Self {
        let may_see = allow(statement, &Action::Do(Act::ShowRole)).is_ok();
        Self(may_see.then(|| catalog::executing::calls_of_roles(statement.names)))
    }

    /// Gives the values of `rolesExecution` and `rolesBoostedExecution`; null for who may not list roles.
    fn roles(&self, plain: impl Fn(&RoleCalls) -> bool, boosted: impl Fn(&RoleCalls) -> bool) -> [Value; 2] {
        let list = |may: &dyn Fn(&RoleCalls) -> bool| match &self.0 {
            None => Value::Null,
            Some(all) => {
                Value::list(all.iter().filter(|calls| may(calls)).map(|calls| calls.role.as_str().into()).collect())
            }
        };
        [list(&plain), list(&boosted)]
    }
}

fn functions(
    which: Functions,
    may_use: impl Fn(&query::functions::Function) -> bool,
    callers: &Callers,
) -> Vec<Vec<Value>> {
    let chosen = |function: &&&query::functions::Function| match which {
        Functions::All => true,
        Functions::BuiltIn => function.is_built_in(),
        Functions::UserDefined => !function.is_built_in(),
    };
    let row = |function: &&'static query::functions::Function| {
        let (arguments, result) = parts(function.signature);
        let arguments = arguments.into_iter().map(|(name, kind)| argument(name, kind, None)).collect();
        // What belongs to the language is everybody's.
        let [plain, boosted] = callers.roles(
            |calls| !function.is_built_in() && calls.functions.allows(function.name),
            |calls| !function.is_built_in() && calls.boosted_functions.allows(function.name),
        );
        vec![
            function.name.into(),
            function.category().into(),
            function.description.into(),
            function.signature.into(),
            function.is_built_in().into(),
            Value::list(arguments),
            result.into(),
            function.is_aggregate().into(),
            plain,
            boosted,
            false.into(),
            Value::Null,
        ]
    };
    query::functions::all().iter().filter(chosen).filter(|function| may_use(function)).map(row).collect()
}

/// Cuts `name(a :: T, b = 1 :: U) :: R` into its arguments and what it gives.
fn parts(signature: &'static str) -> (Vec<(&'static str, &'static str)>, &'static str) {
    let (inside, result) = match (signature.find('('), signature.rfind(") :: ")) {
        (Some(open), Some(close)) if open < close => (&signature[open + 1..close], &signature[close + 5..]),
        _ => ("", ""),
    };
    let arguments = inside.split(", ").filter_map(|argument| argument.split_once(" :: "));
    (arguments.collect(), result)
}

fn argument(name: &str, kind: &str, default: Option<&Value>) -> Value {
    let shown_name = name.split(" = ").next().unwrap_or_default();
    let mut entries: Vec<(&str, Value)> = vec![
        ("isDeprecated", false.into()),
        ("description", Value::string(format!("{name} :: {kind}"))),
        ("name", Value::string(shown_name)),
        ("type", Value::string(kind)),
    ];
    if let Some(default) = default {
        let text = types::text::literal(default);
        entries.push(("default", Value::string(format!("DefaultParameterValue{{value={text}, type={kind}}}"))));
    }
    let entries: Map = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
    Value::map(entries)
}

fn procedure(listed: &Listed, callers: &Callers) -> Vec<Value> {
    let signature = listed.procedure.signature();
    let [plain, boosted] = callers.roles(
        |calls| calls.procedures.allows(&signature.name),
        |calls| calls.boosted_procedures.allows(&signature.name),
    );
    let described = |field: &Field| match &field.default {
        Some(default) => {
            let name = format!("{} = {}", field.name, types::text::literal(default));
            argument(&name, &field.kind, Some(default))
        }
        None => argument(&field.name, &field.kind, None),
    };
    let list = |fields: &[Field]| Value::list(fields.iter().map(described).collect());
    let joined = |fields: &[Field]| fields.iter().map(Listed::field).collect::<Vec<String>>().join(", ");
    let mut text = format!("{}({})", signature.name, joined(&signature.inputs));
    if !signature.outputs.is_empty() {
        text.push_str(&format!(" :: ({})", joined(&signature.outputs)));
    }
    vec![
        Value::String(signature.name.clone()),
        listed.description.into(),
        listed.mode.into(),
        listed.works_on_system.into(),
        Value::string(text),
        list(&signature.inputs),
        list(&signature.outputs),
        false.into(),
        plain,
        boosted,
        false.into(),
        Value::Null,
        Value::map([("deprecated".into(), false.into())].into_iter().collect()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_of_functions_come_apart() {
        for function in query::functions::all() {
            let (arguments, result) = parts(function.signature);
            assert!(!result.is_empty(), "{}", function.signature);
            assert!(arguments.len() >= function.arity.0.min(1), "{}", function.signature);
        }
    }
}
