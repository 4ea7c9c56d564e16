//! What will run: a tree of operators, each with the slots that it fills.
//! Leaves which operator stands where to [`crate::plan`], and the running to its siblings here.
//! Start reading at [`Plan`].

use std::ops::Bound;
use std::sync::Arc;

use compact_str::CompactString;
pub use cypher::ast::OnError;
use smallvec::{SmallVec, smallvec};
use types::{Direction, IndexId};

use super::{Shortest, Walk};
use crate::expression::Compiled;
use crate::functions::AggregateKind;
use crate::procedure::Procedure;

/// What will run: a tree of operators, each with the slots that it fills.
#[derive(Clone, Debug)]
pub enum Plan {
    /// One row without values: where a statement begins.
    Unit,
    /// For each row, the nodes of a source, those with a label where one is given.
    Scan {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// The source's place in the statement's list.
        source: u16,
        /// The label.
        label: Option<CompactString>,
        /// The slot of the node.
        node: usize,
    },
    /// For each row, the relationships of a node.
    Expand(Arc<Plan>, Expand),
    /// For each row whose node has relationships, how many.
    Degree(Arc<Plan>, Degree),
    /// For each row, the nodes between two of its nodes.
    Meet(Arc<Plan>, Meet),
    /// For each row, the trails from a node that lie within bounds.
    Walk(Arc<Plan>, Walk),
    /// The rows for which a condition holds.
    Filter(Arc<Plan>, Compiled),
    /// Each row with more slots filled.
    Compute(Arc<Plan>, Vec<(usize, Compiled)>),
    /// Each row with only these slots left, at the places of the list.
    Keep(Arc<Plan>, Vec<usize>),
    /// For each row, the items of a list.
    Unwind {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// The list.
        list: Compiled,
        /// The slot of the item.
        item: usize,
    },
    /// For each row, the numbers of a range, as `range(start, end, step)` gives them.
    Range {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// Start, end, and the step where there is one.
        bounds: Vec<Compiled>,
        /// The slot of the number.
        item: usize,
    },
    /// One row for each group; keys take the first slots, aggregates the next.
    Aggregate {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// What makes a group.
        keys: Vec<Compiled>,
        /// What is computed over each.
        aggregates: Vec<Aggregate>,
    },
    /// Equal rows once; every slot counts.
    Distinct(Arc<Plan>),
    /// The rows in order; only the first `limit` of them where one is given.
    Sort {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// The keys, and whether the greatest comes first.
        keys: Vec<(Compiled, bool)>,
        /// How many rows are wanted.
        limit: Option<Compiled>,
    },
    /// The rows after the first few.
    Skip(Arc<Plan>, Compiled),
    /// The first few rows.
    Limit(Arc<Plan>, Compiled),
    /// The rows of one plan, then of the other.
    Append(Arc<Plan>, Arc<Plan>),
    /// The pairs of rows of two plans whose keys are equal; the second plan's rows are kept in memory.
    HashJoin(Arc<Plan>, Arc<Plan>, HashJoin),
    /// The outer rows, inside an inner plan.
    Argument,
    /// Each row with values of the one outer row, inside an inner plan: slots there, and where they go.
    Recall(Arc<Plan>, Vec<(usize, usize)>),
    /// An inner plan for the rows of an outer one. The inner plan may not group, sort, skip or limit: it runs for many
    /// outer rows at once.
    Inner(Arc<Plan>, Arc<Plan>, Inner),
    /// An inner plan that runs anew for each row of an outer one; it may do anything, writes included.
    Apply(Arc<Plan>, Arc<Plan>, Apply),
    /// An inner plan that runs for batches of rows, each batch in a transaction of its own.
    Transactions(Arc<Plan>, Arc<Plan>, InTransactions),
    /// For each row, the nodes or relationships that an index has for a condition.
    Seek(Arc<Plan>, Seek),
    /// For each row, the nodes with given numbers; those that are not there are left out.
    NodesById {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// The source's place in the statement's list.
        source: u16,
        /// An integer (`id(n)`), a string (`elementId(n)`) or a list of such; anything else finds nothing.
        ids: Compiled,
        /// The slot of the node.
        node: usize,
    },
    /// For each row, every relationship of a source, once in its own direction, or twice where both are wanted.
    ScanRelationships(Arc<Plan>, Expand),
    /// For each row, the shortest trails along a path.
    Shortest(Arc<Plan>, Shortest),
    /// All rows, read before the first one goes on: what follows may change what they were read from.
    Eager(Arc<Plan>),
    /// For each row, the lines of a CSV file.
    LoadCsv {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// The address: `file:///name` within the import folder.
        address: Compiled,
        /// Whether the first line names the columns, so that lines are maps and not lists.
        headers: bool,
        /// The separator.
        terminator: u8,
        /// The slot of the line.
        line: usize,
    },
    /// For each row, the rows that a procedure gives.
    Call {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// The procedure.
        procedure: Arc<dyn Procedure>,
        /// Its arguments, one for each input of its signature.
        arguments: Vec<Compiled>,
        /// Places in its output that are wanted, each with its slot. None of them: the procedure runs and the row goes on.
        outputs: Vec<(usize, usize)>,
    },
    /// Each row with new nodes and relationships.
    Create(Arc<Plan>, Create),
    /// For each row, what an inner plan matches, or else what is made.
    Merge(Arc<Plan>, Merge),
    /// The rows, entities changed as they go by.
    Change(Arc<Plan>, Vec<Change>),
    /// The rows, entities deleted as they go by; null is passed over, a path goes whole.
    Delete {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// Nodes, relationships, paths.
        targets: Vec<Compiled>,
        /// Whether relationships of a node go with it.
        detach: bool,
    },
    /// The rows; for each item of a list an inner plan runs to its end, and its rows are forgotten.
    Foreach {
        /// Where the rows come from.
        input: Arc<Plan>,
        /// The list; null counts as empty.
        list: Compiled,
        /// The slot of the item, for the inner plan.
        item: usize,
        /// The inner plan.
        body: Arc<Plan>,
    },
    /// One row with a count that the source keeps: of nodes or relationships, of a label or type.
    Count {
        /// The source's place in the statement's list.
        source: u16,
        /// Whether relationships are counted, not nodes.
        relationships: bool,
        /// The label or type; all of them without one.
        of: Option<CompactString>,
        /// The slot of the count.
        slot: usize,
    },
}

impl Plan {
    /// Lists the plans that feed this one, in their order: an outer or an input plan before an inner one.
    #[must_use]
    pub fn children(&self) -> SmallVec<[&Arc<Plan>; 2]> {
        match self {
            Self::Unit | Self::Argument | Self::Count { .. } => smallvec![],
            Self::Scan { input, .. }
            | Self::Expand(input, _)
            | Self::Degree(input, _)
            | Self::Meet(input, _)
            | Self::Walk(input, ..)
            | Self::Filter(input, _)
            | Self::Compute(input, _)
            | Self::Keep(input, _)
            | Self::Recall(input, _)
            | Self::Unwind { input, .. }
            | Self::Range { input, .. }
            | Self::Aggregate { input, .. }
            | Self::Distinct(input)
            | Self::Sort { input, .. }
            | Self::Skip(input, _)
            | Self::Limit(input, _)
            | Self::Seek(input, _)
            | Self::NodesById { input, .. }
            | Self::ScanRelationships(input, _)
            | Self::Shortest(input, _)
            | Self::Eager(input)
            | Self::LoadCsv { input, .. }
            | Self::Call { input, .. }
            | Self::Create(input, _)
            | Self::Change(input, _)
            | Self::Delete { input, .. } => smallvec![input],
            Self::Append(first, second)
            | Self::HashJoin(first, second, _)
            | Self::Inner(first, second, _)
            | Self::Apply(first, second, _)
            | Self::Transactions(first, second, _)
            | Self::Foreach { input: first, body: second, .. } => smallvec![first, second],
            Self::Merge(input, how) => smallvec![input, &how.find],
        }
    }

    /// Counts the operators of the plan, itself included.
    #[must_use]
    pub fn operators(&self) -> usize {
        1 + self.children().iter().map(|child| child.operators()).sum::<usize>()
    }
}

/// How two plans are joined.
#[derive(Clone, Debug)]
pub struct HashJoin {
    /// The keys of the first plan's rows.
    pub probe_keys: Vec<Compiled>,
    /// The keys of the second plan's rows, in the same order.
    pub build_keys: Vec<Compiled>,
    /// The slots that the second plan fills.
    pub kept: Vec<usize>,
}

impl HashJoin {
    /// Tells whether what is joined on are nodes that both plans find: one slot in both.
    #[must_use]
    pub fn is_on_nodes(&self) -> bool {
        let one = |(probe, build): (&Compiled, &Compiled)| match (probe, build) {
            (Compiled::Slot(probe), Compiled::Slot(build)) => probe == build,
            _ => false,
        };
        !self.probe_keys.is_empty() && self.probe_keys.iter().zip(&self.build_keys).all(one)
    }
}

/// How an inner plan is run.
#[derive(Clone, Debug)]
pub struct Inner {
    /// What the inner rows decide.
    pub when: WhenInner,
    /// A slot that nothing else uses, for the number of the outer row.
    pub number: usize,
    /// The slots that the inner plan fills; null in rows that are handed on without an inner one.
    pub filled: Vec<usize>,
}

/// What inner rows decide about outer rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenInner {
    /// Inner rows go on; an outer row without any goes on with nulls (`OPTIONAL MATCH`).
    Optional,
    /// An outer row goes on, once, where there is an inner row (`EXISTS`).
    Exists,
    /// An outer row goes on where there is no inner row (`NOT EXISTS`).
    Missing,
}

/// How relationships of a node are followed.
#[derive(Clone, Debug)]
pub struct Expand {
    /// The source's place in the statement's list.
    pub source: u16,
    /// The slot of the node.
    pub from: usize,
    /// Which way.
    pub direction: Direction,
    /// The types; none means all.
    pub types: Vec<CompactString>,
    /// The slot of the relationship.
    pub relationship: usize,
    /// The slot of the node at the other end.
    pub to: usize,
    /// Whether `to` is filled already, so that only relationships to that node count.
    pub into: bool,
    /// Slots of relationships of the same pattern, which may not come again.
    pub distinct_from: Vec<usize>,
}

/// How a node between two others is found.
#[derive(Clone, Debug)]
pub struct Meet {
    /// The step to the node between, which fills its slot.
    pub first: Expand,
    /// The step from there to the other node, which is filled already.
    pub second: Expand,
}

/// How relationships are counted.
#[derive(Clone, Debug)]
pub struct Degree {
    /// Which ones; its slots of relationship and end stay empty.
    pub expand: Expand,
    /// The label that the node at the other end has to have.
    pub label: Option<CompactString>,
    /// The slot of the number.
    pub slot: usize,
}

/// One aggregate of a group.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// Which function.
    pub kind: AggregateKind,
    /// Whether equal arguments count once.
    pub distinct: bool,
    /// The arguments; none for `count(*)`.
    pub arguments: Vec<Compiled>,
}

/// How an inner plan runs for single rows.
#[derive(Clone, Debug)]
pub struct Apply {
    /// Slots of the inner rows that go on, each with the outer slot that it fills.
    pub filled: Vec<(usize, usize)>,
    /// Whether an outer row without an inner one goes on with nulls.
    pub optional: bool,
    /// Whether inner rows are forgotten: each outer row goes on once (a subquery that returns nothing).
    pub unit: bool,
}

/// How an inner plan runs in transactions of its own.
#[derive(Clone, Debug)]
pub struct InTransactions {
    /// What becomes of its rows; where a batch failed, each outer row goes on with nulls.
    pub apply: Apply,
    /// Rows of a batch; a usual number without it.
    pub rows: Option<Compiled>,
    /// Whether a failed batch is tried again, and for how many seconds.
    pub retry: Option<Option<Compiled>>,
    /// What a failed batch does to the rest.
    pub on_error: OnError,
    /// The slot of what is told of each batch.
    pub report: Option<usize>,
}

/// What is looked for in an index.
#[derive(Clone, Debug)]
pub struct Seek {
    /// The source's place in the statement's list.
    pub source: u16,
    /// The index.
    pub index: IndexId,
    /// Its name, for people.
    pub name: CompactString,
    /// Whether it is over relationships: then `slot` gets relationships, and `ends` their two nodes.
    pub ends: Option<(usize, usize)>,
    /// Values of the first keys.
    pub equal: Vec<Compiled>,
    /// What the next key must meet.
    pub next: SeekNext,
    /// The slot of what is found.
    pub slot: usize,
    /// Whether each relationship is found once from either end.
    pub both: bool,
    /// Whether no two entities have the same keys.
    pub unique: bool,
    /// The label or type to scan for a value that the index never has: an index over texts, and no text.
    pub otherwise: Option<CompactString>,
}

/// What the key after the equal ones must meet.
#[derive(Clone, Debug)]
pub enum SeekNext {
    /// Nothing.
    Any,
    /// It lies between two bounds.
    Range(Bound<Compiled>, Bound<Compiled>),
    /// It is a string with this beginning.
    Prefix(Compiled),
    /// It is a string that holds this.
    Holds(Compiled),
    /// It is a string with this end.
    Ends(Compiled),
    /// It is a point in the box between two.
    Within(Compiled, Compiled),
    /// It is a point no farther from one than a distance.
    Near(Compiled, Compiled),
}

/// What is made for each row.
#[derive(Clone, Debug)]
pub struct Create {
    /// The source's place in the statement's list.
    pub source: u16,
    /// The nodes, made first.
    pub nodes: Vec<CreateNode>,
    /// The relationships, which may hang on new nodes.
    pub relationships: Vec<CreateRelationship>,
}

/// A node to be made.
#[derive(Clone, Debug)]
pub struct CreateNode {
    /// Its slot.
    pub slot: usize,
    /// Its labels.
    pub labels: Vec<LabelSource>,
    /// Its properties.
    pub properties: PropertySource,
}

/// A relationship to be made.
#[derive(Clone, Debug)]
pub struct CreateRelationship {
    /// Its slot.
    pub slot: usize,
    /// Its type.
    pub kind: LabelSource,
    /// The slot of the node where it starts.
    pub start: usize,
    /// The slot of the node where it ends.
    pub end: usize,
    /// The names of the two nodes, for whoever has to be told that one is missing; empty without a name.
    pub names: [CompactString; 2],
    /// Its properties.
    pub properties: PropertySource,
}

/// Where the properties of something new come from.
#[derive(Clone, Debug)]
pub enum PropertySource {
    /// A value for each key; null leaves the key out.
    Each(Vec<(CompactString, Compiled)>),
    /// A map (`$p`).
    Map(Compiled),
}

/// A label or type in a write.
#[derive(Clone, Debug)]
pub enum LabelSource {
    /// Known from the text.
    Name(CompactString),
    /// `$(e)`: a string, or a list of strings.
    Dynamic(Compiled),
}

/// How a pattern is found or made.
#[derive(Clone, Debug)]
pub struct Merge {
    /// Finds the pattern for one row, beginning at [`Plan::Argument`].
    pub find: Arc<Plan>,
    /// The slots that `find` fills.
    pub filled: Vec<usize>,
    /// Makes the pattern; a property that is null is an error here.
    pub create: Create,
    /// Slots computed for a row that was made: the path.
    pub made: Vec<(usize, Compiled)>,
    /// Changes to what was made.
    pub on_create: Vec<Change>,
    /// Changes to what was found.
    pub on_match: Vec<Change>,
}

/// A change to an entity; a null target is passed over.
#[derive(Clone, Debug)]
pub enum Change {
    /// `x.k = e`; null removes the property.
    Property(Compiled, CompactString, Compiled),
    /// `x[k] = e`.
    DynamicProperty(Compiled, Compiled, Compiled),
    /// `x = e`: all properties, from a map or an entity.
    Replace(Compiled, Compiled),
    /// `x += e`: some properties.
    Merge(Compiled, Compiled),
    /// `x:A:B`.
    AddLabels(Compiled, Vec<LabelSource>),
    /// `REMOVE x:A:B`.
    RemoveLabels(Compiled, Vec<LabelSource>),
}
