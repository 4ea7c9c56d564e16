//! The second engine behind the door: every database encrypted, each under a key of its own.
//! Knows no server's keys; who seals the databases' keys is said by [`SealsKeys`]. The trees are redb's.
//! Start reading at [`CryptEngine`]; the bytes are in `docs/format/crypt.md`, the reasons in ADR 30.
//!
//! redb keeps its tree in what it takes for a file: [`vault`] gives it one, and lets nothing reach the disk that is
//! not encrypted, and nothing come back that is not authentic.

pub(crate) mod cipher;
mod error;
mod header;
mod image;
mod key_file;
mod open;
mod passing;
mod reading;
mod sizes;
mod snapshot;
mod store;
mod vault;
mod writer;

pub(crate) use image::is_image;
pub use image::{KIND, sealed_key, try_key};
pub use key_file::SealsKeys;
pub use open::CryptEngine;
pub use passing::{PassingKey, PassingReader, PassingWriter};
