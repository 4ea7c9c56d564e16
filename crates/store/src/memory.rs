//! An engine that keeps everything in memory, for tests and for databases that may vanish.
//! Keeps the promises of the door, durability aside; a store lives as long as its engine.
//! Start reading at [`MemoryEngine`].

use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::{FairMutex, Mutex};
use types::{Clock, SystemClock};

use crate::{Engine, Image, Lent, OpenOptions, Reader, Snapshot, Store, StoreError, Usage, Writer, check_lengths};

/// What images of this engine are called.
pub const KIND: &str = "memory 1";

type Bytes = Arc<[u8]>;
type Entries = BTreeMap<Bytes, Bytes>;

/// Keeps each store in a map in memory.
#[derive(Clone, Default)]
pub struct MemoryEngine {
    disks: Arc<Mutex<HashMap<PathBuf, Disk>>>,
}

/// What stays of a store while nobody has it open.
#[derive(Clone, Default)]
struct Disk {
    content: Arc<Mutex<Content>>,
    opened: Weak<MemoryStore>,
    identity: [u8; 16],
}

#[derive(Clone, Default)]
struct Content {
    entries: Arc<Entries>,
    bytes: u64,
    written_nanos: Option<i128>,
}

impl Engine for MemoryEngine {
    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Store>, StoreError> {
        let mut disks = self.disks.lock();
        if !disks.contains_key(folder) && !options.create {
            return Err(StoreError::NotFound { folder: folder.to_owned() });
        }
        let disk = disks
            .entry(folder.to_owned())
            .or_insert_with(|| Disk { identity: options.identity.unwrap_or_default(), ..Disk::default() });
        if disk.opened.strong_count() > 0 {
            return Err(StoreError::InUse { folder: folder.to_owned() });
        }
        if options.identity.is_some_and(|identity| identity != disk.identity) {
            let reason = "it belongs to another database".to_owned();
            return Err(StoreError::Damaged { file: folder.to_owned(), reason });
        }
        let store = Arc::new(MemoryStore {
            content: Arc::clone(&disk.content),
            turn: FairMutex::default(),
            readers: Arc::default(),
            readers_max: options.readers_max,
            map_max_bytes: options.map_max_bytes,
        });
        disk.opened = Arc::downgrade(&store);
        Ok(store)
    }

    fn kind(&self) -> &'static str {
        KIND
    }

    fn restore(
        &self,
        folder: &Path,
        identity: Option<[u8; 16]>,
        next: &mut dyn FnMut(&mut Vec<u8>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let (mut content, mut waiting, mut piece) = (Content::default(), Vec::new(), Vec::new());
        let entries = Arc::make_mut(&mut content.entries);
        while next(&mut piece)? {
            waiting.extend_from_slice(&piece);
            let mut rest = &waiting[..];
            while let Some((key, value, after)) = entry(rest) {
                check_lengths(key, value)?;
                content.bytes += (key.len() + value.len()) as u64;
                entries.insert(key.into(), value.into());
                rest = after;
            }
            waiting = rest.to_vec();
        }
        if !waiting.is_empty() {
            let reason = "it ends within an entry".to_owned();
            return Err(StoreError::NotOurs { file: folder.to_owned(), reason });
        }
        let mut disks = self.disks.lock();
        if disks.contains_key(folder) {
            return Err(StoreError::Exists { folder: folder.to_owned() });
        }
        content.written_nanos = Some(SystemClock.wall_nanos());
        let content = Arc::new(Mutex::new(content));
        let identity = identity.unwrap_or_default();
        disks.insert(folder.to_owned(), Disk { content, identity, opened: Weak::new() });
        Ok(())
    }

    fn closed_image(&self, folder: &Path) -> Result<Box<dyn Image>, StoreError> {
        let disks = self.disks.lock();
        let disk = disks.get(folder).ok_or_else(|| StoreError::NotFound { folder: folder.to_owned() })?;
        if disk.opened.strong_count() > 0 {
            return Err(StoreError::InUse { folder: folder.to_owned() });
        }
        Ok(Box::new(MemoryImage::of(&disk.content.lock())))
    }

    fn remove(&self, folder: &Path) -> Result<(), StoreError> {
        let mut disks = self.disks.lock();
        if disks.get(folder).is_some_and(|disk| disk.opened.strong_count() > 0) {
            return Err(StoreError::InUse { folder: folder.to_owned() });
        }
        disks.remove(folder);
        Ok(())
    }

    fn exists(&self, folder: &Path) -> bool {
        self.disks.lock().contains_key(folder)
    }

    fn written_nanos(&self, folder: &Path) -> Option<i128> {
        let content = Arc::clone(&self.disks.lock().get(folder)?.content);
        let content = content.lock();
        content.written_nanos
    }
}

struct MemoryStore {
    content: Arc<Mutex<Content>>,
    turn: FairMutex<()>,
    /// One more than the snapshots that are open: each holds a clone.
    readers: Arc<()>,
    readers_max: u32,
    map_max_bytes: u64,
}

impl MemoryStore {
    fn readers(&self) -> u32 {
        u32::try_from(Arc::strong_count(&self.readers) - 1).unwrap_or(u32::MAX)
    }
}

impl Store for MemoryStore {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        let content = self.content.lock();
        if self.readers() >= self.readers_max {
            return Err(StoreError::Readers { readers_max: self.readers_max });
        }
        Ok(Arc::new(MemorySnapshot { entries: Arc::clone(&content.entries), _place: Arc::clone(&self.readers) }))
    }

    fn write(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let _turn = self.turn.lock();
        // The whole map is copied, so that snapshots taken meanwhile see the old one. Entries are shared, which makes
        // the copy cheap enough for tests; a store that is large and busy belongs on disk.
        let mut writer = MemoryWriter { content: self.content.lock().clone() };
        work(&mut writer)?;
        if writer.content.bytes > self.map_max_bytes {
            let largest = self.map_max_bytes;
            return Err(StoreError::Full {
                reason: format!("the database reached its largest size of {largest} bytes"),
            });
        }
        writer.content.written_nanos = Some(SystemClock.wall_nanos());
        *self.content.lock() = writer.content;
        Ok(())
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        let bytes = self.content.lock().bytes;
        Ok(Usage { used_bytes: bytes, file_bytes: bytes, map_bytes: self.map_max_bytes, readers: self.readers() })
    }

    fn image(&self, look: &mut dyn FnMut(&dyn Reader) -> Result<(), StoreError>) -> Result<Box<dyn Image>, StoreError> {
        let content = self.content.lock().clone();
        let snapshot = MemorySnapshot { entries: Arc::clone(&content.entries), _place: Arc::clone(&self.readers) };
        look(&snapshot)?;
        Ok(Box::new(MemoryImage::of(&content)))
    }

    fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Entries one after the other: both lengths as four bytes, key, value.
struct MemoryImage {
    entries: Arc<Entries>,
    bytes: u64,
    /// The last key that was read.
    after: Option<Bytes>,
}

impl MemoryImage {
    fn of(content: &Content) -> Self {
        let bytes = content.bytes + 8 * content.entries.len() as u64;
        Self { entries: Arc::clone(&content.entries), bytes, after: None }
    }
}

impl Image for MemoryImage {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&mut self, piece: &mut Vec<u8>, bytes_max: usize) -> Result<bool, StoreError> {
        piece.clear();
        let start = self.after.clone().map_or(Bound::Unbounded, Bound::Excluded);
        for (key, value) in self.entries.range::<Bytes, _>((start, Bound::Unbounded)) {
            for bytes in [key, value] {
                piece.extend_from_slice(&u32::try_from(bytes.len()).expect("lengths were checked").to_le_bytes());
            }
            piece.extend_from_slice(key);
            piece.extend_from_slice(value);
            self.after = Some(Arc::clone(key));
            if piece.len() >= bytes_max {
                break;
            }
        }
        Ok(!piece.is_empty())
    }
}

/// Takes the next entry off the front of an image.
fn entry(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (lengths, rest) = bytes.split_at_checked(8)?;
    let length = |at: usize| lengths[at..at + 4].try_into().map(u32::from_le_bytes).ok();
    let (key, rest) = rest.split_at_checked(length(0)? as usize)?;
    let (value, rest) = rest.split_at_checked(length(4)? as usize)?;
    Some((key, value, rest))
}

struct MemorySnapshot {
    entries: Arc<Entries>,
    _place: Arc<()>,
}

impl Snapshot for MemorySnapshot {}

struct MemoryWriter {
    content: Content,
}

impl MemoryWriter {
    fn change(&mut self, key: &[u8], value: Option<&[u8]>) -> bool {
        let entries = Arc::make_mut(&mut self.content.entries);
        let cost = |value: &[u8]| (key.len() + value.len()) as u64;
        self.content.bytes += value.map_or(0, cost);
        let old = match value {
            Some(value) => entries.insert(key.into(), value.into()),
            None => entries.remove(key),
        };
        self.content.bytes -= old.as_deref().map_or(0, cost);
        old.is_some()
    }
}

impl Writer for MemoryWriter {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        check_lengths(key, value)?;
        self.change(key, Some(value));
        Ok(())
    }

    fn append(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        check_lengths(key, value)?;
        if self.content.entries.last_key_value().is_some_and(|(last, _)| **last >= *key) {
            return Err(StoreError::Order);
        }
        self.put(key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.content.entries.contains_key(key) && self.change(key, None))
    }

    fn delete_range(&mut self, range: Range<&[u8]>) -> Result<(), StoreError> {
        let keys: Vec<Bytes> = between(&self.content.entries, &range).map(|(key, _)| Arc::clone(key)).collect();
        for key in keys {
            self.change(&key, None);
        }
        Ok(())
    }

    fn used_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.content.bytes)
    }
}

/// Lends the map that a reader reads.
trait Lends {
    fn entries(&self) -> &Entries;
}

impl Lends for MemorySnapshot {
    fn entries(&self) -> &Entries {
        &self.entries
    }
}

impl Lends for MemoryWriter {
    fn entries(&self) -> &Entries {
        &self.content.entries
    }
}

impl<T: Lends> Reader for T {
    fn get(&self, key: &[u8]) -> Result<Option<Lent<'_>>, StoreError> {
        Ok(self.entries().get(key).map(|value| Lent::Borrowed(&**value)))
    }

    fn scan(&self, range: Range<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        between(self.entries(), &range).all(|(key, value)| visit(key, value));
        Ok(())
    }

    fn scan_back(&self, range: Range<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        between(self.entries(), &range).rev().all(|(key, value)| visit(key, value));
        Ok(())
    }

    fn get_many(&self, keys: &[&[u8]], visit: &mut dyn FnMut(usize, Option<&[u8]>)) -> Result<(), StoreError> {
        for (place, key) in keys.iter().enumerate() {
            visit(place, self.get(key)?.as_deref());
        }
        Ok(())
    }
}

fn between<'m>(
    entries: &'m Entries,
    range: &Range<&[u8]>,
) -> impl DoubleEndedIterator<Item = (&'m Bytes, &'m Bytes)> + use<'m> {
    // A map refuses a range that ends before it starts; the door calls it empty.
    let end = range.end.max(range.start);
    entries.range::<[u8], _>((Bound::Included(range.start), Bound::Excluded(end)))
}
