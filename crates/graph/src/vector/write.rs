//! Brings a vector index up to date inside a commit: the vectors, and which of them are new to the graph.
//! Leaves the graph to `fold`, which works beside the commits.
//! Start reading at [`change`].

use store::{Reader, Writer};

use super::keys::{self, Kind, Summary};
use super::settings::Settings;
use crate::codec::fact::IndexDefinition;
use crate::engines::{Document, Fields};
use crate::error::GraphError;

/// Takes vectors in, out, or anew.
pub(crate) fn change(
    writer: &mut dyn Writer,
    index: &IndexDefinition,
    documents: &[Document],
) -> Result<(), GraphError> {
    let settings = Settings::of(index);
    let mut summary = summary(&*writer, index)?;
    let before = summary;
    for document in documents {
        let key = keys::of(index.id, Kind::Vector, document.id);
        let fresh = keys::of(index.id, Kind::Fresh, document.id);
        let had = writer.get(&key)?.is_some();
        let was_fresh = had && writer.get(&fresh)?.is_some();
        let now = vector(index, &settings, document.now.as_ref()).map(|vector| keys::encode_vector(&vector));
        match &now {
            Some(now) if writer.get(&key)?.as_deref() == Some(&now[..]) => continue,
            Some(now) => {
                writer.put(&key, now)?;
                writer.put(&fresh, &[])?;
            }
            None if had => {
                writer.delete(&key)?;
                writer.delete(&fresh)?;
            }
            None => continue,
        }
        summary.vectors = (summary.vectors + u64::from(now.is_some())).saturating_sub(had.into());
        summary.fresh = (summary.fresh + u64::from(now.is_some())).saturating_sub(was_fresh.into());
    }
    if summary != before {
        put_summary(writer, index, &summary)?;
    }
    Ok(())
}

/// Gives the vector that an index keeps of an entity, if it keeps one.
pub(super) fn vector(index: &IndexDefinition, settings: &Settings, fields: Option<&Fields>) -> Option<Vec<f32>> {
    let key = index.keys.first()?;
    let value = fields?.iter().find(|(known, _)| known == key).map(|(_, value)| value)?;
    settings.vector(value)
}

/// Reads what is known about an index as a whole.
pub(super) fn summary(reader: &dyn Reader, index: &IndexDefinition) -> Result<Summary, GraphError> {
    reader.get(&keys::all(index.id, Kind::Summary))?.map_or(Ok(Summary::default()), |sealed| Summary::decode(&sealed))
}

/// Writes what is known about an index as a whole.
pub(super) fn put_summary(
    writer: &mut dyn Writer,
    index: &IndexDefinition,
    summary: &Summary,
) -> Result<(), GraphError> {
    Ok(writer.put(&keys::all(index.id, Kind::Summary), &summary.encode())?)
}
