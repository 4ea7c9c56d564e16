//! Whole statements: prefixes, queries, and where each kind of command starts.

use super::clause::CLAUSES;
use super::{Parsed, Parser};
use crate::ast::{
    Body, Clause, ClauseKind, GraphReference, Language, Mode, Name, Query, SingleQuery, Statement, UnionKind,
};
use crate::error::ParseError;
use crate::token::Token;

/// The words that start a statement, in the order in which an error lists them.
const STATEMENTS: &[&str] = &[
    "'CALL'",
    "'CREATE'",
    "'DELETE'",
    "'DETACH'",
    "'DROP'",
    "'EXPLAIN'",
    "'FOREACH'",
    "'INSERT'",
    "'LOAD CSV'",
    "'MATCH'",
    "'MERGE'",
    "'OPTIONAL'",
    "'PROFILE'",
    "'RETURN'",
    "'SHOW'",
    "'START'",
    "'STOP'",
    "'UNWIND'",
    "'USE'",
    "'WITH'",
];

/// The words of a statement that no `USE` stands in front of.
const IN_FRONT: [&str; 3] = ["CYPHER", "EXPLAIN", "PROFILE"];

/// The options behind `CYPHER` and their values; they choose among ways to run, of which there is one here.
const OPTIONS: &[(&str, &[&str])] = &[
    ("connectComponentsPlanner", &["greedy", "idp"]),
    ("debug", &["none"]),
    ("eagerAnalyzer", &["default", "ir", "lp"]),
    ("expressionEngine", &["compiled", "default", "interpreted", "onlyWhenHot"]),
    ("inferSchemaParts", &["off", "most_selective_label"]),
    ("interpretedPipesFallback", &["all", "default", "disabled", "whitelisted_plans_only"]),
    ("labelInference", &["enabled", "disabled"]),
    ("operatorEngine", &["compiled", "default", "interpreted"]),
    ("parallelRuntimeSupport", &["all", "default", "disabled"]),
    ("planner", &["cost", "default", "dp", "idp"]),
    ("replan", &["default", "force", "skip"]),
    ("runtime", &["default", "interpreted", "legacy", "parallel", "pipelined", "slotted"]),
    ("statefulShortestPlanningMode", &["all_if_possible", "cardinality_heuristic", "default", "into_only"]),
    ("updateStrategy", &["default", "eager"]),
];

impl Parser<'_> {
    /// Parses the whole text as one statement.
    pub fn statement(mut self) -> Parsed<Statement> {
        let mode = self.prefixes()?;
        let body = self.body()?;
        if self.peek() == Token::Semicolon {
            while self.accept(Token::Semicolon) {}
            if self.peek() != Token::End {
                return Err(self.fail(self.span(), "Expected exactly one statement per query but got more"));
            }
        }
        if self.peek() != Token::End {
            return Err(self.unexpected_end_of_query());
        }
        Ok(Statement { mode, body })
    }

    /// `EXPLAIN`, `PROFILE`, and `CYPHER 5 runtime=x`, whose options are read and left alone.
    fn prefixes(&mut self) -> Parsed<Mode> {
        let mut mode = Mode::Run;
        loop {
            let start = self.span();
            let asked = if self.accept_word("EXPLAIN") {
                Mode::Explain
            } else if self.accept_word("PROFILE") {
                Mode::Profile
            } else if self.accept_word("CYPHER") {
                self.cypher_options()?;
                continue;
            } else if self.peek() == Token::Colon && self.word_at(1, "AUTO") {
                // Clients write it in front of what commits on its own; here every lone statement does.
                self.at += 2;
                continue;
            } else {
                return Ok(mode);
            };
            if mode != Mode::Run && mode != asked {
                return Err(self.fail(start, "Can't mix PROFILE and EXPLAIN"));
            }
            mode = asked;
        }
    }

    /// `5 runtime=slotted planner=cost`: every option and every value that Neo4j has, and no other.
    fn cypher_options(&mut self) -> Parsed<()> {
        if matches!(self.peek(), Token::Integer | Token::Float) {
            if !["5", "25"].contains(&self.text_at(0)) {
                return Err(self.not_among("cypher version", self.text_at(0), &["5", "25"]));
            }
            self.language = if self.text_at(0) == "25" { Language::Cypher25 } else { Language::Cypher5 };
            self.advance();
        }
        while self.peek() == Token::Word && self.peek_at(1) == Token::Equal {
            let name = self.text_at(0);
            let known = OPTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let Some((known, values)) = known else {
                let names: Vec<&str> = OPTIONS.iter().map(|(name, _)| *name).collect();
                let message = format!("Unsupported options: {name}. The options are: {}", names.join(", "));
                return Err(Box::new(ParseError::option(self.text, self.span(), &message)));
            };
            self.advance();
            self.advance();
            if !values.iter().any(|value| value.eq_ignore_ascii_case(self.text_at(0))) {
                return Err(self.not_among(known, self.text_at(0), values));
            }
            self.advance();
        }
        Ok(())
    }

    /// Makes the error for an option that there is not.
    fn not_among(&self, option: &str, value: &str, valid: &[&str]) -> Box<ParseError> {
        let valid = valid.join(", ");
        let message = format!("{value} is not a valid option for {option}. Valid options are: {valid}");
        Box::new(ParseError::option(self.text, self.span(), &message))
    }

    fn body(&mut self) -> Parsed<Body> {
        if self.peek() == Token::Colon && self.client_use()? {
            return Ok(Body::UseDatabase { name: None });
        }
        let using = self.leading_use()?;
        let start = self.span();
        if let Some(command) = self.schema_command()? {
            return self.chained(Body::Schema { using, command }, start);
        }
        if let Some(command) = self.admin_command()? {
            if let Some(using) = using.filter(|using| !using.parts[0].text.eq_ignore_ascii_case("system")) {
                let message = "USE cannot stand in front of an administration command, which always runs on system";
                return Err(self.fail(using.span, message));
            }
            return self.chained(Body::Admin(command), start);
        }
        if matches!(self.peek(), Token::End | Token::Semicolon)
            && let Some(using) = using
        {
            if using.found_by.is_some() {
                return Err(self.unexpected(CLAUSES));
            }
            return Ok(Body::UseDatabase { name: Some(joined(&using)) });
        }
        if !self.clause_ahead() {
            return Err(self.no_statement(using.is_some()));
        }
        let query = self.query(using)?;
        if matches!(self.peek(), Token::End | Token::Semicolon) {
            self.check_conclusions(&query, true)?;
        }
        Ok(Body::Query(query))
    }

    /// The colon of `:use`, which is `USE` as clients write it; tells whether nothing follows.
    fn client_use(&mut self) -> Parsed<bool> {
        self.advance();
        let is_bare = matches!(self.peek_at(1), Token::End | Token::Semicolon);
        if is_bare || !self.at_word("USE") {
            self.expect_word("USE")?;
        }
        Ok(is_bare)
    }

    /// Parts joined by `UNION`; `using` was read already where it stood in front.
    pub(super) fn query(&mut self, using: Option<GraphReference>) -> Parsed<Query> {
        let first = self.single_query(using)?;
        let mut rest: Vec<(UnionKind, SingleQuery)> = Vec::new();
        loop {
            let span = self.span();
            if !self.accept_word("UNION") {
                let query = Query { first, rest };
                self.check_union(&query)?;
                return Ok(query);
            }
            let kind = if self.accept_word("ALL") { UnionKind::All } else { UnionKind::Distinct };
            if kind == UnionKind::Distinct {
                self.accept_word("DISTINCT");
            }
            if rest.last().is_some_and(|(earlier, _)| *earlier != kind) {
                return Err(self.fail(span, "UNION and UNION ALL cannot be combined (InvalidClauseComposition)"));
            }
            rest.push((kind, self.single_query(None)?));
        }
    }

    fn single_query(&mut self, using: Option<GraphReference>) -> Parsed<SingleQuery> {
        let start = self.start();
        let using = match using {
            None if self.at_word("USE") => Some(self.use_graph()?),
            None => self.graph_in_front()?,
            other => other,
        };
        if !self.clause_ahead() {
            return Err(self.unexpected(CLAUSES));
        }
        let mut clauses: Vec<Clause> = Vec::new();
        while clauses.is_empty() || self.clause_ahead() {
            let returned =
                clauses.last().is_some_and(|last| matches!(last.kind, ClauseKind::Return { .. } | ClauseKind::Finish));
            if returned {
                return Err(self.fail(self.span(), "RETURN can only be used at the end of the query"));
            }
            match self.accept_word("LET") {
                true => self.let_clause(&mut clauses)?,
                false => clauses.push(self.clause()?),
            }
        }
        let query = SingleQuery { using, clauses, span: self.since(start) };
        self.check_single_query(&query)?;
        Ok(query)
    }

    /// Makes the error for what no statement begins with, or nothing behind `USE x`.
    #[cold]
    fn no_statement(&self, is_behind_use: bool) -> Box<ParseError> {
        if !is_behind_use {
            return self.unexpected(STATEMENTS);
        }
        for word in IN_FRONT {
            if self.at_word(word) {
                return self.fail(self.span(), &format!("{word} must stand in front of USE: {word} USE x ..."));
            }
        }
        let is_in_front = |word: &str| IN_FRONT.iter().any(|front| word[1..word.len() - 1] == **front);
        let words: Vec<&str> =
            STATEMENTS.iter().copied().filter(|word| !is_in_front(word) && *word != "'USE'").collect();
        self.unexpected(&words)
    }

    /// Makes the error for what stands behind a complete query.
    #[cold]
    fn unexpected_end_of_query(&self) -> Box<ParseError> {
        let mut words = vec!["'UNION'", "'WHERE'"];
        words.extend_from_slice(CLAUSES);
        self.unexpected_among(&["a clause", "an operator", "','", "the end of the statement"], &words)
    }
}

/// A dotted reference as one name.
fn joined(reference: &GraphReference) -> Name {
    let parts: Vec<&str> = reference.parts.iter().map(|part| part.text.as_str()).collect();
    Name { text: parts.join(".").into(), span: reference.span }
}
