//! The shell's side of one conversation with a server.

use std::io::{self, Write};

use bolt::client::{Client, ClientError, ConnectOptions};
use bolt::{AuthToken, Options};
use types::text::literal;
use types::{Clock, Map, SystemClock, Value};

use super::Arguments;
use super::command::{Command, CommandError, HELP};
use super::format::{Format, Printer};
use super::interrupt::Interrupts;

/// Why the shell could not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    /// No connection; check the address and whether the server runs.
    #[error("cannot connect to {address}")]
    Connect {
        /// The address as it was given.
        address: String,
        /// Why.
        source: ClientError,
    },
    /// The server was reached and refused the user or the database; its own words say why.
    #[error("{0}")]
    Refused(#[source] ClientError),
    /// The server refused a statement, or is gone.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// There is nothing of what was asked for.
    #[error("{0}")]
    Nothing(String),
    /// The line is no command of the shell.
    #[error("{0}")]
    Command(#[from] CommandError),
    /// The database stays the same until the transaction ends.
    #[error("a transaction is open. End it with :commit or :rollback.")]
    TransactionOpen,
    /// There is nothing to commit or to roll back.
    #[error("no transaction is open")]
    NoTransaction,
    /// The server rolls back what nobody committed; end the input with `:commit`.
    #[error("the input ended inside a transaction, which is rolled back")]
    Abandoned,
    /// The statements cannot be read.
    #[error("cannot read {name}")]
    Input {
        /// The file, or `the input`.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The records cannot be written.
    #[error("cannot write the records")]
    Output(#[source] io::Error),
    /// The terminal cannot be used.
    #[error("cannot use the terminal")]
    Terminal(#[source] io::Error),
}

impl TalkError {
    /// Gives the server's status code where the server refused.
    pub fn status(&self) -> Option<&str> {
        match self {
            Self::Client(error) | Self::Refused(error) => error.status(),
            _ => None,
        }
    }

    /// Tells whether nothing more can be done in this shell.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Client(error) => {
                !matches!(error, ClientError::Failed { .. } | ClientError::Ignored | ClientError::Parameter(_))
            }
            Self::Connect { .. } | Self::Refused(_) | Self::Input { .. } | Self::Output(_) | Self::Terminal(_) => true,
            Self::Command(_) | Self::TransactionOpen | Self::NoTransaction | Self::Abandoned | Self::Nothing(_) => {
                false
            }
        }
    }
}

/// A logged-in connection with the shell's current database, parameters and transaction.
pub struct Talk {
    client: Client,
    interrupts: Interrupts,
    database: Option<String>,
    parameters: Map,
    in_transaction: bool,
    /// How many records the last statement gave.
    records: u64,
    format: Format,
}

/// Cuts `bolt://host:port/database` into where the server listens and the database, if one is named.
fn place(typed: &str) -> (&str, Option<&str>) {
    let schemes = ["bolt://", "neo4j://"];
    let address = schemes.iter().find_map(|scheme| typed.strip_prefix(scheme)).unwrap_or(typed);
    match address.split_once('/') {
        Some((address, database)) => (address, Some(database).filter(|database| !database.is_empty())),
        None => (address, None),
    }
}

impl Talk {
    /// Connects, logs in and makes sure that the database is there.
    pub fn connect(arguments: &Arguments) -> Result<Self, TalkError> {
        let auth = match (&arguments.server.user, &arguments.server.password) {
            (Some(user), Some(password)) => AuthToken::basic(user, password),
            _ => AuthToken::none(),
        };
        let options = ConnectOptions { auth, ..ConnectOptions::default() };
        let (address, database) = place(&arguments.server.bolt);
        let failed = |source: ClientError| match source.status() {
            Some(_) => TalkError::Refused(source),
            None => TalkError::Connect { address: arguments.server.bolt.clone(), source },
        };
        let client = Client::connect(address, &options).map_err(failed)?;
        let interrupts = Interrupts::watch(client.interrupter()?).map_err(TalkError::Terminal)?;
        let (format, parameters) = (arguments.server.format, Map::new());
        let mut talk =
            Self { client, interrupts, database: None, parameters, in_transaction: false, records: 0, format };
        if let Some(name) = arguments.database.as_deref().or(database) {
            talk.move_to(name).map_err(|error| match error {
                TalkError::Client(source) => failed(source),
                other => other,
            })?;
        }
        Ok(talk)
    }

    /// Tells whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// Names the current database.
    pub fn database(&mut self) -> Result<String, TalkError> {
        if let Some(name) = &self.database {
            return Ok(name.clone());
        }
        let table = self.client.route(None)?;
        let name = match table.get("rt") {
            Some(Value::Map(table)) => table.get("db").cloned(),
            _ => None,
        };
        let name = match name {
            Some(Value::String(name)) => name.to_string(),
            _ => return Err(ClientError::Unexpected { got: "routing table" }.into()),
        };
        self.database = Some(name.clone());
        Ok(name)
    }

    /// Runs a statement and prints its records.
    pub fn run(&mut self, text: &str) -> Result<(), TalkError> {
        let started = SystemClock.now();
        let options = self.options();
        let interrupter = self.client.interrupter()?;
        let mut printer = Printer::new(self.format, io::BufWriter::new(io::stdout().lock()));
        let running = self.interrupts.running();
        let mut written = true;
        let mut records = 0;
        let answer = self.client.stream_named(text, self.parameters.clone(), options, |columns, row| {
            // Nobody reads any more: the server need not go on. If it is gone too, the next read says so.
            records += 1;
            if written && !printer.record(columns, &row) {
                written = false;
                let _ = interrupter.interrupt();
            }
        });
        drop(running);
        self.records = records;
        match answer {
            Ok((columns, summary)) => {
                let took = SystemClock.now().saturating_duration_since(started);
                printer.end(&columns, &summary, took).map_err(TalkError::Output)
            }
            Err(_) if !written => printer.end(&[], &Map::new(), Default::default()).map_err(TalkError::Output),
            Err(error) => {
                // The server rolled back already.
                self.in_transaction = false;
                Err(error.into())
            }
        }
    }

    /// Tells how many records the last statement gave.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Does what a line for the shell says; `:exit` is the caller's.
    pub fn obey(&mut self, command: &Command) -> Result<(), TalkError> {
        match command {
            Command::Use(Some(name)) => self.move_to(name),
            Command::Use(None) => {
                let name = self.database()?;
                say(&name)
            }
            Command::Param { name, value } => self.set(name, value),
            Command::Params => {
                self.parameters.iter().try_for_each(|(name, value)| say(&format!("{name} => {}", literal(value))))
            }
            Command::Begin => self.begin(),
            Command::Commit => {
                self.end_transaction()?;
                Ok(self.client.commit().map(|_| ())?)
            }
            Command::Rollback => {
                self.end_transaction()?;
                Ok(self.client.rollback()?)
            }
            Command::Help => say(HELP),
            Command::Exit => Ok(()),
        }
    }

    fn move_to(&mut self, name: &str) -> Result<(), TalkError> {
        if self.in_transaction {
            return Err(TalkError::TransactionOpen);
        }
        // A question that runs nothing and fails for a name that is not there.
        self.client.route(Some(name.to_owned()))?;
        self.database = Some(name.to_owned());
        Ok(())
    }

    /// Lets the server work the value out, so that every expression is allowed.
    fn set(&mut self, name: &str, value: &str) -> Result<(), TalkError> {
        let text = format!("RETURN {value} AS value");
        let options = self.options();
        let answer = self.client.run_with(&text, self.parameters.clone(), options);
        let answer = answer.inspect_err(|_| self.in_transaction = false)?;
        let value = answer.rows.into_iter().next().and_then(|row| row.into_iter().next()).unwrap_or_default();
        self.parameters.insert(name.into(), value);
        Ok(())
    }

    fn begin(&mut self) -> Result<(), TalkError> {
        if self.in_transaction {
            return Err(TalkError::TransactionOpen);
        }
        self.client.begin(self.options())?;
        self.in_transaction = true;
        Ok(())
    }

    fn end_transaction(&mut self) -> Result<(), TalkError> {
        if std::mem::take(&mut self.in_transaction) { Ok(()) } else { Err(TalkError::NoTransaction) }
    }

    fn options(&self) -> Options {
        // A transaction has its database already.
        let database = self.database.clone().filter(|_| !self.in_transaction);
        Options { database, ..Options::default() }
    }
}

fn say(text: &str) -> Result<(), TalkError> {
    writeln!(io::stdout(), "{text}").map_err(TalkError::Output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f36_an_address_may_name_a_database() {
        let check = |typed: &str, expected: (&str, Option<&str>)| assert_eq!(place(typed), expected, "{typed}");
        check("127.0.0.1:7687", ("127.0.0.1:7687", None));
        check("bolt://host:7687", ("host:7687", None));
        check("bolt://host:7687/", ("host:7687", None));
        check("bolt://host:7687/films", ("host:7687", Some("films")));
        check("neo4j://host/a.b-c", ("host", Some("a.b-c")));
        check("[::1]:7687/films", ("[::1]:7687", Some("films")));
    }
}
