//! One connection from handshake to close: read, work, send.

use std::io;

use bolt::handshake::{self, OPENING_BYTES};
use bolt::{Dialect, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::block_in_place;
use tokio::time::{Instant, timeout_at};

use super::machine::Machine;
use super::wire::Wire;
use crate::config::ServerConfig;
use crate::stop::Stop;

/// Answers are sent once so many bytes wait.
pub(super) const FLUSH_BYTES: usize = 64 * 1024;

/// Memory that an answer's buffer keeps between answers.
const KEPT_MAX_BYTES: usize = 128 * 1024;

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
/// Statements are synchronous. All that the client has sent is worked off in one go on this thread, which tokio
/// replaces for as long; between the goes nothing but the socket is waited for.
pub(super) async fn serve(
    wire: &Wire,
    machine: &mut Machine,
    config: &ServerConfig,
    deadline: Instant,
    mut stop: Stop,
) -> io::Result<()> {
    loop {
        let filled = tokio::select! {
            biased;
            filled = fill(wire, (!machine.is_logged_in()).then_some(deadline)) => filled?,
            () = stop.wait(), if machine.is_at_rest() => false,
        };
        if !filled {
            return Ok(());
        }
        loop {
            let turn = block_in_place(|| work(wire, machine));
            wire.send(machine.outbox().bytes(), config.write_time_max).await?;
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

async fn fill(wire: &Wire, deadline: Option<Instant>) -> io::Result<bool> {
    match deadline {
        Some(deadline) => timeout_at(deadline, wire.fill()).await?,
        None => wire.fill().await,
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
            let dialect = machine.dialect();
            match wire.next(|message| Request::parse(message, dialect)) {
                Ok(None) => break Turn::Idle,
                Ok(Some(Ok(request))) => machine.handle(request),
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
    wire.end_work();
    turn
}
