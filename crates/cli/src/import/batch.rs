//! Rows on their way from the thread that reads to the thread that loads.

use std::ops::Range;
use std::path::PathBuf;

use compact_str::CompactString;
use rustc_hash::FxHashMap;
use types::{KeyId, NodeId, Value};

/// Rows after which a batch goes on its way.
const ROWS_MAX: usize = 4_096;
/// Property values after which a batch goes on its way.
const VALUES_MAX: usize = 64 * 1024;

/// Some rows of one source; its memory is used again and again.
#[derive(Debug, Default)]
pub struct Batch {
    /// Which of the sources they come from.
    pub source: usize,
    /// The file of that source.
    pub file: PathBuf,
    /// The good rows.
    pub lines: Vec<Line>,
    /// Names that no earlier batch of this source had.
    pub words: Vec<Vec<CompactString>>,
    /// The rows that were passed over.
    pub bad: Vec<BadRow>,
    /// All rows' properties, one row's after the other's.
    pub values: Vec<(KeyId, Value)>,
    /// All nodes' ids as they are written, one after the other.
    pub ids: String,
}

/// A row that can be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line where it begins, from 1.
    pub number: u64,
    /// What it makes.
    pub what: What,
    /// Where its properties end in [`Batch::values`].
    pub values_end: usize,
}

/// What a row makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A node.
    Node {
        /// Where its id is in [`Batch::ids`]; none where the file gives none.
        id: Option<Range<usize>>,
        /// The number of its labels.
        labels: u32,
    },
    /// A relationship.
    Relationship {
        /// Where it starts.
        start: NodeId,
        /// The number of its type.
        kind: u32,
        /// Where it ends.
        end: NodeId,
    },
}

/// A row that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The line where it begins, from 1.
    pub line: u64,
    /// Why, for people.
    pub reason: String,
}

impl Batch {
    /// Tells whether it is time to send it on.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.lines.len() + self.bad.len() >= ROWS_MAX || self.values.len() >= VALUES_MAX
    }

    /// Forgets what is in it and keeps the memory.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.words.clear();
        self.bad.clear();
        self.values.clear();
        self.ids.clear();
    }
}

/// Gives each combination of names a number, so that rows carry a number instead of names.
#[derive(Debug, Default)]
pub struct Words {
    numbers: FxHashMap<CompactString, u32>,
    /// What no batch has told yet.
    new: Vec<Vec<CompactString>>,
}

impl Words {
    /// Gives the number of a field's text, asking `split` what it says where it is new.
    pub fn number(&mut self, text: &str, split: impl FnOnce(&str) -> Vec<CompactString>) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len()).expect("each costs more than a byte of memory");
        self.numbers.insert(text.into(), number);
        self.new.push(split(text));
        number
    }

    /// Moves what is new into the batch that first needs it.
    pub fn tell(&mut self, batch: &mut Batch) {
        batch.words.append(&mut self.new);
    }
}
