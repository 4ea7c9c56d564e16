//! Failures as a person reads them: code, text, and a caret under the place.

use super::talk::TalkError;

/// Describes a failure, with the statement's line where the server told the place.
pub fn describe(error: &TalkError, statement: &str) -> String {
    let mut text = match error.status() {
        Some(code) => format!("{code}: {error}"),
        None => format!("error: {error}"),
    };
    let cause = std::error::Error::source(error);
    if let Some(cause) = cause.filter(|cause| !text.contains(&cause.to_string())) {
        text.push_str(": ");
        text.push_str(&cause.to_string());
    }
    if !text.lines().any(|line| line.trim() == "^")
        && let Some(shown) = place(&text).and_then(|place| pointed(statement, place))
    {
        text.push_str(&shown);
    }
    text
}

/// Line and column, from 1.
#[derive(Clone, Copy)]
struct Place {
    line: usize,
    column: usize,
}

/// Finds `line 1, column 8` in a message.
fn place(message: &str) -> Option<Place> {
    let (_, rest) = message.rsplit_once("(line ")?;
    let (line, rest) = rest.split_once(", column ")?;
    let column = rest.split(|character: char| !character.is_ascii_digit()).next()?;
    Some(Place { line: line.parse().ok()?, column: column.parse().ok()? })
}

fn pointed(statement: &str, place: Place) -> Option<String> {
    let line = statement.lines().nth(place.line.checked_sub(1)?)?;
    let before = line.chars().take(place.column.checked_sub(1)?);
    // Tabs stay tabs, so that the caret stands where the terminal puts the character.
    let blank: String = before.map(|character| if character == '\t' { '\t' } else { ' ' }).collect();
    Some(format!("\n  {line}\n  {blank}^"))
}

#[cfg(test)]
mod tests {
    use bolt::client::ClientError;

    use super::*;

    fn check(message: &str, statement: &str, expected: &str) {
        let failed = ClientError::Failed { code: "Neo.X".to_owned(), message: message.to_owned() };
        assert_eq!(describe(&TalkError::Client(failed), statement), expected);
    }

    #[test]
    fn f118_a_caret_stands_under_the_place() {
        check(
            "Invalid input (line 2, column 3 (offset: 9))",
            "MATCH (n)\n\t x",
            "Neo.X: Invalid input (line 2, column 3 (offset: 9))\n  \t x\n  \t ^",
        );
    }

    #[test]
    fn f118_messages_without_a_place_stay_as_they_are() {
        check("No such thing", "RETURN 1", "Neo.X: No such thing");
        check("Bad (line 9, column 1)", "RETURN 1", "Neo.X: Bad (line 9, column 1)");
        check(
            "Bad (line 1, column 1)\n\"RETURN 1\"\n ^",
            "RETURN 1",
            "Neo.X: Bad (line 1, column 1)\n\"RETURN 1\"\n ^",
        );
    }
}
