//! What was found for one pair of ends: whole paths are tested and counted.

use types::{Failure, NodeId};

use super::layers::Taken;
use super::{FoundPath, Search};
use crate::Batch;
use crate::expression::Context;
use crate::operator::Wanted;

/// The paths to one end.
pub(super) struct Collector {
    end: NodeId,
    /// Paths that count.
    pub found: Vec<FoundPath>,
    /// Paths of the length under way that were not tested yet.
    pending: Vec<FoundPath>,
    /// How many count, those that were handed on included.
    paths: u64,
    /// How many lengths have some that count; the length under way is not among them.
    groups: u64,
    /// Whether the length under way has one that counts.
    has_some: bool,
    /// The longest length of which the paths were looked at.
    pub past: Option<usize>,
}

impl Collector {
    pub fn new(end: NodeId) -> Self {
        let (found, pending) = (Vec::new(), Vec::new());
        Self { end, found, pending, paths: 0, groups: 0, has_some: false, past: None }
    }

    /// Tells whether there is all that is wanted.
    pub fn is_full(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Paths(paths) => self.paths >= paths,
            Wanted::Groups(groups) => self.groups >= groups,
        }
    }

    /// Takes a path in; tells whether no more are wanted.
    pub fn push(&mut self, path: Vec<Taken>, search: &Search<'_>, context: &mut Context<'_>) -> Result<bool, Failure> {
        context.budget.take_memory(FoundPath::memory_bytes(path.len()))?;
        self.pending.push(FoundPath { end: self.end, taken: path });
        let wanted = search.how.wanted;
        let is_enough = match wanted {
            Wanted::Paths(paths) => self.paths.saturating_add(self.pending.len() as u64) >= paths,
            Wanted::Groups(_) => false,
        };
        if is_enough || self.pending.len() == Batch::ROWS_MAX {
            self.test(search, context)?;
        }
        Ok(matches!(wanted, Wanted::Paths(_)) && self.is_full(wanted))
    }

    fn test(&mut self, search: &Search<'_>, context: &mut Context<'_>) -> Result<(), Failure> {
        let pending = std::mem::take(&mut self.pending);
        let mut passing = search.passing(pending, context)?;
        if let Wanted::Paths(paths) = search.how.wanted {
            let left = usize::try_from(paths - self.paths).unwrap_or(usize::MAX);
            for path in passing.drain(left.min(passing.len())..) {
                path.give_back(context);
            }
        }
        self.has_some |= !passing.is_empty();
        self.paths += passing.len() as u64;
        self.found.extend(passing);
        Ok(())
    }

    /// Ends a length: what is pending is tested, and the length counts where any path does.
    pub fn end_length(&mut self, search: &Search<'_>, context: &mut Context<'_>) -> Result<(), Failure> {
        self.test(search, context)?;
        self.groups += u64::from(std::mem::take(&mut self.has_some));
        Ok(())
    }
}
