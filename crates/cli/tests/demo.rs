//! `sheaf demo` from outside: twice on one folder, and a server in the end.

mod common;

use common::{Served, ask, output, path, sheaf, told};

#[test]
fn the_demo_loads_once_and_answers_each_time() {
    let data = tempfile::tempdir().expect("a folder for tests");
    let arguments = ["demo", "--exit", "--data", path(data.path())];
    let (code, first, complaint) = told(&output(&arguments));
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{first}");
    assert!(
        first.contains("ewr: everything that left EWR, 11764 nodes and 39538 relationships, loaded in "),
        "{first}"
    );
    for answer in ["'ExpressJet Airlines Inc.'", "│ 'lga'", "│ 'AIRBUS", "5 rows (", "3 rows ("] {
        assert!(first.contains(answer), "no {answer} in {first}");
    }
    let (code, second, _) = told(&output(&arguments));
    assert_eq!(code, Some(0));
    assert!(second.contains("lga: there from the last time"), "{second}");
    let tables = |text: &str| text.lines().filter(|line| line.starts_with('│')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(tables(&first), tables(&second));
}

#[test]
fn the_demo_serves_what_it_showed() {
    let data = tempfile::tempdir().expect("a folder for tests");
    let served = Served::wait(&mut sheaf(&["demo", "--data", path(data.path())]));
    let bolt = served.address("bolt").to_owned();
    assert_eq!(ask(&bolt, "jfk", "MATCH (f:Flight) RETURN count(f) AS flights"), "{\"flights\":9161}\n");
    let (code, rest) = served.end("-INT");
    assert_eq!(code, Some(0));
    assert!(rest.contains(&format!("shell --bolt {bolt} --database ewr")), "{rest}");
}

#[test]
fn the_demo_takes_other_flights() {
    let data = tempfile::tempdir().expect("a folder for tests");
    let file = data.path().join("flights.csv");
    let header = "year,month,day,dep_delay,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute";
    let flights = "2014,7,4,5,1,UA,1,N14228,EWR,LAX,300,2454,6,30\n2014,7,4,NA,NA,AA,2,NA,JFK,LAX,NA,2475,7,0\n";
    std::fs::write(&file, format!("{header}\n{flights}")).expect("a folder for tests");
    let folder = data.path().join("data");
    let (code, out, complaint) = told(&output(&["demo", "--exit", "--data", path(&folder), "--year", path(&file)]));
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("jfk: everything that left JFK, 4 nodes and 3 relationships"), "{out}");
    let nowhere = ["demo", "--exit", "--data", path(&folder), "--year", "/nowhere.csv"];
    assert_eq!(told(&output(&nowhere)).0, Some(2));
}
