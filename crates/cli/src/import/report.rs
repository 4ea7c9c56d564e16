//! The list of rows that an import passed over.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use super::batch::BadRow;
use super::error::ImportError;

/// Writes bad rows to a CSV file: `file,line,reason`.
pub struct Report {
    path: PathBuf,
    csv: csv::Writer<BufWriter<File>>,
    bad_rows: u64,
    bad_rows_max: u64,
}

impl Report {
    /// Creates the file; the import stops at the bad row after `bad_rows_max`.
    pub fn create(path: &Path, bad_rows_max: u64) -> Result<Self, ImportError> {
        let failed = |source| ImportError::Report { path: path.to_owned(), source };
        let file = File::create(path).map_err(failed)?;
        let mut csv = csv::Writer::from_writer(BufWriter::new(file));
        csv.write_record(["file", "line", "reason"]).map_err(|error| failed(error.into()))?;
        Ok(Self { path: path.to_owned(), csv, bad_rows: 0, bad_rows_max })
    }

    /// Counts the rows noted so far.
    #[must_use]
    pub fn bad_rows(&self) -> u64 {
        self.bad_rows
    }

    /// Writes a bad row of `file` down.
    pub fn note(&mut self, file: &Path, bad: &BadRow) -> Result<(), ImportError> {
        let line = bad.line.to_string();
        let written = self.csv.write_record([file.to_string_lossy().as_ref(), &line, &bad.reason]);
        written.map_err(|error| ImportError::Report { path: self.path.clone(), source: error.into() })?;
        self.bad_rows += 1;
        if self.bad_rows > self.bad_rows_max {
            self.flush()?;
            return Err(ImportError::TooManyBad { path: self.path.clone(), bad_rows_max: self.bad_rows_max });
        }
        Ok(())
    }

    /// Writes everything out and gives the number of bad rows; without any, no file stays.
    pub fn finish(mut self) -> Result<u64, ImportError> {
        self.flush()?;
        if self.bad_rows == 0 {
            std::fs::remove_file(&self.path)
                .map_err(|source| ImportError::Report { path: self.path.clone(), source })?;
        }
        Ok(self.bad_rows)
    }

    fn flush(&mut self) -> Result<(), ImportError> {
        self.csv.flush().map_err(|source| ImportError::Report { path: self.path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f157_bad_rows_are_listed_up_to_a_bound() {
        let folder = tempfile::tempdir().expect("a folder for tests");
        let path = folder.path().join("bad.csv");
        let mut report = Report::create(&path, 1).expect("a folder for tests");
        let bad = |line| BadRow { line, reason: "too short, by far".to_owned() };
        report.note(Path::new("a.csv"), &bad(2)).expect("one is allowed");
        let error = report.note(Path::new("a.csv"), &bad(3)).expect_err("two are too many");
        assert_eq!(error.code(), types::Code::ArgumentError);
        let listed = std::fs::read_to_string(&path).expect("the report");
        assert_eq!(listed, "file,line,reason\na.csv,2,\"too short, by far\"\na.csv,3,\"too short, by far\"\n");
    }

    #[test]
    fn f157_no_bad_row_leaves_no_report() {
        let folder = tempfile::tempdir().expect("a folder for tests");
        let path = folder.path().join("bad.csv");
        let report = Report::create(&path, 1).expect("a folder for tests");
        assert_eq!(report.finish().expect("a folder for tests"), 0);
        assert!(!path.exists());
    }
}
