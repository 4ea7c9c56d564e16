//! Copies of a whole database: backup, restore and clone through a running server, against the disk's own copy.
//! Start reading at [`run`].

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use suite::process::{Process, now, run_in};
use types::Map;

use crate::cases::Target;
use crate::import::imported;
use crate::table::{Row, mebibytes, time};
use crate::{BenchError, Settings};

/// An odd number of runs, so that one of them is the middle.
const RUNS: usize = 3;

/// Imports a database, then copies it in each way some times; tells the middle times and how they stand to the disk's.
pub fn run(_: &Target, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    imported(folder.path(), &data, settings.nodes)?;
    let file = data_file(&data)?;
    let bytes = fs::metadata(&file)?.len();
    let server = Process::start(&data, [("", ""); 0])?;
    let mut client = server.connect()?;
    let mut command = |text: String| -> Result<Duration, BenchError> {
        lend(&file, folder.path())?;
        let started = now();
        run_in(&mut client, "system", &text, Map::new())?;
        Ok(started.elapsed())
    };
    let (mut disk, mut backup, mut restore, mut clone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        lend(&file, folder.path())?;
        disk.push(copied(&file, &folder.path().join("plain"))?);
        backup.push(command(format!("BACKUP DATABASE people TO 'people{run}'"))?);
        restore.push(command(format!("CREATE OR REPLACE DATABASE restored FROM BACKUP 'people{run}'"))?);
        clone.push(command("CREATE OR REPLACE DATABASE cloned FROM people".to_owned())?);
    }
    let packed = fs::metadata(data.join("backups").join("people0"))?.len();
    let disk = middle(disk);
    let mut rows = vec![
        Row::fact("database", mebibytes(bytes)),
        Row::fact("backup", mebibytes(packed)),
        Row::fact("the disk's copy, synced", time(disk)),
    ];
    for (name, times) in [("backup, read back", backup), ("restore", restore), ("clone", clone)] {
        let taken = middle(times);
        let speed = 100.0 * disk.as_secs_f64() / taken.as_secs_f64().max(f64::EPSILON);
        rows.push(Row::fact(name, format!("{}, {speed:.0} % of the disk's speed", time(taken))));
    }
    Ok(rows)
}

/// Has the system hold as much memory as a copy takes: a machine that is lent its memory page by page waits for each the
/// first time, which would be held against whoever happens to come first.
fn lend(file: &Path, folder: &Path) -> io::Result<()> {
    let warm = folder.join("warm");
    fs::copy(file, &warm)?;
    fs::remove_file(warm)
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn copied(file: &Path, to: &Path) -> io::Result<Duration> {
    let started = now();
    fs::copy(file, to)?;
    File::open(to)?.sync_all()?;
    let taken = started.elapsed();
    fs::remove_file(to)?;
    Ok(taken)
}

fn data_file(data: &Path) -> Result<PathBuf, BenchError> {
    for entry in fs::read_dir(data)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("people-")) {
            return Ok(path.join("data.mdb"));
        }
    }
    Err(BenchError::Wrong("the import left no database".to_owned()))
}
