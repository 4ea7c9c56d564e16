//! Tests of whole expressions, from text to value, over a small graph in memory.

use std::sync::Arc;

use cypher::ast::{Body, ClauseKind, Expression};
use types::{Code, Failure, NodeId, NodeRef, RelationshipId, RelationshipRef, TypeId, Value, effort, text};

use super::{Compiled, Compiler, Lifted, compile, evaluate};
use crate::testing::{Memory, World};
use crate::{Batch, Column};

/// One node `(:Person:Admin {name: 'Ann', age: 41})`, number 3, and a relationship to itself, number 1.
fn tiny() -> World {
    let graph = (0..3).fold(Memory::new("tiny"), |graph, _| graph.node(&[], &[]));
    let graph = graph.node(&["Person", "Admin"], &[("name", "Ann".into()), ("age", 41.into())]);
    let graph = graph.relationship(0, "OTHER", 0, &[]).relationship(3, "KNOWS", 3, &[("since", 1999.into())]);
    World::of(graph).parameter("p", 5.into())
}

/// A planner that computed nothing beforehand.
struct Nothing(usize);

impl Lifted for Nothing {
    fn lift(&mut self, _: &Expression, _: &[(compact_str::CompactString, usize)]) -> Result<Option<Compiled>, Failure> {
        Ok(None)
    }

    fn fresh_slot(&mut self) -> usize {
        self.0 += 1;
        self.0 - 1
    }
}

/// Computes `RETURN <expression>` for two rows, where `i` is 1 and then 2.
fn run(expression: &str) -> Result<Vec<Value>, Failure> {
    let statement = format!("RETURN {expression} AS x");
    let parsed = cypher::parse(&statement).map_err(Failure::from)?;
    let Body::Query(query) = parsed.body else { panic!("a query") };
    let ClauseKind::Return { projection } = &query.first.clauses[0].kind else { panic!("a RETURN") };
    let ann = RelationshipRef { source: 0, id: RelationshipId(1), kind: TypeId(1), start: NodeId(3), end: NodeId(3) };
    let columns = vec![
        Column::Integers(vec![1, 2]),
        Column::Nodes { source: 0, ids: vec![NodeId(3), NodeId(3)] },
        Column::Constant { value: Value::RelationshipRef(Box::new(ann)), rows: 2 },
        Column::Values(vec![Value::Null, Value::NodeRef(NodeRef { source: 0, id: NodeId(3) })]),
        Column::Relationships(vec![ann, ann]),
        Column::Values(vec![Value::RelationshipRef(Box::new(ann)), Value::Null]),
        Column::Trails { ends: vec![0, 2], found: vec![ann, ann] },
        Column::Nodes { source: 0, ids: vec![NodeId(0), NodeId(3)] },
    ];
    let mut lifted = Nothing(columns.len());
    let scope = ["i", "n", "r", "m", "s", "t", "walk", "two"]
        .iter()
        .enumerate()
        .map(|(slot, name)| ((*name).into(), slot))
        .collect();
    let mut compiler = Compiler { text: &statement, scope, lifted: &mut lifted };
    let compiled = compile(&mut compiler, &projection.items[0].expression)?;
    let batch = Batch { columns, rows: 2 };
    Ok(tiny().run(|context| evaluate(&compiled, &batch, context))?.into_values())
}

/// Checks both rows, written as literals with ` | ` between them, or the first line of the error.
fn check(expression: &str, expected: &str) {
    let got = match run(expression) {
        Ok(values) => values.iter().map(text::literal).collect::<Vec<_>>().join(" | "),
        Err(failure) => format!("{:?}: {}", failure.code(), failure.message().lines().next().unwrap_or_default()),
    };
    assert_eq!(got, expected, "{expression}");
}

#[test]
fn operators_run_over_columns() {
    check("i + $p * 2", "11 | 12");
    check("1 < i <= 2", "false | true");
    check("i = 1 OR 1 / (i - 1) > 0", "true | true");
    check("i <> 1 AND 1 / (i - 1) > 0", "false | true");
    check("null XOR true", "null | null");
    check("NOT i = 1", "false | true");
    check("'a' + i STARTS WITH 'a2'", "false | true");
    check("'abc' =~ 'a.c'", "true | true");
    check("i IN [2, null]", "null | true");
    check("[1, 2, 3][i]", "2 | 3");
}

#[test]
fn lists_and_maps() {
    check("[x IN range(1, i + 1) WHERE x > 1 | x * 10]", "[20] | [20, 30]");
    check("[x IN null | x]", "null | null");
    check("all(x IN [1, i] WHERE x < 2)", "true | false");
    check("single(x IN [1, i, null] WHERE x = 2)", "null | null");
    check("none(x IN [] WHERE x)", "true | true");
    check("reduce(total = 0, x IN range(1, i * 2) | total + x)", "3 | 10");
    check("[x IN [1, 2] | [y IN [x] | x + y + i]]", "[[3], [5]] | [[4], [6]]");
    check("{a: i, b: [i]}.b[0]", "1 | 2");
    check("[1, 2, 3][0..i]", "[1] | [1, 2]");
}

#[test]
fn only_the_branch_that_is_taken_is_computed() {
    check("CASE i WHEN 1 THEN 'one' WHEN 2 THEN 'two' END", "'one' | 'two'");
    check("CASE WHEN i = 1 THEN 0 ELSE 1 / (i - 1) END", "0 | 1");
}

#[test]
fn coalesce_computes_as_far_as_the_first_that_is_not_null() {
    check("coalesce(1, 1 / 0)", "1 | 1");
    check("coalesce(i, 1 / 0)", "1 | 2");
    check("coalesce(m.age, 1 / (i - 2))", "-1 | 41");
    check("coalesce(null, m.age, n.missing, 1 / (i - 2), 'last')", "-1 | 41");
    check("coalesce(m.age, n.missing)", "null | 41");
    check("coalesce(n.missing, m.missing, 'last')", "'last' | 'last'");
    check("coalesce(m.name, [i])", "[1] | 'Ann'");
    check("coalesce(null)", "null | null");
    check("coalesce(null, 1 / 0, 1)", "ArithmeticError: / by zero");
}

#[test]
fn entities_ask_their_source() {
    check("n.name + ' ' + n.age", "'Ann 41' | 'Ann 41'");
    check("n.missing", "null | null");
    check("m.name", "null | 'Ann'");
    check("m['age']", "null | 41");
    check("r.since", "1999 | 1999");
    check("type(r) + id(r) + elementId(startNode(r))", "'KNOWS14:tiny:3' | 'KNOWS14:tiny:3'");
    check("labels(m)", "null | ['Admin', 'Person']");
    check("n:Person&!Robot", "true | true");
    check("m:Robot", "null | false");
    check("n {.name, .*, i}", "{name: 'Ann', age: 41, i: 1} | {name: 'Ann', age: 41, i: 2}");
    check("keys(r)", "['since'] | ['since']");
    check("labels(r)", "TypeError: Type mismatch: expected Node but was Relationship (InvalidArgumentValue)");
}

#[test]
fn columns_of_entities_are_asked_as_a_whole() {
    check("s.since + i", "2000 | 2001");
    check("t.since", "1999 | null");
    check("s.missing", "null | null");
    check("type(s) + '-' + type(t)", "'KNOWS-KNOWS' | null");
    check("size(walk)", "0 | 2");
    check("[x IN walk | x.since]", "[] | [1999, 1999]");
    check("two.name", "null | 'Ann'");
    check("two:Person", "false | true");
    check("two:Person AND two.age > 40", "false | true");
    check("n:Never OR two:Never", "false | false");
    check("s IN walk", "false | true");
    check("i IN [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]", "false | true");
    check("[x IN [t, m, i] | x IS NULL]", "[false, true, false] | [true, false, false]");
}

#[test]
fn errors_point_and_suggest() {
    check(
        "x",
        "SyntaxError: Variable `x` not defined (UndefinedVariable); in scope: i, n, r, m, s, t, walk, two (line 1, column 8 (offset: 7))",
    );
    check(
        "toUper('a')",
        "SyntaxError: Unknown function 'toUper' (UnknownFunction); did you mean `toUpper`? (line 1, column 8 (offset: 7))",
    );
    check("$q", "ParameterMissing: Expected parameter(s): q");
    check(
        "i + 9223372036854775807",
        "ArithmeticError: long overflow: result of 1 + 9223372036854775807 cannot be represented as an integer",
    );
    check(
        "count(i)",
        "SyntaxError: Invalid use of aggregating function count(...) in this context (InvalidAggregation) (line 1, column 8 (offset: 7))",
    );
}

/// Never lets anybody go on.
struct Over;

impl effort::Watch for Over {
    fn may_go_on(&self) -> bool {
        false
    }
}

#[test]
fn f51_a_condition_of_many_parts_ends_in_the_midst_of_a_batch() {
    let equal = |number| Compiled::Equal {
        negated: false,
        left: Box::new(Compiled::Slot(0)),
        right: Box::new(Compiled::Constant(Value::Integer(number))),
    };
    let condition = (1..=200).fold(equal(0), |or, number| Compiled::Or(Box::new(or), Box::new(equal(-number))));
    let batch = Batch { columns: vec![Column::Integers(vec![1; Batch::ROWS_MAX])], rows: Batch::ROWS_MAX };
    let run = || tiny().run(|context| evaluate(&condition, &batch, context));
    assert!(run().is_ok_and(|found| found.get(0) == Value::Boolean(false)));
    let watched = effort::watch(Arc::new(Over), usize::MAX);
    assert_eq!(run().map(|_| ()).map_err(|failure| failure.code()), Err(Code::TransactionTerminated));
    assert!(watched.is_over());
}
