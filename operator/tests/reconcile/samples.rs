//! Every sample on a real API server that serves all kinds we know, by the manager as it is shipped: with webhooks,
//! leader election and its own role. A request that the role refuses fails this test (see `ControlPlane`), and so does a
//! right that nothing needed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::rights::{Right, is_used, rights};
use crate::support::{ControlPlane, Manager, World, eventually};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use netobserv_operator::apis::flowcollector::FlowCollector;
use netobserv_operator::owned::KINDS;
use serde_json::json;

/// Kinds of others that we read: group, version, kind, plural.
const READ: [(&str, &str, &str, &str); 5] = [
    (
        "config.openshift.io",
        "v1",
        "ClusterVersion",
        "clusterversions",
    ),
    ("config.openshift.io", "v1", "Network", "networks"),
    ("operator.openshift.io", "v1", "Console", "consoles"),
    ("operator.openshift.io", "v1", "Network", "networks"),
    ("loki.grafana.com", "v1", "LokiStack", "lokistacks"),
];

/// Rights that no request shows, and why they are needed.
const UNSEEN: [(&str, &str, &str); 6] = [
    (
        "delete",
        "namespaces",
        "the agents' one, when a FlowCollector moves to another namespace: mostly the garbage collector is first",
    ),
    (
        "update",
        "flowcollectors/finalizers",
        "the API server asks for it itself where an owner reference blocks deletion",
    ),
    (
        "bind",
        "clusterroles",
        "the API server asks for it itself where a role is handed out; checked by the bindings",
    ),
    (
        "update",
        "secrets",
        "our own certificates are renewed a month before they end",
    ),
    (
        "create",
        "tokenreviews",
        "metrics that only this machine reaches need no token; others in tls.rs",
    ),
    ("create", "subjectaccessreviews", "as tokenreviews"),
];

fn config(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("config")
        .join(path)
}

fn api(
    plane: &ControlPlane,
    group: &str,
    version: &str,
    kind: &str,
    plural: &str,
) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk(group, version, kind);
    Api::all_with(
        plane.client.clone(),
        &ApiResource::from_gvk_with_plural(&kind, plural),
    )
}

/// Serves all kinds of others: an OpenShift as far as we look at it.
async fn serve_others(plane: &ControlPlane) {
    let groups: BTreeSet<&str> = KINDS
        .iter()
        .filter(|kind| kind.is_foreign)
        .map(|kind| kind.group)
        .collect();
    plane.serve(&Vec::from_iter(groups)).await;
    let definitions: Api<CustomResourceDefinition> = Api::all(plane.client.clone());
    for (group, version, kind, plural) in READ {
        let scope = if kind == "LokiStack" {
            "Namespaced"
        } else {
            "Cluster"
        };
        let definition = json!({
            "metadata": {"name": format!("{plural}.{group}")},
            "spec": {"group": group, "scope": scope, "names": {"kind": kind, "plural": plural}, "versions": [
                {"name": version, "served": true, "storage": true, "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                }},
            ]},
        });
        create(&definitions, &parse(definition)).await;
    }
    for (group, version, kind, plural, object) in [
        (
            "config.openshift.io",
            "v1",
            "ClusterVersion",
            "clusterversions",
            json!({
            "metadata": {"name": "version"}, "spec": {"clusterID": "id"},
            "status": {"history": [{"state": "Completed", "version": "4.20.1"}]}}),
        ),
        (
            "config.openshift.io",
            "v1",
            "Network",
            "networks",
            json!({
            "metadata": {"name": "cluster"}, "spec": {"networkType": "OVNKubernetes"}}),
        ),
        (
            "operator.openshift.io",
            "v1",
            "Console",
            "consoles",
            json!({"metadata": {"name": "cluster"}, "spec": {}}),
        ),
    ] {
        let api = api(plane, group, version, kind, plural);
        let mut object = object;
        object["apiVersion"] = format!("{group}/{version}").into();
        object["kind"] = kind.into();
        eventually(kind, async || {
            api.create(&kube::api::PostParams::default(), &parse(object.clone()))
                .await
                .map_err(|error| error.to_string())
        })
        .await;
    }
}

/// As if older operators had stored objects: of another version, which is then served too.
async fn pretend_older_versions(plane: &ControlPlane) {
    let definitions: Api<CustomResourceDefinition> = Api::all(plane.client.clone());
    let name = "flowmetrics.flows.netobserv.io";
    let mut versions = definitions.get(name).await.unwrap().spec.versions;
    let mut older = versions[0].clone();
    "v1alpha0".clone_into(&mut older.name);
    older.storage = false;
    versions.push(older);
    let patch = Patch::Merge(json!({"spec": {"versions": versions}}));
    definitions
        .patch(name, &PatchParams::default(), &patch)
        .await
        .unwrap();
    for (name, versions) in [
        (name, ["v1alpha0", "v1alpha1"]),
        ("flowcollectors.flows.netobserv.io", ["v1beta1", "v1beta2"]),
    ] {
        let patch = Patch::Merge(json!({"status": {"storedVersions": versions}}));
        definitions
            .patch_status(name, &PatchParams::default(), &patch)
            .await
            .unwrap();
    }
}

/// Samples in the order of their names, FlowCollectors last: they act on the others.
fn samples() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(config("samples")).unwrap();
    let mut samples: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    samples.sort_by_key(|path| (is_collector(path), path.clone()));
    samples
}

fn is_collector(sample: &Path) -> bool {
    std::fs::read_to_string(sample)
        .unwrap()
        .contains("\nkind: FlowCollector\n")
}

fn apply(plane: &ControlPlane, path: &Path) -> Result<(), String> {
    let (output, errors) = plane.kubectl(&["apply", "-f", path.to_str().unwrap()]);
    let is_taken = ["created", "configured", "unchanged"]
        .iter()
        .any(|word| output.contains(word));
    is_taken.then_some(()).ok_or(errors)
}

/// Roles that bindings of ours hand out now.
async fn handed_out(plane: &ControlPlane, seen: &mut BTreeSet<String>) {
    let bindings: Api<RoleBinding> = Api::all(plane.client.clone());
    let cluster_bindings: Api<ClusterRoleBinding> = Api::all(plane.client.clone());
    let ours = kube::api::ListParams::default().labels("netobserv-managed=true");
    seen.extend(
        bindings
            .list(&ours)
            .await
            .unwrap()
            .items
            .into_iter()
            .map(|binding| binding.role_ref.name),
    );
    seen.extend(
        cluster_bindings
            .list(&ours)
            .await
            .unwrap()
            .items
            .into_iter()
            .map(|binding| binding.role_ref.name),
    );
}

/// What the manager may do.
async fn shipped(plane: &ControlPlane) -> BTreeSet<Right> {
    let cluster_roles: Api<ClusterRole> = Api::all(plane.client.clone());
    let roles: Api<Role> = Api::namespaced(plane.client.clone(), NAMESPACE);
    let mut rules = cluster_roles
        .get("netobserv-manager-role")
        .await
        .unwrap()
        .rules
        .unwrap();
    rules.extend(
        roles
            .get("netobserv-leader-election-role")
            .await
            .unwrap()
            .rules
            .unwrap(),
    );
    rights(&rules)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_is_taken_and_the_shipped_role_is_just_enough() {
    let Some(plane) = ControlPlane::start().await else {
        return;
    };
    plane.install().await;
    serve_others(&plane).await;
    for stored in ["flowmetric_histogram.yaml", "flowcollector_minimal.yaml"] {
        apply(&plane, &config("samples").join(stored)).unwrap();
    }
    pretend_older_versions(&plane).await;
    let (_, errors) = plane.kubectl(&["apply", "-k", config("webhook").to_str().unwrap()]);
    assert_eq!(errors, "");
    let references =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample_references.yaml");
    apply(&plane, &references).unwrap();
    let manager = Manager::start_as_shipped(&plane.manager_kubeconfig().await).await;
    let collectors: Api<FlowCollector> = Api::all(plane.client.clone());
    let world = World {
        manager,
        collectors,
        plane,
    };

    let mut roles = BTreeSet::new();
    for sample in samples() {
        let name = sample.file_name().unwrap().to_string_lossy().into_owned();
        // The API server takes a moment to take in where the webhooks are.
        eventually(&name, async || apply(&world.plane, &sample)).await;
        if is_collector(&sample) {
            world.settle().await;
            let (_, reason, message) = world.condition("ConfigurationIssue").await.unwrap();
            assert!(
                ["Valid", "Warnings"].contains(&reason.as_str()),
                "{name}: {reason}: {message}"
            );
            handed_out(&world.plane, &mut roles).await;
        }
    }
    world
        .collectors
        .delete("cluster", &DeleteParams::default())
        .await
        .unwrap();

    let requests = world.plane.requests();
    let shipped = shipped(&world.plane).await;
    let bound: BTreeSet<String> = shipped
        .iter()
        .filter(|right| right.verb == "bind")
        .filter_map(|right| right.name.clone())
        .collect();
    assert_eq!(roles, bound, "roles that are handed out, and that may be");
    let is_unseen = |right: &Right| {
        let mut unseen = UNSEEN.iter();
        unseen.any(|(verb, resource, _)| right.verb == *verb && right.resource == *resource)
    };
    let unused: Vec<&Right> = shipped
        .iter()
        .filter(|right| !is_unseen(right) && !is_used(right, &requests))
        .collect();
    assert!(unused.is_empty(), "rights that nothing needs: {unused:#?}");
}

/// A binding to a role with more rights than the manager has itself is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_manager_hands_out_no_other_role() {
    let Some(plane) = ControlPlane::start().await else {
        return;
    };
    plane.install().await;
    let account = format!("--as=system:serviceaccount:{NAMESPACE}:netobserv-controller-manager");
    for (role, is_allowed) in [("netobserv-informers", true), ("cluster-admin", false)] {
        let role_argument = format!("--clusterrole={role}");
        let (output, _) = plane.kubectl(&[
            "create",
            "clusterrolebinding",
            role,
            &role_argument,
            "--serviceaccount=default:default",
            &account,
        ]);
        assert_eq!(output.contains("created"), is_allowed, "{role}: {output}");
    }
}
