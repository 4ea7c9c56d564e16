//! Flights as a graph, the way an airline would draw it.
//!
//! ```text
//! (:Flight)-[:OPERATED_BY]->(:Airline)     (:Flight)-[:FROM]->(:Airport)
//! (:Flight)-[:FLOWN_WITH]->(:Plane)        (:Flight)-[:TO]->(:Airport)
//! ```

use std::collections::BTreeSet;

use compact_str::{CompactString, format_compact};
use rustc_hash::FxHashMap;
use types::temporal::ZoneId;
use types::{Crs, DateTime, Failure, KeyId, NodeId, Point, Value};

use super::data::{Airline, Airport, DataError, Flight, Plane, Tables};
use crate::import::Fill;

/// The zone of all three origins.
const ZONE: &str = "America/New_York";

/// One of the demo's databases: everything that leaves one airport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The database's name.
    pub database: &'static str,
    /// The airport's code.
    pub origin: &'static str,
}

/// The demo's databases.
pub const TENANTS: [Tenant; 3] = [
    Tenant { database: "ewr", origin: "EWR" },
    Tenant { database: "jfk", origin: "JFK" },
    Tenant { database: "lga", origin: "LGA" },
];

/// What is looked up by one property: label and property.
pub const INDEXES: [(&str, &str); 4] =
    [("Airline", "code"), ("Airport", "code"), ("Plane", "tailNumber"), ("Flight", "id")];

/// Why a tenant's graph cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file is damaged.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The zone database does not know New York, or a flight's time is none there.
    #[error("a flight's time cannot be told: {0}")]
    Time(#[from] types::temporal::TemporalError),
    /// The database refused.
    #[error("{0}")]
    Refused(#[from] Failure),
}

impl ModelError {
    /// Gives the public code of this failure.
    #[must_use]
    pub fn code(&self) -> types::Code {
        match self {
            Self::Data(error) => error.code(),
            Self::Time(error) => error.code(),
            Self::Refused(failure) => failure.code(),
        }
    }
}

/// Fills a tenant's database, always in the same order; it shares nothing with the others.
pub fn load(tenant: Tenant, tables: &Tables, fill: &mut dyn Fill) -> Result<(), ModelError> {
    let flights: Vec<_> = tables.flights.iter().filter(|flight| flight.origin == tenant.origin).collect();
    let airlines = add_airlines(tables, &flights, fill)?;
    let airports = add_airports(tables, &flights, fill)?;
    let planes = add_planes(tables, &flights, fill)?;
    let nodes = add_flights(&flights, fill)?;
    let operated_by = fill.kind("OPERATED_BY")?;
    let flown_with = fill.kind("FLOWN_WITH")?;
    let (from, to) = (fill.kind("FROM")?, fill.kind("TO")?);
    for (flight, node) in flights.iter().zip(nodes) {
        let plane = flight.tail_number.as_ref().and_then(|tail_number| planes.get(tail_number.as_str()));
        let ends = [
            (operated_by, airlines.get(flight.carrier.as_str())),
            (flown_with, plane),
            (from, airports.get(flight.origin.as_str())),
            (to, airports.get(flight.destination.as_str())),
        ];
        for (kind, end) in ends {
            if let Some(end) = end {
                fill.relationship(node, kind, *end, &[])?;
            }
        }
    }
    Ok(())
}

/// Nodes of one label by what names them.
type Nodes<'a> = FxHashMap<&'a str, NodeId>;

fn add_airlines<'a>(tables: &Tables, flights: &[&'a Flight], fill: &mut dyn Fill) -> Result<Nodes<'a>, ModelError> {
    let known: FxHashMap<_, _> = tables.airlines.iter().map(|airline| (airline.code.as_str(), airline)).collect();
    let used: BTreeSet<_> = flights.iter().map(|flight| flight.carrier.as_str()).collect();
    add_nodes(used, fill, |code| airline_node(code, known.get(code).copied()))
}

fn add_airports<'a>(tables: &Tables, flights: &[&'a Flight], fill: &mut dyn Fill) -> Result<Nodes<'a>, ModelError> {
    let known: FxHashMap<_, _> = tables.airports.iter().map(|airport| (airport.code.as_str(), airport)).collect();
    let used = flights.iter().flat_map(|flight| [flight.origin.as_str(), flight.destination.as_str()]).collect();
    add_nodes(used, fill, |code| airport_node(code, known.get(code).copied()))
}

fn add_planes<'a>(tables: &Tables, flights: &[&'a Flight], fill: &mut dyn Fill) -> Result<Nodes<'a>, ModelError> {
    let known: FxHashMap<_, _> = tables.planes.iter().map(|plane| (plane.tail_number.as_str(), plane)).collect();
    let used = flights.iter().filter_map(|flight| flight.tail_number.as_deref()).collect();
    add_nodes(used, fill, |tail_number| plane_node(tail_number, known.get(tail_number).copied()))
}

/// Adds a node for each name, in the order of the names.
fn add_nodes<'a, const N: usize>(
    names: BTreeSet<&'a str>,
    fill: &mut dyn Fill,
    node: impl Fn(&str) -> (&'static str, [(&'static str, Value); N]),
) -> Result<Nodes<'a>, ModelError> {
    let mut nodes = Nodes::default();
    for name in names {
        let (label, entries) = node(name);
        nodes.insert(name, add_node(label, entries, fill)?);
    }
    Ok(nodes)
}

/// Adds a node with what is known of it: a missing value is no property.
fn add_node<const N: usize>(
    label: &str,
    entries: [(&'static str, Value); N],
    fill: &mut dyn Fill,
) -> Result<NodeId, ModelError> {
    let mut properties: [(KeyId, Value); N] = std::array::from_fn(|_| Default::default());
    let mut known = 0;
    for (name, value) in entries {
        if !value.is_null() {
            properties[known] = (fill.key(name)?, value);
            known += 1;
        }
    }
    let label = fill.label(label)?;
    Ok(fill.node(&[label], &properties[..known])?)
}

fn add_flights(flights: &[&Flight], fill: &mut dyn Fill) -> Result<Vec<NodeId>, ModelError> {
    let zone = ZoneId::named(ZONE)?;
    let mut nodes = Vec::with_capacity(flights.len());
    for flight in flights {
        let leaves = DateTime::from_local(flight.scheduled_departure, &zone, None)?;
        let entries = [
            ("id", Value::String(flight_id(flight))),
            ("number", Value::Integer(flight.number)),
            ("date", Value::Date(flight.scheduled_departure.date())),
            ("scheduledDeparture", Value::DateTime(Box::new(leaves))),
            ("departureDelayMinutes", optional(flight.departure_delay_minutes)),
            ("arrivalDelayMinutes", optional(flight.arrival_delay_minutes)),
            ("airTimeMinutes", optional(flight.air_time_minutes)),
            ("distanceMiles", Value::Integer(flight.distance_miles)),
            ("cancelled", Value::Boolean(flight.departure_delay_minutes.is_none())),
        ];
        nodes.push(add_node("Flight", entries, fill)?);
    }
    Ok(nodes)
}

/// Names a flight among those of its origin: `UA1545-2013-01-01`.
fn flight_id(flight: &Flight) -> CompactString {
    let day = flight.scheduled_departure.date().civil();
    let Flight { carrier, number, .. } = flight;
    format_compact!("{carrier}{number}-{:04}-{:02}-{:02}", day.year, day.month, day.day)
}

fn airline_node(code: &str, airline: Option<&Airline>) -> (&'static str, [(&'static str, Value); 2]) {
    ("Airline", [("code", Value::string(code)), ("name", text(airline.map(|airline| &airline.name)))])
}

/// Makes an airport; the FAA's list lacks a few in the Caribbean, which have their code alone.
fn airport_node(code: &str, airport: Option<&Airport>) -> (&'static str, [(&'static str, Value); 5]) {
    let place = airport.map(|airport| {
        let (x, y) = (airport.longitude, airport.latitude);
        Value::Point(Box::new(Point { srid: Crs::Wgs84.srid(), x, y, z: None }))
    });
    let entries = [
        ("code", Value::string(code)),
        ("name", text(airport.map(|airport| &airport.name))),
        ("location", place.unwrap_or_default()),
        ("altitudeFeet", optional(airport.map(|airport| airport.altitude_feet))),
        ("timeZone", text(airport.and_then(|airport| airport.zone.as_ref()))),
    ];
    ("Airport", entries)
}

/// Makes a plane; the registry lacks some, which have their tail number alone.
fn plane_node(tail_number: &str, plane: Option<&Plane>) -> (&'static str, [(&'static str, Value); 8]) {
    let entries = [
        ("tailNumber", Value::string(tail_number)),
        ("type", text(plane.map(|plane| &plane.kind))),
        ("manufacturer", text(plane.map(|plane| &plane.manufacturer))),
        ("model", text(plane.map(|plane| &plane.model))),
        ("yearBuilt", optional(plane.and_then(|plane| plane.year))),
        ("engines", optional(plane.map(|plane| plane.engines))),
        ("engineType", text(plane.map(|plane| &plane.engine))),
        ("seats", optional(plane.map(|plane| plane.seats))),
    ];
    ("Plane", entries)
}

fn text(text: Option<&CompactString>) -> Value {
    text.cloned().map(Value::String).unwrap_or_default()
}

fn optional(number: Option<i64>) -> Value {
    number.map(Value::Integer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::import::testing::List;

    fn graph(origin: &str) -> String {
        let tenant = TENANTS.into_iter().find(|tenant| tenant.origin == origin).expect("one of three");
        let mut list = List::default();
        load(tenant, &Tables::january().expect("sound files"), &mut list).expect("sound files");
        list.text
    }

    /// Counts nodes and relationships by label and type: `Airline 10, Airport 83, ...`.
    fn check(origin: &str, expected: &str) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for line in graph(origin).lines() {
            let name: String =
                line.chars().filter(|sign| sign.is_ascii_alphabetic() || " _)".contains(*sign)).collect();
            let name = name.trim_start().split([' ', ')']).next().expect("a first part");
            *counts.entry(name.to_owned()).or_default() += 1;
        }
        let shown: Vec<_> = counts.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
        assert_eq!(shown.join(", "), expected);
    }

    #[test]
    fn ewr_has_all_that_left_it() {
        check(
            "EWR",
            "Airline 10, Airport 83, FLOWN_WITH 9859, FROM 9893, Flight 9893, OPERATED_BY 9893, Plane 1778, TO 9893",
        );
    }

    #[test]
    fn jfk_has_all_that_left_it() {
        check(
            "JFK",
            "Airline 10, Airport 61, FLOWN_WITH 9090, FROM 9161, Flight 9161, OPERATED_BY 9161, Plane 1278, TO 9161",
        );
    }

    #[test]
    fn lga_has_all_that_left_it() {
        check(
            "LGA",
            "Airline 13, Airport 45, FLOWN_WITH 7900, FROM 7950, Flight 7950, OPERATED_BY 7950, Plane 1769, TO 7950",
        );
    }

    #[test]
    fn missing_values_are_no_properties() {
        let graph = graph("EWR");
        let cancelled: Vec<_> = graph.lines().filter(|line| line.contains("cancelled=true")).collect();
        assert_eq!(cancelled.len(), 238);
        assert!(cancelled.iter().all(|line| !line.contains("departureDelayMinutes")));
        assert!(!graph.contains("=null"));
    }

    #[test]
    fn a_flight_tells_its_day_and_its_delays() {
        let graph = graph("EWR");
        let flight = graph.lines().find_map(|line| line.split_once(":Flight) ")).expect("thousands").1;
        let expected = "id='UA1545-2013-01-01' number=1545 date='2013-01-01' \
                        scheduledDeparture='2013-01-01T05:15-05:00[America/New_York]' departureDelayMinutes=2 \
                        arrivalDelayMinutes=11 airTimeMinutes=227 distanceMiles=1400 cancelled=false";
        assert_eq!(flight, expected);
    }
}
