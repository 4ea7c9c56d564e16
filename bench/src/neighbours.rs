//! What one database's clients feel of another one's.
//! The clients that are measured go before all others, as if they were on a machine of their own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use types::Map;

use crate::cases::{LOOKUP, Target, anywhere, fresh, integer, people};
use crate::load::{Load, Measured};
use crate::table::Row;
use crate::{BenchError, Settings};
use suite::process::parameters;

/// From one statement of a client at ease to its next: the cores have time for it.
const AT_EASE: Duration = Duration::from_millis(1);
/// The crowd goes on for longer than it is needed: the reads decide when it ends.
const CROWD_TIME: Duration = Duration::from_secs(600);

/// Both crowds take the processor from the reads; only one of them writes. What differs is the price of a write next door.
pub fn run(target: &Target, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    prepare(target, settings)?;
    let mut rows = Vec::new();
    for (how, every) in [("reads", Duration::ZERO), ("1,000 reads a second each", AT_EASE)] {
        let alone = beside(target, settings, every, &[])?.0;
        let counting = [(8, "UNWIND range(1, 100) AS number RETURN count(number)")];
        let (beside_reads, counted) = beside(target, settings, every, &counting)?;
        let creating = [(8, "UNWIND range(1, 100) AS number CREATE (:Event {number: number})")];
        let (beside_writes, written) = beside(target, settings, every, &creating)?;
        let (by_alone, by_reads) = (by(&beside_writes, &alone), by(&beside_writes, &beside_reads));
        rows.push(load(&format!("{how}, alone"), 4, alone, 1));
        rows.push(load(&format!("{how}, beside reads"), 4, beside_reads, 1));
        rows.extend(counted.into_iter().map(|counted| load("rows counted meanwhile", 8, counted, 100)));
        rows.push(load(&format!("{how}, beside writes"), 4, beside_writes, 1));
        rows.extend(written.into_iter().map(|written| load("nodes written meanwhile", 8, written, 100)));
        rows.push(Row::fact("p99 beside writes, by p99 alone", by_alone));
        rows.push(Row::fact("p99 beside writes, by p99 beside reads", by_reads));
    }
    Ok(rows)
}

/// One database is asked by 32 clients for what takes long and writes much; the other one for points.
pub fn fairness(target: &Target, settings: &Settings) -> Result<Vec<Row>, BenchError> {
    const HEAVY: [(u64, &str); 2] = [
        (16, "UNWIND range(1, 100000) AS number WITH number % 1000 AS rest, count(*) AS count RETURN max(count)"),
        (16, "UNWIND range(1, 1000) AS number CREATE (:Event {number: number, text: 'number ' + number})"),
    ];
    prepare(target, settings)?;
    let mut rows = Vec::new();
    for (how, every) in [("1,000 points a second each", AT_EASE), ("points", Duration::ZERO)] {
        let alone = beside(target, settings, every, &[])?.0;
        let (crowded, crowds) = beside(target, settings, every, &HEAVY)?;
        let ratio = by(&crowded, &alone);
        rows.push(load(&format!("{how}, alone"), 4, alone, 1));
        rows.push(load(&format!("{how}, beside 32 heavy clients"), 4, crowded, 1));
        for ((clients, _), (what, measured)) in HEAVY.iter().zip(["heavy reads", "heavy writes"].iter().zip(crowds)) {
            rows.push(load(&format!("{what} meanwhile"), *clients, measured, 1));
        }
        rows.push(Row::fact("p99 beside 32 heavy clients, by p99 alone", ratio));
    }
    Ok(rows)
}

fn prepare(target: &Target, settings: &Settings) -> Result<(), BenchError> {
    let mut client = target.connect()?;
    people(&mut client, "quiet", settings.nodes)?;
    fresh(&mut client, "busy")?;
    Ok(())
}

/// Measures point reads in one database while each crowd runs its statement in the other.
fn beside(
    target: &Target,
    settings: &Settings,
    every: Duration,
    crowds: &[(u64, &str)],
) -> Result<(Measured, Vec<Measured>), BenchError> {
    let nodes = settings.nodes;
    let reads = Load {
        clients: 4,
        time: settings.time(),
        every,
        database: Some("quiet"),
        text: LOOKUP,
        apart: true,
        parameters: &|client, step| parameters([("number", integer(anywhere(client, step, nodes)))]),
    };
    let crowd = |(clients, text)| Load {
        clients,
        time: CROWD_TIME,
        every: Duration::ZERO,
        database: Some("busy"),
        text,
        apart: false,
        parameters: &|_, _| Map::new(),
    };
    let (address, stop) = (target.address(), &AtomicBool::new(false));
    let (reads, crowds) = std::thread::scope(|scope| {
        let crowds: Vec<_> =
            crowds.iter().map(|&asked| scope.spawn(move || crowd(asked).run_until(address, stop))).collect();
        let reads = reads.run(address);
        stop.store(true, Ordering::Relaxed);
        let crowds: Result<Vec<_>, _> =
            crowds.into_iter().map(|crowd| crowd.join().expect("the crowd does not panic")).collect();
        (reads, crowds)
    });
    Ok((reads?, crowds?))
}

fn load(what: &str, clients: u64, measured: Measured, times: u64) -> Row {
    Row::Load { what: what.to_owned(), clients, measured, times }
}

fn by(crowded: &Measured, alone: &Measured) -> String {
    format!("{:.1}", crowded.p99.as_secs_f64() / alone.p99.as_secs_f64().max(f64::EPSILON))
}
