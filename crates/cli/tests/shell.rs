//! `sheaf shell` from outside: the binary, its pipes and its exit codes, on a server that knows a few statements.

#[path = "../../server/tests/common/answers.rs"]
mod answers;

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use server::sessions::{Credentials, Interrupter, Records, RunOptions, Session, Sessions};
use server::{Server, ServerConfig};
use types::{Failure, Map};

/// A wait that is long for a machine under load and short for a person.
const PATIENCE: Duration = Duration::from_secs(20);

fn start() -> Server {
    start_with(Arc::new(answers::Answers))
}

fn start_with(sessions: Arc<dyn Sessions>) -> Server {
    let config = ServerConfig { drain_time_max: Duration::from_millis(200), ..ServerConfig::on_free_ports() };
    Server::start(sessions, config).expect("free ports")
}

/// The same answers, and word of each statement that begins.
struct Heard(Sender<String>);

struct HeardSession(Box<dyn Session>, Sender<String>);

impl Sessions for Heard {
    fn log_in(&self, credentials: &Credentials) -> Result<Box<dyn Session>, Failure> {
        Ok(Box::new(HeardSession(answers::Answers.log_in(credentials)?, self.0.clone())))
    }
}

impl Session for HeardSession {
    fn user(&self) -> String {
        self.0.user()
    }

    fn resolve(&mut self, database: Option<&str>) -> Result<String, Failure> {
        self.0.resolve(database)
    }

    fn run(&mut self, text: &str, parameters: Map, options: &RunOptions) -> Result<Box<dyn Records>, Failure> {
        let records = self.0.run(text, parameters, options);
        // A test that has heard enough listens no more.
        let _ = self.1.send(text.to_owned());
        records
    }

    fn begin(&mut self, options: &RunOptions) -> Result<(), Failure> {
        self.0.begin(options)
    }

    fn commit(&mut self) -> Result<Option<String>, Failure> {
        self.0.commit()
    }

    fn rollback(&mut self) -> Result<(), Failure> {
        self.0.rollback()
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn interrupter(&self) -> Interrupter {
        self.0.interrupter()
    }
}

fn shell(server: &Server, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sheaf"));
    command.arg("shell").args(arguments).stdin(Stdio::null());
    command.env("SHEAF_BOLT", server.bolt_addr().expect("Bolt is on").to_string());
    for name in ["SHEAF_USER", "SHEAF_PASSWORD", "SHEAF_DATABASE"] {
        command.env_remove(name);
    }
    command
}

fn piped(server: &Server, arguments: &[&str], input: &str) -> Output {
    let mut command = shell(server, arguments);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    // The shell may leave before it has read everything.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("the shell ends")
}

/// Pipes `input` in and compares the exit code and both outputs.
fn check(arguments: &[&str], input: &str, code: i32, out: &str, complaints: &str) {
    let server = start();
    let output = piped(&server, arguments, input);
    assert_eq!(String::from_utf8_lossy(&output.stderr), complaints);
    assert_eq!(String::from_utf8_lossy(&output.stdout), out);
    assert_eq!(output.status.code(), Some(code));
}

const JSON: &[&str] = &["--format", "json"];
const SYNTAX: &str = "Neo.ClientError.Statement.SyntaxError: Invalid input 'FLY'\n";

#[test]
fn f118_piped_statements_run_in_turn() {
    check(JSON, "RETURN 1;\nUNWIND range(1, 2) AS x\n RETURN x", 0, "{\"x\":1}\n{\"x\":1}\n{\"x\":2}\n", "");
    check(&["--format", "csv"], "UNWIND range(1, 2) AS x RETURN x;", 0, "x\n1\n2\n", "");
}

#[test]
fn f118_the_first_failure_ends_the_input() {
    check(JSON, "RETURN 1; FLY; RETURN 1;", 1, "{\"x\":1}\n", SYNTAX);
    check(&["--format", "json", "--fail-at-end"], "FLY; RETURN 1;", 1, "{\"x\":1}\n", SYNTAX);
    check(JSON, ":fly\n", 1, "", "error: there is no command \":fly\". Type :help for the list.\n");
}

#[test]
fn f118_parameters_are_worked_out_by_the_server() {
    check(JSON, ":param x => 1\nRETURN $x AS x;\n:params\n", 0, "{\"x\":1}\nx => 1\n", "");
    check(&["--format", "json", "-P", "x => 1"], "RETURN $x AS x;", 0, "{\"x\":1}\n", "");
}

#[test]
fn f27_use_moves_and_tells() {
    check(JSON, ":use\n:use films\n:use\nRETURN 1;", 0, "sheaf\nfilms\n{\"x\":1}\n", "");
    let missing = "Neo.ClientError.Database.DatabaseNotFound: Database does not exist. Database name: 'nobody'.\n";
    check(JSON, ":use nobody\n", 1, "", missing);
}

#[test]
fn f118_transactions_hold_the_database() {
    let open = "error: a transaction is open. End it with :commit or :rollback.\n";
    check(JSON, ":begin\nRETURN 1;\n:commit\n", 0, "{\"x\":1}\n", "");
    check(JSON, ":begin\n:use films\n", 1, "", open);
    let abandoned = "error: the input ended inside a transaction, which is rolled back\n";
    check(JSON, ":begin\nRETURN 1;", 1, "{\"x\":1}\n", abandoned);
    check(&["--format", "json", "--fail-at-end"], ":begin\nFLY; RETURN 1;", 1, "", SYNTAX);
    check(JSON, ":rollback\n", 1, "", "error: no transaction is open\n");
    check(JSON, ":begin\n:rollback\n:exit\nFLY;", 0, "", "");
}

#[test]
fn f118_statements_come_from_a_file_or_an_argument() {
    let folder = tempfile::tempdir().expect("a folder for tests");
    let path = folder.path().join("two.cypher");
    std::fs::write(&path, "RETURN 1;\nRETURN 1 // two").expect("a folder for tests");
    let path = path.to_str().expect("a plain name");
    check(&["--format", "json", "-f", path], "", 0, "{\"x\":1}\n{\"x\":1}\n", "");
    check(&["--format", "json", "RETURN 1"], "", 0, "{\"x\":1}\n", "");
}

#[test]
fn f118_tables_count_rows() {
    let output = piped(&start(), &[], "RETURN 1; CREATE (n);");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("│ 1 │\n└───┘\n1 row ("), "{text}");
    assert!(text.contains("nodes created: 1 ("), "{text}");
}

#[test]
fn f118_wrong_arguments_and_addresses_end_with_two() {
    let server = start();
    let code = |arguments: &[&str]| {
        let output = shell(&server, arguments).output().expect("the binary");
        assert!(!output.stderr.is_empty());
        output.status.code()
    };
    assert_eq!(code(&["--nothing"]), Some(2));
    assert_eq!(code(&["--format", "xml"]), Some(2));
    assert_eq!(code(&["--bolt", "127.0.0.1:1", "RETURN 1"]), Some(2));
    assert_eq!(code(&["-f", "/nowhere/x.cypher"]), Some(2));
    assert_eq!(code(&["-d", "nobody", "RETURN 1"]), Some(2));
    assert_eq!(code(&["-u", "ann", "-p", answers::WRONG_PASSWORD, "RETURN 1"]), Some(2));
}

#[test]
fn f118_a_refused_login_or_database_is_told_in_the_servers_words() {
    let missing = "Neo.ClientError.Database.DatabaseNotFound: Database does not exist. Database name: 'nobody'.\n";
    check(&["-d", "nobody", "RETURN 1"], "", 2, "", missing);
    let server = start();
    let output =
        shell(&server, &["-u", "ann", "-p", answers::WRONG_PASSWORD, "RETURN 1"]).output().expect("the binary");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.starts_with("Neo.ClientError.Security.Unauthorized: "), "{complaint}");
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn f118_ctrl_c_interrupts_the_running_statement() {
    let (heard, statements) = mpsc::channel();
    let server = start_with(Arc::new(Heard(heard)));
    let mut command = shell(&server, &["--format", "json", "--fail-at-end"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    let input = b"RETURN 1;\nUNWIND range(1, 9) AS x RETURN count(x);\nRETURN 1;\n";
    child.stdin.take().expect("a pipe").write_all(input).expect("an open pipe");
    while !statements.recv_timeout(PATIENCE).expect("a statement").contains("count(x)") {}
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let output = child.wait_with_output().expect("the shell ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"x\":1}\n{\"x\":1}\n");
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaints.starts_with("Neo.ClientError.Transaction.Terminated"), "{complaints}");
    assert_eq!(output.status.code(), Some(1));
}
