//! How texts are cut into words.

use unicode_segmentation::UnicodeSegmentation;

/// A word that is longer is cut: what is longer is hardly a word.
const WORD_MAX_CHARS: usize = 255;

/// Hands on the words by the rules of Unicode, those without letters or digits left out.
pub(super) fn words(text: &str, take: &mut dyn FnMut(&str)) {
    text.unicode_words().for_each(|word| cut(word, take));
}

/// Hands on runs of letters.
pub(super) fn letters(text: &str, take: &mut dyn FnMut(&str)) {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).for_each(|word| cut(word, take));
}

/// Hands on pairs of neighbours within runs of Chinese, Japanese or Korean, and other words as they are.
pub(super) fn pairs(text: &str, take: &mut dyn FnMut(&str)) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = rest.find(|c| is_cjk(c) != is_cjk(first)).unwrap_or(rest.len());
        let (now, later) = rest.split_at(run);
        if is_cjk(first) {
            let starts: Vec<usize> = now.char_indices().map(|(at, _)| at).chain([now.len()]).collect();
            match starts.len() {
                ..=2 => take(now),
                _ => starts.windows(3).for_each(|pair| take(&now[pair[0]..pair[2]])),
            }
        } else {
            words(now, take);
        }
        rest = later;
    }
}

fn is_cjk(c: char) -> bool {
    matches!(
        c,
        '\u{1100}'..='\u{11ff}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9d}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

fn cut(word: &str, take: &mut dyn FnMut(&str)) {
    let mut rest = word;
    while let Some((end, _)) = rest.char_indices().nth(WORD_MAX_CHARS) {
        take(&rest[..end]);
        rest = &rest[end..];
    }
    take(rest);
}
