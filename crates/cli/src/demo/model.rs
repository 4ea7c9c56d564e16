//! Flights as a graph, the way an airline would draw it.
//!
//! ```text
//! (:Flight)-[:OPERATED_BY]->(:Airline)     (:Flight)-[:FROM]->(:Airport)
//! (:Flight)-[:FLOWN_WITH]->(:Plane)        (:Flight)-[:TO]->(:Airport)
//! ```

use std::collections::{BTreeMap, BTreeSet};

use compact_str::{CompactString, format_compact};
use types::temporal::ZoneId;
use types::{Crs, DateTime, Map, Point, Value};

use super::data::{self, Airline, Airport, DataError, Flight, Plane};
use crate::import::{Key, NodeRow, RelationshipRow};

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

/// Why a tenant's graph cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file is damaged.
    #[error("{0}")]
    Data(#[from] DataError),
    /// The zone database does not know New York, or a flight's time is none there.
    #[error("a flight's time cannot be told: {0}")]
    Time(#[from] types::temporal::TemporalError),
}

impl ModelError {
    /// Gives the public code of this failure.
    #[must_use]
    pub fn code(&self) -> types::Code {
        match self {
            Self::Data(error) => error.code(),
            Self::Time(error) => error.code(),
        }
    }
}

/// A tenant's nodes and relationships, always in the same order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Airlines, airports and planes that its flights use, then the flights.
    pub nodes: Vec<NodeRow>,
    /// What each flight is tied to.
    pub relationships: Vec<RelationshipRow>,
}

/// Makes the graph of one tenant; it shares nothing with the others.
pub fn tenant(tenant: Tenant) -> Result<Graph, ModelError> {
    let mut flights = data::flights()?;
    flights.retain(|flight| flight.origin == tenant.origin);
    let mut graph = Graph::default();
    add_airlines(&mut graph, &flights)?;
    add_airports(&mut graph, &flights)?;
    add_planes(&mut graph, &flights)?;
    let zone = ZoneId::named(ZONE)?;
    for flight in &flights {
        add_flight(&mut graph, flight, &zone)?;
    }
    Ok(graph)
}

fn add_airlines(graph: &mut Graph, flights: &[Flight]) -> Result<(), ModelError> {
    let known: BTreeMap<_, _> = data::airlines()?.into_iter().map(|airline| (airline.code.clone(), airline)).collect();
    let used: BTreeSet<_> = flights.iter().map(|flight| flight.carrier.as_str()).collect();
    graph.nodes.extend(used.into_iter().map(|code| airline_node(code, known.get(code))));
    Ok(())
}

fn add_airports(graph: &mut Graph, flights: &[Flight]) -> Result<(), ModelError> {
    let known: BTreeMap<_, _> = data::airports()?.into_iter().map(|airport| (airport.code.clone(), airport)).collect();
    let used: BTreeSet<_> =
        flights.iter().flat_map(|flight| [flight.origin.as_str(), flight.destination.as_str()]).collect();
    graph.nodes.extend(used.into_iter().map(|code| airport_node(code, known.get(code))));
    Ok(())
}

fn add_planes(graph: &mut Graph, flights: &[Flight]) -> Result<(), ModelError> {
    let known: BTreeMap<_, _> = data::planes()?.into_iter().map(|plane| (plane.tail_number.clone(), plane)).collect();
    let used: BTreeSet<_> = flights.iter().filter_map(|flight| flight.tail_number.as_deref()).collect();
    graph.nodes.extend(used.into_iter().map(|tail_number| plane_node(tail_number, known.get(tail_number))));
    Ok(())
}

fn add_flight(graph: &mut Graph, flight: &Flight, zone: &ZoneId) -> Result<(), ModelError> {
    let date = Value::Date(flight.scheduled_departure.date());
    let leaves = DateTime::from_local(flight.scheduled_departure, zone, None)?;
    let id = flight_id(flight);
    let properties = properties([
        ("id", Value::string(id.clone())),
        ("number", Value::Integer(flight.number)),
        ("date", date),
        ("scheduledDeparture", Value::DateTime(Box::new(leaves))),
        ("departureDelayMinutes", optional(flight.departure_delay_minutes)),
        ("arrivalDelayMinutes", optional(flight.arrival_delay_minutes)),
        ("airTimeMinutes", optional(flight.air_time_minutes)),
        ("distanceMiles", Value::Integer(flight.distance_miles)),
        ("cancelled", Value::Boolean(flight.departure_delay_minutes.is_none())),
    ]);
    let start = key("Flight", &id);
    graph.nodes.push(NodeRow { key: Some(start.clone()), labels: vec!["Flight".into()], properties });
    let plane = flight.tail_number.as_deref().map(|tail_number| ("FLOWN_WITH", key("Plane", tail_number)));
    let ends = [
        Some(("OPERATED_BY", key("Airline", &flight.carrier))),
        plane,
        Some(("FROM", key("Airport", &flight.origin))),
        Some(("TO", key("Airport", &flight.destination))),
    ];
    graph.relationships.extend(ends.into_iter().flatten().map(|(kind, end)| RelationshipRow {
        kind: Some(kind.into()),
        start: start.clone(),
        end,
        properties: Map::new(),
    }));
    Ok(())
}

/// Names a flight among those of its origin: `UA1545-2013-01-01`.
fn flight_id(flight: &Flight) -> CompactString {
    let day = flight.scheduled_departure.date().civil();
    let Flight { carrier, number, .. } = flight;
    format_compact!("{carrier}{number}-{:04}-{:02}-{:02}", day.year, day.month, day.day)
}

fn airline_node(code: &str, airline: Option<&Airline>) -> NodeRow {
    let name = airline.map(|airline| Value::string(airline.name.as_str()));
    node("Airline", code, [("code", Value::string(code)), ("name", name.unwrap_or_default())])
}

/// Makes an airport; the FAA's list lacks a few in the Caribbean, which have their code alone.
fn airport_node(code: &str, airport: Option<&Airport>) -> NodeRow {
    let text = |text: &String| Value::string(text.as_str());
    let place = airport.map(|airport| {
        let (x, y) = (airport.longitude, airport.latitude);
        Value::Point(Box::new(Point { srid: Crs::Wgs84.srid(), x, y, z: None }))
    });
    let entries = [
        ("code", Value::string(code)),
        ("name", airport.map(|airport| text(&airport.name)).unwrap_or_default()),
        ("location", place.unwrap_or_default()),
        ("altitudeFeet", optional(airport.map(|airport| airport.altitude_feet))),
        ("timeZone", airport.and_then(|airport| airport.zone.as_ref()).map(text).unwrap_or_default()),
    ];
    node("Airport", code, entries)
}

/// Makes a plane; the registry lacks some, which have their tail number alone.
fn plane_node(tail_number: &str, plane: Option<&Plane>) -> NodeRow {
    let text = |part: fn(&Plane) -> &String| plane.map(|plane| Value::string(part(plane).as_str())).unwrap_or_default();
    let entries = [
        ("tailNumber", Value::string(tail_number)),
        ("type", text(|plane| &plane.kind)),
        ("manufacturer", text(|plane| &plane.manufacturer)),
        ("model", text(|plane| &plane.model)),
        ("yearBuilt", optional(plane.and_then(|plane| plane.year))),
        ("engines", optional(plane.map(|plane| plane.engines))),
        ("engineType", text(|plane| &plane.engine)),
        ("seats", optional(plane.map(|plane| plane.seats))),
    ];
    node("Plane", tail_number, entries)
}

fn node<const N: usize>(label: &str, id: &str, entries: [(&str, Value); N]) -> NodeRow {
    NodeRow { key: Some(key(label, id)), labels: vec![label.into()], properties: properties(entries) }
}

/// Makes a key; each label is a group of its own.
fn key(label: &str, id: &str) -> Key {
    Key { group: label.into(), id: id.into() }
}

/// Keeps what is known: a missing value is no property.
fn properties<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.into(), value)).collect()
}

fn optional(number: Option<i64>) -> Value {
    number.map(Value::Integer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use types::text::literal;

    use super::*;

    fn graph(origin: &str) -> Graph {
        let found = TENANTS.into_iter().find(|tenant| tenant.origin == origin).expect("one of three");
        tenant(found).expect("sound files")
    }

    /// Counts nodes and relationships by label and type: `Airline 10, Airport 83, ...`.
    fn check(origin: &str, expected: &str) {
        let graph = graph(origin);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for node in &graph.nodes {
            *counts.entry(&node.labels[0]).or_default() += 1;
        }
        for relationship in &graph.relationships {
            *counts.entry(relationship.kind.as_deref().expect("a type")).or_default() += 1;
        }
        let shown: Vec<_> = counts.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
        assert_eq!(shown.join(", "), expected);
        let keys: HashSet<_> = graph.nodes.iter().filter_map(|node| node.key.as_ref()).collect();
        assert_eq!(keys.len(), graph.nodes.len());
        assert!(graph.relationships.iter().all(|row| keys.contains(&row.start) && keys.contains(&row.end)));
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
        let flights = || graph.nodes.iter().filter(|node| node.labels[0] == "Flight");
        let cancelled = flights().filter(|node| node.properties["cancelled"] == Value::Boolean(true));
        assert_eq!(cancelled.clone().count(), 238);
        assert!(cancelled.into_iter().all(|node| !node.properties.contains_key("departureDelayMinutes")));
        assert!(graph.nodes.iter().all(|node| node.properties.values().all(|value| !value.is_null())));
    }

    #[test]
    fn a_flight_tells_its_day_and_its_delays() {
        let graph = graph("EWR");
        let flight = graph.nodes.iter().find(|node| node.labels[0] == "Flight").expect("thousands");
        let expected = "{id: 'UA1545-2013-01-01', number: 1545, date: '2013-01-01', \
                        scheduledDeparture: '2013-01-01T05:15-05:00[America/New_York]', departureDelayMinutes: 2, \
                        arrivalDelayMinutes: 11, airTimeMinutes: 227, distanceMiles: 1400, cancelled: false}";
        assert_eq!(literal(&Value::map(flight.properties.clone())), expected);
    }
}
