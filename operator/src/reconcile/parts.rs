//! The resources that users put beside the FlowCollector: what a run gets of them, and the status it writes on each.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::Api;
use kube::{Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::write_status::{Written, now, write_status};
use crate::apis::flowcollectorslice::FlowCollectorSlice;
use crate::apis::flowmetric::FlowMetric;
use crate::desired::Desired;
use crate::status;

/// Statuses that are written at once.
const WRITES_MAX: usize = 8;

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

/// Tells each what became of it. Says whether all could be told; a status is no reason to fail a run.
pub async fn write_statuses(client: &Client, parts: &Parts, desired: &Desired) -> bool {
    let now = Time(now());
    let metrics = by_name(&parts.metrics);
    let metrics = desired.metrics.iter().filter_map(|outcome| {
        let metric = *metrics.get(&(outcome.namespace.as_str(), outcome.name.as_str()))?;
        let previous = metric.status.as_ref();
        let status = status::flow_metric(outcome, previous, metric.metadata.generation, &now);
        (previous != Some(&status)).then(|| {
            let mut changed = FlowMetric::clone(metric);
            changed.status = Some(status);
            write(client, changed).boxed()
        })
    });
    let slices = by_name(&parts.slices);
    let slices = desired.slices.iter().filter_map(|outcome| {
        let slice = *slices.get(&(outcome.namespace.as_str(), outcome.name.as_str()))?;
        let previous = slice.status.as_ref();
        let status = status::slice(outcome, previous, slice.metadata.generation, &now);
        (previous != Some(&status)).then(|| {
            let mut changed = FlowCollectorSlice::clone(slice);
            changed.status = Some(status);
            write(client, changed).boxed()
        })
    });
    let writes = futures::stream::iter(metrics.chain(slices));
    let written = writes.buffer_unordered(WRITES_MAX);
    written.fold(true, async |all, one| all && one).await
}

/// By namespace and name.
fn by_name<K: Resource>(objects: &[Arc<K>]) -> HashMap<(&str, &str), &K> {
    let named = objects.iter().map(|object| {
        let meta = object.meta();
        let namespace = meta.namespace.as_deref().unwrap_or_default();
        let name = meta.name.as_deref().unwrap_or_default();
        ((namespace, name), object.as_ref())
    });
    named.collect()
}

/// Whether the status is there.
async fn write<K>(client: &Client, mut object: K) -> bool
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize,
{
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let api: Api<K> = Api::namespaced(client.clone(), &namespace);
    match write_status(&api, &mut object).await {
        Ok(written) => written == Written::Done,
        Err(error) => {
            tracing::warn!(kind = %K::kind(&()), namespace, name, %error, "cannot write a status");
            false
        }
    }
}
