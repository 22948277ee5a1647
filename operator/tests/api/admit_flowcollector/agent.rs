//! The agents: features and the filter.

use netobserv_operator::apis::validation::ClusterFacts;
use serde_json::{Value, json};

use super::{agent, check, facts};

#[test]
fn features_fit_the_version_and_the_privilege() {
    let features = "spec.agent.ebpf.features";
    let privileged = "spec.agent.ebpf.privileged";
    for (version, ebpf, warnings) in [
        (
            Ok(Some("4.19.3")),
            json!({ "features": ["PacketDrop"], "privileged": true }),
            vec![],
        ),
        (
            Ok(Some("4.12.9")),
            json!({ "features": ["PacketDrop"], "privileged": true }),
            vec![(
                features,
                "PacketDrop needs OpenShift 4.14.0, and this is 4.12.9",
            )],
        ),
        (
            Ok(None),
            json!({ "features": ["PacketDrop"], "privileged": true }),
            vec![(features, "not known whether")],
        ),
        (
            Err("timeout"),
            json!({ "features": ["PacketDrop"], "privileged": true }),
            vec![(features, "timeout")],
        ),
        (
            Ok(Some("4.16.0")),
            json!({ "features": ["NetworkEvents"], "privileged": true }),
            vec![(features, "4.19.0")],
        ),
        (
            Ok(Some("4.19.0-0")),
            json!({ "features": ["NetworkEvents"], "privileged": true }),
            vec![],
        ),
        (
            Ok(Some("4.18.0-0")),
            json!({ "features": ["UDNMapping"], "privileged": true }),
            vec![],
        ),
        (
            Ok(Some("4.17.9-rc.1")),
            json!({ "features": ["UDNMapping"], "privileged": true }),
            vec![(features, "4.17.9-rc.1")],
        ),
        (
            Ok(Some("4.19.3")),
            json!({ "features": ["PacketDrop"] }),
            vec![(privileged, "EbpfManager")],
        ),
        (
            Ok(Some("4.19.3")),
            json!({ "features": ["PacketDrop", "EbpfManager"] }),
            vec![],
        ),
        (
            Ok(Some("4.19.3")),
            json!({ "features": ["NetworkEvents", "UDNMapping"] }),
            vec![(privileged, "UDNMapping"), (privileged, "NetworkEvents")],
        ),
        (
            Ok(Some("4.1.0")),
            json!({ "features": ["EbpfManager", "NetworkEvents", "UDNMapping", "PacketDrop"], "privileged": true }),
            vec![
                (features, "PacketDrop"),
                (features, "UDNMapping"),
                (features, "NetworkEvents"),
                (features, "EbpfManager"),
            ],
        ),
        (
            Ok(Some("4.19.3")),
            json!({ "features": ["DNSTracking", "FlowRTT", "IPSec"] }),
            vec![],
        ),
    ] {
        let openshift = version.map(|v| v.map(str::to_owned)).map_err(str::to_owned);
        let facts = ClusterFacts {
            openshift,
            ..facts()
        };
        check(&agent(ebpf), &facts, &warnings, &vec![]);
    }
    check(
        &json!({ "agent": { "type": "IPFIX" } }),
        &facts(),
        &vec![("spec.agent.type", "eBPF")],
        &vec![],
    );
}

#[test]
fn interfaces_are_names_or_regular_expressions() {
    check(
        &agent(json!({
            "interfaces": ["eth0", "/^br-.*/", "/(/", "(", "/a"],
            "excludeInterfaces": ["/a**/"],
        })),
        &facts(),
        &vec![],
        &vec![
            ("spec.agent.ebpf.interfaces[2]", "unclosed group"),
            (
                "spec.agent.ebpf.excludeInterfaces[0]",
                "repeats a repetition",
            ),
        ],
    );
}

#[test]
fn filter_rules() {
    let rule = |rule: Value| json!({ "enable": true, "rules": [rule] });
    let at = |field: &'static str| match field {
        "ports" => "spec.agent.ebpf.flowFilter.rules[0].ports",
        "sourcePorts" => "spec.agent.ebpf.flowFilter.rules[0].sourcePorts",
        "cidr" => "spec.agent.ebpf.flowFilter.rules[0].cidr",
        "peerIP" => "spec.agent.ebpf.flowFilter.rules[0].peerIP",
        "sampling" => "spec.agent.ebpf.flowFilter.rules[0].sampling",
        _ => "spec.agent.ebpf.flowFilter.rules[0].peerCIDR",
    };
    for (filter, errors) in [
        (
            rule(json!({ "ports": "90-80" })),
            vec![(at("ports"), "does not end after")],
        ),
        (
            rule(json!({ "ports": "80-80" })),
            vec![(at("ports"), "does not end after")],
        ),
        (rule(json!({ "ports": "80-90" })), vec![]),
        (rule(json!({ "ports": "80,443" })), vec![]),
        (
            rule(json!({ "ports": "80,443,8443" })),
            vec![(at("ports"), "two ports")],
        ),
        (
            rule(json!({ "ports": "80,x" })),
            vec![(at("ports"), "\"x\"")],
        ),
        (
            rule(json!({ "ports": "a-90" })),
            vec![(at("ports"), "start of the range")],
        ),
        (
            rule(json!({ "ports": "80-" })),
            vec![(at("ports"), "end of the range")],
        ),
        (
            rule(json!({ "ports": "80-90-100" })),
            vec![(at("ports"), "end of the range")],
        ),
        (
            rule(json!({ "ports": "http" })),
            vec![(at("ports"), "\"http\"")],
        ),
        (
            rule(json!({ "ports": 70000 })),
            vec![(at("ports"), "70000")],
        ),
        (rule(json!({ "ports": -1 })), vec![(at("ports"), "-1")]),
        (rule(json!({ "ports": 0 })), vec![]),
        (rule(json!({ "ports": "" })), vec![]),
        (rule(json!({ "ports": "0" })), vec![(at("ports"), "\"0\"")]),
        (
            rule(json!({ "sourcePorts": "0-5" })),
            vec![(at("sourcePorts"), "start of the range")],
        ),
        (
            rule(json!({ "ports": 8080, "destPorts": 443 })),
            vec![(at("ports"), "destPorts")],
        ),
        (
            rule(json!({ "ports": 8080, "destPorts": 443, "sourcePorts": "1-2" })),
            vec![(at("ports"), "sourcePorts"), (at("ports"), "destPorts")],
        ),
        (rule(json!({ "ports": 0, "destPorts": 443 })), vec![]),
        (
            rule(json!({ "cidr": "10.0.0.0" })),
            vec![(at("cidr"), "10.0.0.0")],
        ),
        (
            rule(json!({ "peerCIDR": "x/8" })),
            vec![(at("peerCIDR"), "x/8")],
        ),
        (rule(json!({ "peerIP": "fd00::1", "sampling": 0 })), vec![]),
        (
            rule(json!({ "sampling": -1 })),
            vec![(at("sampling"), "less than 0")],
        ),
        (
            rule(json!({ "cidr": "::/0", "peerCIDR": "10.0.0.0/8" })),
            vec![],
        ),
        (json!({ "rules": [{ "cidr": "10.0.0.0" }] }), vec![]),
        (
            json!({ "enable": true, "sampling": -1, "rules": [{ "cidr": "::/0" }] }),
            vec![],
        ),
        (
            json!({ "enable": true, "cidr": "10" }),
            vec![("spec.agent.ebpf.flowFilter.cidr", "10")],
        ),
        (
            json!({ "enable": true, "rules": [{ "cidr": "0.0.0.0/0" }, { "cidr": "0.0.0.0/0", "ports": "x" }] }),
            vec![
                ("spec.agent.ebpf.flowFilter.rules[1]", "the key 0.0.0.0/0- "),
                ("spec.agent.ebpf.flowFilter.rules[1].ports", "x"),
            ],
        ),
        (
            json!({ "enable": true, "rules": [{ "cidr": "0.0.0.0/0" }, { "cidr": "0.0.0.0/0", "peerCIDR": "::/0" }] }),
            vec![],
        ),
    ] {
        check(
            &agent(json!({ "flowFilter": filter })),
            &facts(),
            &vec![],
            &errors,
        );
    }
    // NetObserv takes it, as any address.
    check(
        &agent(json!({ "flowFilter": rule(json!({ "peerIP": "10.0.0.0/8" })) })),
        &facts(),
        &vec![(at("peerIP"), "10.0.0.0/8")],
        &vec![],
    );
}

#[test]
fn what_agents_do_not_start_with_or_do_not_heed() {
    let period = "spec.agent.ebpf.cacheActiveTimeout";
    let interfaces = "spec.agent.ebpf.interfaces[1]";
    let capability = "spec.agent.ebpf.advanced.capOverride[1]";
    let filter = "spec.agent.ebpf.flowFilter.enable";
    for (ebpf, warnings, errors) in [
        (json!({ "cacheActiveTimeout": "5s" }), vec![], vec![]),
        (
            json!({ "cacheActiveTimeout": "0s" }),
            vec![],
            vec![(period, "do not start")],
        ),
        (
            json!({ "cacheActiveTimeout": "15" }),
            vec![],
            vec![(period, "\"15\"")],
        ),
        (
            json!({ "interfaces": ["eth0", "lo"] }),
            vec![(interfaces, "excludeInterfaces")],
            vec![],
        ),
        (
            json!({ "interfaces": ["eth0", "lo"], "excludeInterfaces": [] }),
            vec![],
            vec![],
        ),
        (
            json!({ "advanced": { "capOverride": ["SYS_ADMIN", "CAP_BPF"] } }),
            vec![(capability, "\"CAP_BPF\"")],
            vec![],
        ),
        (
            json!({ "privileged": true, "advanced": { "capOverride": ["SYS_ADMIN", "CAP_BPF"] } }),
            vec![],
            vec![],
        ),
        (
            json!({ "flowFilter": { "enable": true } }),
            vec![(filter, "no rule")],
            vec![],
        ),
        (json!({ "flowFilter": { "enable": false } }), vec![], vec![]),
        (
            json!({ "flowFilter": { "enable": true, "protocol": "TCP" } }),
            vec![],
            vec![],
        ),
    ] {
        check(&agent(ebpf), &facts(), &warnings, &errors);
    }
}
