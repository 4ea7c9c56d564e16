//! Every bit of every key of a small file is flipped, and whatever is asked is answered right or not at all.

use std::fs::{self, File};
use std::ops::Range;
use std::path::Path;

use super::LmdbEngine;
use super::files::{self, DataFile};
use super::format::{self, BRANCH, Header, Meta, PAGE_BYTES, PAGE_HEADER_BYTES, u16_at, u32_at};
use super::open;
use crate::{END, Engine, OpenOptions, Store, StoreError, Writer};

/// Bytes of an entry before its key.
const NODE_BYTES: usize = 8;

/// Keys of several lengths with room between them, whatever bit is flipped.
fn keys() -> Vec<Vec<u8>> {
    let numbers = (1..25_u64).map(|number| [&[0x10][..], &(number * number * 37).to_be_bytes()].concat());
    let words = ["ant", "ante", "bee", "beetle", "cat"].map(|word| [&[0x20][..], word.as_bytes()].concat());
    numbers.chain(words).chain([vec![0x30; 200], vec![0x40, 0, 9], vec![0x40, 0, 9, 0]]).collect()
}

fn value_of(key: &[u8]) -> Vec<u8> {
    // None, some, and one that needs pages of its own.
    let bytes = match key.len() {
        200 => 3_000,
        length if length % 2 == 0 => 0,
        _ => usize::from(key[key.len() - 1]) * 2 + 200,
    };
    key.iter().copied().cycle().take(bytes).collect()
}

fn options() -> OpenOptions {
    OpenOptions { create: true, map_start_bytes: 1 << 20, ..OpenOptions::default() }
}

/// Makes the file, and gives its bytes.
fn made(folder: &Path, format: u32) -> Vec<u8> {
    DataFile::create(folder, &Header { format, identity: [0; 16] }, 1 << 20).expect("room");
    let store = LmdbEngine.open(folder, &options()).expect("opens");
    let fill = &mut |writer: &mut dyn Writer| keys().iter().try_for_each(|key| writer.put(key, &value_of(key)));
    store.write(fill).expect("room");
    drop(store);
    fs::read(folder.join(files::DATA)).expect("reads")
}

/// Finds the keys of all pages of the main tree below page `number`; the first one of a branch page means nothing.
fn places_of_keys(file: &[u8], number: u64, found: &mut Vec<Range<usize>>) {
    let at = usize::try_from(number).expect("few pages") * PAGE_BYTES as usize;
    let page = &file[at..][..PAGE_BYTES as usize];
    let is_branch = u16_at(page, 10) == BRANCH;
    for place in 0..(usize::from(u16_at(page, 12)) - PAGE_HEADER_BYTES) / 2 {
        let node = usize::from(u16_at(page, PAGE_HEADER_BYTES + 2 * place));
        let key = at + node + NODE_BYTES;
        found.push(key..key + usize::from(u16_at(page, node + 6)));
        if is_branch {
            places_of_keys(file, u32_at(page, node).into(), found);
        }
    }
}

/// Notes one entry of an answer.
fn note(answer: &mut Vec<u8>, place: usize, key: &[u8], value: Option<&[u8]>) {
    let bytes = value.map_or(0, |value| value.len() + 1);
    answer.extend([place, key.len(), bytes].map(|number| number as u16).iter().flat_map(|number| number.to_le_bytes()));
    answer.extend([key, value.unwrap_or_default()].concat());
}

type Answers = Vec<Result<Vec<u8>, StoreError>>;
type Change<'c> = &'c mut dyn FnMut(&mut dyn Writer) -> Result<Vec<u8>, StoreError>;

/// Asks for whatever there is to ask.
fn answers(store: &dyn Store) -> Answers {
    let (keys, mut answers) = (keys(), Answers::new());
    let mut asked = keys.clone();
    asked.extend(keys.iter().map(|key| [key, &[0][..]].concat()));
    asked.extend(keys.iter().map(|key| key[..key.len() - 1].to_vec()));
    asked.sort();
    let asked: Vec<&[u8]> = asked.iter().map(|key| &key[..]).collect();
    let starts: Vec<&[u8]> = [&[][..]].into_iter().chain(asked.iter().step_by(5).copied()).collect();
    let ranges: Vec<Range<&[u8]>> = (starts.windows(2).map(|pair| pair[0]..pair[1]))
        .chain(starts.iter().map(|start| *start..END))
        .chain([&[0x20][..]..&[0x30][..], &[0x10][..]..&[0x11][..], &[0x40][..]..&[0x50][..]])
        .collect();
    let snapshot = store.snapshot().expect("a place");
    let mut ask = |ask: &dyn Fn(&mut Vec<u8>) -> Result<(), StoreError>| {
        let mut answer = Vec::new();
        answers.push(ask(&mut answer).map(|()| answer));
    };
    for key in &asked {
        ask(&|answer| snapshot.get(key).map(|value| note(answer, 0, key, value.as_deref())));
    }
    for keys in [&asked[..], &asked[7..9]] {
        ask(&|answer| snapshot.get_many(keys, &mut |at, value| note(answer, at, keys[at], value)));
    }
    let all = |answer: &mut Vec<u8>, key: &[u8], value: &[u8]| {
        note(answer, 0, key, Some(value));
        true
    };
    for range in &ranges {
        ask(&|answer| snapshot.scan(range.clone(), &mut |key, value| all(answer, key, value)));
        ask(&|answer| snapshot.scan(range.clone(), &mut |key, value| !all(answer, key, value)));
        ask(&|answer| snapshot.scan_back(range.clone(), &mut |key, value| all(answer, key, value)));
        ask(&|answer| snapshot.scan_back(range.clone(), &mut |key, value| !all(answer, key, value)));
    }
    ask(&|answer| {
        snapshot.scan_many(&ranges, &mut |at, key, value| {
            note(answer, at, key, Some(value));
            true
        })
    });
    // What is changed is given up: one file serves all changes.
    let mut changed = |change: Change<'_>| {
        let mut answer = None;
        let _ = store.write(&mut |writer| {
            answer = Some(change(writer));
            Err(StoreError::Aborted)
        });
        answers.push(answer.expect("it takes writes"));
    };
    changed(&mut |writer| asked.iter().step_by(3).map(|key| Ok(u8::from(writer.delete(key)?))).collect());
    changed(&mut |writer| asked.iter().map(|key| Ok(u8::from(writer.delete(key)?))).collect());
    for range in ranges.iter().step_by(2) {
        changed(&mut |writer| {
            let mut left = Vec::new();
            writer.delete_range(range.clone())?;
            writer.scan(&[]..END, &mut |key, value| all(&mut left, key, value))?;
            Ok(left)
        });
    }
    answers
}

/// Flips each bit of each key, one after the other; gives how many were noticed, and those whose answers were wrong.
fn flip_all(format: u32) -> (usize, usize, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let good = made(folder.path(), format);
    let path = folder.path().join(files::DATA);
    let modified = fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("a time");
    let root = Meta::parse(&good[PAGE_BYTES as usize..], 1).expect("one commit").main.root;
    let mut places = Vec::new();
    places_of_keys(&good, root, &mut places);
    assert!(places.len() > keys().len() + 2, "a tree of two levels: {}", places.len());
    let right: Vec<_> = {
        let store = LmdbEngine.open(folder.path(), &options()).expect("opens");
        answers(&*store).into_iter().map(|answer| answer.expect("sound")).collect()
    };
    let (mut flips, mut noticed, mut wrong) = (0, 0, Vec::new());
    for at in places.into_iter().flatten() {
        for bit in 0..8 {
            let mut file = good.clone();
            file[at] ^= 1 << bit;
            fs::write(&path, &file).expect("writes");
            // As a disk changes a bit: the time stays, so that nobody walks over the pages first.
            File::options()
                .write(true)
                .open(&path)
                .and_then(|file| file.set_modified(modified))
                .expect("sets the time");
            flips += 1;
            let store = match LmdbEngine.open(folder.path(), &options()) {
                Ok(store) => store,
                Err(error) => {
                    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
                    noticed += 1;
                    continue;
                }
            };
            let mut is_noticed = false;
            for (answer, right) in answers(&*store).into_iter().zip(&right) {
                match answer {
                    Ok(answer) if answer == *right => {}
                    Ok(answer) => wrong.push(format!("bit {bit} at {at}: {answer:?} instead of {right:?}")),
                    Err(error) => {
                        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
                        is_noticed = true;
                    }
                }
            }
            noticed += usize::from(is_noticed);
        }
    }
    (flips, noticed, wrong)
}

#[test]
fn a7_no_flipped_bit_of_a_key_gives_a_wrong_answer() {
    let (flips, noticed, wrong) = flip_all(format::FORMAT);
    assert!(wrong.is_empty(), "{} wrong answers, such as {}", wrong.len(), wrong[0]);
    // A key above the leaves only says where two pages meet: some of its bits change nothing.
    assert!(flips > 3_000 && noticed * 100 > flips * 95, "{noticed} of {flips}");
}

/// A bit that changes in what LMDB says of the last commit must not bring back the one before it.
#[test]
fn a7_no_flipped_bit_of_a_meta_page_takes_a_commit_back() {
    let folder = tempfile::tempdir().expect("a folder");
    made(folder.path(), format::FORMAT);
    let path = folder.path().join(files::DATA);
    for commit in 2..6_u64 {
        let store = LmdbEngine.open(folder.path(), &options()).expect("opens");
        let put = &mut |writer: &mut dyn Writer| writer.put(b"\x60last", &commit.to_be_bytes());
        store.write(put).expect("room");
        // Still open: what a killed process would leave.
        let killed = fs::read(&path).expect("reads");
        drop(store);
        let closed = fs::read(&path).expect("reads");
        // What LMDB wrote: all of it after a clean stop, the number of the commit after another one.
        let all: Vec<usize> = (0..152).chain(4096..4096 + 152).collect();
        let numbers: Vec<usize> = (144..152).chain(4096 + 144..4096 + 152).collect();
        let mut taken_back = Vec::new();
        for (file, places, what) in [(&closed, all, "closed"), (&killed, numbers, "killed")] {
            for (at, bit) in places.into_iter().flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut file = file.clone();
                file[at] ^= 1 << bit;
                fs::write(&path, &file).expect("writes");
                match LmdbEngine.open(folder.path(), &options()) {
                    Err(StoreError::Damaged { .. } | StoreError::NotOurs { .. }) => {}
                    Err(error) => panic!("{what}, bit {bit} at {at}: {error}"),
                    Ok(store) => {
                        let found =
                            store.snapshot().expect("a place").get(b"\x60last").expect("reads").map(|it| it.to_vec());
                        if what == "closed" || found.as_deref() != Some(&commit.to_be_bytes()) {
                            taken_back.push((what, at % 4096, bit));
                        }
                    }
                }
            }
        }
        // Of a killed process the pages may be one commit apart either way: that bit says so.
        assert!(taken_back.iter().all(|found| *found == ("killed", 144, 1)), "after commit {commit}: {taken_back:?}");
        fs::write(&path, &closed).expect("writes");
    }
}

#[test]
fn a9_files_of_format_1_go_on_as_they_are_and_newer_ones_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = made(folder.path(), 1);
    let store = LmdbEngine.open(folder.path(), &options()).expect("opens");
    let lies_bare = |file: &[u8]| file.windows(13).any(|bytes| bytes == b"\x20beetle\x20beetl");
    assert!(lies_bare(&good));
    store.write(&mut |writer| writer.put(b"\x50new", b"plain value")).expect("room");
    let image = store.image(&mut |_| Ok(())).expect("takes an image");
    assert_eq!(image.kind(), "lmdb 1");
    assert_eq!(
        store.snapshot().expect("a place").get(b"\x50new").expect("reads").as_deref(),
        Some(&b"plain value"[..])
    );
    drop((store, image));
    let data = DataFile::look(folder.path()).expect("looks");
    assert_eq!(open::header(&data).expect("ours").format, 1);
    let file = fs::read(folder.path().join(files::DATA)).expect("reads");
    let value_end = file.windows(11).position(|bytes| bytes == b"plain value").expect("it lies there") + 11;
    assert!(file[value_end - 15..].starts_with(b"\x50newplain value"), "the value lies behind its key");
    let mut newer = good;
    let at = format::HEADER_AT as usize;
    let header = Header { format: format::FORMAT + 1, identity: [0; 16] }.print();
    newer[at..at + header.len()].copy_from_slice(&header);
    fs::write(folder.path().join(files::DATA), &newer).expect("writes");
    let error = LmdbEngine.open(folder.path(), &options()).map(drop).expect_err("newer");
    assert!(matches!(&error, StoreError::NotOurs { .. }) && error.to_string().contains("newer"), "{error}");
    assert_eq!(fs::read(folder.path().join(files::DATA)).expect("reads"), newer, "left as it was");
}

#[test]
fn f24_an_image_keeps_its_format_when_it_is_restored() {
    for format in [1, 2] {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        made(&from, format);
        let mut image = LmdbEngine.closed_image(&from).expect("takes an image");
        assert!(image.kind() == format!("lmdb {format}") && LmdbEngine.takes(image.kind()));
        LmdbEngine.restore(&to, Some([9; 16]), &mut |piece| image.read(piece, 1 << 16)).expect("room");
        let header = open::header(&DataFile::look(&to).expect("looks")).expect("ours");
        assert_eq!(header, Header { format, identity: [9; 16] });
        let store = LmdbEngine.open(&to, &options()).expect("opens");
        store.check().expect("sound");
        let snapshot = store.snapshot().expect("a place");
        let is_there = |key: &Vec<u8>| snapshot.get(key).expect("reads").as_deref() == Some(&value_of(key));
        assert!(keys().iter().all(is_there));
    }
}
