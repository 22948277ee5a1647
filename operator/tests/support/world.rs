//! A control plane with a manager, and what is done with its FlowCollector.

use kube::api::{Api, Patch, PatchParams};
use netobserv_operator::apis::flowcollector::FlowCollector;
use serde_json::{Value, json};

use super::control_plane::{create, parse};
use super::{ControlPlane, Manager, eventually};

pub struct World {
    pub manager: Manager,
    pub collectors: Api<FlowCollector>,
    pub plane: ControlPlane,
}

impl World {
    /// A cluster with none but Kubernetes' own kinds, and a manager without webhooks.
    pub async fn start() -> Option<Self> {
        Self::start_on(&[]).await
    }

    /// A cluster that also serves what we make of these API groups of others.
    pub async fn start_on(groups: &[&str]) -> Option<Self> {
        let plane = ControlPlane::start().await?;
        plane.install().await;
        plane.serve(groups).await;
        let manager = Manager::start(&plane.manager_kubeconfig().await).await;
        let collectors: Api<FlowCollector> = Api::all(plane.client.clone());
        Some(Self {
            manager,
            collectors,
            plane,
        })
    }

    /// Makes the FlowCollector.
    pub async fn create_collector(&self, spec: Value) -> FlowCollector {
        let collector: Value = json!({"metadata": {"name": "cluster"}, "spec": spec});
        create(&self.collectors, &parse(collector)).await
    }

    /// Changes the FlowCollector by a merge patch.
    pub async fn merge(&self, patch: Value) {
        self.collectors
            .patch("cluster", &PatchParams::default(), &Patch::Merge(patch))
            .await
            .expect("change the FlowCollector");
    }

    /// Objects of a kind in a namespace.
    pub fn namespaced<K>(&self, namespace: &str) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.plane.client.clone(), namespace)
    }

    /// Status, reason and message of a condition of the FlowCollector.
    pub async fn condition(&self, kind: &str) -> Result<(String, String, String), String> {
        let collector = self
            .collectors
            .get("cluster")
            .await
            .map_err(|error| error.to_string())?;
        let conditions = collector
            .status
            .map(|status| status.conditions)
            .unwrap_or_default();
        conditions
            .into_iter()
            .find(|condition| condition.type_ == kind)
            .map(|condition| (condition.status, condition.reason, condition.message))
            .ok_or_else(|| format!("no condition {kind} yet"))
    }

    /// What failing parts say.
    pub async fn failures(&self) -> String {
        let collector = self.collectors.get("cluster").await;
        let status = collector.ok().and_then(|collector| collector.status);
        let conditions = status.map(|status| status.conditions).unwrap_or_default();
        let waiting = conditions.into_iter().filter(|condition| {
            condition.type_.starts_with("Waiting") && condition.status == "True"
        });
        let texts = waiting.map(|condition| format!("{}: {}", condition.reason, condition.message));
        texts.collect::<Vec<_>>().join("; ")
    }

    /// Waits for a condition's reason and gives its message.
    pub async fn reason(&self, kind: &str, expected: &str) -> String {
        eventually(kind, async || {
            let (_, reason, message) = self.condition(kind).await?;
            if reason == expected {
                Ok(message)
            } else {
                Err(format!("{reason}: {message}"))
            }
        })
        .await
    }

    /// Waits until the manager has done what there is to do.
    pub async fn settle(&self) {
        settle(&self.plane, &self.manager).await;
    }
}

/// Waits until a manager has done what there is to do: its last run wrote nothing.
pub async fn settle(plane: &ControlPlane, manager: &Manager) {
    let collectors: Api<FlowCollector> = Api::all(plane.client.clone());
    // A run that began before the last change does not count.
    eventually("a status about the newest specification", async || {
        let collector = collectors
            .get("cluster")
            .await
            .map_err(|error| error.to_string())?;
        let conditions = collector.status.map(|status| status.conditions);
        let ready = conditions.iter().flatten().next();
        let observed = ready.and_then(|condition| condition.observed_generation);
        (observed == collector.metadata.generation)
            .then_some(())
            .ok_or_else(|| format!("{observed:?}: {}", manager.log()))
    })
    .await;
    eventually("a run that writes nothing", async || {
        let before = plane.writes().len();
        let runs = manager.runs();
        touch(&collectors).await;
        manager.runs_beyond(runs).await;
        let writes = plane.writes();
        (writes.len() == before)
            .then_some(())
            .ok_or_else(|| format!("{:?}", &writes[before..]))
    })
    .await;
}

/// Asks for a run: an annotation changes nothing that is deployed.
async fn touch(collectors: &Api<FlowCollector>) {
    let time = format!("{:?}", std::time::Instant::now());
    let patch = json!({"metadata": {"annotations": {"test/touched": time}}});
    collectors
        .patch("cluster", &PatchParams::default(), &Patch::Merge(patch))
        .await
        .expect("touch the FlowCollector");
}

/// Waits for an object.
pub async fn exists<K>(api: &Api<K>, name: &str) -> K
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    eventually(name, async || {
        api.get(name).await.map_err(|error| error.to_string())
    })
    .await
}
