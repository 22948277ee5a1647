//! Whole pipelines in one process: flows over gRPC to Loki and Prometheus, files to writers, and bad input.

use std::time::Instant;

use crate::loki::{self, FakeLoki};
use crate::pipeline::{self, Running};
use flowlogs_pipeline::app;
use flowlogs_pipeline::config::{Format, load_text};
use flowlogs_pipeline::ingest::lines::LINE_BYTES_MAX;
use flowlogs_pipeline::ingest::protobuf::pbflow::{
    DupMapEntry, Ip, Network, Record, Records, Transport, ip::IpFamily,
};
use prost::Message as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;
use tonic::Code;

fn flow(port: u32, bytes: u64) -> Record {
    let ip = |bits| {
        Some(Ip {
            ip_family: Some(IpFamily::Ipv4(bits)),
        })
    };
    Record {
        eth_protocol: 2048,
        time_flow_end: Some(prost_types::Timestamp {
            seconds: 1_704_164_647,
            nanos: 6_000_000,
        }),
        network: Some(Network {
            src_addr: ip(0x0a00_0005),
            dst_addr: ip(0x0a01_0009),
            dscp: 0,
        }),
        transport: Some(Transport {
            src_port: 40_000,
            dst_port: port,
            protocol: 6,
        }),
        bytes,
        packets: 1,
        flags: 2,
        dup_list: vec![DupMapEntry {
            interface: "eth0".into(),
            direction: 1,
            udn: String::new(),
        }],
        ..Default::default()
    }
}

fn grpc(extra: &serde_json::Value) -> serde_json::Value {
    let mut grpc = json!({"port": 0, "address": "127.0.0.1"});
    grpc.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    json!({"name": "grpc", "ingest": {"type": "grpc", "grpc": grpc}})
}

fn enrich() -> serde_json::Value {
    json!({"name": "enrich", "transform": {"type": "network", "network": {
        "rules": [
            {"type": "add_subnet_label", "add_subnet_label": {"input": "SrcAddr", "output": "SrcSubnetLabel"}},
            {"type": "decode_tcp_flags", "decode_tcp_flags": {"input": "Flags", "output": "Flags"}}],
        "subnetLabels": [{"name": "Machines", "cidrs": ["10.0.0.0/16"]}]}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flow_is_in_loki_and_in_the_metrics() {
    let store = FakeLoki::start().await;
    let pipeline = Running::start(
        &[("enrich", "grpc"), ("loki", "enrich"), ("prom", "enrich")],
        &[
            grpc(&json!({})),
            enrich(),
            json!({"name": "loki", "write": {"type": "loki", "loki": {"url": store.url(), "batchWait": "100ms",
                "labels": ["SrcSubnetLabel"], "staticLabels": {"app": "netobserv-flowcollector"},
                "timestampLabel": "TimeFlowEndMs", "timestampScale": "1ms", "reorder": true}}}),
            json!({"name": "prom", "encode": {"type": "prom", "prom": {"prefix": "t_", "metrics": [
                {"name": "bytes_total", "type": "counter", "valueKey": "Bytes", "labels": ["SrcSubnetLabel"]}]}}}),
        ],
    );
    for message in 0..10 {
        let entries = (0..200)
            .map(|index| flow(message * 200 + index, 100))
            .collect();
        pipeline.send(&Records { entries }).await.unwrap();
    }
    let registry = pipeline.registry.clone();
    pipeline.stop().await;
    let lines = store.lines();
    assert_eq!(lines.len(), 2000);
    assert_eq!(store.mistakes(), Vec::<String>::new());
    let (labels, line) = &lines[0];
    assert_eq!(
        labels,
        r#"{SrcSubnetLabel="Machines", app="netobserv-flowcollector"}"#
    );
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&line["SrcAddr"], &line["Flags"]),
        (&json!("10.0.0.5"), &json!(["SYN"]))
    );
    let shown = registry.to_text();
    assert!(
        shown.contains("t_bytes_total{SrcSubnetLabel=\"Machines\"} 200000"),
        "{shown}"
    );
    assert!(
        shown.contains("ingest_flows_processed{stage=\"grpc\"} 2000"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_messages_are_refused_and_counted_and_harm_no_other() {
    let pipeline = Running::start(
        &[("none", "grpc")],
        &[
            grpc(&json!({"messageBytesMax": 100_000})),
            json!({"name": "none", "write": {"type": "none"}}),
        ],
    );
    let malformed = pipeline.send_bytes(vec![0x0a, 0x05, 1]).await;
    assert_eq!(malformed.unwrap_err().code(), Code::InvalidArgument);
    let oversized = pipeline
        .send(&Records {
            entries: vec![flow(1, 1); 2000],
        })
        .await;
    assert_eq!(oversized.unwrap_err().code(), Code::ResourceExhausted);
    let path = pipeline.call("/pbflow.Collector/Other", Vec::new()).await;
    assert_eq!(path.unwrap_err().code(), Code::Unimplemented);
    let bad_address = Record {
        agent_ip: Some(Ip {
            ip_family: Some(IpFamily::Ipv6(vec![1].into())),
        }),
        ..flow(1, 1)
    };
    pipeline
        .send(&Records {
            entries: vec![bad_address, flow(2, 1)],
        })
        .await
        .unwrap();
    let registry = pipeline.registry.clone();
    pipeline.stop().await;
    let shown = registry.to_text();
    for expected in [
        "ingest_errors{stage=\"grpc\",type=\"grpc\",code=\"InvalidArgument\"} 1",
        "ingest_errors{stage=\"grpc\",type=\"grpc\",code=\"ResourceExhausted\"} 1",
        "ingest_errors{stage=\"grpc\",type=\"grpc\",code=\"Unimplemented\"} 1",
        "ingest_flows_processed{stage=\"grpc\"} 1",
        "netobserv_pipeline_records_dropped_total{stage=\"grpc\",cause=\"malformed\"} 1",
    ] {
        assert!(shown.contains(expected), "{expected} is not in\n{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_ends_the_pipeline_when_all_of_it_was_written() {
    let store = FakeLoki::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flows.json");
    let mut text: String = (0..1234)
        .map(|port| json!({"Bytes": 1, "SrcPort": port}).to_string() + "\n")
        .collect();
    for line in [
        "no object",
        "",
        &"x".repeat(LINE_BYTES_MAX + 1),
        &format!("{{\"a\": [{}1]}}", "0,".repeat(3000)),
    ] {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str("{\"Bytes\": 2}");
    std::fs::write(&path, text).unwrap();
    let file = json!({"filename": path, "decoder": {"type": "json"}});
    let pipeline = Running::start(
        &[("loki", "file")],
        &[
            json!({"name": "file", "ingest": {"type": "file_chunks", "file": file}}),
            json!({"name": "loki", "write": {"type": "loki", "loki": {"url": store.url()}}}),
        ],
    );
    let registry = pipeline.registry.clone();
    pipeline.ended().await;
    assert_eq!(store.lines().len(), 1235);
    let shown = registry.to_text();
    assert!(shown.contains("code=\"Ignoring line\"} 3"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_protobuf_records_is_read() {
    let store = FakeLoki::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flows.bin");
    // Records are lines, as in NetObserv: one that holds a line feed would be cut.
    let record = Record {
        eth_protocol: 2054,
        bytes: 7,
        ..Default::default()
    };
    std::fs::write(&path, record.encode_to_vec()).unwrap();
    let pipeline = Running::start(
        &[("loki", "file")],
        &[
            json!({"name": "file", "ingest": {"type": "file",
                "file": {"filename": path, "decoder": {"type": "protobuf"}}}}),
            json!({"name": "loki", "write": {"type": "loki", "loki": {"url": store.url()}}}),
        ],
    );
    pipeline.ended().await;
    assert!(
        store.lines()[0].1.contains("\"Bytes\":7"),
        "{:?}",
        store.lines()
    );
}

/// Takes two of its periods, 20 s of waiting.
#[tokio::test(flavor = "multi_thread")]
async fn a_looped_file_is_sent_again_and_again_until_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flows.json");
    std::fs::write(&path, "{\"Bytes\": 1}\n{\"Bytes\": 2}\n").unwrap();
    let file = json!({"filename": path, "decoder": {"type": "json"}, "loop": true, "chunks": 7});
    let pipeline = Running::start(
        &[("none", "file")],
        &[
            json!({"name": "file", "ingest": {"type": "file_loop", "file": file}}),
            json!({"name": "none", "write": {"type": "none"}}),
        ],
    );
    pipeline
        .shows("ingest_flows_processed{stage=\"file\"}", 4)
        .await;
    pipeline.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buffer_of_any_length_may_be_configured() {
    for length in [0, 1, u64::MAX] {
        let pipeline = Running::start(
            &[("none", "grpc")],
            &[
                grpc(&json!({"bufferLength": length})),
                json!({"name": "none", "write": {"type": "none"}}),
            ],
        );
        let entries = vec![flow(1, 1)];
        pipeline.send(&Records { entries }).await.unwrap();
        pipeline.stop().await;
    }
}

#[test]
fn a_port_that_is_taken_is_an_error_that_says_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = pipeline::build_error(
        &[("none", "grpc")],
        &[
            grpc(&json!({"port": port})),
            json!({"name": "none", "write": {"type": "none"}}),
        ],
    );
    assert!(
        error.contains("stage \"grpc\"") && error.contains(&port.to_string()),
        "{error}"
    );
}

/// Takes the time to drain, 5 s.
#[tokio::test(flavor = "multi_thread")]
async fn the_pipeline_is_ready_until_it_has_drained() {
    let store = FakeLoki::start().await;
    store.plan(&[loki::Answer::Hang]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flows.json");
    std::fs::write(&path, "{\"Bytes\": 1}").unwrap();
    // Bound, so that nobody else is given the port, and not listened on, so that the pipeline can.
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.set_reuseaddr(true).unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = bound.local_addr().unwrap().port();
    let config = json!({
        "healthAddr": format!("127.0.0.1:{port}"),
        "metricsSettings": {"disableGlobalServer": true},
        "perfSettings": {"drainTimeout": "5s"},
        "pipeline": [{"name": "loki", "follows": "file"}],
        "parameters": [
            {"name": "file", "ingest": {"type": "file", "file": {"filename": path}}},
            {"name": "loki", "write": {"type": "loki", "loki": {
                "url": store.url(), "batchWait": "1h", "timeout": "1h"}}}],
    });
    let loaded = load_text(&config.to_string(), Format::Json);
    let config = loaded.config.unwrap();
    let run = tokio::spawn(async move { app::run(&config, CancellationToken::new()).await });
    // The file has ended; what it held is being pushed.
    let deadline = Instant::now() + loki::PATIENCE;
    while store.pushed().is_empty() {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    assert!(ready(port).await.unwrap().starts_with("HTTP/1.1 200"));
    run.await.unwrap().unwrap();
}

async fn ready(port: u16) -> std::io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    let request = "GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
