//! What retention deletes, and what it must not.

use std::fs;
use std::time::Duration;

use plugin_backend::config::duration::GoDuration;
use plugin_backend::store::Store;
use plugin_backend::store::push::Encoding;

use crate::flows;
use crate::support::{
    HOUR_MS, T0, close, config, fill, json_push, machine_ms, metric, row_count, sealed_files,
    wait_until,
};

#[test]
fn retention_deletes_the_oldest_beyond_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), flows::hourly(1, T0, 6));
    let bytes: u64 = sealed_files(folder.path())[3..]
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .sum();
    let newest = sealed_files(folder.path()).split_off(3);
    let mut by_bytes = config(folder.path());
    by_bytes.retention.bytes = bytes;
    by_bytes.limits.segment_rows = 1;
    let store = Store::open(by_bytes).unwrap();
    // A seal wakes the thread that applies retention.
    store
        .push(Encoding::Json, json_push(&[], &[(T0 + 10 * HOUR_MS, "{}")]))
        .unwrap();
    wait_until("the oldest files must go", || {
        sealed_files(folder.path()).len() <= 4
    });
    wait_until("they are counted", || {
        metric(&store, "netobserv_store_expired_rows_total") >= 300
    });
    assert!(
        sealed_files(folder.path()).contains(&newest[2]),
        "the oldest goes first"
    );
    store.shutdown();
}

#[test]
fn retention_deletes_what_is_older_than_its_age_and_takes_no_such_row() {
    let folder = tempfile::tempdir().unwrap();
    let now = machine_ms();
    let two_days_old = now - 48 * HOUR_MS;
    let store = Store::open(config(folder.path())).unwrap();
    for time_ms in [two_days_old, now] {
        store
            .push(Encoding::Json, json_push(&[], &[(time_ms, "{}")]))
            .unwrap();
    }
    close(store, folder.path());
    assert_eq!(sealed_files(folder.path()).len(), 2);

    let mut by_age = config(folder.path());
    by_age.retention.age = GoDuration(Duration::from_hours(24));
    by_age.limits.segment_rows = 1;
    let store = Store::open(by_age).unwrap();
    let old = store
        .push(Encoding::Json, json_push(&[], &[(two_days_old + 1, "{}")]))
        .unwrap_err();
    assert!(
        old.to_string().contains("older than store.retention.age"),
        "{old}"
    );
    // A seal wakes the thread that applies retention.
    store
        .push(Encoding::Json, json_push(&[], &[(now + 1, "{}")]))
        .unwrap();
    wait_until("the old row must go", || row_count(&store) == 2);
    assert_eq!(
        metric(&store, "netobserv_store_expired_rows_total"),
        1,
        "the row that is not old stays"
    );
}

#[test]
fn a_clock_far_ahead_deletes_nothing() {
    for is_saved in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let now = machine_ms();
        let two_days_ago = now - 48 * HOUR_MS;
        let store = Store::open(config(folder.path())).unwrap();
        store
            .push(Encoding::Json, json_push(&[], &[(two_days_ago, "{}")]))
            .unwrap();
        store.shutdown();
        drop(store);
        // As if the machine's clock had been set two days ahead since.
        let clock = folder.path().join("clock");
        if is_saved {
            fs::write(clock, format!("{two_days_ago} 0\n")).unwrap();
        } else {
            fs::remove_file(clock).unwrap();
        }
        let mut by_age = config(folder.path());
        by_age.retention.age = GoDuration(Duration::from_hours(24));
        by_age.limits.segment_rows = 1;
        let store = Store::open(by_age).unwrap();
        // Rows of either clock are stored; each seal is followed by a look at what is too old.
        for time_ms in [two_days_ago + 1, now, now + 1] {
            store
                .push(Encoding::Json, json_push(&[], &[(time_ms, "{}")]))
                .unwrap();
            wait_until("the row must be sealed", || store.sizes().head_rows == 0);
        }
        assert_eq!(row_count(&store), 4);
        assert_eq!(metric(&store, "netobserv_store_expired_rows_total"), 0);
        assert!(store.sizes().is_clock_doubted);
        store.shutdown();
    }
}
