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

/// Each node knows two others.
const FILL: &str = "UNWIND range(1, $nodes) AS number CREATE (t:Thing {number: number, name: 'Thing ' + number}) \
    WITH collect(t) AS things UNWIND range(0, 2 * $nodes - 1) AS number \
    WITH number, things[number % $nodes] AS one, things[(number * 7 + 1) % $nodes] AS other \
    CREATE (one)-[:NEXT {number: number}]->(other)";

/// Reads every node and relationship, unlike a count that the database keeps.
const READ: &str = "MATCH (t:Thing)-[n:NEXT]->(:Thing) WHERE t.number > 0 RETURN count(n.number)";

/// Makes and fills the databases, then restarts the server and asks some for the first time.
pub fn run(target: &Target, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    let mut client = target.connect()?;
    let started = now();
    for number in 0..settings.databases {
        fill(&mut client, number)?;
    }
    let made = started.elapsed();
    let mut rows = vec![
        Row::fact("databases of 100 nodes, 200 relationships", settings.databases.to_string()),
        Row::fact("time", time(made)),
        Row::fact("time for one", time(made / u32::try_from(settings.databases.max(1)).unwrap_or(u32::MAX))),
    ];
    if let Target::Own { process, folder } = target {
        let data = folder.path().join("data");
        let bytes = bytes_on_disk(&data)?;
        rows.push(Row::fact("disk", mebibytes(bytes)));
        rows.push(Row::fact(
            "disk for one",
            format!("{:.1} KiB", bytes as f64 / 1024.0 / settings.databases.max(1) as f64),
        ));
        rows.push(Row::fact("memory, all of them used", mebibytes(process.resident_bytes()?)));
        rows.extend(after_a_restart(&data, folder.path(), settings)?);
    }
    Ok(rows)
}

fn fill(client: &mut Client, number: u64) -> Result<(), BenchError> {
    let name = name(number);
    fresh(client, &name)?;
    run_in(client, &name, FILL, parameters([("nodes", Value::Integer(NODES))]))?;
    Ok(())
}

/// Starts another server on a copy of the data, so that the first one can stay as it is.
fn after_a_restart(data: &Path, folder: &Path, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    let copy = folder.join("restarted");
    copy_folder(data, &copy)?;
    let process = Process::start(&copy, [("", ""); 0])?;
    let mut rows = vec![
        Row::fact("restart until the first answer", time(process.start_time)),
        Row::fact("memory, none of them used", mebibytes(process.resident_bytes()?)),
    ];
    let mut client = process.connect()?;
    let mut times = Vec::new();
    for number in (0..settings.databases).step_by((settings.databases as usize / 50).max(1)) {
        let asked = now();
        let found = run_in(&mut client, &name(number), READ, Map::new())?;
        times.push(asked.elapsed());
        if !matches!(found[0][0], Value::Integer(count) if count == 2 * NODES) {
            return Err(BenchError::Wrong(format!("database {number} has {found:?} relationships after a restart")));
        }
    }
    times.sort_unstable();
    let at = |hundredths: usize| times.get(times.len() * hundredths / 100).copied().unwrap_or(Duration::ZERO);
    rows.push(Row::fact("first answer of a database, median", time(at(50))));
    rows.push(Row::fact("first answer of a database, p95", time(at(95))));
    Ok(rows)
}

fn name(number: u64) -> String {
    format!("tenant{number}")
}

/// Adds up what the files below a folder take on disk, holes left out.
pub fn bytes_on_disk(folder: &Path) -> io::Result<u64> {
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
