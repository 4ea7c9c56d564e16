//! Which terms a wildcard or a fuzzy word stands for.
//! Knows no index: it looks at one term at a time.
//! Start reading at [`Form::matches`] and [`Near::similarity`].

use super::syntax::Piece;

/// A form with wildcards.
pub(super) struct Form {
    pieces: Vec<Part>,
    /// What every term of this form begins with.
    pub prefix: String,
}

enum Part {
    Char(char),
    One,
    Any,
}

impl Form {
    /// Takes the pieces of a form, their texts as `normalize` makes them.
    pub fn new(pieces: &[Piece], normalize: impl Fn(&str) -> String) -> Self {
        let (mut parts, mut prefix, mut is_prefix) = (Vec::new(), String::new(), true);
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    let text = normalize(text);
                    if is_prefix {
                        prefix.push_str(&text);
                    }
                    parts.extend(text.chars().map(Part::Char));
                }
                Piece::One => {
                    is_prefix = false;
                    parts.push(Part::One);
                }
                Piece::Any => {
                    is_prefix = false;
                    parts.push(Part::Any);
                }
            }
        }
        Self { pieces: parts, prefix }
    }

    /// Tells whether a term has this form; takes at most its length times the form's.
    pub fn matches(&self, term: &str) -> bool {
        let chars: Vec<char> = term.chars().collect();
        let (mut at, mut part) = (0, 0);
        // Where the last star stands, and how far it reaches: only that one is ever moved on.
        let mut star: Option<(usize, usize)> = None;
        while at < chars.len() {
            match self.pieces.get(part) {
                Some(Part::Any) => {
                    star = Some((part, at));
                    part += 1;
                    continue;
                }
                Some(Part::One) => {}
                Some(Part::Char(c)) if *c == chars[at] => {}
                _ => {
                    let Some((place, reach)) = star else { return false };
                    star = Some((place, reach + 1));
                    (part, at) = (place + 1, reach + 1);
                    continue;
                }
            }
            part += 1;
            at += 1;
        }
        self.pieces[part..].iter().all(|part| matches!(part, Part::Any))
    }
}

/// A word, and the terms that are near to it.
pub(super) struct Near {
    chars: Vec<char>,
    edits_max: usize,
    rows: [Vec<usize>; 3],
}

impl Near {
    /// Takes a word and the changes that are allowed, or the least similarity if that is below 1.
    pub fn new(word: &str, similarity: f32) -> Self {
        const EDITS_MAX: usize = 2;
        let chars: Vec<char> = word.chars().collect();
        let edits = if similarity >= 1.0 {
            similarity as usize
        } else if similarity == 0.0 {
            0
        } else {
            ((1.0 - similarity) * chars.len() as f32) as usize
        };
        let rows = std::array::from_fn(|_| vec![0; chars.len() + 1]);
        Self { chars, edits_max: edits.min(EDITS_MAX), rows }
    }

    /// Tells how similar a term is, from 0 to 1; `None` if it is too far away.
    pub fn similarity(&mut self, term: &str) -> Option<f32> {
        let length = term.chars().count();
        if length.abs_diff(self.chars.len()) > self.edits_max {
            return None;
        }
        let edits = self.edits(term)?;
        if edits == 0 {
            return Some(1.0);
        }
        let shorter = length.min(self.chars.len());
        let similarity = 1.0 - edits as f32 / shorter.max(1) as f32;
        (similarity > 0.0).then_some(similarity)
    }

    /// Counts the changes: a character more, less, another, or two neighbours swapped.
    fn edits(&mut self, term: &str) -> Option<usize> {
        let width = self.chars.len();
        let [before_last, last, now] = &mut self.rows;
        last.iter_mut().enumerate().for_each(|(at, cell)| *cell = at);
        let mut previous = '\0';
        for (row, c) in term.chars().enumerate() {
            now[0] = row + 1;
            for at in 1..=width {
                let is_same = self.chars[at - 1] == c;
                let mut best = (last[at] + 1).min(now[at - 1] + 1).min(last[at - 1] + usize::from(!is_same));
                if row > 0 && at > 1 && self.chars[at - 2] == c && self.chars[at - 1] == previous {
                    best = best.min(before_last[at - 2] + 1);
                }
                now[at] = best;
            }
            if now.iter().all(|edits| *edits > self.edits_max) {
                return None;
            }
            previous = c;
            std::mem::swap(before_last, last);
            std::mem::swap(last, now);
        }
        Some(last[width]).filter(|edits| *edits <= self.edits_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_match_whole_terms() {
        let form = |text: &str| {
            let pieces: Vec<Piece> = text
                .chars()
                .map(|c| match c {
                    '*' => Piece::Any,
                    '?' => Piece::One,
                    c => Piece::Text(c.to_string()),
                })
                .collect();
            Form::new(&pieces, str::to_lowercase)
        };
        for (pattern, term, expected) in [
            ("te?t", "test", true),
            ("te?t", "tet", false),
            ("TE*", "test", true),
            ("*st", "test", true),
            ("*st", "tests", false),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c", "axxbyybzzc", true),
            ("a*b*c", "axxbyybzz", false),
            ("a?*ö", "axyzö", true),
        ] {
            assert_eq!(form(pattern).matches(term), expected, "{pattern} {term}");
        }
        assert_eq!(form("Ab?c*").prefix, "ab");
    }

    #[test]
    fn near_words_are_told_by_their_changes() {
        let near = |word: &str, similarity: f32, term: &str| Near::new(word, similarity).similarity(term);
        assert_eq!(near("roam", 2.0, "foam"), Some(0.75));
        assert_eq!(near("roam", 2.0, "roams"), Some(0.75));
        assert_eq!(near("roam", 2.0, "raom"), Some(0.75));
        assert_eq!(near("roam", 2.0, "roam"), Some(1.0));
        assert_eq!(near("roam", 1.0, "fomm"), None);
        assert_eq!(near("roam", 2.0, "house"), None);
        assert_eq!(near("roam", 0.8, "foam"), None);
        assert_eq!(near("ab", 2.0, "cd"), None);
        assert_eq!(near("", 2.0, "a"), None);
    }
}
