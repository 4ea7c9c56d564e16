//! What a caller knows of something that is worth a line.

use std::borrow::Cow;

use types::shown::without_user_info;

use super::record::{Entry, Kind, NOTHING_BEFORE, Outcome};

/// Longest text of a statement that a line keeps, in characters.
const OPERATION_MAX: usize = 4_000;
/// Longest name, address or reason.
const SHORT_MAX: usize = 1_000;
/// Most databases that a line names.
const DATABASES_MAX: usize = 1_000;

/// What is told of it; everything is cut to a bounded length.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told<'t> {
    /// Who.
    pub(crate) user: Option<&'t str>,
    /// In whose name, where that is not his own.
    pub(crate) impersonated: Option<&'t str>,
    /// From where.
    pub(crate) address: Option<&'t str>,
    /// The databases that were meant or touched.
    pub(crate) databases: &'t [String],
    /// What was asked for; its secrets are taken out here.
    pub(crate) operation: &'t str,
}

impl Told<'_> {
    pub(super) fn entry(self, kind: Kind, outcome: Outcome, nanos: i128) -> Entry {
        let short = |text: &str| cut(text, SHORT_MAX);
        let (outcome, code, reason) = match outcome {
            Outcome::Done => ("done", None, None),
            Outcome::Failed { code, reason } => ("failed", Some(code), Some(short(&without_statement(&reason)))),
        };
        Entry {
            sequence: 0,
            time: time(nanos),
            nanos: nanos.to_string(),
            kind,
            user: self.user.filter(|user| !user.is_empty()).map(short),
            impersonated: self.impersonated.map(short),
            address: self.address.map(short),
            databases: self.databases.iter().take(DATABASES_MAX).map(|name| short(name)).collect(),
            operation: cut(&cypher::without_secrets(self.operation), OPERATION_MAX),
            outcome: outcome.to_owned(),
            code,
            reason,
            previous: NOTHING_BEFORE.to_owned(),
        }
    }
}

fn time(nanos: i128) -> String {
    let micros = i64::try_from(nanos.div_euclid(1_000)).unwrap_or_default();
    let time = types::temporal::from_epoch(micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000) * 1_000);
    time.map_or_else(|_| micros.to_string(), |time| time.to_string())
}

/// Gives the text of a failure without the line of the statement that it points into: the secrets of that are in it.
fn without_statement(reason: &str) -> Cow<'_, str> {
    without_user_info(reason.split("\n\"").next().unwrap_or_default())
}

/// Keeps the first characters of a text, and says that there were more.
fn cut(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}...", &text[..at]),
    }
}
