//! What is refused: rows, pushes and queries that are too much, and values of another type.

use std::time::{Duration, Instant};

use plugin_backend::config::duration::GoDuration;
use plugin_backend::store::Store;
use plugin_backend::store::push::Encoding;
use plugin_backend::store::query::{
    AggregateQuery, Control, Filter, Function, RecordsQuery, TimeRange,
};

use crate::flows;
use crate::support::{
    HOUR_MS, T0, config, control, fill, json_push, machine_ms, metric, row_count, wait_until,
};

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
