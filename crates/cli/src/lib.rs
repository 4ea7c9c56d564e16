//! What the `sheaf` binary does, as a library that tests can call.
//! Leaves statements to `instance`, sockets to `server`, and wire bytes to `bolt`.
//! Start reading at [`serve::run`]; the other subcommands have modules of their names.

pub mod admin;
pub mod audit;
pub mod backup;
pub mod db;
pub mod demo;
pub mod dump;
pub mod exit;
pub mod import;
pub mod logging;
pub mod memory;
pub mod progress;
pub mod reach;
pub mod serve;
pub mod shell;
pub mod signals;
pub mod units;
