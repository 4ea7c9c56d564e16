//! Copies of whole databases: into files, out of files, from one database to the next.
//! Leaves pages to `store`, what a graph holds to `graph`, and statements to `commands::backup`.
//! Start reading at [`write`](writer::write) and [`read`](reader::Reading); the bytes are in `docs/format/backup.md`.

mod ahead;
mod error;
mod folder;
mod format;
mod keys;
mod lent;
pub(crate) mod maker;
mod moment;
mod reader;
pub mod whole;
mod work;
mod writer;

pub use error::BackupError;
pub(crate) use folder::{Folder, Found, Held, NamesMade, ends_as_ours};
pub use folder::{Part, remove_left};
pub use format::{Header, Holds};
pub use keys::{Keys, sealed_by};
pub use lent::Lent;
pub(crate) use lent::is_lent;
pub(crate) use moment::{JOURNAL_ENDING, Steps};
pub use moment::{Moment, verify_journal};
pub(crate) use reader::{Glance, glance};
pub use reader::{Reading, verify};
pub use store::journal::Copied;
pub(crate) use work::{Proof, Taken, sweep};
pub use writer::{Written, write};

/// Bytes of an image that go into one piece of a file.
pub(crate) const PIECE_BYTES: usize = 1 << 20;

/// Told now and then how many bytes of the image are done; an error ends the work.
pub type Step<'s> = &'s (dyn Fn(u64) -> Result<(), types::Failure> + Sync);
