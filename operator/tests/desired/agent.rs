//! The agents of a specification: environment, volumes, rights, monitoring.

use std::collections::BTreeMap;

use crate::support::{
    self, NAMESPACE, PRIVILEGED, container, environment, facts, find, kubernetes, names, openshift,
    volumes,
};
use netobserv_operator::cluster::Facts;
use serde_json::{Value, json};

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
    for (ebpf, name, expected) in [
        (json!({"features": ["FlowRTT"]}), "ENABLE_RTT", Some("true")),
        (json!({}), "ENABLE_RTT", None),
        (
            json!({"features": ["DNSTracking"]}),
            "ENABLE_DNS_TRACKING",
            Some("true"),
        ),
        (
            json!({"features": ["PacketDrop"]}),
            "ENABLE_PKT_DROPS",
            None,
        ),
        (
            json!({"features": ["PacketDrop"], "privileged": true}),
            "ENABLE_PKT_DROPS",
            Some("true"),
        ),
        (
            json!({"features": ["PacketDrop", "EbpfManager"]}),
            "ENABLE_PKT_DROPS",
            Some("true"),
        ),
        (
            json!({"features": ["EbpfManager"]}),
            "EBPF_PROGRAM_MANAGER_MODE",
            Some("true"),
        ),
        (
            json!({"features": ["NetworkEvents"]}),
            "ENABLE_NETWORK_EVENTS_MONITORING",
            Some("true"),
        ),
        (
            json!({"features": ["UDNMapping"]}),
            "ENABLE_UDN_MAPPING",
            Some("true"),
        ),
        (
            json!({"features": ["PacketTranslation"]}),
            "ENABLE_PKT_TRANSLATION",
            Some("true"),
        ),
        (
            json!({"features": ["IPSec"]}),
            "ENABLE_IPSEC_TRACKING",
            Some("true"),
        ),
        (
            json!({"features": ["TLSTracking"]}),
            "ENABLE_TLS_TRACKING",
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

/// Variables from `EXPORT` on, and volumes.
fn check_export(spec: Value, variables: &[&str], mounted: &[&str]) {
    let agent = agent_of(spec.clone(), &kubernetes());
    let all = environment(&agent);
    let start = all.iter().position(|v| v.starts_with("EXPORT=")).unwrap();
    assert_eq!(all[start..], *variables, "{spec}");
    assert_eq!(volumes(&agent), *mounted, "{spec}");
}

#[test]
fn flows_go_where_the_deployment_model_says() {
    let host = format!("TARGET_HOST=flowlogs-pipeline.{NAMESPACE}.svc.cluster.local.");
    let service = [
        host.as_str(),
        "TARGET_PORT=2055",
        "GRPC_RECONNECT_TIMER=5m",
        "GRPC_RECONNECT_TIMER_RANDOMIZATION=30s",
    ];
    check_export(
        json!({"deploymentModel": "Direct", "processor": {"advanced": {"port": 3055}}}),
        &[
            "EXPORT=grpc",
            "TARGET_HOST=<status.hostIP>",
            "TARGET_PORT=3055",
        ],
        &[],
    );
    let mut plain = vec!["EXPORT=grpc"];
    plain.extend(service);
    check_export(
        json!({"processor": {"service": {"tlsType": "Disabled"}}}),
        &plain,
        &[],
    );
    let mut mutual = vec![
        "EXPORT=grpc",
        "TARGET_TLS_CA_CERT_PATH=/var/netobserv-ca/service-ca.crt",
        "TARGET_TLS_USER_CERT_PATH=/var/client-certs/tls.crt",
        "TARGET_TLS_USER_KEY_PATH=/var/client-certs/tls.key",
    ];
    mutual.extend(service);
    check_export(
        json!({"processor": {"service": {"tlsType": "Auto-mTLS"}}}),
        &mutual,
        &[
            "netobserv-ca ConfigMap netobserv-ca -> /var/netobserv-ca",
            "client-certs Secret ebpf-agent-cert -> /var/client-certs",
        ],
    );
    check_export(
        json!({"deploymentModel": "Kafka", "kafka": {"address": "k:9093", "topic": "flows"}}),
        &[
            "EXPORT=kafka",
            "KAFKA_BROKERS=k:9093",
            "KAFKA_TOPIC=flows",
            "KAFKA_BATCH_SIZE=1048576",
            "KAFKA_BATCH_MESSAGES=10485",
            "KAFKA_COMPRESSION=lz4",
        ],
        &[],
    );
    check_export(
        json!({"deploymentModel": "Kafka", "kafka": {
            "address": "k:9093", "topic": "flows",
            "tls": {"enable": true,
                "caCert": {"type": "configmap", "name": "ca", "certFile": "ca.crt"},
                "userCert": {"type": "secret", "name": "user", "certFile": "user.crt", "certKey": "user.key"}},
            "sasl": {"type": "ScramSHA512",
                "clientIDReference": {"type": "secret", "name": "sasl", "file": "id"},
                "clientSecretReference": {"type": "secret", "name": "sasl", "file": "secret"}}
        }}),
        &[
            "EXPORT=kafka",
            "KAFKA_BROKERS=k:9093",
            "KAFKA_TOPIC=flows",
            "KAFKA_BATCH_SIZE=1048576",
            "KAFKA_BATCH_MESSAGES=10485",
            "KAFKA_COMPRESSION=lz4",
            "KAFKA_ENABLE_TLS=true",
            "KAFKA_TLS_INSECURE_SKIP_VERIFY=false",
            "KAFKA_TLS_CA_CERT_PATH=/var/kafka-certs-ca/ca.crt",
            "KAFKA_TLS_USER_CERT_PATH=/var/kafka-certs-user/user.crt",
            "KAFKA_TLS_USER_KEY_PATH=/var/kafka-certs-user/user.key",
            "KAFKA_ENABLE_SASL=true",
            "KAFKA_SASL_TYPE=scramSHA512",
            "KAFKA_SASL_CLIENT_ID_PATH=/var/kafka-sasl-id/id",
            "KAFKA_SASL_CLIENT_SECRET_PATH=/var/kafka-sasl-secret/secret",
        ],
        &[
            "kafka-certs-ca ConfigMap ca -> /var/kafka-certs-ca",
            "kafka-certs-user Secret user -> /var/kafka-certs-user",
            "kafka-sasl-id Secret sasl -> /var/kafka-sasl-id",
            "kafka-sasl-secret Secret sasl -> /var/kafka-sasl-secret",
        ],
    );
}

#[test]
fn folders_of_the_node_are_mounted_for_the_features_that_need_them() {
    let netns = "var-run-netns /var/run/netns -> /var/run/netns";
    let ovs = "var-run-ovs /var/run/openvswitch -> /var/run/openvswitch";
    for (ebpf, facts, expected) in [
        (json!({}), kubernetes(), vec![]),
        (json!({"privileged": true}), kubernetes(), vec![netns]),
        (
            json!({"privileged": true, "features": ["PacketDrop"]}),
            kubernetes(),
            vec![
                netns,
                "bpf-kernel-debug /sys/kernel/debug -> /sys/kernel/debug",
            ],
        ),
        (
            json!({"privileged": true, "features": ["NetworkEvents"]}),
            kubernetes(),
            vec![netns, "var-run-ovn /var/run/ovn -> /var/run/ovn", ovs],
        ),
        (
            json!({"privileged": true, "features": ["UDNMapping"]}),
            openshift("4.19.0"),
            vec![netns, "var-run-ovn /var/run/ovn-ic -> /var/run/ovn", ovs],
        ),
        (
            json!({"privileged": true, "features": ["UDNMapping"],
                "advanced": {"env": {"OVN_OBSERV_HOST_MOUNT_PATH": "/run/mine"}}}),
            kubernetes(),
            vec![netns, "var-run-ovn /run/mine -> /var/run/ovn", ovs],
        ),
        (
            json!({"features": ["EbpfManager", "PacketDrop"]}),
            kubernetes(),
            vec!["bpfman-maps csi.bpfman.io -> /run/netobserv/maps"],
        ),
    ] {
        let spec = json!({"agent": {"ebpf": ebpf}, "deploymentModel": "Direct"});
        assert_eq!(volumes(&agent_of(spec, &facts)), expected, "{ebpf}");
    }
}

#[test]
fn a_feature_that_needs_privileges_is_reported_without_them() {
    for (ebpf, reported) in [
        (json!({"features": ["PacketDrop"]}), vec!["PacketDrop"]),
        (
            json!({"features": ["PacketDrop"], "privileged": true}),
            vec![],
        ),
        (json!({"features": ["PacketDrop", "EbpfManager"]}), vec![]),
        (
            json!({"features": ["NetworkEvents", "UDNMapping", "FlowRTT"]}),
            vec!["NetworkEvents", "UDNMapping"],
        ),
        (
            json!({"metrics": {"server": {"tls": {"type": "Provided"}}}}),
            vec!["tls.provided"],
        ),
    ] {
        let spec = json!({"agent": {"ebpf": ebpf}});
        let mut facts = kubernetes();
        let manager = "clusterbpfapplications.bpfman.io/v1alpha1";
        facts.apis.insert(manager.to_owned());
        let problems = support::desired(&spec, &facts).problems;
        assert_eq!(problems.len(), reported.len(), "{ebpf}: {problems:?}");
        for (problem, word) in problems.iter().zip(reported) {
            assert_eq!(problem.reason, "InvalidConfiguration");
            assert!(problem.message.contains(word), "{}", problem.message);
        }
    }
}

#[test]
fn the_container_may_do_what_its_features_need() {
    for (ebpf, expected) in [
        (
            json!({}),
            json!({"runAsUser": 0, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"], "add": ["BPF", "PERFMON", "NET_ADMIN"]}}),
        ),
        (
            json!({"privileged": true}),
            json!({"runAsUser": 0, "privileged": true}),
        ),
        (
            json!({"advanced": {"capOverride": ["SYS_ADMIN"]}}),
            json!({"runAsUser": 0, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}),
        ),
    ] {
        let agent = agent(ebpf.clone(), &kubernetes());
        assert_eq!(container(&agent)["securityContext"], expected, "{ebpf}");
    }
}

#[test]
fn openshift_is_told_what_the_agents_may_do() {
    for (ebpf, key, expected) in [
        (json!({}), "allowPrivilegedContainer", json!(false)),
        (json!({}), "allowHostNetwork", json!(true)),
        (
            json!({}),
            "allowedCapabilities",
            json!(["BPF", "PERFMON", "NET_ADMIN"]),
        ),
        (
            json!({}),
            "users",
            json!([format!("system:serviceaccount:{PRIVILEGED}:{AGENT}")]),
        ),
        (
            json!({"privileged": true}),
            "allowPrivilegedContainer",
            json!(true),
        ),
        (
            json!({"privileged": true}),
            "allowHostDirVolumePlugin",
            json!(true),
        ),
        (
            json!({"privileged": true}),
            "allowedCapabilities",
            json!([]),
        ),
        (
            json!({"features": ["EbpfManager"]}),
            "requiredDropCapabilities",
            json!(["ALL"]),
        ),
    ] {
        let spec = json!({"agent": {"ebpf": ebpf}});
        let desired = support::desired(&spec, &openshift("4.19.0"));
        let constraints = find(&desired, "SecurityContextConstraints", AGENT).unwrap();
        assert_eq!(constraints[key], expected, "{key} of {ebpf}");
    }
    let elsewhere = support::desired(&json!({}), &kubernetes());
    assert_eq!(find(&elsewhere, "SecurityContextConstraints", AGENT), None);
}

#[test]
fn metrics_are_scraped_as_they_are_served() {
    let server = "ebpf-agent-svc-prom.netobserv-privileged.svc";
    for (tls, scheme, config) in [
        (json!(null), "http", json!(null)),
        (json!({"type": "Disabled"}), "http", json!(null)),
        (
            json!({"type": "Auto"}),
            "https",
            json!({"serverName": server, "ca": {"configMap": {"name": "netobserv-ca", "key": "service-ca.crt"}}}),
        ),
        (
            json!({"type": "Provided", "provided": {"name": "c", "certFile": "a", "certKey": "b"},
                "providedCaFile": {"type": "secret", "name": "ca", "file": "ca.crt"}}),
            "https",
            json!({"serverName": server, "insecureSkipVerify": false,
                "ca": {"secret": {"name": "ca", "key": "ca.crt"}}}),
        ),
        (
            json!({"type": "Provided", "provided": {"name": "c", "certFile": "a", "certKey": "b"},
                "insecureSkipVerify": true, "providedCaFile": {"type": "secret", "name": "ca", "file": "ca.crt"}}),
            "https",
            json!({"serverName": server, "insecureSkipVerify": true}),
        ),
    ] {
        let spec = json!({"agent": {"ebpf": {"metrics": {"server": {"tls": tls}}}}});
        let desired = support::desired(&spec, &kubernetes());
        let monitor = find(&desired, "ServiceMonitor", "ebpf-agent-svc-monitor").unwrap();
        let endpoint = &monitor["spec"]["endpoints"][0];
        assert_eq!(endpoint["scheme"], scheme, "{tls}");
        assert_eq!(endpoint["tlsConfig"], config, "{tls}");
        assert_eq!(endpoint["interval"], "30s");
        let agent = find(&desired, "DaemonSet", AGENT).unwrap();
        let is_secure = scheme == "https";
        assert_eq!(
            value(&agent, "METRICS_TLS_CERT_PATH").is_some(),
            is_secure,
            "{tls}"
        );
        assert_eq!(
            environment(&agent)
                .last()
                .unwrap()
                .starts_with("METRICS_TLS_CERT_PATH=/var/prom-certs/"),
            is_secure
        );
        let service = find(&desired, "Service", "ebpf-agent-svc-prom").unwrap();
        let is_automatic = tls["type"] == "Auto";
        assert_eq!(
            service["metadata"]["annotations"]
                .get("service.beta.openshift.io/serving-cert-secret-name")
                .is_some(),
            is_automatic
        );
    }
}

#[test]
fn monitoring_is_there_as_far_as_it_can_be_and_is_wanted() {
    let all = [
        "PrometheusRule ebpf-agent-prom-alert",
        "Service ebpf-agent-svc-prom",
        "ServiceMonitor ebpf-agent-svc-monitor",
    ];
    for (spec, facts, expected) in [
        (json!({}), kubernetes(), all.to_vec()),
        (json!({}), facts_without_prometheus(), vec![all[1]]),
        (
            json!({"agent": {"ebpf": {"metrics": {"enable": false}}}}),
            kubernetes(),
            vec![],
        ),
        (
            json!({"execution": {"mode": "OnHold"}}),
            kubernetes(),
            vec![all[0], all[2]],
        ),
    ] {
        let found = names(&support::desired(&spec, &facts));
        let found: Vec<_> = found.iter().filter(|n| n.contains("ebpf-agent-")).collect();
        assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{spec}");
    }
    for (disabled, count) in [(json!([]), 1), (json!(["NetObservDroppedFlows"]), 0)] {
        let spec = json!({"agent": {"ebpf": {"metrics": {"disableAlerts": disabled}}}});
        let desired = support::desired(&spec, &kubernetes());
        let rule = find(&desired, "PrometheusRule", "ebpf-agent-prom-alert").unwrap();
        let rules = rule["spec"]["groups"][0]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), count, "{disabled}");
    }
}

fn facts_without_prometheus() -> Facts {
    facts(&[])
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

/// Variables that NetObserv's agent reads and ours does not know. This list may only shrink.
const UNKNOWN: [&str; 1] = ["GOMEMLIMIT"];

#[test]
fn every_variable_is_one_of_the_agents_contract() {
    let contract = include_str!("../../contracts/vendored/ebpf-agent/environment.json");
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
