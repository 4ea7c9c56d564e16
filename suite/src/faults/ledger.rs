//! What the server acknowledged, as the tester knows it: on disk, before the tester does anything else.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The acknowledged transactions of one writer: the numbers 1, 2, 3, ... up to the last.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    path: PathBuf,
}

impl Ledger {
    /// Opens or makes the ledger of `writer` in `folder`.
    pub fn open(folder: &Path, writer: u64) -> io::Result<Self> {
        let path = folder.join(format!("writer-{writer}"));
        let file = File::options().create(true).append(true).open(&path)?;
        Ok(Self { file, path })
    }

    /// Notes that transaction `number` was acknowledged; it is on disk when this returns.
    pub fn note(&mut self, number: u64) -> io::Result<()> {
        writeln!(self.file, "{number}")?;
        self.file.sync_data()
    }

    /// Gives the last transaction that was acknowledged; 0 for none.
    pub fn last(&self) -> io::Result<u64> {
        let text = fs::read_to_string(&self.path)?;
        Ok(text.lines().rev().find_map(|line| line.parse().ok()).unwrap_or(0))
    }
}
