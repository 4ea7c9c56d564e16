//! Requests to bytes, for clients.

use types::Map;

use super::{AuthToken, Demand, Filter, Hello, Mode, Options, Request, Route, signature};
use crate::frame;
use crate::packstream::{PackError, Packer};
use crate::response::Entries;
use crate::version::Dialect;

impl Request {
    /// Appends the message with its chunks to `out`. On an error `out` is as before.
    pub fn write(&self, out: &mut Vec<u8>, dialect: Dialect) -> Result<(), PackError> {
        let start = frame::open(out);
        let written = self.write_body(&mut Packer::new(out, dialect));
        match written {
            Ok(()) => frame::close(out, start),
            Err(_) => out.truncate(start),
        }
        written
    }

    fn write_body(&self, packer: &mut Packer<'_>) -> Result<(), PackError> {
        match self {
            Self::Hello(hello) => {
                packer.structure(1, signature::HELLO);
                write_map(packer, |entries| write_hello(entries, hello))
            }
            Self::Logon(auth) => {
                packer.structure(1, signature::LOGON);
                write_map(packer, |entries| write_auth(entries, auth))
            }
            Self::Logoff => empty(packer, signature::LOGOFF),
            Self::Telemetry { api } => {
                packer.structure(1, signature::TELEMETRY);
                packer.integer(*api);
                Ok(())
            }
            Self::Goodbye => empty(packer, signature::GOODBYE),
            Self::Reset => empty(packer, signature::RESET),
            Self::Run(run) => {
                packer.structure(3, signature::RUN);
                packer.string(&run.text)?;
                packer.map(&run.parameters)?;
                write_map(packer, |entries| write_options(entries, &run.options))
            }
            Self::Begin(options) => {
                packer.structure(1, signature::BEGIN);
                write_map(packer, |entries| write_options(entries, options))
            }
            Self::Pull(demand) => write_demand(packer, signature::PULL, *demand),
            Self::Discard(demand) => write_demand(packer, signature::DISCARD, *demand),
            Self::Commit => empty(packer, signature::COMMIT),
            Self::Rollback => empty(packer, signature::ROLLBACK),
            Self::Route(route) => write_route(packer, route),
        }
    }
}

fn empty(packer: &mut Packer<'_>, signature: u8) -> Result<(), PackError> {
    packer.structure(0, signature);
    Ok(())
}

fn write_map(
    packer: &mut Packer<'_>,
    fill: impl FnOnce(&mut Entries<'_>) -> Result<(), PackError>,
) -> Result<(), PackError> {
    let dialect = packer.dialect();
    let mut entries = Entries::begin(packer.out(), dialect);
    fill(&mut entries)?;
    entries.end()
}

fn write_hello(entries: &mut Entries<'_>, hello: &Hello) -> Result<(), PackError> {
    optional(entries, "user_agent", hello.user_agent.as_deref())?;
    optional_map(entries, "routing", hello.routing.as_ref())?;
    optional_map(entries, "bolt_agent", hello.bolt_agent.as_ref())?;
    if !hello.patches.is_empty() {
        entries.strings("patch_bolt", &hello.patches)?;
    }
    write_filter(entries, &hello.filter)?;
    match &hello.auth {
        Some(auth) => write_auth(entries, auth),
        None => Ok(()),
    }
}

fn write_auth(entries: &mut Entries<'_>, auth: &AuthToken) -> Result<(), PackError> {
    entries.string("scheme", &auth.scheme)?;
    optional(entries, "principal", auth.principal.as_deref())?;
    optional(entries, "credentials", auth.credentials.as_deref())?;
    optional(entries, "realm", auth.realm.as_deref())
}

fn write_options(entries: &mut Entries<'_>, options: &Options) -> Result<(), PackError> {
    optional(entries, "db", options.database.as_deref())?;
    optional(entries, "imp_user", options.impersonated_user.as_deref())?;
    if options.mode == Mode::Read {
        entries.string("mode", "r")?;
    }
    if !options.bookmarks.is_empty() {
        entries.strings("bookmarks", &options.bookmarks)?;
    }
    if let Some(timeout) = options.timeout {
        entries.integer("tx_timeout", i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX))?;
    }
    if !options.metadata.is_empty() {
        entries.map("tx_metadata", &options.metadata)?;
    }
    write_filter(entries, &options.filter)
}

fn write_filter(entries: &mut Entries<'_>, filter: &Filter) -> Result<(), PackError> {
    optional(entries, "notifications_minimum_severity", filter.minimum_severity.as_deref())?;
    match &filter.disabled_categories {
        Some(categories) => entries.strings("notifications_disabled_categories", categories),
        None => Ok(()),
    }
}

fn write_demand(packer: &mut Packer<'_>, signature: u8, demand: Demand) -> Result<(), PackError> {
    packer.structure(1, signature);
    write_map(packer, |entries| {
        entries.integer("n", demand.rows.map_or(-1, |rows| i64::try_from(rows).unwrap_or(i64::MAX)))?;
        match demand.result {
            Some(result) => entries.integer("qid", i64::try_from(result).unwrap_or(i64::MAX)),
            None => Ok(()),
        }
    })
}

fn write_route(packer: &mut Packer<'_>, route: &Route) -> Result<(), PackError> {
    packer.structure(3, signature::ROUTE);
    packer.map(&route.routing)?;
    packer.list_header(route.bookmarks.len())?;
    route.bookmarks.iter().try_for_each(|bookmark| packer.string(bookmark))?;
    write_map(packer, |entries| {
        optional(entries, "db", route.database.as_deref())?;
        optional(entries, "imp_user", route.impersonated_user.as_deref())
    })
}

fn optional(entries: &mut Entries<'_>, key: &str, text: Option<&str>) -> Result<(), PackError> {
    text.map_or(Ok(()), |text| entries.string(key, text))
}

fn optional_map(entries: &mut Entries<'_>, key: &str, map: Option<&Map>) -> Result<(), PackError> {
    map.map_or(Ok(()), |map| entries.map(key, map))
}
