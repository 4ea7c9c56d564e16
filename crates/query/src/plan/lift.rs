//! What only the planner knows inside an expression: what was computed before, patterns and subqueries.
//! Leaves every other expression to [`crate::expression`].
//! Start reading at [`Lifter`].

use std::sync::Arc;

use compact_str::CompactString;
use cypher::ast::{
    ClauseKind, Expression, ExpressionKind, PathPattern, PathSelector, Projection, Query, SingleQuery,
    SubqueryExpression,
};
use types::Failure;

use super::scope::{Held, Scope, Variable};
use super::walk;
use super::{Pipe, Place, Planner};
use crate::expression::{Compiled, Lifted, Subquery, Wanted};
use crate::operator::Plan;

/// An expression that was computed before, by its text.
pub(super) struct Known {
    pub text: String,
    pub compiled: Compiled,
}

/// Answers for expressions while others are compiled.
pub(super) struct Lifter<'p, 'a> {
    pub planner: &'p mut Planner<'a>,
    pub scope: &'p Scope,
    pub known: &'p [Known],
}

impl Lifted for Lifter<'_, '_> {
    fn lift(&mut self, expression: &Expression, scope: &[(CompactString, usize)]) -> Result<Option<Compiled>, Failure> {
        if !self.known.is_empty() {
            let text = expression.to_string();
            if let Some(known) = self.known.iter().find(|known| known.text == text) {
                return Ok(Some(known.compiled.clone()));
            }
        }
        let scope = || self.inner_scope(scope);
        Ok(Some(match &*expression.kind {
            ExpressionKind::PatternPredicate(pattern) => {
                let scope = scope();
                self.planner.pattern_predicate(pattern, &scope)?
            }
            // The name of the graph that this part of the statement reads.
            ExpressionKind::Call { name, arguments, .. }
                if ["database", "db", "db.name"].iter().any(|known| name.text.eq_ignore_ascii_case(known))
                    && arguments.is_empty() =>
            {
                let name = self.planner.graphs.source(self.planner.graph).database();
                Compiled::Constant(types::Value::string(name))
            }
            // `exists((a)-->(b))` is the pattern itself as a condition.
            ExpressionKind::Call { name, arguments, .. } if name.text.eq_ignore_ascii_case("exists") => {
                let [argument] = arguments.as_slice() else { return Ok(None) };
                let ExpressionKind::PatternPredicate(pattern) = &*argument.kind else { return Ok(None) };
                let scope = scope();
                self.planner.pattern_predicate(pattern, &scope)?
            }
            ExpressionKind::PatternComprehension { pattern, filter, projection } => {
                let scope = scope();
                let patterns = std::slice::from_ref(&**pattern);
                self.planner.pattern_value(patterns, filter.as_ref(), Some(projection), &scope, Wanted::Collect(0))?
            }
            ExpressionKind::ShortestPath(pattern) => {
                let scope = scope();
                self.planner.shortest_value(pattern, &scope)?
            }
            ExpressionKind::Exists(inner) => {
                let scope = scope();
                self.planner.subquery(inner, &scope, Wanted::Exists)?
            }
            ExpressionKind::Count(inner) => {
                let scope = scope();
                self.planner.subquery(inner, &scope, Wanted::Count)?
            }
            ExpressionKind::Collect(inner) => {
                let scope = scope();
                self.planner.subquery(inner, &scope, Wanted::Collect(0))?
            }
            _ => return Ok(None),
        }))
    }

    fn uses(&mut self, function: &'static str) {
        let functions = &mut self.planner.uses.functions;
        if !functions.contains(&function) {
            functions.push(function);
        }
    }

    fn fresh_slot(&mut self) -> usize {
        self.planner.fresh_slot()
    }
}

impl Lifter<'_, '_> {
    /// Gives the scope at a place inside an expression: variables of lists beside those of the clause.
    fn inner_scope(&self, pairs: &[(CompactString, usize)]) -> Scope {
        let mut scope = Scope::default();
        for (name, slot) in pairs {
            let known = self.scope.find(name).filter(|variable| variable.slot == *slot).cloned();
            let unknown = || Variable { name: name.clone(), slot: *slot, held: Held::Unknown, source: None };
            scope.add(known.unwrap_or_else(unknown));
        }
        scope
    }
}

impl Planner<'_> {
    fn pattern_predicate(&mut self, pattern: &PathPattern, scope: &Scope) -> Result<Compiled, Failure> {
        self.check_nothing_new(pattern, scope)?;
        self.pattern_value(std::slice::from_ref(pattern), None, None, scope, Wanted::Exists)
    }

    /// A pattern as a condition cannot bring in variables of its own.
    fn check_nothing_new(&self, pattern: &PathPattern, scope: &Scope) -> Result<(), Failure> {
        for name in super::pattern::own_variables(pattern) {
            if scope.find(&name.text).is_none() {
                let message = format!(
                    "Variable `{}` not defined (UndefinedVariable); a pattern expression cannot introduce variables, \
                     EXISTS {{ ... }} can",
                    name.text
                );
                return Err(self.syntax(name.span, &message));
            }
        }
        Ok(())
    }

    /// Plans patterns as a value: whether they match, how often, or what each match is worth.
    fn pattern_value(
        &mut self,
        patterns: &[PathPattern],
        filter: Option<&Expression>,
        projection: Option<&Expression>,
        scope: &Scope,
        wanted: Wanted,
    ) -> Result<Compiled, Failure> {
        let first = self.next_slot;
        let number = self.fresh_slot();
        let pipe = self.matched(Pipe::inside(scope.clone(), 1.0), patterns, filter, None)?;
        let subquery = self.batched(pipe, projection, wanted, number)?;
        self.next_slot = first;
        Ok(subquery)
    }

    /// Ends a plan that runs for many outer rows at once.
    fn batched(
        &mut self,
        mut pipe: Pipe,
        projection: Option<&Expression>,
        wanted: Wanted,
        number: usize,
    ) -> Result<Compiled, Failure> {
        let wanted = match projection {
            Some(projection) => {
                let compiled = self.compile(projection, &pipe.scope)?;
                let slot = self.fresh_slot();
                pipe.plan =
                    self.put(Plan::Compute(pipe.plan, vec![(slot, compiled)]), pipe.rows, projection.to_string());
                Wanted::Collect(slot)
            }
            None => wanted,
        };
        Ok(Compiled::Subquery(Arc::new(Subquery { plan: pipe.plan, wanted, number: Some(number) })))
    }

    fn shortest_value(&mut self, pattern: &PathPattern, scope: &Scope) -> Result<Compiled, Failure> {
        self.check_nothing_new(pattern, scope)?;
        let first = self.next_slot;
        let number = self.fresh_slot();
        let mut named = pattern.clone();
        let name = cypher::ast::Name { text: " path".into(), span: pattern.span };
        named.variable = Some(name);
        let pipe = self.matched(Pipe::inside(scope.clone(), 1.0), std::slice::from_ref(&named), None, None)?;
        let slot = pipe.scope.slot(" path").expect("the pattern was named so");
        let wanted = match pattern.selector {
            PathSelector::AllShortestPaths => Wanted::Collect(slot),
            _ => Wanted::First(slot),
        };
        self.next_slot = first;
        Ok(Compiled::Subquery(Arc::new(Subquery { plan: pipe.plan, wanted, number: Some(number) })))
    }

    fn subquery(&mut self, inner: &SubqueryExpression, scope: &Scope, wanted: Wanted) -> Result<Compiled, Failure> {
        match inner {
            SubqueryExpression::Pattern { patterns, filter } => {
                self.pattern_value(patterns, filter.as_ref(), None, scope, wanted)
            }
            SubqueryExpression::Query(query) => self.query_value(query, scope, wanted),
        }
    }

    fn query_value(&mut self, query: &Query, scope: &Scope, wanted: Wanted) -> Result<Compiled, Failure> {
        if let Some((matches, returned)) = plain_matches(query).filter(|_| self.is_by_cost) {
            let first = self.next_slot;
            let number = self.fresh_slot();
            let mut pipe = Pipe::inside(scope.clone(), 1.0);
            let graph = self.graph;
            if let Some(using) = &query.first.using {
                self.graph = self.graph_of(Some(using))?;
            }
            for clause in matches {
                pipe = self.clause(pipe, clause)?;
            }
            let projection = match (wanted, returned) {
                (Wanted::Collect(_), Some(returned)) => Some(&returned.items[0].expression),
                _ => None,
            };
            let subquery = self.batched(pipe, projection, wanted, number)?;
            (self.next_slot, self.graph) = (first, graph);
            return Ok(subquery);
        }
        let first = self.next_slot;
        let outer = scope.0.iter().filter(|variable| !variable.is_hidden()).cloned().collect();
        let around = std::mem::replace(&mut self.outer, outer);
        let was_in_value = std::mem::replace(&mut self.in_value, true);
        let planned = self.query(query, &Pipe::inside(scope.clone(), 1.0), Place::Inside)?;
        (self.next_slot, self.outer, self.in_value) = (first, around, was_in_value);
        if matches!(wanted, Wanted::Collect(_)) && planned.columns.len() != 1 {
            let message = "A COLLECT subquery must return exactly one column";
            return Err(self.syntax(query.first.span, message));
        }
        Ok(Compiled::Subquery(Arc::new(Subquery { plan: planned.plan, wanted, number: None })))
    }
}

/// Takes a query apart that only matches and returns, so that it can run for many outer rows at once.
fn plain_matches(query: &Query) -> Option<(&[cypher::ast::Clause], Option<&Projection>)> {
    let SingleQuery { clauses, .. } = &query.first;
    if !query.rest.is_empty() {
        return None;
    }
    let (matches, returned) = match clauses.split_last() {
        Some((last, matches)) if matches!(last.kind, ClauseKind::Return { .. }) => match &last.kind {
            ClauseKind::Return { projection } => (matches, Some(projection)),
            _ => return None,
        },
        _ => (clauses.as_slice(), None),
    };
    let is_plain = |projection: &Projection| {
        let Projection { distinct, all, items, order, skip, limit, .. } = projection;
        !distinct
            && !all
            && items.len() == 1
            && order.is_empty()
            && skip.is_none()
            && limit.is_none()
            && !items.iter().any(|item| walk::has_aggregate(&item.expression))
    };
    let are_matches = matches.iter().all(|clause| matches!(clause.kind, ClauseKind::Match { .. }));
    (are_matches && returned.is_none_or(is_plain)).then_some((matches, returned))
}
