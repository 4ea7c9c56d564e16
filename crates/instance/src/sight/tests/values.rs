//! Statements of users to whom something is shown or hidden by the value of a property.

use catalog::graph_rights::{Asks, Builder, Elements, Privilege, SchemaRight, Segment, ValueTest, Words};
use types::Value;
use types::compare::Inequality;

use super::{World, builder, reader};

/// People, films and what they wrote, with a level each.
const MORE: &[&str] = &[
    "CREATE INDEX by_level FOR (n:Film) ON (n.level)",
    "CREATE INDEX by_title FOR (n:Film) ON (n.title)",
    "CREATE INDEX seen_at FOR ()-[r:SAW]-() ON (r.stars)",
    "CREATE TEXT INDEX title_text FOR (n:Film) ON (n.title)",
    "CREATE FULLTEXT INDEX titles FOR (n:Film) ON EACH [n.title]",
    "CREATE VECTOR INDEX around FOR (n:Film) ON (n.at) OPTIONS {indexConfig: \
     {`vector.dimensions`: 2, `vector.similarity_function`: 'euclidean'}}",
    "CREATE CONSTRAINT one_number FOR (n:Film) REQUIRE n.number IS UNIQUE",
    "CREATE (a:Film {title: 'Alien film', level: 1, number: 1, at: [0.0, 0.0]}), \
     (b:Film {title: 'Brazil film', level: 3, number: 2, at: [0.1, 0.1]}), \
     (c:Film {title: 'Cube film', level: 5, number: 3, at: [0.2, 0.2]}), \
     (d:Film:Draft {title: 'Dune film', number: 4, at: [0.3, 0.3]}), (v:Viewer {title: 'Vi', level: 9}), \
     (v)-[:SAW {stars: 1, open: true}]->(a), (v)-[:SAW {stars: 2, open: false}]->(a), \
     (v)-[:SAW {stars: 3, open: true}]->(c), (v)-[:SAW {stars: 4}]->(d)",
    "CALL db.awaitIndexes()",
];

fn world() -> World {
    let mut world = World::new();
    MORE.iter().for_each(|text| drop(super::run(&mut world.session, text)));
    world
}

fn at_most(level: i64) -> ValueTest {
    ValueTest::new("level", false, Asks::Compare(Inequality::LessOrEqual, Value::Integer(level)))
}

/// Finds films up to level 3, all other nodes and all relationships.
fn low() -> Builder {
    let others = Elements::nodes(["Viewer", "Person", "Thing", "Secret"]);
    let relationships = Elements { segment: Segment::Relationships, ..Elements::all() };
    builder()
        .grant(&Privilege::Match(Words::All, Elements::nodes(["Film"]).that(at_most(3))))
        .grant(&Privilege::Match(Words::All, others))
        .grant(&Privilege::Match(Words::All, relationships))
}

#[test]
fn f91_nodes_are_found_by_their_values_in_every_way() {
    let mut world = world();
    let low = low().build();
    assert!(!low.sees_everything());
    world.check(&low, "MATCH (n:Film) RETURN n.title ORDER BY n.title", "'Alien film'; 'Brazil film'");
    world.check(&low, "MATCH (n:Film) RETURN count(*)", "2");
    world.check(&low, "MATCH (n) WHERE n:Film RETURN count(n)", "2");
    world.check(&low, "RETURN COUNT { MATCH (n:Film) } AS c", "2");
    world.check(&low, "MATCH (n) RETURN count(n)", "8");
    world.check(&low, "MATCH (n:Film) WHERE n.level > 0 RETURN n.level ORDER BY n.level", "1; 3");
    world.check(&low, "MATCH (n:Film) WHERE n.level = 5 RETURN n", "");
    world.check(&low, "MATCH (n:Film) USING INDEX n:Film(title) WHERE n.title > 'C' RETURN n", "");
    world.check(&low, "MATCH (n:Film) WHERE n.title CONTAINS 'film' RETURN count(n)", "2");
    world.check(&low, "MATCH (n:Film) WHERE n.number IN [1, 3, 4] RETURN n.number", "1");
    world.check(&low, "MATCH (n:Draft) RETURN count(n)", "0");
    world.check(&low, "MATCH (n:Film) RETURN DISTINCT n.level ORDER BY n.level", "1; 3");
    world.check(&low, "MATCH (n:Film) RETURN max(n.level), sum(n.number)", "3 3");
    world.check(&low, "UNWIND range(0, 40) AS i MATCH (n:Film) WHERE id(n) = i RETURN count(n)", "2");
    world.check_all("MATCH (n:Film) RETURN count(*)", "4");
}

#[test]
fn f91_ends_that_are_hidden_by_value_hide_relationships_counts_and_paths() {
    let mut world = world();
    let low = low().build();
    world.check(
        &low,
        "MATCH (:Viewer)-[r:SAW]->(m) RETURN r.stars, m.title ORDER BY r.stars",
        "1 'Alien film'; 2 'Alien film'",
    );
    world.check(&low, "MATCH ()-[r:SAW]->() RETURN count(r)", "2");
    world.check(&low, "MATCH (v:Viewer) RETURN COUNT { (v)-[:SAW]->() } AS n, COUNT { (v)-->(:Film) } AS m", "2 2");
    world.check(&low, "MATCH (v:Viewer)-[*1..2]->(m) RETURN DISTINCT m.title", "'Alien film'");
    world.check(&low, "MATCH ()-[r:SAW]->() WHERE r.stars > 2 RETURN r", "");
    world.check(&low, "CALL apoc.meta.stats() YIELD labels RETURN labels.Film", "2");
    world.check_all("MATCH ()-[r:SAW]->() RETURN count(r)", "4");
}

#[test]
fn f91_words_and_vectors_are_found_by_value() {
    let mut world = world();
    let low = low().build();
    let words = "CALL db.index.fulltext.queryNodes('titles', 'film') YIELD node RETURN node.title ORDER BY node.title";
    world.check(&low, words, "'Alien film'; 'Brazil film'");
    let near = "CALL db.index.vector.queryNodes('around', 2, [0.3, 0.3]) YIELD node RETURN node.title";
    world.check(&low, near, "'Brazil film'; 'Alien film'");
    world.check_all(near, "'Dune film'; 'Cube film'");
}

#[test]
fn f91_a_denial_by_value_wins_and_does_not_speak_of_what_has_no_value() {
    let mut world = world();
    let above = ValueTest::new("level", true, Asks::Compare(Inequality::LessOrEqual, Value::Integer(3)));
    let denied = reader().deny(&Privilege::Match(Words::All, Elements::nodes(["Film"]).that(above))).build();
    let titles = "MATCH (n:Film) RETURN n.title ORDER BY n.title";
    world.check(&denied, titles, "'Alien film'; 'Brazil film'; 'Dune film'");
    world.check(&denied, "MATCH (n:Film) RETURN count(*)", "3");
    world.check(&denied, "MATCH (n:Viewer) RETURN count(*)", "1");
    let missing = ValueTest::new("level", false, Asks::IsNull);
    let none = Elements { segment: Segment::Nodes, ..Elements::all() }.that(missing);
    let denied = reader().deny(&Privilege::Traverse(none)).build();
    world.check(&denied, titles, "'Alien film'; 'Brazil film'; 'Cube film'");
    world.check(&denied, "MATCH (n) RETURN count(n)", "4");
    world.check(&denied, "MATCH ()-[r:KNOWS]->() RETURN count(r)", "0");
}

#[test]
fn f91_relationships_are_found_and_read_by_their_values() {
    let mut world = world();
    let open = || ValueTest::new("open", false, Asks::Equal(true.into()));
    let nodes = Elements { segment: Segment::Nodes, ..Elements::all() };
    let granted = builder()
        .grant(&Privilege::Match(Words::All, nodes.clone()))
        .grant(&Privilege::Match(Words::All, Elements::relationships(["SAW"]).that(open())))
        .build();
    world.check(&granted, "MATCH ()-[r:SAW]->() RETURN r.stars ORDER BY r.stars", "1; 3");
    world.check(&granted, "MATCH ()-[r:SAW]->() RETURN count(r)", "2");
    world.check(&granted, "MATCH ()-[r]->() RETURN count(r)", "2");
    world.check(&granted, "MATCH ()-[r:SAW]->() WHERE r.stars > 1 RETURN r.stars", "3");
    world.check(&granted, "MATCH (v:Viewer) RETURN COUNT { (v)-[:SAW]->() } AS n", "2");
    world.check(&granted, "MATCH (v:Viewer)-[r:SAW]->(f {number: 1}) RETURN count(r)", "1");
    world.check(&granted, "UNWIND range(0, 40) AS i MATCH ()-[r:SAW]->() WHERE id(r) = i RETURN count(r)", "2");
    world.check(&granted, "CALL db.relationshipTypes()", "'SAW'");
    let closed =
        reader().deny(&Privilege::Read(Words::of(["stars"]), Elements::relationships(["SAW"]).that(open()))).build();
    let stars = "MATCH ()-[r:SAW]->() RETURN r.stars, r['stars'], properties(r).stars, keys(r) ORDER BY r.stars";
    world.check(
        &closed,
        stars,
        "2 2 2 ['stars', 'open']; 4 4 4 ['stars']; null null null ['open']; null null null ['open']",
    );
    world.check(&closed, "MATCH ()-[r:SAW]->() WHERE r.stars > 0 RETURN count(r)", "2");
}

#[test]
fn f91_properties_are_read_by_the_value_of_another_one() {
    let mut world = world();
    let denied =
        reader().deny(&Privilege::Read(Words::of(["title"]), Elements::nodes(["Film"]).that(at_most(1)))).build();
    world.check(
        &denied,
        "MATCH (n:Film) RETURN n.title, n.level ORDER BY n.number",
        "null 1; 'Brazil film' 3; 'Cube film' 5; 'Dune film' null",
    );
    world.check(&denied, "MATCH (n:Film) WHERE n.title IS NOT NULL RETURN count(n)", "3");
    world.check(&denied, "MATCH (n:Film {title: 'Alien film'}) RETURN n", "");
    world.check(
        &denied,
        "MATCH (n:Film {number: 1}) RETURN keys(n), n {.*}.title, properties(n).title",
        "['at', 'level', 'number'] null null",
    );
    let words = "CALL db.index.fulltext.queryNodes('titles', 'film') YIELD node RETURN count(node)";
    world.check(&denied, words, "3");
    // The property that is tested need not be read itself.
    let granted = builder()
        .grant(&Privilege::Traverse(Elements::all()))
        .grant(&Privilege::Read(Words::of(["title"]), Elements::nodes(["Film"]).that(at_most(1))))
        .build();
    world.check(
        &granted,
        "MATCH (n:Film) RETURN n.title, n.level ORDER BY n.title",
        "'Alien film' null; null null; null null; null null",
    );
    world.check(&granted, "CALL db.propertyKeys()", "'title'");
}

#[test]
fn f91_what_is_written_is_found_by_its_new_value() {
    let mut world = world();
    let rights = low().grant(&Privilege::Write).grant(&Privilege::Schema(SchemaRight::NewKey)).build();
    world.check(&rights, "CREATE (n:Film {title: 'Own', level: 7}) RETURN n.title, labels(n)", "null []");
    world.check(&rights, "CREATE (n:Film {title: 'Open', level: 2}) RETURN n.title", "'Open'");
    world.check(&rights, "MATCH (n:Film {title: 'Open'}) SET n.level = 8 RETURN n.title", "null");
    world.check(&rights, "MATCH (n:Film) RETURN count(n)", "2");
    // What is hidden is not matched, so that it is neither changed nor merged with.
    world.check(&rights, "MATCH (n:Film) WHERE n.title = 'Cube film' SET n.level = 1 RETURN count(n)", "0");
    let violated = "ConstraintValidationFailed: A constraint of this database would be violated. What stands against it \
                    is shown to those only who may read all of the database.";
    world.check(&rights, "MERGE (n:Film {number: 3}) RETURN n", violated);
    world.check(&rights, "MERGE (n:Film {number: 2}) RETURN n.title", "'Brazil film'");
    world.check(&rights, "MERGE (n:Film {number: 2, title: 'x'}) RETURN n.title", violated);
    world.check_all("MATCH (n:Film) RETURN count(n)", "6");
    // In one transaction too: what it wrote itself counts.
    world.session.begin(&crate::RunOptions::default()).expect("none is open");
    world.check(&rights, "MATCH (n:Film {number: 1}) SET n.level = 9", "");
    world.check(&rights, "MATCH (n:Film) RETURN count(n)", "1");
    world.session.rollback().expect("it is open");
    world.check(&rights, "MATCH (n:Film) RETURN count(n)", "2");
}

#[test]
fn f91_plans_tell_nothing_of_what_is_hidden_by_value() {
    let mut world = world();
    let low = low().build();
    let text = "EXPLAIN MATCH (n:Film) WHERE n.level > 3 RETURN n";
    let few = super::plan_of(&mut world.session, &low, text);
    world.check_all("UNWIND range(1, 3000) AS i CREATE (:Film {level: 4})", "");
    assert_eq!(few, super::plan_of(&mut world.session, &low, text), "estimates must not tell how many there are");
    let profile = super::plan_of(&mut world.session, &low, "PROFILE MATCH (n:Film) RETURN n.title AS x");
    assert!(profile.contains("rows: 2") && !profile.contains("rows: 3"), "{profile}");
}
