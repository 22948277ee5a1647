//! Every rule and every query of a dashboard is one that Prometheus can read: asked of `promtool`.

use std::process::Command;

use crate::support::{TEMPLATES, desired, find, openshift};
use netobserv_operator::apis::flowcollector::predefined;
use netobserv_operator::desired::Desired;
use serde_json::{Value, json};

/// All features, all predefined metrics, and health rules of all templates by all groups in that mode.
fn everything(mode: &str) -> Value {
    let metrics = json!(predefined::names());
    let variant = |group: &str| {
        json!({"groupBy": group, "lowVolumeThreshold": "1", "trendOffset": "36h", "trendDuration": "90m",
        "thresholds": {"info": "5", "warning": "10.5", "critical": "20"}})
    };
    let rules = TEMPLATES.map(|template| {
        let groups = ["", "Node", "Namespace", "Workload"];
        json!({"template": template, "mode": mode, "variants": groups.map(variant)})
    });
    json!({
        "agent": {"ebpf": {"privileged": true, "features": ["PacketDrop", "DNSTracking", "FlowRTT", "NetworkEvents", "IPSec"]}},
        "loki": {"mode": "Monolithic"},
        "processor": {"metrics": {"includeList": metrics, "healthRules": rules}},
    })
}

/// Groups of all PrometheusRules.
fn groups(desired: &Desired) -> Vec<Value> {
    let bodies = desired.items.iter().map(|item| item.object.body());
    let rules = bodies.filter(|body| body["kind"] == "PrometheusRule");
    rules
        .flat_map(|body| body["spec"]["groups"].as_array().unwrap().clone())
        .collect()
}

/// The queries of a dashboard, each as a rule.
fn queries(desired: &Desired, name: &str) -> Vec<Value> {
    let config_map = find(desired, "ConfigMap", name).unwrap();
    let data = config_map["data"].as_object().unwrap().values().next();
    let dashboard: Value = serde_json::from_str(data.unwrap().as_str().unwrap()).unwrap();
    let mut rules = Vec::new();
    for row in dashboard["rows"].as_array().unwrap() {
        for panel in row["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let number = rules.len();
                rules.push(json!({"record": format!("query_{number}"), "expr": target["expr"]}));
            }
        }
    }
    rules
}

fn check(groups: &Value) {
    let folder = tempfile::tempdir().unwrap();
    // JSON is YAML.
    let file = folder.path().join("rules.yaml");
    std::fs::write(&file, json!({"groups": groups}).to_string()).unwrap();
    let Ok(output) = Command::new("promtool")
        .args(["check", "rules", "--lint=none"])
        .arg(&file)
        .output()
    else {
        assert!(
            std::env::var_os("CI").is_none(),
            "promtool is missing: install the package prometheus"
        );
        eprintln!("skipped: promtool is missing (package prometheus)");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}{complaints}");
    assert!(text.contains("SUCCESS"), "{text}");
}

#[test]
fn prometheus_can_read_every_rule() {
    for mode in ["Alert", "Recording"] {
        let groups = groups(&desired(&everything(mode), &openshift("4.19.0")));
        let rules = groups
            .iter()
            .map(|group| group["rules"].as_array().unwrap().len());
        // By node, namespace, workload and as a whole; most from both sides.
        assert!(rules.sum::<usize>() > 50);
        check(&json!(groups));
    }
}

#[test]
fn prometheus_can_read_every_query_of_the_dashboards() {
    let desired = desired(&everything("Alert"), &openshift("4.19.0"));
    let main = queries(&desired, "netobserv-main");
    let health = queries(&desired, "grafana-dashboard-netobserv-health");
    assert!(main.len() > 30 && health.len() > 30);
    check(&json!([{"name": "main", "rules": main}, {"name": "health", "rules": health}]));
}
