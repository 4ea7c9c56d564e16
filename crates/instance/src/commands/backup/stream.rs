//! `BACKUP DATABASE n TO STREAM`: the file goes to the client, a row for each piece of it. A whole server goes file by file.
//! A thread of its own writes; the channel between bounds what a slow client makes us keep.
//! Start reading at [`run`] and [`run_all`].

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use types::{Code, CompactString, DatabaseName, Failure, Value};

use super::all::{Asking, Bounded};
use super::{Copier, Source};
use crate::answer::{Kind, Summary};
use crate::backup::whole::{Fill, MANIFEST, Target};
use crate::backup::{BackupError, Holds, PIECE_BYTES, Taken, Written, write};
use crate::records::Records;
use crate::statement::Statement;

/// Pieces that wait for the client.
const WAITING_MAX: usize = 2;

/// Begins to send a backup; it runs as its rows are pulled, and ends when nobody does any more.
pub(super) fn run(statement: &Statement<'_>, source: Source) -> Result<Records, Failure> {
    let taken = source.take(&Copier::of(statement))?;
    let allowance = statement.allowance.clone();
    begin(statement, vec![CompactString::const_new("piece")], move |client| {
        let name = source.name();
        let Taken { header, mut image } = taken;
        let written = write(&header, &mut *image, client, &|_| allowance.check())?;
        client.flush().map_err(|_| left())?;
        drop(source);
        tracing::info!(database = %name, bytes = written.file_bytes, "backup sent");
        Ok(())
    })
}

/// Begins to send a whole server: rows of a file's name and a piece of it, in turn; a row without a piece takes back what was
/// sent of a file. The last file is the list of the others.
pub(super) fn run_all(statement: &Statement<'_>) -> Result<Records, Failure> {
    let (shared, asking) = (Arc::clone(statement.shared), Asking::of(statement));
    let watch = Bounded(statement.allowance.clone());
    let columns = ["file", "piece"].map(CompactString::const_new).into();
    begin(statement, columns, move |client| shared.back_up_all(&|| asking.may(&shared), client, &watch).map(drop))
}

/// Gives what a thread of its own sends.
pub(super) fn begin(
    statement: &Statement<'_>,
    columns: Vec<CompactString>,
    send: impl FnOnce(&mut Client) -> Result<(), Failure> + Send + 'static,
) -> Result<Records, Failure> {
    let place = statement.shared.enter_copying()?;
    let (to, pieces) = mpsc::sync_channel(WAITING_MAX);
    let spawned = thread::Builder::new().name("backup".to_owned()).spawn(move || {
        let mut client = Client { to, file: None, waiting: Vec::with_capacity(PIECE_BYTES) };
        let _place = place;
        if let Err(failure) = send(&mut client) {
            // Nobody is there to be told where that is why it failed.
            let _ = client.to.send(Err(failure));
        }
    });
    spawned.map_err(|error| Failure::new(Code::ResourceExhausted, format!("could not start a thread: {error}")))?;
    let summary = Summary { kind: Kind::Read, database: DatabaseName::system().to_string(), ..Summary::default() };
    Ok(Records::fed(columns, pieces, summary, statement.shared.admission.clone()))
}

pub(super) fn left() -> Failure {
    Failure::new(Code::TransactionTerminated, "The client left.")
}

/// The client's end of the channel; gathers bytes into rows.
pub(super) struct Client {
    to: SyncSender<Result<Vec<Value>, Failure>>,
    /// The name of the file that is sent, where there are several.
    file: Option<CompactString>,
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
        let file = self.file.iter().map(|file| file.as_str().into());
        let row = file.chain([Value::Bytes(piece.into())]).collect();
        self.to.send(Ok(row)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Target for Client {
    fn put(&mut self, file: &str, _: Holds, fill: Fill<'_>) -> Result<Written, BackupError> {
        self.file = Some(file.into());
        let filled = fill(self).and_then(|written| {
            self.flush().map_err(|_| left())?;
            Ok(written)
        });
        if filled.is_err() {
            // What was sent of it is nothing; whoever cannot be told that has left.
            self.waiting.clear();
            self.take_back(file)?;
        }
        filled
    }

    fn take_back(&mut self, file: &str) -> Result<(), BackupError> {
        self.to.send(Ok(vec![file.into(), Value::Null])).map_err(|_| left().into())
    }

    fn finish(&mut self, list: &str) -> Result<(), BackupError> {
        self.file = Some(MANIFEST.into());
        let sent = self.write_all(list.as_bytes()).and_then(|()| self.flush());
        sent.map_err(|_| left().into())
    }
}
