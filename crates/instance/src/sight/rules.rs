//! The rules of one user for one graph, by number; those of properties are made when they are first asked for.
//! Leaves asking them to the files beside this one.
//! Start reading at [`Rules::of`].

use std::cell::RefCell;
use std::sync::Arc;

use catalog::GraphRights;
use catalog::graph_rights::{ElementRights, PropertyRules, Rule};
use graph::keys::TokenKind;
use rustc_hash::FxHashMap;
use types::KeyId;

use super::ids::IdRule;
use crate::source::GraphSource;

/// What may be found and read in one graph.
pub(super) struct Rules {
    pub(super) nodes: Elements,
    pub(super) relationships: Elements,
}

/// What may be found and read of nodes, or of relationships.
pub(super) struct Elements {
    /// Which of them are found.
    pub(super) found: IdRule,
    kind: TokenKind,
    reads_everything: bool,
    by_key: RefCell<FxHashMap<KeyId, Arc<IdRule>>>,
}

impl Rules {
    /// Makes the rules. They hold until a name is used for the first time.
    pub(super) fn of(rights: &GraphRights, graph: &GraphSource) -> Self {
        Self {
            nodes: Elements::of(&rights.nodes, TokenKind::Label, graph),
            relationships: Elements::of(&rights.relationships, TokenKind::Type, graph),
        }
    }

    /// Tells whether no relationship is hidden: neither by its type nor by its ends.
    pub(super) fn find_every_relationship(&self) -> bool {
        self.relationships.found.is_everything() && self.nodes.found.is_everything()
    }
}

impl Elements {
    fn of(rights: &ElementRights, kind: TokenKind, graph: &GraphSource) -> Self {
        Self {
            found: made(&rights.traverse, kind, graph),
            kind,
            reads_everything: rights.read.is_everything(),
            by_key: RefCell::default(),
        }
    }

    /// Tells whether every property is read of what is found.
    pub(super) fn reads_everything(&self) -> bool {
        self.reads_everything
    }

    /// Gives the rule for a property, over labels or types.
    pub(super) fn read(&self, key: KeyId, rules: &PropertyRules, graph: &GraphSource) -> Arc<IdRule> {
        if let Some(known) = self.by_key.borrow().get(&key) {
            return Arc::clone(known);
        }
        let name = graph.name_of(TokenKind::Key, key.0);
        let made = Arc::new(made(&rules.rule(&name), self.kind, graph));
        self.by_key.borrow_mut().insert(key, Arc::clone(&made));
        made
    }
}

fn made(rule: &Rule, kind: TokenKind, graph: &GraphSource) -> IdRule {
    let key = |name: &str| graph.number_of(TokenKind::Key, name).map(KeyId);
    IdRule::of(rule, |name| graph.number_of(kind, name), key)
}
