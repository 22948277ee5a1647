//! Flows per CPU-second and memory of whole pipelines, each in a process of its own, fed over real gRPC.
//!
//! Prints the decoder's time alone, then one line per pipeline: the figure counts the processor time of the whole process
//! except the sender's, which is measured alone before and taken off; the pre-encoded messages make it small.
//! Run: `cargo bench --bench pipeline`. `BENCH_FLOWS` sets how many flows each pipeline gets, `BENCH_PIPELINE` (a number
//! from 0) runs that one alone, in the process itself, as a profiler wants it.
#![allow(clippy::unwrap_used, reason = "bench")]

#[path = "../tests/support/raw_client.rs"]
mod raw_client;

use std::time::{Duration, Instant};

use bytes::Bytes;
use flowlogs_pipeline::config::{Loaded, Overlay, load};
use flowlogs_pipeline::ingest::protobuf::Decoder;
use flowlogs_pipeline::ingest::protobuf::pbflow::{
    DataLink, DupMapEntry, Ip, Network, Record, Records, Transport, ip::IpFamily,
};
use flowlogs_pipeline::metrics::{Operational, Registry};
use flowlogs_pipeline::topology::Topology;
use prost::Message as _;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use raw_client::RawClient;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The variable that names one pipeline.
const ONE_PIPELINE: &str = "BENCH_PIPELINE";
const FLOWS_DEFAULT: usize = 3_000_000;
const FLOWS_PER_MESSAGE: usize = 5_000;
/// Pairs of addresses; the metrics have as many series.
const PAIRS: usize = 10_000;

fn main() {
    let flows = std::env::var("BENCH_FLOWS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(FLOWS_DEFAULT);
    let messages = messages();
    let pipelines = pipelines();
    if let Ok(number) = std::env::var(ONE_PIPELINE) {
        let (name, stages) = &pipelines[number.parse::<usize>().unwrap()];
        bench_pipeline(name, stages, &messages, flows);
        return;
    }
    let bytes: usize = messages.iter().map(Bytes::len).sum();
    println!(
        "bytes per record: {}",
        bytes / (messages.len() * FLOWS_PER_MESSAGE)
    );
    bench_decode(&messages, flows);
    for number in 0..pipelines.len() {
        let program = std::env::current_exe().unwrap();
        let mut child = std::process::Command::new(program);
        assert!(
            child
                .env(ONE_PIPELINE, number.to_string())
                .status()
                .unwrap()
                .success()
        );
    }
}

/// Messages as an agent sends them: TCP over IPv4, two interfaces, round trip time.
fn messages() -> Vec<Bytes> {
    let ip = |bits: u32| {
        Some(Ip {
            ip_family: Some(IpFamily::Ipv4(bits)),
        })
    };
    let seen = |name: &str, direction| DupMapEntry {
        interface: name.into(),
        direction,
        udn: String::new(),
    };
    let flow = |index: usize| {
        let pair = (index % PAIRS) as u32;
        Record {
            eth_protocol: 2048,
            time_flow_start: Some(prost_types::Timestamp {
                seconds: 1_704_164_645,
                nanos: 6_000_000,
            }),
            time_flow_end: Some(prost_types::Timestamp {
                seconds: 1_704_164_647,
                nanos: 6_000_000,
            }),
            data_link: Some(DataLink {
                src_mac: 0x0a58_0a00_0005,
                dst_mac: 0x0a58_0a00_0009,
            }),
            network: Some(Network {
                src_addr: ip(0x0a00_0000 + pair),
                dst_addr: ip(0x0a80_0000 + pair / 7),
                dscp: 0,
            }),
            transport: Some(Transport {
                src_port: 30_000 + pair,
                dst_port: 443,
                protocol: 6,
            }),
            bytes: 1500 + u64::from(pair),
            packets: 3,
            flags: 272,
            agent_ip: ip(0xc0a8_0a0b),
            time_flow_rtt: Some(prost_types::Duration {
                seconds: 0,
                nanos: 1_250_000,
            }),
            sampling: 50,
            dup_list: vec![
                seen("eth0", 1),
                seen(
                    if pair.is_multiple_of(3) {
                        "veth1"
                    } else {
                        "veth2"
                    },
                    0,
                ),
            ],
            ..Default::default()
        }
    };
    (0..20)
        .map(|message| {
            let entries = (0..FLOWS_PER_MESSAGE)
                .map(|index| flow(message * FLOWS_PER_MESSAGE + index))
                .collect();
            Records { entries }.encode_to_vec().into()
        })
        .collect()
}

fn bench_decode(messages: &[Bytes], flows: usize) {
    let before = processor_time();
    let mut decoded = 0;
    for message in messages.iter().cycle().take(flows / FLOWS_PER_MESSAGE) {
        let mut decoder = Decoder::new(message, 0);
        while let Some(batch) = decoder.next_batch().unwrap() {
            decoded += std::hint::black_box(batch).len();
        }
    }
    let ours = processor_time().saturating_sub(before).as_nanos() as f64 / decoded as f64;
    let before = processor_time();
    for message in messages.iter().cycle().take(flows / FLOWS_PER_MESSAGE) {
        std::hint::black_box(Records::decode(message.as_ref()).unwrap());
    }
    let prost = processor_time().saturating_sub(before).as_nanos() as f64 / decoded as f64;
    println!("decode: {ours:.0} ns per record; prost, for comparison: {prost:.0} ns");
}

fn pipelines() -> Vec<(&'static str, serde_json::Value)> {
    let enrich = json!({"name": "enrich", "transform": {"type": "network", "network": {
        "rules": [
            {"type": "add_subnet_label", "add_subnet_label": {"input": "SrcAddr", "output": "SrcSubnetLabel"}},
            {"type": "add_subnet_label", "add_subnet_label": {"input": "DstAddr", "output": "DstSubnetLabel"}},
            {"type": "reinterpret_direction"},
            {"type": "decode_tcp_flags", "decode_tcp_flags": {"input": "Flags", "output": "Flags"}}],
        "subnetLabels": [{"name": "Machines", "cidrs": ["10.0.0.0/9"]}, {"name": "Pods", "cidrs": ["10.128.0.0/9"]}],
        "directionInfo": {"reporterIPField": "AgentIP", "srcHostField": "SrcK8S_HostIP",
            "dstHostField": "DstK8S_HostIP", "flowDirectionField": "FlowDirection"}}}});
    let metric = |name: &str, value: &str| {
        json!({"name": name, "type": "counter", "valueKey": value,
            "labels": ["SrcAddr", "DstAddr", "SrcSubnetLabel", "DstSubnetLabel"]})
    };
    let prom = json!({"name": "prom", "encode": {"type": "prom", "prom": {"prefix": "bench_", "metrics": [
        metric("bytes_total", "Bytes"), metric("packets_total", "Packets"), metric("flows_total", ""),
        {"name": "rtt_seconds", "type": "histogram", "valueKey": "TimeFlowRttNs", "valueScale": 1e9,
            "labels": ["SrcSubnetLabel", "DstSubnetLabel"]}]}}});
    vec![
        (
            "gRPC -> none",
            json!([{"name": "none", "write": {"type": "none"}}]),
        ),
        (
            "gRPC -> enrich -> Prometheus, 4 metrics",
            json!([enrich, prom]),
        ),
    ]
}

fn bench_pipeline(name: &str, stages: &serde_json::Value, messages: &[Bytes], flows: usize) {
    let mut parameters = vec![json!({"name": "grpc", "ingest": {"type": "grpc",
        "grpc": {"port": 0, "address": "127.0.0.1"}}})];
    parameters.extend(stages.as_array().unwrap().iter().cloned());
    let links: Vec<_> = parameters
        .windows(2)
        .map(|pair| json!({"name": pair[1]["name"], "follows": pair[0]["name"]}))
        .collect();
    let overlay = Overlay {
        texts: Vec::new(),
        json: vec![
            ("pipeline", json!(links).to_string()),
            ("parameters", json!(parameters).to_string()),
        ],
    };
    let Loaded { config, problems } = load(None, &overlay);
    let config = config.unwrap_or_else(|| panic!("{:?}", problems.found()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let sender = sender_cost(messages, flows).await;
        let resident_before = resident_megabytes("VmRSS");
        let metrics = Operational::new(Registry::default(), "");
        let topology = Topology::build(&config.graph, &config.perf, &metrics, &runtime.handle().clone()).unwrap();
        let address = topology.addresses()[0];
        let stop = CancellationToken::new();
        let run = tokio::spawn(topology.run(stop.clone(), || {}));
        let (before, start) = (processor_time(), Instant::now());
        send(address, messages, flows).await;
        stop.cancel();
        run.await.unwrap();
        let (used, wall) = (processor_time().saturating_sub(before), start.elapsed());
        let net = used.saturating_sub(sender);
        println!(
            "{name}: {:.0}k flows per CPU-second (with the sender {:.0}k; {:.0} ns a flow), {:.1} s of wall, RSS at most {} MB, {resident_before} MB of it the bench's before",
            flows as f64 / net.as_secs_f64() / 1e3,
            flows as f64 / used.as_secs_f64() / 1e3,
            net.as_nanos() as f64 / flows as f64,
            wall.as_secs_f64(),
            resident_megabytes("VmHWM"),
        );
    });
}

/// What sending costs: the same messages to a server that only answers.
async fn sender_cost(messages: &[Bytes], flows: usize) -> Duration {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = hyper::service::service_fn(
            |request: hyper::Request<hyper::body::Incoming>| async move {
                http_body_util::BodyExt::collect(request.into_body())
                    .await
                    .unwrap();
                let mut response = tonic::Status::ok("").into_http::<tonic::body::Body>();
                *response.body_mut() =
                    tonic::body::Body::new(http_body_util::Full::new(Bytes::from_static(&[0; 5])));
                Ok::<_, std::convert::Infallible>(response)
            },
        );
        let _ = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .serve_connection(hyper_util::rt::TokioIo::new(stream), service)
            .await;
    });
    let before = processor_time();
    send(address, messages, flows).await;
    let used = processor_time().saturating_sub(before);
    server.abort();
    // The server side of the transport belongs to the pipeline: count half of what both sides took.
    used / 2
}

async fn send(address: std::net::SocketAddr, messages: &[Bytes], flows: usize) {
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await;
    let mut grpc = tonic::client::Grpc::new(channel.unwrap());
    for message in messages.iter().cycle().take(flows / FLOWS_PER_MESSAGE) {
        grpc.ready().await.unwrap();
        let path = http::uri::PathAndQuery::from_static("/pbflow.Collector/Send");
        grpc.unary(tonic::Request::new(message.clone()), path, RawClient)
            .await
            .unwrap();
    }
}

/// Processor time of the whole process, from the kernel's clock ticks (100 a second on every Linux).
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// A figure of the process's memory, as the kernel names it.
fn resident_megabytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}
