//! A running NetObserv is taken over: its objects become ours as they are, no pod is rolled for it, what it claims and
//! we do not want goes, and so does what nothing needs any more; what we say nothing of stays.

use crate::support::control_plane::{NAMESPACE, parse};
use crate::support::{Manager, Snapshot, World, eventually};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Api, DeleteParams, PostParams};
use kube::core::DynamicObject;
use kube::{Client, ResourceExt as _};
use netobserv_operator::owned::{KINDS, Kind, is_ours};
use serde_json::{Value, json};

/// Field manager of NetObserv's operator.
const THEIRS: &str = "manager";
const DIGEST: &str = "flows.netobserv.io/applied-digest";
const BINDING: &str = "netobserv-informers-flp";
const CONFIG: &str = "flowlogs-pipeline-config";
/// A cluster gives ServiceAccounts what to pull images with.
const PULL_SECRET: &str = "of-the-registry";

async fn objects(client: &Client, kind: &Kind) -> Vec<(Api<DynamicObject>, DynamicObject)> {
    let resource = kind.resource();
    let all: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    // A kind of others that is not served.
    let list = all.list(&kube::api::ListParams::default()).await;
    let items = list.map(|list| list.items).unwrap_or_default();
    let ours = items.into_iter().filter(is_ours);
    ours.map(|object| {
        let api = match object.namespace() {
            Some(namespace) => Api::namespaced_with(client.clone(), &namespace, &resource),
            None => all.clone(),
        };
        (api, object)
    })
    .collect()
}

/// Makes each of our objects anew as NetObserv's operator would have made it. Namespaces stay: they would take others
/// with them.
async fn disguise(client: &Client) {
    for kind in KINDS.iter().filter(|kind| kind.kind != "Namespace") {
        for (api, mut object) in objects(client, kind).await {
            let name = object.name_any();
            api.delete(&name, &DeleteParams::foreground())
                .await
                .unwrap();
            object.metadata.uid = None;
            object.metadata.resource_version = None;
            object.metadata.managed_fields = None;
            object.metadata.creation_timestamp = None;
            object.annotations_mut().remove(DIGEST);
            if kind.kind == "Service" {
                object.data["spec"]["clusterIP"].take();
                object.data["spec"]["clusterIPs"].take();
            }
            if name == CONFIG {
                object.data["data"]["old"] = "of theirs".into();
            }
            if kind.kind == "ServiceAccount" {
                object.data["imagePullSecrets"] = json!([{"name": PULL_SECRET}]);
            }
            if name == BINDING {
                object.data["roleRef"]["name"] = "view".into();
            }
            let parameters = PostParams {
                field_manager: Some(THEIRS.to_owned()),
                ..PostParams::default()
            };
            eventually(&name, async || {
                api.create(&parameters, &object)
                    .await
                    .map_err(|error| error.to_string())
            })
            .await;
        }
    }
}

/// What Kubernetes keeps of each template of pods: another one is there when something was rolled.
async fn templates(client: &Client) -> Vec<String> {
    let mut keys = Snapshot::of(client).await.keys();
    keys.retain(|key| key.starts_with("ReplicaSet ") || key.starts_with("ControllerRevision "));
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_netobserv_is_taken_over_without_rolling_a_pod() {
    let Some(world) = World::start_on(&["monitoring.coreos.com"]).await else {
        return;
    };
    let client = world.plane.client.clone();
    let collector = world.create_collector(json!({})).await;
    world.settle().await;
    let before = Snapshot::ours(&client).await;
    drop(world.manager);
    disguise(&client).await;
    let configs: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    let owner = json!([{"apiVersion": "flows.netobserv.io/v1beta2", "kind": "FlowCollector", "name": "cluster",
        "uid": collector.metadata.uid, "controller": true}]);
    let orphan: Value = json!({"metadata": {"name": "of-an-old-version", "ownerReferences": owner,
        "labels": {"netobserv-managed": "true"}}});
    let parameters = PostParams {
        field_manager: Some(THEIRS.to_owned()),
        ..PostParams::default()
    };
    configs.create(&parameters, &parse(orphan)).await.unwrap();
    let workloads = ["DaemonSet ", "Deployment "];
    let is_workload = |key: &&String| workloads.iter().any(|kind| key.starts_with(kind));
    let count = before.0.keys().filter(is_workload).count();
    let rolled = eventually("a template of each workload", async || {
        let templates = templates(&client).await;
        (templates.len() == count)
            .then(|| templates.clone())
            .ok_or_else(|| format!("{templates:?}"))
    })
    .await;

    let manager = Manager::start(&world.plane.manager_kubeconfig().await).await;
    let world = World { manager, ..world };
    world.settle().await;
    let mut after = Snapshot::ours(&client).await;
    for (key, account) in &mut after.0 {
        if key.starts_with("ServiceAccount ") {
            // We say nothing of them, so they stay.
            let secrets = account.as_object_mut().unwrap().remove("imagePullSecrets");
            assert_eq!(secrets, Some(json!([{"name": PULL_SECRET}])), "{key}");
        }
    }
    assert_eq!(after.since(&before), [""; 0]);
    assert_eq!(templates(&client).await, rolled, "nothing is rolled");
    let config = configs.get(CONFIG).await.unwrap();
    assert!(!config.data.unwrap().contains_key("old"));
    let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    let binding = bindings.get(BINDING).await.unwrap();
    assert_eq!(binding.role_ref.name, "netobserv-informers");
    for kind in KINDS {
        for (_, object) in objects(&client, kind).await {
            if !object.annotations().contains_key(DIGEST) {
                // Not applied but kept, as certificates are.
                continue;
            }
            let managers = object.metadata.managed_fields.iter().flatten();
            let theirs = managers
                .filter(|entry| entry.manager.as_deref() == Some(THEIRS))
                .filter_map(|entry| entry.fields_v1.as_ref())
                .any(|fields| fields.0.get("f:spec").is_some() || fields.0.get("f:data").is_some());
            assert!(!theirs, "{} {}", kind.kind, object.name_any());
        }
    }
}
