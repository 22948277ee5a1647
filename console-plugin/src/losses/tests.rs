#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Router;
use axum::routing::get;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::*;

/// A process that started at this time, Unix seconds, and reckons it anew by its clock at each reading.
const STARTED_S: i64 = 1_700_000_000;

/// What a test moves.
#[derive(Clone, Default)]
struct Moved {
    /// The counter of the page.
    lost: Arc<AtomicU64>,
    /// By how much the component's clock was set, seconds.
    step_s: Arc<AtomicI64>,
}

async fn component(moved: Moved) -> String {
    let page = move || async move {
        let lost = moved.lost.load(Ordering::Relaxed);
        let step_s = moved.step_s.load(Ordering::Relaxed);
        let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(step_s);
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
        let page = format!(
            "x_dropped_flows_total{{source=\"limiter\",reason=\"full\"}} {lost}\nprocess_start_time_seconds {}\n",
            STARTED_S + step_s
        );
        ([(http::header::DATE, date.unwrap())], page)
    };
    let listener = crate::http::listen("127.0.0.1", 0, "test", "none")
        .await
        .unwrap();
    let address = listener.address();
    let router = Router::new().route("/metrics", get(page));
    tokio::spawn(crate::http::serve(
        listener,
        None,
        router,
        8,
        Metrics::new(|_| {}),
        CancellationToken::new(),
    ));
    format!("http://{address}/metrics")
}

fn target(component: &str, url: &str) -> LossTarget {
    LossTarget {
        component: component.into(),
        url: url.into(),
        ca_path: None,
        server_name: None,
    }
}

#[tokio::test]
async fn differences_are_kept_over_a_restart_and_silence_is_a_gap() {
    let moved = Moved::default();
    let lost = moved.lost.clone();
    lost.store(5, Ordering::Relaxed);
    let url = component(moved).await;
    let folder = tempfile::tempdir().unwrap();
    let metrics = Metrics::new(|_| {});
    let targets = vec![
        target("ebpf-agent", &url),
        target("flowlogs-pipeline", "http://127.0.0.1:1/metrics"),
    ];
    let retention = Duration::from_hours(1);
    let now = || jiff::Timestamp::now().as_millisecond();
    let open = || Losses::open(folder.path(), retention, targets.clone(), now()).unwrap();

    let losses = open();
    losses.read_all(&metrics).await;
    lost.store(8, Ordering::Relaxed);
    losses.read_all(&metrics).await;
    let report = losses.between(0, i64::MAX, now());
    let expected = [Loss {
        component: "ebpf-agent".into(),
        cause: "limiter: full".into(),
        amount: 3,
        unit: Unit::Records,
    }];
    assert_eq!(report.losses, expected);
    let [interval] = &report.intervals[..] else {
        panic!("one interval: {:?}", report.intervals);
    };
    assert_eq!(
        (interval.cause.as_str(), interval.amount),
        ("limiter: full", 3)
    );
    assert!(interval.from <= interval.to && interval.to <= now());
    assert_eq!(report.components, ["ebpf-agent", "flowlogs-pipeline"]);
    assert_eq!(report.unaccounted, []);
    assert_eq!(report.never_seen.len(), 1);
    assert_eq!(report.never_seen[0].component, "flowlogs-pipeline");
    assert!(
        report.never_seen[0].is_starting,
        "it was first tried just now"
    );
    assert!(
        metrics
            .text()
            .contains("loss_reads_failed_total{component=\"flowlogs-pipeline\"} 2")
    );

    drop(losses);
    let losses = open();
    lost.store(9, Ordering::Relaxed);
    losses.read_all(&metrics).await;
    let report = losses.between(0, i64::MAX, now());
    assert_eq!(
        report.losses[0].amount, 4,
        "also what was lost while nobody watched"
    );
    let records: Vec<u64> = report.intervals.iter().map(|each| each.amount).collect();
    assert_eq!(records, [3, 1], "oldest first, also over a restart");
}

#[tokio::test]
async fn a_component_whose_clock_is_set_has_lost_nothing_by_that() {
    let moved = Moved::default();
    moved.lost.store(500, Ordering::Relaxed);
    let targets = vec![target("ebpf-agent", &component(moved.clone()).await)];
    let folder = tempfile::tempdir().unwrap();
    let losses = Losses::open(folder.path(), Duration::from_hours(1), targets, 0).unwrap();
    let metrics = Metrics::new(|_| {});
    losses.read_all(&metrics).await;
    for (step_s, lost) in [(3600, 502), (-7200, 503)] {
        moved.step_s.store(step_s, Ordering::Relaxed);
        moved.lost.store(lost, Ordering::Relaxed);
        losses.read_all(&metrics).await;
        let report = losses.between(0, i64::MAX, i64::MAX);
        assert_eq!(report.losses[0].amount, lost - 500, "{step_s}");
        assert_eq!(report.unaccounted, [], "{step_s}");
    }
}

#[tokio::test]
async fn the_end_keeps_when_the_last_reading_was() {
    let url = component(Moved::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let targets = vec![target("ebpf-agent", &url)];
    let losses = Losses::open(folder.path(), Duration::from_hours(1), targets, 0).unwrap();
    let metrics = Metrics::new(|_| {});
    losses.read_all(&metrics).await;
    let readings = folder.path().join("readings.json");
    std::fs::remove_file(&readings).unwrap();
    losses.read_all(&metrics).await;
    assert!(!readings.exists(), "nothing but the time is new");
    let ended = CancellationToken::new();
    ended.cancel();
    losses.watch(metrics, ended).await;
    assert!(readings.exists());
}
