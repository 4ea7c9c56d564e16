//! Sessions that know a handful of statements by heart, so that the faces are tested alone.
//!
//! `RETURN 1 AS x`, `RETURN $x AS x`, `UNWIND range(1, n) AS x RETURN x` and the same with `count(x)`, which runs
//! until it is interrupted. `RETURN large` gives a row of many bytes and was ended then. `CREATE (n)` counts a node, `EXPLAIN` has a plan, anything else is a syntax error.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use server::sessions::{
    Counters, Credentials, Fetched, Interrupter, Kind, More, Notification, Plan, Records, RunOptions, Session,
    Sessions, Summary,
};
use types::{Code, CompactString, Failure, Map, Value};

/// The password that is never right.
pub const WRONG_PASSWORD: &str = "wrong";

pub struct Answers;

impl Sessions for Answers {
    fn log_in(&self, credentials: &Credentials) -> Result<Box<dyn Session>, Failure> {
        let user = match credentials {
            Credentials::Basic { password, .. } if password == WRONG_PASSWORD => {
                let message = "The client is unauthorized due to authentication failure.";
                return Err(Failure::new(Code::Unauthorized, message));
            }
            Credentials::Basic { user, .. } => user.clone(),
            Credentials::None => String::new(),
        };
        Ok(Box::new(Talk { user, interrupted: Arc::default(), in_transaction: false }))
    }
}

struct Talk {
    user: String,
    interrupted: Arc<AtomicBool>,
    in_transaction: bool,
}

impl Session for Talk {
    fn user(&self) -> String {
        self.user.clone()
    }

    fn resolve(&mut self, database: Option<&str>) -> Result<String, Failure> {
        match database {
            Some("nobody") => {
                let message = "Database does not exist. Database name: 'nobody'.";
                Err(Failure::new(Code::DatabaseNotFound, message))
            }
            Some(name) => Ok(name.to_owned()),
            None => Ok("sheaf".to_owned()),
        }
    }

    fn run(&mut self, text: &str, parameters: Map, options: &RunOptions) -> Result<Box<dyn Records>, Failure> {
        let database = self.resolve(options.database.as_deref())?;
        let mut summary = Summary { database, ..Summary::default() };
        summary.bookmark = (!self.in_transaction).then(|| "FB:one".to_owned());
        let answer = if text == "RETURN large" {
            Answer::Ended { is_given: false }
        } else if text.starts_with("RETURN 1") {
            Answer::Value(Value::Integer(1))
        } else if text.starts_with("RETURN $x") {
            Answer::Value(parameters.get("x").cloned().unwrap_or_default())
        } else if text.contains("count(x)") {
            Answer::Never
        } else if let Some((count, _)) = text.strip_prefix("UNWIND range(1, ").and_then(|rest| rest.split_once(')')) {
            Answer::Count { next: 1, last: count.parse().expect("a number") }
        } else if text.starts_with("CREATE (n)") {
            summary.kind = Kind::Write;
            summary.counters = Counters { nodes_created: 1, ..Counters::default() };
            Answer::Nothing
        } else if text.starts_with("EXPLAIN") {
            summary.plan = Some(Plan { operator: "ProduceResults".to_owned(), ..Plan::default() });
            summary.notifications = vec![Notification { code: "Neo.X".to_owned(), ..Notification::default() }];
            Answer::Nothing
        } else {
            return Err(Failure::new(Code::SyntaxError, format!("Invalid input '{text}'")));
        };
        let columns = if matches!(answer, Answer::Nothing) { vec![] } else { vec!["x".into()] };
        Ok(Box::new(Known { columns, answer, summary, interrupted: Arc::clone(&self.interrupted) }))
    }

    fn begin(&mut self, options: &RunOptions) -> Result<(), Failure> {
        self.resolve(options.database.as_deref())?;
        self.in_transaction = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<Option<String>, Failure> {
        self.in_transaction = false;
        Ok(Some("FB:all".to_owned()))
    }

    fn rollback(&mut self) -> Result<(), Failure> {
        self.in_transaction = false;
        Ok(())
    }

    fn reset(&mut self) {
        self.in_transaction = false;
        self.interrupted.store(false, Ordering::SeqCst);
    }

    fn interrupter(&self) -> Interrupter {
        let interrupted = Arc::clone(&self.interrupted);
        Arc::new(move || interrupted.store(true, Ordering::SeqCst))
    }
}

enum Answer {
    Nothing,
    Value(Value),
    Count {
        next: i64,
        last: i64,
    },
    Never,
    /// A large row, after which the statement was ended.
    Ended {
        is_given: bool,
    },
}

/// More than the buffers of sockets hold.
pub const LARGE_BYTES: usize = 64 << 20;

struct Known {
    columns: Vec<CompactString>,
    answer: Answer,
    summary: Summary,
    interrupted: Arc<AtomicBool>,
}

impl Records for Known {
    fn columns(&self) -> &[CompactString] {
        &self.columns
    }

    fn pull(&mut self, rows_max: usize, batch: &mut Fetched) -> Result<More, Failure> {
        while matches!(self.answer, Answer::Never) && !self.interrupted.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        if self.interrupted.load(Ordering::SeqCst) {
            return Err(Failure::new(Code::TransactionTerminated, "The statement was interrupted."));
        }
        match &mut self.answer {
            Answer::Nothing | Answer::Never => {}
            Answer::Value(value) => batch.push([value.clone()]),
            Answer::Ended { is_given: true } => {
                return Err(Failure::new(Code::TransactionTimedOut, "The statement was ended."));
            }
            Answer::Ended { is_given } => {
                *is_given = true;
                batch.push([Value::string("x".repeat(LARGE_BYTES))]);
                return Ok(More::Yes);
            }
            Answer::Count { next, last } => {
                for _ in 0..rows_max {
                    if next > last {
                        break;
                    }
                    batch.push([Value::Integer(*next)]);
                    *next += 1;
                }
                return Ok(if next > last { More::No } else { More::Yes });
            }
        }
        Ok(More::No)
    }

    fn is_ended(&self) -> bool {
        matches!(self.answer, Answer::Ended { is_given: true })
    }

    fn summary(&mut self) -> Summary {
        self.summary.clone()
    }
}
