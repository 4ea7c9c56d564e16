//! `sheaf serve` from outside: start, settings, and how it ends.

mod common;

use std::fs;
use std::net::TcpStream;

use common::{Served, ask, output, path, sheaf, told};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for tests")
}

#[test]
fn a_server_tells_its_ports_and_ends_when_asked() {
    let data = folder();
    for signal in ["-TERM", "-INT"] {
        let served = Served::start(data.path(), &[]);
        let greeting = served.greeting.join("\n");
        let (bolt, http) = (served.address("bolt"), served.address("http"));
        assert_eq!(greeting, format!("sheaf is ready: bolt://{bolt} http://{http} data {}", data.path().display()));
        assert_eq!(ask(bolt, "sheaf", "RETURN 1 AS one"), "{\"one\":1}\n");
        TcpStream::connect(http).expect("HTTP listens");
        assert_eq!(served.end(signal), (Some(0), String::new()));
    }
}

#[test]
fn what_was_written_is_there_after_a_stop() {
    let data = folder();
    let one_face = ["serve", "--data", path(data.path()), "--bolt", "127.0.0.1:0", "--http", "off"];
    let served = Served::wait(&mut sheaf(&one_face));
    assert!(!served.greeting.join("").contains("http://"));
    ask(served.address("bolt"), "sheaf", "CREATE (:Town {name: 'Oslo'})");
    assert_eq!(served.end("-TERM").0, Some(0));
    let served = Served::start(data.path(), &[]);
    let found = ask(served.address("bolt"), "sheaf", "MATCH (t:Town) RETURN t.name AS name");
    assert_eq!(found, "{\"name\":\"Oslo\"}\n");
}

#[test]
fn f118_the_shell_shows_plans() {
    let data = folder();
    let served = Served::start(data.path(), &[]);
    let bolt = served.address("bolt");
    let shell = |arguments: &[&str]| {
        let (code, out, complaint) = told(&output(&[&["shell", "--bolt", bolt], arguments].concat()));
        assert_eq!((code, complaint.as_str()), (Some(0), ""));
        out
    };
    let explained = shell(&["EXPLAIN MATCH (n:Town) RETURN n.name AS name"]);
    assert!(explained.contains("│ +ProduceResults ") && explained.contains("┆ Estimated rows │"), "{explained}");
    assert!(!explained.contains(" Rows ") && !explained.contains("0 rows"), "{explained}");
    let profiled = shell(&["PROFILE UNWIND [1, 2] AS x RETURN x"]);
    assert!(profiled.contains("│ 2 │") && profiled.contains("┆ Rows ┆ Time (ms) │"), "{profiled}");
    assert!(profiled.contains("│ +ProduceResults ") && profiled.contains("2 rows ("), "{profiled}");
    let json = shell(&["--format", "json", "PROFILE RETURN 1 AS x"]);
    assert!(
        json.starts_with("{\"x\":1}\n{\"profile\":{") && json.contains("\"operatorType\":\"ProduceResults@"),
        "{json}"
    );
}

#[test]
fn a_second_server_on_the_folder_is_refused() {
    let data = folder();
    let _served = Served::start(data.path(), &[]);
    let second = ["serve", "--data", path(data.path()), "--bolt", "127.0.0.1:0", "--http", "off"];
    let (code, out, complaint) = told(&output(&second));
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert!(complaint.contains("is in use by another process"), "{complaint}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let (one, other) = (folder(), folder());
    let served = Served::start(one.path(), &[]);
    let address = served.address("bolt");
    let (code, _, complaint) = told(&output(&["serve", "--data", path(other.path()), "--bolt", address]));
    assert_eq!(code, Some(1));
    assert!(complaint.contains(&format!("could not listen on {address}")), "{complaint}");
}

#[test]
fn settings_that_cannot_work_are_refused_before_anything_starts() {
    let data = folder();
    let check = |arguments: &[&str], expected: &str| {
        let ports = ["serve", "--data", path(data.path()), "--bolt", "127.0.0.1:0", "--http", "off"];
        let (code, out, complaint) = told(&output(&[&ports, arguments].concat()));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{complaint}");
        assert_eq!(complaint.lines().last(), Some(expected));
    };
    check(
        &["--import-folder", "/nowhere/at-all"],
        "error: import_folder \"/nowhere/at-all\" is no folder. Make it, or name a folder that is there.",
    );
    check(
        &["--statement-memory-max", "10KiB"],
        "error: statement_memory_max is 10240 bytes, with which hardly a statement runs. Give at least 1MiB, or 0 for \
         no bound.",
    );
    let short = ["--auth", "password", "--initial-password", "short"];
    check(&short, "error: A password must be at least 8 characters.");
}

#[test]
fn f93_a_first_start_with_passwords_prints_one_once() {
    let data = folder();
    let arguments = ["--auth", "password"];
    let served = Served::start(data.path(), &arguments);
    let told_once = served.greeting.first().expect("a password");
    let password = told_once.strip_prefix("The user admin has the password ").and_then(|rest| rest.split('.').next());
    let password = password.expect("a password");
    let call = |password: &str| {
        let bolt = served.address("bolt");
        output(&["shell", "--bolt", bolt, "-u", "admin", "-p", password, "--format", "json", "RETURN 1 AS one"])
    };
    assert_eq!(told(&call(password)), (Some(0), "{\"one\":1}\n".to_owned(), String::new()));
    assert_eq!(told(&call("guessed")).0, Some(2));
    served.end("-TERM");
    assert_eq!(Served::start(data.path(), &arguments).greeting.len(), 1);
}

#[test]
fn a_password_is_set_while_no_server_runs() {
    let data = folder();
    let set = |password: &str| {
        let mut command = sheaf(&["password", "--data", path(data.path())]);
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("the binary starts");
        // It may leave before it has read anything.
        let _ = std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), password.as_bytes());
        told(&child.wait_with_output().expect("it ends"))
    };
    assert_eq!(set("new password\n").0, Some(1), "there is no user yet");
    let mut first = sheaf(&["serve", "--data", path(data.path()), "--bolt", "127.0.0.1:0", "--http", "off"]);
    let served = Served::wait(first.env("SHEAF_INITIAL_PASSWORD", "old password"));
    assert_eq!(set("new password\n").0, Some(3));
    served.end("-TERM");
    assert_eq!(set("\n").0, Some(2));
    assert_eq!(set("new password\n").1, "The password of admin is set.\n");
    let served = Served::start(data.path(), &["--auth", "password"]);
    let call = |password: &str| {
        let bolt = served.address("bolt");
        told(&output(&["shell", "--bolt", bolt, "-u", "admin", "-p", password, "RETURN 1"])).0
    };
    assert_eq!((call("old password"), call("new password")), (Some(2), Some(0)));
    assert_eq!(told(&output(&["password", "--data", "/nowhere"])).0, Some(2));
}

#[test]
fn settings_come_from_flags_then_environment_then_file() {
    let data = folder();
    let place = |name: &str| data.path().join(name);
    let file = place("sheaf.toml");
    let text = format!("data = {:?}\nbolt = \"127.0.0.1:0\"\nhttp = \"off\"\n", place("from-file"));
    fs::write(&file, text).expect("a folder for tests");
    let ends_with = |served: &Served, name: &str| {
        let greeting = served.greeting.join("");
        assert!(greeting.ends_with(&format!("data {}", place(name).display())), "{greeting}");
    };
    ends_with(&Served::wait(sheaf(&["serve"]).env("SHEAF_CONFIG", &file)), "from-file");
    let mut command = sheaf(&["serve", "--config", path(&file)]);
    ends_with(&Served::wait(command.env("SHEAF_DATA", place("from-environment"))), "from-environment");
    let flag = place("from-flag");
    let mut command = sheaf(&["serve", "--config", path(&file), "--data", path(&flag)]);
    ends_with(&Served::wait(command.env("SHEAF_DATA", place("from-environment"))), "from-flag");
}

/// Starts a server with settings that cannot be used and compares what it says with what it must contain.
fn check_refused(arguments: &[&str], file: &str, expected: &[&str]) {
    let data = folder();
    let config = data.path().join("sheaf.toml");
    fs::write(&config, file).expect("a folder for tests");
    let (code, out, complaint) = told(&output(&[&["serve", "--config", path(&config)], arguments].concat()));
    assert_eq!((code, out.as_str()), (Some(2), ""), "{complaint}");
    for part in expected {
        assert!(complaint.contains(part), "no '{part}' in: {complaint}");
    }
}

#[test]
fn wrong_settings_end_with_two_and_say_why() {
    check_refused(&[], "data = 'x'\nprot = 1\n", &["line 2", "unknown field `prot`"]);
    check_refused(&[], "idle_after = 'soon'\n", &["line 1", "\"soon\" is no time"]);
    check_refused(&["--idle-after", "soon"], "", &["\"soon\" is no time"]);
    check_refused(&["--bolt", "0.0.0.0:0"], "", &["can be reached from other machines", "--auth password"]);
    check_refused(&["--bolt", "nowhere"], "", &["bolt \"nowhere\" is no address"]);
    check_refused(&["--log-level", "x=y=z"], "", &["is no log level"]);
    check_refused(&["--config", "/nowhere/sheaf.toml"], "", &["cannot be used multiple times"]);
}

#[test]
fn the_log_is_text_or_json() {
    let data = folder();
    let ports = ["--bolt", "127.0.0.1:0", "--http", "off"];
    for (format, expected) in [("text", " INFO "), ("json", "\"level\":\"INFO\"")] {
        let mut command = sheaf(&["serve", "--data", path(data.path()), "--log", format]);
        let mut child = command.args(ports).spawn().expect("the binary starts");
        let mut stdout = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
        std::io::BufRead::read_line(&mut stdout, &mut String::new()).expect("a ready line");
        let killed = std::process::Command::new("kill").arg(child.id().to_string()).status().expect("kill");
        assert!(killed.success());
        let (_, _, log) = told(&child.wait_with_output().expect("it ends"));
        assert!(log.contains(expected) && log.contains("Bolt is ready"), "{log}");
    }
}
