//! The way back in for who holds the data folder and lost the password of the last admin.

use compact_str::CompactString;
use types::privilege::Place;

use crate::rights::privilege::Privilege;
use crate::rights::{ADMIN_ROLE, Holder, PUBLIC, RightsStep, User};
use crate::users::{check_name, hash, new_user};
use crate::{Catalog, CatalogError};

/// What it took to make somebody an admin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Whether the user had to be made.
    pub is_new: bool,
    /// Roles that he had and has no more, for they denied him something.
    pub roles_taken: Vec<CompactString>,
    /// How many denials were taken back: of the user himself, and of roles by their names.
    pub lifted: Vec<(Option<CompactString>, usize)>,
}

impl Catalog {
    /// Makes somebody an admin who can log in with this password, whatever was done to him or to his roles before.
    ///
    /// The user is made if he is not there, let in if he was kept out, and given the role `admin`. What denied him or that
    /// role anything is taken back; other roles that deny something he has no more, and they stay as they are for others.
    /// Everybody has `PUBLIC`: what that denies on the server is taken back, so that he can take back the rest.
    /// Asks nobody: it is for tools that work on the data folder while no server runs.
    pub fn recover_admin(&self, user: &str, password: &str) -> Result<Recovered, CatalogError> {
        check_name(user)?;
        let password_hash = hash(password)?;
        self.change_rights("rights.recover", |names, now| {
            let found = names.user(user).map(|found| User::clone(found));
            let mut recovered = Recovered { is_new: found.is_none(), ..Recovered::default() };
            let mut next = found.unwrap_or_else(|| new_user(user, now));
            next.password_hash.clone_from(&password_hash);
            (next.change_required, next.suspended) = (false, false);
            let denied = |holder: &Holder| {
                let denied = names.privileges_of(holder).filter(|privilege| privilege.denied);
                denied.cloned().collect::<Vec<Privilege>>()
            };
            let denies = |role: &CompactString| role != ADMIN_ROLE && !denied(&Holder::Role(role.clone())).is_empty();
            recovered.roles_taken = next.roles.iter().filter(|role| denies(role)).cloned().collect();
            next.roles.retain(|role| !recovered.roles_taken.contains(role));
            next.roles.insert(ADMIN_ROLE.into());
            let mut steps = vec![RightsStep::User(next.clone())];
            for (role, holder) in [
                (None, Holder::User(next.id)),
                (Some(ADMIN_ROLE), Holder::Role(ADMIN_ROLE.into())),
                (Some(PUBLIC), Holder::Role(PUBLIC.into())),
            ] {
                let mut lifted = denied(&holder);
                lifted.retain(|privilege| role != Some(PUBLIC) || privilege.act.row().place == Place::Dbms);
                if !lifted.is_empty() {
                    recovered.lifted.push((role.map(CompactString::from), lifted.len()));
                }
                let gone = |privilege| RightsStep::PrivilegeGone(holder.clone(), privilege);
                steps.extend(lifted.into_iter().map(gone));
            }
            Ok((steps, recovered))
        })
    }
}
