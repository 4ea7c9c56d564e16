//! A database that is a text, for tests.

use std::fmt::Write;

use types::text::literal;
use types::{Failure, KeyId, LabelId, NodeId, TypeId, Value};

use super::fill::Fill;

/// Writes down what it is given.
#[derive(Default)]
pub(crate) struct List {
    names: Vec<String>,
    nodes: u64,
    /// A line for each node and each relationship.
    pub text: String,
}

impl List {
    fn number(&mut self, name: &str) -> u32 {
        let at = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        u32::try_from(at).expect("a few names")
    }

    fn properties(&mut self, properties: &[(KeyId, Value)]) {
        for (key, value) in properties {
            write!(self.text, " {}={}", self.names[key.0 as usize], literal(value)).expect("memory");
        }
        self.text.push('\n');
    }
}

impl Fill for List {
    fn label(&mut self, name: &str) -> Result<LabelId, Failure> {
        Ok(LabelId(self.number(name)))
    }

    fn kind(&mut self, name: &str) -> Result<TypeId, Failure> {
        Ok(TypeId(self.number(name)))
    }

    fn key(&mut self, name: &str) -> Result<KeyId, Failure> {
        Ok(KeyId(self.number(name)))
    }

    fn node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]) -> Result<NodeId, Failure> {
        let node = NodeId(self.nodes);
        self.nodes += 1;
        let labels: Vec<_> = labels.iter().map(|label| self.names[label.0 as usize].as_str()).collect();
        write!(self.text, "({node}:{})", labels.join(":")).expect("memory");
        self.properties(properties);
        Ok(node)
    }

    fn relationship(
        &mut self,
        start: NodeId,
        kind: TypeId,
        end: NodeId,
        properties: &[(KeyId, Value)],
    ) -> Result<(), Failure> {
        write!(self.text, "{start} -{}-> {end}", self.names[kind.0 as usize]).expect("memory");
        self.properties(properties);
        Ok(())
    }
}
