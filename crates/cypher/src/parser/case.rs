//! `CASE`: the plain forms, several values in one `WHEN`, and tests such as `WHEN < 3`.

use super::expression::{Level, balanced};
use super::{Parsed, Parser};
use crate::ast::{BinaryOperator, Expression, ExpressionKind};
use crate::token::Token;

/// Most tokens whose trees one statement's `CASE`s may copy.
const COPIED_MAX: usize = 100_000;

/// An expression and how many tokens made its tree.
struct Sized {
    expression: Expression,
    size: usize,
}

/// A subject, and conditions with their results.
type Parts = (Option<Expression>, Vec<(Expression, Expression)>);

/// One `WHEN ... THEN e`.
struct Branch {
    values: Vec<Value>,
    result: Sized,
}

/// What a `WHEN` says.
enum Value {
    /// A condition, or a value that the subject must equal.
    Plain(Expression),
    /// `< 3`: already a comparison with the subject.
    Test(Expression),
}

impl Parser<'_> {
    /// `CASE`, with or without a subject.
    pub(super) fn case(&mut self) -> Parsed<Expression> {
        let start = self.start();
        self.advance();
        let subject = if self.at_word("WHEN") { None } else { Some(self.sized(Self::inner)?) };
        let mut branches = Vec::new();
        while self.accept_word("WHEN") {
            branches.push(self.case_branch(subject.as_ref())?);
        }
        if branches.is_empty() {
            return Err(self.unexpected(&["'WHEN'"]));
        }
        let otherwise = if self.accept_word("ELSE") { Some(self.inner()?) } else { None };
        if !self.accept_word("END") {
            let expected: &[&str] = if otherwise.is_some() { &["'END'"] } else { &["'WHEN'", "'ELSE'", "'END'"] };
            return Err(self.unexpected(expected));
        }
        let (subject, branches) = self.case_parts(subject, branches)?;
        Ok(self.build(start, ExpressionKind::Case { subject, branches, otherwise }))
    }

    fn case_branch(&mut self, subject: Option<&Sized>) -> Parsed<Branch> {
        let values = self.enclosed(|parser| match subject {
            Some(subject) => parser.list(|parser| parser.case_value(subject)),
            None => Ok(vec![Value::Plain(parser.condition()?)]),
        })?;
        self.expect_word("THEN")?;
        Ok(Branch { values, result: self.sized(Self::inner)? })
    }

    /// A value to compare with, or a test: an operator in front says which.
    fn case_value(&mut self, subject: &Sized) -> Parsed<Value> {
        let tests = self.operator_level().is_some_and(|level| matches!(level, Level::Comparison | Level::Predicate));
        // A variable may be called `in` or `contains`.
        if !tests || matches!(self.peek_at(1), Token::Comma) || self.word_at(1, "THEN") {
            return Ok(Value::Plain(self.expression()?));
        }
        let subject = self.copy(subject)?;
        Ok(Value::Test(self.nested(|parser| parser.operators_after(subject))?))
    }

    /// Gives subject and branches as the tree has them: where a test is asked, every value becomes one.
    fn case_parts(&mut self, subject: Option<Sized>, branches: Vec<Branch>) -> Parsed<Parts> {
        let has_tests = branches.iter().flat_map(|branch| &branch.values).any(|value| matches!(value, Value::Test(_)));
        let mut parts = Vec::with_capacity(branches.len());
        for Branch { values, result } in branches {
            match &subject {
                Some(subject) if has_tests => {
                    let tests = values.into_iter().map(|value| self.case_test(subject, value));
                    parts.push((balanced(tests.collect::<Parsed<_>>()?, BinaryOperator::Or), result.expression));
                }
                _ => self.case_values(values, result, &mut parts)?,
            }
        }
        Ok((subject.filter(|_| !has_tests).map(|subject| subject.expression), parts))
    }

    /// `WHEN a, b THEN e` is `WHEN a THEN e WHEN b THEN e`.
    fn case_values(
        &mut self,
        values: Vec<Value>,
        result: Sized,
        parts: &mut Vec<(Expression, Expression)>,
    ) -> Parsed<()> {
        let mut values = values.into_iter().map(|(Value::Plain(value) | Value::Test(value))| value).collect::<Vec<_>>();
        let last = values.pop().expect("a WHEN has at least one value");
        for value in values {
            let copy = self.copy(&result)?;
            parts.push((value, copy));
        }
        parts.push((last, result.expression));
        Ok(())
    }

    fn case_test(&mut self, subject: &Sized, value: Value) -> Parsed<Expression> {
        match value {
            Value::Test(test) => Ok(test),
            Value::Plain(value) => {
                let span = value.span;
                let subject = self.copy(subject)?;
                let kind = ExpressionKind::Binary(BinaryOperator::Equal, subject, value);
                Ok(Expression::new(kind, span))
            }
        }
    }

    /// Parses and counts the tokens, the ones copied on the way included.
    fn sized(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<Expression>) -> Parsed<Sized> {
        let (at, copied) = (self.at, self.copied);
        let expression = rule(self)?;
        Ok(Sized { expression, size: (self.at - at) + (self.copied - copied) })
    }

    fn copy(&mut self, original: &Sized) -> Parsed<Expression> {
        self.copied += original.size;
        if self.copied > COPIED_MAX {
            return Err(self.fail(self.span(), "CASE expressions are nested too deeply"));
        }
        Ok(original.expression.clone())
    }
}
