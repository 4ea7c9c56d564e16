//! Commands about who may do what: the first words, and what users, roles and tokens share.
//! Leaves the acts of privileges to `privilege`, and what is set of a user to `user`.
//! Start reading at [`Parser::rights_command`].

use super::super::{Parsed, Parser};
use crate::ast::{
    Expression, ExpressionKind, NameOrParameter, RightsCommand, RoleCommand, ScopeSpec, TokenCommand, UserCommand,
};
use crate::token::Token;

impl Parser<'_> {
    /// A command about users, roles, privileges or tokens, if one begins here.
    pub(super) fn rights_command(&mut self) -> Parsed<Option<RightsCommand>> {
        if let Some(command) = self.user_command()? {
            return Ok(Some(RightsCommand::User(command)));
        }
        if let Some(command) = self.role_command()? {
            return Ok(Some(RightsCommand::Role(command)));
        }
        if let Some(command) = self.token_command()? {
            return Ok(Some(RightsCommand::Token(command)));
        }
        Ok(self.privilege_command()?.map(RightsCommand::Privilege))
    }

    /// What `SHOW` is asked for of users, roles, privileges and tokens; behind `SHOW`.
    pub(super) fn show_rights(&mut self) -> Parsed<Option<RightsCommand>> {
        if self.accept_word("TOKENS") || self.accept_word("TOKEN") {
            return Ok(Some(RightsCommand::Token(TokenCommand::Show { tail: self.show_tail()? })));
        }
        if self.accept_words(&["CURRENT", "USER"]) {
            let with_auth = self.accept_words(&["WITH", "AUTH"]);
            let command = UserCommand::Show { current: true, with_auth, tail: self.show_tail()? };
            return Ok(Some(RightsCommand::User(command)));
        }
        if let Some(command) = self.show_privileges()? {
            return Ok(Some(RightsCommand::Privilege(command)));
        }
        if self.one_of_at(0, &["USER", "USERS"]) && !self.word_at(1, "DEFINED") {
            self.advance();
            let with_auth = self.accept_words(&["WITH", "AUTH"]);
            let command = UserCommand::Show { current: false, with_auth, tail: self.show_tail()? };
            return Ok(Some(RightsCommand::User(command)));
        }
        let narrowed = usize::from(self.one_of_at(0, &["ALL", "POPULATED"]));
        if self.one_of_at(narrowed, &["ROLE", "ROLES"]) {
            let populated = self.at_word("POPULATED");
            self.at += narrowed + 1;
            let with_users = self.accept_word("WITH") && {
                if !self.accept_word("USERS") {
                    self.expect_word("USER")?;
                }
                true
            };
            let command = RoleCommand::Show { populated, with_users, tail: self.show_tail()? };
            return Ok(Some(RightsCommand::Role(command)));
        }
        Ok(None)
    }

    fn role_command(&mut self) -> Parsed<Option<RoleCommand>> {
        let start = self.start();
        if self.accept_words(&["CREATE", "OR", "REPLACE"]) {
            if self.at_word("ROLE") || self.at_words(&["IMMUTABLE", "ROLE"]) {
                return self.create_role(start, true).map(Some);
            }
            self.at -= 3;
        }
        if self.at_words(&["CREATE", "ROLE"]) || self.at_words(&["CREATE", "IMMUTABLE", "ROLE"]) {
            self.advance();
            return self.create_role(start, false).map(Some);
        }
        if self.accept_words(&["RENAME", "ROLE"]) {
            let (name, if_exists, to) = self.renamed("a role")?;
            return Ok(Some(RoleCommand::Rename { name, if_exists, to }));
        }
        if self.accept_words(&["DROP", "ROLE"]) {
            let (name, if_exists) = self.dropped("a role")?;
            return Ok(Some(RoleCommand::Drop { name, if_exists }));
        }
        let grant = self.at_word("GRANT");
        if (grant || self.at_word("REVOKE")) && self.one_of_at(1, &["ROLE", "ROLES"]) {
            // `GRANT ROLE MANAGEMENT ON DBMS` is a privilege.
            if self.word_at(2, "MANAGEMENT") && self.word_at(3, "ON") {
                return Ok(None);
            }
            self.at += 2;
            let roles = self.list(|parser| parser.holder_name("a role"))?;
            self.expect_word(if grant { "TO" } else { "FROM" })?;
            let users = self.list(|parser| parser.holder_name("a user"))?;
            return Ok(Some(match grant {
                true => RoleCommand::Grant { roles, users },
                false => RoleCommand::Revoke { roles, users },
            }));
        }
        Ok(None)
    }

    fn create_role(&mut self, start: u32, or_replace: bool) -> Parsed<RoleCommand> {
        let immutable = self.accept_word("IMMUTABLE");
        self.expect_word("ROLE")?;
        let (name, if_not_exists) = self.made("a role")?;
        self.check_exists(start, "role", if_not_exists && or_replace)?;
        let copy_of = match self.accept_word("AS") {
            true => {
                self.expect_word("COPY")?;
                self.expect_word("OF")?;
                Some(self.holder_name("a role")?)
            }
            false => None,
        };
        Ok(RoleCommand::Create { name, if_not_exists, or_replace, immutable, copy_of })
    }

    fn token_command(&mut self) -> Parsed<Option<TokenCommand>> {
        if self.accept_words(&["DROP", "TOKEN"]) {
            let (name, mut if_exists) = self.dropped("a token")?;
            let user = self.token_user()?;
            if_exists |= self.accept_words(&["IF", "EXISTS"]);
            return Ok(Some(TokenCommand::Drop { name, if_exists, user }));
        }
        if !self.accept_words(&["CREATE", "TOKEN"]) {
            return Ok(None);
        }
        let (name, if_not_exists) = self.made("a token")?;
        let (mut user, mut databases, mut level, mut expires) = (None, None, None, None);
        loop {
            if user.is_none() && self.at_words(&["FOR", "USER"]) {
                user = self.token_user()?;
            } else if databases.is_none() && self.accept_word("ON") {
                if !self.accept_word("DATABASES") {
                    self.expect_word("DATABASE")?;
                }
                databases = Some(self.list(Self::scope)?);
            } else if level.is_none() && self.accept_words(&["WITH", "LEVEL"]) {
                level = Some(self.holder_name("a level")?);
            } else if expires.is_none() && self.accept_word("EXPIRES") {
                self.accept_word("AFTER");
                expires = Some(match self.bare_time() {
                    Some(time) => time,
                    None => self.expression()?,
                });
            } else {
                // Every one, which is what holds where nothing is said.
                databases =
                    databases.filter(|all: &Vec<ScopeSpec>| !all.iter().any(|one| matches!(one, ScopeSpec::All)));
                return Ok(Some(TokenCommand::Create { name, if_not_exists, user, databases, level, expires }));
            }
        }
    }

    /// `30d` and `1h30m`, which are no numbers elsewhere, as the text that they would be.
    fn bare_time(&mut self) -> Option<Expression> {
        let start = self.start();
        if self.peek() != Token::BadNumber {
            return None;
        }
        let time = ExpressionKind::String(self.text_at(0).into());
        self.advance();
        Some(self.build(start, time))
    }

    fn token_user(&mut self) -> Parsed<Option<NameOrParameter>> {
        match self.accept_words(&["FOR", "USER"]) {
            true => self.holder_name("a user").map(Some),
            false => Ok(None),
        }
    }

    /// The name of a user, a role or a token, or the parameter that holds it.
    pub(super) fn holder_name(&mut self, what: &str) -> Parsed<NameOrParameter> {
        if self.peek() == Token::Dollar {
            return self.parameter().map(NameOrParameter::Parameter);
        }
        self.name(what).map(NameOrParameter::Name)
    }

    /// `n [IF NOT EXISTS]`, or the words in front of it.
    pub(super) fn made(&mut self, what: &str) -> Parsed<(NameOrParameter, bool)> {
        let before = self.accept_words(&["IF", "NOT", "EXISTS"]);
        let name = self.holder_name(what)?;
        Ok((name, self.accept_words(&["IF", "NOT", "EXISTS"]) || before))
    }

    /// `n [IF EXISTS]`, or the words in front of it.
    pub(super) fn dropped(&mut self, what: &str) -> Parsed<(NameOrParameter, bool)> {
        let before = self.accept_words(&["IF", "EXISTS"]);
        let name = self.holder_name(what)?;
        Ok((name, self.accept_words(&["IF", "EXISTS"]) || before))
    }

    /// `a [IF EXISTS] TO b`.
    pub(super) fn renamed(&mut self, what: &str) -> Parsed<(NameOrParameter, bool, NameOrParameter)> {
        let (name, if_exists) = self.dropped(what)?;
        self.expect_word("TO")?;
        Ok((name, if_exists, self.holder_name(what)?))
    }

    pub(super) fn check_exists(&self, start: u32, what: &str, both: bool) -> Parsed<()> {
        if !both {
            return Ok(());
        }
        let message =
            format!("Failed to create the specified {what}: cannot have both `OR REPLACE` and `IF NOT EXISTS`.");
        Err(self.fail(self.since(start), &message))
    }
}
