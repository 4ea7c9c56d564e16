//! Patterns of `=~`: Java's syntax on an engine that runs in linear time.
//! Leaves backreferences, look-around and possessive quantifiers out: they have no linear-time form.
//! Start reading at [`Pattern::compile`].

use std::cell::RefCell;
use std::collections::VecDeque;
use std::iter::Peekable;
use std::rc::Rc;
use std::str::Chars;
use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};
use types::{Code, Failure, effort};

use super::long_text::{MOMENT_BYTES, Stepping};
use crate::expression::over;

/// Bytes that one compiled pattern may take.
pub(super) const SIZE_MAX_BYTES: usize = 2 << 20;
/// Patterns that each thread keeps compiled.
const CACHED_MAX: usize = 32;

/// A compiled pattern that must match a whole text.
#[derive(Clone, Debug)]
pub struct Pattern {
    engine: Regex,
    /// What long texts are read with, once there was one.
    stepping: OnceLock<Option<Box<Stepping>>>,
}

impl Pattern {
    /// Compiles a pattern in Java's syntax; a `SemanticError` says what is wrong with it.
    pub fn compile(pattern: &str) -> Result<Self, Failure> {
        let translated = Translator { rest: pattern.chars().peekable(), out: String::new() }.run()?;
        let built = RegexBuilder::new(&format!(r"\A(?:{translated})\z")).size_limit(SIZE_MAX_BYTES).build();
        let engine = built.map_err(|error| invalid(&reason(&error)))?;
        Ok(Self { engine, stepping: OnceLock::new() })
    }

    /// Tells whether the whole text matches; whatever it tells once the statement may not go on is worth nothing.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        if text.len() <= MOMENT_BYTES {
            return self.engine.is_match(text);
        }
        // The engine cannot be stopped: a long text goes through an automaton step by step.
        let stepping = self.stepping.get_or_init(|| Stepping::compile(self.engine.as_str()).map(Box::new));
        match stepping {
            Some(stepping) if !stepping.is_moment(text.len()) => stepping.matches(text).unwrap_or_default(),
            _ => self.engine.is_match(text),
        }
    }
}

thread_local! {
    /// The patterns used last, newest first.
    static CACHE: RefCell<VecDeque<(String, Rc<Pattern>)>> = const { RefCell::new(VecDeque::new()) };
}

/// Runs a test with the compiled pattern, which this thread keeps for the next call.
pub(super) fn with_cached<R>(pattern: &str, test: impl FnOnce(&Pattern) -> R) -> Result<R, Failure> {
    let known = CACHE.with_borrow_mut(|cache| {
        let place = cache.iter().position(|(text, _)| text == pattern)?;
        // To the front, unless it is there: one pattern for all rows is the usual case.
        if place > 0 {
            let entry = cache.remove(place)?;
            cache.push_front(entry);
        }
        cache.front().map(|(_, compiled)| Rc::clone(compiled))
    });
    let compiled = match known {
        Some(compiled) => compiled,
        // Compiling one may take milliseconds, and each row may have another.
        None if !effort::look() => return Err(over()),
        None => remember(pattern, Pattern::compile(pattern)?),
    };
    Ok(test(&compiled))
}

fn remember(pattern: &str, compiled: Pattern) -> Rc<Pattern> {
    let compiled = Rc::new(compiled);
    CACHE.with_borrow_mut(|cache| {
        cache.truncate(CACHED_MAX - 1);
        cache.push_front((pattern.to_owned(), Rc::clone(&compiled)));
    });
    compiled
}

#[cold]
fn invalid(reason: &str) -> Failure {
    Failure::new(Code::SemanticError, format!("Invalid Regex: {reason}"))
}

/// Keeps the last line of the engine's report, which says what is wrong; the lines before draw the pattern.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => format!("the pattern needs more than {limit} bytes"),
        other => {
            let report = other.to_string();
            let last = report.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    }
}

/// Rewrites Java's syntax where the engine's differs.
struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
}

impl Translator<'_> {
    fn run(mut self) -> Result<String, Failure> {
        while let Some(character) = self.rest.next() {
            match character {
                '\\' => self.escape(Place::Outside)?,
                '[' => self.class()?,
                '(' => self.group()?,
                '*' | '+' | '?' | '}' => self.quantifier(character)?,
                other => self.out.push(other),
            }
        }
        Ok(self.out)
    }

    /// Passes `(?:`, `(?<name>` and flags on; refuses what looks around.
    fn group(&mut self) -> Result<(), Failure> {
        self.out.push('(');
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('?') {
            return Ok(());
        }
        match (ahead.next(), ahead.next()) {
            (Some('=' | '!'), _) | (Some('<'), Some('=' | '!')) => Err(invalid("look-around is not supported")),
            (Some('>'), _) => Err(invalid("atomic groups are not supported")),
            (Some('<'), _) => Ok(()),
            _ => {
                self.rest.next();
                self.out.push('?');
                self.flags();
                Ok(())
            }
        }
    }

    /// Drops the flags that change nothing here: Unicode case is always on, lines end at `\n`.
    fn flags(&mut self) {
        while let Some(flag) = self.rest.next_if(|flag| flag.is_ascii_alphabetic() || *flag == '-') {
            if !matches!(flag, 'u' | 'd' | 'U') {
                self.out.push(flag);
            }
        }
        // `(?u)` alone leaves `(?)`, which the engine refuses.
        if self.out.ends_with("(?") && self.rest.next_if_eq(&')').is_some() {
            self.out.truncate(self.out.len() - "(?".len());
        }
    }

    fn quantifier(&mut self, quantifier: char) -> Result<(), Failure> {
        self.out.push(quantifier);
        // After `\}` or a lone `}` a plus is a quantifier of its own.
        if self.rest.peek() == Some(&'+') && quantifier != '}' {
            return Err(invalid("possessive quantifiers are not supported"));
        }
        if self.rest.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        Ok(())
    }

    /// Copies a class in brackets, nested ones included.
    fn class(&mut self) -> Result<(), Failure> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        // A bracket right at the start stands for itself.
        if self.rest.next_if_eq(&']').is_some() {
            self.out.push_str(r"\]");
        }
        while let Some(character) = self.rest.next() {
            match character {
                ']' => {
                    self.out.push(']');
                    return Ok(());
                }
                '[' => self.class()?,
                '\\' => self.escape(Place::InClass)?,
                // The engine reads `~~` and `--` as set operators, Java does not.
                '~' => self.out.push_str(r"\~"),
                '-' if self.rest.peek() == Some(&'-') => self.out.push_str(r"\-"),
                other => self.out.push(other),
            }
        }
        Err(invalid("Unclosed character class"))
    }

    fn escape(&mut self, place: Place) -> Result<(), Failure> {
        let Some(letter) = self.rest.next() else { return Err(invalid("a backslash at the end")) };
        match letter {
            'Q' => self.quoted(),
            'p' | 'P' => self.property(letter)?,
            'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'h' | 'H' => self.out.push_str(&ascii_class(letter, place)),
            'e' => self.out.push_str(r"\x1B"),
            'R' => self.out.push_str(r"(?:\r\n|[\n\x0B\f\r\u{85}\u{2028}\u{2029}])"),
            'Z' => self.out.push_str(r"(?:\r?\n)?\z"),
            'G' | 'X' | 'k' | '1'..='9' => return Err(invalid(&format!("\\{letter} is not supported"))),
            '0' => self.octal()?,
            // Java lets any other character be escaped; the engine only punctuation.
            other if other.is_ascii_alphanumeric() || other.is_ascii_punctuation() => {
                self.out.push('\\');
                self.out.push(other);
            }
            other => self.out.push(other),
        }
        Ok(())
    }

    /// Takes everything up to `\E` as it stands.
    fn quoted(&mut self) {
        while let Some(character) = self.rest.next() {
            if character == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            self.out.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
        }
    }

    /// Turns Java's names of classes into the engine's.
    fn property(&mut self, letter: char) -> Result<(), Failure> {
        let name = if self.rest.next_if_eq(&'{').is_some() {
            let mut name = String::new();
            loop {
                match self.rest.next() {
                    None => return Err(invalid("Unclosed character family")),
                    Some('}') => break name,
                    Some(character) => name.push(character),
                }
            }
        } else {
            self.rest.next().map(String::from).unwrap_or_default()
        };
        let ascii = name.to_ascii_lowercase();
        let negation = if letter == 'P' { "^" } else { "" };
        match ascii.as_str() {
            "lower" | "upper" | "ascii" | "alpha" | "digit" | "alnum" | "punct" | "graph" | "print" | "blank"
            | "cntrl" | "xdigit" | "space" => self.out.push_str(&format!("[[:{negation}{ascii}:]]")),
            _ => {
                let plain = name.strip_prefix("Is").or_else(|| name.strip_prefix("java")).unwrap_or(&name);
                let plain = match plain {
                    "LowerCase" => "Lowercase",
                    "UpperCase" => "Uppercase",
                    other => other,
                };
                self.out.push_str(&format!(r"\{letter}{{{plain}}}"));
            }
        }
        Ok(())
    }

    fn octal(&mut self) -> Result<(), Failure> {
        let mut digits = String::new();
        while digits.len() < 3
            && let Some(digit) = self.rest.next_if(|digit| ('0'..='7').contains(digit))
        {
            digits.push(digit);
        }
        let code = u32::from_str_radix(&digits, 8).map_err(|_| invalid("Illegal octal escape sequence"))?;
        self.out.push_str(&format!(r"\x{{{code:X}}}"));
        Ok(())
    }
}

/// Where an escape stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    InClass,
    Outside,
}

/// Java's short classes mean ASCII only; the engine's mean all of Unicode.
fn ascii_class(letter: char, place: Place) -> String {
    let members = match letter.to_ascii_lowercase() {
        'd' => "0-9",
        'w' => "a-zA-Z0-9_",
        's' => r" \t\n\x0B\f\r",
        _ => r" \t\u{A0}\u{1680}\u{180E}\u{2000}-\u{200A}\u{202F}\u{205F}\u{3000}",
    };
    match (letter.is_ascii_uppercase(), place) {
        (true, _) => format!("[^{members}]"),
        (false, Place::Outside) => format!("[{members}]"),
        (false, Place::InClass) => members.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that a pattern matches all of the first texts and none of the others.
    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let compiled = Pattern::compile(pattern).unwrap_or_else(|failure| panic!("{pattern}: {failure}"));
        yes.iter().for_each(|text| assert!(compiled.matches(text), "{pattern} and {text:?}"));
        no.iter().for_each(|text| assert!(!compiled.matches(text), "{pattern} and {text:?}"));
    }

    #[track_caller]
    fn check_refused(pattern: &str, expected: &str) {
        let failure = Pattern::compile(pattern).expect_err("the pattern is refused");
        assert_eq!(failure.to_string(), expected);
    }

    #[test]
    fn the_usual_syntax() {
        check("A.*", &["A", "Andy"], &["a", "BA"]);
        check("(?i)and.*", &["ANDY", "andy"], &["bandy"]);
        check("a|bc", &["a", "bc"], &["abc", "b"]);
        check(r".*\.txt", &["a.txt"], &["atxt"]);
        check("[^a-c]+?x{2,3}", &["dxx", "xxx"], &["axx"]);
        check("(?<year>\\d{4})", &["2024"], &["24"]);
        check("(?s).*", &["a\nb"], &[]);
        check(".*", &["a"], &["a\nb"]);
        check("", &[""], &["a"]);
    }

    #[test]
    fn short_classes_are_ascii() {
        check(r"\d+", &["12"], &["٣"]);
        check(r"\w+", &["a_1"], &["ä"]);
        check(r"[\w-]+", &["a-b"], &["a b"]);
        check(r"[^\s]\S", &["ab"], &[" b", "a "]);
        check(r"[\D]", &["a"], &["1"]);
    }

    #[test]
    fn escapes_of_java() {
        check(r"\Qa.b\E.", &["a.bc"], &["axbc", "a.b"]);
        check(r"\Q(", &["("], &[]);
        check(r"\p{Lower}\p{L}\p{IsLatin}", &["aäb"], &["Aäb"]);
        check(r"\P{Alpha}", &["1"], &["a"]);
        check(r"\u0041\x42\0103", &["ABC"], &[]);
        check(r"a\Rb", &["a\r\nb", "a\nb"], &["ab"]);
        check(r"[a-z&&[^b]]", &["a"], &["b"]);
        check(r"[~~]", &["~"], &["-"]);
        check(r"[]a]", &["]", "a"], &[]);
        check(r"(?u)ä(?iu:B)", &["äb"], &[]);
        check(r"\ä", &["ä"], &[]);
    }

    #[test]
    fn what_has_no_linear_form_is_refused() {
        check_refused("(?=a)b", "Invalid Regex: look-around is not supported");
        check_refused("(?<!a)b", "Invalid Regex: look-around is not supported");
        check_refused("(?>a)b", "Invalid Regex: atomic groups are not supported");
        check_refused("a*+", "Invalid Regex: possessive quantifiers are not supported");
        check_refused(r"(a)\1", r"Invalid Regex: \1 is not supported");
        check_refused("[a", "Invalid Regex: Unclosed character class");
        check_refused("(a", "Invalid Regex: unclosed group");
        check_refused("a\\", "Invalid Regex: a backslash at the end");
        check_refused("(((a{1000}){1000}){1000})", "Invalid Regex: the pattern needs more than 2097152 bytes");
    }

    #[test]
    fn compiled_patterns_are_kept_within_bounds() {
        for round in 0..2 {
            for number in 0..2 * CACHED_MAX {
                let text = format!("a{number}");
                assert_eq!(with_cached(&text, |pattern| pattern.matches(&text)), Ok(true), "round {round}");
            }
        }
        assert_eq!(CACHE.with_borrow(VecDeque::len), CACHED_MAX);
    }
}
