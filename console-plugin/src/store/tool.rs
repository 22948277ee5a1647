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
use super::wal::{numbers, segment_path};

/// What a command found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub files: u64,
    pub rows: u64,
    pub bytes: u64,
    pub damaged: u64,
    /// Bytes of pushes that no file holds yet: they are in the log, which is not read here.
    pub unsealed_bytes: u64,
}

/// Prints each sealed file and the totals. `folder` is the store's, `flows` in it, or the one whose `flows` the store is
/// (`DATA` of `make run`); here and below.
pub fn list(folder: &Path, out: &mut dyn Write) -> Result<Summary, StoreError> {
    let found = Found::below(folder)?;
    let mut summary = found.summary();
    write(
        out,
        format_args!(
            "{:<62} {:>10} {:>12}  {:<24}  {}\n",
            "file", "rows", "bytes", "first row", "last row"
        ),
    )?;
    for path in found.paths {
        let name = path
            .strip_prefix(&found.root)
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
    let found = Found::below(folder)?;
    let mut summary = found.summary();
    for path in found.paths {
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

/// Writes the rows of the range as CSV, one column per field, ordered by file. Files that cannot be read are left out,
/// and told of to `told_of`, and so are the totals.
pub fn export(
    folder: &Path,
    range: TimeRange,
    out: &mut dyn Write,
    told_of: &mut dyn Write,
) -> Result<Summary, StoreError> {
    let found = Found::below(folder)?;
    let mut summary = found.summary();
    let mut csv = csv::Writer::from_writer(out);
    let failed = |error: csv::Error| {
        let source = match error.into_kind() {
            csv::ErrorKind::Io(source) => source,
            other => io::Error::other(format!("{other:?}")),
        };
        StoreError::io("write", Path::new("the output"))(source)
    };
    csv.write_record(COLUMNS.all.iter().map(|column| column.name))
        .map_err(failed)?;
    for path in found.paths {
        let read = StoredFile::open(path).and_then(|file| {
            let is_wanted = range.touches(file.min_ms, file.max_ms);
            let batches = is_wanted.then(|| read_file(&file)).transpose()?;
            Ok((file, batches))
        });
        let batches = match read {
            Ok((_, None)) => continue,
            Ok((file, Some(batches))) => {
                summary.add(&file);
                batches
            }
            Err(error) => {
                summary.fail(&error);
                // Whoever does not listen gets the flows all the same.
                let _ = writeln!(told_of, "left out: {}", told(&error));
                continue;
            }
        };
        for batch in batches {
            for row in (0..batch.rows).filter(|row| range.contains(batch.time_ms(*row))) {
                let cells = (0..COLUMNS.all.len()).map(|id| cell(&batch, id, row));
                csv.write_record(cells).map_err(failed)?;
            }
        }
    }
    csv.flush()
        .map_err(StoreError::io("write", Path::new("the output")))?;
    let _ = summary.print(told_of);
    Ok(summary)
}

/// Whether whoever read the output has seen enough of it, as `head` has.
pub fn is_unread(error: &StoreError) -> bool {
    matches!(error, StoreError::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
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

/// The sealed files of a store.
struct Found {
    /// The store's folder, from which they are named.
    root: PathBuf,
    /// Those whose rows count, as the store would find them if it started now.
    paths: Vec<PathBuf>,
    unsealed_bytes: u64,
}

impl Found {
    fn below(folder: &Path) -> Result<Self, StoreError> {
        let root = root(folder)?;
        let log = root.join("wal");
        let (logged, seen) = if log.is_dir() {
            (numbers(&log, "wal")?, numbers(&log, "seen")?)
        } else {
            (Vec::new(), Vec::new())
        };
        let is_unsealed = |number: &u64| logged.contains(number) && !seen.contains(number);
        let mut paths = Vec::new();
        for hour in folder_entries(&root.join("flows"))? {
            let hour = Hour::read(&hour, |number| is_unsealed(&number))?;
            paths.extend(hour.valid.into_iter().map(|(_, path)| path));
        }
        let unsealed = logged.iter().filter(|number| is_unsealed(number));
        // A segment that is gone was sealed meanwhile.
        let bytes = unsealed.filter_map(|number| fs::metadata(segment_path(&log, *number)).ok());
        Ok(Self {
            unsealed_bytes: bytes.map(|file| file.len()).sum(),
            root,
            paths,
        })
    }

    fn summary(&self) -> Summary {
        Summary {
            unsealed_bytes: self.unsealed_bytes,
            ..Summary::default()
        }
    }
}

/// The store's folder: the one that has hours in its `flows`.
fn root(folder: &Path) -> Result<PathBuf, StoreError> {
    let inner = folder.join("flows");
    if inner.join("flows").is_dir() {
        return Ok(inner);
    }
    if inner.is_dir() {
        return Ok(folder.to_path_buf());
    }
    match folder.parent() {
        Some(parent) if folder.ends_with("flows") && folder.is_dir() => Ok(parent.to_path_buf()),
        _ => {
            fs::read_dir(folder).map_err(StoreError::io("read the folder", folder))?;
            Err(StoreError::NoStore(folder.to_path_buf()))
        }
    }
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
