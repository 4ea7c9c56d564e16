//! One consistent view: an LMDB read transaction with its place in the reader table and its pass through the gate.
//! Reads through `reading`. Start reading at [`LmdbSnapshot`].
#![expect(unsafe_code, reason = "a read transaction is shared between threads; see the one block")]

use std::ops::Range;
use std::sync::Arc;

use heed::{RoTxn, WithoutTls};

use super::gate::Pass;
use super::reading::Reading;
use super::store::Shared;
use crate::{Lent, Reader, Snapshot, StoreError, VisitMany};

/// A read transaction that any thread may use.
///
/// Fields are dropped from the top: the transaction ends before its pass goes back, and the environment outlives both.
pub(super) struct LmdbSnapshot {
    txn: SharedTxn,
    _pass: Pass,
    shared: Arc<Shared>,
}

struct SharedTxn(RoTxn<'static, WithoutTls>);

// SAFETY: `RoTxn` is `Send` without thread-local readers, but not `Sync`, because heed cannot promise it for every use.
// The uses that this module makes are reads of a top-level read-only transaction, and for those LMDB 0.9 changes
// nothing in the transaction: `mdb_get` keeps its cursor on the stack and `mdb_cursor_open` allocates one of its own,
// which is not linked to the transaction (its list of cursors exists only in write transactions); the unnamed
// database is never stale, so no root is loaded late; pages come straight from the map. The one store is the error
// flag, set when a page number lies outside the snapshot or a page has an impossible type: an idempotent store of one
// aligned word, after which every read of this snapshot fails, which is what we want of a damaged file. The
// transaction is neither renewed, nor committed, nor nested, and it ends once, in `drop`, with no borrow left.
// `many_threads_read_one_snapshot` is the test.
unsafe impl Sync for SharedTxn {}

impl LmdbSnapshot {
    pub(super) fn new(txn: RoTxn<'static, WithoutTls>, pass: Pass, shared: Arc<Shared>) -> Self {
        Self { txn: SharedTxn(txn), _pass: pass, shared }
    }

    /// Gives the number of the commit that is read.
    pub(super) fn commit(&self) -> u64 {
        self.txn.0.id() as u64
    }

    pub(super) fn reading(&self) -> Reading<'_> {
        Reading {
            txn: &self.txn.0,
            keys: self.shared.keys,
            sums: self.shared.sums,
            file: &self.shared.data.path,
            is_mapped: true,
        }
    }
}

/// A read transaction that reads nothing any more: it only keeps the pages of its commit from being used again.
///
/// It has no pass, so the map may be replaced while it lives; see [`LmdbStore`](super::store::LmdbStore) on that.
pub(super) struct Pin {
    _txn: SharedTxn,
    _shared: Arc<Shared>,
}

impl LmdbSnapshot {
    /// Gives up reading, and the pass, but keeps the pages.
    pub(super) fn pin(self) -> Pin {
        let Self { txn, _pass, shared } = self;
        Pin { _txn: txn, _shared: shared }
    }
}

impl Snapshot for LmdbSnapshot {}

impl Reader for LmdbSnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Lent<'_>>, StoreError> {
        Ok(self.reading().get(key)?.map(Lent::Borrowed))
    }

    fn scan(&self, range: Range<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        self.reading().scan(range, visit)
    }

    fn scan_back(&self, range: Range<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        self.reading().scan_back(range, visit)
    }

    fn scan_many(&self, ranges: &[Range<&[u8]>], visit: VisitMany<'_>) -> Result<(), StoreError> {
        self.reading().scan_many(ranges, visit)
    }

    fn get_many(&self, keys: &[&[u8]], visit: &mut dyn FnMut(usize, Option<&[u8]>)) -> Result<(), StoreError> {
        self.reading().get_many(keys, visit)
    }
}
