//! New nodes and relationships, for each row.

use types::{Code, Failure, KeyId, LabelId, NodeId, NodeRef, RelationshipRef, TypeId, Value};

use super::properties::{Numbers, Properties, kind, labels, source};
use super::{Create, CreateNode, CreateRelationship, LabelSource, Operator};
use crate::expression::{Context, Portions, mismatch};
use crate::{Batch, Column};

/// Each row with new nodes and relationships.
pub(super) struct CreateAll {
    pub input: Box<dyn Operator>,
    pub how: Create,
    pub portions: Portions,
}

impl Operator for CreateAll {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        let Some(mut batch) = self.input.next(context)? else { return Ok(None) };
        create(&self.how, Nulls::LeftOut, &mut batch, &mut self.portions, context)?;
        Ok(Some(batch))
    }
}

/// What becomes of a property that is null.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nulls {
    /// It is left out.
    LeftOut,
    /// It is an error: what is made so would never be found again.
    Refused,
}

/// Nodes to be made, ready for each row.
struct NewNodes {
    slot: usize,
    labels: Numbers<LabelId>,
    properties: Properties,
    made: Vec<NodeId>,
}

/// Relationships to be made, ready for each row.
struct NewRelationships<'a> {
    how: &'a CreateRelationship,
    kind: Numbers<TypeId>,
    properties: Properties,
    made: Vec<RelationshipRef>,
}

/// Makes what a pattern says for each row of a batch, and fills its slots.
///
/// Everything is computed before anything is made, so that no row sees what another one made; where values are large, so
/// for as many rows as there is room for.
pub(super) fn create(
    how: &Create,
    nulls: Nulls,
    batch: &mut Batch,
    portions: &mut Portions,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let compute = |batch: &Batch, context: &mut Context<'_>| {
        let nodes = how.nodes.iter().map(|node| new_nodes(node, how.source, nulls, batch, context));
        let nodes = nodes.collect::<Result<Vec<_>, Failure>>()?;
        let relationships = how.relationships.iter();
        let relationships = relationships.map(|found| new_relationships(found, how.source, nulls, batch, context));
        Ok((nodes, relationships.collect::<Result<Vec<_>, Failure>>()?))
    };
    let mut made_nodes = vec![Vec::with_capacity(batch.rows); how.nodes.len()];
    let mut made_relationships = vec![Vec::with_capacity(batch.rows); how.relationships.len()];
    let (mut properties, mut first) = (Vec::new(), 0);
    while first < batch.rows {
        let portion = portions.next(batch, first, context, compute)?;
        let (mut nodes, mut relationships) = portion.made;
        for row in 0..portion.rows {
            context.budget.pay_rows((how.nodes.len() + how.relationships.len()).max(1))?;
            for node in &mut nodes {
                node.make(how.source, row, &mut properties, context)?;
            }
            for relationship in &mut relationships {
                let known = (&*nodes, portion.some.as_ref().unwrap_or(batch));
                relationship.make(how.source, row, known, &mut properties, context)?;
            }
            context.hold_changes(how.source)?;
        }
        made_nodes.iter_mut().zip(nodes).for_each(|(all, node)| all.extend(node.made));
        made_relationships.iter_mut().zip(relationships).for_each(|(all, found)| all.extend(found.made));
        first += portion.rows;
        context.budget.give_back_memory(portion.held_bytes);
    }
    for (node, ids) in how.nodes.iter().zip(made_nodes) {
        batch.set(node.slot, Column::Nodes { source: how.source, ids });
    }
    for (relationship, made) in how.relationships.iter().zip(made_relationships) {
        batch.set(relationship.slot, Column::Relationships(made));
    }
    Ok(())
}

fn new_nodes(
    how: &CreateNode,
    number: u16,
    nulls: Nulls,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<NewNodes, Failure> {
    let refuse = |key: &str| refused("node", key, &format!("({} {{{key}: null}})", shown(&how.labels)));
    let refuse: Option<&dyn Fn(&str) -> Failure> = if nulls == Nulls::Refused { Some(&refuse) } else { None };
    let properties = Properties::compute(&how.properties, number, refuse, batch, context)?;
    let labels = labels(&how.labels, number, batch, context)?;
    Ok(NewNodes { slot: how.slot, labels, properties, made: Vec::with_capacity(batch.rows) })
}

fn new_relationships<'a>(
    how: &'a CreateRelationship,
    number: u16,
    nulls: Nulls,
    batch: &Batch,
    context: &mut Context<'_>,
) -> Result<NewRelationships<'a>, Failure> {
    let kind_shown = shown(std::slice::from_ref(&how.kind));
    let refuse = |key: &str| refused("relationship", key, &format!("-[{kind_shown} {{{key}: null}}]-"));
    let refuse: Option<&dyn Fn(&str) -> Failure> = if nulls == Nulls::Refused { Some(&refuse) } else { None };
    let properties = Properties::compute(&how.properties, number, refuse, batch, context)?;
    let kind = kind(&how.kind, number, batch, context)?;
    Ok(NewRelationships { how, kind, properties, made: Vec::with_capacity(batch.rows) })
}

impl NewNodes {
    fn make(
        &mut self,
        number: u16,
        row: usize,
        properties: &mut Vec<(KeyId, Value)>,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        self.properties.row(row, properties)?;
        let labels = self.labels.row(row);
        self.made.push(source(context, number).create_node(labels, properties)?);
        context.counters.nodes_created += 1;
        context.counters.labels_added += labels.len() as u64;
        context.counters.properties_set += properties.len() as u64;
        Ok(())
    }
}

impl NewRelationships<'_> {
    fn make(
        &mut self,
        number: u16,
        row: usize,
        known: (&[NewNodes], &Batch),
        properties: &mut Vec<(KeyId, Value)>,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let start = self.end(number, row, known, (self.how.start, &self.how.names[0]))?;
        let end = self.end(number, row, known, (self.how.end, &self.how.names[1]))?;
        self.properties.row(row, properties)?;
        let kind = self.kind.row(row)[0];
        let id = source(context, number).create_relationship(start, kind, end, properties)?;
        self.made.push(RelationshipRef { source: number, id, kind, start, end });
        context.counters.relationships_created += 1;
        context.counters.properties_set += properties.len() as u64;
        Ok(())
    }

    /// Finds one of the two nodes: a new one, or one of the row.
    fn end(
        &self,
        number: u16,
        row: usize,
        (nodes, batch): (&[NewNodes], &Batch),
        (slot, name): (usize, &str),
    ) -> Result<NodeId, Failure> {
        if let Some(node) = nodes.iter().find(|node| node.slot == slot) {
            return Ok(node.made[row]);
        }
        match batch.value(slot, row) {
            Value::NodeRef(NodeRef { source, id }) if source == number => Ok(id),
            Value::NodeRef(_) => {
                let text =
                    "A relationship cannot join nodes of two databases. Keep a property of the other node instead.";
                Err(Failure::new(Code::SemanticError, text))
            }
            Value::Null => {
                let kind = shown(std::slice::from_ref(&self.how.kind));
                let text = format!("Failed to create relationship `{}`, node `{name}` is missing.", &kind[1..]);
                Err(Failure::new(Code::EntityNotFound, text))
            }
            other => Err(mismatch("Node", &other)),
        }
    }
}

fn shown(labels: &[LabelSource]) -> String {
    labels
        .iter()
        .map(|label| match label {
            LabelSource::Name(name) => format!(":{name}"),
            LabelSource::Dynamic(_) => ":$(...)".to_owned(),
        })
        .collect()
}

#[cold]
fn refused(what: &str, key: &str, pattern: &str) -> Failure {
    let text = format!(
        "Cannot merge the following {what} because of null property value for '{key}': {pattern} (MergeReadOwnWrites)"
    );
    Failure::new(Code::SemanticError, text)
}
