//! Bookmarks: the text by which a client names a commit.
//!
//! A commit is visible to every later transaction of the server, so that nobody has to wait for one.

use types::{Code, Failure};

const PREFIX: &str = "sheaf";

/// Writes the bookmark of a version of a database.
pub(crate) fn write(database: &str, version: u64) -> String {
    format!("{PREFIX}:{database}:{version}")
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
    let mut parts = bookmark.splitn(3, ':');
    parts.next() == Some(PREFIX)
        && parts.next().is_some_and(|database| !database.is_empty())
        && parts.next().is_some_and(|version| version.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_are_taken() {
        let check = |text: &str, expected: bool| assert_eq!(check(&[text.to_owned()]).is_ok(), expected, "{text}");
        check(&write("films", 7), true);
        check("sheaf:films", false);
        check("sheaf::7", false);
        check("sheaf:films:x", false);
        check("FB:kcwQ", false);
        check("", false);
    }
}
