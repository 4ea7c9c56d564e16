//! What one user may change: each change is asked for before it is made, and refused in Neo4j's words.
//! Leaves what can be found to `seeing`.

use catalog::GraphRights;
use catalog::graph_rights::SchemaRight;
use graph::keys::TokenKind;
use query::Source;
use types::{CompactString, Failure, KeyId, LabelId, NodeId, RelationshipId, TypeId, Value};

use super::refusal::{no_new_name, refused};
use super::rules::Rules;
use super::sighted::Sighted;

/// Properties to be set.
type Changes = Vec<(KeyId, Value)>;

impl Sighted {
    /// Refuses a name that nobody used before, where it may not be made.
    pub(super) fn check_name(&self, kind: TokenKind, name: &str) -> Result<(), Failure> {
        if self.graph.number_of(kind, name).is_some() {
            return Ok(());
        }
        check_new_name(&self.rights, kind, self.graph.database())
    }

    /// Makes a name with `make`, and the rules anew where it is a new one: it may be one that they name.
    ///
    /// Where it may not be made it gets a number that the graph does not know. What is done with that is refused, and for
    /// the same reason as with any other name first: that a name is new is told only to who could use it.
    pub(super) fn made<T>(
        &mut self,
        kind: TokenKind,
        name: &str,
        number: impl FnOnce(u32) -> T,
        make: impl FnOnce(&mut crate::source::GraphSource) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let is_new = self.graph.number_of(kind, name).is_none();
        if self.check_name(kind, name).is_err() {
            return Ok(number(self.unmade(kind, name)));
        }
        let made = make(&mut self.graph)?;
        if is_new {
            self.rules = Rules::of(&self.rights, &self.graph);
        }
        Ok(made)
    }

    /// Gives the number that stands for a name that nobody made.
    pub(super) fn unmade(&self, kind: TokenKind, name: &str) -> u32 {
        let mut unmade = self.unmade.borrow_mut();
        let place = unmade.iter().position(|(of, known)| *of == kind && known == name).unwrap_or_else(|| {
            unmade.push((kind, name.into()));
            unmade.len() - 1
        });
        u32::MAX - u32::try_from(place).expect("a statement has fewer names")
    }

    /// Tells whether a number stands for a name that nobody made.
    pub(super) fn is_unmade(&self, number: u32) -> bool {
        ((u32::MAX - number) as usize) < self.unmade.borrow().len()
    }

    fn name_of(&self, kind: TokenKind, number: u32) -> CompactString {
        match self.unmade.borrow().get((u32::MAX - number) as usize) {
            Some((_, name)) => name.clone(),
            None => self.graph.name_of(kind, number),
        }
    }

    /// Takes apart what is read of an entity and what is hidden of it, which counts as changed whether it is there or not.
    /// Keys that nobody made are left out where they are to be removed, and refused elsewhere.
    pub(super) fn split(
        &self,
        changes: &[(KeyId, Value)],
        hide: impl Fn(&Self, KeyId, &mut [Value]) -> Result<(), Failure>,
    ) -> Result<(Changes, Changes), Failure> {
        let (mut seen, mut hidden) = (Vec::with_capacity(changes.len()), Vec::new());
        for (key, value) in changes {
            if self.is_unmade(key.0) {
                self.check_made(TokenKind::Key, [key.0].into_iter().filter(|_| !value.is_null()))?;
                continue;
            }
            let mut shown = [Value::from(true)];
            hide(self, *key, &mut shown)?;
            if shown[0].is_null() { &mut hidden } else { &mut seen }.push((*key, value.clone()));
        }
        Ok((seen, hidden))
    }

    /// Refuses names that nobody made.
    pub(super) fn check_made(&self, kind: TokenKind, numbers: impl IntoIterator<Item = u32>) -> Result<(), Failure> {
        match numbers.into_iter().any(|number| self.is_unmade(number)) {
            true => check_new_name(&self.rights, kind, self.graph.database()),
            false => Ok(()),
        }
    }

    /// Refuses to make a node with these labels and properties.
    pub(super) fn check_create_node(&self, labels: &[LabelId], properties: &[(KeyId, Value)]) -> Result<(), Failure> {
        let rights = &self.rights.nodes;
        if rights.create.is_everything() && rights.set_property.is_everything() {
            return Ok(());
        }
        let names = self.label_names(labels);
        if !rights.create.allows_each(names.iter().map(CompactString::as_str)) {
            return Err(self.refused(&format!("Create node with labels '{}'", names.join(","))));
        }
        self.check_properties_of_node(&names, properties.iter().map(|(key, _)| *key))
    }

    /// Refuses to make a relationship of this type with these properties.
    pub(super) fn check_create_relationship(&self, kind: TypeId, properties: &[(KeyId, Value)]) -> Result<(), Failure> {
        let rights = &self.rights.relationships;
        if rights.create.is_everything() && rights.set_property.is_everything() {
            return Ok(());
        }
        let name = self.name_of(TokenKind::Type, kind.0);
        if !rights.create.allows(&name) {
            return Err(self.refused(&format!("Create relationship with type '{name}'")));
        }
        properties.iter().try_for_each(|(key, _)| self.check_property_of_relationship(&name, *key))
    }

    /// Refuses to set or remove a property of a node.
    pub(super) fn check_set_node(&self, node: NodeId, key: KeyId) -> Result<(), Failure> {
        // What is deleted is told of by the graph itself.
        if self.rights.nodes.set_property.is_everything() || self.graph.has_deleted(node) {
            return Ok(());
        }
        let names = self.labels_now(node)?;
        self.check_properties_of_node(&names, [key])
    }

    /// Refuses to set or remove a property of a relationship.
    pub(super) fn check_set_relationship(&self, relationship: RelationshipId, key: KeyId) -> Result<(), Failure> {
        if self.rights.relationships.set_property.is_everything() {
            return Ok(());
        }
        let name = self.type_now(relationship)?;
        if name.is_empty() { Ok(()) } else { self.check_property_of_relationship(&name, key) }
    }

    /// Refuses to add a label.
    pub(super) fn check_add_label(&self, label: LabelId) -> Result<(), Failure> {
        let name = self.name_of(TokenKind::Label, label.0);
        match self.rights.set_label.allows(&name) {
            true => Ok(()),
            false => Err(self.refused(&format!("Set label for label '{name}'"))),
        }
    }

    /// Refuses to remove a label.
    pub(super) fn check_remove_label(&self, label: LabelId) -> Result<(), Failure> {
        let name = self.name_of(TokenKind::Label, label.0);
        match self.rights.remove_label.allows(&name) {
            true => Ok(()),
            false => Err(self.refused(&format!("Remove label for label '{name}'"))),
        }
    }

    /// Refuses to delete a node.
    pub(super) fn check_delete_node(&self, node: NodeId) -> Result<(), Failure> {
        let rule = &self.rights.nodes.delete;
        if rule.is_everything() || self.graph.has_deleted(node) {
            return Ok(());
        }
        let names = self.labels_now(node)?;
        match rule.allows_some(names.iter().map(CompactString::as_str)) {
            true => Ok(()),
            false => Err(self.refused(&format!("Delete node with labels '{}'", names.join(",")))),
        }
    }

    /// Refuses to delete a relationship.
    pub(super) fn check_delete_relationship(&self, relationship: RelationshipId) -> Result<(), Failure> {
        if self.rights.relationships.delete.is_everything() {
            return Ok(());
        }
        let name = self.type_now(relationship)?;
        match name.is_empty() || self.rights.relationships.delete.allows(&name) {
            true => Ok(()),
            false => Err(self.refused(&format!("Delete relationship with type '{name}'"))),
        }
    }

    fn check_properties_of_node(
        &self,
        labels: &[CompactString],
        keys: impl IntoIterator<Item = KeyId>,
    ) -> Result<(), Failure> {
        for key in keys {
            let name = self.name_of(TokenKind::Key, key.0);
            let rule = self.rights.nodes.set_property.rule(&name);
            if !rule.allows_some(labels.iter().map(CompactString::as_str)) {
                return Err(self.refused(&format!("Set property for property '{name}'")));
            }
        }
        Ok(())
    }

    fn check_property_of_relationship(&self, kind: &str, key: KeyId) -> Result<(), Failure> {
        let name = self.name_of(TokenKind::Key, key.0);
        match self.rights.relationships.set_property.rule(&name).allows(kind) {
            true => Ok(()),
            false => Err(self.refused(&format!("Set property for property '{name}'"))),
        }
    }

    fn label_names(&self, labels: &[LabelId]) -> Vec<CompactString> {
        labels.iter().map(|label| self.name_of(TokenKind::Label, label.0)).collect()
    }

    fn labels_now(&self, node: NodeId) -> Result<Vec<CompactString>, Failure> {
        let mut names = Vec::new();
        self.graph.labels_of(&[node], |_, labels| names = self.label_names(labels))?;
        Ok(names)
    }

    /// Gives the name of a relationship's type; an empty one where the relationship is gone.
    fn type_now(&self, relationship: RelationshipId) -> Result<CompactString, Failure> {
        let ends = self.graph.ends_of(&[relationship])?.pop().flatten();
        Ok(ends.map(|ends| self.name_of(TokenKind::Type, ends.kind.0)).unwrap_or_default())
    }

    fn refused(&self, what: &str) -> Failure {
        refused(what, self.graph.database(), &self.rights)
    }
}

/// Refuses a new name to who may not make one.
pub(crate) fn check_new_name(rights: &GraphRights, kind: TokenKind, database: &str) -> Result<(), Failure> {
    let (right, what, privilege) = match kind {
        TokenKind::Label => (SchemaRight::NewLabel, "node label", "CREATE NEW NODE LABEL"),
        TokenKind::Type => (SchemaRight::NewType, "relationship type", "CREATE NEW RELATIONSHIP TYPE"),
        TokenKind::Key => (SchemaRight::NewKey, "property name", "CREATE NEW PROPERTY NAME"),
    };
    if rights.may(right) { Ok(()) } else { Err(no_new_name(what, privilege, database, rights)) }
}
