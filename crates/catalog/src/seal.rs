//! Seals secrets before they are stored, and opens them again: XChaCha20-Poly1305 under a key that lies elsewhere.
//! Leaves which secrets there are, and where they are kept, to those who store them.
//! Start reading at [`Keyring::open`], then [`Keyring::seal`].

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use parking_lot::RwLock;
use rand::Rng;
use types::Code;

/// The first byte of everything that is sealed.
const VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 24;
const HEAD_BYTES: usize = 1 + ID_BYTES + NONCE_BYTES;
/// Only the owner reads and writes the file of keys.
const OWNER_ONLY: u32 = 0o600;

/// Where the keys come from.
#[derive(Clone)]
pub enum KeySource {
    /// A file with a key on each line, the newest last; made with one key if it is not there.
    File(PathBuf),
    /// The keys themselves as hexadecimal digits, apart by commas, the newest last; as an environment variable has them.
    Text(String),
    /// A key that nobody will know after this process, for tests and for servers that keep nothing.
    Passing,
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Text(_) => f.write_str("Text(..)"),
            Self::Passing => f.write_str("Passing"),
        }
    }
}

/// Names a key without telling it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; ID_BYTES]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file of keys cannot be read or written; see the cause.
    #[error("could not {action} the file of keys {}", file.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A key is no run of 64 hexadecimal digits; correct it.
    #[error("a key for sealing is not 64 hexadecimal digits")]
    Key,
    /// The keys come from the environment, which this server cannot change; give the new key there, behind the old one.
    #[error("the keys for sealing come from the environment; put the new key behind the old ones there")]
    NotOurs,
    /// Sealed with a key that is not here any more; bring back the old file of keys.
    #[error("sealed with the key {0}, which is not among the keys of this server")]
    Unknown(KeyId),
    /// Changed since it was sealed, or sealed for another use.
    #[error("what was sealed was changed, or was sealed for something else")]
    Broken,
}

impl SealError {
    /// Gives the code that a client sees.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::File { .. } => Code::StorageFailed,
            Self::Key | Self::NotOurs => Code::ArgumentError,
            Self::Unknown(_) | Self::Broken => Code::StorageDamaged,
        }
    }
}

struct OneKey {
    id: KeyId,
    bytes: [u8; KEY_BYTES],
}

/// The keys of a server: the newest seals, all of them open.
pub struct Keyring {
    source: KeySource,
    keys: RwLock<Vec<OneKey>>,
}

impl Keyring {
    /// Reads the keys that there are; nothing where their file is not there, and none is made.
    pub fn existing(source: KeySource) -> Result<Option<Self>, SealError> {
        match &source {
            // One that cannot be looked at is no missing one.
            KeySource::File(path) if matches!(fs::exists(path), Ok(false)) => Ok(None),
            _ => Self::open(source).map(Some),
        }
    }

    /// Reads the keys; makes the file, readable by its owner only, where there is none.
    pub fn open(source: KeySource) -> Result<Self, SealError> {
        let keys = match &source {
            KeySource::File(path) => match fs::read_to_string(path) {
                Ok(text) => {
                    warn_if_open(path);
                    parse(text.lines())?
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let keys = vec![OneKey::new()];
                    write(path, &keys)?;
                    tracing::info!(file = %path.display(), "made a key for sealing secrets; keep a copy of it apart from backups");
                    keys
                }
                Err(source) => return Err(SealError::File { action: "read", file: path.clone(), source }),
            },
            KeySource::Text(text) => parse(text.split(','))?,
            KeySource::Passing => vec![OneKey::new()],
        };
        if keys.is_empty() {
            return Err(SealError::Key);
        }
        Ok(Self { source, keys: RwLock::new(keys) })
    }

    /// Names every key, the newest last.
    #[must_use]
    pub fn names(&self) -> Vec<KeyId> {
        self.keys.read().iter().map(|key| key.id).collect()
    }

    /// Names the key that seals now.
    #[must_use]
    pub fn newest(&self) -> KeyId {
        self.keys.read().last().expect("a keyring is never empty").id
    }

    /// Seals a secret. Opening it needs the same `context`, which says what it is: `remote:films:password`.
    #[must_use]
    pub fn seal(&self, context: &str, secret: &[u8]) -> Vec<u8> {
        let keys = self.keys.read();
        let key = keys.last().expect("a keyring is never empty");
        let nonce: [u8; NONCE_BYTES] = rand::rng().random();
        let payload = Payload { msg: secret, aad: context.as_bytes() };
        let sealed = key.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.expect("only a secret of hundreds of gigabytes cannot be sealed");
        let mut bytes = Vec::with_capacity(HEAD_BYTES + sealed.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&key.id.0);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        bytes
    }

    /// Opens what was sealed for the same `context`, with whichever key that was.
    pub fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let id = key_of(sealed)?;
        let keys = self.keys.read();
        let key = keys.iter().find(|key| key.id == id).ok_or(SealError::Unknown(id))?;
        let nonce: [u8; NONCE_BYTES] = sealed[1 + ID_BYTES..HEAD_BYTES].try_into().map_err(|_| SealError::Broken)?;
        let payload = Payload { msg: &sealed[HEAD_BYTES..], aad: context.as_bytes() };
        key.cipher().decrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Broken)
    }

    /// Seals anew what an older key sealed; nothing where the newest key did.
    pub fn renew(&self, context: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
        if key_of(sealed)? == self.newest() {
            return Ok(None);
        }
        self.unseal(context, sealed).map(|secret| Some(self.seal(context, &secret)))
    }

    /// Adds a new key, which seals from now on; older ones stay, to open what they sealed.
    pub fn rotate(&self) -> Result<KeyId, SealError> {
        let KeySource::File(path) = &self.source else { return Err(SealError::NotOurs) };
        let mut keys = self.keys.write();
        keys.push(OneKey::new());
        if let Err(error) = write(path, &keys) {
            keys.pop();
            return Err(error);
        }
        Ok(keys.last().expect("one was just added").id)
    }
}

impl OneKey {
    fn new() -> Self {
        Self::of(rand::rng().random())
    }

    fn of(bytes: [u8; KEY_BYTES]) -> Self {
        let mut sum = Blake2b::<U8>::new();
        sum.update(b"sheaf: name of a key for sealing");
        sum.update(bytes);
        Self { id: KeyId(sum.finalize().into()), bytes }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(self.bytes))
    }
}

/// Tells which key sealed something.
pub fn key_of(sealed: &[u8]) -> Result<KeyId, SealError> {
    if sealed.len() < HEAD_BYTES || sealed[0] != VERSION {
        return Err(SealError::Broken);
    }
    sealed[1..=ID_BYTES].try_into().map(KeyId).map_err(|_| SealError::Broken)
}

fn parse<'t>(lines: impl Iterator<Item = &'t str>) -> Result<Vec<OneKey>, SealError> {
    let keys = lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    keys.map(|line| {
        let digits = line.as_bytes();
        if digits.len() != 2 * KEY_BYTES || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(SealError::Key);
        }
        let mut bytes = [0; KEY_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(line.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| SealError::Key)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| SealError::Key)?;
        }
        Ok(OneKey::of(bytes))
    })
    .collect()
}

/// Writes all keys into a file of their own, then puts it in its place, with the owner and the mode of what lay there.
fn write(path: &Path, keys: &[OneKey]) -> Result<(), SealError> {
    let mut text = "# Keys that seal the secrets of this server; the last one seals, all of them open.\n".to_owned();
    for key in keys {
        text.extend(key.bytes.iter().map(|byte| format!("{byte:02x}")));
        text.push('\n');
    }
    let new = path.with_extension("new");
    let failed = |source| SealError::File { action: "write", file: path.to_owned(), source };
    let written = (|| {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&new)?;
        file.write_all(text.as_bytes())?;
        if let Ok(before) = fs::metadata(path) {
            // Whoever runs this may be root, and the server may not.
            let made = file.metadata()?;
            if made.uid() != before.uid() {
                fchown(&file, Some(before.uid()), Some(before.gid()))?;
            } else if made.gid() != before.gid() {
                // One who is not in that group cannot help it.
                let _ = fchown(&file, None, Some(before.gid()));
            }
            file.set_permissions(before.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&new, path)?;
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    })();
    written.map_err(failed)
}

fn warn_if_open(path: &Path) {
    if let Ok(metadata) = fs::metadata(path)
        && metadata.permissions().mode() & 0o077 != 0
    {
        tracing::warn!(file = %path.display(), "others than its owner may read the file of keys; chmod 600 it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f97_what_is_sealed_opens_for_its_use_only() {
        let ring = Keyring::open(KeySource::Passing).expect("opens");
        let sealed = ring.seal("remote:films", b"secret");
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
        assert_eq!(ring.unseal("remote:films", &sealed).expect("opens"), b"secret");
        assert!(matches!(ring.unseal("remote:shop", &sealed), Err(SealError::Broken)));
        assert_ne!(ring.seal("remote:films", b"secret"), sealed, "no two nonces are the same");
        let other = Keyring::open(KeySource::Passing).expect("opens");
        assert!(matches!(other.unseal("remote:films", &sealed), Err(SealError::Unknown(_))));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(ring.unseal("remote:films", &changed).is_err(), "byte {at} was changed");
            assert!(ring.unseal("remote:films", &sealed[..at]).is_err(), "cut to {at} bytes");
        }
    }

    #[test]
    fn f97_old_keys_open_and_new_ones_seal() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("seal.key");
        let ring = Keyring::open(KeySource::File(path.clone())).expect("makes a key");
        let mode = fs::metadata(&path).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (first, sealed) = (ring.newest(), ring.seal("a", b"one"));
        assert!(ring.renew("a", &sealed).expect("opens").is_none());
        let second = ring.rotate().expect("rotates");
        assert_ne!(first, second);
        let again = Keyring::open(KeySource::File(path.clone())).expect("reads");
        assert_eq!(again.newest(), second);
        assert_eq!(again.unseal("a", &sealed).expect("the old key is there"), b"one");
        let renewed = again.renew("a", &sealed).expect("opens").expect("an older key sealed it");
        assert_eq!(key_of(&renewed).expect("sealed"), second);
        assert_eq!(ring.unseal("a", &renewed).expect("opens"), b"one");
        // Who may read it besides is its owner's business.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).expect("sets");
        again.rotate().expect("rotates");
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o440);
    }

    #[test]
    fn f97_keys_from_the_environment() {
        let text = format!("{},{}", "0".repeat(64), "Ab".repeat(32));
        let ring = Keyring::open(KeySource::Text(text)).expect("reads");
        assert_eq!(ring.newest(), OneKey::of([0xAB; 32]).id);
        assert!(matches!(ring.rotate(), Err(SealError::NotOurs)));
        for bad in ["", "12", &"g".repeat(64), &"é".repeat(32)] {
            assert!(matches!(Keyring::open(KeySource::Text(bad.to_owned())), Err(SealError::Key)), "{bad}");
        }
    }
}
