//! Who made a backup: sealed in its head, so that he is known again and nobody else says that it was him.
//! Leaves what follows from that to `commands::backup`. Start reading at [`seal`].

use catalog::{Keyring, UserId};

use super::Header;

/// Seals who made the backup whose head this is.
pub(crate) fn seal(keys: &Keyring, header: &Header, user: UserId) -> Option<Vec<u8>> {
    let user = rmp_serde::to_vec(&user).ok()?;
    Some(keys.seal(&context(header), &user))
}

/// Tells whether somebody made the backup whose head this is, on this server or on one with its keys.
pub(crate) fn is_by(keys: &Keyring, header: &Header, user: UserId) -> bool {
    let sealed = header.maker.as_ref();
    let opened = sealed.and_then(|sealed| keys.unseal(&context(header), sealed).ok());
    opened.is_some_and(|opened| rmp_serde::to_vec(&user).is_ok_and(|user| user == opened))
}

/// Says which backup it is, so that what is sealed in one head opens in no other.
fn context(header: &Header) -> String {
    let id: String = header.id.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("backup:{id}:{}:{}:{}", header.taken_nanos, header.version, header.image_bytes)
}
