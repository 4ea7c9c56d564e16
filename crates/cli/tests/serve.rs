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
fn f99_a_log_that_nobody_reads_any_more_harms_nobody() {
    let data = folder();
    let arguments = ["serve", "--data", path(data.path()), "--bolt", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    let full = || fs::File::options().write(true).open("/dev/full").expect("there is one");
    let (reader, pipe) = std::io::pipe().expect("a pipe");
    // One that nobody reads from the beginning on, and a disk without room.
    drop(reader);
    for log in [std::process::Stdio::from(pipe), full().into()] {
        let mut command = sheaf(&arguments);
        command.env("SHEAF_INITIAL_PASSWORD", "admin-password");
        let served = Served::wait_logging(&mut command, log);
        let bolt = served.address("bolt");
        let call = |password: &str, text: &str| {
            told(&output(&["shell", "--bolt", bolt, "-u", "admin", "-p", password, "--format", "csv", text]))
        };
        // Each of them is logged.
        for text in ["CREATE OR REPLACE DATABASE a", "ALTER DATABASE a SET LIMIT max_nodes = 1", "DROP DATABASE a"] {
            let (code, _, error) = call("admin-password", text);
            assert_eq!((code, error.as_str()), (Some(0), ""), "{text}");
        }
        // So is a wrong password; it counts, and is in the audit.
        let refused: Vec<String> = (0..4).map(|_| call("wrong password", "RETURN 1").2).collect();
        assert!(refused[0].contains("Unauthorized"), "{refused:?}");
        assert!(refused[3].contains("AuthenticationRateLimit"), "{refused:?}");
        assert_eq!(served.end("-TERM"), (Some(0), String::new()));
    }
    let (code, listed, _) = told(&output(&["audit", "list", "--data", path(data.path())]));
    assert_eq!((code, listed.matches("  DROP DATABASE a").count()), (Some(0), 2), "{listed}");
    assert!(listed.matches("Unauthorized").count() >= 2, "{listed}");
    assert_eq!(listed.matches("  stop  ").count(), 2, "{listed}");
}

#[test]
fn f94_what_cannot_be_written_is_no_good_end() {
    let data = folder();
    Served::start(data.path(), &[]).end("-TERM");
    let full = || fs::File::options().write(true).open("/dev/full").expect("there is one");
    for arguments in [["audit", "list"], ["audit", "verify"], ["admin", "check"]] {
        let mut command = sheaf(&[&arguments[..], &["--data", path(data.path())]].concat());
        let (code, _, complaint) = told(&command.stdout(full()).output().expect("the binary starts"));
        assert_eq!(code, Some(2), "{arguments:?}: {complaint}");
        assert!(complaint.starts_with("error: cannot write the output: No space left"), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        // A reader that has seen enough is another thing.
        let (reader, pipe) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = sheaf(&[&arguments[..], &["--data", path(data.path())]].concat());
        let ended = told(&command.stdout(pipe).output().expect("the binary starts"));
        assert_eq!(ended, (Some(0), String::new(), String::new()), "{arguments:?}");
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
fn f95_a_folder_with_users_asks_for_passwords_at_every_start() {
    let data = folder();
    let mut first = sheaf(&["serve", "--data", path(data.path()), "--bolt", "127.0.0.1:0", "--http", "off"]);
    Served::wait(first.env("SHEAF_INITIAL_PASSWORD", "first password")).end("-TERM");
    for (arguments, without, with) in [(&[][..], Some(2), Some(0)), (&["--auth", "none"], Some(0), Some(0))] {
        let served = Served::start(data.path(), arguments);
        let call = |more: &[&str]| {
            let mut arguments = vec!["shell", "--bolt", served.address("bolt"), "RETURN 1"];
            arguments.extend(more);
            told(&output(&arguments)).0
        };
        assert_eq!((call(&[]), call(&["-u", "admin", "-p", "first password"])), (without, with), "{arguments:?}");
        served.end("-TERM");
    }
}

#[test]
fn f100_a_lost_password_is_set_while_no_server_runs() {
    let data = folder();
    let set = |password: &str| {
        let mut command = sheaf(&["admin", "set-password", "--data", path(data.path())]);
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("the binary starts");
        // It may leave before it has read anything.
        let _ = std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), password.as_bytes());
        told(&child.wait_with_output().expect("it ends"))
    };
    let mut first = sheaf(&["serve", "--data", path(data.path()), "--bolt", "127.0.0.1:0", "--http", "off"]);
    let served = Served::wait(first.env("SHEAF_INITIAL_PASSWORD", "old password"));
    assert_eq!(set("new password\n").0, Some(3));
    served.end("-TERM");
    assert_eq!(set("\n").0, Some(2));
    assert_eq!(set("new password\n").1, "The password of admin is set; admin is an admin and can log in.\n");
    let served = Served::start(data.path(), &["--auth", "password"]);
    let call = |password: &str| {
        let bolt = served.address("bolt");
        told(&output(&["shell", "--bolt", bolt, "-u", "admin", "-p", password, "RETURN 1"])).0
    };
    assert_eq!((call("old password"), call("new password")), (Some(2), Some(0)));
    assert_eq!(told(&output(&["admin", "set-password", "--data", "/nowhere"])).0, Some(2));
    served.end("-TERM");
    // Whatever was done to him: he is let in again, and has his role.
    let served = Served::start(data.path(), &["--auth", "none"]);
    let bolt = served.address("bolt");
    for text in
        ["ALTER USER admin SET STATUS SUSPENDED", "CREATE USER bob SET PASSWORD 'password1'", "GRANT ROLE admin TO bob"]
    {
        told(&output(&["shell", "--bolt", bolt, text]));
    }
    for text in [
        "REVOKE ROLE admin FROM admin",
        "CREATE ROLE jail",
        "DENY ALL DBMS PRIVILEGES ON DBMS TO jail",
        "DENY ACCESS ON DATABASE * TO jail",
        "GRANT ROLE jail TO admin",
        "DENY CREATE DATABASE ON DBMS TO PUBLIC",
        "DENY ACCESS ON DATABASE * TO USER admin",
        "DENY MATCH {secret} ON GRAPH * TO PUBLIC",
    ] {
        let (code, _, complaint) = told(&output(&["shell", "--bolt", bolt, text]));
        assert_eq!(code, Some(0), "{text}: {complaint}");
    }
    served.end("-TERM");
    let expected = "The password of admin is set; admin is an admin and can log in. The role jail was taken from admin, for it \
                    denies something. 1 denial of the user admin was taken back. 1 denial of the role PUBLIC was taken back.\n";
    assert_eq!(set("newer password\n").1, expected);
    let served = Served::start(data.path(), &["--auth", "password"]);
    let bolt = served.address("bolt");
    let made = ["shell", "--bolt", bolt, "-u", "admin", "-p", "newer password", "CREATE DATABASE mine"];
    assert_eq!(told(&output(&made)).0, Some(0));
    let asked = ["shell", "--bolt", bolt, "-u", "admin", "-p", "newer password", "--format", "csv"];
    let roles = "SHOW USERS YIELD user, roles WHERE user = 'admin' RETURN roles";
    let shown = told(&output(&[&asked[..], &[roles]].concat())).1;
    assert!(shown.contains("admin") && !shown.contains("jail"), "{shown}");
    // For others the role is what it was.
    let jailed = "SHOW ROLE jail PRIVILEGES YIELD access WHERE access = 'DENIED' RETURN count(*) > 1 AS some";
    assert_eq!(told(&output(&[&asked[..], &[jailed]].concat())).1, "some\ntrue\n");
    served.end("-TERM");
    // The audit tells of all of it, and of no password.
    let listed = told(&output(&["audit", "list", "--data", path(data.path())])).1;
    assert!(listed.contains("with the data folder in hand") && listed.contains("CREATE DATABASE mine"), "{listed}");
    assert!(!listed.contains("password1") && !listed.contains("newer"), "{listed}");
    assert!(told(&output(&["audit", "verify", "--data", path(data.path())])).1.starts_with("sound: "));
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

#[test]
fn f13_a_database_that_is_idle_early_is_closed_early() {
    let data = folder();
    let served = Served::start(data.path(), &[]);
    let run = |text: &str| told(&output(&["shell", "--bolt", served.address("bolt"), "--format", "csv", text])).1;
    for text in
        ["CREATE DATABASE films", "ALTER DATABASE films SET OPTION idleTimeout '1s'", "USE films CREATE (:Film)"]
    {
        run(text);
    }
    let shown = "SHOW DATABASE films YIELD suspended";
    assert!(run(shown).contains("false"));
    let is_closed = |_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        run(shown).contains("true")
    };
    assert!((0..150).any(is_closed), "the server's own time is five minutes");
    assert_eq!(run("USE films MATCH (n) RETURN count(n) AS n"), "n\n1\n", "it opens on demand");
}
