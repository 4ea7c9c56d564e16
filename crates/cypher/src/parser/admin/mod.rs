//! Commands that run on `system`: which area a statement belongs to, and what the areas share.
//! Leaves indexes and constraints to `schema`.
//! Start reading at [`Parser::admin_command`].

use super::{Parsed, Parser};
use crate::ast::{AdminCommand, Expression, ExpressionKind, NameOrParameter};
use crate::error::ParseError;
use crate::place;
use crate::token::Token;

mod alias;
mod backup;
mod chain;
mod database;
mod limit;
mod privilege;
mod rights;
mod rule;
mod session;
mod show;
mod show_known;
mod user;

/// Commands that Neo4j has and this server does not: first words, most telling first.
const UNSUPPORTED: &[&[&str]] = &[
    &["CREATE", "COMPOSITE", "DATABASE"],
    &["DROP", "COMPOSITE", "DATABASE"],
    &["CREATE", "TYPE"],
    &["ENABLE", "SERVER"],
    &["ALTER", "SERVER"],
    &["RENAME", "SERVER"],
    &["DROP", "SERVER"],
    &["DEALLOCATE"],
    &["REALLOCATE"],
    &["DRYRUN"],
];

impl Parser<'_> {
    /// Makes the error for a command that is known and not there.
    #[cold]
    pub(in crate::parser) fn unsupported(&self, command: String, start: u32) -> Box<ParseError> {
        let span = crate::ast::Span { start, end: start };
        Box::new(ParseError::Unsupported { command, position: place::position(self.text, span) })
    }

    /// `OPTIONS {...}` or `OPTIONS $p`.
    pub(in crate::parser) fn options(&mut self) -> Parsed<Option<Expression>> {
        if !self.accept_word("OPTIONS") {
            return Ok(None);
        }
        let start = self.start();
        let kind = match self.peek() {
            Token::Dollar => ExpressionKind::Parameter(self.parameter()?),
            _ => ExpressionKind::Map(self.map()?),
        };
        Ok(Some(self.build(start, kind)))
    }

    /// Tries one area after the other; known commands that are not there give their own error.
    pub(in crate::parser) fn admin_command(&mut self) -> Parsed<Option<AdminCommand>> {
        let start = self.start();
        // `CREATE user = (a)-[:T]->(b)` is a path.
        if self.peek_at(2) == Token::Equal {
            return Ok(None);
        }
        if let Some(command) = self.limit_command()? {
            return Ok(Some(AdminCommand::Limit(command)));
        }
        if let Some(command) = self.rights_command()? {
            return Ok(Some(AdminCommand::Rights(command)));
        }
        if let Some(words) =
            UNSUPPORTED.iter().find(|words| self.at_words(words) && Self::is_command(words, self.peek_at(words.len())))
        {
            return Err(self.unsupported(words.join(" "), start));
        }
        if self.accept_words(&["TERMINATE", "TRANSACTIONS"]) || self.accept_words(&["TERMINATE", "TRANSACTION"]) {
            return self.terminate().map(Some);
        }
        if let Some(command) = self.terminate_sessions()? {
            return Ok(Some(AdminCommand::Session(command)));
        }
        if let Some(command) = self.alias_command()? {
            return Ok(Some(AdminCommand::Alias(command)));
        }
        if let Some(command) = self.database_command()? {
            return Ok(Some(AdminCommand::Database(command)));
        }
        if let Some(command) = self.backup_command()? {
            return Ok(Some(AdminCommand::Backup(command)));
        }
        if self.at_words(&["CREATE", "OR", "REPLACE"]) {
            self.at += 3;
            let command = format!("CREATE OR REPLACE {}", self.text_at(0).to_uppercase());
            return Err(self.unsupported(command, start));
        }
        if self.at_word("DROP") {
            self.advance();
            return Err(self.unexpected(&["'DATABASE'", "'INDEX'", "'CONSTRAINT'"]));
        }
        if self.at_word("SHOW") { self.show().map(Some) } else { Ok(None) }
    }

    /// A lone word such as `GRANT` is a command if something follows it that no clause would have.
    fn is_command(words: &[&str], next: Token) -> bool {
        words.len() > 1 || Self::is_name(next)
    }

    /// `n`, `a.b` as one name, or `$n`.
    pub(in crate::parser) fn database_name(&mut self) -> Parsed<NameOrParameter> {
        if self.peek() == Token::Dollar {
            return self.parameter().map(NameOrParameter::Parameter);
        }
        let start = self.start();
        let mut name = self.name("a database name")?;
        while self.accept(Token::Dot) {
            name.text.push('.');
            name.text.push_str(&self.name("a database name")?.text);
        }
        name.span = self.since(start);
        Ok(NameOrParameter::Name(name))
    }
}
