//! `LOAD CSV` and procedures.
//! Leaves what procedures there are to whoever prepares statements.
//! Start reading at [`Planner::call_procedure`].

use cypher::ast::{Expression, ExpressionKind, Name, Yield};
use types::{Code, Failure};

use super::scope::{Held, Variable};
use super::{Pipe, Planner, walk};
use crate::expression::Compiled;
use crate::operator::Plan;
use crate::procedure::{Signature, placed};

impl Planner<'_> {
    pub(super) fn load_csv(
        &mut self,
        mut pipe: Pipe,
        headers: bool,
        address: &Expression,
        variable: &Name,
        terminator: Option<&str>,
    ) -> Result<Pipe, Failure> {
        if pipe.writes {
            pipe = self.eager(pipe);
        }
        self.check_free(&pipe.scope, &variable.text, variable.span)?;
        let terminator = match terminator.map(str::as_bytes) {
            None => b',',
            Some([byte]) if !matches!(byte, b'"' | b'\n' | b'\r' | b'\\') => *byte,
            Some(_) => {
                let message = "A field terminator is one ASCII character, and none that quotes or ends a line";
                return Err(self.syntax(address.span, message));
            }
        };
        self.uses.loads = true;
        let details = format!("{address} AS {}", variable.text);
        let address = self.compile(address, &pipe.scope)?;
        let line = self.fresh_slot();
        let rows = pipe.rows * 1_000.0;
        pipe.plan = self.put(Plan::LoadCsv { input: pipe.plan, address, headers, terminator, line }, rows, details);
        pipe.scope.add(Variable { name: variable.text.clone(), slot: line, held: Held::Unknown, source: None });
        pipe.rows = rows;
        Ok(pipe)
    }

    pub(super) fn call_procedure(
        &mut self,
        mut pipe: Pipe,
        name: &Name,
        arguments: Option<&[Expression]>,
        yields: &Yield,
        filter: Option<&Expression>,
        is_alone: bool,
    ) -> Result<Pipe, Failure> {
        let Some(procedure) = self.graphs.procedure(&name.text) else {
            let near = self.graphs.nearest_procedure(&name.text);
            let hint = near.map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
            let message = format!(
                "There is no procedure with the name `{}` registered for this database instance (ProcedureNotFound). \
                 Please ensure you've spelled the procedure name correctly.{hint}",
                name.text
            );
            return Err(self.error(name.span, Code::ProcedureNotFound, &message));
        };
        self.graphs.calls_on(self.graph);
        let procedure = placed(procedure, self.graph);
        let signature = procedure.signature().clone();
        if !self.uses.procedures.contains(&signature.name) {
            self.uses.procedures.push(signature.name.clone());
        }
        if signature.writes {
            if self.in_value {
                let message = format!(
                    "An EXISTS, COUNT or COLLECT subquery cannot contain updating clauses (InvalidClauseComposition): \
                     the procedure `{}` changes data",
                    signature.name
                );
                return Err(self.syntax(name.span, &message));
            }
            self.writes(self.graph, name.span)?;
        }
        if pipe.writes || (signature.writes && pipe.reads) {
            pipe = self.eager(pipe);
        }
        let arguments = self.arguments(&pipe, name, arguments, &signature)?;
        let mut outputs = Vec::new();
        for (at, alias) in self.yielded(name, yields, &signature, is_alone)? {
            self.check_free(&pipe.scope, &alias.text, alias.span)?;
            let slot = self.fresh_slot();
            outputs.push((at, slot));
            pipe.scope.add(Variable { name: alias.text, slot, held: Held::Unknown, source: None });
        }
        let rows = pipe.rows * 10.0;
        let plan = Plan::Call { input: pipe.plan, procedure, arguments, outputs };
        pipe.plan = self.put(plan, rows, name.text.to_string());
        (pipe.rows, pipe.reads) = (rows, true);
        pipe.writes |= signature.writes;
        if let Some(filter) = filter {
            let condition = self.compile(filter, &pipe.scope)?;
            pipe.plan = self.keep_where(pipe.plan, vec![(condition, filter.to_string())], rows);
        }
        Ok(pipe)
    }

    fn arguments(
        &mut self,
        pipe: &Pipe,
        name: &Name,
        given: Option<&[Expression]>,
        signature: &Signature,
    ) -> Result<Vec<Compiled>, Failure> {
        let Some(given) = given else {
            // Without brackets a procedure takes the parameters of its inputs' names.
            return Ok(signature.inputs.iter().map(|input| Compiled::Parameter(input.name.clone())).collect());
        };
        let needed = signature.inputs.iter().filter(|input| input.default.is_none()).count();
        if given.len() < needed || given.len() > signature.inputs.len() {
            let message = format!(
                "Procedure call does not provide the required number of arguments (InvalidNumberOfArguments): got {} \
                 expected {}",
                given.len(),
                signature.inputs.len()
            );
            return Err(self.syntax(name.span, &message));
        }
        let mut arguments = Vec::new();
        for (argument, input) in given.iter().zip(&signature.inputs) {
            if walk::has_aggregate(argument) {
                let message = "Can't use aggregate functions as an argument of a procedure (InvalidAggregation)";
                return Err(self.syntax(argument.span, message));
            }
            if let Some(found) = mismatch(argument, &input.kind) {
                let message = format!(
                    "Type mismatch for argument `{}`: expected {} but was {found} (InvalidArgumentType)",
                    input.name, input.kind
                );
                return Err(self.syntax(argument.span, &message));
            }
            arguments.push(self.compile(argument, &pipe.scope)?);
        }
        let defaults = signature.inputs[given.len()..].iter().filter_map(|input| input.default.clone());
        arguments.extend(defaults.map(Compiled::Constant));
        Ok(arguments)
    }

    /// Lists the places of a procedure's output that are wanted, with their names.
    fn yielded(
        &self,
        name: &Name,
        yields: &Yield,
        signature: &Signature,
        is_alone: bool,
    ) -> Result<Vec<(usize, Name)>, Failure> {
        let all = || {
            let named = |(at, output): (usize, &crate::procedure::Field)| {
                (at, Name { text: output.name.clone(), span: name.span })
            };
            signature.outputs.iter().enumerate().map(named).collect()
        };
        match yields {
            Yield::All => Ok(all()),
            Yield::Nothing if is_alone => Ok(all()),
            Yield::Nothing if signature.outputs.is_empty() => Ok(Vec::new()),
            Yield::Nothing => {
                let message = "Procedure call inside a query does not support naming results implicitly \
                               (UndefinedVariable); name them with YIELD";
                Err(self.syntax(name.span, message))
            }
            Yield::Items(items) => items
                .iter()
                .map(|(wanted, alias)| {
                    let at =
                        signature.outputs.iter().position(|output| output.name == wanted.text).ok_or_else(|| {
                            let message = format!("Unknown procedure output: `{}` (UndefinedVariable)", wanted.text);
                            self.syntax(wanted.span, &message)
                        })?;
                    Ok((at, alias.as_ref().unwrap_or(wanted).clone()))
                })
                .collect(),
        }
    }
}

/// Tells the type of a literal that cannot be an argument of a type.
fn mismatch(argument: &Expression, kind: &str) -> Option<&'static str> {
    let kind = kind.trim_end_matches('?');
    let (found, fits): (_, &[&str]) = match &*argument.kind {
        ExpressionKind::Boolean(_) => ("Boolean", &["BOOLEAN", "ANY"]),
        ExpressionKind::Integer(_) => ("Integer", &["INTEGER", "FLOAT", "NUMBER", "ANY"]),
        ExpressionKind::Float(_) => ("Float", &["FLOAT", "NUMBER", "ANY"]),
        ExpressionKind::String(_) => ("String", &["STRING", "ANY"]),
        _ => return None,
    };
    (!fits.contains(&kind)).then_some(found)
}
