//! What a statement has changed, as its summary tells the client.
//! Leaves the counting to whoever changes it: operators the data, `instance` the schema and the server.
//! Start reading at [`Counters`].

/// Counts of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each counts what its name says")]
pub struct Counters {
    pub nodes_created: u64,
    pub nodes_deleted: u64,
    pub relationships_created: u64,
    pub relationships_deleted: u64,
    pub properties_set: u64,
    pub labels_added: u64,
    pub labels_removed: u64,
    pub indexes_added: u64,
    pub indexes_removed: u64,
    pub constraints_added: u64,
    pub constraints_removed: u64,
    pub system_updates: u64,
}

impl Counters {
    /// Tells whether data or schema changed.
    #[must_use]
    pub fn contains_updates(&self) -> bool {
        *self != Self { system_updates: self.system_updates, ..Self::default() }
    }
}
