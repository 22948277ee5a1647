//! The agents' filter as they read it: a JSON array of rules, keys in the agent's order, nothing for what is absent.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::apis::flowcollector::v1beta2::flow_filter::{
    FilterAction, FilterDirection, FilterProtocol, FlowFilterRule, TcpFlags,
};
use crate::effective::Effective;

#[skip_serializing_none]
#[derive(Serialize)]
struct Rule<'a> {
    direction: Option<&'a str>,
    ip_cidr: Option<&'a str>,
    protocol: Option<&'a str>,
    source_port: Option<i32>,
    destination_port: Option<i32>,
    port: Option<i32>,
    source_port_range: Option<&'a str>,
    source_ports: Option<&'a str>,
    destination_port_range: Option<&'a str>,
    destination_ports: Option<&'a str>,
    port_range: Option<&'a str>,
    ports: Option<&'a str>,
    icmp_type: Option<isize>,
    icmp_code: Option<isize>,
    peer_ip: Option<&'a str>,
    action: Option<&'a str>,
    tcp_flags: Option<&'a str>,
    drops: Option<bool>,
    sample: Option<i32>,
    peer_cidr: Option<&'a str>,
}

/// The rules; none if nothing is filtered.
pub fn rules(effective: &Effective) -> Option<String> {
    let rules = effective.flow_filter_rules();
    let rules: Vec<_> = rules.iter().map(rule).collect();
    (!rules.is_empty()).then(|| {
        serde_json::to_string(&rules).expect("numbers, texts and truth values are always JSON")
    })
}

fn rule(rule: &FlowFilterRule) -> Rule<'_> {
    let source = Ports::of(rule.source_ports.as_ref());
    let destination = Ports::of(rule.dest_ports.as_ref());
    let either = Ports::of(rule.ports.as_ref());
    Rule {
        direction: rule.direction.map(FilterDirection::as_str),
        ip_cidr: text(rule.cidr.as_ref()),
        protocol: rule.protocol.map(FilterProtocol::as_str),
        source_port: source.one,
        destination_port: destination.one,
        port: either.one,
        source_port_range: source.range,
        source_ports: source.list,
        destination_port_range: destination.range,
        destination_ports: destination.list,
        port_range: either.range,
        ports: either.list,
        // 0 counts as absent, as the field's description says.
        icmp_type: rule.icmp_type.filter(|number| *number != 0),
        icmp_code: rule.icmp_code.filter(|number| *number != 0),
        peer_ip: text(rule.peer_ip.as_ref()),
        action: rule.action.map(FilterAction::as_str),
        tcp_flags: rule.tcp_flags.map(TcpFlags::as_str),
        drops: rule.pkt_drops.filter(|is_dropped| *is_dropped),
        sample: rule.sampling.filter(|one_in| *one_in != 0),
        peer_cidr: text(rule.peer_cidr.as_ref()),
    }
}

fn text(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// A port, a range of ports or a list of them; at most one of the three.
#[derive(Default)]
struct Ports<'a> {
    one: Option<i32>,
    range: Option<&'a str>,
    list: Option<&'a str>,
}

impl<'a> Ports<'a> {
    fn of(ports: Option<&'a IntOrString>) -> Self {
        let mut parts = Self::default();
        match ports {
            Some(IntOrString::Int(port)) => parts.one = Some(*port).filter(|port| *port != 0),
            Some(IntOrString::String(text)) if text.contains('-') => parts.range = Some(text),
            Some(IntOrString::String(text)) if text.contains(',') => parts.list = Some(text),
            // A number in quotes is a port too.
            Some(IntOrString::String(text)) => parts.one = text.trim().parse().ok(),
            None => {}
        }
        parts
    }
}
