//! The log: `tracing` events to the standard error, as text or as JSON.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line, for collectors.
    Json,
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Reads a level such as `info`, or levels by place such as `warn,server=debug`.
pub fn parse_level(text: &str) -> Result<EnvFilter, String> {
    // A word alone would be taken for a place of which everything is logged, and nothing of the others.
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let plain = text.split(',').map(str::trim).filter(|one| !one.is_empty() && !one.contains(['=', '[']));
    if let Some(word) = plain.into_iter().find(|word| !is_level(word)) {
        let levels = LEVELS.join(", ");
        return Err(format!(
            "\"{text}\" is no log level: \"{word}\" is none of {levels}; levels of places are written place=level"
        ));
    }
    EnvFilter::try_new(text).map_err(|error| format!("\"{text}\" is no log level: {error}"))
}

/// Writes events from here on; a second call changes nothing.
pub fn start(format: LogFormat, level: EnvFilter) {
    let builder = tracing_subscriber::fmt().with_env_filter(level).with_writer(io::stderr);
    // Fails only where a log is being written already, which then goes on.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
