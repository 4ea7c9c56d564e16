//! What can go wrong with the catalog, in the words that Neo4j's clients know.

use store::StoreError;
use types::{Code, DatabaseName, NameError};

/// Why the catalog refused, or could not.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The text is no legal name for a database or an alias; the rules are in the glossary.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No database and no alias has this name; look with `SHOW DATABASES`.
    #[error("Database does not exist. Database name: '{name}'.")]
    NotFound {
        /// The text as it was typed, cut to 80 characters.
        name: String,
    },
    /// A command names a database that does not exist.
    #[error("Failed to {verb} the specified database '{name}': Database does not exist.")]
    DatabaseMissing {
        /// What was to be done to it.
        verb: &'static str,
        /// The name that nothing has.
        name: DatabaseName,
    },
    /// A database has the name; choose another, or drop what has it.
    #[error("Failed to create the specified database '{name}': Database already exists.")]
    DatabaseExists {
        /// The name that is taken.
        name: DatabaseName,
    },
    /// An alias has the name; choose another, or drop the alias.
    #[error("Failed to create the specified database '{name}': Database name or alias already exists.")]
    DatabaseIsAlias {
        /// The name that is taken.
        name: DatabaseName,
    },
    /// The server holds as many databases as it may; drop one or raise the limit.
    #[error(
        "Failed to create the specified database '{name}': The total limit of databases is already reached. To create \
         more you need to either drop databases or change the limit via the config setting 'dbms.max_databases'"
    )]
    DatabaseLimit {
        /// The database that found no place.
        name: DatabaseName,
    },
    /// `system` can be neither dropped, stopped nor changed.
    #[error("Not allowed to {verb} system database.")]
    SystemProtected {
        /// What was to be done to it.
        verb: &'static str,
    },
    /// The default database can be neither dropped nor stopped.
    #[error("Not allowed to {verb} default database '{name}'.")]
    DefaultProtected {
        /// What was to be done to it.
        verb: &'static str,
        /// Its name.
        name: DatabaseName,
    },
    /// The database still has aliases; drop them first, or drop with `CASCADE ALIASES`.
    #[error(
        "Failed to delete the specified database '{name}': Database has one or more aliases. Drop the aliases: \
         [{}] before dropping the database.",
        quoted(aliases)
    )]
    Aliased {
        /// The database.
        name: DatabaseName,
        /// Its aliases, in order.
        aliases: Vec<DatabaseName>,
    },
    /// A database has the name that the alias was to get.
    #[error("Failed to create the specified database alias '{alias}': Database exists with that name.")]
    AliasIsDatabase {
        /// The name that is taken.
        alias: DatabaseName,
    },
    /// An alias by that name is there already.
    #[error("Failed to create the specified database alias '{alias}': Database name or alias already exists.")]
    AliasExists {
        /// The name that is taken.
        alias: DatabaseName,
    },
    /// A command names an alias that does not exist.
    #[error("Failed to {verb} the specified database alias '{alias}': Database alias does not exist.")]
    AliasMissing {
        /// What was to be done to it.
        verb: &'static str,
        /// The name that no alias has.
        alias: DatabaseName,
    },
    /// The alias was to lead to a database that does not exist.
    #[error("Failed to {verb} the specified database alias '{alias}': Database '{target}' does not exist.")]
    AliasTargetMissing {
        /// What was to be done to the alias.
        verb: &'static str,
        /// The alias.
        alias: DatabaseName,
        /// The name that nothing has.
        target: DatabaseName,
    },
    /// The alias was to lead to an alias; name the database behind it.
    #[error("Failed to {verb} the specified database alias '{alias}': Target '{target}' is an alias.")]
    AliasChain {
        /// What was to be done to the alias.
        verb: &'static str,
        /// The alias.
        alias: DatabaseName,
        /// The alias it was to lead to.
        target: DatabaseName,
    },
    /// `system` has no aliases.
    #[error("Failed to {verb} the specified database alias '{alias}': The system database cannot be aliased.")]
    AliasOfSystem {
        /// What was to be done to the alias.
        verb: &'static str,
        /// The alias.
        alias: DatabaseName,
    },
    /// Wrong name or password, or none; which of them is not told.
    #[error("The client is unauthorized due to authentication failure.")]
    Unauthorized,
    /// Too many wrong passwords in a row; wait a few seconds.
    #[error("The client has provided incorrect authentication details too many times in a row.")]
    RateLimit,
    /// The user has no right to this database.
    #[error("Database access is not allowed for user '{user}' with roles [PUBLIC].")]
    Forbidden {
        /// The user.
        user: String,
    },
    /// A command names a user that does not exist.
    #[error("Failed to {verb} the specified user '{user}': User does not exist.")]
    UserMissing {
        /// What was to be done to the user.
        verb: &'static str,
        /// The name that nobody has.
        user: String,
    },
    /// The password is too short.
    #[error("A password must be at least 8 characters.")]
    PasswordShort,
    /// The password could not be hashed, usually because it is far too long; choose another.
    #[error("The password cannot be used: {reason}.")]
    Password {
        /// What the hash said.
        reason: String,
    },
    /// The two halves of a change came in the wrong order: a defect above.
    #[error("no database is {stage} by that id")]
    Stage {
        /// In which stage it should have been.
        stage: &'static str,
    },
    /// The row was written by a newer server; start that one.
    #[error("the catalog row {row} has format {format}, which this server does not know")]
    Format {
        /// The row's key.
        row: String,
        /// The number it carries.
        format: u8,
    },
    /// The catalog fails its checks; restore `system` from a backup.
    #[error("the catalog is damaged: {reason}")]
    Damaged {
        /// Which check failed.
        reason: String,
    },
    /// The store of `system` failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CatalogError {
    /// Gives the code that a client sees.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Name(_) => Code::DatabaseNameInvalid,
            Self::NotFound { .. } | Self::DatabaseMissing { .. } => Code::DatabaseNotFound,
            Self::AliasMissing { .. } | Self::AliasTargetMissing { .. } => Code::DatabaseNotFound,
            Self::DatabaseExists { .. } | Self::DatabaseIsAlias { .. } => Code::DatabaseExists,
            Self::AliasIsDatabase { .. } | Self::AliasExists { .. } => Code::DatabaseExists,
            Self::DatabaseLimit { .. } => Code::DatabaseLimitReached,
            Self::SystemProtected { .. } | Self::DefaultProtected { .. } | Self::AliasOfSystem { .. } => {
                Code::DatabaseProtected
            }
            Self::Aliased { .. } => Code::AliasExists,
            Self::AliasChain { .. } => Code::AliasChain,
            Self::Unauthorized => Code::Unauthorized,
            Self::RateLimit => Code::AuthenticationRateLimit,
            Self::Forbidden { .. } => Code::Forbidden,
            Self::UserMissing { .. } | Self::PasswordShort | Self::Password { .. } => Code::ArgumentError,
            Self::Stage { .. } => Code::Internal,
            Self::Format { .. } => Code::DatabaseStartFailed,
            Self::Damaged { .. } => Code::StorageDamaged,
            Self::Store(error) => error.code(),
        }
    }

    /// Says that the catalog contradicts itself.
    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged { reason: reason.into() }
    }
}

impl From<CatalogError> for types::Failure {
    fn from(error: CatalogError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

fn quoted(names: &[DatabaseName]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}
