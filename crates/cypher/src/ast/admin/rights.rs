//! Commands about who may do what.

use std::fmt;

use compact_str::CompactString;
use types::privilege::Act;

use super::super::BinaryOperator;
use super::{Expression, Name, NameOrParameter, ShowTail, Wait};

/// Makes, changes, drops or lists users, roles, privileges or tokens.
#[derive(Clone, Debug)]
pub enum RightsCommand {
    /// About users.
    User(UserCommand),
    /// About roles.
    Role(RoleCommand),
    /// About privileges.
    Privilege(PrivilegeCommand),
    /// About tokens.
    Token(TokenCommand),
}

/// Makes, changes, drops or lists users.
#[derive(Clone, Debug)]
pub enum UserCommand {
    /// `CREATE [OR REPLACE] USER u [IF NOT EXISTS] SET ...`.
    Create {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when the user is there already.
        if_not_exists: bool,
        /// Whether an old one goes first.
        or_replace: bool,
        /// What is set.
        settings: UserSettings,
    },
    /// `ALTER USER u [IF EXISTS] [REMOVE ...] SET ...`.
    Alter {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when there is no such user.
        if_exists: bool,
        /// What is set and removed.
        settings: UserSettings,
    },
    /// `ALTER CURRENT USER SET PASSWORD FROM 'old' TO 'new'`.
    AlterCurrent {
        /// The old password.
        from: Secret,
        /// The new one.
        to: Secret,
    },
    /// `RENAME USER a [IF EXISTS] TO b`.
    Rename {
        /// The old name.
        name: NameOrParameter,
        /// Whether it is fine when there is no such user.
        if_exists: bool,
        /// The new name.
        to: NameOrParameter,
    },
    /// `DROP USER u [IF EXISTS]`.
    Drop {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when there is no such user.
        if_exists: bool,
    },
    /// `SHOW USERS [WITH AUTH]`, `SHOW CURRENT USER [WITH AUTH]`.
    Show {
        /// Whether only who asks is shown.
        current: bool,
        /// Whether it is told how each logs in.
        with_auth: bool,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
}

/// What a command sets of a user; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct UserSettings {
    /// `SET [PLAINTEXT | ENCRYPTED] PASSWORD 'p'`.
    pub password: Option<Password>,
    /// `SET PASSWORD CHANGE [NOT] REQUIRED`.
    pub change_required: Option<bool>,
    /// `SET STATUS SUSPENDED`, `SET STATUS ACTIVE`.
    pub suspended: Option<bool>,
    /// `SET HOME DATABASE d`, `REMOVE HOME DATABASE`.
    pub home: Option<Home>,
    /// `REMOVE AUTH 'native'`, `REMOVE ALL AUTH`.
    pub remove_auth: bool,
}

/// A home database that is set or removed.
#[derive(Clone, Debug)]
pub enum Home {
    /// It is this one from now on.
    Set(NameOrParameter),
    /// It is the default one again.
    Remove,
}

/// A password as a command gives it.
#[derive(Clone, Debug)]
pub struct Password {
    /// The password, or its hash.
    pub value: Secret,
    /// Whether it is a hash.
    pub is_encrypted: bool,
}

/// A text that nobody may see again: neither `Debug` nor the printer shows it.
#[derive(Clone)]
pub enum Secret {
    /// The text itself.
    Text(CompactString),
    /// The parameter that holds it.
    Parameter(Name),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("******"),
            Self::Parameter(name) => write!(f, "${}", name.text),
        }
    }
}

/// Makes, changes, drops or lists roles; gives them to users and takes them.
#[derive(Clone, Debug)]
pub enum RoleCommand {
    /// `CREATE [OR REPLACE] [IMMUTABLE] ROLE r [IF NOT EXISTS] [AS COPY OF other]`.
    Create {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when the role is there already.
        if_not_exists: bool,
        /// Whether an old one goes first.
        or_replace: bool,
        /// Whether it changes only while nobody needs a password.
        immutable: bool,
        /// The role whose privileges it gets.
        copy_of: Option<NameOrParameter>,
    },
    /// `RENAME ROLE a [IF EXISTS] TO b`.
    Rename {
        /// The old name.
        name: NameOrParameter,
        /// Whether it is fine when there is no such role.
        if_exists: bool,
        /// The new name.
        to: NameOrParameter,
    },
    /// `DROP ROLE r [IF EXISTS]`.
    Drop {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when there is no such role.
        if_exists: bool,
    },
    /// `GRANT ROLE[S] r, ... TO u, ...`.
    Grant {
        /// The roles.
        roles: Vec<NameOrParameter>,
        /// Who gets them.
        users: Vec<NameOrParameter>,
    },
    /// `REVOKE ROLE[S] r, ... FROM u, ...`.
    Revoke {
        /// The roles.
        roles: Vec<NameOrParameter>,
        /// Who loses them.
        users: Vec<NameOrParameter>,
    },
    /// `SHOW [ALL | POPULATED] ROLES [WITH USERS]`.
    Show {
        /// Whether only roles that somebody has are shown.
        populated: bool,
        /// Whether a row for each user is shown.
        with_users: bool,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
}

/// Grants, denies, revokes or lists privileges.
#[derive(Clone, Debug)]
pub enum PrivilegeCommand {
    /// `GRANT ...`, `DENY ...`, `REVOKE [GRANT | DENY] ...`.
    Change {
        /// What is done.
        verb: PrivilegeVerb,
        /// Whether it changes only while authentication is off.
        immutable: bool,
        /// What may be done.
        privilege: Box<PrivilegeSpec>,
        /// Who may, or may not.
        holders: Vec<HolderSpec>,
    },
    /// `GRANT LEVEL l ON DATABASE d TO r`, `REVOKE LEVEL ... FROM r`.
    Level {
        /// Whether it is granted; otherwise it is revoked.
        grant: bool,
        /// The level's word.
        level: Name,
        /// The databases.
        databases: Vec<ScopeSpec>,
        /// Who gets or loses it.
        holders: Vec<HolderSpec>,
    },
    /// `ALTER DATABASE d SET OWNER u`, `ALTER DATABASE d REMOVE OWNER`.
    Owner {
        /// The database.
        database: NameOrParameter,
        /// Do nothing if it does not exist.
        if_exists: bool,
        /// The user who owns it from now on; nobody without one.
        user: Option<NameOrParameter>,
        /// Whether an answer with rows is asked for.
        wait: Wait,
    },
    /// `ALTER DATABASE d SET ISOLATION NONE | SOFT | STRICT`.
    Isolation {
        /// The database.
        database: NameOrParameter,
        /// Do nothing if it does not exist.
        if_exists: bool,
        /// How far others are kept out.
        mode: Isolation,
        /// Whether an answer with rows is asked for.
        wait: Wait,
    },
    /// `SHOW PRIVILEGES` and its siblings.
    Show {
        /// Whose.
        of: PrivilegesOf,
        /// Whether commands are shown that would grant the same.
        commands: Option<CommandsShown>,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// `SHOW SUPPORTED PRIVILEGES`.
    ShowSupported {
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
    /// `SHOW [GRANTED] LEVELS [FOR DATABASE d]`.
    ShowLevels {
        /// What of them.
        shown: LevelsShown,
        /// The database; every one without it.
        database: Option<NameOrParameter>,
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
}

/// What is listed of levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelsShown {
    /// How much each user has of a database, by whatever was granted and denied.
    Held,
    /// What was granted to whom, word for word.
    Granted,
}

/// How far everybody but its owner is kept out of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Everybody reads and writes.
    None,
    /// Everybody reads.
    Soft,
    /// Nobody.
    Strict,
}

/// What is done with a privilege.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivilegeVerb {
    /// `GRANT`.
    Grant,
    /// `DENY`.
    Deny,
    /// `REVOKE`: what was granted, and what was denied.
    Revoke,
    /// `REVOKE GRANT`.
    RevokeGrant,
    /// `REVOKE DENY`.
    RevokeDeny,
}

/// One act, on what, where.
#[derive(Clone, Debug)]
pub struct PrivilegeSpec {
    /// The act.
    pub act: Act,
    /// `{*}`, `{a, b}`, `*` or `A, B` behind its words; `None` is everything.
    pub resource: Option<Vec<Name>>,
    /// `(*)`, `(ada, bob)`: users; `None` is everybody.
    pub users: Option<Vec<NameOrParameter>>,
    /// `*`, `apoc.*`: names of procedures, functions or settings.
    pub patterns: Vec<CompactString>,
    /// `ON GRAPH ...`, `ON DATABASE ...`; empty for the server.
    pub scopes: Vec<ScopeSpec>,
    /// `NODES A, B`.
    pub elements: ElementsSpec,
    /// `ON CIDR '10.0.0.0/8'`.
    pub cidr: Option<Expression>,
}

/// Which databases or graphs.
#[derive(Clone, Debug)]
pub enum ScopeSpec {
    /// `*`.
    All,
    /// `HOME`.
    Home,
    /// `DEFAULT`.
    Default,
    /// A name.
    Name(NameOrParameter),
    /// `tenant_*`.
    Pattern(CompactString),
    /// `ALIAS a`: a database under this name alone.
    Alias(NameOrParameter),
}

/// Which elements of a graph; `None` is every label or type.
#[derive(Clone, Debug, Default)]
pub enum ElementsSpec {
    /// Nothing was said, which means all of them.
    #[default]
    Unsaid,
    /// `ELEMENTS *`, `ELEMENTS A, B`.
    Elements(Option<Vec<Name>>),
    /// `NODES *`, `NODES A, B`.
    Nodes(Option<Vec<Name>>),
    /// `RELATIONSHIPS *`, `RELATIONSHIPS A, B`.
    Relationships(Option<Vec<Name>>),
    /// `FOR (n:A|B) WHERE n.k = v`.
    Pattern(Box<RuleSpec>),
}

/// Elements by the value of one property: `FOR (n:A|B) WHERE [NOT] n.k <= v`, `FOR ()-[r:T]-() WHERE r.k IS NULL`.
#[derive(Clone, Debug)]
pub struct RuleSpec {
    /// Whether relationships are meant, not nodes.
    pub relationships: bool,
    /// What the element is called.
    pub variable: Name,
    /// Its labels or types, one of which it has to have; none for every one.
    pub names: Vec<Name>,
    /// The property.
    pub key: Name,
    /// Whether the opposite is asked.
    pub negated: bool,
    /// What is asked of it.
    pub asks: RuleAsks,
}

/// What a rule asks of a property. A value is a literal, a parameter, or a function that makes a moment or a point.
#[derive(Clone, Debug)]
pub enum RuleAsks {
    /// `= v`, `<> v`, `< v`, `<= v`, `> v`, `>= v`.
    Compare(BinaryOperator, Expression),
    /// `IS NULL`.
    IsNull,
    /// `IS NOT NULL`.
    IsNotNull,
    /// `IN [v, ...]`, `IN $list`.
    In(Expression),
    /// `v IN n.k`.
    Holds(Expression),
}

/// Who has a privilege.
#[derive(Clone, Debug)]
pub enum HolderSpec {
    /// A role.
    Role(NameOrParameter),
    /// `USER u`: one user.
    User(NameOrParameter),
}

/// Whose privileges are shown.
#[derive(Clone, Debug)]
pub enum PrivilegesOf {
    /// Everybody's: those of every role.
    All,
    /// Of some roles.
    Roles(Vec<NameOrParameter>),
    /// Of some users, or of who asks.
    Users(Vec<NameOrParameter>),
}

/// Which commands `AS COMMANDS` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandsShown {
    /// Those that make the privileges.
    Grant,
    /// Those that take them back.
    Revoke,
}

/// Makes, drops or lists tokens.
#[derive(Clone, Debug)]
pub enum TokenCommand {
    /// `CREATE TOKEN t [IF NOT EXISTS] [FOR USER u] [ON DATABASES ...] [WITH LEVEL l] [EXPIRES e]`.
    Create {
        /// The name.
        name: NameOrParameter,
        /// Whether one that is there already is kept.
        if_not_exists: bool,
        /// Whose it is; who asks without one.
        user: Option<NameOrParameter>,
        /// The databases that it can reach: names and patterns.
        databases: Option<Vec<ScopeSpec>>,
        /// What it can do at most.
        level: Option<NameOrParameter>,
        /// After what time it ends.
        expires: Option<Expression>,
    },
    /// `DROP TOKEN t [IF EXISTS] [FOR USER u]`.
    Drop {
        /// The name.
        name: NameOrParameter,
        /// Whether it is fine when there is no such token.
        if_exists: bool,
        /// Whose it is; who asks without one.
        user: Option<NameOrParameter>,
    },
    /// `SHOW TOKENS`.
    Show {
        /// `YIELD` and `WHERE`.
        tail: ShowTail,
    },
}
