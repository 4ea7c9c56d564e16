//! The entry before another one, looked up on the page where both lie.
//! Only for entries that a snapshot lends, and only a short cut: where it finds nothing there may be one all the same.
//! Start reading at [`before`].
//!
//! LMDB's cursors can step back; those that heed lets out cannot be asked to. A search for the entry before costs as much as
//! the search that found this one, and every range that is read would pay for it.
#![expect(unsafe_code, reason = "reading the page around an entry; see the one block")]

use std::{ptr, slice};

use super::format::{LEAF, PAGE_BYTES, PAGE_HEADER_BYTES, u16_at, u32_at};

/// Bytes of a node before its key.
const NODE_BYTES: usize = 8;

/// Lends key and value of the entry before the one with `key`, if it lies on the same page and so does its value.
///
/// # Safety
///
/// `key` is lent by a read transaction that outlives `'t`: it lies on a page of the map.
pub(super) unsafe fn before<'t>(key: &'t [u8]) -> Option<(&'t [u8], &'t [u8])> {
    let address = key.as_ptr().expose_provenance();
    let base = address - address % PAGE_BYTES as usize;
    // SAFETY: pages are of 4,096 bytes in every file that is opened, and a map begins at a page of the machine, which is
    // a multiple of that: so the page of the key is the 4,096 bytes around it, all of them mapped. Its transaction keeps
    // the page as it is for `'t`, and the map where it is. The map comes from LMDB, so its provenance is an exposed one.
    // `a7_no_flipped_bit_of_a_key_gives_a_wrong_answer` is the test.
    let page: &'t [u8] = unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(base), PAGE_BYTES as usize) };
    let places = page.get(PAGE_HEADER_BYTES..usize::from(u16_at(page, 12))).filter(|_| u16_at(page, 10) == LEAF)?;
    let at = u16::try_from((address - base).checked_sub(NODE_BYTES)?).ok()?.to_le_bytes();
    let place = position(places.as_chunks().0, at)?;
    let node = page.get(usize::from(u16_at(places, 2 * place.checked_sub(1)?))..)?;
    // A value that lies elsewhere is flagged.
    let is_here = node.len() > NODE_BYTES && u16_at(node, 4) == 0;
    let (key, rest) = node.get(NODE_BYTES..).filter(|_| is_here)?.split_at_checked(u16_at(node, 6).into())?;
    Some((key, rest.get(..u32_at(node, 0) as usize)?))
}

/// Finds `at` among the places of a page: many at a time, for they are not ordered.
fn position(places: &[[u8; 2]], at: [u8; 2]) -> Option<usize> {
    const STRIDE: usize = 16;
    let is_in = |stride: &[[u8; 2]]| stride.iter().fold(false, |is_in, place| is_in | (*place == at));
    let stride = places.chunks(STRIDE).position(is_in)?;
    places[stride * STRIDE..].iter().position(|place| *place == at).map(|place| stride * STRIDE + place)
}
