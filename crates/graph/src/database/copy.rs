//! Copies of whole graphs: an image out, and a copy that becomes another database's graph.
//! Leaves pages and files to the store.

use store::journal::{self, Origin};
use store::{Image, Store, StoreError};
use types::DatabaseId;

use super::{Database, write_to};
use crate::GraphError;
use crate::codec::FORMAT;
use crate::codec::fact::encode_database;
use crate::keys::{self, Counted, Meta};
use crate::read::View;

/// What an image of a graph holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pictured {
    /// The version of its last commit.
    pub version: u64,
    /// The format of its bytes.
    pub format: u32,
    /// Nodes.
    pub nodes: u64,
    /// Relationships.
    pub relationships: u64,
    /// Where it stands in the journal of its commits, if one is kept.
    pub journal: Option<Origin>,
}

impl Database {
    /// Takes an image of the last commit, to be read while others write; tells what is in it.
    ///
    /// Errors: [`GraphError::Loading`] while a load has the database for itself.
    pub fn image(&self) -> Result<(Pictured, Box<dyn Image>), GraphError> {
        self.check_loaded()?;
        let mut looked = Err(GraphError::LoadUnfinished);
        let image = self.store().image(&mut |reader| {
            looked = picture(View::new(reader)).map(|pictured| Pictured { journal: Origin::of(reader), ..pictured });
            Ok(())
        });
        let (pictured, image) = (looked?, image?);
        Ok((pictured, image))
    }

    /// Copies the last commit into a store of any engine, entry by entry, while others write.
    ///
    /// `step` hears how many bytes are done, and may end the work. The file of this graph cannot grow meanwhile.
    pub fn copy_into(
        &self,
        to: &dyn Store,
        step: &mut dyn FnMut(u64) -> Result<(), StoreError>,
    ) -> Result<(), GraphError> {
        self.check_loaded()?;
        let snapshot = self.store().snapshot()?;
        Ok(store::copy(&*snapshot, to, step)?)
    }
}

fn picture(view: View<'_>) -> Result<Pictured, GraphError> {
    let count = |counted| view.count(counted).map(i64::unsigned_abs);
    Ok(Pictured {
        version: view.number(Meta::Version)?,
        format: FORMAT,
        nodes: count(Counted::Nodes)?,
        relationships: count(Counted::Relationships)?,
        journal: None,
    })
}

/// Makes the graph in `store`, a copy of another database's, the graph of `id`: its element ids differ from now on.
///
/// It leaves the other one's journal; what is kept of its own begins anew.
/// Errors: [`GraphError::Damaged`] if no graph is there.
pub fn adopt(store: &dyn Store, id: DatabaseId) -> Result<(), GraphError> {
    write_to(store, |writer| {
        if writer.get(&keys::meta(Meta::Format))?.is_none() {
            return Err(GraphError::damaged("there is no graph in it"));
        }
        writer.delete(&journal::KEY)?;
        writer.put(&keys::meta(Meta::Database), &encode_database(id)).map_err(GraphError::from)
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use store::memory::MemoryEngine;
    use store::{Engine, OpenOptions};

    use super::*;
    use crate::DatabaseOptions;

    #[test]
    fn f25_a_copy_becomes_the_graph_of_another_database() {
        let engine = MemoryEngine::default();
        let create = OpenOptions { create: true, ..OpenOptions::default() };
        let store = engine.open(Path::new("first"), &create).expect("opens");
        let [one, two] =
            [1, 2].map(|number| DatabaseOptions { id: Some(DatabaseId([number; 16])), ..Default::default() });
        let first = Database::open(store, one).expect("opens");
        let mut transaction = first.begin().expect("begins");
        let nodes = [(); 2].map(|()| transaction.create_node(&[], &[]).expect("makes"));
        let kind = types::TypeId(first.tokens().make(keys::TokenKind::Type, "T").expect("makes"));
        transaction.create_relationship(nodes[0], kind, nodes[1], &[]).expect("makes");
        let version = transaction.commit().expect("commits");
        let (pictured, mut image) = first.image().expect("takes an image");
        assert_eq!((pictured.version, pictured.nodes, pictured.relationships), (version, 2, 1));
        engine.restore(Path::new("second"), None, &mut |piece| image.read(piece, 100)).expect("restores");
        let store = engine.open(Path::new("second"), &OpenOptions::default()).expect("opens");
        adopt(&*store, DatabaseId([2; 16])).expect("writes");
        assert!(Database::open(store.clone(), one).is_err(), "it is not the first one's any more");
        let second = Database::open(store, two).expect("opens");
        assert!(second.check().expect("walks").is_sound());
        assert_eq!(second.image().expect("takes an image").0, pictured);
    }

    #[test]
    fn f24_an_empty_store_is_no_graph() {
        let create = OpenOptions { create: true, ..OpenOptions::default() };
        let store = MemoryEngine::default().open(Path::new("empty"), &create).expect("opens");
        assert!(matches!(adopt(&*store, DatabaseId([2; 16])), Err(GraphError::Damaged { .. })));
    }
}
