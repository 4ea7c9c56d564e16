//! Does it survive? Real servers are killed, starved of disk, given damaged files and left by their clients.
//! Which fault is tried by which test says `README.md`; each failure says how to play it again.
#![expect(clippy::print_stdout, reason = "what was done last, and how to do it again, is shown with a failure")]

mod apart;
mod copy;
mod crypt;
mod damage;
mod disk;
mod doors;
mod gone;
mod hostile;
mod journal;
mod keys;
mod kill;
mod lifecycle;
mod limits;
mod memory;
mod pairs;
mod rights;
mod schema;
mod server;
mod time;
mod whole;
