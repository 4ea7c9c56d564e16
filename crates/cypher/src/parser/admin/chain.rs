//! Commands in a row: `SHOW ... YIELD ... TERMINATE ... YIELD ... RETURN ...`.
//! Leaves each command to its own file; what is said here of a chain is said of the whole of it.
//! Start reading at [`Parser::chained`].

use std::collections::HashSet;

use super::super::{Parsed, Parser};
use crate::ast::{
    AdminCommand, Body, CommandChain, Expression, ExpressionKind, GraphReference, Link, Linked, ProjectionItem,
    SchemaCommand, SessionCommand, ShowTail, Span,
};
use crate::error::ParseError;
use crate::token::Token;

/// Words behind a command that are never what another command begins with.
const TAIL: &[&str] = &["YIELD", "WHERE", "RETURN"];

/// Most commands of a chain: each is planned for itself.
const LINKS_MAX: usize = 100;

/// Refuses what is no link of a chain.
const LINKS: &str = "Only SHOW and TERMINATE TRANSACTIONS, SHOW and TERMINATE SESSIONS, SHOW FUNCTIONS, PROCEDURES, \
                     SETTINGS, INDEXES and CONSTRAINTS can be combined in one statement";

impl Parser<'_> {
    /// Tells whether a command begins here that would be the next link of a chain.
    fn link_ahead(&self) -> bool {
        let is_name = Self::is_name(self.peek_at(1)) && !self.one_of_at(1, TAIL);
        self.one_of_at(0, &["SHOW", "TERMINATE"]) && is_name
    }

    /// Takes what names things behind a command; nothing where its tail, the next command or the end follows.
    pub(super) fn ids(&mut self) -> Parsed<Vec<Expression>> {
        let is_over = matches!(self.peek(), Token::End | Token::Semicolon);
        if is_over || self.one_of_at(0, TAIL) || self.link_ahead() {
            return Ok(Vec::new());
        }
        self.list(Self::expression)
    }

    /// Goes on with the commands behind the first, which began at `start`, if there are any.
    pub(in crate::parser) fn chained(&mut self, first: Body, start: Span) -> Parsed<Body> {
        if !self.link_ahead() {
            return Ok(first);
        }
        let (using, mut next) = match linked(first) {
            Ok((using, command, tail)) if tail.returns.is_none() => (using, (command, tail)),
            // What follows a RETURN, or another command, is told by whoever wanted the end.
            Ok(_) => return Err(self.unexpected(&["the end of the statement"])),
            Err(_) => return Err(self.fail(start, LINKS)),
        };
        let (mut links, mut known) = (Vec::new(), HashSet::new());
        let mut at = start;
        loop {
            let (command, ShowTail { yields, filter, returns }) = next;
            let has_more = self.link_ahead();
            let refused = |what: &str| {
                let name = command.name();
                let text = format!("When combining `{name}` with other show and/or terminate commands, {what}.");
                self.fail(at, &text)
            };
            let yields = yields.ok_or_else(|| refused("`YIELD` is mandatory"))?;
            if yields.all {
                return Err(refused("`YIELD *` isn't permitted"));
            }
            for item in &yields.items {
                let (name, span) = yielded(item);
                if !known.insert(name.clone()) {
                    return Err(self.fail(span, &format!("Variable `{name}` already declared")));
                }
            }
            if links.len() >= LINKS_MAX {
                return Err(self.fail(at, &format!("At most {LINKS_MAX} commands can be combined in one statement")));
            }
            links.push(Link { command, yields, filter });
            match returns {
                Some(returns) => return Ok(Body::Chain { using, chain: CommandChain { links, returns } }),
                None if has_more => {}
                None => {
                    let text = "When combining show and/or terminate commands, `RETURN` isn't optional.";
                    return Err(self.fail(at, text));
                }
            }
            at = self.span();
            next = self.link(at)?;
        }
    }

    /// Takes one more command.
    fn link(&mut self, at: Span) -> Parsed<(Linked, ShowTail)> {
        let body = match self.schema_command()? {
            Some(command) => Some(Body::Schema { using: None, command }),
            None => self.admin_command()?.map(Body::Admin),
        };
        match body.map(linked) {
            Some(Ok((_, command, tail))) => Ok((command, tail)),
            Some(Err(_)) | None => Err(self.fail(at, LINKS)),
        }
    }

    /// Refuses `WHERE` behind what ends something, where no `YIELD` stands before it.
    pub(super) fn check_yields_first(&self, command: &str) -> Parsed<()> {
        if !self.at_word("WHERE") {
            return Ok(());
        }
        let text = format!("`WHERE` is not allowed by itself, please use `{command} ... YIELD ... WHERE ...` instead");
        Err(Box::new(ParseError::yield_missing(self.text, self.span(), &text)))
    }
}

/// A statement as the first link of a chain.
type First = (Option<GraphReference>, Linked, ShowTail);

/// Takes a command apart; gives it back where it is no link.
#[expect(clippy::result_large_err, reason = "it is the statement itself, once each")]
fn linked(body: Body) -> Result<First, Body> {
    Ok(match body {
        Body::Schema { using, command: SchemaCommand::ShowIndexes { kind, tail } } => {
            (using, Linked::Indexes(kind), tail)
        }
        Body::Schema { using, command: SchemaCommand::ShowConstraints { filter, tail } } => {
            (using, Linked::Constraints(filter), tail)
        }
        Body::Admin(AdminCommand::ShowTransactions { ids, tail }) => (None, Linked::Transactions(ids), tail),
        Body::Admin(AdminCommand::TerminateTransactions { ids, tail }) => (None, Linked::EndTransactions(ids), tail),
        Body::Admin(AdminCommand::Session(SessionCommand::Show { ids, tail })) => (None, Linked::Sessions(ids), tail),
        Body::Admin(AdminCommand::Session(SessionCommand::Terminate { ids, tail })) => {
            (None, Linked::EndSessions(ids), tail)
        }
        Body::Admin(AdminCommand::ShowKnown { what, tail }) => (None, Linked::Known(what), tail),
        other => return Err(other),
    })
}

/// Names what an item of a `YIELD` is called from there on, and where it stands.
fn yielded(item: &ProjectionItem) -> (compact_str::CompactString, Span) {
    match (&item.alias, &*item.expression.kind) {
        (Some(alias), _) => (alias.text.clone(), alias.span),
        (None, ExpressionKind::Variable(name)) => (name.text.clone(), name.span),
        (None, _) => (item.text.clone(), item.expression.span),
    }
}
