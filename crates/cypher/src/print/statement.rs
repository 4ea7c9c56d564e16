//! Statements and queries.

use std::fmt::{self, Display, Formatter};

use super::{Joined, Optional, Word};
use crate::ast::{Body, Mode, Query, SingleQuery, Statement, UnionKind};

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.mode {
            Mode::Run => "",
            Mode::Explain => "EXPLAIN ",
            Mode::Profile => "PROFILE ",
        })?;
        match &self.body {
            Body::Query(query) => query.fmt(f),
            Body::Schema { using: Some(using), command } => write!(f, "USE {using} {command}"),
            Body::Schema { using: None, command } => command.fmt(f),
            Body::Admin(command) => command.fmt(f),
            Body::Chain { using: Some(using), chain } => write!(f, "USE {using} {chain}"),
            Body::Chain { using: None, chain } => chain.fmt(f),
            Body::UseDatabase { name: Some(name) } => write!(f, "USE {}", Word(name)),
            Body::UseDatabase { name: None } => f.write_str(":use"),
        }
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        for (kind, part) in &self.rest {
            let all = if *kind == UnionKind::All { " ALL" } else { "" };
            write!(f, " UNION{all} {part}")?;
        }
        Ok(())
    }
}

impl Display for SingleQuery {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.using.is_some() {
            write!(f, "{} ", Optional("USE ", &self.using))?;
        }
        Joined(self.clauses.iter(), " ").fmt(f)
    }
}
