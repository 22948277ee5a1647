//! Rows as arrow arrays: what the head shows, what a row group decodes to, what queries and files are made from.
//!
//! **Invariant:** a column that is absent reads as missing in every row; columns are those of [`COLUMNS`] and nothing
//! else.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Int64Type};

use super::fields::{COLUMNS, EXTRA, FieldId, Kind, LABELS};
use super::json;
use super::query::Record;

/// Some rows, some columns.
#[derive(Debug, Clone)]
pub struct Batch {
    pub rows: usize,
    columns: Vec<(FieldId, ArrayRef)>,
}

/// A dictionary column: `keys` index into `values`; a row without a value has no key.
#[derive(Debug, Clone, Copy)]
pub struct TextColumn<'a> {
    /// Those of rows without a value mean nothing.
    pub keys: &'a [i32],
    pub nulls: Option<&'a arrow::buffer::NullBuffer>,
    pub values: &'a StringArray,
}

impl<'a> TextColumn<'a> {
    /// Key of a row into `values`.
    pub fn key(&self, row: usize) -> Option<usize> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            None
        } else {
            Some(self.keys[row] as usize)
        }
    }

    pub fn get(&self, row: usize) -> Option<&'a str> {
        self.key(row).map(|key| self.values.value(key))
    }
}

impl Batch {
    pub fn new(rows: usize) -> Self {
        Self {
            rows,
            columns: Vec::new(),
        }
    }

    pub fn push(&mut self, id: FieldId, array: ArrayRef) {
        self.columns.push((id, array));
    }

    /// Adds the columns of another batch of the same rows.
    pub fn extend(&mut self, other: Self) {
        self.columns.extend(other.columns);
    }

    pub fn get(&self, id: FieldId) -> Option<&ArrayRef> {
        self.columns
            .iter()
            .find(|(at, _)| *at == id)
            .map(|(_, array)| array)
    }

    pub fn ints(&self, id: FieldId) -> Option<&Int64Array> {
        self.get(id)
            .and_then(|array| array.as_primitive_opt::<Int64Type>())
    }

    pub fn texts(&self, id: FieldId) -> Option<TextColumn<'_>> {
        let array = self.get(id)?.as_dictionary_opt::<Int32Type>()?;
        Some(TextColumn {
            keys: array.keys().values(),
            nulls: array.keys().nulls(),
            values: array.values().as_string_opt()?,
        })
    }

    /// The columns of a decoded file, recognised by name and type; others are left out.
    pub fn from_record_batch(batch: &RecordBatch) -> Self {
        let mut result = Self::new(batch.num_rows());
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let id = COLUMNS.id(field.name());
            if let Some(id) = id.filter(|id| COLUMNS.is_of(*id, array.data_type()))
                && array.null_count() < array.len()
            {
                result.push(id, Arc::clone(array));
            }
        }
        result
    }

    pub fn time_ms(&self, row: usize) -> i64 {
        self.ints(COLUMNS.time).map_or(0, |times| times.value(row))
    }

    /// The row as it is answered.
    pub fn record(&self, row: usize) -> Record {
        let mut labels = Vec::new();
        for (id, column) in COLUMNS
            .all
            .iter()
            .enumerate()
            .filter(|(_, column)| column.is_label)
        {
            let value = match column.kind {
                Kind::Int => self
                    .ints(id)
                    .filter(|ints| ints.is_valid(row))
                    .map(|ints| ints.value(row).to_string()),
                Kind::Text | Kind::Json => self
                    .texts(id)
                    .and_then(|texts| texts.get(row))
                    .map(str::to_owned),
            };
            labels.extend(value.map(|value| (column.name.to_owned(), value)));
        }
        if let Some(others) = self.texts(COLUMNS.labels).and_then(|texts| texts.get(row)) {
            // Written by the push decoder, so it is an object of texts.
            let _ = json::object(others, |name, value, _| {
                if let json::Value::Text(value) = value {
                    labels.push((name.to_owned(), value.into_owned()));
                }
            });
        }
        labels.sort_unstable();
        Record {
            time_ms: self.time_ms(row),
            labels,
            line: self.json_row(row),
        }
    }

    /// The row's fields that are no labels, as one JSON object.
    pub fn json_row(&self, row: usize) -> String {
        let mut line = String::with_capacity(768);
        line.push('{');
        for (id, array) in &self.columns {
            let column = &COLUMNS.all[*id];
            if column.is_label || column.name == LABELS || array.is_null(row) {
                continue;
            }
            if column.name == EXTRA {
                if let Some(members) = self.texts(*id).and_then(|texts| texts.get(row)) {
                    separate(&mut line);
                    line.push_str(&members[1..members.len() - 1]);
                }
                continue;
            }
            separate(&mut line);
            line.push('"');
            line.push_str(column.name);
            line.push_str("\":");
            match column.kind {
                Kind::Int => {
                    if let Some(ints) = self.ints(*id) {
                        line.push_str(&ints.value(row).to_string());
                    }
                }
                Kind::Text => {
                    if let Some(text) = self.texts(*id).and_then(|texts| texts.get(row)) {
                        push_text(&mut line, text);
                    }
                }
                Kind::Json => line.push_str(
                    self.texts(*id)
                        .and_then(|texts| texts.get(row))
                        .unwrap_or("null"),
                ),
            }
        }
        line.push('}');
        line
    }
}

fn separate(line: &mut String) {
    if line.len() > 1 {
        line.push(',');
    }
}

/// Appends a text as JSON.
pub fn push_text(line: &mut String, text: &str) {
    if text
        .bytes()
        .all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
    {
        line.push('"');
        line.push_str(text);
        line.push('"');
    } else {
        line.push_str(&serde_json::Value::from(text).to_string());
    }
}
