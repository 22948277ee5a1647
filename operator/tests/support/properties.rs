//! Every property of a FlowCollector's specification, with a specification that sets it to something valid.

use netobserv_operator::apis::crd;
use serde_json::{Map, Value, json};

/// Values that no schema describes, by the end of the path.
const VALUES: &[(&str, &str)] = &[
    (
        "affinity",
        r#"{"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}]}}"#,
    ),
    ("tolerations", r#"[{"key": "a", "operator": "Exists"}]"#),
    ("nodeSelector", r#"{"a": "b"}"#),
    ("priorityClassName", r#""system-cluster-critical""#),
    (
        "resources",
        r#"{"limits": {"memory": "300Mi"}, "requests": {"cpu": "200m"}}"#,
    ),
    (
        "autoscaler.metrics",
        r#"[{"type": "Resource", "resource": {"name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 60}}}]"#,
    ),
    (
        "Autoscaler.metrics",
        r#"[{"type": "Resource", "resource": {"name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 60}}}]"#,
    ),
    ("autoscaler.minReplicas", "1"),
    ("Autoscaler.minReplicas", "1"),
    ("advanced.env", r#"{"NAME": "value"}"#),
    ("capOverride", r#"["BPF"]"#),
    ("headers", r#"{"name": "value"}"#),
    ("portNames", r#"{"3100": "loki"}"#),
    ("quickFilters[].filter", r#"{"src_namespace": "a"}"#),
    ("storageClassName", r#""standard""#),
    ("size", r#""2Gi""#),
    ("bytes", r#""1Gi""#),
    ("age", r#""12h""#),
    ("groupBy", r#""Node""#),
    ("lowVolumeThreshold", r#""5""#),
    ("thresholds.critical", r#""90""#),
    ("thresholds.warning", r#""50""#),
    ("thresholds.info", r#""20""#),
    ("trendOffset", r#""12h""#),
    ("trendDuration", r#""1h""#),
    ("query", r#""SrcK8S_Namespace=\"a\"""#),
    ("cidrs", r#"["192.0.2.0/24"]"#),
    ("cidr", r#""192.0.2.0/24""#),
    ("peerCIDR", r#""192.0.2.0/24""#),
    ("peerIP", r#""192.0.2.1""#),
    ("orts", "8080"),
    ("certFile", r#""tls.crt""#),
    ("certKey", r#""tls.key""#),
    ("args", r#"["--loglevel=info"]"#),
    (
        "processor.metrics.disableAlerts",
        r#"["PacketDropsByKernel"]"#,
    ),
    ("excludeLabels", r#"["FlowDirection"]"#),
    // One that is not made anyway.
    ("additionalIncludeList", r#"["node_flows_total"]"#),
];

/// What must be set besides, so that a property means something; the narrower of two comes later.
const CONTEXT: &[(&str, &str)] = &[
    (
        "spec.kafka",
        r#"{"deploymentModel": "Kafka", "kafka": {"address": "kafka.example:9092"}}"#,
    ),
    (
        "spec.processor.kafkaConsumer",
        r#"{"deploymentModel": "Kafka", "kafka": {"address": "kafka.example:9092"}}"#,
    ),
    (
        "spec.agent.ebpf.kafkaBatchSize",
        r#"{"deploymentModel": "Kafka", "kafka": {"address": "kafka.example:9092"}}"#,
    ),
    (
        "spec.processor.kafkaConsumerAutoscaler",
        r#"{"processor": {"kafkaConsumerAutoscaler": {"status": "Enabled"}}}"#,
    ),
    (
        "spec.consolePlugin.autoscaler",
        r#"{"consolePlugin": {"autoscaler": {"status": "Enabled"}}}"#,
    ),
    ("spec.loki.manual", r#"{"loki": {"mode": "Manual"}}"#),
    (
        "spec.loki.microservices",
        r#"{"loki": {"mode": "Microservices"}}"#,
    ),
    (
        "spec.loki.monolithic",
        r#"{"loki": {"mode": "Monolithic"}}"#,
    ),
    ("spec.loki.lokiStack", r#"{"loki": {"mode": "LokiStack"}}"#),
    ("spec.loki.embedded", r#"{"loki": {"mode": "Embedded"}}"#),
    (
        "spec.prometheus.querier.manual",
        r#"{"prometheus": {"querier": {"mode": "Manual"}}}"#,
    ),
    (
        "spec.agent.ebpf.flowFilter",
        r#"{"agent": {"ebpf": {"flowFilter": {"enable": true}}}}"#,
    ),
    (
        "spec.prometheus.querier.manual.alertManager",
        r#"{"prometheus": {"querier": {"manual": {"alertManager": {"url": "http://alerts.example:9093"}}}}}"#,
    ),
    (
        "spec.networkPolicy",
        r#"{"networkPolicy": {"enable": true}}"#,
    ),
    (
        "spec.processor.advanced.conversation",
        r#"{"processor": {"logTypes": "Conversations"}}"#,
    ),
    (
        "spec.processor.clusterName",
        r#"{"processor": {"multiClusterDeployment": true}}"#,
    ),
    (
        "spec.processor.deduper.sampling",
        r#"{"processor": {"deduper": {"mode": "Sample"}}}"#,
    ),
    (
        "spec.processor.slicesConfig",
        r#"{"processor": {"slicesConfig": {"enable": true, "collectionMode": "AllowList"}}}"#,
    ),
    (
        "spec.processor.service.providedCertificates",
        r#"{"processor": {"service": {"tlsType": "Provided"}}}"#,
    ),
    (
        "spec.processor.metrics.healthRules",
        r#"{"agent": {"ebpf": {"privileged": true, "features": ["PacketDrop", "DNSTracking", "FlowRTT"]}},
        "processor": {"metrics": {"healthRules": [
        {"template": "PacketDropsByKernel", "variants": [{"thresholds": {"critical": "90"}}]}]}}}"#,
    ),
    (
        "spec.processor.metrics.healthRules[].variants[].trend",
        r#"{"processor": {"metrics": {"healthRules": [{"template": "LatencyHighTrend"}]}}}"#,
    ),
    (
        "spec.processor.metrics.disableAlerts",
        r#"{"agent": {"ebpf": {"privileged": true, "features": ["PacketDrop", "DNSTracking", "FlowRTT"]}}}"#,
    ),
    (
        "spec.processor.service.providedCertificates.clientCert",
        r#"{"processor": {"service": {"providedCertificates": {"serverCert": {"name": "other", "certFile": "tls.crt",
        "certKey": "tls.key"}, "caFile": {"name": "other", "file": "tls.crt"}}}}}"#,
    ),
    (
        "spec.loki.manual.statusTls",
        r#"{"loki": {"manual": {"statusUrl": "https://loki.example:3100"}}}"#,
    ),
    (
        "spec.exporters[].kafka",
        r#"{"exporters": [{"type": "Kafka", "kafka": {"address": "kafka.example:9092", "topic": "t"}}]}"#,
    ),
    (
        "spec.exporters[].ipfix",
        r#"{"exporters": [{"type": "IPFIX", "ipfix": {"targetHost": "a.example", "targetPort": 1}}]}"#,
    ),
    (
        "spec.exporters[].openTelemetry",
        r#"{"exporters": [{"type": "OpenTelemetry",
        "openTelemetry": {"targetHost": "a.example", "targetPort": 1}}]}"#,
    ),
];

/// What else the part needs that a property belongs to, such as its switch: something in the path, whose last dot is
/// where the part ends, a property of the part and its value.
const SWITCHES: &[(&str, &str, &str)] = &[
    (".tls.caCert", "enable", "true"),
    (".tls.insecureSkipVerify", "enable", "true"),
    (".statusTls.", "enable", "true"),
    // TLS without a certificate to check against changes nothing but this.
    (".tls.enable", "insecureSkipVerify", "true"),
    (".statusTls.enable", "insecureSkipVerify", "true"),
    (".tls.userCert", "enable", "true"),
    (".tls.provided", "type", r#""Provided""#),
    (".sasl.client", "type", r#""Plain""#),
    // What is copied from another namespace has a name that is free in ours.
    (".clientCert.namespace", "name", r#""elsewhere""#),
    (".caCert.namespace", "name", r#""elsewhere""#),
    (".userCert.namespace", "name", r#""elsewhere""#),
    (".provided.namespace", "name", r#""elsewhere""#),
    (".providedCaFile.namespace", "name", r#""elsewhere""#),
    (".lokiStack.namespace", "name", r#""elsewhere""#),
    ("Reference.namespace", "name", r#""elsewhere""#),
    (".caCert.", "name", r#""other""#),
    (".caCert.", "certFile", r#""tls.crt""#),
    (".userCert.", "name", r#""other""#),
    (".userCert.", "certFile", r#""tls.crt""#),
    (".userCert.", "certKey", r#""tls.key""#),
    (".provided.", "name", r#""other""#),
    (".provided.", "certFile", r#""tls.crt""#),
    (".provided.", "certKey", r#""tls.key""#),
    (".serverCert.", "name", r#""other""#),
    (".serverCert.", "certFile", r#""tls.crt""#),
    (".serverCert.", "certKey", r#""tls.key""#),
    (".clientCert.", "name", r#""other""#),
    (".clientCert.", "certFile", r#""tls.crt""#),
    (".clientCert.", "certKey", r#""tls.key""#),
    (".caFile.", "name", r#""other""#),
    (".caFile.", "file", r#""tls.crt""#),
    (".providedCaFile.", "name", r#""other""#),
    (".providedCaFile.", "file", r#""tls.crt""#),
    ("Reference.", "name", r#""other""#),
    ("Reference.", "file", r#""other""#),
];

/// A property and a specification that sets it.
#[derive(Debug)]
pub struct Property {
    pub path: String,
    pub spec: Value,
}

/// All of them, in the order of the schema.
pub fn all() -> Vec<Property> {
    let definition = crd::flowcollector().expect("the definition");
    let version = definition
        .spec
        .versions
        .into_iter()
        .find(|version| version.storage)
        .expect("a stored version");
    let schema = serde_json::to_value(version.schema).expect("a schema is JSON");
    let schema = &schema["openAPIV3Schema"]["properties"]["spec"];
    let mut paths = Vec::new();
    walk(schema, "spec", &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let mut spec = set(schema, &path);
            for (part, switch, on) in SWITCHES {
                if let Some(at) = path.find(part) {
                    let (parent, _) = part.rsplit_once('.').expect("a part of a path");
                    let switch = format!("{}{parent}.{switch}", &path[..at]);
                    let on = serde_json::from_str(on).expect("JSON");
                    fill(&mut spec, &nested(&steps(&switch), on));
                }
            }
            for (prefix, context) in CONTEXT.iter().rev() {
                if path.starts_with(prefix) {
                    fill(&mut spec, &serde_json::from_str(context).expect("JSON"));
                }
            }
            complete(schema, &mut spec, "spec");
            Property { path, spec }
        })
        .collect()
}

fn steps(path: &str) -> Vec<String> {
    let path = path.replace("[]", ".[]");
    path.split('.').skip(1).map(str::to_owned).collect()
}

/// An object with nothing but the value there.
fn nested(steps: &[String], value: Value) -> Value {
    steps.iter().rev().fold(value, |value, step| {
        if step == "[]" {
            json!([value])
        } else {
            json!({ step: value })
        }
    })
}

/// Leaves: what has no properties of its own, and what is set as a whole.
fn walk(schema: &Value, path: &str, paths: &mut Vec<String>) {
    if path != "spec" && fixed(path).is_some() {
        paths.push(path.to_owned());
    } else if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            walk(property, &format!("{path}.{name}"), paths);
        }
    } else if schema["items"]["properties"].is_object() {
        walk(&schema["items"], &format!("{path}[]"), paths);
    } else {
        paths.push(path.to_owned());
    }
}

fn fixed(path: &str) -> Option<Value> {
    let (_, value) = VALUES.iter().find(|(end, _)| {
        path.strip_suffix(end)
            .is_some_and(|rest| rest.ends_with('.') || end.starts_with(['A', 'o']))
    })?;
    Some(serde_json::from_str(value).expect("JSON"))
}

/// An object with nothing but a value of the property at that path.
fn set(schema: &Value, path: &str) -> Value {
    let steps = steps(path);
    let of_property = steps.iter().fold(schema, |schema, step| {
        if step == "[]" {
            &schema["items"]
        } else {
            &schema["properties"][step]
        }
    });
    nested(&steps, value(of_property, path))
}

/// Adds what objects must have and nothing has said yet.
fn complete(schema: &Value, object: &mut Value, path: &str) {
    match object {
        Value::Object(_) if schema["properties"].is_object() => {
            fill(object, &required(schema, path));
            for (name, property) in object.as_object_mut().expect("an object") {
                let path = format!("{path}.{name}");
                complete(&schema["properties"][name], property, &path);
            }
        }
        Value::Array(items) => {
            for item in items {
                complete(&schema["items"], item, &format!("{path}[]"));
            }
        }
        _ => {}
    }
}

/// An object with what it must have.
fn required(schema: &Value, path: &str) -> Value {
    let names = schema["required"].as_array().into_iter().flatten();
    let fields = names.filter_map(Value::as_str).map(|name| {
        let path = format!("{path}.{name}");
        (name.to_owned(), value(&schema["properties"][name], &path))
    });
    Value::Object(fields.collect::<Map<_, _>>())
}

/// A valid value, another one than the default where there is another one.
fn value(schema: &Value, path: &str) -> Value {
    if let Some(value) = fixed(path) {
        return value;
    }
    let default = &schema["default"];
    if let Some(values) = schema["enum"].as_array() {
        let mut others = values
            .iter()
            .filter(|value| *value != default && *value != "");
        return others.next().unwrap_or(&values[0]).clone();
    }
    match schema["type"].as_str() {
        Some("boolean") => json!(default != true),
        Some("integer" | "number") => number(schema),
        Some("array") => json!([value(&schema["items"], &format!("{path}[]"))]),
        Some("object") if schema["additionalProperties"].is_object() => json!({"a": "b"}),
        Some("object") => required(schema, path),
        _ => text(schema, path),
    }
}

fn number(schema: &Value) -> Value {
    let least = schema["minimum"].as_f64().unwrap_or(1.0) as i64;
    let most = schema["maximum"]
        .as_f64()
        .map_or(i64::MAX, |most| most as i64);
    let next = schema["default"]
        .as_i64()
        .map_or(least, |default| default + 1);
    json!(next.clamp(least, most))
}

fn text(schema: &Value, path: &str) -> Value {
    let is_duration = schema["format"] == "duration"
        || ["ime", "imeout", "Wait", "Backoff", "Interval"]
            .iter()
            .any(|end| path.ends_with(end))
        || schema["pattern"]
            .as_str()
            .is_some_and(|pattern| pattern.contains("ns|ms|s|m"));
    if is_duration {
        json!("7s")
    } else if path.to_lowercase().ends_with("url") {
        json!("http://other.example:3100/")
    } else if path.ends_with("address") {
        json!("kafka.example:9093")
    } else {
        json!("other")
    }
}

/// Adds what is absent.
fn fill(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                match into.get_mut(key) {
                    Some(slot) => fill(slot, value),
                    None => {
                        into.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(into), Value::Array(from)) => {
            for (into, from) in into.iter_mut().zip(from) {
                fill(into, from);
            }
        }
        _ => {}
    }
}
