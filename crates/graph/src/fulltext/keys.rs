//! Keys of a full-text index, below the prefix of all its entries.
//!
//! | key | value |
//! |---|---|
//! | `00` field u16 | how many entities have words there and how many words they have, i64 each |
//! | `01` field u16, term as ended bytes, id u64 | a block of the entities that have the term |

use types::IndexId;

use crate::keys::{entries_of_index, u64_at};

/// The place of a property key among those of its index.
pub(super) type Field = u16;

const STATISTICS: u8 = 0;
const POSTINGS: u8 = 1;

/// Bytes before the term: prefix of the index, table, field.
const TERM_FROM: usize = 5 + 1 + 2;

/// Key of what is counted about a field.
pub(super) fn statistics(index: IndexId, field: Field) -> Vec<u8> {
    [&entries_of_index(index)[..], &[STATISTICS], &field.to_be_bytes()].concat()
}

/// What the keys of all blocks of a field begin with.
pub(super) fn postings_of_field(index: IndexId, field: Field) -> Vec<u8> {
    [&entries_of_index(index)[..], &[POSTINGS], &field.to_be_bytes()].concat()
}

/// What the keys of all blocks of terms with this beginning begin with.
pub(super) fn postings_of_prefix(index: IndexId, field: Field, prefix: &str) -> Vec<u8> {
    let mut key = postings_of_field(index, field);
    for byte in prefix.bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    key
}

/// What the keys of all blocks of a term begin with.
pub(super) fn postings_of_term(index: IndexId, field: Field, term: &str) -> Vec<u8> {
    let mut key = postings_of_prefix(index, field, term);
    key.extend_from_slice(&[0, 1]);
    key
}

/// Key of the block that begins with an entity; `list` is what [`postings_of_term`] gives.
pub(super) fn block(list: &[u8], id: u64) -> Vec<u8> {
    [list, &id.to_be_bytes()].concat()
}

/// What a key of a full-text index means.
pub(super) enum Meaning {
    Statistics(Field),
    Block { field: Field, term: String, id: u64 },
}

/// Reads a key; `None` if no index has such a key.
pub(super) fn read(key: &[u8]) -> Option<Meaning> {
    let field = Field::from_be_bytes(key.get(TERM_FROM - 2..TERM_FROM)?.try_into().ok()?);
    match *key.get(5)? {
        STATISTICS if key.len() == TERM_FROM => Some(Meaning::Statistics(field)),
        POSTINGS => {
            let id_from = key.len().checked_sub(8)?;
            let mut ended = key.get(TERM_FROM..id_from)?.strip_suffix(&[0, 1])?.iter();
            let mut term = Vec::new();
            while let Some(byte) = ended.next() {
                term.push(*byte);
                if *byte == 0 && ended.next() != Some(&0xff) {
                    return None;
                }
            }
            Some(Meaning::Block { field, term: String::from_utf8(term).ok()?, id: u64_at(key, id_from)? })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_keys_have_these_bytes() {
        let index = IndexId(7);
        assert_eq!(statistics(index, 2), [0x20, 0, 0, 0, 7, 0, 0, 2]);
        let list = postings_of_term(index, 2, "a\0b");
        assert_eq!(list, [0x20, 0, 0, 0, 7, 1, 0, 2, b'a', 0, 0xff, b'b', 0, 1]);
        let key = block(&list, 9);
        assert!(matches!(read(&key), Some(Meaning::Block { field: 2, term, id: 9 }) if term == "a\0b"));
        assert!(read(&list).is_none());
    }
}
