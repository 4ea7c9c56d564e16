//! What a database may hold, and how hard it may be used: the limits, their names, and how their values are read.
//!
//! A limit that is set on a database wins over one of the user's role, and that over the server's default. 0 says that
//! there is none. What is enforced where is the business of `instance` and `graph`.

use std::fmt;
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use types::{Code, DatabaseName, Failure, Value};

use crate::catalog::Step;
use crate::rights::RightsStep;
use crate::{Catalog, CatalogError, Database, Names, Principal};

/// What can be bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Limit {
    /// Nodes.
    MaxNodes,
    /// Relationships.
    MaxEdges,
    /// Bytes that hold live data, indexes included.
    MaxStorageBytes,
    /// Time of one statement.
    MaxQueryTime,
    /// Rows that one statement gives.
    MaxResults,
    /// Whether more rows are cut off or refused.
    MaxResultsPolicy,
    /// Statements that run at a time.
    MaxConcurrentQueries,
    /// Memory of one statement.
    MaxQueryMemory,
    /// Connections at a time.
    MaxConnections,
    /// Connections of one user at a time.
    MaxConnectionsPerUser,
    /// Statements a second.
    MaxQueriesPerSecond,
    /// Statements at once after a rest.
    MaxQueriesBurst,
    /// Writing statements a second.
    MaxWritesPerSecond,
    /// Writing statements at once after a rest.
    MaxWritesBurst,
    /// Whether a statement counts as one write, or each change that it made.
    MaxWritesCounted,
}

/// How many there are.
pub const LIMITS: usize = 15;

/// In what a limit is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A number of bytes.
    Bytes,
    /// Milliseconds.
    Time,
    /// One of two words: the first stands for 0, the second for 1.
    Choice([&'static str; 2]),
}

/// What there is to know of a limit.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// How it is written.
    pub name: &'static str,
    /// How else it may be written.
    pub synonym: Option<&'static str>,
    /// In what it is measured.
    pub unit: Unit,
    /// Whether a role may have it too: it then bounds each user of the role by himself.
    pub suits_roles: bool,
    /// What it does.
    pub description: &'static str,
}

const fn about(name: &'static str, unit: Unit, suits_roles: bool, description: &'static str) -> About {
    About { name, synonym: None, unit, suits_roles, description }
}

impl Limit {
    /// Every limit, in the order in which they are listed.
    pub const ALL: [Self; LIMITS] = [
        Self::MaxNodes,
        Self::MaxEdges,
        Self::MaxStorageBytes,
        Self::MaxQueryTime,
        Self::MaxResults,
        Self::MaxResultsPolicy,
        Self::MaxConcurrentQueries,
        Self::MaxQueryMemory,
        Self::MaxConnections,
        Self::MaxConnectionsPerUser,
        Self::MaxQueriesPerSecond,
        Self::MaxQueriesBurst,
        Self::MaxWritesPerSecond,
        Self::MaxWritesBurst,
        Self::MaxWritesCounted,
    ];

    /// Tells what there is to know of it.
    #[must_use]
    pub const fn about(self) -> About {
        match self {
            Self::MaxNodes => about("max_nodes", Unit::Count, false, "Nodes in the database"),
            Self::MaxEdges => about("max_edges", Unit::Count, false, "Relationships in the database"),
            Self::MaxStorageBytes => About {
                synonym: Some("max_bytes"),
                ..about("max_storage_bytes", Unit::Bytes, false, "Bytes of live data, indexes included")
            },
            Self::MaxQueryTime => about("max_query_time", Unit::Time, true, "Time that one statement may take"),
            Self::MaxResults => about("max_results", Unit::Count, true, "Rows that one statement may return"),
            Self::MaxResultsPolicy => about(
                "max_results_policy",
                Unit::Choice(["truncate", "fail"]),
                true,
                "What becomes of a statement with more rows: truncate or fail",
            ),
            Self::MaxConcurrentQueries => {
                about("max_concurrent_queries", Unit::Count, true, "Statements that run at a time; others wait")
            }
            Self::MaxQueryMemory => about("max_query_memory", Unit::Bytes, true, "Memory that one statement may hold"),
            Self::MaxConnections => {
                about("max_connections", Unit::Count, false, "Sessions that use the database at a time")
            }
            Self::MaxConnectionsPerUser => {
                about("max_connections_per_user", Unit::Count, true, "Sessions of one user that use it at a time")
            }
            Self::MaxQueriesPerSecond => {
                about("max_queries_per_second", Unit::Count, true, "Statements a second, shared fairly among users")
            }
            Self::MaxQueriesBurst => {
                about("max_queries_burst", Unit::Count, true, "Statements at once after a rest; 0 for one second's")
            }
            Self::MaxWritesPerSecond => {
                about("max_writes_per_second", Unit::Count, true, "Writes a second, shared fairly among users")
            }
            Self::MaxWritesBurst => {
                about("max_writes_burst", Unit::Count, true, "Writes at once after a rest; 0 for one second's")
            }
            Self::MaxWritesCounted => about(
                "max_writes_counted",
                Unit::Choice(["statement", "row"]),
                true,
                "What counts as a write: each statement that writes, or each change that it makes (row)",
            ),
        }
    }

    fn is_choice(self) -> bool {
        matches!(self.about().unit, Unit::Choice(_))
    }

    /// Finds a limit by the name that somebody typed, in any case of letters.
    pub fn parse(typed: &str) -> Result<Self, LimitError> {
        let is_meant = |limit: &Self| {
            let About { name, synonym, .. } = limit.about();
            name.eq_ignore_ascii_case(typed) || synonym.is_some_and(|other| other.eq_ignore_ascii_case(typed))
        };
        Self::ALL
            .into_iter()
            .find(is_meant)
            .ok_or_else(|| LimitError::Unknown { name: typed.chars().take(80).collect() })
    }

    /// Reads a value: a number, `60s`, `PT1M`, `10GB`, a word; 0 and `unlimited` say that there is none.
    pub fn read(self, value: &Value) -> Result<u64, LimitError> {
        let About { name, unit, .. } = self.about();
        let read = match (value, unit) {
            // What a number would stand for, nobody can read.
            (Value::Integer(_), Unit::Choice(_)) => None,
            (Value::Integer(number), _) => u64::try_from(*number).ok(),
            (Value::Duration(duration), Unit::Time) => duration_millis(duration),
            (Value::String(text), _) => self.read_text(text.trim()),
            _ => None,
        };
        // What is kept fits a number of Cypher, so that it can be shown.
        let fitting = read.filter(|number| i64::try_from(*number).is_ok());
        fitting.ok_or_else(|| LimitError::Value { name, value: shown(value), hint: hint(unit) })
    }

    fn read_text(self, text: &str) -> Option<u64> {
        let is_number = !matches!(self.about().unit, Unit::Choice(_));
        if is_number && ["unlimited", "none"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Some(0);
        }
        match self.about().unit {
            Unit::Count => text.parse().ok(),
            Unit::Bytes => scaled(text, &SIZES),
            Unit::Time => scaled(text, &TIMES).or_else(|| {
                let duration = types::Duration::parse(text).ok()?;
                duration_millis(&duration)
            }),
            Unit::Choice(words) => {
                let at = words.iter().position(|word| word.eq_ignore_ascii_case(text))?;
                u64::try_from(at).ok()
            }
        }
    }

    /// Shows a value as people read it: `1m30s`, `10GB`, `unlimited`.
    #[must_use]
    pub fn show(self, value: u64) -> String {
        match self.about().unit {
            Unit::Choice(words) => words[usize::from(value == 1)].to_owned(),
            _ if value == 0 => "unlimited".to_owned(),
            Unit::Count => value.to_string(),
            Unit::Time => unscaled(value, &TIMES),
            Unit::Bytes => unscaled(value, &SIZES[..7]),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.about().name)
    }
}

const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZES: [(&str, u64); 13] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("KiB", 1 << 10),
    ("T", 1 << 40),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
    ("B", 1),
];

/// Reads a number, or numbers with their units: `60`, `0.5s`, `1h30m`, `1.5GiB`. Parts of the smallest unit are left out.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text;
    let mut sum: u64 = 0;
    loop {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'.')).count();
        let (number, behind) = rest.split_at(digits);
        let (number, behind) = (number.replace('_', ""), behind.trim_start());
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, behind) = behind.split_at(letters);
        // Without a unit it stands alone, and counts whole ones.
        if unit.is_empty() {
            return if rest.len() == text.len() && behind.is_empty() { number.parse().ok() } else { None };
        }
        let factor = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1;
        sum = sum.checked_add(times(&number, factor)?)?;
        if behind.is_empty() {
            return Some(sum);
        }
        rest = behind.trim_start();
    }
}

/// Multiplies a decimal number; what is not nothing does not become nothing, which would be no bound.
fn times(number: &str, factor: u64) -> Option<u64> {
    let Some((whole, part)) = number.split_once('.') else { return number.parse::<u64>().ok()?.checked_mul(factor) };
    let tenths = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let digits: u128 = part.parse().ok()?;
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    let part = u64::try_from(digits.checked_mul(u128::from(factor))? / tenths).ok()?;
    let product = whole.checked_add(part)?;
    (product > 0 || digits == 0).then_some(product)
}

/// Writes a number in the largest unit that divides it.
fn unscaled(value: u64, units: &[(&str, u64)]) -> String {
    match units.iter().find(|(_, factor)| value.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", value / factor),
        None => value.to_string(),
    }
}

/// Gives whole milliseconds; what is not nothing does not become nothing, which would be no bound.
fn duration_millis(duration: &types::Duration) -> Option<u64> {
    // A month has no fixed length, so that it is no bound for a statement.
    if duration.months != 0 {
        return None;
    }
    let seconds = duration.days.checked_mul(86_400)?.checked_add(duration.seconds)?;
    let millis = seconds.checked_mul(1_000)?.checked_add(i64::from(duration.nanos) / 1_000_000)?;
    let is_nothing = seconds == 0 && duration.nanos == 0;
    u64::try_from(millis).ok().filter(|millis| *millis > 0 || is_nothing)
}

/// Writes a value that is refused, as much of it as one can read.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.chars().take(80).collect::<String>()),
        other => types::text::literal(other).chars().take(80).collect(),
    }
}

fn hint(unit: Unit) -> String {
    match unit {
        Unit::Count => "Write a whole number; 0 for no limit".to_owned(),
        Unit::Bytes => "Write a number of bytes, or a size such as 10GB or 1.5GiB; 0 for no limit".to_owned(),
        Unit::Time => "Write 60s, 1h30m, 'PT1M' or a number of milliseconds; 0 for no limit".to_owned(),
        Unit::Choice([one, other]) => format!("Write {one} or {other}"),
    }
}

/// Values of some limits; those that are not set say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits([Option<u64>; LIMITS]);

impl Limits {
    /// Gives the value of a limit, where it is set; 0 is no bound.
    #[must_use]
    pub fn get(&self, limit: Limit) -> Option<u64> {
        self.0[limit as usize]
    }

    /// Sets a limit, or takes it back.
    pub fn set(&mut self, limit: Limit, value: Option<u64>) {
        self.0[limit as usize] = value;
    }

    /// Tells whether none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Gives those that are set.
    pub fn iter(&self) -> impl Iterator<Item = (Limit, u64)> {
        Limit::ALL.into_iter().filter_map(|limit| Some((limit, self.get(limit)?)))
    }
}

impl Serialize for Limits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(limit, value)| (limit.about().name, value)))
    }
}

impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = std::collections::BTreeMap::<String, u64>::deserialize(deserializer)?;
        let mut limits = Self::default();
        for (name, value) in written {
            // A limit that this server does not know cannot be kept by it, so it does not start over it either.
            limits.set(Limit::parse(&name).map_err(serde::de::Error::custom)?, Some(value));
        }
        Ok(limits)
    }
}

/// Why a limit was not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// There is no such limit; take one of those that are listed.
    #[error("Unknown limit '{name}'. The limits are: {}.", all_names())]
    Unknown {
        /// What was typed.
        name: String,
    },
    /// The value cannot be read; the hint says what to write.
    #[error("{value} is no value for the limit {name}. {hint}.")]
    Value {
        /// The limit.
        name: &'static str,
        /// What was given.
        value: String,
        /// What to write instead.
        hint: String,
    },
    /// A limit stands twice in one list; say once what is meant.
    #[error("The limit {name} is named twice.")]
    Twice {
        /// The limit.
        name: &'static str,
    },
    /// A role cannot have this limit; set it on a database.
    #[error("The limit {name} is one of a database and cannot be set on a role.")]
    NotOfRoles {
        /// The limit.
        name: &'static str,
    },
    /// `system` has no limits, so that it can always be reached to change some.
    #[error("The system database cannot have limits.")]
    System,
}

impl LimitError {
    /// Gives the code that a client sees.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unknown { .. } | Self::Value { .. } | Self::Twice { .. } | Self::NotOfRoles { .. } => {
                Code::ArgumentError
            }
            Self::System => Code::DatabaseProtected,
        }
    }
}

impl From<LimitError> for Failure {
    fn from(error: LimitError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// Refuses a list in which a limit stands twice, also under its other name.
pub fn check_once(limits: impl IntoIterator<Item = Limit>) -> Result<(), LimitError> {
    let mut seen = Limits::default();
    for limit in limits {
        if seen.get(limit).is_some() {
            return Err(LimitError::Twice { name: limit.about().name });
        }
        seen.set(limit, Some(0));
    }
    Ok(())
}

fn all_names() -> String {
    Limit::ALL.map(|limit| limit.about().name).join(", ")
}

/// Changes of limits; `None` takes one back.
pub type LimitChanges = [(Limit, Option<u64>)];

impl Catalog {
    /// Sets and takes back limits of a database, all at once; tells whether that changed anything.
    pub fn set_limits(&self, name: &DatabaseName, changes: &LimitChanges) -> Result<bool, CatalogError> {
        self.change(|names, now| {
            let missing = || CatalogError::DatabaseMissing { verb: "alter", name: name.clone() };
            let target = names.resolve(name.as_str()).map_err(|_| missing())?;
            let row = names.database(target.database).ok_or_else(missing)?;
            if row.name.is_system() {
                return Err(CatalogError::SystemProtected { verb: "set limits of" });
            }
            let limits = changed(&row.limits, changes);
            if limits == *row.limits {
                return Ok((Vec::new(), false));
            }
            let next = Database { limits: Arc::new(limits), updated_nanos: now, ..(**row).clone() };
            Ok((vec![Step::Database(next)], true))
        })
    }
}

impl Catalog {
    /// Sets and takes back limits of a role, all at once; tells whether that changed anything.
    pub fn set_role_limits(&self, role: &str, changes: &LimitChanges) -> Result<bool, CatalogError> {
        self.change(|names, _| {
            if !names.book().has_role(role) {
                return Err(CatalogError::RoleMissing { verb: "alter", role: role.chars().take(80).collect() });
            }
            let before = names.book().limits_of(role).map(|limits| Limits::clone(limits)).unwrap_or_default();
            let limits = changed(&before, changes);
            if limits == before {
                return Ok((Vec::new(), false));
            }
            Ok((vec![Step::Rights(RightsStep::RoleLimits(role.into(), limits))], true))
        })
    }
}

impl Names {
    /// Gives what the roles of somebody say of limits; nothing where no role says anything.
    #[must_use]
    pub fn limits_of(&self, principal: &Principal) -> Option<Arc<RoleLimits>> {
        let book = self.book();
        // The usual case, which costs one look.
        if !book.has_limits() {
            return None;
        }
        let user = book.user_by_id(principal.id()?)?;
        let found = user.all_roles().into_iter().filter_map(|role| book.limits_of(&role).cloned().map(|of| (role, of)));
        let roles: Vec<_> = found.collect();
        (!roles.is_empty()).then(|| Arc::new(RoleLimits::new(roles)))
    }

    /// Gives the limits of a role by name; nothing where it has none.
    #[must_use]
    pub fn role_limits(&self, role: &str) -> Option<&Arc<Limits>> {
        self.book().limits_of(role)
    }

    /// Tells whether there is such a role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.book().has_role(role)
    }
}

/// What the roles of one user say of limits; of several roles the most generous value holds.
#[derive(Clone, Debug)]
pub struct RoleLimits {
    limits: Arc<Limits>,
    roles: Vec<(CompactString, Arc<Limits>)>,
}

impl RoleLimits {
    fn new(roles: Vec<(CompactString, Arc<Limits>)>) -> Self {
        let each = roles.iter().map(|(_, limits)| Arc::clone(limits));
        let limits = each.reduce(|all, limits| Arc::new(most_generous(&all, &limits))).unwrap_or_default();
        Self { limits, roles }
    }

    /// Gives the value of a limit, where a role has it; 0 is no bound.
    #[must_use]
    pub fn get(&self, limit: Limit) -> Option<u64> {
        self.limits.get(limit)
    }

    /// Names the role whose value of a limit holds, the first of several that say the same.
    #[must_use]
    pub fn role_of(&self, limit: Limit) -> Option<&CompactString> {
        let value = self.get(limit)?;
        self.roles.iter().find(|(_, limits)| limits.get(limit) == Some(value)).map(|(role, _)| role)
    }
}

fn most_generous(one: &Limits, other: &Limits) -> Limits {
    let mut all = Limits::default();
    for limit in Limit::ALL {
        let value = match (one.get(limit), other.get(limit)) {
            // A role that says nothing bounds nothing by itself, yet it does not lift what another bounds.
            (one, None) => one,
            (None, other) => other,
            (Some(one), Some(other)) if limit.is_choice() => Some(one.min(other)),
            (Some(0), _) | (_, Some(0)) => Some(0),
            (Some(one), Some(other)) => Some(one.max(other)),
        };
        all.set(limit, value);
    }
    all
}

fn changed(limits: &Limits, changes: &LimitChanges) -> Limits {
    let mut limits = limits.clone();
    changes.iter().for_each(|(limit, value)| limits.set(*limit, *value));
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: impl Into<Value>, expected: &str) {
        let read = Limit::parse(name).and_then(|limit| Ok((limit, limit.read(&value.into())?)));
        let shown = match read {
            Ok((limit, value)) => format!("{limit} {value} {}", limit.show(value)),
            Err(error) => format!("{error}"),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn f46_values_have_many_spellings() {
        check("max_query_time", "60s", "max_query_time 60000 1m");
        check("MAX_QUERY_TIME", 60_000, "max_query_time 60000 1m");
        check("max_query_time", "PT1M30.5S", "max_query_time 90500 90500ms");
        check("max_query_time", "500ms", "max_query_time 500 500ms");
        check("max_query_time", "1500", "max_query_time 1500 1500ms");
        check("max_bytes", "10GB", "max_storage_bytes 10000000000 10GB");
        check("max_storage_bytes", "512 MiB", "max_storage_bytes 536870912 512MiB");
        check("max_storage_bytes", 4_096, "max_storage_bytes 4096 4096");
        check("max_nodes", 1_000, "max_nodes 1000 1000");
        check("max_nodes", "1000", "max_nodes 1000 1000");
        check("max_nodes", 0, "max_nodes 0 unlimited");
        check("max_nodes", "unlimited", "max_nodes 0 unlimited");
        check("max_results_policy", "FAIL", "max_results_policy 1 fail");
        check("max_query_time", "0.5s", "max_query_time 500 500ms");
        check("max_query_time", "1h30m", "max_query_time 5400000 90m");
        check("max_query_time", "1m 30s", "max_query_time 90000 90s");
        check("max_bytes", "1.5GiB", "max_storage_bytes 1610612736 1536MiB");
        check("max_bytes", "0.000GB", "max_storage_bytes 0 unlimited");
    }

    #[test]
    fn f46_no_limit_stands_twice() {
        let twice = check_once([Limit::MaxNodes, Limit::MaxStorageBytes, Limit::MaxNodes]);
        assert_eq!(twice.expect_err("it stands twice").to_string(), "The limit max_nodes is named twice.");
        assert!(check_once([Limit::MaxNodes, Limit::MaxEdges]).is_ok());
    }

    #[test]
    fn f46_what_is_refused_says_what_to_write() {
        check("max_nodes", -1, "-1 is no value for the limit max_nodes. Write a whole number; 0 for no limit.");
        check("max_nodes", 1.5, "1.5 is no value for the limit max_nodes. Write a whole number; 0 for no limit.");
        let time = "is no value for the limit max_query_time. Write 60s, 1h30m, 'PT1M' or a number of milliseconds; 0 for no limit.";
        check("max_query_time", "soon", &format!("'soon' {time}"));
        check("max_query_time", "P1M", &format!("'P1M' {time}"));
        check("max_query_time", "-PT1M", &format!("'-PT1M' {time}"));
        for nothing in ["0.0001s", "1.5", "1h30", "1.2.3s", ".s", "1.s", "5x", "s", "PT0.0001S", "-PT0.0001S"] {
            check("max_query_time", nothing, &format!("'{nothing}' {time}"));
        }
        let tiny = Value::Duration(Box::new(types::Duration { nanos: 999_999, ..types::Duration::default() }));
        let refused = Limit::MaxQueryTime.read(&tiny).expect_err("it would be no limit").to_string();
        assert!(refused.ends_with(time), "{refused}");
        check("max_query_time", "PT0.001S", "max_query_time 1 1ms");
        check("max_query_time", "PT0S", "max_query_time 0 unlimited");
        check("max_results_policy", 1, "1 is no value for the limit max_results_policy. Write truncate or fail.");
        for word in ["unlimited", "none"] {
            let text = format!("'{word}' is no value for the limit max_results_policy. Write truncate or fail.");
            check("max_results_policy", word, &text);
        }
        check("max_results_policy", 2, "2 is no value for the limit max_results_policy. Write truncate or fail.");
        check(
            "max_bytes",
            "99999999999999999999GB",
            "'99999999999999999999GB' is no value for the limit max_storage_bytes. Write a number of bytes, or a size such as 10GB or 1.5GiB; 0 for no limit.",
        );
        check(
            "max_edgse",
            1,
            "Unknown limit 'max_edgse'. The limits are: max_nodes, max_edges, max_storage_bytes, max_query_time, \
             max_results, max_results_policy, max_concurrent_queries, max_query_memory, max_connections, \
             max_connections_per_user, max_queries_per_second, max_queries_burst, max_writes_per_second, \
             max_writes_burst, max_writes_counted.",
        );
    }

    #[test]
    fn limits_survive_their_row() {
        let mut limits = Limits::default();
        limits.set(Limit::MaxNodes, Some(5));
        limits.set(Limit::MaxResults, Some(0));
        let bytes = rmp_serde::to_vec_named(&limits).expect("plain");
        assert_eq!(rmp_serde::from_slice::<Limits>(&bytes).expect("sound"), limits);
    }
}
