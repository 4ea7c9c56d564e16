//! Conversions between types: `toInteger`, `toIntegerOrNull`, `toIntegerList`, and their siblings.

use types::text::to_text;
use types::{Code, Failure, Value};

use super::error::{not_convertible, wrong_type};
use super::{Function, FunctionContext};

/// A conversion: what it makes of a value, and what it takes.
struct Conversion {
    /// What the error message asks for.
    expected: &'static str,
    convert: fn(&Value) -> Converted,
}

/// What came of a conversion.
enum Converted {
    To(Value),
    /// A value of a type that cannot be converted.
    WrongType,
    /// A number that does not fit.
    TooLarge,
}

const STRING: Conversion =
    Conversion { expected: "a String, Float, Integer, Boolean, Temporal, Duration or Point", convert: string };
const INTEGER: Conversion = Conversion { expected: "a String, Float, Integer or Boolean", convert: integer };
const FLOAT: Conversion = Conversion { expected: "a String, Float or Integer", convert: float };
const BOOLEAN: Conversion = Conversion { expected: "a Boolean, Integer or String", convert: boolean };

/// Makes the three rows of one conversion: strict, `OrNull` and `List`.
macro_rules! rows {
    ($strict:literal, $or_null:literal, $of_list:literal, $type:literal, $conversion:ident) => {
        [
            Function::pure(
                $strict,
                (1, 1),
                |context, arguments| strict(context, $strict, &arguments[0], &$conversion),
                concat!($strict, "(input :: ANY) :: ", $type),
                concat!("Converts a value to a ", $type, "; another type is an error."),
            ),
            Function::pure(
                $or_null,
                (1, 1),
                |context, arguments| or_null(context, &arguments[0], &$conversion),
                concat!($or_null, "(input :: ANY) :: ", $type),
                concat!("Converts a value to a ", $type, ", or to null where that cannot be."),
            ),
            Function::pure(
                $of_list,
                (1, 1),
                |context, arguments| of_list(context, $of_list, &arguments[0], &$conversion),
                concat!($of_list, "(input :: LIST<ANY>) :: LIST<", $type, ">"),
                concat!("Converts each element to a ", $type, ", or to null where that cannot be."),
            ),
        ]
    };
}

const STRING_ROWS: [Function; 3] = rows!("toString", "toStringOrNull", "toStringList", "STRING", STRING);
const INTEGER_ROWS: [Function; 3] = rows!("toInteger", "toIntegerOrNull", "toIntegerList", "INTEGER", INTEGER);
const FLOAT_ROWS: [Function; 3] = rows!("toFloat", "toFloatOrNull", "toFloatList", "FLOAT", FLOAT);
const BOOLEAN_ROWS: [Function; 3] = rows!("toBoolean", "toBooleanOrNull", "toBooleanList", "BOOLEAN", BOOLEAN);

pub(super) const FUNCTIONS: &[Function] = {
    let [s1, s2, s3] = STRING_ROWS;
    let [i1, i2, i3] = INTEGER_ROWS;
    let [f1, f2, f3] = FLOAT_ROWS;
    let [b1, b2, b3] = BOOLEAN_ROWS;
    &[s1, s2, s3, i1, i2, i3, f1, f2, f3, b1, b2, b3]
};

fn strict(context: &FunctionContext<'_>, name: &str, value: &Value, conversion: &Conversion) -> Result<Value, Failure> {
    context.reserve_copies(std::slice::from_ref(value))?;
    match (conversion.convert)(value) {
        Converted::To(result) => Ok(result),
        Converted::WrongType => Err(not_convertible(name, conversion.expected, value)),
        Converted::TooLarge => {
            let shown = to_text(value).unwrap_or_default();
            Err(Failure::new(Code::TypeError, format!("integer, {shown}, is too large")))
        }
    }
}

fn or_null(context: &FunctionContext<'_>, value: &Value, conversion: &Conversion) -> Result<Value, Failure> {
    context.reserve_copies(std::slice::from_ref(value))?;
    Ok(converted(value, conversion))
}

fn converted(value: &Value, conversion: &Conversion) -> Value {
    match (conversion.convert)(value) {
        Converted::To(result) => result,
        Converted::WrongType | Converted::TooLarge => Value::Null,
    }
}

fn of_list(
    context: &FunctionContext<'_>,
    name: &str,
    value: &Value,
    conversion: &Conversion,
) -> Result<Value, Failure> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::List(items) => {
            context.reserve_copies(items)?;
            Ok(Value::list(items.iter().map(|item| converted(item, conversion)).collect()))
        }
        other => Err(wrong_type(name, "a List", other)),
    }
}

fn string(value: &Value) -> Converted {
    match value {
        Value::Null | Value::String(_) => Converted::To(value.clone()),
        other => to_text(other).map_or(Converted::WrongType, |text| Converted::To(Value::String(text))),
    }
}

fn integer(value: &Value) -> Converted {
    match value {
        Value::Null | Value::Integer(_) => Converted::To(value.clone()),
        Value::Boolean(truth) => Converted::To(Value::Integer(i64::from(*truth))),
        // Cuts the decimals off; NaN gives 0 and a large float the nearest end, as on the JVM.
        Value::Float(float) => Converted::To(Value::Integer(*float as i64)),
        Value::String(text) => integer_of_text(text.trim()),
        _ => Converted::WrongType,
    }
}

/// Reads an integer, or a decimal number whose decimals are cut off.
fn integer_of_text(text: &str) -> Converted {
    if let Ok(integer) = text.parse::<i64>() {
        return Converted::To(Value::Integer(integer));
    }
    match decimal(text) {
        None => Converted::To(Value::Null),
        Some(float) if (-9.3e18..=9.3e18).contains(&float) => whole_part(text, float),
        Some(_) => Converted::TooLarge,
    }
}

/// Takes the digits in front of the point exactly where there is no exponent.
fn whole_part(text: &str, float: f64) -> Converted {
    let digits = text.split_once('.').map_or(text, |(whole, _)| whole);
    if text.contains(['e', 'E']) || matches!(digits, "" | "-" | "+") {
        return Converted::To(Value::Integer(float as i64));
    }
    digits.parse::<i64>().map_or(Converted::TooLarge, |integer| Converted::To(Value::Integer(integer)))
}

fn float(value: &Value) -> Converted {
    Converted::To(match value {
        Value::Null | Value::Float(_) => value.clone(),
        Value::Integer(integer) => Value::Float(*integer as f64),
        Value::String(text) => match text.trim() {
            "NaN" => Value::Float(f64::NAN),
            "Infinity" | "+Infinity" => Value::Float(f64::INFINITY),
            "-Infinity" => Value::Float(f64::NEG_INFINITY),
            number => decimal(number).map_or(Value::Null, Value::Float),
        },
        _ => return Converted::WrongType,
    })
}

/// Reads digits, point and exponent only: `inf` and `nan` are words, not numbers.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if plain { text.parse().ok() } else { None }
}

fn boolean(value: &Value) -> Converted {
    Converted::To(match value {
        Value::Null | Value::Boolean(_) => value.clone(),
        Value::Integer(integer) => Value::Boolean(*integer != 0),
        Value::String(text) => match text.trim() {
            word if word.eq_ignore_ascii_case("true") => Value::Boolean(true),
            word if word.eq_ignore_ascii_case("false") => Value::Boolean(false),
            _ => Value::Null,
        },
        _ => return Converted::WrongType,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NULL, check, list, map, values};

    #[test]
    fn to_integer() {
        check("toInteger", values![82.9], "82");
        check("toInteger", values!["1.7"], "1");
        check("toInteger", values!["-2.9"], "-2");
        check("toInteger", values![" 42 "], "42");
        check("toInteger", values!["1e3"], "1000");
        check("toInteger", values!["9223372036854775807.5"], "9223372036854775807");
        check("toInteger", values!["9223372036854775808"], "TypeError: integer, 9223372036854775808, is too large");
        check("toInteger", values!["foo"], "null");
        check("toInteger", values![""], "null");
        check("toInteger", values!["nan"], "null");
        check("toInteger", values![true], "1");
        check("toInteger", values![f64::NAN], "0");
        check(
            "toInteger",
            [list([])],
            "TypeError: Invalid input for function 'toInteger()': Expected a String, Float, Integer or Boolean, got: List([]) (InvalidArgumentValue)",
        );
        check("toIntegerOrNull", [list([])], "null");
        check("toIntegerOrNull", values!["1e30"], "null");
        check("toIntegerList", [list(values!["1", 2.5, "x", NULL, true])], "[1, 2, null, null, 1]");
        check(
            "toIntegerList",
            values![1],
            "TypeError: Invalid input for function 'toIntegerList()': Expected a List, got: Integer(1) (InvalidArgumentType)",
        );
    }

    #[test]
    fn to_float() {
        check("toFloat", values![3], "3.0");
        check("toFloat", values!["5"], "5.0");
        check("toFloat", values![" .5 "], "0.5");
        check("toFloat", values!["-Infinity"], "-Infinity");
        check("toFloat", values!["inf"], "null");
        check("toFloat", values!["foo"], "null");
        check(
            "toFloat",
            values![true],
            "TypeError: Invalid input for function 'toFloat()': Expected a String, Float or Integer, got: Boolean(true) (InvalidArgumentValue)",
        );
        check("toFloatOrNull", values![true], "null");
        check("toFloatList", [list(values!["1", 2, "x"])], "[1.0, 2.0, null]");
    }

    #[test]
    fn to_boolean() {
        check("toBoolean", values!["TRUE"], "true");
        check("toBoolean", values![" false "], "false");
        check("toBoolean", values![" tru "], "null");
        check("toBoolean", values![0], "false");
        check(
            "toBoolean",
            values![1.0],
            "TypeError: Invalid input for function 'toBoolean()': Expected a Boolean, Integer or String, got: Float(1.0) (InvalidArgumentValue)",
        );
        check("toBooleanOrNull", values![1.0], "null");
        check("toBooleanList", [list(values![1, "true", "x"])], "[true, true, null]");
    }

    #[test]
    fn to_string() {
        check("toString", values![42], "'42'");
        check("toString", values![2.3], "'2.3'");
        check("toString", values![true], "'true'");
        check("toString", values![NULL], "null");
        check("toString", [super::Value::Date(types::Date { days: 0 })], "'1970-01-01'");
        check(
            "toString",
            [map([])],
            "TypeError: Invalid input for function 'toString()': Expected a String, Float, Integer, Boolean, Temporal, Duration or Point, got: Map({}) (InvalidArgumentValue)",
        );
        check("toStringOrNull", [map([])], "null");
        check("toStringList", [list(values![1, "x", NULL])], "['1', 'x', null]");
    }
}
