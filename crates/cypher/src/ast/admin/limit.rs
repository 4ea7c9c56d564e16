//! Commands about limits and what is used of them.

use types::Value;

use super::{Name, NameOrParameter, ShowTail, Wait};

/// Sets, takes back or lists limits.
#[derive(Clone, Debug)]
pub enum LimitCommand {
    /// `ALTER DATABASE n SET LIMIT k = v, ...`, `ALTER ROLE n SET LIMIT k = v, ...`.
    Set {
        /// What is bounded.
        owner: LimitOwner,
        /// The limits by their names, and their values.
        limits: Vec<(Name, LimitValue)>,
        /// Whether it is fine when the owner is not there.
        if_exists: bool,
        /// Whether an answer with rows is asked for.
        wait: Wait,
    },
    /// `ALTER DATABASE n REMOVE LIMIT k, ...`, `ALTER ROLE n REMOVE LIMIT k, ...`.
    Remove {
        /// What is bounded.
        owner: LimitOwner,
        /// The limits by their names.
        limits: Vec<Name>,
        /// Whether it is fine when the owner is not there.
        if_exists: bool,
        /// Whether an answer with rows is asked for.
        wait: Wait,
    },
    /// `SHOW LIMITS [FOR DATABASE n | FOR ROLE n]`.
    ShowLimits {
        /// Whose; of every database where none is named.
        owner: Option<LimitOwner>,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// `SHOW USAGE [FOR DATABASE n]`.
    ShowUsage {
        /// Whose; of every database where none is named.
        database: Option<NameOrParameter>,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
}

/// What limits are set on.
#[derive(Clone, Debug)]
pub enum LimitOwner {
    /// A database by name.
    Database(NameOrParameter),
    /// A role by name.
    Role(NameOrParameter),
}

/// The value of a limit.
#[derive(Clone, Debug)]
pub enum LimitValue {
    /// A number, a text, a word such as `60s`, a duration, or null.
    Given(Value),
    /// `$n`.
    Parameter(Name),
}
