//! The one way from a name to an open database: resolve, ask for the grant, open.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Instant;

use catalog::{Access, Database as Row, Grant, GraphRights, Limit, Names, Principal, Stage, Target, grant};
use compact_str::CompactString;
use rustc_hash::FxBuildHasher;
use types::{Code, DatabaseId, DatabaseName, Failure, SetBy};

use crate::admitting::bound;
use crate::databases::{Trust, gone};
use crate::instance::Shared;
use crate::limits::Bound;
use crate::open_database::OpenDatabase;
use crate::sight;
use crate::source::Writes;
use crate::transaction::{Did, OpenTransaction};
use crate::under_way::{End, Entry};

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
        /// The alias by which it was named, if it was: rights may hold under that alone.
        named: Option<DatabaseName>,
        /// By what else the statement names it; nothing stands for its own name.
        others: Vec<Option<DatabaseName>>,
        /// The alias by which it was named, where its user knows it by no other name.
        known: Option<DatabaseName>,
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

    /// Names it as its user knows it.
    pub(crate) fn name(&self) -> CompactString {
        match self {
            Self::System => DatabaseName::system().as_str().into(),
            Self::Graph { known: Some(known), .. } => known.as_str().into(),
            Self::Graph { database, known: None, .. } => database.name(),
        }
    }

    /// Tells by which names the statement means it; nothing stands for its own name.
    pub(crate) fn names(&self) -> Vec<Option<DatabaseName>> {
        match self {
            Self::Graph { named, others, .. } => [named].into_iter().chain(others).cloned().collect(),
            Self::System => Vec::new(),
        }
    }

    /// Has a statement mean it by these names too.
    pub(crate) fn also_named(mut self, names: &[Target]) -> Self {
        if let Self::Graph { named, others, .. } = &mut self {
            let aliases = names.iter().map(|target| &target.alias);
            others.extend(aliases.filter(|alias| *alias != named).cloned());
        }
        self
    }

    /// Lends the alias by which alone its user knows it, where he does.
    pub(crate) fn known(&self) -> Option<&DatabaseName> {
        match self {
            Self::Graph { known, .. } => known.as_ref(),
            Self::System => None,
        }
    }

    /// Has a failure name it as its user knows it.
    pub(crate) fn told(&self, failure: Failure) -> Failure {
        match self {
            Self::Graph { row, known: Some(known), .. } => failure.calling(row.name.as_str(), known.as_str()),
            Self::System | Self::Graph { known: None, .. } => failure,
        }
    }

    /// Gives what is different about a plan for those who see this of it, by this name.
    pub(crate) fn sight(&self) -> u64 {
        self.rights().map_or(0, |rights| sight_by(rights, self.known()))
    }

    /// Tells whether the catalog lets anybody write to it.
    pub(crate) fn writes(&self) -> Writes {
        match self {
            Self::Graph { row, .. } if row.access == catalog::DatabaseAccess::ReadOnly => Writes::ReadOnly,
            Self::System | Self::Graph { .. } => Writes::Allowed,
        }
    }
}

/// Fails where somebody may not commit any more what he wrote to `written`: he was shut out since he began, the database
/// was made read-only, or rights were taken. The one place where a commit asks, that of a batch too.
///
/// What is asked is whether he may under each name by which the statement that wrote means it.
pub(crate) fn check_commit(
    names: &Names,
    principal: &Principal,
    written: Option<(DatabaseId, &Reached)>,
) -> Result<(), Failure> {
    catalog::access::check_here(names, principal)?;
    let Some((id, written)) = written.filter(|(_, written)| written.graph().is_some()) else { return Ok(()) };
    let Some(row) = names.database(id) else { return Ok(()) };
    if row.access == catalog::DatabaseAccess::ReadOnly {
        Writes::ReadOnly.check(&written.name())?;
    }
    for alias in written.names() {
        let target = Target { database: row.id, name: row.name.clone(), alias };
        let rights = granted_rights(&grant(names, principal, &target, Access::Write)?);
        sight::check_writes(&rights, &written.name())?;
        if written.rights().is_some_and(|before| !before.amounts_to(&rights)) {
            let text = "The transaction cannot be committed: what its user may do was changed since its last statement. \
                        Run it again.";
            return Err(Failure::new(Code::TransactionConflict, text));
        }
    }
    Ok(())
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

/// Gives what is different about a plan for those who see this of a database, by this alias alone.
pub(crate) fn sight_by(rights: &GraphRights, known: Option<&DatabaseName>) -> u64 {
    // A plan names its database.
    rights.fingerprint() ^ known.map_or(0, |alias| FxBuildHasher.hash_one(alias.as_str()))
}

/// As [`sight_by`], of somebody who means a database so.
pub(crate) fn sight_of(names: &Names, principal: &Principal, target: &Target) -> Result<u64, Failure> {
    let grant = grant(names, principal, target, Access::Read)?;
    let known = catalog::access::known_name(names, principal, target);
    Ok(sight_by(&granted_rights(&grant), Some(known).filter(|known| **known != target.name)))
}

impl Shared {
    /// Gives a database, opening it if nobody did.
    pub(crate) fn open(&self, row: &Row) -> Result<Arc<OpenDatabase>, Failure> {
        let opened = self.databases.open(row, Trust::Usual, &|| self.is_there(row.id));
        opened.map_err(|failure| match failure.code() {
            // It was dropped since its name was looked up, and nothing has come into its place.
            Code::DatabaseUnavailable if !self.is_there(row.id) && self.catalog.resolve(row.name.as_str()).is_err() => {
                gone(&row.name)
            }
            _ => failure,
        })
    }

    /// Tells whether a database is there for everybody by now.
    pub(crate) fn is_there(&self, id: DatabaseId) -> bool {
        self.catalog.names().database(id).is_some_and(|row| row.stage == Stage::Ready)
    }

    /// Says of a statement that was interrupted what became of its database, where that is why.
    pub(crate) fn why_ended(&self, entry: &Entry, failure: Failure) -> Failure {
        if failure.code() != Code::TransactionTerminated {
            return failure;
        }
        match entry.ended() {
            None | Some(End::Asked) => failure,
            Some(End::Overdue) => self.time_refused(entry),
            Some(End::Database(why)) => entry.told(why),
        }
    }

    /// Says that a statement takes longer than its databases let it by now.
    fn time_refused(&self, entry: &Entry) -> Failure {
        let (bound, begun) = self.time_of(entry).unwrap_or_else(|| {
            let database = entry.shown_database(&self.catalog.names());
            (Bound { max: 0, database, set_by: SetBy::Database }, entry.begun_at)
        });
        bound.time_refused(self.options.clock.now().saturating_duration_since(begun))
    }

    /// Tells how long the statement that runs may take as its databases and roles say by now, and when it came; nothing where
    /// none of them bounds it. What the server says is the same as when it began.
    pub(crate) fn time_of(&self, entry: &Entry) -> Option<(Bound, Instant)> {
        let (databases, since) = entry.bounded_by()?;
        let names = self.catalog.names();
        let roles = names.limits_of(&entry.acting);
        let of = |id: &DatabaseId| {
            let row = names.database(*id).filter(|row| !row.name.is_system())?;
            let told =
                || catalog::access::told_name(&names, &entry.acting, *id, None).unwrap_or_else(|| row.name.clone());
            let name = if *id == entry.database { entry.shown_database(&names) } else { told().as_str().into() };
            let bound = bound(Limit::MaxQueryTime, &*self.meters.find(*id)?, &name, roles.as_deref());
            bound.filter(|bound| bound.set_by != SetBy::Server)
        };
        let strictest = databases.iter().filter_map(of).min_by_key(|bound| bound.max)?;
        Some((strictest, since))
    }

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
        let known = catalog::access::known_name(names, principal, target);
        if access == Access::Write {
            sight::check_writes(&rights, known.as_str())?;
        }
        let held = transaction.and_then(|transaction| transaction.enter().ok()?.held(row.id));
        if held.is_none() && names.is_staged() {
            // Its name may be one that only this transaction knows, and its files those of another database.
            transaction.map_or(Ok(()), |transaction| transaction.enter()?.mix(Did::Read))?;
        }
        let opened = held.map_or_else(|| self.open(row), Ok);
        let database = opened.map_err(|failure| failure.calling(target.name.as_str(), known.as_str()))?;
        let known = (*known != target.name).then(|| known.clone());
        let named = target.alias.clone();
        Ok(Reached::Graph { database, row: Arc::clone(row), rights, named, others: Vec::new(), known })
    }
}
