//! Whether rules allow elements: by their labels or types where those tell, by their values where something hangs on them.
//! Leaves what follows from that to `seeing`. Values are the graph's own: a rule may ask for one that its user cannot read.
//! Start reading at [`Sighted::allow_nodes`].

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use types::{Failure, KeyId, LabelId, Map, NodeId, RelationshipId, TypeId, Value};

use super::ids::{IdRule, IdTest, Told};
use super::seeing::CHUNK;
use super::sighted::Sighted;

/// An element about which its labels or its type do not tell enough.
struct Open<N> {
    /// Its place among those that were asked for.
    at: usize,
    names: N,
}

/// Values of open elements: for each property one of each.
type Values = FxHashMap<KeyId, Vec<Value>>;

impl Sighted {
    /// Tells for each node whether all of these rules allow it; nothing allows one that is not there.
    pub(super) fn allow_nodes(&self, rules: &[&IdRule], nodes: &[NodeId]) -> Result<Vec<bool>, Failure> {
        let mut allowed = Vec::with_capacity(nodes.len());
        for chunk in nodes.chunks(CHUNK) {
            if !allowed.is_empty() {
                self.allowance.check()?;
            }
            self.allow_some_nodes(rules, chunk, &mut allowed)?;
        }
        Ok(allowed)
    }

    fn allow_some_nodes(&self, rules: &[&IdRule], nodes: &[NodeId], out: &mut Vec<bool>) -> Result<(), Failure> {
        let first = out.len();
        out.resize(first + nodes.len(), false);
        let mut open: Vec<Open<Vec<u32>>> = Vec::new();
        self.graph.labels_of(nodes, |at, labels: &[LabelId]| {
            match told(rules, labels.iter().map(|label| label.0)) {
                Told::Yes => out[first + at] = true,
                Told::No => {}
                Told::ByValue => open.push(Open { at, names: labels.iter().map(|label| label.0).collect() }),
            }
        })?;
        if open.is_empty() {
            return Ok(());
        }
        let asked: Vec<NodeId> = open.iter().map(|open| nodes[open.at]).collect();
        let values = values_of(rules, |key| self.graph.values_of_nodes(&asked, key))?;
        for (row, Open { at, names }) in open.iter().enumerate() {
            out[first + at] = rules.iter().all(|rule| rule.decides(names.iter().copied(), passed(&values, row)));
        }
        Ok(())
    }

    /// Tells for each relationship whether all of these rules allow it. Its ends are asked for elsewhere.
    pub(super) fn allow_relationships(
        &self,
        rules: &[&IdRule],
        relationships: impl IntoIterator<Item = (RelationshipId, TypeId)>,
    ) -> Result<Vec<bool>, Failure> {
        let relationships = relationships.into_iter();
        if rules.iter().all(|rule| rule.is_everything()) {
            return Ok(relationships.map(|_| true).collect());
        }
        let (mut allowed, mut open, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for (at, (id, kind)) in relationships.enumerate() {
            let told = told(rules, [kind.0]);
            allowed.push(told == Told::Yes);
            if told == Told::ByValue {
                open.push(Open { at, names: kind.0 });
                asked.push(id);
            }
        }
        for (open, asked) in open.chunks(CHUNK).zip(asked.chunks(CHUNK)) {
            self.allowance.check()?;
            let values = values_of(rules, |key| self.graph.values_of_relationships(asked, key))?;
            for (row, Open { at, names }) in open.iter().enumerate() {
                allowed[*at] = rules.iter().all(|rule| rule.decides([*names], passed(&values, row)));
            }
        }
        Ok(allowed)
    }
}

/// Tells whether a rule allows an element of which all properties are at hand.
pub(super) fn decided(rule: &IdRule, names: &[u32], properties: &Map) -> bool {
    let value = |test: &IdTest| test.test.holds(properties.get(test.test.key()).unwrap_or(&Value::Null));
    rule.decides(names.iter().copied(), value)
}

fn told(rules: &[&IdRule], names: impl IntoIterator<Item = u32> + Clone) -> Told {
    let mut all = Told::Yes;
    for rule in rules {
        match rule.told(names.clone()) {
            Told::No => return Told::No,
            Told::ByValue => all = Told::ByValue,
            Told::Yes => {}
        }
    }
    all
}

/// Reads every property that one of these rules asks for.
fn values_of(rules: &[&IdRule], read: impl Fn(KeyId) -> Result<Vec<Value>, Failure>) -> Result<Values, Failure> {
    let mut values = Values::default();
    for key in rules.iter().flat_map(|rule| rule.keys()) {
        if let Entry::Vacant(vacant) = values.entry(key) {
            vacant.insert(read(key)?);
        }
    }
    Ok(values)
}

fn passed(values: &Values, row: usize) -> impl Fn(&IdTest) -> bool {
    move |test| {
        let value = test.key.and_then(|key| values.get(&key)?.get(row));
        test.test.holds(value.unwrap_or(&Value::Null))
    }
}
