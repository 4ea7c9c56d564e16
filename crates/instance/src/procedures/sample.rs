//! A bounded look at a graph: enough nodes and relationships of each kind to tell what it is made of.
//! Leaves what is made of them to the procedures that describe a graph.
//! Start reading at [`nodes`] and [`relationships`].

use std::collections::BTreeMap;

use query::{Budget, NameKind, Source};
use types::{CompactString, Failure, LabelId, Map, NodeId, RelationshipId, RelationshipRef, TypeId, Value};

/// Entities that are looked at for each label and each type, where nobody says otherwise.
pub(super) const WANTED: usize = 1_000;
/// Relationships that are looked at in all, where there are more.
const RELATIONSHIPS_MAX: usize = 200_000;
/// Relationships that are read at a time.
const CHUNK: usize = 10_000;
/// Runs of ids, spread from the first to the last, that a sample is made of.
const WINDOWS: u64 = 10;
/// Types that no window met and that are looked for each on its own.
const SOUGHT_MAX: usize = 8;

/// How many entities of a kind to look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted(pub(super) usize);

impl Wanted {
    /// Reads the configuration of a procedure: `{sample: n}`, where -1 means every one.
    pub(super) fn of(config: &Map) -> Self {
        match config.get("sample") {
            Some(Value::Integer(number)) => Self(usize::try_from(*number).unwrap_or(usize::MAX).max(1)),
            _ => Self(WANTED),
        }
    }
}

/// Gives nodes with a label, spread over all of them, at most as many as are wanted.
pub(super) fn nodes(
    source: &dyn Source,
    budget: &mut Budget,
    label: Option<LabelId>,
    wanted: Wanted,
) -> Result<Vec<NodeId>, Failure> {
    let count = usize::try_from(source.count_nodes(label)?).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let read = |after: Option<u64>, limit: usize, found: &mut Vec<NodeId>| {
        source.scan_nodes(label, after.map(NodeId), limit, found)
    };
    if count <= wanted.0 {
        in_chunks(budget, usize::MAX, &mut found, |node: &NodeId| node.0, read)?;
        return Ok(found);
    }
    let last = last_id(|after| {
        let mut one = Vec::new();
        source.scan_nodes(label, Some(NodeId(after)), 1, &mut one)?;
        Ok(!one.is_empty())
    })?;
    in_windows(budget, last, wanted.0, &mut found, |node: &NodeId| node.0, read)?;
    Ok(found)
}

/// The relationships of a sample by the names of their types.
pub(super) struct Relationships {
    pub(super) by_type: BTreeMap<CompactString, Vec<RelationshipRef>>,
    /// Whether these are all there are.
    pub(super) is_whole: bool,
}

/// Gives relationships of every type that has some, at most as many of each as are wanted.
pub(super) fn relationships(
    source: &dyn Source,
    budget: &mut Budget,
    wanted: Wanted,
) -> Result<Relationships, Failure> {
    let count = usize::try_from(source.count_relationships(None)?).unwrap_or(usize::MAX);
    let mut found: Vec<RelationshipRef> = Vec::new();
    let read = |after: Option<u64>, limit: usize, found: &mut Vec<RelationshipRef>| {
        source.scan_relationships(None, after.map(RelationshipId), limit, found)
    };
    let is_all = count <= RELATIONSHIPS_MAX || wanted.0 == usize::MAX;
    if is_all {
        in_chunks(budget, usize::MAX, &mut found, |found: &RelationshipRef| found.id.0, read)?;
    } else {
        let last = last_id(|after| {
            let mut one = Vec::new();
            source.scan_relationships(None, Some(RelationshipId(after)), 1, &mut one)?;
            Ok(!one.is_empty())
        })?;
        in_windows(budget, last, RELATIONSHIPS_MAX, &mut found, |found: &RelationshipRef| found.id.0, read)?;
    }
    let mut by_number: BTreeMap<TypeId, Vec<RelationshipRef>> = BTreeMap::new();
    let seen = found.len();
    for relationship in found {
        let kept = by_number.entry(relationship.kind).or_default();
        if kept.len() < wanted.0 {
            kept.push(relationship);
        }
    }
    let is_whole = is_all && by_number.values().map(Vec::len).sum::<usize>() == seen;
    add_rare_types(source, budget, &mut by_number)?;
    let named = |(kind, found)| Ok((source.type_name(kind)?, found));
    Ok(Relationships { by_type: by_number.into_iter().map(named).collect::<Result<_, Failure>>()?, is_whole })
}

/// Looks for one relationship of each of a few types that exist and were not met.
fn add_rare_types(
    source: &dyn Source,
    budget: &mut Budget,
    by_number: &mut BTreeMap<TypeId, Vec<RelationshipRef>>,
) -> Result<(), Failure> {
    let kinds = source.names(NameKind::Type).into_iter().filter_map(|name| source.type_id(&name));
    let missed: Vec<TypeId> = kinds.filter(|kind| !by_number.contains_key(kind)).collect();
    let mut sought = 0;
    for kind in missed {
        if sought == SOUGHT_MAX {
            break;
        }
        if source.count_relationships(Some(kind))? == 0 {
            continue;
        }
        budget.pay_rows(CHUNK)?;
        let mut found = Vec::new();
        source.scan_relationships(Some(kind), None, 1, &mut found)?;
        by_number.insert(kind, found);
        sought += 1;
    }
    Ok(())
}

/// Reads on until nothing comes any more, or `wanted` have come.
fn in_chunks<T>(
    budget: &mut Budget,
    wanted: usize,
    found: &mut Vec<T>,
    id: impl Fn(&T) -> u64,
    read: impl Fn(Option<u64>, usize, &mut Vec<T>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut left = wanted;
    let mut after = None;
    loop {
        let limit = CHUNK.min(left);
        let before = found.len();
        read(after, limit, found)?;
        let read = found.len() - before;
        budget.pay_rows(read.max(1))?;
        budget.take_memory(read * size_of::<T>())?;
        left -= read;
        after = found.last().map(&id);
        if read < limit || left == 0 {
            return Ok(());
        }
    }
}

/// Reads runs of ids that are spread evenly up to the last one.
fn in_windows<T>(
    budget: &mut Budget,
    last: u64,
    wanted: usize,
    found: &mut Vec<T>,
    id: impl Fn(&T) -> u64,
    read: impl Fn(Option<u64>, usize, &mut Vec<T>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let windows = WINDOWS.min(wanted as u64).max(1);
    let each = wanted.div_ceil(usize::try_from(windows).unwrap_or(usize::MAX));
    for window in 0..windows {
        // The first begins before the first id; none goes back behind where the one before it ended.
        let begin = (window > 0).then(|| last / windows * window);
        let after = begin.max(found.last().map(&id));
        let mut left = each;
        let mut after = after;
        while left > 0 {
            let (limit, before) = (CHUNK.min(left), found.len());
            read(after, limit, found)?;
            let read = found.len() - before;
            budget.pay_rows(read.max(1))?;
            budget.take_memory(read * size_of::<T>())?;
            if read == 0 {
                break;
            }
            left -= read.min(left);
            after = found.last().map(&id);
        }
    }
    Ok(())
}

/// Finds about the last id: twice as far as long as there is something behind, then halfway back.
fn last_id(has_after: impl Fn(u64) -> Result<bool, Failure>) -> Result<u64, Failure> {
    let (mut low, mut high) = (0_u64, 1_u64);
    while has_after(high)? {
        low = high;
        high = high.saturating_mul(2);
        if high == u64::MAX {
            return Ok(low);
        }
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if has_after(middle)? { low = middle } else { high = middle }
    }
    Ok(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_id_is_found_whatever_it_is() {
        for last in [0_u64, 1, 2, 5, 1_000, 1 << 40] {
            let found = last_id(|after| Ok(after < last)).expect("nothing fails");
            assert!(found == last.max(1), "{last}: {found}");
        }
    }

    #[test]
    fn windows_are_spread_and_overlap_nowhere() {
        let mut budget =
            Budget::start(std::sync::Arc::new(types::SystemClock), None, 1 << 20, std::sync::Arc::default());
        let mut found: Vec<u64> = Vec::new();
        let read = |after: Option<u64>, limit: usize, found: &mut Vec<u64>| {
            let first = after.map_or(0, |after| after + 1);
            found.extend((first..=1_000).take(limit));
            Ok(())
        };
        in_windows(&mut budget, 1_000, 100, &mut found, |id| *id, read).expect("there is room");
        assert_eq!(found.len(), 100);
        assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
        assert!(found.first() == Some(&0) && found.last() > Some(&900), "{found:?}");
    }
}
