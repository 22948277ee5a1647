//! Address ranges that OpenShift says it uses: of machines, pods, services, and addresses from outside.
//!
//! Each is asked for by itself: what cannot be read takes nothing else away, and what was known of it stays.

use std::net::IpAddr;

use ipnet::IpNet;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::Api;
use serde::Deserialize;
use serde_json::Value;

use super::discover::{CONFIG, OPERATOR, object};
use crate::apis::flowcollector::v1beta2::processor::SubnetLabel;
use crate::refusal;

/// What tells that the cluster's network can be asked.
pub const API: &str = "networks.operator.openshift.io/v1";

const MACHINES: &str = "Machines";
const PODS: &str = "Pods";
const SERVICES: &str = "Services";
const EXTERNAL: &str = "EXT:ExternalIP";

/// Ranges that OVN-Kubernetes uses between machines, by their place under `ovnKubernetesConfig`, unless told otherwise.
const OVN_RANGES: [(&str, &str); 3] = [
    ("/v4InternalSubnet", "100.64.0.0/16"),
    ("/ipv4/internalTransitSwitchSubnet", "100.88.0.0/16"),
    (
        "/gatewayConfig/ipv4/internalMasqueradeSubnet",
        "169.254.0.0/17",
    ),
];

/// Names for the cluster's own ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subnets {
    /// In the order in which they win.
    pub labels: Vec<SubnetLabel>,
    /// What could not be read.
    pub problem: Option<String>,
}

/// What was read, or why not.
#[derive(Debug)]
pub struct Sources {
    /// The text of the installer's configuration.
    pub install_config: Result<String, String>,
    /// `Network` of the network operator.
    pub operator: Result<Value, String>,
    /// `Network` of the cluster's configuration.
    pub config: Result<Value, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InstallConfig {
    networking: Networking,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Networking {
    machine_network: Vec<Range>,
}

#[derive(Debug, Deserialize)]
struct Range {
    cidr: String,
}

/// Asks the cluster.
pub async fn ask(client: &Client) -> Sources {
    let text = |error: kube::Error| refusal::words(&error);
    let config_maps: Api<ConfigMap> = Api::namespaced(client.clone(), "kube-system");
    let install_config = config_maps.get("cluster-config-v1").await;
    Sources {
        install_config: install_config
            .map_err(|error| {
                format!(
                    "ConfigMap kube-system/cluster-config-v1: {}",
                    refusal::words(&error)
                )
            })
            .and_then(|config_map| {
                let mut data = config_map.data.unwrap_or_default();
                data.remove("install-config").ok_or_else(|| {
                    "ConfigMap kube-system/cluster-config-v1 has no key install-config".to_owned()
                })
            }),
        operator: object(client, OPERATOR, "Network", "networks", "cluster")
            .await
            .map_err(text),
        config: object(client, CONFIG, "Network", "networks", "cluster")
            .await
            .map_err(text),
    }
}

/// Makes labels of what was read. `known` are the last ones: of what cannot be read now, they stay.
pub fn label(sources: &Sources, api_servers: &[String], known: Option<&Subnets>) -> Subnets {
    let machines = sources.install_config.as_ref().map_err(Clone::clone);
    let machines = machines.and_then(|text| {
        serde_saphyr::from_str::<InstallConfig>(text)
            .map_err(|error| format!("install-config of kube-system/cluster-config-v1: {error}"))
    });
    let machines = machines.map(|config| {
        let ranges = config.networking.machine_network.into_iter();
        ranges.map(|range| range.cidr).collect::<Vec<_>>()
    });
    let ovn = named("Network.operator.openshift.io", &sources.operator).map(ovn_ranges);
    let config = named("Network.config.openshift.io", &sources.config);
    let of_config = |pick: fn(&Value) -> Vec<String>| config.clone().map(pick);
    let mut services = of_config(|config| texts(&config["spec"]["serviceNetwork"]));
    if let Ok(services) = &mut services {
        let machines = machines.as_deref().unwrap_or_default();
        let inside: Vec<IpNet> = services
            .iter()
            .chain(machines)
            .filter_map(|range| range.parse().ok())
            .collect();
        services.extend(outside(api_servers, &inside));
    }
    let mut subnets = Subnets::default();
    let mut problems = Vec::new();
    for (name, parts) in [
        (MACHINES, vec![machines, ovn]),
        (PODS, vec![of_config(pods)]),
        (SERVICES, vec![services]),
        (EXTERNAL, vec![of_config(external)]),
    ] {
        let mut cidrs = Vec::new();
        let mut is_whole = true;
        for part in parts {
            match part {
                Ok(part) => cidrs.extend(part),
                Err(problem) => {
                    is_whole = false;
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
            }
        }
        if !is_whole {
            let before = known.into_iter().flat_map(|known| &known.labels);
            let before = before.filter(|label| label.name == name);
            for range in before.flat_map(|label| &label.cidrs) {
                if !cidrs.contains(range) {
                    cidrs.push(range.clone());
                }
            }
        }
        if !cidrs.is_empty() {
            subnets.labels.push(SubnetLabel {
                cidrs,
                name: name.to_owned(),
            });
        }
    }
    subnets.problem = Some(problems.join("; ")).filter(|text| !text.is_empty());
    subnets
}

/// The object, or the problem with its name.
fn named<'a>(name: &str, object: &'a Result<Value, String>) -> Result<&'a Value, String> {
    object
        .as_ref()
        .map_err(|problem| format!("{name} cluster: {problem}"))
}

fn ovn_ranges(operator: &Value) -> Vec<String> {
    let ovn = &operator["spec"]["defaultNetwork"]["ovnKubernetesConfig"];
    OVN_RANGES
        .map(|(place, default)| {
            let given = ovn.pointer(place).and_then(Value::as_str);
            given
                .filter(|text| !text.is_empty())
                .unwrap_or(default)
                .to_owned()
        })
        .into()
}

fn pods(config: &Value) -> Vec<String> {
    let networks = config["spec"]["clusterNetwork"].as_array();
    let ranges = networks.into_iter().flatten();
    ranges
        .filter_map(|network| network["cidr"].as_str().map(str::to_owned))
        .collect()
}

fn external(config: &Value) -> Vec<String> {
    texts(&config["spec"]["externalIP"]["autoAssignCIDRs"])
}

fn texts(list: &Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten();
    texts
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

/// Addresses that no range holds, as ranges of one address.
fn outside(addresses: &[String], inside: &[IpNet]) -> Vec<String> {
    addresses
        .iter()
        .filter_map(|address| address.parse::<IpAddr>().ok())
        .map(IpNet::from)
        .filter(|host| !inside.iter().any(|range| range.contains(host)))
        .map(|host| host.to_string())
        .collect()
}
