//! Users: made, altered, renamed and dropped; their passwords are kept as argon2 hashes only.
//! Leaves logging in to `signin`, and who may change users to [`crate::access`] and its callers.
//! Start reading at [`Catalog::create_user`].

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Argon2, Params};
use rand::Rng;
use types::{CompactString, DatabaseName};

use crate::access::allow_home;
use crate::catalog::Step;
use crate::rights::{ADMIN_ROLE, Holder, RightsStep, User, UserId};
use crate::{Catalog, CatalogError, Names, Principal, imported};

/// The user of the first start.
pub(crate) const ADMIN: &str = "admin";
/// Longest name of a user or a role.
pub(crate) const NAME_MAX_BYTES: usize = 256;
const PASSWORD_MIN_CHARACTERS: usize = 8;
const PASSWORD_MAX_BYTES: usize = 4_096;
const PASSWORD_MADE_CHARACTERS: usize = 24;
const SALT_BYTES: usize = 16;
/// What the argon2 hash of a password may cost that somebody brings along: 256 MiB, and about a second.
const HASH_MEMORY_MAX_KIB: u32 = 1 << 18;
const HASH_PASSES_MAX: u32 = 16;
const HASH_LANES_MAX: u32 = 16;
const HASH_WORK_MAX_KIB: u64 = 1 << 20;
/// Without the letters and digits that look alike; 24 of them are 137 bits.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// What becomes of a user; what is `None` stays as it is.
#[derive(Clone, Default)]
pub struct UserChange {
    /// How the user logs in from now on.
    pub password: Option<NewPassword>,
    /// Whether the password must be changed first of all.
    pub change_required: Option<bool>,
    /// Whether the user is kept out.
    pub suspended: Option<bool>,
    /// The home database; `Some(None)` for the default one.
    pub home: Option<Option<DatabaseName>>,
}

/// A password that is to hold from now on.
#[derive(Clone)]
pub enum NewPassword {
    /// The password itself.
    Plain(String),
    /// Its hash: in PHC form, as a backup of users has it, or in Neo4j's.
    Hashed(String),
    /// None: no password lets the user in.
    None,
}

/// What to do with something that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfThere {
    /// Refuse.
    Fail,
    /// Leave it as it is.
    Keep,
    /// Drop it first.
    Replace,
}

/// What to do where there is nothing by that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// Refuse.
    Fail,
    /// Do nothing.
    Skip,
}

/// Makes the first admin, and a password if none is given.
pub(crate) fn first(given: Option<String>, now: i128) -> Result<(User, Option<String>), CatalogError> {
    let (password, made) = match given {
        Some(given) => (given, None),
        None => {
            let made = made_up(PASSWORD_MADE_CHARACTERS);
            (made.clone(), Some(made))
        }
    };
    let user = User { password_hash: hash(&password)?, roles: [ADMIN_ROLE.into()].into(), ..new_user(ADMIN, now) };
    Ok((user, made))
}

pub(crate) fn new_user(name: &str, now: i128) -> User {
    User {
        id: UserId(*uuid::Uuid::new_v4().as_bytes()),
        name: name.into(),
        password_hash: String::new(),
        change_required: false,
        suspended: false,
        home: None,
        roles: Default::default(),
        created_nanos: now,
    }
}

/// Makes up a text that nobody guesses, of letters and digits.
pub(crate) fn made_up(characters: usize) -> String {
    let mut random = rand::rng();
    (0..characters).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}

pub(crate) fn hash(password: &str) -> Result<String, CatalogError> {
    if password.chars().count() < PASSWORD_MIN_CHARACTERS {
        return Err(CatalogError::PasswordShort);
    }
    if password.len() > PASSWORD_MAX_BYTES {
        return Err(CatalogError::Password { reason: format!("it is longer than {PASSWORD_MAX_BYTES} bytes") });
    }
    let failed = |error: argon2::password_hash::Error| CatalogError::Password { reason: error.to_string() };
    let salt = SaltString::encode_b64(&rand::rng().random::<[u8; SALT_BYTES]>()).map_err(failed)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

/// Compares a password with a user's hash; without one it takes as long and fails.
pub(crate) fn verify(hashed: Option<&str>, password: &str) -> Result<bool, CatalogError> {
    let Some(hashed) = hashed.filter(|hashed| !hashed.is_empty()) else {
        // The time of the answer must not tell which names exist.
        let salt = SaltString::encode_b64(&[0; SALT_BYTES]).expect("sixteen bytes are a salt");
        let _ = std::hint::black_box(Argon2::default().hash_password(password.as_bytes(), &salt));
        return Ok(false);
    };
    let imported = imported::unwrap(hashed, password);
    let (hashed, secret) = imported.as_ref().map_or((hashed, password), |(hashed, secret)| (*hashed, secret.as_str()));
    let hash = PasswordHash::new(hashed)
        .map_err(|error| CatalogError::damaged(format!("the hash of a password cannot be read: {error}")))?;
    Ok(Argon2::default().verify_password(secret.as_bytes(), &hash).is_ok())
}

/// Refuses a hash that costs too much to compare with: whoever knows the name has the server do it, with any password.
fn check_cost(hash: &PasswordHash<'_>) -> Result<(), String> {
    let params = Params::try_from(hash).map_err(|error| format!("its hash cannot be read: {error}"))?;
    let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
    let work = u64::from(memory) * u64::from(passes);
    if memory <= HASH_MEMORY_MAX_KIB
        && passes <= HASH_PASSES_MAX
        && lanes <= HASH_LANES_MAX
        && work <= HASH_WORK_MAX_KIB
    {
        return Ok(());
    }
    Err(format!(
        "its hash costs m={memory}, t={passes}, p={lanes} at each login, and the most is m={HASH_MEMORY_MAX_KIB}, \
         t={HASH_PASSES_MAX}, p={HASH_LANES_MAX}, and {HASH_WORK_MAX_KIB} for m times t"
    ))
}

impl NewPassword {
    /// Gives the hash to be kept. Takes tens of milliseconds.
    fn hash(&self) -> Result<String, CatalogError> {
        match self {
            Self::Plain(password) => hash(password),
            Self::None => Ok(String::new()),
            Self::Hashed(hashed) => {
                let bad = |reason: String| CatalogError::Password { reason };
                match imported::parse(hashed) {
                    Some(Ok(imported)) => return Ok(imported.wrap(&hash(imported.secret())?)),
                    Some(Err(reason)) => return Err(bad(reason.to_owned())),
                    None => {}
                }
                let parsed = PasswordHash::new(hashed).map_err(|error| {
                    bad(format!("its hash is neither argon2's ($argon2id$...) nor Neo4j's (1,<hash>,<salt>): {error}"))
                })?;
                if !parsed.algorithm.as_str().starts_with("argon2") {
                    return Err(bad(format!("hashes by '{}' are not known here, only argon2", parsed.algorithm)));
                }
                check_cost(&parsed).map_err(bad)?;
                Ok(hashed.clone())
            }
        }
    }
}

impl Catalog {
    /// Makes a user; tells whether there was anything to do.
    ///
    /// `PASSWORD CHANGE REQUIRED` holds unless it is said otherwise, as with Neo4j.
    pub fn create_user(
        &self,
        acting: &Principal,
        name: &str,
        change: &UserChange,
        if_there: IfThere,
    ) -> Result<bool, CatalogError> {
        check_name(name)?;
        let names = self.names();
        let there = names.user(name).is_some();
        match if_there {
            IfThere::Keep if there => return Ok(false),
            IfThere::Fail if there => return Err(CatalogError::UserExists { verb: "create", user: name.to_owned() }),
            _ => {}
        }
        let password = change.password.as_ref().ok_or(CatalogError::PasswordMissing { user: name.to_owned() })?;
        let password_hash = password.hash()?;
        self.change_rights("rights.create_user", |names, now| {
            let mut steps = Vec::new();
            if let Some(old) = names.user(name) {
                match if_there {
                    IfThere::Fail => return Err(CatalogError::UserExists { verb: "create", user: name.to_owned() }),
                    IfThere::Keep => return Ok((Vec::new(), false)),
                    IfThere::Replace => steps = gone(names, acting, old, "replace")?,
                }
            }
            let user = User { password_hash: password_hash.clone(), change_required: true, ..new_user(name, now) };
            if let Some(home) = &change.home {
                allow_home(names, acting, &Arc::new(user.clone()), home.as_ref())?;
            }
            steps.push(RightsStep::User(changed(&user, change)));
            Ok((steps, true))
        })
    }

    /// Alters a user; tells whether there was anything to do.
    pub fn alter_user(
        &self,
        acting: &Principal,
        name: &str,
        change: &UserChange,
        if_missing: IfMissing,
    ) -> Result<bool, CatalogError> {
        if self.names().user(name).is_none() {
            return missing(name, "alter", if_missing);
        }
        let password_hash = change.password.as_ref().map(NewPassword::hash).transpose()?;
        self.change_rights("rights.alter_user", |names, _| {
            let Some(user) = names.user(name) else {
                return missing(name, "alter", if_missing).map(|done| (Vec::new(), done));
            };
            if change.suspended.is_some_and(|suspended| suspended != user.suspended) && acting.is(user.id) {
                return Err(CatalogError::OwnStatus { user: name.to_owned() });
            }
            if let Some(home) = &change.home {
                allow_home(names, acting, user, home.as_ref())?;
            }
            let mut next = changed(user, change);
            if let Some(hash) = password_hash.clone() {
                next.password_hash = hash;
            }
            Ok(if next == **user { (Vec::new(), false) } else { (vec![RightsStep::User(next)], true) })
        })
    }

    /// Changes the password of whoever asks, who has to know the old one.
    pub fn alter_own_password(&self, acting: &Principal, old: &str, new: &str) -> Result<(), CatalogError> {
        let names = self.names();
        let user = acting.id().and_then(|id| names.book().user_by_id(id).cloned()).ok_or(CatalogError::Unauthorized)?;
        let name = user.name.to_string();
        if !self.is_right_password(&user.name, Some(&user.password_hash), old)? {
            return Err(CatalogError::OldPasswordWrong { user: name });
        }
        if old == new {
            return Err(CatalogError::PasswordSame { user: name });
        }
        let password_hash = hash(new)?;
        self.change_rights("rights.own_password", |names, _| {
            let user = names.book().user_by_id(user.id).ok_or(CatalogError::Unauthorized)?;
            let next = User { password_hash: password_hash.clone(), change_required: false, ..User::clone(user) };
            Ok((vec![RightsStep::User(next)], ()))
        })
    }

    /// Gives a user a new name; running sessions go on under it.
    pub fn rename_user(&self, name: &str, to: &str, if_missing: IfMissing) -> Result<bool, CatalogError> {
        check_name(to)?;
        self.change_rights("rights.rename_user", |names, _| {
            let Some(user) = names.user(name) else {
                return missing(name, "rename", if_missing).map(|done| (Vec::new(), done));
            };
            if names.user(to).is_some() {
                return Err(CatalogError::HolderTaken { what: "user", from: name.to_owned(), to: to.to_owned() });
            }
            let renamed = User { name: to.into(), ..User::clone(user) };
            let mut steps = names.book().rename_user(name, to);
            steps.extend([RightsStep::UserGone(name.into()), RightsStep::User(renamed)]);
            Ok((steps, true))
        })
    }

    /// Drops a user with his tokens and what was granted to him alone; databases that he owned have no owner then.
    pub fn drop_user(&self, acting: &Principal, name: &str, if_missing: IfMissing) -> Result<bool, CatalogError> {
        self.change_rights("rights.drop_user", |names, _| match names.user(name) {
            Some(user) => Ok((gone(names, acting, user, "delete")?, true)),
            None => missing(name, "delete", if_missing).map(|done| (Vec::new(), done)),
        })
    }

    /// Gives a user a new password and lets him in again, without asking anybody: for who holds the data folder.
    pub fn set_password(&self, user: &str, password: &str) -> Result<(), CatalogError> {
        let missing = || CatalogError::UserMissing { verb: "alter", user: shown(user) };
        self.names().user(user).ok_or_else(missing)?;
        let password_hash = hash(password)?;
        self.change_rights("rights.set_password", |names, _| {
            let found = names.user(user).ok_or_else(missing)?;
            let next = User {
                password_hash: password_hash.clone(),
                change_required: false,
                suspended: false,
                ..User::clone(found)
            };
            Ok((vec![RightsStep::User(next)], ()))
        })
    }

    /// Makes one change of rights, with the places at which a crash is tried.
    pub(crate) fn change_rights<T>(
        &self,
        place: &'static str,
        plan: impl FnOnce(&Names, i128) -> Result<(Vec<RightsStep>, T), CatalogError>,
    ) -> Result<T, CatalogError> {
        types::failpoint::reach(place);
        let done = self.change(|names, now| {
            let (steps, result) = plan(names, now)?;
            Ok((steps.into_iter().map(Step::Rights).collect(), result))
        })?;
        types::failpoint::reach("rights.done");
        Ok(done)
    }
}

impl Names {
    /// Gives the user by that name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&std::sync::Arc<User>> {
        self.book().user(name)
    }

    /// Lists the users by name.
    pub fn users(&self) -> impl Iterator<Item = &std::sync::Arc<User>> {
        self.book().users()
    }
}

fn changed(user: &User, change: &UserChange) -> User {
    User {
        change_required: change.change_required.unwrap_or(user.change_required),
        suspended: change.suspended.unwrap_or(user.suspended),
        home: change.home.clone().unwrap_or_else(|| user.home.clone()),
        ..user.clone()
    }
}

/// Lists the steps that drop a user and everything that hangs on him.
fn gone(names: &Names, acting: &Principal, user: &User, verb: &'static str) -> Result<Vec<RightsStep>, CatalogError> {
    if acting.is(user.id) {
        return Err(CatalogError::OwnUser { verb, user: user.name.to_string() });
    }
    let book = names.book();
    let mut steps = book.forget_holder(&Holder::User(user.id));
    let own = |step: &RightsStep| matches!(step, RightsStep::PrivilegeGone(Holder::User(id), _) if *id == user.id);
    steps.extend(book.forget_user(&user.name).into_iter().filter(|step| !own(step)));
    steps.extend(book.owned_by(user.id).map(RightsStep::OwnerGone));
    let tokens = book.tokens().filter(|token| token.user == user.id);
    steps.extend(tokens.map(|token| RightsStep::TokenGone(token.id.clone())));
    steps.push(RightsStep::UserGone(user.name.clone()));
    Ok(steps)
}

fn missing(name: &str, verb: &'static str, if_missing: IfMissing) -> Result<bool, CatalogError> {
    match if_missing {
        IfMissing::Skip => Ok(false),
        IfMissing::Fail => Err(CatalogError::UserMissing { verb, user: shown(name) }),
    }
}

/// Cuts a name to what a message repeats of it.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}

pub(crate) fn check_name(name: &str) -> Result<(), CatalogError> {
    // Letters of other alphabets look like those of ASCII: 'admin' with one of them is somebody else.
    let bad = |character: char| matches!(character, ',' | ':' | '`') || !character.is_ascii_graphic();
    if name.is_empty() || name.len() > NAME_MAX_BYTES {
        return Err(CatalogError::NameLength { what: "username" });
    }
    if name.contains(bad) {
        return Err(CatalogError::UserName { name: CompactString::from(shown(name)) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f86_names_of_users_are_plain_and_of_a_length() {
        let longest = "a".repeat(NAME_MAX_BYTES);
        for name in ["ann", "ann.b@example.org", "{ann}", "O'Hara", longest.as_str()] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let longer = "a".repeat(NAME_MAX_BYTES + 1);
        for name in ["", "\u{430}dmin", "ad\u{200b}min", "\u{1f600}", "a b", "a,b", "a:b", "a\0", longer.as_str()] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_hash_tells_its_password_and_no_other() {
        let (user, made) = first(None, 0).expect("made up");
        let password = made.expect("none was given");
        assert_eq!(password.len(), PASSWORD_MADE_CHARACTERS);
        assert!(user.password_hash.starts_with("$argon2id$") && !user.password_hash.contains(&password));
        assert!(verify(Some(&user.password_hash), &password).expect("sound"));
        assert!(!verify(Some(&user.password_hash), "wrong").expect("sound"));
        assert!(!verify(None, &password).expect("no user"));
        assert!(!verify(Some(""), "").expect("no password"));
    }

    #[test]
    fn f95_a_password_hashed_by_neo4j_lets_in_and_is_kept_as_argon2() {
        let text = "1,6d57a5e0b3317055454e455f96c98c750c77fb371f3f0634a1b8ff2a55c5b825,\
                    190ae47c661e0668a0c8be8a21ff78a4a34cdf918cae3c407e907b73932bd16c";
        let kept = NewPassword::Hashed(text.to_owned()).hash().expect("its form");
        assert!(kept.contains("$argon2id$") && !kept.contains("6d57a5e0"));
        assert!(verify(Some(&kept), "neo4j").expect("sound") && !verify(Some(&kept), "neo4k").expect("sound"));
        let refused = |text: &str| NewPassword::Hashed(text.to_owned()).hash().expect_err(text).to_string();
        assert!(refused("7,ab,cd").contains("the encryption version specified is not available"));
        assert!(refused("1,ab,cd").contains("'<encryption-version>,<hash>,<salt>'"));
        assert!(refused("plain").contains("neither argon2's"));
    }

    #[test]
    fn f95_a_hash_costs_no_more_than_a_login_may() {
        let check = |cost: &str, expected: bool| {
            let text = format!("$argon2id$v=19${cost}$c2FsdHNhbHQ$aGFzaGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaA");
            let hashed = NewPassword::Hashed(text).hash();
            assert_eq!(hashed.is_ok(), expected, "{cost}: {hashed:?}");
            let told = hashed.err().map_or_else(String::new, |error| error.to_string());
            assert!(expected || told.contains("the most is m=262144, t=16, p=16"), "{told}");
        };
        // What others make: this server, PHP, Django, and the second choice of RFC 9106.
        check("m=19456,t=2,p=1", true);
        check("m=65536,t=4,p=1", true);
        check("m=102400,t=2,p=8", true);
        check("m=262144,t=4,p=1", true);
        check("m=262145,t=1,p=1", false);
        check("m=262144,t=5,p=1", false);
        check("m=1024,t=17,p=1", false);
        check("m=1024,t=1,p=17", false);
        check("m=4000000,t=1000,p=1", false);
    }

    #[test]
    fn short_passwords_are_refused() {
        let error = first(Some("seven77".to_owned()), 0).expect_err("too short");
        assert_eq!(error.to_string(), "A password must be at least 8 characters.");
        assert!(first(Some("größeres".to_owned()), 0).is_ok(), "eight characters, more bytes");
    }

    #[test]
    fn a_row_without_a_hash_is_damage() {
        assert_eq!(verify(Some("plain"), "plain").expect_err("no hash").code(), types::Code::StorageDamaged);
    }
}
