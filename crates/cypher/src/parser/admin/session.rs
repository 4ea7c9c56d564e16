//! `SHOW SESSIONS` and `TERMINATE SESSIONS`.

use super::super::{Parsed, Parser};
use crate::ast::SessionCommand;
use crate::token::Token;

impl Parser<'_> {
    /// `SHOW SESSION[S]`, if it stands here; `SHOW` was taken.
    pub(super) fn show_sessions(&mut self) -> Parsed<Option<SessionCommand>> {
        if !self.accept_word("SESSIONS") && !self.accept_word("SESSION") {
            return Ok(None);
        }
        let all = self.one_of_at(0, &["YIELD", "WHERE"]) || matches!(self.peek(), Token::End | Token::Semicolon);
        let ids = if all { Vec::new() } else { self.list(Self::expression)? };
        Ok(Some(SessionCommand::Show { ids, tail: self.show_tail()? }))
    }

    /// `TERMINATE SESSION[S] 'a', $b`, if it begins here.
    pub(super) fn terminate_sessions(&mut self) -> Parsed<Option<SessionCommand>> {
        if !self.accept_words(&["TERMINATE", "SESSIONS"]) && !self.accept_words(&["TERMINATE", "SESSION"]) {
            return Ok(None);
        }
        let ids = self.list(Self::expression)?;
        Ok(Some(SessionCommand::Terminate { ids, tail: self.show_tail()? }))
    }
}
