//! Blocks of a node's neighbours: (neighbour, relationship) pairs, ascending, as differences.

use smallvec::SmallVec;
use types::{NodeId, RelationshipId};

use super::{open, put_signed, put_varint, seal_from};
use crate::error::GraphError;

/// A block that would be longer is split.
pub const BLOCK_MAX_BYTES: usize = 2 << 10;
/// The size to which a list is cut, so that there is room to grow.
const BLOCK_CUT_BYTES: usize = BLOCK_MAX_BYTES * 3 / 4;

/// One line of a block: who is at the other end, and by which relationship.
pub type Pair = (NodeId, RelationshipId);

/// Cuts ascending pairs into encoded blocks, each with its first pair, which belongs in its key.
///
/// What fits into one block of [`BLOCK_MAX_BYTES`] stays one; nothing gives no block.
#[must_use]
pub fn encode(pairs: &[Pair]) -> Vec<(Pair, Vec<u8>)> {
    let mut blocks = Vec::new();
    encode_each(pairs, &mut Vec::new(), |first, sealed| blocks.push((first, sealed.to_vec())));
    blocks
}

/// As [`encode`], but lends each block to `visit`; `scratch` is overwritten.
pub fn encode_each(pairs: &[Pair], scratch: &mut Vec<u8>, mut visit: impl FnMut(Pair, &[u8])) {
    let mut rest = pairs;
    let mut bytes_max = BLOCK_MAX_BYTES;
    while let Some(first) = rest.first() {
        let mut size = fill(rest, bytes_max, scratch);
        if size < rest.len() && bytes_max == BLOCK_MAX_BYTES {
            // It is more than one block: all of them get room to grow.
            bytes_max = BLOCK_CUT_BYTES;
            size = fill(rest, bytes_max, scratch);
        }
        visit(*first, scratch);
        rest = &rest[size..];
    }
}

/// Appends the pairs of a block.
///
/// Errors: [`GraphError::Damaged`] if it fails its checksum, or its pairs do not ascend.
pub fn decode(sealed: &[u8], out: &mut Vec<Pair>) -> Result<(), GraphError> {
    visit(sealed, |pair| out.push(pair))
}

/// Hands each pair of a block to `visit`, ascending; of a damaged block maybe some of them.
pub fn visit(sealed: &[u8], mut visit: impl FnMut(Pair)) -> Result<(), GraphError> {
    let mut numbers = Numbers { bytes: open(sealed, WHAT)?, at: 0 };
    let count = numbers.next().ok_or_else(damaged)?;
    let (mut neighbour, mut relationship) = (0_u64, 0_u64);
    for at in 0..count {
        let (Some(further), Some(by)) = (numbers.next(), numbers.next()) else { return Err(damaged()) };
        let by = (by >> 1).cast_signed() ^ -(by & 1).cast_signed();
        let Some(sum) = neighbour.checked_add(further) else { return Err(damaged()) };
        if at > 0 && further == 0 && by <= 0 {
            return Err(damaged());
        }
        neighbour = sum;
        relationship = relationship.wrapping_add(by.cast_unsigned());
        visit((NodeId(neighbour), RelationshipId(relationship)));
    }
    if numbers.at == numbers.bytes.len() { Ok(()) } else { Err(damaged()) }
}

/// Tells how many pairs a block holds.
pub fn count(sealed: &[u8]) -> Result<u64, GraphError> {
    Numbers { bytes: open(sealed, WHAT)?, at: 0 }.next().ok_or_else(damaged)
}

const WHAT: &str = "an adjacency block";

fn damaged() -> GraphError {
    GraphError::damaged("an adjacency block is malformed")
}

/// Reads varints as `Fields` does, but fast: most walks through a graph spend their time here.
struct Numbers<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Numbers<'_> {
    /// Reads a number; `None` if it is malformed.
    #[inline]
    fn next(&mut self) -> Option<u64> {
        let first = *self.bytes.get(self.at)?;
        self.at += 1;
        if first < 0x80 { Some(first.into()) } else { self.rest(first) }
    }

    fn rest(&mut self, first: u8) -> Option<u64> {
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                // The tenth byte holds the one bit that is left.
                return (shift < 63 || byte <= 1).then_some(value);
            }
        }
        None
    }
}

/// Makes one block of as many pairs as fit; gives how many.
fn fill(pairs: &[Pair], bytes_max: usize, out: &mut Vec<u8>) -> usize {
    /// Room for the longest count, which is known only at the end.
    const COUNT_BYTES: usize = 3;
    out.clear();
    out.resize(COUNT_BYTES, 0);
    let mut last = (NodeId(0), RelationshipId(0));
    let mut size = 0;
    for pair in pairs {
        let before = out.len();
        put_pair(last, *pair, out);
        if out.len() - COUNT_BYTES > bytes_max && size > 0 {
            out.truncate(before);
            break;
        }
        last = *pair;
        size += 1;
    }
    let mut count = SmallVec::<[u8; COUNT_BYTES]>::new();
    let mut left = size;
    while left >= 0x80 {
        count.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    count.push(left as u8);
    out.copy_within(COUNT_BYTES.., count.len());
    out.truncate(out.len() - COUNT_BYTES + count.len());
    out[..count.len()].copy_from_slice(&count);
    seal_from(0, out);
    size
}

/// A relationship's id is a signed difference, modulo 2^64: neighbours ascend, relationships need not.
fn put_pair(last: Pair, pair: Pair, out: &mut Vec<u8>) {
    put_varint(pair.0.0 - last.0.0, out);
    put_signed(pair.1.0.wrapping_sub(last.1.0).cast_signed(), out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::seal;

    fn pairs(ids: &[(u64, u64)]) -> Vec<Pair> {
        ids.iter().map(|(node, relationship)| (NodeId(*node), RelationshipId(*relationship))).collect()
    }

    proptest! {
        #[test]
        fn pairs_come_back(ids in proptest::collection::btree_set((0_u64..5_000, 0_u64..1 << 62), 0..2_000)) {
            let pairs = pairs(&ids.into_iter().collect::<Vec<_>>());
            let mut back = Vec::new();
            for (first, block) in encode(&pairs) {
                prop_assert!(block.len() <= BLOCK_MAX_BYTES + 16);
                prop_assert_eq!(first, pairs[back.len()]);
                let before = back.len() as u64;
                decode(&block, &mut back).expect("a block");
                prop_assert_eq!(count(&block).expect("a block"), back.len() as u64 - before);
            }
            prop_assert_eq!(back, pairs);
        }

        #[test]
        fn damaged_blocks_never_panic(noise in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&seal(noise), &mut Vec::new());
        }
    }

    #[test]
    fn golden_blocks_have_these_bytes() {
        let blocks = encode(&pairs(&[(5, 9), (5, 10), (300, 2)]));
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].1[..blocks[0].1.len() - 4], [3, 5, 18, 0, 2, 0xa7, 2, 15]);
        assert!(encode(&[]).is_empty());
    }

    #[test]
    fn pairs_that_do_not_ascend_are_damage() {
        let twice = seal(vec![2, 5, 18, 0, 0]);
        assert!(decode(&twice, &mut Vec::new()).is_err());
    }
}
