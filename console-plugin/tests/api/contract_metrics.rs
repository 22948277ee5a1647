//! The operational metrics are those of `contracts/metrics.json`.

use crate::console::{Console, base_s, flow};
use http::Request;
use serde_json::{Value, json};

/// What means records lost, as `losses` reads them.
const LOSSES: [&str; 2] = [
    "netobserv_store_damaged_frames_total",
    "netobserv_store_lines_refused_total",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_the_committed_ones() {
    let losses = "losses: {targets: [{component: x, url: \"http://127.0.0.1:1/metrics\"}]}\n";
    let console = Console::start_with("address: 127.0.0.1, authCheck: none", losses).await;
    // Families appear with their first sample.
    console.push(&[flow(base_s(), 0, json!({}))]).await;
    assert_eq!(
        console.push_bytes(b"no snappy".to_vec()).await,
        http::StatusCode::BAD_REQUEST
    );
    console.get("/api/loki/flow/records?timeRange=3600").await;
    console
        .send(Request::get("/").header("host", "evil.example"), "")
        .await;
    let started = std::time::Instant::now();
    let mut text = console.metrics().await;
    while !text.contains("loss_reads_failed_total") {
        assert!(
            started.elapsed().as_secs() < 60,
            "the loss counters were not read"
        );
        text = console.metrics().await;
    }
    let mut metrics: Vec<Value> = Vec::new();
    for line in text.lines() {
        if let Some((name, help)) = line
            .strip_prefix("# HELP ")
            .and_then(|rest| rest.split_once(' '))
        {
            metrics.push(json!({"name": name, "help": help}));
        } else if let Some((_, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            let metric = metrics.last_mut().unwrap();
            metric["type"] = kind.into();
            if kind == "counter" {
                metric["name"] = format!("{}_total", metric["name"].as_str().unwrap()).into();
            }
        }
    }
    let mut losses = 0;
    for metric in &mut metrics {
        if LOSSES.contains(&metric["name"].as_str().unwrap()) {
            metric["loss"] = true.into();
            losses += 1;
        }
    }
    assert_eq!(losses, LOSSES.len(), "a counter of losses is gone");
    metrics.sort_by_key(|metric| metric["name"].to_string());
    let text = format!(
        "{}\n",
        serde_json::to_string_pretty(&json!({ "metrics": metrics })).unwrap()
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/metrics.json");
    if std::env::var_os("UPDATE_CONTRACTS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "contracts/metrics.json is old; run the tests with UPDATE_CONTRACTS=1"
    );
}
