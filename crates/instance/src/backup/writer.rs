//! Writes a backup: image in, compressed pieces out, on as many cores as there are.
//! Leaves where the bytes go to the caller. Start reading at [`write`].

use std::io::Write;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use graph::Pictured;
use store::Image;
use xxhash_rust::xxh3::Xxh3;

use super::format::{End, Header, Holds, InJournal, print_piece};
use super::{BackupError, PIECE_BYTES, Step};

/// Most threads that compress.
const COMPRESSING_MAX: usize = 4;
/// Pieces that wait before and behind each of them.
const WAITING_MAX: usize = 2;

/// How much was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the backup.
    pub file_bytes: u64,
    /// Bytes of the image.
    pub image_bytes: u64,
    /// Sum of all bytes of the image, as the end of the file has it.
    pub sum: u128,
}

/// A piece on its way: raw bytes on the way in, what is stored on the way out.
struct Piece {
    raw: Vec<u8>,
    stored: Vec<u8>,
}

/// Completes a header by what the image holds.
pub(crate) fn header(row: &catalog::Database, pictured: Pictured, image: &dyn Image, taken_nanos: i128) -> Header {
    Header {
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        database: row.name.to_string(),
        id: row.id.0,
        kind: image.kind().to_owned(),
        graph_format: pictured.format,
        version: pictured.version,
        nodes: pictured.nodes,
        relationships: pictured.relationships,
        image_bytes: image.bytes(),
        taken_nanos,
        holds: Holds::Graph,
        journal: pictured.journal.map(InJournal::from),
        maker: None,
    }
}

/// Says of an image of the catalog what is in it.
pub(crate) fn catalog_header(
    row: &catalog::Database,
    pictured: &catalog::Pictured,
    image: &dyn Image,
    taken_nanos: i128,
) -> Header {
    let none = Pictured { version: pictured.version, ..Pictured::default() };
    Header { holds: Holds::Catalog, ..header(row, none, image, taken_nanos) }
}

/// Writes a whole backup to `out`; memory stays bounded however slow that is.
pub fn write(
    header: &Header,
    image: &mut dyn Image,
    out: &mut dyn Write,
    step: Step<'_>,
) -> Result<Written, BackupError> {
    let failed = BackupError::io("write the backup");
    let head = header.print();
    out.write_all(&head).map_err(failed)?;
    let workers = thread::available_parallelism().map_or(1, usize::from).min(COMPRESSING_MAX);
    let (pieces_bytes, end) = thread::scope(|scope| {
        let lanes: Vec<Lane> = (0..workers)
            .map(|lane| {
                let (to, work) = mpsc::sync_channel(WAITING_MAX);
                let (done, from) = mpsc::sync_channel(WAITING_MAX);
                scope.spawn(move || compress(lane as u64, workers as u64, &work, &done));
                Lane { to, from }
            })
            .collect();
        // Goes with its lanes: the threads end when nobody sends to them.
        pump(lanes, image, out, step)
    })?;
    let sum = end.whole;
    let end = end.print();
    out.write_all(&end).map_err(BackupError::io("write the backup"))?;
    let file_bytes = (head.len() + end.len()) as u64 + pieces_bytes;
    Ok(Written { file_bytes, image_bytes: image.bytes(), sum })
}

/// A thread that compresses, and the two ways to it.
struct Lane {
    to: SyncSender<Piece>,
    from: Receiver<Piece>,
}

fn compress(first: u64, lanes: u64, work: &Receiver<Piece>, done: &SyncSender<Piece>) {
    let mut number = first;
    while let Ok(mut piece) = work.recv() {
        print_piece(number, &piece.raw, &mut piece.stored);
        number += lanes;
        if done.send(piece).is_err() {
            return;
        }
    }
}

/// Hands pieces to the lanes in turn and takes them back in the same turn, a few behind.
fn pump(
    lanes: Vec<Lane>,
    image: &mut dyn Image,
    out: &mut dyn Write,
    step: Step<'_>,
) -> Result<(u64, End), BackupError> {
    let ahead_max = (lanes.len() * WAITING_MAX) as u64;
    let (mut sent, mut taken, mut raw_bytes, mut stored_bytes) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut whole = Xxh3::new();
    let mut spare: Vec<Piece> = Vec::new();
    let mut more = true;
    while more || taken < sent {
        if more && sent - taken < ahead_max {
            let mut piece = spare.pop().unwrap_or(Piece { raw: Vec::new(), stored: Vec::new() });
            more = image.read(&mut piece.raw, PIECE_BYTES)?;
            if more {
                whole.update(&piece.raw);
                raw_bytes += piece.raw.len() as u64;
                let lane = &lanes[lane_of(sent, lanes.len())];
                lane.to.send(piece).map_err(|_| gone())?;
                sent += 1;
            }
            continue;
        }
        let piece = lanes[lane_of(taken, lanes.len())].from.recv().map_err(|_| gone())?;
        out.write_all(&piece.stored).map_err(BackupError::io("write the backup"))?;
        stored_bytes += piece.stored.len() as u64;
        taken += 1;
        spare.push(piece);
        types::failpoint::reach("backup.piece");
        step(raw_bytes)?;
    }
    Ok((stored_bytes, End { pieces: sent, raw_bytes, whole: whole.digest128() }))
}

fn lane_of(number: u64, lanes: usize) -> usize {
    usize::try_from(number % lanes as u64).expect("there are few lanes")
}

/// A thread of ours ended without being told to: it panicked, and the scope tells of that.
fn gone() -> BackupError {
    BackupError::Io { action: "compress the backup", source: std::io::ErrorKind::BrokenPipe.into() }
}
