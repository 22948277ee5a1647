//! Features that are on, and what this version does not have.
//!
//! **Invariant:** what is asked for and not available is said in one line; it stops the agent only where going on would
//! do something else than what was asked.

use super::reader::Reader;
use super::variables::{Kind, Support, VARIABLES};

/// Optional kernel-side features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeaturesConfig {
    pub rtt: bool,
    /// The port of DNS besides 53.
    pub dns: Option<u16>,
}

/// Something to warn about at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    /// The feature that stays off, for the metric.
    pub feature: Option<&'static str>,
}

impl Notice {
    pub fn other(text: String) -> Self {
        Self {
            text,
            feature: None,
        }
    }
}

/// Switches of features that come later, with the metric's name of each.
const LATER: &[(&str, &str)] = &[
    ("ENABLE_PKT_DROPS", "drops"),
    ("ENABLE_NETWORK_EVENTS_MONITORING", "network_events"),
    ("ENABLE_PKT_TRANSLATION", "translation"),
    ("ENABLE_UDN_MAPPING", "udn_mapping"),
    ("ENABLE_IPSEC_TRACKING", "ipsec"),
    ("ENABLE_TLS_TRACKING", "tls"),
    ("QUIC_TRACKING_MODE", "quic"),
    ("ENABLE_OPENSSL_TRACKING", "openssl"),
    ("ENABLE_FLOWS_RINGBUF_FALLBACK", "ringbuf_fallback"),
    ("PPROF_ADDR", "profiling"),
];

/// What cannot be left out without doing something else than was asked, and why.
const ESSENTIAL: &[(&str, &str)] = &[
    (
        "ENABLE_PCA",
        "flows would be sent where packets are expected",
    ),
    (
        "FLOW_FILTER_RULES",
        "flows would be sent that the rules leave out",
    ),
    (
        "EBPF_PROGRAM_MANAGER_MODE",
        "programs would be loaded beside the manager's",
    ),
];

pub(super) fn read(reader: &mut Reader, notices: &mut Vec<Notice>) -> FeaturesConfig {
    let port = match reader.uint16("DNS_TRACKING_PORT") {
        0 => 53,
        port => port,
    };
    for (name, feature) in LATER {
        if is_asked(reader, name) {
            let text = format!(
                "{name}: not available in this version, everything else goes on without it"
            );
            notices.push(Notice {
                text,
                feature: Some(feature),
            });
        }
    }
    for (name, consequence) in ESSENTIAL {
        if is_asked(reader, name) {
            reader.problem(format!(
                "{name}: not available in this version, unset it ({consequence})"
            ));
        }
    }
    FeaturesConfig {
        rtt: reader.boolean("ENABLE_RTT"),
        dns: reader.boolean("ENABLE_DNS_TRACKING").then_some(port),
    }
}

/// Checks the types of the other variables that do nothing yet, and tells the deprecated ones.
pub(super) fn read_unavailable(reader: &mut Reader, notices: &mut Vec<Notice>) {
    for variable in VARIABLES {
        let is_switch = LATER
            .iter()
            .chain(ESSENTIAL)
            .any(|(name, _)| *name == variable.name);
        match variable.support {
            Support::NotYet | Support::Ignored if !is_switch => {
                is_asked(reader, variable.name);
            }
            Support::Deprecated(newer) if reader.is_set(variable.name) => {
                notices.push(Notice::other(format!(
                    "{}: deprecated, use {newer}",
                    variable.name
                )));
            }
            _ => {}
        }
    }
}

/// Whether the value asks for something.
fn is_asked(reader: &mut Reader, name: &str) -> bool {
    match super::variables::variable(name).kind {
        Kind::Bool => reader.boolean(name),
        Kind::Int => reader.int(name) != 0,
        Kind::Uint16 => reader.uint16(name) != 0,
        Kind::Duration => !reader.duration(name).is_zero(),
        Kind::List => !reader.list(name).is_empty(),
        // An empty list of rules asks for nothing.
        Kind::String => !matches!(reader.string(name).trim(), "" | "[]" | "null"),
    }
}
