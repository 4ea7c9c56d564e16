//! Random statements: clauses of every kind, nested in each other, right and wrong ones.
//! Leaves who runs them and what may come to the tests.
//! Start reading at [`Maker::statement`].

use suite::faults::Seed;

const LABELS: &[&str] = &["Open", "Hidden", "Nowhere", "Open|Hidden", "Open&Hidden", "!Open", "%"];
const TYPES: &[&str] = &["OPENS", "HIDES", "NOTHING", "OPENS|HIDES"];
const KEYS: &[&str] = &["open", "hidden", "number", "at", "place", "nothing"];
const VALUES: &[&str] =
    &["1", "'o'", "null", "true", "-7.5", "[1, 2]", "'x' + 1", "date()", "point({x: 1, y: 1})", "1 / 0", "$missing"];
const READS: &[&str] = &[
    "MATCH (n{l}) RETURN n",
    "MATCH (n{l}) RETURN count(n) AS c",
    "MATCH (n{l}) WHERE n.{k} = {v} RETURN n.{k}, keys(n), labels(n)",
    "MATCH (n{l}) WHERE n.{k} > {v} RETURN properties(n) AS p ORDER BY p.{k} LIMIT 3",
    "MATCH (n{l}) WHERE n.{k} STARTS WITH 'h' OR n.{k} CONTAINS 'a' RETURN n.{k}",
    "MATCH (n:Open) USING INDEX n:Open(open) WHERE n.open > '' RETURN n.open",
    "MATCH (n{l}) WHERE n.{k} IS NOT NULL RETURN n.{k} AS x, count(*) AS c",
    "MATCH (a{l})-[r{t}]->(b) RETURN a, r, b",
    "MATCH (a)-[r{t}]-(b{l}) RETURN type(r), r.{k}, startNode(r), endNode(r)",
    "MATCH ()-[r{t}]->() RETURN count(r)",
    "MATCH ()-[r:HIDES]->() WHERE r.hidden > '' RETURN r.hidden",
    "MATCH p = (a:Open)-[{t}*1..2]-(b) RETURN p LIMIT 5",
    "MATCH p = shortestPath((a:Open)-[*..3]-(b:Hidden)) RETURN p LIMIT 3",
    "MATCH (a:Open) RETURN COUNT { (a)--() } AS d, EXISTS { (a)-[:HIDES]->() } AS e, [(a)-[r]-(b) | b.{k}] AS l",
    "MATCH (n) WHERE id(n) = 1 RETURN n, elementId(n)",
    "MATCH ()-[r]->() WHERE id(r) = 2 RETURN r",
    "MATCH (n:Open) WHERE point.distance(n.place, point({x: 1, y: 1})) < 3 RETURN n",
    "CALL db.labels()",
    "CALL db.relationshipTypes()",
    "CALL db.propertyKeys()",
    "CALL db.schema.visualization()",
    "CALL db.schema.nodeTypeProperties()",
    "CALL db.schema.relTypeProperties()",
    "CALL apoc.meta.stats()",
    "CALL apoc.meta.schema()",
    "CALL apoc.meta.data()",
    "CALL apoc.schema.nodes()",
    "CALL apoc.schema.properties.distinct('Hidden', '{k}')",
    "CALL db.index.fulltext.queryNodes('words', 'h OR o OR r') YIELD node, score RETURN node, score",
    "CALL db.index.vector.queryNodes('near', 5, [0.3, 0.5]) YIELD node, score RETURN node, score",
    "CALL db.info()",
    "CALL dbms.listConfig()",
    "CALL dbms.components()",
    "SHOW INDEXES",
    "SHOW CONSTRAINTS YIELD *",
    "SHOW DATABASES",
    "SHOW ALIASES",
    "SHOW TRANSACTIONS",
    "SHOW PROCEDURES YIELD name RETURN count(*)",
    "SHOW FUNCTIONS YIELD name RETURN count(*)",
    "SHOW CURRENT USER",
    "SHOW USERS",
    "SHOW PRIVILEGES",
    "SHOW USAGE",
    "SHOW LIMITS",
    "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line",
    "UNWIND [1, 2] AS x RETURN x.{k}",
    "RETURN {v} + {v} AS x",
    "RETURN nothing({v})",
    "MATCH (n{l} RETURN n",
];
const WRITES: &[&str] = &[
    "CREATE (n:Open {{k}: {v}})",
    "CREATE (:Open)-[:OPENS]->(:Hidden {number: 3})",
    "MERGE (n:Open {open: {v}})",
    "MERGE (n:Hidden {number: 1}) ON MATCH SET n.hidden = {v} ON CREATE SET n.open = 1",
    "MATCH (n{l}) SET n.{k} = {v}",
    "MATCH (n{l}) SET n += {{k}: {v}}",
    "MATCH (n{l}) SET n = {}",
    "MATCH (n{l}) SET n:Fresh",
    "MATCH (n{l}) REMOVE n.{k}",
    "MATCH (n{l}) REMOVE n:Open",
    "MATCH (n{l}) DETACH DELETE n",
    "MATCH (n{l}) DELETE n",
    "MATCH ()-[r{t}]->() DELETE r",
    "MATCH ()-[r{t}]->() SET r.{k} = {v}",
    "MATCH (n{l}) FOREACH (x IN [1] | SET n.{k} = x)",
    "FOREACH (x IN range(1, 3) | CREATE (:Open {open: x}))",
    "UNWIND [1, 2] AS x CALL { WITH x CREATE (:Open {open: x}) }",
    "UNWIND [1, 2] AS x CALL { WITH x CREATE (:Open {open: x}) } IN TRANSACTIONS OF 1 ROW",
    "CALL db.createLabel('Made')",
    "CALL db.createProperty('made')",
    "CALL db.createRelationshipType('MADE')",
    "CALL apoc.create.node(['Open'], {open: 1})",
    "CALL apoc.merge.node(['Open'], {open: 'm'}, {}, {})",
    "MATCH (n{l}) WITH n LIMIT 2 WITH collect(n) AS all CALL apoc.refactor.mergeNodes(all) YIELD node RETURN node",
    "MATCH (n:Open) CALL db.create.setNodeVectorProperty(n, 'at', [9.0, 9.0])",
    "CALL db.index.vector.createNodeIndex('made', 'Open', 'at2', 2, 'cosine')",
    "CREATE INDEX made FOR (n:Open) ON (n.made)",
    "DROP INDEX words IF EXISTS",
    "DROP INDEX near",
    "CREATE CONSTRAINT made FOR (n:Open) REQUIRE n.made IS UNIQUE",
    "DROP CONSTRAINT kanaria_one IF EXISTS",
];
const COMMANDS: &[&str] = &[
    "CREATE DATABASE made",
    "DROP DATABASE alpha",
    "STOP DATABASE alpha",
    "ALTER DATABASE alpha SET ACCESS READ ONLY",
    "CREATE ALIAS made FOR DATABASE beta",
    "DROP ALIAS al",
    "CREATE USER made SET PASSWORD 'made-password'",
    "GRANT ROLE admin TO reader",
    "GRANT WRITE ON GRAPH * TO reader_role",
    "REVOKE ROLE reader_role FROM reader",
    "ALTER DATABASE alpha SET LIMIT max_nodes = 1",
    "TERMINATE TRANSACTIONS 'alpha-transaction-1'",
];

/// Makes statements from a seed.
pub struct Maker {
    seed: Seed,
}

impl Maker {
    pub fn new(seed: Seed) -> Self {
        Self { seed }
    }

    /// Makes a statement that reads, writes, commands or is wrong; about a third of each of the first two.
    pub fn statement(&mut self, databases: &[&str]) -> String {
        let kind = self.seed.below(20);
        if kind == 0 {
            return self.pick(COMMANDS).to_owned();
        }
        let inner = if kind < 10 { self.read() } else { self.write() };
        self.wrapped(inner, databases)
    }

    /// Makes a statement that only reads, or is wrong.
    pub fn reading(&mut self, databases: &[&str]) -> String {
        let inner = self.read();
        self.wrapped(inner, databases)
    }

    fn read(&mut self) -> String {
        let text = self.pick(READS);
        self.filled(text)
    }

    fn write(&mut self) -> String {
        let text = self.pick(WRITES);
        self.filled(text)
    }

    fn filled(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (hole, words, colon) in
            [("{l}", LABELS, true), ("{t}", TYPES, true), ("{k}", KEYS, false), ("{v}", VALUES, false)]
        {
            while text.contains(hole) {
                let word = self.pick(words);
                let none = colon && self.seed.below(3) == 0;
                let word = if none {
                    String::new()
                } else if colon {
                    format!(":{word}")
                } else {
                    word.to_owned()
                };
                text = text.replacen(hole, &word, 1);
            }
        }
        text
    }

    fn wrapped(&mut self, inner: String, databases: &[&str]) -> String {
        let database = databases[self.below(databases.len())];
        let inner = match self.seed.below(9) {
            0 => inner,
            1 => format!("CALL {{ {inner} }} RETURN 1 AS one"),
            2 => format!("UNWIND [1, 2] AS i CALL {{ WITH i {inner} }} RETURN i"),
            3 => format!("CALL {{ USE {database} {inner} }} RETURN 1 AS one"),
            4 => format!("RETURN COLLECT {{ {inner} }} AS all"),
            5 => format!("{inner} UNION ALL {inner}"),
            6 => format!("MATCH (outer) CALL {{ {inner} }} RETURN outer LIMIT 1"),
            7 => with_database(&inner, database),
            _ => inner,
        };
        let inner = match self.seed.below(6) {
            0 => format!("GRAPH[{database}] {inner}"),
            1 => inner,
            _ => format!("USE {database} {inner}"),
        };
        match self.seed.below(8) {
            0 => format!("EXPLAIN {inner}"),
            1 => format!("PROFILE {inner}"),
            2 => format!("/* MATCH (n) RETURN n */ {inner}"),
            3 => format!("// RETURN 1\n{inner}"),
            _ => inner,
        }
    }

    fn pick(&mut self, all: &'static [&'static str]) -> &'static str {
        all[self.below(all.len())]
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.seed.below(end as u64)).expect("a place in a list")
    }
}

/// Writes the database into the first clause, where that is a `MATCH`.
fn with_database(text: &str, database: &str) -> String {
    let place =
        [" RETURN", " WHERE", " SET", " REMOVE", " DETACH", " DELETE"].iter().filter_map(|word| text.find(word)).min();
    match place {
        Some(at) if text.starts_with("MATCH") => format!("{} FROM DATABASE {database}{}", &text[..at], &text[at..]),
        _ => text.to_owned(),
    }
}
