//! What tools ask about the server's own affairs: its memory, what clients should know, its locks, and a transaction's data.

use catalog::{Action, access};
use types::privilege::Act;
use types::{Code, Failure, Value};

use super::built_in::{Call, Mode, Row, Rows};
use super::server::settings;

pub(super) const ROWS: &[Row] = &[
    Row {
        signature: "db.checkpoint() :: (success :: BOOLEAN, message :: STRING)",
        description: "Writes what is not on the disk yet; each commit writes all of it here.",
        mode: Mode::Dbms,
        run: |_| Ok(vec![vec![true.into(), "Every commit is on the disk already; there is nothing to write.".into()]]),
    },
    Row {
        signature: "db.listLocks() :: (mode :: STRING, resourceType :: STRING, resourceId :: INTEGER, \
                    transactionId :: STRING)",
        description: "Lists locks; transactions take none here.",
        mode: Mode::Dbms,
        run: |_| Ok(Vec::new()),
    },
    Row {
        signature: "dbms.clientConfig() :: \
                    (name :: STRING, description :: STRING, value :: STRING, dynamic :: BOOLEAN)",
        description: "Lists the settings that clients should know.",
        mode: Mode::Dbms,
        run: client_config,
    },
    Row {
        signature: "dbms.listActiveLocks(queryId :: STRING) :: \
                    (mode :: STRING, resourceType :: STRING, resourceId :: INTEGER)",
        description: "Lists the locks of a statement; statements take none here.",
        mode: Mode::Dbms,
        run: |_| Ok(Vec::new()),
    },
    Row {
        signature: "dbms.listPools() :: (pool :: STRING, databaseName :: STRING, heapMemoryUsed :: STRING, \
                    heapMemoryUsedBytes :: STRING, nativeMemoryUsed :: STRING, nativeMemoryUsedBytes :: STRING, \
                    freeMemory :: STRING, freeMemoryBytes :: STRING, totalPoolMemory :: STRING, \
                    totalPoolMemoryBytes :: STRING)",
        description: "Lists what memory is used for: by statements, and by what is kept of graphs.",
        mode: Mode::Dbms,
        run: pools,
    },
    Row {
        signature: "dbms.setConfigValue(setting :: STRING, value :: STRING)",
        description: "Changes a setting; all of them are read at the start here.",
        mode: Mode::Dbms,
        run: set_config_value,
    },
    Row {
        signature: "tx.getMetaData() :: (metadata :: MAP)",
        description: "Gives what the client keeps with the transaction.",
        mode: Mode::Dbms,
        run: |call| {
            let shared = call.instance()?;
            let entry = call.context.transaction.and_then(|number| shared.under_way.find(number));
            Ok(entry.map(|entry| vec![Value::map(entry.metadata())]).into_iter().collect())
        },
    },
    Row {
        signature: "tx.setMetaData(data :: MAP)",
        description: "Keeps other data with the transaction, as SHOW TRANSACTIONS and the log of statements tell it.",
        mode: Mode::Dbms,
        run: set_metadata,
    },
];

/// Most bytes of the data that a client keeps with a transaction, as text.
const METADATA_BYTES_MAX: usize = 2_048;

fn set_metadata(call: &mut Call<'_, '_>) -> Rows {
    let data = call.map(0);
    if types::text::literal(&Value::map(data.clone())).len() > METADATA_BYTES_MAX {
        let text = format!("Invalid transaction meta-data: it may have {METADATA_BYTES_MAX} characters as text.");
        return Err(Failure::new(Code::ArgumentError, text));
    }
    let shared = call.instance()?;
    if let Some(entry) = call.context.transaction.and_then(|number| shared.under_way.find(number)) {
        entry.keep(data);
    }
    Ok(Vec::new())
}

/// What clients should know, of the settings that there are.
const FOR_CLIENTS: [&str; 3] =
    ["dbms.security.auth_enabled", "initial.dbms.default_database", "server.bolt.advertised_address"];

fn client_config(call: &mut Call<'_, '_>) -> Rows {
    let shared = call.instance()?;
    let row = |name: &str, description: &str, value: &str| {
        vec![Value::string(name), Value::string(description), Value::string(value), false.into()]
    };
    let mut rows = vec![row("client.allow_telemetry", "Whether clients should tell how they are used.", "false")];
    let known = settings(&shared).into_iter().filter(|setting| FOR_CLIENTS.contains(&setting.name.as_str()));
    rows.extend(known.map(|setting| row(&setting.name, &setting.description, &setting.value)));
    Ok(rows)
}

fn set_config_value(call: &mut Call<'_, '_>) -> Rows {
    let (name, shared) = (call.text(0), call.instance()?);
    access::allow_any_as(&shared.catalog.names(), call.context.user, &[Action::Do(Act::ExecuteAdmin)])?;
    let is_known = settings(&shared).iter().any(|setting| setting.name == name.as_str());
    let text = match is_known {
        true => {
            format!("Setting '{name}' is not dynamic and can not be changed at runtime; restart the server with it.")
        }
        false => format!("Unknown setting: {name}"),
    };
    Err(Failure::new(Code::ProcedureCallFailed, text))
}

fn pools(call: &mut Call<'_, '_>) -> Rows {
    let shared = call.instance()?;
    let may = [Action::ShowLimit, Action::Do(Act::ExecuteAdmin)];
    access::allow_any_as(&shared.catalog.names(), call.context.user, &may)?;
    let kept = graph::Kept::now();
    let row = |pool: &str, used: u64, max: Option<u64>| {
        let both = |bytes: Option<u64>| match bytes {
            Some(bytes) => [Value::string(shown(bytes)), Value::string(bytes.to_string())],
            None => [Value::Null, Value::Null],
        };
        let free = max.map(|max| max.saturating_sub(used));
        let numbers = [both(Some(used)), both(Some(0)), both(free), both(max)];
        [Value::string(pool), Value::Null].into_iter().chain(numbers.into_iter().flatten()).collect()
    };
    let bytes = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    Ok(vec![
        row("Statements", bytes(shared.memory.held_bytes()), shared.memory.max_bytes().map(bytes)),
        row("Topology", kept.topology_bytes, None),
        row("Warm pages", kept.warm_bytes, None),
    ])
}

/// Writes a number of bytes as people read it: `1.50MiB`.
fn shown(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut number = bytes as f64;
    let mut unit = 0;
    while number >= 1_024.0 && unit < units.len() - 1 {
        number /= 1_024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes}B") } else { format!("{number:.2}{}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_for_people() {
        assert_eq!([shown(0), shown(1_023), shown(1_536), shown(5 << 30)], ["0B", "1023B", "1.50KiB", "5.00GiB"]);
    }
}
