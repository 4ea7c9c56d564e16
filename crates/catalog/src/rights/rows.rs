//! How users, roles, privileges, owners and tokens look on disk; the frame around a row is in [`crate::rows`].
//! Leaves what they mean to their own files.
//! Start reading at [`RightsStep::put`] and [`load`].

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use store::Reader;
use types::privilege::Act;
use types::{CompactString, DatabaseId, DatabaseName};
use xxhash_rust::xxh3;

use super::level::Level;
use super::privilege::{Privilege, Resource, Scope, Segment};
use super::test_row::TestRow;
use super::{ADMIN_ROLE, Holder, RightsStep, Role, Token, User, UserId};
use crate::rows::{Put, Table};
use crate::{CatalogError, Limits};

impl RightsStep {
    /// Makes the row that a step writes or removes.
    pub(crate) fn put(&self) -> Put {
        match self {
            Self::User(user) => Put::set(Table::User.key(user.name.as_bytes()), &UserRow::from(user)),
            Self::UserGone(name) => Put::remove(Table::User.key(name.as_bytes())),
            Self::Role(role) => {
                let row = RoleRow { created_nanos: role.created_nanos, immutable: role.immutable };
                Put::set(Table::Role.key(role.name.as_bytes()), &row)
            }
            Self::RoleGone(name) => Put::remove(Table::Role.key(name.as_bytes())),
            Self::Privilege(holder, privilege) => {
                let row = PrivilegeRow::of(holder, privilege);
                Put::set(Table::Privilege.key(&row.key()), &row)
            }
            Self::PrivilegeGone(holder, privilege) => {
                Put::remove(Table::Privilege.key(&PrivilegeRow::of(holder, privilege).key()))
            }
            Self::Owner(database, user) => Put::set(Table::Owner.key(&database.0), &OwnerRow { user: user.0 }),
            Self::OwnerGone(database) => Put::remove(Table::Owner.key(&database.0)),
            Self::Token(token) => Put::set(Table::Token.key(token.id.as_bytes()), &TokenRow::from(token)),
            Self::TokenGone(id) => Put::remove(Table::Token.key(id.as_bytes())),
            Self::RoleLimits(role, limits) if limits.is_empty() => Put::remove(Table::RoleLimits.key(role.as_bytes())),
            Self::RoleLimits(role, limits) => Put::set(Table::RoleLimits.key(role.as_bytes()), limits),
        }
    }
}

/// Reads every row as the step that wrote it.
pub(crate) fn load(snapshot: &dyn Reader) -> Result<Vec<RightsStep>, CatalogError> {
    let mut steps = Vec::new();
    Table::User.read(snapshot, |key, row: UserRow| {
        steps.push(RightsStep::User(row.into_user(text(key)?)?));
        Ok(())
    })?;
    Table::Role.read(snapshot, |key, row: RoleRow| {
        let RoleRow { created_nanos, immutable } = row;
        steps.push(RightsStep::Role(Role { name: text(key)?.into(), created_nanos, immutable }));
        Ok(())
    })?;
    Table::Privilege.read(snapshot, |_, row: PrivilegeRow| {
        let (holder, privilege) = row.into_privilege()?;
        steps.push(RightsStep::Privilege(holder, privilege));
        Ok(())
    })?;
    Table::Owner.read(snapshot, |key, row: OwnerRow| {
        let database = key.try_into().map_err(|_| CatalogError::damaged("an owner of no database"))?;
        steps.push(RightsStep::Owner(DatabaseId(database), UserId(row.user)));
        Ok(())
    })?;
    Table::Token.read(snapshot, |key, row: TokenRow| {
        steps.push(RightsStep::Token(row.into_token(text(key)?)?));
        Ok(())
    })?;
    Table::RoleLimits.read(snapshot, |key, limits: Limits| {
        steps.push(RightsStep::RoleLimits(text(key)?.into(), limits));
        Ok(())
    })?;
    Ok(steps)
}

fn text(key: &[u8]) -> Result<&str, CatalogError> {
    std::str::from_utf8(key).map_err(|_| CatalogError::damaged("the name in a row of rights is not text"))
}

fn database_name(text: &str) -> Result<DatabaseName, CatalogError> {
    DatabaseName::parse(text).map_err(|error| CatalogError::damaged(error.to_string()))
}

/// A user. Rows of older servers have no roles, and say `admin` instead.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct UserRow {
    password_hash: String,
    admin: bool,
    created_nanos: i128,
    #[serde(default)]
    id: Option<[u8; 16]>,
    #[serde(default)]
    roles: Option<BTreeSet<CompactString>>,
    #[serde(default)]
    change_required: bool,
    #[serde(default)]
    suspended: bool,
    #[serde(default)]
    home: Option<String>,
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        Self {
            password_hash: user.password_hash.clone(),
            admin: user.roles.contains(ADMIN_ROLE),
            created_nanos: user.created_nanos,
            id: Some(user.id.0),
            roles: Some(user.roles.clone()),
            change_required: user.change_required,
            suspended: user.suspended,
            home: user.home.as_ref().map(ToString::to_string),
        }
    }
}

impl UserRow {
    fn into_user(self, name: &str) -> Result<User, CatalogError> {
        let old_roles = || self.admin.then(|| ADMIN_ROLE.into()).into_iter().collect();
        Ok(User {
            // A user of an older server is who has the name; the next change writes the identity down.
            id: UserId(self.id.unwrap_or_else(|| xxh3::xxh3_128(name.as_bytes()).to_be_bytes())),
            name: name.into(),
            roles: self.roles.clone().unwrap_or_else(old_roles),
            password_hash: self.password_hash,
            change_required: self.change_required,
            suspended: self.suspended,
            home: self.home.map(|home| database_name(&home)).transpose()?,
            created_nanos: self.created_nanos,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct RoleRow {
    created_nanos: i128,
    #[serde(default)]
    immutable: bool,
}

#[derive(Serialize, Deserialize)]
struct OwnerRow {
    user: [u8; 16],
}

/// A privilege. Its key is a hash of itself, so that two that are the same are one row.
#[derive(Serialize, Deserialize)]
struct PrivilegeRow {
    role: Option<CompactString>,
    user: Option<[u8; 16]>,
    act: CompactString,
    scope: ScopeRow,
    resource: ResourceRow,
    segment: SegmentRow,
    denied: bool,
    immutable: bool,
    /// Left out where there is none, so that the key of a row of an older server stays what it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    test: Option<TestRow>,
}

#[derive(Serialize, Deserialize)]
enum ScopeRow {
    All,
    Named([u8; 16]),
    Pattern(CompactString),
    Home,
    Default,
    Alias(CompactString),
}

#[derive(Serialize, Deserialize)]
enum ResourceRow {
    Nothing,
    AllProperties,
    Property(CompactString),
    AllLabels,
    Label(CompactString),
}

#[derive(Serialize, Deserialize)]
enum SegmentRow {
    Nothing,
    Nodes(Option<CompactString>),
    Relationships(Option<CompactString>),
    Users(Option<CompactString>),
    Names(CompactString),
    AllData,
    Cidr(CompactString),
}

impl PrivilegeRow {
    fn of(holder: &Holder, privilege: &Privilege) -> Self {
        let (role, user) = match holder {
            Holder::Role(name) => (Some(name.clone()), None),
            Holder::User(id) => (None, Some(id.0)),
        };
        Self {
            role,
            user,
            act: privilege.act.printed().into(),
            scope: match &privilege.scope {
                Scope::All => ScopeRow::All,
                Scope::Named(id) => ScopeRow::Named(id.0),
                Scope::Pattern(pattern) => ScopeRow::Pattern(pattern.clone()),
                Scope::Home => ScopeRow::Home,
                Scope::Default => ScopeRow::Default,
                Scope::Alias(alias) => ScopeRow::Alias(alias.as_str().into()),
            },
            resource: match &privilege.resource {
                Resource::Nothing => ResourceRow::Nothing,
                Resource::AllProperties => ResourceRow::AllProperties,
                Resource::Property(key) => ResourceRow::Property(key.clone()),
                Resource::AllLabels => ResourceRow::AllLabels,
                Resource::Label(label) => ResourceRow::Label(label.clone()),
            },
            segment: match &privilege.segment {
                Segment::Nothing => SegmentRow::Nothing,
                Segment::Nodes(label) => SegmentRow::Nodes(label.clone()),
                Segment::Relationships(kind) => SegmentRow::Relationships(kind.clone()),
                Segment::Users(user) => SegmentRow::Users(user.clone()),
                Segment::Names(pattern) => SegmentRow::Names(pattern.clone()),
                Segment::AllData => SegmentRow::AllData,
                Segment::Cidr(range) => SegmentRow::Cidr(range.clone()),
            },
            denied: privilege.denied,
            immutable: privilege.immutable,
            test: privilege.test.as_deref().map(TestRow::from),
        }
    }

    fn key(&self) -> [u8; 16] {
        let bytes = rmp_serde::to_vec_named(self).expect("plain fields, written to memory");
        xxh3::xxh3_128(&bytes).to_be_bytes()
    }

    fn into_privilege(self) -> Result<(Holder, Privilege), CatalogError> {
        let unknown = || CatalogError::damaged(format!("nobody knows the privilege '{}'", self.act));
        let act = Act::ALL.iter().copied().find(|act| act.printed() == self.act).ok_or_else(unknown)?;
        // One that is not asked would grant more than was granted.
        if self.test.is_some() && !act.takes_test() {
            return Err(CatalogError::damaged(format!("the privilege '{}' hangs on no value", self.act)));
        }
        let holder = match (self.role, self.user) {
            (Some(role), None) => Holder::Role(role),
            (None, Some(user)) => Holder::User(UserId(user)),
            _ => return Err(CatalogError::damaged("a privilege that nobody has")),
        };
        let privilege = Privilege {
            act,
            scope: match self.scope {
                ScopeRow::All => Scope::All,
                ScopeRow::Named(id) => Scope::Named(DatabaseId(id)),
                ScopeRow::Pattern(pattern) => Scope::Pattern(pattern),
                ScopeRow::Home => Scope::Home,
                ScopeRow::Default => Scope::Default,
                ScopeRow::Alias(alias) => Scope::Alias(database_name(&alias)?),
            },
            resource: match self.resource {
                ResourceRow::Nothing => Resource::Nothing,
                ResourceRow::AllProperties => Resource::AllProperties,
                ResourceRow::Property(key) => Resource::Property(key),
                ResourceRow::AllLabels => Resource::AllLabels,
                ResourceRow::Label(label) => Resource::Label(label),
            },
            segment: match self.segment {
                SegmentRow::Nothing => Segment::Nothing,
                SegmentRow::Nodes(label) => Segment::Nodes(label),
                SegmentRow::Relationships(kind) => Segment::Relationships(kind),
                SegmentRow::Users(user) => Segment::Users(user),
                SegmentRow::Names(pattern) => Segment::Names(pattern),
                SegmentRow::AllData => Segment::AllData,
                SegmentRow::Cidr(range) => Segment::Cidr(range),
            },
            test: self.test.map(|test| test.into_test().map(Arc::new)).transpose()?,
            denied: self.denied,
            immutable: self.immutable,
        };
        Ok((holder, privilege))
    }
}

#[derive(Serialize, Deserialize)]
struct TokenRow {
    name: CompactString,
    user: [u8; 16],
    hash: [u8; 32],
    databases: Option<Vec<[u8; 16]>>,
    /// Not there in a token that was made before names counted. A server that does not know them takes the token for one that
    /// reaches less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aliases: Option<Vec<CompactString>>,
    /// A server that does not know them takes the token for one that reaches less.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    patterns: Vec<CompactString>,
    level: Option<String>,
    expires_nanos: Option<i128>,
    created_nanos: i128,
}

impl From<&Token> for TokenRow {
    fn from(token: &Token) -> Self {
        Self {
            name: token.name.clone(),
            user: token.user.0,
            hash: token.hash,
            databases: token.databases.as_ref().map(|all| all.iter().map(|id| id.0).collect()),
            aliases: token.aliases.as_ref().map(|all| all.iter().map(|alias| alias.as_str().into()).collect()),
            patterns: token.patterns.clone(),
            level: token.level.map(|level| level.word().to_owned()),
            expires_nanos: token.expires_nanos,
            created_nanos: token.created_nanos,
        }
    }
}

impl TokenRow {
    fn into_token(self, id: &str) -> Result<Token, CatalogError> {
        // A level that nobody knows must not turn into none.
        let level = |word: String| {
            Level::parse(&word).ok_or_else(|| CatalogError::damaged(format!("a token has the unknown level '{word}'")))
        };
        let alias = |alias: CompactString| {
            DatabaseName::parse(&alias).map_err(|_| CatalogError::damaged(format!("a token has the alias '{alias}'")))
        };
        Ok(Token {
            id: id.into(),
            name: self.name,
            user: UserId(self.user),
            hash: self.hash,
            databases: self.databases.map(|all| all.into_iter().map(DatabaseId).collect()),
            aliases: self.aliases.map(|all| all.into_iter().map(alias).collect()).transpose()?,
            patterns: self.patterns,
            level: self.level.map(level).transpose()?,
            expires_nanos: self.expires_nanos,
            created_nanos: self.created_nanos,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{decode, encode};

    #[derive(Serialize)]
    struct OldUserRow {
        password_hash: String,
        admin: bool,
        created_nanos: i128,
    }

    #[test]
    fn f82_users_of_older_servers_keep_what_they_may_do() {
        let old = |admin| {
            let row = OldUserRow { password_hash: "$argon2id$".to_owned(), admin, created_nanos: 7 };
            let row: UserRow = decode(b"uann", &encode(b"uann", &row)).expect("sound");
            row.into_user("ann").expect("sound")
        };
        let (admin, other) = (old(true), old(false));
        assert!(admin.roles.contains(ADMIN_ROLE) && admin.roles.len() == 1);
        assert!(other.roles.is_empty());
        assert_eq!(
            (admin.id, admin.created_nanos, admin.change_required, admin.suspended),
            (other.id, 7, false, false)
        );
    }

    #[derive(Serialize)]
    struct OldTokenRow {
        name: &'static str,
        user: [u8; 16],
        hash: [u8; 32],
        databases: Option<Vec<[u8; 16]>>,
        level: Option<String>,
        expires_nanos: Option<i128>,
        created_nanos: i128,
    }

    #[test]
    fn f96_tokens_of_older_servers_are_not_bound_to_names() {
        let (name, databases) = ("t", Some(vec![[7; 16]]));
        let (level, expires_nanos) = (None, None);
        let old = OldTokenRow { name, user: [1; 16], hash: [2; 32], databases, level, expires_nanos, created_nanos: 7 };
        let row: TokenRow = decode(b"t", &encode(b"t", &old)).expect("sound");
        let token = row.into_token("id").expect("sound");
        assert_eq!((&token.databases, &token.aliases), (&Some(vec![DatabaseId([7; 16])]), &None));
        // One that is, comes back as it was.
        let aliases = Some(vec![DatabaseName::parse("reports").expect("legal")]);
        let token = Token { databases: Some(Vec::new()), aliases, ..token };
        let row: TokenRow = decode(b"t", &encode(b"t", &TokenRow::from(&token))).expect("sound");
        assert_eq!(row.into_token("id").expect("sound"), token);
    }

    #[test]
    fn a_privilege_comes_back_as_it_was() {
        let privilege = Privilege {
            scope: Scope::Pattern("tenant_*".into()),
            resource: Resource::Property("name".into()),
            segment: Segment::Nodes(Some("Person".into())),
            denied: true,
            ..Privilege::of(Act::Read)
        };
        let holder = Holder::Role("r".into());
        let row = PrivilegeRow::of(&holder, &privilege);
        let back: PrivilegeRow = decode(b"p", &encode(b"p", &row)).expect("sound");
        assert_eq!(back.key(), row.key());
        assert_eq!(back.into_privilege().expect("sound"), (holder, privilege));
    }
}
