//! The parser of full-text queries: one function for each rule.

use super::token::{Kind, Token, tokens};
use super::{CLAUSES_MAX, Clause, DEPTH_MAX, Occur, Piece, Query, Sought, SyntaxError};

/// The changes that `~` alone allows.
const EDITS_DEFAULT: f32 = 2.0;

pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    clauses: usize,
}

/// What joins a clause to the one before it.
#[derive(PartialEq)]
enum Joint {
    None,
    And,
    Or,
}

impl Parser {
    pub fn new(text: &str) -> Result<Self, SyntaxError> {
        Ok(Self { tokens: tokens(text)?, at: 0, depth: 0, clauses: 0 })
    }

    /// Reads all of it.
    pub fn whole(mut self) -> Result<Option<Query>, SyntaxError> {
        if self.peek() == &Kind::End {
            return Ok(None);
        }
        let query = self.query(None)?;
        if self.peek() == &Kind::End { Ok(Some(query)) } else { Err(self.unexpected()) }
    }

    fn query(&mut self, field: Option<&str>) -> Result<Query, SyntaxError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let text = format!("Query has brackets in brackets beyond the limit of {DEPTH_MAX}.");
            return Err(SyntaxError::parse(text));
        }
        let mut clauses: Vec<Clause> = Vec::new();
        loop {
            let joint = if clauses.is_empty() { Joint::None } else { self.joint() };
            let occur = self.modifier();
            let query = self.clause(field)?;
            self.clauses += 1;
            if self.clauses > CLAUSES_MAX {
                let text = format!("Query contains too many nested clauses; maxClauseCount is set to {CLAUSES_MAX}");
                return Err(SyntaxError::parse(text));
            }
            if joint == Joint::And {
                // What stands before AND is needed too, unless it is what must not be.
                if let Some(before) = clauses.last_mut().filter(|clause| clause.occur == Occur::Should) {
                    before.occur = Occur::Must;
                }
            }
            let occur = if joint == Joint::And && occur == Occur::Should { Occur::Must } else { occur };
            clauses.push(Clause { occur, query });
            if matches!(self.peek(), Kind::End | Kind::Close) {
                break;
            }
        }
        self.depth -= 1;
        Ok(match &mut clauses[..] {
            [Clause { occur: Occur::Should, query }] => std::mem::replace(query, Query::All),
            _ => Query::Clauses(clauses),
        })
    }

    fn joint(&mut self) -> Joint {
        let joint = match self.peek() {
            Kind::And => Joint::And,
            Kind::Or => Joint::Or,
            _ => return Joint::None,
        };
        self.at += 1;
        joint
    }

    fn modifier(&mut self) -> Occur {
        let occur = match self.peek() {
            Kind::Plus => Occur::Must,
            Kind::Minus | Kind::Not => Occur::MustNot,
            _ => return Occur::Should,
        };
        self.at += 1;
        occur
    }

    fn clause(&mut self, field: Option<&str>) -> Result<Query, SyntaxError> {
        let own = match (self.peek(), self.tokens.get(self.at + 1).map(|token| &token.kind)) {
            (Kind::Word(name), Some(Kind::Colon)) => Some(unescaped(name)),
            (Kind::Wild(star), Some(Kind::Colon)) if star == "*" => {
                if !matches!(self.tokens.get(self.at + 2).map(|token| &token.kind), Some(Kind::Wild(all)) if all == "*")
                {
                    self.at += 1;
                    return Err(self.unexpected());
                }
                self.at += 3;
                return self.boosted(Query::All);
            }
            _ => None,
        };
        if own.is_some() {
            self.at += 2;
        }
        let field = own.as_deref().or(field);
        if self.peek() == &Kind::Open {
            self.at += 1;
            let query = self.query(field)?;
            if self.peek() != &Kind::Close {
                return Err(self.unexpected());
            }
            self.at += 1;
            return self.boosted(query);
        }
        let sought = self.sought()?;
        self.boosted(Query::In(field.map(str::to_owned), sought))
    }

    fn sought(&mut self) -> Result<Sought, SyntaxError> {
        let kind = self.peek().clone();
        let sought = match kind {
            Kind::Word(text) => {
                self.at += 1;
                return self.word(unescaped(&text));
            }
            Kind::Quoted(text) => {
                self.at += 1;
                return Ok(Sought::Phrase { text: unescaped(&text), slop: self.slop() });
            }
            Kind::Prefix(text) => Sought::Prefix(unescaped(&text)),
            Kind::Wild(text) => Sought::Wildcard(pieces(&text)),
            Kind::Regex(text) => Sought::Regex(text.replace("\\/", "/")),
            Kind::Range { with_low, low, high, with_high } => {
                let end = |text: String| (text != "*").then(|| unescaped(&text));
                Sought::Range { low: end(low), high: end(high), with_low, with_high }
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(sought)
    }

    fn word(&mut self, text: String) -> Result<Sought, SyntaxError> {
        let Kind::Tilde(number) = self.peek() else { return Ok(Sought::Text(text)) };
        let similarity = number.unwrap_or(EDITS_DEFAULT);
        self.at += 1;
        if similarity >= 1.0 && similarity.fract() != 0.0 {
            return Err(SyntaxError::parse("Fractional edit distances are not allowed!"));
        }
        Ok(Sought::Fuzzy { text, similarity })
    }

    fn slop(&mut self) -> u32 {
        let Kind::Tilde(number) = self.peek() else { return 0 };
        let slop = number.unwrap_or(0.0) as u32;
        self.at += 1;
        slop
    }

    fn boosted(&mut self, query: Query) -> Result<Query, SyntaxError> {
        let Kind::Boost(boost) = self.peek() else { return Ok(query) };
        let boost = *boost;
        self.at += 1;
        Ok(Query::Boost(Box::new(query), boost))
    }

    fn peek(&self) -> &Kind {
        self.tokens.get(self.at).map_or(&Kind::End, |token| &token.kind)
    }

    fn unexpected(&self) -> SyntaxError {
        let token = self.tokens.get(self.at).or(self.tokens.last()).expect("the last token is the end");
        let met = match &token.kind {
            Kind::End => "\"<EOF>\"".to_owned(),
            kind => format!("\" {} \"{} \"\"", kind.name(), token.image),
        };
        SyntaxError::parse(format!(
            "Encountered {met} at line 1, column {}.\nWas expecting one of:\n    <NOT> ...\n    \"+\" ...\n    \"-\" ...\n    \
             \"(\" ...\n    <QUOTED> ...\n    <TERM> ...\n    <PREFIXTERM> ...\n    <WILDTERM> ...\n    <REGEXPTERM> ...\n    \
             \"[\" ...\n    \"{{\" ...\n    ",
            token.at
        ))
    }
}

/// Takes the escapes out: `\x` is `x`, and `\u0041` is `A`.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    each(text, |c, _| out.push(c));
    out
}

/// Cuts a word at its wildcards.
fn pieces(text: &str) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    each(text, |c, is_escaped| match (c, is_escaped) {
        ('*', false) => out.push(Piece::Any),
        ('?', false) => out.push(Piece::One),
        (c, _) => match out.last_mut() {
            Some(Piece::Text(text)) => text.push(c),
            _ => out.push(Piece::Text(c.to_string())),
        },
    });
    out
}

fn each(text: &str, mut take: impl FnMut(char, bool)) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        if first != '\\' {
            take(first, false);
            continue;
        }
        let code = rest.strip_prefix('u').and_then(|hex| hex.get(..4));
        if let Some(c) = code.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32) {
            take(c, true);
            rest = &rest[5..];
        } else if let Some(c) = rest.chars().next() {
            take(c, true);
            rest = &rest[c.len_utf8()..];
        }
    }
}
