//! What those who watch a server ask it: its numbers, its health, and how much of a database's limits is left.
//! Leaves what is counted to `metrics` and `limits`.

use std::sync::Arc;
use std::time::Duration;

use catalog::{Access, Limit, RoleLimits, UserId};
use types::{Failure, Value};

use crate::admitting::Told;

use crate::instance::Shared;
use crate::limits::{Meter, effective, source_word};
use crate::usage::{Holdings, value_of};
use crate::{Instance, Session};

/// How a server and its databases are, without their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Databases that should run and have not failed, open or not.
    pub online: usize,
    /// Databases that were stopped.
    pub offline: usize,
    /// Databases that should run and cannot.
    pub failed: usize,
    /// Whether statements that name no database find one, and what exists can be changed.
    pub is_ready: bool,
    /// Whether everybody is let in, and may see everything.
    pub is_open: bool,
}

/// How much of one rate is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Statements that may come at once after a rest: a second's worth, unless a burst is set.
    pub limit: u64,
    /// Statements that would be let in now.
    pub remaining: u64,
    /// When all of them are there again.
    pub reset: Duration,
}

/// How much is left of the rates that a statement was counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charged {
    /// It was counted nowhere.
    #[default]
    Nowhere,
    /// None of its databases bounds its rate.
    Unbounded,
    /// So much is left, of several databases in the tightest.
    Bounded(Quota),
}

impl Charged {
    /// Takes the tighter of two.
    #[must_use]
    pub fn tighter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bounded(one), Self::Bounded(two)) => {
                let is_second = (two.remaining, two.limit) < (one.remaining, one.limit);
                Self::Bounded(if is_second { two } else { one })
            }
            (Self::Bounded(_), _) | (_, Self::Nowhere) => self,
            (Self::Nowhere | Self::Unbounded, _) => other,
        }
    }
}

/// What a session's latest statement was counted in.
#[derive(Default)]
pub(crate) struct Charges {
    meter: Option<Arc<Meter>>,
    /// All of them, where they are several.
    several: Vec<Arc<Meter>>,
    /// Who is counted by himself where a role bounds him, and what his roles say.
    of_role: Option<(Option<UserId>, Arc<RoleLimits>)>,
}

impl Charges {
    /// Keeps the databases that were asked to admit a statement.
    pub(crate) fn of(told: &mut Told, user: Option<UserId>, roles: Option<&Arc<RoleLimits>>) -> Self {
        let of_role = roles.map(|roles| (user, Arc::clone(roles)));
        Self { meter: told.meter.clone(), several: std::mem::take(&mut told.several), of_role }
    }

    /// Adds the database that counted a statement which did not get as far as to be admitted.
    pub(crate) fn counted_in(&mut self, meter: &Arc<Meter>) {
        self.meter = Some(Arc::clone(meter));
    }

    fn look(&self, shared: &Shared) -> Charged {
        let single = self.meter.as_ref().filter(|_| self.several.is_empty());
        let look = |meter: &Arc<Meter>| {
            quota(shared, meter, self.of_role.as_ref()).map_or(Charged::Unbounded, Charged::Bounded)
        };
        self.several.iter().chain(single).map(look).fold(Charged::Nowhere, Charged::tighter)
    }
}

/// How somebody stands with one database.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The database's own name.
    pub database: String,
    /// Who asked.
    pub user: String,
    /// Each limit that is set, for this user: its name, its value, what is used of it, and who set it.
    pub limits: Vec<(&'static str, Value, Option<u64>, &'static str)>,
    /// Sessions of this user that use the database.
    pub connections: u64,
    /// How much of the rate of statements is left.
    pub queries: Option<Quota>,
}

impl Instance {
    /// Writes every number of the server as text that Prometheus reads.
    #[must_use]
    pub fn metrics(&self) -> String {
        crate::metrics::text::write(&self.shared, self.shared.options.metrics_databases_max, &|_| true)
    }

    /// As [`Instance::metrics`], for somebody of whom nothing is known: databases are added up and have no names.
    #[must_use]
    pub fn metrics_in_total(&self) -> String {
        if self.shared.catalog.needs_password() {
            return crate::metrics::text::write(&self.shared, 0, &|_| false);
        }
        self.metrics()
    }

    /// Tells how the server and its databases are; opens none of them.
    #[must_use]
    pub fn health(&self) -> Health {
        let names = self.shared.catalog.names();
        let default = names.default_database().id;
        let mut health = Health { is_open: !self.shared.catalog.needs_password(), ..Health::default() };
        for row in names.databases().iter().filter(|row| !row.name.is_system()) {
            let is_online = row.requested == catalog::Requested::Online;
            // As listings look: a closed one may be damaged before anybody uses it.
            let has_failed = is_online && self.shared.glance(row).trouble().is_some();
            health.failed += usize::from(has_failed);
            health.online += usize::from(is_online && !has_failed);
            health.offline += usize::from(!is_online);
            health.is_ready |= row.id == default && is_online && !has_failed;
        }
        health.is_ready &= self.shared.catalog.takes_changes();
        health
    }

    /// Tells how much of a database's rate of statements is left; nothing where that is not bounded.
    #[must_use]
    pub fn quota(&self, database: &str) -> Option<Quota> {
        let names = self.shared.catalog.names();
        let target = names.resolve(database).ok()?;
        quota(&self.shared, &*self.shared.meters.find(target.database)?, None)
    }
}

fn quota(shared: &Shared, meter: &Meter, of_role: Option<&(Option<UserId>, Arc<RoleLimits>)>) -> Option<Quota> {
    let (pace, remaining) = meter.left(Limit::MaxQueriesPerSecond, of_role, shared.options.clock.now())?;
    let missing = pace.burst.saturating_sub(remaining);
    let reset = Duration::from_millis(missing.saturating_mul(1_000) / pace.per_second);
    Some(Quota { limit: pace.burst, remaining, reset })
}

impl Session {
    /// As [`Instance::metrics`], for who may see what is used, if only of one database: those of which he may not are
    /// added up.
    pub fn metrics(&self) -> Result<String, Failure> {
        let (shared, principal) = self.parts();
        let names = shared.catalog.names();
        let is_shown = |row: &catalog::Database| {
            catalog::access::allow_on(&names, principal, &catalog::Action::ShowLimit, &row.name).is_ok()
        };
        if !names.databases().iter().any(|row| !row.name.is_system() && is_shown(row)) {
            catalog::access::allow(&names, principal, &catalog::Action::ShowLimit)?;
        }
        let may_name = |id: types::DatabaseId| names.database(id).is_some_and(|row| is_shown(row));
        Ok(crate::metrics::text::write(shared, shared.options.metrics_databases_max, &may_name))
    }

    /// Tells how much is left of the rates that the latest statement was counted in.
    #[must_use]
    pub fn charged(&self) -> Charged {
        self.charges().look(self.parts().0)
    }

    /// Tells how this session's user stands with a database: the one that is named, or the session's own.
    ///
    /// # Errors
    ///
    /// As for using the database.
    pub fn standing(&mut self, database: Option<&str>) -> Result<Standing, Failure> {
        let name = self.resolve(database)?;
        let (shared, principal) = self.parts();
        let names = shared.catalog.names();
        let target = names.resolve(&name).map_err(Failure::from)?;
        catalog::grant(&names, principal, &target, Access::Read).map_err(Failure::from)?;
        let user = catalog::access::told_user(&names, principal).unwrap_or_default().to_owned();
        let database = catalog::access::known_name(&names, principal, &target).to_string();
        let mut standing = Standing { database, user, limits: Vec::new(), connections: 0, queries: None };
        let Some(row) = names.database(target.database).filter(|row| !row.name.is_system()) else {
            return Ok(standing);
        };
        let roles = names.limits_of(principal);
        let meter = shared.meters.find(row.id);
        standing.connections = meter.as_ref().map_or(0, |meter| meter.seating.count_of(principal.id()));
        let holdings = Holdings::of(shared, row);
        for limit in Limit::ALL {
            let (value, source) = effective(limit, &row.limits, roles.as_deref(), &shared.meters.defaults);
            if value == 0 {
                continue;
            }
            let used = match limit {
                Limit::MaxNodes => holdings.map(|held| held.nodes),
                Limit::MaxEdges => holdings.map(|held| held.relationships),
                Limit::MaxStorageBytes => holdings.map(|held| held.used_bytes),
                Limit::MaxConcurrentQueries => meter.as_ref().map(|meter| meter.running().0),
                Limit::MaxConnections => meter.as_ref().map(|meter| meter.seating.count().0),
                Limit::MaxConnectionsPerUser => Some(standing.connections),
                _ => None,
            };
            standing.limits.push((limit.about().name, value_of(limit, value), used, source_word(source.as_ref())));
        }
        let of_role = roles.map(|roles| (principal.id(), roles));
        standing.queries = meter.and_then(|meter| quota(shared, &meter, of_role.as_ref()));
        Ok(standing)
    }
}

/// Shortens what a refusal says to wait to what a header can carry: whole seconds, at least one.
#[must_use]
pub fn retry_after_seconds(failure: &Failure) -> Option<u64> {
    failure.retry_after().map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0)).map(|seconds| seconds.max(1))
}
