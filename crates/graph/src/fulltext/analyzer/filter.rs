//! What happens to a word after the text was cut.

use icu_normalizer::DecomposingNormalizerBorrowed;
use xxhash_rust::xxh3::xxh3_64;

use super::{Folds, TERM_MAX_BYTES};

/// Articles of French and Italian that lose their vowel before another one.
const ELIDED: [&str; 28] = [
    "agl", "all", "c", "coll", "d", "dagl", "dall", "degl", "dell", "gl", "j", "jusqu", "l", "lorsqu", "m", "n",
    "negl", "nell", "pell", "puisqu", "qu", "quoiqu", "s", "sugl", "sull", "t", "un", "v",
];

/// Makes a word's letters what they are looked up as.
pub(super) fn fold(word: &str, folds: Folds) -> String {
    match folds {
        Folds::Nothing => word.to_owned(),
        Folds::Case => word.to_lowercase(),
        Folds::Marks => {
            let is_mark = |c: char| ('\u{300}'..='\u{36f}').contains(&c);
            let plain: String =
                DecomposingNormalizerBorrowed::new_nfkd().normalize(word).chars().filter(|c| !is_mark(*c)).collect();
            plain.to_lowercase().replace('ß', "ss").replace('ø', "o").replace('æ', "ae").replace('œ', "oe")
        }
        Folds::Elision => {
            let lower = word.to_lowercase();
            match lower.split_once(['\'', '\u{2019}']) {
                Some((article, rest)) if ELIDED.binary_search(&article).is_ok() && !rest.is_empty() => rest.to_owned(),
                _ => lower,
            }
        }
        Folds::Possessive => {
            let lower = word.to_lowercase();
            let bare = ["'s", "\u{2019}s", "'"].iter().find_map(|ending| lower.strip_suffix(ending));
            bare.map_or(lower.clone(), str::to_owned)
        }
    }
}

/// Cuts a term that is too long for a key; a hash of the whole stands for what is gone.
pub(super) fn bounded(term: String) -> String {
    const HASH_BYTES: usize = 16;
    if term.len() <= TERM_MAX_BYTES {
        return term;
    }
    let hash = xxh3_64(term.as_bytes());
    let end = term.floor_char_boundary(TERM_MAX_BYTES - HASH_BYTES);
    format!("{}{hash:016x}", &term[..end])
}
