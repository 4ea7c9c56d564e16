//! Analyzers: how a text becomes the terms that are looked up, named as Neo4j names them.
//! Leaves keeping the terms to `posting`, and queries to `syntax`.
//! Start reading at [`Analyzer::analyze`].

mod filter;
mod stop;
mod tokenize;

use rust_stemmers::{Algorithm, Stemmer};

pub use stop::stop_words;

/// The analyzer of an index that names none.
pub const DEFAULT: &str = "standard-no-stop-words";

/// A longer term is cut, and what was cut is kept as a hash: it is found by itself, and by its beginning.
pub const TERM_MAX_BYTES: usize = 360;

/// One word of a text as it is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The term.
    pub term: String,
    /// Its place among the words; words that were left out count.
    pub position: u32,
}

/// A way to cut texts into terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Analyzer {
    /// The name by which an index asks for it.
    pub name: &'static str,
    /// What it does, for people.
    pub description: &'static str,
    cut: Cut,
    /// The language whose words without meaning are left out.
    stop: Option<&'static str>,
    folds: Folds,
    stem: Option<Language>,
}

/// How a text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Words by the rules of Unicode.
    Words,
    /// Runs of letters.
    Letters,
    /// At white space.
    Spaces,
    /// Not at all.
    Whole,
    /// Pairs of neighbouring characters of Chinese, Japanese and Korean; other words by the rules of Unicode.
    Pairs,
}

/// What happens to the letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Folds {
    Nothing,
    Case,
    /// Case, and the marks of letters: `é` is `e`.
    Marks,
    /// Case, and the ending `'s`.
    Possessive,
    /// Case, and the article in front: `l'eau` is `eau`.
    Elision,
}

/// A language whose words are reduced to stems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Arabic,
    Danish,
    Dutch,
    English,
    Finnish,
    French,
    German,
    Greek,
    Hungarian,
    Italian,
    Norwegian,
    Portuguese,
    Romanian,
    Russian,
    Spanish,
    Swedish,
    Turkish,
}

impl Language {
    fn stemmer(self) -> Stemmer {
        Stemmer::create(match self {
            Self::Arabic => Algorithm::Arabic,
            Self::Danish => Algorithm::Danish,
            Self::Dutch => Algorithm::Dutch,
            Self::English => Algorithm::English,
            Self::Finnish => Algorithm::Finnish,
            Self::French => Algorithm::French,
            Self::German => Algorithm::German,
            Self::Greek => Algorithm::Greek,
            Self::Hungarian => Algorithm::Hungarian,
            Self::Italian => Algorithm::Italian,
            Self::Norwegian => Algorithm::Norwegian,
            Self::Portuguese => Algorithm::Portuguese,
            Self::Romanian => Algorithm::Romanian,
            Self::Russian => Algorithm::Russian,
            Self::Spanish => Algorithm::Spanish,
            Self::Swedish => Algorithm::Swedish,
            Self::Turkish => Algorithm::Turkish,
        })
    }
}

const fn plain(name: &'static str, description: &'static str, cut: Cut, folds: Folds) -> Analyzer {
    Analyzer { name, description, cut, stop: None, folds, stem: None }
}

const fn stemmed(name: &'static str, description: &'static str, stem: Language) -> Analyzer {
    Analyzer { name, description, cut: Cut::Words, stop: Some(name), folds: Folds::Case, stem: Some(stem) }
}

/// Every analyzer, by name.
pub static ANALYZERS: [Analyzer; 28] = [
    stemmed("arabic", "Arabic words by their stems, without stop words.", Language::Arabic),
    plain("cjk", "Chinese, Japanese and Korean by pairs of neighbouring characters.", Cut::Pairs, Folds::Case),
    stemmed("danish", "Danish words by their stems, without stop words.", Language::Danish),
    stemmed("dutch", "Dutch words by their stems, without stop words.", Language::Dutch),
    Analyzer {
        name: "english",
        description: "English words by their stems, without stop words and the ending 's.",
        cut: Cut::Words,
        stop: Some("english"),
        folds: Folds::Possessive,
        stem: Some(Language::English),
    },
    stemmed("finnish", "Finnish words by their stems, without stop words.", Language::Finnish),
    Analyzer {
        name: "french",
        description: "French words by their stems, without stop words and articles with an apostrophe.",
        cut: Cut::Words,
        stop: Some("french"),
        folds: Folds::Elision,
        stem: Some(Language::French),
    },
    stemmed("german", "German words by their stems, without stop words.", Language::German),
    stemmed("greek", "Greek words by their stems, without stop words.", Language::Greek),
    stemmed("hungarian", "Hungarian words by their stems, without stop words.", Language::Hungarian),
    Analyzer {
        name: "italian",
        description: "Italian words by their stems, without stop words and articles with an apostrophe.",
        cut: Cut::Words,
        stop: Some("italian"),
        folds: Folds::Elision,
        stem: Some(Language::Italian),
    },
    plain("keyword", "The whole text as one term, as it is.", Cut::Whole, Folds::Nothing),
    stemmed("norwegian", "Norwegian words by their stems, without stop words.", Language::Norwegian),
    stemmed("portuguese", "Portuguese words by their stems, without stop words.", Language::Portuguese),
    stemmed("romanian", "Romanian words by their stems, without stop words.", Language::Romanian),
    stemmed("russian", "Russian words by their stems, without stop words.", Language::Russian),
    plain("simple", "Runs of letters, in lower case.", Cut::Letters, Folds::Case),
    stemmed("spanish", "Spanish words by their stems, without stop words.", Language::Spanish),
    Analyzer {
        name: "standard",
        description: "Words by the rules of Unicode, in lower case, without English stop words.",
        cut: Cut::Words,
        stop: Some("english"),
        folds: Folds::Case,
        stem: None,
    },
    plain(
        "standard-folding",
        "Words by the rules of Unicode, in lower case and without the marks of letters.",
        Cut::Words,
        Folds::Marks,
    ),
    plain(
        DEFAULT,
        "The default analyzer. Words by the rules of Unicode, in lower case; no stop words are left out.",
        Cut::Words,
        Folds::Case,
    ),
    Analyzer {
        name: "stop",
        description: "Runs of letters, in lower case, without English stop words.",
        cut: Cut::Letters,
        stop: Some("english"),
        folds: Folds::Case,
        stem: None,
    },
    stemmed("swedish", "Swedish words by their stems, without stop words.", Language::Swedish),
    stemmed("turkish", "Turkish words by their stems, without stop words.", Language::Turkish),
    plain(
        "unicode_whitespace",
        "Cuts at white space as Unicode has it; nothing else changes.",
        Cut::Spaces,
        Folds::Nothing,
    ),
    plain("url", "Cuts at white space, in lower case: addresses of pages stay whole.", Cut::Spaces, Folds::Case),
    plain("url_or_email", "Cuts at white space, in lower case: addresses stay whole.", Cut::Spaces, Folds::Case),
    plain("whitespace", "Cuts at white space; nothing else changes.", Cut::Spaces, Folds::Nothing),
];

impl Analyzer {
    /// Finds an analyzer by its name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        ANALYZERS.binary_search_by(|known| known.name.cmp(name)).ok().map(|at| &ANALYZERS[at])
    }

    /// Lists the words that it leaves out.
    #[must_use]
    pub fn stop_words(&self) -> &'static [&'static str] {
        self.stop.map_or(&[], stop_words)
    }

    /// Appends the terms of a text; the first has at least position `from`. Gives the position behind the last word.
    pub fn analyze(&self, text: &str, from: u32, out: &mut Vec<Token>) -> u32 {
        let stemmer = self.stem.map(Language::stemmer);
        let stops = self.stop_words();
        let mut position = from;
        let mut take = |word: &str| {
            let term = filter::fold(word, self.folds);
            if !term.is_empty() && stops.binary_search(&&*term).is_err() {
                let term = match &stemmer {
                    Some(stemmer) => stemmer.stem(&term).into_owned(),
                    None => term,
                };
                out.push(Token { term: filter::bounded(term), position });
            }
            position = position.saturating_add(1);
        };
        match self.cut {
            Cut::Words => tokenize::words(text, &mut take),
            Cut::Letters => tokenize::letters(text, &mut take),
            Cut::Spaces => text.split_whitespace().for_each(take),
            Cut::Whole if text.is_empty() => {}
            Cut::Whole => take(text),
            Cut::Pairs => tokenize::pairs(text, &mut take),
        }
        position
    }

    /// Treats a part of a word as the words were, but neither cuts nor stems it; for wildcards and ranges.
    #[must_use]
    pub fn normalize(&self, part: &str) -> String {
        filter::fold(
            part,
            if matches!(self.folds, Folds::Possessive | Folds::Elision) { Folds::Case } else { self.folds },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(analyzer: &str, text: &str, expected: &str) {
        let mut tokens = Vec::new();
        Analyzer::find(analyzer).expect("a known analyzer").analyze(text, 0, &mut tokens);
        let shown: Vec<String> = tokens.iter().map(|token| format!("{}:{}", token.position, token.term)).collect();
        assert_eq!(shown.join(" "), expected, "{analyzer}");
    }

    #[test]
    fn analyzers_are_found_by_name() {
        assert!(ANALYZERS.is_sorted_by_key(|analyzer| analyzer.name));
        assert!(ANALYZERS.iter().all(|analyzer| Analyzer::find(analyzer.name) == Some(analyzer)));
        assert!(ANALYZERS.iter().all(|analyzer| analyzer.stop_words().is_sorted()), "stop words are searched");
        assert_eq!(Analyzer::find("Standard"), None);
        assert!(ANALYZERS.iter().filter(|it| it.stop.is_some()).all(|it| !it.stop_words().is_empty()));
    }

    #[test]
    fn texts_become_terms() {
        let text = "The Quick-Brown fox's 3.14 don't";
        check("standard-no-stop-words", text, "0:the 1:quick 2:brown 3:fox's 4:3.14 5:don't");
        check("standard", "The Quick fox and a dog", "1:quick 2:fox 5:dog");
        check("simple", text, "0:the 1:quick 2:brown 3:fox 4:s 5:don 6:t");
        check("whitespace", text, "0:The 1:Quick-Brown 2:fox's 3:3.14 4:don't");
        check("keyword", text, "0:The Quick-Brown fox's 3.14 don't");
        check("keyword", "", "");
        check("english", "The foxes' running dogs, the fox's den", "1:fox 2:run 3:dog 5:fox 6:den");
        check("swedish", "flickornas böcker", "0:flick 1:böck");
        check("german", "Die Häuser der Städte", "1:haus 3:stadt");
        check("french", "L'eau d\u{2019}une rivière, aujourd'hui", "0:eau 2:rivi 3:aujourd'hui");
        check("standard-folding", "Crème Brûlée Ångström", "0:creme 1:brulee 2:angstrom");
        check("cjk", "東京都 tower", "0:東京 1:京都 2:tower");
        check("standard", "東京 Straße", "0:東 1:京 2:straße");
        check("stop", "a cat and the dog", "1:cat 4:dog");
    }

    #[test]
    fn long_terms_are_cut_and_stay_different() {
        let term = |last: char| {
            let mut tokens = Vec::new();
            let text = format!("{}{last}", "ä".repeat(2_000));
            Analyzer::find("keyword").expect("it is known").analyze(&text, 0, &mut tokens);
            tokens.remove(0).term
        };
        assert!(term('x').len() <= TERM_MAX_BYTES);
        assert!(term('x').starts_with("äääää"));
        assert_ne!(term('x'), term('y'));
    }
}
