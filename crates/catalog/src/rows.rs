//! How the catalog's rows look on disk: ordered keys, checksummed values that can grow fields.
//!
//! A value is one byte of format, eight of checksum, then MessagePack with field names. The checksum covers the key
//! too, so that a row that ended up under another key is noticed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{Reader, StoreError, Writer};
use types::{DatabaseId, DatabaseName};
use xxhash_rust::xxh3;

use crate::kept::Kept;
use crate::limits::Limits;
use crate::{Alias, CatalogError, Database, DatabaseAccess, DatabaseOptions, Language, Requested, Stage};

/// The format of every row; a server that meets a greater one stops instead of guessing.
const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 9;

/// One table of the keyspace: the first byte of its keys.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Table {
    Alias = b'a',
    Database = b'd',
    Head = b'h',
    RoleLimits = b'l',
    Owner = b'o',
    Privilege = b'p',
    Role = b'r',
    Token = b't',
    User = b'u',
}

impl Table {
    /// Gives the key of one row.
    pub fn key(self, row: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + row.len());
        key.push(self as u8);
        key.extend_from_slice(row);
        key
    }

    /// Hands each row of the table to `visit`, in key order; stops at the first that is damaged.
    pub fn read<T: DeserializeOwned>(
        self,
        reader: &(impl Reader + ?Sized),
        mut visit: impl FnMut(&[u8], T) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        let (start, end) = ([self as u8], [self as u8 + 1]);
        let mut outcome = Ok(());
        reader.scan(&start[..]..&end[..], &mut |key, value| {
            outcome = decode(key, value).and_then(|row| visit(&key[1..], row));
            outcome.is_ok()
        })?;
        outcome
    }
}

/// Turns a row into its bytes under `key`.
pub(crate) fn encode<T: Serialize>(key: &[u8], row: &T) -> Vec<u8> {
    let body =
        rmp_serde::to_vec_named(row).expect("rows hold only plain fields, and memory does not fail to be written");
    let mut value = Vec::with_capacity(HEAD_BYTES + body.len());
    value.push(FORMAT);
    value.extend_from_slice(&checksum(key, FORMAT, &body).to_le_bytes());
    value.extend_from_slice(&body);
    value
}

/// Turns bytes back into a row, after checking them.
pub(crate) fn decode<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, CatalogError> {
    let row = || key.escape_ascii().to_string();
    let damaged = |what: &str| CatalogError::damaged(format!("row {} {what}", row()));
    let Some((&[format, ref sum @ ..], body)) = value.split_first_chunk::<HEAD_BYTES>() else {
        return Err(damaged("is too short"));
    };
    if u64::from_le_bytes(*sum) != checksum(key, format, body) {
        return Err(damaged("fails its checksum"));
    }
    if format != FORMAT {
        return Err(CatalogError::Format { row: row(), format });
    }
    rmp_serde::from_slice(body).map_err(|error| damaged(&format!("cannot be read: {error}")))
}

fn checksum(key: &[u8], format: u8, body: &[u8]) -> u64 {
    xxh3::xxh3_64_with_seed(body, xxh3::xxh3_64_with_seed(key, u64::from(format)))
}

/// The catalog's head: there is one, under the bare key of its table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HeadRow {
    /// Grows by one with every change.
    pub version: u64,
    /// The default database.
    pub default: [u8; 16],
}

#[derive(Serialize, Deserialize)]
pub(crate) struct DatabaseRow {
    name: String,
    folder: String,
    stage: Stage,
    requested: Requested,
    access: DatabaseAccess,
    created_nanos: i128,
    updated_nanos: i128,
    last_start_nanos: Option<i128>,
    last_stop_nanos: Option<i128>,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    options: DatabaseOptions,
    #[serde(default)]
    language: Language,
    #[serde(default)]
    creator: Option<String>,
    #[serde(default)]
    replaces: Option<[u8; 16]>,
    #[serde(default)]
    formerly: Vec<[u8; 16]>,
}

impl From<&Database> for DatabaseRow {
    fn from(database: &Database) -> Self {
        Self {
            name: database.name.to_string(),
            folder: database.folder.clone(),
            stage: database.stage,
            requested: database.requested,
            access: database.access,
            created_nanos: database.created_nanos,
            updated_nanos: database.updated_nanos,
            last_start_nanos: database.last_start_nanos,
            last_stop_nanos: database.last_stop_nanos,
            limits: Limits::clone(&database.limits),
            options: DatabaseOptions::clone(&database.options),
            language: database.language,
            creator: database.creator.clone(),
            replaces: database.replaces.map(|id| id.0),
            formerly: database.formerly.iter().map(|id| id.0).collect(),
        }
    }
}

impl DatabaseRow {
    pub fn into_database(self, key: &[u8]) -> Result<Database, CatalogError> {
        Ok(Database {
            id: id(key)?,
            name: name(&self.name)?,
            folder: self.folder,
            stage: self.stage,
            requested: self.requested,
            access: self.access,
            created_nanos: self.created_nanos,
            updated_nanos: self.updated_nanos,
            last_start_nanos: self.last_start_nanos,
            last_stop_nanos: self.last_stop_nanos,
            limits: Arc::new(self.limits),
            options: Arc::new(self.options),
            language: self.language,
            creator: self.creator,
            replaces: self.replaces.map(DatabaseId),
            formerly: self.formerly.into_iter().map(DatabaseId).collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct AliasRow {
    target: [u8; 16],
    created_nanos: i128,
    #[serde(default)]
    properties: BTreeMap<String, Kept>,
}

impl From<&Alias> for AliasRow {
    fn from(alias: &Alias) -> Self {
        let properties = Kept::of_map(&alias.properties).expect("only what can be kept gets into an alias");
        Self { target: alias.target.0, created_nanos: alias.created_nanos, properties }
    }
}

impl AliasRow {
    pub fn into_alias(self, key: &[u8]) -> Result<Alias, CatalogError> {
        let text = std::str::from_utf8(key).map_err(|_| CatalogError::damaged("an alias is not text"))?;
        let target = DatabaseId(self.target);
        let properties = Kept::map(self.properties)?;
        Ok(Alias { name: name(text)?, target, properties, created_nanos: self.created_nanos })
    }
}

fn id(key: &[u8]) -> Result<DatabaseId, CatalogError> {
    key.try_into().map(DatabaseId).map_err(|_| CatalogError::damaged("the id of a database has a wrong length"))
}

fn name(text: &str) -> Result<DatabaseName, CatalogError> {
    DatabaseName::parse(text).map_err(|error| CatalogError::damaged(error.to_string()))
}

/// One row to write or to remove; a change of the catalog is a few of these.
pub(crate) struct Put {
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

impl Put {
    pub fn set<T: Serialize>(key: Vec<u8>, row: &T) -> Self {
        let value = Some(encode(&key, row));
        Self { key, value }
    }

    pub fn remove(key: Vec<u8>) -> Self {
        Self { key, value: None }
    }

    pub fn run(&self, writer: &mut dyn Writer) -> Result<(), StoreError> {
        match &self.value {
            Some(value) => writer.put(&self.key, value),
            None => writer.delete(&self.key).map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &[u8], key: &[u8], expected: &str) {
        let got = match decode::<HeadRow>(key, value) {
            Ok(row) => format!("ok: version {}", row.version),
            Err(error) => format!("{:?}: {error}", error.code()),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = encode(b"h", &HeadRow { version: 7, default: [9; 16] });
        check(&good, b"h", "ok: version 7");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            check(&bad, b"h", "StorageDamaged: the catalog is damaged: row h fails its checksum");
        }
    }

    #[test]
    fn rows_that_are_short_moved_or_newer() {
        let good = encode(b"h", &HeadRow { version: 7, default: [9; 16] });
        check(&good[..8], b"h", "StorageDamaged: the catalog is damaged: row h is too short");
        check(&[], b"h\xff", "StorageDamaged: the catalog is damaged: row h\\xff is too short");
        check(&good, b"u", "StorageDamaged: the catalog is damaged: row u fails its checksum");
        let mut newer = good.clone();
        newer[0] = 2;
        let sum = checksum(b"h", 2, &newer[HEAD_BYTES..]);
        newer[1..HEAD_BYTES].copy_from_slice(&sum.to_le_bytes());
        check(&newer, b"h", "DatabaseStartFailed: the catalog row h has format 2, which this server does not know");
    }

    #[test]
    fn times_before_1970_and_after_2262_survive() {
        for nanos in [-1, 0, i128::from(i64::MAX) + 1, i128::MIN] {
            let row = AliasRow { target: [1; 16], created_nanos: nanos, properties: BTreeMap::new() };
            let back: AliasRow = decode(b"k", &encode(b"k", &row)).expect("sound");
            assert_eq!(back.created_nanos, nanos);
        }
    }
}
