//! Rules beyond the grammar that the text alone decides; the words in brackets are openCypher's.

use super::{Parsed, Parser};
use crate::ast::{
    Clause, ClauseKind, Expression, ExpressionKind, LabelExpression, PathPattern, PathSelector, PatternElement, Query,
    RelationshipPattern, SingleQuery, Span, SubqueryExpression, Yield,
};
use types::Direction;

/// Which clause a pattern stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Match,
    Create,
    Merge,
}

impl Place {
    fn word(self) -> &'static str {
        match self {
            Self::Match => "MATCH",
            Self::Create => "CREATE",
            Self::Merge => "MERGE",
        }
    }
}

impl Parser<'_> {
    pub(super) fn check_clause(&self, clause: &Clause) -> Parsed<()> {
        match &clause.kind {
            ClauseKind::Match { patterns, .. } => {
                self.check_relationships_differ(patterns)?;
                patterns.iter().try_for_each(|pattern| self.check_parameters(pattern, Place::Match))
            }
            ClauseKind::Create { patterns, .. } => {
                patterns.iter().try_for_each(|pattern| self.check_made(pattern, Place::Create))
            }
            ClauseKind::Merge { pattern, .. } => {
                self.check_parameters(pattern, Place::Merge)?;
                self.check_made(pattern, Place::Merge)
            }
            ClauseKind::Delete { targets, .. } => targets.iter().try_for_each(|target| self.check_deleted(target)),
            ClauseKind::With { projection, .. } => {
                let unnamed = projection
                    .items
                    .iter()
                    .find(|item| item.alias.is_none() && !matches!(*item.expression.kind, ExpressionKind::Variable(_)));
                unnamed.map_or(Ok(()), |item| {
                    let message = "Expression in WITH must be aliased (use AS) (NoExpressionAlias)";
                    Err(self.fail(item.expression.span, message))
                })
            }
            ClauseKind::Foreach { body, .. } => body.iter().try_for_each(|inner| self.check_foreach(inner)),
            _ => Ok(()),
        }
    }

    fn check_deleted(&self, target: &Expression) -> Parsed<()> {
        if matches!(*target.kind, ExpressionKind::HasLabels(..)) {
            let message = "DELETE takes nodes, relationships and paths; use REMOVE to take labels away (InvalidDelete)";
            return Err(self.fail(target.span, message));
        }
        Ok(())
    }

    fn check_foreach(&self, clause: &Clause) -> Parsed<()> {
        let writes = matches!(
            clause.kind,
            ClauseKind::Create { .. }
                | ClauseKind::Merge { .. }
                | ClauseKind::Set { .. }
                | ClauseKind::Remove { .. }
                | ClauseKind::Delete { .. }
                | ClauseKind::Foreach { .. }
        );
        if writes {
            return Ok(());
        }
        let message = "only writing clauses can stand inside FOREACH (InvalidClauseComposition)";
        Err(self.fail(clause.span, message))
    }

    /// One relationship variable stands for one relationship of a match.
    fn check_relationships_differ(&self, patterns: &[PathPattern]) -> Parsed<()> {
        let mut seen = std::collections::HashSet::new();
        let elements = patterns.iter().flat_map(|pattern| &pattern.elements);
        for relationship in elements.filter_map(relationship) {
            if let Some(variable) = &relationship.variable
                && !seen.insert(&variable.text)
            {
                let message = format!(
                    "Cannot use the same relationship variable '{}' for multiple relationships (RelationshipUniquenessViolation)",
                    variable.text
                );
                return Err(self.fail(variable.span, &message));
            }
        }
        Ok(())
    }

    /// A parameter cannot stand for a whole property map where the map decides what is looked for.
    fn check_parameters(&self, pattern: &PathPattern, place: Place) -> Parsed<()> {
        for element in &pattern.elements {
            let properties = match element {
                PatternElement::Node(node) => &node.properties,
                PatternElement::Relationship(relationship) => &relationship.properties,
                PatternElement::Quantified(part) => {
                    self.check_parameters(&part.pattern, place)?;
                    continue;
                }
            };
            if let Some(properties) = properties
                && let ExpressionKind::Parameter(name) = &*properties.kind
            {
                let message = format!(
                    "Parameter maps cannot be used in {} patterns (use a literal map instead, e.g. \"{{id: ${}.id}}\") (InvalidParameterUse)",
                    place.word(),
                    name.text
                );
                return Err(self.fail(properties.span, &message));
            }
        }
        Ok(())
    }

    /// What is made must be said in full: one type, one length, one direction.
    fn check_made(&self, pattern: &PathPattern, place: Place) -> Parsed<()> {
        let word = place.word();
        if !matches!(pattern.selector, PathSelector::All) {
            return Err(self.fail(pattern.span, &format!("a path selector cannot be used in {word}")));
        }
        for element in &pattern.elements {
            match element {
                PatternElement::Node(node) => {
                    if let Some(filter) = &node.filter {
                        return Err(self.fail(filter.span, &format!("WHERE cannot be used in a {word} pattern")));
                    }
                    self.check_made_labels(node.labels.as_ref(), node.span, word)?;
                }
                PatternElement::Relationship(relationship) => self.check_made_relationship(relationship, place)?,
                PatternElement::Quantified(part) => {
                    let message = format!("a quantified pattern cannot be used in {word} (CreatingVarLength)");
                    return Err(self.fail(part.span, &message));
                }
            }
        }
        Ok(())
    }

    fn check_made_relationship(&self, relationship: &RelationshipPattern, place: Place) -> Parsed<()> {
        let word = place.word();
        let message = if relationship.length.is_some() {
            format!("Variable length relationships cannot be used in {word} (CreatingVarLength)")
        } else if !matches!(relationship.types, Some(LabelExpression::Name(_) | LabelExpression::Dynamic(_))) {
            format!("Exactly one relationship type must be specified for {word} (NoSingleRelationshipType)")
        } else if place == Place::Create && relationship.direction == Direction::Both {
            "Only directed relationships are supported in CREATE (RequiresDirectedRelationship)".to_owned()
        } else if relationship.filter.is_some() {
            format!("WHERE cannot be used in a {word} pattern")
        } else {
            return Ok(());
        };
        Err(self.fail(relationship.span, &message))
    }

    fn check_made_labels(&self, labels: Option<&LabelExpression>, span: Span, word: &str) -> Parsed<()> {
        let plain = |label: &LabelExpression| matches!(label, LabelExpression::Name(_) | LabelExpression::Dynamic(_));
        let fine = match labels {
            None => true,
            Some(LabelExpression::And(parts)) => parts.iter().all(plain),
            Some(other) => plain(other),
        };
        if fine { Ok(()) } else { Err(self.fail(span, &format!("{word} takes labels joined by ':' or '&' only"))) }
    }

    pub(super) fn check_single_query(&self, query: &SingleQuery) -> Parsed<()> {
        let stands_alone = query.clauses.len() == 1;
        for clause in &query.clauses {
            if let ClauseKind::CallProcedure { arguments, yields, .. } = &clause.kind
                && !stands_alone
            {
                if arguments.is_none() {
                    let message = "Procedure call inside a query does not support passing arguments implicitly; \
                                   name them in parentheses (InvalidArgumentPassingMode)";
                    return Err(self.fail(clause.span, message));
                }
                if matches!(yields, Yield::All) {
                    let message = "YIELD * can only be used in a CALL that stands alone (UnexpectedSyntax)";
                    return Err(self.fail(clause.span, message));
                }
            }
        }
        self.check_transactions(query)?;
        self.check_graphs_named(query)
    }

    /// Batches commit on their own, so nothing of the statement may wait for its commit before them.
    fn check_transactions(&self, query: &SingleQuery) -> Parsed<()> {
        let mut has_written = false;
        for clause in &query.clauses {
            let in_transactions = matches!(clause.kind, ClauseKind::CallSubquery { transactions: Some(_), .. });
            if in_transactions && has_written {
                let message = "CALL { ... } IN TRANSACTIONS after a write clause is not supported";
                return Err(self.fail(clause.span, message));
            }
            has_written |= !in_transactions && writes(&clause.kind);
        }
        Ok(())
    }

    pub(super) fn check_union(&self, query: &Query) -> Parsed<()> {
        if query.rest.is_empty() {
            return Ok(());
        }
        transactional(query)
            .map_or(Ok(()), |span| Err(self.fail(span, "CALL { ... } IN TRANSACTIONS in a UNION is not supported")))
    }

    /// After `USE DATABASE a AS x, b AS y` nothing says which one a bare pattern means.
    fn check_graphs_named(&self, query: &SingleQuery) -> Parsed<()> {
        if self.aliases.len() < 2 || query.using.is_some() {
            return Ok(());
        }
        let bare = query.clauses.iter().find(|clause| {
            matches!(
                clause.kind,
                ClauseKind::Match { graph: None, .. }
                    | ClauseKind::Create { graph: None, .. }
                    | ClauseKind::Merge { graph: None, .. }
            )
        });
        bare.map_or(Ok(()), |clause| {
            let names: Vec<String> = self.aliases.iter().map(|(alias, _)| format!("IN {alias}")).collect();
            let message =
                format!("USE names several databases: say which one this clause means ({})", names.join(", "));
            Err(self.fail(clause.span, &message))
        })
    }

    /// Each part has to end with something that gives rows or changes data.
    pub(super) fn check_conclusions(&self, query: &Query, whole: bool) -> Parsed<()> {
        std::iter::once(&query.first)
            .chain(query.rest.iter().map(|(_, part)| part))
            .try_for_each(|part| self.check_conclusion(part, whole))
    }

    fn check_conclusion(&self, part: &SingleQuery, whole: bool) -> Parsed<()> {
        let last = part.clauses.last().expect("a part has at least one clause");
        let word = match &last.kind {
            ClauseKind::Match { .. } => "MATCH",
            // Other words than `WITH` may stand for one.
            ClauseKind::With { .. } => self.first_word(last.span),
            ClauseKind::Unwind { .. } => "UNWIND",
            ClauseKind::LoadCsv { .. } => "LOAD CSV",
            ClauseKind::Use { .. } => "USE",
            // A call that stands alone gives its rows to the client.
            ClauseKind::CallProcedure { .. } if whole && part.clauses.len() == 1 => return Ok(()),
            ClauseKind::CallProcedure { yields: Yield::Items(items), .. } if !items.is_empty() => "CALL ... YIELD",
            _ => return Ok(()),
        };
        let message = format!(
            "Query cannot conclude with {word} (must be a RETURN clause, a FINISH clause, an update clause, \
             a unit subquery call, or a procedure call with no YIELD)"
        );
        Err(self.fail(last.span, &message))
    }

    /// What a subquery returns becomes variables, which need names.
    pub(super) fn check_returned(&self, query: &Query) -> Parsed<()> {
        for part in std::iter::once(&query.first).chain(query.rest.iter().map(|(_, part)| part)) {
            let Some(ClauseKind::Return { projection }) = part.clauses.last().map(|clause| &clause.kind) else {
                continue;
            };
            let is_unnamed = |item: &&crate::ast::ProjectionItem| {
                item.alias.is_none() && !matches!(*item.expression.kind, ExpressionKind::Variable(_))
            };
            if let Some(item) = projection.items.iter().find(is_unnamed) {
                let message = "Expression in CALL { RETURN ... } must be aliased (use AS)";
                return Err(self.fail(item.expression.span, message));
            }
        }
        Ok(())
    }

    fn first_word(&self, span: Span) -> &str {
        let text = self.text_of(span);
        let end = text.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(text.len());
        let known = ["FILTER", "ORDER", "SKIP", "OFFSET", "LIMIT"];
        known.into_iter().find(|word| word.eq_ignore_ascii_case(&text[..end])).unwrap_or("WITH")
    }

    /// `EXISTS`, `COUNT` and `COLLECT` read only; `COLLECT` needs a column.
    pub(super) fn check_expression_subquery(
        &self,
        inside: &SubqueryExpression,
        collects: bool,
        span: Span,
    ) -> Parsed<()> {
        let needs_return = "COLLECT { } needs a query that ends with RETURN of one column";
        let query = match inside {
            SubqueryExpression::Pattern { .. } if collects => return Err(self.fail(span, needs_return)),
            SubqueryExpression::Pattern { .. } => return Ok(()),
            SubqueryExpression::Query(query) => query,
        };
        if let Some(span) = transactional(query) {
            let message = "An EXISTS, COUNT or COLLECT subquery cannot contain CALL { ... } IN TRANSACTIONS";
            return Err(self.fail(span, message));
        }
        for part in std::iter::once(&query.first).chain(query.rest.iter().map(|(_, part)| part)) {
            if let Some(write) = part.clauses.iter().find(|clause| writes(&clause.kind)) {
                let message =
                    "An EXISTS, COUNT or COLLECT subquery cannot contain updating clauses (InvalidClauseComposition)";
                return Err(self.fail(write.span, message));
            }
            let returns = part.clauses.last().is_some_and(|last| matches!(last.kind, ClauseKind::Return { .. }));
            if collects && !returns {
                return Err(self.fail(span, needs_return));
            }
        }
        Ok(())
    }
}

fn relationship(element: &PatternElement) -> Option<&RelationshipPattern> {
    match element {
        PatternElement::Relationship(relationship) => Some(relationship),
        PatternElement::Node(_) | PatternElement::Quantified(_) => None,
    }
}

/// Finds the first `CALL { } IN TRANSACTIONS` of a query.
pub(super) fn transactional(query: &Query) -> Option<Span> {
    let parts = std::iter::once(&query.first).chain(query.rest.iter().map(|(_, part)| part));
    parts.flat_map(|part| &part.clauses).find_map(|clause| match &clause.kind {
        ClauseKind::CallSubquery { transactions: Some(_), .. } => Some(clause.span),
        ClauseKind::CallSubquery { query, .. } => transactional(query),
        _ => None,
    })
}

/// Tells whether a clause changes data, itself or inside a subquery.
fn writes(kind: &ClauseKind) -> bool {
    match kind {
        ClauseKind::Create { .. }
        | ClauseKind::Merge { .. }
        | ClauseKind::Set { .. }
        | ClauseKind::Remove { .. }
        | ClauseKind::Delete { .. }
        | ClauseKind::Foreach { .. } => true,
        ClauseKind::CallSubquery { query, .. } => std::iter::once(&query.first)
            .chain(query.rest.iter().map(|(_, part)| part))
            .any(|part| part.clauses.iter().any(|clause| writes(&clause.kind))),
        _ => false,
    }
}
