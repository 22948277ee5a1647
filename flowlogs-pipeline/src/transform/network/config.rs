//! Settings of the network transform.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::config::Problems;

/// Settings of the network transform.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkConfig {
    /// Applied in order.
    pub rules: Vec<NetworkRule>,
    /// How Kubernetes is reached; used by rules that are not available in this version.
    pub kube_config: Option<Value>,
    /// Names of ports; /etc/services when empty.
    pub services_file: String,
    /// Names of protocols; /etc/protocols when empty.
    pub protocols_file: String,
    /// Names of subnets; the first that holds an address wins.
    pub subnet_labels: Vec<SubnetLabel>,
    /// Fields that `reinterpret_direction` reads and writes.
    pub direction_info: DirectionInfo,
}

/// One rule: `type` and the object that belongs to it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NetworkRule {
    /// add_subnet, add_service, add_subnet_label, reinterpret_direction or decode_tcp_flags.
    pub r#type: String,
    /// For add_subnet.
    pub add_subnet: Option<AddSubnet>,
    /// For add_service.
    pub add_service: Option<AddService>,
    /// For add_subnet_label.
    pub add_subnet_label: Option<InputOutput>,
    /// For decode_tcp_flags.
    pub decode_tcp_flags: Option<InputOutput>,
    /// Not available in this version.
    pub add_location: Option<Value>,
    /// Not available in this version.
    pub kubernetes: Option<Value>,
    /// Not available in this version.
    pub kubernetes_infra: Option<Value>,
}

/// Which field is read and which is written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct InputOutput {
    /// Read.
    pub input: String,
    /// Written.
    pub output: String,
}

/// Writes the network of an address.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AddSubnet {
    /// Field with the address.
    pub input: String,
    /// Written.
    pub output: String,
    /// Length of the prefix, such as /24.
    pub subnet_mask: String,
}

/// Writes the name of a port.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AddService {
    /// Field with the port.
    pub input: String,
    /// Written.
    pub output: String,
    /// Field with the protocol, a number or a name.
    pub protocol: String,
}

/// Names some subnets.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SubnetLabel {
    /// The name.
    pub name: String,
    /// The subnets.
    pub cidrs: Vec<String>,
}

/// Fields that `reinterpret_direction` reads and writes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DirectionInfo {
    /// Address of the reporting node.
    #[serde(rename = "reporterIPField")]
    pub reporter_ip_field: String,
    /// Node of the source.
    pub src_host_field: String,
    /// Node of the destination.
    pub dst_host_field: String,
    /// Written: 0 ingress, 1 egress, 2 inner.
    pub flow_direction_field: String,
    /// Gets what the field above was before, when set.
    pub if_direction_field: String,
}

impl NetworkConfig {
    /// Reports what cannot work.
    pub fn validate(&self, problems: &mut Problems) {
        problems.at("rules", |problems| {
            for (index, rule) in self.rules.iter().enumerate() {
                problems.at_index(index, |problems| self.validate_rule(rule, problems));
            }
        });
        problems.at("subnetLabels", |problems| {
            for (index, label) in self.subnet_labels.iter().enumerate() {
                problems.at_index(index, |problems| {
                    for cidr in label
                        .cidrs
                        .iter()
                        .filter(|cidr| cidr.parse::<IpNet>().is_err())
                    {
                        problems.error(
                            "cidrs",
                            format_args!("\"{cidr}\" is not a subnet such as 10.0.0.0/8"),
                        );
                    }
                });
            }
        });
    }

    fn validate_rule(&self, rule: &NetworkRule, problems: &mut Problems) {
        let missing = |key: &str, problems: &mut Problems| {
            problems.error(
                key,
                format_args!("is missing: the rule {} needs it", rule.r#type),
            );
        };
        match rule.r#type.as_str() {
            "add_subnet" => match &rule.add_subnet {
                None => missing("add_subnet", problems),
                Some(subnet) if prefix_length(&subnet.subnet_mask).is_none() => problems.warn(
                    "add_subnet.subnet_mask",
                    format_args!("\"{}\" is no prefix length such as /24: nothing is written", subnet.subnet_mask),
                ),
                Some(_) => {}
            },
            "add_service" if rule.add_service.is_none() => missing("add_service", problems),
            "add_subnet_label" if rule.add_subnet_label.is_none() => missing("add_subnet_label", problems),
            "decode_tcp_flags" if rule.decode_tcp_flags.is_none() => missing("decode_tcp_flags", problems),
            "reinterpret_direction" => self.direction_info.validate(problems),
            "add_service" | "add_subnet_label" | "decode_tcp_flags" => {}
            later @ ("add_kubernetes" | "add_kubernetes_infra" | "add_location") => {
                problems.error("type", format_args!("the rule \"{later}\" is not available in this version"));
            }
            other => problems.error(
                "type",
                format_args!(
                    "unknown rule \"{other}\": use one of add_subnet, add_service, add_subnet_label, \
                     reinterpret_direction, decode_tcp_flags"
                ),
            ),
        }
    }
}

impl DirectionInfo {
    fn validate(&self, problems: &mut Problems) {
        for (key, field) in [
            ("reporterIPField", &self.reporter_ip_field),
            ("srcHostField", &self.src_host_field),
            ("dstHostField", &self.dst_host_field),
            ("flowDirectionField", &self.flow_direction_field),
        ] {
            if field.is_empty() {
                problems.error(
                    "",
                    format_args!("reinterpret_direction needs directionInfo.{key}"),
                );
            }
        }
    }
}

/// The number of `/24`.
pub fn prefix_length(mask: &str) -> Option<u8> {
    mask.strip_prefix('/')?
        .parse()
        .ok()
        .filter(|length| *length <= 128)
}
