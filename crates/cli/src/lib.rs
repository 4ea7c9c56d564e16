//! What the `sheaf` binary does, as a library that tests can call.
//! Leaves statements to the server, and wire bytes to `bolt`.
//! Start reading at [`shell::run`]; [`import`] reads CSV, [`demo`] holds real flights.

pub mod demo;
pub mod exit;
pub mod import;
pub mod logging;
pub mod shell;
pub mod signals;
pub mod units;
