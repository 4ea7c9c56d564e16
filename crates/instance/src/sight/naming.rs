//! Names that one user may know: labels, types and keys of what is found.
//! Leaves finding to `seeing`.
//! Start reading at [`Sighted::may_name`].

use query::{NameKind, Source};
use rustc_hash::FxHashSet;
use types::{CompactString, Failure, Map, NodeId, RelationshipId};

use super::seeing::CHUNK;
use super::sighted::Sighted;

/// Most nodes, and most relationships, that are looked at for the keys of properties that they have.
const LOOKED_AT_MAX: usize = 50_000;

impl Sighted {
    /// Leaves out names that nothing that is found can have, and keys that are read of nothing.
    pub(super) fn keep_names(&self, kind: NameKind, names: &mut Vec<CompactString>) {
        names.retain(|name| self.may_name(kind, name));
    }

    /// Tells whether something that is found can have a name.
    pub(super) fn may_name(&self, kind: NameKind, name: &str) -> bool {
        let rights = &self.rights;
        match kind {
            NameKind::Label => rights.nodes.traverse.can_allow(name),
            NameKind::Type => rights.relationships.traverse.can_allow(name),
            NameKind::Key => {
                !rights.nodes.read.rule(name).is_nothing() || !rights.relationships.read.rule(name).is_nothing()
            }
        }
    }

    /// Leaves out keys that nothing has in which they are read, of the first entities that are found.
    ///
    /// A name of a property may itself tell something, so that one that was not seen is not named.
    pub(super) fn keep_keys_in_sight(&self, names: &mut Vec<CompactString>) {
        if self.rights.sees_everything() {
            return;
        }
        let mut missing: FxHashSet<CompactString> = names.iter().cloned().collect();
        // What ends the looking early, such as the statement's deadline, ends the statement too; keys that it did not come
        // to are not named.
        let _ = self.look_for_keys(&mut missing);
        names.retain(|name| !missing.contains(name));
    }

    fn look_for_keys(&self, missing: &mut FxHashSet<CompactString>) -> Result<(), Failure> {
        let seen = |properties: Map, missing: &mut FxHashSet<CompactString>| {
            missing.retain(|key| !properties.contains_key(key));
            missing.is_empty()
        };
        let (mut after, mut looked): (Option<NodeId>, usize) = (None, 0);
        while !missing.is_empty() && looked < LOOKED_AT_MAX {
            let mut found = Vec::new();
            self.scan_seen(None, after, CHUNK, &mut found)?;
            for node in &found {
                if seen(self.node_properties(*node)?, missing) {
                    return Ok(());
                }
            }
            (after, looked) = (found.last().copied(), looked + found.len());
            if found.len() < CHUNK {
                break;
            }
        }
        let (mut after, mut looked): (Option<RelationshipId>, usize) = (None, 0);
        while !missing.is_empty() && looked < LOOKED_AT_MAX {
            let mut found = Vec::new();
            self.scan_relationships_seen(None, after, CHUNK, &mut found)?;
            for relationship in &found {
                if seen(self.relationship_properties(relationship.id)?, missing) {
                    return Ok(());
                }
            }
            (after, looked) = (found.last().map(|last| last.id), looked + found.len());
            if found.len() < CHUNK {
                break;
            }
        }
        Ok(())
    }
}
