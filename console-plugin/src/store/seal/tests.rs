#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt as _;

use parquet::file::metadata::PageIndexPolicy;

use super::*;
use crate::store::files::{FileMeta, guarded};
use crate::store::lines::Lines;
use crate::store::maintain::read_file;
use crate::store::row_group;
use crate::store::rows::Rows;

/// Writes the lines, reads them back and says how often each row is there before and after.
fn written_and_read(make: impl Fn(&mut Lines, usize), rows: usize, chunks: usize) {
    let mut head = Rows::default();
    let batches: Vec<Arc<Batch>> = (0..chunks)
        .map(|chunk| {
            let mut lines = Lines::default();
            for row in (0..rows).filter(|row| row % chunks == chunk) {
                lines.set_int(COLUMNS.time, HOUR_MS + (row * 7 % 1_000) as i64);
                make(&mut lines, row);
                lines.end();
            }
            head.clear();
            head.append(&lines);
            Arc::new(head.batch())
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let files = write_hours(folder.path(), (1, 1), &batches).unwrap();
    let read: Vec<Arc<Batch>> = files
        .iter()
        .flat_map(|file| read_file(file).unwrap())
        .collect();
    let count = |batches: &[Arc<Batch>]| {
        let mut rows: BTreeMap<String, usize> = BTreeMap::new();
        for batch in batches {
            for row in 0..batch.rows {
                *rows.entry(batch.json_row(row)).or_default() += 1;
            }
        }
        rows
    };
    assert!(count(&batches) == count(&read), "the rows are others");
}

#[test]
fn what_is_written_is_read_whatever_the_columns_hold() {
    let id = |name: &str| COLUMNS.id(name).unwrap();
    let (name, zone) = (id("SrcK8S_Name"), id("SrcK8S_Zone"));
    let (bytes, flags) = (id("Bytes"), id("Flags"));
    let make = |lines: &mut Lines, row: usize| {
        // Runs, gaps, a text per row, one text in all, one row alone, and columns of nothing.
        lines.set_text(COLUMNS.source, &format!("10.0.0.{}", row / 3_000));
        if !row.is_multiple_of(3) {
            lines.set_text(COLUMNS.destination, &format!("10.1.{}.1", row % 300));
        }
        lines.set_text(name, &format!("pod-{row}"));
        lines.set_text(zone, "");
        if row == 12_345 {
            lines.set_text(flags, r#"["SYN"]"#);
            lines.set_int(bytes, -5);
        }
    };
    for (rows, chunks) in [(1, 1), (20_000, 3), (150_000, 2)] {
        written_and_read(make, rows, chunks);
    }
}

#[test]
fn texts_too_large_for_a_dictionary_are_written_plain() {
    let name = COLUMNS.id("DnsName").unwrap();
    let rows = TEXTS_BYTES / 50_000 + 100;
    let make = |lines: &mut Lines, row: usize| {
        if !row.is_multiple_of(50) {
            lines.set_text(name, &format!("{row}{}", "x".repeat(60_000)));
        }
    };
    written_and_read(make, rows, 4);
}

#[test]
fn no_flipped_bit_in_a_page_is_taken_for_a_value() {
    let (name, bytes) = (
        COLUMNS.id("SrcK8S_Name").unwrap(),
        COLUMNS.id("Bytes").unwrap(),
    );
    let mut lines = Lines::default();
    for row in 0..20 {
        lines.set_int(COLUMNS.time, HOUR_MS + row);
        lines.set_text(COLUMNS.source, ["10.0.0.1", "10.0.0.2"][row as usize % 2]);
        lines.set_text(name, &format!("pod-{}", row / 7));
        lines.set_int(bytes, row * row % 5);
        lines.end();
    }
    let mut head = Rows::default();
    head.append(&lines);
    let folder = tempfile::tempdir().unwrap();
    let stored = write_hours(folder.path(), (1, 1), &[Arc::new(head.batch())]).unwrap();
    let path = &stored[0].path;
    let meta = FileMeta::read(path, PageIndexPolicy::Required).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    let original = fs::read(path).unwrap();
    let read = |leaf: usize| {
        let decode = || {
            row_group::decode(&meta, &meta.open().unwrap(), 0, vec![leaf], None)
                .map_err(|error| StoreError::damaged(path, error))
        };
        let batch = guarded(path, decode)?;
        Ok::<_, StoreError>(
            (0..batch.rows)
                .map(|row| batch.json_row(row))
                .collect::<Vec<_>>(),
        )
    };
    let mut seen = 0;
    for id in [
        COLUMNS.time,
        COLUMNS.source,
        COLUMNS.destination,
        name,
        bytes,
    ] {
        let leaf = meta.leaves[id].unwrap();
        let rows = read(leaf).unwrap();
        let metadata = meta.arrow.metadata();
        let (start, length) = metadata.row_group(0).column(leaf).byte_range();
        let data = &metadata.offset_index().unwrap()[0][leaf].page_locations()[0];
        // A dictionary's page, if there is one, and the only page of data.
        for page in [
            start..data.offset as u64,
            data.offset as u64..start + length,
        ] {
            let mut is_header = true;
            for at in page {
                let byte = original[at as usize];
                // A header is followed by the beginning of a frame of zstd.
                is_header &= !original[at as usize..].starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
                for bit in 0..8 {
                    file.write_all_at(&[byte ^ 1 << bit], at).unwrap();
                    match read(leaf) {
                        Err(_) => seen += 1,
                        Ok(found) => {
                            assert!(is_header, "bit {bit} of byte {at} is not seen");
                            assert_eq!(found, rows, "bit {bit} of byte {at}");
                        }
                    }
                }
                file.write_all_at(&[byte], at).unwrap();
            }
        }
    }
    assert!(seen > 1_000, "{seen}");
}
