//! Similarity of vectors, given as lists of numbers.

use types::{Failure, Value};

use super::Function;
use super::error::{wrong_type, wrong_value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::pure(
        "vector.similarity.cosine",
        (2, 2),
        |_, arguments| similarity("vector.similarity.cosine", arguments, cosine),
        "vector.similarity.cosine(a :: LIST<INTEGER | FLOAT>, b :: LIST<INTEGER | FLOAT>) :: FLOAT",
        "Returns how near the directions of two vectors are, from 0 to 1.",
    ),
    Function::pure(
        "vector.similarity.euclidean",
        (2, 2),
        |_, arguments| similarity("vector.similarity.euclidean", arguments, euclidean),
        "vector.similarity.euclidean(a :: LIST<INTEGER | FLOAT>, b :: LIST<INTEGER | FLOAT>) :: FLOAT",
        "Returns how near two vectors are, from 0 to 1.",
    ),
];

/// Measures two vectors of one length; `None` from the measure where a vector has no direction.
fn similarity(
    name: &str,
    arguments: &[Value],
    measure: impl Fn(&[f64], &[f64]) -> Option<f64>,
) -> Result<Value, Failure> {
    let (Some(a), Some(b)) = (vector(name, &arguments[0])?, vector(name, &arguments[1])?) else {
        return Ok(Value::Null);
    };
    if a.len() != b.len() {
        let problem = format!("The vectors have different dimensions, {} and {}.", a.len(), b.len());
        return Err(wrong_value(name, &problem));
    }
    measure(&a, &b)
        .map(Value::Float)
        .ok_or_else(|| wrong_value(name, "A vector must have a finite length greater than zero."))
}

/// Reads a vector; `None` for null.
fn vector(name: &str, value: &Value) -> Result<Option<Vec<f64>>, Failure> {
    let items = match value {
        Value::Null => return Ok(None),
        Value::List(items) => items,
        other => return Err(wrong_type(name, "a List of numbers", other)),
    };
    let number = |item: &Value| match item {
        Value::Integer(integer) => Ok(*integer as f64),
        Value::Float(float) => Ok(*float),
        other => Err(wrong_type(name, "a List of numbers", other)),
    };
    items.iter().map(number).collect::<Result<Vec<f64>, Failure>>().map(Some)
}

/// Turns the cosine of the angle, -1 to 1, into 0 to 1.
fn cosine(a: &[f64], b: &[f64]) -> Option<f64> {
    let length = |vector: &[f64]| vector.iter().map(|part| part * part).sum::<f64>().sqrt();
    let lengths = length(a) * length(b);
    let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    (lengths > 0.0 && lengths.is_finite()).then(|| ((1.0 + product / lengths) / 2.0).clamp(0.0, 1.0))
}

/// Turns the squared distance, 0 to infinity, into 1 to 0.
fn euclidean(a: &[f64], b: &[f64]) -> Option<f64> {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    squares.is_finite().then(|| 1.0 / (1.0 + squares))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NULL, check, list, values};

    #[test]
    fn similarities() {
        check("vector.similarity.cosine", [list(values![1, 0]), list(values![2.0, 0])], "1.0");
        check("vector.similarity.cosine", [list(values![1, 0]), list(values![0, 1])], "0.5");
        check("vector.similarity.cosine", [list(values![1, 0]), list(values![-1, 0])], "0.0");
        check("vector.similarity.euclidean", [list(values![1, 0]), list(values![0, 0])], "0.5");
        check("vector.similarity.euclidean", [list(values![1, 0]), NULL], "null");
    }

    #[test]
    fn vectors_that_cannot_be_measured() {
        let (one, two) = (list(values![1]), list(values![1, 2]));
        check(
            "vector.similarity.cosine",
            [one.clone(), two],
            "ArgumentError: Invalid input for function 'vector.similarity.cosine()': The vectors have different \
             dimensions, 1 and 2.",
        );
        check(
            "vector.similarity.cosine",
            [one, list(values![0])],
            "ArgumentError: Invalid input for function 'vector.similarity.cosine()': A vector must have a finite length \
             greater than zero.",
        );
    }
}
