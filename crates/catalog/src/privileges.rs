//! Privileges granted, denied and revoked; owners of databases.
//! Leaves what they add up to to `rights::effective`.
//! Start reading at [`Catalog::change_privileges`].

use types::{CompactString, DatabaseId};

use crate::rights::level::Level;
use crate::rights::privilege::{Privilege, Scope};
use crate::rights::{BUILT_IN, Holder, PUBLIC, RightsStep};
use crate::users::shown;
use crate::{Catalog, CatalogError, Names, Principal};

/// What is done with privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `GRANT`.
    Grant,
    /// `DENY`.
    Deny,
    /// `REVOKE`, of what was granted or denied, or both.
    Revoke {
        /// Takes grants back.
        granted: bool,
        /// Takes denials back.
        denied: bool,
    },
}

/// The databases that a command names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeName {
    /// `*`.
    All,
    /// A database or an alias.
    Name(String),
    /// A pattern of `*` and `?`.
    Pattern(String),
    /// The home database of whoever asks.
    Home,
    /// The default database.
    Default,
    /// An alias: its database under this name alone.
    Alias(String),
}

/// Whom a command names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HolderName {
    /// Everybody who has a role.
    Role(String),
    /// One user.
    User(String),
}

/// What a change of privileges came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Privileges that are there or gone now.
    pub count: u64,
    /// Those for which there was nothing to do.
    pub without_effect: u64,
}

impl Catalog {
    /// Grants, denies or revokes; all of it or nothing. `privileges` have any scope; each is changed in every one of `scopes`.
    ///
    /// What is immutable changes only while authentication is off.
    pub fn change_privileges(
        &self,
        acting: &Principal,
        verb: Verb,
        privileges: &[Privilege],
        scopes: &[ScopeName],
        holders: &[HolderName],
    ) -> Result<Changed, CatalogError> {
        if acting.is_user() && privileges.iter().any(|privilege| privilege.immutable) {
            return Err(CatalogError::Immutable);
        }
        self.change_rights("rights.privileges", |names, _| {
            let (mut steps, mut changed) = (Vec::new(), Changed::default());
            for holder in holders {
                let holder = holder_of(names, verb, holder)?;
                check_mutable(names, acting, &holder)?;
                for scope in scopes {
                    let scope = scope_of(names, verb, &holder, scope)?;
                    check_alias(&scope, privileges)?;
                    for privilege in privileges {
                        let privilege = Privilege { scope: scope.clone(), ..privilege.clone() };
                        one(names, verb, &holder, privilege, &mut steps, &mut changed);
                    }
                }
            }
            Ok((steps, changed))
        })
    }

    /// Makes a user the owner of a database, in place of who was; nobody if there is no such user.
    pub fn set_owner(&self, database: DatabaseId, user: Option<&str>) -> Result<(), CatalogError> {
        let missing = |user: &str| CatalogError::UserMissing { verb: "alter", user: shown(user) };
        self.change_rights("rights.owner", |names, _| {
            let step = match user {
                Some(user) => RightsStep::Owner(database, names.user(user).ok_or_else(|| missing(user))?.id),
                None => RightsStep::OwnerGone(database),
            };
            Ok((vec![step], ()))
        })
    }
}

impl Catalog {
    /// Gives everybody this level on a database and no other, or none; tells whether there was anything to change.
    ///
    /// Who owns it, and who has rights on every database, keeps them.
    pub fn set_isolation(&self, database: DatabaseId, everybody: Option<Level>) -> Result<bool, CatalogError> {
        self.change_rights("rights.isolation", |names, _| {
            let public = Holder::Role(PUBLIC.into());
            let scope = Scope::Named(database);
            let wanted = everybody.map(|level| level.privileges(&scope)).unwrap_or_default();
            let of_levels = |privilege: &Privilege| Level::ALL.iter().any(|l| l.privileges(&scope).contains(privilege));
            let own: Vec<&Privilege> = names.book().privileges_of(&public).collect();
            let gone = own.iter().filter(|privilege| of_levels(privilege) && !wanted.contains(privilege));
            let mut steps: Vec<RightsStep> =
                gone.map(|privilege| RightsStep::PrivilegeGone(public.clone(), Privilege::clone(privilege))).collect();
            let new = wanted.iter().filter(|privilege| !own.contains(privilege));
            steps.extend(new.map(|privilege| RightsStep::Privilege(public.clone(), privilege.clone())));
            let is_changed = !steps.is_empty();
            Ok((steps, is_changed))
        })
    }
}

impl Names {
    /// Names the owner of a database, if it has one.
    #[must_use]
    pub fn owner_of(&self, database: DatabaseId) -> Option<&str> {
        self.book().owner(database).map(|user| user.name.as_str())
    }

    /// Gives the privileges of a role or a user alone, those that are built in among them.
    pub fn privileges_of(&self, holder: &Holder) -> impl Iterator<Item = &Privilege> {
        self.book().privileges_of(holder)
    }
}

fn one(
    names: &Names,
    verb: Verb,
    holder: &Holder,
    privilege: Privilege,
    steps: &mut Vec<RightsStep>,
    changed: &mut Changed,
) {
    let has = |privilege: &Privilege| names.book().privileges_of(holder).any(|own| own == privilege);
    let mut add = |step: Option<RightsStep>| match step {
        Some(step) => {
            changed.count += 1;
            steps.push(step);
        }
        None => changed.without_effect += 1,
    };
    match verb {
        Verb::Grant | Verb::Deny => {
            let privilege = Privilege { denied: verb == Verb::Deny, ..privilege };
            add((!has(&privilege)).then(|| RightsStep::Privilege(holder.clone(), privilege)));
        }
        Verb::Revoke { granted, denied } => {
            let ways = [(granted, false), (denied, true)].into_iter().filter(|(wanted, _)| *wanted);
            let found: Vec<Privilege> = ways
                .map(|(_, denied)| Privilege { denied, ..privilege.clone() })
                .filter(|privilege| has(privilege))
                .collect();
            if found.is_empty() {
                return add(None);
            }
            found.into_iter().for_each(|privilege| add(Some(RightsStep::PrivilegeGone(holder.clone(), privilege))));
        }
    }
}

fn holder_of(names: &Names, verb: Verb, holder: &HolderName) -> Result<Holder, CatalogError> {
    match holder {
        HolderName::Role(role) if BUILT_IN.contains(&role.as_str()) && role != PUBLIC => {
            Err(CatalogError::RoleFixed { role: role.clone() })
        }
        HolderName::Role(role) if names.book().has_role(role) => Ok(Holder::Role(role.as_str().into())),
        HolderName::Role(role) => {
            Err(CatalogError::PrivilegeHolder { doing: doing(verb), what: "role", name: shown(role), missing: "Role" })
        }
        HolderName::User(user) => match names.user(user) {
            Some(user) => Ok(Holder::User(user.id)),
            None => Err(CatalogError::PrivilegeHolder {
                doing: doing(verb),
                what: "user",
                name: shown(user),
                missing: "User",
            }),
        },
    }
}

/// Refuses on an alias what is done to a database as a whole, whatever it is called.
fn check_alias(scope: &Scope, privileges: &[Privilege]) -> Result<(), CatalogError> {
    let unsuited = privileges.iter().find(|privilege| !privilege.act.suits_alias());
    match (scope, unsuited) {
        (Scope::Alias(alias), Some(privilege)) => {
            Err(CatalogError::NotOnAlias { alias: alias.clone(), privilege: privilege.act.printed() })
        }
        _ => Ok(()),
    }
}

/// Refuses to change the privileges of an immutable role while people log in.
fn check_mutable(names: &Names, acting: &Principal, holder: &Holder) -> Result<(), CatalogError> {
    match holder {
        Holder::Role(role) if acting.is_user() && names.book().is_immutable(role) => {
            Err(CatalogError::ImmutableRole { verb: "change the privileges of", role: role.to_string() })
        }
        _ => Ok(()),
    }
}

fn doing(verb: Verb) -> &'static str {
    match verb {
        Verb::Grant => "grant privilege to",
        Verb::Deny => "deny privilege to",
        Verb::Revoke { .. } => "revoke privilege from",
    }
}

fn scope_of(names: &Names, verb: Verb, holder: &Holder, scope: &ScopeName) -> Result<Scope, CatalogError> {
    Ok(match scope {
        ScopeName::All => Scope::All,
        ScopeName::Home => Scope::Home,
        ScopeName::Default => Scope::Default,
        ScopeName::Pattern(pattern) => Scope::Pattern(CompactString::from(pattern.to_ascii_lowercase())),
        ScopeName::Name(name) => match names.resolve(name) {
            Ok(target) => Scope::Named(target.database),
            Err(_) => {
                let holder = said(names, holder);
                return Err(CatalogError::PrivilegeDatabase { doing: doing(verb), holder, name: shown(name) });
            }
        },
        ScopeName::Alias(name) => match names.resolve(name).ok().and_then(|target| target.alias) {
            Some(alias) => Scope::Alias(alias),
            None => {
                let holder = said(names, holder);
                return Err(CatalogError::PrivilegeAlias { doing: doing(verb), holder, name: shown(name) });
            }
        },
    })
}

fn said(names: &Names, holder: &Holder) -> String {
    match holder {
        Holder::Role(role) => format!("role '{role}'"),
        Holder::User(id) => format!("user '{}'", names.book().user_by_id(*id).map_or("", |user| user.name.as_str())),
    }
}
