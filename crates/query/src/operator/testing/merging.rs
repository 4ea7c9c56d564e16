//! Tests of operators that run plans while they write: merging, `FOREACH`, and of procedures.

use std::sync::Arc;

use types::{Code, Failure, Map, Value, arithmetic};

use super::{check_on, number, rows, scan, unwind};
use crate::Counters;
use crate::expression::{Compiled, Context};
use crate::operator::{
    Change, Create, CreateNode, CreateRelationship, Expand, LabelSource, Merge, Plan, PropertySource, Seek, SeekNext,
};
use crate::procedure::{Field, Procedure, Signature};
use crate::testing::{Memory, World};

fn slot(slot: usize) -> Compiled {
    Compiled::Slot(slot)
}

fn property(of: usize, key: &str) -> Compiled {
    Compiled::Property(Box::new(slot(of)), key.into())
}

fn equal(left: Compiled, right: Compiled) -> Compiled {
    Compiled::Equal { negated: false, left: Box::new(left), right: Box::new(right) }
}

fn plus(left: Compiled, right: Compiled) -> Compiled {
    Compiled::Operator(arithmetic::add, Box::new(left), Box::new(right))
}

fn set(of: usize, key: &str, value: Compiled) -> Change {
    Change::Property(slot(of), key.into(), value)
}

fn new_node(slot: usize, label: &str, key: &str, value: Compiled) -> Create {
    let properties = PropertySource::Each(vec![(key.into(), value)]);
    let node = CreateNode { slot, labels: vec![LabelSource::Name(label.into())], properties };
    Create { source: 0, nodes: vec![node], relationships: Vec::new() }
}

/// `MERGE (n:L {v: <value>})`, the node in slot 1.
fn merge_node(value: Compiled) -> Merge {
    let find = Plan::Filter(scan(Plan::Argument, Some("L"), 1).into(), equal(property(1, "v"), value.clone()));
    let create = new_node(1, "L", "v", value);
    Merge { find: find.into(), filled: vec![1], create, made: Vec::new(), on_create: Vec::new(), on_match: Vec::new() }
}

fn items(items: impl IntoIterator<Item = Value>) -> Plan {
    unwind(items.into_iter().collect(), 0)
}

fn of_node(input: Plan, key: &str) -> Plan {
    Plan::Keep(Plan::Compute(input.into(), vec![(2, property(1, key))]).into(), vec![0, 2])
}

fn empty() -> World {
    World::of(Memory::new("g"))
}

#[test]
fn rows_find_what_rows_before_them_made() {
    let mut world = empty();
    let how = Merge {
        on_create: vec![set(1, "made", slot(0))],
        on_match: vec![set(1, "found", plus(slot(0), number(10)))],
        ..merge_node(Compiled::Operator(arithmetic::modulo, Box::new(slot(0)), Box::new(number(2))))
    };
    let merged = Plan::Merge(items((1..=4).map(Value::Integer)).into(), how);
    check_on(
        &mut world,
        &of_node(merged, "v"),
        "[1, 1] [2, 0] [3, 1] [4, 0]",
        "(0:L {v: 1, made: 1, found: 13}) (1:L {v: 0, made: 2, found: 14})",
    );
    let counters = Counters { nodes_created: 2, labels_added: 2, properties_set: 6, ..Counters::default() };
    assert_eq!(world.counters, counters);
}

#[test]
fn every_match_goes_on_and_is_changed() {
    let graph = (0..3_000).fold(Memory::new("g"), |graph, at: i64| graph.node(&["L"], &[("v", (at % 2).into())]));
    let mut world = World::of(graph.index("L", &["v"]));
    let seek = Seek {
        source: 0,
        index: types::IndexId(0),
        name: "i".into(),
        ends: None,
        equal: vec![slot(0)],
        next: SeekNext::Any,
        slot: 1,
        both: false,
        unique: false,
        otherwise: None,
    };
    let find = Plan::Seek(Plan::Argument.into(), seek).into();
    let how = Merge { find, on_match: vec![set(1, "seen", number(1))], ..merge_node(slot(0)) };
    let merged = Plan::Merge(items([1.into(), 0.into(), 7.into()]).into(), how);
    assert_eq!(rows(&merged, &mut world).map(|rows| rows.len()), Ok(3_001));
    assert_eq!(world.counters.properties_set, 3_001);
    world.memory_max_bytes = 10_000;
    assert_eq!(rows(&merged, &mut world).err().map(|failure| failure.code()), Some(Code::MemoryLimit));
}

#[test]
fn what_is_made_may_not_have_nulls() {
    let merged = Plan::Merge(items([1.into(), Value::Null]).into(), merge_node(slot(0)));
    check_on(
        &mut empty(),
        &merged,
        "SemanticError: Cannot merge the following node because of null property value for 'v': \
         (:L {v: null}) (MergeReadOwnWrites)",
        "(0:L {v: 1})",
    );
    let of_map = PropertySource::Map(Compiled::Map(vec![("w".into(), slot(0))]));
    let relationship = CreateRelationship {
        slot: 2,
        kind: LabelSource::Name("T".into()),
        start: 1,
        end: 1,
        names: Default::default(),
        properties: of_map,
    };
    let how = merge_node(number(1));
    let create = Create { relationships: vec![relationship], ..how.create.clone() };
    check_on(
        &mut empty(),
        &Plan::Merge(items([Value::Null]).into(), Merge { create, ..how }),
        "SemanticError: Cannot merge the following relationship because of null property value for 'w': \
         -[:T {w: null}]- (MergeReadOwnWrites)",
        "",
    );
}

#[test]
fn whole_patterns_are_made_with_their_path() {
    let hop = Expand { source: 0, from: 1, relationship: 2, to: 3, types: vec!["T".into()], ..super::hop(1, 2, 3) };
    let find = Plan::Expand(scan(Plan::Argument, Some("L"), 1).into(), hop);
    let path = Compiled::Path { start: 1, relationships: vec![2] };
    let find = Plan::Compute(find.into(), vec![(4, path.clone())]);
    let node = |slot| CreateNode {
        slot,
        labels: vec![LabelSource::Name("L".into())],
        properties: PropertySource::Each(Vec::new()),
    };
    let relationship = CreateRelationship {
        slot: 2,
        kind: LabelSource::Name("T".into()),
        start: 1,
        end: 3,
        names: Default::default(),
        properties: PropertySource::Each(Vec::new()),
    };
    let how = Merge {
        find: find.into(),
        filled: vec![1, 2, 3, 4],
        create: Create { source: 0, nodes: vec![node(1), node(3)], relationships: vec![relationship] },
        made: vec![(4, path)],
        on_create: Vec::new(),
        on_match: Vec::new(),
    };
    let merged = Plan::Merge(items([1.into(), 2.into()]).into(), how);
    let length = Compiled::Entity(crate::functions::EntityFunction::Length, Box::new(slot(4)));
    let measured = Plan::Keep(Plan::Compute(merged.into(), vec![(5, length)]).into(), vec![0, 5]);
    check_on(&mut empty(), &measured, "[1, 1] [2, 1]", "(0:L) (1:L) 0-[0:T]->1");
}

fn foreach(input: Plan, list: Compiled, body: Plan) -> Plan {
    Plan::Foreach { input: input.into(), list, item: 5, body: body.into() }
}

#[test]
fn bodies_run_for_each_item() {
    let list = Compiled::List(vec![slot(0), number(7)]);
    let body = Plan::Create(Plan::Argument.into(), new_node(6, "L", "v", slot(5)));
    let mut world = empty();
    let plan = foreach(items([1.into(), 2.into()]), list.clone(), body.clone());
    check_on(&mut world, &plan, "[1] [2]", "(0:L {v: 1}) (1:L {v: 7}) (2:L {v: 2}) (3:L {v: 7})");
    assert_eq!(world.counters.nodes_created, 4);
    let none = foreach(items([Value::Null]), slot(0), body.clone());
    check_on(&mut empty(), &none, "[null]", "");
    let wrong = foreach(items([1.into()]), slot(0), body.clone());
    let text = "TypeError: Type mismatch: expected List but was Integer (InvalidArgumentType)";
    check_on(&mut empty(), &wrong, text, "");
    let nested = foreach(
        items([1.into()]),
        list,
        Plan::Foreach {
            input: Plan::Argument.into(),
            list: Compiled::List(vec![slot(5), slot(5)]),
            item: 5,
            body: body.into(),
        },
    );
    check_on(&mut empty(), &nested, "[1]", "(0:L {v: 1}) (1:L {v: 1}) (2:L {v: 7}) (3:L {v: 7})");
    let many = Compiled::Constant(Value::list((0..2_500).map(Value::Integer).collect()));
    let create = Plan::Create(Plan::Argument.into(), new_node(6, "L", "v", slot(5)));
    let mut world = empty();
    assert_eq!(rows(&foreach(items([1.into()]), many, create), &mut world).map(|rows| rows.len()), Ok(1));
    assert_eq!(world.counters.nodes_created, 2_500);
}

#[test]
fn an_item_sees_what_the_item_before_it_did() {
    // FOREACH (x IN [1, 2, 3] | MERGE (n:L {v: x}) SET n.v = x + 1)
    let how = Merge { filled: vec![1], ..merge_node(slot(5)) };
    let body =
        Plan::Change(Plan::Merge(Plan::Argument.into(), how).into(), vec![set(1, "v", plus(slot(5), number(1)))]);
    let list = Compiled::Constant(Value::list((1..=3).map(Value::Integer).collect()));
    check_on(&mut empty(), &foreach(Plan::Unit, list, body), "[]", "(0:L {v: 4})");
}

/// Gives its argument as many times as it says.
#[derive(Debug)]
struct Repeat(Signature);

impl Repeat {
    fn new() -> Arc<Self> {
        let field = |name: &str| Field { name: name.into(), kind: "INTEGER".into(), default: None };
        let (inputs, outputs) = (vec![field("times")], vec![field("at"), field("times")]);
        Arc::new(Self(Signature { name: "test.repeat".into(), inputs, outputs, writes: false }))
    }
}

impl Procedure for Repeat {
    fn signature(&self) -> &Signature {
        &self.0
    }

    fn call(&self, arguments: &[Value], _: &mut Context<'_>) -> Result<Vec<Vec<Value>>, Failure> {
        match &arguments[0] {
            Value::Integer(times) => Ok((0..*times).map(|at| vec![at.into(), (*times).into()]).collect()),
            _ => Err(Failure::new(Code::ProcedureCallFailed, "no number")),
        }
    }
}

#[test]
fn procedures_run_for_each_row() {
    let call = |input, outputs| Plan::Call {
        input: Arc::new(input),
        procedure: Repeat::new(),
        arguments: vec![slot(0)],
        outputs,
    };
    let input = || items([2.into(), 0.into(), 1.into()]);
    check_on(&mut empty(), &call(input(), vec![(1, 1), (0, 2)]), "[2, 2, 0] [2, 2, 1] [1, 1, 0]", "");
    check_on(&mut empty(), &call(input(), Vec::new()), "[2] [0] [1]", "");
    let wrong = items([1.into(), Value::Map(Arc::new(Map::new()))]);
    check_on(&mut empty(), &call(wrong, Vec::new()), "ProcedureCallFailed: no number", "");
    let many = call(items([1_024.into(), 3_000.into(), 0.into()]), vec![(0, 1)]);
    assert_eq!(rows(&many, &mut empty()).map(|rows| rows.len()), Ok(4_024));
}
