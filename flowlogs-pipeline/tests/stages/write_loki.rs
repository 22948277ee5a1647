//! The Loki stage against a fake that decodes and checks every push.

use std::sync::Arc;
use std::time::Instant;

use crate::loki::{Answer, FakeLoki, PATIENCE, flows, record, wait_until};
use flowlogs_pipeline::metrics::{Operational, Registry};
use flowlogs_pipeline::model::Batch;
use flowlogs_pipeline::stage::{BuildContext, Terminal};
use flowlogs_pipeline::write::{self, WriteConfig};
use serde_json::{Value as Json, json};

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

#[test]
fn what_may_pass_is_repeated_and_order_is_kept() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"batchSize": 500, "timeout": "10s"}));
    harness.fake.plan(&[
        Answer::Status(429),
        Answer::Status(500),
        Answer::Reset,
        Answer::Hang,
        Answer::Status(503),
    ]);
    stage.write(&flows(0..50));
    finish(stage);
    assert_eq!(arrived(&harness.fake), (0..50).collect::<Vec<_>>());
    let first = &harness.fake.pushed()[0].request;
    let same = harness
        .fake
        .pushed()
        .iter()
        .filter(|push| push.request == *first)
        .count();
    assert_eq!(same, 6, "five failures and the success");
    assert_eq!(harness.metric("netobserv_loki_batch_retries_total", ""), 5);
    assert_eq!(
        harness.metric("netobserv_loki_dropped_entries_total", ""),
        0
    );
    let durations = |status| {
        harness.metric(
            "netobserv_loki_request_duration_seconds_count",
            &format!("status_code=\"{status}\""),
        )
    };
    assert_eq!(
        [
            durations(429),
            durations(500),
            durations(503),
            durations(-1)
        ],
        [1, 1, 1, 2]
    );
}

#[test]
fn a_refused_batch_is_dropped_at_once_and_the_next_goes_on() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"batchSize": 1}));
    harness.fake.plan(&[
        Answer::Status(400),
        Answer::Status(204),
        Answer::Status(302),
    ]);
    stage.write(&flows(0..4));
    finish(stage);
    assert_eq!(arrived(&harness.fake), [1, 3]);
    assert_eq!(harness.lost("refused"), 2);
    assert_eq!(
        harness.metric("netobserv_loki_dropped_entries_total", ""),
        2
    );
    assert!(harness.metric("netobserv_loki_dropped_bytes_total", "") > 0);
    assert_eq!(harness.metric("netobserv_loki_batch_retries_total", ""), 0);
}

#[test]
fn a_batch_is_dropped_after_the_last_attempt() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"maxRetries": 4}));
    harness.fake.plan(&[Answer::Status(503); 4]);
    stage.write(&flows(0..7));
    finish(stage);
    assert_eq!(harness.fake.pushed().len(), 4);
    assert_eq!(harness.lost("retries_exhausted"), 7);
    assert_eq!(harness.metric("netobserv_loki_batch_retries_total", ""), 4);
}

#[test]
fn while_loki_hangs_the_stage_goes_on_and_counts_what_its_queue_cannot_hold() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"batchSize": 1000, "queueBytes": 2000, "timeout": "1h"}));
    harness.fake.plan(&[Answer::Hang]);
    for number in 0..100 {
        stage.write(&flows(number * 100..(number + 1) * 100));
    }
    let lost = harness.lost("queue_full");
    assert!(lost > 5000, "{lost}");
    stage.finish(Instant::now());
    assert_eq!(
        harness.lost("queue_full") + harness.lost("shutdown"),
        10_000
    );
    assert_eq!(
        harness.metric("netobserv_loki_dropped_entries_total", ""),
        10_000
    );
    assert_eq!(harness.metric("netobserv_pipeline_loki_queue_bytes", ""), 0);
}

#[test]
fn with_when_full_wait_nothing_is_lost() {
    let harness = Harness::new();
    let mut stage =
        harness.stage(&json!({"batchSize": 1000, "queueBytes": 500, "whenFull": "wait"}));
    harness.fake.plan(&[Answer::Status(503); 5]);
    stage.write(&flows(0..5000));
    finish(stage);
    assert_eq!(arrived(&harness.fake), (0..5000).collect::<Vec<_>>());
}

#[test]
fn records_are_sent_or_counted_whatever_loki_does() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"batchSize": 3000, "maxRetries": 2, "timeout": "100ms"}));
    let answers = [
        Answer::Status(429),
        Answer::Status(204),
        Answer::Reset,
        Answer::Reset,
        Answer::Status(400),
        Answer::Hang,
        Answer::Status(500),
        Answer::Status(200),
    ];
    harness.fake.plan(&answers);
    for number in 0..20 {
        stage.write(&flows(number * 50..(number + 1) * 50));
    }
    finish(stage);
    let sent = harness.metric("netobserv_loki_sent_entries_total", "");
    let dropped = harness.metric("netobserv_loki_dropped_entries_total", "");
    assert!(dropped > 0);
    assert_eq!(sent + dropped, 1000);
    assert_eq!(harness.metric("records_written", ""), 1000);
    assert_eq!(
        harness.metric("netobserv_pipeline_records_dropped_total", ""),
        dropped
    );
}

/// A port that refuses connections until it listens, and its address.
fn closed_port() -> (tokio::net::TcpSocket, std::net::SocketAddr) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

const NO_ANSWER: (&str, &str) = (
    "netobserv_loki_request_duration_seconds_count",
    "status_code=\"-1\"",
);

#[test]
fn loki_may_come_later_than_the_last_attempt_while_there_is_room() {
    let mut harness = Harness::new();
    let runtime = harness.runtime.handle().clone();
    let _runtime = runtime.enter();
    let (socket, address) = closed_port();
    let url = format!("http://{address}");
    let mut stage = harness.stage(&json!({"url": url, "batchSize": 1, "maxRetries": 2}));
    stage.write(&flows(0..2));
    let refused = || harness.metric(NO_ANSWER.0, NO_ANSWER.1);
    wait_until("connections were refused", || refused() >= 5);
    assert!(harness.fake.pushed().is_empty());
    harness.fake = FakeLoki::start_on(socket.listen(16).unwrap(), None);
    finish(stage);
    assert_eq!(arrived(&harness.fake), [0, 1]);
    assert_eq!(harness.lost("retries_exhausted"), 0);
}

#[test]
fn with_a_full_queue_a_refused_connection_is_an_attempt() {
    let harness = Harness::new();
    let _runtime = harness.runtime.enter();
    let (_socket, address) = closed_port();
    let url = format!("http://{address}");
    let settings = json!({"url": url, "batchSize": 1, "queueBytes": 1, "maxRetries": 3});
    let mut stage = harness.stage(&settings);
    let mut written = 0;
    wait_until("a batch was given up", || {
        stage.write(&flows(written..written + 2));
        written += 2;
        harness.lost("retries_exhausted") > 0
    });
    stage.finish(Instant::now());
    assert!(harness.metric(NO_ANSWER.0, NO_ANSWER.1) >= 3);
    let lost = ["retries_exhausted", "queue_full", "shutdown"].map(|cause| harness.lost(cause));
    assert_eq!(lost.iter().sum::<u64>(), written, "{lost:?}");
}

/// Takes as long as certificates are looked at again, 10 s.
#[test]
fn an_authority_that_changes_is_read_again() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut harness = Harness::new();
    let (acceptor, authority) = https();
    let (_, other) = https();
    harness.fake = harness
        .runtime
        .block_on(FakeLoki::start_with(Some(acceptor)));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), other).unwrap();
    let tls = json!({"ca_file": file.path(), "server_name": "loki.test"});
    let mut stage = harness.stage(&json!({
        "url": format!("https://{}", harness.fake.address), "batchSize": 1, "maxRetries": 1_000_000,
        "minBackoff": "10ms", "maxBackoff": "10ms", "clientConfig": {"tls_config": tls},
    }));
    // The second one makes the batch of the first full.
    stage.write(&flows(0..2));
    wait_until("it was not believed", || {
        harness.metric(NO_ANSWER.0, NO_ANSWER.1) >= 1
    });
    std::fs::write(file.path(), authority).unwrap();
    finish(stage);
    assert_eq!(arrived(&harness.fake), [0, 1]);
}

/// A server for `loki.test`, and the authority that it is believed with.
fn https() -> (tokio_rustls::TlsAcceptor, String) {
    let pair = rcgen::generate_simple_self_signed(vec!["loki.test".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
    let server = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![pair.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    (acceptor, pair.cert.pem())
}

#[test]
fn https_is_checked_against_the_configured_authority() {
    // A second test of the process finds it installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut harness = Harness::new();
    let (acceptor, authority) = https();
    harness.fake = harness
        .runtime
        .block_on(FakeLoki::start_with(Some(acceptor)));
    let url = format!("https://{}", harness.fake.address);
    let push = |tls: Json, numbers| {
        let settings = json!({"url": url, "batchSize": 1, "clientConfig": {"tls_config": tls}});
        let mut stage = harness.stage(&settings);
        stage.write(&flows(numbers));
        stage
    };
    finish(push(
        json!({"ca": authority, "server_name": "loki.test"}),
        0..1,
    ));
    // The second one makes the batch of the first full.
    let stage = push(json!({"ca": authority, "server_name": "other.test"}), 1..3);
    wait_until("it was not believed", || {
        harness.metric(NO_ANSWER.0, NO_ANSWER.1) >= 1
    });
    stage.finish(Instant::now());
    finish(push(json!({"insecure_skip_verify": true}), 3..4));
    assert_eq!(arrived(&harness.fake), [0, 3]);
    assert_eq!(harness.lost("shutdown"), 2);
}

#[test]
fn files_that_are_missing_are_named_at_the_start() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let harness = Harness::new();
    let settings = json!({"url": "https://loki", "clientConfig": {"tls_config": {"ca_file": "/nowhere/ca.crt"}}});
    let Err(error) = harness.try_stage(&settings) else {
        panic!("built without its authority")
    };
    assert!(
        error.contains("loki") && error.contains("/nowhere/ca.crt"),
        "{error}"
    );
}

#[test]
fn a_rotated_token_is_used_for_the_next_push() {
    let harness = Harness::new();
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "one").unwrap();
    let mut stage = harness
        .stage(&json!({"batchSize": 1, "clientConfig": {"bearer_token_file": token.path()}}));
    stage.write(&flows(0..2));
    wait_until("the first push came", || harness.fake.pushed().len() == 1);
    std::fs::write(token.path(), "two").unwrap();
    stage.write(&flows(2..3));
    finish(stage);
    let tokens: Vec<_> = harness
        .fake
        .pushed()
        .iter()
        .map(|push| push.headers["authorization"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        (
            tokens.first().map(String::as_str),
            tokens.last().map(String::as_str)
        ),
        (Some("Bearer one"), Some("Bearer two"))
    );
}

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
