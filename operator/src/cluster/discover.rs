//! Asking the cluster. A question that gets no answer leaves what is known as it was: one lost request must not look
//! like another cluster, since each fact that changes rolls pods. What may not be read is unknown, with a line in the log.

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ListParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Client, ResourceExt as _};
use serde_json::Value;

use super::{Facts, NetworkPlugin, SECURITY_CONTEXT_CONSTRAINTS, apis, subnets};

use crate::refusal;

/// Objects read per page.
pub(super) const PAGE: u32 = 500;
/// Definition of ServiceMonitors.
const MONITORS: &str = "servicemonitors.monitoring.coreos.com";
/// Node annotation of OVN-Kubernetes.
const OVN_HOST_CIDRS: &str = "k8s.ovn.org/host-cidrs";

/// Why nothing is known.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// The list of APIs cannot be read. Guessing would deploy the settings of another platform.
    #[error(
        "list the cluster's APIs: {}; check that the API server answers and that discovery is allowed",
        refusal::words(.0)
    )]
    Apis(kube::Error),
    /// The list of APIs is empty, which it never is.
    #[error(
        "the cluster's list of APIs is empty; check that the API server is complete and not older than Kubernetes 1.29"
    )]
    NoApis,
    /// Whether this is OpenShift cannot be told.
    #[error(
        "whether this is OpenShift cannot be told: the API {SECURITY_CONTEXT_CONSTRAINTS} is known but does not answer; \
         check the API services of OpenShift"
    )]
    Platform,
    /// A fact cannot be learned, and nothing is known from before that could stand for it.
    #[error(
        "learn {fact}: {}; check that the API server answers",
        refusal::words(source)
    )]
    Fact {
        /// Which.
        fact: &'static str,
        /// Why.
        source: kube::Error,
    },
}

/// Asks for all facts; `known` are the last ones, of which those stay that cannot be learned now.
pub async fn discover(client: &Client, known: Option<&Facts>) -> Result<Facts, FactsError> {
    let apis = apis::apis(client, known.map(|known| &known.apis)).await?;
    let mut facts = Facts {
        apis,
        ..Facts::default()
    };
    let known_plugin = known.map(|known| known.network_plugin.clone());
    if facts.is_openshift() {
        let (cluster_id, version) = settle(
            "the version of OpenShift",
            version(client).await,
            known.map(|known| (known.cluster_id.clone(), known.openshift_version.clone())),
        )?;
        facts.cluster_id = cluster_id;
        facts.openshift_version = version;
        facts.network_plugin = settle(
            "the type of network",
            network_type(client).await,
            known_plugin.clone(),
        )?;
    }
    let nodes = settle(
        "the nodes",
        nodes(client).await.map(Some),
        known.map(|known| {
            Some(Nodes {
                count: known.nodes?,
                has_ovn: known.network_plugin == NetworkPlugin::OvnKubernetes,
            })
        }),
    )?;
    facts.nodes = nodes.as_ref().map(|nodes| nodes.count);
    if facts.network_plugin == NetworkPlugin::Unknown {
        facts.network_plugin = if nodes.is_some_and(|nodes| nodes.has_ovn) {
            NetworkPlugin::OvnKubernetes
        } else {
            settle("the network plugin", kindnet(client).await, known_plugin)?
        };
    }
    (facts.api_server_addresses, facts.api_server_ports) = settle(
        "the API server's addresses",
        api_servers(client).await,
        known.map(|known| {
            (
                known.api_server_addresses.clone(),
                known.api_server_ports.clone(),
            )
        }),
    )?;
    if facts.has_monitors() {
        facts.has_discovery_role = settle(
            "whether ServiceMonitors choose how targets are found",
            discovery_role(client).await,
            known.map(|known| known.has_discovery_role),
        )?;
    }
    if facts.is_openshift() && facts.apis.contains(subnets::API) {
        let known = known.map(|known| &known.subnets);
        let sources = subnets::ask(client).await;
        facts.subnets = subnets::label(&sources, &facts.api_server_addresses, known);
        if let Some(problem) = &facts.subnets.problem {
            tracing::warn!(
                problem,
                "some of the cluster's address ranges cannot be read"
            );
        }
    }
    Ok(facts)
}

/// The answer; without one what is known, and the first time nothing where it is refused.
fn settle<T: Default>(
    fact: &'static str,
    answer: Result<T, kube::Error>,
    known: Option<T>,
) -> Result<T, FactsError> {
    let source = match answer {
        Ok(answer) => return Ok(answer),
        Err(source) => source,
    };
    match known {
        Some(known) => {
            tracing::warn!(fact, error = %source, "cannot be learned now; stays as it was");
            Ok(known)
        }
        None if is_refused(&source) => {
            tracing::warn!(fact, error = %source, "may not be learned; goes on without");
            Ok(T::default())
        }
        None => Err(FactsError::Fact { fact, source }),
    }
}

/// Whether the API server refuses an answer for good. By code: an API that is not served is refused in plain text.
pub(super) fn is_refused(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 403 | 404))
}

/// Id and version of the cluster.
async fn version(client: &Client) -> Result<(Option<String>, Option<String>), kube::Error> {
    let version = config(client, "ClusterVersion", "clusterversions", "version").await?;
    let id = version["spec"]["clusterID"].as_str().map(str::to_owned);
    let completed = version["status"]["history"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|entry| entry["state"] == "Completed")
        .and_then(|entry| entry["version"].as_str())
        .map(str::to_owned);
    Ok((id, completed))
}

async fn network_type(client: &Client) -> Result<NetworkPlugin, kube::Error> {
    let network = config(client, "Network", "networks", "cluster").await?;
    Ok(match network["spec"]["networkType"].as_str() {
        Some("OVNKubernetes") => NetworkPlugin::OvnKubernetes,
        Some("") | None => NetworkPlugin::Unknown,
        Some(other) => NetworkPlugin::Other(other.to_owned()),
    })
}

/// Group of OpenShift's own configuration.
pub(super) const CONFIG: &str = "config.openshift.io";
/// Group of what OpenShift's operators are told.
pub(super) const OPERATOR: &str = "operator.openshift.io";

/// An object of OpenShift's own configuration.
async fn config(
    client: &Client,
    kind: &str,
    plural: &str,
    name: &str,
) -> Result<Value, kube::Error> {
    object(client, CONFIG, kind, plural, name).await
}

/// An object of OpenShift.
pub(super) async fn object(
    client: &Client,
    group: &str,
    kind: &str,
    plural: &str,
    name: &str,
) -> Result<Value, kube::Error> {
    let kind = GroupVersionKind::gvk(group, "v1", kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    Ok(api.get(name).await?.data)
}

#[derive(Default)]
struct Nodes {
    count: usize,
    /// Whether one has the annotation of OVN-Kubernetes.
    has_ovn: bool,
}

/// One page tells all: how many nodes follow it, and nodes of one network have the same annotations.
async fn nodes(client: &Client) -> Result<Nodes, kube::Error> {
    let api: Api<Node> = Api::all(client.clone());
    let page = api
        .list_metadata(&ListParams::default().limit(PAGE))
        .await?;
    let further = page.metadata.remaining_item_count.unwrap_or_default();
    Ok(Nodes {
        count: page.items.len() + usize::try_from(further).unwrap_or_default(),
        has_ovn: page.items.iter().any(|node| {
            node.annotations()
                .get(OVN_HOST_CIDRS)
                .is_some_and(|cidrs| !cidrs.is_empty())
        }),
    })
}

/// What tells the network of kind.
async fn kindnet(client: &Client) -> Result<NetworkPlugin, kube::Error> {
    let api: Api<DaemonSet> = Api::namespaced(client.clone(), "kube-system");
    Ok(match api.get_metadata_opt("kindnet").await? {
        Some(_) => NetworkPlugin::Kindnet,
        None => NetworkPlugin::Unknown,
    })
}

/// Whether the definition of ServiceMonitors has the property; older ones would drop it at each write.
async fn discovery_role(client: &Client) -> Result<bool, kube::Error> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let definition = api.get(MONITORS).await?;
    let mut versions = definition.spec.versions.into_iter();
    let schema = versions
        .find(|version| version.name == "v1")
        .and_then(|version| version.schema?.open_api_v3_schema);
    let spec = schema
        .and_then(|schema| schema.properties)
        .and_then(|mut properties| properties.remove("spec"));
    let properties = spec.and_then(|spec| spec.properties);
    Ok(properties.is_some_and(|properties| properties.contains_key("serviceDiscoveryRole")))
}

/// Addresses and ports of the API servers.
async fn api_servers(client: &Client) -> Result<(Vec<String>, Vec<u16>), kube::Error> {
    let api: Api<EndpointSlice> = Api::namespaced(client.clone(), "default");
    let parameters = ListParams::default().labels("kubernetes.io/service-name=kubernetes");
    let slices = api.list(&parameters).await?.items;
    let mut ports: Vec<u16> = slices
        .iter()
        .flat_map(|slice| slice.ports.iter().flatten())
        .filter_map(|port| port.port?.try_into().ok())
        .collect();
    ports.sort_unstable();
    ports.dedup();
    let mut addresses: Vec<String> = slices
        .into_iter()
        .flat_map(|slice| slice.endpoints.into_iter().flatten())
        .filter(|endpoint| {
            endpoint
                .conditions
                .as_ref()
                .is_none_or(|conditions| conditions.ready != Some(false))
        })
        .flat_map(|endpoint| endpoint.addresses)
        .collect();
    addresses.sort();
    addresses.dedup();
    Ok((addresses, ports))
}
