//! Cuts text into statements at `;`, and knows strings, names in back-quotes and comments.

/// A part of the input that stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A statement, without its `;`.
    Statement(String),
    /// A line for the shell itself, with its `:`.
    Command(String),
}

/// Takes text line by line and gives pieces as soon as they are whole.
///
/// Text comes in whole lines, so that no comment sign or escape is cut in two.
#[derive(Debug, Default)]
pub struct Splitter {
    text: String,
    /// Bytes of `text` that were looked at.
    seen: usize,
    place: Place,
    /// Whether the piece so far has more than blanks and comments.
    begun: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Plain,
    Quoted(char),
    LineComment,
    BlockComment,
    Command,
}

impl Splitter {
    /// Adds lines at the end.
    pub fn push(&mut self, lines: &str) {
        // Some editors put a byte order mark at the start of a file.
        let lines = if self.text.is_empty() { lines.trim_start_matches('\u{feff}') } else { lines };
        self.text.push_str(lines);
    }

    /// Gives the next whole piece.
    pub fn take(&mut self) -> Option<Piece> {
        while let Some(character) = self.text[self.seen..].chars().next() {
            let at = self.seen;
            self.seen += character.len_utf8();
            let next = self.text[self.seen..].chars().next();
            match (self.place, character) {
                (Place::Command, '\n') | (Place::Plain, ';') => {
                    if let Some(piece) = self.cut() {
                        return Some(piece);
                    }
                }
                (Place::Plain, ':') if !self.begun => {
                    self.text.drain(..at);
                    self.seen = 1;
                    self.place = Place::Command;
                    self.begun = true;
                }
                _ => self.step(character, next),
            }
        }
        None
    }

    /// Gives the next piece at the end of the input, whole or not.
    pub fn finish(&mut self) -> Option<Piece> {
        if let Some(piece) = self.take() {
            return Some(piece);
        }
        self.cut()
    }

    /// Tells whether nothing but blanks and comments waits for more.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        !self.begun && self.place != Place::BlockComment
    }

    /// Moves over one character that ends no piece.
    fn step(&mut self, character: char, next: Option<char>) {
        match (self.place, character) {
            (Place::Plain, '/') if next == Some('/') => self.place = Place::LineComment,
            (Place::Plain, '/') if next == Some('*') => {
                self.place = Place::BlockComment;
                // The star is passed over, so that `/*/` does not end the comment it begins.
                self.seen += 1;
            }
            (Place::Plain, '\'' | '"' | '`') => {
                self.place = Place::Quoted(character);
                self.begun = true;
            }
            (Place::Plain, other) => self.begun |= !other.is_whitespace(),
            (Place::Quoted('\'' | '"'), '\\') => self.seen += next.map_or(0, char::len_utf8),
            (Place::Quoted(quote), other) if other == quote => self.place = Place::Plain,
            (Place::LineComment, '\n') => self.place = Place::Plain,
            (Place::BlockComment, '*') if next == Some('/') => {
                self.place = Place::Plain;
                self.seen += 1;
            }
            _ => {}
        }
    }

    /// Cuts off what was seen; gives it unless it is blank.
    fn cut(&mut self) -> Option<Piece> {
        let rest = self.text.split_off(self.seen);
        let text = std::mem::replace(&mut self.text, rest);
        let (place, begun) = (self.place, self.begun);
        *self = Self { text: std::mem::take(&mut self.text), ..Self::default() };
        let command = place == Place::Command;
        // A `;` inside an unended string or comment belongs to it.
        let text = if command || place == Place::Plain { text.trim().trim_end_matches(';') } else { &text };
        let text = text.trim().to_owned();
        begun.then_some(if command { Piece::Command(text) } else { Piece::Statement(text) })
    }
}

/// Tells whether text as typed can run, or the shell should ask for another line.
#[must_use]
pub fn is_complete(text: &str) -> bool {
    let mut splitter = Splitter::default();
    splitter.push(text);
    splitter.push("\n");
    while splitter.take().is_some() {}
    splitter.is_blank()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &[&str]) {
        let mut splitter = Splitter::default();
        let mut pieces = Vec::new();
        for line in input.split_inclusive('\n') {
            splitter.push(line);
            pieces.extend(std::iter::from_fn(|| splitter.take()));
        }
        pieces.extend(std::iter::from_fn(|| splitter.finish()));
        let shown: Vec<_> = pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Statement(text) => text,
                Piece::Command(text) => format!("command {text}"),
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn f118_semicolons_part_statements() {
        check("RETURN 1; RETURN 2;\nRETURN\n3;", &["RETURN 1", "RETURN 2", "RETURN\n3"]);
        check("RETURN 1", &["RETURN 1"]);
        check(";; ;\n", &[]);
        check("\u{feff}RETURN 1;", &["RETURN 1"]);
    }

    #[test]
    fn f118_strings_names_and_comments_keep_theirs() {
        check("RETURN ';', \";\", `;`;", &["RETURN ';', \";\", `;`"]);
        check(r"RETURN '\';', '\\'; RETURN 2", &[r"RETURN '\';', '\\'", "RETURN 2"]);
        check("RETURN `a``;`; RETURN `\\`;", &["RETURN `a``;`", "RETURN `\\`"]);
        check("RETURN 1 // one; two '\n; RETURN 2", &["RETURN 1 // one; two '", "RETURN 2"]);
        check("RETURN /* ; ' */ 1; RETURN /*/ ; */ 2;", &["RETURN /* ; ' */ 1", "RETURN /*/ ; */ 2"]);
        check("RETURN 'é;ü';", &["RETURN 'é;ü'"]);
    }

    #[test]
    fn f118_comments_alone_are_no_statement() {
        check("// nothing\n/* here */;\n", &[]);
        check("// first\nRETURN 1;", &["// first\nRETURN 1"]);
    }

    #[test]
    fn f118_commands_are_lines() {
        check(":use films\nRETURN 1;\n:exit", &["command :use films", "RETURN 1", "command :exit"]);
        check("RETURN 1; :use films;\n", &["RETURN 1", "command :use films"]);
        check("// go\n:use films\n", &["command :use films"]);
        check("MATCH (n\n:Film) RETURN n;", &["MATCH (n\n:Film) RETURN n"]);
    }

    #[test]
    fn f118_typed_text_waits_for_its_end() {
        for text in ["", "RETURN 1;", ":use films", "RETURN 1; // done", "// nothing"] {
            assert!(is_complete(text), "{text}");
        }
        for text in ["RETURN 1", "RETURN ';", "RETURN 1; RETURN", "/* open", "RETURN `;"] {
            assert!(!is_complete(text), "{text}");
        }
    }
}
