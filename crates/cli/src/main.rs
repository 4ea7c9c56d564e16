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

const DB_HELP: &str = "\
Examples: sheaf db create films
          sheaf db list --format json
          sheaf db drop films --cascade-aliases
          sheaf db grant read 'tenant_*' --to-role support

Exit codes: 0 done, 1 refused, 2 wrong arguments or no connection.";

const IMPORT_HELP: &str = "\
The first line of a file says what its columns are: :ID, :LABEL, :START_ID, :END_ID, :TYPE, or a property such as \
name or age:int. Files may be gzipped. Either everything is imported, save the bad rows, or nothing is.

Example: sheaf import --database films --nodes Person=people.csv Film=films.csv --relationships SAW=saw.csv

Exit codes: 0 imported, 1 failed, 2 wrong arguments or headers, 3 the data folder is in use.";

const BACKUP_HELP: &str = "\
While a server runs on the data folder it is asked over Bolt, at 127.0.0.1:7687 or where --bolt says, and goes on \
serving. The file is there whole and read back, or not at all.

With --all every database and system go into a folder, and a list of them last: without it the folder is no backup. One that \
cannot be copied is told of, and the exit code is 1. seal.key is in no backup; keep a copy of it apart.

Examples: sheaf backup films --to films.sheafbackup
          sheaf backup --all --to /backups/monday
          sheaf backup verify /backups/monday

Exit codes: 0 done, 1 failed or not everything copied, 2 wrong arguments or a file of that name, 3 the data folder is in use.";

const RESTORE_HELP: &str = "\
With --all the file is the folder of a whole server, and the data folder is empty or not there. Everything is restored or \
nothing: until it is done no server starts on the folder, and the same call again goes on where a death left it.

Examples: sheaf restore films.sheafbackup --as films2
          sheaf restore --all /backups/monday --data ./data --dry-run
          sheaf restore --all /backups/monday --data ./data

Exit codes: 0 restored, 1 failed, 2 wrong arguments or no such file, 3 the data folder is in use.";

const DUMP_HELP: &str = "\
The same graph always gives the same file. While a server runs on the data folder it sends a backup over Bolt, and the \
dump is made of that.

Examples: sheaf dump films --to films.jsonl.gz
          sheaf dump shop --where \"n.tenant = 'acme'\" --to acme.jsonl

Exit codes: 0 dumped, 1 failed, 2 wrong arguments or a file of that name, 3 the data folder is in use.";

const LOAD_HELP: &str = "\
Either everything is loaded, or there is no such database.

Example: sheaf load films.jsonl.gz --as films2

Exit codes: 0 loaded, 1 failed, 2 wrong arguments, 3 the data folder is in use.";

const AUDIT_HELP: &str = "\
Examples: sheaf audit verify --data ./data
          sheaf audit list --since 2026-11-21T13:00 --user bob

Exit codes: 0 sound or listed, 1 tampered with or unreadable, 2 wrong arguments or no audit.";

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
    /// Lists, makes, drops, stops, starts, renames and shares databases on a server.
    #[command(after_help = DB_HELP)]
    Db(cli::db::Arguments),
    /// Makes a database from CSV files, fast, while no server runs.
    #[command(after_help = IMPORT_HELP)]
    Import(cli::import::Arguments),
    /// Writes a whole database into a file, or a whole server into a folder, or verifies either.
    #[command(after_help = BACKUP_HELP)]
    Backup(cli::backup::Arguments),
    /// Makes a database, or a whole server, out of a backup.
    #[command(after_help = RESTORE_HELP)]
    Restore(cli::backup::RestoreArguments),
    /// Writes a database as JSON lines or as Cypher, all of it or a part.
    #[command(after_help = DUMP_HELP)]
    Dump(cli::dump::Arguments),
    /// Makes a database out of a dump, ours or Neo4j's.
    #[command(after_help = LOAD_HELP)]
    Load(cli::dump::LoadArguments),
    /// Verifies or lists the audit of a data folder.
    #[command(after_help = AUDIT_HELP)]
    Audit(cli::audit::Arguments),
    /// Repairs a data folder while no server runs: a lost password, a check of everything, a new key.
    #[command(after_help = EXITS)]
    Admin(cli::admin::Arguments),
    /// Makes three databases of real flights, shows statements across them, and serves them.
    #[command(after_help = DEMO_HELP)]
    Demo(cli::demo::Arguments),
}

fn main() -> ExitCode {
    cli::memory::give_back_soon();
    match Arguments::parse().command {
        Command::Serve(arguments) => cli::serve::run(&arguments).into(),
        Command::Shell(arguments) => cli::shell::run(&arguments).into(),
        Command::Db(arguments) => cli::db::run(arguments).into(),
        Command::Import(arguments) => cli::import::run(&arguments).into(),
        Command::Backup(arguments) => cli::backup::run(&arguments).into(),
        Command::Restore(arguments) => cli::backup::run_restore(&arguments).into(),
        Command::Dump(arguments) => cli::dump::run(&arguments).into(),
        Command::Load(arguments) => cli::dump::run_load(&arguments).into(),
        Command::Audit(arguments) => cli::audit::run(&arguments).into(),
        Command::Admin(arguments) => cli::admin::run(&arguments).into(),
        Command::Demo(arguments) => cli::demo::run(&arguments).into(),
    }
}
