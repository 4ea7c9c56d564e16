//! `SHOW SESSIONS` and `TERMINATE SESSIONS`.

use super::super::{Parsed, Parser};
use crate::ast::SessionCommand;

impl Parser<'_> {
    /// `SHOW SESSION[S]`, if it stands here; `SHOW` was taken.
    pub(super) fn show_sessions(&mut self) -> Parsed<Option<SessionCommand>> {
        if !self.accept_word("SESSIONS") && !self.accept_word("SESSION") {
            return Ok(None);
        }
        let ids = self.ids()?;
        Ok(Some(SessionCommand::Show { ids, tail: self.show_tail()? }))
    }

    /// `TERMINATE SESSION[S] 'a', $b`, if it begins here.
    pub(super) fn terminate_sessions(&mut self) -> Parsed<Option<SessionCommand>> {
        if !self.accept_words(&["TERMINATE", "SESSIONS"]) && !self.accept_words(&["TERMINATE", "SESSION"]) {
            return Ok(None);
        }
        let ids = self.ids()?;
        self.check_yields_first("TERMINATE SESSION")?;
        Ok(Some(SessionCommand::Terminate { ids, tail: self.show_tail()? }))
    }
}
