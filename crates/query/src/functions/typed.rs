//! `value IS :: TYPE`: types by name, and whether a value is of one.
//! Leaves the place of a wrong name in the statement to the binder.
//! Start reading at [`Type::parse`].

use types::{Code, Failure, Value};

/// A type as `IS ::` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    kind: TypeKind,
    /// Whether null is of the type.
    nullable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum TypeKind {
    Any,
    Nothing,
    Null,
    PropertyValue,
    /// One of the types without parts, as `Value::type_name` names it.
    Plain(&'static str),
    List(Box<Type>),
    Union(Vec<Type>),
}

/// The names of the types without parts, and what `Value::type_name` calls them.
const PLAIN: &[(&str, &str)] = &[
    ("BOOLEAN", "Boolean"),
    ("BOOL", "Boolean"),
    ("STRING", "String"),
    ("VARCHAR", "String"),
    ("INTEGER", "Integer"),
    ("INT", "Integer"),
    ("SIGNED INTEGER", "Integer"),
    ("FLOAT", "Float"),
    ("DATE", "Date"),
    ("LOCAL TIME", "LocalTime"),
    ("TIME WITHOUT TIMEZONE", "LocalTime"),
    ("TIME WITHOUT TIME ZONE", "LocalTime"),
    ("ZONED TIME", "Time"),
    ("TIME WITH TIMEZONE", "Time"),
    ("TIME WITH TIME ZONE", "Time"),
    ("LOCAL DATETIME", "LocalDateTime"),
    ("TIMESTAMP WITHOUT TIMEZONE", "LocalDateTime"),
    ("TIMESTAMP WITHOUT TIME ZONE", "LocalDateTime"),
    ("ZONED DATETIME", "DateTime"),
    ("TIMESTAMP WITH TIMEZONE", "DateTime"),
    ("TIMESTAMP WITH TIME ZONE", "DateTime"),
    ("DURATION", "Duration"),
    ("POINT", "Point"),
    ("NODE", "Node"),
    ("ANY NODE", "Node"),
    ("VERTEX", "Node"),
    ("ANY VERTEX", "Node"),
    ("RELATIONSHIP", "Relationship"),
    ("ANY RELATIONSHIP", "Relationship"),
    ("EDGE", "Relationship"),
    ("ANY EDGE", "Relationship"),
    ("MAP", "Map"),
    ("ANY MAP", "Map"),
    ("PATH", "Path"),
    ("ANY PATH", "Path"),
    ("PATHS", "Path"),
];

impl Type {
    /// Reads a type's name in any case; a `SyntaxError` names what is no type.
    pub fn parse(name: &str) -> Result<Self, Failure> {
        let mut rest = tokens(name);
        rest.reverse();
        let found = union(&mut rest, 0);
        found.filter(|_| rest.is_empty()).ok_or_else(|| {
            let bits = |word: &str| word.starts_with("INT") || word.starts_with("FLOAT");
            let hint = match name.trim_end_matches(|last: char| last.is_ascii_digit()) {
                word if word != name && bits(word) => "; integers and floats have 64 bits: write INTEGER or FLOAT",
                _ => "",
            };
            Failure::new(Code::SyntaxError, format!("Invalid input '{name}': expected the name of a type{hint}"))
        })
    }

    /// Tells whether a value is of the type; null is of every type without `NOT NULL`.
    #[must_use]
    pub fn holds(&self, value: &Value) -> bool {
        if value.is_null() {
            return match &self.kind {
                TypeKind::Union(types) => types.iter().any(|type_| type_.holds(value)),
                TypeKind::Nothing => false,
                _ => self.nullable,
            };
        }
        match &self.kind {
            TypeKind::Any => true,
            TypeKind::Nothing | TypeKind::Null => false,
            TypeKind::PropertyValue => is_property_value(value),
            TypeKind::Plain(name) => value.type_name() == *name,
            TypeKind::List(item) => matches!(value, Value::List(items) if items.iter().all(|value| item.holds(value))),
            TypeKind::Union(types) => types.iter().any(|type_| type_.holds(value)),
        }
    }
}

/// Tells whether a property can hold the value: a plain one, or a list of plain ones of one type.
fn is_property_value(value: &Value) -> bool {
    let plain =
        |value: &Value| !matches!(value.type_name(), "Null" | "List" | "Map" | "Node" | "Relationship" | "Path");
    match value {
        Value::List(items) => items
            .iter()
            .all(|item| plain(item) && items.first().is_some_and(|first| first.type_name() == item.type_name())),
        other => plain(other),
    }
}

/// Splits into words in upper case and single signs.
fn tokens(name: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut in_word = false;
    for character in name.chars() {
        let of_word = character.is_alphanumeric() || character == '_';
        match tokens.last_mut().filter(|_| of_word && in_word) {
            Some(word) => word.extend(character.to_uppercase()),
            None if character.is_whitespace() => {}
            None => tokens.push(character.to_uppercase().collect()),
        }
        in_word = of_word;
    }
    tokens
}

/// Lists within lists that a name may have; a deeper one is no sensible type.
const DEPTH_MAX: usize = 32;

/// Reads `a | b | c`; the tokens come from the end of the vector.
fn union(rest: &mut Vec<String>, depth: usize) -> Option<Type> {
    let mut types = vec![single(rest, depth)?];
    while rest.pop_if(|token| token == "|").is_some() {
        types.push(single(rest, depth)?);
    }
    if types.len() == 1 {
        return types.pop();
    }
    Some(Type { kind: TypeKind::Union(types), nullable: true })
}

/// Reads one type with all that may follow it: `NOT NULL`, `!`, `LIST`, `ARRAY`.
fn single(rest: &mut Vec<String>, depth: usize) -> Option<Type> {
    if depth > DEPTH_MAX {
        return None;
    }
    let mut found = Type { kind: bare(rest, depth)?, nullable: true };
    loop {
        found.nullable = !not_null(rest)?;
        if rest.pop_if(|token| token == "LIST" || token == "ARRAY").is_none() {
            return Some(found);
        }
        found = Type { kind: TypeKind::List(Box::new(found)), nullable: true };
    }
}

/// Reads `NOT NULL` or `!`; `None` where `NOT` stands alone.
fn not_null(rest: &mut Vec<String>) -> Option<bool> {
    if rest.pop_if(|token| token == "!").is_some() {
        return Some(true);
    }
    if rest.pop_if(|token| token == "NOT").is_none() {
        return Some(false);
    }
    rest.pop_if(|token| token == "NULL").map(|_| true)
}

fn bare(rest: &mut Vec<String>, depth: usize) -> Option<TypeKind> {
    if rest.pop_if(|token| token == "LIST" || token == "ARRAY").is_some() {
        return Some(TypeKind::List(Box::new(in_angles(rest, depth)?)));
    }
    // The longest name wins: `ANY NODE` over `ANY`.
    for words in (1..=4).rev().filter(|words| *words <= rest.len()) {
        let name: Vec<&str> = rest.iter().rev().take(words).map(String::as_str).collect();
        if let Some(kind) = by_name(&name.join(" ")) {
            rest.truncate(rest.len() - words);
            if kind == TypeKind::Any && rest.last().is_some_and(|token| token == "<") {
                return in_angles(rest, depth).map(|inner| TypeKind::Union(vec![inner]));
            }
            return Some(kind);
        }
    }
    None
}

fn in_angles(rest: &mut Vec<String>, depth: usize) -> Option<Type> {
    rest.pop_if(|token| token == "<")?;
    let inner = union(rest, depth + 1)?;
    rest.pop_if(|token| token == ">")?;
    Some(inner)
}

fn by_name(name: &str) -> Option<TypeKind> {
    match name {
        "ANY" | "ANY VALUE" => Some(TypeKind::Any),
        "NOTHING" => Some(TypeKind::Nothing),
        "NULL" => Some(TypeKind::Null),
        "PROPERTY VALUE" | "ANY PROPERTY VALUE" => Some(TypeKind::PropertyValue),
        _ => PLAIN.iter().find(|(known, _)| *known == name).map(|(_, plain)| TypeKind::Plain(plain)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NULL, list, map, values};
    use super::*;

    #[track_caller]
    fn check(value: impl Into<Value>, name: &str, expected: bool) {
        let value = value.into();
        let type_ = Type::parse(name).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(type_.holds(&value), expected, "{value:?} IS :: {name}");
    }

    #[test]
    fn plain_types() {
        check(1, "INTEGER", true);
        check(1, "int", true);
        check(1, "FLOAT", false);
        check("x", "STRING NOT NULL", true);
        check(true, "BOOL!", true);
        check(map([]), "ANY MAP", true);
        check(Value::Date(types::Date { days: 0 }), "DATE", true);
        check(Value::LocalTime(types::LocalTime { nanos: 0 }), "TIME WITHOUT TIMEZONE", true);
    }

    #[test]
    fn null_is_of_every_type_that_allows_it() {
        check(NULL, "INTEGER", true);
        check(NULL, "INTEGER NOT NULL", false);
        check(NULL, "NULL", true);
        check(NULL, "NOTHING", false);
        check(NULL, "ANY NOT NULL", false);
        check(NULL, "INTEGER NOT NULL | STRING", true);
        check(NULL, "INTEGER NOT NULL | STRING NOT NULL", false);
        check(1, "NULL", false);
        check(1, "NOTHING", false);
    }

    #[test]
    fn lists_and_unions() {
        check(list(values![1, 2]), "LIST<INTEGER>", true);
        check(list(values![1, NULL]), "LIST<INTEGER>", true);
        check(list(values![1, NULL]), "LIST<INTEGER NOT NULL>", false);
        check(list(values![1, "a"]), "LIST<INTEGER | STRING>", true);
        check(list(values![1, 1.5]), "ARRAY<INTEGER>", false);
        check(list([]), "LIST<NOTHING>", true);
        check(list([list(values![1])]), "INTEGER LIST LIST", true);
        check(1, "ANY<INTEGER | STRING>", true);
        check(1, "ANY VALUE", true);
    }

    #[test]
    fn property_values() {
        check(1, "PROPERTY VALUE", true);
        check(list(values![1, 2]), "PROPERTY VALUE", true);
        check(list(values![1, "a"]), "PROPERTY VALUE", false);
        check(list(values![NULL]), "PROPERTY VALUE", false);
        check(map([]), "PROPERTY VALUE", false);
    }

    #[test]
    fn what_is_no_type() {
        for name in ["", "NUMBER", "LIST", "LIST<", "LIST<INTEGER", "INTEGER NOT", "INTEGER |", "INTEGER STRING"] {
            assert_eq!(Type::parse(name).map_err(|failure| failure.code()), Err(Code::SyntaxError), "{name}");
        }
        assert!(Type::parse(&"LIST<".repeat(100_000)).is_err());
    }
}
