//! Making and dropping indexes and constraints in a transaction.
//! Leaves the write to `apply`, and data that is too much for one commit to the database's filler.
//! Start reading at [`Transaction::create_constraint`].

use types::{Code, CompactString, IndexId, KeyId};

use super::schema::SchemaChange;
use super::validate::Mark;
use super::{NewIndex, Transaction};
use crate::GraphError;
use crate::codec::fact::{
    ConstraintDefinition, ConstraintId, ConstraintKind, IndexDefinition, IndexKind, IndexOn, IndexState,
};
use crate::constraint::validate::{self, Held};
use crate::keys::{Counted, Meta};

/// What a new constraint is to be.
#[derive(Clone, Debug)]
pub struct NewConstraint {
    /// Its name, which its index gets too.
    pub name: CompactString,
    /// Whom it is about: one label or one type.
    pub on: IndexOn,
    /// The property keys.
    pub keys: Vec<KeyId>,
    /// What it asks.
    pub kind: ConstraintKind,
}

/// When older data is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Older {
    /// Within this transaction, however much it is.
    Now,
    /// After the commit, if it is much: see [`crate::Database::wait_filled`].
    Later,
}

impl Transaction {
    /// Makes an index; a small one is filled when the transaction commits, a large one after that.
    pub fn create_index(&mut self, new: NewIndex) -> Result<IndexId, GraphError> {
        let (indexes, constraints) = self.schema_now();
        if let Some(there) = constraints.iter().find(|it| it.name == new.name) {
            let text = format!("There already exists a constraint called '{}'.", there.name);
            return Err(GraphError::SchemaRefused { code: Code::ConstraintNameExists, text });
        }
        let same = |index: &&IndexDefinition| {
            index.on == new.on && index.keys == new.keys && index.kind == new.kind && index.constraint.is_some()
        };
        if let Some(owned) = indexes.iter().find(same).filter(|owned| owned.name != new.name) {
            let text = format!(
                "There is a uniqueness constraint on {}, so an index is already created that matches this.",
                self.words().schema(&owned.on, &owned.keys)
            );
            return Err(GraphError::SchemaRefused { code: Code::ConstraintExists, text });
        }
        new.check_against(&indexes)?;
        let id = IndexId(self.next_number()?);
        let state = if self.is_small(&new.on)? { IndexState::Online } else { IndexState::Populating };
        let NewIndex { name, on, keys, kind, options } = new;
        let state = if kind == IndexKind::Lookup { IndexState::Online } else { state };
        let index = IndexDefinition { id, name, on, keys, kind, state, constraint: None, options };
        self.schema_changes.push(SchemaChange::Create(index));
        Ok(id)
    }

    /// Removes an index and its entries; one that belongs to a constraint goes with that only.
    pub fn drop_index(&mut self, name: &str) -> Result<(), GraphError> {
        let index = self.indexes().into_iter().find(|index| index.name == name);
        let index = index.ok_or_else(|| GraphError::IndexNotFound { name: name.into() })?;
        if index.constraint.is_some() {
            let text = format!("Unable to drop index: Index belongs to constraint: `{name}`");
            return Err(GraphError::SchemaRefused { code: Code::IndexOfConstraint, text });
        }
        self.schema_changes.push(SchemaChange::Drop(index));
        Ok(())
    }

    /// Makes a constraint, with its index if it needs one.
    ///
    /// Errors: [`GraphError::ConstraintRefused`] names the first entity that is against it, as far as older data is
    /// looked at now.
    pub fn create_constraint(&mut self, new: NewConstraint, older: Older) -> Result<ConstraintId, GraphError> {
        if !self.overlay.is_empty() {
            let text = "Schema changes and writes of data cannot be made in one transaction.".to_owned();
            return Err(GraphError::SchemaRefused { code: Code::ForbiddenTransactionType, text });
        }
        self.check_new(&new)?;
        let is_small = self.is_small(&new.on)?;
        let state = if is_small || older == Older::Now { IndexState::Online } else { IndexState::Populating };
        let number = self.next_number()?;
        let NewConstraint { name, on, keys, kind } = new;
        let (index, id) = if kind.has_index() {
            (Some(IndexId(number)), ConstraintId(number + 1))
        } else {
            (None, ConstraintId(number))
        };
        let index = index.map(|id_of_index| IndexDefinition {
            id: id_of_index,
            name: name.clone(),
            on: on.clone(),
            keys: keys.clone(),
            kind: IndexKind::Range,
            state,
            constraint: Some(id),
            options: Vec::new(),
        });
        let constraint =
            ConstraintDefinition { id, name, on, keys, kind, state, index: index.as_ref().map(|index| index.id) };
        if state == IndexState::Online {
            self.hold_older(&constraint, index.as_ref())?;
        }
        self.schema_changes.extend(index.map(SchemaChange::Create));
        self.schema_changes.push(SchemaChange::CreateConstraint(constraint));
        Ok(id)
    }

    /// Removes a constraint, with its index; `false` if there is none by that name.
    pub fn drop_constraint(&mut self, name: &str) -> Result<bool, GraphError> {
        let (indexes, constraints) = self.schema_now();
        let Some(constraint) = constraints.into_iter().find(|it| it.name == name) else { return Ok(false) };
        let index = indexes.into_iter().find(|index| index.constraint == Some(constraint.id));
        self.schema_changes.extend(index.map(SchemaChange::Drop));
        self.schema_changes.push(SchemaChange::DropConstraint(constraint));
        Ok(true)
    }

    /// Writes an index as messages do.
    #[must_use]
    pub fn index_in_words(&self, index: &IndexDefinition) -> String {
        self.words().index(index)
    }

    /// Tells how much of an index is filled, from 0 to 1.
    pub fn filled_share(&self, index: &IndexDefinition) -> Result<f64, GraphError> {
        self.database.filled_share(index)
    }

    /// Refuses a constraint that is there in some form, or whose name or index is taken.
    fn check_new(&self, new: &NewConstraint) -> Result<(), GraphError> {
        let (indexes, constraints) = self.schema_now();
        let refused = |code, text| Err(GraphError::SchemaRefused { code, text });
        let is_same = |it: &&ConstraintDefinition| it.on == new.on && it.keys == new.keys && it.kind == new.kind;
        if let Some(there) = constraints.iter().find(is_same) {
            let text = format!("An equivalent constraint already exists, '{}'.", self.words().constraint(there));
            return refused(Code::EquivalentIndexExists, text);
        }
        if let Some(there) = constraints.iter().find(|it| it.name == new.name) {
            let text = format!("There already exists a constraint called '{}'.", there.name);
            return refused(Code::ConstraintNameExists, text);
        }
        if let Some(there) = indexes.iter().find(|index| index.name == new.name) {
            let text = format!("There already exists an index called '{}'.", there.name);
            return refused(Code::IndexExists, text);
        }
        let is_against =
            |it: &&ConstraintDefinition| it.on == new.on && it.keys == new.keys && !agree(it.kind, new.kind);
        if let Some(there) = constraints.iter().find(is_against) {
            let text = format!("Conflicting constraint already exists: {}", self.words().constraint(there));
            return refused(Code::ConstraintExists, text);
        }
        let is_index =
            |index: &&IndexDefinition| index.on == new.on && index.keys == new.keys && index.kind == IndexKind::Range;
        if new.kind.has_index() && indexes.iter().any(|index| is_index(&index)) {
            let schema = self.words().schema(&new.on, &new.keys);
            let text = format!(
                "There already exists an index {schema}. A constraint cannot be created until the index has been dropped."
            );
            return refused(Code::IndexOnSchemaExists, text);
        }
        Ok(())
    }

    /// Holds everything that is there against a constraint, and notes that all of it was read.
    fn hold_older(&self, it: &ConstraintDefinition, index: Option<&IndexDefinition>) -> Result<(), GraphError> {
        /// Entities that are looked at in one go.
        const BATCH: usize = 1_024;
        if it.on.is_nodes() {
            self.note_all([Mark::AllNodes, Mark::AnyNode]);
        } else {
            self.note_all([Mark::AllRelationships, Mark::AnyRelationship]);
        }
        let refused =
            |violation| GraphError::ConstraintRefused { constraint: self.words().new_constraint(it), violation };
        let mut from = Some(0);
        while let Some(at) = from {
            from = match validate::values(self.view(), self.words(), it, at, BATCH)? {
                Held::Next(next) => next,
                Held::Refused(violation) => return Err(refused(violation)),
            };
        }
        match index {
            Some(index) => match validate::equal_pair_unindexed(self.view(), self.words(), it, index)? {
                Some(violation) => Err(refused(violation)),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// Tells whether what `on` is about is looked through within one commit.
    fn is_small(&self, on: &IndexOn) -> Result<bool, GraphError> {
        let view = self.view();
        let count = match on {
            IndexOn::Labels(labels) if labels.is_empty() => view.count(Counted::Nodes)?,
            IndexOn::Labels(labels) => labels
                .iter()
                .try_fold(0, |sum, label| Ok::<_, GraphError>(sum + view.count(Counted::Label(*label))?))?,
            // All relationships are looked through for one type.
            IndexOn::Types(_) => view.count(Counted::Relationships)?,
        };
        Ok(count.unsigned_abs() <= self.database.fill_at_once_max())
    }

    /// Gives the number that the next index or constraint gets; none is used twice.
    pub(crate) fn next_number(&self) -> Result<u32, GraphError> {
        let stored = self.view().number(Meta::SchemaNext)?;
        let made = |change: &SchemaChange| match change {
            SchemaChange::Create(index) => index.id.0 + 1,
            SchemaChange::CreateConstraint(constraint) => constraint.id.0 + 1,
            SchemaChange::Drop(_) | SchemaChange::DropConstraint(_) => 0,
        };
        let made = self.schema_changes.iter().map(made);
        let next = u32::try_from(stored).map_err(|_| GraphError::damaged("the number of the next index"))?;
        Ok(made.fold(next.max(1), u32::max))
    }
}

/// Tells whether two different constraints over the same keys can stand side by side.
fn agree(one: ConstraintKind, other: ConstraintKind) -> bool {
    let is_typed = |kind| matches!(kind, ConstraintKind::Typed(_));
    match (is_typed(one), is_typed(other)) {
        // Two that ask for different types, and unique beside key, contradict each other.
        (true, true) => false,
        (false, false) => one.has_index() != other.has_index(),
        _ => true,
    }
}
