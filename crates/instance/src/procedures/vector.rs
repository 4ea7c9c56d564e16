//! `db.index.vector.*`: nearest neighbours of a vector.
//! Leaves the search to the graph, and setting properties to vectors to `set_vector`.

use query::{Search, Sought};
use types::{Failure, Value};

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
