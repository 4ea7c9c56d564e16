//! A real server as a process of its own, to be killed, starved and measured.
//! Knows how to start `sheaf serve` and how to talk Bolt to it; judges nothing.
//! Start reading at [`Process::start`].

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bolt::Options;
use bolt::client::{Answer, Client, ClientError, ConnectOptions};
use types::{Clock, Code, Map, SystemClock, Value};

/// Any port of this machine that is free.
const ANYWHERE: &str = "127.0.0.1:0";
const STEP: Duration = Duration::from_millis(5);
/// How long a server may take until it answers; generous, because tests share the machine.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a server may take to stop when asked.
const STOP_TIME_MAX: Duration = Duration::from_secs(30);
/// Linux counts processor time in hundredths of a second for all who ask.
const TICK_MS: u64 = 10;

/// A running server; killed when dropped.
pub struct Process {
    child: Child,
    /// Its data folder.
    pub data: PathBuf,
    /// Where Bolt listens.
    pub bolt: SocketAddr,
    /// Where HTTP listens.
    pub http: SocketAddr,
    /// From the start of the process to its first answer.
    pub start_time: Duration,
    log: PathBuf,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The process ended before it answered.
    #[error("the server ended with {status}; its log: {log}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// What it printed.
        log: String,
    },
    /// The process lives and does not answer.
    #[error("the server does not answer; its log: {log}")]
    Silent {
        /// What it printed.
        log: String,
    },
    /// The operating system refused.
    #[error("the server could not be started")]
    Io(#[from] io::Error),
}

impl Process {
    /// Starts a server on the data in `data`, with further environment variables, and waits until it answers.
    pub fn start<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        data: &Path,
        environment: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, StartError> {
        // The first call builds it, which is no part of the start.
        let binary = binary();
        fs::create_dir_all(data)?;
        let log = data.with_extension("log");
        let out = File::options().create(true).append(true).open(&log)?;
        // Where it listens it says itself: ports that were looked for before could be another server's by then.
        let said = data.with_extension("out");
        let stdout = File::create(&said)?;
        let started = now();
        let child = Command::new(binary)
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--bolt", ANYWHERE, "--http", ANYWHERE])
            // Some tests make users, and ask on without being one.
            .env("SHEAF_AUTH", "none")
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(out)
            .spawn()?;
        let nowhere = SocketAddr::from(([0; 4], 0));
        let (data, start_time) = (data.to_owned(), Duration::ZERO);
        let mut process = Self { child, data, bolt: nowhere, http: nowhere, start_time, log };
        process.wait_until_it_answers(&said, started)?;
        Ok(process)
    }

    fn wait_until_it_answers(&mut self, said: &Path, started: Instant) -> Result<(), StartError> {
        while now() - started < START_TIME_MAX {
            if let Some(status) = self.child.try_wait()? {
                return Err(StartError::Ended { status, log: self.log() });
            }
            if self.bolt.port() == 0
                && let Some([bolt, http]) = addresses(&fs::read_to_string(said)?)
            {
                (self.bolt, self.http) = (bolt, http);
            }
            if self.bolt.port() > 0 && self.answers() {
                self.start_time = now() - started;
                return Ok(());
            }
            sleep(STEP);
        }
        Err(StartError::Silent { log: self.log() })
    }

    /// Tells whether it takes clients: one that asks for a password refuses who gives none.
    fn answers(&self) -> bool {
        let refused = Some(Code::Unauthorized.row().neo4j);
        self.connect().map_or_else(|error| error.status() == refused, |_| true)
    }

    /// Opens a connection.
    pub fn connect(&self) -> Result<Client, ClientError> {
        Client::connect(self.bolt, &connect_options())
    }

    /// Gives the number of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process, as a crash or an impatient operator would.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Asks the server to end and waits for it; tells how it ended.
    pub fn stop(mut self) -> io::Result<ExitStatus> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        let asked = now();
        while now() - asked < STOP_TIME_MAX {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            sleep(STEP);
        }
        self.child.kill()?;
        self.child.wait()
    }

    /// Tells whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until the process ended by itself; `None` if it does not within `time_max`.
    pub fn wait_for_end(&mut self, time_max: Duration) -> Option<ExitStatus> {
        let started = now();
        while now() - started < time_max {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            sleep(STEP);
        }
        None
    }

    /// Gives the memory that the process has in RAM, in bytes.
    pub fn resident_bytes(&self) -> io::Result<u64> {
        self.status_bytes("VmRSS:")
    }

    /// Gives the most memory that the process ever had in RAM, in bytes.
    pub fn resident_peak_bytes(&self) -> io::Result<u64> {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, name: &str) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other(format!("no {name} in the status of the process")))
    }

    /// Gives the time that the processors have spent on the process.
    pub fn processor_time(&self) -> io::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name of the program, in brackets, may hold blanks. Fields 14 and 15 are user and system time.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks = ticks.sum::<Result<u64, _>>().map_err(io::Error::other)?;
        Ok(Duration::from_millis(ticks * TICK_MS))
    }

    /// Gives the last lines that the server printed.
    #[must_use]
    pub fn log(&self) -> String {
        const SHOWN: usize = 30;
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either may fail because it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells the signal that ended a process, if one did.
#[must_use]
pub fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}

/// Runs a statement in a database and gives its records.
pub fn run_in(
    client: &mut Client,
    database: &str,
    text: &str,
    parameters: Map,
) -> Result<Vec<Vec<Value>>, ClientError> {
    let options = Options { database: Some(database.to_owned()), ..Options::default() };
    client.run_with(text, parameters, options).map(|Answer { rows, .. }| rows)
}

/// Makes parameters of names and values.
pub fn parameters<const N: usize>(pairs: [(&str, Value); N]) -> Map {
    pairs.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

/// Reads the real clock: tests of processes measure real time.
#[must_use]
pub fn now() -> Instant {
    SystemClock.now()
}

fn connect_options() -> ConnectOptions {
    ConnectOptions { connect_time_max: Duration::from_secs(5), ..ConnectOptions::default() }
}

/// Builds the server once, with the profile of the running program, and gives its file.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let own = std::env::current_exe().expect("a running program has a file");
        // The program lies in `<target>/<profile>/` or in `deps` below it.
        let folder =
            own.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).expect("cargo put it in a folder");
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // All of the workspace, so that the features, and with them what is built, stay the same.
        build.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--workspace", "--bin", "sheaf"]);
        build.arg("--target-dir").arg(folder.parent().expect("a profile lies in the target folder"));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        let built = build.status().expect("cargo starts");
        assert!(built.success(), "the server does not build");
        folder.join("sheaf")
    })
}

/// Reads where Bolt and HTTP listen off the line of a server that is ready.
fn addresses(said: &str) -> Option<[SocketAddr; 2]> {
    let line = said.lines().find(|line| line.starts_with("sheaf is ready: "))?;
    let after = |scheme: &str| line.split(' ').find_map(|word| word.strip_prefix(scheme)?.parse().ok());
    Some([after("bolt://")?, after("http://")?])
}
