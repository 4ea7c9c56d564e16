//! Import of files into a database that is made anew: people, and ten relationships for each of them.
//! Measures the whole command as a user starts it. What the files may hold is the work of `cli`.
//! Start reading at [`run`].

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use suite::process::{binary, now};

use crate::cases::{Target, anywhere};
use crate::table::{Row, mebibytes, thousands, time};
use crate::tenants::bytes_on_disk;
use crate::{BenchError, Settings};

const RELATIONSHIPS_OF_ONE: u64 = 10;
/// An odd number of runs, so that one of them is the middle.
const RUNS: usize = 3;

/// Writes files, imports them some times, and tells the middle time.
pub fn run(_: &Target, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    write_files(folder, settings.nodes)?;
    let mut times = Vec::with_capacity(RUNS);
    for number in 0..RUNS {
        times.push(import(folder, &folder.join(number.to_string()))?);
    }
    times.sort_unstable();
    let middle = times[RUNS / 2];
    let records = settings.nodes * (1 + RELATIONSHIPS_OF_ONE);
    let per_second = records as f64 / middle.as_secs_f64().max(f64::EPSILON);
    Ok(vec![
        Row::fact("nodes and relationships", thousands(records as f64)),
        Row::fact("records a second", thousands(per_second)),
        Row::fact("time, start to end", time(middle)),
        Row::fact("disk", mebibytes(bytes_on_disk(&folder.join("0"))?)),
    ])
}

/// Imports people into a data folder, for other cases to work on.
pub(crate) fn imported(files: &Path, data: &Path, nodes: u64) -> Result<(), BenchError> {
    write_files(files, nodes)?;
    import(files, data).map(drop)
}

fn write_files(folder: &Path, nodes: u64) -> Result<(), BenchError> {
    let mut people = BufWriter::new(File::create(folder.join("people.csv"))?);
    writeln!(people, "key:ID(Person),number:int,name")?;
    let mut knows = BufWriter::new(File::create(folder.join("knows.csv"))?);
    writeln!(knows, ":START_ID(Person),:END_ID(Person),since:int")?;
    for number in 0..nodes {
        writeln!(people, "p{number},{number},Person {number}")?;
        for step in 0..RELATIONSHIPS_OF_ONE {
            writeln!(knows, "p{number},p{},{}", anywhere(number, step, nodes), 1990 + step)?;
        }
    }
    people.flush()?;
    knows.flush()?;
    Ok(())
}

fn import(files: &Path, data: &Path) -> Result<Duration, BenchError> {
    let mut command = Command::new(binary());
    command.arg("import").arg("--data").arg(data).args(["--database", "people", "--index", "Person(number)"]);
    command.arg("--nodes").arg(format!("Person={}", files.join("people.csv").display()));
    command.arg("--relationships").arg(format!("KNOWS={}", files.join("knows.csv").display()));
    let started = now();
    let output = command.current_dir(files).stdin(Stdio::null()).output()?;
    let taken = started.elapsed();
    match output.status.success() {
        true => Ok(taken),
        false => Err(BenchError::Wrong(format!("the import failed: {}", String::from_utf8_lossy(&output.stderr)))),
    }
}
