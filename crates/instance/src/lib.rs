//! The one door in for every face: sessions, transactions, statements, admission and open databases.
//! Leaves sockets to `server`, the meaning of names to `catalog`, plans to `query` and bytes to `graph`.
//! Start reading at [`Instance`], then [`Session::run`].

mod admission;
mod admitting;
mod alone;
mod answer;
pub mod audit;
pub mod backup;
mod batches;
mod bookmark;
mod check;
mod commands;
mod database_list;
mod databases;
mod error;
mod index_options;
mod index_reads;
mod instance;
mod leases;
mod limits;
mod listings;
mod metrics;
mod observation;
mod open_database;
mod options;
mod planning;
mod plans;
mod procedures;
mod reach;
mod records;
mod remote;
mod rules;
mod running;
mod schema;
mod schema_turn;
mod search;
mod session;
mod show;
mod sight;
mod source;
mod statement;
mod table;
mod tail;
mod transaction;
mod transactions;
mod turns;
mod under_way;
mod usage;

pub use admission::{Admission, AdmissionError, Permit};
pub use answer::{Access, Counters, Fetched, Kind, More, Notification, Plan, Profile, RunOptions, Summary};
pub use error::InstanceError;
pub use instance::Instance;
pub use options::InstanceOptions;
pub use records::Records;
pub use remote::{Authorities, Hosts, HostsError, RemoteOptions};
pub use session::{Interrupter, Session};
