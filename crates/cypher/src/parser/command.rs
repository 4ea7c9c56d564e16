//! Commands about databases and indexes.

use super::{Parsed, Parser};
use crate::ast::{
    AdminCommand, Expression, ExpressionKind, IndexKind, IndexTarget, Name, NameOrParameter, SchemaCommand,
    ShowDatabases,
};
use crate::error::ParseError;
use crate::place;
use crate::token::Token;

/// Options of `CREATE DATABASE` that choose how another server keeps its files; here they change nothing.
const OPTIONS_WITHOUT_EFFECT: &[&str] = &["storeFormat", "txLogEnrichment"];

/// Commands that Neo4j has and this server does not: first words, most telling first.
const UNSUPPORTED: &[&[&str]] = &[
    &["CREATE", "ALIAS"],
    &["ALTER", "ALIAS"],
    &["DROP", "ALIAS"],
    &["CREATE", "COMPOSITE", "DATABASE"],
    &["DROP", "COMPOSITE", "DATABASE"],
    &["ALTER", "DATABASE"],
    &["CREATE", "USER"],
    &["ALTER", "USER"],
    &["ALTER", "CURRENT", "USER"],
    &["RENAME", "USER"],
    &["DROP", "USER"],
    &["CREATE", "ROLE"],
    &["CREATE", "IMMUTABLE", "ROLE"],
    &["RENAME", "ROLE"],
    &["RENAME", "DATABASE"],
    &["DROP", "ROLE"],
    &["CREATE", "TYPE"],
    &["GRANT"],
    &["DENY"],
    &["REVOKE"],
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
    pub(super) fn unsupported(&self, command: String, start: u32) -> Box<ParseError> {
        let span = crate::ast::Span { start, end: start };
        Box::new(ParseError::Unsupported { command, position: place::position(self.text, span) })
    }

    /// Commands about indexes and constraints.
    pub(super) fn schema_command(&mut self) -> Parsed<Option<SchemaCommand>> {
        // `CREATE constraint = (a)-[:T]->(b)` is a path.
        if self.at_words(&["CREATE", "CONSTRAINT"]) && self.peek_at(2) != Token::Equal {
            self.at += 2;
            return self.create_constraint().map(Some);
        }
        if self.at_word("CREATE") {
            return self.create_index();
        }
        if self.at_words(&["DROP", "INDEX"]) {
            self.at += 2;
            return self.drop_index().map(Some);
        }
        if self.accept_words(&["DROP", "CONSTRAINT"]) {
            let (name, if_exists) = self.dropped_name("a constraint name")?;
            return Ok(Some(SchemaCommand::DropConstraint { name, if_exists }));
        }
        if self.at_word("SHOW") {
            return match self.show_constraints()? {
                None => self.show_indexes(),
                found => Ok(found),
            };
        }
        Ok(None)
    }

    fn create_index(&mut self) -> Parsed<Option<SchemaCommand>> {
        let start = self.start();
        let kind = self.index_kind_at(1);
        let at_index = if kind.is_some() { 2 } else { 1 };
        if !self.word_at(at_index, "INDEX") || self.peek_at(at_index + 1) == Token::Equal {
            return Ok(None);
        }
        self.at += at_index + 1;
        if self.at_word("ON") && self.peek_at(1) == Token::Colon {
            return Err(self.unsupported("CREATE INDEX ON :Label(property)".to_owned(), start));
        }
        let (name, if_not_exists) = self.schema_name("an index name")?;
        self.expect_word("FOR")?;
        let kind = kind.unwrap_or(IndexKind::Range);
        let (variable, target) = self.index_target(kind)?;
        self.expect_word("ON")?;
        let keys = self.index_keys(kind, &variable)?;
        let options = self.options()?;
        Ok(Some(SchemaCommand::CreateIndex { name, if_not_exists, kind, target, keys, options }))
    }

    pub(super) fn index_kind_at(&self, ahead: usize) -> Option<IndexKind> {
        let kinds = [
            ("RANGE", IndexKind::Range),
            ("BTREE", IndexKind::Range),
            ("TEXT", IndexKind::Text),
            ("POINT", IndexKind::Point),
            ("LOOKUP", IndexKind::Lookup),
            ("FULLTEXT", IndexKind::Fulltext),
            ("VECTOR", IndexKind::Vector),
        ];
        kinds.into_iter().find(|(word, _)| self.word_at(ahead, word)).map(|(_, kind)| kind)
    }

    /// `(n:L)`, `()-[r:T]-()`; a lookup index names no label.
    pub(super) fn index_target(&mut self, kind: IndexKind) -> Parsed<(Name, IndexTarget)> {
        self.expect(Token::ParenOpen, "'('")?;
        if !self.accept(Token::ParenClose) {
            let variable = self.name("a variable or ')'")?;
            let labels = self.indexed_labels(kind)?;
            self.expect(Token::ParenClose, "')'")?;
            return Ok((variable, IndexTarget::Node(labels)));
        }
        self.accept(Token::Less);
        self.expect(Token::Minus, "'-'")?;
        self.expect(Token::BracketOpen, "'['")?;
        let variable = self.name("a variable")?;
        let labels = self.indexed_labels(kind)?;
        self.expect(Token::BracketClose, "']'")?;
        self.expect(Token::Minus, "'-'")?;
        self.accept(Token::Greater);
        self.expect(Token::ParenOpen, "'('")?;
        self.expect(Token::ParenClose, "')'")?;
        Ok((variable, IndexTarget::Relationship(labels)))
    }

    fn indexed_labels(&mut self, kind: IndexKind) -> Parsed<Vec<Name>> {
        if kind == IndexKind::Lookup {
            return Ok(Vec::new());
        }
        if !self.accept(Token::Colon) {
            return Err(self.unexpected(&["':' and a label or type"]));
        }
        let mut labels = vec![self.name("a label or type name")?];
        while self.peek() == Token::Bar {
            if !matches!(kind, IndexKind::Fulltext | IndexKind::Vector) {
                return Err(self.unsupported("CREATE INDEX on several labels".to_owned(), labels[0].span.start));
            }
            self.advance();
            labels.push(self.name("a label or type name")?);
        }
        Ok(labels)
    }

    /// `(n.a, n.b)`, `n.a`, `EACH [n.a]`, `EACH labels(n)`.
    pub(super) fn index_keys(&mut self, kind: IndexKind, variable: &Name) -> Parsed<Vec<Name>> {
        let close = if self.accept_word("EACH") && kind == IndexKind::Fulltext {
            self.expect(Token::BracketOpen, "'['")?;
            Some((Token::BracketClose, "']' or ','"))
        } else if kind == IndexKind::Lookup {
            self.name("'labels' or 'type'")?;
            self.expect(Token::ParenOpen, "'('")?;
            self.name("a variable")?;
            self.expect(Token::ParenClose, "')'")?;
            return Ok(Vec::new());
        } else {
            self.accept(Token::ParenOpen).then_some((Token::ParenClose, "')' or ','"))
        };
        let keys = match close {
            Some(_) => self.list(|parser| parser.index_key(variable))?,
            None => vec![self.index_key(variable)?],
        };
        if let Some((close, shown)) = close {
            self.expect(close, shown)?;
        }
        Ok(keys)
    }

    fn index_key(&mut self, variable: &Name) -> Parsed<Name> {
        let named = self.name("a variable")?;
        if named.text != variable.text {
            return Err(self.fail(named.span, &format!("Variable `{}` not defined", named.text)));
        }
        self.expect(Token::Dot, "'.'")?;
        self.name("a property name")
    }

    /// `OPTIONS {...}` or `OPTIONS $p`.
    pub(super) fn options(&mut self) -> Parsed<Option<Expression>> {
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

    fn drop_index(&mut self) -> Parsed<SchemaCommand> {
        if self.at_word("ON") && self.peek_at(1) == Token::Colon {
            return Err(self.unsupported("DROP INDEX ON :Label(property)".to_owned(), self.start()));
        }
        let (name, if_exists) = self.dropped_name("an index name")?;
        Ok(SchemaCommand::DropIndex { name, if_exists })
    }

    /// Commands about databases; known commands that are not there give their own error.
    pub(super) fn admin_command(&mut self) -> Parsed<Option<AdminCommand>> {
        let start = self.start();
        // `CREATE user = (a)-[:T]->(b)` is a path.
        if self.peek_at(2) == Token::Equal {
            return Ok(None);
        }
        if let Some(words) =
            UNSUPPORTED.iter().find(|words| self.at_words(words) && Self::is_command(words, self.peek_at(words.len())))
        {
            return Err(self.unsupported(words.join(" "), start));
        }
        if self.accept_words(&["TERMINATE", "TRANSACTIONS"]) || self.accept_words(&["TERMINATE", "TRANSACTION"]) {
            return self.terminate().map(Some);
        }
        if self.accept_words(&["CREATE", "DATABASE"]) {
            return self.create_database(false).map(Some);
        }
        if self.accept_words(&["CREATE", "OR", "REPLACE", "DATABASE"]) {
            return self.create_database(true).map(Some);
        }
        if self.at_words(&["CREATE", "OR", "REPLACE"]) {
            self.at += 3;
            let command = format!("CREATE OR REPLACE {}", self.text_at(0).to_uppercase());
            return Err(self.unsupported(command, start));
        }
        if self.accept_words(&["DROP", "DATABASE"]) {
            return self.drop_database(start).map(Some);
        }
        if self.at_word("DROP") {
            self.advance();
            return Err(self.unexpected(&["'DATABASE'", "'INDEX'", "'CONSTRAINT'"]));
        }
        if self.at_word("SHOW") {
            return self.show().map(Some);
        }
        self.simple_admin_command()
    }

    /// A lone word such as `GRANT` is a command if something follows it that no clause would have.
    fn is_command(words: &[&str], next: Token) -> bool {
        words.len() > 1 || Self::is_name(next)
    }

    /// `START`, `STOP` and `CHECK DATABASE n`.
    fn simple_admin_command(&mut self) -> Parsed<Option<AdminCommand>> {
        let make: fn(NameOrParameter) -> AdminCommand = if self.at_words(&["START", "DATABASE"]) {
            |name| AdminCommand::StartDatabase { name }
        } else if self.at_words(&["STOP", "DATABASE"]) {
            |name| AdminCommand::StopDatabase { name }
        } else if self.at_words(&["CHECK", "DATABASE"]) {
            |name| AdminCommand::CheckDatabase { name }
        } else {
            return Ok(None);
        };
        self.at += 2;
        let name = self.database_name()?;
        self.wait();
        Ok(Some(make(name)))
    }

    fn create_database(&mut self, or_replace: bool) -> Parsed<AdminCommand> {
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
        Ok(AdminCommand::CreateDatabase { name, if_not_exists, or_replace })
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

    fn drop_database(&mut self, start: u32) -> Parsed<AdminCommand> {
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
        Ok(AdminCommand::DropDatabase { name, if_exists })
    }

    /// `n`, `a.b` as one name, or `$n`.
    pub(super) fn database_name(&mut self) -> Parsed<NameOrParameter> {
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

    /// `WAIT [n [SECONDS]]`, `NOWAIT`: every command here is done before it is answered.
    fn wait(&mut self) {
        if self.accept_word("NOWAIT") || !self.accept_word("WAIT") || !self.accept(Token::Integer) {
            return;
        }
        let _unit = ["SEC", "SECOND", "SECONDS"].into_iter().any(|unit| self.accept_word(unit));
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
