//! `SHOW FUNCTIONS`, `SHOW PROCEDURES`, `SHOW SETTINGS`: what the server knows.

use super::super::{Parsed, Parser};
use crate::ast::{Executable, Functions, Known};

impl Parser<'_> {
    /// What stands between `SHOW` and the tail, where it asks for functions, procedures or settings.
    pub(in crate::parser) fn known(&mut self) -> Parsed<Option<Known>> {
        let (which, words) = if self.one_of_at(0, &["ALL"]) {
            (Functions::All, 1)
        } else if self.word_at(0, "BUILT") && self.word_at(1, "IN") {
            (Functions::BuiltIn, 2)
        } else if self.word_at(0, "USER") && self.word_at(1, "DEFINED") {
            (Functions::UserDefined, 2)
        } else {
            (Functions::All, 0)
        };
        if self.one_of_at(words, &["FUNCTION", "FUNCTIONS"]) {
            self.at += words + 1;
            return Ok(Some(Known::Functions { which, executable: self.executable()? }));
        }
        if self.accept_word("PROCEDURES") || self.accept_word("PROCEDURE") {
            return Ok(Some(Known::Procedures { executable: self.executable()? }));
        }
        if self.accept_word("SETTINGS") || self.accept_word("SETTING") {
            return Ok(Some(Known::Settings { names: self.ids()? }));
        }
        Ok(None)
    }

    /// `EXECUTABLE`, `EXECUTABLE BY CURRENT USER`, `EXECUTABLE BY name`.
    fn executable(&mut self) -> Parsed<Executable> {
        if !self.accept_word("EXECUTABLE") {
            return Ok(Executable::ByAnybody);
        }
        if !self.accept_word("BY") || self.accept_words(&["CURRENT", "USER"]) {
            return Ok(Executable::ByMe);
        }
        self.name("a user").map(Executable::By)
    }
}
