//! What only one version holds comes back, unless it was edited in the other.

use netobserv_operator::apis::flowcollector::convert::{V1BETA2_DATA, convert};
use serde_json::{Value, json};

use super::{NEW, OLD, object};

/// Name, edit of the `spec` in the old version, and what the new version has at some paths then.
type EditCase = (&'static str, fn(&mut Value), Vec<(&'static str, Value)>);

/// What only one version holds comes back, unless it was edited in the other.
#[test]
fn edits_in_the_other_version_win() {
    let exporters = json!([
        { "type": "Kafka", "kafka": { "address": "a", "topic": "a", "compression": "zstd" } },
        { "type": "OpenTelemetry", "openTelemetry": { "targetHost": "o", "targetPort": 4317 } },
    ]);
    let start = json!({
        "deploymentModel": "Service",
        "agent": { "ebpf": { "sampling": 50, "features": ["TLSTracking"] } },
        "networkPolicy": { "enable": true },
        "processor": { "advanced": { "port": 3000, "scheduling": { "priorityClassName": "high" } } },
        "consolePlugin": { "advanced": { "scheduling": { "priorityClassName": "low" } } },
        "loki": { "mode": "LokiStack", "lokiStack": { "name": "ls" } },
        "exporters": exporters,
    });
    let cases: [EditCase; 10] = [
        (
            "sampling",
            |spec| spec["agent"]["ebpf"]["sampling"] = json!(10),
            vec![
                ("/agent/ebpf/sampling", json!(10)),
                ("/agent/ebpf/features", json!(["TLSTracking"])),
                ("/deploymentModel", json!("Service")),
                ("/networkPolicy/enable", json!(true)),
                ("/loki/mode", json!("LokiStack")),
                ("/loki/manual", Value::Null),
            ],
        ),
        (
            "model",
            |spec| spec["deploymentModel"] = json!("KAFKA"),
            vec![("/deploymentModel", json!("Kafka"))],
        ),
        (
            "address of Loki",
            |spec| spec["loki"]["url"] = json!("http://mine/"),
            vec![
                ("/loki/mode", json!("Manual")),
                ("/loki/manual/ingesterUrl", json!("http://mine/")),
                ("/loki/lokiStack/name", json!("ls")),
            ],
        ),
        (
            "field of an exporter",
            |spec| spec["exporters"][0]["kafka"]["topic"] = json!("b"),
            vec![
                ("/exporters/0/kafka/topic", json!("b")),
                ("/exporters/0/kafka/compression", json!("zstd")),
                ("/exporters/1/openTelemetry/targetHost", json!("o")),
            ],
        ),
        (
            "exporter removed",
            |spec| {
                spec["exporters"].as_array_mut().unwrap().remove(0);
            },
            vec![
                ("/exporters/0/type", json!("OpenTelemetry")),
                ("/exporters/0/openTelemetry/targetHost", json!("o")),
                ("/exporters/0/kafka", Value::Null),
            ],
        ),
        (
            "port",
            |spec| spec["processor"]["port"] = json!(4000),
            vec![
                ("/processor/advanced/port", json!(4000)),
                (
                    "/processor/advanced/scheduling/priorityClassName",
                    json!("high"),
                ),
            ],
        ),
        (
            "port back to its default",
            |spec| spec["processor"]["port"] = json!(2055),
            vec![
                ("/processor/advanced/port", Value::Null),
                (
                    "/processor/advanced/scheduling/priorityClassName",
                    json!("high"),
                ),
            ],
        ),
        (
            "first field of a holder",
            |spec| spec["consolePlugin"]["port"] = json!(9010),
            vec![
                ("/consolePlugin/advanced/port", json!(9010)),
                (
                    "/consolePlugin/advanced/scheduling/priorityClassName",
                    json!("low"),
                ),
            ],
        ),
        (
            "section with a holder removed",
            |spec| {
                spec.as_object_mut().unwrap().remove("processor");
            },
            vec![("/processor", Value::Null)],
        ),
        (
            "section removed",
            |spec| {
                spec.as_object_mut().unwrap().remove("loki");
            },
            vec![("/loki", Value::Null)],
        ),
    ];
    for (name, edit, expected) in cases {
        let mut there = convert(object(NEW, start.clone()), OLD).unwrap();
        edit(&mut there["spec"]);
        let back = convert(there, NEW).unwrap();
        for (path, value) in expected {
            let found = back["spec"].pointer(path).cloned().unwrap_or_default();
            assert_eq!(found, value, "{name}: {path}");
        }
    }
}

/// Older operators kept the whole newer object in the annotation.
#[test]
fn data_of_older_operators_is_understood() {
    let kept = json!({
        "spec": { "loki": { "mode": "LokiStack", "lokiStack": { "name": "ls", "namespace": "logs" } }, "networkPolicy": { "enable": true } },
        "status": {},
    });
    let mut old = convert(object(NEW, kept["spec"].clone()), OLD).unwrap();
    old["metadata"]["annotations"] = json!({ V1BETA2_DATA: kept.to_string(), "mine": "stays" });
    let new = convert(old, NEW).unwrap();
    assert_eq!(new["spec"]["loki"]["mode"], "LokiStack");
    assert_eq!(new["spec"]["loki"]["lokiStack"]["name"], "ls");
    assert_eq!(new["spec"]["networkPolicy"]["enable"], true);
    assert_eq!(new["metadata"]["annotations"]["mine"], "stays");
    assert_eq!(new["metadata"]["annotations"].get(V1BETA2_DATA), None);
}
