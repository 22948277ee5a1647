//! What bpfman is asked to load.

use crate::support::{self, facts, find, kubernetes};
use netobserv_operator::cluster::Facts;
use serde_json::{Value, json};

fn with_bpfman() -> Facts {
    facts(&["clusterbpfapplications.bpfman.io/v1alpha1"])
}

fn application(ebpf: Value) -> Value {
    let spec = json!({"agent": {"ebpf": ebpf}});
    let desired = support::desired(&spec, &with_bpfman());
    let application = find(&desired, "ClusterBpfApplication", "netobserv").unwrap();
    application["spec"].clone()
}

/// `name type attachment` of every program.
fn programs(application: &Value) -> Vec<String> {
    let programs = application["programs"].as_array().unwrap();
    programs
        .iter()
        .map(|program| {
            let kind = program["type"].as_str().unwrap();
            let hook = &program[kind.to_lowercase()];
            let link = &hook["links"][0];
            let place = [
                &link["direction"],
                &link["function"],
                &link["name"],
                &hook["function"],
            ];
            let place = place.into_iter().find_map(Value::as_str).unwrap();
            format!("{} {kind} {place}", program["name"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn the_programs_are_those_of_the_features() {
    let base = [
        "tcx_ingress_flow_parse TCX Ingress",
        "tcx_egress_flow_parse TCX Egress",
    ];
    for (features, more) in [
        (json!([]), &[][..]),
        (
            json!(["FlowRTT"]),
            &["tcp_rcv_fentry FEntry tcp_rcv_established"],
        ),
        (
            json!(["NetworkEvents"]),
            &["network_events_monitoring KProbe psample_sample_packet"],
        ),
        (
            json!(["PacketDrop"]),
            &["kfree_skb TracePoint skb/kfree_skb"],
        ),
        (
            json!(["PacketTranslation"]),
            &["track_nat_manip_pkt KProbe nf_nat_manip_pkt"],
        ),
        (
            json!(["IPSec"]),
            &[
                "xfrm_input_kprobe KProbe xfrm_input",
                "xfrm_input_kretprobe KRetProbe xfrm_input",
                "xfrm_output_kprobe KProbe xfrm_output",
                "xfrm_output_kretprobe KRetProbe xfrm_output",
            ],
        ),
    ] {
        let mut all = features.as_array().unwrap().clone();
        all.push("EbpfManager".into());
        let application = application(json!({"features": all}));
        let expected: Vec<_> = base.iter().chain(more).copied().collect();
        assert_eq!(programs(&application), expected, "{features}");
        let selector = &application["programs"][0]["tcx"]["links"][0]["interfaceSelector"];
        assert_eq!(
            *selector,
            json!({"interfacesDiscoveryConfig": {"interfaceAutoDiscovery": true}})
        );
    }
}

#[test]
fn global_variables_are_bytes() {
    let off = json!({
        "sampling": "MgAAAA==", "dns_port": "AAA=", "trace_messages": "", "enable_rtt": "", "enable_dns_tracking": "",
        "enable_flows_filtering": "", "enable_network_events_monitoring": "", "enable_pkt_translation_tracking": "",
        "enable_ipsec": "", "enable_tls_usage_tracking": "",
    });
    let on = "AQ==";
    for (ebpf, changed) in [
        (json!({}), json!({})),
        (json!({"sampling": 258}), json!({"sampling": "AgEAAA=="})),
        (json!({"logLevel": "debug"}), json!({"trace_messages": on})),
        (
            json!({"features": ["FlowRTT", "DNSTracking"]}),
            json!({"enable_rtt": on, "enable_dns_tracking": on}),
        ),
        (
            json!({"features": ["NetworkEvents", "PacketTranslation", "IPSec", "TLSTracking"]}),
            json!({"enable_network_events_monitoring": on, "enable_pkt_translation_tracking": on, "enable_ipsec": on,
                "enable_tls_usage_tracking": on}),
        ),
        (
            json!({"flowFilter": {"enable": true, "cidr": "0.0.0.0/0", "action": "Accept"}}),
            json!({"enable_flows_filtering": on}),
        ),
        // Numbers, not their digits.
        (
            json!({"advanced": {"env": {"DNS_TRACKING_PORT": "5353", "NETWORK_EVENTS_MONITORING_GROUP_ID": "10"}}}),
            json!({"dns_port": "6RQ=", "network_events_monitoring_groupid": "Cg=="}),
        ),
    ] {
        let mut given = ebpf.clone();
        let mut features = ebpf["features"].as_array().cloned().unwrap_or_default();
        features.push("EbpfManager".into());
        given["features"] = features.into();
        let mut expected = off.clone();
        for (name, value) in changed.as_object().unwrap() {
            expected[name] = value.clone();
        }
        assert_eq!(application(given)["globalData"], expected, "{ebpf}");
    }
}

#[test]
fn programs_are_loaded_on_the_agents_nodes_from_the_image() {
    let scheduling = json!({"nodeSelector": {"a": "b"}});
    for (advanced, selector) in [
        (json!({}), json!({})),
        (json!({"scheduling": {}}), json!({})),
        (
            json!({"scheduling": scheduling}),
            json!({"matchLabels": {"a": "b"}}),
        ),
    ] {
        let ebpf = json!({"features": ["EbpfManager"], "advanced": advanced});
        let application = application(ebpf);
        assert_eq!(application["nodeSelector"], selector, "{advanced}");
        assert_eq!(
            application["byteCode"],
            json!({"image": {"url": "registry/bytecode:v5", "imagePullPolicy": "IfNotPresent"}})
        );
    }
}

#[test]
fn what_cannot_be_had_is_told() {
    let feature = |env: Value| json!({"agent": {"ebpf": {"features": ["EbpfManager"], "advanced": {"env": env}}}});
    for (spec, facts, expected) in [
        (json!({}), kubernetes(), None),
        (feature(json!({})), with_bpfman(), None),
        (feature(json!({})), kubernetes(), Some("needs bpfman")),
        (
            feature(json!({"DNS_TRACKING_PORT": "domain"})),
            with_bpfman(),
            Some("DNS_TRACKING_PORT is no number in its range: domain"),
        ),
        (
            feature(json!({"NETWORK_EVENTS_MONITORING_GROUP_ID": "256"})),
            with_bpfman(),
            Some("NETWORK_EVENTS_MONITORING_GROUP_ID is no number in its range: 256"),
        ),
    ] {
        let desired = support::desired(&spec, &facts);
        let told = |text: &str| {
            let mut problems = desired.problems.iter();
            problems.any(|problem| problem.message.contains(text))
        };
        match expected {
            Some(text) => assert!(told(text), "{spec}: {:?}", desired.problems),
            None => assert!(!told("bpfman") && !told("is no number"), "{spec}"),
        }
    }
}

#[test]
fn it_stays_on_hold_and_goes_with_the_feature() {
    for (spec, is_there) in [
        (json!({}), false),
        (
            json!({"agent": {"ebpf": {"features": ["EbpfManager"]}}}),
            true,
        ),
        (
            json!({"agent": {"ebpf": {"features": ["EbpfManager"]}}, "execution": {"mode": "OnHold"}}),
            true,
        ),
    ] {
        let desired = support::desired(&spec, &with_bpfman());
        let found = find(&desired, "ClusterBpfApplication", "netobserv");
        assert_eq!(found.is_some(), is_there, "{spec}");
    }
}
