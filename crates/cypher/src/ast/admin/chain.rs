//! Commands in a row: each runs for every row of the one before it.

use super::{Expression, Known, Projection};
use crate::ast::{ConstraintFilter, IndexKind};

/// `SHOW ... YIELD ... TERMINATE ... YIELD ... RETURN ...`.
#[derive(Clone, Debug)]
pub struct CommandChain {
    /// The commands, two at least.
    pub links: Vec<Link>,
    /// `RETURN` at the end.
    pub returns: Projection,
}

/// One command of a chain.
#[derive(Clone, Debug)]
pub struct Link {
    /// What is listed or ended.
    pub command: Linked,
    /// `YIELD`: the columns that the commands behind it and the `RETURN` may name.
    pub yields: Projection,
    /// `WHERE`.
    pub filter: Option<Expression>,
}

/// What a command of a chain lists or ends.
#[derive(Clone, Debug)]
pub enum Linked {
    /// `SHOW TRANSACTIONS [a, b]`.
    Transactions(Vec<Expression>),
    /// `TERMINATE TRANSACTIONS a, b`.
    EndTransactions(Vec<Expression>),
    /// `SHOW SESSIONS [a, b]`.
    Sessions(Vec<Expression>),
    /// `TERMINATE SESSIONS a, b`.
    EndSessions(Vec<Expression>),
    /// `SHOW FUNCTIONS`, `SHOW PROCEDURES`, `SHOW SETTINGS`.
    Known(Known),
    /// `SHOW INDEXES`.
    Indexes(Option<IndexKind>),
    /// `SHOW CONSTRAINTS`.
    Constraints(ConstraintFilter),
}

impl Linked {
    /// Gives what names the things that are listed or ended, by their ids or names.
    #[must_use]
    pub fn ids(&self) -> &[Expression] {
        match self {
            Self::Transactions(ids) | Self::EndTransactions(ids) | Self::Sessions(ids) | Self::EndSessions(ids) => ids,
            Self::Known(Known::Settings { names }) => names,
            Self::Known(Known::Functions { .. } | Known::Procedures { .. })
            | Self::Indexes(_)
            | Self::Constraints(_) => &[],
        }
    }

    /// Tells whether it ends something.
    #[must_use]
    pub fn ends(&self) -> bool {
        matches!(self, Self::EndTransactions(_) | Self::EndSessions(_))
    }

    /// Names the command, as errors do.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Transactions(_) => "SHOW TRANSACTIONS",
            Self::EndTransactions(_) => "TERMINATE TRANSACTIONS",
            Self::Sessions(_) => "SHOW SESSIONS",
            Self::EndSessions(_) => "TERMINATE SESSIONS",
            Self::Known(Known::Functions { .. }) => "SHOW FUNCTIONS",
            Self::Known(Known::Procedures { .. }) => "SHOW PROCEDURES",
            Self::Known(Known::Settings { .. }) => "SHOW SETTINGS",
            Self::Indexes(_) => "SHOW INDEXES",
            Self::Constraints(_) => "SHOW CONSTRAINTS",
        }
    }
}
