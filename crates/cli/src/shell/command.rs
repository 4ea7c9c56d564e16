//! The lines that speak to the shell itself: `:use`, `:param` and so on.

/// A line for the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Moves to a database; without a name tells which one is current.
    Use(Option<String>),
    /// Sets a parameter to the worth of an expression.
    Param {
        /// The name without its `$`.
        name: String,
        /// A Cypher expression.
        value: String,
    },
    /// Lists the parameters.
    Params,
    /// Opens a transaction.
    Begin,
    /// Commits the open transaction.
    Commit,
    /// Rolls the open transaction back.
    Rollback,
    /// Lists these commands.
    Help,
    /// Ends the shell.
    Exit,
}

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No command has that name.
    #[error("there is no command \"{0}\". Type :help for the list.")]
    Unknown(String),
    /// The command is known, what follows is not what it takes.
    #[error("write {0}")]
    Usage(&'static str),
}

/// What `:help` prints.
pub const HELP: &str = "\
A statement ends with `;` and may have many lines. Ctrl-C interrupts a running one.
  :use NAME               moves to a database; without a name tells which one is current
  :param NAME => VALUE    sets $NAME for the statements that follow
  :params                 lists the parameters
  :begin                  opens a transaction
  :commit, :rollback      end it
  :help                   prints this
  :exit                   leaves; so does Ctrl-D";

const PARAM_USAGE: &str = ":param name => value";

impl Command {
    /// Reads a line that begins with `:`.
    pub fn parse(line: &str) -> Result<Self, CommandError> {
        let line = line.trim();
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let alone = |command, usage| if rest.is_empty() { Ok(command) } else { Err(CommandError::Usage(usage)) };
        match name.to_ascii_lowercase().as_str() {
            ":use" => Ok(Self::Use(database(rest)?)),
            ":param" if rest.is_empty() => Ok(Self::Params),
            ":param" => Self::param(rest),
            ":params" => alone(Self::Params, ":params"),
            ":begin" => alone(Self::Begin, ":begin"),
            ":commit" => alone(Self::Commit, ":commit"),
            ":rollback" => alone(Self::Rollback, ":rollback"),
            ":help" => alone(Self::Help, ":help"),
            ":exit" | ":quit" => alone(Self::Exit, ":exit"),
            _ => Err(CommandError::Unknown(name.to_owned())),
        }
    }

    /// Reads `name => value`.
    pub fn param(text: &str) -> Result<Self, CommandError> {
        let (name, value) = text.split_once("=>").ok_or(CommandError::Usage(PARAM_USAGE))?;
        let (name, value) = (name.trim().trim_start_matches('$'), value.trim());
        let name = unquoted(name);
        if name.is_empty() || value.is_empty() {
            return Err(CommandError::Usage(PARAM_USAGE));
        }
        Ok(Self::Param { name, value: value.to_owned() })
    }
}

fn database(text: &str) -> Result<Option<String>, CommandError> {
    if text.contains(char::is_whitespace) {
        return Err(CommandError::Usage(":use name"));
    }
    Ok((!text.is_empty()).then(|| unquoted(text)))
}

fn unquoted(name: &str) -> String {
    match name.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        Some(inner) => inner.replace("``", "`"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let shown = match Command::parse(line) {
            Ok(command) => format!("{command:?}"),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn f27_use_takes_a_name_or_none() {
        check(":use films", "Use(Some(\"films\"))");
        check(":USE `my-films`", "Use(Some(\"my-films\"))");
        check(":use", "Use(None)");
        check(":use two names", "error: write :use name");
    }

    #[test]
    fn f118_commands_are_known_by_name() {
        check(":param x => [1, 2]", "Param { name: \"x\", value: \"[1, 2]\" }");
        check(":param $x=>{a: 1}", "Param { name: \"x\", value: \"{a: 1}\" }");
        check(":param x", "error: write :param name => value");
        check(":param", "Params");
        check(":begin", "Begin");
        check(":exit now", "error: write :exit");
        check(":quit", "Exit");
        check(":fly", "error: there is no command \":fly\". Type :help for the list.");
    }
}
