//! Keys of sealed backups: which key of a server a backup needs, and whether that can be had.
//! Leaves sealing to `catalog` and images to `store::crypt`. Start reading at [`Keys::problem`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::{KeySource, Keyring, SealError, seal};
use store::StoreError;
use store::crypt::{SealsKeys, sealed_key, try_key};
use store::journal::{self, JournalError, Source};

use super::{BackupError, Reading};
use crate::InstanceOptions;
use crate::encryption::{ServerKeys, is_sealed};

/// The keys of a server as far as they are there; none is made.
pub struct Keys {
    ring: Option<(Arc<Keyring>, Arc<ServerKeys>)>,
    /// The file that is not there, where there are none.
    file: PathBuf,
}

impl Keys {
    /// Reads the keys that a server with these options would have.
    pub fn of(options: &InstanceOptions) -> Result<Self, SealError> {
        let source = options.key_source();
        let file = if let KeySource::File(path) = &source { path.clone() } else { PathBuf::new() };
        let ring = Keyring::existing(source)?.map(|ring| {
            let (ring, keys) = (Arc::new(ring), Arc::new(ServerKeys::default()));
            keys.set(&ring);
            (ring, keys)
        });
        Ok(Self { ring, file })
    }

    /// Tells whether none of these names is one of its keys; no names are none that is missing.
    #[must_use]
    pub fn has_none_of(&self, names: &[String]) -> bool {
        let here: Vec<String> =
            self.ring.iter().flat_map(|(ring, _)| ring.names()).map(|name| name.to_string()).collect();
        !names.is_empty() && !names.iter().any(|name| here.contains(name))
    }

    /// Says why the key of a backup cannot be had; nothing where it can, or where the backup needs none.
    pub fn problem(&self, backup: &Path) -> Result<Option<String>, BackupError> {
        let Some(piece) = beginning(backup)? else { return Ok(None) };
        let Some((_, keys)) = &self.ring else {
            let file = self.file.display();
            return Ok(Some(format!("sealed with the key {}, and there is no file of keys {file}", name_in(&piece))));
        };
        match try_key(&piece, &**keys) {
            Ok(()) => Ok(None),
            Err(StoreError::ImageKey { reason }) => Ok(Some(reason)),
            Err(error) => Err(error.into()),
        }
    }

    /// Says why a sealed copy of a journal cannot be played with them; nothing where it can. All of it is opened.
    pub fn journal_problem(&self, copy: &Path) -> Result<Option<String>, BackupError> {
        let Some((_, keys)) = &self.ring else {
            return Ok(Some(format!("there is no file of keys {}", self.file.display())));
        };
        let source = Source::any_file(copy)?.with_keys(Some(Arc::clone(keys) as Arc<dyn SealsKeys>));
        match journal::verify(source) {
            Ok(_) => Ok(None),
            Err(JournalError::Key { reason, .. }) => Ok(Some(reason)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Names the key of a server that sealed a backup; nothing where the database was not encrypted.
pub fn sealed_by(backup: &Path) -> Result<Option<String>, BackupError> {
    Ok(beginning(backup)?.map(|piece| name_in(&piece)))
}

/// Reads the first piece of the image in a backup that is sealed.
fn beginning(backup: &Path) -> Result<Option<Vec<u8>>, BackupError> {
    let mut reading = Reading::open(backup)?;
    if !is_sealed(reading.header()) {
        return Ok(None);
    }
    let mut piece = Vec::new();
    reading.next(&mut piece)?;
    Ok(Some(piece))
}

fn name_in(piece: &[u8]) -> String {
    let name = sealed_key(piece).and_then(|sealed| seal::key_of(sealed).ok());
    name.map_or_else(|| "of an unknown name".to_owned(), |name| name.to_string())
}
