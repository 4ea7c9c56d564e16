//! What follows a `SHOW`: `YIELD`, `WHERE`, `ORDER BY`, `RETURN`, run as the query that it stands for.
//!
//! The rows go in as a parameter: `UNWIND $rows AS row WITH row.name AS name, ... WITH name ORDER BY name ... RETURN`.
//! So there is one evaluator of expressions, and a `SHOW` can do what a query can.

use compact_str::CompactString;
use cypher::ast::{
    Clause, ClauseKind, Expression, ExpressionKind, Mode, Name, Projection, ProjectionItem, Query, ShowTail,
    SingleQuery, Span,
};
use types::{Failure, Map, Value};

use crate::answer::{Fetched, Kind, Summary};
use crate::planning::{Indexes, Planning};
use crate::records::Records;
use crate::running::Running;
use crate::statement::Statement;
use crate::table::NoGraph;

/// No statement can write these names, since they hold spaces without quotes around them.
const ROWS: &str = "  rows";
const ROW: &str = "  row";

/// A column of a listing.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Whether it is there without a `YIELD`.
    pub(crate) usual: bool,
}

/// Runs what follows a `SHOW` over its rows, which have a value for each column.
pub(crate) fn run(
    statement: &mut Statement<'_>,
    columns: &[Column],
    rows: Vec<Vec<Value>>,
    tail: &ShowTail,
    database: String,
) -> Result<Records, Failure> {
    let summary = Summary { kind: Kind::Read, database, ..Summary::default() };
    let admission = statement.shared.admission.clone();
    let usual: Vec<&Column> = columns.iter().filter(|column| column.usual).collect();
    if tail.yields.is_none() && tail.filter.is_none() {
        let mut fetched = Fetched::default();
        for row in rows {
            fetched.push(row.into_iter().zip(columns).filter(|(_, column)| column.usual).map(|(value, _)| value));
        }
        let names = usual.iter().map(|column| column.name.into()).collect();
        return Ok(Records::buffered(names, fetched, summary, admission));
    }
    let query = query_of(columns, &usual, tail);
    let system = statement.names.resolve("system").map_err(Failure::from)?;
    // Commands are not admitted by a database, and what follows them may still compute as long as it likes.
    let bounded = statement.allowance_before();
    let lasting = std::mem::replace(&mut statement.allowance, bounded.clone());
    let planned = Planning::plan(statement, &system, &query, Mode::Run, Indexes::Latest);
    statement.allowance = lasting;
    let planned = planned?;
    let mut parameters = statement.parameters.clone();
    parameters.insert(ROWS.into(), rows_value(columns, rows));
    let sources: Vec<Box<dyn query::Source>> = vec![Box::new(NoGraph)];
    let mut running = Running::start(&planned, sources, parameters, bounded);
    let fetched = running.finish()?;
    Ok(Records::buffered(planned.prepared.columns, fetched, summary, admission))
}

fn rows_value(columns: &[Column], rows: Vec<Vec<Value>>) -> Value {
    let map = |row: Vec<Value>| -> Map { columns.iter().map(|column| column.name.into()).zip(row).collect() };
    Value::list(rows.into_iter().map(|row| Value::map(map(row))).collect())
}

fn query_of(columns: &[Column], usual: &[&Column], tail: &ShowTail) -> Query {
    let unwind = ClauseKind::Unwind { list: expression(ExpressionKind::Parameter(name(ROWS))), variable: name(ROW) };
    let all = columns.iter().map(|column| ProjectionItem {
        expression: expression(ExpressionKind::Property(variable(ROW), name(column.name))),
        alias: Some(name(column.name)),
        text: column.name.into(),
    });
    let named = ClauseKind::With { projection: projection(all.collect()), filter: None };
    let (body, shown): (Projection, Vec<CompactString>) = match &tail.yields {
        None => {
            let everything = columns.iter().map(|column| column.name.into());
            (pass(everything), usual.iter().map(|column| column.name.into()).collect())
        }
        Some(yields) if yields.all => {
            let everything: Vec<CompactString> = columns.iter().map(|column| column.name.into()).collect();
            let items = pass(everything.iter().cloned()).items;
            (Projection { all: false, items, ..yields.clone() }, everything)
        }
        Some(yields) => (yields.clone(), yields.items.iter().map(shown_name).collect()),
    };
    let filtered = ClauseKind::With { projection: body, filter: tail.filter.clone() };
    let returned = match &tail.returns {
        // Columns come in the order of the listing, not in that of the alphabet.
        Some(returns) if returns.all => {
            let mut items = pass(shown.into_iter()).items;
            items.extend(returns.items.iter().cloned());
            Projection { all: false, items, ..returns.clone() }
        }
        Some(returns) => returns.clone(),
        None => pass(shown.into_iter()),
    };
    let kinds = [unwind, named, filtered, ClauseKind::Return { projection: returned }];
    let clauses = kinds.into_iter().map(|kind| Clause { kind, span: Span::default() }).collect();
    Query { first: SingleQuery { using: None, clauses, span: Span::default() }, rest: Vec::new() }
}

/// Passes columns on as they are.
fn pass(columns: impl Iterator<Item = CompactString>) -> Projection {
    let item = |column: CompactString| ProjectionItem {
        expression: variable(&column),
        alias: Some(name(&column)),
        text: column,
    };
    projection(columns.map(item).collect())
}

fn shown_name(item: &ProjectionItem) -> CompactString {
    match (&item.alias, &*item.expression.kind) {
        (Some(alias), _) => alias.text.clone(),
        // Quotes are no part of a name.
        (None, ExpressionKind::Variable(name)) => name.text.clone(),
        (None, _) => item.text.clone(),
    }
}

fn projection(items: Vec<ProjectionItem>) -> Projection {
    Projection { distinct: false, all: false, items, order: Vec::new(), skip: None, limit: None, span: Span::default() }
}

fn variable(text: &str) -> Expression {
    expression(ExpressionKind::Variable(name(text)))
}

fn expression(kind: ExpressionKind) -> Expression {
    Expression { kind: Box::new(kind), span: Span::default() }
}

fn name(text: &str) -> Name {
    Name { text: text.into(), span: Span::default() }
}
