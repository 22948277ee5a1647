//! Adds what is known about addresses, ports and flags, without Kubernetes.
//!
//! **Invariant:** a rule that does not fit a record (no such field, no address, no port) writes nothing.

pub mod config;
mod direction;
mod services;
mod subnets;
#[cfg(test)]
mod tests;

pub use config::NetworkConfig;
use config::{InputOutput, prefix_length};
use direction::Direction;
use services::Services;
use subnets::SubnetLabels;

use crate::model::{
    Address, Batch, BitNames, Key, Number, Record, TCP_FLAGS, Text, Value, ValueRef,
};
use crate::stage::Transform;

/// The network transform.
pub struct TransformNetwork {
    rules: Vec<Rule>,
    services: Option<Services>,
    labels: SubnetLabels,
}

enum Rule {
    Subnet {
        input: Key,
        output: Key,
        prefix: u8,
    },
    Service {
        input: Key,
        output: Key,
        protocol: Key,
    },
    SubnetLabel {
        input: Key,
        output: Key,
    },
    Direction(Direction),
    TcpFlags {
        input: Key,
        output: Key,
    },
}

impl TransformNetwork {
    /// Resolves the names of fields; reads the names of ports if a rule needs them.
    pub fn new(config: &NetworkConfig) -> Result<Self, String> {
        let mut rules = Vec::new();
        let mut services = None;
        let keys = |pair: &InputOutput| {
            (
                Key::from(pair.input.as_str()),
                Key::from(pair.output.as_str()),
            )
        };
        for rule in &config.rules {
            rules.extend(match rule.r#type.as_str() {
                "add_subnet" => rule.add_subnet.as_ref().and_then(|subnet| {
                    Some(Rule::Subnet {
                        input: subnet.input.as_str().into(),
                        output: subnet.output.as_str().into(),
                        prefix: prefix_length(&subnet.subnet_mask)?,
                    })
                }),
                "add_service" => {
                    if services.is_none() {
                        services = Some(Services::load(
                            &config.services_file,
                            &config.protocols_file,
                        )?);
                    }
                    rule.add_service.as_ref().map(|service| Rule::Service {
                        input: service.input.as_str().into(),
                        output: service.output.as_str().into(),
                        protocol: service.protocol.as_str().into(),
                    })
                }
                "add_subnet_label" => rule.add_subnet_label.as_ref().map(|pair| {
                    let (input, output) = keys(pair);
                    Rule::SubnetLabel { input, output }
                }),
                "decode_tcp_flags" => rule.decode_tcp_flags.as_ref().map(|pair| {
                    let (input, output) = keys(pair);
                    Rule::TcpFlags { input, output }
                }),
                "reinterpret_direction" => {
                    Some(Rule::Direction(Direction::new(&config.direction_info)))
                }
                other => return Err(format!("rule \"{other}\" is not available")),
            });
        }
        Ok(Self {
            rules,
            services,
            labels: SubnetLabels::new(&config.subnet_labels)?,
        })
    }

    fn apply(&self, rule: &Rule, record: &mut Record) {
        match rule {
            Rule::Subnet {
                input,
                output,
                prefix,
            } => {
                let network = record
                    .get(input)
                    .and_then(as_address)
                    .and_then(|address| subnet(address, *prefix));
                if let Some(network) = network {
                    record.set(output, Value::Text(Text::Shared(network.into())));
                }
            }
            Rule::Service {
                input,
                output,
                protocol,
            } => {
                let name = self.services.as_ref().and_then(|services| {
                    services.name(
                        record.get(input)?,
                        record.get(protocol).unwrap_or(ValueRef::Null),
                    )
                });
                if let Some(name) = name {
                    record.set(output, Value::Text(name));
                }
            }
            Rule::SubnetLabel { input, output } => {
                let label = record
                    .get(input)
                    .and_then(as_address)
                    .and_then(|address| self.labels.find(address));
                if let Some(label) = label {
                    record.set(output, Value::Text(Text::Shared(label.clone())));
                }
            }
            Rule::Direction(direction) => direction.apply(record),
            Rule::TcpFlags { input, output } => decode_tcp_flags(record, input, output),
        }
    }
}

impl Transform for TransformNetwork {
    fn transform(&mut self, batch: &mut Batch) {
        // Rule by rule, so that each rule's code and tables stay warm.
        for rule in &self.rules {
            for record in &mut batch.records {
                self.apply(rule, record);
            }
        }
    }
}

/// The address of a text field.
fn as_address(value: ValueRef<'_>) -> Option<Address> {
    match value {
        ValueRef::Address(address) => Some(address),
        ValueRef::Text(text) => text.parse::<std::net::IpAddr>().ok().map(Address::from),
        _ => None,
    }
}

/// The network of an address, as text with its length.
fn subnet(address: Address, prefix: u8) -> Option<String> {
    let network = ipnet::IpNet::new(address.to_ip(), prefix).ok()?;
    Some(network.trunc().to_string())
}

/// Only unsigned numbers of 16 bits and more are flags; others stay as they are.
fn decode_tcp_flags(record: &mut Record, input: &Key, output: &Key) {
    let bits = match record.get(input) {
        Some(ValueRef::Number(Number::U16(bits))) => bits,
        Some(ValueRef::Number(Number::U32(bits))) => bits as u16,
        Some(ValueRef::Number(Number::U64(bits))) => bits as u16,
        _ => return,
    };
    let names = BitNames::new(bits, &TCP_FLAGS);
    // Without a flag the same field becomes null, another field is not written.
    if input == output || names.iter().next().is_some() {
        record.set(output, Value::Bits(names));
    }
}
