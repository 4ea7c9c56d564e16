//! What is said to somebody who may not do something inside a graph, in Neo4j's words.
//! Nothing is said of what may not be seen: it is not there.

use catalog::GraphRights;
use types::{Code, Failure};

/// Refuses what was to be done to a database: `what` begins the sentence, and "is not allowed" follows.
#[cold]
pub(crate) fn refused(what: &str, database: &str, rights: &GraphRights) -> Failure {
    let who = rights.who();
    Failure::new(Code::Forbidden, format!("{what} on database '{database}' is not allowed for {who}."))
}

/// Refuses a statement that writes to somebody who may change nothing at all.
#[cold]
pub(crate) fn no_writes(database: &str, rights: &GraphRights) -> Failure {
    let who = rights.who();
    Failure::new(Code::Forbidden, format!("Write operations on database '{database}' are not allowed for {who}."))
}

/// Refuses a change of indexes or constraints.
#[cold]
pub(crate) fn no_schema(database: &str, rights: &GraphRights) -> Failure {
    let who = rights.who();
    Failure::new(Code::Forbidden, format!("Schema operations on database '{database}' are not allowed for {who}."))
}

/// Refuses a name that nobody used before; `privilege` would allow it.
#[cold]
pub(crate) fn no_new_name(what: &str, privilege: &str, database: &str, rights: &GraphRights) -> Failure {
    let who = rights.who();
    let text = format!(
        "Creating new {what} on database '{database}' is not allowed for {who}. See GRANT {privilege} ON DATABASE..."
    );
    Failure::new(Code::Forbidden, text)
}

/// Refuses a call.
#[cold]
pub(crate) fn no_call(kind: &str, name: &str, rights: &GraphRights) -> Failure {
    let who = rights.who();
    Failure::new(Code::Forbidden, format!("Executing {kind} '{name}' permission has not been granted for {who}."))
}

/// Says of an index that it is not there, as the graph says it of one that is not.
#[cold]
pub(crate) fn no_index(name: &str) -> Failure {
    Failure::new(Code::IndexNotFound, format!("There is no such index '{name}'."))
}

/// Refuses to load what lies outside of the database.
#[cold]
pub(crate) fn no_load(rights: &GraphRights) -> Failure {
    Failure::new(Code::Forbidden, format!("Loading data is not allowed for {}.", rights.who()))
}

/// Refuses to load one file or address.
#[cold]
pub(crate) fn no_load_of(address: &str, rights: &GraphRights) -> Failure {
    Failure::new(Code::Forbidden, format!("Loading data from '{address}' is not allowed for {}.", rights.who()))
}

/// Says of a constraint only that it was not kept: which entities stand against it may be hidden.
pub(crate) fn blurred(failure: Failure, rights: &GraphRights) -> Failure {
    if rights.sees_everything() {
        return failure;
    }
    // This tells of the entity that is written, and of nothing else. That a property must be there tells that it is not,
    // be it hidden.
    let is_own = |text: &str| text.starts_with("Cannot delete node");
    let text = match failure.code() {
        Code::ConstraintValidationFailed if is_own(failure.message()) => return failure,
        Code::ConstraintValidationFailed => {
            "A constraint of this database would be violated. What stands against it is shown to those only who may \
             read all of the database."
        }
        Code::ConstraintCreationFailed => {
            "Unable to create the constraint: there is data that does not keep it. It is shown to those only who may \
             read all of the database."
        }
        _ => return failure,
    };
    Failure::new(failure.code(), text)
}
