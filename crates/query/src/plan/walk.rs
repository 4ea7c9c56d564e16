//! Walks over trees of expressions: the variables that one mentions, the aggregates in it.
//! Leaves what is done with them to its siblings.
//! Start reading at [`each`].

use compact_str::CompactString;
use cypher::ast::{
    Clause, ClauseKind, Expression, ExpressionKind, LabelExpression, MapProjectionItem, PathPattern, PatternElement,
    Projection, Query, SubqueryExpression,
};

use types::effort::pay;

use crate::functions;

/// What a look at one expression costs, in parts of values; see [`pay`].
pub(super) const EXPRESSION_PARTS: usize = 64;

/// Calls `visit` with an expression and everything in it, outermost first; what `visit` refuses is not gone into.
///
/// It ends where nobody waits for the plan any more, or its time is over: the plan is then worth nothing.
pub(super) fn each<'a>(expression: &'a Expression, visit: &mut dyn FnMut(&'a Expression) -> bool) {
    if !pay(EXPRESSION_PARTS) || !visit(expression) {
        return;
    }
    let mut go = |part: &'a Expression| each(part, visit);
    match &*expression.kind {
        ExpressionKind::Null
        | ExpressionKind::Boolean(_)
        | ExpressionKind::Integer(_)
        | ExpressionKind::Float(_)
        | ExpressionKind::String(_)
        | ExpressionKind::Parameter(_)
        | ExpressionKind::Variable(_)
        | ExpressionKind::CountAll => {}
        ExpressionKind::List(items) => items.iter().for_each(go),
        ExpressionKind::Map(entries) => entries.iter().for_each(|(_, value)| go(value)),
        ExpressionKind::MapProjection { items, .. } => {
            for item in items {
                if let MapProjectionItem::Entry(_, value) = item {
                    go(value);
                }
            }
        }
        ExpressionKind::Property(of, _)
        | ExpressionKind::Unary(_, of)
        | ExpressionKind::IsNull(of)
        | ExpressionKind::IsNotNull(of)
        | ExpressionKind::IsTyped { value: of, .. } => go(of),
        ExpressionKind::HasLabels(of, labels) => {
            go(of);
            label_parts(labels, &mut go);
        }
        ExpressionKind::Index(left, right) | ExpressionKind::Binary(_, left, right) => {
            go(left);
            go(right);
        }
        ExpressionKind::Slice(of, from, to) => {
            go(of);
            from.iter().chain(to).for_each(go);
        }
        ExpressionKind::Comparison(first, rest) => {
            go(first);
            rest.iter().for_each(|(_, right)| go(right));
        }
        ExpressionKind::Call { arguments, .. } => arguments.iter().for_each(go),
        ExpressionKind::Case { subject, branches, otherwise } => {
            subject.iter().for_each(&mut go);
            for (when, then) in branches {
                go(when);
                go(then);
            }
            otherwise.iter().for_each(go);
        }
        ExpressionKind::ListComprehension { list, filter, projection, .. } => {
            go(list);
            filter.iter().chain(projection).for_each(go);
        }
        ExpressionKind::Quantifier { list, filter, .. } => {
            go(list);
            filter.iter().for_each(go);
        }
        ExpressionKind::Reduce { initial, list, step, .. } => [initial, list, step].into_iter().for_each(go),
        ExpressionKind::PatternComprehension { pattern, filter, projection } => {
            pattern_parts(pattern, &mut go);
            filter.iter().for_each(&mut go);
            go(projection);
        }
        ExpressionKind::PatternPredicate(pattern) | ExpressionKind::ShortestPath(pattern) => {
            pattern_parts(pattern, &mut go);
        }
        ExpressionKind::Exists(inner) | ExpressionKind::Count(inner) | ExpressionKind::Collect(inner) => match &**inner
        {
            SubqueryExpression::Pattern { patterns, filter } => {
                patterns.iter().for_each(|pattern| pattern_parts(pattern, &mut go));
                filter.iter().for_each(go);
            }
            SubqueryExpression::Query(query) => query_parts(query, &mut go),
        },
    }
}

fn label_parts<'a>(labels: &'a LabelExpression, go: &mut dyn FnMut(&'a Expression)) {
    match labels {
        LabelExpression::Name(_) | LabelExpression::Any(_) => {}
        LabelExpression::Dynamic(name) | LabelExpression::DynamicAny(name) => go(name),
        LabelExpression::Not(part) => label_parts(part, go),
        LabelExpression::And(parts) | LabelExpression::Or(parts) => {
            parts.iter().for_each(|part| label_parts(part, go));
        }
    }
}

fn pattern_parts<'a>(pattern: &'a PathPattern, go: &mut dyn FnMut(&'a Expression)) {
    for element in &pattern.elements {
        let (labels, properties, filter) = match element {
            PatternElement::Node(node) => (&node.labels, &node.properties, &node.filter),
            PatternElement::Relationship(found) => (&found.types, &found.properties, &found.filter),
            PatternElement::Quantified(part) => {
                pattern_parts(&part.pattern, go);
                part.filter.iter().for_each(|filter| go(filter));
                continue;
            }
        };
        labels.iter().for_each(|labels| label_parts(labels, go));
        properties.iter().for_each(&mut *go);
        filter.iter().for_each(|filter| go(filter));
    }
}

fn query_parts<'a>(query: &'a Query, go: &mut dyn FnMut(&'a Expression)) {
    for part in std::iter::once(&query.first).chain(query.rest.iter().map(|(_, part)| part)) {
        part.clauses.iter().for_each(|clause| clause_parts(clause, go));
    }
}

fn clause_parts<'a>(clause: &'a Clause, go: &mut dyn FnMut(&'a Expression)) {
    let projected = |projection: &'a Projection, go: &mut dyn FnMut(&'a Expression)| {
        projection.items.iter().for_each(|item| go(&item.expression));
        projection.order.iter().for_each(|item| go(&item.expression));
        projection.skip.iter().chain(&projection.limit).for_each(go);
    };
    match &clause.kind {
        ClauseKind::Match { patterns, filter, .. } => {
            patterns.iter().for_each(|pattern| pattern_parts(pattern, go));
            filter.iter().for_each(go);
        }
        ClauseKind::Unwind { list, .. } => go(list),
        ClauseKind::With { projection, filter } => {
            projected(projection, go);
            filter.iter().for_each(go);
        }
        ClauseKind::Return { projection } => projected(projection, go),
        ClauseKind::CallProcedure { arguments, filter, .. } => {
            arguments.iter().flatten().chain(filter).for_each(go);
        }
        ClauseKind::CallSubquery { query, .. } => query_parts(query, go),
        ClauseKind::LoadCsv { source, .. } => go(source),
        // Writing clauses do not stand inside expressions.
        _ => {}
    }
}

/// Names every variable that an expression mentions; those that it binds itself may be among them.
pub(super) fn variables(expression: &Expression, names: &mut Vec<CompactString>) {
    each(expression, &mut |part| {
        match &*part.kind {
            ExpressionKind::Variable(name) => names.push(name.text.clone()),
            ExpressionKind::MapProjection { variable, items } => {
                names.push(variable.text.clone());
                names.extend(items.iter().filter_map(|item| match item {
                    MapProjectionItem::Variable(name) => Some(name.text.clone()),
                    _ => None,
                }));
            }
            ExpressionKind::PatternComprehension { pattern, .. }
            | ExpressionKind::PatternPredicate(pattern)
            | ExpressionKind::ShortestPath(pattern) => own_names(pattern, names),
            ExpressionKind::Exists(inner) | ExpressionKind::Count(inner) | ExpressionKind::Collect(inner) => {
                subquery_names(inner, names);
            }
            _ => {}
        }
        true
    });
}

fn own_names(pattern: &PathPattern, names: &mut Vec<CompactString>) {
    for element in &pattern.elements {
        match element {
            PatternElement::Node(node) => names.extend(node.variable.iter().map(|name| name.text.clone())),
            PatternElement::Relationship(found) => names.extend(found.variable.iter().map(|name| name.text.clone())),
            PatternElement::Quantified(part) => own_names(&part.pattern, names),
        }
    }
}

fn subquery_names(inner: &SubqueryExpression, names: &mut Vec<CompactString>) {
    match inner {
        SubqueryExpression::Pattern { patterns, .. } => patterns.iter().for_each(|pattern| own_names(pattern, names)),
        SubqueryExpression::Query(query) => {
            for part in std::iter::once(&query.first).chain(query.rest.iter().map(|(_, part)| part)) {
                for clause in &part.clauses {
                    match &clause.kind {
                        ClauseKind::Match { patterns, .. } => {
                            patterns.iter().for_each(|pattern| own_names(pattern, names));
                        }
                        ClauseKind::CallSubquery { query, .. } => {
                            subquery_names(&SubqueryExpression::Query((**query).clone()), names);
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

/// Tells whether an expression is an aggregate itself: `count(*)`, `sum(x)`.
pub(super) fn is_aggregate(expression: &Expression) -> bool {
    match &*expression.kind {
        ExpressionKind::CountAll => true,
        ExpressionKind::Call { name, .. } => functions::find(&name.text).is_some_and(functions::Function::is_aggregate),
        _ => false,
    }
}

/// Tells whether each time gives another value.
pub(super) fn is_random(expression: &Expression) -> bool {
    let mut found = false;
    each(expression, &mut |part| {
        if let ExpressionKind::Call { name, .. } = &*part.kind {
            found |= ["rand", "randomuuid"].iter().any(|random| name.text.eq_ignore_ascii_case(random));
        }
        !found
    });
    found
}

/// Tells whether there is an aggregate in an expression, outside of subqueries.
pub(super) fn has_aggregate(expression: &Expression) -> bool {
    let mut found = false;
    each(expression, &mut |part| {
        found |= is_aggregate(part);
        !found && !is_subquery(part)
    });
    found
}

/// Tells whether an expression is a query of its own, whose aggregates are its own affair.
pub(super) fn is_subquery(expression: &Expression) -> bool {
    matches!(&*expression.kind, ExpressionKind::Exists(_) | ExpressionKind::Count(_) | ExpressionKind::Collect(_))
}

/// Tells whether an expression may read what a write changes: a property, a label, a pattern, a function of an entity.
pub(super) fn reads_graph(expression: &Expression) -> bool {
    let mut found = false;
    each(expression, &mut |part| {
        found |= match &*part.kind {
            ExpressionKind::Property(..)
            | ExpressionKind::Index(..)
            | ExpressionKind::HasLabels(..)
            | ExpressionKind::MapProjection { .. }
            | ExpressionKind::PatternComprehension { .. }
            | ExpressionKind::PatternPredicate(_)
            | ExpressionKind::ShortestPath(_)
            | ExpressionKind::Exists(_)
            | ExpressionKind::Count(_)
            | ExpressionKind::Collect(_) => true,
            ExpressionKind::Call { name, .. } => {
                functions::find(&name.text).is_none_or(|function| matches!(function.kind, functions::Kind::Entity(_)))
            }
            _ => false,
        };
        !found
    });
    found
}
