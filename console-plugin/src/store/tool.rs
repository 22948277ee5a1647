//! `plugin-backend store list|verify|export`: looks at a folder of the store from outside.
//!
//! **Invariant:** reads sealed files only and changes nothing, so that it may run beside the store.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use arrow::array::Array as _;
use jiff::Timestamp;

use super::batch::Batch;
use super::error::StoreError;
use super::fields::{COLUMNS, Kind};
use super::files::{Hour, StoredFile, folder_entries};
use super::maintain::read_file;
use super::query::TimeRange;
use super::wal::numbers;

/// What a command found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub files: u64,
    pub rows: u64,
    pub bytes: u64,
    pub damaged: u64,
}

/// Prints each sealed file and the totals. `folder` is the store's, or `flows` in it; here and below.
pub fn list(folder: &Path, out: &mut dyn Write) -> Result<Summary, StoreError> {
    let mut summary = Summary::default();
    write(
        out,
        format_args!(
            "{:<62} {:>10} {:>12}  {:<24}  {}\n",
            "file", "rows", "bytes", "first row", "last row"
        ),
    )?;
    let (root, paths) = paths(folder)?;
    for path in paths {
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
                summary.fail(&error);
                write(out, format_args!("{name:<62} {}\n", told(&error)))?;
            }
        }
    }
    summary.print(out)
}

/// Reads every row of every sealed file.
pub fn verify(folder: &Path, out: &mut dyn Write) -> Result<Summary, StoreError> {
    let mut summary = Summary::default();
    for path in paths(folder)?.1 {
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
                summary.fail(&error);
                write(out, format_args!("{}\n", told(&error)))?;
            }
        }
    }
    summary.print(out)
}

/// Writes the rows of the range as CSV, one column per field, ordered by file.
pub fn export(folder: &Path, range: TimeRange, out: &mut dyn Write) -> Result<Summary, StoreError> {
    let mut summary = Summary::default();
    let mut csv = csv::Writer::from_writer(out);
    let failed = |error: csv::Error| StoreError::io("write", Path::new("the output"))(error.into());
    csv.write_record(COLUMNS.all.iter().map(|column| column.name))
        .map_err(failed)?;
    for path in paths(folder)?.1 {
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

    /// A file that is gone is no damage: its rows are in another, or too old.
    fn fail(&mut self, error: &StoreError) {
        self.damaged += u64::from(!is_gone(error));
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

/// The sealed files whose rows count, as the store would find them if it started now; and the folder they are named from,
/// which may be that of the store or its `flows`.
fn paths(folder: &Path) -> Result<(&Path, Vec<PathBuf>), StoreError> {
    let root = match folder.parent() {
        Some(parent) if folder.ends_with("flows") && !folder.join("flows").is_dir() => parent,
        _ => folder,
    };
    let (flows, log) = (root.join("flows"), root.join("wal"));
    // Unlike an hour's folder it does not go while it is read.
    fs::read_dir(&flows).map_err(StoreError::io("read the folder", &flows))?;
    let (logged, seen) = if log.is_dir() {
        (numbers(&log, "wal")?, numbers(&log, "seen")?)
    } else {
        (Vec::new(), Vec::new())
    };
    let mut found = Vec::new();
    for hour in folder_entries(&flows)? {
        let hour = Hour::read(&hour, |number| {
            logged.contains(&number) && !seen.contains(&number)
        })?;
        found.extend(hour.valid.into_iter().map(|(_, path)| path));
    }
    Ok((root, found))
}

/// What is said of a file that cannot be read.
fn told(error: &StoreError) -> String {
    if is_gone(error) {
        format!("{error}: the store merged or deleted it meanwhile")
    } else {
        error.to_string()
    }
}

/// Whether a store that runs beside has merged or deleted the file since it was listed.
fn is_gone(error: &StoreError) -> bool {
    matches!(error, StoreError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}
