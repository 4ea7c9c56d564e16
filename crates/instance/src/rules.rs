//! Indexes and constraints with their names in words: as they are listed, and as statements make them.
//! Leaves the columns to `show`, and changes to `schema`.
//! Start reading at [`Listed::of`].

use std::hash::Hasher;

use compact_str::{CompactString, format_compact};
use cypher::ast::{ConstraintKind as AskedKind, IndexTarget, Name, NameOrParameter};
use graph::codec::fact::{
    ConstraintDefinition, ConstraintKind, IndexDefinition, IndexKind as KeptKind, IndexOn, PropertyType, PropertyTypes,
};
use graph::keys::TokenKind;
use graph::{GraphError, Transaction};
use rustc_hash::FxHasher;
use types::{Code, Failure, KeyId, LabelId, Map, TypeId, Value};

use crate::index_options;

/// One index or constraint with the names that its database has for what it is about.
pub(crate) struct Listed<T> {
    pub(crate) definition: T,
    pub(crate) of: Vec<CompactString>,
    pub(crate) keys: Vec<CompactString>,
    /// How much of an index is filled, from 0 to 1.
    pub(crate) filled_share: f64,
}

impl<T> Listed<T> {
    fn named(transaction: &Transaction, definition: T, on: &IndexOn, keys: &[KeyId]) -> Self {
        let name = |kind, id| transaction.token_name(kind, id).unwrap_or_default();
        let of = match on {
            IndexOn::Labels(labels) => labels.iter().map(|label| name(TokenKind::Label, label.0)).collect(),
            IndexOn::Types(kinds) => kinds.iter().map(|kind| name(TokenKind::Type, kind.0)).collect(),
        };
        let keys = keys.iter().map(|key| name(TokenKind::Key, key.0)).collect();
        Self { definition, of, keys, filled_share: 1.0 }
    }

    /// Writes the entities in a statement, and the keys with their variable.
    fn pattern(&self, is_nodes: bool) -> (String, String) {
        let of: Vec<String> = self.of.iter().map(|of| quoted(of)).collect();
        let of = of.join("|");
        let variable = if is_nodes { 'n' } else { 'r' };
        let keys: Vec<String> = self.keys.iter().map(|key| format!("{variable}.{}", quoted(key))).collect();
        let entity = if is_nodes { format!("(n:{of})") } else { format!("()-[r:{of}]-()") };
        (entity, keys.join(", "))
    }
}

impl Listed<IndexDefinition> {
    /// Lists the indexes of a database.
    pub(crate) fn of(transaction: &Transaction) -> Result<Vec<Self>, GraphError> {
        let listed = |index: IndexDefinition| {
            let filled_share = transaction.filled_share(&index)?;
            let (on, keys) = (index.on.clone(), index.keys.clone());
            Ok(Self { filled_share, ..Self::named(transaction, index, &on, &keys) })
        };
        transaction.indexes().into_iter().map(listed).collect()
    }

    /// Writes the command that makes the index; its constraint's, if it has one.
    pub(crate) fn statement(&self, constraints: &[Listed<ConstraintDefinition>]) -> String {
        let IndexDefinition { name, on, kind, constraint, .. } = &self.definition;
        if let Some(owner) = constraints.iter().find(|it| Some(it.definition.id) == *constraint) {
            return owner.statement();
        }
        let ((entity, keys), name) = (self.pattern(on.is_nodes()), quoted(name));
        let options = || index_options::written(&self.definition);
        match kind {
            KeptKind::Lookup if on.is_nodes() => format!("CREATE LOOKUP INDEX {name} FOR (n) ON EACH labels(n)"),
            KeptKind::Lookup => format!("CREATE LOOKUP INDEX {name} FOR ()-[r]-() ON EACH type(r)"),
            KeptKind::FullText => format!("CREATE FULLTEXT INDEX {name} FOR {entity} ON EACH [{keys}] {}", options()),
            KeptKind::Vector => format!("CREATE VECTOR INDEX {name} FOR {entity} ON ({keys}) {}", options()),
            KeptKind::Range => format!("CREATE RANGE INDEX {name} FOR {entity} ON ({keys})"),
            KeptKind::Text => format!("CREATE TEXT INDEX {name} FOR {entity} ON ({keys})"),
            KeptKind::Point => format!("CREATE POINT INDEX {name} FOR {entity} ON ({keys})"),
        }
    }
}

impl Listed<ConstraintDefinition> {
    /// Lists the constraints that all data keeps.
    pub(crate) fn of(transaction: &Transaction) -> Vec<Self> {
        let online = transaction.constraints().into_iter().filter(ConstraintDefinition::is_online);
        let named = |it: ConstraintDefinition| {
            let (on, keys) = (it.on.clone(), it.keys.clone());
            Self::named(transaction, it, &on, &keys)
        };
        online.map(named).collect()
    }

    /// Writes the command that makes the constraint.
    pub(crate) fn statement(&self) -> String {
        let ConstraintDefinition { name, on, kind, .. } = &self.definition;
        let (entity, keys) = self.pattern(on.is_nodes());
        let asked = match kind {
            ConstraintKind::Unique => "IS UNIQUE".to_owned(),
            ConstraintKind::Key if on.is_nodes() => "IS NODE KEY".to_owned(),
            ConstraintKind::Key => "IS RELATIONSHIP KEY".to_owned(),
            ConstraintKind::Exists => "IS NOT NULL".to_owned(),
            ConstraintKind::Typed(types) => format!("IS :: {types}"),
        };
        format!("CREATE CONSTRAINT {} FOR {entity} REQUIRE ({keys}) {asked}", quoted(name))
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Finds or makes the numbers of what an index or a constraint is about.
pub(crate) fn numbers(
    transaction: &Transaction,
    target: &IndexTarget,
    keys: &[Name],
) -> Result<(IndexOn, Vec<KeyId>), GraphError> {
    let on = match target {
        IndexTarget::Node(labels) => {
            let labels = labels.iter().map(|label| transaction.make_token(TokenKind::Label, &label.text).map(LabelId));
            IndexOn::Labels(labels.collect::<Result<_, _>>()?)
        }
        IndexTarget::Relationship(kinds) => {
            let kinds = kinds.iter().map(|kind| transaction.make_token(TokenKind::Type, &kind.text).map(TypeId));
            IndexOn::Types(kinds.collect::<Result<_, _>>()?)
        }
    };
    let keys = keys.iter().map(|key| transaction.make_token(TokenKind::Key, &key.text).map(KeyId));
    Ok((on, keys.collect::<Result<_, _>>()?))
}

/// Gives the name that a statement has, as it stands or as a parameter.
pub(crate) fn typed_name(name: &NameOrParameter, parameters: &Map) -> Result<CompactString, Failure> {
    match name {
        NameOrParameter::Name(name) => Ok(name.text.clone()),
        NameOrParameter::Parameter(parameter) => match parameters.get(&parameter.text) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => {
                let (name, found) = (&parameter.text, other.type_name());
                let text = format!("Expected parameter ${name} to have type String but was {found}");
                Err(Failure::new(Code::TypeError, text))
            }
            None => Err(Failure::new(Code::ParameterMissing, format!("Expected parameter(s): {}", parameter.text))),
        },
    }
}

/// Makes up a name out of what an index or a constraint is for, so that the same one gets the same name everywhere.
pub(crate) fn made_name(
    transaction: &Transaction,
    what: &str,
    kind: &str,
    target: &IndexTarget,
    keys: &[Name],
) -> CompactString {
    let mut hasher = FxHasher::default();
    let (IndexTarget::Node(of) | IndexTarget::Relationship(of)) = target;
    hasher.write_u8(matches!(target, IndexTarget::Node(_)).into());
    hasher.write(kind.as_bytes());
    for part in of.iter().chain(keys) {
        hasher.write(part.text.as_bytes());
        hasher.write_u8(0xFF);
    }
    let (indexes, constraints) = (transaction.indexes(), transaction.constraints());
    let mut number = (hasher.finish() >> 32) as u32;
    loop {
        let name = format_compact!("{what}_{number:08x}");
        // Somebody may have given just this name to another one.
        if !indexes.iter().any(|it| it.name == name) && !constraints.iter().any(|it| it.name == name) {
            return name;
        }
        number = number.wrapping_add(1);
    }
}

/// Reads what a constraint asks.
pub(crate) fn constraint_kind(asked: &AskedKind) -> Result<ConstraintKind, Failure> {
    Ok(match asked {
        AskedKind::Unique => ConstraintKind::Unique,
        AskedKind::Key => ConstraintKind::Key,
        AskedKind::Exists => ConstraintKind::Exists,
        AskedKind::Typed(name) => ConstraintKind::Typed(property_types(name)?),
    })
}

/// Other names of the types that a property can be held to.
const SYNONYMS: &[(&str, PropertyType)] = &[
    ("BOOL", PropertyType::Boolean),
    ("VARCHAR", PropertyType::String),
    ("INT", PropertyType::Integer),
    ("SIGNED INTEGER", PropertyType::Integer),
    ("TIME WITHOUT TIMEZONE", PropertyType::LocalTime),
    ("TIME WITHOUT TIME ZONE", PropertyType::LocalTime),
    ("TIME WITH TIMEZONE", PropertyType::ZonedTime),
    ("TIME WITH TIME ZONE", PropertyType::ZonedTime),
    ("TIMESTAMP WITHOUT TIMEZONE", PropertyType::LocalDateTime),
    ("TIMESTAMP WITHOUT TIME ZONE", PropertyType::LocalDateTime),
    ("TIMESTAMP WITH TIMEZONE", PropertyType::ZonedDateTime),
    ("TIMESTAMP WITH TIME ZONE", PropertyType::ZonedDateTime),
];

/// Reads `STRING | LIST<INTEGER NOT NULL>` and the like.
fn property_types(name: &str) -> Result<PropertyTypes, Failure> {
    let mut types = PropertyTypes::default();
    let whole = name.strip_prefix("ANY<").and_then(|inner| inner.strip_suffix('>')).unwrap_or(name);
    for one in alternatives(whole) {
        let list = one.strip_prefix("LIST<").or_else(|| one.strip_prefix("ARRAY<"));
        types = match list.and_then(|inner| inner.strip_suffix('>')) {
            Some(inner) => {
                let item = inner.strip_suffix(" NOT NULL").and_then(property_type);
                types.with_list(item.ok_or_else(|| no_type(name))?)
            }
            None => types.with(property_type(one).ok_or_else(|| no_type(name))?),
        };
    }
    Ok(types)
}

/// Cuts a union at the bars that stand outside of lists.
fn alternatives(name: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    let outside = move |letter: char| {
        match letter {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == '|' && depth == 0
    };
    name.split(outside).map(str::trim)
}

fn property_type(name: &str) -> Option<PropertyType> {
    let known = PropertyType::ALL.into_iter().find(|known| known.name() == name);
    known.or_else(|| SYNONYMS.iter().find(|(other, _)| *other == name).map(|(_, known)| *known))
}

fn no_type(name: &str) -> Failure {
    let text = format!(
        "Failed to create property type constraint: Invalid property type `{name}`. Valid types are: BOOLEAN, STRING, \
         INTEGER, FLOAT, DATE, LOCAL TIME, ZONED TIME, LOCAL DATETIME, ZONED DATETIME, DURATION, POINT, LIST<T NOT NULL> \
         of each of these, and unions."
    );
    Failure::new(Code::SyntaxError, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_in_any_form() {
        let read = |name: &str| property_types(name).map(|types| types.to_string()).map_err(|it| it.code());
        assert_eq!(read("LIST<STRING NOT NULL> | INT"), Ok("INTEGER | LIST<STRING NOT NULL>".to_owned()));
        assert_eq!(read("TIMESTAMP WITH TIME ZONE"), Ok("ZONED DATETIME".to_owned()));
        assert_eq!(read("LIST<STRING>"), Err(Code::SyntaxError));
        assert_eq!(read("MAP"), Err(Code::SyntaxError));
        assert_eq!(read("STRING NOT NULL"), Err(Code::SyntaxError));
    }
}
