//! Random statements over random graphs, planned by cost and planned as they are written: both give the same rows.
//! Leaves patterns in all their forms to `forms`.
//! Start reading at [`plans_by_cost_give_what_the_text_says`].

use super::forms::{LABELS, Random, graph};
use super::tests::{prepared, prepared_as_written, rows_of};
use crate::testing::World;

/// Statements of a run, unless `SHEAF_RANDOM_STATEMENTS` says another number.
const STATEMENTS: u64 = 20_000;

/// Conditions that are split in three.
const CONDITIONS: u64 = 2_000;

/// The first seed, unless `SHEAF_SEED` says another one.
const SEED: u64 = 20_260;

/// What a variable holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Node,
    Relationship,
    Number,
}

/// Writes one statement, clause by clause.
struct Writer<'r> {
    random: &'r mut Random,
    scope: Vec<(String, Kind)>,
    names: u64,
}

impl Writer<'_> {
    fn chance(&mut self, of: u64) -> bool {
        self.random.below(of) == 0
    }

    fn fresh(&mut self, kind: Kind) -> String {
        self.names += 1;
        let letter = match kind {
            Kind::Node => 'n',
            Kind::Relationship => 'r',
            Kind::Number => 'x',
        };
        let name = format!("{letter}{}", self.names);
        self.scope.push((name.clone(), kind));
        name
    }

    fn any(&mut self, kind: Kind) -> Option<String> {
        let of_kind: Vec<&String> = self.scope.iter().filter(|(_, held)| *held == kind).map(|(name, _)| name).collect();
        let place = usize::try_from(self.random.below(of_kind.len().max(1) as u64)).expect("small");
        of_kind.get(place).map(|name| (*name).clone())
    }

    fn statement(&mut self) -> String {
        let mut text = String::new();
        for at in 0..1 + self.random.below(3) {
            text.push_str(&self.clause(at == 0));
            if self.chance(3) {
                text.push_str(&self.with());
            }
        }
        text.push_str(&self.returned());
        if self.chance(12) {
            let union = if self.chance(2) { " UNION ALL " } else { " UNION " };
            return format!("{text}{union}{text}");
        }
        text
    }

    fn clause(&mut self, is_first: bool) -> String {
        match self.random.below(8) {
            0 if !is_first => format!("OPTIONAL MATCH {}{} ", self.pattern(), self.filter()),
            1 => {
                let list = format!("[{}, {}, null]", self.random.below(4), self.random.below(4));
                let name = self.fresh(Kind::Number);
                format!("UNWIND {list} AS {name} ")
            }
            2 if !is_first => self.subquery(),
            3 => format!("MATCH {}, {}{} ", self.pattern(), self.pattern(), self.filter()),
            _ => format!("MATCH {}{} ", self.pattern(), self.filter()),
        }
    }

    fn node(&mut self) -> String {
        if self.chance(4)
            && let Some(known) = self.any(Kind::Node)
        {
            return format!("({known})");
        }
        let label = match self.random.below(6) {
            0 | 1 => format!(":{}", self.random.pick(&LABELS)),
            2 => [":A|B", ":!A", ":A&!C", ":%"][usize::try_from(self.random.below(4)).expect("small")].to_owned(),
            _ => String::new(),
        };
        let inside = match self.random.below(8) {
            0 => format!(" {{k: {}}}", self.random.below(4)),
            1 => self.any(Kind::Number).map(|known| format!(" {{k: {known}}}")).unwrap_or_default(),
            _ => String::new(),
        };
        let name = self.fresh(Kind::Node);
        format!("({name}{label}{inside})")
    }

    fn pattern(&mut self) -> String {
        let mut text = self.node();
        for _ in 0..self.random.below(3) {
            let kind = self.random.pick(&["", ":R", ":S", ":R|S", ":!R"]);
            let name = if self.chance(2) { self.fresh(Kind::Relationship) } else { String::new() };
            let (left, right) = match self.random.below(3) {
                0 => ("-", "->"),
                1 => ("<-", "-"),
                _ => ("-", "-"),
            };
            let node = self.node();
            text.push_str(&format!("{left}[{name}{kind}]{right}{node}"));
        }
        text
    }

    fn filter(&mut self) -> String {
        if self.chance(2) { String::new() } else { format!(" WHERE {}", self.condition(2)) }
    }

    fn number(&mut self) -> String {
        match self.random.below(4) {
            0 => self.any(Kind::Number).unwrap_or_else(|| "2".to_owned()),
            1 | 2 => match self.any(Kind::Node) {
                Some(node) => format!("{node}.{}", self.random.pick(&["k", "at", "none"])),
                None => "1".to_owned(),
            },
            _ => self.random.below(4).to_string(),
        }
    }

    fn condition(&mut self, depth: u64) -> String {
        let node = self.any(Kind::Node);
        match (self.random.below(if depth == 0 { 5 } else { 11 }), node) {
            (0, _) => format!("{} = {}", self.number(), self.number()),
            (1, _) => format!("{} < {}", self.number(), self.number()),
            (2, Some(node)) => format!("{node}:{}", self.random.pick(&LABELS)),
            (3, _) => format!("{} IN [{}, {}]", self.number(), self.random.below(4), self.number()),
            (4, _) => format!("{} IS NOT NULL", self.number()),
            (5, _) => format!("NOT ({})", self.condition(depth - 1)),
            (6, _) => format!("({} OR {})", self.condition(depth - 1), self.condition(depth - 1)),
            (7, Some(node)) => format!("({node})-[:R]->()"),
            (8, Some(node)) => {
                let word = if self.chance(2) { "NOT EXISTS" } else { "EXISTS" };
                let inner = self.within(|writer| format!("({node})--{}{}", writer.node(), writer.filter()));
                format!("{word} {{ {inner} }}")
            }
            (9, Some(node)) => {
                let inner = self.within(|writer| format!("({node})-->{}{}", writer.node(), writer.filter()));
                format!("COUNT {{ {inner} }} > {}", self.random.below(2))
            }
            _ => format!("({} AND {})", self.condition(depth.max(1) - 1), self.condition(depth.max(1) - 1)),
        }
    }

    /// Writes something whose own variables end with it.
    fn within(&mut self, write: impl FnOnce(&mut Self) -> String) -> String {
        let known = self.scope.len();
        let text = write(self);
        self.scope.truncate(known);
        text
    }

    fn subquery(&mut self) -> String {
        let optional = if self.chance(2) { "OPTIONAL " } else { "" };
        let aggregate = self.random.pick(&["count(*)", "max(i.k)", "i.at"]);
        let known = self.any(Kind::Node).unwrap_or_default();
        let around = std::mem::take(&mut self.scope);
        if !known.is_empty() {
            self.scope.push((known.clone(), Kind::Node));
        }
        let start = if known.is_empty() { self.node() } else { format!("({known})") };
        let inner = format!("MATCH {start}-[]-(i){} RETURN {aggregate}", self.filter());
        self.scope = around;
        let name = self.fresh(Kind::Number);
        let bound = if self.chance(2) { format!(" ORDER BY {name} LIMIT 2") } else { String::new() };
        format!("{optional}CALL ({known}) {{ {inner} AS {name}{bound} }} ")
    }

    fn with(&mut self) -> String {
        let distinct = if self.chance(3) { "DISTINCT " } else { "" };
        let mut items = Vec::new();
        let mut scope = Vec::new();
        for (name, kind) in std::mem::take(&mut self.scope) {
            if self.random.below(3) > 0 {
                items.push(name.clone());
                scope.push((name, kind));
            }
        }
        let kept = scope.clone();
        self.scope = kept;
        if items.is_empty() || self.chance(3) {
            let aggregate = self.random.pick(&["count(*)", "count(*)", "42"]).to_owned();
            let name = self.fresh(Kind::Number);
            items.push(format!("{aggregate} AS {name}"));
        }
        let bounds = self.bounds();
        let filter = if self.chance(3) { format!(" WHERE {}", self.condition(1)) } else { String::new() };
        format!("WITH {distinct}{}{bounds}{filter} ", items.join(", "))
    }

    /// An order by everything in scope, so that whatever is cut off is decided.
    fn bounds(&mut self) -> String {
        if !self.chance(3) {
            return String::new();
        }
        let names: Vec<String> = self.scope.iter().map(|(name, _)| name.clone()).collect();
        let direction = self.random.pick(&["", " DESC"]);
        let skip = if self.chance(3) { format!(" SKIP {}", self.random.below(3)) } else { String::new() };
        format!(" ORDER BY {}{direction}{skip} LIMIT {}", names.join(", "), self.random.below(6))
    }

    fn returned(&mut self) -> String {
        let number = self.number();
        let names: Vec<String> = self.scope.iter().map(|(name, _)| name.clone()).collect();
        match self.random.below(6) {
            0 => format!("RETURN count(*), sum({number})"),
            1 => format!("RETURN {number} AS key, count(*), min({}), max({})", self.number(), self.number()),
            2 => format!("RETURN DISTINCT {number}"),
            3 => format!("RETURN count(DISTINCT {number})"),
            _ => format!("RETURN {}{}", names.join(", "), self.bounds()),
        }
    }
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn plans_by_cost_give_what_the_text_says() {
    let (first, count) = (setting("SHEAF_SEED", SEED), setting("SHEAF_RANDOM_STATEMENTS", STATEMENTS));
    let (mut ran, mut with_rows) = (0, 0);
    for seed in first..first + count {
        let mut random = Random(seed);
        let statement = Writer { random: &mut random, scope: Vec::new(), names: 0 }.statement();
        let place = format!("SHEAF_SEED={seed} SHEAF_RANDOM_STATEMENTS=1: {statement}");
        let mut wanted: Option<Result<Vec<String>, String>> = None;
        for is_indexed in [false, true] {
            let mut world: World = graph(seed % 97, is_indexed);
            let written = prepared_as_written(&world, &statement).and_then(|plan| rows_of(&mut world, &plan));
            let planned = prepared(&world, &statement).and_then(|plan| rows_of(&mut world, &plan));
            let sorted = |rows: Result<Vec<String>, types::Failure>| {
                let mut rows = rows.map_err(|failure| failure.to_string())?;
                rows.sort();
                Ok(rows)
            };
            let (written, planned) = (sorted(written), sorted(planned));
            assert_eq!(planned, written, "indexes {is_indexed}, {place}");
            let known = wanted.get_or_insert_with(|| written.clone());
            assert_eq!(*known, written, "as written, indexes {is_indexed}, {place}");
        }
        match wanted {
            Some(Ok(rows)) => (ran, with_rows) = (ran + 1, with_rows + u64::from(!rows.is_empty())),
            Some(Err(failure)) => assert!(count > 1, "{failure}: {place}"),
            None => {}
        }
    }
    assert!(ran * 10 > count * 9, "only {ran} of {count} statements ran, from seed {first}");
    assert!(with_rows * 3 > count, "only {with_rows} of {count} statements gave rows, from seed {first}");
}

#[test]
fn a_condition_its_opposite_and_its_null_find_everything_once() {
    let first = setting("SHEAF_SEED", SEED);
    let mut split = 0;
    for seed in first..first + CONDITIONS {
        let mut random = Random(seed);
        let mut writer = Writer { random: &mut random, scope: Vec::new(), names: 0 };
        let pattern = writer.pattern();
        let nodes = writer.scope.iter().filter(|(_, kind)| *kind == Kind::Node);
        let columns: Vec<String> = nodes.map(|(name, _)| format!("{name}.at")).collect();
        let condition = writer.condition(2);
        let mut world = graph(seed % 97, seed.is_multiple_of(2));
        let mut rows = |filter: String| {
            let text = format!("MATCH {pattern}{filter} RETURN {}", columns.join(", "));
            prepared(&world, &text).and_then(|plan| rows_of(&mut world, &plan))
        };
        let parts = [
            format!(" WHERE {condition}"),
            format!(" WHERE NOT ({condition})"),
            format!(" WHERE ({condition}) IS NULL"),
        ];
        let mut whole = rows(String::new()).expect("a pattern alone is fine");
        // A pattern is a condition and no value, so that not all of them can be asked for null.
        let Ok(parts) = parts.map(&mut rows).into_iter().collect::<Result<Vec<_>, _>>() else { continue };
        let mut found = parts.concat();
        whole.sort();
        found.sort();
        assert_eq!(found, whole, "SHEAF_SEED={seed}: MATCH {pattern} WHERE {condition}");
        split += 1;
    }
    assert!(split * 2 > CONDITIONS, "only {split} of {CONDITIONS} conditions were split, from seed {first}");
}
