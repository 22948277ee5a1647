//! Encodes one column of a row group whose values have keys already: what the library's writer would find out again by
//! hashing every row.
//!
//! This is for dictionaries of texts and for columns of nothing; numbers, and texts that hardly repeat, are encoded by
//! the library's writer.
//!
//! **Invariant:** what is written is what the format says of optional byte arrays: a dictionary page, then data pages
//! of version 1, each with its definition levels.

use std::cmp::{max, min};

use std::mem::take;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, PageType, Type, ZstdLevel};
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::{ColumnCloseResult, ColumnWriterImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::Result;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnChunkMetaDataBuilder, ColumnIndexBuilder, OffsetIndexBuilder,
    PageEncodingStats,
};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescPtr;

use super::pages::{PageKind, Pages, ZSTD_LEVEL};
use super::runs;

/// Rows of a page: what a query decodes to get at one row.
pub const PAGE_ROWS: usize = 8_192;
/// Longest bound that statistics keep; beyond it they say nothing.
const BOUND_BYTES: usize = 64;
/// Chance that a Bloom filter says "perhaps" wrongly.
const BLOOM_CHANCE: f64 = 0.01;

/// Key of a row without a value.
pub const NO_KEY: i32 = -1;
/// A key that the row group has not used yet.
const UNUSED: u32 = u32::MAX;

/// A column of a row group.
pub struct TextColumn<'a> {
    pub keys: &'a [i32],
    /// Texts by key.
    pub values: &'a [&'a str],
    /// Place of each text in their order: then pages get bounds and the column a Bloom filter.
    pub ranks: Option<&'a [u32]>,
}

/// Encodes columns, one after the other.
pub struct ChunkEncoder {
    pages: Pages,
    page: Vec<u8>,
    levels: Vec<u32>,
    codes: Vec<u32>,
    offsets: OffsetIndexBuilder,
}

/// An encoded column: its bytes and what the row group must know of it.
pub type Encoded = (Bytes, ColumnCloseResult);

impl ChunkEncoder {
    pub fn new() -> Result<Self> {
        Ok(Self {
            pages: Pages::new()?,
            page: Vec::new(),
            levels: Vec::new(),
            codes: Vec::new(),
            offsets: OffsetIndexBuilder::new(),
        })
    }

    /// A column that the library encodes: of each row whether it has a value (1) or not (0), and the values.
    pub fn values<T: DataType>(
        &mut self,
        descriptor: &ColumnDescPtr,
        properties: &WriterPropertiesPtr,
        values: &[T::T],
        levels: &[i16],
    ) -> Result<Encoded> {
        self.pages.begin();
        let pages = Box::new(&mut self.pages);
        let mut writer = ColumnWriterImpl::<T>::new(descriptor.clone(), properties.clone(), pages);
        writer.write_batch(values, Some(levels), None)?;
        let mut closed = writer.close()?;
        closed.metadata = closed
            .metadata
            .into_builder()
            .set_compression(compression()?)
            .build()?;
        Ok((take(&mut self.pages.bytes).into(), closed))
    }

    /// A column in which no row has a value.
    pub fn nothing(&mut self, descriptor: &ColumnDescPtr, rows: usize) -> Result<Encoded> {
        self.pages.begin();
        self.levels.clear();
        self.levels.resize(rows, 0);
        self.page.clear();
        self.write_levels();
        let data_offset = self.data_page(rows, Encoding::PLAIN)?;
        let statistics = match descriptor.physical_type() {
            Type::INT64 => Statistics::Int64(ValueStatistics::new(
                None,
                None,
                None,
                Some(rows as u64),
                false,
            )),
            _ => text_statistics(None, None, rows),
        };
        let metadata = ColumnChunkMetaData::builder(descriptor.clone())
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE])
            .set_page_encoding_stats(vec![PageEncodingStats {
                page_type: PageType::DATA_PAGE,
                encoding: Encoding::PLAIN,
                count: self.pages.data_count,
            }])
            .set_data_page_offset(data_offset)
            .set_statistics(statistics);
        self.close(metadata, rows, None, None)
    }

    /// A column of texts, of which some row has a value.
    pub fn texts(
        &mut self,
        descriptor: &ColumnDescPtr,
        column: &TextColumn<'_>,
    ) -> Result<Encoded> {
        let rows = column.keys.len();
        // Of the texts that the row group uses, in the order of their first use.
        let mut local = vec![UNUSED; column.values.len()];
        let mut used: Vec<u32> = Vec::new();
        for key in column.keys.iter().filter(|key| **key != NO_KEY) {
            let number = &mut local[*key as usize];
            if *number == UNUSED {
                *number = used.len() as u32;
                used.push(*key as u32);
            }
        }
        self.pages.begin();
        self.dictionary_page(used.iter().map(|key| column.values[*key as usize]))?;

        let mut bounds = column
            .ranks
            .map(|_| ColumnIndexBuilder::new(Type::BYTE_ARRAY));
        let (mut data_offset, mut nulls, mut seen) = (None, 0, 0);
        for keys in column.keys.chunks(PAGE_ROWS) {
            self.levels.clear();
            self.codes.clear();
            for key in keys {
                self.levels.push(u32::from(*key != NO_KEY));
                if *key != NO_KEY {
                    self.codes.push(local[*key as usize]);
                }
            }
            let missing = keys.len() - self.codes.len();
            nulls += missing;
            seen = self.codes.iter().fold(seen, |seen, code| max(seen, *code));
            self.page.clear();
            self.write_levels();
            let width = runs::width_of(seen);
            self.page.push(width);
            runs::encode(&mut self.page, &self.codes, width);
            let offset = self.data_page(keys.len(), Encoding::RLE_DICTIONARY)?;
            data_offset.get_or_insert(offset);
            if let (Some(bounds), Some(ranks)) = (&mut bounds, column.ranks) {
                let (first, last) = page_bounds(keys, column.values, ranks);
                bounds.append(self.codes.is_empty(), first, last, missing as i64);
            }
        }

        let texts = used.iter().map(|key| column.values[*key as usize]);
        let statistics = text_statistics(texts.clone().min(), texts.clone().max(), nulls);
        let bloom = if column.ranks.is_some() {
            let mut filter = Sbbf::new_with_ndv_fpp(used.len().max(1) as u64, BLOOM_CHANCE)?;
            texts.for_each(|text| filter.insert(text));
            Some(filter)
        } else {
            None
        };
        let stats = |page_type, encoding, count| PageEncodingStats {
            page_type,
            encoding,
            count,
        };
        let metadata = ColumnChunkMetaData::builder(descriptor.clone())
            .set_encodings(vec![
                Encoding::PLAIN,
                Encoding::RLE,
                Encoding::RLE_DICTIONARY,
            ])
            .set_page_encoding_stats(vec![
                stats(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1),
                stats(
                    PageType::DATA_PAGE,
                    Encoding::RLE_DICTIONARY,
                    self.pages.data_count,
                ),
            ])
            .set_dictionary_page_offset(Some(0))
            .set_data_page_offset(data_offset.unwrap_or_default())
            .set_statistics(statistics);
        self.close(metadata, rows, bloom, bounds)
    }

    /// Definition levels of the page: their length, then 1 for a row with a value.
    fn write_levels(&mut self) {
        self.page.extend_from_slice(&[0; 4]);
        runs::encode(&mut self.page, &self.levels, 1);
        let length = (self.page.len() - 4) as u32;
        self.page[..4].copy_from_slice(&length.to_le_bytes());
    }

    fn dictionary_page<'t>(&mut self, texts: impl ExactSizeIterator<Item = &'t str>) -> Result<()> {
        let kind = PageKind {
            page_type: PageType::DICTIONARY_PAGE,
            encoding: Encoding::PLAIN,
            values: texts.len() as u32,
        };
        self.page.clear();
        for text in texts {
            self.page
                .extend_from_slice(&(text.len() as u32).to_le_bytes());
            self.page.extend_from_slice(text.as_bytes());
        }
        self.pages.add(kind, &self.page).map(drop)
    }

    /// Writes the page at hand; answers its offset.
    fn data_page(&mut self, rows: usize, encoding: Encoding) -> Result<i64> {
        let kind = PageKind {
            page_type: PageType::DATA_PAGE,
            encoding,
            values: rows as u32,
        };
        let place = self.pages.add(kind, &self.page)?;
        let offset = place.offset as i64;
        self.offsets.append_row_count(rows as i64);
        self.offsets
            .append_offset_and_size(offset, place.compressed_size as i32);
        Ok(offset)
    }

    fn close(
        &mut self,
        metadata: ColumnChunkMetaDataBuilder,
        rows: usize,
        bloom_filter: Option<Sbbf>,
        bounds: Option<ColumnIndexBuilder>,
    ) -> Result<Encoded> {
        let bytes = take(&mut self.pages.bytes);
        let offsets = std::mem::replace(&mut self.offsets, OffsetIndexBuilder::new());
        let metadata = metadata
            .set_compression(compression()?)
            .set_num_values(rows as i64)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(self.pages.plain_bytes as i64)
            .build()?;
        let closed = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter,
            column_index: bounds.map(ColumnIndexBuilder::build).transpose()?,
            offset_index: Some(offsets.build()),
        };
        Ok((bytes.into(), closed))
    }
}

fn compression() -> Result<Compression> {
    Ok(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
}

/// First and last text of a page in their order; empty if it has none.
fn page_bounds(keys: &[i32], values: &[&str], ranks: &[u32]) -> (Vec<u8>, Vec<u8>) {
    let present = keys.iter().filter(|key| **key != NO_KEY);
    let by_rank = present.map(|key| (ranks[*key as usize], *key));
    let bounds = by_rank.fold(None, |bounds, at| {
        let (first, last) = bounds.unwrap_or((at, at));
        Some((min(first, at), max(last, at)))
    });
    let text = |(_, key): (u32, i32)| values[key as usize].as_bytes().to_vec();
    bounds.map_or_else(Default::default, |(first, last)| (text(first), text(last)))
}

fn text_statistics(first: Option<&str>, last: Option<&str>, nulls: usize) -> Statistics {
    let bound = |text: Option<&str>| {
        text.filter(|text| text.len() <= BOUND_BYTES)
            .map(ByteArray::from)
    };
    Statistics::ByteArray(ValueStatistics::new(
        bound(first),
        bound(last),
        None,
        Some(nulls as u64),
        false,
    ))
}
