//! The cases: what is asked of the server, and what must hold while it is asked.

use std::net::SocketAddr;
use std::time::Duration;

use bolt::client::{Client, ClientError};
use suite::process::{Process, parameters, run_in};
use tempfile::TempDir;
use types::{Map, Value};

use crate::load::Load;
use crate::table::{Row, mebibytes, time};
use crate::{BenchError, Settings, catalog, copies, import, neighbours, tenants};

/// One case.
pub struct Case {
    /// By which it is chosen.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// Measures.
    pub run: fn(&Target, &Settings) -> Result<Vec<Row>, BenchError>,
}

/// Every case.
pub const ALL: [Case; 10] = [
    Case {
        name: "copies",
        about: "backup, restore and clone of a database, against the disk's copy",
        run: copies::run,
    },
    Case { name: "import", about: "files of people and whom they know, into a new database", run: import::run },
    Case { name: "lookup", about: "one node by an indexed property, against the bare round trip", run: lookup },
    Case { name: "batches", about: "UNWIND $rows CREATE, 1,000 rows a statement", run: batches },
    Case { name: "writes", about: "one node a statement, on disk before the answer", run: writes },
    Case { name: "counter", about: "32 clients increment one number; none may be lost", run: counter },
    Case {
        name: "neighbours",
        about: "reads in one database while another is written as fast as it goes",
        run: neighbours::run,
    },
    Case {
        name: "fairness",
        about: "point reads in one database beside heavy statements in another",
        run: neighbours::fairness,
    },
    Case { name: "catalog", about: "ten thousand databases: listed, found, and started with", run: catalog::run },
    Case { name: "tenants", about: "many databases: made, filled, and asked after a restart", run: tenants::run },
];

/// The server under load.
pub enum Target {
    /// One that was there before.
    Given(SocketAddr),
    /// Our own, with data that is thrown away.
    Own {
        /// The process.
        process: Box<Process>,
        /// Where its data lies.
        folder: TempDir,
    },
}

impl Target {
    /// Takes the given server, or starts one with no data.
    pub fn open(settings: &Settings) -> Result<Self, BenchError> {
        if let Some(address) = settings.server {
            return Ok(Self::Given(address));
        }
        let folder = tempfile::tempdir()?;
        let process = Box::new(Process::start(&folder.path().join("data"), [("", ""); 0])?);
        Ok(Self::Own { process, folder })
    }

    /// Gives the address of Bolt.
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Given(address) => *address,
            Self::Own { process, .. } => process.bolt,
        }
    }

    /// Opens a connection.
    pub fn connect(&self) -> Result<Client, ClientError> {
        Client::connect(self.address(), &Default::default())
    }

    fn memory(&self) -> Result<Option<Row>, BenchError> {
        match self {
            Self::Given(_) => Ok(None),
            Self::Own { process, .. } => {
                let value = mebibytes(process.resident_bytes()?);
                Ok(Some(Row::fact("memory of the server", value)))
            }
        }
    }
}

/// Makes the database `name` anew.
pub fn fresh(client: &mut Client, name: &str) -> Result<(), ClientError> {
    for text in [format!("DROP DATABASE {name} IF EXISTS WAIT"), format!("CREATE DATABASE {name} WAIT")] {
        run_in(client, "system", &text, Map::new())?;
    }
    Ok(())
}

pub(crate) fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Makes a database of people with an index on their number.
pub(crate) fn people(client: &mut Client, database: &str, nodes: u64) -> Result<(), ClientError> {
    fresh(client, database)?;
    run_in(client, database, "CREATE INDEX FOR (p:Person) ON (p.number)", Map::new())?;
    let text = "UNWIND range($first, $last) AS number CREATE (:Person {number: number, name: 'Person ' + number})";
    for first in (0..nodes).step_by(10_000) {
        let last = (first + 10_000).min(nodes) - 1;
        run_in(client, database, text, parameters([("first", integer(first)), ("last", integer(last))]))?;
    }
    Ok(())
}

/// Gives numbers that jump about, so that neighbours in time are none in the index.
pub fn anywhere(client: u64, step: u64, end: u64) -> u64 {
    (client * 7_919 + step).wrapping_mul(0x9E37_79B9_7F4A_7C15) % end.max(1)
}

pub(crate) const LOOKUP: &str = "MATCH (p:Person {number: $number}) RETURN p.name";

fn lookup(target: &Target, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    let nodes = settings.nodes;
    people(&mut target.connect()?, "people", nodes)?;
    let (mut rows, mut medians) = (Vec::new(), Vec::new());
    for clients in [1, 8, 32] {
        for (what, text) in [("RETURN 1", "RETURN 1"), ("lookup", LOOKUP)] {
            let parameters = &|client, step| match text {
                LOOKUP => parameters([("number", integer(anywhere(client, step, nodes)))]),
                _ => Map::new(),
            };
            let load = Load {
                clients,
                time: settings.time(),
                every: Duration::ZERO,
                database: Some("people"),
                text,
                parameters,
                apart: false,
            };
            let measured = load.run(target.address())?;
            medians.push(measured.median);
            rows.push(Row::Load { what: what.to_owned(), clients, measured, times: 1 });
        }
    }
    // The first two are those of one client.
    rows.push(Row::fact("lookup beyond RETURN 1, one client", time(medians[1].saturating_sub(medians[0]))));
    rows.extend(target.memory()?);
    Ok(rows)
}

fn batches(target: &Target, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    const ROWS: u64 = 1_000;
    let text = "UNWIND $rows AS row CREATE (:Person {number: row.number, name: row.name})";
    let mut rows = Vec::new();
    for (what, index) in [("rows", false), ("rows, with an index", true)] {
        let mut client = target.connect()?;
        fresh(&mut client, "people")?;
        if index {
            run_in(&mut client, "people", "CREATE INDEX FOR (p:Person) ON (p.number)", Map::new())?;
        }
        let parameters = &|client, step| {
            let row = |number| {
                let number = (client * 1_000_000 + step) * ROWS + number;
                let name = Value::string(format!("Person {number}"));
                Value::map(parameters([("number", integer(number)), ("name", name)]))
            };
            parameters([("rows", Value::list((0..ROWS).map(row).collect()))])
        };
        let load = Load {
            clients: 1,
            time: settings.time(),
            every: Duration::ZERO,
            database: Some("people"),
            text,
            parameters,
            apart: false,
        };
        let measured = load.run(target.address())?;
        must_count(&mut client, "people", "MATCH (p:Person) RETURN count(p)", measured.count * ROWS)?;
        rows.push(Row::Load { what: what.to_owned(), clients: 1, measured, times: ROWS });
    }
    rows.extend(target.memory()?);
    Ok(rows)
}

fn writes(target: &Target, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    let text = "CREATE (:Event {client: $client, step: $step})";
    let (mut rows, mut speeds) = (Vec::new(), Vec::new());
    for clients in [1, 32] {
        let mut client = target.connect()?;
        fresh(&mut client, "events")?;
        let parameters = &|client, step| parameters([("client", integer(client)), ("step", integer(step))]);
        let load = Load {
            clients,
            time: settings.time(),
            every: Duration::ZERO,
            database: Some("events"),
            text,
            parameters,
            apart: false,
        };
        let measured = load.run(target.address())?;
        must_count(&mut client, "events", "MATCH (e:Event) RETURN count(e)", measured.count)?;
        speeds.push(measured.per_second());
        rows.push(Row::Load { what: "writes".to_owned(), clients, measured, times: 1 });
    }
    rows.push(Row::fact("32 clients by one client", format!("{:.1}", speeds[1] / speeds[0].max(f64::EPSILON))));
    Ok(rows)
}

fn counter(target: &Target, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    let mut client = target.connect()?;
    fresh(&mut client, "counter")?;
    run_in(&mut client, "counter", "CREATE (:Counter {value: 0})", Map::new())?;
    let text = "MATCH (c:Counter) SET c.value = c.value + 1";
    let load = Load {
        clients: 32,
        time: settings.time(),
        every: Duration::ZERO,
        database: Some("counter"),
        text,
        parameters: &|_, _| Map::new(),
        apart: false,
    };
    let measured = load.run(target.address())?;
    must_count(&mut client, "counter", "MATCH (c:Counter) RETURN c.value", measured.count)?;
    Ok(vec![Row::Load { what: "increments".to_owned(), clients: 32, measured, times: 1 }])
}

/// Speed counts only if the numbers are right.
fn must_count(client: &mut Client, database: &str, text: &str, expected: u64) -> Result<(), BenchError> {
    match run_in(client, database, text, Map::new())?.first().and_then(|row| row.first()) {
        Some(Value::Integer(found)) if u64::try_from(*found) == Ok(expected) => Ok(()),
        other => Err(BenchError::Wrong(format!("{text}: {other:?} where {expected} were acknowledged"))),
    }
}
