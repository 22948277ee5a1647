//! Decodes the columns of a unit that a query needs, and only the rows it needs.
//!
//! **Invariant:** damage in a file never leaves this place as a panic.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{BooleanArray, BooleanBufferBuilder};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use parquet::errors::ParquetError;
use parquet::file::statistics::Statistics;

use super::filter::{Lead, Mask, in_range};
use super::prune::{near_rows, near_rows_of_any};
use super::{Task, Unit};
use crate::store::batch::Batch;
use crate::store::error::StoreError;
use crate::store::fields::{COLUMNS, FieldId};
use crate::store::files::{FileMeta, guarded, parquet_error};
use crate::store::row_group;

/// Rows of a unit that match, with the columns asked for (and perhaps others).
pub struct Scanned {
    pub batch: Batch,
    /// Which rows of the batch match.
    pub mask: Mask,
}

/// What the leading conditions leave of a unit.
pub(super) enum Candidates {
    Nothing,
    /// Few rows with the columns asked for, their places in the unit, and which of them pass the condition.
    Few(Batch, Vec<u32>, Mask),
    /// Too many to be worth choosing, or nothing leads; with what is decoded of all rows so far.
    Many(Batch),
}

/// What one leading condition leaves of a unit.
enum Passing {
    Nothing,
    Few(RowSelection),
    /// Too many to be worth choosing; with the column if it was decoded of all rows.
    Many(Batch),
    /// The unit's file cannot be read.
    Damaged,
}

/// Below one match in this many rows the other columns are decoded for the matching rows only.
const SPARSE: usize = 8;

impl Task<'_> {
    /// Finds the matching rows and decodes `wanted` for them; nothing if none match.
    pub(super) fn scan(
        &self,
        unit: &Unit,
        wanted: &[FieldId],
    ) -> Result<Option<Scanned>, StoreError> {
        let (min_ms, max_ms) = unit.bounds();
        let is_inside = self.range.contains(min_ms) && self.range.contains(max_ms);
        let mut first = Vec::new();
        self.condition.columns(&mut first);
        if !is_inside {
            first.push(COLUMNS.time);
        }
        first.sort_unstable();
        first.dedup();
        let rows = unit.rows();
        self.scanned.fetch_add(rows as u64, Ordering::Relaxed);
        if first.is_empty() {
            self.matched.fetch_add(rows as u64, Ordering::Relaxed);
            let batch = self.load(unit, wanted, None)?;
            return Ok(batch.map(|batch| Scanned {
                batch,
                mask: Mask::Everything,
            }));
        }

        let mut columns = [&first[..], wanted].concat();
        columns.sort_unstable();
        columns.dedup();
        let mut needed = wanted.to_vec();
        if !is_inside {
            needed.push(COLUMNS.time);
        }
        let mut batch = match self.candidates(unit, &needed)? {
            Candidates::Nothing => return Ok(None),
            Candidates::Few(batch, places, mask) => {
                let mask = self.within(mask, &batch, is_inside);
                let matched = mask.count(places.len());
                self.matched.fetch_add(matched as u64, Ordering::Relaxed);
                return Ok((matched > 0).then_some(Scanned { batch, mask }));
            }
            Candidates::Many(batch) => batch,
        };
        if !self.load_more(unit, &mut batch, &first)? {
            return Ok(None);
        }
        let mask = self.matches(&batch, is_inside);
        let matched = mask.count(rows);
        self.matched.fetch_add(matched as u64, Ordering::Relaxed);
        if matched == 0 {
            return Ok(None);
        }
        match mask {
            Mask::Some(buffer) if matched < rows / SPARSE => {
                let passes = BooleanArray::new(buffer, None);
                let selection = RowSelection::from_filters(std::slice::from_ref(&passes));
                let mut narrow = Batch::new(matched);
                let used = first.iter().filter(|id| wanted.contains(id));
                for (id, array) in used.filter_map(|id| Some((*id, batch.get(*id)?))) {
                    narrow.push(
                        id,
                        filter(array, &passes)
                            .map_err(|e| StoreError::InvalidQuery(e.to_string()))?,
                    );
                }
                let rest: Vec<FieldId> = wanted
                    .iter()
                    .copied()
                    .filter(|id| !first.contains(id))
                    .collect();
                let Some(others) = self.load(unit, &rest, Some(&selection))? else {
                    return Ok(None);
                };
                narrow.extend(others);
                Ok(Some(Scanned {
                    batch: narrow,
                    mask: Mask::Everything,
                }))
            }
            mask => {
                let is_whole = self.load_more(unit, &mut batch, &columns)?;
                Ok(is_whole.then_some(Scanned { batch, mask }))
            }
        }
    }

    /// Decodes those of the columns that the batch, which has all rows of the unit, lacks; false if the unit's file is
    /// damaged.
    pub(super) fn load_more(
        &self,
        unit: &Unit,
        batch: &mut Batch,
        ids: &[FieldId],
    ) -> Result<bool, StoreError> {
        let missing: Vec<FieldId> = ids
            .iter()
            .copied()
            .filter(|id| batch.get(*id).is_none())
            .collect();
        let Some(more) = self.load(unit, &missing, None)? else {
            return Ok(false);
        };
        batch.extend(more);
        Ok(true)
    }

    /// Which rows pass the condition and lie in the range.
    pub(super) fn matches(&self, batch: &Batch, is_inside: bool) -> Mask {
        self.within(self.condition.evaluate(batch), batch, is_inside)
    }

    /// Those of the rows that lie in the range.
    pub(super) fn within(&self, mask: Mask, batch: &Batch, is_inside: bool) -> Mask {
        if is_inside || matches!(mask, Mask::Nothing) {
            return mask;
        }
        mask.and(in_range(batch, self.range))
    }

    /// Decodes the columns of the leading conditions alone, of the pages that may hold a match, and those `needed` (and of
    /// the rest of the condition) only for the rows that pass one of them if these are few: rows of one address lie side
    /// by side, so that most pages of the other columns are never touched.
    pub(super) fn candidates(
        &self,
        unit: &Unit,
        needed: &[FieldId],
    ) -> Result<Candidates, StoreError> {
        let rows = unit.rows();
        let Some(leads) = self.condition.leads() else {
            return Ok(Candidates::Many(Batch::new(rows)));
        };
        let near = match unit {
            Unit::Chunk(_) => None,
            Unit::RowGroup { meta, index, .. } => near_rows(&self.condition, meta, *index),
        };
        let mut passing = RowSelection::from(vec![RowSelector::skip(rows)]);
        for lead in &leads {
            match self.passing(unit, lead, near.as_ref())? {
                Passing::Nothing => {}
                Passing::Damaged => return Ok(Candidates::Nothing),
                Passing::Few(selection) => passing = passing.union(&selection),
                Passing::Many(batch) => return Ok(Candidates::Many(batch)),
            }
        }
        if !passing.selects_any() {
            return Ok(Candidates::Nothing);
        }
        if passing.row_count() >= rows / SPARSE {
            return Ok(Candidates::Many(Batch::new(rows)));
        }
        let is_decided = self.condition.is_its_leads();
        let mut columns = needed.to_vec();
        if !is_decided {
            self.condition.columns(&mut columns);
        }
        columns.sort_unstable();
        columns.dedup();
        let Some(batch) = self.load(unit, &columns, Some(&passing))? else {
            return Ok(Candidates::Nothing);
        };
        let mask = if is_decided {
            Mask::Everything
        } else {
            self.condition.evaluate(&batch)
        };
        Ok(Candidates::Few(batch, places(&passing), mask))
    }

    /// Rows that pass one of the lead's conditions; `near` are those that may pass the whole condition, if known.
    fn passing(
        &self,
        unit: &Unit,
        lead: &Lead<'_>,
        near: Option<&RowSelection>,
    ) -> Result<Passing, StoreError> {
        let near = match unit {
            Unit::Chunk(_) => None,
            Unit::RowGroup { meta, index, .. } => {
                let of_lead = near_rows_of_any(lead.parts.iter().copied(), meta, *index);
                [near.cloned(), of_lead]
                    .into_iter()
                    .flatten()
                    .reduce(|a, b| a.intersection(&b))
            }
        };
        if near.as_ref().is_some_and(|near| !near.selects_any()) {
            return Ok(Passing::Nothing);
        }
        let Some(batch) = self.load(unit, &[lead.column], near.as_ref())? else {
            return Ok(Passing::Damaged);
        };
        let passes = match lead.evaluate(&batch) {
            Mask::Nothing => return Ok(Passing::Nothing),
            Mask::Everything => BooleanBuffer::new_set(batch.rows),
            Mask::Some(passes) => passes,
        };
        let is_many = passes.count_set_bits() >= unit.rows() / SPARSE;
        let passes = BooleanArray::new(passes, None);
        let passing = || RowSelection::from_filters(std::slice::from_ref(&passes));
        Ok(match near {
            None if is_many => Passing::Many(batch),
            Some(_) if is_many => Passing::Many(Batch::new(unit.rows())),
            None => Passing::Few(passing()),
            Some(near) => Passing::Few(near.and_then(&passing())),
        })
    }

    /// Decodes columns of a unit, of all rows or of the selected ones; nothing if its file is damaged.
    pub(super) fn load(
        &self,
        unit: &Unit,
        ids: &[FieldId],
        selected: Option<&RowSelection>,
    ) -> Result<Option<Batch>, StoreError> {
        match unit {
            Unit::Chunk(chunk) => {
                let passes = selected.map(|selection| passes(selection, chunk.batch.rows));
                let rows = passes
                    .as_ref()
                    .map_or(chunk.batch.rows, BooleanArray::true_count);
                let mut batch = Batch::new(rows);
                for id in ids {
                    let Some(array) = chunk.batch.get(*id) else {
                        continue;
                    };
                    let array = match &passes {
                        None => Arc::clone(array),
                        Some(passes) => filter(array, passes)
                            .map_err(|error| StoreError::InvalidQuery(error.to_string()))?,
                    };
                    batch.push(*id, array);
                }
                Ok(Some(batch))
            }
            Unit::RowGroup { file, meta, index } => {
                let outcome = guarded(&file.path, || {
                    decode(meta, *index, ids, selected)
                        .map_err(|error| parquet_error(&file.path, error))
                });
                self.executor.survive(file, outcome)
            }
        }
    }
}

/// The selected rows as bits.
fn passes(selection: &RowSelection, rows: usize) -> BooleanArray {
    let mut passes = BooleanBufferBuilder::new(rows);
    for part in selection.iter() {
        passes.append_n(part.row_count, !part.skip);
    }
    passes.resize(rows);
    BooleanArray::new(passes.finish(), None)
}

/// Places of the selected rows.
fn places(selection: &RowSelection) -> Vec<u32> {
    let mut places = Vec::with_capacity(selection.row_count());
    let mut at = 0;
    for part in selection.iter() {
        let end = at + part.row_count as u32;
        if !part.skip {
            places.extend(at..end);
        }
        at = end;
    }
    places
}

fn decode(
    meta: &FileMeta,
    row_group: usize,
    ids: &[FieldId],
    selection: Option<&RowSelection>,
) -> Result<Batch, ParquetError> {
    let columns = meta.arrow.metadata().row_group(row_group).columns();
    let leaves = ids.iter().filter_map(|id| meta.leaves[*id]).filter(|leaf| {
        // A column of nothing need not be read.
        let column = &columns[*leaf];
        column.statistics().and_then(Statistics::null_count_opt) != Some(column.num_values() as u64)
    });
    row_group::decode(meta, &meta.open()?, row_group, leaves.collect(), selection)
}
