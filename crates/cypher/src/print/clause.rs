//! Clauses and projections.

use std::fmt::{self, Display, Formatter};

use super::expression::{At, BEFORE_BAR};
use super::{Dotted, Joined, Key, Optional, Word, commas, words};
use crate::ast::{
    Clause, ClauseKind, GraphReference, Hint, HintKind, InTransactions, IndexKind, LabelName, Name, OnError,
    Projection, ProjectionItem, RemoveItem, RetryTime, SetItem, SortItem, SubqueryImports, Yield,
};

impl Display for Clause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ClauseKind::Match { optional, patterns, graph, hints, filter } => {
                let word = if *optional { "OPTIONAL MATCH" } else { "MATCH" };
                let hints: String = hints.iter().map(|hint| format!(" {hint}")).collect();
                write!(f, "{word} {}{}{hints}{}", commas(patterns), From(graph), Optional(" WHERE ", filter))
            }
            ClauseKind::Unwind { list, variable } => write!(f, "UNWIND {list} AS {}", Word(variable)),
            ClauseKind::With { projection, filter } => {
                write!(f, "WITH {projection}{}", Optional(" WHERE ", filter))
            }
            ClauseKind::Return { projection } => write!(f, "RETURN {projection}"),
            ClauseKind::Finish => f.write_str("FINISH"),
            ClauseKind::Use { graph } => write!(f, "USE {graph}"),
            ClauseKind::Foreach { variable, list, body } => {
                let list = At(list, BEFORE_BAR);
                write!(f, "FOREACH ({} IN {list} | {})", Word(variable), Joined(body.iter(), " "))
            }
            ClauseKind::LoadCsv { headers, source, variable, terminator } => {
                let headers = if *headers { "WITH HEADERS " } else { "" };
                let terminator =
                    terminator.as_ref().map(|text| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")));
                let terminator = Optional(" FIELDTERMINATOR ", &terminator);
                write!(f, "LOAD CSV {headers}FROM {source} AS {}{terminator}", Word(variable))
            }
            ClauseKind::CallProcedure { name, arguments, yields, filter } => {
                write!(f, "CALL {}", Dotted(name))?;
                if let Some(arguments) = arguments {
                    write!(f, "({})", commas(arguments))?;
                }
                write!(f, "{yields}{}", Optional(" WHERE ", filter))
            }
            ClauseKind::CallSubquery { imports, query, transactions, optional } => {
                let optional = if *optional { "OPTIONAL " } else { "" };
                let (imports, transactions) = (Optional(" ", imports), Optional(" ", transactions));
                write!(f, "{optional}CALL{imports} {{ {query} }}{transactions}")
            }
            write => write_clause(f, write),
        }
    }
}

impl Display for Hint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            HintKind::Index { variable, label, keys, kind } => {
                let kind = match kind {
                    Some(IndexKind::Range) => "RANGE ",
                    Some(IndexKind::Text) => "TEXT ",
                    Some(IndexKind::Point) => "POINT ",
                    _ => "",
                };
                write!(f, "USING {kind}INDEX {}:{}({})", Word(variable), Key(label), words(keys))
            }
            HintKind::Scan { variable, label } => write!(f, "USING SCAN {}:{}", Word(variable), Key(label)),
            HintKind::Join(names) => write!(f, "USING JOIN ON {}", words(names)),
        }
    }
}

/// The clauses that change data.
fn write_clause(f: &mut Formatter<'_>, kind: &ClauseKind) -> fmt::Result {
    match kind {
        ClauseKind::Create { patterns, graph } => write!(f, "CREATE {}{}", commas(patterns), From(graph)),
        ClauseKind::Merge { pattern, graph, on_create, on_match } => {
            write!(f, "MERGE {pattern}{}", From(graph))?;
            if !on_create.is_empty() {
                write!(f, " ON CREATE SET {}", commas(on_create))?;
            }
            if !on_match.is_empty() {
                write!(f, " ON MATCH SET {}", commas(on_match))?;
            }
            Ok(())
        }
        ClauseKind::Set { items, graph } => write!(f, "SET {}{}", commas(items), From(graph)),
        ClauseKind::Remove { items } => write!(f, "REMOVE {}", commas(items)),
        ClauseKind::Delete { detach, targets, graph } => {
            // A bare `IN` would name a database.
            let targets = Joined(targets.iter().map(Bracketed), ", ");
            write!(f, "{}DELETE {targets}{}", if *detach { "DETACH " } else { "" }, From(graph))
        }
        // Every other clause is printed by its caller.
        _ => Ok(()),
    }
}

/// A target of `DELETE`: in brackets if it holds an operator.
struct Bracketed<'a>(&'a crate::ast::Expression);

impl Display for Bracketed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let binary = matches!(*self.0.kind, crate::ast::ExpressionKind::Binary(..));
        if binary { write!(f, "({})", self.0) } else { self.0.fmt(f) }
    }
}

/// The graph that a clause names.
struct From<'a>(&'a Option<GraphReference>);

impl Display for From<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Optional(" FROM DATABASE ", self.0).fmt(f)
    }
}

impl Display for Projection {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.distinct { "DISTINCT " } else { "" })?;
        f.write_str(if self.all { "*" } else { "" })?;
        f.write_str(if self.all && !self.items.is_empty() { ", " } else { "" })?;
        commas(&self.items).fmt(f)?;
        if !self.order.is_empty() {
            write!(f, " ORDER BY {}", commas(&self.order))?;
        }
        write!(f, "{}{}", Optional(" SKIP ", &self.skip), Optional(" LIMIT ", &self.limit))
    }
}

impl Display for ProjectionItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.expression, Optional(" AS ", &self.alias.as_ref().map(Word)))
    }
}

impl Display for SortItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.expression, if self.descending { " DESC" } else { "" })
    }
}

impl Display for SetItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property { target, key, value } => write!(f, "{}.{} = {value}", Target(target), Key(key)),
            Self::DynamicProperty { target, key, value } => write!(f, "{}[{key}] = {value}", Target(target)),
            Self::Replace { variable, value } => write!(f, "{} = {value}", Word(variable)),
            Self::Merge { variable, value } => write!(f, "{} += {value}", Word(variable)),
            Self::Labels { variable, labels } => labelled(f, variable, labels),
        }
    }
}

impl Display for RemoveItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property { target, key } => write!(f, "{}.{}", Target(target), Key(key)),
            Self::DynamicProperty { target, key } => write!(f, "{}[{key}]", Target(target)),
            Self::Labels { variable, labels } => labelled(f, variable, labels),
        }
    }
}

/// The entity of an assignment: in brackets unless it is a variable or a property.
struct Target<'a>(&'a crate::ast::Expression);

impl Display for Target<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        use crate::ast::ExpressionKind::{Index, Property, Variable};
        let plain = matches!(*self.0.kind, Variable(_) | Property(..) | Index(..));
        if plain { self.0.fmt(f) } else { write!(f, "({})", self.0) }
    }
}

fn labelled(f: &mut Formatter<'_>, variable: &Name, labels: &[LabelName]) -> fmt::Result {
    write!(f, "{}{}", Word(variable), Joined(labels.iter(), ""))
}

impl Display for Yield {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::All => f.write_str(" YIELD *"),
            Self::Items(items) if items.is_empty() => f.write_str(" YIELD -"),
            Self::Items(items) => {
                f.write_str(" YIELD ")?;
                for (at, (column, alias)) in items.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}{}{}", Word(column), Optional(" AS ", &alias.as_ref().map(Word)))?;
                }
                Ok(())
            }
        }
    }
}

impl Display for SubqueryImports {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("(*)"),
            Self::Names(names) => write!(f, "({})", words(names)),
        }
    }
}

impl Display for InTransactions {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("IN TRANSACTIONS")?;
        if let Some(rows) = &self.rows {
            write!(f, " OF {rows} ROWS")?;
        }
        let on_error = match self.on_error {
            OnError::Fail => "FAIL",
            OnError::Continue => "CONTINUE",
            OnError::Break => "BREAK",
        };
        match &self.retry {
            None if self.on_error == OnError::Fail => {}
            None => write!(f, " ON ERROR {on_error}")?,
            Some(RetryTime::Default) => write!(f, " ON ERROR RETRY THEN {on_error}")?,
            Some(RetryTime::Seconds(seconds)) => write!(f, " ON ERROR RETRY FOR {seconds} SECONDS THEN {on_error}")?,
        }
        Optional(" REPORT STATUS AS ", &self.report.as_ref().map(Word)).fmt(f)
    }
}
