//! Vector indexes: nearest neighbours, exact while there are few vectors and by an HNSW graph beyond that.
//! Leaves which entities belong to an index to `engines`, and what clients call to the layers above.
//! Start reading at [`search`]; [`change`] is how the index follows the graph, [`fold::Builder`] how its graph grows.

mod check;
mod fold;
mod hnsw;
mod keys;
mod measure;
mod read;
mod settings;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use check::check;
pub(crate) use fold::{Builder, apply, is_due, needs_rebuild, rebuild};
pub(crate) use keys::vectors;
pub use measure::Similarity;
pub(crate) use read::search;
pub use settings::{DIMENSIONS_MAX, Settings, options};
pub(crate) use write::change;
