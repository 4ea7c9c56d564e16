//! A real server for a while: `sheaf serve` on free ports, with data that is thrown away.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::{paths, test, tools};

const STEP: Duration = Duration::from_millis(50);
const START_STEPS_MAX: u32 = 600;
const STOP_STEPS_MAX: u32 = 400;

/// A running server; it is killed when dropped.
pub struct Server {
    child: Child,
    data: PathBuf,
    /// Where Bolt listens.
    pub bolt: SocketAddr,
    /// Where HTTP listens.
    pub http: SocketAddr,
}

impl Server {
    /// Builds the binary, starts it with an empty data folder, and waits until both ports answer.
    ///
    /// With a password it lets nobody in without; `admin` has it.
    pub fn start(name: &str, password: Option<&str>) -> Result<Self, String> {
        tools::must(&mut test::cargo(["build", "--quiet", "--workspace", "--bin", "sheaf"]))?;
        let folder = paths::target().join("drivers").join(format!("server-{name}"));
        let data = folder.join("data");
        let problem = |error: std::io::Error| format!("cannot start a server in {}: {error}", folder.display());
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(problem)?;
        }
        std::fs::create_dir_all(&data).map_err(problem)?;
        let log = std::fs::File::create(folder.join("log")).map_err(problem)?;
        let [bolt, http] = free_addresses().map_err(problem)?;
        let mut serve = Command::new(paths::target().join("debug").join("sheaf"));
        serve.arg("serve").arg("--data").arg(&data);
        serve.args(["--bolt", &bolt.to_string(), "--http", &http.to_string()]);
        if let Some(password) = password {
            serve.args(["--auth", "password", "--initial-password", password]);
        }
        let child = serve
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(problem)?)
            .stderr(log)
            .spawn()
            .map_err(problem)?;
        let mut server = Self { child, data: folder, bolt, http };
        server.wait_until_it_answers()?;
        Ok(server)
    }

    /// Asks the server to end, as a service manager does; an error when it must be killed, or ends badly.
    pub fn stop(mut self) -> Result<(), String> {
        tools::must(Command::new("kill").arg(self.child.id().to_string()))?;
        for _ in 0..STOP_STEPS_MAX {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("the server ended with {status}; {}", self.log())),
                Ok(None) => sleep(STEP),
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(format!("the server did not end when asked to; {}", self.log()))
    }

    fn wait_until_it_answers(&mut self) -> Result<(), String> {
        for _ in 0..START_STEPS_MAX {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the server ended with {status} while it started; {}", self.log()));
            }
            if [self.bolt, self.http].iter().all(|address| TcpStream::connect_timeout(address, STEP).is_ok()) {
                return Ok(());
            }
            sleep(STEP);
        }
        Err(format!("the server does not answer; {}", self.log()))
    }

    /// Gives the number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Shows the end of what the server printed.
    pub fn log(&self) -> String {
        const SHOWN: usize = 20;
        let log = std::fs::read_to_string(self.data.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(SHOWN)..];
        format!("its last lines were:\n{}", last.join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing more can be done where these fail: the process is gone, or cannot be stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes two ports that nobody uses; both are held until both are known, so that they differ.
fn free_addresses() -> std::io::Result<[SocketAddr; 2]> {
    let (first, second) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok([first.local_addr()?, second.local_addr()?])
}
