//! Grants and denials over names: labels, types, property keys, and patterns of names.
//! Knows no entity: what a name means for a node or a relationship is said in `graph_rights` itself.
//! Start reading at [`Rule::allows`].

use std::collections::BTreeSet;

use types::CompactString;

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
}

impl Rule {
    /// Allows everything.
    #[must_use]
    pub fn everything() -> Self {
        Self { granted: Words::All, denied: Words::none() }
    }

    /// Tells whether something of this one name is allowed.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        self.granted.holds(name) && !self.denied.holds(name)
    }

    /// Tells whether something of all these names is allowed where one grant is enough: reading, deleting.
    #[must_use]
    pub fn allows_some<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        let (mut granted, mut denied) = (self.granted.is_all(), self.denied.is_all());
        for name in names {
            granted |= self.granted.holds(name);
            denied |= self.denied.holds(name);
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

    /// Tells whether every name is allowed, and every one that will be.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.granted.is_all() && self.denied.is_none()
    }

    /// Tells whether nothing is allowed, whatever its name.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.denied.is_all()
            || match (&self.granted, &self.denied) {
                (Words::Some(granted), Words::Some(denied)) => granted.is_subset(denied),
                _ => false,
            }
    }

    pub(super) fn add(&mut self, verdict: super::Verdict, names: &Words) {
        match verdict {
            super::Verdict::Grant => self.granted.add(names),
            super::Verdict::Deny => self.denied.add(names),
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

    pub(super) fn add(&mut self, verdict: super::Verdict, pattern: &str) {
        let patterns = match verdict {
            super::Verdict::Grant => &mut self.granted,
            super::Verdict::Deny => &mut self.denied,
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
        let rule = Rule { granted: Words::of(["A", "C"]), denied: Words::of(["C"]) };
        assert!(rule.allows_some(["A", "B"]) && !rule.allows_some(["B"]) && !rule.allows_some(["A", "C"]));
        assert!(rule.allows_each(["A"]) && !rule.allows_each(["A", "B"]) && !rule.allows_each([]));
        assert!(!rule.allows_some([]) && Rule::everything().allows_some([]) && Rule::everything().allows_each([]));
        assert!(!rule.is_nothing() && Rule::default().is_nothing());
        let denied = Rule { granted: Words::All, denied: Words::All };
        assert!(denied.is_nothing() && !denied.allows_some([]));
    }
}
