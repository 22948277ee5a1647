//! The rows of the head, column by column, each text once in its column's dictionary.
//!
//! Whole pushes are appended; queries and sealing take copies.
//!
//! **Invariant:** a column that no row has costs nothing; all columns read as having `len` rows; a key of a dictionary
//! never changes its text.

use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, Int64Array, StringArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::batch::Batch;
use super::fields::{COLUMNS, Kind};
use super::lines::{LineColumn, Lines, NO_VALUE, Span};
use super::words::is_equal;

/// A growing set of rows.
#[derive(Debug)]
pub struct Rows {
    pub len: usize,
    columns: Vec<ColumnBuilder>,
}

#[derive(Debug)]
enum ColumnBuilder {
    Int(IntBuilder),
    Text(TextBuilder),
}

impl Default for Rows {
    fn default() -> Self {
        let columns = COLUMNS.all.iter().map(|column| match column.kind {
            Kind::Int => ColumnBuilder::Int(IntBuilder::default()),
            Kind::Text | Kind::Json => ColumnBuilder::Text(TextBuilder::default()),
        });
        Self {
            len: 0,
            columns: columns.collect(),
        }
    }
}

impl Rows {
    /// Appends all lines of a push.
    pub fn append(&mut self, lines: &Lines) {
        self.cut();
        for (mine, theirs) in self.columns.iter_mut().zip(&lines.columns) {
            match (mine, theirs) {
                (ColumnBuilder::Int(mine), LineColumn::Ints(values)) if !values.is_empty() => {
                    mine.values.resize(self.len, NO_VALUE);
                    mine.values.extend_from_slice(values);
                }
                (ColumnBuilder::Text(mine), LineColumn::Texts(spans)) if !spans.is_empty() => {
                    mine.keys.resize(self.len, NO_KEY);
                    mine.append(lines, spans);
                }
                _ => {}
            }
        }
        self.len += lines.len;
    }

    /// Cuts off what an append that panicked left behind `len`.
    fn cut(&mut self) {
        for column in &mut self.columns {
            match column {
                ColumnBuilder::Int(column) => column.values.truncate(self.len),
                ColumnBuilder::Text(column) => column.keys.truncate(self.len),
            }
        }
    }

    /// Forgets all rows and keeps the memory and the dictionaries.
    pub fn clear(&mut self) {
        self.len = 0;
        for column in &mut self.columns {
            match column {
                ColumnBuilder::Int(column) => column.values.clear(),
                ColumnBuilder::Text(column) => column.keys.clear(),
            }
        }
    }

    /// Bytes of all dictionaries.
    pub fn dictionary_bytes(&self) -> usize {
        let of = |column: &ColumnBuilder| match column {
            ColumnBuilder::Int(_) => 0,
            ColumnBuilder::Text(column) => column.bytes.len() + column.ends.len() * KEY_BYTES,
        };
        self.columns.iter().map(of).sum()
    }

    /// Bytes held, roughly.
    pub fn memory(&self) -> usize {
        let of = |column: &ColumnBuilder| match column {
            ColumnBuilder::Int(column) => column.values.len() * size_of::<i64>(),
            ColumnBuilder::Text(column) => column.keys.len() * size_of::<i32>(),
        };
        self.columns.iter().map(of).sum::<usize>() + self.dictionary_bytes()
    }

    /// Copy of all columns that some row has.
    pub fn batch(&mut self) -> Batch {
        self.cut();
        let mut batch = Batch::new(self.len);
        for (id, column) in self.columns.iter_mut().enumerate() {
            let array = match column {
                ColumnBuilder::Int(column) => column.array(self.len),
                ColumnBuilder::Text(column) => column.array(self.len),
            };
            if let Some(array) = array {
                batch.push(id, array);
            }
        }
        batch
    }
}

#[derive(Debug, Default)]
struct IntBuilder {
    values: Vec<i64>,
}

impl IntBuilder {
    fn array(&self, len: usize) -> Option<ArrayRef> {
        if self.values.is_empty() {
            return None;
        }
        let missing = len - self.values.len();
        let has_missing = missing > 0 || self.values.contains(&NO_VALUE);
        let nulls = has_missing.then(|| {
            let present = self.values.iter().map(|value| *value != NO_VALUE);
            present
                .chain(std::iter::repeat_n(false, missing))
                .collect::<NullBuffer>()
        });
        let values = self
            .values
            .iter()
            .copied()
            .chain(std::iter::repeat_n(0, missing));
        Some(Arc::new(Int64Array::new(
            values.collect::<ScalarBuffer<_>>(),
            nulls,
        )))
    }
}

const NO_KEY: i32 = -1;
/// Bytes of a dictionary's entry beside its text: its end and its place in the table.
const KEY_BYTES: usize = 24;
/// Texts that are looked up together.
const BLOCK: usize = 16;

#[derive(Debug, Default)]
struct TextBuilder {
    keys: Vec<i32>,
    /// All texts of the dictionary, one after the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<i32>,
    table: HashTable<Entry>,
    hasher: RandomState,
    /// The dictionary as arrow has it, as long as it is up to date.
    values: Option<Arc<StringArray>>,
}

/// A text of the dictionary. Its place stands here too, so that one look less is needed to compare it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u32,
    length: u32,
    key: i32,
    /// Of its hash: what differs in it need not be compared.
    tag: u32,
}

impl Entry {
    fn text(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..][..self.length as usize]
    }
}

fn tag_of(hash: u64) -> u32 {
    (hash >> 32) as u32
}

fn hash_of(hasher: &RandomState, text: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(text);
    hasher.finish()
}

impl TextBuilder {
    /// In blocks, and each step for the whole block: places in memory that do not depend on each other are waited for
    /// together.
    fn append(&mut self, lines: &Lines, spans: &[Span]) {
        self.keys.reserve(spans.len());
        let mut runs = spans.chunk_by(|a, b| a == b);
        loop {
            let mut block: [&[Span]; BLOCK] = [&[]; BLOCK];
            let mut length = 0;
            for (place, run) in block.iter_mut().zip(&mut runs) {
                *place = run;
                length += 1;
            }
            if length == 0 {
                return;
            }
            let block = &block[..length];
            let mut hashes = [0; BLOCK];
            let mut found = [None; BLOCK];
            for (hash, run) in hashes.iter_mut().zip(block) {
                if run[0] != Span::NONE {
                    *hash = hash_of(&self.hasher, lines.text(run[0]));
                }
            }
            for (entry, hash) in found.iter_mut().zip(&hashes[..length]) {
                let is_likely = |entry: &Entry| entry.tag == tag_of(*hash);
                *entry = self.table.find(*hash, is_likely).copied();
            }
            for ((run, hash), entry) in block.iter().zip(hashes).zip(found) {
                let key = if run[0] == Span::NONE {
                    NO_KEY
                } else {
                    let text = lines.text(run[0]);
                    match entry {
                        Some(entry) if is_equal(entry.text(&self.bytes), text) => entry.key,
                        _ => self.intern(text, hash),
                    }
                };
                self.keys.extend(std::iter::repeat_n(key, run.len()));
            }
        }
    }

    fn intern(&mut self, text: &[u8], hash: u64) -> i32 {
        let Self {
            bytes,
            ends,
            table,
            hasher,
            values,
            ..
        } = self;
        if let Some(entry) = table.find(hash, |entry| entry.text(bytes) == text) {
            return entry.key;
        }
        *values = None;
        let entry = Entry {
            start: bytes.len() as u32,
            length: text.len() as u32,
            key: ends.len() as i32,
            tag: tag_of(hash),
        };
        bytes.extend_from_slice(text);
        ends.push(bytes.len() as i32);
        table.insert_unique(hash, entry, |entry| hash_of(hasher, entry.text(bytes)));
        entry.key
    }

    fn array(&mut self, len: usize) -> Option<ArrayRef> {
        if self.keys.is_empty() {
            return None;
        }
        let missing = len - self.keys.len();
        let has_missing = missing > 0 || self.keys.contains(&NO_KEY);
        let nulls = has_missing.then(|| {
            let present = self.keys.iter().map(|key| *key != NO_KEY);
            present
                .chain(std::iter::repeat_n(false, missing))
                .collect::<NullBuffer>()
        });
        let keys = self
            .keys
            .iter()
            .map(|key| (*key).max(0))
            .chain(std::iter::repeat_n(0, missing));
        let keys = Int32Array::new(keys.collect::<ScalarBuffer<_>>(), nulls);
        let values = self.values.get_or_insert_with(|| {
            let offsets = std::iter::once(0).chain(self.ends.iter().copied());
            let offsets = OffsetBuffer::new(offsets.collect::<ScalarBuffer<_>>());
            Arc::new(StringArray::new(offsets, self.bytes.clone().into(), None))
        });
        let values: ArrayRef = Arc::<StringArray>::clone(values);
        Some(Arc::new(DictionaryArray::<Int32Type>::new(keys, values)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fields::FieldId;

    fn id(name: &str) -> FieldId {
        COLUMNS.id(name).expect("known field")
    }

    #[test]
    fn appended_rows_keep_their_values_and_gaps() {
        let (address, bytes) = (id("SrcAddr"), id("Bytes"));
        let mut lines = Lines::default();
        lines.set_text(address, "10.0.0.1");
        lines.end();
        lines.set_text(address, "10.0.0.2");
        lines.set_int(bytes, 7);
        lines.end();
        let mut rows = Rows::default();
        rows.append(&lines);
        lines.clear();
        lines.end();
        lines.set_text(address, "10.0.0.1");
        lines.set_int(bytes, 8);
        lines.set_int(bytes, 9);
        lines.end();
        rows.append(&lines);
        let batch = rows.batch();
        assert_eq!(batch.rows, 4);
        let rows: Vec<_> = (0..4).map(|row| batch.json_row(row)).collect();
        insta::assert_json_snapshot!(rows, @r#"
        [
          "{\"SrcAddr\":\"10.0.0.1\"}",
          "{\"SrcAddr\":\"10.0.0.2\",\"Bytes\":7}",
          "{}",
          "{\"SrcAddr\":\"10.0.0.1\",\"Bytes\":9}"
        ]
        "#);
        assert!(
            batch.get(id("DstAddr")).is_none(),
            "a column that no row has is left out"
        );
    }

    #[test]
    fn an_undone_line_leaves_no_trace() {
        let mut lines = Lines::default();
        lines.set_int(id("Bytes"), 1);
        lines.set_text(id("SrcAddr"), "10.0.0.1");
        lines.undo();
        lines.set_int(id("Packets"), 2);
        lines.end();
        let mut rows = Rows::default();
        rows.append(&lines);
        assert_eq!(rows.batch().json_row(0), r#"{"Packets":2}"#);
    }

    #[test]
    fn an_append_that_panicked_leaves_no_trace() {
        let (address, name) = (id("SrcAddr"), id("SrcK8S_Name"));
        let mut rows = Rows::default();
        let mut lines = Lines::default();
        lines.set_text(address, "10.0.0.1");
        lines.end();
        rows.append(&lines);
        // Columns without the buffer that their texts are in; numbers and others may be appended before it shows.
        let mut whole = Lines::default();
        whole.set_int(id("Bytes"), 1);
        whole.set_text(address, "10.0.0.2");
        whole.set_text(name, "web");
        whole.end();
        let mut broken = Lines::default();
        std::mem::swap(&mut broken.columns, &mut whole.columns);
        broken.len = 1;
        let append = std::panic::AssertUnwindSafe(|| rows.append(&broken));
        assert!(std::panic::catch_unwind(append).is_err());
        assert_eq!(rows.batch().json_row(0), r#"{"SrcAddr":"10.0.0.1"}"#);
        rows.append(&lines);
        let batch = rows.batch();
        assert_eq!(batch.rows, 2);
        assert_eq!(batch.json_row(1), r#"{"SrcAddr":"10.0.0.1"}"#);
    }

    #[test]
    fn cleared_rows_use_their_dictionaries_again() {
        let name = id("SrcK8S_Name");
        let mut rows = Rows::default();
        let add = |rows: &mut Rows, texts: &[&str]| {
            let mut lines = Lines::default();
            for text in texts {
                lines.set_text(name, text);
                lines.end();
            }
            rows.append(&lines);
            let batch = rows.batch();
            let column = batch.texts(name).expect("a column");
            let texts = (0..batch.rows).filter_map(|row| column.get(row));
            texts.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(add(&mut rows, &["a", "b"]), ["a", "b"]);
        let kept = rows.dictionary_bytes();
        rows.clear();
        assert_eq!(add(&mut rows, &["b", "a", "a"]), ["b", "a", "a"]);
        assert_eq!(rows.dictionary_bytes(), kept);
        assert_eq!(add(&mut rows, &["c"]), ["b", "a", "a", "c"]);
    }
}
