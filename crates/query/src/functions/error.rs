//! The failures that functions share, in the words that clients of Neo4j know.

use types::{Code, Failure, Value, text};

/// An argument of a type that the function does not take.
#[cold]
pub(super) fn wrong_type(function: &str, expected: &str, got: &Value) -> Failure {
    let shown = shown(got);
    Failure::new(
        Code::TypeError,
        format!("Invalid input for function '{function}()': Expected {expected}, got: {shown} (InvalidArgumentType)"),
    )
}

/// An argument that a conversion takes no value of.
#[cold]
pub(super) fn not_convertible(function: &str, expected: &str, got: &Value) -> Failure {
    let shown = shown(got);
    Failure::new(
        Code::TypeError,
        format!("Invalid input for function '{function}()': Expected {expected}, got: {shown} (InvalidArgumentValue)"),
    )
}

/// An argument of the right type whose value the function cannot take.
#[cold]
pub(super) fn wrong_value(function: &str, problem: &str) -> Failure {
    Failure::new(Code::ArgumentError, format!("Invalid input for function '{function}()': {problem}"))
}

/// Shows a value with its type, cut short so that a message stays a line.
pub(super) fn shown(value: &Value) -> String {
    const LENGTH_MAX: usize = 80;
    let literal = text::literal(value);
    let cut: String = literal.chars().take(LENGTH_MAX).collect();
    let dots = if cut.len() < literal.len() { "..." } else { "" };
    format!("{}({cut}{dots})", value.type_name())
}
