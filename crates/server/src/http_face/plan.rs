//! Plans and notifications, as both HTTP APIs show them.

use super::json::{Json, write_value};
use crate::sessions::{Notification, Plan, Profile};

/// Writes an operator with its children, in the keys of the Query API.
pub(super) fn write_plan(json: &mut Json, plan: &Plan) {
    json.begin_object();
    json.key("operatorType");
    json.string(&plan.operator);
    json.key("arguments");
    json.begin_object();
    for (key, value) in &plan.arguments {
        json.key(key);
        write_value(json, value);
    }
    json.end_object();
    json.key("identifiers");
    json.begin_list();
    plan.identifiers.iter().for_each(|name| json.string(name));
    json.end_list();
    if let Some(profile) = &plan.profile {
        write_profile(json, profile);
    }
    json.key("children");
    json.begin_list();
    plan.children.iter().for_each(|child| write_plan(json, child));
    json.end_list();
    json.end_object();
}

fn write_profile(json: &mut Json, profile: &Profile) {
    for (key, count) in [("dbHits", profile.db_hits), ("records", profile.rows), ("time", profile.time_nanos)] {
        json.key(key);
        json.integer(i64::try_from(count).unwrap_or(i64::MAX));
    }
    json.key("hasPageCacheStats");
    json.boolean(false);
}

/// Writes the list of notifications.
pub(super) fn write_notifications(json: &mut Json, notifications: &[Notification]) {
    json.key("notifications");
    json.begin_list();
    for notification in notifications {
        json.begin_object();
        for (key, text) in [
            ("code", &notification.code),
            ("title", &notification.title),
            ("description", &notification.description),
            ("severity", &notification.severity),
            ("category", &notification.category),
        ] {
            json.key(key);
            json.string(text);
        }
        if let Some(position) = notification.position {
            json.key("position");
            json.begin_object();
            for (key, number) in [("offset", position.offset), ("line", position.line), ("column", position.column)] {
                json.key(key);
                json.integer(i64::try_from(number).unwrap_or(i64::MAX));
            }
            json.end_object();
        }
        json.end_object();
    }
    json.end_list();
}
