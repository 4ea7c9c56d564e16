//! The text of a script: comments, and blocks of commands with what they give.

use std::fmt::{self, Write};

/// A script file, piece by piece, so that it can be written back.
#[derive(Clone, Debug)]
pub struct Script {
    /// The pieces in order.
    pub pieces: Vec<Piece>,
}

/// A piece of a script.
#[derive(Clone, Debug)]
pub enum Piece {
    /// A comment or a blank line, as it stands.
    Comment(String),
    /// Commands and their output.
    Block(Block),
}

/// Commands, and what they give together.
#[derive(Clone, Debug)]
pub struct Block {
    /// Number of the first line in the file, from 1.
    pub line: usize,
    /// The commands in order.
    pub commands: Vec<Command>,
    /// The lines that are expected.
    pub expected: Vec<String>,
}

/// One statement to run.
#[derive(Clone, Debug)]
pub struct Command {
    /// The lines as written.
    pub source: Vec<String>,
    /// Who runs it; `None` is the first admin.
    pub user: Option<String>,
    /// Whether it must fail.
    pub fails: bool,
    /// What stands in `[...]` in front.
    pub tags: Vec<Tag>,
    /// The statement.
    pub text: String,
}

/// A word about how a command is run or shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// `[plan]`: the operators instead of the records.
    Plan,
    /// `[any order]`: records are sorted before they are compared.
    AnyOrder,
    /// `[columns]`: their names only, of records that differ each time.
    Columns,
    /// `[param x=1, y='a']`: parameters, as a Cypher map without its braces.
    Parameters(String),
    /// `[password x]`: the user logs in anew with this password, or with this token.
    Password(String),
}

/// A line in front of the first block that makes the server ask for passwords.
const USERS: &str = "[users]";
/// A line in front of the first block that makes the server keep its data on a disk: backups need one.
const DISK: &str = "[disk]";

impl Script {
    /// Tells whether the script is about users: its server then asks for passwords.
    #[must_use]
    pub fn has_users(&self) -> bool {
        self.begins_with(USERS)
    }

    /// Tells whether the script is about files: its server then keeps its data on a disk, not in memory.
    #[must_use]
    pub fn has_disk(&self) -> bool {
        self.begins_with(DISK)
    }

    fn begins_with(&self, wanted: &str) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Comment(line) if line == wanted))
    }
}

/// Reads a script.
///
/// # Errors
///
/// A block that is no block, with its line.
pub fn parse(text: &str) -> Result<Script, String> {
    let mut pieces = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        let Some(first) = command(line).map_err(|problem| format!("line {}: {problem}", at + 1))? else {
            pieces.push(Piece::Comment(line.to_owned()));
            continue;
        };
        let mut block = Block { line: at + 1, commands: vec![first], expected: Vec::new() };
        loop {
            let Some((at, line)) = lines.next() else {
                return Err(format!("line {}: the block has no '---'", block.line));
            };
            if line == "---" {
                break;
            }
            let last = block.commands.last_mut().expect("a block starts with a command");
            if line.starts_with("  ") {
                last.source.push(line.to_owned());
                last.text.push('\n');
                last.text.push_str(line.trim());
            } else {
                let next = command(line).map_err(|problem| format!("line {}: {problem}", at + 1))?;
                block.commands.push(next.ok_or_else(|| format!("line {}: neither a command nor '---'", at + 1))?);
            }
        }
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.is_empty()) {
            block.expected.push(line.to_owned());
        }
        pieces.push(Piece::Block(block));
    }
    Ok(Script { pieces })
}

/// Reads the first line of a command: `bob: [plan]!> text`; `None` if the line is none.
fn command(line: &str) -> Result<Option<Command>, String> {
    let Some((front, text)) = line.split_once("> ").or_else(|| line.strip_suffix('>').map(|front| (front, ""))) else {
        return Ok(None);
    };
    let (user, front) = match front.split_once(": ") {
        Some((user, rest)) if is_user(user) => (Some(user.to_owned()), rest),
        _ => (None, front),
    };
    let mut rest = front.trim();
    let mut tags = Vec::new();
    let mut fails = false;
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix('!') {
            fails = true;
            rest = behind.trim_start();
            continue;
        }
        let Some((tag_text, behind)) = tag_in_front(rest) else { return Ok(None) };
        tags.push(tag(tag_text)?);
        rest = behind.trim_start();
    }
    let command = Command { source: vec![line.to_owned()], user, fails, tags, text: text.trim().to_owned() };
    Ok(Some(command))
}

fn is_user(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Cuts `[...]` off the front; brackets inside count.
fn tag_in_front(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        match character {
            '[' => depth += 1,
            ']' if depth == 1 => return Some((&text[1..at], &text[at + 1..])),
            ']' => depth -= 1,
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn tag(text: &str) -> Result<Tag, String> {
    match text.trim() {
        "plan" => Ok(Tag::Plan),
        "any order" => Ok(Tag::AnyOrder),
        "columns" => Ok(Tag::Columns),
        other => match (other.strip_prefix("param "), other.strip_prefix("password ")) {
            (Some(parameters), _) => Ok(Tag::Parameters(parameters.trim().to_owned())),
            (None, Some(password)) => Ok(Tag::Password(password.trim().to_owned())),
            (None, None) => Err(format!("there is no tag '[{other}]'")),
        },
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Comment(line) => writeln!(f, "{line}")?,
                Piece::Block(block) => block.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.commands.iter().flat_map(|command| &command.source) {
            writeln!(f, "{line}")?;
        }
        f.write_str("---\n")?;
        for line in &self.expected {
            f.write_str(line)?;
            f.write_char('\n')?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "\
Words in front.

# Why.
> RETURN 1 AS a
bob: [any order] [param x=[1, 2]]!> MATCH (n)
  RETURN n
---
a
1

[plan]> RETURN '> x'
---
Project
";

    #[test]
    fn reads_and_writes_back() {
        let script = parse(SCRIPT).expect("the script is legal");
        assert_eq!(script.to_string(), SCRIPT);
        let blocks: Vec<&Block> = script
            .pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Block(block) => Some(block),
                Piece::Comment(_) => None,
            })
            .collect();
        assert_eq!(blocks.len(), 2);
        let second = &blocks[0].commands[1];
        assert_eq!((second.user.as_deref(), second.fails), (Some("bob"), true));
        assert_eq!(second.tags, [Tag::AnyOrder, Tag::Parameters("x=[1, 2]".to_owned())]);
        assert_eq!(second.text, "MATCH (n)\nRETURN n");
        assert_eq!(blocks[0].expected, ["a", "1"]);
        assert_eq!(blocks[1].commands[0].text, "RETURN '> x'");
    }

    #[test]
    fn a_block_needs_its_line() {
        assert_eq!(parse("> RETURN 1\n").expect_err("no '---'"), "line 1: the block has no '---'");
        assert_eq!(parse("[pln]> RETURN 1\n").expect_err("no such tag"), "line 1: there is no tag '[pln]'");
    }
}
