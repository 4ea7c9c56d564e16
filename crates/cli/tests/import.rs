//! `sheaf import` from outside: what it loads, what it passes over, what it refuses.

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use common::{Served, ask, output, path, told};
use flate2::Compression;
use flate2::write::GzEncoder;

/// A folder with files to import and a data folder beside them.
struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for tests");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a folder for tests");
        }
        Self(folder)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs an import; `{}` in an argument stands for the folder.
    fn import(&self, database: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
        let arguments: Vec<String> =
            arguments.iter().map(|argument| argument.replace("{}", path(self.0.path()))).collect();
        let (data, bad) = (self.at("data"), self.at("bad-rows.csv"));
        let mut all = vec!["import", "--data", path(&data), "--database", database, "--bad-rows", path(&bad)];
        all.extend(arguments.iter().map(String::as_str));
        told(&output(&all))
    }

    fn serve(&self) -> Served {
        Served::start(&self.at("data"), &[])
    }
}

const PEOPLE: &str = "name:ID(Person),born:int,:LABEL\nAnn,1970,Person;Actor\nBob,,Person\n";
const FILMS: &str = "id:ID(Film),title,genres:string[]\n7,\"Up, up\",drama;war\n8,Off,\n";
const SAW: &str = ":START_ID(Person),:END_ID(Film),stars:double\nAnn,7,4.5\nBob,8,\n";
const NODES: [&str; 3] = ["--nodes", "{}/people.csv", "Film={}/films.csv"];

#[test]
fn f157_files_become_a_database() {
    let place = Place::new(&[("people.csv", PEOPLE), ("films.csv", FILMS), ("saw.csv", SAW)]);
    let rest = ["--relationships", "SAW={}/saw.csv", "--index", "Film(title)"];
    let (code, out, complaint) = place.import("films", &[&NODES[..], &rest].concat());
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    assert!(out.starts_with("database \"films\": 4 nodes and 2 relationships in "), "{out}");
    assert!(!place.at("bad-rows.csv").exists());
    let served = place.serve();
    let bolt = served.address("bolt");
    let found = ask(
        bolt,
        "films",
        "MATCH (p:Person)-[s:SAW]->(f:Film) RETURN p.name AS name, p.born AS born, s.stars AS stars, f.title AS title, \
         f.genres AS genres, labels(p) AS labels ORDER BY name",
    );
    assert_eq!(
        found,
        "{\"name\":\"Ann\",\"born\":1970,\"stars\":4.5,\"title\":\"Up, up\",\"genres\":[\"drama\",\"war\"],\
         \"labels\":[\"Actor\",\"Person\"]}\n\
         {\"name\":\"Bob\",\"born\":null,\"stars\":null,\"title\":\"Off\",\"genres\":null,\"labels\":[\"Person\"]}\n"
    );
    assert_eq!(ask(bolt, "films", "MATCH (f:Film {title: 'Off'}) RETURN f.id AS id"), "{\"id\":\"8\"}\n");
    // What was loaded can be changed like anything else.
    ask(bolt, "films", "MATCH (p:Person {name: 'Bob'}), (f:Film {id: '7'}) CREATE (p)-[:SAW]->(f)");
    assert_eq!(ask(bolt, "films", "MATCH (:Person)-[s:SAW]->() RETURN count(s) AS n"), "{\"n\":3}\n");
}

#[test]
fn f157_bad_rows_are_counted_and_listed() {
    let people = format!("{PEOPLE}Ann,1,Person\nEve,young,Person\nDan\n");
    let saw = format!("{SAW}Ann,9,1\n");
    let place = Place::new(&[("people.csv", &people), ("films.csv", FILMS), ("saw.csv", &saw)]);
    let (code, out, complaint) = place.import("films", &[&NODES[..], &["--relationships", "SAW={}/saw.csv"]].concat());
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    assert!(out.contains("4 nodes and 2 relationships") && out.contains("4 bad rows were passed over: see "), "{out}");
    let listed = fs::read_to_string(place.at("bad-rows.csv")).expect("a report");
    let expected = "file,line,reason\n\
        people.csv,4,\"another node has the id \"\"Ann\"\"\"\n\
        people.csv,5,\"column \"\"born:int\"\": \"\"young\"\" is no whole number of 64 bits\"\n\
        people.csv,6,1 fields under 3 columns\n\
        saw.csv,4,\"column \"\":END_ID(Film)\"\": no node has the id \"\"9\"\"\"\n";
    assert_eq!(listed.replace(&format!("{}/", path(place.0.path())), ""), expected);
}

#[test]
fn f157_nothing_is_half_imported() {
    let place = Place::new(&[("people.csv", &format!("{PEOPLE}Dan\n")), ("films.csv", FILMS)]);
    let (code, out, complaint) = place.import("films", &[&NODES[..], &["--bad-rows-max", "0"]].concat());
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(complaint.contains("more than 0 rows are bad"), "{complaint}");
    let served = place.serve();
    let names = ask(served.address("bolt"), "system", "SHOW DATABASES YIELD name RETURN name ORDER BY name");
    assert_eq!(names, "{\"name\":\"sheaf\"}\n{\"name\":\"system\"}\n");
    served.end("-TERM");
    let folders = fs::read_dir(place.at("data")).expect("the data folder").flatten();
    let left = folders.filter(|entry| entry.file_name().to_string_lossy().starts_with("films")).count();
    assert_eq!(left, 0);
}

#[test]
fn f157_files_may_be_gzipped_and_share_a_header() {
    let place = Place::new(&[("header.csv", ":ID|n:int\n"), ("more.csv", "3|30\n")]);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(b"1|10\n2|20\n").expect("memory");
    fs::write(place.at("some.csv.gz"), gzip.finish().expect("memory")).expect("a folder for tests");
    let files = ["--nodes", "N={}/header.csv,{}/some.csv.gz,{}/more.csv", "--delimiter", "|"];
    let (code, _, complaint) = place.import("numbers", &files);
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    let served = place.serve();
    assert_eq!(ask(served.address("bolt"), "numbers", "MATCH (n:N) RETURN sum(n.n) AS sum"), "{\"sum\":60}\n");
}

#[test]
fn f157_a_database_is_replaced_only_when_told_so() {
    let place = Place::new(&[("one.csv", ":ID\n1\n"), ("two.csv", ":ID\n1\n2\n")]);
    let import = |arguments: &[&str]| place.import("films", arguments);
    assert_eq!(import(&["--nodes", "N={}/one.csv"]).0, Some(0));
    let (code, _, complaint) = import(&["--nodes", "N={}/two.csv"]);
    assert_eq!(code, Some(2));
    assert!(complaint.contains("there is a database \"films\" already. Give --replace"), "{complaint}");
    assert_eq!(import(&["--nodes", "N={}/two.csv", "--replace"]).0, Some(0));
    let served = place.serve();
    assert_eq!(ask(served.address("bolt"), "films", "MATCH (n:N) RETURN count(n) AS n"), "{\"n\":2}\n");
}

#[test]
fn f157_the_default_database_and_aliases_cannot_be_replaced() {
    let place = Place::new(&[("one.csv", ":ID\n1\n")]);
    for (database, replace) in [("sheaf", false), ("sheaf", true), ("neo4j", false), ("neo4j", true)] {
        let arguments = ["--nodes", "N={}/one.csv", "--replace"];
        let (code, _, complaint) = place.import(database, &arguments[..2 + usize::from(replace)]);
        assert_eq!(code, Some(2), "{complaint}");
        assert!(complaint.contains("cannot replace") && !complaint.contains("--replace"), "{complaint}");
    }
}

#[test]
fn f157_files_without_header_or_with_an_open_quote_are_refused() {
    let place = Place::new(&[("empty.csv", ""), ("open.csv", ":ID,name\n1,x\n2,\"y\n3,z\n")]);
    for (file, expected) in
        [("empty.csv", "has no header"), ("open.csv", "the quote that opens in line 3 is never closed")]
    {
        let (code, out, complaint) = place.import("films", &["--nodes", &format!("P={{}}/{file}")]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{complaint}");
        assert!(complaint.contains(expected), "{complaint}");
    }
}

#[test]
fn f157_a_folder_in_use_and_wrong_files_are_refused() {
    let place = Place::new(&[("one.csv", ":ID\n1\n"), ("wrong.csv", ":ID,age:old\n")]);
    let (code, _, complaint) = place.import("films", &["--nodes", "{}/wrong.csv"]);
    assert_eq!(code, Some(2));
    assert!(complaint.contains("column \"age:old\" has an unknown type"), "{complaint}");
    assert!(!Path::new(&place.at("data")).exists());
    assert_eq!(place.import("films", &["--nodes", "{}/nowhere.csv"]).0, Some(1));
    assert_eq!(place.import("system", &["--nodes", "{}/one.csv"]).0, Some(2));
    let _served = place.serve();
    let (code, _, complaint) = place.import("films", &["--nodes", "{}/one.csv"]);
    assert_eq!(code, Some(3));
    assert!(complaint.contains("is in use by another process"), "{complaint}");
}
