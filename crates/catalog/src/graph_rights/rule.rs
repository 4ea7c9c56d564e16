//! Grants and denials over names: labels, types, property keys, and patterns of names.
//! Knows no entity: what a name means for a node or a relationship is said in `graph_rights` itself, and values are read
//! by whoever asks.
//! Start reading at [`Rule::allows`].

use std::collections::BTreeSet;
use std::sync::Arc;

use types::CompactString;

use super::{Elements, ValueTest, Verdict};

/// Some names, or all there are and will be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Words {
    /// Every name.
    All,
    /// These, and no other.
    Some(BTreeSet<CompactString>),
}

impl Default for Words {
    fn default() -> Self {
        Self::none()
    }
}

impl Words {
    /// Holds no name.
    #[must_use]
    pub fn none() -> Self {
        Self::Some(BTreeSet::new())
    }

    /// Holds the names that are given.
    pub fn of<T: Into<CompactString>>(names: impl IntoIterator<Item = T>) -> Self {
        Self::Some(names.into_iter().map(Into::into).collect())
    }

    /// Tells whether a name is among them.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(names) => names.contains(name),
        }
    }

    /// Tells whether it is every name.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// Tells whether it is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Some(names) if names.is_empty())
    }

    pub(super) fn add(&mut self, more: &Self) {
        match (&mut *self, more) {
            (Self::All, _) => {}
            (_, Self::All) => *self = Self::All,
            (Self::Some(names), Self::Some(more)) => names.extend(more.iter().cloned()),
        }
    }
}

/// What is granted and what is denied; a denial wins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rule {
    /// What is granted.
    pub granted: Words,
    /// What is denied, granted or not.
    pub denied: Words,
    /// What is granted or denied where a value is right.
    pub by_value: Vec<ByValue>,
}

/// What is granted or denied of some names, where the element's value passes a test.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ByValue {
    /// Which of both.
    pub verdict: Verdict,
    /// The names.
    pub names: Words,
    /// The test.
    pub test: Arc<ValueTest>,
}

impl Rule {
    /// Allows everything.
    #[must_use]
    pub fn everything() -> Self {
        Self { granted: Words::All, ..Self::default() }
    }

    /// Tells whether something of this one name is allowed, whatever its values.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        self.granted.holds(name) && !self.denied.holds(name) && !self.denies_by_value(name)
    }

    /// Tells whether something of this one name can be allowed, if its values are right.
    #[must_use]
    pub fn can_allow(&self, name: &str) -> bool {
        let by_value = || self.by_value.iter().any(|it| it.verdict == Verdict::Grant && it.names.holds(name));
        !self.denied.holds(name) && (self.granted.holds(name) || by_value())
    }

    /// Tells whether something of all these names is allowed where one grant is enough: reading, deleting. What hangs on
    /// a value is not allowed here.
    #[must_use]
    pub fn allows_some<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        let (mut granted, mut denied) = (self.granted.is_all(), self.denied.is_all());
        denied |= self.by_value.iter().any(|it| it.verdict == Verdict::Deny && it.names.is_all());
        for name in names {
            granted |= self.granted.holds(name);
            denied |= self.denied.holds(name) || self.denies_by_value(name);
        }
        granted && !denied
    }

    /// Tells whether something of all these names is allowed where each needs a grant: creating.
    ///
    /// What has no name needs a grant for all.
    #[must_use]
    pub fn allows_each<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        let mut names = names.into_iter().peekable();
        if names.peek().is_none() {
            return self.granted.is_all() && !self.denied.is_all();
        }
        names.all(|name| self.allows(name))
    }

    /// Tells whether every name is allowed, and every one that will be, whatever the values.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        let denies = |it: &ByValue| it.verdict == Verdict::Deny;
        self.granted.is_all() && self.denied.is_none() && !self.by_value.iter().any(denies)
    }

    /// Tells whether nothing is allowed, whatever its name and its values.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        let denied = |names: &Words| match (names, &self.denied) {
            (_, Words::All) => true,
            (Words::Some(names), Words::Some(denied)) => names.is_subset(denied),
            (Words::All, Words::Some(_)) => false,
        };
        let mut by_value = self.by_value.iter().filter(|it| it.verdict == Verdict::Grant);
        denied(&self.granted) && by_value.all(|it| denied(&it.names))
    }

    fn denies_by_value(&self, name: &str) -> bool {
        self.by_value.iter().any(|it| it.verdict == Verdict::Deny && it.names.holds(name))
    }

    /// Grants or denies some elements, all of those names or those whose value passes a test.
    pub(super) fn add(&mut self, verdict: Verdict, of: &Elements) {
        self.put(verdict, &of.names, of.test.as_ref());
    }

    /// As [`Rule::add`], of names and perhaps a test.
    pub(super) fn put(&mut self, verdict: Verdict, names: &Words, test: Option<&Arc<ValueTest>>) {
        if let Some(test) = test {
            let added = ByValue { verdict, names: names.clone(), test: Arc::clone(test) };
            if !self.by_value.contains(&added) {
                self.by_value.push(added);
            }
            return;
        }
        match verdict {
            Verdict::Grant => self.granted.add(names),
            Verdict::Deny => self.denied.add(names),
        }
    }
}

/// Patterns of names that are granted and denied: `*` stands for any letters, `?` for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    granted: Vec<CompactString>,
    denied: Vec<CompactString>,
}

impl Patterns {
    pub(super) fn everything() -> Self {
        Self { granted: vec!["*".into()], denied: Vec::new() }
    }

    /// Tells whether a name is allowed; letters match in either case.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        let any = |patterns: &[CompactString]| patterns.iter().any(|pattern| matches(pattern, name));
        any(&self.granted) && !any(&self.denied)
    }

    /// Tells whether every name is allowed.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.denied.is_empty() && self.granted.iter().any(|pattern| pattern == "*")
    }

    pub(super) fn add(&mut self, verdict: Verdict, pattern: &str) {
        let patterns = match verdict {
            Verdict::Grant => &mut self.granted,
            Verdict::Deny => &mut self.denied,
        };
        if !patterns.iter().any(|known| known == pattern) {
            patterns.push(pattern.into());
        }
    }
}

/// Tells whether a name fits a pattern, in time proportional to both lengths multiplied.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    let (mut at_pattern, mut at_name) = (0, 0);
    // Where the last star stood, and how much of the name it took.
    let mut star: Option<(usize, usize)> = None;
    while at_name < name.len() {
        match pattern.get(at_pattern) {
            Some('*') => {
                star = Some((at_pattern, at_name));
                at_pattern += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[at_name] => {
                at_pattern += 1;
                at_name += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                at_pattern = place + 1;
                at_name = taken + 1;
            }
        }
    }
    pattern[at_pattern..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        let check = |pattern, name, expected| assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        check("*", "", true);
        check("*", "db.labels", true);
        check("db.*", "db.labels", true);
        check("db.*", "dbms.info", false);
        check("DB.*s", "db.labels", true);
        check("db.?abels", "db.labels", true);
        check("db.?abels", "db.abels", false);
        check("a*b*c", "aXbYbZc", true);
        check("a*b*c", "aXbYbZ", false);
        check("", "a", false);
        check("tenant_*", "tenant_", true);
    }

    #[test]
    fn one_grant_is_enough_to_see_and_each_is_needed_to_make() {
        let rule = Rule { granted: Words::of(["A", "C"]), denied: Words::of(["C"]), ..Rule::default() };
        assert!(rule.allows_some(["A", "B"]) && !rule.allows_some(["B"]) && !rule.allows_some(["A", "C"]));
        assert!(rule.allows_each(["A"]) && !rule.allows_each(["A", "B"]) && !rule.allows_each([]));
        assert!(!rule.allows_some([]) && Rule::everything().allows_some([]) && Rule::everything().allows_each([]));
        assert!(!rule.is_nothing() && Rule::default().is_nothing());
        let denied = Rule { granted: Words::All, denied: Words::All, ..Rule::default() };
        assert!(denied.is_nothing() && !denied.allows_some([]));
    }

    #[test]
    fn f91_what_hangs_on_a_value_is_neither_everything_nor_nothing() {
        let test = Arc::new(ValueTest::new("level", false, super::super::Asks::IsNotNull));
        let elements = |label: &str| Elements { test: Some(Arc::clone(&test)), ..Elements::nodes([label]) };
        let mut some = Rule::default();
        some.add(Verdict::Grant, &elements("A"));
        some.add(Verdict::Grant, &elements("A"));
        assert_eq!(some.by_value.len(), 1, "the same is not asked twice");
        assert!(!some.is_nothing() && !some.is_everything());
        assert!(some.can_allow("A") && !some.allows("A") && !some.can_allow("B") && !some.allows_some(["A"]));
        let mut most = Rule::everything();
        most.add(Verdict::Deny, &elements("A"));
        assert!(!most.is_everything() && !most.is_nothing());
        assert!(most.can_allow("A") && !most.allows("A") && most.allows("B"));
        assert!(!most.allows_some(["A"]) && most.allows_some(["B"]) && most.allows_some([]));
        some.put(Verdict::Deny, &Words::of(["A"]), None);
        assert!(some.is_nothing() && !some.can_allow("A"), "what is denied whatever its values stays so");
    }
}
