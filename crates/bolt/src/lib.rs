//! Bolt's bytes: PackStream values, messages, chunks and the handshake.
//! Opens no listener and runs no statement (`server` does); [`client`] is the small blocking client of our own tools.
//! Start reading at [`Request::parse`] and [`Outbox`].

pub mod client;
pub mod frame;
pub mod handshake;
pub mod packstream;
pub mod request;
pub mod response;
pub mod version;

pub use frame::{FrameError, Framer};
pub use packstream::{PackError, UnpackError};
pub use request::{AuthToken, Demand, Filter, Hello, Mode, Options, Request, RequestError, Route, Run};
pub use response::{Entries, Outbox, Response};
pub use version::{Dialect, Version};
