//! The way back in for who holds the data folder and lost the password of the last admin.

use crate::rights::{ADMIN_ROLE, Holder, RightsStep, User};
use crate::users::{check_name, hash, new_user};
use crate::{Catalog, CatalogError};

impl Catalog {
    /// Makes somebody an admin who can log in with this password, whatever was done to him or to the role before.
    ///
    /// The user is made if he is not there, let in if he was kept out, and given the role. What denied the role anything
    /// is taken back. Asks nobody: it is for tools that work on the data folder while no server runs. Tells whether the
    /// user had to be made.
    pub fn recover_admin(&self, user: &str, password: &str) -> Result<bool, CatalogError> {
        check_name(user)?;
        let password_hash = hash(password)?;
        self.change_rights("rights.recover", |names, now| {
            let found = names.user(user).map(|found| User::clone(found));
            let is_new = found.is_none();
            let mut next = found.unwrap_or_else(|| new_user(user, now));
            next.password_hash.clone_from(&password_hash);
            (next.change_required, next.suspended) = (false, false);
            next.roles.insert(ADMIN_ROLE.into());
            let mut steps = vec![RightsStep::User(next.clone())];
            for holder in [Holder::Role(ADMIN_ROLE.into()), Holder::User(next.id)] {
                let denied = names.privileges_of(&holder).filter(|privilege| privilege.denied).cloned();
                steps.extend(denied.map(|privilege| RightsStep::PrivilegeGone(holder.clone(), privilege)));
            }
            Ok((steps, is_new))
        })
    }
}
