//! How many relationships nodes have, where nothing else of them is asked for.

use types::{Failure, LabelId, Value};

use super::expand::{known_types, nodes};
use super::{Degree, Operator};
use crate::expression::Context;
use crate::{Batch, Column};

/// For each row whose node has relationships, their number.
pub(super) struct CountRelationships {
    pub input: Box<dyn Operator>,
    pub how: Degree,
}

impl CountRelationships {
    /// Counts for the nodes of a batch; gives the rows with any, and their numbers.
    fn counted(&self, batch: &Batch, context: &mut Context<'_>) -> Result<(Vec<usize>, Vec<Value>), Failure> {
        let expand = &self.how.expand;
        let Some((types, label)) = self.names(context) else { return Ok(Default::default()) };
        let types = (!types.is_empty()).then_some(&*types);
        let (rows, from) = nodes(&batch.column(expand.from), 0..batch.rows);
        let mut degrees = Vec::with_capacity(from.len());
        let source = &context.sources[usize::from(expand.source)];
        source.degrees(&from, expand.direction, types, label, &mut degrees)?;
        let found = usize::try_from(degrees.iter().sum::<u64>()).unwrap_or(usize::MAX);
        context.budget.pay_rows(found.max(1))?;
        let some = rows.into_iter().zip(degrees).filter(|(_, degree)| *degree > 0);
        Ok(some.map(|(row, degree)| (row, Value::Integer(degree.cast_signed()))).unzip())
    }

    /// Finds types and label; `None` where nothing has one of them.
    fn names(&self, context: &Context<'_>) -> Option<(Vec<types::TypeId>, Option<LabelId>)> {
        let types = known_types(&self.how.expand, context)?;
        let source = &context.sources[usize::from(self.how.expand.source)];
        match &self.how.label {
            Some(label) => Some((types, Some(source.label_id(label)?))),
            None => Some((types, None)),
        }
    }
}

impl Operator for CountRelationships {
    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, Failure> {
        while let Some(batch) = self.input.next(context)? {
            let (rows, degrees) = self.counted(&batch, context)?;
            if !rows.is_empty() {
                let mut out = batch.gather(&rows);
                out.set(self.how.slot, Column::Values(degrees));
                return Ok(Some(out));
            }
        }
        Ok(None)
    }
}
