//! Values and requests come back as they were; damaged bytes give an error and nothing else.

use std::sync::Arc;
use std::time::Duration as Time;

use bolt::packstream::{DEPTH_MAX, Packer, Unpacker};
use bolt::{
    AuthToken, Demand, Dialect, Filter, Framer, Hello, Mode, Options, Outbox, Request, Response, Route, Run, Version,
};
use proptest::prelude::*;
use types::{Date, DateTime, Duration, LocalDateTime, LocalTime, Map, Node, Path, Point, Relationship, Value, Zone};

const DAY_NANOS: i64 = 86_400_000_000_000;

fn dialects() -> impl Strategy<Value = Dialect> {
    prop_oneof![
        Just(Dialect::of(Version::V4_4)),
        Just(Dialect { version: Version::V4_4, utc_patch: true }),
        Just(Dialect::of(Version::V5_0)),
        Just(Dialect::of(Version::V5_4)),
    ]
}

fn date_times() -> impl Strategy<Value = Value> {
    let zones = prop_oneof![
        (-64_800..=64_800).prop_map(|offset_seconds| Zone { offset_seconds, name: None }),
        Just(Zone { offset_seconds: 32_400, name: Some("Asia/Tokyo".into()) }),
        Just(Zone { offset_seconds: 0, name: Some("UTC".into()) }),
    ];
    // Tokyo has kept one offset since 1952.
    (0..4_000_000_000i64, 0..1_000_000_000u32, zones)
        .prop_map(|(seconds, nanos, zone)| Value::DateTime(Box::new(DateTime { seconds, nanos, zone })))
}

fn leaves() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        (-200..200i64).prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Float),
        ".{0,300}".prop_map(|text| Value::string(text.as_str())),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Value::Bytes(Arc::from(bytes))),
        (-365_243_219_528..=365_243_219_162i64).prop_map(|days| Value::Date(Date { days })),
        (0..DAY_NANOS).prop_map(|nanos| Value::LocalTime(LocalTime { nanos })),
        (0..DAY_NANOS, -64_800..=64_800)
            .prop_map(|(nanos, offset_seconds)| Value::Time(types::Time { nanos, offset_seconds })),
        (-31_000_000_000_000_000..31_000_000_000_000_000i64, 0..1_000_000_000u32)
            .prop_map(|(seconds, nanos)| Value::LocalDateTime(LocalDateTime { seconds, nanos })),
        date_times(),
        (any::<i64>(), any::<i64>(), any::<i64>(), 0..1_000_000_000i32).prop_map(|(months, days, seconds, nanos)| {
            Value::Duration(Box::new(Duration { months, days, seconds, nanos }))
        }),
        (prop::bool::ANY, any::<f64>(), any::<f64>(), prop::option::of(any::<f64>())).prop_map(|(earth, x, y, z)| {
            let srid = match (earth, z.is_some()) {
                (false, false) => 7203,
                (false, true) => 9157,
                (true, false) => 4326,
                (true, true) => 4979,
            };
            Value::Point(Box::new(Point { srid, x, y, z }))
        }),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    leaves().prop_recursive(4, 40, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::list),
            maps_of(inner).prop_map(Value::map),
        ]
    })
}

fn maps_of(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Map> {
    prop::collection::vec(("[a-z]{1,20}", values), 0..20)
        .prop_map(|entries| entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn packed(value: &Value, dialect: Dialect) -> Vec<u8> {
    let mut bytes = Vec::new();
    Packer::new(&mut bytes, dialect).value(value).expect("shallow and short");
    bytes
}

/// Compares by what `Debug` prints: exact types, order of entries, NaN like NaN.
fn check(value: &Value, dialect: Dialect) {
    let bytes = packed(value, dialect);
    let mut reader = Unpacker::of_response(&bytes, dialect);
    let back = reader.value().expect("our own bytes");
    reader.finish().expect("nothing left");
    assert_eq!(format!("{back:?}"), format!("{value:?}"));
}

proptest! {
    #[test]
    fn values_come_back(value in values(), dialect in dialects()) {
        check(&value, dialect);
    }

    #[test]
    fn damaged_values_never_panic(
        value in values(),
        dialect in dialects(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = packed(&value, dialect);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let _ = Unpacker::of_request(&bytes, dialect).value();
        let _ = Unpacker::of_response(&bytes, dialect).value();
    }

    #[test]
    fn random_messages_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), dialect in dialects()) {
        let _ = Request::parse(&bytes, dialect);
        let _ = Response::parse(&bytes, dialect);
        let mut framer = Framer::new(100);
        framer.feed(&bytes);
        while let Ok(Some(_)) = framer.next_message() {}
    }

    #[test]
    fn damaged_requests_never_panic(
        request in requests(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let dialect = Dialect::of(Version::V5_4);
        let mut bytes = body(&request, dialect);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = Request::parse(&bytes, dialect);
    }

    #[test]
    fn requests_come_back(request in requests()) {
        let dialect = Dialect::of(Version::V5_4);
        let back = Request::parse(&body(&request, dialect), dialect).expect("our own bytes");
        prop_assert_eq!(format!("{back:?}"), format!("{request:?}"));
    }
}

fn body(request: &Request, dialect: Dialect) -> Vec<u8> {
    let mut wire = Vec::new();
    request.write(&mut wire, dialect).expect("shallow and short");
    let mut framer = Framer::new(usize::MAX);
    framer.feed(&wire);
    framer.next_message().expect("within bounds").expect("whole").to_vec()
}

fn requests() -> impl Strategy<Value = Request> {
    let demands = (prop::option::of(1..i64::MAX as u64), prop::option::of(0..i64::MAX as u64))
        .prop_map(|(rows, result)| Demand { rows, result });
    let names = || prop::option::of("[a-z]{1,10}");
    let options = (
        names(),
        names(),
        prop::bool::ANY,
        prop::collection::vec("[a-z]{0,10}", 0..3),
        prop::option::of(0..1_000_000u64),
        maps_of(leaves()),
        prop::option::of(prop::collection::vec("[A-Z]{1,10}", 0..3)),
    )
        .prop_map(|(database, impersonated_user, reads, bookmarks, timeout, metadata, disabled)| Options {
            database,
            impersonated_user,
            mode: if reads { Mode::Read } else { Mode::Write },
            bookmarks,
            timeout: timeout.map(Time::from_millis),
            metadata,
            filter: Filter { minimum_severity: None, disabled_categories: disabled },
        })
        .boxed();
    prop_oneof![
        Just(Request::Reset),
        Just(Request::Goodbye),
        Just(Request::Commit),
        Just(Request::Rollback),
        Just(Request::Logoff),
        (0..4i64).prop_map(|api| Request::Telemetry { api }),
        demands.clone().prop_map(Request::Pull),
        demands.prop_map(Request::Discard),
        options.clone().prop_map(Request::Begin),
        (".{0,40}", maps_of(values()), options).prop_map(|(text, parameters, options)| Request::Run(Run {
            text,
            parameters,
            options
        })),
        ("[a-z]{1,5}", names(), names()).prop_map(|(scheme, principal, credentials)| Request::Logon(AuthToken {
            scheme,
            principal,
            credentials,
            realm: None
        })),
        (names(), prop::option::of(maps_of(leaves()))).prop_map(|(user_agent, routing)| Request::Hello(Hello {
            user_agent,
            routing,
            ..Hello::default()
        })),
        (maps_of(leaves()), names()).prop_map(|(routing, database)| Request::Route(Route {
            routing,
            database,
            ..Route::default()
        })),
    ]
}

fn node(id: u64) -> Arc<Node> {
    let mut properties = Map::new();
    properties.insert("name".into(), Value::string("n"));
    Arc::new(Node { id, element_id: id.to_string().into(), labels: vec!["A".into(), "B".into()], properties })
}

fn relationship(id: u64, start: u64, end: u64) -> Arc<Relationship> {
    Arc::new(Relationship {
        id,
        element_id: id.to_string().into(),
        kind: "KNOWS".into(),
        start,
        end,
        start_element_id: start.to_string().into(),
        end_element_id: end.to_string().into(),
        properties: Map::new(),
    })
}

#[test]
fn entities_come_back_in_every_dialect() {
    for version in Version::SERVED {
        let dialect = Dialect::of(version);
        check(&Value::Node(node(7)), dialect);
        check(&Value::Relationship(relationship(1, 7, 8)), dialect);
        // There, back again by the same relationship, and round a loop.
        let path = Path {
            nodes: vec![node(7), node(8), node(7), node(7)],
            relationships: vec![relationship(1, 7, 8), relationship(1, 7, 8), relationship(2, 7, 7)],
        };
        check(&Value::Path(Arc::new(path)), dialect);
        check(&Value::Path(Arc::new(Path { nodes: vec![node(9)], relationships: vec![] })), dialect);
    }
}

#[test]
fn old_dialects_write_fewer_fields() {
    assert_eq!(packed(&Value::Node(node(7)), Dialect::of(Version::V4_4))[..2], [0xB3, 0x4E]);
    assert_eq!(packed(&Value::Node(node(7)), Dialect::of(Version::V5_0))[..2], [0xB4, 0x4E]);
    let moment = DateTime { seconds: 0, nanos: 0, zone: Zone { offset_seconds: 60, name: None } };
    let moment = Value::DateTime(Box::new(moment));
    assert_eq!(packed(&moment, Dialect::of(Version::V4_4)), [0xB3, 0x46, 60, 0, 60]);
    assert_eq!(packed(&moment, Dialect { version: Version::V4_4, utc_patch: true }), [0xB3, 0x49, 0, 0, 60]);
    assert_eq!(packed(&moment, Dialect::of(Version::V5_0)), [0xB3, 0x49, 0, 0, 60]);
}

fn refuse(bytes: &[u8], expected: &str) {
    let error = Unpacker::of_request(bytes, Dialect::of(Version::V5_4)).value().expect_err("no value");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn hostile_bytes_are_refused_before_they_cost_anything() {
    let deep = vec![0x91; 100_000];
    refuse(&deep, &format!("values are nested deeper than {DEPTH_MAX} levels"));
    refuse(&[0xD6, 0x7F, 0xFF, 0xFF, 0xFF], "the message ends before its values do");
    refuse(&[0xDA, 0x80, 0, 0, 0], "the message ends before its values do");
    refuse(&[0xD2, 0x80, 0, 0, 0, b'x'], "the message ends before its values do");
    refuse(&[0xCE, 0xFF, 0xFF, 0xFF, 0xFF], "the message ends before its values do");
    refuse(&[0x82, 0xC3, 0x28], "a string is not valid UTF-8");
    refuse(&[0xC7], "0xC7 begins no value");
    refuse(&[0xB1, 0x21, 0x00], "structure 0x21 with 1 fields is not known here");
    refuse(&[0xB2, 0x44, 0x00, 0x00], "structure 0x44 with 2 fields is not known here");
    refuse(&[0xB3, 0x46, 0, 0, 0], "structure 0x46 with 3 fields is not known here");
    refuse(b"\xB3\x69\x00\x00\x83X/Y", "unknown time zone 'X/Y'");
    refuse(b"\xA1\x01\x01", "expected a string");
}

#[test]
fn long_results_are_split_into_chunks() {
    let dialect = Dialect::of(Version::V5_4);
    let long = Value::string("x".repeat(200_000));
    let mut outbox = Outbox::new(dialect);
    outbox.record([&long].into_iter()).expect("short enough");
    outbox.done();
    let mut framer = Framer::new(usize::MAX);
    framer.feed(outbox.bytes());
    let first = framer.next_message().expect("within bounds").expect("whole").to_vec();
    assert_eq!(Response::parse(&first, dialect), Ok(Response::Record(vec![long])));
    assert!(framer.next_message().expect("within bounds").is_some());
}
