//! Files of encrypted databases: made out of a plain one's entries, given a new key, sealed anew.

use std::sync::Arc;

use catalog::Database as Row;
use graph::GraphError;
use store::crypt::SealsKeys;
use store::{OpenOptions, Store, StoreError};
use types::{Failure, failpoint};

use super::{Databases, Opening, State, Trust, unavailable};
use crate::backup::Step;
use crate::error::{of_graph, of_store};

impl Databases {
    /// Makes the files of a new database, encrypted or not, which `fill` fills; what an earlier try left there goes first.
    ///
    /// Nobody finds the database before the catalog says that it is made, so nothing is locked meanwhile.
    pub(crate) fn make_by_entries(
        &self,
        row: &Row,
        fill: &mut dyn FnMut(&dyn Store) -> Result<(), GraphError>,
    ) -> Result<(), Failure> {
        self.make_room();
        self.remove_files(row)?;
        let options = self.options(row, Trust::Usual);
        let create = OpenOptions { create: true, ..options.clone() };
        let store = self.engine.open(&self.folder.join(&row.folder), &create).map_err(|error| of_store(&error))?;
        fill(&*store).map_err(of_graph)?;
        failpoint::reach("clone.restored");
        graph::database::adopt(&*store, row.id).map_err(of_graph)?;
        failpoint::reach("clone.adopted");
        drop(store);
        let database = self.open_with(row, &options)?;
        failpoint::reach("clone.opened");
        *self.slot(row.id).state.lock() = State::Open(database);
        Ok(())
    }

    /// Encrypts the files of a database that nobody uses under a new key. Who asks for it meanwhile waits or is refused.
    pub(crate) fn change_key(&self, row: &Row, step: Step<'_>) -> Result<(), Failure> {
        let slot = self.slot(row.id);
        {
            let mut state = slot.state.lock();
            if matches!(*state, State::Open(_) | State::Opening) {
                return Err(unavailable(&row.name));
            }
            *state = State::Opening;
        }
        let _opening = Opening(&slot);
        self.glances.lock().remove(&row.id);
        let mut failed = None;
        let changed = self.engine.change_key(&self.folder.join(&row.folder), &mut |done| {
            step(done).map_err(|failure| {
                failed = Some(failure);
                StoreError::Aborted
            })
        });
        match failed {
            Some(failure) => Err(failure),
            None => changed.map_err(|error| of_store(&error)),
        }
    }

    /// Has the newest key of the server seal the keys of a database and of its journal, which nobody uses; says of each that
    /// stays under an older one why.
    pub(crate) fn renew_keys(&self, row: &Row) -> Vec<String> {
        let mut left = Vec::new();
        if row.options.is_encrypted()
            && let Err(error) = self.engine.renew_key(&self.folder.join(&row.folder))
        {
            left.push(of_store(&error).message().to_owned());
        }
        left.extend(self.renew_journal_keys(row));
        left
    }

    /// Lends what seals the keys of encrypted databases, and of their journals.
    pub(crate) fn seals(&self) -> Option<Arc<dyn SealsKeys>> {
        self.engine.seals()
    }

    /// Tells whether the files in a folder are of an encrypted database.
    pub(crate) fn is_encrypted(&self, folder: &std::path::Path) -> bool {
        self.engine.is_encrypted(folder)
    }

    /// Tells whether a database can be made out of an image of this kind.
    pub(crate) fn takes(&self, kind: &str) -> bool {
        self.engine.takes(kind)
    }
}
