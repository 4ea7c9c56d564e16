//! One line of the audit, and how it is chained to the one before.
//! Start reading at [`Entry::print`].

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use serde::{Deserialize, Serialize};

/// What the first line names as the one before it: 64 zeros.
pub(super) const NOTHING_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// What stands between a line's fields and its own hash.
const HASH_KEY: &str = ",\"hash\":\"";
/// What stands behind the hash.
const LINE_END: &str = "\"}";
/// Digits of a hash.
const HASH_DIGITS: usize = 64;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The server began to serve.
    Start,
    /// The server ended as it was asked to.
    Stop,
    /// Somebody proved who he is, or failed to.
    Login,
    /// An administration command that changes something.
    Admin,
    /// A backup, a copy or a restore.
    Backup,
    /// A right or a limit was in the way of a statement.
    Refusal,
    /// A statement over several databases.
    CrossDatabase,
    /// A statement of an admin in a database that is somebody else's.
    AsAdmin,
    /// The audit removed its oldest files.
    Retention,
    /// The audit found lines behind its sealed end, as a death leaves them, or somebody who added them.
    Unsealed,
    /// The audit found something wrong with itself.
    Alarm,
}

impl Kind {
    /// Names the kind as its line does.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Login => "login",
            Self::Admin => "admin",
            Self::Backup => "backup",
            Self::Refusal => "refusal",
            Self::CrossDatabase => "cross-database",
            Self::AsAdmin => "as-admin",
            Self::Retention => "retention",
            Self::Unsealed => "unsealed",
            Self::Alarm => "alarm",
        }
    }
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused or failed, with this public code and this text.
    Failed {
        /// The code as clients see it.
        code: String,
        /// Why, in the client's words.
        reason: String,
    },
}

impl From<&types::Failure> for Outcome {
    fn from(failure: &types::Failure) -> Self {
        Self::Failed { code: failure.code().row().neo4j.to_owned(), reason: failure.message().to_owned() }
    }
}

impl<T> From<&Result<T, types::Failure>> for Outcome {
    fn from(result: &Result<T, types::Failure>) -> Self {
        result.as_ref().map_or_else(Self::from, |_| Self::Done)
    }
}

/// One line, without its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts the lines of a server from 1.
    pub sequence: u64,
    /// When, in UTC.
    pub time: String,
    /// The same in nanoseconds since 1970, as text, for every reader of JSON keeps it whole.
    pub nanos: String,
    /// What it is about.
    pub kind: Kind,
    /// Who; nobody while authentication is off.
    pub user: Option<String>,
    /// In whose name, where that is not his own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impersonated: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// The databases that were meant or touched.
    pub databases: Vec<String>,
    /// The command or statement, without secrets and without the values of parameters.
    pub operation: String,
    /// `done` or `failed`.
    pub outcome: String,
    /// The public code of a failure.
    pub code: Option<String>,
    /// The text of a failure.
    pub reason: Option<String>,
    /// The hash of the line before.
    pub previous: String,
}

impl Entry {
    /// Prints the line with its hash, and gives that.
    pub(super) fn print(&self) -> (String, String) {
        let mut line = serde_json::to_string(self).expect("plain fields, and memory does not fail to be written");
        let hash = hash(line.as_bytes());
        line.truncate(line.len() - 1);
        line.push_str(HASH_KEY);
        line.push_str(&hash);
        line.push_str(LINE_END);
        line.push('\n');
        (line, hash)
    }

    /// Gives the line's own hash.
    #[must_use]
    pub fn hash(&self) -> String {
        self.print().1
    }

    /// Reads a line, without its end of line; gives the hash that it should have, and the one that it has.
    pub(super) fn parse(line: &str) -> Result<(Self, Hashes), &'static str> {
        let rest = line.strip_suffix(LINE_END).ok_or("it does not end as a line of the audit")?;
        let at = rest.len().checked_sub(HASH_DIGITS).filter(|at| rest.is_char_boundary(*at));
        let (rest, found) = rest.split_at(at.ok_or("it is too short")?);
        let body = rest.strip_suffix(HASH_KEY).ok_or("it holds no hash at its end")?;
        let body = format!("{body}}}");
        let entry = serde_json::from_str(&body).map_err(|_| "its fields cannot be read")?;
        Ok((entry, Hashes { expected: hash(body.as_bytes()), found: found.to_owned() }))
    }
}

/// The hash that a line has, and the one that its fields call for.
pub(super) struct Hashes {
    pub expected: String,
    pub found: String,
}

/// BLAKE2b of 256 bits, in hexadecimal digits.
fn hash(bytes: &[u8]) -> String {
    let sum: [u8; 32] = Blake2b::<U32>::digest(bytes).into();
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}
