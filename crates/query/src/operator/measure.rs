//! What each operator of a plan did: rows passed on, and time.
//! Leaves showing it to whoever describes the plan.
//! Start reading at [`Measures`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use types::Failure;

use super::{Operator, Plan};
use crate::Batch;
use crate::expression::Context;

/// Rows and time of each operator, by its number: its place in a walk of the plan, a parent before its children.
///
/// Children are walked in the order of [`Plan::children`]. Operators of inner plans, which are built again and again,
/// add up.
#[derive(Debug, Default)]
pub struct Measures(Vec<Measure>);

/// What one operator did.
#[derive(Debug, Default)]
struct Measure {
    rows: AtomicU64,
    time_nanos: AtomicU64,
    hits: AtomicU64,
}

impl Measures {
    /// Makes measures for every operator of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self((0..plan.operators()).map(|_| Measure::default()).collect())
    }

    /// Gives the rows that an operator passed on, and the nanoseconds that it took, those of its children included.
    #[must_use]
    pub fn get(&self, number: usize) -> (u64, u64) {
        let measure = &self.0[number];
        (measure.rows.load(Ordering::Relaxed), measure.time_nanos.load(Ordering::Relaxed))
    }

    /// Gives the reads and writes of the sources while an operator worked, those of its children included.
    #[must_use]
    pub fn hits(&self, number: usize) -> u64 {
        self.0[number].hits.load(Ordering::Relaxed)
    }
}

/// An operator whose rows and time are counted.
pub(super) struct Measured {
    pub inner: Box<dyn Operator>,
    pub measures: Arc<Measures>,
    pub number: usize,
}

impl Operator for Measured {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let hits = |context: &Context<'_>| context.sources.iter().map(|source| source.hits()).sum::<u64>();
        let (start, hits_before) = (context.budget.now(), hits(context));
        let found = self.inner.next(context);
        let nanos = context.budget.now().saturating_duration_since(start).as_nanos();
        let measure = &self.measures.0[self.number];
        measure.time_nanos.fetch_add(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
        measure.hits.fetch_add(hits(context).saturating_sub(hits_before), Ordering::Relaxed);
        if let Ok(Some(batch)) = &found {
            measure.rows.fetch_add(batch.rows as u64, Ordering::Relaxed);
        }
        found
    }
}
