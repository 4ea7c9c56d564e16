//! Databases of other data folders, taken over by their files: what they come from stays as it is.
//! Leaves making files to `databases`. For tools, while no server runs.
//! Start reading at [`Instance::adopt`].

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use catalog::{CatalogError, NewDatabase};
use types::{DatabaseName, Failure};

use crate::Instance;
use crate::audit::{Durable, Kind, Outcome, Told};
use crate::backup::PIECE_BYTES;
use crate::commands::database::{Contents, create_database};
use crate::instance::SYSTEM_FOLDER;

/// A database that was found outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its folder.
    pub folder: PathBuf,
    /// What it is called by the catalog beside it; without one, or where that does not know it, the name that the folder
    /// was made for. Nothing where that tells none.
    pub name: Option<String>,
    /// Whether the catalog says so.
    pub is_known: bool,
}

impl Instance {
    /// Finds the database in a folder, or those of the folders below it whose names tell what they were called.
    pub fn find_databases(&self, folder: &Path) -> io::Result<Vec<Found>> {
        let databases = &self.shared.databases;
        if databases.lies_in(folder) {
            let names = folder.canonicalize()?.parent().map(|data| self.names_in(data)).unwrap_or_default();
            return Ok(vec![found(folder.to_owned(), &names)]);
        }
        let (mut all, names) = (Vec::new(), self.names_in(folder));
        for entry in fs::read_dir(folder)? {
            let found = found(entry?.path(), &names);
            // The catalog is no graph, and other programs keep files of the same name too.
            all.extend(Some(found).filter(|found| found.name.is_some() && databases.lies_in(&found.folder)));
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    /// Reads from the catalog in a data folder what is called how; nothing where there is none that can be read.
    fn names_in(&self, data: &Path) -> BTreeMap<String, String> {
        let (databases, system) = (&self.shared.databases, data.join(SYSTEM_FOLDER));
        if !databases.lies_in(&system) {
            return BTreeMap::new();
        }
        let pictured = databases
            .closed_image(&system)
            .and_then(|mut image| databases.picture_catalog(&mut |piece| image.read(piece, PIECE_BYTES)));
        match pictured {
            Ok(pictured) => {
                let named = pictured.databases.iter().map(|row| (row.folder.to_string(), row.name.to_string()));
                named.collect()
            }
            Err(failure) => {
                tracing::warn!(folder = %system.display(), %failure, "the names of its databases cannot be read");
                BTreeMap::new()
            }
        }
    }

    /// Makes a database of this name out of the files of another one: wholly or not at all.
    ///
    /// They are copied and every page is looked at. Errors: whatever is wrong with them, or with the name.
    pub fn adopt(&self, folder: &Path, name: &str) -> Result<(), Failure> {
        let name = DatabaseName::parse(name).map_err(CatalogError::from)?;
        let mut image = self.shared.databases.closed_image(folder)?;
        let mut new = NewDatabase::default();
        new.options.encryption = Some(self.shared.databases.is_encrypted(folder));
        let made = create_database(&self.shared, &name, new, Contents::Added, &mut |row| {
            let next = &mut |piece: &mut Vec<u8>| image.read(piece, PIECE_BYTES);
            self.shared.databases.make_from(row, next).map(|_| None)
        });
        let operation = format!("take the database in {} over as {name}", folder.display());
        let databases = [name.to_string()];
        let told = Told { databases: &databases, operation: &operation, ..Told::default() };
        self.shared.audit.note(Kind::Backup, told, Outcome::from(&made), Durable::Now);
        made.map(drop)
    }

    /// Tries what [`Instance::adopt`] would do and leaves nothing behind; gives what is wrong with the database.
    pub fn try_adopting(&self, folder: &Path, name: &str) -> Result<Vec<String>, Failure> {
        let name = DatabaseName::parse(name).map_err(CatalogError::from)?;
        if self.shared.catalog.resolve(name.as_str()).is_ok() {
            return Err(CatalogError::DatabaseExists { name }.into());
        }
        let mut image = self.shared.databases.closed_image(folder)?;
        self.shared.databases.try_image(&mut |piece| image.read(piece, PIECE_BYTES))
    }
}

fn found(folder: PathBuf, names: &BTreeMap<String, String>) -> Found {
    let file = folder.file_name().and_then(|name| name.to_str());
    if let Some(name) = file.and_then(|file| names.get(file)) {
        let name = Some(name.clone());
        return Found { folder, name, is_known: true };
    }
    let name = file.filter(|name| catalog::is_database_folder(name)).and_then(|name| name.rsplit_once('-'));
    let name = name.map(|(name, _)| name.to_owned());
    Found { folder, name, is_known: false }
}
