//! The engine on LMDB: one environment with one unnamed keyspace in each folder.
//! Leaves the meaning of bytes to `graph` and `catalog`; assumes a 64-bit, little-endian machine, as LMDB's file does.
//! Start reading at [`LmdbEngine::open`](crate::Engine::open): files, checks, map, in that order.

mod beside;
pub(crate) mod error;
mod files;
mod format;
mod gate;
mod image;
mod lists;
mod open;
mod reading;
mod size;
mod snapshot;
mod store;
mod sum;
#[cfg(test)]
mod tests;
mod walk;
mod writer;

pub use open::LmdbEngine;

/// Most bytes of a map are a multiple of this, whatever page size the operating system has.
const MAP_UNIT_BYTES: u64 = 64 << 10;

#[cfg(not(all(target_endian = "little", target_pointer_width = "64")))]
compile_error!("the LMDB engine reads its file's pages itself and knows only the 64-bit little-endian layout");
