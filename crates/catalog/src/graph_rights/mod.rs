//! What one user may do inside one graph: data, and the questions that are asked of it.
//! Leaves who has which privilege to the rest of the catalog, and entities with their labels to `instance`.
//! Start reading at [`GraphRights`]; then [`Builder`] for how privileges add up.

mod load;
mod privilege;
mod rule;
mod value_test;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use types::CompactString;

pub use load::{AddressRange, LoadFrom, LoadRights};
pub use privilege::{Builder, Elements, Privilege, Segment, Verdict};
pub use rule::{ByValue, Patterns, Rule, Words, matches};
pub use value_test::{Asks, ValueTest, name};

/// What one user may do inside one graph.
///
/// What may not be seen is not there: no error tells of it. What may not be changed is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphRights {
    who: CompactString,
    /// Rights on nodes, by label.
    pub nodes: ElementRights,
    /// Rights on relationships, by type.
    pub relationships: ElementRights,
    /// Labels that may be added to nodes.
    pub set_label: Rule,
    /// Labels that may be taken from nodes.
    pub remove_label: Rule,
    /// Procedures that may be called.
    pub procedures: Patterns,
    /// Functions with a namespace that may be called.
    pub functions: Patterns,
    /// What `LOAD CSV` may read.
    pub load: LoadRights,
    schema: SchemaRights,
    as_admin: bool,
    sees_everything: bool,
    writes_everything: bool,
    fingerprint: u64,
}

impl Default for GraphRights {
    /// As [`GraphRights::nothing`].
    fn default() -> Self {
        Self::nothing()
    }
}

/// What may be done with nodes, or with relationships.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ElementRights {
    /// Those that can be found.
    pub traverse: Rule,
    /// Properties that are read, of those that can be found.
    pub read: PropertyRules,
    /// Those that may be made.
    pub create: Rule,
    /// Those that may be deleted.
    pub delete: Rule,
    /// Properties that may be set and removed.
    pub set_property: PropertyRules,
}

/// Rules over labels or types, by property key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PropertyRules(Vec<PropertyRule>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PropertyRule {
    verdict: Verdict,
    keys: Words,
    names: Words,
    test: Option<Arc<ValueTest>>,
}

/// Something that is done to the schema, or to the names that a database knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaRight {
    /// Make indexes.
    CreateIndex,
    /// Drop indexes.
    DropIndex,
    /// List indexes.
    ShowIndex,
    /// Make constraints.
    CreateConstraint,
    /// Drop constraints.
    DropConstraint,
    /// List constraints.
    ShowConstraint,
    /// Use a label that nobody used before.
    NewLabel,
    /// Use a relationship type that nobody used before.
    NewType,
    /// Use a property key that nobody used before.
    NewKey,
}

impl SchemaRight {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::CreateIndex,
        Self::DropIndex,
        Self::ShowIndex,
        Self::CreateConstraint,
        Self::DropConstraint,
        Self::ShowConstraint,
        Self::NewLabel,
        Self::NewType,
        Self::NewKey,
    ];
    /// `INDEX MANAGEMENT`.
    pub const INDEXES: [Self; 3] = [Self::CreateIndex, Self::DropIndex, Self::ShowIndex];
    /// `CONSTRAINT MANAGEMENT`.
    pub const CONSTRAINTS: [Self; 3] = [Self::CreateConstraint, Self::DropConstraint, Self::ShowConstraint];
    /// `NAME MANAGEMENT`.
    pub const NAMES: [Self; 3] = [Self::NewLabel, Self::NewType, Self::NewKey];

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SchemaRights {
    granted: u16,
    denied: u16,
}

impl SchemaRights {
    fn add(&mut self, verdict: Verdict, right: SchemaRight) {
        match verdict {
            Verdict::Grant => self.granted |= right.bit(),
            Verdict::Deny => self.denied |= right.bit(),
        }
    }
}

impl GraphRights {
    /// Allows everything, at no cost: no question is asked of any entity.
    #[must_use]
    pub fn everything() -> Self {
        let mut rights = Self {
            nodes: ElementRights::everything(),
            relationships: ElementRights::everything(),
            set_label: Rule::everything(),
            remove_label: Rule::everything(),
            procedures: Patterns::everything(),
            functions: Patterns::everything(),
            load: LoadRights::everything(),
            ..Self::nothing()
        };
        for right in SchemaRight::ALL {
            rights.schema.add(Verdict::Grant, right);
        }
        rights.settle();
        rights
    }

    /// Allows nothing: every element is hidden, every change refused.
    #[must_use]
    pub fn nothing() -> Self {
        let mut rights = Self {
            who: CompactString::default(),
            nodes: ElementRights::default(),
            relationships: ElementRights::default(),
            set_label: Rule::default(),
            remove_label: Rule::default(),
            procedures: Patterns::default(),
            functions: Patterns::default(),
            load: LoadRights::default(),
            schema: SchemaRights::default(),
            as_admin: false,
            sees_everything: false,
            writes_everything: false,
            fingerprint: 0,
        };
        rights.settle();
        rights
    }

    /// Tells whether as much may be done as with others, whatever their user is called.
    #[must_use]
    pub fn amounts_to(&self, other: &Self) -> bool {
        self == other || Self { who: other.who.clone(), ..self.clone() } == *other
    }

    /// Says whom refusals name: `user 'ada' with roles [PUBLIC, reader]`.
    #[must_use]
    pub fn of(mut self, who: impl Into<CompactString>) -> Self {
        self.who = who.into();
        self
    }

    /// Gives whom refusals name.
    #[must_use]
    pub fn who(&self) -> &str {
        if self.who.is_empty() { "this user" } else { &self.who }
    }

    /// Marks that the database is somebody else's, and that the role over everything lets its user in.
    #[must_use]
    pub fn used_as_admin(mut self) -> Self {
        self.as_admin = true;
        self
    }

    /// Tells whether the database is somebody else's, and the role over everything lets its user in: that is noted.
    #[must_use]
    pub fn is_as_admin(&self) -> bool {
        self.as_admin
    }

    /// Tells whether nothing at all is hidden: no entity, no property.
    #[must_use]
    pub fn sees_everything(&self) -> bool {
        self.sees_everything
    }

    /// Tells whether no change of data is refused, new names included.
    #[must_use]
    pub fn writes_everything(&self) -> bool {
        self.writes_everything
    }

    /// Gives a number for what is seen: 0 for everything, and the same one for rights that see the same.
    ///
    /// Plans are made by what their user may see of the counts, and kept by this number. Nothing but their speed hangs
    /// on it: what is seen is asked again when they run.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Tells whether any entity may be found.
    #[must_use]
    pub fn may_read_anything(&self) -> bool {
        // A relationship is found only between two nodes that are.
        !self.nodes.traverse.is_nothing()
    }

    /// Tells whether any change of data may be made.
    #[must_use]
    pub fn may_write_anything(&self) -> bool {
        let some = |rights: &ElementRights| {
            !(rights.create.is_nothing() && rights.delete.is_nothing() && rights.set_property.is_nothing())
        };
        some(&self.nodes)
            || some(&self.relationships)
            || !self.set_label.is_nothing()
            || !self.remove_label.is_nothing()
    }

    /// Tells whether the schema or the names may be used so.
    #[must_use]
    pub fn may(&self, right: SchemaRight) -> bool {
        self.schema.granted & !self.schema.denied & right.bit() != 0
    }

    /// Tells whether a node with these labels can be found, whatever its values.
    #[must_use]
    pub fn sees_node<'n>(&self, labels: impl IntoIterator<Item = &'n str>) -> bool {
        self.nodes.traverse.allows_some(labels)
    }

    /// Tells whether a function with a namespace may be called.
    #[must_use]
    pub fn may_use(&self, function: &str) -> bool {
        self.functions.allows(function)
    }

    /// Tells whether a procedure may be called.
    #[must_use]
    pub fn may_call(&self, procedure: &str) -> bool {
        self.procedures.allows(procedure)
    }

    fn each(&mut self, of: &Elements, change: impl Fn(&mut ElementRights)) {
        if of.segment != Segment::Relationships {
            change(&mut self.nodes);
        }
        if of.segment != Segment::Nodes {
            change(&mut self.relationships);
        }
    }

    /// Answers ahead what is asked of every batch.
    fn settle(&mut self) {
        let both = [&self.nodes, &self.relationships];
        self.sees_everything = both.iter().all(|rights| rights.traverse.is_everything() && rights.read.is_everything());
        let writes = |rights: &ElementRights| {
            rights.create.is_everything() && rights.delete.is_everything() && rights.set_property.is_everything()
        };
        self.writes_everything = both.into_iter().all(writes)
            && self.set_label.is_everything()
            && self.remove_label.is_everything()
            && SchemaRight::NAMES.into_iter().all(|right| self.may(right));
        self.fingerprint = if self.sees_everything {
            0
        } else {
            let mut hasher = std::hash::DefaultHasher::new();
            both.map(|rights| (&rights.traverse, &rights.read)).hash(&mut hasher);
            hasher.finish() | 1
        };
    }
}

impl ElementRights {
    fn everything() -> Self {
        Self {
            traverse: Rule::everything(),
            read: PropertyRules::everything(),
            create: Rule::everything(),
            delete: Rule::everything(),
            set_property: PropertyRules::everything(),
        }
    }

    /// Tells whether every element can be found.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.traverse.is_everything()
    }
}

impl PropertyRules {
    fn everything() -> Self {
        Self(vec![PropertyRule { verdict: Verdict::Grant, keys: Words::All, names: Words::All, test: None }])
    }

    /// Gives the rule over labels or types that holds for a property.
    #[must_use]
    pub fn rule(&self, key: &str) -> Rule {
        self.rule_where(|keys| keys.holds(key))
    }

    /// Gives the rule that holds for properties that no privilege names.
    #[must_use]
    pub fn rule_of_others(&self) -> Rule {
        self.rule_where(Words::is_all)
    }

    /// Names the properties for which another rule may hold than for all others.
    pub fn named(&self) -> impl Iterator<Item = &CompactString> {
        self.0
            .iter()
            .flat_map(|rule| match &rule.keys {
                Words::All => None,
                Words::Some(keys) => Some(keys),
            })
            .flatten()
    }

    /// Tells whether every property of everything is allowed.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.rule_of_others().is_everything() && self.0.iter().all(|rule| rule.verdict == Verdict::Grant)
    }

    /// Tells whether no property of anything is allowed.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.rule_of_others().is_nothing() && self.named().all(|key| self.rule(key).is_nothing())
    }

    fn rule_where(&self, holds: impl Fn(&Words) -> bool) -> Rule {
        let mut made = Rule::default();
        for rule in self.0.iter().filter(|rule| holds(&rule.keys)) {
            made.put(rule.verdict, &rule.names, rule.test.as_ref());
        }
        made
    }

    fn add(&mut self, verdict: Verdict, keys: &Words, of: &Elements) {
        if keys.is_none() || of.names.is_none() {
            return;
        }
        let added = PropertyRule { verdict, keys: keys.clone(), names: of.names.clone(), test: of.test.clone() };
        if !self.0.contains(&added) {
            self.0.push(added);
        }
    }
}

#[cfg(test)]
mod tests;
