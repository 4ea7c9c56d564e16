//! Reads the part of Gherkin that the TCK is written in.
//!
//! The crates for Gherkin refuse one of the files, whose texts hold quotes and backslashes.

use std::path::{Path, PathBuf};

/// One scenario, with the values of its example filled in.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// `folder/File.feature::name`, with ` #n` for the n-th example.
    pub id: String,
    /// Its steps, the feature's background first.
    pub steps: Vec<Step>,
}

/// One line of a scenario with what hangs below it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The text behind `Given`, `When`, `Then`, `And`.
    pub text: String,
    /// The text between `"""`.
    pub document: Option<String>,
    /// The rows between `|`.
    pub table: Vec<Vec<String>>,
}

/// A scenario before its examples are filled in.
#[derive(Default)]
struct Block {
    name: String,
    outline: bool,
    steps: Vec<Step>,
    /// Tables of examples: names first, then values.
    examples: Vec<Vec<Vec<String>>>,
}

/// Reads every feature below a folder, in the order of their paths.
///
/// # Errors
///
/// A file that cannot be read, or a line that means nothing.
pub fn load(folder: &Path) -> Result<Vec<Scenario>, String> {
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    paths.sort();
    let mut scenarios = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        scenarios.extend(parse(&name, &text)?);
    }
    Ok(scenarios)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "feature") {
            paths.push(path);
        }
    }
    Ok(())
}

/// Reads one feature.
///
/// # Errors
///
/// A line that means nothing, with its number.
pub fn parse(name: &str, text: &str) -> Result<Vec<Scenario>, String> {
    let mut reader = Reader::default();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if line.trim() == "\"\"\"" {
            let document = document(line, lines.by_ref().map(|(_, line)| line));
            reader.step(at, name)?.document = Some(document);
        } else {
            reader.line(line.trim()).map_err(|problem| format!("{name}:{}: {problem}", at + 1))?;
        }
    }
    let Reader { background, blocks, .. } = reader;
    Ok(blocks.iter().flat_map(|block| expand(name, &background, block)).collect())
}

/// Where the reader is within a feature.
#[derive(Default)]
struct Reader {
    background: Vec<Step>,
    blocks: Vec<Block>,
    in_examples: bool,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with(['#', '@']) || line.starts_with("Feature:") || line == "Background:" {
            return Ok(());
        }
        for (word, outline) in [("Scenario Outline:", true), ("Scenario:", false)] {
            if let Some(name) = line.strip_prefix(word) {
                self.blocks.push(Block { name: name.trim().to_owned(), outline, ..Block::default() });
                self.in_examples = false;
                return Ok(());
            }
        }
        if line.starts_with("Examples:") {
            let block = self.blocks.last_mut().ok_or("examples without a scenario")?;
            block.examples.push(Vec::new());
            self.in_examples = true;
            return Ok(());
        }
        if line.starts_with('|') {
            return self.row(cells(line));
        }
        let (keyword, text) = line.split_once(' ').unwrap_or((line, ""));
        if !matches!(keyword, "Given" | "When" | "Then" | "And" | "But" | "*") {
            return Err(format!("'{line}' is no step"));
        }
        let step = Step { text: text.trim().to_owned(), document: None, table: Vec::new() };
        self.steps().push(step);
        Ok(())
    }

    fn row(&mut self, row: Vec<String>) -> Result<(), String> {
        if self.in_examples {
            let block = self.blocks.last_mut().ok_or("a row without a scenario")?;
            block.examples.last_mut().ok_or("a row without examples")?.push(row);
        } else {
            self.steps().last_mut().ok_or("a row without a step")?.table.push(row);
        }
        Ok(())
    }

    fn steps(&mut self) -> &mut Vec<Step> {
        match self.blocks.last_mut() {
            Some(block) => &mut block.steps,
            None => &mut self.background,
        }
    }

    fn step(&mut self, at: usize, name: &str) -> Result<&mut Step, String> {
        self.steps().last_mut().ok_or_else(|| format!("{name}:{}: a text without a step", at + 1))
    }
}

/// Reads up to the closing `"""`, without the indentation of the opening one.
fn document<'t>(opening: &str, lines: impl Iterator<Item = &'t str>) -> String {
    let indent = opening.len() - opening.trim_start().len();
    let body = lines.take_while(|line| line.trim() != "\"\"\"");
    let cut = body.map(|line| {
        let blank = line.len() - line.trim_start().len();
        &line[indent.min(blank)..]
    });
    cut.collect::<Vec<_>>().join("\n").replace("\\\"\\\"\\\"", "\"\"\"")
}

/// Splits `| a | b |`; a backslash keeps a bar, a backslash, or makes a line break.
fn cells(line: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let mut cell = String::new();
    let mut characters = line.chars().skip(1);
    while let Some(character) = characters.next() {
        match character {
            '|' => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            '\\' => match characters.next() {
                Some('n') => cell.push('\n'),
                Some(escaped @ ('|' | '\\')) => cell.push(escaped),
                other => cell.extend(std::iter::once('\\').chain(other)),
            },
            plain => cell.push(plain),
        }
    }
    cells
}

/// Makes one scenario of each example.
fn expand(feature: &str, background: &[Step], block: &Block) -> Vec<Scenario> {
    let steps: Vec<&Step> = background.iter().chain(&block.steps).collect();
    if !block.outline {
        let steps = steps.into_iter().cloned().collect();
        return vec![Scenario { id: format!("{feature}::{}", block.name), steps }];
    }
    let rows = block.examples.iter().flat_map(|table| table.iter().skip(1).map(|row| (&table[0], row)));
    let scenario = |(number, (names, values)): (usize, (&Vec<String>, &Vec<String>))| Scenario {
        id: format!("{feature}::{} #{}", block.name, number + 1),
        steps: steps.iter().map(|step| filled(step, names, values)).collect(),
    };
    rows.enumerate().map(scenario).collect()
}

fn filled(step: &Step, names: &[String], values: &[String]) -> Step {
    let fill = |text: &String| {
        let pairs = names.iter().zip(values);
        pairs.fold(text.clone(), |text, (name, value)| text.replace(&format!("<{name}>"), value))
    };
    Step {
        text: fill(&step.text),
        document: step.document.as_ref().map(fill),
        table: step.table.iter().map(|row| row.iter().map(fill).collect()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_examples_in() {
        let text = "Feature: F\n  Scenario Outline: [1] add\n    When executing query:\n      \"\"\"\n      RETURN <a>\n        + 1\n      \"\"\"\n    Then the result should be, in any order:\n      | <a> |\n      | '\\|\\\\' |\n    Examples:\n      | a |\n      | 1 |\n      | 2 |\n";
        let scenarios = parse("f", text).expect("the feature is legal");
        assert_eq!(scenarios.len(), 2);
        assert_eq!(scenarios[1].id, "f::[1] add #2");
        assert_eq!(scenarios[1].steps[0].document.as_deref(), Some("RETURN 2\n  + 1"));
        assert_eq!(scenarios[0].steps[1].table, [["1"], ["'|\\'"]]);
    }
}
