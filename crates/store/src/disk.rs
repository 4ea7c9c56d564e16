//! The engine of databases on a disk: plain ones in LMDB, encrypted ones in `crypt`, each by what its folder holds.
//! Start reading at [`DiskEngine`].

use std::path::Path;
use std::sync::Arc;

use crate::crypt::{self, CryptEngine, SealsKeys};
use crate::lmdb::LmdbEngine;
use crate::{Engine, Image, OpenOptions, Store, StoreError};

/// Keeps stores on a disk, encrypted or not.
#[derive(Clone)]
pub struct DiskEngine {
    plain: LmdbEngine,
    crypt: CryptEngine,
}

impl DiskEngine {
    /// Makes an engine; `seals` seals the keys of stores that are encrypted.
    #[must_use]
    pub fn new(seals: Arc<dyn SealsKeys>) -> Self {
        Self { plain: LmdbEngine, crypt: CryptEngine::new(seals) }
    }

    fn of(&self, folder: &Path) -> &dyn Engine {
        // A key without data is what a crash left of an encrypted one.
        if !self.plain.exists(folder) && CryptEngine::lies_in(folder) { &self.crypt } else { &self.plain }
    }
}

impl Engine for DiskEngine {
    fn seals(&self) -> Option<Arc<dyn SealsKeys>> {
        self.crypt.seals()
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Store>, StoreError> {
        match (self.exists(folder), options.encrypted) {
            (false, true) => self.crypt.open(folder, options),
            (true, true) => {
                if self.plain.exists(folder) {
                    // Somebody put it there: nothing of ours makes one out of the other in its place.
                    let reason = "it is not encrypted, and its database is".to_owned();
                    return Err(StoreError::Damaged { file: folder.to_owned(), reason });
                }
                self.crypt.open(folder, options)
            }
            (_, false) => self.of(folder).open(folder, options),
        }
    }

    fn kind(&self) -> &'static str {
        self.plain.kind()
    }

    fn takes(&self, kind: &str) -> bool {
        self.plain.takes(kind) || self.crypt.takes(kind)
    }

    fn restore(
        &self,
        folder: &Path,
        identity: Option<[u8; 16]>,
        next: &mut dyn FnMut(&mut Vec<u8>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        if self.exists(folder) {
            return Err(StoreError::Exists { folder: folder.to_owned() });
        }
        // Its beginning tells what it is an image of.
        let mut first = Vec::new();
        let mut more = true;
        while more && first.len() < 8 {
            let mut piece = Vec::new();
            more = next(&mut piece)?;
            first.append(&mut piece);
        }
        let is_crypt = crypt::is_image(&first);
        let mut first = (!first.is_empty()).then_some(first);
        let next = &mut |piece: &mut Vec<u8>| match first.take() {
            Some(first) => {
                *piece = first;
                Ok(true)
            }
            None if more => next(piece),
            None => Ok(false),
        };
        let engine: &dyn Engine = if is_crypt { &self.crypt } else { &self.plain };
        engine.restore(folder, identity, next)
    }

    fn closed_image(&self, folder: &Path) -> Result<Box<dyn Image>, StoreError> {
        self.of(folder).closed_image(folder)
    }

    fn can_erase(&self, folder: &Path) -> Result<(), StoreError> {
        self.crypt.can_erase(folder)
    }

    fn remove(&self, folder: &Path) -> Result<(), StoreError> {
        if CryptEngine::lies_in(folder) {
            self.crypt.remove(folder)?;
        }
        self.plain.remove(folder)
    }

    fn exists(&self, folder: &Path) -> bool {
        self.plain.exists(folder) || self.crypt.exists(folder)
    }

    fn written_nanos(&self, folder: &Path) -> Option<i128> {
        self.of(folder).written_nanos(folder)
    }

    fn glance(&self, folder: &Path, options: &OpenOptions) -> Result<(), StoreError> {
        self.of(folder).glance(folder, options)
    }

    fn closed_commit(&self, folder: &Path, options: &OpenOptions) -> Option<u64> {
        self.of(folder).closed_commit(folder, options)
    }

    fn is_encrypted(&self, folder: &Path) -> bool {
        self.of(folder).kind() == crypt::KIND
    }

    fn change_key(&self, folder: &Path, step: &mut dyn FnMut(u64) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.of(folder).change_key(folder, step)
    }

    fn renew_key(&self, folder: &Path) -> Result<bool, StoreError> {
        self.of(folder).renew_key(folder)
    }
}
