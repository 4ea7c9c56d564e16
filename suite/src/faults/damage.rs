//! Ways in which a file on disk goes wrong.

use std::fs;
use std::io;
use std::path::Path;

use super::Seed;

const PAGE_BYTES: usize = 4096;

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

fn flip(file: &mut [u8], at: usize, seed: &mut Seed) {
    file[at] ^= 1 << seed.below(8);
}
