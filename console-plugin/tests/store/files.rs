//! What happens to files: small ones are merged, and what is in the way is passed over or tried again.

use std::fs;
use std::time::Duration;

use plugin_backend::config::duration::GoDuration;
use plugin_backend::store::push::Encoding;
use plugin_backend::store::{Store, tool};

use crate::flows;
use crate::support::{
    HOUR_MS, T0, config, fill, json_push, metric, row_count, sealed_files, wait_until,
};

#[test]
fn small_files_of_an_hour_are_merged_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(folder.path());
    settings.limits.segment_rows = 100;
    let store = Store::open(settings).unwrap();
    let mut flows = flows::Flows::new(1, 2_500, T0, HOUR_MS);
    for _ in 0..25 {
        store
            .push(Encoding::Protobuf, flows.push(100).into())
            .unwrap();
    }
    wait_until("25 files must become fewer", || {
        let sizes = store.sizes();
        sizes.head_rows == 0 && sizes.files < 10
    });
    assert_eq!(row_count(&store), 2_500);
    wait_until("merged files are deleted", || {
        sealed_files(folder.path()).len() == store.sizes().files
    });
    store.shutdown();
    let summary = tool::verify(folder.path(), &mut std::io::sink()).unwrap();
    assert_eq!((summary.rows, summary.damaged), (2_500, 0));
}

#[test]
fn a_segment_whose_name_is_taken_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(folder.path());
    settings.limits.segment_age = GoDuration(Duration::from_millis(1));
    let store = Store::open(settings).unwrap();
    // As an attempt leaves it that failed after it was created.
    fs::write(folder.path().join("wal/0000000002.wal"), "").unwrap();
    store
        .push(Encoding::Json, json_push(&[], &[(T0, "{}")]))
        .unwrap();
    wait_until("the row is sealed", || store.sizes().file_rows == 1);
}

#[test]
fn a_sealed_log_that_cannot_be_deleted_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), flows::hourly(1, T0, 1));
    let (log, seen) = (
        folder.path().join("wal/0000000001.wal"),
        folder.path().join("wal/0000000001.seen"),
    );
    let store = Store::open(config(folder.path())).unwrap();
    // A folder cannot be deleted as a file. The pushes are older than the time in which they are remembered.
    fs::create_dir(&log).unwrap();
    let file = fs::File::options().append(true).open(&seen).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    wait_until("it is tried", || {
        metric(&store, r#"netobserv_store_file_errors_total{cause="io"}"#) > 0
    });
    assert!(seen.exists(), "it says that the segment is sealed");
    fs::remove_dir(&log).unwrap();
    fs::write(&log, "").unwrap();
    wait_until("both are deleted", || !log.exists() && !seen.exists());
}
