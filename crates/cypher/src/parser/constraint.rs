//! `CREATE CONSTRAINT`, `DROP CONSTRAINT`, and which constraints are shown.

use super::{Parsed, Parser};
use crate::ast::{ConstraintFilter, ConstraintKind, IndexKind, NameOrParameter, SchemaCommand};
use crate::token::Token;

impl Parser<'_> {
    /// `CREATE CONSTRAINT [name] [IF NOT EXISTS] FOR (n:L) REQUIRE n.p IS ...`; the first two words were taken.
    pub(super) fn create_constraint(&mut self) -> Parsed<SchemaCommand> {
        let start = self.start();
        let (name, if_not_exists) = self.schema_name("a constraint name")?;
        if self.at_word("ON") {
            return Err(self.unsupported("CREATE CONSTRAINT ON ... ASSERT".to_owned(), start));
        }
        self.expect_word("FOR")?;
        let (variable, target) = self.index_target(IndexKind::Range)?;
        if self.at_word("ASSERT") {
            return Err(self.unsupported("CREATE CONSTRAINT ... ASSERT".to_owned(), start));
        }
        self.expect_word("REQUIRE")?;
        let keys = self.index_keys(IndexKind::Range, &variable)?;
        let kind = self.constraint_kind()?;
        let options = self.options()?;
        Ok(SchemaCommand::CreateConstraint { name, if_not_exists, target, keys, kind, options })
    }

    /// `IS UNIQUE`, `IS NODE KEY`, `IS NOT NULL`, `IS :: T`.
    fn constraint_kind(&mut self) -> Parsed<ConstraintKind> {
        if self.accept(Token::ColonColon) {
            return self.type_name().map(ConstraintKind::Typed);
        }
        self.expect_word("IS")?;
        if self.accept(Token::ColonColon) || self.accept_word("TYPED") {
            return self.type_name().map(ConstraintKind::Typed);
        }
        if self.accept_words(&["NOT", "NULL"]) {
            return Ok(ConstraintKind::Exists);
        }
        // `NODE` and `RELATIONSHIP` say again what the pattern has said.
        let _ = self.accept_word("NODE") || self.accept_word("RELATIONSHIP") || self.accept_word("REL");
        if self.accept_word("UNIQUE") {
            Ok(ConstraintKind::Unique)
        } else if self.accept_word("KEY") {
            Ok(ConstraintKind::Key)
        } else {
            Err(self.unexpected(&["'UNIQUE'", "'NODE KEY'", "'RELATIONSHIP KEY'", "'NOT NULL'", "'::'"]))
        }
    }

    /// A name or a parameter, with `IF NOT EXISTS` on either side; both may be missing.
    pub(super) fn schema_name(&mut self, expected: &'static str) -> Parsed<(Option<NameOrParameter>, bool)> {
        let mut if_not_exists = self.accept_words(&["IF", "NOT", "EXISTS"]);
        let is_for = self.at_word("FOR") && self.peek_at(1) == Token::ParenOpen;
        let name = match self.peek() {
            Token::Dollar => Some(NameOrParameter::Parameter(self.parameter()?)),
            token if Self::is_name(token) && !is_for && !self.at_word("ON") => {
                Some(NameOrParameter::Name(self.name(expected)?))
            }
            _ => None,
        };
        if_not_exists |= self.accept_words(&["IF", "NOT", "EXISTS"]);
        Ok((name, if_not_exists))
    }

    /// A name or a parameter, with `IF EXISTS` on either side.
    pub(super) fn dropped_name(&mut self, expected: &'static str) -> Parsed<(NameOrParameter, bool)> {
        let mut if_exists = self.accept_words(&["IF", "EXISTS"]);
        let name = match self.peek() {
            Token::Dollar => NameOrParameter::Parameter(self.parameter()?),
            _ => NameOrParameter::Name(self.name(expected)?),
        };
        if_exists |= self.accept_words(&["IF", "EXISTS"]);
        Ok((name, if_exists))
    }

    /// `SHOW [...] CONSTRAINT[S]`; nothing is taken if something else is shown.
    pub(super) fn show_constraints(&mut self) -> Parsed<Option<SchemaCommand>> {
        const WORDS: &[&str] = &[
            "ALL",
            "NODE",
            "RELATIONSHIP",
            "REL",
            "PROPERTY",
            "UNIQUE",
            "UNIQUENESS",
            "EXIST",
            "EXISTENCE",
            "TYPE",
            "KEY",
        ];
        let mut ahead = 1;
        while self.one_of_at(ahead, WORDS) {
            ahead += 1;
        }
        if !self.one_of_at(ahead, &["CONSTRAINT", "CONSTRAINTS"]) || ahead > 4 {
            return Ok(None);
        }
        self.advance();
        let filter = self.constraint_filter()?;
        if !self.one_of_at(0, &["CONSTRAINT", "CONSTRAINTS"]) {
            return Err(self.unexpected(&["'CONSTRAINTS'"]));
        }
        self.advance();
        Ok(Some(SchemaCommand::ShowConstraints { filter, tail: self.show_tail()? }))
    }

    fn constraint_filter(&mut self) -> Parsed<ConstraintFilter> {
        let mut filter = ConstraintFilter::default();
        if self.accept_word("ALL") {
            return Ok(filter);
        }
        if self.accept_word("NODE") {
            filter.nodes = Some(true);
        } else if self.accept_word("RELATIONSHIP") || self.accept_word("REL") {
            filter.nodes = Some(false);
        }
        let is_property = self.accept_word("PROPERTY");
        filter.kind = if self.accept_word("UNIQUE") || self.accept_word("UNIQUENESS") {
            Some(ConstraintKind::Unique)
        } else if self.accept_word("EXISTENCE") || self.accept_word("EXIST") {
            Some(ConstraintKind::Exists)
        } else if is_property && self.accept_word("TYPE") {
            Some(ConstraintKind::Typed("".into()))
        } else if !is_property && self.accept_word("KEY") {
            Some(ConstraintKind::Key)
        } else if is_property {
            return Err(self.unexpected(&["'UNIQUENESS'", "'EXISTENCE'", "'TYPE'", "'KEY'"]));
        } else {
            None
        };
        Ok(filter)
    }
}
