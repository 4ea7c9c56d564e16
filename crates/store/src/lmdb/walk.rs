//! Walks the pages of a file with ordinary reads and believes nothing they say.
//! Knows pages, not what entries mean; needs no map, so it works on files that would kill LMDB.
//! Start reading at [`walk`].

use super::files::DataFile;
use super::format::{self, BRANCH, LEAF, Meta, NO_PAGE, OVERFLOW, PAGE_HEADER_BYTES, Tree, u16_at, u32_at, u64_at};
use crate::StoreError;

/// LMDB's own longest key; ours are shorter.
const LMDB_KEY_MAX_BYTES: usize = 511;
/// Bytes of a node before its key.
const NODE_BYTES: usize = 8;
/// The value lies on overflow pages.
const BIG: u16 = 0x01;

/// How far down a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Down to the pages above the leaves: about one page in a hundred.
    Branches,
    /// Every page.
    Leaves,
}

/// Checks the trees of `meta`: types, bounds, order of keys, counts, and that no page is used twice.
pub(super) fn walk(data: &DataFile, meta: &Meta, depth: Depth) -> Result<(), StoreError> {
    Walk::new(data, meta, depth).both(meta).map_err(|fault| fault.of(data))
}

/// Lists the pages that the commit of `meta` does not use.
pub(super) fn free_pages(data: &DataFile, meta: &Meta) -> Result<Vec<u64>, StoreError> {
    let mut walk = Walk::new(data, meta, Depth::Leaves);
    let listed = walk.tree(&meta.free, Which::Free).and_then(|()| {
        let free = std::mem::take(&mut walk.free);
        free.iter().try_for_each(|page| walk.take(*page, 1, "the list of free pages"))?;
        Ok(free)
    });
    listed.map_err(|fault| fault.of(data))
}

/// Why a walk ended early.
pub(super) enum Fault {
    Read(StoreError),
    Page(String),
}

impl Fault {
    pub(super) fn of(self, data: &DataFile) -> StoreError {
        match self {
            Self::Read(error) => error,
            Self::Page(reason) => StoreError::Damaged { file: data.path.clone(), reason },
        }
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Page(reason)
    }
}

struct Walk<'d> {
    data: &'d DataFile,
    depth: Depth,
    last_page: u64,
    /// A bit for each page that was met.
    used: Vec<u64>,
    counts: Counts,
    /// Pages that the free tree lists.
    free: Vec<u64>,
}

#[derive(Default)]
struct Counts {
    branch_pages: u64,
    leaf_pages: u64,
    overflow_pages: u64,
    entries: u64,
}

/// Which of the two trees is walked: they order their keys differently.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Keys are numbers of commits, values lists of pages.
    Free,
    Main,
}

/// The keys between which those of a page must lie.
#[derive(Clone, Copy)]
struct Between<'k> {
    low: Option<&'k [u8]>,
    high: Option<&'k [u8]>,
}

impl<'d> Walk<'d> {
    fn new(data: &'d DataFile, meta: &Meta, depth: Depth) -> Self {
        Self {
            data,
            depth,
            last_page: meta.last_page,
            used: vec![0; (meta.last_page / 64 + 1) as usize],
            counts: Counts::default(),
            free: Vec::new(),
        }
    }
}

impl Walk<'_> {
    fn both(&mut self, meta: &Meta) -> Result<(), Fault> {
        self.tree(&meta.free, Which::Free)?;
        self.tree(&meta.main, Which::Main)?;
        for page in std::mem::take(&mut self.free) {
            self.take(page, 1, "the list of free pages")?;
        }
        Ok(())
    }

    fn tree(&mut self, tree: &Tree, which: Which) -> Result<(), Fault> {
        self.counts = Counts::default();
        if tree.root != NO_PAGE {
            self.page(tree.root, tree.depth, which, Between { low: None, high: None })?;
        }
        let found = &self.counts;
        let mut pairs = vec![("branch pages", found.branch_pages, tree.branch_pages)];
        if self.depth == Depth::Leaves {
            pairs.push(("leaf pages", found.leaf_pages, tree.leaf_pages));
            pairs.push(("overflow pages", found.overflow_pages, tree.overflow_pages));
            pairs.push(("entries", found.entries, tree.entries));
        }
        match pairs.into_iter().find(|(_, found, counted)| found != counted) {
            Some((what, found, counted)) => {
                Err(format!("{found} {what} were found where {counted} are counted").into())
            }
            None => Ok(()),
        }
    }

    /// Walks the page `number`, which has `levels` levels of its tree from itself downwards.
    fn page(&mut self, number: u64, levels: u16, which: Which, between: Between<'_>) -> Result<(), Fault> {
        self.take(number, 1, "a tree")?;
        if levels == 1 && self.depth == Depth::Branches {
            return Ok(());
        }
        let bytes = self.read(number)?;
        let page = Page::parse(&bytes, number, if levels == 1 { LEAF } else { BRANCH })?;
        if levels == 1 { self.leaf(&page, which, between) } else { self.branch(&page, levels, which, between) }
    }

    fn branch(&mut self, page: &Page<'_>, levels: u16, which: Which, between: Between<'_>) -> Result<(), Fault> {
        self.counts.branch_pages += 1;
        if page.nodes < 2 && which == Which::Main {
            return Err(format!("page {} branches to one page only", page.number).into());
        }
        // The first key of a branch page is never looked at, so it means nothing.
        let mut low = between.low;
        for place in 0..page.nodes {
            let node = page.node(place)?;
            let high = if place + 1 < page.nodes { Some(page.node(place + 1)?.key) } else { between.high };
            if place > 0 {
                page.check_key(node.key, which, Between { low, high: between.high })?;
                low = Some(node.key);
            }
            self.page(node.child(), levels - 1, which, Between { low, high })?;
        }
        Ok(())
    }

    fn leaf(&mut self, page: &Page<'_>, which: Which, between: Between<'_>) -> Result<(), Fault> {
        self.counts.leaf_pages += 1;
        self.counts.entries += page.nodes as u64;
        let mut before: Option<&[u8]> = None;
        for place in 0..page.nodes {
            let node = page.node(place)?;
            page.check_key(node.key, which, Between { low: before.or(between.low), high: between.high })?;
            if before.is_some_and(|before| before == node.key) {
                return Err(format!("page {} holds a key twice", page.number).into());
            }
            before = Some(node.key);
            let value = self.value(page, &node)?;
            if which == Which::Free {
                self.list(page, &value)?;
            }
        }
        Ok(())
    }

    /// Checks where a value lies, and gives its bytes where they are needed: on the page, or if it is a list.
    fn value(&mut self, page: &Page<'_>, node: &Node<'_>) -> Result<Value, Fault> {
        let bytes = node.value_bytes();
        match node.flags {
            0 => {
                let end = node.rest.get(..bytes);
                let end = end.ok_or_else(|| format!("a value of page {} leaves its page", page.number))?;
                Ok(Value::Here(end.to_vec()))
            }
            BIG => {
                let first = node.rest.get(..8);
                let first = first.ok_or_else(|| format!("a value of page {} leaves its page", page.number))?;
                self.overflow(u64_at(first, 0), bytes)
            }
            flags => Err(format!("an entry of page {} has unknown flags {flags:#x}", page.number).into()),
        }
    }

    fn overflow(&mut self, number: u64, bytes: usize) -> Result<Value, Fault> {
        // Bounds before the read: the number may be anything.
        self.take(number, 1, "a long value")?;
        let head = self.read(number)?;
        let pages = u64::from(u32_at(&head, 12));
        let needed = (PAGE_HEADER_BYTES + bytes).div_ceil(format::PAGE_BYTES as usize) as u64;
        if u64_at(&head, 0) != number || u16_at(&head, 10) != OVERFLOW || pages < needed {
            return Err(format!("page {number} does not hold the long value it should").into());
        }
        if pages > 1 {
            self.take(number + 1, pages - 1, "a long value")?;
        }
        self.counts.overflow_pages += pages;
        Ok(Value::Far { at: number * u64::from(format::PAGE_BYTES) + PAGE_HEADER_BYTES as u64, bytes })
    }

    fn list(&mut self, page: &Page<'_>, value: &Value) -> Result<(), Fault> {
        let far;
        let bytes = match value {
            Value::Here(bytes) => bytes,
            Value::Far { at, bytes } => {
                far = self.data.read(*at, *bytes).map_err(Fault::Read)?;
                &far
            }
        };
        let wrong = || Fault::Page(format!("page {} holds a list of free pages that makes no sense", page.number));
        let count = bytes.get(..8).map(|count| u64_at(count, 0)).ok_or_else(wrong)?;
        let count = usize::try_from(count).ok().filter(|count| *count <= (bytes.len() - 8) / 8).ok_or_else(wrong)?;
        self.free.extend(bytes[8..8 + count * 8].chunks_exact(8).map(|number| u64_at(number, 0)));
        Ok(())
    }

    /// Notes that pages are used by `owner`; each page can be used once.
    fn take(&mut self, first: u64, pages: u64, owner: &str) -> Result<(), Fault> {
        let end = first.checked_add(pages).filter(|end| first >= 2 && *end <= self.last_page + 1);
        let end = end.ok_or_else(|| format!("{owner} names page {first}, which is not in the file"))?;
        for number in first..end {
            let (word, bit) = ((number / 64) as usize, 1 << (number % 64));
            if self.used[word] & bit != 0 {
                return Err(format!("page {number} is used twice, the second time by {owner}").into());
            }
            self.used[word] |= bit;
        }
        Ok(())
    }

    fn read(&self, number: u64) -> Result<Vec<u8>, Fault> {
        read_page(self.data, number)
    }
}

/// Reads one page, whatever it is.
pub(super) fn read_page(data: &DataFile, number: u64) -> Result<Vec<u8>, Fault> {
    let page_bytes = format::PAGE_BYTES as usize;
    let at = number.checked_mul(page_bytes as u64).ok_or_else(|| format!("there is no page {number}"))?;
    let bytes = data.read(at, page_bytes).map_err(Fault::Read)?;
    if bytes.len() < page_bytes {
        return Err(format!("page {number} lies beyond the end of the file").into());
    }
    Ok(bytes)
}

/// Where a value lies.
enum Value {
    Here(Vec<u8>),
    Far { at: u64, bytes: usize },
}

/// A page of a tree whose header makes sense.
pub(super) struct Page<'b> {
    bytes: &'b [u8],
    number: u64,
    pub(super) nodes: usize,
    /// Where the nodes begin.
    upper: usize,
}

/// One entry of a page.
pub(super) struct Node<'b> {
    /// The first six bytes: a page number, or the length of a value and flags.
    words: &'b [u8],
    flags: u16,
    pub(super) key: &'b [u8],
    /// What follows the key, to the end of the page.
    rest: &'b [u8],
}

impl<'b> Page<'b> {
    pub(super) fn parse(bytes: &'b [u8], number: u64, kind: u16) -> Result<Self, Fault> {
        if u64_at(bytes, 0) != number {
            return Err(format!("page {number} says that it is page {}", u64_at(bytes, 0)).into());
        }
        if u16_at(bytes, 10) != kind {
            return Err(format!("page {number} is of kind {:#x} where {kind:#x} belongs", u16_at(bytes, 10)).into());
        }
        let (lower, upper) = (usize::from(u16_at(bytes, 12)), usize::from(u16_at(bytes, 14)));
        let sane = lower > PAGE_HEADER_BYTES && lower % 2 == 0 && lower <= upper && upper <= bytes.len();
        if !sane {
            return Err(format!("page {number} has an impossible header").into());
        }
        Ok(Self { bytes, number, nodes: (lower - PAGE_HEADER_BYTES) / 2, upper })
    }

    pub(super) fn node(&self, place: usize) -> Result<Node<'b>, Fault> {
        let at = usize::from(u16_at(self.bytes, PAGE_HEADER_BYTES + 2 * place));
        let bytes = self.bytes.get(at..).filter(|bytes| at >= self.upper && at % 2 == 0 && bytes.len() >= NODE_BYTES);
        let bytes = bytes.ok_or_else(|| format!("an entry of page {} is not on its page", self.number))?;
        let key_bytes = usize::from(u16_at(bytes, 6));
        if key_bytes > LMDB_KEY_MAX_BYTES || NODE_BYTES + key_bytes > bytes.len() {
            return Err(format!("a key of page {} leaves its page", self.number).into());
        }
        let (key, rest) = bytes[NODE_BYTES..].split_at(key_bytes);
        Ok(Node { words: &bytes[..6], flags: u16_at(bytes, 4), key, rest })
    }

    fn check_key(&self, key: &[u8], which: Which, between: Between<'_>) -> Result<(), Fault> {
        if key.is_empty() || (which == Which::Free && key.len() != 8) {
            return Err(format!("page {} has a key of {} bytes", self.number, key.len()).into());
        }
        let below = |a: &[u8], b: &[u8]| match which {
            Which::Free => u64_at(a, 0) < u64_at(b, 0),
            Which::Main => a < b,
        };
        if between.low.is_some_and(|low| below(key, low)) || between.high.is_some_and(|high| !below(key, high)) {
            return Err(format!("the keys of page {} are out of order", self.number).into());
        }
        Ok(())
    }
}

impl Node<'_> {
    /// Gives the page that a node of a branch leads to.
    pub(super) fn child(&self) -> u64 {
        u64::from(u32_at(self.words, 0)) | u64::from(u16_at(self.words, 4)) << 32
    }

    pub(super) fn value_bytes(&self) -> usize {
        u32_at(self.words, 0) as usize
    }

    /// Tells whether the value lies on pages of its own.
    pub(super) fn is_far(&self) -> bool {
        self.flags & BIG != 0
    }
}
