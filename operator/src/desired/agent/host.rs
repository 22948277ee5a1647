//! Folders of the node that the agents look into, by feature.

use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::desired::build::texts;
use crate::desired::volumes::Volumes;
use crate::desired::{Component, Context, Desired};
use crate::scope::manager;

/// Variable of the user with the folder of OVN's sockets on the node.
const OVN_FOLDER: &str = "OVN_OBSERV_HOST_MOUNT_PATH";
/// Driver that mounts the maps of programs loaded by the eBPF manager.
const MANAGER_DRIVER: &str = "csi.bpfman.io";
/// Those maps.
const MANAGER_MAPS: &str = "direct_flows,aggregated_flows,aggregated_flows_dns,aggregated_flows_pkt_drop,\
    aggregated_flows_network_events,aggregated_flows_xlat,additional_flow_metrics,packet_record,dns_flows,\
    global_counters,filter_map,peer_filter_map,ipsec_ingress_map,ipsec_egress_map,ssl_data_event_map,dns_name_map";

/// Adds the folders, and says what an agent that is not privileged cannot do.
pub fn add(context: &Context, volumes: &mut Volumes, desired: &mut Desired) {
    let effective = context.effective;
    let has_manager = effective.has_feature(Feature::EbpfManager);
    let has_drops = effective.has_feature(Feature::PacketDrop) && !has_manager;
    let has_ovn = [Feature::NetworkEvents, Feature::UdnMapping]
        .into_iter()
        .any(|feature| effective.has_feature(feature));
    if effective.is_agent_privileged() {
        let mut mount = |volume, folder| volumes.add_host_folder(volume, folder, folder, true);
        mount("var-run-netns", "/var/run/netns");
        if has_drops {
            mount("bpf-kernel-debug", "/sys/kernel/debug");
        }
        if has_ovn {
            let folder = ovn_folder(context);
            volumes.add_host_folder("var-run-ovn", &folder, "/var/run/ovn", false);
            let ovs = "/var/run/openvswitch";
            volumes.add_host_folder("var-run-ovs", ovs, ovs, false);
        }
    } else {
        for (feature, is_affected) in [
            (Feature::PacketDrop, has_drops),
            (Feature::NetworkEvents, has_ovn),
            (Feature::UdnMapping, has_ovn),
        ] {
            if is_affected && effective.has_feature(feature) {
                desired.cannot(
                    Component::Agent,
                    format!(
                        "the feature {feature} needs privileged agents: set spec.agent.ebpf.privileged, or leave it out"
                    ),
                );
            }
        }
    }
    if has_manager {
        let attributes = texts([
            ("csi.bpfman.io/program", manager::NAME),
            ("csi.bpfman.io/maps", MANAGER_MAPS),
        ]);
        let folder = "/run/netobserv/maps";
        volumes.add_driver("bpfman-maps", MANAGER_DRIVER, attributes, folder);
    }
}

fn ovn_folder(context: &Context) -> String {
    let advanced = context.effective.agent.advanced.as_ref();
    let given = advanced
        .and_then(|advanced| advanced.env.as_ref())
        .and_then(|env| env.get(OVN_FOLDER))
        .filter(|folder| !folder.is_empty());
    let built_in = if context.facts.is_openshift() {
        "/var/run/ovn-ic"
    } else {
        "/var/run/ovn"
    };
    given.cloned().unwrap_or_else(|| built_in.to_owned())
}
