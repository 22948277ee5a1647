//! Writes rows into sealed Parquet files: one per hour, row groups cut by time, rows inside them ordered by address.
//!
//! Called by the file thread for a segment of the log and for files that are merged.
//!
//! The order within a row group puts the rows of one pair of addresses, and so all that is known of either, side by
//! side: columns shrink to runs, and neighbours fall into the same group of a query. Cutting row groups by time first
//! keeps pruning by time as good as it was.
//!
//! **Invariant:** a file appears under its name only when it is complete and synced.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, DictionaryArray, Int32Array, Int64Array, StringBuilder};
use arrow::buffer::NullBuffer;
use arrow::datatypes::Int32Type;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use super::batch::{Batch, TextColumn};
use super::error::StoreError;
use super::fields::{COLUMNS, FieldId, Kind};
use super::files::{HOUR_MS, StoredFile, file_path};
use super::wal::sync_folder;

/// Rows of a full row group: the unit of work of a query.
pub const ROW_GROUP_ROWS: usize = 131_072;
/// Rows of a page: what a query decodes to get at one row.
const PAGE_ROWS: usize = 8_192;
/// Compression pays back twice, on the disk and in reading; higher levels cost more than they save here.
const ZSTD_LEVEL: i32 = 3;
/// Dictionaries stay whole for every realistic row group, so that queries can work on their keys.
const DICTIONARY_BYTES: usize = 8 << 20;

/// Place of a row: batch and row in it.
type Place = (u32, u32);

/// Writes all rows, one file per hour of their times.
pub fn write_hours(
    flows: &Path,
    segments: (u64, u64),
    batches: &[Arc<Batch>],
) -> Result<Vec<StoredFile>, StoreError> {
    let mut order: Vec<(i64, Place)> =
        Vec::with_capacity(batches.iter().map(|batch| batch.rows).sum());
    for (at, batch) in batches.iter().enumerate() {
        order.extend((0..batch.rows).map(|row| (batch.time_ms(row), (at as u32, row as u32))));
    }
    order.sort_unstable();
    let source = Source::new(batches);
    let mut files = Vec::new();
    for hour in order.chunk_by(|a, b| a.0.div_euclid(HOUR_MS) == b.0.div_euclid(HOUR_MS)) {
        let hour_ms = hour[0].0.div_euclid(HOUR_MS) * HOUR_MS;
        files.push(write_file(flows, hour_ms, segments, hour, &source)?);
    }
    Ok(files)
}

fn write_file(
    flows: &Path,
    hour_ms: i64,
    segments: (u64, u64),
    rows: &[(i64, Place)],
    source: &Source<'_>,
) -> Result<StoredFile, StoreError> {
    let path = file_path(flows, hour_ms, segments);
    let folder = path.parent().unwrap_or(flows);
    if !folder.exists() {
        fs::create_dir_all(folder).map_err(StoreError::io("create the folder", folder))?;
        sync_folder(flows)?;
    }
    let temporary = path.with_extension("tmp");
    let written = write_row_groups(&temporary, rows, source)
        .and_then(|()| fs::rename(&temporary, &path).map_err(StoreError::io("rename", &temporary)))
        .and_then(|()| sync_folder(folder))
        .and_then(|()| StoredFile::open(path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_row_groups(
    path: &Path,
    rows: &[(i64, Place)],
    source: &Source<'_>,
) -> Result<(), StoreError> {
    let failed = |error| super::files::parquet_error(path, error);
    let file = File::create(path).map_err(StoreError::io("create", path))?;
    let sink = std::io::BufWriter::with_capacity(1 << 18, file);
    let schema = Arc::clone(&COLUMNS.schema);
    let mut writer =
        ArrowWriter::try_new(sink, schema, Some(properties(source))).map_err(failed)?;
    // Row groups of equal size, so that none is a small rest.
    let groups = rows.len().div_ceil(ROW_GROUP_ROWS).max(1);
    for group in rows.chunks(rows.len().div_ceil(groups).max(1)) {
        let mut places: Vec<(u64, u32, Place)> = group
            .iter()
            .enumerate()
            .map(|(at, (_, place))| (source.address_rank(*place), at as u32, *place))
            .collect();
        places.sort_unstable();
        let places: Vec<Place> = places.into_iter().map(|(_, _, place)| place).collect();
        writer
            .write(&source.gather(&places).complete())
            .map_err(failed)?;
        writer.flush().map_err(failed)?;
    }
    let mut sink = writer.into_inner().map_err(failed)?;
    sink.flush().map_err(StoreError::io("write", path))?;
    sink.get_ref()
        .sync_all()
        .map_err(StoreError::io("sync", path))
}

fn properties(source: &Source<'_>) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(
            ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default(),
        ))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("netobserv plugin-backend ", env!("CARGO_PKG_VERSION")).to_owned());
    let path = |id: FieldId| ColumnPath::from(COLUMNS.all[id].name);
    // Times of a row group hardly repeat; `TimeReceived` does, being in seconds.
    for name in ["TimeFlowStartMs", "TimeFlowEndMs"] {
        builder = builder
            .set_column_dictionary_enabled(ColumnPath::from(name), false)
            .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    for id in [COLUMNS.source, COLUMNS.destination] {
        let distinct = source.texts[id]
            .as_ref()
            .map_or(1, |texts| texts.values.len().max(1));
        builder = builder
            .set_column_statistics_enabled(path(id), EnabledStatistics::Page)
            .set_column_bloom_filter_enabled(path(id), true)
            .set_column_bloom_filter_fpp(path(id), 0.01)
            .set_column_bloom_filter_max_ndv(path(id), distinct as u64);
    }
    builder.build()
}

/// The rows to write, their dictionaries united.
struct Source<'a> {
    ints: Vec<Vec<Option<&'a Int64Array>>>,
    texts: Vec<Option<UnitedTexts<'a>>>,
}

/// One dictionary column of all batches.
struct UnitedTexts<'a> {
    columns: Vec<Option<TextColumn<'a>>>,
    /// Of each batch: its key to the united one.
    keys: Vec<Vec<i32>>,
    values: ArrayRef,
    /// Position of each united text in the order of texts, for the columns that rows are ordered by.
    ranks: Vec<u32>,
}

impl<'a> Source<'a> {
    fn new(batches: &'a [Arc<Batch>]) -> Self {
        let mut source = Self {
            ints: Vec::new(),
            texts: Vec::new(),
        };
        for (id, column) in COLUMNS.all.iter().enumerate() {
            let is_text = column.kind != Kind::Int;
            let is_ranked = id == COLUMNS.source || id == COLUMNS.destination;
            source
                .texts
                .push(is_text.then(|| UnitedTexts::new(batches, id, is_ranked)));
            let ints = if is_text {
                Vec::new()
            } else {
                batches.iter().map(|batch| batch.ints(id)).collect()
            };
            source.ints.push(ints);
        }
        source
    }

    /// Rows are ordered by this: source, then destination.
    fn address_rank(&self, place: Place) -> u64 {
        let rank = |id: FieldId| self.texts[id].as_ref().map_or(0, |texts| texts.rank(place));
        u64::from(rank(COLUMNS.source)) << 32 | u64::from(rank(COLUMNS.destination))
    }

    fn gather(&self, places: &[Place]) -> Batch {
        let mut batch = Batch::new(places.len());
        for (id, texts) in self.texts.iter().enumerate() {
            let array = match texts {
                Some(texts) => texts.gather(places),
                None => gather_ints(&self.ints[id], places),
            };
            if let Some(array) = array {
                batch.push(id, array);
            }
        }
        batch
    }
}

fn gather_ints(columns: &[Option<&Int64Array>], places: &[Place]) -> Option<ArrayRef> {
    if columns.iter().all(Option::is_none) {
        return None;
    }
    let is_full = columns
        .iter()
        .all(|column| column.is_some_and(|column| column.null_count() == 0));
    let value = |place: &Place| {
        columns[place.0 as usize].map_or(0, |column| column.value(place.1 as usize))
    };
    let nulls = (!is_full).then(|| {
        let is_valid =
            |place: &Place| columns[place.0 as usize].is_some_and(|c| c.is_valid(place.1 as usize));
        places.iter().map(is_valid).collect::<NullBuffer>()
    });
    let values: Vec<i64> = places.iter().map(value).collect();
    Some(Arc::new(Int64Array::new(values.into(), nulls)))
}

impl<'a> UnitedTexts<'a> {
    fn new(batches: &'a [Arc<Batch>], id: FieldId, is_ranked: bool) -> Self {
        let mut known: HashMap<&str, i32, RandomState> = HashMap::default();
        let mut values = StringBuilder::new();
        let columns: Vec<_> = batches.iter().map(|batch| batch.texts(id)).collect();
        let mut keys = Vec::with_capacity(batches.len());
        for column in &columns {
            let texts = column
                .iter()
                .flat_map(|column| column.values.iter().flatten());
            let united = texts.map(|text| {
                let next = known.len() as i32;
                *known.entry(text).or_insert_with(|| {
                    values.append_value(text);
                    next
                })
            });
            keys.push(united.collect());
        }
        let mut ranks = Vec::new();
        if is_ranked {
            let mut texts: Vec<(&str, i32)> =
                known.iter().map(|(text, key)| (*text, *key)).collect();
            texts.sort_unstable();
            ranks = vec![0; texts.len()];
            for (rank, (_, key)) in texts.into_iter().enumerate() {
                ranks[key as usize] = rank as u32 + 1;
            }
        }
        Self {
            columns,
            keys,
            values: Arc::new(values.finish()),
            ranks,
        }
    }

    fn key(&self, place: Place) -> Option<i32> {
        let column = self.columns[place.0 as usize].as_ref()?;
        column
            .key(place.1 as usize)
            .map(|key| self.keys[place.0 as usize][key])
    }

    fn rank(&self, place: Place) -> u32 {
        self.key(place).map_or(0, |key| self.ranks[key as usize])
    }

    fn gather(&self, places: &[Place]) -> Option<ArrayRef> {
        if self.values.is_empty() {
            return None;
        }
        let mut keys: Vec<i32> = places
            .iter()
            .map(|place| self.key(*place).unwrap_or(-1))
            .collect();
        let nulls = keys.contains(&-1).then(|| {
            let nulls = keys.iter().map(|key| *key != -1).collect::<NullBuffer>();
            for key in &mut keys {
                *key = (*key).max(0);
            }
            nulls
        });
        let keys = Int32Array::new(keys.into(), nulls);
        Some(Arc::new(DictionaryArray::<Int32Type>::new(
            keys,
            Arc::clone(&self.values),
        )))
    }
}
