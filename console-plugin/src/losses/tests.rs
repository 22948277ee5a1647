#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::routing::get;

use super::*;

/// A metrics page whose counter a test moves.
async fn component(lost: Arc<AtomicU64>) -> String {
    let page = move || async move {
        let lost = lost.load(Ordering::Relaxed);
        format!(
            "x_dropped_flows_total{{source=\"limiter\",reason=\"full\"}} {lost}\nprocess_start_time_seconds 1\n"
        )
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
    let lost = Arc::new(AtomicU64::new(5));
    let url = component(lost.clone()).await;
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
        records: 3,
    }];
    assert_eq!(report.losses, expected);
    let [interval] = &report.intervals[..] else {
        panic!("one interval: {:?}", report.intervals);
    };
    assert_eq!(
        (interval.cause.as_str(), interval.records),
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
        report.losses[0].records, 4,
        "also what was lost while nobody watched"
    );
    let records: Vec<u64> = report.intervals.iter().map(|each| each.records).collect();
    assert_eq!(records, [3, 1], "oldest first, also over a restart");
}
