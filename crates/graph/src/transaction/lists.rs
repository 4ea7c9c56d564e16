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
            let size = match rest.len() {
                1 => 1,
                _ => block.size_of(writer.as_reader(), rest)?.max(1),
            };
            let (now, later) = rest.split_at(size);
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
    pairs: Vec<Pair>,
    scratch: Vec<u8>,
}

impl Block {
    fn read(&mut self, reader: &dyn Reader, place: &Place) -> Result<(), GraphError> {
        self.key.clear();
        self.pairs.clear();
        let list = place.list();
        let mut decoded = Ok(());
        let mut take = |key: &[u8], block: &[u8]| {
            self.key.extend_from_slice(key);
            decoded = adjacency::decode(block, &mut self.pairs);
            false
        };
        reader.scan_back(&list[..]..&after(&place.key()), &mut take)?;
        if self.key.is_empty() {
            // The place is less than all others: it goes to the front of the first block.
            let mut take = |key: &[u8], block: &[u8]| {
                self.key.extend_from_slice(key);
                decoded = adjacency::decode(block, &mut self.pairs);
                false
            };
            reader.scan(&list[..]..&keys::after_prefix(&list), &mut take)?;
        }
        decoded
    }

    /// Tells how many of the places lie before the next block.
    fn size_of(&self, reader: &dyn Reader, places: &[(Place, bool)]) -> Result<usize, GraphError> {
        let (Some((first, _)), false) = (places.first(), self.key.is_empty()) else { return Ok(places.len()) };
        let mut size = places.len();
        let take = &mut |key: &[u8], _: &[u8]| {
            size = places.partition_point(|(place, _)| place.key()[..] < *key);
            false
        };
        reader.scan(&after(&self.key)..&keys::after_prefix(&first.list()), take)?;
        Ok(size)
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
