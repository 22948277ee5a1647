//! `contracts/loki.json`: what the console reads from Loki, made by the stage itself.

use std::time::Instant;

use crate::loki::{FakeLoki, PATIENCE};
use flowlogs_pipeline::metrics::{Operational, Registry};
use flowlogs_pipeline::model::{Batch, Record, Value};
use flowlogs_pipeline::stage::BuildContext;
use flowlogs_pipeline::write::{self, WriteConfig};
use serde_json::{Value as Json, json};

const APP: &str = "netobserv-flowcollector";

/// Records of the kinds that occur, with a name for each.
fn records() -> Vec<(&'static str, Json)> {
    let time = json!({"TimeFlowStartMs": 1_704_164_640_000_u64, "TimeFlowEndMs": 1_704_164_647_006_u64,
        "TimeReceived": 1_704_164_648_u64});
    let with = |mut fields: Json| {
        fields
            .as_object_mut()
            .unwrap()
            .extend(time.as_object().unwrap().clone());
        fields
    };
    vec![
        (
            "TCP on one host",
            with(json!({
            "SrcAddr": "10.0.0.5", "DstAddr": "10.0.0.9", "SrcPort": 41234, "DstPort": 443, "Proto": 6,
            "SrcMac": "0a:58:0a:00:00:05", "DstMac": "0a:58:0a:00:00:09", "Etype": 2048, "Dscp": 0,
            "Flags": ["ACK", "SYN_ACK"], "Bytes": 1500, "Packets": 3, "Sampling": 1, "AgentIP": "192.168.10.11",
            "Interfaces": ["eth0", "veth1"], "IfDirections": [1, 0], "Udns": ["", ""],
            "TimeFlowRttNs": 10_000_000, "SrcSubnetLabel": "local", "DstSubnetLabel": ""})),
        ),
        (
            "DNS over IPv6",
            with(json!({
            "SrcAddr": "2001:db8::5", "DstAddr": "2001:db8::53", "SrcPort": 50000, "DstPort": 53, "Proto": 17,
            "Etype": 34525, "Bytes": 9_007_199_254_740_993_u64, "Packets": 1, "DnsId": 31, "DnsLatencyMs": 17,
            "DnsFlags": 33152, "DnsFlagsResponseCode": "NoError", "DnsErrno": 0, "DnsName": "example.org",
            "Interfaces": ["eth0"], "IfDirections": [0]})),
        ),
        (
            "ICMP seen by no interface",
            with(json!({
            "SrcAddr": "10.0.0.5", "DstAddr": "10.0.0.9", "Proto": 1, "IcmpType": 8, "IcmpCode": 0, "Etype": 2048,
            "Bytes": 84, "Packets": 1, "Interfaces": null, "IfDirections": null})),
        ),
        (
            "in a cluster",
            with(json!({
            "SrcAddr": "10.0.0.5", "DstAddr": "10.0.0.9", "SrcK8S_Namespace": "shop", "SrcK8S_Name": "web-1",
            "SrcK8S_Type": "Pod", "SrcK8S_OwnerName": "web", "SrcK8S_OwnerType": "Deployment",
            "SrcK8S_Zone": "eu-1a", "DstK8S_Namespace": "shop", "DstK8S_Name": "db", "DstK8S_Type": "Service",
            "DstK8S_OwnerName": "db", "DstK8S_OwnerType": "Service", "K8S_FlowLayer": "app", "FlowDirection": 1,
            "Bytes": 10, "Packets": 1})),
        ),
        (
            "dropped, with events",
            with(json!({
            "SrcAddr": "10.0.0.5", "DstAddr": "10.0.0.9", "Bytes": 10, "Packets": 1, "PktDropBytes": 60,
            "PktDropPackets": 1, "PktDropLatestDropCause": "SKB_DROP_REASON_NO_SOCKET",
            "PktDropLatestState": "TCP_INVALID_STATE", "PktDropLatestFlags": 2,
            "NetworkEvents": [{"Action": "drop", "Feature": "acl", "Name": "deny-all"}]})),
        ),
        (
            "text that needs escapes and a field of no dictionary",
            with(json!({
            "SrcAddr": "10.0.0.5", "DstAddr": "10.0.0.9", "Bytes": 10,
            "SrcK8S_OwnerName": "q\"\\\n", "DnsName": "\u{1}\"é<>", "my_own": [1.5, "x", null]})),
        ),
    ]
}

/// What of a number the record has is decided by the dictionary; here the JSON reader's floats would lose digits.
fn record(fields: &Json) -> Record {
    let mut record = Record::new();
    for (name, value) in fields.as_object().unwrap() {
        let value = match value.as_u64() {
            Some(number) => Value::Number(flowlogs_pipeline::model::Number::U64(number)),
            None => Value::from_json(value.clone()),
        };
        record.set(&name.as_str().into(), value);
    }
    record
}

fn label_fields() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/fields.json");
    let dictionary: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let fields = dictionary["fields"].as_array().unwrap().iter();
    fields
        .filter(|field| field["label"] == true)
        .map(|field| field["name"].as_str().unwrap().to_owned())
        .collect()
}

fn contract() -> String {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fake = runtime.block_on(FakeLoki::start());
    let settings = json!({
        "url": fake.url(), "batchSize": 1, "labels": label_fields(), "staticLabels": {"app": APP},
        "timestampLabel": "TimeFlowEndMs", "timestampScale": "1ms",
    });
    let config = WriteConfig::Loki(Box::new(serde_json::from_value(settings).unwrap()));
    let metrics = Operational::new(Registry::default(), "");
    let context = BuildContext {
        name: "loki".into(),
        metrics,
        runtime: runtime.handle().clone(),
    };
    let mut stage = write::build(&config, &context).unwrap();
    for (_, fields) in records() {
        stage.write(&Batch::from(vec![record(&fields)]));
    }
    stage.finish(Instant::now() + PATIENCE);
    assert!(fake.mistakes().is_empty(), "{:?}", fake.mistakes());
    let golden: Vec<Json> = records()
        .into_iter()
        .zip(fake.pushed())
        .map(|((name, _), pushed)| {
            let stream = &pushed.request.streams[0];
            let time = stream.entries[0].timestamp.unwrap();
            json!({
                "name": name,
                "labels": stream.labels,
                "timestamp_ns": format!("{}{:09}", time.seconds, time.nanos),
                "line": stream.entries[0].line,
            })
        })
        .collect();
    let contract = json!({
        "description": "How flows reach Loki under the operator's settings. The line is one JSON object with the \
            fields that are no labels, in the order of the field dictionary and then those of no dictionary; numbers \
            are plain decimals, addresses text, lists arrays, and a list without elements null. A label holds the \
            text of its field; a field that is absent gives no label.",
        "push": {"method": "POST", "path": "/loki/api/v1/push", "content_type": "application/x-protobuf",
            "compression": "snappy block format", "tenant_header": "X-Scope-OrgID"},
        "labels": label_fields(),
        "static_labels": {"app": APP},
        "timestamp": {"field": "TimeFlowEndMs", "unit": "ms"},
        "golden": golden,
    });
    let mut text = serde_json::to_string_pretty(&contract).unwrap();
    text.push('\n');
    text
}

#[test]
fn the_contract_is_what_the_stage_pushes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/loki.json");
    let contract = contract();
    if std::env::var_os("UPDATE_CONTRACTS").is_some() {
        std::fs::write(path, &contract).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap_or_default(),
        contract,
        "run the tests with UPDATE_CONTRACTS=1"
    );
}
