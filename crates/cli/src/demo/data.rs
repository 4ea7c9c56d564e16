//! The demo's files, carried in the binary or given by the user, as typed records.
//!
//! Source and licence: `demo/data/README.md`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use compact_str::CompactString;
use csv::{ReaderBuilder, StringRecord};
use flate2::bufread::MultiGzDecoder;
use types::{Date, LocalDateTime, LocalTime};

use crate::import::{ImportError, Input};

/// The text that stands for a missing value.
const MISSING: &str = "NA";

const AIRLINES: &[u8] = include_bytes!("../../../../demo/data/airlines.csv.gz");
const AIRPORTS: &[u8] = include_bytes!("../../../../demo/data/airports.csv.gz");
const PLANES: &[u8] = include_bytes!("../../../../demo/data/planes.csv.gz");
const FLIGHTS: &[u8] = include_bytes!("../../../../demo/data/flights-2013-01.csv.gz");

/// Why a file of the demo cannot be read. One that the user gave is at fault, or the tree the binary was built from.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file cannot be opened.
    #[error(transparent)]
    Open(#[from] ImportError),
    /// The gzip or the CSV is damaged.
    #[error("the demo's file \"{}\" is damaged", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// A field is not what it should be.
    #[error("line {line} of the demo's file \"{}\" has a wrong \"{column}\"", file.display())]
    Field {
        /// The file.
        file: PathBuf,
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
            Self::Open(error) => error.code(),
            Self::Damaged { .. } | Self::Field { .. } => types::Code::ExternalResourceFailed,
        }
    }
}

/// Everything that the demo knows.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Every airline.
    pub airlines: Vec<Airline>,
    /// Every airport.
    pub airports: Vec<Airport>,
    /// Every plane.
    pub planes: Vec<Plane>,
    /// Flights in the order in which they left.
    pub flights: Vec<Flight>,
}

impl Tables {
    /// Reads what the binary carries: the flights of January 2013.
    pub fn january() -> Result<Self, DataError> {
        Self::with(carried("flights-2013-01.csv.gz", FLIGHTS, flight)?)
    }

    /// Reads flights from files of the same form; the rest is what the binary carries.
    pub fn from_files(files: &[PathBuf]) -> Result<Self, DataError> {
        let mut flights = Vec::new();
        for file in files {
            read(file, Input::open(file, Arc::default())?, &mut flights, flight)?;
        }
        Self::with(flights)
    }

    fn with(flights: Vec<Flight>) -> Result<Self, DataError> {
        Ok(Self {
            airlines: carried("airlines.csv.gz", AIRLINES, airline)?,
            airports: carried("airports.csv.gz", AIRPORTS, airport)?,
            planes: carried("planes.csv.gz", PLANES, plane)?,
            flights,
        })
    }
}

/// An airline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Airline {
    /// Two characters: `UA`.
    pub code: CompactString,
    /// `United Air Lines Inc.`
    pub name: CompactString,
}

/// An airport of the FAA's list.
#[derive(Clone, Debug, PartialEq)]
pub struct Airport {
    /// Three characters: `JFK`.
    pub code: CompactString,
    /// `John F Kennedy Intl`.
    pub name: CompactString,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Feet above the sea.
    pub altitude_feet: i64,
    /// IANA name of its zone.
    pub zone: Option<CompactString>,
}

/// A plane of the FAA's registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plane {
    /// `N14228`.
    pub tail_number: CompactString,
    /// The year in which it was built.
    pub year: Option<i64>,
    /// `Fixed wing multi engine`.
    pub kind: CompactString,
    /// `BOEING`.
    pub manufacturer: CompactString,
    /// `737-824`.
    pub model: CompactString,
    /// Number of engines.
    pub engines: i64,
    /// Number of seats.
    pub seats: i64,
    /// `Turbo-fan`.
    pub engine: CompactString,
}

/// A flight that left, or should have left, one of New York's airports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    /// The airline's code.
    pub carrier: CompactString,
    /// The airline's number of it.
    pub number: i64,
    /// The plane, where one was named.
    pub tail_number: Option<CompactString>,
    /// The airport where it starts.
    pub origin: CompactString,
    /// The airport where it ends.
    pub destination: CompactString,
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

fn airline(row: &Fields<'_>) -> Result<Airline, DataError> {
    Ok(Airline { code: row.text("carrier")?, name: row.text("name")? })
}

fn airport(row: &Fields<'_>) -> Result<Airport, DataError> {
    Ok(Airport {
        code: row.text("faa")?,
        name: row.text("name")?,
        latitude: row.parsed("lat")?,
        longitude: row.parsed("lon")?,
        altitude_feet: row.parsed("alt")?,
        zone: row.known("tzone")?,
    })
}

fn plane(row: &Fields<'_>) -> Result<Plane, DataError> {
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
}

fn flight(row: &Fields<'_>) -> Result<Flight, DataError> {
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
}

fn scheduled(row: &Fields<'_>) -> Result<LocalDateTime, DataError> {
    let date = Date::from_civil(row.parsed("year")?, row.parsed("month")?, row.parsed("day")?);
    let time = LocalTime::from_parts(row.parsed("hour")?, row.parsed("minute")?, 0, 0);
    Ok(LocalDateTime::from_parts(date.map_err(|_| row.wrong("day"))?, time.map_err(|_| row.wrong("hour"))?))
}

/// Reads a file of the binary.
fn carried<T>(name: &str, bytes: &'static [u8], make: Make<T>) -> Result<Vec<T>, DataError> {
    let mut made = Vec::new();
    read(Path::new(name), Input::new(Box::new(MultiGzDecoder::new(bytes))), &mut made, make)?;
    Ok(made)
}

/// Makes something of a row.
type Make<T> = fn(&Fields<'_>) -> Result<T, DataError>;

/// Appends what `make` makes of each row.
fn read<T>(file: &Path, input: Input, made: &mut Vec<T>, make: Make<T>) -> Result<(), DataError> {
    let damaged = |source| DataError::Damaged { file: file.to_owned(), source };
    let mut csv = ReaderBuilder::new().from_reader(input);
    let header = csv.headers().map_err(damaged)?.clone();
    let mut record = StringRecord::new();
    loop {
        csv.get_mut().row_begins();
        if !csv.read_record(&mut record).map_err(damaged)? {
            return Ok(());
        }
        made.push(make(&Fields { file, header: &header, record: &record })?);
    }
}

/// A row with its header.
struct Fields<'a> {
    file: &'a Path,
    header: &'a StringRecord,
    record: &'a StringRecord,
}

impl Fields<'_> {
    fn field(&self, column: &'static str) -> Result<&str, DataError> {
        let at = self.header.iter().position(|name| name == column);
        at.and_then(|at| self.record.get(at)).ok_or_else(|| self.wrong(column))
    }

    fn text(&self, column: &'static str) -> Result<CompactString, DataError> {
        Ok(self.field(column)?.into())
    }

    fn parsed<T: std::str::FromStr>(&self, column: &'static str) -> Result<T, DataError> {
        self.field(column)?.parse().map_err(|_| self.wrong(column))
    }

    /// Gives none for a missing value.
    fn known<T: std::str::FromStr>(&self, column: &'static str) -> Result<Option<T>, DataError> {
        if self.field(column)? == MISSING { Ok(None) } else { self.parsed(column).map(Some) }
    }

    fn wrong(&self, column: &'static str) -> DataError {
        let line = self.record.position().map_or(0, csv::Position::line);
        DataError::Field { file: self.file.to_owned(), line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_all_their_rows() {
        let tables = Tables::january().expect("sound files");
        assert_eq!((tables.airlines.len(), tables.airports.len()), (16, 1_458));
        assert_eq!((tables.planes.len(), tables.flights.len()), (3_322, 27_004));
    }

    #[test]
    fn a_flight_is_read_whole() {
        let flight = Tables::january().expect("sound files").flights.swap_remove(0);
        assert_eq!((flight.carrier.as_str(), flight.number), ("UA", 1545));
        assert_eq!(flight.tail_number.as_deref(), Some("N14228"));
        assert_eq!((flight.origin.as_str(), flight.destination.as_str()), ("EWR", "IAH"));
        assert_eq!(flight.scheduled_departure, LocalDateTime::parse("2013-01-01T05:15").expect("a moment"));
        assert_eq!((flight.departure_delay_minutes, flight.arrival_delay_minutes), (Some(2), Some(11)));
    }

    #[test]
    fn a_wrong_file_is_named_with_its_line() {
        let folder = tempfile::tempdir().expect("a folder for tests");
        let path = folder.path().join("flights.csv");
        std::fs::write(&path, "carrier,flight\nUA,one\n").expect("a folder for tests");
        let error = Tables::from_files(std::slice::from_ref(&path)).expect_err("a wrong number");
        let expected = format!("line 2 of the demo's file \"{}\" has a wrong \"flight\"", path.display());
        assert_eq!(error.to_string(), expected);
    }
}
