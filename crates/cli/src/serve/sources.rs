//! Where each setting comes from, and what the environment says beside it: names of Neo4j's, and names that are wrong.
//! Leaves the meaning of a setting to `settings`.
//! Start reading at [`Sources::look`].

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Command};
use instance::KnownSetting;

use super::arguments::{Arguments, Auth, Given};
use super::settings::SettingsError;
use crate::units::{Bytes, Time};

/// What the variables of this server begin with.
const OWN: &str = "SHEAF_";
/// Variables that other commands of this program, and its tests, read.
const OTHERS: [&str; 16] = [
    "SHEAF_BLESS",
    "SHEAF_DATABASE",
    "SHEAF_DEMO_DATA",
    "SHEAF_FAILPOINT",
    "SHEAF_FUZZ_SECONDS",
    "SHEAF_FUZZ_SEED",
    "SHEAF_HISTORY",
    "SHEAF_LOCKED_BOLT",
    "SHEAF_LOCKED_HTTP",
    "SHEAF_PASSWORD",
    "SHEAF_PEER_STATEMENTS",
    "SHEAF_PROCESS",
    "SHEAF_RANDOM_STATEMENTS",
    "SHEAF_SEED",
    "SHEAF_TEST",
    "SHEAF_USER",
];
/// Settings whose values are never shown.
const SECRET: [&str; 2] = ["initial_password", "seal_keys"];
/// Variables of Neo4j's images that mean the same as a setting here.
const NEO4J: [(&str, &str); 15] = [
    ("NEO4J_AUTH", "auth"),
    ("NEO4J_dbms_security_auth__enabled", "auth"),
    ("NEO4J_server_bolt_listen__address", "bolt"),
    ("NEO4J_server_http_listen__address", "http"),
    ("NEO4J_server_bolt_advertised__address", "bolt_advertised"),
    ("NEO4J_server_directories_data", "data"),
    ("NEO4J_server_directories_import", "import_folder"),
    ("NEO4J_initial_dbms_default__database", "default_database"),
    ("NEO4J_dbms_default__database", "default_database"),
    ("NEO4J_dbms_max__databases", "databases_max"),
    ("NEO4J_db_transaction_timeout", "statement_time_max"),
    ("NEO4J_db_memory_transaction_max", "statement_memory_max"),
    ("NEO4J_dbms_memory_transaction_total_max", "statements_memory_max"),
    ("NEO4J_db_logs_query_threshold", "query_log_threshold"),
    ("NEO4J_db_shutdown__transaction__end__timeout", "stop_time_max"),
];

/// What the command line and the environment say of settings.
pub(super) struct Sources {
    /// Flags by their names, without the dashes.
    flags: Vec<String>,
    /// Variables by their names.
    variables: Vec<String>,
    /// What variables with Neo4j's names set.
    pub(super) neo4j: Given,
}

impl Sources {
    /// Looks at both; a variable that looks like a setting and is none is an error.
    pub(super) fn look(
        arguments: impl Iterator<Item = OsString>,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        let flag = |argument: OsString| {
            let text = argument.into_string().ok()?;
            let name = text.strip_prefix("--")?.split('=').next()?.replace('-', "_");
            Some(name)
        };
        let known = known();
        let (mut names, mut unknown, mut neo4j) = (Vec::new(), Vec::new(), Given::default());
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            if name.starts_with(OWN) {
                let is_known = known.iter().any(|known| known.variable == name) || OTHERS.contains(&name.as_str());
                if !is_known {
                    unknown.push(name.clone());
                }
            } else if let Some((_, setting)) = NEO4J.iter().find(|(theirs, _)| *theirs == name) {
                let value = value.to_string_lossy();
                take_over(&mut neo4j, setting, &value)
                    .map_err(|reason| SettingsError::Neo4jVariable { name: name.clone(), reason })?;
            } else {
                continue;
            }
            names.push(name);
        }
        if !unknown.is_empty() {
            unknown.sort();
            return Err(SettingsError::Variable { names: unknown.join(", ") });
        }
        Ok(Self { flags: arguments.skip(1).filter_map(flag).collect(), variables: names, neo4j })
    }

    /// Lists every setting with its value, its default, and who set it.
    pub(super) fn settings(&self, given: &Given) -> Vec<KnownSetting> {
        let values = serde_json::to_value(given).unwrap_or_default();
        let shown = |known: &Known| {
            let value = values.get(&known.name).filter(|value| !value.is_null());
            let value = value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let source = match &value {
                None => "default",
                Some(_) => self.source(known),
            };
            let value = value.unwrap_or_else(|| known.default.clone());
            let value =
                if SECRET.contains(&known.name.as_str()) && source != "default" { "******".into() } else { value };
            KnownSetting {
                name: format!("sheaf.{}", known.name),
                value,
                default: known.default.clone(),
                source,
                description: known.description.clone(),
            }
        };
        known().iter().filter(|known| known.name != "config" && !known.is_hidden).map(shown).collect()
    }

    fn source(&self, known: &Known) -> &'static str {
        let neo4j = NEO4J.iter().filter(|(_, setting)| *setting == known.name).map(|(theirs, _)| *theirs);
        let mut variables = std::iter::once(known.variable.as_str()).chain(neo4j);
        if self.flags.contains(&known.name) {
            "flag"
        } else if variables.any(|name| self.variables.iter().any(|set| set == name)) {
            "environment"
        } else {
            "file"
        }
    }
}

/// What the command line knows of a setting.
struct Known {
    name: String,
    variable: String,
    description: String,
    default: String,
    /// Whether it is for tests alone, and nobody is told of it.
    is_hidden: bool,
}

fn known() -> Vec<Known> {
    let command = Arguments::augment_args(Command::new("serve"));
    let known = |argument: &clap::Arg| {
        let variable = argument.get_env()?.to_str()?.to_owned();
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let (description, default) = match help.rsplit_once(" [default: ") {
            Some((description, default)) => (description.to_owned(), default.trim_end_matches("].").to_owned()),
            None => (help.clone(), String::new()),
        };
        let default = default.trim_end_matches(']').to_owned();
        let (name, is_hidden) = (argument.get_id().to_string(), argument.is_hide_set());
        Some(Known { name, variable, description, default, is_hidden })
    };
    command.get_arguments().filter_map(known).collect()
}

/// Takes a value over that stands under one of Neo4j's names.
fn take_over(given: &mut Given, setting: &str, value: &str) -> Result<(), String> {
    let text = || Some(value.to_owned());
    // Neo4j writes 0s for none, 20s, 5m; and sizes as 512m, 2g.
    let time = |value: &str| {
        Time::parse(value).or_else(|error| match value.parse() {
            Ok(seconds) => Ok(Time(Duration::from_secs(seconds))),
            Err(_) => Err(error),
        })
    };
    match setting {
        "auth" => {
            given.auth = Some(match value.to_ascii_lowercase().as_str() {
                "none" | "false" => Auth::None,
                "true" => Auth::Password,
                _ => match value.split_once('/') {
                    Some(("admin", password)) => {
                        given.initial_password = Some(password.to_owned());
                        Auth::Password
                    }
                    _ => return Err("write none, or admin/password: the first user of this server is admin".to_owned()),
                },
            });
        }
        "bolt" => given.bolt = Some(listening(value)),
        "http" => given.http = Some(listening(value)),
        "bolt_advertised" => given.bolt_advertised = text(),
        "data" => given.data = text().map(Into::into),
        "import_folder" => given.import_folder = text().map(Into::into),
        "default_database" => given.default_database = text(),
        "databases_max" => given.databases_max = Some(value.parse().map_err(|_| format!("\"{value}\" is no number"))?),
        "statement_time_max" => given.statement_time_max = Some(time(value)?),
        "query_log_threshold" => given.query_log_threshold = Some(time(value)?),
        "stop_time_max" => given.stop_time_max = Some(time(value)?),
        "statement_memory_max" => given.statement_memory_max = Some(Bytes::parse(value)?),
        "statements_memory_max" => given.statements_memory_max = Some(Bytes::parse(value)?),
        _ => {}
    }
    Ok(())
}

/// Neo4j writes `:7687` for every address of the machine.
fn listening(value: &str) -> String {
    if value.starts_with(':') { format!("0.0.0.0{value}") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Sources, SettingsError> {
        let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Sources::look(arguments.iter().map(OsString::from), variables)
    }

    fn source(sources: &Sources, given: &Given, name: &str) -> String {
        let settings = sources.settings(given);
        let found = settings.iter().find(|setting| setting.name == name).expect("a setting");
        format!("{} {} ({})", found.value, found.source, found.default)
    }

    #[test]
    fn f204_unknown_variables_are_errors() {
        assert!(look(&[], &[("SHEAF_DATA", "x"), ("SHEAF_BLESS", "1"), ("PATH", "/")]).is_ok());
        let error = look(&[], &[("SHEAF_OPNE_MAX", "1"), ("SHEAF_A", "")]).err().expect("unknown").to_string();
        assert!(error.starts_with("SHEAF_A, SHEAF_OPNE_MAX is no setting"), "{error}");
    }

    #[test]
    fn f204_every_setting_is_in_the_guide() {
        let guide = include_str!("../../../../docs/guide/serve.md");
        let is_missing = |known: &&Known| {
            !guide.contains(&format!("| `--{}` | `{}` |", known.name.replace('_', "-"), known.variable))
        };
        let shown = known().into_iter().filter(|known| !known.is_hidden);
        let missing: Vec<String> = shown.filter(|known| is_missing(&known)).map(|known| known.name).collect();
        assert_eq!(missing, ["config"], "it is told of in words");
    }

    #[test]
    fn f204_settings_tell_who_set_them() {
        let sources = look(
            &["sheaf", "serve", "--open-max=3", "--bolt", "off"],
            &[("SHEAF_IDLE_AFTER", "1m"), ("SHEAF_INITIAL_PASSWORD", "secret")],
        );
        let sources = sources.expect("all known");
        let given = Given {
            open_max: Some(3),
            idle_after: Some(Time(Duration::from_secs(60))),
            running_max: Some(9),
            initial_password: Some("secret".into()),
            ..Given::default()
        };
        assert_eq!(source(&sources, &given, "sheaf.open_max"), "3 flag (256)");
        assert_eq!(source(&sources, &given, "sheaf.idle_after"), "1m environment (5m)");
        assert_eq!(source(&sources, &given, "sheaf.running_max"), "9 file (64)");
        assert_eq!(source(&sources, &given, "sheaf.http"), "127.0.0.1:7474 default (127.0.0.1:7474)");
        assert_eq!(source(&sources, &given, "sheaf.initial_password"), "****** environment ()");
        let listed = sources.settings(&given);
        assert!(listed.iter().all(|setting| setting.name != "sheaf.test_procedures"), "it is for tests alone");
    }

    #[test]
    fn f205_names_of_neo4j_mean_the_same() {
        let sources = look(
            &[],
            &[
                ("NEO4J_dbms_default__database", "films"),
                ("NEO4J_server_bolt_listen__address", ":7687"),
                ("NEO4J_db_transaction_timeout", "20s"),
                ("NEO4J_db_memory_transaction_max", "512m"),
                ("NEO4J_dbms_memory_transaction_total_max", "2g"),
                ("NEO4J_AUTH", "admin/secret of tests"),
                ("NEO4J_URI", "bolt://x"),
            ],
        );
        let given = sources.expect("all fit").neo4j;
        assert_eq!(given.default_database.as_deref(), Some("films"));
        assert_eq!(given.bolt.as_deref(), Some("0.0.0.0:7687"));
        assert_eq!(given.statement_time_max, Some(Time(Duration::from_secs(20))));
        assert_eq!(given.statement_memory_max, Some(Bytes(512 << 20)));
        assert_eq!(given.statements_memory_max, Some(Bytes(2 << 30)));
        assert_eq!((given.auth, given.initial_password.as_deref()), (Some(Auth::Password), Some("secret of tests")));
        assert!(look(&[], &[("NEO4J_AUTH", "neo4j/secret")]).is_err());
    }
}
