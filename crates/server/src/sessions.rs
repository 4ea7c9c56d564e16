//! What the faces ask of whoever runs statements.
//! Says nothing about how that is done: `instance` does it for a server, a table of answers does it for tests.
//! Start reading at [`Sessions`] and [`Session`].

use std::sync::Arc;

pub use instance::{Access, Counters, Fetched, Kind, More, Notification, Plan, Profile, RunOptions, Summary};
pub use instance::{Charged, Health, Level, Origin, Quota, Standing};
use types::{Code, CompactString, Failure, Map};

/// Rows that are computed at once only to be passed over.
pub(crate) const PASSED_ROWS: usize = 1_024;

/// What is kept of the name that a client gives itself.
const AGENT_BYTES_MAX: usize = 500;

/// Cuts the name that a client gives itself to what is kept of it.
pub(crate) fn shown_agent(agent: &str) -> String {
    agent[..agent.floor_char_boundary(AGENT_BYTES_MAX)].to_owned()
}

/// A request of at most so many bytes is read without asking for memory.
pub(crate) const UNWEIGHED_MAX_BYTES: usize = 64 << 10;

/// Tells the bytes of a buffer that has grown, as it was filled, to hold so many.
pub(crate) fn buffer_bytes(held: usize) -> usize {
    held.next_power_of_two()
}

/// Memory that is lent until this goes.
pub type Lent = Box<dyn Send + Sync>;

/// Opens sessions.
pub trait Sessions: Send + Sync {
    /// Opens a session for a client that proves who it is. May take long: passwords are hashed.
    fn log_in(&self, credentials: &Credentials) -> Result<Box<dyn Session>, Failure>;

    /// As [`Sessions::log_in`]; `address` is told to whoever keeps book of that.
    fn log_in_from(&self, credentials: &Credentials, _address: &str) -> Result<Box<dyn Session>, Failure> {
        self.log_in(credentials)
    }

    /// Writes every number of the server as text for Prometheus, each database by its name; nothing where none are
    /// counted.
    fn metrics(&self) -> Option<String> {
        None
    }

    /// As [`Sessions::metrics`], for somebody who did not log in: without the names of databases.
    fn metrics_in_total(&self) -> Option<String> {
        None
    }

    /// Tells how the databases are.
    fn health(&self) -> Health {
        Health { is_ready: true, ..Health::default() }
    }

    /// Tells how much of a database's rate of statements is left, where that is bounded.
    fn quota(&self, _database: &str) -> Option<Quota> {
        None
    }
}

/// What a client says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing, which a server without passwords accepts.
    None,
    /// A name and a password.
    Basic {
        /// The user's name.
        user: String,
        /// The password.
        password: String,
    },
}

/// One client's conversation. Dropping it ends what is open.
pub trait Session: Send {
    /// Names the user as he is called by now.
    fn user(&self) -> String;

    /// Gives a text that stands for the user, whatever he is called.
    fn identity(&self) -> String {
        self.user()
    }

    /// Gives a text that stands for who he is: a user, or a token of one.
    fn key(&self) -> String {
        self.identity()
    }

    /// Tells whether what somebody with this key began is his own.
    fn owns(&self, key: &str) -> bool {
        self.identity() == key
    }

    /// Tells whether he may end whatever anybody runs: for such a one the faces keep some places.
    fn is_operator(&self) -> bool {
        false
    }

    /// Tells whether somebody ended the session: then its connection is of no more use.
    fn is_ended(&self) -> bool {
        false
    }

    /// Tells whether the password must be changed before anything else is done.
    fn credentials_expired(&self) -> bool {
        false
    }

    /// Finds a database by name or alias, the user's home database without one; gives its name.
    fn resolve(&mut self, database: Option<&str>) -> Result<String, Failure>;

    /// As [`Session::resolve`], for another user in whose name the client will speak.
    fn resolve_as(&mut self, database: Option<&str>, user: Option<&str>) -> Result<String, Failure> {
        let _ = user;
        self.resolve(database)
    }

    /// Starts a statement: in the open transaction, or in one of its own.
    fn run(&mut self, text: &str, parameters: Map, options: &RunOptions) -> Result<Box<dyn Records>, Failure>;

    /// Opens a transaction.
    fn begin(&mut self, options: &RunOptions) -> Result<(), Failure>;

    /// Commits the open transaction and gives its bookmark. The transaction is over even if that fails.
    fn commit(&mut self) -> Result<Option<String>, Failure>;

    /// Rolls the open transaction back; without one there is nothing to do.
    fn rollback(&mut self) -> Result<(), Failure>;

    /// Ends what is open and forgets an interrupt.
    fn reset(&mut self);

    /// Lends memory for a client's request: its bytes as they come, and its values before they are made. It counts with that
    /// of all statements.
    fn lend(&self, _bytes: usize) -> Result<Lent, Failure> {
        Ok(Box::new(()))
    }

    /// Says that nothing is open and that the client's next request is awaited.
    fn rests(&mut self) {}

    /// Gives what interrupts this session's statement, from any thread, for as long as it lives.
    fn interrupter(&self) -> Interrupter;

    /// Lists this conversation among the sessions, under the id that this gives; nothing where none are listed.
    fn enlist(&mut self) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    /// Makes a session object, which stays when this is dropped; gives its id.
    fn open_object(&mut self) -> Result<String, Failure> {
        Err(Failure::new(Code::RequestInvalid, "No sessions are kept here."))
    }

    /// Goes on with a session object of the same user.
    fn resume(&mut self, _id: &str) -> Result<(), Failure> {
        Err(Failure::new(Code::SessionNotFound, "No sessions are kept here."))
    }

    /// As [`Sessions::metrics`], with the names of the databases that the user may see; fails where he may see no usage.
    fn metrics(&mut self) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    /// Says where the session comes from.
    fn comes_from(&mut self, _origin: Origin) {}

    /// Has bookmarks carry what `USE` chooses, so that it is the choice of one conversation on a shared connection.
    fn carry_choice(&mut self) {}

    /// Tells how much is left of the rates that the latest statement was counted in.
    fn charged(&self) -> Charged {
        Charged::Nowhere
    }

    /// Tells how the user stands with a database, his own without a name.
    fn standing(&mut self, _database: Option<&str>) -> Result<Standing, Failure> {
        Err(Failure::new(Code::RequestInvalid, "Nothing is counted here."))
    }
}

/// Interrupts a session's statement. The interrupt holds until the session is reset.
pub type Interrupter = Arc<dyn Fn() + Send + Sync>;

/// The records of a statement that was started.
pub trait Records: Send {
    /// Names the columns.
    fn columns(&self) -> &[CompactString];

    /// Appends at most `rows_max` rows to `fetched` and tells whether more may come.
    ///
    /// Once none come, an auto-commit statement has committed.
    fn pull(&mut self, rows_max: usize, fetched: &mut Fetched) -> Result<More, Failure>;

    /// Tells whether it was ended before its last row: whoever still sends rows of it need not go on.
    fn is_ended(&self) -> bool {
        false
    }

    /// Gives up the rows that are left. What the statement writes is written all the same, and a failure that is
    /// near is still told.
    fn pass_over(&mut self) -> Result<(), Failure> {
        let mut fetched = Fetched::default();
        while self.pull(PASSED_ROWS, &mut fetched)? == More::Yes {
            fetched.clear();
        }
        Ok(())
    }

    /// Tells what the statement did, once no more records come.
    fn summary(&mut self) -> Summary;
}
