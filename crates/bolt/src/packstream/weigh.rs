//! What a value will take in memory, told from its bytes before anything is made of them.

use types::Value;

use super::marker;
use super::unpack::{READ_AHEAD_ITEMS, UnpackError, Unpacker};

/// What a date, time, point or the like takes beside its own place, at most.
const STRUCTURE_BYTES: usize = 64;

impl Unpacker<'_> {
    /// Passes over a value; tells the bytes that it would take, with its own place. Estimated as [`Value::memory_bytes`] does.
    pub fn weigh(&mut self) -> Result<usize, UnpackError> {
        let (mut bytes, mut left) = (size_of::<Value>(), 1);
        while left > 0 {
            left -= 1;
            let first = self.peek()?;
            match first {
                0x00..=0x7F | 0xF0..=0xFF | marker::INTEGER_8..=marker::INTEGER_64 => drop(self.integer()?),
                0x80..=0x8F | marker::STRING_8..=marker::STRING_32 => {
                    bytes += Value::text_room_bytes(self.string()?.len());
                }
                0x90..=0x9F | marker::LIST_8..=marker::LIST_32 => {
                    let items = self.list_header()?;
                    (bytes, left) = (bytes + Value::list_room_bytes(room(items)), left + items);
                }
                0xA0..=0xAF | marker::MAP_8..=marker::MAP_32 => {
                    let entries = self.map_header()?;
                    (bytes, left) = (bytes + Value::map_room_bytes(room(entries)), left + 2 * entries);
                }
                0xB0..=0xBF => {
                    let (fields, _) = self.structure_header()?;
                    (bytes, left) = (bytes + STRUCTURE_BYTES, left + usize::from(fields));
                }
                marker::BYTES_8..=marker::BYTES_32 => bytes += Value::text_room_bytes(self.bytes()?.len()),
                marker::FLOAT => drop(self.float()?),
                marker::NULL | marker::TRUE | marker::FALSE => drop(self.byte()?),
                _ => return Err(UnpackError::Marker(first)),
            }
        }
        Ok(bytes)
    }
}

/// Tells for how many items there is room once that many were added one by one.
fn room(items: usize) -> usize {
    if items <= READ_AHEAD_ITEMS { items } else { items.next_power_of_two() }
}

#[cfg(test)]
mod tests {
    use types::{CompactString, Map};

    use super::*;
    use crate::packstream::Packer;
    use crate::version::{Dialect, Version};

    fn check(value: &Value) {
        let mut bytes = Vec::new();
        Packer::new(&mut bytes, Dialect::of(Version::V5_4)).value(value).expect("packs");
        let weight = |bytes: &[u8]| {
            let mut reader = Unpacker::of_request(bytes, Dialect::of(Version::V5_4));
            let weight = reader.weigh();
            reader.finish().map_or_else(Err, |()| weight)
        };
        let read = Unpacker::of_request(&bytes, Dialect::of(Version::V5_4)).value().expect("reads");
        let (told, is) = (weight(&bytes).expect("weighs"), read.memory_bytes());
        assert!((is..=is + is / 4 + 64).contains(&told), "{told} of {is}");
        if bytes.len() > 1 {
            weight(&bytes[..bytes.len() - 1]).expect_err("it ends too soon");
        }
    }

    #[test]
    fn f51_what_a_value_will_take_is_told_before_it_is_made() {
        check(&Value::Null);
        check(&Value::Float(0.5));
        check(&Value::string("short"));
        check(&Value::string("long ".repeat(100_000)));
        for items in [0, 1, 1_000, 1_024, 1_025, 100_000] {
            check(&Value::list(vec![Value::Integer(1 << 40); items]));
            check(&Value::list(vec![Value::map(Map::new()); items]));
            check(&Value::list(vec![Value::list(vec![Value::Boolean(true)]); items]));
            let entries =
                (0..items).map(|n| (CompactString::from(format!("key {n} of the map, a long one")), Value::Null));
            check(&Value::map(entries.collect()));
        }
    }
}
