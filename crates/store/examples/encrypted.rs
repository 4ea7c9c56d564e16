//! Measures an encrypted store beside a plain one: point reads, scans, durable commits, loads.
//!
//! `cargo run --release -p store --example encrypted [FOLDER]`; ADR 30 holds what it printed.
#![expect(clippy::print_stdout, reason = "a measurement is to be read")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use store::crypt::{CryptEngine, SealsKeys};
use store::lmdb::LmdbEngine;
use store::{END, Engine, OpenOptions, Store, Writer};
use types::{Clock, SystemClock};

/// Keys of nobody: what seals the key has no part in what is measured.
struct Open;

impl SealsKeys for Open {
    fn seal(&self, _context: &str, secret: &[u8]) -> Vec<u8> {
        secret.to_vec()
    }

    fn unseal(&self, _context: &str, sealed: &[u8]) -> Result<Vec<u8>, String> {
        Ok(sealed.to_vec())
    }

    fn renew(&self, _context: &str, _sealed: &[u8]) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }
}

const COMMITS: u32 = 300;
const READS: u32 = 200_000;

fn main() {
    let given = std::env::args().nth(1).map(PathBuf::from);
    let folder = given.unwrap_or_else(std::env::temp_dir).join("sheaf-encrypted");
    // The first fits into the pages that an encrypted store keeps open, the second does not.
    for entries in [50_000, 2_000_000] {
        println!("{entries} entries of 100 bytes");
        let plain = measure(&LmdbEngine, &folder.join("plain"), entries);
        let encrypted = measure(&CryptEngine::new(Arc::new(Open)), &folder.join("encrypted"), entries);
        for ((what, plain), (_, encrypted)) in plain.into_iter().zip(encrypted) {
            let ratio = encrypted.as_secs_f64() / plain.as_secs_f64();
            println!("  {what:<28} plain {plain:>12.2?}  encrypted {encrypted:>12.2?}  ratio {ratio:.2}");
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
}

fn measure(engine: &dyn Engine, folder: &Path, entries: u32) -> Vec<(&'static str, Duration)> {
    engine.remove(folder).expect("nobody has it");
    let options = OpenOptions { create: true, ..OpenOptions::default() };
    let store = engine.open(folder, &options).expect("opens");
    let key = |number: u32| u64::from(number).to_be_bytes();
    let load = timed(1, |_| {
        for from in (0..entries).step_by(10_000) {
            let work = &mut |writer: &mut dyn Writer| {
                (from..from + 10_000).try_for_each(|number| writer.append(&key(number), &[7; 92]))
            };
            store.write_unsynced(work).expect("loads");
        }
        store.sync().expect("a disk");
    });
    let snapshot = store.snapshot().expect("a place");
    let place = |step: u32| (step.wrapping_mul(2_654_435_761)) % entries;
    // Once before it counts: pages that were just written are open already, others are not.
    (0..READS).for_each(|step| drop(black_box(snapshot.get(&key(place(step))).expect("reads"))));
    let read = timed(READS, |step| drop(black_box(snapshot.get(&key(place(step))).expect("reads"))));
    let mut count = 0_u32;
    let scan = timed(1, |_| {
        snapshot
            .scan(&[]..END, &mut |_, value| {
                count += u32::from(value[0] == 7);
                true
            })
            .expect("reads");
    });
    assert_eq!(count, entries);
    drop(snapshot);
    let commit = timed(COMMITS, |step| put(&*store, &[key(place(step))], step));
    let many: Vec<[u8; 8]> = (0..100).map(|step| key(place(step * 7))).collect();
    let wide = timed(COMMITS / 3, |step| put(&*store, &many, step));
    drop(store);
    let open = timed(10, |_| drop(engine.open(folder, &options).expect("opens")));
    vec![
        ("load, an entry", load / entries),
        ("point read", read),
        ("scan, an entry", scan / entries),
        ("durable commit of 1 entry", commit),
        ("durable commit of 100", wide),
        ("open and close", open),
    ]
}

fn put(store: &dyn Store, keys: &[[u8; 8]], step: u32) {
    let value = [step.to_le_bytes()[0]; 92];
    store.write(&mut |writer| keys.iter().try_for_each(|key| writer.put(key, &value))).expect("commits");
}

/// Gives the time of one of `times` runs.
fn timed(times: u32, mut run: impl FnMut(u32)) -> Duration {
    let clock = SystemClock;
    let begun = clock.now();
    (0..times).for_each(&mut run);
    clock.now().saturating_duration_since(begun) / times
}
