//! Values in the TCK's notation, and the canonical text by which results are compared.

use std::sync::Arc;

use compact_str::CompactString;
use types::{Map, Node, Path, Relationship, Value};

/// Reads a value: `1`, `'a'`, `[1, 2]`, `{k: 1}`, `(:L {k: 1})`, `[:T {k: 1}]`, `<(:A)-[:T]->(:B)>`.
///
/// # Errors
///
/// Text that is no value.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader { rest: text, text };
    let value = reader.value()?;
    reader.space();
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.problem("nothing more")) }
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn problem(&self, expected: &str) -> String {
        format!("expected {expected} at '{}' in '{}'", self.rest, self.text)
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn accept(&mut self, mark: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, mark: &str) -> Result<(), String> {
        if self.accept(mark) { Ok(()) } else { Err(self.problem(mark)) }
    }

    fn value(&mut self) -> Result<Value, String> {
        self.space();
        match self.rest.chars().next() {
            Some('\'') => Ok(Value::String(self.string()?)),
            Some('{') => Ok(Value::map(self.map()?)),
            Some('(') => Ok(Value::Node(Arc::new(self.node(0)?))),
            Some('<') => self.path(),
            Some('[') if self.rest[1..].trim_start().starts_with(':') => {
                Ok(Value::Relationship(Arc::new(self.relationship(0, 0)?)))
            }
            Some('[') => self.list(),
            _ => self.scalar(),
        }
    }

    fn scalar(&mut self) -> Result<Value, String> {
        let end = self.rest.find([',', ']', '}', ' ', ')']).unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        let value = match word {
            "null" => Value::Null,
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            "NaN" => Value::Float(f64::NAN),
            "Inf" => Value::Float(f64::INFINITY),
            "-Inf" => Value::Float(f64::NEG_INFINITY),
            _ => match (word.parse::<i64>(), word.parse::<f64>()) {
                (Ok(integer), _) => Value::Integer(integer),
                (_, Ok(float)) => Value::Float(float),
                _ => return Err(self.problem("a value")),
            },
        };
        self.rest = &self.rest[end..];
        Ok(value)
    }

    /// A text: a backslash keeps a quote or a backslash, and is itself in front of anything else.
    fn string(&mut self) -> Result<CompactString, String> {
        self.expect("'")?;
        let mut out = CompactString::default();
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\'' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(out);
                }
                '\\' if self.rest[at + 1..].starts_with(['\\', '\'']) => {
                    out.extend(characters.next().map(|(_, escaped)| escaped));
                }
                plain => out.push(plain),
            }
        }
        Err(self.problem("a closing quote"))
    }

    fn name(&mut self) -> Result<CompactString, String> {
        self.space();
        if self.rest.starts_with('\'') {
            return self.string();
        }
        if let Some(quoted) = self.rest.strip_prefix('`') {
            let end = quoted.find('`').ok_or_else(|| self.problem("a closing back-quote"))?;
            self.rest = &quoted[end + 1..];
            return Ok(quoted[..end].into());
        }
        let ends = |c: char| c.is_whitespace() || ":{}()[],|<>-".contains(c);
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let name = &self.rest[..end];
        if name.is_empty() {
            return Err(self.problem("a name"));
        }
        self.rest = &self.rest[end..];
        Ok(name.into())
    }

    fn list(&mut self) -> Result<Value, String> {
        self.expect("[")?;
        let mut items = Vec::new();
        while !self.accept("]") {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(self.value()?);
        }
        Ok(Value::list(items))
    }

    fn map(&mut self) -> Result<Map, String> {
        self.expect("{")?;
        let mut entries = Map::default();
        while !self.accept("}") {
            if !entries.is_empty() {
                self.expect(",")?;
            }
            let key = self.name()?;
            self.expect(":")?;
            let value = self.value()?;
            entries.insert(key, value);
        }
        Ok(entries)
    }

    fn properties(&mut self) -> Result<Map, String> {
        self.space();
        if self.rest.starts_with('{') { self.map() } else { Ok(Map::default()) }
    }

    fn node(&mut self, id: u64) -> Result<Node, String> {
        self.expect("(")?;
        let mut labels = Vec::new();
        while self.accept(":") {
            labels.push(self.name()?);
        }
        let properties = self.properties()?;
        self.expect(")")?;
        Ok(Node { id, element_id: CompactString::default(), labels, properties })
    }

    fn relationship(&mut self, start: u64, end: u64) -> Result<Relationship, String> {
        self.expect("[")?;
        self.expect(":")?;
        let kind = self.name()?;
        let properties = self.properties()?;
        self.expect("]")?;
        let nowhere = CompactString::default;
        let (start_element_id, end_element_id) = (nowhere(), nowhere());
        Ok(Relationship {
            id: 0,
            element_id: nowhere(),
            kind,
            start,
            end,
            start_element_id,
            end_element_id,
            properties,
        })
    }

    /// A path; its nodes are numbered along it.
    fn path(&mut self) -> Result<Value, String> {
        self.expect("<")?;
        let mut nodes = vec![Arc::new(self.node(0)?)];
        let mut relationships = Vec::new();
        while !self.accept(">") {
            let at = relationships.len() as u64;
            let backward = self.accept("<-");
            if !backward {
                self.expect("-")?;
            }
            let (start, end) = if backward { (at + 1, at) } else { (at, at + 1) };
            relationships.push(Arc::new(self.relationship(start, end)?));
            self.expect(if backward { "-" } else { "->" })?;
            nodes.push(Arc::new(self.node(at + 1)?));
        }
        Ok(Value::Path(Arc::new(Path { nodes, relationships })))
    }
}

/// How lists are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// Item by item.
    Ordered,
    /// As bags.
    AnyOrder,
}

/// Gives the text by which two values are the same: without ids, keys and labels sorted, floats to 15 digits.
#[must_use]
pub fn canonical(value: &Value, lists: Lists) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Integer(integer) => integer.to_string(),
        Value::Float(float) => canonical_float(*float),
        Value::String(text) => quoted(text),
        Value::List(items) => {
            let mut items: Vec<String> = items.iter().map(|item| canonical(item, lists)).collect();
            if lists == Lists::AnyOrder {
                items.sort();
            }
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => canonical_map(entries, lists),
        Value::Node(node) => canonical_node(node, lists),
        Value::Relationship(relationship) => canonical_relationship(relationship, lists),
        Value::Path(path) => canonical_path(path, lists),
        // The TCK writes temporal values and durations as texts.
        other => types::text::to_text(other).map_or_else(|| format!("?{other:?}"), |text| quoted(&text)),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn canonical_float(float: f64) -> String {
    if float == 0.0 { "0.0".to_owned() } else { format!("f{float:.14e}") }
}

fn canonical_map(entries: &Map, lists: Lists) -> String {
    let mut entries: Vec<String> =
        entries.iter().map(|(key, value)| format!("{key}: {}", canonical(value, lists))).collect();
    entries.sort();
    format!("{{{}}}", entries.join(", "))
}

fn canonical_properties(properties: &Map, lists: Lists) -> String {
    if properties.is_empty() { String::new() } else { canonical_map(properties, lists) }
}

fn canonical_node(node: &Node, lists: Lists) -> String {
    let mut labels: Vec<&str> = node.labels.iter().map(CompactString::as_str).collect();
    labels.sort_unstable();
    let labels: String = labels.iter().map(|label| format!(":{label}")).collect();
    format!("({labels}{})", canonical_properties(&node.properties, lists))
}

fn canonical_relationship(relationship: &Relationship, lists: Lists) -> String {
    format!("[:{}{}]", relationship.kind, canonical_properties(&relationship.properties, lists))
}

fn canonical_path(path: &Path, lists: Lists) -> String {
    let mut out = String::from("<");
    for (at, node) in path.nodes.iter().enumerate() {
        if at > 0 {
            let step = &path.relationships[at - 1];
            let shown = canonical_relationship(step, lists);
            let forward = step.start == path.nodes[at - 1].id;
            out.push_str(&if forward { format!("-{shown}->") } else { format!("<-{shown}-") });
        }
        out.push_str(&canonical_node(node, lists));
    }
    out.push('>');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let value = parse(text).unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(canonical(&value, Lists::Ordered), expected);
    }

    #[test]
    fn reads_and_compares() {
        check("null", "null");
        check("-1", "-1");
        check("0.5", "f5.00000000000000e-1");
        check("'a\\'b\\\\'", "'a\\'b\\\\'");
        check("[2, 'x', [:T {a: 1}]]", "[2, 'x', [:T{a: 1}]]");
        check("(:B:A {k: 1})", "(:A:B{k: 1})");
        check("({b: 1, a: [true]})", "({a: [true], b: 1})");
        check("<(:A)-[:T]->(:B)<-[:U {x: 1}]-()>", "<(:A)-[:T]->(:B)<-[:U{x: 1}]-()>");
        check("{}", "{}");
    }

    #[test]
    fn lists_may_be_bags() {
        let value = parse("[2, [3, 1]]").expect("a list");
        assert_eq!(canonical(&value, Lists::AnyOrder), "[2, [1, 3]]");
    }
}
