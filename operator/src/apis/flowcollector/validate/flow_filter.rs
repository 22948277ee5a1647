//! The agents' filter: addresses, ports and sampling.

use core::net::IpAddr;
use std::collections::BTreeSet;

use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Subject;
use crate::apis::flowcollector::v1beta2::flow_filter::FlowFilterRule;
use crate::apis::validation::Findings;

const PATH: &str = "spec.agent.ebpf.flowFilter";

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let filter = match &subject.effective.agent.flow_filter {
        Some(filter) if filter.enable == Some(true) => filter,
        _ => return,
    };
    let mut keys = BTreeSet::new();
    for (at, rule) in filter.rules.iter().flatten().enumerate() {
        let path = format!("{PATH}.rules[{at}]");
        let part = |cidr: &Option<String>| cidr.clone().unwrap_or_default();
        let key = format!("{}-{}", part(&rule.cidr), part(&rule.peer_cidr));
        if !keys.insert(key.clone()) {
            findings.refuse(
                &path,
                format!("the key {key} (cidr, peerCIDR) already exists in another rule"),
                "merge the two, or change one of the ranges",
            );
        }
        check_rule(&path, rule, findings);
        check_used(&path, rule, findings);
    }
    check_rule(PATH, &filter.inline, findings);
    // Beside rules it has no effect.
    if filter.rules.iter().flatten().next().is_none() {
        if filter.inline == FlowFilterRule::default() {
            findings.warn(
                format!("{PATH}.enable"),
                "is true, and there is no rule, so that all flows are kept",
                "add rules, or set it to false",
            );
        }
        check_used(PATH, &filter.inline, findings);
    }
}

/// What NetObserv does not look at.
fn check_used(path: &str, rule: &FlowFilterRule, findings: &mut Findings) {
    if let Some(address) = rule.peer_ip.as_ref().filter(|text| !text.is_empty())
        && address.parse::<IpAddr>().is_err()
    {
        findings.warn(
            format!("{path}.peerIP"),
            format!("{address:?} is no address"),
            "write it as 10.0.0.1 or fd00::1, or a range as peerCIDR",
        );
    }
    if let Some(sampling) = rule.sampling.filter(|sampling| *sampling < 0) {
        findings.refuse(
            format!("{path}.sampling"),
            format!("{sampling} is less than 0"),
            "write out of how many packets one is looked at, such as 50",
        );
    }
}

fn check_rule(path: &str, rule: &FlowFilterRule, findings: &mut Findings) {
    for (name, range) in [("cidr", &rule.cidr), ("peerCIDR", &rule.peer_cidr)] {
        if let Some(range) = range.as_ref().filter(|range| !range.is_empty())
            && range.parse::<IpNet>().is_err()
        {
            findings.refuse(
                format!("{path}.{name}"),
                format!("{range:?} is no address range"),
                "write it as 10.0.0.0/8 or fd00::/8",
            );
        }
    }
    let ports = [
        ("ports", &rule.ports),
        ("sourcePorts", &rule.source_ports),
        ("destPorts", &rule.dest_ports),
    ];
    for (name, given) in ports {
        if let Some(given) = given.as_ref().filter(|given| is_set(given))
            && let Err(problem) = check_ports(given)
        {
            findings.refuse(
                format!("{path}.{name}"),
                problem,
                "write one port as 80, a range as \"80-90\" or two ports as \"80,443\"",
            );
        }
    }
    let is_given = |given: &Option<IntOrString>| given.as_ref().is_some_and(is_set);
    if is_given(&rule.ports) {
        for (name, other) in &ports[1..] {
            if is_given(other) {
                findings.refuse(
                    format!("{path}.ports"),
                    format!("cannot be used together with {name}"),
                    format!("remove ports or {name}"),
                );
            }
        }
    }
}

/// 0 and nothing both mean that there is no port.
fn is_set(given: &IntOrString) -> bool {
    match given {
        IntOrString::Int(port) => *port != 0,
        IntOrString::String(text) => !text.is_empty(),
    }
}

fn check_ports(given: &IntOrString) -> Result<(), String> {
    let text = match given {
        IntOrString::Int(port) => {
            return match u16::try_from(*port) {
                Ok(_) => Ok(()),
                Err(_) => Err(format!("{port} is no port from 1 to 65535")),
            };
        }
        IntOrString::String(text) => text,
    };
    if let Some((start, end)) = text.split_once('-') {
        let start =
            port(start).map_err(|problem| format!("start of the range {text:?}: {problem}"))?;
        let end = port(end).map_err(|problem| format!("end of the range {text:?}: {problem}"))?;
        return if start < end {
            Ok(())
        } else {
            Err(format!("the range {text:?} does not end after its start"))
        };
    }
    if text.contains(',') {
        let parts: Vec<_> = text.split(',').collect();
        if parts.len() != 2 {
            return Err(format!("{text:?} is not two ports"));
        }
        for part in parts {
            port(part).map_err(|problem| format!("{text:?}: {problem}"))?;
        }
        return Ok(());
    }
    port(text).map(|_| ())
}

fn port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("{text:?} is no port from 1 to 65535")),
        Ok(port) => Ok(port),
    }
}
