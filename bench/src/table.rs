//! Numbers as a table for people.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use crate::load::Measured;

/// One line of a table.
#[derive(Clone, Debug)]
pub enum Row {
    /// A load, and how the server took it.
    Load {
        /// What was asked.
        what: String,
        /// Clients at a time.
        clients: u64,
        /// What came of it.
        measured: Measured,
        /// What one statement stands for, such as 1,000 rows.
        times: u64,
    },
    /// Any other number.
    Fact {
        /// What was measured.
        what: String,
        /// How much it is.
        value: String,
    },
}

impl Row {
    /// Makes a number that is no load.
    pub fn fact(what: &str, value: String) -> Self {
        Self::Fact { what: what.to_owned(), value }
    }
}

/// Prints rows as one table.
#[must_use]
pub fn print(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["", "clients", "per second", "median", "p99", "slowest", "retries"]);
    for row in rows {
        match row {
            Row::Load { what, clients, measured, times } => table.add_row([
                what.clone(),
                clients.to_string(),
                thousands(measured.per_second() * *times as f64),
                time(measured.median),
                time(measured.p99),
                time(measured.slowest),
                measured.retries.to_string(),
            ]),
            Row::Fact { what, value } => table.add_row([what.clone(), String::new(), value.clone()]),
        };
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// Writes a duration with three digits and a unit that suits it.
#[must_use]
pub fn time(time: Duration) -> String {
    let us = time.as_secs_f64() * 1e6;
    match us {
        us if us < 1_000.0 => format!("{us:.0} µs"),
        us if us < 1_000_000.0 => format!("{:.2} ms", us / 1e3),
        us => format!("{:.2} s", us / 1e6),
    }
}

/// Writes a number without fractions and with commas between thousands.
#[must_use]
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes bytes in MiB.
#[must_use]
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_numbers_for_people() {
        assert_eq!([0.0, 999.0, 1_000.0, 1_234_567.8].map(thousands), ["0", "999", "1,000", "1,234,568"]);
        assert_eq!(time(Duration::from_micros(45)), "45 µs");
        assert_eq!(time(Duration::from_micros(45_678)), "45.68 ms");
        assert_eq!(time(Duration::from_millis(1_500)), "1.50 s");
        assert_eq!(mebibytes(3 << 19), "1.5 MiB");
    }
}
