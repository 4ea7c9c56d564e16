//! Many databases in one server: what a thousand tenants cost.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use bolt::client::Client;
use suite::process::{Process, now, parameters, run_in};
use types::{Map, Value};

use crate::cases::{Target, fresh};
use crate::table::{Row, mebibytes, time};
use crate::{BenchError, Settings};

const NODES: i64 = 100;

/// Makes and fills the databases, then restarts the server and asks some for the first time.
pub fn run(target: &Target, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    let mut client = target.connect()?;
    let started = now();
    for number in 0..settings.databases {
        fill(&mut client, number)?;
    }
    let made = started.elapsed();
    let mut rows = vec![
        fact("databases made, 100 nodes each", settings.databases.to_string()),
        fact("time", time(made)),
        fact("time for one", time(made / u32::try_from(settings.databases.max(1)).unwrap_or(u32::MAX))),
    ];
    if let Target::Own { process, folder } = target {
        let data = folder.path().join("data");
        let bytes = bytes_on_disk(&data)?;
        rows.push(fact("disk", mebibytes(bytes)));
        rows.push(fact("disk for one", format!("{:.1} KiB", bytes as f64 / 1024.0 / settings.databases.max(1) as f64)));
        rows.push(fact("memory, all of them used", mebibytes(process.resident_bytes()?)));
        rows.extend(after_a_restart(&data, folder.path(), settings)?);
    }
    Ok(rows)
}

fn fill(client: &mut Client, number: u64) -> Result<(), BenchError> {
    let name = name(number);
    fresh(client, &name)?;
    let text = "UNWIND range(1, $nodes) AS number CREATE (:Thing {number: number, name: 'Thing ' + number})";
    run_in(client, &name, text, parameters([("nodes", Value::Integer(NODES))]))?;
    Ok(())
}

/// Starts another server on a copy of the data, so that the first one can stay as it is.
fn after_a_restart(data: &Path, folder: &Path, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    let copy = folder.join("restarted");
    copy_folder(data, &copy)?;
    let process = Process::start(&copy, [("", ""); 0])?;
    let mut rows = vec![
        fact("restart until the first answer", time(process.start_time)),
        fact("memory, none of them used", mebibytes(process.resident_bytes()?)),
    ];
    let mut client = process.connect()?;
    let mut times = Vec::new();
    for number in (0..settings.databases).step_by((settings.databases as usize / 50).max(1)) {
        let asked = now();
        let found = run_in(&mut client, &name(number), "MATCH (t:Thing) RETURN count(t)", Map::new())?;
        times.push(asked.elapsed());
        if !matches!(found[0][0], Value::Integer(NODES)) {
            return Err(BenchError::Wrong(format!("database {number} has {found:?} nodes after a restart")));
        }
    }
    times.sort_unstable();
    let at = |hundredths: usize| times.get(times.len() * hundredths / 100).copied().unwrap_or(Duration::ZERO);
    rows.push(fact("first answer of a database, median", time(at(50))));
    rows.push(fact("first answer of a database, p95", time(at(95))));
    Ok(rows)
}

fn name(number: u64) -> String {
    format!("tenant{number}")
}

fn fact(what: &str, value: String) -> Row {
    Row::Fact { what: what.to_owned(), value }
}

fn bytes_on_disk(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += metadata.blocks() * 512;
        if metadata.is_dir() {
            bytes += bytes_on_disk(&entry.path())?;
        }
    }
    Ok(bytes)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
