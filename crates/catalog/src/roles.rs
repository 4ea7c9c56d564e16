//! Roles: made, renamed and dropped, given to users and taken from them.
//! Leaves their privileges to `privileges`.
//! Start reading at [`Catalog::create_role`].

use types::CompactString;

use crate::rights::privilege::Privilege;
use crate::rights::{BUILT_IN, Holder, PUBLIC, RightsStep, Role, User};
use crate::users::{IfMissing, IfThere, NAME_MAX_BYTES, shown};
use crate::{Action, Catalog, CatalogError, Limits, Names, Principal, access};

/// What is known of a role before it is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewRole<'a> {
    /// The role whose privileges it gets.
    pub copy_of: Option<&'a str>,
    /// Whether it and its privileges can be changed only while authentication is off.
    pub immutable: bool,
}

impl Catalog {
    /// Makes a role, with the privileges and limits of another if one is named; tells whether there was anything to do.
    pub fn create_role(
        &self,
        acting: &Principal,
        name: &str,
        new: NewRole<'_>,
        if_there: IfThere,
    ) -> Result<bool, CatalogError> {
        check_name(name)?;
        let NewRole { copy_of, immutable } = new;
        if immutable && acting.is_user() {
            return Err(CatalogError::ImmutableRole { verb: "create", role: name.into() });
        }
        self.change_rights("rights.create_role", |names, now| {
            let book = names.book();
            let (mut steps, mut kept) = (Vec::new(), None);
            if name == PUBLIC {
                return Err(CatalogError::RoleReserved { verb: "create", role: name.into() });
            }
            if book.has_role(name) {
                match if_there {
                    IfThere::Fail => return Err(CatalogError::RoleExists { role: name.into() }),
                    IfThere::Keep => return Ok((Vec::new(), false)),
                    IfThere::Replace => {
                        check_mutable(names, acting, name, "replace")?;
                        steps = gone(names, name, "replace")?;
                        check_held(names, acting, name)?;
                        // Who may not set limits cannot take them away by this either.
                        let may_limit = access::allow(names, acting, &Action::SetLimit).is_ok();
                        kept = book.limits_of(name).filter(|_| !may_limit);
                    }
                }
            }
            steps.push(RightsStep::Role(Role { name: name.into(), created_nanos: now, immutable }));
            if let Some(other) = copy_of {
                if !book.has_role(other) {
                    return Err(CatalogError::RoleCopied { role: shown(other) });
                }
                kept = kept.or_else(|| book.limits_of(other));
                let other = Holder::Role(other.into());
                // Who logs in gives nothing that he could not take back.
                let immutable = |own: &Privilege| own.immutable && !acting.is_user();
                let copied =
                    book.privileges_of(&other).map(|own| Privilege { immutable: immutable(own), ..own.clone() });
                steps.extend(copied.map(|privilege| RightsStep::Privilege(Holder::Role(name.into()), privilege)));
            }
            steps.extend(kept.map(|limits| RightsStep::RoleLimits(name.into(), Limits::clone(limits))));
            Ok((steps, true))
        })
    }

    /// Gives a role a new name; whoever has it keeps it.
    pub fn rename_role(
        &self,
        acting: &Principal,
        name: &str,
        to: &str,
        if_missing: IfMissing,
    ) -> Result<bool, CatalogError> {
        check_name(to)?;
        self.change_rights("rights.rename_role", |names, now| {
            let book = names.book();
            check_mutable(names, acting, name, "rename")?;
            let Some(steps) = found(names, name, "rename", if_missing)?.then(|| gone(names, name, "rename")) else {
                return Ok((Vec::new(), false));
            };
            if book.has_role(to) {
                return Err(CatalogError::HolderTaken { what: "role", from: shown(name), to: to.to_owned() });
            }
            let mut steps = steps?;
            let (old, new) = (Holder::Role(name.into()), Holder::Role(to.into()));
            steps.push(RightsStep::Role(Role {
                name: to.into(),
                created_nanos: now,
                immutable: book.is_immutable(name),
            }));
            let privileges = book.privileges_of(&old).cloned();
            steps.extend(privileges.map(|privilege| RightsStep::Privilege(new.clone(), privilege)));
            if let Some(limits) = book.limits_of(name) {
                steps.push(RightsStep::RoleLimits(to.into(), Limits::clone(limits)));
            }
            for user in having(names, name) {
                let mut next = User::clone(user);
                next.roles.remove(name);
                next.roles.insert(to.into());
                steps.push(RightsStep::User(next));
            }
            Ok((steps, true))
        })
    }

    /// Drops a role with its privileges; nobody has it then.
    pub fn drop_role(&self, acting: &Principal, name: &str, if_missing: IfMissing) -> Result<bool, CatalogError> {
        self.change_rights("rights.drop_role", |names, _| {
            check_mutable(names, acting, name, "delete")?;
            match found(names, name, "delete", if_missing)? {
                true => {
                    let steps = gone(names, name, "delete")?;
                    check_held(names, acting, name)?;
                    Ok((steps, true))
                }
                false => Ok((Vec::new(), false)),
            }
        })
    }

    /// Gives roles to users; counts the users and roles for which that was new.
    pub fn grant_roles(&self, roles: &[String], users: &[String]) -> Result<u64, CatalogError> {
        let missing =
            |what, user: &str, role: &str| CatalogError::RoleNotGranted { what, role: shown(role), user: shown(user) };
        self.change_rights("rights.grant_role", |names, _| {
            change_roles(names, roles, users, missing, |user, role| role != PUBLIC && user.roles.insert(role.into()))
        })
    }

    /// Takes roles from users; counts the users and roles for which there was something to take.
    pub fn revoke_roles(&self, roles: &[String], users: &[String]) -> Result<u64, CatalogError> {
        let missing =
            |what, user: &str, role: &str| CatalogError::RoleNotRevoked { what, role: shown(role), user: shown(user) };
        self.change_rights("rights.revoke_role", |names, _| {
            if roles.iter().any(|role| role == PUBLIC) {
                return Err(CatalogError::RoleReserved { verb: "revoke", role: PUBLIC.into() });
            }
            change_roles(names, roles, users, missing, |user, role| user.roles.remove(role))
        })
    }
}

impl Names {
    /// Names every role in order, the built-in ones among them.
    #[must_use]
    pub fn roles(&self) -> Vec<CompactString> {
        self.book().role_names().into_iter().collect()
    }

    /// Tells whether a role is there from the start, and stays as it is.
    #[must_use]
    pub fn is_built_in(&self, role: &str) -> bool {
        BUILT_IN.contains(&role)
    }

    /// Tells whether a role and its privileges can be changed only while authentication is off, or never.
    #[must_use]
    pub fn is_immutable(&self, role: &str) -> bool {
        self.is_built_in(role) || self.book().is_immutable(role)
    }
}

/// Refuses to change an immutable role while people log in.
fn check_mutable(names: &Names, acting: &Principal, role: &str, verb: &'static str) -> Result<(), CatalogError> {
    if acting.is_user() && names.book().is_immutable(role) {
        return Err(CatalogError::ImmutableRole { verb, role: role.into() });
    }
    Ok(())
}

/// Refuses to drop what a role has, while people log in, where that includes what is immutable.
fn check_held(names: &Names, acting: &Principal, role: &str) -> Result<(), CatalogError> {
    let role = Holder::Role(role.into());
    let mut held = names.book().privileges_of(&role);
    if acting.is_user() && held.any(|privilege| privilege.immutable) {
        return Err(CatalogError::Immutable);
    }
    Ok(())
}

/// Changes the roles of users one by one; counts what changed.
fn change_roles(
    names: &Names,
    roles: &[String],
    users: &[String],
    missing: impl Fn(&'static str, &str, &str) -> CatalogError,
    change: impl Fn(&mut User, &str) -> bool,
) -> Result<(Vec<RightsStep>, u64), CatalogError> {
    let (mut steps, mut count) = (Vec::new(), 0);
    for name in users {
        let mut next: Option<User> = None;
        for role in roles {
            if !names.book().has_role(role) {
                return Err(missing("Role", name, role));
            }
            let user = names.user(name).ok_or_else(|| missing("User", name, role))?;
            count += u64::from(change(next.get_or_insert_with(|| User::clone(user)), role));
        }
        steps.extend(next.map(RightsStep::User));
    }
    Ok(if count == 0 { (Vec::new(), 0) } else { (steps, count) })
}

fn having<'n>(names: &'n Names, role: &str) -> impl Iterator<Item = &'n std::sync::Arc<User>> {
    names.users().filter(move |user| user.roles.contains(role))
}

/// Lists the steps that drop a role, which everybody who has it loses.
fn gone(names: &Names, role: &str, verb: &'static str) -> Result<Vec<RightsStep>, CatalogError> {
    if BUILT_IN.contains(&role) {
        return Err(CatalogError::RoleReserved { verb, role: role.into() });
    }
    let mut steps = names.book().forget_holder(&Holder::Role(role.into()));
    for user in having(names, role) {
        let mut next = User::clone(user);
        next.roles.remove(role);
        steps.push(RightsStep::User(next));
    }
    if names.book().limits_of(role).is_some() {
        steps.push(RightsStep::RoleLimits(role.into(), Limits::default()));
    }
    steps.push(RightsStep::RoleGone(role.into()));
    Ok(steps)
}

fn found(names: &Names, role: &str, verb: &'static str, if_missing: IfMissing) -> Result<bool, CatalogError> {
    match (names.book().has_role(role), if_missing) {
        (true, _) => Ok(true),
        (false, IfMissing::Skip) => Ok(false),
        (false, IfMissing::Fail) => Err(CatalogError::RoleMissing { verb, role: shown(role) }),
    }
}

fn check_name(name: &str) -> Result<(), CatalogError> {
    if name.is_empty() || name.len() > NAME_MAX_BYTES {
        return Err(CatalogError::NameLength { what: "role name" });
    }
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        return Ok(());
    }
    Err(CatalogError::RoleName { name: shown(name) })
}
