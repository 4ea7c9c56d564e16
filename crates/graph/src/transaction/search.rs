//! Searches in indexes that engines keep, own changes included.
//! Leaves how an engine answers to `fulltext` and `vector`.
//! Start reading at [`Transaction::search_words`].

use types::IndexId;

use super::schema::{document_of_node, document_of_relationship};
use super::validate::Mark;
use super::{IndexDefinition, Transaction};
use crate::GraphError;
use crate::engines::Document;
use crate::fulltext::{self, Request};
use crate::meter::Meter;
use crate::vector;

impl Transaction {
    /// Finds the entities that a full-text index has for a query, the best first: ids and scores.
    ///
    /// Only indexes that are committed can be asked.
    pub fn search_words(
        &self,
        index: IndexId,
        request: Request<'_>,
        meter: &mut dyn Meter,
    ) -> Result<Vec<(u64, f32)>, GraphError> {
        let definition = self.engine_index(index)?;
        fulltext::search(self.view(), definition, &self.own_documents(definition), request, meter)
    }

    /// Finds the `count` entities that a vector index has nearest to `wanted`, the nearest first: ids and scores.
    ///
    /// `wanted` is prepared as [`vector::Similarity::prepared`] does. Only indexes that are committed can be asked.
    pub fn search_near(
        &self,
        index: IndexId,
        wanted: &[f32],
        count: usize,
        meter: &mut dyn Meter,
    ) -> Result<Vec<(u64, f32)>, GraphError> {
        let definition = self.engine_index(index)?;
        vector::search(self.view(), definition, &self.own_documents(definition), wanted, count, meter)
    }

    fn engine_index(&self, index: IndexId) -> Result<&IndexDefinition, GraphError> {
        self.note(Mark::WholeIndex(index));
        let definition = self.schema.indexes.iter().find(|known| known.id == index);
        // It was there when its name was looked up.
        definition.ok_or(GraphError::Conflict)
    }

    /// Lists what the transaction changed of an index.
    fn own_documents(&self, index: &IndexDefinition) -> Vec<Document> {
        let document = |id, before, now| (before != now).then_some(Document { id, before, now });
        if index.on.is_nodes() {
            let changed = self.overlay.nodes().filter_map(|(id, change)| {
                let of = |state| document_of_node(index, state);
                document(id.0, of(change.before.as_deref()), of(change.now.as_deref()))
            });
            return changed.collect();
        }
        let changed = self.overlay.relationships().filter_map(|(id, change)| {
            let of = |state| document_of_relationship(index, state);
            document(id.0, of(change.before.as_deref()), of(change.now.as_deref()))
        });
        changed.collect()
    }
}
