//! What a journal promises, tried on both engines.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use types::{Clock, SystemClock};

use super::*;
use crate::crypt::{CryptEngine, SealsKeys};
use crate::lmdb::LmdbEngine;
use crate::memory::MemoryEngine;
use crate::{Engine, OpenOptions, Reader, Store, StoreError, Writer};

const IDENTITY: [u8; 16] = [7; 16];
const KEEP: Keep = Keep { bytes_max: 64 << 20, age_max: None };

/// A clock that goes on by a thousand nanoseconds each time somebody looks.
#[derive(Default)]
struct Ticks(AtomicI64);

impl Clock for Ticks {
    fn now(&self) -> Instant {
        SystemClock.now()
    }

    fn wall_nanos(&self) -> i128 {
        i128::from(self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

/// A store with a journal, and what it takes to open it again.
struct World {
    engine: Arc<dyn Engine>,
    folder: PathBuf,
    clock: Arc<Ticks>,
    keep: Keep,
    _kept: tempfile::TempDir,
}

impl World {
    fn new(engine: Arc<dyn Engine>, keep: Keep) -> Self {
        let kept = tempfile::tempdir().expect("a folder");
        let folder = kept.path().join("store");
        Self { engine, folder, clock: Arc::default(), keep, _kept: kept }
    }

    fn journal(&self) -> PathBuf {
        self.folder.join(FOLDER)
    }

    fn inner(&self) -> Arc<dyn Store> {
        let options = OpenOptions { create: true, map_start_bytes: 1 << 20, ..OpenOptions::default() };
        self.engine.open(&self.folder, &options).expect("opens")
    }

    fn open(&self) -> Journaled {
        self.over(self.inner())
    }

    fn over(&self, inner: Arc<dyn Store>) -> Journaled {
        Journaled::open(inner, self.journal(), IDENTITY, Some(self.keep), self.clock.clone()).expect("opens")
    }

    /// What somebody reads off the clock now.
    fn now(&self) -> i64 {
        i64::try_from(self.clock.wall_nanos()).expect("early")
    }

    /// Takes a backup: an image, where it stands, and when.
    fn back_up(&self, store: &dyn Store) -> Backup {
        let mut origin = None;
        let mut image = store
            .image(&mut |reader| {
                origin = Origin::of(reader);
                Ok(())
            })
            .expect("takes an image");
        let (mut pieces, mut piece) = (Vec::new(), Vec::new());
        while image.read(&mut piece, 1 << 20).expect("reads") {
            pieces.push(piece.clone());
        }
        Backup { pieces, origin: origin.expect("a journal is kept"), taken: self.now() }
    }

    /// Restores a backup and plays it forward; gives what is in it then.
    fn restore(&self, backup: &Backup, source: Source, until: i64) -> Result<String, JournalError> {
        let folder = self.folder.with_file_name("restored");
        self.engine.remove(&folder).expect("removes");
        let mut pieces = backup.pieces.iter();
        self.engine.restore(&folder, None, &mut |piece| {
            pieces.next().map_or(Ok(false), |next| {
                piece.clone_from(next);
                Ok(true)
            })
        })?;
        let store = self.engine.open(&folder, &OpenOptions::default()).expect("opens");
        assert_eq!(Origin::of(&*store.snapshot().expect("reads")), Some(backup.origin));
        let source = source.with_keys(self.engine.seals());
        Way::find(source, backup.origin, backup.taken, until)?.play(&*store, &mut |_| Ok(()))?;
        Ok(all(&*store))
    }

    /// As [`World::restore`], to this very moment.
    fn forward(&self, backup: &Backup, store: &Journaled) -> Result<String, JournalError> {
        let until = self.now();
        self.restore(backup, live(store), until)
    }
}

type Work = &'static dyn Fn(&mut dyn Writer) -> Result<(), StoreError>;

struct Backup {
    pieces: Vec<Vec<u8>>,
    origin: Origin,
    taken: i64,
}

fn put(store: &dyn Store, key: &str, value: &str) {
    store.write(&mut |writer| writer.put(key.as_bytes(), value.as_bytes())).expect("writes");
}

/// Lists what is in a store, but for the mark.
fn all(store: &dyn Store) -> String {
    let mut found = Vec::new();
    let snapshot = store.snapshot().expect("reads");
    let visit = &mut |key: &[u8], value: &[u8]| {
        if key != KEY {
            found.push(format!("{}={}", String::from_utf8_lossy(key), String::from_utf8_lossy(value)));
        }
        true
    };
    snapshot.scan(&[][..]..&[0xFF; 512][..], visit).expect("sound");
    found.join(" ")
}

/// Seals so that others do not read it by accident.
struct Seals(u8);

impl SealsKeys for Seals {
    fn seal(&self, context: &str, secret: &[u8]) -> Vec<u8> {
        [context.as_bytes(), &[0], &secret.iter().map(|byte| byte ^ self.0).collect::<Vec<u8>>()].concat()
    }

    fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, String> {
        let secret = sealed.strip_prefix(context.as_bytes()).and_then(|rest| rest.strip_prefix(&[0]));
        let secret = secret.ok_or("sealed for something else")?;
        Ok(secret.iter().map(|byte| byte ^ self.0).collect())
    }

    fn renew(&self, _: &str, _: &[u8]) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }
}

fn crypt() -> Arc<dyn Engine> {
    Arc::new(CryptEngine::new(Arc::new(Seals(0x5A))))
}

/// On every engine: that of encrypted stores has its journal sealed.
fn on_both(keep: Keep, check: impl Fn(World)) {
    check(World::new(crypt(), keep));
    check(World::new(Arc::new(LmdbEngine), keep));
    check(World::new(Arc::new(MemoryEngine::default()), keep));
}

fn live(store: &Journaled) -> Source {
    store.source().expect("opens").expect("a journal is kept")
}

fn newest_file(journal: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> =
        fs::read_dir(journal).expect("lists").map(|entry| entry.expect("lists").path()).collect();
    files.sort();
    files.pop().expect("a file")
}

#[test]
fn f24_every_moment_can_be_reached() {
    on_both(KEEP, |world| {
        let store = world.open();
        put(&store, "a", "1");
        let backup = world.back_up(&store);
        let mut moments = vec![(world.now(), all(&store))];
        let work: [Work; 5] = [
            &|writer| writer.put(b"b", b"2"),
            &|writer| writer.append(b"c", b"3"),
            &|writer| writer.delete(b"a").map(drop),
            &|writer| {
                (0..40).try_for_each(|number| writer.put(format!("d{number:02}").as_bytes(), b"4"))?;
                writer.delete_range(b"d05"..b"d38")
            },
            &|writer| writer.delete_range(&[]..&[0xFF; 512]),
        ];
        for work in work {
            store.write(&mut |writer| work(writer)).expect("writes");
            moments.push((world.now(), all(&store)));
        }
        for (until, expected) in &moments {
            assert_eq!(&world.restore(&backup, live(&store), *until).expect("plays"), expected);
        }
        // From a later backup as well, and to this very moment.
        let later = world.back_up(&store);
        put(&store, "z", "9");
        assert_eq!(world.forward(&later, &store).expect("plays"), "z=9");
        assert_eq!(world.restore(&later, live(&store), later.taken).expect("plays"), "");
        store.check().expect("sound");
    });
}

#[test]
fn f24_a_write_that_runs_twice_is_recorded_once() {
    // Larger than the map: it grows within a commit, again and again.
    on_both(KEEP, |world| {
        let store = world.open();
        let backup = world.back_up(&store);
        for round in 0..6 {
            let mut runs = 0;
            store
                .write(&mut |writer| {
                    runs += 1;
                    (0..200)
                        .try_for_each(|number| writer.put(format!("{round} {number}").as_bytes(), &[b'x'; 10_000]))?;
                    writer.put(b"runs", format!("{runs}").as_bytes())
                })
                .expect("writes");
        }
        // One that is given up leaves nothing.
        let given_up = store.write(&mut |writer| {
            writer.put(b"gone", b"1")?;
            Err(StoreError::Aborted)
        });
        assert!(matches!(given_up, Err(StoreError::Aborted)));
        assert_eq!(world.forward(&backup, &store).expect("plays"), all(&store));
        assert_eq!(verify(live(&store)).expect("sound").records, 6);
    });
}

#[test]
fn f24_what_a_crash_left_behind_the_last_commit_is_cut_off() {
    on_both(KEEP, |world| {
        let store = world.open();
        let backup = world.back_up(&store);
        put(&store, "a", "1");
        let sound = fs::metadata(newest_file(&world.journal())).expect("is there").len();
        drop(store);
        // A whole record that the store never committed, then half of one.
        let file = newest_file(&world.journal());
        let record = fs::read(&file).expect("reads")[format::HEADER_BYTES..].to_vec();
        for tail in [&record[..], &record[..20], &[0; 100]] {
            let mut bytes = fs::read(&file).expect("reads");
            bytes.extend_from_slice(tail);
            fs::write(&file, bytes).expect("writes");
            drop(world.open());
            assert_eq!(fs::metadata(&file).expect("is there").len(), sound);
        }
        fs::write(world.journal().join(folder::name(9)), b"begun and never committed").expect("writes");
        let store = world.open();
        put(&store, "b", "2");
        assert_eq!(world.forward(&backup, &store).expect("plays"), "a=1 b=2");
        assert_eq!(verify(live(&store)).expect("sound").records, 2);
    });
}

#[test]
fn f24_what_is_damaged_is_never_played_past() {
    on_both(Keep { bytes_max: 1 << 20, age_max: None }, |world| {
        let store = world.open();
        let backup = world.back_up(&store);
        for number in 0..40 {
            put(&store, &format!("{number:02}"), &incompressible(number, 5_000));
        }
        let (end, files) = (world.now(), fs::read_dir(world.journal()).expect("lists").count());
        assert!(files > 2, "{files} files");
        let first = world.journal().join(folder::name(1));
        let bytes = fs::read(&first).expect("reads");
        for at in (0..bytes.len()).step_by(bytes.len() / 50) {
            let mut bad = bytes.clone();
            bad[at] ^= 0x20;
            fs::write(&first, &bad).expect("writes");
            let error = world.restore(&backup, live(&store), end).expect_err("it is damaged");
            let is_told = matches!(
                error,
                JournalError::Damaged { .. } | JournalError::Gap { .. } | JournalError::NotJournal { .. }
            );
            assert!(is_told, "byte {at}: {error}");
            assert!(store.check().is_err(), "byte {at}");
        }
        fs::write(&first, &bytes[..bytes.len() / 2]).expect("writes");
        let error = world.restore(&backup, live(&store), end).expect_err("it was cut");
        assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
        fs::remove_file(world.journal().join(folder::name(2))).expect("removes");
        fs::write(&first, &bytes).expect("writes");
        let error = world.restore(&backup, live(&store), end).expect_err("a file is missing");
        assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
        // Up to there it leads all the same.
        assert!(world.restore(&backup, live(&store), backup.taken + 5_000).is_ok());
    });
}

/// Makes text of which no two parts are alike.
fn incompressible(seed: u64, bytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    (0..bytes).map(|_| next()).collect()
}

#[test]
fn f24_the_oldest_files_go_first() {
    let keep = Keep { bytes_max: 1 << 20, age_max: None };
    on_both(keep, |world| {
        let store = world.open();
        let first = world.back_up(&store);
        let mut last = None;
        for number in 0..400 {
            put(&store, &format!("{}", number % 7), &incompressible(number, 8_000));
            if number == 350 {
                last = Some(world.back_up(&store));
            }
        }
        let bytes = store.outline().expect("is kept").bytes;
        assert!(bytes <= keep.bytes_max + 100_000, "{bytes} bytes");
        let gone = world.forward(&first, &store).expect_err("the oldest is gone");
        assert!(matches!(gone, JournalError::Gap { .. }), "{gone}");
        let last = last.expect("was made");
        assert_eq!(world.forward(&last, &store).expect("plays"), all(&store));
        let outline = store.outline().expect("is kept");
        assert_eq!((outline.reach(first.origin.position), outline.reach(last.origin.position)), (None, Some(None)));
        // Less is kept as soon as somebody says so, and what is old goes too.
        store.set_keep(Some(Keep { bytes_max: 200 << 10, age_max: None })).expect("prunes");
        assert!(store.outline().expect("is kept").bytes <= 300 << 10);
        store.set_keep(Some(Keep { bytes_max: 200 << 10, age_max: Some(Duration::from_nanos(1)) })).expect("prunes");
        assert_eq!(store.outline().expect("is kept").files, 1);
    });
}

#[test]
fn f24_what_is_not_recorded_begins_a_new_era() {
    on_both(KEEP, |world| {
        let store = world.open();
        let before = world.back_up(&store);
        put(&store, "a", "1");
        let moment = world.now();
        store.write_unsynced(&mut |writer| writer.put(b"b", b"2")).expect("writes");
        store.write_unsynced(&mut |writer| writer.put(b"c", b"3")).expect("writes");
        store.sync().expect("syncs");
        let between = world.back_up(&store);
        store.write_unsynced(&mut |writer| writer.put(b"d", b"4")).expect("writes");
        let after = world.back_up(&store);
        let fresh = world.forward(&after, &store).expect("nothing came since");
        assert_eq!(fresh, "a=1 b=2 c=3 d=4");
        put(&store, "e", "5");
        assert_eq!(world.restore(&before, live(&store), moment).expect("plays"), "a=1");
        let error = world.forward(&before, &store).expect_err("not past the load");
        assert!(matches!(error, JournalError::Ruptured { reason: Rupture::Load, .. }), "{error}");
        let error = world.forward(&between, &store).expect_err("not past the load");
        assert!(matches!(error, JournalError::Gap { .. }), "{error}");
        assert_eq!(world.forward(&after, &store).expect("plays"), "a=1 b=2 c=3 d=4 e=5");
        store.check().expect("sound");
        drop(store);
        world.open().check().expect("sound");
    });
}

#[test]
fn f24_a_commit_larger_than_the_journal_is_no_gap_that_nobody_sees() {
    let keep = Keep { bytes_max: 1 << 20, age_max: None };
    on_both(keep, |world| {
        let store = world.open();
        put(&store, "a", "1");
        let before = world.back_up(&store);
        let fill = |writer: &mut dyn Writer| {
            (0..50).try_for_each(|number| {
                writer.put(format!("b{number}").as_bytes(), incompressible(number, 60_000).as_bytes())
            })
        };
        store.write(&mut { fill }).expect("writes");
        assert!(store.outline().expect("is kept").bytes < 10_000);
        let after = world.back_up(&store);
        put(&store, "c", "3");
        let error = world.forward(&before, &store).expect_err("it is not recorded");
        assert!(matches!(error, JournalError::Ruptured { reason: Rupture::TooLarge, .. }), "{error}");
        assert_eq!(world.forward(&after, &store).expect("plays"), all(&store));
        store.check().expect("sound");
    });
}

#[test]
fn f24_a_journal_that_vanished_begins_anew() {
    on_both(KEEP, |world| {
        let store = world.open();
        put(&store, "a", "1");
        let before = world.back_up(&store);
        put(&store, "b", "2");
        drop(store);
        fs::remove_dir_all(world.journal()).expect("removes");
        let store = world.open();
        put(&store, "c", "3");
        let error = world.forward(&before, &store).expect_err("it is gone");
        assert!(matches!(error, JournalError::Gap { .. }), "{error}");
        let after = world.back_up(&store);
        put(&store, "d", "4");
        assert_eq!(world.forward(&after, &store).expect("plays"), "a=1 b=2 c=3 d=4");
        drop(store);
        // Cut before the last commit: what the store knows of is not there.
        let file = newest_file(&world.journal());
        let bytes = fs::read(&file).expect("reads");
        fs::write(&file, &bytes[..bytes.len() - 1]).expect("writes");
        let store = world.open();
        let error = world.forward(&after, &store).expect_err("not past the damage");
        assert!(matches!(error, JournalError::Ruptured { .. } | JournalError::Damaged { .. }), "{error}");
        put(&store, "e", "5");
        assert_eq!(all(&store), "a=1 b=2 c=3 d=4 e=5");
    });
}

#[test]
fn f24_a_store_that_is_carried_away_begins_an_era_of_its_own() {
    on_both(KEEP, |world| {
        let position = |store: &Journaled| Origin::of(&*store.snapshot().expect("reads")).expect("is kept").position;
        let store = world.open();
        let first = position(&store);
        drop(store);
        assert_eq!(position(&world.open()), first, "it stays here");
        fs::remove_dir_all(world.journal()).expect("removes");
        assert_ne!(position(&world.open()).era, first.era, "else two stores would go on in one era");
    });
}

#[test]
fn f24_a_journal_is_switched_on_and_off_while_the_store_is_open() {
    on_both(KEEP, |world| {
        let inner = world.inner();
        let store =
            Journaled::open(Arc::clone(&inner), world.journal(), IDENTITY, None, world.clock.clone()).expect("opens");
        put(&store, "a", "1");
        assert!(!store.is_on() && !world.journal().exists());
        store.set_keep(Some(KEEP)).expect("begins");
        let backup = world.back_up(&store);
        put(&store, "b", "2");
        assert_eq!(world.forward(&backup, &store).expect("plays"), "a=1 b=2");
        store.set_keep(None).expect("ends");
        assert!(!store.is_on() && !world.journal().exists());
        assert_eq!(Origin::of(&*store.snapshot().expect("reads")), None);
        put(&store, "c", "3");
        store.set_keep(Some(KEEP)).expect("begins anew");
        let error = world.forward(&backup, &store).expect_err("not across the time without one");
        assert!(matches!(error, JournalError::Gap { .. }), "{error}");
        drop(store);
        // Switched off while it was closed.
        let store = Journaled::open(inner, world.journal(), IDENTITY, None, world.clock.clone()).expect("opens");
        assert!(!world.journal().exists());
        assert_eq!(all(&store), "a=1 b=2 c=3");
    });
}

/// Makes a folder what another one is, with all that is in it.
fn put_back(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("lists").map(|entry| entry.expect("lists").path()) {
        let to = to.join(entry.file_name().expect("a name"));
        match entry.is_dir() {
            true => put_back(&entry, &to),
            false => drop(fs::copy(&entry, &to).expect("copies")),
        }
    }
}

#[test]
fn f24_a_backup_of_another_history_is_never_played_forward() {
    // Those that keep files: they are put back.
    for engine in [crypt(), Arc::new(LmdbEngine)] {
        let world = World::new(engine, KEEP);
        let store = world.open();
        let first = world.back_up(&store);
        put(&store, "a", "1");
        drop(store);
        let kept = world.folder.with_file_name("kept");
        put_back(&world.folder, &kept);
        let store = world.open();
        put(&store, "lost1", "1");
        put(&store, "lost2", "2");
        let lost = world.back_up(&store);
        assert_eq!(world.forward(&lost, &store).expect("it is its own"), "a=1 lost1=1 lost2=2");
        drop(store);
        // The journal is put back with the store, or goes on in its folder.
        for keeps_journal in [false, true] {
            let journal = world.folder.with_file_name("journal");
            put_back(&world.journal(), &journal);
            put_back(&kept, &world.folder);
            if keeps_journal {
                put_back(&journal, &world.journal());
            }
            let store = world.open();
            let mut looked = Looked::default();
            assert!(looked.is_of(&world.journal(), IDENTITY, &first.origin));
            // Before there is a commit of that number, when there is one, and beyond it.
            for number in 1..=3 {
                put(&store, &format!("new{number}"), "3");
                let error = world.forward(&lost, &store).expect_err("another history");
                assert!(matches!(error, JournalError::OtherHistory { sequence: 3 }), "{error}");
                assert!(!looked.is_of(&world.journal(), IDENTITY, &lost.origin), "{number}");
                let file = world.folder.with_file_name("copy");
                copy(live(&store), &mut fs::File::create(&file).expect("makes"), &mut |_| Ok(())).expect("copies");
                let copied = Source::file(&file, IDENTITY).expect("opens");
                let until = verify(Source::file(&file, IDENTITY).expect("opens")).expect("sound").ends;
                let error = world.restore(&lost, copied, until.expect("an end")).expect_err("another history");
                assert!(matches!(error, JournalError::OtherHistory { sequence: 3 }), "{error}");
            }
            assert_eq!(world.forward(&first, &store).expect("its own"), "a=1 new1=3 new2=3 new3=3");
            let newer = world.back_up(&store);
            assert!([&first, &newer].iter().all(|own| looked.is_of(&world.journal(), IDENTITY, &own.origin)));
            // One that ended since is as little its own.
            store.write_unsynced(&mut |writer| writer.put(b"loaded", b"1")).expect("writes");
            let error = world.forward(&lost, &store).expect_err("another history");
            assert!(matches!(error, JournalError::OtherHistory { sequence: 3 }), "{error}");
            assert!(!looked.is_of(&world.journal(), IDENTITY, &lost.origin));
            drop(store);
        }
    }
}

#[test]
fn f24_a_copy_tells_what_the_journal_told() {
    on_both(Keep { bytes_max: 1 << 20, age_max: None }, |world| {
        let store = world.open();
        let backup = world.back_up(&store);
        let mut moments = Vec::new();
        for number in 0..30 {
            put(&store, &format!("{number:02}"), &incompressible(number, 5_000));
            moments.push((world.now(), all(&store)));
        }
        let file = world.folder.with_file_name("copy");
        let mut out = fs::File::create(&file).expect("makes");
        let copied = copy(live(&store), &mut out, &mut |_| Ok(())).expect("copies");
        assert_eq!(copied.records, 30);
        put(&store, "later", "1");
        let taken = || Source::file(&file, IDENTITY).expect("opens");
        for (until, expected) in moments.iter().step_by(7) {
            assert_eq!(&world.restore(&backup, taken(), *until).expect("plays"), expected);
        }
        let late = world.restore(&backup, taken(), i64::MAX).expect_err("it was not copied");
        assert!(matches!(late, JournalError::After { .. }), "{late}");
        let foreign = Source::file(&file, [8; 16]).expect("opens");
        let error = world.restore(&backup, foreign, backup.taken).expect_err("of another database");
        assert!(matches!(error, JournalError::Foreign(_)), "{error}");
        assert_eq!(verify(taken()).expect("sound").records, 30);
        let bytes = fs::read(&file).expect("reads");
        for part in 0..60 {
            let at = bytes.len() * part / 60;
            fs::write(&file, &bytes[..at]).expect("writes");
            assert!(verify(taken()).is_err(), "cut to {at} bytes");
            let mut bad = bytes.clone();
            bad[at] ^= 1 << (part % 8);
            fs::write(&file, bad).expect("writes");
            assert!(verify(taken()).is_err(), "byte {at} changed");
        }
        // A folder that nobody has open is as good, torn tail and all.
        let whole = all(&store);
        drop(store);
        let newest = newest_file(&world.journal());
        let mut torn = fs::read(&newest).expect("reads");
        torn.extend_from_slice(&[3; 30]);
        fs::write(&newest, torn).expect("writes");
        let dead = Source::folder(&world.journal(), IDENTITY).expect("opens");
        let end = dead.end.expect("known");
        assert_eq!(world.restore(&backup, dead, end).expect("plays"), whole);
    });
}

#[test]
fn f24_a_copy_of_a_journal_without_records_leads_to_its_own_time() {
    on_both(KEEP, |world| {
        let store = world.open();
        put(&store, "a", "1");
        store.write_unsynced(&mut |writer| writer.put(b"b", b"2")).expect("writes");
        let backup = world.back_up(&store);
        let file = world.folder.with_file_name("copy");
        let mut out = fs::File::create(&file).expect("makes");
        let copied = copy(live(&store), &mut out, &mut |_| Ok(())).expect("copies");
        let until = copied.ends.expect("is told");
        let taken = Source::file(&file, IDENTITY).expect("opens");
        assert_eq!(world.restore(&backup, taken, until).expect("plays"), "a=1 b=2");
    });
}

#[test]
fn f24_times_outside_are_refused() {
    on_both(KEEP, |world| {
        let store = world.open();
        let backup = world.back_up(&store);
        put(&store, "a", "1");
        let error = world.restore(&backup, live(&store), backup.taken - 1).expect_err("before the backup");
        assert!(matches!(error, JournalError::Before { .. }), "{error}");
        let error = world.restore(&backup, live(&store), i64::MAX).expect_err("not yet");
        assert!(matches!(error, JournalError::After { .. }), "{error}");
    });
}

/// A store whose commits fail, or which dies without being asked, as long as somebody says so.
struct Failing {
    inner: Arc<dyn Store>,
    fails: AtomicBool,
}

impl Store for Failing {
    fn snapshot(&self) -> Result<Arc<dyn crate::Snapshot>, StoreError> {
        self.inner.snapshot()
    }

    fn write(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.inner.write(&mut |writer| {
            work(writer)?;
            if self.fails.load(Ordering::Relaxed) {
                return Err(StoreError::Full { reason: "on purpose".to_owned() });
            }
            Ok(())
        })
    }

    fn usage(&self) -> Result<crate::Usage, StoreError> {
        self.inner.usage()
    }

    fn image(
        &self,
        look: &mut dyn FnMut(&dyn Reader) -> Result<(), StoreError>,
    ) -> Result<Box<dyn crate::Image>, StoreError> {
        self.inner.image(look)
    }

    fn check(&self) -> Result<(), StoreError> {
        self.inner.check()
    }
}

#[test]
fn f24_a_commit_that_fails_leaves_no_record() {
    on_both(KEEP, |world| {
        let failing = Arc::new(Failing { inner: world.inner(), fails: AtomicBool::new(false) });
        let store = world.over(failing.clone());
        let backup = world.back_up(&store);
        put(&store, "a", "1");
        failing.fails.store(true, Ordering::Relaxed);
        for _ in 0..3 {
            let error = store.write(&mut |writer| writer.put(b"b", b"2")).expect_err("it fails");
            assert!(matches!(error, StoreError::Full { .. }));
        }
        failing.fails.store(false, Ordering::Relaxed);
        put(&store, "c", "3");
        assert_eq!(world.forward(&backup, &store).expect("plays"), "a=1 c=3");
        assert_eq!(verify(live(&store)).expect("sound").records, 2);
    });
}

#[test]
fn f24_the_time_of_a_record_never_goes_back() {
    on_both(KEEP, |world| {
        let store = world.open();
        let backup = world.back_up(&store);
        put(&store, "a", "1");
        let moment = world.now();
        // Somebody sets the clock back.
        world.clock.0.fetch_sub(50_000, Ordering::Relaxed);
        put(&store, "b", "2");
        world.clock.0.fetch_add(100_000, Ordering::Relaxed);
        put(&store, "c", "3");
        // What came with the wrong time has that of the record before.
        assert_eq!(world.restore(&backup, live(&store), moment).expect("plays"), "a=1 b=2");
        assert_eq!(world.forward(&backup, &store).expect("plays"), "a=1 b=2 c=3");
    });
}

/// Changes a byte in the middle of a file; gives what puts it back.
fn damage(file: &Path) -> impl FnOnce() + use<> {
    let sound = fs::read(file).expect("reads");
    let mut bad = sound.clone();
    bad[sound.len() / 2] ^= 0x20;
    fs::write(file, bad).expect("writes");
    let file = file.to_owned();
    move || fs::write(file, sound).expect("writes")
}

#[test]
fn f24_damage_is_found_and_says_how_far_backups_lead() {
    on_both(Keep { bytes_max: 1 << 20, age_max: None }, |world| {
        let store = world.open();
        let backup = world.back_up(&store);
        let mut moments = vec![(world.now(), all(&store))];
        for number in 0..40 {
            put(&store, &format!("{number:02}"), &incompressible(number, 5_000));
            moments.push((world.now(), all(&store)));
        }
        let later = world.back_up(&store);
        let mut looked = Looked::default();
        assert!(store.is_ahead_of(&looked));
        let reach = |outline: &Outline, backup: &Backup| outline.reach(backup.origin.position);
        let outline = store.look(&mut looked).expect("one is kept");
        assert!(outline.flaws.is_empty() && !store.is_ahead_of(&looked), "{:?}", outline.flaws);
        assert_eq!([&backup, &later].map(|backup| reach(&outline, backup)), [Some(None); 2]);
        // In an old file: what was backed up since leads on, what was before leads up to the damage.
        let mend = damage(&world.journal().join(folder::name(1)));
        let outline = store.look(&mut looked).expect("one is kept");
        assert!(outline.flaws.len() == 1 && outline.flaws[0].is_sure, "{:?}", outline.flaws);
        assert_eq!(reach(&outline, &later), Some(None));
        let Some(Some(until)) = reach(&outline, &backup) else { panic!("it leads to {:?}", reach(&outline, &backup)) };
        let (_, expected) = moments.iter().rev().find(|(at, _)| *at <= until + 1_000).expect("not before the first");
        assert_eq!(&world.restore(&backup, live(&store), until).expect("it leads there"), expected);
        world.restore(&backup, live(&store), until + 1).expect_err("and no further");
        assert!(!store.leave_behind(&outline.flaws).expect("no need"), "new backups go on from the newest file");
        let closed = Outline::looked(&world.journal(), IDENTITY, &mut Looked::default());
        assert_eq!(reach(&closed, &backup), Some(Some(until)), "without the store too");
        mend();
        assert!(store.look(&mut looked).expect("one is kept").flaws.is_empty());
        // In the newest one: no backup goes on behind it, until a new era begins.
        let mend = damage(&newest_file(&world.journal()));
        let outline = store.look(&mut looked).expect("one is kept");
        assert_eq!((outline.flaws.len(), reach(&outline, &later)), (1, None));
        assert!(store.leave_behind(&outline.flaws).expect("writes"));
        assert!(store.check().is_err(), "an era without a file makes up for nothing");
        let newer = world.back_up(&store);
        assert_eq!(reach(&store.look(&mut looked).expect("one is kept"), &newer), Some(None));
        put(&store, "new", "1");
        assert_eq!(world.forward(&newer, &store).expect("plays"), all(&store));
        let outline = store.look(&mut looked).expect("one is kept");
        assert!(matches!(reach(&outline, &backup), Some(Some(until)) if until < newer.taken), "{outline:?}");
        assert!(!store.leave_behind(&outline.flaws).expect("once is enough"));
        mend();
        drop(store);
        // What a server that died left behind its last record is no damage.
        let file = newest_file(&world.journal());
        let mut bytes = fs::read(&file).expect("reads");
        bytes.extend_from_slice(b"half a record");
        fs::write(&file, bytes).expect("writes");
        let closed = Outline::looked(&world.journal(), IDENTITY, &mut Looked::default());
        assert!(closed.flaws.iter().all(|flaw| !flaw.is_sure), "{:?}", closed.flaws);
    });
}

#[test]
fn f24_f98_the_journal_of_an_encrypted_store_shows_nothing_and_opens_with_its_keys_only() {
    let world = World::new(crypt(), Keep { bytes_max: 1 << 20, age_max: None });
    let store = world.open();
    let backup = world.back_up(&store);
    for number in 0..40 {
        put(
            &store,
            &format!("Rumpelstiltskin{number:02}"),
            &format!("Rumpelstiltskin {}", incompressible(number, 5_000)),
        );
    }
    let holds = |path: &Path| fs::read(path).expect("reads").windows(15).any(|window| window == b"Rumpelstiltskin");
    let files = || fs::read_dir(world.journal()).expect("lists").map(|entry| entry.expect("lists").path());
    assert!(files().count() > 2 && !files().any(|file| holds(&file)));
    let copied = world.folder.with_file_name("copy");
    let copy_to = |path: &Path| copy(live(&store), &mut fs::File::create(path).expect("makes"), &mut |_| Ok(()));
    assert!(copy_to(&copied).expect("copies").is_sealed && !holds(&copied));
    // Who has no keys sums it up and plays none of it; who has others hears which is missing.
    let from_copy = || Source::file(&copied, IDENTITY).expect("opens");
    let until = verify(from_copy()).expect("sound").ends.expect("an end");
    let played = |source: Source| {
        Way::find(source, backup.origin, backup.taken, until).and_then(|way| {
            way.play(
                &*world
                    .engine
                    .open(&world.folder.with_file_name("x"), &OpenOptions { create: true, ..OpenOptions::default() })?,
                &mut |_| Ok(()),
            )
        })
    };
    let others: Arc<dyn SealsKeys> = Arc::new(Seals(1));
    assert!(matches!(played(from_copy()), Err(JournalError::Key { .. })));
    let error = played(from_copy().with_keys(Some(others))).expect_err("it is another key");
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    assert_eq!(world.restore(&backup, from_copy(), until).expect("plays"), all(&store));
    // A change that fits the sums is noticed all the same.
    let file = world.journal().join(folder::name(1));
    let mut bytes = fs::read(&file).expect("reads");
    let at = format::HEADER_BYTES + sealed::BLOCK_BYTES;
    let head: [u8; format::HEAD_BYTES] = bytes[at..at + format::HEAD_BYTES].try_into().expect("a head");
    let stored = format::Head::parse(&head).expect("a frame").stored as usize;
    let body = at + format::HEAD_BYTES..at + format::HEAD_BYTES + stored;
    bytes[body.start + 30] ^= 1;
    let before =
        format::Header::parse(bytes[..format::HEADER_BYTES].try_into().expect("a header")).ok().expect("sound").before;
    let sum = format::frame_sum(before, &bytes[at..at + format::SUMMED_BYTES], &bytes[body]);
    bytes[at + format::SUMMED_BYTES..at + format::HEAD_BYTES].copy_from_slice(&sum.to_le_bytes());
    fs::write(&file, bytes).expect("writes");
    let error = world.forward(&backup, &store).expect_err("it was changed");
    assert!(error.to_string().contains("was changed since it was sealed"), "{error}");
    // A file that goes leaves no key behind, wherever else its blocks lie.
    let (leaked, newest) = (world.folder.with_file_name("leaked"), newest_file(&world.journal()));
    fs::hard_link(&newest, &leaked).expect("links");
    let key = |path: &Path| fs::read(path).expect("reads")[format::HEADER_BYTES..at].to_vec();
    let sealed = key(&leaked);
    store.set_keep(None).expect("removes it");
    assert!(!newest.exists() && !key(&leaked).windows(16).any(|part| sealed.windows(16).any(|whole| whole == part)));
}
