//! Keys of a vector index, below the prefix of all its entries.
//!
//! | key | value |
//! |---|---|
//! | `00` id u64 | the vector: 32-bit floats, IEEE 754, little-endian |
//! | `01` id u64 | empty: the vector has no place in the graph yet, or no longer the right one |
//! | `02` id u64 | neighbours in the graph, level by level |
//! | `03` | what is known about the graph as a whole |

use std::ops::Range;

use types::IndexId;

use crate::codec::{Fields, open, put_varint, seal};
use crate::error::GraphError;
use crate::keys::{after_prefix, entries_of_index, u64_at};

/// What a key of a vector index means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Vector = 0,
    Fresh = 1,
    Links = 2,
    Summary = 3,
}

/// Bytes of a key before the id.
const ID_FROM: usize = 6;

/// What all keys of a kind begin with.
pub(super) fn all(index: IndexId, kind: Kind) -> [u8; ID_FROM] {
    let mut key = [0; ID_FROM];
    key[..ID_FROM - 1].copy_from_slice(&entries_of_index(index));
    key[ID_FROM - 1] = kind as u8;
    key
}

/// Where the vectors of an index lie.
pub(crate) fn vectors(index: IndexId) -> Range<Vec<u8>> {
    let start = all(index, Kind::Vector);
    start.to_vec()..after_prefix(&start)
}

/// The key of one entity.
pub(super) fn of(index: IndexId, kind: Kind, id: u64) -> [u8; ID_FROM + 8] {
    let mut key = [0; ID_FROM + 8];
    key[..ID_FROM].copy_from_slice(&all(index, kind));
    key[ID_FROM..].copy_from_slice(&id.to_be_bytes());
    key
}

/// Reads the kind of a key, and the id behind it; `None` if no index has such a key.
pub(super) fn read(key: &[u8]) -> Option<(Kind, u64)> {
    let kind = [Kind::Vector, Kind::Fresh, Kind::Links, Kind::Summary]
        .into_iter()
        .find(|kind| key.get(ID_FROM - 1) == Some(&(*kind as u8)))?;
    match kind {
        Kind::Summary => (key.len() == ID_FROM).then_some((kind, 0)),
        _ => (key.len() == ID_FROM + 8).then_some((kind, u64_at(key, ID_FROM)?)),
    }
}

/// What is known about an index as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// Vectors.
    pub vectors: u64,
    /// Those of them without their right place in the graph.
    pub fresh: u64,
    /// Entities with a place in the graph, those that are gone included.
    pub linked: u64,
    /// Where a search begins: an entity, and the highest level of the graph, which is its own.
    pub entry: Option<(u64, u8)>,
}

const SUMMARY: &str = "the summary of a vector index";
const LINKS: &str = "neighbours in a vector index";
const VECTOR: &str = "a vector of an index";

impl Summary {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        [self.vectors, self.fresh, self.linked].iter().for_each(|number| put_varint(*number, &mut out));
        match self.entry {
            None => out.push(0),
            Some((id, top)) => {
                out.extend_from_slice(&[1, top]);
                put_varint(id, &mut out);
            }
        }
        seal(out)
    }

    pub fn decode(sealed: &[u8]) -> Result<Self, GraphError> {
        let mut fields = Fields::new(open(sealed, SUMMARY)?, SUMMARY);
        let (vectors, fresh, linked) = (fields.varint()?, fields.varint()?, fields.varint()?);
        let entry = match fields.byte()? {
            0 => None,
            _ => {
                let top = fields.byte()?;
                Some((fields.varint()?, top))
            }
        };
        fields.end()?;
        Ok(Self { vectors, fresh, linked, entry })
    }
}

/// Makes the value of a vector.
pub(super) fn encode_vector(vector: &[f32]) -> Vec<u8> {
    seal(vector.iter().flat_map(|number| number.to_le_bytes()).collect())
}

/// Lends the numbers of a vector, as they are stored.
pub(super) fn open_vector(sealed: &[u8]) -> Result<&[u8], GraphError> {
    open(sealed, VECTOR)
}

/// Reads a vector.
pub(super) fn decode_vector(sealed: &[u8]) -> Result<Vec<f32>, GraphError> {
    let (numbers, _) = open_vector(sealed)?.as_chunks::<4>();
    Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// Makes the value of an entity's neighbours, from the lowest level up; the ids of a level ascend.
pub(super) fn encode_links(levels: &[Vec<u64>]) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(levels.len() as u64, &mut out);
    for level in levels {
        put_varint(level.len() as u64, &mut out);
        let mut last = 0;
        for id in level {
            put_varint(id - last, &mut out);
            last = *id;
        }
    }
    seal(out)
}

/// Hands on the neighbours, each with its level.
pub(super) fn visit_links(sealed: &[u8], mut visit: impl FnMut(usize, u64)) -> Result<usize, GraphError> {
    let mut fields = Fields::new(open(sealed, LINKS)?, LINKS);
    let levels: usize = fields.narrow()?;
    for level in 0..levels {
        let mut id = 0_u64;
        for _ in 0..fields.varint()? {
            id = id.checked_add(fields.varint()?).ok_or_else(|| fields.damaged())?;
            visit(level, id);
        }
    }
    fields.end()?;
    Ok(levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_entries_have_these_bytes() {
        let index = IndexId(7);
        assert_eq!(all(index, Kind::Summary), [0x20, 0, 0, 0, 7, 3]);
        assert_eq!(of(index, Kind::Links, 258), [0x20, 0, 0, 0, 7, 2, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(read(&of(index, Kind::Fresh, 258)), Some((Kind::Fresh, 258)));
        assert_eq!(read(&[0x20, 0, 0, 0, 7, 9]), None);
        let vector = encode_vector(&[1.0, -2.5]);
        assert_eq!(vector[..8], [0, 0, 128, 63, 0, 0, 32, 192]);
        assert_eq!(decode_vector(&vector).expect("a vector"), [1.0, -2.5]);
        let links = encode_links(&[vec![3, 300], vec![3]]);
        assert_eq!(links[..links.len() - 4], [2, 2, 3, 0xa9, 2, 1, 3]);
        let mut back = Vec::new();
        assert_eq!(visit_links(&links, |level, id| back.push((level, id))).expect("links"), 2);
        assert_eq!(back, [(0, 3), (0, 300), (1, 3)]);
        let summary = Summary { vectors: 5, fresh: 2, linked: 4, entry: Some((300, 2)) };
        let sealed = summary.encode();
        assert_eq!(sealed[..sealed.len() - 4], [5, 2, 4, 1, 2, 0xac, 2]);
        assert_eq!(Summary::decode(&sealed).expect("a summary"), summary);
    }
}
