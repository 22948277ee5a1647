//! Writes rows into sealed Parquet files: one per hour, row groups cut by time, rows inside them ordered by address.
//!
//! Called by the file thread for a segment of the log and for files that are merged.
//!
//! The order within a row group puts the rows of one pair of addresses, and so all that is known of either, side by
//! side: columns shrink to runs, and neighbours fall into the same group of a query. Cutting row groups by time first
//! keeps pruning by time as good as it was.
//!
//! **Invariant:** a file appears under its name only when it is complete and synced.

mod chunk;
mod pages;
mod runs;
mod source;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::Encoding;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesPtr, WriterVersion,
};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnDescPtr, ColumnPath};

use self::chunk::{ChunkEncoder, NO_KEY, PAGE_ROWS};
use self::source::{Place, Source, SourceColumn};
use super::batch::Batch;
use super::error::StoreError;
use super::fields::{COLUMNS, Kind};
use super::files::{HOUR_MS, StoredFile, file_path};
use super::wal::sync_folder;

/// Rows of a full row group: the unit of work of a query.
pub const ROW_GROUP_ROWS: usize = 131_072;
/// Numbers whose dictionary grows beyond this are written plain.
const DICTIONARY_BYTES: usize = 8 << 20;
/// A column whose texts together have more than this is written without a dictionary, in all files of the seal.
const TEXTS_BYTES: usize = 64 << 20;

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
    let path = file_path(flows, hour_ms, segments)?;
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
    let schema = ArrowSchemaConverter::new()
        .convert(&COLUMNS.schema)
        .map_err(failed)?;
    let properties = Arc::new(properties());
    let mut writer =
        SerializedFileWriter::new(sink, schema.root_schema_ptr(), Arc::clone(&properties))
            .map_err(failed)?;
    let mut columns = ColumnWriter::new(properties).map_err(failed)?;
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
        let mut row_group = writer.next_row_group().map_err(failed)?;
        for (id, column) in source.columns.iter().enumerate() {
            let descriptor = schema.column(id);
            columns
                .write(&mut row_group, &descriptor, column, &places)
                .map_err(failed)?;
        }
        row_group.close().map_err(failed)?;
    }
    let mut sink = writer.into_inner().map_err(failed)?;
    sink.flush().map_err(StoreError::io("write", path))?;
    sink.get_ref()
        .sync_all()
        .map_err(StoreError::io("sync", path))
}

/// Writes columns into row groups, with memory that it uses again.
struct ColumnWriter {
    properties: WriterPropertiesPtr,
    encoder: ChunkEncoder,
    keys: Vec<i32>,
    values: Vec<i64>,
    levels: Vec<i16>,
}

impl ColumnWriter {
    fn new(properties: WriterPropertiesPtr) -> parquet::errors::Result<Self> {
        Ok(Self {
            properties,
            encoder: ChunkEncoder::new()?,
            keys: Vec::new(),
            values: Vec::new(),
            levels: Vec::new(),
        })
    }

    fn write<W: std::io::Write + Send>(
        &mut self,
        row_group: &mut SerializedRowGroupWriter<'_, W>,
        descriptor: &ColumnDescPtr,
        column: &SourceColumn<'_>,
        places: &[Place],
    ) -> parquet::errors::Result<()> {
        let (properties, encoder) = (&self.properties, &mut self.encoder);
        let (bytes, closed) = match column {
            SourceColumn::Ints(ints) => {
                ints.gather(places, &mut self.values, &mut self.levels);
                if self.values.is_empty() {
                    encoder.nothing(descriptor, places.len())?
                } else {
                    let (values, levels) = (&self.values, &self.levels);
                    encoder.values::<Int64Type>(descriptor, properties, values, levels)?
                }
            }
            SourceColumn::Texts(texts) => {
                texts.gather(places, &mut self.keys);
                let present = self.keys.iter().filter(|key| **key != NO_KEY);
                let column = chunk::TextColumn {
                    keys: &self.keys,
                    values: &texts.values,
                    ranks: texts.ranks.as_deref(),
                };
                if present.clone().next().is_none() {
                    encoder.nothing(descriptor, places.len())?
                } else if texts.bytes() <= TEXTS_BYTES {
                    encoder.texts(descriptor, &column)?
                } else {
                    self.levels.clear();
                    let level = |key: &i32| i16::from(*key != NO_KEY);
                    self.levels.extend(self.keys.iter().map(level));
                    let text = |key: &i32| ByteArray::from(texts.values[*key as usize]);
                    let values: Vec<ByteArray> = present.map(text).collect();
                    let levels = &self.levels;
                    encoder.values::<ByteArrayType>(descriptor, properties, &values, levels)?
                }
            }
        };
        row_group.append_column(&bytes, closed)
    }
}

/// How the library encodes a column; it compresses nothing, since [`pages::Pages`] does.
fn properties() -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("netobserv plugin-backend ", env!("CARGO_PKG_VERSION")).to_owned());
    // Times of a row group hardly repeat; `TimeReceived` does, being in seconds.
    for name in ["TimeFlowStartMs", "TimeFlowEndMs"] {
        builder = builder
            .set_column_dictionary_enabled(ColumnPath::from(name), false)
            .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    // Texts that go through the library's writer are those that hardly repeat.
    for column in COLUMNS.all.iter().filter(|column| column.kind != Kind::Int) {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(column.name), false);
    }
    let mut properties = builder.build();
    add_encoded_arrow_schema_to_metadata(&COLUMNS.schema, &mut properties);
    properties
}
