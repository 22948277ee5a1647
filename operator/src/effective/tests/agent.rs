//! Agents, and where pods run.

use serde_json::json;

use super::{agent, check, processor};
use crate::apis::flowcollector::v1beta2::shared::Scheduling;
use crate::effective::Effective;

#[test]
fn agents() {
    check(
        Effective::sampling,
        vec![(json!({}), 50), (agent(json!({ "sampling": 0 })), 0)],
    );
    check(
        Effective::has_packet_drop,
        vec![
            (json!({}), false),
            (agent(json!({ "features": ["PacketDrop"] })), false),
            (
                agent(json!({ "features": ["PacketDrop"], "privileged": true })),
                true,
            ),
            (
                agent(json!({ "features": ["PacketDrop", "EbpfManager"] })),
                true,
            ),
            (
                agent(json!({ "features": ["EbpfManager"], "privileged": true })),
                false,
            ),
        ],
    );
    check(
        |e| (e.has_agent_metrics(), e.agent_metrics_port()),
        vec![
            (json!({}), (true, 9400)),
            (
                agent(json!({ "metrics": { "enable": false } })),
                (false, 9400),
            ),
            (
                agent(json!({ "metrics": { "server": { "port": 9500 } } })),
                (true, 9500),
            ),
        ],
    );
    let cidrs = |e: &Effective| -> Vec<_> {
        let rules = e.flow_filter_rules();
        rules
            .into_iter()
            .map(|rule| rule.cidr.unwrap_or_default())
            .collect()
    };
    check(
        cidrs,
        vec![
            (json!({}), vec![]),
            (
                agent(json!({ "flowFilter": { "cidr": "10.0.0.0/8" } })),
                vec![],
            ),
            (
                agent(json!({ "flowFilter": { "enable": true, "cidr": "10.0.0.0/8" } })),
                vec!["10.0.0.0/8".to_owned()],
            ),
            (
                agent(
                    json!({ "flowFilter": { "enable": true, "cidr": "10.0.0.0/8", "rules": [{ "cidr": "::/0" }] } }),
                ),
                vec!["::/0".to_owned()],
            ),
        ],
    );
    check(
        Effective::has_filters_sampling,
        vec![
            (json!({}), false),
            (
                agent(json!({ "flowFilter": { "rules": [{ "sampling": 1 }] } })),
                false,
            ),
            (
                agent(json!({ "flowFilter": { "rules": [{ "sampling": 2 }] } })),
                true,
            ),
            (processor(json!({ "filters": [{ "sampling": 2 }] })), true),
            (processor(json!({ "filters": [{ "query": "a=1" }] })), false),
        ],
    );
}

#[test]
fn placement() {
    let tolerates = |scheduling: Scheduling| scheduling.tolerations.map(|t| t.len());
    check(
        |e| {
            (
                tolerates(e.agent_scheduling()),
                tolerates(e.processor_scheduling()),
                tolerates(e.console_scheduling()),
            )
        },
        vec![
            (json!({}), (Some(1), None, None)),
            (
                json!({ "deploymentModel": "Direct" }),
                (Some(1), Some(1), None),
            ),
            (
                agent(json!({ "advanced": { "scheduling": { "tolerations": [] } } })),
                (Some(0), None, None),
            ),
            (
                agent(json!({ "advanced": { "scheduling": { "nodeSelector": { "a": "b" } } } })),
                (Some(1), None, None),
            ),
        ],
    );
    check(
        |e| e.agent_scheduling().priority_class_name,
        vec![
            (
                agent(json!({ "advanced": { "scheduling": { "priorityClassName": "" } } })),
                None,
            ),
            (
                agent(json!({ "advanced": { "scheduling": { "priorityClassName": "high" } } })),
                Some("high".to_owned()),
            ),
        ],
    );
}
