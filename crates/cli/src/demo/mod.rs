//! Real flights for the demo: three airports, a database each.
//! Leaves making the databases and loading them to the caller.
//! Start reading at [`model::tenant`].

pub mod data;
pub mod model;
