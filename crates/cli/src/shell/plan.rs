//! Plans as a person reads them: a line for each operator, the last step first.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use types::text::to_text;
use types::{Map, Value};

/// Finds the plan that a summary tells: of `EXPLAIN` under `plan`, of `PROFILE` under `profile`.
pub fn of(summary: &Map) -> Option<(&'static str, &Map)> {
    ["profile", "plan"].into_iter().find_map(|key| match summary.get(key) {
        Some(Value::Map(plan)) => Some((key, &**plan)),
        _ => None,
    })
}

/// Draws a plan; what only a statement that ran can tell has columns only then.
pub fn table(plan: &Map) -> Table {
    let ran = plan.contains_key("rows");
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    let columns = ["Operator", "Details", "Estimated rows", "Rows", "Time (ms)"];
    table.set_header(columns.into_iter().take(if ran { 5 } else { 3 }));
    add(&mut table, plan, 0, ran);
    table.column_iter_mut().skip(2).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// Adds an operator and what feeds it: the first child goes on below it, the others stand to the right.
fn add(table: &mut Table, operator: &Map, depth: usize, ran: bool) {
    let name = text(operator.get("operatorType"));
    // The server adds the database, which is the same all over.
    let name = name.split('@').next().unwrap_or_default();
    let known = |key: &str| match operator.get("args") {
        Some(Value::Map(arguments)) => arguments.get(key),
        _ => None,
    };
    let mut row =
        vec![format!("{}+{name}", "| ".repeat(depth)), text(known("Details")), estimated(known("EstimatedRows"))];
    if ran {
        row.extend([text(operator.get("rows")), time(operator.get("time"))]);
    }
    table.add_row(row);
    let children = match operator.get("children") {
        Some(Value::List(children)) => &children[..],
        _ => &[],
    };
    for (at, child) in children.iter().enumerate().rev() {
        if let Value::Map(child) = child {
            add(table, child, depth + usize::from(at > 0), ran);
        }
    }
}

fn text(value: Option<&Value>) -> String {
    value.and_then(to_text).map_or_else(String::new, Into::into)
}

/// An estimate has no meaning behind its point, save where it is below one.
fn estimated(value: Option<&Value>) -> String {
    match value {
        Some(Value::Float(rows)) if *rows > 0.0 && *rows < 1.0 => format!("{rows:.2}"),
        Some(Value::Float(rows)) => format!("{rows:.0}"),
        other => text(other),
    }
}

fn time(value: Option<&Value>) -> String {
    match value {
        Some(Value::Integer(nanos)) => format!("{}.{:03}", nanos / 1_000_000, nanos / 1_000 % 1_000),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(name: &str, details: &str, counts: &[(&str, i64)], children: Vec<Value>) -> Value {
        let arguments = [("Details".into(), Value::string(details)), ("EstimatedRows".into(), Value::Float(12.4))];
        let mut map = Map::from_iter([
            ("operatorType".into(), Value::string(format!("{name}@sheaf"))),
            ("args".into(), Value::map(Map::from_iter(arguments))),
            ("children".into(), Value::list(children)),
        ]);
        map.extend(counts.iter().map(|(key, count)| ((*key).into(), Value::Integer(*count))));
        Value::map(map)
    }

    fn check(key: &str, root: Value, expected: &str) {
        let summary = Map::from_iter([(key.into(), root)]);
        let (found, plan) = of(&summary).expect("a plan");
        assert_eq!(found, key);
        assert_eq!(table(plan).to_string(), expected.trim_end());
    }

    #[test]
    fn plans_are_trees() {
        let leaf = |name| operator(name, "n:A", &[], vec![]);
        let apply = operator("Apply", "", &[], vec![leaf("Scan"), leaf("Seek")]);
        check(
            "plan",
            operator("ProduceResults", "n", &[], vec![apply]),
            "\
┌─────────────────┬─────────┬────────────────┐
│ Operator        ┆ Details ┆ Estimated rows │
╞═════════════════╪═════════╪════════════════╡
│ +ProduceResults ┆ n       ┆             12 │
│ +Apply          ┆         ┆             12 │
│ | +Seek         ┆ n:A     ┆             12 │
│ +Scan           ┆ n:A     ┆             12 │
└─────────────────┴─────────┴────────────────┘
",
        );
    }

    #[test]
    fn plans_that_ran_have_rows_and_times() {
        check(
            "profile",
            operator("ProduceResults", "n", &[("rows", 3), ("time", 1_234_567)], vec![]),
            "\
┌─────────────────┬─────────┬────────────────┬──────┬───────────┐
│ Operator        ┆ Details ┆ Estimated rows ┆ Rows ┆ Time (ms) │
╞═════════════════╪═════════╪════════════════╪══════╪═══════════╡
│ +ProduceResults ┆ n       ┆             12 ┆    3 ┆     1.234 │
└─────────────────┴─────────┴────────────────┴──────┴───────────┘
",
        );
    }
}
