//! `EXISTS { }`, `COUNT { }`, `COLLECT { }` and `CALL { }`.

use super::clause::CLAUSES;
use super::rules::transactional;
use super::{Parsed, Parser};
use crate::ast::{
    Clause, ClauseKind, Expression, ExpressionKind, InTransactions, OnError, Query, RetryTime, SingleQuery,
    SubqueryExpression, SubqueryImports,
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
        let kind = ClauseKind::Match { optional: false, patterns, graph, hints: Vec::new(), filter };
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
        self.check_returned(&query)?;
        self.advance();
        let transactions = self.in_transactions()?;
        if let Some(inner) = transactional(&query) {
            let message = match transactions {
                Some(_) => "Nested CALL { ... } IN TRANSACTIONS is not supported",
                None => "CALL { ... } IN TRANSACTIONS nested in a regular CALL is not supported",
            };
            return Err(self.fail(inner, message));
        }
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
        let start = self.start();
        if !self.accept_word("IN") {
            return Ok(None);
        }
        if !self.at_word("TRANSACTIONS") {
            // How many run at once is a hint.
            if !self.at_word("CONCURRENT") {
                let count = self.expression()?;
                self.check_counts(&count)?;
            }
            self.expect_word("CONCURRENT")?;
        }
        self.expect_word("TRANSACTIONS")?;
        let (mut rows, mut on_error, mut report) = (None, None, None);
        // The three parts come in any order, each once.
        loop {
            let span = self.span();
            if rows.is_none() && self.accept_word("OF") {
                let count = self.expression()?;
                self.check_counts(&count)?;
                rows = Some(count);
                if !self.accept_word("ROWS") {
                    self.expect_word("ROW")?;
                }
            } else if on_error.is_none() && self.accept_words(&["ON", "ERROR"]) {
                on_error = Some(self.on_error()?);
            } else if report.is_none() && self.accept_words(&["REPORT", "STATUS"]) {
                self.expect_word("AS")?;
                report = Some((self.name("a variable")?, span));
            } else {
                break;
            }
        }
        let (retry, on_error) = on_error.unwrap_or((None, OnError::Fail));
        if let (Some((_, span)), OnError::Fail) = (&report, on_error) {
            let message = "REPORT STATUS can only be used when specifying ON ERROR CONTINUE or ON ERROR BREAK";
            return Err(self.fail(*span, message));
        }
        let report = report.map(|(name, _)| name);
        Ok(Some(InTransactions { rows, retry, on_error, report, span: self.since(start) }))
    }

    /// A number of rows or of transactions is at least 1, and no row can tell it.
    fn check_counts(&self, count: &Expression) -> Parsed<()> {
        let fine = match &*count.kind {
            ExpressionKind::Integer(number) => *number > 0,
            ExpressionKind::Parameter(_) => true,
            _ => false,
        };
        if fine {
            return Ok(());
        }
        let message = format!("Invalid input. '{count}' is not a valid value. Must be a positive integer.");
        Err(self.fail(count.span, &message))
    }

    /// `RETRY [[FOR] n SECONDS] [THEN c]`, or `c`; the words `ON ERROR` were taken.
    fn on_error(&mut self) -> Parsed<(Option<RetryTime>, OnError)> {
        if !self.accept_word("RETRY") {
            return Ok((None, self.on_error_choice(&["'CONTINUE'", "'BREAK'", "'FAIL'", "'RETRY'"])?));
        }
        let mut time = RetryTime::Default;
        let is_told = self.accept_word("FOR") || matches!(self.peek(), Token::Integer | Token::Float | Token::Dollar);
        if is_told {
            time = RetryTime::Seconds(self.expression()?);
            if !["SECONDS", "SECOND", "SECS", "SEC"].into_iter().any(|word| self.accept_word(word)) {
                return Err(self.unexpected(&["'SECONDS'"]));
            }
        }
        let then = if self.accept_word("THEN") {
            self.on_error_choice(&["'CONTINUE'", "'BREAK'", "'FAIL'"])?
        } else {
            OnError::Fail
        };
        Ok((Some(time), then))
    }

    fn on_error_choice(&mut self, words: &[&str]) -> Parsed<OnError> {
        for (word, choice) in [("CONTINUE", OnError::Continue), ("BREAK", OnError::Break), ("FAIL", OnError::Fail)] {
            if self.accept_word(word) {
                return Ok(choice);
            }
        }
        Err(self.unexpected(words))
    }
}

/// `{ MATCH p WHERE e }` without more is the pattern alone.
fn pattern_of(mut query: Query) -> SubqueryExpression {
    let plain = query.rest.is_empty() && query.first.using.is_none() && query.first.clauses.len() == 1;
    let only = if plain { query.first.clauses.pop() } else { None };
    match only {
        Some(Clause { kind: ClauseKind::Match { optional: false, patterns, graph: None, hints, filter }, .. })
            if hints.is_empty() =>
        {
            SubqueryExpression::Pattern { patterns, filter }
        }
        other => {
            query.first.clauses.extend(other);
            SubqueryExpression::Query(query)
        }
    }
}
