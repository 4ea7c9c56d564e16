//! The catalog itself: opening it, the first start, and how one change is made.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex, RwLock};
use store::{Reader, Store, Writer};
use types::{Clock, DatabaseId, DatabaseName, failpoint};

use crate::databases::{Database, Stage};
use crate::resolve::{Names, Target};
use crate::rights::{RightsStep, Role, built_in, rows as rights_rows};
use crate::rows::{self, AliasRow, DatabaseRow, HeadRow, Put, Table};
use crate::signin::Attempts;
use crate::{Alias, CatalogError, DatabaseOptions, Pending, rights, staged, users};

/// How the catalog is set up.
pub struct Settings {
    /// What exists after the first start; later starts ignore it.
    pub first_start: FirstStart,
    /// Who is let in.
    pub authentication: Authentication,
    /// Most databases, `system` and offline ones counted.
    pub databases_max: usize,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// What exists after the first start.
#[derive(Clone, Debug)]
pub struct FirstStart {
    /// Name of the default database.
    pub default_database: DatabaseName,
    /// A second name for it, if any; left out when it is the same.
    pub alias: Option<DatabaseName>,
    /// Options of the default database.
    pub options: DatabaseOptions,
}

impl Default for FirstStart {
    /// Makes `sheaf`, also known as `neo4j`, which many clients ask for without being told.
    fn default() -> Self {
        let name = |text| DatabaseName::parse(text).expect("a legal name");
        let options = DatabaseOptions::default();
        Self { default_database: name("sheaf"), alias: Some(name("neo4j")), options }
    }
}

/// Who is let in.
#[derive(Clone)]
pub enum Authentication {
    /// Everybody, as nobody in particular, and may do everything.
    Off,
    /// Users with a password.
    Password {
        /// The password of `admin`, where there is no user yet; one is made up if it is not given.
        first: Option<String>,
    },
    /// Users with a password where there are users already, everybody where there is none.
    IfUsers,
}

/// What exists and who may use it, kept in the store of `system`.
///
/// Reading goes over [`Catalog::names`] and waits for nobody. Changes take turns; each is one durable write.
pub struct Catalog {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) databases_max: usize,
    pub(crate) password_needed: bool,
    pub(crate) attempts: Arc<Mutex<Attempts>>,
    /// Told whenever a password was compared.
    pub(crate) attempt_ended: Arc<Condvar>,
    /// Held through a change, so that two cannot start from the same version.
    pub(crate) turn: Mutex<()>,
    pub(crate) names: RwLock<Arc<Names>>,
    pub(crate) password_made: Mutex<Option<String>>,
    /// The steps so far, where these are the changes of a transaction that has not committed.
    pub(crate) staged: Option<Mutex<Vec<Step>>>,
}

/// One step of a change.
#[derive(Clone)]
pub(crate) enum Step {
    /// Another database is the default one from now on.
    Default(DatabaseId),
    Database(Database),
    DatabaseGone(DatabaseId),
    Alias(Alias),
    AliasGone(DatabaseName),
    Rights(RightsStep),
}

impl Step {
    /// Makes the row; what the head keeps has none of its own.
    fn put(&self) -> Option<Put> {
        Some(match self {
            Self::Default(_) => return None,
            Self::Database(database) => Put::set(Table::Database.key(&database.id.0), &DatabaseRow::from(database)),
            Self::DatabaseGone(id) => Put::remove(Table::Database.key(&id.0)),
            Self::Alias(alias) => Put::set(Table::Alias.key(alias.name.as_str().as_bytes()), &AliasRow::from(alias)),
            Self::AliasGone(name) => Put::remove(Table::Alias.key(name.as_str().as_bytes())),
            Self::Rights(step) => step.put(),
        })
    }
}

impl Catalog {
    /// Tells whether only users with a password are let in.
    #[must_use]
    pub fn needs_password(&self) -> bool {
        self.password_needed
    }

    /// Reads the catalog in `store` and checks every row; fills it at the first start.
    pub fn open(store: Arc<dyn Store>, settings: Settings) -> Result<Self, CatalogError> {
        let Settings { first_start, authentication, databases_max, clock } = settings;
        let snapshot = store.snapshot()?;
        let loaded = load(&*snapshot)?;
        drop(snapshot);

        let now = clock.wall_nanos();
        let mut puts = Vec::new();
        let mut names = match loaded {
            Some(names) => names,
            None => {
                let (names, first) = first_names(&first_start, now)?;
                puts.extend(first);
                names
            }
        };
        names.set_clock(&clock);
        let mut begun = first_rights(&names, now);
        let mut password_made = None;
        let password_needed = match authentication {
            Authentication::Off => false,
            Authentication::IfUsers => names.users().next().is_some(),
            Authentication::Password { first } => {
                if names.users().next().is_none() {
                    let (user, made) = users::first(first, now)?;
                    password_made = made;
                    begun.push(Step::Rights(RightsStep::User(user)));
                }
                true
            }
        };
        for step in &begun {
            names.apply(step)?;
            puts.extend(step.put());
        }
        if !puts.is_empty() {
            store.write(&mut |writer| run(&puts, writer))?;
        }
        Ok(Self {
            store,
            clock,
            databases_max,
            password_needed,
            attempts: Arc::default(),
            attempt_ended: Arc::default(),
            turn: Mutex::new(()),
            names: RwLock::new(Arc::new(names)),
            password_made: Mutex::new(password_made),
            staged: None,
        })
    }

    /// Gives the password that this start made up for `admin`, the first time it is asked.
    #[must_use]
    pub fn take_password(&self) -> Option<String> {
        self.password_made.lock().take()
    }

    /// Gives what exists now; hold on to it for a consistent picture.
    #[must_use]
    pub fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names.read())
    }

    /// Tells which database a typed name means; see [`Names::resolve`].
    pub fn resolve(&self, typed: &str) -> Result<Target, CatalogError> {
        self.names.read().resolve(typed)
    }

    /// Tells whether changes can be kept: after one that did not get to the disk for sure none can, until the next start.
    #[must_use]
    pub fn takes_changes(&self) -> bool {
        self.store.takes_writes()
    }

    /// Lists what a start must finish or remove before it serves anybody.
    #[must_use]
    pub fn pending(&self) -> Vec<Pending> {
        self.names().pending()
    }

    /// Makes one change: `plan` looks at what exists and says the steps, which are then kept together or not at all.
    pub(crate) fn change<T>(
        &self,
        plan: impl FnOnce(&Names, i128) -> Result<(Vec<Step>, T), CatalogError>,
    ) -> Result<T, CatalogError> {
        let _turn = self.turn.lock();
        let names = self.names();
        let (mut steps, result) = plan(&names, self.clock.wall_nanos())?;
        if steps.is_empty() {
            return Ok(result);
        }
        let about = |step: &Step| match step {
            Step::DatabaseGone(id) => names.book().forget_database(*id),
            Step::AliasGone(alias) => names.book().forget_alias(alias),
            _ => Vec::new(),
        };
        let forgotten: Vec<Step> = steps.iter().flat_map(about).map(Step::Rights).collect();
        steps.extend(forgotten);
        let mut next = next(&names, &steps)?;
        match &self.staged {
            Some(staged) => staged::extend(&mut staged.lock(), steps, &mut next)?,
            None => self.keep(&steps, &next)?,
        }
        *self.names.write() = Arc::new(next);
        Ok(result)
    }

    /// Writes the steps of a change that led to `next`, together or not at all.
    pub(crate) fn keep(&self, steps: &[Step], next: &Names) -> Result<(), CatalogError> {
        let mut puts: Vec<Put> = steps.iter().filter_map(Step::put).collect();
        puts.push(Put::set(Table::Head.key(&[]), &next.head()));
        failpoint::reach("catalog.change.planned");
        self.store.write(&mut |writer| run(&puts, writer))?;
        failpoint::reach("catalog.change.written");
        Ok(())
    }
}

/// Makes the version that the steps of a change lead to.
pub(crate) fn next(names: &Names, steps: &[Step]) -> Result<Names, CatalogError> {
    let mut next = Names::clone(names);
    steps.iter().try_for_each(|step| next.apply(step))?;
    // Checked before it is written: a change that contradicts itself must not reach the disk.
    next.check(steps)?;
    next.book().check_admin(names.book())?;
    Ok(next)
}

pub(crate) fn run(puts: &[Put], writer: &mut dyn Writer) -> Result<(), store::StoreError> {
    puts.iter().try_for_each(|put| put.run(writer))
}

/// Reads all rows; `None` when there are none yet.
pub(crate) fn load(snapshot: &dyn Reader) -> Result<Option<Names>, CatalogError> {
    let mut steps = Vec::new();
    Table::Database.read(snapshot, |key, row: DatabaseRow| {
        steps.push(Step::Database(row.into_database(key)?));
        Ok(())
    })?;
    Table::Alias.read(snapshot, |key, row: AliasRow| {
        steps.push(Step::Alias(row.into_alias(key)?));
        Ok(())
    })?;
    steps.extend(rights_rows::load(snapshot)?.into_iter().map(Step::Rights));
    let key = Table::Head.key(&[]);
    match snapshot.get(&key)? {
        Some(head) => made_of(&steps, &rows::decode(&key, &head)?).map(Some),
        None if steps.is_empty() => Ok(None),
        None => Err(CatalogError::damaged("its head is missing")),
    }
}

/// Makes the first version that a process sees.
fn made_of(steps: &[Step], head: &HeadRow) -> Result<Names, CatalogError> {
    let mut names = Names::empty();
    names.set_head(head);
    steps.iter().try_for_each(|step| names.apply(step))?;
    names.check(steps)?;
    names.set_head(head);
    Ok(names)
}

/// What `PUBLIC` may do where nobody changed that yet: at the first start, and at the first of a server that knows rights.
fn first_rights(names: &Names, now: i128) -> Vec<Step> {
    if names.book().is_begun() {
        return Vec::new();
    }
    let public = || types::CompactString::from(rights::PUBLIC);
    let role = RightsStep::Role(Role { name: public(), created_nanos: now, immutable: false });
    let privileges = built_in::public().into_iter();
    let privileges = privileges.map(|privilege| RightsStep::Privilege(rights::Holder::Role(public()), privilege));
    [role].into_iter().chain(privileges).map(Step::Rights).collect()
}

/// What exists at the first start. The default database still has no files: [`Catalog::pending`] asks for them.
fn first_names(first: &FirstStart, now: i128) -> Result<(Names, Vec<Put>), CatalogError> {
    if first.default_database.is_system() {
        return Err(CatalogError::SystemProtected { verb: "use as default" });
    }
    let system = Database { stage: Stage::Ready, ..Database::new(DatabaseName::system(), now) };
    let options = Arc::new(first.options.clone());
    let default = Database { options, ..Database::new(first.default_database.clone(), now) };
    let head = HeadRow { version: 1, default: default.id.0 };
    let alias = first.alias.as_ref().filter(|alias| **alias != default.name);
    let alias = alias.map(|name| Alias {
        name: name.clone(),
        target: default.id,
        properties: types::Map::new(),
        created_nanos: now,
    });

    let mut steps = vec![Step::Database(system), Step::Database(default)];
    steps.extend(alias.map(Step::Alias));
    let mut puts: Vec<Put> = steps.iter().filter_map(Step::put).collect();
    puts.push(Put::set(Table::Head.key(&[]), &head));
    Ok((made_of(&steps, &head)?, puts))
}
