//! What agents may do, and what is said where that is too little.

use serde_json::json;

use super::{AGENT, agent};
use crate::support::{self, PRIVILEGED, container, find, kubernetes, openshift};

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
