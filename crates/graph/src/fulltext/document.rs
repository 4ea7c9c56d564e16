//! What one entity has in an index: its terms and where they stand, field by field.
//! Leaves keeping them to `write`.
//! Start reading at [`Terms::of`].

use std::collections::BTreeMap;

use types::Value;

use super::analyzer::{Analyzer, Token};
use super::keys::Field;
use super::posting;
use super::score::length_byte;
use crate::codec::fact::IndexDefinition;
use crate::engines;

/// Words of a field that are kept; a longer text is found by its first ones.
const WORDS_MAX: usize = 1 << 20;

/// The terms of one entity.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Terms {
    /// The body of its posting, by field and term.
    pub postings: BTreeMap<(Field, String), Box<[u8]>>,
    /// How many words each field has, where there are any.
    pub words: Vec<(Field, u32)>,
}

impl Terms {
    /// Finds the terms of an entity's values.
    pub fn of(index: &IndexDefinition, analyzer: &Analyzer, fields: Option<&engines::Fields>) -> Self {
        let mut terms = Self::default();
        for (key, value) in fields.into_iter().flatten() {
            let Some(place) = index.keys.iter().position(|known| known == key) else { continue };
            let field = Field::try_from(place).expect("an index has at most a few hundred keys");
            terms.add(field, analyzer, value);
        }
        terms
    }

    fn add(&mut self, field: Field, analyzer: &Analyzer, value: &Value) {
        let mut tokens = Vec::new();
        match value {
            Value::String(text) => drop(analyzer.analyze(text, 0, &mut tokens)),
            Value::List(items) => {
                let mut from = 0;
                for item in items.iter() {
                    if let Value::String(text) = item {
                        from = analyzer.analyze(text, from, &mut tokens);
                    }
                }
            }
            _ => {}
        }
        tokens.truncate(WORDS_MAX);
        let Ok(words @ 1..) = u32::try_from(tokens.len()) else { return };
        let mut places: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for Token { term, position } in tokens {
            places.entry(term).or_default().push(position);
        }
        let length = length_byte(words);
        self.words.push((field, words));
        let bodies = places.into_iter().map(|(term, at)| ((field, term), posting::body(length, &at)));
        self.postings.extend(bodies);
    }
}
