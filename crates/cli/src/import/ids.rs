//! Which node an id of the files means.

use compact_str::CompactString;
use rustc_hash::FxHashMap;
use types::NodeId;

/// Every node that has an id, group by group.
#[derive(Debug, Default)]
pub struct Ids {
    groups: Vec<(CompactString, Group)>,
}

/// The ids of one group. Most are plain numbers, which take a third of the memory of text.
#[derive(Debug, Default)]
pub struct Group {
    numbers: FxHashMap<u64, NodeId>,
    texts: FxHashMap<CompactString, NodeId>,
}

impl Ids {
    /// Gives the place of a group, which is made if need be.
    pub fn place(&mut self, name: &str) -> usize {
        self.find(name).unwrap_or_else(|| {
            self.groups.push((name.into(), Group::default()));
            self.groups.len() - 1
        })
    }

    /// Finds the place of a group.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.groups.iter().position(|(known, _)| known == name)
    }

    /// Lends a group by its place.
    #[must_use]
    pub fn group(&self, place: usize) -> &Group {
        &self.groups[place].1
    }

    /// Lends a group by its place, to add to it.
    pub fn group_mut(&mut self, place: usize) -> &mut Group {
        &mut self.groups[place].1
    }
}

impl Group {
    /// Finds a node.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<NodeId> {
        match plain_number(id) {
            Some(number) => self.numbers.get(&number).copied(),
            None => self.texts.get(id).copied(),
        }
    }

    /// Adds a node whose id is free.
    pub fn insert(&mut self, id: &str, node: NodeId) {
        match plain_number(id) {
            Some(number) => drop(self.numbers.insert(number, node)),
            None => drop(self.texts.insert(id.into(), node)),
        }
    }
}

/// Reads a number that is written in the one shortest way, so that `7` and `007` stay two ids.
fn plain_number(id: &str) -> Option<u64> {
    let bytes = id.as_bytes();
    let plain = bytes.len() <= 19 && bytes.iter().all(u8::is_ascii_digit) && (bytes.len() == 1 || bytes[0] != b'0');
    if plain { id.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f157_ids_are_apart_by_group_and_by_spelling() {
        let mut ids = Ids::default();
        let (people, films) = (ids.place("Person"), ids.place("Film"));
        for (at, id) in ["7", "007", "+7", "99999999999999999999", "x"].into_iter().enumerate() {
            assert_eq!(ids.group(people).get(id), None);
            ids.group_mut(people).insert(id, NodeId(at as u64));
        }
        assert_eq!(ids.group(people).get("7"), Some(NodeId(0)));
        assert_eq!(ids.group(people).get("007"), Some(NodeId(1)));
        assert_eq!(ids.group(films).get("7"), None);
        assert_eq!((ids.place("Film"), ids.find("Town")), (films, None));
    }
}
