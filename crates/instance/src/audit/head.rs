//! How far the audit goes, sealed: by it a tail that was cut off is noticed.
//!
//! Two places in one file are written in turn, so that one of them is whole whenever the process dies. Only who has the
//! server's key can write a head that opens. A second such file lies beside the audit's folder, so that an audit that was
//! removed as a whole is noticed too.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use catalog::{Keyring, SealError};

/// The file beside the segments.
pub(super) const FILE: &str = "head";
const CONTEXT: &str = "audit: head";
const PLACE_BYTES: usize = 512;

/// The last line that a head tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub sequence: u64,
    pub hash: String,
}

/// What a file of heads holds.
pub(super) enum Found {
    /// There is none.
    Nothing,
    /// The further of its two heads.
    Head(Head),
    /// None of them opens with the keys that there are.
    Sealed(SealError),
}

/// Writes heads.
pub(super) struct Heads {
    files: [(PathBuf, Option<File>); 2],
}

impl Heads {
    pub(super) fn new(folder: &Path) -> Self {
        Self { files: paths(folder).map(|path| (path, None)) }
    }

    /// Writes the head of a line that is on the disk.
    pub(super) fn write(&mut self, head: &Head, keyring: &Keyring) -> io::Result<()> {
        self.write_at(head, keyring, &[head.sequence % 2])
    }

    /// Writes a head in the place of all older ones: they told of lines that are lost, and of that a line tells by now.
    pub(super) fn write_alone(&mut self, head: &Head, keyring: &Keyring) -> io::Result<()> {
        self.write_at(head, keyring, &[0, 1])
    }

    fn write_at(&mut self, head: &Head, keyring: &Keyring, places: &[u64]) -> io::Result<()> {
        let sealed = keyring.seal(CONTEXT, format!("{} {}", head.sequence, head.hash).as_bytes());
        let mut place = vec![b' '; PLACE_BYTES];
        let digits: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
        place[..digits.len()].copy_from_slice(digits.as_bytes());
        place[PLACE_BYTES - 1] = b'\n';
        for (path, file) in &mut self.files {
            let file = match file {
                Some(file) => file,
                None => file.insert(OpenOptions::new().write(true).create(true).truncate(false).open(path)?),
            };
            places.iter().try_for_each(|number| file.write_all_at(&place, number * PLACE_BYTES as u64))?;
        }
        Ok(())
    }
}

/// Names the file in the audit's folder, and the one beside it.
pub(super) fn paths(folder: &Path) -> [PathBuf; 2] {
    [folder.join(FILE), folder.with_extension(FILE)]
}

/// Reads the further of the heads that open, of the file in the folder and of the one beside it.
///
/// The second one is not there beside an audit of older servers.
pub(super) fn read(folder: &Path, keyring: &Keyring) -> io::Result<[Found; 2]> {
    let [inside, beside] = paths(folder);
    Ok([read_file(&inside, keyring)?, read_file(&beside, keyring)?])
}

fn read_file(path: &Path, keyring: &Keyring) -> io::Result<Found> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    let mut best: Option<Head> = None;
    let mut failed = SealError::Broken;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "\0") {
        match open(line, keyring) {
            Ok(head) if best.as_ref().is_none_or(|best| best.sequence < head.sequence) => best = Some(head),
            Ok(_) => {}
            Err(error) => failed = error,
        }
    }
    Ok(best.map_or(Found::Sealed(failed), Found::Head))
}

fn open(line: &str, keyring: &Keyring) -> Result<Head, SealError> {
    let digits = line.trim_matches('\0').as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let sealed: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    let opened = keyring.unseal(CONTEXT, &sealed.ok_or(SealError::Broken)?)?;
    let text = String::from_utf8(opened).map_err(|_| SealError::Broken)?;
    let (sequence, hash) = text.split_once(' ').ok_or(SealError::Broken)?;
    let sequence = sequence.parse().map_err(|_| SealError::Broken)?;
    Ok(Head { sequence, hash: hash.to_owned() })
}
