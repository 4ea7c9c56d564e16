//! Why a date, a time or a duration could not be made.

use crate::code::{Code, Failure};

/// Why a temporal value could not be made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemporalError {
    /// The text has none of the accepted forms; correct the text.
    #[error("Text cannot be parsed to a {kind}: '{text}'")]
    Unparsable {
        /// What the text should have been.
        kind: &'static str,
        /// The text.
        text: String,
    },
    /// A component outside its range; correct the value.
    #[error("Invalid value for {field} (valid values {low} - {high}): {value}")]
    Range {
        /// The component.
        field: &'static str,
        /// The value that was given.
        value: i64,
        /// The least allowed value.
        low: i64,
        /// The greatest allowed value.
        high: i64,
    },
    /// A day that its month, quarter or year does not have.
    #[error("Invalid date: {what}")]
    NoSuchDay {
        /// The day, in words.
        what: String,
    },
    /// A component that this kind of value does not have.
    #[error("No such field: {name}")]
    NoSuchField {
        /// The component's name.
        name: String,
    },
    /// A component that needs a greater one which is missing.
    #[error("{field} cannot be specified without {without}")]
    MissingField {
        /// The component that was given.
        field: &'static str,
        /// The component that it needs.
        without: &'static str,
    },
    /// The greatest component is missing.
    #[error("{field} must be specified")]
    Required {
        /// The component.
        field: &'static str,
    },
    /// Two components that name a day in different ways.
    #[error("Cannot assign {field} to {form}")]
    Conflict {
        /// The component that does not fit.
        field: &'static str,
        /// The form of date that the others chose.
        form: &'static str,
    },
    /// A component of the wrong type.
    #[error("{field} must be {expected}, but was a {found}")]
    FieldType {
        /// The component.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
        /// The type that it has.
        found: &'static str,
    },
    /// An empty map.
    #[error("At least one temporal unit must be specified.")]
    Empty,
    /// Neither an offset nor a name in the zone database.
    #[error("Invalid value for TimeZone: '{name}'")]
    NoSuchZone {
        /// The text that was given.
        name: String,
    },
    /// The offset in the text is not in use in the zone at that time.
    #[error("Timezone and offset do not match: '{text}'")]
    ZoneMismatch {
        /// The text.
        text: String,
    },
    /// The result is outside years -999,999,999 to 999,999,999, or a duration's part outside 64 bits.
    #[error("{what} is out of range")]
    Overflow {
        /// What does not fit.
        what: &'static str,
    },
    /// A unit that `truncate` does not know.
    #[error("Unsupported unit: {unit}")]
    NoSuchUnit {
        /// The unit's name.
        unit: String,
    },
    /// A unit that the value cannot be cut to.
    #[error("Cannot truncate {from} to {to} with unit {unit}")]
    Truncation {
        /// Type of the value.
        from: &'static str,
        /// Type of the result.
        to: &'static str,
        /// The unit's name.
        unit: &'static str,
    },
    /// A value of a type that the operation does not take.
    #[error("Cannot make {expected} from a value of type {found}")]
    WrongType {
        /// What was wanted.
        expected: &'static str,
        /// The type that was given.
        found: &'static str,
    },
}

impl TemporalError {
    /// Gives the public code of this failure.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unparsable { .. } => Code::SyntaxError,
            Self::WrongType { .. } => Code::TypeError,
            Self::Range { .. }
            | Self::NoSuchDay { .. }
            | Self::NoSuchField { .. }
            | Self::MissingField { .. }
            | Self::Required { .. }
            | Self::Conflict { .. }
            | Self::FieldType { .. }
            | Self::Empty
            | Self::NoSuchZone { .. }
            | Self::ZoneMismatch { .. }
            | Self::Overflow { .. }
            | Self::NoSuchUnit { .. }
            | Self::Truncation { .. } => Code::ArgumentError,
        }
    }
}

impl From<TemporalError> for Failure {
    fn from(error: TemporalError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// Checks a component against its range.
pub(super) fn in_range(field: &'static str, value: i64, low: i64, high: i64) -> Result<i64, TemporalError> {
    if (low..=high).contains(&value) { Ok(value) } else { Err(TemporalError::Range { field, value, low, high }) }
}
