//! What the last PULL or DISCARD tells of a statement.

use std::time::Instant;

use bolt::{Entries, PackError};
use types::{Map, Refusal, Value};

use crate::sessions::{Counters, Notification, Plan, Summary};

/// Writes the metadata of a statement that has ended.
pub(super) fn write(map: &mut Entries<'_>, summary: &Summary, consumed_in: i64) -> Result<(), PackError> {
    map.string("type", summary.kind.letters())?;
    map.integer("t_last", consumed_in)?;
    map.string("db", &summary.database)?;
    if let Some(bookmark) = &summary.bookmark {
        map.string("bookmark", bookmark)?;
    }
    if summary.truncated {
        map.boolean("truncated", true)?;
    }
    write_stats(map, &summary.counters)?;
    if let Some(plan) = &summary.plan {
        let key = if plan.profile.is_some() { "profile" } else { "plan" };
        map.value(key, &plan_value(plan, &summary.database))?;
    }
    if !summary.notifications.is_empty() {
        let notifications = summary.notifications.iter().map(notification_value).collect();
        map.value("notifications", &Value::list(notifications))?;
    }
    Ok(())
}

/// Writes which limit was in the way, how much of it is used, and when to try again.
pub(super) fn write_refusal(map: &mut Entries<'_>, refusal: &Refusal) -> Result<(), PackError> {
    map.string("limit", refusal.limit)?;
    map.string("database", &refusal.database)?;
    map.string("source", refusal.set_by.word())?;
    if let Some(role) = refusal.set_by.role() {
        map.string("role", role)?;
    }
    map.integer("value", signed(refusal.max))?;
    map.integer("use", signed(refusal.used))?;
    if let Some(wanted) = refusal.wanted {
        map.integer("wanted", signed(wanted))?;
    }
    match refusal.retry_after {
        Some(time) => map.value("retry_after", &Value::Float(time.as_secs_f64())),
        None => Ok(()),
    }
}

/// Gives the whole milliseconds from one moment to a later one.
pub(super) fn millis(from: Instant, to: Instant) -> i64 {
    i64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(i64::MAX)
}

/// Only what changed is told; nothing at all if nothing did.
fn write_stats(map: &mut Entries<'_>, counters: &Counters) -> Result<(), PackError> {
    if *counters == Counters::default() {
        return Ok(());
    }
    map.nested("stats", |stats| {
        let counts = [
            ("nodes-created", counters.nodes_created),
            ("nodes-deleted", counters.nodes_deleted),
            ("relationships-created", counters.relationships_created),
            ("relationships-deleted", counters.relationships_deleted),
            ("properties-set", counters.properties_set),
            ("labels-added", counters.labels_added),
            ("labels-removed", counters.labels_removed),
            ("indexes-added", counters.indexes_added),
            ("indexes-removed", counters.indexes_removed),
            ("constraints-added", counters.constraints_added),
            ("constraints-removed", counters.constraints_removed),
            ("system-updates", counters.system_updates),
        ];
        for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            stats.integer(key, signed(count))?;
        }
        if counters.contains_updates() {
            stats.boolean("contains-updates", true)?;
        }
        if counters.system_updates > 0 {
            stats.boolean("contains-system-updates", true)?;
        }
        Ok(())
    })
}

/// An operator as a map. Neo4j's servers add the database to its name, and tools cut it off again.
fn plan_value(plan: &Plan, database: &str) -> Value {
    let mut map = Map::new();
    let database = match plan.arguments.get("Database") {
        Some(Value::String(own)) => own.as_str(),
        _ => database,
    };
    map.insert("operatorType".into(), Value::string(format!("{}@{database}", plan.operator)));
    map.insert("args".into(), Value::map(plan.arguments.clone()));
    let identifiers = plan.identifiers.iter().map(|name| Value::string(name.as_str())).collect();
    map.insert("identifiers".into(), Value::list(identifiers));
    if let Some(profile) = &plan.profile {
        for (key, count) in [("rows", profile.rows), ("dbHits", profile.db_hits), ("time", profile.time_nanos)] {
            map.insert(key.into(), Value::Integer(signed(count)));
        }
        // Pages are the operating system's affair here; drivers ask for the keys all the same.
        map.insert("pageCacheHits".into(), Value::Integer(0));
        map.insert("pageCacheMisses".into(), Value::Integer(0));
        map.insert("pageCacheHitRatio".into(), Value::Float(0.0));
    }
    let children = plan.children.iter().map(|child| plan_value(child, database)).collect();
    map.insert("children".into(), Value::list(children));
    Value::map(map)
}

fn notification_value(notification: &Notification) -> Value {
    let mut map = Map::new();
    for (key, text) in [
        ("code", &notification.code),
        ("title", &notification.title),
        ("description", &notification.description),
        ("severity", &notification.severity),
        ("category", &notification.category),
    ] {
        map.insert(key.into(), Value::string(text.as_str()));
    }
    if let Some(position) = notification.position {
        let place = [("offset", position.offset), ("line", position.line), ("column", position.column)];
        let place = place.map(|(key, number)| (key.into(), Value::Integer(signed(number as u64))));
        map.insert("position".into(), Value::map(place.into_iter().collect()));
    }
    Value::map(map)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
