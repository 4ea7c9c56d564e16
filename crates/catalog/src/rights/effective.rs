//! What everything that was granted and denied adds up to for one user: computed once a version, then only looked up.
//! Leaves the questions to [`crate::access`].
//! Start reading at [`Memory::of`].

use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use types::privilege::{Act, Place};
use types::{CompactString, DatabaseId, DatabaseName};

use super::level::Level;
use super::privilege::{Asked, Privilege, Scope};
use super::{ADMIN_ROLE, Holder, Token, User, UserId};
use crate::access::Naming;
use crate::graph_rights::{Builder, GraphRights};
use crate::{CatalogError, Database, Names, Target};

/// Most answers that are kept for one user; beyond them all are forgotten, and asked anew.
const DATABASES_KEPT_MAX: usize = 16_384;
/// Most users that are kept.
const USERS_KEPT_MAX: usize = 16_384;

/// A user, and the token by which he came.
type Asker = (UserId, Option<CompactString>);

/// What was asked of one version of the catalog so far. A new version begins with none of it.
#[derive(Debug, Default)]
pub(crate) struct Memory(RwLock<FxHashMap<Asker, Arc<UserRights>>>);

impl Clone for Memory {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What one user may do, or a token of his.
#[derive(Debug)]
pub(crate) struct UserRights {
    pub user: Arc<User>,
    pub token: Option<Arc<Token>>,
    privileges: Vec<Privilege>,
    /// Whether any of them is about an alias alone, or about the home that an alias is, or the token is.
    has_aliases: bool,
    /// The database that was asked for first, which is the only one of most users.
    first: OnceLock<(DatabaseId, Arc<DatabaseRights>)>,
    databases: RwLock<FxHashMap<DatabaseId, Arc<DatabaseRights>>>,
    /// The same under the names of aliases, where those make a difference.
    aliases: RwLock<FxHashMap<DatabaseName, Arc<DatabaseRights>>>,
}

/// How a token reaches a database under one of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Not at all.
    No,
    /// With what its user may do under that name.
    Here,
    /// It was made for the database's own name: it has no more than under that, and no more than its user has here.
    AsOwn,
}

/// What one user may do to one database.
#[derive(Debug)]
pub(crate) struct DatabaseRights {
    /// Whether it is there for the user at all.
    pub access: bool,
    /// Whether it may be used beside the session's own.
    pub cross: bool,
    /// What may be done inside.
    pub graph: Arc<GraphRights>,
}

impl Memory {
    /// Gives what a user may do, or a token of his. Fails where there is no such user or token any more.
    pub fn of(
        &self,
        names: &Names,
        user: UserId,
        token: Option<&CompactString>,
    ) -> Result<Arc<UserRights>, CatalogError> {
        let key = (user, token.cloned());
        if let Some(found) = self.0.read().get(&key) {
            return Ok(Arc::clone(found));
        }
        let made = Arc::new(UserRights::of(names, user, token)?);
        let mut kept = self.0.write();
        if kept.len() >= USERS_KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&made));
        Ok(made)
    }
}

impl UserRights {
    fn of(names: &Names, id: UserId, token: Option<&CompactString>) -> Result<Self, CatalogError> {
        let book = names.book();
        let user = book.user_by_id(id).filter(|user| !user.suspended).ok_or(CatalogError::AuthorizationExpired)?;
        let token = match token {
            None => None,
            // One that was dropped has ended, as one has whose time is over.
            Some(token) => Some(book.token(token).filter(|it| it.user == id).ok_or(CatalogError::TokenExpired)?),
        };
        Ok(Self::granted_to(names, user, token))
    }

    /// Gives what a user may do, who need not be in the book yet, nor be let in.
    pub fn granted_to(names: &Names, user: &Arc<User>, token: Option<&Arc<Token>>) -> Self {
        let (book, id) = (names.book(), user.id);
        let roles = user.all_roles().into_iter().map(Holder::Role);
        let holders: Vec<Holder> = roles.chain([Holder::User(id)]).collect();
        let mut privileges: Vec<Privilege> =
            holders.iter().flat_map(|holder| book.privileges_of(holder)).cloned().collect();
        let owned = book.owned_by(id).map(Scope::Named);
        privileges.extend(owned.map(|scope| Privilege { scope, ..Privilege::of(Act::Ownership) }));
        if let Some(token) = token {
            privileges.extend(withheld(token));
        }
        let home = user.home.as_ref().filter(|home| names.alias(home).is_some());
        let is_of_alias = |privilege: &Privilege| match privilege.scope {
            Scope::Alias(_) => true,
            Scope::Home => home.is_some(),
            _ => false,
        };
        let is_of_names = token.is_some_and(|token| token.aliases.as_ref().is_some_and(|aliases| !aliases.is_empty()));
        let has_aliases = is_of_names || privileges.iter().any(is_of_alias);
        let (first, databases, aliases) = Default::default();
        Self { user: Arc::clone(user), token: token.cloned(), privileges, has_aliases, first, databases, aliases }
    }

    /// Says whom refusals name: `user 'ada' with roles [PUBLIC, reader]`, and the token by which she came, whose level may
    /// forbid what her roles allow.
    pub fn who(&self) -> String {
        let roles: Vec<String> = self.user.all_roles().iter().map(ToString::to_string).collect();
        let token = self.token.as_ref().map(|token| match token.level {
            Some(level) => format!(" by token '{}' of level '{}'", token.name, level.word()),
            None => format!(" by token '{}'", token.name),
        });
        format!("user '{}' with roles [{}]{}", self.user.name, roles.join(", "), token.unwrap_or_default())
    }

    /// Gives what the user may do to a database under the name by which it is meant.
    pub fn on(&self, names: &Names, target: &Target) -> Option<Arc<DatabaseRights>> {
        match target.alias.as_ref().filter(|alias| self.knows(names, alias, target.database)) {
            Some(alias) => {
                let add_up = || Some(Arc::new(self.add_up(names, names.database(target.database)?, Some(alias))));
                kept(&self.aliases, alias, add_up)
            }
            None => self.under_own_name(names, target.database),
        }
    }

    /// Gives what the user may do to a database whatever it is called; the first answer is kept.
    pub fn under_own_name(&self, names: &Names, database: DatabaseId) -> Option<Arc<DatabaseRights>> {
        let add_up = || Some(Arc::new(self.add_up(names, names.database(database)?, None)));
        match self.first.get() {
            Some((first, on)) if *first == database => Some(Arc::clone(on)),
            Some(_) => kept(&self.databases, &database, add_up),
            None => {
                let on = add_up()?;
                // Where another one was quicker, this is asked for anew next time.
                _ = self.first.set((database, Arc::clone(&on)));
                Some(on)
            }
        }
    }

    /// Tells whether some privilege is about this alias alone, or the token is, and it leads to this database by now.
    pub fn knows(&self, names: &Names, alias: &DatabaseName, database: DatabaseId) -> bool {
        let is_about = |privilege: &Privilege| match &privilege.scope {
            Scope::Alias(about) => about == alias,
            Scope::Home => self.user.home.as_ref() == Some(alias),
            _ => false,
        };
        self.has_aliases
            && names.alias(alias).is_some_and(|found| found.target == database)
            && (self.privileges.iter().any(is_about) || self.token.as_ref().is_some_and(|token| token.names(alias)))
    }

    /// Tells whether the user may do this on the server, or to a database.
    pub fn may(&self, names: &Names, act: Act, argument: Option<&str>, database: Option<&Database>) -> bool {
        let is_kept_from = match database {
            Some(row) => self.reach(names, row, None) == Reach::No,
            None => self.is_kept_from_all(act),
        };
        if is_kept_from {
            return false;
        }
        let asked = database.map(|row| self.asked(names, row, None));
        self.grants(asked.as_ref(), act, argument)
    }

    /// Names something that the user could do to a database once it is meant so, and cannot do yet: a grant that comes to
    /// hold, or a denial that ceases to.
    pub fn gains(&self, names: &Names, row: &Database, naming: Naming<'_>) -> Option<Act> {
        let alias = if let Naming::Home(alias) | Naming::NoHome(alias) = naming { alias } else { None };
        let now = self.asked(names, row, alias);
        let is_home = |name: &DatabaseName| now.is_home || self.user.home.as_ref() == Some(name);
        let then = match naming {
            // Whose home it is, goes on with it.
            Naming::Renamed(to) => Asked { name: to, is_home: is_home(to), ..now },
            // What was granted on an older one of its name ends with that.
            Naming::NewAlias(alias) => Asked { is_home: is_home(alias), ..now },
            Naming::Alias(alias) if names.alias(alias).is_some_and(|found| found.target == row.id) => return None,
            Naming::Alias(alias) => Asked { alias: Some(alias), is_home: is_home(alias), ..now },
            Naming::Default => Asked { is_default: true, is_home: now.is_home || self.user.home.is_none(), ..now },
            // A home that he chose goes on.
            Naming::NoDefault => Asked { is_default: false, is_home: now.is_home && self.user.home.is_some(), ..now },
            Naming::Home(_) => Asked { is_home: true, ..now },
            Naming::NoHome(_) => Asked { is_home: false, ..now },
        };
        let shows = self.privileges.iter().any(|one| shows(one) && one.scope.holds(&then));
        // To come in shows nothing by itself, but that the database is there: a home tells it of any name, and everybody has
        // the default one as such.
        let tells = matches!(naming, Naming::Home(_)) && !now.is_default;
        let counts = |act: Act| shows || tells || !matches!(act, Act::Access | Act::CrossDatabase);
        let is_gained = |one: &&Privilege| {
            let (before, after) = if one.denied { (&then, &now) } else { (&now, &then) };
            one.scope.holds(after) && !self.has(one, before) && counts(one.act)
        };
        self.privileges.iter().find(is_gained).map(|one| one.act)
    }

    /// Names something that the user could do to a database of a name that nothing has yet, once it is his home: what he may
    /// not do anyway to whatever comes to have it.
    pub fn gains_at_home(&self, home: &DatabaseName) -> Option<Act> {
        let now = Asked { id: DatabaseId([0; 16]), name: home, is_home: false, is_default: false, alias: None };
        let is_gained = |one: &&Privilege| one.scope == Scope::Home && !one.denied && !self.has(one, &now);
        self.privileges.iter().find(is_gained).map(|one| one.act)
    }

    /// Tells whether the user has all of this privilege on a database, by whatever scope and in whatever larger one.
    fn has(&self, wanted: &Privilege, asked: &Asked<'_>) -> bool {
        self.privileges.iter().any(|one| one.scope.holds(asked) && one.contains(wanted))
    }

    /// Tells whether the user may do this to a database under the name of an alias.
    pub fn may_by_alias(&self, names: &Names, act: Act, row: &Database, alias: Option<&DatabaseName>) -> bool {
        self.grants_by(act, None, self.meant(names, row, alias))
    }

    fn grants(&self, asked: Option<&Asked<'_>>, act: Act, argument: Option<&str>) -> bool {
        self.grants_by(act, argument, |privilege| match asked {
            Some(asked) => privilege.scope.holds(asked),
            // A question about every database is answered by what holds for every one.
            None => privilege.scope == Scope::All,
        })
    }

    fn grants_by(&self, act: Act, argument: Option<&str>, is_meant: impl Fn(&Privilege) -> bool) -> bool {
        let mut granted = false;
        for privilege in self.privileges.iter().filter(|privilege| privilege.speaks_of(act, argument)) {
            let is_meant = is_meant(privilege);
            if is_meant && privilege.denied {
                return false;
            }
            granted |= is_meant;
        }
        granted
    }

    fn asked<'a>(&self, names: &Names, row: &'a Database, alias: Option<&'a DatabaseName>) -> Asked<'a> {
        let home = names.home_name(&self.user);
        // An alias is a home under its own name alone: it tells nobody where it leads.
        let is_named = |home: &Target| home.alias.is_none() || home.alias.as_ref() == alias;
        let is_home = names.resolve(home.as_str()).is_ok_and(|home| home.database == row.id && is_named(&home));
        Asked { id: row.id, name: &row.name, is_home, is_default: names.default_database().id == row.id, alias }
    }

    fn is_bound(&self) -> bool {
        self.token.as_ref().is_some_and(|token| token.databases.is_some())
    }

    /// Tells whether the token, if there is one, does to the server or to every database nothing of this that an owner
    /// does to one.
    fn is_kept_from_all(&self, act: Act) -> bool {
        let is_on_server = act.row().place == Place::Dbms;
        let has_level = self.token.as_ref().is_some_and(|token| token.level.is_some());
        Act::Ownership.holds(act) && (self.is_bound() || (has_level && is_on_server))
    }

    /// Tells how the token, if there is one, reaches a database under one of its names.
    pub fn reach(&self, names: &Names, row: &Database, alias: Option<&DatabaseName>) -> Reach {
        let Some(token) = &self.token else { return Reach::Here };
        let Some(bound) = &token.databases else { return Reach::Here };
        let is_bound = bound.contains(&row.id);
        match alias {
            None if is_bound || token.fits(&row.name) => Reach::Here,
            Some(alias) if token.names(alias) || (is_bound && token.aliases.is_none()) => Reach::Here,
            Some(_) if is_bound => Reach::AsOwn,
            // A pattern is no way to learn a name: it fits those that the user knows.
            Some(alias) if !token.patterns.is_empty() => {
                let knows_own = self.grants(Some(&self.asked(names, row, None)), Act::Access, None);
                match (knows_own, token.fits(&row.name), token.fits(alias)) {
                    (true, true, _) => Reach::AsOwn,
                    (false, _, true) => Reach::Here,
                    _ => Reach::No,
                }
            }
            _ => Reach::No,
        }
    }

    /// Gives what tells of a privilege whether it counts for a database under one of its names.
    fn meant<'a>(
        &self,
        names: &Names,
        row: &'a Database,
        alias: Option<&'a DatabaseName>,
    ) -> impl Fn(&Privilege) -> bool + use<'a> {
        let (reach, here, own) =
            (self.reach(names, row, alias), self.asked(names, row, alias), self.asked(names, row, None));
        move |privilege| match reach {
            Reach::No => false,
            Reach::Here => privilege.scope.holds(&here),
            Reach::AsOwn => privilege.scope.holds(&own) || (privilege.denied && privilege.scope.holds(&here)),
        }
    }

    fn add_up(&self, names: &Names, row: &Database, alias: Option<&DatabaseName>) -> DatabaseRights {
        if self.reach(names, row, alias) == Reach::No {
            return DatabaseRights { access: false, cross: false, graph: Arc::new(GraphRights::nothing()) };
        }
        let is_meant = self.meant(names, row, alias);
        let mut builder = Builder::new(self.who());
        for privilege in self.privileges.iter().filter(|privilege| is_meant(privilege)) {
            privilege.add_to(&mut builder);
        }
        let graph = builder.build();
        let is_others = names.book().owner(row.id).is_some_and(|owner| owner.id != self.user.id);
        let as_admin = is_others && self.user.roles.contains(ADMIN_ROLE);
        DatabaseRights {
            access: self.grants_by(Act::Access, None, &is_meant),
            cross: self.grants_by(Act::CrossDatabase, None, &is_meant),
            graph: Arc::new(if as_admin { graph.used_as_admin() } else { graph }),
        }
    }
}

/// Tells whether a privilege shows something of a database to who may come in, which shows nothing by itself.
fn shows(one: &Privilege) -> bool {
    let is_inside = one.act.suits_alias() && !matches!(one.act, Act::Access | Act::CrossDatabase);
    !one.denied && (is_inside || matches!(one.act, Act::Ownership | Act::AllDatabase))
}

/// Gives what was added up before, or adds it up and keeps it.
fn kept<K: Clone + Eq + Hash>(
    kept: &RwLock<FxHashMap<K, Arc<DatabaseRights>>>,
    key: &K,
    add_up: impl FnOnce() -> Option<Arc<DatabaseRights>>,
) -> Option<Arc<DatabaseRights>> {
    if let Some(found) = kept.read().get(key) {
        return Some(Arc::clone(found));
    }
    let made = add_up()?;
    let mut kept = kept.write();
    if kept.len() >= DATABASES_KEPT_MAX {
        kept.clear();
    }
    kept.insert(key.clone(), Arc::clone(&made));
    Some(made)
}

/// What a token keeps its user from.
fn withheld(token: &Token) -> Vec<Privilege> {
    let level = token.level.or_else(|| token.databases.as_ref().map(|_| Level::Owner));
    let denied = |act| Privilege { denied: true, ..Privilege::of(act) };
    level.map(|level| level.withheld().into_iter().map(denied).collect()).unwrap_or_default()
}
