//! The value that a rule compares with, as a command gives it: computed once, when the command runs.
//! Leaves the grammar to `cypher`, and what follows from the answer to `sight`.
//! Start reading at [`test_of`].

use catalog::graph_rights::{Asks, ValueTest};
use cypher::ast::{
    BinaryOperator, Clause, ClauseKind, Expression, Mode, Projection, ProjectionItem, Query, RuleAsks, RuleSpec,
    SingleQuery, Span,
};
use types::compare::Inequality;
use types::{Code, Failure, Value};

use crate::planning::{Indexes, Planning};
use crate::running::Running;
use crate::statement::Statement;
use crate::table::NoGraph;

/// Most values that a rule can list.
const VALUES_MAX: usize = 1_000;
/// Longest rule, as it is listed.
const TEXT_MAX_BYTES: usize = 32_768;

/// Makes the test of a rule.
pub(super) fn test_of(statement: &Statement<'_>, rule: &RuleSpec) -> Result<ValueTest, Failure> {
    let key = &rule.key.text;
    let asks = match &rule.asks {
        RuleAsks::IsNull => Asks::IsNull,
        RuleAsks::IsNotNull => Asks::IsNotNull,
        RuleAsks::Compare(operator, value) => {
            let value = single(compute(statement, value)?, &format!("{key} {operator} NULL"))?;
            match operator {
                BinaryOperator::NotEqual => Asks::Unequal(value),
                BinaryOperator::Less => Asks::Compare(Inequality::Less, value),
                BinaryOperator::LessOrEqual => Asks::Compare(Inequality::LessOrEqual, value),
                BinaryOperator::Greater => Asks::Compare(Inequality::Greater, value),
                BinaryOperator::GreaterOrEqual => Asks::Compare(Inequality::GreaterOrEqual, value),
                _ => Asks::Equal(value),
            }
        }
        RuleAsks::In(list) => Asks::In(all_of(statement, key, list)?),
        RuleAsks::Holds(value) => Asks::Holds(single(compute(statement, value)?, &format!("NULL IN {key}"))?),
    };
    let test = ValueTest::new(key.clone(), rule.negated, asks);
    if test.written("n").len() > TEXT_MAX_BYTES {
        return Err(failed(&format!("The rule is longer than {TEXT_MAX_BYTES} bytes.")));
    }
    Ok(test)
}

fn all_of(statement: &Statement<'_>, key: &str, list: &Expression) -> Result<Vec<Value>, Failure> {
    match compute(statement, list)? {
        Value::List(values) if values.len() > VALUES_MAX => {
            Err(failed(&format!("A rule lists at most {VALUES_MAX} values, not {}.", values.len())))
        }
        Value::List(values) => values.iter().map(|value| single(value.clone(), &format!("{key} IN [NULL]"))).collect(),
        Value::Null => Err(always_null(&format!("{key} IN NULL"))),
        other => Err(failed(&format!("`IN` needs a list, but was given {}.", other.type_name()))),
    }
}

/// Computes an expression that names nothing but parameters, as `RETURN` does.
fn compute(statement: &Statement<'_>, wanted: &Expression) -> Result<Value, Failure> {
    let items = vec![ProjectionItem { expression: wanted.clone(), alias: None, text: "value".into() }];
    let span = Span::default();
    let projection =
        Projection { distinct: false, all: false, items, order: Vec::new(), skip: None, limit: None, span };
    let clauses = vec![Clause { kind: ClauseKind::Return { projection }, span }];
    let query = Query { first: SingleQuery { using: None, clauses, span }, rest: Vec::new() };
    let system = statement.names.resolve("system").map_err(Failure::from)?;
    let planned = Planning::plan(statement, &system, &query, Mode::Run, Indexes::Latest)?;
    let parameters = statement.parameters.clone();
    let mut running = Running::start(&planned, vec![Box::new(NoGraph)], parameters, statement.allowance.clone())?;
    Ok(running.finish()?.iter().next().and_then(<[Value]>::first).cloned().unwrap_or_default())
}

/// Takes what a property can be compared with: no null, no NaN, and nothing that has parts.
fn single(value: Value, shown: &str) -> Result<Value, Failure> {
    match value {
        Value::Null => Err(always_null(shown)),
        Value::Float(float) if float.is_nan() => {
            Err(failed("`NaN` is not supported for property-based access control."))
        }
        Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::Date(_)
        | Value::LocalTime(_)
        | Value::Time(_)
        | Value::LocalDateTime(_)
        | Value::DateTime(_)
        | Value::Duration(_)
        | Value::Point(_) => Ok(value),
        other => Err(failed(&format!(
            "A value of type {} is not supported for property-based access control.",
            other.type_name()
        ))),
    }
}

fn always_null(shown: &str) -> Failure {
    let hint = if shown.contains(" <> ") {
        " Use `IS NOT NULL` instead."
    } else if shown.contains(" = ") {
        " Use `IS NULL` instead."
    } else {
        ""
    };
    failed(&format!("The property value access rule pattern `{shown}` always evaluates to `NULL`.{hint}"))
}

fn failed(why: &str) -> Failure {
    Failure::new(Code::ArgumentError, format!("Failed to administer property rule. {why}"))
}
