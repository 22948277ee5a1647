//! The rows to write: batches from the head or from files, their dictionaries united, gathered in any order.
//!
//! **Invariant:** a text has one key in all batches.

use std::sync::Arc;

use arrow::array::{Array as _, Int64Array, StringArray};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::chunk::NO_KEY;
use crate::store::batch::{Batch, TextColumn};
use crate::store::fields::{COLUMNS, FieldId, Kind};

/// Place of a row: batch and row in it.
pub type Place = (u32, u32);

/// All columns of the rows to write.
pub struct Source<'a> {
    pub columns: Vec<SourceColumn<'a>>,
}

/// One column of all batches.
pub enum SourceColumn<'a> {
    Ints(Ints<'a>),
    Texts(Texts<'a>),
}

/// A column of numbers.
pub struct Ints<'a> {
    of_batches: Vec<Option<&'a Int64Array>>,
}

/// A dictionary column.
pub struct Texts<'a> {
    of_batches: Vec<Option<TextColumn<'a>>>,
    /// Of each batch: its keys to the united ones; nothing if they are the same.
    keys: Vec<Option<Vec<i32>>>,
    /// United texts by key.
    pub values: Vec<&'a str>,
    /// Place of each united text in their order, for the columns that rows are ordered by.
    pub ranks: Option<Vec<u32>>,
}

impl<'a> Source<'a> {
    pub fn new(batches: &'a [Arc<Batch>]) -> Self {
        let columns = COLUMNS.all.iter().enumerate().map(|(id, column)| {
            if column.kind == Kind::Int {
                SourceColumn::Ints(Ints {
                    of_batches: batches.iter().map(|batch| batch.ints(id)).collect(),
                })
            } else {
                let is_ranked = id == COLUMNS.source || id == COLUMNS.destination;
                SourceColumn::Texts(Texts::new(batches, id, is_ranked))
            }
        });
        Self {
            columns: columns.collect(),
        }
    }

    /// Rows are ordered by this: source, then destination. Rows without one come first.
    pub fn address_rank(&self, place: Place) -> u64 {
        let rank = |id: FieldId| match &self.columns[id] {
            SourceColumn::Texts(Texts {
                ranks: Some(ranks), ..
            }) => self.key(id, place).map_or(0, |key| ranks[key as usize] + 1),
            _ => 0,
        };
        u64::from(rank(COLUMNS.source)) << 32 | u64::from(rank(COLUMNS.destination))
    }

    fn key(&self, id: FieldId, place: Place) -> Option<i32> {
        match &self.columns[id] {
            SourceColumn::Texts(texts) => texts.key(place),
            SourceColumn::Ints(_) => None,
        }
    }
}

impl<'a> Ints<'a> {
    /// The values of the rows that have one, and of each row whether it does (1) or not (0).
    pub fn gather(&self, places: &[Place], values: &mut Vec<i64>, levels: &mut Vec<i16>) {
        values.clear();
        levels.clear();
        if self.of_batches.iter().all(Option::is_none) {
            return;
        }
        let whole =
            |column: Option<&'a Int64Array>| column.filter(|column| column.null_count() == 0);
        let whole: Option<Vec<_>> = self.of_batches.iter().copied().map(whole).collect();
        // The usual case is a loop without branches.
        if let Some(columns) = whole {
            let value = |(batch, row): &Place| columns[*batch as usize].value(*row as usize);
            values.extend(places.iter().map(value));
            levels.resize(places.len(), 1);
            return;
        }
        for (batch, row) in places {
            let column = self.of_batches[*batch as usize];
            let value = column
                .filter(|column| column.is_valid(*row as usize))
                .map(|column| column.value(*row as usize));
            levels.push(i16::from(value.is_some()));
            values.extend(value);
        }
    }
}

impl<'a> Texts<'a> {
    fn new(batches: &'a [Arc<Batch>], id: FieldId, is_ranked: bool) -> Self {
        let mut known: HashMap<&str, i32, RandomState> = HashMap::default();
        let mut values = Vec::new();
        let of_batches: Vec<_> = batches.iter().map(|batch| batch.texts(id)).collect();
        let mut keys: Vec<Vec<i32>> = Vec::with_capacity(batches.len());
        let mut last: Option<(&StringArray, usize)> = None;
        for (at, column) in of_batches.iter().enumerate() {
            let Some(TextColumn { values: texts, .. }) = column else {
                keys.push(Vec::new());
                continue;
            };
            // Dictionaries of one segment go on where the last one ended.
            let mut united = match last {
                Some((other, of)) => keys[of][..common(other, texts)].to_vec(),
                None => Vec::new(),
            };
            for text in texts.iter().skip(united.len()).flatten() {
                let next = values.len() as i32;
                united.push(*known.entry(text).or_insert_with(|| {
                    values.push(text);
                    next
                }));
            }
            keys.push(united);
            last = Some((texts, at));
        }
        let ranks = is_ranked.then(|| {
            let mut order: Vec<u32> = (0..values.len() as u32).collect();
            order.sort_unstable_by_key(|key| values[*key as usize]);
            let mut ranks = vec![0; values.len()];
            for (rank, key) in order.into_iter().enumerate() {
                ranks[key as usize] = rank as u32;
            }
            ranks
        });
        let is_same = |united: &[i32]| (0..).zip(united).all(|(key, united)| key == *united);
        let keys = keys
            .into_iter()
            .map(|united| (!is_same(&united)).then_some(united));
        Self {
            of_batches,
            keys: keys.collect(),
            values,
            ranks,
        }
    }

    fn key(&self, (batch, row): Place) -> Option<i32> {
        let key = self.of_batches[batch as usize]
            .as_ref()?
            .key(row as usize)?;
        Some(match &self.keys[batch as usize] {
            Some(united) => united[key],
            None => key as i32,
        })
    }

    /// Bytes of all texts.
    pub fn bytes(&self) -> usize {
        self.values.iter().map(|text| text.len()).sum()
    }

    /// The united key of each row; nothing if none has a value.
    pub fn gather(&self, places: &[Place], keys: &mut Vec<i32>) {
        keys.clear();
        let whole = |(column, united): (&Option<TextColumn<'a>>, &Option<Vec<i32>>)| {
            let is_whole = |column: &TextColumn<'a>| column.nulls.is_none() && united.is_none();
            column.filter(is_whole).map(|column| column.keys)
        };
        let whole: Option<Vec<_>> = self.of_batches.iter().zip(&self.keys).map(whole).collect();
        if let Some(columns) = whole {
            let key = |(batch, row): &Place| columns[*batch as usize][*row as usize];
            keys.extend(places.iter().map(key));
        } else if !self.values.is_empty() {
            keys.extend(
                places
                    .iter()
                    .map(|place| self.key(*place).unwrap_or(NO_KEY)),
            );
        }
    }
}

/// How many texts both begin with, if one goes on where the other ends.
fn common(a: &StringArray, b: &StringArray) -> usize {
    let count = a.len().min(b.len());
    let (of_a, of_b) = (&a.value_offsets()[..=count], &b.value_offsets()[..=count]);
    let is_same = std::ptr::eq(a, b)
        || (of_a == of_b
            && of_a[0] == 0
            && a.value_data()[..of_a[count] as usize] == b.value_data()[..of_b[count] as usize]);
    if is_same { count } else { 0 }
}
