//! Values in the order in which they came, in pieces: a list that grew as one would be there twice each time.
//! Start reading at [`Kept::push`].

use types::Value;

/// Items of a piece; until there are so many, a list grows as usual. They fill one of the allocator's sizes: of others it
/// wastes up to a fifth.
const PIECE_ITEMS: usize = ((256 << 10) - 16) / size_of::<Value>();

/// Values so far.
#[derive(Debug, Default)]
pub(super) struct Kept {
    full: Vec<Vec<Value>>,
    last: Vec<Value>,
    /// What the values take beside their places.
    heap_bytes: usize,
}

impl Kept {
    pub(super) fn push(&mut self, value: &Value) {
        if self.last.len() == PIECE_ITEMS {
            self.full.push(std::mem::replace(&mut self.last, Vec::with_capacity(PIECE_ITEMS)));
        }
        if self.last.len() == self.last.capacity() && 2 * self.last.len() > PIECE_ITEMS {
            self.last.reserve_exact(PIECE_ITEMS - self.last.len());
        }
        self.heap_bytes += value.memory_bytes() - size_of::<Value>();
        self.last.push(value.clone());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// Gives the values as one list.
    pub(super) fn take(&mut self) -> Vec<Value> {
        self.heap_bytes = 0;
        let last = std::mem::take(&mut self.last);
        if self.full.is_empty() {
            return last;
        }
        let mut whole = Vec::with_capacity(self.full.len() * PIECE_ITEMS + last.len());
        // Each piece goes once it was moved.
        self.full.drain(..).for_each(|piece| whole.extend(piece));
        whole.extend(last);
        whole
    }

    /// Tells the bytes that are held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.heap_bytes + (self.full.len() * PIECE_ITEMS + self.last.capacity()) * size_of::<Value>()
    }

    /// Tells the bytes that one list takes beside the pieces of which it is made.
    pub(super) fn whole_bytes(&self) -> usize {
        if self.full.is_empty() { 0 } else { (self.full.len() * PIECE_ITEMS + self.last.len()) * size_of::<Value>() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f52_pieces_become_one_list_in_their_order() {
        for items in [0, 1, PIECE_ITEMS, PIECE_ITEMS + 1, 3 * PIECE_ITEMS + 7] {
            let mut kept = Kept::default();
            (0..items).for_each(|item| kept.push(&Value::from(item as i64)));
            let bytes = kept.memory_bytes();
            assert!(bytes >= items * size_of::<Value>() && bytes <= (2 * items + 4) * size_of::<Value>(), "{items}");
            let is_whole = items <= PIECE_ITEMS;
            assert_eq!(kept.whole_bytes(), if is_whole { 0 } else { items * size_of::<Value>() });
            let whole = kept.take();
            assert!(whole.len() == items && whole.iter().enumerate().all(|(at, item)| *item == Value::from(at as i64)));
            assert!(kept.is_empty() && kept.memory_bytes() == 0);
        }
    }
}
