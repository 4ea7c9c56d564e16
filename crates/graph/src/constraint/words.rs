//! Indexes and constraints in the words of messages.

use types::{CompactString, KeyId};

use crate::codec::fact::{ConstraintDefinition, ConstraintKind, IndexDefinition, IndexKind, IndexOn};
use crate::keys::TokenKind;
use crate::tokens::Tokens;

/// Words definitions with the names that a database has for its labels, types and keys.
#[derive(Clone, Copy)]
pub struct Words<'a>(pub &'a Tokens);

impl Words<'_> {
    /// Names the labels or types, `|` between them.
    pub fn of(&self, on: &IndexOn) -> String {
        let names: Vec<CompactString> = match on {
            IndexOn::Labels(labels) => labels.iter().map(|label| self.name(TokenKind::Label, label.0)).collect(),
            IndexOn::Types(kinds) => kinds.iter().map(|kind| self.name(TokenKind::Type, kind.0)).collect(),
        };
        names.join("|")
    }

    /// Names the property keys.
    pub fn keys(&self, keys: &[KeyId]) -> Vec<CompactString> {
        keys.iter().map(|key| self.name(TokenKind::Key, key.0)).collect()
    }

    /// Writes whose entities and which keys: `(:Book {isbn})`.
    pub fn schema(&self, on: &IndexOn, keys: &[KeyId]) -> String {
        let keys = match self.keys(keys) {
            keys if keys.is_empty() => String::new(),
            keys => format!(" {{{}}}", keys.join(", ")),
        };
        let of = match self.of(on) {
            of if of.is_empty() => "<any-labels>".to_owned(),
            of => format!(":{of}"),
        };
        match on {
            IndexOn::Labels(_) => format!("({of}{keys})"),
            IndexOn::Types(kinds) if kinds.is_empty() => "()-[<any-types>]-()".to_owned(),
            IndexOn::Types(_) => format!("()-[{of}{keys}]-()"),
        }
    }

    /// Writes an index as Neo4j words it.
    pub fn index(&self, index: &IndexDefinition) -> String {
        let IndexDefinition { id, name, on, keys, kind, .. } = index;
        format!(
            "Index( id={id}, name='{name}', type='{}', schema={}, indexProvider='{}' )",
            kind_name(*kind),
            self.schema(on, keys),
            provider(*kind)
        )
    }

    /// Writes a constraint that is not there yet as Neo4j words it.
    pub fn new_constraint(&self, it: &ConstraintDefinition) -> String {
        format!("Constraint( {} )", self.described(it))
    }

    /// Writes a constraint as Neo4j words it.
    pub fn constraint(&self, it: &ConstraintDefinition) -> String {
        let owned = it.index.map_or_else(String::new, |index| format!(", ownedIndex={index}"));
        format!("Constraint( id={}, {}{owned} )", it.id.0, self.described(it))
    }

    fn described(&self, it: &ConstraintDefinition) -> String {
        let types = match it.kind {
            ConstraintKind::Typed(types) => format!(", propertyType={types}"),
            _ => String::new(),
        };
        let schema = self.schema(&it.on, &it.keys);
        format!("name='{}', type='{}', schema={schema}{types}", it.name, constraint_name(it))
    }

    fn name(&self, kind: TokenKind, id: u32) -> CompactString {
        self.0.name(kind, id).unwrap_or_default()
    }
}

/// Gives the name of a kind of index, as it is listed.
#[must_use]
pub fn kind_name(kind: IndexKind) -> &'static str {
    match kind {
        IndexKind::Range => "RANGE",
        IndexKind::Text => "TEXT",
        IndexKind::Point => "POINT",
        IndexKind::Lookup => "LOOKUP",
        IndexKind::FullText => "FULLTEXT",
        IndexKind::Vector => "VECTOR",
    }
}

/// Gives the name under which clients know how a kind of index is kept.
#[must_use]
pub fn provider(kind: IndexKind) -> &'static str {
    match kind {
        IndexKind::Range => "range-1.0",
        IndexKind::Text => "text-2.0",
        IndexKind::Point => "point-1.0",
        IndexKind::Lookup => "token-lookup-1.0",
        IndexKind::FullText => "fulltext-1.0",
        IndexKind::Vector => "vector-2.0",
    }
}

/// Gives the name of a constraint's kind, as messages have it.
#[must_use]
pub fn constraint_name(it: &ConstraintDefinition) -> &'static str {
    match (it.kind, it.on.is_nodes()) {
        (ConstraintKind::Unique, true) => "UNIQUENESS",
        (ConstraintKind::Unique, false) => "RELATIONSHIP UNIQUENESS",
        (ConstraintKind::Key, true) => "NODE KEY",
        (ConstraintKind::Key, false) => "RELATIONSHIP KEY",
        (ConstraintKind::Exists, true) => "NODE PROPERTY EXISTENCE",
        (ConstraintKind::Exists, false) => "RELATIONSHIP PROPERTY EXISTENCE",
        (ConstraintKind::Typed(_), true) => "NODE PROPERTY TYPE",
        (ConstraintKind::Typed(_), false) => "RELATIONSHIP PROPERTY TYPE",
    }
}
