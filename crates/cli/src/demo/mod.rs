//! `sheaf demo`: real flights, a database for each of three airports.
//! Leaves loading to `import` and answers to the server that it starts.
//! Start reading at [`run`]; [`model::load`] says what the graph looks like.

mod command;
pub mod data;
pub mod model;
mod statements;

pub use command::{Arguments, run};
pub use statements::{STATEMENTS, ShowError, Shown};
