//! Shortest trails that meet a condition, by trying all trails in order of their length.

use types::{Failure, NodeId, RelationshipRef, Value};

use super::{Search, Trail};
use crate::Batch;
use crate::expression::Context;

/// Trails as a tree: each is one relationship longer than the one that it grew from.
struct Tree(Vec<Step>);

/// The last relationship of a trail, the node that it leads to, and the trail that it grew from.
struct Step {
    before: Option<usize>,
    by: RelationshipRef,
    end: NodeId,
}

impl Tree {
    /// Lists the relationships of a trail from its last to its first.
    fn backwards(&self, trail: Option<usize>) -> impl Iterator<Item = RelationshipRef> + '_ {
        let mut at = trail;
        std::iter::from_fn(move || {
            let step = &self.0[at?];
            at = step.before;
            Some(step.by)
        })
    }

    fn trail(&self, at: usize) -> Trail {
        let mut trail: Trail = self.backwards(Some(at)).collect();
        trail.reverse();
        trail
    }
}

/// Tries trails of more than `shorter` relationships, shortest first, until some of one length pass; memory is given back
/// at the end.
pub(super) fn shortest(
    search: &Search<'_>,
    shorter: usize,
    context: &mut Context<'_>,
    mut passing: impl FnMut(Vec<Trail>, &mut Context<'_>) -> Result<Vec<Value>, Failure>,
) -> Result<Vec<Value>, Failure> {
    let memory_bytes = context.budget.memory_used_bytes();
    let mut tree = Tree(Vec::new());
    let mut open: Vec<Option<usize>> = vec![None];
    let mut length = 0;
    let found = loop {
        if open.is_empty() || !search.may_grow(length) {
            break Vec::new();
        }
        open = grown(search, &mut tree, &open, context)?;
        length += 1;
        if length <= shorter || u64::try_from(length).is_ok_and(|length| length < search.how.min) {
            continue;
        }
        let ends = open.iter().flatten().filter(|at| tree.0[**at].end == search.to);
        let found = passing(ends.map(|at| tree.trail(*at)).collect(), context)?;
        if !found.is_empty() {
            break found;
        }
    };
    context.budget.return_to(memory_bytes);
    Ok(found)
}

/// Makes every trail one relationship longer, in every way.
fn grown(
    search: &Search<'_>,
    tree: &mut Tree,
    open: &[Option<usize>],
    context: &mut Context<'_>,
) -> Result<Vec<Option<usize>>, Failure> {
    let mut longer = Vec::new();
    for trails in open.chunks(Batch::ROWS_MAX) {
        let ends: Vec<NodeId> = trails.iter().map(|at| at.map_or(search.from, |at| tree.0[at].end)).collect();
        let found = search.expand(&ends, true, context)?;
        let mut start = 0;
        for (before, end) in trails.iter().zip(found.ends) {
            for step in &found.found[start..end] {
                let id = step.relationship.id;
                if search.is_free(step) && tree.backwards(*before).all(|walked| walked.id != id) {
                    context.budget.take_memory(size_of::<Step>() + size_of::<usize>())?;
                    tree.0.push(Step { before: *before, by: step.relationship, end: step.neighbour });
                    longer.push(Some(tree.0.len() - 1));
                }
            }
            start = end;
        }
    }
    Ok(longer)
}
