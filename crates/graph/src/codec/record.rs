//! Records of nodes and relationships: a head, a table of property keys, the values.

use store::VALUE_MAX_BYTES;
use types::{KeyId, LabelId, NodeId, RelationshipId, TypeId, Value};

use super::value::LONG;
use super::{CHECKSUM_BYTES, Fields, open, put_varint, seal, seal_from, value};
use crate::error::GraphError;

/// Values that need more bytes are kept outside the record, in parts.
pub const LONG_MIN_BYTES: usize = 48 << 10;
/// Bytes of a long value in one part.
pub const PART_BYTES: usize = 60 << 10;
/// Bytes of one line of the table: key id and end of the value.
const LINE_BYTES: usize = 6;

/// A record ready to be stored, with the parts of its long values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The record, with its checksum.
    pub bytes: Vec<u8>,
    /// The parts of each value that is kept outside, each with its checksum, for [`crate::keys::long`].
    pub long: Long,
}

/// Values that are kept outside a record, each as its parts.
pub type Long = Vec<(KeyId, Vec<Vec<u8>>)>;

/// A value in a record, or the word that it is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored<'a> {
    /// The encoded value, for [`value::decode`].
    Here(&'a [u8]),
    /// The value lies in this many parts under [`crate::keys::long`].
    Long {
        /// How many parts.
        parts: u32,
    },
}

/// Makes a node's record; `labels` and `properties` in any order, each once.
pub fn encode_node(labels: &[LabelId], properties: &[(KeyId, Value)]) -> Result<Encoded, GraphError> {
    let mut encoded = Encoded::default();
    encoded.long = append_node(labels, properties, &mut encoded.bytes)?;
    Ok(encoded)
}

/// As [`encode_node`], but appends the record to `out`; gives the parts of its long values.
pub fn append_node(labels: &[LabelId], properties: &[(KeyId, Value)], out: &mut Vec<u8>) -> Result<Long, GraphError> {
    let from = out.len();
    put_varint(labels.len() as u64, out);
    if labels.is_sorted() {
        labels.iter().for_each(|label| put_varint(label.0.into(), out));
    } else {
        let mut labels = labels.to_vec();
        labels.sort_unstable();
        labels.iter().for_each(|label| put_varint(label.0.into(), out));
    }
    append_properties(from, properties, out)
}

/// Makes a relationship's record; `properties` in any order, each once.
pub fn encode_relationship(
    start: NodeId,
    end: NodeId,
    kind: TypeId,
    properties: &[(KeyId, Value)],
) -> Result<Encoded, GraphError> {
    let mut encoded = Encoded::default();
    encoded.long = append_relationship(start, end, kind, properties, &mut encoded.bytes)?;
    Ok(encoded)
}

/// As [`encode_relationship`], but appends the record to `out`; gives the parts of its long values.
pub fn append_relationship(
    start: NodeId,
    end: NodeId,
    kind: TypeId,
    properties: &[(KeyId, Value)],
    out: &mut Vec<u8>,
) -> Result<Long, GraphError> {
    let from = out.len();
    put_varint(start.0, out);
    put_varint(end.0, out);
    put_varint(kind.0.into(), out);
    append_properties(from, properties, out)
}

/// Tells whether some of these properties may be kept outside their record; `false` is certain.
#[must_use]
pub fn may_be_long(properties: &[(KeyId, Value)]) -> bool {
    /// More than any value of a fixed size takes, and its line in the table.
    const SMALL_BYTES: usize = 64;
    fn bytes(value: &Value) -> usize {
        SMALL_BYTES
            + match value {
                Value::String(text) => text.len(),
                Value::Bytes(bytes) => bytes.len(),
                Value::List(items) => items.iter().map(bytes).sum(),
                Value::DateTime(time) => time.zone.name.as_ref().map_or(0, |name| name.len()),
                _ => 0,
            }
    }
    properties.iter().map(|(_, value)| bytes(value)).sum::<usize>() > LONG_MIN_BYTES
}

/// A node as it is stored: labels and properties, lent by the store.
#[derive(Clone, Debug)]
pub struct NodeRecord<'a> {
    /// The node.
    pub id: NodeId,
    /// Its labels, ascending.
    pub labels: smallvec::SmallVec<[LabelId; 4]>,
    /// Its properties.
    pub properties: Properties<'a>,
}

impl<'a> NodeRecord<'a> {
    /// Reads a record and checks its checksum.
    pub fn decode(id: NodeId, sealed: &'a [u8]) -> Result<Self, GraphError> {
        let mut fields = Fields::new(open(sealed, "a node")?, "a node");
        let count: usize = fields.narrow()?;
        let mut labels = smallvec::SmallVec::new();
        for _ in 0..count {
            labels.push(LabelId(fields.narrow()?));
        }
        Ok(Self { id, labels, properties: Properties::read(fields)? })
    }

    /// Tells whether the node has a label.
    #[must_use]
    pub fn has_label(&self, label: LabelId) -> bool {
        self.labels.binary_search(&label).is_ok()
    }
}

/// A relationship as it is stored: ends, type and properties, lent by the store.
#[derive(Clone, Debug)]
pub struct RelationshipRecord<'a> {
    /// The relationship.
    pub id: RelationshipId,
    /// The node where it starts.
    pub start: NodeId,
    /// The node where it ends.
    pub end: NodeId,
    /// Its type.
    pub kind: TypeId,
    /// Its properties.
    pub properties: Properties<'a>,
}

impl<'a> RelationshipRecord<'a> {
    /// Reads a record and checks its checksum.
    pub fn decode(id: RelationshipId, sealed: &'a [u8]) -> Result<Self, GraphError> {
        let mut fields = Fields::new(open(sealed, "a relationship")?, "a relationship");
        let (start, end) = (NodeId(fields.varint()?), NodeId(fields.varint()?));
        let kind = TypeId(fields.narrow()?);
        Ok(Self { id, start, end, kind, properties: Properties::read(fields)? })
    }

    /// Gives what it joins, without its properties.
    #[must_use]
    pub fn ends(&self) -> Ends {
        Ends { id: self.id, kind: self.kind, start: self.start, end: self.end }
    }
}

/// A relationship without its properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ends {
    /// The relationship.
    pub id: RelationshipId,
    /// Its type.
    pub kind: TypeId,
    /// The node where it starts.
    pub start: NodeId,
    /// The node where it ends.
    pub end: NodeId,
}

/// The properties of one record; each can be read without the others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Properties<'a> {
    table: &'a [[u8; LINE_BYTES]],
    values: &'a [u8],
}

impl<'a> Properties<'a> {
    fn read(mut fields: Fields<'a>) -> Result<Self, GraphError> {
        let count: usize = fields.narrow()?;
        let bytes = count.checked_mul(LINE_BYTES).ok_or_else(|| fields.damaged())?;
        let (table, _) = fields.take(bytes)?.as_chunks();
        Ok(Self { table, values: fields.rest() })
    }

    /// Tells how many properties there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Tells whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Finds the property of a key.
    pub fn get(&self, key: KeyId) -> Result<Option<Stored<'a>>, GraphError> {
        match self.table.binary_search_by_key(&key, key_of) {
            Ok(at) => self.at(at).map(|(_, stored)| Some(stored)),
            Err(_) => Ok(None),
        }
    }

    /// Lists the keys, ascending.
    pub fn keys(&self) -> impl Iterator<Item = KeyId> + 'a {
        self.table.iter().map(key_of)
    }

    /// Lists keys and values, ascending by key.
    pub fn iter(&self) -> impl Iterator<Item = Result<(KeyId, Stored<'a>), GraphError>> + use<'a> {
        let this = *self;
        (0..this.len()).map(move |at| this.at(at))
    }

    fn at(&self, at: usize) -> Result<(KeyId, Stored<'a>), GraphError> {
        let line = &self.table[at];
        let start = if at == 0 { 0 } else { end_of(&self.table[at - 1]) };
        let bytes = self.values.get(start..end_of(line)).ok_or_else(|| GraphError::damaged("a table of properties"))?;
        let stored = if bytes.first() == Some(&LONG) {
            let mut fields = Fields::new(&bytes[1..], "a long value");
            let parts = fields.narrow()?;
            fields.end()?;
            Stored::Long { parts }
        } else {
            Stored::Here(bytes)
        };
        Ok((key_of(line), stored))
    }
}

/// Puts the parts of a long value together, in their order.
pub fn join_parts<'p>(parts: impl Iterator<Item = &'p [u8]> + Clone) -> Result<Value, GraphError> {
    let mut bytes = Vec::with_capacity(parts.clone().map(<[u8]>::len).sum());
    for part in parts {
        bytes.extend_from_slice(open(part, "a part of a long value")?);
    }
    value::decode_owned(bytes)
}

fn key_of(line: &[u8; LINE_BYTES]) -> KeyId {
    KeyId(u32::from_be_bytes([line[0], line[1], line[2], line[3]]))
}

fn end_of(line: &[u8; LINE_BYTES]) -> usize {
    u16::from_be_bytes([line[4], line[5]]).into()
}

/// Appends the properties and the checksum of a record that begins at `from`.
fn append_properties(from: usize, properties: &[(KeyId, Value)], out: &mut Vec<u8>) -> Result<Long, GraphError> {
    let head_end = out.len();
    if properties.is_sorted_by_key(|(key, _)| *key) && append_short(from, properties, out)? {
        return Ok(Long::new());
    }
    out.truncate(head_end);
    append_any(from, properties, out)
}

/// Appends properties that are sorted and short; `false` if they are not so short, with half of them in `out`.
fn append_short(from: usize, properties: &[(KeyId, Value)], out: &mut Vec<u8>) -> Result<bool, GraphError> {
    put_varint(properties.len() as u64, out);
    let table = out.len();
    out.resize(table + properties.len() * LINE_BYTES, 0);
    let values = out.len();
    for (at, (key, value)) in properties.iter().enumerate() {
        value::encode(value, out)?;
        // Shorter than a long value all together, so that none of them is one.
        if out.len() - from > LONG_MIN_BYTES {
            return Ok(false);
        }
        let end = u16::try_from(out.len() - values).expect("values end before 48 KiB");
        let line = &mut out[table + at * LINE_BYTES..][..LINE_BYTES];
        line[..4].copy_from_slice(&key.0.to_be_bytes());
        line[4..].copy_from_slice(&end.to_be_bytes());
    }
    seal_from(from, out);
    Ok(true)
}

/// Appends properties of any length in any order.
fn append_any(from: usize, properties: &[(KeyId, Value)], out: &mut Vec<u8>) -> Result<Long, GraphError> {
    let mut values = Vec::with_capacity(properties.len());
    for (key, value) in properties {
        let mut bytes = Vec::new();
        value::encode(value, &mut bytes)?;
        values.push((*key, bytes));
    }
    values.sort_unstable_by_key(|(key, _)| *key);
    let long = move_out(out.len() - from, &mut values);
    put_varint(values.len() as u64, out);
    let rest = values.iter().map(|(_, value)| LINE_BYTES + value.len()).sum::<usize>() + CHECKSUM_BYTES;
    let bytes = out.len() - from + rest;
    if bytes > VALUE_MAX_BYTES {
        return Err(GraphError::TooLarge { what: "a record", bytes, max_bytes: VALUE_MAX_BYTES });
    }
    let mut end = 0;
    for (key, value) in &values {
        end += value.len();
        out.extend_from_slice(&key.0.to_be_bytes());
        out.extend_from_slice(&u16::try_from(end).expect("a record is shorter than 64 KiB").to_be_bytes());
    }
    values.iter().for_each(|(_, value)| out.extend_from_slice(value));
    seal_from(from, out);
    Ok(long)
}

/// Moves long values out of the record, then the longest ones until the rest fits.
fn move_out(head_bytes: usize, values: &mut [(KeyId, Vec<u8>)]) -> Long {
    const COUNT_MAX_BYTES: usize = 10;
    let mut bytes = head_bytes + COUNT_MAX_BYTES + CHECKSUM_BYTES;
    bytes += values.iter().map(|(_, value)| LINE_BYTES + value.len()).sum::<usize>();
    let mut by_length: Vec<usize> = (0..values.len()).collect();
    by_length.sort_unstable_by_key(|at| std::cmp::Reverse(values[*at].1.len()));
    let mut long = Vec::new();
    for at in by_length {
        let (key, value) = &mut values[at];
        // What replaces a value takes up to six bytes: moving short ones gains nothing.
        if value.len() <= LONG_MIN_BYTES && (bytes <= VALUE_MAX_BYTES || value.len() <= 16) {
            break;
        }
        let parts: Vec<Vec<u8>> = value.chunks(PART_BYTES).map(|part| seal(part.to_vec())).collect();
        let mut place = vec![LONG];
        put_varint(parts.len() as u64, &mut place);
        bytes = bytes - value.len() + place.len();
        *value = place;
        long.push((*key, parts));
    }
    long.sort_unstable_by_key(|(key, _)| *key);
    long
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::strategy;

    fn here(stored: Stored<'_>) -> Value {
        match stored {
            Stored::Here(bytes) => value::decode(bytes).expect("a value"),
            Stored::Long { parts } => panic!("{parts} parts"),
        }
    }

    proptest! {
        #[test]
        fn nodes_come_back(
            labels in proptest::collection::btree_set(any::<u32>().prop_map(LabelId), 0..5),
            properties in proptest::collection::btree_map(any::<u32>().prop_map(KeyId), strategy::value(), 0..6),
        ) {
            let labels: Vec<LabelId> = labels.into_iter().collect();
            let properties: Vec<(KeyId, Value)> = properties.into_iter().collect();
            let encoded = encode_node(&labels, &properties).expect("a record");
            let record = NodeRecord::decode(NodeId(1), &encoded.bytes).expect("a record");
            prop_assert_eq!(&record.labels[..], &labels[..]);
            for (key, value) in &properties {
                prop_assert_eq!(&here(record.properties.get(*key).expect("sound").expect("there")), value);
            }
            prop_assert_eq!(record.properties.keys().count(), properties.len());
        }

        #[test]
        fn damaged_records_never_panic(noise in proptest::collection::vec(any::<u8>(), 0..60)) {
            let sealed = seal(noise);
            if let Ok(record) = NodeRecord::decode(NodeId(1), &sealed) {
                record.properties.iter().for_each(drop);
            }
            let _ = RelationshipRecord::decode(RelationshipId(1), &sealed);
        }
    }

    #[test]
    fn long_values_are_kept_outside() {
        let text = Value::string("x".repeat(100_000));
        let encoded = encode_node(&[], &[(KeyId(2), text.clone()), (KeyId(1), 5.into())]).expect("a record");
        let record = NodeRecord::decode(NodeId(1), &encoded.bytes).expect("a record");
        assert_eq!(record.properties.get(KeyId(2)).expect("sound"), Some(Stored::Long { parts: 2 }));
        assert_eq!(here(record.properties.get(KeyId(1)).expect("sound").expect("there")), 5.into());
        let parts = &encoded.long[0].1;
        assert_eq!(join_parts(parts.iter().map(Vec::as_slice)).expect("a value"), text);
    }

    #[test]
    fn many_middling_values_fit_too() {
        let properties: Vec<_> = (0..10).map(|key| (KeyId(key), Value::string("x".repeat(20_000)))).collect();
        let encoded = encode_node(&[], &properties).expect("a record");
        assert_eq!(encoded.long.len(), 7);
        assert!(encoded.bytes.len() <= VALUE_MAX_BYTES);
    }

    #[test]
    fn refuses_what_no_record_holds() {
        let properties: Vec<_> = (0..20_000).map(|key| (KeyId(key), Value::from(1))).collect();
        assert!(matches!(encode_node(&[], &properties), Err(GraphError::TooLarge { .. })));
    }

    #[test]
    fn golden_records_have_these_bytes() {
        let node = encode_node(&[LabelId(300), LabelId(1)], &[(KeyId(2), "Ann".into()), (KeyId(1), 7.into())]);
        let node = node.expect("a record").bytes;
        let (body, _) = node.split_at(node.len() - CHECKSUM_BYTES);
        assert_eq!(body, [2, 1, 0xac, 2, 2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 2, 0, 7, 0x03, 14, 0x05, 3, b'A', b'n', b'n']);
        let relationship = encode_relationship(NodeId(1), NodeId(128), TypeId(3), &[]).expect("a record").bytes;
        assert_eq!(relationship[..relationship.len() - CHECKSUM_BYTES], [1, 0x80, 1, 3, 0]);
    }
}
