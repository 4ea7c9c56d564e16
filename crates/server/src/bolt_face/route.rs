//! ROUTE: the one server that there is.

use bolt::Route;
use types::{Failure, Value};

use super::machine::{Machine, pack_failure};

impl Machine {
    /// Answers with this server in every role.
    pub(super) fn route(&mut self, route: &Route) -> Result<(), Failure> {
        let (asked, user) = (route.database.as_deref(), route.impersonated_user.as_deref());
        let found = self.session_mut().resolve_as(asked, user)?;
        // Drivers look the answer up by the name that they asked with, in their own spelling.
        let database = asked.map_or(found, str::to_owned);
        let address = self.address_for(route);
        let ttl = i64::try_from(self.config.routing_ttl.as_secs()).unwrap_or(i64::MAX);
        let servers = Value::list(["ROUTE", "READ", "WRITE"].map(|role| server(&address, role)).to_vec());
        self.outbox
            .success(|map| {
                map.nested("rt", |table| {
                    table.integer("ttl", ttl)?;
                    table.string("db", &database)?;
                    table.value("servers", &servers)
                })
            })
            .map_err(pack_failure)
    }

    /// The advertised address, or the one that the client used: behind a proxy or in a container only the client
    /// knows it.
    fn address_for(&self, route: &Route) -> String {
        match (&self.config.bolt_advertised, route.routing.get("address")) {
            (Some(advertised), _) => advertised.clone(),
            (None, Some(Value::String(used))) => used.to_string(),
            (None, _) => self.place.local.to_string(),
        }
    }
}

fn server(address: &str, role: &str) -> Value {
    let entries = [("addresses", Value::list(vec![Value::string(address)])), ("role", Value::string(role))];
    Value::map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}
