//! Random patterns over random graphs: however one is written, and whatever index there is, it finds the same.

use std::fmt::Write;

use types::Value;

use super::tests::run;
use crate::testing::{Memory, World};

/// Numbers that look random and are the same in every run.
pub(super) struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        // A step of splitmix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    pub fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[usize::try_from(self.below(choices.len() as u64)).expect("few choices")]
    }
}

pub(super) const LABELS: [&str; 3] = ["A", "B", "C"];
const TYPES: [&str; 2] = ["R", "S"];

pub(super) fn graph(seed: u64, is_indexed: bool) -> World {
    let mut random = Random(seed);
    let mut graph = Memory::new("random");
    let nodes = 4 + random.below(8);
    for at in 0..nodes {
        let mut labels = vec![random.pick(&LABELS)];
        if random.below(3) == 0 {
            labels.push("A");
        }
        labels.dedup();
        let number = i64::try_from(random.below(4)).expect("small");
        graph = graph.node(&labels, &[("k", Value::Integer(number)), ("at", Value::Integer(at.cast_signed()))]);
    }
    for _ in 0..nodes * 2 {
        let (start, end) = (random.below(nodes), random.below(nodes));
        let place = |node: u64| usize::try_from(node).expect("small");
        graph = graph.relationship(place(start), random.pick(&TYPES), place(end), &[]);
    }
    if is_indexed {
        graph = graph.index("A", &["k"]).index("B", &["at"]);
    }
    World::of(graph)
}

/// A chain of nodes and relationships, as it can be written.
struct Chain {
    nodes: Vec<String>,
    /// Types, direction and length of each relationship.
    links: Vec<(String, char)>,
    condition: String,
}

impl Chain {
    fn random(random: &mut Random) -> Self {
        let length = 1 + random.below(3);
        let mut nodes = Vec::new();
        for at in 0..=length {
            // Now and then the chain comes back to where it began.
            let name = if at == length && length > 1 && random.below(4) == 0 { 0 } else { at };
            let label = if random.below(2) == 0 { format!(":{}", random.pick(&LABELS)) } else { String::new() };
            let properties = if random.below(3) == 0 { format!(" {{k: {}}}", random.below(4)) } else { String::new() };
            nodes.push(format!("(n{name}{label}{properties})"));
        }
        let links = (0..length)
            .map(|_| {
                let kind = random.pick(&["", ":R", ":S", ":R|S"]);
                let run = random.pick(&["", "", "", "*1..2", "*0..1", "*2"]);
                (format!("[{kind}{run}]"), ['>', '<', '-'][usize::try_from(random.below(3)).expect("small")])
            })
            .collect();
        let condition = match random.below(5) {
            0 => " WHERE n0.k < n1.k".to_owned(),
            1 => format!(" WHERE n1.at IN [{}, {}]", random.below(8), random.below(8)),
            2 => " WHERE (n0)-[:R]->()".to_owned(),
            3 => format!(" WHERE n0.k >= {} AND n0:A", random.below(3)),
            _ => String::new(),
        };
        Self { nodes, links, condition }
    }

    fn link((inner, way): &(String, char)) -> String {
        match way {
            '>' => format!("-{inner}->"),
            '<' => format!("<-{inner}-"),
            _ => format!("-{inner}-"),
        }
    }

    fn forwards(&self) -> String {
        let mut text = self.nodes[0].clone();
        for (link, node) in self.links.iter().zip(&self.nodes[1..]) {
            let _ = write!(text, "{}{node}", Self::link(link));
        }
        text
    }

    fn backwards(&self) -> String {
        let mut text = self.nodes[self.nodes.len() - 1].clone();
        for (link, node) in self.links.iter().zip(&self.nodes).rev() {
            let way = match link.1 {
                '>' => '<',
                '<' => '>',
                both => both,
            };
            let _ = write!(text, "{}{node}", Self::link(&(link.0.clone(), way)));
        }
        text
    }

    /// Each relationship a pattern of its own, the last one first.
    fn apart(&self) -> String {
        let parts = self.links.iter().enumerate().rev();
        let part = |(at, link): (usize, &(String, char))| {
            format!("{}{}{}", self.nodes[at], Self::link(link), self.nodes[at + 1])
        };
        parts.map(part).collect::<Vec<_>>().join(", ")
    }

    /// The first node found by a clause of its own.
    fn begun(&self) -> String {
        format!("(n0) WITH n0 MATCH {}", self.forwards())
    }
}

#[test]
fn every_form_of_a_pattern_finds_the_same() {
    for seed in 0..600 {
        let mut random = Random(seed + 1_000);
        let chain = Chain::random(&mut random);
        let tail = format!("{} RETURN count(*), sum(n0.at), sum(n1.at * 7)", chain.condition);
        let mut first: Option<Vec<String>> = None;
        for form in [chain.forwards(), chain.backwards(), chain.apart(), chain.begun()] {
            let statement = format!("MATCH {form}{tail}");
            for is_indexed in [false, true] {
                let found = run(&mut graph(seed, is_indexed), &statement)
                    .unwrap_or_else(|failure| panic!("seed {seed}: {statement}: {failure}"));
                let wanted = first.get_or_insert_with(|| found.clone());
                assert_eq!(*wanted, found, "seed {seed}, indexes {is_indexed}: {statement}");
            }
        }
    }
}
