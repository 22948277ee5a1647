//! The pages of one column as they stand in the file: compressed with memory that is used again, each with a digest.
//!
//! Those of texts come from [`super::chunk`], those of numbers from the library's column writer, which would make a
//! context of zstd for each column and write no digests.
//!
//! Source: `PageHeader` in `parquet.thrift` of the Parquet format, in Thrift's compact protocol.
//!
//! **Invariant:** offsets count from the first page; a page's digest is that of its bytes after compression.

use parquet::basic::{Encoding, PageType};
use parquet::column::page::{CompressedPage, PageWriteSpec, PageWriter};
use parquet::errors::{ParquetError, Result};
use zstd::bulk::Compressor;
use zstd::zstd_safe::compress_bound;

/// Compression pays back twice, on the disk and in reading; higher levels cost more than they save here.
pub const ZSTD_LEVEL: i32 = 3;

/// What a page holds.
#[derive(Debug, Clone, Copy)]
pub struct PageKind {
    pub page_type: PageType,
    pub encoding: Encoding,
    /// Values or, in data pages, rows.
    pub values: u32,
}

/// The pages of the column at hand.
pub struct Pages {
    compressor: Compressor<'static>,
    compressed: Vec<u8>,
    pub bytes: Vec<u8>,
    /// Bytes of all pages before compression, with their headers.
    pub plain_bytes: usize,
    pub data_count: i32,
}

impl Pages {
    pub fn new() -> Result<Self> {
        Ok(Self {
            compressor: Compressor::new(ZSTD_LEVEL)?,
            compressed: Vec::new(),
            bytes: Vec::new(),
            plain_bytes: 0,
            data_count: 0,
        })
    }

    /// Begins a column.
    pub fn begin(&mut self) {
        self.bytes.clear();
        (self.plain_bytes, self.data_count) = (0, 0);
    }

    /// Adds a page; answers its place.
    pub fn add(&mut self, kind: PageKind, plain: &[u8]) -> Result<PageWriteSpec> {
        self.compressed.clear();
        self.compressed.reserve(compress_bound(plain.len()));
        self.compressor
            .compress_to_buffer(plain, &mut self.compressed)?;
        let start = self.bytes.len();
        header(&mut self.bytes, kind, plain.len(), &self.compressed)?;
        let header_bytes = self.bytes.len() - start;
        self.bytes.extend_from_slice(&self.compressed);
        self.plain_bytes += header_bytes + plain.len();
        self.data_count += i32::from(kind.page_type == PageType::DATA_PAGE);
        let mut place = PageWriteSpec::new();
        place.page_type = kind.page_type;
        place.num_values = kind.values;
        place.offset = start as u64;
        place.uncompressed_size = header_bytes + plain.len();
        place.compressed_size = self.bytes.len() - start;
        place.bytes_written = place.compressed_size as u64;
        Ok(place)
    }
}

/// For the library's column writer, which is told to compress nothing.
impl PageWriter for &mut Pages {
    fn write_page(&mut self, page: CompressedPage) -> Result<PageWriteSpec> {
        let kind = PageKind {
            page_type: page.page_type(),
            encoding: page.encoding(),
            values: page.num_values(),
        };
        self.add(kind, page.data())
    }

    fn close(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Types of the compact protocol.
const INT32: u8 = 5;
const STRUCT: u8 = 12;
const FALSE: u8 = 2;
const STOP: u8 = 0;

/// Appends a page's header.
fn header(out: &mut Vec<u8>, kind: PageKind, plain_bytes: usize, page: &[u8]) -> Result<()> {
    let length = |bytes: usize| {
        i32::try_from(bytes).map_err(|_| ParquetError::General("a page of 2 GiB".to_owned()))
    };
    int32(out, 1, kind.page_type as i32);
    int32(out, 1, length(plain_bytes)?);
    int32(out, 1, length(page.len())?);
    int32(out, 1, crc32fast::hash(page) as i32);
    // The fifth field is the header of data pages, the seventh that of dictionaries.
    let is_data = kind.page_type == PageType::DATA_PAGE;
    field(out, if is_data { 1 } else { 3 }, STRUCT);
    int32(out, 1, kind.values as i32);
    int32(out, 1, kind.encoding as i32);
    if is_data {
        int32(out, 1, Encoding::RLE as i32);
        int32(out, 1, Encoding::RLE as i32);
    } else {
        // Whether it is sorted.
        field(out, 1, FALSE);
    }
    out.extend_from_slice(&[STOP, STOP]);
    Ok(())
}

/// Begins the field that comes `step` after the last.
fn field(out: &mut Vec<u8>, step: u8, field_type: u8) {
    out.push(step << 4 | field_type);
}

fn int32(out: &mut Vec<u8>, step: u8, value: i32) {
    field(out, step, INT32);
    // Zigzag, so that small negative numbers are short too.
    let mut rest = (value << 1 ^ value >> 31) as u32;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}
