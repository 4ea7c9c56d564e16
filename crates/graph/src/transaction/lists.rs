//! Adds and removes relationships in the lists of nodes that were there before: one block read, one written.
//! Leaves the form of a block to `codec::adjacency`.
//! Start reading at [`put_places`].

use store::{Reader, Writer};

use super::apply::AsReader;
use super::change::Place;
use crate::GraphError;
use crate::codec::adjacency::{self, Pair};
use crate::keys;

/// Adds (`true`) and removes relationships; `places` are sorted.
pub(super) fn put_places(writer: &mut dyn Writer, places: &[(Place, bool)]) -> Result<(), GraphError> {
    let mut block = Block::default();
    for list in places.chunk_by(|(left, _), (right, _)| left.is_with(right)) {
        let mut rest = list;
        while let Some((first, _)) = rest.first() {
            block.read(writer.as_reader(), first)?;
            // The place for which the block was found lies in it, so each round takes at least one.
            let (now, later) = rest.split_at(block.size_of(rest).max(1));
            block.change(now);
            block.write(writer, first)?;
            rest = later;
        }
    }
    Ok(())
}

/// The block into which a place belongs, if its list has any.
#[derive(Default)]
struct Block {
    /// Empty if there is no block.
    key: Vec<u8>,
    sealed: Vec<u8>,
    pairs: Vec<Pair>,
    /// Key of the block behind it; empty if there is none.
    next: Vec<u8>,
    scratch: Vec<u8>,
}

impl Block {
    fn read(&mut self, reader: &dyn Reader, place: &Place) -> Result<(), GraphError> {
        let (list, list_end, key) = (place.list(), keys::after_prefix(&place.list()), place.key());
        self.key.clear();
        self.next.clear();
        self.pairs.clear();
        // Nearly every list is one block, or none: the first one is it unless the second one begins before the place.
        reader.scan(&list[..]..&list_end, &mut |key, block| {
            if self.key.is_empty() { self.take(key, block) } else { self.take_next(key) }
        })?;
        if !self.next.is_empty() && self.next[..] <= key[..] {
            reader.scan_back(&list[..]..&after(&key), &mut |key, block| {
                self.take(key, block);
                false
            })?;
            self.next.clear();
            reader.scan(&after(&self.key)..&list_end, &mut |key, _| self.take_next(key))?;
        }
        if self.key.is_empty() { Ok(()) } else { adjacency::decode(&self.sealed, &mut self.pairs) }
    }

    fn take(&mut self, key: &[u8], block: &[u8]) -> bool {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.sealed.clear();
        self.sealed.extend_from_slice(block);
        true
    }

    fn take_next(&mut self, key: &[u8]) -> bool {
        self.next.extend_from_slice(key);
        false
    }

    /// Tells how many of the places lie before the next block.
    fn size_of(&self, places: &[(Place, bool)]) -> usize {
        if self.next.is_empty() {
            return places.len();
        }
        places.partition_point(|(place, _)| place.key()[..] < self.next[..])
    }

    fn change(&mut self, places: &[(Place, bool)]) {
        if let [(place, is_new)] = places {
            match (self.pairs.binary_search(&place.pair()), is_new) {
                (Err(at), true) => self.pairs.insert(at, place.pair()),
                (Ok(at), false) => drop(self.pairs.remove(at)),
                (Ok(_), true) | (Err(_), false) => {}
            }
            return;
        }
        // Both are sorted: one pass, however many there are.
        let mut old = std::mem::take(&mut self.pairs).into_iter().peekable();
        for (place, is_new) in places {
            let pair = place.pair();
            while let Some(before) = old.next_if(|old| *old < pair) {
                self.pairs.push(before);
            }
            old.next_if_eq(&pair);
            if *is_new {
                self.pairs.push(pair);
            }
        }
        self.pairs.extend(old);
    }

    fn write(&mut self, writer: &mut dyn Writer, place: &Place) -> Result<(), GraphError> {
        let at = |pair: &Pair| Place { neighbour: pair.0, relationship: pair.1, ..*place }.key();
        let is_same = self.pairs.first().is_some_and(|first| at(first)[..] == self.key);
        if !is_same && !self.key.is_empty() {
            writer.delete(&self.key)?;
        }
        let mut written = Ok(());
        adjacency::encode_each(&self.pairs, &mut self.scratch, |first, block| {
            if written.is_ok() {
                written = writer.put(&at(&first), block);
            }
        });
        Ok(written?)
    }
}

/// The first key behind `key`.
fn after(key: &[u8]) -> Vec<u8> {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next
}
