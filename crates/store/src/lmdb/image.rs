//! The image of a store: its file as one commit left it, read page by page while others go on writing.
//! Leaves who asks and when to `store`. Start reading at [`LmdbImage::take`], then [`place`].
//!
//! LMDB's own copy holds a read transaction on the map, and a map that is held cannot grow: a long backup would make
//! writers fail. This one holds the transaction for its place in the reader table alone, which keeps pages of its
//! commit from being used again, and reads the pages from the file. It never touches the map, so the map may go.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

use types::failpoint;

use super::files::{self, DataFile};
use super::format::{self, Header, Meta, MetaFault, PAGE_BYTES};
use super::open;
use super::snapshot::Pin;
use super::store::Shared;
use super::walk;
use crate::{Image, StoreError};

/// Bytes of a restored file after which the disk begins to write them.
const BEHIND_BYTES: usize = 16 << 20;

/// The pages of one commit, from the first to the last.
pub(super) struct LmdbImage {
    /// The two meta pages as the copy has them.
    metas: Vec<u8>,
    /// A bit for each page that the commit does not use.
    free: Vec<u64>,
    kind: &'static str,
    bytes: u64,
    at: u64,
    /// Goes before the environment does.
    _pin: Pin,
    shared: Arc<Shared>,
}

impl LmdbImage {
    /// Begins with the pages of `meta`, which the pin keeps as they are.
    pub(super) fn take(shared: Arc<Shared>, pin: Pin, meta: &Meta, header: &Header) -> Result<Self, StoreError> {
        let data = &shared.data;
        let mut free = vec![0; (meta.last_page / 64 + 1) as usize];
        for page in walk::free_pages(data, meta)? {
            free[(page / 64) as usize] |= 1 << (page % 64);
        }
        let page_bytes = u64::from(meta.page_bytes);
        let newest = data.read((meta.commit % 2) * page_bytes, PAGE_BYTES as usize)?;
        let metas = format::two_metas(&newest, meta, header);
        let bytes = (meta.last_page + 1) * page_bytes;
        Ok(Self { metas, free, kind: open::kind_of(header.format), bytes, at: 0, _pin: pin, shared })
    }

    /// Clears the pages that the commit does not use: what was deleted does not travel.
    fn blank_free(&self, first_page: u64, piece: &mut [u8]) {
        for (number, page) in (first_page..).zip(piece.chunks_mut(PAGE_BYTES as usize)) {
            if self.free[(number / 64) as usize] & (1 << (number % 64)) != 0 {
                page.fill(0);
            }
        }
    }
}

impl Image for LmdbImage {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&mut self, piece: &mut Vec<u8>, bytes_max: usize) -> Result<bool, StoreError> {
        let page_bytes = u64::from(PAGE_BYTES);
        let wanted = (bytes_max as u64 / page_bytes).max(1) * page_bytes;
        let wanted = wanted.min(self.bytes - self.at);
        piece.clear();
        if wanted == 0 {
            return Ok(false);
        }
        piece.resize(usize::try_from(wanted).expect("64-bit machines only"), 0);
        // Behind the end of the file lie pages that a commit took and never wrote; they are free.
        self.shared.data.read_into(self.at, piece)?;
        self.blank_free(self.at / page_bytes, piece);
        if self.at < self.metas.len() as u64 {
            let at = usize::try_from(self.at).expect("it lies in memory");
            let here = (self.metas.len() - at).min(piece.len());
            piece[..here].copy_from_slice(&self.metas[at..at + here]);
        }
        self.at += wanted;
        Ok(true)
    }
}

/// The file of a store that nobody has open, from its first byte to its last.
pub(super) struct FileImage {
    data: DataFile,
    kind: &'static str,
    bytes: u64,
    at: u64,
}

impl FileImage {
    /// Begins with a file that nobody may write meanwhile.
    pub(super) fn take(data: DataFile) -> Result<Self, StoreError> {
        let (kind, bytes) = (open::kind_of(open::header(&data)?.format), data.bytes()?);
        Ok(Self { data, kind, bytes, at: 0 })
    }
}

impl Image for FileImage {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&mut self, piece: &mut Vec<u8>, bytes_max: usize) -> Result<bool, StoreError> {
        let page_bytes = PAGE_BYTES as usize;
        // Pieces are whole pages, but for the last of a file that was cut.
        *piece = self.data.read(self.at, (bytes_max / page_bytes).max(1) * page_bytes)?;
        self.at += piece.len() as u64;
        Ok(!piece.is_empty())
    }
}

/// Makes a store in `folder` out of the pieces of an image; all of it or nothing.
pub(super) fn place(
    folder: &Path,
    identity: [u8; 16],
    next: &mut dyn FnMut(&mut Vec<u8>) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let mut failed = None;
    failpoint::reach("store.restore.before");
    let placed = files::place(folder, |file| {
        let mut write_all = || -> Result<(), StoreError> {
            let (mut at, mut piece) = (0_u64, Vec::new());
            let mut behind = Behind::default();
            while next(&mut piece)? {
                write_piece(file, &piece, at)?;
                at += piece.len() as u64;
                behind.wrote(file, piece.len())?;
                failpoint::reach("store.restore.piece");
            }
            behind.end()?;
            finish(file, folder, identity, at)
        };
        write_all().map_err(|error| match error {
            StoreError::Io { source, .. } => source,
            other => {
                failed = Some(other);
                io::Error::other("the image ended early")
            }
        })?;
        failpoint::reach("store.restore.written");
        Ok(())
    });
    failpoint::reach("store.restore.after");
    match failed {
        Some(error) => Err(error),
        None => placed,
    }
}

/// Has the disk write while the next pieces are made: at the end there is little left to wait for.
#[derive(Default)]
struct Behind {
    waiting: usize,
    worker: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
}

impl Behind {
    fn wrote(&mut self, file: &File, bytes: usize) -> Result<(), StoreError> {
        self.waiting += bytes;
        if self.waiting < BEHIND_BYTES {
            return Ok(());
        }
        self.waiting = 0;
        if self.worker.is_none() {
            let file = file.try_clone().map_err(unwritten)?;
            let (nudge, nudged) = mpsc::sync_channel(1);
            // What the disk reports is reported once, so it is kept for the end.
            let work = move || nudged.iter().try_for_each(|()| file.sync_data());
            let worker = thread::Builder::new().name("restore".to_owned()).spawn(work).map_err(unwritten)?;
            self.worker = Some((nudge, worker));
        }
        // One that is still at it finds these bytes the next time.
        let _ = self.worker.as_ref().map(|(nudge, _)| nudge.try_send(()));
        Ok(())
    }

    fn end(self) -> Result<(), StoreError> {
        let Some((nudge, worker)) = self.worker else { return Ok(()) };
        drop(nudge);
        worker.join().unwrap_or_else(|_| Err(io::Error::other("the thread that syncs panicked"))).map_err(unwritten)
    }
}

fn unwritten(source: io::Error) -> StoreError {
    StoreError::Io { action: "write the data file", source }
}

/// Leaves out pages of zeros: a file has them without being told.
fn write_piece(file: &File, piece: &[u8], at: u64) -> Result<(), StoreError> {
    let page_bytes = PAGE_BYTES as usize;
    let is_blank = |page: &[u8]| page.iter().all(|byte| *byte == 0);
    let mut from = 0;
    while from < piece.len() {
        let blank = is_blank(&piece[from..(from + page_bytes).min(piece.len())]);
        let mut to = (from + page_bytes).min(piece.len());
        while to < piece.len() && is_blank(&piece[to..(to + page_bytes).min(piece.len())]) == blank {
            to = (to + page_bytes).min(piece.len());
        }
        if !blank {
            file.write_all_at(&piece[from..to], at + from as u64).map_err(unwritten)?;
        }
        from = to;
    }
    Ok(())
}

/// Checks that the pieces were an image, and makes it the new database's.
fn finish(file: &File, folder: &Path, identity: [u8; 16], bytes: u64) -> Result<(), StoreError> {
    let refuse = |reason: &str| StoreError::NotOurs { file: folder.join(files::DATA), reason: reason.to_owned() };
    let mut first = vec![0; PAGE_BYTES as usize];
    if bytes < 2 * u64::from(PAGE_BYTES) || file.read_exact_at(&mut first, 0).is_err() {
        return Err(refuse("it is too short"));
    }
    let at = usize::try_from(format::HEADER_AT).expect("within the first page");
    let parsed = Meta::parse(&first, 0).and_then(|_| Header::parse(&first[at..]));
    let header = parsed.map_err(|fault| match fault {
        MetaFault::Foreign(reason) => refuse(reason),
        MetaFault::Damaged(reason) => refuse(&reason),
    })?;
    // Its entries stay as they are, so it stays in the format that it was taken in.
    let header = Header { identity, ..header };
    file.write_all_at(&header.print(), format::HEADER_AT).map_err(unwritten)?;
    // No mark: whoever opens it looks at every page first.
    file.write_all_at(&[0; format::MARK_BYTES], format::MARK_AT).map_err(unwritten)?;
    file.set_len(bytes).map_err(unwritten)
}
