//! One connection from handshake to close: read, work, send.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bolt::Dialect;
use bolt::handshake::{self, OPENING_BYTES};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::task::block_in_place;
use tokio::time::{Instant, timeout, timeout_at};

use super::machine::Machine;
use super::wire::{Filled, Wire};
use crate::config::ServerConfig;
use crate::stop::Stop;

/// Answers are sent once so many bytes wait.
pub(super) const FLUSH_BYTES: usize = 64 * 1024;

/// Memory that an answer's buffer keeps between answers.
const KEPT_MAX_BYTES: usize = 128 * 1024;

/// How often a slow client's statement is looked at: it may be over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a thread stays with its connection once all requests are answered.
const LINGER: Duration = Duration::from_millis(20);

/// Threads that may stay with their connections at a time.
const LINGERING_MAX: usize = 256;

/// How often a thread looks for the next request before it sleeps, if it is the only one: some 20 microseconds.
const LOOKS_ALONE: usize = 40;

/// The same in a crowd: to sleep and to be woken costs the cores more than a few looks.
const LOOKS_IN_A_CROWD: usize = 3;

/// So many busy connections are a crowd.
const CROWD: usize = 16;

/// A place among the threads that stay with their connections, given back when it is dropped.
struct Lingering;

static LINGERING: AtomicUsize = AtomicUsize::new(0);

impl Lingering {
    fn begin() -> Option<Self> {
        let place = Self;
        (LINGERING.fetch_add(1, Ordering::Relaxed) < LINGERING_MAX).then_some(place)
    }

    /// Gives how often to look. In between, others need the cores more.
    fn looks(&self) -> usize {
        match LINGERING.load(Ordering::Relaxed) {
            1 => LOOKS_ALONE,
            busy if busy >= CROWD => LOOKS_IN_A_CROWD,
            _ => 0,
        }
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        LINGERING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why work stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// All requests are answered; read more.
    Idle,
    /// There is more to do once the answers so far are sent.
    More,
    /// Send what there is, then close.
    Close,
}

/// Agrees on a version. `None` when there is none, or the client speaks no Bolt; then close.
pub(super) async fn shake_hands(stream: &mut TcpStream, deadline: Instant) -> io::Result<Option<Dialect>> {
    let mut opening = [0; OPENING_BYTES];
    timeout_at(deadline, stream.read_exact(&mut opening)).await??;
    match handshake::choose(&opening) {
        Ok(Some(version)) => {
            stream.write_all(&handshake::answer(version)).await?;
            Ok(Some(Dialect::of(version)))
        }
        Ok(None) => {
            stream.write_all(&handshake::REFUSAL).await?;
            Ok(None)
        }
        Err(_) => Ok(None),
    }
}

/// Serves requests until the client leaves, breaks the protocol, or the server stops.
///
/// Statements are synchronous: they run on this thread, which tokio replaces for as long. A client that sends one
/// request after the other keeps its thread, so that a request wakes one thread and not three; one that pauses gives
/// it back, and then costs a place in the runtime's list of sockets and nothing else.
pub(super) async fn serve(
    wire: &Wire,
    machine: &mut Machine,
    config: &ServerConfig,
    deadline: Instant,
    mut stop: Stop,
) -> io::Result<()> {
    loop {
        tokio::select! {
            biased;
            waited = wait(wire, until(machine, config, deadline)) => waited?,
            () = stop.wait(), if machine.is_at_rest() => return Ok(()),
        }
        loop {
            let (turn, sent) = block_in_place(|| converse(wire, machine, &stop))?;
            send_slowly(wire, machine, sent, config.write_time_max).await?;
            machine.outbox().clear(KEPT_MAX_BYTES);
            match turn {
                Turn::Idle => break,
                Turn::More => wire.look_between(),
                Turn::Close => return Ok(()),
            }
        }
        // A signal that came while a transaction was open is seen once it has ended.
        if stop.is_set() && machine.is_at_rest() {
            return Ok(());
        }
    }
}

/// Tells how long a client may take to say more: to log in, or to go on with a long message.
fn until(machine: &Machine, config: &ServerConfig, login_deadline: Instant) -> Option<Instant> {
    match machine.is_logged_in() {
        false => Some(login_deadline),
        true => machine.is_receiving().then(|| Instant::now() + config.body_time_max),
    }
}

async fn wait(wire: &Wire, deadline: Option<Instant>) -> io::Result<()> {
    match deadline {
        Some(deadline) => timeout_at(deadline, wire.wait(Interest::READABLE)).await?,
        None => wire.wait(Interest::READABLE).await,
    }
}

/// Sends what is in the outbox from `sent` on. Fails when the client takes nothing for `time_max`, and when it takes long
/// for much of a statement that was ended meanwhile.
async fn send_slowly(wire: &Wire, machine: &mut Machine, mut sent: usize, time_max: Duration) -> io::Result<()> {
    let mut idle = Duration::ZERO;
    while let Some(rest) = machine.outbox().bytes().get(sent..).filter(|rest| !rest.is_empty()) {
        let is_much = rest.len() > KEPT_MAX_BYTES;
        let step = LOOK_EVERY.min(time_max);
        match timeout(step, wire.wait(Interest::WRITABLE)).await {
            Ok(ready) => {
                ready?;
                let more = wire.send(&machine.outbox().bytes()[sent..])?;
                sent += more;
                idle = if more > 0 { Duration::ZERO } else { idle };
            }
            Err(_) => idle += step,
        }
        if idle >= time_max || (is_much && machine.is_sending_in_vain()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    Ok(())
}

/// Reads, works and sends as long as the client goes on at once. Gives with the turn how much of the last answers is
/// sent already.
fn converse(wire: &Wire, machine: &mut Machine, stop: &Stop) -> io::Result<(Turn, usize)> {
    let place = Lingering::begin();
    loop {
        // Requests may wait in the wire already, behind an answer that was too long to be sent at once.
        let turn = work(wire, machine);
        let sent = wire.send(machine.outbox().bytes())?;
        let all_sent = sent == machine.outbox().bytes().len();
        if turn != Turn::Idle || !all_sent || (stop.is_set() && machine.is_at_rest()) {
            return Ok((turn, sent));
        }
        let lingering = place.as_ref().filter(|_| machine.is_logged_in());
        machine.outbox().clear(KEPT_MAX_BYTES);
        match wire.fill()? {
            Filled::Some => {}
            Filled::Closed => return Ok((Turn::Close, 0)),
            Filled::Nothing if lingering.is_some_and(|place| wire.wait_here(place.looks(), LINGER)) => {}
            Filled::Nothing => return Ok((Turn::Idle, 0)),
        }
    }
}

/// Answers requests until none is left or the answers are worth sending.
fn work(wire: &Wire, machine: &mut Machine) -> Turn {
    wire.begin_work();
    let turn = loop {
        if wire.is_gone() {
            break Turn::Close;
        }
        if machine.has_records_due() {
            machine.continue_records();
        } else {
            match wire.next(|message| machine.read(message)) {
                Ok(None) => {
                    machine.receives(wire.held_bytes());
                    break if machine.is_closing() { Turn::Close } else { Turn::Idle };
                }
                Ok(Some(Ok((request, lent)))) => {
                    machine.handle(request);
                    drop(lent);
                }
                Ok(Some(Err(error))) => machine.refuse_request(&error),
                Err(error) => machine.refuse_frame(&error),
            }
        }
        if machine.is_closing() {
            break Turn::Close;
        }
        if machine.outbox().bytes().len() >= FLUSH_BYTES {
            break Turn::More;
        }
    };
    if turn == Turn::Idle {
        machine.awaits();
    }
    wire.end_work();
    turn
}
