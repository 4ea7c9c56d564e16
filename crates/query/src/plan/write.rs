//! Clauses that change the graph.
//! Leaves what a change does to [`crate::operator`].
//! Start reading at [`Planner::create`].

use compact_str::CompactString;
use cypher::ast::{
    Clause, Expression, ExpressionKind, GraphReference, LabelExpression, LabelName, Name, NodePattern, PathPattern,
    PatternElement, RelationshipPattern, RemoveItem, SetItem, Span,
};
use types::{Code, Direction, Failure};

use super::eager::Written;
use super::scope::{Held, Scope, Variable};
use super::{Pipe, Planner, walk};
use crate::expression::Compiled;
use crate::operator::{Change, Create, CreateNode, CreateRelationship, LabelSource, Merge, Plan, PropertySource};

impl Planner<'_> {
    /// Makes rows ready for a write: nothing is read any more that the write could change.
    fn before_write(&mut self, pipe: Pipe, reads_graph: bool, written: Option<&Written>) -> Pipe {
        let meets = || !self.is_by_cost || written.is_none_or(|written| written.meets(&pipe.plan));
        if (pipe.writes && reads_graph) || (pipe.reads && meets()) { self.eager(pipe) } else { pipe }
    }

    pub(super) fn create(
        &mut self,
        pipe: Pipe,
        patterns: &[PathPattern],
        graph: Option<&GraphReference>,
        span: Span,
    ) -> Result<Pipe, Failure> {
        let source = self.graph_of_patterns(graph, patterns, &pipe.scope)?;
        self.writes(source, span)?;
        let reads = patterns.iter().any(pattern_reads);
        let written = Written::created(patterns, &pipe.scope);
        let mut pipe = self.before_write(pipe, reads, Some(&written));
        let mut before = pipe.scope.clone();
        let mut create = Create { source, nodes: Vec::new(), relationships: Vec::new() };
        let mut paths = Vec::new();
        for pattern in patterns {
            if mentions_new(pattern, &before, &pipe.scope) {
                // What this one reads must be made first.
                let made =
                    std::mem::replace(&mut create, Create { source, nodes: Vec::new(), relationships: Vec::new() });
                pipe.plan = self.put(Plan::Create(pipe.plan, made), pipe.rows, "");
                before = pipe.scope.clone();
            }
            let path = self.made(&mut create, &before, &mut pipe.scope, pattern)?;
            if let (Some(name), Some(path)) = (&pattern.variable, path) {
                self.check_free(&pipe.scope, &name.text, name.span)?;
                let slot = self.fresh_slot();
                pipe.scope.add(Variable { name: name.text.clone(), slot, held: Held::Path, source: Some(source) });
                paths.push((slot, path));
            }
        }
        let details = patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        pipe.plan = self.put(Plan::Create(pipe.plan, create), pipe.rows, details);
        if !paths.is_empty() {
            pipe.plan = self.put(Plan::Compute(pipe.plan, paths), pipe.rows, "");
        }
        pipe.writes = true;
        Ok(pipe)
    }

    /// Adds what a pattern makes; gives its path.
    fn made(
        &mut self,
        create: &mut Create,
        before: &Scope,
        scope: &mut Scope,
        pattern: &PathPattern,
    ) -> Result<Option<Compiled>, Failure> {
        let mut elements = pattern.elements.iter();
        let Some(PatternElement::Node(first)) = elements.next() else { return Ok(None) };
        let is_alone = pattern.elements.len() == 1;
        let start = self.made_node(create, before, scope, first, is_alone)?;
        let mut left = start;
        let mut relationships = Vec::new();
        while let (Some(PatternElement::Relationship(relationship)), Some(PatternElement::Node(node))) =
            (elements.next(), elements.next())
        {
            let right = self.made_node(create, before, scope, node, false)?;
            let slot = self.made_relationship(create, before, scope, relationship, (left, right))?;
            relationships.push(slot);
            left = right;
        }
        Ok(Some(Compiled::Path { start, relationships }))
    }

    fn made_node(
        &mut self,
        create: &mut Create,
        before: &Scope,
        scope: &mut Scope,
        node: &NodePattern,
        is_alone: bool,
    ) -> Result<usize, Failure> {
        if let Some(name) = &node.variable
            && let Some(known) = scope.find(&name.text)
        {
            if !matches!(known.held, Held::Node | Held::Unknown) {
                return Err(self.conflict(name, "Node", known.held));
            }
            if is_alone || node.labels.is_some() || node.properties.is_some() {
                let message = format!(
                    "Can't create node `{}` with labels or properties here. The variable is already declared in this \
                     context (VariableAlreadyBound)",
                    name.text
                );
                return Err(self.syntax(name.span, &message));
            }
            return Ok(known.slot);
        }
        let slot = self.fresh_slot();
        let labels = self.made_labels(node.labels.as_ref(), before, node.span)?;
        let properties = self.made_properties(node.properties.as_ref(), before)?;
        create.nodes.push(CreateNode { slot, labels, properties });
        if let Some(name) = &node.variable {
            scope.add(Variable { name: name.text.clone(), slot, held: Held::Node, source: Some(create.source) });
        }
        Ok(slot)
    }

    fn made_relationship(
        &mut self,
        create: &mut Create,
        before: &Scope,
        scope: &mut Scope,
        relationship: &RelationshipPattern,
        (left, right): (usize, usize),
    ) -> Result<usize, Failure> {
        if let Some(name) = &relationship.variable {
            self.check_free(scope, &name.text, name.span)?;
        }
        let slot = self.fresh_slot();
        let mut kinds = self.made_labels(relationship.types.as_ref(), before, relationship.span)?;
        let (Some(kind), true) = (kinds.pop(), kinds.is_empty()) else {
            let message = "A single relationship type must be specified for CREATE (NoSingleRelationshipType)";
            return Err(self.syntax(relationship.span, message));
        };
        let (start, end) = if relationship.direction == Direction::Incoming { (right, left) } else { (left, right) };
        let properties = self.made_properties(relationship.properties.as_ref(), before)?;
        let names = [start, end].map(|slot| scope.name_of(slot).unwrap_or_default().into());
        create.relationships.push(CreateRelationship { slot, kind, start, end, names, properties });
        if let Some(name) = &relationship.variable {
            let source = Some(create.source);
            scope.add(Variable { name: name.text.clone(), slot, held: Held::Relationship, source });
        }
        Ok(slot)
    }

    fn made_labels(
        &mut self,
        labels: Option<&LabelExpression>,
        scope: &Scope,
        span: Span,
    ) -> Result<Vec<LabelSource>, Failure> {
        match labels {
            None => Ok(Vec::new()),
            Some(LabelExpression::Name(name)) => Ok(vec![LabelSource::Name(name.text.clone())]),
            Some(LabelExpression::Dynamic(name)) => Ok(vec![LabelSource::Dynamic(self.compile(name, scope)?)]),
            Some(LabelExpression::And(parts)) => {
                let parts = parts.iter().map(|part| self.made_labels(Some(part), scope, span));
                Ok(parts.collect::<Result<Vec<_>, _>>()?.concat())
            }
            Some(_) => Err(self.syntax(span, "Something new takes plain names: (:A:B), -[:T]->")),
        }
    }

    fn made_properties(&mut self, properties: Option<&Expression>, scope: &Scope) -> Result<PropertySource, Failure> {
        let Some(properties) = properties else { return Ok(PropertySource::Each(Vec::new())) };
        if walk::has_aggregate(properties) {
            let message = "Can't use aggregate functions here (InvalidAggregation); put them into a WITH first";
            return Err(self.syntax(properties.span, message));
        }
        match &*properties.kind {
            ExpressionKind::Map(entries) => {
                let each = entries.iter().map(|(key, value)| Ok((key.text.clone(), self.compile(value, scope)?)));
                Ok(PropertySource::Each(each.collect::<Result<_, Failure>>()?))
            }
            _ => Ok(PropertySource::Map(self.compile(properties, scope)?)),
        }
    }

    pub(super) fn merge(
        &mut self,
        mut pipe: Pipe,
        pattern: &PathPattern,
        graph: Option<&GraphReference>,
        (on_create, on_match): (&[SetItem], &[SetItem]),
        span: Span,
    ) -> Result<Pipe, Failure> {
        let patterns = std::slice::from_ref(pattern);
        let source = self.graph_of_patterns(graph, patterns, &pipe.scope)?;
        self.writes(source, span)?;
        if pipe.reads || pipe.writes {
            pipe = self.eager(pipe);
        }
        let before = pipe.scope.clone();
        self.check_merged(pattern, &before)?;
        // What has no name gets one: what is made goes where what is found would be.
        let named = named(pattern, self.next_slot);
        let first = self.next_slot;
        let found =
            self.matched(Pipe::inside(before.clone(), 1.0), std::slice::from_ref(&named), None, Some(source))?;
        let filled: Vec<usize> = (first..self.next_slot).collect();
        let mut create = Create { source, nodes: Vec::new(), relationships: Vec::new() };
        let mut scope = before.clone();
        let path = self.made(&mut create, &before, &mut scope, &named)?;
        let moved = |slot: usize| {
            let name = scope.name_of(slot);
            name.and_then(|name| found.scope.slot(name)).unwrap_or(slot)
        };
        for node in &mut create.nodes {
            node.slot = moved(node.slot);
        }
        for relationship in &mut create.relationships {
            relationship.slot = moved(relationship.slot);
            (relationship.start, relationship.end) = (moved(relationship.start), moved(relationship.end));
        }
        let mut made = Vec::new();
        if let (Some(name), Some(Compiled::Path { start, relationships })) = (&named.variable, path) {
            let relationships = relationships.into_iter().map(moved).collect();
            let path = Compiled::Path { start: moved(start), relationships };
            let slot = found.scope.slot(&name.text).expect("the pattern's path has that name");
            made.push((slot, path));
        }
        pipe.scope = found.scope;
        let on_create = self.changes(on_create, &pipe.scope)?;
        let on_match = self.changes(on_match, &pipe.scope)?;
        let how = Merge { find: found.plan, filled, create, made, on_create, on_match };
        pipe.plan = self.put(Plan::Merge(pipe.plan, how), pipe.rows, pattern.to_string());
        pipe.writes = true;
        Ok(pipe)
    }

    /// Nothing that a row has before can be merged again.
    fn check_merged(&self, pattern: &PathPattern, scope: &Scope) -> Result<(), Failure> {
        if let Some(name) = &pattern.variable {
            self.check_free(scope, &name.text, name.span)?;
        }
        for element in &pattern.elements {
            match element {
                PatternElement::Node(NodePattern { variable: Some(name), labels, properties, .. }) => {
                    let says_more = labels.is_some() || properties.is_some() || pattern.elements.len() == 1;
                    if says_more {
                        self.check_free(scope, &name.text, name.span)?;
                    }
                }
                PatternElement::Relationship(RelationshipPattern { variable: Some(name), .. }) => {
                    self.check_free(scope, &name.text, name.span)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn set(
        &mut self,
        pipe: Pipe,
        items: &[SetItem],
        graph: Option<&GraphReference>,
        span: Span,
    ) -> Result<Pipe, Failure> {
        let source = graph.map(|graph| self.graph_of(Some(graph))).transpose()?;
        for item in items {
            let of = match item {
                SetItem::Property { target, .. } | SetItem::DynamicProperty { target, .. } => {
                    self.source_of(target, &pipe.scope, source)?
                }
                SetItem::Replace { variable, .. }
                | SetItem::Merge { variable, .. }
                | SetItem::Labels { variable, .. } => {
                    let target = super::pattern::variable_of(&variable.text, variable.span);
                    self.source_of(&target, &pipe.scope, source)?
                }
            };
            self.writes(of, span)?;
        }
        // `SET n.x = n.x + 1` reads of a row what it changes of the same row, and must see what other rows changed.
        let written = Written::set(items, &pipe.scope);
        let mut pipe = self.before_write(pipe, true, Some(&written));
        let changes = self.changes(items, &pipe.scope)?;
        let details = items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        pipe.plan = self.put(Plan::Change(pipe.plan, changes), pipe.rows, details);
        pipe.writes = true;
        Ok(pipe)
    }

    /// Finds the graph that a change to an entity writes.
    fn source_of(&mut self, target: &Expression, scope: &Scope, named: Option<u16>) -> Result<u16, Failure> {
        let known = match &*target.kind {
            ExpressionKind::Variable(name) => scope.find(&name.text).and_then(|variable| variable.source),
            _ => None,
        };
        match (known, named) {
            (Some(known), Some(named)) if known != named => {
                let message = format!(
                    "`{target}` is of database `{}`, and this clause names another one",
                    self.graphs.source(known).database()
                );
                Err(self.error(target.span, Code::SemanticError, &message))
            }
            (known, named) => Ok(known.or(named).unwrap_or(self.graph)),
        }
    }

    fn changes(&mut self, items: &[SetItem], scope: &Scope) -> Result<Vec<Change>, Failure> {
        items
            .iter()
            .map(|item| {
                Ok(match item {
                    SetItem::Property { target, key, value } => {
                        Change::Property(self.compile(target, scope)?, key.text.clone(), self.value(value, scope)?)
                    }
                    SetItem::DynamicProperty { target, key, value } => Change::DynamicProperty(
                        self.compile(target, scope)?,
                        self.compile(key, scope)?,
                        self.value(value, scope)?,
                    ),
                    SetItem::Replace { variable, value } => {
                        Change::Replace(self.variable(variable, scope)?, self.value(value, scope)?)
                    }
                    SetItem::Merge { variable, value } => {
                        Change::Merge(self.variable(variable, scope)?, self.value(value, scope)?)
                    }
                    SetItem::Labels { variable, labels } => {
                        Change::AddLabels(self.variable(variable, scope)?, self.label_names(labels, scope)?)
                    }
                })
            })
            .collect()
    }

    fn value(&mut self, value: &Expression, scope: &Scope) -> Result<Compiled, Failure> {
        if walk::has_aggregate(value) {
            let message = "Can't use aggregate functions in SET (InvalidAggregation); put them into a WITH first";
            return Err(self.syntax(value.span, message));
        }
        self.compile(value, scope)
    }

    fn variable(&mut self, name: &Name, scope: &Scope) -> Result<Compiled, Failure> {
        let expression = super::pattern::variable_of(&name.text, name.span);
        self.compile(&expression, scope)
    }

    fn label_names(&mut self, labels: &[LabelName], scope: &Scope) -> Result<Vec<LabelSource>, Failure> {
        labels
            .iter()
            .map(|label| {
                Ok(match label {
                    LabelName::Name(name) => LabelSource::Name(name.text.clone()),
                    LabelName::Dynamic(name) => LabelSource::Dynamic(self.compile(name, scope)?),
                })
            })
            .collect()
    }

    pub(super) fn remove(&mut self, pipe: Pipe, items: &[RemoveItem], span: Span) -> Result<Pipe, Failure> {
        let written = Written::removed(items, &pipe.scope);
        let mut pipe = self.before_write(pipe, true, Some(&written));
        let null = || Compiled::Constant(types::Value::Null);
        let mut changes = Vec::new();
        for item in items {
            let (target, change) = match item {
                RemoveItem::Property { target, key } => {
                    let compiled = self.compile(target, &pipe.scope)?;
                    (target.clone(), Change::Property(compiled, key.text.clone(), null()))
                }
                RemoveItem::DynamicProperty { target, key } => {
                    let compiled = self.compile(target, &pipe.scope)?;
                    (target.clone(), Change::DynamicProperty(compiled, self.compile(key, &pipe.scope)?, null()))
                }
                RemoveItem::Labels { variable, labels } => {
                    let target = super::pattern::variable_of(&variable.text, variable.span);
                    let compiled = self.compile(&target, &pipe.scope)?;
                    (target, Change::RemoveLabels(compiled, self.label_names(labels, &pipe.scope)?))
                }
            };
            let source = self.source_of(&target, &pipe.scope, None)?;
            self.writes(source, span)?;
            changes.push(change);
        }
        let details = items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        pipe.plan = self.put(Plan::Change(pipe.plan, changes), pipe.rows, details);
        pipe.writes = true;
        Ok(pipe)
    }

    pub(super) fn delete(
        &mut self,
        pipe: Pipe,
        targets: &[Expression],
        detach: bool,
        graph: Option<&GraphReference>,
        span: Span,
    ) -> Result<Pipe, Failure> {
        let named = graph.map(|graph| self.graph_of(Some(graph))).transpose()?;
        let written = Written::deleted(targets, &pipe.scope);
        let mut pipe = self.before_write(pipe, targets.iter().any(walk::reads_graph), Some(&written));
        let mut compiled = Vec::new();
        for target in targets {
            if super::project::held(target, &pipe.scope).0 == Held::Plain || is_sum(target) {
                let message = "Type mismatch: expected Node, Path or Relationship (InvalidArgumentType)";
                return Err(self.syntax(target.span, message));
            }
            let source = self.source_of(target, &pipe.scope, named)?;
            self.writes(source, span)?;
            compiled.push(self.compile(target, &pipe.scope)?);
        }
        let details = targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let plan = Plan::Delete { input: pipe.plan, targets: compiled, detach };
        pipe.plan = self.put(plan, pipe.rows, details);
        pipe.writes = true;
        Ok(pipe)
    }

    pub(super) fn foreach(
        &mut self,
        pipe: Pipe,
        variable: &Name,
        list: &Expression,
        body: &[Clause],
    ) -> Result<Pipe, Failure> {
        let mut pipe = self.before_write(pipe, true, None);
        self.check_free(&pipe.scope, &variable.text, variable.span)?;
        let compiled = self.compile(list, &pipe.scope)?;
        let first = self.next_slot;
        let item = self.fresh_slot();
        let mut scope = pipe.scope.clone();
        scope.add(Variable { name: variable.text.clone(), slot: item, held: Held::Unknown, source: None });
        let inner = self.inner_clauses(scope, body)?;
        self.next_slot = first;
        let details = format!("{} IN {list}", variable.text);
        let plan = Plan::Foreach { input: pipe.plan, list: compiled, item, body: inner };
        pipe.plan = self.put(plan, pipe.rows, details);
        pipe.writes = true;
        Ok(pipe)
    }
}

/// Tells whether a pattern's properties may read what a write changes.
fn pattern_reads(pattern: &PathPattern) -> bool {
    pattern.elements.iter().any(|element| match element {
        PatternElement::Node(node) => node.properties.as_ref().is_some_and(walk::reads_graph),
        PatternElement::Relationship(found) => found.properties.as_ref().is_some_and(walk::reads_graph),
        PatternElement::Quantified(_) => true,
    })
}

/// Tells whether a pattern's properties mention what the same clause makes.
fn mentions_new(pattern: &PathPattern, before: &Scope, now: &Scope) -> bool {
    let mut names = Vec::new();
    for element in &pattern.elements {
        let properties = match element {
            PatternElement::Node(node) => &node.properties,
            PatternElement::Relationship(found) => &found.properties,
            PatternElement::Quantified(_) => continue,
        };
        properties.iter().for_each(|properties| walk::variables(properties, &mut names));
    }
    names.iter().any(|name| before.find(name).is_none() && now.find(name).is_some())
}

/// Gives every element of a pattern a name that nothing else has.
fn named(pattern: &PathPattern, number: usize) -> PathPattern {
    let mut named = pattern.clone();
    for (at, element) in named.elements.iter_mut().enumerate() {
        let name = |span| Name { text: CompactString::from(format!(" m{number}.{at}")), span };
        match element {
            PatternElement::Node(node) => {
                let span = node.span;
                node.variable.get_or_insert_with(|| name(span));
            }
            PatternElement::Relationship(found) => {
                let span = found.span;
                found.variable.get_or_insert_with(|| name(span));
            }
            PatternElement::Quantified(_) => {}
        }
    }
    named
}

fn is_sum(expression: &Expression) -> bool {
    matches!(&*expression.kind, ExpressionKind::Binary(..) | ExpressionKind::Unary(..))
}
