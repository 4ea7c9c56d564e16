//! Tests of operators that write: what they make, what they count and what they refuse.

use std::sync::Arc;

use types::{Code, Map, Value, arithmetic};

use super::{check_on, number, rows, scan, unwind, written};
use crate::Counters;
use crate::expression::Compiled;
use crate::operator::{Change, Create, CreateNode, CreateRelationship, LabelSource, Plan, PropertySource};
use crate::testing::{Memory, World};

fn named(names: &[&str]) -> Vec<LabelSource> {
    names.iter().map(|name| LabelSource::Name((*name).into())).collect()
}

fn each(entries: &[(&str, Compiled)]) -> PropertySource {
    PropertySource::Each(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
}

fn node(slot: usize, labels: &[&str], properties: &[(&str, Compiled)]) -> CreateNode {
    CreateNode { slot, labels: named(labels), properties: each(properties) }
}

fn relationship(slot: usize, (start, end): (usize, usize), properties: &[(&str, Compiled)]) -> CreateRelationship {
    CreateRelationship {
        slot,
        kind: LabelSource::Name("T".into()),
        start,
        end,
        names: Default::default(),
        properties: each(properties),
    }
}

fn made(input: Plan, nodes: Vec<CreateNode>, relationships: Vec<CreateRelationship>) -> Plan {
    Plan::Create(input.into(), Create { source: 0, nodes, relationships })
}

fn slot(slot: usize) -> Compiled {
    Compiled::Slot(slot)
}

fn property(of: usize, key: &str) -> Compiled {
    Compiled::Property(Box::new(slot(of)), key.into())
}

fn plus(left: Compiled, right: Compiled) -> Compiled {
    Compiled::Operator(arithmetic::add, Box::new(left), Box::new(right))
}

fn constant(value: impl Into<Value>) -> Compiled {
    Compiled::Constant(value.into())
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::map(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect::<Map>())
}

/// Rows 1, 2, ... in slot 0.
fn items(items: impl IntoIterator<Item = i64>) -> Plan {
    unwind(items.into_iter().map(Value::Integer).collect(), 0)
}

/// The number of an entity, for rows that are compared.
fn ids(input: Plan, slots: &[usize]) -> Plan {
    let id = |of: usize| Compiled::Entity(crate::functions::EntityFunction::Id, Box::new(slot(of)));
    let values = slots.iter().map(|slot| (20 + slot, id(*slot))).collect();
    Plan::Keep(Plan::Compute(input.into(), values).into(), slots.iter().map(|slot| 20 + slot).collect())
}

fn empty() -> World {
    World::of(Memory::new("g"))
}

/// Two nodes with `v` 1 and 2, and a relationship from the first to the second.
fn pair() -> World {
    let graph = Memory::new("g").node(&["A"], &[("v", 1.into())]).node(&["B"], &[("v", 2.into())]);
    World::of(graph.relationship(0, "T", 1, &[("w", 3.into())]))
}

#[test]
fn patterns_are_made_for_each_row() {
    let mut world = empty();
    let pattern = made(
        items(1..=2),
        vec![node(1, &["A", "A"], &[("v", slot(0)), ("none", constant(Value::Null))]), node(2, &[], &[])],
        vec![relationship(3, (2, 1), &[("w", plus(slot(0), number(10)))])],
    );
    check_on(
        &mut world,
        &ids(pattern, &[1, 2, 3]),
        "[0, 1, 0] [2, 3, 1]",
        "(0:A {v: 1}) (1) (2:A {v: 2}) (3) 1-[0:T {w: 11}]->0 3-[1:T {w: 12}]->2",
    );
    let counted = Counters {
        nodes_created: 4,
        relationships_created: 2,
        labels_added: 2,
        properties_set: 4,
        ..Counters::default()
    };
    assert_eq!(world.counters, counted);
    // Between nodes that are there.
    let between = made(scan(scan(Plan::Unit, Some("A"), 0), None, 1), Vec::new(), vec![relationship(2, (0, 0), &[])]);
    assert_eq!(rows(&between, &mut world).map(|rows| rows.len()), Ok(8));
}

#[test]
fn properties_and_labels_may_be_computed() {
    let row = map(&[("a", 1.into()), ("b", Value::Null)]);
    let labels = vec![LabelSource::Name("A".into()), LabelSource::Dynamic(slot(1))];
    let nodes = vec![CreateNode { slot: 2, labels, properties: PropertySource::Map(slot(0)) }];
    let rows_of = |name: Value| {
        let input = Plan::Compute(unwind(vec![row.clone()], 0).into(), vec![(1, Compiled::Constant(name))]);
        Plan::Keep(made(input, nodes.clone(), Vec::new()).into(), Vec::new())
    };
    check_on(&mut empty(), &rows_of(Value::list(vec!["B".into(), "A".into()])), "[]", "(0:A:B {a: 1})");
    check_on(
        &mut empty(),
        &rows_of(7.into()),
        "TypeError: Type mismatch: expected String or List of String but was Integer (InvalidArgumentType)",
        "",
    );
    let no_map = made(
        items([1]),
        vec![CreateNode { slot: 1, labels: Vec::new(), properties: PropertySource::Map(slot(0)) }],
        Vec::new(),
    );
    check_on(&mut empty(), &no_map, "TypeError: Type mismatch: expected Map but was Integer (InvalidArgumentType)", "");
    let two = CreateRelationship {
        kind: LabelSource::Dynamic(Compiled::Constant(Value::list(vec!["T".into(), "U".into()]))),
        ..relationship(2, (1, 1), &[])
    };
    check_on(
        &mut empty(),
        &made(items([1]), vec![node(1, &[], &[])], vec![two]),
        "TypeError: Exactly one relationship type must be specified for a new relationship",
        "",
    );
}

#[test]
fn relationships_need_both_nodes() {
    let missing = made(items([1]), vec![node(1, &[], &[])], vec![relationship(2, (1, 7), &[])]);
    check_on(&mut empty(), &missing, "EntityNotFound: Failed to create relationship `T`, node `` is missing.", "(0)");
    let wrong = made(items([1]), vec![node(1, &[], &[])], vec![relationship(2, (0, 1), &[])]);
    assert!(written(rows(&wrong, &mut empty())).starts_with("TypeError: Type mismatch: expected Node but was Integer"));
    let mut two = empty().and(Memory::new("other").node(&[], &[]));
    let other = Plan::Scan { input: Plan::Unit.into(), source: 1, label: None, node: 0 };
    let across = made(other, vec![node(1, &[], &[])], vec![relationship(2, (0, 1), &[])]);
    assert_eq!(rows(&across, &mut two).err().map(|failure| failure.code()), Some(Code::SemanticError));
}

#[test]
fn sources_refuse_what_they_cannot_store() {
    let wrong = made(items([1]), vec![node(1, &[], &[("v", constant(map(&[])))])], Vec::new());
    assert_eq!(rows(&wrong, &mut empty()).err().map(|failure| failure.code()), Some(Code::TypeError));
    let mut read_only = World::of(Memory::new("g").read_only());
    let plain = made(items([1]), vec![node(1, &["A"], &[])], Vec::new());
    assert_eq!(rows(&plain, &mut read_only).err().map(|failure| failure.code()), Some(Code::WriteInReadMode));
}

fn changed(input: Plan, changes: Vec<Change>) -> Plan {
    Plan::Keep(Plan::Change(input.into(), changes).into(), Vec::new())
}

#[test]
fn properties_are_set_and_removed() {
    let mut world = pair();
    let set = |key: &str, value| Change::Property(slot(0), key.into(), value);
    let plan = changed(
        scan(Plan::Unit, Some("A"), 0),
        vec![
            set("x", plus(property(0, "v"), number(1))),
            set("v", property(0, "x")),
            set("gone", constant(Value::Null)),
            Change::DynamicProperty(slot(0), constant("y"), number(9)),
        ],
    );
    check_on(&mut world, &plan, "[]", "(0:A {v: 2, x: 2, y: 9}) (1:B {v: 2}) 0-[0:T {w: 3}]->1");
    assert_eq!(world.counters.properties_set, 3);
    let remove = changed(scan(Plan::Unit, None, 0), vec![set("v", constant(Value::Null))]);
    check_on(&mut world, &remove, "[] []", "(0:A {x: 2, y: 9}) (1:B) 0-[0:T {w: 3}]->1");
    assert_eq!(world.counters.properties_set, 2);
}

#[test]
fn rows_see_what_earlier_rows_changed() {
    // UNWIND [1, 2, 3] AS i MATCH (n:A) SET n.v = n.v + i
    let mut world = pair();
    let add = vec![Change::Property(slot(1), "v".into(), plus(property(1, "v"), slot(0)))];
    check_on(
        &mut world,
        &changed(scan(items(1..=3), Some("A"), 1), add.clone()),
        "[] [] []",
        "(0:A {v: 7}) (1:B {v: 2}) 0-[0:T {w: 3}]->1",
    );
    // Each row about its own node: the same, whole batches at once.
    check_on(
        &mut world,
        &changed(scan(items([5]), None, 1), add),
        "[] []",
        "(0:A {v: 12}) (1:B {v: 7}) 0-[0:T {w: 3}]->1",
    );
}

#[test]
fn maps_replace_or_add_properties() {
    let of = |change: fn(Compiled, Compiled) -> Change, value: Value| {
        changed(scan(Plan::Unit, Some("A"), 0), vec![change(slot(0), Compiled::Constant(value))])
    };
    let wanted = map(&[("x", 1.into()), ("y", Value::Null)]);
    let rest = "(1:B {v: 2}) 0-[0:T {w: 3}]->1";
    let mut world = pair();
    check_on(&mut world, &of(Change::Merge, wanted.clone()), "[]", &format!("(0:A {{v: 1, x: 1}}) {rest}"));
    assert_eq!(world.counters.properties_set, 1);
    check_on(&mut world, &of(Change::Replace, wanted), "[]", &format!("(0:A {{x: 1}}) {rest}"));
    assert_eq!(world.counters.properties_set, 2);
    check_on(&mut world, &of(Change::Replace, map(&[])), "[]", &format!("(0:A) {rest}"));
    let refused = "TypeError: Type mismatch: expected Map, Node or Relationship but was Integer (InvalidArgumentType)";
    check_on(&mut world, &of(Change::Merge, 4.into()), refused, &format!("(0:A) {rest}"));
    // From another entity: the relationship's properties.
    let hop = Plan::Expand(scan(Plan::Unit, Some("A"), 0).into(), super::hop(0, 1, 2));
    let hop = match hop {
        Plan::Expand(input, how) => Plan::Expand(input, crate::operator::Expand { types: Vec::new(), ..how }),
        other => other,
    };
    let copied = changed(hop, vec![Change::Replace(slot(2), slot(1))]);
    check_on(&mut world, &copied, "[]", "(0:A) (1:B {w: 3}) 0-[0:T {w: 3}]->1");
}

#[test]
fn null_is_passed_over_and_other_targets_are_refused() {
    let all = |target: Compiled| {
        vec![
            Change::Property(target.clone(), "v".into(), number(1)),
            Change::DynamicProperty(target.clone(), constant("v"), number(1)),
            Change::Replace(target.clone(), constant(map(&[]))),
            Change::Merge(target.clone(), constant(map(&[]))),
            Change::AddLabels(target.clone(), named(&["X"])),
            Change::RemoveLabels(target, named(&["X"])),
        ]
    };
    let mut world = empty();
    check_on(&mut world, &changed(Plan::Unit, all(constant(Value::Null))), "[]", "");
    assert_eq!(world.counters, Counters::default());
    for (at, change) in all(constant(map(&[("v", 1.into())]))).into_iter().enumerate() {
        let failed = rows(&changed(Plan::Unit, vec![change]), &mut world).err().map(|failure| failure.code());
        assert_eq!(failed, Some(Code::TypeError), "change {at}");
    }
    let key = vec![Change::DynamicProperty(slot(0), number(1), number(1))];
    let failed = rows(&changed(scan(Plan::Unit, None, 0), key), &mut pair());
    assert_eq!(failed.err().map(|failure| failure.code()), Some(Code::TypeError));
}

#[test]
fn labels_are_added_and_removed() {
    let mut world = pair();
    let add = changed(scan(Plan::Unit, None, 0), vec![Change::AddLabels(slot(0), named(&["A", "C"]))]);
    check_on(&mut world, &add, "[] []", "(0:A:C {v: 1}) (1:A:B:C {v: 2}) 0-[0:T {w: 3}]->1");
    assert_eq!(world.counters.labels_added, 3);
    let dynamic = LabelSource::Dynamic(constant("B"));
    let labels = [named(&["A", "Never"]), vec![dynamic]].concat();
    let remove = changed(scan(Plan::Unit, None, 0), vec![Change::RemoveLabels(slot(0), labels)]);
    check_on(&mut world, &remove, "[] []", "(0:C {v: 1}) (1:C {v: 2}) 0-[0:T {w: 3}]->1");
    assert_eq!(world.counters.labels_removed, 3);
}

#[test]
fn entities_are_deleted_once() {
    let delete = |input: Plan, targets: Vec<Compiled>, detach| {
        Plan::Keep(Plan::Delete { input: input.into(), targets, detach }.into(), Vec::new())
    };
    let mut world = pair();
    let nodes = || Plan::Eager(scan(items(1..=2), None, 1).into());
    check_on(&mut world, &delete(nodes(), vec![slot(1), slot(1), slot(7)], true), "[] [] [] []", "");
    let counters = Counters { nodes_deleted: 2, relationships_deleted: 1, ..Counters::default() };
    assert_eq!(world.counters, counters);
    let how = crate::operator::Expand { types: Vec::new(), ..super::hop(0, 1, 2) };
    let hop = || Plan::Expand(scan(Plan::Unit, None, 0).into(), how.clone());
    check_on(&mut pair(), &delete(hop(), vec![slot(1)], false), "[]", "(0:A {v: 1}) (1:B {v: 2})");
    let path = Compiled::Path { start: 0, relationships: vec![1] };
    check_on(&mut pair(), &delete(hop(), vec![path], false), "[]", "");
    let refused = "TypeError: Type mismatch: expected Node, Path or Relationship but was Integer (InvalidArgumentType)";
    check_on(&mut empty(), &delete(items([1]), vec![slot(0)], false), refused, "");
}

#[test]
fn rows_after_a_deletion_may_hold_what_is_gone() {
    let delete = Plan::Delete { input: scan(Plan::Unit, Some("A"), 0).into(), targets: vec![slot(0)], detach: true };
    let read = Plan::Compute(Arc::new(delete), vec![(1, property(0, "v"))]);
    check_on(&mut pair(), &read, "EntityNotFound: Node with id 0 has been deleted in this transaction", "(1:B {v: 2})");
}
