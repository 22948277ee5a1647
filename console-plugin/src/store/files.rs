//! Sealed files: their names, what is known of each, recovery at the start, and reading with positioned reads.
//!
//! `flows/<hour>/<first>-<last>.parquet` holds rows of that hour (UTC) from the log segments `first` to `last`.
//!
//! **Invariant:** the names say everything recovery needs. A file whose segment range lies within that of another
//! file of its folder has been merged into it; a file of a single segment whose log is still there was not committed.
//! Both are deleted at the start and read from the other place.

mod damaged;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;

use self::damaged::set_aside;
pub use self::damaged::{damaged_hours, expire_damaged};
use super::error::StoreError;
use super::fields::COLUMNS;
use super::wal::sync_folder;

/// Milliseconds of a partition.
pub const HOUR_MS: i64 = 3_600_000;
/// Times whose hour a folder can be named after, Unix milliseconds: years of four digits, but for the last two days,
/// which `jiff` does not have.
pub const TIMES_MS: RangeInclusive<i64> = -62_167_219_200_000..=253_402_128_000_000 - 1;

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// A sealed file.
#[derive(Debug)]
pub struct StoredFile {
    /// Unique in this process, for caches.
    pub id: u64,
    pub path: PathBuf,
    pub hour_ms: i64,
    /// First and last log segment whose rows it holds.
    pub segments: (u64, u64),
    pub rows: u64,
    pub bytes: u64,
    /// The same before compression.
    pub plain_bytes: u64,
    pub min_ms: i64,
    pub max_ms: i64,
    /// Columns that the store does not have, or of another type. They are not read, and not lost either: such a file is
    /// never merged.
    pub foreign: Vec<String>,
    is_obsolete: AtomicBool,
    is_aside: AtomicBool,
}

impl Drop for StoredFile {
    fn drop(&mut self) {
        // If this fails, the rules of recovery or of retention delete the file later.
        if self.is_obsolete.load(Ordering::Relaxed) && fs::remove_file(&self.path).is_ok() {
            remove_if_empty(self.path.parent());
        }
    }
}

/// The folder of an hour goes with its last file.
fn remove_if_empty(folder: Option<&Path>) {
    if let Some(folder) = folder {
        let _ = fs::remove_dir(folder);
    }
}

impl StoredFile {
    /// Reads what must be known of a file.
    pub fn open(path: PathBuf) -> Result<Self, StoreError> {
        let (hour_ms, segments) = parse_path(&path)
            .ok_or_else(|| StoreError::damaged(&path, "its name is not one of a sealed file"))?;
        let meta = FileMeta::read(&path, PageIndexPolicy::Skip)?;
        Ok(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            hour_ms,
            segments,
            rows: meta.arrow.metadata().file_metadata().num_rows() as u64,
            bytes: meta.length,
            plain_bytes: meta.plain_bytes(),
            min_ms: meta.times.iter().map(|(min, _)| *min).min().unwrap_or(0),
            max_ms: meta.times.iter().map(|(_, max)| *max).max().unwrap_or(0),
            foreign: meta.foreign,
            is_obsolete: AtomicBool::new(false),
            is_aside: AtomicBool::new(false),
            path,
        })
    }

    /// Deletes the file when the last snapshot that holds it is gone.
    pub fn delete_when_unused(&self) {
        self.is_obsolete.store(true, Ordering::Relaxed);
    }

    /// Moves a damaged file out of the way; true for the first caller.
    pub fn set_aside(&self, root: &Path) -> bool {
        if self.is_aside.swap(true, Ordering::Relaxed) {
            return false;
        }
        set_aside(root, &self.path);
        true
    }
}

/// Path of the file of an hour and a range of segments. Fails for an hour outside of [`TIMES_MS`], which has no name.
pub fn file_path(flows: &Path, hour_ms: i64, segments: (u64, u64)) -> Result<PathBuf, StoreError> {
    let hour = Some(hour_ms)
        .filter(|hour_ms| TIMES_MS.contains(hour_ms))
        .and_then(|hour_ms| Timestamp::from_millisecond(hour_ms).ok())
        .ok_or(StoreError::NoHour { hour_ms })?
        .to_zoned(TimeZone::UTC);
    Ok(flows
        .join(hour.strftime("%Y-%m-%dT%H").to_string())
        .join(format!("{:010}-{:010}.parquet", segments.0, segments.1)))
}

fn parse_path(path: &Path) -> Option<(i64, (u64, u64))> {
    let hour = path.parent()?.file_name()?.to_str()?;
    let hour: Timestamp = format!("{hour}:00:00Z").parse().ok()?;
    let (first, last) = path
        .file_name()?
        .to_str()?
        .strip_suffix(".parquet")?
        .split_once('-')?;
    Some((
        hour.as_millisecond(),
        (first.parse().ok()?, last.parse().ok()?),
    ))
}

/// The sealed files of an hour's folder.
#[derive(Debug, Default)]
pub struct Hour {
    /// Those that hold rows, with their segments.
    pub valid: Vec<((u64, u64), PathBuf)>,
    /// Those whose rows are in another place too, and what a crash left half-written.
    pub void: Vec<PathBuf>,
}

impl Hour {
    /// Looks at a folder. `is_logged` says whether a segment's rows are in its log.
    pub fn read(folder: &Path, is_logged: impl Fn(u64) -> bool) -> Result<Self, StoreError> {
        let mut hour = Self::default();
        let mut found = Vec::new();
        for path in folder_entries(folder)? {
            match parse_path(&path) {
                Some((_, segments)) => found.push((segments, path)),
                None if path.extension().is_some_and(|extension| extension == "tmp") => {
                    hour.void.push(path);
                }
                None => {}
            }
        }
        let ranges: Vec<_> = found.iter().map(|(segments, _)| *segments).collect();
        for (segments, path) in found {
            let is_merged = ranges
                .iter()
                .any(|other| *other != segments && other.0 <= segments.0 && segments.1 <= other.1);
            let is_uncommitted = segments.0 == segments.1 && is_logged(segments.0);
            if is_merged || is_uncommitted {
                hour.void.push(path);
            } else {
                hour.valid.push((segments, path));
            }
        }
        Ok(hour)
    }
}

/// What the start found.
#[derive(Debug, Default)]
pub struct Recovered {
    pub files: Vec<StoredFile>,
    pub damaged: u64,
    /// Highest segment number in any name.
    pub last_segment: u64,
}

/// Lists the sealed files, deleting what was not committed or has been merged and setting aside what is damaged.
/// `is_logged` says whether a segment's log is still to be replayed.
pub fn recover(
    root: &Path,
    flows: &Path,
    is_logged: impl Fn(u64) -> bool,
) -> Result<Recovered, StoreError> {
    let mut recovered = Recovered::default();
    let mut foreign = BTreeSet::new();
    for folder in folder_entries(flows)? {
        let hour = Hour::read(&folder, &is_logged)?;
        for path in &hour.void {
            remove(path)?;
        }
        for (segments, path) in hour.valid {
            recovered.last_segment = recovered.last_segment.max(segments.1);
            match StoredFile::open(path) {
                Ok(file) => {
                    foreign.extend(file.foreign.iter().cloned());
                    recovered.files.push(file);
                }
                Err(StoreError::Damaged { path, reason }) => {
                    tracing::error!(path = %path.display(), reason, "damaged file set aside");
                    set_aside(root, &path);
                    recovered.damaged += 1;
                }
                Err(error) => return Err(error),
            }
        }
        remove_if_empty(Some(&folder));
    }
    if !foreign.is_empty() {
        tracing::warn!(
            columns = ?foreign,
            "some files have columns that this version does not know, or of another type; they are kept and not shown"
        );
    }
    if flows.exists() {
        sync_folder(flows)?;
    }
    Ok(recovered)
}

/// What a folder has, by name; nothing if it is none.
pub fn folder_entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        entries => entries.map_err(StoreError::io("read the folder", folder))?,
    };
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(StoreError::io("read the folder", folder))?;
    paths.sort_unstable();
    Ok(paths)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    fs::remove_file(path).map_err(StoreError::io("delete", path))
}

/// A file that is open for reading by any number of threads.
#[derive(Debug, Clone)]
pub struct FileReader {
    file: Arc<File>,
    length: u64,
}

/// Sequential reads from a place in the file.
#[derive(Debug)]
pub struct ReadFrom {
    file: Arc<File>,
    at: u64,
}

impl Read for ReadFrom {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

impl Length for FileReader {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for FileReader {
    type T = BufReader<ReadFrom>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(ReadFrom {
            file: Arc::clone(&self.file),
            at: start,
        }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        // A damaged file may claim any length.
        if start.saturating_add(length as u64) > self.length {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at {start} are beyond the end of the file"
            )));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// What a file's footer says. Holds no descriptor: these are cached, and one would keep the space of a deleted file.
#[derive(Debug)]
pub struct FileMeta {
    path: PathBuf,
    length: u64,
    pub arrow: ArrowReaderMetadata,
    /// Bounds of the row times of each row group.
    pub times: Vec<(i64, i64)>,
    /// Of each column of the store, its place in the file.
    pub leaves: Vec<Option<usize>>,
    /// Names of the columns that are none of the store's, or of another type.
    foreign: Vec<String>,
}

impl FileMeta {
    pub fn read(path: &Path, page_index: PageIndexPolicy) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(StoreError::io("open", path))?;
        let length = file.metadata().map_err(StoreError::io("open", path))?.len();
        let reader = FileReader {
            file: Arc::new(file),
            length,
        };
        let options = ArrowReaderOptions::new().with_page_index_policy(page_index);
        let arrow = guarded(path, || {
            ArrowReaderMetadata::load(&reader, options).map_err(|error| parquet_error(path, error))
        })?;
        let times = arrow
            .metadata()
            .row_groups()
            .iter()
            .map(time_bounds)
            .collect::<Option<_>>();
        let times = times
            .ok_or_else(|| StoreError::damaged(path, "a row group has no bounds of its times"))?;
        let (mut leaves, mut foreign) = (vec![None; COLUMNS.all.len()], Vec::new());
        for (leaf, column) in arrow.parquet_schema().columns().iter().enumerate() {
            let name = column.path().string();
            let field = arrow.schema().field_with_name(&name).ok();
            match COLUMNS.id(&name) {
                Some(id) if field.is_some_and(|field| COLUMNS.is_of(id, field.data_type())) => {
                    leaves[id] = Some(leaf);
                }
                _ => foreign.push(name),
            }
        }
        Ok(Self {
            path: path.to_path_buf(),
            length,
            arrow,
            times,
            leaves,
            foreign,
        })
    }

    /// Opens the file to read from it.
    pub fn open(&self) -> io::Result<FileReader> {
        Ok(FileReader {
            file: Arc::new(File::open(&self.path)?),
            length: self.length,
        })
    }

    /// Bytes of all columns before compression, which bound what a merge holds.
    fn plain_bytes(&self) -> u64 {
        let row_groups = self.arrow.metadata().row_groups().iter();
        row_groups
            .map(|row_group| u64::try_from(row_group.total_byte_size()).unwrap_or(0))
            .sum()
    }
}

/// Runs code that decodes a file. The decoders panic on some damage; here that is damage like any other.
pub fn guarded<T>(
    path: &Path,
    decode: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(StoreError::damaged(path, "decoding it panicked")))
}

/// An error of the operating system stays one; all else means that the file is damaged.
pub fn parquet_error(path: &Path, error: ParquetError) -> StoreError {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
                StoreError::io("read", path)(*source)
            }
            Ok(source) => StoreError::damaged(path, source),
            Err(inner) => StoreError::damaged(path, inner),
        },
        error => StoreError::damaged(path, error),
    }
}

fn time_bounds(row_group: &RowGroupMetaData) -> Option<(i64, i64)> {
    let name = COLUMNS.all[COLUMNS.time].name;
    let column = row_group
        .columns()
        .iter()
        .find(|column| column.column_path().string() == name)?;
    match column.statistics()? {
        Statistics::Int64(statistics) => Some((*statistics.min_opt()?, *statistics.max_opt()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_hour_and_segments() {
        let path_of = |hour_ms| file_path(Path::new("/data/flows"), hour_ms, (3, 12));
        let path = path_of(1_795_564_800_000).expect("a path");
        assert_eq!(
            path,
            Path::new("/data/flows/2026-11-25T00/0000000003-0000000012.parquet")
        );
        assert_eq!(parse_path(&path), Some((1_795_564_800_000, (3, 12))));
        let (first_ms, last_ms) = (*TIMES_MS.start(), TIMES_MS.end() + 1 - HOUR_MS);
        for hour_ms in [first_ms, -HOUR_MS, 0, last_ms] {
            let path = path_of(hour_ms).expect("a path");
            assert_eq!(parse_path(&path), Some((hour_ms, (3, 12))), "{path:?}");
        }
        for hour_ms in [i64::MIN, first_ms - HOUR_MS, last_ms + HOUR_MS, i64::MAX] {
            let error = path_of(hour_ms).expect_err("no two hours have one path");
            assert_eq!(error.kind(), "no_hour");
        }
        for wrong in [
            "x/1-2.parquet",
            "2026-11-25T00/1.parquet",
            "2026-11-25T00/1-2.tmp",
            "2026-11-25T00/1-2.parquet.x",
        ] {
            assert_eq!(parse_path(Path::new(wrong)), None, "{wrong}");
        }
    }
}
