//! What the writer of a statement should know though it runs: names that nothing has, products of what is not
//! connected, forms that are going away. Leaves hints to `hint`, and whether a client wants to hear of it to the faces.
//! Start reading at [`Planner::notify_of_patterns`] and [`Planner::notify_of_expression`].

use cypher::ast::{
    Expression, ExpressionKind, LabelExpression, Name, PathPattern, PathSelector, PatternElement, RelationshipPattern,
    Span,
};

use super::graph::PatternGraph;
use super::scope::{Held, Scope};
use super::{Planner, walk};
use crate::prepare::Notification;

/// A kind of notification: code, title, severity and category.
type Kind = (&'static str, &'static str, &'static str, &'static str);

const UNKNOWN_LABEL: Kind = (
    "Neo.ClientNotification.Statement.UnknownLabelWarning",
    "The provided label is not in the database.",
    "WARNING",
    Notification::UNRECOGNIZED,
);
const UNKNOWN_TYPE: Kind = (
    "Neo.ClientNotification.Statement.UnknownRelationshipTypeWarning",
    "The provided relationship type is not in the database.",
    "WARNING",
    Notification::UNRECOGNIZED,
);
const UNKNOWN_KEY: Kind = (
    "Neo.ClientNotification.Statement.UnknownPropertyKeyWarning",
    "The provided property key is not in the database",
    "WARNING",
    Notification::UNRECOGNIZED,
);
const PRODUCT: Kind = (
    "Neo.ClientNotification.Statement.CartesianProduct",
    "This query builds a cartesian product between disconnected patterns.",
    "INFORMATION",
    "PERFORMANCE",
);
const UNBOUNDED: Kind = (
    "Neo.ClientNotification.Statement.UnboundedVariableLengthPattern",
    "The provided pattern is unbounded, consider adding an upper limit to the number of node hops.",
    "INFORMATION",
    "PERFORMANCE",
);
const DEPRECATED: Kind = (
    "Neo.ClientNotification.Statement.FeatureDeprecationWarning",
    "This feature is deprecated and will be removed in future versions.",
    "WARNING",
    "DEPRECATION",
);

/// Most notifications of a statement: whoever reads more of them does not read them.
const NOTIFICATIONS_MAX: usize = 100;

impl Planner<'_> {
    /// Tells what is odd about what a `MATCH` looks for.
    pub(super) fn notify_of_patterns(&mut self, graph: &PatternGraph, patterns: &[PathPattern]) {
        for pattern in patterns {
            self.notify_of_names(pattern, graph.source);
        }
        if let [_, next, ..] = patterns {
            self.notify_of_product(graph, patterns[0].span.start.min(next.span.start));
        }
    }

    fn notify_of_names(&mut self, pattern: &PathPattern, source: u16) {
        let is_function = matches!(pattern.selector, PathSelector::ShortestPath | PathSelector::AllShortestPaths);
        for element in &pattern.elements {
            match element {
                PatternElement::Node(node) => {
                    node.labels.iter().for_each(|labels| self.notify_of_labels(labels, source));
                }
                PatternElement::Relationship(found) => {
                    found.types.iter().for_each(|types| self.notify_of_types(types, source));
                    if is_function && is_unbounded(found) {
                        let text = "Using shortest path with an unbounded pattern will likely result in long \
                                    execution times. It is recommended to use an upper limit to the number of node \
                                    hops in your pattern.";
                        self.notify(UNBOUNDED, text.to_owned(), found.span);
                    }
                }
                PatternElement::Quantified(part) => self.notify_of_names(&part.pattern, source),
            }
        }
    }

    fn notify_of_labels(&mut self, labels: &LabelExpression, source: u16) {
        let mut names = Vec::new();
        label_names(labels, &mut names);
        for name in names {
            if self.graphs.source(source).label_id(&name.text).is_none() {
                let what = "One of the labels in your query is not available in the database, make sure you didn't \
                            misspell it or that the label is available when you run this statement in your application \
                            (the missing label name is: ";
                self.notify_unknown(UNKNOWN_LABEL, what, name);
            }
        }
    }

    fn notify_of_types(&mut self, types: &LabelExpression, source: u16) {
        let mut names = Vec::new();
        label_names(types, &mut names);
        for name in names {
            if self.graphs.source(source).type_id(&name.text).is_none() {
                let what = "One of the relationship types in your query is not available in the database, make sure \
                            you didn't misspell it or that the label is available when you run this statement in your \
                            application (the missing relationship type is: ";
                self.notify_unknown(UNKNOWN_TYPE, what, name);
            }
        }
    }

    /// Tells of parts of a pattern that nothing connects; conditions between them do not count.
    fn notify_of_product(&mut self, graph: &PatternGraph, start: u32) {
        let parts = connected(graph);
        let has_bound = |part: &Vec<usize>| part.iter().any(|place| graph.nodes[*place].is_bound);
        let free: Vec<&Vec<usize>> = parts.iter().filter(|part| !has_bound(part)).collect();
        let is_product = free.len() > 1 || (free.len() == 1 && parts.len() > 1);
        if !is_product {
            return;
        }
        // The first part is what the others are multiplied with.
        let others = free.into_iter().skip(usize::from(!parts.iter().any(has_bound))).flatten();
        let names = others.map(|place| graph.nodes[*place].name.as_str()).filter(|name| !name.starts_with(' '));
        let mut names: Vec<&str> = names.take(20).collect();
        names.sort_unstable();
        let which = match names.as_slice() {
            [] => String::new(),
            [name] => format!(" (identifier is: ({name}))"),
            names => format!(" (identifiers are: ({}))", names.join(", ")),
        };
        let text = format!(
            "If a part of a query contains multiple disconnected patterns, this will build a cartesian product between \
             all those parts. This may produce a large amount of data and slow down query processing. While \
             occasionally intended, it may often be possible to reformulate the query that avoids the use of this \
             cross product, perhaps by adding a relationship between the different parts or by using OPTIONAL \
             MATCH{which}"
        );
        self.notify(PRODUCT, text, Span { start, end: start });
    }

    /// Tells of keys and labels that an expression asks entities for and that nothing has, and of old functions.
    pub(super) fn notify_of_expression(&mut self, expression: &Expression, scope: &Scope) {
        let mut odd = Vec::new();
        walk::each(expression, &mut |part| {
            match &*part.kind {
                // What stands in a subquery is told of when that is planned.
                ExpressionKind::Exists(_) | ExpressionKind::Count(_) | ExpressionKind::Collect(_) => return false,
                ExpressionKind::Property(..) | ExpressionKind::HasLabels(..) | ExpressionKind::Call { .. } => {
                    odd.push(part);
                }
                _ => {}
            }
            true
        });
        for part in odd {
            match &*part.kind {
                ExpressionKind::Property(of, key) => {
                    let Some((_, source)) = entity(of, scope) else { continue };
                    if self.graphs.source(source).key_id(&key.text).is_none() {
                        let what = "One of the property names in your query is not available in the database, make \
                                    sure you didn't misspell it or that the label is available when you run this \
                                    statement in your application (the missing property name is: ";
                        self.notify_unknown(UNKNOWN_KEY, what, key);
                    }
                }
                ExpressionKind::HasLabels(of, labels) => match entity(of, scope) {
                    Some((Held::Node, source)) => self.notify_of_labels(labels, source),
                    Some((_, source)) => self.notify_of_types(labels, source),
                    None => {}
                },
                ExpressionKind::Call { name, .. } if name.text.eq_ignore_ascii_case("id") => {
                    self.notify(DEPRECATED, "The query used a deprecated function: `id`.".to_owned(), part.span);
                }
                _ => {}
            }
        }
    }

    /// Tells that `CALL { }` without its variables in parentheses is an old form.
    pub(super) fn notify_of_old_call(&mut self, names: &[&str], span: Span) {
        let text = format!(
            "CALL subquery without a variable scope clause is now deprecated. Use CALL ({}) {{ ... }}",
            names.join(", ")
        );
        self.notify(DEPRECATED, text, span);
    }

    fn notify_unknown(&mut self, kind: Kind, what: &str, name: &Name) {
        // What the statement writes itself is there when it is asked for.
        if self.writes.is_none() {
            self.notify(kind, format!("{what}{})", name.text), name.span);
        }
    }

    fn notify(&mut self, (code, title, severity, category): Kind, description: String, span: Span) {
        // First: finding the place takes as long as the text before it.
        if self.notifications.len() >= NOTIFICATIONS_MAX {
            return;
        }
        let position = Some(cypher::position(self.text, span));
        let is_known = |known: &Notification| known.code == code && known.position == position;
        // A part of a statement may be planned several times, in several ways.
        if !self.notifications.iter().any(is_known) {
            self.notifications.push(Notification { code, title, description, severity, category, position });
        }
    }
}

/// Lists the connected parts of a pattern; what a search connects is connected.
fn connected(graph: &PatternGraph) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut part_of: Vec<usize> = (0..graph.nodes.len()).collect();
    for relationship in &graph.relationships {
        let (left, right) = (part_of[relationship.left], part_of[relationship.right]);
        if left != right {
            part_of.iter_mut().filter(|part| **part == right).for_each(|part| *part = left);
        }
    }
    let mut place_of = vec![None; part_of.len()];
    for (node, part) in part_of.iter().enumerate() {
        let place = *place_of[*part].get_or_insert(parts.len());
        if place == parts.len() {
            parts.push(Vec::new());
        }
        parts[place].push(node);
    }
    // A node from before that stands alone is nothing to be read.
    parts.retain(|part| part.len() > 1 || !graph.nodes[part[0]].is_bound);
    parts
}

/// Gives what a variable holds, and of which graph, where that is surely an entity.
fn entity(of: &Expression, scope: &Scope) -> Option<(Held, u16)> {
    let ExpressionKind::Variable(name) = &*of.kind else { return None };
    let variable = scope.find(&name.text)?;
    let is_one = matches!(variable.held, Held::Node | Held::Relationship);
    variable.source.filter(|_| is_one).map(|source| (variable.held, source))
}

fn is_unbounded(pattern: &RelationshipPattern) -> bool {
    pattern.length.is_some_and(|length| length.max.is_none())
}

fn label_names<'a>(labels: &'a LabelExpression, out: &mut Vec<&'a Name>) {
    match labels {
        LabelExpression::Name(name) => out.push(name),
        LabelExpression::Any(_) | LabelExpression::Dynamic(_) | LabelExpression::DynamicAny(_) => {}
        LabelExpression::Not(part) => label_names(part, out),
        LabelExpression::And(parts) | LabelExpression::Or(parts) => {
            parts.iter().for_each(|part| label_names(part, out));
        }
    }
}
