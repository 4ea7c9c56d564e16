//! `apoc.schema.*`: indexes with how selective they are, and the values of a property.

use types::Value;

use super::built_in::{Call, Mode, Row, Rows};

/// Nodes that are read at a time.
const CHUNK: usize = 10_000;

pub(super) const ROWS: &[Row] = &[
    Row {
        signature: "apoc.schema.nodes(config = {} :: MAP) :: (name :: STRING, label :: ANY, \
                    properties :: LIST<STRING>, status :: STRING, type :: STRING, failure :: STRING, \
                    populationProgress :: FLOAT, size :: INTEGER, valuesSelectivity :: FLOAT, \
                    userDescription :: STRING)",
        description: "Lists the indexes and unique properties of nodes, with sizes and selectivity.",
        mode: Mode::Read,
        run: |call| indexes(call, Entities::Nodes),
    },
    Row {
        signature: "apoc.schema.relationships(config = {} :: MAP) :: (name :: STRING, type :: STRING, \
                    properties :: LIST<STRING>, status :: STRING, relationshipType :: ANY)",
        description: "Lists the indexes and unique properties of relationships.",
        mode: Mode::Read,
        run: |call| indexes(call, Entities::Relationships),
    },
    Row {
        signature: "apoc.schema.properties.distinct(label :: STRING, key :: STRING) :: (value :: LIST<ANY>)",
        description: "Gives the different values of a property of the nodes with a label.",
        mode: Mode::Read,
        run: distinct,
    },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Entities {
    Nodes,
    Relationships,
}

fn indexes(call: &mut Call<'_, '_>, entities: Entities) -> Rows {
    let (source, _) = call.graph()?;
    let mut rows = Vec::new();
    for index in source.indexes() {
        if index.relationships != (entities == Entities::Relationships) {
            continue;
        }
        let keys = index.keys.join(",");
        let kind = if index.unique { "UNIQUENESS" } else { "RANGE" };
        let listed = Value::list(index.keys.iter().cloned().map(Value::String).collect());
        if entities == Entities::Relationships {
            let name = Value::string(format!(":{}({keys})", index.of));
            rows.push(vec![name, kind.into(), listed, "ONLINE".into(), Value::String(index.of)]);
            continue;
        }
        let size = source.index_size(index.id)?;
        #[expect(clippy::cast_precision_loss, reason = "a share of something")]
        let selectivity = if size.entries == 0 { 1.0 } else { size.distinct as f64 / size.entries as f64 };
        let description = format!(
            "Index( id={}, name='{}', type='{kind}', schema=(:{} {{{}}}), indexProvider='range-1.0' )",
            index.id.0,
            index.name,
            index.of,
            index.keys.join(", ")
        );
        rows.push(vec![
            Value::string(format!(":{}({keys})", index.of)),
            Value::String(index.of),
            listed,
            "ONLINE".into(),
            kind.into(),
            "NO FAILURE".into(),
            100.0.into(),
            i64::try_from(size.entries).unwrap_or(i64::MAX).into(),
            selectivity.into(),
            Value::string(description),
        ]);
    }
    Ok(rows)
}

fn distinct(call: &mut Call<'_, '_>) -> Rows {
    let (label, key) = (call.text(0), call.text(1));
    let (source, budget) = call.graph()?;
    let (Some(label), Some(key)) = (source.label_id(&label), source.key_id(&key)) else {
        return Ok(vec![vec![Value::list(Vec::new())]]);
    };
    let mut found: Vec<Value> = Vec::new();
    let mut after = None;
    loop {
        let mut nodes = Vec::new();
        source.scan_nodes(Some(label), after, CHUNK, &mut nodes)?;
        budget.pay_rows(nodes.len().max(1))?;
        let mut values = Vec::with_capacity(nodes.len());
        source.node_property(&nodes, key, &mut values)?;
        let before: usize = found.iter().map(Value::memory_bytes).sum();
        found.extend(values.into_iter().filter(|value| !value.is_null()));
        types::effort::sort_by(&mut found, 1, types::compare::order);
        found.dedup_by(|left, right| types::compare::order(left, right).is_eq());
        let now: usize = found.iter().map(Value::memory_bytes).sum();
        budget.take_memory(now.saturating_sub(before))?;
        after = nodes.last().copied();
        if nodes.len() < CHUNK {
            return Ok(vec![vec![Value::list(found)]]);
        }
    }
}
