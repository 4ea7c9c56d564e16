//! Postings: which entities have a term, how often, and where; kept in blocks, ascending by entity.
//! Leaves which blocks there are to `write` and `read`.
//! Start reading at [`Posting`].

use crate::codec::{Fields, open, put_varint, seal_from};
use crate::error::GraphError;

/// A block that would be longer is split.
pub(super) const BLOCK_MAX_BYTES: usize = 1 << 10;
/// The size to which blocks are cut then, so that there is room to grow.
const BLOCK_CUT_BYTES: usize = BLOCK_MAX_BYTES * 3 / 4;
/// Places of one term in one entity that are kept; phrases are found in the first of them.
const POSITIONS_MAX: usize = 4_096;

/// One entity that has a term: its id, and the rest as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Posting<'p> {
    pub id: u64,
    pub body: &'p [u8],
}

/// What a posting says about one entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occurrence<'a> {
    pub id: u64,
    /// Words of the field, as one byte; see [`super::score`].
    pub length: u8,
    /// How often the term is there.
    pub count: u32,
    positions: &'a [u8],
}

impl<'a> Occurrence<'a> {
    /// Reads the body of a posting.
    pub fn read(id: u64, body: &'a [u8]) -> Result<Self, GraphError> {
        let mut fields = Fields::new(body, WHAT);
        let (length, count) = (fields.byte()?, fields.narrow()?);
        Ok(Self { id, length, count, positions: fields.rest() })
    }

    /// Appends the places of the term.
    pub fn positions(&self, out: &mut Vec<u32>) -> Result<(), GraphError> {
        let mut fields = Fields::new(self.positions, WHAT);
        let mut last = 0_u32;
        for at in 0..(self.count as usize).min(POSITIONS_MAX) {
            let step: u32 = fields.narrow()?;
            last = if at == 0 { step } else { last.checked_add(step).ok_or_else(damaged)? };
            out.push(last);
        }
        fields.end()
    }
}

/// Makes the body of a posting; `positions` ascend.
pub(super) fn body(length: u8, positions: &[u32]) -> Box<[u8]> {
    let mut out = vec![length];
    put_varint(positions.len() as u64, &mut out);
    let mut last = 0;
    for position in positions.iter().take(POSITIONS_MAX) {
        put_varint((position - last).into(), &mut out);
        last = *position;
    }
    out.into()
}

/// Hands on the postings of a block, ascending, until `visit` returns `false`.
pub(super) fn visit<'a>(
    sealed: &'a [u8],
    mut visit: impl FnMut(u64, &'a [u8]) -> Result<bool, GraphError>,
) -> Result<bool, GraphError> {
    let mut fields = Fields::new(open(sealed, WHAT)?, WHAT);
    let count = fields.varint()?;
    let mut id = 0_u64;
    for at in 0..count {
        let step = fields.varint()?;
        if at > 0 && step == 0 {
            return Err(damaged());
        }
        id = id.checked_add(step).ok_or_else(damaged)?;
        if !visit(id, fields.bytes()?)? {
            return Ok(false);
        }
    }
    fields.end()?;
    Ok(true)
}

/// Cuts ascending postings into sealed blocks and hands on each with its first entity; nothing gives no block.
pub(super) fn blocks(
    postings: &[Posting<'_>],
    mut put: impl FnMut(u64, &[u8]) -> Result<(), GraphError>,
) -> Result<(), GraphError> {
    let size = |posting: &Posting<'_>| posting.body.len() + 4;
    let all: usize = postings.iter().map(size).sum();
    let bytes_max = if all > BLOCK_MAX_BYTES { BLOCK_CUT_BYTES } else { BLOCK_MAX_BYTES };
    let mut rest = postings;
    while let Some(first) = rest.first() {
        let mut bytes = 0;
        let fits = |posting: &&Posting<'_>| {
            bytes += size(posting);
            bytes <= bytes_max
        };
        let (now, later) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        let mut out = Vec::with_capacity(bytes_max);
        put_varint(now.len() as u64, &mut out);
        let mut last = 0;
        for posting in now {
            put_varint(posting.id - last, &mut out);
            put_varint(posting.body.len() as u64, &mut out);
            out.extend_from_slice(posting.body);
            last = posting.id;
        }
        seal_from(0, &mut out);
        put(first.id, &out)?;
        rest = later;
    }
    Ok(())
}

const WHAT: &str = "a block of a full-text index";

fn damaged() -> GraphError {
    GraphError::damaged("a block of a full-text index is malformed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postings_come_back() {
        let bodies: Vec<Box<[u8]>> = (0..2_000_u32).map(|id| body(7, &[1, 5, 700 + id])).collect();
        let ids = (0..2_000).map(|id| id * 3);
        let postings: Vec<Posting<'_>> = ids.zip(&bodies).map(|(id, body)| Posting { id, body }).collect();
        let (mut back, mut sizes) = (Vec::<(u64, Vec<u8>)>::new(), Vec::new());
        blocks(&postings, |first, sealed| {
            sizes.push(sealed.len());
            assert_eq!(first, postings[back.len()].id);
            visit(sealed, |id, body| {
                back.push((id, body.to_vec()));
                Ok(true)
            })
            .map(drop)
        })
        .expect("blocks");
        let expected: Vec<(u64, Vec<u8>)> = postings.iter().map(|it| (it.id, it.body.to_vec())).collect();
        assert_eq!(back, expected);
        assert!(sizes.len() > 10 && sizes.iter().all(|size| *size <= BLOCK_MAX_BYTES));
        let occurrence = Occurrence::read(3, postings[1].body).expect("a posting");
        let mut positions = Vec::new();
        occurrence.positions(&mut positions).expect("positions");
        assert_eq!((occurrence.length, occurrence.count, positions), (7, 3, vec![1, 5, 701]));
    }

    #[test]
    fn golden_blocks_have_these_bytes() {
        let (two, one) = (body(2, &[0, 3]), body(9, &[1]));
        let postings = [Posting { id: 5, body: &two }, Posting { id: 300, body: &one }];
        let mut made = Vec::new();
        blocks(&postings, |_, sealed| {
            made.extend_from_slice(sealed);
            Ok(())
        })
        .expect("a block");
        assert_eq!(made[..made.len() - 4], [2, 5, 4, 2, 2, 0, 3, 0xa7, 2, 3, 9, 1, 1]);
    }

    #[test]
    fn many_places_are_counted_and_the_first_are_kept() {
        let positions: Vec<u32> = (0..10_000).collect();
        let body = body(255, &positions);
        let occurrence = Occurrence::read(0, &body).expect("a posting");
        let mut back = Vec::new();
        occurrence.positions(&mut back).expect("positions");
        assert_eq!((occurrence.count, back.len()), (10_000, POSITIONS_MAX));
    }
}
