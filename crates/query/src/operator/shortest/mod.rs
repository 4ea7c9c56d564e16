//! The shortest trails along a path, between two nodes or from one node to all that can be reached.
//! Leaves paths of which all are wanted to `walk`.
//! Start reading at [`FindShortest::paths`].

mod collect;
mod frontier;
mod layers;
mod search;
mod states;

use types::{Failure, NodeId, NodeRef, RelationshipRef, TypeId, Value};

use super::steps::{Around, PathTest, Shortest, Takes, Wanted};
use super::{Operator, Part};
use crate::expression::{Context, evaluate, select};
use crate::source::{Expansion, RelationshipRecord};
use crate::{Batch, Column};
use layers::Taken;
use search::Reach;
use states::{Crossings, Round, Types};

/// For each row, the shortest trails along a path.
pub(super) struct FindShortest {
    input: Box<dyn Operator>,
    how: Shortest,
    /// The types that the steps follow, from the start and from the end.
    types: [Types; 2],
    /// The batch under way and the row to go on at.
    under_way: Option<(Batch, usize)>,
    /// The row that was begun last.
    row: usize,
    /// Its search where that goes on, with what passed between its parts.
    reach: Option<(Box<Reach>, Crossings)>,
    /// Paths that were found for it and not handed on.
    found: std::vec::IntoIter<FoundPath>,
    rows_wanted: usize,
}

/// Rows that the first batch waits for; each next one waits for twice as many, so that a limit ends early.
const FIRST_ROWS: usize = 16;

/// A path that was found: its relationships in the order of walking, each with the number of its part.
pub(super) struct FoundPath {
    end: NodeId,
    taken: Vec<Taken>,
}

impl FoundPath {
    fn memory_bytes(length: usize) -> usize {
        size_of::<Self>() + length * size_of::<Taken>()
    }

    fn give_back(self, context: &mut Context<'_>) {
        context.budget.give_back_memory(Self::memory_bytes(self.taken.len()));
    }
}

/// Where a search begins, and what it may follow.
struct Search<'a> {
    how: &'a Shortest,
    around: Around<'a>,
    types: &'a Types,
    types_backward: &'a Types,
    /// Relationships that belong to other parts of the pattern.
    taken: Vec<RelationshipRef>,
    crossings: Crossings,
    /// No trail has more relationships.
    length_max: u64,
}

impl FindShortest {
    pub fn new(input: Box<dyn Operator>, how: Shortest) -> Self {
        let (types, found) = ([Vec::new(), Vec::new()], Vec::new().into_iter());
        Self { input, how, types, under_way: None, row: 0, reach: None, found, rows_wanted: FIRST_ROWS }
    }

    fn types_of(&self, parts: &[Part], context: &Context<'_>) -> Types {
        let of = |part: &Part| part.steps.iter().map(|step| step.known_types(self.how.source, context)).collect();
        parts.iter().map(of).collect()
    }

    fn search<'a>(&'a self, batch: &'a Batch, row: usize, context: &Context<'_>) -> Result<Search<'a>, Failure> {
        let taken = self.how.distinct_from.iter().map(|slot| batch.value(*slot, row));
        let source = &context.sources[usize::from(self.how.source)];
        Ok(Search {
            how: &self.how,
            around: Around { batch, row, source: self.how.source },
            types: &self.types[0],
            types_backward: &self.types[1],
            taken: taken.flat_map(relationships).collect(),
            crossings: Crossings::default(),
            length_max: source.count_relationships(None)?,
        })
    }

    /// Begins a row: finds its paths where both ends are given, or the search that will find them.
    fn paths(&self, batch: &Batch, row: usize, context: &mut Context<'_>) -> Result<Begun, Failure> {
        let node = |slot: usize| match batch.value(slot, row) {
            Value::NodeRef(node) if node.source == self.how.source => Some(node.id),
            _ => None,
        };
        let Some(from) = node(self.how.from) else { return Ok(Begun::Found(Vec::new())) };
        if !self.how.into {
            return Ok(Begun::Reach(Box::new(Reach::new(&self.how, from, None))));
        }
        let Some(to) = node(self.how.to) else { return Ok(Begun::Found(Vec::new())) };
        let mut search = self.search(batch, row, context)?;
        if from == to && self.how.ends_differ {
            let may_be_none = self.how.parts.iter().all(|part| part.min == 0);
            let none = if may_be_none { vec![FoundPath { end: to, taken: Vec::new() }] } else { Vec::new() };
            return Ok(Begun::Found(search.passing(none, context)?));
        }
        if self.how.backward.is_empty() {
            return Ok(Begun::Reach(Box::new(Reach::new(&self.how, from, Some(to)))));
        }
        let mut shorter = None;
        if from != to && frontier::fits(&self.how) {
            let trails = frontier::shortest(&search, (from, to), context)?;
            // No trail at all, or none that is not longer than allowed: a longer search finds nothing either.
            let Some(first) = trails.first() else { return Ok(Begun::Found(Vec::new())) };
            shorter = Some(first.len());
            let path = |trail: Vec<RelationshipRef>| FoundPath {
                end: to,
                taken: trail.into_iter().map(|found| (found, 1)).collect(),
            };
            let mut passing = search.passing(trails.into_iter().map(path).collect(), context)?;
            if !passing.is_empty() {
                if self.how.wanted == Wanted::Paths(1) {
                    passing.drain(1..).for_each(|path| path.give_back(context));
                }
                return Ok(Begun::Found(passing));
            }
        }
        search::between(&mut search, (from, to), shorter, context).map(Begun::Found)
    }

    /// Takes the next paths of a search that goes on.
    fn advance(&mut self, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        let Some((mut reach, crossings)) = self.reach.take() else { return Ok(()) };
        if reach.is_done() {
            reach.close(context);
            return Ok(());
        }
        let mut search = Search { crossings, ..self.search(batch, self.row, context)? };
        let found = reach.advance(&mut search, context)?;
        self.reach = Some((reach, std::mem::take(&mut search.crossings)));
        self.found = found.into_iter();
        Ok(())
    }
}

/// Puts paths into rows.
fn filled(how: &Shortest, batch: &Batch, rows: &[usize], paths: &[FoundPath]) -> Batch {
    let mut out = batch.gather(rows);
    let source = how.source;
    if !how.into {
        out.set(how.to, Column::Nodes { source, ids: paths.iter().map(|path| path.end).collect() });
    }
    // Where each part of each path begins among the relationships.
    let mut starts = vec![0; paths.len()];
    for (part, (slot, takes)) in how.lists.iter().enumerate() {
        let (mut ends, mut found) = (Vec::with_capacity(paths.len()), Vec::new());
        for (path, start) in paths.iter().zip(&mut starts) {
            let of_part = path.taken[*start..].iter().take_while(|(_, number)| *number == part + 1);
            let first = found.len();
            found.extend(of_part.map(|(relationship, _)| *relationship));
            *start += found.len() - first;
            if how.turned {
                found[first..].reverse();
            }
            ends.push(found.len());
        }
        out.set(
            *slot,
            match takes {
                Takes::Many => Column::Trails { ends, found },
                Takes::One => Column::Relationships(found),
            },
        );
        if let Some((slot, _)) = how.between.get(part) {
            let ids = rows.iter().zip(paths).zip(&starts);
            let node = |((row, path), length): ((&usize, &FoundPath), &usize)| {
                let first = match batch.value(how.from, *row) {
                    Value::NodeRef(node) => node.id,
                    _ => path.end,
                };
                node_at(first, &path.taken[..*length])
            };
            out.set(*slot, Column::Nodes { source, ids: ids.map(node).collect() });
        }
    }
    out
}

/// How the paths of a row are found.
enum Begun {
    Found(Vec<FoundPath>),
    Reach(Box<Reach>),
}

/// Gives the node to which relationships lead from another.
fn node_at(first: NodeId, taken: &[Taken]) -> NodeId {
    taken.iter().fold(first, |node, (by, _)| if by.start == node { by.end } else { by.start })
}

/// Lists the relationships that a value of a pattern's part holds.
fn relationships(value: Value) -> Vec<RelationshipRef> {
    match value {
        Value::RelationshipRef(found) => vec![*found],
        Value::List(items) => items.iter().cloned().flat_map(relationships).collect(),
        _ => Vec::new(),
    }
}

impl Search<'_> {
    /// Reads the relationships of nodes; a run for each node.
    fn expand(
        &self,
        nodes: &[NodeId],
        direction: types::Direction,
        types: &[TypeId],
        context: &mut Context<'_>,
    ) -> Result<Expansion, Failure> {
        let wanted = (!types.is_empty()).then_some(types);
        let mut found = Expansion::default();
        context.sources[usize::from(self.how.source)].expand(nodes, direction, wanted, &mut found)?;
        context.budget.pay_rows(found.found.len().max(1))?;
        Ok(found)
    }

    /// Tells whether a relationship is free to be followed.
    fn is_free(&self, step: &RelationshipRecord) -> bool {
        self.taken.iter().all(|taken| (taken.id, taken.source) != (step.relationship.id, step.relationship.source))
    }

    /// Gives what a round has so far as a condition sees it.
    fn before(&self, part: &Part, round: &Round) -> Vec<(usize, Value)> {
        let of_round = round.iter().zip(&part.steps);
        of_round
            .flat_map(|((node, by), step)| {
                let node = Value::NodeRef(NodeRef { source: self.how.source, id: *node });
                [(step.from, node), (step.relationship, Value::RelationshipRef(Box::new(*by)))]
            })
            .collect()
    }

    /// Keeps the paths that meet the condition on whole paths.
    fn passing(&self, paths: Vec<FoundPath>, context: &mut Context<'_>) -> Result<Vec<FoundPath>, Failure> {
        if self.how.filter.is_none() {
            return Ok(paths);
        }
        let (mut paths, mut passing) = (paths.into_iter().peekable(), Vec::new());
        while paths.peek().is_some() {
            let some = paths.by_ref().take(Batch::ROWS_MAX).collect();
            passing.append(&mut self.passed(some, context)?);
        }
        Ok(passing)
    }

    fn passed(&self, paths: Vec<FoundPath>, context: &mut Context<'_>) -> Result<Vec<FoundPath>, Failure> {
        let Some(PathTest { values, condition }) = &self.how.filter else { return Ok(paths) };
        let mut asked = filled(self.how, self.around.batch, &vec![self.around.row; paths.len()], &paths);
        for (slot, value) in values {
            let column = evaluate(value, &asked, context)?;
            asked.set(*slot, column);
        }
        let mut passed = select(condition, &asked, context)?.into_iter().peekable();
        let mut passing = Vec::new();
        for (at, path) in paths.into_iter().enumerate() {
            match passed.next_if_eq(&at) {
                Some(_) => passing.push(path),
                None => path.give_back(context),
            }
        }
        Ok(passing)
    }
}

impl Operator for FindShortest {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some((batch, mut at)) = self.under_way.take() else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                self.types = [&self.how.parts, &self.how.backward].map(|parts| self.types_of(parts, context));
                self.under_way = Some((batch, 0));
                continue;
            };
            let (mut rows, mut paths) = (Vec::new(), Vec::new());
            while rows.len() < self.rows_wanted {
                if let Some(path) = self.found.next() {
                    rows.push(self.row);
                    paths.push(path);
                } else if self.reach.is_some() {
                    self.advance(&batch, context)?;
                } else if at < batch.rows {
                    context.budget.pay_rows(1)?;
                    self.row = at;
                    at += 1;
                    match self.paths(&batch, self.row, context)? {
                        Begun::Found(paths) => self.found = paths.into_iter(),
                        Begun::Reach(reach) => self.reach = Some((reach, Crossings::default())),
                    }
                } else {
                    break;
                }
            }
            self.rows_wanted = (self.rows_wanted * 2).min(Batch::ROWS_MAX);
            let out = (!rows.is_empty()).then(|| filled(&self.how, &batch, &rows, &paths));
            paths.into_iter().for_each(|path| path.give_back(context));
            if at < batch.rows || self.found.len() > 0 || self.reach.is_some() {
                self.under_way = Some((batch, at));
            }
            if out.is_some() {
                return Ok(out);
            }
        }
    }
}
