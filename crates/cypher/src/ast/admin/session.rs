//! Commands about sessions.

use super::{Expression, ShowTail};

/// Lists or ends sessions.
#[derive(Clone, Debug)]
pub enum SessionCommand {
    /// `SHOW SESSION[S] ['a', $b]`.
    Show {
        /// Which ones, by their ids; none for every one.
        ids: Vec<Expression>,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// `TERMINATE SESSION[S] 'a', $b`.
    Terminate {
        /// Which ones, by their ids.
        ids: Vec<Expression>,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
}
