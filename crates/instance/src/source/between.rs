//! Nodes between two others, as `graph` finds them, for `query`.

use graph::GraphError;
use graph::transaction::{Hop, Step};
use query::{Between, RelationshipRecord};
use types::{NodeId, RelationshipRef};

use super::GraphSource;

impl GraphSource {
    /// Adds the ways between each pair of nodes to `out`.
    pub(super) fn collect_between(
        &self,
        nodes: &[NodeId],
        ends: &[NodeId],
        (first, second): (query::Hop<'_>, query::Hop<'_>),
        out: &mut Between,
    ) -> Result<(), GraphError> {
        let reference = |step: Step| {
            let Step { relationship: id, kind, start, end, .. } = step;
            RelationshipRef { source: self.number, id, kind, start, end }
        };
        let first_pair = out.ends.len();
        self.transaction.expand_between(nodes, ends, (hop(first), hop(second)), |near, far| {
            // What lies between two pairs with ways has none.
            out.ends.resize(first_pair + near.input, out.found.len());
            let record = RelationshipRecord { neighbour: near.neighbour, relationship: reference(near) };
            out.found.push((record, reference(far)));
        })?;
        out.ends.resize(first_pair + nodes.len(), out.found.len());
        self.hit(2 * nodes.len() + out.found.len());
        Ok(())
    }
}

fn hop(hop: query::Hop<'_>) -> Hop<'_> {
    Hop { direction: hop.direction, types: hop.types }
}
