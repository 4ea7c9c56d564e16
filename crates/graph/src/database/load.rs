//! The two ends of a load: taking a database for oneself, and giving it back whole.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustc_hash::FxHashMap;
use types::failpoint;

use super::{Database, Transaction, write_to};
use crate::GraphError;
use crate::bulk::Loaded;
use crate::codec::fact::{ConstraintDefinition, IndexDefinition, encode_count, encode_number};
use crate::keys::{self, Counted, Meta};
use crate::schema::Schema;
use crate::transaction::{Facts, WriteSet, put_facts};

/// Says that its holder alone may write the database, past the commits.
#[derive(Debug)]
pub(crate) struct Loading(());

impl Database {
    /// Takes an empty database for a load, on disk too.
    pub(crate) fn begin_loading(&self) -> Result<Loading, GraphError> {
        {
            let _history = self.inner.history.lock();
            let next = [&self.inner.node_next, &self.inner.relationship_next];
            if next.iter().any(|next| next.load(Ordering::Acquire) > 0) {
                return Err(GraphError::NotEmpty);
            }
            if self.inner.is_loading.swap(true, Ordering::AcqRel) {
                return Err(GraphError::Loading);
            }
        }
        let marked = self.inner.store.write(&mut |writer| writer.put(&keys::meta(Meta::Loading), &encode_number(1)));
        if let Err(error) = marked {
            self.inner.is_loading.store(false, Ordering::Release);
            return Err(error.into());
        }
        failpoint::reach("graph.load.begun");
        Ok(Loading(()))
    }

    /// Begins to read although the database is being loaded.
    pub(crate) fn begin_read_loading(&self) -> Result<Transaction, GraphError> {
        Transaction::new(self.clone(), self.inner.store.snapshot()?, 0, false)
    }

    /// Writes what makes a loaded database whole, all at once, then lets everyone in.
    pub(crate) fn finish_loading(
        &self,
        _loading: Loading,
        loaded: Loaded,
        counts: &FxHashMap<Counted, i64>,
        schema: (Vec<IndexDefinition>, Vec<ConstraintDefinition>, u32),
    ) -> Result<(), GraphError> {
        let inner = &*self.inner;
        inner.quotas.check_load(loaded, || Ok(inner.store.usage()?.used_bytes))?;
        let mut history = inner.history.lock();
        let version = inner.version.load(Ordering::Acquire) + 1;
        let facts = Facts {
            version,
            node_next: loaded.nodes,
            relationship_next: loaded.relationships,
            tokens: inner.tokens.to_store(std::iter::empty()),
            room: inner.quotas.room(),
        };
        failpoint::reach("graph.load.written");
        let (indexes, constraints, next_number) = schema;
        write_to(&*inner.store, |writer| {
            for index in &indexes {
                writer.put(&keys::index(index.id), &index.encode()?)?;
            }
            for (counted, count) in counts {
                writer.put(&keys::count(*counted), &encode_count(*count))?;
            }
            put_facts(writer, &facts)?;
            writer.put(&keys::meta(Meta::SchemaNext), &encode_number(next_number.into()))?;
            writer.delete(&keys::meta(Meta::Loading))?;
            Ok(())
        })?;
        failpoint::reach("graph.load.durable");
        inner.topologies.clear();
        inner.warm_nodes.mark_all(version);
        inner.warm_relationships.mark_all(version);
        inner.quotas.set_counts(loaded);
        inner.tokens.mark_stored(&facts.tokens);
        inner.node_next.store(loaded.nodes, Ordering::Release);
        inner.relationship_next.store(loaded.relationships, Ordering::Release);
        history.keep(vec![(version, Arc::new(WriteSet::Everything))]);
        inner.schemas.announce(Schema { since: version, indexes: indexes.into(), constraints: constraints.into() });
        inner.version.store(version, Ordering::Release);
        inner.schemas.publish(version);
        inner.is_loading.store(false, Ordering::Release);
        Ok(())
    }

    pub(super) fn check_loaded(&self) -> Result<(), GraphError> {
        if self.inner.is_loading.load(Ordering::Acquire) { Err(GraphError::Loading) } else { Ok(()) }
    }
}
