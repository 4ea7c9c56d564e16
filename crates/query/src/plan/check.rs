//! Types that the text alone tells: what cannot be right fails before anything runs.
//! Leaves what only values tell to the operators.
//! Start reading at [`Planner::checked`].

use compact_str::CompactString;
use cypher::ast::{BinaryOperator, Expression, ExpressionKind, UnaryOperator};
use types::Failure;
use types::effort::pay;

use super::scope::{Held, Scope};
use super::{Planner, walk};

/// What an expression is worth, as far as the text tells.
#[derive(Clone, Debug, PartialEq)]
enum Type {
    Any,
    Boolean,
    Integer,
    Float,
    String,
    List(Box<Type>),
    Map,
    Node,
    Relationship,
    Path,
}

impl Type {
    fn word(&self) -> &'static str {
        match self {
            Self::Any => "Any",
            Self::Boolean => "Boolean",
            Self::Integer => "Integer",
            Self::Float => "Float",
            Self::String => "String",
            Self::List(_) => "List",
            Self::Map => "Map",
            Self::Node => "Node",
            Self::Relationship => "Relationship",
            Self::Path => "Path",
        }
    }

    fn item(&self) -> Self {
        match self {
            Self::List(item) => (**item).clone(),
            _ => Self::Any,
        }
    }
}

/// Most comparisons in a chain: `a < b < c` has two.
const COMPARISONS_MAX: usize = 1_000;

/// Types of the variables that expressions bind themselves, innermost last.
type Locals = Vec<(CompactString, Type)>;

impl Planner<'_> {
    /// Refuses an expression whose parts cannot fit, whatever the values.
    pub(super) fn checked(&self, expression: &Expression, scope: &Scope) -> Result<(), Failure> {
        self.judged(expression, scope, &mut Vec::new()).map(drop)
    }

    fn judged(&self, expression: &Expression, scope: &Scope, locals: &mut Locals) -> Result<Type, Failure> {
        if !pay(walk::EXPRESSION_PARTS) {
            // Whoever made this watch fails the statement.
            return Ok(Type::Any);
        }
        Ok(match &*expression.kind {
            ExpressionKind::Boolean(_) => Type::Boolean,
            ExpressionKind::Integer(_) | ExpressionKind::CountAll | ExpressionKind::Count(_) => Type::Integer,
            ExpressionKind::Float(_) => Type::Float,
            ExpressionKind::String(_) => Type::String,
            ExpressionKind::Exists(_) | ExpressionKind::PatternPredicate(_) => Type::Boolean,
            ExpressionKind::Collect(_) | ExpressionKind::PatternComprehension { .. } => Type::List(Box::new(Type::Any)),
            ExpressionKind::Null | ExpressionKind::Parameter(_) | ExpressionKind::ShortestPath(_) => Type::Any,
            ExpressionKind::Variable(name) => {
                let local = locals.iter().rev().find(|(known, _)| *known == name.text);
                local.map_or_else(|| of_scope(scope, &name.text), |(_, kind)| kind.clone())
            }
            ExpressionKind::List(items) => {
                let mut kinds = Vec::new();
                for item in items {
                    kinds.push(self.judged(item, scope, locals)?);
                }
                let same = kinds.first().filter(|first| kinds.iter().all(|kind| kind == *first));
                Type::List(Box::new(same.cloned().unwrap_or(Type::Any)))
            }
            ExpressionKind::Map(entries) => {
                for (_, value) in entries {
                    self.judged(value, scope, locals)?;
                }
                Type::Map
            }
            ExpressionKind::MapProjection { .. } => Type::Map,
            ExpressionKind::Property(of, _) => {
                let found = self.judged(of, scope, locals)?;
                if matches!(
                    found,
                    Type::Boolean | Type::Integer | Type::Float | Type::String | Type::List(_) | Type::Path
                ) {
                    return Err(self.wrong_type(of, "Map, Node, Relationship, Point or temporal value", &found));
                }
                Type::Any
            }
            ExpressionKind::Unary(UnaryOperator::Not, of) => {
                self.boolean(of, scope, locals)?;
                Type::Boolean
            }
            ExpressionKind::Unary(_, of) => self.judged(of, scope, locals)?,
            ExpressionKind::Binary(operator, left, right) => self.binary(*operator, (left, right), scope, locals)?,
            ExpressionKind::Comparison(_, rest) if rest.len() > COMPARISONS_MAX => {
                let message = format!("A chain has at most {COMPARISONS_MAX} comparisons");
                return Err(self.syntax(expression.span, &message));
            }
            ExpressionKind::Comparison(first, rest) => {
                self.judged(first, scope, locals)?;
                for (_, right) in rest {
                    self.judged(right, scope, locals)?;
                }
                Type::Boolean
            }
            ExpressionKind::IsNull(of)
            | ExpressionKind::IsNotNull(of)
            | ExpressionKind::IsTyped { value: of, .. }
            | ExpressionKind::HasLabels(of, _) => {
                self.judged(of, scope, locals)?;
                Type::Boolean
            }
            ExpressionKind::Index(of, key) => {
                self.judged(key, scope, locals)?;
                self.judged(of, scope, locals)?.item()
            }
            ExpressionKind::Slice(of, from, to) => {
                for bound in from.iter().chain(to) {
                    self.judged(bound, scope, locals)?;
                }
                self.judged(of, scope, locals)?
            }
            ExpressionKind::Call { name, arguments, .. } => {
                self.call(&name.text, arguments, scope, locals)?;
                Type::Any
            }
            ExpressionKind::Case { subject, branches, otherwise } => {
                let branches = branches.iter().flat_map(|(when, then)| [when, then]);
                for part in subject.iter().chain(branches).chain(otherwise) {
                    self.judged(part, scope, locals)?;
                }
                Type::Any
            }
            ExpressionKind::ListComprehension { variable, list, filter, projection } => {
                let item = self.judged(list, scope, locals)?.item();
                self.no_aggregate(filter.iter().chain(projection))?;
                locals.push((variable.text.clone(), item.clone()));
                if let Some(filter) = filter {
                    self.boolean(filter, scope, locals)?;
                }
                let projected = projection.as_ref().map(|value| self.judged(value, scope, locals)).transpose()?;
                locals.pop();
                Type::List(Box::new(projected.unwrap_or(item)))
            }
            ExpressionKind::Quantifier { variable, list, filter, .. } => {
                let item = self.judged(list, scope, locals)?.item();
                self.no_aggregate(filter.iter())?;
                locals.push((variable.text.clone(), item));
                if let Some(filter) = filter {
                    self.boolean(filter, scope, locals)?;
                }
                locals.pop();
                Type::Boolean
            }
            ExpressionKind::Reduce { accumulator, initial, variable, list, step } => {
                self.judged(initial, scope, locals)?;
                let item = self.judged(list, scope, locals)?.item();
                self.no_aggregate([step])?;
                locals.push((accumulator.text.clone(), Type::Any));
                locals.push((variable.text.clone(), item));
                self.judged(step, scope, locals)?;
                locals.truncate(locals.len() - 2);
                Type::Any
            }
        })
    }

    fn wrong_type(&self, at: &Expression, expected: &str, found: &Type) -> Failure {
        let message = format!("Type mismatch: expected {expected} but was {} (InvalidArgumentType)", found.word());
        self.syntax(at.span, &message)
    }

    fn boolean(&self, of: &Expression, scope: &Scope, locals: &mut Locals) -> Result<(), Failure> {
        match self.judged(of, scope, locals)? {
            Type::Any | Type::Boolean => Ok(()),
            found => Err(self.wrong_type(of, "Boolean", &found)),
        }
    }

    fn binary(
        &self,
        operator: BinaryOperator,
        (left, right): (&Expression, &Expression),
        scope: &Scope,
        locals: &mut Locals,
    ) -> Result<Type, Failure> {
        if matches!(operator, BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Xor) {
            self.boolean(left, scope, locals)?;
            self.boolean(right, scope, locals)?;
            return Ok(Type::Boolean);
        }
        let kinds = [self.judged(left, scope, locals)?, self.judged(right, scope, locals)?];
        Ok(match operator {
            BinaryOperator::In => match &kinds[1] {
                Type::Any | Type::List(_) => Type::Boolean,
                found => return Err(self.wrong_type(right, "List", found)),
            },
            BinaryOperator::Add => self.sum((left, right), &kinds)?,
            BinaryOperator::Concatenate => Type::Any,
            BinaryOperator::Subtract
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo
            | BinaryOperator::Power => {
                for (side, found) in [left, right].into_iter().zip(&kinds) {
                    if !matches!(found, Type::Any | Type::Integer | Type::Float) {
                        return Err(self.wrong_type(side, "Integer, Float or Duration", found));
                    }
                }
                match kinds {
                    [Type::Integer, Type::Integer] if operator != BinaryOperator::Power => Type::Integer,
                    [Type::Integer | Type::Float, Type::Integer | Type::Float] => Type::Float,
                    _ => Type::Any,
                }
            }
            _ => Type::Boolean,
        })
    }

    /// `+` adds numbers, and joins texts and lists with whatever there is.
    fn sum(&self, (left, right): (&Expression, &Expression), kinds: &[Type; 2]) -> Result<Type, Failure> {
        let addable =
            |kind: &Type| matches!(kind, Type::Any | Type::Integer | Type::Float | Type::String | Type::List(_));
        Ok(match kinds {
            [Type::List(_), _] | [_, Type::List(_)] => Type::List(Box::new(Type::Any)),
            [Type::String, _] | [_, Type::String] => Type::Any,
            [Type::Integer, Type::Integer] => Type::Integer,
            [Type::Integer | Type::Float, Type::Integer | Type::Float] => Type::Float,
            [found, Type::Integer | Type::Float] if !addable(found) => {
                return Err(self.wrong_type(left, "Integer, Float, String or List", found));
            }
            [_, found] if !addable(found) && kinds[0] != Type::Any => {
                return Err(self.wrong_type(right, "Integer, Float, String or List", found));
            }
            _ => Type::Any,
        })
    }

    fn call(&self, name: &str, arguments: &[Expression], scope: &Scope, locals: &mut Locals) -> Result<(), Failure> {
        let mut kinds = Vec::new();
        for argument in arguments {
            kinds.push(self.judged(argument, scope, locals)?);
        }
        let (Some(first), Some(found)) = (arguments.first(), kinds.first()) else { return Ok(()) };
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let (expected, fits) = if is("labels") {
            ("Node", matches!(found, Type::Node))
        } else if is("type") || is("startNode") || is("endNode") {
            ("Relationship", matches!(found, Type::Relationship))
        } else if is("length") {
            // The length of a string or a list was once asked so.
            ("Path", !matches!(found, Type::Node | Type::Relationship))
        } else if is("nodes") || is("relationships") {
            ("Path", matches!(found, Type::Path))
        } else if is("size") {
            ("String or List", matches!(found, Type::String | Type::List(_)))
        } else if is("properties") {
            ("Map, Node or Relationship", matches!(found, Type::Map | Type::Node | Type::Relationship))
        } else {
            return Ok(());
        };
        if fits || *found == Type::Any { Ok(()) } else { Err(self.wrong_type(first, expected, found)) }
    }

    /// An aggregate folds rows, and items of a list are none.
    fn no_aggregate<'e>(&self, parts: impl IntoIterator<Item = &'e Expression>) -> Result<(), Failure> {
        for part in parts {
            if walk::has_aggregate(part) {
                let message = "Can't use aggregating expressions inside of expressions executing over lists \
                               (InvalidAggregation)";
                return Err(self.syntax(part.span, message));
            }
        }
        Ok(())
    }
}

fn of_scope(scope: &Scope, name: &str) -> Type {
    match scope.find(name).map(|variable| variable.held) {
        Some(Held::Node) => Type::Node,
        Some(Held::Relationship) => Type::Relationship,
        Some(Held::Relationships) => Type::List(Box::new(Type::Relationship)),
        Some(Held::Nodes) => Type::List(Box::new(Type::Node)),
        Some(Held::Path) => Type::Path,
        Some(Held::Plain | Held::Unknown) | None => Type::Any,
    }
}
