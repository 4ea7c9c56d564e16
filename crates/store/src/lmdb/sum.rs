//! What holds a value to its key: a checksum over both, behind every value of a file of format 2.
//! The one place that makes and checks it; who reads looks at neighbours too, see `reading`.
//! Start reading at [`Sums::with`], then [`Sums::open`].
//!
//! A value alone can say that it is whole. Only together with its key can it say that it stands where it was put: a bit
//! that changes in a key leaves the value as it was, and very often the order of the keys too.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The format of files whose values have no checksums here.
const BARE: u32 = 1;
/// Bytes of a checksum.
const SUM_BYTES: usize = 4;

/// Whether the values of a file have checksums; all of them or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sums {
    /// Values lie as they were given.
    None,
    /// Behind each value stands its checksum.
    Each,
}

impl Sums {
    /// Tells what the files of a format have.
    pub(super) fn of(format: u32) -> Self {
        if format == BARE { Self::None } else { Self::Each }
    }

    /// Gives what is to lie under `key`; it is made in `room` where it differs from the value.
    pub(super) fn with<'v>(self, key: &[u8], value: &'v [u8], room: &'v mut Vec<u8>) -> &'v [u8] {
        match self {
            Self::None => value,
            Self::Each => {
                room.clear();
                room.extend_from_slice(value);
                room.extend_from_slice(&sum(key, value));
                room
            }
        }
    }

    /// Gives the value out of what lies under `key`; nothing if its checksum is not the one of this key and value.
    #[inline]
    pub(super) fn open<'v>(self, key: &[u8], stored: &'v [u8]) -> Option<&'v [u8]> {
        match self {
            Self::None => Some(stored),
            Self::Each => {
                let (value, found) = stored.split_last_chunk::<SUM_BYTES>()?;
                (sum(key, value) == *found).then_some(value)
            }
        }
    }
}

/// The lower half of XXH3 of the value, its seed being XXH3 of the key.
#[inline]
fn sum(key: &[u8], value: &[u8]) -> [u8; SUM_BYTES] {
    let [.., a, b, c, d] = xxh3_64_with_seed(value, xxh3_64(key)).to_be_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_sums_have_these_bytes() {
        let mut room = Vec::new();
        assert_eq!(Sums::of(1).with(b"k", b"value", &mut room), b"value");
        assert_eq!(Sums::of(2).with(b"k", b"value", &mut room), b"value\x6d\x87\xc0\x55");
        assert_eq!(Sums::of(2).with(b"k", b"", &mut room), [61, 68, 28, 174]);
        assert_eq!(Sums::of(2).with(&[7; 300], &[8; 300], &mut room)[300..], [35, 87, 255, 159]);
    }

    #[test]
    fn a7_a_flipped_bit_of_key_value_or_checksum_is_noticed() {
        for value_bytes in [0, 1, 3, 9, 17, 130, 250] {
            let (mut key, mut room) = (b"\x10\0\0\0\0\0\0\x01\x2a".to_vec(), Vec::new());
            let value = vec![7; value_bytes];
            let mut stored = Sums::Each.with(&key, &value, &mut room).to_vec();
            assert_eq!(Sums::Each.open(&key, &stored), Some(&value[..]));
            for bit in 0..key.len() * 8 {
                key[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Sums::Each.open(&key, &stored), None);
                key[bit / 8] ^= 1 << (bit % 8);
            }
            for bit in 0..stored.len() * 8 {
                stored[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Sums::Each.open(&key, &stored), None);
                stored[bit / 8] ^= 1 << (bit % 8);
            }
            for cut in 0..stored.len() {
                assert_eq!(Sums::Each.open(&key, &stored[..cut]), None);
            }
        }
    }
}
