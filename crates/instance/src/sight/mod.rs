//! A graph as one user may see and change it: a source around the graph's own, which hides and refuses.
//!
//! Who may do everything gets the graph's own source, so that nothing is asked and nothing is paid. For everybody else
//! every answer passes through here, whatever asked: a scan, an index, a procedure, a count. A method that `Source` adds
//! with a body of its own is made of the others, so that it is sighted too; one without a body does not compile.
//! Leaves which rights there are to `catalog::graph_rights`. Start reading at [`open`], then [`Sighted`].

mod changing;
mod counting;
mod deciding;
mod ids;
mod naming;
pub(crate) mod refusal;
mod rules;
pub(crate) mod schema;
mod seeing;
mod sighted;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use catalog::GraphRights;
use catalog::graph_rights::SchemaRight;
use query::{Source, Uses};
use types::Failure;

use crate::running::Allowance;
use crate::source::GraphSource;
pub(crate) use sighted::Sighted;

/// What the plan of a statement does to one of its graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// It changes nothing.
    Reads,
    /// It may change something.
    Writes,
}

/// Makes the source that a statement gets: the graph's own where nothing that it does is hidden or refused.
pub(crate) fn open(
    graph: GraphSource,
    rights: &Arc<GraphRights>,
    allowance: &Allowance,
    does: Does,
) -> Box<dyn Source> {
    let changes = || rights.writes_everything() && rights.may(SchemaRight::CreateIndex);
    // Only procedures list indexes.
    let lists = || !allowance.calls_procedures || rights.may(SchemaRight::ShowIndex);
    if rights.sees_everything() && (does == Does::Reads || changes()) && lists() {
        return Box::new(graph);
    }
    Box::new(Sighted::new(graph, Arc::clone(rights), allowance.clone()))
}

/// Makes the source that a plan is made with: its counts are those that the user may know.
pub(crate) fn open_for_planning(
    graph: GraphSource,
    rights: &Arc<GraphRights>,
    allowance: &Allowance,
) -> Box<dyn Source> {
    if rights.sees_everything() {
        return Box::new(graph);
    }
    Box::new(Sighted::new(graph, Arc::clone(rights), allowance.clone()).estimating())
}

/// Refuses a statement that calls or loads what its user may not; asked each time it runs, since plans are shared.
pub(crate) fn check_uses(rights: &GraphRights, uses: &Uses) -> Result<(), Failure> {
    check_calls(rights, uses.procedures.iter().map(|name| &**name))?;
    if !rights.functions.is_everything()
        && let Some(name) = uses.functions.iter().find(|name| !rights.may_use(name))
    {
        return Err(refusal::no_call("a user defined function", name, rights));
    }
    if uses.loads && !rights.load.allows_something() {
        return Err(refusal::no_load(rights));
    }
    Ok(())
}

/// Refuses who may not call one of these procedures.
pub(crate) fn check_calls<'p>(
    rights: &GraphRights,
    procedures: impl IntoIterator<Item = &'p str>,
) -> Result<(), Failure> {
    if rights.procedures.is_everything() {
        return Ok(());
    }
    match procedures.into_iter().find(|name| !rights.may_call(name)) {
        Some(name) => Err(refusal::no_call("procedure", name, rights)),
        None => Ok(()),
    }
}

/// Refuses who may change nothing at all in a database; who may change something is refused where that ends.
pub(crate) fn check_writes(rights: &GraphRights, database: &str) -> Result<(), Failure> {
    let names = SchemaRight::NAMES.into_iter().chain([SchemaRight::CreateIndex]);
    if rights.writes_everything() || rights.may_write_anything() || names.into_iter().any(|right| rights.may(right)) {
        return Ok(());
    }
    Err(refusal::no_writes(database, rights))
}
