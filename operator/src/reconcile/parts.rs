//! The resources that users put beside the FlowCollector: what a run gets of them, and the status it writes on each.

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, PostParams};
use kube::{Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::run::now;
use crate::apis::flowcollectorslice::FlowCollectorSlice;
use crate::apis::flowmetric::FlowMetric;
use crate::desired::Desired;
use crate::status;

/// FlowMetrics and slices of all namespaces.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Metrics of users.
    pub metrics: Vec<Arc<FlowMetric>>,
    /// Parts that namespaces configure themselves.
    pub slices: Vec<Arc<FlowCollectorSlice>>,
    /// What cannot be read of both, each with its name and why. A run goes on without.
    pub unreadable: Vec<String>,
}

/// Tells each what became of it. What cannot be written is tried in the next run: a status is no reason to fail one.
pub async fn write_statuses(client: &Client, parts: &Parts, desired: &Desired) {
    for outcome in &desired.metrics {
        let Some(metric) = find(&parts.metrics, &outcome.namespace, &outcome.name) else {
            continue;
        };
        let previous = metric.status.as_ref();
        let status = status::flow_metric(outcome, previous, metric.metadata.generation, &time());
        if previous != Some(&status) {
            let mut changed = FlowMetric::clone(metric);
            changed.status = Some(status);
            write(client, changed).await;
        }
    }
    for outcome in &desired.slices {
        let Some(slice) = find(&parts.slices, &outcome.namespace, &outcome.name) else {
            continue;
        };
        let previous = slice.status.as_ref();
        let status = status::slice(outcome, previous, slice.metadata.generation, &time());
        if previous != Some(&status) {
            let mut changed = FlowCollectorSlice::clone(slice);
            changed.status = Some(status);
            write(client, changed).await;
        }
    }
}

fn time() -> Time {
    Time(now())
}

fn find<'a, K: Resource>(objects: &'a [Arc<K>], namespace: &str, name: &str) -> Option<&'a K> {
    let mut objects = objects.iter().map(AsRef::as_ref);
    objects.find(|object| {
        object.meta().namespace.as_deref() == Some(namespace)
            && object.meta().name.as_deref() == Some(name)
    })
}

async fn write<K>(client: &Client, mut object: K)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize,
{
    object.meta_mut().managed_fields = None;
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let api: Api<K> = Api::namespaced(client.clone(), &namespace);
    let written = api
        .replace_status(&name, &PostParams::default(), &object)
        .await;
    match written {
        Ok(_) => {}
        // It changed or went meanwhile; the watch brings the next run.
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {}
        Err(error) => {
            tracing::warn!(kind = %K::kind(&()), namespace, name, %error, "cannot write a status");
        }
    }
}
