//! `db.create.setNodeVectorProperty` and its sibling: vectors as lists of floats, checked before they are kept.

use query::operator::stored;
use types::{Code, Failure, Value};

use super::built_in::{Call, Mode, Row, wrong};

pub(super) const ROWS: &[Row] = &[
    Row {
        signature: "db.create.setNodeVectorProperty(node :: NODE, key :: STRING, vector :: ANY)",
        description: "Sets a property of a node to a vector.",
        mode: Mode::Write,
        run: |call| {
            let vector = vector(call)?;
            for node in call.nodes(0)? {
                let name = call.text(1);
                let source = call.written()?;
                let key = source.make_key(&name)?;
                source.set_node_property(node.id, key, vector.clone())?;
                call.context.counters.properties_set += 1;
            }
            Ok(Vec::new())
        },
    },
    Row {
        signature: "db.create.setRelationshipVectorProperty(relationship :: RELATIONSHIP, key :: STRING, vector :: ANY)",
        description: "Sets a property of a relationship to a vector.",
        mode: Mode::Write,
        run: |call| {
            let (vector, relationship, name) = (vector(call)?, call.relationship(0)?, call.text(1));
            let source = call.written()?;
            let key = source.make_key(&name)?;
            source.set_relationship_property(relationship.id, key, vector)?;
            call.context.counters.properties_set += 1;
            Ok(Vec::new())
        },
    },
];

/// Gives the vector that was passed: at least one number, all of them finite.
pub(super) fn vector(call: &Call<'_, '_>) -> Result<Value, Failure> {
    let given = call.arguments.get(2).unwrap_or(&Value::Null);
    let Value::List(items) = given else { return Err(wrong("a list of numbers", given)) };
    let float = |item: &Value| match item {
        Value::Float(number) if number.is_finite() => Ok(Value::Float(*number)),
        #[expect(clippy::cast_precision_loss, reason = "a vector holds floats")]
        Value::Integer(number) => Ok(Value::Float(*number as f64)),
        other => Err(Failure::new(
            Code::ArgumentError,
            format!("A vector holds finite numbers, got: {}", types::text::literal(other)),
        )),
    };
    let numbers = items.iter().map(float).collect::<Result<Vec<Value>, Failure>>()?;
    if numbers.is_empty() {
        return Err(Failure::new(Code::ArgumentError, "A vector holds one number at least."));
    }
    stored(Value::list(numbers))
}
