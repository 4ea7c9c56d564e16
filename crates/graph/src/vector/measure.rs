//! How alike two vectors are, and what that is worth as a score.
//! Start reading at [`Similarity`].

/// How alike two vectors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Similarity {
    /// The angle between them.
    Cosine,
    /// The way from one to the other.
    Euclidean,
}

impl Similarity {
    /// Finds one by its name, in any case of letters.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        [Self::Cosine, Self::Euclidean].into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// Gives its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "COSINE",
            Self::Euclidean => "EUCLIDEAN",
        }
    }

    /// Makes a vector ready to be compared: for cosine it gets the length 1. `None` if it cannot be compared.
    #[must_use]
    pub fn prepared(self, vector: &[f64]) -> Option<Vec<f32>> {
        if !vector.iter().all(|number| (*number as f32).is_finite()) {
            return None;
        }
        let by = match self {
            Self::Euclidean => 1.0,
            Self::Cosine => {
                let length = vector.iter().map(|number| number * number).sum::<f64>().sqrt();
                if !length.is_finite() || length <= 0.0 {
                    return None;
                }
                length
            }
        };
        Some(vector.iter().map(|number| (number / by) as f32).collect())
    }

    /// Tells how far apart two prepared vectors are; less is nearer. Only for comparing.
    #[must_use]
    pub(super) fn distance(self, a: &[f32], b: &[f32]) -> f32 {
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        let (whole, rest) = (a.iter().copied().zip(b.iter().copied()), (a_rest, b_rest.iter().copied()));
        match self {
            Self::Cosine => -sum(whole, rest, |a, b| a * b),
            Self::Euclidean => sum(whole, rest, |a, b| (a - b) * (a - b)),
        }
    }

    /// As [`Similarity::distance`], with a vector as it is stored.
    pub(super) fn distance_to_stored(self, a: &[f32], stored: &[u8]) -> f32 {
        let (numbers, _) = stored.as_chunks::<4>();
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), numbers.as_chunks::<LANES>());
        let read = |numbers: &[[u8; 4]; LANES]| numbers.map(f32::from_le_bytes);
        let whole = a.iter().copied().zip(b.iter().map(read));
        let rest = (a_rest, b_rest.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        match self {
            Self::Cosine => -sum(whole, rest, |a, b| a * b),
            Self::Euclidean => sum(whole, rest, |a, b| (a - b) * (a - b)),
        }
    }

    /// Makes the length of the way between two vectors of a distance.
    #[must_use]
    pub(super) fn way(self, distance: f32) -> f32 {
        match self {
            Self::Cosine => (2.0 + 2.0 * distance).max(0.0).sqrt(),
            Self::Euclidean => distance.sqrt(),
        }
    }

    /// Makes the score of a distance: from 0 to 1, and 1 is equal.
    #[must_use]
    pub(super) fn score(self, distance: f32) -> f32 {
        match self {
            Self::Cosine => ((1.0 - distance) / 2.0).clamp(0.0, 1.0),
            Self::Euclidean => 1.0 / (1.0 + distance),
        }
    }

    /// Compares two vectors of equal length, as the functions of Cypher do; `None` if they cannot be compared.
    #[must_use]
    pub fn compare(self, a: &[f64], b: &[f64]) -> Option<f64> {
        if a.len() != b.len() {
            return None;
        }
        let (a, b) = (self.prepared(a)?, self.prepared(b)?);
        Some(f64::from(self.score(self.distance(&a, &b))))
    }
}

/// Sums that are made at a time, which processors do at once.
const LANES: usize = 8;

/// Adds up what `each` makes of two vectors: the whole lanes, and what is left at the end.
#[inline(always)]
fn sum(
    whole: impl Iterator<Item = ([f32; LANES], [f32; LANES])>,
    (a, b): (&[f32], impl Iterator<Item = f32>),
    each: impl Fn(f32, f32) -> f32,
) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for (a, b) in whole {
        for lane in 0..LANES {
            sums[lane] += each(a[lane], b[lane]);
        }
    }
    sums.iter().sum::<f32>() + a.iter().zip(b).map(|(a, b)| each(*a, b)).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(similarity: Similarity, a: &[f64], b: &[f64], expected: Option<f64>) {
        let score = similarity.compare(a, b);
        let is_near = match (score, expected) {
            (Some(score), Some(expected)) => (score - expected).abs() < 1e-6,
            (score, expected) => score == expected,
        };
        assert!(is_near, "{a:?} {b:?}: {score:?} where {expected:?} is right");
    }

    #[test]
    fn scores_are_those_of_neo4j() {
        use Similarity::{Cosine, Euclidean};
        check(Cosine, &[1.0, 0.0], &[2.0, 0.0], Some(1.0));
        check(Cosine, &[1.0, 0.0], &[0.0, 3.0], Some(0.5));
        check(Cosine, &[1.0, 0.0], &[-1.0, 0.0], Some(0.0));
        check(Cosine, &[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], Some((1.0 + 0.974_631_85) / 2.0));
        check(Euclidean, &[4.0, 5.0, 6.0], &[2.0, 8.0, 3.0], Some(1.0 / 23.0));
        check(Euclidean, &[1.0], &[1.0], Some(1.0));
        check(Cosine, &[0.0, 0.0], &[1.0, 0.0], None);
        check(Euclidean, &[f64::INFINITY], &[1.0], None);
        check(Cosine, &[1.0], &[1.0, 2.0], None);
    }

    #[test]
    fn stored_vectors_are_compared_alike() {
        let a: Vec<f32> = (0..37).map(|at| at as f32 * 0.25).collect();
        let b: Vec<f32> = (0..37).map(|at| 3.0 - at as f32).collect();
        let stored: Vec<u8> = b.iter().flat_map(|number| number.to_le_bytes()).collect();
        for similarity in [Similarity::Cosine, Similarity::Euclidean] {
            assert_eq!(similarity.distance(&a, &b), similarity.distance_to_stored(&a, &stored));
        }
    }
}
