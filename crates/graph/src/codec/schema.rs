//! Definitions of indexes and constraints: what kinds there are, and their bytes.
//! Leaves their entries to `keys` and `index`, and what a constraint refuses to `constraint`.
//! Start reading at [`IndexDefinition`] and [`ConstraintDefinition`].

use std::fmt;

use smallvec::SmallVec;
use types::{CompactString, IndexId, KeyId, LabelId, TypeId, Value};

use super::{Fields, open, put_bytes, put_varint, seal, value};
use crate::error::GraphError;

/// Whose entities an index or a constraint is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IndexOn {
    /// Nodes with one of these labels; without any, all nodes.
    Labels(SmallVec<[LabelId; 1]>),
    /// Relationships of one of these types; without any, all relationships.
    Types(SmallVec<[TypeId; 1]>),
}

impl IndexOn {
    /// Makes the one for nodes with a label.
    #[must_use]
    pub fn label(label: LabelId) -> Self {
        Self::Labels(SmallVec::from_slice(&[label]))
    }

    /// Makes the one for relationships of a type.
    #[must_use]
    pub fn kind(kind: TypeId) -> Self {
        Self::Types(SmallVec::from_slice(&[kind]))
    }

    /// Tells whether it is about nodes.
    #[must_use]
    pub fn is_nodes(&self) -> bool {
        matches!(self, Self::Labels(_))
    }

    /// Gives the label, if it is about one.
    #[must_use]
    pub fn one_label(&self) -> Option<LabelId> {
        match self {
            Self::Labels(labels) if labels.len() == 1 => labels.first().copied(),
            _ => None,
        }
    }

    /// Gives the relationship type, if it is about one.
    #[must_use]
    pub fn one_kind(&self) -> Option<TypeId> {
        match self {
            Self::Types(kinds) if kinds.len() == 1 => kinds.first().copied(),
            _ => None,
        }
    }

    /// Tells whether it is about a node of which `has` tells the labels.
    pub fn takes_node(&self, has: impl Fn(LabelId) -> bool) -> bool {
        matches!(self, Self::Labels(labels) if labels.is_empty() || labels.iter().any(|label| has(*label)))
    }

    /// Tells whether it is about relationships of a type.
    #[must_use]
    pub fn takes_kind(&self, kind: TypeId) -> bool {
        matches!(self, Self::Types(kinds) if kinds.is_empty() || kinds.contains(&kind))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let (tag, ids): (u8, SmallVec<[u32; 4]>) = match self {
            Self::Labels(labels) => (NODES, labels.iter().map(|label| label.0).collect()),
            Self::Types(kinds) => (RELATIONSHIPS, kinds.iter().map(|kind| kind.0).collect()),
        };
        out.push(tag);
        put_varint(ids.len() as u64, out);
        ids.iter().for_each(|id| put_varint((*id).into(), out));
    }

    fn decode(fields: &mut Fields<'_>) -> Result<Self, GraphError> {
        let tag = fields.byte()?;
        let count: usize = fields.narrow()?;
        match tag {
            NODES => (0..count).map(|_| fields.narrow().map(LabelId)).collect::<Result<_, _>>().map(Self::Labels),
            RELATIONSHIPS => (0..count).map(|_| fields.narrow().map(TypeId)).collect::<Result<_, _>>().map(Self::Types),
            _ => Err(fields.damaged()),
        }
    }
}

const NODES: u8 = 0;
const RELATIONSHIPS: u8 = 1;
/// First byte of a definition in the form of format 2; those of format 1 begin with their kind.
const FORM: u8 = 0x80;

/// What an index was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum IndexKind {
    /// Equality, ranges and beginnings of strings; one entry for the values of all keys together.
    Range = 1,
    /// Strings: what they hold, begin with and end with.
    Text = 2,
    /// Points in a box or near another point.
    Point = 3,
    /// Which nodes have a label, or which relationships are of a type; it has no entries of its own.
    Lookup = 4,
    /// Words in strings, of several labels or types and several keys.
    FullText = 5,
    /// Nearest neighbours of a vector, of several labels or types.
    Vector = 6,
}

impl IndexKind {
    /// Tells whether entries are kept in the table of entries, made by `index`.
    #[must_use]
    pub fn has_entries(self) -> bool {
        matches!(self, Self::Range | Self::Text | Self::Point)
    }

    /// Tells whether an engine of its own keeps it, told of whole entities by `engines`.
    #[must_use]
    pub fn has_engine(self) -> bool {
        matches!(self, Self::FullText | Self::Vector)
    }

    fn decode(byte: u8) -> Option<Self> {
        let kinds = [Self::Range, Self::Text, Self::Point, Self::Lookup, Self::FullText, Self::Vector];
        kinds.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// Whether an index may be read, or whether all data was held against a constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum IndexState {
    /// Entries of older data are still being added; new data is kept up with already.
    Populating = 0,
    /// Complete.
    Online = 1,
    /// Given up for good, without entries; [`IndexDefinition::failure`] says why.
    Failed = 2,
}

impl IndexState {
    fn decode(byte: u8) -> Self {
        if byte == 0 { Self::Populating } else { Self::Online }
    }

    /// A failed index is stored as one that is to be filled still, and its options tell the two apart: a program that
    /// knows no failed ones fills it, instead of finding nothing in it.
    fn byte(self) -> u8 {
        u8::from(self == Self::Online)
    }
}

/// The number of a constraint; indexes and constraints are numbered together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConstraintId(pub u32);

/// Settings of an index by name, ascending: `vector.dimensions`, `fulltext.analyzer` and the like.
pub type IndexOptions = Vec<(CompactString, Value)>;

/// An index as it was defined.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexDefinition {
    /// Its number.
    pub id: IndexId,
    /// Its name.
    pub name: CompactString,
    /// Whose entries it has.
    pub on: IndexOn,
    /// The property keys whose values make an entry, in order.
    ///
    /// Entities that lack one have no entry; with [`IndexKind::FullText`] and [`IndexKind::Vector`] one key is enough.
    pub keys: Vec<KeyId>,
    /// What it was made for.
    pub kind: IndexKind,
    /// Whether it may be read.
    pub state: IndexState,
    /// The constraint that owns it and needs it to find equal values.
    pub constraint: Option<ConstraintId>,
    /// Settings that its kind knows.
    pub options: IndexOptions,
}

impl IndexDefinition {
    /// Tells whether no two entities have equal values in it.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.constraint.is_some()
    }

    /// Tells whether it can be read.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.state == IndexState::Online
    }

    /// Tells whether it is still being filled.
    #[must_use]
    pub fn is_populating(&self) -> bool {
        self.state == IndexState::Populating
    }

    /// Tells whether it was given up.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.state == IndexState::Failed
    }

    /// Gives why it was given up.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        match self.option(FAILURE) {
            Some(Value::String(why)) if self.is_failed() => Some(why.as_str()),
            _ => None,
        }
    }

    /// Notes that it was given up, and why.
    pub(crate) fn fail(&mut self, why: &str) {
        self.state = IndexState::Failed;
        self.options.retain(|(name, _)| name != FAILURE);
        self.options.push((FAILURE.into(), Value::string(why)));
    }

    /// Lists the settings that were asked for.
    pub fn settings(&self) -> impl Iterator<Item = &(CompactString, Value)> {
        self.options.iter().filter(|(name, _)| name != FAILURE)
    }

    /// Finds a setting.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&Value> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Makes the definition's bytes, with their checksum; the id stands in the key.
    pub fn encode(&self) -> Result<Vec<u8>, GraphError> {
        let mut out = vec![FORM, self.kind as u8, self.state.byte()];
        self.on.encode(&mut out);
        put_keys(&self.keys, &mut out);
        put_bytes(self.name.as_bytes(), &mut out);
        put_varint(self.constraint.map_or(0, |owner| u64::from(owner.0) + 1), &mut out);
        put_varint(self.options.len() as u64, &mut out);
        for (name, setting) in &self.options {
            put_bytes(name.as_bytes(), &mut out);
            let mut bytes = Vec::new();
            value::encode(setting, &mut bytes)?;
            put_bytes(&bytes, &mut out);
        }
        Ok(seal(out))
    }

    /// Reads a definition of any format.
    pub fn decode(id: IndexId, sealed: &[u8]) -> Result<Self, GraphError> {
        let body = open(sealed, WHAT_INDEX)?;
        let mut fields = Fields::new(body, WHAT_INDEX);
        if body.first() != Some(&FORM) {
            return Self::decode_format_1(id, fields);
        }
        let [_, kind, state] = fields.array()?;
        let kind = IndexKind::decode(kind).ok_or_else(|| fields.damaged())?;
        let on = IndexOn::decode(&mut fields)?;
        let keys = take_keys(&mut fields)?;
        let name = fields.text()?.into();
        let constraint = match fields.varint()? {
            0 => None,
            owner => Some(ConstraintId(u32::try_from(owner - 1).map_err(|_| fields.damaged())?)),
        };
        let count: usize = fields.narrow()?;
        let mut options = Vec::new();
        for _ in 0..count {
            options.push((fields.text()?.into(), value::decode(fields.bytes()?)?));
        }
        fields.end()?;
        let mut state = IndexState::decode(state);
        if state == IndexState::Populating && options.iter().any(|(name, _): &(CompactString, Value)| name == FAILURE) {
            state = IndexState::Failed;
        }
        Ok(Self { id, name, on, keys, kind, state, constraint, options })
    }

    /// Format 1 had one label or type, no options, and a mark for uniqueness that was never set.
    fn decode_format_1(id: IndexId, mut fields: Fields<'_>) -> Result<Self, GraphError> {
        let [kind, state, _, on] = fields.array()?;
        let kind = match kind {
            // Kinds 2 and 3 could not be made by any statement.
            1 => IndexKind::Range,
            _ => return Err(fields.damaged()),
        };
        let on = match on {
            NODES => IndexOn::label(LabelId(fields.narrow()?)),
            RELATIONSHIPS => IndexOn::kind(TypeId(fields.narrow()?)),
            _ => return Err(fields.damaged()),
        };
        let keys = take_keys(&mut fields)?;
        let name = fields.text()?.into();
        fields.end()?;
        let state = IndexState::decode(state);
        Ok(Self { id, name, on, keys, kind, state, constraint: None, options: Vec::new() })
    }
}

/// The setting in which a failed index keeps why it was given up.
const FAILURE: &str = "failure";
const WHAT_INDEX: &str = "an index's definition";
const WHAT_CONSTRAINT: &str = "a constraint's definition";

/// What a constraint asks of the entities that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConstraintKind {
    /// No two have equal values for all keys.
    Unique,
    /// Each has a value for each key, and no two have equal ones.
    Key,
    /// Each has a value for the key.
    Exists,
    /// A value of the key, if there is one, is of one of these types.
    Typed(PropertyTypes),
}

impl ConstraintKind {
    /// Tells whether an index of its own finds equal values for it.
    #[must_use]
    pub fn has_index(self) -> bool {
        matches!(self, Self::Unique | Self::Key)
    }

    /// Tells whether every key needs a value.
    #[must_use]
    pub fn needs_values(self) -> bool {
        matches!(self, Self::Key | Self::Exists)
    }
}

/// A constraint as it was defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstraintDefinition {
    /// Its number.
    pub id: ConstraintId,
    /// Its name; its index, if it has one, has the same.
    pub name: CompactString,
    /// Whom it is about: one label or one type.
    pub on: IndexOn,
    /// The property keys, in order.
    pub keys: Vec<KeyId>,
    /// What it asks.
    pub kind: ConstraintKind,
    /// Whether all older data was held against it; new data is refused either way.
    pub state: IndexState,
    /// The index that finds equal values for it.
    pub index: Option<IndexId>,
}

impl ConstraintDefinition {
    /// Tells whether all data keeps it.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.state == IndexState::Online
    }

    /// Makes the definition's bytes, with their checksum; the id stands in the key.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, types) = match self.kind {
            ConstraintKind::Unique => (1, PropertyTypes::default()),
            ConstraintKind::Key => (2, PropertyTypes::default()),
            ConstraintKind::Exists => (3, PropertyTypes::default()),
            ConstraintKind::Typed(types) => (4, types),
        };
        let mut out = vec![kind, self.state.byte()];
        out.extend_from_slice(&types.0.to_be_bytes());
        self.on.encode(&mut out);
        put_keys(&self.keys, &mut out);
        put_bytes(self.name.as_bytes(), &mut out);
        put_varint(self.index.map_or(0, |index| u64::from(index.0) + 1), &mut out);
        seal(out)
    }

    /// Reads a definition.
    pub fn decode(id: ConstraintId, sealed: &[u8]) -> Result<Self, GraphError> {
        let mut fields = Fields::new(open(sealed, WHAT_CONSTRAINT)?, WHAT_CONSTRAINT);
        let [kind, state] = fields.array()?;
        let types = PropertyTypes(u32::from_be_bytes(fields.array()?));
        let kind = match kind {
            1 => ConstraintKind::Unique,
            2 => ConstraintKind::Key,
            3 => ConstraintKind::Exists,
            4 => ConstraintKind::Typed(types),
            _ => return Err(fields.damaged()),
        };
        let on = IndexOn::decode(&mut fields)?;
        let keys = take_keys(&mut fields)?;
        let name = fields.text()?.into();
        let index = match fields.varint()? {
            0 => None,
            index => Some(IndexId(u32::try_from(index - 1).map_err(|_| fields.damaged())?)),
        };
        fields.end()?;
        Ok(Self { id, name, on, keys, kind, state: IndexState::decode(state), index })
    }
}

fn put_keys(keys: &[KeyId], out: &mut Vec<u8>) {
    put_varint(keys.len() as u64, out);
    keys.iter().for_each(|key| put_varint(key.0.into(), out));
}

fn take_keys(fields: &mut Fields<'_>) -> Result<Vec<KeyId>, GraphError> {
    let count: usize = fields.narrow()?;
    (0..count).map(|_| fields.narrow().map(KeyId)).collect()
}

/// A type that a property can be held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum PropertyType {
    /// True or false.
    Boolean = 0,
    /// Text.
    String = 1,
    /// A whole number.
    Integer = 2,
    /// A number of 64 bits, IEEE 754.
    Float = 3,
    /// A day.
    Date = 4,
    /// A time of day without a zone.
    LocalTime = 5,
    /// A time of day with an offset.
    ZonedTime = 6,
    /// A day and time without a zone.
    LocalDateTime = 7,
    /// A day and time with a zone.
    ZonedDateTime = 8,
    /// A length of time.
    Duration = 9,
    /// A place.
    Point = 10,
}

impl PropertyType {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 11] = [
        Self::Boolean,
        Self::String,
        Self::Integer,
        Self::Float,
        Self::Date,
        Self::LocalTime,
        Self::ZonedTime,
        Self::LocalDateTime,
        Self::ZonedDateTime,
        Self::Duration,
        Self::Point,
    ];

    /// Gives its name in Cypher.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Integer => "INTEGER",
            Self::Float => "FLOAT",
            Self::Date => "DATE",
            Self::LocalTime => "LOCAL TIME",
            Self::ZonedTime => "ZONED TIME",
            Self::LocalDateTime => "LOCAL DATETIME",
            Self::ZonedDateTime => "ZONED DATETIME",
            Self::Duration => "DURATION",
            Self::Point => "POINT",
        }
    }

    /// Gives the type of a value that is no list.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Boolean(_) => Self::Boolean,
            Value::String(_) => Self::String,
            Value::Integer(_) => Self::Integer,
            Value::Float(_) => Self::Float,
            Value::Date(_) => Self::Date,
            Value::LocalTime(_) => Self::LocalTime,
            Value::Time(_) => Self::ZonedTime,
            Value::LocalDateTime(_) => Self::LocalDateTime,
            Value::DateTime(_) => Self::ZonedDateTime,
            Value::Duration(_) => Self::Duration,
            Value::Point(_) => Self::Point,
            _ => return None,
        })
    }
}

/// Where the bits of lists begin in [`PropertyTypes`].
const LISTS_FROM: u32 = 16;

/// Any number of types, and of lists of one type each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PropertyTypes(pub(crate) u32);

impl PropertyTypes {
    /// Adds a type.
    #[must_use]
    pub fn with(self, added: PropertyType) -> Self {
        Self(self.0 | 1 << added as u32)
    }

    /// Adds the lists of a type.
    #[must_use]
    pub fn with_list(self, of: PropertyType) -> Self {
        Self(self.0 | 1 << (of as u32 + LISTS_FROM))
    }

    /// Tells whether a value is of one of the types; an empty list is of each type of lists.
    #[must_use]
    pub fn has(self, value: &Value) -> bool {
        let bit = |of: Option<PropertyType>, from: u32| of.is_some_and(|of| self.0 & 1 << (of as u32 + from) != 0);
        match value {
            Value::List(items) if items.is_empty() => self.0 >> LISTS_FROM != 0,
            Value::List(items) => {
                // Lists of whole and of broken numbers may be stored together.
                items.iter().all(|item| bit(PropertyType::of(item), LISTS_FROM))
            }
            other => bit(PropertyType::of(other), 0),
        }
    }
}

impl fmt::Display for PropertyTypes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (from, open, close) in [(0, "", ""), (LISTS_FROM, "LIST<", " NOT NULL>")] {
            for one in PropertyType::ALL.iter().filter(|one| self.0 & 1 << (**one as u32 + from) != 0) {
                write!(out, "{between}{open}{}{close}", one.name())?;
                between = " | ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_definitions_have_these_bytes() {
        let mut definition = IndexDefinition {
            id: IndexId(1),
            name: "people".into(),
            on: IndexOn::label(LabelId(3)),
            keys: vec![KeyId(2), KeyId(200)],
            kind: IndexKind::Range,
            state: IndexState::Online,
            constraint: Some(ConstraintId(6)),
            options: vec![],
        };
        let bytes = definition.encode().expect("bytes");
        assert_eq!(bytes[..bytes.len() - 4], *b"\x80\x01\x01\x00\x01\x03\x02\x02\xc8\x01\x06people\x07\x00");
        assert_eq!(IndexDefinition::decode(IndexId(1), &bytes).expect("a definition"), definition);
        definition.on = IndexOn::Types([TypeId(1), TypeId(2)].into_iter().collect());
        definition.kind = IndexKind::FullText;
        definition.constraint = None;
        definition.options = vec![("fulltext.analyzer".into(), "english".into())];
        let bytes = definition.encode().expect("bytes");
        let expected =
            b"\x80\x05\x01\x01\x02\x01\x02\x02\x02\xc8\x01\x06people\x00\x01\x11fulltext.analyzer\x09\x05\x07english";
        assert_eq!(bytes[..bytes.len() - 4], *expected);
        assert_eq!(IndexDefinition::decode(IndexId(1), &bytes).expect("a definition"), definition);
    }

    #[test]
    fn definitions_of_format_1_are_read() {
        let sealed = seal(b"\x01\x01\x00\x00\x03\x02\x02\xc8\x01\x06people".to_vec());
        let read = IndexDefinition::decode(IndexId(1), &sealed).expect("a definition");
        assert_eq!((read.on, read.keys), (IndexOn::label(LabelId(3)), vec![KeyId(2), KeyId(200)]));
        assert_eq!((read.kind, read.state, read.constraint), (IndexKind::Range, IndexState::Online, None));
    }

    #[test]
    fn golden_constraints_have_these_bytes() {
        let types = PropertyTypes::default().with(PropertyType::String).with_list(PropertyType::Boolean);
        let definition = ConstraintDefinition {
            id: ConstraintId(4),
            name: "c".into(),
            on: IndexOn::kind(TypeId(3)),
            keys: vec![KeyId(2)],
            kind: ConstraintKind::Typed(types),
            state: IndexState::Online,
            index: None,
        };
        let bytes = definition.encode();
        assert_eq!(bytes[..bytes.len() - 4], *b"\x04\x01\x00\x01\x00\x02\x01\x01\x03\x01\x02\x01c\x00");
        assert_eq!(ConstraintDefinition::decode(ConstraintId(4), &bytes).expect("a definition"), definition);
    }

    #[test]
    fn types_are_worded_in_their_order_and_hold_their_values() {
        let types = PropertyTypes::default();
        let types = types.with_list(PropertyType::Date).with(PropertyType::ZonedTime).with(PropertyType::Boolean);
        assert_eq!(types.to_string(), "BOOLEAN | ZONED TIME | LIST<DATE NOT NULL>");
        assert!(types.has(&Value::Boolean(true)) && !types.has(&Value::Integer(1)));
        assert!(types.has(&Value::list(vec![])) && !types.has(&Value::list(vec![Value::Integer(1)])));
    }
}
