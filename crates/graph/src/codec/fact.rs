//! Single facts: numbers, names, counts and the definitions of indexes.

use types::{CompactString, IndexId, KeyId, LabelId, TypeId};

use super::{Fields, open, put_bytes, put_varint, seal};
use crate::error::GraphError;

/// Makes the value of a number: next ids, the commit version.
#[must_use]
pub fn encode_number(number: u64) -> Vec<u8> {
    seal(number.to_be_bytes().to_vec())
}

/// Reads a number.
pub fn decode_number(sealed: &[u8]) -> Result<u64, GraphError> {
    array(sealed, "a number").map(u64::from_be_bytes)
}

/// Makes the value of the format's version.
#[must_use]
pub fn encode_format(format: u32) -> Vec<u8> {
    seal(format.to_be_bytes().to_vec())
}

/// Reads the format's version.
pub fn decode_format(sealed: &[u8]) -> Result<u32, GraphError> {
    array(sealed, "the format").map(u32::from_be_bytes)
}

/// Makes the value of a database's id.
#[must_use]
pub fn encode_database(database: types::DatabaseId) -> Vec<u8> {
    seal(database.0.to_vec())
}

/// Reads a database's id.
pub fn decode_database(sealed: &[u8]) -> Result<types::DatabaseId, GraphError> {
    array(sealed, "the database's id").map(types::DatabaseId)
}

/// Makes the value of a count.
#[must_use]
pub fn encode_count(count: i64) -> Vec<u8> {
    seal(count.to_be_bytes().to_vec())
}

/// Reads a count.
pub fn decode_count(sealed: &[u8]) -> Result<i64, GraphError> {
    array(sealed, "a count").map(i64::from_be_bytes)
}

/// Makes the value of a name.
#[must_use]
pub fn encode_name(name: &str) -> Vec<u8> {
    seal(name.as_bytes().to_vec())
}

/// Lends a name.
pub fn decode_name(sealed: &[u8]) -> Result<&str, GraphError> {
    std::str::from_utf8(open(sealed, "a name")?).map_err(|_| GraphError::damaged("a name is not UTF-8"))
}

/// Which entities an index has entries of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexOn {
    /// Nodes with a label.
    Label(LabelId),
    /// Relationships of a type.
    Type(TypeId),
}

/// What an index was made for; all kinds are kept alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum IndexKind {
    /// Equality, ranges and beginnings of strings.
    Range = 1,
    /// Strings.
    Text = 2,
    /// Points.
    Point = 3,
}

/// Whether an index may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum IndexState {
    /// Entries of older data are still being added.
    Populating = 0,
    /// Complete.
    Online = 1,
}

/// An index as it was defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexDefinition {
    /// Its number.
    pub id: IndexId,
    /// Its name.
    pub name: CompactString,
    /// Whose entries it has.
    pub on: IndexOn,
    /// The property keys whose values make an entry, in order; entities that lack one have no entry.
    pub keys: Vec<KeyId>,
    /// What it was made for.
    pub kind: IndexKind,
    /// Whether two entities with the same values are refused.
    pub unique: bool,
    /// Whether it may be read.
    pub state: IndexState,
}

impl IndexDefinition {
    /// Makes the definition's bytes, with their checksum; the id stands in the key.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (on, id) = match self.on {
            IndexOn::Label(label) => (0, label.0),
            IndexOn::Type(kind) => (1, kind.0),
        };
        let mut out = vec![self.kind as u8, self.state as u8, self.unique.into(), on];
        put_varint(id.into(), &mut out);
        put_varint(self.keys.len() as u64, &mut out);
        self.keys.iter().for_each(|key| put_varint(key.0.into(), &mut out));
        put_bytes(self.name.as_bytes(), &mut out);
        seal(out)
    }

    /// Reads a definition.
    pub fn decode(id: IndexId, sealed: &[u8]) -> Result<Self, GraphError> {
        let mut fields = Fields::new(open(sealed, "an index's definition")?, "an index's definition");
        let [kind, state, unique, on] = fields.array()?;
        let kind = match kind {
            1 => IndexKind::Range,
            2 => IndexKind::Text,
            3 => IndexKind::Point,
            _ => return Err(fields.damaged()),
        };
        let state = if state == 0 { IndexState::Populating } else { IndexState::Online };
        let on = match on {
            0 => IndexOn::Label(LabelId(fields.narrow()?)),
            1 => IndexOn::Type(TypeId(fields.narrow()?)),
            _ => return Err(fields.damaged()),
        };
        let count: usize = fields.narrow()?;
        let mut keys = Vec::new();
        for _ in 0..count {
            keys.push(KeyId(fields.narrow()?));
        }
        let name = fields.text()?.into();
        fields.end()?;
        Ok(Self { id, name, on, keys, kind, unique: unique != 0, state })
    }
}

fn array<const N: usize>(sealed: &[u8], what: &'static str) -> Result<[u8; N], GraphError> {
    let mut fields = Fields::new(open(sealed, what)?, what);
    let array = fields.array()?;
    fields.end()?;
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back() {
        assert_eq!(decode_number(&encode_number(7)).expect("a number"), 7);
        assert_eq!(decode_count(&encode_count(-7)).expect("a count"), -7);
        assert_eq!(decode_format(&encode_format(1)).expect("a format"), 1);
        assert_eq!(decode_name(&encode_name("Åsa")).expect("a name"), "Åsa");
        let database = types::DatabaseId([9; 16]);
        assert_eq!(decode_database(&encode_database(database)).expect("an id"), database);
        assert!(decode_number(&encode_format(1)).is_err());
    }

    #[test]
    fn golden_definitions_have_these_bytes() {
        let definition = IndexDefinition {
            id: IndexId(1),
            name: "people".into(),
            on: IndexOn::Label(LabelId(3)),
            keys: vec![KeyId(2), KeyId(200)],
            kind: IndexKind::Range,
            unique: true,
            state: IndexState::Online,
        };
        let bytes = definition.encode();
        assert_eq!(bytes[..bytes.len() - 4], *b"\x01\x01\x01\x00\x03\x02\x02\xc8\x01\x06people");
        assert_eq!(IndexDefinition::decode(IndexId(1), &bytes).expect("a definition"), definition);
    }
}
