//! The counters of a statement, under the keys of each HTTP API.

use super::json::Json;
use crate::sessions::Counters;

/// Writes all counters under the transactional API's keys, zeros too.
pub(super) fn write_stats(json: &mut Json, counters: &Counters) {
    write(
        json,
        "stats",
        counters,
        [
            "contains_updates",
            "nodes_created",
            "nodes_deleted",
            "properties_set",
            "relationships_created",
            // Singular, as clients know it.
            "relationship_deleted",
            "labels_added",
            "labels_removed",
            "indexes_added",
            "indexes_removed",
            "constraints_added",
            "constraints_removed",
            "contains_system_updates",
            "system_updates",
        ],
    );
}

/// Writes all counters under the Query API's keys. The official driver refuses any other key.
pub(super) fn write_counters(json: &mut Json, counters: &Counters) {
    write(
        json,
        "counters",
        counters,
        [
            "containsUpdates",
            "nodesCreated",
            "nodesDeleted",
            "propertiesSet",
            "relationshipsCreated",
            "relationshipsDeleted",
            "labelsAdded",
            "labelsRemoved",
            "indexesAdded",
            "indexesRemoved",
            "constraintsAdded",
            "constraintsRemoved",
            "containsSystemUpdates",
            "systemUpdates",
        ],
    );
}

fn write(json: &mut Json, name: &str, counters: &Counters, keys: [&str; 14]) {
    let values = [
        Stat::Truth(counters.contains_updates()),
        Stat::Count(counters.nodes_created),
        Stat::Count(counters.nodes_deleted),
        Stat::Count(counters.properties_set),
        Stat::Count(counters.relationships_created),
        Stat::Count(counters.relationships_deleted),
        Stat::Count(counters.labels_added),
        Stat::Count(counters.labels_removed),
        Stat::Count(counters.indexes_added),
        Stat::Count(counters.indexes_removed),
        Stat::Count(counters.constraints_added),
        Stat::Count(counters.constraints_removed),
        Stat::Truth(counters.system_updates > 0),
        Stat::Count(counters.system_updates),
    ];
    json.key(name);
    json.begin_object();
    for (key, value) in keys.into_iter().zip(values) {
        json.key(key);
        match value {
            Stat::Truth(truth) => json.boolean(truth),
            Stat::Count(count) => json.integer(i64::try_from(count).unwrap_or(i64::MAX)),
        }
    }
    json.end_object();
}

enum Stat {
    Truth(bool),
    Count(u64),
}
