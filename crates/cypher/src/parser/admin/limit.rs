//! Commands about limits and what is used of them.

use types::Value;

use super::super::{Parsed, Parser};
use crate::ast::{LimitCommand, LimitOwner, LimitValue, NameOrParameter};
use crate::literal;
use crate::token::Token;

impl Parser<'_> {
    /// `ALTER DATABASE n [IF EXISTS] {SET | REMOVE} LIMIT ...`, or the same for a role, if that stands here.
    pub(super) fn limit_command(&mut self) -> Parsed<Option<LimitCommand>> {
        let is_role = self.at_words(&["ALTER", "ROLE"]);
        if !(is_role || self.at_words(&["ALTER", "DATABASE"])) || !self.has_limit_ahead() {
            return Ok(None);
        }
        self.at += 2;
        let mut if_exists = self.accept_words(&["IF", "EXISTS"]);
        let name = self.database_name()?;
        if_exists |= !if_exists && self.accept_words(&["IF", "EXISTS"]);
        let owner = if is_role { LimitOwner::Role(name) } else { LimitOwner::Database(name) };
        let sets = self.accept_word("SET");
        // `SET LIMIT`, `REMOVE LIMIT`, and the plurals that people write.
        self.at += if sets { 1 } else { 2 };
        let command = if sets {
            LimitCommand::Set { owner, limits: self.list(Self::limit_and_value)?, if_exists, wait: self.wait() }
        } else {
            let limits = self.list(|parser| parser.name("the name of a limit"))?;
            LimitCommand::Remove { owner, limits, if_exists, wait: self.wait() }
        };
        Ok(Some(command))
    }

    /// Looks past the name for `SET LIMIT` or `REMOVE LIMIT`.
    fn has_limit_ahead(&self) -> bool {
        let if_exists = |ahead| if self.word_at(ahead, "IF") && self.word_at(ahead + 1, "EXISTS") { 2 } else { 0 };
        let mut ahead = 2 + if_exists(2);
        ahead += if self.peek_at(ahead) == Token::Dollar { 2 } else { 1 };
        while self.peek_at(ahead) == Token::Dot {
            ahead += 2;
        }
        ahead += if_exists(ahead);
        self.one_of_at(ahead, &["SET", "REMOVE"]) && self.one_of_at(ahead + 1, &["LIMIT", "LIMITS"])
    }

    fn limit_and_value(&mut self) -> Parsed<(crate::ast::Name, LimitValue)> {
        let name = self.name("the name of a limit")?;
        self.expect(Token::Equal, "'='")?;
        Ok((name, self.limit_value()?))
    }

    pub(super) fn limit_value(&mut self) -> Parsed<LimitValue> {
        let span = self.span();
        let value = match self.peek() {
            Token::Dollar => return self.parameter().map(LimitValue::Parameter),
            Token::Text => {
                let text = literal::text(self.text_at(0)).map_err(|(error, _)| self.fail(span, &error.to_string()))?;
                Value::string(text)
            }
            Token::Word if self.at_words(&["NULL"]) => Value::Null,
            Token::Word if self.at_words(&["DURATION"]) && self.peek_at(1) == Token::ParenOpen => {
                return self.duration().map(LimitValue::Given);
            }
            // `60s` and `10GB` are no numbers elsewhere; `10 GB` is a number and a word.
            Token::BadNumber | Token::Word => Value::string(self.text_at(0)),
            Token::Integer | Token::Float if self.is_unit_ahead() => {
                let text = format!("{}{}", self.text_at(0), self.text_at(1));
                self.advance();
                Value::string(text)
            }
            Token::Integer => {
                let number = literal::integer(self.text_at(0), false);
                Value::Integer(number.map_err(|error| self.fail(span, &error.to_string()))?)
            }
            Token::Float => {
                let number = literal::float(self.text_at(0));
                Value::Float(number.map_err(|error| self.fail(span, &error.to_string()))?)
            }
            Token::Minus if self.peek_at(1) == Token::Integer => {
                self.advance();
                let number = literal::integer(self.text_at(0), true);
                Value::Integer(number.map_err(|error| self.fail(span, &error.to_string()))?)
            }
            _ => return Err(self.unexpected(&["a number", "a text", "a size such as 10GB", "a time such as 60s"])),
        };
        self.advance();
        Ok(LimitValue::Given(value))
    }

    /// `duration('PT1M')`, as a parameter has it.
    fn duration(&mut self) -> Parsed<Value> {
        self.advance();
        self.advance();
        let span = self.span();
        if self.peek() != Token::Text {
            return Err(self.unexpected(&["a text such as 'PT1M'"]));
        }
        let text = literal::text(self.text_at(0)).map_err(|(error, _)| self.fail(span, &error.to_string()))?;
        let duration = types::Duration::parse(&text).map_err(|error| self.fail(span, &error.to_string()))?;
        self.advance();
        self.expect(Token::ParenClose, "')'")?;
        Ok(Value::Duration(Box::new(duration)))
    }

    /// Tells whether a word follows that is no part of the command.
    fn is_unit_ahead(&self) -> bool {
        self.peek_at(1) == Token::Word && !self.one_of_at(1, &["WAIT", "NOWAIT", "SET", "REMOVE"])
    }

    /// `SHOW LIMITS` and `SHOW USAGE`, if one of them stands here; `SHOW` was taken.
    pub(super) fn show_limits(&mut self) -> Parsed<Option<LimitCommand>> {
        if self.accept_word("LIMITS") || self.accept_word("LIMIT") {
            let owner = if self.accept_words(&["FOR", "ROLE"]) {
                Some(LimitOwner::Role(self.database_name()?))
            } else {
                self.for_database()?.map(LimitOwner::Database)
            };
            return Ok(Some(LimitCommand::ShowLimits { owner, tail: self.show_tail()? }));
        }
        if self.accept_word("USAGE") {
            let database = self.for_database()?;
            return Ok(Some(LimitCommand::ShowUsage { database, tail: self.show_tail()? }));
        }
        Ok(None)
    }

    pub(super) fn for_database(&mut self) -> Parsed<Option<NameOrParameter>> {
        if !self.accept_word("FOR") {
            return Ok(None);
        }
        self.expect_word("DATABASE")?;
        self.database_name().map(Some)
    }
}
