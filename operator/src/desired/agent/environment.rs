//! The agent's environment, in the order in which NetObserv emits it: a pod is rolled when the order changes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::EnvVar;

use super::filter;
use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::desired::Context;
use crate::desired::build::{host_address, memory_limit, variable};
use crate::desired::images::version;
use crate::desired::volumes::CertificatePaths;

/// Prefix of the agent's metrics.
const METRICS_PREFIX: &str = "netobserv_agent_";
/// The first OpenShift whose kernel has the newer way of attaching programs.
const TCX_SINCE: (u64, u64, u64) = (4, 16, 0);

/// All variables. `export` says where flows go, `metrics` where the certificate of the metrics is.
///
/// A variable of the user wins over ours of the same name: two of one name are no valid list.
pub fn variables(
    context: &Context,
    export: Vec<EnvVar>,
    metrics: Option<CertificatePaths>,
) -> Vec<EnvVar> {
    let advanced = context.effective.agent.advanced.as_ref();
    let given = advanced
        .and_then(|advanced| advanced.env.clone())
        .unwrap_or_default();
    let mut defaults = defaults(context);
    let mut others = BTreeMap::new();
    for (name, value) in &given {
        match defaults.get_mut(name.as_str()) {
            Some(default) => default.clone_from(value),
            None => {
                others.insert(name.as_str(), value.clone());
            }
        }
    }
    let mut after = export;
    if let Some(paths) = metrics {
        after.push(variable("METRICS_TLS_KEY_PATH", paths.key));
        after.push(variable("METRICS_TLS_CERT_PATH", paths.certificate));
    }
    let is_ours = |ours: &EnvVar| !others.contains_key(ours.name.as_str());
    let pairs = |pairs: &BTreeMap<&str, String>| -> Vec<EnvVar> {
        pairs
            .iter()
            .map(|(name, value)| variable(name, value))
            .collect()
    };
    let mut all: Vec<_> = settings(context).into_iter().filter(is_ours).collect();
    all.extend(pairs(&defaults));
    all.extend(pairs(&others));
    all.extend(after.into_iter().filter(is_ours));
    all
}

/// What the specification says about the agents.
fn settings(context: &Context) -> Vec<EnvVar> {
    let effective = context.effective;
    let ebpf = &effective.agent;
    let list = |values: &Option<Vec<String>>| values.as_ref().map(|values| values.join(","));
    let positive = |number: Option<i32>| number.filter(|n| *n > 0).map(|n| n.to_string());
    let listed = |feature| effective.has_feature(feature).then(|| "true".to_owned());
    let mut variables: Vec<EnvVar> = [
        (
            "CACHE_ACTIVE_TIMEOUT",
            ebpf.cache_active_timeout.as_ref().map(ToString::to_string),
        ),
        ("CACHE_MAX_FLOWS", positive(ebpf.cache_max_flows)),
        ("LOG_LEVEL", ebpf.log_level.map(|level| level.to_string())),
        ("INTERFACES", list(&ebpf.interfaces)),
        ("EXCLUDE_INTERFACES", list(&ebpf.exclude_interfaces)),
        ("SAMPLING", positive(ebpf.sampling)),
        ("ENABLE_RTT", listed(Feature::FlowRtt)),
        (
            "ENABLE_NETWORK_EVENTS_MONITORING",
            listed(Feature::NetworkEvents),
        ),
        ("ENABLE_UDN_MAPPING", listed(Feature::UdnMapping)),
        ("ENABLE_PKT_TRANSLATION", listed(Feature::PacketTranslation)),
        ("EBPF_PROGRAM_MANAGER_MODE", listed(Feature::EbpfManager)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(variable(name, value.filter(|value| !value.is_empty())?)))
    .collect();
    variables.extend(memory_limit(ebpf.resources.as_ref()));
    for (name, is_on) in [
        ("ENABLE_PKT_DROPS", effective.has_packet_drop()),
        (
            "ENABLE_DNS_TRACKING",
            effective.has_feature(Feature::DnsTracking),
        ),
        (
            "ENABLE_IPSEC_TRACKING",
            effective.has_feature(Feature::IpSec),
        ),
        (
            "ENABLE_TLS_TRACKING",
            effective.has_feature(Feature::TlsTracking),
        ),
    ] {
        variables.extend(is_on.then(|| variable(name, "true")));
    }
    if effective.has_agent_metrics() {
        let port = effective.agent_metrics_port().to_string();
        variables.push(variable("METRICS_ENABLE", "true"));
        variables.push(variable("METRICS_SERVER_PORT", port));
        variables.push(variable("METRICS_PREFIX", METRICS_PREFIX));
    }
    variables.extend(filter::rules(effective).map(|rules| variable("FLOW_FILTER_RULES", rules)));
    variables.push(host_address("AGENT_IP"));
    variables
}

/// Variables that are always set and that the user may set otherwise, in place.
fn defaults(context: &Context) -> BTreeMap<&'static str, String> {
    let openshift = context.facts.openshift_version.as_deref();
    let has_tcx = openshift
        .and_then(version)
        .is_none_or(|version| version >= TCX_SINCE);
    let attach_mode = if has_tcx { "tcx" } else { "tc" };
    [
        ("DNS_TRACKING_PORT", "53"),
        ("NETWORK_EVENTS_MONITORING_GROUP_ID", "10"),
        ("PREFERRED_INTERFACE_FOR_MAC_PREFIX", "0a:58=eth0"),
        ("TC_ATTACH_MODE", attach_mode),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.to_owned()))
    .collect()
}
