//! Grouping: what makes a group, what is computed over each, and what a row is made of afterwards.
//! Leaves names, order and limits to `project`.
//! Start reading at [`Planner::grouped`].

use std::sync::Arc;

use cypher::ast::{Expression, ExpressionKind, SortItem};
use types::{Code, Failure};

use super::lift::Known;
use super::project::Item;
use super::scope::{Held, Scope, Variable};
use super::{Pipe, Planner, walk};
use crate::expression::{Compiled, LabelTest};
use crate::functions::{self, AggregateKind, Kind};
use crate::operator::{Aggregate, Degree, Plan};

/// Rows of groups, and what later expressions may say of them.
pub(super) struct Grouped {
    pub pipe: Pipe,
    /// For each item, its slot.
    pub slots: Vec<usize>,
    /// Expressions that are computed.
    pub known: Vec<Known>,
    /// Variables that make the groups, by their names before.
    pub scope: Scope,
}

impl Planner<'_> {
    /// Groups rows by the items without an aggregate and computes the others.
    pub(super) fn grouped(&mut self, pipe: Pipe, items: &[Item], order: &[SortItem]) -> Result<Grouped, Failure> {
        let (keyed, computed): (Vec<_>, Vec<_>) =
            items.iter().enumerate().partition(|(_, item)| !walk::has_aggregate(&item.expression));
        let mut keys = Vec::new();
        for (_, item) in &keyed {
            keys.push(self.compile(&item.expression, &pipe.scope)?);
        }
        let mut texts: Vec<String> = Vec::new();
        let mut aggregates = Vec::new();
        let ordered = order.iter().map(|item| (&item.expression, true));
        for (expression, is_order) in computed.iter().map(|(_, item)| (&item.expression, false)).chain(ordered) {
            for found in aggregates_of(expression) {
                let text = found.to_string();
                if !texts.contains(&text) {
                    if is_order {
                        self.check_ordered_by(found, items)?;
                    }
                    aggregates.push(self.one_aggregate(found, &pipe.scope)?);
                    texts.push(text);
                }
            }
        }
        let pipe = self.by_degree(pipe, &keys, &mut aggregates);
        let rows = if keys.is_empty() { 1.0 } else { (pipe.rows / 4.0).max(1.0) };
        let details = keyed.iter().map(|(_, item)| item.name.to_string()).chain(texts.iter().cloned());
        let details = details.collect::<Vec<_>>().join(", ");
        let width = keys.len();
        let slots_after = width + aggregates.len();
        let plan = self.put(Plan::Aggregate { input: pipe.plan, keys, aggregates }, rows, details);
        self.next_slot = slots_after;

        let mut scope = Scope::default();
        let mut known = Vec::new();
        for (slot, (_, item)) in keyed.iter().enumerate() {
            match &*item.expression.kind {
                ExpressionKind::Variable(name) => {
                    let before = pipe.scope.find(&name.text);
                    let held = before.map_or(Held::Unknown, |variable| variable.held);
                    let source = before.and_then(|variable| variable.source);
                    scope.add(Variable { name: name.text.clone(), slot, held, source });
                }
                _ => known.push(Known { text: item.expression.to_string(), compiled: Compiled::Slot(slot) }),
            }
        }
        let simple = |item: &Item| matches!(&*item.expression.kind, ExpressionKind::Property(..));
        let mut usable: Vec<Known> = texts
            .iter()
            .enumerate()
            .map(|(at, text)| Known { text: text.clone(), compiled: Compiled::Slot(width + at) })
            .collect();
        for (slot, (_, item)) in keyed.iter().enumerate() {
            if simple(item) {
                usable.push(Known { text: item.expression.to_string(), compiled: Compiled::Slot(slot) });
            }
        }

        let mut slots = vec![0; items.len()];
        for (slot, (at, _)) in keyed.iter().enumerate() {
            slots[*at] = slot;
        }
        let mut values = Vec::new();
        for (at, item) in &computed {
            self.check_grouped(&item.expression, &scope, &usable)?;
            slots[*at] = match self.compile_with(&item.expression, &scope, &usable)? {
                Compiled::Slot(slot) => slot,
                other => {
                    let slot = self.fresh_slot();
                    values.push((slot, other));
                    slot
                }
            };
        }
        known.extend(usable);
        let mut pipe = Pipe { plan, scope: Scope::default(), rows, reads: false, writes: false };
        if !values.is_empty() {
            let details = computed.iter().map(|(_, item)| item.expression.to_string()).collect::<Vec<_>>().join(", ");
            pipe.plan = self.put(Plan::Compute(pipe.plan, values), rows, details);
        }
        Ok(Grouped { pipe, slots, known, scope })
    }

    /// Counts relationships without making a row of each, where all that is computed is how many there are.
    fn by_degree(&mut self, pipe: Pipe, keys: &[Compiled], aggregates: &mut [Aggregate]) -> Pipe {
        let (expanded, label) = match &*pipe.plan {
            Plan::Filter(below, Compiled::HasLabels(of, LabelTest::Name(label))) => match (&**below, &**of) {
                (Plan::Expand(_, how), Compiled::Slot(slot)) if *slot == how.to => (below, Some(label.clone())),
                _ => return pipe,
            },
            _ => (&pipe.plan, None),
        };
        let Plan::Expand(input, how) = &**expanded else { return pipe };
        let is_counted = |aggregate: &Aggregate| {
            let counts = aggregate.kind == AggregateKind::Count && !aggregate.distinct;
            // Both are there in every row.
            let always =
                |value: &Compiled| matches!(value, Compiled::Slot(slot) if [how.to, how.relationship].contains(slot));
            counts && aggregate.arguments.iter().all(always)
        };
        let is_apart = |key: &Compiled| !key.may_read(&[how.to, how.relationship]);
        if how.into || !how.distinct_from.is_empty() || aggregates.is_empty() {
            return pipe;
        }
        if !aggregates.iter().all(is_counted) || !keys.iter().all(is_apart) {
            return pipe;
        }
        let slot = self.fresh_slot();
        let (input, degree) = (Arc::clone(input), Degree { expand: how.clone(), label, slot });
        for aggregate in aggregates {
            *aggregate = Aggregate { kind: AggregateKind::Sum, distinct: false, arguments: vec![Compiled::Slot(slot)] };
        }
        let ((rows, _), (_, details)) = (self.notes.of(&input), self.notes.of(expanded));
        let plan = self.put(Plan::Degree(input, degree), rows, details);
        Pipe { plan, rows, ..pipe }
    }

    /// An expression around an aggregate may use what makes the group, and nothing else of a row.
    fn check_grouped(&self, expression: &Expression, scope: &Scope, known: &[Known]) -> Result<(), Failure> {
        let mut wrong: Option<&Expression> = None;
        let mut bound: Vec<compact_str::CompactString> = Vec::new();
        walk::each(expression, &mut |part| {
            if wrong.is_some() || walk::is_aggregate(part) {
                return false;
            }
            let text = part.to_string();
            if known.iter().any(|known| known.text == text) {
                return false;
            }
            match &*part.kind {
                ExpressionKind::Variable(name) if scope.find(&name.text).is_none() && !bound.contains(&name.text) => {
                    wrong = Some(part);
                }
                ExpressionKind::ListComprehension { variable, .. } | ExpressionKind::Quantifier { variable, .. } => {
                    bound.push(variable.text.clone());
                }
                ExpressionKind::Reduce { accumulator, variable, .. } => {
                    bound.extend([accumulator.text.clone(), variable.text.clone()]);
                }
                ExpressionKind::PatternComprehension { pattern, .. } => {
                    bound.extend(super::pattern::own_variables(pattern).into_iter().map(|name| name.text.clone()));
                }
                _ => {}
            }
            !walk::is_subquery(part)
        });
        let Some(wrong) = wrong else { return Ok(()) };
        let message = format!(
            "Aggregation column contains implicit grouping expressions (AmbiguousAggregationExpression): `{wrong}` is \
             neither grouped by nor aggregated; put it into a WITH of its own first"
        );
        Err(self.syntax(wrong.span, &message))
    }

    /// An aggregate that only orders may use what a row has afterwards.
    fn check_ordered_by(&self, aggregate: &Expression, items: &[Item]) -> Result<(), Failure> {
        let mut names = Vec::new();
        walk::variables(aggregate, &mut names);
        let is_there = |name: &compact_str::CompactString| {
            items
                .iter()
                .any(|item| matches!(&*item.expression.kind, ExpressionKind::Variable(known) if known.text == *name))
        };
        match names.iter().find(|name| !is_there(name)) {
            None => Ok(()),
            Some(name) => {
                let message = format!("Variable `{name}` not defined (UndefinedVariable); return what you order by");
                Err(self.syntax(aggregate.span, &message))
            }
        }
    }

    fn one_aggregate(&mut self, expression: &Expression, scope: &Scope) -> Result<Aggregate, Failure> {
        let ExpressionKind::Call { name, distinct, arguments } = &*expression.kind else {
            return Ok(Aggregate { kind: AggregateKind::Count, distinct: false, arguments: Vec::new() });
        };
        let function = functions::find(&name.text).expect("it was found to be an aggregate");
        let Kind::Aggregate(kind) = function.kind else { unreachable!("it was found to be an aggregate") };
        let (min, max) = function.arity;
        if !(min..=max).contains(&arguments.len()) {
            let message = format!(
                "Wrong number of parameters for function '{}' (InvalidNumberOfArguments): {} given; its signature is {}",
                function.name,
                arguments.len(),
                function.signature
            );
            return Err(self.syntax(expression.span, &message));
        }
        for argument in arguments {
            if walk::has_aggregate(argument) {
                let message = "Can't use aggregate functions inside of aggregate functions (NestedAggregation)";
                return Err(self.syntax(argument.span, message));
            }
            if walk::is_random(argument) {
                let message = "Can't use non-deterministic (random) functions inside of aggregate functions \
                               (NonConstantExpression)";
                return Err(self.error(argument.span, Code::SyntaxError, message));
            }
        }
        let arguments = arguments.iter().map(|argument| self.compile(argument, scope)).collect::<Result<_, _>>()?;
        Ok(Aggregate { kind, distinct: *distinct, arguments })
    }
}

/// Lists the aggregates of an expression, outside of subqueries.
fn aggregates_of(expression: &Expression) -> Vec<&Expression> {
    let mut found = Vec::new();
    walk::each(expression, &mut |part| {
        if walk::is_aggregate(part) {
            found.push(part);
            return false;
        }
        !walk::is_subquery(part)
    });
    found
}
