//! The TCK's statements as food for the parser: as they stand, and broken a little.

use std::path::Path;

use super::feature;

/// Gives every statement of the TCK once.
///
/// # Errors
///
/// A feature that cannot be read.
pub fn statements(folder: &Path) -> Result<Vec<String>, String> {
    let mut texts: Vec<String> = feature::load(folder)?
        .into_iter()
        .flat_map(|scenario| scenario.steps)
        .filter_map(|step| step.document)
        .collect();
    texts.sort();
    texts.dedup();
    Ok(texts)
}

/// Checks that what is parsed prints, and that its print parses to what prints the same.
///
/// # Errors
///
/// Both prints, or the error of the second parsing. A text that is no statement is fine.
pub fn check_print(text: &str) -> Result<(), String> {
    let Ok(statement) = cypher::parse(text) else { return Ok(()) };
    let printed = statement.to_string();
    match cypher::parse(&printed) {
        Err(error) => Err(format!("of    {text}\nprint {printed}\nwhich is refused: {error}")),
        Ok(again) if again.to_string() == printed => Ok(()),
        Ok(again) => Err(format!("of    {text}\nprint {printed}\nthen  {again}")),
    }
}

/// Breaks a text: words and marks are dropped, doubled, swapped, or taken from another text.
#[must_use]
pub fn broken(text: &str, other: &str, seed: u64) -> String {
    let mut dice = Dice(seed);
    let mut pieces = pieces(text);
    let foreign = self::pieces(other);
    for _ in 0..=dice.below(3) {
        if pieces.is_empty() || foreign.is_empty() {
            break;
        }
        let at = dice.below(pieces.len());
        match dice.below(5) {
            0 => drop(pieces.remove(at)),
            1 => pieces.insert(at, pieces[at]),
            2 => {
                let with = dice.below(pieces.len());
                pieces.swap(at, with);
            }
            3 => pieces.insert(at, foreign[dice.below(foreign.len())]),
            _ => {
                let from = dice.below(foreign.len());
                let to = (from + 1 + dice.below(8)).min(foreign.len());
                let tail = pieces.split_off(at);
                pieces.extend_from_slice(&foreign[from..to]);
                pieces.extend(tail);
            }
        }
    }
    pieces.concat()
}

/// Cuts a text into words, marks and blanks.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same = |c: char| if first.is_alphanumeric() { c.is_alphanumeric() } else { false };
        let end = rest[first.len_utf8()..].find(|c| !same(c)).map_or(rest.len(), |at| at + first.len_utf8());
        let (piece, behind) = rest.split_at(end);
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        // SplitMix64: one addition and a mix, good enough to break texts with.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}
