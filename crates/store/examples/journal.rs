//! What a journal costs: durable commits with one and without, in turn, and how fast it plays.
//! Run it on the disk that matters: `cargo run --release -p store --example journal -- FOLDER`.
#![expect(clippy::print_stdout, reason = "it is there to print")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use store::journal::{Journaled, Keep, Origin, Way};
use store::lmdb::LmdbEngine;
use store::{Engine, OpenOptions, Store};
use types::{Clock, SystemClock};

const IDENTITY: [u8; 16] = [1; 16];
const KEEP: Keep = Keep { bytes_max: 1 << 30, age_max: None };

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let folder = tempfile::tempdir_in(folder).expect("a folder to write in");
    for (entries, bytes, commits) in [(4, 100, 2_000), (40, 400, 1_000), (1_000, 1_000, 100)] {
        let at = folder.path().join(entries.to_string());
        let stores =
            [None, Some(KEEP)].map(|keep| open(&at.join(if keep.is_some() { "with" } else { "without" }), keep));
        let from = Origin::of(&*stores[1].snapshot().expect("reads")).expect("it is on");
        let mut times = [Vec::new(), Vec::new()];
        for commit in 0..commits {
            for (store, times) in stores.iter().zip(&mut times) {
                times.push(write(store, commit, entries, bytes));
            }
        }
        let [without, with] = times.map(median);
        let size = stores[1].bytes().unwrap_or_default() / commits;
        println!(
            "{entries} entries of {bytes} bytes: {without:?} a commit, {with:?} with a journal of {size} bytes a commit"
        );
        let other = LmdbEngine.open(&at.join("played"), &options()).expect("opens");
        let (begun, until) = (SystemClock.now(), i64::try_from(SystemClock.wall_nanos()).expect("before 2262"));
        // Opened after the time was read: it tells of everything up to then.
        let source = stores[1].source().expect("opens").expect("it is on");
        let played = Way::find(source, from, 0, until).and_then(|way| way.play(&*other, &mut |_| Ok(())));
        println!("  {:?} commits played in {:?}", played.map(|played| played.records), begun.elapsed());
    }
}

fn options() -> OpenOptions {
    OpenOptions { create: true, ..OpenOptions::default() }
}

fn open(at: &Path, keep: Option<Keep>) -> Journaled {
    let inner = LmdbEngine.open(at, &options()).expect("opens");
    Journaled::open(inner, at.join("journal"), IDENTITY, keep, Arc::new(SystemClock)).expect("opens")
}

fn write(store: &Journaled, commit: u64, entries: u64, bytes: usize) -> Duration {
    let value: Vec<u8> = (0..bytes).map(|at| u8::try_from(at % 251).expect("below 251")).collect();
    let begun = SystemClock.now();
    let work = &mut |writer: &mut dyn store::Writer| {
        (0..entries).try_for_each(|entry| writer.put(&(commit * 7_919 + entry * 104_729).to_be_bytes(), &value))
    };
    store.write(work).expect("writes");
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
