//! A graph in memory and a statement's surroundings, for the tests of this crate.
//! Leaves what is tested to each place's own tests.
//! Start reading at [`World`], then [`Memory`].

mod memory;
mod source;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use types::{Map, Value};

use crate::expression::Context;
use crate::functions::FunctionContext;
use crate::{Budget, Counters, Remote, Source};

pub(crate) use memory::Memory;

/// Sources, parameters and limits for what a test runs.
pub(crate) struct World {
    /// The sources, by number.
    pub sources: Vec<Box<dyn Source>>,
    /// The parameters.
    pub parameters: Map,
    /// What a statement may hold.
    pub memory_max_bytes: usize,
    /// How long a statement may take.
    pub time_max: Option<Duration>,
    /// What `LOAD CSV` may read.
    pub import_folder: Option<PathBuf>,
    /// What opens files on other machines.
    pub remote: Option<Box<dyn Remote>>,
    /// Whether the statement was ended.
    pub interrupted: Arc<AtomicBool>,
    /// What the last run changed.
    pub counters: Counters,
}

impl World {
    /// Makes a world of one graph and of 16 MiB.
    pub fn of(graph: Memory) -> Self {
        Self {
            sources: vec![Box::new(graph)],
            parameters: Map::new(),
            memory_max_bytes: 1 << 24,
            time_max: None,
            import_folder: None,
            remote: None,
            interrupted: Arc::default(),
            counters: Counters::default(),
        }
    }

    /// Adds a graph with the next number.
    #[must_use]
    pub fn and(mut self, graph: Memory) -> Self {
        let number = u16::try_from(self.sources.len()).expect("a test has few graphs");
        self.sources.push(Box::new(graph.numbered(number)));
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: Value) -> Self {
        self.parameters.insert(name.into(), value);
        self
    }

    /// Does work in a fresh context; keeps what was counted.
    pub fn run<T>(&mut self, work: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let mut budget =
            Budget::start(Arc::new(types::SystemClock), self.time_max, self.memory_max_bytes, self.interrupted.clone());
        let mut counters = Counters::default();
        let database = self.sources[0].database().to_owned();
        let mut context = Context {
            parameters: &self.parameters,
            sources: &mut self.sources,
            functions: FunctionContext {
                statement_nanos: 0,
                transaction_nanos: 0,
                realtime_nanos: &|| 0,
                random: &mut || 4,
                database: &database,
                linenumber: None,
                file: None,
                memory_max_bytes: self.memory_max_bytes,
                limit_bytes: self.memory_max_bytes,
            },
            budget: &mut budget,
            counters: &mut counters,
            user: None,
            import_folder: self.import_folder.as_deref(),
            remote: self.remote.as_deref(),
            transactions: None,
            transaction: None,
        };
        let done = work(&mut context);
        self.counters = counters;
        done
    }

    /// Writes the whole graph of a number in one line: `(0:L {k: 1}) (1) 0-[0:T]->1`.
    pub fn show(&self, number: usize) -> String {
        memory::show(self.sources[number].as_ref())
    }
}
