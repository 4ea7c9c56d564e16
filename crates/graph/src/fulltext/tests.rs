//! Full-text indexes over a store in memory: what is found, and that changes leave nothing behind.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use store::memory::MemoryEngine;
use store::{Engine, OpenOptions, Store};
use types::{CompactString, IndexId, KeyId, LabelId, Value};

use super::{ANALYZER, Request, check, search};
use crate::codec::fact::{IndexDefinition, IndexKind, IndexOn, IndexState};
use crate::database::write_to;
use crate::engines::{self, Check, Document, Fields};
use crate::error::GraphError;
use crate::keys::{after_prefix, entries_of_index};
use crate::meter::{Meter, Unmetered};
use crate::read::View;

/// An index by itself, and what it ought to have.
struct Index {
    store: Arc<dyn Store>,
    definition: IndexDefinition,
    entities: BTreeMap<u64, Fields>,
}

const NAMES: [&str; 2] = ["name", "team"];

impl Index {
    fn new(analyzer: &str) -> Self {
        let options = OpenOptions { create: true, ..OpenOptions::default() };
        let store = MemoryEngine::default().open(Path::new("index"), &options).expect("a store");
        let definition = IndexDefinition {
            id: IndexId(5),
            name: "words".into(),
            on: IndexOn::label(LabelId(0)),
            keys: vec![KeyId(9), KeyId(4)],
            kind: IndexKind::FullText,
            state: IndexState::Online,
            constraint: None,
            options: vec![(ANALYZER.into(), analyzer.into())],
        };
        Self { store, definition, entities: BTreeMap::new() }
    }

    /// The four people of Neo4j's manual.
    fn people() -> Self {
        let mut index = Self::new("standard-no-stop-words");
        index.put(&[
            (0, "Nils-Erik Karlsson", "Kernel"),
            (1, "Lisa Danielsson", ""),
            (2, "Nils Johansson", "Operations"),
            (3, "Maya Tanaka", "Operations"),
        ]);
        index
    }

    fn put(&mut self, texts: &[(u64, &str, &str)]) {
        let documents = self.documents(texts);
        self.commit(documents);
    }

    /// Makes changes of entities; empty texts are no property, and two empty ones are no entity.
    fn documents(&self, texts: &[(u64, &str, &str)]) -> Vec<Document> {
        let fields = |(name, team): (&str, &str)| {
            let all = [(KeyId(4), team), (KeyId(9), name)];
            let fields: Fields =
                all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key, text.into())).collect();
            Some(fields).filter(|fields| !fields.is_empty())
        };
        texts
            .iter()
            .map(|(id, name, team)| Document {
                id: *id,
                before: self.entities.get(id).cloned(),
                now: fields((name, team)),
            })
            .collect()
    }

    fn commit(&mut self, documents: Vec<Document>) {
        write_to(&*self.store, |writer| engines::change(writer, &self.definition, &documents)).expect("a write");
        for Document { id, now, .. } in documents {
            match now {
                Some(now) => self.entities.insert(id, now),
                None => self.entities.remove(&id),
            };
        }
    }

    fn ask(&self, query: &str, own: &[Document]) -> Result<Vec<(u64, f32)>, GraphError> {
        self.ask_with(query, own, (0, usize::MAX), &mut Unmetered)
    }

    fn ask_with(
        &self,
        query: &str,
        own: &[Document],
        (skip, limit): (usize, usize),
        meter: &mut dyn Meter,
    ) -> Result<Vec<(u64, f32)>, GraphError> {
        let snapshot = self.store.snapshot()?;
        let fields: Vec<CompactString> = NAMES.iter().map(|name| (*name).into()).collect();
        let request = Request { query, fields: &fields, analyzer: None, skip, limit };
        search(View::new(&*snapshot), &self.definition, own, request, meter)
    }

    #[track_caller]
    fn check(&self, query: &str, expected: &[u64]) {
        let mut found: Vec<u64> = self.ask(query, &[]).expect("an answer").into_iter().map(|(id, _)| id).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }

    #[track_caller]
    fn check_scores(&self, query: &str, expected: &[(u64, f64)]) {
        let found: Vec<(u64, f64)> =
            self.ask(query, &[]).expect("an answer").into_iter().map(|(id, score)| (id, score.into())).collect();
        assert_eq!(found, expected, "{query}");
    }

    #[track_caller]
    fn is_sound(&self) {
        let snapshot = self.store.snapshot().expect("a snapshot");
        let mut report = Check::default();
        let mut entities = |take: &mut dyn FnMut(u64, Fields)| {
            self.entities.iter().for_each(|(id, fields)| take(*id, fields.clone()));
            Ok(())
        };
        check(View::new(&*snapshot), &self.definition, &mut entities, &mut report).expect("a check");
        assert_eq!(report.problems, Vec::<String>::new());
    }
}

#[test]
fn scores_are_those_of_the_manual() {
    let index = Index::people();
    index.check_scores("nils", &[(2, 0.330_070_078_372_955_3), (0, 0.277_258_902_788_162_23)]);
    index.check_scores("\"Nils-Erik\"", &[(0, 0.758_848_071_098_327_6)]);
    index.check_scores("nils AND kernel", &[(0, 0.723_090_410_232_544)]);
    index.check_scores("team:\"Operations\"", &[(2, 0.213_638_007_640_838_62), (3, 0.213_638_007_640_838_62)]);
    let mut reviews = Index::new("english");
    reviews.put(&[]);
    let list =
        Value::list(vec!["Nils-Erik is difficult to work with.".into(), "Nils-Erik is often late for work.".into()]);
    reviews.commit(vec![Document { id: 7, before: None, now: Some(vec![(KeyId(9), list)]) }]);
    reviews.check_scores("late", &[(7, 0.130_764_573_812_484_74)]);
    reviews.check("\"work nils\"~3", &[7]);
    reviews.is_sound();
}

#[test]
fn queries_find_what_they_say() {
    let index = Index::people();
    index.check("NILS", &[0, 2]);
    index.check("nils NOT kernel", &[2]);
    index.check("-kernel", &[]);
    index.check("*:* -kernel", &[1, 2, 3]);
    index.check("nils lisa", &[0, 1, 2]);
    index.check("+nils +operations", &[2]);
    index.check("name:operations", &[]);
    index.check("other:nils", &[]);
    index.check("(lisa OR maya) AND team:operations", &[3]);
    index.check("dan*", &[1]);
    index.check("*sson", &[0, 1, 2]);
    index.check("k?rnel", &[0]);
    index.check("tanaca~1", &[3]);
    index.check("opreations~", &[2, 3]);
    index.check("name:[l TO m}", &[1]);
    index.check("team:{kernel TO *]", &[2, 3]);
    index.check("team:*", &[0, 2, 3]);
    index.check("/k.*n/ /t[a-b]naka/", &[0, 3]);
    index.check("\"karlsson erik\"", &[]);
    index.check("\"karlsson erik\"~2", &[0]);
    index.check("", &[]);
    index.check("...", &[]);
    let refused = index.ask("nils AND", &[]).expect_err("no query");
    let shown = "org.apache.lucene.queryparser.classic.ParseException: Encountered \"<EOF>\" at line 1, column 8.";
    assert!(refused.to_string().starts_with(shown), "{refused}");
}

#[test]
fn the_best_come_first_and_are_cut() {
    let index = Index::people();
    let ask = |bounds| index.ask_with("nils operations^4", &[], bounds, &mut Unmetered).expect("an answer");
    let ids = |found: Vec<(u64, f32)>| found.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(ids(ask((0, usize::MAX))), [2, 3, 0]);
    assert_eq!(ids(ask((1, 1))), [3]);
    assert_eq!(ids(ask((2, 5))), [0]);
    assert_eq!(ids(ask((9, 5))), Vec::<u64>::new());
    assert_eq!(ids(ask((0, 0))), Vec::<u64>::new());
}

#[test]
fn changes_leave_nothing_behind() {
    let mut index = Index::people();
    index.put(&[(0, "Nils Karlsson", "Sales"), (2, "", ""), (9, "New Person", "")]);
    index.check("kernel erik operations", &[3]);
    index.check("nils", &[0]);
    index.check("person", &[9]);
    index.is_sound();
    index.put(&[(0, "", ""), (1, "", ""), (3, "", ""), (9, "", "")]);
    let snapshot = index.store.snapshot().expect("a snapshot");
    let prefix = entries_of_index(IndexId(5));
    let mut left = Vec::new();
    let scanned = View::new(&*snapshot).scan(&prefix, &after_prefix(&prefix), |key, _| {
        left.push(key.to_vec());
        Ok(true)
    });
    scanned.expect("a scan");
    // What is counted stays, as zeros.
    assert_eq!(left.iter().map(|key| key[5]).collect::<Vec<_>>(), [0, 0]);
    index.is_sound();
}

#[test]
fn own_changes_are_found_as_if_they_were_committed() {
    let mut index = Index::people();
    let changes = [(0, "Nils Karlsson", "Sales"), (2, "", ""), (9, "Erik Nils Nils", "Operations")];
    let own = index.documents(&changes);
    let queries = ["nils", "operations", "erik kernel", "sal*", "\"erik nils\"", "niss~1", "*:*"];
    let before: Vec<_> = queries.iter().map(|query| index.ask(query, &own).expect("an answer")).collect();
    index.commit(own);
    let after: Vec<_> = queries.iter().map(|query| index.ask(query, &[]).expect("an answer")).collect();
    assert_eq!(before, after);
    assert!(before.iter().any(|found| found.iter().any(|(id, _)| *id == 9)));
}

#[test]
fn many_entities_are_kept_in_many_blocks() {
    let mut index = Index::new("whitespace");
    let text = |id: u64| format!("all n{} m{} word{}", id % 10, id % 7, id);
    for from in [5_000_u64, 0] {
        let texts: Vec<(u64, String)> = (from..from + 3_000).map(|id| (id, text(id))).collect();
        let texts: Vec<(u64, &str, &str)> = texts.iter().map(|(id, text)| (*id, &text[..], "")).collect();
        index.put(&texts);
    }
    // Into the middle, and one by one.
    for id in (3_000..3_200).rev() {
        index.put(&[(id, &text(id), "")]);
    }
    for id in (0..8_000).step_by(3) {
        index.put(&[(id, "", "")]);
    }
    for (query, expected) in [("all", 10), ("n3", 100), ("m5 AND n3", 1_000)] {
        let is_left = |id: &u64| !id.is_multiple_of(3) && (*id < 3_200 || *id >= 5_000);
        let has = |id: &u64| match query {
            "all" => true,
            "n3" => id % 10 == 3,
            _ => id % 10 == 3 && id % 7 == 5,
        };
        let all: Vec<u64> = (0..8_000).filter(is_left).filter(has).collect();
        assert!(all.len() > 8_000 / expected / 4, "{query}");
        index.check(query, &all);
    }
    index.check("word3100", &[3_100]);
    index.check("word310?", &[3_100, 3_101, 3_103, 3_104, 3_106, 3_107, 3_109]);
    index.is_sound();
}

#[test]
fn damage_is_found() {
    let index = Index::people();
    let key = super::keys::postings_of_term(IndexId(5), 0, "lisa");
    index.store.write(&mut |writer| writer.delete_range(&key[..]..&after_prefix(&key)[..])).expect("a write");
    let snapshot = index.store.snapshot().expect("a snapshot");
    let mut report = Check::default();
    let mut entities = |take: &mut dyn FnMut(u64, Fields)| {
        index.entities.iter().for_each(|(id, fields)| take(*id, fields.clone()));
        Ok(())
    };
    check(View::new(&*snapshot), &index.definition, &mut entities, &mut report).expect("a check");
    assert_eq!(report.problems, ["full-text index words has 11 postings that do not fit the 12 of its entities"]);
}

#[test]
fn a_search_stops_when_it_is_told() {
    struct Few(usize);
    impl Meter for Few {
        fn pay(&mut self, rows: usize) -> Result<(), GraphError> {
            self.0 = self.0.checked_sub(rows).ok_or(GraphError::Stopped)?;
            Ok(())
        }
        fn take(&mut self, _bytes: usize) -> Result<(), GraphError> {
            Ok(())
        }
    }
    let index = Index::people();
    let stopped = index.ask_with("*a*", &[], (0, 10), &mut Few(3));
    assert!(matches!(stopped, Err(GraphError::Stopped)));
}

proptest::proptest! {
    #[test]
    fn no_query_makes_it_fall(query in "[a-c \\\\\"~^*?+!(){}\\[\\]:/&|.0-9TOANDÄ-]{0,24}") {
        let index = Index::people();
        match index.ask(&query, &[]) {
            Ok(found) => assert!(found.iter().all(|(id, score)| *id < 4 && *score >= 0.0)),
            Err(error) => assert!(matches!(error, GraphError::QueryRefused { .. }), "{error}"),
        }
    }

    #[test]
    fn no_text_makes_an_analyzer_fall(text: String) {
        for analyzer in &super::analyzer::ANALYZERS {
            let mut tokens = Vec::new();
            let end = analyzer.analyze(&text, 0, &mut tokens);
            assert!(tokens.iter().all(|token| token.position < end && token.term.len() <= super::analyzer::TERM_MAX_BYTES));
        }
    }
}
