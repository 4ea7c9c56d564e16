//! The `sheaf` binary: reads arguments and hands over.
//! Leaves what a subcommand does to the library of this crate, so that tests reach it.
//! Start reading at [`Command`].

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Query execution allocates many small values.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What every help ends with.
const EXITS: &str = "Exit codes: 0 done, 1 failed, 2 wrong arguments or settings, 3 the data folder is in use.";

const SERVE_HELP: &str = "\
Each setting is taken from its flag, else from its environment variable, else from the file that --config or \
SHEAF_CONFIG names, else it has its default. In the file (TOML) a setting has the name of its flag, with _ for -:

  data = \"/var/lib/sheaf\"
  auth = \"password\"
  http = \"0.0.0.0:7474\"
  statement_time_max = \"30s\"

Example: sheaf serve --data ./data --bolt 127.0.0.1:7687 --http 127.0.0.1:7474

SIGTERM and Ctrl-C end the server: what runs may finish within the stop time. A second one ends it at once.

Exit codes: 0 ended when asked to, 1 failed, 2 wrong arguments or settings, 3 the data folder is in use.";

const SHELL_HELP: &str = "\
Example: sheaf shell --database ewr 'MATCH (f:Flight) RETURN count(f)'

Exit codes: 0 every statement succeeded, 1 one failed, 2 wrong arguments or no connection, 130 ended by Ctrl-C.";

const IMPORT_HELP: &str = "\
The first line of a file says what its columns are: :ID, :LABEL, :START_ID, :END_ID, :TYPE, or a property such as \
name or age:int. Files may be gzipped. Either everything is imported, save the bad rows, or nothing is.

Example: sheaf import --database films --nodes Person=people.csv Film=films.csv --relationships SAW=saw.csv

Exit codes: 0 imported, 1 failed, 2 wrong arguments or headers, 3 the data folder is in use.";

const PASSWORD_HELP: &str = "\
The first line of the input is the new password.

Example: sheaf password --data ./data < password.txt

Exit codes: 0 set, 1 failed, 2 wrong arguments or no password, 3 the data folder is in use.";

const DEMO_HELP: &str = "\
Example: sheaf demo --exit

Exit codes: 0 done, 1 failed, 2 wrong arguments or files, 3 the data folder is in use.";

/// A graph database server with many databases.
#[derive(Debug, Parser)]
#[command(name = "sheaf", version, arg_required_else_help = true, after_help = EXITS)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a data folder over Bolt and HTTP.
    #[command(after_help = SERVE_HELP)]
    Serve(Box<cli::serve::Arguments>),
    /// Runs statements on a server: typed, from a file or from a pipe.
    #[command(after_help = SHELL_HELP)]
    Shell(cli::shell::Arguments),
    /// Makes a database from CSV files, fast, while no server runs.
    #[command(after_help = IMPORT_HELP)]
    Import(cli::import::Arguments),
    /// Sets a user's password while no server runs.
    #[command(after_help = PASSWORD_HELP)]
    Password(cli::password::Arguments),
    /// Makes three databases of real flights, shows statements across them, and serves them.
    #[command(after_help = DEMO_HELP)]
    Demo(cli::demo::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(arguments) => cli::serve::run(&arguments).into(),
        Command::Shell(arguments) => cli::shell::run(&arguments).into(),
        Command::Import(arguments) => cli::import::run(&arguments).into(),
        Command::Password(arguments) => cli::password::run(&arguments).into(),
        Command::Demo(arguments) => cli::demo::run(&arguments).into(),
    }
}
