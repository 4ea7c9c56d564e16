//! Ten thousand databases in one catalog: what listing, finding and starting cost with so many.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bolt::Options;
use bolt::client::{Client, ClientError};
use suite::process::{Process, now, parameters, run_in};
use types::Map;

use crate::cases::{Target, integer};
use crate::table::{Row, mebibytes, time};
use crate::tenants::bytes_on_disk;
use crate::{BenchError, Settings};

/// Clients that make databases side by side.
const MAKERS: usize = 8;
/// How often a page is asked for.
const TIMES: usize = 50;
const PAGE: u64 = 100;
/// What a client takes at a time who asks for everything.
const FIRST: usize = 1_000;
const PAGE_MAX: Duration = Duration::from_millis(20);
const RESOLVE_MAX: Duration = Duration::from_micros(1);
const START_MAX: Duration = Duration::from_secs(1);

/// Makes the databases, starts the server anew, and lists and finds them.
pub fn run(_: &Target, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    let count = settings.catalog;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let settings = [("SHEAF_DATABASES_MAX", (count + 10).to_string())];
    let process = Process::start(&data, settings.clone())?;
    let begun = now();
    make(&process, count)?;
    let made = begun.elapsed();
    process.stop()?;
    let each = made / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    let mut rows = vec![
        Row::fact("databases", count.to_string()),
        Row::fact("made", format!("{}, {} each", time(made), time(each))),
        Row::fact("disk", mebibytes(bytes_on_disk(&data)?)),
    ];
    // The second start finds the files as they were left, as every later one does.
    let process = Process::start(&data, settings)?;
    rows.push(aimed("start until the first answer", process.start_time, START_MAX));
    rows.push(Row::fact("memory, none of them used", mebibytes(process.resident_bytes()?)));
    let mut client = process.connect()?;
    let last = count.saturating_sub(PAGE);
    rows.push(aimed("the first page, first asked for", page(&mut client, 0)?, PAGE_MAX));
    rows.push(aimed("the first page", median(TIMES, || page(&mut client, 0))?, PAGE_MAX));
    rows.push(aimed("the last page", median(TIMES, || page(&mut client, last))?, PAGE_MAX));
    rows.push(aimed("1,000 records of all, first asked for", first_of_all(&mut client, count)?, PAGE_MAX));
    rows.push(aimed("1,000 records of all", median(5, || first_of_all(&mut client, count))?, PAGE_MAX));
    let all = median(3, || all(&mut client, count))?;
    rows.push(Row::fact("all, sorted by the time of their making", time(all)));
    process.stop()?;
    let names: Vec<String> = (0..count).map(name).collect();
    let resolved = suite::names::time_to_resolve(&data, &names).map_err(BenchError::Wrong)?;
    rows.push(aimed("a name resolved", resolved, RESOLVE_MAX));
    Ok(rows)
}

fn name(number: u64) -> String {
    format!("tenant{number:05}")
}

fn make(process: &Process, count: u64) -> Result<(), BenchError> {
    let next = AtomicU64::new(0);
    let made: Result<Vec<()>, ClientError> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..MAKERS).map(|_| scope.spawn(|| make_some(process, &next, count))).collect();
        makers.into_iter().map(|maker| maker.join().expect("a maker does not panic")).collect()
    });
    made.map(drop).map_err(BenchError::from)
}

fn make_some(process: &Process, next: &AtomicU64, count: u64) -> Result<(), ClientError> {
    let mut client = process.connect()?;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(());
        }
        run_in(&mut client, "system", &format!("CREATE DATABASE {}", name(number)), Map::new())?;
    }
}

fn page(client: &mut Client, skip: u64) -> Result<Duration, BenchError> {
    let text = "SHOW DATABASES YIELD * ORDER BY name SKIP $skip LIMIT $limit";
    let asked = now();
    let found = run_in(client, "system", text, parameters([("skip", integer(skip)), ("limit", integer(PAGE))]))?;
    let took = asked.elapsed();
    if found.len() as u64 != PAGE {
        return Err(BenchError::Wrong(format!("a page behind {skip} has {} rows", found.len())));
    }
    Ok(took)
}

/// Asks for all; gives the time until the first thousand are there.
fn first_of_all(client: &mut Client, count: u64) -> Result<Duration, BenchError> {
    let options = Options { database: Some("system".to_owned()), ..Options::default() };
    let (asked, mut seen, mut first) = (now(), 0, Duration::ZERO);
    client.stream("SHOW DATABASES", Map::new(), options, |_| {
        seen += 1;
        if seen == FIRST {
            first = asked.elapsed();
        }
    })?;
    must_be(seen as u64, count + 2)?;
    Ok(first)
}

fn all(client: &mut Client, count: u64) -> Result<Duration, BenchError> {
    let asked = now();
    let text = "SHOW DATABASES YIELD name, creationTime ORDER BY creationTime";
    let found = run_in(client, "system", text, Map::new())?;
    let took = asked.elapsed();
    must_be(found.len() as u64, count + 2)?;
    Ok(took)
}

fn must_be(found: u64, expected: u64) -> Result<(), BenchError> {
    if found == expected {
        return Ok(());
    }
    Err(BenchError::Wrong(format!("{found} databases are listed of {expected}")))
}

fn median(times: usize, mut work: impl FnMut() -> Result<Duration, BenchError>) -> Result<Duration, BenchError> {
    let mut took: Vec<Duration> = (0..times).map(|_| work()).collect::<Result<_, _>>()?;
    took.sort_unstable();
    Ok(took.get(times / 2).copied().unwrap_or_default())
}

/// Writes a time beside what it should be.
fn aimed(what: &str, took: Duration, aim: Duration) -> Row {
    let verdict = if took <= aim { "" } else { ": missed" };
    let took = if took < Duration::from_micros(10) { format!("{} ns", took.as_nanos()) } else { time(took) };
    Row::fact(what, format!("{took} (aim {}{verdict})", time(aim)))
}
