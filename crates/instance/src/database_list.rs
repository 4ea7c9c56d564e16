//! `SHOW DATABASES`: each database that somebody may see, with the columns that Neo4j has and a few of our own.
//! Leaves `YIELD` and what follows it to `tail`, and whether a file is sound to `databases`.
//! Start reading at [`show`].

use std::sync::Arc;

use catalog::{Access, Action, Database as Row, DatabaseAccess, Language, Names, Principal, Requested, Target, access};
use cypher::ast::{Expression, ExpressionKind, Projection, ShowTail};
use types::privilege::Act;
use types::{CompactString, DatabaseName, Failure, Map, Value};

use crate::answer::{Fetched, Kind, More, Summary};
use crate::databases::{Counts, Standing};
use crate::index_options;
use crate::instance::Shared;
use crate::records::Records;
use crate::show::instant;
use crate::statement::Statement;
use crate::tail::{self, Column};

/// Which databases are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Every one that the user may see.
    All,
    /// One by name or alias, where there is one.
    Named(String),
    /// The default one.
    Default,
    /// The one that the user means who names none.
    Home,
}

/// What is known of one database while its row is made.
struct Look<'s> {
    shared: &'s Shared,
    names: &'s Names,
    principal: &'s Principal,
    row: &'s Row,
    /// The name by which he knows it.
    name: &'s DatabaseName,
    standing: Standing,
}

type MakeValue = fn(&Look<'_>) -> Value;

/// A column that is listed.
type Listed = &'static (&'static str, bool, MakeValue);

/// Every column: its name, whether it is there without a `YIELD`, and what stands in it.
const COLUMNS: &[(&str, bool, MakeValue)] = &[
    ("name", true, |look| look.name.as_str().into()),
    ("type", true, |look| if look.row.name.is_system() { "system".into() } else { "standard".into() }),
    ("aliases", true, |look| {
        let aliases = look.names.aliases_of(look.row.id);
        let (database, name) = (look.row.id, &look.row.name);
        let is_there = |alias: &&DatabaseName| {
            let target = Target { database, name: name.clone(), alias: Some((*alias).clone()) };
            access::lists(look.names, look.principal, &target)
        };
        // Who knows it by one of them alone is told of no other, and nobody of one that is denied.
        let aliases = aliases.iter().filter(|_| look.name == name).filter(is_there);
        Value::list(aliases.map(|alias| alias.as_str().into()).collect())
    }),
    ("access", true, |look| match look.row.access {
        DatabaseAccess::ReadWrite => "read-write".into(),
        DatabaseAccess::ReadOnly => "read-only".into(),
    }),
    ("databaseID", false, |look| Value::string(look.row.id.to_string())),
    ("serverID", false, |look| Value::string(look.shared.server_id.to_string())),
    ("address", true, |look| look.shared.options.address.as_str().into()),
    ("role", true, |_| "primary".into()),
    ("writer", true, |_| true.into()),
    ("requestedStatus", true, |look| match look.row.requested {
        Requested::Online => "online".into(),
        Requested::Offline => "offline".into(),
    }),
    ("currentStatus", true, |look| look.current_status().into()),
    ("statusMessage", true, |look| match look.standing.trouble() {
        Some(failure) => Value::string(failure.calling(look.row.name.as_str(), look.name.as_str()).message()),
        None => look.shared.databases.journal_damage(look.row).map_or_else(|| "".into(), Value::string),
    }),
    ("default", true, |look| (look.row.id == look.names.default_database().id).into()),
    ("home", true, |look| {
        let home = look.names.resolve(look.names.home_of(look.principal).as_str());
        home.is_ok_and(|home| home.database == look.row.id).into()
    }),
    ("currentPrimariesCount", false, |_| 1.into()),
    ("currentSecondariesCount", false, |_| 0.into()),
    ("requestedPrimariesCount", false, |_| 1.into()),
    ("requestedSecondariesCount", false, |_| 0.into()),
    ("creationTime", false, |look| instant(Some(look.row.created_nanos))),
    ("lastStartTime", false, |look| instant(look.row.last_start_nanos)),
    ("lastStopTime", false, |look| instant(look.row.last_stop_nanos)),
    ("store", false, |look| if look.row.options.is_encrypted() { "crypt-sheaf-1.0" } else { "lmdb-sheaf-1.0" }.into()),
    ("lastCommittedTxn", false, |look| match &look.standing {
        Standing::Open(open) => i64::try_from(open.graph.version()).map_or(Value::Null, Value::Integer),
        Standing::Opening | Standing::Closed | Standing::Unopened(_) | Standing::Failed(_) => Value::Null,
    }),
    ("replicationLag", false, |_| 0.into()),
    ("constituents", true, |_| Value::list(Vec::new())),
    ("defaultLanguage", false, |look| match look.row.language {
        Language::Cypher5 => "CYPHER 5".into(),
        Language::Cypher25 => "CYPHER 25".into(),
    }),
    ("options", false, |look| Value::map(look.row.options.shown())),
    ("owner", false, |look| text(look.names.owner_of(look.row.id))),
    ("createdBy", false, |look| text(look.row.creator.as_deref())),
    ("updatedTime", false, |look| instant(Some(look.row.updated_nanos))),
    ("suspended", false, |look| {
        let runs = look.row.requested == Requested::Online && !look.row.name.is_system();
        (runs && matches!(look.standing, Standing::Closed)).into()
    }),
    ("nodes", false, |look| look.count(|counts| counts.nodes)),
    ("relationships", false, |look| look.count(|counts| counts.relationships)),
    ("lastWriteTime", false, |look| instant(look.shared.databases.written_nanos(look.row))),
    ("path", false, |look| look.path()),
];

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}

impl Look<'_> {
    /// Gives the folder of its files, to who may see how the server is set up and knows the name that the folder has.
    fn path(&self) -> Value {
        if *self.name != self.row.name {
            return Value::Null;
        }
        let action = Action::DoTo(Act::ShowSetting, CompactString::const_new("sheaf.data"));
        if access::allow(self.names, self.principal, &action).is_err() {
            return Value::Null;
        }
        let folder = self.shared.databases.folder_of(self.row);
        folder.map_or(Value::Null, |folder| Value::string(folder.display().to_string()))
    }

    /// Gives how much it holds, to who may see all of that; nothing where it is not known without opening it.
    fn count(&self, of: fn(&Counts) -> u64) -> Value {
        let alias = Some(self.name).filter(|name| **name != self.row.name).cloned();
        let target = Target { database: self.row.id, name: self.row.name.clone(), alias };
        let grant = catalog::grant(self.names, self.principal, &target, Access::Read);
        if self.names.is_staged() || !grant.is_ok_and(|grant| grant.rights().sees_everything()) {
            return Value::Null;
        }
        let counts = self.shared.databases.counts(self.row);
        counts.and_then(|counts| i64::try_from(of(&counts)).ok()).map_or(Value::Null, Value::Integer)
    }

    fn current_status(&self) -> &'static str {
        match (self.row.requested, &self.standing) {
            (Requested::Online, Standing::Failed(_)) => "error",
            // As in Neo4j, where the reason is not in what the files hold.
            (Requested::Online, Standing::Unopened(_)) => "offline",
            (Requested::Online, Standing::Open(_)) if self.standing.trouble().is_some() => "error",
            (Requested::Online, Standing::Opening) => "starting",
            // One that is closed opens when it is asked for.
            (Requested::Online, Standing::Open(_) | Standing::Closed) => "online",
            (Requested::Offline, Standing::Open(_) | Standing::Opening) => "stopping",
            (Requested::Offline, Standing::Closed | Standing::Unopened(_) | Standing::Failed(_)) => "offline",
        }
    }
}

/// Lists databases.
pub(crate) fn show(statement: &mut Statement<'_>, which: &Which, tail: &ShowTail) -> Result<Records, Failure> {
    // Neo4j leaves these two out where they would say nothing.
    let is_single = matches!(which, Which::Default | Which::Home);
    let is_there = |name: &str| !is_single || !matches!(name, "default" | "home");
    let columns: Vec<Listed> =
        COLUMNS.iter().filter(|(name, usual, _)| is_there(name) && is_needed(statement, name, *usual, tail)).collect();
    if *which == Which::All && tail.yields.is_none() && tail.filter.is_none() {
        return Ok(listed_by_and_by(statement, columns));
    }
    let page = Page::of(tail, &statement.parameters)?;
    let (shared, names, principal) = (statement.shared, statement.names, statement.principal);
    let mut rows = chosen(statement, which, &page);
    let (mut tail, all) = (&page.rest_of(tail), all_of(tail));
    if chooses_among_all(tail) {
        rows = left_by(statement, rows, &columns, tail)?;
        tail = &all;
    }
    let rows = rows.iter().map(|seen| row_of(shared, names, principal, seen, &columns).collect()).collect();
    let columns: Vec<Column> = columns.iter().map(|(name, usual, _)| Column { name, usual: *usual }).collect();
    tail::run(statement, &columns, rows, tail, DatabaseName::system().to_string())
}

/// Gives the databases that a tail leaves, in its order. All columns of ten thousand cost a second, so these are looked at for
/// those that it asks about.
fn left_by(
    statement: &mut Statement<'_>,
    rows: Vec<Seen>,
    columns: &[Listed],
    tail: &ShowTail,
) -> Result<Vec<Seen>, Failure> {
    let (shared, names, principal) = (statement.shared, statement.names, statement.principal);
    let asked: Vec<Listed> = columns.iter().copied().filter(|(name, ..)| statement.text.contains(name)).collect();
    let looked = rows.iter().map(|seen| row_of(shared, names, principal, seen, &asked).collect()).collect();
    let asked: Vec<Column> = asked.iter().map(|(name, ..)| tail::extra(name)).collect();
    let mut rows: Vec<Option<Seen>> = rows.into_iter().map(Some).collect();
    let places = tail::chosen(statement, &asked, looked, tail)?;
    Ok(places.into_iter().filter_map(|place| rows.get_mut(place)?.take()).collect())
}

/// What is left of a tail for rows that it chose already: all columns, and what it returns of them.
fn all_of(tail: &ShowTail) -> ShowTail {
    let yields = Projection { all: true, ..tail::projection(Vec::new()) };
    ShowTail { yields: Some(yields), filter: None, returns: tail.returns.clone() }
}

/// Lists all databases, each looked at when its row is asked for: the first of ten thousand are there at once.
fn listed_by_and_by(statement: &Statement<'_>, mut columns: Vec<Listed>) -> Records {
    columns.retain(|(_, usual, _)| *usual);
    let shared = Arc::clone(statement.shared);
    let (names, principal) = (statement.names.clone(), statement.principal.clone());
    let titles = columns.iter().map(|(name, ..)| (*name).into()).collect();
    let summary = Summary { kind: Kind::Read, database: DatabaseName::system().to_string(), ..Summary::default() };
    let mut next = String::new();
    let more = move |rows_max: usize, fetched: &mut Fetched| {
        let visible = seen_from(&names, &principal, &next);
        // One more than is asked for tells whether there are more, and where to go on.
        let mut found: Vec<Seen> = visible.take(rows_max.saturating_add(1)).collect();
        let beyond = (found.len() > rows_max).then(|| found.pop()).flatten();
        found.iter().for_each(|seen| fetched.push(row_of(&shared, &names, &principal, seen, &columns)));
        next = beyond.as_ref().map_or_else(String::new, |seen| seen.name.to_string());
        if beyond.is_some() { More::Yes } else { More::No }
    };
    Records::made(titles, Box::new(more), summary, statement.shared.admission.clone())
}

/// Makes the row of a database.
fn row_of<'r>(
    shared: &'r Shared,
    names: &'r Names,
    principal: &'r Principal,
    seen: &'r Seen,
    columns: &'r [Listed],
) -> impl Iterator<Item = Value> + 'r {
    let row = &*seen.row;
    let looks_at_file = columns.iter().any(|(name, ..)| matches!(*name, "currentStatus" | "statusMessage"));
    // Of what a transaction has not committed yet there may be no files.
    let standing = if looks_at_file && !names.is_staged() && !row.name.is_system() {
        shared.glance(row)
    } else {
        shared.standing(row)
    };
    let look = Look { shared, names, principal, row, name: &seen.name, standing };
    columns.iter().map(move |(_, _, make)| make(&look))
}

/// Tells whether all columns are shown of those rows that a condition or a number leaves.
fn chooses_among_all(tail: &ShowTail) -> bool {
    let is_for_all =
        |yields: &Projection| yields.all && !yields.distinct && (yields.limit.is_some() || tail.filter.is_some());
    tail.yields.as_ref().is_some_and(is_for_all) && tail.returns.as_ref().is_none_or(|returns| returns.all)
}

/// Tells whether a column can matter: one whose name the statement does not hold cannot, unless all are shown.
fn is_needed(statement: &Statement<'_>, name: &str, usual: bool, tail: &ShowTail) -> bool {
    let by_default = match (&tail.yields, &tail.returns) {
        (None, _) => usual,
        (Some(yields), None) => yields.all,
        (Some(yields), Some(returns)) => yields.all && (returns.all || yields.distinct),
    };
    by_default || statement.text.contains(name)
}

/// Which rows are enough, where the first ones by name are asked for: a page of ten thousand costs a page.
struct Page {
    /// So many of the first are left out.
    skip: usize,
    /// None behind this many is asked for.
    end: usize,
}

impl Page {
    const ALL: Self = Self { skip: 0, end: usize::MAX };

    /// What is left of a tail for the rows of this page: they are without those that it leaves out.
    fn rest_of(&self, tail: &ShowTail) -> ShowTail {
        let mut rest = tail.clone();
        if let Some(yields) = rest.yields.as_mut().filter(|_| self.skip > 0) {
            yields.skip = None;
        }
        rest
    }

    fn of(tail: &ShowTail, parameters: &Map) -> Result<Self, Failure> {
        let Some(yields) = tail.yields.as_ref().filter(|yields| tail.filter.is_none() && !yields.distinct) else {
            return Ok(Self::ALL);
        };
        let is_name = |expression: &Expression| match &*expression.kind {
            ExpressionKind::Variable(variable) => variable.text == "name",
            _ => false,
        };
        // `YIELD type AS name` orders by something else.
        let keeps_name = yields
            .items
            .iter()
            .all(|item| item.alias.as_ref().is_none_or(|alias| alias.text != "name") || is_name(&item.expression));
        let by_name = match yields.order.first() {
            None => true,
            Some(first) => !first.descending && is_name(&first.expression) && keeps_name,
        };
        let Some(limit) = yields.limit.as_ref().filter(|_| by_name) else { return Ok(Self::ALL) };
        let count = |expression: Option<&Expression>| -> Result<Option<usize>, Failure> {
            let Some(expression) = expression else { return Ok(Some(0)) };
            // Whatever is no plain number is left to the query that the tail becomes.
            let value = match &*expression.kind {
                ExpressionKind::Integer(_) | ExpressionKind::Parameter(_) => {
                    index_options::value(expression, parameters)?
                }
                _ => Value::Null,
            };
            Ok(match value {
                Value::Integer(number) => usize::try_from(number).ok(),
                _ => None,
            })
        };
        let (skip, limit) = (count(yields.skip.as_ref())?, count(Some(limit))?);
        let page = skip.zip(limit).map(|(skip, limit)| Self { skip, end: skip.saturating_add(limit) });
        Ok(page.unwrap_or(Self::ALL))
    }
}

/// A database, and the name by which somebody knows it.
struct Seen {
    row: Arc<Row>,
    name: DatabaseName,
}

/// Gives the databases that somebody sees: by their own names, or by an alias where he knows them by that alone.
///
/// Who makes, drops or alters databases of any name is shown all of them, and who does something to one as a whole that one.
fn seen_from<'n>(names: &'n Names, principal: &'n Principal, start: &'n str) -> impl Iterator<Item = Seen> {
    let all = access::lists_all(names, principal);
    names.targets_from(start).filter_map(move |(target, row)| seen(names, principal, target, row, all))
}

fn seen(names: &Names, principal: &Principal, target: Target, row: &Arc<Row>, all: bool) -> Option<Seen> {
    let is_seen = match target.alias {
        None => all || access::lists_one(names, principal, &target),
        Some(_) => {
            let is_alone = || access::sees_by_alias_alone(names, principal, &target);
            let own = || Target { alias: None, ..target.clone() };
            !all && is_alone() && !access::lists_one(names, principal, &own())
        }
    };
    is_seen.then(|| Seen { row: Arc::clone(row), name: target.alias.unwrap_or(target.name) })
}

fn chosen(statement: &Statement<'_>, which: &Which, page: &Page) -> Vec<Seen> {
    let (names, principal) = (statement.names, statement.principal);
    let all = access::lists_all(names, principal);
    let named = |typed: &str| {
        let found = names.resolve(typed).ok().and_then(|target| {
            let row = names.database(target.database)?;
            // One that is denied by this name is none under it.
            if !all && !access::lists_one(names, principal, &target) {
                return None;
            }
            let own = Target { alias: None, ..target.clone() };
            seen(names, principal, own, row, all).or_else(|| seen(names, principal, target, row, all))
        });
        found.into_iter().skip(page.skip).collect()
    };
    match which {
        Which::All => seen_from(names, principal, "").take(page.end).skip(page.skip).collect(),
        Which::Default => named(names.default_database().name.as_str()),
        Which::Home => named(names.home_of(statement.principal).as_str()),
        Which::Named(typed) => named(typed),
    }
}
