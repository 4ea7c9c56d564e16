//! `WITH` and `RETURN`: columns, groups, order, and how many rows.
//! Leaves grouping to `aggregate`.
//! Start reading at [`Planner::projected`].

use compact_str::CompactString;
use cypher::ast::{Expression, ExpressionKind, Projection, SortItem, Span};
use rustc_hash::FxHashSet;
use types::{Failure, arithmetic};

use super::lift::Known;
use super::scope::{Held, Scope, Variable};
use super::{Pipe, Planner, walk};
use crate::expression::Compiled;
use crate::operator::Plan;

/// Most columns of a `WITH` of which each is looked for in the rest of the statement.
const DEAD_ITEMS_MAX: usize = 100;

/// One column of a projection.
pub(super) struct Item {
    pub name: CompactString,
    pub expression: Expression,
}

impl Planner<'_> {
    /// Plans the body of `WITH` or `RETURN` and the condition behind it; the columns take the first slots.
    pub(super) fn projected(
        &mut self,
        mut pipe: Pipe,
        projection: &Projection,
        filter: Option<&Expression>,
        is_last: bool,
    ) -> Result<(Pipe, Vec<CompactString>), Failure> {
        let items = self.items(projection, &pipe.scope, is_last)?;
        if items.is_empty() && is_last {
            let message = "RETURN * is not allowed when there are no variables in scope (NoVariablesInScope)";
            return Err(self.syntax(projection.span, message));
        }
        let is_grouped = items.iter().any(|item| walk::has_aggregate(&item.expression));
        let reads = items.iter().any(|item| walk::reads_graph(&item.expression));
        let stops = projection.skip.is_some() || projection.limit.is_some();
        if pipe.writes && (reads || (stops && !is_grouped)) {
            pipe = self.eager(pipe);
        }
        let mut known = Vec::new();
        let (mut scope_before, mut slots);
        let mut late = FxHashSet::default();
        if is_grouped {
            let before = std::mem::take(&mut pipe.scope);
            let grouped = self.grouped(Pipe { scope: before.clone(), ..pipe }, &items, &projection.order)?;
            (pipe, slots, known, scope_before) = (grouped.pipe, grouped.slots, grouped.known, grouped.scope);
            pipe.scope = scope_of(&items.iter().collect::<Vec<_>>(), &slots, &before);
        } else {
            scope_before = std::mem::take(&mut pipe.scope);
            late = if self.is_by_cost { late_items(projection, &items) } else { late };
            let early: Vec<&Item> = items.iter().filter(|item| !late.contains(&item.name)).collect();
            let is_dead = |item: &Item| !is_last && self.is_by_cost && self.is_dead(projection, item);
            let dead: Vec<bool> = early.iter().map(|item| is_dead(item)).collect();
            (pipe, slots) = self.computed(pipe, &early, &scope_before, &dead)?;
            pipe.reads |= reads;
            pipe.scope = scope_of(&early, &slots, &scope_before);
            for ((item, slot), is_dead) in early.into_iter().zip(&slots).zip(dead) {
                if !is_dead && !matches!(&*item.expression.kind, ExpressionKind::Variable(_)) {
                    known.push(Known { text: item.expression.to_string(), compiled: Compiled::Slot(*slot) });
                }
            }
        }
        if projection.distinct {
            let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
            let details = names.join(", ");
            pipe = self.kept(pipe, &slots);
            let rows = (pipe.rows / 2.0).max(1.0);
            pipe.plan = self.put(Plan::Distinct(pipe.plan), rows, details);
            pipe.rows = rows;
            let place = |slot: usize| slots.iter().position(|kept| *kept == slot);
            known.retain_mut(|known| match known.compiled {
                Compiled::Slot(slot) => place(slot).map(|place| known.compiled = Compiled::Slot(place)).is_some(),
                _ => false,
            });
            // A variable that goes on under another name can still be ordered by under its own.
            let moved = scope_before
                .0
                .into_iter()
                .filter_map(|variable| place(variable.slot).map(|slot| Variable { slot, ..variable }));
            scope_before = Scope(moved.collect());
        }
        let is_folded = projection.distinct || is_grouped;
        let asks = filter.is_some() || !projection.order.is_empty();
        let recalled = if is_folded && asks { self.recall(&mut pipe) } else { Vec::new() };
        let mut seen = scope_before.clone();
        recalled.iter().for_each(|variable| seen.add(variable.clone()));
        pipe.scope.0.iter().for_each(|variable| seen.add(variable.clone()));
        pipe = self.ordered(pipe, projection, &seen, &known)?;
        if !late.is_empty() {
            (pipe, slots) = self.computed_late(pipe, &items, &late, slots, &scope_before)?;
            pipe.reads |= reads;
            pipe.scope = scope_of(&items.iter().collect::<Vec<_>>(), &slots, &scope_before);
            pipe.scope.0.iter().for_each(|variable| seen.add(variable.clone()));
        }
        if let Some(filter) = filter {
            let condition = self.compile_with(filter, &seen, &known)?;
            pipe.rows = (pipe.rows / 3.0).max(1.0);
            pipe.plan = self.keep_where(pipe.plan, vec![(condition, filter.to_string())], pipe.rows);
        }
        if !projection.distinct {
            pipe = self.kept(pipe, &slots);
        }
        if !is_last {
            let recalled = if projection.distinct && asks { recalled } else { self.recall(&mut pipe) };
            recalled.into_iter().for_each(|variable| pipe.scope.add(variable));
        }
        Ok((pipe, items.into_iter().map(|item| item.name).collect()))
    }

    /// Brings back the variables of the outer row that are not among the columns; gives them as they are now.
    fn recall(&mut self, pipe: &mut Pipe) -> Vec<Variable> {
        let mut recalled = self.outer.clone();
        recalled.retain(|variable| pipe.scope.find(&variable.name).is_none());
        let mut slots = Vec::with_capacity(recalled.len());
        for variable in &mut recalled {
            let slot = self.fresh_slot();
            slots.push((std::mem::replace(&mut variable.slot, slot), slot));
        }
        if !slots.is_empty() {
            pipe.plan = self.put(Plan::Recall(std::sync::Arc::clone(&pipe.plan), slots), pipe.rows, "");
        }
        recalled
    }

    /// Refuses a column that takes the name of a variable of the outer row.
    fn check_shadow(&self, item: &Item) -> Result<(), Failure> {
        let is_itself = matches!(&*item.expression.kind, ExpressionKind::Variable(name) if name.text == item.name);
        if is_itself || !self.outer.iter().any(|variable| variable.name == item.name) {
            return Ok(());
        }
        let message = format!(
            "The variable `{}` is shadowing a variable with the same name from the outer scope and needs to be renamed",
            item.name
        );
        Err(self.syntax(item.expression.span, &message))
    }

    fn items(&self, projection: &Projection, scope: &Scope, is_last: bool) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::new();
        if projection.all {
            let is_outer = |name: &str| self.outer.iter().any(|variable| variable.name == name);
            for variable in scope.named().into_iter().filter(|variable| !is_last || !is_outer(&variable.name)) {
                let name = cypher::ast::Name { text: variable.name.clone(), span: projection.span };
                let expression = Expression::new(ExpressionKind::Variable(name), projection.span);
                items.push(Item { name: variable.name.clone(), expression });
            }
        }
        let mut names: FxHashSet<CompactString> = items.iter().map(|item: &Item| item.name.clone()).collect();
        for item in &projection.items {
            let name = item.alias.as_ref().map_or(&item.text, |alias| &alias.text).clone();
            self.look()?;
            if !names.insert(name.clone()) {
                // `LET x = 1` passes everything on and begins with the name; `WITH` begins with what is passed on.
                if let Some(alias) = item.alias.as_ref().filter(|alias| alias.span.start == projection.span.start) {
                    let message = format!(
                        "Variable `{name}` already declared (VariableAlreadyBound); `WITH` gives a variable another value"
                    );
                    return Err(self.syntax(alias.span, &message));
                }
                let message = format!(
                    "Multiple result columns with the same name are not supported (ColumnNameConflict): {name}"
                );
                return Err(self.syntax(item.expression.span, &message));
            }
            let item = Item { name, expression: item.expression.clone() };
            if !is_last {
                self.check_shadow(&item)?;
            }
            items.push(item);
        }
        Ok(items)
    }

    /// Computes items without aggregates; a variable keeps its slot, and what is `dead` is null.
    fn computed(
        &mut self,
        mut pipe: Pipe,
        items: &[&Item],
        scope: &Scope,
        dead: &[bool],
    ) -> Result<(Pipe, Vec<usize>), Failure> {
        let mut slots = Vec::new();
        let mut values = Vec::new();
        let mut details = Vec::new();
        for (item, is_dead) in items.iter().zip(dead) {
            slots.push(match self.compile(&item.expression, scope)? {
                Compiled::Slot(slot) if !slots.contains(&slot) => slot,
                compiled => {
                    let slot = self.fresh_slot();
                    if !is_dead {
                        details.push(format!("{} AS {}", item.expression, item.name));
                    }
                    values.push((slot, if *is_dead { Compiled::Constant(types::Value::Null) } else { compiled }));
                    slot
                }
            });
        }
        if !values.is_empty() {
            pipe.plan = self.put(Plan::Compute(pipe.plan, values), pipe.rows, details.join(", "));
        }
        Ok((pipe, slots))
    }

    /// Computes what only the first rows in order need; gives the slots of all items, in their order.
    fn computed_late(
        &mut self,
        mut pipe: Pipe,
        items: &[Item],
        late: &FxHashSet<CompactString>,
        early: Vec<usize>,
        scope: &Scope,
    ) -> Result<(Pipe, Vec<usize>), Failure> {
        let (mut early, mut slots, mut values, mut details) = (early.into_iter(), Vec::new(), Vec::new(), Vec::new());
        for item in items {
            if !late.contains(&item.name) {
                slots.extend(early.next());
                continue;
            }
            let compiled = self.compile(&item.expression, scope)?;
            slots.push(self.fresh_slot());
            values.push((self.next_slot - 1, compiled));
            details.push(format!("{} AS {}", item.expression, item.name));
        }
        pipe.plan = self.put(Plan::Compute(pipe.plan, values), pipe.rows, details.join(", "));
        Ok((pipe, slots))
    }

    /// Tells whether nothing asks for a property that `WITH` reads.
    fn is_dead(&self, projection: &Projection, item: &Item) -> bool {
        let ExpressionKind::Property(of, _) = &*item.expression.kind else { return false };
        let is_simple = matches!(&*of.kind, ExpressionKind::Variable(_));
        // Each look goes through the whole text.
        let is_long = projection.items.len() > DEAD_ITEMS_MAX;
        let is_asked = projection.distinct || !projection.order.is_empty() || projection.span == Span::default();
        is_simple && !is_long && !is_asked && !self.is_used(&item.name, projection.span)
    }

    /// Lets go of every slot but some, which become the first ones.
    fn kept(&mut self, mut pipe: Pipe, slots: &[usize]) -> Pipe {
        let is_there = self.next_slot == slots.len() && slots.iter().enumerate().all(|(at, slot)| at == *slot);
        for variable in &mut pipe.scope.0 {
            if let Some(place) = slots.iter().position(|slot| *slot == variable.slot) {
                variable.slot = place;
            }
        }
        if !is_there {
            let names: Vec<&str> = pipe.scope.0.iter().map(|variable| variable.name.as_str()).collect();
            let details = names.join(", ");
            pipe.plan = self.put(Plan::Keep(pipe.plan, slots.to_vec()), pipe.rows, details);
        }
        self.next_slot = slots.len();
        pipe
    }

    /// Plans `ORDER BY`, `SKIP` and `LIMIT`.
    fn ordered(
        &mut self,
        mut pipe: Pipe,
        projection: &Projection,
        seen: &Scope,
        known: &[Known],
    ) -> Result<Pipe, Failure> {
        let skip = projection.skip.as_ref().map(|skip| self.constant(skip, "SKIP")).transpose()?;
        let limit = projection.limit.as_ref().map(|limit| self.constant(limit, "LIMIT")).transpose()?;
        let wanted = projection.limit.as_ref().and_then(|limit| match &*limit.kind {
            cypher::ast::ExpressionKind::Integer(rows) => u32::try_from(*rows).ok().map(f64::from),
            _ => None,
        });
        if !projection.order.is_empty() {
            let keys = self.sort_keys(&projection.order, seen, known)?;
            let top = match (&skip, &limit) {
                (Some(skip), Some(limit)) => {
                    Some(Compiled::Operator(arithmetic::add, Box::new(skip.clone()), Box::new(limit.clone())))
                }
                (None, limit) => limit.clone(),
                (Some(_), None) => None,
            };
            let text =
                |item: &SortItem| format!("{} {}", item.expression, if item.descending { "DESC" } else { "ASC" });
            let details = projection.order.iter().map(text).collect::<Vec<_>>().join(", ");
            if top.is_some() {
                pipe.rows = pipe.rows.min(wanted.unwrap_or(pipe.rows));
            }
            pipe.plan = self.put(Plan::Sort { input: pipe.plan, keys, limit: top }, pipe.rows, details);
            (pipe.reads, pipe.writes) = (false, false);
        }
        if let Some(skip) = skip {
            let details = projection.skip.as_ref().map(ToString::to_string).unwrap_or_default();
            pipe.plan = self.put(Plan::Skip(pipe.plan, skip), pipe.rows, details);
        }
        // The first rows in order are all that a sort with a limit gives.
        let is_cut = !projection.order.is_empty() && projection.skip.is_none();
        if let Some(limit) = limit.filter(|_| !is_cut) {
            let details = projection.limit.as_ref().map(ToString::to_string).unwrap_or_default();
            pipe.rows = pipe.rows.min(wanted.unwrap_or(pipe.rows));
            pipe.plan = self.put(Plan::Limit(pipe.plan, limit), pipe.rows, details);
        }
        Ok(pipe)
    }

    fn sort_keys(
        &mut self,
        order: &[SortItem],
        seen: &Scope,
        known: &[Known],
    ) -> Result<Vec<(Compiled, bool)>, Failure> {
        order.iter().map(|item| Ok((self.compile_with(&item.expression, seen, known)?, item.descending))).collect()
    }

    /// Compiles the number of `SKIP` or `LIMIT`, which no row may decide.
    pub(super) fn constant(&mut self, expression: &Expression, clause: &str) -> Result<Compiled, Failure> {
        let mut names = Vec::new();
        walk::variables(expression, &mut names);
        if let Some(name) = names.first() {
            let message = format!(
                "It is not allowed to refer to variables in {clause}, so that the value for {clause} can be \
                 statically calculated (NonConstantExpression): `{name}`"
            );
            return Err(self.syntax(expression.span, &message));
        }
        self.compile(expression, &Scope::default())
    }

    /// Reads all rows before the next operator works on the first.
    pub(super) fn eager(&mut self, mut pipe: Pipe) -> Pipe {
        pipe.plan = self.put(Plan::Eager(pipe.plan), pipe.rows, "");
        (pipe.reads, pipe.writes) = (false, false);
        pipe
    }

    /// Refuses a name that is taken.
    pub(super) fn check_free(&self, scope: &Scope, name: &str, span: Span) -> Result<(), Failure> {
        if scope.find(name).is_some() {
            let message = format!("Variable `{name}` already declared (VariableAlreadyBound)");
            return Err(self.syntax(span, &message));
        }
        Ok(())
    }
}

/// Names the columns that a sort with a limit does not ask for: they are computed for the rows that are left.
fn late_items(projection: &Projection, items: &[Item]) -> FxHashSet<CompactString> {
    if projection.order.is_empty() || projection.limit.is_none() || projection.distinct {
        return FxHashSet::default();
    }
    let order: Vec<String> = projection.order.iter().map(|item| item.expression.to_string()).collect();
    let mut names = Vec::new();
    projection.order.iter().for_each(|item| walk::variables(&item.expression, &mut names));
    let is_asked = |item: &Item| {
        let text = item.expression.to_string();
        names.contains(&item.name) || order.iter().any(|order| order.contains(&text))
    };
    let is_plain = |item: &Item| matches!(&*item.expression.kind, ExpressionKind::Variable(_));
    items.iter().filter(|item| !is_plain(item) && !is_asked(item)).map(|item| item.name.clone()).collect()
}

/// Gives the scope behind a projection.
fn scope_of(items: &[&Item], slots: &[usize], before: &Scope) -> Scope {
    let mut scope = Scope::default();
    for (item, slot) in items.iter().zip(slots) {
        let (held, source) = held(&item.expression, before);
        scope.add(Variable { name: item.name.clone(), slot: *slot, held, source });
    }
    scope
}

/// Tells what an expression holds, as far as the text tells.
pub(super) fn held(expression: &Expression, scope: &Scope) -> (Held, Option<u16>) {
    match &*expression.kind {
        ExpressionKind::Variable(name) => {
            scope.find(&name.text).map_or((Held::Unknown, None), |variable| (variable.held, variable.source))
        }
        ExpressionKind::Boolean(_)
        | ExpressionKind::Integer(_)
        | ExpressionKind::Float(_)
        | ExpressionKind::String(_)
        | ExpressionKind::Map(_)
        | ExpressionKind::CountAll
        | ExpressionKind::Comparison(..) => (Held::Plain, None),
        ExpressionKind::List(_) => (Held::Plain, None),
        _ => (Held::Unknown, None),
    }
}
