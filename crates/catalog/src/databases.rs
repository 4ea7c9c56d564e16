//! Databases as the catalog knows them, and the changes that can be made to them.
//!
//! Making and dropping have two halves, with the files between them. A crash leaves a row that says which half is
//! missing; [`Catalog::pending`] lists those rows.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use types::{DatabaseId, DatabaseName, Value, failpoint};

use crate::catalog::Step;
use crate::limits::Limits;
use crate::resolve::Names;
use crate::rights::{RightsStep, User};
use crate::{Catalog, CatalogError, DatabaseOption, DatabaseOptions};

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
    /// The options that were set on it.
    pub options: Arc<DatabaseOptions>,
    /// The version of Cypher of statements that name none.
    pub language: Language,
    /// Who made it, by the name at that time.
    pub creator: Option<String>,
    /// The database in whose place it comes once it is made.
    pub replaces: Option<DatabaseId>,
    /// The databases out of whose backups it was made to come into their place: their backups are its own.
    pub formerly: Vec<DatabaseId>,
}

/// What is known of a database before it is made.
#[derive(Clone, Debug, Default)]
pub struct NewDatabase {
    /// Its options.
    pub options: DatabaseOptions,
    /// The version of Cypher of statements that name none.
    pub language: Language,
    /// Who makes it.
    pub creator: Option<String>,
    /// Whether it comes in the place of the database that has the name, if one has.
    pub replace: bool,
    /// The databases whose backups are its own; see [`Database::formerly`].
    pub formerly: Vec<DatabaseId>,
    /// Its limits from the start.
    pub limits: Limits,
}

/// What became of a database whose files are complete.
#[derive(Clone, Debug)]
pub struct Made {
    /// The database that it replaced: remove its files, then call [`Catalog::database_removed`].
    pub replaced: Option<Arc<Database>>,
}

/// A version of Cypher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// `CYPHER 5`.
    #[default]
    Cypher5,
    /// `CYPHER 25`.
    Cypher25,
}

/// One change of a database.
#[derive(Clone, Debug)]
pub enum Change {
    /// It may be written to, or not.
    Access(DatabaseAccess),
    /// An option gets a value.
    SetOption(DatabaseOption, Value),
    /// An option is as the server's settings say.
    RemoveOption(DatabaseOption),
    /// Statements that name no version of Cypher are read as this one.
    Language(Language),
    /// Who names no database means this one.
    Default,
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
            options: Arc::default(),
            language: Language::default(),
            creator: None,
            replaces: None,
            formerly: Vec::new(),
        }
    }

    fn alter(&mut self, change: &Change) -> Result<(), CatalogError> {
        match change {
            Change::Access(access) => self.access = *access,
            Change::SetOption(DatabaseOption::Encryption, _) | Change::RemoveOption(DatabaseOption::Encryption) => {
                return Err(CatalogError::EncryptionFixed);
            }
            Change::SetOption(option, value) => Arc::make_mut(&mut self.options).set(*option, value)?,
            Change::RemoveOption(option) => Arc::make_mut(&mut self.options).remove(*option),
            Change::Language(language) => self.language = *language,
            // The catalog's head keeps which one is the default.
            Change::Default => {}
        }
        Ok(())
    }

    /// Tells whether the name is its own: not once it is dropped, nor before it replaces another.
    pub(crate) fn holds_its_name(&self) -> bool {
        match self.stage {
            Stage::Making => self.replaces.is_none(),
            Stage::Ready => true,
            Stage::Dropping => false,
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

/// Tells whether a server like this could have made a folder of that name for a database.
#[must_use]
pub fn is_database_folder(folder: &str) -> bool {
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
        let owned: HashSet<&str> = self.all().map(|database| database.folder.as_str()).collect();
        folders
            .iter()
            .filter(|folder| is_database_folder(folder) && !owned.contains(folder.as_str()))
            .cloned()
            .collect()
    }
}

impl Catalog {
    /// Takes the name and records a database that has no files yet.
    ///
    /// Make the files in its folder, then call [`Catalog::database_made`]; if that fails, remove them and call
    /// [`Catalog::database_removed`]. One that is to replace another takes the name only when it is made.
    pub fn create_database(&self, name: &DatabaseName, new: NewDatabase) -> Result<Arc<Database>, CatalogError> {
        let made = self.change(|names, now| {
            let replaces = replaced(names, name, new.replace)?;
            if replaces.is_none() && names.count() >= self.databases_max {
                return Err(CatalogError::DatabaseLimit { name: name.clone() });
            }
            let NewDatabase { options, language, creator, replace: _, formerly, limits } = new;
            let (options, limits) = (Arc::new(options), Arc::new(limits));
            let database = Database::new(name.clone(), now);
            let database = Database { options, language, creator, replaces, formerly, limits, ..database };
            // Who makes a database owns it.
            let owner = database.creator.as_deref().and_then(|creator| names.user(creator));
            let owner = owner.map(|owner| Step::Rights(RightsStep::Owner(database.id, owner.id)));
            let steps = [Step::Database(database.clone())].into_iter().chain(owner).collect();
            Ok((steps, Arc::new(database)))
        })?;
        failpoint::reach("catalog.create.recorded");
        Ok(made)
    }

    /// Says that the files of a recorded database are complete: from now on its name means it.
    pub fn database_made(&self, id: DatabaseId) -> Result<Made, CatalogError> {
        failpoint::reach("catalog.create.made");
        let made = self.change(|names, now| {
            let found = names.database(id).filter(|database| database.stage == Stage::Making);
            let database = found.ok_or(CatalogError::Stage { stage: "being made" })?;
            let mut steps = Vec::new();
            // What had the name may have been dropped or renamed since, and something else may have it now.
            let old = match database.replaces {
                Some(_) => replaced(names, &database.name, true)?.and_then(|old| names.database(old)),
                None => None,
            };
            let replaced = old.map(|old| Database { stage: Stage::Dropping, updated_nanos: now, ..(**old).clone() });
            steps.extend(replaced.clone().map(Step::Database));
            let ready = Database { stage: Stage::Ready, updated_nanos: now, replaces: None, ..(**database).clone() };
            steps.push(Step::Database(ready));
            Ok((steps, Made { replaced: replaced.map(Arc::new) }))
        })?;
        failpoint::reach("catalog.create.done");
        Ok(made)
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

    /// Records that a database should run; tells whether that is new.
    pub fn start_database(&self, name: &DatabaseName) -> Result<(Arc<Database>, bool), CatalogError> {
        let started = self.update(name, "start", Guard::None, |database, now| {
            if database.requested == Requested::Offline {
                database.requested = Requested::Online;
                database.last_start_nanos = Some(now);
            }
        })?;
        failpoint::reach("catalog.database.started");
        Ok(started)
    }

    /// Records that a database should not run; tells whether that is new.
    pub fn stop_database(&self, name: &DatabaseName) -> Result<(Arc<Database>, bool), CatalogError> {
        let stopped = self.update(name, "stop", Guard::SystemAndDefault, |database, now| {
            if database.requested == Requested::Online {
                database.requested = Requested::Offline;
                database.last_stop_nanos = Some(now);
            }
        })?;
        failpoint::reach("catalog.database.stopped");
        Ok(stopped)
    }

    /// Makes changes of a database, all of them or none; tells whether anything changed.
    pub fn alter_database(
        &self,
        name: &DatabaseName,
        changes: &[Change],
    ) -> Result<(Arc<Database>, bool), CatalogError> {
        let altered = self.change(|names, now| {
            let is_new_default = changes.iter().any(|change| matches!(change, Change::Default));
            if is_new_default && name.is_system() {
                return Err(CatalogError::DefaultSystem);
            }
            let database = match meant(names, name, "alter", Guard::System) {
                Err(CatalogError::DatabaseMissing { name, .. }) if is_new_default => {
                    return Err(CatalogError::DefaultMissing { name });
                }
                found => found?,
            };
            let mut next = (**database).clone();
            changes.iter().try_for_each(|change| next.alter(change))?;
            let mut steps = Vec::new();
            if next != **database {
                next.updated_nanos = now;
                steps.push(Step::Database(next.clone()));
            }
            if is_new_default && database.id != names.default_database().id {
                if next.requested == Requested::Offline {
                    return Err(CatalogError::DefaultOffline { name: next.name });
                }
                steps.push(Step::Default(database.id));
            }
            let is_changed = !steps.is_empty();
            Ok((steps, (Arc::new(next), is_changed)))
        })?;
        failpoint::reach("catalog.database.altered");
        Ok(altered)
    }

    /// Gives a database another name. Its folder keeps the old one; its aliases lead to it as before, and whose home it is
    /// stays at home.
    pub fn rename_database(&self, name: &DatabaseName, to: &DatabaseName) -> Result<Arc<Database>, CatalogError> {
        let renamed = self.change(|names, now| {
            let database = named(names, name, "rename", Guard::System)?;
            if to == name {
                return Ok((Vec::new(), Arc::clone(database)));
            }
            if names.holder(to).is_some() {
                return Err(CatalogError::RenameTaken { name: name.clone(), to: to.clone() });
            }
            let next = Database { name: to.clone(), updated_nanos: now, ..(**database).clone() };
            let at_home = names.users().filter(|user| user.home.as_ref() == Some(name));
            let moved = at_home.map(|user| User { home: Some(to.clone()), ..(**user).clone() });
            let mut steps = vec![Step::Database(next.clone())];
            steps.extend(moved.map(|user| Step::Rights(RightsStep::User(user))));
            Ok((steps, Arc::new(next)))
        })?;
        failpoint::reach("catalog.database.renamed");
        Ok(renamed)
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
    ) -> Result<(Arc<Database>, bool), CatalogError> {
        self.change(|names, now| {
            let database = meant(names, name, verb, guard)?;
            let mut next = (**database).clone();
            edit(&mut next, now);
            if next == **database {
                return Ok((Vec::new(), (Arc::clone(database), false)));
            }
            next.updated_nanos = now;
            Ok((vec![Step::Database(next.clone())], (Arc::new(next), true)))
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

/// Finds a database by its own name.
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
        return Err(CatalogError::DefaultProtected { verb, name: database.name.clone() });
    }
    Ok(database)
}

/// Finds a database by its own name or by an alias.
fn meant<'n>(
    names: &'n Names,
    name: &DatabaseName,
    verb: &'static str,
    guard: Guard,
) -> Result<&'n Arc<Database>, CatalogError> {
    match names.resolve(name.as_str()) {
        Ok(target) => named(names, &target.name, verb, guard),
        Err(_) => named(names, name, verb, guard),
    }
}

/// Finds the database that a new one of this name would replace; an error where something stands in the way.
fn replaced(names: &Names, name: &DatabaseName, replace: bool) -> Result<Option<DatabaseId>, CatalogError> {
    let Some(holder) = names.holder(name) else { return Ok(None) };
    if holder.alias.is_some() {
        return Err(CatalogError::DatabaseIsAlias { name: name.clone() });
    }
    if !replace {
        return Err(CatalogError::DatabaseExists { name: name.clone() });
    }
    let old = named(names, name, "delete", Guard::SystemAndDefault)?;
    let aliases = names.aliases_of(old.id);
    if !aliases.is_empty() {
        return Err(CatalogError::Aliased { name: name.clone(), aliases });
    }
    Ok(Some(old.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_ours_are_told_from_others() {
        let check = |folder: &str, expected: bool| assert_eq!(is_database_folder(folder), expected, "{folder}");
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
