//! Bytes to requests.

use std::time::Duration;

use types::{Map, Value};

use super::{AuthToken, Demand, Filter, Hello, Mode, Options, Request, RequestError, Route, Run, signature};
use crate::packstream::{UnpackError, Unpacker};
use crate::version::Dialect;

impl Request {
    /// Reads one message, as [`crate::Framer`] gives it.
    pub fn parse(message: &[u8], dialect: Dialect) -> Result<Self, RequestError> {
        let mut reader = Unpacker::of_request(message, dialect);
        let (fields, signature) = reader.structure_header()?;
        let request = match (signature, fields) {
            (signature::HELLO, 1) => Self::Hello(hello(&mut reader, dialect)?),
            (signature::LOGON, 1) if dialect.has_logon() => Self::Logon(logon(&mut reader)?),
            (signature::LOGOFF, 0) if dialect.has_logon() => Self::Logoff,
            (signature::TELEMETRY, 1) if dialect.has_telemetry() => Self::Telemetry { api: telemetry(&mut reader)? },
            (signature::GOODBYE, 0) => Self::Goodbye,
            (signature::RESET, 0) => Self::Reset,
            (signature::RUN, 3) => Self::Run(run(&mut reader)?),
            (signature::BEGIN, 1) => Self::Begin(options(&mut reader)?),
            (signature::PULL, 1) => Self::Pull(demand(&mut reader)?),
            (signature::DISCARD, 1) => Self::Discard(demand(&mut reader)?),
            (signature::COMMIT, 0) => Self::Commit,
            (signature::ROLLBACK, 0) => Self::Rollback,
            (signature::ROUTE, 3) => Self::Route(route(&mut reader, dialect)?),
            _ => return Err(unknown(signature, fields, dialect)),
        };
        reader.finish()?;
        Ok(request)
    }
}

/// Tells the bytes of memory that a message takes once it is read, from what comes with it.
pub fn weigh(message: &[u8], dialect: Dialect) -> Result<usize, RequestError> {
    let mut reader = Unpacker::of_request(message, dialect);
    let (fields, _) = reader.structure_header()?;
    let mut bytes = 0;
    for _ in 0..fields {
        bytes += reader.weigh()?;
    }
    reader.finish()?;
    Ok(bytes)
}

/// Tells whether a message is RESET, without reading it: a reset has to be seen ahead of the queue.
#[must_use]
pub fn is_reset(message: &[u8]) -> bool {
    message == [0xB0, signature::RESET]
}

fn unknown(signature: u8, fields: u8, dialect: Dialect) -> RequestError {
    let known = match signature {
        signature::HELLO
        | signature::GOODBYE
        | signature::RESET
        | signature::RUN
        | signature::BEGIN
        | signature::COMMIT
        | signature::ROLLBACK
        | signature::DISCARD
        | signature::PULL
        | signature::ROUTE => true,
        signature::LOGON | signature::LOGOFF => dialect.has_logon(),
        signature::TELEMETRY => dialect.has_telemetry(),
        _ => false,
    };
    if known { RequestError::Fields { signature, fields } } else { RequestError::Unknown(signature) }
}

fn hello(reader: &mut Unpacker<'_>, dialect: Dialect) -> Result<Hello, RequestError> {
    let mut hello = Hello::default();
    let mut auth = AuthToken::default();
    for _ in 0..reader.map_header()? {
        match reader.string()? {
            "user_agent" => hello.user_agent = text(reader, "user_agent")?,
            "routing" => hello.routing = map(reader, "routing")?,
            "bolt_agent" => hello.bolt_agent = map(reader, "bolt_agent")?,
            "patch_bolt" => hello.patches = texts(reader, "patch_bolt")?.unwrap_or_default(),
            key if filter(reader, key, &mut hello.filter)? => {}
            key => credential(reader, key, &mut auth)?,
        }
    }
    if !dialect.has_logon() {
        hello.auth = Some(with_scheme(auth));
    }
    Ok(hello)
}

fn logon(reader: &mut Unpacker<'_>) -> Result<AuthToken, RequestError> {
    let mut auth = AuthToken::default();
    for _ in 0..reader.map_header()? {
        let key = reader.string()?;
        credential(reader, key, &mut auth)?;
    }
    Ok(with_scheme(auth))
}

/// A client without credentials sends no scheme at all.
fn with_scheme(mut auth: AuthToken) -> AuthToken {
    if auth.scheme.is_empty() {
        "none".clone_into(&mut auth.scheme);
    }
    auth
}

/// Reads one entry of an authentication map; passes over what is not one.
fn credential(reader: &mut Unpacker<'_>, key: &str, auth: &mut AuthToken) -> Result<(), RequestError> {
    match key {
        "scheme" => auth.scheme = text(reader, "scheme")?.unwrap_or_default(),
        "principal" => auth.principal = text(reader, "principal")?,
        "credentials" => auth.credentials = text(reader, "credentials")?,
        "realm" => auth.realm = text(reader, "realm")?,
        _ => {
            reader.value()?;
        }
    }
    Ok(())
}

fn telemetry(reader: &mut Unpacker<'_>) -> Result<i64, RequestError> {
    let api = reader.integer()?;
    if (0..=3).contains(&api) {
        Ok(api)
    } else {
        Err(RequestError::Setting { key: "api", expected: "an integer from 0 to 3" })
    }
}

fn run(reader: &mut Unpacker<'_>) -> Result<Run, RequestError> {
    let text = reader.string()?.to_owned();
    let parameters = reader.map()?;
    Ok(Run { text, parameters, options: options(reader)? })
}

fn options(reader: &mut Unpacker<'_>) -> Result<Options, RequestError> {
    let mut options = Options::default();
    for _ in 0..reader.map_header()? {
        match reader.string()? {
            "db" => options.database = name(reader, "db")?,
            "imp_user" => options.impersonated_user = name(reader, "imp_user")?,
            "mode" => options.mode = mode(reader)?,
            "bookmarks" => options.bookmarks = texts(reader, "bookmarks")?.unwrap_or_default(),
            "tx_timeout" => options.timeout = timeout(reader)?,
            "tx_metadata" => options.metadata = map(reader, "tx_metadata")?.unwrap_or_default(),
            key if filter(reader, key, &mut options.filter)? => {}
            _ => {
                reader.value()?;
            }
        }
    }
    Ok(options)
}

/// Reads one entry about notifications, if `key` names one.
fn filter(reader: &mut Unpacker<'_>, key: &str, filter: &mut Filter) -> Result<bool, RequestError> {
    match key {
        "notifications_minimum_severity" => {
            filter.minimum_severity = text(reader, "notifications_minimum_severity")?;
        }
        "notifications_disabled_categories" => {
            filter.disabled_categories = texts(reader, "notifications_disabled_categories")?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn demand(reader: &mut Unpacker<'_>) -> Result<Demand, RequestError> {
    let mut rows = None;
    let mut demand = Demand::default();
    for _ in 0..reader.map_header()? {
        match reader.string()? {
            "n" => rows = Some(reader.integer()?),
            "qid" => demand.result = u64::try_from(reader.integer()?).ok(),
            _ => {
                reader.value()?;
            }
        }
    }
    demand.rows = match rows {
        Some(-1) => None,
        Some(rows @ 1..) => Some(rows.unsigned_abs()),
        _ => return Err(RequestError::Setting { key: "n", expected: "a positive integer or -1" }),
    };
    Ok(demand)
}

fn route(reader: &mut Unpacker<'_>, dialect: Dialect) -> Result<Route, RequestError> {
    let mut route = Route { routing: map(reader, "routing")?.unwrap_or_default(), ..Route::default() };
    route.bookmarks = texts(reader, "bookmarks")?.unwrap_or_default();
    if !dialect.has_route_options() {
        route.database = name(reader, "db")?;
        return Ok(route);
    }
    for _ in 0..reader.map_header()? {
        match reader.string()? {
            "db" => route.database = name(reader, "db")?,
            "imp_user" => route.impersonated_user = name(reader, "imp_user")?,
            _ => {
                reader.value()?;
            }
        }
    }
    Ok(route)
}

fn mode(reader: &mut Unpacker<'_>) -> Result<Mode, RequestError> {
    match text(reader, "mode")?.as_deref() {
        Some("r") => Ok(Mode::Read),
        Some("w") | None => Ok(Mode::Write),
        Some(_) => Err(RequestError::Setting { key: "mode", expected: "'r' or 'w'" }),
    }
}

fn timeout(reader: &mut Unpacker<'_>) -> Result<Option<Duration>, RequestError> {
    if reader.skip_null()? {
        return Ok(None);
    }
    let wrong = RequestError::Setting { key: "tx_timeout", expected: "milliseconds from 0" };
    let millis = reader.integer().map_err(|error| setting_error(error, &wrong))?;
    u64::try_from(millis).map(|millis| Some(Duration::from_millis(millis))).map_err(|_| wrong)
}

/// Reads a name, where an empty one means none.
fn name(reader: &mut Unpacker<'_>, key: &'static str) -> Result<Option<String>, RequestError> {
    Ok(text(reader, key)?.filter(|name| !name.is_empty()))
}

fn text(reader: &mut Unpacker<'_>, key: &'static str) -> Result<Option<String>, RequestError> {
    if reader.skip_null()? {
        return Ok(None);
    }
    match reader.string() {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(error) => Err(setting_error(error, &RequestError::Setting { key, expected: "a string" })),
    }
}

fn texts(reader: &mut Unpacker<'_>, key: &'static str) -> Result<Option<Vec<String>>, RequestError> {
    let wrong = || RequestError::Setting { key, expected: "a list of strings" };
    match reader.value()? {
        Value::Null => Ok(None),
        Value::List(items) => items
            .iter()
            .map(|item| if let Value::String(text) = item { Ok(text.to_string()) } else { Err(wrong()) })
            .collect::<Result<_, _>>()
            .map(Some),
        _ => Err(wrong()),
    }
}

fn map(reader: &mut Unpacker<'_>, key: &'static str) -> Result<Option<Map>, RequestError> {
    match reader.value()? {
        Value::Null => Ok(None),
        Value::Map(entries) => Ok(Some(Map::clone(&entries))),
        _ => Err(RequestError::Setting { key, expected: "a map" }),
    }
}

/// A value of another type is a wrong setting; anything else about the bytes stays what it is.
fn setting_error(error: UnpackError, wrong: &RequestError) -> RequestError {
    match error {
        UnpackError::Expected { .. } => wrong.clone(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Version;

    fn check(message: &[u8], version: Version, expected: &str) {
        let got = match Request::parse(message, Dialect::of(version)) {
            Ok(request) => format!("{request:?}"),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn route_names_a_database_without_a_map_in_4_3() {
        let found = "Route(Route { routing: {}, bookmarks: [], database: Some(\"a\"), impersonated_user: None })";
        check(b"\xB3\x66\xA0\x90\x81a", Version::V4_3, found);
        check(b"\xB3\x66\xA0\x90\xA1\x82db\x81a", Version::V4_4, found);
        check(b"\xB3\x66\xA0\x90\xC0", Version::V4_3, &found.replace("Some(\"a\")", "None"));
    }

    #[test]
    fn pull_needs_a_count() {
        check(b"\xB1\x3F\xA1\x81n\x0A", Version::V5_4, "Pull(Demand { rows: Some(10), result: None })");
        check(b"\xB1\x3F\xA2\x81n\xFF\x83qid\x03", Version::V4_4, "Pull(Demand { rows: None, result: Some(3) })");
        check(b"\xB1\x3F\xA2\x81n\xFF\x83qid\xFF", Version::V4_4, "Pull(Demand { rows: None, result: None })");
        check(b"\xB1\x2F\xA0", Version::V5_4, "error: 'n' must be a positive integer or -1");
        check(b"\xB1\x3F\xA1\x81n\x00", Version::V5_4, "error: 'n' must be a positive integer or -1");
    }

    #[test]
    fn messages_belong_to_versions() {
        check(b"\xB0\x6B", Version::V5_1, "Logoff");
        check(b"\xB0\x6B", Version::V5_0, "error: message 0x6B is not known in this protocol version");
        check(b"\xB1\x54\x03", Version::V5_4, "Telemetry { api: 3 }");
        check(b"\xB1\x54\x03", Version::V5_3, "error: message 0x54 is not known in this protocol version");
        check(b"\xB1\x0F\x01", Version::V5_4, "error: message 0x0F cannot have 1 fields");
        check(b"\xB0\x77", Version::V5_4, "error: message 0x77 is not known in this protocol version");
        check(b"\xB0\x0F\x00", Version::V5_4, "error: the message goes on after its last value");
    }

    #[test]
    fn credentials_are_not_printed() {
        check(
            b"\xB1\x6A\xA3\x86scheme\x85basic\x89principal\x83ann\x8Bcredentials\x83pwd",
            Version::V5_4,
            "Logon(AuthToken { scheme: \"basic\", principal: Some(\"ann\"), credentials: Some(\"******\"), realm: None })",
        );
    }

    #[test]
    fn entities_are_no_parameters() {
        let message = b"\xB3\x10\x81x\xA1\x81p\xB4\x4E\x01\x90\xA0\x811\xA0";
        check(message, Version::V5_4, "error: a node cannot be a parameter");
        let error = Request::parse(message, Dialect::of(Version::V5_4)).expect_err("a node");
        assert!(!error.is_malformed());
        assert_eq!(error.code(), types::Code::TypeError);
    }
}
