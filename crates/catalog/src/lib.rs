//! What exists and who may use it: databases, aliases and users, kept in the store of `system`.
//! Opens no graph and makes no files; `instance` does, between the two halves of a change that [`Catalog`] offers.
//! Start reading at [`Catalog`]; then [`resolve`] for names and [`access`] for rights.

pub mod access;
mod aliases;
mod catalog;
mod databases;
mod error;
pub mod graph_rights;
pub mod limits;
pub mod resolve;
mod rows;
mod signin;
mod sorted;
mod users;

pub use access::{Access, Action, Grant, Principal, grant};
pub use aliases::Alias;
pub use catalog::{Authentication, Catalog, FirstStart, Settings};
pub use databases::{Cascade, Database, DatabaseAccess, Pending, Requested, Stage};
pub use error::CatalogError;
pub use graph_rights::GraphRights;
pub use limits::{Limit, LimitError, Limits};
pub use resolve::{Names, Target};
