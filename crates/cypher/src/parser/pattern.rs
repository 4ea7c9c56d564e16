//! Path patterns: nodes, relationships, quantified parts and selectors.

use super::{Parsed, Parser};
use crate::ast::{
    BinaryOperator, Expression, ExpressionKind, LabelExpression, Length, NodePattern, PathPattern, PathSelector,
    PatternElement, QuantifiedPattern, RelationshipPattern, Span,
};
use crate::token::Token;
use types::Direction;

impl Parser<'_> {
    /// `p = SHORTEST 2 (a)-[r]->(b)`.
    pub(super) fn path_pattern(&mut self) -> Parsed<PathPattern> {
        let start = self.start();
        let variable = if Self::is_name(self.peek()) && self.peek_at(1) == Token::Equal {
            let name = self.name("a variable")?;
            self.advance();
            Some(name)
        } else {
            None
        };
        if self.one_of_at(0, &["shortestPath", "allShortestPaths"]) && self.peek_at(1) == Token::ParenOpen {
            let mut path = self.shortest_path_call()?;
            path.variable = variable;
            path.span = self.since(start);
            return Ok(path);
        }
        let selector = self.path_selector()?;
        let elements = self.enclosed(|parser| parser.elements(false))?;
        Ok(PathPattern { variable, selector, elements, is_repeatable: false, span: self.since(start) })
    }

    /// The pattern of a condition: it ends where no further relationship follows.
    pub(super) fn predicate_pattern(&mut self) -> Parsed<PathPattern> {
        let start = self.start();
        let elements = self.enclosed(|parser| parser.elements(true))?;
        let (selector, span) = (PathSelector::All, self.since(start));
        Ok(PathPattern { variable: None, selector, elements, is_repeatable: false, span })
    }

    /// `shortestPath((a)-[*]-(b))`.
    fn shortest_path_call(&mut self) -> Parsed<PathPattern> {
        let start = self.start();
        let selector =
            if self.at_word("shortestPath") { PathSelector::ShortestPath } else { PathSelector::AllShortestPaths };
        self.advance();
        self.expect(Token::ParenOpen, "'('")?;
        let elements = self.enclosed(|parser| parser.elements(false))?;
        let span = self.since(start);
        let path = PathPattern { variable: None, selector, elements, is_repeatable: false, span };
        if path.elements.len() != 3 || !matches!(path.elements[1], PatternElement::Relationship(_)) {
            return Err(
                self.fail(path.span, "shortestPath(...) needs a pattern with one relationship between two nodes")
            );
        }
        self.expect(Token::ParenClose, "')'")?;
        Ok(path)
    }

    /// `SHORTEST k [PATHS | GROUPS]`, `ALL SHORTEST`, `ANY SHORTEST`, `ANY k`, `ALL`.
    fn path_selector(&mut self) -> Parsed<PathSelector> {
        let selector = if self.accept_words(&["ALL", "SHORTEST"]) {
            PathSelector::AllShortest
        } else if self.accept_words(&["ANY", "SHORTEST"]) {
            PathSelector::Shortest(1)
        } else if self.accept_word("SHORTEST") {
            let count = self.path_count()?;
            self.accept_paths();
            if self.accept_word("GROUPS") || self.accept_word("GROUP") {
                return Ok(PathSelector::ShortestGroups(count));
            }
            PathSelector::Shortest(count)
        } else if self.accept_word("ANY") {
            PathSelector::Any(self.path_count()?)
        } else {
            self.accept_word("ALL");
            PathSelector::All
        };
        self.accept_paths();
        Ok(selector)
    }

    fn accept_paths(&mut self) {
        if !self.accept_word("PATHS") {
            self.accept_word("PATH");
        }
    }

    /// How many paths; 1 where the text does not say.
    fn path_count(&mut self) -> Parsed<u64> {
        if self.peek() != Token::Integer {
            return Ok(1);
        }
        let span = self.span();
        let count = self.bound()?;
        if count == 0 {
            return Err(self.fail(span, "the number of paths must be at least 1"));
        }
        Ok(count)
    }

    /// Nodes and what joins them; `strict` takes a `-` only where a whole relationship and a node follow.
    fn elements(&mut self, strict: bool) -> Parsed<Vec<PatternElement>> {
        let mut elements = Vec::new();
        self.part(&mut elements)?;
        loop {
            match self.peek() {
                Token::Minus | Token::Less if !strict || self.relationship_at(0).is_some() => {
                    let relationship = self.relationship()?;
                    elements.push(PatternElement::Relationship(relationship));
                    self.part(&mut elements)?;
                }
                Token::ParenOpen if self.adjoins(&elements) => self.part(&mut elements)?,
                _ => return Ok(elements),
            }
        }
    }

    /// Tells whether the `(` ahead goes on with the path: quantified parts stand beside nodes without an arrow.
    fn adjoins(&self, elements: &[PatternElement]) -> bool {
        matches!(elements.last(), Some(PatternElement::Quantified(_))) || self.path_in_parens_at(0)
    }

    /// Tells whether the `(` at `ahead` holds a path rather than a node.
    fn path_in_parens_at(&self, ahead: usize) -> bool {
        let selects = self.one_of_at(ahead + 1, &["ANY", "ALL", "SHORTEST", "shortestPath", "allShortestPaths"])
            && (matches!(self.peek_at(ahead + 2), Token::ParenOpen | Token::Integer)
                || self.one_of_at(ahead + 2, &["SHORTEST", "PATH", "PATHS", "GROUP", "GROUPS"]));
        self.peek_at(ahead + 1) == Token::ParenOpen
            || selects
            || (Self::is_name(self.peek_at(ahead + 1))
                && self.peek_at(ahead + 2) == Token::Equal
                && self.peek_at(ahead + 3) == Token::ParenOpen)
    }

    /// A node, or a path in parentheses with or without a quantifier.
    fn part(&mut self, elements: &mut Vec<PatternElement>) -> Parsed<()> {
        if self.peek() == Token::ParenOpen && self.path_in_parens_at(0) {
            return self.nested(|parser| parser.path_in_parens(elements));
        }
        elements.push(PatternElement::Node(self.node()?));
        Ok(())
    }

    /// `((x)-[r]->(y) WHERE e){1,3}`; without a quantifier the parentheses only group.
    fn path_in_parens(&mut self, elements: &mut Vec<PatternElement>) -> Parsed<()> {
        let start = self.start();
        self.expect(Token::ParenOpen, "'('")?;
        let pattern = self.path_pattern()?;
        let filter = self.enclosed(Self::filter)?;
        self.expect(Token::ParenClose, "')'")?;
        if let Some(Length { min, max }) = self.quantifier_of_pattern()? {
            let pattern = Box::new(pattern);
            let (filter, min) = (filter.map(Box::new), min.unwrap_or(0));
            let span = self.since(start);
            elements.push(PatternElement::Quantified(QuantifiedPattern { pattern, filter, min, max, span }));
            return Ok(());
        }
        if let Some(variable) = &pattern.variable {
            return Err(self.fail(variable.span, "Sub-path assignment is currently not supported; name the whole path"));
        }
        match pattern.selector {
            PathSelector::All => {}
            PathSelector::ShortestPath | PathSelector::AllShortestPaths => {
                let message = "shortestPath(...) is only allowed as a top-level element and not inside a parenthesized \
                               path pattern";
                return Err(self.fail(pattern.span, message));
            }
            _ => {
                let message = "Path selectors such as SHORTEST are not supported within parenthesized path patterns; \
                               write them in front of the parentheses";
                return Err(self.fail(pattern.span, message));
            }
        }
        if matches!(elements.last(), Some(PatternElement::Node(_))) {
            return Err(
                self.fail(self.since(start), "a path in parentheses needs a quantifier, such as {1,3}, beside a node")
            );
        }
        elements.extend(pattern.elements);
        match filter {
            Some(filter) => self.lift(filter, elements),
            None => Ok(()),
        }
    }

    /// Moves the condition of a grouping onto its last node, where it holds for the same matches.
    fn lift(&self, filter: Expression, elements: &mut [PatternElement]) -> Parsed<()> {
        let Some(PatternElement::Node(node)) = elements.last_mut() else {
            return Err(self.fail(filter.span, "WHERE in parentheses without a quantifier must follow a node"));
        };
        node.filter = Some(Box::new(match node.filter.take() {
            None => filter,
            Some(own) => {
                let span = Span { start: own.span.start, end: filter.span.end };
                Expression::new(ExpressionKind::Binary(BinaryOperator::And, *own, filter), span)
            }
        }));
        Ok(())
    }

    /// `{n}`, `{a,b}`, `{a,}`, `{,b}`, `+`, `*` behind an arrow or a path in parentheses.
    fn quantifier_of_pattern(&mut self) -> Parsed<Option<Length>> {
        if self.accept(Token::Plus) {
            return Ok(Some(Length { min: Some(1), max: None }));
        }
        if self.accept(Token::Star) {
            return Ok(Some(Length { min: Some(0), max: None }));
        }
        let span = self.span();
        if !self.accept(Token::BraceOpen) {
            return Ok(None);
        }
        let min = if self.peek() == Token::Integer { Some(self.bound()?) } else { None };
        let max = if self.accept(Token::Comma) {
            if self.peek() == Token::Integer { Some(self.bound()?) } else { None }
        } else {
            min
        };
        self.expect(Token::BraceClose, "'}', ',' or a number")?;
        if max == Some(0) || max.zip(min).is_some_and(|(max, min)| max < min) {
            return Err(self.fail(span, "a quantifier's upper bound must be at least 1 and at least its lower bound"));
        }
        Ok(Some(Length { min: min.or(Some(0)), max }))
    }

    /// A whole number from 0 that bounds something.
    fn bound(&mut self) -> Parsed<u64> {
        if self.peek() != Token::Integer {
            return Err(self.unexpected(&["a whole number"]));
        }
        let value = crate::literal::integer(self.text_at(0), false)
            .map_err(|error| self.fail(self.span(), &error.to_string()))?;
        self.advance();
        Ok(value.unsigned_abs())
    }

    /// `(a:A {k: v} WHERE e)`.
    pub(super) fn node(&mut self) -> Parsed<NodePattern> {
        let start = self.start();
        if !self.accept(Token::ParenOpen) {
            return Err(self.unexpected(&["'(' (a node pattern)"]));
        }
        let variable = self.pattern_variable()?;
        let labels = self.pattern_labels()?;
        let properties = self.pattern_properties()?;
        let filter = self.enclosed(Self::filter)?.map(Box::new);
        if !self.accept(Token::ParenClose) {
            let expected: &[&str] = match (&labels, &properties, &filter) {
                (.., Some(_)) => &["')'"],
                (_, Some(_), _) => &["'WHERE'", "')'"],
                (Some(_), ..) => &["'&'", "'|'", "'{'", "'WHERE'", "')'"],
                _ => &["':'", "'{'", "'WHERE'", "')'"],
            };
            return Err(self.unexpected(expected));
        }
        Ok(NodePattern { variable, labels, properties, filter, span: self.since(start) })
    }

    /// The variable of a node or relationship; `WHERE` and `IS` may be one where nothing follows that needs them.
    fn pattern_variable(&mut self) -> Parsed<Option<crate::ast::Name>> {
        let next = self.peek_at(1);
        let goes_on =
            matches!(next, Token::ParenClose | Token::BracketClose | Token::Colon | Token::BraceOpen | Token::Star)
                || self.one_of_at(1, &["WHERE", "IS"]);
        let keyword = self.one_of_at(0, &["WHERE", "IS"]) && !goes_on;
        if keyword || !Self::is_name(self.peek()) {
            return Ok(None);
        }
        self.name("a variable").map(Some)
    }

    fn pattern_labels(&mut self) -> Parsed<Option<LabelExpression>> {
        if self.accept(Token::Colon) || self.accept_word("IS") {
            return self.enclosed(Self::label_expression).map(Some);
        }
        Ok(None)
    }

    /// `{k: v}` or `$p`.
    fn pattern_properties(&mut self) -> Parsed<Option<Expression>> {
        let start = self.start();
        let kind = match self.peek() {
            Token::BraceOpen => ExpressionKind::Map(self.nested(Self::map)?),
            Token::Dollar => ExpressionKind::Parameter(self.parameter()?),
            _ => return Ok(None),
        };
        Ok(Some(self.build(start, kind)))
    }

    /// `-[r:T*1..3 {k: v} WHERE e]->{1,3}`.
    pub(super) fn relationship(&mut self) -> Parsed<RelationshipPattern> {
        let start = self.start();
        let left = self.accept(Token::Less);
        self.expect(Token::Minus, "'-'")?;
        let mut pattern = RelationshipPattern {
            variable: None,
            direction: Direction::Both,
            types: None,
            length: None,
            is_quantified: false,
            properties: None,
            filter: None,
            span: Span::default(),
        };
        let bare = !self.accept(Token::BracketOpen);
        if !bare {
            self.relationship_inside(&mut pattern)?;
        }
        if !self.accept(Token::Minus) {
            return Err(self.unexpected(if bare { &["'['", "'-'"] } else { &["'-'"] }));
        }
        let right = self.accept(Token::Greater);
        pattern.direction = match (left, right) {
            (true, false) => Direction::Incoming,
            (false, true) => Direction::Outgoing,
            _ => Direction::Both,
        };
        let quantifier_start = self.span();
        if let Some(length) = self.quantifier_of_pattern()? {
            if pattern.length.is_some() {
                return Err(
                    self.fail(quantifier_start, "a relationship has either a '*' inside or a quantifier behind")
                );
            }
            (pattern.length, pattern.is_quantified) = (Some(length), true);
        }
        pattern.span = self.since(start);
        Ok(pattern)
    }

    fn relationship_inside(&mut self, pattern: &mut RelationshipPattern) -> Parsed<()> {
        pattern.variable = self.pattern_variable()?;
        pattern.types = self.pattern_labels()?;
        pattern.length = self.star_length()?;
        pattern.properties = self.pattern_properties()?;
        pattern.filter = self.enclosed(Self::filter)?.map(Box::new);
        if self.accept(Token::BracketClose) {
            return Ok(());
        }
        let expected: &[&str] = match (&pattern.types, &pattern.properties, &pattern.filter) {
            (.., Some(_)) => &["']'"],
            (_, Some(_), _) => &["'WHERE'", "']'"],
            (Some(_), ..) => &["'|'", "'*'", "'{'", "'WHERE'", "']'"],
            _ => &["':'", "'*'", "'{'", "'WHERE'", "']'"],
        };
        Err(self.unexpected(expected))
    }

    /// `*`, `*2`, `*1..3`, `*..3`, `*1..`.
    fn star_length(&mut self) -> Parsed<Option<Length>> {
        if !self.accept(Token::Star) {
            return Ok(None);
        }
        if self.peek() == Token::Minus {
            let message = "the length of a relationship pattern cannot be negative (InvalidRelationshipPattern)";
            return Err(self.fail(self.span(), message));
        }
        let min = if self.peek() == Token::Integer { Some(self.bound()?) } else { None };
        if !self.accept(Token::DotDot) {
            return Ok(Some(Length { min, max: min }));
        }
        let max = if self.peek() == Token::Integer { Some(self.bound()?) } else { None };
        Ok(Some(Length { min, max }))
    }

    /// Tells whether the `(` at `ahead` starts a pattern rather than an expression: a look at few tokens.
    pub(super) fn pattern_at(&self, ahead: usize) -> bool {
        if self.peek_at(ahead) != Token::ParenOpen || !self.node_inside_at(ahead + 1) {
            return false;
        }
        let close = self.piece(ahead).close as usize;
        close > self.at && self.relationship_at(close + 1 - self.at).is_some()
    }

    /// Tells whether the `(` at `ahead` starts a path, which may begin with a part that repeats.
    pub(super) fn path_at(&self, ahead: usize) -> bool {
        if self.pattern_at(ahead) {
            return true;
        }
        if self.peek_at(ahead) != Token::ParenOpen {
            return false;
        }
        let close = self.piece(ahead).close as usize;
        let is_node = self.node_inside_at(ahead + 1) && close > self.at;
        self.pattern_at(ahead + 1) || (is_node && self.peek_at(close + 1 - self.at) == Token::ParenOpen)
    }

    /// Tells whether what follows a `(` may be the inside of a node pattern.
    fn node_inside_at(&self, ahead: usize) -> bool {
        match self.peek_at(ahead) {
            Token::ParenClose | Token::Colon | Token::BraceOpen => true,
            Token::Word | Token::QuotedName => {
                matches!(self.peek_at(ahead + 1), Token::ParenClose | Token::Colon | Token::BraceOpen)
                    || self.one_of_at(ahead + 1, &["WHERE", "IS"])
                    || self.word_at(ahead, "WHERE")
            }
            _ => false,
        }
    }

    /// Tells whether a relationship and a `(` follow at `ahead`; gives the place of the `(`.
    fn relationship_at(&self, ahead: usize) -> Option<usize> {
        let mut at = ahead + usize::from(self.peek_at(ahead) == Token::Less);
        if self.peek_at(at) != Token::Minus {
            return None;
        }
        at += 1;
        if self.peek_at(at) == Token::BracketOpen {
            let close = self.piece(at).close as usize;
            if close <= self.at {
                return None;
            }
            at = close + 1 - self.at;
        }
        if self.peek_at(at) != Token::Minus {
            return None;
        }
        at += 1 + usize::from(self.peek_at(at + 1) == Token::Greater);
        match self.peek_at(at) {
            Token::Plus | Token::Star => at += 1,
            Token::BraceOpen => at = (self.piece(at).close as usize + 1).checked_sub(self.at)?,
            _ => {}
        }
        (self.peek_at(at) == Token::ParenOpen).then_some(at)
    }
}
