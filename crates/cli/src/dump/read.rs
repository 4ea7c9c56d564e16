//! Reads dumps: lines of JSON through the bulk loader, Cypher statement by statement.
//! Leaves values to `value`. Start reading at [`load_lines`] and [`Fenced::load_script`].

use std::io::BufRead;
use std::sync::atomic::{AtomicU64, Ordering};

use graph::bulk::{Loaded, Loader};
use instance::{Fetched, Instance, More, RunOptions, Session, Summary};
use serde_json::Value as Json;
use types::{Code, Failure, KeyId, LabelId, Map, NodeId, Value};

use super::value::of_json;
use super::write::{SCRIPT_BEGINNING, SCRIPT_END};
use crate::shell::{Piece, Splitter};

/// Longest line, in bytes: a node with all its properties.
const LINE_MAX_BYTES: u64 = 256 << 20;

/// What a database is called while a dump is read into it.
pub(super) const LOADED: &str = "loaded";
/// Who reads a dump.
const LOADER: &str = "loader";
/// His password, and the admin's, where a dump is read: nobody else comes there.
pub(super) const PASSWORD: &str = "nobody comes here";
/// What he may do, on [`LOADED`] alone.
const RIGHTS: [&str; 5] = [
    "ACCESS ON DATABASE",
    "ALL GRAPH PRIVILEGES ON GRAPH",
    "NAME MANAGEMENT ON DATABASE",
    "INDEX MANAGEMENT ON DATABASE",
    "CONSTRAINT MANAGEMENT ON DATABASE",
];

/// What a file of lines held.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub loaded: Loaded,
    /// Statements that make its schema, each with its line.
    pub schema: Vec<(u64, String)>,
}

/// Fills an empty database with lines of JSON: our own, or those of `apoc.export.json.all`.
pub(super) fn load_lines(
    database: &graph::Database,
    input: &mut dyn BufRead,
    done: &AtomicU64,
) -> Result<Read, Failure> {
    let loader = Loader::new(database).map_err(of_graph)?;
    let mut lines = Lines { loader, ids: Ids::default(), schema: Vec::new(), is_ours: false, has_ended: false };
    let (mut line, mut number) = (Vec::new(), 0_u64);
    loop {
        line.clear();
        let bytes = std::io::Read::take(&mut *input, LINE_MAX_BYTES).read_until(b'\n', &mut line);
        let bytes = bytes.map_err(|error| refuse(number, &format!("cannot be read: {error}")))?;
        if bytes == 0 {
            break;
        }
        done.fetch_add(bytes as u64, Ordering::Relaxed);
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let json: Json = serde_json::from_slice(&line).map_err(|error| refuse(number, &error.to_string()))?;
        lines.take(number, &json).map_err(|reason| refuse(number, &reason))?;
    }
    if lines.is_ours && !lines.has_ended {
        return Err(Failure::new(Code::ExternalResourceFailed, format!("the dump ends early, after line {number}")));
    }
    let Lines { loader, schema, .. } = lines;
    Ok(Read { loaded: loader.finish().map_err(of_graph)?, schema })
}

fn of_graph(error: graph::GraphError) -> Failure {
    Failure::new(error.code(), error.to_string())
}

fn refuse(line: u64, reason: &str) -> Failure {
    Failure::new(Code::ExternalResourceFailed, format!("line {line} of the dump: {reason}"))
}

struct Lines {
    loader: Loader,
    ids: Ids,
    schema: Vec<(u64, String)>,
    /// Whether we wrote it, and therefore end it.
    is_ours: bool,
    has_ended: bool,
}

impl Lines {
    fn take(&mut self, number: u64, json: &Json) -> Result<(), String> {
        if self.has_ended {
            return Err("something follows the end".to_owned());
        }
        match json.get("type").and_then(Json::as_str) {
            Some("node") => self.node(json),
            Some("relationship") => self.relationship(json),
            Some("schema") => {
                let statement = json.get("statement").and_then(Json::as_str).ok_or("a schema has no statement")?;
                self.schema.push((number, statement.to_owned()));
                Ok(())
            }
            Some("sheaf-dump") => match json.get("version").and_then(Json::as_u64) {
                Some(1) => {
                    self.is_ours = true;
                    Ok(())
                }
                _ => Err("a newer server wrote this dump".to_owned()),
            },
            Some("end") => {
                let Loaded { nodes, relationships, .. } = self.loader.loaded();
                let count = |name: &str| json.get(name).and_then(Json::as_u64);
                if (count("nodes"), count("relationships")) != (Some(nodes), Some(relationships)) {
                    return Err("the dump holds another number of nodes or relationships than it says".to_owned());
                }
                self.has_ended = true;
                Ok(())
            }
            _ => Err("it is neither a node nor a relationship".to_owned()),
        }
    }

    fn node(&mut self, json: &Json) -> Result<(), String> {
        let id = id_of(json.get("id")).ok_or("a node has no id")?;
        let labels: Vec<LabelId> = match json.get("labels") {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(labels)) => {
                let label = |label: &Json| {
                    let name = label.as_str().ok_or("a label is no text")?;
                    self.loader.label(name).map_err(|error| error.to_string())
                };
                labels.iter().map(label).collect::<Result<_, String>>()?
            }
            Some(_) => return Err("labels are no list".to_owned()),
        };
        let properties = self.properties(json)?;
        let made = self.loader.node(&labels, &properties).map_err(|error| error.to_string())?;
        self.ids.add(id, made)
    }

    fn relationship(&mut self, json: &Json) -> Result<(), String> {
        let end = |name: &str| {
            let id = id_of(json.get(name).and_then(|end| end.get("id"))).ok_or_else(|| format!("it has no {name}"))?;
            self.ids.find(id).ok_or_else(|| format!("its {name} is node {id}, which did not come before it"))
        };
        let (start, end) = (end("start")?, end("end")?);
        let kind = json.get("label").and_then(Json::as_str).ok_or("a relationship has no type")?;
        let kind = self.loader.kind(kind).map_err(|error| error.to_string())?;
        let properties = self.properties(json)?;
        self.loader.relationship(start, kind, end, &properties).map(drop).map_err(|error| error.to_string())
    }

    fn properties(&self, json: &Json) -> Result<Vec<(KeyId, Value)>, String> {
        let object = match json.get("properties") {
            None | Some(Json::Null) => return Ok(Vec::new()),
            Some(Json::Object(object)) => object,
            Some(_) => return Err("properties are no map".to_owned()),
        };
        let property = |(key, value): (&String, &Json)| {
            let value = of_json(value).map_err(|reason| format!("property \"{key}\": {reason}"))?;
            Ok((self.loader.key(key).map_err(|error| error.to_string())?, value))
        };
        object.iter().map(property).collect()
    }
}

fn id_of(id: Option<&Json>) -> Option<u64> {
    match id? {
        Json::String(text) => text.parse().ok(),
        Json::Number(number) => number.as_u64(),
        _ => None,
    }
}

/// The nodes of a dump by their old ids: runs of ids that follow each other, of which an untouched graph has one.
#[derive(Default)]
struct Ids(Vec<Run>);

struct Run {
    old: u64,
    new: u64,
    length: u64,
}

impl Ids {
    /// Adds a node; dumps list them in order of id.
    fn add(&mut self, old: u64, new: NodeId) -> Result<(), String> {
        match self.0.last_mut() {
            Some(run) if run.old + run.length == old && run.new + run.length == new.0 => run.length += 1,
            Some(run) if old < run.old + run.length => {
                return Err(format!(
                    "node {old} comes after node {}: nodes are in order of id",
                    run.old + run.length - 1
                ));
            }
            _ => self.0.push(Run { old, new: new.0, length: 1 }),
        }
        Ok(())
    }

    fn find(&self, old: u64) -> Option<NodeId> {
        let at = self.0.partition_point(|run| run.old <= old).checked_sub(1)?;
        let run = &self.0[at];
        (old - run.old < run.length).then(|| NodeId(run.new + (old - run.old)))
    }
}

/// A session in which a dump may fill the database [`LOADED`] and do nothing else, whatever its statements say.
pub(super) struct Fenced(Session);

impl Fenced {
    /// Puts up the fence: a user who has rights on that database alone. `session` is an admin's.
    pub(super) fn new(instance: &Instance, session: &mut Session) -> Result<Self, Failure> {
        for text in [
            format!("CREATE USER {LOADER} SET PASSWORD '{PASSWORD}' CHANGE NOT REQUIRED SET HOME DATABASE {LOADED}"),
            format!("CREATE ROLE {LOADER}"),
            format!("GRANT ROLE {LOADER} TO {LOADER}"),
        ] {
            run(session, "system", &text)?;
        }
        for right in RIGHTS {
            run(session, "system", &format!("GRANT {right} {LOADED} TO {LOADER}"))?;
        }
        instance.log_in(Some((LOADER, PASSWORD))).map(Self)
    }

    /// Runs the statements of a file, one after the other.
    pub(super) fn load_script(&mut self, input: &mut dyn BufRead, done: &AtomicU64) -> Result<u64, Failure> {
        let (mut splitter, mut line, mut statements) = (Splitter::default(), String::new(), 0);
        // Lines so far, and the one in which the statement begins that is being read.
        let (mut number, mut began) = (0_u64, 1_u64);
        let (mut is_ours, mut has_ended) = (false, false);
        loop {
            line.clear();
            let bytes = input.read_line(&mut line);
            let bytes = bytes.map_err(|error| {
                Failure::new(Code::ExternalResourceFailed, format!("the dump cannot be read: {error}"))
            })?;
            if bytes == 0 {
                break;
            }
            done.fetch_add(bytes as u64, Ordering::Relaxed);
            number += 1;
            is_ours |= number == 1 && line.starts_with(SCRIPT_BEGINNING);
            has_ended |= line.starts_with(SCRIPT_END);
            if splitter.is_blank() {
                began = number;
            }
            splitter.push(&line);
            while let Some(piece) = splitter.take() {
                statements += self.run_piece(began, piece)?;
                began = number;
            }
        }
        if let Some(piece) = splitter.finish() {
            statements += self.run_piece(began, piece)?;
        }
        if statements == 0 || (is_ours && !has_ended) {
            let after = if number == 0 { "the file is empty".to_owned() } else { format!("after line {number}") };
            return Err(Failure::new(Code::ExternalResourceFailed, format!("the dump ends early: {after}")));
        }
        Ok(statements)
    }

    /// Runs one statement. Lines for a shell are refused, as what follows may mean something else without them; but for
    /// those that only part a script, as scripts of `apoc.export.cypher` are.
    fn run_piece(&mut self, line: u64, piece: Piece) -> Result<u64, Failure> {
        match piece {
            Piece::Statement(text) => self.run(line, &text).map(|()| 1),
            Piece::Command(text) if matches!(text.trim(), ":begin" | ":commit") => Ok(0),
            Piece::Command(text) => {
                let word = text.split_whitespace().next().unwrap_or_default();
                Err(refuse(line, &format!("{word} is for a shell, and a dump has statements only")))
            }
        }
    }

    /// Runs the statement that begins in a line of the dump.
    pub(super) fn run(&mut self, line: u64, text: &str) -> Result<(), Failure> {
        let at = |failure: Failure| Failure::new(failure.code(), format!("line {line} of the dump: {failure}"));
        let administers = || {
            let text = "a dump speaks of its own database alone, and does not administer";
            Failure::new(Code::Forbidden, format!("line {line} of the dump: Permission denied: {text}"))
        };
        match run(&mut self.0, LOADED, text) {
            // Everybody may make himself a token; whoever loads a dump would look for it in vain.
            Ok(summary) if summary.counters.system_updates > 0 => Err(administers()),
            Ok(_) => Ok(()),
            // Whoever loads the dump knows nothing of the user behind this fence.
            Err(failure) if names_loader(&failure) => Err(administers()),
            Err(failure) => Err(at(failure)),
        }
    }
}

/// Tells whether a refusal is one of [`LOADER`], and not of data that happens to be called so.
fn names_loader(failure: &Failure) -> bool {
    let text = failure.message();
    text.starts_with(&format!("User '{LOADER}' "))
        || (failure.code() == Code::Forbidden && text.contains(&format!("user '{LOADER}'")))
}

/// Runs a statement to its end; gives what it came to.
pub(super) fn run(session: &mut Session, database: &str, text: &str) -> Result<Summary, Failure> {
    let options = RunOptions { database: Some(database.to_owned()), ..RunOptions::default() };
    let mut records = session.run(text, Map::new(), &options)?;
    let mut fetched = Fetched::default();
    while records.pull(1_000, &mut fetched)? == More::Yes {
        fetched.clear();
    }
    Ok(records.summary())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f24_ids_with_holes_are_found() {
        let mut ids = Ids::default();
        for (new, old) in [3, 4, 5, 9, 11, 12].into_iter().enumerate() {
            ids.add(old, NodeId(new as u64)).expect("in order");
        }
        assert_eq!(ids.0.len(), 3);
        let found: Vec<_> = (0..14).map(|old| ids.find(old).map(|id| id.0)).collect();
        let (n, s) = (None, Some);
        assert_eq!(found, [n, n, n, s(0), s(1), s(2), n, n, n, s(3), n, s(4), s(5), n]);
        assert!(ids.add(12, NodeId(9)).is_err());
    }
}
