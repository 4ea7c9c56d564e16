//! What every graph has from the start; an older one gets it when it is opened.

use store::Writer;
use types::{CompactString, DatabaseId, IndexId};

use crate::GraphError;
use crate::codec::FORMAT;
use crate::codec::fact::{
    IndexDefinition, IndexKind, IndexOn, IndexState, encode_database, encode_format, encode_number,
};
use crate::keys::{self, Meta};
use crate::read::View;
use crate::transaction::AsReader;

/// The two indexes that are there from the start, under the names by which clients know them.
fn lookups() -> [(&'static str, IndexOn); 2] {
    let (labels, kinds) = Default::default();
    [("index_343aff4e", IndexOn::Labels(labels)), ("index_f7700477", IndexOn::Types(kinds))]
}

/// Founds a graph, or raises one of an older format: that has no lookup indexes and no number for the next index.
pub(super) fn found(writer: &mut dyn Writer, database: Option<DatabaseId>) -> Result<(), GraphError> {
    let view = View::new(writer.as_reader());
    let is_new = writer.get(&keys::meta(Meta::Format))?.is_none();
    let known = view.indexes()?;
    let mut next = known.iter().map(|index| index.id.0 + 1).max().unwrap_or(1);
    if let (true, Some(id)) = (is_new, database) {
        writer.put(&keys::meta(Meta::Database), &encode_database(id))?;
    }
    for (name, on) in lookups() {
        if known.iter().any(|index| index.name == name) {
            continue;
        }
        let index = IndexDefinition {
            id: IndexId(next),
            name: CompactString::const_new(name),
            on,
            keys: Vec::new(),
            kind: IndexKind::Lookup,
            state: IndexState::Online,
            constraint: None,
            options: Vec::new(),
        };
        writer.put(&keys::index(index.id), &index.encode()?)?;
        next += 1;
    }
    writer.put(&keys::meta(Meta::SchemaNext), &encode_number(next.into()))?;
    writer.put(&keys::meta(Meta::Format), &encode_format(FORMAT))?;
    Ok(())
}
