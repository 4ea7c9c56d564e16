//! Procedures that look their rows up in a table, as the openCypher tests declare them.

use std::sync::Arc;

use query::expression::Context;
use query::procedure::{Field, Procedure, Signature};
use types::{Code, CompactString, Failure, Value, compare};

use super::Procedures;
use super::signature::parse;

/// The name under which tests declare procedures over a wire.
const REGISTER: &str = "tck.registerProcedure";

/// A procedure whose results are listed: rows of inputs, then outputs.
#[derive(Debug)]
pub(super) struct TableProcedure {
    signature: Signature,
    rows: Vec<Vec<Value>>,
}

impl TableProcedure {
    /// Reads `test.my.proc(in :: INTEGER?) :: (a :: STRING?, b :: ANY?)`.
    pub(super) fn parse(text: &str, rows: Vec<Vec<Value>>) -> Result<Self, Failure> {
        let signature = parse(text).ok_or_else(|| {
            let shown: String = text.chars().take(200).collect();
            Failure::new(Code::ArgumentError, format!("'{shown}' is no signature: name(in :: TYPE?) :: (out :: TYPE?)"))
        })?;
        let width = signature.inputs.len() + signature.outputs.len();
        if rows.iter().any(|row| row.len() != width) {
            let text = format!("each row of procedure '{}' needs {width} values", signature.name);
            return Err(Failure::new(Code::ArgumentError, text));
        }
        Ok(Self { signature, rows })
    }
}

impl Procedure for TableProcedure {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn call(&self, arguments: &[Value], context: &mut Context<'_>) -> Result<Vec<Vec<Value>>, Failure> {
        context.budget.pay_rows(self.rows.len())?;
        let inputs = self.signature.inputs.len();
        let is_same = |(given, listed): (&Value, &Value)| {
            given.is_null() && listed.is_null() || compare::equals(given, listed) == Some(true)
        };
        let matching = self.rows.iter().filter(|row| arguments.iter().zip(&row[..inputs]).all(is_same));
        Ok(matching.map(|row| row[inputs..].to_vec()).collect())
    }
}

/// Declares a [`TableProcedure`] from inside a statement.
pub(super) struct Register {
    signature: Signature,
    procedures: Procedures,
}

impl Register {
    pub(super) fn new(procedures: Procedures) -> Self {
        let field = |name: &str, kind: &str| Field { name: name.into(), kind: kind.into(), default: None };
        let signature = Signature {
            name: REGISTER.into(),
            inputs: vec![field("signature", "STRING"), field("rows", "LIST<MAP>")],
            outputs: Vec::new(),
            writes: false,
        };
        Self { signature, procedures }
    }
}

impl std::fmt::Debug for Register {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(REGISTER)
    }
}

impl Procedure for Register {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Takes the signature, and a map for each row.
    fn call(&self, arguments: &[Value], _context: &mut Context<'_>) -> Result<Vec<Vec<Value>>, Failure> {
        let refused = || Failure::new(Code::ArgumentError, format!("{REGISTER} takes a signature and a list of maps"));
        let [Value::String(text), Value::List(rows)] = arguments else { return Err(refused()) };
        let signature = parse(text).ok_or_else(refused)?;
        let columns: Vec<&CompactString> =
            signature.inputs.iter().chain(&signature.outputs).map(|field| &field.name).collect();
        let row = |row: &Value| match row {
            Value::Map(entries) => {
                Ok(columns.iter().map(|column| entries.get(*column).cloned().unwrap_or_default()).collect())
            }
            _ => Err(refused()),
        };
        let rows = rows.iter().map(row).collect::<Result<Vec<Vec<Value>>, _>>()?;
        self.procedures.register(text, rows)?;
        Ok(Vec::new())
    }
}

/// Makes the procedure that declares others, for an instance of tests.
pub(super) fn register(procedures: &Procedures) -> Arc<dyn Procedure> {
    Arc::new(Register::new(procedures.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_must_fit() {
        let failure = TableProcedure::parse("p(a :: INTEGER) :: (b :: INTEGER)", vec![vec![Value::Integer(1)]]);
        assert_eq!(failure.expect_err("one of two").code(), Code::ArgumentError);
    }
}
