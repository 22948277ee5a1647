//! `contracts/metrics.json` against what a running pipeline of all stages shows.

use std::collections::{BTreeMap, BTreeSet};

use crate::loki::FakeLoki;
use crate::pipeline::Running;
use flowlogs_pipeline::ingest::protobuf::pbflow::{Record, Records};
use serde_json::{Value, json};

/// Name, then type and names of the labels.
type Metrics = BTreeMap<String, (String, BTreeSet<String>)>;

fn contract() -> Metrics {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/metrics.json");
    let contract: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    contract["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|metric| {
            let labels = metric["labels"].as_array().unwrap().iter().map(text);
            (
                text(&metric["name"]),
                (text(&metric["type"]), labels.collect()),
            )
        })
        .collect()
}

/// What a scrape shows, without the labels that belong to histograms and summaries.
fn shown(text: &str) -> Metrics {
    let mut metrics = Metrics::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(header) = line.strip_prefix("# TYPE ") {
            let (metric, kind) = header.split_once(' ').unwrap();
            metric.clone_into(&mut name);
            metrics.insert(name.clone(), (kind.into(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let labels = line.split_once('{').map_or("", |(_, rest)| rest);
            let names = labels
                .split(['{', ','])
                .filter_map(|label| label.split_once("=\""))
                .map(|(name, _)| name.to_owned())
                .filter(|name| !matches!(name.as_str(), "le" | "quantile"));
            metrics.get_mut(&name).unwrap().1.extend(names);
        }
    }
    metrics
}

fn stages(text: &str, metric: &str) -> BTreeSet<String> {
    let start = format!("{metric}{{stage=\"");
    text.lines()
        .filter_map(|line| line.strip_prefix(&start)?.split('"').next())
        .map(String::from)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_pipeline_shows_the_metrics_of_the_contract_and_no_others() {
    let store = FakeLoki::start().await;
    let metric = json!({"name": "flows", "type": "counter", "labels": ["SrcAddr"]});
    let pipeline = Running::start(
        &[
            ("enrich", "grpc"),
            ("rename", "enrich"),
            ("loki", "rename"),
            ("prom", "rename"),
        ],
        &[
            json!({"name": "grpc", "ingest": {"type": "grpc", "grpc": {"port": 0, "address": "127.0.0.1"}}}),
            json!({"name": "enrich", "transform": {"type": "network", "network": {"rules": []}}}),
            json!({"name": "rename", "transform": {"type": "generic", "generic": {"rules": []}}}),
            json!({"name": "loki", "write": {"type": "loki", "loki": {"url": store.url()}}}),
            json!({"name": "prom", "encode": {"type": "prom", "prom": {"prefix": "own_", "metrics": [metric]}}}),
        ],
    );
    pipeline
        .send(&Records {
            entries: vec![Record::default()],
        })
        .await
        .unwrap();
    pipeline.send_bytes(vec![0xff]).await.unwrap_err();
    let registry = pipeline.registry.clone();
    pipeline.stop().await;
    let text = registry.to_text();
    let mut shown = shown(&text);
    assert!(shown.remove("own_flows").is_some(), "{text}");
    assert_eq!(shown, contract());
    // As NetObserv, which has a queue between any two stages.
    let all = ["enrich", "grpc", "loki", "prom", "rename"];
    assert_eq!(
        stages(&text, "stage_in_queue_size"),
        all.map(String::from).into()
    );
    let senders = ["enrich", "grpc", "rename"].map(String::from).into();
    assert_eq!(stages(&text, "stage_out_queue_size"), senders);
    for stage in all {
        let measured = format!("stage_duration_ms_count{{stage=\"{stage}\"}} 1\n");
        assert!(text.contains(&measured), "{stage}: {text}");
    }
}
