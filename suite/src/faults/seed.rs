//! Randomness that can be played again.

/// A stream of numbers that is the same for the same seed.
#[derive(Clone, Debug)]
pub struct Seed {
    first: u64,
    state: u64,
}

impl Seed {
    /// Takes the seed from `SHEAF_SEED`, or a fixed one, so that a failure in CI is the same at home.
    #[must_use]
    pub fn of_this_run() -> Self {
        let first = std::env::var("SHEAF_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_260);
        Self::new(first)
    }

    /// Starts a stream.
    #[must_use]
    pub fn new(first: u64) -> Self {
        Self { first, state: first }
    }

    /// Words the seed for the message of a failure.
    #[must_use]
    pub fn replay(&self) -> String {
        format!("play it again with SHEAF_SEED={}", self.first)
    }

    /// Gives the next number (the algorithm is SplitMix64).
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Gives a number below `end`, which is not zero.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    /// Gives bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.number() as u8).take(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let numbers = |mut seed: Seed| [seed.number(), seed.below(10), seed.below(3)];
        assert_eq!(numbers(Seed::new(7)), numbers(Seed::new(7)));
        assert_ne!(numbers(Seed::new(7)), numbers(Seed::new(8)));
    }
}
