//! What ends a statement that waits for another machine.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use types::Clock;

use crate::turns::Turn;

/// How often one that waits looks whether it was ended.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long the other machine may be silent.
const SILENT_MAX: Duration = Duration::from_secs(30);

/// Looks at the clock and at the client while a statement waits for another machine.
#[derive(Clone)]
pub(super) struct Watch {
    pub clock: Arc<dyn Clock>,
    pub interrupted: Arc<AtomicBool>,
    /// When the statement has to end.
    pub deadline: Option<Instant>,
    /// When the reading of this file has to end.
    pub until: Option<Instant>,
    /// The statement's turn at computing, which others have while it waits.
    pub turn: Arc<Turn>,
}

impl Watch {
    /// Does `attempt` again while it says that it would wait; others compute meanwhile.
    pub fn wait<T>(&self, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        self.turn.rest();
        let since = self.clock.now();
        let result = loop {
            match attempt() {
                Err(error) if is_wait(&error) => {
                    if let Err(ended) = self.look(since) {
                        break Err(ended);
                    }
                }
                result => break result,
            }
        };
        self.turn.start();
        result
    }

    /// Does work that cannot be ended, such as a look-up of a name, on a thread of its own, and stops waiting for it
    /// once the statement has to end.
    pub fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let (sender, receiver) = channel();
        std::thread::Builder::new().name("remote".into()).spawn(move || {
            // Nobody may be waiting any more.
            let _ = sender.send(work());
        })?;
        self.wait(|| match receiver.recv_timeout(LOOK_EVERY) {
            Ok(result) => result.map_err(|error| io::Error::other(error.to_string())),
            Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::WouldBlock.into()),
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("no answer")),
        })
    }

    /// Fails once the statement was interrupted or a time is over.
    fn look(&self, since: Instant) -> io::Result<()> {
        let now = self.clock.now();
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(io::Error::other("the statement was terminated"));
        }
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Err(io::Error::other("the statement took longer than it may"));
        }
        if self.until.is_some_and(|until| until <= now) {
            return Err(io::Error::other("it takes longer than the setting import_time_max allows"));
        }
        if now.saturating_duration_since(since) >= SILENT_MAX {
            let text = format!("the other machine was silent for {} seconds", SILENT_MAX.as_secs());
            return Err(io::Error::other(text));
        }
        Ok(())
    }
}

fn is_wait(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
