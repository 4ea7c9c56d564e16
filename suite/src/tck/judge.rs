//! Compares what came back with what a step expects.

use std::collections::BTreeMap;

use super::feature::Step;
use super::value::{Lists, canonical, parse};
use crate::door::{Answer, Problem};

/// Compares records and columns with the step's table.
///
/// # Errors
///
/// What differs, in words.
pub fn records(step: &Step, answer: &Answer) -> Result<(), String> {
    if step.text.starts_with("the result should be empty") {
        let count = answer.records.len();
        return if count == 0 { Ok(()) } else { Err(format!("expected no records, got {count}")) };
    }
    let (header, rows) = step.table.split_first().ok_or("the step has no table")?;
    let places = places(header, &answer.columns)?;
    let lists = if step.text.contains("ignoring element order") { Lists::AnyOrder } else { Lists::Ordered };
    let mut wanted = Vec::with_capacity(rows.len());
    for row in rows {
        let values: Result<Vec<String>, String> =
            row.iter().map(|cell| parse(cell).map(|value| canonical(&value, lists))).collect();
        wanted.push(values?.join(" | "));
    }
    let shown = |record: &Vec<types::Value>| {
        let values: Vec<String> = places.iter().map(|at| canonical(&record[*at], lists)).collect();
        values.join(" | ")
    };
    let mut got: Vec<String> = answer.records.iter().map(shown).collect();
    if !step.text.contains("in order") {
        wanted.sort();
        got.sort();
    }
    if wanted == got { Ok(()) } else { Err(format!("expected {wanted:?}, got {got:?}")) }
}

/// Tells where in a record each expected column is.
fn places(header: &[String], columns: &[String]) -> Result<Vec<usize>, String> {
    let place = |name: &String| columns.iter().position(|column| column == name);
    let places: Option<Vec<usize>> = header.iter().map(place).collect();
    match places {
        Some(places) if header.len() == columns.len() => Ok(places),
        _ => Err(format!("expected the columns {header:?}, got {columns:?}")),
    }
}

/// Checks the class of an error: the status that a driver sees.
///
/// # Errors
///
/// What differs, in words.
pub fn error(step: &Step, outcome: &Result<Answer, Problem>) -> Result<(), String> {
    // "a SyntaxError should be raised at compile time: InvalidAggregation"
    let kind = step.text.split(' ').nth(1).unwrap_or_default();
    let detail = step.text.rsplit(' ').next().unwrap_or_default();
    match outcome {
        Ok(_) => Err(format!("expected a {kind} ({detail}), but the statement succeeded")),
        Err(problem) if accepted(kind).iter().any(|word| problem.status().contains(word)) => Ok(()),
        Err(problem) => Err(format!("expected a {kind} ({detail}), got {}: {}", problem.status(), problem.message)),
    }
}

/// Words of which a status must hold one, for each kind of error.
///
/// Lenient, because Neo4j finds at compile time, as a syntax error, some of what the TCK gives other names.
fn accepted(kind: &str) -> &'static [&'static str] {
    match kind {
        "SyntaxError" => &["SyntaxError", "ParameterNotFound"],
        "SemanticError" => {
            &["SemanticError", "SyntaxError", "ArgumentError", "ConstraintValidationFailed", "EntityNotFound"]
        }
        "ParameterMissing" => &["ParameterMissing"],
        "ConstraintVerificationFailed" | "ConstraintValidationFailed" => {
            &["ConstraintVerificationFailed", "ConstraintValidationFailed"]
        }
        "EntityNotFound" => &["EntityNotFound"],
        "PropertyNotFound" => &["PropertyNotFound", "EntityNotFound"],
        "LabelNotFound" => &["LabelNotFound", "EntityNotFound"],
        "TypeError" => &["TypeError", "SyntaxError", "ArgumentError", "InvalidArgument"],
        "ArgumentError" => &["ArgumentError", "SyntaxError", "TypeError", "InvalidArgument", "ArithmeticError"],
        "ArithmeticError" => &["ArithmeticError", "ArgumentError"],
        "ProcedureError" => &["Procedure", "SyntaxError"],
        _ => &[],
    }
}

/// Compares side effects with the step's table; a zero says nothing.
///
/// # Errors
///
/// What differs, in words.
pub fn effects(step: &Step, got: &BTreeMap<String, usize>) -> Result<(), String> {
    let mut wanted = BTreeMap::new();
    for row in &step.table {
        let [name, count] = row.as_slice() else { return Err(format!("{row:?} is no side effect")) };
        let count: usize = count.parse().map_err(|_| format!("'{count}' is no count"))?;
        if count > 0 {
            wanted.insert(name.clone(), count);
        }
    }
    if wanted == *got { Ok(()) } else { Err(format!("expected the side effects {wanted:?}, got {got:?}")) }
}
