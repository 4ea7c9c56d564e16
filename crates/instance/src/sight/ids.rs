//! Rules over names, turned into rules over the numbers that a graph has for them.
//! Leaves which rules there are to `catalog::graph_rights`.
//! Start reading at [`IdRule::of`].

use catalog::graph_rights::{Rule, Words};

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

impl IdRule {
    /// Makes the rule of a graph out of one of names.
    pub(super) fn of(rule: &Rule, find: impl Fn(&str) -> Option<u32>) -> Self {
        Self { granted: Ids::of(&rule.granted, &find), denied: Ids::of(&rule.denied, &find) }
    }

    /// Tells whether what has these numbers is allowed: one grant is enough, one denial too much.
    pub(super) fn allows(&self, ids: impl IntoIterator<Item = u32>) -> bool {
        let (mut granted, mut denied) = (self.granted == Ids::All, self.denied == Ids::All);
        for id in ids {
            granted = granted || self.granted.holds(id);
            denied = denied || self.denied.holds(id);
        }
        granted && !denied
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

    /// Tells what is left, where each element has exactly one number.
    pub(super) fn left(&self) -> Left {
        match (&self.granted, &self.denied) {
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
        match &self.granted {
            Ids::Some(ids) if ids.len() == 1 => ids.first().copied(),
            _ => None,
        }
    }

    fn denies_nothing(&self) -> bool {
        matches!(&self.denied, Ids::Some(ids) if ids.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(granted: Words, denied: Words) -> IdRule {
        let find = |name: &str| name.bytes().next().filter(|letter| *letter < b'x').map(u32::from);
        IdRule::of(&Rule { granted, denied }, find)
    }

    #[test]
    fn rules_of_names_become_rules_of_numbers() {
        let (a, b, c) = (u32::from(b'a'), u32::from(b'b'), u32::from(b'c'));
        let some = rule(Words::of(["b", "a", "x"]), Words::of(["b", "y"]));
        assert!(
            some.allows([a]) && some.allows([a, c]) && !some.allows([a, b]) && !some.allows([c]) && !some.allows([])
        );
        assert_eq!(some.left(), Left::Only(vec![a]));
        assert!(!some.allows_all_with(a) && some.denies(b));
        let most = rule(Words::All, Words::of(["c"]));
        assert!(most.allows([]) && !most.allows([c, a]));
        assert_eq!(most.left(), Left::AllBut(vec![c]));
        assert!(rule(Words::All, Words::of(["y"])).is_everything(), "a name that nothing has denies nothing");
        assert!(rule(Words::of(["x"]), Words::none()).is_nothing());
        assert_eq!(rule(Words::of(["a"]), Words::none()).single(), Some(a));
    }
}
