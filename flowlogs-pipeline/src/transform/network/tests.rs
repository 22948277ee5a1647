//! Tests of the network transform: the worked examples 21.3, 21.4 and 21.6 of the compatibility reference.
#![allow(clippy::unwrap_used, reason = "tests")]

use rstest::rstest;

use super::*;
use crate::model::Field;

const SERVICES: &str = "# names\nhttps 443/tcp # web\nhttps 443/udp\ndomain 53/tcp\ndomain 53/udp nameserver\nodd line\n";
const PROTOCOLS: &str = "ip 0 IP\ntcp 6 TCP\nudp 17 UDP\n";

fn build(config: serde_json::Value) -> TransformNetwork {
    let config: NetworkConfig = serde_json::from_value(config).unwrap();
    TransformNetwork::new(&config).unwrap()
}

fn record(fields: &serde_json::Value) -> Record {
    crate::ingest::lines::decode_json(fields.to_string().as_bytes(), 0).unwrap()
}

fn apply(stage: &mut TransformNetwork, record: Record) -> Record {
    let mut batch = Batch::from(vec![record]);
    stage.transform(&mut batch);
    batch.records.remove(0)
}

fn text(record: &Record, name: &str) -> Option<String> {
    record.get(&name.into()).map(|value| {
        let mut text = String::new();
        value.write_text(&mut text);
        text
    })
}

#[rstest]
#[case("10.1.2.3", "/16", Some("10.1.0.0/16"))]
#[case("2001:db8:1::5", "/64", Some("2001:db8:1::/64"))]
#[case("10.1.2.3", "/abc", None)]
#[case("10.1.2.3", "/33", None)]
#[case("no address", "/16", None)]
fn add_subnet_writes_the_network(
    #[case] address: &str,
    #[case] mask: &str,
    #[case] expected: Option<&str>,
) {
    let mut stage = build(serde_json::json!({"rules": [
        {"type": "add_subnet", "add_subnet": {"input": "SrcAddr", "output": "net", "subnet_mask": mask}}]}));
    let result = apply(&mut stage, record(&serde_json::json!({"SrcAddr": address})));
    assert_eq!(text(&result, "net").as_deref(), expected);
}

#[rstest]
#[case(["web", "all"], "10.1.2.3", Some("web"))]
#[case(["web", "all"], "10.2.2.2", Some("all"))]
#[case(["web", "all"], "11.1.1.1", None)]
#[case(["all", "web"], "10.1.2.3", Some("all"))]
#[case(["six", "all"], "2001:db8::1", Some("six"))]
fn the_first_subnet_label_wins(
    #[case] order: [&str; 2],
    #[case] address: &str,
    #[case] expected: Option<&str>,
) {
    let labels: Vec<_> = order
        .iter()
        .map(|name| match *name {
            "web" => serde_json::json!({"name": "web", "cidrs": ["10.1.0.0/16"]}),
            "six" => serde_json::json!({"name": "six", "cidrs": ["2001:db8::/32"]}),
            _ => serde_json::json!({"name": "all", "cidrs": ["10.0.0.0/8"]}),
        })
        .collect();
    let mut stage = build(serde_json::json!({
        "rules": [{"type": "add_subnet_label", "add_subnet_label": {"input": "SrcAddr", "output": "SrcSubnetLabel"}}],
        "subnetLabels": labels}));
    let result = apply(&mut stage, record(&serde_json::json!({"SrcAddr": address})));
    assert_eq!(text(&result, "SrcSubnetLabel").as_deref(), expected);
}

#[rstest]
#[case(serde_json::json!({"DstPort": 443, "Proto": 6}), Some("https"))]
#[case(serde_json::json!({"DstPort": 53, "Proto": "udp"}), Some("domain"))]
#[case(serde_json::json!({"DstPort": 65000, "Proto": 6}), Some(""))]
#[case(serde_json::json!({"DstPort": 65000, "Proto": "tcp"}), None)]
#[case(serde_json::json!({"DstPort": 443, "Proto": 250}), Some("https"))]
#[case(serde_json::json!({"DstPort": "abc", "Proto": 6}), None)]
fn add_service_names_the_port(#[case] fields: serde_json::Value, #[case] expected: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let mut stage = build(serde_json::json!({
        "servicesFile": path("services", SERVICES), "protocolsFile": path("protocols", PROTOCOLS),
        "rules": [{"type": "add_service", "add_service": {"input": "DstPort", "output": "s", "protocol": "Proto"}}]}));
    assert_eq!(
        text(&apply(&mut stage, record(&fields)), "s").as_deref(),
        expected
    );
}

#[rstest]
#[case("10.9.0.1", "10.9.0.1", "10.9.0.2", "1")]
#[case("10.9.0.2", "10.9.0.1", "10.9.0.2", "0")]
#[case("10.9.0.3", "10.9.0.1", "10.9.0.2", "7")]
#[case("10.9.0.1", "10.9.0.1", "", "1")]
#[case("10.9.0.1", "", "10.9.0.1", "0")]
#[case("10.9.0.1", "", "10.9.0.2", "7")]
#[case("10.9.0.1", "10.9.0.1", "10.9.0.1", "2")]
#[case("10.9.0.9", "10.9.0.1", "10.9.0.1", "2")]
#[case("10.9.0.1", "", "", "7")]
#[case("", "10.9.0.1", "10.9.0.2", "7")]
fn direction_is_seen_from_the_node(
    #[case] agent: &str,
    #[case] source: &str,
    #[case] destination: &str,
    #[case] expected: &str,
) {
    let mut stage = build(serde_json::json!({
        "rules": [{"type": "reinterpret_direction"}],
        "directionInfo": {"reporterIPField": "AgentIP", "srcHostField": "SrcK8S_HostIP",
            "dstHostField": "DstK8S_HostIP", "flowDirectionField": "FlowDirection", "ifDirectionField": "IfDirection"}}));
    let mut given = serde_json::json!({"AgentIP": agent, "FlowDirection": 7});
    for (name, host) in [("SrcK8S_HostIP", source), ("DstK8S_HostIP", destination)] {
        if !host.is_empty() {
            given[name] = host.into();
        }
    }
    let result = apply(&mut stage, record(&given));
    assert_eq!(text(&result, "FlowDirection").as_deref(), Some(expected));
    assert_eq!(text(&result, "IfDirection").as_deref(), Some("7"));
}

#[rstest]
#[case(Some(Number::U16(2)), "[SYN]", Some("[SYN]"))]
#[case(Some(Number::U16(272)), "[ACK SYN_ACK]", Some("[ACK SYN_ACK]"))]
#[case(Some(Number::U16(528)), "[ACK FIN_ACK]", Some("[ACK FIN_ACK]"))]
#[case(
    Some(Number::U16(666)),
    "[SYN PSH ACK CWR FIN_ACK]",
    Some("[SYN PSH ACK CWR FIN_ACK]")
)]
#[case(Some(Number::U16(0)), "[]", None)]
#[case(Some(Number::F64(2.0)), "2", None)]
#[case(None, "absent", None)]
fn tcp_flags_become_names(
    #[case] flags: Option<Number>,
    #[case] same: &str,
    #[case] other: Option<&str>,
) {
    let given = flags.map_or_else(Record::new, |flags| {
        let mut record = Record::new();
        record.set_field(Field::Flags, Value::Number(flags));
        record
    });
    let stage = |output: &str| {
        build(serde_json::json!({"rules": [
            {"type": "decode_tcp_flags", "decode_tcp_flags": {"input": "Flags", "output": output}}]}))
    };
    let result = text(&apply(&mut stage("Flags"), given.clone()), "Flags");
    assert_eq!(result.as_deref().unwrap_or("absent"), same);
    assert_eq!(
        text(&apply(&mut stage("names"), given), "names").as_deref(),
        other
    );
}
