//! What is kept: the volume with the flows, the number of replicas that others decide, an object that a user took over,
//! and copies that somebody made of ours.

use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::world::exists;
use crate::support::{World, eventually};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

const STORE: &str = "netobserv-store";
const PIPELINE: &str = "flowlogs-pipeline";
const CONSOLE: &str = "netobserv-plugin";

async fn merge<K>(api: &Api<K>, name: &str, patch: Value)
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
}

async fn size(claims: &Api<PersistentVolumeClaim>) -> String {
    let claim = claims.get(STORE).await.unwrap();
    let requests = claim.spec.unwrap().resources.unwrap().requests.unwrap();
    requests["storage"].0.clone()
}

fn sized(size: &str) -> Value {
    json!({"spec": {"resources": {"requests": {"storage": size}}}})
}

fn stored(storage: &Value) -> Value {
    json!({"spec": {"loki": {"embedded": {"storage": storage}}}})
}

/// As what binds claims to volumes leaves it.
async fn bind(claims: &Api<PersistentVolumeClaim>) {
    merge(claims, STORE, json!({"spec": {"volumeName": "a-volume"}})).await;
    let bound = json!({"status": {"phase": "Bound", "capacity": {"storage": "10Gi"}}});
    claims
        .patch_status(STORE, &PatchParams::default(), &Patch::Merge(bound))
        .await
        .unwrap();
}

/// Waits until the status says, in these words, why the claim stays as it is. What it said before may last for a moment.
async fn kept(world: &World, words: &str) {
    eventually(words, async || {
        let (_, reason, _) = world.condition("WaitingDemoLoki").await?;
        assert_eq!(reason, "ComponentUnused", "the store is none");
        let (_, _, message) = world.condition("WaitingWebConsole").await?;
        message.contains(words).then_some(()).ok_or(message)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_with_flows_grows_and_outlives_the_flowcollector() {
    let Some(world) = World::start().await else {
        return;
    };
    let classes: Api<StorageClass> = Api::all(world.plane.client.clone());
    for (name, grows) in [("fast", true), ("other", false)] {
        let class = json!({"metadata": {"name": name}, "provisioner": "example.com/none", "allowVolumeExpansion": grows});
        create(&classes, &parse(class)).await;
    }
    let claims: Api<PersistentVolumeClaim> = world.namespaced(NAMESPACE);
    let spec = json!({"loki": {"mode": "Embedded", "embedded": {"storage": {"class": "fast", "size": "10Gi"}}}});
    let collector = world.create_collector(spec.clone()).await;
    let claim = exists(&claims, STORE).await;
    world.settle().await;
    assert_eq!(claim.metadata.owner_references, None);

    // As an operator before left it.
    let owner = json!([{"apiVersion": "flows.netobserv.io/v1beta2", "kind": "FlowCollector", "name": "cluster",
        "uid": collector.metadata.uid, "controller": true}]);
    let owned = json!({"metadata": {"ownerReferences": owner}});
    merge(&claims, STORE, owned).await;
    kept(&world, "kubectl patch pvc netobserv-store").await;
    let unowned = json!({"metadata": {"ownerReferences": null}});
    merge(&claims, STORE, unowned).await;
    world.settle().await;
    let claim_now = claims.get(STORE).await.unwrap();
    assert_eq!(claim_now.metadata.owner_references, None);

    world.merge(stored(&json!({"size": "15Gi"}))).await;
    kept(&world, "once it has a volume").await;
    bind(&claims).await;
    eventually("the claim grows", async || {
        let size = size(&claims).await;
        (size == "15Gi").then_some(()).ok_or(size)
    })
    .await;
    world.settle().await;

    merge(&claims, STORE, sized("20Gi")).await;
    kept(&world, "cannot shrink to \"15Gi\"").await;
    world.settle().await;
    assert_eq!(size(&claims).await, "20Gi");

    world.merge(stored(&json!({"size": "30Gi"}))).await;
    world.settle().await;
    assert_eq!(size(&claims).await, "30Gi");
    world
        .merge(stored(&json!({"class": "other", "size": "30Gi"})))
        .await;
    kept(&world, "its storageClassName is \"fast\"").await;

    merge(&classes, "fast", json!({"allowVolumeExpansion": false})).await;
    eventually("the API server has taken the class in", async || {
        let parameters = PatchParams {
            dry_run: true,
            ..PatchParams::default()
        };
        let grown = Patch::Merge(sized("35Gi"));
        let grown = claims.patch(STORE, &parameters, &grown).await;
        grown.map_or(Ok(()), |_| Err("the claim could grow".to_owned()))
    })
    .await;
    world
        .merge(stored(&json!({"class": "fast", "size": "40Gi"})))
        .await;
    kept(&world, "it cannot grow to 40Gi").await;
    assert_eq!(size(&claims).await, "30Gi");

    let gone = DeleteParams::default();
    world.collectors.delete("cluster", &gone).await.unwrap();
    let consoles: Api<Deployment> = world.namespaced(NAMESPACE);
    eventually("what the FlowCollector owned is gone", async || {
        let console = consoles.get_opt(CONSOLE).await.unwrap();
        console
            .is_none()
            .then_some(())
            .ok_or_else(|| "the console".to_owned())
    })
    .await;
    let left = claims.get(STORE).await.unwrap();
    assert_eq!(left.uid(), claim.uid());
    assert_eq!(left.metadata.deletion_timestamp, None);
    world.create_collector(spec).await;
    world.settle().await;
    assert_eq!(claims.get(STORE).await.unwrap().uid(), claim.uid());
}

async fn replicas(deployments: &Api<Deployment>, name: &str) -> Option<i32> {
    let deployment = deployments.get(name).await.unwrap();
    deployment.spec.replicas
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_decide_and_own_is_left_to_them() {
    let Some(world) = World::start().await else {
        return;
    };
    let deployments: Api<Deployment> = world.namespaced(NAMESPACE);
    let collector = world
        .create_collector(json!({"processor": {"consumerReplicas": 4}}))
        .await;
    world.settle().await;
    assert_eq!(replicas(&deployments, PIPELINE).await, Some(4));
    let left_alone = |is: bool| json!({"spec": {"processor": {"unmanagedReplicas": is}}});
    world.merge(left_alone(true)).await;
    world.settle().await;
    assert_eq!(replicas(&deployments, PIPELINE).await, Some(4));
    merge(&deployments, PIPELINE, json!({"spec": {"replicas": 6}})).await;
    let limits = json!({"spec": {"processor": {"resources": {"limits": {"memory": "1Gi"}}}}});
    world.merge(limits).await;
    world.settle().await;
    let pipeline = deployments.get(PIPELINE).await.unwrap();
    let text = serde_json::to_string(&pipeline.spec.template).unwrap();
    assert!(text.contains(r#""memory":"1Gi""#), "{text}");
    assert_eq!(replicas(&deployments, PIPELINE).await, Some(6));
    world.merge(left_alone(false)).await;
    world.settle().await;
    assert_eq!(replicas(&deployments, PIPELINE).await, Some(4));

    let detached =
        json!({"metadata": {"labels": {"netobserv-managed": "false"}}, "spec": {"replicas": 0}});
    merge(&deployments, CONSOLE, detached).await;
    let message = eventually("the status says who has it", async || {
        let (_, _, message) = world.condition("WaitingWebConsole").await?;
        message
            .contains("takes it from the operator")
            .then(|| message.clone())
            .ok_or(message)
    })
    .await;
    assert!(message.contains("Deployment netobserv/netobserv-plugin"));
    world.settle().await;
    assert_eq!(replicas(&deployments, CONSOLE).await, Some(0));
    let (status, reason, message) = world.condition("WaitingWebConsole").await.unwrap();
    assert_eq!(
        (status.as_str(), reason.as_str()),
        ("False", "Ready"),
        "{message}"
    );
    assert!(message.contains("it has 0 replicas"), "{message}");
    let back = json!({"metadata": {"labels": {"netobserv-managed": "true"}}});
    merge(&deployments, CONSOLE, back).await;
    eventually("the console is ours again", async || {
        let replicas = replicas(&deployments, CONSOLE).await;
        (replicas == Some(1))
            .then_some(())
            .ok_or_else(|| format!("{replicas:?}"))
    })
    .await;

    // As `kubectl get -o yaml | sed | kubectl apply` makes it: label, annotations and owner are there.
    let ours: Api<ConfigMap> = world.namespaced(NAMESPACE);
    let mut copy = exists(&ours, "flowlogs-pipeline-config").await;
    copy.metadata.name = Some("mine".to_owned());
    copy.metadata.namespace = Some("default".to_owned());
    copy.metadata.resource_version = None;
    copy.metadata.uid = None;
    copy.metadata.managed_fields = None;
    let owners = copy.metadata.owner_references.clone().unwrap();
    assert_eq!(Some(&owners[0].uid), collector.metadata.uid.as_ref());
    let copies: Api<ConfigMap> = world.namespaced("default");
    create(&copies, &copy).await;
    world.settle().await;
    let copy = copies.get("mine").await.unwrap();
    assert_eq!(copy.metadata.deletion_timestamp, None);
}
