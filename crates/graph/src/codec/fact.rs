//! Single facts: numbers, names and counts.
//! Leaves definitions of indexes and constraints to `schema`, whose names it lends.
//! Start reading at [`encode_number`].

pub use super::schema::{
    ConstraintDefinition, ConstraintId, ConstraintKind, IndexDefinition, IndexKind, IndexOn, IndexOptions, IndexState,
    PropertyType, PropertyTypes,
};
use super::{Fields, open, seal};
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
}
