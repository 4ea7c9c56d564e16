//! The bytes of a backup: head, pieces, end. Table: `docs/format/backup.md`.
//! Only turns values into bytes and back; `writer` and `reader` move them.
//! Start reading at [`Header`].

use serde::{Deserialize, Serialize};
use store::journal::{Origin, Position};
use types::DatabaseId;
use xxhash_rust::xxh3;

/// What a file begins with.
pub(super) const MAGIC: [u8; 8] = *b"SHEAFBK\n";
/// The format that this code writes.
pub(super) const FORMAT: u32 = 1;
/// Longest header, in bytes.
pub(super) const HEADER_MAX_BYTES: u32 = 64 << 10;
/// Longest piece of an image, in bytes.
pub(super) const PIECE_MAX_BYTES: u32 = 4 << 20;
/// Bytes before a header: magic, format, length.
pub(super) const HEAD_BYTES: usize = 16;
/// Bytes before a piece: length of its raw bytes, length of what is stored, checksum.
pub(super) const PIECE_HEAD_BYTES: usize = 16;
/// Bytes of the end: sixteen zeros where a piece would begin, pieces, raw bytes, checksum of them all, checksum of the end.
pub(super) const END_BYTES: usize = 16 + 8 + 8 + 16 + 8;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the server that wrote it.
    pub made_by: String,
    /// Name of the database.
    pub database: String,
    /// Its id; a database that is restored gets a new one.
    pub id: [u8; 16],
    /// Kind of the store's image.
    pub kind: String,
    /// Format of the graph.
    pub graph_format: u32,
    /// Version of the last commit that is in it.
    pub version: u64,
    /// Nodes.
    pub nodes: u64,
    /// Relationships.
    pub relationships: u64,
    /// Bytes of the image, before they were compressed.
    pub image_bytes: u64,
    /// When the image was taken, in nanoseconds since 1970.
    pub taken_nanos: i128,
    /// What the image is of.
    #[serde(default)]
    pub holds: Holds,
    /// Where it stands in the journal of the database; nothing where none was kept.
    #[serde(default)]
    pub journal: Option<InJournal>,
    /// Who made it, sealed; nothing where the server did, or nobody logged in.
    #[serde(default)]
    pub maker: Option<Vec<u8>>,
}

/// A place in a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InJournal {
    /// Which unbroken row of records.
    pub era: [u8; 16],
    /// The last record that is in the image.
    pub sequence: u64,
    /// The sum of the row up to there, which tells it from that of another history; not in the oldest backups.
    #[serde(default)]
    pub sum: Option<u64>,
}

impl From<Origin> for InJournal {
    fn from(Origin { position: Position { era, sequence }, sum }: Origin) -> Self {
        Self { era, sequence, sum }
    }
}

impl From<&InJournal> for Origin {
    fn from(&InJournal { era, sequence, sum }: &InJournal) -> Self {
        Self { position: Position { era, sequence }, sum }
    }
}

/// What an image is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holds {
    /// A database with a graph.
    #[default]
    Graph,
    /// The database `system`: which databases there are, and who may do what.
    Catalog,
}

impl Header {
    /// Gives the id of the database that the backup is of.
    #[must_use]
    pub fn database_id(&self) -> DatabaseId {
        DatabaseId(self.id)
    }

    pub(super) fn print(&self) -> Vec<u8> {
        let body = rmp_serde::to_vec_named(self).expect("plain fields, and memory does not fail to be written");
        let length = u32::try_from(body.len()).expect("a header is short");
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&xxh3::xxh3_64(&bytes).to_le_bytes());
        bytes
    }
}

/// Sums what is stored of a piece, its place among the pieces and its lengths.
pub(super) fn piece_sum(number: u64, raw_bytes: u32, stored: &[u8]) -> u64 {
    xxh3::xxh3_64_with_seed(stored, number ^ (u64::from(raw_bytes) << 40))
}

/// Turns a piece into what is stored of it: compressed where that makes it shorter.
pub(super) fn print_piece(number: u64, raw: &[u8], out: &mut Vec<u8>) {
    let raw_bytes = u32::try_from(raw.len()).expect("pieces are short");
    out.clear();
    out.resize(PIECE_HEAD_BYTES + lz4_flex::block::get_maximum_output_size(raw.len()), 0);
    let stored = match lz4_flex::block::compress_into(raw, &mut out[PIECE_HEAD_BYTES..]) {
        Ok(bytes) if bytes < raw.len() => bytes,
        _ => {
            out[PIECE_HEAD_BYTES..PIECE_HEAD_BYTES + raw.len()].copy_from_slice(raw);
            raw.len()
        }
    };
    out.truncate(PIECE_HEAD_BYTES + stored);
    let stored_bytes = u32::try_from(stored).expect("no longer than its piece");
    let sum = piece_sum(number, raw_bytes, &out[PIECE_HEAD_BYTES..]);
    out[0..4].copy_from_slice(&raw_bytes.to_le_bytes());
    out[4..8].copy_from_slice(&stored_bytes.to_le_bytes());
    out[8..16].copy_from_slice(&sum.to_le_bytes());
}

/// What stands behind the last piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub pieces: u64,
    pub raw_bytes: u64,
    /// Sum of all raw bytes in order.
    pub whole: u128,
}

impl End {
    /// Reads an end; nothing where these bytes are none.
    pub fn parse(bytes: &[u8; END_BYTES]) -> Option<Self> {
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were cut"));
        let whole = u128::from_le_bytes(bytes[32..48].try_into().expect("sixteen bytes were cut"));
        let end = Self { pieces: number(16), raw_bytes: number(24), whole };
        (end.print() == *bytes).then_some(end)
    }

    pub fn print(self) -> [u8; END_BYTES] {
        let mut bytes = [0; END_BYTES];
        bytes[16..24].copy_from_slice(&self.pieces.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.raw_bytes.to_le_bytes());
        bytes[32..48].copy_from_slice(&self.whole.to_le_bytes());
        let sum = xxh3::xxh3_64(&bytes[..48]);
        bytes[48..56].copy_from_slice(&sum.to_le_bytes());
        bytes
    }
}
