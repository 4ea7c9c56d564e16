//! Which nodes have a label, gathered block by block while nodes come in order.

use rustc_hash::FxHashMap;
use types::{LabelId, NodeId};

use crate::codec::label::Members;
use crate::keys::{self, LABEL_BLOCK_NODES};

/// The blocks of all labels; the finished ones are encoded, about 140 bytes for 1,024 nodes.
#[derive(Debug, Default)]
pub(super) struct LabelBlocks {
    open: FxHashMap<LabelId, (u64, Members)>,
    finished: Vec<([u8; 13], Vec<u8>)>,
}

impl LabelBlocks {
    /// Adds a node; nodes come in ascending order.
    pub fn add(&mut self, label: LabelId, node: NodeId) {
        let block = node.0 / LABEL_BLOCK_NODES;
        let open = self.open.entry(label).or_insert((block, Members::default()));
        if open.0 != block {
            self.finished.push((keys::label_block(label, open.0), open.1.encode()));
            *open = (block, Members::default());
        }
        open.1.insert(Members::place(node));
    }

    /// Hands out all blocks, ascending by key.
    pub fn finish(mut self) -> Vec<([u8; 13], Vec<u8>)> {
        for (label, (block, members)) in self.open.drain() {
            self.finished.push((keys::label_block(label, block), members.encode()));
        }
        self.finished.sort_unstable();
        self.finished
    }
}
