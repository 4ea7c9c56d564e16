//! Functions over any value, and those that ask the session: `coalesce`, `valueType`, `timestamp`, ...

use std::collections::BTreeMap;

use types::compare::equals;
use types::{Failure, Value};

use super::error::wrong_type;
use super::{Function, FunctionContext, GRAPH_NAMES, GRAPH_OF_ELEMENT, GRAPH_PROPERTIES};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::pure(
        "coalesce",
        (1, usize::MAX),
        |context, arguments| context.copy(arguments.iter().find(|value| !value.is_null())),
        "coalesce(input :: ANY, ...) :: ANY",
        "Returns the first value that is not null.",
    ),
    Function::pure(
        "nullIf",
        (2, 2),
        |context, arguments| context.copy(arguments.first().filter(|first| equals(first, &arguments[1]) != Some(true))),
        "nullIf(v1 :: ANY, v2 :: ANY) :: ANY",
        "Returns null if both values are equal, else the first.",
    ),
    Function::pure(
        "valueType",
        (1, 1),
        |_, arguments| Ok(Value::string(value_type(&arguments[0]))),
        "valueType(input :: ANY) :: STRING",
        "Returns the most precise type of a value.",
    ),
    Function::pure(
        "size",
        (1, 1),
        |_, arguments| size(&arguments[0]),
        "size(input :: STRING | LIST<ANY>) :: INTEGER",
        "Returns the number of characters of a string or of elements of a list.",
    ),
    Function::pure(
        "isEmpty",
        (1, 1),
        |_, arguments| is_empty(&arguments[0]),
        "isEmpty(input :: STRING | LIST<ANY> | MAP) :: BOOLEAN",
        "Returns true if a string, a list or a map holds nothing.",
    ),
    Function::impure(
        "randomUUID",
        (0, 0),
        |context, _| Ok(Value::string(random_uuid(context))),
        "randomUUID() :: STRING",
        "Returns a random UUID.",
    ),
    Function::impure(
        "timestamp",
        (0, 0),
        |context, _| Ok(Value::Integer(milliseconds(context.statement_nanos))),
        "timestamp() :: INTEGER",
        "Returns the statement's start in milliseconds since 1970-01-01T00:00:00Z.",
    ),
    Function::impure("database", (0, 0), database, "database() :: STRING", "Returns the name of the current database."),
    Function::impure("db", (0, 0), database, "db() :: STRING", "Returns the name of the current database."),
    Function::impure("db.name", (0, 0), database, "db.name() :: STRING", "Returns the name of the current database."),
    Function::impure(
        GRAPH_NAMES,
        (0, 0),
        |_, _| Ok(Value::Null),
        "graph.names() :: LIST<STRING>",
        "Returns the names of the databases that USE may name.",
    ),
    Function::impure(
        GRAPH_PROPERTIES,
        (1, 1),
        |_, _| Ok(Value::Null),
        "graph.propertiesByName(graphName :: STRING) :: MAP",
        "Returns the properties of an alias; those of a database are empty.",
    ),
    Function::impure(
        GRAPH_OF_ELEMENT,
        (1, 1),
        |_, arguments| database_id(&arguments[0]),
        "db.nameFromElementId(elementId :: STRING) :: STRING",
        "Returns the name of the database that an element id comes from; null where none is known by it.",
    ),
    Function::impure(
        "linenumber",
        (0, 0),
        |context, _| Ok(context.linenumber.map_or(Value::Null, Value::Integer)),
        "linenumber() :: INTEGER",
        "Returns the line that LOAD CSV read last.",
    ),
    Function::impure(
        "file",
        (0, 0),
        |context, _| Ok(context.file.clone().map_or(Value::Null, Value::String)),
        "file() :: STRING",
        "Returns the path of the file that LOAD CSV reads.",
    ),
];

fn database(context: &mut FunctionContext<'_>, _: &[Value]) -> Result<Value, Failure> {
    Ok(Value::from(context.database))
}

/// Gives the id of the database that an element id holds: `4:database:number`.
fn database_id(element: &Value) -> Result<Value, Failure> {
    match element {
        Value::Null => Ok(Value::Null),
        Value::String(text) => Ok(text.split(':').nth(1).map_or(Value::Null, Value::from)),
        other => Err(wrong_type(GRAPH_OF_ELEMENT, "a String", other)),
    }
}

fn size(value: &Value) -> Result<Value, Failure> {
    let size = match value {
        Value::Null => return Ok(Value::Null),
        Value::String(text) => text.chars().count(),
        Value::List(items) => items.len(),
        Value::Bytes(bytes) => bytes.len(),
        other => return Err(wrong_type("size", "a String or List", other)),
    };
    Ok(Value::Integer(i64::try_from(size).unwrap_or(i64::MAX)))
}

fn is_empty(value: &Value) -> Result<Value, Failure> {
    Ok(Value::Boolean(match value {
        Value::Null => return Ok(Value::Null),
        Value::String(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        other => return Err(wrong_type("isEmpty", "a String, List or Map", other)),
    }))
}

/// Rounds down, so that a moment before 1970 falls into its own millisecond.
fn milliseconds(nanos: i128) -> i64 {
    i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

fn random_uuid(context: &mut FunctionContext<'_>) -> String {
    let bits = (u128::from((context.random)()) << 64) | u128::from((context.random)());
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
}

/// Names the most precise type of a value: `LIST<INTEGER NOT NULL> NOT NULL`.
#[must_use]
pub fn value_type(value: &Value) -> String {
    let type_ = closed_type(value).1;
    if value.is_null() { type_ } else { format!("{type_} NOT NULL") }
}

/// Gives a type's place in the order in which unions name types, and its name without `NOT NULL`.
fn closed_type(value: &Value) -> (u8, String) {
    let (place, name) = match value {
        Value::Null => (0, "NULL"),
        Value::Boolean(_) => (1, "BOOLEAN"),
        Value::String(_) => (2, "STRING"),
        Value::Integer(_) => (3, "INTEGER"),
        Value::Float(_) => (4, "FLOAT"),
        Value::Date(_) => (5, "DATE"),
        Value::LocalTime(_) => (6, "LOCAL TIME"),
        Value::Time(_) => (7, "ZONED TIME"),
        Value::LocalDateTime(_) => (8, "LOCAL DATETIME"),
        Value::DateTime(_) => (9, "ZONED DATETIME"),
        Value::Duration(_) => (10, "DURATION"),
        Value::Point(_) => (11, "POINT"),
        Value::Node(_) | Value::NodeRef(_) => (12, "NODE"),
        Value::Relationship(_) | Value::RelationshipRef(_) => (13, "RELATIONSHIP"),
        Value::Map(_) => (14, "MAP"),
        Value::List(items) => return (15, list_type(items)),
        Value::Path(_) | Value::PathRef(_) => (16, "PATH"),
        Value::Bytes(_) => (17, "BYTEARRAY"),
    };
    (place, name.to_owned())
}

/// Joins the elements' types; a null among them makes each of them nullable.
fn list_type(items: &[Value]) -> String {
    let kinds: BTreeMap<(u8, String), ()> = items.iter().map(|item| (closed_type(item), ())).collect();
    let nullable = kinds.keys().any(|(place, _)| *place == 0);
    let suffix = if nullable { "" } else { " NOT NULL" };
    let names: Vec<String> =
        kinds.keys().filter(|(place, _)| *place != 0).map(|(_, name)| format!("{name}{suffix}")).collect();
    match (names.is_empty(), nullable) {
        (true, true) => "LIST<NULL>".to_owned(),
        (true, false) => "LIST<NOTHING>".to_owned(),
        _ => format!("LIST<{}>", names.join(" | ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NULL, check, list, map, values};
    use types::Value;

    #[test]
    fn choosing_values() {
        check("coalesce", values![NULL, 1, 2], "1");
        check("coalesce", values![NULL], "null");
        check("nullIf", values![1, 1.0], "null");
        check("nullIf", values![1, 2], "1");
        check("nullIf", values![NULL, NULL], "null");
    }

    #[test]
    fn sizes() {
        check("size", values!["hällo"], "5");
        check("size", [list(values![1, NULL])], "2");
        check("size", values![NULL], "null");
        check(
            "size",
            values![1],
            "TypeError: Invalid input for function 'size()': Expected a String or List, got: Integer(1) (InvalidArgumentType)",
        );
        check("isEmpty", values![""], "true");
        check("isEmpty", [map([])], "true");
        check("isEmpty", [list(values![1])], "false");
        check(
            "isEmpty",
            values![1],
            "TypeError: Invalid input for function 'isEmpty()': Expected a String, List or Map, got: Integer(1) (InvalidArgumentType)",
        );
    }

    #[test]
    fn types_of_values() {
        let check_type = |value: Value, expected: &str| check("valueType", [value], &format!("'{expected}'"));
        check_type(NULL, "NULL");
        check_type(true.into(), "BOOLEAN NOT NULL");
        check_type("x".into(), "STRING NOT NULL");
        check_type(map([]), "MAP NOT NULL");
        check_type(list([]), "LIST<NOTHING> NOT NULL");
        check_type(list([NULL]), "LIST<NULL> NOT NULL");
        check_type(list(values!["a", 2.0, 1, 2]), "LIST<STRING NOT NULL | INTEGER NOT NULL | FLOAT NOT NULL> NOT NULL");
        check_type(list(values![1, NULL]), "LIST<INTEGER> NOT NULL");
        check_type(list([list(values![1])]), "LIST<LIST<INTEGER NOT NULL> NOT NULL> NOT NULL");
        check_type(Value::Date(types::Date { days: 0 }), "DATE NOT NULL");
    }

    #[test]
    fn what_the_session_knows() {
        check("timestamp", [], "1500000000123");
        check("database", [], "'films'");
        check("db.name", [], "'films'");
        check("DB", [], "'films'");
        check("linenumber", [], "3");
        check("file", [], "null");
        check("randomUUID", [], "'80000000-0000-4000-8000-000000000000'");
    }
}
