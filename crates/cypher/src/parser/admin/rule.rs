//! Rules by the value of a property: `FOR (n:A|B) WHERE [NOT] n.k <= 3` behind a privilege.
//! Takes one question about one property, as Neo4j does; leaves the values to whoever runs the command.
//! Start reading at [`Parser::rule`].

use types::privilege::Act;

use super::super::{Parsed, Parser};
use crate::ast::{
    BinaryOperator, Expression, ExpressionKind, LabelExpression, Name, NodePattern, RelationshipPattern, RuleAsks,
    RuleSpec, Span, UnaryOperator,
};
use crate::error::ParseError;
use crate::token::Token;

/// Functions that make a value out of literals; each is computed once, when the command runs.
const MAKERS: [&str; 7] = ["date", "datetime", "localdatetime", "time", "localtime", "duration", "point"];
const FAILED: &str = "Failed to administer property rule.";

/// Where a property stands in a comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// What of a pattern a rule is made of.
struct Parts {
    relationships: bool,
    variable: Option<Name>,
    names: Option<LabelExpression>,
    properties: Option<Expression>,
    filter: Option<Expression>,
    span: Span,
}

impl Parser<'_> {
    /// `FOR (n:A {k: v})`, `FOR (n:A) WHERE c`, `FOR (n:A WHERE c)`, and the same of `()-[r:T]-()`.
    pub(super) fn rule(&mut self, act: Act) -> Parsed<RuleSpec> {
        let start = self.start();
        if !act.takes_test() {
            let text = format!("{} is not supported for property value access rules.", act.printed());
            return Err(self.fail(self.span(), &text));
        }
        self.expect_word("FOR")?;
        let mut parts = self.rule_pattern()?;
        if parts.filter.is_none() && parts.properties.is_none() {
            parts.filter = self.filter()?;
            if parts.filter.is_none() {
                return Err(self.unexpected(&["'WHERE'"]));
            }
        } else if self.at_word("WHERE") {
            return Err(self.fail(self.span(), &format!("{FAILED} Property rules can only contain one property.")));
        }
        parts.span = self.since(start);
        self.rule_of(parts)
    }

    fn rule_pattern(&mut self) -> Parsed<Parts> {
        let node = self.node()?;
        if !matches!(self.peek(), Token::Minus | Token::Less) {
            let NodePattern { variable, labels, properties, filter, span } = node;
            let filter = filter.map(|filter| *filter);
            return Ok(Parts { relationships: false, variable, names: labels, properties, filter, span });
        }
        let relationship = self.relationship()?;
        let end = self.node()?;
        if let Some(node) = [&node, &end].into_iter().find(|node| !is_empty(node)) {
            return Err(self.fail(node.span, "The nodes of a rule for relationships must be empty: ()-[r:T]-()"));
        }
        if relationship.length.is_some() {
            return Err(self.fail(relationship.span, "A rule is about one relationship, not about a path of them"));
        }
        let RelationshipPattern { variable, types, properties, filter, span, .. } = relationship;
        let filter = filter.map(|filter| *filter);
        Ok(Parts { relationships: true, variable, names: types, properties, filter, span })
    }

    fn rule_of(&self, parts: Parts) -> Parsed<RuleSpec> {
        let Parts { relationships, variable, names, properties, filter, span } = parts;
        let default = || Name { text: if relationships { "r".into() } else { "n".into() }, span };
        let names = names.as_ref().map(|names| self.rule_names(names)).transpose()?.unwrap_or_default();
        let (key, negated, asks) = match (properties, filter) {
            (Some(properties), None) => self.rule_map(properties)?,
            (None, Some(filter)) => self.rule_condition(&filter, variable.as_ref())?,
            _ => return Err(self.fail(span, &format!("{FAILED} Property rules can only contain one property."))),
        };
        Ok(RuleSpec { relationships, variable: variable.unwrap_or_else(default), names, key, negated, asks })
    }

    /// `:A`, `:A|B`.
    fn rule_names(&self, names: &LabelExpression) -> Parsed<Vec<Name>> {
        let one = |name: &LabelExpression| match name {
            LabelExpression::Name(name) => Some(name.clone()),
            _ => None,
        };
        let all = match names {
            LabelExpression::Or(all) => all.iter().map(one).collect(),
            name => one(name).map(|name| vec![name]),
        };
        let message = "A rule names labels or types one by one, with '|' between them";
        all.ok_or_else(|| self.fail(self.span(), message))
    }

    /// `{k: v}`.
    fn rule_map(&self, properties: Expression) -> Parsed<(Name, bool, RuleAsks)> {
        let shown = properties.to_string();
        let ExpressionKind::Map(entries) = &*properties.kind else { return Err(self.not_literal(&properties)) };
        match entries.as_slice() {
            [(key, value)] if matches!(*value.kind, ExpressionKind::Null) => {
                let hint = " Use `WHERE` syntax in combination with `IS NULL` instead.";
                Err(self.always_null(&format!("{{{}:NULL}}", key.text), hint, value.span))
            }
            [(key, value)] => {
                let value = self.rule_value(value.clone(), properties.span, &shown)?;
                Ok((key.clone(), false, RuleAsks::Compare(BinaryOperator::Equal, value)))
            }
            _ => {
                let text = format!(
                    "{FAILED} The expression: `{shown}` is not supported. Property rules can only contain one property."
                );
                Err(self.fail(properties.span, &text))
            }
        }
    }

    /// `[NOT] n.k = v` and its siblings.
    fn rule_condition(&self, filter: &Expression, variable: Option<&Name>) -> Parsed<(Name, bool, RuleAsks)> {
        let (negated, inner) = match &*filter.kind {
            ExpressionKind::Unary(UnaryOperator::Not, inner) => (true, inner),
            _ => (false, filter),
        };
        let key_of = |of: &Expression| property_of(of, variable).cloned();
        let asked = match &*inner.kind {
            ExpressionKind::IsNull(of) => key_of(of).map(|key| (key, RuleAsks::IsNull)),
            ExpressionKind::IsNotNull(of) => key_of(of).map(|key| (key, RuleAsks::IsNotNull)),
            ExpressionKind::Binary(operator, left, right) => match (key_of(left), key_of(right)) {
                (Some(key), None) => self.rule_comparison(filter, key, *operator, right, Side::Left)?,
                (None, Some(key)) => self.rule_comparison(filter, key, *operator, left, Side::Right)?,
                _ => None,
            },
            _ => None,
        };
        let not_literal = || self.not_literal(filter);
        asked.map(|(key, asks)| (key, negated, asks)).ok_or_else(not_literal)
    }

    /// A comparison of the property `key`, which stands on one side, with a value on the other.
    fn rule_comparison(
        &self,
        filter: &Expression,
        key: Name,
        operator: BinaryOperator,
        value: &Expression,
        side: Side,
    ) -> Parsed<Option<(Name, RuleAsks)>> {
        let taken = || self.rule_value(value.clone(), filter.span, &filter.to_string());
        if operator == BinaryOperator::In {
            let asks = if side == Side::Left { RuleAsks::In(taken()?) } else { RuleAsks::Holds(taken()?) };
            return Ok(Some((key, asks)));
        }
        let Some(turned) = turned(operator) else { return Ok(None) };
        if matches!(*value.kind, ExpressionKind::Null) {
            let hint = match operator {
                BinaryOperator::Equal => " Use `IS NULL` instead.",
                BinaryOperator::NotEqual => " Use `IS NOT NULL` instead.",
                _ => "",
            };
            let shown = match side {
                Side::Left => format!("{} {operator} NULL", key.text),
                Side::Right => format!("NULL {operator} {}", key.text),
            };
            return Err(self.always_null(&shown, hint, value.span));
        }
        let operator = if side == Side::Left { operator } else { turned };
        Ok(Some((key, RuleAsks::Compare(operator, taken()?))))
    }

    /// Takes a literal, a list of them, a parameter, or a function that makes a value out of one of these.
    fn rule_value(&self, value: Expression, span: Span, shown: &str) -> Parsed<Expression> {
        if let ExpressionKind::Float(float) = &*value.kind
            && float.is_nan()
        {
            let text = format!("{FAILED} `NaN` is not supported for property-based access control.");
            return Err(self.fail(value.span, &text));
        }
        if is_made_of_literals(&value, true) { Ok(value) } else { Err(self.only_literals(shown, span)) }
    }

    fn not_literal(&self, expression: &Expression) -> Box<ParseError> {
        self.only_literals(&expression.to_string(), expression.span)
    }

    #[cold]
    fn only_literals(&self, shown: &str, span: Span) -> Box<ParseError> {
        let text = format!(
            "{FAILED} The expression: `{shown}` is not supported. Only single, literal-based predicate expressions are \
             allowed for property-based access control."
        );
        self.fail(span, &text)
    }

    #[cold]
    fn always_null(&self, shown: &str, hint: &str, span: Span) -> Box<ParseError> {
        let text =
            format!("{FAILED} The property value access rule pattern `{shown}` always evaluates to `NULL`.{hint}");
        self.fail(span, &text)
    }
}

fn is_empty(node: &NodePattern) -> bool {
    node.variable.is_none() && node.labels.is_none() && node.properties.is_none() && node.filter.is_none()
}

fn property_of<'e>(expression: &'e Expression, variable: Option<&Name>) -> Option<&'e Name> {
    let ExpressionKind::Property(of, key) = &*expression.kind else { return None };
    match (&*of.kind, variable) {
        (ExpressionKind::Variable(of), Some(variable)) if of.text == variable.text => Some(key),
        _ => None,
    }
}

/// Gives the operator that says the same with its sides changed; nothing for what is no comparison.
fn turned(operator: BinaryOperator) -> Option<BinaryOperator> {
    Some(match operator {
        BinaryOperator::Equal | BinaryOperator::NotEqual => operator,
        BinaryOperator::Less => BinaryOperator::Greater,
        BinaryOperator::LessOrEqual => BinaryOperator::GreaterOrEqual,
        BinaryOperator::Greater => BinaryOperator::Less,
        BinaryOperator::GreaterOrEqual => BinaryOperator::LessOrEqual,
        _ => return None,
    })
}

fn is_made_of_literals(expression: &Expression, may_call: bool) -> bool {
    match &*expression.kind {
        ExpressionKind::Null
        | ExpressionKind::Boolean(_)
        | ExpressionKind::Integer(_)
        | ExpressionKind::Float(_)
        | ExpressionKind::String(_)
        | ExpressionKind::Parameter(_) => true,
        ExpressionKind::Unary(UnaryOperator::Negate | UnaryOperator::Plus, number) => {
            matches!(*number.kind, ExpressionKind::Integer(_) | ExpressionKind::Float(_))
        }
        ExpressionKind::List(items) => items.iter().all(|item| is_made_of_literals(item, may_call)),
        // Maps stand only inside of a call: `date({year: 2024})`.
        ExpressionKind::Map(entries) => !may_call && entries.iter().all(|(_, value)| is_made_of_literals(value, false)),
        ExpressionKind::Call { name, arguments, distinct: false } => {
            may_call
                && MAKERS.iter().any(|maker| maker.eq_ignore_ascii_case(&name.text))
                && arguments.len() <= 1
                && arguments.iter().all(|argument| is_made_of_literals(argument, false))
        }
        _ => false,
    }
}
