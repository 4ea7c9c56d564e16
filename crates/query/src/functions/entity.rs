//! The functions that need the source behind an entity: listed here, computed by the executor.

use super::{Function, Kind};

/// A function that the executor computes, because it needs the source behind an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntityFunction {
    /// `labels(node)`
    Labels,
    /// `type(relationship)`
    Type,
    /// `properties(node | relationship | map)`
    Properties,
    /// `keys(node | relationship | map)`
    Keys,
    /// `id(node | relationship)`
    Id,
    /// `elementId(node | relationship)`
    ElementId,
    /// `startNode(relationship)`
    StartNode,
    /// `endNode(relationship)`
    EndNode,
    /// `nodes(path)`
    Nodes,
    /// `relationships(path)`
    Relationships,
    /// `length(path)`
    Length,
    /// `exists(pattern or property)`
    Exists,
}

const fn row(
    name: &'static str,
    function: EntityFunction,
    signature: &'static str,
    description: &'static str,
) -> Function {
    Function { name, arity: (1, 1), deterministic: true, kind: Kind::Entity(function), signature, description }
}

pub(super) const FUNCTIONS: &[Function] = &[
    row("labels", EntityFunction::Labels, "labels(input :: NODE) :: LIST<STRING>", "Returns all labels of a node."),
    row("type", EntityFunction::Type, "type(input :: RELATIONSHIP) :: STRING", "Returns the type of a relationship."),
    row(
        "properties",
        EntityFunction::Properties,
        "properties(input :: NODE | RELATIONSHIP | MAP) :: MAP",
        "Returns all properties of a node, a relationship or a map.",
    ),
    row(
        "keys",
        EntityFunction::Keys,
        "keys(input :: NODE | RELATIONSHIP | MAP) :: LIST<STRING>",
        "Returns the names of all properties of a node, a relationship or a map.",
    ),
    row(
        "id",
        EntityFunction::Id,
        "id(input :: NODE | RELATIONSHIP) :: INTEGER",
        "Returns the number of a node or a relationship within its database.",
    ),
    row(
        "elementId",
        EntityFunction::ElementId,
        "elementId(input :: NODE | RELATIONSHIP) :: STRING",
        "Returns the name of a node or a relationship among all databases.",
    ),
    row(
        "startNode",
        EntityFunction::StartNode,
        "startNode(input :: RELATIONSHIP) :: NODE",
        "Returns the node where a relationship starts.",
    ),
    row(
        "endNode",
        EntityFunction::EndNode,
        "endNode(input :: RELATIONSHIP) :: NODE",
        "Returns the node where a relationship ends.",
    ),
    row(
        "apoc.any.properties",
        EntityFunction::Properties,
        "apoc.any.properties(thing :: ANY) :: MAP",
        "Returns all properties of a node, a relationship or a map.",
    ),
    row("nodes", EntityFunction::Nodes, "nodes(input :: PATH) :: LIST<NODE>", "Returns the nodes along a path."),
    row(
        "relationships",
        EntityFunction::Relationships,
        "relationships(input :: PATH) :: LIST<RELATIONSHIP>",
        "Returns the relationships along a path.",
    ),
    row(
        "length",
        EntityFunction::Length,
        "length(input :: PATH) :: INTEGER",
        "Returns the number of relationships of a path.",
    ),
    row(
        "exists",
        EntityFunction::Exists,
        "exists(input :: ANY) :: BOOLEAN",
        "Returns true if the pattern has a match or the property is there.",
    ),
];
