//! Names of subnets: the first configured name whose subnets hold an address.
//!
//! **Invariant:** the order of the configuration decides, not the length of the prefix. So each prefix carries
//! the earliest name among its own and those of all prefixes around it, and one longest-prefix look-up answers.

use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

use super::config::SubnetLabel;
use crate::model::Address;

/// The names, by prefix.
#[derive(Default)]
pub struct SubnetLabels {
    v4: PrefixMap<Ipv4Net, usize>,
    v6: PrefixMap<Ipv6Net, usize>,
    names: Vec<Arc<str>>,
}

impl SubnetLabels {
    /// Parses all subnets.
    pub fn new(labels: &[SubnetLabel]) -> Result<Self, String> {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (place, label) in labels.iter().enumerate() {
            for cidr in &label.cidrs {
                match cidr.parse::<IpNet>() {
                    Ok(IpNet::V4(net)) => v4.push((net.trunc(), place)),
                    Ok(IpNet::V6(net)) => v6.push((net.trunc(), place)),
                    Err(error) => {
                        return Err(format!("subnet label \"{}\": {cidr}: {error}", label.name));
                    }
                }
            }
        }
        // Short prefixes first: those around a prefix are in the map, with their earliest name, when it comes.
        v4.sort_by_key(|(net, place)| (net.prefix_len(), *place));
        v6.sort_by_key(|(net, place)| (net.prefix_len(), *place));
        let mut map = Self {
            names: labels
                .iter()
                .map(|label| label.name.as_str().into())
                .collect(),
            ..Self::default()
        };
        for (net, place) in v4 {
            let around = map.v4.get_lpm(&net).map_or(place, |(_, earlier)| *earlier);
            map.v4.insert(net, place.min(around));
        }
        for (net, place) in v6 {
            let around = map.v6.get_lpm(&net).map_or(place, |(_, earlier)| *earlier);
            map.v6.insert(net, place.min(around));
        }
        Ok(map)
    }

    /// The name for an address; an empty name is none.
    pub fn find(&self, address: Address) -> Option<&Arc<str>> {
        let place = match address.as_v4() {
            Some(bits) => {
                self.v4
                    .get_lpm(&Ipv4Net::from(std::net::Ipv4Addr::from(bits)))?
                    .1
            }
            None => {
                self.v6
                    .get_lpm(&Ipv6Net::from(std::net::Ipv6Addr::from(*address.octets())))?
                    .1
            }
        };
        self.names.get(*place).filter(|name| !name.is_empty())
    }
}
