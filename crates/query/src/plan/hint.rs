//! `USING INDEX`, `USING SCAN` and `USING JOIN`: what the writer of a statement knows better than the counts.
//! Leaves the reading itself to `solve`.
//! Start reading at [`Planner::check_hints`] and [`hinted`].

use cypher::ast::{Hint, HintKind, Name};
use types::Failure;

use super::Planner;
use super::graph::{PatternGraph, PatternNode, Wants};
use super::seek::Leaf;
use crate::prepare::Notification;

impl Planner<'_> {
    /// Takes the hints of a pattern: refuses those that do not fit it, and notes those that nothing can come of.
    pub(super) fn check_hints(&mut self, graph: &PatternGraph) -> Result<Vec<Hint>, Failure> {
        let mut kept = Vec::new();
        for hint in std::mem::take(&mut self.hints) {
            let is_kept = match &hint.kind {
                HintKind::Index { variable, label, keys, .. } => {
                    self.check_label(&hint, graph, variable, label)?;
                    self.is_indexed(&hint, graph, (variable, label, keys))?
                }
                HintKind::Scan { variable, label } => {
                    self.check_label(&hint, graph, variable, label)?;
                    true
                }
                HintKind::Join(names) => {
                    for name in names {
                        self.check_variable(&hint, graph, name)?;
                    }
                    let text = format!(
                        "The hinted join was not planned. This could happen because no generated plan contained the \
                         join key, please try using a different join key or restructure your query. ({hint})"
                    );
                    let is_split = super::join::sides(graph, names).is_some();
                    if !is_split {
                        self.notify_of_hint(&hint, JOIN_UNFULFILLED, text);
                    }
                    is_split
                }
            };
            if is_kept {
                kept.push(hint);
            }
        }
        Ok(kept)
    }

    fn check_variable(&self, hint: &Hint, graph: &PatternGraph, name: &Name) -> Result<(), Failure> {
        if graph.scope.find(&name.text).is_some() {
            return Ok(());
        }
        let message = format!("Variable `{}` not defined (UndefinedVariable); {hint} names it", name.text);
        Err(self.syntax(name.span, &message))
    }

    fn check_label(&self, hint: &Hint, graph: &PatternGraph, variable: &Name, label: &Name) -> Result<(), Failure> {
        self.check_variable(hint, graph, variable)?;
        let has_type =
            graph.relationships.iter().any(|found| found.name == variable.text && found.types.contains(&label.text));
        if has_type || node(graph, variable).is_some_and(|node| is_labelled(graph, node, label)) {
            return Ok(());
        }
        let what = if matches!(hint.kind, HintKind::Scan { .. }) { "label scan hint" } else { "index hint" };
        let message = format!(
            "Cannot use {what} in this context: {hint} needs the label or type `{}` on `{}`, in the pattern or in WHERE \
             (either directly or as part of a top-level AND), and not in an optional part of it",
            label.text, variable.text
        );
        Err(self.syntax(hint.span, &message))
    }

    /// Tells whether an index of a hint is there; it is an error if no condition could use it.
    fn is_indexed(
        &mut self,
        hint: &Hint,
        graph: &PatternGraph,
        (variable, label, keys): (&Name, &Name, &[Name]),
    ) -> Result<bool, Failure> {
        let source = self.graphs.source(graph.source);
        let mut indexes = source.indexes();
        indexes.extend(source.narrow_indexes());
        let of_names = |known: &[compact_str::CompactString]| known.iter().eq(keys.iter().map(|key| &key.text));
        if !indexes.iter().any(|index| index.of == label.text && of_names(&index.keys)) {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{}`.`{}`", variable.text, key.text)).collect();
            let text = format!(
                "The hinted index does not exist, please check the schema (index is: INDEX FOR (`{}`:`{}`) ON ({}))",
                variable.text,
                label.text,
                keys.join(", ")
            );
            self.notify_of_hint(hint, INDEX_MISSING, text);
            return Ok(false);
        }
        let Some(node) = node(graph, variable) else { return Ok(false) };
        let forms =
            graph.predicates.iter().flat_map(|predicate| &predicate.forms).filter(|form| form.node == node.slot);
        let first = keys.first().map(|key| key.text.as_str());
        let is_used = forms.into_iter().any(|form| match &form.wants {
            Wants::Equal(key, _)
            | Wants::Among(key, _)
            | Wants::Beyond(key, ..)
            | Wants::Begins(key, _)
            | Wants::Holds(key, _)
            | Wants::Ends(key, _)
            | Wants::Within(key, ..)
            | Wants::Near(key, ..) => Some(key.as_str()) == first,
            Wants::Label(_) | Wants::Number(_) | Wants::NumberAmong(_) => false,
        });
        if is_used || node.is_bound {
            return Ok(is_used);
        }
        let message = format!(
            "Cannot use index hint `{hint}` in this context: Must use the property `{}` of `{}` in an equality, range or \
             prefix condition in the pattern or in WHERE (either directly or as part of a top-level AND)",
            first.unwrap_or_default(),
            variable.text
        );
        Err(self.syntax(hint.span, &message))
    }

    fn notify_of_hint(&mut self, hint: &Hint, (code, title): (&'static str, &'static str), description: String) {
        self.notifications.push(Notification {
            code,
            title,
            description,
            severity: "WARNING",
            category: "HINT",
            position: Some(cypher::position(self.text, hint.span)),
        });
    }
}

const INDEX_MISSING: (&str, &str) = (
    "Neo.ClientNotification.Schema.HintedIndexNotFound",
    "The request (directly or indirectly) referred to an index that does not exist.",
);

const JOIN_UNFULFILLED: (&str, &str) =
    ("Neo.ClientNotification.Statement.JoinHintUnfulfillableWarning", "The database was unable to plan a hinted join.");

/// Leaves only the ways to find a node that its hints ask for, where there are such; tells whether there are.
pub(super) fn hinted(hints: &[Hint], node: &PatternNode, leaves: &mut Vec<(Leaf, f64)>) -> bool {
    let fits = |(leaf, _): &(Leaf, f64)| {
        hints.iter().any(|hint| match (&hint.kind, leaf) {
            (HintKind::Index { variable, label, keys, .. }, Leaf::Seek(seek)) => {
                variable.text == node.name
                    && seek.index.of == label.text
                    && seek.index.keys.iter().eq(keys.iter().map(|key| &key.text))
            }
            (HintKind::Scan { variable, label }, Leaf::Scan(Some((scanned, _)))) => {
                variable.text == node.name && *scanned == label.text
            }
            _ => false,
        })
    };
    let is_hinted = leaves.iter().any(fits);
    if is_hinted {
        leaves.retain(fits);
    }
    is_hinted
}

fn node<'g>(graph: &'g PatternGraph, variable: &Name) -> Option<&'g PatternNode> {
    graph.nodes.iter().find(|node| node.name == variable.text)
}

fn is_labelled(graph: &PatternGraph, node: &PatternNode, label: &Name) -> bool {
    let forms = graph.predicates.iter().flat_map(|predicate| &predicate.forms);
    node.labels.contains(&label.text)
        || forms
            .filter(|form| form.node == node.slot)
            .any(|form| matches!(&form.wants, Wants::Label(known) if *known == label.text))
}
