//! Who may do what to which database: the one place that answers it.
//!
//! Only this crate can make a [`Principal`], and only [`grant`] a [`Grant`]. Who opens a database asks for a grant, so no
//! nesting of statements and no name made at run time goes round the question.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use types::privilege::{Act, Place};
use types::{CompactString, DatabaseId, DatabaseName};

use crate::graph_rights::GraphRights;
use crate::rights::effective::{DatabaseRights, UserRights};
use crate::rights::level::Level;
use crate::rights::privilege::Scope;
use crate::rights::{Token, User, UserId};
use crate::{CatalogError, Names, Target};

/// What everybody has who may do everything: one for all, so that a grant costs no more than counting it.
static EVERYTHING: LazyLock<Arc<GraphRights>> = LazyLock::new(|| Arc::new(GraphRights::everything()));

/// How the key of one ends in whose name another speaks.
const SPOKEN_FOR: &str = "\0\0";

/// Somebody who was let in: who it is, never what he may do.
///
/// What he may do is looked up in the version of the catalog that a statement runs on, so that what was revoked is gone
/// at the next statement of a session that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal(Option<Arc<Who>>);

#[derive(Clone, Debug)]
struct Who {
    id: UserId,
    /// What he was called when he came: by now that may be somebody else's name.
    name: CompactString,
    /// The token that let him in, if it was no password.
    token: Option<CompactString>,
    /// Who speaks in his name, if he does not himself.
    behind: Option<Arc<Who>>,
    /// See [`Principal::key`]; made once, for each statement carries it.
    key: Arc<str>,
    /// What was looked up of his rights, and the version of the catalog in which alone it is of use.
    looked_up: Option<(u64, Arc<UserRights>)>,
}

impl Who {
    fn new(user: &User, token: Option<CompactString>, behind: Option<Arc<Self>>) -> Self {
        let id = user.id;
        let key = match &token {
            Some(token) => format!("{id}\0{token}"),
            None if behind.is_some() => format!("{id}{SPOKEN_FOR}"),
            None => id.to_string(),
        };
        Self { id, name: user.name.clone(), token, behind, key: key.into(), looked_up: None }
    }
}

impl PartialEq for Who {
    fn eq(&self, other: &Self) -> bool {
        (self.id, &self.token, &self.behind) == (other.id, &other.token, &other.behind)
    }
}

impl Eq for Who {}

/// What is to be done to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only looked at.
    Read,
    /// Changed too.
    Write,
}

/// What is to be done to the server, or to a database as a whole.
///
/// A name that stands in one is the database's own name as the catalog knows it, never an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make a database.
    CreateDatabase,
    /// Drop one.
    DropDatabase,
    /// Change what it is called, its options or which one is the default.
    AlterDatabase,
    /// Let it be written to, or not.
    SetDatabaseAccess,
    /// Choose its language.
    SetDatabaseLanguage,
    /// Start one.
    StartDatabase,
    /// Stop one.
    StopDatabase,
    /// Walk all of one.
    CheckDatabase,
    /// Copy one into a file, or a file into a new one.
    BackupDatabase,
    /// Make an alias.
    CreateAlias,
    /// Drop an alias.
    DropAlias,
    /// Change an alias.
    AlterAlias,
    /// List aliases.
    ShowAlias,
    /// Set or remove a limit.
    SetLimit,
    /// List limits and how much of them is used.
    ShowLimit,
    /// List what was recorded of who did what.
    ShowAudit,
    /// List somebody else's transactions.
    ShowTransactions,
    /// End somebody else's transactions.
    TerminateTransactions,
    /// Any other act of the table of privileges.
    Do(Act),
    /// An act on a user, or on a setting or procedure by its name.
    DoTo(Act, CompactString),
}

impl Action {
    /// Gives the act whose privilege allows this.
    #[must_use]
    pub fn act(&self) -> Act {
        match self {
            Self::CreateDatabase => Act::CreateDatabase,
            Self::DropDatabase => Act::DropDatabase,
            Self::AlterDatabase => Act::AlterDatabase,
            Self::SetDatabaseAccess => Act::SetDatabaseAccess,
            Self::SetDatabaseLanguage => Act::SetDatabaseLanguage,
            Self::StartDatabase => Act::Start,
            Self::StopDatabase => Act::Stop,
            Self::CheckDatabase => Act::Check,
            Self::BackupDatabase => Act::Backup,
            Self::CreateAlias => Act::CreateAlias,
            Self::DropAlias => Act::DropAlias,
            Self::AlterAlias => Act::AlterAlias,
            Self::ShowAlias => Act::ShowAlias,
            Self::SetLimit => Act::SetLimit,
            Self::ShowLimit => Act::ShowLimit,
            Self::ShowAudit => Act::ShowAudit,
            Self::ShowTransactions => Act::ShowTransaction,
            Self::TerminateTransactions => Act::TerminateTransaction,
            Self::Do(act) | Self::DoTo(act, _) => *act,
        }
    }

    fn argument(&self) -> Option<&str> {
        match self {
            Self::DoTo(_, argument) => Some(argument),
            _ => None,
        }
    }
}

/// The leave to use one database in one way; nobody else can make one.
///
/// ```compile_fail
/// let forged = catalog::Grant { database: types::DatabaseId([0; 16]), access: catalog::Access::Write };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    database: DatabaseId,
    name: DatabaseName,
    access: Access,
    rights: Arc<GraphRights>,
}

impl Principal {
    pub(crate) fn anonymous() -> Self {
        Self(None)
    }

    pub(crate) fn user(user: &User, token: Option<CompactString>) -> Self {
        Self(Some(Arc::new(Who::new(user, token, None))))
    }

    /// Gives a text that stands for him where only a text is carried, such as into procedures: see [`resolve_as`],
    /// [`allows_as`] and [`user_of_key`]. It is the user's identity, and for who came by a token the token's id behind it.
    /// Where another speaks in his name it ends in two zero bytes.
    #[must_use]
    pub fn key(&self) -> Option<Arc<str>> {
        self.0.as_deref().map(|who| Arc::clone(&who.key))
    }

    /// Tells whether what another one began is his own.
    ///
    /// To a user belongs what anybody began in his name. Who came by a token has only what that token began: it may be
    /// bound to databases, and its user may be at work in others.
    #[must_use]
    pub fn owns(&self, begun_by: &Self) -> bool {
        let token = |who: &Self| who.0.as_deref().and_then(|who| who.token.clone());
        self.id() == begun_by.id() && (!self.is_token() || token(self) == token(begun_by))
    }

    /// As [`Principal::owns`], of somebody of whom only the key is known.
    #[must_use]
    pub fn owns_key(&self, begun_by: &str) -> bool {
        self.id() == id_in(begun_by) && (!self.is_token() || self.key().as_deref() == Some(begun_by))
    }

    /// Tells whether another speaks in the name of this one.
    #[must_use]
    pub fn is_spoken_for(&self) -> bool {
        self.0.as_deref().is_some_and(|who| who.behind.is_some())
    }

    /// Tells whether he is a user; nobody is while authentication is off.
    #[must_use]
    pub fn is_user(&self) -> bool {
        self.0.is_some()
    }

    /// Tells whether a token let him in.
    #[must_use]
    pub fn is_token(&self) -> bool {
        self.0.as_deref().is_some_and(|who| who.token.is_some())
    }

    /// Tells whether he came by this token.
    #[must_use]
    pub fn is_by(&self, token: &Token) -> bool {
        self.0.as_deref().is_some_and(|who| who.token.as_ref() == Some(&token.id))
    }

    /// Gives the user's lasting identity; none while authentication is off.
    #[must_use]
    pub fn id(&self) -> Option<UserId> {
        self.0.as_deref().map(|who| who.id)
    }

    pub(crate) fn is(&self, id: UserId) -> bool {
        self.id() == Some(id)
    }

    fn must_change(&self, rights: &UserRights) -> bool {
        rights.user.change_required && self.0.as_deref().is_some_and(|who| who.token.is_none())
    }

    /// Looks up what he may do in this version of the catalog, so that what is asked of it next costs less.
    ///
    /// It changes no answer: of another version it is asked anew.
    pub fn look_up(&mut self, names: &Names) {
        let Some(who) = self.0.as_deref() else { return };
        if who.looked_up.as_ref().is_some_and(|(version, _)| *version == names.version()) {
            return;
        }
        let found = names.memory.of(names, who.id, who.token.as_ref());
        let looked_up = found.ok().map(|rights| (names.version(), rights));
        self.0 = Some(Arc::new(Who { looked_up, ..who.clone() }));
    }

    /// Gives what he may do in this version; fails where he may not be here any more.
    fn rights(&self, names: &Names) -> Result<Option<Cow<'_, Arc<UserRights>>>, CatalogError> {
        let Some(who) = self.0.as_deref() else { return Ok(None) };
        let rights = match &who.looked_up {
            Some((version, rights)) if *version == names.version() => Cow::Borrowed(rights),
            _ => Cow::Owned(names.memory.of(names, who.id, who.token.as_ref())?),
        };
        if rights.token.as_ref().is_some_and(|token| token.is_over(names.wall_nanos())) {
            return Err(CatalogError::TokenExpired);
        }
        if let Some(behind) = &who.behind {
            check_speaks(names, &Self(Some(Arc::clone(behind))), &rights.user.name)?;
            check_spoken_for(&rights.user)?;
        }
        Ok(Some(rights))
    }
}

impl Grant {
    /// Gives the database that may be used.
    #[must_use]
    pub fn database(&self) -> DatabaseId {
        self.database
    }

    /// Gives that database's own name.
    #[must_use]
    pub fn name(&self) -> &DatabaseName {
        &self.name
    }

    /// Tells in which way it may be used.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// Gives what may be seen and changed inside it.
    #[must_use]
    pub fn rights(&self) -> &Arc<GraphRights> {
        &self.rights
    }

    /// Tells whether it may be written to.
    #[must_use]
    pub fn may_write(&self) -> bool {
        self.access == Access::Write
    }
}

/// Answers whether somebody may use a database in this way.
///
/// A database that he may not see is one that does not exist.
pub fn grant(names: &Names, principal: &Principal, target: &Target, access: Access) -> Result<Grant, CatalogError> {
    let made = |rights| Grant { database: target.database, name: target.name.clone(), access, rights };
    let Some(rights) = principal.rights(names)? else { return Ok(made(Arc::clone(&EVERYTHING))) };
    let is_system = target.name.is_system();
    if !is_system && principal.must_change(&rights) {
        return Err(CatalogError::CredentialsExpired);
    }
    match rights.on(names, target) {
        Some(on) if on.access || is_system => Ok(made(Arc::clone(&on.graph))),
        _ => Err(match &target.alias {
            Some(alias) if has_moved(names, principal, target, alias) => {
                CatalogError::AliasMoved { alias: alias.clone() }
            }
            known => CatalogError::NotFound { name: known.as_ref().unwrap_or(&target.name).to_string() },
        }),
    }
}

/// Tells whether an alias leads somebody to another database by now.
fn has_moved(names: &Names, principal: &Principal, target: &Target, alias: &DatabaseName) -> bool {
    resolve(names, principal, alias.as_str()).is_ok_and(|now| now.database != target.database)
}

/// Tells which database a typed name means to somebody: one that he may not see is unknown to him.
///
/// Who may not be here any more hears that, whatever he names: it tells nothing of what there is.
pub fn resolve(names: &Names, principal: &Principal, typed: &str) -> Result<Target, CatalogError> {
    let rights = principal.rights(names)?;
    let target = names.resolve(typed)?;
    let is_there = rights.is_none_or(|rights| rights.on(names, &target).is_some_and(|on| on.access));
    if target.name.is_system() || is_there {
        return Ok(target);
    }
    Err(CatalogError::NotFound { name: DatabaseName::shown(typed) })
}

/// As [`resolve`], for a user of whom a procedure knows no more than the name; nobody is everybody without passwords.
pub fn resolve_as(names: &Names, user: Option<&str>, typed: &str) -> Result<Target, CatalogError> {
    let target = names.resolve(typed)?;
    let Some(user) = user else { return Ok(target) };
    let rights = rights_of_key(names, user);
    let on = rights.and_then(|rights| rights.on(names, &target));
    if target.name.is_system() || on.is_some_and(|on| on.access) {
        return Ok(target);
    }
    Err(CatalogError::NotFound { name: DatabaseName::shown(typed) })
}

/// As [`allow`], for a user of whom a procedure knows no more than the name; tells only whether it is allowed.
#[must_use]
pub fn allows_as(names: &Names, user: Option<&str>, action: &Action) -> bool {
    let Some(user) = user else { return true };
    let rights = rights_of_key(names, user);
    rights.is_some_and(|rights| rights.may(names, action.act(), action.argument(), None))
}

/// As [`allow`], for a user of whom a procedure that changes something knows no more than the name; any of `actions` is
/// enough.
///
/// # Errors
///
/// [`CatalogError::Denied`] names the first of them; nobody does it in another's name.
pub fn allow_any_as(names: &Names, user: Option<&str>, actions: &[Action]) -> Result<(), CatalogError> {
    let Some(key) = user else { return Ok(()) };
    if key.ends_with(SPOKEN_FOR) {
        return Err(CatalogError::Impersonating);
    }
    let rights = rights_of_key(names, key).ok_or(CatalogError::Unauthorized)?;
    let may = |action: &Action| rights.may(names, action.act(), action.argument(), None);
    match actions.first() {
        Some(first) if !actions.iter().any(may) => {
            Err(CatalogError::Denied { privilege: format!("{} ON DBMS", first.act().printed()), who: rights.who() })
        }
        _ => Ok(()),
    }
}

/// As [`Principal::owns`], for a user of whom a procedure knows no more than the key.
#[must_use]
pub fn owns_as(user: Option<&str>, begun_by: &Principal) -> bool {
    let Some(key) = user.map(|key| key.trim_end_matches(SPOKEN_FOR)) else { return true };
    if key.contains('\0') { begun_by.key().as_deref() == Some(key) } else { begun_by.id() == id_in(key) }
}

/// Gives the user whom a [`Principal::key`] stands for.
#[must_use]
pub fn user_of_key<'n>(names: &'n Names, key: &str) -> Option<&'n Arc<User>> {
    names.book().user_by_id(id_in(key)?)
}

fn id_in(key: &str) -> Option<UserId> {
    key.split('\0').next().and_then(UserId::parse)
}

/// Names a user as everybody is told of him: as he is called by now, and once he is gone as he was when he came. Nothing
/// while authentication is off.
#[must_use]
pub fn told_user<'n>(names: &'n Names, principal: &'n Principal) -> Option<&'n str> {
    principal.0.as_deref().map(|who| told(names, who))
}

/// As [`told_user`], of who speaks in the name of another.
#[must_use]
pub fn told_impersonator<'n>(names: &'n Names, principal: &'n Principal) -> Option<&'n str> {
    principal.0.as_deref().and_then(|who| who.behind.as_deref()).map(|behind| told(names, behind))
}

fn told<'n>(names: &'n Names, who: &'n Who) -> &'n str {
    names.book().user_by_id(who.id).map_or(who.name.as_str(), |user| user.name.as_str())
}

fn rights_of_key(names: &Names, key: &str) -> Option<Arc<UserRights>> {
    let token = key.trim_end_matches(SPOKEN_FOR).split_once('\0').map(|(_, token)| CompactString::from(token));
    let user = user_of_key(names, key)?;
    names.memory.of(names, user.id, token.as_ref()).ok()
}

/// Tells whether a database is there for somebody; everybody sees `system`.
#[must_use]
pub fn sees(names: &Names, principal: &Principal, target: &Target) -> bool {
    target.name.is_system()
        || match principal.rights(names) {
            Ok(None) => true,
            Ok(Some(rights)) => rights.on(names, target).is_some_and(|on| on.access),
            Err(_) => false,
        }
}

/// Tells whether a database is there for somebody under the alias by which it is meant, and not under its own name.
#[must_use]
pub fn sees_by_alias_alone(names: &Names, principal: &Principal, target: &Target) -> bool {
    let Some(alias) = &target.alias else { return false };
    match principal.rights(names) {
        Ok(Some(rights)) if rights.knows(names, alias, target.database) => {
            let own = rights.under_own_name(names, target.database);
            !own.is_some_and(|on| on.access) && rights.on(names, target).is_some_and(|on| on.access)
        }
        _ => false,
    }
}

/// Gives the name by which somebody knows a database: its own, unless he sees it by an alias alone.
#[must_use]
pub fn known_name<'t>(names: &Names, principal: &Principal, target: &'t Target) -> &'t DatabaseName {
    target.alias.as_ref().filter(|_| sees_by_alias_alone(names, principal, target)).unwrap_or(&target.name)
}

/// Names a database as it is told to somebody: its own name, or an alias where he knows it by that alone; `named` is the
/// one by which he named it, if he did. Nothing where he knows it by none.
#[must_use]
pub fn told_name(
    names: &Names,
    principal: &Principal,
    database: DatabaseId,
    named: Option<&DatabaseName>,
) -> Option<DatabaseName> {
    let own = own_target(names, database)?;
    if lists(names, principal, &own) { Some(own.name) } else { used_name(names, principal, database, named) }
}

/// As [`told_name`], of a database that somebody may use: the name leads him there.
#[must_use]
pub fn used_name(
    names: &Names,
    principal: &Principal,
    database: DatabaseId,
    named: Option<&DatabaseName>,
) -> Option<DatabaseName> {
    let own = own_target(names, database)?;
    if sees(names, principal, &own) {
        return Some(own.name);
    }
    let is_known = |alias: &DatabaseName| {
        sees_by_alias_alone(names, principal, &Target { alias: Some(alias.clone()), ..own.clone() })
    };
    let aliases = names.aliases_of(database);
    let of_it = named.filter(|named| aliases.contains(named));
    of_it.into_iter().chain(&aliases).find(|alias| is_known(alias)).cloned()
}

/// Means a database by its own name.
fn own_target(names: &Names, database: DatabaseId) -> Option<Target> {
    names.database(database).map(|row| Target { database, name: row.name.clone(), alias: None })
}

/// How a database comes to be meant in another way.
#[derive(Clone, Copy, Debug)]
pub enum Naming<'a> {
    /// It is called so.
    Renamed(&'a DatabaseName),
    /// An alias that is new leads to it.
    NewAlias(&'a DatabaseName),
    /// An alias that led elsewhere leads to it.
    Alias(&'a DatabaseName),
    /// It is the one that is meant where none is named.
    Default,
    /// It is that no more.
    NoDefault,
    /// It is the home of whoever says so, under this alias if any.
    Home(Option<&'a DatabaseName>),
    /// It is his home no more, which it was under this alias if any.
    NoHome(Option<&'a DatabaseName>),
}

/// Refuses who would let himself into a database by what it is called: patterns of names, homes, aliases and the default
/// say for which databases privileges hold, and whoever changes them gives out what `ASSIGN PRIVILEGE` gives.
///
/// Who may give it may, as the owner of the database may.
pub fn allow_naming(
    names: &Names,
    principal: &Principal,
    target: &Target,
    naming: Naming<'_>,
) -> Result<(), CatalogError> {
    let Some(rights) = principal.rights(names)? else { return Ok(()) };
    check_gain(names, (&rights, &rights), target, naming)?;
    let left = names.default_database();
    if !matches!(naming, Naming::Default) || left.id == target.database {
        return Ok(());
    }
    let left = Target { database: left.id, name: left.name.clone(), alias: None };
    check_gain(names, (&rights, &rights), &left, Naming::NoDefault)
}

/// Refuses who would let himself or somebody else into a database, as [`allow_naming`] does, by what he makes the home of
/// this user; `None` stands for the default database.
///
/// A home need not exist yet, so what its user is granted on his home could then be about any database.
pub(crate) fn allow_home(
    names: &Names,
    principal: &Principal,
    user: &Arc<User>,
    home: Option<&DatabaseName>,
) -> Result<(), CatalogError> {
    let Some(giver) = principal.rights(names)? else { return Ok(()) };
    let other = (!principal.is(user.id)).then(|| UserRights::granted_to(names, user, None));
    let (rights, giver) = (other.as_ref().unwrap_or(&giver), &**giver);
    let home = home.cloned().unwrap_or_else(|| names.default_database().name.clone());
    match names.resolve(home.as_str()) {
        Ok(target) => check_gain(names, (rights, giver), &target, Naming::Home(target.alias.as_ref()))?,
        Err(_) => match rights.gains_at_home(&home) {
            Some(gained) if !giver.may(names, Act::AssignPrivilege, None, None) => {
                return Err(gain(home.to_string(), Naming::Home(None), gained, (rights, giver)));
            }
            _ => {}
        },
    }
    match names.resolve(names.home_name(&rights.user).as_str()) {
        // Under its own name it is the home by all its names.
        Ok(left) if left.name != home && left.alias.as_ref() != Some(&home) => {
            check_gain(names, (rights, giver), &left, Naming::NoHome(left.alias.as_ref()))
        }
        _ => Ok(()),
    }
}

/// Refuses a name by which one would gain what the other has no right to give.
fn check_gain(
    names: &Names,
    (rights, giver): (&UserRights, &UserRights),
    target: &Target,
    naming: Naming<'_>,
) -> Result<(), CatalogError> {
    let Some(row) = names.database(target.database).filter(|row| !row.name.is_system()) else { return Ok(()) };
    match rights.gains(names, row, naming) {
        Some(gained) if !giver.may(names, Act::AssignPrivilege, None, Some(row)) => {
            Err(gain(target.alias.as_ref().unwrap_or(&target.name).to_string(), naming, gained, (rights, giver)))
        }
        _ => Ok(()),
    }
}

fn gain(
    database: String,
    naming: Naming<'_>,
    gained: Act,
    (rights, giver): (&UserRights, &UserRights),
) -> CatalogError {
    let becomes = match naming {
        Naming::Renamed(to) => format!("be called '{to}'"),
        Naming::NewAlias(alias) | Naming::Alias(alias) => format!("have the alias '{alias}'"),
        Naming::Default => "be the default one".to_owned(),
        Naming::NoDefault => "cease to be the default one".to_owned(),
        Naming::Home(_) => "be the home".to_owned(),
        Naming::NoHome(_) => "cease to be the home".to_owned(),
    };
    // What else another one is or has is not told to who lets him in.
    let (who, giver) = match rights.user.id == giver.user.id {
        true => (rights.who(), String::new()),
        false => (format!("user '{}'", rights.user.name), format!("{} ", giver.who())),
    };
    let naming = format!("Database '{database}' cannot {becomes}");
    CatalogError::Gain { naming, gained: gained.printed(), who, giver }
}

/// Answers whether somebody may use a database beside the statement's own.
pub fn cross(names: &Names, principal: &Principal, target: &Target) -> Result<(), CatalogError> {
    let Some(rights) = principal.rights(names)? else { return Ok(()) };
    if target.name.is_system() || rights.on(names, target).is_some_and(|on| on.cross) {
        return Ok(());
    }
    let database = target.alias.as_ref().unwrap_or(&target.name).to_string();
    Err(CatalogError::CrossDenied { database, who: rights.who() })
}

/// Answers whether somebody may do this to the server, or to every database.
pub fn allow(names: &Names, principal: &Principal, action: &Action) -> Result<(), CatalogError> {
    may(names, principal, action, None)
}

/// Answers whether somebody may do this to one database, as its owner or by a privilege on it.
///
/// What names no database is asked of all of them; a database that he may not see is unknown to him, though.
pub fn allow_on(
    names: &Names,
    principal: &Principal,
    action: &Action,
    database: &DatabaseName,
) -> Result<(), CatalogError> {
    may(names, principal, action, Some(database))
}

fn may(
    names: &Names,
    principal: &Principal,
    action: &Action,
    database: Option<&DatabaseName>,
) -> Result<(), CatalogError> {
    let Some(rights) = principal.rights(names)? else { return Ok(()) };
    if principal.must_change(&rights) {
        return Err(CatalogError::CredentialsExpired);
    }
    let row = database.and_then(|name| names.database(names.resolve(name.as_str()).ok()?.database));
    let act = action.act();
    if rights.may(names, act, action.argument(), row.map(AsRef::as_ref)) {
        return Ok(());
    }
    let place = match (act.row().place, database) {
        (Place::Dbms, _) => " ON DBMS".to_owned(),
        // The name is written as it was asked for, so that one that means nothing reads the same.
        (Place::Database, Some(name)) => format!(" ON DATABASE {name}"),
        (Place::Database, None) => " ON DATABASE *".to_owned(),
        (Place::Graph | Place::Load, _) => String::new(),
    };
    Err(CatalogError::Denied { privilege: format!("{}{place}", act.printed()), who: rights.who() })
}

/// Refuses who may not do everything on the server.
pub fn allow_everything(names: &Names, principal: &Principal) -> Result<(), CatalogError> {
    let mut on_server = Act::ALL.iter().filter(|act| act.row().place == Place::Dbms);
    on_server.try_for_each(|act| allow(names, principal, &Action::Do(*act)))
}

/// Answers whether somebody may make a token of another user, that does no more than this level.
///
/// Who may do everything on the server may. Who may speak in that user's name may too, if the token is kept from
/// administration as he is then: no more than [`Level::Write`].
pub fn allow_token_of(
    names: &Names,
    principal: &Principal,
    user: &str,
    level: Option<Level>,
) -> Result<(), CatalogError> {
    allow(names, principal, &Action::Do(Act::TokenManagement))?;
    if allow_everything(names, principal).is_ok() {
        return Ok(());
    }
    let speaks = allow(names, principal, &Action::DoTo(Act::Impersonate, user.into())).is_ok();
    match level {
        Some(Level::Read | Level::Write) if speaks => Ok(()),
        _ => Err(CatalogError::TokenOfOther { user: user.chars().take(80).collect() }),
    }
}

/// Tells whether somebody is shut out: the user is gone or suspended, or the token is gone. Cheaper than to ask what he
/// may do.
#[must_use]
pub fn is_shut_out(names: &Names, principal: &Principal) -> bool {
    let Some(who) = principal.0.as_deref() else { return false };
    let is_user_out = names.book().user_by_id(who.id).is_none_or(|user| user.suspended);
    is_user_out || who.token.as_ref().is_some_and(|token| names.book().token(token).is_none())
}

/// Tells when the token ends by which somebody came, in nanoseconds since 1970.
#[must_use]
pub fn ends_nanos(names: &Names, principal: &Principal) -> Option<i128> {
    let token = principal.0.as_deref().and_then(|who| who.token.as_ref())?;
    names.book().token(token)?.expires_nanos
}

/// Tells whether a database is listed for somebody: he sees it, does something to it as a whole, or manages databases of
/// any name.
#[must_use]
pub fn lists(names: &Names, principal: &Principal, target: &Target) -> bool {
    lists_one(names, principal, target) || lists_all(names, principal)
}

/// As [`lists`], but for the rights by which every database is listed.
#[must_use]
pub fn lists_one(names: &Names, principal: &Principal, target: &Target) -> bool {
    const WHOLE: [Act; 6] = [Act::Start, Act::Stop, Act::Backup, Act::Check, Act::ShowLimit, Act::SetLimit];
    let does_to_whole = || {
        let rights = principal.rights(names).ok().flatten()?;
        let row = names.database(target.database)?;
        Some(WHOLE.iter().any(|act| rights.may(names, *act, None, Some(row))))
    };
    sees(names, principal, target) || does_to_whole().unwrap_or_default()
}

/// Tells whether every database is listed for somebody, since he makes, drops or alters databases of any name.
#[must_use]
pub fn lists_all(names: &Names, principal: &Principal) -> bool {
    let managing = [
        Action::CreateDatabase,
        Action::DropDatabase,
        Action::AlterDatabase,
        Action::SetDatabaseAccess,
        Action::SetDatabaseLanguage,
    ];
    managing.iter().any(|action| allow(names, principal, action).is_ok())
}

/// Refuses who may not be here any more: the token has ended, or the user is gone or suspended.
pub fn check_here(names: &Names, principal: &Principal) -> Result<(), CatalogError> {
    principal.rights(names).map(drop)
}

/// Refuses who has to change the password first, unless he came by a token.
pub fn check_password(names: &Names, principal: &Principal) -> Result<(), CatalogError> {
    match principal.rights(names)? {
        Some(rights) if principal.must_change(&rights) => Err(CatalogError::CredentialsExpired),
        _ => Ok(()),
    }
}

/// Refuses who may not speak in another user's name, or not any more.
fn check_speaks(names: &Names, principal: &Principal, user: &str) -> Result<(), CatalogError> {
    let Some(rights) = principal.rights(names)? else { return Err(not_as(user)) };
    if principal.must_change(&rights) {
        return Err(CatalogError::CredentialsExpired);
    }
    if rights.may(names, Act::Impersonate, Some(user), None) { Ok(()) } else { Err(not_as(user)) }
}

/// Refuses to speak in the name of a user who has to change the password: he could do nothing else himself.
fn check_spoken_for(user: &User) -> Result<(), CatalogError> {
    match user.change_required {
        true => Err(CatalogError::ImpersonatePasswordExpired { user: user.name.to_string() }),
        false => Ok(()),
    }
}

fn not_as(user: &str) -> CatalogError {
    CatalogError::Impersonate { user: user.chars().take(80).collect() }
}

/// Lets somebody speak as another user, with that user's rights and no more.
pub fn impersonate(names: &Names, principal: &Principal, user: &str) -> Result<Principal, CatalogError> {
    if names.user_name_of(principal) == Some(user) {
        return Ok(principal.clone());
    }
    check_speaks(names, principal, user)?;
    let other = names.user(user).filter(|other| !other.suspended).ok_or_else(|| not_as(user))?;
    check_spoken_for(other)?;
    let behind = principal.0.as_ref().map(|who| Arc::clone(who.behind.as_ref().unwrap_or(who)));
    Ok(Principal(Some(Arc::new(Who::new(other, None, behind)))))
}

/// Tells the highest level that a user has on a database, and whether he may use it beside another; nothing where he
/// does not see it. Who sees it and has no whole level has none.
///
/// Of who came by a token it is what the token may do.
#[must_use]
pub fn level_of(
    names: &Names,
    principal: &Principal,
    user: &User,
    database: DatabaseId,
) -> Option<(Option<Level>, bool)> {
    let token = principal.0.as_deref().filter(|who| who.id == user.id).and_then(|who| who.token.as_ref());
    let rights = names.memory.of(names, user.id, token).ok()?;
    let row = names.database(database)?;
    let on = rights.under_own_name(names, database).filter(|on| on.access)?;
    Some((highest(&rights, &on, |act| rights.may(names, act, None, Some(row))), on.cross))
}

/// As [`level_of`], of who asks, under the name of an alias by which he knows the database.
#[must_use]
pub fn level_by_alias(names: &Names, principal: &Principal, target: &Target) -> Option<(Option<Level>, bool)> {
    let rights = principal.rights(names).ok()??;
    let row = names.database(target.database)?;
    let on = rights.on(names, target).filter(|on| on.access)?;
    let may = |act| rights.may_by_alias(names, act, row, target.alias.as_ref());
    Some((highest(&rights, &on, may), on.cross))
}

/// Gives the highest level whose every privilege somebody has on a database.
fn highest(rights: &UserRights, on: &DatabaseRights, may: impl Fn(Act) -> bool) -> Option<Level> {
    let has = |level: Level| {
        let all = level.privileges(&Scope::All);
        all.iter().all(|privilege| match privilege.act {
            Act::Match => on.graph.sees_everything(),
            Act::Write => on.graph.writes_everything(),
            act => may(act),
        })
    };
    let most = rights.token.as_ref().and_then(|token| token.level).unwrap_or(Level::Owner);
    let levels = [Level::Owner, Level::Admin, Level::Write, Level::Read];
    levels.into_iter().find(|level| *level <= most && has(*level))
}

impl Names {
    /// Names the database that somebody means who names none: his home, or the default one.
    ///
    /// The name may lead nowhere: a home need not exist yet, and nothing falls back to another.
    #[must_use]
    pub fn home_of(&self, principal: &Principal) -> DatabaseName {
        match principal.id().and_then(|id| self.book().user_by_id(id)) {
            Some(user) => self.home_name(user).clone(),
            None => self.default_database().name.clone(),
        }
    }

    /// Finds the database that somebody uses who names none.
    pub fn home_target(&self, principal: &Principal) -> Result<Target, CatalogError> {
        // Whether he is a user at all is asked by whoever opens it.
        let rights = principal.rights(self).ok().flatten();
        match rights.as_ref().and_then(|rights| rights.user.home.as_ref()) {
            Some(name) => self.resolve(name.as_str()),
            None => {
                let row = self.default_database();
                Ok(Target { database: row.id, name: row.name.clone(), alias: None })
            }
        }
    }

    pub(crate) fn home_name<'n>(&'n self, user: &'n User) -> &'n DatabaseName {
        user.home.as_ref().unwrap_or(&self.default_database().name)
    }

    /// Names the user that a principal is by now; the name may have changed since he logged in.
    #[must_use]
    pub fn user_name_of(&self, principal: &Principal) -> Option<&str> {
        self.user_of_principal(principal).map(|user| user.name.as_str())
    }

    /// Gives the user that a principal is.
    #[must_use]
    pub fn user_of_principal(&self, principal: &Principal) -> Option<&Arc<User>> {
        self.book().user_by_id(principal.id()?)
    }
}
