//! The key of a database, and what it does to a sector of 4,096 bytes.
//! Keeps nothing on the disk; `key_file` and `vault` do. Start reading at [`DataKey::seal`].
//!
//! XChaCha20-Poly1305, as for every other secret of the server. A nonce is 24 random bytes, made anew for each write: no
//! two are the same in the life of any key, however often a machine crashes and forgets where it was.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Key, Tag, XChaCha20Poly1305, XNonce};
use rand::RngCore;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes that name a key; they tell nothing of it.
pub(crate) const ID_BYTES: usize = 8;
/// Bytes that sealing adds: a nonce before, a tag behind.
pub(crate) const SEAL_BYTES: usize = NONCE_BYTES + TAG_BYTES;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// Names a database's key.
pub(crate) type KeyId = [u8; ID_BYTES];

/// The key that encrypts one database; cleared from memory when it is dropped.
#[derive(Clone)]
pub(crate) struct DataKey {
    pub(crate) id: KeyId,
    cipher: XChaCha20Poly1305,
}

impl DataKey {
    /// Makes up a key; gives its bytes too, which are to be sealed and then cleared.
    pub(crate) fn new() -> (Self, [u8; KEY_BYTES]) {
        let (mut id, mut bytes) = ([0; ID_BYTES], [0; KEY_BYTES]);
        let mut random = rand::rng();
        random.fill_bytes(&mut id);
        random.fill_bytes(&mut bytes);
        (Self::of(id, &bytes), bytes)
    }

    pub(crate) fn of(id: KeyId, bytes: &[u8; KEY_BYTES]) -> Self {
        Self { id, cipher: XChaCha20Poly1305::new(&Key::from(*bytes)) }
    }

    /// Seals `plain` into `out`, which is longer by [`SEAL_BYTES`]. Opening needs the same `context`.
    pub(crate) fn seal(&self, context: &[u8], plain: &[u8], out: &mut [u8]) {
        let (nonce, rest) = out.split_at_mut(NONCE_BYTES);
        let (body, tag) = rest.split_at_mut(plain.len());
        rand::rng().fill_bytes(nonce);
        body.copy_from_slice(plain);
        let nonce = XNonce::try_from(&*nonce).expect("it was cut to its length");
        let made = self.cipher.encrypt_inout_detached(&nonce, context, body.into());
        tag.copy_from_slice(&made.expect("only hundreds of gigabytes cannot be sealed"));
    }

    /// Opens what [`DataKey::seal`] made; `false` where it is not authentic, and then `out` tells nothing.
    #[must_use]
    pub(crate) fn open(&self, context: &[u8], sealed: &[u8], out: &mut [u8]) -> bool {
        let Some((nonce, rest)) = sealed.split_at_checked(NONCE_BYTES) else { return false };
        let Some((body, tag)) = rest.split_at_checked(out.len()) else { return false };
        let (Ok(nonce), Ok(tag)) = (XNonce::try_from(nonce), Tag::try_from(tag)) else { return false };
        out.copy_from_slice(body);
        let opened = self.cipher.decrypt_inout_detached(&nonce, context, out.into(), &tag).is_ok();
        if !opened {
            out.fill(0);
        }
        opened
    }
}

/// Clears a secret in a way that is not left out for being useless.
pub(crate) fn clear(secret: &mut [u8]) {
    secret.fill(0);
    std::hint::black_box(secret);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f98_a_sector_opens_in_its_place_only() {
        let (key, bytes) = DataKey::new();
        let (plain, mut sealed, mut out) = ([7; 100], [0; 100 + SEAL_BYTES], [0; 100]);
        key.seal(b"sector 1", &plain, &mut sealed);
        assert!(!sealed.windows(4).any(|window| window == [7; 4]));
        assert!(DataKey::of(key.id, &bytes).open(b"sector 1", &sealed, &mut out) && out == plain);
        assert!(!key.open(b"sector 2", &sealed, &mut out) && out == [0; 100], "what is not authentic is not lent");
        assert!(!DataKey::new().0.open(b"sector 1", &sealed, &mut out));
        for at in 0..sealed.len() {
            let mut changed = sealed;
            changed[at] ^= 1;
            assert!(!key.open(b"sector 1", &changed, &mut out), "byte {at} was changed");
            assert!(!key.open(b"sector 1", &sealed[..at], &mut out), "cut to {at} bytes");
        }
        let before = sealed;
        key.seal(b"sector 1", &plain, &mut sealed);
        assert_ne!(before[..], sealed[..], "no nonce comes twice");
    }
}
