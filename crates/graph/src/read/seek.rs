//! Seeks in indexes: equality, ranges, beginnings of strings.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Bound;

use types::compare::order as compare;
use types::{CompactString, Value};

use super::View;
use crate::codec::fact::IndexDefinition;
use crate::error::GraphError;
use crate::keys;
use crate::keys::order::{self, VALUES_MAX_BYTES};

/// What to look for in an index; `equal` gives the values of its first property keys.
///
/// As in Cypher, null and NaN are found by no comparison, and a range holds values of one type only.
#[derive(Clone, Debug, PartialEq)]
pub enum Seek {
    /// Entries whose first values are these; with no values, all entries.
    Equal(Vec<Value>),
    /// Entries whose next value lies between two bounds.
    Range {
        /// The values before it.
        equal: Vec<Value>,
        /// Where the range begins.
        lower: Bound<Value>,
        /// Where the range ends.
        upper: Bound<Value>,
    },
    /// Entries whose next value is a string with this beginning.
    Prefix {
        /// The values before it.
        equal: Vec<Value>,
        /// The beginning.
        prefix: CompactString,
    },
    /// Strings that have this in them; of a text index.
    Holds(CompactString),
    /// Strings with this end; of a text index.
    Ends(CompactString),
    /// Points between two corners, which are points; of a point index.
    Within(Value, Value),
    /// Points no farther from a point than a distance; of a point index.
    Near(Value, f64),
}

impl Seek {
    /// Tells whether an entity with these values, one for each key of the index, is looked for.
    #[must_use]
    pub fn matches<V: Borrow<Value>>(&self, values: &[V]) -> bool {
        let equal = self.equal();
        let is_equal = |(a, b): (&Value, &V)| is_comparable(a) && compare(a, b.borrow()) == Ordering::Equal;
        if values.len() < equal.len() || !equal.iter().zip(values).all(is_equal) {
            return false;
        }
        let Some(next) = values.get(equal.len()).map(Borrow::borrow) else { return matches!(self, Self::Equal(_)) };
        match self {
            Self::Equal(_) | Self::Range { lower: Bound::Unbounded, upper: Bound::Unbounded, .. } => true,
            Self::Range { lower, upper, .. } => {
                is_comparable(next) && meets(next, lower, Ordering::Greater) && meets(next, upper, Ordering::Less)
            }
            Self::Prefix { prefix, .. } => {
                matches!(next, Value::String(text) if text.as_bytes().starts_with(prefix.as_bytes()))
            }
            Self::Holds(part) => matches!(next, Value::String(text) if text.contains(part.as_str())),
            Self::Ends(end) => matches!(next, Value::String(text) if text.ends_with(end.as_str())),
            // Who asks reckons the distance.
            Self::Within(..) | Self::Near(..) => matches!(next, Value::Point(_)),
        }
    }

    fn equal(&self) -> &[Value] {
        match self {
            Self::Equal(equal) | Self::Range { equal, .. } | Self::Prefix { equal, .. } => equal,
            Self::Holds(_) | Self::Ends(_) | Self::Within(..) | Self::Near(..) => &[],
        }
    }

    /// As [`Seek::span`], from behind a key on.
    pub(crate) fn span_after(&self, index: types::IndexId, after: Option<&[u8]>) -> Option<(Vec<u8>, Vec<u8>)> {
        let (start, end) = self.span(index)?;
        let start = after.map_or(start, |after| [after, &[0]].concat());
        (start < end).then_some((start, end))
    }

    /// Gives the first encoding and the first one behind; `None` if nothing can be found.
    fn span(&self, index: types::IndexId) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut base = keys::entries_of_index(index).to_vec();
        for value in self.equal() {
            put(value, &mut base)?;
        }
        let (start, end) = match self {
            Self::Equal(_) => within(base),
            Self::Prefix { prefix, .. } => {
                base.extend_from_slice(&order::string_prefix(prefix));
                within(base)
            }
            Self::Range { lower: Bound::Unbounded, upper: Bound::Unbounded, .. } => within(base),
            // A range index has no order for these: all of it is looked through.
            Self::Holds(_) | Self::Ends(_) | Self::Within(..) | Self::Near(..) => within(base),
            Self::Range { lower, upper, .. } if !is_one_type(lower, upper) => return None,
            Self::Range { lower, upper, .. } => (range_start(&base, lower, upper)?, range_end(&base, lower, upper)?),
        };
        (start < end).then_some((start, end))
    }
}

impl View<'_> {
    /// Appends up to `limit` ids of nodes or relationships in the order of the index.
    ///
    /// Gives the place to go on from as the next `after`; `None` when there is no more. Values that are too long for
    /// a key come in no certain order, but are found exactly.
    pub fn seek_index(
        &self,
        definition: &IndexDefinition,
        seek: &Seek,
        after: Option<&[u8]>,
        limit: usize,
        out: &mut Vec<u64>,
    ) -> Result<Option<Vec<u8>>, GraphError> {
        let Some((start, end)) = seek.span_after(definition.id, after) else { return Ok(None) };
        let full = out.len().saturating_add(limit);
        let mut last = None;
        if limit == 0 {
            return Ok(None);
        }
        self.seek_each(definition, seek, (&start, &end), |key, id| {
            out.push(id);
            if out.len() == full {
                last = Some(key.to_vec());
            }
            Ok(out.len() < full)
        })?;
        Ok(last)
    }

    /// Hands the key and the id of each entry in a span to `visit`, in the order of the index, until it says `false`.
    pub(crate) fn seek_each(
        &self,
        definition: &IndexDefinition,
        seek: &Seek,
        (start, end): (&[u8], &[u8]),
        mut visit: impl FnMut(&[u8], u64) -> Result<bool, GraphError>,
    ) -> Result<(), GraphError> {
        self.scan(start, end, |key, _| {
            let id = key.len().checked_sub(8).and_then(|at| keys::u64_at(key, at));
            let id = id.ok_or_else(|| GraphError::damaged("an entry of an index"))?;
            if !order::is_cut(key) || self.holds(definition, seek, id)? { visit(key, id) } else { Ok(true) }
        })
    }

    /// Reads the values of an entity whose entry was cut, and asks them.
    fn holds(&self, definition: &IndexDefinition, seek: &Seek, id: u64) -> Result<bool, GraphError> {
        let values = self.values_of(definition, id)?;
        Ok(values.is_some_and(|values| seek.matches(&values)))
    }
}

/// Null, NaN and what no property holds are found by no comparison.
fn is_comparable(value: &Value) -> bool {
    !matches!(value, Value::Float(float) if float.is_nan()) && order::tag(value).is_ok()
}

fn meets(value: &Value, bound: &Bound<Value>, side: Ordering) -> bool {
    let (limit, is_included) = match bound {
        Bound::Unbounded => return true,
        Bound::Included(limit) => (limit, true),
        Bound::Excluded(limit) => (limit, false),
    };
    let is_one_type = order::tag(value).ok() == order::tag(limit).ok();
    let found = compare(value, limit);
    is_comparable(limit) && is_one_type && (found == side || is_included && found == Ordering::Equal)
}

/// No value lies between bounds of two types.
fn is_one_type(lower: &Bound<Value>, upper: &Bound<Value>) -> bool {
    match (lower, upper) {
        (Bound::Included(lower) | Bound::Excluded(lower), Bound::Included(upper) | Bound::Excluded(upper)) => {
            order::tag(lower).ok() == order::tag(upper).ok()
        }
        _ => true,
    }
}

fn put(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    if !is_comparable(value) {
        return None;
    }
    order::encode(value, out).ok()
}

/// Everything that begins so; a beginning that is too long for a key finds what was cut there.
fn within(mut base: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    cut(&mut base);
    let end = keys::after_prefix(&base);
    (base, end)
}

fn range_start(base: &[u8], lower: &Bound<Value>, upper: &Bound<Value>) -> Option<Vec<u8>> {
    let mut start = base.to_vec();
    match (lower, upper) {
        (Bound::Included(value), _) => {
            put(value, &mut start)?;
            cut(&mut start);
        }
        (Bound::Excluded(value), _) => {
            put(value, &mut start)?;
            // What was cut may be greater all the same; the values themselves decide then.
            if !cut(&mut start) {
                start = keys::after_prefix(&start);
            }
        }
        (Bound::Unbounded, Bound::Included(value) | Bound::Excluded(value)) => {
            start.push(order::tag(value).ok()?);
            cut(&mut start);
        }
        (Bound::Unbounded, Bound::Unbounded) => {
            cut(&mut start);
        }
    }
    Some(start)
}

fn range_end(base: &[u8], lower: &Bound<Value>, upper: &Bound<Value>) -> Option<Vec<u8>> {
    let mut end = base.to_vec();
    match (upper, lower) {
        (Bound::Included(value), _) => {
            put(value, &mut end)?;
            cut(&mut end);
            end = keys::after_prefix(&end);
        }
        (Bound::Excluded(value), _) => {
            put(value, &mut end)?;
            if cut(&mut end) {
                end = keys::after_prefix(&end);
            }
        }
        // NaN is kept as the greatest number, and is greater than none.
        (
            Bound::Unbounded,
            Bound::Included(Value::Integer(_) | Value::Float(_)) | Bound::Excluded(Value::Integer(_) | Value::Float(_)),
        ) => {
            order::encode(&Value::Float(f64::NAN), &mut end).ok()?;
            if cut(&mut end) {
                end = keys::after_prefix(&end);
            }
        }
        (Bound::Unbounded, Bound::Included(value) | Bound::Excluded(value)) => {
            end.push(order::tag(value).ok()?);
            cut(&mut end);
            end = keys::after_prefix(&end);
        }
        (Bound::Unbounded, Bound::Unbounded) => end = keys::after_prefix(&end),
    }
    Some(end)
}

/// Cuts as the keys of entries are cut; tells whether entries that end here may have been cut too.
fn cut(key: &mut Vec<u8>) -> bool {
    const BYTES_MAX: usize = 5 + VALUES_MAX_BYTES;
    key.truncate(BYTES_MAX);
    key.len() == BYTES_MAX
}
