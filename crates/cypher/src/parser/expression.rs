//! Expressions: operators by how tightly they bind.

use types::effort::pay;

use super::{Parsed, Parser, Stops};
use crate::ast::{BinaryOperator, Expression, ExpressionKind, Name, Span, UnaryOperator};
use crate::literal;
use crate::token::Token;

/// Levels of the tree that stands for `IS NORMALIZED`, beside its own.
const NORMALIZED_LEVELS: u32 = 4;

/// What an operand costs, in parts of values; see [`pay`].
const OPERAND_PARTS: usize = 64;

/// How tightly operators bind, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Or,
    Xor,
    And,
    Not,
    Comparison,
    Predicate,
    Sum,
    Product,
    Power,
    Unary,
}

impl Level {
    /// The level of the right side: one tighter, since all operators group to the left.
    fn tighter(self) -> Self {
        match self {
            Self::Or => Self::Xor,
            Self::Xor => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Comparison,
            Self::Comparison => Self::Predicate,
            Self::Predicate => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product => Self::Power,
            Self::Power | Self::Unary => Self::Unary,
        }
    }
}

/// An operator seen ahead.
#[derive(Clone, Copy)]
enum Ahead {
    Binary(BinaryOperator),
    Is,
    TypedAs,
}

impl Parser<'_> {
    /// An expression whose value is used: everything but a bare pattern.
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        let expression = self.condition()?;
        self.value(expression)
    }

    /// An expression in brackets, where the stops of the clause around do not hold.
    pub(super) fn inner(&mut self) -> Parsed<Expression> {
        self.enclosed(Self::expression)
    }

    /// An expression that is asked for true or false: a pattern may be one.
    pub(super) fn condition(&mut self) -> Parsed<Expression> {
        self.nested(|parser| parser.measured(|parser| parser.operators(Level::Or)))
    }

    /// `WHERE e`, where it is written.
    pub(super) fn filter(&mut self) -> Parsed<Option<Expression>> {
        if self.accept_word("WHERE") { self.condition().map(Some) } else { Ok(None) }
    }

    /// Refuses a pattern where a value is needed.
    pub(super) fn value(&self, expression: Expression) -> Parsed<Expression> {
        if matches!(*expression.kind, ExpressionKind::PatternPredicate(_)) {
            let message = "a pattern can only be used as a condition, in WHERE or exists(); \
                           use a pattern comprehension or COUNT { } for its matches (UnexpectedSyntax)";
            return Err(self.fail(expression.span, message));
        }
        Ok(expression)
    }

    /// Runs a rule and raises the height around it to the height of what it built.
    fn measured(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<Expression>) -> Parsed<Expression> {
        let siblings = std::mem::take(&mut self.height);
        let expression = rule(self)?;
        self.grow()?;
        self.height = self.height.max(siblings);
        Ok(expression)
    }

    fn operators(&mut self, loosest: Level) -> Parsed<Expression> {
        let start = self.start();
        let left = self.prefixed()?;
        self.operators_behind(start, left, loosest)
    }

    /// `< 3`, `IS NULL`: an operator whose left side stood elsewhere.
    pub(super) fn operators_after(&mut self, left: Expression) -> Parsed<Expression> {
        self.operators_behind(self.start(), left, Level::Or)
    }

    /// Tells how tightly the operator ahead binds; `None` where there is none.
    pub(super) fn operator_level(&self) -> Option<Level> {
        self.operator_ahead().map(|(_, level)| level)
    }

    fn operators_behind(&mut self, start: u32, mut left: Expression, loosest: Level) -> Parsed<Expression> {
        while let Some((operator, level)) = self.operator_ahead() {
            if level < loosest {
                break;
            }
            left = match (operator, level) {
                (Ahead::Binary(operator), Level::Or | Level::Xor | Level::And) => {
                    self.logical(left, operator, level)?
                }
                (_, Level::Comparison) => self.comparison(start, left)?,
                (Ahead::Binary(operator), _) => self.binary(start, left, operator, level)?,
                (Ahead::Is, _) => self.is(start, left)?,
                (Ahead::TypedAs, _) => {
                    self.advance();
                    self.typed(start, left, false)?
                }
            };
        }
        Ok(left)
    }

    /// One operator and its right side.
    fn binary(&mut self, start: u32, left: Expression, operator: BinaryOperator, level: Level) -> Parsed<Expression> {
        let left = self.value(left)?;
        self.take_operator(operator);
        let right = self.measured(|parser| parser.operators(level.tighter()))?;
        let right = self.value(right)?;
        self.grow()?;
        Ok(self.build(start, ExpressionKind::Binary(operator, left, right)))
    }

    /// `a AND b AND c ...`: a balanced tree, so that a thousand conditions are ten levels deep.
    fn logical(&mut self, left: Expression, operator: BinaryOperator, level: Level) -> Parsed<Expression> {
        let mut parts = vec![left];
        while matches!(self.operator_ahead(), Some((Ahead::Binary(next), _)) if next == operator) {
            self.take_operator(operator);
            parts.push(self.measured(|parser| parser.operators(level.tighter()))?);
        }
        for _ in 0..=parts.len().ilog2() {
            self.grow()?;
        }
        Ok(balanced(parts, operator))
    }

    /// `a < b`, or a chain `a < b <= c`.
    fn comparison(&mut self, start: u32, left: Expression) -> Parsed<Expression> {
        let left = self.value(left)?;
        let mut rest = Vec::new();
        while let Some((Ahead::Binary(operator), Level::Comparison)) = self.operator_ahead() {
            self.advance();
            let right = self.measured(|parser| parser.operators(Level::Predicate))?;
            rest.push((operator, self.value(right)?));
        }
        self.grow()?;
        if rest.len() == 1
            && let Some((operator, right)) = rest.pop()
        {
            return Ok(self.build(start, ExpressionKind::Binary(operator, left, right)));
        }
        Ok(self.build(start, ExpressionKind::Comparison(left, rest)))
    }

    /// `NOT e`, `-e`, `+e`, or an operand.
    fn prefixed(&mut self) -> Parsed<Expression> {
        let start = self.start();
        if self.at_word("NOT") {
            self.advance();
            let operand = self.nested(|parser| parser.operators(Level::Not))?;
            self.grow()?;
            return Ok(self.build(start, ExpressionKind::Unary(UnaryOperator::Not, operand)));
        }
        let operator = match self.peek() {
            Token::Minus => UnaryOperator::Negate,
            Token::Plus => UnaryOperator::Plus,
            _ => return self.postfixed(),
        };
        self.advance();
        if operator == UnaryOperator::Negate
            && let Some(number) = self.negative_number(start)?
        {
            return Ok(number);
        }
        let operand = self.nested(Self::prefixed)?;
        let operand = self.value(operand)?;
        self.grow()?;
        Ok(self.build(start, ExpressionKind::Unary(operator, operand)))
    }

    /// The number behind a minus, with its sign: the smallest integer has no positive twin.
    fn negative_number(&mut self, start: u32) -> Parsed<Option<Expression>> {
        let kind = match (self.peek(), self.peek_at(1)) {
            (_, Token::Dot | Token::BracketOpen | Token::Colon) => return Ok(None),
            (Token::Integer, _) => literal::integer(self.text_at(0), true).map(ExpressionKind::Integer),
            (Token::Float, _) => literal::float(self.text_at(0)).map(|value| ExpressionKind::Float(-value)),
            _ => return Ok(None),
        };
        let kind = kind.map_err(|error| self.fail(self.span(), &error.to_string()))?;
        self.advance();
        Ok(Some(self.build(start, kind)))
    }

    /// An operand with `.k`, `[i]`, `[a..b]` and `:L` behind it.
    pub(super) fn postfixed(&mut self) -> Parsed<Expression> {
        if !pay(OPERAND_PARTS) {
            // Whoever made this watch says why.
            return Err(self.fail(self.span(), "the statement was ended before it was read"));
        }
        let start = self.start();
        let mut operand = self.atom()?;
        loop {
            let kind = match self.peek() {
                Token::Dot => {
                    self.advance();
                    ExpressionKind::Property(self.value(operand)?, self.name("a property name")?)
                }
                Token::BracketOpen => self.subscript(operand)?,
                Token::Colon => ExpressionKind::HasLabels(self.value(operand)?, self.labels_behind_colon()?),
                _ => return Ok(operand),
            };
            self.grow()?;
            operand = self.build(start, kind);
        }
    }

    /// `[i]`, `[a..b]`, `[..b]`, `[a..]`, `[..]`.
    fn subscript(&mut self, operand: Expression) -> Parsed<ExpressionKind> {
        let operand = self.value(operand)?;
        self.advance();
        let from = if self.peek() == Token::DotDot { None } else { Some(self.inner()?) };
        if !self.accept(Token::DotDot) {
            self.expect(Token::BracketClose, "']' or '..'")?;
            let index = from.expect("no '..' stood first, so an index was read");
            return Ok(ExpressionKind::Index(operand, index));
        }
        let to = if self.peek() == Token::BracketClose { None } else { Some(self.inner()?) };
        self.expect(Token::BracketClose, "']'")?;
        Ok(ExpressionKind::Slice(operand, from, to))
    }

    /// `IS NULL`, `IS NOT NULL`, `IS [NOT] :: T`, `IS [NOT] NORMALIZED`, `IS Label`.
    fn is(&mut self, start: u32, left: Expression) -> Parsed<Expression> {
        let left = self.value(left)?;
        self.grow()?;
        self.advance();
        let negated = self.accept_word("NOT");
        if self.accept_word("NULL") {
            let kind = if negated { ExpressionKind::IsNotNull(left) } else { ExpressionKind::IsNull(left) };
            return Ok(self.build(start, kind));
        }
        if self.accept(Token::ColonColon) || self.accept_word("TYPED") {
            return self.typed(start, left, negated);
        }
        if let Some(form) = self.normal_form() {
            return self.normalized(start, left, form, negated);
        }
        if negated {
            return Err(self.unexpected(&["'NULL'", "'::'", "'TYPED'", "'NORMALIZED'"]));
        }
        if !self.at_label() {
            return Err(self.unexpected(&["'NULL'", "'NOT NULL'", "'::'", "'TYPED'", "a label"]));
        }
        let labels = self.label_expression()?;
        Ok(self.build(start, ExpressionKind::HasLabels(left, labels)))
    }

    /// `[NFC | NFD | NFKC | NFKD] NORMALIZED` after `IS [NOT]`: gives the form.
    fn normal_form(&mut self) -> Option<&'static str> {
        let form = ["NFC", "NFD", "NFKC", "NFKD"].into_iter().find(|form| self.at_words(&[form, "NORMALIZED"]));
        if form.is_some() {
            self.advance();
        }
        self.accept_word("NORMALIZED").then_some(form.unwrap_or("NFC"))
    }

    /// `e IS NORMALIZED` is `CASE WHEN x IS :: STRING NOT NULL THEN normalize(x) = x END` for the one `x` of `[e]`.
    fn normalized(&mut self, start: u32, left: Expression, form: &str, negated: bool) -> Parsed<Expression> {
        for _ in 0..NORMALIZED_LEVELS {
            self.grow()?;
        }
        let span = self.since(start);
        let of = |kind| Expression::new(kind, span);
        // A name that nobody can write.
        let hidden = |text: &str| Name { text: text.into(), span };
        let text = || of(ExpressionKind::Variable(hidden(" text")));
        let call = self.call_of("normalize", span, vec![text(), of(ExpressionKind::String(form.into()))]);
        let operator = if negated { BinaryOperator::NotEqual } else { BinaryOperator::Equal };
        let type_name = "STRING NOT NULL".into();
        let is_text = of(ExpressionKind::IsTyped { value: text(), negated: false, type_name });
        let branches = vec![(is_text, of(ExpressionKind::Binary(operator, call, text())))];
        Ok(self.build(
            start,
            ExpressionKind::Reduce {
                accumulator: hidden(" result"),
                initial: of(ExpressionKind::Null),
                variable: hidden(" text"),
                list: of(ExpressionKind::List(vec![left])),
                step: of(ExpressionKind::Case { subject: None, branches, otherwise: None }),
            },
        ))
    }

    /// The type after `::`.
    fn typed(&mut self, start: u32, value: Expression, negated: bool) -> Parsed<Expression> {
        let value = self.value(value)?;
        let type_name = self.type_name()?;
        self.grow()?;
        Ok(self.build(start, ExpressionKind::IsTyped { value, negated, type_name }))
    }

    fn operator_ahead(&self) -> Option<(Ahead, Level)> {
        let (operator, level) = match self.peek() {
            Token::Word => return self.word_operator_ahead(),
            Token::Equal => (BinaryOperator::Equal, Level::Comparison),
            Token::NotEqual => (BinaryOperator::NotEqual, Level::Comparison),
            Token::Less => (BinaryOperator::Less, Level::Comparison),
            Token::LessOrEqual => (BinaryOperator::LessOrEqual, Level::Comparison),
            Token::Greater => (BinaryOperator::Greater, Level::Comparison),
            Token::GreaterOrEqual => (BinaryOperator::GreaterOrEqual, Level::Comparison),
            Token::EqualTilde => (BinaryOperator::Matches, Level::Predicate),
            Token::ColonColon => return Some((Ahead::TypedAs, Level::Predicate)),
            Token::Plus => (BinaryOperator::Add, Level::Sum),
            Token::Minus => (BinaryOperator::Subtract, Level::Sum),
            Token::BarBar => (BinaryOperator::Concatenate, Level::Sum),
            Token::Star => (BinaryOperator::Multiply, Level::Product),
            Token::Slash => (BinaryOperator::Divide, Level::Product),
            Token::Percent => (BinaryOperator::Modulo, Level::Product),
            Token::Caret => (BinaryOperator::Power, Level::Power),
            _ => return None,
        };
        Some((Ahead::Binary(operator), level))
    }

    fn word_operator_ahead(&self) -> Option<(Ahead, Level)> {
        let (operator, level) = if self.at_word("AND") {
            (BinaryOperator::And, Level::And)
        } else if self.at_word("OR") {
            (BinaryOperator::Or, Level::Or)
        } else if self.at_word("XOR") {
            (BinaryOperator::Xor, Level::Xor)
        } else if self.at_word("IN") && !self.stops_at_in() {
            (BinaryOperator::In, Level::Predicate)
        } else if self.at_words(&["STARTS", "WITH"]) {
            (BinaryOperator::StartsWith, Level::Predicate)
        } else if self.at_words(&["ENDS", "WITH"]) {
            (BinaryOperator::EndsWith, Level::Predicate)
        } else if self.at_word("CONTAINS") {
            (BinaryOperator::Contains, Level::Predicate)
        } else if self.at_word("IS") {
            return Some((Ahead::Is, Level::Predicate));
        } else {
            return None;
        };
        Some((Ahead::Binary(operator), level))
    }

    /// Tells whether the `IN` ahead names the clause's graph.
    fn stops_at_in(&self) -> bool {
        let Stops { in_any, in_database, .. } = self.stops;
        in_any || (in_database && self.word_at(1, "DATABASE") && Self::is_name(self.peek_at(2)))
    }

    fn take_operator(&mut self, operator: BinaryOperator) {
        self.advance();
        if matches!(operator, BinaryOperator::StartsWith | BinaryOperator::EndsWith) {
            self.advance();
        }
    }

    /// Makes an expression that reaches from `start` to the last token taken.
    pub(super) fn build(&self, start: u32, kind: ExpressionKind) -> Expression {
        Expression::new(kind, self.since(start))
    }
}

/// Joins parts with one operator that does not mind how it is grouped.
pub(super) fn balanced(mut parts: Vec<Expression>, operator: BinaryOperator) -> Expression {
    if parts.len() == 1 {
        return parts.pop().expect("one part is left");
    }
    let right = balanced(parts.split_off(parts.len().div_ceil(2)), operator);
    let left = balanced(parts, operator);
    let span = Span { start: left.span.start, end: right.span.end };
    Expression::new(ExpressionKind::Binary(operator, left, right), span)
}
