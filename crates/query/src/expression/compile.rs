//! From the tree of an expression to its compiled form: names to slots, functions found, constants folded.

use compact_str::CompactString;
use cypher::ast::{
    BinaryOperator, Expression, ExpressionKind, LabelExpression, MapProjectionItem, Name, Span, UnaryOperator,
};
use types::compare::Inequality;
use types::{Code, Failure, Value, arithmetic};

use super::{Compiled, LabelTest, Operator, Projected};
use crate::functions::operators::{self, Pattern};
use crate::functions::typed::Type;
use crate::functions::{self, EntityFunction, Function, Kind};

/// What the planner has computed for an expression before it was compiled.
pub trait Lifted {
    /// Gives what stands for an expression that only the planner knows: an aggregate, a grouping key, a pattern, a
    /// subquery. `scope` has the variables at its place.
    fn lift(&mut self, expression: &Expression, scope: &[(CompactString, usize)]) -> Result<Option<Compiled>, Failure>;

    /// Notes that a function of a library is used.
    fn uses(&mut self, _function: &'static str) {}

    /// Gives a slot that nothing else uses, for a variable inside an expression.
    fn fresh_slot(&mut self) -> usize;
}

/// Compiles expressions of one scope.
pub struct Compiler<'a> {
    /// The statement's text, for errors that point into it.
    pub text: &'a str,
    /// The variables in scope and their slots; the last of a name counts.
    pub scope: Vec<(CompactString, usize)>,
    /// What the planner has computed.
    pub lifted: &'a mut dyn Lifted,
}

/// Compiles one expression.
///
/// # Errors
///
/// Unknown variables, functions and types, wrong numbers of arguments, aggregates where none may stand; each points at
/// its place and names what was meant where something near is known.
pub fn compile(compiler: &mut Compiler<'_>, expression: &Expression) -> Result<Compiled, Failure> {
    compiler.expression(expression)
}

/// Makes a list; one of constants is made once and not for each row.
fn folded(items: Vec<Compiled>) -> Compiled {
    let is_constant = |item: &Compiled| matches!(item, Compiled::Constant(_));
    if !items.iter().all(is_constant) {
        return Compiled::List(items);
    }
    let values = items.into_iter().filter_map(|item| match item {
        Compiled::Constant(value) => Some(value),
        _ => None,
    });
    Compiled::Constant(Value::list(values.collect()))
}

impl Compiler<'_> {
    fn expression(&mut self, expression: &Expression) -> Result<Compiled, Failure> {
        if let Some(lifted) = self.lifted.lift(expression, &self.scope)? {
            return Ok(lifted);
        }
        Ok(match &*expression.kind {
            ExpressionKind::Null => Compiled::Constant(Value::Null),
            ExpressionKind::Boolean(value) => Compiled::Constant(Value::Boolean(*value)),
            ExpressionKind::Integer(value) => Compiled::Constant(Value::Integer(*value)),
            ExpressionKind::Float(value) => Compiled::Constant(Value::Float(*value)),
            ExpressionKind::String(value) => Compiled::Constant(Value::String(value.clone())),
            ExpressionKind::Parameter(name) => Compiled::Parameter(name.text.clone()),
            ExpressionKind::Variable(name) => Compiled::Slot(self.variable(name)?),
            ExpressionKind::List(items) => folded(self.all(items)?),
            ExpressionKind::Map(entries) => Compiled::Map(self.entries(entries)?),
            ExpressionKind::MapProjection { variable, items } => self.map_projection(variable, items)?,
            ExpressionKind::Property(of, key) => Compiled::Property(self.boxed(of)?, key.text.clone()),
            ExpressionKind::Index(of, key) => Compiled::Index(self.boxed(of)?, self.boxed(key)?),
            ExpressionKind::Slice(of, from, to) => {
                Compiled::Slice(self.boxed(of)?, self.optional(from.as_ref())?, self.optional(to.as_ref())?)
            }
            ExpressionKind::HasLabels(of, labels) => Compiled::HasLabels(self.boxed(of)?, self.label_test(labels)?),
            ExpressionKind::Unary(UnaryOperator::Not, of) => Compiled::Not(self.boxed(of)?),
            ExpressionKind::Unary(UnaryOperator::Negate, of) => Compiled::Negate(self.boxed(of)?),
            // `+e` is e, and an error where e is no number: `0 + e` says so.
            ExpressionKind::Unary(UnaryOperator::Plus, of) => {
                let zero = Box::new(Compiled::Constant(Value::Integer(0)));
                Compiled::Operator(arithmetic::add, zero, self.boxed(of)?)
            }
            ExpressionKind::Binary(operator, left, right) => {
                let (left, right) = (self.boxed(left)?, self.boxed(right)?);
                self.binary(*operator, left, right)?
            }
            ExpressionKind::Comparison(first, rest) => self.chain(first, rest)?,
            ExpressionKind::IsNull(of) => Compiled::IsNull(self.boxed(of)?, false),
            ExpressionKind::IsNotNull(of) => Compiled::IsNull(self.boxed(of)?, true),
            ExpressionKind::IsTyped { value, negated, type_name } => {
                let wanted = Type::parse(type_name).map_err(|failure| {
                    self.error(self.type_span(expression.span), failure.code(), failure.message())
                })?;
                Compiled::IsTyped(self.boxed(value)?, wanted, *negated)
            }
            ExpressionKind::Call { name, arguments, .. } => self.call(name, arguments, expression.span)?,
            ExpressionKind::Case { subject, branches, otherwise } => Compiled::Case {
                subject: self.optional(subject.as_ref())?,
                branches: branches
                    .iter()
                    .map(|(when, then)| Ok((self.expression(when)?, self.expression(then)?)))
                    .collect::<Result<_, Failure>>()?,
                otherwise: self.optional(otherwise.as_ref())?.unwrap_or(Box::new(Compiled::Constant(Value::Null))),
            },
            ExpressionKind::ListComprehension { variable, list, filter, projection } => {
                let list = self.boxed(list)?;
                self.with_variable(variable, |this, item| {
                    let filter = this.optional(filter.as_ref())?;
                    let projection = this.optional(projection.as_ref())?;
                    Ok(Compiled::Comprehension { list, item, filter, projection })
                })?
            }
            ExpressionKind::Quantifier { kind, variable, list, filter } => {
                let list = self.boxed(list)?;
                let Some(filter) = filter else {
                    return Err(self.error(expression.span, Code::SyntaxError, "Expected WHERE and a condition"));
                };
                self.with_variable(variable, |this, item| {
                    Ok(Compiled::Quantifier { kind: *kind, list, item, filter: this.boxed(filter)? })
                })?
            }
            ExpressionKind::Reduce { accumulator, initial, variable, list, step } => {
                let (initial, list) = (self.boxed(initial)?, self.boxed(list)?);
                self.with_variable(accumulator, |this, accumulator| {
                    this.with_variable(variable, |this, item| {
                        let is_plus = matches!(*step.kind, ExpressionKind::Binary(BinaryOperator::Add, ..));
                        let step = this.boxed(step)?;
                        let is_sum = match &*step {
                            Compiled::Operator(_, left, right) if is_plus => {
                                matches!(**left, Compiled::Slot(slot) if slot == accumulator)
                                    && !right.may_read(&[accumulator])
                            }
                            _ => false,
                        };
                        Ok(Compiled::Reduce { accumulator, initial, list, item, step, is_sum })
                    })
                })?
            }
            ExpressionKind::CountAll => return Err(self.misplaced_aggregate(expression.span, "count(*)")),
            ExpressionKind::PatternComprehension { .. }
            | ExpressionKind::PatternPredicate(_)
            | ExpressionKind::ShortestPath(_)
            | ExpressionKind::Exists(_)
            | ExpressionKind::Count(_)
            | ExpressionKind::Collect(_) => {
                let message = "A pattern or a subquery cannot stand here";
                return Err(self.error(expression.span, Code::SyntaxError, message));
            }
        })
    }

    /// Gives the place of the type at the end of `value IS :: TYPE`.
    fn type_span(&self, span: Span) -> Span {
        let text = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let sign = text.rfind("::").map(|at| at + 2);
        let word = text.to_ascii_uppercase().rfind("TYPED").map(|at| at + 5);
        let Some(from) = sign.max(word) else { return span };
        let blank = text[from..].len() - text[from..].trim_start().len();
        Span { start: span.start + u32::try_from(from + blank).unwrap_or_default(), ..span }
    }

    fn error(&self, span: Span, code: Code, message: &str) -> Failure {
        cypher::error_at(self.text, span, code, message)
    }

    fn misplaced_aggregate(&self, span: Span, name: &str) -> Failure {
        let message = format!("Invalid use of aggregating function {name}(...) in this context (InvalidAggregation)");
        self.error(span, Code::SyntaxError, &message)
    }

    fn boxed(&mut self, expression: &Expression) -> Result<Box<Compiled>, Failure> {
        Ok(Box::new(self.expression(expression)?))
    }

    fn optional(&mut self, expression: Option<&Expression>) -> Result<Option<Box<Compiled>>, Failure> {
        expression.map(|expression| self.boxed(expression)).transpose()
    }

    fn all(&mut self, expressions: &[Expression]) -> Result<Vec<Compiled>, Failure> {
        expressions.iter().map(|expression| self.expression(expression)).collect()
    }

    fn entries(&mut self, entries: &[(Name, Expression)]) -> Result<Vec<(CompactString, Compiled)>, Failure> {
        entries.iter().map(|(key, value)| Ok((key.text.clone(), self.expression(value)?))).collect()
    }

    fn variable(&self, name: &Name) -> Result<usize, Failure> {
        if let Some((_, slot)) = self.scope.iter().rev().find(|(known, _)| *known == name.text) {
            return Ok(*slot);
        }
        // What the writer did not name begins with a space.
        let named = self.scope.iter().map(|(known, _)| known.as_str()).filter(|known| !known.starts_with(' '));
        let known: Vec<&str> = named.collect();
        let hint = if known.is_empty() { String::new() } else { format!("; in scope: {}", known.join(", ")) };
        let message = format!("Variable `{}` not defined (UndefinedVariable){hint}", name.text);
        Err(self.error(name.span, Code::SyntaxError, &message))
    }

    fn with_variable(
        &mut self,
        name: &Name,
        inside: impl FnOnce(&mut Self, usize) -> Result<Compiled, Failure>,
    ) -> Result<Compiled, Failure> {
        let slot = self.lifted.fresh_slot();
        self.scope.push((name.text.clone(), slot));
        let compiled = inside(self, slot);
        self.scope.pop();
        compiled
    }

    fn map_projection(&mut self, variable: &Name, items: &[MapProjectionItem]) -> Result<Compiled, Failure> {
        let subject = Compiled::Slot(self.variable(variable)?);
        let items = items
            .iter()
            .map(|item| {
                Ok(match item {
                    MapProjectionItem::All => Projected::All,
                    MapProjectionItem::Property(key) => Projected::Entry(
                        key.text.clone(),
                        Compiled::Property(Box::new(subject.clone()), key.text.clone()),
                    ),
                    MapProjectionItem::Entry(key, value) => Projected::Entry(key.text.clone(), self.expression(value)?),
                    MapProjectionItem::Variable(name) => {
                        Projected::Entry(name.text.clone(), Compiled::Slot(self.variable(name)?))
                    }
                })
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Compiled::MapProjection(Box::new(subject), items))
    }

    /// Compiles the labels of `e:A&!B`.
    pub fn label_test(&mut self, labels: &LabelExpression) -> Result<LabelTest, Failure> {
        Ok(match labels {
            LabelExpression::Name(name) => LabelTest::Name(name.text.clone()),
            LabelExpression::Any(_) => LabelTest::Any,
            LabelExpression::And(parts) => LabelTest::And(self.label_tests(parts)?),
            LabelExpression::Or(parts) => LabelTest::Or(self.label_tests(parts)?),
            LabelExpression::Not(part) => LabelTest::Not(Box::new(self.label_test(part)?)),
            LabelExpression::Dynamic(name) => LabelTest::Dynamic(self.boxed(name)?),
            LabelExpression::DynamicAny(name) => LabelTest::DynamicAny(self.boxed(name)?),
        })
    }

    fn label_tests(&mut self, parts: &[LabelExpression]) -> Result<Vec<LabelTest>, Failure> {
        parts.iter().map(|part| self.label_test(part)).collect()
    }

    fn binary(&self, operator: BinaryOperator, left: Box<Compiled>, right: Box<Compiled>) -> Result<Compiled, Failure> {
        let plain = |operator: Operator| Compiled::Operator(operator, left.clone(), right.clone());
        Ok(match operator {
            BinaryOperator::Or => Compiled::Or(left, right),
            BinaryOperator::Xor => Compiled::Xor(left, right),
            BinaryOperator::And => Compiled::And(left, right),
            BinaryOperator::Equal => Compiled::Equal { negated: false, left, right },
            BinaryOperator::NotEqual => Compiled::Equal { negated: true, left, right },
            BinaryOperator::Less => Compiled::Inequality(Inequality::Less, left, right),
            BinaryOperator::LessOrEqual => Compiled::Inequality(Inequality::LessOrEqual, left, right),
            BinaryOperator::Greater => Compiled::Inequality(Inequality::Greater, left, right),
            BinaryOperator::GreaterOrEqual => Compiled::Inequality(Inequality::GreaterOrEqual, left, right),
            BinaryOperator::Matches => match &*right {
                Compiled::Constant(Value::String(pattern)) => Compiled::Matches(left, Pattern::compile(pattern)?),
                _ => plain(operators::matches),
            },
            BinaryOperator::In => Compiled::In(left, right),
            BinaryOperator::StartsWith => plain(|left, right| Ok(operators::starts_with(left, right))),
            BinaryOperator::EndsWith => plain(|left, right| Ok(operators::ends_with(left, right))),
            BinaryOperator::Contains => plain(|left, right| Ok(operators::contains(left, right))),
            BinaryOperator::Add => plain(arithmetic::add),
            BinaryOperator::Subtract => plain(arithmetic::subtract),
            BinaryOperator::Multiply => plain(arithmetic::multiply),
            BinaryOperator::Divide => plain(arithmetic::divide),
            BinaryOperator::Modulo => plain(arithmetic::modulo),
            BinaryOperator::Power => plain(arithmetic::power),
            BinaryOperator::Concatenate => plain(operators::concatenate),
        })
    }

    /// `a < b <= c` is `a < b AND b <= c`.
    fn chain(&mut self, first: &Expression, rest: &[(BinaryOperator, Expression)]) -> Result<Compiled, Failure> {
        let mut left = self.boxed(first)?;
        let mut whole: Option<Compiled> = None;
        for (operator, right) in rest {
            let right = self.boxed(right)?;
            let link = self.binary(*operator, left, right.clone())?;
            whole = Some(match whole {
                None => link,
                Some(before) => Compiled::And(Box::new(before), Box::new(link)),
            });
            left = right;
        }
        Ok(whole.expect("the parser makes a chain of two comparisons at least"))
    }

    fn call(&mut self, name: &Name, arguments: &[Expression], span: Span) -> Result<Compiled, Failure> {
        let Some(function) = functions::find(&name.text) else {
            let hint = functions::nearest(&name.text).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            let message = format!("Unknown function '{}' (UnknownFunction){hint}", name.text);
            return Err(self.error(name.span, Code::SyntaxError, &message));
        };
        self.check_arity(function, arguments.len(), span)?;
        // Those of the language belong to everybody.
        if !function.is_built_in() {
            self.lifted.uses(function.name);
        }
        match function.kind {
            Kind::Aggregate(_) => Err(self.misplaced_aggregate(span, function.name)),
            // Whoever reads lines has to know that their numbers are asked for.
            Kind::Scalar(_) if function.name == "linenumber" => Ok(Compiled::LineNumber),
            // Who runs the statement says which graphs there are: a plan serves several people.
            Kind::Scalar(_) if function.name == functions::GRAPH_NAMES => Ok(Compiled::Parameter(function.name.into())),
            Kind::Scalar(_) if function.name == functions::GRAPH_PROPERTIES => {
                let all = Box::new(Compiled::Parameter(function.name.into()));
                Ok(Compiled::Index(all, self.boxed(&arguments[0])?))
            }
            Kind::Scalar(run) if function.name == functions::GRAPH_OF_ELEMENT => {
                let all = Box::new(Compiled::Parameter(function.name.into()));
                Ok(Compiled::Index(all, Box::new(Compiled::Call(run, self.all(arguments)?))))
            }
            Kind::Scalar(_) if function.name == "apoc.any.property" => {
                Ok(Compiled::Index(self.boxed(&arguments[0])?, self.boxed(&arguments[1])?))
            }
            Kind::Scalar(_) if function.name == "coalesce" => Ok(Compiled::Coalesce(self.all(arguments)?)),
            Kind::Scalar(run) => Ok(Compiled::Call(run, self.all(arguments)?)),
            // `exists(e)` of a property is `e IS NOT NULL`; of a pattern it was lifted.
            Kind::Entity(EntityFunction::Exists) => Ok(Compiled::IsNull(self.boxed(&arguments[0])?, true)),
            Kind::Entity(entity) => Ok(Compiled::Entity(entity, self.boxed(&arguments[0])?)),
        }
    }

    fn check_arity(&self, function: &Function, found: usize, span: Span) -> Result<(), Failure> {
        let (min, max) = function.arity;
        if (min..=max).contains(&found) {
            return Ok(());
        }
        let which = if found < min { "Insufficient parameters" } else { "Too many parameters" };
        let message = format!(
            "{which} for function '{}' (InvalidNumberOfArguments): {found} given; its signature is {}",
            function.name, function.signature
        );
        Err(self.error(span, Code::SyntaxError, &message))
    }
}
