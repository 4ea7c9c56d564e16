//! Walking through a compiled expression.

use super::{Compiled, LabelTest, Projected};

impl Compiled {
    /// Visits the expressions that this one is made of, not those within them, and no plan of a subquery.
    pub fn each_child(&self, visit: &mut dyn FnMut(&Compiled)) {
        match self {
            Self::Constant(_)
            | Self::Slot(_)
            | Self::Parameter(_)
            | Self::LineNumber
            | Self::Subquery(_)
            | Self::Path { .. } => {}
            Self::Property(of, _)
            | Self::Not(of)
            | Self::Negate(of)
            | Self::Matches(of, _)
            | Self::IsNull(of, _)
            | Self::IsTyped(of, ..)
            | Self::Entity(_, of) => visit(of),
            Self::Index(left, right)
            | Self::And(left, right)
            | Self::Or(left, right)
            | Self::Xor(left, right)
            | Self::Equal { left, right, .. }
            | Self::Inequality(_, left, right)
            | Self::In(left, right)
            | Self::Operator(_, left, right) => {
                visit(left);
                visit(right);
            }
            Self::Slice(of, from, to) => {
                visit(of);
                from.iter().chain(to).for_each(|bound| visit(bound));
            }
            Self::List(items) | Self::Call(_, items) | Self::Coalesce(items) => items.iter().for_each(visit),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| visit(value)),
            Self::HasLabels(of, test) => {
                visit(of);
                test.each_child(visit);
            }
            Self::Case { subject, branches, otherwise } => {
                subject.iter().for_each(|subject| visit(subject));
                branches.iter().for_each(|(when, then)| {
                    visit(when);
                    visit(then);
                });
                visit(otherwise);
            }
            Self::Comprehension { list, filter, projection, .. } => {
                visit(list);
                filter.iter().chain(projection).for_each(|inner| visit(inner));
            }
            Self::Quantifier { list, filter, .. } => {
                visit(list);
                visit(filter);
            }
            Self::Reduce { initial, list, step, .. } => {
                visit(initial);
                visit(list);
                visit(step);
            }
            Self::MapProjection(of, items) => {
                visit(of);
                items.iter().for_each(|item| match item {
                    Projected::All => {}
                    Projected::Entry(_, value) => visit(value),
                });
            }
        }
    }
}

impl Compiled {
    /// Tells whether its value may depend on one of these slots.
    pub(crate) fn may_read(&self, slots: &[usize]) -> bool {
        match self {
            Self::Slot(slot) => slots.contains(slot),
            Self::Path { start, relationships } => {
                slots.contains(start) || relationships.iter().any(|slot| slots.contains(slot))
            }
            Self::Subquery(_) => true,
            _ => {
                let mut found = false;
                self.each_child(&mut |child| found |= child.may_read(slots));
                found
            }
        }
    }

    /// Tells whether a plan runs to compute it.
    pub(crate) fn runs_plan(&self) -> bool {
        let mut found = matches!(self, Self::Subquery(_));
        self.each_child(&mut |child| found |= child.runs_plan());
        found
    }
}

impl LabelTest {
    fn each_child(&self, visit: &mut dyn FnMut(&Compiled)) {
        match self {
            Self::Name(_) | Self::Any => {}
            Self::Dynamic(names) | Self::DynamicAny(names) => visit(names),
            Self::Not(inner) => inner.each_child(visit),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.each_child(visit)),
        }
    }
}
