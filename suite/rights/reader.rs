//! Ten thousand random statements by somebody who may only read leave every database as it was, byte by byte.

use std::fs;
use std::path::{Path, PathBuf};

use suite::faults::Seed;
use types::Code;

use crate::statements::Maker;
use crate::world::{TENANTS, World, open, run};

const STATEMENTS: usize = 10_000;

#[test]
fn f87_ten_thousand_statements_of_a_reader_change_no_byte() {
    let world = World::new();
    let seed = Seed::of_this_run();
    let replay = seed.replay();
    let databases: Vec<&str> = TENANTS.iter().map(|(name, _)| *name).chain(["sheaf", "al", "`ALPHA`"]).collect();
    let mut admin = world.session("admin");
    let content = |admin: &mut dyn suite::door::Session| TENANTS.map(|(name, _)| world.content(admin, name));
    let before = content(&mut *admin);
    drop(admin);
    let folder = world.folder.path().to_owned();
    let bytes_before = files(&folder);
    let mut maker = Maker::new(seed);
    let (mut refused, mut answered) = (0, 0);
    for user in ["reader", "partial", "valued"] {
        let mut session = world.session(user);
        for _ in 0..STATEMENTS / 3 {
            let text = maker.statement(&databases);
            match run(&mut *session, &text) {
                Ok(answer) => {
                    answered += 1;
                    let changed = answer.changes.iter().find(|(_, times)| *times > 0);
                    assert!(changed.is_none(), "{user}: {changed:?} by {text}; {replay}");
                }
                Err(problem) => refused += u32::from(problem.codes.contains(&Code::Forbidden)),
            }
        }
    }
    println!("{answered} statements were answered, {refused} refused by rights");
    assert!(
        answered > 1_000 && refused > 1_000,
        "{answered} answered, {refused} refused: the statements say too little"
    );
    let mut admin = world.session("admin");
    assert_eq!(content(&mut *admin), before, "{replay}");
    assert_eq!(files(&folder), bytes_before, "a file changed; {replay}");
    // What is on disk is what a start finds.
    drop(admin);
    let World { instance, folder } = world;
    drop(instance);
    let again = World { instance: std::sync::Arc::new(open(folder.path())), folder };
    let mut admin = again.session("admin");
    assert_eq!(TENANTS.map(|(name, _)| again.content(&mut *admin, name)), before, "{replay}");
}

/// Tells whether a file lies in the folder of a tenant: its name, and the beginning of its id.
fn is_tenants(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    TENANTS.iter().any(|(name, _)| folder.rsplit_once('-').is_some_and(|(first, _)| first == *name))
}

/// Reads the data of every tenant, file by file. What the catalog and the audit write of a refusal is their own.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is the test's own") {
            let path = entry.expect("the folder is the test's own").path();
            if path.is_dir() {
                left.push(path);
            } else if is_tenants(&path)
                && path.extension().is_some_and(|extension| extension == "mdb")
                && path.file_stem().is_some_and(|stem| stem == "data")
            {
                let bytes = fs::read(&path).expect("it is there");
                found.push((path, bytes));
            }
        }
    }
    found.sort();
    assert!(found.len() >= TENANTS.len(), "the data of a tenant was not found");
    found
}
