//! One privilege, as small as they come: what a `GRANT` of several things turns into.
//! Leaves what privileges add up to to [`super::effective`].
//! Start reading at [`Privilege`].

use std::sync::Arc;

use types::privilege::Act;
use types::{CompactString, DatabaseId, DatabaseName};

use crate::graph_rights::{self, AddressRange, Elements, LoadFrom, SchemaRight, ValueTest, Words, matches};

/// One thing that is granted or denied in one place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Privilege {
    /// What may be done.
    pub act: Act,
    /// Where.
    pub scope: Scope,
    /// To what of an element.
    pub resource: Resource,
    /// To which elements, users or names.
    pub segment: Segment,
    /// What a value of the element has to pass; only [`Act::takes_test`] has one.
    pub test: Option<Arc<ValueTest>>,
    /// Whether it is forbidden, whatever is granted.
    pub denied: bool,
    /// Whether it can be changed only while authentication is off.
    pub immutable: bool,
}

/// The databases that a privilege is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Every one, and the server.
    All,
    /// One, whatever it is called.
    Named(DatabaseId),
    /// Those whose names fit a pattern of `*` and `?`.
    Pattern(CompactString),
    /// The home database of whoever asks.
    Home,
    /// The default database.
    Default,
    /// The one to which an alias leads, for who names it by this alias.
    Alias(DatabaseName),
}

/// To what of an element.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// There is nothing to choose from.
    Nothing,
    /// Every property.
    AllProperties,
    /// One property.
    Property(CompactString),
    /// Every label.
    AllLabels,
    /// One label.
    Label(CompactString),
}

/// To which elements, users or names; `None` is every one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// There is nothing to choose from.
    Nothing,
    /// Nodes with a label.
    Nodes(Option<CompactString>),
    /// Relationships of a type.
    Relationships(Option<CompactString>),
    /// A user.
    Users(Option<CompactString>),
    /// Procedures, functions or settings whose names fit a pattern.
    Names(CompactString),
    /// Files and every machine.
    AllData,
    /// Machines in a range of addresses.
    Cidr(CompactString),
}

/// One database, as a question of right names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub id: DatabaseId,
    pub name: &'a DatabaseName,
    pub is_home: bool,
    pub is_default: bool,
    /// The alias by which it is named, where that makes a difference.
    pub alias: Option<&'a DatabaseName>,
}

impl Scope {
    /// Tells whether a database is meant.
    pub(crate) fn holds(&self, database: &Asked<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Named(id) => *id == database.id,
            Self::Pattern(pattern) => matches(pattern, database.name.as_str()),
            Self::Home => database.is_home,
            Self::Default => database.is_default,
            Self::Alias(alias) => database.alias == Some(alias),
        }
    }
}

impl Privilege {
    /// Grants an act everywhere, without anything to choose from.
    #[must_use]
    pub fn of(act: Act) -> Self {
        Self {
            act,
            scope: Scope::All,
            resource: Resource::Nothing,
            segment: Segment::Nothing,
            test: None,
            denied: false,
            immutable: false,
        }
    }

    /// Tells whether it speaks about doing `act` to `argument`: a user, or the name of a procedure or setting.
    pub(crate) fn speaks_of(&self, act: Act, argument: Option<&str>) -> bool {
        self.act.holds(act)
            && match (&self.segment, argument) {
                (Segment::Users(Some(user)), Some(asked)) => user == asked,
                // A question about everybody is answered by what holds for everybody.
                (Segment::Users(Some(_)), None) => false,
                (Segment::Names(pattern), Some(asked)) => matches(pattern, asked),
                (Segment::Names(pattern), None) => pattern == "*",
                _ => true,
            }
    }

    /// Tells whether it gives all that another one would give to the same database, or takes all that it would take.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        let is_of_elements = match (&self.segment, &other.segment) {
            (Segment::Nothing, _)
            | (Segment::Nodes(None), Segment::Nodes(_))
            | (Segment::Relationships(None), Segment::Relationships(_))
            | (Segment::Users(None), Segment::Users(_)) => true,
            (own, other) => own == other,
        };
        let is_of_resource = match (&self.resource, &other.resource) {
            (Resource::Nothing, _)
            | (Resource::AllProperties, Resource::Property(_) | Resource::Nothing)
            | (Resource::AllLabels, Resource::Label(_)) => true,
            // Whoever may match by one property finds the elements; who may not by one still does.
            (Resource::Property(_), Resource::Nothing) => !self.denied || other.act != Act::Traverse,
            (own, other) => own == other,
        };
        self.denied == other.denied
            && self.act.holds(other.act)
            && is_of_elements
            && is_of_resource
            && (self.test.is_none() || self.test == other.test)
    }

    /// Tells whether it is about this user alone.
    pub(crate) fn is_about_user(&self, name: &str) -> bool {
        matches!(&self.segment, Segment::Users(Some(user)) if user == name)
    }

    /// Adds what it means inside a graph.
    pub(crate) fn add_to(&self, builder: &mut graph_rights::Builder) {
        let verdict = if self.denied { graph_rights::Verdict::Deny } else { graph_rights::Verdict::Grant };
        let mut add = |privilege: &graph_rights::Privilege| builder.add(verdict, privilege);
        use graph_rights::Privilege as Inside;
        match self.act {
            Act::Traverse => add(&Inside::Traverse(self.elements())),
            Act::Read => add(&Inside::Read(self.keys(), self.elements())),
            Act::Match => add(&Inside::Match(self.keys(), self.elements())),
            Act::Merge => add(&Inside::Merge(self.keys(), self.elements())),
            Act::Create => add(&Inside::Create(self.elements())),
            Act::Delete => add(&Inside::Delete(self.elements())),
            Act::SetProperty => add(&Inside::SetProperty(self.keys(), self.elements())),
            Act::SetLabel => add(&Inside::SetLabel(self.labels())),
            Act::RemoveLabel => add(&Inside::RemoveLabel(self.labels())),
            Act::Write => add(&Inside::Write),
            Act::AllGraph => add(&Inside::AllGraph),
            Act::Ownership => {
                add(&Inside::AllGraph);
                SchemaRight::ALL.into_iter().for_each(|right| add(&Inside::Schema(right)));
            }
            // Who is denied to call it with more than his own rights may call it with those.
            Act::ExecuteBoostedProcedure | Act::ExecuteBoostedFunction if self.denied => {}
            Act::ExecuteProcedure | Act::ExecuteBoostedProcedure => {
                add(&Inside::ExecuteProcedure(self.pattern()));
            }
            Act::ExecuteFunction | Act::ExecuteBoostedFunction => add(&Inside::ExecuteFunction(self.pattern())),
            Act::AllDbms => {
                add(&Inside::ExecuteProcedure("*".into()));
                add(&Inside::ExecuteFunction("*".into()));
            }
            Act::Load => match &self.segment {
                Segment::Cidr(range) => {
                    if let Some(range) = AddressRange::parse(range) {
                        add(&Inside::Load(LoadFrom::Range(range)));
                    }
                }
                _ => add(&Inside::Load(LoadFrom::AllData)),
            },
            other => {
                for (act, right) in SCHEMA {
                    if other.holds(*act) {
                        add(&Inside::Schema(*right));
                    }
                }
            }
        }
    }

    fn elements(&self) -> Elements {
        let all = |segment| Elements { segment, ..Elements::all() };
        let elements = match &self.segment {
            Segment::Nodes(Some(label)) => Elements::nodes([label.clone()]),
            Segment::Nodes(None) => all(graph_rights::Segment::Nodes),
            Segment::Relationships(Some(kind)) => Elements::relationships([kind.clone()]),
            Segment::Relationships(None) => all(graph_rights::Segment::Relationships),
            _ => Elements::all(),
        };
        Elements { test: self.test.clone(), ..elements }
    }

    fn keys(&self) -> Words {
        match &self.resource {
            Resource::Property(key) => Words::of([key.clone()]),
            _ => Words::All,
        }
    }

    fn labels(&self) -> Words {
        match &self.resource {
            Resource::Label(label) => Words::of([label.clone()]),
            _ => Words::All,
        }
    }

    fn pattern(&self) -> CompactString {
        match &self.segment {
            Segment::Names(pattern) => pattern.clone(),
            _ => "*".into(),
        }
    }
}

/// What of a database's schema an act is about.
const SCHEMA: &[(Act, SchemaRight)] = &[
    (Act::CreateIndex, SchemaRight::CreateIndex),
    (Act::DropIndex, SchemaRight::DropIndex),
    (Act::ShowIndex, SchemaRight::ShowIndex),
    (Act::CreateConstraint, SchemaRight::CreateConstraint),
    (Act::DropConstraint, SchemaRight::DropConstraint),
    (Act::ShowConstraint, SchemaRight::ShowConstraint),
    (Act::CreateLabel, SchemaRight::NewLabel),
    (Act::CreateType, SchemaRight::NewType),
    (Act::CreateKey, SchemaRight::NewKey),
];
