//! A FlowCollector on a real API server: its objects come, stay, change and go.

use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::world::exists;
use crate::support::{Manager, World, eventually};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service};
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

const PRIVILEGED: &str = "netobserv-privileged";
const AGENT: &str = "netobserv-ebpf-agent";
const PIPELINE: &str = "flowlogs-pipeline";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_specification_is_deployed_once_and_removed_with_its_owner() {
    let Some(world) = World::start().await else {
        return;
    };
    let collector = world.create_collector(json!({})).await;

    let agents: Api<DaemonSet> = world.namespaced(PRIVILEGED);
    let pipelines: Api<Deployment> = world.namespaced(NAMESPACE);
    let agent = exists(&agents, AGENT).await;
    let pipeline = exists(&pipelines, PIPELINE).await;
    for metadata in [&agent.metadata, &pipeline.metadata] {
        let labels = metadata.labels.clone().unwrap();
        assert_eq!(labels["netobserv-managed"], "true");
        assert_eq!(labels["part-of"], "netobserv-operator");
        assert_eq!(labels["version"], "main");
        let owner = &metadata.owner_references.clone().unwrap()[0];
        assert_eq!(Some(&owner.uid), collector.metadata.uid.as_ref());
        assert_eq!(owner.controller, Some(true));
        assert!(
            metadata
                .annotations
                .clone()
                .unwrap()
                .contains_key("flows.netobserv.io/applied-digest")
        );
    }
    exists(&world.namespaced::<Service>(NAMESPACE), PIPELINE).await;
    let config = exists(
        &world.namespaced::<ConfigMap>(NAMESPACE),
        "flowlogs-pipeline-config",
    )
    .await;
    let config: Value = serde_json::from_str(&config.data.unwrap()["config.json"]).unwrap();
    assert_eq!(config["pipeline"][0]["name"], "grpc");

    // Without nodes no pod of the pipeline can be there, and the status says so.
    for (kind, expected) in [
        ("Ready", "Pending"),
        ("WaitingEBPFAgents", "Ready"),
        ("WaitingFLPMonolith", "DeploymentNotReady"),
        ("WaitingWebConsole", "DeploymentNotReady"),
        ("ConfigurationIssue", "Valid"),
    ] {
        eventually(kind, async || {
            let (_, reason, message) = world.condition(kind).await?;
            (reason == expected)
                .then_some(())
                .ok_or_else(|| format!("{reason}: {message}"))
        })
        .await;
    }

    world.settle().await;
    let writes = world.plane.writes();
    for resource in ["daemonsets", "deployments", "configmaps", "services"] {
        let of_agent_or_pipeline = writes
            .iter()
            .filter(|write| write.starts_with(&format!("patch {resource} ")));
        let mut names: Vec<&String> = of_agent_or_pipeline.collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "each object is written once: {writes:#?}");
    }

    // A manager that starts anew finds everything as it should be.
    drop(world.manager);
    let manager = Manager::start(&world.plane.manager_kubeconfig().await).await;
    let world = World { manager, ..world };
    eventually("a first run", async || {
        (world.manager.runs() > 0)
            .then_some(())
            .ok_or_else(String::new)
    })
    .await;
    assert_eq!(
        world.plane.writes(),
        writes,
        "nothing changed, so nothing is written"
    );

    // A change touches only what it concerns.
    world
        .merge(json!({"spec": {"agent": {"ebpf": {"sampling": 7}}}}))
        .await;
    eventually("the agents' new sampling", async || {
        let agent = agents.get(AGENT).await.map_err(|error| error.to_string())?;
        let container = &agent.spec.template.spec.ok_or("no pod")?.containers[0];
        let sampling = container
            .env
            .iter()
            .flatten()
            .find(|variable| variable.name == "SAMPLING");
        let value = sampling.and_then(|variable| variable.value.clone());
        (value.as_deref() == Some("7"))
            .then_some(())
            .ok_or_else(|| format!("{value:?}"))
    })
    .await;
    world.settle().await;
    let mut changed = world.plane.writes()[writes.len()..].to_vec();
    // The page says the sampling.
    changed.retain(|write| !write.contains("flowcollectors/status") && !write.contains("plugin"));
    assert_eq!(changed, [format!("patch daemonsets {PRIVILEGED}/{AGENT}")]);

    // What it owns goes with it; the namespace that was there before stays.
    world
        .collectors
        .delete("cluster", &DeleteParams::default())
        .await
        .unwrap();
    let namespaces: Api<Namespace> = Api::all(world.plane.client.clone());
    eventually("everything owned is gone", async || {
        let left = [
            agents
                .get_opt(AGENT)
                .await
                .unwrap()
                .map(|left| left.name_any()),
            pipelines
                .get_opt(PIPELINE)
                .await
                .unwrap()
                .map(|left| left.name_any()),
            namespaces
                .get_opt(PRIVILEGED)
                .await
                .unwrap()
                .map(|left| left.name_any()),
        ];
        let left: Vec<_> = left.into_iter().flatten().collect();
        left.is_empty()
            .then_some(())
            .ok_or_else(|| format!("{left:?}"))
    })
    .await;
    assert!(namespaces.get_opt(NAMESPACE).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_object_is_reported_until_it_is_handed_over() {
    let Some(world) = World::start().await else {
        return;
    };
    let configs: Api<ConfigMap> = world.namespaced(NAMESPACE);
    let name = "flowlogs-pipeline-config";
    let stranger =
        json!({"metadata": {"name": name}, "data": {"config.json": "{}", "mine": "yes"}});
    create(&configs, &parse(stranger)).await;
    world.create_collector(json!({})).await;

    let message = eventually("the failure", async || {
        let (_, reason, message) = world.condition("WaitingFLPMonolith").await?;
        (reason == "FLPError").then_some(message).ok_or(reason)
    })
    .await;
    assert!(
        message.contains("ConfigMap netobserv/flowlogs-pipeline-config exists and is not ours"),
        "{message}"
    );
    // The rest is deployed all the same.
    exists(&world.namespaced::<Deployment>(NAMESPACE), PIPELINE).await;
    let untouched = configs.get(name).await.unwrap();
    assert_eq!(untouched.data.unwrap()["config.json"], "{}");
    assert_eq!(untouched.metadata.labels, None);

    let handed_over = json!({"metadata": {"labels": {"netobserv-managed": "true"}}});
    configs
        .patch(name, &PatchParams::default(), &Patch::Merge(handed_over))
        .await
        .unwrap();
    eventually("the object is taken over", async || {
        let config = configs.get(name).await.map_err(|error| error.to_string())?;
        let data = config.data.unwrap_or_default();
        // What others wrote into it and is not wanted is gone too.
        let is_ours = data["config.json"].contains("pipeline") && !data.contains_key("mine");
        is_ours.then_some(()).ok_or_else(|| format!("{data:?}"))
    })
    .await;
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_edit_is_undone_and_a_removed_object_comes_back() {
    let Some(world) = World::start().await else {
        return;
    };
    world.create_collector(json!({})).await;
    let agents: Api<DaemonSet> = world.namespaced(PRIVILEGED);
    exists(&agents, AGENT).await;
    world.settle().await;

    // A list that only one may own: an added variable is undone, though another manager claims it.
    let edit = json!({"spec": {"template": {"spec": {"containers": [
        {"name": AGENT, "env": [{"name": "MINE", "value": "yes"}]}
    ]}}}});
    agents
        .patch(AGENT, &PatchParams::default(), &Patch::Strategic(edit))
        .await
        .unwrap();
    eventually("the edit is undone", async || {
        let agent = agents.get(AGENT).await.map_err(|error| error.to_string())?;
        let container = &agent.spec.template.spec.ok_or("no pod")?.containers[0];
        let is_mine = |name: &str| {
            container
                .env
                .iter()
                .flatten()
                .any(|variable| variable.name == name)
        };
        (!is_mine("MINE") && is_mine("TARGET_HOST"))
            .then_some(())
            .ok_or_else(|| format!("{:?}", container.env))
    })
    .await;

    // Labels and annotations of others are theirs.
    let note = json!({"metadata": {"annotations": {"team": "network"}}});
    agents
        .patch(AGENT, &PatchParams::default(), &Patch::Merge(note))
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(
        agents.get(AGENT).await.unwrap().annotations()["team"],
        "network"
    );

    let services: Api<Service> = world.namespaced(NAMESPACE);
    let before = exists(&services, PIPELINE).await.uid();
    services
        .delete(PIPELINE, &DeleteParams::default())
        .await
        .unwrap();
    eventually("the Service is back", async || {
        let service = services
            .get(PIPELINE)
            .await
            .map_err(|error| error.to_string())?;
        (service.uid() != before)
            .then_some(())
            .ok_or_else(|| "the old one".to_owned())
    })
    .await;
    world.settle().await;
}
