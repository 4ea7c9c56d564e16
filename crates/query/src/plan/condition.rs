//! Conditions on rows: a filter, and joins that only ask whether something is there.
//! Leaves what a condition says to whoever compiled it.
//! Start reading at [`Planner::keep_where`].

use std::sync::Arc;

use super::Planner;
use crate::expression::{Compiled, Subquery, Wanted};
use crate::operator::{Inner, Plan, WhenInner};

impl Planner<'_> {
    /// Puts conditions on top of a plan, each with its text; `EXISTS` and `NOT EXISTS` become a semi and an anti join.
    pub(super) fn keep_where(
        &mut self,
        mut plan: Arc<Plan>,
        conditions: Vec<(Compiled, String)>,
        rows: f64,
    ) -> Arc<Plan> {
        let (mut filter, mut details, mut joins): (Option<Compiled>, Vec<String>, _) = (None, Vec::new(), Vec::new());
        for (condition, text) in conditions.into_iter().flat_map(|(condition, text)| parts(condition, &text)) {
            match asked(&condition).filter(|_| self.is_by_cost) {
                Some((subquery, number, when)) => joins.push((subquery, number, when)),
                None => {
                    details.push(text);
                    filter = Some(match filter {
                        None => condition,
                        Some(before) => Compiled::And(Box::new(before), Box::new(condition)),
                    });
                }
            }
        }
        if let Some(condition) = filter {
            plan = self.put(Plan::Filter(plan, condition), rows, details.join(" AND "));
        }
        // They look at the fewest rows where everything else was asked before.
        for (subquery, number, when) in joins {
            let how = Inner { when, number, filled: Vec::new() };
            plan = self.put(Plan::Inner(plan, Arc::clone(&subquery.plan), how), rows, "");
            // The number of the outer row stays where it is.
            self.next_slot = self.next_slot.max(number + 1);
        }
        plan
    }
}

/// Takes `a AND b` apart where one side is such a question; the text stays with the other conditions.
fn parts(condition: Compiled, text: &str) -> Vec<(Compiled, String)> {
    match condition {
        Compiled::And(left, right) if asked(&left).is_some() || asked(&right).is_some() => {
            let (left, right) = (parts(*left, text), parts(*right, text));
            left.into_iter().chain(right).collect()
        }
        other => vec![(other, text.to_owned())],
    }
}

/// Gives the subquery of a condition that only asks whether it finds something, for many rows at once.
fn asked(condition: &Compiled) -> Option<(Arc<Subquery>, usize, WhenInner)> {
    let (subquery, when) = match condition {
        Compiled::Subquery(subquery) => (subquery, WhenInner::Exists),
        Compiled::Not(inner) => match &**inner {
            Compiled::Subquery(subquery) => (subquery, WhenInner::Missing),
            _ => return None,
        },
        _ => return None,
    };
    match (subquery.wanted, subquery.number) {
        (Wanted::Exists, Some(number)) => Some((Arc::clone(subquery), number, when)),
        _ => None,
    }
}
