//! Looking at tokens, taking them, and saying what was expected instead.

use compact_str::CompactString;

use super::{DEPTH_MAX, HEIGHT_MAX, Parsed, Parser, Stops};
use crate::ast::{Name, Span};
use crate::error::ParseError;
use crate::literal;
use crate::suggest;
use crate::token::{LexicalError, Piece, Token};

/// Most characters of an unexpected token that a message repeats.
const INPUT_SHOWN_MAX: usize = 40;

impl Parser<'_> {
    pub(super) fn piece(&self, ahead: usize) -> &Piece {
        let last = self.pieces.len() - 1;
        &self.pieces[(self.at + ahead).min(last)]
    }

    pub(super) fn peek(&self) -> Token {
        self.piece(0).token
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Token {
        self.piece(ahead).token
    }

    pub(super) fn span(&self) -> Span {
        self.piece(0).span
    }

    /// Gives the text of the token `ahead` of the current one.
    pub(super) fn text_at(&self, ahead: usize) -> &str {
        self.text_of(self.piece(ahead).span)
    }

    pub(super) fn text_of(&self, span: Span) -> &str {
        &self.text[span.start as usize..span.end as usize]
    }

    pub(super) fn start(&self) -> u32 {
        self.span().start
    }

    /// Gives the span from `start` to the end of the last token taken.
    pub(super) fn since(&self, start: u32) -> Span {
        let end = if self.at == 0 { start } else { self.pieces[self.at - 1].span.end };
        Span { start, end: end.max(start) }
    }

    pub(super) fn advance(&mut self) {
        if self.at + 1 < self.pieces.len() {
            self.at += 1;
        }
    }

    pub(super) fn at_word(&self, word: &str) -> bool {
        self.word_at(0, word)
    }

    pub(super) fn word_at(&self, ahead: usize, word: &str) -> bool {
        self.peek_at(ahead) == Token::Word && self.text_at(ahead).eq_ignore_ascii_case(word)
    }

    pub(super) fn one_of_at(&self, ahead: usize, words: &[&str]) -> bool {
        self.peek_at(ahead) == Token::Word && {
            let text = self.text_at(ahead);
            words.iter().any(|word| text.eq_ignore_ascii_case(word))
        }
    }

    pub(super) fn at_words(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(ahead, word)| self.word_at(ahead, word))
    }

    pub(super) fn is_name(token: Token) -> bool {
        matches!(token, Token::Word | Token::QuotedName)
    }

    pub(super) fn accept(&mut self, token: Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn accept_word(&mut self, word: &str) -> bool {
        self.accept_words(&[word])
    }

    /// Takes all the words, or none.
    pub(super) fn accept_words(&mut self, words: &[&str]) -> bool {
        let found = self.at_words(words);
        if found {
            self.at += words.len();
        }
        found
    }

    pub(super) fn expect(&mut self, token: Token, shown: &str) -> Parsed<()> {
        if self.accept(token) { Ok(()) } else { Err(self.unexpected(&[shown])) }
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.accept_word(word) { Ok(()) } else { Err(self.unexpected(&[&format!("'{word}'")])) }
    }

    /// Takes a name, quoted or not; `what` says in an error which kind was expected.
    pub(super) fn name(&mut self, what: &str) -> Parsed<Name> {
        let name = self.key(what)?;
        if name.text.is_empty() {
            return Err(self.fail(name.span, "a name in back-quotes cannot be empty"));
        }
        Ok(name)
    }

    /// Takes the key of a map, which alone among names may be empty.
    pub(super) fn key(&mut self, what: &str) -> Parsed<Name> {
        let span = self.span();
        let text: CompactString = match self.peek() {
            Token::Word => self.text_at(0).into(),
            Token::QuotedName => literal::quoted_name(self.text_at(0)),
            _ => return Err(self.unexpected(&[what])),
        };
        self.advance();
        Ok(Name { text, span })
    }

    /// Takes `item , item , ...`.
    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept(Token::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Runs a rule one level deeper; refuses to go deeper than the stack allows.
    pub(super) fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            return Err(
                self.fail(self.span(), &format!("the statement is nested too deeply (more than {DEPTH_MAX} levels)"))
            );
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// Runs a rule inside brackets, where the stops of the clause around do not hold.
    pub(super) fn enclosed<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.stopping(Stops::default(), rule)
    }

    /// Runs a rule with other stops.
    pub(super) fn stopping<T>(&mut self, stops: Stops, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::replace(&mut self.stops, stops);
        let result = rule(self);
        self.stops = outer;
        result
    }

    /// Notes that one more level was put on top of the expression being built.
    pub(super) fn grow(&mut self) -> Parsed<()> {
        self.height += 1;
        if self.height > HEIGHT_MAX {
            return Err(self
                .fail(self.span(), &format!("the expression has more than {HEIGHT_MAX} levels; split it with WITH")));
        }
        Ok(())
    }

    /// Makes the error for a token that fits no rule here.
    #[cold]
    pub(super) fn unexpected(&self, expected: &[&str]) -> Box<ParseError> {
        self.unexpected_among(expected, expected)
    }

    /// Makes the same error where more words would fit than the message should list.
    #[cold]
    pub(super) fn unexpected_among(&self, expected: &[&str], words: &[&str]) -> Box<ParseError> {
        let span = self.span();
        if let Some(reason) = self.broken() {
            return self.fail(span, &reason);
        }
        let input = self.text_of(span);
        let shown: String = input.chars().take(INPUT_SHOWN_MAX).collect();
        let more = if shown.len() < input.len() { "..." } else { "" };
        let mut message = format!("Invalid input '{shown}{more}': expected {}", alternatives(expected));
        if self.peek() == Token::Word
            && let Some(meant) = suggest::nearest(input, words.iter().filter_map(|word| unquoted(word)))
        {
            message.push_str(&format!("; did you mean '{meant}'?"));
        }
        self.fail(span, &message)
    }

    /// Makes an error with a text of its own.
    #[cold]
    pub(super) fn fail(&self, span: Span, message: &str) -> Box<ParseError> {
        Box::new(ParseError::syntax(self.text, span, message))
    }

    /// Says what is wrong with the current token where it is no token at all.
    fn broken(&self) -> Option<String> {
        let reason = match self.peek() {
            Token::BadNumber => "invalid literal number (InvalidNumberLiteral)".to_owned(),
            Token::ExclamationEqual => {
                "Unknown operation '!=' (you probably meant to use '<>', which is the operator for inequality testing)"
                    .to_owned()
            }
            Token::Broken(LexicalError::TextOpen) => "the text has no closing quote".to_owned(),
            Token::Broken(LexicalError::NameOpen) => "the quoted name has no closing back-quote".to_owned(),
            Token::Broken(LexicalError::CommentOpen) => "the comment has no closing '*/'".to_owned(),
            Token::Broken(LexicalError::Character) => {
                let character = self.text_at(0).chars().next().unwrap_or_default();
                let class = if character.is_ascii() { "UnexpectedSyntax" } else { "InvalidUnicodeCharacter" };
                format!("Invalid input '{}': this character means nothing here ({class})", character.escape_debug())
            }
            _ => return None,
        };
        Some(reason)
    }
}

fn alternatives(expected: &[&str]) -> String {
    match expected {
        [] => "the end of the statement".to_owned(),
        [only] => (*only).to_owned(),
        [front @ .., last] => format!("{} or {last}", front.join(", ")),
    }
}

/// Gives the keyword inside `'MATCH'`; `None` for a description.
fn unquoted<'e>(expected: &'e &str) -> Option<&'e str> {
    expected.strip_prefix('\'')?.strip_suffix('\'').filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
}
