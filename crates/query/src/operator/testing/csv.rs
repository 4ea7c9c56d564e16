//! Tests of `LOAD CSV`: what lines become, and what may not be read.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use types::{Code, Failure, Value};

use super::{rows, unwind, written};
use crate::expression::Compiled;
use crate::operator::Plan;
use crate::testing::{Memory, World};

fn load(addresses: &[&str], headers: bool) -> Plan {
    let input = unwind(addresses.iter().map(|address| Value::from(*address)).collect(), 0);
    let lines = Plan::LoadCsv { input: input.into(), address: Compiled::Slot(0), headers, terminator: b';', line: 1 };
    Plan::Keep(lines.into(), vec![1])
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for tests");
    let write = |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).expect("it is writable");
    write("a.csv", b"\xef\xbb\xbfname;born;\nAnn;1980;x\n\"B;o\"\"b\";;\nCy\n");
    write("with space.csv", b"1;\"two\nlines\"\n");
    write("latin.csv", b"M\xfcnchen\n");
    write("open.csv", format!("\"{}", "x".repeat(1 << 20)).as_bytes());
    write("empty.csv", b"");
    write("signs.csv", b"\"C:\\new\\table\";C:\\new\n\"a\\\\b\";\"\\\\srv\\x\"\n\"say \\\"hi\\\"\";\"\"\"\\\\\"\n");
    write("behind.csv", b"1;\"a\"\n2;\"b\"\r\n3;\"ab\"cd\n4;\"x\" ;y\n");
    write("old.zip", b"PK");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    (0..3_000).for_each(|line| writeln!(gz, "{line}").expect("memory takes it"));
    write("many.csv.gz", &gz.finish().expect("memory takes it"));
    folder
}

fn world(folder: &Path) -> World {
    World { import_folder: Some(folder.to_owned()), ..World::of(Memory::new("g")) }
}

#[track_caller]
fn check(addresses: &[&str], headers: bool, expected: &str) {
    let folder = folder();
    assert_eq!(written(rows(&load(addresses, headers), &mut world(folder.path()))), expected);
}

#[test]
fn lines_are_lists_or_maps() {
    check(
        &["file:///a.csv"],
        true,
        "[{name: 'Ann', born: '1980'}] [{name: 'B;o\"b', born: null}] [{name: 'Cy', born: null}]",
    );
    check(&["file:/with%20space.csv"], false, "[['1', 'two\\nlines']]");
    check(
        &["file:///empty.csv", "FILE:///a.csv"],
        false,
        "[['name', 'born', null]] [['Ann', '1980', 'x']] [['B;o\"b', null, null]] [['Cy']]",
    );
    check(&["file:///empty.csv"], true, "");
}

#[test]
fn gzipped_files_are_read_in_batches() {
    let folder = folder();
    let plan = load(&["file:///many.csv.gz", "file:///many.csv.gz"], false);
    assert_eq!(rows(&plan, &mut world(folder.path())).map(|rows| rows.len()), Ok(6_000));
}

#[test]
fn only_the_import_folder_is_read() {
    let folder = folder();
    let outside = tempfile::tempdir().expect("a folder for tests");
    std::fs::write(outside.path().join("secret.csv"), "s").expect("it is writable");
    std::os::unix::fs::symlink(outside.path().join("secret.csv"), folder.path().join("link.csv")).expect("a link");
    let missing = "there is no such file in the import folder";
    let only = "an address is like file:///name.csv, a file within the import folder, or https://example.com/name.csv";
    let up = format!("file:///..{}/secret.csv", outside.path().display());
    for (address, why) in [
        ("file:///no.csv", missing),
        ("file:///link.csv", missing),
        ("file:///../../../../../../etc/passwd", missing),
        ("file:///%2e%2e/%2e%2e/etc/passwd", missing),
        (up.as_str(), missing),
        ("file:///", missing),
        ("file:////etc/passwd", missing),
        ("file://host/a.csv", only),
        ("http://example.com/a.csv", "nothing is read from other machines here"),
        ("ftp://a/b.csv", "files are not read over FTP; offer it over https, or copy it to the import folder"),
        ("a.csv", only),
        ("file:///%zz", only),
        ("file:///old.zip", "a zip archive cannot be read; unpack it, or use gzip"),
    ] {
        let failed = written(rows(&load(&[address], false), &mut world(folder.path())));
        let text = "ExternalResourceFailed: Couldn't load the external resource at:";
        assert_eq!(failed, format!("{text} {address} ({why})"));
    }
    let nowhere = rows(&load(&["file:///a.csv"], false), &mut World::of(Memory::new("g")));
    assert!(written(nowhere).ends_with("(the server has no import folder; the setting import_folder names one)"));
}

#[test]
fn a_backslash_stands_for_itself_unless_a_quote_or_another_one_is_behind_it() {
    check(
        &["file:///signs.csv"],
        false,
        r#"[['C:\\new\\table', 'C:\\new']] [['a\\b', '\\srv\\x']] [['say "hi"', '"\\']]"#,
    );
    // Also where what was read at once ends between the two.
    for ahead in (1 << 16) - 12..(1 << 16) + 4 {
        let folder = folder();
        let text = format!("{};\"a\\b\\\\c\\\"d\"\n", "x".repeat(ahead));
        std::fs::write(folder.path().join("long.csv"), text).expect("it is writable");
        let read = written(rows(&load(&["file:///long.csv"], false), &mut world(folder.path())));
        assert!(read.ends_with(r#"x', 'a\\b\\c"d']]"#), "{ahead}: {}", &read[read.len() - 40..]);
    }
}

#[test]
fn bad_files_fail_with_a_reason() {
    check(
        &["file:///latin.csv"],
        false,
        "ExternalResourceFailed: 'file:///latin.csv' is not UTF-8 at line 1. Save the file as UTF-8.",
    );
    let open = "(the quote that opens at line 1 is never closed)";
    let text = "ExternalResourceFailed: Couldn't load the external resource at: file:///open.csv";
    check(&["file:///open.csv"], false, &format!("{text} {open}"));
    let behind = "(a field of line 3 goes on behind the quote that closes it; put all of the field in quotes, and double those within it)";
    let text = "ExternalResourceFailed: Couldn't load the external resource at: file:///behind.csv";
    check(&["file:///behind.csv"], false, &format!("{text} {behind}"));
    let folder = folder();
    let mut small = World { memory_max_bytes: 1_000, ..world(folder.path()) };
    let failed = written(rows(&load(&["file:///open.csv"], false), &mut small));
    assert!(failed.contains("look for a quote that is not closed"), "{failed}");
    let number = Plan::LoadCsv {
        input: Plan::Unit.into(),
        address: Compiled::Constant(Value::Integer(1)),
        headers: false,
        terminator: b',',
        line: 0,
    };
    assert_eq!(rows(&number, &mut small).err().map(|failure| failure.code()), Some(Code::TypeError));
}

/// Files of other machines: one byte over and over, until a statement has read enough of it to have ended by now.
struct Endless {
    byte: u8,
    ended: Arc<AtomicBool>,
}

impl crate::Remote for Endless {
    fn open(&self, _address: &str) -> Result<Box<dyn Read + Send>, Failure> {
        Ok(Box::new(Flow { byte: self.byte, bytes: 0, ended: Arc::clone(&self.ended) }))
    }
}

struct Flow {
    byte: u8,
    bytes: usize,
    ended: Arc<AtomicBool>,
}

impl Read for Flow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes += buffer.len();
        self.ended.store(self.bytes > 1 << 20, Ordering::Relaxed);
        if self.bytes > 2 << 20 {
            return Err(io::Error::other("it was read on"));
        }
        buffer.fill(self.byte);
        Ok(buffer.len())
    }
}

#[test]
fn f51_a_line_that_never_ends_is_ended() {
    // Empty lines, empty fields, a long field, and a quote that is never closed.
    for (byte, headers) in [(b'\n', false), (b';', false), (b';', true), (b'x', false), (b'"', true)] {
        let ended = Arc::new(AtomicBool::new(false));
        let remote = Endless { byte, ended: Arc::clone(&ended) };
        let mut world = World { memory_max_bytes: usize::MAX, remote: Some(Box::new(remote)), ..world(Path::new("/")) };
        world.interrupted = ended;
        let failed = rows(&load(&["http://a/b.csv"], headers), &mut world).expect_err("it has no end");
        assert_eq!(failed.code(), Code::TransactionTerminated, "{byte}: {failed}");
    }
}

#[test]
fn f51_fields_are_counted_as_they_come() {
    for (byte, headers) in [(b';', false), (b';', true), (b'x', false), (b'x', true)] {
        let remote = Endless { byte, ended: Arc::default() };
        let mut world = World { memory_max_bytes: 1 << 20, remote: Some(Box::new(remote)), ..world(Path::new("/")) };
        let failed = rows(&load(&["http://a/b.csv"], headers), &mut world).expect_err("it has no end");
        assert_eq!(failed.code(), Code::MemoryLimit, "{byte}: {failed}");
        let is_long = failed.message().ends_with("A field of 'http://a/b.csv' is very long.");
        assert_eq!(is_long, byte == b'x', "{failed}");
    }
}

#[test]
fn lines_are_wide_and_long() {
    let folder = tempfile::tempdir().expect("a folder for tests");
    let long = "y".repeat(3_000_000);
    let wide: Vec<String> = (0..5_000).map(|field| format!("{field}{}", "é".repeat(field % 50))).collect();
    let content = format!("{0}\n1;{long};\"{long}\"\"\n\"\n\n{0}\n", wide.join(";"));
    std::fs::write(folder.path().join("wide.csv"), content).expect("it is writable");
    let mut world = World { memory_max_bytes: 1 << 26, ..world(folder.path()) };
    let list = |fields: &[String]| Value::list(fields.iter().map(|field| Value::from(field.as_str())).collect());
    let lines = rows(&load(&["file:///wide.csv"], false), &mut world).expect("it is there");
    let between = ["1".to_owned(), long.clone(), format!("{long}\"\n")];
    let row = |line: Value| Value::list(vec![line]);
    assert_eq!(lines, [row(list(&wide)), row(list(&between)), row(list(&wide))]);
    let lines = rows(&load(&["file:///wide.csv"], true), &mut world).expect("it is there");
    let map = |fields: &[String]| {
        let field = |at: usize| fields.get(at).map_or(Value::Null, |field| Value::from(field.as_str()));
        Value::map(wide.iter().enumerate().map(|(at, name)| (name.as_str().into(), field(at))).collect())
    };
    assert_eq!(lines, [row(map(&between)), row(map(&wide))]);
}

#[test]
fn lines_are_numbered_where_that_is_asked() {
    let folder = folder();
    let functions = vec![(2, Compiled::LineNumber), (3, file_function())];
    let numbered = Plan::Compute(load(&["file:///a.csv", "file:///with%20space.csv"], true).into(), functions);
    let numbered = Plan::Keep(numbered.into(), vec![2, 3]);
    let expected = "[2, 'file:///a.csv'] [3, 'file:///a.csv'] [4, 'file:///a.csv']";
    assert_eq!(written(rows(&numbered, &mut world(folder.path()))), expected);
}

fn file_function() -> Compiled {
    match crate::functions::find("file").map(|function| function.kind) {
        Some(crate::functions::Kind::Scalar(run)) => Compiled::Call(run, Vec::new()),
        other => panic!("file() is a function: {other:?}"),
    }
}
