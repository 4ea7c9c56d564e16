//! The variables that a clause can see: their slots and what is known of them.
//! Leaves slots' numbers to the planner, which hands them out.
//! Start reading at [`Scope`].

use compact_str::CompactString;

/// What a variable holds, as far as the text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// A node, or null.
    Node,
    /// A relationship, or null.
    Relationship,
    /// A list of relationships, or null.
    Relationships,
    /// A list of nodes, or null.
    Nodes,
    /// A path, or null.
    Path,
    /// Something known to be no entity: a literal, a number, a list of them.
    Plain,
    /// Anything.
    Unknown,
}

impl Held {
    /// Names it as errors do.
    pub fn word(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Relationship => "Relationship",
            Self::Relationships => "List<Relationship>",
            Self::Nodes => "List<Node>",
            Self::Path => "Path",
            Self::Plain | Self::Unknown => "Any",
        }
    }
}

/// A variable in scope.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub name: CompactString,
    pub slot: usize,
    pub held: Held,
    /// The graph that its entities are of, where that is known.
    pub source: Option<u16>,
}

impl Variable {
    /// Tells whether the statement's writer never named it.
    pub fn is_hidden(&self) -> bool {
        self.name.starts_with(' ')
    }
}

/// The variables in scope; the last of a name counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope(pub Vec<Variable>);

impl Scope {
    pub fn find(&self, name: &str) -> Option<&Variable> {
        self.0.iter().rev().find(|variable| variable.name == name)
    }

    pub fn slot(&self, name: &str) -> Option<usize> {
        self.find(name).map(|variable| variable.slot)
    }

    pub fn add(&mut self, variable: Variable) {
        self.0.retain(|known| known.name != variable.name);
        self.0.push(variable);
    }

    /// Gives names and slots, as the compiler of expressions wants them.
    pub fn pairs(&self) -> Vec<(CompactString, usize)> {
        self.0.iter().map(|variable| (variable.name.clone(), variable.slot)).collect()
    }

    /// Lists the variables that have a name of their own, sorted: what `*` means.
    pub fn named(&self) -> Vec<&Variable> {
        let mut named: Vec<&Variable> = self.0.iter().filter(|variable| !variable.is_hidden()).collect();
        named.sort_by(|left, right| left.name.cmp(&right.name));
        named
    }

    /// Gives the name of a slot for people; nothing for hidden ones.
    pub fn name_of(&self, slot: usize) -> Option<&str> {
        self.0.iter().rev().find(|variable| variable.slot == slot).map(|variable| variable.name.as_str())
    }
}
