//! Why an instance could not be opened, and how the failures of lower crates reach a client.

use std::path::PathBuf;
use std::time::Duration;

use catalog::{CatalogError, Limit, SealError};
use graph::GraphError;
use store::StoreError;
use types::{Code, Failure, Refusal, SetBy};

use crate::AdmissionError;
use crate::audit::AuditError;
use crate::limits::Meter;

/// Why an instance could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// Another process serves this data folder; stop it, or choose another folder.
    #[error("data folder {} is in use by another process; stop it, or choose another folder", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The data folder could not be made or listed; see the cause.
    #[error("could not {action} data folder {}", folder.display())]
    Folder {
        /// What was tried.
        action: &'static str,
        /// The data folder.
        folder: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Databases lie there that no catalog knows: bring `system` back, or take them over into another data folder.
    #[error(
        "data folder {} has databases ({}) and no catalog that knows them. Put its folder `system` back, or take them \
         over into a new data folder: sheaf admin adopt {} --data NEW_FOLDER",
        folder.display(), few(found), folder.display()
    )]
    CatalogGone {
        /// The data folder.
        folder: PathBuf,
        /// The folders of the databases.
        found: Vec<String>,
    },
    /// A whole server was being restored into it, and that did not end: restore again, which completes it, or empty it.
    #[error(
        "a server was being restored into data folder {} and the restore did not end, so databases are missing. Run it \
         again: sheaf restore --all {from} --data {}. Or remove everything in the folder",
        folder.display(), folder.display()
    )]
    RestoreUnfinished {
        /// The data folder.
        folder: PathBuf,
        /// What was being restored.
        from: String,
    },
    /// Something is sealed and the keys are gone: bring them back, or say that they are lost.
    #[error(
        "data folder {} has things that are sealed ({}), and the file of keys {} is not there. Put it back, or name where it \
         is: --seal-key-file. If it is lost for good, this makes a new one, and what is encrypted stays closed: sheaf admin \
         rotate-key --lost --data {}",
        folder.display(), sealed(encrypted), file.display(), folder.display()
    )]
    KeysGone {
        /// The data folder.
        folder: PathBuf,
        /// The file of keys.
        file: PathBuf,
        /// The folders of encrypted databases.
        encrypted: Vec<String>,
    },
    /// The store of `system` could not be opened.
    #[error("could not open the database \"system\"")]
    System(#[source] StoreError),
    /// The catalog refused, or is damaged.
    #[error("could not read the catalog")]
    Catalog(#[from] CatalogError),
    /// The keys that seal secrets cannot be had.
    #[error("could not open the keys for sealing")]
    Seal(#[source] SealError),
    /// The audit cannot be gone on with.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A setting names one default database, and the folder has another: change one of them.
    #[error(
        "default_database says \"{wanted}\", and the default database of this data folder is \"{found}\". Leave the setting \
         out, and then change it while the server runs: CREATE DATABASE {wanted} IF NOT EXISTS, and ALTER DATABASE {wanted} \
         SET DEFAULT"
    )]
    OtherDefault {
        /// What the setting says.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// The default database could not be made.
    #[error("could not make the database \"{name}\"")]
    Making {
        /// Its name.
        name: String,
        /// Why.
        source: Failure,
    },
}

impl InstanceError {
    /// Gives the code of the table.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::InUse { .. } | Self::CatalogGone { .. } | Self::RestoreUnfinished { .. } | Self::KeysGone { .. } => {
                Code::DatabaseStartFailed
            }
            Self::Folder { .. } => Code::StorageFailed,
            Self::System(source) => source.code(),
            Self::Catalog(source) => source.code(),
            Self::Seal(source) => source.code(),
            Self::Audit(source) => source.code(),
            Self::Making { source, .. } => source.code(),
            Self::OtherDefault { .. } => Code::ArgumentError,
        }
    }
}

/// Says what is sealed in a data folder.
fn sealed(encrypted: &[String]) -> String {
    if encrypted.is_empty() {
        return "the end of the audit".to_owned();
    }
    format!("the end of the audit, the encrypted databases in {}", few(encrypted))
}

/// Writes the first few of many names.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

/// When to try again where nobody knows when a place gets free.
pub(crate) const RETRY_SOON: Duration = Duration::from_millis(200);

/// Tells a client of what a graph reported.
pub(crate) fn of_graph(error: GraphError) -> Failure {
    if let GraphError::QuotaReached { limit, max, used, wanted } = error {
        // Whose graph it is, and who bounds it, is said by [`name_refusal`].
        let (database, set_by, wanted) = (String::new(), SetBy::Database, Some(wanted));
        let refusal = Refusal { limit, database, set_by, max, used, wanted, retry_after: None };
        return Failure::refused(error.code(), refusal);
    }
    let text = chain(&error);
    let text = if let GraphError::Store(store) = &error { without_place(store, text) } else { text };
    Failure::new(error.code(), text)
}

/// Says in a refusal of a graph, which knows no names, which database it was and whose limit.
pub(crate) fn name_refusal(failure: Failure, meter: &Meter) -> Failure {
    match failure.refusal() {
        Some(refusal) if refusal.database.is_empty() && failure.code() == Code::LimitReached => {
            // What a database holds is bounded by no role.
            let set_by = Limit::parse(refusal.limit).map_or(SetBy::Database, |limit| meter.set_by(limit, None));
            let database = meter.name().to_string();
            Failure::refused(failure.code(), Refusal { database, set_by, ..refusal.clone() })
        }
        _ => failure,
    }
}

/// Tells a client of what a store reported.
pub(crate) fn of_store(error: &StoreError) -> Failure {
    Failure::new(error.code(), without_place(error, chain(error)))
}

/// Leaves out where files lie: that is for those who may see settings, and stands in the log.
fn without_place(error: &StoreError, text: String) -> String {
    match error {
        StoreError::Damaged { file, .. } | StoreError::NotOurs { file, .. } => {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            text.replace(&*file.to_string_lossy(), &name)
        }
        StoreError::InUse { folder }
        | StoreError::NotFound { folder }
        | StoreError::Exists { folder }
        | StoreError::Key { folder, .. }
        | StoreError::Plain { folder } => {
            let folder = folder.to_string_lossy();
            text.replace(&format!("folder {folder}"), "its folder").replace(&*folder, "its folder")
        }
        StoreError::ImageKey { .. }
        | StoreError::Full { .. }
        | StoreError::Busy { .. }
        | StoreError::Readers { .. }
        | StoreError::Poisoned
        | StoreError::TooLong { .. }
        | StoreError::Order
        | StoreError::Aborted
        | StoreError::Io { .. } => text,
    }
}

impl From<AdmissionError> for Failure {
    fn from(error: AdmissionError) -> Self {
        let text = error.to_string();
        match error {
            AdmissionError::LineFull { running_max, .. } | AdmissionError::WaitedTooLong { running_max, .. } => {
                let max = running_max as u64;
                let (database, retry_after) = (String::new(), Some(RETRY_SOON));
                let (limit, set_by, wanted) = ("running_max", SetBy::Server, Some(1));
                let refusal = Refusal { limit, database, set_by, max, used: max, wanted, retry_after };
                Self::new(error.code(), text).because_of(refusal)
            }
            AdmissionError::Ended => Self::new(error.code(), text),
        }
    }
}

/// Writes an error with its causes, since a client sees one text only.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
