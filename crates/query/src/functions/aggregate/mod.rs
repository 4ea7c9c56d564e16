//! Aggregates: one accumulator for each group of rows.
//! Leaves grouping and the order of rows to the executor.
//! Start reading at [`accumulator`], or at [`Fast`] for columns of numbers.

mod average;
mod collect;
mod deviation;
mod distinct;
mod extreme;
mod fast;
mod percentile;
mod sum;

use types::{Failure, Value};

pub use fast::Fast;

use super::{Function, Kind};

/// Which aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateKind {
    /// `count(x)`; for `count(*)` pass a value that is not null.
    Count,
    /// `sum(x)`
    Sum,
    /// `avg(x)`
    Avg,
    /// `min(x)`
    Min,
    /// `max(x)`
    Max,
    /// `collect(x)`
    Collect,
    /// `stDev(x)`: of a sample.
    StDev,
    /// `stDevP(x)`: of the whole population.
    StDevP,
    /// `percentileCont(x, p)`: between two values where needed.
    PercentileCont,
    /// `percentileDisc(x, p)`: always one of the values.
    PercentileDisc,
}

/// Folds the rows of one group into one value.
pub trait Accumulator: Send {
    /// Takes one row's arguments in; nulls are skipped.
    fn update(&mut self, values: &[Value]) -> Result<(), Failure>;
    /// Gives the result over all rows taken in.
    fn finish(&mut self) -> Result<Value, Failure>;
    /// Estimates the bytes held, for memory budgets.
    fn memory_bytes(&self) -> usize;
}

/// Makes an empty accumulator; `distinct` lets each different value in once.
#[must_use]
pub fn accumulator(kind: AggregateKind, distinct: bool) -> Box<dyn Accumulator> {
    let plain: Box<dyn Accumulator> = match kind {
        AggregateKind::Count | AggregateKind::Sum | AggregateKind::Avg | AggregateKind::Min | AggregateKind::Max => {
            Box::new(Fast::new(kind).expect("these five kinds have the fast form"))
        }
        AggregateKind::Collect => Box::new(collect::Collect::default()),
        AggregateKind::StDev => Box::new(deviation::Deviation::sample()),
        AggregateKind::StDevP => Box::new(deviation::Deviation::population()),
        AggregateKind::PercentileCont => Box::new(percentile::Percentile::continuous()),
        AggregateKind::PercentileDisc => Box::new(percentile::Percentile::discrete()),
    };
    if distinct { Box::new(distinct::Distinct::around(plain)) } else { plain }
}

const fn row(
    name: &'static str,
    arguments: usize,
    kind: AggregateKind,
    signature: &'static str,
    description: &'static str,
) -> Function {
    Function {
        name,
        arity: (arguments, arguments),
        deterministic: true,
        kind: Kind::Aggregate(kind),
        signature,
        description,
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    row(
        "count",
        1,
        AggregateKind::Count,
        "count(input :: ANY) :: INTEGER",
        "Returns the number of values that are not null.",
    ),
    row(
        "sum",
        1,
        AggregateKind::Sum,
        "sum(input :: INTEGER | FLOAT | DURATION) :: INTEGER | FLOAT | DURATION",
        "Returns the sum of numbers or durations.",
    ),
    row(
        "avg",
        1,
        AggregateKind::Avg,
        "avg(input :: INTEGER | FLOAT | DURATION) :: FLOAT | DURATION",
        "Returns the average of numbers or durations.",
    ),
    row("min", 1, AggregateKind::Min, "min(input :: ANY) :: ANY", "Returns the smallest value."),
    row("max", 1, AggregateKind::Max, "max(input :: ANY) :: ANY", "Returns the largest value."),
    row(
        "collect",
        1,
        AggregateKind::Collect,
        "collect(input :: ANY) :: LIST<ANY>",
        "Returns a list of the values that are not null.",
    ),
    row(
        "stDev",
        1,
        AggregateKind::StDev,
        "stDev(input :: FLOAT) :: FLOAT",
        "Returns the standard deviation of a sample.",
    ),
    row(
        "stDevP",
        1,
        AggregateKind::StDevP,
        "stDevP(input :: FLOAT) :: FLOAT",
        "Returns the standard deviation of a whole population.",
    ),
    row(
        "percentileCont",
        2,
        AggregateKind::PercentileCont,
        "percentileCont(input :: FLOAT, percentile :: FLOAT) :: FLOAT",
        "Returns the percentile, between two values where needed.",
    ),
    row(
        "percentileDisc",
        2,
        AggregateKind::PercentileDisc,
        "percentileDisc(input :: INTEGER | FLOAT, percentile :: FLOAT) :: INTEGER | FLOAT",
        "Returns the value nearest to the percentile.",
    ),
];
