//! The demo's three statements: one database, all of them, two of them joined.

use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;

use bolt::Options;
use bolt::client::{Client, ClientError, ConnectOptions};
use types::{Clock, Map, SystemClock};

use crate::shell::{Format, Printer};

/// A statement with a sentence about it.
pub struct Shown {
    /// What it asks, for people.
    pub title: &'static str,
    /// The database in which it runs; none where the statement names its own.
    pub database: Option<&'static str>,
    /// The statement.
    pub text: &'static str,
}

/// What the demo shows.
pub const STATEMENTS: [Shown; 3] = [
    Shown {
        title: "One database: which airlines leave Newark late?",
        database: Some("ewr"),
        text: "MATCH (f:Flight)-[:OPERATED_BY]->(a:Airline)
WHERE NOT f.cancelled
RETURN a.name AS airline, count(f) AS flights, round(avg(f.departureDelayMinutes), 1) AS delayMinutes
ORDER BY delayMinutes DESC LIMIT 5",
    },
    Shown {
        title: "All three in one statement: who flies to Chicago, and how late?",
        database: None,
        text: "USE ewr MATCH (f:Flight)-[:TO]->(:Airport {code: 'ORD'})
RETURN 'ewr' AS database, count(f) AS flights, round(avg(f.departureDelayMinutes), 1) AS delayMinutes
UNION ALL
USE jfk MATCH (f:Flight)-[:TO]->(:Airport {code: 'ORD'})
RETURN 'jfk' AS database, count(f) AS flights, round(avg(f.departureDelayMinutes), 1) AS delayMinutes
UNION ALL
USE lga MATCH (f:Flight)-[:TO]->(:Airport {code: 'ORD'})
RETURN 'lga' AS database, count(f) AS flights, round(avg(f.departureDelayMinutes), 1) AS delayMinutes",
    },
    Shown {
        title: "Two joined: which planes left both Newark and Kennedy?",
        database: None,
        text: "MATCH (p:Plane) FROM DATABASE ewr
MATCH (q:Plane) FROM DATABASE jfk
WHERE p.tailNumber = q.tailNumber AND p.model IS NOT NULL
RETURN p.manufacturer AS manufacturer, p.model AS model, count(*) AS planes
ORDER BY planes DESC, model LIMIT 5",
    },
];

/// Why a statement could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The server refused it, or is gone.
    #[error("the statement failed")]
    Client(#[from] ClientError),
    /// The output is closed.
    #[error("cannot write the records")]
    Output(#[from] io::Error),
}

/// Runs the demo's statements on a server and prints each with its records and its time.
pub fn show_all(server: SocketAddr) -> Result<(), ShowError> {
    let mut client = Client::connect(server, &ConnectOptions::default())?;
    STATEMENTS.iter().try_for_each(|shown| show(&mut client, shown))
}

fn show(client: &mut Client, shown: &Shown) -> Result<(), ShowError> {
    let mut out = BufWriter::new(io::stdout().lock());
    let place = shown.database.map(|name| format!(" [{name}]")).unwrap_or_default();
    writeln!(out, "\n{}{place}\n", shown.title)?;
    for line in shown.text.lines() {
        writeln!(out, "  {line}")?;
    }
    writeln!(out)?;
    let started = SystemClock.now();
    let options = Options { database: shown.database.map(str::to_owned), ..Options::default() };
    let mut printer = Printer::new(Format::Table, out);
    let (columns, summary) = client.stream_named(shown.text, Map::new(), options, |columns, row| {
        // A closed output is told at the end.
        printer.record(columns, &row);
    })?;
    let took = SystemClock.now().saturating_duration_since(started);
    Ok(printer.end(&columns, &summary, took)?)
}
