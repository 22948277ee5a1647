//! What bpfman loads instead of the agents themselves: the programs of the features that are on, and the values of
//! their global variables, as they lie in the memory of the nodes, whose processors order bytes as ours.

use std::collections::BTreeMap;
use std::str::FromStr;

use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use crate::apis::external::bpfman::{
    ByteCode, ByteCodeImage, ClusterBpfApplication, ClusterBpfApplicationSpec, Function,
    FunctionLink, Hook, InterfaceDiscovery, InterfaceLink, InterfaceSelector, Links, ModeLink,
    NameLink, Program,
};
use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::apis::flowcollector::v1beta2::shared::LogLevel;
use crate::desired::build::{metadata, texts};
use crate::desired::{Component, Context, Desired};
use crate::object::ObjectError;
use crate::owned::Kind;
use crate::scope::{label, manager as names};

/// Variable of the user with one more port of DNS.
const DNS_PORT: &str = "DNS_TRACKING_PORT";
/// Variable of the user with the group of OVN's samples.
const EVENTS_GROUP: &str = "NETWORK_EVENTS_MONITORING_GROUP_ID";

/// Only if the user asks for it; the message says where bpfman is missing.
pub fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    if !context.effective.has_feature(Feature::EbpfManager) {
        return Ok(());
    }
    let is_served = Kind::find("bpfman.io", "ClusterBpfApplication")
        .is_some_and(|kind| context.facts.has(kind));
    if !is_served {
        desired.cannot(
            Component::Agent,
            "the feature EbpfManager needs bpfman, whose kind ClusterBpfApplication the cluster does not have: install \
             it, or leave the feature out",
        );
    }
    let global_data = global_data(context, desired);
    let application = ClusterBpfApplication {
        metadata: metadata(names::NAME, None, texts([(label::APP, names::NAME)])),
        spec: ClusterBpfApplicationSpec {
            node_selector: LabelSelector {
                match_labels: context.effective.agent_scheduling().node_selector,
                ..LabelSelector::default()
            },
            global_data,
            byte_code: ByteCode {
                image: ByteCodeImage {
                    url: context.images.bytecode.clone(),
                    image_pull_policy: "IfNotPresent",
                },
            },
            programs: programs(context),
        },
    };
    desired.add(context, Component::Agent, application)
}

fn global_data(context: &Context, desired: &mut Desired) -> BTreeMap<&'static str, ByteString> {
    let effective = context.effective;
    let sampling = u32::try_from(effective.agent.sampling.unwrap_or_default()).unwrap_or_default();
    let port: Option<u16> = number(context, DNS_PORT, desired);
    let group: Option<u8> = number(context, EVENTS_GROUP, desired);
    let level = effective.agent.log_level;
    let is_verbose = matches!(level, Some(LogLevel::Trace | LogLevel::Debug));
    let has = |feature| effective.has_feature(feature);
    let mut data = BTreeMap::from([
        ("sampling", sampling.to_ne_bytes().to_vec()),
        ("dns_port", port.unwrap_or_default().to_ne_bytes().to_vec()),
    ]);
    data.extend(group.map(|group| ("network_events_monitoring_groupid", vec![group])));
    let switches = [
        ("trace_messages", is_verbose),
        ("enable_rtt", has(Feature::FlowRtt)),
        ("enable_dns_tracking", has(Feature::DnsTracking)),
        (
            "enable_flows_filtering",
            !effective.flow_filter_rules().is_empty(),
        ),
        (
            "enable_network_events_monitoring",
            has(Feature::NetworkEvents),
        ),
        (
            "enable_pkt_translation_tracking",
            has(Feature::PacketTranslation),
        ),
        ("enable_ipsec", has(Feature::IpSec)),
        ("enable_tls_usage_tracking", has(Feature::TlsTracking)),
    ];
    data.extend(switches.map(|(name, is_on)| (name, if is_on { vec![1] } else { Vec::new() })));
    data.into_iter()
        .map(|(name, bytes)| (name, ByteString(bytes)))
        .collect()
}

/// A number that the user gives as a variable of the agents.
fn number<T: FromStr>(context: &Context, name: &str, desired: &mut Desired) -> Option<T> {
    let advanced = context.effective.agent.advanced.as_ref()?;
    let text = advanced.env.as_ref()?.get(name)?;
    let number = text.parse().ok();
    if number.is_none() {
        let message =
            format!("spec.agent.ebpf.advanced.env: {name} is no number in its range: {text}");
        desired.cannot(Component::Agent, message);
    }
    number
}

fn programs(context: &Context) -> Vec<Program> {
    let effective = context.effective;
    let mut programs = vec![
        traffic("tcx_ingress_flow_parse", "Ingress"),
        traffic("tcx_egress_flow_parse", "Egress"),
    ];
    if effective.has_feature(Feature::FlowRtt) {
        programs.push(Program {
            name: "tcp_rcv_fentry",
            hook: Hook::FEntry {
                fentry: Function {
                    function: "tcp_rcv_established",
                    links: vec![ModeLink { mode: "Attach" }],
                },
            },
        });
    }
    if effective.has_feature(Feature::NetworkEvents) {
        programs.push(entry("network_events_monitoring", "psample_sample_packet"));
    }
    if effective.has_packet_drop() {
        let links = vec![NameLink {
            name: "skb/kfree_skb",
        }];
        programs.push(Program {
            name: "kfree_skb",
            hook: Hook::TracePoint {
                tracepoint: Links { links },
            },
        });
    }
    if effective.has_feature(Feature::PacketTranslation) {
        programs.push(entry("track_nat_manip_pkt", "nf_nat_manip_pkt"));
    }
    if effective.has_feature(Feature::IpSec) {
        programs.push(entry("xfrm_input_kprobe", "xfrm_input"));
        programs.push(end("xfrm_input_kretprobe", "xfrm_input"));
        programs.push(entry("xfrm_output_kprobe", "xfrm_output"));
        programs.push(end("xfrm_output_kretprobe", "xfrm_output"));
    }
    programs
}

fn traffic(name: &'static str, direction: &'static str) -> Program {
    let link = InterfaceLink {
        interface_selector: InterfaceSelector {
            interfaces_discovery_config: InterfaceDiscovery {
                interface_auto_discovery: true,
            },
        },
        direction,
    };
    let tcx = Links { links: vec![link] };
    Program {
        name,
        hook: Hook::Tcx { tcx },
    }
}

fn entry(name: &'static str, function: &'static str) -> Program {
    let kprobe = Links {
        links: vec![FunctionLink { function }],
    };
    Program {
        name,
        hook: Hook::KProbe { kprobe },
    }
}

fn end(name: &'static str, function: &'static str) -> Program {
    let kretprobe = Links {
        links: vec![FunctionLink { function }],
    };
    Program {
        name,
        hook: Hook::KRetProbe { kretprobe },
    }
}
