//! What a transaction read and wrote, and whether the two of several transactions go together.
//! Knows no storage: it compares sets of marks.
//! Start reading at [`History::admits`].

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use types::{IndexId, LabelId, NodeId, RelationshipId, TypeId};

/// Something that can be read and written; a commit conflicts with whoever read one of its marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Labels and properties of one node.
    Node(NodeId),
    /// Whether one node is there.
    Existence(NodeId),
    /// Which relationships one node has.
    Adjacency(NodeId),
    /// Properties and existence of one relationship.
    Relationship(RelationshipId),
    /// Which nodes carry a label.
    Label(LabelId),
    /// Which relationships are of a type.
    Type(TypeId),
    /// Which nodes are there.
    AllNodes,
    /// Which relationships are there.
    AllRelationships,
    /// What any node carries; stands for many of [`Mark::Node`].
    AnyNode,
    /// What any relationship carries; stands for many of [`Mark::Relationship`].
    AnyRelationship,
    /// Entries of one index with one first value, by its hash.
    Index(IndexId, u64),
    /// All entries of one index.
    WholeIndex(IndexId),
    /// Which indexes are there; everyone who writes reads it.
    Schema,
}

impl Mark {
    /// Gives the mark that stands for this one when there are too many.
    fn coarse(self) -> Self {
        match self {
            Self::Node(_) | Self::AnyNode => Self::AnyNode,
            Self::Existence(_) | Self::Label(_) | Self::AllNodes => Self::AllNodes,
            Self::Adjacency(_) | Self::Type(_) | Self::AllRelationships => Self::AllRelationships,
            Self::Relationship(_) | Self::AnyRelationship => Self::AnyRelationship,
            Self::Index(index, _) | Self::WholeIndex(index) => Self::WholeIndex(index),
            Self::Schema => Self::Schema,
        }
    }
}

/// What a transaction read, in bounded room.
#[derive(Clone, Debug)]
pub struct ReadSet {
    marks: FxHashSet<Mark>,
    marks_max: usize,
    is_coarse: bool,
}

impl ReadSet {
    /// Makes an empty set that becomes coarse beyond `marks_max` marks.
    #[must_use]
    pub fn new(marks_max: usize) -> Self {
        Self { marks: FxHashSet::default(), marks_max, is_coarse: false }
    }

    /// Notes one thing read.
    pub fn add(&mut self, mark: Mark) {
        self.marks.insert(if self.is_coarse { mark.coarse() } else { mark });
        if !self.is_coarse && self.marks.len() > self.marks_max {
            self.is_coarse = true;
            self.marks = self.marks.drain().map(Mark::coarse).collect();
        }
    }

    fn meets(&self, written: &WriteSet) -> bool {
        match written {
            WriteSet::Everything => !self.marks.is_empty(),
            WriteSet::Marks(written) if written.len() < self.marks.len() => {
                written.iter().any(|mark| self.marks.contains(mark))
            }
            WriteSet::Marks(written) => self.marks.iter().any(|mark| written.contains(mark)),
        }
    }
}

/// What a commit wrote, each change with its coarse marks too.
#[derive(Clone, Debug)]
pub enum WriteSet {
    /// These.
    Marks(FxHashSet<Mark>),
    /// So much that it is not told apart.
    Everything,
}

impl WriteSet {
    /// Takes the marks, each with its coarse one, or everything if there are more than `marks_max`.
    #[must_use]
    pub fn of(marks: FxHashSet<Mark>, marks_max: usize) -> Self {
        if marks.len() > marks_max {
            return Self::Everything;
        }
        let coarse: Vec<Mark> = marks.iter().map(|mark| mark.coarse()).collect();
        let mut marks = marks;
        // A label or a type changes hands without a node or relationship coming or going; being careful here
        // costs a needless conflict only for those who read beyond the bound.
        marks.extend(coarse);
        Self::Marks(marks)
    }

    fn len(&self) -> usize {
        match self {
            Self::Marks(marks) => marks.len(),
            Self::Everything => 1,
        }
    }
}

/// The write sets of the latest commits, by version.
#[derive(Debug)]
pub struct History {
    commits: VecDeque<(u64, Arc<WriteSet>)>,
    marks: usize,
    bounds: HistoryBounds,
    /// Snapshots older than this cannot be checked any more.
    oldest: u64,
}

/// How much a [`History`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct HistoryBounds {
    /// Commits.
    pub commits_max: usize,
    /// Marks of all commits together.
    pub marks_max: usize,
}

impl History {
    /// Begins after `version`.
    #[must_use]
    pub fn new(version: u64, bounds: HistoryBounds) -> Self {
        Self { commits: VecDeque::new(), marks: 0, bounds, oldest: version }
    }

    /// Tells whether nothing that `read` names was written after `snapshot`, here or by `group`.
    #[must_use]
    pub fn admits(&self, snapshot: u64, read: &ReadSet, group: &[(u64, Arc<WriteSet>)]) -> bool {
        if read.marks.is_empty() {
            return true;
        }
        snapshot >= self.oldest
            && !group.iter().any(|(_, written)| read.meets(written))
            && !self.commits.iter().rev().take_while(|(at, _)| *at > snapshot).any(|(_, written)| read.meets(written))
    }

    /// Keeps the write sets of a group that is durable, and forgets the oldest beyond the bounds.
    pub fn keep(&mut self, group: Vec<(u64, Arc<WriteSet>)>) {
        for (version, written) in group {
            self.marks += written.len();
            self.commits.push_back((version, written));
        }
        while self.commits.len() > self.bounds.commits_max || self.marks > self.bounds.marks_max {
            let Some((version, written)) = self.commits.pop_front() else { break };
            self.marks -= written.len();
            self.oldest = version;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(marks: &[Mark]) -> Arc<WriteSet> {
        Arc::new(WriteSet::of(marks.iter().copied().collect(), 100))
    }

    fn read(marks: &[Mark], marks_max: usize) -> ReadSet {
        let mut set = ReadSet::new(marks_max);
        marks.iter().for_each(|mark| set.add(*mark));
        set
    }

    fn history(commits: &[(u64, Mark)], commits_max: usize) -> History {
        let mut history = History::new(0, HistoryBounds { commits_max, marks_max: 1_000 });
        for (version, mark) in commits {
            history.keep(vec![(*version, written(&[*mark]))]);
        }
        history
    }

    #[test]
    fn only_later_commits_count() {
        let history = history(&[(1, Mark::Node(NodeId(7))), (2, Mark::Node(NodeId(8)))], 10);
        let seven = read(&[Mark::Node(NodeId(7))], 10);
        assert!(!history.admits(0, &seven, &[]));
        assert!(history.admits(1, &seven, &[]));
        assert!(!history.admits(1, &seven, &[(3, written(&[Mark::Node(NodeId(7))]))]));
    }

    #[test]
    fn too_old_is_a_conflict_unless_nothing_was_read() {
        let history = history(&[(1, Mark::AllNodes), (2, Mark::AllNodes), (3, Mark::AllNodes)], 2);
        let other = read(&[Mark::Label(LabelId(1))], 10);
        assert!(!history.admits(0, &other, &[]));
        assert!(history.admits(1, &other, &[]));
        assert!(history.admits(0, &read(&[], 10), &[]));
    }

    #[test]
    fn many_reads_become_coarse_and_still_conflict() {
        let nodes: Vec<Mark> = (0..50).map(|id| Mark::Node(NodeId(id))).collect();
        let many = read(&nodes, 10);
        assert_eq!(many.marks.len(), 1);
        let history = history(&[(1, Mark::Node(NodeId(49)))], 10);
        assert!(!history.admits(0, &many, &[]));
        assert!(history.admits(1, &many, &[]));
    }

    #[test]
    fn everything_meets_everyone_who_read() {
        let large = Arc::new(WriteSet::of((0..200).map(|id| Mark::Node(NodeId(id))).collect(), 100));
        let history = history(&[], 10);
        assert!(!history.admits(0, &read(&[Mark::Schema], 10), &[(1, large)]));
    }
}
