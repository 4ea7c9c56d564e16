//! Commands about databases.

use super::super::{Parsed, Parser};
use crate::ast::{
    CreateDatabase, DatabaseChange, DatabaseCommand, Language, Name, NameOrParameter, ShowDatabases, Wait,
};
use crate::literal;
use crate::token::Token;

impl Parser<'_> {
    /// A command about databases, if one begins here.
    pub(super) fn database_command(&mut self) -> Parsed<Option<DatabaseCommand>> {
        if self.accept_words(&["CREATE", "DATABASE"]) {
            return self.create_database(false).map(Some);
        }
        if self.accept_words(&["CREATE", "OR", "REPLACE", "DATABASE"]) {
            return self.create_database(true).map(Some);
        }
        if self.accept_words(&["DROP", "DATABASE"]) {
            return self.drop_database().map(Some);
        }
        if self.accept_words(&["ALTER", "DATABASE"]) {
            return self.alter_database().map(Some);
        }
        if self.accept_words(&["RENAME", "DATABASE"]) {
            let (name, if_exists) = self.database_if_exists()?;
            self.expect_word("TO")?;
            let to = self.database_name()?;
            return Ok(Some(DatabaseCommand::Rename { name, if_exists, to, wait: self.wait() }));
        }
        if self.accept_words(&["START", "DATABASE"]) {
            let name = self.database_name()?;
            return Ok(Some(DatabaseCommand::Start { name, wait: self.wait() }));
        }
        if self.accept_words(&["STOP", "DATABASE"]) {
            let name = self.database_name()?;
            return Ok(Some(DatabaseCommand::Stop { name, wait: self.wait() }));
        }
        if self.accept_words(&["CHECK", "DATABASE"]) {
            let name = self.database_name()?;
            self.wait();
            return Ok(Some(DatabaseCommand::Check { name }));
        }
        // Commands that are written as procedures.
        if self.at_words(&["CALL", "dbms"]) && self.peek_at(2) == Token::Dot {
            if self.word_at(3, "recreateDatabase") {
                self.at += 4;
                return self.recreate_database().map(Some);
            }
            if self.word_at(3, "setDefaultDatabase") {
                self.at += 4;
                let name = self.database_argument()?;
                self.expect(Token::ParenClose, "')'")?;
                return Ok(Some(DatabaseCommand::SetDefault { name, tail: self.show_tail()? }));
            }
        }
        Ok(None)
    }

    /// `('n', {clearData: true})`, as drivers call it.
    fn recreate_database(&mut self) -> Parsed<DatabaseCommand> {
        let name = self.database_argument()?;
        let options = if self.accept(Token::Comma) { Some(self.expression()?) } else { None };
        self.expect(Token::ParenClose, "')'")?;
        Ok(DatabaseCommand::Recreate { name, options })
    }

    /// `('n'`, or a parameter: the name of a database as an argument.
    fn database_argument(&mut self) -> Parsed<NameOrParameter> {
        self.expect(Token::ParenOpen, "'('")?;
        let span = self.span();
        Ok(match self.peek() {
            Token::Dollar => NameOrParameter::Parameter(self.parameter()?),
            Token::Text => {
                let text = literal::text(self.text_at(0)).map_err(|(error, _)| self.fail(span, &error.to_string()))?;
                self.advance();
                NameOrParameter::Name(Name { text, span })
            }
            _ => return Err(self.unexpected(&["the name of a database as a text", "a parameter"])),
        })
    }

    fn create_database(&mut self, or_replace: bool) -> Parsed<DatabaseCommand> {
        let start = self.start();
        let mut if_not_exists = self.accept_words(&["IF", "NOT", "EXISTS"]);
        let name = self.database_name()?;
        if_not_exists |= !if_not_exists && self.accept_words(&["IF", "NOT", "EXISTS"]);
        if if_not_exists && or_replace {
            let message = "Failed to create the specified database: cannot have both `OR REPLACE` and `IF NOT EXISTS`.";
            return Err(self.fail(self.since(start), message));
        }
        let origin = self.database_origin()?;
        let mut language = None;
        loop {
            let set = usize::from(self.at_word("SET"));
            if self.word_at(set, "DEFAULT") && self.word_at(set + 1, "LANGUAGE") {
                self.at += set + 2;
                language = Some(self.language()?);
            } else if self.word_at(set, "TOPOLOGY") {
                self.at += set + 1;
                self.topology()?;
            } else {
                break;
            }
        }
        let options = self.options()?;
        let wait = self.wait();
        let create = CreateDatabase { name, if_not_exists, or_replace, origin, language, options, wait };
        Ok(DatabaseCommand::Create(Box::new(create)))
    }

    fn drop_database(&mut self) -> Parsed<DatabaseCommand> {
        let (name, if_exists) = self.database_if_exists()?;
        let cascade = self.accept_word("CASCADE");
        if cascade {
            if !self.one_of_at(0, &["ALIAS", "ALIASES"]) {
                return Err(self.unexpected(&["'ALIASES'", "'ALIAS'"]));
            }
            self.advance();
        } else {
            self.accept_word("RESTRICT");
        }
        let dump = self.accept_word("DUMP");
        if dump || self.accept_word("DESTROY") {
            self.accept_word("DATA");
        }
        let wait = self.wait();
        Ok(DatabaseCommand::Drop { name, if_exists, cascade, dump, wait })
    }

    fn alter_database(&mut self) -> Parsed<DatabaseCommand> {
        let (name, if_exists) = self.database_if_exists()?;
        if self.accept_word("RENAME") {
            self.expect_word("TO")?;
            let to = self.database_name()?;
            return Ok(DatabaseCommand::Rename { name, if_exists, to, wait: self.wait() });
        }
        let mut changes: Vec<DatabaseChange> = Vec::new();
        loop {
            let start = self.start();
            let change = if self.accept_word("SET") {
                self.database_setting()?
            } else if self.accept_word("REMOVE") {
                self.expect_word("OPTION")?;
                DatabaseChange::RemoveOption { key: self.name("an option")? }
            } else if changes.is_empty() {
                return Err(self.unexpected(&["'SET'", "'REMOVE'", "'RENAME TO'"]));
            } else {
                break;
            };
            if changes.iter().any(|before| before.is_same_setting(&change)) {
                return Err(self.fail(self.since(start), "The same setting is changed twice in one command"));
            }
            changes.push(change);
        }
        let wait = self.wait();
        Ok(DatabaseCommand::Alter { name, if_exists, changes, wait })
    }

    /// What stands behind `SET`.
    fn database_setting(&mut self) -> Parsed<DatabaseChange> {
        if self.accept_word("ACCESS") {
            self.expect_word("READ")?;
            return match () {
                () if self.accept_word("ONLY") => Ok(DatabaseChange::Access { read_only: true }),
                () if self.accept_word("WRITE") => Ok(DatabaseChange::Access { read_only: false }),
                () => Err(self.unexpected(&["'ONLY'", "'WRITE'"])),
            };
        }
        if self.accept_word("OPTION") {
            let key = self.name("an option")?;
            self.accept(Token::Equal);
            return Ok(DatabaseChange::SetOption { key, value: self.limit_value()? });
        }
        if self.accept_words(&["DEFAULT", "LANGUAGE"]) {
            return self.language().map(DatabaseChange::Language);
        }
        if self.accept_word("DEFAULT") {
            self.accept_word("DATABASE");
            return Ok(DatabaseChange::Default);
        }
        if self.accept_word("TOPOLOGY") {
            self.topology()?;
            return Ok(DatabaseChange::Topology);
        }
        let settings = ["'ACCESS'", "'OPTION'", "'LIMIT'", "'DEFAULT'", "'DEFAULT LANGUAGE'", "'TOPOLOGY'"];
        let alone = ["'OWNER'", "'ISOLATION'"];
        Err(self.unexpected(&[&settings[..], &alone[..]].concat()))
    }

    /// `CYPHER 5`, `CYPHER 25`.
    fn language(&mut self) -> Parsed<Language> {
        self.expect_word("CYPHER")?;
        let language = match (self.peek(), self.text_at(0)) {
            (Token::Integer, "5") => Language::Cypher5,
            (Token::Integer, "25") => Language::Cypher25,
            _ => return Err(self.unexpected(&["'5'", "'25'"])),
        };
        self.advance();
        Ok(language)
    }

    /// `1 PRIMARY [0 SECONDARIES]`: a database has one server here.
    fn topology(&mut self) -> Parsed<()> {
        let start = self.start();
        let mut seen = 0;
        while self.peek() == Token::Integer || self.peek() == Token::Dollar {
            let is_primary = self.one_of_at(1, &["PRIMARY", "PRIMARIES"]);
            let count = self.text_at(0);
            let fits = if is_primary { count == "1" } else { count == "0" };
            if !fits {
                let what = "TOPOLOGY other than 1 PRIMARY (a database is kept by one server)".to_owned();
                return Err(self.unsupported(what, start));
            }
            self.advance();
            if !is_primary && !self.one_of_at(0, &["SECONDARY", "SECONDARIES"]) {
                return Err(self.unexpected(&["'PRIMARY'", "'SECONDARIES'"]));
            }
            self.advance();
            seen += 1;
        }
        if seen == 0 { Err(self.unexpected(&["a number of primaries"])) } else { Ok(()) }
    }

    /// A name with `IF EXISTS` before or behind it.
    pub(super) fn database_if_exists(&mut self) -> Parsed<(NameOrParameter, bool)> {
        let before = self.accept_words(&["IF", "EXISTS"]);
        let name = self.database_name()?;
        Ok((name, before || self.accept_words(&["IF", "EXISTS"])))
    }

    /// What `SHOW DATABASE[S]` is asked for, behind that word.
    pub(super) fn shown_databases(&mut self) -> Parsed<ShowDatabases> {
        if self.is_shown_name() {
            return self.database_name().map(ShowDatabases::One);
        }
        Ok(ShowDatabases::All)
    }

    /// `WAIT [n [SECONDS]]`, `NOWAIT`: every command here is done before it is answered.
    pub(super) fn wait(&mut self) -> Wait {
        if self.accept_word("NOWAIT") || !self.accept_word("WAIT") {
            return Wait::No;
        }
        if self.accept(Token::Integer) {
            let _unit = ["SEC", "SECOND", "SECONDS"].into_iter().any(|unit| self.accept_word(unit));
        }
        match self.language {
            Language::Cypher5 => Wait::Rows,
            Language::Cypher25 => Wait::Notification,
        }
    }
}
