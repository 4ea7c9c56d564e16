//! Commands about databases.

use super::super::{Parsed, Parser};
use crate::ast::{DatabaseCommand, Expression, ExpressionKind, Name, NameOrParameter, ShowDatabases};
use crate::token::Token;

/// Options of `CREATE DATABASE` that choose how another server keeps its files; here they change nothing.
const OPTIONS_WITHOUT_EFFECT: &[&str] = &["storeFormat", "txLogEnrichment"];

impl Parser<'_> {
    /// A command about databases, if one begins here.
    pub(super) fn database_command(&mut self) -> Parsed<Option<DatabaseCommand>> {
        let start = self.start();
        if self.accept_words(&["CREATE", "DATABASE"]) {
            return self.create_database(false).map(Some);
        }
        if self.accept_words(&["CREATE", "OR", "REPLACE", "DATABASE"]) {
            return self.create_database(true).map(Some);
        }
        if self.accept_words(&["DROP", "DATABASE"]) {
            return self.drop_database(start).map(Some);
        }
        self.simple_database_command()
    }

    /// `START`, `STOP` and `CHECK DATABASE n`.
    fn simple_database_command(&mut self) -> Parsed<Option<DatabaseCommand>> {
        let make: fn(NameOrParameter) -> DatabaseCommand = if self.at_words(&["START", "DATABASE"]) {
            |name| DatabaseCommand::Start { name }
        } else if self.at_words(&["STOP", "DATABASE"]) {
            |name| DatabaseCommand::Stop { name }
        } else if self.at_words(&["CHECK", "DATABASE"]) {
            |name| DatabaseCommand::Check { name }
        } else {
            return Ok(None);
        };
        self.at += 2;
        let name = self.database_name()?;
        self.wait();
        Ok(Some(make(name)))
    }

    fn create_database(&mut self, or_replace: bool) -> Parsed<DatabaseCommand> {
        let start = self.start();
        let mut if_not_exists = self.accept_words(&["IF", "NOT", "EXISTS"]);
        let name = self.database_name()?;
        if_not_exists |= self.accept_words(&["IF", "NOT", "EXISTS"]);
        if if_not_exists && or_replace {
            let message = "Failed to create the specified database: cannot have both `OR REPLACE` and `IF NOT EXISTS`.";
            return Err(self.fail(self.since(start), message));
        }
        if self.at_word("FROM") {
            return Err(self.unsupported("CREATE DATABASE ... FROM".to_owned(), self.start()));
        }
        self.default_language();
        if self.at_word("TOPOLOGY") || self.at_words(&["SET", "TOPOLOGY"]) {
            return Err(self.unsupported("CREATE DATABASE ... TOPOLOGY".to_owned(), self.start()));
        }
        let options = self.options()?;
        self.check_database_options(options.as_ref())?;
        self.wait();
        Ok(DatabaseCommand::Create { name, if_not_exists, or_replace })
    }

    /// `[SET] DEFAULT LANGUAGE CYPHER 5`: there is one language here.
    fn default_language(&mut self) {
        let set = usize::from(self.at_word("SET"));
        if self.word_at(set, "DEFAULT") && self.word_at(set + 1, "LANGUAGE") {
            self.at += set + 2;
            self.accept_word("CYPHER");
            self.accept(Token::Integer);
        }
    }

    /// An option that would have to do something is refused rather than left out.
    fn check_database_options(&self, options: Option<&Expression>) -> Parsed<()> {
        let Some(options) = options else { return Ok(()) };
        let ExpressionKind::Map(entries) = &*options.kind else {
            return Err(self.unsupported("CREATE DATABASE ... OPTIONS $parameter".to_owned(), options.span.start));
        };
        let known = |key: &Name| OPTIONS_WITHOUT_EFFECT.iter().any(|option| option.eq_ignore_ascii_case(&key.text));
        match entries.iter().find(|(key, _)| !known(key)) {
            None => Ok(()),
            Some((key, _)) => {
                Err(self.unsupported(format!("CREATE DATABASE ... OPTIONS {{{}}}", key.text), key.span.start))
            }
        }
    }

    fn drop_database(&mut self, start: u32) -> Parsed<DatabaseCommand> {
        let mut if_exists = self.accept_words(&["IF", "EXISTS"]);
        let name = self.database_name()?;
        if_exists |= self.accept_words(&["IF", "EXISTS"]);
        if self.at_words(&["CASCADE", "ALIAS"]) || self.at_words(&["CASCADE", "ALIASES"]) {
            return Err(self.unsupported("DROP DATABASE ... CASCADE ALIASES".to_owned(), start));
        }
        self.accept_word("RESTRICT");
        if self.at_word("DUMP") {
            return Err(self.unsupported("DROP DATABASE ... DUMP DATA".to_owned(), start));
        }
        if self.accept_word("DESTROY") {
            self.accept_word("DATA");
        }
        self.wait();
        Ok(DatabaseCommand::Drop { name, if_exists })
    }

    /// What `SHOW DATABASE[S]` is asked for, behind that word.
    pub(super) fn shown_databases(&mut self) -> Parsed<ShowDatabases> {
        let tail = self.one_of_at(0, &["YIELD", "WHERE"]) && self.peek_at(1) != Token::End;
        if !tail && (Self::is_name(self.peek()) || self.peek() == Token::Dollar) {
            return self.database_name().map(ShowDatabases::One);
        }
        Ok(ShowDatabases::All)
    }
}
