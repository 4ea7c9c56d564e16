//! `BACKUP DATABASE n TO STREAM`: the file goes to the client, a row for each piece of it.
//! A thread of its own writes; the channel between bounds what a slow client makes us keep.

use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use types::{Code, CompactString, DatabaseName, Failure, Value};

use super::Source;
use crate::answer::{Kind, Summary};
use crate::backup::{PIECE_BYTES, Taken, write};
use crate::records::Records;
use crate::running::Allowance;
use crate::statement::Statement;

/// Pieces that wait for the client.
const WAITING_MAX: usize = 2;

/// Begins to send a backup; it runs as its rows are pulled, and ends when nobody does any more.
pub(super) fn run(statement: &Statement<'_>, source: Source) -> Result<Records, Failure> {
    let place = statement.shared.enter_copying()?;
    let taken = statement.shared.take_image(&source.database, &source.row)?;
    let (to, pieces) = mpsc::sync_channel(WAITING_MAX);
    let allowance = statement.allowance.clone();
    let spawned = thread::Builder::new().name("backup".to_owned()).spawn(move || {
        let mut client = Client { to, waiting: Vec::with_capacity(PIECE_BYTES) };
        let _place = place;
        if let Err(failure) = send(&source, taken, &allowance, &mut client) {
            // Nobody is there to be told where that is why it failed.
            let _ = client.to.send(Err(failure));
        }
    });
    spawned.map_err(|error| Failure::new(Code::ResourceExhausted, format!("could not start a thread: {error}")))?;
    let columns = vec![CompactString::const_new("piece")];
    let summary = Summary { kind: Kind::Read, database: DatabaseName::system().to_string(), ..Summary::default() };
    Ok(Records::fed(columns, pieces, summary, statement.shared.admission.clone()))
}

fn send(source: &Source, taken: Taken, allowance: &Allowance, client: &mut Client) -> Result<(), Failure> {
    let Taken { header, mut image } = taken;
    let written = write(&header, &mut *image, client, &|_| allowance.check())?;
    client.flush().map_err(|_| Failure::new(Code::TransactionTerminated, "The client left."))?;
    tracing::info!(database = %source.row.name, bytes = written.file_bytes, "backup sent");
    Ok(())
}

/// The client's end of the channel; gathers bytes into rows.
struct Client {
    to: SyncSender<Result<Vec<Value>, Failure>>,
    waiting: Vec<u8>,
}

impl Write for Client {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE_BYTES - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..taken]);
        if self.waiting.len() == PIECE_BYTES {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let piece = mem::replace(&mut self.waiting, Vec::with_capacity(PIECE_BYTES));
        let row = vec![Value::Bytes(piece.into())];
        self.to.send(Ok(row)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
