//! `apoc.util.validate`: a statement that refuses its own rows.

use query::functions::apoc;

use super::built_in::{Mode, Row};

pub(super) const ROWS: &[Row] = &[Row {
    signature: "apoc.util.validate(predicate :: BOOLEAN, message :: STRING, params :: LIST<ANY>)",
    description: "Fails with a message where the predicate is true.",
    mode: Mode::Read,
    run: |call| match apoc::refusal(call.arguments, "Failed to invoke procedure `apoc.util.validate`") {
        Some(failure) => Err(failure),
        None => Ok(Vec::new()),
    },
}];
