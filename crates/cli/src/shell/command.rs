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
    /// More than a name stands behind `:use`.
    pub const USE_USAGE: CommandError = CommandError::Usage(":use name");

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

    /// Reads a statement that only chooses a database: what `:use` does, since each statement is sent to the current one.
    #[must_use]
    pub fn of_statement(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches(';').trim_end();
        let mut words = text.split_whitespace();
        let is = |word: Option<&str>, keyword: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        if !is(words.next(), "USE") {
            return None;
        }
        let mut name = words.next()?;
        if name.eq_ignore_ascii_case("DATABASE") {
            name = words.next()?;
        }
        let is_plain = |name: &str| name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let is_quoted = name.len() > 2 && name.starts_with('`') && name.ends_with('`');
        ((is_plain(name) || is_quoted) && words.next().is_none()).then(|| Self::Use(Some(unquoted(name))))
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
        return Err(Command::USE_USAGE);
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
        let moves = |text: &str, expected: Option<&str>| {
            let expected = expected.map(|name| Command::Use(Some(name.to_owned())));
            assert_eq!(Command::of_statement(text), expected, "{text}");
        };
        moves("USE films", Some("films"));
        moves("use\n  database `my-films` ;", Some("my-films"));
        moves("USE films RETURN 1", None);
        moves("USE films AS a, books AS b", None);
        moves("USE graph.byName('x')", None);
        moves("USE DATABASE", None);
        moves("RETURN 1", None);
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
