//! Plays every script of `suite/scripts/`, each through every face, on a fresh system.

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use suite::script::{file, play};
use suite::system::{self, Open, Users, Wanted};

fn main() {
    let folder = suite::folder().join("scripts");
    let paths = play::scripts(&folder).expect("the folder of scripts can be read");
    let bless = std::env::var_os("SHEAF_BLESS").is_some();
    let mut trials = Vec::new();
    for path in paths {
        let name = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
        // One face is enough to write what is expected.
        let faces_max = if bless { 1 } else { usize::MAX };
        for (face, open) in system::faces().into_iter().take(faces_max) {
            let path: PathBuf = path.clone();
            trials.push(Trial::test(format!("{name} ({face})"), move || run(&path, open, bless)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(path: &Path, open: Open, bless: bool) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    let script = file::parse(&text)?;
    let users = if script.has_users() { Users::Known } else { Users::Unknown };
    let wanted = Wanted { users, disk: script.has_disk() };
    let played = play::play(&script, open(wanted)?.as_ref())?;
    if bless {
        std::fs::write(path, played.blessed.to_string())?;
        return Ok(());
    }
    if played.problems.is_empty() { Ok(()) } else { Err(played.problems.join("\n").into()) }
}
