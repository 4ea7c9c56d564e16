//! `LOAD CSV` from other machines: what is read, and what is refused.

#[path = "world/web.rs"]
mod web;
mod world;

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use instance::{Authorities, Hosts, Instance, RemoteOptions, RunOptions};
use types::{Code, Map};
use web::{respond, serve, serve_secret};
use world::{check, options, run, run_with, session};

fn instance(hosts: &str, change: impl FnOnce(&mut RemoteOptions)) -> Instance {
    let mut options = options(Path::new("/nowhere"));
    let hosts = Arc::new(Hosts::parse(hosts).expect("a list of hosts"));
    let mut remote = RemoteOptions { hosts, ..RemoteOptions::default() };
    change(&mut remote);
    options.import_remote = Arc::new(remote);
    Instance::in_memory(options).expect("memory has room")
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).expect("memory takes it");
    packed.finish().expect("memory takes it")
}

fn site() -> SocketAddr {
    serve(Arc::new(|path, out| {
        let moved = |out: &mut dyn Write, to: &str| respond(out, "302 Found", &format!("Location: {to}\r\n"), b"");
        match path {
            "/a.csv" => respond(out, "200 OK", "", b"name,born\nAnn,1980\nBo,\n"),
            "/packed" => respond(out, "200 OK", "Content-Encoding: gzip\r\n", &gzipped("x\n1\n2\n")),
            "/file.csv.gz" => respond(out, "200 OK", "", &gzipped("x\n1\n2\n")),
            "/archive" => respond(out, "200 OK", "", b"PK\x03\x04"),
            "/empty" => respond(out, "200 OK", "", b""),
            "/who Basic YW5uOnNlY3JldA==" => respond(out, "200 OK", "", b"ann\n"),
            "/moved" => moved(out, "/a.csv"),
            "/round" => moved(out, "/round"),
            "/inwards" => moved(out, "http://127.0.0.2:1/a.csv"),
            "/to-ftp" => moved(out, "ftp://127.0.0.1/a.csv"),
            "/cut" => out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na,b\n"),
            "/silent" => loop {
                std::thread::sleep(Duration::from_secs(1));
            },
            "/endless" => {
                out.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
                loop {
                    out.write_all(&b"some,more\n".repeat(1_000))?;
                }
            }
            _ => respond(out, "404 Not Found", "", b"no"),
        }
    }))
}

/// Checks what the address of a path gives; its own address is written `HERE`.
#[track_caller]
fn check_path(hosts: &str, path: &str, expected: &str) {
    let site = site();
    let address = format!("http://{site}{path}");
    let instance = instance(hosts, |_| {});
    let text = format!("LOAD CSV FROM '{address}' AS line RETURN line");
    let got = run(&mut session(&instance), &text).unwrap_or_else(|failure| world::failed(&failure));
    assert_eq!(got.replace(&site.to_string(), "HERE"), expected);
}

const NO_ADDRESS: &str = "it is no address of http or https; spaces and the like are written with percent signs";
const RESOURCE: &str = "ExternalResourceFailed: Couldn't load the external resource at: ";

#[test]
fn files_are_read_plain_packed_and_redirected() {
    check_path("127.0.0.1", "/a.csv", "['name', 'born']\n['Ann', '1980']\n['Bo', null]");
    check_path("127.0.0.1", "/moved", "['name', 'born']\n['Ann', '1980']\n['Bo', null]");
    check_path("127.0.0.1", "/packed", "['x']\n['1']\n['2']");
    check_path("127.0.0.1", "/file.csv.gz", "['x']\n['1']\n['2']");
    check_path("127.0.0.1", "/empty", "");
    let (site, instance) = (site(), instance("localhost", |_| {}));
    let text = format!(
        "LOAD CSV WITH HEADERS FROM 'http://localhost:{}/a.csv' AS line RETURN line.name, linenumber(), file()",
        site.port()
    );
    let file = format!("'http://localhost:{}/a.csv'", site.port());
    check(&mut session(&instance), &text, &format!("'Ann' | 2 | {file}\n'Bo' | 3 | {file}"));
    let text = format!("LOAD CSV FROM 'http://ann:secret@localhost:{}/who' AS line RETURN line", site.port());
    check(&mut session(&instance), &text, "['ann']");
    let text = format!("LOAD CSV FROM 'http://ann:wrong@localhost:{}/who' AS line RETURN line", site.port());
    let failed = run(&mut session(&instance), &text).expect_err("nobody has that password");
    assert!(!failed.message().contains("wrong"), "{failed:?}");
}

#[test]
fn what_is_wrong_with_an_answer_is_said() {
    let check = |path: &str, why: &str| check_path("127.0.0.1", path, &format!("{RESOURCE}http://HERE{path} ({why})"));
    check("/missing", "the server answered with status 404");
    check("/archive", "a zip archive cannot be read; use gzip");
    check("/round", "it is redirected more than 5 times");
    check("/cut", "Peer disconnected");
    check("/a b", NO_ADDRESS);
}

#[test]
fn only_hosts_of_the_setting_are_read() {
    let named = "is not among those that the setting import_hosts allows; addresses of the own network have to be named \
                 there";
    let check = |hosts: &str, path: &str, why: &str| {
        check_path(hosts, path, &format!("{RESOURCE}http://HERE{path} ({why})"));
    };
    check("public", "/a.csv", &format!("the host \"127.0.0.1\" {named}"));
    check("off", "/a.csv", "the setting import_hosts is off: nothing is read from other machines");
    // Each step of a redirect is judged by the address that it leads to.
    check("127.0.0.1", "/inwards", &format!("the host \"127.0.0.2\" {named}"));
    check("127.0.0.1", "/to-ftp", NO_ADDRESS);
    let site = site();
    let public = instance("public", |_| {});
    // Other spellings of the same machine, and a name that leads to it.
    for host in ["localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0.0.0.0"] {
        let text = format!("LOAD CSV FROM 'http://{host}:{}/a.csv' AS line RETURN line", site.port());
        let failed = run(&mut session(&public), &text).expect_err("it is this machine");
        assert_eq!(failed.code(), Code::ExternalResourceFailed);
        assert!(failed.message().contains("import_hosts"), "{host}: {failed:?}");
    }
}

#[test]
fn time_and_size_have_bounds() {
    let site = site();
    let failed = |path: &str, change: fn(&mut RemoteOptions), options: &RunOptions| {
        let instance = instance("127.0.0.1", change);
        let text = format!("LOAD CSV FROM 'http://{site}{path}' AS line RETURN count(*)");
        let failed = run_with(&mut session(&instance), &text, Map::new(), options);
        world::failed(&failed.expect_err("it has a bound"))
    };
    let usual = RunOptions::default();
    let large = failed("/endless", |remote| remote.bytes_max = Some(1 << 20), &usual);
    assert!(large.ends_with("(it is larger than the setting import_size_max allows)"), "{large}");
    let large = failed("/a.csv", |remote| remote.bytes_max = Some(5), &usual);
    assert!(large.ends_with("(it is larger than the setting import_size_max allows)"), "{large}");
    let large = failed("/packed", |remote| remote.bytes_max = Some(5), &usual);
    assert!(large.ends_with("(it is larger than the setting import_size_max allows)"), "{large}");
    let slow = failed("/silent", |remote| remote.time_max = Some(Duration::from_millis(200)), &usual);
    assert!(slow.ends_with("(it takes longer than the setting import_time_max allows)"), "{slow}");
    let timed = RunOptions { timeout: Some(Duration::from_millis(200)), ..RunOptions::default() };
    assert!(failed("/silent", |_| {}, &timed).starts_with("TransactionTimedOutClient"));
    assert!(failed("/endless", |_| {}, &timed).starts_with("TransactionTimedOutClient"));
}

#[test]
fn an_interrupt_ends_the_waiting() {
    let (site, instance) = (site(), instance("127.0.0.1", |_| {}));
    let mut session = session(&instance);
    let interrupter = session.interrupter();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        interrupter.interrupt();
    });
    check(
        &mut session,
        &format!("LOAD CSV FROM 'http://{site}/silent' AS line RETURN line"),
        "TransactionTerminated: Explicitly terminated by the user.",
    );
}

#[test]
fn https_asks_for_an_authority_that_is_trusted() {
    let plain = site();
    let secret = serve_secret(Arc::new(move |path, out| match path {
        "/a.csv" => respond(out, "200 OK", "", b"secret,file\n"),
        _ => respond(out, "302 Found", &format!("Location: http://{plain}/a.csv\r\n"), b""),
    }));
    let url = |path: &str| format!("LOAD CSV FROM 'https://localhost:{}{path}' AS line RETURN line", secret.port());
    let nobody = instance("localhost", |_| {});
    let failed = run(&mut session(&nobody), &url("/a.csv")).expect_err("Mozilla does not know the authority of tests");
    assert!(failed.message().contains("UnknownIssuer"), "{failed:?}");
    let trusting = instance("localhost,127.0.0.1", |remote| {
        remote.authorities = Authorities::parse(include_bytes!("tls/authority.pem"));
    });
    check(&mut session(&trusting), &url("/a.csv"), "['secret', 'file']");
    let failed = run(&mut session(&trusting), &url("/down")).expect_err("it leads to plain http");
    assert!(failed.message().contains("from https to http"), "{failed:?}");
    assert!(Authorities::parse(b"nothing").is_none());
}
