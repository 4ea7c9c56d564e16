//! The few functions of APOC that libraries put into the statements they send, under the names they use.
//! Leaves `apoc.any.property` of an entity to the executor, which asks its source.
//! Start reading at [`FUNCTIONS`].

use types::{Code, Failure, Map, Value, compare, effort};

use super::error::wrong_type;
use super::{Function, FunctionContext};

/// The version of APOC whose functions these are.
const VERSION: &str = "5.26.0";

pub(super) const FUNCTIONS: &[Function] = &[
    Function::pure(
        "apoc.any.property",
        (2, 2),
        |_, arguments| super::operators::index(&arguments[0], &arguments[1]),
        "apoc.any.property(thing :: ANY, key :: STRING) :: ANY",
        "Returns a property of a node, a relationship or a map by its name.",
    ),
    Function::pure(
        "apoc.coll.flatten",
        (1, 2),
        flatten,
        "apoc.coll.flatten(coll :: LIST<ANY>, recursive = false :: BOOLEAN) :: LIST<ANY>",
        "Returns one list of the elements of a list of lists, all the way down where it is recursive.",
    ),
    Function::pure(
        "apoc.coll.toSet",
        (1, 1),
        to_set,
        "apoc.coll.toSet(coll :: LIST<ANY>) :: LIST<ANY>",
        "Returns the different elements of a list, each at its first place.",
    ),
    Function::pure(
        "apoc.date.convertFormat",
        (2, 3),
        convert_format,
        "apoc.date.convertFormat(temporal :: STRING, currentFormat :: STRING, convertTo = 'yyyy-MM-dd' :: STRING) :: STRING",
        "Writes a date and time with a zone in another ISO format.",
    ),
    Function::pure(
        "apoc.map.clean",
        (3, 3),
        clean,
        "apoc.map.clean(map :: MAP, keys :: LIST<STRING>, values :: LIST<ANY>) :: MAP",
        "Returns a map without the given keys, the given values and nulls.",
    ),
    Function::pure(
        "apoc.meta.cypher.type",
        (1, 1),
        |_, arguments| Ok(Value::string(cypher_type(&arguments[0]))),
        "apoc.meta.cypher.type(value :: ANY) :: STRING",
        "Returns the name of the type of a value.",
    ),
    Function::pure(
        "apoc.meta.cypher.types",
        (1, 1),
        types,
        "apoc.meta.cypher.types(props :: MAP) :: MAP",
        "Returns a map of each key to the name of the type of its value.",
    ),
    // What it refuses depends on the rows, so that nobody may call it before there are any.
    Function::impure(
        "apoc.util.validatePredicate",
        (3, 3),
        |_, arguments| match refusal(arguments, "Failed to invoke function `apoc.util.validatePredicate`") {
            Some(failure) => Err(failure),
            None => Ok(true.into()),
        },
        "apoc.util.validatePredicate(predicate :: BOOLEAN, message :: STRING, params :: LIST<ANY>) :: BOOLEAN",
        "Returns true, or fails with a message where the predicate is true.",
    ),
    Function::pure(
        "apoc.version",
        (0, 0),
        |_, _| Ok(VERSION.into()),
        "apoc.version() :: STRING",
        "Returns the version of APOC whose procedures and functions are here.",
    ),
];

/// Names the type of a value as APOC does, lists without what they hold: `INTEGER`, `LOCAL_DATE_TIME`, `LIST`.
#[must_use]
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL",
        Value::Boolean(_) => "BOOLEAN",
        Value::Integer(_) => "INTEGER",
        Value::Float(_) => "FLOAT",
        Value::String(_) => "STRING",
        Value::List(_) => "LIST",
        Value::Map(_) => "MAP",
        Value::NodeRef(_) | Value::Node(_) => "NODE",
        Value::RelationshipRef(_) | Value::Relationship(_) => "RELATIONSHIP",
        Value::PathRef(_) | Value::Path(_) => "PATH",
        Value::Point(_) => "POINT",
        Value::Date(_) => "DATE",
        Value::LocalTime(_) => "LOCAL_TIME",
        Value::Time(_) => "TIME",
        Value::LocalDateTime(_) => "LOCAL_DATE_TIME",
        Value::DateTime(_) => "DATE_TIME",
        Value::Duration(_) => "DURATION",
        _ => "ANY",
    }
}

/// Gives the failure of `apoc.util.validate` and its sibling where their predicate is true; clients read its text.
#[must_use]
pub fn refusal(arguments: &[Value], what: &str) -> Option<Failure> {
    let [Value::Boolean(true), message, parameters] = arguments else { return None };
    let mut text = types::text::to_text(message).unwrap_or_default().to_string();
    if let Value::List(parameters) = parameters {
        for parameter in parameters.iter() {
            let Some(at) = ["%s", "%d"].iter().filter_map(|mark| text.find(mark)).min() else { break };
            text.replace_range(at..at + 2, &types::text::to_text(parameter).unwrap_or_default());
        }
    }
    let text = format!("{what}: Caused by: java.lang.RuntimeException: {text}");
    Some(Failure::new(Code::ProcedureCallFailed, text))
}

/// Writes a date and time as another of Java's ISO formats does; they differ in what they leave out.
fn convert_format(_: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (text, to) = match arguments {
        [Value::Null, ..] => return Ok(Value::Null),
        [Value::String(text), Value::String(_), Value::String(to)] => (text, to.as_str()),
        [Value::String(text), Value::String(_)] => (text, "yyyy-MM-dd"),
        [first, ..] => return Err(wrong_type("apoc.date.convertFormat", "a String", first)),
        [] => return Ok(Value::Null),
    };
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let (time, name) = time.split_once('[').map_or((time, ""), |(time, name)| (time, name.trim_end_matches(']')));
    let (clock, offset) = time.split_at(time.find(['Z', '+', '-']).unwrap_or(time.len()));
    // Seconds may be missing in what is read and never are in what is written.
    let clock = if clock.len() == "00:00".len() { format!("{clock}:00") } else { clock.to_owned() };
    let zone = if name.is_empty() { String::new() } else { format!("[{name}]") };
    Ok(Value::string(match to.to_ascii_lowercase().as_str() {
        "iso_zoned_date_time" | "iso_date_time" => format!("{date}T{clock}{offset}{zone}"),
        "iso_offset_date_time" => format!("{date}T{clock}{offset}"),
        "iso_local_date_time" => format!("{date}T{clock}"),
        "iso_local_time" => clock,
        "iso_date" | "iso_local_date" | "yyyy-mm-dd" => date.to_owned(),
        _ => {
            let text = format!("apoc.date.convertFormat cannot write the format '{to}'.");
            return Err(Failure::new(Code::ArgumentError, text));
        }
    }))
}

/// As [`type_name`], lists with what all their elements are: `LIST OF STRING`.
fn cypher_type(value: &Value) -> String {
    let Value::List(items) = value else { return type_name(value).to_owned() };
    let mut kinds = items.iter().map(type_name);
    let first = kinds.next().unwrap_or("ANY");
    format!("LIST OF {}", if kinds.all(|kind| kind == first) { first } else { "ANY" })
}

fn types(_: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    match &arguments[0] {
        Value::Null => Ok(Value::map(Map::new())),
        Value::Map(entries) => {
            let named = entries.iter().map(|(key, value)| (key.clone(), Value::string(cypher_type(value))));
            Ok(Value::map(named.collect()))
        }
        other => Err(wrong_type("apoc.meta.cypher.types", "a Map", other)),
    }
}

fn clean(_: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (entries, keys, values) = match arguments {
        [Value::Null, ..] => return Ok(Value::Null),
        [Value::Map(entries), keys, values] => (entries, list_or_nothing(keys)?, list_or_nothing(values)?),
        _ => return Err(wrong_type("apoc.map.clean", "a Map", &arguments[0])),
    };
    let stays = |(key, value): &(&compact_str::CompactString, &Value)| {
        let is_listed =
            |list: &[Value], value: &Value| list.iter().any(|item| compare::equals(item, value) == Some(true));
        !value.is_null() && !is_listed(keys, &Value::String((*key).clone())) && !is_listed(values, value)
    };
    let kept = entries.iter().filter(stays).map(|(key, value)| (key.clone(), value.clone()));
    Ok(Value::map(kept.collect()))
}

fn list_or_nothing(value: &Value) -> Result<&[Value], Failure> {
    match value {
        Value::Null => Ok(&[]),
        Value::List(items) => Ok(items),
        other => Err(Failure::new(Code::TypeError, format!("Expected a List, got: {}", other.type_name()))),
    }
}

fn to_set(_: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let items = match &arguments[0] {
        Value::Null => return Ok(Value::Null),
        Value::List(items) => items,
        other => return Err(wrong_type("apoc.coll.toSet", "a List", other)),
    };
    // Sorted, equal ones lie side by side; the first of them stays, at its own place.
    let mut order: Vec<usize> = (0..items.len()).collect();
    effort::sort_by(&mut order, 1, |left, right| compare::order(&items[*left], &items[*right]));
    order.dedup_by(|later, earlier| compare::order(&items[*later], &items[*earlier]).is_eq());
    order.sort_unstable();
    Ok(Value::list(order.into_iter().map(|at| items[at].clone()).collect()))
}

fn flatten(context: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let items = match &arguments[0] {
        Value::Null => return Ok(Value::Null),
        Value::List(items) => items,
        other => return Err(wrong_type("apoc.coll.flatten", "a List", other)),
    };
    let is_recursive = matches!(arguments.get(1), Some(Value::Boolean(true)));
    context.reserve_bytes(arguments[0].memory_bytes())?;
    let mut out = Vec::new();
    // A stack of our own: how deep lists lie in each other is up to whoever wrote them.
    let mut stack = vec![(items.iter(), 0_usize)];
    while let Some((items, depth)) = stack.last_mut() {
        let depth = *depth;
        match items.next() {
            None => {
                stack.pop();
            }
            Some(Value::List(inner)) if is_recursive || depth == 0 => stack.push((inner.iter(), depth + 1)),
            Some(item) => out.push(item.clone()),
        }
    }
    Ok(Value::list(out))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{context, list, map};
    use super::*;

    fn check(name: &str, arguments: &[Value], expected: &str) {
        let mut random = || 7;
        let function = super::super::find(name).expect("it is in the table");
        let super::super::Kind::Scalar(run) = function.kind else { panic!("{name} needs a source") };
        let shown = match run(&mut context(&mut random), arguments) {
            Ok(value) => types::text::literal(&value),
            Err(failure) => failure.message().to_owned(),
        };
        assert_eq!(shown, expected, "{name}");
    }

    #[test]
    fn lists_become_sets_and_flat() {
        check("apoc.coll.toSet", &[list([2.into(), 1.into(), 2.into(), Value::Null, Value::Null])], "[2, 1, null]");
        let nested = list([list([1.into(), list([2.into()])]), 3.into()]);
        check("apoc.coll.flatten", std::slice::from_ref(&nested), "[1, [2], 3]");
        check("apoc.coll.flatten", &[nested, true.into()], "[1, 2, 3]");
    }

    #[test]
    fn maps_lose_what_is_listed_and_nulls() {
        let whole = map([("a", 1.into()), ("b", Value::Null), ("c", "".into()), ("d", 2.into())]);
        check("apoc.map.clean", &[whole.clone(), list(["d".into()]), list(["".into()])], "{a: 1}");
        check("apoc.map.clean", &[whole, list([]), list([])], "{a: 1, c: '', d: 2}");
    }

    #[test]
    fn a_predicate_that_holds_fails() {
        let arguments = |holds: bool| [holds.into(), "no %s of %d".into(), list(["x".into(), 2.into()])];
        check("apoc.util.validatePredicate", &arguments(false), "true");
        let text =
            "Failed to invoke function `apoc.util.validatePredicate`: Caused by: java.lang.RuntimeException: no x of 2";
        check("apoc.util.validatePredicate", &arguments(true), text);
    }

    #[test]
    fn dates_are_written_in_other_formats() {
        let convert = |to: &str, expected: &str| {
            let arguments = ["2020-01-02T03:04+01:00[Europe/Berlin]".into(), "iso_zoned_date_time".into(), to.into()];
            check("apoc.date.convertFormat", &arguments, expected);
        };
        convert("iso_offset_date_time", "'2020-01-02T03:04:00+01:00'");
        convert("iso_local_date", "'2020-01-02'");
        convert("nonsense", "apoc.date.convertFormat cannot write the format 'nonsense'.");
    }

    #[test]
    fn types_are_named() {
        let properties = map([("a", 1.into()), ("b", list(["x".into()])), ("c", list(["x".into(), 1.into()]))]);
        check("apoc.meta.cypher.types", &[properties], "{a: 'INTEGER', b: 'LIST OF STRING', c: 'LIST OF ANY'}");
    }
}
