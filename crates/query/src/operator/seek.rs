//! Nodes and relationships found by an index, or by their own number.

use std::ops::Bound;

use compact_str::CompactString;
use types::compare::equals;
use types::{Failure, NodeId, RelationshipRef, Value};

use super::{Operator, Seek, SeekNext};
use crate::expression::{Compiled, Context, evaluate};
use crate::source::{Condition, Source};
use crate::{Batch, Column};

/// For each row, what an index has for a condition.
pub(super) struct SeekAll {
    input: Box<dyn Operator>,
    how: Seek,
    /// The batch under way, its conditions and the row to go on at.
    under_way: Option<(Batch, Wanted, usize)>,
    /// What was looked for last and is there to be used again: rows of one key often come together.
    last: Option<Condition>,
    found: Found,
    /// How much of `found` has been handed on for the row under way.
    done: usize,
}

/// What each row looks for.
struct Wanted {
    equal: Vec<Column>,
    next: Next,
}

enum Next {
    Any,
    Range(Bound<Column>, Bound<Column>),
    /// Text of any kind.
    Text(Column, fn(Vec<Value>, CompactString) -> Condition),
    Within(Column, Column),
    Near(Column, Column),
}

/// What the index had.
#[derive(Default)]
struct Found {
    nodes: Vec<NodeId>,
    relationships: Vec<RelationshipRef>,
    /// Where each relationship is found from either end: whether it is from its end.
    turned: Vec<bool>,
}

impl Found {
    fn len(&self) -> usize {
        self.nodes.len().max(self.relationships.len())
    }

    fn clear(&mut self) {
        self.nodes.clear();
        self.relationships.clear();
        self.turned.clear();
    }

    /// Finds all of a label or type: who comes behind asks each of them.
    fn scan(&mut self, how: &Seek, all: &str, source: &dyn Source) -> Result<(), Failure> {
        if how.ends.is_some() {
            if let Some(kind) = source.type_id(all) {
                source.scan_relationships(Some(kind), None, usize::MAX, &mut self.relationships)?;
            }
            if how.both {
                self.turn();
            }
        } else if let Some(label) = source.label_id(all) {
            source.scan_nodes(Some(label), None, usize::MAX, &mut self.nodes)?;
        }
        Ok(())
    }

    /// Finds each relationship from its other end too; one that begins where it ends has one.
    fn turn(&mut self) {
        let found = std::mem::take(&mut self.relationships);
        for it in found {
            let ways: &[bool] = if it.start == it.end { &[false] } else { &[false, true] };
            for turned in ways {
                self.relationships.push(it);
                self.turned.push(*turned);
            }
        }
    }

    /// Gives the node at the left and the one at the right of each relationship.
    fn ends(&self) -> (Vec<NodeId>, Vec<NodeId>) {
        let turned = self.turned.iter().copied().chain(std::iter::repeat(false));
        let ends = self.relationships.iter().zip(turned);
        ends.map(|(it, turned)| if turned { (it.end, it.start) } else { (it.start, it.end) }).unzip()
    }

    fn add(&mut self, other: &Self, run: std::ops::Range<usize>) {
        if other.relationships.is_empty() {
            self.nodes.extend_from_slice(&other.nodes[run]);
        } else {
            self.relationships.extend_from_slice(&other.relationships[run.clone()]);
            self.turned.extend(other.turned.get(run).into_iter().flatten());
        }
    }
}

impl SeekAll {
    pub fn new(input: Box<dyn Operator>, how: Seek) -> Self {
        Self { input, how, under_way: None, last: None, found: Found::default(), done: 0 }
    }

    fn wanted(&self, batch: &Batch, context: &mut Context<'_>) -> Result<Wanted, Failure> {
        let equal = self.how.equal.iter().map(|key| evaluate(key, batch, context)).collect::<Result<_, _>>()?;
        let mut bound = |bound: &Bound<Compiled>| -> Result<Bound<Column>, Failure> {
            Ok(match bound {
                Bound::Included(value) => Bound::Included(evaluate(value, batch, context)?),
                Bound::Excluded(value) => Bound::Excluded(evaluate(value, batch, context)?),
                Bound::Unbounded => Bound::Unbounded,
            })
        };
        let next = match &self.how.next {
            SeekNext::Any => Next::Any,
            SeekNext::Range(low, high) => Next::Range(bound(low)?, bound(high)?),
            SeekNext::Prefix(text) => Next::Text(evaluate(text, batch, context)?, Condition::Prefix),
            SeekNext::Holds(text) => Next::Text(evaluate(text, batch, context)?, |_, text| Condition::Holds(text)),
            SeekNext::Ends(text) => Next::Text(evaluate(text, batch, context)?, |_, text| Condition::Ends(text)),
            SeekNext::Within(low, high) => {
                Next::Within(evaluate(low, batch, context)?, evaluate(high, batch, context)?)
            }
            SeekNext::Near(center, distance) => {
                Next::Near(evaluate(center, batch, context)?, evaluate(distance, batch, context)?)
            }
        };
        Ok(Wanted { equal, next })
    }

    /// Looks for what a row wants, unless it is what the row before wanted.
    fn look(&mut self, wanted: Option<Condition>, context: &mut Context<'_>) -> Result<(), Failure> {
        if wanted.is_some() && wanted == self.last {
            return Ok(());
        }
        self.found.clear();
        if let Some(wanted) = &wanted {
            let source = &context.sources[usize::from(self.how.source)];
            if let (Some(all), Condition::Equal(keys)) = (&self.how.otherwise, wanted)
                && !matches!(keys.as_slice(), [Value::String(_)])
            {
                self.found.scan(&self.how, all, source.as_ref())?;
            } else if self.how.ends.is_some() {
                source.seek_relationships(self.how.index, wanted, &mut self.found.relationships)?;
                if self.how.both {
                    self.found.turn();
                }
            } else {
                source.seek_nodes(self.how.index, wanted, &mut self.found.nodes)?;
            }
        }
        self.last = wanted;
        Ok(())
    }

    fn filled(&self, batch: &Batch, rows: &[usize], page: Found) -> Batch {
        let mut out = batch.gather(rows);
        let source = self.how.source;
        match self.how.ends {
            None => out.set(self.how.slot, Column::Nodes { source, ids: page.nodes }),
            Some((start, end)) => {
                let (left, right) = page.ends();
                out.set(start, Column::Nodes { source, ids: left });
                out.set(end, Column::Nodes { source, ids: right });
                out.set(self.how.slot, Column::Relationships(page.relationships));
            }
        }
        out
    }
}

impl Wanted {
    /// Makes the condition of a row; `None` where it cannot be met: null, NaN and what is never stored.
    fn row(&self, row: usize) -> Option<Condition> {
        let equal = self.equal.iter().map(|column| findable(column.get(row))).collect::<Option<Vec<_>>>()?;
        Some(match &self.next {
            Next::Any => Condition::Equal(equal),
            Next::Range(low, high) => Condition::Range(equal, bound(low, row)?, bound(high, row)?),
            Next::Text(text, made) => match text.get(row) {
                Value::String(text) => made(equal, text),
                _ => return None,
            },
            Next::Within(low, high) => match (low.get(row), high.get(row)) {
                (low @ Value::Point(_), high @ Value::Point(_)) => Condition::Within(low, high),
                _ => return None,
            },
            Next::Near(center, distance) => match (center.get(row), distance.get(row)) {
                (center @ Value::Point(_), Value::Float(distance)) => Condition::Near(center, distance),
                (center @ Value::Point(_), Value::Integer(distance)) => Condition::Near(center, distance as f64),
                _ => return None,
            },
        })
    }
}

fn bound(of: &Bound<Column>, row: usize) -> Option<Bound<Value>> {
    let (column, is_included) = match of {
        Bound::Included(column) => (column, true),
        Bound::Excluded(column) => (column, false),
        Bound::Unbounded => return Some(Bound::Unbounded),
    };
    let value = column.get(row);
    if let Value::List(items) = &value {
        let known = items.iter().take_while(|item| is_findable(item)).count();
        if known < items.len() {
            // Lists are decided by the items in front of what compares with nothing; the condition is asked again.
            return Some(Bound::Included(Value::list(items[..known].to_vec())));
        }
    }
    let value = findable(value)?;
    Some(if is_included { Bound::Included(value) } else { Bound::Excluded(value) })
}

/// Gives a value that a property can equal; `None` for one that equals nothing, and for maps and entities.
fn findable(value: Value) -> Option<Value> {
    is_findable(&value).then_some(value)
}

fn is_findable(value: &Value) -> bool {
    match value {
        Value::Null
        | Value::Map(_)
        | Value::NodeRef(_)
        | Value::RelationshipRef(_)
        | Value::PathRef(_)
        | Value::Node(_)
        | Value::Relationship(_)
        | Value::Path(_) => false,
        value => equals(value, value) == Some(true),
    }
}

impl Operator for SeekAll {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        loop {
            let Some((batch, wanted, row)) = self.under_way.take() else {
                let Some(batch) = self.input.next(context)? else { return Ok(None) };
                let wanted = self.wanted(&batch, context)?;
                self.under_way = Some((batch, wanted, 0));
                continue;
            };
            let (mut rows, mut page, mut at) = (Vec::new(), Found::default(), row);
            while at < batch.rows && rows.len() < Batch::ROWS_MAX {
                if self.done == 0 {
                    self.look(wanted.row(at), context)?;
                }
                let end = self.found.len().min(self.done + Batch::ROWS_MAX - rows.len());
                page.add(&self.found, self.done..end);
                rows.resize(page.len(), at);
                if end == self.found.len() {
                    (at, self.done) = (at + 1, 0);
                } else {
                    self.done = end;
                }
            }
            context.budget.pay_rows(rows.len().max(at - row))?;
            if self.done == 0 {
                // Whoever gets these rows may change the graph: what was found may not be used again.
                self.last = None;
            }
            let out = (!rows.is_empty()).then(|| self.filled(&batch, &rows, page));
            if at < batch.rows {
                self.under_way = Some((batch, wanted, at));
            }
            if out.is_some() {
                return Ok(out);
            }
        }
    }
}
