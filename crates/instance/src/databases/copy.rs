//! Files of databases that are made out of images.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use catalog::{Database as Row, Pictured};
use graph::{Database, DatabaseOptions};
use rand::Rng;
use store::{OpenOptions, Store, StoreError};
use types::{DatabaseId, Failure, failpoint};

use super::{Databases, State, Trust};
use crate::backup::BackupError;
use crate::error::{of_graph, of_store};
use crate::open_database::OpenDatabase;

/// What the folders of images that are only tried begin with; no database is called so.
pub(crate) const TRIED: &str = "_check-";

/// Changes a store before it becomes a database's.
type Play<'p> = Option<&'p mut dyn FnMut(&dyn Store) -> Result<(), Failure>>;

/// Gives the next piece of an image.
pub(crate) type Next<'n> = &'n mut dyn FnMut(&mut Vec<u8>) -> Result<bool, StoreError>;

impl Databases {
    /// Names the kind of images that this server's databases make and take.
    pub(crate) fn kind(&self) -> &'static str {
        self.engine.kind()
    }

    /// Tells whether databases lie on a disk.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.kind() != store::memory::KIND
    }

    /// Makes the files of a new database out of an image; what an earlier try left there goes first.
    ///
    /// Nobody finds the database before the catalog says that it is made, so nothing is locked meanwhile.
    pub(crate) fn make_from(&self, row: &Row, next: Next<'_>) -> Result<Arc<OpenDatabase>, Failure> {
        self.make_with(row, next, None)
    }

    /// As [`Databases::make_from`]; `play` changes the store before it becomes the database's, and the graph is walked.
    pub(crate) fn make_played(
        &self,
        row: &Row,
        next: Next<'_>,
        play: &mut dyn FnMut(&dyn Store) -> Result<(), Failure>,
    ) -> Result<Arc<OpenDatabase>, Failure> {
        self.make_with(row, next, Some(play))
    }

    fn make_with(&self, row: &Row, next: Next<'_>, mut play: Play<'_>) -> Result<Arc<OpenDatabase>, Failure> {
        self.make_room();
        self.remove_files(row)?;
        let folder = self.folder.join(&row.folder);
        self.engine.restore(&folder, Some(row.id.0), next).map_err(|error| of_store(&error))?;
        failpoint::reach("clone.restored");
        let options = self.options(row, Trust::Usual);
        let store = self.engine.open(&folder, &options).map_err(|error| of_store(&error))?;
        store.confirm().map_err(|error| of_store(&error))?;
        if let Some(play) = &mut play {
            play(&*store)?;
        }
        graph::database::adopt(&*store, row.id).map_err(of_graph)?;
        failpoint::reach("clone.adopted");
        // Closed, so that its file is marked as sound and opening looks at it no more.
        drop(store);
        let database = self.open_with(row, &options)?;
        if play.is_some() {
            let problems = database.graph.check().map_err(of_graph)?.problems;
            problems.into_iter().next().map_or(Ok(()), |problem| Err(BackupError::Unsound(problem)))?;
        }
        failpoint::reach("clone.opened");
        *self.slot(row.id).state.lock() = State::Open(Arc::clone(&database));
        Ok(database)
    }

    /// Makes a database out of an image where nobody finds it, walks it, and removes it; gives what is wrong with it.
    pub(crate) fn try_image(&self, next: Next<'_>) -> Result<Vec<String>, Failure> {
        let id: [u8; 16] = rand::rng().random();
        self.tried(|folder| {
            self.engine.restore(folder, Some(id), next).map_err(|error| of_store(&error))?;
            let options = OpenOptions { identity: Some(id), confirm: true, ..OpenOptions::default() };
            let store = self.engine.open(folder, &options).map_err(|error| of_store(&error))?;
            store.confirm().map_err(|error| of_store(&error))?;
            graph::database::adopt(&*store, DatabaseId(id)).map_err(of_graph)?;
            let options = DatabaseOptions { id: Some(DatabaseId(id)), ..DatabaseOptions::default() };
            let graph = Database::open(store, options).map_err(of_graph)?;
            graph.check().map(|report| report.problems).map_err(of_graph)
        })
    }

    /// As [`Databases::try_image`], for an image of `system`: every page and every row of it is read.
    pub(crate) fn try_catalog(&self, next: Next<'_>) -> Result<Vec<String>, Failure> {
        self.picture_catalog(next).map(|_| Vec::new())
    }

    /// As [`Databases::try_catalog`]; tells what is in it.
    pub(crate) fn picture_catalog(&self, next: Next<'_>) -> Result<Pictured, Failure> {
        self.tried(|folder| {
            self.engine.restore(folder, None, next).map_err(|error| of_store(&error))?;
            let store = self.engine.open(folder, &OpenOptions::default()).map_err(|error| of_store(&error))?;
            store.check().map_err(|error| of_store(&error))?;
            Ok(catalog::picture(&*store)?)
        })
    }

    /// Lends a folder that nobody finds, and removes what was put there.
    fn tried<T>(&self, work: impl FnOnce(&Path) -> Result<T, Failure>) -> Result<T, Failure> {
        let number: u64 = rand::rng().random();
        // The next start removes it if this process dies.
        let folder = self.folder.join(format!("{TRIED}{number:016x}"));
        let tried = work(&folder);
        if let Err(error) = self.engine.remove(&folder) {
            tracing::warn!(folder = %folder.display(), %error, "a database made for a check stays until the next start");
        }
        let _ = fs::remove_dir(&folder);
        tried
    }
}
