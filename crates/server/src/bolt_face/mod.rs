//! Bolt: connections, their states, and answers as messages.
//! Bytes are `bolt`'s work, statements are the session's.
//! Start reading at [`Listener::run`], then [`machine`].

mod connection;
mod listener;
mod login;
mod logins;
mod machine;
mod refusal;
mod results;
mod route;
mod summary;
mod watch;
mod wire;

pub(crate) use listener::Listener;
