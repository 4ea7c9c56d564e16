//! Commands about databases.

use super::NameOrParameter;

/// Makes, changes, starts, stops or drops one database.
#[derive(Clone, Debug)]
pub enum DatabaseCommand {
    /// `CREATE [OR REPLACE] DATABASE n [IF NOT EXISTS] [OPTIONS {}] [WAIT]`.
    Create {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when it is there already.
        if_not_exists: bool,
        /// Whether an old one goes first.
        or_replace: bool,
    },
    /// `DROP DATABASE n [IF EXISTS] [DESTROY DATA] [WAIT]`.
    Drop {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when it is not there.
        if_exists: bool,
    },
    /// `START DATABASE n`.
    Start {
        /// The name.
        name: NameOrParameter,
    },
    /// `STOP DATABASE n`.
    Stop {
        /// The name.
        name: NameOrParameter,
    },
    /// `CHECK DATABASE n`: walks everything and reports.
    Check {
        /// The name.
        name: NameOrParameter,
    },
}

/// Which databases are shown.
#[derive(Clone, Debug)]
pub enum ShowDatabases {
    /// Every one.
    All,
    /// One by name.
    One(NameOrParameter),
    /// The default one.
    Default,
    /// The user's own.
    Home,
}
