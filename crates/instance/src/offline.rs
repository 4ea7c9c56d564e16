//! What tools do with an instance while no server runs: whole databases in and out, and the way back in.
//! Asks for no rights, since who holds the data folder holds everything; each is in the audit all the same.

use std::path::Path;
use std::sync::Arc;

use catalog::{CatalogError, Database as Row, DatabaseOptions, NewDatabase, Recovered};
use store::journal::Copied;
use types::{DatabaseName, Failure};

use crate::Instance;
use crate::audit::{Durable, Kind, Outcome, Told};
use crate::backup::whole::{FolderTarget, Manifest, Watch};
use crate::backup::{Header, Moment, Proof, Reading, Step, Written};
use crate::commands::database::{Contents, create_database};
use crate::commands::recreate::recreate;
use crate::databases::Trust;
use crate::encryption::{follow, is_sealed};
use crate::open_database::OpenDatabase;

impl Walk {
    fn proof(self) -> Proof {
        if self == Self::Yes { Proof::Check } else { Proof::Read }
    }
}

/// What a tool asks of a backup beside being whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// Nothing: every byte is read back and summed, as always.
    No,
    /// It is restored where nobody finds it, and walked.
    Yes,
}

impl Instance {
    /// Writes a backup of a database to `file`, which is there whole when this returns, or not at all.
    pub fn back_up(
        &self,
        database: &str,
        file: &Path,
        walk: Walk,
        step: Step<'_>,
    ) -> Result<(Header, Written), Failure> {
        let (name, taken) = match self.is_system(database) {
            true => (DatabaseName::system(), self.shared.take_catalog_image()?),
            false => {
                let (row, open) = self.open_by_name(database, "back up")?;
                (row.name.clone(), self.shared.take_image(&open, &row)?)
            }
        };
        let done = self.shared.back_up(taken, file, walk.proof(), step).map_err(Failure::from);
        self.told(Kind::Backup, &name, format!("backup of {name} to {}", file.display()), &done);
        done
    }

    /// Writes backups of all databases and of `system` to a folder, which has a list of them when this returns.
    ///
    /// A database that cannot be copied is in the list, with the reason, and so told.
    pub fn back_up_all(&self, folder: &Path, walk: Walk, watch: &dyn Watch) -> Result<Manifest, Failure> {
        let done = FolderTarget::begin(&self.shared, folder, walk.proof(), watch)
            .map_err(Failure::from)
            .and_then(|mut target| self.shared.back_up_all(&|| Ok(()), &mut target, watch));
        let name = DatabaseName::system();
        self.told(Kind::Backup, &name, format!("backup of all databases to {}", folder.display()), &done);
        done
    }

    /// Makes a database out of a backup: all of it or nothing. With `replace`, one that is there gets what is in the backup,
    /// and keeps its owner, privileges, tokens, aliases, limits and options.
    ///
    /// One that is listed and has no files, since a whole server was restored without it, gets them and keeps its rights.
    pub fn restore(&self, database: &str, replace: bool, file: &Path, step: Step<'_>) -> Result<Header, Failure> {
        let name = self.made_name(database, replace)?;
        if let Some(row) = self.without_files(&name) {
            let restored = self.shared.restore(&row, file, step).map_err(Failure::from);
            self.told(
                Kind::Backup,
                &name,
                format!("restore of {} as {name}, which had no files", file.display()),
                &restored,
            );
            return restored;
        }
        let mut header = None;
        let made = self.make(&name, replace, file, &mut |row| {
            header = Some(self.shared.restore(row, file, step)?);
            Ok(())
        });
        self.told(Kind::Backup, &name, format!("restore of {} as {name}", file.display()), &made);
        made?;
        header.ok_or_else(|| Failure::new(types::Code::Internal, "a database was made out of nothing"))
    }

    /// As [`Instance::restore`], and plays the backup forward to a moment; gives the head of the backup, with the counts of what
    /// was made, and the commits that this made again.
    pub fn restore_to(
        &self,
        database: &str,
        replace: bool,
        file: &Path,
        moment: &Moment,
        step: Step<'_>,
    ) -> Result<(Header, u64), Failure> {
        let name = self.made_name(database, replace)?;
        let mut restored = None;
        let made = self.make(&name, replace, file, &mut |row| {
            restored = Some(self.shared.restore_to(row, file, moment, step)?);
            Ok(())
        });
        self.told(Kind::Backup, &name, format!("restore of {} as {name}, played forward", file.display()), &made);
        made?;
        let (header, played) =
            restored.ok_or_else(|| Failure::new(types::Code::Internal, "a database was made out of nothing"))?;
        Ok((header, played.records))
    }

    /// Gives the name of a database that is to be made; whoever replaces one may call it by an alias.
    fn made_name(&self, typed: &str, replace: bool) -> Result<DatabaseName, Failure> {
        let name = DatabaseName::parse(typed).map_err(CatalogError::from)?;
        let replaced = self.shared.catalog.resolve(name.as_str()).ok().filter(|_| replace);
        Ok(replaced.map_or(name, |target| target.name))
    }

    /// Makes a database out of a backup, or gives one that is to be replaced other files.
    fn make(
        &self,
        name: &DatabaseName,
        replace: bool,
        file: &Path,
        fill: &mut dyn FnMut(&Row) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let is_encrypted = is_sealed(Reading::open(file)?.header());
        // Tools have the data folder for themselves.
        let fill = &mut |row: &Row| fill(row).map(|()| None);
        let names = self.shared.catalog.names();
        let old = names.databases_from(name.as_str()).next().filter(|row| replace && row.name == *name);
        match old {
            Some(old) => {
                let mut options = DatabaseOptions::clone(&old.options);
                options.encryption = Some(options.is_encrypted());
                follow(&mut options, is_encrypted)?;
                recreate(&self.shared, name, Contents::Added, fill)
            }
            None => {
                let mut new = NewDatabase { replace, ..NewDatabase::default() };
                new.options.encryption = Some(is_encrypted);
                create_database(&self.shared, name, new, Contents::Added, fill).map(drop)
            }
        }
    }

    /// Writes a copy of a database's journal to `file`, which is there whole when this returns, or not at all.
    pub fn back_up_journal(&self, database: &str, file: &Path, step: Step<'_>) -> Result<Copied, Failure> {
        let names = self.shared.catalog.names();
        let target = names.resolve(database)?;
        let missing = || CatalogError::SystemProtected { verb: "back up the journal of" };
        let row = names.database(target.database).filter(|row| !row.name.is_system()).ok_or_else(missing)?;
        let done = self.shared.back_up_journal(row, file, step).map_err(Failure::from);
        let operation = format!("backup of the journal of {} to {}", row.name, file.display());
        self.told(Kind::Backup, &row.name, operation, &done);
        done
    }

    /// Tells about how many bytes a database's image has; 0 where nobody knows.
    pub fn database_bytes(&self, database: &str) -> Result<u64, Failure> {
        if self.is_system(database) {
            return Ok(0);
        }
        let (_, open) = self.open_by_name(database, "read")?;
        let usage = open.graph.store().usage().map_err(|error| crate::error::of_store(&error))?;
        Ok(usage.file_bytes)
    }

    /// Lends a database to be read.
    pub fn read_database<T>(
        &self,
        database: &str,
        read: impl FnOnce(&graph::Database) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (row, open) = self.open_by_name(database, "read")?;
        let done = read(&open.graph);
        self.told(Kind::Backup, &row.name, format!("dump of {}", row.name), &done);
        done
    }

    /// Makes somebody an admin with this password, whatever was done to him before; tells what that took.
    pub fn recover_admin(&self, user: &str, password: &str) -> Result<Recovered, Failure> {
        let done = self.shared.catalog.recover_admin(user, password).map_err(Failure::from);
        let operation = format!("set the password of {user} and make him an admin, with the data folder in hand");
        let told = Told { operation: &operation, ..Told::default() };
        self.shared.audit.note(Kind::Admin, told, Outcome::from(&done), Durable::Now);
        done
    }

    /// Adds a new key that seals secrets from now on, the keys of encrypted databases and of journals among them; gives its
    /// name, and says of each that stays under an older one why.
    pub fn rotate_key(&self) -> Result<(String, Vec<String>), Failure> {
        let done = self.shared.keyring.rotate().map(|id| id.to_string());
        let done = done.map_err(|error| Failure::new(error.code(), error.to_string()));
        let mut left = Vec::new();
        if done.is_ok() {
            for row in self.shared.catalog.names().databases_from("").filter(|row| !row.name.is_system()) {
                left.extend(self.shared.databases.renew_keys(row));
            }
        }
        let operation = "add a key for sealing";
        self.shared.audit.note(Kind::Admin, Told { operation, ..Told::default() }, Outcome::from(&done), Durable::Now);
        Ok((done?, left))
    }

    /// Names the key that seals now.
    #[must_use]
    pub fn newest_key(&self) -> String {
        self.shared.keyring.newest().to_string()
    }

    /// Opens every database and walks it; hands each name, what is wrong with it, and its counts to `each`.
    pub fn check_all(&self, each: &mut dyn FnMut(&DatabaseName, Result<graph::check::Report, Failure>)) {
        for row in self.shared.catalog.names().databases() {
            if row.name.is_system() {
                continue;
            }
            // A stopped one is looked at too.
            let looked = Row { requested: catalog::Requested::Online, ..Row::clone(&row) };
            let found = self
                .shared
                .databases
                .open(&looked, Trust::Usual, &|| true)
                .and_then(|open| open.graph.check().map_err(|error| open.fail(error)));
            each(&row.name, found);
        }
    }

    fn is_system(&self, database: &str) -> bool {
        self.shared.catalog.resolve(database).is_ok_and(|target| target.name.is_system())
    }

    /// Finds a database that the catalog knows and whose files are not there.
    fn without_files(&self, name: &DatabaseName) -> Option<Arc<Row>> {
        let names = self.shared.catalog.names();
        let row =
            names.databases_from(name.as_str()).next().filter(|row| row.name == *name && !row.name.is_system())?;
        let folder = self.shared.databases.folder_of(row)?;
        (!self.shared.databases.lies_in(&folder)).then(|| Arc::clone(row))
    }

    fn open_by_name(&self, database: &str, verb: &'static str) -> Result<(Arc<Row>, Arc<OpenDatabase>), Failure> {
        let names = self.shared.catalog.names();
        let target = names.resolve(database)?;
        let missing = || CatalogError::SystemProtected { verb };
        let row = names.database(target.database).filter(|row| !row.name.is_system()).ok_or_else(missing)?;
        // One that is stopped is copied as well: nobody else is here.
        Ok((Arc::clone(row), self.shared.databases.open_to_copy(row, &|| true)?))
    }

    fn told<T>(&self, kind: Kind, database: &DatabaseName, operation: String, done: &Result<T, Failure>) {
        let databases = [database.to_string()];
        let told = Told { databases: &databases, operation: &operation, ..Told::default() };
        self.shared.audit.note(kind, told, Outcome::from(done), Durable::Now);
    }
}
