//! Connections made of flows, where they are asked for.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::graph::Graph;
use super::stage::Settings;
use crate::apis::duration::GoDuration;
use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::desired::Context;

/// Settings of the stage.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connections {
    key_definition: KeyDefinition,
    output_record_types: &'static [&'static str],
    output_fields: Vec<OutputField>,
    scheduling: [Scheduling; 1],
    tcp_flags: TcpFlags,
}

/// Which flows belong to one connection.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyDefinition {
    field_groups: [FieldGroup; 3],
    hash: Hash,
}

#[derive(Debug, Serialize)]
struct FieldGroup {
    name: &'static str,
    fields: &'static [&'static str],
}

#[derive(Debug, Serialize)]
struct Hash {
    #[serde(rename = "fieldGroupRefs")]
    common: [&'static str; 1],
    #[serde(rename = "fieldGroupARef")]
    a: &'static str,
    #[serde(rename = "fieldGroupBRef")]
    b: &'static str,
}

/// How the flows of one connection become one of its fields.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputField {
    name: &'static str,
    operation: &'static str,
    #[serde(rename = "splitAB")]
    split_ab: Option<bool>,
    input: Option<&'static str>,
    report_missing: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Scheduling {
    end_connection_timeout: Option<GoDuration>,
    terminating_timeout: Option<GoDuration>,
    heartbeat_interval: Option<GoDuration>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TcpFlags {
    field_name: &'static str,
    detect_end_connection: bool,
    #[serde(rename = "swapAB")]
    swap_ab: bool,
}

pub fn add(context: &Context, graph: &mut Graph) {
    let effective = context.effective;
    if !effective.tracks_conversations() {
        return;
    }
    let advanced = effective.processor.advanced.clone().unwrap_or_default();
    let group = |name, fields| FieldGroup { name, fields };
    let connections = Connections {
        key_definition: KeyDefinition {
            field_groups: [
                group("src", &["SrcAddr", "SrcPort"]),
                group("dst", &["DstAddr", "DstPort"]),
                group("common", &["Proto"]),
            ],
            hash: Hash {
                common: ["common"],
                a: "src",
                b: "dst",
            },
        },
        output_record_types: effective.record_types(),
        output_fields: output_fields(context),
        scheduling: [Scheduling {
            end_connection_timeout: advanced.conversation_end_timeout,
            terminating_timeout: advanced.conversation_terminating_timeout,
            heartbeat_interval: advanced.conversation_heartbeat_interval,
        }],
        tcp_flags: TcpFlags {
            field_name: "Flags",
            detect_end_connection: true,
            swap_ab: true,
        },
    };
    graph.add(
        "extract_conntrack",
        Settings::ExtractConnections(connections),
    );
}

fn output_fields(context: &Context) -> Vec<OutputField> {
    let effective = context.effective;
    let field = |name, operation| OutputField {
        name,
        operation,
        ..OutputField::default()
    };
    let sum = |name| field(name, "sum");
    let by_side = |name| OutputField {
        split_ab: Some(true),
        ..sum(name)
    };
    let last = |name| field(name, "last");
    let reported = |name, operation| OutputField {
        report_missing: Some(true),
        ..field(name, operation)
    };
    let mut fields = vec![
        sum("Bytes"),
        by_side("Bytes"),
        sum("Packets"),
        by_side("Packets"),
        field("numFlowLogs", "count"),
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
        fields.extend([last("DnsFlagsResponseCode"), field("DnsLatencyMs", "max")]);
    }
    if effective.has_feature(Feature::NetworkEvents) {
        fields.push(last("NetworkEvents"));
    }
    if effective.has_feature(Feature::FlowRtt) {
        fields.push(OutputField {
            input: Some("TimeFlowRttNs"),
            ..field("MaxTimeFlowRttNs", "max")
        });
    }
    fields
}
