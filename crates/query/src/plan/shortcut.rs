//! Statements that a count answers: the graph keeps it, so nothing is read.
//! Leaves everything else to `clause`.
//! Start reading at [`Planner::counted`].

use compact_str::CompactString;
use cypher::ast::{
    ClauseKind, Expression, ExpressionKind, LabelExpression, Name, NodePattern, PathPattern, PathSelector,
    PatternElement, Projection, SingleQuery,
};
use types::Direction;

use super::scope::Scope;
use super::{Planned, Planner};
use crate::operator::Plan;

impl Planner<'_> {
    /// Plans `MATCH (n:A) RETURN count(n)` and `MATCH ()-[r:T]->() RETURN count(r)` as a look at a count.
    pub(super) fn counted(&mut self, part: &SingleQuery) -> Option<Planned> {
        let [matched, returned] = part.clauses.as_slice() else { return None };
        let ClauseKind::Match { optional: false, patterns, graph, filter: None, .. } = &matched.kind else {
            return None;
        };
        let ClauseKind::Return { projection } = &returned.kind else { return None };
        let [PathPattern { variable: None, selector: PathSelector::All, elements, .. }] = patterns.as_slice() else {
            return None;
        };
        let Projection { distinct: false, all: false, items, order, skip: None, limit: None, .. } = projection else {
            return None;
        };
        let ([item], []) = (items.as_slice(), order.as_slice()) else { return None };
        let (relationships, of, names) = wanted(elements)?;
        if !counts(&item.expression, &names) {
            return None;
        }
        let source = self.graph_of(graph.as_ref()).ok()?;
        let slot = self.fresh_slot();
        let details = patterns[0].to_string();
        let plan = self.put(Plan::Count { source, relationships, of, slot }, 1.0, details);
        let name = item.alias.as_ref().map_or(&item.text, |alias| &alias.text).clone();
        Some(Planned { plan, columns: vec![name], scope: Scope::default(), rows: 1.0 })
    }
}

/// What a pattern counts: whether relationships, of which label or type, and the variables of what is counted.
type Counted<'a> = (bool, Option<CompactString>, Vec<&'a Name>);

fn wanted(elements: &[PatternElement]) -> Option<Counted<'_>> {
    match elements {
        [PatternElement::Node(NodePattern { variable, labels, properties: None, filter: None, .. })] => {
            Some((false, one_name(labels.as_ref())?, variable.iter().collect()))
        }
        [PatternElement::Node(left), PatternElement::Relationship(found), PatternElement::Node(right)] => {
            let is_any = |node: &NodePattern| {
                node.variable.is_none() && node.labels.is_none() && node.properties.is_none() && node.filter.is_none()
            };
            let is_one = found.length.is_none() && found.properties.is_none() && found.filter.is_none();
            if !is_any(left) || !is_any(right) || !is_one || found.direction == Direction::Both {
                return None;
            }
            Some((true, one_name(found.types.as_ref())?, found.variable.iter().collect()))
        }
        _ => None,
    }
}

/// Gives the name where there is one at most.
fn one_name(labels: Option<&LabelExpression>) -> Option<Option<CompactString>> {
    match labels {
        None => Some(None),
        Some(LabelExpression::Name(name)) => Some(Some(name.text.clone())),
        Some(_) => None,
    }
}

fn counts(expression: &Expression, names: &[&Name]) -> bool {
    match &*expression.kind {
        ExpressionKind::CountAll => true,
        ExpressionKind::Call { name, distinct: _, arguments } if name.text.eq_ignore_ascii_case("count") => {
            matches!(
                arguments.as_slice(),
                [Expression { kind, .. }]
                    if matches!(&**kind, ExpressionKind::Variable(wanted) if names.iter().any(|name| name.text == wanted.text))
            )
        }
        _ => false,
    }
}
