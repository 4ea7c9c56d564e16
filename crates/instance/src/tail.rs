//! What follows a `SHOW`: `YIELD`, `WHERE`, `ORDER BY`, `RETURN`, run as the query that it stands for.
//!
//! The rows go in as a parameter: `UNWIND $rows AS row WITH row.name AS name, ... WITH name ORDER BY name ... RETURN`.
//! So there is one evaluator of expressions, and a `SHOW` can do what a query can.

use std::sync::Arc;

use compact_str::CompactString;
use cypher::ast::{
    Clause, ClauseKind, Expression, ExpressionKind, Mode, Name, Projection, ProjectionItem, Query, ShowTail,
    SingleQuery, Span,
};
use types::{Code, Failure, Map, Value};

use crate::answer::{Fetched, Kind, Summary};
use crate::planning::{Indexes, Planning};
use crate::plans::Planned;
use crate::records::Records;
use crate::running::{Allowance, Running};
use crate::session_list::ListedSession;
use crate::statement::Statement;
use crate::table::NoGraph;
use crate::under_way::End;

/// No statement can write these names, since they hold spaces without quotes around them.
pub(crate) const ROWS: &str = "  rows";
pub(crate) const ROW: &str = "  row";
const PLACE: &str = "  place";

/// A column of a listing.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Whether it is there without a `YIELD`.
    pub(crate) usual: bool,
}

/// Makes a column that is there without a `YIELD`.
pub(crate) const fn usual(name: &'static str) -> Column {
    Column { name, usual: true }
}

/// Makes a column that only a `YIELD` asks for.
pub(crate) const fn extra(name: &'static str) -> Column {
    Column { name, usual: false }
}

/// What a command lists, before anything that follows it chooses among that.
pub(crate) struct Listing {
    pub(crate) columns: Vec<Column>,
    /// A value for each column.
    pub(crate) rows: Vec<Vec<Value>>,
    /// What the command ends of the statement that gives it: once that is answered.
    pub(crate) ends_own: Option<OwnEnd>,
}

/// What a statement asks to be ended that it runs in itself.
pub(crate) enum OwnEnd {
    Transaction,
    Session(Arc<ListedSession>),
}

impl Listing {
    /// Makes one that ends nothing of the statement's own.
    pub(crate) fn of(columns: &[Column], rows: Vec<Vec<Value>>) -> Self {
        Self { columns: columns.to_vec(), rows, ends_own: None }
    }

    /// Gives its rows as a list of maps.
    pub(crate) fn value(&self) -> Value {
        rows_value(&self.columns, self.rows.clone())
    }

    /// Runs what follows the command over its rows.
    pub(crate) fn answer(
        self,
        statement: &mut Statement<'_>,
        tail: &ShowTail,
        database: String,
    ) -> Result<Records, Failure> {
        let answered = run(statement, &self.columns, self.rows, tail, database);
        self.ends_own.into_iter().for_each(|end| end.come(statement));
        answered
    }
}

impl OwnEnd {
    /// Ends it, now that the statement has all of its rows. A lone statement's transaction ends with it anyway.
    pub(crate) fn come(self, statement: &Statement<'_>) {
        match self {
            Self::Transaction if statement.transaction.is_some() => {
                statement.room.listed.end(End::Asked);
            }
            Self::Transaction => {}
            Self::Session(session) => statement.shared.sessions.end(&session),
        }
    }
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
    // Commands are not admitted by a database, and what follows them may still compute as long as it likes.
    let bounded = statement.allowance_before();
    let planned = plan(statement, &query_of(columns, &usual, tail), &bounded)?;
    let fetched = compute(statement, &planned, rows_value(columns, rows), &bounded)?;
    Ok(Records::buffered(planned.prepared.columns, fetched, summary, admission))
}

/// Tells which of many rows what follows a `SHOW` leaves, and in which order, by their places; `columns` are those that it asks
/// about.
pub(crate) fn chosen(
    statement: &mut Statement<'_>,
    columns: &[Column],
    rows: Vec<Vec<Value>>,
    tail: &ShowTail,
) -> Result<Vec<usize>, Failure> {
    let columns: Vec<Column> = columns.iter().copied().chain([extra(PLACE)]).collect();
    let number = |(place, mut row): (usize, Vec<Value>)| {
        row.push(Value::Integer(i64::try_from(place).unwrap_or(i64::MAX)));
        row
    };
    let rows = rows.into_iter().enumerate().map(number).collect();
    let returns = Some(pass([CompactString::const_new(PLACE)].into_iter()));
    let query = query_of(&columns, &[], &ShowTail { returns, ..tail.clone() });
    let bounded = statement.allowance_before();
    let planned = plan(statement, &query, &bounded)?;
    let fetched = compute(statement, &planned, rows_value(&columns, rows), &bounded)?;
    let place = |row: &[Value]| match row {
        [Value::Integer(place)] => usize::try_from(*place).ok(),
        _ => None,
    };
    Ok(fetched.iter().filter_map(place).collect())
}

/// Plans a query over rows that are a parameter; it has no graph.
pub(crate) fn plan(statement: &mut Statement<'_>, query: &Query, bounded: &Allowance) -> Result<Planned, Failure> {
    let system = statement.names.resolve("system").map_err(Failure::from)?;
    let lasting = std::mem::replace(&mut statement.allowance, bounded.clone());
    let planned = Planning::plan(statement, &system, query, Mode::Run, Indexes::Latest);
    statement.allowance = lasting;
    match planned {
        Ok(planned) if planned.sources.len() > 1 => {
            let text = "What follows a SHOW command works on the rows of the command, and reads no database.";
            Err(Failure::new(Code::SemanticError, text))
        }
        planned => planned,
    }
}

/// Runs it to its end, over these rows.
pub(crate) fn compute(
    statement: &Statement<'_>,
    planned: &Planned,
    rows: Value,
    bounded: &Allowance,
) -> Result<Fetched, Failure> {
    let mut parameters = statement.parameters.clone();
    Arc::make_mut(&mut parameters).insert(ROWS.into(), rows);
    let sources: Vec<Box<dyn query::Source>> = vec![Box::new(NoGraph)];
    Running::start(planned, sources, parameters, bounded.clone())?.finish()
}

fn rows_value(columns: &[Column], rows: Vec<Vec<Value>>) -> Value {
    let map = |row: Vec<Value>| -> Map { columns.iter().map(|column| column.name.into()).zip(row).collect() };
    Value::list(rows.into_iter().map(|row| Value::map(map(row))).collect())
}

fn query_of(columns: &[Column], usual: &[&Column], tail: &ShowTail) -> Query {
    let all = columns.iter().map(|column| entry(ROW, column.name, column.name));
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
    query_of_clauses([rows(), named, filtered, ClauseKind::Return { projection: returned }])
}

/// Takes the rows that go in as a parameter, one by one.
pub(crate) fn rows() -> ClauseKind {
    unwind(expression(ExpressionKind::Parameter(name(ROWS))), ROW)
}

/// Takes the items of a list, one by one.
pub(crate) fn unwind(list: Expression, item: &str) -> ClauseKind {
    ClauseKind::Unwind { list, variable: name(item) }
}

/// Makes a query of its clauses.
pub(crate) fn query_of_clauses(kinds: impl IntoIterator<Item = ClauseKind>) -> Query {
    let clauses = kinds.into_iter().map(|kind| Clause { kind, span: Span::default() }).collect();
    Query { first: SingleQuery { using: None, clauses, span: Span::default() }, rest: Vec::new() }
}

/// Takes what a map has under a key, as a variable.
pub(crate) fn entry(of: &str, key: &str, called: &str) -> ProjectionItem {
    named(expression(ExpressionKind::Property(variable(of), name(key))), called)
}

/// Calls what an expression gives by a name.
pub(crate) fn named(expression: Expression, called: &str) -> ProjectionItem {
    ProjectionItem { expression, alias: Some(name(called)), text: called.into() }
}

/// Passes columns on as they are.
pub(crate) fn pass(columns: impl Iterator<Item = CompactString>) -> Projection {
    projection(columns.map(|column| named(variable(&column), &column)).collect())
}

pub(crate) fn shown_name(item: &ProjectionItem) -> CompactString {
    match (&item.alias, &*item.expression.kind) {
        (Some(alias), _) => alias.text.clone(),
        // Quotes are no part of a name.
        (None, ExpressionKind::Variable(name)) => name.text.clone(),
        (None, _) => item.text.clone(),
    }
}

pub(crate) fn projection(items: Vec<ProjectionItem>) -> Projection {
    Projection { distinct: false, all: false, items, order: Vec::new(), skip: None, limit: None, span: Span::default() }
}

pub(crate) fn variable(text: &str) -> Expression {
    expression(ExpressionKind::Variable(name(text)))
}

pub(crate) fn expression(kind: ExpressionKind) -> Expression {
    Expression::new(kind, Span::default())
}

fn name(text: &str) -> Name {
    Name { text: text.into(), span: Span::default() }
}
