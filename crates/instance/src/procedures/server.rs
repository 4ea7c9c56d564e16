//! What drivers and tools ask a server about itself: its version, its settings, where it is.

use std::path::Path;
use std::sync::Arc;

use catalog::Action;
use types::privilege::Act;
use types::{Code, CompactString, DatabaseName, Failure, Map, Value};

use super::built_in::{Call, Mode, Row, Rows};
use crate::instance::Shared;
use crate::memory::SETTING_OF_NEO4J;
use crate::show::instant;

/// The version of Neo4j whose procedures these are: clients choose by it what they send.
pub(crate) const NEO4J_VERSION: &str = "5.26.0";
/// Clients take the forms of Neo4j's larger edition where it says so: several databases among them.
const EDITION: &str = "enterprise";
/// How long a routing table is good for, in seconds.
const ROUTING_SECONDS: i64 = 300;

pub(super) const ROWS: &[Row] = &[
    Row {
        signature: "db.awaitIndex(indexName :: STRING, timeOutSeconds = 300 :: INTEGER)",
        description: "Waits until an index is online.",
        mode: Mode::Read,
        run: |call| {
            let name = call.text(0);
            await_indexes(call, Some(&name), 1)
        },
    },
    Row {
        signature: "db.awaitIndexes(timeOutSeconds = 300 :: INTEGER)",
        description: "Waits until all indexes are online.",
        mode: Mode::Read,
        run: |call| await_indexes(call, None, 0),
    },
    Row {
        signature: "db.clearQueryCaches() :: (value :: STRING)",
        description: "Forgets the plans that are kept; plans follow the data by themselves here.",
        mode: Mode::Dbms,
        run: |_| Ok(vec![vec!["Query cache already empty.".into()]]),
    },
    Row {
        signature: "db.info() :: (id :: STRING, name :: STRING, creationDate :: STRING)",
        description: "Tells the number, the name and the birth of the database.",
        mode: Mode::Read,
        run: database,
    },
    Row {
        signature: "db.ping() :: (success :: BOOLEAN)",
        description: "Tells that the database answers.",
        mode: Mode::Read,
        run: |_| Ok(vec![vec![true.into()]]),
    },
    Row {
        signature: "db.resampleIndex(indexName :: STRING)",
        description: "Counts an index anew; its counts are always current here.",
        mode: Mode::Read,
        run: |_| Ok(Vec::new()),
    },
    Row {
        signature: "db.resampleOutdatedIndexes()",
        description: "Counts all indexes anew; their counts are always current here.",
        mode: Mode::Read,
        run: |_| Ok(Vec::new()),
    },
    Row {
        signature: "db.prepareForReplanning(timeOutSeconds = 600 :: INTEGER)",
        description: "Makes the next plans by current counts; all are made so here.",
        mode: Mode::Read,
        run: |_| Ok(Vec::new()),
    },
    Row {
        signature: "dbms.cluster.routing.getRoutingTable(context :: MAP, database = null :: STRING) :: \
                    (ttl :: INTEGER, servers :: LIST<MAP>)",
        description: "Tells where to read and write a database.",
        mode: Mode::Dbms,
        run: routing_table,
    },
    Row {
        signature: "dbms.components() :: (name :: STRING, versions :: LIST<STRING>, edition :: STRING)",
        description: "Tells the version whose language and procedures the server has.",
        mode: Mode::Dbms,
        run: |_| {
            let versions = Value::list(vec![NEO4J_VERSION.into()]);
            Ok(vec![vec!["Neo4j Kernel".into(), versions, EDITION.into()]])
        },
    },
    Row {
        signature: "dbms.info() :: (id :: STRING, name :: STRING, creationDate :: STRING)",
        description: "Tells the number and the birth of the server.",
        mode: Mode::Dbms,
        run: |call| {
            let shared = call.instance()?;
            named_database(&shared, DatabaseName::system().as_str())
        },
    },
    Row {
        signature: "dbms.listConfig(searchString = '' :: STRING) :: \
                    (name :: STRING, description :: STRING, value :: STRING, dynamic :: BOOLEAN)",
        description: "Lists the settings whose names hold a text.",
        mode: Mode::Dbms,
        run: |call| {
            let wanted = call.text(0).to_lowercase();
            let shared = call.instance()?;
            let (names, user) = (shared.catalog.names(), call.context.user);
            let may_see = |setting: &Setting| {
                setting.shown_to().iter().any(|action| catalog::access::allows_as(&names, user, action))
            };
            let found = settings(&shared).into_iter().filter(|setting| setting.name.contains(wanted.as_str()));
            let found = found.filter(may_see);
            Ok(found
                .map(|setting| {
                    vec![
                        Value::string(setting.name),
                        Value::string(setting.description),
                        Value::string(setting.value),
                        false.into(),
                    ]
                })
                .collect())
        },
    },
    Row {
        signature: "dbms.queryJmx(query :: STRING) :: (name :: STRING, description :: STRING, attributes :: MAP)",
        description: "Finds management beans of a Java machine; there is none here.",
        mode: Mode::Dbms,
        run: |_| Ok(Vec::new()),
    },
    Row {
        signature: "dbms.recreateDatabase(databaseName :: STRING, options = {} :: MAP)",
        description: "Makes a database anew; its name, owner, privileges, aliases and limits stay.",
        mode: Mode::Dbms,
        run: |_| Err(only_a_command("dbms.recreateDatabase")),
    },
    Row {
        signature: "dbms.routing.getRoutingTable(context :: MAP, database = null :: STRING) :: \
                    (ttl :: INTEGER, servers :: LIST<MAP>)",
        description: "Tells where to read and write a database.",
        mode: Mode::Dbms,
        run: routing_table,
    },
    Row {
        signature: "dbms.setDefaultDatabase(databaseName :: STRING) :: (result :: STRING)",
        description: "Makes another database the one that is meant where none is named.",
        mode: Mode::Dbms,
        run: |_| Err(only_a_command("dbms.setDefaultDatabase")),
    },
    Row {
        signature: "dbms.showCurrentUser() :: (username :: STRING, roles :: LIST<STRING>, flags :: LIST<STRING>)",
        description: "Tells who asks; nobody has a name while authentication is off.",
        mode: Mode::Dbms,
        run: |call| {
            let names = call.instance()?.catalog.names();
            let user = call.context.user.and_then(|key| catalog::access::user_of_key(&names, key));
            let name = user.map_or("", |user| user.name.as_str());
            let roles = match user {
                Some(user) => user.all_roles().iter().map(|role| role.as_str().into()).collect(),
                // Whoever has no name may do everything.
                None => vec!["admin".into(), "PUBLIC".into()],
            };
            Ok(vec![vec![name.into(), Value::list(roles), Value::list(Vec::new())]])
        },
    },
];

/// Refuses a command where other procedures may stand: in the middle of a query.
fn only_a_command(name: &str) -> Failure {
    let text = format!("{name} is a command: it stands by itself, and its first argument is a text or a parameter.");
    Failure::new(Code::ArgumentError, text)
}

/// Waits as long as the argument at `seconds` says.
fn await_indexes(call: &mut Call<'_, '_>, name: Option<&str>, seconds: usize) -> Rows {
    let seconds = call.arguments.get(seconds).and_then(|value| match value {
        Value::Integer(seconds) => u64::try_from(*seconds).ok(),
        _ => None,
    });
    let seconds = seconds.unwrap_or(0);
    let (source, budget) = call.graph()?;
    if source.await_indexes(name, seconds, budget)? {
        return Ok(Vec::new());
    }
    let what = name.map_or_else(|| "Indexes".to_owned(), |name| format!("Index '{name}'"));
    let text = format!("{what} not online within {seconds} seconds");
    Err(Failure::new(Code::ProcedureCallFailed, text))
}

/// A setting as the listings show it.
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: String,
    /// What holds where nobody sets it; the value itself where that is not known.
    pub(crate) default: String,
    /// Who set it.
    pub(crate) source: &'static str,
    /// The type of its value, in words.
    pub(crate) values: &'static str,
    pub(crate) description: String,
}

/// The setting that names the folder of backups.
const BACKUP_FOLDER: &str = "server.backup.folder";

impl Setting {
    /// Gives what somebody may do who sees it, any of it: who makes databases puts backups where they are restored from.
    pub(crate) fn shown_to(&self) -> Vec<Action> {
        let making = (self.name == BACKUP_FOLDER).then_some(Action::CreateDatabase);
        [Action::DoTo(Act::ShowSetting, self.name.as_str().into())].into_iter().chain(making).collect()
    }
}

/// Neo4j's names of settings that the server has under its own.
const SAME: [(&str, &str); 7] = [
    ("db.memory.transaction.max", "sheaf.statement_memory_max"),
    ("db.transaction.concurrent.maximum", "sheaf.running_max"),
    ("db.transaction.timeout", "sheaf.statement_time_max"),
    ("dbms.max_databases", "sheaf.databases_max"),
    (SETTING_OF_NEO4J, "sheaf.statements_memory_max"),
    ("server.bolt.advertised_address", "sheaf.bolt_advertised"),
    ("server.directories.import", "sheaf.import_folder"),
];

fn is_default(setting: &str) -> bool {
    setting == "sheaf.default_database"
}

/// Lists the settings of the instance, sorted by name.
pub(crate) fn settings(shared: &Shared) -> Vec<Setting> {
    let options = &shared.options;
    let seconds = |time: Option<std::time::Duration>| time.map_or_else(|| "0s".into(), |t| format!("{}s", t.as_secs()));
    let names = shared.catalog.names();
    let default = names.default_database();
    let default_database = default.name.to_string();
    let rows = [
        (
            "db.memory.transaction.max",
            options.statement_memory_max_bytes.to_string(),
            "bytes",
            "What a statement may hold in memory.",
        ),
        (
            "db.transaction.concurrent.maximum",
            options.running_max.to_string(),
            "an integer",
            "Statements that run at a time.",
        ),
        (
            "db.transaction.timeout",
            seconds(options.statement_time_max),
            "a duration",
            "How long a statement may take; 0 for as long as it likes.",
        ),
        ("dbms.max_databases", options.databases_max.to_string(), "an integer", "Most databases."),
        (
            SETTING_OF_NEO4J,
            options.statements_memory_max_bytes.to_string(),
            "bytes",
            "What all statements may hold in memory together.",
        ),
        (
            "dbms.security.auth_enabled",
            (!matches!(options.authentication, catalog::Authentication::Off)).to_string(),
            "a boolean",
            "Whether users log in.",
        ),
        (
            "initial.dbms.default_database",
            default_database.clone(),
            "a database name",
            "The database of a session that names none.",
        ),
        (
            "server.bolt.advertised_address",
            options.address.clone(),
            "a socket address",
            "Where clients find this server.",
        ),
        (
            BACKUP_FOLDER,
            shared.backup_folder().map(|folder| whole_path(&folder)).unwrap_or_default(),
            "a path",
            "The folder that backups go into and come from.",
        ),
        (
            "server.directories.import",
            options.import_folder.as_deref().map(whole_path).unwrap_or_default(),
            "a path",
            "The folder that LOAD CSV may read; none where it may read none.",
        ),
        (
            "sheaf.import_hosts",
            options.import_remote.hosts.to_string(),
            "a list of hosts",
            "The machines from which LOAD CSV may read over http and https.",
        ),
        (
            "sheaf.import_size_max",
            options.import_remote.bytes_max.unwrap_or_default().to_string(),
            "bytes",
            "How large one file of another machine may be, unpacked; 0 for no bound.",
        ),
        (
            "sheaf.import_time_max",
            seconds(options.import_remote.time_max),
            "a duration",
            "How long LOAD CSV may read one file of another machine; 0 for as long as the statement may.",
        ),
    ];
    let known = |name: &str| {
        let own = SAME.iter().find(|(same, _)| *same == name).map_or(name, |(_, own)| own);
        options.settings.iter().find(|known| known.name == own)
    };
    let setting = |(name, value, values, description): (&str, String, &'static str, &str)| {
        let known = known(name);
        let default = known.filter(|known| known.source != "default").map(|known| known.default.clone());
        Setting {
            name: name.to_owned(),
            default: default.unwrap_or_else(|| value.clone()),
            value,
            source: known.map_or("default", |known| known.source),
            values,
            description: description.to_owned(),
        }
    };
    let mut all: Vec<Setting> = rows.into_iter().map(setting).collect();
    for known in &options.settings {
        if all.iter().all(|setting| setting.name != known.name) {
            // Commands change the default database, whatever was said at the start.
            let is_default = is_default(&known.name);
            let means_it = || names.resolve(&known.value).is_ok_and(|target| target.database == default.id);
            all.push(Setting {
                name: known.name.clone(),
                value: if is_default { default_database.clone() } else { known.value.clone() },
                default: known.default.clone(),
                source: if is_default && !means_it() { "command" } else { known.source },
                values: "as on the command line",
                description: known.description.clone(),
            });
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

fn database(call: &mut Call<'_, '_>) -> Rows {
    let name: CompactString = call.graph()?.0.database().into();
    let shared = call.instance()?;
    named_database(&shared, &name)
}

fn named_database(shared: &Arc<Shared>, name: &str) -> Rows {
    let names = shared.catalog.names();
    let target = names.resolve(name).map_err(Failure::from)?;
    let row = names.database(target.database).map(|row| {
        let born = types::text::to_text(&instant(Some(row.created_nanos))).map_or(Value::Null, Value::string);
        vec![Value::string(row.id.to_string()), name.into(), born]
    });
    Ok(row.into_iter().collect())
}

fn routing_table(call: &mut Call<'_, '_>) -> Rows {
    let shared = call.instance()?;
    let database = call.text(1);
    if !database.is_empty() {
        // Whether a database is there that the user may not see, nobody is told here either.
        let user = call.context.user;
        catalog::access::resolve_as(&shared.catalog.names(), user, &database).map_err(Failure::from)?;
    }
    let server = |role: &str| {
        let addresses = Value::list(vec![shared.options.address.as_str().into()]);
        let entries: Map = [("addresses".into(), addresses), ("role".into(), role.into())].into_iter().collect();
        Value::map(entries)
    };
    let servers = ["WRITE", "READ", "ROUTE"].map(server).to_vec();
    Ok(vec![vec![ROUTING_SECONDS.into(), Value::list(servers)]])
}

/// Writes a path so that it means the same from any folder.
fn whole_path(folder: &Path) -> String {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).display().to_string()
}
