//! Aggregates: one accumulator for each group of rows.
//! Leaves grouping and the order of rows to the executor.
//! Start reading at [`accumulator`], or at [`Fast`] for columns of numbers.

mod average;
mod collect;
mod deviation;
mod distinct;
mod extreme;
mod fast;
mod kept;
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
    /// Tells the bytes that taking one more row in takes for a moment, beside what is held: while something grows, it is
    /// there twice. Nothing where that is not worth a question.
    fn growth_bytes(&self) -> usize {
        0
    }
    /// Tells the bytes that giving the result takes, beside what is held.
    fn result_bytes(&self) -> usize {
        0
    }
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

#[cfg(test)]
mod tests {
    use types::{Date, Duration, Value};

    use super::super::testing::{NULL, check_aggregate, list, values};
    use super::*;

    #[track_caller]
    fn check(name: &str, column: &[Value], expected: &str) {
        let rows: Vec<&[Value]> = column.iter().map(std::slice::from_ref).collect();
        check_aggregate(name, false, &rows, expected);
    }

    #[track_caller]
    fn check_distinct(name: &str, column: &[Value], expected: &str) {
        let rows: Vec<&[Value]> = column.iter().map(std::slice::from_ref).collect();
        check_aggregate(name, true, &rows, expected);
    }

    #[track_caller]
    fn check_percentile(name: &str, column: &[Value], percentile: impl Into<Value>, expected: &str) {
        let percentile = percentile.into();
        let rows: Vec<[Value; 2]> = column.iter().map(|value| [value.clone(), percentile.clone()]).collect();
        check_aggregate(name, false, &rows.iter().map(<[Value; 2]>::as_slice).collect::<Vec<_>>(), expected);
    }

    fn duration(months: i64, days: i64, seconds: i64) -> Value {
        Value::Duration(Box::new(Duration { months, days, seconds, nanos: 0 }))
    }

    #[test]
    fn nothing_in_gives_the_neutral_result() {
        for (name, expected) in [("count", "0"), ("sum", "0"), ("avg", "null"), ("min", "null"), ("max", "null")] {
            check(name, &[], expected);
            check(name, &values![NULL, NULL], expected);
        }
        check("collect", &values![NULL], "[]");
        check("stDev", &[], "0.0");
        check("stDevP", &values![1], "0.0");
        check_percentile("percentileCont", &values![NULL], 0.5, "null");
    }

    #[test]
    fn counting() {
        check("count", &values![1, NULL, "a"], "2");
        check_distinct("count", &values![1, 1.0, NULL, "a", "a"], "2");
    }

    #[test]
    fn sums() {
        check("sum", &values![33, NULL, 42], "75");
        check("sum", &values![1, 0.5], "1.5");
        check("sum", &values![0.1, 0.2, 0.3], "0.6");
        check("sum", &values![i64::MAX, 1, -1], "9223372036854775807");
        check("sum", &values![i64::MAX, 1], "ArithmeticError: long overflow: the sum does not fit");
        check("sum", &values![1e308, 1e308], "Infinity");
        check("sum", &[duration(1, 2, 3), duration(0, 1, -4)], "'P1M3DT-1S'");
        check("sum", &[duration(1, 0, 0), 1.into()], "TypeError: sum() cannot mix number and duration");
        check("sum", &values!["a"], "TypeError: sum(String('a')) can only handle numerical values, duration, or null.");
        check_distinct("sum", &values![1, 1.0, 2], "3");
    }

    #[test]
    fn averages() {
        check("avg", &values![1, 2, NULL, 3], "2.0");
        check("avg", &values![1, 2.5], "1.75");
        check("avg", &values![i64::MAX, i64::MAX], "9.223372036854776E18");
        check("avg", &values![1e308, 1e308], "1.0E308");
        check("avg", &values![f64::INFINITY, 1], "Infinity");
        check("avg", &[duration(1, 0, 0), duration(0, 0, 0)], "'P15DT5H14M33S'");
        check(
            "avg",
            &values![true],
            "TypeError: avg(Boolean(true)) can only handle numerical values, duration, or null.",
        );
    }

    #[test]
    fn extremes_over_mixed_types() {
        let mixed = || [1.into(), "a".into(), NULL, list(values![1, 2]), 0.2.into(), "b".into()];
        check("max", &mixed(), "1");
        check("min", &mixed(), "[1, 2]");
        check("max", &values![1, 2.0, 5, NULL, 3.2, 0.1], "5");
        check("max", &values!["a", "b", "B", NULL, "abc", "abc1"], "'b'");
        check("min", &[Value::Date(Date { days: 2 }), Value::Date(Date { days: 1 })], "'1970-01-02'");
    }

    #[test]
    fn collecting() {
        check("collect", &values![NULL, 1, "a", 1], "[1, 'a', 1]");
        check_distinct("collect", &values![NULL, 1, NULL, 1, 2], "[1, 2]");
    }

    #[test]
    fn deviations() {
        check("stDev", &values![1, 2, 3, 4], "1.2909944487358056");
        check("stDevP", &values![1, 2, 3, NULL, 4], "1.118033988749895");
        check("stDev", &values!["a"], "TypeError: stDev(String('a')) can only handle numerical values, or null.");
    }

    #[test]
    fn percentiles() {
        let prices = || values![30.0, 10.0, NULL, 20.0];
        for (percentile, expected) in [(0.0, "10.0"), (0.5, "20.0"), (1.0, "30.0")] {
            check_percentile("percentileDisc", &prices(), percentile, expected);
            check_percentile("percentileCont", &prices(), percentile, expected);
        }
        check_percentile("percentileCont", &prices(), 0.25, "15.0");
        check_percentile("percentileDisc", &values![1, 2, 3, 4], 0.5, "2");
        check_percentile("percentileDisc", &values![1, 2, 3, 4], 0.51, "3");
        for wrong in [1000.0, -1.0, 1.1] {
            let message = format!(
                "ArgumentError: Invalid input '{wrong:?}' is not a valid argument, must be a number in the \
                 range 0.0 to 1.0 (NumberOutOfRange)"
            );
            check_percentile("percentileDisc", &prices(), wrong, &message);
        }
        check_percentile(
            "percentileCont",
            &prices(),
            "x",
            "TypeError: percentileCont() expects its percentile to be a number, got: String('x')",
        );
        check_percentile(
            "percentileCont",
            &values!["x"],
            0.5,
            "TypeError: percentileCont(String('x')) can only handle numerical values, or null.",
        );
    }

    #[test]
    fn columns_give_what_rows_give() {
        let (integers, floats) = ([3_i64, -1, 7, 7], [0.5_f64, -2.25, f64::NAN]);
        for kind in
            [AggregateKind::Count, AggregateKind::Sum, AggregateKind::Avg, AggregateKind::Min, AggregateKind::Max]
        {
            let (mut rows, mut columns) = (accumulator(kind, false), Fast::new(kind).expect("has a fast form"));
            let mut part = columns.clone();
            integers.iter().for_each(|integer| rows.update(&[Value::from(*integer)]).expect("numbers are taken"));
            floats.iter().for_each(|float| rows.update(&[Value::from(*float)]).expect("numbers are taken"));
            columns.update_integers(&integers).expect("numbers are taken");
            part.update_floats(&floats).expect("numbers are taken");
            columns.merge(&part).expect("parts of one kind merge");
            assert_eq!(columns.result(), rows.finish(), "{kind:?}");
        }
    }

    #[test]
    fn held_memory_is_told() {
        let mut collect = accumulator(AggregateKind::Collect, true);
        let before = collect.memory_bytes();
        collect.update(&[Value::string("x".repeat(1000))]).expect("anything is collected");
        assert!(collect.memory_bytes() >= before + 1000);
    }
}
