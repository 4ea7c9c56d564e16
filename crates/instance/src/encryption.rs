//! Databases that are encrypted on the disk: which new ones are, whose key seals theirs, and how one gets a new key.
//! Leaves sectors and files of keys to `store::crypt`, the server's keys to `catalog`.
//! Start reading at [`choose`] and [`Shared::change_key`].

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use catalog::{Action, CatalogError, Database as Row, DatabaseOption, DatabaseOptions, Keyring, Names};
use cypher::ast::{DatabaseOrigin, FileName};
use store::crypt::{KIND, SealsKeys};
use types::{Code, DatabaseName, Failure};

use crate::backup::{BackupError, Header, Reading, Step};
use crate::commands::backup::{mine, told};
use crate::commands::{allow_on, named};
use crate::instance::Shared;
use crate::statement::Statement;

/// The server's keyring as the store asks for it; it is given one before the first database opens.
#[derive(Default)]
pub(crate) struct ServerKeys(OnceLock<Arc<Keyring>>);

impl ServerKeys {
    /// Takes the keyring, which the data folder had to be ours for.
    pub(crate) fn set(&self, keyring: &Arc<Keyring>) {
        let _ = self.0.set(Arc::clone(keyring));
    }

    fn ring(&self) -> &Keyring {
        self.0.get().expect("the keyring is opened before any database but `system`, which is not encrypted")
    }
}

impl SealsKeys for ServerKeys {
    fn seal(&self, context: &str, secret: &[u8]) -> Vec<u8> {
        self.ring().seal(context, secret)
    }

    fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, String> {
        self.ring().unseal(context, sealed).map_err(|error| error.to_string())
    }

    fn renew(&self, context: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, String> {
        self.ring().renew(context, sealed).map_err(|error| error.to_string())
    }
}

/// Decides whether a new database is encrypted, by what was said and what it is made of.
///
/// Asks for the rights to the origin, as making the files does: what it tells of one is nobody else's business.
pub(crate) fn choose(
    statement: &Statement<'_>,
    origin: Option<&DatabaseOrigin>,
    options: &mut DatabaseOptions,
) -> Result<(), Failure> {
    let shared = statement.shared;
    if options.is_encrypted() && !shared.databases.is_on_disk() {
        return Err(Failure::new(Code::ArgumentError, "This server keeps no files, and so has nothing to encrypt."));
    }
    let is_encrypted = match origin {
        None => return Ok(()),
        Some(DatabaseOrigin::Database(name)) => {
            allow_on(statement, &Action::BackupDatabase, name)?;
            let name = named(name, &statement.parameters)?;
            let target = statement.names.resolve(name.as_str());
            let target = target.map_err(|_| CatalogError::DatabaseMissing { verb: "copy", name })?;
            // Either can be copied into the other, entry by entry, by who says so; else an encrypted one stays so.
            let is_encrypted = statement.names.database(target.database).is_some_and(|row| row.options.is_encrypted());
            if !is_encrypted || options.encryption.is_some() {
                return Ok(());
            }
            true
        }
        Some(DatabaseOrigin::Backup(file)) => is_backup_encrypted(statement, file)?,
        Some(DatabaseOrigin::Moment(moment)) => is_backup_encrypted(statement, &moment.backup)?,
    };
    follow(options, is_encrypted)
}

/// Has a database be encrypted or not as what it is restored from is.
pub(crate) fn follow(options: &mut DatabaseOptions, is_encrypted: bool) -> Result<(), Failure> {
    let text = match (is_encrypted, options.encryption) {
        (true, Some(false)) => {
            "This backup is of an encrypted database, and is restored as one. Copy that into a plain one: CREATE DATABASE \
             copy FROM restored OPTIONS {encryption: false}."
        }
        (false, Some(true)) => {
            "This backup is of a database that was not encrypted, and is restored as one. Copy that into an encrypted \
             one: CREATE DATABASE copy FROM restored OPTIONS {encryption: true}."
        }
        _ => {
            options.set(DatabaseOption::Encryption, &is_encrypted.into())?;
            return Ok(());
        }
    };
    Err(Failure::new(Code::ArgumentError, text))
}

/// Tells whether a backup is of an encrypted database.
pub(crate) fn is_sealed(header: &Header) -> bool {
    header.kind == KIND
}

fn is_backup_encrypted(statement: &Statement<'_>, file: &FileName) -> Result<bool, Failure> {
    let path = mine::backup(statement, file)?;
    Ok(is_sealed(Reading::open(&path).map_err(told)?.header()))
}

impl Shared {
    /// Decides what nobody said: as the one that it replaces, else as the server's setting says.
    pub(crate) fn settle_encryption(
        &self,
        names: &Names,
        name: &DatabaseName,
        replace: bool,
        options: &mut DatabaseOptions,
    ) -> Result<(), Failure> {
        if options.encryption.is_some() || !self.databases.is_on_disk() {
            return Ok(());
        }
        let replaced = names.databases_from(name.as_str()).next().filter(|row| replace && row.name == *name);
        if self.options.encrypt_new || replaced.is_some_and(|row| row.options.is_encrypted()) {
            options.set(DatabaseOption::Encryption, &true.into())?;
        }
        Ok(())
    }

    /// Encrypts a database anew under a new key, wholly or not at all; nobody uses it meanwhile.
    pub(crate) fn change_key(&self, row: &Row, drain: Duration, step: Step<'_>) -> Result<(), Failure> {
        if !row.options.is_encrypted() {
            let text = format!("Database '{}' is not encrypted, and has no key.", row.name);
            return Err(Failure::new(Code::ArgumentError, text));
        }
        self.databases.refuse(row.id);
        let changed = self.databases.stop(row, drain).and_then(|_| self.databases.change_key(row, step));
        self.databases.allow(row.id);
        changed?;
        tracing::info!(database = %row.name, "database has a new key");
        Ok(())
    }

    /// Makes the files of a new database as a copy of what one holds now, where one of the two is encrypted or both are.
    ///
    /// Reads through a snapshot: the file of a plain one cannot grow meanwhile.
    pub(crate) fn copy_entries(&self, from: &graph::Database, row: &Row, step: Step<'_>) -> Result<(), BackupError> {
        let mut failed = None;
        let made = self.databases.make_by_entries(row, &mut |store| {
            from.copy_into(store, &mut |done| {
                types::failpoint::reach("clone.piece");
                step(done).map_err(|failure| {
                    failed = Some(failure);
                    store::StoreError::Aborted
                })
            })
        });
        match failed {
            Some(failure) => Err(BackupError::Failed(failure)),
            None => made.map_err(BackupError::from),
        }
    }
}
