use std::fs;
use std::path::Path;

use catalog::KeySource;
use types::SystemClock;

use super::*;

fn keyring(folder: &Path) -> Arc<Keyring> {
    Arc::new(Keyring::open(KeySource::File(folder.join("seal.key"))).expect("makes a key"))
}

fn open(folder: &Path, options: AuditOptions) -> Audit {
    Audit::open(folder.join(FOLDER), options, keyring(folder), Arc::new(SystemClock)).expect("opens")
}

fn note(audit: &Audit, operation: &str) {
    let told = Told { user: Some("bob"), operation, ..Told::default() };
    audit.note(Kind::Admin, told, Outcome::Done, Durable::Now);
}

fn look(folder: &Path) -> Verdict {
    verify(&folder.join(FOLDER), Some(&keyring(folder))).expect("reads")
}

fn fill(folder: &Path, lines: u64) {
    let audit = open(folder, AuditOptions::default());
    (1..=lines).for_each(|number| note(&audit, &format!("CREATE DATABASE d{number}")));
}

fn only_file(folder: &Path) -> std::path::PathBuf {
    reading::segments(&folder.join(FOLDER)).expect("lists").pop().expect("one file")
}

fn check(change: impl FnOnce(Vec<&str>) -> Vec<String>, expected: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), 5);
    let file = only_file(folder.path());
    let text = fs::read_to_string(&file).expect("reads");
    let changed: String = change(text.lines().collect()).into_iter().map(|line| line + "\n").collect();
    fs::write(&file, changed).expect("writes");
    assert_eq!(look(folder.path()).problems.join("; "), expected);
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn f94_a_chain_is_sound_and_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), 5);
    fill(folder.path(), 3);
    let verdict = look(folder.path());
    let expected = Verdict { lines: 8, first: 1, last: 8, ..Verdict::default() };
    assert_eq!(verdict, expected);
    let audit = open(folder.path(), AuditOptions::default());
    let latest = audit.latest(2).expect("reads");
    let shown: Vec<_> = latest.iter().map(|entry| (entry.sequence, entry.operation.as_str())).collect();
    assert_eq!(shown, [(7, "CREATE DATABASE d2"), (8, "CREATE DATABASE d3")]);
}

#[test]
fn f94_every_change_is_noticed() {
    check(|lines| owned(&lines), "");
    check(
        |lines| owned(&lines).into_iter().map(|line| line.replace("DATABASE d3", "DATABASE dX")).collect(),
        "the 3. line of all cannot be read: line 3 was changed: its hash does not fit it; line 4 follows line 2: lines \
         were removed or added",
    );
    check(
        |lines| owned(&[lines[0], lines[1], lines[3], lines[4]]),
        "line 4 follows line 2: lines were removed or added",
    );
    check(
        |lines| owned(&[lines[0], lines[1], lines[1], lines[2], lines[3], lines[4]]),
        "line 2 follows line 2: lines were removed or added",
    );
    check(|lines| owned(&lines[1..]), "the lines to 1 are missing, and no line tells that the audit removed them");
    check(|lines| owned(&lines[..4]), "line 5 is missing, to which the audit went");
    check(|_| Vec::new(), "line 5 is missing, to which the audit went");
}

#[test]
fn f94_a_chain_that_somebody_wrote_anew_does_not_fit_the_head() {
    let rewrite = |lines: Vec<&str>| {
        let mut before = record::NOTHING_BEFORE.to_owned();
        let mut again = Vec::new();
        for line in lines {
            let (mut entry, _) = Entry::parse(line).expect("sound");
            entry.user = Some("somebody else".to_owned());
            entry.previous = before;
            let (line, hash) = entry.print();
            again.push(line.trim_end().to_owned());
            before = hash;
        }
        again
    };
    check(rewrite, "line 5 is not the one that the head tells of");
}

#[test]
fn f94_each_flipped_bit_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), 2);
    let file = only_file(folder.path());
    let sound = fs::read(&file).expect("reads");
    for at in 0..sound.len() {
        let mut bad = sound.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&file, &bad).expect("writes");
        assert!(!look(folder.path()).is_sound(), "byte {at} was changed");
    }
}

#[test]
fn f94_old_files_go_and_the_rest_still_verifies() {
    let folder = tempfile::tempdir().expect("a folder");
    let bounds = AuditOptions { segment_max_bytes: 2_000, keep_max_bytes: 6_000 };
    let audit = open(folder.path(), bounds);
    (0..100).for_each(|number| note(&audit, &format!("CREATE DATABASE d{number}")));
    drop(audit);
    let verdict = look(folder.path());
    assert!(verdict.is_sound() && verdict.first > 50, "{verdict:?}");
    let files = reading::segments(&folder.path().join(FOLDER)).expect("lists");
    assert!(files.len() > 2 && files.len() < 8, "{files:?}");
    fs::remove_file(&files[0]).expect("removes");
    let problems = look(folder.path()).problems.join("; ");
    assert!(problems.contains("no line tells that the audit removed them"), "{problems}");
}

#[test]
fn f94_an_audit_that_was_removed_is_an_alarm() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), 5);
    fs::remove_dir_all(folder.path().join(FOLDER)).expect("removes");
    for _ in 0..3 {
        fill(folder.path(), 1);
        let verdict = look(folder.path());
        // It is told of once.
        assert_eq!(verdict.alarms, ["line 1: lines 1 to 5 are missing: their head is there"]);
        assert!(verdict.is_sound(), "{:?}", verdict.problems);
    }
}

#[test]
fn f94_without_a_head_an_audit_is_not_sound() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), 5);
    let file = only_file(folder.path());
    let text = fs::read_to_string(&file).expect("reads");
    let kept: String = text.lines().take(2).map(|line| line.to_owned() + "\n").collect();
    fs::write(&file, kept).expect("writes");
    fs::remove_file(folder.path().join(FOLDER).join("head")).expect("removes");
    let problems = look(folder.path()).problems;
    let missing = "the head is missing: whether lines are missing at the end is not known";
    assert_eq!(problems, [missing, "line 5 is missing, to which the audit went"]);
    fs::remove_file(folder.path().join("audit.head")).expect("removes");
    assert_eq!(look(folder.path()).problems, [missing]);
    fill(folder.path(), 1);
    assert_eq!(look(folder.path()).alarms, ["line 3: the head is missing"]);
}

#[test]
fn f94_half_a_line_is_cut_and_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), 2);
    let file = only_file(folder.path());
    let mut text = fs::read_to_string(&file).expect("reads");
    text.push_str("{\"sequence\":3,\"ti");
    fs::write(&file, text).expect("writes");
    fill(folder.path(), 1);
    assert_eq!(look(folder.path()).lines, 4);
    assert!(look(folder.path()).is_sound());
    let audit = open(folder.path(), AuditOptions::default());
    let alarm = &audit.latest(2).expect("reads")[0];
    assert_eq!((alarm.kind, alarm.operation.as_str()), (Kind::Alarm, "cut 17 bytes of a line that was never finished"));
}

/// Adds a line as somebody does who has no key.
fn forge(folder: &Path, operation: &str) {
    let file = only_file(folder);
    let text = fs::read_to_string(&file).expect("reads");
    let (last, hashes) = Entry::parse(text.lines().last().expect("a line")).expect("a whole one");
    let told = Told { user: Some("admin"), operation, ..Told::default() };
    let mut entry = told.entry(Kind::Admin, Outcome::Done, 1);
    (entry.sequence, entry.previous) = (last.sequence + 1, hashes.found);
    fs::write(&file, text + &entry.print().0).expect("writes");
}

#[test]
fn f94_lines_behind_the_seal_are_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), 3);
    assert_eq!(look(folder.path()).unsealed, [""; 0]);
    forge(folder.path(), "DROP DATABASE payroll");
    let text =
        "not sealed: a server at work, or one that died, leaves such lines, and so does who adds some without its keys";
    let verdict = look(folder.path());
    assert_eq!((verdict.unsealed, verdict.last), (vec![format!("line 4 was {text}")], 4));
    forge(folder.path(), "CREATE DATABASE payroll");
    assert_eq!(look(folder.path()).unsealed, [format!("lines 4 to 5 were {text}")]);
    // The start takes them over, and says so for good; it is no alarm, as a death leaves the same.
    for lines in [7, 8] {
        fill(folder.path(), 1);
        let verdict = look(folder.path());
        assert!(verdict.is_sound() && verdict.alarms.is_empty(), "{verdict:?}");
        assert_eq!((verdict.unsealed, verdict.last), (vec![format!("line 6: lines 4 to 5 were {text}")], lines));
    }
}

#[test]
fn f94_without_the_keys_only_the_end_is_unknown() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), 2);
    let verdict = verify(&folder.path().join(FOLDER), None).expect("reads");
    assert!(verdict.is_sound() && verdict.end_unchecked.is_some());
    let other = Keyring::open(KeySource::Passing).expect("makes a key");
    let verdict = verify(&folder.path().join(FOLDER), Some(&other)).expect("reads");
    assert!(!verdict.is_sound());
}

#[test]
fn f94_lines_are_bounded() {
    let audit = Audit::in_memory(Arc::new(SystemClock));
    note(&audit, &"x".repeat(10_000));
    let kept = &audit.latest(1).expect("reads")[0];
    assert!(kept.operation.len() < 4_100 && kept.operation.ends_with("..."));
}
