//! Label expressions (`:A&!B|C`) and type names (`:: LIST<INTEGER>`).

use compact_str::CompactString;

use super::{Parsed, Parser};
use crate::ast::{LabelExpression, LabelName, Span};
use crate::token::Token;

/// Words that make up the name of a type.
const TYPE_WORDS: &[&str] = &[
    "ANY",
    "ARRAY",
    "BOOL",
    "BOOLEAN",
    "DATE",
    "DATETIME",
    "DURATION",
    "EDGE",
    "FLOAT",
    "FLOAT32",
    "FLOAT64",
    "INT",
    "INTEGER",
    "INTEGER8",
    "INTEGER16",
    "INTEGER32",
    "INTEGER64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "LIST",
    "LOCAL",
    "MAP",
    "NODE",
    "NOTHING",
    "NULL",
    "PATH",
    "POINT",
    "PROPERTY",
    "RELATIONSHIP",
    "SIGNED",
    "STRING",
    "TIME",
    "TIMESTAMP",
    "TIMEZONE",
    "VALUE",
    "VARCHAR",
    "VERTEX",
    "WITHOUT",
    "ZONE",
    "ZONED",
];

/// What joins the labels of an expression: colons, or all that is newer; never both.
#[derive(Default)]
struct Signs {
    /// Where the first colon between two labels stands.
    colon: Option<Span>,
    has_symbol: bool,
}

impl Parser<'_> {
    /// `:A`, `:A:B`, `:A|B`, after `IS` or `:`; the current token is the colon.
    pub(super) fn labels_behind_colon(&mut self) -> Parsed<LabelExpression> {
        self.expect(Token::Colon, "':'")?;
        self.label_expression()
    }

    /// Tells whether a label expression may start here.
    pub(super) fn at_label(&self) -> bool {
        let token = self.peek();
        Self::is_name(token) || matches!(token, Token::Exclamation | Token::Percent | Token::ParenOpen | Token::Dollar)
    }

    /// `A&B|C`: `|` binds loosest.
    pub(super) fn label_expression(&mut self) -> Parsed<LabelExpression> {
        let mut signs = Signs::default();
        let labels = self.label_choice(&mut signs)?;
        match signs {
            Signs { colon: Some(span), has_symbol: true } => {
                let message = format!(
                    "Mixing label expression symbols ('|', '&', '!', and '%') with colon (':') between labels is not \
                     allowed. Please only use one set of symbols. This expression could be expressed as :{labels}."
                );
                Err(self.fail(span, &message))
            }
            _ => Ok(labels),
        }
    }

    fn label_choice(&mut self, signs: &mut Signs) -> Parsed<LabelExpression> {
        let mut parts = vec![self.label_conjunction(signs)?];
        while self.peek() == Token::Bar && !self.stops.bar {
            self.advance();
            // The old form repeats the colon: `:A|:B`.
            if !self.accept(Token::Colon) {
                signs.has_symbol = true;
            }
            parts.push(self.label_conjunction(signs)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { LabelExpression::Or(parts) })
    }

    fn label_conjunction(&mut self, signs: &mut Signs) -> Parsed<LabelExpression> {
        let mut parts = vec![self.label_factor(signs)?];
        loop {
            let span = self.span();
            if self.accept(Token::Ampersand) {
                signs.has_symbol = true;
            } else if self.accept(Token::Colon) {
                signs.colon.get_or_insert(span);
            } else {
                break;
            }
            parts.push(self.label_factor(signs)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { LabelExpression::And(parts) })
    }

    fn label_factor(&mut self, signs: &mut Signs) -> Parsed<LabelExpression> {
        let span = self.span();
        match self.peek() {
            Token::Exclamation => {
                self.advance();
                signs.has_symbol = true;
                Ok(LabelExpression::Not(Box::new(self.nested(|parser| parser.label_factor(signs))?)))
            }
            Token::Percent => {
                self.advance();
                signs.has_symbol = true;
                Ok(LabelExpression::Any(span))
            }
            Token::ParenOpen => {
                self.advance();
                signs.has_symbol = true;
                let inner = self.nested(|parser| parser.enclosed(|parser| parser.label_choice(signs)))?;
                self.expect(Token::ParenClose, "')', '&' or '|'")?;
                Ok(inner)
            }
            Token::Dollar => {
                let is_any = self.word_at(1, "ANY");
                let names = Box::new(self.dynamic_label()?);
                Ok(if is_any { LabelExpression::DynamicAny(names) } else { LabelExpression::Dynamic(names) })
            }
            _ => Ok(LabelExpression::Name(self.name("a label or type name")?)),
        }
    }

    /// `$(e)`, `$any(e)`; `$all(e)` says the same as `$(e)`.
    fn dynamic_label(&mut self) -> Parsed<crate::ast::Expression> {
        self.expect(Token::Dollar, "'$'")?;
        if !self.accept_word("ALL") {
            self.accept_word("ANY");
        }
        self.expect(Token::ParenOpen, "'('")?;
        let expression = self.inner()?;
        self.expect(Token::ParenClose, "')'")?;
        Ok(expression)
    }

    /// `:A:$(e)` behind a variable in `SET` and `REMOVE`; also `IS A`, and `:A&B`.
    pub(super) fn label_names(&mut self) -> Parsed<Vec<LabelName>> {
        let mut labels = Vec::new();
        while self.accept(Token::Colon) || labels.is_empty() && self.accept_word("IS") || self.accept(Token::Ampersand)
        {
            labels.push(match self.peek() {
                Token::Dollar if self.word_at(1, "ANY") => {
                    let message = "Dynamic labels using `$any()` are not allowed in SET and REMOVE; use `$all()`";
                    return Err(self.fail(self.span(), message));
                }
                Token::Dollar => LabelName::Dynamic(self.dynamic_label()?),
                _ => LabelName::Name(self.name("a label name")?),
            });
        }
        Ok(labels)
    }

    /// A type's name, in upper case with single spaces.
    pub(super) fn type_name(&mut self) -> Parsed<CompactString> {
        let mut name = self.nested(Self::type_alternative)?;
        while self.peek() == Token::Bar && !self.stops.bar {
            self.advance();
            name.push_str(" | ");
            name.push_str(&self.nested(Self::type_alternative)?);
        }
        Ok(name)
    }

    fn type_alternative(&mut self) -> Parsed<CompactString> {
        let mut name = CompactString::default();
        while self.type_word_ahead() {
            if !name.is_empty() && !name.ends_with(' ') {
                name.push(' ');
            }
            name.push_str(&self.text_at(0).to_ascii_uppercase());
            self.advance();
            if self.peek() == Token::Less && (name.ends_with("LIST") || name.ends_with("ARRAY") || name == "ANY") {
                self.advance();
                name.push('<');
                name.push_str(&self.enclosed(Self::type_name)?);
                name.push('>');
                self.expect(Token::Greater, "'>'")?;
            }
        }
        if name.is_empty() {
            return Err(self.unexpected(&["a type name"]));
        }
        if self.accept(Token::Exclamation) {
            name.push_str(" NOT NULL");
        }
        Ok(name)
    }

    fn type_word_ahead(&self) -> bool {
        self.one_of_at(0, TYPE_WORDS)
            || (self.at_word("NOT") && self.word_at(1, "NULL"))
            || (self.at_word("WITH") && self.one_of_at(1, &["TIME", "TIMEZONE"]))
    }
}
