//! Connections made of flows, where they are asked for.

use serde_json::{Value, json};

use super::graph::Graph;
use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::apis::flowcollector::v1beta2::processor::LogTypes;
use crate::desired::Context;

pub fn add(context: &Context, graph: &mut Graph) {
    let effective = &context.effective;
    let record_types: &[&str] = match effective.processor.log_types {
        None | Some(LogTypes::Flows) => return,
        Some(LogTypes::Conversations) => &["newConnection", "heartbeat", "endConnection"],
        Some(LogTypes::EndedConversations) => &["endConnection"],
        Some(LogTypes::All) => &["flowLog", "newConnection", "heartbeat", "endConnection"],
    };
    let advanced = effective.processor.advanced.clone().unwrap_or_default();
    let parameters = json!({
        "keyDefinition": {
            "fieldGroups": [
                {"name": "src", "fields": ["SrcAddr", "SrcPort"]},
                {"name": "dst", "fields": ["DstAddr", "DstPort"]},
                {"name": "common", "fields": ["Proto"]},
            ],
            "hash": {"fieldGroupRefs": ["common"], "fieldGroupARef": "src", "fieldGroupBRef": "dst"},
        },
        "tcpFlags": {"fieldName": "Flags", "detectEndConnection": true, "swapAB": true},
        "scheduling": [{
            "heartbeatInterval": advanced.conversation_heartbeat_interval,
            "endConnectionTimeout": advanced.conversation_end_timeout,
            "terminatingTimeout": advanced.conversation_terminating_timeout,
        }],
        "outputRecordTypes": record_types,
        "outputFields": output_fields(context),
    });
    graph.add("extract_conntrack", "extract", "conntrack", parameters);
}

/// How the flows of one connection become its fields.
fn output_fields(context: &Context) -> Vec<Value> {
    let effective = &context.effective;
    let sum = |name: &str| json!({"name": name, "operation": "sum"});
    let by_side = |name: &str| json!({"name": name, "operation": "sum", "splitAB": true});
    let last = |name: &str| json!({"name": name, "operation": "last"});
    let reported =
        |name: &str, by: &str| json!({"name": name, "operation": by, "reportMissing": true});
    let mut fields = vec![
        sum("Bytes"),
        by_side("Bytes"),
        sum("Packets"),
        by_side("Packets"),
        json!({"name": "numFlowLogs", "operation": "count"}),
        reported("TimeFlowStartMs", "min"),
        reported("TimeFlowEndMs", "max"),
        reported("FlowDirection", "first"),
        reported("IfDirection", "first"),
        reported("AgentIP", "first"),
    ];
    if effective.has_packet_drop() {
        fields.extend([
            sum("PktDropBytes"),
            by_side("PktDropBytes"),
            sum("PktDropPackets"),
            by_side("PktDropPackets"),
            last("PktDropLatestState"),
            last("PktDropLatestDropCause"),
        ]);
    }
    if effective.has_feature(Feature::DnsTracking) {
        fields.push(last("DnsFlagsResponseCode"));
        fields.push(json!({"name": "DnsLatencyMs", "operation": "max"}));
    }
    if effective.has_feature(Feature::NetworkEvents) {
        fields.push(last("NetworkEvents"));
    }
    if effective.has_feature(Feature::FlowRtt) {
        fields.push(
            json!({"name": "MaxTimeFlowRttNs", "operation": "max", "input": "TimeFlowRttNs"}),
        );
    }
    fields
}
