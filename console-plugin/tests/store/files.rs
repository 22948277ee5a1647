//! What happens to files: damage is set aside, old ones expire, small ones are merged, a full disk is survived.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use plugin_backend::config::duration::GoDuration;
use plugin_backend::store::push::Encoding;
use plugin_backend::store::query::{
    AggregateQuery, Control, Filter, Function, RecordsQuery, TimeRange,
};
use plugin_backend::store::{Store, tool};

use crate::flows;
use crate::support::{
    HOUR_MS, T0, close, config, control, damage_inside, fill, json_push, machine_ms, metric,
    row_count, sealed_files, wait_until,
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
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64;
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

/// Unix milliseconds of the machine.
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

#[test]
fn rows_of_the_far_future_are_refused_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(folder.path());
    settings.limits.future = GoDuration(Duration::from_hours(1));
    let store = Store::open(settings).unwrap();
    let (now, far) = (machine_ms(), machine_ms() + 2 * HOUR_MS);
    let some = json_push(&[], &[(now, "{}"), (far, "{}")]);
    store.push(Encoding::Json, some).unwrap();
    assert_eq!(row_count(&store), 1);
    let all = store.push(Encoding::Json, json_push(&[], &[(far, "{}"), (far, "x")]));
    assert_eq!(all.unwrap_err().kind(), "no_line");
    for (name, cause, expected) in [
        ("lines_refused", "in_future", 1),
        ("lines_refused", "not_json", 0),
        ("refused_push_lines", "in_future", 1),
        ("refused_push_lines", "not_json", 1),
    ] {
        let name = format!("netobserv_store_{name}_total{{cause=\"{cause}\"}}");
        assert_eq!(metric(&store, &name), expected, "{name}");
    }
}

#[test]
fn a_value_of_another_type_is_kept_as_it_came_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(config(folder.path())).unwrap();
    let lines = [
        r#"{"SrcPort":80,"Flags":16,"SrcK8S_Name":"a"}"#,
        r#"{"SrcPort":"http","Flags":["SYN"],"SrcK8S_Name":7}"#,
    ];
    let lines: Vec<(i64, &str)> = lines.iter().map(|line| (T0, *line)).collect();
    store.push(Encoding::Json, json_push(&[], &lines)).unwrap();
    assert_eq!(metric(&store, "netobserv_store_mistyped_fields_total"), 2);
    let found = |filter: Filter| {
        let query = RecordsQuery {
            range: TimeRange::ALL,
            filter,
            limit: 10,
        };
        let records = store.records(&query, &control()).unwrap().records;
        let lines: Vec<String> = records.into_iter().map(|record| record.line).collect();
        lines.join("")
    };
    assert!(found(Filter::TRUE).contains(r#""SrcPort":"http""#));
    assert!(found(Filter::TRUE).contains(r#""SrcK8S_Name":7"#));
    // A column answers for the values of its own type alone.
    assert!(found(Filter::equals("SrcPort", "80")).contains(r#""SrcK8S_Name":"a""#));
    assert_eq!(found(Filter::equals("SrcPort", "http")), "");
    store.shutdown();
}

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
fn the_tool_lists_verifies_and_exports() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), flows::hourly(1, T0, 3));
    let mut out = Vec::new();
    assert_eq!(tool::list(folder.path(), &mut out).unwrap().rows, 300);
    let list = String::from_utf8(out).unwrap();
    assert!(
        list.contains("2026-11-24T00/0000000001-0000000001.parquet"),
        "{list}"
    );
    let mut out = Vec::new();
    let range = TimeRange {
        start_ms: T0 + HOUR_MS,
        end_ms: T0 + 2 * HOUR_MS,
    };
    tool::export(folder.path(), range, &mut out, &mut std::io::sink()).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap().lines().count(),
        101,
        "a header and the rows of one hour"
    );
    let file = sealed_files(folder.path()).remove(0);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..100]).unwrap();
    let mut out = Vec::new();
    assert_eq!(tool::verify(folder.path(), &mut out).unwrap().damaged, 1);
    assert!(String::from_utf8(out).unwrap().contains("is damaged"));
    let (mut out, mut told_of) = (Vec::new(), Vec::new());
    let exported = tool::export(folder.path(), TimeRange::ALL, &mut out, &mut told_of).unwrap();
    assert_eq!((exported.rows, exported.damaged), (200, 1));
    let lines = String::from_utf8(out).unwrap().lines().count();
    assert_eq!(lines, 201, "a damaged file costs only its own rows");
    let told_of = String::from_utf8(told_of).unwrap();
    assert!(
        told_of.starts_with("left out: ") && told_of.contains("is damaged"),
        "{told_of}"
    );
}

#[test]
fn the_tool_finds_the_store_and_says_what_it_does_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("flows");
    fs::create_dir(&store).unwrap();
    fill(&store, flows::hourly(1, T0, 3));
    let list = |path: &Path| tool::list(path, &mut std::io::sink());
    for path in [folder.path(), &store, &store.join("flows")] {
        assert_eq!(list(path).unwrap().rows, 300, "{}", path.display());
    }
    fs::write(store.join("wal/0000009999.wal"), "newest").unwrap();
    assert_eq!(list(folder.path()).unwrap().unsealed_bytes, 6);
    let elsewhere = list(&store.join("wal")).unwrap_err().to_string();
    assert!(elsewhere.starts_with("no store is in "), "{elsewhere}");
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

#[test]
fn a_query_ends_at_its_deadline_within_its_memory_and_when_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), flows::hourly(1, T0, 2));
    let mut settings = config(folder.path());
    settings.limits.query_memory = 10_000;
    let store = Store::open(settings).unwrap();
    let query = AggregateQuery {
        start_ms: T0 + 3 * HOUR_MS,
        end_ms: T0 + 3 * HOUR_MS,
        step_ms: 1,
        range_ms: 10 * HOUR_MS,
        filter: Filter::TRUE,
        group_by: vec!["SrcAddr".to_owned(), "DstAddr".to_owned()],
        function: Function::Sum,
        value_field: Some("Bytes".to_owned()),
        factor: 1.0,
        top_k: 10,
    };
    let kind = |control| store.aggregate(&query, &control).unwrap_err().kind();
    assert_eq!(kind(control()), "query_memory");
    let mut late = control();
    late.deadline = Instant::now();
    assert_eq!(kind(late), "deadline");
    let cancelled = control();
    cancelled.cancel.cancel();
    assert_eq!(kind(cancelled), "cancelled");
    for (field, step_ms, expected) in [
        ("SrcAddr", 1, "not a number"),
        ("Bytes", 0, "positive"),
        ("Nothing", 1, "not a number"),
    ] {
        let query = AggregateQuery {
            value_field: Some(field.to_owned()),
            step_ms,
            ..query.clone()
        };
        let error = store.aggregate(&query, &control()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let pattern = Filter::matches(
        "SrcAddr",
        plugin_backend::store::query::Test::Regex("(".to_owned()),
    );
    let query = RecordsQuery {
        range: TimeRange::ALL,
        filter: pattern,
        limit: 1,
    };
    assert_eq!(
        store.records(&query, &control()).unwrap_err().kind(),
        "invalid_query"
    );
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

#[test]
fn rows_that_many_steps_cover_are_bounded_within_one_unit_of_work() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(folder.path());
    settings.limits.query_threads = 1;
    settings.limits.query_memory = 8 << 20;
    let open = |settings| Store::open(settings).unwrap();
    let store = open(settings.clone());
    let mut flows = flows::Flows::new(1, 2_000, T0, 60_000);
    store
        .push(Encoding::Protobuf, flows.push(2_000).into())
        .unwrap();
    let query = AggregateQuery {
        start_ms: T0,
        end_ms: T0 + HOUR_MS,
        step_ms: 1_000,
        range_ms: HOUR_MS,
        filter: Filter::TRUE,
        group_by: vec!["SrcAddr".to_owned(), "SrcPort".to_owned()],
        function: Function::P99,
        value_field: Some("Bytes".to_owned()),
        factor: 1.0,
        top_k: 1 << 30,
    };
    let mut kind = "";
    let cost = allocation_counter::measure(|| {
        kind = store.aggregate(&query, &control()).unwrap_err().kind();
    });
    assert_eq!(kind, "query_memory");
    assert!(cost.bytes_max < 64 << 20, "{} bytes", cost.bytes_max);
    store.shutdown();
    drop(store);
    // With memory enough, the deadline is seen inside the unit.
    settings.limits.query_memory = 4 << 30;
    let store = open(settings);
    let soon = Control::within(Duration::from_millis(30));
    assert_eq!(
        store.aggregate(&query, &soon).unwrap_err().kind(),
        "deadline"
    );
}

#[test]
fn a_full_head_refuses_pushes_until_it_is_sealed_whether_or_not_anybody_pushes() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(folder.path());
    settings.limits.head_rows = 100;
    // Longer than this thread stands still between two pushes.
    settings.limits.segment_age = GoDuration(Duration::from_secs(10));
    let store = Store::open(settings).unwrap();
    let mut flows = flows::Flows::new(1, 1_000, T0, HOUR_MS);
    store
        .push(Encoding::Protobuf, flows.push(100).into())
        .unwrap();
    let late = bytes::Bytes::from(flows.push(1));
    let error = store.push(Encoding::Protobuf, late.clone()).unwrap_err();
    assert_eq!(error.kind(), "busy");
    let refusal = store.refusal().unwrap();
    assert_eq!(refusal.reason, error.to_string());
    assert_eq!(refusal.kind, "busy");
    wait_until("the head is sealed", || store.refusal().is_none());
    store.push(Encoding::Protobuf, late).unwrap();
    assert_eq!(row_count(&store), 101);
}

/// The whole console over the folder; it must say what it serves and that pushes are refused.
fn start_app(root: &Path) -> anyhow::Result<()> {
    let text = format!(
        "server: {{port: 0, address: 127.0.0.1, authCheck: none, metricsPort: 0, metricsAddress: 127.0.0.1}}\n\
         store: {{path: {}, listen: \"127.0.0.1:0\", retention: {{age: 876000h}}}}\n",
        root.display()
    );
    let config = plugin_backend::config::parse("test.yaml", &text)?.config;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        plugin_backend::app::App::start(config).await?.stop().await;
        Ok(())
    })
}

/// Run in a mount namespace of its own by the test below, on a file system of 8 MiB.
#[test]
fn child_that_fills_its_disk() {
    let Some(folder) = std::env::var_os("STORE_FULL_FOLDER") else {
        return;
    };
    let root = Path::new(&folder);
    let mut settings = config(root);
    settings.limits.free_bytes = 2 << 20;
    // Kept losses, whose last line was cut.
    let losses = root.join("losses/entries.jsonl");
    let kept = r#"{"component":"agent","from":4000000000000,"to":4000000000001,"cause":"full","records":2}"#;
    fs::create_dir(root.join("losses")).unwrap();
    fs::write(&losses, format!("{kept}\n{kept}\n{{\"compon")).unwrap();
    let store = Store::open(settings.clone()).unwrap();
    let mut flows = flows::Flows::new(1, 1_000_000, T0, HOUR_MS);
    let filler = root.join("filler");
    fs::write(&filler, vec![0; 6 << 20]).unwrap();
    let body = bytes::Bytes::from(flows.push(500));
    assert_eq!(store.refusal(), None, "nothing was pushed yet");
    store.push(Encoding::Protobuf, body.clone()).unwrap_err();
    let refusal = store.refusal().unwrap();
    assert!(refusal.reason.contains("free some space"), "{refusal:?}");
    assert_eq!(store.fault(), None, "it can be read");
    fs::remove_file(&filler).unwrap();
    wait_until("room is seen without a push", || store.refusal().is_none());
    store.push(Encoding::Protobuf, body).unwrap();
    let mut rows = 500;
    let body = loop {
        let body = bytes::Bytes::from(flows.push(500));
        match store.push(Encoding::Protobuf, body.clone()) {
            Ok(()) => rows += 500,
            Err(error) => {
                assert_eq!(error.kind(), "disk_full", "{error}");
                break body;
            }
        }
        assert!(rows < 1_000_000, "the disk must become full");
    };
    assert_eq!(
        row_count(&store),
        rows,
        "reading goes on and nothing refused is there"
    );
    // A file of somebody else fills the rest: the disk really has no byte left.
    let mut rest = fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut rest, &[0; 4096]).is_ok() {}
    drop(rest);
    assert!(store.push(Encoding::Protobuf, body.clone()).is_err());
    assert_eq!(row_count(&store), rows);
    let started = Instant::now();
    store.shutdown();
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "a stop must not wait for room: {:?}",
        started.elapsed()
    );
    drop(store);
    let mut opened = None;
    wait_until("the first store must let go of the folder", || {
        opened = Store::open(settings.clone()).ok();
        opened.is_some()
    });
    let store = opened.unwrap();
    let refusal = store.refusal().unwrap();
    assert!(refusal.reason.contains("free some space"), "{refusal:?}");
    assert_eq!(
        row_count(&store),
        rows,
        "a full disk is read from the start"
    );
    store.shutdown();
    drop(store);
    wait_until("the store must let go of the folder", || {
        start_app(root).is_ok()
    });
    let read = fs::read_to_string(&losses).unwrap();
    assert_eq!(read, format!("{kept}\n{kept}\n"), "a cut line goes");
    // Not even the name of a file has room.
    let mut names = 0;
    while fs::write(root.join(format!("name-{names}")), "").is_ok() {
        names += 1;
    }
    wait_until("the app must let go of the folder", || {
        start_app(root).is_ok()
    });
    for name in 0..names {
        fs::remove_file(root.join(format!("name-{name}"))).unwrap();
    }
    fs::remove_file(&filler).unwrap();
    settings.limits.free_bytes = 1 << 16;
    wait_until("the first store must let go of the folder", || {
        Store::open(settings.clone()).is_ok_and(|store| {
            store.push(Encoding::Protobuf, body.clone()).unwrap();
            row_count(&store) == rows + 500
        })
    });
}

#[test]
fn a_full_disk_refuses_pushes_and_goes_on_reading() {
    // The owner of this process's folder is its effective user.
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        assert!(
            std::env::var_os("CI").is_none(),
            "this test needs root, to mount a small file system"
        );
        eprintln!("skipped: only root can mount a small file system");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=8m,nr_inodes=1000 store-test "$STORE_FULL_FOLDER" && exec "$0" --exact files::child_that_fills_its_disk --nocapture"#;
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("STORE_FULL_FOLDER", folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
