//! Each row is there once: while files are sealed and merged, after crashes, and over versions.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use plugin_backend::config::duration::GoDuration;
use plugin_backend::store::config::{LimitsConfig, StoreConfig};
use plugin_backend::store::push::Encoding;
use plugin_backend::store::query::{Filter, RecordsQuery, TimeRange};
use plugin_backend::store::{Store, tool};

use crate::flows;
use crate::support::{
    HOUR_MS, T0, config, control, damage_inside, fill_apart, json_push, machine_ms, metric,
    row_count, sealed_files, wait_until,
};

#[test]
fn a_damaged_source_of_a_merge_is_set_aside_and_the_others_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let lists = (1..4).map(|seed| flows::hourly(seed, T0, 1)).collect();
    let files = fill_apart(folder.path(), lists);
    damage_inside(&files[1]);
    // The hour is over: what it has is merged as soon as the thread comes round, before anybody reads it.
    let store = Store::open(config(folder.path())).unwrap();
    wait_until("the whole ones are merged", || {
        metric(&store, "netobserv_store_merges_total") == 1
    });
    assert_eq!(metric(&store, "netobserv_store_damaged_files_total"), 1);
    assert_eq!(row_count(&store), 200);
    assert_eq!(store.damaged(), [(T0, T0 + HOUR_MS)]);
    store.shutdown();
    let aside = fs::read_dir(folder.path().join("damaged")).unwrap();
    assert_eq!(aside.count(), 1);
}

#[test]
fn each_row_is_seen_once_while_it_is_sealed_and_merged() {
    const PUSHES: u64 = 60;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(folder.path());
    settings.limits.segment_rows = 100;
    let store = Store::open(settings).unwrap();
    let mut flows = flows::Flows::new(1, PUSHES * 100, T0, HOUR_MS);
    let (begun, stored) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..PUSHES {
                let body = flows.push(100);
                begun.fetch_add(100, Ordering::SeqCst);
                store.push(Encoding::Protobuf, body.into()).unwrap();
                stored.fetch_add(100, Ordering::SeqCst);
            }
        });
        wait_until("all rows are in merged files", || {
            let least = stored.load(Ordering::SeqCst);
            let rows = row_count(&store);
            let most = begun.load(Ordering::SeqCst);
            assert!(
                (least..=most).contains(&rows),
                "{rows} of {least} to {most}"
            );
            let sizes = store.sizes();
            least == PUSHES * 100 && sizes.head_rows == 0 && sizes.files < 10
        });
    });
    assert!(metric(&store, "netobserv_store_merges_total") > 0);
    store.shutdown();
}

/// Writes a sealed file anew with `Bytes` as text and a column of a later version.
fn change_columns(file: &Path) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(file).unwrap());
    let batch = reader.unwrap().build().unwrap().next().unwrap().unwrap();
    let rows = batch.num_rows();
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if field.name() == "Bytes" {
            fields.push(Arc::new(Field::new("Bytes", DataType::Utf8, true)));
            columns.push(Arc::new(StringArray::from(vec!["many"; rows])) as ArrayRef);
        } else {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
        }
    }
    fields.push(Arc::new(Field::new("Novelty", DataType::Int64, true)));
    columns.push(Arc::new(Int64Array::from(vec![7; rows])));
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let written = fs::File::create(file).unwrap();
    let mut writer = ArrowWriter::try_new(written, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_column_of_another_version_is_no_damage_and_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let lists = (1..3).map(|seed| flows::hourly(seed, T0, 1)).collect();
    let files = fill_apart(folder.path(), lists);
    change_columns(&files[0]);
    let changed = fs::read(&files[0]).unwrap();

    let mut settings = config(folder.path());
    settings.limits.segment_rows = 1;
    let store = Store::open(settings).unwrap();
    let query = RecordsQuery {
        range: TimeRange::ALL,
        filter: Filter::TRUE,
        limit: 1_000,
    };
    let records = store.records(&query, &control()).unwrap().records;
    let with_bytes = records
        .iter()
        .filter(|record| record.line.contains("\"Bytes\":"));
    assert_eq!((records.len(), with_bytes.count()), (200, 100));
    let query = RecordsQuery {
        filter: Filter::equals("Bytes", "many"),
        ..query
    };
    assert_eq!(store.records(&query, &control()).unwrap().records.len(), 0);
    // Both hours are over, so that what can be merged is merged once the thread has come round.
    store
        .push(Encoding::Json, json_push(&[], &[(T0 + 1, "{}")]))
        .unwrap();
    wait_until("the other two are merged", || {
        metric(&store, "netobserv_store_merges_total") == 1
    });
    store.shutdown();
    assert_eq!(metric(&store, "netobserv_store_damaged_files_total"), 0);
    assert_eq!(
        fs::read(&files[0]).unwrap(),
        changed,
        "with all its columns"
    );
    assert_eq!(row_count(&store), 201);
}

#[test]
fn a_row_that_a_crash_left_in_two_places_is_answered_once() {
    let name = |first: u64, last: u64| format!("{first:010}-{last:010}.parquet");
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(folder.path());
    settings.limits.segment_rows = 1;
    let store = Store::open(settings.clone()).unwrap();
    store
        .push(Encoding::Json, json_push(&[], &[(T0, "{}"), (T0, "{}")]))
        .unwrap();
    wait_until("the rows are sealed", || store.sizes().file_rows == 2);
    store.shutdown();
    drop(store);
    let [file] = &sealed_files(folder.path())[..] else {
        panic!("one file");
    };
    let (file, hour) = (file.clone(), file.parent().unwrap().to_owned());
    // Merged, and the sources not deleted; a merge in a merge; a seal that was not committed, whose rows are in the log.
    for (files, log, expected, rows) in [
        (vec![(1, 1), (2, 2), (1, 2)], None, vec![(1, 2)], 2),
        (vec![(1, 1), (1, 2), (3, 3), (1, 3)], None, vec![(1, 3)], 2),
        (vec![(1, 2), (2, 3)], None, vec![(1, 2), (2, 3)], 4),
        (vec![(1, 1), (3, 3)], Some(3), vec![(1, 1)], 2),
        // A merged file has been committed, whatever log there is.
        (vec![(1, 3)], Some(3), vec![(1, 3)], 2),
    ] {
        let copy = tempfile::tempdir().unwrap();
        let copied = copy.path().join("flows").join(hour.file_name().unwrap());
        fs::create_dir_all(&copied).unwrap();
        fs::create_dir_all(copy.path().join("wal")).unwrap();
        for (first, last) in &files {
            fs::copy(&file, copied.join(name(*first, *last))).unwrap();
        }
        if let Some(number) = log {
            fs::write(copy.path().join(format!("wal/{number:010}.wal")), "").unwrap();
        }
        let listed = |path: &Path| tool::list(path, &mut std::io::sink()).unwrap();
        let summary = listed(copy.path());
        assert_eq!((summary.rows, summary.damaged), (rows, 0), "{files:?}");
        assert_eq!(listed(&copy.path().join("flows")), summary, "either folder");
        let mut csv = Vec::new();
        tool::export(copy.path(), TimeRange::ALL, &mut csv, &mut std::io::sink()).unwrap();
        let lines = String::from_utf8(csv).unwrap().lines().count() as u64;
        assert_eq!(lines, rows + 1, "{files:?}");
        assert_eq!(
            sealed_files(copy.path()).len(),
            files.len(),
            "nothing is changed"
        );
        let store = Store::open(StoreConfig {
            path: copy.path().to_owned(),
            ..settings.clone()
        })
        .unwrap();
        assert_eq!(row_count(&store), rows, "{files:?}");
        let names: Vec<_> = expected
            .iter()
            .map(|(first, last)| copied.join(name(*first, *last)))
            .collect();
        // Those that count are there; the store may have merged them meanwhile.
        let left = sealed_files(copy.path());
        assert!(left == names || left.len() == 1, "{left:?}");
        store.shutdown();
    }
}

#[test]
fn a_limit_that_was_lowered_drops_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(folder.path());
    settings.limits.future = GoDuration(Duration::from_mins(50));
    let store = Store::open(settings.clone()).unwrap();
    let long = format!(r#"{{"SrcK8S_Name":"{}"}}"#, "x".repeat(500));
    let soon = machine_ms() + 45 * 60_000;
    let lines = [(T0, long.as_str()), (soon, "{}"), (T0, "{}")];
    store.push(Encoding::Json, json_push(&[], &lines)).unwrap();
    // As after a kill: the log is copied while the store is open.
    let log = fs::read(folder.path().join("wal/0000000001.wal")).unwrap();
    let lower_one: [fn(&mut LimitsConfig); 4] = [
        |limits| limits.line_bytes = 100,
        |limits| limits.push_lines = 1,
        |limits| limits.push_decoded_bytes = 100,
        |limits| limits.future = GoDuration(Duration::from_mins(1)),
    ];
    for lower in lower_one {
        let copy = tempfile::tempdir().unwrap();
        fs::create_dir_all(copy.path().join("wal")).unwrap();
        fs::write(copy.path().join("wal/0000000001.wal"), &log).unwrap();
        let mut settings = settings.clone();
        settings.path = copy.path().to_owned();
        lower(&mut settings.limits);
        let store = Store::open(settings).unwrap();
        assert_eq!(row_count(&store), 3);
        assert_eq!(metric(&store, "netobserv_store_damaged_frames_total"), 0);
    }
}
