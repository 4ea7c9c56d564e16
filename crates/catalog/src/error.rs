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
    /// A transaction was begun in a database that its user knew by this alias alone, which leads to another one by now.
    #[error("The alias '{alias}' leads to another database since the transaction began. Run it again.")]
    AliasMoved {
        /// The alias.
        alias: DatabaseName,
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
    #[error("Failed to create the specified database '{name}': Database name or alias already exists.")]
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
         more you need to either drop databases or change the limit via the config setting 'databases_max', which \
         Neo4j calls 'dbms.max_databases'"
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
    /// What was to be kept with an alias cannot be; write texts, numbers, booleans, lists and maps of them.
    #[error("Failed to set the properties of the specified database alias '{alias}': {reason}.")]
    AliasProperties {
        /// The alias.
        alias: DatabaseName,
        /// What is wrong with them.
        reason: String,
    },
    /// The name that a database was to get is taken.
    #[error("Failed to rename the specified database '{name}' to '{to}': Database name or alias already exists.")]
    RenameTaken {
        /// The database.
        name: DatabaseName,
        /// The name that is taken.
        to: DatabaseName,
    },
    /// The database that was to be the default does not exist.
    #[error("New default database '{name}' does not exist.")]
    DefaultMissing {
        /// The name that nothing has.
        name: DatabaseName,
    },
    /// `system` is nobody's default database.
    #[error("System database cannot be set as default.")]
    DefaultSystem,
    /// The database that was to be the default is stopped; start it first.
    #[error("New default database '{name}' is offline; start it first.")]
    DefaultOffline {
        /// The database.
        name: DatabaseName,
    },
    /// There is no such option; take one of those that are listed.
    #[error(
        "Unknown option '{option}'. The options are: {}.",
        crate::DatabaseOption::ALL.map(crate::DatabaseOption::name).join(", ")
    )]
    OptionUnknown {
        /// What was typed.
        option: String,
    },
    /// Somebody wants to choose a key or a cipher; the option is `encryption`.
    #[error(
        "There is no option '{option}'. The option is encryption, true or false; the server makes the key and chooses the \
         cipher."
    )]
    OptionEncryption {
        /// What was typed.
        option: String,
    },
    /// Whether a database is encrypted is decided when it is made; copy it.
    #[error(
        "A database is encrypted from its beginning or not at all. Copy it: CREATE DATABASE copy FROM original OPTIONS \
         {{encryption: true}}. SET OPTION encryption 'rotate' gives an encrypted one a new key."
    )]
    EncryptionFixed,
    /// The value does not suit the option; the hint says what to write.
    #[error("{value} is no value for the option {option}. {hint}.")]
    OptionValue {
        /// The option.
        option: &'static str,
        /// What was given.
        value: String,
        /// What to write instead.
        hint: &'static str,
    },
    /// Wrong name or password, or none; which of them is not told.
    #[error("The client is unauthorized due to authentication failure.")]
    Unauthorized,
    /// Too many wrong passwords in a row; wait a few seconds.
    #[error(
        "The client has provided incorrect authentication details too many times in a row. Retry after {:.3} seconds.",
        retry_after.as_secs_f64()
    )]
    RateLimit {
        /// How long the name stays locked.
        retry_after: std::time::Duration,
    },
    /// The user may not do this; somebody has to grant it.
    #[error("Permission denied. The privilege {privilege} is missing or denied for {who}; see SHOW USER PRIVILEGES.")]
    Denied {
        /// The words of the privilege.
        privilege: String,
        /// The user and his roles.
        who: String,
    },
    /// A statement names a database beside its own, and its user may not do that.
    #[error(
        "Permission denied. Using database '{database}' beside the session's own in one statement is not allowed for \
         {who}: the privilege CROSS DATABASE is missing or denied."
    )]
    CrossDenied {
        /// The other database.
        database: String,
        /// The user and his roles.
        who: String,
    },
    /// A new name would let the one who gives it into a database, and he may let nobody in.
    #[error(
        "Permission denied. {naming}: {who} would gain the privilege {gained} on it, and \
         {giver}neither owns it nor has ASSIGN PRIVILEGE ON DBMS."
    )]
    Gain {
        /// The database, and what it cannot become.
        naming: String,
        /// The words of a privilege.
        gained: String,
        /// The user and his roles.
        who: String,
        /// The same of who would let him in, with a space behind it; empty where that is himself.
        giver: String,
    },
    /// The password is right and has to be changed first of all.
    #[error(
        "Permission denied.\nThe credentials you provided were valid, but must be changed before you can use this \
         server. Run `ALTER CURRENT USER SET PASSWORD FROM 'current password' TO 'new password'` against the system \
         database."
    )]
    CredentialsExpired,
    /// The token has ended; make another.
    #[error("The token has expired; log in with another one.")]
    TokenExpired,
    /// The user was dropped, replaced or suspended since somebody logged in; log in again.
    #[error("The authorization has expired: the user was dropped, replaced or suspended. Log in again.")]
    AuthorizationExpired,
    /// There is no such user, or it may not be done; which of them is not told.
    #[error("Cannot impersonate user '{user}'.")]
    Impersonate {
        /// The user as whom the statement was to run.
        user: String,
    },
    /// The user in whose name to speak has to change the password first; nobody does it for him.
    #[error(
        "Cannot impersonate user '{user}' while the password has to be changed. The user must log in and change it."
    )]
    ImpersonatePasswordExpired {
        /// The user as whom the statement was to run.
        user: String,
    },
    /// A command that changes something was sent in the name of somebody else.
    #[error("Not allowed to run updating system commands when impersonating a user.")]
    Impersonating,
    /// A command that only the user himself may run was sent with a token.
    #[error("Permission denied. A token cannot do this; log in with a password.")]
    NotByToken,
    /// Somebody makes tokens of others, and not of this one: he could do more by it than he may.
    #[error(
        "Permission denied. A token of user '{user}' needs ALL DBMS PRIVILEGES ON DBMS, or both IMPERSONATE ({user}) ON \
         DBMS and WITH LEVEL read or write."
    )]
    TokenOfOther {
        /// The user.
        user: String,
    },
    /// What is immutable changes only while authentication is off.
    #[error("Permission denied. Immutable privileges can only be changed while authentication is disabled.")]
    Immutable,
    /// An immutable role is made and changes only while authentication is off.
    #[error(
        "Permission denied. Failed to {verb} the specified role '{role}': Immutable roles can only be changed while \
         authentication is disabled."
    )]
    ImmutableRole {
        /// What was to be done to it.
        verb: &'static str,
        /// Its name.
        role: String,
    },
    /// A user by that name is there already.
    #[error("Failed to {verb} the specified user '{user}': User already exists.")]
    UserExists {
        /// What was to be done.
        verb: &'static str,
        /// The name that is taken.
        user: String,
    },
    /// Nobody drops himself.
    #[error("Failed to {verb} the specified user '{user}': Deleting yourself is not allowed.")]
    OwnUser {
        /// What was to be done.
        verb: &'static str,
        /// The user who asked.
        user: String,
    },
    /// Nobody suspends himself.
    #[error("Failed to alter the specified user '{user}': Changing your own activation status is not allowed.")]
    OwnStatus {
        /// The user who asked.
        user: String,
    },
    /// Somebody else changed the catalog since the transaction looked at it; run it again.
    #[error(
        "The transaction cannot be committed: databases, users or rights were changed by somebody else since it looked at \
         them. Run it again."
    )]
    Outdated,
    /// A transaction changes more than can be kept together; cut it into several.
    #[error("A transaction of administration commands may make {max} changes at most; commit and begin another one.")]
    TooManySteps {
        /// Most changes of one transaction.
        max: usize,
    },
    /// Nobody would be left who may let others in; make another admin first.
    #[error("Not allowed to lose the last active user with the role 'admin'. Give the role to somebody else first.")]
    LastAdmin,
    /// No admin could take this denial back; deny it to others by name, or to a role that no admin has.
    #[error(
        "Not allowed to deny this to every active user with the role 'admin': nobody could take it back. Deny it to other \
         users or roles."
    )]
    AdminsDenied,
    /// A new user has no password.
    #[error(
        "User '{user}' has no auth provider. Add at least one auth provider for the user or consider suspending them."
    )]
    PasswordMissing {
        /// The user.
        user: String,
    },
    /// The old password is not what was said.
    #[error("User '{user}' failed to alter their own password: Invalid principal or credentials.")]
    OldPasswordWrong {
        /// The user who asked.
        user: String,
    },
    /// The new password is the old one.
    #[error("User '{user}' failed to alter their own password: Old password and new password cannot be the same.")]
    PasswordSame {
        /// The user who asked.
        user: String,
    },
    /// A new name that is taken, by a user or a role.
    #[error("Failed to rename the specified {what} '{from}' to '{to}': {} already exists.", capital(what))]
    HolderTaken {
        /// `user` or `role`.
        what: &'static str,
        /// The old name.
        from: String,
        /// The name that is taken.
        to: String,
    },
    /// A name that no user can have.
    #[error(
        "Username '{name}' contains illegal characters. Use ascii characters that are not ',', ':' or whitespaces."
    )]
    UserName {
        /// The text as it was typed, cut to 80 characters.
        name: types::CompactString,
    },
    /// A name that no role can have.
    #[error("Role name '{name}' contains illegal characters. Use simple ascii characters and numbers.")]
    RoleName {
        /// The text as it was typed, cut to 80 characters.
        name: String,
    },
    /// An empty name, or one that is too long.
    #[error("The provided {what} must have a length between 1 and 256 characters.")]
    NameLength {
        /// `username` or `role name`.
        what: &'static str,
    },
    /// A role by that name is there already.
    #[error("Failed to create the specified role '{role}': Role already exists.")]
    RoleExists {
        /// The name that is taken.
        role: String,
    },
    /// A command names a role that does not exist.
    #[error("Failed to {verb} the specified role '{role}': Role does not exist.")]
    RoleMissing {
        /// What was to be done to it.
        verb: &'static str,
        /// The name that no role has.
        role: String,
    },
    /// A new role was to be like one that does not exist.
    #[error("Failed to create a role as copy of '{role}': Role does not exist.")]
    RoleCopied {
        /// The name that no role has.
        role: String,
    },
    /// A role that is built in stays as it is.
    #[error("Failed to {verb} the specified role '{role}': '{role}' is a reserved role.")]
    RoleReserved {
        /// What was to be done to it.
        verb: &'static str,
        /// The role.
        role: String,
    },
    /// The privileges of a built-in role stay as they are; make a role of your own, as a copy of it.
    #[error("The privileges of the built-in role '{role}' cannot be changed. Use CREATE ROLE ... AS COPY OF {role}.")]
    RoleFixed {
        /// The role.
        role: String,
    },
    /// A role could not be given.
    #[error("Failed to grant role '{role}' to user '{user}': {what} does not exist.")]
    RoleNotGranted {
        /// `Role` or `User`.
        what: &'static str,
        /// The role.
        role: String,
        /// The user.
        user: String,
    },
    /// A role could not be taken.
    #[error("Failed to revoke role '{role}' from user '{user}': {what} does not exist.")]
    RoleNotRevoked {
        /// `Role` or `User`.
        what: &'static str,
        /// The role.
        role: String,
        /// The user.
        user: String,
    },
    /// A privilege was to be changed for somebody who does not exist.
    #[error("Failed to {doing} {what} '{name}': {missing} does not exist.")]
    PrivilegeHolder {
        /// What was to be done.
        doing: &'static str,
        /// `role` or `user`.
        what: &'static str,
        /// The name that nobody has.
        name: String,
        /// `Role` or `User`.
        missing: &'static str,
    },
    /// A privilege was to be changed on a database that does not exist.
    #[error("Failed to {doing} {holder}: Database '{name}' does not exist.")]
    PrivilegeDatabase {
        /// What was to be done.
        doing: &'static str,
        /// For whom.
        holder: String,
        /// The name that nothing has.
        name: String,
    },
    /// A privilege was to be changed on an alias that does not exist.
    #[error("Failed to {doing} {holder}: Alias '{name}' does not exist.")]
    PrivilegeAlias {
        /// What was to be done.
        doing: &'static str,
        /// For whom.
        holder: String,
        /// The name that no alias has.
        name: String,
    },
    /// What is done to a database as a whole cannot be granted under one of its names; grant it on the database.
    #[error("The privilege {privilege} cannot be about alias '{alias}' alone; grant it on the database behind it.")]
    NotOnAlias {
        /// The alias.
        alias: DatabaseName,
        /// The words of the privilege.
        privilege: String,
    },
    /// A token could not be made.
    #[error("Failed to create the specified token '{name}': {reason}")]
    TokenRefused {
        /// The token's name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A command names a token that does not exist.
    #[error("Failed to delete the specified token '{name}' of user '{user}': Token does not exist.")]
    TokenMissing {
        /// The name that no token has.
        name: String,
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
            Self::AliasMoved { .. } => Code::TransactionConflict,
            Self::RenameTaken { .. } => Code::DatabaseExists,
            Self::DefaultMissing { .. } | Self::DefaultSystem | Self::DefaultOffline { .. } => Code::DatabaseProtected,
            Self::AliasProperties { .. }
            | Self::OptionUnknown { .. }
            | Self::OptionEncryption { .. }
            | Self::EncryptionFixed
            | Self::OptionValue { .. } => Code::ArgumentError,
            Self::DatabaseExists { .. } | Self::DatabaseIsAlias { .. } => Code::DatabaseExists,
            Self::AliasIsDatabase { .. } | Self::AliasExists { .. } => Code::DatabaseExists,
            Self::DatabaseLimit { .. } => Code::DatabaseLimitReached,
            Self::SystemProtected { .. } | Self::DefaultProtected { .. } | Self::AliasOfSystem { .. } => {
                Code::DatabaseProtected
            }
            Self::Aliased { .. } => Code::AliasExists,
            Self::AliasChain { .. } => Code::AliasChain,
            Self::Outdated => Code::TransactionConflict,
            Self::TooManySteps { .. } => Code::MemoryLimit,
            Self::Unauthorized => Code::Unauthorized,
            Self::RateLimit { .. } => Code::AuthenticationRateLimit,
            Self::Denied { .. } | Self::CrossDenied { .. } | Self::Gain { .. } | Self::Impersonating => Code::Forbidden,
            Self::NotByToken | Self::TokenOfOther { .. } | Self::Immutable | Self::ImmutableRole { .. } => {
                Code::Forbidden
            }
            Self::CredentialsExpired => Code::CredentialsExpired,
            Self::TokenExpired => Code::TokenExpired,
            Self::AuthorizationExpired => Code::AuthorizationExpired,
            Self::PrivilegeDatabase { .. } | Self::PrivilegeAlias { .. } => Code::DatabaseNotFound,
            Self::NotOnAlias { .. } => Code::ArgumentError,
            Self::UserMissing { .. } | Self::PasswordShort | Self::Password { .. } => Code::ArgumentError,
            Self::Impersonate { .. } => Code::ImpersonationRefused,
            Self::ImpersonatePasswordExpired { .. } => Code::ImpersonationPasswordExpired,
            Self::UserExists { .. } | Self::OwnUser { .. } => Code::ArgumentError,
            Self::OwnStatus { .. } | Self::LastAdmin | Self::AdminsDenied | Self::PasswordMissing { .. } => {
                Code::ArgumentError
            }
            Self::OldPasswordWrong { .. } | Self::PasswordSame { .. } => Code::ArgumentError,
            Self::HolderTaken { .. } | Self::UserName { .. } | Self::RoleName { .. } => Code::ArgumentError,
            Self::NameLength { .. } | Self::RoleExists { .. } | Self::RoleMissing { .. } => Code::ArgumentError,
            Self::RoleCopied { .. } | Self::RoleReserved { .. } | Self::RoleFixed { .. } => Code::ArgumentError,
            Self::RoleNotGranted { .. } | Self::RoleNotRevoked { .. } => Code::ArgumentError,
            Self::PrivilegeHolder { .. } => Code::ArgumentError,
            Self::TokenRefused { .. } | Self::TokenMissing { .. } => Code::ArgumentError,
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
        let failure = Self::new(error.code(), error.to_string());
        match error {
            CatalogError::RateLimit { retry_after } => failure.later(retry_after),
            CatalogError::NotFound { name } => failure.about(name),
            CatalogError::CrossDenied { database, .. } => failure.about(database),
            _ => failure,
        }
    }
}

fn capital(what: &str) -> &'static str {
    if what == "user" { "User" } else { "Role" }
}

fn quoted(names: &[DatabaseName]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}
