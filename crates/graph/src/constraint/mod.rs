//! Constraints: what they refuse, and how a refusal is worded.
//! Leaves writes to `transaction::enforce`, older data to `validate`, and equal values to the constraint's index.
//! Start reading at [`Violation`].

pub(crate) mod validate;
pub mod words;

use types::text::Literal;
use types::{CompactString, KeyId, Value};

use crate::codec::fact::{ConstraintDefinition, ConstraintKind, PropertyType, PropertyTypes};
use crate::keys::Entity;
use words::Words;

/// A node or relationship that a constraint refuses.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    entity: Entity,
    /// The label or type.
    of: CompactString,
    keys: Vec<CompactString>,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq)]
enum Fault {
    /// The entity has these values, and so would another.
    Taken(Vec<Value>),
    /// Two that are there have these values.
    Both(Entity, Vec<Value>),
    /// A value is missing.
    Missing,
    /// A value is of another type.
    Type { wanted: PropertyTypes, found: String },
}

impl Violation {
    /// Says that `other` has these values already.
    pub(crate) fn taken(words: Words<'_>, it: &ConstraintDefinition, other: Entity, values: Vec<Value>) -> Self {
        Self::of(words, it, other, Fault::Taken(values))
    }

    /// Says that two entities have these values.
    pub(crate) fn both(
        words: Words<'_>,
        it: &ConstraintDefinition,
        (one, other): (Entity, Entity),
        values: Vec<Value>,
    ) -> Self {
        Self::of(words, it, one, Fault::Both(other, values))
    }

    fn of(words: Words<'_>, it: &ConstraintDefinition, entity: Entity, fault: Fault) -> Self {
        Self { entity, of: words.of(&it.on).into(), keys: words.keys(&it.keys), fault }
    }
}

/// Holds the properties of one entity against a constraint, all but equal values.
pub(crate) fn hold(
    words: Words<'_>,
    it: &ConstraintDefinition,
    entity: Entity,
    property: impl Fn(KeyId) -> Option<Value>,
) -> Result<(), Box<Violation>> {
    if it.kind.needs_values() && it.keys.iter().any(|key| property(*key).is_none()) {
        return Err(Box::new(Violation::of(words, it, entity, Fault::Missing)));
    }
    let ConstraintKind::Typed(wanted) = it.kind else { return Ok(()) };
    match it.keys.first().and_then(|key| property(*key)) {
        Some(value) if !wanted.has(&value) => {
            let found = type_of(&value);
            Err(Box::new(Violation::of(words, it, entity, Fault::Type { wanted, found })))
        }
        _ => Ok(()),
    }
}

/// Names the type of a stored value as Cypher writes it.
fn type_of(value: &Value) -> String {
    match value {
        Value::List(items) => {
            let mut types = PropertyTypes::default();
            for item in items.iter().filter_map(PropertyType::of) {
                types = types.with(item);
            }
            if items.is_empty() { "LIST<NOTHING>".to_owned() } else { format!("LIST<{types} NOT NULL>") }
        }
        other => PropertyType::of(other).map_or_else(|| other.type_name().to_uppercase(), |it| it.name().to_owned()),
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = match self.entity {
            Entity::Node(_) => format!("label `{}`", self.of),
            Entity::Relationship(_) => format!("type `{}`", self.of),
        };
        let valued = |values: &[Value]| {
            let each = self.keys.iter().zip(values).map(|(key, value)| format!("`{key}` = {}", Literal(value)));
            let word = if self.keys.len() == 1 { "property" } else { "properties" };
            format!("{word} {}", each.collect::<Vec<_>>().join(", "))
        };
        let name = |entity: Entity| match entity {
            Entity::Node(id) => format!("Node({id})"),
            Entity::Relationship(id) => format!("Relationship({id})"),
        };
        let entity = name(self.entity);
        match &self.fault {
            Fault::Taken(values) => write!(out, "{entity} already exists with {of} and {}", valued(values)),
            Fault::Both(other, values) => {
                write!(out, "Both {entity} and {} have the {of} and {}", name(*other), valued(values))
            }
            Fault::Missing if self.keys.len() == 1 => {
                write!(out, "{entity} with {of} must have the property `{}`", self.keys[0])
            }
            Fault::Missing => {
                let keys: Vec<String> = self.keys.iter().map(|key| format!("`{key}`")).collect();
                write!(out, "{entity} with {of} must have the properties ({})", keys.join(", "))
            }
            Fault::Type { wanted, found } => write!(
                out,
                "{entity} with {of} required the property `{}` to be of type `{wanted}`, but was of type `{found}`",
                self.keys.first().map_or("", CompactString::as_str)
            ),
        }
    }
}
