//! The privileges that a graph knows, one by one, and how they add up to what a user may do in it.
//! Leaves who has them to whoever builds: roles, levels and tokens become these entries.
//! Start reading at [`Builder`].

use std::sync::Arc;

use types::CompactString;

use super::{GraphRights, LoadFrom, SchemaRight, ValueTest, Words};

/// Whether a privilege is given or taken; what is taken stays so, whatever is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is granted.
    Grant,
    /// It is denied.
    Deny,
}

/// Which kind of elements a privilege is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Nodes, by label.
    Nodes,
    /// Relationships, by type.
    Relationships,
    /// Both: `ELEMENTS`.
    Elements,
}

/// Some elements of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elements {
    /// Nodes, relationships, or both.
    pub segment: Segment,
    /// Their labels or types.
    pub names: Words,
    /// What a value of theirs has to pass; only finding and reading hang on values.
    pub test: Option<Arc<ValueTest>>,
}

impl Elements {
    /// Means every node and every relationship.
    #[must_use]
    pub fn all() -> Self {
        Self { segment: Segment::Elements, names: Words::All, test: None }
    }

    /// Means nodes with these labels.
    pub fn nodes<T: Into<CompactString>>(labels: impl IntoIterator<Item = T>) -> Self {
        Self { segment: Segment::Nodes, names: Words::of(labels), test: None }
    }

    /// Means relationships of these types.
    pub fn relationships<T: Into<CompactString>>(types: impl IntoIterator<Item = T>) -> Self {
        Self { segment: Segment::Relationships, names: Words::of(types), test: None }
    }

    /// Means those of them whose value passes a test.
    #[must_use]
    pub fn that(self, test: ValueTest) -> Self {
        Self { test: Some(Arc::new(test)), ..self }
    }
}

/// One thing that may be done in a graph. The words are Neo4j's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// Find elements.
    Traverse(Elements),
    /// Read these properties of elements that can be found.
    Read(Words, Elements),
    /// Both. Denied for some properties it hides only those; denied for all it hides the elements.
    Match(Words, Elements),
    /// Make elements.
    Create(Elements),
    /// Delete elements.
    Delete(Elements),
    /// Add these labels to nodes.
    SetLabel(Words),
    /// Take these labels from nodes.
    RemoveLabel(Words),
    /// Set, change and remove these properties.
    SetProperty(Words, Elements),
    /// Find, read, make, and set these properties.
    Merge(Words, Elements),
    /// Every change of elements, labels and properties; no new names.
    Write,
    /// Everything that is done to elements: `ALL GRAPH PRIVILEGES`.
    AllGraph,
    /// One thing that is done to the schema or to the names of the database.
    Schema(SchemaRight),
    /// Call the procedures whose names fit.
    ExecuteProcedure(CompactString),
    /// Call the functions with a namespace, such as `apoc.text.join`, whose names fit.
    ExecuteFunction(CompactString),
    /// Load data with `LOAD CSV`.
    Load(LoadFrom),
}

/// Adds privileges up to rights. Nothing is allowed that is not granted.
#[derive(Clone, Debug, Default)]
pub struct Builder(GraphRights);

impl Builder {
    /// Begins with nothing, for somebody that refusals call `who`: `user 'ada' with roles [PUBLIC, reader]`.
    pub fn new(who: impl Into<CompactString>) -> Self {
        Self(GraphRights { who: who.into(), ..GraphRights::default() })
    }

    /// Adds a grant.
    #[must_use]
    pub fn grant(self, privilege: &Privilege) -> Self {
        self.with(Verdict::Grant, privilege)
    }

    /// Adds a denial, which wins over every grant.
    #[must_use]
    pub fn deny(self, privilege: &Privilege) -> Self {
        self.with(Verdict::Deny, privilege)
    }

    /// Adds one or the other.
    #[must_use]
    pub fn with(mut self, verdict: Verdict, privilege: &Privilege) -> Self {
        self.add(verdict, privilege);
        self
    }

    /// Adds one or the other in place.
    pub fn add(&mut self, verdict: Verdict, privilege: &Privilege) {
        let rights = &mut self.0;
        match privilege {
            Privilege::Traverse(of) => rights.each(of, |rights| rights.traverse.add(verdict, of)),
            Privilege::Read(keys, of) => rights.each(of, |rights| rights.read.add(verdict, keys, of)),
            Privilege::Match(keys, of) => {
                if verdict == Verdict::Grant || keys.is_all() {
                    self.add(verdict, &Privilege::Traverse(of.clone()));
                }
                self.add(verdict, &Privilege::Read(keys.clone(), of.clone()));
            }
            Privilege::Create(of) => rights.each(of, |rights| rights.create.add(verdict, of)),
            Privilege::Delete(of) => rights.each(of, |rights| rights.delete.add(verdict, of)),
            Privilege::SetLabel(labels) => rights.set_label.put(verdict, labels, None),
            Privilege::RemoveLabel(labels) => rights.remove_label.put(verdict, labels, None),
            Privilege::SetProperty(keys, of) => {
                rights.each(of, |rights| rights.set_property.add(verdict, keys, of));
            }
            Privilege::Merge(keys, of) => {
                self.add(verdict, &Privilege::Match(keys.clone(), of.clone()));
                self.add(verdict, &Privilege::Create(of.clone()));
                self.add(verdict, &Privilege::SetProperty(keys.clone(), of.clone()));
            }
            Privilege::Write => {
                self.add(verdict, &Privilege::Create(Elements::all()));
                self.add(verdict, &Privilege::Delete(Elements::all()));
                self.add(verdict, &Privilege::SetLabel(Words::All));
                self.add(verdict, &Privilege::RemoveLabel(Words::All));
                self.add(verdict, &Privilege::SetProperty(Words::All, Elements::all()));
            }
            Privilege::AllGraph => {
                self.add(verdict, &Privilege::Match(Words::All, Elements::all()));
                self.add(verdict, &Privilege::Write);
            }
            Privilege::Schema(right) => rights.schema.add(verdict, *right),
            Privilege::ExecuteProcedure(pattern) => rights.procedures.add(verdict, pattern),
            Privilege::ExecuteFunction(pattern) => rights.functions.add(verdict, pattern),
            Privilege::Load(from) => rights.load.add(verdict, from),
        }
    }

    /// Gives what was added up.
    #[must_use]
    pub fn build(mut self) -> GraphRights {
        self.0.settle();
        self.0
    }
}
