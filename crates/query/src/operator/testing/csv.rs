//! Tests of `LOAD CSV`: what lines become, and what may not be read.

use std::io::Write;
use std::path::Path;

use types::{Code, Value};

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
fn bad_files_fail_with_a_reason() {
    check(
        &["file:///latin.csv"],
        false,
        "ExternalResourceFailed: 'file:///latin.csv' is not UTF-8 at line 1. Save the file as UTF-8.",
    );
    let open = "(the quote that opens at line 1 is never closed)";
    let text = "ExternalResourceFailed: Couldn't load the external resource at: file:///open.csv";
    check(&["file:///open.csv"], false, &format!("{text} {open}"));
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
