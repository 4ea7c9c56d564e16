//! A server with two tenants, a stranger to both, and users with different rights; and all that a database holds as text.
//! Leaves what is tried to the tests.
//! Start reading at [`World::new`].

use std::path::Path;
use std::sync::Arc;

use catalog::Authentication;
use instance::{Instance, InstanceOptions};
use suite::door::direct::Direct;
use suite::door::{Answer, Problem, Session, System};
use tempfile::TempDir;
use types::{Map, Value};

/// The databases of the two tenants; every value, name and index of each holds its canary.
pub const TENANTS: [(&str, &str); 2] = [("alpha", "kanaria"), ("beta", "kanarib")];

/// The users, and what each may do: a line for each statement that says so.
pub const USERS: &[(&str, &[&str])] = &[
    ("nobody", &[]),
    ("reader", &["GRANT ACCESS ON DATABASE alpha TO reader_role", "GRANT MATCH {*} ON GRAPH alpha TO reader_role"]),
    (
        "writer",
        &[
            "GRANT ACCESS ON DATABASE alpha TO writer_role",
            "GRANT MATCH {*} ON GRAPH alpha TO writer_role",
            "GRANT WRITE ON GRAPH alpha TO writer_role",
            "GRANT NAME MANAGEMENT ON DATABASE alpha TO writer_role",
        ],
    ),
    (
        "partial",
        &[
            "GRANT ACCESS ON DATABASE alpha TO partial_role",
            "GRANT MATCH {open} ON GRAPH alpha NODES Open TO partial_role",
            "GRANT MATCH {open} ON GRAPH alpha RELATIONSHIPS OPENS TO partial_role",
        ],
    ),
    (
        "valued",
        &[
            "GRANT ACCESS ON DATABASE alpha TO valued_role",
            "GRANT MATCH {*} ON GRAPH alpha FOR (n) WHERE n.hidden IS NULL TO valued_role",
            "GRANT MATCH {*} ON GRAPH alpha FOR ()-[r]-() WHERE r.hidden IS NULL TO valued_role",
        ],
    ),
    (
        "unvalued",
        &[
            "GRANT ACCESS ON DATABASE alpha TO unvalued_role",
            "GRANT MATCH {*} ON GRAPH alpha TO unvalued_role",
            "GRANT WRITE ON GRAPH alpha TO unvalued_role",
            "DENY TRAVERSE ON GRAPH alpha FOR (n:Hidden) WHERE n.number IN [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] TO unvalued_role",
            "DENY TRAVERSE ON GRAPH alpha FOR (n) WHERE n.number > 10 TO unvalued_role",
        ],
    ),
    ("aliased", &["GRANT ACCESS ON ALIAS al TO aliased_role", "GRANT MATCH {*} ON ALIAS al TO aliased_role"]),
    ("blind", &["GRANT ACCESS ON DATABASE alpha TO blind_role", "GRANT WRITE ON GRAPH alpha TO blind_role"]),
    (
        "denied",
        &[
            "GRANT ACCESS ON DATABASE * TO denied_role",
            "GRANT MATCH {*} ON GRAPH * TO denied_role",
            "GRANT WRITE ON GRAPH * TO denied_role",
            "DENY ACCESS ON DATABASE beta TO denied_role",
            "DENY WRITE ON GRAPH alpha TO denied_role",
        ],
    ),
];

/// An instance on disk with passwords.
pub struct World {
    pub instance: Arc<Instance>,
    pub folder: TempDir,
}

impl World {
    /// Makes the tenants and the users.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a test");
        let instance = Arc::new(open(folder.path()));
        let made = Self { instance, folder };
        let mut admin = made.session("admin");
        for (database, canary) in TENANTS {
            run(&mut *admin, &format!("CREATE DATABASE {database} WAIT")).expect("there is room");
            let short = &database[..2];
            run(&mut *admin, &format!("CREATE ALIAS {short} FOR DATABASE {database}")).expect("the name is free");
            for text in seed(canary) {
                let text = format!("USE {database} {text}");
                run(&mut *admin, &text).unwrap_or_else(|problem| panic!("{text}: {}", problem.message));
            }
        }
        for (user, grants) in USERS {
            let mut make = vec![
                format!("CREATE USER {user} SET PASSWORD '{user}-password' CHANGE NOT REQUIRED"),
                format!("CREATE ROLE {user}_role"),
                format!("GRANT ROLE {user}_role TO {user}"),
            ];
            make.extend(grants.iter().map(ToString::to_string));
            for text in make {
                run(&mut *admin, &text).unwrap_or_else(|problem| panic!("{text}: {}", problem.message));
            }
        }
        made
    }

    /// Opens a session in process.
    pub fn session(&self, user: &str) -> Box<dyn Session> {
        Direct::new(Arc::clone(&self.instance) as _).session(Some(user)).expect("the user is known")
    }

    /// Writes down everything that a database holds, its schema included.
    pub fn content(&self, admin: &mut dyn Session, database: &str) -> String {
        let all = [
            "MATCH (n) RETURN id(n), labels(n), properties(n) ORDER BY id(n)",
            "MATCH (a)-[r]->(b) RETURN id(r), type(r), properties(r), id(a), id(b) ORDER BY id(r)",
            "CALL db.labels()",
            "CALL db.relationshipTypes()",
            "CALL db.propertyKeys()",
            "SHOW INDEXES YIELD name, type, labelsOrTypes, properties",
            "SHOW CONSTRAINTS YIELD name, type, labelsOrTypes, properties",
        ];
        let mut out = String::new();
        for text in all {
            let answer = run(admin, &format!("USE {database} {text}")).expect("the admin may read");
            for record in answer.records {
                out += &record.iter().map(types::text::literal).collect::<Vec<_>>().join(" ");
                out.push('\n');
            }
        }
        out
    }
}

/// Opens the instance in a folder.
pub fn open(folder: &Path) -> Instance {
    let authentication = Authentication::Password { first: Some("admin-password".to_owned()) };
    let options = InstanceOptions { authentication, ..InstanceOptions::new(folder) };
    Instance::open(options).expect("the folder is the test's own")
}

/// What each tenant's database holds: open things and hidden ones, each kind of index, and numbers to count.
pub fn seed(canary: &str) -> Vec<String> {
    let vector = "OPTIONS {indexConfig: {`vector.dimensions`: 2, `vector.similarity_function`: 'euclidean'}}";
    vec![
        format!("CREATE INDEX {canary}_range FOR (n:Open) ON (n.open)"),
        format!("CREATE TEXT INDEX {canary}_text FOR (n:Open) ON (n.open)"),
        format!("CREATE INDEX {canary}_hidden FOR (n:Hidden) ON (n.hidden)"),
        format!("CREATE INDEX {canary}_rel FOR ()-[r:HIDES]-() ON (r.hidden)"),
        format!("CREATE POINT INDEX {canary}_point FOR (n:Open) ON (n.place)"),
        format!("CREATE FULLTEXT INDEX words FOR (n:Open|Hidden) ON EACH [n.open, n.hidden]"),
        format!("CREATE VECTOR INDEX near FOR (n:Open) ON (n.at) {vector}"),
        format!("CREATE CONSTRAINT {canary}_one FOR (n:Hidden) REQUIRE n.number IS UNIQUE"),
        format!(
            "UNWIND range(1, 20) AS i CREATE (o:Open {{open: 'o-{canary}', at: [i * 0.1, 0.5], place: point({{x: i, y: i}})}}) \
             CREATE (h:Hidden:{canary}_label {{hidden: 'h-{canary}', {canary}_key: '{canary}', number: i, open: 'h-{canary}'}}) \
             CREATE (o)-[:OPENS {{open: '{canary}'}}]->(o) CREATE (o)-[:HIDES {{hidden: 'r-{canary}'}}]->(h) \
             CREATE (h)-[:{canary}_type {{hidden: 'r-{canary}'}}]->(o)"
        ),
        "CALL db.awaitIndexes()".to_owned(),
    ]
}

/// Runs a statement without parameters.
pub fn run(session: &mut dyn Session, text: &str) -> Result<Answer, Problem> {
    session.run(text, Map::new())
}

/// Everything that a client received, as one text.
pub fn received(outcome: &Result<Answer, Problem>) -> String {
    match outcome {
        Ok(answer) => {
            let rows = answer.records.iter().flatten().map(shown).collect::<Vec<_>>().join("\n");
            format!("{}\n{rows}\n{}", answer.columns.join("\n"), answer.plan.as_deref().unwrap_or_default())
        }
        Err(problem) => problem.message.clone(),
    }
}

fn shown(value: &Value) -> String {
    format!("{value:?}")
}
