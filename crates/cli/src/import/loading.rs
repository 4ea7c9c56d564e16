//! The bulk loader of `graph` as what takes an import.

use graph::GraphError;
use graph::bulk::{Loaded, Loader};
use graph::codec::fact::{IndexKind, IndexOn};
use graph::transaction::NewIndex;
use types::{Failure, KeyId, LabelId, NodeId, TypeId, Value};

use super::fill::Fill;
use crate::exit::with_causes;

/// An index over one property of the nodes with a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexWish {
    /// The label.
    pub label: String,
    /// The property.
    pub property: String,
}

impl IndexWish {
    /// Reads `Label(property)`; the error is a reason for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.strip_suffix(')').and_then(|open| open.split_once('('));
        match parts {
            Some((label, property)) if !label.is_empty() && !property.is_empty() => {
                Ok(Self { label: label.to_owned(), property: property.to_owned() })
            }
            _ => Err(format!("\"{text}\" is no index. Write Label(property).")),
        }
    }
}

/// Loads an empty database and makes its indexes.
pub fn load<E: From<Failure>>(
    database: &graph::Database,
    indexes: &[IndexWish],
    fill: impl FnOnce(&mut dyn Fill) -> Result<(), E>,
) -> Result<Loaded, E> {
    let mut loader = Loader::new(database).map_err(refused)?;
    // Before the records: their entries are then made along with them.
    for wish in indexes {
        make_index(&mut loader, wish)?;
    }
    fill(&mut loader)?;
    Ok(loader.finish().map_err(refused)?)
}

fn make_index(loader: &mut Loader, IndexWish { label, property }: &IndexWish) -> Result<(), Failure> {
    let (on, key) = (IndexOn::label(loader.label(label)?), loader.key(property)?);
    let name = format!("index_{label}_{property}");
    loader.create_index(NewIndex::new(name, on, vec![key], IndexKind::Range)).map(drop).map_err(refused)
}

fn refused(error: GraphError) -> Failure {
    Failure::new(error.code(), with_causes(&error))
}

impl Fill for Loader {
    fn label(&mut self, name: &str) -> Result<LabelId, Failure> {
        Loader::label(self, name).map_err(refused)
    }

    fn kind(&mut self, name: &str) -> Result<TypeId, Failure> {
        Loader::kind(self, name).map_err(refused)
    }

    fn key(&mut self, name: &str) -> Result<KeyId, Failure> {
        Loader::key(self, name).map_err(refused)
    }

    fn node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]) -> Result<NodeId, Failure> {
        Loader::node(self, labels, properties).map_err(refused)
    }

    fn relationship(
        &mut self,
        start: NodeId,
        kind: TypeId,
        end: NodeId,
        properties: &[(KeyId, Value)],
    ) -> Result<(), Failure> {
        Loader::relationship(self, start, kind, end, properties).map(drop).map_err(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_name_label_and_property() {
        let wish = IndexWish { label: "Flight".to_owned(), property: "id".to_owned() };
        assert_eq!(IndexWish::parse("Flight(id)"), Ok(wish));
        assert_eq!(IndexWish::parse("Flight.id"), Err("\"Flight.id\" is no index. Write Label(property).".to_owned()));
        assert!(IndexWish::parse("(id)").is_err());
    }
}
