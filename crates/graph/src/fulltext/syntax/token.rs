//! Tokens of a full-text query.

use super::SyntaxError;

/// A token, and the character where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    /// As it was typed.
    pub image: String,
    pub at: usize,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    And,
    Or,
    Not,
    Plus,
    Minus,
    Open,
    Close,
    Colon,
    /// `^` and the number behind it.
    Boost(f32),
    /// `~` and the number behind it, if there is one.
    Tilde(Option<f32>),
    /// What stood between quotes, escapes and all.
    Quoted(String),
    /// A word, escapes and all.
    Word(String),
    /// A word with a star at its end and no other wildcard, without the star.
    Prefix(String),
    /// A word with wildcards, escapes and all.
    Wild(String),
    /// What stood between slashes.
    Regex(String),
    /// `[` or `{`, what stood there, and `]` or `}`.
    Range {
        with_low: bool,
        low: String,
        high: String,
        with_high: bool,
    },
    End,
}

impl Kind {
    /// Gives the name that messages have for the token.
    pub fn name(&self) -> &'static str {
        match self {
            Self::And => "<AND>",
            Self::Or => "<OR>",
            Self::Not => "<NOT>",
            Self::Plus => "\"+\"",
            Self::Minus => "\"-\"",
            Self::Open => "\"(\"",
            Self::Close => "\")\"",
            Self::Colon => "\":\"",
            Self::Boost(_) => "\"^\"",
            Self::Tilde(_) => "<FUZZY_SLOP>",
            Self::Quoted(_) => "<QUOTED>",
            Self::Word(_) => "<TERM>",
            Self::Prefix(_) => "<PREFIXTERM>",
            Self::Wild(_) => "<WILDTERM>",
            Self::Regex(_) => "<REGEXPTERM>",
            Self::Range { .. } => "<RANGE>",
            Self::End => "<EOF>",
        }
    }
}

/// Cuts a query into tokens; the last one is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0 };
    let mut out = Vec::new();
    loop {
        let token = lexer.next()?;
        let is_end = token.kind == Kind::End;
        out.push(token);
        if is_end {
            return Ok(out);
        }
    }
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn next(&mut self) -> Result<Token, SyntaxError> {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        let from = self.at;
        let kind = self.kind()?;
        Ok(Token { kind, image: self.chars[from..self.at].iter().collect(), at: from })
    }

    fn kind(&mut self) -> Result<Kind, SyntaxError> {
        let Some(first) = self.peek() else { return Ok(Kind::End) };
        let single = match first {
            '+' => Some(Kind::Plus),
            '-' => Some(Kind::Minus),
            '!' => Some(Kind::Not),
            '(' => Some(Kind::Open),
            ')' => Some(Kind::Close),
            ':' => Some(Kind::Colon),
            _ => None,
        };
        if let Some(kind) = single {
            self.at += 1;
            return Ok(kind);
        }
        match first {
            '&' if self.chars.get(self.at + 1) == Some(&'&') => self.skip(2, Kind::And),
            '|' if self.chars.get(self.at + 1) == Some(&'|') => self.skip(2, Kind::Or),
            '^' => self.boost(),
            '~' => self.tilde(),
            '"' => self.until('"').map(Kind::Quoted),
            '/' => self.until('/').map(Kind::Regex),
            '[' | '{' => self.range(),
            ']' | '}' => Err(self.lexical()),
            _ => self.word(),
        }
    }

    fn skip(&mut self, count: usize, kind: Kind) -> Result<Kind, SyntaxError> {
        self.at += count;
        Ok(kind)
    }

    fn boost(&mut self) -> Result<Kind, SyntaxError> {
        self.at += 1;
        match self.number() {
            Some(number) => Ok(Kind::Boost(number)),
            None => Err(self.lexical()),
        }
    }

    fn tilde(&mut self) -> Result<Kind, SyntaxError> {
        self.at += 1;
        Ok(Kind::Tilde(self.number()))
    }

    /// Reads digits, and a fraction behind them.
    fn number(&mut self) -> Option<f32> {
        let from = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > from && self.peek() == Some('.') {
            let dot = self.at;
            self.at += 1;
            while self.peek().is_some_and(|c| c.is_ascii_digit()) {
                self.at += 1;
            }
            if self.at == dot + 1 {
                self.at = dot;
            }
        }
        self.chars[from..self.at].iter().collect::<String>().parse().ok()
    }

    fn until(&mut self, end: char) -> Result<String, SyntaxError> {
        let from = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(self.ended(from)),
                Some('\\') => self.at += 2,
                Some(c) if c == end => break,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(self.chars[from + 1..self.at - 1].iter().collect())
    }

    fn range(&mut self) -> Result<Kind, SyntaxError> {
        let with_low = self.peek() == Some('[');
        self.at += 1;
        let low = self.end_of_range()?;
        self.spaces();
        if self.peek() == Some('T') && self.chars.get(self.at + 1) == Some(&'O') {
            self.at += 2;
        }
        let high = self.end_of_range()?;
        self.spaces();
        match self.peek() {
            Some(close @ (']' | '}')) => {
                self.at += 1;
                Ok(Kind::Range { with_low, low, high, with_high: close == ']' })
            }
            None => Err(self.eof()),
            Some(_) => Err(self.lexical()),
        }
    }

    fn end_of_range(&mut self) -> Result<String, SyntaxError> {
        self.spaces();
        match self.peek() {
            None => Err(self.eof()),
            Some('"') => self.until('"'),
            Some(_) => {
                let from = self.at;
                while self.peek().is_some_and(|c| !is_space(c) && c != ']' && c != '}') {
                    self.at += 1;
                }
                if self.at == from { Err(self.lexical()) } else { Ok(self.chars[from..self.at].iter().collect()) }
            }
        }
    }

    fn word(&mut self) -> Result<Kind, SyntaxError> {
        let from = self.at;
        let mut wildcards = 0;
        while let Some(c) = self.peek() {
            match c {
                '\\' if self.at + 1 == self.chars.len() => {
                    self.at += 1;
                    return Err(self.ended(from));
                }
                '\\' => self.at += 2,
                '*' | '?' => {
                    wildcards += 1;
                    self.at += 1;
                }
                '+' | '-' => self.at += 1,
                c if is_space(c) || "!():^[]\"{}~/".contains(c) => break,
                _ => self.at += 1,
            }
        }
        let text: String = self.chars[from..self.at].iter().collect();
        Ok(match (&*text, wildcards) {
            ("AND", _) => Kind::And,
            ("OR", _) => Kind::Or,
            ("NOT", _) => Kind::Not,
            (_, 0) => Kind::Word(text),
            (_, 1) if self.chars[self.at - 1] == '*' && text.len() > 1 => {
                Kind::Prefix(text[..text.len() - 1].to_owned())
            }
            _ => Kind::Wild(text),
        })
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// The text ended inside of something that began at `from`.
    fn ended(&self, from: usize) -> SyntaxError {
        let seen: String = self.chars[from..].iter().collect();
        let (column, shown) = (self.chars.len() + 1, seen.replace('\\', "\\\\").replace('"', "\\\""));
        SyntaxError::lexical(format!(
            "Lexical error at line 1, column {column}.  Encountered: <EOF> after : \"{shown}\""
        ))
    }

    fn lexical(&self) -> SyntaxError {
        let column = self.at + 1;
        match self.peek() {
            None => self.ended(self.at),
            Some(c) => SyntaxError::lexical(format!(
                "Lexical error at line 1, column {column}.  Encountered: \"{c}\" ({}), after : \"\"",
                u32::from(c)
            )),
        }
    }

    fn eof(&self) -> SyntaxError {
        SyntaxError::parse(format!("Encountered \"<EOF>\" at line 1, column {}.", self.chars.len()))
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{3000}')
}
