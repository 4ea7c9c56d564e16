//! Cuts a statement's text into tokens and pairs its brackets.
//! Keywords are plain words here: the parser decides by place whether a word is a keyword or a name.
//! Start reading at [`tokenize`].

use logos::{Lexer, Logos};

use crate::ast::Span;

/// What a token is; its text is looked up by its span.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(error = LexicalError)]
#[logos(skip r"[\p{White_Space}\u{1c}-\u{1f}]+")]
#[logos(skip("//[^\n\r]*", allow_greedy = true))]
pub enum Token {
    /// A keyword or a name without quotes.
    #[regex(r"[\p{XID_Start}\p{Pc}][\p{XID_Continue}]*")]
    Word,
    /// A name in back-quotes, the quotes included.
    #[token("`", quoted_name)]
    QuotedName,
    /// A text in quotes, the quotes included.
    #[token("'", |lexer| text(lexer, b'\''))]
    #[token("\"", |lexer| text(lexer, b'"'))]
    Text,
    /// A whole number in any base.
    #[regex(r"[0-9][0-9_]*", priority = 10)]
    #[regex(r"0[xX][0-9A-Fa-f_]+", priority = 10)]
    #[regex(r"0[oO][0-9_]+", priority = 10)]
    Integer,
    /// A number with a point or an exponent.
    #[regex(r"([0-9][0-9_]*)?\.[0-9][0-9_]*([eE][+-]?[0-9]+)?", priority = 10)]
    #[regex(r"[0-9][0-9_]*[eE][+-]?[0-9]+", priority = 10)]
    Float,
    /// Digits and letters that make no number.
    #[regex(r"[0-9]\p{XID_Continue}*", priority = 5)]
    BadNumber,
    #[token("(")]
    ParenOpen,
    #[token(")")]
    ParenClose,
    #[token("[")]
    BracketOpen,
    #[token("]")]
    BracketClose,
    #[token("{")]
    BraceOpen,
    #[token("}")]
    BraceClose,
    #[token(",")]
    Comma,
    #[token(".")]
    Dot,
    #[token("..")]
    DotDot,
    #[token(":")]
    Colon,
    #[token("::")]
    ColonColon,
    #[token(";")]
    Semicolon,
    #[token("|")]
    Bar,
    #[token("||")]
    BarBar,
    #[token("&")]
    Ampersand,
    #[token("!")]
    Exclamation,
    #[token("%")]
    Percent,
    #[token("$")]
    Dollar,
    #[token("+")]
    Plus,
    #[token("+=")]
    PlusEqual,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("^")]
    Caret,
    #[token("=")]
    Equal,
    #[token("=~")]
    EqualTilde,
    #[token("<>")]
    NotEqual,
    #[token("!=")]
    ExclamationEqual,
    #[token("<")]
    Less,
    #[token("<=")]
    LessOrEqual,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterOrEqual,
    /// A comment between `/*` and `*/`; never leaves this module.
    #[token("/*", block_comment)]
    Comment,
    /// Something that is no token; `reason` says what.
    Broken(LexicalError),
    /// The end of the text.
    End,
}

/// Why a piece of text is no token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LexicalError {
    /// A character that starts nothing.
    #[default]
    Character,
    /// A text without its closing quote.
    TextOpen,
    /// A name without its closing back-quote.
    NameOpen,
    /// A comment without `*/`.
    CommentOpen,
}

/// A token, its place, and for an opening bracket what is inside.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// What it is.
    pub token: Token,
    /// Where it stands.
    pub span: Span,
    /// For an opening bracket: the number of the token that closes it; 0 where nothing does.
    pub close: u32,
    /// For an opening bracket: whether a comma stands directly inside.
    pub comma: bool,
    /// For an opening bracket: whether a `|` stands directly inside.
    pub bar: bool,
}

/// Cuts the text into tokens; the last one is [`Token::End`]. Takes time linear in the text.
pub fn tokenize(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(text.len() / 4 + 1);
    let mut open: Vec<usize> = Vec::new();
    for (token, range) in Token::lexer(text).spanned() {
        let token = token.unwrap_or_else(Token::Broken);
        if token == Token::Comment {
            continue;
        }
        pair(&mut pieces, &mut open, token);
        let span = Span { start: range.start as u32, end: range.end as u32 };
        pieces.push(Piece { token, span, close: 0, comma: false, bar: false });
    }
    let end = Span { start: text.len() as u32, end: text.len() as u32 };
    pieces.push(Piece { token: Token::End, span: end, close: 0, comma: false, bar: false });
    pieces
}

/// Notes in the innermost open bracket what the token about to be pushed means to it.
fn pair(pieces: &mut [Piece], open: &mut Vec<usize>, token: Token) {
    let next = pieces.len();
    match token {
        Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => open.push(next),
        Token::Comma | Token::Bar => {
            if let Some(&at) = open.last() {
                pieces[at].comma |= token == Token::Comma;
                pieces[at].bar |= token == Token::Bar;
            }
        }
        Token::ParenClose | Token::BracketClose | Token::BraceClose => {
            if let Some(&at) = open.last()
                && closes(pieces[at].token, token)
            {
                pieces[at].close = next as u32;
                open.pop();
            }
        }
        _ => {}
    }
}

fn closes(open: Token, close: Token) -> bool {
    matches!(
        (open, close),
        (Token::ParenOpen, Token::ParenClose)
            | (Token::BracketOpen, Token::BracketClose)
            | (Token::BraceOpen, Token::BraceClose)
    )
}

fn quoted_name(lexer: &mut Lexer<'_, Token>) -> Result<(), LexicalError> {
    let rest = lexer.remainder().as_bytes();
    let mut at = 0;
    while at < rest.len() {
        if rest[at] == b'`' {
            if rest.get(at + 1) != Some(&b'`') {
                lexer.bump(at + 1);
                return Ok(());
            }
            at += 1;
        }
        at += 1;
    }
    lexer.bump(rest.len());
    Err(LexicalError::NameOpen)
}

fn text(lexer: &mut Lexer<'_, Token>, quote: u8) -> Result<(), LexicalError> {
    let rest = lexer.remainder().as_bytes();
    let mut at = 0;
    while at < rest.len() {
        if rest[at] == quote {
            lexer.bump(at + 1);
            return Ok(());
        }
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    lexer.bump(rest.len());
    Err(LexicalError::TextOpen)
}

fn block_comment(lexer: &mut Lexer<'_, Token>) -> Result<(), LexicalError> {
    let rest = lexer.remainder();
    if let Some(at) = rest.find("*/") {
        lexer.bump(at + 2);
        return Ok(());
    }
    lexer.bump(rest.len());
    Err(LexicalError::CommentOpen)
}
