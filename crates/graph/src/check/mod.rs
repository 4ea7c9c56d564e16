//! `CHECK DATABASE`: walks every entry of one snapshot and compares whatever is kept twice.
//! Leaves the pages below to the store, and repairs nothing.
//! Start reading at [`Database::check`].

mod closer;
mod sum;
#[cfg(test)]
mod tests;
mod walk;

use types::effort;

use crate::constraint::validate::{self, Held};
use crate::constraint::words::Words;
use crate::database::Database;
use crate::error::GraphError;
use crate::read::View;

use walk::Walk;

/// Problems that a report tells one by one.
pub const PROBLEMS_MAX: usize = 100;

/// What a check saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records of nodes.
    pub nodes: u64,
    /// Records of relationships.
    pub relationships: u64,
    /// Blocks of neighbours.
    pub adjacency_blocks: u64,
    /// Entries of all indexes.
    pub index_entries: u64,
    /// Entries of all kinds together.
    pub entries: u64,
    /// What is wrong, a sentence each; at most [`PROBLEMS_MAX`].
    pub problems: Vec<String>,
    /// How many problems there were beyond those.
    pub problems_left_out: u64,
}

impl Report {
    /// Tells whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn add(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.problems_left_out += 1;
        }
    }

    fn is_full(&self) -> bool {
        self.problems.len() >= PROBLEMS_MAX
    }
}

impl Database {
    /// Checks the whole database as it is now, while others read and write.
    ///
    /// Compares checksums, labels with nodes, lists of neighbours with relationships, index entries with properties,
    /// long values with records, and counts with what there is, then all data with the constraints. Damage is in the
    /// report.
    /// Errors: only if there is no snapshot to look at, or [`GraphError::Stopped`] where whom [`types::effort`] asks says no.
    pub fn check(&self) -> Result<Report, GraphError> {
        let mut report = Report::default();
        if let Err(error) = self.store().check() {
            report.add(format!("the file: {error}"));
        }
        let snapshot = self.store().snapshot()?;
        check(View::new(&*snapshot), Words(self.tokens()), &mut report);
        // What was not walked to its end says nothing.
        if effort::look() { Ok(report) } else { Err(GraphError::Stopped) }
    }
}

/// Checks one view of a graph.
fn check(view: View<'_>, words: Words<'_>, report: &mut Report) {
    let mut walk = Walk::new(view, report);
    if let Err(error) = walk.all() {
        walk.report.add(format!("the walk ended early: {error}"));
        return;
    }
    if let Err(error) = walk.check_engines() {
        walk.report.add(format!("the walk of the indexes ended early: {error}"));
    }
    if !effort::look() {
        return;
    }
    walk.compare_counts();
    let differing = walk.differing();
    // Sums say that something is missing or too much; only then is it worth looking each thing up.
    if let Err(error) = closer::look(view, &differing, report) {
        report.add(format!("the second walk ended early: {error}"));
    }
    // What is damaged was told; what can be read is held against the constraints.
    if report.is_sound()
        && let Err(error) = constraints(view, words, report)
    {
        report.add(format!("the walk of the constraints ended early: {error}"));
    }
}

/// Holds all data against the constraints, and names the first that is against each.
fn constraints(view: View<'_>, words: Words<'_>, report: &mut Report) -> Result<(), GraphError> {
    /// Entities that are looked at in one go.
    const BATCH: usize = 4_096;
    let indexes = view.indexes()?;
    for constraint in view.constraints()?.iter().filter(|constraint| constraint.is_online()) {
        let mut from = Some(0);
        while let Some(at) = from.filter(|_| effort::pay(BATCH)) {
            from = match validate::values(view, words, constraint, at, BATCH)? {
                Held::Next(next) => next,
                Held::Refused(violation) => {
                    report.add(format!("constraint {}: {violation}", constraint.name));
                    None
                }
            };
        }
        let Some(id) = constraint.index else { continue };
        let Some(index) = indexes.iter().find(|index| index.id == id && index.is_online()) else {
            report.add(format!("constraint {} has no index", constraint.name));
            continue;
        };
        if let Some(violation) = validate::equal_pair(view, words, constraint, index, || true)? {
            report.add(format!("constraint {}: {violation}", constraint.name));
        }
    }
    Ok(())
}
