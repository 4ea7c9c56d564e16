//! Forms in brackets: parentheses, lists, maps, comprehensions and map projections.

use super::{Parsed, Parser, Stops};
use crate::ast::{Expression, ExpressionKind, MapProjectionItem, Name};
use crate::token::Token;

impl Parser<'_> {
    /// `(e)`, or a pattern used as a condition.
    pub(super) fn parenthesised(&mut self) -> Parsed<Expression> {
        let start = self.start();
        if self.pattern_at(0) {
            let pattern = self.nested(Self::predicate_pattern)?;
            return Ok(self.build(start, ExpressionKind::PatternPredicate(Box::new(pattern))));
        }
        self.advance();
        let mut expression = self.enclosed(Self::condition)?;
        self.expect(Token::ParenClose, "')' or an operator")?;
        // The parentheses belong to the text of the expression: `(a + b) * c` starts at the `(`.
        expression.span = self.since(start);
        Ok(expression)
    }

    /// A list, a list comprehension or a pattern comprehension: what stands directly inside tells which.
    pub(super) fn bracketed(&mut self) -> Parsed<Expression> {
        let start = self.start();
        let (comma, bar) = (self.piece(0).comma, self.piece(0).bar);
        let kind = if Self::is_name(self.peek_at(1)) && self.word_at(2, "IN") && !comma {
            self.list_comprehension()?
        } else if bar && self.comprehended_pattern_ahead() {
            self.pattern_comprehension()?
        } else {
            self.list_literal()?
        };
        Ok(self.build(start, kind))
    }

    fn comprehended_pattern_ahead(&self) -> bool {
        let named = Self::is_name(self.peek_at(1)) && self.peek_at(2) == Token::Equal && self.path_at(3);
        named || self.path_at(1)
    }

    fn list_literal(&mut self) -> Parsed<ExpressionKind> {
        self.advance();
        if self.accept(Token::BracketClose) {
            return Ok(ExpressionKind::List(Vec::new()));
        }
        let items = self.enclosed(|parser| parser.list(Self::expression))?;
        self.expect(Token::BracketClose, "']' or ','")?;
        Ok(ExpressionKind::List(items))
    }

    /// `[x IN list WHERE c | e]`.
    fn list_comprehension(&mut self) -> Parsed<ExpressionKind> {
        self.advance();
        let variable = self.name("a variable")?;
        self.expect_word("IN")?;
        let list = self.before_bar(Self::expression)?;
        let filter = self.before_bar(Self::filter)?;
        let projection = if self.accept(Token::Bar) { Some(self.inner()?) } else { None };
        let expected: &[&str] = match (&filter, &projection) {
            (_, Some(_)) => &["']'"],
            (Some(_), None) => &["'|'", "']'"],
            (None, None) => &["'WHERE'", "'|'", "']'"],
        };
        if !self.accept(Token::BracketClose) {
            return Err(self.unexpected(expected));
        }
        Ok(ExpressionKind::ListComprehension { variable, list, filter, projection })
    }

    /// `[p = (a)-->(b) WHERE c | e]`.
    fn pattern_comprehension(&mut self) -> Parsed<ExpressionKind> {
        self.advance();
        let pattern = Box::new(self.nested(|parser| parser.enclosed(Self::path_pattern))?);
        let filter = self.before_bar(Self::filter)?;
        self.expect(Token::Bar, if filter.is_some() { "'|'" } else { "'WHERE' or '|'" })?;
        let projection = self.inner()?;
        self.expect(Token::BracketClose, "']'")?;
        Ok(ExpressionKind::PatternComprehension { pattern, filter, projection })
    }

    /// Runs a rule in front of a `|` that belongs to the form around it.
    pub(super) fn before_bar<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.stopping(Stops { bar: true, ..Stops::default() }, rule)
    }

    /// `{k: v, ...}`.
    pub(super) fn map(&mut self) -> Parsed<Vec<(Name, Expression)>> {
        self.expect(Token::BraceOpen, "'{'")?;
        if self.accept(Token::BraceClose) {
            return Ok(Vec::new());
        }
        let entries = self.enclosed(|parser| {
            parser.list(|parser| {
                let key = parser.key("a property name or '}'")?;
                parser.expect(Token::Colon, "':'")?;
                Ok((key, parser.expression()?))
            })
        })?;
        self.expect(Token::BraceClose, "'}' or ','")?;
        Ok(entries)
    }

    /// `x {.a, b: e, .*, y}`.
    pub(super) fn map_projection(&mut self, variable: Name) -> Parsed<Expression> {
        let start = variable.span.start;
        self.advance();
        let items = if self.peek() == Token::BraceClose {
            Vec::new()
        } else {
            self.enclosed(|parser| parser.list(Self::map_projection_item))?
        };
        self.expect(Token::BraceClose, "'}' or ','")?;
        Ok(self.build(start, ExpressionKind::MapProjection { variable, items }))
    }

    fn map_projection_item(&mut self) -> Parsed<MapProjectionItem> {
        if self.accept(Token::Dot) {
            if self.accept(Token::Star) {
                return Ok(MapProjectionItem::All);
            }
            return Ok(MapProjectionItem::Property(self.name("a property name or '*'")?));
        }
        let name = self.name("a property name, '.' or '}'")?;
        if self.accept(Token::Colon) {
            return Ok(MapProjectionItem::Entry(name, self.expression()?));
        }
        Ok(MapProjectionItem::Variable(name))
    }
}
