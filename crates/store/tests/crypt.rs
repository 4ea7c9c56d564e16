//! What encrypted stores have to survive beside the promises of the door: death, damage, a full disk, lost keys.
#![expect(clippy::print_stdout, reason = "the two processes talk through it")]

mod child;
mod power;
mod seals;

use std::fs;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use seals::Keys;
use store::crypt::CryptEngine;
use store::{Engine, OpenOptions, Reader, Store, StoreError, Writer};

const END: &[u8] = &[0xFF; 481];
/// Name of the file that holds everything.
const FILE: &str = "data.crypt";
/// What has to be removed from a full disk: a failed write keeps parts of blocks, and only its own store uses them again.
const BALLAST_BYTES: usize = 400 << 10;
/// What no file may hold.
const SECRET: &[u8] = b"a-secret-that-nobody-reads";

/// Says which keys the server of another process has.
const KEYS: &str = "STORE_TEST_KEYS";

fn engine() -> CryptEngine {
    let keys = std::env::var(KEYS).map_or(vec![7], |text| text.split(',').filter_map(|key| key.parse().ok()).collect());
    CryptEngine::new(Arc::new(Keys(std::sync::Mutex::new(keys))))
}

fn options() -> OpenOptions {
    OpenOptions { create: true, map_max_bytes: 256 << 20, identity: Some([9; 16]), ..Default::default() }
}

fn count(reader: &dyn Reader) -> Result<u32, StoreError> {
    let mut count = 0;
    reader.scan(b""..END, &mut |_, _| {
        count += 1;
        true
    })?;
    Ok(count)
}

fn fill(store: &dyn Store, entries: u32) {
    for part in 0..4 {
        let work = &mut |writer: &mut dyn Writer| {
            (part..entries).step_by(4).try_for_each(|n| writer.put(&n.to_be_bytes(), &child::value_of(n)))
        };
        store.write(work).expect("writes");
    }
    store.write(&mut |writer: &mut dyn Writer| writer.put(b"\xF0spare", b"")).expect("writes");
}

fn good_file(folder: &Path) -> PathBuf {
    let store = engine().open(folder, &options()).expect("opens");
    fill(&*store, 6_000);
    folder.join(FILE)
}

/// Tells whether any file below `folder` has these bytes in it.
fn holds(folder: &Path, bytes: &[u8]) -> Option<PathBuf> {
    fs::read_dir(folder).expect("lists").map(|entry| entry.expect("reads").path()).find_map(|path| {
        if path.is_dir() {
            return holds(&path, bytes);
        }
        let content = fs::read(&path).expect("reads");
        content.windows(bytes.len()).any(|window| window == bytes).then_some(path)
    })
}

#[test]
fn f98_no_file_holds_a_byte_of_what_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("store");
    let store = engine().open(&home, &options()).expect("opens");
    let secret = |n: u32| [SECRET, &n.to_be_bytes()].concat();
    let write = |from: u32, to: u32| {
        let work = &mut |writer: &mut dyn Writer| {
            (from..to).try_for_each(|n| writer.put(&secret(n), &secret(n).repeat(if n % 50 == 0 { 300 } else { 3 })))
        };
        store.write(work).expect("writes");
        store.write_unsynced(&mut |writer| writer.put(b"\xF0", SECRET)).expect("writes");
    };
    write(0, 3_000);
    assert_eq!(holds(&home, SECRET), None, "after writing");
    store.write(&mut |writer| writer.delete_range(&secret(100)..&secret(2_000))).expect("deletes");
    write(3_000, 4_000);
    assert_eq!(holds(&home, SECRET), None, "after deleting");
    let mut image = store.image(&mut |_| Ok(())).expect("an image");
    let (mut all, mut piece) = (Vec::new(), Vec::new());
    while image.read(&mut piece, 100_000).expect("reads") {
        all.extend_from_slice(&piece);
    }
    assert_eq!(all.len() as u64, image.bytes(), "an image says how long it is");
    assert!(!all.windows(SECRET.len()).any(|window| window == SECRET), "an image is sealed");
    let mut pieces = all.chunks(70_000).map(<[u8]>::to_vec);
    let copy = folder.path().join("copy");
    let next = &mut |piece: &mut Vec<u8>| Ok(pieces.next().map(|next| *piece = next).is_some());
    engine().restore(&copy, Some([8; 16]), next).expect("restores");
    drop((image, store));
    assert_eq!(holds(folder.path(), SECRET), None, "after closing and copying");
    let restored = engine().open(&copy, &OpenOptions { identity: Some([8; 16]), ..options() }).expect("opens");
    restored.check().expect("sound");
    assert_eq!(count(&*restored.snapshot().expect("a place")).expect("reads"), 2_101);
    assert_ne!(key_of(&home), key_of(&copy), "a copy has a key of its own");
    // The test itself: what is plain would have been found.
    let plain = folder.path().join("plain");
    let lmdb = store::lmdb::LmdbEngine.open(&plain, &options()).expect("opens");
    lmdb.write(&mut |writer| writer.put(b"k", SECRET)).expect("writes");
    assert!(holds(folder.path(), SECRET).is_some());
}

/// Gives the name of the key that a store is under.
fn key_of(home: &Path) -> Vec<u8> {
    fs::read(home.join(FILE)).expect("reads")[32..40].to_vec()
}

#[test]
fn f98_without_its_key_a_store_tells_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("store");
    let file = good_file(&home);
    let refused = |engine: &CryptEngine, part: &str| {
        let error = engine.open(&home, &OpenOptions { create: false, ..options() }).map(drop).expect_err("refused");
        assert!(error.to_string().contains(part), "{error}");
        let error = engine.glance(&home, &options()).expect_err("refused");
        assert!(error.to_string().contains(part), "{error}");
        error
    };
    let error = refused(&CryptEngine::new(Keys::of(8)), "sealed with the key 07, which is not here");
    assert!(matches!(error, StoreError::Key { .. }) && error.code() == types::Code::DatabaseStartFailed);
    let kept = fs::read(home.join("data.key")).expect("reads");
    fs::remove_file(home.join("data.key")).expect("removes");
    refused(&engine(), "data.key is gone");
    // Another database's key is no key of this one, whatever it is called.
    let other = folder.path().join("other");
    drop(engine().open(&other, &options()).expect("opens"));
    fs::copy(other.join("data.key"), home.join("data.key")).expect("copies");
    refused(&engine(), "does not hold the key");
    let mut renamed = fs::read(&file).expect("reads");
    let whole = renamed.clone();
    renamed[32..40].copy_from_slice(&key_of(&other));
    let sum = xxhash_rust::xxh3::xxh3_64(&renamed[..80]).to_le_bytes();
    renamed[80..88].copy_from_slice(&sum);
    fs::write(&file, &renamed).expect("writes");
    refused(&engine(), "is of another key");
    fs::write(&file, &whole).expect("writes");
    for at in [0, 9, 1030, 1034] {
        let mut changed = kept.clone();
        changed[at] ^= 1;
        fs::write(home.join("data.key"), &changed).expect("writes");
        refused(&engine(), "keys");
    }
    fs::write(home.join("data.key"), &kept).expect("writes");
    drop(engine().open(&home, &options()).expect("opens again"));
    let swapped = engine().open(&home, &OpenOptions { identity: Some([1; 16]), ..options() }).map(drop);
    assert!(matches!(swapped, Err(StoreError::Damaged { .. })), "{swapped:?}");
}

#[test]
fn f98_dropping_destroys_the_key_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, leaked) = (folder.path().join("store"), folder.path().join("leaked"));
    good_file(&home);
    fs::create_dir(&leaked).expect("makes");
    fs::copy(home.join(FILE), leaked.join(FILE)).expect("a thief");
    // A second name keeps the blocks of the key where they are, to see what is left in them.
    let blocks = leaked.join("blocks");
    fs::hard_link(home.join("data.key"), &blocks).expect("links");
    let sealed = fs::read(&blocks).expect("reads")[1024..1536].to_vec();
    engine().remove(&home).expect("removes");
    assert!(!home.exists() && !engine().exists(&home));
    let left = fs::read(&blocks).expect("reads");
    assert!(!left.windows(16).any(|window| window == &sealed[16..32]), "the key was written over");
    let error = engine().open(&leaked, &options()).map(drop).expect_err("of no use");
    assert!(error.to_string().contains("data.key is gone"), "{error}");
    fs::rename(&blocks, leaked.join("data.key")).expect("renames");
    assert!(matches!(engine().open(&leaked, &options()).map(drop), Err(StoreError::Key { .. })));
    engine().remove(&leaked).expect("a store without a key can be removed");
}

#[test]
fn f98_a_new_key_takes_over_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, old) = (folder.path().join("store"), folder.path().join("old"));
    good_file(&home);
    fs::create_dir(&old).expect("makes");
    fs::copy(home.join(FILE), old.join(FILE)).expect("copies");
    let before = (key_of(&home), fs::read(home.join("data.key")).expect("reads"));
    let store = engine().open(&home, &options()).expect("opens");
    assert!(matches!(engine().change_key(&home, &mut |_| Ok(())), Err(StoreError::InUse { .. })));
    drop(store);
    let stopped = engine().change_key(&home, &mut |_| Err(StoreError::Aborted));
    assert!(matches!(stopped, Err(StoreError::Aborted)));
    assert_eq!((key_of(&home), fs::read(home.join("data.key")).expect("reads")), before, "nothing happened");
    let mut steps = 0;
    let written = engine().written_nanos(&home);
    engine()
        .change_key(&home, &mut |_| {
            steps += 1;
            Ok(())
        })
        .expect("changes");
    assert!(steps > 1 && engine().written_nanos(&home) == written);
    assert_ne!(key_of(&home), before.0);
    let store = engine().open(&home, &options()).expect("opens");
    store.check().expect("sound");
    assert_eq!(count(&*store.snapshot().expect("a place")).expect("reads"), 6_001);
    drop(store);
    // The old key is nowhere: the old file is of no use with what the folder holds now.
    fs::copy(home.join("data.key"), old.join("data.key")).expect("copies");
    let error = engine().open(&old, &options()).map(drop).expect_err("of no use");
    assert!(error.to_string().contains("does not hold the key"), "{error}");
    assert!(matches!(store::lmdb::LmdbEngine.change_key(&home, &mut |_| Ok(())), Err(StoreError::Plain { .. })));
}

#[test]
fn f98_a_new_key_of_the_server_seals_the_key_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Keys::of(7);
    let engine = CryptEngine::new(Arc::clone(&keys) as Arc<_>);
    let store = engine.open(folder.path(), &options()).expect("opens");
    store.write(&mut |writer| writer.put(b"a", b"1")).expect("writes");
    drop(store);
    keys.0.lock().expect("sound").push(11);
    assert!(engine.renew_key(folder.path()).expect("renews"));
    assert!(!engine.renew_key(folder.path()).expect("the newest sealed it"));
    keys.0.lock().expect("sound").push(12);
    drop(engine.open(folder.path(), &options()).expect("opens, and renews"));
    let newest = CryptEngine::new(Keys::of(12));
    assert_eq!(
        count(&*newest.open(folder.path(), &options()).expect("opens").snapshot().expect("a place")).ok(),
        Some(1)
    );
}

#[test]
fn f98_a_kill_while_the_key_is_sealed_anew_loses_nothing() {
    for keys in [vec![7], vec![7, 11], vec![11]] {
        let folder = tempfile::tempdir().expect("a folder");
        drop(engine().open(folder.path(), &options()).expect("opens"));
        let mut opening = child::run("open", folder.path());
        opening.env(KEYS, "7,11").env(types::failpoint::VARIABLE, "crypt.renew.added");
        assert_eq!(opening.status().expect("starts").signal(), Some(6));
        let engine = CryptEngine::new(Arc::new(Keys(std::sync::Mutex::new(keys))));
        engine.glance(folder.path(), &options()).expect("either seal will do");
        engine.open(folder.path(), &options()).expect("opens").check().expect("sound");
        let bytes = fs::read(folder.path().join("data.key")).expect("reads");
        let taken = [1024, 2048].map(|at| bytes[at..at + 512].iter().any(|byte| *byte != 0));
        assert!(taken[0] != taken[1], "one place is left");
    }
}

#[test]
fn f98_looking_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = good_file(folder.path());
    // As a process leaves it that died: opening it would repair it.
    assert_eq!(child::run("die when open", folder.path()).status().expect("starts").signal(), Some(6));
    let (content, keys) = (fs::read(&file).expect("reads"), fs::read(folder.path().join("data.key")).expect("reads"));
    let mut image = engine().closed_image(folder.path()).expect("an image");
    let copy = folder.path().join("copy");
    engine().restore(&copy, None, &mut |piece| image.read(piece, 1 << 20)).expect("restores");
    drop(image);
    engine().glance(folder.path(), &options()).expect("sound");
    assert!(fs::read(&file).expect("reads") == content, "the file is as it was");
    assert_eq!(fs::read(folder.path().join("data.key")).expect("reads"), keys);
    let copied = engine().open(&copy, &OpenOptions { identity: None, ..options() }).expect("opens");
    assert_eq!(count(&*copied.snapshot().expect("a place")).expect("reads"), 6_001);
    let written = engine().written_nanos(folder.path());
    let store = engine().open(folder.path(), &options()).expect("opens");
    assert_eq!(count(&*store.snapshot().expect("a place")).expect("reads"), 6_001);
    drop(store);
    assert_eq!(engine().written_nanos(folder.path()), written, "reading is no writing");
}

#[test]
fn f98_a_changed_file_is_noticed_and_never_read_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    good_file(&folder.path().join("good"));
    let output = child::run("damage", folder.path()).output().expect("starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{:?} after {}", output.status, text.lines().last().unwrap_or_default());
    let wrong: Vec<_> = text.lines().filter(|line| line.contains("wrong") || line.contains("value changed")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let noticed = text.lines().filter(|line| line.starts_with("outcome: bit damaged")).count();
    assert!(noticed > 10, "{text}");
}

#[test]
fn f98_what_was_acknowledged_survives_kill() {
    for (acknowledged, kept) in child::killed_while_committing() {
        assert!(kept >= acknowledged, "commit {acknowledged} was acknowledged, {kept} is there");
    }
}

#[test]
fn f98_a_failing_system_call_is_an_error_and_never_an_acknowledgement() {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !traced.is_ok_and(|status| status.success()) {
        println!("skipped: strace does not run here, and nothing else makes a system call fail");
        return;
    }
    let calls = [("fdatasync", "EIO"), ("fdatasync", "ENOSPC"), ("pwrite64", "EIO"), ("pwrite64", "ENOSPC")];
    let mut hit = 0;
    for (call, error) in calls.into_iter().chain([("ftruncate", "ENOSPC")]) {
        for nth in [1, 2, 3, 4, 5, 7, 9, 11] {
            let folder = tempfile::tempdir().expect("a folder");
            drop(engine().open(folder.path(), &options()).expect("opens"));
            let inject = format!("inject={call}:error={error}:when={nth}");
            let output = child::traced(&inject, "commit some", folder.path()).output().expect("starts");
            assert!(output.status.success(), "{inject}: {output:?}");
            let text = String::from_utf8_lossy(&output.stdout);
            let acknowledged = text.lines().filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok()).max();
            hit += u32::from(text.contains("refused"));
            let store = engine().open(folder.path(), &options()).unwrap_or_else(|error| panic!("{inject}: {error}"));
            store.check().unwrap_or_else(|error| panic!("{inject}: {error}"));
            let kept = child::last_commit(&*store).expect("reads");
            let acknowledged = acknowledged.unwrap_or(0);
            assert!(kept >= acknowledged, "{inject}: {acknowledged} was acknowledged, {kept} is there");
            store.write(&mut |writer: &mut dyn Writer| writer.put(b"z", &[0; 8])).expect("writes again");
        }
    }
    assert!(hit > 10, "only {hit} calls failed");
}

#[test]
fn f98_another_process_is_kept_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = engine().open(folder.path(), &options()).expect("opens");
    let output = child::run("open", folder.path()).output().expect("starts");
    assert!(String::from_utf8_lossy(&output.stdout).contains("outcome: in use"), "{output:?}");
    drop(store);
    let output = child::run("open", folder.path()).output().expect("starts");
    assert!(String::from_utf8_lossy(&output.stdout).contains("outcome: opened"), "{output:?}");
}

#[test]
fn f98_a_full_disk_is_an_error_and_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(folder.path()).output();
    if !mounted.as_ref().is_ok_and(|output| output.status.success()) {
        println!("skipped: a small disk could not be mounted: {mounted:?}");
        return;
    }
    let output = child::run("fill the disk", folder.path()).output();
    let unmounted = Command::new("umount").arg(folder.path()).status();
    let output = output.expect("starts");
    assert!(output.status.success(), "{output:?}");
    assert!(unmounted.is_ok_and(|status| status.success()));
}

#[test]
fn f98_a_cut_or_foreign_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = good_file(folder.path());
    let whole = fs::read(&file).expect("reads");
    let half = fs::File::options().write(true).open(&file).expect("opens");
    for bytes in [0, 100, 4_096, 9_000, 20_480, whole.len() as u64 / 2, whole.len() as u64 - 4_136] {
        half.set_len(bytes).expect("cuts");
        let error = engine().open(folder.path(), &options()).map(drop);
        let error = error.expect_err(&format!("{bytes} bytes"));
        assert!(matches!(error, StoreError::NotOurs { .. } | StoreError::Damaged { .. }), "{bytes}: {error:?}");
        half.write_all_at(&whole, 0).expect("mends");
    }
    fs::write(&file, b"SQLite format 3\0".repeat(4_096)).expect("writes");
    assert!(matches!(engine().open(folder.path(), &options()).map(drop), Err(StoreError::NotOurs { .. })));
}
