//! What the `sheaf` binary does, as a library that tests can call.
//! Leaves statements to the server, and wire bytes to `bolt`.
//! Start reading at [`shell::run`]; [`import`] reads CSV, [`demo`] holds real flights.

pub mod demo;
pub mod import;
pub mod shell;
