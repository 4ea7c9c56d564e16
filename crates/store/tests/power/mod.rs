//! Loss of power: what a run wrote is recorded, and the file is rebuilt as the disk may have had it at any moment.
//! A write that was not synced may have reached the disk wholly, in part, or not at all.
//! Start reading at [`what_was_synced_survives_a_loss_of_power`].

use std::fs;
use std::path::Path;
use std::process::Command;

use store::{Engine, Writer};

use super::{FILE, child, engine, options};

const IMAGES: u64 = 100;
const SECTOR_BYTES: usize = 512;

/// One thing that the recorded run did, in order.
enum Event {
    /// Bytes went to the file; `synced` says that they were on disk when the call returned.
    Write { at: usize, bytes: Vec<u8>, synced: bool },
    /// Everything before is on disk.
    Sync,
    /// The caller was told that this commit is durable.
    Acknowledged(u64),
}

#[test]
fn what_was_synced_survives_a_loss_of_power() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("recorded");
    drop(engine().open(&home, &options()).expect("opens"));
    let before = fs::read(home.join(FILE)).expect("reads");
    let Some(events) = record(&home, &folder.path().join("trace")) else { return };
    let acknowledged = events.iter().filter(|event| matches!(event, Event::Acknowledged(_))).count();
    assert!(acknowledged >= 6 && events.len() > 30, "{acknowledged} commits, {} events", events.len());
    let mut numbers = child::noise(11, 1 << 20).into_iter().map(usize::from);
    let mut number = || numbers.next().unwrap_or(0) << 8 | numbers.next().unwrap_or(0);
    let mut unlike = 0;
    for image in 0..IMAGES {
        let end = number() % (events.len() + 1);
        let (file, synced) = lose_power(&before, &events[..end], &mut number);
        let home = folder.path().join(format!("image{image}"));
        fs::create_dir(&home).expect("makes");
        fs::write(home.join(FILE), &file).expect("writes");
        // Where there is a key, nobody wrote to it meanwhile.
        let _ = fs::copy(folder.path().join("recorded").join("data.key"), home.join("data.key"));
        let store =
            engine().open(&home, &options()).unwrap_or_else(|error| panic!("image {image}, event {end}: {error}"));
        store.check().unwrap_or_else(|error| panic!("image {image}, event {end}: {error}"));
        let kept = child::last_commit(&*store).expect("reads");
        assert!(kept >= synced, "image {image}, event {end}: {synced} was acknowledged, {kept} is there");
        unlike += u64::from(kept == synced);
        store.write(&mut |writer: &mut dyn Writer| writer.put(b"z", &[0; 8])).expect("writes again");
    }
    assert!(unlike > 0, "no image lost what was not acknowledged, so nothing was tried");
}

/// Gives the file as it may be after the power went, and the last commit that was acknowledged before.
fn lose_power(before: &[u8], events: &[Event], number: &mut impl FnMut() -> usize) -> (Vec<u8>, u64) {
    let (mut disk, mut cache, mut acknowledged) = (before.to_vec(), Vec::new(), 0);
    for event in events {
        match event {
            Event::Write { at, bytes, synced: true } => put(&mut disk, *at, bytes),
            Event::Write { at, bytes, synced: false } => cache.push((*at, bytes)),
            Event::Sync => cache.drain(..).for_each(|(at, bytes)| put(&mut disk, at, bytes)),
            Event::Acknowledged(commit) => acknowledged = *commit,
        }
    }
    for (at, bytes) in cache {
        match number() % 3 {
            0 => {}
            1 => put(&mut disk, at, bytes),
            _ => {
                for (sector, bytes) in bytes.chunks(SECTOR_BYTES).enumerate() {
                    if number().is_multiple_of(2) {
                        put(&mut disk, at + sector * SECTOR_BYTES, bytes);
                    }
                }
            }
        }
    }
    (disk, acknowledged)
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Runs some commits in another process and records what it does to its file; `None` where that is not possible.
fn record(home: &Path, trace: &Path) -> Option<Vec<Event>> {
    let calls = "trace=openat,pwrite64,writev,lseek,ftruncate,fdatasync,fsync,write";
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-xx", "-s", "1000000", "-e", calls, "-o"]).arg(trace);
    let run = child::run("commit some", home);
    strace.arg(run.get_program()).args(run.get_args());
    strace.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if !strace.output().is_ok_and(|output| output.status.success()) {
        println!("skipped: strace does not run here, and nothing else shows what was written");
        return None;
    }
    let mut recorder = Recorder::default();
    fs::read_to_string(trace).expect("strace wrote it").lines().for_each(|line| recorder.read(line));
    Some(recorder.events)
}

#[derive(Default)]
struct Recorder {
    events: Vec<Event>,
    /// The file descriptor whose writes are synced at once.
    synced: Option<String>,
    /// Where the next `writev` goes.
    position: usize,
}

impl Recorder {
    /// Reads a line such as `7 pwrite64(5</folder/data.mdb>, "\x00", 1, 8192) = 1`.
    fn read(&mut self, line: &str) {
        let Some((call, arguments)) = line.split_once(' ').and_then(|(_, rest)| rest.trim_start().split_once('('))
        else {
            return;
        };
        let descriptor = arguments.split('<').next().unwrap_or_default();
        if call == "write" && descriptor == "1" {
            let printed = String::from_utf8_lossy(&strings(arguments).concat()).into_owned();
            let commit = printed.lines().find_map(|line| line.strip_prefix("acknowledged ")?.trim().parse().ok());
            self.events.extend(commit.map(Event::Acknowledged));
            return;
        }
        if !line.contains(&in_hex(FILE)) {
            return;
        }
        let synced = self.synced.as_deref() == Some(descriptor);
        let number_at =
            |place: usize| arguments.rsplit([',', ')', '=']).map(str::trim).filter(|part| !part.is_empty()).nth(place);
        match call {
            "openat" if line.contains("O_DSYNC") => {
                self.synced = line.rsplit("= ").next().and_then(|end| end.split('<').next()).map(str::to_owned);
            }
            "lseek" => self.position = number_at(0).and_then(|text| text.parse().ok()).expect("lseek gives a position"),
            "fdatasync" | "fsync" => self.events.push(Event::Sync),
            "pwrite64" => {
                let at = number_at(1).and_then(|text| text.parse().ok()).expect("pwrite64 has a position");
                self.events.push(Event::Write { at, bytes: strings(arguments).concat(), synced });
            }
            "ftruncate" => {
                let at = number_at(1).and_then(|text| text.parse().ok()).expect("ftruncate has a length");
                self.events.push(Event::Write { at, bytes: Vec::new(), synced });
            }
            "writev" => {
                // Each page of it may reach the disk without the others.
                for bytes in strings(arguments) {
                    let (at, end) = (self.position, self.position + bytes.len());
                    self.events.push(Event::Write { at, bytes, synced });
                    self.position = end;
                }
            }
            _ => {}
        }
    }
}

/// A name at the end of a path, as strace prints it.
fn in_hex(name: &str) -> String {
    let hex: String = format!("/{name}").bytes().map(|byte| format!("\\x{byte:02x}")).collect();
    hex + ">"
}

/// Gives the strings of a call, which strace prints as `"\x41\x42"`.
fn strings(arguments: &str) -> Vec<Vec<u8>> {
    let byte = |hex: &str| u8::from_str_radix(hex.get(..2)?, 16).ok();
    arguments.split('"').skip(1).step_by(2).map(|text| text.split("\\x").filter_map(byte).collect()).collect()
}
