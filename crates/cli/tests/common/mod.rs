//! The `sheaf` binary as tests start it: with no settings from outside, on free ports.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A wait that is long for a machine under load and short for a person.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Makes a call of the binary that sees no setting of the machine it runs on.
pub fn sheaf(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sheaf"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SHEAF_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the binary to its end.
pub fn output(arguments: &[&str]) -> Output {
    sheaf(arguments).output().expect("the binary starts")
}

/// Gives what a process wrote, as text: exit code, standard output, standard error.
pub fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Shows a path as an argument.
pub fn path(path: &Path) -> &str {
    path.to_str().expect("folders of tests have plain names")
}

/// A running server; killed when dropped.
pub struct Served {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    /// What it wrote up to and with its ready line.
    pub greeting: Vec<String>,
}

impl Served {
    /// Starts a server on free ports and waits until it is ready.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        let ports = ["--bolt", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        let mut command = sheaf(&["serve", "--data", path(data)]);
        Self::wait(command.args(ports).args(arguments))
    }

    /// Starts a call that serves and waits until it is ready.
    pub fn wait(command: &mut Command) -> Self {
        // The log is of use where a test fails.
        Self::wait_logging(command, Stdio::inherit())
    }

    /// As [`Served::wait`], with its log elsewhere.
    pub fn wait_logging(command: &mut Command, log: Stdio) -> Self {
        let mut child = command.stderr(log).spawn().expect("the binary starts");
        let stdout = child.stdout.take().expect("a pipe");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut greeting = Vec::new();
            let mut line = String::new();
            while stdout.read_line(&mut line).is_ok_and(|read| read > 0) {
                greeting.push(line.trim_end().to_owned());
                if line.starts_with("sheaf is ready:") {
                    break;
                }
                line.clear();
            }
            // The test may have given up.
            let _ = sender.send((greeting, stdout));
        });
        let mut served = Self { child, stdout: None, greeting: Vec::new() };
        let (greeting, stdout) = lines.recv_timeout(PATIENCE).expect("a server that gets ready");
        assert!(greeting.last().is_some_and(|line| line.starts_with("sheaf is ready:")), "{greeting:?}");
        (served.greeting, served.stdout) = (greeting, Some(stdout));
        served
    }

    /// Gives the `host:port` of a face, as the ready line tells it.
    pub fn address(&self, scheme: &str) -> &str {
        let line = self.greeting.last().expect("a ready line");
        let start = line.find(&format!("{scheme}://")).expect("the face is on") + scheme.len() + 3;
        line[start..].split(' ').next().expect("a first part")
    }

    /// Sends a signal and gives the exit code and what was written since the ready line.
    pub fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill");
        assert!(sent.success());
        let mut rest = String::new();
        let stdout = self.stdout.as_mut().expect("a server that got ready");
        // Ends when the process does.
        stdout.read_to_string(&mut rest).expect("a pipe");
        (self.child.wait().expect("a child").code(), rest)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Either may fail because it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a statement through `sheaf shell` and gives its records as JSON lines.
pub fn ask(bolt: &str, database: &str, statement: &str) -> String {
    let (code, out, complaints) =
        told(&output(&["shell", "--bolt", bolt, "--database", database, "--format", "json", statement]));
    assert_eq!((code, complaints.as_str()), (Some(0), ""), "{statement}");
    out
}
