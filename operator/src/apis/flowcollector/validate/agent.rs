//! The agents: features and what they need, interfaces, the filter.

use super::processor::check_metrics_tls;
use super::{Subject, flow_filter};
use crate::apis::flowcollector::v1beta2::agent::{AgentType, Feature};
use crate::apis::pattern;
use crate::apis::validation::Findings;

/// Features that need a kernel or a network plugin of a certain version of OpenShift.
const MINIMUM_VERSIONS: [(Feature, [u64; 3]); 4] = [
    (Feature::PacketDrop, [4, 14, 0]),
    (Feature::UdnMapping, [4, 18, 0]),
    (Feature::NetworkEvents, [4, 19, 0]),
    (Feature::EbpfManager, [4, 19, 0]),
];

/// Capabilities of Linux as containers name them, and all of them at once.
const CAPABILITIES: [&str; 42] = [
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

const FEATURES: &str = "spec.agent.ebpf.features";
const PRIVILEGED: &str = "spec.agent.ebpf.privileged";

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let agent = subject.spec.agent.as_ref();
    if agent.and_then(|a| a.kind) == Some(AgentType::Ipfix) {
        findings.warn(
            "spec.agent.type",
            "IPFIX no longer exists: eBPF agents are deployed",
            "use eBPF, or remove it",
        );
    }
    check_versions(subject, findings);
    check_privilege(subject, findings);
    check_interfaces(subject, findings);
    check_period(subject, findings);
    check_capabilities(subject, findings);
    check_metrics(subject, findings);
    flow_filter::check(subject, findings);
}

/// What stands between slashes is a regular expression, without which the agents do not start.
fn check_interfaces(subject: &Subject<'_>, findings: &mut Findings) {
    let agent = &subject.effective.agent;
    for (name, list) in [
        ("interfaces", &agent.interfaces),
        ("excludeInterfaces", &agent.exclude_interfaces),
    ] {
        for (at, text) in list.iter().flatten().enumerate() {
            let is_excluded = agent.exclude_interfaces.iter().flatten().any(|e| e == text);
            if name == "interfaces" && is_excluded {
                findings.warn(
                    format!("spec.agent.ebpf.interfaces[{at}]"),
                    format!("{text:?} is in spec.agent.ebpf.excludeInterfaces too, which wins: it is not watched"),
                    "remove it from one of them",
                );
            }
            let between = text
                .strip_prefix('/')
                .and_then(|rest| rest.strip_suffix('/'));
            if let Some(Err(problem)) = between.map(pattern::check) {
                findings.refuse(
                    format!("spec.agent.ebpf.{name}[{at}]"),
                    format!("{text:?} is no regular expression: {problem}"),
                    "correct it, or write the interface's name without slashes",
                );
            }
        }
    }
}

/// The schema takes 0 and a number without a unit, with which no agent starts.
fn check_period(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(period) = &subject.effective.agent.cache_active_timeout else {
        return;
    };
    let problem = match period.parse() {
        Ok(parsed) if parsed.is_zero() => {
            format!("{:?} is no time: agents do not start with it", period.0)
        }
        Ok(_) => return,
        Err(error) => error.to_string(),
    };
    findings.refuse(
        "spec.agent.ebpf.cacheActiveTimeout",
        problem,
        "write a time such as 5s, or remove it for the default",
    );
}

/// A newer kernel may have more than we know.
fn check_capabilities(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.effective.is_agent_privileged() {
        return;
    }
    let advanced = subject.effective.agent.advanced.as_ref();
    let given = advanced.and_then(|advanced| advanced.cap_override.as_ref());
    for (at, name) in given.into_iter().flatten().enumerate() {
        if !CAPABILITIES.contains(&name.as_str()) {
            findings.warn(
                format!("spec.agent.ebpf.advanced.capOverride[{at}]"),
                format!("{name:?} is no capability that is known, and agents do not start with one that is none"),
                "write it as NET_ADMIN, in capitals and without CAP_",
            );
        }
    }
}

fn check_metrics(subject: &Subject<'_>, findings: &mut Findings) {
    let metrics = subject.effective.agent.metrics.as_ref();
    let server = metrics.and_then(|metrics| metrics.server.as_ref());
    if subject.effective.has_agent_metrics() {
        check_metrics_tls("spec.agent.ebpf.metrics.server.tls", server, findings);
    }
}

fn check_versions(subject: &Subject<'_>, findings: &mut Findings) {
    for (feature, minimum) in MINIMUM_VERSIONS {
        if !subject.effective.has_feature(feature) {
            continue;
        }
        let wanted = minimum.map(|n| n.to_string()).join(".");
        let advice = if feature == Feature::EbpfManager {
            "have bpfman in the cluster, or remove the feature"
        } else {
            "remove the feature if agents fail to start"
        };
        match &subject.facts.openshift {
            Err(reason) => findings.warn(
                FEATURES,
                format!("{feature}: cannot be checked, since the version of OpenShift is not known: {reason}"),
                advice,
            ),
            Ok(None) => findings.warn(
                FEATURES,
                format!("{feature}: it is not known whether this cluster supports it"),
                advice,
            ),
            Ok(Some(version)) if is_older(version, minimum) => findings.warn(
                FEATURES,
                format!("{feature} needs OpenShift {wanted}, and this is {version}"),
                "remove the feature or upgrade",
            ),
            Ok(Some(_)) => {}
        }
    }
}

/// Compares `4.18.3-rc.1` without what follows the patch number. A text that is no version is not older.
fn is_older(version: &str, minimum: [u64; 3]) -> bool {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Option<Vec<u64>> = release.split('.').map(|n| n.parse().ok()).collect();
    numbers.is_some_and(|mut numbers| {
        numbers.resize(minimum.len(), 0);
        numbers.as_slice() < minimum.as_slice()
    })
}

fn check_privilege(subject: &Subject<'_>, findings: &mut Findings) {
    let effective = &subject.effective;
    if effective.is_agent_privileged() {
        return;
    }
    for feature in [Feature::UdnMapping, Feature::NetworkEvents] {
        if effective.has_feature(feature) {
            findings.warn(
                PRIVILEGED,
                format!("the feature {feature} does nothing without it"),
                "set it to true, or remove the feature",
            );
        }
    }
    if effective.has_feature(Feature::PacketDrop) && !effective.has_packet_drop() {
        findings.warn(
            PRIVILEGED,
            "the feature PacketDrop does nothing without it",
            "set it to true, or, where the cluster has bpfman, add the feature EbpfManager",
        );
    }
}
