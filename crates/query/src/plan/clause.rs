//! Queries, and one clause after the other.
//! Leaves projections to `project`, patterns to `pattern` and `solve`, and writes to `write`.
//! Start reading at [`Planner::query`].

use std::sync::Arc;

use compact_str::CompactString;
use cypher::ast::{
    self, Clause, ClauseKind, Expression, ExpressionKind, GraphReference, Name, PathPattern, Query, RetryTime,
    SingleQuery, SubqueryImports, UnionKind,
};
use types::{Code, Failure};

use super::eager::own_node;
use super::push::pushed_down;
use super::scope::{Held, Scope, Variable};
use super::{Pipe, Place, Planned, Planner, walk};
use crate::operator::{Apply, InTransactions, Inner, Plan, WhenInner};
use crate::prepare::Graphs;

impl Planner<'_> {
    /// Plans a query; each part of a union begins at `start`.
    pub(super) fn query(&mut self, query: &Query, start: &Pipe, place: Place) -> Result<Planned, Failure> {
        let first_slot = self.next_slot;
        if let (Place::Whole, Some(using)) = (place, &query.first.using) {
            self.about = self.graph_of(Some(using))?;
        }
        let mut whole = self.single(&query.first, self.part_start(&query.first, start, place)?, place)?;
        let mut last_slot = self.next_slot;
        for (kind, part) in &query.rest {
            self.next_slot = first_slot;
            let mut next = self.single(part, self.part_start(part, start, place)?, place)?;
            last_slot = last_slot.max(self.next_slot);
            let places: Option<Vec<usize>> =
                whole.columns.iter().map(|name| next.columns.iter().position(|other| other == name)).collect();
            let places = places.filter(|places| places.len() == next.columns.len()).ok_or_else(|| {
                let message = "All sub queries in an UNION must have the same return column names \
                               (DifferentColumnsInUnion)";
                self.syntax(part.span, message)
            })?;
            if places.iter().enumerate().any(|(at, place)| at != *place) {
                next.plan = self.put(Plan::Keep(next.plan, places), next.rows, "");
            }
            let rows = whole.rows + next.rows;
            let plan = self.put(Plan::Append(whole.plan, next.plan), rows, "");
            whole = Planned { plan, columns: whole.columns, scope: whole.scope, rows };
            // What is distinct later need not be made so before.
            if *kind == UnionKind::Distinct {
                whole.plan = self.put(Plan::Distinct(whole.plan), rows, whole.columns.join(", "));
            }
        }
        self.next_slot = last_slot;
        if !query.rest.is_empty() {
            // Parts of a union need not hold the same.
            whole.scope.0.iter_mut().for_each(|variable| (variable.held, variable.source) = (Held::Unknown, None));
        }
        Ok(whole)
    }

    fn single(&mut self, part: &SingleQuery, start: Pipe, place: Place) -> Result<Planned, Failure> {
        self.another_clause(part.span)?;
        let graph = self.graph;
        if let Some(using) = &part.using {
            self.graph = self.graph_of(Some(using))?;
        }
        let planned = match place {
            Place::Whole if self.is_by_cost => self.counted(part),
            Place::Whole | Place::Inside | Place::ByWith => None,
        };
        let planned = match planned {
            Some(planned) => Ok(planned),
            None => {
                let pushed = if self.is_by_cost { pushed_down(&part.clauses) } else { None };
                let imports = place == Place::ByWith && self.imports_by_with(part, &start.scope)?;
                self.clauses(pushed.as_deref().unwrap_or(&part.clauses), start, imports.then_some(1))
            }
        };
        self.graph = graph;
        planned
    }

    /// Gives what a part of a query begins with.
    fn part_start(&self, part: &SingleQuery, start: &Pipe, place: Place) -> Result<Pipe, Failure> {
        if place != Place::ByWith || self.imports_by_with(part, &start.scope)? {
            return Ok(start.clone());
        }
        Ok(Pipe { scope: Scope::default(), ..start.clone() })
    }

    /// Tells whether a part begins with a `WITH` that only names variables of the outer row.
    fn imports_by_with(&self, part: &SingleQuery, outer: &Scope) -> Result<bool, Failure> {
        let Some(Clause { kind: ClauseKind::With { projection, filter }, .. }) = part.clauses.first() else {
            return Ok(false);
        };
        let is_plain = |item: &ast::ProjectionItem| {
            matches!(&*item.expression.kind, ExpressionKind::Variable(name)
                if item.alias.as_ref().is_none_or(|alias| alias.text == name.text))
        };
        let broken = if !projection.items.iter().all(is_plain) {
            Some("Aliasing or expressions are not supported.")
        } else if filter.is_some() {
            Some("WHERE is not allowed.")
        } else if projection.distinct {
            Some("DISTINCT is not allowed.")
        } else if !projection.order.is_empty() {
            Some("ORDER BY is not allowed.")
        } else if projection.skip.is_some() {
            Some("SKIP is not allowed.")
        } else if projection.limit.is_some() {
            Some("LIMIT is not allowed.")
        } else {
            None
        };
        let Some(broken) = broken else { return Ok(true) };
        let mut names = Vec::new();
        projection.items.iter().for_each(|item| walk::variables(&item.expression, &mut names));
        if !projection.all && !names.iter().any(|name| outer.find(name).is_some()) {
            return Ok(false);
        }
        let message = format!("Importing WITH should consist only of simple references to outside variables. {broken}");
        Err(self.syntax(projection.span, &message))
    }

    /// Plans the clauses of a part. Its `USE` stands in front of them, or at `use_at`: behind what it takes in.
    fn clauses(&mut self, clauses: &[Clause], mut pipe: Pipe, use_at: Option<usize>) -> Result<Planned, Failure> {
        for (at, clause) in clauses.iter().enumerate() {
            match &clause.kind {
                ClauseKind::Return { projection } => {
                    let (pipe, columns) = self.projected(pipe, projection, None, true)?;
                    return Ok(Planned { plan: pipe.plan, columns, scope: pipe.scope, rows: pipe.rows });
                }
                ClauseKind::Use { graph } if use_at == Some(at) => self.graph = self.graph_of(Some(graph))?,
                ClauseKind::CallProcedure { name, arguments, yields, filter } if clauses.len() == 1 => {
                    pipe = self.call_procedure(pipe, name, arguments.as_deref(), yields, filter.as_ref(), true)?;
                }
                _ => pipe = self.clause(pipe, clause)?,
            }
        }
        // A procedure that stands alone returns what it yields.
        if let [Clause { kind: ClauseKind::CallProcedure { .. }, .. }] = clauses {
            let named: Vec<Variable> = pipe.scope.0.iter().filter(|variable| !variable.is_hidden()).cloned().collect();
            let slots: Vec<usize> = named.iter().map(|variable| variable.slot).collect();
            let columns: Vec<CompactString> = named.into_iter().map(|variable| variable.name).collect();
            if !columns.is_empty() {
                pipe.plan = self.put(Plan::Keep(pipe.plan, slots), pipe.rows, columns.join(", "));
            }
            return Ok(Planned { plan: pipe.plan, columns, scope: pipe.scope, rows: pipe.rows });
        }
        Ok(Planned { plan: pipe.plan, columns: Vec::new(), scope: Scope::default(), rows: pipe.rows })
    }

    /// Plans one clause on top of what there is; `RETURN` is not among them.
    pub(super) fn clause(&mut self, mut pipe: Pipe, clause: &Clause) -> Result<Pipe, Failure> {
        self.another_clause(clause.span)?;
        match &clause.kind {
            ClauseKind::Match { optional, patterns, graph, hints, filter } => {
                if pipe.writes {
                    pipe = self.eager(pipe);
                }
                let source = self.graph_of_patterns(graph.as_ref(), patterns, &pipe.scope)?;
                self.hints.clone_from(hints);
                let matched = match optional {
                    false => self.matched(pipe, patterns, filter.as_ref(), Some(source)),
                    true => self.optional(pipe, patterns, filter.as_ref(), source),
                };
                self.hints.clear();
                matched
            }
            ClauseKind::Unwind { list, variable } => self.unwind(pipe, list, variable),
            ClauseKind::With { projection, filter } => {
                if projection.items.iter().any(|item| {
                    item.alias.is_none() && !matches!(&*item.expression.kind, cypher::ast::ExpressionKind::Variable(_))
                }) {
                    let message = "Expression in WITH must be aliased (use AS) (NoExpressionAlias)";
                    return Err(self.syntax(projection.span, message));
                }
                Ok(self.projected(pipe, projection, filter.as_ref(), false)?.0)
            }
            ClauseKind::Create { patterns, graph } => self.create(pipe, patterns, graph.as_ref(), clause.span),
            ClauseKind::Merge { pattern, graph, on_create, on_match } => {
                self.merge(pipe, pattern, graph.as_ref(), (on_create, on_match), clause.span)
            }
            ClauseKind::Set { items, graph } => self.set(pipe, items, graph.as_ref(), clause.span),
            ClauseKind::Remove { items } => self.remove(pipe, items, clause.span),
            ClauseKind::Delete { detach, targets, graph } => {
                self.delete(pipe, targets, *detach, graph.as_ref(), clause.span)
            }
            ClauseKind::Foreach { variable, list, body } => self.foreach(pipe, variable, list, body),
            ClauseKind::LoadCsv { headers, source, variable, terminator } => {
                self.load_csv(pipe, *headers, source, variable, terminator.as_deref())
            }
            ClauseKind::CallProcedure { name, arguments, yields, filter } => {
                self.call_procedure(pipe, name, arguments.as_deref(), yields, filter.as_ref(), false)
            }
            ClauseKind::CallSubquery { imports, query, transactions, optional } => {
                if imports.is_none() {
                    self.notify_of_old_call(&imported(query, &pipe.scope), clause.span);
                }
                self.call_subquery(pipe, imports.as_ref(), query, *optional, transactions.as_ref())
            }
            ClauseKind::Finish => Ok(pipe),
            ClauseKind::Return { .. } => {
                Err(self
                    .syntax(clause.span, "RETURN can only be used at the end of the query (InvalidClauseComposition)"))
            }
            ClauseKind::Use { .. } => Err(self.syntax(
                clause.span,
                "Invalid placement of USE clause. The `USE` clause must be the first clause of a query or an operand to \
                 `UNION`. In a `CALL` subquery, it can also be the second clause if the first clause is an importing `WITH`.",
            )),
        }
    }

    /// Finds the graph of a pattern: the one that is named, or that of the entities at which it begins.
    pub(super) fn graph_of_patterns(
        &mut self,
        reference: Option<&GraphReference>,
        patterns: &[PathPattern],
        scope: &Scope,
    ) -> Result<u16, Failure> {
        let mut found: Option<(u16, &Name)> = None;
        for name in patterns.iter().flat_map(super::pattern::own_variables) {
            let Some(source) = scope.find(&name.text).and_then(|variable| variable.source) else { continue };
            match found {
                Some((other, first)) if other != source => {
                    let message = format!(
                        "`{}` and `{}` are of different databases; a pattern lies in one",
                        first.text, name.text
                    );
                    return Err(self.error(name.span, Code::SemanticError, &message));
                }
                _ => found = Some((source, name)),
            }
        }
        let Some((source, name)) = found else { return self.graph_of(reference) };
        if reference.is_some() && self.graph_of(reference)? != source {
            let message = format!(
                "`{}` is of database `{}`, and this clause looks in another one",
                name.text,
                self.graphs.source(source).database()
            );
            return Err(self.error(name.span, Code::SemanticError, &message));
        }
        Ok(source)
    }

    fn optional(
        &mut self,
        pipe: Pipe,
        patterns: &[PathPattern],
        filter: Option<&Expression>,
        source: u16,
    ) -> Result<Pipe, Failure> {
        let number = self.fresh_slot();
        let first = self.next_slot;
        let inner = self.matched(Pipe::inside(pipe.scope.clone(), pipe.rows), patterns, filter, Some(source))?;
        let filled = (first..self.next_slot).collect();
        let rows = inner.rows.max(pipe.rows);
        let how = Inner { when: WhenInner::Optional, number, filled };
        let plan = self.put(Plan::Inner(pipe.plan, inner.plan, how), rows, "");
        Ok(Pipe { plan, scope: inner.scope, rows, reads: true, writes: pipe.writes })
    }

    fn unwind(&mut self, mut pipe: Pipe, list: &Expression, variable: &Name) -> Result<Pipe, Failure> {
        if pipe.writes && walk::reads_graph(list) {
            pipe = self.eager(pipe);
        }
        self.check_free(&pipe.scope, &variable.text, variable.span)?;
        if walk::has_aggregate(list) {
            let message = "Can't use aggregate functions in UNWIND (InvalidAggregation); put them into a WITH first";
            return Err(self.syntax(list.span, message));
        }
        let rows = pipe.rows * 10.0;
        let details = format!("{list} AS {}", variable.text);
        let range = match &*list.kind {
            ExpressionKind::Call { name, arguments, .. }
                if self.is_by_cost && name.text.eq_ignore_ascii_case("range") && (2..=3).contains(&arguments.len()) =>
            {
                Some(arguments)
            }
            _ => None,
        };
        let item;
        let plan = match range {
            // Its numbers are made as they are wanted.
            Some(bounds) => {
                let bounds = bounds.iter().map(|bound| self.compile(bound, &pipe.scope)).collect::<Result<_, _>>()?;
                item = self.fresh_slot();
                Plan::Range { input: pipe.plan, bounds, item }
            }
            None => {
                let list = self.compile(list, &pipe.scope)?;
                item = self.fresh_slot();
                Plan::Unwind { input: pipe.plan, list, item }
            }
        };
        pipe.plan = self.put(plan, rows, details);
        pipe.rows = rows;
        pipe.scope.add(Variable { name: variable.text.clone(), slot: item, held: Held::Unknown, source: None });
        Ok(pipe)
    }

    fn call_subquery(
        &mut self,
        mut pipe: Pipe,
        imports: Option<&SubqueryImports>,
        query: &Query,
        optional: bool,
        transactions: Option<&ast::InTransactions>,
    ) -> Result<Pipe, Failure> {
        let scope = match imports {
            Some(SubqueryImports::All) => pipe.scope.clone(),
            Some(SubqueryImports::Names(names)) => {
                let mut scope = Scope::default();
                for name in names {
                    let Some(variable) = pipe.scope.find(&name.text) else {
                        let message = format!("Variable `{}` not defined (UndefinedVariable)", name.text);
                        return Err(self.syntax(name.span, &message));
                    };
                    scope.add(variable.clone());
                }
                scope
            }
            None => pipe.scope.clone(),
        };
        let (outer, place) = match imports {
            Some(_) => (scope.0.iter().filter(|variable| !variable.is_hidden()).cloned().collect(), Place::Inside),
            None => (Vec::new(), Place::ByWith),
        };
        let wrote = self.writes;
        let first = self.next_slot;
        let around = std::mem::replace(&mut self.outer, outer);
        let inner = self.query(query, &Pipe::inside(scope, 1.0), place)?;
        (self.next_slot, self.outer) = (first, around);
        let writes = query_writes(query, self.graphs);
        debug_assert!(writes || wrote == self.writes, "only a query with writing clauses writes");
        // A row then changes nothing that a later one is read from: the first batch need not wait for the last row.
        let is_apart = transactions.is_some() && own_node(&pipe.plan).is_some() && changes_only(query);
        if pipe.writes || (writes && pipe.reads && !is_apart) {
            pipe = self.eager(pipe);
        }
        let mut filled = Vec::new();
        for (from, name) in inner.columns.iter().enumerate() {
            if pipe.scope.find(name).is_some() {
                let message = format!("Variable `{name}` already declared in outer scope (VariableAlreadyBound)");
                return Err(self.syntax(query.first.span, &message));
            }
            let to = self.fresh_slot();
            let before = inner.scope.find(name);
            let held = before.map_or(Held::Unknown, |variable| variable.held);
            let source = before.and_then(|variable| variable.source);
            pipe.scope.add(Variable { name: name.clone(), slot: to, held, source });
            filled.push((from, to));
        }
        let unit = inner.columns.is_empty();
        let rows = if unit { pipe.rows } else { pipe.rows * inner.rows };
        let apply = Apply { filled, optional, unit };
        let Some(transactions) = transactions else {
            let plan = self.put(Plan::Apply(pipe.plan, inner.plan, apply), rows, "");
            return Ok(Pipe { plan, scope: pipe.scope, rows, reads: true, writes });
        };
        let how = self.in_transactions(&mut pipe.scope, apply, transactions)?;
        let plan = self.put(Plan::Transactions(pipe.plan, inner.plan, how), rows, transactions.to_string());
        // Whatever changes the graph after it waits for the last batch.
        Ok(Pipe { plan, scope: pipe.scope, rows, reads: true, writes: true })
    }

    fn in_transactions(
        &mut self,
        scope: &mut Scope,
        apply: Apply,
        transactions: &ast::InTransactions,
    ) -> Result<InTransactions, Failure> {
        self.in_transactions = true;
        let nothing = Scope::default();
        let rows = transactions.rows.as_ref().map(|rows| self.compile(rows, &nothing)).transpose()?;
        let retry = match &transactions.retry {
            None => None,
            Some(RetryTime::Default) => Some(None),
            Some(RetryTime::Seconds(seconds)) => Some(Some(self.compile(seconds, &nothing)?)),
        };
        let report = match &transactions.report {
            None => None,
            Some(name) => {
                self.check_free(scope, &name.text, name.span)?;
                let slot = self.fresh_slot();
                scope.add(Variable { name: name.text.clone(), slot, held: Held::Unknown, source: None });
                Some(slot)
            }
        };
        Ok(InTransactions { apply, rows, retry, on_error: transactions.on_error, report })
    }

    /// Runs an inner plan of a clause for each row, keeping the slots that it fills.
    pub(super) fn inner_clauses(&mut self, scope: Scope, body: &[Clause]) -> Result<Arc<Plan>, Failure> {
        let first = self.next_slot;
        let mut pipe = Pipe::inside(scope, 1.0);
        for clause in body {
            pipe = self.clause(pipe, clause)?;
        }
        self.next_slot = first;
        Ok(pipe.plan)
    }
}

/// Tells whether a query changes and deletes what it is given, and neither finds nor makes anything.
fn changes_only(query: &Query) -> bool {
    let changes = |clause: &Clause| match &clause.kind {
        ClauseKind::With { projection, filter } => {
            let values = projection.items.iter().map(|item| &item.expression);
            !values.chain(filter).any(walk::reads_graph)
        }
        ClauseKind::Set { .. } | ClauseKind::Remove { .. } | ClauseKind::Delete { .. } | ClauseKind::Finish => true,
        _ => false,
    };
    query.rest.is_empty() && query.first.clauses.iter().all(changes)
}

/// Tells whether a query changes data.
fn query_writes(query: &Query, graphs: &dyn Graphs) -> bool {
    let parts = std::iter::once(&query.first).chain(query.rest.iter().map(|(_, part)| part));
    parts.flat_map(|part| &part.clauses).any(|clause| match &clause.kind {
        ClauseKind::Create { .. }
        | ClauseKind::Merge { .. }
        | ClauseKind::Set { .. }
        | ClauseKind::Remove { .. }
        | ClauseKind::Delete { .. }
        | ClauseKind::Foreach { .. } => true,
        ClauseKind::CallSubquery { query, .. } => query_writes(query, graphs),
        ClauseKind::CallProcedure { name, .. } => {
            graphs.procedure(&name.text).is_some_and(|procedure| procedure.signature().writes)
        }
        _ => false,
    })
}

/// Names the outer variables that a subquery takes in by the `WITH` at its beginning.
fn imported<'q>(query: &'q Query, outer: &Scope) -> Vec<&'q str> {
    let Some(Clause { kind: ClauseKind::With { projection, .. }, .. }) = query.first.clauses.first() else {
        return Vec::new();
    };
    if projection.all {
        return vec!["*"];
    }
    let of = |item: &'q ast::ProjectionItem| match &*item.expression.kind {
        ExpressionKind::Variable(name) => Some(name.text.as_str()),
        _ => None,
    };
    projection.items.iter().filter_map(of).filter(|name| outer.find(name).is_some()).collect()
}
