//! Damaged files and logs are set aside and cost only what they must.

use std::fs;
use std::time::Duration;

use plugin_backend::config::duration::GoDuration;
use plugin_backend::store::Store;
use plugin_backend::store::push::Encoding;
use plugin_backend::store::query::{Filter, RecordsQuery, TimeRange};

use crate::flows;
use crate::support::{
    HOUR_MS, T0, config, control, damage_inside, fill, json_push, machine_ms, metric, row_count,
    sealed_files, wait_until,
};

#[test]
fn a_damaged_file_is_set_aside_and_the_others_answer() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), flows::hourly(1, T0, 4));
    let files = sealed_files(folder.path());
    assert_eq!(files.len(), 4);
    // One loses its end, which the start notices; one is overwritten inside, which only reading it shows.
    let whole = fs::read(&files[0]).unwrap();
    fs::write(&files[0], &whole[..whole.len() - 10]).unwrap();
    damage_inside(&files[1]);

    let store = Store::open(config(folder.path())).unwrap();
    assert_eq!(metric(&store, "netobserv_store_damaged_files_total"), 1);
    let query = RecordsQuery {
        range: TimeRange::ALL,
        filter: Filter::present("SrcAddr"),
        limit: 1_000,
    };
    let records = store.records(&query, &control()).unwrap().records;
    assert_eq!(records.len(), 200);
    assert_eq!(metric(&store, "netobserv_store_damaged_files_total"), 2);
    assert_eq!(sealed_files(folder.path()), files[2..]);
    assert_eq!(
        fs::read_dir(folder.path().join("damaged")).unwrap().count(),
        2
    );
    assert_eq!(row_count(&store), 200);
}

#[test]
fn a_damaged_file_goes_when_it_is_as_old_as_those_that_retention_deletes() {
    let folder = tempfile::tempdir().unwrap();
    let hour = |ms: i64| {
        let hour = jiff::Timestamp::from_millisecond(ms).unwrap();
        hour.strftime("%Y-%m-%dT%H").to_string()
    };
    let set_aside = folder.path().join("damaged");
    fs::create_dir(&set_aside).unwrap();
    let put = |name: &str| {
        let path = set_aside.join(name);
        fs::write(&path, "PAR1").unwrap();
        path
    };
    let now = machine_ms();
    let file = "0000000001-0000000001.parquet";
    let old = put(&format!("{}.{file}", hour(now - 26 * HOUR_MS)));
    let kept = [
        // An hour that is not over by then, nor some minutes later, when the test ends.
        put(&format!("{}.{file}", hour(now - 24 * HOUR_MS + 5 * 60_000))),
        // Whatever it is, it is not ours.
        put("note.txt"),
    ];
    let mut by_age = config(folder.path());
    by_age.retention.age = GoDuration(Duration::from_hours(24));
    by_age.limits.segment_rows = 1;
    let store = Store::open(by_age).unwrap();
    // A seal wakes the thread that applies retention.
    store
        .push(Encoding::Json, json_push(&[], &[(now, "{}")]))
        .unwrap();
    wait_until("the old one is deleted and counted", || {
        metric(&store, "netobserv_store_expired_files_total") == 1
    });
    assert!(!old.exists());
    assert!(kept.iter().all(|path| path.exists()));
    store.shutdown();
}

#[test]
fn any_flipped_byte_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), flows::hourly(1, T0, 1));
    let file = sealed_files(folder.path()).remove(0);
    let whole = fs::read(&file).unwrap();
    let mut random = flows::Random(5);
    for _ in 0..60 {
        let mut bytes = whole.clone();
        let at = random.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << random.below(8);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &bytes).unwrap();
        let store = Store::open(config(folder.path())).unwrap();
        let query = RecordsQuery {
            range: TimeRange::ALL,
            filter: Filter::present("SrcAddr"),
            limit: 1_000,
        };
        // Either the file is set aside or it is answered from; what must not happen is a crash or an error.
        store.records(&query, &control()).unwrap();
        store.shutdown();
    }
}

#[test]
fn a_torn_or_damaged_log_costs_only_what_it_must() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(config(folder.path())).unwrap();
    for at in 0..3 {
        store
            .push(Encoding::Json, json_push(&[], &[(T0 + at, "{}")]))
            .unwrap();
    }
    // As after a kill: the log is copied while the store is open.
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir_all(copy.path().join("wal")).unwrap();
    let log = fs::read(folder.path().join("wal/0000000001.wal")).unwrap();
    fs::write(
        copy.path().join("wal/0000000001.wal"),
        &log[..log.len() - 1],
    )
    .unwrap();
    let reopened = Store::open(config(copy.path())).unwrap();
    assert_eq!(row_count(&reopened), 2);
    reopened
        .push(Encoding::Json, json_push(&[], &[(T0 + 2, "{}")]))
        .unwrap();
    assert_eq!(
        row_count(&reopened),
        3,
        "the push that was cut off is stored when it comes again"
    );
}
