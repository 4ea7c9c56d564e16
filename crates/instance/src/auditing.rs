//! What is worth a line of the audit, noted at the few places where everybody comes by.
//! Leaves lines and files to `audit`. Start reading at [`command`] and [`refused`].

use std::time::{Duration, Instant};

use catalog::{Names, Principal, access};
use cypher::ast::{
    AdminCommand, AliasCommand, BackupCommand, DatabaseCommand, DatabaseOrigin, Home, LimitCommand, LimitOwner,
    NameOrParameter, PrivilegeCommand, RightsCommand, ScopeSpec, ShowDatabases, TokenCommand, UserCommand,
};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use types::{Code, DatabaseName, Failure};

use crate::audit::{Durable, Kind, Outcome, Told};
use crate::commands::backup::mine::restored_from;
use crate::instance::Shared;
use crate::plans::Planned;
use crate::reach::Reached;
use crate::records::Records;
use crate::staging::Line;
use crate::statement::Statement;

/// Lines of one kind that one user may cause within [`WINDOW`]; what comes on top is counted.
const WITHIN_WINDOW_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_secs(1);
/// How long somebody who logged in does so again without another line: HTTP logs in with every request.
const SAME_LOGIN: Duration = Duration::from_secs(60);
/// Users and reasons that are told apart at a time.
const KEYS_MAX: usize = 1_000;

/// What a login is called.
const LOG_IN: &str = "log in";

/// What was noted of late, so that a client in a loop does not fill the disk.
#[derive(Default)]
pub(crate) struct Lately(Mutex<FxHashMap<(String, &'static str), Window>>);

struct Window {
    begun: Instant,
    noted: u32,
    left_out: u64,
}

impl Lately {
    /// Tells whether to write a line, and how many were left out since the last one.
    fn admit(&self, user: &str, what: &'static str, now: Instant, window: Duration, max: u32) -> Option<u64> {
        let mut known = self.0.lock();
        if known.len() >= KEYS_MAX {
            known.retain(|_, lately| now.saturating_duration_since(lately.begun) < window);
        }
        if known.len() >= KEYS_MAX {
            known.clear();
        }
        let fresh = Window { begun: now, noted: 0, left_out: 0 };
        let lately = known.entry((user.to_owned(), what)).or_insert(fresh);
        if now.saturating_duration_since(lately.begun) >= window {
            (lately.begun, lately.noted) = (now, 0);
        }
        if lately.noted >= max {
            lately.left_out += 1;
            return None;
        }
        lately.noted += 1;
        Some(std::mem::take(&mut lately.left_out))
    }
}

/// Notes that somebody proved who he is, or failed to. Nobody is noted while everybody is let in without a name.
///
/// Who fails with a token is named, and the token too, where it is known whose it is; its text is never written.
pub(crate) fn login(
    shared: &Shared,
    (name, password): (&str, &str),
    address: Option<&str>,
    principal: Result<&Principal, &Failure>,
) {
    let now = shared.options.clock.now();
    let (user, operation, outcome) = match principal {
        Ok(principal) => {
            // A token comes without a name.
            let names = shared.catalog.names();
            let known = || access::told_user(&names, principal);
            let user = Some(name).filter(|name| !name.is_empty()).or_else(known).unwrap_or_default();
            // Each connection has a port of its own.
            let host = address.map_or("", |address| address.rsplit_once(':').map_or(address, |(host, _)| host));
            let is_new = shared.lately.admit(&format!("{user} {host}"), "login", now, SAME_LOGIN, 1).is_some();
            if user.is_empty() || !is_new {
                return;
            }
            (user.to_owned(), LOG_IN.to_owned(), Outcome::Done)
        }
        Err(failure) => {
            let known = shared.catalog.known_token(password);
            let by = match &known {
                Some((_, token)) => format!("{LOG_IN} by the token '{token}'"),
                None if catalog::is_token(password) => format!("{LOG_IN} by a token"),
                None => LOG_IN.to_owned(),
            };
            // Somebody's name may be a password typed in the wrong field: it is kept all the same, as logs keep it.
            let named = Some(name).filter(|name| !name.is_empty()).map(str::to_owned);
            let user = named.or(known.map(|(user, _)| user)).unwrap_or_default();
            let Some(left_out) = shared.lately.admit(&user, "failed login", now, WINDOW, WITHIN_WINDOW_MAX) else {
                return;
            };
            (user, counted(by, left_out), Outcome::from(failure))
        }
    };
    let told = Told { user: Some(&user), address, operation: &operation, ..Told::default() };
    shared.audit.note(Kind::Login, told, outcome, Durable::Soon);
}

/// Notes an administration command that changes something, once it is over; listings change nothing. Tells whether it did.
///
/// One that was refused is noted by [`refused`], as any other statement.
pub(crate) fn command(statement: &Statement<'_>, command: &AdminCommand, ran: &Result<Records, Failure>) -> bool {
    if command.shows() || ran.as_ref().is_err_and(is_refusal) {
        return false;
    }
    let restored = match command {
        AdminCommand::Database(command) => restored_from(statement, command),
        _ => None,
    };
    let kind = match command {
        AdminCommand::Backup(_) => Kind::Backup,
        AdminCommand::Database(DatabaseCommand::Create(create)) if create.origin.is_some() => Kind::Backup,
        AdminCommand::Database(DatabaseCommand::Drop { dump: true, .. }) => Kind::Backup,
        _ if restored.is_some() => Kind::Backup,
        _ => Kind::Admin,
    };
    let (mut databases, mut operation) = (databases_of(statement, command), command.to_string());
    if let Some((file, source)) = restored {
        let of = source.as_deref().map(|source| format!(", a backup of {source}")).unwrap_or_default();
        operation.push_str(&format!(" [file '{file}'{of}]"));
        databases.extend(source.filter(|source| !databases.contains(source)));
    }
    let (user, impersonated) = who(statement.names, statement.principal);
    let line = Line {
        kind,
        user: user.map(str::to_owned),
        impersonated: impersonated.map(str::to_owned),
        address: address_of(statement).map(str::to_owned),
        databases,
        operation,
    };
    // What waits for a commit is told when that is over, and nothing of what is rolled back.
    match statement.transaction.filter(|_| ran.is_ok() && waits(command)).and_then(|it| it.enter().ok()) {
        Some(mut state) if state.staging.is_begun() => state.staging.tell(line),
        _ => line.note(statement.shared, Outcome::from(ran)),
    }
    true
}

/// Tells whether a command waits for the commit of its transaction.
pub(crate) fn waits(command: &AdminCommand) -> bool {
    match command {
        AdminCommand::Database(DatabaseCommand::Check { .. }) => false,
        AdminCommand::Database(_) | AdminCommand::Alias(_) | AdminCommand::Limit(_) | AdminCommand::Rights(_) => true,
        _ => false,
    }
}

/// Names the databases that a command is about: as they were typed, and those that aliases among them stand for.
pub(crate) fn databases_of(statement: &Statement<'_>, command: &AdminCommand) -> Vec<String> {
    let mut named = Named { statement, found: Vec::new() };
    match command {
        AdminCommand::Database(command) => named.database(command),
        AdminCommand::Alias(command) => named.alias(command),
        AdminCommand::Backup(BackupCommand::Backup { name, .. } | BackupCommand::Journal { name, .. }) => {
            named.add(name)
        }
        AdminCommand::Backup(BackupCommand::All { .. }) => named.found.push(DatabaseName::system().to_string()),
        AdminCommand::Limit(LimitCommand::Set { owner, .. } | LimitCommand::Remove { owner, .. }) => named.owner(owner),
        AdminCommand::Limit(LimitCommand::ShowLimits { owner, .. }) => {
            owner.iter().for_each(|owner| named.owner(owner))
        }
        AdminCommand::Limit(LimitCommand::ShowUsage { database, .. }) => named.add_all(database),
        AdminCommand::Rights(RightsCommand::Privilege(command)) => named.privilege(command),
        AdminCommand::Rights(RightsCommand::User(
            UserCommand::Create { settings, .. } | UserCommand::Alter { settings, .. },
        )) => {
            if let Some(Home::Set(home)) = &settings.home {
                named.add(home);
            }
        }
        AdminCommand::Rights(RightsCommand::Token(TokenCommand::Create { databases, .. })) => {
            databases.iter().for_each(|databases| named.scopes(databases));
        }
        AdminCommand::ShowDatabases { which: ShowDatabases::One(name), .. } => named.add(name),
        _ => {}
    }
    named.found
}

/// Gathers names of databases, each once.
struct Named<'s, 'a> {
    statement: &'s Statement<'a>,
    found: Vec<String>,
}

impl Named<'_, '_> {
    fn database(&mut self, command: &DatabaseCommand) {
        match command {
            DatabaseCommand::Create(create) => {
                self.add(&create.name);
                if let Some(DatabaseOrigin::Database(source)) = &create.origin {
                    self.add(source);
                }
            }
            DatabaseCommand::Rename { name, to, .. } => self.add_all([name, to]),
            DatabaseCommand::Drop { name, .. }
            | DatabaseCommand::Alter { name, .. }
            | DatabaseCommand::Start { name, .. }
            | DatabaseCommand::Stop { name, .. }
            | DatabaseCommand::Check { name }
            | DatabaseCommand::Recreate { name, .. }
            | DatabaseCommand::SetDefault { name, .. } => self.add(name),
        }
    }

    fn alias(&mut self, command: &AliasCommand) {
        match command {
            AliasCommand::Create { alias, target, .. } => self.add_all([target, alias]),
            AliasCommand::Alter { alias, target, .. } => {
                self.add(alias);
                self.add_all(target);
            }
            AliasCommand::Drop { alias, .. } => self.add(alias),
            AliasCommand::Show { alias, database, .. } => self.add_all(alias.iter().chain(database)),
        }
    }

    fn owner(&mut self, owner: &LimitOwner) {
        if let LimitOwner::Database(name) = owner {
            self.add(name);
        }
    }

    fn privilege(&mut self, command: &PrivilegeCommand) {
        match command {
            PrivilegeCommand::Change { privilege, .. } => self.scopes(&privilege.scopes),
            PrivilegeCommand::Level { databases, .. } => self.scopes(databases),
            PrivilegeCommand::Owner { database, .. } | PrivilegeCommand::Isolation { database, .. } => {
                self.add(database);
            }
            PrivilegeCommand::ShowLevels { database, .. } => self.add_all(database),
            PrivilegeCommand::Show { .. } | PrivilegeCommand::ShowSupported { .. } => {}
        }
    }

    fn scopes(&mut self, scopes: &[ScopeSpec]) {
        for scope in scopes {
            match scope {
                ScopeSpec::All => self.push("*"),
                // Whose home it is, is another one for each user.
                ScopeSpec::Home => {}
                ScopeSpec::Default => self.push(self.statement.names.default_database().name.as_str()),
                ScopeSpec::Pattern(pattern) => self.push(pattern),
                ScopeSpec::Name(name) | ScopeSpec::Alias(name) => self.add(name),
            }
        }
    }

    fn add_all<'n>(&mut self, names: impl IntoIterator<Item = &'n NameOrParameter>) {
        names.into_iter().for_each(|name| self.add(name));
    }

    fn add(&mut self, name: &NameOrParameter) {
        let Ok(typed) = crate::commands::typed(name, &self.statement.parameters) else { return };
        self.push(&typed);
        if let Ok(target) = self.statement.names.resolve(&typed) {
            self.push(target.name.as_str());
        }
    }

    fn push(&mut self, name: &str) {
        let name = name.to_lowercase();
        if !self.found.contains(&name) {
            self.found.push(name);
        }
    }
}

/// Notes a statement that a right or a limit was in the way of, or that asked for a database that its user does not
/// see, or that is not there; any other failure is none of the audit's business, and what [`command`] noted has its line.
pub(crate) fn refused(
    shared: &Shared,
    (user, impersonated): (&str, Option<&str>),
    address: &str,
    database: &str,
    text: &str,
    failure: &Failure,
) {
    let (about, is_all) = failure.databases();
    let is_unknown = failure.code() == Code::DatabaseNotFound;
    if failure.is_noted() || (!is_refusal(failure) && !is_unknown) {
        return;
    }
    let now = shared.options.clock.now();
    // Who tries names has a new one each time.
    let who = if is_unknown { user.to_owned() } else { format!("{user} {database}") };
    let Some(left_out) = shared.lately.admit(&who, failure.code().row().neo4j, now, WINDOW, WITHIN_WINDOW_MAX) else {
        return;
    };
    let operation = counted(text.to_owned(), left_out);
    let own = Some(database).filter(|own| !own.is_empty() && !is_all);
    let limited = failure.refusal().map(|refusal| refusal.database.as_str()).filter(|limited| !limited.is_empty());
    let mut databases: Vec<String> = Vec::with_capacity(2);
    for name in own.into_iter().chain(about.iter().map(String::as_str)).chain(limited) {
        // Errors show a name that can be none as it can be read; what was typed is the same name.
        let name = DatabaseName::shown(name).to_lowercase();
        if !databases.contains(&name) {
            databases.push(name);
        }
    }
    let told = Told {
        user: Some(user),
        impersonated,
        address: Some(address).filter(|address| !address.is_empty()),
        databases: &databases,
        operation: &operation,
    };
    shared.audit.note(Kind::Refusal, told, Outcome::from(failure), Durable::Soon);
}

/// Notes a statement over several databases, with each of them, before its first row.
pub(crate) fn crossing(statement: &Statement<'_>, planned: &Planned) {
    // The session's own database is always among them, and often only because it is.
    let touched = planned.sources.iter().skip(planned.touched);
    let databases: Vec<String> = touched.map(|source| source.target.name.to_string()).collect();
    if databases.len() < 2 {
        return;
    }
    let (user, impersonated) = who(statement.names, statement.principal);
    let told =
        Told { user, impersonated, address: address_of(statement), databases: &databases, operation: statement.text };
    statement.shared.audit.note(Kind::CrossDatabase, told, Outcome::Done, Durable::Soon);
}

/// Notes that an admin uses a database that is somebody else's; the first of his statements in a minute stands for all.
pub(crate) fn as_admin(statement: &Statement<'_>, reached: &Reached) {
    let Reached::Graph { row, rights, .. } = reached else { return };
    // Asked first: hardly anybody does, and each statement comes here.
    if !rights.is_as_admin() {
        return;
    }
    let (Some(user), impersonated) = who(statement.names, statement.principal) else { return };
    let (shared, now) = (statement.shared, statement.shared.options.clock.now());
    let who = format!("{user} {}", row.name);
    let Some(left_out) = shared.lately.admit(&who, "as admin", now, SAME_LOGIN, 1) else { return };
    let operation = counted(statement.text.to_owned(), left_out);
    let databases = [row.name.to_string()];
    let address = address_of(statement);
    let told = Told { user: Some(user), impersonated, address, databases: &databases, operation: &operation };
    shared.audit.note(Kind::AsAdmin, told, Outcome::Done, Durable::Soon);
}

/// Names who does something, and in whose name where that is not his own.
pub(crate) fn who<'n>(names: &'n Names, principal: &'n Principal) -> (Option<&'n str>, Option<&'n str>) {
    let user = access::told_user(names, principal);
    match access::told_impersonator(names, principal) {
        Some(behind) => (Some(behind), user),
        None => (user, None),
    }
}

/// Tells where a statement comes from, where that is known.
fn address_of<'s>(statement: &'s Statement<'_>) -> Option<&'s str> {
    Some(statement.room.listed.origin.address.as_str()).filter(|address| !address.is_empty())
}

/// Notes that the server begins or ends.
pub(crate) fn life(shared: &Shared, kind: Kind) {
    let operation = format!("sheaf {}, process {}", env!("CARGO_PKG_VERSION"), std::process::id());
    shared.audit.note(kind, Told { operation: &operation, ..Told::default() }, Outcome::Done, Durable::Now);
}

fn is_refusal(failure: &Failure) -> bool {
    let is_right = matches!(
        failure.code(),
        Code::Forbidden
            | Code::Unauthorized
            | Code::AuthorizationExpired
            | Code::TokenExpired
            | Code::ImpersonationRefused
            | Code::ImpersonationPasswordExpired
            | Code::AuthenticationRateLimit
            | Code::DatabaseReadOnly
    );
    is_right || failure.refusal().is_some() || failure.code().is_limit()
}

fn counted(mut operation: String, left_out: u64) -> String {
    if left_out > 0 {
        operation.push_str(&format!(" [{left_out} more like it were not written]"));
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f94_a_loop_is_counted_and_not_written() {
        let (lately, now) = (Lately::default(), types::Clock::now(&types::SystemClock));
        let admit = |at| lately.admit("bob", "code", at, WINDOW, 2);
        assert_eq!([admit(now), admit(now), admit(now), admit(now)], [Some(0), Some(0), None, None]);
        assert_eq!(lately.admit("eve", "code", now, WINDOW, 2), Some(0));
        assert_eq!([admit(now + WINDOW), admit(now + WINDOW)], [Some(2), Some(0)]);
    }
}
