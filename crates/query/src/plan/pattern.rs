//! From the patterns of a clause to their logical form: names bound, shorthand spelled out as conditions.
//! Leaves the order of reading to `solve`.
//! Start reading at [`Planner::matched`].

use std::collections::BTreeSet;

use compact_str::CompactString;
use cypher::ast::{
    BinaryOperator, Expression, ExpressionKind, LabelExpression, Name, NodePattern, PathPattern, PathSelector,
    PatternElement, QuantifierKind, RelationshipPattern, Span,
};
use types::{Code, Failure};

use super::graph::{PatternGraph, PatternNode, PatternPath, PatternRelationship, Predicate};
use super::scope::{Held, Scope, Variable};
use super::{Pipe, Planner, seek, walk};

impl Planner<'_> {
    /// Plans a `MATCH` on top of what there is.
    pub(super) fn matched(
        &mut self,
        pipe: Pipe,
        patterns: &[PathPattern],
        filter: Option<&Expression>,
        source: Option<u16>,
    ) -> Result<Pipe, Failure> {
        let source = match source {
            Some(source) => source,
            None => self.graph_of_patterns(None, patterns, &pipe.scope)?,
        };
        let graph = self.pattern_graph(&pipe.scope, patterns, filter, source)?;
        self.solved(pipe, graph)
    }

    fn pattern_graph(
        &mut self,
        scope: &Scope,
        patterns: &[PathPattern],
        filter: Option<&Expression>,
        source: u16,
    ) -> Result<PatternGraph, Failure> {
        let mut graph = PatternGraph {
            source,
            scope: scope.clone(),
            nodes: Vec::new(),
            relationships: Vec::new(),
            predicates: Vec::new(),
            paths: Vec::new(),
        };
        let mut conditions = Vec::new();
        for pattern in patterns {
            self.add_path(&mut graph, scope, pattern, &mut conditions)?;
        }
        if let Some(filter) = filter {
            if walk::has_aggregate(filter) {
                let message = "Invalid use of aggregating function in WHERE (InvalidAggregation); use WITH first";
                return Err(self.syntax(filter.span, message));
            }
            conjuncts(filter, &mut conditions);
        }
        graph.predicates = conditions.into_iter().map(|condition| predicate(&graph, condition)).collect();
        Ok(graph)
    }

    fn add_path(
        &mut self,
        graph: &mut PatternGraph,
        before: &Scope,
        pattern: &PathPattern,
        conditions: &mut Vec<Expression>,
    ) -> Result<(), Failure> {
        let shortest = match pattern.selector {
            PathSelector::All => None,
            PathSelector::ShortestPath => Some(false),
            PathSelector::AllShortestPaths => Some(true),
            _ => {
                let message = "Path selectors like SHORTEST k are not supported yet; use shortestPath((a)-[*]-(b))";
                return Err(self.error(pattern.span, Code::UnsupportedCommand, message));
            }
        };
        let mut elements = pattern.elements.iter();
        let mut left = match elements.next() {
            Some(PatternElement::Node(node)) => self.add_node(graph, before, node, conditions)?,
            _ => return Err(self.quantified(pattern.span)),
        };
        let start = left;
        let mut relationships = Vec::new();
        while let (Some(relationship), Some(node)) = (elements.next(), elements.next()) {
            let (PatternElement::Relationship(relationship), PatternElement::Node(node)) = (relationship, node) else {
                return Err(self.quantified(pattern.span));
            };
            let right = self.add_node(graph, before, node, conditions)?;
            relationships.push(graph.relationships.len());
            self.add_relationship(graph, before, relationship, (left, right), shortest, conditions)?;
            left = right;
        }
        if shortest.is_some() && relationships.len() != 1 {
            let message = "shortestPath(...) requires a pattern containing a single relationship";
            return Err(self.syntax(pattern.span, message));
        }
        if let Some(name) = &pattern.variable {
            self.check_free(&graph.scope, &name.text, name.span)?;
            let slot = self.fresh_slot();
            graph.scope.add(Variable { name: name.text.clone(), slot, held: Held::Path, source: Some(graph.source) });
            graph.paths.push(PatternPath { slot, name: name.text.clone(), start, relationships });
        }
        Ok(())
    }

    fn quantified(&self, span: Span) -> Failure {
        let message = "Quantified path patterns are not supported yet; use -[:T*1..3]->";
        self.error(span, Code::UnsupportedCommand, message)
    }

    fn add_node(
        &mut self,
        graph: &mut PatternGraph,
        before: &Scope,
        node: &NodePattern,
        conditions: &mut Vec<Expression>,
    ) -> Result<usize, Failure> {
        let place = match &node.variable {
            Some(name) => self.named_node(graph, before, name)?,
            None => {
                let slot = self.fresh_slot();
                let name = CompactString::from(format!(" n{slot}"));
                self.new_node(graph, name, slot, false)
            }
        };
        let name = Name { text: graph.nodes[place].name.clone(), span: node.span };
        if let Some(labels) = &node.labels {
            add_labels(&name, labels, conditions);
            let mut sure = Vec::new();
            sure_labels(labels, &mut sure);
            graph.nodes[place].labels.extend(sure);
        }
        if let Some(properties) = &node.properties {
            self.add_properties(&name, properties, conditions)?;
        }
        if let Some(filter) = &node.filter {
            conjuncts(filter, conditions);
        }
        Ok(place)
    }

    fn named_node(&mut self, graph: &mut PatternGraph, before: &Scope, name: &Name) -> Result<usize, Failure> {
        if let Some(place) = graph.nodes.iter().position(|node| node.name == name.text) {
            return Ok(place);
        }
        match graph.scope.find(&name.text).cloned() {
            Some(variable) => {
                let is_older = before.find(&name.text).is_some();
                if !is_older || !matches!(variable.held, Held::Node | Held::Unknown) {
                    return Err(self.conflict(name, "Node", variable.held));
                }
                Ok(self.new_node(graph, name.text.clone(), variable.slot, true))
            }
            None => {
                let slot = self.fresh_slot();
                Ok(self.new_node(graph, name.text.clone(), slot, false))
            }
        }
    }

    fn new_node(&self, graph: &mut PatternGraph, name: CompactString, slot: usize, is_bound: bool) -> usize {
        graph.scope.add(Variable { name: name.clone(), slot, held: Held::Node, source: Some(graph.source) });
        graph.nodes.push(PatternNode { name, slot, is_bound, labels: Vec::new() });
        graph.nodes.len() - 1
    }

    pub(super) fn conflict(&self, name: &Name, wanted: &str, held: Held) -> Failure {
        let message = format!(
            "Type mismatch: `{}` defined with conflicting type {} (expected {wanted}) (VariableTypeConflict)",
            name.text,
            held.word()
        );
        self.syntax(name.span, &message)
    }

    fn add_relationship(
        &mut self,
        graph: &mut PatternGraph,
        before: &Scope,
        pattern: &RelationshipPattern,
        (left, right): (usize, usize),
        shortest: Option<bool>,
        conditions: &mut Vec<Expression>,
    ) -> Result<(), Failure> {
        let length = pattern.length.map(|length| (length.min.unwrap_or(1), length.max));
        let length = if shortest.is_some() { length.or(Some((1, Some(1)))) } else { length };
        let held = if length.is_some() { Held::Relationships } else { Held::Relationship };
        let slot = self.fresh_slot();
        let hidden = CompactString::from(format!(" r{slot}"));
        let known = pattern.variable.as_ref().and_then(|name| graph.scope.find(&name.text).cloned());
        let (name, same_as) = match (&pattern.variable, known) {
            (Some(name), Some(variable)) => {
                let fits = variable.held == held
                    || variable.held == Held::Unknown
                    || (held == Held::Relationships && variable.held == Held::Plain);
                if before.find(&name.text).is_none() || !fits {
                    return Err(self.conflict(name, held.word(), variable.held));
                }
                conditions.push(binary(
                    BinaryOperator::Equal,
                    variable_of(&hidden, name.span),
                    variable_of(&name.text, name.span),
                ));
                (hidden, Some(variable.slot))
            }
            (Some(name), None) => (name.text.clone(), None),
            (None, _) => (hidden, None),
        };
        graph.scope.add(Variable { name: name.clone(), slot, held, source: Some(graph.source) });
        let named = Name { text: name.clone(), span: pattern.span };
        let mut types = Vec::new();
        let mut own = Vec::new();
        if let Some(wanted) = &pattern.types
            && !type_names(wanted, &mut types)
        {
            types.clear();
            own.push(expression(
                ExpressionKind::HasLabels(variable_of(&name, pattern.span), wanted.clone()),
                pattern.span,
            ));
        }
        if let Some(properties) = &pattern.properties {
            self.add_properties(&named, properties, &mut own)?;
        }
        if let Some(filter) = &pattern.filter {
            conjuncts(filter, &mut own);
        }
        match length {
            None => conditions.append(&mut own),
            // What is said of a run is meant of each of its relationships.
            Some(_) => conditions.extend(own.into_iter().map(|condition| {
                let list = variable_of(&name, pattern.span);
                let kind = QuantifierKind::All;
                let quantifier =
                    ExpressionKind::Quantifier { kind, variable: named.clone(), list, filter: Some(condition) };
                expression(quantifier, pattern.span)
            })),
        }
        let direction = pattern.direction;
        graph.relationships.push(PatternRelationship {
            name,
            slot,
            left,
            right,
            direction,
            types,
            length,
            shortest,
            same_as,
        });
        Ok(())
    }

    /// Spells `{k: v}` out as conditions.
    fn add_properties(
        &self,
        of: &Name,
        properties: &Expression,
        conditions: &mut Vec<Expression>,
    ) -> Result<(), Failure> {
        let ExpressionKind::Map(entries) = &*properties.kind else {
            let message = "Parameter maps cannot be used in MATCH patterns (InvalidParameterUse); use {key: $map.key}";
            return Err(self.syntax(properties.span, message));
        };
        for (key, value) in entries {
            let property = ExpressionKind::Property(variable_of(&of.text, value.span), key.clone());
            conditions.push(binary(BinaryOperator::Equal, expression(property, value.span), value.clone()));
        }
        Ok(())
    }
}

/// Names the variables that a pattern's elements carry.
pub(super) fn own_variables(pattern: &PathPattern) -> Vec<&Name> {
    let mut names: Vec<&Name> = Vec::new();
    for element in &pattern.elements {
        match element {
            PatternElement::Node(node) => names.extend(&node.variable),
            PatternElement::Relationship(found) => names.extend(&found.variable),
            PatternElement::Quantified(part) => names.extend(own_variables(&part.pattern)),
        }
    }
    names
}

fn expression(kind: ExpressionKind, span: Span) -> Expression {
    Expression { kind: Box::new(kind), span }
}

pub(super) fn variable_of(name: &CompactString, span: Span) -> Expression {
    expression(ExpressionKind::Variable(Name { text: name.clone(), span }), span)
}

pub(super) fn binary(operator: BinaryOperator, left: Expression, right: Expression) -> Expression {
    let span = right.span;
    expression(ExpressionKind::Binary(operator, left, right), span)
}

/// Splits a condition at its `AND`s.
pub(super) fn conjuncts(condition: &Expression, out: &mut Vec<Expression>) {
    match &*condition.kind {
        ExpressionKind::Binary(BinaryOperator::And, left, right) => {
            conjuncts(left, out);
            conjuncts(right, out);
        }
        _ => out.push(condition.clone()),
    }
}

/// A condition for each label that must be there, and one for whatever else is said.
fn add_labels(name: &Name, labels: &LabelExpression, conditions: &mut Vec<Expression>) {
    if let LabelExpression::And(parts) = labels {
        parts.iter().for_each(|part| add_labels(name, part, conditions));
        return;
    }
    let of = variable_of(&name.text, name.span);
    conditions.push(expression(ExpressionKind::HasLabels(of, labels.clone()), name.span));
}

fn sure_labels(labels: &LabelExpression, out: &mut Vec<CompactString>) {
    match labels {
        LabelExpression::Name(name) => out.push(name.text.clone()),
        LabelExpression::And(parts) => parts.iter().for_each(|part| sure_labels(part, out)),
        _ => {}
    }
}

/// Lists the types of a plain choice; `false` where more is said than that.
fn type_names(types: &LabelExpression, out: &mut Vec<CompactString>) -> bool {
    match types {
        LabelExpression::Name(name) => {
            if !out.contains(&name.text) {
                out.push(name.text.clone());
            }
            true
        }
        LabelExpression::Or(parts) => parts.iter().all(|part| type_names(part, out)),
        _ => false,
    }
}

/// Gives the slots of the pattern that an expression looks at.
pub(super) fn needs(graph: &PatternGraph, expression: &Expression) -> BTreeSet<usize> {
    let mut names = Vec::new();
    walk::variables(expression, &mut names);
    names.iter().filter_map(|name| graph.scope.slot(name)).collect()
}

fn predicate(graph: &PatternGraph, condition: Expression) -> Predicate {
    let sides = match &*condition.kind {
        ExpressionKind::Binary(BinaryOperator::Equal, left, right) => {
            let side = |side: &Expression| (side.clone(), needs(graph, side));
            Some(Box::new([side(left), side(right)]))
        }
        _ => None,
    };
    let forms = seek::forms(graph, &condition);
    Predicate { needs: needs(graph, &condition), forms, sides, expression: condition }
}
