//! Writes a database as lines of JSON or of Cypher, in the order of ids, in bounded memory.
//! Leaves values to `value`. Start reading at [`write`].

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use instance::{Access, Fetched, More, RunOptions, Session};
use serde_json::{Map as Object, Value as Json, json};
use types::{Code, CompactString, Failure, Map, Value};

use super::Format;
use super::value::{map_to_cypher, name, sorted, to_json};

/// Rows that are fetched at a time.
const ROWS: usize = 1_000;
/// Rows of one statement of Cypher.
const BATCH: usize = 500;
/// What nodes carry while a file of Cypher is run.
const MARK: &str = "Sheaf dump";
const MARK_KEY: &str = "sheaf dump id";
/// How a file of Cypher begins, after which it has to end with [`SCRIPT_END`].
pub(super) const SCRIPT_BEGINNING: &str = "CREATE CONSTRAINT `Sheaf dump` ";
/// How the last line of a file of Cypher begins: one that is cut is known by its absence.
pub(super) const SCRIPT_END: &str = "// Sheaf dump ends: ";

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dumped {
    pub nodes: u64,
    pub relationships: u64,
}

/// Which database, and which part of it.
pub(super) struct Wanted<'w> {
    /// What the database is called where it comes from.
    pub title: &'w str,
    pub database: &'w str,
    /// A condition on `n` that nodes must meet, with both ends of each relationship.
    pub filter: Option<&'w str>,
    pub format: Format,
}

/// Writes all that is wanted, of one version of the database.
pub(super) fn write(
    session: &mut Session,
    wanted: &Wanted<'_>,
    out: &mut dyn Write,
    done: &AtomicU64,
) -> Result<Dumped, Failure> {
    let mut schema = statements(session, wanted.database, "SHOW CONSTRAINTS YIELD name, createStatement")?;
    // The index of a constraint comes with it.
    let plain = "SHOW INDEXES YIELD name, type, owningConstraint, createStatement WHERE type <> 'LOOKUP' AND \
                 owningConstraint IS NULL";
    schema.extend(statements(session, wanted.database, &format!("{plain} RETURN name, createStatement"))?);
    let options =
        RunOptions { database: Some(wanted.database.to_owned()), access: Access::Read, ..RunOptions::default() };
    session.begin(&options)?;
    let written = match wanted.format {
        Format::Jsonl => Lines { out, done, dumped: Dumped::default() }.write(session, wanted, &schema),
        Format::Cypher => Script::new(out, done).write(session, wanted, &schema),
    };
    session.rollback()?;
    written
}

/// Lists how the database's schema is made, by name.
fn statements(session: &mut Session, database: &str, text: &str) -> Result<Vec<String>, Failure> {
    let options = RunOptions { database: Some(database.to_owned()), ..RunOptions::default() };
    let mut records = session.run(text, Map::new(), &options)?;
    let mut fetched = Fetched::default();
    while records.pull(ROWS, &mut fetched)? == More::Yes {}
    let text = |value: &Value| if let Value::String(text) = value { text.to_string() } else { String::new() };
    let mut found: Vec<(String, String)> =
        fetched.iter().filter_map(|row| Some((text(row.first()?), text(row.last()?)))).collect();
    found.sort();
    Ok(found.into_iter().map(|(_, statement)| statement).collect())
}

fn nodes_text(wanted: &Wanted<'_>) -> String {
    match wanted.filter {
        None => "MATCH (n) RETURN n".to_owned(),
        Some(filter) => format!("MATCH (n) WHERE ({filter}) RETURN n"),
    }
}

fn relationships_text(wanted: &Wanted<'_>) -> String {
    match wanted.filter {
        None => "MATCH (n) MATCH (n)-[r]->() RETURN r".to_owned(),
        Some(filter) => {
            format!(
                "MATCH (n) WHERE ({filter}) WITH n AS `  start` MATCH (`  start`)-[r]->(n) WHERE ({filter}) RETURN r"
            )
        }
    }
}

/// Hands each value of a statement's only column to `each`.
fn stream(
    session: &mut Session,
    text: &str,
    mut each: impl FnMut(&Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut records = session.run(text, Map::new(), &RunOptions::default())?;
    let mut fetched = Fetched::default();
    loop {
        fetched.clear();
        let more = records.pull(ROWS, &mut fetched)?;
        for row in fetched.iter() {
            row.iter().try_for_each(&mut each)?;
        }
        if more == More::No {
            return Ok(());
        }
    }
}

fn failed(error: std::io::Error) -> Failure {
    Failure::new(Code::StorageFailed, format!("could not write the dump: {error}"))
}

/// One JSON object a line, in the form of `apoc.export.json`, with types that lose nothing.
struct Lines<'o> {
    out: &'o mut dyn Write,
    done: &'o AtomicU64,
    dumped: Dumped,
}

impl Lines<'_> {
    fn write(mut self, session: &mut Session, wanted: &Wanted<'_>, schema: &[String]) -> Result<Dumped, Failure> {
        self.line(&json!({ "type": "sheaf-dump", "version": 1, "database": wanted.title }))?;
        for statement in schema {
            self.line(&json!({ "type": "schema", "statement": statement }))?;
        }
        stream(session, &nodes_text(wanted), |value| {
            let Value::Node(node) = value else { return Ok(()) };
            self.dumped.nodes += 1;
            self.line(&json!({
                "type": "node",
                "id": node.id.to_string(),
                "labels": node.labels.iter().map(CompactString::as_str).collect::<Vec<_>>(),
                "properties": properties(&node.properties),
            }))
        })?;
        stream(session, &relationships_text(wanted), |value| {
            let Value::Relationship(found) = value else { return Ok(()) };
            self.dumped.relationships += 1;
            self.line(&json!({
                "type": "relationship",
                "id": found.id.to_string(),
                "label": found.kind.as_str(),
                "start": { "id": found.start.to_string() },
                "end": { "id": found.end.to_string() },
                "properties": properties(&found.properties),
            }))
        })?;
        let Dumped { nodes, relationships } = self.dumped;
        self.line(&json!({ "type": "end", "nodes": nodes, "relationships": relationships }))?;
        Ok(self.dumped)
    }

    fn line(&mut self, line: &Json) -> Result<(), Failure> {
        self.done.fetch_add(1, Ordering::Relaxed);
        serde_json::to_writer(&mut *self.out, line).map_err(std::io::Error::from).map_err(failed)?;
        self.out.write_all(b"\n").map_err(failed)
    }
}

fn properties(properties: &Map) -> Json {
    let entries = sorted(properties).into_iter().map(|(key, value)| (key.to_string(), to_json(value)));
    Json::Object(entries.collect::<Object<_, _>>())
}

/// Statements that any server runs: nodes in batches of one set of labels, then relationships in batches of one type.
struct Script<'o> {
    out: &'o mut dyn Write,
    done: &'o AtomicU64,
    dumped: Dumped,
    /// Rows that wait, by what stands behind `UNWIND ... AS row`.
    waiting: BTreeMap<String, Vec<String>>,
}

impl<'o> Script<'o> {
    fn new(out: &'o mut dyn Write, done: &'o AtomicU64) -> Self {
        Self { out, done, dumped: Dumped::default(), waiting: BTreeMap::new() }
    }

    fn write(mut self, session: &mut Session, wanted: &Wanted<'_>, schema: &[String]) -> Result<Dumped, Failure> {
        let mark = format!("`{MARK}`");
        self.line(&format!("{SCRIPT_BEGINNING}FOR (n:{mark}) REQUIRE n.`{MARK_KEY}` IS UNIQUE;"))?;
        stream(session, &nodes_text(wanted), |value| {
            let Value::Node(node) = value else { return Ok(()) };
            let mut labels = String::new();
            for label in &node.labels {
                labels.push(':');
                name(label, &mut labels);
            }
            let what = format!("CREATE (n{labels}:{mark}) SET n = row.p SET n.`{MARK_KEY}` = row.id");
            let mut row = format!("{{id: {}, p: ", node.id);
            map_to_cypher(&node.properties, &mut row).ok_or_else(no_bytes)?;
            row.push('}');
            self.dumped.nodes += 1;
            self.add(what, row)
        })?;
        self.flush_all()?;
        stream(session, &relationships_text(wanted), |value| {
            let Value::Relationship(found) = value else { return Ok(()) };
            let mut kind = String::new();
            name(&found.kind, &mut kind);
            let what = format!(
                "MATCH (s:{mark} {{`{MARK_KEY}`: row.s}}) MATCH (e:{mark} {{`{MARK_KEY}`: row.e}}) CREATE \
                 (s)-[r:{kind}]->(e) SET r = row.p"
            );
            let mut row = format!("{{s: {}, e: {}, p: ", found.start, found.end);
            map_to_cypher(&found.properties, &mut row).ok_or_else(no_bytes)?;
            row.push('}');
            self.dumped.relationships += 1;
            self.add(what, row)
        })?;
        self.flush_all()?;
        self.line(&format!(
            "MATCH (n:{mark}) CALL (n) {{ REMOVE n:{mark} REMOVE n.`{MARK_KEY}` }} IN TRANSACTIONS OF 1000 ROWS;"
        ))?;
        self.line(&format!("DROP CONSTRAINT `{MARK}`;"))?;
        for statement in schema {
            self.line(&format!("{statement};"))?;
        }
        let Dumped { nodes, relationships } = self.dumped;
        self.line(&format!("{SCRIPT_END}{nodes} nodes, {relationships} relationships"))?;
        Ok(self.dumped)
    }

    fn add(&mut self, what: String, row: String) -> Result<(), Failure> {
        self.done.fetch_add(1, Ordering::Relaxed);
        let rows = self.waiting.entry(what.clone()).or_default();
        rows.push(row);
        if rows.len() < BATCH {
            return Ok(());
        }
        let rows = std::mem::take(rows);
        self.flush(&what, &rows)
    }

    fn flush_all(&mut self) -> Result<(), Failure> {
        for (what, rows) in std::mem::take(&mut self.waiting) {
            if !rows.is_empty() {
                self.flush(&what, &rows)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, what: &str, rows: &[String]) -> Result<(), Failure> {
        self.line(&format!("UNWIND [{}] AS row {what};", rows.join(", ")))
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.out.write_all(line.as_bytes()).and_then(|()| self.out.write_all(b"\n")).map_err(failed)
    }
}

fn no_bytes() -> Failure {
    let text = "Cypher has no literal for byte arrays, and a property is one. Dump with --format jsonl.";
    Failure::new(Code::ArgumentError, text)
}
