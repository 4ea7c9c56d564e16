//! `sheaf db`: databases listed, made, dropped, stopped, started, renamed and shared on a server that runs.
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
    /// Lists the levels that were granted, to users and roles, on databases and patterns of names.
    Levels {
        /// The database; without it, every one.
        name: Option<String>,
        /// Lists what each user has in the end instead, by roles and patterns too, denials counted.
        #[arg(long)]
        held: bool,
    },
    /// Grants a level: read, write, admin, owner or cross_db.
    Grant {
        /// The level.
        level: String,
        /// The database, or a pattern of names such as 'tenant_*', which also means those that are made later.
        name: String,
        #[command(flatten)]
        to: To,
    },
    /// Takes a level back that was granted.
    Revoke {
        /// The level.
        level: String,
        /// The database or the pattern, as it was granted.
        name: String,
        #[command(flatten)]
        from: From,
    },
}

/// Who gets it; `--user` is who asks.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct To {
    /// The user who gets it.
    #[arg(long, value_name = "USER")]
    to_user: Option<String>,
    /// The role that gets it.
    #[arg(long, value_name = "ROLE")]
    to_role: Option<String>,
}

/// Who loses it.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct From {
    /// The user who loses it.
    #[arg(long, value_name = "USER")]
    from_user: Option<String>,
    /// The role that loses it.
    #[arg(long, value_name = "ROLE")]
    from_role: Option<String>,
}

/// Does one of them.
pub fn run(arguments: Arguments) -> Outcome {
    let statement = arguments.command.statement();
    let if_nothing = match &arguments.command {
        Command::Info { name } => Some(format!("there is no database '{name}'")),
        _ => None,
    };
    shell::run(&shell::Arguments::of_statement(statement, arguments.server).or_else(if_nothing))
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
            Self::Levels { name, held } => {
                let of = name.as_ref().map_or_else(String::new, |name| format!(" FOR DATABASE {}", quoted(name)));
                if *held { format!("SHOW LEVELS{of}") } else { format!("SHOW GRANTED LEVELS{of}") }
            }
            Self::Grant { level, name, to } => {
                let to = holder(to.to_user.as_deref(), to.to_role.as_deref());
                format!("GRANT LEVEL {} ON DATABASE {} TO {to}", quoted(level), quoted(name))
            }
            Self::Revoke { level, name, from } => {
                let from = holder(from.from_user.as_deref(), from.from_role.as_deref());
                format!("REVOKE LEVEL {} ON DATABASE {} FROM {from}", quoted(level), quoted(name))
            }
        }
    }
}

/// Writes who has a level; one of the two is given.
fn holder(user: Option<&str>, role: Option<&str>) -> String {
    match user {
        Some(user) => format!("USER {}", quoted(user)),
        None => format!("ROLE {}", quoted(role.unwrap_or_default())),
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

    fn check(typed: &str, expected: &str) {
        let typed = match Typed::try_parse_from(std::iter::once("db").chain(typed.split(' '))) {
            Ok(typed) => typed.arguments.command.statement(),
            Err(error) => format!("error: {:?}", error.kind()),
        };
        assert_eq!(typed, expected);
    }

    #[test]
    fn f1_f3_f12_each_is_one_statement() {
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

    #[test]
    fn f82_levels_are_listed_granted_and_revoked() {
        check("levels", "SHOW GRANTED LEVELS");
        check("levels films", "SHOW GRANTED LEVELS FOR DATABASE `films`");
        check("levels films --held", "SHOW LEVELS FOR DATABASE `films`");
        check("grant write films --to-user bob", "GRANT LEVEL `write` ON DATABASE `films` TO USER `bob`");
        check("grant read tenant_* --to-role support", "GRANT LEVEL `read` ON DATABASE `tenant_*` TO ROLE `support`");
        check("revoke read films --from-role a`b", "REVOKE LEVEL `read` ON DATABASE `films` FROM ROLE `a``b`");
        check("revoke owner films --from-user bob", "REVOKE LEVEL `owner` ON DATABASE `films` FROM USER `bob`");
        check("grant read films", "error: MissingRequiredArgument");
        check("grant read films --to-user a --to-role b", "error: ArgumentConflict");
        // `--user` is who asks.
        check("grant read films --user bob --password x", "error: MissingRequiredArgument");
    }
}
