//! Users and their passwords, which are kept as argon2 hashes only.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use rand::Rng;

use crate::rows::{self, Put, Table, UserRow};
use crate::{Catalog, CatalogError, catalog};

/// The user of the first start.
pub(crate) const ADMIN: &str = "admin";
/// Longest user name that is looked up.
const NAME_MAX_BYTES: usize = 256;
const PASSWORD_MIN_CHARACTERS: usize = 8;
const PASSWORD_MADE_CHARACTERS: usize = 24;
const SALT_BYTES: usize = 16;
/// Without the letters and digits that look alike; 24 of them are 137 bits.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Makes the row of the first admin, and a password if none is given.
pub(crate) fn first(given: Option<String>, now: i128) -> Result<(UserRow, Option<String>), CatalogError> {
    let (password, made) = match given {
        Some(given) => (given, None),
        None => {
            let made = made_up();
            (made.clone(), Some(made))
        }
    };
    let row = UserRow { password_hash: hash(&password)?, admin: true, created_nanos: now };
    Ok((row, made))
}

fn made_up() -> String {
    let mut random = rand::rng();
    (0..PASSWORD_MADE_CHARACTERS).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}

fn hash(password: &str) -> Result<String, CatalogError> {
    if password.chars().count() < PASSWORD_MIN_CHARACTERS {
        return Err(CatalogError::PasswordShort);
    }
    let failed = |error: argon2::password_hash::Error| CatalogError::Password { reason: error.to_string() };
    let salt = SaltString::encode_b64(&rand::rng().random::<[u8; SALT_BYTES]>()).map_err(failed)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

/// Compares a password with a user's hash; without a user it takes as long and fails.
pub(crate) fn verify(row: Option<&UserRow>, password: &str) -> Result<bool, CatalogError> {
    let Some(row) = row else {
        // The time of the answer must not tell which names exist.
        let salt = SaltString::encode_b64(&[0; SALT_BYTES]).expect("sixteen bytes are a salt");
        let _ = std::hint::black_box(Argon2::default().hash_password(password.as_bytes(), &salt));
        return Ok(false);
    };
    let hash = PasswordHash::new(&row.password_hash)
        .map_err(|error| CatalogError::damaged(format!("the hash of a password cannot be read: {error}")))?;
    Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

impl Catalog {
    /// Gives a user a new password; takes effect at the next logging in.
    pub fn set_password(&self, user: &str, password: &str) -> Result<(), CatalogError> {
        let missing = || CatalogError::UserMissing { verb: "alter", user: user.chars().take(80).collect() };
        let password_hash = hash(password)?;
        let _turn = self.turn.lock();
        let row = self.user(user)?.ok_or_else(missing)?;
        let put = Put::set(Table::User.key(user.as_bytes()), &UserRow { password_hash, ..row });
        self.store.write(&mut |writer| catalog::run(std::slice::from_ref(&put), writer))?;
        Ok(())
    }

    /// Reads one user's row. Users are not kept in memory: hashing costs a thousand times more than looking.
    pub(crate) fn user(&self, name: &str) -> Result<Option<UserRow>, CatalogError> {
        if name.is_empty() || name.len() > NAME_MAX_BYTES {
            return Ok(None);
        }
        let key = Table::User.key(name.as_bytes());
        let snapshot = self.store.snapshot()?;
        snapshot.get(&key)?.map(|value| rows::decode(&key, value)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_tells_its_password_and_no_other() {
        let (row, made) = first(None, 0).expect("made up");
        let password = made.expect("none was given");
        assert_eq!(password.len(), PASSWORD_MADE_CHARACTERS);
        assert!(row.password_hash.starts_with("$argon2id$") && !row.password_hash.contains(&password));
        assert!(verify(Some(&row), &password).expect("sound"));
        assert!(!verify(Some(&row), "wrong").expect("sound"));
        assert!(!verify(None, &password).expect("no user"));
    }

    #[test]
    fn short_passwords_are_refused() {
        let error = first(Some("seven77".to_owned()), 0).expect_err("too short");
        assert_eq!(error.to_string(), "A password must be at least 8 characters.");
        assert!(first(Some("größeres".to_owned()), 0).is_ok(), "eight characters, more bytes");
    }

    #[test]
    fn a_row_without_a_hash_is_damage() {
        let row = UserRow { password_hash: "plain".to_owned(), admin: true, created_nanos: 0 };
        assert_eq!(verify(Some(&row), "plain").expect_err("no hash").code(), types::Code::StorageDamaged);
    }
}
