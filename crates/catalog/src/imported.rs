//! Hashes of passwords as Neo4j keeps them, `1,<hash>,<salt>`, so that its users can be moved without their passwords.
//! Such a hash is quick to guess by. It is never kept: what is kept is an argon2 hash of it, as slow as any other.
//! Start reading at [`parse`], then [`unwrap`].

use sha2::{Digest, Sha256};

/// Rounds of SHA-256 by the version in front of a hash.
const ROUNDS: [(&str, u32); 2] = [("0", 1), ("1", 1_024)];
const HASH_BYTES: usize = 32;
const SALT_MAX_BYTES: usize = 1_024;
/// What stands in front of an argon2 hash of such a hash: `sha256:<rounds>:<salt>:$argon2id$...`.
const MARK: &str = "sha256:";

/// A hash as a command gives it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Imported {
    rounds: u32,
    /// In lower case; the salt too.
    hash: String,
    salt: String,
}

/// Tells whether a text has the form of Neo4j's hashes; the rest says what is wrong with it.
///
/// That is `1,<hash>,<salt>`, as its commands take it, or `SHA-256,<hash>,<salt>,1024`, as its `system` database holds it.
pub(crate) fn parse(text: &str) -> Option<Result<Imported, &'static str>> {
    let parts: Vec<&str> = text.split(',').collect();
    let (rounds, hash, salt) = match parts[..] {
        ["SHA-256", hash, salt, rounds] => (ROUNDS.iter().find(|(_, known)| known.to_string() == rounds), hash, salt),
        [version, hash, salt] if version.len() == 1 && version.as_bytes()[0].is_ascii_digit() => {
            (ROUNDS.iter().find(|(known, _)| *known == version), hash, salt)
        }
        _ => return None,
    };
    Some(match (rounds, bytes(hash), bytes(salt)) {
        (None, ..) => Err("the encryption version specified is not available"),
        (Some((_, rounds)), Some(of_hash), Some(of_salt))
            if of_hash.len() == HASH_BYTES && (1..=SALT_MAX_BYTES).contains(&of_salt.len()) =>
        {
            Ok(Imported { rounds: *rounds, hash: hash.to_ascii_lowercase(), salt: salt.to_ascii_lowercase() })
        }
        _ => Err(
            "the format of an encrypted password is '<encryption-version>,<hash>,<salt>', both in hexadecimal digits",
        ),
    })
}

impl Imported {
    /// Gives what is to be hashed in the place of a password.
    pub(crate) fn secret(&self) -> &str {
        &self.hash
    }

    /// Writes the argon2 hash of the secret down together with what leads to it.
    pub(crate) fn wrap(&self, hashed: &str) -> String {
        format!("{MARK}{}:{}:{hashed}", self.rounds, self.salt)
    }
}

/// Gives the argon2 hash that is kept for a user, and what has to be compared with it in the place of the password.
pub(crate) fn unwrap<'k>(kept: &'k str, password: &str) -> Option<(&'k str, String)> {
    let mut parts = kept.strip_prefix(MARK)?.splitn(3, ':');
    let rounds = parts.next()?.parse().ok()?;
    let salt = bytes(parts.next()?)?;
    Some((parts.next()?, hash(password, &salt, rounds)))
}

/// Hashes as Neo4j does: the salt and the password, then each hash again.
fn hash(password: &str, salt: &[u8], rounds: u32) -> String {
    let mut hash = Sha256::new().chain_update(salt).chain_update(password).finalize();
    for _ in 1..rounds {
        hash = Sha256::digest(hash);
    }
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hexadecimal digits.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.is_empty() || digits.len() % 2 == 1 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Neo4j's manual shows; the password is `neo4j`.
    const KNOWN: &str = "1,6d57a5e0b3317055454e455f96c98c750c77fb371f3f0634a1b8ff2a55c5b825,\
                         190ae47c661e0668a0c8be8a21ff78a4a34cdf918cae3c407e907b73932bd16c";

    #[test]
    fn f95_a_hash_of_neo4j_knows_its_password() {
        let imported = parse(KNOWN).expect("its form").expect("sound");
        let kept = imported.wrap("$argon2id$x");
        let (argon2, secret) = unwrap(&kept, "neo4j").expect("wrapped");
        assert_eq!((argon2, secret.as_str()), ("$argon2id$x", imported.secret()));
        assert_ne!(unwrap(&kept, "neo4J").expect("wrapped").1, imported.secret());
        assert!(!kept.contains(imported.secret()), "the quick hash is not kept");
        assert!(parse(&KNOWN.to_ascii_uppercase()).expect("its form").is_ok_and(|it| it == imported));
        let held = format!("SHA-256,{},1024", &KNOWN[2..]);
        assert!(parse(&held).expect("its form").is_ok_and(|it| it == imported));
        assert!(parse(&held.replace("1024", "9")).expect("its form").is_err());
    }

    #[test]
    fn f95_other_texts_are_none() {
        for text in ["", "abc", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "1,ab", "1,ab,cd,ef", ",,", "10,ab,cd"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
        let long = format!("1,{},{}", "ab".repeat(32), "c".repeat(3_000));
        for text in ["2,ab,cd", "1,ab,cd", "1,xy,zz", "1,,", &KNOWN.replace(",19", ",9"), &long] {
            assert!(parse(text).expect("its form").is_err(), "{text}");
        }
        assert!(unwrap("$argon2id$x", "p").is_none());
    }
}
