//! The one door in for every face: sessions, admission and open databases.
//! Leaves sockets to `server`, the meaning of names to `catalog` and the running of plans to `query`.
//! Start reading at [`Admission`].

mod admission;

pub use admission::{Admission, AdmissionError, Permit};
