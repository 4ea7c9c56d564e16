//! `BACKUP DATABASE`, `BACKUP JOURNAL`, `SHOW BACKUPS`, and what a new database is made from.

use super::super::{Parsed, Parser};
use crate::ast::{BackupCommand, BackupTarget, DatabaseOrigin, FileName, Moment};
use crate::token::Token;

impl Parser<'_> {
    /// `BACKUP DATABASE n [TO ...] [WITH CHECK]` or `BACKUP ALL DATABASES ...`, if it begins here.
    pub(super) fn backup_command(&mut self) -> Parsed<Option<BackupCommand>> {
        if self.accept_words(&["BACKUP", "ALL"]) {
            if !self.accept_word("DATABASE") {
                self.expect_word("DATABASES")?;
            }
            let (to, check) = self.backup_tail()?;
            return Ok(Some(BackupCommand::All { to, check }));
        }
        if self.accept_words(&["BACKUP", "JOURNAL"]) {
            self.expect_word("FOR")?;
            self.expect_word("DATABASE")?;
            let name = self.database_name()?;
            return Ok(Some(BackupCommand::Journal { name, to: self.backup_target()? }));
        }
        if !self.accept_words(&["BACKUP", "DATABASE"]) {
            return Ok(None);
        }
        let name = self.database_name()?;
        let (to, check) = self.backup_tail()?;
        Ok(Some(BackupCommand::Backup { name, to, check }))
    }

    fn backup_tail(&mut self) -> Parsed<(BackupTarget, bool)> {
        let to = self.backup_target()?;
        Ok((to, self.accept_words(&["WITH", "CHECK"])))
    }

    fn backup_target(&mut self) -> Parsed<BackupTarget> {
        if !self.accept_word("TO") {
            return Ok(BackupTarget::NewFile);
        }
        if self.accept_word("STREAM") { Ok(BackupTarget::Stream) } else { self.file_name().map(BackupTarget::File) }
    }

    /// `FROM m` or `FROM BACKUP 'file' [UNTIL time] [USING JOURNAL 'file']` behind the name of a new database, if it begins here.
    ///
    /// The last two come in either order, and the second of them only with the first.
    pub(super) fn database_origin(&mut self) -> Parsed<Option<DatabaseOrigin>> {
        if !self.accept_word("FROM") {
            return Ok(None);
        }
        // A database may be called `backup`.
        if self.at_word("BACKUP") && matches!(self.peek_at(1), Token::Text | Token::Dollar) {
            self.advance();
            let backup = self.file_name()?;
            let mut journal = self.journal_name()?;
            if journal.is_some() {
                self.expect_word("UNTIL")?;
            } else if !self.accept_word("UNTIL") {
                return Ok(Some(DatabaseOrigin::Backup(backup)));
            }
            let until = self.expression()?;
            if journal.is_none() {
                journal = self.journal_name()?;
            }
            return Ok(Some(DatabaseOrigin::Moment(Box::new(Moment { backup, until, journal }))));
        }
        self.database_name().map(DatabaseOrigin::Database).map(Some)
    }

    fn journal_name(&mut self) -> Parsed<Option<FileName>> {
        if self.accept_words(&["USING", "JOURNAL"]) { self.file_name().map(Some) } else { Ok(None) }
    }

    fn file_name(&mut self) -> Parsed<FileName> {
        match self.peek() {
            Token::Dollar => self.parameter().map(FileName::Parameter),
            _ => self.string().map(FileName::Text),
        }
    }
}
