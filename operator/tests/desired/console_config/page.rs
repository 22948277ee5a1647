//! What the page is told of features, recorded series and levels.

use serde_json::{Value, json};

use super::{check, config, parsed, with_modes};
use crate::support::{self, kubernetes};

#[test]
fn the_page_is_told_what_is_on() {
    let every = [
        "PacketDrop",
        "DNSTracking",
        "FlowRTT",
        "NetworkEvents",
        "PacketTranslation",
        "UDNMapping",
        "IPSec",
        "TLSTracking",
    ];
    for (spec, pointer, expected) in [
        (json!({}), "/frontend/features", json!(["subnetLabels"])),
        (
            json!({"agent": {"ebpf": {"privileged": true, "features": every}},
                "processor": {"addZone": true, "multiClusterDeployment": true}}),
            "/frontend/features",
            json!([
                "pktDrop",
                "dnsTracking",
                "flowRTT",
                "networkEvents",
                "packetTranslation",
                "udnMapping",
                "multiNetworks",
                "ipsec",
                "tlsTracking",
                "multiCluster",
                "zones",
                "subnetLabels"
            ]),
        ),
        // Drops need rights; events tell of drops too; secondary networks are looked at by privileged agents.
        (
            json!({"agent": {"ebpf": {"features": ["PacketDrop"]}},
                "processor": {"subnetLabels": {"openShiftAutoDetect": false}}}),
            "/frontend/features",
            json!([]),
        ),
        (
            json!({"agent": {"ebpf": {"privileged": true, "features": ["NetworkEvents"]}},
                "processor": {"subnetLabels": {"openShiftAutoDetect": false}}}),
            "/frontend/features",
            json!(["pktDrop", "networkEvents", "multiNetworks"]),
        ),
        (json!({}), "/frontend/recordTypes", json!(["flowLog"])),
        (
            json!({"processor": {"logTypes": "Conversations"}}),
            "/frontend/recordTypes",
            json!(["newConnection", "heartbeat", "endConnection"]),
        ),
        (
            json!({"processor": {"logTypes": "EndedConversations"}}),
            "/frontend/recordTypes",
            json!(["endConnection"]),
        ),
        (json!({}), "/frontend/sampling", json!(50)),
        (json!({}), "/frontend/alertNamespaces", json!(["netobserv"])),
        (json!({}), "/frontend/portNaming", json!({"enable": true})),
        (
            json!({"consolePlugin": {"portNaming": {"portNames": {"3100": "loki"}}}}),
            "/frontend/portNaming",
            json!({"enable": true, "portNames": {"3100": "loki"}}),
        ),
        (
            json!({}),
            "/frontend/quickFilters/4",
            json!({"name": "External ingress", "filter": {"src_subnet_label": "\"\",EXT:"}}),
        ),
    ] {
        check(spec, kubernetes(), pointer, expected);
    }
}

#[test]
fn recorded_series_are_explained_and_what_users_say_of_them_wins() {
    let spec = json!({"agent": {"ebpf": {"privileged": true, "features": ["PacketDrop"]}},
        "processor": {"metrics": {"includeList": ["node_drop_packets_total", "node_ingress_packets_total"]}}});
    let ours = "netobserv:health:packet_drops_kernel:node:src:rate2m";
    let said = |name: &str| {
        let words = [("summary".to_owned(), "mine".to_owned())];
        (name.to_owned(), words.into())
    };
    let config = config(&spec);
    let told = &config["frontend"]["recordingAnnotations"][ours];
    assert!(told["netobserv_io_network_health"].is_string(), "{told}");
    let beside = support::Beside {
        recordings: [said(ours), said("theirs")].into(),
        ..support::Beside::default()
    };
    let config = parsed(&support::desired_with(&spec, &kubernetes(), &beside));
    let told = &config["frontend"]["recordingAnnotations"];
    for name in [ours, "theirs"] {
        assert_eq!(told[name], json!({"summary": "mine"}), "{name}");
    }
}

#[test]
fn users_fill_the_configuration_only_so_far_and_start_no_store_anew() {
    let text = |length: usize| [("summary".to_owned(), "x".repeat(length))].into();
    let beside = support::Beside {
        recordings: [
            ("a".to_owned(), text(40 << 10)),
            ("b".to_owned(), text(40 << 10)),
            ("c".to_owned(), text(20 << 10)),
            ("d".to_owned(), text(100 << 10)),
        ]
        .into(),
        ..support::Beside::default()
    };
    let with_store = json!({"loki": {"mode": "Embedded"}});
    for (spec, told, note) in [
        (
            json!({}),
            vec!["a", "c"],
            Some("2 recorded series are not explained to the console"),
        ),
        (
            json!({"prometheus": {"querier": {"mode": "Auto", "enable": false}}}),
            vec![],
            None,
        ),
        (with_store.clone(), vec![], None),
    ] {
        let desired = support::desired_with(&spec, &kubernetes(), &beside);
        let config = parsed(&desired);
        let recordings = config["frontend"]["recordingAnnotations"].as_object();
        let names: Vec<&str> = recordings
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .filter(|name| beside.recordings.contains_key(*name))
            .collect();
        assert_eq!(names, told, "{spec}");
        let notes = desired.notes.join("; ");
        let is_noted = notes.contains("recorded series are not explained");
        assert_eq!(is_noted, note.is_some(), "{spec}: {notes}");
        assert!(note.is_none_or(|note| notes.contains(note)), "{notes}");
    }
    let of = |beside: &support::Beside| {
        let desired = support::desired_with(&with_store, &kubernetes(), beside);
        support::find(&desired, "Deployment", "netobserv-plugin")
    };
    assert!(of(&beside).is_some());
    assert_eq!(of(&beside), of(&support::Beside::default()));
}

/// Levels of aggregation with their groups.
fn scopes(spec: &Value) -> Value {
    let config = config(spec);
    let scopes = config["frontend"]["scopes"].as_array().unwrap().iter();
    scopes
        .map(|scope| {
            json!([
                scope["id"],
                scope.get("groups").cloned().unwrap_or(json!([]))
            ])
        })
        .collect()
}

#[test]
fn without_flows_a_level_needs_a_metric_with_its_labels() {
    for (includes, features, expected) in [
        (
            json!(["node_egress_bytes_total", "namespace_egress_bytes_total"]),
            json!(["UDNMapping"]),
            json!([["zone", []], ["host", ["zones"]], ["namespace", ["zones"]]]),
        ),
        (
            json!(["workload_ingress_packets_total"]),
            json!(["UDNMapping"]),
            json!([
                ["network", []],
                ["zone", []],
                ["namespace", ["zones", "networks", "networks+zones"]],
                [
                    "owner",
                    [
                        "zones",
                        "zones+namespaces",
                        "namespaces",
                        "networks",
                        "networks+zones",
                        "networks+namespaces"
                    ]
                ]
            ]),
        ),
        // Neither counts bytes nor packets.
        (json!(["workload_flows_total"]), json!([]), json!([])),
    ] {
        let spec = json!({"loki": {"enable": false}, "agent": {"ebpf": {"features": features}},
            "processor": {"addZone": true, "metrics": {"includeList": includes}}});
        assert_eq!(scopes(&spec), expected, "{spec}");
    }
    let notes = |spec: Value| support::desired(&with_modes(&spec), &kubernetes()).notes;
    assert_eq!(notes(json!({})), Vec::<String>::new());
    let blind = json!({"loki": {"enable": false},
        "processor": {"addZone": true, "metrics": {"includeList": ["namespace_egress_bytes_total"]}}});
    let told = notes(blind);
    assert_eq!(told.len(), 2, "{told:?}");
    for (note, part) in told.iter().zip([
        "cannot show hosts, as no metric that is made has their labels: one of these would do: netobserv_node_egress_bytes_total,",
        "cannot show owners, as no metric that is made has their labels: one of these would do: netobserv_workload_egress_bytes_total,",
    ]) {
        assert!(note.contains(part), "{note}");
    }
    let ids = |spec: Value| -> Vec<String> {
        let scopes = scopes(&spec);
        let ids = scopes.as_array().unwrap().iter();
        ids.map(|scope| scope[0].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(json!({})), ["host", "namespace", "owner", "resource"]);
    let embedded = json!({"loki": {"mode": "Embedded"}});
    assert_eq!(ids(embedded), ["host", "namespace", "owner", "resource"]);
}
