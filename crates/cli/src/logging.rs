//! The log: `tracing` events to the standard error, as text or as JSON.

use std::fmt::{self, Debug};
use std::io::{self, IsTerminal};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{self, Writer};
use types::shown::visible;

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
        LogFormat::Text => {
            let fields = format::debug_fn(write_field).delimited(" ");
            builder.with_ansi(io::stderr().is_terminal()).fmt_fields(fields).try_init()
        }
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Writes a field of an event. What clients call themselves is among them, and must not begin a line of its own.
fn write_field(out: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    let value = format!("{value:?}");
    match field.name() {
        "message" => write!(out, "{}", visible(&value)),
        name => write!(out, "{name}={}", visible(&value)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn f99_names_of_clients_begin_no_line_of_the_log() {
        let written = Written::default();
        let out = written.clone();
        let fields = format::debug_fn(write_field).delimited(" ");
        let builder = tracing_subscriber::fmt().without_time().with_ansi(false).fmt_fields(fields);
        tracing::subscriber::with_default(builder.with_writer(move || out.clone()).finish(), || {
            tracing::warn!(user = %"x\n9999 WARN forged\u{1b}[2J", count = 3, reason = "it is so", "wrong name or password");
        });
        let written = String::from_utf8(written.0.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let written = written.expect("the log is text");
        let (_, event) = written.split_once(": ").expect("the place stands in front");
        let expected = "wrong name or password user=x\\n9999 WARN forged\\u{1b}[2J count=3 reason=\"it is so\"\n";
        assert_eq!(event, expected);
    }
}
