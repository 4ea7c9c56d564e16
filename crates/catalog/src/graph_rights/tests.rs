use super::*;

fn built(entries: &[(Verdict, Privilege)]) -> GraphRights {
    let mut builder = Builder::new("user 'ada' with roles [PUBLIC]");
    entries.iter().for_each(|(verdict, privilege)| builder.add(*verdict, privilege));
    builder.build()
}

use Verdict::{Deny, Grant};

#[test]
fn f91_a_node_is_seen_by_one_granted_label_and_hidden_by_one_denied() {
    let rights = built(&[
        (Grant, Privilege::Traverse(Elements::nodes(["Person", "Film"]))),
        (Deny, Privilege::Traverse(Elements::nodes(["Secret"]))),
    ]);
    let check =
        |labels: &[&str], expected| assert_eq!(rights.sees_node(labels.iter().copied()), expected, "{labels:?}");
    check(&["Person"], true);
    check(&["Person", "Other"], true);
    check(&["Other"], false);
    check(&["Person", "Secret"], false);
    check(&[], false);
    assert!(rights.may_read_anything() && !rights.sees_everything() && !rights.may_write_anything());
}

#[test]
fn f91_properties_are_granted_and_denied_one_by_one() {
    let rights = built(&[
        (Grant, Privilege::Match(Words::All, Elements::all())),
        (Deny, Privilege::Match(Words::of(["salary"]), Elements::nodes(["Person"]))),
    ]);
    assert!(rights.nodes.sees_all(), "a denied property hides no element");
    assert!(!rights.sees_everything());
    let reads = |key: &str, labels: &[&str]| rights.nodes.read.rule(key).allows_some(labels.iter().copied());
    assert!(reads("name", &["Person"]) && !reads("salary", &["Person"]) && reads("salary", &["Robot"]));
    assert!(!reads("salary", &["Robot", "Person"]));
    assert!(rights.relationships.read.is_everything());
    assert_eq!(rights.nodes.read.named().collect::<Vec<_>>(), ["salary"]);
}

#[test]
fn a_denied_match_of_all_properties_hides_the_elements() {
    let rights = built(&[
        (Grant, Privilege::Match(Words::All, Elements::all())),
        (Deny, Privilege::Match(Words::All, Elements::nodes(["Secret"]))),
    ]);
    assert!(!rights.sees_node(["Secret"]) && rights.sees_node(["Open"]) && rights.sees_node([]));
}

#[test]
fn f87_all_writes_are_granted_and_denied_at_once() {
    let writer = built(&[(Grant, Privilege::Write)]);
    assert!(writer.may_write_anything() && !writer.may_read_anything() && !writer.writes_everything());
    assert!(!writer.may(SchemaRight::NewLabel), "new names are a right of their own");
    let mut all = vec![(Grant, Privilege::AllGraph)];
    all.extend(SchemaRight::ALL.map(|right| (Grant, Privilege::Schema(right))));
    let rights = built(&all);
    assert!(rights.sees_everything() && rights.writes_everything());
    all.push((Deny, Privilege::Write));
    let reader = built(&all);
    assert!(reader.sees_everything() && !reader.may_write_anything() && !reader.writes_everything());
}

#[test]
fn merge_finds_reads_makes_and_sets() {
    let rights = built(&[(Grant, Privilege::Merge(Words::of(["name"]), Elements::nodes(["Person"])))]);
    assert!(rights.sees_node(["Person"]) && rights.nodes.create.allows("Person"));
    assert!(rights.nodes.set_property.rule("name").allows("Person"));
    assert!(!rights.nodes.set_property.rule("age").allows("Person"));
    assert!(!rights.nodes.delete.allows("Person") && rights.relationships.create.is_nothing());
}

#[test]
fn a_denied_name_of_the_schema_wins() {
    let rights = built(&[
        (Grant, Privilege::Schema(SchemaRight::CreateIndex)),
        (Grant, Privilege::Schema(SchemaRight::DropIndex)),
        (Deny, Privilege::Schema(SchemaRight::DropIndex)),
    ]);
    assert!(rights.may(SchemaRight::CreateIndex) && !rights.may(SchemaRight::DropIndex));
}

#[test]
fn procedures_are_allowed_by_pattern() {
    let rights = built(&[
        (Grant, Privilege::ExecuteProcedure("db.*".into())),
        (Deny, Privilege::ExecuteProcedure("db.create*".into())),
    ]);
    assert!(rights.may_call("db.labels") && !rights.may_call("db.createLabel") && !rights.may_call("apoc.help"));
}

#[test]
fn everything_and_nothing_are_what_they_say() {
    let all = GraphRights::everything();
    assert!(all.sees_everything() && all.writes_everything() && all.may_read_anything() && all.may_write_anything());
    assert!(all.may_call("x.y") && all.load.is_everything() && all.functions.is_everything());
    assert!(SchemaRight::ALL.into_iter().all(|right| all.may(right)));
    let none = GraphRights::nothing();
    assert!(!none.sees_everything() && !none.writes_everything());
    assert!(!none.may_read_anything() && !none.may_write_anything() && !none.may_call("db.labels"));
    assert!(!none.load.allows_something() && !SchemaRight::ALL.into_iter().any(|right| none.may(right)));
    assert_eq!(none, built(&[]).of(""));
}

#[test]
fn the_fingerprint_tells_apart_what_is_seen() {
    let read = |label: &str| built(&[(Grant, Privilege::Match(Words::All, Elements::nodes([label])))]).fingerprint();
    assert_eq!(read("A"), read("A"));
    assert_ne!(read("A"), read("B"));
    assert_eq!(GraphRights::everything().fingerprint(), 0);
    assert_ne!(GraphRights::nothing().fingerprint(), 0);
    assert_eq!(built(&[(Grant, Privilege::Match(Words::All, Elements::all()))]).fingerprint(), 0);
}
