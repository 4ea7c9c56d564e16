//! The `sheaf` binary: reads arguments and hands over.
//! Leaves what a subcommand does to the library of this crate, so that tests reach it.
//! Start reading at [`Command`].

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A graph database server with many databases.
#[derive(Debug, Parser)]
#[command(name = "sheaf", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs statements on a server: typed, from a file or from a pipe.
    ///
    /// Exits with 0 when every statement succeeded, 1 when one failed, 2 when the arguments are wrong or the
    /// connection failed.
    Shell(cli::shell::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Shell(arguments) => cli::shell::run(&arguments).into(),
    }
}
