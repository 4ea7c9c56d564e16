//! Names of labels, types and property keys, in memory both ways.

use rustc_hash::FxHashMap;
use types::CompactString;

use super::View;
use crate::codec::fact;
use crate::error::GraphError;
use crate::keys::{self, Table, TokenKind};

/// All names of one graph; ids count from 0 without gaps.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    kinds: [Names; 3],
}

#[derive(Clone, Debug, Default)]
struct Names {
    names: Vec<CompactString>,
    ids: FxHashMap<CompactString, u32>,
}

impl Tokens {
    /// Finds the id of a name.
    #[must_use]
    pub fn id(&self, kind: TokenKind, name: &str) -> Option<u32> {
        self.kinds[kind as usize].ids.get(name).copied()
    }

    /// Finds the name of an id.
    #[must_use]
    pub fn name(&self, kind: TokenKind, id: u32) -> Option<&CompactString> {
        self.kinds[kind as usize].names.get(usize::try_from(id).ok()?)
    }

    /// Lists the names of one kind in the order of their ids.
    #[must_use]
    pub fn names(&self, kind: TokenKind) -> &[CompactString] {
        &self.kinds[kind as usize].names
    }

    /// Gives the id that the next new name of this kind gets.
    #[must_use]
    pub fn next(&self, kind: TokenKind) -> u32 {
        u32::try_from(self.names(kind).len()).expect("ids are 32 bits, so there are no more names")
    }

    /// Gives the id of a name, adding it if it is new.
    pub fn add(&mut self, kind: TokenKind, name: &str) -> u32 {
        let next = self.next(kind);
        let names = &mut self.kinds[kind as usize];
        if let Some(id) = names.ids.get(name) {
            return *id;
        }
        names.names.push(name.into());
        names.ids.insert(name.into(), next);
        next
    }
}

impl View<'_> {
    /// Reads all names.
    pub fn tokens(&self) -> Result<Tokens, GraphError> {
        let mut tokens = Tokens::default();
        let prefix = [Table::Token as u8];
        self.scan(&prefix, &keys::after_prefix(&prefix), |key, sealed| {
            let kind = match key.get(1) {
                Some(0) => TokenKind::Label,
                Some(1) => TokenKind::Type,
                Some(2) => TokenKind::Key,
                _ => return Err(GraphError::damaged("the key of a name")),
            };
            let added = tokens.add(kind, fact::decode_name(sealed)?);
            if keys::u32_at(key, 2) == Some(added) {
                Ok(true)
            } else {
                Err(GraphError::damaged("a name is missing or there twice"))
            }
        })?;
        Ok(tokens)
    }
}
