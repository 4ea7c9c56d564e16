//! The line editor: asks for statements until `:exit` or Ctrl-D.

use std::borrow::Cow;
use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

use reedline::{
    FileBackedHistory, Prompt, PromptEditMode, PromptHistorySearch, Reedline, Signal, ValidationResult, Validator,
};

use super::split::{self, Splitter};
use super::talk::{Talk, TalkError};
use super::{Outcome, Step, attempt};

/// Entries that the history file keeps.
const HISTORY_ENTRIES_MAX: usize = 10_000;

/// Asks and runs until the user leaves.
pub fn ask(talk: &mut Talk) -> Result<Outcome, TalkError> {
    let mut editor = editor();
    writeln!(io::stderr(), "Statements end with `;`. Type :help for help, :exit to leave.")
        .map_err(TalkError::Output)?;
    loop {
        let place = Place { database: talk.database()?, in_transaction: talk.in_transaction() };
        match editor.read_line(&place).map_err(TalkError::Terminal)? {
            Signal::Success(text) => {
                if let Step::Exit = run_all(talk, &text)? {
                    return Ok(Outcome::Done);
                }
            }
            Signal::CtrlD => return Ok(Outcome::Done),
            _ => {}
        }
    }
}

/// Runs what was typed, up to the first failure.
fn run_all(talk: &mut Talk, text: &str) -> Result<Step, TalkError> {
    let mut splitter = Splitter::default();
    splitter.push(text);
    while let Some(piece) = splitter.finish() {
        match attempt(talk, &piece)? {
            Step::Next => {}
            other => return Ok(other),
        }
    }
    Ok(Step::Next)
}

fn editor() -> Reedline {
    let editor = Reedline::create().with_validator(Box::new(WholeStatements));
    // A home folder that cannot be written costs the history, not the shell.
    match history_path().and_then(|path| FileBackedHistory::with_file(HISTORY_ENTRIES_MAX, path).ok()) {
        Some(history) => editor.with_history(Box::new(history)),
        None => editor,
    }
}

/// Gives SHEAF_HISTORY, or a file in the user's folder for state.
fn history_path() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("SHEAF_HISTORY").or_else(|| {
        let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
        Some(state.join("sheaf/history"))
    })
}

struct WholeStatements;

impl Validator for WholeStatements {
    fn validate(&self, text: &str) -> ValidationResult {
        if split::is_complete(text) { ValidationResult::Complete } else { ValidationResult::Incomplete }
    }
}

struct Place {
    database: String,
    in_transaction: bool,
}

impl Prompt for Place {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.database)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed(if self.in_transaction { "# " } else { "> " })
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("  ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(history: {}) ", search.term))
    }
}
