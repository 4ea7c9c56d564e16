//! Plays one scenario: sets a graph up, runs its statement, and judges what came back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use types::{Map, Value};

use super::feature::{Scenario, Step};
use super::judge;
use super::value::{Lists, canonical, parse};
use crate::door::{Answer, Problem, Session};

/// The graphs that scenarios name, by name: the statements that make them.
pub type Graphs = BTreeMap<String, String>;

/// A session whose database knows the procedures that scenarios declare.
pub trait TestSession: Session {
    /// Makes a procedure known: its signature, and a table of inputs and outputs with a header.
    ///
    /// # Errors
    ///
    /// The reason, in words, where that cannot be.
    fn declare_procedure(&mut self, signature: &str, table: &[Vec<String>]) -> Result<(), String>;
}

/// Reads the named graphs of a folder.
///
/// # Errors
///
/// A file that cannot be read.
pub fn load_graphs(folder: &Path) -> Result<Graphs, String> {
    let mut graphs = Graphs::new();
    for entry in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let (Some(name), true) = (path.file_name(), path.is_dir()) else { continue };
        let name = name.to_string_lossy().into_owned();
        let file = path.join(format!("{name}.cypher"));
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        // The licence at the head is no Cypher comment.
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        graphs.insert(name, lines.join("\n"));
    }
    Ok(graphs)
}

/// Plays a scenario on an empty database.
///
/// # Errors
///
/// What differs from what the scenario expects, in words.
pub fn play(scenario: &Scenario, graphs: &Graphs, session: &mut dyn TestSession) -> Result<(), String> {
    let mut player = Player { session, parameters: Map::default(), outcome: None, before: State::default() };
    for (at, step) in scenario.steps.iter().enumerate() {
        let judges_effects = scenario.steps[at..].iter().any(|step| step.text.contains("side effects"));
        player.step(step, graphs, judges_effects)?;
    }
    Ok(())
}

struct Player<'s> {
    session: &'s mut dyn TestSession,
    parameters: Map,
    outcome: Option<Result<Answer, Problem>>,
    before: State,
}

impl Player<'_> {
    fn step(&mut self, step: &Step, graphs: &Graphs, judges_effects: bool) -> Result<(), String> {
        let text = step.text.as_str();
        if matches!(text, "an empty graph" | "any graph") {
            return Ok(());
        }
        if let Some(name) = text.strip_prefix("the ").and_then(|rest| rest.strip_suffix(" graph")) {
            let statement = graphs.get(name).ok_or_else(|| format!("there is no graph '{name}'"))?;
            return self.prepare(statement);
        }
        if let Some(signature) = text.strip_prefix("there exists a procedure ") {
            return self.session.declare_procedure(signature.trim_end_matches(':'), &step.table);
        }
        if text == "having executed:" {
            return self.prepare(document(step)?);
        }
        if text.starts_with("parameters are:") || text.starts_with("parameter values are:") {
            return self.take_parameters(step);
        }
        if text.starts_with("executing query:") || text.starts_with("executing control query:") {
            if judges_effects {
                self.before = State::read(self.session)?;
            }
            self.outcome = Some(self.session.run(document(step)?, self.parameters.clone()));
            return Ok(());
        }
        self.judge(step)
    }

    fn judge(&mut self, step: &Step) -> Result<(), String> {
        let outcome = self.outcome.as_ref().ok_or("nothing was executed yet")?;
        if step.text.contains(" should be raised at ") {
            return judge::error(step, outcome);
        }
        let answer = match outcome {
            Ok(answer) => answer,
            Err(problem) => return Err(format!("failed with {}: {}", problem.status(), problem.message)),
        };
        if step.text.starts_with("the result should be") {
            return judge::records(step, answer);
        }
        if step.text == "no side effects" || step.text.starts_with("the side effects should be") {
            return judge::effects(step, &State::read(self.session)?.since(&self.before));
        }
        Err(format!("unknown step: {}", step.text))
    }

    fn prepare(&mut self, statement: &str) -> Result<(), String> {
        let outcome = self.session.run(statement, Map::default());
        outcome
            .map(|_| ())
            .map_err(|problem| format!("the set-up failed with {}: {}", problem.status(), problem.message))
    }

    fn take_parameters(&mut self, step: &Step) -> Result<(), String> {
        for row in &step.table {
            let [name, value] = row.as_slice() else { return Err(format!("{row:?} is no parameter")) };
            self.parameters.insert(name.as_str().into(), parse(value)?);
        }
        Ok(())
    }
}

fn document(step: &Step) -> Result<&str, String> {
    step.document.as_deref().ok_or_else(|| format!("'{}' has no statement", step.text))
}

/// What a database holds, by which side effects are told.
#[derive(Default)]
struct State {
    nodes: BTreeSet<String>,
    relationships: BTreeSet<String>,
    labels: BTreeSet<String>,
    properties: BTreeSet<String>,
}

impl State {
    fn read(session: &mut dyn TestSession) -> Result<Self, String> {
        let mut state = Self::default();
        for text in ["MATCH (n) RETURN n", "MATCH ()-[r]->() RETURN r"] {
            let answer = session.run(text, Map::default()).map_err(|problem| format!("{text}: {}", problem.message))?;
            answer.records.iter().flatten().for_each(|value| state.note(value));
        }
        Ok(state)
    }

    fn note(&mut self, value: &Value) {
        let (kind, id, properties) = match value {
            Value::Node(node) => {
                self.nodes.insert(node.id.to_string());
                self.labels.extend(node.labels.iter().map(ToString::to_string));
                ("node", node.id, &node.properties)
            }
            Value::Relationship(relationship) => {
                self.relationships.insert(relationship.id.to_string());
                ("relationship", relationship.id, &relationship.properties)
            }
            _ => return,
        };
        let texts =
            properties.iter().map(|(key, value)| format!("{kind} {id} {key} {}", canonical(value, Lists::Ordered)));
        self.properties.extend(texts);
    }

    /// Counts what is new and what is gone.
    fn since(&self, before: &Self) -> BTreeMap<String, usize> {
        let kinds = [
            ("nodes", &self.nodes, &before.nodes),
            ("relationships", &self.relationships, &before.relationships),
            ("labels", &self.labels, &before.labels),
            ("properties", &self.properties, &before.properties),
        ];
        let changes = kinds.into_iter().flat_map(|(kind, now, before)| {
            let (new, gone) = (now.difference(before).count(), before.difference(now).count());
            [(format!("+{kind}"), new), (format!("-{kind}"), gone)]
        });
        changes.filter(|(_, count)| *count > 0).collect()
    }
}
