//! `EXISTS { }`, `COUNT { }`, `COLLECT { }` and `CALL { }`.

use super::clause::CLAUSES;
use super::{Parsed, Parser};
use crate::ast::{
    Clause, ClauseKind, Expression, ExpressionKind, InTransactions, OnError, Query, SingleQuery, SubqueryExpression,
    SubqueryImports,
};
use crate::token::Token;

impl Parser<'_> {
    /// `EXISTS { ... }` and its siblings; the current token is the word.
    pub(super) fn subquery_expression(&mut self) -> Parsed<Expression> {
        let start = self.start();
        let wrap: fn(Box<SubqueryExpression>) -> ExpressionKind = if self.at_word("EXISTS") {
            ExpressionKind::Exists
        } else if self.at_word("COUNT") {
            ExpressionKind::Count
        } else {
            ExpressionKind::Collect
        };
        let collects = self.at_word("COLLECT");
        self.at += 2;
        let inside = self.nested(|parser| parser.enclosed(Self::subquery_inside))?;
        if self.peek() != Token::BraceClose {
            return Err(self.unexpected_among(&["'}'", "a clause", "an operator"], CLAUSES));
        }
        self.advance();
        self.check_expression_subquery(&inside, collects, self.since(start))?;
        Ok(self.build(start, wrap(Box::new(inside))))
    }

    fn subquery_inside(&mut self) -> Parsed<SubqueryExpression> {
        let start = self.start();
        if self.clause_ahead() {
            let query = self.query(None)?;
            return Ok(pattern_of(query));
        }
        let patterns = self.list(Self::path_pattern)?;
        let graph = self.graph_behind()?;
        let filter = self.filter()?;
        if graph.is_none() {
            return Ok(SubqueryExpression::Pattern { patterns, filter });
        }
        let span = self.since(start);
        let kind = ClauseKind::Match { optional: false, patterns, graph, filter };
        let first = SingleQuery { using: None, clauses: vec![Clause { kind, span }], span };
        Ok(SubqueryExpression::Query(Query { first, rest: Vec::new() }))
    }

    /// `CALL (x) { ... } IN TRANSACTIONS`; the word `CALL` was taken.
    pub(super) fn call_subquery(&mut self, optional: bool) -> Parsed<ClauseKind> {
        let imports = self.subquery_imports()?;
        self.expect(Token::BraceOpen, "'{'")?;
        let query = self.nested(|parser| parser.enclosed(|parser| parser.query(None)))?;
        if self.peek() != Token::BraceClose {
            return Err(self.unexpected_among(&["'}'", "a clause", "an operator"], CLAUSES));
        }
        self.check_conclusions(&query, false)?;
        self.advance();
        let transactions = self.in_transactions()?;
        Ok(ClauseKind::CallSubquery { imports, query: Box::new(query), transactions, optional })
    }

    fn subquery_imports(&mut self) -> Parsed<Option<SubqueryImports>> {
        if !self.accept(Token::ParenOpen) {
            return Ok(None);
        }
        let imports = if self.accept(Token::Star) {
            SubqueryImports::All
        } else if self.peek() == Token::ParenClose {
            SubqueryImports::Names(Vec::new())
        } else {
            SubqueryImports::Names(self.list(|parser| parser.name("a variable"))?)
        };
        self.expect(Token::ParenClose, "')' or ','")?;
        Ok(Some(imports))
    }

    /// `IN [n CONCURRENT] TRANSACTIONS [OF n ROWS] [ON ERROR c] [REPORT STATUS AS s]`.
    fn in_transactions(&mut self) -> Parsed<Option<InTransactions>> {
        if !self.accept_word("IN") {
            return Ok(None);
        }
        if !self.at_word("TRANSACTIONS") {
            // How many run at once is a hint.
            if !self.at_word("CONCURRENT") {
                self.expression()?;
            }
            self.expect_word("CONCURRENT")?;
        }
        self.expect_word("TRANSACTIONS")?;
        let mut rows = None;
        if self.accept_word("OF") {
            rows = Some(self.expression()?);
            if !self.accept_word("ROWS") {
                self.expect_word("ROW")?;
            }
        }
        let on_error = self.on_error()?;
        let report = if self.accept_words(&["REPORT", "STATUS"]) {
            self.expect_word("AS")?;
            Some(self.name("a variable")?)
        } else {
            None
        };
        Ok(Some(InTransactions { rows, on_error, report }))
    }

    fn on_error(&mut self) -> Parsed<OnError> {
        if !self.accept_words(&["ON", "ERROR"]) {
            return Ok(OnError::Fail);
        }
        for (word, choice) in [("CONTINUE", OnError::Continue), ("BREAK", OnError::Break), ("FAIL", OnError::Fail)] {
            if self.accept_word(word) {
                return Ok(choice);
            }
        }
        Err(self.unexpected(&["'CONTINUE'", "'BREAK'", "'FAIL'"]))
    }
}

/// `{ MATCH p WHERE e }` without more is the pattern alone.
fn pattern_of(mut query: Query) -> SubqueryExpression {
    let plain = query.rest.is_empty() && query.first.using.is_none() && query.first.clauses.len() == 1;
    let only = if plain { query.first.clauses.pop() } else { None };
    match only {
        Some(Clause { kind: ClauseKind::Match { optional: false, patterns, graph: None, filter }, .. }) => {
            SubqueryExpression::Pattern { patterns, filter }
        }
        other => {
            query.first.clauses.extend(other);
            SubqueryExpression::Query(query)
        }
    }
}
