//! Who may do what to which database: the one place that answers it.
//!
//! Only this crate can make a [`Principal`], and only [`grant`] a [`Grant`]. Who opens a database asks for a grant, so no
//! nesting of statements and no name made at run time goes round the question.

use std::sync::{Arc, LazyLock};

use types::{CompactString, DatabaseId, DatabaseName};

use crate::graph_rights::GraphRights;
use crate::{CatalogError, Names, Target};

/// What everybody has who may do everything: one for all, so that a grant costs no more than counting it.
static EVERYTHING: LazyLock<Arc<GraphRights>> = LazyLock::new(|| Arc::new(GraphRights::everything()));

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

/// What is to be done to the server, or to a database as a whole.
///
/// A name that stands in one is the database's own name as the catalog knows it, never an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make a database.
    CreateDatabase,
    /// Drop one.
    DropDatabase,
    /// Change what it is called, its options or which one is the default.
    AlterDatabase,
    /// Let it be written to, or not.
    SetDatabaseAccess,
    /// Start one.
    StartDatabase,
    /// Stop one.
    StopDatabase,
    /// Walk all of one.
    CheckDatabase,
    /// Copy one into a file, or a file into a new one.
    BackupDatabase,
    /// Make an alias.
    CreateAlias,
    /// Drop an alias.
    DropAlias,
    /// Change an alias.
    AlterAlias,
    /// List aliases.
    ShowAlias,
    /// Set or remove a limit.
    SetLimit,
    /// List limits and how much of them is used.
    ShowLimit,
    /// List what was recorded of who did what.
    ShowAudit,
    /// List somebody else's transactions.
    ShowTransactions,
    /// End somebody else's transactions.
    TerminateTransactions,
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
    rights: Arc<GraphRights>,
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

    /// Gives what may be seen and changed inside it.
    #[must_use]
    pub fn rights(&self) -> &Arc<GraphRights> {
        &self.rights
    }

    /// Tells whether it may be written to.
    #[must_use]
    pub fn may_write(&self) -> bool {
        self.access == Access::Write
    }
}

/// Answers whether somebody may use a database in this way.
pub fn grant(_names: &Names, principal: &Principal, target: &Target, access: Access) -> Result<Grant, CatalogError> {
    match principal.rights {
        Rights::Everything => {
            let rights = Arc::clone(&EVERYTHING);
            Ok(Grant { database: target.database, name: target.name.clone(), access, rights })
        }
        Rights::Nothing => Err(CatalogError::Forbidden { user: principal.name().unwrap_or_default().to_owned() }),
    }
}

/// Answers whether somebody may do this to the server.
pub fn allow(_names: &Names, principal: &Principal, _action: &Action) -> Result<(), CatalogError> {
    match principal.rights {
        Rights::Everything => Ok(()),
        Rights::Nothing => Err(CatalogError::Forbidden { user: principal.name().unwrap_or_default().to_owned() }),
    }
}
