//! Plays the scenarios of openCypher's Technology Compatibility Kit, kept as data in `suite/tck/`.
//! Leaves talking to the engine to [`crate::door`]; knows only what a scenario says and how its result is judged.
//! Start reading at [`scenario::play`].

pub mod feature;
pub mod judge;
pub mod scenario;
pub mod texts;
pub mod value;
