//! Load on a real server: how fast it answers, and what it costs.
//! Measures and prints; judges only what must hold under load. Starting processes is the work of `suite::process`.
//! Start reading at [`run`].
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod cases;
mod catalog;
mod copies;
mod import;
mod load;
mod machine;
mod neighbours;
pub mod statement;
mod table;
mod tenants;

use std::net::SocketAddr;
use std::time::Duration;

use bolt::client::ClientError;

pub use load::{Load, Measured};
pub use table::Row;

/// What to measure, and how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// Cases to run, by a part of their name; all without one.
    pub cases: Vec<String>,
    /// A server that runs already, such as 127.0.0.1:7687; without it one is built and started for each case.
    #[arg(long)]
    pub server: Option<SocketAddr>,
    /// How long each load lasts, in seconds.
    #[arg(long, default_value_t = 5)]
    pub seconds: u64,
    /// Nodes under the point lookups.
    #[arg(long, default_value_t = 100_000)]
    pub nodes: u64,
    /// Databases of the case with many of them.
    #[arg(long, default_value_t = 1_000)]
    pub databases: u64,
    /// Databases of the case that asks the catalog.
    #[arg(long, default_value_t = 10_000)]
    pub catalog: u64,
}

impl Settings {
    /// What `cargo bench` measures: all cases, short enough to be run often.
    #[must_use]
    pub fn short() -> Self {
        Self { cases: Vec::new(), server: None, seconds: 2, nodes: 20_000, databases: 200, catalog: 500 }
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Why a measurement gave no number.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The server did not start; its log is in the message.
    #[error("the server did not start: {0}")]
    Start(#[from] suite::process::StartError),
    /// A statement failed that must not.
    #[error("a statement failed: {0}")]
    Statement(#[from] ClientError),
    /// A file or a process could not be read.
    #[error("the machine refused: {0}")]
    Io(#[from] std::io::Error),
    /// The server was fast and wrong.
    #[error("{0}")]
    Wrong(String),
}

/// Runs the chosen cases one after the other and prints a table of each.
pub fn run(settings: &Settings) -> Result<(), BenchError> {
    for case in cases::ALL {
        let chosen = settings.cases.is_empty() || settings.cases.iter().any(|part| case.name.contains(part.as_str()));
        if !chosen {
            continue;
        }
        println!("\n{}: {}", case.name, case.about);
        let server = cases::Target::open(settings)?;
        println!("{}", machine::describe(&std::env::temp_dir())?);
        let rows = (case.run)(&server, settings)?;
        println!("{}", table::print(&rows));
    }
    Ok(())
}
