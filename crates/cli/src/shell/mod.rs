//! `sheaf shell`: statements in, tables or JSON or CSV out.
//! Leaves the wire to `bolt::client` and the meaning of a statement to the server.
//! Start reading at [`run`].

mod command;
mod complaint;
mod format;
mod interrupt;
mod json;
mod plan;
mod prompt;
mod split;
mod talk;

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

pub use command::{Command, CommandError};
pub use format::{Format, Printer};
pub use split::{Piece, Splitter};
use talk::{Talk, TalkError};

/// What `sheaf shell` takes.
#[derive(Args, Debug)]
pub struct Arguments {
    /// A statement to run instead of asking for some; `;` parts several.
    statement: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
    /// The database; without it the user's home database.
    #[arg(short, long, env = "SHEAF_DATABASE")]
    database: Option<String>,
    /// Reads statements from a file.
    #[arg(short, long, conflicts_with = "statement")]
    file: Option<PathBuf>,
    /// Sets a parameter, as `:param` does: `name => value`.
    #[arg(short = 'P', long, value_name = "NAME => VALUE")]
    param: Vec<String>,
    /// Goes on after a statement that failed, and fails at the end.
    #[arg(long)]
    fail_at_end: bool,
    /// What is said where the statement gives no record, which is a failure then.
    #[arg(skip)]
    if_nothing: Option<String>,
}

/// Which server is asked, by whom, and how its answers are shown.
#[derive(Args, Debug)]
pub struct ServerArguments {
    /// Where the server listens: `host:port` or `bolt://host:port`, with `/database` behind it if one is meant.
    #[arg(long, env = "SHEAF_BOLT", default_value = "127.0.0.1:7687", global = true)]
    bolt: String,
    /// The user's name.
    #[arg(short, long, env = "SHEAF_USER", requires = "password", global = true)]
    user: Option<String>,
    /// The user's password; better given as SHEAF_PASSWORD, which other users of the machine cannot see.
    #[arg(short, long, env = "SHEAF_PASSWORD", hide_env_values = true, requires = "user", global = true)]
    password: Option<String>,
    /// How records are written.
    #[arg(long, value_enum, default_value_t = Format::Table, global = true)]
    format: Format,
}

impl Arguments {
    /// Makes what runs one statement and ends.
    pub(crate) fn of_statement(statement: String, server: ServerArguments) -> Self {
        let (database, file, param) = (None, None, Vec::new());
        Self { statement: Some(statement), server, database, file, param, fail_at_end: false, if_nothing: None }
    }

    /// Makes it a failure that says so if the statement gives no record.
    pub(crate) fn or_else(self, if_nothing: Option<String>) -> Self {
        Self { if_nothing, ..self }
    }
}

/// How the shell ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every statement succeeded.
    Done,
    /// A statement failed.
    StatementFailed,
    /// The arguments are wrong, or the connection failed.
    Unusable,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::StatementFailed => Self::from(1),
            Outcome::Unusable => Self::from(2),
        }
    }
}

/// Connects and runs statements until the input ends or `:exit`.
pub fn run(arguments: &Arguments) -> Outcome {
    match start(arguments) {
        Ok(outcome) => outcome,
        // Who reads our output has seen enough: `sheaf shell ... | head`.
        Err(TalkError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::Done,
        Err(error) => {
            complain(&error, "");
            if error.is_fatal() { Outcome::Unusable } else { Outcome::StatementFailed }
        }
    }
}

fn start(arguments: &Arguments) -> Result<Outcome, TalkError> {
    let mut talk = Talk::connect(arguments)?;
    for parameter in &arguments.param {
        talk.obey(&Command::param(parameter)?)?;
    }
    if let Some(statement) = &arguments.statement {
        let outcome = play(&mut talk, statement.as_bytes(), arguments.fail_at_end)?;
        return match &arguments.if_nothing {
            Some(text) if outcome == Outcome::Done && talk.records() == 0 => Err(TalkError::Nothing(text.clone())),
            _ => Ok(outcome),
        };
    }
    if let Some(path) = &arguments.file {
        let file = File::open(path).map_err(|source| TalkError::Input { name: path.display().to_string(), source })?;
        return play(&mut talk, BufReader::new(file), arguments.fail_at_end);
    }
    if io::stdin().is_terminal() {
        return prompt::ask(&mut talk);
    }
    play(&mut talk, io::stdin().lock(), arguments.fail_at_end)
}

/// Runs each statement as soon as its `;` is read.
fn play(talk: &mut Talk, mut input: impl BufRead, fail_at_end: bool) -> Result<Outcome, TalkError> {
    let mut splitter = Splitter::default();
    let mut line = String::new();
    let mut outcome = Outcome::Done;
    loop {
        line.clear();
        let read =
            input.read_line(&mut line).map_err(|source| TalkError::Input { name: "the input".to_owned(), source })?;
        splitter.push(&line);
        while let Some(piece) = if read == 0 { splitter.finish() } else { splitter.take() } {
            let in_transaction = talk.in_transaction();
            match attempt(talk, &piece)? {
                Step::Next => {}
                Step::Exit => return Ok(outcome),
                Step::Failed => {
                    outcome = Outcome::StatementFailed;
                    // The transaction is gone; what follows was meant to be part of it.
                    if !fail_at_end || in_transaction {
                        return Ok(outcome);
                    }
                }
            }
        }
        if read == 0 {
            return if talk.in_transaction() { Err(TalkError::Abandoned) } else { Ok(outcome) };
        }
    }
}

enum Step {
    Next,
    Failed,
    Exit,
}

/// Runs one piece and reports its failure; gives an error only where going on makes no sense.
fn attempt(talk: &mut Talk, piece: &Piece) -> Result<Step, TalkError> {
    let (done, text) = match piece {
        Piece::Statement(text) => match Command::of_statement(text) {
            Some(command) => (talk.obey(&command), text.as_str()),
            None => (talk.run(text), text.as_str()),
        },
        Piece::Command(text) => match Command::parse(text) {
            Ok(Command::Exit) => return Ok(Step::Exit),
            Ok(command) => (talk.obey(&command), ""),
            // `:use films MATCH ...` on one line is a statement of the server's.
            Err(error) if error == Command::USE_USAGE => (talk.run(text), text.as_str()),
            Err(error) => (Err(error.into()), ""),
        },
    };
    match done {
        Ok(()) => Ok(Step::Next),
        Err(error) if error.is_fatal() => Err(error),
        Err(error) => {
            complain(&error, text);
            Ok(Step::Failed)
        }
    }
}

/// Writes a failure to the standard error, which may be closed without harm.
fn complain(error: &TalkError, statement: &str) {
    let _ = writeln!(io::stderr(), "{}", complaint::describe(error, statement));
}
