//! One property of many entities: numbers side by side where all of them have one type, values where not.
//! Leaves to `warm` which pages are kept, and to `transaction` what has changed since.
//! Start reading at [`PageColumn::of`], then [`Column::add`].

use types::Value;

use crate::codec::label::Members;
use crate::warm::PAGE;

/// One property of a list of entities, in their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Values of any type; null where there is none.
    Values(Vec<Value>),
    /// Integers, one for each entity.
    Integers(Vec<i64>),
    /// Floats, one for each entity.
    Floats(Vec<f64>),
}

/// One property of all entities of a page.
pub(crate) enum PageColumn {
    /// None of them has it.
    Nothing,
    /// Integers; those at other places than these are null.
    Integers(Members, Box<[i64]>),
    /// Floats; those at other places than these are null.
    Floats(Members, Box<[f64]>),
    /// Values of any type.
    Values(Box<[Value]>),
}

impl PageColumn {
    /// Takes the form that fits the values of a page best.
    pub fn of(values: Box<[Value]>) -> Self {
        let some = |fits: fn(&Value) -> bool| values.iter().all(|value| value.is_null() || fits(value));
        if values.iter().all(Value::is_null) {
            Self::Nothing
        } else if some(|value| matches!(value, Value::Integer(_))) {
            let integer = |value: &Value| if let Value::Integer(value) = value { *value } else { 0 };
            Self::Integers(present(&values), values.iter().map(integer).collect())
        } else if some(|value| matches!(value, Value::Float(_))) {
            let float = |value: &Value| if let Value::Float(value) = value { *value } else { 0.0 };
            Self::Floats(present(&values), values.iter().map(float).collect())
        } else {
            Self::Values(values)
        }
    }

    /// Gives the value at a place of the page.
    pub fn get(&self, place: u16) -> Value {
        let at = usize::from(place);
        match self {
            Self::Integers(some, values) if some.contains(place) => Value::Integer(values[at]),
            Self::Floats(some, values) if some.contains(place) => Value::Float(values[at]),
            Self::Values(values) => values[at].clone(),
            Self::Nothing | Self::Integers(..) | Self::Floats(..) => Value::Null,
        }
    }

    /// Tells the bytes that it takes.
    pub fn memory_bytes(&self) -> u64 {
        let held = match self {
            Self::Nothing => 0,
            Self::Integers(_, values) => size_of_val(&**values),
            Self::Floats(_, values) => size_of_val(&**values),
            Self::Values(values) => values.iter().map(Value::memory_bytes).sum(),
        };
        (size_of::<Self>() + held) as u64
    }
}

/// Notes which values are there.
fn present(values: &[Value]) -> Members {
    let mut some = Members::default();
    for (place, _) in (0..).zip(values).filter(|(_, value)| !value.is_null()) {
        some.insert(place);
    }
    some
}

impl Column {
    /// Counts the entities.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Tells whether there are no entities.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives the column as values, which it may be already.
    #[must_use]
    pub fn into_values(self) -> Vec<Value> {
        match self {
            Self::Values(values) => values,
            Self::Integers(values) => values.into_iter().map(Value::Integer).collect(),
            Self::Floats(values) => values.into_iter().map(Value::Float).collect(),
        }
    }

    /// Adds what a page has for some entities of it, given by their ids; `rows` is how long the whole is to become.
    pub(crate) fn add<T: Copy>(&mut self, page: &PageColumn, (ids, number): (&[T], fn(T) -> u64), rows: usize) {
        let is_there =
            |some: &Members| some.len() as u64 == PAGE || ids.iter().all(|id| some.contains(place(number(*id))));
        if self.is_empty() {
            *self = match page {
                PageColumn::Integers(some, _) if is_there(some) => Self::Integers(Vec::with_capacity(rows)),
                PageColumn::Floats(some, _) if is_there(some) => Self::Floats(Vec::with_capacity(rows)),
                _ => Self::Values(Vec::with_capacity(rows)),
            };
        }
        match (&mut *self, page) {
            (Self::Integers(out), PageColumn::Integers(some, values)) if is_there(some) => {
                out.extend(ids.iter().map(|id| values[usize::from(place(number(*id)))]));
            }
            (Self::Floats(out), PageColumn::Floats(some, values)) if is_there(some) => {
                out.extend(ids.iter().map(|id| values[usize::from(place(number(*id)))]));
            }
            (Self::Values(out), page) => out.extend(ids.iter().map(|id| page.get(place(number(*id))))),
            (typed, page) => {
                let mut out = std::mem::replace(typed, Self::Values(Vec::new())).into_values();
                out.extend(ids.iter().map(|id| page.get(place(number(*id)))));
                *typed = Self::Values(out);
            }
        }
    }
}

/// Gives the place of an entity in its page.
pub(crate) fn place(id: u64) -> u16 {
    (id % PAGE) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(id: u64) -> u64 {
        id
    }

    fn page(value: impl Fn(u64) -> Value) -> PageColumn {
        PageColumn::of((0..PAGE).map(value).collect())
    }

    fn integers() -> PageColumn {
        page(|id| Value::Integer(id.cast_signed()))
    }

    fn check(pages: &[(&PageColumn, &[u64])], expected: Column) {
        let rows = pages.iter().map(|(_, ids)| ids.len()).sum();
        let mut column = Column::Values(Vec::new());
        pages.iter().for_each(|(page, ids)| column.add(page, (ids, number), rows));
        assert_eq!(column, expected);
    }

    #[test]
    fn numbers_of_one_type_stay_side_by_side() {
        let floats = page(|id| Value::Float(id as f64));
        check(&[(&integers(), &[7, 3]), (&integers(), &[PAGE + 1])], Column::Integers(vec![7, 3, 1]));
        check(&[(&floats, &[2])], Column::Floats(vec![2.0]));
        check(&[(&integers(), &[1]), (&floats, &[2])], Column::Values(vec![1.into(), 2.0.into()]));
        check(&[(&floats, &[1]), (&integers(), &[2])], Column::Values(vec![1.0.into(), 2.into()]));
    }

    #[test]
    fn nulls_are_asked_for_by_place() {
        let even = page(|id| if id % 2 == 0 { Value::Integer(9) } else { Value::Null });
        check(&[(&even, &[2, 4])], Column::Integers(vec![9, 9]));
        check(&[(&even, &[2, 3])], Column::Values(vec![9.into(), Value::Null]));
        check(&[(&even, &[2]), (&even, &[3, 4])], Column::Values(vec![9.into(), Value::Null, 9.into()]));
        check(&[(&page(|_| Value::Null), &[2])], Column::Values(vec![Value::Null]));
        let zeros = page(|id| if id == 0 { Value::Float(f64::NAN) } else { Value::Null });
        assert!(matches!(zeros.get(0), Value::Float(float) if float.is_nan()) && zeros.get(1).is_null());
    }

    #[test]
    fn mixed_values_stay_values() {
        let mixed = page(|id| if id == 0 { "a".into() } else { Value::Integer(1) });
        check(&[(&mixed, &[0, 1])], Column::Values(vec!["a".into(), 1.into()]));
        let mixed = page(|id| if id == 0 { 1.0.into() } else { Value::Integer(1) });
        check(&[(&mixed, &[0, 1])], Column::Values(vec![1.0.into(), 1.into()]));
    }

    #[test]
    fn numbers_take_their_own_size() {
        assert!(integers().memory_bytes() < 8 * PAGE + 256);
        assert!(page(|_| Value::Null).memory_bytes() < 256);
    }
}
