//! What the values of a body will take in memory, told before anything is made of them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use types::Value;

/// Room that a list or a map has at least, once there is something in it.
const ITEMS_MIN: usize = 4;

/// Tells the bytes that everything in a body takes as values; estimated as [`Value::memory_bytes`] does.
pub(in crate::http_face) fn weigh(body: &[u8]) -> Result<usize, serde_json::Error> {
    serde_json::from_slice(body).map(|Weight(bytes)| bytes)
}

/// What a value takes beside its own place.
struct Weight(usize);

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WeightVisitor).map(Self)
    }
}

struct WeightVisitor;

impl<'de> Visitor<'de> for WeightVisitor {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_bool<E>(self, _: bool) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_i64<E>(self, _: i64) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_u64<E>(self, _: u64) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_f64<E>(self, _: f64) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_str<E>(self, text: &str) -> Result<usize, E> {
        Ok(Value::text_room_bytes(text.len()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        let (mut items, mut bytes) = (0, 0);
        while let Some(Weight(more)) = list.next_element()? {
            (items, bytes) = (items + 1, bytes + more);
        }
        Ok(bytes + Value::list_room_bytes(room(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<usize, A::Error> {
        let (mut entries, mut bytes) = (0, 0);
        while let Some((Weight(key), Weight(more))) = object.next_entry()? {
            (entries, bytes) = (entries + 1, bytes + key + more);
        }
        Ok(bytes + Value::map_room_bytes(room(entries)))
    }
}

/// Tells for how many items there is room once that many were added one by one.
fn room(items: usize) -> usize {
    if items == 0 { 0 } else { items.next_power_of_two().max(ITEMS_MIN) }
}

#[cfg(test)]
mod tests {
    use super::super::parameters::Parameter;
    use super::*;

    fn check(body: &str) {
        let told = weigh(body.as_bytes()).expect("weighs");
        let Parameter(value) = serde_json::from_str(body).expect("parses");
        let is = value.memory_bytes() - size_of::<Value>();
        assert!((is..=2 * is + 64).contains(&told), "{told} of {is}: {}", &body[..body.len().min(80)]);
    }

    #[test]
    fn f51_what_a_body_will_take_is_told_before_values_are_made_of_it() {
        check("null");
        check("[]");
        check(r#"{"a": [1, 2.5, true, "a text that is too long for its place", {}], "b": {"c": null}}"#);
        for item in ["7", "{}", "[]", r#"{"a": 1}"#, r#"{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}"#, r#"["a", "b"]"#] {
            for items in [1, 5, 1_000, 100_000] {
                check(&format!("[{}]", vec![item; items].join(",")));
            }
        }
        weigh(b"[1, 2").expect_err("it ends too soon");
    }
}
