//! Bookmarks: the text by which a client names a commit.
//!
//! A commit is visible to every later transaction of the server, so that nobody has to wait for one. On connections that
//! serve several conversations a bookmark also carries what `USE` chose: drivers hand a conversation's last bookmark to
//! its next statement, on whatever connection, and to no other conversation's.

use std::fmt;

use catalog::UserId;
use types::{Code, DatabaseId, Failure};

const PREFIX: &str = "sheaf";

/// Writes the bookmark of a version of a database.
pub(crate) fn write(database: &str, version: u64) -> String {
    format!("{PREFIX}:{database}:{version}")
}

/// The database that `USE` chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Its name, as it was used.
    pub(crate) name: String,
    /// The database itself, where that is its own name: it stays chosen when it is renamed. What an alias stands for may
    /// change, and the choice with it.
    pub(crate) id: Option<DatabaseId>,
}

impl Chosen {
    fn read(text: &str) -> Self {
        let Some((name, id)) = text.split_once('@') else { return Self { name: text.to_owned(), id: None } };
        let id = u128::from_str_radix(id, 16).ok().map(|id| DatabaseId(id.to_be_bytes()));
        Self { name: name.to_owned(), id }
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        // No name has this sign in it.
        self.id.map_or(Ok(()), |id| write!(f, "@{:032x}", u128::from_be_bytes(id.0)))
    }
}

/// What `USE` chose in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The database.
    pub(crate) chosen: Chosen,
    /// A digest of whose choice it is: drivers hand the bookmarks of one user to another's conversation too.
    pub(crate) by: u64,
    /// The one that its requests named by themselves, as drivers do that looked up the home of their user: requests that
    /// name another one mean that.
    pub(crate) over: Option<String>,
}

impl Choice {
    /// Adds it to a bookmark.
    pub(crate) fn carry(&self, bookmark: &str) -> String {
        let Self { chosen, by, over } = self;
        let over = over.as_ref().map(|over| format!(":{over}")).unwrap_or_default();
        format!("{bookmark}:{by:x}:{chosen}{over}")
    }

    /// Gives what the latest bookmark of a user carries.
    pub(crate) fn carried(bookmarks: &[String], user: Option<UserId>) -> Option<Self> {
        let choices = bookmarks.iter().rev().filter_map(|bookmark| bookmark.splitn(4, ':').nth(3).and_then(Self::read));
        let mut choices = choices.peekable();
        choices.peek()?;
        let by = digest(user);
        choices.find(|choice| choice.by == by)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let by = u64::from_str_radix(parts.next()?, 16).ok()?;
        let chosen = Chosen::read(parts.next().filter(|chosen| !chosen.is_empty())?);
        Some(Self { chosen, by, over: parts.next().map(str::to_owned) })
    }
}

/// Gives what stands for a user in bookmarks; for nobody while authentication is off.
pub(crate) fn digest(user: Option<UserId>) -> u64 {
    user.map_or(0, |user| xxhash_rust::xxh3::xxh3_64(user.to_string().as_bytes()))
}

/// Refuses bookmarks that this server never gave.
pub(crate) fn check(bookmarks: &[String]) -> Result<(), Failure> {
    match bookmarks.iter().find(|bookmark| !is_ours(bookmark)) {
        None => Ok(()),
        Some(other) => {
            let shown: String = other.chars().take(80).collect();
            Err(Failure::new(
                Code::InvalidBookmark,
                format!("Supplied bookmark '{shown}' does not conform to pattern."),
            ))
        }
    }
}

fn is_ours(bookmark: &str) -> bool {
    let mut parts = bookmark.splitn(4, ':');
    parts.next() == Some(PREFIX)
        && parts.next().is_some_and(|database| !database.is_empty())
        && parts.next().is_some_and(|version| version.parse::<u64>().is_ok())
        && parts.next().is_none_or(|choice| Choice::read(choice).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_are_taken() {
        let check = |text: &str, expected: bool| assert_eq!(check(&[text.to_owned()]).is_ok(), expected, "{text}");
        check(&write("films", 7), true);
        check("sheaf:films:7:0:movies", true);
        check("sheaf:films:7:9f:movies:home", true);
        check("sheaf:films:7:", false);
        check("sheaf:films:7:0", false);
        check("sheaf:films:7:0:", false);
        check("sheaf:films:7:movies", false);
        check("sheaf:films", false);
        check("sheaf::7", false);
        check("sheaf:films:x", false);
        check("FB:kcwQ", false);
        check("", false);
    }

    #[test]
    fn what_was_chosen_is_carried() {
        let check = |bookmarks: &[&str], expected: Option<(&str, Option<&str>)>| {
            let bookmarks: Vec<String> = bookmarks.iter().map(ToString::to_string).collect();
            let choice = Choice::carried(&bookmarks, None);
            let found = choice.as_ref().map(|choice| (choice.chosen.name.as_str(), choice.over.as_deref()));
            assert_eq!(found, expected, "{bookmarks:?}");
            if let Some(choice) = choice {
                assert_eq!(Choice::carried(&[choice.carry(&write("films", 9))], None), Some(choice));
            }
        };
        check(&[], None);
        check(&["sheaf:films:7"], None);
        check(&["sheaf:films:7:0:movies", "sheaf:films:8"], Some(("movies", None)));
        check(&["sheaf:films:7:0:movies", "sheaf:films:8:0:films:home"], Some(("films", Some("home"))));
        check(&["sheaf:films:7:0:movies", "sheaf:films:8:5:films:home"], Some(("movies", None)));
        check(&["sheaf:films:7:0:movies@000102030405060708090a0b0c0d0e0f:home"], Some(("movies", Some("home"))));
        let id = Chosen::read("movies@000102030405060708090a0b0c0d0e0f").id.expect("it is there");
        assert_eq!(id.0, std::array::from_fn(|at| at as u8));
    }

    #[test]
    fn a_choice_is_the_one_of_who_made_it() {
        let of = |user| Choice { chosen: Chosen::read("movies"), by: digest(user), over: None };
        let (ada, bob) = (UserId::parse("1"), UserId::parse("2"));
        let bookmarks = [of(ada).carry(&write("films", 7))];
        assert_eq!(Choice::carried(&bookmarks, ada), Some(of(ada)));
        assert_eq!(Choice::carried(&bookmarks, bob), None);
        assert_eq!(Choice::carried(&bookmarks, None), None);
    }
}
