//! `CHECK DATABASE`: walks every entry of one snapshot and compares whatever is kept twice.
//! Leaves the pages below to the store, and repairs nothing.
//! Start reading at [`Database::check`].

mod closer;
mod sum;
#[cfg(test)]
mod tests;
mod walk;

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
    /// long values with records, and counts with what there is. Damage is in the report.
    /// Errors: only if there is no snapshot to look at.
    pub fn check(&self) -> Result<Report, GraphError> {
        let mut report = Report::default();
        if let Err(error) = self.store().check() {
            report.add(format!("the file: {error}"));
        }
        let snapshot = self.store().snapshot()?;
        check(View::new(&*snapshot), &mut report);
        Ok(report)
    }
}

/// Checks one view of a graph.
fn check(view: View<'_>, report: &mut Report) {
    let mut walk = Walk::new(view, report);
    if let Err(error) = walk.all() {
        walk.report.add(format!("the walk ended early: {error}"));
        return;
    }
    if let Err(error) = walk.check_engines() {
        walk.report.add(format!("the walk of the indexes ended early: {error}"));
    }
    walk.compare_counts();
    let differing = walk.differing();
    // Sums say that something is missing or too much; only then is it worth looking each thing up.
    if let Err(error) = closer::look(view, &differing, report) {
        report.add(format!("the second walk ended early: {error}"));
    }
}
