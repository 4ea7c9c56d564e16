//! Plays scripts: statements and what comes back, as data under `suite/scripts/`.
//! Leaves talking to the system to [`crate::door`], so that one script is played through every face.
//! Start reading at [`play::play`]; the format is in `suite/scripts/README.md`.

pub mod file;
pub mod play;
mod show;
