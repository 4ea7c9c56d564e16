//! Paths that repeat, `((a)-[r]->(b) WHERE ...){1,3}`: their logical form, and what may not stand in them.
//! Leaves the order of reading to `solve` and the walking to [`crate::operator`].
//! Start reading at [`Planner::add_quantified`].

use compact_str::CompactString;
use cypher::ast::{
    BinaryOperator, Name, PathPattern, PathSelector, PatternElement, QuantifiedPattern, RelationshipPattern, Span,
};
use types::Failure;

use super::conjuncts::conjuncts;
use super::graph::{PatternGraph, PatternRelationship, Repeat, Repeated};
use super::pattern::{Condition, binary, own_variables, variable_of};
use super::scope::{Held, Scope, Variable};
use super::{Planner, walk};

impl Planner<'_> {
    /// Adds a part that repeats; outside of it its variables are lists.
    pub(super) fn add_quantified(
        &mut self,
        graph: &mut PatternGraph,
        part: &QuantifiedPattern,
        (left, right): (usize, usize),
        search: Option<usize>,
        conditions: &mut Vec<Condition>,
    ) -> Result<(), Failure> {
        let (mut nodes, mut steps): (Vec<Repeated>, Vec<_>) = (Vec::new(), Vec::new());
        let mut said = Vec::new();
        for element in &part.pattern.elements {
            match element {
                PatternElement::Node(node) => {
                    let known = node.variable.as_ref().filter(|name| nodes.iter().any(|node| node.name == name.text));
                    let own_name = node.variable.as_ref().filter(|_| known.is_none());
                    let thing = self.repeated(graph, own_name, Held::Nodes);
                    if let Some(name) = known {
                        // A node that comes again within a round is the same one.
                        let (own, other) = (variable_of(&thing.name, name.span), variable_of(&name.text, name.span));
                        said.push(binary(BinaryOperator::Equal, own, other));
                    }
                    let name = Name { text: thing.name.clone(), span: node.span };
                    said.extend(self.said_of_node(&name, node)?);
                    nodes.push(thing);
                }
                PatternElement::Relationship(found) => {
                    let thing = self.repeated(graph, found.variable.as_ref(), Held::Relationships);
                    let (types, said_of_it) = self.said_of_relationship(&thing.name, found)?;
                    said.extend(said_of_it);
                    steps.push((thing, found.direction, types));
                }
                PatternElement::Quantified(nested) => return Err(self.nested(nested.span)),
            }
        }
        if let Some(filter) = &part.filter {
            conjuncts(filter, &mut said);
        }
        conditions.extend(Condition::inside(said, Some(graph.relationships.len())));
        // Where a round is one relationship, the list of all of them is the list of those.
        let slot = if steps.len() == 1 { steps[0].0.list } else { self.fresh_slot() };
        let name = CompactString::from(format!(" q{slot}"));
        let (held, source) = (Held::Relationships, Some(graph.source));
        graph.scope.0.push(Variable { name: name.clone(), slot, held, source });
        let mut types: Vec<CompactString> = steps.iter().flat_map(|(_, _, types)| types.iter().cloned()).collect();
        if steps.iter().any(|(_, _, types)| types.is_empty()) {
            types.clear();
        }
        let direction = steps[0].1;
        let text = Some((part.to_string(), part.span));
        let repeat = Some(Repeat { min: part.min, max: part.max, nodes, steps, text });
        graph.relationships.push(PatternRelationship {
            name,
            slot,
            left,
            right,
            direction,
            types,
            repeat,
            search,
            same_as: None,
        });
        Ok(())
    }

    /// Makes a node or relationship of a round, and the variable for the list of them.
    fn repeated(&mut self, graph: &mut PatternGraph, name: Option<&Name>, held: Held) -> Repeated {
        let (slot, list) = (self.fresh_slot(), self.fresh_slot());
        let hidden = || CompactString::from(format!(" v{slot}"));
        let name = name.map_or_else(hidden, |name| name.text.clone());
        graph.scope.add(Variable { name: name.clone(), slot: list, held, source: Some(graph.source) });
        Repeated { name, slot, list }
    }

    /// Refuses paths that repeat, and selectors of paths, where they cannot stand.
    pub(super) fn check_quantified(&self, patterns: &[PathPattern], before: &Scope) -> Result<(), Failure> {
        let is_selective = |pattern: &&PathPattern| {
            !matches!(pattern.selector, PathSelector::All | PathSelector::ShortestPath | PathSelector::AllShortestPaths)
        };
        if let Some(selective) = patterns.iter().find(is_selective).filter(|_| patterns.len() > 1) {
            let message = "Multiple path patterns cannot be used in the same clause in combination with a selective \
                           path selector; use a MATCH for each";
            return Err(self.syntax(selective.span, message));
        }
        for pattern in patterns {
            self.check_elements(pattern)?;
            self.check_repeatable(pattern)?;
        }
        self.check_mixed(patterns)?;
        self.check_variables(patterns, before)
    }

    fn check_elements(&self, pattern: &PathPattern) -> Result<(), Failure> {
        if matches!(pattern.selector, PathSelector::ShortestPath | PathSelector::AllShortestPaths) {
            return self.check_function(pattern);
        }
        for element in &pattern.elements {
            if let PatternElement::Quantified(part) = element {
                self.check_part(part)?;
            }
        }
        for pair in pattern.elements.windows(2) {
            let span = match pair {
                [PatternElement::Quantified(_), PatternElement::Relationship(found)]
                | [PatternElement::Relationship(found), PatternElement::Quantified(_)] => found.span,
                _ => continue,
            };
            let message =
                "A relationship stands between two nodes; write () between it and the quantified path pattern";
            return Err(self.syntax(span, message));
        }
        let may_be_empty =
            |element: &PatternElement| matches!(element, PatternElement::Quantified(part) if part.min == 0);
        if pattern.elements.iter().all(may_be_empty) {
            let message = "A top-level path pattern in a `MATCH` clause must be written such that it always evaluates \
                           to at least one node pattern; put a node () beside the quantified path pattern";
            return Err(self.syntax(pattern.span, message));
        }
        Ok(())
    }

    /// Where relationships may come again, only bounds end a path.
    fn check_repeatable(&self, pattern: &PathPattern) -> Result<(), Failure> {
        if !pattern.is_repeatable {
            return Ok(());
        }
        if !matches!(pattern.selector, PathSelector::All) {
            let message = "Path selectors like SHORTEST cannot be used under match mode REPEATABLE ELEMENTS";
            return Err(self.syntax(pattern.span, message));
        }
        let is_open = |element: &PatternElement| match element {
            PatternElement::Quantified(part) => part.max.is_none(),
            PatternElement::Relationship(found) => found.length.is_some_and(|length| length.max.is_none()),
            PatternElement::Node(_) => false,
        };
        if pattern.elements.iter().any(is_open) {
            let message = "The pattern may yield an infinite number of rows under match mode REPEATABLE ELEMENTS, \
                           perhaps add an upper bound to your quantified path patterns.";
            return Err(self.syntax(pattern.span, message));
        }
        Ok(())
    }

    fn check_function(&self, pattern: &PathPattern) -> Result<(), Failure> {
        let is_quantified = |element: &&PatternElement| match element {
            PatternElement::Quantified(_) => true,
            PatternElement::Relationship(found) => found.is_quantified,
            PatternElement::Node(_) => false,
        };
        if pattern.elements.iter().any(|element| is_quantified(&element)) {
            let message = "shortestPath(...) contains quantified pattern. This is currently not supported. \
                           Use -[*]- in it, or SHORTEST 1 in front of a quantified pattern.";
            return Err(self.syntax(pattern.span, message));
        }
        if pattern.elements.len() != 3 {
            let message = "shortestPath(...) requires a pattern containing a single relationship";
            return Err(self.syntax(pattern.span, message));
        }
        Ok(())
    }

    fn check_part(&self, part: &QuantifiedPattern) -> Result<(), Failure> {
        if let Some(name) = &part.pattern.variable {
            let message = "Assigning a path in a quantified path pattern is not yet supported.";
            return Err(self.syntax(name.span, message));
        }
        match &part.pattern.selector {
            PathSelector::All => {}
            PathSelector::ShortestPath | PathSelector::AllShortestPaths => {
                let message = "shortestPath(...) is only allowed as a top-level element and not inside a quantified \
                               path pattern";
                return Err(self.syntax(part.pattern.span, message));
            }
            _ => {
                let message = "Path selectors such as SHORTEST are not supported within quantified path patterns.";
                return Err(self.syntax(part.pattern.span, message));
            }
        }
        for element in &part.pattern.elements {
            match element {
                PatternElement::Node(_) => {}
                PatternElement::Quantified(nested) => return Err(self.nested(nested.span)),
                PatternElement::Relationship(found) if found.is_quantified => return Err(self.nested(found.span)),
                PatternElement::Relationship(found) if found.length.is_some() => {
                    let message = "Variable length relationships cannot be part of a quantified path pattern.";
                    return Err(self.syntax(found.span, message));
                }
                PatternElement::Relationship(_) => {}
            }
        }
        if part.pattern.elements.len() < 2 {
            let message = "A quantified path pattern needs to have at least one relationship.";
            return Err(self.syntax(part.span, message));
        }
        Ok(())
    }

    fn nested(&self, span: Span) -> Failure {
        self.syntax(span, "Quantified path patterns are not allowed to be nested.")
    }

    /// `-[*]-` and quantifiers do not stand in one clause.
    fn check_mixed(&self, patterns: &[PathPattern]) -> Result<(), Failure> {
        let elements = || patterns.iter().flat_map(|pattern| &pattern.elements);
        let is_quantified = elements().any(|element| match element {
            PatternElement::Quantified(_) => true,
            PatternElement::Relationship(found) => found.is_quantified,
            PatternElement::Node(_) => false,
        });
        let is_older = |found: &&RelationshipPattern| found.length.is_some() && !found.is_quantified;
        let older = elements().filter_map(relationship).find(is_older).filter(|_| is_quantified);
        older.map_or(Ok(()), |found| {
            let message = "Mixing variable-length relationships ('-[*]-') with quantified relationships ('()-->*()') \
                           or quantified path patterns ('(()-->())*') is not allowed.";
            Err(self.syntax(found.span, message))
        })
    }

    /// A variable of a part that repeats stands nowhere else.
    fn check_variables(&self, patterns: &[PathPattern], before: &Scope) -> Result<(), Failure> {
        let elements = || patterns.iter().flat_map(|pattern| &pattern.elements);
        let (mut inside, mut outside): (Vec<&Name>, Vec<&Name>) = (Vec::new(), Vec::new());
        for element in elements() {
            match element {
                PatternElement::Quantified(part) => {
                    let mut names = own_variables(&part.pattern);
                    self.check_kinds(part)?;
                    names.sort_by(|left, right| left.text.cmp(&right.text));
                    names.dedup_by(|left, right| left.text == right.text);
                    for name in names {
                        if inside.iter().any(|known| known.text == name.text) {
                            return Err(self
                                .taken(name, "occurs in multiple quantified path patterns and needs to be renamed."));
                        }
                        inside.push(name);
                    }
                }
                PatternElement::Node(node) => outside.extend(&node.variable),
                PatternElement::Relationship(found) => outside.extend(&found.variable),
            }
        }
        outside.extend(patterns.iter().filter_map(|pattern| pattern.variable.as_ref()));
        for name in inside {
            if outside.iter().any(|known| known.text == name.text) {
                let rest = "occurs both inside and outside a quantified path pattern and needs to be renamed.";
                return Err(self.taken(name, rest));
            }
            if before.find(&name.text).is_some() {
                let rest = "is already defined in a previous clause, it cannot be referenced as a node or as a \
                            relationship variable inside of a quantified path pattern.";
                return Err(self.taken(name, rest));
            }
        }
        Ok(())
    }

    /// Within a round a relationship variable stands once, and for nothing else.
    fn check_kinds(&self, part: &QuantifiedPattern) -> Result<(), Failure> {
        let relationships: Vec<&Name> =
            part.pattern.elements.iter().filter_map(relationship).filter_map(|found| found.variable.as_ref()).collect();
        for (at, name) in relationships.iter().enumerate() {
            if relationships[..at].iter().any(|known| known.text == name.text) {
                let message = format!(
                    "Cannot use the same relationship variable '{}' for multiple relationships \
                     (RelationshipUniquenessViolation)",
                    name.text
                );
                return Err(self.syntax(name.span, &message));
            }
            let is_node = |element: &PatternElement| match element {
                PatternElement::Node(node) => node.variable.as_ref().is_some_and(|node| node.text == name.text),
                _ => false,
            };
            if part.pattern.elements.iter().any(is_node) {
                return Err(self.conflict(name, Held::Relationship.word(), Held::Node));
            }
        }
        Ok(())
    }

    fn taken(&self, name: &Name, rest: &str) -> Failure {
        self.syntax(name.span, &format!("The variable `{}` {rest} (VariableAlreadyBound)", name.text))
    }

    /// A condition on each round cannot look at a path of the same clause, which is only there when all rounds are.
    pub(super) fn check_rounds(
        &self,
        graph: &PatternGraph,
        before: &Scope,
        condition: &Condition,
    ) -> Result<(), Failure> {
        let Some(of) = condition.of else { return Ok(()) };
        let Some((text, _)) = graph.relationships[of].repeat.as_ref().and_then(|repeat| repeat.text.as_ref()) else {
            return Ok(());
        };
        let mut names = Vec::new();
        walk::variables(&condition.expression, &mut names);
        let path = graph.paths.iter().find(|path| names.contains(&path.name) && before.find(&path.name).is_none());
        path.map_or(Ok(()), |path| {
            let message = format!(
                "From within a quantified path pattern, one may only reference variables, that are already bound in a \
                 previous `MATCH` clause. In this case, `{}` is defined in the same `MATCH` clause as {text}.",
                path.name
            );
            Err(self.syntax(condition.expression.span, &message))
        })
    }
}

impl Planner<'_> {
    /// Tells whether the statement may use a variable of a part that repeats outside of it; `true` where that is not
    /// sure.
    pub(super) fn is_used(&self, name: &str, part: Span) -> bool {
        if name.starts_with(' ') {
            return false;
        }
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        // What is written with escapes, or has comments in it, is not worth a closer look.
        if !name.chars().all(is_word) || ["\\u", "//", "/*"].iter().any(|mark| self.text.contains(mark)) {
            return true;
        }
        let (start, end) = (part.start as usize, part.end as usize);
        let (Some(before), Some(behind)) = (self.text.get(..start), self.text.get(end..)) else { return true };
        let has_name = |text: &str| text.split(|letter| !is_word(letter)).any(|word| word == name);
        let takes_all = |text: &str| {
            text.match_indices('*').any(|(at, _)| {
                let word =
                    |text: &str| text.rsplit(|letter| !is_word(letter)).next().unwrap_or_default().to_lowercase();
                let before = text[..at].trim_end();
                let imports = before.strip_suffix('(').is_some_and(|before| word(before.trim_end()) == "call");
                imports || ["return", "with", "distinct"].contains(&word(before).as_str())
            })
        };
        [before, behind].into_iter().any(|text| has_name(text) || takes_all(text))
    }
}

fn relationship(element: &PatternElement) -> Option<&RelationshipPattern> {
    match element {
        PatternElement::Relationship(found) => Some(found),
        PatternElement::Node(_) | PatternElement::Quantified(_) => None,
    }
}
