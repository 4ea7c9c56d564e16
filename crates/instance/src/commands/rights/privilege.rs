//! Commands about privileges: single ones, levels, owners and isolation.
//! Leaves what a privilege means to `catalog`, and the values of rules to `rule`.
//! Start reading at [`run`].

use std::sync::Arc;

use catalog::graph_rights::AddressRange;
use catalog::{Action, HolderName, Level, Names, Principal, Privilege, Resource, ScopeName, Segment, Verb};
use cypher::ast::{
    ElementsSpec, ExpressionKind, HolderSpec, Isolation, LevelsShown, Name, NameOrParameter, PrivilegeCommand,
    PrivilegeSpec, PrivilegeVerb, ScopeSpec, Wait,
};
use types::privilege::{Act, Narrows, Place};
use types::{Code, CompactString, DatabaseName, Failure, Map, Value};

use super::super::typed;
use super::{Did, change_allowed, change_allowed_for, levels, rule, show};
use crate::records::Records;
use crate::statement::Statement;

/// Longest label, type, property or pattern in a privilege: with a rule of the longest kind it still fits into a row.
const NAME_MAX_BYTES: usize = 8_192;

pub(super) fn run(statement: &mut Statement<'_>, command: &PrivilegeCommand) -> Result<Records, Failure> {
    match command {
        PrivilegeCommand::Change { verb, immutable, privilege, holders } => {
            let test = match &privilege.elements {
                ElementsSpec::Pattern(rule) => Some(Arc::new(rule::test_of(statement, rule)?)),
                _ => None,
            };
            let privileges = privileges_of(privilege, &statement.parameters)?.into_iter();
            let privileges: Vec<Privilege> =
                privileges.map(|one| Privilege { immutable: *immutable, test: test.clone(), ..one }).collect();
            check_names(&privileges)?;
            let scopes = match privilege.act.row().place {
                Place::Dbms | Place::Load => vec![ScopeName::All],
                Place::Graph | Place::Database => scopes_of(&privilege.scopes, &statement.parameters)?,
            };
            apply(statement, verb_of(*verb), &privileges, &scopes, holders)
        }
        PrivilegeCommand::Level { grant, level, databases, holders } => {
            let level = level_of(&level.text)?;
            let scopes = scopes_of(databases, &statement.parameters)?;
            let verb = if *grant { Verb::Grant } else { Verb::Revoke { granted: true, denied: false } };
            // The scope is put in where the databases are found.
            apply(statement, verb, &level.privileges(&catalog::Scope::All), &scopes, holders)
        }
        PrivilegeCommand::Owner { database, if_exists, user, wait } => {
            set_owner(statement, (database, *if_exists), user.as_ref(), *wait)
        }
        PrivilegeCommand::Isolation { database, if_exists, mode, wait } => {
            set_isolation(statement, (database, *if_exists), *mode, *wait)
        }
        PrivilegeCommand::Show { of, commands, tail } => show::privileges(statement, of, *commands, tail),
        PrivilegeCommand::ShowSupported { tail } => show::supported(statement, tail),
        PrivilegeCommand::ShowLevels { shown: LevelsShown::Held, database, tail } => {
            levels::held(statement, database.as_ref(), tail)
        }
        PrivilegeCommand::ShowLevels { shown: LevelsShown::Granted, database, tail } => {
            levels::granted(statement, database.as_ref(), tail)
        }
    }
}

fn apply(
    statement: &mut Statement<'_>,
    verb: Verb,
    privileges: &[Privilege],
    scopes: &[ScopeName],
    holders: &[HolderSpec],
) -> Result<Records, Failure> {
    let holders = holders_of(holders, &statement.parameters)?;
    let act = if matches!(verb, Verb::Revoke { .. }) { Act::RemovePrivilege } else { Act::AssignPrivilege };
    may_change(statement.names, statement.principal, act, privileges, scopes)?;
    change_allowed(statement, |statement| {
        let (door, principal) = (statement.catalog()?, statement.principal);
        let changed = door.change_privileges(principal, verb, privileges, scopes, &holders)?;
        tracing::info!(?verb, ?holders, count = changed.count, "privileges changed");
        Ok(match (changed.count, verb) {
            (0, Verb::Revoke { .. }) => Did::Impossible("The role does not have the privilege.".to_owned()),
            (0, _) => Did::Nothing("The role already has the privilege.".to_owned()),
            _ => Did::This,
        })
    })
}

/// Refuses who may change neither privileges everywhere nor, as its owner, those on the one database that is named.
///
/// An owner gives away no more than he has.
fn may_change(
    names: &Names,
    principal: &Principal,
    act: Act,
    privileges: &[Privilege],
    scopes: &[ScopeName],
) -> Result<(), Failure> {
    let action = Action::Do(act);
    let Err(denied) = catalog::access::allow(names, principal, &action) else { return Ok(()) };
    let own = |scope: &ScopeName| match scope {
        ScopeName::Name(name) | ScopeName::Alias(name) => names
            .resolve(name)
            .is_ok_and(|target| catalog::access::allow_on(names, principal, &action, &target.name).is_ok()),
        _ => false,
    };
    let given = |privilege: &Privilege| {
        let is_here = matches!(privilege.act.row().place, Place::Graph | Place::Database);
        is_here && Act::Ownership.holds(privilege.act)
    };
    if scopes.iter().all(own) && privileges.iter().all(given) { Ok(()) } else { Err(denied.into()) }
}

fn set_owner(
    statement: &mut Statement<'_>,
    database: (&NameOrParameter, bool),
    user: Option<&NameOrParameter>,
    wait: Wait,
) -> Result<Records, Failure> {
    let target = owned(statement, database)?;
    let user = user.map(|user| typed(user, &statement.parameters)).transpose()?;
    change_allowed_for(statement, wait, |statement| {
        let Some(target) = target else { return Ok(Did::Nothing(MISSING.to_owned())) };
        if statement.names.owner_of(target.database) == user.as_deref() {
            return Ok(Did::Nothing("The database is owned so already.".to_owned()));
        }
        statement.catalog()?.set_owner(target.database, user.as_deref())?;
        tracing::info!(database = %target.name, owner = user.as_deref(), "owner changed");
        Ok(Did::This)
    })
}

fn set_isolation(
    statement: &mut Statement<'_>,
    database: (&NameOrParameter, bool),
    mode: Isolation,
    wait: Wait,
) -> Result<Records, Failure> {
    let target = owned(statement, database)?;
    let level = match mode {
        Isolation::None => Some(Level::Write),
        Isolation::Soft => Some(Level::Read),
        Isolation::Strict => None,
    };
    change_allowed_for(statement, wait, |statement| {
        let Some(target) = target else { return Ok(Did::Nothing(MISSING.to_owned())) };
        let changed = statement.catalog()?.set_isolation(target.database, level)?;
        tracing::info!(database = %target.name, ?mode, changed, "isolation changed");
        Ok(super::user::done(changed, || "The database is isolated so already.".to_owned()))
    })
}

const MISSING: &str = "The database does not exist.";

/// Finds a database of which somebody may say who owns and sees it; nothing where it need not exist and does not.
fn owned(
    statement: &Statement<'_>,
    (database, if_exists): (&NameOrParameter, bool),
) -> Result<Option<catalog::Target>, Failure> {
    let typed = typed(database, &statement.parameters)?;
    let (names, principal) = (statement.names, statement.principal);
    let action = Action::Do(Act::AssignPrivilege);
    let target = names.resolve(&typed);
    let asked: Option<&DatabaseName> = target.as_ref().ok().map(|target| &target.name);
    // Who may not do it hears that, whether there is such a database or not.
    match asked {
        Some(name) => catalog::access::allow_on(names, principal, &action, name)?,
        None => catalog::access::allow(names, principal, &action)?,
    }
    let target = match target {
        Err(catalog::CatalogError::NotFound { .. }) if if_exists => return Ok(None),
        target => target?,
    };
    if target.name.is_system() {
        return Err(catalog::CatalogError::SystemProtected { verb: "alter" }.into());
    }
    Ok(Some(target))
}

fn verb_of(verb: PrivilegeVerb) -> Verb {
    match verb {
        PrivilegeVerb::Grant => Verb::Grant,
        PrivilegeVerb::Deny => Verb::Deny,
        PrivilegeVerb::Revoke => Verb::Revoke { granted: true, denied: true },
        PrivilegeVerb::RevokeGrant => Verb::Revoke { granted: true, denied: false },
        PrivilegeVerb::RevokeDeny => Verb::Revoke { granted: false, denied: true },
    }
}

pub(super) fn level_of(word: &str) -> Result<Level, Failure> {
    Level::parse(word).ok_or_else(|| {
        let known: Vec<&str> = Level::ALL.iter().map(|level| level.word()).collect();
        let text = format!("There is no level '{}'. The levels are: {}.", DatabaseName::shown(word), known.join(", "));
        Failure::new(Code::ArgumentError, text)
    })
}

/// Cuts what a command says into single privileges, whose scope is filled in later.
fn privileges_of(spec: &PrivilegeSpec, parameters: &Map) -> Result<Vec<Privilege>, Failure> {
    let row = spec.act.row();
    let segments = match (row.place, row.narrows) {
        (Place::Load, _) => vec![match &spec.cidr {
            None => Segment::AllData,
            Some(range) => Segment::Cidr(address_range(&range.kind, parameters)?),
        }],
        (_, Narrows::Labels) => vec![Segment::Nodes(None)],
        (Place::Graph, _) => elements(&spec.elements),
        (_, Narrows::Users) => match &spec.users {
            None => vec![Segment::Users(None)],
            Some(users) => {
                let named = |user| Ok(Segment::Users(Some(typed(user, parameters)?.into())));
                users.iter().map(named).collect::<Result<_, Failure>>()?
            }
        },
        (_, Narrows::Procedures | Narrows::Functions | Narrows::Settings) => {
            spec.patterns.iter().cloned().map(Segment::Names).collect()
        }
        (Place::Database | Place::Dbms, Narrows::Nothing | Narrows::Properties) => vec![Segment::Nothing],
    };
    let resources = match (row.narrows, &spec.resource) {
        (Narrows::Properties, None) => vec![Resource::AllProperties],
        (Narrows::Properties, Some(keys)) => keys.iter().map(|key| Resource::Property(key.text.clone())).collect(),
        (Narrows::Labels, None) => vec![Resource::AllLabels],
        (Narrows::Labels, Some(labels)) => labels.iter().map(|label| Resource::Label(label.text.clone())).collect(),
        _ => vec![Resource::Nothing],
    };
    let one = |resource: &Resource, segment: &Segment| Privilege {
        resource: resource.clone(),
        segment: segment.clone(),
        ..Privilege::of(spec.act)
    };
    Ok(resources.iter().flat_map(|resource| segments.iter().map(move |segment| one(resource, segment))).collect())
}

/// Refuses names with which a privilege could not be kept.
fn check_names(privileges: &[Privilege]) -> Result<(), Failure> {
    let of_resource = |privilege: &Privilege| match &privilege.resource {
        Resource::Property(name) | Resource::Label(name) => name.len(),
        Resource::Nothing | Resource::AllProperties | Resource::AllLabels => 0,
    };
    let of_segment = |privilege: &Privilege| match &privilege.segment {
        Segment::Nodes(name) | Segment::Relationships(name) | Segment::Users(name) => {
            name.as_ref().map_or(0, |name| name.len())
        }
        Segment::Names(pattern) => pattern.len(),
        Segment::Nothing | Segment::AllData | Segment::Cidr(_) => 0,
    };
    match privileges.iter().map(|one| of_resource(one).max(of_segment(one))).max() {
        Some(bytes) if bytes > NAME_MAX_BYTES => {
            let text =
                format!("A name of {bytes} bytes is too long for a privilege; the longest has {NAME_MAX_BYTES}.");
            Err(Failure::new(Code::ArgumentError, text))
        }
        _ => Ok(()),
    }
}

fn elements(elements: &ElementsSpec) -> Vec<Segment> {
    let some = |names: &Option<Vec<Name>>, make: fn(Option<CompactString>) -> Segment| -> Vec<Segment> {
        match names {
            None => vec![make(None)],
            Some(names) => names.iter().map(|name| make(Some(name.text.clone()))).collect(),
        }
    };
    match elements {
        ElementsSpec::Unsaid => vec![Segment::Nodes(None), Segment::Relationships(None)],
        ElementsSpec::Elements(names) => [some(names, Segment::Nodes), some(names, Segment::Relationships)].concat(),
        ElementsSpec::Nodes(names) => some(names, Segment::Nodes),
        ElementsSpec::Relationships(names) => some(names, Segment::Relationships),
        ElementsSpec::Pattern(rule) => {
            let names = (!rule.names.is_empty()).then(|| rule.names.clone());
            some(&names, if rule.relationships { Segment::Relationships } else { Segment::Nodes })
        }
    }
}

fn address_range(range: &ExpressionKind, parameters: &Map) -> Result<CompactString, Failure> {
    let text = match range {
        ExpressionKind::String(text) => text.clone(),
        ExpressionKind::Parameter(name) => match parameters.get(&name.text) {
            Some(Value::String(text)) => text.clone(),
            Some(_) => CompactString::default(),
            None => {
                return Err(Failure::new(Code::ParameterMissing, format!("Expected parameter(s): {}", name.text)));
            }
        },
        _ => CompactString::default(),
    };
    match AddressRange::parse(&text) {
        Some(_) => Ok(text),
        None => {
            let text = format!("Invalid CIDR '{text}': expected a text such as '10.0.0.0/8' or 'fd00::/8'.");
            Err(Failure::new(Code::ArgumentError, text))
        }
    }
}

pub(super) fn scopes_of(scopes: &[ScopeSpec], parameters: &Map) -> Result<Vec<ScopeName>, Failure> {
    let one = |scope: &ScopeSpec| {
        Ok(match scope {
            ScopeSpec::All => ScopeName::All,
            ScopeSpec::Home => ScopeName::Home,
            ScopeSpec::Default => ScopeName::Default,
            ScopeSpec::Pattern(pattern) => ScopeName::Pattern(pattern.to_string()),
            ScopeSpec::Alias(name) => ScopeName::Alias(typed(name, parameters)?),
            ScopeSpec::Name(name) => {
                let text = typed(name, parameters)?;
                if matches!(name, NameOrParameter::Parameter(_)) && text.contains(['*', '?']) {
                    let text = format!("'{text}': Parameterized database and graph names do not support wildcards.");
                    return Err(Failure::new(Code::ArgumentError, text));
                }
                ScopeName::Name(text)
            }
        })
    };
    scopes.iter().map(one).collect()
}

fn holders_of(holders: &[HolderSpec], parameters: &Map) -> Result<Vec<HolderName>, Failure> {
    let one = |holder: &HolderSpec| match holder {
        HolderSpec::Role(name) => typed(name, parameters).map(HolderName::Role),
        HolderSpec::User(name) => typed(name, parameters).map(HolderName::User),
    };
    holders.iter().map(one).collect()
}
