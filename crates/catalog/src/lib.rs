//! What exists and who may use it: databases, aliases and users, kept in the store of `system`.
//! Opens no graph and makes no files; `instance` does, between the two halves of a change that [`Catalog`] offers.
//! Start reading at [`Catalog`]; then [`resolve`] for names and [`access`] for rights.

pub mod access;
mod aliases;
mod catalog;
mod databases;
mod error;
pub mod executing;
pub mod graph_rights;
mod imported;
mod kept;
pub mod limits;
pub mod options;
mod picture;
mod privileges;
mod recover;
mod recreate;
pub mod resolve;
pub mod rights;
mod roles;
mod rows;
pub mod seal;
mod signin;
mod sorted;
mod staged;
mod tokens;
mod users;

pub use access::{Access, Action, Grant, Principal, grant};
pub use aliases::{Aim, Alias, Existing};
pub use catalog::{Authentication, Catalog, FirstStart, Settings};
pub use databases::{
    Cascade, Change, Database, DatabaseAccess, Language, Made, NewDatabase, Pending, Requested, Stage,
    is_database_folder,
};
pub use error::CatalogError;
pub use graph_rights::GraphRights;
pub use limits::{Limit, LimitError, Limits, RoleLimits};
pub use options::{DatabaseOption, DatabaseOptions, WEIGHT_USUAL};
pub use picture::{Pictured, picture};
pub use privileges::{Changed, HolderName, ScopeName, Verb};
pub use recover::Recovered;
pub use resolve::{Names, Target};
pub use rights::level::Level;
pub use rights::privilege::{Privilege, Resource, Scope, Segment};
pub use rights::{Holder, Role, Token, User, UserId};
pub use roles::NewRole;
pub use seal::{KeySource, Keyring, SealError};
pub use staged::{Prepared, Staged, Touched};
pub use tokens::{NewToken, is_token};
pub use users::{IfMissing, IfThere, NewPassword, UserChange};
