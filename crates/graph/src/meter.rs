//! What a long search may still spend, as far as this crate has to know.
//! Leaves the amounts to the caller, whose budget it is.
//! Start reading at [`Meter`].

use crate::error::GraphError;

/// Is asked while a search goes on; it fails with [`GraphError::Stopped`] once the search has to end.
pub trait Meter {
    /// Pays for `rows` things that were looked at.
    fn pay(&mut self, rows: usize) -> Result<(), GraphError>;

    /// Takes `bytes` of memory, to the end of the search.
    fn take(&mut self, bytes: usize) -> Result<(), GraphError>;
}

/// Lets everything pass; for the crate's own work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unmetered;

impl Meter for Unmetered {
    fn pay(&mut self, _rows: usize) -> Result<(), GraphError> {
        Ok(())
    }

    fn take(&mut self, _bytes: usize) -> Result<(), GraphError> {
        Ok(())
    }
}
