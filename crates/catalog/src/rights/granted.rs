//! Levels as they were granted: what the privileges of one role or user come to, scope by scope.
//! Leaves what somebody may do in the end, denials counted, to [`crate::access::level_of`].
//! Start reading at [`Names::levels_of`].

use std::collections::BTreeMap;

use super::Holder;
use super::level::Level;
use super::privilege::{Asked, Privilege, Scope};
use crate::{Database, Names};

impl Names {
    /// Lists the levels that a role or a user was granted: the highest of each scope, and `cross_db` beside it.
    ///
    /// Privileges that come to no level are not in it, nor are those that hang on values. Whoever owns a database has
    /// `owner` there.
    #[must_use]
    pub fn levels_of(&self, holder: &Holder) -> Vec<(Scope, Level)> {
        let mut scopes: BTreeMap<&Scope, Vec<&Privilege>> = BTreeMap::new();
        let granted = |privilege: &&Privilege| !privilege.denied && privilege.test.is_none();
        for privilege in self.book().privileges_of(holder).filter(granted) {
            scopes.entry(&privilege.scope).or_default().push(privilege);
        }
        let mut all: Vec<(Scope, Level)> = Vec::new();
        for (scope, privileges) in &scopes {
            let has = |level: &Level| {
                let is_among = |wanted: &Privilege| privileges.iter().any(|has| has.contains(wanted));
                level.privileges(scope).iter().all(is_among)
            };
            let ladder = [Level::Owner, Level::Admin, Level::Write, Level::Read];
            let highest = ladder.into_iter().find(has);
            // Whoever owns it may use it beside others anyway.
            let cross = Some(Level::CrossDatabase).filter(|cross| highest != Some(Level::Owner) && has(cross));
            all.extend(highest.into_iter().chain(cross).map(|level| (Scope::clone(scope), level)));
        }
        if let Holder::User(id) = holder {
            let owned = self.book().owned_by(*id).map(|database| (Scope::Named(database), Level::Owner));
            for one in owned {
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        }
        all
    }

    /// Tells whether what somebody was granted with this scope can be about a database, under one of its names.
    #[must_use]
    pub fn reaches(&self, holder: &Holder, scope: &Scope, database: &Database) -> bool {
        let is_home = match holder {
            Holder::User(id) => self.book().user_by_id(*id).is_some_and(|user| {
                let home = self.resolve(self.home_name(user).as_str());
                home.is_ok_and(|home| home.database == database.id)
            }),
            // It is the home of whoever of them has it as his.
            Holder::Role(_) => true,
        };
        let leads_here = |alias: &types::DatabaseName| self.alias(alias).is_some_and(|it| it.target == database.id);
        let alias = match scope {
            Scope::Alias(alias) => Some(alias).filter(|alias| leads_here(alias)),
            _ => None,
        };
        let is_default = self.default_database().id == database.id;
        scope.holds(&Asked { id: database.id, name: &database.name, is_home, is_default, alias })
    }
}
