//! Which system the scripts and scenarios are played on.
//! Leaves how it is spoken to to [`crate::door`].
//! Start reading at [`faces`].

use std::sync::{Mutex, MutexGuard, PoisonError};

use types::Map;

use crate::door::bolt::connect;
use crate::door::{Answer, Problem, Session, System};
use crate::tck::scenario::TestSession;

/// Names the variable that holds `host:port` of a running server.
pub const ADDRESS_VARIABLE: &str = "SHEAF_BOLT";

/// Opens an empty system behind one face.
pub type Open = fn() -> Result<Box<dyn System>, String>;

/// Every face that a script is played through.
#[must_use]
pub fn faces() -> Vec<(&'static str, Open)> {
    vec![("a running server", outside)]
}

/// Opens a session on an empty database, for one scenario.
///
/// # Errors
///
/// The reason, in words, where there is no system to speak to.
pub fn test_session() -> Result<impl TestSession, String> {
    let system = Outside::open()?;
    let session = system.session(None)?;
    Ok(OutsideSession { session, _system: system })
}

fn outside() -> Result<Box<dyn System>, String> {
    Ok(Box::new(Outside::open()?))
}

/// One at a time: there is one running server, and each test wants it empty.
static ALONE: Mutex<()> = Mutex::new(());

/// A server that runs already, emptied.
struct Outside {
    address: String,
    _alone: MutexGuard<'static, ()>,
}

impl Outside {
    fn open() -> Result<Self, String> {
        let address = std::env::var(ADDRESS_VARIABLE).map_err(|_| format!("{ADDRESS_VARIABLE} names no server"))?;
        // A test that failed while it was alone left nothing that the next one needs.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let system = Self { address, _alone: alone };
        system.empty()?;
        Ok(system)
    }

    fn empty(&self) -> Result<(), String> {
        let mut session = self.session(None)?;
        let mut run =
            |text: &str| session.run(text, Map::default()).map_err(|problem| format!("{text}: {}", problem.message));
        run("MATCH (n) DETACH DELETE n")?;
        for text in [
            "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name",
            "SHOW DATABASES YIELD name, type, default WHERE type = 'standard' AND NOT default RETURN name",
        ] {
            let kind = if text.contains("INDEXES") { "INDEX" } else { "DATABASE" };
            let names = run(text)?.records;
            for name in names.iter().flatten().filter_map(types::text::to_text) {
                run(&format!("DROP {kind} `{name}` IF EXISTS"))?;
            }
        }
        Ok(())
    }
}

impl System for Outside {
    fn session(&self, user: Option<&str>) -> Result<Box<dyn Session>, String> {
        connect(self.address.as_str(), user)
    }
}

struct OutsideSession {
    session: Box<dyn Session>,
    _system: Outside,
}

impl Session for OutsideSession {
    fn run(&mut self, text: &str, parameters: Map) -> Result<Answer, Problem> {
        self.session.run(text, parameters)
    }
}

impl TestSession for OutsideSession {
    fn declare_procedure(&mut self, _signature: &str, _table: &[Vec<String>]) -> Result<(), String> {
        Err("a running server takes no procedures from outside".to_owned())
    }
}
