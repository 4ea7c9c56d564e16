//! Commands about aliases.

use super::super::{Parsed, Parser};
use crate::ast::{AliasCommand, Expression, ExpressionKind};
use crate::token::Token;

/// What only a remote alias has, behind its target.
const REMOTE: &[&str] = &["AT", "USER", "PASSWORD", "OIDC", "DRIVER"];

impl Parser<'_> {
    /// A command about aliases, if one begins here.
    pub(super) fn alias_command(&mut self) -> Parsed<Option<AliasCommand>> {
        let start = self.start();
        if self.accept_words(&["CREATE", "ALIAS"]) {
            return self.create_alias(start, false).map(Some);
        }
        if self.accept_words(&["CREATE", "OR", "REPLACE", "ALIAS"]) {
            return self.create_alias(start, true).map(Some);
        }
        if self.accept_words(&["ALTER", "ALIAS"]) {
            return self.alter_alias(start).map(Some);
        }
        if self.accept_words(&["DROP", "ALIAS"]) {
            let mut if_exists = self.accept_words(&["IF", "EXISTS"]);
            let alias = self.database_name()?;
            if_exists |= self.accept_words(&["IF", "EXISTS"]);
            if self.accept_word("FOR") {
                self.expect_word("DATABASE")?;
            }
            return Ok(Some(AliasCommand::Drop { alias, if_exists }));
        }
        Ok(None)
    }

    fn create_alias(&mut self, start: u32, or_replace: bool) -> Parsed<AliasCommand> {
        let mut if_not_exists = self.accept_words(&["IF", "NOT", "EXISTS"]);
        let alias = self.database_name()?;
        if_not_exists |= self.accept_words(&["IF", "NOT", "EXISTS"]);
        if if_not_exists && or_replace {
            let message = "Failed to create the specified database alias: cannot have both `OR REPLACE` and \
                           `IF NOT EXISTS`.";
            return Err(self.fail(self.since(start), message));
        }
        self.expect_word("FOR")?;
        self.expect_word("DATABASE")?;
        let target = self.database_name()?;
        self.refuse_remote("CREATE ALIAS", start)?;
        let properties = self.alias_properties()?;
        Ok(AliasCommand::Create { alias, if_not_exists, or_replace, target, properties })
    }

    fn alter_alias(&mut self, start: u32) -> Parsed<AliasCommand> {
        let mut if_exists = self.accept_words(&["IF", "EXISTS"]);
        let alias = self.database_name()?;
        if_exists |= self.accept_words(&["IF", "EXISTS"]);
        self.expect_word("SET")?;
        self.expect_word("DATABASE")?;
        let (mut target, mut properties) = (None, None);
        loop {
            self.refuse_remote("ALTER ALIAS", start)?;
            let place = self.span();
            if self.accept_word("TARGET") {
                if target.replace(self.database_name()?).is_some() {
                    return Err(self.fail(place, "Duplicate `TARGET` clause"));
                }
            } else if self.at_word("PROPERTIES") {
                if properties.is_some() {
                    return Err(self.fail(place, "Duplicate `PROPERTIES` clause"));
                }
                properties = self.alias_properties()?;
            } else if target.is_none() && properties.is_none() {
                return Err(self.unexpected(&["'TARGET'", "'PROPERTIES'"]));
            } else {
                return Ok(AliasCommand::Alter { alias, if_exists, target, properties });
            }
        }
    }

    /// `PROPERTIES {...}` or `PROPERTIES $p`.
    fn alias_properties(&mut self) -> Parsed<Option<Expression>> {
        if !self.accept_word("PROPERTIES") {
            return Ok(None);
        }
        let start = self.start();
        let kind = match self.peek() {
            Token::Dollar => ExpressionKind::Parameter(self.parameter()?),
            _ => ExpressionKind::Map(self.map()?),
        };
        Ok(Some(self.build(start, kind)))
    }

    /// An alias of a database of another server is known to Neo4j and not to this server.
    fn refuse_remote(&self, command: &str, start: u32) -> Parsed<()> {
        if !self.one_of_at(0, REMOTE) {
            return Ok(());
        }
        let what =
            format!("{command} ... {} (an alias of a database on another server)", self.text_at(0).to_uppercase());
        Err(self.unsupported(what, start))
    }

    /// What `SHOW ALIAS[ES]` is asked for, behind that word.
    pub(super) fn shown_aliases(&mut self) -> Parsed<AliasCommand> {
        let alias = if self.at_word("FOR") || !self.is_shown_name() { None } else { Some(self.database_name()?) };
        let mut database = None;
        if self.accept_word("FOR") {
            if !self.accept_word("DATABASES") {
                self.expect_word("DATABASE")?;
            }
            if self.is_shown_name() {
                database = Some(self.database_name()?);
            }
        }
        Ok(AliasCommand::Show { alias, database, tail: self.show_tail()? })
    }

    /// Tells whether a name stands here, and not the tail of a `SHOW`.
    pub(super) fn is_shown_name(&self) -> bool {
        let tail = self.one_of_at(0, &["YIELD", "WHERE"]) && self.peek_at(1) != Token::End;
        !tail && (Self::is_name(self.peek()) || self.peek() == Token::Dollar)
    }
}
