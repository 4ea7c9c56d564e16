//! Plans as people see them: a name, details and expected rows for each operator.
//! Leaves what operators do to [`crate::operator`].
//! Start reading at [`describe`].

use std::sync::Arc;

use rustc_hash::FxHashMap;
use types::{Map, Value};

use crate::operator::{Plan, SeekNext, WhenInner};
use crate::prepare::Description;

/// What the planner knows of each operator beside the operator itself, by its address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(FxHashMap<usize, Note>);

#[derive(Clone, Debug)]
struct Note {
    rows: f64,
    details: String,
}

impl Notes {
    pub fn add(&mut self, plan: &Arc<Plan>, rows: f64, details: String) {
        self.0.insert(Arc::as_ptr(plan) as usize, Note { rows, details });
    }
}

/// Shows a plan.
pub(crate) fn describe(plan: &Arc<Plan>, notes: &Notes) -> Description {
    let mut arguments = Map::new();
    if let Some(note) = notes.0.get(&(Arc::as_ptr(plan) as usize)) {
        if !note.details.is_empty() {
            let details = note.details.split_whitespace().collect::<Vec<_>>().join(" ");
            arguments.insert("Details".into(), Value::string(details));
        }
        arguments.insert("EstimatedRows".into(), Value::Float(note.rows));
    }
    let children = inputs(plan).into_iter().map(|input| describe(input, notes)).collect();
    Description { operator: name(plan).to_owned(), arguments, children, ..Description::default() }
}

fn name(plan: &Plan) -> &'static str {
    match plan {
        Plan::Unit => "Unit",
        Plan::Argument => "Argument",
        Plan::Scan { label: Some(_), .. } => "NodeByLabelScan",
        Plan::Scan { label: None, .. } => "AllNodesScan",
        Plan::Seek(_, seek) => match (seek.ends.is_some(), &seek.next) {
            (false, SeekNext::Any) => "NodeIndexSeek",
            (false, _) => "NodeIndexSeekByRange",
            (true, SeekNext::Any) => "RelationshipIndexSeek",
            (true, _) => "RelationshipIndexSeekByRange",
        },
        Plan::NodesById { .. } => "NodeByIdSeek",
        Plan::ScanRelationships(..) => "RelationshipTypeScan",
        Plan::Expand(_, how) if how.into => "Expand(Into)",
        Plan::Expand(..) => "Expand(All)",
        Plan::Walk(_, how, _) if how.into => "VarLengthExpand(Into)",
        Plan::Walk(..) => "VarLengthExpand(All)",
        Plan::Shortest(..) => "ShortestPath",
        Plan::Filter(..) => "Filter",
        Plan::Compute(..) => "Projection",
        Plan::Keep(..) => "ProduceResults",
        Plan::Unwind { .. } => "Unwind",
        Plan::Aggregate { .. } => "EagerAggregation",
        Plan::Distinct(_) => "Distinct",
        Plan::Sort { limit: Some(_), .. } => "Top",
        Plan::Sort { limit: None, .. } => "Sort",
        Plan::Skip(..) => "Skip",
        Plan::Limit(..) => "Limit",
        Plan::Append(..) => "Union",
        Plan::HashJoin(_, _, how) if how.probe_keys.is_empty() => "CartesianProduct",
        Plan::HashJoin(..) => "ValueHashJoin",
        Plan::Inner(_, _, how) => match how.when {
            WhenInner::Optional => "Optional",
            WhenInner::Exists => "SemiApply",
            WhenInner::Missing => "AntiSemiApply",
        },
        Plan::Apply(..) => "Apply",
        Plan::Eager(_) => "Eager",
        Plan::LoadCsv { .. } => "LoadCSV",
        Plan::Call { .. } => "ProcedureCall",
        Plan::Create(..) => "Create",
        Plan::Merge(..) => "Merge",
        Plan::Change(..) => "SetProperty",
        Plan::Delete { detach: true, .. } => "DetachDelete",
        Plan::Delete { detach: false, .. } => "Delete",
        Plan::Foreach { .. } => "Foreach",
        Plan::Count { relationships: false, .. } => "NodeCountFromCountStore",
        Plan::Count { relationships: true, .. } => "RelationshipCountFromCountStore",
    }
}

/// Lists the plans that feed a plan: outer ones before inner ones.
pub(crate) fn inputs(plan: &Plan) -> Vec<&Arc<Plan>> {
    match plan {
        Plan::Unit | Plan::Argument | Plan::Count { .. } => Vec::new(),
        Plan::Scan { input, .. }
        | Plan::Unwind { input, .. }
        | Plan::Aggregate { input, .. }
        | Plan::Sort { input, .. }
        | Plan::NodesById { input, .. }
        | Plan::LoadCsv { input, .. }
        | Plan::Call { input, .. }
        | Plan::Delete { input, .. }
        | Plan::Expand(input, _)
        | Plan::Walk(input, ..)
        | Plan::Filter(input, _)
        | Plan::Compute(input, _)
        | Plan::Keep(input, _)
        | Plan::Distinct(input)
        | Plan::Skip(input, _)
        | Plan::Limit(input, _)
        | Plan::Seek(input, _)
        | Plan::ScanRelationships(input, _)
        | Plan::Shortest(input, _)
        | Plan::Eager(input)
        | Plan::Create(input, _)
        | Plan::Change(input, _) => vec![input],
        Plan::Append(first, second)
        | Plan::HashJoin(first, second, _)
        | Plan::Inner(first, second, _)
        | Plan::Apply(first, second, _) => vec![first, second],
        Plan::Merge(input, how) => vec![input, &how.find],
        Plan::Foreach { input, body, .. } => vec![input, body],
    }
}
