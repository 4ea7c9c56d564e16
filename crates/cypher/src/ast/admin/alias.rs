//! Commands about aliases: second names of databases.

use super::{Expression, NameOrParameter, ShowTail};

/// Makes, changes, drops or lists aliases.
#[derive(Clone, Debug)]
pub enum AliasCommand {
    /// `CREATE [OR REPLACE] ALIAS a [IF NOT EXISTS] FOR DATABASE d [PROPERTIES {}]`.
    Create {
        /// The alias.
        alias: NameOrParameter,
        /// Whether it is fine when it is there already.
        if_not_exists: bool,
        /// Whether an old one goes first.
        or_replace: bool,
        /// The database it leads to.
        target: NameOrParameter,
        /// What is kept with it: a map or a parameter.
        properties: Option<Expression>,
    },
    /// `ALTER ALIAS a [IF EXISTS] SET DATABASE [TARGET d] [PROPERTIES {}]`.
    Alter {
        /// The alias.
        alias: NameOrParameter,
        /// Whether it is fine when it is not there.
        if_exists: bool,
        /// The database it leads to from now on.
        target: Option<NameOrParameter>,
        /// What is kept with it from now on.
        properties: Option<Expression>,
    },
    /// `DROP ALIAS a [IF EXISTS] [FOR DATABASE]`.
    Drop {
        /// The alias.
        alias: NameOrParameter,
        /// Whether it is fine when it is not there.
        if_exists: bool,
    },
    /// `SHOW ALIAS[ES] [a] [FOR DATABASE[S] [d]]`.
    Show {
        /// Only the one with this name.
        alias: Option<NameOrParameter>,
        /// Only those that lead to this database.
        database: Option<NameOrParameter>,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
}
