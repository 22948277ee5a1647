//! Subnet labels of this host: its connected networks by interface, then the well-known ranges.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};

/// Ranges that have a meaning anywhere, most specific first; the last one catches the rest.
const WELL_KNOWN: [(&str, &[&str]); 6] = [
    ("Loopback", &["127.0.0.0/8", "::1/128"]),
    ("Link local", &["169.254.0.0/16", "fe80::/10"]),
    ("Multicast", &["224.0.0.0/4", "ff00::/8"]),
    ("Broadcast", &["255.255.255.255/32", "0.0.0.0/32"]),
    (
        "Private network",
        &[
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "fc00::/7",
        ],
    ),
    ("Internet", &["0.0.0.0/0", "::/0"]),
];

/// The `subnetLabels` of the pipeline's network stage, in order of precedence.
pub fn labels(demo: bool) -> anyhow::Result<Value> {
    let mut labels: Vec<Value> = Vec::new();
    if demo {
        labels.extend(
            crate::demo::network::SUBNETS
                .iter()
                .map(|(name, cidrs)| json!({"name": name, "cidrs": cidrs})),
        );
    }
    for (interface, network) in connected()? {
        labels.push(
            json!({"name": format!("{interface} {network}"), "cidrs": [network.to_string()]}),
        );
    }
    labels.extend(
        WELL_KNOWN
            .iter()
            .map(|(name, cidrs)| json!({"name": name, "cidrs": cidrs})),
    );
    Ok(Value::Array(labels))
}

/// Networks of this host's own addresses, without loopback and link-local ones.
fn connected() -> anyhow::Result<Vec<(String, IpNet)>> {
    let mut found: Vec<(String, IpNet)> = Vec::new();
    for interface in nix::ifaddrs::getifaddrs()? {
        let address = |storage: Option<nix::sys::socket::SockaddrStorage>| -> Option<IpAddr> {
            let storage = storage?;
            storage
                .as_sockaddr_in()
                .map(|v4| IpAddr::from(v4.ip()))
                .or_else(|| storage.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))
        };
        let (Some(ip), Some(mask)) = (address(interface.address), address(interface.netmask))
        else {
            continue;
        };
        let Ok(network) = IpNet::with_netmask(ip, mask) else {
            continue;
        };
        let network = network.trunc();
        let is_ordinary = match network {
            IpNet::V4(v4) => !v4.addr().is_loopback() && !v4.addr().is_link_local(),
            IpNet::V6(v6) => !v6.addr().is_loopback() && !v6.addr().is_unicast_link_local(),
        };
        if is_ordinary && !found.iter().any(|(_, known)| *known == network) {
            found.push((interface.interface_name, network));
        }
    }
    found.sort_by_key(|(_, network)| std::cmp::Reverse(network.prefix_len()));
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_address_gets_a_label_and_each_range_parses() {
        let labels = labels(true).unwrap();
        for ip in ["8.8.8.8", "2001:db8::1", "10.1.2.3", "fe80::1"] {
            let ip: IpAddr = ip.parse().unwrap();
            let is_labelled = labels.as_array().unwrap().iter().any(|label| {
                label["cidrs"].as_array().unwrap().iter().any(|cidr| {
                    cidr.as_str()
                        .unwrap()
                        .parse::<IpNet>()
                        .unwrap()
                        .contains(&ip)
                })
            });
            assert!(is_labelled, "{ip}");
        }
    }
}
