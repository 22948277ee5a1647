//! Objects that an older operator stored in an older version are written anew.

use crate::support::audit::Request;
use crate::support::control_plane::{create, parse};
use crate::support::{ControlPlane, Manager, eventually};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use netobserv_operator::apis::flowmetric::FlowMetric;
use serde_json::{Value, json};

const DEFINITION: &str = "flowcollectors.flows.netobserv.io";

/// Makes `version` the stored one, and conversion what `strategy` says.
async fn store(definitions: &Api<CustomResourceDefinition>, version: &str, strategy: &Value) {
    let mut definition = definitions.get(DEFINITION).await.unwrap();
    for served in &mut definition.spec.versions {
        served.storage = served.name == version;
    }
    definition.spec.conversion = parse(strategy.clone());
    definition.metadata.managed_fields = None;
    definitions
        .replace(DEFINITION, &PostParams::default(), &definition)
        .await
        .unwrap();
}

async fn stored_versions(definitions: &Api<CustomResourceDefinition>) -> Vec<String> {
    let definition = definitions.get(DEFINITION).await.unwrap();
    definition.status.unwrap().stored_versions.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_in_an_older_version_is_written_anew_at_the_start() {
    let Some(plane) = ControlPlane::start().await else {
        return;
    };
    plane.install().await;
    let definitions: Api<CustomResourceDefinition> = Api::all(plane.client.clone());
    let ours = definitions.get(DEFINITION).await.unwrap();
    let webhook = serde_json::to_value(ours.spec.conversion).unwrap();
    store(&definitions, "v1beta1", &json!({"strategy": "None"})).await;
    let kind = GroupVersionKind::gvk("flows.netobserv.io", "v1beta1", "FlowCollector");
    let resource = ApiResource::from_gvk_with_plural(&kind, "flowcollectors");
    let old: Api<DynamicObject> = Api::all_with(plane.client.clone(), &resource);
    let object = json!({
        "apiVersion": "flows.netobserv.io/v1beta1", "kind": "FlowCollector", "metadata": {"name": "cluster"},
        "spec": {"agent": {"type": "EBPF", "ebpf": {"sampling": 9}}},
    });
    let before = eventually("a v1beta1 object is stored", async || {
        old.create(&PostParams::default(), &parse(object.clone()))
            .await
            .map_err(|error| error.to_string())
    })
    .await;
    store(&definitions, "v1beta2", &webhook).await;
    assert_eq!(stored_versions(&definitions).await, ["v1beta2", "v1beta1"]);

    let _manager = Manager::start_with_webhooks(&plane.manager_kubeconfig().await).await;
    eventually("nothing is stored in the older version", async || {
        let stored = stored_versions(&definitions).await;
        (stored == ["v1beta2"])
            .then_some(())
            .ok_or_else(|| format!("{stored:?}"))
    })
    .await;
    let after = eventually("conversion", async || {
        old.get("cluster").await.map_err(|error| error.to_string())
    })
    .await;
    assert_ne!(
        after.metadata.resource_version,
        before.metadata.resource_version
    );
    assert_eq!(after.data["spec"]["agent"]["ebpf"]["sampling"], 9);
    // From now on the older version may go from the definition.
    let mut without = definitions.get(DEFINITION).await.unwrap();
    without
        .spec
        .versions
        .retain(|version| version.name == "v1beta2");
    let patch = json!({"spec": {"versions": without.spec.versions}});
    definitions
        .patch(DEFINITION, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_cannot_be_written_hinders_no_other_but_the_end() {
    let Some(plane) = ControlPlane::start().await else {
        return;
    };
    plane.install().await;
    let metrics: Api<FlowMetric> = Api::namespaced(plane.client.clone(), "default");
    for name in ["bad", "good"] {
        let metric =
            json!({"metadata": {"name": name}, "spec": {"metricName": name, "type": "Counter"}});
        create(&metrics, &parse(metric)).await;
    }
    let rule = json!({"apiGroups": ["flows.netobserv.io"], "apiVersions": ["*"], "operations": ["UPDATE"],
        "resources": ["flowmetrics"]});
    let expression = "object.metadata.name != 'bad'";
    plane.refuse(rule, expression, "not this one").await;
    eventually("the policy is in force", async || {
        let label = ["label", "flowmetric", "bad", "--dry-run=server", "a=b"];
        let (_, errors) = plane.kubectl(&label);
        errors.contains("denied").then_some(()).ok_or(errors)
    })
    .await;
    // Another version, in which there could be objects yet.
    let name = "flowmetrics.flows.netobserv.io";
    let definitions: Api<CustomResourceDefinition> = Api::all(plane.client.clone());
    let mut definition = definitions.get(name).await.unwrap();
    let mut older = definition.spec.versions[0].clone();
    let newer = std::mem::replace(&mut older.name, "v1alpha0".to_owned());
    older.storage = false;
    definition.spec.versions.push(older);
    definition.metadata.managed_fields = None;
    let parameters = PostParams::default();
    definitions
        .replace(name, &parameters, &definition)
        .await
        .unwrap();
    let both = json!({"status": {"storedVersions": ["v1alpha0", newer]}});
    definitions
        .patch_status(name, &PatchParams::default(), &Patch::Merge(both))
        .await
        .unwrap();

    let manager = Manager::start(&plane.manager_kubeconfig().await).await;
    eventually("the other one is written", async || {
        let requests = plane.requests();
        let is_it =
            |request: &Request| (request.verb.as_str(), request.name.as_str()) == ("patch", "good");
        let is_written = requests.iter().any(is_it);
        is_written.then_some(()).ok_or_else(|| manager.log())
    })
    .await;
    let definition = definitions.get(name).await.unwrap();
    let stored = definition.status.unwrap().stored_versions.unwrap();
    assert_eq!(stored, ["v1alpha0", newer.as_str()]);
}
