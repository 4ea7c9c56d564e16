//! The other process: this test binary, started again to do something that may kill it.
//! Start reading at [`child`], the test that does nothing unless it is the other process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use store::{Engine, Store, StoreError, Writer};

use super::{FILE, count, engine, options};

const JOB: &str = "STORE_TEST_JOB";
const FOLDER: &str = "STORE_TEST_FOLDER";

/// Starts this binary again, to do `job` in `folder`.
pub fn run(job: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test has a file"));
    command.args(["child::child", "--exact", "--nocapture"]).env(JOB, job).env(FOLDER, folder);
    command
}

/// As [`run`], with system calls that fail as `inject` says.
pub fn traced(inject: &str, job: &str, folder: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "-e", inject]).arg(std::env::current_exe().expect("this test has a file"));
    command.args(["child::child", "--exact", "--nocapture"]).env(JOB, job).env(FOLDER, folder);
    command
}

#[test]
fn child() {
    let Ok(job) = std::env::var(JOB) else { return };
    let folder = std::env::var(FOLDER).expect("set with the job");
    let folder = Path::new(&folder);
    match job.as_str() {
        "open" => println!("outcome: {}", outcome(engine().open(folder, &options()).map(drop))),
        "commit" => commit_for_ever(folder),
        "commit some" => commit_some(folder),
        "die while opening" => {
            let _store = engine().open(folder, &store::OpenOptions { confirm: true, ..options() }).expect("opens");
            std::process::abort();
        }
        "die when open" => {
            let _store = engine().open(folder, &options()).expect("opens");
            std::process::abort();
        }
        "damage" => damage(folder),
        "fill the disk" => fill_the_disk(folder),
        "open on a full disk" => open_on_a_full_disk(folder),
        other => panic!("no job {other}"),
    }
}

fn outcome(result: Result<(), StoreError>) -> &'static str {
    match result {
        Ok(()) => "opened",
        Err(StoreError::InUse { .. }) => "in use",
        Err(StoreError::Damaged { .. }) => "damaged",
        Err(StoreError::NotOurs { .. }) => "not ours",
        Err(_) => "another error",
    }
}

/// Each commit changes a hundred entries to its own number, and the number is printed once it is durable.
fn commit_for_ever(folder: &Path) {
    let store = engine().open(folder, &options()).expect("opens");
    let first = last_commit(&*store).expect("reads") + 1;
    for number in first.. {
        let work = &mut |writer: &mut dyn Writer| {
            (0..100u32).try_for_each(|n| writer.put(&(n * 31).to_be_bytes(), &number.to_be_bytes().repeat(40)))
        };
        store.write(work).expect("commits");
        println!("acknowledged {number}");
    }
}

/// As [`commit_for_ever`], but six times, and in spite of errors: after one that was unclear all others must fail.
fn commit_some(folder: &Path) {
    let Ok(store) = engine().open(folder, &options()) else { return println!("refused to open") };
    let mut poisoned = false;
    for number in 1..=6u64 {
        let work = &mut |writer: &mut dyn Writer| {
            (0..100u32).try_for_each(|n| writer.put(&(n * 31).to_be_bytes(), &number.to_be_bytes().repeat(40)))
        };
        match store.write(work) {
            Ok(()) => {
                assert!(!poisoned, "a poisoned store takes no writes");
                println!("acknowledged {number}");
            }
            Err(error) => {
                println!("refused: {error:?}");
                assert!(!poisoned || matches!(error, StoreError::Poisoned), "{error:?}");
                poisoned |= !matches!(error, StoreError::Full { .. });
                // After a failed write of a meta page LMDB refuses new readers too; whoever reads already goes on.
                assert!(matches!(last_commit(&*store), Ok(_) | Err(StoreError::Poisoned)));
            }
        }
    }
}

/// Gives the number of the last commit; panics if one is there by halves.
pub fn last_commit(store: &dyn Store) -> Result<u64, StoreError> {
    let (mut numbers, snapshot) = (Vec::new(), store.snapshot()?);
    snapshot.scan(b""..super::END, &mut |_, value| {
        numbers.push(u64::from_be_bytes(value[..8].try_into().expect("eight bytes")));
        true
    })?;
    numbers.dedup();
    assert!(numbers.len() <= 1, "half a commit: {numbers:?}");
    Ok(numbers.first().copied().unwrap_or(0))
}

/// Gives bytes that look like nothing, the same for the same seed.
pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(step).take(bytes).collect()
}

pub fn value_of(number: u32) -> Vec<u8> {
    // Every fiftieth value needs overflow pages.
    let repeats = if number.is_multiple_of(50) { 3_000 } else { 15 };
    number.to_be_bytes().repeat(repeats)
}

/// Damages copies of one good file in six ways, and uses each as far as it lets us.
fn damage(folder: &Path) {
    let good = fs::read(folder.join("good").join(FILE)).expect("reads");
    let pages = good.len() / 4096;
    for seed in 0..40u64 {
        let bytes = noise(seed + 100, 16);
        let number = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let (page, other) = (number(0) % pages * 4096, number(2) % pages * 4096);
        for kind in ["bit", "header bit", "zeros", "garbage", "misplaced", "cut", "stretched"] {
            let mut file = good.clone();
            match kind {
                "bit" => file[page + number(4) % 4096] ^= 1 << (bytes[6] % 8),
                "header bit" => file[page + number(4) % 24] ^= 1 << (bytes[6] % 8),
                "zeros" => file[page..page + 4096].fill(0),
                "garbage" => file[page..page + 4096].copy_from_slice(&noise(seed, 4096)),
                "misplaced" => file.copy_within(other..other + 4096, page),
                "cut" => file.truncate(page + number(4) % 4096),
                _ => file.extend(noise(seed, 5_000)),
            }
            let changed = file != good;
            println!("trial: {kind} {seed} at page {}", page / 4096);
            println!("outcome: {kind} {}", try_file(folder, &file, changed));
        }
    }
}

fn try_file(folder: &Path, file: &[u8], changed: bool) -> &'static str {
    let (good, folder) = (folder.join("good"), folder.join("bad"));
    fs::create_dir_all(&folder).expect("makes");
    fs::write(folder.join(FILE), file).expect("writes");
    // Where there is a key, it goes with the file.
    let _ = fs::copy(good.join("data.key"), folder.join("data.key"));
    let used = use_it(&folder);
    match used {
        Ok(Found::Right) => "right",
        Ok(_) if !changed => "wrong without a change",
        Ok(Found::OtherValue) => "value changed",
        Ok(Found::Wrong) => "silently wrong",
        Err(error) => outcome(Err(error)),
    }
}

/// What reading every entry came to.
enum Found {
    Right,
    /// A value of the right length with other bytes.
    OtherValue,
    /// An entry too many, too few, or of another length.
    Wrong,
}

fn use_it(folder: &Path) -> Result<Found, StoreError> {
    let store = engine().open(folder, &options())?;
    let snapshot = store.snapshot()?;
    let mut found = if count(&*snapshot)? == 6_001 { Found::Right } else { Found::Wrong };
    for number in 0..6_000u32 {
        let value = snapshot.get(&number.to_be_bytes())?;
        if value.as_ref().map(|value| value.len()) != Some(value_of(number).len()) {
            found = Found::Wrong;
        } else if value.as_deref() != Some(&*value_of(number)) && matches!(found, Found::Right) {
            found = Found::OtherValue;
        }
    }
    drop(snapshot);
    store.write(&mut |writer: &mut dyn Writer| {
        (0..6_000u32).step_by(3).try_for_each(|n| writer.put(&n.to_be_bytes(), &[1; 900]))
    })?;
    store.check()?;
    Ok(found)
}

/// Opens a sound store where nothing else has room, more often than deaths are forgiven, then with room again.
fn open_on_a_full_disk(folder: &Path) {
    let at = folder.join("store");
    let store = engine().open(&at, &options()).expect("opens");
    store.write(&mut |writer: &mut dyn Writer| writer.put(b"a", &[7; 8])).expect("commits");
    drop(store);
    let filler = folder.join("filler");
    let mut file = fs::File::create(&filler).expect("an entry of its own");
    // Page by page at the end, so that nothing is left.
    while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
    let before = fs::read(at.join(FILE)).expect("reads");
    for _ in 0..4 {
        let refused = engine().open(&at, &options()).map(drop).expect_err("no room for the reader table");
        assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
        assert_eq!(fs::read(at.join(FILE)).expect("reads"), before, "the file is as it was");
    }
    // Room for a part of it only.
    file.set_len(file.metadata().expect("reads").len() - 3 * 4096).expect("shrinks");
    let refused = engine().open(&at, &options()).map(drop).expect_err("too little room");
    assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
    drop(file);
    fs::remove_file(&filler).expect("removes");
    let store = engine().open(&at, &options()).expect("opens once there is room");
    assert_eq!(count(&*store.snapshot().expect("a place")).expect("reads"), 1);
    store.write(&mut |writer: &mut dyn Writer| writer.put(b"b", &[7; 8])).expect("commits");
}

fn fill_the_disk(folder: &Path) {
    fs::write(folder.join("ballast"), vec![1; super::BALLAST_BYTES]).expect("room");
    let stores = ["a", "b"].map(|name| engine().open(&folder.join(name), &options()).expect("opens"));
    let write = |store: &dyn Store, number: u32| {
        store.write(&mut |writer: &mut dyn Writer| {
            (0..30u32).try_for_each(|n| writer.put(&(number * 30 + n).to_be_bytes(), &[number as u8; 3_000]))
        })
    };
    let mut kept = 0;
    let full = loop {
        match write(&*stores[0], kept) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, StoreError::Full { .. }), "{full:?}");
    // As good as full: make it full to the last byte, so that small writes fail as well.
    let spare = fs::File::create(folder.join("spare")).expect("a name needs no room");
    let mut at = 0;
    while let Ok(more) = spare.write_at(&[1; 512], at) {
        at += more as u64;
    }
    for _ in 0..20 {
        let again = write(&*stores[0], kept);
        assert!(matches!(again, Err(StoreError::Full { .. })), "{again:?}");
        let small = stores[1].write(&mut |writer: &mut dyn Writer| writer.put(b"a", &[1; 5_000]));
        assert!(matches!(small, Err(StoreError::Full { .. })), "{small:?}");
    }
    for store in &stores {
        store.check().expect("sound");
    }
    assert_eq!(count(&*stores[0].snapshot().expect("a place")).expect("reads"), kept * 30);
    drop(spare);
    for name in ["spare", "ballast"] {
        fs::remove_file(folder.join(name)).expect("removes");
    }
    for (number, store) in stores.iter().enumerate() {
        write(&**store, kept + number as u32)
            .or_else(|_| store.write(&mut |writer: &mut dyn Writer| writer.put(b"a", b"b")))
            .expect("room again");
        store.check().expect("sound");
    }
    drop(stores);
    for name in ["a", "b"] {
        engine().open(&folder.join(name), &options()).expect("opens").check().expect("sound");
    }
}

/// Kills a process that commits, again and again; gives what it had acknowledged each time, and what is kept.
pub fn killed_while_committing() -> Vec<(u64, u64)> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged = 0;
    let mut outcomes = Vec::new();
    for round in 0..8_u64 {
        let mut child = run("commit", folder.path()).stdout(std::process::Stdio::piped()).spawn().expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut left = 5 + round * 7;
        for line in lines {
            let line = line.expect("reads");
            let Some(number) = line.strip_prefix("acknowledged ") else { continue };
            acknowledged = number.parse().expect("a number");
            left -= 1;
            if left == 0 {
                child.kill().expect("kills");
                break;
            }
        }
        assert_eq!(child.wait().expect("waits").signal(), Some(9));
        let store = engine().open(folder.path(), &options()).expect("opens without help");
        store.check().expect("sound");
        outcomes.push((acknowledged, last_commit(&*store).expect("reads")));
    }
    outcomes
}
