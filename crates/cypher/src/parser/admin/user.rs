//! Commands about users: what is set of them, in any order, each thing once.
//! Leaves names and what they share with roles to `rights`.
//! Start reading at [`Parser::user_command`].

use super::super::{Parsed, Parser};
use crate::ast::{Home, Password, Secret, UserCommand, UserSettings};
use crate::token::Token;

/// The one way to log in that there is.
const NATIVE: &str = "native";

impl Parser<'_> {
    /// A command about users, if one begins here.
    pub(super) fn user_command(&mut self) -> Parsed<Option<UserCommand>> {
        let start = self.start();
        if self.accept_words(&["ALTER", "CURRENT", "USER", "SET", "PASSWORD"]) {
            self.expect_word("FROM")?;
            let from = self.secret()?;
            self.expect_word("TO")?;
            return Ok(Some(UserCommand::AlterCurrent { from, to: self.secret()? }));
        }
        let or_replace = self.accept_words(&["CREATE", "OR", "REPLACE", "USER"]);
        if or_replace || self.accept_words(&["CREATE", "USER"]) {
            let (name, if_not_exists) = self.made("a user")?;
            self.check_exists(start, "user", if_not_exists && or_replace)?;
            let settings = self.user_settings()?;
            if settings.password.is_none() {
                return Err(self.unexpected(&["'SET PASSWORD'", "'SET AUTH'"]));
            }
            return Ok(Some(UserCommand::Create { name, if_not_exists, or_replace, settings }));
        }
        if self.accept_words(&["ALTER", "USER"]) {
            let (name, if_exists) = self.dropped("a user")?;
            if !self.one_of_at(0, &["SET", "REMOVE"]) {
                return Err(self.unexpected(&["'SET'", "'REMOVE'"]));
            }
            return Ok(Some(UserCommand::Alter { name, if_exists, settings: self.user_settings()? }));
        }
        if self.accept_words(&["RENAME", "USER"]) {
            let (name, if_exists, to) = self.renamed("a user")?;
            return Ok(Some(UserCommand::Rename { name, if_exists, to }));
        }
        if self.accept_words(&["DROP", "USER"]) {
            let (name, if_exists) = self.dropped("a user")?;
            return Ok(Some(UserCommand::Drop { name, if_exists }));
        }
        Ok(None)
    }

    /// `SET ... SET ... REMOVE ...`, each thing once.
    fn user_settings(&mut self) -> Parsed<UserSettings> {
        let mut settings = UserSettings::default();
        loop {
            if self.accept_word("REMOVE") {
                self.removed_setting(&mut settings)?;
            } else if self.accept_word("SET") {
                self.user_setting(&mut settings)?;
            } else {
                return Ok(settings);
            }
        }
    }

    fn removed_setting(&mut self, settings: &mut UserSettings) -> Parsed<()> {
        if self.accept_words(&["HOME", "DATABASE"]) {
            return self.once(&mut settings.home, Home::Remove, "HOME DATABASE");
        }
        if self.accept_words(&["ALL", "AUTH"]) {
            settings.remove_auth = true;
            return Ok(());
        }
        if self.accept_word("AUTH") {
            self.accept_word("PROVIDER");
            self.accept_word("PROVIDERS");
            let provider = self.string()?;
            settings.remove_auth |= provider == NATIVE;
            return Ok(());
        }
        Err(self.unexpected(&["'HOME DATABASE'", "'ALL AUTH'", "'AUTH'"]))
    }

    fn user_setting(&mut self, settings: &mut UserSettings) -> Parsed<()> {
        if self.accept_words(&["HOME", "DATABASE"]) {
            let home = Home::Set(self.database_name()?);
            return self.once(&mut settings.home, home, "HOME DATABASE");
        }
        if self.accept_word("STATUS") {
            let suspended = self.accept_word("SUSPENDED");
            if !suspended && !self.accept_word("ACTIVE") {
                return Err(self.unexpected(&["'ACTIVE'", "'SUSPENDED'"]));
            }
            return self.once(&mut settings.suspended, suspended, "STATUS");
        }
        if self.accept_word("AUTH") {
            return self.auth(settings);
        }
        self.password_setting(settings)
    }

    /// `[PLAINTEXT | ENCRYPTED] PASSWORD 'p' [[SET PASSWORD] CHANGE [NOT] REQUIRED]`, `PASSWORD CHANGE [NOT] REQUIRED`.
    fn password_setting(&mut self, settings: &mut UserSettings) -> Parsed<()> {
        let is_encrypted = self.accept_word("ENCRYPTED");
        let said = is_encrypted || self.accept_word("PLAINTEXT");
        if !self.accept_word("PASSWORD") {
            return Err(self.unexpected(&["'PASSWORD'", "'STATUS'", "'HOME DATABASE'", "'AUTH'"]));
        }
        if !said && self.at_word("CHANGE") {
            return self.change_required(settings);
        }
        let value = self.secret()?;
        self.once(&mut settings.password, Password { value, is_encrypted }, "PASSWORD")?;
        if self.at_word("CHANGE") { self.change_required(settings) } else { Ok(()) }
    }

    /// `CHANGE [NOT] REQUIRED`.
    fn change_required(&mut self, settings: &mut UserSettings) -> Parsed<()> {
        self.expect_word("CHANGE")?;
        let required = !self.accept_word("NOT");
        self.expect_word("REQUIRED")?;
        self.once(&mut settings.change_required, required, "PASSWORD CHANGE")
    }

    /// `[PROVIDER] 'native' { SET PASSWORD 'p' SET PASSWORD CHANGE REQUIRED }`; there is no other provider.
    fn auth(&mut self, settings: &mut UserSettings) -> Parsed<()> {
        self.accept_word("PROVIDER");
        let start = self.start();
        let provider = self.string()?;
        if provider != NATIVE {
            return Err(self.unsupported(format!("SET AUTH PROVIDER '{provider}'"), start));
        }
        self.expect(Token::BraceOpen, "'{'")?;
        while !self.accept(Token::BraceClose) {
            self.accept(Token::Comma);
            self.expect_word("SET")?;
            if self.at_word("ID") {
                return Err(self.fail(self.span(), "`SET ID` is not allowed for the provider 'native'"));
            }
            self.password_setting(settings)?;
        }
        Ok(())
    }

    /// A password, or the parameter that holds it.
    pub(super) fn secret(&mut self) -> Parsed<Secret> {
        if self.peek() == Token::Dollar {
            return self.parameter().map(Secret::Parameter);
        }
        self.string().map(Secret::Text)
    }

    fn once<T>(&self, place: &mut Option<T>, value: T, what: &str) -> Parsed<()> {
        match place.replace(value) {
            None => Ok(()),
            Some(_) => Err(self.fail(self.span(), &format!("Duplicate `SET {what}` clause"))),
        }
    }
}
