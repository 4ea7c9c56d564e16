//! Tokens: passwords for programs, with less than their user may do, and an end.
//! Leaves what a token may do to `rights::effective`, and logging in to `signin`.
//! Start reading at [`Catalog::create_token`].

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use types::{CompactString, DatabaseId, DatabaseName};

use crate::graph_rights::matches;
use crate::rights::level::Level;
use crate::rights::{RightsStep, Token};
use crate::users::{IfMissing, IfThere, NAME_MAX_BYTES, made_up, shown};
use crate::{Catalog, CatalogError, Names, Principal, access};

/// What every token begins with, so that one that leaked is recognised.
const PREFIX: &str = "sheaf_";
const ID_CHARACTERS: usize = 12;
/// 40 of them are 229 bits: nobody guesses one, so a quick hash is enough.
const SECRET_CHARACTERS: usize = 40;
/// Most tokens of one user.
const TOKENS_MAX: usize = 1_000;

/// What a new token may do.
#[derive(Clone, Debug, Default)]
pub struct NewToken {
    /// Its name, unique among the tokens of its user.
    pub name: String,
    /// The databases that it can reach, by name or alias; every one that its user can without any. What it has under an
    /// alias it has under that alone.
    pub databases: Option<Vec<String>>,
    /// Patterns of the names of databases that it can reach beside those, whenever they are made.
    pub patterns: Vec<String>,
    /// What it can do at most.
    pub level: Option<Level>,
    /// When it ends, in nanoseconds since 1970.
    pub expires_nanos: Option<i128>,
}

impl Catalog {
    /// Makes a token for a user; gives its text, which is shown once and kept nowhere. One that is there and is kept gives
    /// none.
    pub fn create_token(&self, user: &str, new: &NewToken, if_there: IfThere) -> Result<Option<String>, CatalogError> {
        let refused = |reason| CatalogError::TokenRefused { name: shown(&new.name), reason };
        if new.name.is_empty() || new.name.len() > NAME_MAX_BYTES || new.name.chars().any(char::is_control) {
            return Err(refused("Its name must have 1 to 256 characters, and none that cannot be printed."));
        }
        if new.level == Some(Level::CrossDatabase) {
            return Err(refused("'cross_db' is no level that a token can have."));
        }
        let (id, secret) = (made_up(ID_CHARACTERS), made_up(SECRET_CHARACTERS));
        let hash = hash(&id, &secret);
        let is_made = self.change_rights("rights.create_token", |names, now| {
            let owner = names.user(user);
            let owner = owner.ok_or_else(|| CatalogError::UserMissing { verb: "alter", user: shown(user) })?;
            let own: Vec<_> = names.tokens_of(user).collect();
            if own.iter().any(|token| token.name == new.name) {
                return match if_there {
                    IfThere::Keep => Ok((Vec::new(), false)),
                    // Another text for a name that programs have would shut them out: that is said by dropping it first.
                    IfThere::Fail | IfThere::Replace => Err(refused("The user has a token by that name.")),
                };
            }
            if own.len() >= TOKENS_MAX {
                return Err(refused("The user has as many tokens as there may be; drop some."));
            }
            let (databases, aliases) = match &new.databases {
                None => (None, Vec::new()),
                Some(all) => bound(names, all).map(|(databases, aliases)| (Some(databases), aliases))?,
            };
            let token = Token {
                id: id.as_str().into(),
                name: new.name.as_str().into(),
                user: owner.id,
                hash,
                databases,
                aliases: Some(aliases),
                patterns: once(new.patterns.iter().map(|pattern| pattern.to_ascii_lowercase().into())),
                level: new.level,
                expires_nanos: new.expires_nanos,
                created_nanos: now,
            };
            Ok((vec![RightsStep::Token(token)], true))
        })?;
        Ok(is_made.then(|| format!("{PREFIX}{id}_{secret}")))
    }

    /// Ends a token; sessions that it opened are refused from their next statement on.
    pub fn drop_token(&self, user: &str, name: &str, if_missing: IfMissing) -> Result<bool, CatalogError> {
        self.change_rights("rights.drop_token", |names, _| {
            let found = names.tokens_of(user).find(|token| token.name == name);
            match (found, if_missing) {
                (Some(token), _) => Ok((vec![RightsStep::TokenGone(token.id.clone())], true)),
                (None, IfMissing::Skip) => Ok((Vec::new(), false)),
                (None, IfMissing::Fail) => Err(CatalogError::TokenMissing { name: shown(name), user: shown(user) }),
            }
        })
    }
}

impl Names {
    /// Lists all tokens.
    pub fn tokens(&self) -> impl Iterator<Item = &Arc<Token>> {
        self.book().tokens()
    }

    /// Lists the tokens of a user.
    pub fn tokens_of<'n>(&'n self, user: &str) -> impl Iterator<Item = &'n Arc<Token>> {
        let id = self.user(user).map(|user| user.id);
        self.tokens().filter(move |token| Some(token.user) == id)
    }

    /// Names the user of a token.
    #[must_use]
    pub fn user_of(&self, token: &Token) -> Option<&str> {
        self.book().user_by_id(token.user).map(|user| user.name.as_str())
    }
}

/// Tells whether a text looks like a token.
#[must_use]
pub fn is_token(text: &str) -> bool {
    parts(text).is_some()
}

/// Finds the token that a text is, if it is one.
pub(crate) fn find<'n>(names: &'n Names, text: &str) -> Option<&'n Arc<Token>> {
    let token = names.book().token(id_in(text)?)?;
    token.is(text).then_some(token)
}

/// Gives the part of a token's text that is no secret; nothing where the text is no token.
pub(crate) fn id_in(text: &str) -> Option<&str> {
    parts(text).map(|(id, _)| id)
}

fn parts(text: &str) -> Option<(&str, &str)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    (id.len() == ID_CHARACTERS && secret.len() == SECRET_CHARACTERS).then_some((id, secret))
}

/// Hashes the secret. It has more bits than anybody can try, so that one round in little memory will do.
fn hash(id: &str, secret: &str) -> [u8; 32] {
    let params = Params::new(Params::MIN_M_COST, 1, 1, Some(32)).expect("the least that argon2 takes");
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(secret.as_bytes(), id.as_bytes(), &mut out)
        .expect("a salt of twelve bytes, and room for the hash");
    out
}

/// Tells the databases that are meant by their own names from the aliases.
fn bound(names: &Names, named: &[String]) -> Result<(Vec<DatabaseId>, Vec<DatabaseName>), CatalogError> {
    let (mut databases, mut aliases) = (Vec::new(), Vec::new());
    for name in named {
        let target = names.resolve(name)?;
        match target.alias {
            Some(alias) => aliases.push(alias),
            None => databases.push(target.database),
        }
    }
    Ok((once(databases), once(aliases)))
}

/// Keeps the first of what is the same.
fn once<T: PartialEq>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

impl Token {
    /// Tells whether this is its text.
    pub(crate) fn is(&self, text: &str) -> bool {
        let Some((id, secret)) = parts(text).filter(|(id, _)| *id == self.id) else { return false };
        // Every byte is looked at, so that the time tells nothing of where two differ.
        let differs = hash(id, secret).iter().zip(&self.hash).fold(0, |differs, (a, b)| differs | (a ^ b));
        std::hint::black_box(differs) == 0
    }

    /// Tells whether it has ended.
    #[must_use]
    pub fn is_over(&self, wall_nanos: i128) -> bool {
        self.expires_nanos.is_some_and(|end| end <= wall_nanos)
    }

    /// Tells whether it was made for this alias.
    pub(crate) fn names(&self, alias: &DatabaseName) -> bool {
        self.aliases.as_ref().is_some_and(|aliases| aliases.contains(alias))
    }

    /// Tells whether one of its patterns fits a name.
    pub(crate) fn fits(&self, name: &DatabaseName) -> bool {
        self.patterns.iter().any(|pattern| matches(pattern, name.as_str()))
    }

    /// Names the databases that it is bound to as somebody knows them, then its aliases and patterns; those that are not
    /// there, or not for him, are left out.
    #[must_use]
    pub fn database_names(&self, names: &Names, principal: &Principal) -> Option<Vec<CompactString>> {
        let name = |id: &DatabaseId| Some(access::told_name(names, principal, *id, None)?.as_str().into());
        let bound = self.databases.as_ref()?.iter().filter_map(name);
        let is_there = |alias: &&DatabaseName| {
            let target = names.resolve(alias.as_str()).ok();
            target.is_some_and(|target| access::lists(names, principal, &target))
        };
        let aliases = self.aliases.iter().flatten().filter(is_there).map(|alias| alias.as_str().into());
        Some(once(bound.chain(aliases)).into_iter().chain(self.patterns.iter().cloned()).collect())
    }
}

#[cfg(test)]
mod tests {
    use store::memory::MemoryEngine;
    use store::{Engine, OpenOptions};
    use types::SystemClock;
    use types::privilege::Act;

    use super::*;
    use crate::rights::effective::{Reach, UserRights};
    use crate::rights::privilege::{Privilege, Scope};
    use crate::rights::{Holder, UserId};
    use crate::{Aim, Authentication, Existing, FirstStart, Settings, User};

    #[test]
    fn f96_a_token_of_an_older_server_reaches_its_databases_under_all_their_names() {
        let options = OpenOptions { create: true, ..OpenOptions::default() };
        let store = MemoryEngine::default().open("system".as_ref(), &options).expect("opens");
        let settings = Settings {
            first_start: FirstStart::default(),
            authentication: Authentication::Off,
            databases_max: 10,
            clock: Arc::new(SystemClock),
        };
        let catalog = Catalog::open(store, settings).expect("opens");
        let default = Arc::clone(catalog.names().default_database());
        catalog.database_made(default.id).expect("is made");
        let (alias, other) =
            (DatabaseName::parse("reports").expect("legal"), DatabaseName::parse("other").expect("legal"));
        for alias in [&alias, &other] {
            let aim = Aim { target: &default.name, is_known: true };
            catalog.create_alias(alias, aim, &types::Map::new(), Existing::Refuse).expect("is free");
        }
        let user = User {
            id: UserId([1; 16]),
            name: "ann".into(),
            password_hash: String::new(),
            change_required: false,
            suspended: false,
            home: None,
            roles: std::collections::BTreeSet::default(),
            created_nanos: 0,
        };
        let access = Privilege { scope: Scope::Alias(alias.clone()), ..Privilege::of(Act::Access) };
        let steps = |_: &Names, _| {
            let granted = RightsStep::Privilege(Holder::User(user.id), access.clone());
            Ok((vec![RightsStep::User(user.clone()), granted], ()))
        };
        catalog.change_rights("rights.test", steps).expect("is written");
        let names = catalog.names();
        let reach = |databases: &[DatabaseId], aliases: Option<&[&DatabaseName]>, name: Option<&DatabaseName>| {
            let token = Token {
                id: "id".into(),
                name: "t".into(),
                user: user.id,
                hash: [0; 32],
                databases: Some(databases.to_vec()),
                aliases: aliases.map(|all| all.iter().map(|alias| (*alias).clone()).collect()),
                patterns: Vec::new(),
                level: None,
                expires_nanos: None,
                created_nanos: 0,
            };
            let rights = UserRights::granted_to(&names, &Arc::new(user.clone()), Some(&Arc::new(token)));
            rights.reach(&names, &default, name)
        };
        let id = [default.id];
        assert_eq!([reach(&id, None, None), reach(&id, None, Some(&alias))], [Reach::Here; 2]);
        assert_eq!([reach(&id, Some(&[]), None), reach(&id, Some(&[]), Some(&alias))], [Reach::Here, Reach::AsOwn]);
        let by_alias = [None, Some(&alias), Some(&other)].map(|name| reach(&[], Some(&[&alias]), name));
        assert_eq!(by_alias, [Reach::No, Reach::Here, Reach::No]);
    }

    #[test]
    fn f96_a_token_is_told_from_a_password() {
        let (id, secret) = (made_up(ID_CHARACTERS), made_up(SECRET_CHARACTERS));
        assert!(is_token(&format!("{PREFIX}{id}_{secret}")));
        assert!(!is_token(&format!("{PREFIX}{id}_short")));
        assert!(!is_token("password"));
        assert_eq!(hash(&id, &secret), hash(&id, &secret));
        assert_ne!(hash(&id, &secret), hash(&made_up(ID_CHARACTERS), &secret));
    }
}
