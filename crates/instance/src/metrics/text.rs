//! Every number of the server as text that Prometheus reads.
//!
//! The form is a dozen lines of code, so no library writes it. Labels stay bounded: the busiest databases have their own,
//! all others are added up under `other`. A scrape looks at databases that were used since the start and opens none.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use catalog::Limit;

use crate::instance::Shared;
use crate::limits::Meter;
use crate::metrics::SOURCES;
use crate::usage::Holdings;

/// The label of all databases that have none of their own.
const OTHER: &str = "other";
/// Bounds of the histogram of times.
const TIMES: [(Duration, &str); 12] = [
    (Duration::from_micros(127), "0.000128"),
    (Duration::from_micros(511), "0.000512"),
    (Duration::from_micros(1_023), "0.001024"),
    (Duration::from_micros(4_095), "0.004096"),
    (Duration::from_micros(16_383), "0.016384"),
    (Duration::from_micros(65_535), "0.065536"),
    (Duration::from_micros(262_143), "0.262144"),
    (Duration::from_micros(1_048_575), "1.048576"),
    (Duration::from_micros(4_194_303), "4.194304"),
    (Duration::from_micros(16_777_215), "16.777216"),
    (Duration::from_micros(67_108_863), "67.108864"),
    (Duration::MAX, "+Inf"),
];

/// What is told of one database, or of all that have no label of their own.
#[derive(Default)]
struct Told {
    name: String,
    statements: u64,
    failures: u64,
    rows: u64,
    running: u64,
    waiting: u64,
    connections: u64,
    waited: Duration,
    below: Vec<u64>,
    sum: Duration,
    /// For each limit, by whose it was.
    refused: Vec<(Limit, [u64; SOURCES.len()])>,
    holdings: Option<Holdings>,
    commits: u64,
    syncs: u64,
}

impl Told {
    fn of(shared: &Shared, meter: &Meter, id: types::DatabaseId) -> Self {
        let counts = &meter.counts;
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let bounds = TIMES.map(|(bound, _)| bound);
        let (below, _, sum) = counts.times.cumulative(&bounds);
        let open = shared.databases.peek(id);
        Self {
            name: meter.name().to_string(),
            statements: load(&counts.statements),
            failures: load(&counts.failures),
            rows: load(&counts.rows),
            running: meter.running().0,
            waiting: meter.waiting(),
            connections: meter.seating.count().0,
            waited: counts.waited_time(),
            below,
            sum,
            refused: Limit::ALL.map(|limit| (limit, counts.refusals_by_source(limit))).to_vec(),
            holdings: open.as_deref().and_then(Holdings::look),
            commits: open.as_ref().map_or(0, |open| open.graph.version()),
            syncs: open.map_or(0, |open| open.graph.groups()),
        }
    }

    /// Adds another one up with this.
    fn add(&mut self, other: &Self) {
        self.statements += other.statements;
        self.failures += other.failures;
        self.rows += other.rows;
        self.running += other.running;
        self.waiting += other.waiting;
        self.connections += other.connections;
        self.waited += other.waited;
        self.sum += other.sum;
        self.commits += other.commits;
        self.syncs += other.syncs;
        let add = |own: &mut u64, more: &u64| *own += more;
        self.below.iter_mut().zip(&other.below).for_each(|(own, more)| add(own, more));
        for ((_, own), (_, more)) in self.refused.iter_mut().zip(&other.refused) {
            own.iter_mut().zip(more).for_each(|(own, more)| add(own, more));
        }
        if let Some(more) = other.holdings {
            let own = self.holdings.get_or_insert_default();
            own.nodes += more.nodes;
            own.relationships += more.relationships;
            own.used_bytes += more.used_bytes;
            own.file_bytes += more.file_bytes;
            own.journal_bytes = match (own.journal_bytes, more.journal_bytes) {
                (Some(own), Some(more)) => Some(own + more),
                (own, more) => own.or(more),
            };
        }
    }
}

/// Writes all numbers; at most `databases_max` databases have a label of their own, and only those that `may_name` allows.
pub(crate) fn write(shared: &Shared, databases_max: usize, may_name: &dyn Fn(types::DatabaseId) -> bool) -> String {
    let mut text = Text(String::with_capacity(16 * 1024));
    server(shared, &mut text);
    databases(&told(shared, databases_max, may_name), &mut text);
    text.0
}

fn told(shared: &Shared, databases_max: usize, may_name: &dyn Fn(types::DatabaseId) -> bool) -> Vec<Told> {
    let mut meters: Vec<(types::DatabaseId, Arc<Meter>)> = shared.meters.all();
    let busy = |meter: &Meter| meter.counts.statements.load(Ordering::Relaxed);
    meters.sort_by_key(|(_, meter)| std::cmp::Reverse(busy(meter)));
    let mut told: Vec<Told> = Vec::new();
    let mut other: Option<Told> = None;
    for (id, meter) in &meters {
        let one = Told::of(shared, meter, *id);
        match &mut other {
            _ if told.len() < databases_max && may_name(*id) => told.push(one),
            Some(other) => other.add(&one),
            None => other = Some(Told { name: OTHER.to_owned(), ..one }),
        }
    }
    told.sort_by(|one, next| one.name.cmp(&next.name));
    told.extend(other);
    told
}

fn server(shared: &Shared, text: &mut Text) {
    let metrics = &shared.metrics;
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64;
    text.head("sheaf_info", "gauge", "What runs here.");
    text.line("sheaf_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    let uptime = shared.options.clock.now().saturating_duration_since(shared.meters.begun);
    let names = shared.catalog.names();
    for (name, kind, help, value) in [
        ("sheaf_uptime_seconds", "gauge", "Time since the start.", uptime.as_secs_f64()),
        ("sheaf_databases", "gauge", "Databases, system and stopped ones counted.", names.databases().len() as f64),
        ("sheaf_databases_open", "gauge", "Databases whose files are open.", shared.databases.count() as f64),
        ("sheaf_sessions", "gauge", "Sessions of all faces.", load(&metrics.sessions)),
        ("sheaf_transactions_open", "gauge", "Transactions under way.", shared.under_way.count() as f64),
        ("sheaf_statements_running", "gauge", "Statements that compute now.", shared.admission.running() as f64),
        ("sheaf_transactions_total", "counter", "Explicit transactions begun.", load(&metrics.transactions)),
        ("sheaf_commits_total", "counter", "Explicit transactions committed.", load(&metrics.commits)),
        ("sheaf_rollbacks_total", "counter", "Explicit transactions rolled back.", load(&metrics.rollbacks)),
    ] {
        text.head(name, kind, help);
        text.line(name, &[], value);
    }
    text.head("sheaf_logins_total", "counter", "Logins by their outcome.");
    text.line("sheaf_logins_total", &[("outcome", "ok")], load(&metrics.logins));
    text.line("sheaf_logins_total", &[("outcome", "refused")], load(&metrics.logins_refused));
    text.head("sheaf_plans_total", "counter", "Plans that were kept already, and that had to be made.");
    text.line("sheaf_plans_total", &[("outcome", "kept")], load(&metrics.plans_found));
    text.line("sheaf_plans_total", &[("outcome", "made")], load(&metrics.plans_made));
    text.head("sheaf_errors_total", "counter", "Failures that clients were told, by their codes.");
    for (code, count) in metrics.failures() {
        text.line("sheaf_errors_total", &[("code", &format!("{code:?}")), ("status", code.row().neo4j)], count as f64);
    }
    let kept = graph::Kept::now();
    text.head("sheaf_cache_plans", "gauge", "Plans that are kept.");
    text.line("sheaf_cache_plans", &[], shared.plans.count() as f64);
    text.head("sheaf_cache_bytes", "gauge", "Memory of what is kept of graphs, beside the system's cache of files.");
    text.line("sheaf_cache_bytes", &[("cache", "topology")], kept.topology_bytes as f64);
    text.line("sheaf_cache_bytes", &[("cache", "warm_pages")], kept.warm_bytes as f64);
    text.head("sheaf_statements_memory_bytes", "gauge", "Memory that statements hold, in whole MiB of each.");
    text.line("sheaf_statements_memory_bytes", &[], shared.memory.held_bytes() as f64);
    text.head("sheaf_statements_memory_peak_bytes", "gauge", "The most memory that statements ever held at a time.");
    text.line("sheaf_statements_memory_peak_bytes", &[], shared.memory.held_bytes_max() as f64);
    if let Some(bytes) = shared.memory.max_bytes() {
        text.head("sheaf_statements_memory_max_bytes", "gauge", "Memory that statements may hold together.");
        text.line("sheaf_statements_memory_max_bytes", &[], bytes as f64);
    }
    if let Some(bytes) = resident_bytes() {
        text.head("sheaf_memory_resident_bytes", "gauge", "Memory of the process.");
        text.line("sheaf_memory_resident_bytes", &[], bytes as f64);
    }
}

fn databases(told: &[Told], text: &mut Text) {
    type Get = fn(&Told) -> Option<f64>;
    let numbers: [(&str, &str, &str, Get); 14] = [
        ("sheaf_database_statements_total", "counter", "Statements that ended.", |told| Some(told.statements as f64)),
        ("sheaf_database_failures_total", "counter", "Statements that failed.", |told| Some(told.failures as f64)),
        ("sheaf_database_rows_total", "counter", "Rows that clients got.", |told| Some(told.rows as f64)),
        ("sheaf_database_running", "gauge", "Statements between their first and last row.", |told| {
            Some(told.running as f64)
        }),
        ("sheaf_database_waiting", "gauge", "Statements that wait in its line.", |told| Some(told.waiting as f64)),
        ("sheaf_database_wait_seconds_total", "counter", "Time that statements waited in its line.", |told| {
            Some(told.waited.as_secs_f64())
        }),
        ("sheaf_database_connections", "gauge", "Sessions that use it.", |told| Some(told.connections as f64)),
        ("sheaf_database_commits_total", "counter", "Commits of an open database since it was made.", |told| {
            told.holdings.map(|_| told.commits as f64)
        }),
        (
            "sheaf_database_syncs_total",
            "counter",
            "Waits for the disk since it was opened; commits share them.",
            |told| told.holdings.map(|_| told.syncs as f64),
        ),
        ("sheaf_database_nodes", "gauge", "Nodes of an open database.", |told| {
            told.holdings.map(|held| held.nodes as f64)
        }),
        ("sheaf_database_relationships", "gauge", "Relationships of an open database.", |told| {
            told.holdings.map(|held| held.relationships as f64)
        }),
        ("sheaf_database_bytes", "gauge", "Live bytes of an open database.", |told| {
            told.holdings.map(|held| held.used_bytes as f64)
        }),
        ("sheaf_database_file_bytes", "gauge", "Bytes of the file of an open database.", |told| {
            told.holdings.map(|held| held.file_bytes as f64)
        }),
        ("sheaf_database_journal_bytes", "gauge", "Bytes of the journal of an open database that keeps one.", |told| {
            told.holdings?.journal_bytes.map(|bytes| bytes as f64)
        }),
    ];
    for (name, kind, help, get) in numbers {
        text.head(name, kind, help);
        for one in told {
            if let Some(value) = get(one) {
                text.line(name, &[("database", &one.name)], value);
            }
        }
    }
    text.head("sheaf_database_refusals_total", "counter", "Refusals by each limit, and whose it was.");
    for one in told {
        for (limit, counts) in &one.refused {
            for (source, count) in SOURCES.iter().zip(counts).filter(|(_, count)| **count > 0) {
                let labels = [("database", one.name.as_str()), ("limit", limit.about().name), ("source", source)];
                text.line("sheaf_database_refusals_total", &labels, *count as f64);
            }
        }
    }
    text.head("sheaf_database_statement_seconds", "histogram", "Time of statements, from coming to the last row.");
    for one in told.iter().filter(|one| one.statements > 0) {
        for ((_, bound), count) in TIMES.iter().zip(&one.below) {
            let labels = [("database", one.name.as_str()), ("le", bound)];
            text.line("sheaf_database_statement_seconds_bucket", &labels, *count as f64);
        }
        let labels = [("database", one.name.as_str())];
        text.line("sheaf_database_statement_seconds_sum", &labels, one.sum.as_secs_f64());
        let all = one.below.last().copied().unwrap_or_default();
        text.line("sheaf_database_statement_seconds_count", &labels, all as f64);
    }
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (number, (label, value)) in labels.iter().enumerate() {
            self.0.push(if number == 0 { '{' } else { ',' });
            // Names of databases, limits and codes hold neither quotes nor backslashes.
            let _ = write!(self.0, "{label}=\"{value}\"");
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}

/// Reads what the process holds in memory, where the system tells it.
fn resident_bytes() -> Option<u64> {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    // Pages of 4 KiB, as on every system that has this file and runs this server.
    pages.checked_mul(4_096)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use types::Clock;

    use super::*;
    use crate::{Instance, InstanceOptions, RunOptions};

    /// Generous: the promise is some milliseconds, and tests share their machine.
    const TIME_MAX: Duration = Duration::from_secs(2);

    #[test]
    fn f207_ten_thousand_databases_are_bounded_and_quick() {
        let options = InstanceOptions { databases_max: 20_000, ..InstanceOptions::new(Path::new("/nowhere")) };
        let instance = Instance::in_memory(options).expect("memory has room");
        let mut session = instance.log_in(None).expect("there are no passwords");
        session.run("RETURN 1", types::Map::new(), &RunOptions::default()).expect("runs");
        let names = instance.shared.catalog.names();
        let row = names.default_database().clone();
        for number in 0..10_000_u32 {
            let name = format!("tenant-{number}");
            let id = types::DatabaseId((u128::from(number) + 1).to_be_bytes());
            let name = types::DatabaseName::parse(&name).expect("a legal name");
            let one = catalog::Database { id, name, ..catalog::Database::clone(&row) };
            let meter = instance.shared.meters.of(&one);
            meter.counts.statements.fetch_add(u64::from(number), Ordering::Relaxed);
            meter.counts.times.add(Duration::from_millis(u64::from(number % 7)));
        }
        let begun = types::SystemClock.now();
        let text = write(&instance.shared, 100, &|_| true);
        let time = types::SystemClock.now().saturating_duration_since(begun);
        assert!(time < TIME_MAX, "{time:?}");
        assert!(text.len() < 1 << 20, "{} bytes", text.len());
        let labels = |line: &&str| line.starts_with("sheaf_database_statements_total{");
        assert_eq!(text.lines().filter(labels).count(), 101, "a hundred and all others");
        assert!(text.contains("sheaf_database_statements_total{database=\"tenant-9999\"} 9999\n"));
        assert!(!text.contains("database=\"tenant-1\""));
        let all: u64 = (0..10_000).sum::<u64>() + 1;
        let named: u64 = (9_900..10_000).sum();
        assert!(text.contains(&format!("sheaf_database_statements_total{{database=\"other\"}} {}\n", all - named)));
        for cache in ["sheaf_cache_plans 1\n", "sheaf_cache_bytes{cache=\"topology\"}"] {
            assert!(text.contains(cache), "{cache}");
        }
    }
}
