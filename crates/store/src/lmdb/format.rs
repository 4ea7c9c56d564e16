//! What stands at fixed places of `data.mdb`: LMDB's two meta pages, our header and our mark.
//! Only turns bytes into values and back; `files` reads and writes them, `open` judges them.
//! Start reading at [`Meta::parse`].
//!
//! LMDB writes 152 bytes of each meta page and never touches the rest. Our header and mark live in that rest of
//! page 0, so that they go wherever the file goes. Table: `docs/format/store.md`.

use xxhash_rust::xxh3::xxh3_64;

/// Bytes of a page; written into every file that we make, whatever the operating system's pages are.
pub(super) const PAGE_BYTES: u32 = 4096;
/// Where the header stands in the file.
pub(super) const HEADER_AT: u64 = 2048;
/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 48;
/// Where the mark stands in the file.
pub(super) const MARK_AT: u64 = 3072;
/// Bytes of the mark.
pub(super) const MARK_BYTES: usize = 64;
/// The format that this code writes; files of those before go on as they are. See [`Sums`](super::sum::Sums).
pub(super) const FORMAT: u32 = 2;
/// Page number that stands for "no page" in a tree without entries.
pub(super) const NO_PAGE: u64 = u64::MAX;
/// Bytes before the first node of every page.
pub(super) const PAGE_HEADER_BYTES: usize = 16;

pub(super) const BRANCH: u16 = 0x01;
pub(super) const LEAF: u16 = 0x02;
pub(super) const OVERFLOW: u16 = 0x04;
const META: u16 = 0x08;

const LMDB_MAGIC: u32 = 0xBEEF_C0DE;
const LMDB_VERSION: u32 = 1;
const INTEGER_KEY: u16 = 0x08;
const META_BYTES: usize = 152;
const HEADER_MAGIC: [u8; 8] = *b"SHEAFKV\n";
const MARK_MAGIC: [u8; 8] = *b"SHEAFMK\n";

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two bytes were cut"))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes were cut"))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were cut"))
}

/// The root and the counts of one of the two trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    pub flags: u16,
    pub depth: u16,
    pub branch_pages: u64,
    pub leaf_pages: u64,
    pub overflow_pages: u64,
    pub entries: u64,
    pub root: u64,
}

impl Tree {
    fn parse(bytes: &[u8]) -> Self {
        Self {
            flags: u16_at(bytes, 4),
            depth: u16_at(bytes, 6),
            branch_pages: u64_at(bytes, 8),
            leaf_pages: u64_at(bytes, 16),
            overflow_pages: u64_at(bytes, 24),
            entries: u64_at(bytes, 32),
            root: u64_at(bytes, 40),
        }
    }
}

/// One of the two meta pages: the state of the store after one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    pub page_bytes: u32,
    /// The tree of pages that may be used again.
    pub free: Tree,
    /// The tree of keys and values.
    pub main: Tree,
    pub last_page: u64,
    pub commit: u64,
}

/// Why bytes are not the meta page they should be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MetaFault {
    /// Another program's file.
    Foreign(&'static str),
    /// Our file, changed by something else than LMDB.
    Damaged(String),
}

impl Meta {
    /// Reads meta page `place`, 0 or 1, and checks that it is one; [`Meta::judge`] checks what it says.
    pub(super) fn parse(bytes: &[u8], place: u64) -> Result<Self, MetaFault> {
        if bytes.len() < PAGE_HEADER_BYTES + META_BYTES {
            return Err(MetaFault::Foreign("it is too short"));
        }
        if u32_at(bytes, 16) != LMDB_MAGIC {
            return Err(MetaFault::Foreign("it lacks LMDB's magic number"));
        }
        if u32_at(bytes, 20) != LMDB_VERSION {
            return Err(MetaFault::Foreign("it has another version of LMDB's format"));
        }
        let meta = Self {
            page_bytes: u32_at(bytes, 40),
            free: Tree::parse(&bytes[40..88]),
            main: Tree::parse(&bytes[88..136]),
            last_page: u64_at(bytes, 136),
            commit: u64_at(bytes, 144),
        };
        if u64_at(bytes, 0) != place || u16_at(bytes, 10) & META == 0 {
            return Err(MetaFault::Damaged(format!("meta page {place} has another page's header")));
        }
        if meta.page_bytes != PAGE_BYTES {
            let reason = format!("meta page {place} names pages of {} bytes", meta.page_bytes);
            return Err(MetaFault::Damaged(reason));
        }
        // Commit N goes to page N % 2; a fresh file has commit 0 in both.
        if meta.commit != 0 && meta.commit % 2 != place {
            let reason = format!("meta page {place} holds commit {}, which belongs to the other", meta.commit);
            return Err(MetaFault::Damaged(reason));
        }
        Ok(meta)
    }

    /// Checks what the page of the last commit says, as far as that goes without another page.
    ///
    /// Not for the older of the two: when LMDB could not write a meta page it puts back the old numbers of commit and
    /// last page, and leaves the roots of the commit that failed. Nobody reads them, since the other page is newer.
    pub(super) fn judge(&self) -> Result<(), MetaFault> {
        self.reason_against().map_or(Ok(()), |reason| Err(MetaFault::Damaged(format!("the last commit {reason}"))))
    }

    fn reason_against(&self) -> Option<String> {
        if self.last_page == 0 || self.last_page > (1 << 47) {
            return Some(format!("names {} as its last page", self.last_page));
        }
        for (name, tree, flags) in [("free", &self.free, INTEGER_KEY), ("main", &self.main, 0)] {
            let empty = tree.root == NO_PAGE;
            if !empty && (tree.root < 2 || tree.root > self.last_page) {
                return Some(format!("names page {} as the root of its {name} tree", tree.root));
            }
            if tree.flags != flags || tree.depth > 32 || empty != (tree.depth == 0) {
                return Some(format!("has impossible values for its {name} tree"));
            }
        }
        None
    }
}

/// Sums up what LMDB wrote into its two meta pages, which have no checksum of their own.
pub(super) fn metas_sum(front: &[u8]) -> u64 {
    let page_bytes = PAGE_BYTES as usize;
    let written: Vec<u8> =
        front.chunks(page_bytes).take(2).flat_map(|page| &page[..META_BYTES.min(page.len())]).copied().collect();
    xxh3_64(&written)
}

/// Gives the two meta pages of an empty store, header and mark included: a whole file that LMDB opens.
pub(super) fn empty_file(header: &Header, map_bytes: u64) -> Vec<u8> {
    let page_bytes = PAGE_BYTES as usize;
    let mut file = vec![0; 2 * page_bytes];
    for (place, page) in file.chunks_exact_mut(page_bytes).enumerate() {
        page[0..8].copy_from_slice(&(place as u64).to_le_bytes());
        page[10..12].copy_from_slice(&META.to_le_bytes());
        page[16..20].copy_from_slice(&LMDB_MAGIC.to_le_bytes());
        page[20..24].copy_from_slice(&LMDB_VERSION.to_le_bytes());
        page[32..40].copy_from_slice(&map_bytes.to_le_bytes());
        page[40..44].copy_from_slice(&PAGE_BYTES.to_le_bytes());
        page[44..46].copy_from_slice(&INTEGER_KEY.to_le_bytes());
        page[80..88].copy_from_slice(&NO_PAGE.to_le_bytes());
        page[128..136].copy_from_slice(&NO_PAGE.to_le_bytes());
        page[136..144].copy_from_slice(&1u64.to_le_bytes());
    }
    let at = HEADER_AT as usize;
    file[at..at + HEADER_BYTES].copy_from_slice(&header.print());
    file
}

/// Gives both meta pages of a copy that holds one commit only, with a header and without a mark.
///
/// LMDB keeps the commit before in the other page. Its pages may be in use again by now, so the copy has the same commit
/// twice, under two numbers.
pub(super) fn two_metas(newest: &[u8], meta: &Meta, header: &Header) -> Vec<u8> {
    let page_bytes = PAGE_BYTES as usize;
    let mut file = vec![0; 2 * page_bytes];
    for (place, page) in file.chunks_exact_mut(page_bytes).enumerate() {
        page[..PAGE_HEADER_BYTES + META_BYTES].copy_from_slice(&newest[..PAGE_HEADER_BYTES + META_BYTES]);
        let is_newest = meta.commit % 2 == place as u64;
        let commit = if is_newest { meta.commit } else { meta.commit.saturating_sub(1) };
        page[0..8].copy_from_slice(&(place as u64).to_le_bytes());
        page[144..152].copy_from_slice(&commit.to_le_bytes());
    }
    let at = HEADER_AT as usize;
    file[at..at + HEADER_BYTES].copy_from_slice(&header.print());
    file
}

/// Says that the file is ours, in which format, and which database it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub format: u32,
    /// Sixteen bytes by which the layer above knows the database; zeros if it gave none.
    pub identity: [u8; 16],
}

impl Header {
    pub(super) fn print(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&HEADER_MAGIC);
        bytes[8..12].copy_from_slice(&self.format.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.identity);
        let sum = xxh3_64(&bytes[..40]);
        bytes[40..48].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, MetaFault> {
        if bytes.len() < HEADER_BYTES || bytes[0..8] != HEADER_MAGIC {
            return Err(MetaFault::Foreign("it is an LMDB file of another program"));
        }
        if u64_at(bytes, 40) != xxh3_64(&bytes[..40]) {
            return Err(MetaFault::Damaged("the header fails its checksum".to_owned()));
        }
        let format = u32_at(bytes, 8);
        if !(1..=FORMAT).contains(&format) {
            return Err(MetaFault::Foreign("it has a newer format; use the newer server"));
        }
        let identity = bytes[16..32].try_into().expect("sixteen bytes were cut");
        Ok(Self { format, identity })
    }
}

/// What the last process was doing with the file when it last said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// It closed the file; what else is true of a closed file.
    Closed(Closed),
    /// It had the file open and checked.
    Open,
    /// It was opening the file; `deaths` earlier processes ended while doing so.
    Opening { deaths: u32 },
}

/// By these we see that nobody touched a closed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closed {
    pub file_bytes: u64,
    pub commit: u64,
    /// When the file was modified, in nanoseconds since 1970.
    pub modified_ns: u64,
    /// [`metas_sum`] of both meta pages; 0 where an older server closed it.
    pub metas: u64,
}

impl Doing {
    pub(super) fn print(&self) -> [u8; MARK_BYTES] {
        let mut bytes = [0; MARK_BYTES];
        bytes[0..8].copy_from_slice(&MARK_MAGIC);
        match self {
            Self::Closed(closed) => {
                bytes[8] = 1;
                bytes[16..24].copy_from_slice(&closed.file_bytes.to_le_bytes());
                bytes[24..32].copy_from_slice(&closed.commit.to_le_bytes());
                bytes[32..40].copy_from_slice(&closed.modified_ns.to_le_bytes());
                bytes[40..48].copy_from_slice(&closed.metas.to_le_bytes());
            }
            Self::Open => bytes[8] = 2,
            Self::Opening { deaths } => {
                bytes[8] = 3;
                bytes[12..16].copy_from_slice(&deaths.to_le_bytes());
            }
        }
        let sum = xxh3_64(&bytes[..56]);
        bytes[56..64].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads a mark; a mark that makes no sense counts as an unclean stop, which only costs a closer look.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        if bytes.len() < MARK_BYTES || bytes[0..8] != MARK_MAGIC || u64_at(bytes, 56) != xxh3_64(&bytes[..56]) {
            return Self::Open;
        }
        match bytes[8] {
            1 => Self::Closed(Closed {
                file_bytes: u64_at(bytes, 16),
                commit: u64_at(bytes, 24),
                modified_ns: u64_at(bytes, 32),
                metas: u64_at(bytes, 40),
            }),
            3 => Self::Opening { deaths: u32_at(bytes, 12) },
            _ => Self::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_back() {
        for doing in [
            Doing::Open,
            Doing::Opening { deaths: 1 },
            Doing::Closed(Closed { file_bytes: 8192, commit: 7, modified_ns: 9, metas: 5 }),
        ] {
            assert_eq!(Doing::parse(&doing.print()), doing);
        }
        assert_eq!(Doing::parse(&[0; MARK_BYTES]), Doing::Open);
    }

    #[test]
    fn an_empty_file_has_two_sane_meta_pages() {
        let header = Header { format: FORMAT, identity: [7; 16] };
        let file = empty_file(&header, 1 << 20);
        for place in 0..2 {
            let meta = Meta::parse(&file[place * 4096..], place as u64).expect("we made it ourselves");
            assert_eq!(meta.judge(), Ok(()));
            assert_eq!((meta.last_page, meta.commit, meta.main.root), (1, 0, NO_PAGE));
        }
        assert_eq!(Header::parse(&file[HEADER_AT as usize..]), Ok(header));
    }

    #[test]
    fn a_changed_header_is_noticed() {
        let mut bytes = Header { format: FORMAT, identity: [7; 16] }.print();
        bytes[20] ^= 1;
        assert!(matches!(Header::parse(&bytes), Err(MetaFault::Damaged(_))));
        for (format, is_known) in [(0, false), (1, true), (FORMAT, true), (FORMAT + 1, false)] {
            let header = Header { format, identity: [7; 16] };
            match Header::parse(&header.print()) {
                Ok(parsed) => assert!(is_known && parsed == header),
                Err(fault) => assert!(!is_known && matches!(fault, MetaFault::Foreign(_)), "{fault:?}"),
            }
        }
        bytes[0] = b'x';
        assert!(matches!(Header::parse(&bytes), Err(MetaFault::Foreign(_))));
    }
}
