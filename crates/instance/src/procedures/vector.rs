//! `db.index.vector.*`: nearest neighbours of a vector.
//! Leaves the search to the graph, and setting properties to vectors to `set_vector`.

use query::{Search, Sought, VectorIndex};
use types::Value;

use super::built_in::{Call, Mode, Row, Rows};
use super::fulltext::found;
use crate::search::illegal;

/// The most neighbours that one call gives.
const NEIGHBOURS_MAX: i64 = 1_000_000;

pub(super) const ROWS: &[Row] = &[
    Row {
        signature: "db.index.vector.queryNodes(indexName :: STRING, numberOfNearestNeighbours :: INTEGER, query :: ANY) \
                    :: (node :: NODE, score :: FLOAT)",
        description: "Finds the nodes whose vectors are nearest to a vector, the nearest first.",
        mode: Mode::Read,
        run: |call| query(call, false),
    },
    Row {
        signature: "db.index.vector.queryRelationships(indexName :: STRING, numberOfNearestNeighbours :: INTEGER, \
                    query :: ANY) :: (relationship :: RELATIONSHIP, score :: FLOAT)",
        description: "Finds the relationships whose vectors are nearest to a vector, the nearest first.",
        mode: Mode::Read,
        run: |call| query(call, true),
    },
    Row {
        signature: "db.index.vector.createNodeIndex(indexName :: STRING, label :: STRING, propertyKey :: STRING, \
                    vectorDimension :: INTEGER, vectorSimilarityFunction :: STRING)",
        description: "Makes a vector index for nodes. Deprecated: use CREATE VECTOR INDEX.",
        mode: Mode::Write,
        run: |call| {
            let dimensions = match call.arguments.get(3) {
                Some(Value::Integer(dimensions)) => *dimensions,
                _ => 0,
            };
            let (name, label, key, similarity) = (call.text(0), call.text(1), call.text(2), call.text(4));
            let index = VectorIndex { name: &name, label: &label, key: &key, dimensions, similarity: &similarity };
            call.written()?.make_vector_index(&index)?;
            call.context.counters.indexes_added += 1;
            Ok(Vec::new())
        },
    },
    Row {
        signature: "db.create.setVectorProperty(node :: NODE, key :: STRING, vector :: ANY) :: (node :: NODE)",
        description: "Sets a property of a node to a vector. Deprecated: use db.create.setNodeVectorProperty.",
        mode: Mode::Write,
        run: |call| {
            let vector = super::set_vector::vector(call)?;
            let (nodes, name) = (call.nodes(0)?, call.text(1));
            let source = call.written()?;
            let key = source.make_key(&name)?;
            for node in &nodes {
                source.set_node_property(node.id, key, vector.clone())?;
            }
            call.context.counters.properties_set += nodes.len() as u64;
            Ok(nodes.into_iter().map(|node| vec![Value::NodeRef(node)]).collect())
        },
    },
];

fn query(call: &mut Call<'_, '_>, relationships: bool) -> Rows {
    let index = call.text(0);
    let refused = |text: &str| {
        let sought = Sought::Near { vector: &[], count: 0 };
        Err(illegal(&Search { index: &index, relationships, sought }, text))
    };
    let count = match call.arguments.get(1) {
        Some(Value::Integer(count)) if (1..=NEIGHBOURS_MAX).contains(count) => usize::try_from(*count),
        _ => return refused("'numberOfNearestNeighbours' must be positive"),
    };
    let Ok(count) = count else { return refused("'numberOfNearestNeighbours' must be positive") };
    let vector = match call.arguments.get(2) {
        Some(Value::List(items)) => numbers(items),
        _ => None,
    };
    let Some(vector) = vector else { return refused("'query' must be a list of numbers") };
    found(call, &Search { index: &index, relationships, sought: Sought::Near { vector: &vector, count } })
}

fn numbers(items: &[Value]) -> Option<Vec<f64>> {
    let number = |item: &Value| match item {
        Value::Float(number) => Some(*number),
        #[expect(clippy::cast_precision_loss, reason = "a vector holds floats")]
        Value::Integer(number) => Some(*number as f64),
        _ => None,
    };
    items.iter().map(number).collect()
}
