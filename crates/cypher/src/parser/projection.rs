//! The bodies of `WITH`, `RETURN` and `YIELD`.

use super::{Parsed, Parser};
use crate::ast::{Expression, ExpressionKind, Name, Projection, ProjectionItem, SortItem, Span};
use crate::token::Token;

impl Parser<'_> {
    /// `DISTINCT *, e AS x ORDER BY ... SKIP n LIMIT n`.
    pub(super) fn projection(&mut self) -> Parsed<Projection> {
        let start = self.start();
        let distinct = self.accept_word_before_operand("DISTINCT");
        if !distinct {
            self.accept_all();
        }
        let all = self.accept(Token::Star);
        let has_items = !all || self.accept(Token::Comma);
        let items = if has_items { self.list(Self::projection_item)? } else { Vec::new() };
        let mut projection =
            Projection { distinct, all, items, order: Vec::new(), skip: None, limit: None, span: Span::default() };
        self.order_and_bounds(&mut projection)?;
        projection.span = self.since(start);
        Ok(projection)
    }

    /// `ORDER BY ... SKIP n LIMIT n`.
    pub(super) fn order_and_bounds(&mut self, projection: &mut Projection) -> Parsed<()> {
        if self.accept_word("ORDER") {
            self.expect_word("BY")?;
            projection.order = self.list(Self::sort_item)?;
        }
        if self.accept_word("SKIP") || self.accept_word("OFFSET") {
            projection.skip = Some(self.row_count()?);
        }
        if self.accept_word("LIMIT") {
            projection.limit = Some(self.row_count()?);
        }
        Ok(())
    }

    /// How many rows; a number that can be none is refused here.
    fn row_count(&mut self) -> Parsed<Expression> {
        let count = self.expression()?;
        let message = match &*count.kind {
            ExpressionKind::Integer(number) if *number < 0 => {
                "expected a whole number of at least 0 (NegativeIntegerArgument)"
            }
            ExpressionKind::Float(_) => "expected a whole number, not a floating point number (InvalidArgumentType)",
            _ => return Ok(count),
        };
        Err(self.fail(count.span, message))
    }

    fn projection_item(&mut self) -> Parsed<ProjectionItem> {
        let start = self.start();
        if self.at_clause_end() {
            return Err(self.unexpected(&["an expression", "'*'"]));
        }
        let expression = self.expression()?;
        let text = match &*expression.kind {
            // A variable's column goes by its name, without the quotes.
            ExpressionKind::Variable(name) => name.text.clone(),
            _ => self.text_of(self.since(start)).into(),
        };
        let alias = if self.accept_word("AS") {
            Some(self.name("a name")?)
        } else if let ExpressionKind::MapProjection { variable, .. } = &*expression.kind {
            // A map projection goes by the name of what it is taken of.
            Some(variable.clone())
        } else {
            None
        };
        Ok(ProjectionItem { expression, alias, text })
    }

    /// Tells whether nothing more of a clause can stand here.
    fn at_clause_end(&self) -> bool {
        matches!(self.peek(), Token::End | Token::Semicolon | Token::BraceClose)
    }

    fn sort_item(&mut self) -> Parsed<SortItem> {
        let expression = self.expression()?;
        let descending = self.accept_word("DESC") || self.accept_word("DESCENDING");
        if !descending && !self.accept_word("ASC") {
            self.accept_word("ASCENDING");
        }
        Ok(SortItem { expression, descending })
    }

    /// `a, b AS c` of a `YIELD`, without `*`.
    pub(super) fn yield_item(&mut self) -> Parsed<(Name, Option<Name>)> {
        let column = self.name("a column name")?;
        let alias = if self.accept_word("AS") { Some(self.name("a name")?) } else { None };
        Ok((column, alias))
    }
}
