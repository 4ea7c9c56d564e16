//! What the values of the keyspace hold: each a few fields and, at the end, a checksum.
//! Leaves finding them to `keys` and `read`; knows no store.
//! Start reading at [`seal`] and [`open`], then [`record`] and [`adjacency`].

pub mod adjacency;
pub mod fact;
pub mod label;
pub mod record;
pub mod schema;
#[cfg(test)]
pub(crate) mod strategy;
pub mod value;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::GraphError;

/// Version of the format that is written; those before are read, and raised when they are opened.
pub const FORMAT: u32 = 2;
/// Bytes of the checksum behind every value.
pub const CHECKSUM_BYTES: usize = 4;

/// Appends the checksum to a finished value.
#[must_use]
pub fn seal(mut body: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&body);
    body.extend_from_slice(&sum.to_be_bytes());
    body
}

/// Appends the checksum of what stands behind `from`.
pub fn seal_from(from: usize, out: &mut Vec<u8>) {
    let sum = checksum(&out[from..]);
    out.extend_from_slice(&sum.to_be_bytes());
}

/// Checks a value against its checksum and lends what stands before it; `what` names it in the error.
pub fn open<'a>(sealed: &'a [u8], what: &str) -> Result<&'a [u8], GraphError> {
    let (body, sum) = sealed
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or_else(|| GraphError::damaged(format!("{what} is too short")))?;
    if checksum(body) == u32::from_be_bytes(*sum) {
        Ok(body)
    } else {
        Err(GraphError::damaged(format!("{what} fails its checksum")))
    }
}

/// The lower half of XXH3.
fn checksum(body: &[u8]) -> u32 {
    (xxh3_64(body) & u64::from(u32::MAX)) as u32
}

/// Appends a number in 1 to 10 bytes, seven bits each, the lowest first.
pub fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number so that small ones of either sign are short.
pub fn put_signed(value: i64, out: &mut Vec<u8>) {
    put_varint(((value << 1) ^ (value >> 63)).cast_unsigned(), out);
}

/// Appends a text or bytes behind their length.
pub(crate) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Reads the fields of a value one after another; whatever is wrong is [`GraphError::Damaged`].
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(body: &'a [u8], what: &'static str) -> Self {
        Self { rest: body, what }
    }

    pub(crate) fn damaged(&self) -> GraphError {
        GraphError::damaged(format!("{} is malformed", self.what))
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], GraphError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.damaged())?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], GraphError> {
        Ok(self.take(N)?.try_into().expect("exactly N bytes were taken"))
    }

    pub(crate) fn byte(&mut self) -> Result<u8, GraphError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, GraphError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                // The tenth byte holds the one bit that is left.
                return if shift == 63 && byte > 1 { Err(self.damaged()) } else { Ok(value) };
            }
        }
        Err(self.damaged())
    }

    pub(crate) fn narrow<T: TryFrom<u64>>(&mut self) -> Result<T, GraphError> {
        let value = self.varint()?;
        T::try_from(value).map_err(|_| self.damaged())
    }

    pub(crate) fn signed(&mut self) -> Result<i64, GraphError> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(crate) fn narrow_signed<T: TryFrom<i64>>(&mut self) -> Result<T, GraphError> {
        let value = self.signed()?;
        T::try_from(value).map_err(|_| self.damaged())
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], GraphError> {
        let length = self.narrow()?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, GraphError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged())
    }

    /// Tells how many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Says that nothing may follow.
    pub(crate) fn end(self) -> Result<(), GraphError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.damaged()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn golden_checksums_have_these_bytes() {
        // XXH3 of nothing is published: 2d06800538d394c2.
        assert_eq!(seal(Vec::new()), [0x38, 0xd3, 0x94, 0xc2]);
        assert_eq!(seal(vec![1, 2, 3]), [1, 2, 3, 50, 174, 115, 59]);
    }

    proptest! {
        #[test]
        fn numbers_come_back(value: u64, signed: i64) {
            let mut out = Vec::new();
            put_varint(value, &mut out);
            put_signed(signed, &mut out);
            let mut fields = Fields::new(&out, "test");
            prop_assert_eq!(fields.varint().ok(), Some(value));
            prop_assert_eq!(fields.signed().ok(), Some(signed));
            prop_assert!(fields.end().is_ok());
        }

        #[test]
        fn a_flipped_bit_is_noticed(body in proptest::collection::vec(any::<u8>(), 0..64), at: usize, bit in 0_u32..8) {
            let mut sealed = seal(body);
            let at = at % sealed.len();
            sealed[at] ^= 1_u8 << bit;
            prop_assert!(open(&sealed, "test").is_err());
        }
    }
}
