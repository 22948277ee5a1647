//! Says of a row group or of its pages that no row there can match, from statistics and Bloom filters alone.
//!
//! **Invariant:** may say "perhaps" wrongly, "no" never.

use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;

use super::filter::{Condition, Matcher, Subject};
use crate::store::fields::{COLUMNS, FieldId, Kind};
use crate::store::files::FileMeta;

/// Whether some row of the row group may match.
pub fn may_match(condition: &Condition, meta: &FileMeta, row_group: usize) -> bool {
    match condition {
        Condition::All(conditions) => conditions
            .iter()
            .all(|condition| may_match(condition, meta, row_group)),
        Condition::Any(conditions) => conditions
            .iter()
            .any(|condition| may_match(condition, meta, row_group)),
        Condition::Not(_) => true,
        Condition::Leaf(Subject::Column(id), matcher) => may_hold(*id, matcher, meta, row_group),
        Condition::Leaf(subject @ Subject::Unknown(_), _) => subject
            .columns()
            .iter()
            .any(|id| may_hold(*id, &Matcher::Present, meta, row_group)),
    }
}

/// Rows of the row group whose pages may hold a match, by the bounds that pages of addresses have; nothing if that
/// says nothing.
pub fn near_rows(condition: &Condition, meta: &FileMeta, row_group: usize) -> Option<RowSelection> {
    match condition {
        Condition::All(conditions) => conditions
            .iter()
            .filter_map(|condition| near_rows(condition, meta, row_group))
            .reduce(|a, b| a.intersection(&b)),
        Condition::Any(conditions) => near_rows_of_any(conditions, meta, row_group),
        Condition::Leaf(Subject::Column(id), Matcher::Equals { text, .. })
            if is_plain_text(*id) =>
        {
            pages_with(*id, text.as_bytes(), meta, row_group)
        }
        Condition::Leaf(..) | Condition::Not(_) => None,
    }
}

/// The same for rows that need match one of the conditions.
pub fn near_rows_of_any<'a>(
    conditions: impl IntoIterator<Item = &'a Condition>,
    meta: &FileMeta,
    row_group: usize,
) -> Option<RowSelection> {
    let mut near = conditions
        .into_iter()
        .map(|condition| near_rows(condition, meta, row_group));
    let first = near.next()??;
    near.try_fold(first, |a, b| Some(a.union(&b?)))
}

fn pages_with(id: FieldId, text: &[u8], meta: &FileMeta, row_group: usize) -> Option<RowSelection> {
    let leaf = meta.leaves[id]?;
    let metadata = meta.arrow.metadata();
    let of_columns = metadata.column_index()?.get(row_group)?;
    let ColumnIndexMetaData::BYTE_ARRAY(bounds) = of_columns.get(leaf)? else {
        return None;
    };
    let pages = metadata.offset_index()?.get(row_group)?.get(leaf)?;
    let pages = pages.page_locations();
    if bounds.num_pages() != pages.len() as u64 {
        return None;
    }
    let total = metadata.row_group(row_group).num_rows() as usize;
    let starts = pages
        .iter()
        .map(|page| usize::try_from(page.first_row_index).ok());
    let starts = starts.collect::<Option<Vec<usize>>>()?;
    let ends = starts.iter().skip(1).copied().chain([total]);
    let mut near = Vec::new();
    for (at, (start, end)) in starts.iter().copied().zip(ends).enumerate() {
        // A damaged file may claim any place.
        if start >= end || end > total {
            return None;
        }
        let first = bounds.min_value(at);
        let last = bounds.max_value(at);
        // A page of nothing has neither.
        if first.is_some_and(|first| first <= text) && last.is_some_and(|last| text <= last) {
            near.push(start..end);
        }
    }
    Some(RowSelection::from_consecutive_ranges(
        near.into_iter(),
        total,
    ))
}

fn may_hold(id: FieldId, matcher: &Matcher, meta: &FileMeta, row_group: usize) -> bool {
    // A file from before the field existed has no such column.
    let Some(leaf) = meta.leaves[id] else {
        return false;
    };
    let column = meta.arrow.metadata().row_group(row_group).column(leaf);
    let Some(statistics) = column.statistics() else {
        return true;
    };
    if statistics.null_count_opt() == Some(column.num_values() as u64) {
        return false;
    }
    match (matcher, statistics) {
        (Matcher::Equals { number, .. }, Statistics::Int64(bounds)) => {
            let Some(number) = number else { return false };
            bounds.min_opt().is_none_or(|min| min <= number)
                && bounds.max_opt().is_none_or(|max| number <= max)
        }
        (Matcher::AtLeast(least), Statistics::Int64(bounds)) => {
            bounds.max_opt().is_none_or(|max| least <= max)
        }
        (Matcher::Equals { text, .. }, Statistics::ByteArray(bounds)) if is_plain_text(id) => {
            let text = text.as_bytes();
            bounds.min_bytes_opt().is_none_or(|min| min <= text)
                && bounds.max_bytes_opt().is_none_or(|max| text <= max)
                && may_contain(meta, row_group, leaf, column, text)
        }
        _ => true,
    }
}

fn is_plain_text(id: FieldId) -> bool {
    COLUMNS.all[id].kind == Kind::Text
}

fn may_contain(
    meta: &FileMeta,
    row_group: usize,
    leaf: usize,
    column: &ColumnChunkMetaData,
    text: &[u8],
) -> bool {
    if column.bloom_filter_offset().is_none() {
        return true;
    }
    let Ok(reader) = meta.open() else {
        return true;
    };
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(reader, meta.arrow.clone());
    match builder.get_row_group_column_bloom_filter(row_group, leaf) {
        Ok(Some(filter)) => filter.check(text),
        // Damage shows when the column itself is read.
        Ok(None) | Err(_) => true,
    }
}
