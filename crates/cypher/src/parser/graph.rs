//! Names of graphs: `USE x`, `FROM DATABASE x`, `IN x`, `GRAPH[x]`, `USE DATABASE a AS x, b AS y`.

use super::{Parsed, Parser};
use crate::ast::{GraphFunction, GraphReference, Name};
use crate::token::Token;

/// Words that end a clause's patterns; after `IN DATABASE` they show that `DATABASE` itself is the name.
const AFTER_GRAPH: &[&str] = &["WHERE", "ON", "RETURN", "WITH", "MATCH", "SET", "CREATE", "USING"];

impl Parser<'_> {
    /// `a`, `a.b`, `` `a.b` ``: dots join parts.
    pub(super) fn graph_reference(&mut self) -> Parsed<GraphReference> {
        let start = self.start();
        let mut parts = vec![self.name("a database name")?];
        while self.accept(Token::Dot) {
            parts.push(self.name("a database name")?);
        }
        if self.peek() == Token::ParenOpen && parts.len() > 1 {
            let found_by = Some(Box::new(self.graph_function(&parts, start)?));
            return Ok(GraphReference { parts, found_by, span: self.since(start) });
        }
        let span = self.since(start);
        if let [only] = parts.as_slice()
            && let Some((_, database)) = self.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(&only.text))
        {
            parts = database.clone();
        }
        Ok(GraphReference { parts, found_by: None, span })
    }

    /// `(e)` behind `graph.byName` or `graph.byElementId`.
    fn graph_function(&mut self, parts: &[Name], start: u32) -> Parsed<GraphFunction> {
        let is = |name: &str| match parts {
            [first, last] => first.text.eq_ignore_ascii_case("graph") && last.text.eq_ignore_ascii_case(name),
            _ => false,
        };
        let make = match (is("byName"), is("byElementId")) {
            (true, _) => GraphFunction::Name,
            (_, true) => GraphFunction::ElementId,
            _ => {
                let message = "Only graph.byName(...) and graph.byElementId(...) find a database";
                return Err(self.fail(self.since(start), message));
            }
        };
        self.advance();
        let argument = self.expression()?;
        self.expect(Token::ParenClose, "')'")?;
        Ok(make(argument))
    }

    /// `USE [DATABASE] x`.
    pub(super) fn use_graph(&mut self) -> Parsed<GraphReference> {
        self.expect_word("USE")?;
        self.accept_database_word();
        self.graph_reference()
    }

    /// `USE x` in front of a statement. Several databases with aliases choose none: each clause has to name one.
    ///
    /// `GRAPH[x]` in front says the same.
    pub(super) fn leading_use(&mut self) -> Parsed<Option<GraphReference>> {
        if let Some(graph) = self.graph_in_front()? {
            return Ok(Some(graph));
        }
        if !self.at_word("USE") {
            return Ok(None);
        }
        let first = self.use_graph()?;
        if !self.at_word("AS") {
            return Ok(Some(first));
        }
        self.alias(&first)?;
        let mut single = true;
        while self.accept(Token::Comma) {
            single = false;
            self.accept_database_word();
            let next = self.graph_reference()?;
            self.alias(&next)?;
        }
        Ok(single.then_some(first))
    }

    /// `AS x` behind a database of `USE DATABASE`.
    fn alias(&mut self, database: &GraphReference) -> Parsed<()> {
        if database.found_by.is_some() {
            return Err(self.fail(database.span, "A database that a function finds cannot have an alias"));
        }
        self.expect_word("AS")?;
        let alias: Name = self.name("an alias")?;
        if self.aliases.iter().any(|(known, _)| known.eq_ignore_ascii_case(&alias.text)) {
            return Err(self.fail(alias.span, &format!("the alias `{}` is given twice", alias.text)));
        }
        self.aliases.push((alias.text, database.parts.clone()));
        Ok(())
    }

    /// `FROM DATABASE x`, `IN DATABASE x`, `FROM x`, `IN x` behind the patterns of a clause.
    pub(super) fn graph_behind(&mut self) -> Parsed<Option<GraphReference>> {
        if !self.accept_word("FROM") && !self.accept_word("IN") {
            return Ok(None);
        }
        self.accept_database_word();
        self.graph_reference().map(Some)
    }

    /// The word `DATABASE`, unless it is the name itself.
    fn accept_database_word(&mut self) {
        if Self::is_name(self.peek_at(1)) && !self.one_of_at(1, AFTER_GRAPH) {
            self.accept_word("DATABASE");
        }
    }

    /// `GRAPH[x]` in front of a clause.
    pub(super) fn graph_in_front(&mut self) -> Parsed<Option<GraphReference>> {
        if !(self.at_word("GRAPH") && self.peek_at(1) == Token::BracketOpen) {
            return Ok(None);
        }
        self.at += 2;
        let graph = self.graph_reference()?;
        self.expect(Token::BracketClose, "']'")?;
        Ok(Some(graph))
    }
}
