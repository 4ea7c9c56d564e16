//! What only the engine on disk has to survive: growth, damage, death, a full disk.
#![expect(clippy::print_stdout, reason = "the two processes talk through it")]

mod child;
mod power;

use std::fs;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use store::lmdb::LmdbEngine;
use store::{Engine, OpenOptions, Reader, Store, StoreError, Writer};

const END: &[u8] = &[0xFF; 481];
/// Name of the file that holds everything.
const FILE: &str = "data.mdb";
/// What has to be removed from a full disk beside what the last byte took.
const BALLAST_BYTES: usize = 0;

fn engine() -> LmdbEngine {
    LmdbEngine
}

fn options() -> OpenOptions {
    OpenOptions { create: true, map_start_bytes: 1 << 20, map_max_bytes: 256 << 20, ..Default::default() }
}

fn count(reader: &dyn Reader) -> Result<u32, StoreError> {
    let mut count = 0;
    reader.scan(b""..END, &mut |_, _| {
        count += 1;
        true
    })?;
    Ok(count)
}

/// Fills a store so that it has branch, leaf and overflow pages and a list of free pages.
fn fill(store: &dyn Store, entries: u32) {
    for part in 0..4 {
        let work = &mut |writer: &mut dyn Writer| {
            (part..entries).step_by(4).try_for_each(|n| writer.put(&n.to_be_bytes(), &child::value_of(n)))
        };
        store.write(work).expect("writes");
    }
    store.write(&mut |writer: &mut dyn Writer| writer.put(b"\xF0spare", b"")).expect("writes");
}

#[test]
fn grows_under_readers() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = OpenOptions { map_start_bytes: 64 << 10, ..options() };
    let store = LmdbEngine.open(folder.path(), &options).expect("opens");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let snapshot = store.snapshot().expect("a place");
                    // Each commit adds 1,000 entries, so a consistent view has a multiple of that.
                    assert_eq!(count(&*snapshot).expect("reads") % 1_000, 0);
                    store.usage().expect("usage");
                }
            });
        }
        let mut runs = 0;
        let grown = (0..30u32).try_for_each(|part| {
            store.write(&mut |writer: &mut dyn Writer| {
                runs += 1;
                (0..1_000).try_for_each(|n| writer.put(&(part * 1_000 + n).to_be_bytes(), &[5; 200]))
            })
        });
        done.store(true, Ordering::Relaxed);
        grown.expect("grows");
        assert!(runs > 30, "work runs again after the map has grown");
    });
    assert_eq!(count(&*store.snapshot().expect("a place")).expect("reads"), 30_000);
    store.check().expect("sound");
    let usage = store.usage().expect("usage");
    assert!(usage.map_bytes >= usage.file_bytes && usage.file_bytes >= usage.used_bytes, "{usage:?}");
}

#[test]
fn growth_gives_up_while_a_reader_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = OpenOptions { map_start_bytes: 64 << 10, grow_wait_max: Duration::from_millis(20), ..options() };
    let store = LmdbEngine.open(folder.path(), &options).expect("opens");
    let snapshot = store.snapshot().expect("a place");
    let work = &mut |writer: &mut dyn Writer| (0..100u32).try_for_each(|n| writer.put(&n.to_be_bytes(), &[1; 2_000]));
    assert!(matches!(store.write(work), Err(StoreError::Busy { readers: 1 })));
    assert_eq!(count(&*snapshot).expect("the old map still stands"), 0);
    drop(snapshot);
    store.write(work).expect("grows now");
    assert_eq!(count(&*store.snapshot().expect("a place")).expect("reads"), 100);
}

#[test]
fn an_old_reader_keeps_its_view_through_many_commits() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = LmdbEngine.open(folder.path(), &OpenOptions { map_start_bytes: 64 << 20, ..options() }).expect("opens");
    fill(&*store, 2_000);
    let old = store.snapshot().expect("a place");
    for round in 0..20u8 {
        let work =
            &mut |writer: &mut dyn Writer| (0..2_000u32).try_for_each(|n| writer.put(&n.to_be_bytes(), &[round]));
        store.write(work).expect("writes");
    }
    for n in 0..2_000u32 {
        assert_eq!(old.get(&n.to_be_bytes()).expect("reads").as_deref(), Some(&*child::value_of(n)));
    }
    store.check().expect("sound");
}

#[test]
fn a_small_store_is_small_and_quick_to_make() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bytes_max = 0;
    let stores: Vec<_> = (0..50u32)
        .map(|number| {
            let folder = folder.path().join(number.to_string());
            let store = LmdbEngine.open(&folder, &OpenOptions { create: true, ..Default::default() }).expect("opens");
            let work =
                &mut |writer: &mut dyn Writer| (0..100u32).try_for_each(|n| writer.put(&n.to_be_bytes(), &[1; 60]));
            store.write(work).expect("writes");
            use std::os::unix::fs::MetadataExt;
            let files =
                fs::read_dir(&folder).expect("reads").map(|entry| entry.expect("reads").metadata().expect("reads"));
            bytes_max = bytes_max.max(files.map(|metadata| metadata.blocks() * 512).sum::<u64>());
            store
        })
        .collect();
    assert!(bytes_max <= 64 << 10, "{bytes_max} bytes on disk");
    drop(stores);
}

#[test]
fn another_process_is_kept_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = LmdbEngine.open(folder.path(), &options()).expect("opens");
    let output = child::run("open", folder.path()).output().expect("starts");
    assert!(String::from_utf8_lossy(&output.stdout).contains("outcome: in use"), "{output:?}");
    drop(store);
    let output = child::run("open", folder.path()).output().expect("starts");
    assert!(String::from_utf8_lossy(&output.stdout).contains("outcome: opened"), "{output:?}");
}

#[test]
fn what_was_acknowledged_survives_kill() {
    for (acknowledged, kept) in child::killed_while_committing() {
        assert!(kept >= acknowledged, "commit {acknowledged} was acknowledged, {kept} is there");
        assert!(kept <= acknowledged + 2, "the reader of the pipe cannot be far behind");
    }
}

#[test]
fn a_failing_system_call_is_an_error_and_never_an_acknowledgement() {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !traced.is_ok_and(|status| status.success()) {
        println!("skipped: strace does not run here, and nothing else makes a system call fail");
        return;
    }
    let calls =
        [("fdatasync", "EIO"), ("fdatasync", "ENOSPC"), ("pwrite64", "EIO"), ("pwrite64", "ENOSPC"), ("writev", "EIO")];
    let mut hit = 0;
    for (call, error) in calls {
        for nth in [1, 2, 3, 4, 5, 7, 9, 11] {
            let folder = tempfile::tempdir().expect("a folder");
            drop(LmdbEngine.open(folder.path(), &options()).expect("opens"));
            let inject = format!("inject={call}:error={error}:when={nth}");
            let output = child::traced(&inject, "commit some", folder.path()).output().expect("starts");
            assert!(output.status.success(), "{inject}: {output:?}");
            let text = String::from_utf8_lossy(&output.stdout);
            let acknowledged = text.lines().filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok()).max();
            hit += u32::from(text.contains("refused"));
            let store = LmdbEngine.open(folder.path(), &options()).unwrap_or_else(|error| panic!("{inject}: {error}"));
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
fn a_file_that_killed_two_processes_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(LmdbEngine.open(folder.path(), &options()).expect("opens"));
    for _ in 0..2 {
        let status = child::run("die while opening", folder.path()).status().expect("starts");
        assert_eq!(status.signal(), Some(6));
    }
    let refused = LmdbEngine.open(folder.path(), &options()).map(drop).expect_err("twice is enough");
    assert!(refused.to_string().contains("died twice while opening it"), "{refused}");
    let forgiven = LmdbEngine.open(folder.path(), &OpenOptions { forgive: true, ..options() }).expect("opens");
    drop(forgiven);
    drop(LmdbEngine.open(folder.path(), &options()).expect("forgiven for good"));
    // Dying later is no reason to refuse, however often.
    for _ in 0..4 {
        assert_eq!(child::run("die when open", folder.path()).status().expect("starts").signal(), Some(6));
    }
    drop(LmdbEngine.open(folder.path(), &options()).expect("opens"));
}

#[test]
fn files_of_others_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("data.mdb");
    let mut newer = fs::read(good_file(folder.path())).expect("reads");
    newer[2048 + 8] = 99;
    for (content, reason) in [
        (Vec::new(), "too short"),
        (b"SQLite format 3\0".repeat(4096), "magic number"),
        (vec![0; 1 << 16], "magic number"),
        (child::noise(1, 100_000), "magic number"),
        (newer, "checksum"),
    ] {
        fs::write(&file, &content).expect("writes");
        let error = LmdbEngine.open(folder.path(), &options()).map(drop).expect_err("refused");
        assert!(matches!(error, StoreError::NotOurs { .. } | StoreError::Damaged { .. }));
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(fs::read(&file).expect("reads"), content, "left as it was");
    }
}

/// Makes a sound store in `folder`, closes it, and gives its file.
fn good_file(folder: &Path) -> std::path::PathBuf {
    let store = LmdbEngine.open(folder, &options()).expect("opens");
    fill(&*store, 6_000);
    folder.join("data.mdb")
}

#[test]
fn damage_never_kills_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    good_file(&folder.path().join("good"));
    let output = child::run("damage", folder.path()).output().expect("starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{:?} after {}", output.status, text.lines().last().unwrap_or_default());
    println!("{text}");
    let wrong = text.lines().filter(|line| line.ends_with("silently wrong") || line.ends_with("value changed"));
    assert_eq!(wrong.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn an_untouched_file_opens_without_a_walk_and_a_touched_one_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = good_file(folder.path());
    let file = fs::File::options().write(true).open(&path).expect("opens");
    let modified = file.metadata().expect("reads").modified().expect("a time");
    let content = fs::read(&path).expect("reads");
    let leaves = content.chunks(4096).enumerate().filter(|(_, page)| page[10] == 2);
    for (page, _) in leaves {
        // The page's own number, at which LMDB does not look.
        file.write_all_at(&[0xEE], page as u64 * 4096 + 7).expect("writes");
    }
    file.set_modified(modified).expect("sets the time");
    drop(LmdbEngine.open(folder.path(), &options()).expect("nobody was here, the time says"));
    let now = std::time::SystemTime::now();
    file.set_modified(now).expect("sets the time");
    let error = LmdbEngine.open(folder.path(), &options()).map(drop).expect_err("looked at");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_lost_reader_table_is_no_loss() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lock.mdb");
    let store = LmdbEngine.open(folder.path(), &options()).expect("opens");
    fill(&*store, 100);
    fs::remove_file(&path).expect("removes");
    fill(&*store, 200);
    drop(store);
    fs::write(&path, child::noise(3, 50_000)).expect("writes");
    let store = LmdbEngine.open(folder.path(), &options()).expect("opens");
    assert_eq!(count(&*store.snapshot().expect("a place")).expect("reads"), 201);
}

#[test]
fn a_full_disk_is_an_error_and_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(folder.path()).output();
    if !mounted.as_ref().is_ok_and(|output| output.status.success()) {
        println!("skipped: a small disk could not be mounted: {mounted:?}");
        return;
    }
    // In a child, so that a SIGBUS would be seen, and in any case unmounted after.
    let output = child::run("fill the disk", folder.path()).output();
    let unmounted = Command::new("umount").arg(folder.path()).status();
    let output = output.expect("starts");
    assert!(output.status.success(), "{output:?}");
    assert!(unmounted.is_ok_and(|status| status.success()));
}

#[test]
fn f212_a_full_disk_refuses_an_opening_and_kills_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(folder.path()).output();
    if !mounted.as_ref().is_ok_and(|output| output.status.success()) {
        println!("skipped: a small disk could not be mounted: {mounted:?}");
        return;
    }
    let output = child::run("open on a full disk", folder.path()).output();
    let unmounted = Command::new("umount").arg(folder.path()).status();
    let output = output.expect("starts");
    assert!(output.status.success(), "{output:?}");
    assert!(unmounted.is_ok_and(|status| status.success()));
}
