//! The changes of a commit as bytes: what was put, deleted, and deleted by range, in their order.
//! Leaves frames and files to others. Start reading at [`Change`].

use std::ops::Range;

use crate::{StoreError, Writer};

const PUT: u8 = 1;
const DELETE: u8 = 2;
const DELETE_RANGE: u8 = 3;

/// One change of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change<'b> {
    Put(&'b [u8], &'b [u8]),
    Delete(&'b [u8]),
    DeleteRange(&'b [u8], &'b [u8]),
}

impl Change<'_> {
    /// Appends the change's bytes.
    pub fn print(self, out: &mut Vec<u8>) {
        match self {
            Self::Put(key, value) => {
                out.push(PUT);
                put_length(key, out);
                out.extend_from_slice(&u32::try_from(value.len()).expect("values are short").to_le_bytes());
                out.extend_from_slice(key);
                out.extend_from_slice(value);
            }
            Self::Delete(key) => {
                out.push(DELETE);
                put_length(key, out);
                out.extend_from_slice(key);
            }
            Self::DeleteRange(start, end) => {
                out.push(DELETE_RANGE);
                put_length(start, out);
                put_length(end, out);
                out.extend_from_slice(start);
                out.extend_from_slice(end);
            }
        }
    }

    /// Makes the change.
    pub fn apply(self, writer: &mut dyn Writer) -> Result<(), StoreError> {
        match self {
            Self::Put(key, value) => writer.put(key, value),
            Self::Delete(key) => writer.delete(key).map(drop),
            Self::DeleteRange(start, end) => writer.delete_range(Range { start, end }),
        }
    }
}

fn put_length(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&u16::try_from(bytes.len()).expect("keys are short").to_le_bytes());
}

/// Hands each change to `visit`; `Ok(false)` where the bytes are no changes.
pub(super) fn each(
    mut bytes: &[u8],
    visit: &mut dyn FnMut(Change<'_>) -> Result<(), StoreError>,
) -> Result<bool, StoreError> {
    while !bytes.is_empty() {
        let Some((change, rest)) = next(bytes) else { return Ok(false) };
        visit(change)?;
        bytes = rest;
    }
    Ok(true)
}

fn next(bytes: &[u8]) -> Option<(Change<'_>, &[u8])> {
    let (&kind, bytes) = bytes.split_first()?;
    let (one, bytes) = bytes.split_first_chunk::<2>()?;
    let one = usize::from(u16::from_le_bytes(*one));
    match kind {
        PUT => {
            let (two, bytes) = bytes.split_first_chunk::<4>()?;
            let (key, bytes) = bytes.split_at_checked(one)?;
            let (value, bytes) = bytes.split_at_checked(u32::from_le_bytes(*two) as usize)?;
            Some((Change::Put(key, value), bytes))
        }
        DELETE => {
            let (key, bytes) = bytes.split_at_checked(one)?;
            Some((Change::Delete(key), bytes))
        }
        DELETE_RANGE => {
            let (two, bytes) = bytes.split_first_chunk::<2>()?;
            let (start, bytes) = bytes.split_at_checked(one)?;
            let (end, bytes) = bytes.split_at_checked(usize::from(u16::from_le_bytes(*two)))?;
            Some((Change::DeleteRange(start, end), bytes))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_back_in_their_order() {
        let all = [Change::Put(b"a", b""), Change::DeleteRange(b"", &[0xFF; 512]), Change::Delete(b"b")];
        let mut bytes = Vec::new();
        all.into_iter().for_each(|change| change.print(&mut bytes));
        let mut back = Vec::new();
        let whole = each(&bytes, &mut |change| {
            back.push(format!("{change:?}"));
            Ok(())
        });
        assert!(whole.expect("nothing fails"));
        assert_eq!(back, all.map(|change| format!("{change:?}")));
        for end in 1..bytes.len() {
            // Cut where a change ends it is whole, and shorter; cut elsewhere it is noticed.
            let mut count = 0;
            let whole = each(&bytes[..end], &mut |_| {
                count += 1;
                Ok(())
            });
            assert!(!whole.expect("nothing fails") || count < 3, "cut at {end}");
        }
        assert!(!each(&[9, 0, 0], &mut |_| Ok(())).expect("nothing fails"));
    }
}
