//! Decodes columns of one row group of a sealed file.
//!
//! The library decodes pages, and gets them decompressed: left to itself it makes a context of zstd for each column,
//! which takes longer than decompressing most of them. Here each thread has one.
//!
//! **Invariant:** a page that does not fit its digest (where it has one) or its length is an error, and what a page
//! claims to be long is not believed beyond what the footer says of its column.

use std::cell::RefCell;
use std::sync::Arc;

use arrow::compute::concat_batches;
use bytes::{Buf as _, Bytes, buf::Reader};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowGroups, RowSelection};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::Compression;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length, SerializedPageReader};
use zstd::bulk::Decompressor;
use zstd::zstd_safe::get_frame_content_size;

use super::batch::Batch;
use super::files::{FileMeta, FileReader};

/// Decodes the columns at these places of the file, of all rows or of the selected ones.
pub fn decode(
    meta: &FileMeta,
    file: &FileReader,
    index: usize,
    leaves: Vec<usize>,
    selection: Option<&RowSelection>,
) -> Result<Batch> {
    let metadata = meta.arrow.metadata();
    let total = metadata.row_group(index).num_rows() as usize;
    let rows = selection.map_or(total, RowSelection::row_count);
    if leaves.is_empty() || rows == 0 {
        return Ok(Batch::new(rows));
    }
    let schema = meta.arrow.parquet_schema();
    let mask = ProjectionMask::leaves(schema, leaves);
    let levels = parquet_to_arrow_field_levels(schema, mask, Some(meta.arrow.schema().fields()))?;
    let row_group = RowGroup {
        metadata,
        file,
        index,
        is_whole: selection.is_none(),
    };
    let batches = ParquetRecordBatchReader::try_new_with_row_groups(
        &levels,
        &row_group,
        rows,
        selection.cloned(),
    )?;
    let mut batches = batches.collect::<std::result::Result<Vec<_>, _>>()?;
    let batch = match batches.len() {
        0 => return Err(ParquetError::General(format!("none of {rows} rows"))),
        1 => batches.remove(0),
        _ => concat_batches(&batches[0].schema(), &batches)?,
    };
    if batch.num_rows() != rows {
        return Err(ParquetError::General(format!(
            "{} rows instead of {rows}",
            batch.num_rows()
        )));
    }
    Ok(Batch::from_record_batch(&batch))
}

/// Where the library finds the pages of the row group.
struct RowGroup<'a> {
    metadata: &'a ParquetMetaData,
    file: &'a FileReader,
    index: usize,
    /// All pages are wanted.
    is_whole: bool,
}

impl RowGroups for RowGroup<'_> {
    fn num_rows(&self) -> usize {
        self.metadata.row_group(self.index).num_rows() as usize
    }

    fn column_chunks(&self, leaf: usize) -> Result<Box<dyn PageIterator>> {
        let pages = if self.is_whole {
            let (start, length) = self
                .metadata
                .row_group(self.index)
                .column(leaf)
                .byte_range();
            let bytes = self.file.get_bytes(start, usize::try_from(length)?)?;
            self.pages(leaf, Span { start, bytes })?
        } else {
            self.pages(leaf, self.file.clone())?
        };
        Ok(Box::new(OneColumn(Some(pages))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata.row_group(self.index)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.metadata
    }
}

impl RowGroup<'_> {
    fn pages<R: ChunkReader + 'static>(
        &self,
        leaf: usize,
        reader: R,
    ) -> Result<Box<dyn PageReader>> {
        let row_group = self.metadata.row_group(self.index);
        let column = row_group.column(leaf);
        let locations = self
            .metadata
            .offset_index()
            .and_then(|index| index.get(self.index)?.get(leaf))
            .map(|index| index.page_locations().clone());
        let rows = row_group.num_rows() as usize;
        let reader = Arc::new(reader);
        if !matches!(column.compression(), Compression::ZSTD(_)) {
            let pages = SerializedPageReader::new(reader, column, rows, locations)?;
            return Ok(Box::new(pages));
        }
        let as_written = column
            .clone()
            .into_builder()
            .set_compression(Compression::UNCOMPRESSED)
            .build()?;
        Ok(Box::new(Pages {
            limit: usize::try_from(column.uncompressed_size())?,
            compressed: SerializedPageReader::new(reader, &as_written, rows, locations)?,
        }))
    }
}

/// Bytes of a file from `start` on.
struct Span {
    start: u64,
    bytes: Bytes,
}

impl Span {
    fn from(&self, start: u64) -> Result<Bytes> {
        let at = usize::try_from(start.wrapping_sub(self.start))?;
        if at > self.bytes.len() {
            return Err(ParquetError::EOF("beyond the column".to_owned()));
        }
        Ok(self.bytes.slice(at..))
    }
}

impl Length for Span {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Span {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF("beyond the column".to_owned()));
        }
        Ok(bytes.slice(..length))
    }
}

/// The pages of the only row group.
struct OneColumn(Option<Box<dyn PageReader>>);

impl Iterator for OneColumn {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl PageIterator for OneColumn {}

/// Pages of a column, decompressed.
struct Pages<R: ChunkReader> {
    compressed: SerializedPageReader<R>,
    /// Bytes of all pages of the column, as the footer says.
    limit: usize,
}

impl<R: ChunkReader> Iterator for Pages<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl<R: ChunkReader> PageReader for Pages<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(mut page) = self.compressed.get_next_page()? else {
            return Ok(None);
        };
        match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
                *buf = decompress(buf, self.limit)?;
            }
            // Its levels are not compressed; the store does not write such.
            Page::DataPageV2 { .. } => {
                return Err(ParquetError::NYI("data pages of version 2".to_owned()));
            }
        }
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.compressed.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.compressed.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.compressed.at_record_boundary()
    }
}

thread_local! {
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn decompress(page: &[u8], limit: usize) -> Result<Bytes> {
    let length = get_frame_content_size(page).ok().flatten();
    let length = length
        .and_then(|length| usize::try_from(length).ok())
        .filter(|length| *length <= limit)
        .ok_or_else(|| ParquetError::General("a page of impossible length".to_owned()))?;
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        let decompressor = match decompressor {
            Some(decompressor) => decompressor,
            None => decompressor.insert(Decompressor::new()?),
        };
        Ok(decompressor.decompress(page, length)?.into())
    })
}
