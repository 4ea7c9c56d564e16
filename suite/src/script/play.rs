//! Plays one script on a fresh system, through any face.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use types::Map;

use super::file::{Block, Command, Piece, Script, Tag};
use super::show::{self, Line};
use crate::door::{Problem, Session, System};

/// What playing a script gave.
pub struct Played {
    /// What differs, block by block; empty if nothing does.
    pub problems: Vec<String>,
    /// The script with what came back in place of what was expected.
    pub blessed: Script,
}

/// Lists the scripts below a folder, sorted.
///
/// # Errors
///
/// A folder that cannot be read.
pub fn scripts(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            found.extend(scripts(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Plays a script from top to bottom.
///
/// # Errors
///
/// A session that cannot be opened, or parameters that cannot be read.
pub fn play(script: &Script, system: &dyn System) -> Result<Played, String> {
    let mut player = Player { system, sessions: HashMap::new() };
    let mut problems = Vec::new();
    let mut blessed = script.clone();
    for piece in &mut blessed.pieces {
        let Piece::Block(block) = piece else { continue };
        let lines = player.block(block)?;
        let matches = lines.len() == block.expected.len()
            && lines.iter().zip(&block.expected).all(|(line, wanted)| line.matches(wanted));
        if !matches {
            let got: Vec<String> = lines.iter().map(Line::text).collect();
            problems.push(difference(block, &got));
            block.expected = got;
        }
    }
    Ok(Played { problems, blessed })
}

fn difference(block: &Block, got: &[String]) -> String {
    let source: Vec<&str> = block.commands.iter().flat_map(|command| &command.source).map(String::as_str).collect();
    format!(
        "line {}:\n{}\n--- expected\n{}\n--- got\n{}\n",
        block.line,
        source.join("\n"),
        block.expected.join("\n"),
        got.join("\n")
    )
}

struct Player<'s> {
    system: &'s dyn System,
    sessions: HashMap<Option<String>, Box<dyn Session>>,
}

impl Player<'_> {
    fn block(&mut self, block: &Block) -> Result<Vec<Line>, String> {
        let lines: Result<Vec<Vec<Line>>, String> =
            block.commands.iter().map(|command| self.command(command)).collect();
        Ok(lines?.concat())
    }

    fn command(&mut self, command: &Command) -> Result<Vec<Line>, String> {
        let parameters = self.parameters(command)?;
        let explain = command.tags.contains(&Tag::Plan) && !command.text.to_ascii_uppercase().starts_with("EXPLAIN");
        let text = if explain { format!("EXPLAIN {}", command.text) } else { command.text.clone() };
        let password = command.tags.iter().find_map(|tag| match tag {
            Tag::Password(password) => Some(password),
            _ => None,
        });
        let outcome = match password {
            Some(password) => self.anew(command.user.as_deref(), password).and_then(|it| it.run(&text, parameters)),
            None => self.session(command.user.as_ref())?.run(&text, parameters),
        };
        Ok(show::lines(command, outcome))
    }

    /// Logs a user in with a password; the session takes the place of the one that he had.
    fn anew(&mut self, user: Option<&str>, password: &str) -> Result<&mut dyn Session, Problem> {
        let key = user.map(str::to_owned);
        let session = self.system.session_with(user.unwrap_or("admin"), password)?;
        self.sessions.insert(key.clone(), session);
        Ok(self.sessions.get_mut(&key).expect("the session was just opened").as_mut())
    }

    fn session(&mut self, user: Option<&String>) -> Result<&mut dyn Session, String> {
        let key = user.cloned();
        if !self.sessions.contains_key(&key) {
            let session = self.system.session(user.map(String::as_str))?;
            self.sessions.insert(key.clone(), session);
        }
        Ok(self.sessions.get_mut(&key).expect("the session was just opened").as_mut())
    }

    /// Has the system itself compute the values: `x=1, y=date()` are Cypher.
    fn parameters(&mut self, command: &Command) -> Result<Map, String> {
        let mut parameters = Map::default();
        for tag in &command.tags {
            let Tag::Parameters(text) = tag else { continue };
            let items: Vec<String> = split(text)
                .into_iter()
                .map(|item| {
                    let (name, value) = item.split_once('=').ok_or_else(|| format!("'{item}' is no parameter"))?;
                    Ok(format!("{} AS `{}`", value.trim(), name.trim()))
                })
                .collect::<Result<_, String>>()?;
            let session = self.session(None)?;
            let answer = session
                .run(&format!("RETURN {}", items.join(", ")), Map::default())
                .map_err(|problem| format!("the parameters [{text}]: {}", problem.message))?;
            let record = answer.records.into_iter().next().unwrap_or_default();
            parameters.extend(answer.columns.iter().map(|name| name.as_str().into()).zip(record));
        }
        Ok(parameters)
    }
}

/// Splits at commas outside brackets and quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut start) = (0, false, 0);
    let mut items = Vec::new();
    for (at, character) in text.char_indices() {
        match character {
            '\'' => quoted = !quoted,
            '[' | '{' | '(' if !quoted => depth += 1,
            ']' | '}' | ')' if !quoted => depth -= 1,
            ',' if depth == 0 && !quoted => {
                items.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(text[start..].trim());
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_split_outside_brackets() {
        assert_eq!(split("x=[1, 2], y='a, b', z={k: f(1, 2)}"), ["x=[1, 2]", "y='a, b'", "z={k: f(1, 2)}"]);
    }
}
