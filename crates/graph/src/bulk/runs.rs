//! Sorts more than fits into memory: sorted runs in temporary files, merged at the end.
//! Knows nothing of graphs but the items that it sorts. Start reading at [`Runs::push`].

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;

use store::crypt::{PassingKey, PassingReader, PassingWriter};
use types::{NodeId, RelationshipId, TypeId};

use super::IndexKey;
use crate::error::GraphError;
use crate::keys::Side;
use crate::transaction::Place;

/// Something that can be sorted and kept in a file.
pub(super) trait Item: Ord + Sized {
    /// Memory that it takes, about.
    fn bytes(&self) -> usize;

    fn write(&self, out: &mut impl Write) -> io::Result<()>;

    /// Reads one; `None` at the end of the file.
    fn read(input: &mut impl Read) -> io::Result<Option<Self>>;
}

/// Items in any order, of which only some are in memory.
pub(super) struct Runs<T> {
    items: Vec<T>,
    bytes: usize,
    bytes_max: usize,
    folder: PathBuf,
    spilled: Vec<(File, PassingKey)>,
}

impl<T: Item> Runs<T> {
    /// Makes an empty one that keeps about `bytes_max` in memory.
    pub fn new(bytes_max: usize, folder: PathBuf) -> Self {
        Self { items: Vec::new(), bytes: 0, bytes_max, folder, spilled: Vec::new() }
    }

    pub fn push(&mut self, item: T) -> Result<(), GraphError> {
        self.bytes += item.bytes();
        self.items.push(item);
        if self.bytes >= self.bytes_max {
            self.spill().map_err(|source| GraphError::TemporaryFile { source })?;
        }
        Ok(())
    }

    /// Hands all items to `visit`, ascending.
    pub fn merge(mut self, mut visit: impl FnMut(T) -> Result<(), GraphError>) -> Result<(), GraphError> {
        self.items.sort_unstable();
        if self.spilled.is_empty() {
            return self.items.into_iter().try_for_each(visit);
        }
        let failed = |source| GraphError::TemporaryFile { source };
        let mut files: Vec<_> = self.spilled.into_iter().map(|(file, key)| PassingReader::new(file, key)).collect();
        let mut memory = self.items.into_iter();
        let in_memory = files.len();
        let mut next = |from: usize| match files.get_mut(from) {
            Some(file) => T::read(file).map_err(failed),
            None => Ok(memory.next()),
        };
        let mut heads = BinaryHeap::new();
        for from in 0..=in_memory {
            heads.extend(next(from)?.map(|item| Reverse((item, from))));
        }
        while let Some(Reverse((item, from))) = heads.pop() {
            visit(item)?;
            heads.extend(next(from)?.map(|item| Reverse((item, from))));
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.items.sort_unstable();
        // Without a name, and sealed: nothing is left over, whatever happens, not even of an encrypted database.
        let mut out = PassingWriter::new(tempfile::tempfile_in(&self.folder)?);
        self.items.drain(..).try_for_each(|item| item.write(&mut out))?;
        let (mut file, key) = out.finish()?;
        file.rewind()?;
        self.spilled.push((file, key));
        self.bytes = 0;
        Ok(())
    }
}

impl Item for Place {
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut bytes = [0; PLACE_BYTES];
        bytes[..8].copy_from_slice(&self.node.0.to_be_bytes());
        bytes[8] = self.side as u8;
        bytes[9..13].copy_from_slice(&self.kind.0.to_be_bytes());
        bytes[13..21].copy_from_slice(&self.neighbour.0.to_be_bytes());
        bytes[21..].copy_from_slice(&self.relationship.0.to_be_bytes());
        out.write_all(&bytes)
    }

    fn read(input: &mut impl Read) -> io::Result<Option<Self>> {
        let mut bytes = [0; PLACE_BYTES];
        if !fill(input, &mut bytes)? {
            return Ok(None);
        }
        let long = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes were cut"));
        Ok(Some(Self {
            node: NodeId(long(0)),
            side: if bytes[8] == 0 { Side::Outgoing } else { Side::Incoming },
            kind: TypeId(u32::from_be_bytes(bytes[9..13].try_into().expect("four bytes were cut"))),
            neighbour: NodeId(long(13)),
            relationship: RelationshipId(long(21)),
        }))
    }
}

const PLACE_BYTES: usize = 29;

impl Item for IndexKey {
    fn bytes(&self) -> usize {
        size_of::<Self>() + if self.spilled() { self.len() } else { 0 }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write_block(self, out)
    }

    fn read(input: &mut impl Read) -> io::Result<Option<Self>> {
        Ok(read_block(input)?.map(|bytes| Self::from_slice(&bytes)))
    }
}

/// A part of a long value, by its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LongPart {
    pub key: [u8; 18],
    pub part: Vec<u8>,
}

impl Item for LongPart {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.part.len()
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.key)?;
        write_block(&self.part, out)
    }

    fn read(input: &mut impl Read) -> io::Result<Option<Self>> {
        let mut key = [0; 18];
        if !fill(input, &mut key)? {
            return Ok(None);
        }
        let part = read_block(input)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Some(Self { key, part }))
    }
}

fn write_block(bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).expect("keys and parts are shorter than 64 KiB");
    out.write_all(&length.to_be_bytes())?;
    out.write_all(bytes)
}

fn read_block(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if !fill(input, &mut length)? {
        return Ok(None);
    }
    let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
    input.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// Fills `bytes`; `false` if the file ended before the first of them.
fn fill(input: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    let (first, rest) = bytes.split_at_mut(1);
    if input.read(first)? == 0 {
        return Ok(false);
    }
    input.read_exact(rest)?;
    Ok(true)
}
