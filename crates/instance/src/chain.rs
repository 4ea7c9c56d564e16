//! Commands in a row: each runs for every row of the one before it.
//!
//! Between two commands there is a query over rows that go in as a parameter, as behind a lone `SHOW` (`tail`), so there is
//! one evaluator here too. All queries are planned before the first command runs: what cannot be said ends nothing.
//! Start reading at [`run`].

use std::borrow::Cow;
use std::collections::HashMap;

use compact_str::CompactString;
use cypher::ast::{
    ClauseKind, CommandChain, ExpressionKind, GraphReference, Known, Link, Linked, Mode, Projection, ProjectionItem,
    SchemaCommand, ShowTail,
};
use types::{DatabaseName, Failure, Map, Value};

use crate::answer::{Fetched, Kind, Summary};
use crate::audit::{self, Durable, Outcome, Told};
use crate::commands::{self, session};
use crate::plans::Planned;
use crate::records::Records;
use crate::running::Allowance;
use crate::statement::Statement;
use crate::tail::{self, Column, Listing, OwnEnd, ROW};
use crate::{auditing, listings, schema, show, sight, transactions};

/// What a row carries that no statement can name: which row it is, and what the next command lists for it.
const NUMBER: &str = "  number";
const LISTED: &str = "  listed";
const ITEM: &str = "  item";
const IDS: &str = "  ids";

/// The rows between two commands.
struct Carried {
    names: Vec<CompactString>,
    rows: Vec<Vec<Value>>,
}

/// The queries of one command, planned.
struct Step {
    /// Computes the ids of what is listed or ended, for each row; nothing where the command names none.
    ids: Option<Planned>,
    /// Joins each row with what is listed for it, and yields.
    yields: Planned,
}

/// Runs the commands one after the other, and what they return.
pub(crate) fn run(
    statement: &mut Statement<'_>,
    mode: Mode,
    using: Option<&GraphReference>,
    chain: &CommandChain,
) -> Result<Records, Failure> {
    schema::go_to(statement, using)?;
    if chain.links.iter().any(|link| link.command.ends()) {
        commands::check_is_himself(statement)?;
    }
    let of_schema: Vec<SchemaCommand> = chain.links.iter().filter_map(of_schema).collect();
    for command in &of_schema {
        sight::schema::check(statement, command)?;
    }
    if mode == Mode::Explain {
        return Ok(schema::explained(statement, "AdministrationCommand"));
    }
    let bounded = statement.allowance_before();
    let (steps, last) = plan(statement, chain, &bounded)?;
    let database = if of_schema.is_empty() { DatabaseName::system().to_string() } else { statement.shown_database() };
    let _admitted = (!of_schema.is_empty()).then(|| schema::admit_listing(statement)).transpose()?;
    let mut carried = Carried { names: Vec::new(), rows: vec![Vec::new()] };
    let mut ends_own = Vec::new();
    let mut ran = Ok(());
    for (link, step) in chain.links.iter().zip(&steps) {
        ran = carried.go_on(statement, &bounded, link, step, &mut ends_own);
        if ran.is_err() {
            break;
        }
    }
    let fetched = ran.and_then(|()| tail::compute(statement, &last, carried.value(|_| None), &bounded));
    if chain.links.iter().any(|link| link.command.ends()) {
        note(statement, chain, &fetched);
    }
    // Whatever became of the rest: it was asked to end.
    ends_own.into_iter().for_each(|end: OwnEnd| end.come(statement));
    let summary = Summary { kind: Kind::Read, database, ..Summary::default() };
    Ok(Records::buffered(last.prepared.columns, fetched?, summary, statement.shared.admission.clone()))
}

/// Has the audit keep who ended what.
fn note(statement: &Statement<'_>, chain: &CommandChain, ran: &Result<Fetched, Failure>) {
    let address = statement.room.listed.origin.address.as_str();
    let (user, impersonated) = auditing::who(statement.names, statement.principal);
    let told = Told {
        user,
        impersonated,
        address: Some(address).filter(|address| !address.is_empty()),
        databases: &[],
        operation: &chain.to_string(),
    };
    statement.shared.audit.note(audit::Kind::Admin, told, Outcome::from(ran), Durable::Now);
}

/// Gives the lone command that a link is, where that is about the schema of a database.
fn of_schema(link: &Link) -> Option<SchemaCommand> {
    let tail = ShowTail::default();
    match &link.command {
        Linked::Indexes(kind) => Some(SchemaCommand::ShowIndexes { kind: *kind, tail }),
        Linked::Constraints(filter) => Some(SchemaCommand::ShowConstraints { filter: filter.clone(), tail }),
        _ => None,
    }
}

/// Plans what stands between the commands, and the `RETURN` behind the last.
fn plan(
    statement: &mut Statement<'_>,
    chain: &CommandChain,
    bounded: &Allowance,
) -> Result<(Vec<Step>, Planned), Failure> {
    let (mut names, mut steps): (Vec<CompactString>, Vec<Step>) = (Vec::new(), Vec::new());
    for link in &chain.links {
        let ids = match link.command.ids() {
            // Who ends nothing by name hears of it before anything else is ended.
            [] if link.command.ends() => {
                listing(statement, &link.command, Some(&[]))?;
                None
            }
            [] => None,
            ids => {
                let list = tail::expression(ExpressionKind::List(ids.to_vec()));
                let returned = vec![tail::named(tail::variable(NUMBER), NUMBER), tail::named(list, IDS)];
                let taken = [tail::entry(ROW, NUMBER, NUMBER)].into_iter().chain(entries(&names)).collect();
                let returned = ClauseKind::Return { projection: tail::projection(returned) };
                Some(tail::plan(statement, &tail::query_of_clauses([tail::rows(), with(taken), returned]), bounded)?)
            }
        };
        let yields = tail::plan(statement, &yields_query(&names, link), bounded)?;
        names.extend(link.yields.items.iter().map(tail::shown_name));
        steps.push(Step { ids, yields });
    }
    let returns = match chain.returns.all {
        // Columns come in the order of the commands, not in that of the alphabet.
        true => {
            let mut items = tail::pass(names.iter().cloned()).items;
            items.extend(chain.returns.items.iter().cloned());
            Projection { all: false, items, ..chain.returns.clone() }
        }
        false => chain.returns.clone(),
    };
    let returned = ClauseKind::Return { projection: returns };
    let last = tail::query_of_clauses([tail::rows(), with(entries(&names).collect()), returned]);
    Ok((steps, tail::plan(statement, &last, bounded)?))
}

/// Takes the variables of a row under their names.
fn entries(names: &[CompactString]) -> impl Iterator<Item = ProjectionItem> {
    names.iter().map(|name| tail::entry(ROW, name, name))
}

fn with(items: Vec<ProjectionItem>) -> ClauseKind {
    ClauseKind::With { projection: tail::projection(items), filter: None }
}

/// Joins rows with what is listed for each of them, and yields.
///
/// A column of the listing may be called as a variable of the rows, so that those step aside until the `YIELD` is read.
fn yields_query(names: &[CompactString], link: &Link) -> cypher::ast::Query {
    let hidden = |name: &CompactString| CompactString::from(format!("   {name}"));
    let aside = names.iter().map(|name| tail::entry(ROW, name, &hidden(name)));
    let rows = with(aside.chain([tail::entry(ROW, LISTED, LISTED)]).collect());
    let items = tail::unwind(tail::variable(LISTED), ITEM);
    let kept = || names.iter().map(hidden);
    let columns = columns(&link.command);
    let columns = columns.iter().map(|column| tail::entry(ITEM, column.name, column.name));
    let joined = with(tail::pass(kept()).items.into_iter().chain(columns).collect());
    let back = names.iter().map(|name| tail::named(tail::variable(&hidden(name)), name));
    let body = Projection { items: back.chain(link.yields.items.iter().cloned()).collect(), ..link.yields.clone() };
    let yielded = ClauseKind::With { projection: body, filter: link.filter.clone() };
    let shown = names.iter().cloned().chain(link.yields.items.iter().map(tail::shown_name));
    let returned = ClauseKind::Return { projection: tail::pass(shown) };
    tail::query_of_clauses([tail::rows(), rows, items, joined, yielded, returned])
}

impl Carried {
    /// Runs a command for each row.
    fn go_on(
        &mut self,
        statement: &Statement<'_>,
        bounded: &Allowance,
        link: &Link,
        step: &Step,
        ends_own: &mut Vec<OwnEnd>,
    ) -> Result<(), Failure> {
        let mut list = |ids: Option<&[String]>| -> Result<Value, Failure> {
            bounded.check()?;
            let listing = listing(statement, &link.command, ids)?;
            let value = listing.value();
            ends_own.extend(listing.ends_own);
            Ok(value)
        };
        let lists = match &step.ids {
            None if self.rows.is_empty() => Vec::new(),
            // The same for every row.
            None => vec![list(None)?; self.rows.len()],
            Some(planned) => {
                let number = |number: usize| Some((NUMBER, Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))));
                let found = tail::compute(statement, planned, self.value(number), bounded)?;
                let mut lists = vec![Value::list(Vec::new()); self.rows.len()];
                let mut known: HashMap<Vec<String>, Value> = HashMap::new();
                for row in found.iter() {
                    let [Value::Integer(number), ids] = row else { continue };
                    let mut wanted = Vec::new();
                    transactions::add_ids(ids, &mut wanted)?;
                    let listed = match known.get(&wanted) {
                        Some(listed) => listed.clone(),
                        None => {
                            let listed = list(Some(&wanted))?;
                            known.insert(wanted, listed.clone());
                            listed
                        }
                    };
                    if let Some(place) = usize::try_from(*number).ok().and_then(|number| lists.get_mut(number)) {
                        *place = listed;
                    }
                }
                lists
            }
        };
        let listed = |number: usize| lists.get(number).map(|list| (LISTED, list.clone()));
        let found: Fetched = tail::compute(statement, &step.yields, self.value(listed), bounded)?;
        self.names.extend(link.yields.items.iter().map(tail::shown_name));
        self.rows = found.iter().map(<[Value]>::to_vec).collect();
        Ok(())
    }

    /// Gives the rows as the parameter of the next query, each with one more entry.
    fn value(&self, more: impl Fn(usize) -> Option<(&'static str, Value)>) -> Value {
        let row = |(number, row): (usize, &Vec<Value>)| {
            let named = self.names.iter().cloned().zip(row.iter().cloned());
            let more = more(number).map(|(key, value)| (key.into(), value));
            Value::map(named.chain(more).collect::<Map>())
        };
        Value::list(self.rows.iter().enumerate().map(row).collect())
    }
}

/// Lists or ends what one command names, as the command does alone: with the rights of who asks.
fn listing(statement: &Statement<'_>, command: &Linked, ids: Option<&[String]>) -> Result<Listing, Failure> {
    match command {
        Linked::Transactions(_) => Ok(transactions::listed(statement, ids)),
        Linked::EndTransactions(_) => transactions::ended(statement, ids.unwrap_or_default()),
        Linked::Sessions(_) => Ok(session::listed(statement, ids)),
        Linked::EndSessions(_) => session::ended(statement, ids.unwrap_or_default()),
        Linked::Known(what) => listings::listed(statement, what, ids),
        Linked::Indexes(kind) => schema::indexes(statement, *kind),
        Linked::Constraints(filter) => schema::constraints(statement, filter),
    }
}

/// Names the columns that a command will list.
fn columns(command: &Linked) -> Cow<'static, [Column]> {
    match command {
        Linked::Transactions(_) => transactions::columns().into(),
        Linked::EndTransactions(_) => transactions::ENDED_COLUMNS.into(),
        Linked::Sessions(_) => session::COLUMNS.into(),
        Linked::EndSessions(_) => session::ENDED_COLUMNS.into(),
        Linked::Known(Known::Functions { .. }) => listings::FUNCTION_COLUMNS.into(),
        Linked::Known(Known::Procedures { .. }) => listings::PROCEDURE_COLUMNS.into(),
        Linked::Known(Known::Settings { .. }) => listings::SETTING_COLUMNS.into(),
        Linked::Indexes(_) => show::INDEX_COLUMNS.into(),
        Linked::Constraints(_) => show::CONSTRAINT_COLUMNS.into(),
    }
}
