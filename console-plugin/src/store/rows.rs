//! Rows being collected, column by column: what a push is decoded into and what the head is made of.
//!
//! The push decoder sets values row by row; the head appends whole pushes and takes snapshots.
//!
//! **Invariant:** a column that no row has costs nothing; all columns read as having `len` rows whatever was set.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, Int64Array, StringArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

use super::batch::Batch;
use super::fields::{COLUMNS, FieldId, Kind};

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
    /// Sets a number of the row that is being built (the one at `len`). False if the column cannot hold it.
    pub fn set_int(&mut self, id: FieldId, value: i64) -> bool {
        match &mut self.columns[id] {
            ColumnBuilder::Int(column) if value != NO_VALUE => column.set(self.len, value),
            _ => return false,
        }
        true
    }

    /// Sets a text of the row that is being built. False if the column is one of numbers.
    pub fn set_text(&mut self, id: FieldId, value: &str) -> bool {
        let ColumnBuilder::Text(column) = &mut self.columns[id] else {
            return false;
        };
        column.set(self.len, value);
        true
    }

    /// Takes back what was set in the row that is being built.
    pub fn undo_row(&mut self) {
        for column in &mut self.columns {
            match column {
                ColumnBuilder::Int(column) => column.values.truncate(self.len),
                ColumnBuilder::Text(column) => column.keys.truncate(self.len),
            }
        }
    }

    /// Ends the row that is being built.
    pub fn end_row(&mut self) {
        self.len += 1;
    }

    /// Times of the first and the last row in order of time.
    /// Every row has a time.
    pub fn time_bounds(&self) -> Option<(i64, i64)> {
        let ColumnBuilder::Int(times) = &self.columns[COLUMNS.time] else {
            return None;
        };
        let times = times.values.iter();
        Some((*times.clone().min()?, *times.max()?))
    }

    /// Appends all rows of `other`.
    pub fn append(&mut self, other: &Self) {
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            match (mine, theirs) {
                (ColumnBuilder::Int(mine), ColumnBuilder::Int(theirs))
                    if !theirs.values.is_empty() =>
                {
                    mine.values.resize(self.len, NO_VALUE);
                    mine.values.extend_from_slice(&theirs.values);
                }
                (ColumnBuilder::Text(mine), ColumnBuilder::Text(theirs))
                    if !theirs.keys.is_empty() =>
                {
                    mine.keys.resize(self.len, NO_KEY);
                    let texts = theirs.texts().zip(&theirs.hashes);
                    let keys: Vec<i32> = texts
                        .map(|(text, hash)| mine.intern_hashed(text, *hash))
                        .collect();
                    let key_of = |key: &i32| keys.get(*key as usize).copied().unwrap_or(NO_KEY);
                    mine.keys.extend(theirs.keys.iter().map(key_of));
                }
                _ => {}
            }
        }
        self.len += other.len;
    }

    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
        for column in &mut self.columns {
            match column {
                ColumnBuilder::Int(column) => column.values.clear(),
                ColumnBuilder::Text(column) => {
                    column.keys.clear();
                    column.bytes.clear();
                    column.ends.clear();
                    column.hashes.clear();
                    column.table.clear();
                }
            }
        }
    }

    /// Bytes held, roughly.
    pub fn memory(&self) -> usize {
        let of = |column: &ColumnBuilder| match column {
            ColumnBuilder::Int(column) => column.values.len() * size_of::<i64>(),
            ColumnBuilder::Text(column) => {
                column.keys.len() * 4 + column.bytes.len() + column.ends.len() * 20
            }
        };
        self.columns.iter().map(of).sum()
    }

    /// Copy of all columns that some row has.
    pub fn batch(&self) -> Batch {
        let mut batch = Batch::new(self.len);
        for (id, column) in self.columns.iter().enumerate() {
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

/// Stands for a missing number, so that a number takes eight bytes; a row that really has it keeps it as an extra field.
const NO_VALUE: i64 = i64::MIN;

#[derive(Debug, Default)]
struct IntBuilder {
    values: Vec<i64>,
}

impl IntBuilder {
    fn set(&mut self, row: usize, value: i64) {
        // A second value of the same row replaces the first.
        self.values.resize(row, NO_VALUE);
        self.values.push(value);
    }

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

/// One for all, so that a text hashed for a push need not be hashed again for the head.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::default);

#[derive(Debug)]
struct TextBuilder {
    keys: Vec<i32>,
    /// All texts of the dictionary, one after the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<i32>,
    hashes: Vec<u64>,
    table: HashTable<i32>,
    hasher: RandomState,
}

impl Default for TextBuilder {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            bytes: Vec::new(),
            ends: Vec::new(),
            hashes: Vec::new(),
            table: HashTable::new(),
            hasher: HASHER.clone(),
        }
    }
}

impl TextBuilder {
    fn set(&mut self, row: usize, value: &str) {
        // Neighbours often agree: then neither hashing nor probing is needed.
        let previous = self.keys.last().copied().unwrap_or(NO_KEY);
        let key = if previous != NO_KEY && self.text(previous) == value.as_bytes() {
            previous
        } else {
            self.intern(value.as_bytes())
        };
        self.keys.resize(row, NO_KEY);
        self.keys.push(key);
    }

    fn text(&self, key: i32) -> &[u8] {
        text_at(&self.bytes, &self.ends, key)
    }

    fn texts(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len() as i32).map(|key| self.text(key))
    }

    fn intern(&mut self, value: &[u8]) -> i32 {
        self.intern_hashed(value, self.hasher.hash_one(value))
    }

    fn intern_hashed(&mut self, value: &[u8], hash: u64) -> i32 {
        let Self {
            bytes,
            ends,
            hashes,
            table,
            ..
        } = self;
        if let Some(key) = table.find(hash, |key| text_at(bytes, ends, *key) == value) {
            return *key;
        }
        let key = ends.len() as i32;
        bytes.extend_from_slice(value);
        ends.push(bytes.len() as i32);
        hashes.push(hash);
        table.insert_unique(hash, key, |key| hashes[*key as usize]);
        key
    }

    fn array(&self, len: usize) -> Option<ArrayRef> {
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
        let offsets = std::iter::once(0).chain(self.ends.iter().copied());
        let offsets = OffsetBuffer::new(offsets.collect::<ScalarBuffer<_>>());
        let values = StringArray::new(offsets, self.bytes.clone().into(), None);
        Some(Arc::new(DictionaryArray::<Int32Type>::new(
            keys,
            Arc::new(values),
        )))
    }
}

fn text_at<'a>(bytes: &'a [u8], ends: &[i32], key: i32) -> &'a [u8] {
    let key = key as usize;
    let start = if key == 0 { 0 } else { ends[key - 1] as usize };
    &bytes[start..ends[key] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> FieldId {
        COLUMNS.id(name).expect("known field")
    }

    #[test]
    fn appended_rows_keep_their_values_and_gaps() {
        let mut first = Rows::default();
        first.set_text(id("SrcAddr"), "10.0.0.1");
        first.end_row();
        first.set_text(id("SrcAddr"), "10.0.0.2");
        first.set_int(id("Bytes"), 7);
        first.end_row();
        let mut second = Rows::default();
        second.end_row();
        second.set_text(id("SrcAddr"), "10.0.0.1");
        second.set_int(id("Bytes"), 8);
        second.set_int(id("Bytes"), 9);
        second.end_row();
        first.append(&second);
        let batch = first.batch();
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
    fn an_undone_row_leaves_no_trace() {
        let mut rows = Rows::default();
        rows.set_int(id("Bytes"), 1);
        rows.undo_row();
        rows.set_int(id("Packets"), 2);
        rows.end_row();
        assert_eq!(rows.batch().json_row(0), r#"{"Packets":2}"#);
    }
}
