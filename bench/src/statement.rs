//! A statement of 40 lines, for whoever measures how long it takes to be understood, and a graph with its names.

/// A statement as an application sends it: 40 lines, patterns, subqueries, groups and an order.
pub const STATEMENT: &str = "\
MATCH (me:Person {id: $me})
OPTIONAL MATCH (me)-[:LIVES_IN]->(home:City)
WITH me, home
MATCH (me)-[knows:KNOWS]-(friend:Person)
WHERE knows.since > 2010
  AND NOT (me)-[:BLOCKED]->(friend)
WITH me, home, friend, knows
ORDER BY knows.since DESC
LIMIT 100
MATCH (friend)-[:KNOWS]-(other:Person)
WHERE other <> me
  AND NOT EXISTS {
    MATCH (me)-[:KNOWS]-(other)
  }
  AND other.age >= 18
WITH me, home, other,
     count(DISTINCT friend) AS common,
     collect(friend.name)[..3] AS through
OPTIONAL MATCH (other)-[:LIKES]->(thing:Thing)<-[:LIKES]-(me)
WITH me, home, other, common, through,
     count(thing) AS shared,
     collect(thing.name) AS things
CALL (other) {
  MATCH (other)-[:WROTE]->(post:Post)
  WHERE post.at > datetime() - duration('P30D')
  RETURN count(post) AS posts,
         max(post.at) AS latest
}
WITH me, home, other, common, through, shared, things, posts, latest,
     CASE
       WHEN common > 10 THEN 3.0
       WHEN common > 3 THEN 2.0
       ELSE 1.0
     END * (1 + shared) + log(1 + posts) AS score
WHERE score > 1.5
RETURN other {.id, .name, .age} AS person,
       common, through, things, latest, score,
       [(other)-[:LIVES_IN]->(city:City) WHERE city = home | city.name] AS near
ORDER BY score DESC, person.name
LIMIT 25";

/// Makes a graph in which every name of the statement is known; nobody in it has the id 1.
pub const GRAPH: &str = "\
CREATE (a:Person {id: 0, name: 'Ann', age: 30})-[:LIVES_IN]->(:City {name: 'Delft'}),
       (a)-[:KNOWS {since: 2020}]->(:Person), (a)-[:BLOCKED]->(:Person),
       (a)-[:LIKES]->(:Thing {name: 'tea'}), (a)-[:WROTE]->(:Post {at: datetime()})";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use suite::process::now;
    use suite::system;
    use types::{Map, Value};

    use super::{GRAPH, STATEMENT};

    /// The shortest of many runs: other people's programs only make runs longer.
    fn least(mut run: impl FnMut(u64)) -> Duration {
        let times = (0..60).map(|number| {
            let before = now();
            run(number);
            now().duration_since(before)
        });
        times.min().expect("there were runs")
    }

    /// Ten times what is asked of a build for release, which `cargo bench -p bench --bench plans` measures.
    #[test]
    fn forty_lines_are_planned_within_milliseconds_and_once() {
        assert_eq!(STATEMENT.lines().count(), 40);
        let (_, open) = system::faces().remove(0);
        let system = open(system::Wanted { users: system::Users::Unknown, disk: false }).expect("memory has room");
        let mut session = system.session(None).expect("nobody needs a password");
        session.run(GRAPH, Map::new()).expect("it makes a graph");
        let mut time = |text: &dyn Fn(u64) -> String| {
            least(|number| {
                let parameters = [("me".into(), Value::Integer(1))].into_iter().collect();
                session.run(&text(number), parameters).expect("it runs");
            })
        };
        let new = time(&|number| format!("{STATEMENT} // {number}"));
        let kept = time(&|_| STATEMENT.to_owned());
        assert!(new < Duration::from_millis(10), "a new text took {new:?}");
        assert!(kept < Duration::from_millis(1), "a kept plan took {kept:?}");
        assert!(kept < new / 2, "a kept plan took {kept:?}, a new text {new:?}");
    }
}
