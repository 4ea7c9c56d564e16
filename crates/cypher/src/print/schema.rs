//! Commands about indexes and constraints.

use std::fmt::{self, Display, Formatter};

use super::{Joined, Key, Optional};
use crate::ast::{ConstraintFilter, ConstraintKind, IndexKind, IndexTarget, Name, SchemaCommand};

impl Display for SchemaCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateIndex { name, if_not_exists, kind, target, keys, options } => {
                let exists = if *if_not_exists { " IF NOT EXISTS" } else { "" };
                write!(f, "CREATE {kind} INDEX{}{exists} FOR ", Optional(" ", name))?;
                indexed(f, *kind, target, keys)?;
                Optional(" OPTIONS ", options).fmt(f)
            }
            Self::DropIndex { name, if_exists } => {
                write!(f, "DROP INDEX {name}{}", if *if_exists { " IF EXISTS" } else { "" })
            }
            Self::ShowIndexes { kind: None, tail } => write!(f, "SHOW INDEXES{tail}"),
            Self::ShowIndexes { kind: Some(kind), tail } => write!(f, "SHOW {kind} INDEXES{tail}"),
            Self::CreateConstraint { name, if_not_exists, target, keys, kind, options } => {
                let exists = if *if_not_exists { " IF NOT EXISTS" } else { "" };
                write!(f, "CREATE CONSTRAINT{}{exists} FOR ", Optional(" ", name))?;
                indexed_entity(f, target)?;
                write!(f, " REQUIRE (n.{}) ", Joined(keys.iter().map(Key), ", n."))?;
                match kind {
                    ConstraintKind::Unique => f.write_str("IS UNIQUE")?,
                    ConstraintKind::Key => f.write_str("IS KEY")?,
                    ConstraintKind::Exists => f.write_str("IS NOT NULL")?,
                    ConstraintKind::Typed(name) => write!(f, "IS :: {name}")?,
                }
                Optional(" OPTIONS ", options).fmt(f)
            }
            Self::DropConstraint { name, if_exists } => {
                write!(f, "DROP CONSTRAINT {name}{}", if *if_exists { " IF EXISTS" } else { "" })
            }
            Self::ShowConstraints { filter, tail } => write!(f, "SHOW {filter}CONSTRAINTS{tail}"),
        }
    }
}

/// `(n:L) ON (n.a, n.b)` and its siblings for other kinds of indexes.
fn indexed(f: &mut Formatter<'_>, kind: IndexKind, target: &IndexTarget, keys: &[Name]) -> fmt::Result {
    match (kind, target) {
        (IndexKind::Lookup, IndexTarget::Node(_)) => return f.write_str("(n) ON EACH labels(n)"),
        (IndexKind::Lookup, IndexTarget::Relationship(_)) => return f.write_str("()-[n]-() ON EACH type(n)"),
        _ => indexed_entity(f, target)?,
    }
    let keys = Joined(keys.iter().map(Key), ", n.");
    if kind == IndexKind::Fulltext { write!(f, " ON EACH [n.{keys}]") } else { write!(f, " ON (n.{keys})") }
}

/// `(n:A|B)`, `()-[n:T]-()`.
fn indexed_entity(f: &mut Formatter<'_>, target: &IndexTarget) -> fmt::Result {
    match target {
        IndexTarget::Node(labels) => write!(f, "(n:{})", Joined(labels.iter().map(Key), "|")),
        IndexTarget::Relationship(types) => write!(f, "()-[n:{}]-()", Joined(types.iter().map(Key), "|")),
    }
}

impl Display for ConstraintFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.nodes {
            None => "",
            Some(true) => "NODE ",
            Some(false) => "RELATIONSHIP ",
        })?;
        f.write_str(match self.kind {
            None => "",
            Some(ConstraintKind::Unique) => "UNIQUENESS ",
            Some(ConstraintKind::Key) => "KEY ",
            Some(ConstraintKind::Exists) => "EXISTENCE ",
            Some(ConstraintKind::Typed(_)) => "PROPERTY TYPE ",
        })
    }
}

impl Display for IndexKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Range => "RANGE",
            Self::Text => "TEXT",
            Self::Point => "POINT",
            Self::Lookup => "LOOKUP",
            Self::Fulltext => "FULLTEXT",
            Self::Vector => "VECTOR",
        })
    }
}
