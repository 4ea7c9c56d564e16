//! Counts the pages that the entries of one table take, mostly without reading them: the pages above say how many there are.
//! Start reading at [`bytes_under`].

use std::ops::Range;

use super::files::DataFile;
use super::format::{BRANCH, LEAF, NO_PAGE, PAGE_BYTES, PAGE_HEADER_BYTES, Tree};
use super::walk::{Fault, Page, read_page};
use crate::StoreError;

/// Bytes of a page that an entry takes beside its key and its value.
const ENTRY_BYTES: usize = 10;

/// Counts bytes of pages that hold keys beginning with `first`; of a page that holds others too, those of its entries.
///
/// Of pages without others only those in `long` are read, whose values may lie on pages of their own.
/// The caller keeps the pages of `tree` from being used again.
pub(super) fn bytes_under(data: &DataFile, tree: &Tree, first: u8, long: &[Range<&[u8]>]) -> Result<u64, StoreError> {
    if tree.root == NO_PAGE {
        return Ok(0);
    }
    let mut sizing = Sizing { data, first, long, reads_left: tree.branch_pages + tree.leaf_pages, bytes: 0 };
    let counted = sizing.page(tree.root, tree.depth, Span { low: &[], high: None });
    counted.map_err(|fault| fault.of(data)).map(|()| sizing.bytes)
}

struct Sizing<'s> {
    data: &'s DataFile,
    first: u8,
    long: &'s [Range<&'s [u8]>],
    /// A page that leads back to itself must come to an end.
    reads_left: u64,
    bytes: u64,
}

/// The keys that a page may hold; without `high` there is no end.
#[derive(Clone, Copy)]
struct Span<'k> {
    low: &'k [u8],
    high: Option<&'k [u8]>,
}

impl Sizing<'_> {
    fn page(&mut self, number: u64, levels: u16, span: Span<'_>) -> Result<(), Fault> {
        let is_whole = self.is_whole(span);
        self.bytes += if is_whole { u64::from(PAGE_BYTES) } else { 0 };
        if levels == 1 && is_whole && !self.may_be_long(span) {
            return Ok(());
        }
        self.reads_left =
            self.reads_left.checked_sub(1).ok_or_else(|| "more pages are used than are counted".to_owned())?;
        let bytes = read_page(self.data, number)?;
        let page = Page::parse(&bytes, number, if levels == 1 { LEAF } else { BRANCH })?;
        if levels == 1 { self.leaf(&page, is_whole) } else { self.branch(&page, levels, span) }
    }

    fn branch(&mut self, page: &Page<'_>, levels: u16, span: Span<'_>) -> Result<(), Fault> {
        let mut low = span.low;
        for place in 0..page.nodes {
            let high = if place + 1 < page.nodes { Some(page.node(place + 1)?.key) } else { span.high };
            if low.first().is_some_and(|byte| *byte > self.first) {
                break;
            }
            if high.is_none_or(|high| high > &[self.first][..]) {
                self.page(page.node(place)?.child(), levels - 1, Span { low, high })?;
            }
            low = high.unwrap_or_default();
        }
        Ok(())
    }

    fn leaf(&mut self, page: &Page<'_>, is_whole: bool) -> Result<(), Fault> {
        for place in 0..page.nodes {
            let node = page.node(place)?;
            if node.key.first() != Some(&self.first) {
                continue;
            }
            let (value, is_far) = (node.value_bytes(), node.is_far());
            if is_far {
                let pages = (PAGE_HEADER_BYTES + value).div_ceil(PAGE_BYTES as usize);
                self.bytes += pages as u64 * u64::from(PAGE_BYTES);
            }
            if !is_whole {
                self.bytes += (ENTRY_BYTES + node.key.len() + if is_far { 8 } else { value }) as u64;
            }
        }
        Ok(())
    }

    /// Tells whether a page can hold no other keys.
    fn is_whole(&self, span: Span<'_>) -> bool {
        span.low.first() == Some(&self.first) && span.high.is_some_and(|high| high.first() == Some(&self.first))
    }

    fn may_be_long(&self, span: Span<'_>) -> bool {
        self.long.iter().any(|range| range.end > span.low && span.high.is_none_or(|high| range.start < high))
    }
}
