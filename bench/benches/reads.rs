//! How long reads take inside the server: no socket, no client, data on disk, each statement's plan kept.
//!
//! 10,000 people with 100,000 skewed relationships and 30,000 posts. `BENCH_DATA` names a folder with `persons.csv`,
//! `knows.csv`, `posts.csv` and `creator.csv` to be read instead.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use suite::door::Session;
use suite::process::now;
use suite::system;
use types::{Map, Value};

const PEOPLE: u64 = 10_000;
const KNOWS: u64 = 100_000;
const POSTS: u64 = 30_000;
/// Where reads begin, as many different nodes.
const STARTS: u64 = 40;
/// Time for one kind of read.
const TIME: Duration = Duration::from_millis(1_500);

const INDEXES: [&str; 2] = ["CREATE INDEX FOR (p:Person) ON (p.id)", "CREATE INDEX FOR (p:Post) ON (p.id)"];

/// What fills the graph: the file, the kinds of its fields, and the statement for a batch of its lines.
const FILL: [(&str, &[Kind], &str); 4] = [
    (
        "persons",
        &[Kind::Integer, Kind::Text, Kind::Text, Kind::Integer, Kind::Text, Kind::Float],
        "UNWIND $rows AS r CREATE (:Person {id: r[0], name: r[1], email: r[2], age: r[3], city: r[4], score: r[5]})",
    ),
    (
        "posts",
        &[Kind::Integer, Kind::Text, Kind::Text, Kind::Integer],
        "UNWIND $rows AS r CREATE (:Post {id: r[0], title: r[1], lang: r[2], created: r[3]})",
    ),
    (
        "knows",
        &[Kind::Integer, Kind::Integer, Kind::Integer],
        "UNWIND $rows AS r MATCH (a:Person {id: r[0]}), (b:Person {id: r[1]}) CREATE (a)-[:KNOWS {since: r[2]}]->(b)",
    ),
    (
        "creator",
        &[Kind::Integer, Kind::Integer],
        "UNWIND $rows AS r MATCH (a:Post {id: r[0]}), (b:Person {id: r[1]}) CREATE (a)-[:HAS_CREATOR]->(b)",
    ),
];

const READS: [(&str, &str); 13] = [
    ("RETURN 1", "RETURN 1"),
    ("point", "MATCH (p:Person {id: $id}) RETURN p.name, p.age, p.city"),
    ("hop1", "MATCH (p:Person {id: $id})-[:KNOWS]->(f:Person) RETURN f.id, f.name"),
    ("hop2", "MATCH (p:Person {id: $id})-[:KNOWS]->(:Person)-[:KNOWS]->(f:Person) RETURN count(DISTINCT f)"),
    ("hop3", "MATCH (p:Person {id: $id})-[:KNOWS]->(:Person)-[:KNOWS]->(:Person)-[:KNOWS]->(f:Person) RETURN count(*)"),
    (
        "fof",
        "MATCH (p:Person {id: $id})-[:KNOWS]->(:Person)-[:KNOWS]->(f:Person) WHERE f.age > 40 AND f.id <> $id \
         RETURN DISTINCT f.id, f.name, f.age ORDER BY f.age DESC, f.id LIMIT 20",
    ),
    (
        "posts",
        "MATCH (p:Person {id: $id})-[:KNOWS]->(f:Person)<-[:HAS_CREATOR]-(m:Post) \
         RETURN m.id, m.created ORDER BY m.created DESC, m.id LIMIT 20",
    ),
    (
        "shortest",
        "MATCH (a:Person {id: $id}), (b:Person {id: $other}) \
         MATCH p = shortestPath((a)-[:KNOWS*1..6]->(b)) RETURN length(p)",
    ),
    ("var13", "MATCH (p:Person {id: $id})-[:KNOWS*1..3]->(f:Person) RETURN count(DISTINCT f)"),
    ("agg", "MATCH (p:Person) RETURN p.city, count(*), avg(p.age) ORDER BY p.city"),
    ("filter", "MATCH (p:Person) WHERE p.age >= 30 AND p.age < 40 RETURN count(*), avg(p.score)"),
    ("degree", "MATCH (p:Person)-[k:KNOWS]->(:Person) RETURN p.id, count(k) AS d ORDER BY d DESC, p.id LIMIT 10"),
    ("tri", "MATCH (a:Person)-[:KNOWS]->(b:Person)-[:KNOWS]->(c:Person)-[:KNOWS]->(a) RETURN count(*)"),
];

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    Integer,
    Float,
    Text,
}

fn main() -> Result<(), String> {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|word| name.contains(word.as_str()));
    if !READS.iter().any(|(name, _)| is_chosen(name)) {
        return Ok(());
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let system = system::on_disk(folder.path())?;
    let mut session = system.session(None)?;
    fill(&mut *session)?;
    let mut out = std::io::stdout().lock();
    say(&mut out, &format!("reads inside the server, {PEOPLE} people, {KNOWS} relationships between them"))?;
    for (name, text) in READS.into_iter().filter(|(name, _)| is_chosen(name)) {
        let times = times(&mut *session, text)?;
        let at = |share: usize| format!("{:.1} µs", times[(times.len() - 1) * share / 100].as_secs_f64() * 1e6);
        let line = format!("{name:10} median {:>10}  p99 {:>10}  least {:>10}", at(50), at(99), at(0));
        say(&mut out, &line)?;
    }
    Ok(())
}

fn say(out: &mut impl Write, line: &str) -> Result<(), String> {
    writeln!(out, "{line}").map_err(|error| error.to_string())
}

/// Times a read from each start in turn, after two rounds that are not counted; sorted.
fn times(session: &mut dyn Session, text: &str) -> Result<Vec<Duration>, String> {
    let start = |number: u64| parameters(number * (PEOPLE / STARTS) + number);
    for number in (0..STARTS).chain(0..STARTS) {
        run(session, text, start(number))?;
    }
    let (mut times, end) = (Vec::new(), now() + TIME);
    for number in (0..STARTS).cycle() {
        let parameters = start(number);
        let before = now();
        run(session, text, parameters)?;
        let after = now();
        times.push(after.duration_since(before));
        if after > end {
            break;
        }
    }
    times.sort_unstable();
    Ok(times)
}

fn parameters(id: u64) -> Map {
    let other = (id * 7 + 13) % PEOPLE;
    [("id", id), ("other", other)]
        .into_iter()
        .map(|(name, id)| (name.into(), Value::Integer(id.cast_signed())))
        .collect()
}

fn run(session: &mut dyn Session, text: &str, parameters: Map) -> Result<(), String> {
    session.run(text, parameters).map(drop).map_err(|problem| problem.message)
}

fn fill(session: &mut dyn Session) -> Result<(), String> {
    for index in INDEXES {
        run(session, index, Map::new())?;
    }
    let folder = std::env::var_os("BENCH_DATA");
    for (name, kinds, statement) in FILL {
        let lines = match &folder {
            Some(folder) => read(&Path::new(folder).join(format!("{name}.csv")), kinds)?,
            None => made(name),
        };
        for rows in lines.chunks(5_000) {
            run(session, statement, [("rows".into(), Value::list(rows.to_vec()))].into_iter().collect())?;
        }
    }
    Ok(())
}

/// Reads a file without quotes, whose first line names the columns.
fn read(path: &Path, kinds: &[Kind]) -> Result<Vec<Value>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let field = |(text, kind): (&str, &Kind)| match kind {
        Kind::Integer => text.parse().map(Value::Integer).map_err(|_| format!("\"{text}\" is no integer")),
        Kind::Float => text.parse().map(Value::Float).map_err(|_| format!("\"{text}\" is no float")),
        Kind::Text => Ok(Value::string(text)),
    };
    let line = |line: &str| Ok(Value::list(line.split(',').zip(kinds).map(field).collect::<Result<_, String>>()?));
    text.lines().skip(1).map(line).collect()
}

/// Makes the lines of a file: a few people know many, and half of those whom one knows are near.
fn made(name: &str) -> Vec<Value> {
    let mut state = 42_u64;
    let mut below = move |limit: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    let integer = |number: u64| Value::Integer(number.cast_signed());
    let text = |before: &str, number: u64| Value::string(format!("{before}{number}"));
    let mut line = |number: u64| match name {
        "persons" => vec![
            integer(number),
            text("Person", number),
            text("user@example.org/", number),
            integer(18 + below(60)),
            text("City", below(24)),
            Value::Float(below(100_000) as f64 / 1_000.0),
        ],
        "posts" => {
            vec![integer(number), text("Post ", number), Value::string("en"), integer(1_600_000_000 + below(1 << 26))]
        }
        "knows" => {
            // The smaller of two numbers comes more often the smaller it is.
            let start = below(PEOPLE).min(below(PEOPLE));
            let end = if below(2) == 0 { (start + 1 + below(120)) % PEOPLE } else { below(PEOPLE).min(below(PEOPLE)) };
            vec![integer(start), integer(end), integer(2_000 + below(26))]
        }
        _ => vec![integer(number), integer(below(PEOPLE))],
    };
    let lines = match name {
        "persons" => PEOPLE,
        "knows" => KNOWS,
        _ => POSTS,
    };
    (0..lines).map(|number| Value::list(line(number))).collect()
}
