//! Rules over names, turned into rules over the numbers that a graph has for them.
//! Leaves which rules there are to `catalog::graph_rights`, and reading values to `deciding`.
//! Start reading at [`IdRule::of`].

use std::sync::Arc;

use catalog::graph_rights::{ByValue, Rule, ValueTest, Verdict, Words};
use types::KeyId;

/// Some numbers, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ids {
    All,
    /// In order.
    Some(Vec<u32>),
}

impl Ids {
    fn of(words: &Words, find: &dyn Fn(&str) -> Option<u32>) -> Self {
        match words {
            Words::All => Self::All,
            // A name without a number is on nothing yet.
            Words::Some(names) => {
                let mut ids: Vec<u32> = names.iter().filter_map(|name| find(name)).collect();
                ids.sort_unstable();
                Self::Some(ids)
            }
        }
    }

    fn holds(&self, id: u32) -> bool {
        match self {
            Self::All => true,
            Self::Some(ids) => ids.binary_search(&id).is_ok(),
        }
    }
}

/// What is granted and denied, by number; a denial wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdRule {
    granted: Ids,
    denied: Ids,
    granted_by_value: Vec<IdTest>,
    denied_by_value: Vec<IdTest>,
}

/// What is granted or denied of some numbers, where a value passes a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdTest {
    ids: Ids,
    /// The number of the property that is tested; none where nothing has it yet.
    pub(super) key: Option<KeyId>,
    pub(super) test: Arc<ValueTest>,
}

/// What a rule says of an element whose values nobody has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is allowed, whatever its values.
    Yes,
    /// It is not, whatever its values.
    No,
    /// That hangs on its values.
    ByValue,
}

/// What a rule leaves of something that is asked by number, where no element has to be looked at to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Everything that was asked for.
    All,
    /// Only these numbers.
    Only(Vec<u32>),
    /// All but these numbers.
    AllBut(Vec<u32>),
    /// Nothing.
    Nothing,
}

impl IdTest {
    fn speaks_of(&self, ids: impl IntoIterator<Item = u32>) -> bool {
        self.ids == Ids::All || ids.into_iter().any(|id| self.ids.holds(id))
    }
}

impl IdRule {
    /// Makes the rule of a graph out of one of names.
    pub(super) fn of(
        rule: &Rule,
        find: impl Fn(&str) -> Option<u32>,
        find_key: impl Fn(&str) -> Option<KeyId>,
    ) -> Self {
        let test = |it: &ByValue| IdTest {
            ids: Ids::of(&it.names, &find),
            key: find_key(it.test.key()),
            test: Arc::clone(&it.test),
        };
        let of = |verdict| rule.by_value.iter().filter(|it| it.verdict == verdict).map(test).collect();
        let (granted_by_value, denied_by_value) = (of(Verdict::Grant), of(Verdict::Deny));
        Self {
            granted: Ids::of(&rule.granted, &find),
            denied: Ids::of(&rule.denied, &find),
            granted_by_value,
            denied_by_value,
        }
    }

    /// Tells whether what has these numbers is allowed: one grant is enough, one denial too much.
    pub(super) fn told(&self, ids: impl IntoIterator<Item = u32> + Clone) -> Told {
        let (mut granted, mut denied) = (self.granted == Ids::All, self.denied == Ids::All);
        for id in ids.clone() {
            granted = granted || self.granted.holds(id);
            denied = denied || self.denied.holds(id);
        }
        let asked = |tests: &[IdTest]| tests.iter().any(|test| test.speaks_of(ids.clone()));
        match (granted, denied) {
            (_, true) => Told::No,
            (true, false) if asked(&self.denied_by_value) => Told::ByValue,
            (true, false) => Told::Yes,
            (false, false) if asked(&self.granted_by_value) => Told::ByValue,
            (false, false) => Told::No,
        }
    }

    /// As [`IdRule::told`], of something whose values are known: `holds` tells whether a test is passed.
    pub(super) fn decides(&self, ids: impl IntoIterator<Item = u32> + Clone, holds: impl Fn(&IdTest) -> bool) -> bool {
        let passed = |tests: &[IdTest]| tests.iter().any(|test| test.speaks_of(ids.clone()) && holds(test));
        match self.told(ids.clone()) {
            Told::Yes => true,
            Told::No => false,
            Told::ByValue => {
                let granted = self.granted == Ids::All || ids.clone().into_iter().any(|id| self.granted.holds(id));
                (granted || passed(&self.granted_by_value)) && !passed(&self.denied_by_value)
            }
        }
    }

    /// Tells whether something with this one number can be allowed, if its values are right.
    pub(super) fn can_allow(&self, id: u32) -> bool {
        self.told([id]) != Told::No
    }

    /// Gives the properties whose values it asks for.
    pub(super) fn keys(&self) -> impl Iterator<Item = KeyId> {
        self.granted_by_value.iter().chain(&self.denied_by_value).filter_map(|test| test.key)
    }

    /// Tells whether everything is allowed, whatever numbers it has.
    pub(super) fn is_everything(&self) -> bool {
        self.granted == Ids::All && self.denies_nothing()
    }

    /// Tells whether nothing is allowed.
    pub(super) fn is_nothing(&self) -> bool {
        self.left() == Left::Nothing
    }

    /// Tells whether everything with this number is allowed, whatever else it has.
    pub(super) fn allows_all_with(&self, id: u32) -> bool {
        self.granted.holds(id) && self.denies_nothing()
    }

    /// Tells whether nothing with this number is allowed, whatever else it has.
    pub(super) fn denies(&self, id: u32) -> bool {
        self.denied.holds(id)
    }

    /// Tells whether anything hangs on values.
    pub(super) fn asks_values(&self) -> bool {
        !(self.granted_by_value.is_empty() && self.denied_by_value.is_empty())
    }

    /// Tells what is left at most, where each element has exactly one number; less of it where something hangs on values.
    pub(super) fn left(&self) -> Left {
        match (self.grantable(), &self.denied) {
            (_, Ids::All) => Left::Nothing,
            (Ids::All, Ids::Some(denied)) if denied.is_empty() => Left::All,
            (Ids::All, Ids::Some(denied)) => Left::AllBut(denied.clone()),
            (Ids::Some(granted), denied) => {
                let left: Vec<u32> = granted.iter().copied().filter(|id| !denied.holds(*id)).collect();
                if left.is_empty() { Left::Nothing } else { Left::Only(left) }
            }
        }
    }

    /// Gives the one number that everything allowed has, where there is just one.
    pub(super) fn single(&self) -> Option<u32> {
        match self.grantable() {
            Ids::Some(ids) if ids.len() == 1 => ids.first().copied(),
            _ => None,
        }
    }

    /// Gives every number for which something is granted, be it by value.
    fn grantable(&self) -> Ids {
        let mut all = self.granted.clone();
        for test in &self.granted_by_value {
            match (&mut all, &test.ids) {
                (Ids::All, _) => {}
                (_, Ids::All) => all = Ids::All,
                (Ids::Some(ids), Ids::Some(more)) => ids.extend(more),
            }
        }
        if let Ids::Some(ids) = &mut all {
            ids.sort_unstable();
            ids.dedup();
        }
        all
    }

    fn denies_nothing(&self) -> bool {
        // A test of names that nothing has yet denies nothing.
        let denies = |test: &IdTest| !matches!(&test.ids, Ids::Some(ids) if ids.is_empty());
        matches!(&self.denied, Ids::Some(ids) if ids.is_empty()) && !self.denied_by_value.iter().any(denies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(rule: &Rule) -> IdRule {
        let find = |name: &str| name.bytes().next().filter(|letter| *letter < b'x').map(u32::from);
        IdRule::of(rule, find, |key| find(key).map(KeyId))
    }

    fn rule(granted: Words, denied: Words) -> IdRule {
        made(&Rule { granted, denied, ..Rule::default() })
    }

    fn by_value(verdict: Verdict, names: Words) -> ByValue {
        ByValue { verdict, names, test: Arc::new(ValueTest::new("k", false, catalog::graph_rights::Asks::IsNull)) }
    }

    #[test]
    fn rules_of_names_become_rules_of_numbers() {
        let (a, b, c) = (u32::from(b'a'), u32::from(b'b'), u32::from(b'c'));
        let some = rule(Words::of(["b", "a", "x"]), Words::of(["b", "y"]));
        let told = |rule: &IdRule, ids: &[u32]| rule.told(ids.iter().copied());
        assert_eq!((told(&some, &[a]), told(&some, &[a, c])), (Told::Yes, Told::Yes));
        assert_eq!((told(&some, &[a, b]), told(&some, &[c]), told(&some, &[])), (Told::No, Told::No, Told::No));
        assert_eq!(some.left(), Left::Only(vec![a]));
        assert!(!some.allows_all_with(a) && some.denies(b));
        let most = rule(Words::All, Words::of(["c"]));
        assert_eq!((told(&most, &[]), told(&most, &[c, a])), (Told::Yes, Told::No));
        assert_eq!(most.left(), Left::AllBut(vec![c]));
        assert!(rule(Words::All, Words::of(["y"])).is_everything(), "a name that nothing has denies nothing");
        assert!(rule(Words::of(["x"]), Words::none()).is_nothing());
        assert_eq!(rule(Words::of(["a"]), Words::none()).single(), Some(a));
    }

    #[test]
    fn f91_values_decide_where_numbers_do_not() {
        let (a, b, c) = (u32::from(b'a'), u32::from(b'b'), u32::from(b'c'));
        let granted = made(&Rule {
            granted: Words::of(["a"]),
            denied: Words::of(["c"]),
            by_value: vec![by_value(Verdict::Grant, Words::of(["b", "c"]))],
        });
        assert_eq!((granted.told([a]), granted.told([b]), granted.told([b, c])), (Told::Yes, Told::ByValue, Told::No));
        assert!(granted.decides([b], |_| true) && !granted.decides([b], |_| false) && granted.decides([a], |_| false));
        assert_eq!((granted.left(), granted.single()), (Left::Only(vec![a, b]), None));
        assert!(!granted.allows_all_with(a) && !granted.allows_all_with(b) && granted.asks_values());
        let denied = made(&Rule {
            granted: Words::All,
            denied: Words::none(),
            by_value: vec![by_value(Verdict::Deny, Words::of(["b"])), by_value(Verdict::Deny, Words::of(["y"]))],
        });
        assert!(!denied.is_everything() && !denied.allows_all_with(a) && !denied.is_nothing());
        assert_eq!((denied.told([a]), denied.told([a, b])), (Told::Yes, Told::ByValue));
        assert!(denied.decides([b], |_| false) && !denied.decides([b], |_| true));
        assert_eq!(denied.keys().count(), 2);
        let later = made(&Rule {
            granted: Words::All,
            by_value: vec![by_value(Verdict::Deny, Words::of(["y"]))],
            ..Rule::default()
        });
        assert!(later.is_everything(), "a name that nothing has denies nothing");
        let alone = made(&Rule { by_value: vec![by_value(Verdict::Grant, Words::of(["b"]))], ..Rule::default() });
        assert!(alone.single() == Some(b) && !alone.is_nothing() && alone.can_allow(b) && !alone.can_allow(c));
    }
}
