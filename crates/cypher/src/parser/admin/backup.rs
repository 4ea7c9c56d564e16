//! `BACKUP DATABASE`, `SHOW BACKUPS`, and what a new database is made from.

use super::super::{Parsed, Parser};
use crate::ast::{BackupCommand, BackupTarget, DatabaseOrigin, FileName};
use crate::token::Token;

impl Parser<'_> {
    /// `BACKUP DATABASE n [TO ...] [WITH CHECK]`, if it begins here.
    pub(super) fn backup_command(&mut self) -> Parsed<Option<BackupCommand>> {
        if !self.accept_words(&["BACKUP", "DATABASE"]) {
            return Ok(None);
        }
        let name = self.database_name()?;
        let to = if !self.accept_word("TO") {
            BackupTarget::NewFile
        } else if self.accept_word("STREAM") {
            BackupTarget::Stream
        } else {
            BackupTarget::File(self.file_name()?)
        };
        let check = self.accept_words(&["WITH", "CHECK"]);
        Ok(Some(BackupCommand::Backup { name, to, check }))
    }

    /// `FROM m` or `FROM BACKUP 'file'` behind the name of a new database, if it begins here.
    pub(super) fn database_origin(&mut self) -> Parsed<Option<DatabaseOrigin>> {
        if !self.accept_word("FROM") {
            return Ok(None);
        }
        // A database may be called `backup`.
        if self.at_word("BACKUP") && matches!(self.peek_at(1), Token::Text | Token::Dollar) {
            self.advance();
            return self.file_name().map(DatabaseOrigin::Backup).map(Some);
        }
        self.database_name().map(DatabaseOrigin::Database).map(Some)
    }

    fn file_name(&mut self) -> Parsed<FileName> {
        match self.peek() {
            Token::Dollar => self.parameter().map(FileName::Parameter),
            _ => self.string().map(FileName::Text),
        }
    }
}
