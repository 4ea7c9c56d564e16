//! How much of a graph's store its indexes take.

use super::Database;
use crate::GraphError;
use crate::codec::fact::IndexKind;
use crate::keys::ENTRIES;
use crate::vector;

impl Database {
    /// Counts the bytes of live data that entries of indexes take; lookup indexes have none.
    ///
    /// Costs a read of one page in about a hundred, and of every page with vectors. A posting of a full-text index that is
    /// longer than half a page, a word about a thousand times in one text, counts with its key alone.
    pub fn index_bytes(&self) -> Result<u64, GraphError> {
        let indexes = self.begin_read()?.indexes();
        let vectors = indexes.iter().filter(|index| index.kind == IndexKind::Vector);
        // Only these have entries too long for the pages of their keys.
        let long: Vec<_> = vectors.map(|index| vector::vectors(index.id)).collect();
        let long: Vec<_> = long.iter().map(|range| &range.start[..]..&range.end[..]).collect();
        Ok(self.store().bytes_under(ENTRIES, &long)?)
    }
}
