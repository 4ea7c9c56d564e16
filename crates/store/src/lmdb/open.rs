//! Opens the files of a store, and trusts them only after looking.
//! Leaves the walk over pages to `walk` and everything after opening to `store`. Start reading at [`LmdbEngine::open`].
//!
//! LMDB trusts its file: a truncated one kills the process, a changed one may. So this looks first, through
//! ordinary reads, which can fail but not kill. How close the look is depends on the mark in the file:
//!
//! | mark | means | look |
//! |---|---|---|
//! | closed, and length, commit and time agree | nobody touched it since we closed it | header and meta pages |
//! | open, none, or a disagreement | a process died, or somebody touched it | every page |
//! | opening, twice | two processes died while opening it | refused |
#![expect(unsafe_code, reason = "mapping a file; see the one block")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use heed::{CommitOrAbort, Env, EnvOpenOptions, WithoutTls};
use types::failpoint;

use super::error::from_heed;
use super::files::{self, DataFile};
use super::format::{self, Doing, FORMAT, Header, Meta, MetaFault};
use super::image::{self, FileImage};
use super::lists;
use super::reading::Keyspace;
use super::store::{Limits, LmdbStore, Shared, whole_units};
use super::sum::Sums;
use super::walk::{self, Depth};
use crate::{Engine, Image, OpenOptions, Store, StoreError};

/// What images of this engine are called, by the format of the file.
const KINDS: [&str; FORMAT as usize] = ["lmdb 1", "lmdb 2"];
/// Places in LMDB's reader table for our own reads: checks and copies.
const OWN_READERS: u32 = 8;
/// Deaths while opening after which a file is refused.
const DEATHS_MAX: u32 = 2;

/// Keeps each store in an LMDB environment of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct LmdbEngine;

impl Engine for LmdbEngine {
    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Store>, StoreError> {
        lists::keep_off_the_heap();
        if !files::is_there(folder)? {
            if !options.create {
                return Err(StoreError::NotFound { folder: folder.to_owned() });
            }
            let header = Header { format: FORMAT, identity: options.identity.unwrap_or_default() };
            failpoint::reach("store.create.before");
            DataFile::create(folder, &header, options.map_start_bytes)?;
            failpoint::reach("store.create.after");
        }
        let data = DataFile::lock(folder)?;
        let (header, meta, doing) = inspect(&data, options)?;
        files::place_reader_table(folder, options.readers_max.saturating_add(OWN_READERS))?;
        let map_bytes = map_bytes(options, &meta);
        let sums = Sums::of(header.format);
        data.set_doing(&Doing::Opening { deaths: deaths(&doing) })?;
        let mapped = map(folder, map_bytes, options.readers_max).and_then(|env| Ok((keyspace(&env)?, env)));
        let (keys, env) = mapped.map_err(|error| {
            // What is refused is no death: whatever was short, the next opening finds the file as this one did.
            if let Err(error) = data.set_doing(&doing) {
                tracing::warn!(file = %data.path.display(), %error, "the mark of a refused opening stays in the file");
            }
            from_heed(error, &data.path, "map the file")
        })?;
        let limits = Limits { map_max_bytes: options.map_max_bytes, grow_wait_max: options.grow_wait_max, header };
        let store = LmdbStore::new(Shared::new(env, keys, data, sums), map_bytes, options.readers_max, limits);
        failpoint::reach("store.open.mapped");
        touch(&store)?;
        if !options.confirm {
            store.confirm()?;
        }
        Ok(Arc::new(store))
    }

    fn kind(&self) -> &'static str {
        kind_of(FORMAT)
    }

    fn takes(&self, kind: &str) -> bool {
        KINDS.contains(&kind)
    }

    fn restore(
        &self,
        folder: &Path,
        identity: Option<[u8; 16]>,
        next: &mut dyn FnMut(&mut Vec<u8>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        if self.exists(folder) {
            return Err(StoreError::Exists { folder: folder.to_owned() });
        }
        fs::create_dir_all(folder).map_err(|source| StoreError::Io { action: "make the folder", source })?;
        image::place(folder, identity.unwrap_or_default(), next)
    }

    fn closed_image(&self, folder: &Path) -> Result<Box<dyn Image>, StoreError> {
        Ok(Box::new(FileImage::take(DataFile::lock_to_read(folder)?)?))
    }

    fn remove(&self, folder: &Path) -> Result<(), StoreError> {
        // Whoever removes must be the only user, as with opening.
        let data = match DataFile::lock(folder) {
            // What nobody can open nobody has open.
            Err(StoreError::NotFound { .. } | StoreError::Io { .. }) => None,
            other => Some(other?),
        };
        failpoint::reach("store.remove.before");
        files::remove_all(folder)?;
        failpoint::reach("store.remove.after");
        drop(data);
        Ok(())
    }

    fn exists(&self, folder: &Path) -> bool {
        fs::exists(folder.join(files::DATA)).unwrap_or(false)
    }

    fn written_nanos(&self, folder: &Path) -> Option<i128> {
        files::modified_ns(&folder.join(files::DATA)).ok().map(i128::from)
    }

    fn glance(&self, folder: &Path, options: &OpenOptions) -> Result<(), StoreError> {
        let data = DataFile::look(folder)?;
        let (_, meta, doing) = judge(&data, options)?;
        let bytes = data.bytes()?;
        let page = u64::from(meta.page_bytes);
        let roots = [meta.main.root, meta.free.root].into_iter().filter(|root| *root != format::NO_PAGE);
        let is_cut = match doing {
            // What is missing may have been free, as opening finds out.
            Doing::Closed(closed) if bytes < closed.file_bytes => return check_pages(&data, &meta, options),
            Doing::Closed(_) => false,
            Doing::Open | Doing::Opening { .. } => roots.max().is_some_and(|root| bytes < (root + 1) * page),
        };
        if is_cut { Err(damaged(&data, "it is shorter than it was")) } else { Ok(()) }
    }

    fn closed_commit(&self, folder: &Path, options: &OpenOptions) -> Option<u64> {
        let data = DataFile::look(folder).ok()?;
        let (_, meta, doing) = judge(&data, options).ok()?;
        is_untouched(&data, &doing, &meta).ok()?.then_some(meta.commit)
    }
}

/// Names the images of files of a format.
pub(super) fn kind_of(format: u32) -> &'static str {
    KINDS[format as usize - 1]
}

/// Looks at the file before anything maps it.
fn inspect(data: &DataFile, options: &OpenOptions) -> Result<(Header, Meta, Doing), StoreError> {
    let (header, meta, doing) = judge(data, options)?;
    if !is_untouched(data, &doing, &meta)? {
        // A new file was never closed either.
        if meta.main.root != format::NO_PAGE {
            tracing::info!(file = %data.path.display(), "file was not closed by this server; checking it");
        }
        check_pages(data, &meta, options)?;
    }
    Ok((header, meta, doing))
}

/// Walks the pages of a file that was not closed by this server, or was changed since.
fn check_pages(data: &DataFile, meta: &Meta, options: &OpenOptions) -> Result<(), StoreError> {
    let pages = if data.bytes()? <= options.check_max_bytes { Depth::Leaves } else { Depth::Branches };
    walk::walk(data, meta, pages)
}

/// Looks at what stands in the first two pages.
fn judge(data: &DataFile, options: &OpenOptions) -> Result<(Header, Meta, Doing), StoreError> {
    let (header, meta) = (header(data)?, newest(data)?);
    if options.identity.is_some_and(|identity| identity != header.identity) {
        return Err(damaged(data, "it belongs to another database"));
    }
    let doing = data.doing()?;
    check_last(data, &meta, &doing)?;
    if deaths(&doing) >= DEATHS_MAX && !options.forgive {
        return Err(damaged(data, "the process died twice while opening it"));
    }
    Ok((header, meta, doing))
}

/// Refuses a file whose last commit may be another than it says: LMDB's meta pages have no checksum, and a changed bit in the
/// number of one makes the commit before the last one.
///
/// Commits are numbered without gaps, and that a file is open again is on the disk before its next commit is.
fn check_last(data: &DataFile, last: &Meta, doing: &Doing) -> Result<(), StoreError> {
    let other = meta_at(data, 1 - last.commit % 2)?.commit;
    if last.commit.abs_diff(other) > 1 {
        let reason = format!("its meta pages name commits {} and {other}, which do not follow each other", last.commit);
        return Err(damaged(data, &reason));
    }
    let Doing::Closed(closed) = doing else { return Ok(()) };
    let is_same = closed.metas == 0 || closed.metas == data.metas_sum()?;
    if closed.commit == last.commit && is_same {
        return Ok(());
    }
    let reason = format!("its meta pages are not those with which it was closed after commit {}", closed.commit);
    Err(damaged(data, &reason))
}

/// Counts the processes that died while opening the file, one after the other.
fn deaths(doing: &Doing) -> u32 {
    match doing {
        Doing::Opening { deaths } => deaths + 1,
        Doing::Open | Doing::Closed(_) => 0,
    }
}

fn is_untouched(data: &DataFile, doing: &Doing, meta: &Meta) -> Result<bool, StoreError> {
    let Doing::Closed(closed) = doing else { return Ok(false) };
    let long_enough = closed.file_bytes >= (meta.last_page + 1) * u64::from(meta.page_bytes);
    Ok(long_enough
        && closed.commit == meta.commit
        && closed.file_bytes == data.bytes()?
        && closed.modified_ns == data.modified_ns()?)
}

pub(super) fn header(data: &DataFile) -> Result<Header, StoreError> {
    // LMDB's magic number first: it words the refusal of a file that is something else altogether.
    meta_at(data, 0)?;
    let bytes = data.read(format::HEADER_AT, format::HEADER_BYTES)?;
    Header::parse(&bytes).map_err(|fault| refuse(data, fault))
}

/// Reads the meta page of the last commit; both pages have to be meta pages.
pub(super) fn newest(data: &DataFile) -> Result<Meta, StoreError> {
    let (even, odd) = (meta_at(data, 0)?, meta_at(data, 1)?);
    let newest = if even.commit >= odd.commit { even } else { odd };
    newest.judge().map_err(|fault| refuse(data, fault))?;
    Ok(newest)
}

/// Gives what one commit left, if it is one of the last two.
pub(super) fn commit(data: &DataFile, number: u64) -> Result<Option<Meta>, StoreError> {
    // The page may be written to just now; then it is the other commit's, and never mistaken for this one.
    let meta = meta_at(data, number % 2)?;
    if meta.commit != number {
        return Ok(None);
    }
    meta.judge().map_err(|fault| refuse(data, fault))?;
    Ok(Some(meta))
}

/// Reads the number of the last commit.
pub(super) fn newest_commit(data: &DataFile) -> Result<u64, StoreError> {
    newest(data).map(|meta| meta.commit)
}

fn meta_at(data: &DataFile, place: u64) -> Result<Meta, StoreError> {
    let page_bytes = u64::from(format::PAGE_BYTES);
    let bytes = data.read(place * page_bytes, format::PAGE_BYTES as usize)?;
    match Meta::parse(&bytes, place) {
        // The first page was ours, so the second is a page that got lost.
        Err(MetaFault::Foreign(reason)) if place > 0 => Err(damaged(data, &format!("meta page {place}: {reason}"))),
        other => other.map_err(|fault| refuse(data, fault)),
    }
}

fn refuse(data: &DataFile, fault: MetaFault) -> StoreError {
    match fault {
        MetaFault::Foreign(reason) => StoreError::NotOurs { file: data.path.clone(), reason: reason.to_owned() },
        MetaFault::Damaged(reason) => damaged(data, &reason),
    }
}

fn damaged(data: &DataFile, reason: &str) -> StoreError {
    StoreError::Damaged { file: data.path.clone(), reason: reason.to_owned() }
}

/// Gives the size to map: what was asked for, or more if the file is larger already.
fn map_bytes(options: &OpenOptions, meta: &Meta) -> u64 {
    let used = (meta.last_page + 1) * u64::from(meta.page_bytes);
    whole_units(options.map_start_bytes.min(options.map_max_bytes).max(used))
}

fn map(folder: &Path, map_bytes: u64, readers_max: u32) -> Result<Env<WithoutTls>, heed::Error> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(usize::try_from(map_bytes).expect("64-bit machines only"));
    options.max_readers(readers_max.saturating_add(OWN_READERS));
    // SAFETY: the file must not change under the map except through LMDB. We hold its lock, so no other process of
    // ours has it; no flag is set that lets anybody write through the map or skip a sync; and the file was inspected,
    // so every page that LMDB follows lies inside of it.
    let env = unsafe { options.open(folder) }?;
    env.clear_stale_readers()?;
    Ok(env)
}

fn keyspace(env: &Env<WithoutTls>) -> Result<Keyspace, heed::Error> {
    let opened = env.open_databases_and_commit(env.read_txn()?, |opener, txn| {
        opener.open_database(txn, None).map(CommitOrAbort::<_, ()>::Commit)
    })?;
    Ok(opened.commit().flatten().expect("the unnamed keyspace is always there"))
}

/// Reads the first and the last entry through the map: what would kill the process does it under the mark.
fn touch(store: &LmdbStore) -> Result<(), StoreError> {
    let snapshot = store.snapshot()?;
    let all = &[][..]..&[0xFF; 512][..];
    snapshot.scan(all.clone(), &mut |_, _| false)?;
    snapshot.scan_back(all, &mut |_, _| false)
}
