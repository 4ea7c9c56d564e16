//! What a statement gave, as lines of a script.

use types::text::literal;

use super::file::{Command, Tag};
use crate::door::{Answer, Problem};

/// One line of output.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// `bob: ` in front of what a named user got.
    speaker: String,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// As it stands.
    Plain(String),
    /// A failure: the codes that it may be, and its message.
    Failure(Problem),
}

impl Line {
    /// Writes the line; a failure with the first code that it may be.
    pub(super) fn text(&self) -> String {
        let text = match &self.content {
            Content::Plain(text) => text.clone(),
            Content::Failure(problem) => failure(problem, problem.codes.first()),
        };
        format!("{}{text}", self.speaker)
    }

    /// Tells whether the line is what was expected.
    pub(super) fn matches(&self, expected: &str) -> bool {
        let Some(expected) = expected.strip_prefix(&self.speaker) else { return false };
        match &self.content {
            Content::Plain(text) => text == expected,
            Content::Failure(problem) => problem.codes.iter().any(|code| failure(problem, Some(code)) == expected),
        }
    }
}

fn failure(problem: &Problem, code: Option<&types::Code>) -> String {
    let code = code.map_or_else(|| "?".to_owned(), |code| format!("{code:?}"));
    format!("Error: {code}: {}", problem.headline())
}

/// Shows an outcome; a success that should be a failure, or the other way round, says so.
pub(super) fn lines(command: &Command, outcome: Result<Answer, Problem>) -> Vec<Line> {
    let contents = match outcome {
        Err(problem) if command.fails => vec![Content::Failure(problem)],
        Err(problem) => vec![Content::Plain("UNEXPECTED".to_owned()), Content::Failure(problem)],
        Ok(_) if command.fails => vec![Content::Plain("UNEXPECTED: the statement succeeded".to_owned())],
        Ok(answer) => answer_lines(command, &answer).into_iter().map(Content::Plain).collect(),
    };
    let speaker = command.user.as_ref().map_or_else(String::new, |user| format!("{user}: "));
    contents.into_iter().map(|content| Line { speaker: speaker.clone(), content }).collect()
}

fn answer_lines(command: &Command, answer: &Answer) -> Vec<String> {
    if command.tags.contains(&Tag::Plan) {
        let plan = answer.plan.as_deref().unwrap_or("no plan");
        return plan.lines().map(|line| line.trim_end().to_owned()).collect();
    }
    let mut lines = Vec::new();
    if !answer.columns.is_empty() {
        lines.push(answer.columns.join(" | "));
        let shown = |record: &Vec<types::Value>| record.iter().map(literal).collect::<Vec<_>>().join(" | ");
        let mut records: Vec<String> = answer.records.iter().map(shown).collect();
        if command.tags.contains(&Tag::AnyOrder) {
            records.sort();
        }
        if !command.tags.contains(&Tag::Columns) {
            lines.extend(records);
        }
    }
    let changes: Vec<String> = answer.changes.iter().filter(|(_, count)| *count > 0).map(change).collect();
    if !changes.is_empty() {
        lines.push(changes.join(", "));
    }
    if lines.is_empty() {
        lines.push("ok".to_owned());
    }
    lines
}

/// Writes `2 nodes created`, `1 property set`.
fn change((name, count): &(&'static str, u64)) -> String {
    let (noun, rest) = name.split_once(' ').unwrap_or((name, ""));
    let noun = match (count, noun) {
        (1, "properties") => "property",
        (1, "indexes") => "index",
        (1, plural) => plural.strip_suffix('s').unwrap_or(plural),
        (_, plural) => plural,
    };
    format!("{count} {noun} {rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_read_as_words() {
        assert_eq!(change(&("nodes created", 1)), "1 node created");
        assert_eq!(change(&("properties set", 1)), "1 property set");
        assert_eq!(change(&("indexes added", 2)), "2 indexes added");
    }
}
