//! Who may do what to which database: the one place that answers it.
//!
//! Only this crate can make a [`Principal`], and only [`grant`] a [`Grant`]. Who opens a database asks for a grant, so no
//! nesting of statements and no name made at run time goes round the question.

use types::{CompactString, DatabaseId, DatabaseName};

use crate::{CatalogError, Target};

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    name: Option<CompactString>,
    rights: Rights,
}

/// What a principal may do anywhere; rights on single databases will be looked up beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rights {
    Everything,
    Nothing,
}

/// What is to be done to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only looked at.
    Read,
    /// Changed too.
    Write,
}

/// The leave to use one database in one way; nobody else can make one.
///
/// ```compile_fail
/// let forged = catalog::Grant { database: types::DatabaseId([0; 16]), access: catalog::Access::Write };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    database: DatabaseId,
    name: DatabaseName,
    access: Access,
}

impl Principal {
    pub(crate) fn anonymous() -> Self {
        Self { name: None, rights: Rights::Everything }
    }

    pub(crate) fn user(name: &str, admin: bool) -> Self {
        let rights = if admin { Rights::Everything } else { Rights::Nothing };
        Self { name: Some(name.into()), rights }
    }

    /// Gives the user's name; none while authentication is off.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl Grant {
    /// Gives the database that may be used.
    #[must_use]
    pub fn database(&self) -> DatabaseId {
        self.database
    }

    /// Gives that database's own name.
    #[must_use]
    pub fn name(&self) -> &DatabaseName {
        &self.name
    }

    /// Tells in which way it may be used.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// Tells whether it may be written to.
    #[must_use]
    pub fn may_write(&self) -> bool {
        self.access == Access::Write
    }
}

/// Answers whether somebody may use a database in this way.
pub fn grant(principal: &Principal, target: &Target, access: Access) -> Result<Grant, CatalogError> {
    match principal.rights {
        Rights::Everything => Ok(Grant { database: target.database, name: target.name.clone(), access }),
        Rights::Nothing => Err(CatalogError::Forbidden { user: principal.name().unwrap_or_default().to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(principal: &Principal, expected: &str) {
        let name = DatabaseName::parse("films").expect("legal");
        let target = Target { database: DatabaseId([7; 16]), name, alias: None };
        for access in [Access::Read, Access::Write] {
            let got = match grant(principal, &target, access) {
                Ok(grant) => {
                    assert_eq!((grant.database(), grant.access()), (target.database, access));
                    format!("ok: {}", grant.name())
                }
                Err(error) => format!("{:?}: {error}", error.code()),
            };
            assert_eq!(got, expected);
        }
    }

    #[test]
    fn who_gets_a_grant() {
        check(&Principal::anonymous(), "ok: films");
        check(&Principal::user("admin", true), "ok: films");
        check(
            &Principal::user("eve", false),
            "Forbidden: Database access is not allowed for user 'eve' with roles [PUBLIC].",
        );
    }
}
