//! The newest rows that match.
//!
//! First only the columns of the filter and the time are read, newest units first, until no older unit can hold a row
//! of the answer; then all columns of the rows that made it.
//!
//! **Invariant:** the answer is what sorting everything by time would give; equal times are ordered by place.

use std::cmp::Reverse;
use std::sync::{Mutex, PoisonError};

use arrow::array::{BooleanArray, BooleanBufferBuilder};
use parquet::arrow::arrow_reader::RowSelection;

use super::filter::Mask;
use super::scan::Candidates;
use super::{Executor, Task, Unit};
use crate::store::error::StoreError;
use crate::store::fields::COLUMNS;
use crate::store::query::{Control, Record, RecordsAnswer, RecordsQuery};

/// A row of the answer: its time, its unit, its row there.
type Found = (i64, usize, u32);

/// The same for reading it: its unit, its row there, its place in the answer.
type Wanted = (usize, u32, usize);

impl Executor {
    pub fn records(
        &self,
        query: &RecordsQuery,
        control: &Control,
    ) -> Result<RecordsAnswer, StoreError> {
        let task = self.task(&query.filter, query.range, control)?;
        let (mut units, stats) = task.units()?;
        units.sort_by_key(|unit| Reverse(unit.bounds().1));
        let limit = query.limit.min(self.records_limit);
        let newest = Mutex::new(Vec::new());
        // Twice, because what a unit adds is there for a moment before the rest is let go.
        task.charge(2 * limit.saturating_mul(size_of::<Found>()))?;
        if limit > 0 {
            task.run(
                &units,
                || (),
                |(), at, unit| task.find(unit, at, limit, &newest),
            )?;
        }
        let mut newest = newest.into_inner().unwrap_or_else(PoisonError::into_inner);
        keep_newest(&mut newest, limit);
        newest.sort_unstable_by_key(|(time_ms, unit, row)| (Reverse(*time_ms), *unit, *row));
        let records = task.fetch(&units, &newest)?;
        Ok(RecordsAnswer {
            records,
            stats: task.finish(stats),
        })
    }
}

/// Keeps the rows of the answer among those found.
fn keep_newest(found: &mut Vec<Found>, limit: usize) {
    if limit > 0 && found.len() > limit {
        found.select_nth_unstable_by_key(limit - 1, |(time_ms, unit, row)| {
            (Reverse(*time_ms), *unit, *row)
        });
        found.truncate(limit);
    }
}

impl Task<'_> {
    fn find(
        &self,
        unit: &Unit,
        at: usize,
        limit: usize,
        newest: &Mutex<Vec<Found>>,
    ) -> Result<(), StoreError> {
        let (min_ms, max_ms) = unit.bounds();
        let oldest_of = |newest: &[Found]| {
            if newest.len() < limit {
                i64::MIN
            } else {
                newest.iter().map(|found| found.0).min().unwrap_or(i64::MIN)
            }
        };
        if max_ms < oldest_of(&newest.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let rows = unit.rows();
        self.scanned
            .fetch_add(rows as u64, std::sync::atomic::Ordering::Relaxed);
        let is_inside = self.range.contains(min_ms) && self.range.contains(max_ms);
        let (batch, places, mask) = match self.candidates(unit, &[COLUMNS.time])? {
            Candidates::Nothing => return Ok(()),
            Candidates::Few(batch, places, mask) => {
                let mask = self.within(mask, &batch, is_inside);
                (batch, Some(places), mask)
            }
            Candidates::Many(mut batch) => {
                let mut columns = vec![COLUMNS.time];
                self.condition.columns(&mut columns);
                columns.sort_unstable();
                columns.dedup();
                if !self.load_more(unit, &mut batch, &columns)? {
                    return Ok(());
                }
                let mask = self.matches(&batch, is_inside);
                (batch, None, mask)
            }
        };
        let rows = batch.rows;
        self.matched.fetch_add(
            mask.count(rows) as u64,
            std::sync::atomic::Ordering::Relaxed,
        );
        let place_of = |row: usize| places.as_ref().map_or(row as u32, |places| places[row]);
        let place = |row: usize| (batch.time_ms(row), at, place_of(row));
        let mut found: Vec<Found> = match &mask {
            Mask::Nothing => return Ok(()),
            Mask::Everything => (0..rows).map(place).collect(),
            Mask::Some(mask) => mask.set_indices().map(place).collect(),
        };
        keep_newest(&mut found, limit);
        let mut newest = newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.extend(found);
        keep_newest(&mut newest, limit);
        Ok(())
    }

    /// All columns of the rows, in their order. A row whose file turns out damaged now is left out.
    fn fetch(&self, units: &[Unit], rows: &[Found]) -> Result<Vec<Record>, StoreError> {
        let mut order: Vec<Wanted> = rows
            .iter()
            .enumerate()
            .map(|(at, (_, unit, row))| (*unit, *row, at))
            .collect();
        order.sort_unstable();
        let of_units: Vec<&[Wanted]> = order.chunk_by(|a, b| a.0 == b.0).collect();
        let records = Mutex::new(vec![None; rows.len()]);
        self.run(
            &of_units,
            || (),
            |(), _, rows| {
                let unit = &units[rows[0].0];
                let mut passes = BooleanBufferBuilder::new(unit.rows());
                passes.append_n(unit.rows(), false);
                for (_, row, _) in *rows {
                    passes.set_bit(*row as usize, true);
                }
                let passes = BooleanArray::new(passes.finish(), None);
                let selection = RowSelection::from_filters(std::slice::from_ref(&passes));
                let all: Vec<usize> = (0..COLUMNS.all.len()).collect();
                let Some(batch) = self.load(unit, &all, Some(&selection))? else {
                    return Ok(());
                };
                let made: Vec<(usize, Record)> = rows
                    .iter()
                    .enumerate()
                    .map(|(row, (_, _, at))| (*at, batch.record(row)))
                    .collect();
                self.charge(made.iter().map(|(_, record)| record.line.len() + 256).sum())?;
                let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
                for (at, record) in made {
                    records[at] = Some(record);
                }
                Ok(())
            },
        )?;
        let records = records.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(records.into_iter().flatten().collect())
    }
}
