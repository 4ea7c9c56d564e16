//! Makes, opens, removes and renews encrypted stores: files and keys, in the order that a crash leaves either whole.
//! Leaves the bytes of each to `vault` and `key_file`. Start reading at [`CryptEngine::open`](Engine::open).

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use types::failpoint;

use super::cipher::DataKey;
use super::error::{damaged, of_io};
use super::header::Header;
use super::image::{self, CryptImage, KIND};
use super::key_file::{KEY, KeyFile, SealsKeys, sync_folder};
use super::store::{CryptStore, Limits, Opened};
use super::vault::{self, DATA, DATA_NEW, Vault, Writing};
use crate::{Engine, Image, OpenOptions, Store, StoreError};

/// Keeps each store encrypted, under a key of its own that the server seals.
#[derive(Clone)]
pub struct CryptEngine {
    seals: Arc<dyn SealsKeys>,
}

impl CryptEngine {
    /// Makes an engine whose stores' keys are sealed so.
    #[must_use]
    pub fn new(seals: Arc<dyn SealsKeys>) -> Self {
        Self { seals }
    }

    /// Tells whether anything of an encrypted store lies in `folder`.
    pub(crate) fn lies_in(folder: &Path) -> bool {
        [DATA, KEY, DATA_NEW].iter().any(|name| fs::exists(folder.join(name)).unwrap_or(false))
    }

    /// Makes a store whose file appears when `fill` is done, durably, or not at all.
    fn build(
        &self,
        folder: &Path,
        identity: [u8; 16],
        fill: &mut dyn FnMut(&CryptStore) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let built = (|| {
            let made_folder = !folder.exists();
            fs::create_dir_all(folder).map_err(|source| of_io(source, folder, "make the folder"))?;
            let key = KeyFile::create(folder, &*self.seals, identity)?;
            failpoint::reach("crypt.create.key");
            let (file, path) = vault::begin(folder, &Header::new(identity, &key))?;
            let vault = Vault::open(file, path, key, Writing::New)?;
            vault.wait_for_disk(false);
            let limits = Limits { bytes_max: u64::MAX, readers_max: 1 };
            let store = CryptStore::new(Opened::new(Arc::clone(&vault))?, limits, Arc::clone(&self.seals));
            fill(&store)?;
            // Closed before it gets its name: what nobody wrote to needs no repair.
            drop(store);
            if let Some((kind, reason)) = vault.trouble() {
                return Err(of_io(std::io::Error::new(kind, reason), &vault.path, "close the data file"));
            }
            vault.sync_file()?;
            failpoint::reach("crypt.create.written");
            vault::place(folder)?;
            match folder.parent() {
                Some(parent) if made_folder => sync_folder(parent),
                _ => Ok(()),
            }
        })();
        if built.is_err() {
            // What is left of it takes room that may be the very thing that is short.
            let _ = KeyFile::erase(folder);
            let _ = fs::remove_file(folder.join(DATA_NEW));
        }
        built
    }

    /// Opens the key that a file is under; tells in which place it lies.
    fn key_of(&self, keys: &KeyFile, header: &Header, path: &Path) -> Result<(DataKey, usize), StoreError> {
        let (key, place) = keys.find(&*self.seals, header.identity, header.key)?;
        if !header.is_under(&key) {
            return Err(damaged(path, "its header was changed, or is of another key"));
        }
        Ok((key, place))
    }
}

impl Engine for CryptEngine {
    fn seals(&self) -> Option<Arc<dyn SealsKeys>> {
        Some(Arc::clone(&self.seals))
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Store>, StoreError> {
        if !vault::is_there(folder)? {
            if !options.create {
                return Err(StoreError::NotFound { folder: folder.to_owned() });
            }
            failpoint::reach("store.create.before");
            self.build(folder, options.identity.unwrap_or_default(), &mut |_| Ok(()))?;
            failpoint::reach("store.create.after");
        }
        let (file, path) = vault::lock(folder)?;
        let header = judge(&file, &path, options)?;
        let keys = KeyFile::open(folder)?;
        let (key, place) = self.key_of(&keys, &header, &path)?;
        // What a change of keys left that was cut short.
        keys.keep_only(place)?;
        let _ = fs::remove_file(folder.join(DATA_NEW));
        if let Err(error) = keys.renew(&*self.seals, header.identity, header.key) {
            tracing::warn!(folder = %folder.display(), %error, "the key stays under an older key of the server");
        }
        let opened = Opened::new(Vault::open(file, path, key, Writing::Through)?)?;
        failpoint::reach("store.open.mapped");
        let limits = Limits { bytes_max: options.map_max_bytes, readers_max: options.readers_max };
        Ok(Arc::new(CryptStore::new(opened, limits, Arc::clone(&self.seals))))
    }

    fn kind(&self) -> &'static str {
        KIND
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
        failpoint::reach("store.restore.before");
        let refuse = |reason: &str| StoreError::NotOurs { file: folder.to_owned(), reason: reason.to_owned() };
        let next = &mut |piece: &mut Vec<u8>| {
            failpoint::reach("store.restore.piece");
            next(piece)
        };
        self.build(folder, identity.unwrap_or_default(), &mut |store| image::load(store, &*self.seals, &refuse, next))?;
        failpoint::reach("store.restore.after");
        Ok(())
    }

    fn closed_image(&self, folder: &Path) -> Result<Box<dyn Image>, StoreError> {
        let (file, path) = vault::lock_to_read(folder)?;
        let header = vault::header(&file, &path)?;
        let (key, _) = self.key_of(&KeyFile::look(folder)?, &header, &path)?;
        // Opening writes, if only that it is open: here into memory, for nothing of the store is ours to change.
        let opened = Arc::new(Opened::new(Vault::open(file, path, key, Writing::Aside)?)?);
        Ok(Box::new(CryptImage::take(opened.snapshot(None)?, &*self.seals)?))
    }

    fn can_erase(&self, folder: &Path) -> Result<(), StoreError> {
        KeyFile::can_erase(folder)
    }

    fn remove(&self, folder: &Path) -> Result<(), StoreError> {
        // Whoever removes must be the only user, as with opening.
        let data = match vault::lock(folder) {
            // What nobody can open nobody has open.
            Err(StoreError::NotFound { .. } | StoreError::Io { .. }) => None,
            other => Some(other?),
        };
        failpoint::reach("store.remove.before");
        // The key first: without it nothing that stays of the data, here or in an old copy, is of use to anybody.
        KeyFile::erase(folder)?;
        failpoint::reach("crypt.remove.erased");
        for name in [DATA_NEW, DATA] {
            match fs::remove_file(folder.join(name)) {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    return Err(StoreError::Io { action: "remove the files", source });
                }
                _ => {}
            }
        }
        // Other people's files in the folder keep it; they are not ours to remove.
        let _ = fs::remove_dir(folder);
        failpoint::reach("store.remove.after");
        drop(data);
        Ok(())
    }

    fn exists(&self, folder: &Path) -> bool {
        fs::exists(folder.join(DATA)).unwrap_or(false)
    }

    fn written_nanos(&self, folder: &Path) -> Option<i128> {
        let modified = fs::metadata(folder.join(DATA)).and_then(|metadata| metadata.modified()).ok()?;
        i128::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
    }

    fn glance(&self, folder: &Path, options: &OpenOptions) -> Result<(), StoreError> {
        let (file, path) = vault::look(folder)?;
        let header = judge(&file, &path, options)?;
        let (key, _) = self.key_of(&KeyFile::look(folder)?, &header, &path)?;
        Vault::open(file, path, key, Writing::Aside).map(drop)
    }

    fn change_key(&self, folder: &Path, step: &mut dyn FnMut(u64) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let (file, path) = vault::lock(folder)?;
        let header = vault::header(&file, &path)?;
        let keys = KeyFile::open(folder)?;
        let (old, in_use) = self.key_of(&keys, &header, &path)?;
        keys.keep_only(in_use)?;
        let from = Vault::open(file, path, old, Writing::Aside)?;
        failpoint::reach("crypt.rotate.before");
        let (new, place) = keys.add_beside(&*self.seals, header.identity, in_use)?;
        failpoint::reach("crypt.rotate.key");
        let new_id = new.id;
        let written = (|| {
            let (file, path) = vault::begin(folder, &Header::new(header.identity, &new))?;
            let to = Vault::open(file, path, new, Writing::New)?;
            from.copy_into(&to, step)?;
            to.set_modified(from.modified()?)?;
            failpoint::reach("crypt.rotate.written");
            // From here on the new file counts, and it names the new key.
            vault::place(folder)?;
            failpoint::reach("crypt.rotate.placed");
            // Its lock goes only when the old key is gone too.
            keys.keep_only(place)
        })();
        if written.is_err() && vault::look(folder).and_then(|(file, path)| vault::header(&file, &path))?.key != new_id {
            let _ = fs::remove_file(folder.join(DATA_NEW));
            let _ = keys.keep_only(in_use);
        }
        written?;
        failpoint::reach("crypt.rotate.after");
        tracing::info!(folder = %folder.display(), "encrypted under a new key");
        Ok(())
    }

    fn renew_key(&self, folder: &Path) -> Result<bool, StoreError> {
        let (file, path) = vault::look(folder)?;
        let header = vault::header(&file, &path)?;
        KeyFile::open(folder)?.renew(&*self.seals, header.identity, header.key)
    }
}

/// Looks at what stands in the open.
fn judge(file: &fs::File, path: &Path, options: &OpenOptions) -> Result<Header, StoreError> {
    let header = vault::header(file, path)?;
    if options.identity.is_some_and(|identity| identity != header.identity) {
        return Err(damaged(path, "it belongs to another database"));
    }
    Ok(header)
}
