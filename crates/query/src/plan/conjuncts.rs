//! A condition, taken apart into those that must all hold.
//! Leaves what each of them means to whoever looks for rows.
//! Start reading at [`conjuncts`].

use cypher::ast::{BinaryOperator, Expression, ExpressionKind};

use super::pattern::{binary, expression};

/// Splits a condition at its `AND`s.
pub(super) fn conjuncts(condition: &Expression, out: &mut Vec<Expression>) {
    match &*condition.kind {
        ExpressionKind::Binary(BinaryOperator::And, left, right) => {
            conjuncts(left, out);
            conjuncts(right, out);
        }
        _ => out.push(among(condition).unwrap_or_else(|| condition.clone())),
    }
}

/// Makes `n.k IN [1, 2]` of `n.k = 1 OR n.k = 2`, which an index answers and a hash table does.
fn among(condition: &Expression) -> Option<Expression> {
    let ExpressionKind::Binary(BinaryOperator::Or, ..) = &*condition.kind else { return None };
    let (mut of, mut values) = (None, Vec::new());
    collect(condition, &mut of, &mut values)?;
    let list = expression(ExpressionKind::List(values.into_iter().cloned().collect()), condition.span);
    Some(binary(BinaryOperator::In, of?.clone(), list))
}

/// Gathers what one property is compared with; nothing where a branch asks for something else.
fn collect<'e>(
    condition: &'e Expression,
    of: &mut Option<&'e Expression>,
    values: &mut Vec<&'e Expression>,
) -> Option<()> {
    let (left, right) = match &*condition.kind {
        ExpressionKind::Binary(BinaryOperator::Or, left, right) => {
            collect(left, of, values)?;
            return collect(right, of, values);
        }
        ExpressionKind::Binary(BinaryOperator::Equal, left, right) => (left, right),
        ExpressionKind::Comparison(left, rest) => match rest.as_slice() {
            [(BinaryOperator::Equal, right)] => (left, right),
            _ => return None,
        },
        _ => return None,
    };
    let (asked, value) = if is_given(right) { (left, right) } else { (right, left) };
    let place = property(asked)?;
    match of {
        None => *of = Some(asked),
        Some(known) if property(known) == Some(place) => {}
        Some(_) => return None,
    }
    values.push(value);
    is_given(value).then_some(())
}

/// Tells whether the text, or who sent it, gives the value: to compute it cannot fail.
fn is_given(value: &Expression) -> bool {
    matches!(
        &*value.kind,
        ExpressionKind::Null
            | ExpressionKind::Boolean(_)
            | ExpressionKind::Integer(_)
            | ExpressionKind::Float(_)
            | ExpressionKind::String(_)
            | ExpressionKind::Parameter(_)
    )
}

/// Gives variable and key of `n.k`.
fn property(expression: &Expression) -> Option<(&str, &str)> {
    let ExpressionKind::Property(of, key) = &*expression.kind else { return None };
    let ExpressionKind::Variable(name) = &*of.kind else { return None };
    Some((&name.text, &key.text))
}
