//! Commands about indexes and constraints.

use super::{Parsed, Parser};
use crate::ast::{IndexKind, IndexTarget, Name, SchemaCommand};
use crate::token::Token;

impl Parser<'_> {
    /// Commands about indexes and constraints.
    pub(super) fn schema_command(&mut self) -> Parsed<Option<SchemaCommand>> {
        // `CREATE constraint = (a)-[:T]->(b)` is a path.
        if self.at_words(&["CREATE", "CONSTRAINT"]) && self.peek_at(2) != Token::Equal {
            self.at += 2;
            return self.create_constraint().map(Some);
        }
        if self.at_word("CREATE") {
            return self.create_index();
        }
        if self.at_words(&["DROP", "INDEX"]) {
            self.at += 2;
            return self.drop_index().map(Some);
        }
        if self.accept_words(&["DROP", "CONSTRAINT"]) {
            let (name, if_exists) = self.dropped_name("a constraint name")?;
            return Ok(Some(SchemaCommand::DropConstraint { name, if_exists }));
        }
        if self.at_word("SHOW") {
            return match self.show_constraints()? {
                None => self.show_indexes(),
                found => Ok(found),
            };
        }
        Ok(None)
    }

    fn create_index(&mut self) -> Parsed<Option<SchemaCommand>> {
        let start = self.start();
        let kind = self.index_kind_at(1);
        let at_index = if kind.is_some() { 2 } else { 1 };
        if !self.word_at(at_index, "INDEX") || self.peek_at(at_index + 1) == Token::Equal {
            return Ok(None);
        }
        self.at += at_index + 1;
        if self.at_word("ON") && self.peek_at(1) == Token::Colon {
            return Err(self.unsupported("CREATE INDEX ON :Label(property)".to_owned(), start));
        }
        let (name, if_not_exists) = self.schema_name("an index name")?;
        self.expect_word("FOR")?;
        let kind = kind.unwrap_or(IndexKind::Range);
        let (variable, target) = self.index_target(kind)?;
        self.expect_word("ON")?;
        let keys = self.index_keys(kind, &variable)?;
        let options = self.options()?;
        Ok(Some(SchemaCommand::CreateIndex { name, if_not_exists, kind, target, keys, options }))
    }

    pub(super) fn index_kind_at(&self, ahead: usize) -> Option<IndexKind> {
        let kinds = [
            ("RANGE", IndexKind::Range),
            ("TEXT", IndexKind::Text),
            ("POINT", IndexKind::Point),
            ("LOOKUP", IndexKind::Lookup),
            ("FULLTEXT", IndexKind::Fulltext),
            ("VECTOR", IndexKind::Vector),
        ];
        kinds.into_iter().find(|(word, _)| self.word_at(ahead, word)).map(|(_, kind)| kind)
    }

    /// `(n:L)`, `()-[r:T]-()`; a lookup index names no label.
    pub(super) fn index_target(&mut self, kind: IndexKind) -> Parsed<(Name, IndexTarget)> {
        self.expect(Token::ParenOpen, "'('")?;
        if !self.accept(Token::ParenClose) {
            let variable = self.name("a variable or ')'")?;
            let labels = self.indexed_labels(kind)?;
            self.expect(Token::ParenClose, "')'")?;
            return Ok((variable, IndexTarget::Node(labels)));
        }
        self.accept(Token::Less);
        self.expect(Token::Minus, "'-'")?;
        self.expect(Token::BracketOpen, "'['")?;
        let variable = self.name("a variable")?;
        let labels = self.indexed_labels(kind)?;
        self.expect(Token::BracketClose, "']'")?;
        self.expect(Token::Minus, "'-'")?;
        self.accept(Token::Greater);
        self.expect(Token::ParenOpen, "'('")?;
        self.expect(Token::ParenClose, "')'")?;
        Ok((variable, IndexTarget::Relationship(labels)))
    }

    fn indexed_labels(&mut self, kind: IndexKind) -> Parsed<Vec<Name>> {
        if kind == IndexKind::Lookup {
            return Ok(Vec::new());
        }
        if !self.accept(Token::Colon) {
            return Err(self.unexpected(&["':' and a label or type"]));
        }
        let mut labels = vec![self.name("a label or type name")?];
        while self.peek() == Token::Bar {
            if !matches!(kind, IndexKind::Fulltext | IndexKind::Vector) {
                return Err(self.unsupported("CREATE INDEX on several labels".to_owned(), labels[0].span.start));
            }
            self.advance();
            labels.push(self.name("a label or type name")?);
        }
        Ok(labels)
    }

    /// `(n.a, n.b)`, `n.a`, `EACH [n.a]`, `EACH labels(n)`.
    pub(super) fn index_keys(&mut self, kind: IndexKind, variable: &Name) -> Parsed<Vec<Name>> {
        let close = if self.accept_word("EACH") && kind == IndexKind::Fulltext {
            self.expect(Token::BracketOpen, "'['")?;
            Some((Token::BracketClose, "']' or ','"))
        } else if kind == IndexKind::Lookup {
            self.name("'labels' or 'type'")?;
            self.expect(Token::ParenOpen, "'('")?;
            self.name("a variable")?;
            self.expect(Token::ParenClose, "')'")?;
            return Ok(Vec::new());
        } else {
            self.accept(Token::ParenOpen).then_some((Token::ParenClose, "')' or ','"))
        };
        let keys = match close {
            Some(_) => self.list(|parser| parser.index_key(variable))?,
            None => vec![self.index_key(variable)?],
        };
        if let Some((close, shown)) = close {
            self.expect(close, shown)?;
        }
        self.check_keys_differ(&keys)?;
        Ok(keys)
    }

    fn check_keys_differ(&self, keys: &[Name]) -> Parsed<()> {
        for (at, key) in keys.iter().enumerate() {
            if keys[..at].iter().any(|other| other.text == key.text) {
                let message = format!("The property `{}` is named twice (RepeatedPropertyInCompositeSchema)", key.text);
                return Err(self.fail(key.span, &message));
            }
        }
        Ok(())
    }

    fn index_key(&mut self, variable: &Name) -> Parsed<Name> {
        let named = self.name("a variable")?;
        if named.text != variable.text {
            return Err(self.fail(named.span, &format!("Variable `{}` not defined", named.text)));
        }
        self.expect(Token::Dot, "'.'")?;
        self.name("a property name")
    }

    fn drop_index(&mut self) -> Parsed<SchemaCommand> {
        if self.at_word("ON") && self.peek_at(1) == Token::Colon {
            return Err(self.unsupported("DROP INDEX ON :Label(property)".to_owned(), self.start()));
        }
        let (name, if_exists) = self.dropped_name("an index name")?;
        Ok(SchemaCommand::DropIndex { name, if_exists })
    }
}
