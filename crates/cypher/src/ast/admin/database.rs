//! Commands about databases.

use super::{DatabaseOrigin, Expression, LimitValue, Name, NameOrParameter, ShowTail};

/// Makes, changes, starts, stops or drops one database.
#[derive(Clone, Debug)]
pub enum DatabaseCommand {
    /// `CREATE [OR REPLACE] DATABASE n ...`.
    Create(Box<CreateDatabase>),
    /// `DROP DATABASE n ...`.
    Drop {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when it is not there.
        if_exists: bool,
        /// `CASCADE ALIASES`: its aliases go with it instead of forbidding it.
        cascade: bool,
        /// `DUMP DATA`: a copy is left behind.
        dump: bool,
        /// Whether an answer with rows is asked for.
        wait: Wait,
    },
    /// `ALTER DATABASE n [IF EXISTS] SET ... REMOVE ...`.
    Alter {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when it is not there.
        if_exists: bool,
        /// What changes, all at once.
        changes: Vec<DatabaseChange>,
        /// Whether an answer with rows is asked for.
        wait: Wait,
    },
    /// `RENAME DATABASE a [IF EXISTS] TO b`, `ALTER DATABASE a RENAME TO b`.
    Rename {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when it is not there.
        if_exists: bool,
        /// The name that it gets.
        to: NameOrParameter,
        /// Whether an answer with rows is asked for.
        wait: Wait,
    },
    /// `START DATABASE n`.
    Start {
        /// The name.
        name: NameOrParameter,
        /// Whether an answer with rows is asked for.
        wait: Wait,
    },
    /// `STOP DATABASE n`.
    Stop {
        /// The name.
        name: NameOrParameter,
        /// Whether an answer with rows is asked for.
        wait: Wait,
    },
    /// `CHECK DATABASE n`: walks everything and reports.
    Check {
        /// The name.
        name: NameOrParameter,
    },
    /// `CALL dbms.recreateDatabase('n', {clearData: true})`: other files, and all that was said about it stays.
    Recreate {
        /// The name.
        name: NameOrParameter,
        /// What it is made of.
        options: Option<Expression>,
    },
    /// `CALL dbms.setDefaultDatabase('n') YIELD result`: what `ALTER DATABASE n SET DEFAULT` does, with a row that says so.
    SetDefault {
        /// The name.
        name: NameOrParameter,
        /// What follows it.
        tail: ShowTail,
    },
}

/// `CREATE [OR REPLACE] DATABASE n [IF NOT EXISTS] [FROM m] [DEFAULT LANGUAGE] [TOPOLOGY] [OPTIONS {}] [WAIT]`.
#[derive(Clone, Debug)]
pub struct CreateDatabase {
    /// The name.
    pub name: NameOrParameter,
    /// Whether it is fine when it is there already.
    pub if_not_exists: bool,
    /// Whether an old one goes first.
    pub or_replace: bool,
    /// What it begins with, if not with nothing.
    pub origin: Option<DatabaseOrigin>,
    /// The version of Cypher of statements that name none.
    pub language: Option<Language>,
    /// A map or a parameter.
    pub options: Option<Expression>,
    /// Whether an answer with rows is asked for.
    pub wait: Wait,
}

/// One change of a database.
#[derive(Clone, Debug)]
pub enum DatabaseChange {
    /// `SET ACCESS READ ONLY`, `SET ACCESS READ WRITE`.
    Access {
        /// Whether it may be read only.
        read_only: bool,
    },
    /// `SET OPTION k v`.
    SetOption {
        /// Its name.
        key: Name,
        /// Its value.
        value: LimitValue,
    },
    /// `REMOVE OPTION k`.
    RemoveOption {
        /// Its name.
        key: Name,
    },
    /// `SET DEFAULT`: who names no database means this one.
    Default,
    /// `SET DEFAULT LANGUAGE CYPHER 5`.
    Language(Language),
    /// `SET TOPOLOGY 1 PRIMARY`, which is what there is.
    Topology,
}

impl DatabaseChange {
    /// Tells whether another change is of the same setting, so that only one of them could hold.
    #[must_use]
    pub fn is_same_setting(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::SetOption { key, .. } | Self::RemoveOption { key },
                Self::SetOption { key: other, .. } | Self::RemoveOption { key: other },
            ) => key.text.eq_ignore_ascii_case(&other.text),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// A version of Cypher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `CYPHER 5`.
    Cypher5,
    /// `CYPHER 25`.
    Cypher25,
}

/// Whether who sent a command asks for the end of its work; here every answer comes after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// `NOWAIT`, or nothing.
    #[default]
    No,
    /// `WAIT` in Cypher 5: a row tells of each server.
    Rows,
    /// `WAIT` in Cypher 25: a notification tells of each server.
    Notification,
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
