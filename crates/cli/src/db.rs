//! `sheaf db`: databases listed, made, dropped, stopped, started and renamed on a server that runs.
//! Each is one statement; leaves sending it and showing what comes back to `shell`. Start reading at [`run`].

use clap::{Args, Subcommand};

use crate::shell::{self, Outcome, ServerArguments};

/// What `sheaf db` takes.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists databases with their states and second names.
    List,
    /// Shows one: its state, who owns it, when it was made, started and written, and its options.
    Info {
        /// The database, by its name or an alias.
        name: String,
    },
    /// Makes one.
    Create {
        /// The new database.
        name: String,
        /// Makes it as a copy of this database.
        #[arg(long, value_name = "DATABASE")]
        from: Option<String>,
        /// Does nothing where the name is taken.
        #[arg(long, conflicts_with = "replace")]
        if_not_exists: bool,
        /// Puts it into the place of a database of that name, whose data is lost.
        #[arg(long)]
        replace: bool,
    },
    /// Drops one with all that is in it.
    Drop {
        /// The database.
        name: String,
        /// Does nothing where there is none.
        #[arg(long)]
        if_exists: bool,
        /// Drops its aliases too; without it they forbid to drop it.
        #[arg(long)]
        cascade_aliases: bool,
        /// Keeps a backup in the server's backup folder.
        #[arg(long)]
        dump_data: bool,
    },
    /// Starts one that was stopped.
    Start {
        /// The database.
        name: String,
    },
    /// Stops one; what is under way gets a while to end.
    Stop {
        /// The database.
        name: String,
    },
    /// Gives one another name.
    Rename {
        /// The database.
        name: String,
        /// Its new name.
        to: String,
    },
}

/// Does one of them.
pub fn run(arguments: Arguments) -> Outcome {
    let statement = arguments.command.statement();
    shell::run(&shell::Arguments::of_statement(statement, arguments.server))
}

impl Command {
    fn statement(&self) -> String {
        let when = |given: &bool, words: &'static str| if *given { words } else { "" };
        match self {
            Self::List => "SHOW DATABASES YIELD name, currentStatus, access, default, aliases".to_owned(),
            Self::Info { name } => format!(
                "SHOW DATABASE {} YIELD name, aliases, access, currentStatus, statusMessage, default, owner, creationTime, \
                 lastStartTime, lastWriteTime, options, suspended",
                quoted(name)
            ),
            Self::Create { name, from, if_not_exists, replace } => {
                let from = from.as_ref().map_or_else(String::new, |from| format!(" FROM {}", quoted(from)));
                let (replace, quietly) = (when(replace, "OR REPLACE "), when(if_not_exists, " IF NOT EXISTS"));
                format!("CREATE {replace}DATABASE {}{quietly}{from}", quoted(name))
            }
            Self::Drop { name, if_exists, cascade_aliases, dump_data } => format!(
                "DROP DATABASE {}{}{}{}",
                quoted(name),
                when(if_exists, " IF EXISTS"),
                when(cascade_aliases, " CASCADE ALIASES"),
                when(dump_data, " DUMP DATA")
            ),
            Self::Start { name } => format!("START DATABASE {}", quoted(name)),
            Self::Stop { name } => format!("STOP DATABASE {}", quoted(name)),
            Self::Rename { name, to } => format!("RENAME DATABASE {} TO {}", quoted(name), quoted(to)),
        }
    }
}

/// Quotes a name, whatever is in it, so that nothing of it is read as a part of the statement.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn f1_f3_f12_each_is_one_statement() {
        let check = |typed: &str, expected: &str| {
            let typed = Typed::try_parse_from(std::iter::once("db").chain(typed.split(' '))).expect("legal");
            assert_eq!(typed.arguments.command.statement(), expected);
        };
        check("create films", "CREATE DATABASE `films`");
        check("create films --if-not-exists", "CREATE DATABASE `films` IF NOT EXISTS");
        check("create films --replace --from books", "CREATE OR REPLACE DATABASE `films` FROM `books`");
        check("drop films", "DROP DATABASE `films`");
        check(
            "drop films --if-exists --cascade-aliases --dump-data",
            "DROP DATABASE `films` IF EXISTS CASCADE ALIASES DUMP DATA",
        );
        check("stop films --bolt host:7687", "STOP DATABASE `films`");
        check("start films", "START DATABASE `films`");
        check("rename films movies", "RENAME DATABASE `films` TO `movies`");
        check("create x`--y", "CREATE DATABASE `x``--y`");
    }
}
