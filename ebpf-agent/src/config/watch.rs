//! Which interfaces, how they are found, how programs are attached, and which address names the agent.
//!
//! **Invariant:** spellings that NetObserv's agent takes as a default with a warning are taken so here.

use std::net::IpAddr;
use std::time::Duration;

use super::features::Notice;
use super::parse;
use super::reader::Reader;
use crate::interfaces::filter::Filter;

/// Interface discovery.
#[derive(Debug)]
pub struct WatchConfig {
    pub filter: Filter,
    pub mode: WatchMode,
}

/// How links are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchMode {
    Watch,
    Poll(Duration),
}

/// How programs are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttachConfig {
    pub direction: Direction,
    pub mode: AttachMode,
    /// Attempts in all.
    pub attempts: u32,
    pub anchor_ingress: Anchor,
    pub anchor_egress: Anchor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ingress,
    Egress,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachMode {
    /// TCX; tc on a kernel that does not know it.
    Tcx,
    Tc,
    /// TCX, on any error tc.
    Any,
}

/// Place among other TCX programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    None,
    Head,
    Tail,
}

/// Which address names the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentAddress {
    Fixed(IpAddr),
    External(AddressFamily),
    Local(AddressFamily),
    Interface(String, AddressFamily),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressFamily {
    Any,
    V4,
    V6,
}

impl AgentAddress {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let fixed = reader.string("AGENT_IP");
        let (place, family) = (
            reader.string("AGENT_IP_IFACE"),
            reader.string("AGENT_IP_TYPE"),
        );
        if !fixed.is_empty() {
            if let Ok(address) = fixed.parse() {
                return Self::Fixed(address);
            }
            reader.problem(format!("AGENT_IP: can't parse provided IP {fixed:?}"));
        }
        let family = match family.as_str() {
            "any" => AddressFamily::Any,
            "ipv4" => AddressFamily::V4,
            "ipv6" => AddressFamily::V6,
            _ => {
                reader.problem(format!(
                    "AGENT_IP_TYPE: invalid IP type {family:?}, valid values are ipv4, ipv6 or any"
                ));
                AddressFamily::Any
            }
        };
        match (place.as_str(), place.strip_prefix("name:")) {
            ("external", _) => Self::External(family),
            ("local", _) => Self::Local(family),
            (_, Some(name)) => Self::Interface(name.to_owned(), family),
            _ => {
                reader.problem(format!(
                    "AGENT_IP_IFACE: invalid IP interface {place:?}, valid values are local, external or name:<iface_name>"
                ));
                Self::External(family)
            }
        }
    }
}

/// `None` only together with a problem.
pub(super) fn read_watch(reader: &mut Reader, notices: &mut Vec<Notice>) -> Option<WatchConfig> {
    let (allow, deny) = (reader.list("INTERFACES"), reader.list("EXCLUDE_INTERFACES"));
    let networks = reader.list("INTERFACE_IPS");
    // The default exclusion is no conflict; only what somebody wrote is.
    if !networks.is_empty() && (!allow.is_empty() || reader.is_set("EXCLUDE_INTERFACES")) {
        reader.problem(
            "INTERFACES/EXCLUDE_INTERFACES and INTERFACE_IPS are mutually exclusive".to_owned(),
        );
    }
    let filter = if networks.is_empty() {
        Filter::by_names(&allow, &deny)
            .map_err(|problem| format!("configuring interface filters: {problem}"))
    } else {
        Filter::by_addresses(&networks).map_err(|problem| format!("INTERFACE_IPS: {problem}"))
    };
    let filter = reader.keep(filter);
    let listen = reader.string("LISTEN_INTERFACES");
    let mode = if listen == "poll" {
        WatchMode::Poll(reader.period("LISTEN_POLL_PERIOD"))
    } else {
        if listen != "watch" {
            notices.push(Notice::other(format!(
                "LISTEN_INTERFACES: unknown value {listen:?}, using watch"
            )));
        }
        reader.duration("LISTEN_POLL_PERIOD");
        WatchMode::Watch
    };
    let text = reader.string("PREFERRED_INTERFACE_FOR_MAC_PREFIX");
    if let Err(problem) = parse::mac_prefixes(&text) {
        reader.problem(format!("PREFERRED_INTERFACE_FOR_MAC_PREFIX: {problem}"));
    }
    Some(WatchConfig {
        filter: filter?,
        mode,
    })
}

pub(super) fn read_attach(reader: &mut Reader, notices: &mut Vec<Notice>) -> AttachConfig {
    let direction = match reader.string("DIRECTION").as_str() {
        "ingress" => Direction::Ingress,
        "egress" => Direction::Egress,
        "both" => Direction::Both,
        other => {
            notices.push(Notice::other(format!(
                "DIRECTION: unknown value {other:?}, using both"
            )));
            Direction::Both
        }
    };
    let mode = match reader.string("TC_ATTACH_MODE").as_str() {
        "tcx" => AttachMode::Tcx,
        "tc" => AttachMode::Tc,
        _ => AttachMode::Any,
    };
    let mut anchor = |name| match reader.string(name).as_str() {
        "head" => Anchor::Head,
        "tail" => Anchor::Tail,
        _ => Anchor::None,
    };
    let (anchor_ingress, anchor_egress) = (
        anchor("TCX_ATTACH_ANCHOR_INGRESS"),
        anchor("TCX_ATTACH_ANCHOR_EGRESS"),
    );
    AttachConfig {
        direction,
        mode,
        attempts: reader.count("TC_ATTACH_RETRIES", 1) as u32,
        anchor_ingress,
        anchor_egress,
    }
}
