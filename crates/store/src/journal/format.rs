//! The bytes of a journal: headers of files, frames, and the mark in the store. Table: `docs/format/journal.md`.
//! Only turns values into bytes and back. Start reading at [`Header`] and [`Head`].

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::Position;
use super::sealed::FileKey;
use crate::crypt::cipher::{SEAL_BYTES, clear};

/// What every file begins with; no frame does.
pub(super) const MAGIC: [u8; 8] = *b"SHEAFJN\n";
/// The format of plain files.
const PLAIN: u32 = 1;
/// The format of files whose records are sealed, and the newest that this code reads.
pub(super) const FORMAT: u32 = 2;
/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = 88;
/// Bytes before what a frame holds.
pub(super) const HEAD_BYTES: usize = 40;
/// Bytes of those that its sum and its seal are about.
pub(super) const SUMMED_BYTES: usize = 32;
/// Most bytes of changes in a frame.
pub(super) const RAW_MAX_BYTES: usize = 4 << 20;
/// Bytes of a mark.
pub(super) const MARK_BYTES: usize = 65;

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The database's.
    pub identity: [u8; 16],
    /// Which unbroken row of records it belongs to.
    pub era: [u8; 16],
    /// Its number among the files, from 1.
    pub number: u64,
    /// The sequence number of its first record.
    pub first: u64,
    /// The time of the record before that, or of the beginning.
    pub time: i64,
    /// The sum that the first frame goes on from.
    pub before: u64,
    /// Whether its records are sealed: the key stands behind the header.
    pub is_sealed: bool,
}

/// Why a header is none.
pub(super) enum HeaderFault {
    /// Some other file.
    Foreign,
    /// A newer server wrote it.
    Newer(u32),
    /// Its bytes changed.
    Damaged,
}

impl Header {
    pub fn print(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        let format = if self.is_sealed { FORMAT } else { PLAIN };
        bytes[8..12].copy_from_slice(&format.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.identity);
        bytes[32..48].copy_from_slice(&self.era);
        bytes[48..56].copy_from_slice(&self.number.to_le_bytes());
        bytes[56..64].copy_from_slice(&self.first.to_le_bytes());
        bytes[64..72].copy_from_slice(&self.time.to_le_bytes());
        bytes[72..80].copy_from_slice(&self.before.to_le_bytes());
        let sum = xxh3_64(&bytes[..80]);
        bytes[80..88].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    pub fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, HeaderFault> {
        if bytes[..8] != MAGIC {
            return Err(HeaderFault::Foreign);
        }
        let format = u32::from_le_bytes(cut(bytes, 8));
        if format > FORMAT {
            return Err(HeaderFault::Newer(format));
        }
        if u64::from_le_bytes(cut(bytes, 80)) != xxh3_64(&bytes[..80]) {
            return Err(HeaderFault::Damaged);
        }
        Ok(Self {
            identity: cut(bytes, 16),
            era: cut(bytes, 32),
            number: u64::from_le_bytes(cut(bytes, 48)),
            first: u64::from_le_bytes(cut(bytes, 56)),
            time: i64::from_le_bytes(cut(bytes, 64)),
            before: u64::from_le_bytes(cut(bytes, 72)),
            is_sealed: format == FORMAT,
        })
    }
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// Changes of one commit, or a part of them.
    Changes = 1,
    /// The commit could not be recorded: the era ends here.
    Rupture = 2,
    /// A copy of a journal ends here; the time says up to when it tells everything.
    End = 3,
}

/// What stands before the bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Bytes that follow.
    pub stored: u32,
    /// Bytes that they become; the same where they are not compressed.
    pub raw: u32,
    pub kind: Kind,
    /// Whether the record ends with this frame.
    pub last: bool,
    /// Its number among the frames of the record, from 0.
    pub part: u32,
    /// The record's number.
    pub sequence: u64,
    /// When the commit was made, in nanoseconds since 1970.
    pub time: i64,
    /// Sum of the frame, with the sum of the one before as seed.
    pub sum: u64,
}

/// A frame that is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub kind: Kind,
    pub last: bool,
    pub part: u32,
    pub sequence: u64,
    pub time: i64,
}

impl Frame {
    /// Appends the frame's bytes to `out`, sealed where there is a key; gives its sum.
    pub fn print(&self, raw: &[u8], before: u64, key: Option<&FileKey>, out: &mut Vec<u8>) -> u64 {
        let at = out.len();
        out.resize(at + HEAD_BYTES + lz4_flex::block::get_maximum_output_size(raw.len()), 0);
        let stored = match lz4_flex::block::compress_into(raw, &mut out[at + HEAD_BYTES..]) {
            Ok(bytes) if bytes < raw.len() => bytes,
            _ => {
                out[at + HEAD_BYTES..at + HEAD_BYTES + raw.len()].copy_from_slice(raw);
                raw.len()
            }
        };
        out.truncate(at + HEAD_BYTES + stored);
        let sealed = stored + key.map_or(0, |_| SEAL_BYTES);
        let head = &mut out[at..at + HEAD_BYTES];
        head[0..4].copy_from_slice(&length(sealed).to_le_bytes());
        head[4..8].copy_from_slice(&length(raw.len()).to_le_bytes());
        head[8] = self.kind as u8;
        head[9] = u8::from(self.last);
        head[12..16].copy_from_slice(&self.part.to_le_bytes());
        head[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        head[24..32].copy_from_slice(&self.time.to_le_bytes());
        if let Some(key) = key {
            let mut plain = out.split_off(at + HEAD_BYTES);
            out.resize(at + HEAD_BYTES + sealed, 0);
            let (head, body) = out[at..].split_at_mut(HEAD_BYTES);
            key.seal(&head[..SUMMED_BYTES], &plain, body);
            clear(&mut plain);
        }
        let sum = frame_sum(before, &out[at..at + 32], &out[at + HEAD_BYTES..]);
        out[at + 32..at + HEAD_BYTES].copy_from_slice(&sum.to_le_bytes());
        sum
    }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("frames are short")
}

pub(super) fn frame_sum(before: u64, head: &[u8], stored: &[u8]) -> u64 {
    let mut sum = Xxh3::with_seed(before);
    sum.update(head);
    sum.update(stored);
    sum.digest()
}

impl Head {
    /// Reads what stands before a frame; nothing where there is none.
    pub fn parse(bytes: &[u8; HEAD_BYTES]) -> Option<Self> {
        let kind = match bytes[8] {
            1 => Kind::Changes,
            2 => Kind::Rupture,
            3 => Kind::End,
            _ => return None,
        };
        let head = Self {
            stored: u32::from_le_bytes(cut(bytes, 0)),
            raw: u32::from_le_bytes(cut(bytes, 4)),
            kind,
            last: bytes[9] & 1 != 0,
            part: u32::from_le_bytes(cut(bytes, 12)),
            sequence: u64::from_le_bytes(cut(bytes, 16)),
            time: i64::from_le_bytes(cut(bytes, 24)),
            sum: u64::from_le_bytes(cut(bytes, 32)),
        };
        let stored_max = head.raw as usize + SEAL_BYTES;
        (head.raw as usize <= RAW_MAX_BYTES && head.stored as usize <= stored_max).then_some(head)
    }

    /// Tells whether a frame is what was written behind the frame whose sum is `before`.
    pub fn is_sound(&self, bytes: &[u8; HEAD_BYTES], stored: &[u8], before: u64) -> bool {
        self.sum == frame_sum(before, &bytes[..32], stored)
    }
}

/// How far a journal goes, as the store itself says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub position: Position,
    /// The time of the last record, or of the beginning.
    pub time: i64,
    /// The file that the last record is in, or that the next one begins where `end` is 0.
    pub number: u64,
    /// Where the last record ends in that file; 0 while there is no such file.
    pub end: u64,
    /// The sum of the last frame.
    pub sum: u64,
}

impl Mark {
    pub fn print(&self) -> [u8; MARK_BYTES] {
        let mut bytes = [0; MARK_BYTES];
        bytes[0] = 1;
        bytes[1..17].copy_from_slice(&self.position.era);
        for (at, number) in [(17, self.position.sequence), (33, self.number), (41, self.end), (49, self.sum)] {
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        bytes[25..33].copy_from_slice(&self.time.to_le_bytes());
        let sum = xxh3_64(&bytes[..57]);
        bytes[57..65].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads a mark; nothing where it is none, or damaged.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; MARK_BYTES] = bytes.try_into().ok()?;
        let number = |at| u64::from_le_bytes(cut(bytes, at));
        (bytes[0] == 1 && number(57) == xxh3_64(&bytes[..57])).then(|| Self {
            position: Position { era: cut(bytes, 1), sequence: number(17) },
            time: i64::from_le_bytes(cut(bytes, 25)),
            number: number(33),
            end: number(41),
            sum: number(49),
        })
    }
}

fn cut<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("so many bytes were cut")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f24_every_flipped_bit_of_a_journal_is_noticed() {
        let header =
            Header { identity: [1; 16], era: [2; 16], number: 3, first: 4, time: -5, before: 6, is_sealed: false };
        let good = header.print();
        assert!(Header::parse(&good).is_ok_and(|parsed| parsed == header));
        for bit in 0..HEADER_BYTES * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            // Four bytes of zeros are covered by the sum as well.
            assert!(Header::parse(&bad).is_err(), "bit {bit} of a header");
        }
        let mark = Mark { position: Position { era: [7; 16], sequence: 8 }, time: 9, number: 10, end: 11, sum: 12 };
        let good = mark.print();
        assert_eq!(Mark::parse(&good), Some(mark));
        for bit in 0..MARK_BYTES * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Mark::parse(&bad), None, "bit {bit} of a mark");
        }
        let mut good = Vec::new();
        let frame = Frame { kind: Kind::Changes, last: true, part: 0, sequence: 7, time: 8 };
        let sum = frame.print(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 99, None, &mut good);
        let is_sound = |bytes: &[u8], before| {
            let head: &[u8; HEAD_BYTES] = bytes[..HEAD_BYTES].try_into().expect("as long");
            Head::parse(head).is_some_and(|parsed| parsed.is_sound(head, &bytes[HEAD_BYTES..], before))
        };
        assert!(is_sound(&good, 99) && !is_sound(&good, 98), "it goes on from one frame only");
        assert_eq!(sum, u64::from_le_bytes(cut(&good, 32)));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_sound(&bad, 99), "bit {bit} of a frame");
        }
    }
}
