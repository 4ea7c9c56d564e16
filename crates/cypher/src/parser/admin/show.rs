//! `SHOW ...` with its `YIELD`, `WHERE` and `RETURN`.

use super::super::{Parsed, Parser};
use crate::ast::{AdminCommand, BackupCommand, SchemaCommand, ShowDatabases, ShowTail};

impl Parser<'_> {
    /// `SHOW [ALL | RANGE | ...] INDEX[ES]`.
    pub(in crate::parser) fn show_indexes(&mut self) -> Parsed<Option<SchemaCommand>> {
        let kind = self.index_kind_at(1);
        if self.one_of_at(1, &["INDEX", "INDEXES"]) {
            self.at += 2;
        } else if (self.word_at(1, "ALL") || kind.is_some()) && self.one_of_at(2, &["INDEX", "INDEXES"]) {
            self.at += 3;
        } else {
            return Ok(None);
        }
        Ok(Some(SchemaCommand::ShowIndexes { kind, tail: self.show_tail()? }))
    }

    /// `SHOW DATABASES` and its siblings; the current token is `SHOW`.
    pub(in crate::parser) fn show(&mut self) -> Parsed<AdminCommand> {
        self.advance();
        if self.accept_word("TRANSACTIONS") || self.accept_word("TRANSACTION") {
            let ids = self.ids()?;
            return Ok(AdminCommand::ShowTransactions { ids, tail: self.show_tail()? });
        }
        if let Some(command) = self.show_limits()? {
            return Ok(AdminCommand::Limit(command));
        }
        if let Some(command) = self.show_rights()? {
            return Ok(AdminCommand::Rights(command));
        }
        if let Some(what) = self.known()? {
            return Ok(AdminCommand::ShowKnown { what, tail: self.show_tail()? });
        }
        if self.accept_word("SERVERS") || self.accept_word("SERVER") {
            return Ok(AdminCommand::ShowServers { tail: self.show_tail()? });
        }
        if self.accept_word("AUDIT") {
            return Ok(AdminCommand::ShowAudit { tail: self.show_tail()? });
        }
        if self.accept_word("BACKUPS") {
            return Ok(AdminCommand::Backup(BackupCommand::Show { tail: self.show_tail()? }));
        }
        if let Some(command) = self.show_sessions()? {
            return Ok(AdminCommand::Session(command));
        }
        if self.accept_word("ALIASES") || self.accept_word("ALIAS") {
            return self.shown_aliases().map(AdminCommand::Alias);
        }
        let which = if self.accept_words(&["DEFAULT", "DATABASE"]) {
            ShowDatabases::Default
        } else if self.accept_words(&["HOME", "DATABASE"]) {
            ShowDatabases::Home
        } else if self.accept_word("DATABASES") || self.accept_word("DATABASE") {
            self.shown_databases()?
        } else {
            return Err(self.unknown_show());
        };
        Ok(AdminCommand::ShowDatabases { which, tail: self.show_tail()? })
    }

    #[cold]
    fn unknown_show(&self) -> Box<crate::ParseError> {
        self.unexpected(&[
            "'DATABASES'",
            "'DATABASE'",
            "'DEFAULT DATABASE'",
            "'HOME DATABASE'",
            "'INDEXES'",
            "'CONSTRAINTS'",
        ])
    }

    /// `TERMINATE TRANSACTION[S] 'a', $b`; the words were taken.
    pub(in crate::parser) fn terminate(&mut self) -> Parsed<AdminCommand> {
        let ids = self.ids()?;
        self.check_yields_first("TERMINATE TRANSACTION")?;
        Ok(AdminCommand::TerminateTransactions { ids, tail: self.show_tail()? })
    }

    /// `YIELD ... WHERE ... RETURN ...`.
    pub(in crate::parser) fn show_tail(&mut self) -> Parsed<ShowTail> {
        let yields = if self.accept_word("YIELD") { Some(self.projection()?) } else { None };
        if let Some(item) = yields.as_ref().filter(|yields| yields.all).and_then(|yields| yields.items.first()) {
            let text = "Invalid input: expected no column beside `YIELD *`, which has all of them";
            return Err(self.fail(item.expression.span, text));
        }
        let filter = self.filter()?;
        let returns = if yields.is_some() && self.accept_word("RETURN") { Some(self.projection()?) } else { None };
        Ok(ShowTail { yields, filter, returns })
    }
}
