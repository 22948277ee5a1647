//! The agents of a specification: whether there are any, and where.

mod monitoring;
mod mounted;
mod rights;
mod variables;

use netobserv_operator::cluster::Facts;
use serde_json::{Value, json};

use crate::support::{self, environment, find, kubernetes, openshift};

const AGENT: &str = "netobserv-ebpf-agent";

fn agent(ebpf: Value, facts: &Facts) -> Value {
    agent_of(json!({"agent": {"ebpf": ebpf}}), facts)
}

fn agent_of(spec: Value, facts: &Facts) -> Value {
    find(&support::desired(&spec, facts), "DaemonSet", AGENT).unwrap()
}

/// The value of one variable.
fn value(agent: &Value, name: &str) -> Option<String> {
    let prefix = format!("{name}=");
    let all = environment(agent);
    let mut values = all.iter().filter_map(|v| v.strip_prefix(&prefix));
    let value = values.next().map(str::to_owned);
    assert_eq!(values.next(), None, "{name} is set twice");
    value
}

#[test]
fn on_hold_there_are_no_agents() {
    let spec = json!({"execution": {"mode": "OnHold"}});
    let desired = support::desired(&spec, &openshift("4.19.0"));
    assert_eq!(find(&desired, "DaemonSet", AGENT), None);
    assert_eq!(find(&desired, "ServiceAccount", AGENT), None);
    assert!(find(&desired, "SecurityContextConstraints", AGENT).is_some());
}

#[test]
fn agents_run_where_the_user_says() {
    let scheduling =
        json!({"nodeSelector": {"a": "b"}, "tolerations": [], "priorityClassName": "high"});
    let agent = agent(
        json!({"advanced": {"scheduling": scheduling}}),
        &kubernetes(),
    );
    let pod = &agent["spec"]["template"]["spec"];
    assert_eq!(pod["nodeSelector"], json!({"a": "b"}));
    assert_eq!(pod["tolerations"], json!([]));
    assert_eq!(pod["priorityClassName"], "high");
}
