//! Distinct values of a field with their counts, for completion.
//!
//! **Invariant:** a row counts once for a value: of a list with each of its elements, however often it has one; the empty
//! text is no value.

use arrow::array::Array as _;
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};

use super::Executor;
use super::filter::{Mask, Member, Subject, member};
use super::group::each_row;
use super::scan::Scanned;
use crate::store::error::StoreError;
use crate::store::fields::{COLUMNS, FieldId, Kind};
use crate::store::json;
use crate::store::query::{Control, ValueCount, ValuesAnswer, ValuesQuery};

/// Memory of a value beside its text.
const ENTRY_BYTES: usize = 64;

type Counts = HashMap<String, u64, RandomState>;

impl Executor {
    pub fn values(
        &self,
        query: &ValuesQuery,
        control: &Control,
    ) -> Result<ValuesAnswer, StoreError> {
        let subject = Subject::of(&query.field);
        let prefix = query.prefix.to_lowercase();
        let task = self.task(&query.filter, query.range, control)?;
        let (units, stats) = task.units()?;
        let columns = subject.columns();
        let found = task.run(&units, Counts::default, |counts, _, unit| {
            let Some(scanned) = task.scan(unit, &columns)? else {
                return Ok(());
            };
            let mut more = 0;
            count(&scanned, &subject, |value, number| {
                if value.is_empty() || !starts_with(value, &prefix) {
                    return;
                }
                if let Some(count) = counts.get_mut(value) {
                    *count += number;
                } else {
                    more += value.len() + ENTRY_BYTES;
                    counts.insert(value.to_owned(), number);
                }
            });
            task.charge(more)
        })?;
        let mut found = found.into_iter();
        let mut counts = found.next().unwrap_or_default();
        for (value, number) in found.flatten() {
            *counts.entry(value).or_default() += number;
        }
        let mut values: Vec<_> = counts
            .into_iter()
            .map(|(value, count)| ValueCount { value, count })
            .collect();
        values.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        let is_limited = values.len() > query.limit;
        values.truncate(query.limit);
        Ok(ValuesAnswer {
            values,
            is_limited,
            stats: task.finish(stats),
        })
    }
}

fn starts_with(value: &str, lower_prefix: &str) -> bool {
    lower_prefix.is_empty() || value.to_lowercase().starts_with(lower_prefix)
}

/// Calls `visit` with each value and in how many rows it is; a value may come several times.
fn count(scanned: &Scanned, subject: &Subject, mut visit: impl FnMut(&str, u64)) {
    let rows: Option<Vec<u32>> = match &scanned.mask {
        Mask::Nothing => return,
        Mask::Everything => None,
        Mask::Some(mask) => Some(mask.set_indices().map(|row| row as u32).collect()),
    };
    let rows = rows.as_deref();
    match subject {
        Subject::Column(id) if COLUMNS.all[*id].kind == Kind::Int => {
            let Some(column) = scanned.batch.ints(*id) else {
                return;
            };
            let mut counts: HashMap<i64, u64, RandomState> = HashMap::default();
            each_row(scanned.batch.rows, rows, |row| {
                if column.is_valid(row) {
                    *counts.entry(column.value(row)).or_default() += 1;
                }
            });
            for (value, number) in counts {
                visit(&value.to_string(), number);
            }
        }
        Subject::Column(id) if COLUMNS.all[*id].kind == Kind::Json => {
            of_keys(scanned, *id, rows, |list, number| {
                distinct_elements(list, |element| visit(element, number));
            });
        }
        Subject::Column(id) => of_keys(scanned, *id, rows, visit),
        Subject::Unknown(name) => {
            for id in subject.columns() {
                of_keys(scanned, id, rows, |object, number| {
                    match member(object, name) {
                        Some(Member::Text(text)) => visit(&text, number),
                        Some(Member::Json(list)) => {
                            distinct_elements(list, |element| visit(element, number));
                        }
                        None => {}
                    }
                });
            }
        }
    }
}

/// Calls `visit` once with each element of a list that differs from those before it.
fn distinct_elements(list: &str, mut visit: impl FnMut(&str)) {
    let mut seen: HashSet<String, RandomState> = HashSet::default();
    json::elements(list, |element| {
        if seen.insert(element.to_owned()) {
            visit(element);
        }
    });
}

/// Counts the rows of each dictionary value.
fn of_keys(scanned: &Scanned, id: FieldId, rows: Option<&[u32]>, mut visit: impl FnMut(&str, u64)) {
    let Some(column) = scanned.batch.texts(id) else {
        return;
    };
    let mut counts = vec![0u64; column.values.len()];
    each_row(scanned.batch.rows, rows, |row| {
        if let Some(key) = column.key(row) {
            counts[key] += 1;
        }
    });
    for (key, number) in counts
        .into_iter()
        .enumerate()
        .filter(|(_, number)| *number > 0)
    {
        visit(column.values.value(key), number);
    }
}
