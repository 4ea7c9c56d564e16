//! Values as JSON and JSON as values, in the forms of the transactional API and of the Query API.
//! Written straight into the answer's bytes: a result is never held as a tree of JSON.
//! Start reading at [`Json`].

mod graph;
mod meta;
mod parameters;
mod plain;
mod row;
mod typed;
mod weigh;

use std::io::Write;

pub(super) use graph::write_graph;
pub(super) use meta::write_meta;
pub(super) use parameters::{Pairs, Parameters, Statement, Statements, check_keys, parse_object, parse_statements};
pub(super) use plain::write_plain;
pub(super) use row::write_value;
pub(super) use typed::{read_typed_map, write_typed};
pub(super) use weigh::weigh;

/// Appends JSON to a buffer and sets the commas.
#[derive(Debug, Default)]
pub(super) struct Json {
    out: Vec<u8>,
    /// Whether a comma comes before the next item.
    comma: bool,
}

impl Json {
    /// Counts the bytes so far.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Takes the bytes so far away, to send them; the document goes on.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    pub(super) fn begin_object(&mut self) {
        self.begin(b'{');
    }

    pub(super) fn end_object(&mut self) {
        self.end(b'}');
    }

    pub(super) fn begin_list(&mut self) {
        self.begin(b'[');
    }

    pub(super) fn end_list(&mut self) {
        self.end(b']');
    }

    pub(super) fn key(&mut self, key: &str) {
        self.string(key);
        self.out.push(b':');
        self.comma = false;
    }

    pub(super) fn string(&mut self, text: &str) {
        self.item();
        serde_json::to_writer(&mut self.out, text).expect("a string into memory");
    }

    pub(super) fn integer(&mut self, number: i64) {
        self.item();
        write!(self.out, "{number}").expect("into memory");
    }

    pub(super) fn boolean(&mut self, truth: bool) {
        self.item();
        self.out.extend_from_slice(if truth { b"true" } else { b"false" });
    }

    pub(super) fn null(&mut self) {
        self.item();
        self.out.extend_from_slice(b"null");
    }

    /// Writes a float. JSON has no infinities and no NaN: those become strings, as Neo4j writes them.
    pub(super) fn float(&mut self, number: f64) {
        if number.is_finite() {
            self.item();
            serde_json::to_writer(&mut self.out, &number).expect("a number into memory");
        } else {
            self.string(&types::text::float_text(number));
        }
    }

    fn begin(&mut self, bracket: u8) {
        self.item();
        self.out.push(bracket);
        self.comma = false;
    }

    fn end(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.comma = true;
    }

    fn item(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: impl FnOnce(&mut Json), expected: &str) {
        let mut json = Json::default();
        write(&mut json);
        let got = String::from_utf8(json.take()).expect("JSON is UTF-8");
        assert_eq!(got, expected);
        serde_json::from_str::<serde_json::Value>(&got).expect("well-formed");
    }

    #[test]
    fn commas_stand_between_items() {
        check(
            |json| {
                json.begin_object();
                json.key("a");
                json.begin_list();
                json.end_list();
                json.key("b\"");
                json.begin_list();
                json.integer(1);
                json.integer(9_007_199_254_740_993);
                json.null();
                json.begin_object();
                json.end_object();
                json.boolean(true);
                json.end_list();
                json.key("c");
                json.float(f64::NAN);
                json.key("d");
                json.float(1.0);
                json.end_object();
            },
            r#"{"a":[],"b\"":[1,9007199254740993,null,{},true],"c":"NaN","d":1.0}"#,
        );
    }
}
