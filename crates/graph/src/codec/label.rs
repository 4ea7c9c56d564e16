//! Which of 1,024 nodes have a label: a sorted list while few do, a bitmap afterwards.

use super::{Fields, open, seal};
use crate::error::GraphError;
use crate::keys::LABEL_BLOCK_NODES;

const WORDS: usize = 16;
/// Up to here a list of two-byte numbers is shorter than the bitmap.
const LIST_MAX: usize = 63;
const LIST: u8 = 0;
const BITMAP: u8 = 1;

/// The nodes of one block that have the label, by the lowest ten bits of their ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Members {
    words: [u64; WORDS],
}

impl Members {
    /// Reads a block.
    pub fn decode(sealed: &[u8]) -> Result<Self, GraphError> {
        let mut fields = Fields::new(open(sealed, "a label block")?, "a label block");
        let mut members = Self::default();
        match fields.byte()? {
            BITMAP => {
                for word in &mut members.words {
                    *word = u64::from_be_bytes(fields.array()?);
                }
                fields.end()?;
            }
            LIST => {
                let damaged = fields.damaged();
                let (places, rest) = fields.rest().as_chunks();
                let sound = rest.is_empty() && places.iter().all(|place| members.insert(u16::from_be_bytes(*place)));
                if !sound {
                    return Err(damaged);
                }
            }
            _ => return Err(fields.damaged()),
        }
        Ok(members)
    }

    /// Makes the block's bytes, with its checksum.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out;
        if self.len() <= LIST_MAX {
            out = vec![LIST];
            self.iter().for_each(|place| out.extend_from_slice(&place.to_be_bytes()));
        } else {
            out = vec![BITMAP];
            self.words.iter().for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
        }
        seal(out)
    }

    /// Gives the place of a node in its block.
    #[must_use]
    pub fn place(node: types::NodeId) -> u16 {
        (node.0 % LABEL_BLOCK_NODES) as u16
    }

    /// Adds a place; `false` if it was there, or is none of the 1,024.
    pub fn insert(&mut self, place: u16) -> bool {
        let Some(word) = self.words.get_mut(usize::from(place / 64)) else { return false };
        let bit = 1 << (place % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Removes a place; `false` if it was not there.
    pub fn remove(&mut self, place: u16) -> bool {
        let was = self.contains(place);
        if was {
            self.words[usize::from(place / 64)] &= !(1 << (place % 64));
        }
        was
    }

    /// Tells whether a place is there.
    #[must_use]
    pub fn contains(&self, place: u16) -> bool {
        self.words.get(usize::from(place / 64)).is_some_and(|word| word & (1 << (place % 64)) != 0)
    }

    /// Tells how many places are there.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Tells whether no place is there: such a block is not stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Lists the places, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u16> + use<> {
        let words = self.words;
        (0_u16..).zip(words).flat_map(|(at, mut word)| {
            std::iter::from_fn(move || {
                if word == 0 {
                    return None;
                }
                let bit = word.trailing_zeros() as u16;
                word &= word - 1;
                Some(at * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn members_come_back(places in proptest::collection::btree_set(0_u16..1_024, 0..200)) {
            let mut members = Members::default();
            for place in &places {
                prop_assert!(members.insert(*place));
            }
            let back = Members::decode(&members.encode()).expect("a block");
            prop_assert_eq!(back, members);
            prop_assert!(back.iter().eq(places.iter().copied()));
            prop_assert_eq!(back.len(), places.len());
        }

        #[test]
        fn damaged_blocks_never_panic(noise in proptest::collection::vec(any::<u8>(), 0..150)) {
            let _ = Members::decode(&seal(noise));
        }
    }

    #[test]
    fn golden_blocks_have_these_bytes() {
        let mut members = Members::default();
        members.insert(1_023);
        members.insert(2);
        assert_eq!(members.encode()[..5], [0, 0, 2, 3, 255]);
        for place in 0..64 {
            members.insert(place);
        }
        let encoded = members.encode();
        assert_eq!((encoded.len(), encoded[0], encoded[1], encoded[128]), (133, 1, 255, 0));
        assert_eq!(encoded[121], 128);
    }

    #[test]
    fn places_are_added_and_removed_once() {
        let mut members = Members::default();
        assert!(members.insert(70) && !members.insert(70) && !members.insert(1_024));
        assert!(members.remove(70) && !members.remove(70) && members.is_empty());
    }
}
