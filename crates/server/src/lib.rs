//! The network faces of an instance: Bolt for drivers, HTTP for everything else.
//! Turns messages into calls of `instance` and answers into bytes; decides nothing about data or rights.
//! Start reading at [`Server::start`].

mod adapter;
mod bolt_face;
mod config;
mod http_face;
mod room;
mod running;
pub mod sessions;
mod stop;

pub use config::{MetricsAccess, ServerConfig};
pub use running::{Server, StartError};

/// The product name that clients see; drivers ask that it begins with `Neo4j/`.
pub const AGENT: &str = "Neo4j/5.26.0";

/// The version of Neo4j whose protocols and answers are spoken.
pub const NEO4J_VERSION: &str = "5.26.0";
