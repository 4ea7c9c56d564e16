//! Functions over dates, times and durations: make one, take the present one, cut one, measure between two.
//! Leaves calendar, zones and text to [`types::temporal`]; here names and arguments meet them.
//! Start reading at [`FUNCTIONS`].

use types::temporal::{self, Kind, Moment, TemporalError, ZoneId};
use types::{Failure, Value};

use super::error::{wrong_type, wrong_value};
use super::{Function, FunctionContext};

/// Makes the rows of one type of moment: its constructor, its three clocks, and `truncate`.
macro_rules! of_kind {
    ($name:literal, $kind:expr, $type:literal) => {
        [
            Function::impure(
                $name,
                (0, 1),
                |context, arguments| make($kind, context, arguments),
                concat!($name, "(input = DEFAULT_TEMPORAL_ARGUMENT :: ANY) :: ", $type),
                concat!("Creates a ", $type, " from text, a map of components or another moment; by default now."),
            ),
            Function::impure(
                concat!($name, ".transaction"),
                (0, 1),
                |context, arguments| now($kind, context.transaction_nanos, arguments),
                concat!($name, ".transaction(timezone = DEFAULT_TEMPORAL_ARGUMENT :: ANY) :: ", $type),
                concat!("Returns the ", $type, " at which the transaction began."),
            ),
            Function::impure(
                concat!($name, ".statement"),
                (0, 1),
                |context, arguments| now($kind, context.statement_nanos, arguments),
                concat!($name, ".statement(timezone = DEFAULT_TEMPORAL_ARGUMENT :: ANY) :: ", $type),
                concat!("Returns the ", $type, " at which the statement began."),
            ),
            Function::impure(
                concat!($name, ".realtime"),
                (0, 1),
                |context, arguments| now($kind, (context.realtime_nanos)(), arguments),
                concat!($name, ".realtime(timezone = DEFAULT_TEMPORAL_ARGUMENT :: ANY) :: ", $type),
                concat!("Returns the ", $type, " now, by the clock of the machine."),
            ),
            Function::impure(
                concat!($name, ".truncate"),
                (1, 3),
                |context, arguments| truncate(concat!($name, ".truncate"), $kind, context, arguments),
                concat!($name, ".truncate(unit :: STRING, input = now :: ANY, fields = null :: MAP) :: ", $type),
                concat!("Cuts a moment to a unit and makes a ", $type, " of it, with some components replaced."),
            ),
        ]
    };
}

/// Makes a row for a function that measures from one moment to another.
macro_rules! measure {
    ($name:literal, $function:path, $description:literal) => {
        Function::pure(
            $name,
            (2, 2),
            |_, arguments| Ok($function(&arguments[0], &arguments[1])?),
            concat!($name, "(from :: ANY, to :: ANY) :: DURATION"),
            $description,
        )
    };
}

const DATE: [Function; 5] = of_kind!("date", Kind::Date, "DATE");
const LOCAL_TIME: [Function; 5] = of_kind!("localtime", Kind::LocalTime, "LOCAL TIME");
const TIME: [Function; 5] = of_kind!("time", Kind::Time, "ZONED TIME");
const LOCAL_DATE_TIME: [Function; 5] = of_kind!("localdatetime", Kind::LocalDateTime, "LOCAL DATETIME");
const DATE_TIME: [Function; 5] = of_kind!("datetime", Kind::DateTime, "ZONED DATETIME");

const OTHERS: [Function; 7] = [
    Function::pure(
        "datetime.fromepoch",
        (2, 2),
        |_, arguments| from_epoch(arguments),
        "datetime.fromepoch(seconds :: INTEGER | FLOAT, nanoseconds :: INTEGER | FLOAT) :: ZONED DATETIME",
        "Creates a ZONED DATETIME from seconds and nanoseconds since 1970.",
    ),
    Function::pure(
        "datetime.fromepochmillis",
        (1, 1),
        |_, arguments| from_epoch_millis(arguments),
        "datetime.fromepochmillis(milliseconds :: INTEGER | FLOAT) :: ZONED DATETIME",
        "Creates a ZONED DATETIME from milliseconds since 1970.",
    ),
    Function::pure(
        "duration",
        (1, 1),
        |_, arguments| Ok(temporal::make_duration(&arguments[0])?),
        "duration(input :: ANY) :: DURATION",
        "Creates a DURATION from text or a map of its parts.",
    ),
    measure!("duration.between", temporal::between, "Returns months, days and seconds from one moment to another."),
    measure!("duration.inMonths", temporal::in_months, "Returns the whole months from one moment to another."),
    measure!("duration.inDays", temporal::in_days, "Returns the whole days from one moment to another."),
    measure!("duration.inSeconds", temporal::in_seconds, "Returns the seconds from one moment to another."),
];

const LENGTH: usize = 5 * DATE.len() + OTHERS.len();

pub(super) const FUNCTIONS: &[Function] = &joined([&DATE, &LOCAL_TIME, &TIME, &LOCAL_DATE_TIME, &DATE_TIME, &OTHERS]);

/// Joins the rows of all types into one slice, while the program is compiled.
const fn joined(groups: [&[Function]; 6]) -> [Function; LENGTH] {
    let mut rows = [OTHERS[0]; LENGTH];
    let (mut group, mut filled) = (0, 0);
    while group < groups.len() {
        let mut at = 0;
        while at < groups[group].len() {
            rows[filled] = groups[group][at];
            filled += 1;
            at += 1;
        }
        group += 1;
    }
    rows
}

fn make(kind: Kind, context: &FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let moment = Moment::utc(context.statement_nanos);
    Ok(match arguments.first() {
        None => temporal::now(kind, &moment)?,
        Some(input) => temporal::make(kind, input, &moment)?,
    })
}

/// Reads a clock; the argument names the zone whose wall clock is meant.
fn now(kind: Kind, nanos: i128, arguments: &[Value]) -> Result<Value, Failure> {
    let zone = match arguments.first() {
        None => ZoneId::UTC,
        Some(Value::Null) => return Ok(Value::Null),
        Some(Value::String(text)) => ZoneId::parse(text)?,
        Some(Value::Map(map)) => match map.get("timezone") {
            Some(Value::String(text)) => ZoneId::parse(text)?,
            _ => return Err(TemporalError::Required { field: "timezone" }.into()),
        },
        Some(other) => return Err(TemporalError::WrongType { expected: "TimeZone", found: other.type_name() }.into()),
    };
    Ok(temporal::now(kind, &Moment { nanos, zone })?)
}

fn truncate(name: &str, kind: Kind, context: &FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let moment = Moment::utc(context.statement_nanos);
    let unit = match &arguments[0] {
        Value::Null => return Ok(Value::Null),
        Value::String(unit) => unit,
        other => return Err(wrong_type(name, "a STRING value", other)),
    };
    let present;
    let input = match arguments.get(1) {
        Some(input) => input,
        None => {
            present = temporal::now(Kind::DateTime, &moment)?;
            &present
        }
    };
    let changes = match arguments.get(2) {
        None | Some(Value::Null) => None,
        Some(Value::Map(map)) => Some(map.as_ref()),
        Some(other) => return Err(wrong_type(name, "a MAP value", other)),
    };
    Ok(temporal::truncate(kind, unit, input, changes, &moment)?)
}

fn from_epoch(arguments: &[Value]) -> Result<Value, Failure> {
    match (whole("datetime.fromepoch", &arguments[0])?, whole("datetime.fromepoch", &arguments[1])?) {
        (Some(seconds), Some(nanos)) => Ok(temporal::from_epoch(seconds, nanos)?.into()),
        _ => Ok(Value::Null),
    }
}

fn from_epoch_millis(arguments: &[Value]) -> Result<Value, Failure> {
    match whole("datetime.fromepochmillis", &arguments[0])? {
        Some(millis) => Ok(temporal::from_epoch_millis(millis)?.into()),
        None => Ok(Value::Null),
    }
}

/// Takes a whole number from a number of either type; null gives `None`.
fn whole(name: &str, argument: &Value) -> Result<Option<i64>, Failure> {
    match argument {
        Value::Null => Ok(None),
        Value::Integer(number) => Ok(Some(*number)),
        // Casting a float saturates, so a number that is out of range must be refused before.
        Value::Float(number) if number.abs() < 9.2e18 => Ok(Some(*number as i64)),
        Value::Float(_) => Err(wrong_value(name, "the number does not fit 64 bits")),
        other => Err(wrong_type(name, "an INTEGER or FLOAT value", other)),
    }
}

#[cfg(test)]
mod tests {
    use types::text::to_text;

    use super::*;
    use crate::functions::{self, find};

    fn call(name: &str, arguments: &[Value]) -> Result<Value, Failure> {
        let mut random = || 4;
        let mut context = FunctionContext {
            statement_nanos: 1_000_000_000,
            transaction_nanos: 2_000_000_000,
            realtime_nanos: &|| 3_000_000_000,
            random: &mut random,
            database: "sheaf",
            linenumber: None,
            file: None,
            memory_max_bytes: usize::MAX,
            limit_bytes: usize::MAX,
        };
        match find(name).expect("a function").kind {
            functions::Kind::Scalar(function) => function(&mut context, arguments),
            other => panic!("{other:?}"),
        }
    }

    fn check(name: &str, arguments: &[Value], expected: &str) {
        let text = call(name, arguments).map(|value| to_text(&value).expect("a text").to_string());
        assert_eq!(text.as_deref(), Ok(expected), "{name}");
    }

    #[test]
    fn each_clock_is_read_where_it_is_asked_for() {
        check("datetime", &[], "1970-01-01T00:00:01Z");
        check("datetime.statement", &[], "1970-01-01T00:00:01Z");
        check("datetime.transaction", &[], "1970-01-01T00:00:02Z");
        check("localtime.realtime", &[], "00:00:03");
        check("date", &[], "1970-01-01");
        check("datetime.statement", &["America/New York".into()], "1969-12-31T19:00:01-05:00[America/New_York]");
        check("time.realtime", &["+05:30".into()], "05:30:03+05:30");
    }

    #[test]
    fn null_makes_null() {
        for function in FUNCTIONS {
            let arguments = vec![Value::Null; function.arity.0.max(1)];
            assert!(call(function.name, &arguments).expect("a value").is_null(), "{}", function.name);
        }
    }

    #[test]
    fn arguments_reach_the_calendar() {
        check("date", &["2015-W30-2".into()], "2015-07-21");
        check("duration", &["P1.5D".into()], "P1DT12H");
        check("date.truncate", &["month".into(), call("date", &["2015-07-21".into()]).expect("a date")], "2015-07-01");
        check("datetime.truncate", &["day".into()], "1970-01-01T00:00Z");
        check("datetime.fromepoch", &[416_779.into(), 999_999_999.into()], "1970-01-05T19:46:19.999999999Z");
        check("datetime.fromepochmillis", &[237_821_673_987.into()], "1977-07-15T13:34:33.987Z");
        let dates = ["2015-01-31", "2015-03-01"].map(|text| call("date", &[text.into()]).expect("a date"));
        check("duration.between", &dates, "P1M1D");
        check("duration.inDays", &dates, "P29D");
    }

    #[test]
    fn refuses_what_it_cannot_take() {
        assert!(call("date", &[Value::Boolean(true)]).is_err());
        assert!(call("date.truncate", &[Value::Integer(1)]).is_err());
        assert!(call("datetime.fromepochmillis", &[Value::Float(1e300)]).is_err());
        assert!(call("datetime.statement", &["Nowhere".into()]).is_err());
    }
}
