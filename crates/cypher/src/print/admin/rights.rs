//! Commands about who may do what. Passwords are printed as stars.

use std::fmt::{self, Display, Formatter};

use types::privilege::{Narrows, Place};

use super::super::{Joined, Key, NamePattern, Optional, Word, commas, words};
use crate::ast::{
    CommandsShown, ElementsSpec, HolderSpec, Home, Isolation, LevelsShown, Name, PrivilegeCommand, PrivilegeSpec,
    PrivilegeVerb, PrivilegesOf, RightsCommand, RoleCommand, RuleAsks, RuleSpec, ScopeSpec, Secret, TokenCommand,
    UserCommand, UserSettings,
};

impl Display for RightsCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(command) => command.fmt(f),
            Self::Role(command) => command.fmt(f),
            Self::Privilege(command) => command.fmt(f),
            Self::Token(command) => command.fmt(f),
        }
    }
}

fn replace(or_replace: bool) -> &'static str {
    if or_replace { "OR REPLACE " } else { "" }
}

fn unless(if_not_exists: bool) -> &'static str {
    if if_not_exists { " IF NOT EXISTS" } else { "" }
}

fn provided(if_exists: bool) -> &'static str {
    if if_exists { " IF EXISTS" } else { "" }
}

impl Display for UserCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { name, if_not_exists, or_replace, settings } => {
                write!(f, "CREATE {}USER {name}{}{settings}", replace(*or_replace), unless(*if_not_exists))
            }
            Self::Alter { name, if_exists, settings } => {
                write!(f, "ALTER USER {name}{}{settings}", provided(*if_exists))
            }
            Self::AlterCurrent { from, to } => write!(f, "ALTER CURRENT USER SET PASSWORD FROM {from} TO {to}"),
            Self::Rename { name, if_exists, to } => write!(f, "RENAME USER {name}{} TO {to}", provided(*if_exists)),
            Self::Drop { name, if_exists } => write!(f, "DROP USER {name}{}", provided(*if_exists)),
            Self::Show { current, with_auth, tail } => {
                let what = if *current { "CURRENT USER" } else { "USERS" };
                write!(f, "SHOW {what}{}{tail}", if *with_auth { " WITH AUTH" } else { "" })
            }
        }
    }
}

impl Display for UserSettings {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.remove_auth {
            f.write_str(" REMOVE ALL AUTH")?;
        }
        if let Some(Home::Remove) = self.home {
            f.write_str(" REMOVE HOME DATABASE")?;
        }
        if let Some(password) = &self.password {
            write!(f, " SET {}PASSWORD {}", if password.is_encrypted { "ENCRYPTED " } else { "" }, password.value)?;
        }
        if let Some(required) = self.change_required {
            write!(f, " SET PASSWORD CHANGE {}REQUIRED", if required { "" } else { "NOT " })?;
        }
        if let Some(suspended) = self.suspended {
            write!(f, " SET STATUS {}", if suspended { "SUSPENDED" } else { "ACTIVE" })?;
        }
        if let Some(Home::Set(home)) = &self.home {
            write!(f, " SET HOME DATABASE {home}")?;
        }
        Ok(())
    }
}

impl Display for Secret {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("'******'"),
            Self::Parameter(name) => write!(f, "${}", Key(name)),
        }
    }
}

impl Display for RoleCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { name, if_not_exists, or_replace, immutable, copy_of } => {
                let copy_of = Optional(" AS COPY OF ", copy_of);
                let (replace, immutable) = (replace(*or_replace), if *immutable { "IMMUTABLE " } else { "" });
                write!(f, "CREATE {replace}{immutable}ROLE {name}{}{copy_of}", unless(*if_not_exists))
            }
            Self::Rename { name, if_exists, to } => write!(f, "RENAME ROLE {name}{} TO {to}", provided(*if_exists)),
            Self::Drop { name, if_exists } => write!(f, "DROP ROLE {name}{}", provided(*if_exists)),
            Self::Grant { roles, users } => write!(f, "GRANT ROLE {} TO {}", commas(roles), commas(users)),
            Self::Revoke { roles, users } => write!(f, "REVOKE ROLE {} FROM {}", commas(roles), commas(users)),
            Self::Show { populated, with_users, tail } => {
                let (populated, users) =
                    (if *populated { "POPULATED " } else { "" }, if *with_users { " WITH USERS" } else { "" });
                write!(f, "SHOW {populated}ROLES{users}{tail}")
            }
        }
    }
}

impl Display for PrivilegeCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change { verb, immutable, privilege, holders } => {
                let immutable = if *immutable { "IMMUTABLE " } else { "" };
                write!(f, "{verb} {immutable}{privilege} {} {}", verb.towards(), commas(holders))
            }
            Self::Level { grant, level, databases, holders } => {
                let (verb, towards) = if *grant { ("GRANT", "TO") } else { ("REVOKE", "FROM") };
                write!(f, "{verb} LEVEL {} ON {} {towards} ", Word(level), Scopes("DATABASE", databases))?;
                commas(holders).fmt(f)
            }
            Self::Owner { database, if_exists, user: Some(user), wait } => {
                write!(f, "ALTER DATABASE {database}{} SET OWNER {user}{wait}", provided(*if_exists))
            }
            Self::Owner { database, if_exists, user: None, wait } => {
                write!(f, "ALTER DATABASE {database}{} REMOVE OWNER{wait}", provided(*if_exists))
            }
            Self::Isolation { database, if_exists, mode, wait } => {
                let mode = match mode {
                    Isolation::None => "NONE",
                    Isolation::Soft => "SOFT",
                    Isolation::Strict => "STRICT",
                };
                write!(f, "ALTER DATABASE {database}{} SET ISOLATION {mode}{wait}", provided(*if_exists))
            }
            Self::Show { of, commands, tail } => {
                f.write_str("SHOW ")?;
                match of {
                    PrivilegesOf::All => {}
                    PrivilegesOf::Roles(names) => write!(f, "ROLE {} ", commas(names))?,
                    PrivilegesOf::Users(names) if names.is_empty() => f.write_str("USER ")?,
                    PrivilegesOf::Users(names) => write!(f, "USER {} ", commas(names))?,
                }
                f.write_str("PRIVILEGES")?;
                match commands {
                    None => {}
                    Some(CommandsShown::Grant) => f.write_str(" AS COMMANDS")?,
                    Some(CommandsShown::Revoke) => f.write_str(" AS REVOKE COMMANDS")?,
                }
                tail.fmt(f)
            }
            Self::ShowSupported { tail } => write!(f, "SHOW SUPPORTED PRIVILEGES{tail}"),
            Self::ShowLevels { shown, database, tail } => {
                let granted = if *shown == LevelsShown::Granted { "GRANTED " } else { "" };
                write!(f, "SHOW {granted}LEVELS{}{tail}", Optional(" FOR DATABASE ", database))
            }
        }
    }
}

impl PrivilegeVerb {
    fn towards(self) -> &'static str {
        match self {
            Self::Grant | Self::Deny => "TO",
            Self::Revoke | Self::RevokeGrant | Self::RevokeDeny => "FROM",
        }
    }
}

impl Display for PrivilegeVerb {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grant => "GRANT",
            Self::Deny => "DENY",
            Self::Revoke => "REVOKE",
            Self::RevokeGrant => "REVOKE GRANT",
            Self::RevokeDeny => "REVOKE DENY",
        })
    }
}

impl Display for PrivilegeSpec {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let row = self.act.row();
        f.write_str(&self.act.printed())?;
        match row.narrows {
            Narrows::Nothing => {}
            Narrows::Properties => write!(f, " {{{}}}", AllOr(&self.resource))?,
            Narrows::Labels => write!(f, " {}", AllOr(&self.resource))?,
            Narrows::Users => match &self.users {
                None => f.write_str(" (*)")?,
                Some(users) => write!(f, " ({})", commas(users))?,
            },
            Narrows::Procedures | Narrows::Functions | Narrows::Settings => {
                write!(f, " {}", Joined(self.patterns.iter().map(|pattern| NamePattern(pattern)), ", "))?;
            }
        }
        match row.place {
            Place::Dbms => f.write_str(" ON DBMS"),
            Place::Database => write!(f, " ON {}", Scopes("DATABASE", &self.scopes)),
            Place::Graph => write!(f, " ON {}{}", Scopes("GRAPH", &self.scopes), self.elements),
            Place::Load => match &self.cidr {
                None => f.write_str(" ON ALL DATA"),
                Some(range) => write!(f, " ON CIDR {range}"),
            },
        }
    }
}

struct AllOr<'a>(&'a Option<Vec<Name>>);

impl Display for AllOr<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("*"),
            Some(names) => words(names).fmt(f),
        }
    }
}

struct Scopes<'a>(&'static str, &'a [ScopeSpec]);

impl Display for Scopes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.1 {
            [ScopeSpec::Home] => write!(f, "HOME {}", self.0),
            [ScopeSpec::Default] => write!(f, "DEFAULT {}", self.0),
            scopes @ [ScopeSpec::Alias(_), ..] => write!(f, "ALIAS {}", Joined(scopes.iter(), ", ")),
            scopes => write!(f, "{} {}", self.0, Joined(scopes.iter(), ", ")),
        }
    }
}

impl Display for ScopeSpec {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Home => f.write_str("HOME"),
            Self::Default => f.write_str("DEFAULT"),
            Self::Name(name) | Self::Alias(name) => name.fmt(f),
            Self::Pattern(pattern) => NamePattern(pattern).fmt(f),
        }
    }
}

impl Display for ElementsSpec {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaid => Ok(()),
            Self::Elements(names) => write!(f, " ELEMENTS {}", AllOr(names)),
            Self::Nodes(names) => write!(f, " NODES {}", AllOr(names)),
            Self::Relationships(names) => write!(f, " RELATIONSHIPS {}", AllOr(names)),
            Self::Pattern(rule) => write!(f, " FOR {rule}"),
        }
    }
}

impl Display for RuleSpec {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.relationships { ("()-[", "]-()") } else { ("(", ")") };
        write!(f, "{open}{}", Word(&self.variable))?;
        if !self.names.is_empty() {
            write!(f, ":{}", Joined(self.names.iter().map(Key), "|"))?;
        }
        write!(f, "{close} WHERE {}", if self.negated { "NOT " } else { "" })?;
        let (of, key) = (Word(&self.variable), Key(&self.key));
        match &self.asks {
            RuleAsks::Compare(operator, value) => write!(f, "{of}.{key} {operator} {value}"),
            RuleAsks::IsNull => write!(f, "{of}.{key} IS NULL"),
            RuleAsks::IsNotNull => write!(f, "{of}.{key} IS NOT NULL"),
            RuleAsks::In(list) => write!(f, "{of}.{key} IN {list}"),
            RuleAsks::Holds(value) => write!(f, "{value} IN {of}.{key}"),
        }
    }
}

impl Display for HolderSpec {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            // A role called `user` would be read as the word.
            Self::Role(name) => write!(f, "ROLE {name}"),
            Self::User(name) => write!(f, "USER {name}"),
        }
    }
}

impl Display for TokenCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { name, if_not_exists, user, databases, level, expires } => {
                let made = if *if_not_exists { " IF NOT EXISTS" } else { "" };
                write!(f, "CREATE TOKEN {name}{made}{}", Optional(" FOR USER ", user))?;
                if let Some(databases) = databases {
                    write!(f, " ON DATABASES {}", commas(databases))?;
                }
                write!(f, "{}{}", Optional(" WITH LEVEL ", level), Optional(" EXPIRES AFTER ", expires))
            }
            Self::Drop { name, if_exists, user } => {
                write!(f, "DROP TOKEN {name}{}{}", provided(*if_exists), Optional(" FOR USER ", user))
            }
            Self::Show { tail } => write!(f, "SHOW TOKENS{tail}"),
        }
    }
}
