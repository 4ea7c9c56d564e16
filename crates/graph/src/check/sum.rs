//! Whether two walks in different orders met the same things, in constant memory.

use xxhash_rust::xxh3::xxh3_128;

/// A set of byte strings, told apart by the sum of their hashes.
///
/// Two different sets have the same sum only by a chance of one in 2^128, which no damage aims at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum(u128);

impl Sum {
    pub fn add(&mut self, bytes: &[u8]) {
        self.0 = self.0.wrapping_add(xxh3_128(bytes));
    }
}

/// What one walk expects and another one finds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pair {
    pub expected: Sum,
    pub found: Sum,
}

impl Pair {
    pub fn differs(self) -> bool {
        self.expected != self.found
    }
}
