//! A database made anew under its name: other files, and everything that was said about it stays.
//! Leaves the files to `instance`, between the two halves as with [`Catalog::create_database`].
//! Start reading at [`Catalog::recreate_database`].

use std::sync::Arc;

use types::{DatabaseId, DatabaseName, failpoint};

use crate::catalog::Step;
use crate::rights::RightsStep;
use crate::{Alias, Catalog, CatalogError, Database, Made, Names, Privilege, Scope, Stage};

/// Most databases whose backups are those of another one.
const FORMERLY_MAX: usize = 32;

impl Catalog {
    /// Records a database without files that is to come in the place of one, with its options, limits and access.
    ///
    /// Make the files in its folder, then call [`Catalog::database_recreated`]; if that fails, remove them and call
    /// [`Catalog::database_removed`]. Until then the old one serves.
    pub fn recreate_database(&self, name: &DatabaseName) -> Result<Arc<Database>, CatalogError> {
        let recorded = self.change(|names, now| {
            let missing = || CatalogError::DatabaseMissing { verb: "recreate", name: name.clone() };
            let target = names.resolve(name.as_str()).map_err(|_| missing())?;
            if target.name.is_system() {
                return Err(CatalogError::SystemProtected { verb: "recreate" });
            }
            let old = names.database(target.database).ok_or_else(missing)?;
            // Backups of what it held are still its own.
            let formerly = [old.id].into_iter().chain(old.formerly.iter().copied()).take(FORMERLY_MAX).collect();
            let new = Database {
                access: old.access,
                requested: old.requested,
                last_stop_nanos: old.last_stop_nanos,
                created_nanos: old.created_nanos,
                limits: Arc::clone(&old.limits),
                options: Arc::clone(&old.options),
                language: old.language,
                creator: old.creator.clone(),
                replaces: Some(old.id),
                formerly,
                ..Database::new(old.name.clone(), now)
            };
            Ok((vec![Step::Database(new.clone())], Arc::new(new)))
        })?;
        failpoint::reach("catalog.recreate.recorded");
        Ok(recorded)
    }

    /// Says that the files are complete: the name, the aliases, the owner, privileges and tokens of the old one are the
    /// new one's from now on. Fails where the old one was changed since.
    pub fn database_recreated(&self, id: DatabaseId) -> Result<Made, CatalogError> {
        failpoint::reach("catalog.recreate.made");
        let made = self.change(|names, now| {
            let found = names.database(id).filter(|database| database.stage == Stage::Making);
            let new = found.ok_or(CatalogError::Stage { stage: "being made" })?;
            // It may have been dropped or replaced since; then there is no place to come into.
            let is_there = |old: &&Arc<Database>| old.stage == Stage::Ready;
            let old = new.replaces.and_then(|old| names.database(old)).filter(is_there);
            let old = old.ok_or_else(|| CatalogError::DatabaseMissing { verb: "recreate", name: new.name.clone() })?;
            // What it was made of, and is to be like, must be what is there.
            if old.updated_nanos > new.updated_nanos {
                return Err(CatalogError::Outdated);
            }
            let dropping = Database { stage: Stage::Dropping, updated_nanos: now, ..(**old).clone() };
            let ready = Database { stage: Stage::Ready, updated_nanos: now, replaces: None, ..(**new).clone() };
            let mut steps = vec![Step::Database(dropping.clone()), Step::Database(ready)];
            steps.extend(inherited(names, old.id, id));
            Ok((steps, Made { replaced: Some(Arc::new(dropping)) }))
        })?;
        failpoint::reach("catalog.recreate.done");
        Ok(made)
    }
}

/// Lists the steps by which one database gets what was said about another.
fn inherited(names: &Names, old: DatabaseId, new: DatabaseId) -> Vec<Step> {
    let mut rights = Vec::new();
    for (holder, privilege) in names.book().privileges().filter(|(_, privilege)| privilege.scope == Scope::Named(old)) {
        rights.push(RightsStep::PrivilegeGone(holder.clone(), privilege.clone()));
        rights.push(RightsStep::Privilege(holder.clone(), Privilege { scope: Scope::Named(new), ..privilege.clone() }));
    }
    rights.extend(names.book().owner(old).map(|owner| RightsStep::Owner(new, owner.id)));
    for token in names.book().tokens() {
        let Some(databases) = token.databases.as_ref().filter(|databases| databases.contains(&old)) else { continue };
        let databases = databases.iter().map(|id| if *id == old { new } else { *id }).collect();
        rights.push(RightsStep::Token(crate::Token { databases: Some(databases), ..(**token).clone() }));
    }
    let aliases = names.aliases().filter(|alias| alias.target == old);
    let aliases = aliases.map(|alias| Step::Alias(Alias { target: new, ..(**alias).clone() }));
    let default = (names.default_database().id == old).then_some(Step::Default(new));
    rights.into_iter().map(Step::Rights).chain(aliases).chain(default).collect()
}
