//! Operands: literals, parameters, variables, calls and the forms that start with a word.

use super::{Parsed, Parser};
use crate::ast::{Expression, ExpressionKind, Name, QuantifierKind, Span};
use crate::literal;
use crate::token::Token;

/// Words that go on with the clause: an operand never starts with one that another operand follows.
const RESERVED: &[&str] = &[
    "AND", "AS", "BY", "CALL", "CONTAINS", "CREATE", "DELETE", "DETACH", "DISTINCT", "ELSE", "END", "ENDS", "FINISH",
    "FOREACH", "IN", "IS", "LIMIT", "MATCH", "MERGE", "ON", "OPTIONAL", "OR", "ORDER", "REMOVE", "RETURN", "SET",
    "SKIP", "STARTS", "THEN", "UNION", "UNWIND", "WHEN", "WHERE", "WITH", "XOR", "YIELD",
];

/// Words that may stand behind a variable, whatever the variable is called.
const AFTER_OPERAND: &[&str] = &[
    "AND",
    "AS",
    "ASC",
    "ASCENDING",
    "CALL",
    "CONTAINS",
    "CREATE",
    "DELETE",
    "DESC",
    "DESCENDING",
    "DETACH",
    "ELSE",
    "END",
    "ENDS",
    "FINISH",
    "FOREACH",
    "FROM",
    "IN",
    "IS",
    "LIMIT",
    "MATCH",
    "MERGE",
    "OFFSET",
    "ON",
    "OPTIONAL",
    "OR",
    "ORDER",
    "REMOVE",
    "RETURN",
    "SET",
    "SKIP",
    "STARTS",
    "THEN",
    "UNION",
    "UNWIND",
    "WHEN",
    "WHERE",
    "WITH",
    "XOR",
];

impl Parser<'_> {
    pub(super) fn atom(&mut self) -> Parsed<Expression> {
        let start = self.start();
        let kind = match self.peek() {
            Token::Word => return self.word(),
            Token::QuotedName => return self.named(),
            Token::Integer => self.number(literal::integer(self.text_at(0), false).map(ExpressionKind::Integer))?,
            Token::Float => self.number(literal::float(self.text_at(0)).map(ExpressionKind::Float))?,
            Token::Text => ExpressionKind::String(self.string()?),
            Token::Dollar => ExpressionKind::Parameter(self.parameter()?),
            Token::ParenOpen => return self.parenthesised(),
            Token::BracketOpen => return self.bracketed(),
            Token::BraceOpen => ExpressionKind::Map(self.map()?),
            _ => return Err(self.unexpected(&["an expression"])),
        };
        Ok(self.build(start, kind))
    }

    fn number(&mut self, kind: Result<ExpressionKind, literal::LiteralError>) -> Parsed<ExpressionKind> {
        let kind = kind.map_err(|error| self.fail(self.span(), &error.to_string()))?;
        self.advance();
        Ok(kind)
    }

    /// A text in quotes; its escapes are resolved.
    pub(super) fn string(&mut self) -> Parsed<compact_str::CompactString> {
        if self.peek() != Token::Text {
            return Err(self.unexpected(&["a text in quotes"]));
        }
        let span = self.span();
        let text = literal::text(self.text_at(0)).map_err(|(error, at)| {
            let at = span.start + at as u32;
            self.fail(Span { start: at, end: at + 1 }, &error.to_string())
        })?;
        self.advance();
        Ok(text)
    }

    /// `$name`, `$1`, `` $`quoted` ``.
    pub(super) fn parameter(&mut self) -> Parsed<Name> {
        let start = self.start();
        self.expect(Token::Dollar, "'$'")?;
        let text = match self.peek() {
            // `$1abc` is a legal name for a parameter.
            Token::Integer | Token::BadNumber | Token::Word => self.text_at(0).into(),
            Token::QuotedName => literal::quoted_name(self.text_at(0)),
            _ => return Err(self.unexpected(&["a parameter name"])),
        };
        self.advance();
        Ok(Name { text, span: self.since(start) })
    }

    /// An operand that starts with a word: a keyword where its form follows, a name otherwise.
    fn word(&mut self) -> Parsed<Expression> {
        let start = self.start();
        let next = self.peek_at(1);
        if let Some(kind) = self.constant() {
            self.advance();
            return Ok(self.build(start, kind));
        }
        if self.at_word("CASE") && !matches!(next, Token::Dot | Token::Comma | Token::ParenClose | Token::End) {
            return self.case();
        }
        if next == Token::BraceOpen && self.one_of_at(0, &["EXISTS", "COUNT", "COLLECT"]) {
            return self.subquery_expression();
        }
        if next == Token::ParenOpen
            && let Some(found) = self.special_call()?
        {
            return Ok(found);
        }
        if self.one_of_at(0, RESERVED) && self.operand_follows() {
            return Err(self.unexpected(&["an expression"]));
        }
        self.named()
    }

    fn operand_follows(&self) -> bool {
        match self.peek_at(1) {
            Token::Word => !self.one_of_at(1, AFTER_OPERAND),
            Token::Integer | Token::Float | Token::Text | Token::Dollar | Token::ParenOpen | Token::QuotedName => true,
            _ => false,
        }
    }

    /// `null`, `true`, `false`, `NaN`, `Infinity`.
    fn constant(&self) -> Option<ExpressionKind> {
        let kind = if self.at_word("NULL") {
            ExpressionKind::Null
        } else if self.at_word("TRUE") {
            ExpressionKind::Boolean(true)
        } else if self.at_word("FALSE") {
            ExpressionKind::Boolean(false)
        } else if matches!(self.text_at(0), "NaN" | "NAN") {
            ExpressionKind::Float(f64::NAN)
        } else if matches!(self.text_at(0), "Infinity" | "INFINITY" | "INF") {
            ExpressionKind::Float(f64::INFINITY)
        } else {
            return None;
        };
        Some(kind)
    }

    /// A variable, a map projection, or a call of a function with dots in its name.
    fn named(&mut self) -> Parsed<Expression> {
        let start = self.start();
        if let Some(parts) = self.function_name_ahead() {
            return self.call(parts);
        }
        let name = self.name("an expression")?;
        if self.peek() == Token::BraceOpen {
            return self.map_projection(name);
        }
        Ok(self.build(start, ExpressionKind::Variable(name)))
    }

    /// Tells how many parts the name of a function call ahead has; `None` where no call is ahead.
    fn function_name_ahead(&self) -> Option<usize> {
        let mut parts = 1;
        while self.peek_at(2 * parts - 1) == Token::Dot && Self::is_name(self.peek_at(2 * parts)) {
            parts += 1;
        }
        (self.peek_at(2 * parts - 1) == Token::ParenOpen).then_some(parts)
    }

    /// `a.b.f(DISTINCT x, y)`.
    fn call(&mut self, parts: usize) -> Parsed<Expression> {
        let start = self.start();
        let name = self.dotted(parts)?;
        self.expect(Token::ParenOpen, "'('")?;
        let distinct = self.accept_word_before_operand("DISTINCT");
        if !distinct {
            self.accept_all();
        }
        let arguments = self.arguments(&name)?;
        Ok(self.build(start, ExpressionKind::Call { name, distinct, arguments }))
    }

    /// Takes a keyword, unless it is itself the operand: `f(distinct)`.
    pub(super) fn accept_word_before_operand(&mut self, word: &str) -> bool {
        let ends = matches!(self.peek_at(1), Token::ParenClose | Token::Comma | Token::Dot | Token::End);
        !ends && self.accept_word(word)
    }

    /// `ALL` is the default and may be written; `all(` is the quantifier.
    pub(super) fn accept_all(&mut self) {
        if self.peek_at(1) != Token::ParenOpen {
            self.accept_word_before_operand("ALL");
        }
    }

    /// The arguments up to `)`; patterns are taken by `exists` alone.
    fn arguments(&mut self, function: &Name) -> Parsed<Vec<Expression>> {
        if self.accept(Token::ParenClose) {
            return Ok(Vec::new());
        }
        let takes_pattern = function.text.eq_ignore_ascii_case("exists");
        let takes_form = function.text.eq_ignore_ascii_case("normalize");
        let arguments = self.enclosed(|parser| {
            parser.list(|parser| {
                if takes_form
                    && parser.one_of_at(0, &["NFC", "NFD", "NFKC", "NFKD"])
                    && parser.peek_at(1) == Token::ParenClose
                {
                    return Ok(parser.form());
                }
                if takes_pattern { parser.condition() } else { parser.expression() }
            })
        })?;
        self.expect(Token::ParenClose, "')' or ','")?;
        Ok(arguments)
    }

    /// The form of `normalize(x, NFC)`, as a text.
    fn form(&mut self) -> Expression {
        let start = self.start();
        let form = self.text_at(0).to_ascii_uppercase();
        self.advance();
        self.build(start, ExpressionKind::String(form.into()))
    }

    /// Takes a name of `parts` parts as one name with its dots.
    pub(super) fn dotted(&mut self, parts: usize) -> Parsed<Name> {
        let mut name = self.name("a name")?;
        for _ in 1..parts {
            self.expect(Token::Dot, "'.'")?;
            let part = self.name("a name")?;
            name.text.push('.');
            name.text.push_str(&part.text);
            name.span.end = part.span.end;
        }
        Ok(name)
    }

    /// Forms that look like calls but are not: `count(*)`, quantifiers, `reduce`, `trim`, paths.
    fn special_call(&mut self) -> Parsed<Option<Expression>> {
        let start = self.start();
        let takes_variable = Self::is_name(self.peek_at(2));
        if self.at_word("COUNT") && self.peek_at(2) == Token::Star && self.peek_at(3) == Token::ParenClose {
            self.at += 4;
            return Ok(Some(self.build(start, ExpressionKind::CountAll)));
        }
        if takes_variable
            && self.word_at(3, "IN")
            && let Some(kind) = self.quantifier_kind()
        {
            return self.quantifier(kind).map(Some);
        }
        if self.at_word("REDUCE") && takes_variable && self.peek_at(3) == Token::Equal {
            return self.reduce().map(Some);
        }
        if self.at_word("TRIM") {
            return self.trim();
        }
        if self.one_of_at(0, &["shortestPath", "allShortestPaths"]) {
            let pattern = self.nested(Self::path_pattern)?;
            return Ok(Some(self.build(start, ExpressionKind::ShortestPath(Box::new(pattern)))));
        }
        Ok(None)
    }

    fn quantifier_kind(&self) -> Option<QuantifierKind> {
        let kinds = [
            ("ALL", QuantifierKind::All),
            ("ANY", QuantifierKind::Any),
            ("NONE", QuantifierKind::None),
            ("SINGLE", QuantifierKind::Single),
        ];
        kinds.into_iter().find(|(word, _)| self.at_word(word)).map(|(_, kind)| kind)
    }

    /// `all(x IN list WHERE c)`.
    fn quantifier(&mut self, kind: QuantifierKind) -> Parsed<Expression> {
        let start = self.start();
        self.at += 2;
        let variable = self.name("a variable")?;
        self.expect_word("IN")?;
        let list = self.inner()?;
        let filter = self.enclosed(Self::filter)?;
        self.expect(Token::ParenClose, if filter.is_some() { "')'" } else { "'WHERE' or ')'" })?;
        Ok(self.build(start, ExpressionKind::Quantifier { kind, variable, list, filter }))
    }

    /// `reduce(acc = init, x IN list | e)`.
    fn reduce(&mut self) -> Parsed<Expression> {
        let start = self.start();
        self.at += 2;
        let accumulator = self.name("a variable")?;
        self.expect(Token::Equal, "'='")?;
        let initial = self.inner()?;
        self.expect(Token::Comma, "','")?;
        let variable = self.name("a variable")?;
        self.expect_word("IN")?;
        let list = self.before_bar(Self::expression)?;
        self.expect(Token::Bar, "'|'")?;
        let step = self.inner()?;
        self.expect(Token::ParenClose, "')'")?;
        Ok(self.build(start, ExpressionKind::Reduce { accumulator, initial, variable, list, step }))
    }

    /// `trim(x)` is a call as any other; `trim(BOTH c FROM x)` becomes `btrim(x, c)` and its siblings.
    fn trim(&mut self) -> Parsed<Option<Expression>> {
        let start = self.start();
        let sides = [("BOTH", "btrim"), ("LEADING", "ltrim"), ("TRAILING", "rtrim")];
        let ends = matches!(self.peek_at(3), Token::ParenClose | Token::Comma | Token::Dot | Token::End);
        let side = sides.into_iter().find(|(word, _)| !ends && self.word_at(2, word));
        let name_span = self.span();
        self.at += if side.is_some() { 3 } else { 2 };
        let mut function = side.map_or("trim", |(_, function)| function);
        if side.is_some() && self.accept_word("FROM") {
            let text = self.inner()?;
            self.expect(Token::ParenClose, "')'")?;
            return Ok(Some(self.call_since(start, function, name_span, vec![text])));
        }
        if self.accept(Token::ParenClose) {
            return Ok(Some(self.call_since(start, function, name_span, Vec::new())));
        }
        let mut arguments = self.enclosed(|parser| parser.list(Self::expression))?;
        if arguments.len() == 1 && self.accept_word("FROM") {
            arguments.insert(0, self.inner()?);
            function = side.map_or("btrim", |(_, function)| function);
        } else if side.is_some() {
            return Err(self.unexpected(&["'FROM'"]));
        }
        self.expect(Token::ParenClose, "')'")?;
        Ok(Some(self.call_since(start, function, name_span, arguments)))
    }

    fn call_since(&self, start: u32, function: &str, name_span: Span, arguments: Vec<Expression>) -> Expression {
        let mut call = self.call_of(function, name_span, arguments);
        call.span = self.since(start);
        call
    }

    /// Makes a call of a function that the text does not name itself.
    pub(super) fn call_of(&self, function: &str, span: Span, arguments: Vec<Expression>) -> Expression {
        let name = Name { text: function.into(), span };
        Expression::new(ExpressionKind::Call { name, distinct: false, arguments }, span)
    }
}
