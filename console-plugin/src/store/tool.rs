//! `plugin-backend store list|verify|export`: looks at a folder of the store from outside.
//!
//! **Invariant:** reads sealed files only and changes nothing, so that it may run beside the store.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use arrow::array::Array as _;
use jiff::Timestamp;

use super::batch::Batch;
use super::error::StoreError;
use super::fields::{COLUMNS, Kind};
use super::files::StoredFile;
use super::maintain::read_file;
use super::query::TimeRange;

/// What a command found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub files: u64,
    pub rows: u64,
    pub bytes: u64,
    pub damaged: u64,
}

/// Prints each sealed file and the totals.
pub fn list(root: &Path, out: &mut dyn Write) -> Result<Summary, StoreError> {
    let mut summary = Summary::default();
    write(
        out,
        format_args!(
            "{:<62} {:>10} {:>12}  {:<24}  {}\n",
            "file", "rows", "bytes", "first row", "last row"
        ),
    )?;
    for path in paths(root)? {
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        match StoredFile::open(path) {
            Ok(file) => {
                summary.add(&file);
                let time = |time_ms| Timestamp::from_millisecond(time_ms).unwrap_or_default();
                let (first, last) = (time(file.min_ms).to_string(), time(file.max_ms));
                write(
                    out,
                    format_args!(
                        "{name:<62} {:>10} {:>12}  {first:<24}  {last}\n",
                        file.rows, file.bytes
                    ),
                )?;
            }
            Err(error) => {
                summary.damaged += 1;
                write(out, format_args!("{name:<62} {error}\n"))?;
            }
        }
    }
    summary.print(out)
}

/// Reads every row of every sealed file.
pub fn verify(root: &Path, out: &mut dyn Write) -> Result<Summary, StoreError> {
    let mut summary = Summary::default();
    for path in paths(root)? {
        let checked = StoredFile::open(path.clone()).and_then(|file| {
            let rows: u64 = read_file(&file)?
                .iter()
                .map(|batch| batch.rows as u64)
                .sum();
            if rows == file.rows {
                Ok(file)
            } else {
                Err(StoreError::damaged(&file.path, "rows are missing"))
            }
        });
        match checked {
            Ok(file) => summary.add(&file),
            Err(error) => {
                summary.damaged += 1;
                write(out, format_args!("{error}\n"))?;
            }
        }
    }
    summary.print(out)
}

/// Writes the rows of the range as CSV, one column per field, ordered by file.
pub fn export(root: &Path, range: TimeRange, out: &mut dyn Write) -> Result<Summary, StoreError> {
    let mut summary = Summary::default();
    let mut csv = csv::Writer::from_writer(out);
    let failed = |error: csv::Error| StoreError::io("write", Path::new("the output"))(error.into());
    csv.write_record(COLUMNS.all.iter().map(|column| column.name))
        .map_err(failed)?;
    for path in paths(root)? {
        let file = StoredFile::open(path)?;
        if !range.touches(file.min_ms, file.max_ms) {
            continue;
        }
        summary.add(&file);
        for batch in read_file(&file)? {
            for row in (0..batch.rows).filter(|row| range.contains(batch.time_ms(*row))) {
                let cells = (0..COLUMNS.all.len()).map(|id| cell(&batch, id, row));
                csv.write_record(cells).map_err(failed)?;
            }
        }
    }
    csv.flush()
        .map_err(StoreError::io("write", Path::new("the output")))?;
    Ok(summary)
}

fn cell(batch: &Batch, id: usize, row: usize) -> String {
    match COLUMNS.all[id].kind {
        Kind::Int => batch
            .ints(id)
            .filter(|ints| ints.is_valid(row))
            .map(|ints| ints.value(row).to_string()),
        Kind::Text | Kind::Json => batch
            .texts(id)
            .and_then(|texts| texts.get(row))
            .map(str::to_owned),
    }
    .unwrap_or_default()
}

impl Summary {
    fn add(&mut self, file: &StoredFile) {
        self.files += 1;
        self.rows += file.rows;
        self.bytes += file.bytes;
    }

    fn print(self, out: &mut dyn Write) -> Result<Self, StoreError> {
        let per_row = self.bytes as f64 / (self.rows.max(1)) as f64;
        write(
            out,
            format_args!(
                "{} files, {} rows, {} bytes ({per_row:.1} per row), {} damaged\n",
                self.files, self.rows, self.bytes, self.damaged
            ),
        )?;
        Ok(self)
    }
}

fn write(out: &mut dyn Write, text: std::fmt::Arguments<'_>) -> Result<(), StoreError> {
    out.write_fmt(text)
        .map_err(StoreError::io("write", Path::new("the output")))
}

fn paths(root: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let flows = root.join("flows");
    let mut found = Vec::new();
    for hour in fs::read_dir(&flows).map_err(StoreError::io("read the folder", &flows))? {
        let hour = hour
            .map_err(StoreError::io("read the folder", &flows))?
            .path();
        for file in fs::read_dir(&hour).map_err(StoreError::io("read the folder", &hour))? {
            let path = file
                .map_err(StoreError::io("read the folder", &hour))?
                .path();
            if path
                .extension()
                .is_some_and(|extension| extension == "parquet")
            {
                found.push(path);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
