//! Tools of the tests that break things: seeds, a ledger, damage, a small disk.
//! Starts no server; [`crate::process`] does. Judges nothing; the tests in `suite/faults` do.
//! Start reading at [`Seed::of_this_run`].

mod damage;
mod disk;
mod ledger;
mod seed;

pub use damage::{Damage, damage_file, places_of_keys};
pub use disk::SmallDisk;
pub use ledger::Ledger;
pub use seed::Seed;
