//! The life of a FlowCollector where all kinds of others are served: held back and let go, moved, and removed with
//! all that is ours and nothing else.

use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::{Manager, Snapshot, World, eventually};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::core::DynamicObject;
use netobserv_operator::owned::{KINDS, Kind};
use serde_json::{Value, json};

const MOVED: &str = "elsewhere";
/// Where OpenShift's console looks for dashboards.
const DASHBOARDS: &str = "openshift-config-managed";
/// OpenShift's console, which lists its plugins.
const CONSOLE: Kind = Kind {
    group: "operator.openshift.io",
    version: "v1",
    kind: "Console",
    plural: "consoles",
    is_foreign: true,
};
/// In the name of what stays in the operator's own namespace, wherever the FlowCollector's components are.
const OPERATORS: &str = "-own-cert";
/// Kinds that run something.
const WORKLOADS: &[&str] = &["DaemonSet", "Deployment", "HorizontalPodAutoscaler"];

fn groups_of_others() -> Vec<&'static str> {
    let foreign = KINDS.iter().filter(|kind| kind.is_foreign);
    foreign.map(|kind| kind.group).collect()
}

/// Waits until what is ours is as the check wants it.
async fn ours(world: &World, what: &str, check: impl Fn(&Snapshot) -> Vec<String>) -> Snapshot {
    world.settle().await;
    eventually(what, async || {
        let ours = Snapshot::ours(&world.plane.client).await;
        let wrong = check(&ours);
        if wrong.is_empty() {
            Ok(ours)
        } else {
            Err(format!("{wrong:#?}"))
        }
    })
    .await
}

fn app(object: &Value) -> &str {
    object["metadata"]["labels"]["app"]
        .as_str()
        .unwrap_or_default()
}

/// Objects that may not be there on hold.
fn not_held(ours: &Snapshot) -> Vec<String> {
    let wrong = ours.0.iter().filter(|(key, object)| {
        let kind = key.split(' ').next().unwrap();
        let is_cluster_wide = object["metadata"]["namespace"].is_null();
        WORKLOADS.contains(&kind)
            || app(object).starts_with("flowlogs-pipeline")
            || (app(object) == "netobserv-plugin" && !is_cluster_wide)
            || (app(object) == "netobserv-ebpf-agent"
                && !["ServiceMonitor", "PrometheusRule"].contains(&kind))
    });
    wrong.map(|(key, _)| key.clone()).collect()
}

async fn is_held_back_and_let_go(world: &World) {
    let running = ours(world, "everything", |_| Vec::new()).await;
    world
        .merge(json!({"spec": {"execution": {"mode": "OnHold"}}}))
        .await;
    let held = ours(world, "no workloads", not_held).await;
    for lasting in [
        "Namespace /netobserv-privileged",
        "SecurityContextConstraints /netobserv-ebpf-agent",
        "ServiceMonitor netobserv-privileged/ebpf-agent-svc-monitor",
        "PrometheusRule netobserv-privileged/ebpf-agent-prom-alert",
    ] {
        assert!(
            held.0.contains_key(lasting),
            "{lasting}: {:#?}",
            held.keys()
        );
    }
    for kind in [
        "WaitingEBPFAgents",
        "WaitingFLPMonolith",
        "WaitingWebConsole",
    ] {
        world.reason(kind, "ComponentUnused").await;
    }
    for kind in ["WaitingEBPFAgents", "WaitingWebConsole"] {
        let message = world.reason(kind, "ComponentUnused").await;
        assert_eq!(message, "FlowCollector is on hold", "{kind}");
    }
    let (status, _, message) = world.condition("Ready").await.unwrap();
    assert_eq!(status, "True", "{message}");
    assert!(message.contains("on hold"), "{message}");

    world
        .merge(json!({"spec": {"execution": {"mode": "Running"}}}))
        .await;
    ours(world, "everything is as before", |ours| {
        ours.since(&running)
    })
    .await;
}

/// Deletes the FlowCollector and makes it again at once, while what it owned is still going.
async fn recreate_in(world: &World, namespace: &str) {
    world
        .collectors
        .delete("cluster", &DeleteParams::default())
        .await
        .unwrap();
    world
        .create_collector(json!({"namespace": namespace}))
        .await;
}

async fn is_moved_and_back(world: &World) {
    let before = ours(world, "everything", |_| Vec::new()).await;
    let moved = json!({"spec": {"namespace": MOVED}});
    let (_, refused) = world.plane.kubectl(&[
        "patch",
        "flowcollector",
        "cluster",
        "--type=merge",
        "-p",
        &moved.to_string(),
    ]);
    let expected = "delete the FlowCollector and create it again with the other namespace";
    assert!(refused.contains(expected), "{refused}");
    recreate_in(world, MOVED).await;
    // The same objects under the same names, and the namespace that outlives them.
    let mut expected: Vec<String> = before
        .keys()
        .iter()
        .map(|key| {
            if key.contains(OPERATORS) {
                key.clone()
            } else {
                key.replace(" netobserv/", " elsewhere/")
            }
        })
        .map(|key| key.replace("netobserv-privileged", "elsewhere-privileged"))
        .chain([
            format!("Namespace /{MOVED}"),
            format!("Namespace /{NAMESPACE}"),
        ])
        .collect();
    expected.sort();
    expected.dedup();
    let moved = ours(
        world,
        "all is in the new namespaces, and nothing else",
        |ours| {
            let keys = ours.keys();
            let strange = keys.iter().filter(|key| !expected.contains(key));
            let missing = expected.iter().filter(|key| !keys.contains(key));
            strange.chain(missing).cloned().collect()
        },
    )
    .await;
    let text = serde_json::to_string(&moved.0).unwrap();
    assert!(
        !text.contains("netobserv-privileged"),
        "no object names the old namespace of the agents"
    );

    recreate_in(world, NAMESPACE).await;
    ours(world, "everything is back", |ours| {
        let mut differs = ours.since(&before);
        differs.retain(|key| *key != format!("+ Namespace /{MOVED}"));
        differs
    })
    .await;
}

/// With the FlowCollector everything goes that is ours, and nothing else.
async fn goes_with_all_that_is_its(world: &World, before: &Snapshot) {
    world
        .collectors
        .delete("cluster", &DeleteParams::default())
        .await
        .unwrap();
    let mut expected = vec![
        format!("~ Namespace /{NAMESPACE}"),
        // The console's registration stays.
        "~ Console /cluster".to_owned(),
    ];
    // What every namespace gets from Kubernetes itself.
    expected.extend(
        [
            "ConfigMap elsewhere/kube-root-ca.crt",
            "Namespace /elsewhere",
            "ServiceAccount elsewhere/default",
        ]
        .map(|key| format!("+ {key}")),
    );
    expected.sort();
    eventually("all that is ours is gone", async || {
        let mut left = Snapshot::of(&world.plane.client).await.since(before);
        left.sort();
        (left == expected)
            .then_some(())
            .ok_or_else(|| format!("{left:#?}"))
    })
    .await;
    let namespaces: Api<Namespace> = Api::all(world.plane.client.clone());
    let namespace = namespaces.get(NAMESPACE).await.unwrap();
    assert_eq!(namespace.metadata.owner_references, None);
}

/// The names in the list of OpenShift's console are those of others and, while there is a console of ours, its own.
async fn is_registered_while_it_has_a_console(world: &World) {
    for (is_enabled, expected) in [
        (true, vec!["of-others", "netobserv-plugin"]),
        (false, vec!["of-others"]),
        (true, vec!["of-others", "netobserv-plugin"]),
    ] {
        world
            .merge(json!({"spec": {"consolePlugin": {"enable": is_enabled}}}))
            .await;
        eventually("the list of plugins", async || {
            let console = consoles(world).get("cluster").await.unwrap();
            let plugins = &console.data["spec"]["plugins"];
            (*plugins == json!(expected))
                .then_some(())
                .ok_or_else(|| format!("{plugins}, not {expected:?}"))
        })
        .await;
    }
}

/// What an OpenShift has besides its kinds.
async fn be_openshift(world: &World) {
    let namespaces: Api<Namespace> = Api::all(world.plane.client.clone());
    create(
        &namespaces,
        &parse(json!({"metadata": {"name": DASHBOARDS}})),
    )
    .await;
    world.plane.serve_kinds(&[&CONSOLE]).await;
    let console: DynamicObject = parse(
        json!({"apiVersion": "operator.openshift.io/v1", "kind": "Console",
        "metadata": {"name": "cluster"}, "spec": {"plugins": ["of-others"]}}),
    );
    create(&consoles(world), &console).await;
}

fn consoles(world: &World) -> Api<DynamicObject> {
    Api::all_with(world.plane.client.clone(), &CONSOLE.resource())
}

/// The cluster once nothing changes in it.
async fn still(world: &World) -> Snapshot {
    eventually("nothing changes", async || {
        let before = Snapshot::of(&world.plane.client).await;
        let after = Snapshot::of(&world.plane.client).await;
        let changed = after.since(&before);
        if changed.is_empty() {
            Ok(after)
        } else {
            Err(format!("{changed:?}"))
        }
    })
    .await
}

/// Objects of others that look a little like ours.
async fn add_strangers(world: &World) {
    let labels = json!({"app": "flowlogs-pipeline", "part-of": "netobserv-operator"});
    create(
        &world.namespaced::<ConfigMap>(NAMESPACE),
        &parse(json!({"metadata": {"name": "mine", "labels": labels}})),
    )
    .await;
    create(
        &world.namespaced::<Service>(NAMESPACE),
        &parse(
            json!({"metadata": {"name": "mine", "labels": {"netobserv-managed": "false"}},
            "spec": {"ports": [{"port": 1}]}}),
        ),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flowcollector_is_held_back_moved_and_removed() {
    let Some(world) = World::start_on(&groups_of_others()).await else {
        return;
    };
    be_openshift(&world).await;
    add_strangers(&world).await;
    let before = still(&world).await;
    let console = consoles(&world).get("cluster").await.unwrap();
    assert_eq!(console.data["spec"]["plugins"], json!(["of-others"]));
    world.create_collector(json!({})).await;
    is_registered_while_it_has_a_console(&world).await;
    is_held_back_and_let_go(&world).await;
    is_moved_and_back(&world).await;
    goes_with_all_that_is_its(&world, &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_former_operators_left_is_removed_if_it_is_theirs() {
    let Some(world) = World::start().await else {
        return;
    };
    let bindings: Api<ClusterRoleBinding> = Api::all(world.plane.client.clone());
    let binding = |name: &str, managed: &str| {
        parse(json!({
            "metadata": {"name": name, "labels": {"netobserv-managed": managed}},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        }))
    };
    // No watch shows the first: it has an owner, and no label.
    let mut owned: ClusterRoleBinding = binding("netobserv-plugin", "true");
    owned.metadata.labels = None;
    owned.metadata.owner_references = parse(json!([{
        "apiVersion": "flows.netobserv.io/v1beta2", "kind": "FlowCollector", "name": "cluster", "uid": "of-long-ago",
    }]));
    let detached = "flowlogs-pipeline-transformer-role";
    // Garbage collection would remove what has an owner that is gone, so there is a real one.
    let collector = world.create_collector(json!({})).await;
    owned.metadata.owner_references.as_mut().unwrap()[0].uid = collector.metadata.uid.unwrap();
    world.settle().await;
    create(&bindings, &owned).await;
    create(&bindings, &binding(detached, "false")).await;
    // A finalizer that nobody acts on any more, beside one of somebody else.
    let finalizers = ["flows.netobserv.io/finalizer", "example.com/mine"];
    world
        .merge(json!({"metadata": {"finalizers": finalizers}}))
        .await;

    drop(world.manager);
    let manager = Manager::start(&world.plane.manager_kubeconfig().await).await;
    let world = World { manager, ..world };
    eventually(
        "the binding of a former operator is gone",
        async || match bindings.get_opt("netobserv-plugin").await.unwrap() {
            Some(_) => Err("still there".to_owned()),
            None => Ok(()),
        },
    )
    .await;
    assert!(bindings.get_opt(detached).await.unwrap().is_some());
    eventually("the finalizer is gone", async || {
        let collector = world.collectors.get("cluster").await.unwrap();
        let left = collector.metadata.finalizers.unwrap_or_default();
        (left == ["example.com/mine"])
            .then_some(())
            .ok_or_else(|| format!("{left:?}"))
    })
    .await;
    world.settle().await;

    // Also from one that is being deleted already, which would never end otherwise.
    let only = json!({"metadata": {"finalizers": ["flows.netobserv.io/finalizer"]}});
    drop(world.manager);
    world
        .collectors
        .patch("cluster", &PatchParams::default(), &Patch::Merge(only))
        .await
        .unwrap();
    world
        .collectors
        .delete("cluster", &DeleteParams::default())
        .await
        .unwrap();
    assert!(world.collectors.get_opt("cluster").await.unwrap().is_some());
    let _manager = Manager::start(&world.plane.manager_kubeconfig().await).await;
    eventually("the FlowCollector is gone", async || {
        match world.collectors.get_opt("cluster").await.unwrap() {
            Some(_) => Err("still there".to_owned()),
            None => Ok(()),
        }
    })
    .await;
}
