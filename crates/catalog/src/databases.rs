//! Databases as the catalog knows them, and the changes that can be made to them.
//!
//! Making and dropping have two halves, with the files between them. A crash leaves a row that says which half is
//! missing; [`Catalog::pending`] lists those rows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use types::{DatabaseId, DatabaseName, failpoint};

use crate::catalog::Step;
use crate::limits::Limits;
use crate::resolve::Names;
use crate::{Catalog, CatalogError};

/// Hexadecimal digits of the id in a folder's name.
const FOLDER_DIGITS: usize = 16;

/// One database's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Its lasting identity.
    pub id: DatabaseId,
    /// Its own name.
    pub name: DatabaseName,
    /// The folder of its files, below the data folder.
    pub folder: String,
    /// How far it is made or dropped.
    pub stage: Stage,
    /// Whether it should run.
    pub requested: Requested,
    /// Whether it may be written to.
    pub access: DatabaseAccess,
    /// When it was made, in nanoseconds since 1970.
    pub created_nanos: i128,
    /// When its row changed last.
    pub updated_nanos: i128,
    /// When it was started last by being made or by a command.
    pub last_start_nanos: Option<i128>,
    /// When it was stopped last by a command.
    pub last_stop_nanos: Option<i128>,
    /// The limits that were set on it.
    pub limits: Arc<Limits>,
}

/// How far a database is made or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Its name is taken, its files are not complete.
    Making,
    /// It is there.
    Ready,
    /// Its name is free again, its files are being removed.
    Dropping,
}

/// Whether a database should run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Requested {
    /// It should.
    Online,
    /// It was stopped by a command.
    Offline,
}

/// Whether a database may be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatabaseAccess {
    /// Reads and writes.
    ReadWrite,
    /// Reads only.
    ReadOnly,
}

/// What becomes of the aliases of a database that is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cascade {
    /// They forbid it.
    Restrict,
    /// They go with it.
    Aliases,
}

/// Something that was left half done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// Make its files anew, then call [`Catalog::database_made`]: the default database at its first start.
    Finish(Arc<Database>),
    /// Remove its files, then call [`Catalog::database_removed`].
    Remove(Arc<Database>),
}

impl Database {
    /// Makes a row with a new id, in stage [`Stage::Making`].
    pub(crate) fn new(name: DatabaseName, now: i128) -> Self {
        let id = DatabaseId(*uuid::Uuid::new_v4().as_bytes());
        Self {
            id,
            folder: folder(id, &name),
            name,
            stage: Stage::Making,
            requested: Requested::Online,
            access: DatabaseAccess::ReadWrite,
            created_nanos: now,
            updated_nanos: now,
            last_start_nanos: Some(now),
            last_stop_nanos: None,
            limits: Arc::default(),
        }
    }
}

/// Names the folder of a database: `films-3f2a9c0412ab55de`.
///
/// The name lets people find it; it holds no separator and does not begin with a dot. The digits of the id keep a
/// database apart from a dropped one of the same name whose files are still being removed, and from folders of others.
fn folder(id: DatabaseId, name: &DatabaseName) -> String {
    if name.is_system() {
        return name.to_string();
    }
    let digits: String = id.to_string().chars().filter(char::is_ascii_hexdigit).take(FOLDER_DIGITS).collect();
    format!("{name}-{digits}")
}

/// Tells whether this server could have made a folder of that name.
fn is_ours(folder: &str) -> bool {
    folder.rsplit_once('-').is_some_and(|(name, digits)| {
        let hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        digits.len() == FOLDER_DIGITS && digits.bytes().all(hex) && DatabaseName::parse(name).is_ok()
    })
}

impl Names {
    /// Picks the folders that look like ours and that no database has.
    ///
    /// Folders of any other shape are somebody else's and never listed.
    #[must_use]
    pub fn orphans(&self, folders: &[String]) -> Vec<String> {
        let owned = |folder: &str| self.all().any(|database| database.folder == folder);
        folders.iter().filter(|folder| is_ours(folder) && !owned(folder)).cloned().collect()
    }
}

impl Catalog {
    /// Takes the name and records a database that has no files yet.
    ///
    /// Make the files in its folder, then call [`Catalog::database_made`]; if that fails, remove them and call
    /// [`Catalog::database_removed`].
    pub fn create_database(&self, name: &DatabaseName) -> Result<Arc<Database>, CatalogError> {
        let made = self.change(|names, now| {
            match names.holder(name) {
                Some(holder) if holder.alias.is_some() => {
                    return Err(CatalogError::DatabaseIsAlias { name: name.clone() });
                }
                Some(_) => return Err(CatalogError::DatabaseExists { name: name.clone() }),
                None => {}
            }
            if names.count() >= self.databases_max {
                return Err(CatalogError::DatabaseLimit { name: name.clone() });
            }
            let database = Database::new(name.clone(), now);
            Ok((vec![Step::Database(database.clone())], Arc::new(database)))
        })?;
        failpoint::reach("catalog.create.recorded");
        Ok(made)
    }

    /// Says that the files of a recorded database are complete: from now on its name means it.
    pub fn database_made(&self, id: DatabaseId) -> Result<(), CatalogError> {
        failpoint::reach("catalog.create.made");
        self.change(|names, now| {
            let found = names.database(id).filter(|database| database.stage == Stage::Making);
            let database = found.ok_or(CatalogError::Stage { stage: "being made" })?;
            let ready = Database { stage: Stage::Ready, updated_nanos: now, ..(**database).clone() };
            Ok((vec![Step::Database(ready)], ()))
        })
    }

    /// Frees the name and records that the files are to be removed.
    ///
    /// Remove them, then call [`Catalog::database_removed`].
    pub fn drop_database(&self, name: &DatabaseName, cascade: Cascade) -> Result<Arc<Database>, CatalogError> {
        let dropped = self.change(|names, now| {
            let database = named(names, name, "delete", Guard::SystemAndDefault)?;
            let aliases = names.aliases_of(database.id);
            if cascade == Cascade::Restrict && !aliases.is_empty() {
                return Err(CatalogError::Aliased { name: name.clone(), aliases });
            }
            let dropping = Database { stage: Stage::Dropping, updated_nanos: now, ..(**database).clone() };
            let mut steps = vec![Step::Database(dropping.clone())];
            steps.extend(aliases.into_iter().map(Step::AliasGone));
            Ok((steps, Arc::new(dropping)))
        })?;
        failpoint::reach("catalog.drop.recorded");
        Ok(dropped)
    }

    /// Says that the files of a database are gone, or were never made: forgets its row.
    pub fn database_removed(&self, id: DatabaseId) -> Result<(), CatalogError> {
        failpoint::reach("catalog.drop.removed");
        self.change(|names, _| {
            let half =
                names.pending().iter().any(|half| matches!(half, Pending::Remove(database) if database.id == id));
            if !half {
                return Err(CatalogError::Stage { stage: "half made or half dropped" });
            }
            Ok((vec![Step::DatabaseGone(id)], ()))
        })
    }

    /// Records that a database should run; changes nothing if it should already.
    pub fn start_database(&self, name: &DatabaseName) -> Result<Arc<Database>, CatalogError> {
        self.update(name, "start", Guard::None, |database, now| {
            if database.requested == Requested::Offline {
                database.requested = Requested::Online;
                database.last_start_nanos = Some(now);
            }
        })
    }

    /// Records that a database should not run; changes nothing if it should not already.
    pub fn stop_database(&self, name: &DatabaseName) -> Result<Arc<Database>, CatalogError> {
        self.update(name, "stop", Guard::SystemAndDefault, |database, now| {
            if database.requested == Requested::Online {
                database.requested = Requested::Offline;
                database.last_stop_nanos = Some(now);
            }
        })
    }

    /// Records whether a database may be written to.
    pub fn set_access(&self, name: &DatabaseName, access: DatabaseAccess) -> Result<Arc<Database>, CatalogError> {
        self.update(name, "alter", Guard::System, |database, _| database.access = access)
    }

    /// Picks the folders below the data folder that are left over from databases; see [`Names::orphans`].
    #[must_use]
    pub fn orphans(&self, folders: &[String]) -> Vec<String> {
        self.names().orphans(folders)
    }

    fn update(
        &self,
        name: &DatabaseName,
        verb: &'static str,
        guard: Guard,
        edit: impl FnOnce(&mut Database, i128),
    ) -> Result<Arc<Database>, CatalogError> {
        self.change(|names, now| {
            let database = named(names, name, verb, guard)?;
            let mut next = (**database).clone();
            edit(&mut next, now);
            if next == **database {
                return Ok((Vec::new(), Arc::clone(database)));
            }
            next.updated_nanos = now;
            Ok((vec![Step::Database(next.clone())], Arc::new(next)))
        })
    }
}

/// Which databases a command may not touch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    None,
    System,
    SystemAndDefault,
}

fn named<'n>(
    names: &'n Names,
    name: &DatabaseName,
    verb: &'static str,
    guard: Guard,
) -> Result<&'n Arc<Database>, CatalogError> {
    if name.is_system() && guard != Guard::None {
        return Err(CatalogError::SystemProtected { verb });
    }
    let database = names.by_name(name).ok_or_else(|| CatalogError::DatabaseMissing { verb, name: name.clone() })?;
    if guard == Guard::SystemAndDefault && database.id == names.default_database().id {
        return Err(CatalogError::DefaultProtected { verb, name: name.clone() });
    }
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_ours_are_told_from_others() {
        let check = |folder: &str, expected: bool| assert_eq!(is_ours(folder), expected, "{folder}");
        let name = DatabaseName::parse("a.b-c").expect("legal");
        check(&folder(DatabaseId([0xab; 16]), &name), true);
        assert_eq!(folder(DatabaseId([0xab; 16]), &name), "a.b-c-abababababababab");
        check("system", false);
        check("lost+found", false);
        check("films-2024", false);
        check("films-ABABABABABABABAB", false);
        check("-abababababababab", false);
    }
}
