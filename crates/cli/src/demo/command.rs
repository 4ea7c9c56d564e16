//! `sheaf demo`: three databases of real flights, three statements, then a server to play with.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;
use graph::bulk::Loaded;
use instance::{Instance, InstanceError, InstanceOptions};
use server::StartError;
use types::{Clock, Code, Failure, KeyId, LabelId, NodeId, SystemClock, TypeId, Value};

use super::data::{DataError, Tables};
use super::model::{self, INDEXES, ModelError, TENANTS, Tenant};
use super::statements::{self, ShowError};
use crate::exit::{Exit, complain, say};
use crate::import::{self, Fill, IndexWish};
use crate::serve::{Running, RunningError, Settings, exit_of};
use crate::signals::Signals;
use crate::{logging, progress};

/// Records that a flight makes: itself, and what it is tied to.
const RECORDS_PER_FLIGHT: u64 = 5;

/// What `sheaf demo` takes.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The data folder; made if it is not there. A second start finds its databases there.
    #[arg(long, env = "SHEAF_DEMO_DATA", default_value = "demo-data", value_name = "FOLDER")]
    data: PathBuf,
    /// Ends after the statements instead of serving.
    #[arg(long)]
    exit: bool,
    /// Loads the flights of these files instead of one month: CSV of nycflights13, plain or gzipped.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    year: Vec<PathBuf>,
}

/// Why there was no demo, or not all of it.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    /// The flights cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A database cannot be made.
    #[error("cannot make the database \"{database}\"")]
    Tenant {
        /// The database.
        database: &'static str,
        /// Why.
        source: ModelError,
    },
    /// The data folder cannot be opened.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The server does not start.
    #[error(transparent)]
    Running(#[from] RunningError),
    /// A statement failed.
    #[error(transparent)]
    Show(#[from] ShowError),
    /// The system gives no signals.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
}

impl DemoError {
    fn exit(&self) -> Exit {
        match self {
            Self::Instance(error) => exit_of(error),
            Self::Running(error) => error.exit(),
            Self::Data(_) => Exit::Usage,
            Self::Tenant { .. } | Self::Show(_) | Self::Signals(_) => Exit::Failed,
        }
    }
}

/// Makes the databases, shows the statements, and serves until the process is asked to end.
pub fn run(arguments: &Arguments) -> Exit {
    if let Ok(level) = logging::parse_level("warn") {
        logging::start(logging::LogFormat::Text, level);
    }
    match demo(arguments) {
        Ok(()) => Exit::Done,
        // Who reads our output has seen enough: `sheaf demo --exit | head`.
        Err(DemoError::Show(ShowError::Output(error))) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => {
            complain(&error);
            error.exit()
        }
    }
}

fn demo(arguments: &Arguments) -> Result<(), DemoError> {
    let signals = Signals::listen().map_err(DemoError::Signals)?;
    let instance = Instance::open(InstanceOptions::new(&arguments.data))?;
    let running = make_databases(&instance, &arguments.year).and_then(|()| Ok(serve(&instance, arguments)?));
    let running = running.inspect_err(|_| instance.close())?;
    let shown = match running.bolt_addr() {
        Some(address) => statements::show_all(address),
        None => Ok(()),
    };
    if shown.is_ok() && !arguments.exit {
        say(&how_to_connect(&running, arguments));
        signals.wait();
    }
    running.stop();
    Ok(shown?)
}

/// Makes each database that is not there yet; all of them anew where files are given.
fn make_databases(instance: &Instance, year: &[PathBuf]) -> Result<(), DemoError> {
    let tables = if year.is_empty() { Tables::january()? } else { Tables::from_files(year)? };
    for tenant in TENANTS {
        let started = SystemClock.now();
        let made = make(instance, tenant, &tables, !year.is_empty());
        let made = made.map_err(|source| DemoError::Tenant { database: tenant.database, source })?;
        let seconds = SystemClock.now().saturating_duration_since(started).as_secs_f64();
        say(&match made {
            Some(Loaded { nodes, relationships, .. }) => format!(
                "{}: everything that left {}, {nodes} nodes and {relationships} relationships, loaded in {seconds:.2} s",
                tenant.database, tenant.origin
            ),
            None => format!("{}: there from the last time", tenant.database),
        });
    }
    Ok(())
}

/// Gives nothing where the database is there already.
fn make(instance: &Instance, tenant: Tenant, tables: &Tables, anew: bool) -> Result<Option<Loaded>, ModelError> {
    let index = |(label, property): (&str, &str)| IndexWish { label: label.into(), property: property.into() };
    let indexes = INDEXES.map(index);
    let records = AtomicU64::new(0);
    let flights = tables.flights.iter().filter(|flight| flight.origin == tenant.origin).count();
    let (mut loaded, mut failed) = (None, None);
    let made = instance.import_database(tenant.database, anew, &mut |database| {
        let done = || {
            let records = records.load(Ordering::Relaxed);
            (records, records)
        };
        let result = progress::shown(flights as u64 * RECORDS_PER_FLIGHT, &done, || {
            import::load(database, &indexes, |fill| {
                model::load(tenant, tables, &mut Counted { fill, records: &records })
            })
        });
        match result {
            Ok(all) => {
                loaded = Some(all);
                Ok(())
            }
            Err(error) => {
                let failure = Failure::new(error.code(), error.to_string());
                failed = Some(error);
                Err(failure)
            }
        }
    });
    match (made, failed) {
        (_, Some(error)) => Err(error),
        (Err(failure), _) if failure.code() == Code::DatabaseExists => Ok(None),
        (Err(failure), _) => Err(failure.into()),
        (Ok(()), _) => Ok(loaded),
    }
}

/// Counts what goes by.
struct Counted<'a> {
    fill: &'a mut dyn Fill,
    records: &'a AtomicU64,
}

impl Fill for Counted<'_> {
    fn label(&mut self, name: &str) -> Result<LabelId, Failure> {
        self.fill.label(name)
    }

    fn kind(&mut self, name: &str) -> Result<TypeId, Failure> {
        self.fill.kind(name)
    }

    fn key(&mut self, name: &str) -> Result<KeyId, Failure> {
        self.fill.key(name)
    }

    fn node(&mut self, labels: &[LabelId], properties: &[(KeyId, Value)]) -> Result<NodeId, Failure> {
        self.records.fetch_add(1, Ordering::Relaxed);
        self.fill.node(labels, properties)
    }

    fn relationship(
        &mut self,
        start: NodeId,
        kind: TypeId,
        end: NodeId,
        properties: &[(KeyId, Value)],
    ) -> Result<(), Failure> {
        self.records.fetch_add(1, Ordering::Relaxed);
        self.fill.relationship(start, kind, end, properties)
    }
}

/// Serves on the usual ports, or on free ones where they are taken. Nobody connects to a demo that ends at once.
fn serve(instance: &Instance, arguments: &Arguments) -> Result<Running, RunningError> {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut settings = Settings::default();
    settings.instance.folder.clone_from(&arguments.data);
    if arguments.exit {
        (settings.server.bolt_addr, settings.server.http_addr) = (Some(free), Some(free));
    }
    loop {
        let taken = match Running::serve(instance.clone(), &settings) {
            Err(RunningError::Faces(StartError::Listen { address, source }))
                if source.kind() == io::ErrorKind::AddrInUse && address.port() != 0 =>
            {
                address
            }
            outcome => return outcome,
        };
        for address in [&mut settings.server.bolt_addr, &mut settings.server.http_addr] {
            if *address == Some(taken) {
                say(&format!("Port {} is taken: a free one it is.", taken.port()));
                *address = Some(free);
            }
        }
    }
}

fn how_to_connect(running: &Running, arguments: &Arguments) -> String {
    let address = |address: Option<SocketAddr>| address.map(|address| address.to_string()).unwrap_or_default();
    let (bolt, http) = (address(running.bolt_addr()), address(running.http_addr()));
    let program = std::env::args().next().unwrap_or_else(|| "sheaf".to_owned());
    format!(
        "
sheaf is ready: bolt://{bolt} http://{http} data {data}

The databases ewr, jfk and lga are yours to ask:

  {program} shell --bolt {bolt} --database ewr

  # Python: pip install neo4j
  from neo4j import GraphDatabase
  driver = GraphDatabase.driver(\"bolt://{bolt}\")
  print(driver.execute_query(\"MATCH (p:Plane) RETURN count(p) AS planes\", database_=\"jfk\").records)

  curl -s http://{http}/db/lga/query/v2 -H 'Content-Type: application/json' \\
    -d '{{\"statement\": \"MATCH (f:Flight) RETURN count(f) AS flights\"}}'

Ctrl-C ends it. The data stays in {data}; remove the folder to begin anew.",
        data = arguments.data.display()
    )
}
