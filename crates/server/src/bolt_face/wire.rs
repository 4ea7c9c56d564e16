//! One socket, shared between its connection and the watcher.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::sessions::Interrupter;
use bolt::{FrameError, Framer};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec};
use tokio::io::Interest;

/// Most bytes of one read.
const READ_BYTES: usize = 8 * 1024;

/// Bytes that the watcher reads ahead while a statement runs; the rest waits in the kernel.
const AHEAD_MAX_BYTES: usize = 256 * 1024;

/// A client's socket with the bytes that it sent and nobody has read yet.
///
/// The runtime knows the socket only while [`Wire::wait`] waits for it: a busy connection then costs the runtime no
/// wake-up for what its own thread reads.
pub(super) struct Wire {
    /// Never blocks.
    stream: TcpStream,
    framer: Mutex<Framer>,
    /// Counts the beginnings and ends of work: odd while the connection works.
    work: AtomicU64,
    /// What `work` was when the watcher last looked.
    work_seen: AtomicU64,
    gone: AtomicBool,
    /// Set when the watcher read what the connection has not looked at yet; changed under the lock of the framer.
    read_ahead: AtomicBool,
    /// Set when the client sent RESET behind requests that wait: those are passed over.
    reset_ahead: AtomicBool,
    interrupter: Mutex<Option<Interrupter>>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, message_max_bytes: usize) -> Self {
        Self {
            stream,
            framer: Mutex::new(Framer::new(message_max_bytes)),
            work: AtomicU64::new(0),
            work_seen: AtomicU64::new(0),
            gone: AtomicBool::new(false),
            read_ahead: AtomicBool::new(false),
            reset_ahead: AtomicBool::new(false),
            interrupter: Mutex::new(None),
        }
    }

    /// Sets what is called when the client wants an interrupt or is gone.
    pub(super) fn set_interrupter(&self, interrupter: Option<Interrupter>) {
        *self.interrupter.lock() = interrupter;
    }

    pub(super) fn set_message_max_bytes(&self, message_max_bytes: usize) {
        self.framer.lock().set_message_max_bytes(message_max_bytes);
    }

    /// Waits until the client sent something, or can take something, without holding a thread.
    pub(super) async fn wait(&self, interest: Interest) -> io::Result<()> {
        let socket = tokio::net::TcpStream::from_std(self.stream.try_clone()?)?;
        socket.ready(interest).await.map(|_| ())
    }

    /// Waits on this thread until the client sent something. Gives false after `time_max`.
    ///
    /// With `looks` it looks so often before it sleeps: to wake a thread takes longer than a client that answers at
    /// once. Each look lets others go first.
    pub(super) fn wait_here(&self, looks: usize, time_max: Duration) -> bool {
        (0..looks).any(|_| {
            std::thread::yield_now();
            self.has_come(Duration::ZERO)
        }) || self.has_come(time_max)
    }

    fn has_come(&self, time_max: Duration) -> bool {
        let mut sockets = [PollFd::from_borrowed_fd(self.stream.as_fd(), PollFlags::IN)];
        let time_max = Timespec::try_from(time_max).expect("a few milliseconds fit");
        // What goes wrong here, the next read tells.
        rustix::event::poll(&mut sockets, Some(&time_max)).is_ok_and(|ready| ready > 0)
    }

    /// Reads what has come; does not wait.
    pub(super) fn fill(&self) -> io::Result<Filled> {
        if self.is_gone() {
            return Ok(Filled::Closed);
        }
        let mut framer = self.framer.lock();
        // The watcher may have begun to look just before the work ended, and read what came since: the socket is silent then.
        if self.read_ahead.swap(false, Ordering::AcqRel) {
            return Ok(Filled::Some);
        }
        match read_into(&self.stream, &mut framer) {
            Ok(0) => Ok(Filled::Closed),
            Ok(_) => Ok(Filled::Some),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Filled::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Hands the next message to `read`; `None` until more bytes come.
    pub(super) fn next<T>(&self, read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, FrameError> {
        Ok(self.framer.lock().next_message()?.map(read))
    }

    /// Tells how many bytes are here of requests that nobody has read.
    pub(super) fn held_bytes(&self) -> usize {
        self.framer.lock().held_bytes()
    }

    /// Sends what the client takes now; tells how many bytes that were.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut sent = 0;
        while sent < bytes.len() {
            match (&self.stream).write(&bytes[sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => sent += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    /// Notes that the connection works now and does not read.
    pub(super) fn begin_work(&self) {
        self.work.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that the connection reads again.
    pub(super) fn end_work(&self) {
        self.work.fetch_add(1, Ordering::AcqRel);
    }

    /// Tells whether the client has closed its side.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Tells whether a RESET was seen that is not answered yet.
    pub(super) fn is_reset_ahead(&self) -> bool {
        self.reset_ahead.load(Ordering::Acquire)
    }

    /// Notes that a RESET was reached; looks whether another one waits.
    pub(super) fn reset_reached(&self) {
        if self.is_reset_ahead() {
            let again = self.framer.lock().has_waiting(bolt::request::is_reset);
            self.reset_ahead.store(again, Ordering::Release);
        }
    }

    /// Interrupts whatever runs: the server stops.
    pub(super) fn interrupt(&self) {
        if let Some(interrupter) = &*self.interrupter.lock() {
            interrupter();
        }
    }

    /// Looks for RESET and for the end of the connection, if the same work has run since the last look.
    ///
    /// Short work is left alone: its connection reads on soon enough by itself.
    pub(super) fn look_ahead(&self) {
        let work = self.work.load(Ordering::Acquire);
        let seen = self.work_seen.swap(work, Ordering::AcqRel);
        if work.is_multiple_of(2) || work != seen || self.is_gone() {
            return;
        }
        // Taken before reading and kept while interrupting: the connection cannot go on to the next message
        // in between, so the interrupt cannot hit a statement behind the RESET.
        let Some(mut framer) = self.framer.try_lock() else { return };
        if self.work.load(Ordering::Acquire) != work {
            return;
        }
        self.look(&mut framer);
    }

    /// Looks once, without waiting, between two parts of a long answer.
    pub(super) fn look_between(&self) {
        self.look(&mut self.framer.lock());
    }

    fn look(&self, framer: &mut Framer) {
        while framer.waiting_bytes() < AHEAD_MAX_BYTES {
            match read_into(&self.stream, framer) {
                Ok(0) => {
                    self.gone.store(true, Ordering::Release);
                    break;
                }
                Ok(_) => self.read_ahead.store(true, Ordering::Release),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.gone.store(true, Ordering::Release);
                    break;
                }
            }
        }
        let reset = framer.has_waiting(bolt::request::is_reset);
        if reset {
            self.reset_ahead.store(true, Ordering::Release);
        }
        if reset || self.is_gone() {
            self.interrupt();
        }
    }
}

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// Bytes.
    Some,
    /// Nothing yet.
    Nothing,
    /// The client has closed its side.
    Closed,
}

fn read_into(mut stream: &TcpStream, framer: &mut Framer) -> io::Result<usize> {
    let mut bytes = [0; READ_BYTES];
    loop {
        match stream.read(&mut bytes) {
            Ok(read) => {
                framer.feed(&bytes[..read]);
                return Ok(read);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
