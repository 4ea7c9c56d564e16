//! RUN, PULL and DISCARD: open results and the records that are still owed.

use std::time::Instant;

use crate::sessions::{Access, Fetched, More, Notification, Records, RunOptions};
use bolt::{Demand, Filter, Mode, Options, Run};
use types::{Code, Failure};

use super::connection::FLUSH_BYTES;
use super::machine::{Machine, pack_failure};
use super::summary;

/// Records fetched at once, at most: between them, a full outbox is noticed.
const BATCH_ROWS: usize = 1_024;

/// The results that a client may still ask for.
#[derive(Default)]
pub(super) struct Results {
    open: Vec<Open>,
    /// The number that the next result of this transaction gets.
    next: u64,
    due: Option<Due>,
    /// Rows between the statement and the outbox; kept for its memory.
    fetched: Fetched,
}

struct Open {
    number: u64,
    records: Box<dyn Records>,
    available_at: Instant,
    /// Which notifications the client wants to hear.
    wanted: Filter,
}

/// What a PULL or DISCARD still has to do.
#[derive(Clone, Copy)]
struct Due {
    /// Which of the open results.
    number: u64,
    /// `None` for all.
    rows_left: Option<u64>,
    purpose: Purpose,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Send,
    PassOver,
}

impl Results {
    /// Tells whether no result is open.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Gives up all results.
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.due = None;
    }

    /// Counts results from zero again: a transaction begins.
    pub(super) fn restart(&mut self) {
        self.clear();
        self.next = 0;
    }

    fn position(&self, number: u64) -> Option<usize> {
        self.open.iter().position(|open| open.number == number)
    }
}

impl Machine {
    /// Starts a statement and answers with its columns.
    pub(super) fn run(&mut self, run: Run) -> Result<(), Failure> {
        if !self.in_transaction {
            self.results.restart();
        }
        let begun_at = self.config.clock.now();
        let options = self.run_options(&run.options);
        let records = self.session_mut().run(&run.text, run.parameters, &options)?;
        let available_at = self.config.clock.now();
        let number = self.results.next;
        let in_transaction = self.in_transaction;
        self.outbox
            .success(|map| {
                map.strings("fields", records.columns())?;
                map.integer("t_first", summary::millis(begun_at, available_at))?;
                if in_transaction { map.integer("qid", i64::try_from(number).unwrap_or(i64::MAX)) } else { Ok(()) }
            })
            .map_err(pack_failure)?;
        self.results.next += 1;
        let wanted = self.wanted_for(&run.options.filter);
        self.results.open.push(Open { number, records, available_at, wanted });
        Ok(())
    }

    pub(super) fn pull(&mut self, demand: Demand) -> Result<(), Failure> {
        self.demand(demand, Purpose::Send)
    }

    pub(super) fn discard(&mut self, demand: Demand) -> Result<(), Failure> {
        self.demand(demand, Purpose::PassOver)
    }

    /// Tells whether records are owed that did not fit into the outbox.
    pub(super) fn has_records_due(&self) -> bool {
        self.results.due.is_some()
    }

    /// Tells whether the statement was ended whose records are on their way.
    pub(super) fn is_sending_in_vain(&self) -> bool {
        let position = self.results.due.and_then(|due| self.results.position(due.number));
        position.is_some_and(|at| self.results.open[at].records.is_ended())
    }

    /// Goes on with the records that are owed, until the outbox is full again.
    pub(super) fn continue_records(&mut self) {
        let sent = if self.wire.is_reset_ahead() { Err(interrupted()) } else { self.send_records() };
        if let Err(failure) = sent {
            self.fail(&failure);
        }
    }

    fn demand(&mut self, demand: Demand, purpose: Purpose) -> Result<(), Failure> {
        let last = self.results.open.last().map(|open| open.number);
        let number = demand.result.or(last).filter(|number| self.results.position(*number).is_some());
        let number = number.ok_or_else(|| Failure::new(Code::RequestInvalid, "No such statement is open."))?;
        self.results.due = Some(Due { number, rows_left: demand.rows, purpose });
        self.send_records()
    }

    fn send_records(&mut self) -> Result<(), Failure> {
        while let Some(mut due) = self.results.due {
            let at = self.results.position(due.number).expect("a result stays open while records of it are due");
            if due.purpose == Purpose::PassOver && due.rows_left.is_none() {
                self.results.due = None;
                self.results.open[at].records.pass_over()?;
                let open = self.results.open.remove(at);
                return self.finish(open);
            }
            let rows_max = due
                .rows_left
                .map_or(BATCH_ROWS, |left| usize::try_from(left).map_or(BATCH_ROWS, |left| left.min(BATCH_ROWS)));
            let Results { open, fetched, .. } = &mut self.results;
            fetched.clear();
            let more = open[at].records.pull(rows_max, fetched)?;
            if due.purpose == Purpose::Send {
                for row in fetched.iter() {
                    self.outbox.record(row.iter()).map_err(pack_failure)?;
                }
            }
            due.rows_left = due.rows_left.map(|left| left.saturating_sub(self.results.fetched.len() as u64));
            self.results.due = Some(due);
            if more == More::No {
                self.results.due = None;
                let open = self.results.open.remove(at);
                return self.finish(open);
            }
            if due.rows_left == Some(0) {
                self.results.due = None;
                return self.outbox.success(|map| map.boolean("has_more", true)).map_err(pack_failure);
            }
            if self.outbox.bytes().len() >= FLUSH_BYTES {
                return Ok(());
            }
        }
        Ok(())
    }

    fn finish(&mut self, mut open: Open) -> Result<(), Failure> {
        let consumed_in = summary::millis(open.available_at, self.config.clock.now());
        let mut ended = open.records.summary();
        ended.notifications.retain(|notification| is_wanted(notification, &open.wanted));
        self.outbox.success(|map| summary::write(map, &ended, consumed_in)).map_err(pack_failure)
    }

    /// Tells which notifications a statement's client wants: what it said with it or with BEGIN, else with HELLO.
    fn wanted_for(&self, own: &Filter) -> Filter {
        let own = if self.in_transaction { &self.wanted_in_transaction } else { own };
        let said = [own, &self.wanted];
        Filter {
            minimum_severity: said.iter().find_map(|filter| filter.minimum_severity.clone()),
            disabled_categories: said.iter().find_map(|filter| filter.disabled_categories.clone()),
        }
    }

    /// Turns what the client wrote into what the session asks for.
    pub(super) fn run_options(&self, options: &Options) -> RunOptions {
        RunOptions {
            database: options.database.clone(),
            access: match options.mode {
                Mode::Read => Access::Read,
                Mode::Write => Access::Write,
            },
            timeout: options.timeout.filter(|timeout| !timeout.is_zero()),
            bookmarks: options.bookmarks.clone(),
            metadata: options.metadata.clone(),
            impersonated_user: options.impersonated_user.clone(),
        }
    }
}

fn is_wanted(notification: &Notification, filter: &Filter) -> bool {
    let is_severe = match filter.minimum_severity.as_deref() {
        Some("OFF") => false,
        Some("WARNING") => notification.severity == "WARNING",
        _ => true,
    };
    let disabled = filter.disabled_categories.iter().flatten();
    is_severe && !disabled.into_iter().any(|category| category.eq_ignore_ascii_case(&notification.category))
}

fn interrupted() -> Failure {
    Failure::new(Code::TransactionTerminated, "The statement was interrupted by a reset.")
}
