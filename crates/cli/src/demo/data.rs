//! The demo's files, carried in the binary, as typed records.
//!
//! Source and licence: `demo/data/README.md`.

use csv::{ReaderBuilder, StringRecord};
use flate2::read::MultiGzDecoder;
use types::{Date, LocalDateTime, LocalTime};

/// The text that stands for a missing value.
const MISSING: &str = "NA";

const AIRLINES: &[u8] = include_bytes!("../../../../demo/data/airlines.csv.gz");
const AIRPORTS: &[u8] = include_bytes!("../../../../demo/data/airports.csv.gz");
const PLANES: &[u8] = include_bytes!("../../../../demo/data/planes.csv.gz");
const FLIGHTS: &[u8] = include_bytes!("../../../../demo/data/flights-2013-01.csv.gz");

/// Why a file of the demo cannot be read: the binary was built from a damaged tree.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The gzip or the CSV is damaged.
    #[error("the demo's file \"{file}\" is damaged")]
    Damaged {
        /// The file.
        file: &'static str,
        /// Why.
        source: csv::Error,
    },
    /// A field is not what it should be.
    #[error("line {line} of the demo's file \"{file}\" has a wrong \"{column}\"")]
    Field {
        /// The file.
        file: &'static str,
        /// The line, from 1.
        line: u64,
        /// The column.
        column: &'static str,
    },
}

impl DataError {
    /// Gives the public code of this failure.
    #[must_use]
    pub fn code(&self) -> types::Code {
        match self {
            Self::Damaged { .. } | Self::Field { .. } => types::Code::Internal,
        }
    }
}

/// An airline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Airline {
    /// Two characters: `UA`.
    pub code: String,
    /// `United Air Lines Inc.`
    pub name: String,
}

/// An airport of the FAA's list.
#[derive(Clone, Debug, PartialEq)]
pub struct Airport {
    /// Three characters: `JFK`.
    pub code: String,
    /// `John F Kennedy Intl`.
    pub name: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Feet above the sea.
    pub altitude_feet: i64,
    /// IANA name of its zone.
    pub zone: Option<String>,
}

/// A plane of the FAA's registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plane {
    /// `N14228`.
    pub tail_number: String,
    /// The year in which it was built.
    pub year: Option<i64>,
    /// `Fixed wing multi engine`.
    pub kind: String,
    /// `BOEING`.
    pub manufacturer: String,
    /// `737-824`.
    pub model: String,
    /// Number of engines.
    pub engines: i64,
    /// Number of seats.
    pub seats: i64,
    /// `Turbo-fan`.
    pub engine: String,
}

/// A flight that left, or should have left, one of New York's airports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    /// The airline's code.
    pub carrier: String,
    /// The airline's number of it.
    pub number: i64,
    /// The plane, where one was named.
    pub tail_number: Option<String>,
    /// The airport where it starts.
    pub origin: String,
    /// The airport where it ends.
    pub destination: String,
    /// The wall clock in New York when it should leave.
    pub scheduled_departure: LocalDateTime,
    /// Minutes late at departure, negative when early; none where it never left.
    pub departure_delay_minutes: Option<i64>,
    /// Minutes late at arrival, negative when early; none where it never came.
    pub arrival_delay_minutes: Option<i64>,
    /// Minutes in the air.
    pub air_time_minutes: Option<i64>,
    /// Miles between the airports.
    pub distance_miles: i64,
}

/// Reads all airlines.
pub fn airlines() -> Result<Vec<Airline>, DataError> {
    read("airlines.csv.gz", AIRLINES, |row| Ok(Airline { code: row.text("carrier")?, name: row.text("name")? }))
}

/// Reads all airports.
pub fn airports() -> Result<Vec<Airport>, DataError> {
    read("airports.csv.gz", AIRPORTS, |row| {
        Ok(Airport {
            code: row.text("faa")?,
            name: row.text("name")?,
            latitude: row.parsed("lat")?,
            longitude: row.parsed("lon")?,
            altitude_feet: row.parsed("alt")?,
            zone: row.known("tzone")?,
        })
    })
}

/// Reads all planes.
pub fn planes() -> Result<Vec<Plane>, DataError> {
    read("planes.csv.gz", PLANES, |row| {
        Ok(Plane {
            tail_number: row.text("tailnum")?,
            year: row.known("year")?,
            kind: row.text("type")?,
            manufacturer: row.text("manufacturer")?,
            model: row.text("model")?,
            engines: row.parsed("engines")?,
            seats: row.parsed("seats")?,
            engine: row.text("engine")?,
        })
    })
}

/// Reads the flights of January 2013 in the order in which they left.
pub fn flights() -> Result<Vec<Flight>, DataError> {
    read("flights-2013-01.csv.gz", FLIGHTS, |row| {
        Ok(Flight {
            carrier: row.text("carrier")?,
            number: row.parsed("flight")?,
            tail_number: row.known("tailnum")?,
            origin: row.text("origin")?,
            destination: row.text("dest")?,
            scheduled_departure: scheduled(row)?,
            departure_delay_minutes: row.known("dep_delay")?,
            arrival_delay_minutes: row.known("arr_delay")?,
            air_time_minutes: row.known("air_time")?,
            distance_miles: row.parsed("distance")?,
        })
    })
}

fn scheduled(row: &Fields<'_>) -> Result<LocalDateTime, DataError> {
    let date = Date::from_civil(row.parsed("year")?, row.parsed("month")?, row.parsed("day")?);
    let time = LocalTime::from_parts(row.parsed("hour")?, row.parsed("minute")?, 0, 0);
    Ok(LocalDateTime::from_parts(date.map_err(|_| row.wrong("day"))?, time.map_err(|_| row.wrong("hour"))?))
}

/// Unzips a file and makes something of each of its rows.
fn read<T>(
    file: &'static str,
    bytes: &'static [u8],
    mut make: impl FnMut(&Fields<'_>) -> Result<T, DataError>,
) -> Result<Vec<T>, DataError> {
    let damaged = |source| DataError::Damaged { file, source };
    let mut csv = ReaderBuilder::new().from_reader(MultiGzDecoder::new(bytes));
    let header = csv.headers().map_err(damaged)?.clone();
    let mut record = StringRecord::new();
    let mut made = Vec::new();
    while csv.read_record(&mut record).map_err(damaged)? {
        made.push(make(&Fields { file, header: &header, record: &record })?);
    }
    Ok(made)
}

/// A row with its header.
struct Fields<'a> {
    file: &'static str,
    header: &'a StringRecord,
    record: &'a StringRecord,
}

impl Fields<'_> {
    fn field(&self, column: &'static str) -> Result<&str, DataError> {
        let at = self.header.iter().position(|name| name == column);
        at.and_then(|at| self.record.get(at)).ok_or_else(|| self.wrong(column))
    }

    fn text(&self, column: &'static str) -> Result<String, DataError> {
        Ok(self.field(column)?.to_owned())
    }

    fn parsed<T: std::str::FromStr>(&self, column: &'static str) -> Result<T, DataError> {
        self.field(column)?.parse().map_err(|_| self.wrong(column))
    }

    /// Gives none for a missing value.
    fn known<T: std::str::FromStr>(&self, column: &'static str) -> Result<Option<T>, DataError> {
        if self.field(column)? == MISSING { Ok(None) } else { self.parsed(column).map(Some) }
    }

    fn wrong(&self, column: &'static str) -> DataError {
        DataError::Field { file: self.file, line: self.record.position().map_or(0, csv::Position::line), column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_all_their_rows() {
        assert_eq!(airlines().expect("a sound file").len(), 16);
        assert_eq!(airports().expect("a sound file").len(), 1_458);
        assert_eq!(planes().expect("a sound file").len(), 3_322);
        assert_eq!(flights().expect("a sound file").len(), 27_004);
    }

    #[test]
    fn a_flight_is_read_whole() {
        let flight = flights().expect("a sound file").swap_remove(0);
        assert_eq!((flight.carrier.as_str(), flight.number), ("UA", 1545));
        assert_eq!(flight.tail_number.as_deref(), Some("N14228"));
        assert_eq!((flight.origin.as_str(), flight.destination.as_str()), ("EWR", "IAH"));
        assert_eq!(flight.scheduled_departure, LocalDateTime::parse("2013-01-01T05:15").expect("a moment"));
        assert_eq!((flight.departure_delay_minutes, flight.arrival_delay_minutes), (Some(2), Some(11)));
    }
}
