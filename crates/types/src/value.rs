//! What a Cypher expression can be worth.

use std::sync::Arc;

use compact_str::CompactString;
use indexmap::IndexMap;

use crate::effort::pay;
use crate::id::{NodeId, RelationshipId};
use crate::temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time};

/// What a list takes beside its items, as the allocator rounds it: the counted head and the vector's own.
const LIST_BYTES: usize = 48;
/// What a path by reference takes beside its relationships, the same way.
const PATH_BYTES: usize = 64;
/// What a map takes beside its entries, the same way.
const MAP_BYTES: usize = 112;
/// What a map takes for an entry that it has room for: key, value and hash, and its places in a table that is half full.
const ENTRY_BYTES: usize = size_of::<CompactString>() + size_of::<Value>() + 8 + 18;

/// Tells what the allocator and the system hand out for so many bytes.
#[must_use]
pub fn heap_bytes(bytes: usize) -> usize {
    match bytes {
        0..SMALL_BYTES => bytes.next_multiple_of(16),
        // It has four sizes between one power of two and the next.
        SMALL_BYTES..MIDDLE_BYTES => bytes.next_multiple_of(1 << ((bytes - 1).ilog2() - 2)),
        MIDDLE_BYTES..LARGE_BYTES => bytes.next_multiple_of(256 << 10),
        _ => (bytes + HEAD_BYTES).next_multiple_of(HUGE_PAGE_BYTES),
    }
}

/// Below this size the allocator rounds up to its smallest grain.
const SMALL_BYTES: usize = 64;
/// From this size on the allocator rounds up to quarters of a megabyte.
const MIDDLE_BYTES: usize = 1 << 20;
/// From this size on a block has pages of its own, of which the system gives the last one whole as well.
const LARGE_BYTES: usize = 4 << 20;
/// What stands before such a block.
const HEAD_BYTES: usize = 64 << 10;
/// The size of a large page.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// A map value: string keys in the order in which they were written.
///
/// Equality ignores the order.
pub type Map = IndexMap<CompactString, Value>;

/// One value of the Cypher type system.
///
/// Entities come in two forms. While a statement runs they are references ([`Value::NodeRef`] and its
/// siblings): an id in one of the statement's sources. What leaves the statement is whole ([`Value::Node`] and
/// its siblings): labels and properties as the statement saw them at the end.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// True or false.
    Boolean(bool),
    /// A 64-bit signed integer; overflow is an error, never a wrap.
    Integer(i64),
    /// An IEEE 754 double.
    Float(f64),
    /// UTF-8 text.
    String(CompactString),
    /// Raw bytes; only as a parameter, a property and a result.
    Bytes(Arc<[u8]>),
    /// An ordered list of any values.
    List(Arc<Vec<Value>>),
    /// A map of any values.
    Map(Arc<Map>),
    /// A calendar day.
    Date(Date),
    /// A time of day without a zone.
    LocalTime(LocalTime),
    /// A time of day with an offset.
    Time(Time),
    /// A day and a time of day without a zone.
    LocalDateTime(LocalDateTime),
    /// An instant with its zone.
    DateTime(Box<DateTime>),
    /// Months, days, seconds and nanoseconds, kept apart.
    Duration(Box<Duration>),
    /// A place in one of four coordinate systems.
    Point(Box<Point>),
    /// A node by reference, inside a running statement.
    NodeRef(NodeRef),
    /// A relationship by reference, inside a running statement.
    RelationshipRef(Box<RelationshipRef>),
    /// A path by reference, inside a running statement.
    PathRef(Arc<PathRef>),
    /// A whole node, as a client receives it.
    Node(Arc<Node>),
    /// A whole relationship, as a client receives it.
    Relationship(Arc<Relationship>),
    /// A whole path, as a client receives it.
    Path(Arc<Path>),
}

/// Names a node of one of the statement's sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeRef {
    /// The source's place in the statement's list of sources.
    pub source: u16,
    /// The node in that source.
    pub id: NodeId,
}

/// Names a relationship of one of the statement's sources, with its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelationshipRef {
    /// The source's place in the statement's list of sources.
    pub source: u16,
    /// The relationship in that source.
    pub id: RelationshipId,
    /// Its type.
    pub kind: crate::id::TypeId,
    /// The node where it starts.
    pub start: NodeId,
    /// The node where it ends.
    pub end: NodeId,
}

/// A walk through one source: a first node, then relationship by relationship.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathRef {
    /// The node where the path begins.
    pub start: NodeRef,
    /// The relationships in the order in which they are walked, either way round.
    pub relationships: Vec<RelationshipRef>,
}

impl PathRef {
    /// Lists the nodes along the path: one more than it has relationships.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeRef> {
        let mut nodes = Vec::with_capacity(self.relationships.len() + 1);
        let mut at = self.start;
        nodes.push(at);
        for step in &self.relationships {
            let next = if step.start == at.id { step.end } else { step.start };
            at = NodeRef { source: step.source, id: next };
            nodes.push(at);
        }
        nodes
    }
}

/// A node with everything a client sees of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its number within its database.
    pub id: u64,
    /// Its name among all databases: `4:<database>:<id>`.
    pub element_id: CompactString,
    /// Its labels, sorted.
    pub labels: Vec<CompactString>,
    /// Its properties.
    pub properties: Map,
}

/// A relationship with everything a client sees of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Relationship {
    /// Its number within its database.
    pub id: u64,
    /// Its name among all databases: `5:<database>:<id>`.
    pub element_id: CompactString,
    /// Its type.
    pub kind: CompactString,
    /// Number of the node where it starts.
    pub start: u64,
    /// Number of the node where it ends.
    pub end: u64,
    /// Element id of the node where it starts.
    pub start_element_id: CompactString,
    /// Element id of the node where it ends.
    pub end_element_id: CompactString,
    /// Its properties.
    pub properties: Map,
}

/// A path with everything a client sees of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The nodes along the path, one more than relationships.
    pub nodes: Vec<Arc<Node>>,
    /// The relationships along the path, as stored (not turned round).
    pub relationships: Vec<Arc<Relationship>>,
}

/// A place: two or three coordinates in a coordinate reference system.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// 7203 cartesian, 9157 cartesian-3D, 4326 WGS-84, 4979 WGS-84-3D.
    pub srid: u32,
    /// First coordinate: x, or longitude in degrees.
    pub x: f64,
    /// Second coordinate: y, or latitude in degrees.
    pub y: f64,
    /// Third coordinate: z, or height in metres.
    pub z: Option<f64>,
}

/// Structural equality, as `assert_eq!` wants it; Cypher's own is in [`crate::compare`].
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        crate::compare::equivalent(self, other)
    }
}

impl Value {
    /// Makes a string value.
    pub fn string(text: impl Into<CompactString>) -> Self {
        Self::String(text.into())
    }

    /// Makes a list value.
    #[must_use]
    pub fn list(items: Vec<Value>) -> Self {
        Self::List(Arc::new(items))
    }

    /// Makes a map value.
    #[must_use]
    pub fn map(entries: Map) -> Self {
        Self::Map(Arc::new(entries))
    }

    /// Tells whether this is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Names the type as errors and `valueType` users read it: `Integer`, `List`, ...
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "Null",
            Self::Boolean(_) => "Boolean",
            Self::Integer(_) => "Integer",
            Self::Float(_) => "Float",
            Self::String(_) => "String",
            Self::Bytes(_) => "ByteArray",
            Self::List(_) => "List",
            Self::Map(_) => "Map",
            Self::Date(_) => "Date",
            Self::LocalTime(_) => "LocalTime",
            Self::Time(_) => "Time",
            Self::LocalDateTime(_) => "LocalDateTime",
            Self::DateTime(_) => "DateTime",
            Self::Duration(_) => "Duration",
            Self::Point(_) => "Point",
            Self::NodeRef(_) | Self::Node(_) => "Node",
            Self::RelationshipRef(_) | Self::Relationship(_) => "Relationship",
            Self::PathRef(_) | Self::Path(_) => "Path",
        }
    }

    /// Estimates the bytes that this value holds, for memory budgets; parts that it shares with itself count each time.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let inline = size_of::<Value>();
        inline
            + match self {
                Self::String(text) if text.is_heap_allocated() => heap_bytes(text.len()),
                Self::Bytes(bytes) => heap_bytes(bytes.len()),
                Self::List(items) if pay(items.len()) => {
                    let deeper = items.iter().map(|item| item.memory_bytes() - inline).sum::<usize>();
                    LIST_BYTES + heap_bytes(items.capacity() * inline) + deeper
                }
                Self::Map(entries) if pay(entries.len()) => map_bytes(entries, |value| value.memory_bytes() - inline),
                Self::DateTime(_) | Self::Duration(_) | Self::Point(_) | Self::RelationshipRef(_) => 48,
                Self::PathRef(path) => {
                    PATH_BYTES + heap_bytes(path.relationships.capacity() * size_of::<RelationshipRef>())
                }
                Self::Node(node) => node_bytes(node),
                Self::Relationship(found) => relationship_bytes(found),
                Self::Path(path) => {
                    let nodes = path.nodes.iter().map(|node| node_bytes(node));
                    let relationships = path.relationships.iter().map(|found| relationship_bytes(found));
                    PATH_BYTES + nodes.chain(relationships).map(|bytes| bytes + size_of::<usize>()).sum::<usize>()
                }
                _ => 0,
            }
    }

    /// Estimates the bytes on the heap that nobody but this value holds.
    #[must_use]
    #[inline]
    pub fn own_bytes(&self) -> usize {
        match self {
            Self::Null | Self::Boolean(_) | Self::Integer(_) | Self::Float(_) | Self::NodeRef(_) => 0,
            Self::String(text) if !text.is_heap_allocated() => 0,
            other => other.own_heap_bytes(),
        }
    }

    fn own_heap_bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes) if Arc::strong_count(bytes) > 1 => 0,
            Self::List(items) if Arc::strong_count(items) > 1 => 0,
            Self::List(items) if pay(items.len()) => {
                LIST_BYTES
                    + heap_bytes(items.capacity() * size_of::<Value>())
                    + items.iter().map(Self::own_bytes).sum::<usize>()
            }
            Self::Map(entries) if Arc::strong_count(entries) > 1 => 0,
            Self::Map(entries) if pay(entries.len()) => map_bytes(entries, Self::own_bytes),
            Self::Node(node) if Arc::strong_count(node) > 1 => 0,
            Self::Relationship(found) if Arc::strong_count(found) > 1 => 0,
            Self::Path(path) if Arc::strong_count(path) > 1 => 0,
            Self::PathRef(path) if Arc::strong_count(path) > 1 => 0,
            other => other.memory_bytes() - size_of::<Value>(),
        }
    }

    /// Texts up to this size are copied without a thought.
    pub const SHORT_BYTES: usize = 4_096;

    /// Tells the bytes that copies of values take in a list, without what copies share.
    #[must_use]
    pub fn copied_bytes(items: &[Self]) -> usize {
        size_of_val(items) + items.iter().map(Self::long_bytes).sum::<usize>()
    }

    /// Tells the bytes of a list with room for so many items, beside what lies deeper in them.
    #[must_use]
    pub fn list_room_bytes(items: usize) -> usize {
        LIST_BYTES + heap_bytes(items.saturating_mul(size_of::<Self>()))
    }

    /// Tells the bytes of a text of so many bytes, beside its own place.
    #[must_use]
    pub fn text_room_bytes(bytes: usize) -> usize {
        if bytes > size_of::<CompactString>() { heap_bytes(bytes) } else { 0 }
    }

    /// Tells the bytes of a map with room for so many entries, beside what lies deeper in them.
    #[must_use]
    pub fn map_room_bytes(entries: usize) -> usize {
        MAP_BYTES + entries.saturating_mul(ENTRY_BYTES)
    }

    /// Tells the bytes of a text that is so long that copying it often has to be thought of; 0 for all other values.
    #[must_use]
    #[inline]
    pub fn long_bytes(&self) -> usize {
        match self {
            Self::String(text) if text.len() > Self::SHORT_BYTES => text.len(),
            Self::Bytes(bytes) if bytes.len() > Self::SHORT_BYTES => bytes.len(),
            _ => 0,
        }
    }

    /// Tells whether the value is nested no deeper than `depth_max`, and takes no more than `bytes_max` written out.
    ///
    /// A list may hold another one many times over, so that it takes little memory and is endless for who reads it.
    #[must_use]
    pub fn is_within(&self, depth_max: usize, bytes_max: usize) -> bool {
        let mut left = bytes_max;
        self.fits(depth_max, &mut left)
    }

    fn fits(&self, depth_max: usize, left: &mut usize) -> bool {
        let own = match self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) => items.len() * size_of::<Value>(),
            Self::Map(entries) => entries.len() * 2 * size_of::<Value>(),
            _ => return true,
        };
        let Some(rest) = left.checked_sub(own) else { return false };
        *left = rest;
        match (self, depth_max.checked_sub(1)) {
            (Self::List(items), Some(depth)) => pay(items.len()) && items.iter().all(|item| item.fits(depth, left)),
            (Self::Map(entries), Some(depth)) => {
                pay(entries.len()) && entries.values().all(|item| item.fits(depth, left))
            }
            (Self::List(_) | Self::Map(_), None) => false,
            _ => true,
        }
    }
}

/// What an entity takes beside itself: two counters.
const COUNTERS_BYTES: usize = 16;

/// Estimates the bytes of a whole node.
fn node_bytes(node: &Node) -> usize {
    let labels = heap_bytes(node.labels.capacity() * size_of::<CompactString>())
        + node.labels.iter().map(text_bytes).sum::<usize>();
    let itself = COUNTERS_BYTES + size_of::<Node>() + text_bytes(&node.element_id);
    itself + labels + properties_bytes(&node.properties)
}

/// Estimates the bytes of a whole relationship.
fn relationship_bytes(found: &Relationship) -> usize {
    let texts = [&found.element_id, &found.kind, &found.start_element_id, &found.end_element_id];
    let itself = COUNTERS_BYTES + size_of::<Relationship>() + texts.into_iter().map(text_bytes).sum::<usize>();
    itself + properties_bytes(&found.properties)
}

fn properties_bytes(properties: &Map) -> usize {
    map_bytes(properties, |value| value.memory_bytes() - size_of::<Value>()) - size_of::<Map>()
}

/// What a text takes outside its own place.
fn text_bytes(text: &CompactString) -> usize {
    if text.is_heap_allocated() { heap_bytes(text.len()) } else { 0 }
}

/// Estimates the bytes of a map; `of_value` tells what a value takes beside its place.
fn map_bytes(entries: &Map, of_value: impl Fn(&Value) -> usize) -> usize {
    let in_entries =
        |(key, value): (&CompactString, &Value)| of_value(value) + if key.is_heap_allocated() { key.len() } else { 0 };
    Value::map_room_bytes(entries.capacity()) + entries.iter().map(in_entries).sum::<usize>()
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}
