//! Databases that nobody may use while they are copied and then dropped or replaced: what the copy lacks was never
//! answered as done.
//! Leaves copies to `commands::backup`, and closing to `databases`.
//! Start reading at [`Barred::begin`].

use std::sync::Arc;
use std::time::Duration;

use catalog::{Database as Row, Requested, Stage};
use types::{Code, DatabaseId, DatabaseName, Failure};

use crate::databases::{Bar, Ended, unavailable};
use crate::instance::Shared;

/// Makes the files of a database; gives whom it barred, who stays so until those files are in their place.
pub(crate) type Fill<'f, 'a> = dyn FnMut(&Row) -> Result<Option<Barred<'a>>, Failure> + 'f;

/// Databases that are closed for everybody; whichever of them is there when this goes is let in again.
#[must_use]
pub(crate) struct Barred<'a> {
    shared: &'a Shared,
    rows: Vec<(Arc<Row>, Bar)>,
}

impl<'a> Barred<'a> {
    /// Lets nobody new in, and ends what is under way.
    ///
    /// # Errors
    ///
    /// [`Code::DatabaseUnavailable`] where somebody does not let go, and as [`Barred::check`].
    pub(crate) fn begin(shared: &'a Shared, rows: Vec<Arc<Row>>) -> Result<Self, Failure> {
        let bar = |row: Arc<Row>| {
            let bar = shared.databases.refuse(row.id);
            (row, bar)
        };
        let rows = {
            let _turn = shared.changes.lock();
            rows.into_iter().map(bar).collect()
        };
        let barred = Self { shared, rows };
        for (row, _) in &barred.rows {
            if shared.databases.end(row, Duration::ZERO, &unavailable(&row.name))? == Ended::Allowed {
                return Err(started_again(&row.name));
            }
        }
        Ok(barred)
    }

    /// Fails where somebody let others in again meanwhile: what they did since is in no copy.
    ///
    /// Who drops or replaces one of them asks while nobody else changes the catalog, and says which database it would be.
    ///
    /// # Errors
    ///
    /// [`Code::TransactionTerminated`]; nothing is dropped then.
    pub(crate) fn check(&self, dropped: impl Fn(&Row) -> Option<DatabaseId>) -> Result<(), Failure> {
        let is_kept =
            |row: &Row, bar| self.shared.databases.is_refused_since(row.id, bar) && dropped(row) == Some(row.id);
        let other = self.rows.iter().find(|(row, bar)| !is_kept(row, *bar));
        other.map_or(Ok(()), |(row, _)| Err(started_again(&row.name)))
    }
}

impl Drop for Barred<'_> {
    fn drop(&mut self) {
        let _turn = self.shared.changes.lock();
        let names = self.shared.catalog.names();
        let runs = |row: &&Row| {
            let now = names.database(row.id);
            now.is_some_and(|now| now.stage == Stage::Ready && now.requested == Requested::Online)
        };
        let rows = self.rows.iter().map(|(row, _)| &**row);
        rows.filter(runs).for_each(|row| self.shared.databases.allow(row.id));
    }
}

fn started_again(name: &DatabaseName) -> Failure {
    let text = format!(
        "Failed to delete or replace the specified database '{name}': it was started again or changed while it was copied. \
         Nothing was deleted; send the command again."
    );
    Failure::new(Code::TransactionTerminated, text)
}
