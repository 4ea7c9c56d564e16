//! Expressions: brackets only where an operator binds more loosely than its place allows.

use std::fmt::{self, Display, Formatter, Write};

use super::{Dotted, Key, Optional, Word, commas};
use crate::ast::{
    BinaryOperator, Expression, ExpressionKind, MapProjectionItem, Name, QuantifierKind, SubqueryExpression,
    UnaryOperator,
};

/// How tightly a form binds, from `OR` to operands.
pub(super) type Level = u8;

/// The place in front of a `|` that belongs to the form around: it takes everything without one.
pub(super) const BEFORE_BAR: Level = 1;

const NOT: Level = 4;
const COMPARISON: Level = 5;
const PREDICATE: Level = 6;
const SUM: Level = 7;
const UNARY: Level = 10;
const POSTFIX: Level = 11;
const OPERAND: Level = 12;

/// An expression at a place that takes forms of a level and tighter ones.
pub(super) struct At<'a>(pub(super) &'a Expression, pub(super) Level);

impl Display for At<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if level(&self.0.kind) < self.1 { write!(f, "({})", self.0) } else { self.0.fmt(f) }
    }
}

fn level(kind: &ExpressionKind) -> Level {
    match kind {
        ExpressionKind::Binary(operator, ..) => operator_level(*operator),
        ExpressionKind::Unary(UnaryOperator::Not, _) => NOT,
        ExpressionKind::Comparison(..) => COMPARISON,
        ExpressionKind::IsNull(_) | ExpressionKind::IsNotNull(_) => PREDICATE,
        // A union of types holds a `|`, which may belong to a form around.
        ExpressionKind::IsTyped { type_name, .. } => {
            if type_name.contains('|') {
                0
            } else {
                PREDICATE
            }
        }
        ExpressionKind::Unary(..) => UNARY,
        ExpressionKind::Integer(number) if *number < 0 => UNARY,
        ExpressionKind::Float(number) if number.is_sign_negative() => UNARY,
        ExpressionKind::Property(..)
        | ExpressionKind::Index(..)
        | ExpressionKind::Slice(..)
        | ExpressionKind::HasLabels(..) => POSTFIX,
        _ => OPERAND,
    }
}

fn operator_level(operator: BinaryOperator) -> Level {
    match operator {
        BinaryOperator::Or => 1,
        BinaryOperator::Xor => 2,
        BinaryOperator::And => 3,
        BinaryOperator::Equal
        | BinaryOperator::NotEqual
        | BinaryOperator::Less
        | BinaryOperator::LessOrEqual
        | BinaryOperator::Greater
        | BinaryOperator::GreaterOrEqual => COMPARISON,
        BinaryOperator::Matches
        | BinaryOperator::In
        | BinaryOperator::StartsWith
        | BinaryOperator::EndsWith
        | BinaryOperator::Contains => PREDICATE,
        BinaryOperator::Add | BinaryOperator::Subtract | BinaryOperator::Concatenate => SUM,
        BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Modulo => 8,
        BinaryOperator::Power => 9,
    }
}

impl Display for BinaryOperator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Or => "OR",
            Self::Xor => "XOR",
            Self::And => "AND",
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Matches => "=~",
            Self::In => "IN",
            Self::StartsWith => "STARTS WITH",
            Self::EndsWith => "ENDS WITH",
            Self::Contains => "CONTAINS",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
            Self::Concatenate => "||",
        })
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            ExpressionKind::Null => f.write_str("null"),
            ExpressionKind::Boolean(value) => write!(f, "{value}"),
            ExpressionKind::Integer(value) => write!(f, "{value}"),
            ExpressionKind::Float(value) => float(f, *value),
            ExpressionKind::String(value) => text(f, value),
            ExpressionKind::Parameter(name) => write!(f, "${}", Parameter(name)),
            ExpressionKind::Variable(name) => Word(name).fmt(f),
            ExpressionKind::List(items) => list(f, items),
            ExpressionKind::Map(entries) => map(f, entries),
            ExpressionKind::MapProjection { variable, items } => write!(f, "{} {{{}}}", Word(variable), commas(items)),
            ExpressionKind::Property(entity, key) => write!(f, "{}.{}", At(entity, POSTFIX), Key(key)),
            ExpressionKind::Index(list, at) => write!(f, "{}[{at}]", At(list, POSTFIX)),
            ExpressionKind::Slice(list, from, to) => {
                write!(f, "{}[{}..{}]", At(list, POSTFIX), Optional("", from), Optional("", to))
            }
            // In brackets, since the `|` of a union may belong to a form around.
            ExpressionKind::HasLabels(entity, labels @ crate::ast::LabelExpression::Or(_)) => {
                write!(f, "{}:({labels})", At(entity, POSTFIX))
            }
            ExpressionKind::HasLabels(entity, labels) => write!(f, "{}:{labels}", At(entity, POSTFIX)),
            ExpressionKind::Unary(operator, operand) => unary(f, *operator, operand),
            ExpressionKind::Binary(operator, left, right) => binary(f, *operator, left, right),
            ExpressionKind::Comparison(first, rest) => {
                At(first, PREDICATE).fmt(f)?;
                rest.iter().try_for_each(|(operator, next)| write!(f, " {operator} {}", At(next, PREDICATE)))
            }
            ExpressionKind::IsNull(value) => write!(f, "{} IS NULL", At(value, PREDICATE)),
            ExpressionKind::IsNotNull(value) => write!(f, "{} IS NOT NULL", At(value, PREDICATE)),
            ExpressionKind::IsTyped { value, negated, type_name } => {
                write!(f, "{} IS {}:: {type_name}", At(value, PREDICATE), if *negated { "NOT " } else { "" })
            }
            ExpressionKind::Call { name, distinct, arguments } => {
                write!(f, "{}({}{})", Dotted(name), if *distinct { "DISTINCT " } else { "" }, commas(arguments))
            }
            ExpressionKind::CountAll => f.write_str("count(*)"),
            ExpressionKind::Case { subject, branches, otherwise } => case(f, subject, branches, otherwise),
            ExpressionKind::PatternPredicate(pattern) | ExpressionKind::ShortestPath(pattern) => pattern.fmt(f),
            ExpressionKind::Exists(subquery) => write!(f, "EXISTS {{ {subquery} }}"),
            ExpressionKind::Count(subquery) => write!(f, "COUNT {{ {subquery} }}"),
            ExpressionKind::Collect(subquery) => write!(f, "COLLECT {{ {subquery} }}"),
            scoped => scoped_form(f, scoped),
        }
    }
}

/// The forms that bring a variable of their own.
fn scoped_form(f: &mut Formatter<'_>, kind: &ExpressionKind) -> fmt::Result {
    match kind {
        ExpressionKind::ListComprehension { variable, list, filter, projection } => {
            write!(f, "[{} IN {}{}", Word(variable), At(list, BEFORE_BAR), Condition(filter))?;
            write!(f, "{}]", Optional(" | ", projection))
        }
        ExpressionKind::PatternComprehension { pattern, filter, projection } => {
            write!(f, "[{pattern}{} | {projection}]", Condition(filter))
        }
        ExpressionKind::Quantifier { kind, variable, list, filter } => {
            write!(f, "{kind}({} IN {list}{})", Word(variable), Optional(" WHERE ", filter))
        }
        ExpressionKind::Reduce { accumulator, initial, variable, list, step } => {
            let list = At(list, BEFORE_BAR);
            write!(f, "reduce({} = {initial}, {} IN {list} | {step})", Word(accumulator), Word(variable))
        }
        // Every other form is printed by its caller.
        _ => Ok(()),
    }
}

/// The condition of a comprehension.
struct Condition<'a>(&'a Option<Expression>);

impl Display for Condition<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Optional(" WHERE ", &self.0.as_ref().map(|filter| At(filter, BEFORE_BAR))).fmt(f)
    }
}

impl Display for QuantifierKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Any => "any",
            Self::None => "none",
            Self::Single => "single",
        })
    }
}

fn unary(f: &mut Formatter<'_>, operator: UnaryOperator, operand: &Expression) -> fmt::Result {
    match operator {
        UnaryOperator::Not => write!(f, "NOT {}", At(operand, NOT)),
        // `-0` would be the number.
        UnaryOperator::Negate if is_number(operand) => write!(f, "-({operand})"),
        UnaryOperator::Negate => write!(f, "-{}", At(operand, UNARY)),
        UnaryOperator::Plus => write!(f, "+{}", At(operand, UNARY)),
    }
}

fn is_number(operand: &Expression) -> bool {
    matches!(&*operand.kind, ExpressionKind::Integer(number) if *number >= 0)
        || matches!(&*operand.kind, ExpressionKind::Float(number) if number.is_finite() && number.is_sign_positive())
}

fn binary(f: &mut Formatter<'_>, operator: BinaryOperator, left: &Expression, right: &Expression) -> fmt::Result {
    let own = operator_level(operator);
    let (left_level, right_level) = match operator {
        // Grouping means nothing to these.
        BinaryOperator::Or | BinaryOperator::Xor | BinaryOperator::And => (own, own),
        // `a = b = c` is a chain, not a comparison of a comparison.
        _ if own == COMPARISON => (PREDICATE, PREDICATE),
        _ => (own, own + 1),
    };
    write!(f, "{} {operator} {}", At(left, left_level), At(right, right_level))
}

fn float(f: &mut Formatter<'_>, value: f64) -> fmt::Result {
    if value.is_nan() {
        f.write_str("NaN")
    } else if value.is_infinite() {
        f.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        write!(f, "{value:?}")
    }
}

pub(super) fn text(f: &mut Formatter<'_>, value: &str) -> fmt::Result {
    f.write_char('\'')?;
    for character in value.chars() {
        match character {
            '\'' | '\\' => write!(f, "\\{character}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            control if control.is_control() => write!(f, "\\u{:04X}", u32::from(control))?,
            other => f.write_char(other)?,
        }
    }
    f.write_char('\'')
}

/// The name of a parameter, which may be a number.
struct Parameter<'a>(&'a Name);

impl Display for Parameter<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let number = !self.0.text.is_empty() && self.0.text.bytes().all(|byte| byte.is_ascii_digit());
        if number { f.write_str(&self.0.text) } else { Key(self.0).fmt(f) }
    }
}

fn list(f: &mut Formatter<'_>, items: &[Expression]) -> fmt::Result {
    match items {
        // `[x IN y]` would be a comprehension.
        [only] if level(&only.kind) <= PREDICATE => write!(f, "[({only})]"),
        _ => write!(f, "[{}]", commas(items)),
    }
}

fn map(f: &mut Formatter<'_>, entries: &[(Name, Expression)]) -> fmt::Result {
    f.write_char('{')?;
    for (at, (key, value)) in entries.iter().enumerate() {
        write!(f, "{}{}: {value}", if at > 0 { ", " } else { "" }, Key(key))?;
    }
    f.write_char('}')
}

impl Display for MapProjectionItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property(key) => write!(f, ".{}", Key(key)),
            Self::All => f.write_str(".*"),
            Self::Entry(key, value) => write!(f, "{}: {value}", Key(key)),
            Self::Variable(name) => Key(name).fmt(f),
        }
    }
}

fn case(
    f: &mut Formatter<'_>,
    subject: &Option<Expression>,
    branches: &[(Expression, Expression)],
    otherwise: &Option<Expression>,
) -> fmt::Result {
    write!(f, "CASE{}", Optional(" ", subject))?;
    for (condition, result) in branches {
        write!(f, " WHEN {condition} THEN {result}")?;
    }
    write!(f, "{} END", Optional(" ELSE ", otherwise))
}

impl Display for SubqueryExpression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern { patterns, filter } => {
                write!(f, "MATCH {}{}", commas(patterns), Optional(" WHERE ", filter))
            }
            Self::Query(query) => query.fmt(f),
        }
    }
}
