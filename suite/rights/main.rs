//! Do rights hold? Every user, every right, every face and every way to write a statement, against what should come.
//! Groups F, G and H of the list of faults in their short form; each failure says how to play it again.
#![expect(clippy::print_stdout, reason = "how often something was tried is shown with a failure")]

mod choosing;
mod copies;
mod cost;
mod faces;
mod isolation;
mod levels;
mod matrix;
mod names;
mod reader;
mod rows;
mod statements;
mod wire;
mod world;
