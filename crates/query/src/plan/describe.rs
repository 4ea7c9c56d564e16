//! Plans as people see them: a name, details and expected rows for each operator.
//! Leaves what operators do to [`crate::operator`].
//! Start reading at [`describe`].

use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::FxHashMap;
use types::{Map, Value};

use crate::operator::{Measures, Plan, Seek, SeekNext, WhenInner};
use crate::prepare::{Description, Profile};

/// What the planner knows of each operator beside the operator itself, by its address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(FxHashMap<usize, Note>);

#[derive(Clone, Debug)]
struct Note {
    rows: f64,
    details: String,
    /// The database that the operator reads or writes.
    database: Option<String>,
}

impl Notes {
    pub fn add(&mut self, plan: &Arc<Plan>, rows: f64, details: String, database: Option<String>) {
        let details = if details.contains('`') { unquoted(&details) } else { details };
        self.0.insert(Arc::as_ptr(plan) as usize, Note { rows, details, database });
    }

    /// Gives how many rows an operator is thought to have, and its details.
    pub fn of(&self, plan: &Arc<Plan>) -> (f64, String) {
        let note = self.0.get(&(Arc::as_ptr(plan) as usize));
        note.map_or((1.0, String::new()), |note| (note.rows, note.details.clone()))
    }
}

/// Takes the backticks from names that the writer did not give: they begin with a space.
fn unquoted(details: &str) -> String {
    let mut parts = details.split('`');
    let mut text = parts.next().unwrap_or_default().to_owned();
    while let Some(name) = parts.next() {
        let hidden = name.strip_prefix(' ').filter(|name| name.chars().all(|letter| letter.is_ascii_alphanumeric()));
        match (hidden, parts.next()) {
            (Some(hidden), Some(rest)) => text.extend([hidden, rest]),
            (None, Some(rest)) => text.extend(["`", name, "`", rest]),
            (_, None) => text.extend(["`", name]),
        }
    }
    text
}

/// Shows a plan, with what its operators did where they were measured.
pub(crate) fn describe(
    plan: &Arc<Plan>,
    columns: &[CompactString],
    notes: &Notes,
    measures: Option<&Measures>,
) -> Description {
    let inner = one(plan, notes, measures, &mut 0);
    let estimated = inner.arguments.get("EstimatedRows").cloned();
    let mut arguments = Map::from_iter(estimated.map(|rows| ("EstimatedRows".into(), rows)));
    if let Some(database) = inner.arguments.get("Database") {
        arguments.insert("Database".into(), database.clone());
    }
    if !columns.is_empty() {
        arguments.insert("Details".into(), Value::string(columns.join(", ")));
    }
    let identifiers = columns.iter().map(ToString::to_string).collect();
    let operator = if columns.is_empty() { "EmptyResult" } else { "ProduceResults" };
    Description {
        operator: operator.to_owned(),
        arguments,
        identifiers,
        profile: inner.profile.map(|profile| Profile { db_hits: 0, ..profile }),
        children: vec![inner],
    }
}

/// Shows one operator and those below; `number` is its place in a walk of the plan, a parent before its children.
fn one(plan: &Arc<Plan>, notes: &Notes, measures: Option<&Measures>, number: &mut usize) -> Description {
    if let Plan::Keep(input, _) | Plan::Recall(input, _) = &**plan {
        // Which slots are left is no step that anybody could tell from the outside.
        *number += 1;
        return one(input, notes, measures, number);
    }
    let own_number = *number;
    *number += 1;
    let mut arguments = Map::new();
    if let Some(note) = notes.0.get(&(Arc::as_ptr(plan) as usize)) {
        if !note.details.is_empty() {
            let details = note.details.split_whitespace().collect::<Vec<_>>().join(" ");
            arguments.insert("Details".into(), Value::string(details));
        }
        arguments.insert("EstimatedRows".into(), Value::Float(note.rows));
    }
    let (mut children, mut below_hits) = (Vec::new(), 0);
    for child in plan.children() {
        below_hits += measures.map_or(0, |measures| measures.hits(*number));
        let shown = one(child, notes, measures, number);
        // Where rows begin without any source there is nothing to see.
        if !matches!(**child, Plan::Unit) {
            children.push(shown);
        }
    }
    let profile = measures.map(|measures| {
        let (rows, time_nanos) = measures.get(own_number);
        Profile { rows, time_nanos, db_hits: measures.hits(own_number).saturating_sub(below_hits) }
    });
    // What reads no database itself works on rows of the one below it.
    let own = notes.0.get(&(Arc::as_ptr(plan) as usize)).and_then(|note| note.database.as_deref().map(Value::string));
    let below = || children.iter().find_map(|child: &Description| child.arguments.get("Database").cloned());
    if let Some(database) = own.or_else(below) {
        arguments.insert("Database".into(), database);
    }
    Description { operator: name(plan).to_owned(), arguments, profile, children, ..Description::default() }
}

fn seek_name(seek: &Seek) -> &'static str {
    match (seek.ends.is_some(), seek.both, &seek.next) {
        (false, _, SeekNext::Any) if seek.unique => "NodeUniqueIndexSeek",
        (true, false, SeekNext::Any) if seek.unique => "DirectedRelationshipUniqueIndexSeek",
        (true, true, SeekNext::Any) if seek.unique => "UndirectedRelationshipUniqueIndexSeek",
        (false, _, SeekNext::Any) => "NodeIndexSeek",
        (false, _, SeekNext::Holds(_)) => "NodeIndexContainsScan",
        (false, _, SeekNext::Ends(_)) => "NodeIndexEndsWithScan",
        (false, ..) => "NodeIndexSeekByRange",
        (true, false, SeekNext::Any) => "DirectedRelationshipIndexSeek",
        (true, false, SeekNext::Holds(_)) => "DirectedRelationshipIndexContainsScan",
        (true, false, SeekNext::Ends(_)) => "DirectedRelationshipIndexEndsWithScan",
        (true, false, _) => "DirectedRelationshipIndexSeekByRange",
        (true, true, SeekNext::Any) => "UndirectedRelationshipIndexSeek",
        (true, true, SeekNext::Holds(_)) => "UndirectedRelationshipIndexContainsScan",
        (true, true, SeekNext::Ends(_)) => "UndirectedRelationshipIndexEndsWithScan",
        (true, true, _) => "UndirectedRelationshipIndexSeekByRange",
    }
}

fn name(plan: &Plan) -> &'static str {
    match plan {
        Plan::Unit => "Unit",
        Plan::Argument => "Argument",
        Plan::Scan { label: Some(_), .. } => "NodeByLabelScan",
        Plan::Scan { label: None, .. } => "AllNodesScan",
        Plan::Seek(_, seek) => seek_name(seek),
        Plan::NodesById { .. } => "NodeByIdSeek",
        Plan::ScanRelationships(..) => "RelationshipTypeScan",
        Plan::Expand(_, how) if how.into => "Expand(Into)",
        Plan::Expand(..) => "Expand(All)",
        Plan::Meet(..) => "Expand(Between)",
        Plan::Degree(..) => "GetDegree",
        Plan::Walk(_, how) if how.is_path => "Repeat(Trail)",
        Plan::Walk(_, how) if how.into => "VarLengthExpand(Into)",
        Plan::Walk(..) => "VarLengthExpand(All)",
        Plan::Shortest(_, how) if how.ends_differ => "ShortestPath",
        Plan::Shortest(_, how) if how.into => "StatefulShortestPath(Into)",
        Plan::Shortest(..) => "StatefulShortestPath(All)",
        Plan::Filter(..) => "Filter",
        Plan::Compute(..) | Plan::Keep(..) | Plan::Recall(..) => "Projection",
        Plan::Unwind { .. } | Plan::Range { .. } => "Unwind",
        Plan::Aggregate { .. } => "EagerAggregation",
        Plan::Distinct(_) => "Distinct",
        Plan::Sort { limit: Some(_), .. } => "Top",
        Plan::Sort { limit: None, .. } => "Sort",
        Plan::Skip(..) => "Skip",
        Plan::Limit(..) => "Limit",
        Plan::Append(..) => "Union",
        Plan::HashJoin(_, _, how) if how.probe_keys.is_empty() => "CartesianProduct",
        Plan::HashJoin(_, _, how) if how.is_on_nodes() => "NodeHashJoin",
        Plan::HashJoin(..) => "ValueHashJoin",
        Plan::Inner(_, _, how) => match how.when {
            WhenInner::Optional => "Optional",
            WhenInner::Exists => "SemiApply",
            WhenInner::Missing => "AntiSemiApply",
        },
        Plan::Apply(..) => "Apply",
        Plan::Transactions(_, _, how) if how.apply.unit => "TransactionForeach",
        Plan::Transactions(..) => "TransactionApply",
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

/// Gives the number of the source that an operator reads or writes itself.
pub(super) fn source(plan: &Plan) -> Option<u16> {
    match plan {
        Plan::Scan { source, .. } | Plan::NodesById { source, .. } | Plan::Count { source, .. } => Some(*source),
        Plan::Expand(_, how) | Plan::ScanRelationships(_, how) => Some(how.source),
        Plan::Degree(_, how) => Some(how.expand.source),
        Plan::Meet(_, how) => Some(how.first.source),
        Plan::Walk(_, how) => Some(how.source),
        Plan::Seek(_, how) => Some(how.source),
        Plan::Shortest(_, how) => Some(how.source),
        Plan::Create(_, how) => Some(how.source),
        Plan::Merge(_, how) => Some(how.create.source),
        _ => None,
    }
}
