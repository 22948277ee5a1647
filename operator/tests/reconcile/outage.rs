//! What comes and goes beneath a running manager: kinds of others, and the API server.

use crate::support::control_plane::NAMESPACE;
use crate::support::world::exists;
use crate::support::{Snapshot, World, eventually};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, ListParams};
use netobserv_operator::owned::KINDS;
use serde_json::json;

const GROUP: &str = "monitoring.coreos.com";

/// How many of our objects are of the group's kinds.
async fn monitored(world: &World) -> usize {
    let ours = Snapshot::ours(&world.plane.client).await;
    let kinds = || KINDS.iter().filter(|kind| kind.group == GROUP);
    ours.0
        .keys()
        .filter(|key| kinds().any(|kind| key.starts_with(&format!("{} ", kind.kind))))
        .count()
}

async fn kinds_of_others_come_and_go(world: &World) {
    assert_eq!(monitored(world).await, 0);
    world.plane.serve(&[GROUP]).await;
    let several = async || {
        let count = monitored(world).await;
        (count > 1).then_some(()).ok_or_else(|| count.to_string())
    };
    eventually("objects of the new kinds", several).await;

    let definitions: Api<CustomResourceDefinition> = Api::all(world.plane.client.clone());
    for kind in KINDS.iter().filter(|kind| kind.group == GROUP) {
        let name = format!("{}.{GROUP}", kind.plural);
        definitions
            .delete(&name, &DeleteParams::default())
            .await
            .unwrap();
    }
    eventually("the manager knows that they are gone", async || {
        let log = world.manager.log();
        let gone = log.matches("its API is gone; no longer watched").count();
        (gone >= 2).then_some(()).ok_or_else(|| gone.to_string())
    })
    .await;
    world.settle().await;
    let (_, reason, message) = world.condition("Ready").await.unwrap();
    assert_ne!(reason, "Failure", "{message}");

    eventually("their definitions are gone", async || {
        let all = definitions.list(&ListParams::default()).await.unwrap();
        let left = all.items.into_iter().find(|left| left.spec.group == GROUP);
        left.is_none()
            .then_some(())
            .ok_or_else(|| format!("{left:?}"))
    })
    .await;
    world.plane.serve(&[GROUP]).await;
    eventually("they are back", several).await;
    world.settle().await;
}

/// The log says what is wrong while it is; then everything goes on without help.
async fn the_api_server_is_away_for_a_while(world: &World) {
    world.plane.stop_api_server();
    eventually("the log says that watches fail", async || {
        let log = world.manager.log();
        let of_watch = |line: &&str| line.contains("watch failed; trying again");
        let lines = log.lines().filter(of_watch);
        let is_told = lines
            .into_iter()
            .any(|line| line.contains("Connection refused"));
        is_told.then_some(()).ok_or(log)
    })
    .await;
    let log = world.manager.log();
    assert!(
        !log.contains("failed with error"),
        "each failure is told once: {log}"
    );
    world.plane.start_api_server();
    eventually("the API server answers", async || {
        let collector = world.collectors.get("cluster").await;
        collector.map(|_| ()).map_err(|error| error.to_string())
    })
    .await;

    // What changes now is seen.
    let services: Api<Service> = world.namespaced(NAMESPACE);
    let before = exists(&services, "flowlogs-pipeline").await.metadata.uid;
    services
        .delete("flowlogs-pipeline", &DeleteParams::default())
        .await
        .unwrap();
    eventually("the Service is back", async || {
        let service = services
            .get("flowlogs-pipeline")
            .await
            .map_err(|error| error.to_string())?;
        (service.metadata.uid != before)
            .then_some(())
            .ok_or_else(|| "the old one".to_owned())
    })
    .await;
    world.settle().await;
    let (_, reason, message) = world.condition("Ready").await.unwrap();
    assert_ne!(reason, "Failure", "{message}");
}

fn a_second_flowcollector_is_refused(world: &World) {
    let file = world.plane.folder().join("second.json");
    let second = json!({"apiVersion": "flows.netobserv.io/v1beta2", "kind": "FlowCollector",
        "metadata": {"name": "second"}, "spec": {}});
    std::fs::write(&file, second.to_string()).unwrap();
    let (_, refused) = world
        .plane
        .kubectl(&["apply", "-f", file.to_str().unwrap()]);
    assert!(refused.contains("cluster"), "{refused}");
    assert!(refused.contains("metadata.name"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_beneath_the_manager_is_told_and_mended_when_it_is_back() {
    let Some(world) = World::start().await else {
        return;
    };
    world.create_collector(json!({})).await;
    world.settle().await;
    a_second_flowcollector_is_refused(&world);
    kinds_of_others_come_and_go(&world).await;
    the_api_server_is_away_for_a_while(&world).await;
}
