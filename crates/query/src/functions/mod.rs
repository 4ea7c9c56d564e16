//! The functions of Cypher: a table by name, each a plain function over values.
//! Leaves entities to the executor (it asks the source) and names in scope to the binder; both read this table.
//! Start reading at [`find`] and [`Function`].

pub mod aggregate;
pub mod apoc;
mod category;
mod convert;
mod entity;
mod error;
mod general;
mod list;
mod long_text;
mod number;
pub mod operators;
mod pattern;
mod point;
pub mod property;
mod string;
mod temporal;
#[cfg(test)]
mod testing;
mod trigonometry;
pub mod typed;
mod vector;

use std::collections::HashMap;
use std::sync::LazyLock;

use compact_str::CompactString;
use types::{Code, Failure, Value};

pub use aggregate::{Accumulator, AggregateKind, accumulator};
pub use entity::EntityFunction;
pub use general::value_type;
pub use list::range_bounds;

/// What a function may ask of the statement around it.
pub struct FunctionContext<'a> {
    /// The moment when the statement began, in nanoseconds since 1970-01-01T00:00:00Z.
    pub statement_nanos: i128,
    /// The moment when the transaction began, in nanoseconds since 1970-01-01T00:00:00Z.
    pub transaction_nanos: i128,
    /// Tells the moment now, in nanoseconds since 1970-01-01T00:00:00Z; it may move within the statement.
    pub realtime_nanos: &'a dyn Fn() -> i128,
    /// Gives 64 random bits.
    pub random: &'a mut dyn FnMut() -> u64,
    /// The name of the database that the expression runs on.
    pub database: &'a str,
    /// The line that `LOAD CSV` read last.
    pub linenumber: Option<i64>,
    /// The file that `LOAD CSV` reads.
    pub file: Option<CompactString>,
    /// Bytes that the result of one call may take now.
    pub memory_max_bytes: usize,
    /// Bytes that the statement may hold altogether.
    pub limit_bytes: usize,
}

impl FunctionContext<'_> {
    /// Refuses a result that is larger than a call may make, before it is made.
    fn reserve_bytes(&self, bytes: usize) -> Result<(), Failure> {
        if bytes <= self.memory_max_bytes {
            return Ok(());
        }
        let (left, limit) = (self.memory_max_bytes, self.limit_bytes);
        let text = format!(
            "The result needs {bytes} bytes, more than the {left} bytes that it may take now of the limit of {limit} bytes."
        );
        Err(Failure::new(Code::MemoryLimit, text))
    }

    /// Refuses copies of values for which there is no room.
    fn reserve_copies(&self, values: &[Value]) -> Result<(), Failure> {
        self.reserve_bytes(Value::copied_bytes(values))
    }

    /// Copies a value, where there is room; null where there is none.
    fn copy(&self, value: Option<&Value>) -> Result<Value, Failure> {
        self.reserve_bytes(value.map_or(0, Value::long_bytes))?;
        Ok(value.cloned().unwrap_or_default())
    }
}

/// A function over values; the number of arguments was checked by the binder.
pub type ScalarFunction = fn(&mut FunctionContext<'_>, &[Value]) -> Result<Value, Failure>;

/// Who computes a function.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// The function itself, from its arguments alone.
    Scalar(ScalarFunction),
    /// The executor, because it needs the source behind an entity.
    Entity(EntityFunction),
    /// An accumulator over a group of rows.
    Aggregate(AggregateKind),
}

/// One row of the table of functions.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// The canonical spelling; names are found in any case.
    pub name: &'static str,
    /// Fewest and most arguments.
    pub arity: (usize, usize),
    /// Whether the same arguments give the same result for as long as a plan is kept.
    pub deterministic: bool,
    /// Who computes it.
    pub kind: Kind,
    /// The signature as `SHOW FUNCTIONS` prints it.
    pub signature: &'static str,
    /// One sentence for `SHOW FUNCTIONS`.
    pub description: &'static str,
}

impl Function {
    /// Tells whether the function folds many rows into one value.
    #[must_use]
    pub fn is_aggregate(&self) -> bool {
        matches!(self.kind, Kind::Aggregate(_))
    }

    /// Makes a row of the table whose result depends on its arguments alone.
    const fn pure(
        name: &'static str,
        arity: (usize, usize),
        function: ScalarFunction,
        signature: &'static str,
        description: &'static str,
    ) -> Self {
        Self { name, arity, deterministic: true, kind: Kind::Scalar(function), signature, description }
    }

    /// Makes a row of the table whose result also depends on the moment, on chance or on the session.
    const fn impure(
        name: &'static str,
        arity: (usize, usize),
        function: ScalarFunction,
        signature: &'static str,
        description: &'static str,
    ) -> Self {
        Self { name, arity, deterministic: false, kind: Kind::Scalar(function), signature, description }
    }
}

/// The table, a slice for each file.
const TABLE: &[&[Function]] = &[
    aggregate::FUNCTIONS,
    apoc::FUNCTIONS,
    convert::FUNCTIONS,
    entity::FUNCTIONS,
    general::FUNCTIONS,
    list::FUNCTIONS,
    number::FUNCTIONS,
    point::FUNCTIONS,
    string::FUNCTIONS,
    temporal::FUNCTIONS,
    trigonometry::FUNCTIONS,
    vector::FUNCTIONS,
];

/// The table sorted by name, and a way in by lower-case name.
struct Index {
    sorted: Vec<&'static Function>,
    by_name: HashMap<String, &'static Function>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut sorted: Vec<&'static Function> = TABLE.iter().flat_map(|rows| rows.iter()).collect();
    sorted.sort_by_key(|function| function.name.to_ascii_lowercase());
    let by_name = sorted.iter().map(|function| (function.name.to_ascii_lowercase(), *function)).collect();
    Index { sorted, by_name }
});

/// Finds a function by its name in any case, dots included.
#[must_use]
pub fn find(name: &str) -> Option<&'static Function> {
    INDEX.by_name.get(name.to_ascii_lowercase().as_str()).copied()
}

/// Lists every function, sorted by name.
#[must_use]
pub fn all() -> &'static [&'static Function] {
    &INDEX.sorted
}

/// The function that lists graphs; whoever runs a plan gives its value as the parameter of this name.
pub const GRAPH_NAMES: &str = "graph.names";
/// The function that tells what is kept with a graph's name; its parameter has the properties by name.
pub const GRAPH_PROPERTIES: &str = "graph.propertiesByName";

/// The function that names the database of an element id; its parameter has the names by the ids of databases.
pub const GRAPH_OF_ELEMENT: &str = "db.nameFromElementId";

/// Suggests the function whose name is nearest to a misspelt one.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    nearest_of(name, INDEX.sorted.iter().map(|function| function.name))
}

/// Suggests the name that is nearest to a misspelt one.
#[must_use]
pub fn nearest_of<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let typed = name.to_ascii_lowercase();
    // A third of the letters may be wrong; more would suggest anything for short names.
    let distance_max = (typed.chars().count() / 3).clamp(1, 3);
    known
        .map(|known| (edit_distance(&typed, &known.to_ascii_lowercase()), known))
        .filter(|(distance, _)| *distance <= distance_max)
        .min()
        .map(|(_, name)| name)
}

/// Counts the letters to insert, drop, replace or swap with their neighbour.
fn edit_distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, from) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, to) in right.iter().enumerate() {
            let mut best = (last[column] + usize::from(from != to)).min(last[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && *from == right[column - 1] && left[row - 1] == *to {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(find("TOUPPER").map(|function| function.name), Some("toUpper"));
        assert_eq!(find("Point.Distance").map(|function| function.name), Some("point.distance"));
        assert!(find("labels").is_some_and(|function| matches!(function.kind, Kind::Entity(EntityFunction::Labels))));
        assert!(find("count").is_some_and(Function::is_aggregate));
        assert!(find("no.such").is_none());
    }

    #[test]
    fn misspelt_names_get_a_suggestion() {
        let check = |typed: &str, expected: Option<&str>| assert_eq!(nearest(typed), expected, "{typed}");
        check("toUper", Some("toUpper"));
        check("colect", Some("collect"));
        check("sizee", Some("size"));
        check("tostirng", Some("toString"));
        check("xyzzyx", None);
    }

    /// Values of every type, the awkward ones first.
    fn samples() -> Vec<Value> {
        use testing::{list, map, values};
        let mut samples = Vec::from(values![i64::MIN, f64::NAN, -1, 1e300, "", "é", "2024-02-30T25", 0, 2.5]);
        let point = types::Point { srid: 4326, x: 200.0, y: -90.0, z: None };
        let duration = types::Duration { months: i64::MAX, days: i64::MIN, seconds: 1, nanos: 0 };
        samples.extend([Value::Null, Value::Boolean(true), list([]), list(samples.clone()), map([])]);
        samples.push(map([("x", 1.into()), ("year", i64::MAX.into()), ("timezone", "nowhere".into())]));
        samples.extend([Value::Point(Box::new(point)), Value::Duration(Box::new(duration))]);
        samples.push(Value::Date(types::Date { days: -1 }));
        samples.push(Value::NodeRef(types::NodeRef { source: 0, id: types::NodeId(1) }));
        samples
    }

    /// Lists all ways to give `count` arguments.
    fn combinations(samples: &[Value], count: usize) -> Vec<Vec<Value>> {
        if count == 0 {
            return vec![Vec::new()];
        }
        let shorter = combinations(samples, count - 1);
        let longer = |value: &Value| {
            shorter.iter().map(|head| [head.as_slice(), std::slice::from_ref(value)].concat()).collect::<Vec<_>>()
        };
        samples.iter().flat_map(longer).collect()
    }

    #[test]
    fn no_argument_makes_a_function_panic() {
        let samples = samples();
        let mut random = || 7;
        let mut context = testing::context(&mut random);
        for function in all() {
            let Kind::Scalar(call) = function.kind else { continue };
            let (fewest, most) = function.arity;
            for count in fewest..=most.min(3) {
                for arguments in combinations(&samples, count) {
                    // Any result will do; wrong arguments are failures, never panics.
                    let _ = call(&mut context, &arguments);
                }
            }
        }
    }

    #[test]
    fn the_table_is_in_order() {
        let names: Vec<String> = all().iter().map(|function| function.name.to_ascii_lowercase()).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "a name is listed twice");
        for function in all() {
            let (fewest, most) = function.arity;
            assert!(fewest <= most, "{}", function.name);
            assert!(function.signature.starts_with(function.name), "{}", function.name);
            assert!(function.description.ends_with('.'), "{}", function.name);
        }
    }
}
