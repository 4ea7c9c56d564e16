//! Real flights for the demo: three airports, a database each.
//! Leaves making the databases and loading them to the caller.
//! Start reading at [`model::load`].

pub mod data;
pub mod model;
