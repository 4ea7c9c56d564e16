//! Statements of users from whom something is hidden, or to whom something is refused.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use catalog::GraphRights;
use catalog::graph_rights::{Builder, Elements, Privilege, SchemaRight, Words};
use types::{Code, Map};

use crate::{Fetched, Instance, InstanceOptions, More, RunOptions, Session};

mod values;

thread_local! {
    /// What takes the place of granted rights on this thread.
    pub(crate) static RIGHTS: RefCell<Option<Arc<GraphRights>>> = const { RefCell::new(None) };
}

/// A graph of people, secrets and what connects them.
const GRAPH: &[&str] = &[
    "CREATE INDEX by_name FOR (n:Person) ON (n.name)",
    "CREATE INDEX by_salary FOR (n:Person) ON (n.salary)",
    "CREATE INDEX by_both FOR (n:Person) ON (n.name, n.salary)",
    "CREATE TEXT INDEX by_text FOR (n:Person) ON (n.name)",
    "CREATE INDEX since FOR ()-[r:KNOWS]-() ON (r.since)",
    "CREATE FULLTEXT INDEX words FOR (n:Person|Secret) ON EACH [n.name, n.salary]",
    "CREATE VECTOR INDEX near FOR (n:Person) ON (n.at) OPTIONS {indexConfig: \
     {`vector.dimensions`: 2, `vector.similarity_function`: 'euclidean'}}",
    "CREATE CONSTRAINT one FOR (n:Person) REQUIRE n.badge IS UNIQUE",
    "CREATE (a:Person {name: 'Ada', salary: '10', badge: 1, at: [0.0, 0.0]}), \
     (b:Person {name: 'Bob', salary: '20', badge: 2, at: [1.0, 1.0]}), \
     (c:Person:Secret {name: 'Cy', salary: '30', badge: 3, at: [0.1, 0.1]}), \
     (d:Secret {name: 'Di', code: 'x'}), (e:Thing {name: 'Egg'}), \
     (a)-[:KNOWS {since: 1}]->(b), (b)-[:KNOWS {since: 2}]->(c), (a)-[:HIDES {since: 3}]->(b), \
     (a)-[:OWNS]->(e), (c)-[:KNOWS {since: 4}]->(d)",
    "CALL db.awaitIndexes()",
];

struct World {
    session: Session,
}

impl World {
    fn new() -> Self {
        RIGHTS.set(None);
        let instance = Instance::in_memory(InstanceOptions::new(Path::new("/nowhere"))).expect("memory has room");
        let mut session = instance.log_in(None).expect("there are no passwords");
        GRAPH.iter().for_each(|text| drop(run(&mut session, text)));
        Self { session }
    }

    /// Checks what a statement gives somebody with these rights.
    #[track_caller]
    fn check(&mut self, rights: &GraphRights, text: &str, expected: &str) {
        RIGHTS.set(Some(Arc::new(rights.clone())));
        let got = run(&mut self.session, text);
        RIGHTS.set(None);
        assert_eq!(got, expected, "{text}");
    }

    /// Checks what a statement gives somebody who may do everything.
    #[track_caller]
    fn check_all(&mut self, text: &str, expected: &str) {
        self.check(&GraphRights::everything(), text, expected);
    }
}

fn run(session: &mut Session, text: &str) -> String {
    let all = session.run(text, Map::new(), &RunOptions::default()).and_then(|mut records| {
        let (mut lines, mut fetched) = (Vec::new(), Fetched::default());
        loop {
            fetched.clear();
            let more = records.pull(100, &mut fetched)?;
            let show = |row: &[types::Value]| row.iter().map(types::text::literal).collect::<Vec<_>>().join(" ");
            lines.extend(fetched.iter().map(show));
            if more == More::No {
                return Ok(lines.join("; "));
            }
        }
    });
    all.unwrap_or_else(|failure| format!("{:?}: {}", failure.code(), failure.message()))
}

fn builder() -> Builder {
    Builder::new("user 'ada' with roles [PUBLIC]")
        .grant(&Privilege::ExecuteProcedure("*".into()))
        .grant(&Privilege::ExecuteFunction("*".into()))
}

/// Reads all, but nothing that has the label `Secret` or the type `HIDES`, and no salary.
fn half_blind() -> GraphRights {
    builder()
        .grant(&Privilege::Match(Words::All, Elements::all()))
        .deny(&Privilege::Traverse(Elements::nodes(["Secret"])))
        .deny(&Privilege::Traverse(Elements::relationships(["HIDES"])))
        .deny(&Privilege::Read(Words::of(["salary"]), Elements::nodes(["Person"])))
        .build()
}

/// Reads people and whom they know, and nothing else.
fn people_only() -> GraphRights {
    builder()
        .grant(&Privilege::Match(Words::of(["name", "since"]), Elements::nodes(["Person"])))
        .grant(&Privilege::Match(Words::of(["name", "since"]), Elements::relationships(["KNOWS"])))
        .build()
}

fn reader() -> Builder {
    builder().grant(&Privilege::Match(Words::All, Elements::all()))
}

#[test]
fn f91_hidden_nodes_are_in_no_scan_and_no_count() {
    let mut world = World::new();
    let half = half_blind();
    world.check(&half, "MATCH (n) RETURN n.name ORDER BY n.name", "'Ada'; 'Bob'; 'Egg'");
    world.check(&half, "MATCH (n:Person) RETURN n.name ORDER BY n.name", "'Ada'; 'Bob'");
    world.check(&half, "MATCH (n:Secret) RETURN n", "");
    world.check(&half, "MATCH (n) RETURN count(n)", "3");
    world.check(&half, "MATCH (n:Person) RETURN count(*)", "2");
    world.check(&half, "MATCH (n:Secret) RETURN count(n)", "0");
    world.check(&half, "MATCH (n) WHERE n:Secret OR n:Thing RETURN count(n)", "1");
    world.check(&half, "MATCH (n) RETURN n.name ORDER BY id(n) LIMIT 3", "'Ada'; 'Bob'; 'Egg'");
    world.check(&half, "UNWIND range(0, 9) AS i MATCH (n) WHERE id(n) = i RETURN count(n)", "3");
    world.check(&half, "RETURN COUNT { MATCH (n:Person) } AS c, EXISTS { MATCH (n:Secret) } AS e", "2 false");
    let people = people_only();
    world.check(&people, "MATCH (n) RETURN n.name ORDER BY n.name", "'Ada'; 'Bob'; 'Cy'");
    world.check(&people, "MATCH (n) RETURN count(n)", "3");
    world.check(&people, "MATCH (n:Secret) RETURN n.name", "'Cy'");
    world.check(&people, "MATCH (n:Thing) RETURN count(n)", "0");
    world.check(&GraphRights::nothing(), "MATCH (n) RETURN count(n)", "0");
    world.check(&GraphRights::nothing(), "MATCH (n)-[r]-(m) RETURN n, r, m", "");
    world.check_all("MATCH (n) RETURN count(n)", "5");
}

#[test]
fn f91_hidden_relationships_are_not_followed_and_not_counted() {
    let mut world = World::new();
    let half = half_blind();
    world.check(&half, "MATCH ()-[r]->() RETURN type(r) ORDER BY type(r)", "'KNOWS'; 'OWNS'");
    world.check(&half, "MATCH ()-[r]->() RETURN count(r)", "2");
    world.check(&half, "MATCH ()-[r:KNOWS]->() RETURN count(r)", "1");
    world.check(&half, "MATCH ()-[r:HIDES]->() RETURN count(r)", "0");
    world.check(&half, "MATCH (n {name: 'Bob'})--(m) RETURN m.name", "'Ada'");
    world.check(
        &half,
        "MATCH (n {name: 'Ada'}) RETURN COUNT { (n)--() } AS all, COUNT { (n)-[:HIDES]->() } AS h",
        "2 0",
    );
    world.check(&half, "MATCH (n {name: 'Bob'}) RETURN COUNT { (n)-[:KNOWS]->(:Person) } AS c", "0");
    world.check(&half, "MATCH (n {name: 'Ada'})-[*1..3]-(m) RETURN DISTINCT m.name ORDER BY m.name", "'Bob'; 'Egg'");
    let shortest = "MATCH (a {name: 'Ada'}), (b {name: 'Bob'}) RETURN length(shortestPath((a)-[:HIDES*]-(b)))";
    world.check(&half, shortest, "null");
    world.check(&half, "MATCH p = (:Person)-[:HIDES|KNOWS]->(:Person) RETURN length(p)", "1");
    world.check(&half, "UNWIND range(0, 9) AS i MATCH ()-[r]->() WHERE id(r) = i RETURN count(r)", "2");
    world.check_all("MATCH ()-[r]->() RETURN count(r)", "5");
    let people = people_only();
    world.check(
        &people,
        "MATCH (n)-[r]->(m) RETURN n.name, type(r), m.name ORDER BY r.since",
        "'Ada' 'KNOWS' 'Bob'; 'Bob' 'KNOWS' 'Cy'",
    );
    world.check(&people, "MATCH ()-[r]->() RETURN count(r)", "2");
}

#[test]
fn f91_hidden_properties_are_null_and_in_no_index() {
    let mut world = World::new();
    let half = half_blind();
    world.check(&half, "MATCH (n:Person {name: 'Ada'}) RETURN n.salary, n.badge", "null 1");
    world.check(
        &half,
        "MATCH (n:Person {name: 'Ada'}) RETURN keys(n), n.salary IS NULL",
        "['name', 'at', 'badge'] true",
    );
    world.check(
        &half,
        "MATCH (n:Person {name: 'Ada'}) RETURN properties(n).salary, n['salary'], n {.*}.salary",
        "null null null",
    );
    world.check(&half, "MATCH (n:Person) WHERE n.salary = '10' RETURN n.name", "");
    world.check(&half, "MATCH (n:Person) WHERE n.salary > '0' RETURN count(n)", "0");
    world.check(&half, "MATCH (n:Person) USING INDEX n:Person(salary) WHERE n.salary > '0' RETURN n.name", "");
    world.check(&half, "MATCH (n:Person) WHERE n.name = 'Ada' AND n.salary = '10' RETURN n.name", "");
    world.check(&half, "MATCH (n:Person) WHERE n.name = 'Cy' RETURN n.name", "");
    world.check(&half, "MATCH (n:Person) WHERE n.name CONTAINS 'd' RETURN n.name", "'Ada'");
    world.check(&half, "MATCH (n:Person) WHERE n.badge = 3 RETURN n.name", "");
    world.check(&half, "MATCH (n:Person) RETURN n.salary ORDER BY n.salary", "null; null");
    world.check(&half, "MATCH (n:Person) RETURN max(n.salary), count(n.salary), collect(n.salary)", "null 0 []");
    world.check(&half, "MATCH ()-[r:KNOWS]->() WHERE r.since > 0 RETURN r.since", "1");
    world.check(&half, "MATCH ()-[r:KNOWS]->() WHERE r.since = 2 RETURN r.since", "");
    let no_since = reader().deny(&Privilege::Read(Words::of(["since"]), Elements::relationships(["KNOWS"]))).build();
    world.check(&no_since, "MATCH ()-[r:KNOWS]->() WHERE r.since > 0 RETURN r.since", "");
    world.check(
        &no_since,
        "MATCH ()-[r:HIDES|KNOWS]->() RETURN r.since, keys(r) ORDER BY r.since",
        "3 ['since']; null []; null []; null []",
    );
    world.check_all("MATCH (n:Person) WHERE n.salary = '10' RETURN n.name", "'Ada'");
}

#[test]
fn f91_words_and_vectors_find_what_is_seen() {
    let mut world = World::new();
    let words = "CALL db.index.fulltext.queryNodes('words', 'Ada OR Bob OR Cy OR Di') YIELD node RETURN node.name";
    let no_secret = reader().deny(&Privilege::Traverse(Elements::nodes(["Secret"]))).build();
    world.check(&no_secret, &format!("{words} ORDER BY node.name"), "'Ada'; 'Bob'");
    // Who finds nothing in an index, whatever he looks for, hears what he hears of one that is not there.
    let missing = |text: &str, name: &str| {
        let kind = if text.contains("fulltext") { "fulltext" } else { "vector" };
        format!(
            "ProcedureCallFailed: Failed to invoke procedure `db.index.{kind}.queryNodes`: Caused by: \
             java.lang.IllegalArgumentException: There is no such {kind} schema index: {name}"
        )
    };
    for blind in [half_blind(), people_only()] {
        world.check(&blind, words, &missing(words, "words"));
        world.check(&blind, &words.replace("'words'", "'gone'"), &missing(words, "gone"));
        world.check(&blind, &words.replace("Ada OR", "Ada OR ("), &missing(words, "words"));
    }
    world.check(&no_secret, &words.replace("Ada OR Bob OR Cy OR Di", "nobody"), "");
    let limited =
        "CALL db.index.fulltext.queryNodes('words', 'Ada OR Cy OR Di OR Bob', {limit: 2}) YIELD node RETURN count(*)";
    world.check(&no_secret, limited, "2");
    let near = "CALL db.index.vector.queryNodes('near', 2, [0.1, 0.1]) YIELD node RETURN node.name";
    world.check(&no_secret, near, "'Ada'; 'Bob'");
    world.check_all(near, "'Cy'; 'Ada'");
    let no_at = reader().deny(&Privilege::Read(Words::of(["at"]), Elements::nodes(["Person"]))).build();
    world.check(&no_at, near, &missing(near, "near"));
    let lists = reader()
        .deny(&Privilege::Read(Words::of(["at"]), Elements::nodes(["Person"])))
        .grant(&Privilege::Schema(SchemaRight::ShowIndex))
        .build();
    world.check(&lists, near, "");
}

#[test]
fn f91_names_and_schema_are_those_of_what_is_seen() {
    let mut world = World::new();
    let half = half_blind();
    world.check(&half, "CALL db.labels()", "'Person'; 'Thing'");
    world.check(&half, "CALL db.relationshipTypes()", "'KNOWS'; 'OWNS'");
    world.check(&people_only(), "CALL db.labels()", "'Person'");
    world.check(&people_only(), "CALL db.propertyKeys()", "'name'; 'since'");
    let forbidden = |what: &str| {
        format!("Forbidden: {what} on database 'sheaf' is not allowed for user 'ada' with roles [PUBLIC].")
    };
    world.check(&half, "SHOW INDEXES YIELD name RETURN count(*)", &forbidden("Show indexes"));
    world.check(&half, "SHOW CONSTRAINTS", &forbidden("Show constraints"));
    world.check(&half, "EXPLAIN SHOW CONSTRAINTS", &forbidden("Show constraints"));
    world.check(&half, "CALL apoc.schema.nodes() YIELD name RETURN count(*)", "0");
    world.check(&half, "CALL apoc.meta.stats() YIELD nodeCount, relCount RETURN nodeCount, relCount", "3 2");
    world.check(&half, "CALL db.schema.visualization() YIELD nodes RETURN size(nodes)", "2");
    world.check(&half, "CALL apoc.schema.properties.distinct('Person', 'salary')", "[]");
    world.check(&half, "CALL db.schema.nodeTypeProperties() YIELD propertyName WITH propertyName WHERE propertyName IN ['salary', 'code'] RETURN count(*)", "0");
    world.check(&builder().build(), "CALL db.labels()", "");
    for name in ["near", "gone"] {
        let await_it = format!("CALL db.awaitIndex('{name}')");
        world.check(&half, &await_it, &format!("IndexNotFound: There is no such index '{name}'."));
    }
    world.check_all("CALL db.awaitIndex('near')", "");
    world.check_all("CALL db.awaitIndex('gone')", "IndexNotFound: There is no such index 'gone'.");
    // A key is named where it is seen: `code` is a hidden node's, `salary` is read of none of these.
    world.check(&half, "CALL db.propertyKeys()", "'name'; 'since'; 'at'; 'badge'");
    let shows = reader().grant(&Privilege::Schema(SchemaRight::ShowIndex)).build();
    world.check(&shows, "SHOW INDEXES YIELD name WHERE name = 'near' RETURN name", "'near'");
}

#[test]
fn f91_plans_tell_nothing_of_what_is_hidden() {
    let mut world = World::new();
    let half = half_blind();
    for _ in 0..2 {
        let explained = plan_of(&mut world.session, &half, "PROFILE MATCH (n:Person) RETURN n.name AS x");
        let all =
            plan_of(&mut world.session, &GraphRights::everything(), "PROFILE MATCH (n:Person) RETURN n.name AS x");
        assert_ne!(explained, all);
        assert!(all.contains("rows: 3"), "{all}");
        assert!(!explained.contains("rows: 3") && explained.contains("rows: 2"), "{explained}");
    }
    let few = plan_of(&mut world.session, &half, "EXPLAIN MATCH (n:Secret) RETURN n");
    world.check_all("UNWIND range(1, 5000) AS i CREATE (:Secret)", "");
    let many = plan_of(&mut world.session, &half, "EXPLAIN MATCH (n:Secret) RETURN n");
    assert_eq!(few, many, "estimates must not tell how many there are");
}

fn plan_of(session: &mut Session, rights: &GraphRights, text: &str) -> String {
    RIGHTS.set(Some(Arc::new(rights.clone())));
    let mut records = session.run(text, Map::new(), &RunOptions::default()).expect("it may be read");
    let mut fetched = Fetched::default();
    while records.pull(100, &mut fetched).expect("it may be read") == More::Yes {}
    RIGHTS.set(None);
    let mut shown = String::new();
    let mut left: Vec<crate::Plan> = records.summary().plan.into_iter().collect();
    while let Some(plan) = left.pop() {
        let profile = plan.profile.map(|profile| (profile.rows, profile.db_hits));
        let estimate = plan.arguments.get("EstimatedRows").map(types::text::literal);
        shown += &format!(
            "{} {estimate:?} {}\n",
            plan.operator,
            profile.map_or(String::new(), |(rows, hits)| format!("rows: {rows} hits: {hits}"))
        );
        left.extend(plan.children);
    }
    shown
}

#[test]
fn f87_who_may_not_write_is_refused_whatever_the_statement_looks_like() {
    let mut world = World::new();
    let refused = "Forbidden: Write operations on database 'sheaf' are not allowed for user 'ada' with roles [PUBLIC].";
    for text in [
        "CREATE (n)",
        "/* MATCH */ CREATE (n:Person)",
        "// only a comment\nMERGE (n:Person {name: 'Ada'})",
        "EXPLAIN CREATE (n)",
        "PROFILE CREATE (n)",
        "MATCH (n) WHERE false SET n.x = 1",
        "MATCH (n) REMOVE n.name",
        "MATCH (n) DETACH DELETE n",
        "FOREACH (i IN [] | CREATE (:X))",
        "CALL { CREATE (n) } RETURN 1",
        "UNWIND [1] AS i CALL { WITH i CREATE (n) } IN TRANSACTIONS",
        "MATCH (n) CALL { WITH n SET n:X } RETURN 1",
        "CALL db.createLabel('X')",
        "CALL apoc.create.node(['X'], {})",
        "MATCH (n) WITH collect(n) AS all CALL apoc.refactor.mergeNodes(all) YIELD node RETURN node",
        "USE sheaf CREATE (n)",
        "CALL { USE sheaf CREATE (n) } RETURN 1",
    ] {
        world.check(&reader().build(), text, refused);
    }
    world.check_all("MATCH (n) RETURN count(n)", "5");
    world.check(
        &reader().build(),
        "DROP INDEX near",
        "Forbidden: Schema operations on database 'sheaf' are not allowed for user 'ada' with roles [PUBLIC].",
    );
    world.check(
        &reader().build(),
        "EXPLAIN CREATE INDEX FOR (n:X) ON (n.y)",
        "Forbidden: Schema operations on database 'sheaf' are not allowed for user 'ada' with roles [PUBLIC].",
    );
}

#[test]
fn f87_each_kind_of_write_is_a_right_of_its_own() {
    let mut world = World::new();
    let not = |what: &str| {
        format!("Forbidden: {what} on database 'sheaf' is not allowed for user 'ada' with roles [PUBLIC].")
    };
    let creator = reader()
        .grant(&Privilege::Create(Elements::nodes(["Thing"])))
        .grant(&Privilege::SetProperty(Words::of(["name"]), Elements::nodes(["Thing"])))
        .build();
    world.check(&creator, "CREATE (n:Thing {name: 'Fig'}) RETURN n.name", "'Fig'");
    world.check(&creator, "CREATE (n:Thing {code: 1})", &not("Set property for property 'code'"));
    world.check(&creator, "CREATE (n:Thing:Person)", &not("Create node with labels 'Thing,Person'"));
    world.check(&creator, "CREATE (n)", &not("Create node with labels ''"));
    world.check(&creator, "MATCH (n:Thing) SET n.name = 'Fog' RETURN count(n)", "2");
    world.check(&creator, "MATCH (n:Person) SET n.name = 'Fog'", &not("Set property for property 'name'"));
    world.check(&creator, "MATCH (n:Person) SET n += {name: 'Fog'}", &not("Set property for property 'name'"));
    world.check(&creator, "MATCH (n:Person) REMOVE n.name", &not("Set property for property 'name'"));
    world.check(&creator, "MATCH (n:Thing) SET n:Person", &not("Set label for label 'Person'"));
    world.check(&creator, "MATCH (n:Person) REMOVE n:Person", &not("Remove label for label 'Person'"));
    world.check(&creator, "MATCH (n:Thing) DETACH DELETE n", &not("Delete relationship with type 'OWNS'"));
    world.check(
        &creator,
        "MATCH (n:Thing {name: 'Fog'}) WHERE NOT (n)--() DELETE n",
        &not("Delete node with labels 'Thing'"),
    );
    world.check(
        &creator,
        "MATCH (a:Thing), (b:Person) CREATE (a)-[:KNOWS]->(b)",
        &not("Create relationship with type 'KNOWS'"),
    );
    world.check(&creator, "MATCH ()-[r:KNOWS]->() SET r.since = 9", &not("Set property for property 'since'"));
    world.check(&creator, "MATCH ()-[r:KNOWS]->() DELETE r", &not("Delete relationship with type 'KNOWS'"));
    let new = |what: &str, privilege: &str| {
        format!(
            "Forbidden: Creating new {what} on database 'sheaf' is not allowed for user 'ada' with roles [PUBLIC]. \
             See GRANT {privilege} ON DATABASE..."
        )
    };
    let writer = reader().grant(&Privilege::Write).build();
    world.check(&writer, "CREATE (n:Fresh)", &new("node label", "CREATE NEW NODE LABEL"));
    world.check(&writer, "CREATE (n:Thing {fresh: 1})", &new("property name", "CREATE NEW PROPERTY NAME"));
    world.check(
        &writer,
        "CREATE (:Thing)-[:FRESH]->(:Thing)",
        &new("relationship type", "CREATE NEW RELATIONSHIP TYPE"),
    );
    world.check(&writer, "CALL db.createLabel('Fresh')", &new("node label", "CREATE NEW NODE LABEL"));
    world.check(&writer, "CREATE (n:Thing {name: 'Gum'}) SET n.code = 1 RETURN n.code", "1");
    world.check_all("CALL db.labels() YIELD label WHERE label = 'Fresh' RETURN count(*)", "0");
}

#[test]
fn what_is_hidden_stands_in_the_way_of_deleting() {
    let mut world = World::new();
    let rights = half_blind();
    let deleter =
        builder().grant(&Privilege::AllGraph).deny(&Privilege::Traverse(Elements::relationships(["HIDES"]))).build();
    let _ = rights;
    RIGHTS.set(Some(Arc::new(deleter.clone())));
    let got = run(&mut world.session, "MATCH (n {name: 'Ada'}) DETACH DELETE n");
    RIGHTS.set(None);
    assert!(got.starts_with("ConstraintValidationFailed: Cannot delete node<"), "{got}");
    world.check_all("MATCH (n {name: 'Ada'}) RETURN COUNT { (n)--() }", "3");
}

#[test]
fn a_violated_constraint_shows_nothing_of_what_is_hidden() {
    let mut world = World::new();
    let rights = builder()
        .grant(&Privilege::AllGraph)
        .grant(&Privilege::Schema(SchemaRight::CreateConstraint))
        .deny(&Privilege::Traverse(Elements::nodes(["Secret"])))
        .build();
    let blurred = "ConstraintValidationFailed: A constraint of this database would be violated. What stands against it \
                   is shown to those only who may read all of the database.";
    world.check(&rights, "CREATE (:Person {badge: 3})", blurred);
    world.check(&rights, "MATCH (n:Person {name: 'Ada'}) SET n.badge = 3", blurred);
    world.check_all("CREATE (:Secret {code: 'x'})", "");
    let created = "ConstraintCreationFailed: Unable to create the constraint: there is data that does not keep it. It is \
                   shown to those only who may read all of the database.";
    world.check(&rights, "CREATE CONSTRAINT codes FOR (n:Secret) REQUIRE n.code IS UNIQUE", created);
}

#[test]
fn f91_a_right_that_is_taken_bites_at_the_next_statement_of_a_transaction() {
    let mut world = World::new();
    world.session.begin(&RunOptions::default()).expect("none is open");
    world.check_all("MATCH (n:Secret) RETURN count(n)", "2");
    world.check(&half_blind(), "MATCH (n:Secret) RETURN count(n)", "0");
    world.check(&half_blind(), "MATCH (n) RETURN count(n)", "3");
    let refused = "Forbidden: Write operations on database 'sheaf' are not allowed for user 'ada' with roles [PUBLIC].";
    world.check(&half_blind(), "CREATE (n:Person)", refused);
    world.check_all("CREATE (n:Person)", "");
    world.check_all("MATCH (n) RETURN count(n)", "6");
    world.session.rollback().expect("it is open");
}

#[test]
fn names_that_rights_speak_of_may_come_later() {
    let mut world = World::new();
    let rights = builder()
        .grant(&Privilege::AllGraph)
        .grant(&Privilege::Schema(SchemaRight::NewLabel))
        .deny(&Privilege::Traverse(Elements::nodes(["Later"])))
        .build();
    world.check(&rights, "CREATE (n:Later {name: 'x'}) RETURN n.name, labels(n)", "null []");
    world.check(&rights, "MATCH (n:Later) RETURN n", "");
    let only = builder().grant(&Privilege::Match(Words::All, Elements::nodes(["New"]))).build();
    world.check(&only, "MATCH (n) RETURN n.name", "");
    world.check_all("CREATE (:New {name: 'y'})", "");
    world.check(&only, "MATCH (n) RETURN n.name", "'y'");
}

#[test]
fn procedures_and_functions_are_refused_each_time_they_run() {
    let mut world = World::new();
    let text = "CALL db.labels() YIELD label RETURN count(label)";
    world.check_all(text, "3");
    let rights = Builder::new("user 'ada' with roles [PUBLIC]")
        .grant(&Privilege::Match(Words::All, Elements::all()))
        .grant(&Privilege::ExecuteProcedure("db.*".into()))
        .deny(&Privilege::ExecuteProcedure("db.LABELS".into()))
        .build();
    let refused = "Forbidden: Executing procedure 'db.labels' permission has not been granted for user 'ada' with roles [PUBLIC].";
    world.check(&rights, text, refused);
    world.check(&rights, &format!("EXPLAIN {text}"), refused);
    world.check(&rights, "CALL { CALL db.labels() YIELD label RETURN label } RETURN 1", refused);
    world.check(&rights, "CALL db.relationshipTypes() YIELD relationshipType RETURN count(*)", "3");
    let function = "RETURN apoc.coll.toSet([1, 1])";
    world.check_all(function, "[1]");
    world.check(&rights, function, "Forbidden: Executing a user defined function 'apoc.coll.toSet' permission has not been granted for user 'ada' with roles [PUBLIC].");
    world.check(&rights, "RETURN point.distance(null, null)", "null");
    world.check(
        &rights,
        "LOAD CSV FROM 'file:///x.csv' AS l RETURN l",
        "Forbidden: Loading data is not allowed for user 'ada' with roles [PUBLIC].",
    );
    assert_eq!(Code::Forbidden.row().neo4j, "Neo.ClientError.Security.Forbidden");
}
