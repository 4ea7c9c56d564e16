//! From the patterns of a clause to their logical form: names bound, shorthand spelled out as conditions.
//! Leaves the order of reading to `solve`.
//! Start reading at [`Planner::matched`].

use std::collections::BTreeSet;

use compact_str::CompactString;
use cypher::ast::{
    BinaryOperator, Expression, ExpressionKind, LabelExpression, Name, NodePattern, PathPattern, PathSelector,
    PatternElement, QuantifierKind, RelationshipPattern, Span,
};
use types::Failure;

use super::conjuncts::conjuncts;
use super::graph::{
    Each, PatternGraph, PatternNode, PatternPath, PatternRelationship, Predicate, Repeat, Repeated, Search,
};
use super::scope::{Held, Scope, Variable};
use super::{Pipe, Planner, seek, walk};
use crate::operator::Wanted;

/// Most nodes, and most conditions, of a pattern: every one is compared with every other one while it is planned.
const PARTS_MAX: usize = 10_000;

/// A condition as a pattern states it.
pub(super) struct Condition {
    pub expression: Expression,
    /// The relationship that repeats, by place, where it is said of each of its rounds.
    pub of: Option<usize>,
    /// Whether it stands inside of the pattern, not behind its `WHERE`.
    pub is_inside: bool,
}

impl Condition {
    /// Makes conditions inside of a pattern.
    pub fn inside(expressions: Vec<Expression>, of: Option<usize>) -> impl Iterator<Item = Self> {
        expressions.into_iter().map(move |expression| Self { expression, of, is_inside: true })
    }
}

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
        self.notify_of_patterns(&graph, patterns);
        self.solved(pipe, graph)
    }

    fn pattern_graph(
        &mut self,
        scope: &Scope,
        patterns: &[PathPattern],
        filter: Option<&Expression>,
        source: u16,
    ) -> Result<PatternGraph, Failure> {
        self.check_quantified(patterns, scope)?;
        let mut graph = PatternGraph {
            source,
            scope: scope.clone(),
            nodes: Vec::new(),
            relationships: Vec::new(),
            predicates: Vec::new(),
            paths: Vec::new(),
            searches: Vec::new(),
            is_repeatable: patterns.iter().any(|pattern| pattern.is_repeatable),
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
            let mut parts = Vec::new();
            conjuncts(filter, &mut parts);
            let outside = |expression| Condition { expression, of: None, is_inside: false };
            conditions.extend(parts.into_iter().map(outside));
        }
        if let Some(first) = conditions.get(PARTS_MAX) {
            let message = format!("A MATCH has at most {PARTS_MAX} conditions; match the rest in a clause of its own");
            return Err(self.syntax(first.expression.span, &message));
        }
        for condition in &conditions {
            self.look()?;
            self.check_rounds(&graph, scope, condition)?;
        }
        let mut predicates = Vec::with_capacity(conditions.len());
        for condition in conditions {
            self.look()?;
            predicates.push(predicate(&graph, condition));
        }
        graph.predicates = predicates;
        Ok(graph)
    }

    fn add_path(
        &mut self,
        graph: &mut PatternGraph,
        before: &Scope,
        pattern: &PathPattern,
        conditions: &mut Vec<Condition>,
    ) -> Result<(), Failure> {
        let search = wanted(&pattern.selector).map(|(wanted, is_function)| {
            let text = pattern.to_string();
            graph.searches.push(Search { wanted, nodes: Vec::new(), relationships: Vec::new(), is_function, text });
            graph.searches.len() - 1
        });
        let last_name = match pattern.elements.last() {
            Some(PatternElement::Node(node)) => node.variable.as_ref().map(|name| name.text.clone()),
            _ => None,
        };
        let first_relationship = graph.relationships.len();
        let mut nodes: Vec<usize> = Vec::new();
        let mut elements = pattern.elements.iter().peekable();
        while let Some(element) = elements.next() {
            if let PatternElement::Node(node) = element {
                nodes.push(self.add_node(graph, before, node, conditions)?);
                continue;
            }
            let left = match nodes.last() {
                Some(left) => *left,
                None => self.anonymous_node(graph),
            };
            if nodes.is_empty() {
                nodes.push(left);
            }
            let right = match elements.next_if(|next| matches!(next, PatternElement::Node(_))) {
                // Within a path of which only some are wanted, a node that is known already is another that is equal.
                Some(PatternElement::Node(node)) if search.is_some() && elements.peek().is_some() => {
                    self.add_inner_node(graph, before, (node, last_name.as_ref()), conditions)?
                }
                Some(PatternElement::Node(node)) => self.add_node(graph, before, node, conditions)?,
                _ => self.anonymous_node(graph),
            };
            match element {
                PatternElement::Relationship(found) => {
                    self.add_relationship(graph, before, found, (left, right), search, conditions)?;
                }
                PatternElement::Quantified(part) => {
                    self.add_quantified(graph, part, (left, right), search, conditions)?;
                }
                PatternElement::Node(_) => {}
            }
            nodes.push(right);
        }
        let relationships: Vec<usize> = (first_relationship..graph.relationships.len()).collect();
        if let Some(search) = search {
            (graph.searches[search].nodes, graph.searches[search].relationships) =
                (nodes.clone(), relationships.clone());
        }
        if let Some(name) = &pattern.variable {
            self.check_free(&graph.scope, &name.text, name.span)?;
            let slot = self.fresh_slot();
            graph.scope.add(Variable { name: name.text.clone(), slot, held: Held::Path, source: Some(graph.source) });
            graph.paths.push(PatternPath { slot, name: name.text.clone(), start: nodes[0], relationships });
        }
        Ok(())
    }

    fn add_node(
        &mut self,
        graph: &mut PatternGraph,
        before: &Scope,
        node: &NodePattern,
        conditions: &mut Vec<Condition>,
    ) -> Result<usize, Failure> {
        self.look()?;
        if graph.nodes.len() >= PARTS_MAX {
            let message = format!("A MATCH has at most {PARTS_MAX} nodes; match the rest in a clause of its own");
            return Err(self.syntax(node.span, &message));
        }
        let place = match &node.variable {
            Some(name) => self.named_node(graph, before, name)?,
            None => self.anonymous_node(graph),
        };
        self.say_of_node(graph, place, node, conditions)?;
        Ok(place)
    }

    /// Adds a node between the ends of a path of which only some are wanted.
    fn add_inner_node(
        &mut self,
        graph: &mut PatternGraph,
        before: &Scope,
        (node, last): (&NodePattern, Option<&CompactString>),
        conditions: &mut Vec<Condition>,
    ) -> Result<usize, Failure> {
        let Some(name) = node.variable.as_ref() else { return self.add_node(graph, before, node, conditions) };
        let is_known = graph.scope.find(&name.text).is_some() || last == Some(&name.text);
        if !is_known {
            return self.add_node(graph, before, node, conditions);
        }
        let place = self.anonymous_node(graph);
        let own = variable_of(&graph.nodes[place].name, name.span);
        let same = binary(BinaryOperator::Equal, own, variable_of(&name.text, name.span));
        conditions.extend(Condition::inside(vec![same], None));
        self.say_of_node(graph, place, node, conditions)?;
        Ok(place)
    }

    fn say_of_node(
        &self,
        graph: &mut PatternGraph,
        place: usize,
        node: &NodePattern,
        conditions: &mut Vec<Condition>,
    ) -> Result<(), Failure> {
        let name = Name { text: graph.nodes[place].name.clone(), span: node.span };
        if let Some(labels) = &node.labels {
            let mut sure = Vec::new();
            sure_labels(labels, &mut sure);
            graph.nodes[place].labels.extend(sure);
        }
        conditions.extend(Condition::inside(self.said_of_node(&name, node)?, None));
        Ok(())
    }

    /// Spells out what a pattern says of a node that goes by a name.
    pub(super) fn said_of_node(&self, name: &Name, node: &NodePattern) -> Result<Vec<Expression>, Failure> {
        let mut said = Vec::new();
        if let Some(labels) = &node.labels {
            add_labels(name, labels, &mut said);
        }
        if let Some(properties) = &node.properties {
            self.add_properties(name, properties, &mut said)?;
        }
        if let Some(filter) = &node.filter {
            conjuncts(filter, &mut said);
        }
        Ok(said)
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

    fn anonymous_node(&mut self, graph: &mut PatternGraph) -> usize {
        let slot = self.fresh_slot();
        self.new_node(graph, CompactString::from(format!(" n{slot}")), slot, false)
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
        search: Option<usize>,
        conditions: &mut Vec<Condition>,
    ) -> Result<(), Failure> {
        self.look()?;
        let is_function = search.is_some_and(|search| graph.searches[search].is_function);
        let length = pattern.length.map(|length| (length.min.unwrap_or(1), length.max));
        let length = if is_function { length.or(Some((1, Some(1)))) } else { length };
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
                let known = variable_of(&name.text, name.span);
                let same = binary(BinaryOperator::Equal, variable_of(&hidden, name.span), known);
                conditions.extend(Condition::inside(vec![same], None));
                (hidden, Some(variable.slot))
            }
            (Some(name), None) => (name.text.clone(), None),
            (None, _) => (hidden, None),
        };
        graph.scope.add(Variable { name: name.clone(), slot, held, source: Some(graph.source) });
        let (types, own) = self.said_of_relationship(&name, pattern)?;
        let of = length.map(|_| graph.relationships.len());
        let repeat = length.map(|(min, max)| {
            // Only conditions ever look at one relationship of a run.
            let mut slot_of_one = || if own.is_empty() { slot } else { self.fresh_slot() };
            let mut thing = |name: CompactString| Repeated { name, slot: slot_of_one(), list: slot };
            let nodes = vec![thing(" left".into()), thing(" right".into())];
            let steps = vec![(thing(name.clone()), pattern.direction, types.clone())];
            Repeat { min, max, nodes, steps, text: None }
        });
        conditions.extend(Condition::inside(own, of));
        let direction = pattern.direction;
        graph.relationships.push(PatternRelationship {
            name,
            slot,
            left,
            right,
            direction,
            types,
            repeat,
            search,
            same_as,
        });
        Ok(())
    }

    /// Spells out what a pattern says of a relationship that goes by a name: its types, and what is said beside them.
    pub(super) fn said_of_relationship(
        &self,
        name: &CompactString,
        pattern: &RelationshipPattern,
    ) -> Result<(Vec<CompactString>, Vec<Expression>), Failure> {
        let (mut types, mut said) = (Vec::new(), Vec::new());
        if let Some(wanted) = &pattern.types
            && !type_names(wanted, &mut types)
        {
            types.clear();
            let of = variable_of(name, pattern.span);
            said.push(expression(ExpressionKind::HasLabels(of, wanted.clone()), pattern.span));
        }
        if let Some(properties) = &pattern.properties {
            self.add_properties(&Name { text: name.clone(), span: pattern.span }, properties, &mut said)?;
        }
        if let Some(filter) = &pattern.filter {
            conjuncts(filter, &mut said);
        }
        Ok((types, said))
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

/// Tells how many paths a selector wants, and whether it is one of the functions; `None` where all are wanted.
fn wanted(selector: &PathSelector) -> Option<(Wanted, bool)> {
    Some(match selector {
        PathSelector::All => return None,
        PathSelector::ShortestPath => (Wanted::Paths(1), true),
        PathSelector::AllShortestPaths => (Wanted::Groups(1), true),
        // Any will do, and the shortest are found first.
        PathSelector::Shortest(paths) | PathSelector::Any(paths) => (Wanted::Paths(*paths), false),
        PathSelector::AllShortest => (Wanted::Groups(1), false),
        PathSelector::ShortestGroups(groups) => (Wanted::Groups(*groups), false),
    })
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

pub(super) fn expression(kind: ExpressionKind, span: Span) -> Expression {
    Expression::new(kind, span)
}

pub(super) fn variable_of(name: &CompactString, span: Span) -> Expression {
    expression(ExpressionKind::Variable(Name { text: name.clone(), span }), span)
}

pub(super) fn binary(operator: BinaryOperator, left: Expression, right: Expression) -> Expression {
    let span = right.span;
    expression(ExpressionKind::Binary(operator, left, right), span)
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

fn predicate(graph: &PatternGraph, Condition { expression, of, is_inside }: Condition) -> Predicate {
    if let Some(of) = of {
        return each_round(graph, of, expression);
    }
    let sides = match &*expression.kind {
        ExpressionKind::Binary(BinaryOperator::Equal, left, right) => {
            let side = |side: &Expression| (side.clone(), needs(graph, side));
            Some(Box::new([side(left), side(right)]))
        }
        _ => None,
    };
    let forms = seek::forms(graph, &expression);
    Predicate { needs: needs(graph, &expression), forms, sides, expression, each: None, is_inside }
}

/// Says of whole lists what is said of each round.
fn each_round(graph: &PatternGraph, of: usize, condition: Expression) -> Predicate {
    let repeat = graph.relationships[of].repeat.as_ref().expect("rounds are only spoken of where something repeats");
    let mut mentioned = Vec::new();
    walk::variables(&condition, &mut mentioned);
    mentioned.sort_unstable();
    mentioned.dedup();
    let (names, others): (Vec<_>, Vec<_>) = mentioned.into_iter().partition(|name| repeat.find(name).is_some());
    let around = others.iter().filter_map(|name| graph.scope.slot(name)).collect();
    let expression = match names.as_slice() {
        [] => all_of(&repeat.steps[0].0.name, variable_of(&graph.relationships[of].name, condition.span), &condition),
        [name] if repeat.text.is_none() => all_of(name, variable_of(name, condition.span), &condition),
        names => {
            // Each name stands for its value in one round, as the only item of a list.
            let round = CompactString::const_new(" round");
            let nested = names.iter().fold(condition.clone(), |inner, name| {
                let span = inner.span;
                let at = ExpressionKind::Index(variable_of(name, span), variable_of(&round, span));
                let one = ExpressionKind::List(vec![expression(at, span)]);
                all_of(name, expression(one, span), &inner)
            });
            all_of(&round, rounds_of(&names[0], condition.span), &nested)
        }
    };
    let each = Box::new(Each { of, condition, names, around });
    let needs = needs(graph, &expression);
    Predicate { needs, forms: Vec::new(), sides: None, expression, each: Some(each), is_inside: true }
}

fn all_of(name: &CompactString, list: Expression, condition: &Expression) -> Expression {
    let variable = Name { text: name.clone(), span: condition.span };
    let filter = Some(condition.clone());
    expression(ExpressionKind::Quantifier { kind: QuantifierKind::All, variable, list, filter }, condition.span)
}

/// Counts through a list: `range(0, size(list) - 1)`.
fn rounds_of(list: &CompactString, span: Span) -> Expression {
    let call = |name: &str, arguments| {
        let name = Name { text: name.into(), span };
        expression(ExpressionKind::Call { name, distinct: false, arguments }, span)
    };
    let number = |number| expression(ExpressionKind::Integer(number), span);
    let last = binary(BinaryOperator::Subtract, call("size", vec![variable_of(list, span)]), number(1));
    call("range", vec![number(0), last])
}
