//! What the door promises, tried on each engine: one list of tests, run for LMDB, for encrypted stores and for memory.

mod seals;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use store::crypt::CryptEngine;
use store::lmdb::LmdbEngine;
use store::memory::MemoryEngine;
use store::{Engine, KEY_MAX_BYTES, OpenOptions, Reader, Store, StoreError, VALUE_MAX_BYTES, Writer};

/// A key above all others: no key begins with 480 bytes of 0xFF.
const END: &[u8] = &[0xFF; KEY_MAX_BYTES + 1];

fn options() -> OpenOptions {
    OpenOptions {
        create: true,
        map_start_bytes: 1 << 20,
        map_max_bytes: 64 << 20,
        readers_max: 32,
        ..Default::default()
    }
}

fn put_all(store: &dyn Store, pairs: &[(&str, &str)]) {
    let put = |writer: &mut dyn Writer| {
        pairs.iter().try_for_each(|(key, value)| writer.put(key.as_bytes(), value.as_bytes()))
    };
    store.write(&mut { put }).expect("room for a few entries");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn all(reader: &dyn Reader) -> String {
    between(reader, b"", END)
}

fn between(reader: &dyn Reader, start: &[u8], end: &[u8]) -> String {
    let mut found = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        found.push(format!("{}={}", text(key), text(value)));
        true
    };
    reader.scan(start..end, visit).expect("a sound store");
    let mut back = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        back.push(format!("{}={}", text(key), text(value)));
        true
    };
    reader.scan_back(start..end, visit).expect("a sound store");
    back.reverse();
    assert_eq!(found, back, "both directions see the same");
    found.join(" ")
}

fn snapshots_are_isolated(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    put_all(&*store, &[("a", "1")]);
    let before = store.snapshot().expect("a place");
    put_all(&*store, &[("a", "2"), ("b", "3")]);
    let after = store.snapshot().expect("a place");
    assert_eq!((all(&*before), all(&*after)), ("a=1".to_owned(), "a=2 b=3".to_owned()));
    assert_eq!(store.usage().expect("usage").readers, 2);
}

fn a_write_reads_itself(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    put_all(&*store, &[("a", "1"), ("b", "2")]);
    let work = &mut |writer: &mut dyn Writer| {
        writer.put(b"c", b"3")?;
        assert!(writer.delete(b"a")?);
        assert!(!writer.delete(b"a")?);
        assert!(!writer.delete(b"")?);
        assert_eq!(writer.get(b"a")?, None);
        assert_eq!(all(&*writer), "b=2 c=3");
        // A snapshot taken meanwhile knows nothing of it.
        assert_eq!(all(&*store.snapshot()?), "a=1 b=2");
        Ok(())
    };
    store.write(work).expect("writes");
    assert_eq!(all(&*store.snapshot().expect("a place")), "b=2 c=3");
}

fn ranges_leave_out_their_end(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    assert_eq!(all(&*store.snapshot().expect("a place")), "");
    put_all(&*store, &[("a", "1"), ("b", "2"), ("ba", "3"), ("c", "4")]);
    let snapshot = store.snapshot().expect("a place");
    for (start, end, expected) in [
        ("a", "c", "a=1 b=2 ba=3"),
        ("aa", "bb", "b=2 ba=3"),
        ("b", "b", ""),
        ("c", "a", ""),
        ("", "b", "a=1"),
        ("", "", ""),
        ("d", "e", ""),
        ("ba", "zzz", "ba=3 c=4"),
    ] {
        assert_eq!(between(&*snapshot, start.as_bytes(), end.as_bytes()), expected, "{start}..{end}");
    }
    let mut seen = 0;
    let visit = &mut |_: &[u8], _: &[u8]| {
        seen += 1;
        seen < 2
    };
    snapshot.scan(b""..END, visit).expect("scans");
    snapshot.scan_back(b""..END, visit).expect("scans");
    assert_eq!(seen, 3, "stops when told: after two forwards, after one more backwards");
}

fn many_keys_at_once(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    put_all(&*store, &[("a", "1"), ("c", "3")]);
    let mut found = Vec::new();
    let keys: [&[u8]; 5] = [b"c", b"b", b"a", b"a", b""];
    let visit = &mut |place: usize, value: Option<&[u8]>| found.push((place, value.map(text)));
    store.snapshot().expect("a place").get_many(&keys, visit).expect("reads");
    let (one, three) = (Some("1".to_owned()), Some("3".to_owned()));
    assert_eq!(found, [(0, three), (1, None), (2, one.clone()), (3, one), (4, None)]);
}

fn ascending_keys_are_found_alike(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    let fill = &mut |writer: &mut dyn Writer| {
        (0..5_000u32).try_for_each(|n| writer.append(&(n * 2).to_be_bytes(), &n.to_le_bytes()))
    };
    store.write(fill).expect("writes");
    let snapshot = store.snapshot().expect("a place");
    // Side by side, twice the same, far apart, and from side by side to far apart.
    let dense = |n: u32| 3_000 + n;
    let twice = |n: u32| n / 2;
    let far = |n: u32| n * 97;
    let both = |n: u32| if n < 50 { n } else { n * 90 };
    for number in [&dense as &dyn Fn(u32) -> u32, &twice, &far, &both] {
        let numbers: Vec<u32> = (0..120).map(number).collect();
        let bytes: Vec<_> = numbers.iter().map(|number| number.to_be_bytes()).collect();
        let keys: Vec<&[u8]> = bytes.iter().map(|bytes| &bytes[..]).collect();
        let mut places = Vec::new();
        let visit = &mut |place: usize, value: Option<&[u8]>| {
            let is_there = numbers[place].is_multiple_of(2) && numbers[place] < 10_000;
            assert_eq!(value, is_there.then(|| (numbers[place] / 2).to_le_bytes()).as_ref().map(|bytes| &bytes[..]));
            places.push(place);
        };
        snapshot.get_many(&keys, visit).expect("reads");
        assert!(places.iter().copied().eq(0..120));
    }
}

fn many_ranges_at_once(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    let fill = &mut |writer: &mut dyn Writer| {
        (0..5_000u32).try_for_each(|n| writer.append(&(n * 2).to_be_bytes(), &n.to_le_bytes()))
    };
    store.write(fill).expect("writes");
    let snapshot = store.snapshot().expect("a place");
    // Side by side, overlapping, backwards, far apart, beyond the end; some are empty.
    let numbers = (0..300u32).map(|n| match n {
        0..100 => n * 10..n * 10 + n % 13,
        100..150 => n..n + 20,
        150..200 => 6_000 - n..6_030 - n,
        _ => n * 37..n * 37 + 5,
    });
    let bytes: Vec<_> = numbers.map(|range| range.start.to_be_bytes()..range.end.to_be_bytes()).collect();
    let mut ranges: Vec<std::ops::Range<&[u8]>> = bytes.iter().map(|range| &range.start[..]..&range.end[..]).collect();
    ranges.extend([&b""[..]..&b"\0\0\0\x09"[..], b"x"..b"a", b"\0\0"..END]);
    for limit in [1, 3, usize::MAX] {
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        for (place, range) in ranges.iter().enumerate() {
            let mut left = limit;
            let visit = &mut |key: &[u8], value: &[u8]| {
                expected.push((place, key.to_vec(), value.to_vec()));
                left -= 1;
                left > 0
            };
            snapshot.scan(range.clone(), visit).expect("reads");
        }
        let mut left = (usize::MAX, limit);
        let visit = &mut |place: usize, key: &[u8], value: &[u8]| {
            if left.0 != place {
                left = (place, limit);
            }
            found.push((place, key.to_vec(), value.to_vec()));
            left.1 -= 1;
            left.1 > 0
        };
        snapshot.scan_many(&ranges, visit).expect("reads");
        assert!(expected == found, "{} and {} entries", expected.len(), found.len());
    }
}

fn appends_only_in_order(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    let work = &mut |writer: &mut dyn Writer| {
        writer.append(b"a", b"1")?;
        writer.append(b"b", b"2")?;
        assert!(matches!(writer.append(b"b", b"x"), Err(StoreError::Order)));
        assert!(matches!(writer.append(b"a", b"x"), Err(StoreError::Order)));
        // The refusal changed nothing, and the write goes on.
        writer.append(b"c", b"3")
    };
    store.write(work).expect("writes");
    assert_eq!(all(&*store.snapshot().expect("a place")), "a=1 b=2 c=3");
}

fn too_long_is_refused(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    let (key, value) = ([7; KEY_MAX_BYTES + 1], vec![7; VALUE_MAX_BYTES + 1]);
    let work = &mut |writer: &mut dyn Writer| {
        for (key, value) in [(&key[..], &b"v"[..]), (b"k", &value), (b"", b"v")] {
            assert!(matches!(writer.put(key, value), Err(StoreError::TooLong { .. })));
            assert!(matches!(writer.append(key, value), Err(StoreError::TooLong { .. })));
        }
        writer.put(&key[..KEY_MAX_BYTES], &value[..VALUE_MAX_BYTES])?;
        writer.put(b"empty value", b"")
    };
    store.write(work).expect("writes");
    let snapshot = store.snapshot().expect("a place");
    assert_eq!(snapshot.get(&key[..KEY_MAX_BYTES]).expect("reads").map(|value| value.len()), Some(VALUE_MAX_BYTES));
    assert_eq!(snapshot.get(b"empty value").expect("reads").as_deref(), Some(&b""[..]));
    store.check().expect("sound");
}

fn ranges_are_deleted(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    let mut filled = 0;
    let fill = &mut |writer: &mut dyn Writer| {
        let before = writer.used_bytes()?;
        (0..5_000u32).try_for_each(|number| writer.put(&number.to_be_bytes(), &[9; 100]))?;
        filled = writer.used_bytes()?;
        assert!(filled >= before + 500_000, "{filled} are used where {before} were");
        Ok(())
    };
    store.write(fill).expect("writes");
    assert_eq!(store.usage().expect("usage").used_bytes, filled, "a writer counts as the store does");
    let work = &mut |writer: &mut dyn Writer| {
        writer.delete_range(&10u32.to_be_bytes()..&4_990u32.to_be_bytes())?;
        writer.delete_range(&4u32.to_be_bytes()..&4u32.to_be_bytes())?;
        writer.delete_range(&9u32.to_be_bytes()..&0u32.to_be_bytes())
    };
    store.write(work).expect("writes");
    let mut count = 0;
    let visit = &mut |_: &[u8], _: &[u8]| {
        count += 1;
        true
    };
    store.snapshot().expect("a place").scan(b""..END, visit).expect("scans");
    assert_eq!(count, 20);
    store.check().expect("sound");
    store.write(&mut |writer: &mut dyn Writer| writer.delete_range(b""..END)).expect("writes");
    assert_eq!(all(&*store.snapshot().expect("a place")), "");
    store.check().expect("sound");
}

fn failed_work_leaves_nothing(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    put_all(&*store, &[("a", "1")]);
    let work = &mut |writer: &mut dyn Writer| {
        writer.put(b"b", b"2")?;
        writer.delete(b"a")?;
        Err(StoreError::Aborted)
    };
    assert!(matches!(store.write(work), Err(StoreError::Aborted)));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.write(&mut |writer: &mut dyn Writer| {
            writer.put(b"c", b"3")?;
            panic!("on purpose");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(all(&*store.snapshot().expect("a place")), "a=1");
    put_all(&*store, &[("d", "4")]);
    assert_eq!(all(&*store.snapshot().expect("a place")), "a=1 d=4");
}

fn content_survives_closing(engine: &dyn Engine, folder: &Path) {
    let refused = engine.open(folder, &OpenOptions::default());
    assert!(matches!(refused, Err(StoreError::NotFound { .. })), "not made unless asked");
    let store = engine.open(folder, &options()).expect("opens");
    put_all(&*store, &[("a", "1")]);
    assert!(matches!(engine.open(folder, &options()), Err(StoreError::InUse { .. })));
    assert!(matches!(engine.remove(folder), Err(StoreError::InUse { .. })));
    let snapshot = store.snapshot().expect("a place");
    drop(store);
    assert_eq!(all(&*snapshot), "a=1", "a snapshot outlives its store");
    drop(snapshot);
    let store = engine.open(folder, &OpenOptions { create: false, ..options() }).expect("opens again");
    assert_eq!(all(&*store.snapshot().expect("a place")), "a=1");
    drop(store);
    engine.remove(folder).expect("nobody has it");
    assert!(!engine.exists(folder));
    engine.remove(folder).expect("removing nothing is fine");
}

fn places_for_readers_are_bounded(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &OpenOptions { readers_max: 3, ..options() }).expect("opens");
    let mut held: Vec<_> = (0..3).map(|_| store.snapshot().expect("a place")).collect();
    assert!(matches!(store.snapshot(), Err(StoreError::Readers { readers_max: 3 })));
    // Our own reads do not need one of those places.
    store.check().expect("sound");
    assert_eq!(store.usage().expect("usage").readers, 3);
    held.pop();
    store.snapshot().expect("a place is free again");
}

fn the_largest_size_holds(engine: &dyn Engine, folder: &Path) {
    let options = OpenOptions { map_start_bytes: 64 << 10, map_max_bytes: 1 << 20, ..options() };
    let store = engine.open(folder, &options).expect("opens");
    put_all(&*store, &[("a", "1")]);
    let work = &mut |writer: &mut dyn Writer| (0..200u32).try_for_each(|n| writer.put(&n.to_be_bytes(), &[1; 10_000]));
    assert!(matches!(store.write(work), Err(StoreError::Full { .. })));
    assert_eq!(all(&*store.snapshot().expect("a place")), "a=1");
    put_all(&*store, &[("b", "2")]);
    assert_eq!(all(&*store.snapshot().expect("a place")), "a=1 b=2");
    store.check().expect("sound");
}

fn copies_are_whole(engine: &dyn Engine, folder: &Path) {
    let identity = Some([3; 16]);
    let store = engine.open(folder, &OpenOptions { identity, ..options() }).expect("opens");
    put_all(&*store, &[("a", "1"), ("b", "2")]);
    let copy = folder.join("copy");
    copy_into(engine, &*store, &copy, [4; 16]).expect("copies");
    let again = copy_into(engine, &*store, &copy, [4; 16]);
    assert!(matches!(again, Err(StoreError::Exists { .. })), "a copy never writes over a store");
    let other = engine.open(&copy, &OpenOptions { identity, ..options() });
    assert!(matches!(other, Err(StoreError::Damaged { .. })), "another database's file is noticed");
    let copied = engine.open(&copy, &OpenOptions { identity: Some([4; 16]), ..options() }).expect("opens");
    assert_eq!(all(&*copied.snapshot().expect("a place")), "a=1 b=2");
    copied.check().expect("sound");
    put_all(&*copied, &[("c", "3")]);
    assert_eq!(all(&*store.snapshot().expect("a place")), "a=1 b=2");
}

/// Makes a store out of an image of another one, in small pieces.
fn copy_into(engine: &dyn Engine, store: &dyn Store, folder: &Path, identity: [u8; 16]) -> Result<(), StoreError> {
    let mut image = store.image(&mut |_| Ok(()))?;
    engine.restore(folder, Some(identity), &mut |piece| image.read(piece, 10_000))
}

fn f24_an_image_outlives_the_growth_of_its_store(engine: &dyn Engine, folder: &Path) {
    let small = OpenOptions {
        map_start_bytes: 1 << 20,
        map_max_bytes: 1 << 30,
        grow_wait_max: Duration::from_millis(10),
        identity: Some([3; 16]),
        ..options()
    };
    let store = engine.open(folder, &small).expect("opens");
    let entry = |round: u32, number: u32| (number.to_be_bytes(), format!("{round}-{number}-{}", "x".repeat(500)));
    let fill = |round: u32, to: u32| {
        store
            .write(&mut |writer| {
                (0..to).try_for_each(|number| {
                    let (key, value) = entry(round, number);
                    writer.put(&key, value.as_bytes())
                })
            })
            .expect("writes and grows");
    };
    fill(0, 800);
    store.write(&mut |writer| writer.delete_range(&[0][..]..&100_u32.to_be_bytes()[..])).expect("frees pages");
    let mut looked = 0;
    let mut image = store
        .image(&mut |reader| {
            reader.scan(&[]..&[0xFF; 8], &mut |_, _| {
                looked += 1;
                true
            })
        })
        .expect("takes an image");
    assert_eq!(looked, 700);
    let (mut pieces, mut piece, mut round) = (Vec::new(), Vec::new(), 0);
    while image.read(&mut piece, 20_000).expect("reads") {
        pieces.push(piece.clone());
        round += 1;
        // Writes over everything, and makes the map grow again and again.
        fill(round, 800 + round * 200);
    }
    assert!(round > 10, "the image came in {round} pieces");
    assert!(image.bytes() >= pieces.iter().map(|piece| piece.len() as u64).sum());
    drop(image);
    fill(round + 1, 10);
    let (copy, mut pieces) = (folder.join("copy"), pieces.into_iter());
    let mut next = |piece: &mut Vec<u8>| Ok(pieces.next().map(|next| *piece = next).is_some());
    engine.restore(&copy, None, &mut next).expect("restores");
    let copied = engine.open(&copy, &options()).expect("opens");
    copied.check().expect("sound");
    let mut number = 100;
    let see = &mut |key: &[u8], value: &[u8]| {
        let (expected_key, expected) = entry(0, number);
        assert!(key == expected_key && value == expected.as_bytes(), "entry {number} is of the image's commit");
        number += 1;
        true
    };
    copied.snapshot().expect("a place").scan(&[]..&[0xFF; 8], see).expect("reads");
    assert_eq!(number, 800);
}

fn f24_what_is_no_image_makes_no_store(engine: &dyn Engine, folder: &Path) {
    let copy = folder.join("copy");
    let mut once = Some(vec![7; 50_001]);
    let refused = engine.restore(&copy, None, &mut |piece| Ok(once.take().map(|next| *piece = next).is_some()));
    assert!(matches!(refused, Err(StoreError::NotOurs { .. } | StoreError::TooLong { .. })), "{refused:?}");
    assert!(!engine.exists(&copy));
    let failed = engine.restore(&copy, None, &mut |_| Err(StoreError::Aborted));
    assert!(matches!(failed, Err(StoreError::Aborted)) && !engine.exists(&copy));
}

fn many_threads_read_one_snapshot(engine: &dyn Engine, folder: &Path) {
    // Large from the start: a snapshot that stays open keeps the map from growing.
    let store = engine.open(folder, &OpenOptions { map_start_bytes: 64 << 20, ..options() }).expect("opens");
    let fill = &mut |writer: &mut dyn Writer| {
        (0..20_000u32).try_for_each(|number| writer.append(&number.to_be_bytes(), &number.to_le_bytes()))
    };
    store.write(fill).expect("writes");
    let snapshot = store.snapshot().expect("a place");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for round in 0u32.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let work = &mut |writer: &mut dyn Writer| {
                    (0..200u32).try_for_each(|n| writer.put(&(n * 97).to_be_bytes(), &round.to_be_bytes()))
                };
                store.write(work).expect("writes");
            }
        });
        let readers: Vec<_> = (0..4u32)
            .map(|seed| {
                let snapshot = &snapshot;
                scope.spawn(move || {
                    for step in 0..40_000u32 {
                        let number = (step * 7919 + seed) % 20_000;
                        let value = snapshot.get(&number.to_be_bytes()).expect("reads");
                        assert_eq!(value.as_deref(), Some(&number.to_le_bytes()[..]));
                    }
                    let mut count = 0;
                    let visit = &mut |_: &[u8], _: &[u8]| {
                        count += 1;
                        true
                    };
                    snapshot.scan(b""..END, visit).expect("scans");
                    assert_eq!(count, 20_000);
                })
            })
            .collect();
        let read: Vec<_> = readers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        assert!(read.iter().all(Result::is_ok) && writing.join().is_ok());
    });
    store.check().expect("sound");
}

fn writers_take_turns(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let work = &mut |writer: &mut dyn Writer| {
                        let count = writer
                            .get(b"count")?
                            .map_or(0, |bytes| u32::from_be_bytes((*bytes).try_into().expect("four bytes")));
                        writer.put(b"count", &(count + 1).to_be_bytes())
                    };
                    store.write(work).expect("writes");
                }
            });
        }
    });
    let snapshot = store.snapshot().expect("a place");
    assert_eq!(snapshot.get(b"count").expect("reads").as_deref(), Some(&100u32.to_be_bytes()[..]));
}

fn unsynced_writes_are_read_back(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    for batch in 0..20u32 {
        // More than the first map holds, so that it grows in between.
        let work = &mut |writer: &mut dyn Writer| {
            (0..200u32).try_for_each(|n| writer.append(&(batch * 200 + n).to_be_bytes(), &[7; 1_000]))
        };
        store.write_unsynced(work).expect("writes");
    }
    store.sync().expect("a disk");
    put_all(&*store, &[("z", "1")]);
    store.check().expect("sound");
    drop(store);
    let store = engine.open(folder, &options()).expect("opens");
    assert_eq!(between(&*store.snapshot().expect("a place"), b"z", END), "z=1");
    assert_eq!(
        store.snapshot().expect("a place").get(&3_999u32.to_be_bytes()).expect("reads").as_deref(),
        Some(&[7; 1_000][..])
    );
}

/// How much is told to be used, and what all entries with a first byte have in keys and values.
fn f50_bytes_are_told_for_each_first_byte(engine: &dyn Engine, folder: &Path) {
    let store = engine.open(folder, &options()).expect("opens");
    assert_eq!(store.bytes_under(0x20, &[]).expect("empty"), 0);
    let key = |first: u8, n: u32| [&[first][..], &n.to_be_bytes()].concat();
    let long = [&b"\x20\0\x01"[..]..&b"\x20\0\x02"[..]];
    let far = [&b"\x20\0\x01"[..], &[7]].concat();
    let check = |kept: u32, has_long: bool| {
        let snapshot = store.snapshot().expect("a place");
        let used = store.usage().expect("usage").used_bytes;
        let mut sum = 0;
        for first in [0x00, 0x10, 0x20, 0x21, 0xFF] {
            let told = store.bytes_under(first, &long).expect("tells");
            let mut bytes = 0;
            let end = if first == 0xFF { END.to_vec() } else { vec![first + 1] };
            let count = &mut |key: &[u8], value: &[u8]| {
                bytes += (key.len() + value.len()) as u64;
                true
            };
            snapshot.scan(&[first]..&end, count).expect("reads");
            // Pages are filled by half and more, and what begins and ends among others is counted by its entries.
            assert!(bytes <= told && told <= 3 * bytes + 4_096, "{first}: {bytes} bytes, {told} told");
            sum += told;
        }
        // What is left are the pages that say where others are.
        assert!((sum..=sum + 8 * 4_096).contains(&used), "{sum} of {used}");
        let indexed = store.bytes_under(0x20, &long).expect("tells");
        assert!(indexed >= u64::from(kept) * 60 && (indexed >= 60_000) == (has_long || kept > 900), "{indexed}");
        assert_eq!(store.bytes_under(0x30, &long).expect("tells"), 0);
    };
    for round in 0..3 {
        let fill = &mut |writer: &mut dyn Writer| {
            (0..3_000u32).step_by(1 + round).try_for_each(|n| writer.put(&key(0x20, n << 16), &[7; 60]))?;
            (0..3_000u32).try_for_each(|n| writer.put(&key(0x10, n), &[9; 100]))?;
            (0..5u32).try_for_each(|n| writer.put(&key(0x21, n), &[9; 100]))?;
            writer.put(b"\xFFlast", b"")?;
            writer.put(&far, &[1; 60_000])
        };
        store.write(fill).expect("writes");
        check(3_000, true);
    }
    let work = &mut |writer: &mut dyn Writer| writer.delete(&far).map(drop);
    store.write(work).expect("writes");
    check(3_000, false);
    let work = &mut |writer: &mut dyn Writer| writer.delete_range(&key(0x20, 3 << 16)..&key(0x20, u32::MAX));
    store.write(work).expect("writes");
    check(3, false);
    drop(store);
    let store = engine.open(folder, &options()).expect("opens");
    let told = store.bytes_under(0x20, &long).expect("tells");
    assert!((3 * 65..1_000).contains(&told), "{told} after it was opened again");
}

/// Makes one test for each engine of each function above.
macro_rules! on_all_engines {
    ($($name:ident)*) => {
        mod lmdb {
            use super::*;
            $(#[test] fn $name() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$name(&LmdbEngine, &folder.path().join("store"));
            })*
        }
        /// F98: encrypted stores keep every promise that plain ones keep.
        mod f98_crypt {
            use super::*;
            $(#[test] fn $name() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$name(&CryptEngine::new(seals::Keys::of(7)), &folder.path().join("store"));
            })*
        }
        mod memory {
            use super::*;
            $(#[test] fn $name() {
                super::$name(&MemoryEngine::default(), Path::new("store"));
            })*
        }
    };
}

on_all_engines! {
    snapshots_are_isolated
    a_write_reads_itself
    ranges_leave_out_their_end
    many_keys_at_once
    ascending_keys_are_found_alike
    many_ranges_at_once
    appends_only_in_order
    too_long_is_refused
    ranges_are_deleted
    f50_bytes_are_told_for_each_first_byte
    failed_work_leaves_nothing
    content_survives_closing
    places_for_readers_are_bounded
    the_largest_size_holds
    copies_are_whole
    f24_an_image_outlives_the_growth_of_its_store
    f24_what_is_no_image_makes_no_store
    many_threads_read_one_snapshot
    writers_take_turns
    unsynced_writes_are_read_back
}
