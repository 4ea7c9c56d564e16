//! Random paths over small random graphs, against an evaluator that tries everything.
//! However a path is written, from whichever end it is read, and whatever is known before, it finds the same.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use types::{Code, Value};

use super::tests::run;
use crate::testing::{Memory, World};

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        // A step of splitmix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).expect("small")
    }
}

/// A graph as plain lists.
struct Graph {
    /// Whether it has the label A, and its `k`.
    nodes: Vec<(bool, i64)>,
    /// Start, end, type and `w`.
    links: Vec<(usize, usize, &'static str, i64)>,
}

impl Graph {
    fn random(random: &mut Random) -> Self {
        let count = 3 + random.below(4);
        let number = |random: &mut Random| i64::try_from(random.below(3)).expect("small");
        let nodes = (0..count).map(|_| (random.below(2) == 0, number(random))).collect();
        let links = (0..3 + random.below(5))
            .map(|_| (random.below(count), random.below(count), ["R", "S"][random.below(2)], number(random)))
            .collect();
        Self { nodes, links }
    }

    fn world(&self, is_indexed: bool) -> World {
        let at = |at: usize| ("at", Value::Integer(i64::try_from(at).expect("small")));
        let mut graph = Memory::new("random");
        for (place, (is_a, k)) in self.nodes.iter().enumerate() {
            let labels: &[&str] = if *is_a { &["A"] } else { &[] };
            graph = graph.node(labels, &[at(place), ("k", Value::Integer(*k))]);
        }
        for (place, (start, end, kind, w)) in self.links.iter().enumerate() {
            graph = graph.relationship(*start, kind, *end, &[at(place), ("w", Value::Integer(*w))]);
        }
        World::of(if is_indexed { graph.index("A", &["k"]) } else { graph })
    }

    /// Lists the links from a node by a hop, with the nodes that they lead to.
    fn hops(&self, from: usize, hop: &Hop) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for (place, (start, end, kind, w)) in self.links.iter().enumerate() {
            if hop.kind.is_some_and(|wanted| wanted != *kind) || *w < hop.w_min {
                continue;
            }
            if hop.way != '<' && *start == from {
                found.push((place, *end));
            }
            if hop.way != '>' && *end == from && !(hop.way == '-' && start == end) {
                found.push((place, *start));
            }
        }
        found
    }
}

/// One relationship of a pattern.
#[derive(Clone)]
struct Hop {
    way: char,
    kind: Option<&'static str>,
    w_min: i64,
}

impl Hop {
    fn random(random: &mut Random) -> Self {
        Self {
            way: ['>', '<', '-'][random.below(3)],
            kind: [None, Some("R"), Some("S")][random.below(3)],
            w_min: [0, 0, 0, 1][random.below(4)],
        }
    }

    fn text(&self, name: &str, behind: &str, turned: bool) -> String {
        let kind = self.kind.map_or(String::new(), |kind| format!(":{kind}"));
        let filter = if self.w_min > 0 { format!(" WHERE {name}.w >= {}", self.w_min) } else { String::new() };
        match (self.way, turned) {
            ('>', false) | ('<', true) => format!("-[{name}{kind}{filter}]->{behind}"),
            ('<', false) | ('>', true) => format!("<-[{name}{kind}{filter}]-{behind}"),
            _ => format!("-[{name}{kind}{filter}]-{behind}"),
        }
    }
}

/// What is asked of each round of a part.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Nothing,
    /// The first node's number is at most the last one's.
    Rising,
    /// The first and the last relationship differ in weight, or the only one weighs something.
    Weights,
    /// The first node's number is at most that of the path's first node.
    BelowStart,
    /// The last node's number is at most that of the path's last node.
    BelowEnd,
    /// Something leaves the last node.
    GoesOn,
}

struct Part {
    hops: Vec<Hop>,
    /// Bounds and how they are written; `None` for a relationship that does not repeat.
    rounds: Option<(usize, usize, &'static str)>,
    /// Whether it is in parentheses.
    is_group: bool,
    /// Whether the last node of a round has the label A.
    is_a: bool,
    asked: Asked,
}

const ROUNDS: [(usize, usize, &str); 7] =
    [(1, 9, "+"), (0, 9, "*"), (1, 2, "{1,2}"), (2, 2, "{2}"), (0, 2, "{,2}"), (2, 9, "{2,}"), (0, 1, "{0,1}")];

impl Part {
    fn random(random: &mut Random) -> Self {
        let is_group = random.below(2) == 0;
        let rounds = (is_group || random.below(2) == 0).then(|| ROUNDS[random.below(ROUNDS.len())]);
        let hops = (0..if is_group { 1 + random.below(2) } else { 1 }).map(|_| Hop::random(random)).collect();
        let kinds = [Asked::Nothing, Asked::Rising, Asked::Weights, Asked::BelowStart, Asked::BelowEnd, Asked::GoesOn];
        let asked = if is_group { kinds[random.below(kinds.len())] } else { Asked::Nothing };
        Self { hops, rounds, is_group, is_a: is_group && random.below(4) == 0, asked }
    }

    fn text(&self, at: usize, last: &str, turned: bool) -> String {
        let bounds = self.rounds.map_or("", |(.., text)| text);
        if !self.is_group {
            return self.hops[0].text(&format!("r{at}_0"), bounds, turned);
        }
        let node = |place: usize| {
            let label = if self.is_a && place == self.hops.len() { ":A" } else { "" };
            format!("(v{at}_{place}{label})")
        };
        let mut hops: Vec<(usize, &Hop)> = self.hops.iter().enumerate().collect();
        if turned {
            hops.reverse();
        }
        let mut text = node(if turned { self.hops.len() } else { 0 });
        for (place, hop) in hops {
            text += &hop.text(&format!("r{at}_{place}"), "", turned);
            text += &node(if turned { place } else { place + 1 });
        }
        let (first, end) = (format!("v{at}_0"), format!("v{at}_{}", self.hops.len()));
        let asked = match self.asked {
            Asked::Nothing => String::new(),
            Asked::Rising => format!(" WHERE {first}.k <= {end}.k"),
            Asked::Weights if self.hops.len() == 1 => format!(" WHERE r{at}_0.w > 0"),
            Asked::Weights => format!(" WHERE r{at}_0.w <> r{at}_1.w"),
            Asked::BelowStart => format!(" WHERE {first}.k <= n0.k"),
            Asked::BelowEnd => format!(" WHERE {end}.k <= {last}.k"),
            Asked::GoesOn => format!(" WHERE EXISTS {{ ({end})-->() }}"),
        };
        format!("({text}{asked}){bounds}")
    }

    fn holds(&self, graph: &Graph, nodes: &[usize], links: &[usize], ends: (usize, usize)) -> bool {
        let (first, last) = (nodes[0], nodes[nodes.len() - 1]);
        let (k, w) = (|node: usize| graph.nodes[node].1, |link: usize| graph.links[link].3);
        (!self.is_a || graph.nodes[last].0)
            && match self.asked {
                Asked::Nothing => true,
                Asked::Rising => k(first) <= k(last),
                Asked::Weights if links.len() == 1 => w(links[0]) > 0,
                Asked::Weights => w(links[0]) != w(links[1]),
                Asked::BelowStart => k(first) <= k(ends.0),
                Asked::BelowEnd => k(last) <= k(ends.1),
                Asked::GoesOn => graph.links.iter().any(|(start, ..)| *start == last),
            }
    }
}

/// A path: what is asked of the nodes between its parts, and the parts.
struct Path {
    nodes: Vec<&'static str>,
    parts: Vec<Part>,
    /// Whether it ends where it begins.
    is_closed: bool,
}

/// A way along a path: its nodes, its links, and the links of each part.
#[derive(Clone, Default)]
struct Way {
    nodes: Vec<usize>,
    links: Vec<usize>,
    parts: Vec<usize>,
}

impl Path {
    fn random(random: &mut Random) -> Self {
        let parts: Vec<Part> = (0..1 + random.below(2)).map(|_| Part::random(random)).collect();
        let node = |random: &mut Random| ["", "", "", ":A", " {k: 1}", ":A {k: 2}"][random.below(6)];
        let nodes = (0..=parts.len()).map(|_| node(random)).collect();
        Self { nodes, parts, is_closed: random.below(6) == 0 }
    }

    fn last(&self) -> String {
        if self.is_closed { "n0".to_owned() } else { format!("n{}", self.parts.len()) }
    }

    fn node(&self, at: usize) -> String {
        if at == self.parts.len() {
            return format!("({}{})", self.last(), self.nodes[at]);
        }
        format!("(n{at}{})", self.nodes[at])
    }

    fn text(&self, turned: bool) -> String {
        let count = self.parts.len();
        let mut text = self.node(if turned { count } else { 0 });
        for step in 0..count {
            let at = if turned { count - 1 - step } else { step };
            let _ = write!(text, " {} ", self.parts[at].text(at, &self.last(), turned));
            text += &self.node(if turned { at } else { at + 1 });
        }
        text
    }

    /// Says what is returned: nodes and relationships of the path, and the lists of what repeats.
    fn returned(&self, turned: bool) -> String {
        let list = |of: &str| {
            let of = if turned { format!("reverse({of})") } else { of.to_owned() };
            format!("[x IN {of} | x.at]")
        };
        let mut text = format!("{} AS a, {} AS b", list("nodes(p)"), list("relationships(p)"));
        for (at, part) in self.parts.iter().enumerate() {
            if part.rounds.is_none() {
                let _ = write!(text, ", r{at}_0.at AS c{at}");
                continue;
            }
            for place in 0..part.hops.len() {
                let _ = write!(text, ", {} AS c{at}_{place}", list(&format!("r{at}_{place}")));
            }
            for place in 0..if part.is_group { part.hops.len() + 1 } else { 0 } {
                let _ = write!(text, ", {} AS d{at}_{place}", list(&format!("v{at}_{place}")));
            }
        }
        text
    }

    /// Finds every way; where `again`, a link may come more than once.
    fn ways(&self, graph: &Graph, again: bool) -> Vec<Way> {
        let mut found = Vec::new();
        for start in 0..graph.nodes.len() {
            let way = Way { nodes: vec![start], ..Way::default() };
            self.go_on(graph, way, (0, again), &mut found);
        }
        found.retain(|way| self.holds(graph, way));
        found
    }

    /// Tries every way through the parts from one on.
    fn go_on(&self, graph: &Graph, way: Way, (at, again): (usize, bool), found: &mut Vec<Way>) {
        let Some(part) = self.parts.get(at) else {
            found.push(way);
            return;
        };
        let (min, max) = part.rounds.map_or((1, 1), |(min, max, _)| (min, max));
        let mut open = vec![(way, 0)];
        while let Some((way, rounds)) = open.pop() {
            if rounds >= min {
                let mut whole = way.clone();
                whole.parts.push(whole.links.len());
                self.go_on(graph, whole, (at + 1, again), found);
            }
            if rounds == max {
                continue;
            }
            let mut longer = vec![way];
            for hop in &part.hops {
                let ways = std::mem::take(&mut longer);
                for way in ways {
                    for (link, to) in graph.hops(way.nodes[way.nodes.len() - 1], hop) {
                        if again || !way.links.contains(&link) {
                            let mut next = way.clone();
                            next.links.push(link);
                            next.nodes.push(to);
                            longer.push(next);
                        }
                    }
                }
            }
            open.extend(longer.into_iter().map(|way| (way, rounds + 1)));
        }
    }

    fn holds(&self, graph: &Graph, way: &Way) -> bool {
        let ends = (way.nodes[0], way.nodes[way.nodes.len() - 1]);
        let is_fine = |at: usize, node: usize| {
            let (is_a, k) = graph.nodes[node];
            (!self.nodes[at].starts_with(":A") || is_a)
                && (!self.nodes[at].contains("1}") || k == 1)
                && (!self.nodes[at].contains("2}") || k == 2)
        };
        let mut first = 0;
        for (at, part) in self.parts.iter().enumerate() {
            let last = way.parts[at];
            let round = part.hops.len();
            if !is_fine(at, way.nodes[first]) {
                return false;
            }
            if !(first..last)
                .step_by(round)
                .all(|at| part.holds(graph, &way.nodes[at..=at + round], &way.links[at..at + round], ends))
            {
                return false;
            }
            first = last;
        }
        is_fine(self.parts.len(), ends.1) && (!self.is_closed || ends.0 == ends.1)
    }

    /// Writes a way as the statement returns it.
    fn shown(&self, way: &Way) -> String {
        let mut text = format!("{:?} | {:?}", way.nodes, way.links);
        let mut first = 0;
        for (part, last) in self.parts.iter().zip(&way.parts) {
            let round = part.hops.len();
            let of = |list: &[usize], place: usize| -> Vec<usize> {
                (first..*last).step_by(round).map(|at| list[at + place]).collect()
            };
            if part.rounds.is_none() {
                let _ = write!(text, " | {}", way.links[first]);
            } else {
                let nodes = if part.is_group { round + 1 } else { 0 };
                let links = (0..round).map(|place| of(&way.links, place));
                for list in links.chain((0..nodes).map(|place| of(&way.nodes, place))) {
                    let _ = write!(text, " | {list:?}");
                }
            }
            first = *last;
        }
        text
    }
}

fn written(path: &Path, ways: &[Way]) -> Vec<String> {
    let mut written: Vec<String> = ways.iter().map(|way| path.shown(way)).collect();
    written.sort();
    written
}

/// The same path, written and read in different ways: the clause before, and whether it is turned.
fn forms(path: &Path) -> Vec<(String, bool)> {
    let last = path.last();
    let both = if last == "n0" { "(n0)".to_owned() } else { format!("(n0), ({last})") };
    let before = [String::new(), format!("MATCH {both} "), format!("MATCH ({last}) "), "MATCH (n0) ".to_owned()];
    before.into_iter().flat_map(|before| [(before.clone(), false), (before, true)]).collect()
}

fn found(graph: &Graph, statement: &str, is_indexed: bool) -> Vec<String> {
    let mut rows = run(&mut graph.world(is_indexed), statement)
        .unwrap_or_else(|failure| panic!("{statement}: {failure}\n{:?} {:?}", graph.nodes, graph.links));
    rows.sort();
    rows
}

#[test]
fn every_form_of_a_path_finds_what_there_is() {
    for seed in 0..1_500 {
        let mut random = Random(seed);
        let (graph, path) = (Graph::random(&mut random), Path::random(&mut random));
        let ways = path.ways(&graph, false);
        let expected = written(&path, &ways);
        for (at, (before, turned)) in forms(&path).into_iter().enumerate() {
            let statement = format!("{before}MATCH p = {} RETURN {}", path.text(turned), path.returned(turned));
            let found = found(&graph, &statement, at % 2 == 0);
            assert_eq!(found, expected, "seed {seed}: {statement}\n{:?} {:?}", graph.nodes, graph.links);
        }
        let counted = format!("MATCH (n0) RETURN sum(COUNT {{ {} }})", path.text(false));
        let told = |text: &str| format!("seed {seed}: {text}\n{:?} {:?}", graph.nodes, graph.links);
        assert_eq!(found(&graph, &counted, false), [ways.len().to_string()], "{}", told(&counted));
        if let [first, last] = path.parts.as_slice() {
            // Each part a pattern of its own: a relationship still comes once.
            let (end, node) = (path.last(), |at| path.node(at));
            let first = format!("{} {} {}", node(0), first.text(0, &end, false), node(1));
            let last = format!("{} {} {}", node(1), last.text(1, &end, false), node(2));
            let apart = format!("MATCH {last}, {first} RETURN count(*)");
            assert_eq!(found(&graph, &apart, true), [ways.len().to_string()], "{}", told(&apart));
        }
        if path.parts.iter().all(|part| part.rounds.is_none_or(|(_, max, _)| max < 9)) {
            let (text, returned) = (path.text(false), path.returned(false));
            let again = format!("MATCH REPEATABLE ELEMENTS p = {text} RETURN {returned}");
            assert_eq!(found(&graph, &again, false), written(&path, &path.ways(&graph, true)), "{}", told(&again));
        }
    }
}

#[test]
fn selectors_take_the_shortest_between_each_pair() {
    for seed in 0..1_500 {
        let mut random = Random(seed + 10_000);
        let (graph, path) = (Graph::random(&mut random), Path::random(&mut random));
        let mut pairs: BTreeMap<(usize, usize), Vec<(usize, String)>> = BTreeMap::new();
        for way in path.ways(&graph, false) {
            let ends = (way.nodes[0], way.nodes[way.nodes.len() - 1]);
            pairs.entry(ends).or_default().push((way.links.len(), path.shown(&way)));
        }
        pairs.values_mut().for_each(|ways| ways.sort());
        let count = 1 + random.below(3);
        let (selector, is_groups) = match random.below(4) {
            0 => ("ALL SHORTEST".to_owned(), true),
            1 => (format!("SHORTEST {count} GROUPS"), true),
            2 => (format!("ANY {count}"), false),
            _ => (format!("SHORTEST {count}"), false),
        };
        let count = if selector == "ALL SHORTEST" { 1 } else { count };
        for (at, (before, turned)) in forms(&path).into_iter().enumerate() {
            let statement =
                format!("{before}MATCH p = {selector} {} RETURN {}", path.text(turned), path.returned(turned));
            let mut found = found(&graph, &statement, at % 2 == 0);
            let told = format!("seed {seed}: {statement}\n{:?} {:?}\nfound {found:?}", graph.nodes, graph.links);
            for (ends, ways) in &pairs {
                let mut lengths: Vec<usize> = ways.iter().map(|(length, _)| *length).collect();
                if is_groups {
                    lengths.dedup();
                    lengths.truncate(count);
                    for (_, way) in ways.iter().filter(|(length, _)| lengths.contains(length)) {
                        let place = found.iter().position(|found| found == way);
                        let place = place.unwrap_or_else(|| panic!("{ends:?}: {way} is missing: {told}"));
                        found.swap_remove(place);
                    }
                    continue;
                }
                lengths.truncate(count);
                // Of ways of one length any may be taken.
                for length in lengths {
                    let is_one = |found: &String| ways.iter().any(|(other, way)| *other == length && way == found);
                    let place = found.iter().position(is_one);
                    let place = place.unwrap_or_else(|| panic!("{ends:?}: one of {length} is missing: {told}"));
                    found.swap_remove(place);
                }
            }
            assert!(found.is_empty(), "too many: {told}");
        }
    }
}

/// Every node joined to every other one.
fn dense(nodes: usize) -> Graph {
    let pairs = (0..nodes).flat_map(|start| (0..nodes).map(move |end| (start, end)));
    let links = pairs.filter(|(start, end)| start != end).map(|(start, end)| (start, end, "R", 0)).collect();
    Graph { nodes: vec![(true, 0); nodes], links }
}

#[test]
fn paths_in_dense_graphs_end_at_their_budget() {
    let graph = dense(24);
    let code = |statement: &str| {
        let mut world = World { time_max: Some(Duration::from_millis(200)), ..graph.world(false) };
        run(&mut world, statement).map_err(|failure| failure.code())
    };
    for pattern in [
        "(a {at: 0})-->+(b {at: 1})",
        "(a {at: 0}) ((x)-->(y) WHERE x.at <> y.at)+ (b)",
        "(a {at: 0}) ((x)-->(y)<--(z) WHERE x.k <= z.k){3,} (b {at: 1})",
        "SHORTEST 100000 GROUPS (a {at: 0})-->+(b {at: 1})",
        "SHORTEST 900000 (a {at: 0})--+(b)",
        "ANY 900000 (a {at: 0}) (()--()--())+ (b)",
    ] {
        let ended = code(&format!("MATCH p = {pattern} RETURN count(p)"));
        assert!(matches!(ended, Err(Code::TransactionTimedOut | Code::MemoryLimit)), "{pattern}: {ended:?}");
    }
    for (pattern, rows) in [
        ("SHORTEST 1 (a {at: 0})-->+(b)", "24"),
        ("SHORTEST 5 (a {at: 0})--+(b {at: 1})", "5"),
        ("SHORTEST 3 (a {at: 0})-->+(b)", "72"),
        ("ALL SHORTEST (a {at: 0}) ((x)-->(y)-->(z))+ (b {at: 1})", "22"),
        ("ANY (a {at: 0}) (()--()--())+ (b)", "24"),
    ] {
        assert_eq!(code(&format!("MATCH p = {pattern} RETURN count(p)")), Ok(vec![rows.to_owned()]), "{pattern}");
    }
    // A limit ends the walk.
    let limited = "MATCH (a {at: 0}) ((x)-->(y))+ (b) RETURN size(x) AS n LIMIT 3";
    assert_eq!(code(limited).map(|rows| rows.len()), Ok(3));
}

#[test]
fn refusals_point_into_the_text() {
    for (statement, column) in [
        ("MATCH (x) ((a)-->(b)-[r]->*(c))+ RETURN 1", 21),
        ("MATCH (x) ((a)-[*]->(b))+ RETURN 1", 15),
        ("MATCH (a)-[e]->(d) ((a)-[b]->(c))* RETURN 1", 22),
        ("MATCH ((a)-->(b))+ ((b)-->(c))+ RETURN 1", 22),
        ("MATCH (x)((a)-->(b))+ WHERE a.k = 1 RETURN 1", 29),
        ("MATCH p = SHORTEST 1 (a)-->+(b), (b)-->(c) RETURN 1", 7),
        ("MATCH (x)-[*]->(y) ((a)-->(b))+ RETURN 1", 10),
        ("MATCH ((n)){1,5} RETURN 1", 7),
        ("MATCH ((a)-->(b))* RETURN 1", 7),
    ] {
        let failure = run(&mut dense(2).world(false), statement).expect_err(statement);
        let place = format!("line 1, column {column} ");
        assert_eq!(failure.code(), Code::SyntaxError, "{statement}");
        assert!(failure.message().contains(&place), "{statement}: {}", failure.message());
    }
}
