//! Functions over strings. Places and lengths count characters, not bytes.

use std::fmt;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use types::{Failure, Value, effort};

use super::error::{wrong_type, wrong_value};
use super::{Function, FunctionContext};

/// Texts up to this size are made without a look at how long they will be.
const SHORT_BYTES: usize = 64 << 10;

/// Makes a row for a function from one string to another value.
macro_rules! of_text {
    ($name:literal, $result:literal, $function:expr, $description:literal) => {
        Function::pure(
            $name,
            (1, 1),
            |_, arguments| Ok(text($name, &arguments[0])?.map_or(Value::Null, $function)),
            concat!($name, "(input :: STRING) :: ", $result),
            $description,
        )
    };
}

/// Makes a row for a function that gives a text in another case.
macro_rules! casing {
    ($name:literal, $function:expr, $description:literal) => {
        Function::pure(
            $name,
            (1, 1),
            |context, arguments| text($name, &arguments[0])?.map_or(Ok(Value::Null), |text| $function(context, text)),
            concat!($name, "(input :: STRING) :: STRING"),
            $description,
        )
    };
}

/// Makes a row for a trimming function.
macro_rules! trimming {
    ($name:literal, $side:expr, $description:literal) => {
        Function::pure(
            $name,
            (1, 2),
            |context, arguments| trim(context, $name, arguments, $side),
            concat!($name, "(input :: STRING, trimCharacters = ' ' :: STRING) :: STRING"),
            $description,
        )
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    casing!("toUpper", upper, "Returns a string in upper case."),
    casing!("upper", upper, "Returns a string in upper case."),
    casing!("toLower", lower, "Returns a string in lower case."),
    casing!("lower", lower, "Returns a string in lower case."),
    of_text!("char_length", "INTEGER", characters, "Returns the number of characters of a string."),
    of_text!("character_length", "INTEGER", characters, "Returns the number of characters of a string."),
    trimming!("trim", Side::Both, "Returns a string without white space at both ends."),
    trimming!("btrim", Side::Both, "Returns a string without the given characters at both ends."),
    trimming!("ltrim", Side::Left, "Returns a string without the given characters at its start."),
    trimming!("rtrim", Side::Right, "Returns a string without the given characters at its end."),
    Function::pure(
        "replace",
        (3, 4),
        replace,
        "replace(original :: STRING, search :: STRING, replace :: STRING, limit :: INTEGER) :: STRING",
        "Returns a string in which a search string is replaced.",
    ),
    Function::pure(
        "split",
        (2, 2),
        split,
        "split(original :: STRING, splitDelimiters :: STRING | LIST<STRING>) :: LIST<STRING>",
        "Returns the parts of a string between delimiters.",
    ),
    Function::pure(
        "substring",
        (2, 3),
        substring,
        "substring(original :: STRING, start :: INTEGER, length :: INTEGER) :: STRING",
        "Returns the part of a string from a place on, counted from 0.",
    ),
    Function::pure(
        "left",
        (2, 2),
        left,
        "left(original :: STRING, length :: INTEGER) :: STRING",
        "Returns the first characters of a string.",
    ),
    Function::pure(
        "right",
        (2, 2),
        right,
        "right(original :: STRING, length :: INTEGER) :: STRING",
        "Returns the last characters of a string.",
    ),
    Function::pure(
        "normalize",
        (1, 2),
        normalize,
        "normalize(input :: STRING, normalForm = NFC :: [NFC, NFD, NFKC, NFKD]) :: STRING",
        "Returns a string in a Unicode normal form.",
    ),
];

/// Reads a string; `None` for null.
fn text<'a>(name: &str, value: &'a Value) -> Result<Option<&'a str>, Failure> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        other => Err(wrong_type(name, "a String", other)),
    }
}

/// Reads a length or a place, which must not be negative; `None` for null.
fn count(name: &str, value: &Value) -> Result<Option<usize>, Failure> {
    match value {
        Value::Null => Ok(None),
        Value::Integer(integer) => match usize::try_from(*integer) {
            Ok(count) => Ok(Some(count)),
            Err(_) => Err(wrong_value(name, "Cannot handle negative start index nor negative length")),
        },
        other => Err(wrong_type(name, "an Integer", other)),
    }
}

/// Copies a part of a text, where there is room for it.
fn part(context: &FunctionContext<'_>, part: &str) -> Result<Value, Failure> {
    context.reserve_bytes(part.len())?;
    Ok(Value::from(part))
}

fn upper(context: &mut FunctionContext<'_>, text: &str) -> Result<Value, Failure> {
    reserve_cased(context, text, char::to_uppercase)?;
    Ok(Value::string(text.to_uppercase()))
}

fn lower(context: &mut FunctionContext<'_>, text: &str) -> Result<Value, Failure> {
    reserve_cased(context, text, char::to_lowercase)?;
    Ok(Value::string(text.to_lowercase()))
}

/// Makes sure that there is room for a text in another case, in which it may be longer.
fn reserve_cased<C: Iterator<Item = char>>(
    context: &FunctionContext<'_>,
    text: &str,
    case: fn(char) -> C,
) -> Result<(), Failure> {
    if text.len() <= SHORT_BYTES || text.is_ascii() {
        return context.reserve_bytes(text.len());
    }
    let bytes = text.chars().flat_map(case).map(char::len_utf8).sum::<usize>();
    // What is made with room for the text as it was grows twofold, beside what it was before.
    context.reserve_bytes(if bytes > text.len() { 3 * bytes } else { text.len() })
}

fn characters(text: &str) -> Value {
    Value::Integer(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))
}

#[derive(Clone, Copy)]
enum Side {
    Both,
    Left,
    Right,
}

fn trim(context: &mut FunctionContext<'_>, name: &str, arguments: &[Value], side: Side) -> Result<Value, Failure> {
    let Some(input) = text(name, &arguments[0])? else { return Ok(Value::Null) };
    let set = match arguments.get(1) {
        None => None,
        Some(value) => match text(name, value)? {
            None => return Ok(Value::Null),
            some => some,
        },
    };
    let cut = |character: char| set.map_or(character.is_whitespace(), |set| set.contains(character));
    let left = match side {
        Side::Both => input.trim_matches(cut),
        Side::Left => input.trim_start_matches(cut),
        Side::Right => input.trim_end_matches(cut),
    };
    part(context, left)
}

fn replace(context: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (original, search, by) =
        (text("replace", &arguments[0])?, text("replace", &arguments[1])?, text("replace", &arguments[2])?);
    let (Some(original), Some(search), Some(by)) = (original, search, by) else { return Ok(Value::Null) };
    let limit = match arguments.get(3) {
        None => usize::MAX,
        Some(value) => match count("replace", value)? {
            None => return Ok(Value::Null),
            Some(limit) => limit,
        },
    };
    let hits = original.matches(search).take(limit).count();
    context.reserve_bytes(original.len().saturating_add(hits.saturating_mul(by.len())))?;
    Ok(Value::string(original.replacen(search, by, hits)))
}

fn split(context: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let Some(original) = text("split", &arguments[0])? else { return Ok(Value::Null) };
    let delimiters: Vec<&str> = match &arguments[1] {
        Value::Null => return Ok(Value::Null),
        Value::String(delimiter) => vec![delimiter.as_str()],
        Value::List(items) => {
            let Some(texts) = items.iter().map(|item| text("split", item)).collect::<Result<Option<Vec<_>>, _>>()?
            else {
                return Ok(Value::Null);
            };
            texts
        }
        other => return Err(wrong_type("split", "a String or List of String", other)),
    };
    let mut parts = Parts { context, made: Vec::new(), text_bytes: 0 };
    cut(original, &delimiters, &mut parts)?;
    Ok(Value::list(parts.made))
}

/// The parts of a text so far: there may be many more bytes of them than the text has.
struct Parts<'a, 'c> {
    context: &'a FunctionContext<'c>,
    made: Vec<Value>,
    /// What they take beside their places.
    text_bytes: usize,
}

impl Parts<'_, '_> {
    /// Adds a part; tells whether to go on.
    fn push(&mut self, part: &str) -> Result<bool, Failure> {
        if self.made.len() == self.made.capacity() {
            // While the list grows, the old one is there beside the new one.
            self.context.reserve_bytes(self.text_bytes + 3 * size_of::<Value>() * self.made.capacity())?;
        }
        self.context.reserve_bytes(self.text_bytes + part.len() + size_of::<Value>() * self.made.capacity())?;
        let value = Value::from(part);
        self.text_bytes += value.own_bytes();
        self.made.push(value);
        Ok(effort::pay(1) && effort::pay_bytes(part.len()))
    }
}

/// Cuts at every delimiter; an empty one cuts between all characters. Once the statement is over it ends with what it has.
fn cut(original: &str, delimiters: &[&str], parts: &mut Parts<'_, '_>) -> Result<(), Failure> {
    if let [delimiter] = delimiters
        && !delimiter.is_empty()
    {
        for part in original.split(delimiter) {
            if !parts.push(part)? {
                break;
            }
        }
        return Ok(());
    }
    let (mut start, mut at) = (0, 0);
    while at < original.len() && effort::pay(1) {
        let rest = &original[at..];
        let next = at + rest.chars().next().map_or(1, char::len_utf8);
        let hit =
            delimiters.iter().filter(|delimiter| rest.starts_with(**delimiter)).map(|delimiter| delimiter.len()).max();
        match hit {
            None => at = next,
            Some(0) if at == start => at = next,
            Some(length) => {
                parts.push(&original[start..at])?;
                at += length;
                start = at;
            }
        }
    }
    parts.push(&original[start..]).map(drop)
}

fn substring(context: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let Some(original) = text("substring", &arguments[0])? else { return Ok(Value::Null) };
    let Some(start) = count("substring", &arguments[1])? else { return Ok(Value::Null) };
    let length = match arguments.get(2) {
        None => usize::MAX,
        Some(value) => match count("substring", value)? {
            None => return Ok(Value::Null),
            Some(length) => length,
        },
    };
    let rest = &original[byte_of(original, start)..];
    part(context, &rest[..byte_of(rest, length)])
}

fn left(context: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    match (text("left", &arguments[0])?, count("left", &arguments[1])?) {
        (Some(original), Some(length)) => part(context, &original[..byte_of(original, length)]),
        _ => Ok(Value::Null),
    }
}

fn right(context: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    match (text("right", &arguments[0])?, count("right", &arguments[1])?) {
        (Some(_), Some(0)) => Ok(Value::from("")),
        (Some(original), Some(length)) => {
            let start = original.char_indices().rev().nth(length - 1).map_or(0, |(byte, _)| byte);
            part(context, &original[start..])
        }
        _ => Ok(Value::Null),
    }
}

/// Finds the byte where a character starts; the end where there are fewer characters.
fn byte_of(text: &str, character: usize) -> usize {
    if text.is_ascii() {
        return character.min(text.len());
    }
    text.char_indices().nth(character).map_or(text.len(), |(byte, _)| byte)
}

fn normalize(context: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let Some(input) = text("normalize", &arguments[0])? else { return Ok(Value::Null) };
    let form = match arguments.get(1) {
        None => "NFC",
        Some(value) => match text("normalize", value)? {
            None => return Ok(Value::Null),
            Some(form) => form,
        },
    };
    let mut normal = Normal { context, made: String::new(), refused: None };
    // A refusal is the one error that there is to write to it.
    let _ = match form.to_ascii_uppercase().as_str() {
        "NFC" => ComposingNormalizerBorrowed::new_nfc().normalize_to(input, &mut normal),
        "NFKC" => ComposingNormalizerBorrowed::new_nfkc().normalize_to(input, &mut normal),
        "NFD" => DecomposingNormalizerBorrowed::new_nfd().normalize_to(input, &mut normal),
        "NFKD" => DecomposingNormalizerBorrowed::new_nfkd().normalize_to(input, &mut normal),
        _ => {
            let problem = format!("Unknown normal form '{form}'. Valid values are: NFC, NFD, NFKC, NFKD.");
            return Err(wrong_value("normalize", &problem));
        }
    };
    normal.refused.map_or(Ok(Value::string(normal.made)), Err)
}

/// A text in a normal form, which may be many times as long as what it was made of.
struct Normal<'a, 'c> {
    context: &'a FunctionContext<'c>,
    made: String,
    refused: Option<Failure>,
}

impl fmt::Write for Normal<'_, '_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let wanted = self.made.len() + part.len();
        if wanted > self.made.capacity() {
            // While it grows, what there was is there beside it.
            if let Err(refused) = self.context.reserve_bytes(wanted + self.made.len()) {
                self.refused = Some(refused);
                return Err(fmt::Error);
            }
            let most = self.context.memory_max_bytes - self.made.len();
            self.made.reserve_exact((2 * self.made.len()).clamp(wanted, most) - self.made.len());
        }
        if !effort::pay_bytes(part.len()) {
            return Err(fmt::Error);
        }
        self.made.push_str(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::effort;

    use super::super::testing::{NULL, check, context, list, values};

    #[test]
    fn case() {
        check("toUpper", values!["straße"], "'STRASSE'");
        check("TOLOWER", values!["ÄB"], "'äb'");
        check("upper", values![NULL], "null");
        check(
            "lower",
            values![1],
            "TypeError: Invalid input for function 'lower()': Expected a String, got: Integer(1) (InvalidArgumentType)",
        );
    }

    #[test]
    fn trimming() {
        check("trim", values!["  a b\t\n"], "'a b'");
        check("ltrim", values!["  a "], "'a '");
        check("rtrim", values!["  a "], "'  a'");
        check("btrim", values!["xyaxyx", "xy"], "'a'");
        check("ltrim", values!["xyax", "xy"], "'ax'");
        check("btrim", values!["x", NULL], "null");
    }

    #[test]
    fn replacing() {
        check("replace", values!["hello", "l", "w"], "'hewwo'");
        check("replace", values!["hello", "l", "w", 1], "'hewlo'");
        check("replace", values!["ab", "", "-"], "'-a-b-'");
        check("replace", values!["hello", NULL, "w"], "null");
        let (long, x) = ("a".repeat(2000), "x".repeat(2000));
        check(
            "replace",
            values![long.as_str(), "a", x.as_str()],
            "MemoryLimit: The result needs 4002000 bytes, more than the 1048576 bytes that it may take now of the limit of 2097152 bytes.",
        );
    }

    #[test]
    fn splitting() {
        check("split", values!["one1two", "1"], "['one', 'two']");
        check("split", values!["one,two", ","], "['one', 'two']");
        check("split", values!["", ","], "['']");
        check("split", values![",a,", ","], "['', 'a', '']");
        check("split", values!["äbc", ""], "['ä', 'b', 'c']");
        check("split", [super::Value::from("a,b;c"), list(values![",", ";"])], "['a', 'b', 'c']");
        check("split", values!["a", NULL], "null");
    }

    /// Says no at once.
    struct Over;

    impl effort::Watch for Over {
        fn may_go_on(&self) -> bool {
            false
        }
    }

    #[test]
    fn f51_f52_splitting_a_long_text_ends_in_time_and_within_its_memory() {
        let text = "a,".repeat(1 << 18);
        let mut random = || 1 << 63;
        for delimiter in [",", ""] {
            let arguments = values![text.as_str(), delimiter];
            let refused = split(&mut context(&mut random), &arguments).expect_err("larger than it may be");
            assert_eq!(refused.code(), types::Code::MemoryLimit, "{refused}");
            let mut context = FunctionContext { memory_max_bytes: usize::MAX, ..context(&mut random) };
            let watched = effort::watch(std::sync::Arc::new(Over), usize::MAX);
            let Ok(Value::List(parts)) = split(&mut context, &arguments) else { panic!("a list") };
            assert!(watched.is_over() && parts.len() < 1 << 17, "{}", parts.len());
        }
    }

    #[test]
    fn places_count_characters() {
        check("substring", values!["0123456789", 1], "'123456789'");
        check("substring", values!["hällo", 1, 3], "'äll'");
        check("substring", values!["hello", 9], "''");
        check("substring", values!["hello", 1, NULL], "null");
        check(
            "substring",
            values!["hello", -1],
            "ArgumentError: Invalid input for function 'substring()': Cannot handle negative start index nor negative length",
        );
        check("left", values!["hällo", 2], "'hä'");
        check("left", values!["he", 9], "'he'");
        check("right", values!["hällö", 2], "'lö'");
        check("right", values!["he", 9], "'he'");
        check("right", values!["he", 0], "''");
        check("right", values![NULL, 1], "null");
        check("char_length", values!["hällo"], "5");
        check("character_length", values!["😀"], "1");
    }

    #[test]
    fn normal_forms() {
        check("normalize", values!["A\u{30A}"], "'Å'");
        check("normalize", values!["ﬁ", "nfkc"], "'fi'");
        check("normalize", values!["Å", "NFD"], "'A\u{30A}'");
        check(
            "normalize",
            values!["x", "NFX"],
            "ArgumentError: Invalid input for function 'normalize()': Unknown normal form 'NFX'. Valid values are: NFC, NFD, NFKC, NFKD.",
        );
    }
}
