//! Certificates between components that the operator makes itself, where neither OpenShift's service CA nor anybody else
//! provides them.
//!
//! Two rings, so that the store takes pipelines and nobody else. Each is somebody else's as a whole, or ours as a whole:
//! a certificate of ours would be worth nothing to those who trust another authority.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use super::build::{Labels, metadata, texts};
use super::references::{Content, State};
use super::{Component, Context, Desired, Inputs, scrape};
use crate::apis::flowcollector::v1beta2::DeploymentModel;
use crate::apis::flowcollector::v1beta2::processor::ServiceTlsType;
use crate::certificates::{Keyring, Leaf, Lifetime, Plan};
use crate::object::{Key, ObjectError};
use crate::scope::{Scope, agent, authority, own_certificates, pipeline as scope, store};

/// Certificates that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ring {
    /// Between agents, pipeline and Prometheus.
    Components,
    /// Between pipelines and store.
    Store,
}

/// The rings that are ours, or why one cannot be had.
#[derive(Debug, Clone, Default)]
pub struct Certificates {
    /// Those of which the operator is the [`Maker`], or was until it became unknown.
    pub rings: BTreeMap<Ring, Result<Keyring, String>>,
}

impl Certificates {
    /// Whether a ring is ours.
    pub fn are_ours(&self, ring: Ring) -> bool {
        self.rings.contains_key(&ring)
    }
}

impl Ring {
    /// Name of the Secret that keeps it.
    pub fn secret(self) -> &'static str {
        match self {
            Self::Components => own_certificates::COMPONENTS,
            Self::Store => own_certificates::STORE,
        }
    }

    /// What it consists of.
    pub fn plan(self, scope: &Scope) -> Plan {
        let privileged = scope.privileged_namespace();
        let hosts = |namespace: &str, services: &[&str]| {
            services
                .iter()
                .map(|service| format!("{service}.{namespace}.svc"))
                .flat_map(|host| [host.clone(), format!("{host}.cluster.local")])
                .collect()
        };
        let server = |name, namespace: &str, services: &[&str]| Leaf {
            name,
            hosts: hosts(namespace, services),
            is_client: false,
        };
        let client = |name, host: &str| Leaf {
            name,
            hosts: vec![host.to_owned()],
            is_client: true,
        };
        let namespace = scope.namespace();
        let (authority, leaves) = match self {
            Self::Components => {
                let services = [
                    scope::COLLECTOR.metrics_service,
                    scope::TRANSFORMER.metrics_service,
                ];
                let leaves = vec![
                    server(PIPELINE, namespace, &[scope::NAME]),
                    server(PIPELINE_METRICS, namespace, &services),
                    server(AGENT_METRICS, &privileged, &[agent::METRICS_SERVICE]),
                    client(AGENT, agent::NAME),
                ];
                ("netobserv components", leaves)
            }
            Self::Store => {
                let leaves = vec![
                    server(STORE, namespace, &[store::SERVICE]),
                    client(PIPELINE, scope::NAME),
                ];
                ("netobserv store", leaves)
            }
        };
        Plan {
            authority,
            leaves,
            lifetime: Lifetime::default(),
        }
    }
}

const PIPELINE: &str = "pipeline";
const PIPELINE_METRICS: &str = "pipeline-metrics";
const AGENT: &str = "agent";
const AGENT_METRICS: &str = "agent-metrics";
const STORE: &str = "store";

/// Who makes a ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Maker {
    /// The operator: nobody else makes a part.
    Operator,
    /// Somebody else, at least a part.
    Other,
    /// A part cannot be read, so that somebody's may be there.
    Unknown {
        /// Why.
        reason: String,
        /// Whether another part is there and ours: the ring was ours so far.
        was_ours: bool,
    },
}

/// Who makes each ring that is needed.
pub fn makers(inputs: &Inputs) -> BTreeMap<Ring, Maker> {
    makers_in(&Context::of(inputs))
}

fn makers_in(context: &Context) -> BTreeMap<Ring, Maker> {
    let known = context.references;
    let mut makers: BTreeMap<Ring, Vec<Maker>> = BTreeMap::new();
    let mut was_ours = BTreeSet::new();
    for Part { ring, key, .. } in parts(context) {
        let is_ours = known.ours.contains(&key);
        if is_ours {
            was_ours.insert(ring);
        }
        let unknown = |reason: &str| Maker::Unknown {
            reason: format!("{key} cannot be read: {reason}"),
            was_ours: false,
        };
        let maker = match known.sources.get(&key) {
            Some(State::Found(content)) if !content.is_ours => Maker::Other,
            Some(State::Unreadable(reason)) if !is_ours => unknown(reason),
            None if !is_ours => unknown("nobody asked"),
            Some(_) | None => Maker::Operator,
        };
        makers.entry(ring).or_default().push(maker);
    }
    let whole = makers.into_iter().map(|(ring, parts)| {
        if parts.contains(&Maker::Other) {
            return (ring, Maker::Other);
        }
        let unknown = parts.into_iter().find_map(|part| match part {
            Maker::Unknown { reason, .. } => Some(Maker::Unknown {
                reason,
                was_ours: was_ours.contains(&ring),
            }),
            Maker::Operator | Maker::Other => None,
        });
        (ring, unknown.unwrap_or(Maker::Operator))
    });
    whole.collect()
}

/// One object of a ring.
pub(super) struct Part {
    /// Which ring.
    pub ring: Ring,
    /// Whose pods use it.
    pub component: Component,
    /// The object.
    pub key: Key,
    /// What asks for it.
    pub path: &'static str,
    /// Name of the digest on these pods while somebody else provides it.
    pub digest: Option<&'static str>,
    /// The certificate that it holds; none for the authority alone.
    leaf: Option<&'static str>,
}

impl Part {
    /// Keys that it has.
    pub fn keys(&self) -> Vec<String> {
        let keys: &[&str] = match (self.leaf, self.ring) {
            (None, _) => &[authority::KEY],
            (Some(_), Ring::Components) => &["tls.crt", "tls.key"],
            (Some(_), Ring::Store) => &["tls.crt", "tls.key", "ca.crt"],
        };
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    /// The key of those that says whom to trust.
    fn authority_key(&self) -> Option<&'static str> {
        match (self.leaf, self.ring) {
            (None, _) => Some(authority::KEY),
            (Some(_), Ring::Components) => None,
            (Some(_), Ring::Store) => Some("ca.crt"),
        }
    }
}

/// The objects that say whom those who use a ring shall trust, and under which key.
pub fn announcements(inputs: &Inputs, ring: Ring) -> Vec<(Key, &'static str)> {
    let parts = parts(&Context::of(inputs)).into_iter();
    let of_ring = parts.filter(|part| part.ring == ring);
    of_ring
        .filter_map(|part| part.authority_key().map(|key| (part.key, key)))
        .collect()
}

/// All objects that the rings consist of, whoever makes them.
pub(super) fn parts(context: &Context) -> Vec<Part> {
    let effective = context.effective;
    let mut parts = Vec::new();
    if effective.is_on_hold {
        return parts;
    }
    let namespace = context.scope.namespace();
    let privileged = context.scope.privileged_namespace();
    let is_openshift = context.facts.is_openshift();
    let part = |component, namespace: &str, name: &str, path, leaf: Option<&'static str>| {
        let kind = if leaf.is_some() {
            "Secret"
        } else {
            "ConfigMap"
        };
        Part {
            ring: Ring::Components,
            component,
            key: Key::namespaced(kind, "", namespace, name),
            path,
            digest: None,
            leaf,
        }
    };
    let agents = |name: &str, path, leaf| part(Component::Agent, &privileged, name, path, leaf);
    let pipeline = |name: &str, path, leaf| part(Component::Processor, namespace, name, path, leaf);
    if effective.deployment_model == DeploymentModel::Service {
        let path = "spec.processor.service.tlsType";
        let tls = effective.service_tls();
        let is_mutual = tls == ServiceTlsType::AutoMutual;
        if !is_openshift && (is_mutual || tls == ServiceTlsType::Auto) {
            parts.push(pipeline(scope::CERTIFICATE, path, Some(PIPELINE)));
            parts.push(Part {
                digest: is_mutual.then_some("mtls-ca"),
                ..agents(authority::OURS, path, None)
            });
        }
        if is_mutual {
            parts.push(Part {
                digest: Some("mtls-user"),
                ..agents(agent::CERTIFICATE, path, Some(AGENT))
            });
        }
        // On OpenShift whoever else provides the agents' certificate had it signed by the service CA.
        if is_mutual && (!is_openshift || context.certificates.are_ours(Ring::Components)) {
            parts.push(pipeline(authority::OURS, path, None));
        }
    }
    if !is_openshift {
        let processor = effective.processor.metrics.as_ref();
        let server = processor.and_then(|metrics| metrics.server.as_ref());
        if scrape::is_automatic(scrape::tls(server)) {
            let path = "spec.processor.metrics.server.tls";
            let name = super::pipeline::names(context).metrics_service;
            parts.push(pipeline(name, path, Some(PIPELINE_METRICS)));
            parts.push(pipeline(authority::OURS, path, None));
        }
        let metrics = effective.agent.metrics.as_ref();
        let server = metrics.and_then(|metrics| metrics.server.as_ref());
        if effective.has_agent_metrics() && scrape::is_automatic(scrape::tls(server)) {
            let path = "spec.agent.ebpf.metrics.server.tls";
            parts.push(agents(agent::METRICS_SERVICE, path, Some(AGENT_METRICS)));
            parts.push(agents(authority::OURS, path, None));
        }
    }
    if effective.uses_embedded_store() {
        for (component, name, leaf) in [
            (Component::Console, store::CERTIFICATE, STORE),
            (Component::Processor, store::CLIENT_CERTIFICATE, PIPELINE),
        ] {
            parts.push(Part {
                ring: Ring::Store,
                component,
                key: Key::namespaced("Secret", "", namespace, name),
                path: "spec.loki.mode",
                digest: None,
                leaf: Some(leaf),
            });
        }
    }
    // The authority may be asked for twice; the first says what for.
    let mut seen = BTreeSet::new();
    parts.retain(|part| seen.insert(part.key.clone()));
    parts
}

/// The Secrets and ConfigMaps of the rings that are ours.
pub(super) fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    let makers = makers_in(context);
    for part in parts(context) {
        match context.certificates.rings.get(&part.ring) {
            None if makers.get(&part.ring) == Some(&Maker::Other) => {}
            None => {
                desired.keep.insert(part.key);
            }
            Some(Ok(keyring)) => add_part(context, &part, keyring, desired)?,
            Some(Err(reason)) => {
                let message = format!(
                    "{}: {} can neither be made nor renewed: {reason}",
                    part.path, part.key
                );
                desired.fail(part.component, reason_of(part.component), message);
                desired.keep.insert(part.key);
            }
        }
    }
    Ok(())
}

/// Digest of the pipeline's own certificate, if that is ours: ours reads it again by itself, but not every image of a
/// pipeline may, and one that does not must start again before the certificate ends. While the certificate is not known it
/// stays `live`, the one that the pods have.
pub(super) fn server_digest(context: &Context, live: Option<&String>) -> Option<String> {
    let parts = parts(context);
    let server = parts
        .iter()
        .find(|part| part.key.name == scope::CERTIFICATE)?;
    let keyring = match context.certificates.rings.get(&server.ring) {
        Some(Ok(keyring)) => keyring,
        None if makers_in(context).get(&server.ring) == Some(&Maker::Other) => return None,
        Some(Err(_)) | None => return live.cloned(),
    };
    let pair = keyring.pair(server.leaf?);
    let keys = server.keys();
    let values = [pair.certificate, pair.key].map(String::into_bytes);
    let content = Content::of_ours(keys.iter().cloned().zip(values).collect());
    Some(content.digest(&keys))
}

/// The reason that NetObserv gives.
fn reason_of(component: Component) -> &'static str {
    match component {
        Component::Agent => "AgentControllerError",
        Component::Console => "WebConsoleError",
        _ => "FLPError",
    }
}

fn add_part(
    context: &Context,
    part: &Part,
    keyring: &Keyring,
    desired: &mut Desired,
) -> Result<(), ObjectError> {
    let metadata = metadata(&part.key.name, part.key.namespace.as_deref(), Labels::new());
    let Some(leaf) = part.leaf else {
        let config_map = ConfigMap {
            metadata,
            data: Some(texts([(authority::KEY, &keyring.authorities())])),
            ..ConfigMap::default()
        };
        return desired.add(context, part.component, config_map);
    };
    let pair = keyring.pair(leaf);
    let values = [pair.certificate, pair.key, keyring.authorities()];
    let data = part.keys().into_iter().zip(values);
    let secret = Secret {
        metadata,
        type_: Some("kubernetes.io/tls".to_owned()),
        data: Some(
            data.map(|(key, text)| (key, ByteString(text.into_bytes())))
                .collect(),
        ),
        ..Secret::default()
    };
    desired.add(context, part.component, secret)
}
