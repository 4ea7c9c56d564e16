//! `SHOW SERVERS`: one row, for there is one server.
//! Leaves `YIELD` and what follows it to `tail`.

use catalog::{Action, Requested, Target, access};
use cypher::ast::ShowTail;
use types::privilege::Act;
use types::{DatabaseName, Failure, Value};

use crate::procedures::NEO4J_VERSION;
use crate::records::Records;
use crate::statement::Statement;
use crate::tail::{Column, Listing, extra, usual};

const COLUMNS: &[Column] = &[
    extra("serverId"),
    usual("name"),
    usual("address"),
    extra("httpAddress"),
    extra("httpsAddress"),
    usual("state"),
    usual("health"),
    usual("hosting"),
    extra("requestedHosting"),
    extra("tags"),
    extra("allowedDatabases"),
    extra("deniedDatabases"),
    extra("modeConstraint"),
    extra("version"),
];

/// Lists the server, to who may list servers. Of its databases he hears of those that he may see.
pub(crate) fn show(statement: &mut Statement<'_>, tail: &ShowTail) -> Result<Records, Failure> {
    super::allow(statement, &Action::Do(Act::ShowServer))?;
    let Statement { names, principal, shared, .. } = *statement;
    let (mut requested, mut online) = (Vec::new(), Vec::new());
    for row in names.databases() {
        let target = Target { database: row.id, name: row.name.clone(), alias: None };
        if access::sees(names, principal, &target) {
            requested.push(Value::from(row.name.as_str()));
            if row.requested == Requested::Online && shared.standing(&row).trouble().is_none() {
                online.push(Value::from(row.name.as_str()));
            }
        }
    }
    let id = shared.server_id.to_string();
    let http = shared.options.settings.iter().find(|setting| setting.name == "sheaf.http");
    let http = http.map(|setting| setting.value.as_str()).filter(|address| address.contains(':'));
    let nothing = || Value::list(Vec::new());
    let row = vec![
        Value::string(id.as_str()),
        Value::string(id.as_str()),
        shared.options.address.as_str().into(),
        http.map_or(Value::Null, Value::from),
        Value::Null,
        "Enabled".into(),
        "Available".into(),
        Value::list(online),
        Value::list(requested),
        nothing(),
        nothing(),
        nothing(),
        "NONE".into(),
        NEO4J_VERSION.into(),
    ];
    Listing::of(COLUMNS, vec![row]).answer(statement, tail, DatabaseName::system().to_string())
}
