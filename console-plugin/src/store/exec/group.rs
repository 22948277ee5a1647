//! Group keys as integers: values become numbers once per dictionary, tuples of numbers become one number by interning
//! pairs, and only that number is looked up per row.
//!
//! **Invariant:** equal values have equal numbers in all threads of a query; tuples have numbers of their own thread
//! until the threads are merged. Number 0 is the missing value.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use arrow::array::Array as _;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::filter::{Member, Subject, member};
use crate::store::batch::{Batch, TextColumn};
use crate::store::fields::{COLUMNS, FieldId, Kind};
use crate::store::json;

/// What a text of a dictionary counts as.
type TextOf<'a> = &'a dyn for<'t> Fn(&'t str) -> Cow<'t, str>;

/// Not numbered yet.
const UNKNOWN: u32 = u32::MAX;

/// The values of one field that a query met, numbered; shared by its threads.
#[derive(Debug)]
pub struct Values {
    pub subject: Subject,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    numbers: HashMap<Box<str>, u32, foldhash::fast::RandomState>,
    /// Texts by number, from 1.
    texts: Vec<Box<str>>,
}

impl Values {
    pub fn new(field: &str) -> Self {
        Self {
            subject: Subject::of(field),
            known: Mutex::default(),
        }
    }

    /// All texts, the first having number 1.
    pub fn into_texts(self) -> Vec<Box<str>> {
        self.known
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .texts
    }

    /// Numbers texts; an empty one is a missing value. Adds the bytes of new ones to `memory`.
    fn number<'t>(&self, texts: impl Iterator<Item = &'t str>, memory: &mut usize) -> Vec<u32> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut number = |text: &str| {
            if text.is_empty() {
                return 0;
            }
            if let Some(number) = known.numbers.get(text) {
                return *number;
            }
            *memory += 2 * text.len() + 64;
            known.texts.push(text.into());
            let number = known.texts.len() as u32;
            known.numbers.insert(text.into(), number);
            number
        };
        texts.map(&mut number).collect()
    }

    /// The number of each row's value. `rows` are the rows that count, all without them.
    pub fn of_rows(&self, batch: &Batch, rows: Option<&[u32]>, memory: &mut usize) -> Vec<u32> {
        match &self.subject {
            Subject::Column(id) if COLUMNS.all[*id].kind == Kind::Int => {
                self.of_ints(batch, *id, rows, memory)
            }
            Subject::Column(id) if COLUMNS.all[*id].kind == Kind::Json => {
                let text: TextOf<'_> = &|json| Cow::Owned(first_element(json));
                self.of_texts(batch.texts(*id), batch.rows, rows, memory, text)
            }
            Subject::Column(id) => {
                self.of_texts(batch.texts(*id), batch.rows, rows, memory, &|text| {
                    Cow::Borrowed(text)
                })
            }
            Subject::Unknown(name) => {
                let text: TextOf<'_> = &|object| {
                    Cow::Owned(match member(object, name) {
                        Some(Member::Text(text)) => text.into_owned(),
                        Some(Member::Json(json)) => first_element(json),
                        None => String::new(),
                    })
                };
                let mut labels =
                    self.of_texts(batch.texts(COLUMNS.labels), batch.rows, rows, memory, text);
                let extra =
                    self.of_texts(batch.texts(COLUMNS.extra), batch.rows, rows, memory, text);
                for (label, extra) in labels.iter_mut().zip(extra) {
                    *label = if *label == 0 { extra } else { *label };
                }
                labels
            }
        }
    }

    fn of_texts(
        &self,
        column: Option<TextColumn<'_>>,
        total: usize,
        rows: Option<&[u32]>,
        memory: &mut usize,
        text: TextOf<'_>,
    ) -> Vec<u32> {
        let Some(column) = column else {
            return vec![0; rows.map_or(total, <[u32]>::len)];
        };
        // Only values that a row has are numbered: a filter may leave few.
        let mut numbers = vec![UNKNOWN; column.values.len()];
        let mut used = Vec::new();
        each_row(total, rows, |row| {
            if let Some(key) = column.key(row)
                && numbers[key] == UNKNOWN
            {
                numbers[key] = 0;
                used.push(key);
            }
        });
        let texts: Vec<Cow<'_, str>> = used
            .iter()
            .map(|key| text(column.values.value(*key)))
            .collect();
        for (key, number) in used
            .iter()
            .zip(self.number(texts.iter().map(Cow::as_ref), memory))
        {
            numbers[*key] = number;
        }
        let mut result = Vec::with_capacity(rows.map_or(total, <[u32]>::len));
        each_row(total, rows, |row| {
            result.push(column.key(row).map_or(0, |key| numbers[key]));
        });
        result
    }

    fn of_ints(
        &self,
        batch: &Batch,
        id: FieldId,
        rows: Option<&[u32]>,
        memory: &mut usize,
    ) -> Vec<u32> {
        let Some(column) = batch.ints(id) else {
            return vec![0; rows.map_or(batch.rows, <[u32]>::len)];
        };
        let mut seen: HashMap<i64, u32, FixedState> = HashMap::default();
        let mut distinct = Vec::new();
        let mut result = Vec::with_capacity(rows.map_or(batch.rows, <[u32]>::len));
        each_row(batch.rows, rows, |row| {
            result.push(if column.is_null(row) {
                UNKNOWN
            } else {
                *seen.entry(column.value(row)).or_insert_with_key(|value| {
                    distinct.push(value.to_string());
                    distinct.len() as u32 - 1
                })
            });
        });
        let numbers = self.number(distinct.iter().map(String::as_str), memory);
        for value in &mut result {
            *value = if *value == UNKNOWN {
                0
            } else {
                numbers[*value as usize]
            };
        }
        result
    }
}

/// A list counts with its first element.
fn first_element(json: &str) -> String {
    let mut first = None;
    json::elements(json, |text| {
        first.get_or_insert_with(|| text.to_owned());
    });
    first.unwrap_or_default()
}

/// Calls `visit` for each row that counts.
pub fn each_row(total: usize, rows: Option<&[u32]>, mut visit: impl FnMut(usize)) {
    match rows {
        None => (0..total).for_each(visit),
        Some(rows) => rows.iter().for_each(|row| visit(*row as usize)),
    }
}

/// Numbers below this are looked up by position.
const NEAR: usize = 4096;

/// Pairs of numbers, numbered. Small numbers, the frequent ones, have a row for each left one: as rows come ordered by
/// address, the row at hand stays in the cache where a hash table of millions of pairs would miss it each time.
#[derive(Debug)]
pub struct Pairs {
    near: Vec<Vec<u32>>,
    /// Entries that `near` may still grow by; what finds no room goes to `far`, and then everything new does.
    near_left: usize,
    near_used: usize,
    // The keys are small numbers of our own making, which nobody outside chooses.
    far: HashMap<u64, u32, FixedState>,
    pub list: Vec<u64>,
}

fn pack(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

/// The two numbers of a pair.
pub fn unpack(pair: u64) -> (u32, u32) {
    ((pair >> 32) as u32, pair as u32)
}

impl Pairs {
    /// `near_bytes` bounds the memory of the rows of small numbers.
    pub fn new(near_bytes: usize) -> Self {
        Self {
            near: Vec::new(),
            near_left: near_bytes / size_of::<u32>(),
            near_used: 0,
            far: HashMap::default(),
            list: Vec::new(),
        }
    }

    pub fn number(&mut self, left: u32, right: u32) -> u32 {
        let next = self.list.len() as u32;
        let (row, column) = (left as usize, right as usize);
        let number = if self.is_near(row, column) {
            let number = &mut self.near[row][column];
            if *number == UNKNOWN {
                *number = next;
            }
            *number
        } else {
            *self.far.entry(pack(left, right)).or_insert(next)
        };
        if number == next {
            self.list.push(pack(left, right));
        }
        number
    }

    /// Whether the pair has a place in `near`, made now if there is room. The answer for a pair never changes.
    fn is_near(&mut self, row: usize, column: usize) -> bool {
        let length = self.near.get(row).map_or(0, Vec::len);
        if column < length {
            return true;
        }
        if row >= NEAR || column >= NEAR {
            return false;
        }
        let wanted = (column + 1).next_power_of_two().max(16);
        let more = wanted - length;
        if more > self.near_left {
            self.near_left = 0;
            return false;
        }
        self.near_left -= more;
        self.near_used += more;
        if row >= self.near.len() {
            self.near.resize_with(row + 1, Vec::new);
        }
        self.near[row].resize(wanted, UNKNOWN);
        true
    }

    /// Replaces each `left` by the number of its pair. Neighbours often agree.
    fn number_all(&mut self, left: &mut [u32], right: &[u32]) {
        let mut last = (UNKNOWN, UNKNOWN, 0);
        for (left, right) in left.iter_mut().zip(right) {
            if (*left, *right) != (last.0, last.1) {
                last = (*left, *right, self.number(*left, *right));
            }
            *left = last.2;
        }
    }

    pub fn memory(&self) -> usize {
        self.list.capacity() * 8 + self.far.capacity() * 20 + self.near_used * 4
    }
}

/// Tuples of field values, numbered pair by pair.
#[derive(Debug)]
pub struct Grouper {
    fields: usize,
    stages: Vec<Pairs>,
}

impl Grouper {
    pub fn new(fields: usize, near_bytes: usize) -> Self {
        Self {
            fields,
            stages: (1..fields).map(|_| Pairs::new(near_bytes)).collect(),
        }
    }

    /// The group of each row, from the numbers of its fields.
    pub fn groups(&mut self, rows: usize, fields: impl IntoIterator<Item = Vec<u32>>) -> Vec<u32> {
        let mut fields = fields.into_iter();
        let Some(mut groups) = fields.next() else {
            return vec![0; rows];
        };
        for (stage, field) in self.stages.iter_mut().zip(fields) {
            stage.number_all(&mut groups, &field);
        }
        groups
    }

    /// Takes the groups of another thread in; answers what its numbers are here (as they are without an answer).
    pub fn merge(&mut self, other: &Self) -> Option<Vec<u32>> {
        let mut translated: Option<Vec<u32>> = None;
        for (mine, theirs) in self.stages.iter_mut().zip(&other.stages) {
            let numbers = theirs.list.iter().map(|pair| {
                let (left, right) = unpack(*pair);
                mine.number(
                    translated.as_ref().map_or(left, |t| t[left as usize]),
                    right,
                )
            });
            translated = Some(numbers.collect());
        }
        translated
    }

    /// Value numbers of a group.
    pub fn fields(&self, group: u32) -> Vec<u32> {
        let mut numbers = Vec::with_capacity(self.fields);
        let mut left = group;
        for stage in self.stages.iter().rev() {
            let right;
            (left, right) = unpack(stage.list[left as usize]);
            numbers.push(right);
        }
        if self.fields > 0 {
            numbers.push(left);
        }
        numbers.reverse();
        numbers
    }

    pub fn memory(&self) -> usize {
        self.stages.iter().map(Pairs::memory).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_keep_their_number_wherever_they_are_kept() {
        // Without room, with room for some, with room for all.
        for near_bytes in [0, 4 * 100, 1 << 20] {
            let mut pairs = Pairs::new(near_bytes);
            let all = (0..3_000u32).map(|at| (at % 7, (at * 37) % 5_000));
            let numbers: Vec<u32> = all.clone().map(|(l, r)| pairs.number(l, r)).collect();
            assert!(pairs.near_used * 4 <= near_bytes);
            let again: Vec<u32> = all.clone().map(|(l, r)| pairs.number(l, r)).collect();
            assert_eq!(numbers, again);
            for (pair, number) in all.zip(numbers) {
                assert_eq!(unpack(pairs.list[number as usize]), pair);
            }
        }
    }
}
