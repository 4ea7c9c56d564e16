//! How a subcommand ends, as the shell that started it sees it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// How a subcommand ended. Every subcommand uses the same codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: it did what it was told.
    Done,
    /// 1: it failed while it worked.
    Failed,
    /// 2: the arguments or the settings are wrong, and nothing was done; or what it has to say cannot be written.
    Usage,
    /// 3: another process uses the data folder; nothing was done.
    InUse,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done if IS_UNSAID.load(Ordering::Relaxed) => Exit::Usage.into_code(),
            exit => exit.into_code(),
        })
    }
}

impl Exit {
    fn into_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::InUse => 3,
        }
    }
}

/// Whether a line that this process had to say could not be written.
static IS_UNSAID: AtomicBool = AtomicBool::new(false);

/// Writes a failure with all its causes to the standard error, which may be closed without harm.
pub fn complain(error: &dyn std::error::Error) {
    let _ = writeln!(io::stderr(), "error: {}", with_causes(error));
}

/// Gives a failure and its causes as one text; a cause that is part of the message already is left out.
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// Writes a line of what a call is about to the standard output.
///
/// A reader that has seen enough is no reason to stop, nor is a disk without room; but then the call does not end well.
pub fn say(text: &str) {
    if let Err(error) = writeln!(io::stdout(), "{text}")
        && error.kind() != io::ErrorKind::BrokenPipe
        && !IS_UNSAID.swap(true, Ordering::Relaxed)
    {
        let _ = writeln!(io::stderr(), "error: cannot write the output: {error}");
    }
}

/// Writes a line to the standard output that whoever starts a server may read or not.
pub fn mention(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
