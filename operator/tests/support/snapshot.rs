//! All objects of a cluster, without what differs from one time to the next.

use std::collections::BTreeMap;

use futures::future::join_all;
use kube::api::{Api, ListParams};
use kube::core::{ApiResource, DynamicObject};
use kube::discovery::{Discovery, verbs};
use kube::{Client, ResourceExt as _};
use netobserv_operator::owned::is_ours;
use serde_json::{Map, Value};

use super::eventually;

/// Kinds that come and go by themselves.
const TRANSIENT: &[&str] = &["Event", "Lease", "Endpoints", "EndpointSlice"];
/// What the API server and its controllers fill in.
const METADATA: &[&str] = &[
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "managedFields",
];
/// Annotations that count changes.
const COUNTERS: &[&str] = &[
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
];

/// `Kind namespace/name` and the object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot(pub BTreeMap<String, Value>);

impl Snapshot {
    /// Of all objects of all kinds.
    pub async fn of(client: &Client) -> Self {
        Self::filtered(client, |_| true).await
    }

    /// Of those that are ours.
    pub async fn ours(client: &Client) -> Self {
        Self::filtered(client, is_ours).await
    }

    async fn filtered(client: &Client, is_wanted: impl Fn(&DynamicObject) -> bool) -> Self {
        let lists = kinds(client).await.into_iter().map(async |kind| {
            let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
            // A kind that went meanwhile has no objects.
            let list = api.list(&ListParams::default()).await;
            (kind, list.map(|list| list.items).unwrap_or_default())
        });
        let mut objects = BTreeMap::new();
        for (kind, list) in join_all(lists).await {
            for object in list.into_iter().filter(&is_wanted) {
                let namespace = object.namespace().unwrap_or_default();
                let key = format!("{} {namespace}/{}", kind.kind, object.name_any());
                objects.insert(key, lasting(&kind.kind, &object));
            }
        }
        Self(objects)
    }

    /// All keys.
    pub fn keys(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// What is not as it was `before`, but for what stays when a mode goes: with a claim would go the data, and
    /// certificates of our own wait for when they are wanted again.
    pub fn traces(&self, before: &Self) -> Vec<String> {
        let mut traces = self.since(before);
        let stays = |key: &String| {
            key.starts_with("+ PersistentVolumeClaim ")
                || (key.starts_with("+ Secret ") && key.ends_with("-own-certs"))
        };
        traces.retain(|key| !stays(key));
        traces
    }

    /// Keys of what was added to, went from, or differs from `before`, marked `+`, `-` and `~`.
    pub fn since(&self, before: &Self) -> Vec<String> {
        let gone = before.0.keys().filter(|key| !self.0.contains_key(*key));
        let new_or_changed = self
            .0
            .iter()
            .filter_map(|(key, value)| match before.0.get(key) {
                None => Some(format!("+ {key}")),
                Some(old) if old != value => Some(format!("~ {key}")),
                Some(_) => None,
            });
        gone.map(|key| format!("- {key}"))
            .chain(new_or_changed)
            .collect()
    }
}

async fn kinds(client: &Client) -> Vec<ApiResource> {
    // A group that comes or goes just now is named a moment before or after its kinds.
    let discovery = eventually("the API server lists its kinds", async || {
        let discovered = Discovery::new(client.clone()).run().await;
        discovered.map_err(|error| error.to_string())
    })
    .await;
    let mut kinds = Vec::new();
    for group in discovery.groups() {
        for (kind, capabilities) in group.recommended_resources() {
            let is_transient = TRANSIENT.contains(&kind.kind.as_str());
            if capabilities.supports_operation(verbs::LIST) && !is_transient {
                kinds.push(kind);
            }
        }
    }
    kinds
}

/// What should be the same if the same was done once more.
fn lasting(kind: &str, object: &DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).expect("an object is JSON");
    value["status"].take();
    let metadata = value["metadata"].as_object_mut().expect("metadata");
    for key in METADATA {
        metadata.remove(*key);
    }
    for owner in metadata
        .get_mut("ownerReferences")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        owner["uid"].take();
    }
    if let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.retain(|key, _| !COUNTERS.contains(&key.as_str()));
        // It covers the owner's id.
        annotations.remove("flows.netobserv.io/applied-digest");
    }
    let name = object.name_any();
    match kind {
        // Keys and certificates are new each time, and so is until when they last.
        "Secret" => {
            blank(&mut value["data"]);
            blank(&mut value["metadata"]["annotations"]);
        }
        "ConfigMap" if name == "netobserv-ca" => blank(&mut value["data"]),
        "Service" => {
            value["spec"]["clusterIP"].take();
            value["spec"]["clusterIPs"].take();
        }
        _ => {}
    }
    // The digest of a certificate that is new each time.
    let digest = "/spec/template/metadata/annotations/flows.netobserv.io~1watched-svc-certs";
    if let Some(digest) = value.pointer_mut(digest) {
        digest.take();
    }
    value
}

fn blank(data: &mut Value) {
    for value in data.as_object_mut().unwrap_or(&mut Map::new()).values_mut() {
        value.take();
    }
}
