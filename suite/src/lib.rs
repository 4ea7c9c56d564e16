//! Tools of the tests that cross crates: real server processes, and ways to break them.
//! Holds no test itself; those lie beside this folder, one target a kind.
//! Start reading at [`process::Process`].

pub mod faults;
pub mod process;
