//! The settings of a vector index.
//! Start reading at [`Settings::of`].

use types::Value;

use super::measure::Similarity;
use crate::codec::fact::IndexDefinition;

/// Names of the settings, as an index keeps them.
pub mod options {
    /// Numbers that a vector has.
    pub const DIMENSIONS: &str = "vector.dimensions";
    /// How alike two vectors are: `COSINE` or `EUCLIDEAN`.
    pub const SIMILARITY: &str = "vector.similarity_function";
    /// Neighbours of a vector on the upper levels of the graph; twice as many on the lowest.
    pub const M: &str = "vector.hnsw.m";
    /// Vectors that are looked at to find the neighbours of a new one.
    pub const EF_CONSTRUCTION: &str = "vector.hnsw.ef_construction";
    /// Whether vectors are kept in less room; accepted, and without effect.
    pub const QUANTIZATION: &str = "vector.quantization.enabled";
}

/// The most numbers that a vector may have.
pub const DIMENSIONS_MAX: usize = 4_096;

/// What a vector index was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Numbers that a vector has; `None` takes vectors of any length.
    pub dimensions: Option<usize>,
    /// How alike two vectors are.
    pub similarity: Similarity,
    /// Neighbours of a vector on the upper levels of the graph; twice as many on the lowest.
    pub m: usize,
    /// Vectors that are looked at to find the neighbours of a new one.
    pub ef_construction: usize,
}

impl Settings {
    /// Neighbours where an index names no number.
    pub const M_DEFAULT: i64 = 16;
    /// Vectors looked at where an index names no number.
    pub const EF_CONSTRUCTION_DEFAULT: i64 = 100;

    /// Reads the settings of an index; what is missing or makes no sense is as if it was not there.
    #[must_use]
    pub fn of(index: &IndexDefinition) -> Self {
        let number = |name: &str, default: i64| match index.option(name) {
            Some(Value::Integer(number)) if *number > 0 => usize::try_from(*number).unwrap_or(DIMENSIONS_MAX),
            _ => usize::try_from(default).unwrap_or_default(),
        };
        let similarity = match index.option(options::SIMILARITY) {
            Some(Value::String(name)) => Similarity::find(name),
            _ => None,
        };
        Self {
            dimensions: Some(number(options::DIMENSIONS, 0)).filter(|dimensions| *dimensions > 0),
            similarity: similarity.unwrap_or(Similarity::Cosine),
            m: number(options::M, Self::M_DEFAULT).max(2),
            ef_construction: number(options::EF_CONSTRUCTION, Self::EF_CONSTRUCTION_DEFAULT),
        }
    }

    /// Makes the vector that an index keeps of a property; `None` if it keeps none of it.
    ///
    /// It takes lists of numbers of its own length that are finite, and for cosine not all zero.
    #[must_use]
    pub fn vector(&self, value: &Value) -> Option<Vec<f32>> {
        let Value::List(items) = value else { return None };
        let fits = self.dimensions.is_none_or(|dimensions| dimensions == items.len());
        if !fits || items.is_empty() || items.len() > DIMENSIONS_MAX {
            return None;
        }
        let number = |item: &Value| match item {
            Value::Integer(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        };
        self.similarity.prepared(&items.iter().map(number).collect::<Option<Vec<f64>>>()?)
    }
}
