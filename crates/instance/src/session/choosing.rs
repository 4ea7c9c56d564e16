//! Which database a session is on: what requests name, what `USE` chose, and what a driver's bookmarks carry.
//! Leaves who may see which to `catalog`.
//! Start reading at [`target`].

use std::borrow::Cow;

use catalog::{CatalogError, Names, Principal, Target, UserId};
use cypher::ast::{Body, Name};
use types::{Code, DatabaseName, Failure, Map, Value};

use super::Session;
use crate::answer::{Fetched, Kind, RunOptions, Summary};
use crate::bookmark::{self, Choice, Chosen};
use crate::limits::Guest;
use crate::planning;
use crate::records::Records;

impl Session {
    /// Takes over what the conversation has chosen that goes on now; gives what it asks for then.
    pub(super) fn follow_choice<'o>(&mut self, options: &'o RunOptions) -> Cow<'o, RunOptions> {
        if !self.carries_choice || self.transaction.is_some() {
            return Cow::Borrowed(options);
        }
        let choice = Choice::carried(&options.bookmarks, self.chooser(options));
        let (chosen, by, over) = choice.map_or((None, 0, None), |it| (Some(it.chosen), it.by, it.over));
        if chosen != self.chosen {
            self.choose(chosen);
        }
        (self.chosen_by, self.over) = (by, over);
        match self.over.is_some() && options.database == self.over {
            true => Cow::Owned(RunOptions { database: None, ..options.clone() }),
            false => Cow::Borrowed(options),
        }
    }

    /// Gives what bookmarks carry.
    pub(super) fn choice(&self) -> Option<Choice> {
        let chosen = self.chosen.clone().filter(|_| self.carries_choice)?;
        Some(Choice { chosen, by: self.chosen_by, over: self.over.clone() })
    }

    /// Tells who chooses: the user in whose name the conversation speaks.
    fn chooser(&self, options: &RunOptions) -> Option<UserId> {
        match options.impersonated_user.as_deref().filter(|user| !user.is_empty()) {
            Some(other) => self.shared.catalog.names().user(other).map(|user| user.id),
            None => self.principal.id(),
        }
    }

    pub(super) fn choose(&mut self, database: Option<Chosen>) {
        if let Some(place) = &self.place {
            place.session.choose(database.clone());
        }
        self.chosen = database;
    }

    pub(super) fn chosen_name(&self) -> Option<&str> {
        self.chosen.as_ref().map(|chosen| chosen.name.as_str())
    }

    /// Has a new session object be on the database that was chosen before.
    pub(super) fn bring_choice(&mut self) -> Result<(), Failure> {
        let Some(chosen) = self.chosen.clone() else { return Ok(()) };
        let (names, principal) = (self.shared.catalog.names(), self.principal.clone());
        let target = target(&names, &principal, Some(&chosen.name))?;
        self.take_seat(&names, &principal, &target)?;
        self.choose(Some(chosen));
        Ok(())
    }

    /// Counts a session object as a connection of the database that it moves to, from here on.
    pub(super) fn take_seat(&mut self, names: &Names, principal: &Principal, target: &Target) -> Result<(), Failure> {
        if !self.place.as_ref().is_some_and(|place| place.session.is_object()) {
            return Ok(());
        }
        let row = names.database(target.database).filter(|row| !row.name.is_system());
        let meter = row.map(|row| self.shared.meters.of(row));
        let (user, roles) = (self.principal.id(), names.limits_of(principal));
        self.seats.take(meter.iter(), Guest { user, roles: roles.as_deref(), meters: &self.shared.meters })
    }

    /// Goes on in the database that was chosen when it has another name by now.
    ///
    /// One that is gone, or that the user may not see any more, is not found by its old name, whatever has that now.
    pub(super) fn follow_rename(&mut self, names: &Names, principal: &Principal) -> Result<(), Failure> {
        let Some(Chosen { name, id: Some(id) }) = &self.chosen else { return Ok(()) };
        let row = names.database(*id);
        if row.is_some_and(|row| row.name.as_str() == name) {
            return Ok(());
        }
        let target = row.map(|row| Target { database: *id, name: row.name.clone(), alias: None });
        match target.filter(|target| catalog::access::sees(names, principal, target)) {
            Some(target) => {
                self.choose(Some(Chosen { name: target.name.to_string(), id: Some(*id) }));
                Ok(())
            }
            None => Err(CatalogError::NotFound { name: name.clone() }.into()),
        }
    }

    /// Calls the database of a limit as whoever is refused knows it: perhaps by an alias alone.
    pub(super) fn told(&self, failure: Failure, options: &RunOptions) -> Failure {
        let Some(refusal) = failure.refusal() else { return failure };
        let names = self.shared.catalog.names();
        let acting =
            self.acting.clone().map_or_else(|| self.acting_as(&names, options.impersonated_user.as_deref()), Ok);
        let (Ok(principal), Ok(target)) = (acting, names.resolve(&refusal.database)) else { return failure };
        let named = options.database.as_deref().or(self.chosen_name());
        let named = named.and_then(|named| DatabaseName::parse(named).ok());
        let known = catalog::access::told_name(&names, &principal, target.database, named.as_ref());
        let own = refusal.database.clone();
        known.map_or(failure.clone(), |known| failure.calling(&own, known.as_str()))
    }

    /// Moves the session to a database, or tells which one it is on.
    pub(super) fn use_database(
        &mut self,
        names: &Names,
        principal: &Principal,
        current: String,
        (options, name): (&RunOptions, Option<Name>),
    ) -> Result<Records, Failure> {
        let admission = self.shared.admission.clone();
        let Some(name) = name else {
            let mut rows = Fetched::default();
            rows.push([Value::string(current.as_str())]);
            let bookmark = Some(bookmark::write(DatabaseName::system().as_str(), names.version()));
            let summary = Summary { kind: Kind::Read, database: current, bookmark, ..Summary::default() };
            return Ok(Records::buffered(vec!["database".into()], rows, summary, admission));
        };
        if self.transaction.is_some() {
            let text = "The database of an open transaction cannot be changed; commit it or roll it back first.";
            return Err(Failure::new(Code::SemanticError, text));
        }
        if self.place.is_none() && self.origin.protocol == "http" {
            let text = format!(
                "This request has no session that USE {name} could move. Name the database in the address or the body, write \
                 USE {name} in front of the statement, or open a session with POST /sessions and send its id in the header \
                 X-Sheaf-Session.",
                name = DatabaseName::shown(&name.text)
            );
            return Err(Failure::new(Code::RequestInvalid, text));
        }
        let target = target(names, principal, Some(&name.text))?;
        catalog::grant(names, principal, &target, catalog::Access::Read).map_err(Failure::from)?;
        let database = shown(&target);
        self.take_seat(names, principal, &target)?;
        let id = target.alias.is_none().then_some(target.database);
        self.choose(Some(Chosen { name: database.clone(), id }));
        self.chosen_by = bookmark::digest(self.chooser(options));
        self.over = options.database.clone().or(self.over.take());
        let bookmark = Some(bookmark::write(DatabaseName::system().as_str(), names.version()));
        let summary = Summary { kind: Kind::Read, database, bookmark, ..Summary::default() };
        Ok(Records::buffered(Vec::new(), Fetched::default(), summary, admission))
    }
}

/// Finds the database that is meant: the one that is named, or the user's home. One that he may not see is unknown to
/// him.
pub(super) fn target(names: &Names, principal: &Principal, asked: Option<&str>) -> Result<Target, Failure> {
    match asked {
        Some(name) => catalog::access::resolve(names, principal, name).map_err(Failure::from),
        // Commands on `system` go from here too, so that it may be one that he cannot use; whoever opens it is told.
        None => names.home_target(principal).map_err(Failure::from),
    }
}

/// Lets one whose home does not exist, or whose chosen database is gone, run what needs none: commands, the choice of
/// another, and what names its databases in front. `failure` is what all else is answered.
#[cold]
pub(super) fn without_home(
    names: &Names,
    principal: &Principal,
    (text, parameters): (&str, &Map),
    failure: Failure,
) -> Result<Target, Failure> {
    let Ok(parsed) = cypher::parse(text) else { return Err(failure) };
    let named = match &parsed.body {
        Body::Admin(_) | Body::Chain { .. } | Body::UseDatabase { name: Some(_) } => {
            return Ok(names.resolve(DatabaseName::system().as_str())?);
        }
        Body::Query(query) if query.rest.iter().all(|(_, part)| part.using.is_some()) => query.first.using.as_ref(),
        Body::Schema { using, .. } => using.as_ref(),
        Body::Query(_) | Body::UseDatabase { name: None } => None,
    };
    let named = named.ok_or(failure)?;
    target(names, principal, Some(&planning::typed_name(named, names, principal, parameters)?))
}

/// Tells whether a text is a command, which runs on `system` from any session.
pub(super) fn is_command(text: &str) -> bool {
    let parsed = cypher::parse(text).map(|statement| statement.body);
    matches!(parsed, Ok(Body::Admin(_) | Body::Chain { .. }))
}

pub(super) fn shown(target: &Target) -> String {
    target.alias.as_ref().unwrap_or(&target.name).to_string()
}
