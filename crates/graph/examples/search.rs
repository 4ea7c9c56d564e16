//! Prints how fast vectors and words are written and found on this machine, and how good the answers are.
//! `cargo run --release -p graph --example search [vectors [COUNT DIMENSIONS [DIRECTIONS]]] [words [COUNT]]`.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::path::Path;
use std::time::Duration;

use graph::codec::fact::{IndexKind, IndexOn};
use graph::fulltext::Request;
use graph::keys::TokenKind;
use graph::meter::Unmetered;
use graph::transaction::NewIndex;
use graph::vector::{Similarity, options};
use graph::{Database, DatabaseOptions};
use store::lmdb::LmdbEngine;
use store::{Engine, OpenOptions};
use types::{Clock, CompactString, IndexId, KeyId, LabelId, SystemClock, Value};

/// Nodes that are made in one commit.
const BATCH: u64 = 1_000;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let parts: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| parts.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    if parts.first().is_none_or(|part| part == "vectors") {
        vectors(&folder.path().join("vectors"), number(1, 20_000), number(2, 64), number(3, 32))?;
    }
    if parts.first().is_none_or(|part| part == "words") {
        words(&folder.path().join("words"), number(1, 100_000))?;
    }
    Ok(())
}

fn open(folder: &Path) -> Outcome<Database> {
    let store = LmdbEngine.open(folder, &OpenOptions { create: true, ..OpenOptions::default() })?;
    Ok(Database::open(store, DatabaseOptions::default())?)
}

fn seconds<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, f64)> {
    let start = SystemClock.now();
    let made = work()?;
    Ok((made, SystemClock.now().duration_since(start).as_secs_f64()))
}

/// Numbers that look random and are always the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Makes a number as by a bell curve.
    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Makes a vector: numbers that have nothing to do with each other, which is the hardest to search, where there are
    /// few for so many directions; longer ones are made of so many such numbers, as embeddings have far fewer
    /// directions than numbers.
    fn vector(seed: u64, dimensions: u64, directions: u64) -> Vec<f64> {
        let mut random = Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        if dimensions <= 2 * directions {
            return (0..dimensions).map(|_| random.bell()).collect();
        }
        let hidden: Vec<f64> = (0..directions).map(|_| random.bell()).collect();
        let number = |at: u64| {
            let mut weights = Self(at.wrapping_mul(0x9e6c_63d0_876a_68de));
            hidden.iter().map(|number| number * (weights.unit() - 0.5)).sum::<f64>() + random.unit() / 10.0
        };
        (0..dimensions).map(number).collect()
    }
}

fn index(database: &Database, kind: IndexKind, settings: Vec<(CompactString, Value)>) -> Outcome<IndexId> {
    let mut transaction = database.begin()?;
    let label = LabelId(transaction.make_token(TokenKind::Label, "Thing")?);
    let key = KeyId(transaction.make_token(TokenKind::Key, "content")?);
    let mut new = NewIndex::new("search", IndexOn::label(label), vec![key], kind);
    new.options = settings;
    let id = transaction.create_index(new)?;
    transaction.commit()?;
    Ok(id)
}

fn fill(database: &Database, count: u64, content: impl Fn(u64) -> Value) -> Outcome<()> {
    for from in (0..count).step_by(usize::try_from(BATCH)?) {
        let mut transaction = database.begin()?;
        for id in from..(from + BATCH).min(count) {
            transaction.create_node(&[LabelId(0)], &[(KeyId(0), content(id))])?;
        }
        transaction.commit()?;
    }
    Ok(())
}

fn vectors(folder: &Path, count: u64, dimensions: u64, directions: u64) -> Outcome<()> {
    let database = open(folder)?;
    let list =
        |id: u64| Value::list(Random::vector(id, dimensions, directions).into_iter().map(Value::Float).collect());
    let settings = vec![
        (options::DIMENSIONS.into(), Value::Integer(i64::try_from(dimensions)?)),
        (options::SIMILARITY.into(), "COSINE".into()),
    ];
    let index = index(&database, IndexKind::Vector, settings)?;
    let (_, writing) = seconds(|| fill(&database, count, list))?;
    println!("{count} vectors of {dimensions} numbers: {:.0} a second written", count as f64 / writing);
    let (_, growing) = seconds(|| {
        while !database.wait_idle(Duration::from_secs(1)) {}
        Ok(())
    })?;
    println!("the graph is complete {growing:.1} s after the last commit");
    let used = database.store().usage()?.used_bytes;
    println!("{:.0} bytes a vector in the store, properties included", used as f64 / count as f64);
    drop(database);
    let (database, opening) = seconds(|| open(folder))?;
    println!("opened again in {:.1} ms", opening * 1e3);
    ask_near(&database, index, count, (dimensions, directions))
}

fn ask_near(database: &Database, index: IndexId, count: u64, (dimensions, directions): (u64, u64)) -> Outcome<()> {
    const QUERIES: u64 = 100;
    let prepared =
        |seed| Similarity::Cosine.prepared(&Random::vector(seed, dimensions, directions)).ok_or("a vector of zeros");
    let all = (0..count).map(prepared).collect::<Result<Vec<_>, _>>()?;
    for wanted in [1, 10, 100] {
        let (mut found, mut taken) = (0, 0.0);
        for query in 0..QUERIES {
            let vector = prepared(u64::MAX - query)?;
            let transaction = database.begin_read()?;
            let (near, time) = seconds(|| Ok(transaction.search_near(index, &vector, wanted, &mut Unmetered)?))?;
            taken += time;
            let dot = |other: &Vec<f32>| other.iter().zip(&vector).map(|(a, b)| a * b).sum::<f32>();
            let mut right: Vec<(f32, u64)> = all.iter().map(dot).zip(0..).collect();
            right.sort_by(|a, b| b.0.total_cmp(&a.0));
            let right: Vec<u64> = right.into_iter().take(wanted).map(|(_, id)| id).collect();
            found += near.iter().filter(|(id, _)| right.contains(id)).count();
        }
        let recall = found as f64 / (QUERIES as f64 * wanted as f64);
        println!("nearest {wanted}: {:.2} ms, recall {recall:.3}", taken / QUERIES as f64 * 1e3);
    }
    Ok(())
}

/// A text of 20 to 100 words, the first ones of the vocabulary the most often.
fn text(id: u64) -> Value {
    const VOCABULARY: f64 = 50_000.0;
    let mut random = Random(id);
    let words = 20 + random.next() % 80;
    let word = |random: &mut Random| format!("w{}", (VOCABULARY.powf(random.unit()) - 1.0) as u64);
    Value::string((0..words).map(|_| word(&mut random)).collect::<Vec<_>>().join(" "))
}

fn words(folder: &Path, count: u64) -> Outcome<()> {
    let plain = open(&folder.join("plain"))?;
    plain.tokens().make(TokenKind::Label, "Thing")?;
    plain.tokens().make(TokenKind::Key, "content")?;
    let (_, without) = seconds(|| fill(&plain, count, text))?;
    let before = plain.store().usage()?.used_bytes;
    drop(plain);
    let database = open(&folder.join("indexed"))?;
    let index = index(&database, IndexKind::FullText, Vec::new())?;
    let (_, writing) = seconds(|| fill(&database, count, text))?;
    let (each, none) = (count as f64 / writing, count as f64 / without);
    println!("{count} texts of 60 words: {each:.0} a second written, {none:.0} without the index");
    let used = database.store().usage()?.used_bytes;
    println!("{} bytes a text in the index, {} without", (used - before) / count, before / count);
    let fields = ["content".into()];
    for query in ["w40000", "w300", "w1", "w0", "w0 AND w1 AND w300", "\"w0 w1\"", "w3000~1", "w312*", "*99"] {
        let transaction = database.begin_read()?;
        let request = Request { query, fields: &fields, analyzer: None, skip: 0, limit: 10 };
        let ask = || -> Outcome<Vec<(u64, f32)>> { Ok(transaction.search_words(index, request, &mut Unmetered)?) };
        ask()?;
        let all = Request { limit: usize::MAX, ..request };
        let hits = transaction.search_words(index, all, &mut Unmetered)?.len();
        let (_, time) = seconds(|| {
            for _ in 0..5 {
                ask()?;
            }
            Ok(())
        })?;
        println!("{query}: {hits} hits, the best 10 in {:.2} ms", time / 5.0 * 1e3);
    }
    Ok(())
}
