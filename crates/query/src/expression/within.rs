//! Bounds on one property: `n.age >= 30 AND n.age < 40` reads it once, and compares numbers side by side.
//! Leaves other conditions to `select`.
//! Start reading at [`Part::all_of`].

use smallvec::SmallVec;
use types::compare::{self, Inequality};
use types::{Failure, Value};

use super::evaluate::operand;
use super::{Compiled, Context, make, select};
use crate::{Batch, Column};

/// A part of a condition, all of whose parts have to hold.
pub enum Part {
    /// Any condition.
    Any(Compiled),
    /// A property, or a slot, lies within bounds that are the same for all rows.
    Within(Compiled, Vec<(Inequality, Compiled)>),
}

impl Part {
    /// Takes a condition apart, in the order in which its parts are judged.
    ///
    /// Bounds of one property that follow each other become one part: neither reading it nor comparing can fail for one
    /// of them and not for the other.
    #[must_use]
    pub fn all_of(condition: &Compiled) -> Vec<Self> {
        let mut parts = Vec::new();
        add(condition, &mut parts);
        parts
    }

    /// Lists the rows of a batch for which the part is true. What it was computed from stays taken from the budget, for the
    /// caller to give back.
    ///
    /// # Errors
    ///
    /// As [`make`] does.
    pub fn select(&self, batch: &Batch, context: &mut Context<'_>) -> Result<Vec<usize>, Failure> {
        let (of, bounds) = match self {
            Self::Any(condition) => return select(condition, batch, context),
            Self::Within(of, bounds) => (of, bounds),
        };
        let of = operand(of, batch, context)?;
        let one = Batch { columns: Vec::new(), rows: 1 };
        let mut known = Vec::with_capacity(bounds.len());
        for (which, bound) in bounds {
            known.push((*which, make(bound, &one, context)?.get(0)));
        }
        let known: Vec<(Inequality, &Value)> = known.iter().map(|(which, bound)| (*which, bound)).collect();
        if let Some(kept) = rows_in(&of, &known) {
            return Ok(kept);
        }
        let mut made = Value::Null;
        let mut lies_within = |row: &usize| {
            let value = of.lend(*row, &mut made);
            known.iter().all(|(which, bound)| compare::holds(*which, value, bound) == Some(true))
        };
        Ok((0..batch.rows).filter(|row| lies_within(row)).collect())
    }
}

fn add(condition: &Compiled, parts: &mut Vec<Part>) {
    match condition {
        Compiled::And(left, right) => {
            add(left, parts);
            add(right, parts);
        }
        Compiled::Inequality(which, left, right) => {
            let (which, of, bound) = match (&**left, &**right) {
                (of, bound) if is_plain(of) && is_fixed(bound) => (*which, of, bound),
                (bound, of) if is_plain(of) && is_fixed(bound) => (turned(*which), of, bound),
                _ => return parts.push(Part::Any(condition.clone())),
            };
            match parts.last_mut() {
                Some(Part::Within(same, bounds)) if is_same(same, of) => bounds.push((which, bound.clone())),
                _ => parts.push(Part::Within(of.clone(), vec![(which, bound.clone())])),
            }
        }
        other => parts.push(Part::Any(other.clone())),
    }
}

fn is_plain(of: &Compiled) -> bool {
    match of {
        Compiled::Property(of, _) => matches!(**of, Compiled::Slot(_)),
        Compiled::Slot(_) => true,
        _ => false,
    }
}

fn is_fixed(bound: &Compiled) -> bool {
    matches!(bound, Compiled::Constant(_) | Compiled::Parameter(_))
}

fn is_same(left: &Compiled, right: &Compiled) -> bool {
    match (left, right) {
        (Compiled::Property(left, key), Compiled::Property(right, other)) => key == other && is_same(left, right),
        (Compiled::Slot(left), Compiled::Slot(right)) => left == right,
        _ => false,
    }
}

/// Gives the operator for the two sides the other way round.
fn turned(which: Inequality) -> Inequality {
    match which {
        Inequality::Less => Inequality::Greater,
        Inequality::LessOrEqual => Inequality::GreaterOrEqual,
        Inequality::Greater => Inequality::Less,
        Inequality::GreaterOrEqual => Inequality::LessOrEqual,
    }
}

/// Lists the rows of a column of numbers that meet all bounds; `None` where column or bounds are of another kind.
pub(super) fn rows_in(column: &Column, bounds: &[(Inequality, &Value)]) -> Option<Vec<usize>> {
    match column {
        Column::Integers(values) => {
            let (mut low, mut high) = (i64::MIN, i64::MAX);
            for (which, bound) in bounds {
                let Value::Integer(bound) = bound else { return None };
                // Nothing lies beyond the greatest integer, or below the least one.
                match which {
                    Inequality::Less => match bound.checked_sub(1) {
                        Some(below) => high = high.min(below),
                        None => return Some(Vec::new()),
                    },
                    Inequality::LessOrEqual => high = high.min(*bound),
                    Inequality::Greater => match bound.checked_add(1) {
                        Some(above) => low = low.max(above),
                        None => return Some(Vec::new()),
                    },
                    Inequality::GreaterOrEqual => low = low.max(*bound),
                }
            }
            Some(rows_where(values, |value| low <= value && value <= high))
        }
        Column::Floats(values) => {
            let mut floats = SmallVec::<[(Inequality, f64); 2]>::new();
            for (which, bound) in bounds {
                let Value::Float(bound) = bound else { return None };
                floats.push((*which, *bound));
            }
            // Every inequality with NaN is false.
            Some(rows_where(values, |value| floats.iter().all(|(which, bound)| accepts(*which, value, *bound))))
        }
        _ => None,
    }
}

fn accepts(which: Inequality, left: f64, right: f64) -> bool {
    match which {
        Inequality::Less => left < right,
        Inequality::LessOrEqual => left <= right,
        Inequality::Greater => left > right,
        Inequality::GreaterOrEqual => left >= right,
    }
}

/// Lists the places of the values that fit; without a branch for each, which could not be foreseen.
fn rows_where<T: Copy>(values: &[T], fits: impl Fn(T) -> bool) -> Vec<usize> {
    let (mut kept, mut found) = (vec![0; values.len()], 0);
    for (row, value) in values.iter().enumerate() {
        kept[found] = row;
        found += usize::from(fits(*value));
    }
    kept.truncate(found);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use Inequality::{Greater, GreaterOrEqual, Less, LessOrEqual};

    fn property(key: &str) -> Compiled {
        Compiled::Property(Box::new(Compiled::Slot(0)), key.into())
    }

    fn compared(which: Inequality, left: Compiled, right: Compiled) -> Compiled {
        Compiled::Inequality(which, Box::new(left), Box::new(right))
    }

    fn check_rows(column: Column, bounds: &[(Inequality, Value)], expected: Option<&[usize]>) {
        let bounds: Vec<_> = bounds.iter().map(|(which, bound)| (*which, bound)).collect();
        assert_eq!(rows_in(&column, &bounds).as_deref(), expected);
    }

    #[test]
    fn bounds_of_one_property_become_one_part() {
        let five = || Compiled::Constant(5.into());
        let both = |left, right| Compiled::And(Box::new(left), Box::new(right));
        let low = compared(GreaterOrEqual, property("a"), five());
        let high = compared(Greater, five(), property("a"));
        let other = compared(Less, property("b"), property("a"));
        let parts = Part::all_of(&both(both(low.clone(), high), both(other, low)));
        let shown: Vec<_> = parts
            .iter()
            .map(|part| match part {
                Part::Any(_) => vec![],
                Part::Within(_, bounds) => bounds.iter().map(|(which, _)| *which).collect(),
            })
            .collect();
        assert_eq!(shown, [vec![GreaterOrEqual, Less], vec![], vec![GreaterOrEqual]]);
    }

    #[test]
    fn integers_are_compared_side_by_side() {
        let column = || Column::Integers(vec![i64::MIN, 29, 30, 39, 40, i64::MAX]);
        check_rows(column(), &[(GreaterOrEqual, 30.into()), (Less, 40.into())], Some(&[2, 3]));
        check_rows(column(), &[(Greater, 30.into()), (LessOrEqual, 40.into())], Some(&[3, 4]));
        check_rows(column(), &[(Greater, i64::MAX.into())], Some(&[]));
        check_rows(column(), &[(Less, i64::MIN.into())], Some(&[]));
        check_rows(column(), &[(LessOrEqual, i64::MIN.into())], Some(&[0]));
        check_rows(column(), &[(Less, 40.0.into())], None);
        check_rows(column(), &[(Less, Value::Null)], None);
    }

    #[test]
    fn nan_meets_no_bound() {
        let column = || Column::Floats(vec![f64::NAN, -1.0, 0.5, f64::INFINITY]);
        check_rows(column(), &[(Greater, f64::NEG_INFINITY.into())], Some(&[1, 2, 3]));
        check_rows(column(), &[(GreaterOrEqual, 0.5.into()), (Less, f64::INFINITY.into())], Some(&[2]));
        check_rows(column(), &[(Less, f64::NAN.into())], Some(&[]));
        check_rows(column(), &[(Less, 1.into())], None);
        check_rows(Column::Values(vec![1.into()]), &[(Less, 2.into())], None);
    }
}
