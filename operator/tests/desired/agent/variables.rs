//! Variables of the agents, and that each is one of the agent's contract.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{AGENT, agent, agent_of, value};
use crate::support::{PRIVILEGED, environment, kubernetes, openshift, volumes};

#[test]
fn an_empty_specification_gives_the_defaults_in_the_order_of_netobserv() {
    let agent = agent_of(json!({}), &kubernetes());
    assert_eq!(
        environment(&agent),
        [
            "CACHE_ACTIVE_TIMEOUT=15s",
            "CACHE_MAX_FLOWS=120000",
            "LOG_LEVEL=info",
            "EXCLUDE_INTERFACES=lo",
            "SAMPLING=50",
            "GOMEMLIMIT=754974720",
            "METRICS_ENABLE=true",
            "METRICS_SERVER_PORT=9400",
            "METRICS_PREFIX=netobserv_agent_",
            "AGENT_IP=<status.hostIP>",
            "DNS_TRACKING_PORT=53",
            "NETWORK_EVENTS_MONITORING_GROUP_ID=10",
            "PREFERRED_INTERFACE_FOR_MAC_PREFIX=0a:58=eth0",
            "TC_ATTACH_MODE=tcx",
            "EXPORT=grpc",
            "TARGET_TLS_CA_CERT_PATH=/var/netobserv-ca/service-ca.crt",
            "TARGET_HOST=flowlogs-pipeline.netobserv.svc.cluster.local.",
            "TARGET_PORT=2055",
            "GRPC_RECONNECT_TIMER=5m",
            "GRPC_RECONNECT_TIMER_RANDOMIZATION=30s",
        ]
    );
    assert_eq!(
        volumes(&agent),
        ["netobserv-ca ConfigMap netobserv-ca -> /var/netobserv-ca"]
    );
    let pod = &agent["spec"]["template"]["spec"];
    assert_eq!(pod["hostNetwork"], true);
    assert_eq!(pod["dnsPolicy"], "ClusterFirstWithHostNet");
    assert_eq!(pod["tolerations"], json!([{"operator": "Exists"}]));
    assert_eq!(agent["metadata"]["namespace"], PRIVILEGED);
    assert_eq!(agent["metadata"]["labels"]["version"], "v1");
    let labels = &agent["spec"]["template"]["metadata"]["labels"];
    assert_eq!(
        *labels,
        json!({"app": AGENT, "part-of": "netobserv-operator"})
    );
}

#[test]
fn features_turn_variables_on() {
    for (feature, name) in [
        ("FlowRTT", "ENABLE_RTT"),
        ("DNSTracking", "ENABLE_DNS_TRACKING"),
        ("EbpfManager", "EBPF_PROGRAM_MANAGER_MODE"),
        ("NetworkEvents", "ENABLE_NETWORK_EVENTS_MONITORING"),
        ("UDNMapping", "ENABLE_UDN_MAPPING"),
        ("PacketTranslation", "ENABLE_PKT_TRANSLATION"),
        ("IPSec", "ENABLE_IPSEC_TRACKING"),
        ("TLSTracking", "ENABLE_TLS_TRACKING"),
    ] {
        let agent = agent(json!({"features": [feature]}), &kubernetes());
        assert_eq!(value(&agent, name).as_deref(), Some("true"), "{feature}");
    }
    let drops = "ENABLE_PKT_DROPS";
    for (ebpf, name, expected) in [
        (json!({}), "ENABLE_RTT", None),
        (json!({"features": ["PacketDrop"]}), drops, None),
        (
            json!({"features": ["PacketDrop"], "privileged": true}),
            drops,
            Some("true"),
        ),
        (
            json!({"features": ["PacketDrop", "EbpfManager"]}),
            drops,
            Some("true"),
        ),
        (json!({"sampling": 0}), "SAMPLING", None),
        (
            json!({"interfaces": ["eth0", "/br-/"]}),
            "INTERFACES",
            Some("eth0,/br-/"),
        ),
        (
            json!({"metrics": {"enable": false}}),
            "METRICS_ENABLE",
            None,
        ),
        (
            json!({"metrics": {"server": {"port": 9999}}}),
            "METRICS_SERVER_PORT",
            Some("9999"),
        ),
        (
            json!({"resources": {"limits": {"memory": "1G"}}}),
            "GOMEMLIMIT",
            Some("900000000"),
        ),
        (
            json!({"resources": {"limits": {"memory": "400Mi"}}}),
            "GOMEMLIMIT",
            Some("377487360"),
        ),
        (json!({"resources": {}}), "GOMEMLIMIT", None),
    ] {
        let agent = agent(ebpf.clone(), &kubernetes());
        assert_eq!(value(&agent, name).as_deref(), expected, "{name} of {ebpf}");
    }
}

#[test]
fn programs_are_attached_as_the_kernel_of_the_platform_can() {
    for (facts, mode) in [
        (kubernetes(), "tcx"),
        (openshift("4.14.5"), "tc"),
        (openshift("4.16.0-rc.1"), "tcx"),
        (openshift("4.19.3"), "tcx"),
    ] {
        let agent = agent(json!({}), &facts);
        assert_eq!(
            value(&agent, "TC_ATTACH_MODE").as_deref(),
            Some(mode),
            "{:?}",
            facts.openshift_version
        );
    }
}

#[test]
fn a_variable_of_the_user_wins_and_is_there_once() {
    let env = json!({"ZED": "1", "ALPHA": "2", "SAMPLING": "7", "EXPORT": "none", "DNS_TRACKING_PORT": "5353"});
    let agent = agent(json!({"advanced": {"env": env}}), &kubernetes());
    for (name, expected) in [
        ("SAMPLING", "7"),
        ("EXPORT", "none"),
        ("DNS_TRACKING_PORT", "5353"),
    ] {
        assert_eq!(value(&agent, name).as_deref(), Some(expected), "{name}");
    }
    let all = environment(&agent);
    let start = all
        .iter()
        .position(|v| v.starts_with("TC_ATTACH_MODE"))
        .unwrap();
    assert_eq!(
        all[start + 1..start + 5],
        ["ALPHA=2", "EXPORT=none", "SAMPLING=7", "ZED=1"]
    );
}

#[test]
fn the_filter_is_written_as_the_agent_reads_it() {
    for (filter, expected) in [
        (json!({"enable": false, "cidr": "10.0.0.0/8"}), None),
        (
            json!({"enable": true, "rules": [
                {"cidr": "10.1.0.0/16", "action": "Reject", "destPorts": "8000-8010", "protocol": "TCP", "sampling": 4}
            ]}),
            Some(
                r#"[{"ip_cidr":"10.1.0.0/16","protocol":"TCP","destination_port_range":"8000-8010","action":"Reject","sample":4}]"#,
            ),
        ),
        (
            json!({"enable": true, "cidr": "::/0", "ports": 80, "direction": "Egress", "pktDrops": true}),
            Some(r#"[{"direction":"Egress","ip_cidr":"::/0","port":80,"drops":true}]"#),
        ),
        (
            json!({"enable": true, "rules": [
                {"sourcePorts": "80,443", "peerCIDR": "10.0.0.0/8", "peerIP": "10.0.0.1", "tcpFlags": "SYN-ACK"},
                {"destPorts": "8080", "protocol": "ICMP", "icmpType": 8, "icmpCode": 0}
            ]}),
            Some(
                r#"[{"source_ports":"80,443","peer_ip":"10.0.0.1","tcp_flags":"SYN-ACK","peer_cidr":"10.0.0.0/8"},{"protocol":"ICMP","destination_port":8080,"icmp_type":8}]"#,
            ),
        ),
    ] {
        let agent = agent(json!({"flowFilter": filter}), &kubernetes());
        assert_eq!(
            value(&agent, "FLOW_FILTER_RULES").as_deref(),
            expected,
            "{filter}"
        );
    }
}

/// Variables that NetObserv's agent reads and ours does not know. This list may only shrink.
const UNKNOWN: [&str; 1] = ["GOMEMLIMIT"];

#[test]
fn every_variable_is_one_of_the_agents_contract() {
    let contract = include_str!("../../../contracts/vendored/ebpf-agent/environment.json");
    let contract: Vec<Value> = serde_json::from_str(contract).unwrap();
    let types: BTreeMap<_, _> = contract
        .iter()
        .map(|v| (v["name"].as_str().unwrap(), v["type"].as_str().unwrap()))
        .collect();
    let features = json!([
        "PacketDrop",
        "DNSTracking",
        "FlowRTT",
        "NetworkEvents",
        "PacketTranslation",
        "EbpfManager",
        "UDNMapping",
        "IPSec",
        "TLSTracking"
    ]);
    let ebpf = json!({"features": features, "privileged": true, "interfaces": ["eth0"],
        "flowFilter": {"enable": true, "cidr": "::/0"},
        "metrics": {"server": {"tls": {"type": "Auto"}}}});
    let file = |name| json!({"type": "secret", "name": name, "file": "f"});
    let certificate = json!({"type": "secret", "name": "c", "certFile": "f", "certKey": "k"});
    let kafka = json!({"address": "k:9093", "topic": "t",
        "tls": {"enable": true, "caCert": certificate, "userCert": certificate},
        "sasl": {"type": "Plain", "clientIDReference": file("a"), "clientSecretReference": file("b")}});
    let mut unknown = Vec::new();
    for model in ["Direct", "Service", "Kafka"] {
        let spec = json!({"agent": {"ebpf": ebpf}, "deploymentModel": model, "kafka": kafka,
            "processor": {"service": {"tlsType": "Auto-mTLS"}}});
        for variable in environment(&agent_of(spec, &kubernetes())) {
            let (name, value) = variable.split_once('=').unwrap();
            let Some(kind) = types.get(name) else {
                unknown.push(name.to_owned());
                continue;
            };
            let fits = match *kind {
                "bool" => ["true", "false"].contains(&value),
                "int" => value.parse::<i64>().is_ok(),
                "uint16" => value.parse::<u16>().is_ok(),
                "duration" => value.ends_with(['s', 'm', 'h']),
                _ => !value.is_empty(),
            };
            assert!(fits, "{variable} is no {kind}");
        }
    }
    unknown.sort();
    unknown.dedup();
    assert_eq!(unknown, UNKNOWN, "variables the agent does not know");
}
