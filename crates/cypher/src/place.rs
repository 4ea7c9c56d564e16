//! Turns byte places into lines and columns, and draws the line with a caret under it.
//! Knows no grammar.
//! Start reading at [`error_at`].

use types::{Code, Failure, Position};

use crate::ast::Span;

/// Most characters of a line that a message shows.
const SHOWN_MAX: usize = 120;

/// Gives the line, the column and the offset, in characters, of a span's start.
#[must_use]
pub fn position(text: &str, span: Span) -> Position {
    let before = &text[..floor(text, span.start as usize)];
    let offset = before.chars().count();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    Position { offset, line, column: before[line_start..].chars().count() + 1 }
}

/// Makes a failure that points into the statement: message, place, the line and a caret.
#[must_use]
pub fn error_at(text: &str, span: Span, code: Code, message: impl AsRef<str>) -> Failure {
    let position = position(text, span);
    Failure::new(code, pointed(text, position, message.as_ref())).at(position)
}

/// Writes the message with its place, the line in quotes, and a caret under the place.
pub(crate) fn pointed(text: &str, position: Position, message: &str) -> String {
    let Position { offset, line, column } = position;
    let (shown, caret) = excerpt(text, position);
    let indent = " ".repeat(caret + 1);
    format!("{message} (line {line}, column {column} (offset: {offset}))\n\"{shown}\"\n{indent}^")
}

/// Cuts the piece of the line around the place, and tells where in it the place is.
fn excerpt(text: &str, position: Position) -> (String, usize) {
    let line = text.split('\n').nth(position.line - 1).unwrap_or_default().trim_end_matches('\r');
    let at = position.column - 1;
    let skipped = at.saturating_sub(SHOWN_MAX / 2);
    let skipped = if line.chars().nth(SHOWN_MAX).is_none() { 0 } else { skipped };
    let shown = line.chars().skip(skipped).take(SHOWN_MAX);
    // A tab would move the caret.
    (shown.map(|c| if c == '\t' { ' ' } else { c }).collect(), at - skipped)
}

/// Moves a byte place back to the start of its character, and into the text.
fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}
