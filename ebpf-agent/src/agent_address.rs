//! The address that names this agent in every flow.
//!
//! `app` asks once at start.
//!
//! **Invariant:** never a loopback or link-local address, unless one is configured.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use nix::ifaddrs::getifaddrs;
use tracing::warn;

use crate::config::{AddressFamily, AgentAddress};

/// Any address behind the default route; nothing is sent to it.
const OUTSIDE_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)), 80);
const OUTSIDE_V6: SocketAddr = SocketAddr::new(
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888)),
    80,
);

/// Why there is no address. Causes are in the text alone, so that a chain of errors says them once.
#[derive(Debug, thiserror::Error)]
pub enum AgentAddressError {
    #[error("acquiring agent IP: no route to {target}: {cause}, and no address; set AGENT_IP")]
    NoRoute {
        target: SocketAddr,
        cause: std::io::Error,
    },
    #[error("acquiring agent IP: no matching {family:?} addresses found{place}; set AGENT_IP")]
    NoAddress { family: String, place: String },
    #[error("acquiring agent IP: cannot list addresses: {0}")]
    List(nix::Error),
}

/// One address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Assigned {
    interface: String,
    address: IpAddr,
}

/// Finds the address.
pub fn find(wanted: &AgentAddress) -> Result<IpAddr, AgentAddressError> {
    match wanted {
        AgentAddress::Fixed(address) => Ok(*address),
        AgentAddress::Local(family) => choose(&assigned()?, None, *family),
        AgentAddress::Interface(name, family) => choose(&assigned()?, Some(name), *family),
        AgentAddress::External(family) => {
            let has_v4 = || assigned().map(|list| choose(&list, None, AddressFamily::V4).is_ok());
            let target = match family {
                AddressFamily::V4 => OUTSIDE_V4,
                AddressFamily::Any if has_v4()? => OUTSIDE_V4,
                AddressFamily::Any | AddressFamily::V6 => OUTSIDE_V6,
            };
            match towards(target) {
                Ok(address) => Ok(address),
                Err(cause) => without_route(&assigned()?, *family, target, cause),
            }
        }
    }
}

/// A host that is not connected still has addresses, and one of them names it as well.
fn without_route(
    list: &[Assigned],
    family: AddressFamily,
    target: SocketAddr,
    cause: std::io::Error,
) -> Result<IpAddr, AgentAddressError> {
    let local = choose(list, None, family);
    if let Ok(address) = &local {
        warn!(%address, "no route to {target} ({cause}): reporting as a local address");
    }
    local.map_err(|_| AgentAddressError::NoRoute { target, cause })
}

/// Addresses of one interface of the calling thread's namespace.
pub fn addresses_of(interface: &str) -> Vec<IpAddr> {
    let list = assigned().unwrap_or_default();
    list.into_iter()
        .filter(|assigned| assigned.interface == interface)
        .map(|assigned| assigned.address)
        .collect()
}

fn assigned() -> Result<Vec<Assigned>, AgentAddressError> {
    let all = getifaddrs().map_err(AgentAddressError::List)?;
    let list = all.filter_map(|entry| {
        let address = entry.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        let v6 = address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()));
        Some(Assigned {
            interface: entry.interface_name,
            address: v4.or(v6)?,
        })
    });
    Ok(list.collect())
}

fn choose(
    list: &[Assigned],
    interface: Option<&str>,
    family: AddressFamily,
) -> Result<IpAddr, AgentAddressError> {
    let on_interface = list
        .iter()
        .filter(|assigned| interface.is_none_or(|name| assigned.interface == name));
    let mut acceptable = on_interface
        .map(|assigned| assigned.address)
        .filter(|address| is_acceptable(*address, family));
    acceptable
        .next()
        .ok_or_else(|| AgentAddressError::NoAddress {
            family: format!("{family:?}").to_lowercase(),
            place: interface
                .map(|name| format!(" at interface {name}"))
                .unwrap_or_default(),
        })
}

fn is_acceptable(address: IpAddr, family: AddressFamily) -> bool {
    let is_local = match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local(),
    };
    let is_wanted = match family {
        AddressFamily::Any => true,
        AddressFamily::V4 => address.is_ipv4(),
        AddressFamily::V6 => address.is_ipv6(),
    };
    is_wanted && !is_local
}

fn towards(target: SocketAddr) -> std::io::Result<IpAddr> {
    let any: IpAddr = if target.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(target)?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn list() -> Vec<Assigned> {
        [
            ("lo", "127.0.0.1"),
            ("lo", "::1"),
            ("eth0", "fe80::1"),
            ("eth0", "fd00::7"),
            ("eth0", "169.254.1.1"),
            ("eth1", "10.0.0.1"),
            ("eth1", "fd00::8"),
        ]
        .map(|(interface, address)| Assigned {
            interface: interface.to_owned(),
            address: address.parse().unwrap(),
        })
        .to_vec()
    }

    #[test]
    fn the_first_acceptable_address_is_taken() {
        use AddressFamily::{Any, V4, V6};
        let cases = [
            (None, Any, "fd00::7"),
            (None, V4, "10.0.0.1"),
            (None, V6, "fd00::7"),
            (Some("eth1"), Any, "10.0.0.1"),
            (Some("eth1"), V6, "fd00::8"),
        ];
        for (interface, family, expected) in cases {
            assert_eq!(
                choose(&list(), interface, family).unwrap(),
                expected.parse::<IpAddr>().unwrap()
            );
        }
        let error = choose(&list(), Some("eth0"), V4).unwrap_err().to_string();
        assert_eq!(
            error,
            r#"acquiring agent IP: no matching "v4" addresses found at interface eth0; set AGENT_IP"#
        );
    }

    #[test]
    fn without_a_route_a_local_address_does_and_without_that_nothing() {
        let find = |list: &[Assigned]| {
            let cause = std::io::Error::from(std::io::ErrorKind::NetworkUnreachable);
            without_route(list, AddressFamily::V4, OUTSIDE_V4, cause)
        };
        assert_eq!(
            find(&list()).unwrap(),
            "10.0.0.1".parse::<IpAddr>().unwrap()
        );
        let error = find(&[]).unwrap_err().to_string();
        assert!(
            error.starts_with("acquiring agent IP: no route to 8.8.8.8:80: "),
            "{error}"
        );
    }

    #[test]
    fn a_fixed_address_is_taken_as_it_is() {
        let address = "127.0.0.1".parse().unwrap();
        assert_eq!(find(&AgentAddress::Fixed(address)).unwrap(), address);
    }
}
