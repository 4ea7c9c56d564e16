//! Records on their way out: as tables, as JSON lines or as CSV.

use std::io::{self, Write};
use std::time::Duration;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use types::text::{literal, to_text};
use types::{Map, Value};

use super::{json, plan};

/// Rows that one table holds; a longer result comes as several, so that memory stays bounded.
const TABLE_ROWS_MAX: usize = 1_000;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table with the number of rows and the time.
    Table,
    /// An object a line.
    Json,
    /// A header and a line for each record.
    Csv,
}

/// Writes one result, record by record.
///
/// A failed write is kept for the end, because records come through a callback.
pub struct Printer<W: Write> {
    format: Format,
    out: W,
    rows: u64,
    table: Table,
    failed: Option<io::Error>,
}

impl<W: Write> Printer<W> {
    /// Starts a result.
    pub fn new(format: Format, out: W) -> Self {
        Self { format, out, rows: 0, table: Table::new(), failed: None }
    }

    /// Writes a record; tells whether writing still works.
    pub fn record(&mut self, columns: &[String], row: &[Value]) -> bool {
        if self.failed.is_none() {
            self.failed = self.write(columns, row).err();
        }
        self.failed.is_none()
    }

    /// Ends the result with its plan if it was asked for, what it did and how long it took.
    pub fn end(mut self, columns: &[String], summary: &Map, took: Duration) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let plan = plan::of(summary);
        // A statement that was only explained has no rows to show.
        let columns = if matches!(plan, Some(("plan", _))) { &[] } else { columns };
        match self.format {
            Format::Table => {
                if !columns.is_empty() {
                    self.write_table(columns)?;
                }
                if let Some((_, plan)) = plan {
                    writeln!(self.out, "{}", plan::table(plan))?;
                }
                let footer = footer(columns, self.rows, summary, took);
                writeln!(self.out, "{footer}")?;
            }
            Format::Csv if self.rows == 0 && !columns.is_empty() => self.write_csv(columns)?,
            Format::Json => {
                if let Some((key, plan)) = plan {
                    writeln!(self.out, "{}", json::member(key, plan))?;
                }
            }
            Format::Csv => {}
        }
        self.out.flush()
    }

    fn write(&mut self, columns: &[String], row: &[Value]) -> io::Result<()> {
        match self.format {
            Format::Table => {
                if self.table.row_count() == TABLE_ROWS_MAX {
                    self.write_table(columns)?;
                }
                self.table.add_row(row.iter().map(literal));
            }
            Format::Json => writeln!(self.out, "{}", json::record(columns, row))?,
            Format::Csv => {
                if self.rows == 0 {
                    self.write_csv(columns)?;
                }
                self.write_csv(row.iter().map(plain))?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn write_table(&mut self, columns: &[String]) -> io::Result<()> {
        let mut table = std::mem::take(&mut self.table);
        table.load_preset(presets::UTF8_FULL_CONDENSED);
        // Without a terminal no width is known, and nothing is wrapped.
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(columns);
        writeln!(self.out, "{table}")
    }

    fn write_csv<T: AsRef<[u8]>>(&mut self, fields: impl IntoIterator<Item = T>) -> io::Result<()> {
        let mut writer = csv::WriterBuilder::new().buffer_capacity(256).from_writer(&mut self.out);
        writer.write_record(fields)?;
        writer.flush()
    }
}

/// Gives a value as a CSV field: its plain text, JSON for what has parts, nothing for null.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        other => to_text(other).map_or_else(|| json::json(other).to_string(), Into::into),
    }
}

fn footer(columns: &[String], rows: u64, summary: &Map, took: Duration) -> String {
    let mut parts = Vec::new();
    if !columns.is_empty() {
        parts.push(if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") });
    }
    if let Some(Value::Map(stats)) = summary.get("stats") {
        let counted = stats.iter().filter_map(|(name, count)| match count {
            Value::Integer(count) => Some(format!("{}: {count}", name.replace('-', " "))),
            _ => None,
        });
        parts.extend(counted);
    }
    if parts.is_empty() {
        parts.push("done".to_owned());
    }
    format!("{} ({} ms)", parts.join(", "), millis(took))
}

/// Tells tenths where they matter.
fn millis(took: Duration) -> String {
    let tenths = took.as_micros() / 100;
    match (tenths / 10, tenths % 10) {
        (whole @ 0..10, tenth @ 1..) => format!("{whole}.{tenth}"),
        (whole, _) => whole.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Format, rows: &[Vec<Value>], expected: &str) {
        let columns = ["name".to_owned(), "n".to_owned()];
        let mut out = Vec::new();
        let mut printer = Printer::new(format, &mut out);
        rows.iter().for_each(|row| assert!(printer.record(&columns, row)));
        printer.end(&columns, &Map::new(), Duration::from_millis(7)).expect("memory takes it all");
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }

    fn rows() -> Vec<Vec<Value>> {
        vec![vec![Value::string("a, \"b\""), Value::Integer(1)], vec![Value::Null, Value::list(vec![1.5.into()])]]
    }

    #[test]
    fn f118_records_as_csv() {
        check(Format::Csv, &rows(), "name,n\n\"a, \"\"b\"\"\",1\n,[1.5]\n");
        check(Format::Csv, &[], "name,n\n");
    }

    #[test]
    fn f118_records_as_json_lines() {
        check(Format::Json, &rows(), "{\"name\":\"a, \\\"b\\\"\",\"n\":1}\n{\"name\":null,\"n\":[1.5]}\n");
        check(Format::Json, &[], "");
    }

    #[test]
    fn f118_records_as_a_table() {
        let expected = "\
┌──────────┬───────┐
│ name     ┆ n     │
╞══════════╪═══════╡
│ 'a, \"b\"' ┆ 1     │
│ null     ┆ [1.5] │
└──────────┴───────┘
2 rows (7 ms)
";
        check(Format::Table, &rows(), expected);
    }

    #[test]
    fn f118_plans_follow_the_rows_or_stand_in_their_place() {
        let check = |format, key: &str, expected: &str| {
            let operator = Map::from_iter([("operatorType".into(), Value::string("Scan@sheaf"))]);
            let summary = Map::from_iter([(key.into(), Value::map(operator))]);
            let (columns, mut out) = (["n".to_owned()], Vec::new());
            let mut printer = Printer::new(format, &mut out);
            if key == "profile" {
                assert!(printer.record(&columns, &[Value::Integer(1)]));
            }
            printer.end(&columns, &summary, Duration::ZERO).expect("memory takes it all");
            assert_eq!(String::from_utf8(out).expect("text"), expected);
        };
        let shown = "\
┌──────────┬─────────┬────────────────┐
│ Operator ┆ Details ┆ Estimated rows │
╞══════════╪═════════╪════════════════╡
│ +Scan    ┆         ┆                │
└──────────┴─────────┴────────────────┘
";
        check(Format::Table, "plan", &format!("{shown}done (0 ms)\n"));
        check(Format::Table, "profile", &format!("┌───┐\n│ n │\n╞═══╡\n│ 1 │\n└───┘\n{shown}1 row (0 ms)\n"));
        check(Format::Json, "plan", "{\"plan\":{\"operatorType\":\"Scan@sheaf\"}}\n");
        check(Format::Json, "profile", "{\"n\":1}\n{\"profile\":{\"operatorType\":\"Scan@sheaf\"}}\n");
        check(Format::Csv, "plan", "");
    }

    #[test]
    fn short_times_have_tenths() {
        let shown = [0, 99, 100, 7_000, 9_950, 10_900].map(|micros| millis(Duration::from_micros(micros)));
        assert_eq!(shown, ["0", "0", "0.1", "7", "9.9", "10"]);
    }

    #[test]
    fn f118_footers_count_changes() {
        let stats = Map::from_iter([("nodes-created".into(), Value::Integer(2))]);
        let summary = Map::from_iter([("stats".into(), Value::map(stats))]);
        assert_eq!(footer(&[], 0, &summary, Duration::ZERO), "nodes created: 2 (0 ms)");
        assert_eq!(footer(&[], 0, &Map::new(), Duration::ZERO), "done (0 ms)");
    }
}
