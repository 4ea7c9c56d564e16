//! How a test speaks to the system: the same few calls in process and over each face.
//! Leaves what is said and what is expected to the tests.
//! Start reading at [`Session`].

pub mod bolt;
pub mod direct;
pub mod http;

use types::{Code, Map, Value};

/// A running system with its own, empty data.
pub trait System {
    /// Opens a session of a user; `None` is the first admin.
    ///
    /// # Errors
    ///
    /// The reason, in words, where the system refuses.
    fn session(&self, user: Option<&str>) -> Result<Box<dyn Session>, String> {
        let (user, password) = credentials(user);
        self.session_with(&user, &password).map_err(|problem| problem.message)
    }

    /// Opens a session of a user who has another password than usual, or a token.
    ///
    /// # Errors
    ///
    /// What the client is told, now or at the first statement.
    fn session_with(&self, user: &str, password: &str) -> Result<Box<dyn Session>, Problem>;
}

/// One user's conversation.
pub trait Session {
    /// Runs one statement to its end.
    ///
    /// # Errors
    ///
    /// What the client is told.
    fn run(&mut self, text: &str, parameters: Map) -> Result<Answer, Problem>;
}

/// Everything that a statement gave.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The records, with whole entities.
    pub records: Vec<Vec<Value>>,
    /// What was changed: a name as in `nodes created`, and how often, in the order in which they are shown.
    pub changes: Vec<(&'static str, u64)>,
    /// The plan, one operator a line, where it was asked for.
    pub plan: Option<String>,
}

/// A failure as a client is told of it.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The codes that it may be: several where a face gives only the status, which some codes share.
    pub codes: Vec<Code>,
    /// The text.
    pub message: String,
}

impl Problem {
    /// Makes a problem out of a status, as drivers see it.
    #[must_use]
    pub fn from_status(status: &str, message: String) -> Self {
        let codes = Code::ALL.iter().copied().filter(|code| code.row().neo4j == status).collect();
        Self { codes, message }
    }

    /// Gives the status, as drivers see it.
    #[must_use]
    pub fn status(&self) -> &'static str {
        self.codes.first().map_or("", |code| code.row().neo4j)
    }

    /// Gives the message's first line, without the place in the statement.
    #[must_use]
    pub fn headline(&self) -> &str {
        let line = self.message.lines().next().unwrap_or_default();
        match line.rfind(" (line ") {
            Some(at) if line.ends_with("))") => &line[..at],
            _ => line,
        }
    }
}

/// Gives what a user logs in with; a server that asks for no passwords takes whatever is given.
fn credentials(user: Option<&str>) -> (String, String) {
    let user = user.unwrap_or("admin");
    (user.to_owned(), format!("{user}-password"))
}

/// Writes one operator of a plan.
fn plan_line(operator: &str, details: Option<&str>, depth: usize, out: &mut String) {
    out.push_str(&"  ".repeat(depth));
    out.push_str(operator);
    if let Some(details) = details.filter(|details| !details.is_empty()) {
        out.push_str(&format!(" ({details})"));
    }
    out.push('\n');
}
