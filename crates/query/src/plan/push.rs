//! Conditions on what `WITH` passes on, moved to the `MATCH` that finds it: there an index can answer them.
//! Leaves what an index can answer to `seek`.
//! Start reading at [`pushed_down`].

use compact_str::CompactString;
use cypher::ast::{
    BinaryOperator, Clause, ClauseKind, Expression, ExpressionKind, PathSelector, Projection, ProjectionItem,
};

use super::conjuncts::conjuncts;
use super::pattern::{binary, own_variables};
use super::walk;

/// Gives the clauses with conditions where they can be asked first; nothing where all of them stand there already.
pub(super) fn pushed_down(clauses: &[Clause]) -> Option<Vec<Clause>> {
    let mut moved: Option<Vec<Clause>> = None;
    for at in (1..clauses.len()).rev() {
        let now = moved.as_deref().unwrap_or(clauses);
        let ClauseKind::With { projection, filter: Some(filter) } = &now[at].kind else { continue };
        if projection.skip.is_some() || projection.limit.is_some() {
            continue;
        }
        let (mut parts, mut staying, mut going) = (Vec::new(), Vec::new(), Vec::new());
        conjuncts(filter, &mut parts);
        for part in parts {
            let target = passed_on(projection, &part).and_then(|names| target(&now[..at], &names));
            match target {
                Some(target) => going.push((target, part)),
                None => staying.push(part),
            }
        }
        if going.is_empty() {
            continue;
        }
        let clauses = moved.get_or_insert_with(|| clauses.to_vec());
        if let ClauseKind::With { filter, .. } = &mut clauses[at].kind {
            *filter = staying.into_iter().reduce(|left, right| binary(BinaryOperator::And, left, right));
        }
        for (target, part) in going {
            if let ClauseKind::Match { filter, .. } | ClauseKind::With { filter, .. } = &mut clauses[target].kind {
                *filter = Some(match filter.take() {
                    Some(before) => binary(BinaryOperator::And, before, part),
                    None => part,
                });
            }
        }
    }
    moved
}

/// Gives the variables of a condition, where all of them go through a projection unchanged and it is asked just once a row.
fn passed_on(projection: &Projection, condition: &Expression) -> Option<Vec<CompactString>> {
    let mut runs_pattern = false;
    walk::each(condition, &mut |part| {
        runs_pattern |= walk::is_subquery(part)
            || matches!(
                &*part.kind,
                ExpressionKind::PatternPredicate(_)
                    | ExpressionKind::PatternComprehension { .. }
                    | ExpressionKind::ShortestPath(_)
            );
        !runs_pattern
    });
    if runs_pattern || walk::has_aggregate(condition) || walk::is_random(condition) {
        return None;
    }
    let mut names = Vec::new();
    walk::variables(condition, &mut names);
    let goes_through = |name: &CompactString| {
        let own = projection.items.iter().find(|item| column(item) == Some(name));
        match own {
            Some(item) => matches!(&*item.expression.kind, ExpressionKind::Variable(of) if of.text == *name),
            None => projection.all,
        }
    };
    (!names.is_empty() && names.iter().all(goes_through)).then_some(names)
}

fn column(item: &ProjectionItem) -> Option<&CompactString> {
    match (&item.alias, &*item.expression.kind) {
        (Some(alias), _) => Some(&alias.text),
        (None, ExpressionKind::Variable(name)) => Some(&name.text),
        (None, _) => None,
    }
}

/// Finds the clause in front that can ask a condition about some variables: a `WITH`, or the first `MATCH` that names them.
fn target(before: &[Clause], names: &[CompactString]) -> Option<usize> {
    let last = before.len() - 1;
    // An importing WITH stands first, and names variables only.
    if matches!(before[last].kind, ClauseKind::With { .. }) && last > 0 {
        return Some(last);
    }
    let matches =
        before.iter().enumerate().rev().take_while(|(_, clause)| matches!(clause.kind, ClauseKind::Match { .. }));
    let fits = |clause: &Clause| match &clause.kind {
        ClauseKind::Match { optional: false, patterns, .. } => {
            let known: Vec<_> = patterns.iter().flat_map(own_variables).collect();
            patterns.iter().all(|pattern| matches!(pattern.selector, PathSelector::All))
                && names.iter().all(|name| known.iter().any(|known| known.text == *name))
        }
        _ => false,
    };
    matches.filter(|(_, clause)| fits(clause)).last().map(|(at, _)| at)
}
