//! Runs, parts that repeat, and searches for the shortest paths: from their logical form to operators.
//! Leaves the order among other relationships to `solve`.
//! Start reading at [`Solver::walked`] and [`Solver::searched`].

use std::collections::BTreeSet;
use std::sync::Arc;

use compact_str::CompactString;
use cypher::ast::Span;
use types::{Failure, Value};

use super::graph::{Each, PatternRelationship, Repeat, Repeated, Search};
use super::lift::Known;
use super::pattern::variable_of;
use super::scope::{Held, Scope, Variable};
use super::solve::{Solver, State};
use crate::expression::Compiled;
use crate::functions::FunctionContext;
use crate::operator::{Part, PathTest, Plan, Shortest, Step, Takes, Test, Walk};

/// Rows of an end beyond which it is not looked for: whatever a search reaches is then asked whether it may be the end.
const ENDS_MAX: f64 = 4.0;

/// Conditions of one place, put together.
#[derive(Default)]
struct Tests(Option<Test>);

impl Tests {
    fn add(&mut self, condition: Compiled, sees: impl IntoIterator<Item = usize>, looks_back: bool) {
        let mut test = match self.0.take() {
            None => Test { condition, sees: Vec::new(), looks_back: false },
            Some(before) => {
                Test { condition: Compiled::And(Box::new(before.condition), Box::new(condition)), ..before }
            }
        };
        test.sees.extend(sees);
        test.looks_back |= looks_back;
        self.0 = Some(test);
    }
}

impl Solver<'_, '_> {
    /// Follows what repeats from one of its ends.
    pub(super) fn walked(&mut self, state: &mut State, place: usize, from: usize) -> Result<(), Failure> {
        let graph = self.graph;
        let relationship = &graph.relationships[place];
        let expand = self.expand(state, place, from);
        let turned = relationship.left != from;
        let rounds = self.rounds(place, &state.solved);
        let part = self.round(place, turned, &rounds)?;
        let is_path = relationship.repeat.as_ref().is_some_and(|repeat| repeat.text.is_some());
        let walk = Walk {
            source: expand.source,
            from: expand.from,
            part,
            trail: relationship.slot,
            to: expand.to,
            into: expand.into,
            distinct_from: expand.distinct_from,
            turned,
            repeatable: graph.is_repeatable,
            is_path,
        };
        let details = self.picture(place, from);
        state.plan = self.planner.put(Plan::Walk(Arc::clone(&state.plan), walk), state.rows, details);
        state.solved.extend([graph.nodes[relationship.other(from)].slot, relationship.slot]);
        self.lists(state, place)
    }

    /// Lists the conditions on each round that can be asked at each step, and counts them as met.
    fn rounds(&mut self, place: usize, solved: &BTreeSet<usize>) -> Vec<usize> {
        let is_ready = |at: &usize| {
            let each = self.graph.predicates[*at].each.as_deref();
            !self.met[*at] && each.is_some_and(|each| each.of == place && each.around.is_subset(solved))
        };
        let ready: Vec<usize> = (0..self.met.len()).filter(is_ready).collect();
        ready.iter().for_each(|at| self.met[*at] = true);
        ready
    }

    /// Gives what repeats as it is walked, with the conditions of some predicates on its steps.
    fn round(&mut self, place: usize, turned: bool, rounds: &[usize]) -> Result<Part, Failure> {
        let graph = self.graph;
        let repeat = graph.relationships[place].repeat.as_ref().expect("only what repeats has rounds");
        let mut nodes: Vec<&Repeated> = repeat.nodes.iter().collect();
        let mut walked: Vec<_> = repeat.steps.iter().collect();
        if turned {
            nodes.reverse();
            walked.reverse();
        }
        let mut tests: Vec<(Tests, Tests)> = walked.iter().map(|_| <(Tests, Tests)>::default()).collect();
        let scope = round_scope(&graph.scope, repeat, graph.source);
        for at in rounds {
            let Some(each) = &graph.predicates[*at].each else { continue };
            let condition = self.planner.compile(&each.condition, &scope)?;
            let names: Vec<&CompactString> = walked.iter().map(|(relationship, ..)| &relationship.name).collect();
            let sees = each.around.iter().copied();
            match place_of(each, &nodes, &names) {
                None => tests[0].0.add(condition, sees, false),
                Some((step, looks_back)) => tests[step].1.add(condition, sees, looks_back),
            }
        }
        let step = |(at, (tests, (relationship, direction, types))): (usize, ((Tests, Tests), &_))| {
            let (relationship, direction, types): (&Repeated, &types::Direction, &Vec<CompactString>) =
                (relationship, direction, types);
            Step {
                direction: if turned { direction.reversed() } else { *direction },
                types: types.clone(),
                from: nodes[at].slot,
                relationship: relationship.slot,
                to: nodes[at + 1].slot,
                ahead: tests.0.0,
                filter: tests.1.0,
            }
        };
        let steps = tests.into_iter().zip(walked).enumerate().map(step).collect();
        Ok(Part { steps, min: repeat.min, max: repeat.max })
    }

    /// Fills the lists of what repeats that anybody looks at.
    fn lists(&mut self, state: &mut State, place: usize) -> Result<(), Failure> {
        let graph = self.graph;
        let values = self.list_values(place, &|slot| {
            let is_asked = |at: usize| !self.met[at] && graph.predicates[at].needs.contains(&slot);
            (0..self.met.len()).any(is_asked)
        });
        state.solved.extend(graph.filled_by(place));
        if values.is_empty() {
            return Ok(());
        }
        let of = |slot: &usize| graph.scope.0.iter().find(|variable| variable.slot == *slot);
        let names = values.iter().filter_map(|(slot, _)| of(slot)).map(|variable| variable.name.trim_start());
        let details = names.collect::<Vec<_>>().join(", ");
        state.plan = self.planner.put(Plan::Compute(Arc::clone(&state.plan), values), state.rows, details);
        Ok(())
    }

    /// Gives the lists of what repeats, where a slot is needed or its name is used anywhere else in the statement.
    fn list_values(&self, place: usize, is_needed: &dyn Fn(usize) -> bool) -> Vec<(usize, Compiled)> {
        let graph = self.graph;
        let relationship = &graph.relationships[place];
        let Some(repeat) = &relationship.repeat else { return Vec::new() };
        let Some((_, span)) = repeat.text else { return Vec::new() };
        let number = |number: usize| Compiled::Constant(Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
        let start = graph.nodes[relationship.left].slot;
        let slots = |at: usize| {
            vec![Compiled::Slot(start), Compiled::Slot(relationship.slot), number(repeat.steps.len()), number(at)]
        };
        let mut values = Vec::new();
        for (at, node) in repeat.nodes.iter().enumerate() {
            if is_needed(node.list) || self.planner.is_used(&node.name, span) {
                values.push((node.list, Compiled::Call(nodes_of_rounds, slots(at))));
            }
        }
        for (at, (found, ..)) in repeat.steps.iter().enumerate() {
            let is_whole = found.list == relationship.slot;
            if !is_whole && (is_needed(found.list) || self.planner.is_used(&found.name, span)) {
                values.push((found.list, Compiled::Call(relationships_of_rounds, slots(at))));
            }
        }
        values
    }

    /// Finds an end of a search that is better not looked for.
    pub(super) fn open_end(&self, state: &State) -> Result<Option<usize>, Failure> {
        let graph = self.graph;
        let ends = graph.searches.iter().find(|search| !search.is_function);
        let ends = ends.and_then(|search| Some([*search.nodes.first()?, *search.nodes.last()?]));
        let Some([first, last]) = ends.filter(|[first, last]| first != last) else { return Ok(None) };
        let mut dearest: Option<(usize, f64)> = None;
        for node in [first, last] {
            if state.solved.contains(&graph.nodes[node].slot) {
                continue;
            }
            let rows = self.rows_of(node, state)?;
            if dearest.is_none_or(|(_, known)| rows >= known) {
                dearest = Some((node, rows));
            }
        }
        Ok(dearest.filter(|(_, rows)| *rows > ENDS_MAX).map(|(node, _)| node))
    }

    /// Looks for the paths of a search, of which at least one end is there.
    pub(super) fn searched(&mut self, state: &mut State, at: usize) -> Result<(), Failure> {
        let graph = self.graph;
        let search = &graph.searches[at];
        let slot_of = |at: usize| graph.nodes[search.nodes[at]].slot;
        let last = search.nodes.len() - 1;
        if last == 0 {
            // A node alone is the only path, and the shortest.
            return Ok(());
        }
        let turned = !state.solved.contains(&slot_of(0));
        let into = !turned && state.solved.contains(&slot_of(last));
        let known = state.solved.clone();
        let end = if into { None } else { self.end_test(if turned { slot_of(0) } else { slot_of(last) }, &known)? };
        let (parts, mut backward) = self.parts_of(search, turned, &known)?;
        if parts.iter().any(Part::looks_back) {
            backward.clear();
        }
        let mut between = Vec::new();
        for node in &search.nodes[1..last] {
            let slot = graph.nodes[*node].slot;
            between.push((slot, self.node_test(search, slot, &known)?));
        }
        let takes = |place: &usize| match graph.relationships[*place].repeat {
            Some(_) => (graph.relationships[*place].slot, Takes::Many),
            None => (graph.relationships[*place].slot, Takes::One),
        };
        let mut lists: Vec<_> = search.relationships.iter().map(takes).collect();
        if turned {
            between.reverse();
            lists.reverse();
        }
        let filter = self.path_test(search, &known)?;
        let (from, to) = if turned { (slot_of(last), slot_of(0)) } else { (slot_of(0), slot_of(last)) };
        let how = Shortest {
            source: graph.source,
            from,
            to,
            into,
            parts,
            backward,
            lists,
            between,
            end,
            wanted: search.wanted,
            filter,
            distinct_from: Vec::new(),
            turned,
            ends_differ: search.is_function,
        };
        state.plan = self.planner.put(Plan::Shortest(Arc::clone(&state.plan), how), state.rows, search.text.clone());
        state.solved.extend(search.nodes.iter().map(|node| graph.nodes[*node].slot));
        for place in &search.relationships {
            state.solved.insert(graph.relationships[*place].slot);
            self.lists(state, *place)?;
            state.relationships.push(*place);
        }
        Ok(())
    }

    /// Gives the parts of a search from where it begins, and from its other end.
    fn parts_of(
        &mut self,
        search: &Search,
        turned: bool,
        known: &BTreeSet<usize>,
    ) -> Result<(Vec<Part>, Vec<Part>), Failure> {
        let (mut parts, mut backward) = (Vec::new(), Vec::new());
        for place in &search.relationships {
            let (there, back) = match self.graph.relationships[*place].repeat {
                Some(_) => {
                    let rounds = self.rounds(*place, known);
                    (self.round(*place, turned, &rounds)?, self.round(*place, !turned, &rounds)?)
                }
                None => {
                    let test = self.one_test(search, *place, known)?;
                    (self.one(*place, turned, test.clone()), self.one(*place, !turned, test))
                }
            };
            parts.push(there);
            backward.push(back);
        }
        if turned {
            parts.reverse()
        } else {
            backward.reverse()
        }
        Ok((parts, backward))
    }

    /// Gives a relationship of a search that does not repeat.
    fn one(&self, place: usize, turned: bool, filter: Option<Test>) -> Part {
        let PatternRelationship { slot, left, right, direction, types, .. } = &self.graph.relationships[place];
        let (from, to) = if turned { (right, left) } else { (left, right) };
        let step = Step {
            direction: if turned { direction.reversed() } else { *direction },
            types: types.clone(),
            from: self.graph.nodes[*from].slot,
            relationship: *slot,
            to: self.graph.nodes[*to].slot,
            ahead: None,
            filter,
        };
        Part { steps: vec![step], min: 1, max: Some(1) }
    }

    /// Puts together the open conditions that look at `own` slots and at what is known; they count as met.
    fn test_of(
        &mut self,
        own: &[usize],
        known: &BTreeSet<usize>,
        counts: &dyn Fn(bool) -> bool,
    ) -> Result<Option<Test>, Failure> {
        let mut tests = Tests::default();
        for at in 0..self.met.len() {
            let predicate = &self.graph.predicates[at];
            let looks_at = |slot: &usize| predicate.needs.contains(slot);
            let fits = predicate.needs.iter().all(|slot| known.contains(slot) || own.contains(slot));
            if self.met[at] || predicate.each.is_some() || !own.iter().any(looks_at) || !fits {
                continue;
            }
            if !counts(predicate.is_inside) {
                continue;
            }
            self.met[at] = true;
            let condition = self.planner.compile(&predicate.expression, &self.graph.scope)?;
            let around = predicate.needs.iter().copied().filter(|slot| !own.contains(slot));
            tests.add(condition, around, false);
        }
        Ok(tests.0)
    }

    /// Conditions on a node that is only reached by the search: what stands behind `WHERE` counts as well, as every
    /// path to the node passes or none does.
    fn end_test(&mut self, slot: usize, known: &BTreeSet<usize>) -> Result<Option<Test>, Failure> {
        self.test_of(&[slot], known, &|_| true)
    }

    /// Conditions on a node between parts.
    fn node_test(&mut self, search: &Search, slot: usize, known: &BTreeSet<usize>) -> Result<Option<Test>, Failure> {
        let is_function = search.is_function;
        self.test_of(&[slot], known, &|is_inside| is_inside || is_function)
    }

    /// Conditions on a relationship that does not repeat, beside its nodes.
    fn one_test(&mut self, search: &Search, place: usize, known: &BTreeSet<usize>) -> Result<Option<Test>, Failure> {
        let PatternRelationship { slot, left, right, .. } = &self.graph.relationships[place];
        let is_function = search.is_function;
        let mut own = vec![*slot];
        let ends = [left, right].map(|node| self.graph.nodes[*node].slot);
        own.extend(ends.into_iter().filter(|slot| !known.contains(slot)));
        self.test_of(&own, known, &|is_inside| is_inside || is_function)
    }

    /// Puts together what is left to be asked of each path as a whole.
    fn path_test(&mut self, search: &Search, known: &BTreeSet<usize>) -> Result<Option<PathTest>, Failure> {
        let graph = self.graph;
        let mut seen = known.clone();
        seen.extend(search.nodes.iter().map(|node| graph.nodes[*node].slot));
        seen.extend(search.relationships.iter().flat_map(|place| graph.filled_by(*place)));
        let mut scope = graph.scope.clone();
        let mut computed = Vec::new();
        if let Some(path) = graph.paths.iter().find(|path| path.relationships == search.relationships) {
            let start = graph.nodes[path.start].slot;
            let relationships = path.relationships.iter().map(|place| graph.relationships[*place].slot).collect();
            let compiled = Compiled::Path { start, relationships };
            computed.push(Known { text: variable_of(&path.name, Span::default()).to_string(), compiled });
            scope.0.retain(|variable| variable.name != path.name);
            seen.insert(path.slot);
        }
        let (mut needed, mut filter): (BTreeSet<usize>, Option<Compiled>) = (BTreeSet::new(), None);
        for at in 0..self.met.len() {
            let predicate = &graph.predicates[at];
            let counts = predicate.is_inside || search.is_function;
            if self.met[at] || !counts || !predicate.needs.is_subset(&seen) {
                continue;
            }
            self.met[at] = true;
            needed.extend(&predicate.needs);
            let compiled = self.planner.compile_with(&predicate.expression, &scope, &computed)?;
            filter = Some(match filter {
                None => compiled,
                Some(before) => Compiled::And(Box::new(before), Box::new(compiled)),
            });
        }
        let is_needed = |slot: usize| needed.contains(&slot);
        let lists = search.relationships.iter().flat_map(|place| self.list_values(*place, &is_needed));
        let values = lists.filter(|(slot, _)| needed.contains(slot)).collect();
        Ok(filter.map(|condition| PathTest { values, condition }))
    }
}

/// Finds the step at which a condition on rounds can be asked, and whether it looks at steps before; `None` where it can
/// be asked ahead of the first one.
fn place_of(each: &Each, nodes: &[&Repeated], relationships: &[&CompactString]) -> Option<(usize, bool)> {
    let node = |name: &CompactString| nodes.iter().position(|node| node.name == *name);
    let relationship = |name: &CompactString| relationships.iter().position(|known| *known == name);
    // A node is there after the step that leads to it, the first one before all steps.
    let after = |name: &CompactString| match relationship(name) {
        Some(at) => Some(at),
        None => node(name).and_then(|at| at.checked_sub(1)),
    };
    let step = each.names.iter().filter_map(after).max()?;
    let is_here = |name: &CompactString| {
        relationship(name) == Some(step) || node(name).is_some_and(|at| at == step || at == step + 1)
    };
    Some((step, !each.names.iter().all(is_here)))
}

/// Gives the scope within a round: what repeats goes by its name.
fn round_scope(around: &Scope, repeat: &Repeat, source: u16) -> Scope {
    let mut scope = around.clone();
    let nodes = repeat.nodes.iter().map(|node| (node, Held::Node));
    let relationships = repeat.steps.iter().map(|(relationship, ..)| (relationship, Held::Relationship));
    for (thing, held) in nodes.chain(relationships) {
        scope.add(Variable { name: thing.name.clone(), slot: thing.slot, held, source: Some(source) });
    }
    scope
}

/// Reads the arguments of a function over rounds: the relationships, how many a round has, and which is meant.
fn rounds_in(arguments: &[Value]) -> Option<(&[Value], usize, usize)> {
    match arguments {
        [_, Value::List(list), Value::Integer(steps), Value::Integer(at)] => {
            Some((list, usize::try_from(*steps).ok()?, usize::try_from(*at).ok()?))
        }
        _ => None,
    }
}

/// Gives a certain node of each round.
fn nodes_of_rounds(_: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (Some((list, steps, at)), Value::NodeRef(start)) = (rounds_in(arguments), &arguments[0]) else {
        return Ok(Value::Null);
    };
    let (mut node, mut nodes) = (*start, Vec::with_capacity(list.len() / steps));
    for (step, by) in list.iter().enumerate() {
        if step % steps == at {
            nodes.push(Value::NodeRef(node));
        }
        let Value::RelationshipRef(by) = by else { return Ok(Value::Null) };
        node.id = if by.start == node.id { by.end } else { by.start };
        if at == steps && step % steps + 1 == steps {
            nodes.push(Value::NodeRef(node));
        }
    }
    Ok(Value::list(nodes))
}

/// Gives a certain relationship of each round.
fn relationships_of_rounds(_: &mut FunctionContext<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let Some((list, steps, at)) = rounds_in(arguments) else { return Ok(Value::Null) };
    Ok(Value::list(list.iter().skip(at).step_by(steps).cloned().collect()))
}
