//! One socket with messages on it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::error::ClientError;
use crate::frame::{self, Framer};
use crate::handshake;
use crate::request::Request;
use crate::response::Response;
use crate::version::{Dialect, Version};

/// Bytes asked from the socket at once.
const READ_BYTES: usize = 16 * 1024;

/// A socket on which a version was agreed. Nobody is logged in yet.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    framer: Framer,
    unsent: Vec<u8>,
    dialect: Dialect,
    interrupts: Arc<AtomicU32>,
}

impl Connection {
    /// Connects and agrees on one of `versions` (at most four, the best first).
    pub fn open(
        address: impl ToSocketAddrs,
        versions: &[Version],
        connect_time_max: Duration,
    ) -> Result<Self, ClientError> {
        let mut stream = connect(address, connect_time_max)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(connect_time_max))?;
        stream.write_all(&handshake::opening(versions))?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).map_err(closed)?;
        stream.set_read_timeout(None)?;
        let version = versions.iter().copied().find(|version| handshake::answer(*version) == answer);
        let dialect = Dialect::of(version.ok_or(ClientError::NoVersion)?);
        let framer = Framer::new(usize::MAX);
        Ok(Self { stream, framer, unsent: Vec::new(), dialect, interrupts: Arc::default() })
    }

    /// Tells how messages are written.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Notes whether the server agreed to the `utc` patch.
    pub fn set_utc_patch(&mut self, agreed: bool) {
        self.dialect.utc_patch = agreed;
    }

    /// Bounds how long [`Self::receive`] waits; `None` waits for ever.
    pub fn set_receive_time_max(&mut self, time_max: Option<Duration>) -> Result<(), ClientError> {
        Ok(self.stream.set_read_timeout(time_max)?)
    }

    /// Puts a request in line. Nothing goes out before [`Self::flush`].
    pub fn send(&mut self, request: &Request) -> Result<(), ClientError> {
        Ok(request.write(&mut self.unsent, self.dialect)?)
    }

    /// Puts raw bytes in line, chunks and all: for tests of the server.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
    }

    /// Puts one message with any bytes in line: for tests of the server.
    pub fn send_message(&mut self, message: &[u8]) {
        let start = frame::open(&mut self.unsent);
        self.unsent.extend_from_slice(message);
        frame::close(&mut self.unsent, start);
    }

    /// Sends what is in line, in one piece.
    pub fn flush(&mut self) -> Result<(), ClientError> {
        let sent = self.stream.write_all(&self.unsent);
        self.unsent.clear();
        Ok(sent?)
    }

    /// Waits for the next response.
    pub fn receive(&mut self) -> Result<Response, ClientError> {
        loop {
            if let Some(message) = self.framer.next_message()? {
                return Ok(Response::parse(message, self.dialect)?);
            }
            let input = self.framer.input();
            let filled = input.len();
            input.resize(filled + READ_BYTES, 0);
            let read = self.stream.read(&mut input[filled..]);
            input.truncate(filled + read.as_ref().copied().unwrap_or(0));
            if read.map_err(closed)? == 0 {
                return Err(ClientError::Closed);
            }
        }
    }

    /// Closes both directions at once, without a goodbye.
    pub fn abort(&self) -> Result<(), ClientError> {
        Ok(self.stream.shutdown(Shutdown::Both)?)
    }

    /// Gives a handle that interrupts from another thread.
    pub fn interrupter(&self) -> Result<Interrupter, ClientError> {
        Ok(Interrupter { stream: self.stream.try_clone()?, interrupts: Arc::clone(&self.interrupts) })
    }

    /// Counts the resets that interrupters sent and nobody has read the answer of.
    pub(super) fn take_interrupts(&self) -> u32 {
        self.interrupts.swap(0, Ordering::AcqRel)
    }
}

/// Interrupts a connection's running statement from another thread.
#[derive(Debug)]
pub struct Interrupter {
    stream: TcpStream,
    interrupts: Arc<AtomicU32>,
}

impl Interrupter {
    /// Sends RESET: the statement ends with an error and the connection is ready again.
    pub fn interrupt(&self) -> io::Result<()> {
        // Counted first, so that nobody takes the answer for another request's.
        self.interrupts.fetch_add(1, Ordering::AcqRel);
        (&self.stream).write_all(&[0, 2, 0xB0, 0x0F, 0, 0])
    }
}

fn connect(address: impl ToSocketAddrs, time_max: Duration) -> Result<TcpStream, ClientError> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the address has no host");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, time_max) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last.into())
}

fn closed(error: io::Error) -> ClientError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            ClientError::Closed
        }
        _ => error.into(),
    }
}
