//! How many rows are to be expected, from the counts that a graph keeps.
//! Leaves the choice to `solve`.
//! Start reading at [`selectivity`] and [`degree`].

use cypher::ast::{BinaryOperator, ExpressionKind, LabelExpression};
use types::Direction;

use super::graph::{PatternGraph, PatternRelationship, Predicate, Repeat};
use crate::source::Source;

/// Share of the rows that meet a condition.
pub(super) fn selectivity(graph: &PatternGraph, predicate: &Predicate, source: &dyn Source) -> f64 {
    let nodes = source.count_nodes(None).unwrap_or(0).max(1) as f64;
    match &*predicate.expression.kind {
        ExpressionKind::HasLabels(_, LabelExpression::Name(name)) => {
            let of = source.label_id(&name.text).map_or(0, |id| source.count_nodes(Some(id)).unwrap_or(0));
            (of as f64 / nodes).clamp(1e-9, 1.0)
        }
        ExpressionKind::Binary(BinaryOperator::Equal, left, _) => {
            if let ExpressionKind::Call { .. } = &*left.kind {
                return (1.0 / nodes).max(1e-9);
            }
            equal_share(graph, predicate, source)
        }
        ExpressionKind::Binary(BinaryOperator::In, ..) => 0.3,
        ExpressionKind::Binary(BinaryOperator::StartsWith | BinaryOperator::EndsWith, ..) => 0.1,
        ExpressionKind::Binary(BinaryOperator::NotEqual, ..) | ExpressionKind::IsNotNull(_) => 0.9,
        ExpressionKind::Binary(..) => 0.3,
        _ => 0.5,
    }
}

/// Share of the nodes that have a certain value: from an index over that key, where there is one.
fn equal_share(graph: &PatternGraph, predicate: &Predicate, source: &dyn Source) -> f64 {
    for form in &predicate.forms {
        let super::graph::Wants::Equal(key, _) = &form.wants else { continue };
        let Some(node) = graph.nodes.iter().find(|node| node.slot == form.node) else { continue };
        for index in source.indexes() {
            if !index.relationships
                && index.keys.as_slice() == std::slice::from_ref(key)
                && node.labels.contains(&index.of)
                && let Ok(size) = source.index_size(index.id)
            {
                return 1.0 / (size.distinct.max(1) as f64);
            }
        }
    }
    0.1
}

/// Relationships that a pattern could stand for, each direction counted.
pub(super) fn relationships(relationship: &PatternRelationship, source: &dyn Source) -> f64 {
    let count = |name: &str| source.type_id(name).map_or(0, |id| source.count_relationships(Some(id)).unwrap_or(0));
    let all = match relationship.types.as_slice() {
        [] => source.count_relationships(None).unwrap_or(0),
        types => types.iter().map(|name| count(name)).sum(),
    };
    let turns = if relationship.direction == Direction::Both { 2.0 } else { 1.0 };
    all as f64 * turns
}

/// Relationships of a pattern's kind that a node has, seen from one of its ends.
pub(super) fn degree(
    graph: &PatternGraph,
    relationship: &PatternRelationship,
    from: usize,
    source: &dyn Source,
) -> f64 {
    // Where the label at this end is known, its nodes are taken to hold all relationships of the types.
    let labels = graph.nodes[from].labels.iter().filter(|_| !relationship.types.is_empty());
    let of_label = |label: &compact_str::CompactString| {
        source.label_id(label).map_or(0, |id| source.count_nodes(Some(id)).unwrap_or(0))
    };
    let ends = labels.map(of_label).min().unwrap_or_else(|| source.count_nodes(None).unwrap_or(0));
    let each = relationships(relationship, source) / ends.max(1) as f64;
    let Some(Repeat { min, max, steps, .. }) = &relationship.repeat else { return each };
    let steps = i32::try_from(steps.len()).unwrap_or(12);
    let longest = max.unwrap_or((*min).max(5)).min(12);
    let rounds = (*min).min(longest)..=longest;
    rounds.map(|rounds| each.powi(i32::try_from(rounds).unwrap_or(12) * steps)).sum::<f64>().min(1e12)
}
