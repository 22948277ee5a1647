//! Where agents send flows, and what is mounted for it and for features.

use serde_json::{Value, json};

use super::agent_of;
use crate::support::{NAMESPACE, environment, kubernetes, openshift, volumes};

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
