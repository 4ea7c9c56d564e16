//! Scores by BM25, number for number as Lucene 9 computes them, so that thresholds of clients keep their meaning.
//! Knows neither indexes nor queries. Start reading at [`Weight::score`].

const K1: f32 = 1.2;
const B: f32 = 0.75;

/// What is known about all entities that have words in one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Statistics {
    /// Entities with words there.
    pub documents: i64,
    /// Words of all of them.
    pub words: i64,
}

/// What a term, or a phrase, is worth in one field.
#[derive(Clone, Debug)]
pub(super) struct Weight {
    weight: f32,
    /// By the length of a field as one byte.
    inverse: Box<[f32; 256]>,
}

impl Weight {
    /// Weighs a term by the number of entities that have it; `idf` of several terms is added up for a phrase.
    pub fn new(idf: f32, boost: f32, statistics: Statistics) -> Self {
        let average = (statistics.words as f64 / statistics.documents.max(1) as f64) as f32;
        let mut inverse = Box::new([0.0; 256]);
        for (byte, slot) in (0..=u8::MAX).zip(inverse.iter_mut()) {
            *slot = 1.0 / (K1 * ((1.0 - B) + B * length(byte) as f32 / average));
        }
        Self { weight: boost * idf, inverse }
    }

    /// Scores an entity that has the term `count` times among `length` words.
    pub fn score(&self, count: f32, length: u8) -> f32 {
        self.weight - self.weight / (1.0 + count * self.inverse[usize::from(length)])
    }
}

/// How much a term tells that `having` of all entities have.
pub(super) fn idf(having: u64, statistics: Statistics) -> f32 {
    let (all, having) = (statistics.documents.max(0) as f64, having as f64);
    (1.0 + (all - having + 0.5) / (having + 0.5)).ln() as f32
}

/// Makes one byte of a number of words: exact to 39, beyond that with three bits of precision.
pub(super) fn length_byte(words: u32) -> u8 {
    /// How many small lengths have a byte each.
    const EXACT: u32 = 24;
    if words < EXACT {
        return words as u8;
    }
    let rest = (words - EXACT).min(i32::MAX as u32);
    let bits = 32 - rest.leading_zeros();
    let code = if bits < 4 {
        rest
    } else {
        let shift = bits - 4;
        ((rest >> shift) & 0x07) | ((shift + 1) << 3)
    };
    (EXACT + code) as u8
}

/// Gives the number of words that a byte stands for.
fn length(byte: u8) -> u32 {
    const EXACT: u8 = 24;
    if byte < EXACT {
        return byte.into();
    }
    let code = u32::from(byte - EXACT);
    let (shift, low) = ((code >> 3), code & 0x07);
    let rest = match shift {
        0 => low,
        shift => (low | 0x08) << (shift - 1).min(27),
    };
    u32::from(EXACT).saturating_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_exact_while_they_are_small() {
        for words in 0..40 {
            assert_eq!(length(length_byte(words)), words);
        }
        assert_eq!([41, 100, 1_000, 100_000].map(|words| length(length_byte(words))), [40, 96, 984, 98_328]);
        assert_eq!(length_byte(i32::MAX as u32), 255);
    }

    #[test]
    fn scores_are_those_of_neo4j() {
        // The figures of Neo4j's manual: four names of 3, 2, 2 and 2 words, two of them with the word.
        let statistics = Statistics { documents: 4, words: 9 };
        let weight = Weight::new(idf(2, statistics), 1.0, statistics);
        assert_eq!(f64::from(weight.score(1.0, 2)), 0.330_070_078_372_955_3);
        assert_eq!(f64::from(weight.score(1.0, 3)), 0.277_258_902_788_162_23);
    }
}
