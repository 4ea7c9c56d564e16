//! The one way from a name to an open database: resolve, ask for the grant, open.

use std::sync::Arc;

use catalog::{Access, Database as Row, Grant, GraphRights, Names, Principal, Target, grant};
use types::{Code, Failure};

use crate::instance::Shared;
use crate::open_database::OpenDatabase;
use crate::sight;
use crate::source::Writes;
use crate::transaction::{Did, OpenTransaction};

/// A database that somebody may use.
#[derive(Clone)]
pub(crate) enum Reached {
    /// The catalog's own database, which has no graph.
    System,
    /// A graph, open.
    Graph {
        /// The open database.
        database: Arc<OpenDatabase>,
        /// What the catalog knows of it.
        row: Arc<Row>,
        /// What may be seen and changed in it.
        rights: Arc<GraphRights>,
    },
}

impl Reached {
    /// Lends the open database, where it is one with a graph.
    pub(crate) fn graph(&self) -> Option<&Arc<OpenDatabase>> {
        match self {
            Self::System => None,
            Self::Graph { database, .. } => Some(database),
        }
    }

    /// Lends what may be seen and changed, where it is one with a graph.
    pub(crate) fn rights(&self) -> Option<&Arc<GraphRights>> {
        match self {
            Self::System => None,
            Self::Graph { rights, .. } => Some(rights),
        }
    }

    /// Tells whether the catalog lets anybody write to it.
    pub(crate) fn writes(&self) -> Writes {
        match self {
            Self::Graph { row, .. } if row.access == catalog::DatabaseAccess::ReadOnly => Writes::ReadOnly,
            Self::System | Self::Graph { .. } => Writes::Allowed,
        }
    }
}

/// Gives what a grant lets its user see and change.
#[cfg(not(test))]
pub(crate) fn granted_rights(grant: &Grant) -> Arc<GraphRights> {
    Arc::clone(grant.rights())
}

/// As the real one, unless a test put other rights in their place.
#[cfg(test)]
pub(crate) fn granted_rights(grant: &Grant) -> Arc<GraphRights> {
    crate::sight::tests::RIGHTS.with_borrow(Clone::clone).unwrap_or_else(|| Arc::clone(grant.rights()))
}

impl Shared {
    /// Opens the database that was meant, if this principal may use it so.
    pub(crate) fn reach(
        &self,
        principal: &Principal,
        names: &Names,
        target: &Target,
        access: Access,
    ) -> Result<Reached, Failure> {
        self.reach_within(None, principal, names, target, access)
    }

    /// As [`Shared::reach`], in a transaction: one that uses the database already goes on with it while it is stopped.
    pub(crate) fn reach_within(
        &self,
        transaction: Option<&Arc<OpenTransaction>>,
        principal: &Principal,
        names: &Names,
        target: &Target,
        access: Access,
    ) -> Result<Reached, Failure> {
        let grant = grant(names, principal, target, access);
        let grant = grant.map_err(|error| Failure::from(error).about(target.name.as_str()))?;
        if grant.name().is_system() {
            return Ok(Reached::System);
        }
        let Some(row) = names.database(grant.database()) else {
            let text = format!("Database does not exist. Database name: '{}'.", grant.name());
            return Err(Failure::new(Code::DatabaseNotFound, text).about(grant.name().as_str()));
        };
        let rights = granted_rights(&grant);
        if access == Access::Write {
            sight::check_writes(&rights, catalog::access::known_name(names, principal, target).as_str())?;
        }
        let held = transaction.and_then(|transaction| transaction.enter().ok()?.held(row.id));
        if held.is_none() && names.is_staged() {
            // Its name may be one that only this transaction knows, and its files those of another database.
            transaction.map_or(Ok(()), |transaction| transaction.enter()?.mix(Did::Read))?;
        }
        let database = held.map_or_else(|| self.databases.open(row), Ok)?;
        Ok(Reached::Graph { database, row: Arc::clone(row), rights })
    }
}
