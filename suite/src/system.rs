//! Which system the scripts and scenarios are played on: an instance in memory, behind each face.
//! Leaves how it is spoken to to [`crate::door`].
//! Start reading at [`faces`].

use std::path::Path;
use std::sync::Arc;

use catalog::Authentication;
use instance::{Instance, InstanceOptions};
use types::{Map, Value};

use crate::door::bolt::Bolt;
use crate::door::direct::Direct;
use crate::door::http::Http;
use crate::door::{Answer, Problem, Session, System};
use crate::tck::scenario::TestSession;
use crate::tck::value;

/// Opens an empty system behind one face.
pub type Open = fn(Wanted) -> Result<Box<dyn System>, String>;

/// What a script asks of its system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whether it asks who somebody is.
    pub users: Users,
    /// Whether it keeps its data on a disk, in a folder that goes with it.
    pub disk: bool,
}

/// Whether a system asks who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Users {
    /// Everybody may do everything.
    Unknown,
    /// Users have passwords; `admin` is the first.
    Known,
}

/// Every face that a script is played through.
#[must_use]
pub fn faces() -> Vec<(&'static str, Open)> {
    vec![
        ("in process", |wanted| {
            let (instance, folder) = system(wanted)?;
            Ok(Box::new(Kept { system: Direct::new(Arc::new(instance)), _folder: folder }))
        }),
        ("over Bolt", |wanted| {
            let (instance, folder) = system(wanted)?;
            Ok(Box::new(Kept { system: Bolt::start(Arc::new(instance))?, _folder: folder }))
        }),
        ("over HTTP", |wanted| {
            let (instance, folder) = system(wanted)?;
            Ok(Box::new(Kept { system: Http::start(Arc::new(instance))?, _folder: folder }))
        }),
    ]
}

/// Opens a system in process whose data lies in a folder.
///
/// # Errors
///
/// The reason, in words, where the instance cannot be opened.
pub fn on_disk(folder: &Path) -> Result<Box<dyn System>, String> {
    let instance = Instance::open(InstanceOptions::new(folder)).map_err(|error| error.to_string())?;
    Ok(Box::new(Direct::new(Arc::new(instance))))
}

/// Opens a session on an empty database, for one scenario.
///
/// # Errors
///
/// The reason, in words, where the instance cannot be made.
pub fn test_session() -> Result<impl TestSession, String> {
    let instance = empty(Users::Unknown)?;
    let session = Direct::new(Arc::new(instance.clone())).session(None)?;
    Ok(Scenario { session, instance })
}

/// Opens a session over Bolt on an empty database, for one scenario; procedures are declared by statements.
///
/// # Errors
///
/// The reason, in words, where the server cannot be started.
pub fn bolt_test_session() -> Result<impl TestSession, String> {
    let server = Bolt::start(Arc::new(empty(Users::Unknown)?))?;
    let session = server.session(None)?;
    Ok(Remote { session, _server: server })
}

/// A system with the folder that its data lies in, which is removed after it.
struct Kept<S> {
    system: S,
    _folder: Option<tempfile::TempDir>,
}

impl<S: System> System for Kept<S> {
    fn session_with(&self, user: &str, password: &str) -> Result<Box<dyn Session>, Problem> {
        self.system.session_with(user, password)
    }
}

fn system(wanted: Wanted) -> Result<(Instance, Option<tempfile::TempDir>), String> {
    if !wanted.disk {
        return Ok((empty(wanted.users)?, None));
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let options = InstanceOptions { folder: folder.path().to_owned(), ..options(wanted.users) };
    let instance = Instance::open(options).map_err(|error| error.to_string())?;
    Ok((instance, Some(folder)))
}

fn empty(users: Users) -> Result<Instance, String> {
    Instance::in_memory(options(users)).map_err(|error| error.to_string())
}

fn options(users: Users) -> InstanceOptions {
    let authentication = match users {
        Users::Unknown => Authentication::Off,
        Users::Known => Authentication::Password { first: Some("admin-password".to_owned()) },
    };
    InstanceOptions { test_procedures: true, authentication, ..InstanceOptions::new("data") }
}

/// A session with the server that it speaks to.
struct Remote {
    session: Box<dyn Session>,
    _server: Bolt,
}

impl Session for Remote {
    fn run(&mut self, text: &str, parameters: Map) -> Result<Answer, Problem> {
        self.session.run(text, parameters)
    }
}

impl TestSession for Remote {
    fn declare_procedure(&mut self, signature: &str, table: &[Vec<String>]) -> Result<(), String> {
        let (header, rows) = table.split_first().map_or((&[][..], &[][..]), |(header, rows)| (header.as_slice(), rows));
        let row = |row: &Vec<String>| -> Result<Value, String> {
            let entries = header.iter().zip(row).map(|(name, cell)| Ok((name.as_str().into(), value::parse(cell)?)));
            Ok(Value::map(entries.collect::<Result<Map, String>>()?))
        };
        let rows = Value::list(rows.iter().map(row).collect::<Result<Vec<Value>, String>>()?);
        let parameters = [("signature".into(), Value::string(signature)), ("rows".into(), rows)].into_iter().collect();
        let declared = self.session.run("CALL tck.registerProcedure($signature, $rows)", parameters);
        declared.map(drop).map_err(|problem| problem.message)
    }
}

struct Scenario {
    session: Box<dyn Session>,
    instance: Instance,
}

impl Session for Scenario {
    fn run(&mut self, text: &str, parameters: Map) -> Result<Answer, Problem> {
        self.session.run(text, parameters)
    }
}

impl TestSession for Scenario {
    fn declare_procedure(&mut self, signature: &str, table: &[Vec<String>]) -> Result<(), String> {
        let rows = table.iter().skip(1).map(|row| row.iter().map(|cell| value::parse(cell)).collect());
        let rows = rows.collect::<Result<Vec<Vec<_>>, String>>()?;
        self.instance.register_procedure(signature, rows).map_err(|failure| failure.to_string())
    }
}
