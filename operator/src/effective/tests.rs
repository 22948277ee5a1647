//! Tables of what a specification means.

#![allow(clippy::needless_pass_by_value, reason = "tables hold literals")]

mod agent;
mod console;
mod loki;
mod metrics;
mod processor;

use std::fmt::Debug;

use serde_json::{Value, json};

use super::*;
use crate::apis::flowcollector::v1beta2::loki::LokiMode;
use crate::apis::flowcollector::v1beta2::processor::{LogTypes, ServiceTlsType};

fn effective(spec: &Value) -> Effective {
    Effective::of(&serde_json::from_value(spec.clone()).unwrap())
}

/// Each specification gives the value beside it.
fn check<T: PartialEq + Debug>(ask: impl Fn(&Effective) -> T, table: Vec<(Value, T)>) {
    for (spec, expected) in table {
        assert_eq!(ask(&effective(&spec)), expected, "{spec}");
    }
}

fn agent(ebpf: Value) -> Value {
    json!({ "agent": { "ebpf": ebpf } })
}

fn processor(processor: Value) -> Value {
    json!({ "processor": processor })
}

#[test]
fn an_empty_specification_means_the_defaults_of_the_schema() {
    let all = effective(&json!({}));
    assert_eq!(all.namespace, "netobserv");
    assert_eq!(all.deployment_model, DeploymentModel::Service);
    assert_eq!(all.agent.cache_max_flows, Some(120_000));
    assert_eq!(all.agent.cache_active_timeout, Some("15s".into()));
    assert_eq!(all.processor.log_types, Some(LogTypes::Flows));
    assert_eq!(all.loki.mode, LokiMode::Monolithic);
    let monolithic = all.loki.monolithic.as_ref().unwrap();
    assert_eq!(monolithic.url.as_deref(), Some("http://loki:3100/"));
    let retries = all.loki.advanced.as_ref().unwrap().write_max_retries;
    assert_eq!(retries, Some(2));
    assert_eq!(all.console.quick_filters.as_ref().unwrap().len(), 6);
    assert_eq!(all.service_tls(), ServiceTlsType::Auto);
    assert_eq!(all.exporters, []);
}

#[test]
fn filling_in_twice_changes_nothing() {
    let spec = json!({
        "agent": { "ebpf": { "sampling": 1, "resources": { "limits": { "memory": "1Gi" } } } },
        "exporters": [{ "type": "OpenTelemetry", "openTelemetry": { "targetHost": "h", "targetPort": 1 } }],
    });
    let once = effective(&spec);
    assert_eq!(once.sampling(), 1);
    let exporter = once.exporters[0].open_telemetry.as_ref().unwrap();
    assert_eq!(exporter.logs.as_ref().unwrap().enable, Some(true));
    let metrics = exporter.metrics.as_ref().unwrap();
    assert_eq!(metrics.push_time_interval, Some("20s".into()));
    let again = effective(&json!({ "agent": { "ebpf": once.agent }, "exporters": once.exporters }));
    assert_eq!(again, once);
}

#[test]
fn deployment() {
    check(
        |e| e.is_on_hold,
        vec![
            (json!({}), false),
            (json!({ "execution": { "mode": "" } }), false),
            (json!({ "execution": { "mode": "OnHold" } }), true),
        ],
    );
    check(
        |e| (e.uses_kafka(), e.uses_host_network()),
        vec![
            (json!({}), (false, false)),
            (json!({ "deploymentModel": "Kafka" }), (true, false)),
            (json!({ "deploymentModel": "Direct" }), (false, true)),
        ],
    );
    check(
        |e| {
            (
                e.deploys_network_policy(true),
                e.deploys_network_policy(false),
            )
        },
        vec![
            (json!({}), (true, false)),
            (json!({ "networkPolicy": { "enable": true } }), (true, true)),
            (
                json!({ "networkPolicy": { "enable": false } }),
                (false, false),
            ),
        ],
    );
}
