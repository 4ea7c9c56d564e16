//! Words that all crates share: values, names, codes, ids and the clock.
//! Knows no storage, no wire and no statement text.
//! Start reading at [`Value`] and [`Code`].

pub mod arithmetic;
pub mod clock;
pub mod code;
pub mod compare;
pub mod effort;
pub mod failpoint;
pub mod id;
pub mod name;
pub mod point;
pub mod privilege;
pub mod refusal;
pub mod shown;
pub mod temporal;
pub mod text;
pub mod value;
pub mod way;

pub use clock::{Clock, SystemClock};
pub use code::{Code, Failure, Position};
pub use compact_str::CompactString;
pub use id::{DatabaseId, Direction, IndexId, KeyId, LabelId, NodeId, RelationshipId, TypeId};
pub use name::{DatabaseName, NameError};
pub use point::Crs;
pub use refusal::{Refusal, SetBy};
pub use temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time, Zone};
pub use value::{Map, Node, NodeRef, Path, PathRef, Point, Relationship, RelationshipRef, Value};
