//! The Loki stage against a fake that decodes and checks every push.

mod failures;
mod trust;

use std::time::Instant;

use flowlogs_pipeline::metrics::{Operational, Registry};
use flowlogs_pipeline::model::Batch;
use flowlogs_pipeline::stage::{BuildContext, Terminal};
use flowlogs_pipeline::write::{self, WriteConfig};
use serde_json::{Value as Json, json};

use crate::loki::{FakeLoki, PATIENCE, flows, record, wait_until};

const STAGE: &str = "loki";

struct Harness {
    runtime: tokio::runtime::Runtime,
    fake: FakeLoki,
    metrics: Operational,
}

impl Harness {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let fake = runtime.block_on(FakeLoki::start());
        Self {
            runtime,
            fake,
            metrics: Operational::new(Registry::default(), ""),
        }
    }

    /// The stage with these settings over ones that make a test quick.
    fn stage(&self, settings: &Json) -> Box<dyn Terminal> {
        self.try_stage(settings).unwrap()
    }

    fn try_stage(&self, settings: &Json) -> Result<Box<dyn Terminal>, String> {
        let mut all = json!({
            "url": self.fake.url(), "batchWait": "1h", "minBackoff": "1ms", "maxBackoff": "1ms",
            "timestampLabel": "TimeFlowEndMs", "timestampScale": "1ms",
        });
        all.as_object_mut()
            .unwrap()
            .extend(settings.as_object().unwrap().clone());
        let context = BuildContext {
            name: STAGE.into(),
            metrics: self.metrics.clone(),
            runtime: self.runtime.handle().clone(),
        };
        let config = WriteConfig::Loki(Box::new(serde_json::from_value(all).unwrap()));
        write::build(&config, &context).map_err(|error| error.to_string())
    }

    /// The value of a metric shown, over all its labels that hold `labels`.
    fn metric(&self, name: &str, labels: &str) -> u64 {
        let text = self.metrics.registry().to_text();
        let samples = text.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('{'))
                && line.contains(labels)
        });
        samples
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    }

    fn lost(&self, cause: &str) -> u64 {
        self.metric(
            "netobserv_pipeline_records_dropped_total",
            &format!("cause=\"{cause}\""),
        )
    }
}

fn finish(stage: Box<dyn Terminal>) {
    stage.finish(Instant::now() + PATIENCE);
}

/// The numbers of the flows that arrived, in order.
fn arrived(fake: &FakeLoki) -> Vec<u64> {
    let number = |line: &str| {
        serde_json::from_str::<Json>(line).unwrap()["Bytes"]
            .as_f64()
            .unwrap() as u64
    };
    fake.lines().iter().map(|(_, line)| number(line)).collect()
}

#[test]
fn a_record_becomes_labels_a_line_and_a_time() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({
        "tenantID": "network", "labels": ["SrcK8S_Namespace", "FlowDirection"],
        "staticLabels": {"app": "netobserv-flowcollector"}, "reorder": true, "ignoreList": ["DstMac"],
        "clientConfig": {"authorization": {"credentials": "secret"}, "http_headers": {"X-More": {"values": ["1"]}}},
    }));
    stage.write(&Batch::from(vec![record(&json!({
        "SrcK8S_Namespace": "shop", "FlowDirection": 1, "TimeFlowEndMs": 1_704_164_647_006_u64, "Bytes": 10,
        "DstMac": "0a:58:0a:00:00:05",
    }))]));
    finish(stage);
    let pushed = harness.fake.pushed();
    assert!(
        harness.fake.mistakes().is_empty(),
        "{:?}",
        harness.fake.mistakes()
    );
    assert_eq!(pushed.len(), 1);
    let header = |name: &str| {
        pushed[0]
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(header("x-scope-orgid").as_deref(), Some("network"));
    assert_eq!(header("authorization").as_deref(), Some("Bearer secret"));
    assert_eq!(header("x-more").as_deref(), Some("1"));
    assert!(
        header("user-agent")
            .unwrap()
            .starts_with("flowlogs-pipeline/")
    );
    let stream = &pushed[0].request.streams[0];
    assert_eq!(
        stream.labels,
        r#"{FlowDirection="1", SrcK8S_Namespace="shop", app="netobserv-flowcollector"}"#
    );
    assert_eq!(
        stream.entries[0].line,
        r#"{"Bytes":10,"TimeFlowEndMs":1704164647006}"#
    );
    let time = stream.entries[0].timestamp.unwrap();
    assert_eq!((time.seconds, time.nanos), (1_704_164_647, 6_000_000));
}

#[test]
fn a_timestamp_that_is_a_label_or_missing_is_now() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"labels": ["TimeFlowEndMs"], "format": "printf"}));
    stage.write(&flows(0..1));
    finish(stage);
    let stream = &harness.fake.pushed()[0].request.streams[0];
    assert_eq!(stream.labels, r#"{TimeFlowEndMs="1704164647006"}"#);
    assert_eq!(stream.entries[0].line, "map[Bytes:0 SrcK8S_Namespace:shop]");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs() as i64;
    assert!((now - stream.entries[0].timestamp.unwrap().seconds).abs() < 600);
}

#[test]
fn a_batch_is_sent_at_its_size_and_over_a_kept_connection() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"batchSize": 2000}));
    stage.write(&flows(0..100));
    stage.write(&flows(100..200));
    finish(stage);
    let pushed = harness.fake.pushed();
    assert!(pushed.len() > 4, "{}", pushed.len());
    for push in &pushed {
        let bytes: usize = push
            .request
            .streams
            .iter()
            .flat_map(|s| &s.entries)
            .map(|entry| entry.line.len())
            .sum();
        assert!(bytes <= 2000, "{bytes}");
    }
    // A connection that is not seen to be free yet is not waited for.
    let connections = pushed.iter().map(|push| push.connection + 1).max();
    assert!(connections <= Some(pushed.len() / 2), "{connections:?}");
    assert_eq!(arrived(&harness.fake), (0..200).collect::<Vec<_>>());
    assert_eq!(harness.metric("records_written", ""), 200);
    assert_eq!(
        harness.metric("netobserv_loki_sent_entries_total", "transport=\"http\""),
        200
    );
    assert_eq!(
        harness.metric("netobserv_loki_sent_bytes_total", ""),
        harness.metric("netobserv_loki_encoded_bytes_total", "")
    );
}

#[test]
fn a_batch_is_sent_at_its_age_without_more_traffic() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"batchWait": "50ms"}));
    stage.write(&flows(0..3));
    wait_until("the batch is old", || harness.fake.lines().len() == 3);
    finish(stage);
    assert_eq!(harness.fake.pushed().len(), 1);
}

#[test]
fn a_label_may_choose_the_tenant() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"tenantID": "default", "labels": ["__tenant_id__"]}));
    let flow = |tenant: Option<&str>| {
        let mut fields = json!({"Bytes": 1, "TimeFlowEndMs": 1_704_164_647_006_u64});
        if let Some(tenant) = tenant {
            fields["__tenant_id__"] = tenant.into();
        }
        record(&fields)
    };
    stage.write(&Batch::from(vec![
        flow(Some("blue")),
        flow(None),
        flow(Some("blue")),
    ]));
    finish(stage);
    let mut seen: Vec<_> = harness
        .fake
        .pushed()
        .iter()
        .map(|push| {
            let tenant = push.headers["x-scope-orgid"].to_str().unwrap().to_owned();
            (
                tenant,
                push.request.streams[0].labels.clone(),
                push.request.streams[0].entries.len(),
            )
        })
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [
            ("blue".into(), "{}".into(), 2),
            ("default".into(), "{}".into(), 1)
        ]
    );
}

const NO_ANSWER: (&str, &str) = (
    "netobserv_loki_request_duration_seconds_count",
    "status_code=\"-1\"",
);

#[test]
fn a_stage_without_records_pushes_nothing() {
    let harness = Harness::new();
    let stage = harness.stage(&json!({"batchWait": "10ms"}));
    let shown = harness.metrics.registry().to_text();
    for cause in ["queue_full", "refused", "retries_exhausted", "shutdown"] {
        let zero = format!(
            "netobserv_pipeline_records_dropped_total{{stage=\"loki\",cause=\"{cause}\"}} 0"
        );
        assert!(shown.contains(&zero), "{zero} not in {shown}");
    }
    finish(stage);
    assert!(harness.fake.pushed().is_empty());
    assert_eq!(harness.metric("netobserv_loki_sent_entries_total", ""), 0);
}
