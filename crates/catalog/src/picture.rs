//! The catalog as it stands in an image: looked at when it is copied, and before a server starts from a copy.
//! Leaves pages to `store`, and where images go to `instance`. Start reading at [`Catalog::image`].

use std::sync::Arc;

use store::{Image, Store};

use crate::catalog::load;
use crate::{Catalog, CatalogError, Database, Names};

/// What an image of the catalog holds.
#[derive(Clone, Debug)]
pub struct Pictured {
    /// The version of its last change.
    pub version: u64,
    /// The databases that users can see, by name; `system` is not among them.
    pub databases: Vec<Arc<Database>>,
    /// Aliases.
    pub aliases: u64,
    /// Users.
    pub users: u64,
}

impl Pictured {
    fn of(names: &Names) -> Self {
        let databases = names.databases_from("").filter(|database| !database.name.is_system());
        Self {
            version: names.version(),
            databases: databases.cloned().collect(),
            aliases: names.aliases().count() as u64,
            users: names.users().count() as u64,
        }
    }
}

impl Catalog {
    /// Takes an image of the last change, to be read while others are made; tells what is in it.
    pub fn image(&self) -> Result<(Pictured, Box<dyn Image>), CatalogError> {
        let mut looked = Ok(None);
        let image = self.store.image(&mut |reader| {
            looked = load(reader);
            Ok(())
        })?;
        let names = looked?.ok_or_else(missing)?;
        Ok((Pictured::of(&names), image))
    }
}

/// Reads and checks every row of a catalog that nobody serves.
pub fn picture(store: &dyn Store) -> Result<Pictured, CatalogError> {
    let snapshot = store.snapshot()?;
    let names = load(&*snapshot)?.ok_or_else(missing)?;
    Ok(Pictured::of(&names))
}

fn missing() -> CatalogError {
    CatalogError::damaged("there is no catalog in it")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use store::memory::MemoryEngine;
    use store::{Engine, OpenOptions};
    use types::SystemClock;

    use super::*;
    use crate::{Authentication, FirstStart, Settings};

    #[test]
    fn f24_an_image_of_the_catalog_is_a_catalog() {
        let engine = MemoryEngine::default();
        let create = OpenOptions { create: true, ..OpenOptions::default() };
        let store = engine.open(Path::new("system"), &create).expect("opens");
        assert!(matches!(picture(&*store), Err(CatalogError::Damaged { .. })), "nothing is in it yet");
        let settings = Settings {
            first_start: FirstStart::default(),
            authentication: Authentication::Password { first: Some("12345678".to_owned()) },
            databases_max: 10,
            clock: Arc::new(SystemClock),
        };
        let catalog = Catalog::open(store, settings).expect("opens");
        let default = catalog.pending();
        assert_eq!(default.len(), 1, "the default database has no files yet");
        let id = catalog.names().default_database().id;
        catalog.database_made(id).expect("is made");
        let (pictured, mut image) = catalog.image().expect("takes an image");
        let names: Vec<&str> = pictured.databases.iter().map(|database| database.name.as_str()).collect();
        assert_eq!((names, pictured.users, pictured.aliases), (vec!["sheaf"], 1, 1));
        engine.restore(Path::new("copy"), None, &mut |piece| image.read(piece, 100)).expect("restores");
        let copy = engine.open(Path::new("copy"), &OpenOptions::default()).expect("opens");
        let found = picture(&*copy).expect("reads");
        assert_eq!((found.version, found.users), (catalog.names().version(), 1));
    }
}
