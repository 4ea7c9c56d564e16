//! Nodes between two others, as a source finds them.
//! Leaves the rows that come of it to `operator::between`.
//! Start reading at [`Between`].

use types::{Direction, Failure, NodeId, RelationshipRef, TypeId};

use crate::source::{Expansion, RelationshipRecord, Source};

/// Which relationships are followed.
#[derive(Clone, Copy, Debug)]
pub struct Hop<'t> {
    /// Which way.
    pub direction: Direction,
    /// The types; `None` means all.
    pub types: Option<&'t [TypeId]>,
}

/// What [`Source::expand_between`] found: for each pair of nodes, a run of ways over one node between them.
#[derive(Clone, Debug, Default)]
pub struct Between {
    /// Where each pair's run ends in `found`; the first begins at 0.
    pub ends: Vec<usize>,
    /// The runs: the relationship to the node between, with that node, and the one from there to the end.
    pub found: Vec<(RelationshipRecord, RelationshipRef)>,
}

/// Finds what lies between by the lists of both ends.
pub fn by_lists(
    source: &(impl Source + ?Sized),
    nodes: &[NodeId],
    ends: &[NodeId],
    (first, second): (Hop<'_>, Hop<'_>),
    out: &mut Between,
) -> Result<(), Failure> {
    let (mut near, mut far) = (Expansion::default(), Expansion::default());
    source.expand(nodes, first.direction, first.types, &mut near)?;
    source.expand(ends, second.direction.reversed(), second.types, &mut far)?;
    let (mut near_start, mut far_start) = (0, 0);
    for (near_end, far_end) in near.ends.into_iter().zip(far.ends) {
        let mut far: Vec<RelationshipRecord> = far.found[far_start..far_end].to_vec();
        far.sort_by_key(|step| step.neighbour);
        for step in &near.found[near_start..near_end] {
            let from = far.partition_point(|other| other.neighbour < step.neighbour);
            let same = far[from..].iter().take_while(|other| other.neighbour == step.neighbour);
            out.found.extend(same.map(|other| (*step, other.relationship)));
        }
        out.ends.push(out.found.len());
        (near_start, far_start) = (near_end, far_end);
    }
    Ok(())
}
