//! Users, roles, privileges, owners and tokens as one version of the catalog knows them.
//! Leaves what they add up to for one user to [`effective`], and rows on disk to [`rows`].
//! Start reading at [`Book`].

pub(crate) mod built_in;
pub(crate) mod effective;
mod granted;
mod had;
pub(crate) mod level;
pub(crate) mod privilege;
pub(crate) mod rows;
mod test_row;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use types::privilege::Act;
use types::{CompactString, DatabaseId, DatabaseName};

use crate::sorted::Sorted;
use crate::{CatalogError, Limits};
use level::Level;
use privilege::Privilege;

/// The role that everybody has.
pub const PUBLIC: &str = "PUBLIC";
/// The role that may do everything.
pub const ADMIN_ROLE: &str = "admin";
/// The roles that are always there, in the order in which each has more than the one before.
pub const BUILT_IN: [&str; 6] = [PUBLIC, "reader", "editor", "publisher", "architect", ADMIN_ROLE];

/// A user's lasting identity: it survives a new name, and nobody who takes the old name gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UserId(pub(crate) [u8; 16]);

impl UserId {
    /// Reads one as it is written: 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = u128::from_str_radix(text, 16).ok()?;
        Some(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// One user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The lasting identity.
    pub id: UserId,
    /// The name, in the case in which it was given.
    pub name: CompactString,
    /// The hash of the password; empty where none lets the user in.
    pub(crate) password_hash: String,
    /// Whether nothing but a new password is taken from the user.
    pub change_required: bool,
    /// Whether the user is kept out.
    pub suspended: bool,
    /// The database that is meant where none is named.
    pub home: Option<DatabaseName>,
    /// The roles beside `PUBLIC`.
    pub roles: BTreeSet<CompactString>,
    /// When the user was made, in nanoseconds since 1970.
    pub created_nanos: i128,
}

impl User {
    /// Tells whether a password can let the user in.
    #[must_use]
    pub fn has_password(&self) -> bool {
        !self.password_hash.is_empty()
    }

    /// Lists the roles by name, `PUBLIC` among them.
    #[must_use]
    pub fn all_roles(&self) -> Vec<CompactString> {
        let mut roles: Vec<CompactString> = self.roles.iter().cloned().collect();
        roles.push(PUBLIC.into());
        roles.sort();
        roles
    }
}

/// One role that somebody made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The name.
    pub name: CompactString,
    /// When it was made, in nanoseconds since 1970.
    pub created_nanos: i128,
    /// Whether it and its privileges can be changed only while authentication is off.
    pub immutable: bool,
}

/// Who has a privilege.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holder {
    /// Everybody who has a role.
    Role(CompactString),
    /// One user.
    User(UserId),
}

/// A password for programs: lets in as its user, with less than the user may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The part of its text that is no secret.
    pub id: CompactString,
    /// The name, unique among the tokens of a user.
    pub name: CompactString,
    /// Whose it is.
    pub user: UserId,
    /// The hash of the part that is one.
    pub(crate) hash: [u8; 32],
    /// The databases that it can reach by their own names, beside those of `aliases` and `patterns`; every one that the user
    /// can if there are none.
    pub databases: Option<Vec<DatabaseId>>,
    /// The aliases under which it can reach what they lead to, and under no other name. None in one that was made before
    /// names counted: such a token has its databases under all their names.
    pub aliases: Option<Vec<DatabaseName>>,
    /// Patterns of the names of databases that it can reach too, those included that are made later: of an alias, where its
    /// user knows the database by that alone.
    pub patterns: Vec<CompactString>,
    /// What it can do at most.
    pub level: Option<Level>,
    /// When it ends.
    pub expires_nanos: Option<i128>,
    /// When it was made, in nanoseconds since 1970.
    pub created_nanos: i128,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    users: BTreeMap<CompactString, Arc<User>>,
    names: BTreeMap<UserId, CompactString>,
    roles: BTreeMap<CompactString, Arc<Role>>,
    privileges: BTreeMap<Holder, BTreeSet<Privilege>>,
    /// There are as many as databases, and each new one changes them.
    owners: Sorted<DatabaseId, UserId>,
    tokens: BTreeMap<CompactString, Arc<Token>>,
    /// The limits of roles that have any.
    limits: BTreeMap<CompactString, Arc<Limits>>,
}

/// One step of a change of rights.
#[derive(Clone, Debug)]
pub(crate) enum RightsStep {
    User(User),
    UserGone(CompactString),
    Role(Role),
    RoleGone(CompactString),
    Privilege(Holder, Privilege),
    PrivilegeGone(Holder, Privilege),
    Owner(DatabaseId, UserId),
    OwnerGone(DatabaseId),
    Token(Token),
    TokenGone(CompactString),
    /// The limits of a role; a role without any has no row.
    RoleLimits(CompactString, Limits),
}

impl Book {
    /// Takes one step of a change.
    pub fn apply(&mut self, step: &RightsStep) {
        match step {
            RightsStep::User(user) => {
                self.names.insert(user.id, user.name.clone());
                self.users.insert(user.name.clone(), Arc::new(user.clone()));
            }
            RightsStep::UserGone(name) => {
                if let Some(gone) = self.users.remove(name) {
                    self.names.remove(&gone.id);
                }
            }
            RightsStep::Role(role) => drop(self.roles.insert(role.name.clone(), Arc::new(role.clone()))),
            RightsStep::RoleGone(name) => drop(self.roles.remove(name)),
            RightsStep::Privilege(holder, privilege) => {
                self.privileges.entry(holder.clone()).or_default().insert(privilege.clone());
            }
            RightsStep::PrivilegeGone(holder, privilege) => {
                if let Some(of_holder) = self.privileges.get_mut(holder) {
                    of_holder.remove(privilege);
                    if of_holder.is_empty() {
                        self.privileges.remove(holder);
                    }
                }
            }
            RightsStep::Owner(database, user) => drop(self.owners.insert(*database, *user)),
            RightsStep::OwnerGone(database) => drop(self.owners.remove(database)),
            RightsStep::Token(token) => drop(self.tokens.insert(token.id.clone(), Arc::new(token.clone()))),
            RightsStep::TokenGone(id) => drop(self.tokens.remove(id)),
            RightsStep::RoleLimits(role, limits) if limits.is_empty() => drop(self.limits.remove(role)),
            RightsStep::RoleLimits(role, limits) => drop(self.limits.insert(role.clone(), Arc::new(limits.clone()))),
        }
    }

    /// Refuses a version in which nobody is left who can let others in.
    pub fn check_admin(&self, before: &Self) -> Result<(), CatalogError> {
        if before.has_admin() && !self.has_admin() {
            return Err(CatalogError::LastAdmin);
        }
        if before.has_free_admin() && !self.has_free_admin() { Err(CatalogError::AdminsDenied) } else { Ok(()) }
    }

    fn has_admin(&self) -> bool {
        self.admins().next().is_some()
    }

    fn admins(&self) -> impl Iterator<Item = &Arc<User>> {
        let is_admin = |user: &&Arc<User>| !user.suspended && user.has_password() && user.roles.contains(ADMIN_ROLE);
        self.users.values().filter(is_admin)
    }

    /// Tells whether an admin is left who can take denials back. Those that are immutable are meant to stay, unless it is
    /// everything on the server that they deny: then nobody who logs in could even look at them.
    fn has_free_admin(&self) -> bool {
        let is_lock = |privilege: &Privilege| {
            let is_meant = privilege.immutable && privilege.act != Act::AllDbms;
            privilege.denied && !is_meant && privilege.act.holds(Act::RemovePrivilege)
        };
        let is_free = |holder: &Holder| !self.privileges.get(holder).into_iter().flatten().any(is_lock);
        self.admins().any(|user| {
            user.all_roles().into_iter().map(Holder::Role).chain([Holder::User(user.id)]).all(|holder| is_free(&holder))
        })
    }

    pub fn user(&self, name: &str) -> Option<&Arc<User>> {
        self.users.get(name)
    }

    pub fn user_by_id(&self, id: UserId) -> Option<&Arc<User>> {
        self.users.get(self.names.get(&id)?)
    }

    pub fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// Tells whether there is such a role, built in or made.
    pub fn has_role(&self, name: &str) -> bool {
        BUILT_IN.contains(&name) || self.roles.contains_key(name)
    }

    /// Tells whether a role that somebody made changes only while authentication is off.
    pub fn is_immutable(&self, name: &str) -> bool {
        self.roles.get(name).is_some_and(|role| role.immutable)
    }

    /// Names every role, in order.
    pub fn role_names(&self) -> BTreeSet<CompactString> {
        BUILT_IN.iter().map(|name| CompactString::from(*name)).chain(self.roles.keys().cloned()).collect()
    }

    /// Tells whether the rows of a first start are there.
    pub fn is_begun(&self) -> bool {
        self.roles.contains_key(PUBLIC)
    }

    /// Gives the privileges of a role or a user, built in or granted.
    pub fn privileges_of(&self, holder: &Holder) -> impl Iterator<Item = &Privilege> {
        let built_in = match holder {
            Holder::Role(name) => built_in::privileges(name),
            Holder::User(_) => &[],
        };
        built_in.iter().chain(self.privileges.get(holder).into_iter().flatten())
    }

    /// Gives what was granted or denied to whom, without what is built in.
    pub fn privileges(&self) -> impl Iterator<Item = (&Holder, &Privilege)> {
        self.privileges.iter().flat_map(|(holder, all)| all.iter().map(move |privilege| (holder, privilege)))
    }

    pub fn owner(&self, database: DatabaseId) -> Option<&Arc<User>> {
        self.user_by_id(*self.owners.get(&database)?)
    }

    /// Lists the databases that a user owns.
    pub fn owned_by(&self, user: UserId) -> impl Iterator<Item = DatabaseId> {
        self.owners.iter().filter(move |(_, owner)| **owner == user).map(|(database, _)| *database)
    }

    /// Tells whether any role has limits.
    pub fn has_limits(&self) -> bool {
        !self.limits.is_empty()
    }

    /// Gives the limits of a role, where it has any.
    pub fn limits_of(&self, role: &str) -> Option<&Arc<Limits>> {
        self.limits.get(role)
    }

    pub fn token(&self, id: &str) -> Option<&Arc<Token>> {
        self.tokens.get(id)
    }

    pub fn tokens(&self) -> impl Iterator<Item = &Arc<Token>> {
        self.tokens.values()
    }

    /// Lists the steps that forget all privileges of a role or a user.
    pub fn forget_holder(&self, holder: &Holder) -> Vec<RightsStep> {
        let own = self.privileges.get(holder).into_iter().flatten();
        own.map(|privilege| RightsStep::PrivilegeGone(holder.clone(), privilege.clone())).collect()
    }

    /// Lists the steps that have what was said about a user, such as who may speak in his name, go on under another name.
    pub fn rename_user(&self, name: &str, to: &str) -> Vec<RightsStep> {
        let renamed = |(holder, privilege): (&Holder, &Privilege)| {
            let segment = privilege::Segment::Users(Some(to.into()));
            let renamed = Privilege { segment, ..privilege.clone() };
            let gone = RightsStep::PrivilegeGone(holder.clone(), privilege.clone());
            [gone, RightsStep::Privilege(holder.clone(), renamed)]
        };
        self.privileges().filter(|(_, privilege)| privilege.is_about_user(name)).flat_map(renamed).collect()
    }

    /// Lists the steps that forget what was granted about a user who is gone. What was denied stays: it would have to be
    /// denied again of the next one of that name.
    pub fn forget_user(&self, gone: &str) -> Vec<RightsStep> {
        self.privileges()
            .filter(|(_, privilege)| privilege.is_about_user(gone) && !privilege.denied)
            .map(|(holder, privilege)| RightsStep::PrivilegeGone(holder.clone(), privilege.clone()))
            .collect()
    }

    /// Lists the steps that forget what was said about an alias that is gone.
    pub fn forget_alias(&self, gone: &DatabaseName) -> Vec<RightsStep> {
        let about = |privilege: &Privilege| matches!(&privilege.scope, privilege::Scope::Alias(alias) if alias == gone);
        let privileges = self
            .privileges()
            .filter(|(_, privilege)| about(privilege))
            .map(|(holder, privilege)| RightsStep::PrivilegeGone(holder.clone(), privilege.clone()));
        // A token that was bound to it stays bound, as one to a database that is gone.
        let tokens = self.tokens().filter_map(|token| {
            let aliases = token.aliases.as_ref().filter(|aliases| aliases.contains(gone))?;
            let left = aliases.iter().filter(|alias| *alias != gone).cloned().collect();
            Some(RightsStep::Token(Token { aliases: Some(left), ..(**token).clone() }))
        });
        privileges.chain(tokens).collect()
    }

    /// Lists the steps that forget what was said about a database that is gone.
    pub fn forget_database(&self, gone: DatabaseId) -> Vec<RightsStep> {
        let about = |privilege: &Privilege| privilege.scope == privilege::Scope::Named(gone);
        let mut steps: Vec<RightsStep> = self
            .privileges()
            .filter(|(_, privilege)| about(privilege))
            .map(|(holder, privilege)| RightsStep::PrivilegeGone(holder.clone(), privilege.clone()))
            .collect();
        if self.owners.get(&gone).is_some() {
            steps.push(RightsStep::OwnerGone(gone));
        }
        // A token that was bound to it stays bound: it must not reach more than before.
        steps
    }
}
