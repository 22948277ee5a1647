//! Writes the three configurations, as a cluster's operator would.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::disk::STORE_FREE_BYTES;
use crate::files;
use crate::ports::Ports;
use crate::settings::{Owner, Settings};
use crate::subnets;

/// Flows the kernel maps can hold between two evictions.
const CACHE_MAX_FLOWS: u32 = 50_000;
/// Loki labels of spec operator-controllers 13.2; the store keeps them as ordinary columns.
const LOKI_LABELS: [&str; 8] = [
    "SrcK8S_Namespace",
    "SrcK8S_OwnerName",
    "SrcK8S_Type",
    "DstK8S_Namespace",
    "DstK8S_OwnerName",
    "DstK8S_Type",
    "K8S_FlowLayer",
    "FlowDirection",
];
/// Time in which the pipeline hands on what it holds when it is stopped. The store answers in milliseconds; one that
/// cannot take flows (a full disk) must not hold up the end.
pub const PIPELINE_DRAIN: Duration = Duration::from_secs(4);

/// Paths of the written files.
pub struct Files {
    pub agent: PathBuf,
    pub pipeline: PathBuf,
    pub console: PathBuf,
}

pub fn write(settings: &Settings, ports: Ports, data: &Path, owner: &Owner) -> Result<Files> {
    let folder = data.join("run");
    let put = |name: &str, text: String| -> Result<PathBuf> {
        let path = folder.join(name);
        files::replace(&path, &text, owner)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    };
    Ok(Files {
        agent: put("agent.env", agent(settings, ports))?,
        pipeline: put(
            "pipeline.json",
            format!("{:#}\n", pipeline(settings, ports)?),
        )?,
        console: put("console.yaml", console(settings, ports, data)?)?,
    })
}

fn agent(settings: &Settings, ports: Ports) -> String {
    // The deny list wins over the allow list, so a user who names lo must not meet its default.
    let excluded = if settings.interfaces.names_loopback() {
        "-"
    } else {
        "lo"
    };
    let variables = [
        ("LOG_LEVEL", "info".to_owned()),
        ("EXPORT", "grpc".to_owned()),
        ("TARGET_HOST", "127.0.0.1".to_owned()),
        ("TARGET_PORT", ports.pipeline_grpc.to_string()),
        ("INTERFACES", settings.interfaces.text().to_owned()),
        ("EXCLUDE_INTERFACES", excluded.to_owned()),
        ("SAMPLING", settings.sampling.to_string()),
        ("CACHE_MAX_FLOWS", CACHE_MAX_FLOWS.to_string()),
        ("CACHE_ACTIVE_TIMEOUT", "5s".to_owned()),
        ("ENABLE_RTT", "true".to_owned()),
        ("ENABLE_DNS_TRACKING", "true".to_owned()),
        ("METRICS_ENABLE", "true".to_owned()),
        ("METRICS_SERVER_ADDRESS", "127.0.0.1".to_owned()),
        ("METRICS_SERVER_PORT", ports.agent_metrics.to_string()),
    ];
    let lines = variables.map(|(name, value)| format!("{name}={value}\n"));
    lines.concat()
}

fn pipeline(settings: &Settings, ports: Ports) -> Result<Value> {
    let metric = |name: &str, kind: &str, value_key: &str, scale: f64, buckets: &[f64]| {
        let filters = if kind == "histogram" {
            json!([{"key": value_key, "value": "", "type": "presence"}])
        } else {
            json!([])
        };
        json!({
            "name": name, "type": kind, "filters": filters, "valueKey": value_key, "valueScale": scale,
            "labels": ["SrcSubnetLabel", "DstSubnetLabel", "Proto"], "buckets": buckets,
        })
    };
    let seconds = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
    Ok(json!({
        "log-level": "info",
        "perfSettings": {"drainTimeout": format!("{}s", PIPELINE_DRAIN.as_secs())},
        "healthAddr": format!("127.0.0.1:{}", ports.pipeline_health),
        "metricsSettings": {"address": "127.0.0.1", "port": ports.pipeline_metrics, "prefix": "netobserv_"},
        "pipeline": [
            {"name": "grpc"},
            {"name": "enrich", "follows": "grpc"},
            {"name": "subnets", "follows": "enrich"},
            {"name": "loki", "follows": "subnets"},
            {"name": "prometheus", "follows": "subnets"},
        ],
        "parameters": [
            {"name": "grpc", "ingest": {"type": "grpc", "grpc": {
                "port": ports.pipeline_grpc, "address": "127.0.0.1"}}},
            {"name": "enrich", "transform": {"type": "network", "network": {"rules": [
                {"type": "decode_tcp_flags", "decode_tcp_flags": {"input": "Flags", "output": "Flags"}}]}}},
            {"name": "subnets", "transform": {"type": "network", "network": {
                "rules": [
                    {"type": "add_subnet_label", "add_subnet_label": {"input": "SrcAddr", "output": "SrcSubnetLabel"}},
                    {"type": "add_subnet_label", "add_subnet_label": {"input": "DstAddr", "output": "DstSubnetLabel"}}],
                "subnetLabels": subnets::labels(settings.demo)?}}},
            {"name": "loki", "write": {"type": "loki", "loki": {
                "url": format!("http://127.0.0.1:{}", ports.store_push),
                "batchWait": "1s", "batchSize": 4_194_304, "timeout": "10s",
                "minBackoff": "200ms", "maxBackoff": "5s", "maxRetries": 30,
                "labels": LOKI_LABELS,
                "staticLabels": {"app": "netobserv-flowcollector"},
                "timestampLabel": "TimeFlowEndMs", "timestampScale": "1ms"}}},
            {"name": "prometheus", "encode": {"type": "prom", "prom": {
                "prefix": "netobserv_", "expiryTime": "10m", "metrics": [
                    metric("host_bytes_total", "counter", "Bytes", 1.0, &[]),
                    metric("host_packets_total", "counter", "Packets", 1.0, &[]),
                    metric("host_flows_total", "counter", "", 1.0, &[]),
                    metric("host_rtt_seconds", "histogram", "TimeFlowRttNs", 1e9, &seconds),
                    metric("host_dns_latency_seconds", "histogram", "DnsLatencyMs", 1e3, &seconds),
                ]}}},
        ],
    }))
}

/// JSON is YAML, so our part is written as JSON and the shipped `frontend` block follows as it is, with the sampling as one
/// more of its keys, so that the page says what its numbers are of.
fn console(settings: &Settings, ports: Ports, data: &Path) -> Result<String> {
    let shipped = settings
        .root
        .join("console-plugin/config/onehost-frontend.yaml");
    let frontend = std::fs::read_to_string(&shipped)
        .with_context(|| format!("cannot read {}; start through make run", shipped.display()))?;
    let server = json!({
        "port": settings.port, "address": settings.listen.to_string(),
        // Without it a page beyond loopback may be read by every other site that its visitor's browser opens.
        "corsOrigin": "",
        "metricsPort": ports.console_metrics, "metricsAddress": "127.0.0.1",
        "authCheck": "none", "staticPath": std::path::absolute(settings.root.join("console-plugin/web/dist"))?,
    });
    let store = json!({
        "path": data.join("flows"), "listen": format!("127.0.0.1:{}", ports.store_push),
        "limits": {"freeBytes": STORE_FREE_BYTES},
    });
    let losses = json!({"targets": [
        {"component": "agent", "url": format!("http://127.0.0.1:{}/metrics", ports.agent_metrics)},
        {"component": "pipeline", "url": format!("http://127.0.0.1:{}/metrics", ports.pipeline_metrics)},
        {"component": "console", "url": format!("http://127.0.0.1:{}/metrics", ports.console_metrics)},
    ]});
    Ok(format!(
        "server: {server}\nstore: {store}\nlosses: {losses}\n{frontend}  sampling: {}\n",
        settings.sampling
    ))
}
