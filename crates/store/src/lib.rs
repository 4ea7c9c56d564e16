//! The one door to a storage engine: ordered bytes, one keyspace a database.
//! Knows no nodes and no names of databases; `graph` and `catalog` decide what the bytes mean.
//! Start reading at [`Engine`]; LMDB stands behind it in [`lmdb`], an in-memory engine in [`memory`].

pub mod door;

pub use door::*;
