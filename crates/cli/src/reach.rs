//! How a tool reaches databases: in the data folder while no server runs, else over Bolt.
//! Start reading at [`Reach::folder`].

use std::path::{Path, PathBuf};

use bolt::client::{Client, ClientError, ConnectOptions};
use bolt::request::AuthToken;
use catalog::{KeySource, Keyring};
use clap::Args;
use instance::{Instance, InstanceError, InstanceOptions};

use crate::exit::Exit;
use crate::serve::exit_of;

/// Where databases are.
#[derive(Args, Clone, Debug)]
pub struct Reach {
    /// The data folder; ./data where neither a folder nor a server is named. A server that runs on it is asked over Bolt
    /// instead.
    #[arg(long, env = "SHEAF_DATA", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Asks the server that listens here, and leaves the data folder alone: host:port or bolt://host:port. Without it
    /// SHEAF_BOLT names the server, unless a data folder is named.
    #[arg(long, value_name = "ADDRESS")]
    pub bolt: Option<String>,
    /// The user's name, for a server that asks for it.
    #[arg(short, long, env = "SHEAF_USER", requires = "password")]
    pub user: Option<String>,
    /// The user's password; better given as SHEAF_PASSWORD, which other users of the machine cannot see.
    #[arg(short, long, env = "SHEAF_PASSWORD", hide_env_values = true, requires = "user")]
    pub password: Option<String>,
    /// Where the keys are.
    #[command(flatten)]
    pub keys: Keys,
}

/// Where the keys are that seal secrets, if not in the data folder.
#[derive(Args, Clone, Debug)]
pub struct Keys {
    /// The file with the keys that seal secrets, where a data folder is opened; seal.key in it without this.
    #[arg(long, env = "SHEAF_SEAL_KEY_FILE", value_name = "FILE")]
    pub seal_key_file: Option<PathBuf>,
}

impl Keys {
    /// Gives the keys that were named; nothing where none were.
    pub fn there(&self) -> Result<Option<instance::backup::Keys>, ReachError> {
        let options = self.options(Path::new(""));
        if options.seal_keys.is_none() {
            return Ok(None);
        }
        let keys = instance::backup::Keys::of(&options).map_err(InstanceError::Seal);
        keys.map(Some).map_err(ReachError::Instance)
    }

    /// Gives what a data folder is opened with.
    pub fn options(&self, data: &Path) -> InstanceOptions {
        let seal_keys = match std::env::var("SHEAF_SEAL_KEYS") {
            Ok(text) => Some(KeySource::Text(text)),
            Err(_) => self.seal_key_file.clone().map(KeySource::File),
        };
        InstanceOptions { seal_keys, hands_over: true, ..InstanceOptions::new(data) }
    }
}

/// Why databases cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// There is nothing that could have databases; name another folder, or a server.
    #[error("there is no data folder \"{}\". Name one after --data, or a server after --bolt.", .0.display())]
    NoFolder(PathBuf),
    /// A folder in which no server ever was; name another one: a disk may not be mounted.
    #[error("there are no databases in folder \"{}\". Name another one after --data, or a server after --bolt.", .0.display())]
    Empty(PathBuf),
    /// The data folder cannot be opened.
    #[error(transparent)]
    Instance(InstanceError),
    /// What these keys seal the folder's server would not open; use its own, and put others in front of them.
    #[error(
        "the data folder has keys of its own in \"{}\", and what the keys sealed that were named (the newest is {newest}) its \
         server would not open. Put their lines in front of those there and name no others; where the server is started \
         with those that were named, take that file away",
        own.display()
    )]
    Keys {
        /// The file of keys in the data folder.
        own: PathBuf,
        /// The newest key that was named.
        newest: String,
    },
    /// The server cannot be reached, or refused.
    #[error("the server at {address}: {source}")]
    Server {
        /// Where it should listen.
        address: String,
        /// Why it failed.
        source: ClientError,
    },
}

impl ReachError {
    /// Tells how the process ends because of it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoFolder(_) | Self::Empty(_) | Self::Keys { .. } => Exit::Usage,
            Self::Instance(error) => exit_of(error),
            Self::Server { .. } => Exit::Failed,
        }
    }
}

impl Reach {
    /// As [`Reach::folder`], for what is of no use without databases: a folder that has none is refused, and stays so.
    pub fn filled_folder(&self) -> Result<Option<Instance>, ReachError> {
        if !self.asks_server() {
            self.check_filled()?;
        }
        self.folder()
    }

    /// Lends the data folder, whoever has it open.
    pub fn data(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new("data"))
    }

    /// Tells whether a server is meant: one is named, or there is one by the environment and no data folder is named.
    fn asks_server(&self) -> bool {
        self.bolt.is_some() || (self.data.is_none() && server_of_environment().is_some())
    }

    fn check_filled(&self) -> Result<(), ReachError> {
        match (self.data().is_dir(), Instance::is_in(self.data())) {
            (false, _) => Err(ReachError::NoFolder(self.data().to_owned())),
            (true, false) => Err(ReachError::Empty(self.data().to_owned())),
            (true, true) => Ok(()),
        }
    }

    /// Opens the data folder; nothing where a server has it or is to be asked.
    pub fn folder(&self) -> Result<Option<Instance>, ReachError> {
        if self.asks_server() {
            return Ok(None);
        }
        // Opening would make it.
        if !self.data().is_dir() {
            return Err(ReachError::NoFolder(self.data().to_owned()));
        }
        let options = self.options()?;
        match Instance::open(options) {
            Ok(instance) => Ok(Some(instance)),
            Err(InstanceError::InUse { .. }) => Ok(None),
            Err(error) => Err(ReachError::Instance(error)),
        }
    }

    /// Opens the data folder, which no server may use meanwhile.
    pub fn folder_alone(&self) -> Result<Instance, ReachError> {
        self.check_filled()?;
        Instance::open(self.options()?).map_err(ReachError::Instance)
    }

    /// Gives what the data folder is opened with. Keys that its server does not have seal nothing in it.
    fn options(&self) -> Result<InstanceOptions, ReachError> {
        let (options, own) = (self.keys.options(self.data()), self.data().join("seal.key"));
        let existing =
            |source| Keyring::existing(source).map_err(|error| ReachError::Instance(InstanceError::Seal(error)));
        let Some(given) = options.seal_keys.clone() else { return Ok(options) };
        let (Some(kept), Some(given)) = (existing(KeySource::File(own.clone()))?, existing(given)?) else {
            return Ok(options);
        };
        let newest = given.newest();
        if kept.names().contains(&newest) {
            Ok(options)
        } else {
            Err(ReachError::Keys { own, newest: newest.to_string() })
        }
    }

    /// As [`Reach::folder_alone`], where the file of keys is lost: another one is made.
    pub fn folder_with_lost_keys(&self) -> Result<Instance, ReachError> {
        self.check_filled()?;
        let options = InstanceOptions { keys_lost: true, ..self.keys.options(self.data()) };
        Instance::open(options).map_err(ReachError::Instance)
    }

    /// Connects to the server.
    pub fn connect(&self) -> Result<Client, ReachError> {
        let address = self.address();
        let auth = match (&self.user, &self.password) {
            (Some(user), Some(password)) => AuthToken::basic(user, password),
            _ => AuthToken::none(),
        };
        Client::connect(address, &ConnectOptions { auth, ..ConnectOptions::default() })
            .map_err(|source| self.failed(source))
    }

    /// Says what the server answered.
    pub fn failed(&self, source: ClientError) -> ReachError {
        ReachError::Server { address: self.address(), source }
    }

    fn address(&self) -> String {
        let address = self.bolt.clone().or_else(server_of_environment).unwrap_or_else(|| "127.0.0.1:7687".to_owned());
        address.strip_prefix("bolt://").map_or(address.clone(), str::to_owned)
    }
}

fn server_of_environment() -> Option<String> {
    std::env::var("SHEAF_BOLT").ok().filter(|address| !address.is_empty())
}
