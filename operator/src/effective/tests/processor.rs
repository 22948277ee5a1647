//! The processor.

use serde_json::json;

use super::{agent, check, processor};
use crate::apis::flowcollector::v1beta2::processor::NetworkIndex;
use crate::effective::Effective;

#[test]
fn processing() {
    check(
        Effective::tracks_conversations,
        vec![
            (json!({}), false),
            (processor(json!({ "logTypes": "All" })), true),
        ],
    );
    check(
        |e| (e.detects_subnets(), e.has_subnet_labels()),
        vec![
            (json!({}), (true, true)),
            (
                processor(json!({ "subnetLabels": { "openShiftAutoDetect": false } })),
                (false, false),
            ),
            (
                processor(
                    json!({ "subnetLabels": { "openShiftAutoDetect": false, "customLabels": [{ "name": "a", "cidrs": [] }] } }),
                ),
                (false, true),
            ),
        ],
    );
    check(
        Effective::secondary_indexes,
        vec![
            (json!({}), vec![]),
            (
                agent(json!({ "privileged": true })),
                vec![
                    vec![NetworkIndex::Interface, NetworkIndex::Ip],
                    vec![NetworkIndex::Interface, NetworkIndex::Mac],
                ],
            ),
            (
                processor(json!({ "advanced": { "secondaryNetworks": [{ "index": ["MAC"] }] } })),
                vec![vec![NetworkIndex::Mac]],
            ),
        ],
    );
    check(
        Effective::processor_replicas,
        vec![
            (json!({}), Some(3)),
            (
                processor(json!({ "consumerReplicas": 0, "kafkaConsumerReplicas": 5 })),
                Some(0),
            ),
            (processor(json!({ "kafkaConsumerReplicas": 5 })), Some(5)),
            (processor(json!({ "unmanagedReplicas": true })), None),
            (
                processor(json!({ "kafkaConsumerAutoscaler": { "status": "Enabled" } })),
                None,
            ),
            (processor(json!({ "kafkaConsumerAutoscaler": {} })), Some(3)),
        ],
    );
    check(
        |e| {
            (
                e.processor_port(),
                e.processor_health_port(),
                e.processor_profile_port(),
                e.processor_metrics_port(),
            )
        },
        vec![
            (json!({}), (2055, 8080, None, 9401)),
            (
                processor(
                    json!({ "advanced": { "port": 3000, "healthPort": 81, "profilePort": 6060 }, "metrics": { "server": { "port": 9500 } } }),
                ),
                (3000, 81, Some(6060), 9500),
            ),
            (
                processor(json!({ "advanced": { "profilePort": 0 } })),
                (2055, 8080, None, 9401),
            ),
        ],
    );
    check(
        |e| (e.has_processor_probes(), e.has_slices()),
        vec![
            (json!({}), (true, false)),
            (
                processor(
                    json!({ "advanced": { "enableKubeProbes": false }, "slicesConfig": { "enable": true } }),
                ),
                (false, true),
            ),
        ],
    );
}
