//! Ways in which a file on disk goes wrong.

use std::fs;
use std::io;
use std::path::Path;

use super::Seed;

const PAGE_BYTES: usize = 4096;
/// Bytes of a page before the places of its entries.
const PAGE_HEADER_BYTES: usize = 16;
/// Bytes of an entry before its key.
const ENTRY_HEADER_BYTES: usize = 8;
/// The kind of pages that lead to other pages.
const BRANCH: usize = 1;

/// One way to damage a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// One bit anywhere is another.
    Bit,
    /// One bit in the header of a page is another.
    HeaderBit,
    /// A page is all zeros: a write that was lost.
    Zeros,
    /// A page is noise.
    Garbage,
    /// A page holds what belongs into another one: a write to the wrong place.
    Misplaced,
    /// The file ends early.
    Cut,
    /// The file is empty.
    Emptied,
    /// The file is another program's.
    Foreign,
}

impl Damage {
    /// Every way.
    pub const ALL: [Self; 8] = [
        Self::Bit,
        Self::HeaderBit,
        Self::Zeros,
        Self::Garbage,
        Self::Misplaced,
        Self::Cut,
        Self::Emptied,
        Self::Foreign,
    ];
}

/// Damages the file at `path`; tells whether that changed a byte of it.
pub fn damage_file(path: &Path, damage: Damage, seed: &mut Seed) -> io::Result<bool> {
    let good = fs::read(path)?;
    let mut file = good.clone();
    let pages = (file.len() / PAGE_BYTES).max(1) as u64;
    let page = seed.below(pages) as usize * PAGE_BYTES;
    let other = seed.below(pages) as usize * PAGE_BYTES;
    match damage {
        Damage::Bit => flip(&mut file, page + seed.below(PAGE_BYTES as u64) as usize, seed),
        Damage::HeaderBit => flip(&mut file, page + seed.below(24) as usize, seed),
        Damage::Zeros => file[page..page + PAGE_BYTES].fill(0),
        Damage::Garbage => file[page..page + PAGE_BYTES].copy_from_slice(&seed.bytes(PAGE_BYTES)),
        Damage::Misplaced => file.copy_within(other..other + PAGE_BYTES, page),
        Damage::Cut => file.truncate(page + seed.below(PAGE_BYTES as u64) as usize),
        Damage::Emptied => file.clear(),
        Damage::Foreign => file = b"SQLite format 3\0".repeat(1024),
    }
    fs::write(path, &file)?;
    Ok(file != good)
}

/// Finds each byte of each key in the tree of entries of a sound `data.mdb`; `docs/format/store.md` says where it begins.
#[must_use]
pub fn places_of_keys(file: &[u8]) -> Vec<usize> {
    let commit = |page: usize| number(file, page * PAGE_BYTES + 144, 8);
    let newest = usize::from(commit(1) > commit(0));
    let mut places = Vec::new();
    let mut pages = vec![number(file, newest * PAGE_BYTES + 128, 8)];
    while let Some(page) = pages.pop() {
        let at = page * PAGE_BYTES;
        let entries = (number(file, at + 12, 2) - PAGE_HEADER_BYTES) / 2;
        for entry in 0..entries {
            let entry = at + number(file, at + PAGE_HEADER_BYTES + 2 * entry, 2);
            places.extend(entry + ENTRY_HEADER_BYTES..entry + ENTRY_HEADER_BYTES + number(file, entry + 6, 2));
            if number(file, at + 10, 2) == BRANCH {
                pages.push(number(file, entry, 6));
            }
        }
    }
    places
}

fn number(file: &[u8], at: usize, bytes: usize) -> usize {
    file[at..at + bytes].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn flip(file: &mut [u8], at: usize, seed: &mut Seed) {
    file[at] ^= 1 << seed.below(8);
}
