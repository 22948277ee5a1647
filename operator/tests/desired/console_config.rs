//! The configuration the console gets: tables, worked examples of the specification, and our console's own schema.

use std::collections::BTreeSet;

use crate::support::{self, console_plugins, described, find, kubernetes};
use netobserv_operator::cluster::Facts;
use netobserv_operator::desired::{Desired, LokiStack};
use serde_json::{Value, json};

/// The rows that NetObserv's console shows, in files of its own: words beside them may change, these may not.
const TABLES: &str = include_str!("../data/console_frontend.txt");

fn parsed(desired: &Desired) -> Value {
    let config_map = find(desired, "ConfigMap", "console-plugin-config").unwrap();
    serde_saphyr::from_str(config_map["data"]["config.yaml"].as_str().unwrap()).unwrap()
}

fn config_on(spec: &Value, facts: &Facts) -> Value {
    parsed(&support::desired(&with_modes(spec), facts))
}

/// The modes that the API server fills in.
fn with_modes(spec: &Value) -> Value {
    let mut spec = spec.clone();
    for (pointer, mode) in [("/loki", "Monolithic"), ("/prometheus/querier", "Auto")] {
        if let Some(section) = spec.pointer_mut(pointer) {
            let section = section.as_object_mut().unwrap();
            section.entry("mode").or_insert_with(|| mode.into());
        }
    }
    spec
}

fn config(spec: &Value) -> Value {
    config_on(spec, &kubernetes())
}

/// One value by its pointer, null where there is none.
fn check(spec: Value, facts: Facts, pointer: &str, expected: Value) {
    let config = config_on(&spec, &facts);
    let found = config.pointer(pointer).cloned().unwrap_or(Value::Null);
    assert_eq!(found, expected, "{pointer} of {spec}");
}

#[test]
fn the_server_is_plain_on_its_own_and_secure_in_openshifts_console() {
    for (spec, facts, expected) in [
        (
            json!({}),
            kubernetes(),
            json!({"port": 9001, "authCheck": "none"}),
        ),
        (
            json!({"consolePlugin": {"advanced": {"port": 9443}}}),
            console_plugins("4.19.3"),
            json!({"port": 9443, "certPath": "/var/serving-cert/tls.crt",
                "keyPath": "/var/serving-cert/tls.key", "authCheck": "auto"}),
        ),
        (
            json!({"consolePlugin": {"standalone": true}}),
            console_plugins("4.19.3"),
            json!({"port": 9001, "authCheck": "none"}),
        ),
        (
            json!({"loki": {"mode": "Embedded", "readTimeout": "45s"}}),
            kubernetes(),
            json!({"port": 9001, "authCheck": "none", "queryTimeout": "45s"}),
        ),
    ] {
        check(spec, facts, "/server", expected);
    }
}

const LABELS: [&str; 8] = [
    "SrcK8S_Namespace",
    "SrcK8S_OwnerName",
    "SrcK8S_Type",
    "DstK8S_Namespace",
    "DstK8S_OwnerName",
    "DstK8S_Type",
    "K8S_FlowLayer",
    "FlowDirection",
];

#[test]
fn each_mode_of_loki_says_where_flows_are_read() {
    let tls = json!({"enable": true, "caCert": {"type": "configmap", "name": "ca", "certFile": "ca.crt"}});
    for (loki, expected) in [
        (json!({"enable": false}), json!({"url": "", "labels": []})),
        (json!({"mode": "Embedded"}), Value::Null),
        (
            json!({}),
            json!({"url": "http://loki:3100/", "labels": LABELS, "timeout": "30s", "tenantID": "netobserv"}),
        ),
        (
            json!({"monolithic": {"installDemoLoki": true, "url": "http://ignored/"}}),
            json!({"url": "http://loki:3100/", "labels": LABELS, "timeout": "30s", "tenantID": "netobserv"}),
        ),
        (
            json!({"mode": "Microservices", "readTimeout": "5s",
                "microservices": {"querierUrl": "http://q/", "tenantID": "t", "tls": tls}}),
            json!({"url": "http://q/", "labels": LABELS, "timeout": "5s", "tenantID": "t",
                "caPath": "/var/loki-certs-ca/ca.crt", "statusCaPath": "/var/loki-status-certs-ca/ca.crt"}),
        ),
        (
            json!({"mode": "Manual", "manual": {"querierUrl": "http://q/", "statusUrl": "http://s/", "authToken": "Host",
                "tls": {"enable": true, "insecureSkipVerify": true},
                "statusTls": {"enable": true, "caCert": {"name": "ca", "certFile": "c"},
                    "userCert": {"name": "u", "certFile": "c", "certKey": "k"}}}}),
            json!({"url": "http://q/", "labels": LABELS, "timeout": "30s", "tenantID": "netobserv",
                "statusUrl": "http://s/", "tokenPath": "/var/run/secrets/tokens/netobserv-plugin", "skipTls": true,
                "statusCaPath": "/var/loki-status-certs-ca/c", "statusUserCertPath": "/var/loki-status-certs-user/c",
                "statusUserKeyPath": "/var/loki-status-certs-user/k"}),
        ),
        (
            json!({"mode": "LokiStack", "lokiStack": {"name": "ls", "namespace": "logs"}}),
            json!({"url": "https://ls-gateway-http.logs.svc.cluster.local.:8080/api/logs/v1/network/",
                "statusUrl": "https://ls-query-frontend-http.logs.svc.cluster.local.:3100/",
                "labels": LABELS, "timeout": "30s", "tenantID": "network", "forwardUserToken": true,
                "caPath": "/var/loki-certs-ca/service-ca.crt",
                "statusCaPath": "/var/loki-status-certs-ca/service-ca.crt",
                "statusUserCertPath": "/var/loki-status-certs-user/tls.crt",
                "statusUserKeyPath": "/var/loki-status-certs-user/tls.key"}),
        ),
    ] {
        check(json!({"loki": loki}), kubernetes(), "/loki", expected);
    }
}

#[test]
fn what_a_lokistack_says_replaces_the_question_to_it() {
    let spec = json!({"loki": {"mode": "LokiStack"}});
    let of = |status: Value| LokiStack::of("netobserv", "loki", &json!({"status": status}));
    let not_ready = json!({"conditions": [{"type": "Ready", "status": "False"}]});
    for (stack, status, is_asked) in [
        (of(json!({})), json!("ready"), false),
        (of(not_ready), json!("pending"), false),
        (LokiStack::without_api(), Value::Null, true),
        (
            LokiStack::unreadable("netobserv", "loki", "gone"),
            Value::Null,
            true,
        ),
    ] {
        let config = parsed(&support::desired_on(&spec, &kubernetes(), &stack));
        let found = config["loki"].get("status").cloned().unwrap_or_default();
        assert_eq!(found, status, "{stack:?}");
        assert_eq!(
            config["loki"].get("statusUrl").is_some(),
            is_asked,
            "{stack:?}"
        );
    }
}

#[test]
fn labels_follow_what_flows_carry() {
    for (spec, more) in [
        (json!({}), json!([])),
        (
            json!({"processor": {"logTypes": "All"}}),
            json!(["_RecordType"]),
        ),
        (
            json!({"processor": {"addZone": true, "multiClusterDeployment": true},
                "agent": {"ebpf": {"features": ["UDNMapping"]}}}),
            json!(["K8S_ClusterName", "SrcK8S_Zone", "DstK8S_Zone", "UdnId"]),
        ),
    ] {
        let mut expected = LABELS.to_vec();
        expected.extend(more.as_array().unwrap().iter().map(|l| l.as_str().unwrap()));
        check(spec, kubernetes(), "/loki/labels", json!(expected));
    }
    let excluded =
        json!({"loki": {"advanced": {"excludeLabels": ["K8S_FlowLayer", "FlowDirection"]}}});
    check(excluded, kubernetes(), "/loki/labels", json!(LABELS[..6]));
}

/// The block without its metrics.
fn prometheus(spec: &Value, facts: &Facts) -> Value {
    let mut block = config_on(spec, facts)["prometheus"].take();
    if let Some(block) = block.as_object_mut() {
        block.remove("metrics");
    }
    block
}

#[test]
fn prometheus_is_openshifts_own_or_the_one_that_is_named() {
    let token = "/var/run/secrets/tokens/netobserv-plugin";
    let manual = json!({"url": "https://p/", "forwardUserToken": true,
        "tls": {"enable": true, "caCert": {"type": "configmap", "name": "ca", "certFile": "c"}},
        "alertManager": {"url": "https://am/", "tls": {"enable": true, "insecureSkipVerify": true}}});
    for (querier, facts, expected) in [
        (json!({"enable": false}), kubernetes(), Value::Null),
        (
            json!({}),
            kubernetes(),
            json!({"url": "http://prometheus:9090", "timeout": "30s", "tokenPath": token}),
        ),
        (
            json!({"timeout": "5s"}),
            console_plugins("4.19.3"),
            json!({"url": "https://thanos-querier.openshift-monitoring.svc.cluster.local.:9091/",
                "devUrl": "https://thanos-querier.openshift-monitoring.svc.cluster.local.:9092/",
                "timeout": "5s", "tokenPath": token, "caPath": "/var/prom-certs-ca/service-ca.crt",
                "forwardUserToken": true}),
        ),
        (
            json!({"mode": "Manual", "manual": manual}),
            console_plugins("4.19.3"),
            json!({"url": "https://p/", "timeout": "30s", "tokenPath": token, "caPath": "/var/prom-certs-ca/c",
                "forwardUserToken": true, "alertManager": {"url": "https://am/", "skipTls": true}}),
        ),
        // Alerts are only asked for in the mode Manual, and need an address.
        (
            json!({"manual": manual}),
            kubernetes(),
            json!({"url": "https://p/", "timeout": "30s", "tokenPath": token, "caPath": "/var/prom-certs-ca/c",
                "forwardUserToken": true}),
        ),
        (
            json!({"mode": "Manual", "manual": {"url": "http://p/"}}),
            kubernetes(),
            json!({"url": "http://p/", "timeout": "30s", "tokenPath": token}),
        ),
    ] {
        let spec = json!({"prometheus": {"querier": querier}});
        assert_eq!(prometheus(&spec, &facts), expected, "{spec}");
    }
    let embedded = json!({"loki": {"mode": "Embedded"}});
    assert_eq!(prometheus(&embedded, &kubernetes()), Value::Null);
}

#[test]
fn each_predefined_metric_is_listed_and_says_whether_it_is_made() {
    let config =
        config(&json!({"processor": {"metrics": {"includeList": ["node_egress_bytes_total"]}}}));
    let metrics = config["prometheus"]["metrics"].as_array().unwrap();
    assert_eq!(metrics.len(), 37);
    let enabled: Vec<_> = metrics.iter().filter(|m| m["enabled"] == true).collect();
    assert_eq!(
        enabled,
        [
            &json!({"enabled": true, "name": "netobserv_node_egress_bytes_total", "type": "Counter",
            "valueField": "Bytes", "direction": "Egress", "labels": ["SrcK8S_HostName", "DstK8S_HostName"]})
        ]
    );
    let find = |name: &str| {
        let name = format!("netobserv_{name}");
        let metric = metrics
            .iter()
            .find(|metric| metric["name"] == name)
            .unwrap();
        [&metric["type"], &metric["valueField"], &metric["direction"]].map(|v| v.as_str().unwrap())
    };
    for (name, expected) in [
        (
            "namespace_ingress_packets_total",
            ["Counter", "Packets", "Ingress"],
        ),
        ("workload_sampling", ["Gauge", "Sampling", "Any"]),
        (
            "namespace_rtt_seconds",
            ["Histogram", "TimeFlowRttNs", "Any"],
        ),
        ("node_to_node_ingress_flows_total", ["Counter", "", "Any"]),
    ] {
        assert_eq!(find(name), expected, "{name}");
    }
}

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

/// The rows of a table, each as the line that the file of tables has.
fn lines(items: &Value, keys: &[&str]) -> Vec<String> {
    let text = |value: Option<&Value>, separator: &str| match value {
        None => String::new(),
        Some(Value::Array(items)) => {
            let items: Vec<_> = items.iter().map(|item| item.as_str().unwrap()).collect();
            items.join(separator)
        }
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let line = |item: &Value| {
        let cells = keys.iter().map(|key| {
            let separator = if *key == "fields" { "," } else { " " };
            text(item.get(*key), separator)
        });
        cells.collect::<Vec<_>>().join("|")
    };
    items.as_array().unwrap().iter().map(line).collect()
}

#[test]
fn every_row_of_netobservs_tables_is_there_and_no_other() {
    let config = config(&json!({"agent": {"ebpf": {"features": ["UDNMapping"]}},
        "processor": {"addZone": true, "multiClusterDeployment": true}}));
    let frontend = &config["frontend"];
    let mut found = vec![];
    for (table, keys) in [
        (
            "columns",
            "id|group|name|field|fields|calculated|filter|default|width|feature",
        ),
        (
            "filters",
            "id|name|component|category|autoCompleteAddsQuotes|placeholder|feature",
        ),
        (
            "scopes",
            "id|name|labels|feature|groups|filter|filters|stepInto",
        ),
        ("fields", "name|type|format"),
    ] {
        found.push(format!("[{table}]"));
        let keys: Vec<_> = keys.split('|').collect();
        found.extend(lines(&frontend[table], &keys));
    }
    let expected: Vec<_> = TABLES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| match line.split_once("] ") {
            Some((table, _)) if line.starts_with('[') => format!("{table}]"),
            _ => line.to_owned(),
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn what_the_page_shows_refers_only_to_what_there_is() {
    let config = config(&json!({}));
    let frontend = &config["frontend"];
    let texts = |table: &str, key: &str| -> BTreeSet<String> {
        let items = frontend[table].as_array().unwrap().iter();
        items
            .filter_map(|item| item[key].as_str().map(str::to_owned))
            .collect()
    };
    let fields = texts("fields", "name");
    let filters = texts("filters", "id");
    for field in texts("columns", "field") {
        assert!(fields.contains(&field), "no field {field}");
    }
    for filter in texts("columns", "filter") {
        assert!(
            filters.contains(&filter) || filter == "type",
            "no filter {filter}"
        );
    }
    for quick in frontend["quickFilters"].as_array().unwrap() {
        for filter in quick["filter"].as_object().unwrap().keys() {
            assert!(filters.contains(filter), "no filter {filter}");
        }
    }
    for field in frontend["fields"].as_array().unwrap() {
        assert!(field["description"].is_string(), "{field} is not explained");
    }
    let mut earlier: BTreeSet<&str> = BTreeSet::new();
    for column in frontend["columns"].as_array().unwrap() {
        let formula = column["calculated"].as_str().unwrap_or_default();
        for used in formula.split("column.").skip(1) {
            let end = used.find([',', ']', ')']).unwrap();
            assert!(
                earlier.contains(&used[..end]),
                "{formula} uses a later column"
            );
        }
        earlier.insert(column["id"].as_str().unwrap());
    }
}

/// Keys that our console does not read; the list may only shrink. Its schema has no property of the name `default`.
const UNKNOWN: [&str; 22] = [
    "frontend.columns.default",
    "frontend.quickFilters.default",
    "loki.caPath",
    "loki.forwardUserToken",
    "loki.labels",
    "loki.skipTls",
    "loki.status",
    "loki.statusCaPath",
    "loki.statusSkipTls",
    "loki.statusUrl",
    "loki.statusUserCertPath",
    "loki.statusUserKeyPath",
    "loki.tenantID",
    "loki.timeout",
    "loki.tokenPath",
    "prometheus.alertManager",
    "prometheus.caPath",
    "prometheus.forwardUserToken",
    "prometheus.metrics",
    "prometheus.skipTls",
    "prometheus.timeout",
    "prometheus.tokenPath",
];

#[test]
fn every_configuration_fits_our_consoles_schema() {
    let schema = include_str!("../../contracts/vendored/console-plugin/config.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut unknown = BTreeSet::new();
    let tls = json!({"enable": true, "caCert": {"name": "c", "certFile": "f"}});
    let skip = json!({"enable": true, "insecureSkipVerify": true});
    let metrics = json!({"server": {"tls": {"type": "Auto"}}});
    for (spec, facts) in [
        (json!({"loki": {"enable": false}}), kubernetes()),
        (json!({}), kubernetes()),
        (
            json!({"loki": {"mode": "LokiStack"}}),
            console_plugins("4.19.3"),
        ),
        (
            json!({"loki": {"mode": "Microservices", "microservices": {"tls": tls}}}),
            kubernetes(),
        ),
        (
            json!({"loki": {"mode": "Manual", "manual": {"authToken": "Host", "statusUrl": "http://s/", "tls": skip, "statusTls": skip}},
                "prometheus": {"querier": {"mode": "Manual", "manual": {"tls": skip, "alertManager": {"url": "http://a/"}}}}}),
            kubernetes(),
        ),
        (json!({"loki": {"mode": "Embedded"}}), kubernetes()),
        (
            json!({"loki": {"mode": "Embedded"}, "processor": {"metrics": metrics}, "agent": {"ebpf": {"metrics": metrics}},
                "consolePlugin": {"resources": {"limits": {"memory": "1Gi"}}}}),
            console_plugins("4.19.3"),
        ),
    ] {
        let stack = LokiStack::of("netobserv", "loki", &json!({}));
        let spec = with_modes(&spec);
        let desired = if spec["loki"]["mode"] == "LokiStack" {
            support::desired_on(&spec, &facts, &stack)
        } else {
            support::desired(&spec, &facts)
        };
        let config = parsed(&desired);
        let errors: Vec<_> = validator
            .iter_errors(&config)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{spec}: {errors:#?}");
        collect_unknown(&schema, &schema, &config, "", &mut unknown);
    }
    assert_eq!(unknown, BTreeSet::from(UNKNOWN.map(str::to_owned)));
}

/// Paths of the keys that a schema does not describe.
fn collect_unknown(
    root: &Value,
    schema: &Value,
    value: &Value,
    path: &str,
    unknown: &mut BTreeSet<String>,
) {
    let schema = described(root, schema);
    match value {
        Value::Array(items) => {
            for item in items {
                collect_unknown(root, &schema["items"], item, path, unknown);
            }
        }
        Value::Object(fields) if schema.get("properties").is_some() => {
            for (key, value) in fields {
                let path = format!("{path}.{key}").trim_start_matches('.').to_owned();
                match schema["properties"].get(key) {
                    Some(schema) => collect_unknown(root, schema, value, &path, unknown),
                    None => {
                        unknown.insert(path);
                    }
                }
            }
        }
        _ => {}
    }
}
