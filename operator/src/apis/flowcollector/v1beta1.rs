//! FlowCollector `v1beta1`: deprecated, served for those who still use it.
//!
//! Nothing works with objects of this version: they are converted before anything reads them. So it is no set of
//! types but what differs from `v1beta2`, in tables that both its schema (here) and the conversion go by; what the
//! versions share is written once. Paths are relative to `spec`.

use serde_json::{Value, json};

use super::{texts, v1beta2};
use crate::apis::schema;

/// Name of the version.
pub const VERSION: &str = "v1beta1";

/// What the API server tells whoever uses it.
pub const DEPRECATION: &str =
    "flows.netobserv.io/v1beta1 FlowCollector is deprecated; use flows.netobserv.io/v1beta2";

/// Fields that stand elsewhere in `v1beta2`: path here, path there.
pub const MOVED: &[(&str, &str)] = &[
    ("agent.ebpf.debug.env", "agent.ebpf.advanced.env"),
    (
        "agent.ebpf.debug.capOverride",
        "agent.ebpf.advanced.capOverride",
    ),
    ("consolePlugin.port", "consolePlugin.advanced.port"),
    ("consolePlugin.register", "consolePlugin.advanced.register"),
    ("loki.authToken", "loki.manual.authToken"),
    ("loki.batchSize", "loki.writeBatchSize"),
    ("loki.batchWait", "loki.writeBatchWait"),
    ("loki.maxBackoff", "loki.advanced.writeMaxBackoff"),
    ("loki.maxRetries", "loki.advanced.writeMaxRetries"),
    ("loki.minBackoff", "loki.advanced.writeMinBackoff"),
    ("loki.querierUrl", "loki.manual.querierUrl"),
    ("loki.staticLabels", "loki.advanced.staticLabels"),
    ("loki.statusTls", "loki.manual.statusTls"),
    ("loki.statusUrl", "loki.manual.statusUrl"),
    ("loki.tenantID", "loki.manual.tenantID"),
    ("loki.timeout", "loki.writeTimeout"),
    ("loki.tls", "loki.manual.tls"),
    ("loki.url", "loki.manual.ingesterUrl"),
    (
        "processor.conversationEndTimeout",
        "processor.advanced.conversationEndTimeout",
    ),
    (
        "processor.conversationHeartbeatInterval",
        "processor.advanced.conversationHeartbeatInterval",
    ),
    (
        "processor.conversationTerminatingTimeout",
        "processor.advanced.conversationTerminatingTimeout",
    ),
    ("processor.debug.env", "processor.advanced.env"),
    (
        "processor.dropUnusedFields",
        "processor.advanced.dropUnusedFields",
    ),
    (
        "processor.enableKubeProbes",
        "processor.advanced.enableKubeProbes",
    ),
    ("processor.healthPort", "processor.advanced.healthPort"),
    ("processor.port", "processor.advanced.port"),
    ("processor.profilePort", "processor.advanced.profilePort"),
];

/// Roots that only `v1beta2` has.
pub const ONLY_IN_V1BETA2: &[&str] = &[
    "agent.ebpf.advanced",
    "consolePlugin.advanced",
    "consolePlugin.standalone",
    "consolePlugin.unmanagedReplicas",
    "execution",
    "exporters[].ipfix.enterpriseID",
    "exporters[].kafka.compression",
    "exporters[].openTelemetry",
    "kafka.compression",
    "loki.advanced",
    "loki.embedded",
    "loki.lokiStack",
    "loki.manual",
    "loki.microservices",
    "loki.mode",
    "loki.monolithic",
    "loki.writeBatchSize",
    "loki.writeBatchWait",
    "loki.writeTimeout",
    "networkPolicy",
    "processor.advanced",
    "processor.consumerReplicas",
    "processor.metrics.additionalIncludeList",
    "processor.metrics.healthRules",
    "processor.service",
    "processor.slicesConfig",
    "processor.unmanagedReplicas",
    "prometheus.querier.manual.alertManager",
];

/// Enums whose texts are spelled otherwise, and what stands between the words of one.
pub const SPELLED: &[(&str, char)] = &[
    ("agent.type", '_'),
    ("agent.ebpf.metrics.server.tls.type", '_'),
    ("consolePlugin.autoscaler.status", '_'),
    ("deploymentModel", '_'),
    ("exporters[].kafka.sasl.type", '-'),
    ("exporters[].type", '_'),
    ("kafka.sasl.type", '-'),
    ("loki.authToken", '_'),
    ("processor.kafkaConsumerAutoscaler.status", '_'),
    ("processor.logTypes", '_'),
    ("processor.metrics.server.tls.type", '_'),
];

/// Default of `processor.metrics.ignoreTags`; it stands for the default set of metrics.
pub const IGNORED_TAGS: [&str; 6] = [
    "egress",
    "packets",
    "nodes-flows",
    "namespaces-flows",
    "workloads-flows",
    "namespaces",
];

/// The schema of `spec`: that of `v1beta2` with the differences of the tables above.
pub fn spec_schema() -> Value {
    let mut spec = schema::structural::<v1beta2::FlowCollectorSpec>();
    let moved: Vec<_> = MOVED
        .iter()
        .filter_map(|(here, there)| Some((*here, take_property(&mut spec, there)?)))
        .collect();
    for path in ONLY_IN_V1BETA2 {
        take_property(&mut spec, path);
    }
    for (path, property) in moved {
        put_property(&mut spec, path, property);
    }
    for (path, property) in added() {
        put_property(&mut spec, path, property);
    }
    for (path, separator) in SPELLED {
        change_property(&mut spec, path, |property| spell(property, *separator));
    }
    for (path, changes) in changed() {
        change_property(&mut spec, path, |property| {
            for (key, value) in changes.as_object().into_iter().flatten() {
                let Some(property) = property.as_object_mut() else {
                    continue;
                };
                match value {
                    Value::Null => property.remove(key),
                    value => property.insert(key.clone(), value.clone()),
                };
            }
        });
    }
    spec
}

/// The schema of `status`: conditions and the namespace.
pub fn status_schema() -> Value {
    let mut status = schema::structural::<v1beta2::status::FlowCollectorStatus>();
    for path in ["components", "integrations"] {
        take_property(&mut status, path);
    }
    status
}

/// Fields that `v1beta2` has nowhere.
fn added() -> [(&'static str, Value); 2] {
    [
        (
            "processor.debug.capOverride",
            json!({ "type": "array", "items": { "type": "string" }, "description": "Ignored." }),
        ),
        (
            "processor.metrics.ignoreTags",
            json!({
                "type": "array",
                "items": { "type": "string" },
                "default": IGNORED_TAGS,
                "description": "Metrics that carry one of these tags are not made. Not used if `includeList` is there.",
            }),
        ),
    ]
}

/// Keys of fields that differ; null takes one away.
fn changed() -> [(&'static str, Value); 11] {
    let quick_filters = json!([
        { "name": "Applications", "filter": { "flow_layer": "app" }, "default": true },
        { "name": "Infrastructure", "filter": { "flow_layer": "infra" } },
        { "name": "Pods network", "filter": { "src_kind": "Pod", "dst_kind": "Pod" }, "default": true },
        { "name": "Services network", "filter": { "dst_kind": "Service" } },
    ]);
    [
        ("agent.ebpf.cacheActiveTimeout", json!({ "default": "5s" })),
        ("agent.ebpf.cacheMaxFlows", json!({ "default": 100_000 })),
        (
            "deploymentModel",
            json!({
                "default": "DIRECT",
                "enum": ["DIRECT", "KAFKA", "SERVICE"],
                "description": "How flows get from the agents to the processor: `DIRECT` (default), `KAFKA` or `SERVICE`.",
            }),
        ),
        ("exporters[].ipfix.targetPort", json!({ "default": null })),
        (
            "exporters[].type",
            json!({ "enum": ["KAFKA", "IPFIX", "OPEN_TELEMETRY"] }),
        ),
        ("loki.batchSize", json!({ "default": 102_400 })),
        ("loki.querierUrl", json!({ "default": null })),
        (
            "processor.subnetLabels.customLabels[].name",
            json!({ "pattern": null }),
        ),
        (
            "consolePlugin.quickFilters",
            json!({ "default": quick_filters }),
        ),
        (
            "agent.ebpf.debug",
            json!({ "description": "Settings for debugging." }),
        ),
        (
            "processor.debug",
            json!({ "description": "Settings for debugging." }),
        ),
    ]
}

/// Spells the default, the values and the description of an enum as this version does.
fn spell(property: &mut Value, separator: char) {
    let spelled = |value: &Value| {
        value
            .as_str()
            .map(|text| texts::to_v1beta1(text, separator))
    };
    if let Some(default) = property.get("default").and_then(spelled) {
        property["default"] = json!(default);
    }
    let Some(values) = property.get("enum").and_then(Value::as_array).cloned() else {
        return;
    };
    let mut description = property["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    for value in values.iter().filter_map(Value::as_str) {
        let spelled = texts::to_v1beta1(value, separator);
        description = description.replace(&format!("`{value}`"), &format!("`{spelled}`"));
    }
    property["description"] = json!(description);
    property["enum"] = values.iter().filter_map(spelled).collect();
}

/// The schema of the object that holds the last key of a path, and that key.
fn parent<'a, 'p>(spec: &'a mut Value, path: &'p str) -> Option<(&'a mut Value, &'p str)> {
    let mut keys: Vec<_> = path.split('.').collect();
    let last = keys.pop()?;
    let mut node = spec;
    for key in keys {
        node = node
            .get_mut("properties")?
            .get_mut(key.trim_end_matches("[]"))?;
        if key.ends_with("[]") {
            node = node.get_mut("items")?;
        }
    }
    Some((node, last))
}

fn take_property(spec: &mut Value, path: &str) -> Option<Value> {
    let (parent, key) = parent(spec, path)?;
    let property = parent.get_mut("properties")?.as_object_mut()?.remove(key);
    if let Some(required) = parent.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name != key);
        if required.is_empty() {
            parent.as_object_mut()?.remove("required");
        }
    }
    property
}

/// Puts the schema of a field; the object that holds it is made if it is missing.
fn put_property(spec: &mut Value, path: &str, property: Value) {
    if let Some((holder, _)) = path.rsplit_once('.')
        && let Some((parent, key)) = parent(spec, holder)
        && parent["properties"].get(key).is_none()
    {
        parent["properties"][key] = json!({ "type": "object" });
    }
    if let Some((parent, key)) = parent(spec, path) {
        parent["properties"][key] = property;
    }
}

fn change_property(spec: &mut Value, path: &str, change: impl FnOnce(&mut Value)) {
    if let Some((parent, key)) = parent(spec, path)
        && let Some(property) = parent["properties"].get_mut(key)
    {
        change(property);
    }
}
