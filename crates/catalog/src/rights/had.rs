//! What a token has of what its user was granted: the listings of a token show no more than it may do.
//! Leaves what that adds up to, to `effective`.
//! Start reading at [`Names::had_by`].

use types::privilege::{Act, Place};
use types::{DatabaseId, DatabaseName};

use super::effective::Reach;
use super::level::Level;
use super::privilege::{Privilege, Resource, Scope, Segment};
use super::{Holder, Token};
use crate::{Database, Names, Principal, access};

impl Names {
    /// Gives what somebody has of a privilege of his: all of it, unless he came by a token that has less.
    ///
    /// A token that is bound to databases has it there alone, and of a group no more than its level has.
    #[must_use]
    pub fn had_by(&self, principal: &Principal, privilege: &Privilege) -> Vec<Privilege> {
        let Some(token) = self.token_of(principal) else { return vec![privilege.clone()] };
        let most = token.level.unwrap_or(Level::Owner);
        let mut had = Vec::new();
        for scope in self.scopes_of(principal, token, privilege) {
            let here = Privilege { scope, ..privilege.clone() };
            had.extend(match privilege.denied {
                true => vec![here],
                // Without a level, a token that is bound to nothing may do what its user may.
                false if token.level.is_none() && token.databases.is_none() => vec![here],
                false => within(here, most),
            });
        }
        had
    }

    /// Gives the level that somebody has of one that was granted to him on a scope; none where he came by a token that
    /// does not reach it.
    #[must_use]
    pub fn level_had_by(&self, principal: &Principal, scope: &Scope, level: Level) -> Option<Level> {
        let Some(token) = self.token_of(principal) else { return Some(level) };
        let is_reached = token.databases.is_none() || !self.among(token, scope).is_empty();
        let most = token.level.unwrap_or(Level::Owner);
        is_reached.then_some(if level == Level::CrossDatabase { level } else { level.min(most) })
    }

    fn token_of(&self, principal: &Principal) -> Option<&Token> {
        self.tokens().find(|token| principal.is_by(token)).map(AsRef::as_ref)
    }

    /// Lists where a token has a privilege of its user.
    fn scopes_of(&self, principal: &Principal, token: &Token, privilege: &Privilege) -> Vec<Scope> {
        let (scope, act) = (&privilege.scope, privilege.act);
        let is_of_databases = matches!(act.row().place, Place::Graph | Place::Database);
        if token.databases.is_none() || !is_of_databases {
            return vec![scope.clone()];
        }
        let mut scopes = Vec::new();
        for (database, alias) in self.among(token, scope) {
            let here = match (scope, alias) {
                // It goes with the alias or the home, which the database's own name would not tell.
                (Scope::Alias(_), _) | (Scope::Home, None) => Some(scope.clone()),
                // It was granted by that name.
                (Scope::Named(_), None) => Some(Scope::Named(database)),
                (_, None) => self.told_scope(principal, database, act),
                (Scope::Home, Some(alias)) if self.home_of(principal) == alias => Some(scope.clone()),
                (_, Some(alias)) => act.suits_alias().then_some(Scope::Alias(alias)),
            };
            scopes.extend(here.filter(|here| !scopes.contains(here)));
        }
        scopes
    }

    /// Means a database as it is told to somebody: by an alias where he knows it by that alone. Nothing where he does not
    /// know it, or where an alias gives nothing of the kind.
    fn told_scope(&self, principal: &Principal, database: DatabaseId, act: Act) -> Option<Scope> {
        let told = access::told_name(self, principal, database, None)?;
        match self.alias(&told) {
            None => Some(Scope::Named(database)),
            Some(_) => act.suits_alias().then_some(Scope::Alias(told)),
        }
    }

    /// Picks the databases of a scope among those to which a token is bound, each with the alias under which alone it is.
    fn among(&self, token: &Token, scope: &Scope) -> Vec<(DatabaseId, Option<DatabaseName>)> {
        let Ok(rights) = self.memory.of(self, token.user, Some(&token.id)) else { return Vec::new() };
        let reaches = |row: &Database, alias: Option<&DatabaseName>| rights.reach(self, row, alias) == Reach::Here;
        let home = self.resolve(self.home_name(&rights.user).as_str()).ok().and_then(|home| home.alias);
        let is_meant = |row: &Database, alias: Option<&DatabaseName>| {
            self.reaches(&Holder::User(token.user), scope, row)
                && match (scope, &home) {
                    (Scope::Alias(named), _) => alias.is_none_or(|alias| alias == named) && reaches(row, Some(named)),
                    (Scope::Home, Some(home)) => alias.is_none_or(|alias| alias == home) && reaches(row, Some(home)),
                    _ => true,
                }
        };
        let bound = token.databases.iter().flatten().filter_map(|id| self.database(*id)).map(|row| (row, None));
        let led = token.aliases.iter().flatten().filter_map(|name| {
            let alias = self.alias(name)?;
            Some((self.database(alias.target)?, Some(name.clone())))
        });
        // Only patterns ask for a look at every database.
        let all = (!token.patterns.is_empty()).then(|| self.databases_from("")).into_iter().flatten();
        let by_pattern = all.flat_map(|row| {
            let known = |alias: &DatabaseName| rights.knows(self, alias, row.id) && reaches(row, Some(alias));
            let aliases = self.aliases_of(row.id).into_iter().filter(known).map(Some);
            reaches(row, None).then_some(None).into_iter().chain(aliases).map(move |alias| (row, alias))
        });
        let reached = bound.chain(led).chain(by_pattern);
        reached.filter(|(row, alias)| is_meant(row, alias.as_ref())).map(|(row, alias)| (row.id, alias)).collect()
    }
}

/// Gives what is left of a granted privilege within a level.
fn within(privilege: Privilege, most: Level) -> Vec<Privilege> {
    let withheld = most.withheld();
    if withheld.iter().any(|act| act.holds(privilege.act)) {
        return Vec::new();
    }
    if !withheld.iter().any(|act| privilege.act.holds(*act)) {
        return vec![privilege];
    }
    // A group, some parts of which are withheld.
    let mut left: Vec<Privilege> = Vec::new();
    let calls =
        [Act::ExecuteProcedure, Act::ExecuteFunction, Act::ExecuteBoostedProcedure, Act::ExecuteBoostedFunction];
    let calls = calls.map(|act| Privilege { segment: Segment::Names("*".into()), ..Privilege::of(act) });
    let parts = most.privileges(&privilege.scope).into_iter().chain(calls);
    for part in parts.filter(|part| privilege.act.holds(part.act)) {
        let part = match (part.act.row().place, &privilege.segment) {
            (Place::Graph, Segment::Nodes(_) | Segment::Relationships(_)) => narrowed(part, &privilege),
            (Place::Dbms, _) => Some(part),
            _ => Some(Privilege { scope: privilege.scope.clone(), ..part }),
        };
        let part = part.map(|part| Privilege { immutable: privilege.immutable, ..part });
        left.extend(part.filter(|part| !left.contains(part)));
    }
    left
}

/// Keeps a part of a group to the elements and properties that the group is about.
fn narrowed(part: Privilege, group: &Privilege) -> Option<Privilege> {
    if std::mem::discriminant(&part.segment) != std::mem::discriminant(&group.segment) {
        return None;
    }
    let resource = match (&part.resource, &group.resource) {
        (Resource::AllProperties, Resource::Property(_)) => group.resource.clone(),
        _ => part.resource.clone(),
    };
    Some(Privilege { resource, segment: group.segment.clone(), test: group.test.clone(), ..part })
}
